// SPDX-License-Identifier: GPL-2.0
/*
 * who and explain: what keeps a container or a hierarchy, and which limit stands in the
 * way of a process. Only what user space can see: the rest is said to be unknown.
 */
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <libmount/libmount.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "ctl.h"

static struct {
	struct table_options table;
	const char *word;
} args;

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args.table;
		break;
	case ARGP_KEY_ARG:
		if (args.word)
			argp_usage(state);
		args.word = arg;
		break;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp_child table_child[] = { { &table_argp, 0, NULL, 0 }, { } };

/* --- who ------------------------------------------------------------------------- */

static const struct column who_columns[] = {
	{ "HOLDS", "what is kept: rmdir (the container), umount (the mount), rmmod (the modules)", 0 },
	{ "BY", "member, child, files, mount, cwd, root, open file", 0 },
	{ "PID", "process", T_NUM },
	{ "USER", "its user", 0 },
	{ "WHAT", "its name, or more about it", 0 },
};

static size_t holders;

static struct row *holder(struct table *t, const char *holds, const char *by, pid_t pid,
			  const char *what)
{
	struct row *row = table_row(t, NULL);
	struct process p;

	holders++;
	table_set(t, row, "HOLDS", holds);
	table_set(t, row, "BY", by);
	if (pid) {
		table_num(t, row, "PID", pid, NULL);
		if (process_get(pid, &p)) {
			table_set(t, row, "USER", user_name(p.uid));
			what = what ? xasprintf("%s: %s", p.comm, what) : p.comm;
		}
	}
	table_set(t, row, "WHAT", what);
	return row;
}

static void charged_files(struct table *t, const struct cont *c)
{
	int64_t held, found = 0;
	long pid, n;
	char *text, *line;

	if (!cont_number(c, "bc.numfiles.held", &held) || held <= 0)
		return;
	text = cont_read(c, "bc.numfiles.holders");
	if (!text) {
		holder(t, "rmdir", "files", 0,
		       xasprintf("%lld charged, here and below; only root sees who has them",
				 (long long)held));
		return;
	}
	while ((line = strsep(&text, "\n")))
		if (sscanf(line, "%ld %ld", &pid, &n) == 2) {
			found += n;
			holder(t, "rmdir", "files", pid,
			       xasprintf("has %ld of those that are charged, here and below", n));
		}
	if (!found)
		holder(t, "rmdir", "files", 0,
		       xasprintf("%lld charged, here and below, of which nobody has a descriptor: programs that run, mapped files, or some on their way through a socket",
				 (long long)held));
}

static dev_t device_of(const char *dir)
{
	struct stat st;

	return stat(dir, &st) ? 0 : st.st_dev;
}

/* Does a link of /proc/PID lead into that filesystem? */
static bool leads_to(const char *link, dev_t dev)
{
	struct stat st;

	return !stat(link, &st) && st.st_dev == dev;
}

/* Who has his working directory, his root or a file on it, in whichever mount namespace. */
static bool users_of(struct table *t, dev_t dev)
{
	struct strings seen = { };
	struct process *list;
	size_t n = processes(&list);
	bool unseen = false;

	for (size_t i = 0; i < n; i++) {
		pid_t pid = list[i].pid;
		char *file, ns[64];
		struct dirent *e;
		ssize_t len;
		DIR *d;

		if (list[i].kernel || list[i].zombie || pid == getpid())
			continue;
		file = xasprintf("/proc/%d/ns/mnt", pid);
		len = readlink(file, ns, sizeof(ns) - 1);
		if (len < 0) {
			unseen = true;
			continue;
		}
		ns[len] = '\0';
		if (!strings_has(&seen, ns)) {
			struct libmnt_table *tb;
			struct libmnt_iter *itr = mnt_new_iter(MNT_ITER_FORWARD);
			struct libmnt_fs *fs;

			strings_add(&seen, ns);
			tb = mnt_new_table_from_file(xasprintf("/proc/%d/mountinfo", pid));
			while (tb && !mnt_table_next_fs(tb, itr, &fs))
				if (mnt_fs_get_devno(fs) == dev)
					holder(t, "rmmod", "mount", pid,
					       xasprintf("%s, in its mount namespace",
							 shown(mnt_fs_get_target(fs))));
			mnt_free_iter(itr);
			mnt_unref_table(tb);
		}
		if (leads_to(xasprintf("/proc/%d/cwd", pid), dev))
			holder(t, "umount", "cwd", pid, NULL);
		if (leads_to(xasprintf("/proc/%d/root", pid), dev))
			holder(t, "umount", "root", pid, NULL);
		d = opendir(xasprintf("/proc/%d/fd", pid));
		unseen |= !d;
		while (d && (e = readdir(d)))
			if (isdigit((unsigned char)*e->d_name) &&
			    leads_to(xasprintf("/proc/%d/fd/%s", pid, e->d_name), dev))
				holder(t, "umount", "open file", pid,
				       xasprintf("descriptor %s", e->d_name));
		if (d)
			closedir(d);
	}
	return unseen;
}

