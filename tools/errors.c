// SPDX-License-Identifier: GPL-2.0
/*
 * What an errno means: the table file x errno -> rule, who, cure, and the looking
 * around that finds out who. What the kernel means by an errno may have several
 * reasons: the rows are tried in order, and the first whose test finds its reason is
 * the one that is told. A row without a test is told when none above it was.
 *
 * In cures, {path}, {parent}, {hier}, {top} (its root), {file} and {pid} stand for what it
 * is about.
 */
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ctl.h"

struct reason {
	const char *file;		/* patterns, separated by blanks */
	int err;
	/* does it apply? *who may be set to a sentence */
	bool (*test)(const struct failure *f, char **who);
	const char *rule;
	const char *cure;
};

/* --- looking around -------------------------------------------------------- */

static char *list_of(const struct cont *c, const char *file, struct idset *s)
{
	char *line = cont_line(c, file);

	return line && idset_parse(line, s) ? line : NULL;
}

static const char *or_empty(const char *list)
{
	return *list ? list : "none";
}

static bool at_open(const struct failure *f, char **who)
{
	struct stat st;

	if (!f->at_open || !f->c || stat(cont_file(f->c, f->what), &st))
		return false;
	*who = xasprintf("%s of %s belongs to %s and has mode %04o; you are %s.", f->what,
			 cont_name(f->c), user_name(st.st_uid), st.st_mode & 07777,
			 user_name(geteuid()));
	return true;
}

/* Only who may write can make a container there, or remove one. */
static bool dir_owner(const struct failure *f, char **who)
{
	struct cont parent;
	struct stat st;

	if (!f->c || cont_is_root(f->c))
		return false;
	parent = cont_parent(f->c);
	if (stat(parent.dir, &st))
		return false;
	*who = xasprintf("%s belongs to %s and has mode %04o; you are %s.", cont_name(&parent),
			 user_name(st.st_uid), st.st_mode & 07777, user_name(geteuid()));
	return true;
}

static bool of_root(const struct failure *f, char **who)
{
	(void)who;
	return f->c && cont_is_root(f->c);
}

static bool parent_lacks(const struct failure *f, char **who)
{
	struct idset mine, theirs, missing;
	struct cont parent;
	char *list;

	if (!f->c || !f->value || cont_is_root(f->c) || !idset_parse(f->value, &mine))
		return false;
	parent = cont_parent(f->c);
	list = list_of(&parent, f->what, &theirs);
	if (!list)
		return false;
	missing = idset_minus(&mine, &theirs);
	if (idset_empty(&missing))
		return false;
	*who = xasprintf("%s has %s; %s is not among that.", cont_name(&parent), or_empty(list),
			 idset_format(&missing));
	return true;
}

static bool parent_not_exclusive(const struct failure *f, char **who)
{
	struct cont parent;
	char *line;

	if (!f->c || cont_is_root(f->c))
		return false;
	parent = cont_parent(f->c);
	line = cont_line(&parent, f->what);
	if (!line || *line != '0')
		return false;
	*who = xasprintf("%s has %s 0.", cont_name(&parent), f->what);
	return true;
}

static bool child_needs(const struct failure *f, char **who)
{
	struct idset mine, theirs, missing;
	struct strings names;

	if (!f->c || !f->value || !idset_parse(f->value, &mine))
		return false;
	names = cont_children(f->c);
	for (size_t i = 0; i < names.n; i++) {
		struct cont child = cont_child(f->c, names.v[i]);
		char *list = list_of(&child, f->what, &theirs);

		if (!list)
			continue;
		missing = idset_minus(&theirs, &mine);
		if (!idset_empty(&missing)) {
			*who = xasprintf("%s below it has %s.", cont_name(&child), list);
			return true;
		}
	}
	return false;
}

static bool child_exclusive(const struct failure *f, char **who)
{
	struct strings names;

	if (!f->c)
		return false;
	names = cont_children(f->c);
	for (size_t i = 0; i < names.n; i++) {
		struct cont child = cont_child(f->c, names.v[i]);
		char *line = cont_line(&child, f->what);

		if (line && *line == '1') {
			*who = xasprintf("%s below it has %s 1.", cont_name(&child), f->what);
			return true;
		}
	}
	return false;
}

static bool not_a_list(const struct failure *f, char **who)
{
	struct idset s;

	if (!f->value || idset_parse(f->value, &s))
		return false;
	*who = xasprintf("\"%s\" is none.", shown(f->value));
	return true;
}

static bool not_online(const struct failure *f, char **who)
{
	struct idset mine, all, missing;
	bool cpus = strstr(f->what, "cpus");
	char *list;

	if (!f->value || !idset_parse(f->value, &mine))
		return false;
	list = read_file(cpus ? "/sys/devices/system/cpu/online" :
				"/sys/devices/system/node/has_memory");
	if (!list || !idset_parse(list, &all))
		return false;
	missing = idset_minus(&mine, &all);
	if (idset_empty(&missing))
		return false;
	*who = xasprintf("This machine has %s %.*s; %s is not there.", cpus ? "the CPUs" :
			 "memory on the nodes", (int)strcspn(list, "\n"), list,
			 idset_format(&missing));
	return true;
}

