// SPDX-License-Identifier: GPL-2.0
/* status, tree and ps: tables of what there is. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ctl.h"

static struct {
	struct table_options table;
	struct strings words;
	long depth;
	bool members, kernel;
} args = { .depth = -1 };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	char *end;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args.table;
		break;
	case 'd':
		args.depth = strtol(arg, &end, 10);
		if (*end || !*arg || args.depth < 0)
			argp_error(state, "--depth=%s: no number", arg);
		break;
	case 'm':
		args.members = true;
		break;
	case 'k':
		args.kernel = true;
		break;
	case ARGP_KEY_ARG:
		strings_add(&args.words, arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp_child table_child[] = { { &table_argp, 0, NULL, 0 }, { } };

/* --- status ------------------------------------------------------------------------ */

static const struct column status_columns[] = {
	{ "NR", "number, as in /proc/containers", T_NUM },
	{ "HIERARCHY", "its name, or its subsystems", 0 },
	{ "SUBSYSTEMS", "those that are bound to it", 0 },
	{ "CONTAINERS", "how many, the root included", T_NUM },
	{ "ROOT-TASKS", "tasks that are in the root container", T_NUM },
	{ "MOUNTED", "where", T_WRAP },
};

static char *words(const struct strings *l, const char *sep)
{
	char *s = xstrdup("");

	for (size_t i = 0; i < l->n; i++)
		s = xasprintf("%s%s%s", s, i ? sep : "", l->v[i]);
	return s;
}

int cmd_status(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse, .children = table_child,
		.doc = "What is active and mounted, which subsystems are free, and what is wrong with the hooks. The status is 1 where the core is not loaded.",
	};
	struct table *t;
	char *version;

	args.table.known = status_columns;
	args.table.nknown = ARRAY_SIZE(status_columns);
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	hiers_need();
	t = table_new("hierarchies", status_columns, ARRAY_SIZE(status_columns),
		      "NR,HIERARCHY,SUBSYSTEMS,CONTAINERS,ROOT-TASKS,MOUNTED", &args.table);
	for (size_t i = 0; i < hiers.n; i++) {
		struct hierarchy *h = &hiers.v[i];
		struct row *row = table_row(t, NULL);
		char *where = NULL;

		for (size_t j = 0; j < hiers.nmounts; j++) {
			struct mountpoint *m = &hiers.mounts[j];

			if (m->h == h)
				where = xasprintf("%s%s%s%s", where ? where : "", where ? "\n" : "",
						  shown(m->target), strcmp(m->root, "/") ?
						  xasprintf(" (%s)", shown(m->root)) : "");
		}
		if (h->nr >= 0) {
			table_num(t, row, "NR", h->nr, NULL);
			table_num(t, row, "CONTAINERS", h->containers, NULL);
			table_num(t, row, "ROOT-TASKS", h->topcount - 1, NULL);
		}
		table_set(t, row, "HIERARCHY", h->label);
		table_set(t, row, "SUBSYSTEMS", h->subsys.n ? words(&h->subsys, ",") : "none");
		table_set(t, row, "MOUNTED", where ? where : args.table.json ? NULL : "-");
	}
	if (args.table.json || args.table.columns) {
		table_print(t);
		return 0;
	}
	version = read_file("/sys/module/container_core/version");
	printf("container_core %.*s is loaded", version ? (int)strcspn(version, "\n") : 7,
	       version ? version : "(built)");
	printf("; subsystems: %s", hiers.registered.n ? words(&hiers.registered, " ") : "none");
	printf("; not bound: %s\n", hiers.unbound.n ? words(&hiers.unbound, " ") : "none");
	for (size_t i = 0; i < hiers.nhooks; i++) {
		struct hook *k = &hiers.hooks[i];

		if (k->missed)
			printf("The hook of %s has missed %ld calls: membership and limits may be wrong. Report it.\n",
			       k->name, k->missed);
	}
	if (!hiers.n)
		printf("No hierarchy is active: containerctl mount SUBSYSTEM...\n");
	table_print(t);
	for (size_t i = 0; i < hiers.n; i++)
		if (!hiers.v[i].mounted)
			printf("%s is active, but not mounted here; its %d container%s below the root hold%s its modules: containerctl mount %s%s\n",
			       hiers.v[i].label, hiers.v[i].containers - 1,
			       hiers.v[i].containers == 2 ? "" : "s",
			       hiers.v[i].containers == 2 ? "s" : "", hiers.v[i].name ? "--name " : "",
			       hiers.v[i].label);
	return 0;
}

