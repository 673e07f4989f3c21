// SPDX-License-Identifier: GPL-2.0
/*
 * cpuset: its files and their errors, the old filesystem, loading and unloading, and
 * allocations that fail.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include "cpusets.h"
#include "spinners.h"

/* --- files ------------------------------------------------------------------- */

static const struct file {
	const char *name;
	int mode, root_mode;
	const char *value, *root_value;	/* NULL: anything */
} files[] = {
	{ "cpus", 0644, 0444, "\n", NULL },
	{ "mems", 0644, 0444, "\n", NULL },
	{ "cpu_exclusive", 0644, 0644, "0\n", "1\n" },
	{ "mem_exclusive", 0644, 0644, "0\n", "1\n" },
	{ "memory_migrate", 0644, 0644, "0\n", "0\n" },
	{ "memory_spread_page", 0644, 0644, "0\n", "0\n" },
	{ "memory_spread_slab", 0644, 0644, "0\n", "0\n" },
	{ "memory_pressure", 0444, 0444, "0\n", "0\n" },
	{ "memory_pressure_enabled", -1, 0644, NULL, "0\n" },
};

static bool may_miss(const char *name)
{
	return strstr(name, "spread");
}

static void test_files(void)
{
	const struct file *f;
	int mode, pass;

	for (pass = 0; pass < 2; pass++) {
		const char *prefix = pass ? "" : "cpuset.";

		err(cmount(M, pass ? "cpuset,noprefix" : "cpuset"), 0, "mount");
		err(E(mkdir(A, 0755)), 0, "mkdir");
		for (f = files; f < files + ARRAY_SIZE(files); f++) {
			mode = mode_of(P("%s/%s%s", M, prefix, f->name));
			if (mode == -1 && may_miss(f->name)) {
				eq(mode_of(P("%s/%s%s", A, prefix, f->name)), -1,
				   "no %s anywhere", f->name);
				continue;
			}
			eq(mode, f->root_mode, "mode of the root's %s%s", prefix, f->name);
			if (f->root_value)
				streq(get(P("%s/%s%s", M, prefix, f->name)), f->root_value,
				      "it says");
			eq(mode_of(P("%s/%s%s", A, prefix, f->name)), f->mode, "below");
			if (f->value)
				streq(get(P("%s/%s%s", A, prefix, f->name)), f->value, "it says");
		}
		eq(mode_of(P("%s/%s", M, pass ? "cpuset.cpus" : "cpus")), -1,
		   "nothing under the other name");
		eq(mask_in(P("%s/%scpus", M, prefix)), all, "the root has all CPUs");
		eq(mask_in(P("%s/%smems", M, prefix)), nodes, "and all nodes");
		err(E(rmdir(A)), 0, "rmdir");
		err(cumount(M), 0, "unmount");
	}
}

/* "mount -t cpuset": the kernel's own gets its way where it has one. */
static void test_legacy(void)
{
	bool ours;

	ok(strstr(get("/proc/filesystems"), "\tcpuset\n"), "some filesystem is called cpuset");
	eq(unload_all(), 0, "nothing is loaded");
	ours = !strstr(get("/proc/filesystems"), "\tcpuset\n");
	diag("mount -t cpuset is %s", ours ? "ours" : "the kernel's");
	mkdir(M, 0755);
	err(E(mount("x", M, "cpuset", 0, NULL)), 0, "mount -t cpuset");
	ok(get(M "/cpus") != NULL, "without prefix");
	eq(modloaded("container_cpuset"), ours, "it loads cpuset if it is ours, and only then");
	if (ours) {
		streq(get(M "/release_agent"), "/sbin/cpuset_release_agent\n", "release agent");
		ok(strstr(get("/proc/mounts"), ",cpuset,noprefix,release_agent=") != NULL,
		   "/proc/mounts shows what it is");
	} else {
		ok(strstr(get("/proc/mounts"), "x " M " cgroup "), "it is a cgroup hierarchy");
	}
	err(cumount(M), 0, "unmount");
	err(modprobe("container_cpuset"), 0, "cpuset is loaded");
}