int cmd_who(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse, .children = table_child, .args_doc = "PATH",
		.doc = "What keeps a container from being removed; for the root of a hierarchy, what keeps it mounted and its modules loaded.",
	};
	struct strings names;
	bool unseen = false;
	struct table *t;
	struct cont c;
	pid_t *ids;
	ssize_t n;

	args.table.known = who_columns;
	args.table.nknown = ARRAY_SIZE(who_columns);
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	hiers_need();
	c = hier_find(args.word) && cont_at(hier_find(args.word), "/", &c) ? c : cont_get(args.word);
	t = table_new("holders", who_columns, ARRAY_SIZE(who_columns), "HOLDS,BY,PID,USER,WHAT",
		      &args.table);
	names = cont_children(&c);
	for (size_t i = 0; i < names.n; i++) {
		struct cont child = cont_child(&c, names.v[i]);
		ssize_t members = cont_ids(&child, "procs", NULL);

		holder(t, cont_is_root(&c) ? "rmmod" : "rmdir", "child", 0,
		       xasprintf("%s, with %zd process%s", cont_name(&child), members,
				 members == 1 ? "" : "es"));
	}
	if (cont_is_root(&c)) {
		/* the mounts of this namespace among them */
		unseen = users_of(t, device_of(c.dir));
	} else {
		n = cont_ids(&c, "procs", &ids);
		for (ssize_t i = 0; i < n; i++)
			holder(t, "rmdir", "member", ids[i], NULL);
		charged_files(t, &c);
	}
	if (!holders && !args.table.json)
		printf("nothing that can be seen keeps %s\n", cont_name(&c));
	table_print(t);
	if (unseen)
		complain("some processes were not looked at: they belong to others than %s",
			 user_name(geteuid()));
	return 0;
}

/* --- explain ------------------------------------------------------------------------- */

static const struct column explain_columns[] = {
	{ "ABOUT", "fork, open or memory", 0 },
	{ "WHERE", "container, process, user, cgroup or kernel", 0 },
	{ "LIMIT", "name of the limit", 0 },
	{ "USED", "what is used of it", T_NUM },
	{ "MAX", "what there may be", T_NUM },
	{ "REFUSED", "how often it has refused something, where that is counted", T_NUM },
	{ "FULL", "nothing more is granted", T_BOOL },
};

static size_t culprits;
static char *sentences;

/* used or max < 0: not known; refused < 0: not counted */
static void bound(struct table *t, const char *about, const char *where, const char *limit,
		  int64_t used, int64_t max, int64_t refused)
{
	bool full = used >= 0 && max >= 0 && max != UNLIMITED && used >= max;
	struct row *row = table_row(t, NULL);

	table_set(t, row, "ABOUT", about);
	table_set(t, row, "WHERE", where);
	table_set(t, row, "LIMIT", limit);
	if (used >= 0)
		table_num(t, row, "USED", used, NULL);
	if (max >= 0)
		table_num(t, row, "MAX", max, NULL);
	if (refused >= 0)
		table_num(t, row, "REFUSED", refused, NULL);
	table_bool(t, row, "FULL", full);
	if (!full && refused <= 0)
		return;
	culprits++;
	sentences = xasprintf("%s%s: %s of %s%s%s.\n", sentences ? sentences : "", about, limit, where,
			      full ? xasprintf(" is full, %lld of %lld", (long long)used,
					       (long long)max) : "",
			      refused > 0 ? xasprintf("%s has refused %lld", full ? ", and" : "",
						      (long long)refused) : "");
}