/* --- tree ---------------------------------------------------------------------------- */

static const struct column tree_columns[] = {
	{ "NAME", "name, as a tree", T_TREE },
	{ "PATH", "HIERARCHY:/path", 0 },
	{ "TASKS", "threads that are in it", T_NUM },
	{ "PROCS", "processes that have a thread in it", T_NUM },
	{ "SUBTREE", "threads in it and below", T_NUM },
	{ "CPU", "CPU time used, with all below (cpuacct; nanoseconds in JSON)", T_NUM },
	{ "FILES", "open files charged (bc)", T_NUM },
	{ "FILES-MAX", "their barrier", T_NUM },
	{ "TASKS-MAX", "limit on tasks (bc)", T_NUM },
	{ "MEMORY", "private memory (bc; bytes in JSON)", T_NUM },
	{ "MEMORY-MAX", "its limit", T_NUM },
	{ "RSS", "mapped pages (bc; bytes in JSON)", T_NUM },
	{ "SHARES", "min/max/divisor (numtasks)", T_RIGHT },
	{ "CPUS", "cpuset.cpus", 0 },
	{ "MEMS", "cpuset.mems", 0 },
	{ "FORKS-REFUSED", "forks that its limits have refused", T_NUM },
	{ "CHARGES-REFUSED", "charges that its limits have refused", T_NUM },
	{ "OWNER", "owner of the directory", 0 },
	{ "FLAGS", "n notify_on_release, d auto_delete, k kill_on_rmdir, c clone_children", 0 },
	{ "DIR", "its directory", 0 },
};

struct tree {
	struct table *t;
	struct row *rows[256];		/* by depth */
};

static void number(struct table *t, struct row *row, const char *column, const struct cont *c,
		   const char *file, int64_t scale, char *(*human)(int64_t))
{
	int64_t v;

	if (table_wants(t, column) && cont_number(c, file, &v))
		table_num(t, row, column, v == UNLIMITED ? v : v * scale, human);
}

static void add_members(struct table *t, struct row *parent, const struct cont *c)
{
	pid_t *ids;
	ssize_t n = cont_ids(c, "procs", &ids);

	for (ssize_t i = 0; i < n; i++) {
		struct process p;
		struct row *row;

		if (!process_get(ids[i], &p) || (p.kernel && !args.kernel))
			continue;
		row = table_row(t, parent);
		table_setf(t, row, "NAME", "%d %s", p.pid, p.comm);
		table_set(t, row, "OWNER", user_name(p.uid));
		free(p.comm);
	}
	if (n >= 0)
		free(ids);
}

static int64_t subtree_tasks(const struct cont *c)
{
	struct strings names = cont_children(c);
	ssize_t n = cont_ids(c, "tasks", NULL);
	int64_t sum = n > 0 ? n : 0;

	for (size_t i = 0; i < names.n; i++) {
		struct cont child = cont_child(c, names.v[i]);

		sum += subtree_tasks(&child);
		cont_free(&child);
	}
	strings_free(&names);
	return sum;
}