/* A sibling that has some of the same, where one of both is exclusive. */
static bool sibling_overlaps(const struct failure *f, char **who)
{
	bool flag = strstr(f->what, "exclusive");
	const char *list_file, *flag_file;
	struct idset mine, theirs, both;
	struct cont parent;
	struct strings names;
	char *list, *line;
	bool exclusive;

	if (!f->c || !f->value || cont_is_root(f->c))
		return false;
	list_file = strstr(f->what, "mem") ? "cpuset.mems" : "cpuset.cpus";
	flag_file = strstr(f->what, "mem") ? "cpuset.mem_exclusive" : "cpuset.cpu_exclusive";
	list = flag ? cont_line(f->c, list_file) : xstrdup(f->value);
	line = flag ? xstrdup(f->value) : cont_line(f->c, flag_file);
	if (!list || !line || !idset_parse(list, &mine))
		return false;
	exclusive = *line == '1';
	parent = cont_parent(f->c);
	names = cont_children(&parent);
	for (size_t i = 0; i < names.n; i++) {
		struct cont sibling = cont_child(&parent, names.v[i]);

		if (!strcmp(sibling.path, f->c->path))
			continue;
		list = list_of(&sibling, list_file, &theirs);
		line = cont_line(&sibling, flag_file);
		if (!list || !line || (!exclusive && *line != '1'))
			continue;
		both = idset_and(&mine, &theirs);
		if (idset_empty(&both))
			continue;
		*who = xasprintf("%s has %s, too, and %s.", cont_name(&sibling), idset_format(&both),
				 *line == '1' ? exclusive ? "both are exclusive" : "is exclusive" :
				 "this one is exclusive");
		return true;
	}
	return false;
}

static char *some_members(const struct cont *c)
{
	pid_t *ids;
	ssize_t n = cont_ids(c, "procs", &ids);
	struct process p;
	char *s;

	if (n <= 0)
		return NULL;
	s = xasprintf("%zd process%s:", n, n == 1 ? "" : "es");
	for (ssize_t i = 0; i < n && i < 5; i++)
		s = xasprintf("%s %d%s", s, ids[i], process_get(ids[i], &p) ?
			      xasprintf(" (%s)", p.comm) : "");
	return n > 5 ? xasprintf("%s ...", s) : s;
}

static bool has_members(const struct failure *f, char **who)
{
	char *s = f->c ? some_members(f->c) : NULL;

	if (!s)
		return false;
	*who = xasprintf("%s has %s.", cont_name(f->c), s);
	return true;
}

static bool has_children(const struct failure *f, char **who)
{
	struct strings names = f->c ? cont_children(f->c) : (struct strings){ };
	char *s;

	if (!names.n)
		return false;
	s = xasprintf("There %s below it:", names.n == 1 ? "is a container" : "are containers");
	for (size_t i = 0; i < names.n && i < 5; i++)
		s = xasprintf("%s %s", s, shown(names.v[i]));
	*who = xasprintf("%s%s.", s, names.n > 5 ? " ..." : "");
	return true;
}

static bool has_files(const struct failure *f, char **who)
{
	int64_t held;

	if (!f->c || !cont_number(f->c, "bc.numfiles.held", &held) || held <= 0)
		return false;
	*who = xasprintf("%lld open file%s %s charged to it (bc.numfiles.held), held by tasks elsewhere.",
			 (long long)held, held == 1 ? "" : "s", held == 1 ? "is" : "are");
	return true;
}

/* Is the caller in the subtree? Then kill_on_rmdir refuses. */
static bool caller_inside(const struct failure *f, char **who)
{
	char *path = f->c ? task_path(getpid(), f->c->h) : NULL;
	size_t len;

	if (!path || cont_is_root(f->c))
		return false;
	len = strlen(f->c->path);
	if (strncmp(path, f->c->path, len) || (path[len] && path[len] != '/'))
		return false;
	*who = xasprintf("This command itself is in %s:%s.", f->c->h->label, shown(path));
	return true;
}

static bool empty_cpuset(const struct failure *f, char **who)
{
	char *cpus, *mems;

	if (!f->c || !hier_has(f->c->h, "cpuset"))
		return false;
	cpus = cont_line(f->c, "cpuset.cpus");
	mems = cont_line(f->c, "cpuset.mems");
	if (!cpus || !mems || (*cpus && *mems))
		return false;
	*who = xasprintf("%s has %s.", cont_name(f->c), *cpus ? "no cpuset.mems" : *mems ?
			 "no cpuset.cpus" : "neither cpuset.cpus nor cpuset.mems");
	return true;
}

static bool no_number(const struct failure *f, char **who)
{
	const char *v = f->value;

	if (!v)
		return false;
	v += strspn(v, " \t");
	v += strspn(v, "0123456789");
	v += strspn(v, " \t\n");
	if (!*v && f->value[strspn(f->value, " \t\n")])
		return false;
	*who = xasprintf("\"%s\" is none.", shown(f->value));
	return true;
}

static bool not_flag(const struct failure *f, char **who)
{
	if (!f->value || !strcmp(f->value, "0") || !strcmp(f->value, "1"))
		return false;
	*who = xasprintf("\"%s\" is neither.", shown(f->value));
	return true;
}

