// SPDX-License-Identifier: GPL-2.0
/*
 * get, set and limit. What is to be written is looked at as a whole first: names,
 * values, whether the file can be written. Then it is written in order; where the kernel
 * refuses one, those before it get their old values back.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ctl.h"

/* --- get ----------------------------------------------------------------------- */

static const struct column columns[] = {
	{ "FILE", "name of the control file", 0 },
	{ "VALUE", "its value", T_WRAP },
	{ "MODE", "permission bits", 0 },
	{ "OWNER", "who may write it", 0 },
};

static struct {
	struct table_options table;
	struct strings words;
	const char *path;
	bool has_table, dry_run, verbose;
} args;

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_INIT:
		if (args.has_table)
			state->child_inputs[0] = &args.table;
		break;
	case 'n':
		args.dry_run = true;
		break;
	case 'v':
		args.verbose = true;
		break;
	case ARGP_KEY_ARG:
		if (!args.path)
			args.path = arg;
		else
			strings_add(&args.words, arg);
		break;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* How many letters are to change from one word to the other, more than 9 as 9. */
static int distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	int d[64][64];

	if (n > 62 || m > 62)
		return 9;
	for (size_t i = 0; i <= n; i++)
		for (size_t j = 0; j <= m; j++) {
			int best;

			if (!i || !j) {
				d[i][j] = i + j;
				continue;
			}
			best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			d[i][j] = best;
		}
	return d[n][m] < 9 ? d[n][m] : 9;
}

static void no_such_file(const struct cont *c, const struct strings *files, const char *name)
{
	const char *near = NULL;
	int best = 4;

	for (size_t i = 0; i < files->n; i++) {
		int d = distance(name, files->v[i]);
		size_t len = strlen(files->v[i]), k = strlen(name);

		/* "numfiles.limit" is meant for "bc.numfiles.limit" */
		if (len > k && !strcmp(files->v[i] + len - k, name))
			d = 0;
		if (d < best) {
			best = d;
			near = files->v[i];
		}
	}
	if (near)
		complain("%s has no file %s; is %s meant?", cont_name(c), shown(name), near);
	else
		complain("%s has no file %s\n  Cure: containerctl get %s lists the files; containerctl status says which subsystems are bound.",
			 cont_name(c), shown(name), cont_name(c));
}

static bool cannot_read(const struct cont *c, const char *file)
{
	struct failure f = { .what = file, .c = c, .err = errno, .at_open = errno == EACCES };

	explain_failure(&f);
	return false;
}

int cmd_get(int argc, char **argv)
{
	static const struct argp_child children[] = { { &table_argp, 0, NULL, 0 }, { } };
	static const struct argp argp = {
		.parser = parse, .children = children, .args_doc = "PATH [FILE|PATTERN...]",
		.doc = "Read control files. One FILE gives its value as it is; several, or none (all but the lists of members), a table.",
	};
	struct strings files, wanted = { };
	struct table *t;
	struct cont c;
	bool good = true;

	args.has_table = true;
	args.table.known = columns;
	args.table.nknown = ARRAY_SIZE(columns);
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	hiers_need();
	c = cont_get(args.path);
	files = cont_files(&c);
	for (size_t i = 0; i < args.words.n; i++) {
		const char *w = file_canonical(c.h, args.words.v[i]);
		bool any = false;

		for (size_t j = 0; j < files.n; j++)
			if (!fnmatch(w, files.v[j], 0)) {
				strings_add(&wanted, files.v[j]);
				any = true;
			}
		if (!any) {
			no_such_file(&c, &files, args.words.v[i]);
			return EXIT_FAILURE;
		}
	}
	if (args.words.n == 1 && wanted.n == 1 && !args.table.json && !args.table.columns) {
		char *text = cont_read(&c, wanted.v[0]);

		if (!text)
			return cannot_read(&c, wanted.v[0]), EXIT_FAILURE;
		fputs(text, stdout);
		return 0;
	}
	if (!args.words.n)
		wanted = files;
	t = table_new("values", columns, ARRAY_SIZE(columns), "FILE,VALUE", &args.table);
	for (size_t i = 0; i < wanted.n; i++) {
		const char *file = wanted.v[i];
		struct row *row;
		struct stat st;
		char *value;

		if (!args.words.n && (!strcmp(file, "tasks") || !strcmp(file, "procs")))
			continue;
		if (stat(cont_file(&c, file), &st)) {
			good = cannot_read(&c, file);
			continue;
		}
		value = cont_line(&c, file);
		if (!value && (args.words.n || errno != EACCES)) {
			good = cannot_read(&c, file);
			continue;
		}
		row = table_row(t, NULL);
		table_set(t, row, "FILE", file);
		table_set(t, row, "VALUE", value ? value : "-");
		table_setf(t, row, "MODE", "%04o", st.st_mode & 07777);
		table_set(t, row, "OWNER", user_name(st.st_uid));
	}
	table_print(t);
	return good ? 0 : EXIT_FAILURE;
}

