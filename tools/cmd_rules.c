// SPDX-License-Identifier: GPL-2.0
/*
 * rules: which container a process belongs in, by its user and its command, as the [rules] of
 * the configuration say: what that is for a user and a command (test), and moving those
 * there that nobody has placed yet (apply).
 */
#include <ctype.h>
#include <fnmatch.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "config.h"

/* --- the rules ------------------------------------------------------------------------ */

/* "USER:COMMAND", "@GROUP:COMMAND" or "*", of which the command may be left out */
static char *who_of(const struct setting *t, const char **command)
{
	const char *colon = strchr(t->key, ':');

	*command = colon ? colon + 1 : NULL;
	return colon ? xstrndup(t->key, colon - t->key) : xstrdup(t->key);
}

void rules_check(const struct section *s, void (*wrong)(const struct section *s,
							const struct setting *t, const char *why))
{
	for (size_t i = 0; i < s->n; i++) {
		const struct setting *t = &s->v[i];
		struct strings places = strings_split(t->value, ", \t");
		const char *command;
		char *who = who_of(t, &command);

		if (*who == '@' ? !getgrnam(who + 1) : strcmp(who, "*") && !getpwnam(who))
			wrong(s, t, xasprintf("there is no %s \"%s\"", *who == '@' ? "group" : "user",
					      shown(who + (*who == '@'))));
		if (command && (!*command || strchr(command, '/')))
			wrong(s, t, "a command is a name, without its directory; * and ? stand for what varies");
		if (!places.n)
			wrong(s, t, "a rule says which container: USER:COMMAND = HIERARCHY:/path");
		for (size_t j = 0; j < places.n; j++) {
			char *label;

			if (!strstr(places.v[j], ":/") || strstr(places.v[j], "/../")) {
				wrong(s, t, xasprintf("\"%s\" is not HIERARCHY:/path", shown(places.v[j])));
				continue;
			}
			label = label_of(places.v[j]);
			if (!hier_find(label) && !mount_section(label))
				wrong(s, t, xasprintf("there is no hierarchy %s, and no [mount %s]", shown(label),
						      shown(label)));
		}
	}
}

static bool in_group(const struct passwd *user, const char *name)
{
	const struct group *g = getgrnam(name);

	if (!g)
		return false;
	for (char **member = g->gr_mem; *member; member++)
		if (!strcmp(*member, user->pw_name))
			return true;
	return user->pw_gid == g->gr_gid;
}

/* Either name of the command may be NULL. */
static bool rule_fits(const struct setting *t, const struct passwd *user, const char *name,
		      const char *other)
{
	const char *command;
	char *who = who_of(t, &command);
	bool fits = !strcmp(who, "*") || (*who == '@' ? in_group(user, who + 1) :
							!strcmp(who, user->pw_name));

	free(who);
	return fits && (!command || (name && !fnmatch(command, name, 0)) ||
			(other && !fnmatch(command, other, 0)));
}

/* With the user's name for %u. */
static char *place_for(const char *place, const struct passwd *user)
{
	char *s = xstrdup(""), *at;

	for (; (at = strstr(place, "%u")); place = at + 2)
		s = xasprintf("%s%.*s%s", s, (int)(at - place), place, user->pw_name);
	return xasprintf("%s%s", s, place);
}

/*
 * Where a process belongs in a hierarchy: the first rule that fits and names one of its
 * containers decides. NULL: none does.
 */
static char *place_in(const struct hierarchy *h, const struct passwd *user, const char *name,
		      const char *other, char **rule)
{
	for (size_t i = 0; i < nsections; i++) {
		const struct section *s = &sections[i];

		for (size_t j = 0; s->kind == RULES && j < s->n; j++) {
			const struct setting *t = &s->v[j];
			struct strings places = strings_split(t->value, ", \t");
			char *found = NULL;

			for (size_t k = 0; k < places.n && !found; k++)
				if (hier_find(label_of(places.v[k])) == h)
					found = place_for(places.v[k], user);
			if (found && rule_fits(t, user, name, other)) {
				*rule = xasprintf("%s:%d: %s", shown(s->file), t->line, shown(t->key));
				return found;
			}
			strings_free(&places);
		}
	}
	return NULL;
}

/* --- the command ---------------------------------------------------------------------- */