static bool other_user(const struct failure *f, char **who)
{
	struct process p;

	if (f->at_open || !geteuid() || !f->pid || !process_get(f->pid, &p))
		return false;
	*who = xasprintf("%d (%s) belongs to %s; you are %s.", p.pid, p.comm, user_name(p.uid),
			 user_name(geteuid()));
	return true;
}

static bool task_gone(const struct failure *f, char **who)
{
	struct process p;

	if (!f->pid)
		return false;
	if (process_get(f->pid, &p))
		*who = xasprintf("%d (%s) is %s.", p.pid, p.comm, p.zombie ? "a zombie" : "exiting");
	else
		*who = xasprintf("%d is not there, or in a pid namespace that you do not see.", f->pid);
	return true;
}

static bool ns_bound(const struct failure *f, char **who)
{
	char *path;

	if (!f->c || !hier_has(f->c->h, "ns"))
		return false;
	path = f->pid ? task_path(f->pid, f->c->h) : NULL;
	if (path)
		*who = xasprintf("%d is in %s:%s.", f->pid, f->c->h->label, shown(path));
	return true;
}

static bool kernel_thread(const struct failure *f, char **who)
{
	struct process p;

	if (!f->c || !hier_has(f->c->h, "cpuset") || !f->pid || !process_get(f->pid, &p))
		return false;
	*who = xasprintf("%d (%s) is %s.", p.pid, p.comm,
			 p.kernel ? "a thread of the kernel" : "one with such a thread");
	return true;
}

/* The other of barrier and limit is in the way. */
static bool barrier_over_limit(const struct failure *f, char **who)
{
	char *dot, *other;
	int64_t there;
	bool limit;

	if (!f->c || !f->value)
		return false;
	other = xstrdup(f->what);
	dot = strrchr(other, '.');
	limit = dot && !strcmp(dot, ".limit");
	if (!dot)
		return false;
	*dot = '\0';
	other = xasprintf("%s.%s", other, limit ? "barrier" : "limit");
	if (!cont_number(f->c, other, &there))
		return false;
	if (limit ? strtoll(f->value, NULL, 10) >= there : strtoll(f->value, NULL, 10) <= there)
		return false;
	*who = xasprintf("%s has %s %lld.", cont_name(f->c), other, (long long)there);
	return true;
}

