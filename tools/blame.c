// SPDX-License-Identifier: GPL-2.0
/*
 * Who is in the way: the tests of the reasons for an errno. Each looks around whether its
 * reason is the one, and may say who or what it is.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "reasons.h"

static char *list_of(const struct cont *c, const char *file, struct idset *s)
{
	char *line = cont_line(c, file);

	return line && idset_parse(line, s) ? line : NULL;
}

static const char *or_empty(const char *list)
{
	return *list ? list : "none";
}

bool at_open(const struct failure *f, char **who)
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
bool dir_owner(const struct failure *f, char **who)
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

bool of_root(const struct failure *f, char **who)
{
	(void)who;
	return f->c && cont_is_root(f->c);
}

bool parent_lacks(const struct failure *f, char **who)
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

bool parent_not_exclusive(const struct failure *f, char **who)
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

bool child_needs(const struct failure *f, char **who)
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

bool child_exclusive(const struct failure *f, char **who)
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

bool not_a_list(const struct failure *f, char **who)
{
	struct idset s;

	if (!f->value || idset_parse(f->value, &s))
		return false;
	*who = xasprintf("\"%s\" is none.", shown(f->value));
	return true;
}

bool not_online(const struct failure *f, char **who)
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
bool sibling_overlaps(const struct failure *f, char **who)
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

bool has_members(const struct failure *f, char **who)
{
	char *s = f->c ? some_members(f->c) : NULL;

	if (!s)
		return false;
	*who = xasprintf("%s has %s.", cont_name(f->c), s);
	return true;
}

bool has_children(const struct failure *f, char **who)
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

bool has_files(const struct failure *f, char **who)
{
	int64_t held;

	if (!f->c || !cont_number(f->c, "bc.numfiles.held", &held) || held <= 0)
		return false;
	*who = xasprintf("%lld open file%s %s charged to it (bc.numfiles.held), held by tasks elsewhere: containerctl who %s",
			 (long long)held, held == 1 ? "" : "s", held == 1 ? "is" : "are", cont_name(f->c));
	return true;
}

/* Is the caller in the subtree? Then kill_on_rmdir refuses. */
bool caller_inside(const struct failure *f, char **who)
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

bool empty_cpuset(const struct failure *f, char **who)
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

bool no_number(const struct failure *f, char **who)
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

bool not_flag(const struct failure *f, char **who)
{
	if (!f->value || !strcmp(f->value, "0") || !strcmp(f->value, "1"))
		return false;
	*who = xasprintf("\"%s\" is neither.", shown(f->value));
	return true;
}

bool other_user(const struct failure *f, char **who)
{
	struct process p;

	if (f->at_open || !geteuid() || !f->pid || !process_get(f->pid, &p))
		return false;
	*who = xasprintf("%d (%s) belongs to %s; you are %s.", p.pid, p.comm, user_name(p.uid),
			 user_name(geteuid()));
	return true;
}

bool task_gone(const struct failure *f, char **who)
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

bool ns_bound(const struct failure *f, char **who)
{
	char *path;

	if (!f->c || !hier_has(f->c->h, "ns"))
		return false;
	path = f->pid ? task_path(f->pid, f->c->h) : NULL;
	if (path)
		*who = xasprintf("%d is in %s:%s.", f->pid, f->c->h->label, shown(path));
	return true;
}

bool kernel_thread(const struct failure *f, char **who)
{
	struct process p;

	if (!f->c || !hier_has(f->c->h, "cpuset") || !f->pid || !process_get(f->pid, &p))
		return false;
	*who = xasprintf("%d (%s) is %s.", p.pid, p.comm,
			 p.kernel ? "a thread of the kernel" : "one with such a thread");
	return true;
}

/* The other of barrier and limit is in the way. */
bool barrier_over_limit(const struct failure *f, char **who)
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
bool shares_too_large(const struct failure *f, char **who)
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

bool active_sets(const struct failure *f, char **who)
{
	(void)f;
	*who = bound_where();
	return true;
}

bool said_by_kernel(const struct failure *f, char **who)
{
	if (f->kernel_says)
		*who = xasprintf("The kernel says: %s.", f->kernel_says);
	return true;
}

bool busy_mount(const struct failure *f, char **who)
{
	char *says = NULL;

	said_by_kernel(f, &says);
	active_sets(f, who);
	if (says)
		*who = *who ? xasprintf("%s %s", says, *who) : says;
	return true;
}

bool not_privileged(const struct failure *f, char **who)
{
	(void)f;
	*who = xasprintf("You are %s.", user_name(geteuid()));
	return true;
}

bool core_absent(const struct failure *f, char **who)
{
	(void)f;
	(void)who;
	return access("/proc/containers", F_OK);
}