static int add_container(struct cont *c, int depth, void *arg)
{
	static const char flags[][2][20] = {
		{ "n", "notify_on_release" }, { "d", "auto_delete" }, { "k", "kill_on_rmdir" },
		{ "c", "clone_children" },
	};
	struct tree *tree = arg;
	struct table *t = tree->t;
	long page = sysconf(_SC_PAGESIZE);
	char *text, *slash;
	struct row *row;
	struct stat st;
	int64_t v;

	if ((args.depth >= 0 && depth > args.depth) || depth >= (int)ARRAY_SIZE(tree->rows))
		return 0;
	row = tree->rows[depth] = table_row(t, depth ? tree->rows[depth - 1] : NULL);
	slash = strrchr(c->path, '/');
	text = depth ? shown(slash + 1) : cont_name(c);
	table_set(t, row, "NAME", text);
	table_set(t, row, "PATH", cont_name(c));
	table_set(t, row, "DIR", shown(c->dir));
	if (table_wants(t, "TASKS") && (v = cont_ids(c, "tasks", NULL)) >= 0)
		table_num(t, row, "TASKS", v, NULL);
	if (table_wants(t, "PROCS") && (v = cont_ids(c, "procs", NULL)) >= 0)
		table_num(t, row, "PROCS", v, NULL);
	if (table_wants(t, "SUBTREE"))
		table_num(t, row, "SUBTREE", subtree_tasks(c), NULL);
	if (hier_has(c->h, "cpuacct"))
		number(t, row, "CPU", c, "cpuacct.usage_subtree_ns", 1, human_time);
	if (hier_has(c->h, "bc")) {
		number(t, row, "FILES", c, "bc.numfiles.held", 1, NULL);
		number(t, row, "FILES-MAX", c, "bc.numfiles.barrier", 1, NULL);
		number(t, row, "TASKS-MAX", c, "bc.numtasks.limit", 1, NULL);
		number(t, row, "MEMORY", c, "bc.privvmpages.held", page, human_bytes);
		number(t, row, "MEMORY-MAX", c, "bc.privvmpages.limit", page, human_bytes);
		number(t, row, "RSS", c, "bc.physpages.held", page, human_bytes);
	}
	if (hier_has(c->h, "numtasks") && table_wants(t, "SHARES")) {
		int min, max, divisor;

		text = cont_line(c, "numtasks.shares");
		if (text && sscanf(text, "res=%*[^,],min_shares=%d,max_shares=%d,child_shares_divisor=%d",
				   &min, &max, &divisor) == 3)
			table_setf(t, row, "SHARES", "%s/%s/%d", min < 0 ? "-" : xasprintf("%d", min),
				   max < 0 ? "-" : xasprintf("%d", max), divisor);
	}
	if (hier_has(c->h, "cpuset")) {
		if (table_wants(t, "CPUS"))
			table_set(t, row, "CPUS", cont_line(c, "cpuset.cpus"));
		if (table_wants(t, "MEMS"))
			table_set(t, row, "MEMS", cont_line(c, "cpuset.mems"));
	}
	if (table_wants(t, "FORKS-REFUSED") || table_wants(t, "CHARGES-REFUSED")) {
		text = cont_read(c, "events");
		if (text && find_number(text, "forks_refused", &v))
			table_num(t, row, "FORKS-REFUSED", v, NULL);
		if (text && find_number(text, "charges_refused", &v))
			table_num(t, row, "CHARGES-REFUSED", v, NULL);
		free(text);
	}
	if (table_wants(t, "OWNER") && !stat(c->dir, &st))
		table_set(t, row, "OWNER", user_name(st.st_uid));
	if (table_wants(t, "FLAGS")) {
		char set[ARRAY_SIZE(flags) + 1] = "";

		for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
			if (cont_number(c, flags[i][1], &v) && v)
				strcat(set, flags[i][0]);
		table_set(t, row, "FLAGS", set);
	}
	if (args.members)
		add_members(t, row, c);
	return 0;
}

int cmd_tree(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "depth", 'd', "N", 0, "no deeper than that", 0 },
		{ "members", 'm', NULL, 0, "with the processes in each container", 0 },
		{ "kernel", 'k', NULL, 0, "and the kernel's threads", 0 },
		{ }
	};
	static const struct argp argp = {
		.options = options, .parser = parse, .children = table_child, .args_doc = "[PATH...]",
		.doc = "The containers of all mounted hierarchies, or from PATH on, with figures for what is bound.",
	};
	char *defaults = xstrdup("NAME,TASKS");
	struct cont *tops;
	struct tree tree = { };
	size_t n = 0;

	args.table.known = tree_columns;
	args.table.nknown = ARRAY_SIZE(tree_columns);
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	hiers_need();
	tops = xrealloc_array(NULL, args.words.n + hiers.n, sizeof(*tops));
	for (size_t i = 0; i < args.words.n; i++) {
		/* "jobs" alone is a hierarchy, too */
		struct hierarchy *h = hier_find(args.words.v[i]);

		if (!h || !cont_at(h, "/", &tops[n]))
			tops[n] = cont_get(args.words.v[i]);
		n++;
	}
	for (size_t i = 0; i < hiers.n && !args.words.n; i++) {
		if (cont_at(&hiers.v[i], "/", &tops[n]))
			n++;
		else
			complain("%s is not mounted here: containerctl mount %s%s", hiers.v[i].label,
				 hiers.v[i].name ? "--name " : "", hiers.v[i].label);
	}
	if (!n) {
		complain("no hierarchy is mounted here: containerctl mount SUBSYSTEM...");
		return EXIT_FAILURE;
	}
	/* columns for what is bound to one of them; 80 characters are few */
	for (size_t i = 0; i < ARRAY_SIZE(tree_columns); i++) {
		static const char *const of[][2] = {
			{ "CPU", "cpuacct" }, { "CPUS", "cpuset" }, { "MEMS", "cpuset" },
			{ "SHARES", "numtasks" }, { "FILES", "bc" }, { "FILES-MAX", "bc" },
			{ "MEMORY", "bc" },
		};

		for (size_t j = 0; j < ARRAY_SIZE(of); j++) {
			bool bound = false;

			if (strcmp(of[j][0], tree_columns[i].name))
				continue;
			for (size_t k = 0; k < n; k++)
				bound |= hier_has(tops[k].h, of[j][1]);
			if (bound)
				defaults = xasprintf("%s,%s", defaults, of[j][0]);
		}
	}
	tree.t = table_new("containers", tree_columns, ARRAY_SIZE(tree_columns), defaults,
			   &args.table);
	for (size_t i = 0; i < n; i++)
		cont_walk(&tops[i], add_container, &tree);
	table_print(tree.t);
	return 0;
}