static bool share(const char *text, const char *key, long *value)
{
	size_t len = strlen(key);

	for (const char *p = text; p && *p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (!strncmp(p, key, len) && p[len] == '=') {
			*value = strtol(p + len + 1, NULL, 10);
			return true;
		}
	return false;
}

/* A share against the parent's divisor, or the divisor against the children. */
static bool shares_too_large(const struct failure *f, char **who)
{
	long v, divisor, sum = 0, max = 0, min, m;
	struct strings names;
	struct cont parent;
	char *text;

	if (!f->c || !f->value)
		return false;
	if (!cont_is_root(f->c) && (share(f->value, "min_shares", &v) ||
				    share(f->value, "max_shares", &v))) {
		parent = cont_parent(f->c);
		text = cont_line(&parent, f->what);
		if (!text || !share(text, "child_shares_divisor", &divisor))
			return false;
		names = cont_children(&parent);
		for (size_t i = 0; i < names.n; i++) {
			struct cont child = cont_child(&parent, names.v[i]);

			text = cont_line(&child, f->what);
			if (text && strcmp(child.path, f->c->path) &&
			    share(text, "min_shares", &m) && m > 0)
				sum += m;
		}
		*who = xasprintf("%s has child_shares_divisor %ld, and its other children have %ld of it as min_shares.",
				 cont_name(&parent), divisor, sum);
		return true;
	}
	if (!share(f->value, "child_shares_divisor", &v))
		return false;
	names = cont_children(f->c);
	for (size_t i = 0; i < names.n; i++) {
		struct cont child = cont_child(f->c, names.v[i]);

		text = cont_line(&child, f->what);
		if (text && share(text, "min_shares", &min) && min > 0)
			sum += min;
		if (text && share(text, "max_shares", &m) && m > max)
			max = m;
	}
	*who = xasprintf("The children of %s have %ld as min_shares, and the largest max_shares is %ld.",
			 cont_name(f->c), sum, max);
	return true;
}

static char *bound_where(void)
{
	char *s = NULL;

	for (size_t i = 0; i < hiers.n; i++) {
		struct hierarchy *h = &hiers.v[i];
		const char *dir = "not mounted here";

		for (size_t j = 0; j < hiers.nmounts; j++)
			if (hiers.mounts[j].h == h)
				dir = hiers.mounts[j].target;
		s = xasprintf("%s%s%s (%s)", s ? s : "Active: ", s ? ", " : "", h->key, dir);
	}
	return s ? xasprintf("%s.", s) : NULL;
}

static bool active_sets(const struct failure *f, char **who)
{
	(void)f;
	*who = bound_where();
	return true;
}

static bool said_by_kernel(const struct failure *f, char **who)
{
	if (f->kernel_says)
		*who = xasprintf("The kernel says: %s.", f->kernel_says);
	return true;
}

static bool busy_mount(const struct failure *f, char **who)
{
	char *says = NULL;

	said_by_kernel(f, &says);
	active_sets(f, who);
	if (says)
		*who = *who ? xasprintf("%s %s", says, *who) : says;
	return true;
}

static bool not_privileged(const struct failure *f, char **who)
{
	(void)f;
	*who = xasprintf("You are %s.", user_name(geteuid()));
	return true;
}

static bool core_absent(const struct failure *f, char **who)
{
	(void)f;
	(void)who;
	return access("/proc/containers", F_OK);
}

/* --- the table ------------------------------------------------------------- */

#define FLAGS "notify_on_release auto_delete kill_on_rmdir clone_children"
#define CPUSET_LISTS "cpuset.cpus cpuset.mems"
#define CPUSET_EXCL "cpuset.cpu_exclusive cpuset.mem_exclusive"
#define CPUSET_FLAGS "cpuset.memory_migrate cpuset.memory_spread_page cpuset.memory_spread_slab " \
		     "cpuset.memory_pressure_enabled"
#define MOVES "tasks procs"
#define READ_ONLY "events cpuacct.usage_ns cpuacct.usage_subtree_ns cpuacct.usage_percpu " \
		  "cpuacct.stat cpuacct.load cpuset.memory_pressure bc.*.held bc.*.maxheld " \
		  "bc.*.minheld bc.*.failcnt bc.stat"

static const struct reason reasons[] = {
	/* moving tasks */
	{ MOVES, EACCES, at_open, "Only who may write the file may move tasks with it.",
	  "Let its owner do it, or have the container delegated: chown USER of its directory, tasks and procs, as create --owner does." },
	{ MOVES, EACCES, other_user, "The effective user who opened the file must be root, or the task's real or saved user.",
	  "Do it as that user or as root." },
	{ MOVES, EACCES, NULL, "Only root, or the real or saved user of a task, may move it, and only who may write the file.",
	  "Do it as that user or as root." },
	{ MOVES, ENOSPC, empty_cpuset, "A task can enter only where it has a CPU and memory; this has nothing to do with disks.",
	  "containerctl set {path} cpuset.cpus=LIST cpuset.mems=LIST; create --inherit-cpuset does that for a new container." },
	{ MOVES, ENOSPC, NULL, "A task can enter only where cpuset.cpus and cpuset.mems are not empty; this has nothing to do with disks.",
	  "containerctl set {path} cpuset.cpus=LIST cpuset.mems=LIST" },
	{ MOVES, ESRCH, task_gone, "A task that is exiting, or a zombie, is not moved.",
	  "containerctl ps shows those that run." },
	{ MOVES, ESRCH, NULL, "There is no such task in this pid namespace, or it is exiting.",
	  "containerctl ps shows those that run." },
	{ MOVES, EINVAL, no_number, "The id of a task is a decimal number.", "Give a pid, or 0 for the writer itself." },
	{ MOVES, EINVAL, kernel_thread, "cpuset moves no thread whose affinity the kernel has fixed, nor kthreadd.",
	  "Leave it where it is." },
	{ MOVES, EINVAL, NULL, "It is no number, or cpuset is bound and the kernel has fixed the affinity of that thread.",
	  "Leave threads of the kernel where they are." },
	{ MOVES, EPERM, ns_bound, "While ns is bound, a task can move only into an empty container that is a child of the one that it is in.",
	  "Fork in the container rather than move into it, or bind ns to another hierarchy." },
	{ MOVES, EPERM, NULL, "The mover may not set the CPU affinity of that task, which cpuset needs.",
	  "Do it as root (CAP_SYS_NICE), or as the task's user." },
	{ MOVES, EBUSY, NULL, "A task under SCHED_DEADLINE must be allowed all CPUs, says the kernel.",
	  "chrt --other --pid 0 {pid}, then move it." },
	{ MOVES, ENODEV, NULL, "The container was removed, or is being killed.", "containerctl create {path}" },

	/* cpuset */
	{ CPUSET_LISTS, EACCES, of_root, "The root's lists are what is online, and read-only.",
	  "Make a container below it: containerctl create {top}NAME" },
	{ CPUSET_LISTS, EACCES, at_open, "Only who may write the file may change it.", "Let its owner do it, or root." },
	{ CPUSET_LISTS, EACCES, parent_lacks, "What a container has must be a part of what its parent has.",
	  "Choose from those, or give the parent more first: containerctl set {parent} {file}=LIST" },
	{ CPUSET_LISTS, EACCES, NULL, "What a container has must be a part of what its parent has; the root's lists are read-only.",
	  "containerctl get {parent} {file} shows what there is to choose from." },
	{ CPUSET_LISTS, EBUSY, child_needs, "What a container has must hold all that its children have.",
	  "Take it from the children first: containerctl set CHILD {file}=LIST" },
	{ CPUSET_LISTS, EBUSY, NULL, "A child would fall outside, or a member under SCHED_DEADLINE would lose a CPU.",
	  "Take it from the children first; chrt --other --pid 0 PID for the member." },
	{ CPUSET_LISTS, EINVAL, not_a_list, "A list is numbers and ranges with commas between them: 0-2,5.",
	  "containerctl set {path} {file}=0" },
	{ CPUSET_LISTS, EINVAL, not_online, "Only what is there and online can be given away.",
	  "containerctl get {top} {file} shows what is." },
	{ CPUSET_LISTS, EINVAL, sibling_overlaps, "Siblings may not have the same where one of them is exclusive.",
	  "Choose others, or clear the flag: containerctl set SIBLING cpuset.cpu_exclusive=0 (or mem_exclusive)" },
	{ CPUSET_LISTS, EINVAL, NULL, "It is no list (0-2,5), names what is not online, or overlaps a sibling where one of both is exclusive.",
	  "containerctl get {top} {file} shows what is online." },
	{ CPUSET_LISTS, ENOSPC, has_members, "A container with tasks keeps at least one CPU and one memory node; this has nothing to do with disks.",
	  "Move the tasks elsewhere first: containerctl attach {parent} PID..." },
	{ CPUSET_LISTS, ENOSPC, NULL, "A container with tasks keeps at least one CPU and one memory node; this has nothing to do with disks.",
	  "Move the tasks elsewhere first: containerctl attach {parent} PID..." },
	{ CPUSET_EXCL, EACCES, at_open, "Only who may write the file may change it.", "Let its owner do it, or root." },
	{ CPUSET_EXCL, EACCES, parent_not_exclusive, "Only a child of an exclusive container can be exclusive.",
	  "containerctl set {parent} {file}=1" },
	{ CPUSET_EXCL, EACCES, NULL, "Only a child of an exclusive container can be exclusive.",
	  "containerctl set {parent} {file}=1" },
	{ CPUSET_EXCL, EBUSY, child_exclusive, "The flag stays while a child has it.",
	  "Clear it there first: containerctl set CHILD {file}=0" },
	{ CPUSET_EXCL, EBUSY, NULL, "The flag stays while a child has it.", "Clear it there first: containerctl set CHILD {file}=0" },
	{ CPUSET_EXCL, EINVAL, not_flag, "A flag takes 0 or 1.", "containerctl set {path} {file}=1" },
	{ CPUSET_EXCL, EINVAL, sibling_overlaps, "An exclusive container has nothing that a sibling has.",
	  "Give this one, or the sibling, others: containerctl set SIBLING cpuset.cpus=LIST (or mems)" },
	{ CPUSET_EXCL, EINVAL, NULL, "A flag takes 0 or 1, and an exclusive container has nothing that a sibling has.",
	  "containerctl tree -o name,cpus,mems {top} shows who has what." },
	{ CPUSET_FLAGS, EINVAL, NULL, "A flag takes 0 or 1.", "containerctl set {path} {file}=1" },

	/* core */
	{ FLAGS, EINVAL, NULL, "A flag takes 0 or 1.", "containerctl set {path} {file}=1" },
	{ "release_agent", EINVAL, NULL, "The agent is a path without a zero byte in it.", "Give the absolute path of a program." },
	{ "release_agent", ENAMETOOLONG, NULL, "The path of the agent has at most 4,095 bytes.", "Give a shorter path, such as that of a symbolic link." },
	{ "release_agent", EPERM, NULL, "The agent runs as root, so only CAP_SYS_ADMIN in the initial user namespace may name it.",
	  "Do it as root." },
	{ "events", EINVAL, NULL, "events is to be read and waited for.", "containerctl watch {path}" },

	/* cpuacct */
	{ "cpuacct.usage", EINVAL, NULL, "It takes 0 alone, which resets the figures of this container.", "containerctl set {path} cpuacct.usage=0" },

	/* numtasks */
	{ "numtasks.shares", EINVAL, shares_too_large, "A child's shares are parts of its parent's divisor: max_shares and the sum of all min_shares stay within it, and min_shares within max_shares.",
	  "Ask for less, or make the divisor larger: containerctl set {parent} numtasks.shares=child_shares_divisor=N" },
	{ "numtasks.shares", EINVAL, NULL, "Keys are res, min_shares, max_shares and child_shares_divisor; shares are numbers within the parent's divisor, min within max; -3 is don't care.",
	  "containerctl get {parent} numtasks.shares shows the divisor." },
	{ "numtasks.stats", EINVAL, NULL, "It takes res=numtasks alone, which resets the counts.", "containerctl set {path} numtasks.stats=res=numtasks" },

	/* bc */
	{ "bc.*.barrier bc.*.limit", EINVAL, no_number, "A bound is a decimal number from 0 to 9223372036854775807.",
	  "containerctl set {path} {file}=max lifts it." },
	{ "bc.*.barrier bc.*.limit", EINVAL, barrier_over_limit, "The barrier is never above the limit.",
	  "containerctl limit {path} RESOURCE=N sets both in the right order." },
	{ "bc.*.barrier bc.*.limit", EINVAL, NULL, "The barrier is never above the limit, and neither above 9223372036854775807.",
	  "containerctl limit {path} RESOURCE=N sets both in the right order." },

	/* directories */
	{ "mkdir", EEXIST, NULL, "There is a container, or a control file, of that name.", "Choose another name." },
	{ "mkdir", ENOENT, NULL, "The parent is not there, or is being removed.", "containerctl create --parents {path}" },
	{ "mkdir", EINVAL, NULL, "The name of a container has no newline in it.", "Choose another name." },
	{ "mkdir", ENAMETOOLONG, NULL, "A name has at most 255 bytes, a path 4,095.", "Choose a shorter one." },
	{ "mkdir", EACCES, dir_owner, "Who may write a container's directory may make containers in it.",
	  "Let its owner do it, or have the container delegated: containerctl create --owner USER {parent}" },
	{ "mkdir", EACCES, NULL, "Who may write a container's directory may make containers in it.",
	  "Let its owner do it, or have the container delegated: containerctl create --owner USER PATH" },
	{ "mkdir", ENOMEM, NULL, "The kernel has no memory for it.", "free -m; then again." },
	{ "mkdir", ENOSPC, NULL, "The subsystem has no room for another container.", "dmesg says which." },
	{ "mkdir", EROFS, NULL, "This mount is read-only.", "mount -o remount,rw it, or use another mount of the hierarchy." },
	{ "rmdir", EBUSY, of_root, "The root of a hierarchy is no container to be removed.", "containerctl umount {hier}" },
	{ "rmdir", EBUSY, caller_inside, "kill_on_rmdir does not kill the caller.", "Leave first: containerctl attach {top} $$" },
	{ "rmdir", EBUSY, has_members, "A container with tasks stays.",
	  "containerctl delete --kill {path} kills them; --wait=10s waits for them; attach {parent} PID... moves them." },
	{ "rmdir", EBUSY, has_children, "A container with containers below it stays.", "containerctl delete -r {path}" },
	{ "rmdir", EBUSY, has_files, "While a file is charged, its container stays.",
	  "End or restart those who hold them (lsof, ls -l /proc/PID/fd); delete --wait=10s waits." },
	{ "rmdir", EBUSY, NULL, "It has tasks, containers below it, or a subsystem's state that is referenced.",
	  "containerctl delete --wait=10s {path} waits for it; delete -r or --kill for what is in it." },
	{ "rmdir", EINTR, NULL, "A signal came while kill_on_rmdir waited for the members to end.", "Again: containerctl delete --kill {path}" },
	{ "rmdir", EACCES, dir_owner, "Who may write the parent's directory may remove what is in it.", "Let its owner do it, or root." },
	{ "rmdir", EACCES, NULL, "Who may write the parent's directory may remove what is in it.", "Let its owner do it, or root." },
	{ "rmdir", EPERM, NULL, "In a directory with the sticky bit, only the owner removes.", "Let its owner do it, or root." },
	{ "rmdir", ENOENT, NULL, "There is no such container.", "containerctl tree {top}" },
	{ "rmdir", ENOTDIR, NULL, "It is a control file.", "Control files go with their container." },
	{ "rename", EIO, NULL, "A container is renamed within its parent only.", "Make one there, and move the tasks." },
	{ "rename", EEXIST, NULL, "There is one of that name.", "Choose another name." },
	{ "rename", ENOTDIR, NULL, "Control files have the names that they have.", "Leave it." },
	{ "rename", EINVAL, NULL, "The name of a container has no newline in it; of the flags, only RENAME_NOREPLACE is known.", "Choose another name." },
	{ "unlink", EPERM, NULL, "Control files go with their container.", "containerctl delete {path}" },
	{ "creat", EPERM, NULL, "Only the kernel makes control files.", "containerctl create makes a container." },
	{ "creat", EACCES, NULL, "Only the kernel makes control files.", "containerctl create makes a container." },
	{ "chown chmod", EPERM, not_privileged, "Only root gives a directory away; its owner may change its mode.", "Do it as root." },

	/* mounting and modules */
	{ "mount", ENOENT, said_by_kernel, "There is no subsystem of that name, and no module for it; with name= alone, no hierarchy of that name.",
	  "containerctl status lists the subsystems; modprobe container_NAME loads one. Is the directory there?" },
	{ "mount", EBUSY, busy_mount, "A subsystem is in one hierarchy at most. The set must be that of an active hierarchy, with the same name and options, or have nothing in common with any.",
	  "Mount the same set again, or remove the containers of the other hierarchy and unmount it: containerctl umount HIERARCHY" },
	{ "mount", EINVAL, said_by_kernel, "Subsystems are words with commas between them; none needs a name, and a name has 1 to 63 of A-Z a-z 0-9 . _ -; all needs a subsystem that is loaded.",
	  "containerctl mount cpuacct; modprobe container_core loads all that are usual." },
	{ "mount", ENAMETOOLONG, NULL, "The path of the release agent has at most 4,095 bytes.", "Give a shorter path." },
	{ "mount", ENOSPC, active_sets, "There are as many hierarchies as the modules were built for (MAX_CONTAINER_HIERARCHIES, 4 if not told otherwise, the dummy one included); this has nothing to do with disks.",
	  "Unmount one, or build with MAX_CONTAINER_HIERARCHIES=8." },
	{ "mount", EPERM, not_privileged, "Mounting takes CAP_SYS_ADMIN in the initial user namespace.", "Do it as root, outside of user namespaces." },
	{ "mount", EOPNOTSUPP, said_by_kernel, "A kernel function that is needed cannot be hooked.", "dmesg names it; a live patch or another tracer may have it." },
	{ "mount", ENODEV, core_absent, "The kernel does not know the filesystem \"container\": the module container_core is not loaded.",
	  "modprobe container_core. Not found: install the modules for this kernel (dkms status). \"Key was rejected\": sign them (Secure Boot)." },
	{ "mount", ENODEV, NULL, "The kernel does not know the filesystem.", "modprobe container_core" },
	{ "mount", ENOTDIR, NULL, "What is mounted on must be a directory.", "mkdir it." },
	{ "mount", ENOMEM, NULL, "The kernel has no memory for it.", "free -m; then again." },
	{ "umount", EBUSY, NULL, "Somebody has a file open there, or his working directory.", "fuser -vm DIR names them; cd out of it." },
	{ "umount", EPERM, not_privileged, "Unmounting takes CAP_SYS_ADMIN.", "Do it as root." },
	{ "umount", EINVAL, NULL, "Nothing is mounted there.", "containerctl status lists the mounts." },
	{ "rmmod", EBUSY, NULL, "The module is in use: its subsystem is bound to an active hierarchy, or for the core, there is a hierarchy or a subsystem's module.",
	  "Remove the containers, unmount (containerctl umount HIERARCHY), then modprobe -r." },
	{ "rmmod", EAGAIN, NULL, "The module is in use: its subsystem is bound to an active hierarchy, or for the core, there is a hierarchy or a subsystem's module.",
	  "Remove the containers, unmount (containerctl umount HIERARCHY), then modprobe -r." },
	{ "insmod", ENOSPC, NULL, "There are as many subsystems as the modules were built for (MAX_CONTAINER_SUBSYS, 8 if not told otherwise).",
	  "Unload one, or build with MAX_CONTAINER_SUBSYS=16." },
	{ "insmod", EEXIST, NULL, "A subsystem of that name is registered, or the module is loaded.", "lsmod; modprobe -r the other." },
	{ "total_numtasks forkrate forkrate_interval load_interval auto_delete max_depth max_containers", EINVAL, NULL,
	  "A parameter is a number of at least 1 (auto_delete: 0 or 1), total_numtasks more than what is in use; 2147483647 is no limit.",
	  "cat /sys/module/container_*/parameters/{file}" },

	/* what members are told */
	{ "fork", EAGAIN, NULL, "A limit is reached: of a container (bc.numtasks, numtasks.shares, forkrate), of the user (ulimit -u), or pid_max.",
	  "containerctl explain PID shows which; containerctl limit {path} tasks=N raises bc's." },
	{ "fork mmap", ENOMEM, NULL, "bc.privvmpages of the container, or of one above it, is at its limit, or memory is out.",
	  "containerctl limit {path} privvmpages=+10%" },
	{ "open", EMFILE, NULL, "bc.numfiles of the container, or of one above it, is at its barrier, or the process at its own limit (ulimit -n).",
	  "containerctl limit {path} numfiles=+10%" },
	{ "sched_setaffinity", EINVAL, NULL, "Of the CPUs that were asked for, the container has none.", "containerctl get {path} cpuset.cpus" },
	{ "sched_setaffinity", EBUSY, NULL, "A task under SCHED_DEADLINE must be allowed all CPUs.", "chrt --other --pid 0 {pid}" },
	{ "set_mempolicy mbind", EINVAL, NULL, "Of the nodes that were asked for, the container has none.", "containerctl get {path} cpuset.mems" },

	/* any file */
	{ READ_ONLY, EACCES, NULL, "The file is read-only.", "containerctl get {path} {file}" },
	{ READ_ONLY, EINVAL, NULL, "The file is read-only.", "containerctl get {path} {file}" },
	{ "*", ENODEV, NULL, "The container was removed meanwhile.", "containerctl create {path}" },
	{ "*", ENOENT, NULL, "This container has no such file: the subsystem is not bound to its hierarchy, or the file is the root's alone; or the container is gone.",
	  "containerctl get {path} lists the files." },
	{ "*", E2BIG, NULL, "A value has at most 4,096 bytes.", "Write less." },
	{ "*", EINVAL, NULL, "That is not a value of this file.", "containerctl get {path} {file} shows one." },
	{ "*", EACCES, at_open, "The permission bits of the file decide who may read and write it.", "Let its owner do it, or root." },
	{ "*", EACCES, NULL, "The permission bits of the file decide who may read and write it.", "Let its owner do it, or root." },
	{ "*", EROFS, NULL, "This mount is read-only.", "mount -o remount,rw it, or use another mount of the hierarchy." },
	{ "*", ENOMEM, NULL, "The kernel has no memory for it.", "free -m; then again." },
	{ "*", EINTR, NULL, "A signal came while the kernel waited.", "Again." },
};

static bool applies_to(const struct reason *r, const char *what)
{
	struct strings patterns = strings_split(r->file, " ");
	bool yes = false;

	for (size_t i = 0; i < patterns.n && !yes; i++)
		yes = !fnmatch(patterns.v[i], what, 0);
	strings_free(&patterns);
	/* "*" is about files, not about calls */
	if (yes && !strcmp(r->file, "*") && !strchr(what, '.') && !strchr(what, '_'))
		yes = !strcmp(what, "tasks") || !strcmp(what, "procs") || !strcmp(what, "events");
	return yes;
}

static char *fill_in(const char *text, const struct failure *f)
{
	struct {
		const char *name, *value;
	} words[] = {
		{ "{path}", f->c ? cont_name(f->c) : "PATH" },
		{ "{parent}", "PARENT" },
		{ "{hier}", f->c ? f->c->h->label : "HIERARCHY" },
		{ "{file}", f->what },
		{ "{top}", xasprintf("%s:/", f->c ? f->c->h->label : "HIERARCHY") },
		{ "{pid}", f->pid ? xasprintf("%d", f->pid) : "PID" },
	};
	char *s = xstrdup("");

	if (f->c && !cont_is_root(f->c)) {
		struct cont parent = cont_parent(f->c);

		words[1].value = cont_name(&parent);
	}
	while (*text) {
		size_t i, n = strcspn(text, "{");

		for (i = 0; i < ARRAY_SIZE(words) && !n; i++)
			if (!strncmp(text, words[i].name, strlen(words[i].name)))
				break;
		if (n || i == ARRAY_SIZE(words)) {
			n += !n;
			s = xasprintf("%s%.*s", s, (int)n, text);
			text += n;
		} else {
			s = xasprintf("%s%s", s, words[i].value);
			text += strlen(words[i].name);
		}
	}
	return s;
}

char *failure_text(const struct failure *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		const struct reason *r = &reasons[i];
		char *who = NULL;

		if (r->err != f->err || !applies_to(r, f->what) || (r->test && !r->test(f, &who)))
			continue;
		return xasprintf("  Rule: %s\n%s%s%s  Cure: %s\n", r->rule, who ? "  Who:  " : "",
				 who ? who : "", who ? "\n" : "", fill_in(r->cure, f));
	}
	return NULL;
}