static void test_lists(void)
{
	static const char *const bad[] = {
		"x", "-1", "0-", "1-0", "0x1", "4096", "99999999999", "0,x", "0;1", "63",
	};
	unsigned int i;

	err(cmount(M, "cpuset"), 0, "mount");
	mkdir(A, 0755);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		err(put(A "/cpuset.cpus", "%s", bad[i]), EINVAL, "cpus: '%s'", bad[i]);
		err(put(A "/cpuset.mems", "%s", bad[i]), EINVAL, "mems: '%s'", bad[i]);
	}
	streq(get(A "/cpuset.cpus"), "\n", "nothing has changed");
	err(put(A "/cpuset.cpus", " 0 \n"), 0, "blanks around it");
	streq(get(A "/cpuset.cpus"), "0\n", "it says");
	err(put(A "/cpuset.cpus", "0,0-%d,1", ncpus - 1), 0, "an untidy list");
	streq(get(A "/cpuset.cpus"), P("%s\n", list_of(all)), "comes back tidy");
	err(put(A "/cpuset.mems", "0,1"), 0, "both nodes");
	streq(get(A "/cpuset.mems"), "0-1\n", "come back as a range");
	err(put(A "/cpuset.cpus", "\n"), 0, "an empty line empties it");
	streq(get(A "/cpuset.cpus"), "\n", "it says");
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		if (!strcmp(files[i].name, "cpus") || !strcmp(files[i].name, "mems") ||
		    files[i].mode != 0644 || mode_of(P(A "/cpuset.%s", files[i].name)) == -1)
			continue;
		err(put(P(A "/cpuset.%s", files[i].name), "2"), EINVAL, "%s: 2", files[i].name);
		err(put(P(A "/cpuset.%s", files[i].name), "yes"), EINVAL, "and words");
		err(put(P(A "/cpuset.%s", files[i].name), "%s", ""), 0, "and nothing at all");
	}
	err(put(A "/cpuset.memory_pressure", "0"), EACCES, "pressure is read-only");
	err(put(M "/cpuset.cpus", "0"), EACCES, "so are the root's CPUs");
	err(put(M "/cpuset.mems", "0"), EACCES, "and nodes");
	err(put(M "/cpuset.cpus", "x"), EACCES, "whatever is written");
	err(put(M "/cpuset.memory_pressure_enabled", "7"), EINVAL, "0 or 1");
	rmdir(A);
	err(cumount(M), 0, "unmount");
}

/* --- errors ------------------------------------------------------------------ */