static bool share_of(const char *text, const char *key, int64_t *value)
{
	const char *p = strstr(text, key);

	return p && sscanf(p + strlen(key), "=%" SCNd64, value) == 1;
}

/*
 * How many tasks the shares of a container are, which the kernel does not show: worked
 * out as it does, from the root's amount down.
 */
static int64_t amount_of_shares(const struct cont *c)
{
	int64_t total, above, max, divisor;
	struct cont parent;
	char *text;

	if (cont_is_root(c)) {
		text = read_file("/sys/module/container_numtasks/parameters/total_numtasks");
		total = text ? strtoll(text, NULL, 10) : INT_MAX;
		return total == INT_MAX ? UNLIMITED : total;
	}
	parent = cont_parent(c);
	above = amount_of_shares(&parent);
	text = cont_line(c, "numtasks.shares");
	if (above == UNLIMITED || !text || !share_of(text, "max_shares", &max) || max < 0)
		return UNLIMITED;
	text = cont_line(&parent, "numtasks.shares");
	if (!text || !share_of(text, "child_shares_divisor", &divisor) || divisor < 1)
		return UNLIMITED;
	return max * above / divisor;
}

/* A container's own bounds; then those above it, which hold it as well. */
static void explain_container(struct table *t, const struct cont *c)
{
	static const struct {
		const char *about, *resource, *bound;
	} of_bc[] = {
		{ "fork", "numtasks", "limit" }, { "open", "numfiles", "barrier" },
		{ "memory", "privvmpages", "limit" },
	};
	struct cont at = *c;

	while (true) {
		const char *name = cont_name(&at);
		int64_t used, max, refused;
		char *text;

		for (size_t i = 0; i < ARRAY_SIZE(of_bc) && hier_has(c->h, "bc"); i++) {
			const char *r = of_bc[i].resource;

			if (cont_number(&at, xasprintf("bc.%s.held", r), &used) &&
			    cont_number(&at, xasprintf("bc.%s.%s", r, of_bc[i].bound), &max) &&
			    cont_number(&at, xasprintf("bc.%s.failcnt", r), &refused))
				bound(t, of_bc[i].about, name,
				      xasprintf("bc.%s.%s", r, of_bc[i].bound), used, max, refused);
		}
		text = hier_has(c->h, "numtasks") ? cont_read(&at, "numtasks.stats") : NULL;
		if (text && find_number(text, "usage", &used)) {
			/*
			 * Its failures are those of its members, wherever the limit was; those
			 * that its own limits have caused are in events, with bc's.
			 */
			int64_t own = 0, of_bc_too = 0;
			char *events = cont_read(&at, "events");

			if (events)
				find_number(events, "forks_refused", &own);
			if (hier_has(c->h, "bc"))
				cont_number(&at, "bc.numtasks.failcnt", &of_bc_too);
			bound(t, "fork", name, "numtasks (shares, forkrate)", used,
			      amount_of_shares(&at), own > of_bc_too ? own - of_bc_too : 0);
		}
		if (cont_is_root(&at))
			break;
		at = cont_parent(&at);
		if (!cont_exists(&at))
			break;
	}
}

static int64_t number_in(const char *file)
{
	char *text = read_file(file), *end;
	int64_t v;

	if (!text)
		return -1;
	if (!strncmp(text, "max", 3))
		return UNLIMITED;
	v = strtoll(text, &end, 10);
	return end == text ? -1 : v;
}

/* A soft limit of /proc/PID/limits. */
static int64_t rlimit(const char *text, const char *name)
{
	const char *p = text ? strstr(text, name) : NULL;
	long long v;

	if (!p)
		return -1;
	p += strlen(name);
	p += strspn(p, " ");
	if (!strncmp(p, "unlimited", 9))
		return UNLIMITED;
	return sscanf(p, "%lld", &v) == 1 ? v : -1;
}