static struct {
	struct table_options table;
	struct strings words, files;
	bool dry_run;
} args;

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args.table;
		break;
	case 'f':
		strings_add(&args.files, arg);
		break;
	case 'n':
		args.dry_run = true;
		break;
	case ARGP_KEY_ARG:
		strings_add(&args.words, arg);
		break;
	case ARGP_KEY_END:
		if (!args.words.n || (!strcmp(args.words.v[0], "test") ? args.words.n != 3 :
				      strcmp(args.words.v[0], "apply")))
			argp_usage(state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct column columns[] = {
	{ "HIERARCHY", "its name, or its subsystems", 0 },
	{ "CONTAINER", "where the process belongs", 0 },
	{ "RULE", "the one that decides", 0 },
};

static const char *base(const char *command)
{
	const char *slash = strrchr(command, '/');

	return slash ? slash + 1 : command;
}

static int test(const char *name, const char *command)
{
	struct table *t = table_new("rules", columns, ARRAY_SIZE(columns), "HIERARCHY,CONTAINER,RULE",
				    &args.table);
	const struct passwd *user = getpwnam(name);
	bool any = false;

	if (!user)
		die("there is no user %s", shown(name));
	for (size_t i = 0; i < hiers.n; i++) {
		char *rule, *place = place_in(&hiers.v[i], user, base(command), NULL, &rule);
		struct row *row;

		if (!place)
			continue;
		any = true;
		row = table_row(t, NULL);
		table_set(t, row, "HIERARCHY", hiers.v[i].label);
		table_set(t, row, "CONTAINER", shown(place));
		table_set(t, row, "RULE", rule);
	}
	table_print(t);
	if (!any)
		complain("no rule is about %s and %s, in a hierarchy that is active", shown(name), shown(command));
	return any ? 0 : EXIT_FAILURE;
}

/* Who has started it: his directory in /proc may be root's, after a change of users. */
static const struct passwd *user_of(pid_t pid)
{
	char *text = read_file(xasprintf("/proc/%d/status", pid));
	const char *uid = text ? strstr(text, "\nUid:") : NULL;

	return uid ? getpwuid(strtoul(uid + 5, NULL, 10)) : NULL;
}

/* A process that is at a root goes where it belongs. False: that was refused. */
static bool place(pid_t pid)
{
	const struct passwd *user;
	struct process p;
	char exe[PATH_MAX], *rule;
	ssize_t n;
	bool good = true;

	if (!process_get(pid, &p) || p.kernel || p.zombie)
		return true;
	user = user_of(pid);
	if (!user)
		return true;
	n = readlink(xasprintf("/proc/%d/exe", pid), exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = '\0';
	for (size_t i = 0; i < hiers.n; i++) {
		struct hierarchy *h = &hiers.v[i];
		char *to = place_in(h, user, p.comm, n > 0 ? base(exe) : NULL, &rule);
		char *is = to ? task_path(pid, h) : NULL;
		struct failure f = { .what = "procs", .pid = pid, .value = xasprintf("%d", pid) };
		struct cont c;
		bool made;

		if (!is || strcmp(is, "/") || !strcmp(strstr(to, ":/") + 1, "/"))
			continue;
		printf("%d (%s) of %s: %s\n", pid, p.comm, user->pw_name, shown(to));
		if (args.dry_run)
			continue;
		if (!cont_at(h, strstr(to, ":/") + 1, &c))
			die("%s is not mounted here", h->label);
		f.c = &c;
		if (!cont_exists(&c) && !container_make(&c, true, &made)) {
			good = false;
			continue;
		}
		f.err = cont_write(&c, "procs", f.value, &f.at_open);
		/* one that has ended meanwhile is no failure */
		if (f.err && f.err != ESRCH) {
			explain_failure(&f);
			good = false;
		}
	}
	return good;
}

int cmd_rules(int argc, char **argv)
{
	static const struct argp_child children[] = { { &table_argp, 0, NULL, 0 }, { } };
	static const struct argp_option options[] = {
		{ "file", 'f', "FILE|DIR", 0, "read the rules there, not in what is applied at boot; may be given again", 0 },
		{ "dry-run", 'n', NULL, 0, "apply: say who would be moved, and move nobody", 0 },
		{ }
	};
	static const struct argp argp = {
		.options = options, .parser = parse, .children = children,
		.args_doc = "test USER COMMAND\napply [PID...]",
		.doc = "Which container a process belongs in, by its user and its command: what the rules of containerctl.conf(5) say of USER and COMMAND; or move the processes, all or those, that are in no container yet.",
	};
	struct process *list;
	bool good = true;
	size_t n;

	args.table.known = columns;
	args.table.nknown = ARRAY_SIZE(columns);
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	hiers_need();
	if (!args.files.n)
		args.files = system_paths();
	config_read(&args.files);
	if (!strcmp(args.words.v[0], "test"))
		return test(args.words.v[1], args.words.v[2]);
	for (size_t i = 1; i < args.words.n; i++) {
		char *end;
		long pid = strtol(args.words.v[i], &end, 10);

		if (!isdigit((unsigned char)*args.words.v[i]) || *end || pid < 1 || pid > INT_MAX)
			die("\"%s\" is no pid", shown(args.words.v[i]));
		good &= place(pid);
	}
	if (args.words.n > 1)
		return good ? 0 : EXIT_FAILURE;
	n = processes(&list);
	for (size_t i = 0; i < n; i++)
		if (list[i].pid != getpid())
			good &= place(list[i].pid);
	return good ? 0 : EXIT_FAILURE;
}