void explain_failure(const struct failure *f)
{
	char *text = failure_text(f), *value = f->value ? shown(f->value) : NULL, *where;

	if (value && strlen(value) > 60)
		value = xasprintf("%.57s...", value);
	where = f->c ? xasprintf("%s: ", cont_name(f->c)) : xstrdup("");
	complain("%s%s%s%s: %s (%s)", where, f->what, value ? " = " : "", value ? value : "",
		 strerror(f->err), strerrorname_np(f->err) ? strerrorname_np(f->err) : "?");
	if (text)
		fputs(text, stderr);
}

bool cont_set(const struct cont *c, const char *file, const char *value)
{
	struct failure f = { .what = file, .c = c, .value = value };

	f.err = cont_write(c, file, value, &f.at_open);
	if (f.err)
		explain_failure(&f);
	return !f.err;
}

/* --- containerctl errors ------------------------------------------------------ */

static const struct column columns[] = {
	{ "FILE", "file, or call", 0 },
	{ "ERRNO", "the error", 0 },
	{ "RULE", "the rule that was broken", 0 },
	{ "CURE", "what to do", 0 },
};

static struct {
	struct table_options table;
	struct strings files, errnos;
} args;

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args.table;
		break;
	case ARGP_KEY_ARG:
		/* no file begins with a capital letter */
		strings_add(*arg == 'E' ? &args.errnos : &args.files, arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* Has a row above said the same, or, where this is about any file, something better? */
static bool told(size_t row, const char *what)
{
	for (size_t i = 0; i < row; i++)
		if (reasons[i].err == reasons[row].err && applies_to(&reasons[i], what) &&
		    (!strcmp(reasons[i].rule, reasons[row].rule) ||
		     (!strcmp(reasons[row].file, "*") && strcmp(reasons[i].file, "*"))))
			return true;
	return false;
}

/* What is known of a file; NULL: the whole table. False: nothing. */
static bool show(struct table *t, const char *file, bool as_text)
{
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		const struct reason *r = &reasons[i];
		struct failure f = { .what = file ? file : r->file, .err = r->err };
		const char *name = strerrorname_np(r->err);
		struct row *row;

		if ((file && (!applies_to(r, file) || told(i, file))) ||
		    (args.errnos.n && !strings_has(&args.errnos, name)))
			continue;
		any = true;
		if (as_text) {
			printf("%s: %s\n  Rule: %s\n  Cure: %s\n", file, name, r->rule,
			       fill_in(r->cure, &f));
			continue;
		}
		row = table_row(t, NULL);
		table_set(t, row, "FILE", f.what);
		table_set(t, row, "ERRNO", name);
		table_set(t, row, "RULE", r->rule);
		table_set(t, row, "CURE", fill_in(r->cure, &f));
	}
	return any;
}

int cmd_errors(int argc, char **argv)
{
	static const struct argp_child children[] = { { &table_argp, 0, NULL, 0 }, { } };
	static const struct argp argp = {
		.parser = parse, .children = children, .args_doc = "[FILE...] [ERRNO...]",
		.doc = "What the errors of control files, or of calls such as mount, rmdir or fork, mean. Without FILE, all that are known.",
	};
	bool as_text, good = true;
	struct table *t;

	args.table.known = columns;
	args.table.nknown = ARRAY_SIZE(columns);
	argp_parse(&argp, argc, argv, 0, NULL, &args);
	as_text = args.files.n && !args.table.json && !args.table.columns;
	t = table_new("errors", columns, ARRAY_SIZE(columns), "FILE,ERRNO,RULE", &args.table);
	if (!args.files.n && !show(t, NULL, false))
		die("no such error is known");
	for (size_t i = 0; i < args.files.n; i++)
		if (!show(t, args.files.v[i], as_text)) {
			complain("nothing is known of that about %s", shown(args.files.v[i]));
			good = false;
		}
	if (!as_text)
		table_print(t);
	return good ? 0 : EXIT_FAILURE;
}