/* --- set and limit ------------------------------------------------------------------ */

struct change {
	char *file, *old, *value;
};

struct changes {
	struct change *v;
	size_t n;
};

static bool add_change(struct changes *l, const struct cont *c, const struct strings *files,
		       const char *name, const char *text)
{
	const char *file = file_canonical(c->h, name);
	struct change ch = { .file = xstrdup(file) };
	char *why = NULL;
	struct stat st;

	if (!strcmp(file, "tasks") || !strcmp(file, "procs")) {
		complain("%s: members are moved by containerctl attach", file);
		return false;
	}
	if (!strings_has(files, file)) {
		no_such_file(c, files, name);
		return false;
	}
	ch.old = cont_line(c, file);
	if (!stat(cont_file(c, file), &st) && !(st.st_mode & 0222)) {
		struct failure f = { .what = file, .c = c, .value = text, .err = EACCES };

		explain_failure(&f);
		return false;
	}
	/* a second change of a file builds on the first */
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].file, file))
			ch.old = l->v[i].value;
	ch.value = value_parse(file, text, ch.old, &why);
	if (!ch.value) {
		complain("%s: %s: %s", cont_name(c), file, why);
		return false;
	}
	l->v = xrealloc_array(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = ch;
	return true;
}

static bool apply(const struct cont *c, const struct changes *l, bool dry_run, bool verbose)
{
	for (size_t i = 0; i < l->n; i++) {
		struct change *ch = &l->v[i];
		char *old = ch->old ? shown(ch->old) : NULL;

		if (dry_run || verbose)
			printf("%s %s: %s -> %s\n", cont_name(c), ch->file, old && *old ? old : "(empty)",
			       *ch->value ? shown(ch->value) : "(empty)");
		if (dry_run || cont_set(c, ch->file, ch->value))
			continue;
		while (i--)
			if (l->v[i].old && cont_write(c, l->v[i].file, l->v[i].old, NULL))
				complain("%s: %s has its new value %s and does not take the old one back",
					 cont_name(c), l->v[i].file, shown(l->v[i].value));
			else
				complain("%s: %s is back at %s", cont_name(c), l->v[i].file,
					 l->v[i].old ? shown(l->v[i].old) : "?");
		return false;
	}
	return true;
}

static bool split(const char *word, char **name, const char **value)
{
	const char *eq = strchr(word, '=');

	if (!eq || eq == word) {
		complain("\"%s\" is not NAME=VALUE", shown(word));
		return false;
	}
	*name = xstrndup(word, eq - word);
	*value = eq + 1;
	return true;
}

/*
 * Barrier and limit of a resource, in an order in which the barrier is never above the
 * limit: what grows, limit first; what shrinks, barrier first.
 */
static bool add_bounds(struct changes *l, const struct cont *c, const struct strings *files,
		       const char *resource, const char *text)
{
	const char *colon = strchr(text, ':');
	char *barrier = xasprintf("bc.%s.barrier", resource), *limit = xasprintf("bc.%s.limit", resource);
	const char *b = colon ? xstrndup(text, colon - text) : text, *m = colon ? colon + 1 : text;
	char *value, *why = NULL, *old = cont_line(c, limit), *was = cont_line(c, barrier);
	bool grows;

	/* one word with a sign is about the limit, and the barrier keeps its distance at most */
	value = value_parse(limit, m, old, &why);
	if (!value) {
		complain("%s: %s: %s", cont_name(c), limit, why);
		return false;
	}
	if (!colon)
		b = value;
	else if (!(b = value_parse(barrier, b, was, &why))) {
		complain("%s: %s: %s", cont_name(c), barrier, why);
		return false;
	}
	m = value;
	if (strtoll(b, NULL, 10) > strtoll(m, NULL, 10)) {
		complain("%s: the barrier %s would be above the limit %s", cont_name(c), b, m);
		return false;
	}
	grows = !was || strtoll(m, NULL, 10) >= strtoll(was, NULL, 10);
	return grows ? add_change(l, c, files, limit, m) && add_change(l, c, files, barrier, b) :
		       add_change(l, c, files, barrier, b) && add_change(l, c, files, limit, m);
}