/* Descriptors of a process; -1: not ours to see. */
static long open_files(pid_t pid)
{
	DIR *d = opendir(xasprintf("/proc/%d/fd", pid));
	long n = 0;

	if (!d)
		return -1;
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static int64_t threads_of(const char *status)
{
	const char *p = strstr(status, "\nThreads:");

	return p ? strtoll(p + 9, NULL, 10) : 1;
}

static void explain_process(struct table *t, pid_t pid)
{
	char *limits = read_file(xasprintf("/proc/%d/limits", pid)), *text, *path;
	struct process *list, p;
	int64_t mine = 0, all = 0;
	size_t n;

	if (!process_get(pid, &p))
		die("there is no process %d", pid);
	n = processes(&list);
	for (size_t i = 0; i < n; i++) {
		text = read_file(xasprintf("/proc/%d/status", list[i].pid));
		if (!text)
			continue;
		all += threads_of(text);
		/* by real user, says setrlimit(2) */
		path = strstr(text, "\nUid:");
		if (path && strtoul(path + 5, NULL, 10) == p.uid)
			mine += threads_of(text);
		free(text);
	}
	bound(t, "fork", xasprintf("user %s", user_name(p.uid)),
	      p.uid ? "ulimit -u" : "ulimit -u (not for root)", mine,
	      p.uid ? rlimit(limits, "Max processes") : UNLIMITED, -1);
	bound(t, "open", xasprintf("process %d", pid), "ulimit -n", open_files(pid),
	      rlimit(limits, "Max open files"), -1);
	bound(t, "memory", xasprintf("process %d", pid), "ulimit -v", -1,
	      rlimit(limits, "Max address space"), -1);
	bound(t, "fork", "kernel", "kernel.pid_max", all, number_in("/proc/sys/kernel/pid_max"), -1);
	bound(t, "fork", "kernel", "kernel.threads-max", all,
	      number_in("/proc/sys/kernel/threads-max"), -1);

	/* the kernel's own cgroups, which hold as well */
	text = read_file(xasprintf("/proc/%d/cgroup", pid));
	path = text ? strstr(text, "0::/") : NULL;
	if (!path)
		return;
	path = xstrndup(path + 3, strcspn(path + 3, "\n"));
	while (*path) {
		char *dir = xasprintf("/sys/fs/cgroup%s", path), *slash;
		int64_t max = number_in(xasprintf("%s/pids.max", dir)), refused = -1;
		char *events = read_file(xasprintf("%s/pids.events", dir));

		if (events)
			find_number(events, "max", &refused);
		if (max >= 0)
			bound(t, "fork", xasprintf("cgroup %s", shown(path)), "pids.max",
			      number_in(xasprintf("%s/pids.current", dir)), max, refused);
		slash = strrchr(path, '/');
		*slash = '\0';
	}
}

int cmd_explain(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse, .children = table_child, .args_doc = "PID|PATH",
		.doc = "Which limits stand in the way of forks, opened files and memory: of the containers that a process is in, in all hierarchies, and of those above; its own; the kernel's. Those that are full, or have refused something, are told first.",
	};
	struct table *t;
	char *end;
	long pid;

	args.table.known = explain_columns;
	args.table.nknown = ARRAY_SIZE(explain_columns);
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	hiers_need();
	t = table_new("limits", explain_columns, ARRAY_SIZE(explain_columns),
		      "ABOUT,WHERE,LIMIT,USED,MAX,REFUSED,FULL", &args.table);
	pid = strtol(args.word, &end, 10);
	if (*args.word && !*end && pid > 0 && pid <= INT_MAX) {
		for (size_t i = 0; i < hiers.n; i++) {
			char *path = task_path(pid, &hiers.v[i]);
			struct cont c;

			if (!path && errno == ESRCH)
				die("there is no process %ld", pid);
			if (!path)
				continue;
			if (cont_at(&hiers.v[i], path, &c))
				explain_container(t, &c);
			else
				complain("%s:%s is not mounted here, so its limits are not seen",
					 hiers.v[i].label, shown(path));
		}
		explain_process(t, pid);
	} else {
		struct cont c = cont_get(args.word);

		explain_container(t, &c);
	}
	if (!args.table.json && !args.table.columns) {
		fputs(culprits ? sentences : "Nothing is full, and nothing was refused.\n", stdout);
		putchar('\n');
	}
	table_print(t);
	return 0;
}