static void test_errors(void)
{
	unsigned long one = 1, rest = all & ~1UL;
	pid_t pid;

	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, one, 1), 0, "a: CPU 0, node 0");
	err(E(mkdir(B, 0755)), 0, "a/b, below it");
	err(put(B "/cpuset.cpus", "%s", list_of(rest)), EACCES, "no subset of the parent's CPUs");
	err(put(B "/cpuset.mems", "1"), EACCES, "nor of its nodes");
	err(put(B "/cpuset.cpus", "0"), 0, "a subset");
	err(put(B "/cpuset.mems", "0"), 0, "a subset");
	err(put(A "/cpuset.cpus", "%s", list_of(rest)), EBUSY, "the child would fall outside");
	err(put(A "/cpuset.mems", "1"), EBUSY, "outside of its nodes, too");
	err(put(A "/cpuset.cpus", "%s", ""), 0, "nothing written, nothing done");
	err(put(A "/cpuset.cpus", "\n"), EBUSY, "emptied: the child would fall outside");

	/* exclusive */
	err(put(B "/cpuset.cpu_exclusive", "1"), EACCES, "exclusive under one that is not");
	err(put(B "/cpuset.mem_exclusive", "1"), EACCES, "the nodes, too");
	err(make(C, all, nodes), 0, "c: everything");
	err(put(A "/cpuset.cpu_exclusive", "1"), EINVAL, "exclusive, but c has the same");
	err(put(A "/cpuset.mem_exclusive", "1"), EINVAL, "the same nodes, too");
	err(put(C "/cpuset.cpus", "%s", list_of(rest)), 0, "c: the other CPUs");
	err(put(C "/cpuset.mems", "1"), 0, "and the other node");
	err(put(A "/cpuset.cpu_exclusive", "1"), 0, "now it may be");
	err(put(A "/cpuset.mem_exclusive", "1"), 0, "the nodes, too");
	err(put(C "/cpuset.cpus", "0"), EINVAL, "and c may not have its CPU");
	err(put(C "/cpuset.mems", "0-1"), EINVAL, "nor its node");
	err(put(A "/cpuset.cpus", "%s", list_of(all)), EINVAL, "nor it that of c");
	err(put(B "/cpuset.cpu_exclusive", "1"), 0, "the child may, too");
	err(put(A "/cpuset.cpu_exclusive", "0"), EBUSY, "the parent has to stay so");
	err(put(M "/cpuset.cpu_exclusive", "0"), EBUSY, "so has the root");
	err(put(B "/cpuset.cpu_exclusive", "0"), 0, "the child first");
	err(put(A "/cpuset.cpu_exclusive", "0"), 0, "then the parent");
	err(put(M "/cpuset.cpu_exclusive", "0"), 0, "then the root");
	err(put(A "/cpuset.cpu_exclusive", "1"), EACCES, "whose children then cannot be");
	err(put(M "/cpuset.cpu_exclusive", "1"), 0, "until it is so again");
	err(put(A "/cpuset.mem_exclusive", "0"), 0, "and the nodes are shared");

	/* with tasks */
	pid = sleeper();
	err(put(C "/cpuset.cpus", "\n"), 0, "c without CPUs");
	err(movepid(C, pid), ENOSPC, "takes no task");
	err(put(C "/cpuset.cpus", "0"), 0, "with one");
	err(put(C "/cpuset.mems", "\n"), 0, "but without nodes");
	err(movepid(C, pid), ENOSPC, "it takes none either");
	err(put(C "/cpuset.mems", "1"), 0, "with both");
	err(movepid(C, pid), 0, "it does");
	err(put(C "/cpuset.cpus", "\n"), ENOSPC, "and cannot be emptied");
	err(put(C "/cpuset.mems", "\n"), ENOSPC, "of nodes either");
	streq(get(C "/cpuset.cpus"), "0\n", "it has what it had");
	streq(get(C "/cpuset.mems"), "1\n", "also of nodes");
	err(E(rmdir(C)), EBUSY, "rmdir with a task");
	err(movepid(M, pid), 0, "it leaves");
	err(movepid(A, 2), EINVAL, "kthreadd stays where it is");
	err(put(A "/cpuset.cpus", "%s", list_of(all)), 0, "a: all CPUs");
	/* a kernel thread of one CPU: the idle thread's neighbour, migration/0 */
	for (int i = 3; i < 60; i++) {
		char *s = get(P("/proc/%d/comm", i));

		if (s && !strcmp(s, "migration/0\n")) {
			err(movepid(A, i), EINVAL, "migration/0 is bound to its CPU");
			ok(!listed(A "/tasks", i), "and stays in the root");
		}
	}
	reap(pid);
	rmdir(B);
	rmdir(A);
	rmdir(C);
	err(cumount(M), 0, "unmount");
}

/* --- modules ----------------------------------------------------------------- */

static void test_module(void)
{
	pid_t pid = sleeper();
	int i, bad = 0;

	err(rmmod("container_cpuset"), 0, "rmmod");
	err(cmount(M, "cpuset"), 0, "a mount loads it again");
	err(make(A, 1, 1), 0, "a: CPU 0, node 0");
	err(movepid(A, pid), 0, "a task in it");
	ok(rmmod("container_cpuset") != 0, "rmmod while bound");
	eq(affinity(pid), 1, "it is confined");
	err(movepid(M, pid), 0, "it leaves");
	rmdir(A);
	err(cumount(M), 0, "unmount");
	eq(affinity(pid), all, "it has all CPUs");
	eq(mems_of(pid), nodes, "and all nodes");
	for (i = 0; i < 5; i++) {
		bad += !!cmount(M, "cpuset") + !!make(A, 1, 1) + !!movepid(A, pid);
		bad += !!movepid(M, pid) + !!E(rmdir(A)) + !!cumount(M);
		bad += !!rmmod("container_cpuset") + !!modprobe("container_cpuset");
	}
	eq(bad, 0, "mount, use, unmount, unload, again and again");
	eq(affinity(pid), all, "it has all CPUs");
	reap(pid);
	ok(strstr(get("/proc/containers"), "sched_setaffinity: armed") == NULL,
	   "no hook is armed when nothing is mounted");
}