static bool add_limit(struct changes *l, const struct cont *c, const struct strings *files,
		      const char *word)
{
	static const struct {
		const char *name, *file;
	} names[] = {
		{ "cpus", "cpuset.cpus" }, { "mems", "cpuset.mems" },
		{ "shares", "numtasks.shares" },
		/* resources of bc, in the words of people */
		{ "files", "numfiles" }, { "tasks", "numtasks" }, { "memory", "privvmpages" },
	};
	const char *value, *key;
	char *name;

	if (!split(word, &name, &value))
		return false;
	key = name;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i].name))
			key = names[i].file;
	if (strings_has(files, key))
		return add_change(l, c, files, key, value);
	if (strings_has(files, xasprintf("bc.%s.limit", key)))
		return add_bounds(l, c, files, key, value);
	if (!strcmp(key, "numtasks") && strings_has(files, "numtasks.shares")) {
		complain("%s: bc is not bound here, and numtasks limits by shares\n  Cure: containerctl limit %s shares=max_shares=N, N parts of the parent's child_shares_divisor",
			 cont_name(c), cont_name(c));
		return false;
	}
	complain("%s: there is no limit \"%s\" here; known are files, tasks, memory and the other resources of bc, cpus, mems, shares, and the names of control files. Bound are: %s",
		 cont_name(c), shown(name), c->h->subsys.n ? c->h->key : "no subsystems");
	return false;
}

bool limits_apply(const struct cont *c, char **words, size_t n, bool dry_run, bool verbose)
{
	struct strings files = cont_files(c);
	struct changes l = { };

	for (size_t i = 0; i < n; i++)
		if (!add_limit(&l, c, &files, words[i]))
			return false;
	return apply(c, &l, dry_run, verbose);
}

static const struct argp_option set_options[] = {
	{ "dry-run", 'n', NULL, 0, "say what would be written, and write nothing", 0 },
	{ "verbose", 'v', NULL, 0, "say what is written", 0 },
	{ }
};

#define VALUES "\vA bound of bc may be 10k, 512M, 2GiB (bytes where the file counts pages, too), max, or a change: +10%, -5."

int cmd_set(int argc, char **argv)
{
	static const struct argp argp = {
		.options = set_options, .parser = parse, .args_doc = "PATH FILE=VALUE...",
		.doc = "Write control files: all of them, or none." VALUES,
	};
	struct changes l = { };
	struct strings files;
	struct cont c;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	if (!args.words.n)
		die_as(64, "set: which FILE=VALUE?");
	hiers_need();
	c = cont_get(args.path);
	files = cont_files(&c);
	for (size_t i = 0; i < args.words.n; i++) {
		const char *value;
		char *name;

		if (!split(args.words.v[i], &name, &value) || !add_change(&l, &c, &files, name, value))
			return EXIT_FAILURE;
	}
	return apply(&c, &l, args.dry_run, args.verbose) ? 0 : EXIT_FAILURE;
}

int cmd_limit(int argc, char **argv)
{
	static const struct argp argp = {
		.options = set_options, .parser = parse, .args_doc = "PATH NAME=VALUE...",
		.doc = "Set limits: files, tasks, memory, or another resource of bc (both bounds; BARRIER:LIMIT for two), cpus, mems, shares, or a control file: all of them, or none." VALUES,
	};
	struct cont c;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	if (!args.words.n)
		die_as(64, "limit: which NAME=VALUE?");
	hiers_need();
	c = cont_get(args.path);
	return limits_apply(&c, args.words.v, args.words.n, args.dry_run, args.verbose) ?
	       0 : EXIT_FAILURE;
}