/* --- ps -------------------------------------------------------------------------------- */

int cmd_ps(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "kernel", 'k', NULL, 0, "the kernel's threads, too", 0 },
		{ }
	};
	static const struct argp argp = {
		.options = options, .parser = parse, .children = table_child, .args_doc = "[PATH...]",
		.doc = "One row for each process, with its container in each hierarchy; with PATH, those in that container or below. Columns are PID, PPID, USER, COMMAND and the names of the hierarchies.",
	};
	char *defaults = xstrdup("PID,USER,COMMAND");
	struct column *cols;
	struct process *list;
	struct cont *only;
	struct table *t;
	size_t n, ncols = 4;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	hiers_need();
	only = xrealloc_array(NULL, args.words.n, sizeof(*only));
	for (size_t i = 0; i < args.words.n; i++)
		only[i] = cont_get(args.words.v[i]);
	cols = xrealloc_array(NULL, ncols + hiers.n, sizeof(*cols));
	cols[0] = (struct column){ "PID", "process id", T_NUM };
	cols[1] = (struct column){ "PPID", "of its parent", T_NUM };
	cols[2] = (struct column){ "USER", "effective user", 0 };
	cols[3] = (struct column){ "COMMAND", "name", 0 };
	for (size_t i = 0; i < hiers.n; i++) {
		/* columns have no commas, as -o separates them by those */
		char *name = xstrdup(hiers.v[i].label);

		for (char *p = name; *p; p++)
			if (*p == ',')
				*p = '+';
		cols[ncols++] = (struct column){ name, "container in that hierarchy", 0 };
		defaults = xasprintf("%s,%s", defaults, name);
	}
	t = table_new("processes", cols, ncols, defaults, &args.table);
	n = processes(&list);
	for (size_t i = 0; i < n; i++) {
		struct process *p = &list[i];
		char *file, *text;
		bool in = !args.words.n;
		struct row *row;

		if ((p->kernel && !args.kernel) || p->zombie)
			continue;
		file = xasprintf("/proc/%d/container", p->pid);
		text = read_file(file);
		free(file);
		if (!text && errno != EACCES && errno != EPERM)
			continue;	/* gone meanwhile */
		for (size_t j = 0; j < args.words.n && text && !in; j++) {
			char *path = path_in_text(text, only[j].h);
			size_t len = cont_is_root(&only[j]) ? 0 : strlen(only[j].path);

			in = path && !strncmp(path, only[j].path, len) && (!path[len] || path[len] == '/');
			free(path);
		}
		if (!in) {
			free(text);
			continue;
		}
		row = table_row(t, NULL);
		table_num(t, row, "PID", p->pid, NULL);
		table_num(t, row, "PPID", p->ppid, NULL);
		table_set(t, row, "USER", user_name(p->uid));
		table_set(t, row, "COMMAND", p->comm);
		for (size_t j = 0; j < hiers.n; j++) {
			char *path = text ? path_in_text(text, &hiers.v[j]) : xstrdup("?");

			if (path)
				table_set(t, row, cols[4 + j].name, shown(path));
			free(path);
		}
		free(text);
	}
	table_print(t);
	return 0;
}