/* --- failing allocations ----------------------------------------------------- */

static int op_mkdir(pid_t pid) { (void)pid; return E(mkdir(C, 0755)); }
static int op_rmdir(pid_t pid) { (void)pid; return E(rmdir(C)); }
static int op_cpus(pid_t pid) { (void)pid; return put(A "/cpuset.cpus", "0"); }
static int op_cpus_back(pid_t pid) { (void)pid; return put(A "/cpuset.cpus", "%s", list_of(all)); }
static int op_mems(pid_t pid) { (void)pid; return put(A "/cpuset.mems", "0"); }
static int op_mems_back(pid_t pid) { (void)pid; return put(A "/cpuset.mems", "%s", list_of(nodes)); }
static int op_flag(pid_t pid) { (void)pid; return put(A "/cpuset.cpu_exclusive", "1"); }
static int op_flag_back(pid_t pid) { (void)pid; return put(A "/cpuset.cpu_exclusive", "0"); }
static int op_enter(pid_t pid) { return movepid(A, pid); }
static int op_leave(pid_t pid) { return movepid(M, pid); }
static int op_fork(pid_t pid)
{
	(void)pid;
	return fork_once();
}
static int op_nothing(pid_t pid) { (void)pid; return 0; }

static const struct {
	const char *what;
	int (*fn)(pid_t pid);
	int (*undo)(pid_t pid);
} ops_failing[] = {
	{ "mkdir", op_mkdir, op_rmdir },
	{ "cpus", op_cpus, op_cpus_back },
	{ "mems", op_mems, op_mems_back },
	{ "cpu_exclusive", op_flag, op_flag_back },
	{ "entering", op_enter, op_leave },
	{ "leaving", op_leave, op_enter },
	{ "fork", op_fork, op_nothing },
};

static void test_failing(void)
{
	pid_t pid = sleeper(), member = sleeper();
	unsigned int i;
	int n, got, bad, left;

	if (!inject_faults(true)) {
		skip("failing allocations # this kernel injects no faults");
		reap(pid);
		reap(member);
		return;
	}
	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, all, nodes), 0, "a");
	err(movepid(A, member), 0, "with a member");
	err(movepid(A, 0), 0, "and us");
	for (i = 0; i < ARRAY_SIZE(ops_failing); i++) {
		if (ops_failing[i].fn == op_leave)
			movepid(A, pid);
		bad = 0;
		for (n = 1; n < 500; n++) {
			fail_nth(n);
			got = ops_failing[i].fn(pid);
			left = fail_left();
			fail_nth(0);
			if (got && got != ENOMEM && !(ops_failing[i].fn == op_fork && got == EAGAIN))
				bad++;
			if (!got && ops_failing[i].undo(pid))
				bad++;
			if (left)
				break;
		}
		ok(n > 1 && n < 500, "%s: %d allocations failed in turn", ops_failing[i].what, n - 1);
		eq(bad, 0, "with no other error");
		eq(affinity(member), all, "the member is as it was");
		eq(mems_of(member), nodes, "and has its nodes");
	}
	movepid(M, 0);
	movepid(M, member);
	movepid(M, pid);
	eq(affinity(pid), all, "all is well afterwards");
	inject_faults(false);
	reap(pid);
	reap(member);
	rmdir(C);
	err(wait_for(!E(rmdir(A))) ? 0 : errno, 0, "rmdir");
	err(cumount(M), 0, "unmount");
}

int main(void)
{
	setup_cpuset();
	if (ncpus < 2 || nodes != 3)
		bail("two CPUs and two nodes");
	CASE(test_files());
	CASE(test_legacy());
	CASE(test_lists());
	CASE(test_errors());
	CASE(test_module());
	CASE(test_failing());
	finish();
}
