// SPDX-License-Identifier: GPL-2.0
/*
 * cpuset: its files and their errors, and that members run where their container says,
 * whatever they call, while it changes, CPUs go and come, and they fork. Memory is the
 * matter of t_cpusetmem.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "cpusets.h"

#define M "/tmp/m"
#define A M "/a"
#define B A "/b"
#define C M "/c"

/* A container that tasks can enter. */
static int make(const char *dir, unsigned long cpus, unsigned long mems)
{
	return E(mkdir(dir, 0755)) ?: put(P("%s/cpuset.cpus", dir), "%s", list_of(cpus)) ?:
	       put(P("%s/cpuset.mems", dir), "%s", list_of(mems));
}

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
	err(put(A "/cpuset.mems", "1"), EBUSY, "likewise");
	err(put(A "/cpuset.cpus", "%s", ""), 0, "nothing written, nothing done");
	err(put(A "/cpuset.cpus", "\n"), EBUSY, "emptied: the child would fall outside");

	/* exclusive */
	err(put(B "/cpuset.cpu_exclusive", "1"), EACCES, "exclusive under one that is not");
	err(put(B "/cpuset.mem_exclusive", "1"), EACCES, "likewise");
	err(make(C, all, nodes), 0, "c: everything");
	err(put(A "/cpuset.cpu_exclusive", "1"), EINVAL, "exclusive, but c has the same");
	err(put(A "/cpuset.mem_exclusive", "1"), EINVAL, "likewise");
	err(put(C "/cpuset.cpus", "%s", list_of(rest)), 0, "c: the other CPUs");
	err(put(C "/cpuset.mems", "1"), 0, "and the other node");
	err(put(A "/cpuset.cpu_exclusive", "1"), 0, "now it may be");
	err(put(A "/cpuset.mem_exclusive", "1"), 0, "likewise");
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
	streq(get(C "/cpuset.mems"), "1\n", "likewise");
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

/* --- confinement ------------------------------------------------------------- */

static int getcpu_now(void)
{
	unsigned int cpu = ~0U;

	syscall(SYS_getcpu, &cpu, NULL, NULL);
	return cpu;
}

static void test_affinity(void)
{
	unsigned long last = 1UL << (ncpus - 1), rest = all & ~last;
	pid_t pid = sleeper(), child;

	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, last, nodes), 0, "a: the last CPU");
	eq(affinity(pid), all, "a task has all CPUs");
	err(movepid(A, pid), 0, "it goes to a");
	eq(affinity(pid), last, "its affinity is the CPU of a");
	eq(cpus_of(pid), last, "status says so, too");
	err(set_affinity(pid, all), 0, "all CPUs are narrowed to that");
	eq(affinity(pid), last, "it is there still");
	err(set_affinity(pid, rest), EINVAL, "others cannot be had");
	err(set_affinity(pid, 1UL << 63), EINVAL, "nor one that does not exist");
	err(set_affinity(pid, 0), EINVAL, "nor none");
	err(set_affinity(123456789, last), ESRCH, "no such task");
	eq(affinity(pid), last, "it is there still");
	err(movepid(M, pid), 0, "it goes back");
	eq(affinity(pid), all, "and has all CPUs again, as it wanted");

	err(set_affinity(pid, last), 0, "it wants the last alone");
	err(movepid(A, pid), 0, "goes to a");
	err(put(A "/cpuset.cpus", "%s", list_of(all)), 0, "a: all CPUs");
	eq(affinity(pid), last, "it has what it wants of them");
	err(put(A "/cpuset.cpus", "0"), 0, "a: CPU 0");
	eq(affinity(pid), 1, "nothing of what it wants: it has all that there is");
	err(put(A "/cpuset.cpus", "%s", list_of(all)), 0, "a: all CPUs");
	eq(affinity(pid), last, "it has what it wants again");
	err(put(A "/cpuset.cpus", "0"), 0, "a: CPU 0");
	err(movepid(M, pid), 0, "it goes back");
	eq(affinity(pid), last, "and has what it would have had");
	err(movepid(A, pid), 0, "to a");
	err(set_affinity(pid, 1), 0, "it wants CPU 0 now");
	err(movepid(M, pid), 0, "and goes");
	eq(affinity(pid), 1, "and gets it");
	reap(pid);

	/* children */
	child = fork();
	if (!child) {
		pid = getpid();
		if (movepid(A, 0) || affinity(0) != 1 || getcpu_now() != 0)
			_exit(1);
		child = fork();
		if (!child)
			_exit(affinity(0) != 1 || getcpu_now() != 0 ||
			      set_affinity(0, last) != EINVAL || movepid(M, 0) ||
			      affinity(0) != all);
		if (waitpid(child, &ncpus, 0) != child || ncpus)
			_exit(2);
		_exit(affinity(0) != 1 || movepid(M, 0) || affinity(0) != all ? 3 : 0);
	}
	waitpid(child, &ncpus, 0);
	eq(ncpus, 0, "children are confined, and get all back as they leave");
	ncpus = __builtin_popcountl(all);
	rmdir(A);
	err(cumount(M), 0, "unmount");
}

/* What a program of a member's says, of what it may run or allocate on. */
static unsigned long list_said(const char *command)
{
	const char *s;

	if (run_in(A, 0, P("exec >/tmp/said 2>&1; %s", command)))
		return 0;
	s = get("/tmp/said");
	return s && strrchr(s, ':') ? mask_of(strrchr(s, ':') + 2) : ~0UL;
}

#define SAY_CPUS "grep Cpus_allowed_list /proc/self/status"
#define SAY_MEMS "grep Mems_allowed_list /proc/self/status"

/* The programs that people use for this. */
static void test_tools(void)
{
	unsigned long second = mask_in("/sys/devices/system/node/node1/cpulist");
	unsigned long cpus = all & ~1UL;

	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, cpus, 2), 0, "a: all CPUs but the first, and the second node");
	eq(list_said("taskset -cp $$"), cpus, "taskset shows its CPUs");
	eq(list_said(P("taskset -c 0-%d " SAY_CPUS, ncpus - 1)), cpus, "it narrows all to them");
	eq(list_said(P("taskset -c %d " SAY_CPUS, ncpus - 1)), 1UL << (ncpus - 1), "gives one");
	ok(run_in(A, 0, "taskset -c 0 true 2>/tmp/said") > 0, "but not one outside");
	ok(strstr(get("/tmp/said") ?: "", "Invalid argument"), "and says so");
	eq(list_said("numactl --cpunodebind=1 " SAY_CPUS), second & cpus,
	   "numactl binds to its node");
	ok(!(list_said("numactl --cpunodebind=0 " SAY_CPUS) & ~cpus), "never to others");
	eq(list_said("numactl --all --cpunodebind=1 " SAY_CPUS), second & cpus,
	   "though it asks for all");
	ok(!(list_said("numactl --all --cpunodebind=0 " SAY_CPUS) & ~cpus), "again never to others");
	eq(list_said("numactl --membind=1 " SAY_MEMS), 2, "it binds memory to the node");
	ok(run_in(A, 0, "numactl --membind=0 true 2>/tmp/said") > 0, "and to no other");
	unlink("/tmp/said");
	err(wait_for(!rmdir(A)) ? 0 : errno, 0, "rmdir");
	err(cumount(M), 0, "unmount");
}

/* --- rights ------------------------------------------------------------------ */

#define USER 1000

/* A process of a user's, who may also do what only a few may. */
static int privileged(struct kid *up, void *arg)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	(void)arg;
	prctl(PR_SET_KEEPCAPS, 1);
	if (setgroups(0, NULL) || setresgid(USER, USER, USER) || setresuid(USER, USER, USER))
		return 1;
	data[0].permitted = data[0].effective = 1U << CAP_SYS_NICE;
	kid_send(up, E(syscall(SYS_capset, &header, data)));
	kid_recv(up);
	return 0;
}

static int plain(struct kid *up, void *arg)
{
	(void)arg;
	drop_to(USER);
	kid_send(up, 0);
	kid_recv(up);
	return 0;
}

static int move_to_a(void *pid) { return movepid(A, *(pid_t *)pid); }
static int set_to_first(void *pid) { return set_affinity(*(pid_t *)pid, 1); }

/* Who may not set the affinity of a task may not move it, though the files are his own. */
static void test_rights(void)
{
	struct kid mighty, other;

	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, 1, nodes), 0, "a: CPU 0");
	err(E(chown(A "/tasks", USER, USER)), 0, "it is a user's");
	mighty = kid_start(privileged, NULL);
	other = kid_start(plain, NULL);
	eq(kid_recv(&mighty) + kid_recv(&other), 0, "two processes of the same user's");
	err(as_user(USER, set_to_first, &mighty.pid), EPERM,
	    "one has CAP_SYS_NICE, and he may not set its affinity");
	err(as_user(USER, move_to_a, &mighty.pid), EPERM, "nor move it");
	eq(affinity(mighty.pid), all, "it is where it was");
	err(as_user(USER, set_to_first, &other.pid), 0, "the other is like himself");
	err(as_user(USER, move_to_a, &other.pid), 0, "and can be moved");
	err(movepid(A, mighty.pid), 0, "root may move both");
	kid_send(&mighty, 0);
	kid_send(&other, 0);
	eq(kid_wait(&mighty) + kid_wait(&other), 0, "they end");
	err(wait_for(!E(rmdir(A))) ? 0 : errno, 0, "rmdir");
	err(cumount(M), 0, "unmount");
}

/* --- storms ------------------------------------------------------------------ */

/* What the storm agrees on, in shared memory. */
static struct storm {
	/* the mask that holds, and how often it changed; odd while it does */
	_Atomic unsigned long mask, seq;
	/* how often they moved; odd while they do */
	_Atomic unsigned long moves;
	_Atomic long outside, samples, calls, wrong, forks;
	_Atomic bool stop;
} *storm;

/* Where we run, if the mask did not change meanwhile, and the container not since. */
static void sample(unsigned long moves)
{
	unsigned long seq = storm->seq, mask;
	int cpu;

	if (seq & 1)
		return;
	mask = storm->mask;
	cpu = getcpu_now();
	if (storm->seq != seq || storm->moves != moves)
		return;
	storm->samples++;
	if (!(mask >> cpu & 1))
		storm->outside++;
}

static void *spin(void *arg)
{
	unsigned int x = (unsigned long)arg * 7919 + 1;
	unsigned long seq, mask, want;
	int got;

	while (!storm->stop) {
		x = x * 1664525 + 1013904223;
		want = x >> 16 & (all << 1 | 1);	/* one that does not exist, too */
		seq = storm->seq;
		mask = storm->mask;
		got = set_affinity(0, want);
		storm->calls++;
		if (!(seq & 1) && storm->seq == seq) {
			if (got != (want & mask ? 0 : EINVAL))
				storm->wrong++;
			if (!got && affinity(0) != (want & mask) && storm->seq == seq)
				storm->wrong++;
		}
		for (int i = 0; i < 10; i++)
			sample(storm->moves);
	}
	return NULL;
}

static int spinner(struct kid *up, void *arg)
{
	pthread_t t[3];
	long i;

	(void)up;
	(void)arg;
	for (i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, spin, (void *)(i + getpid()));
	spin((void *)(long)getpid());
	return 0;
}

/*
 * Forks all the time; children look where they begin. A move leaves behind those that
 * are there already, or begin just then.
 */
static int forker(struct kid *up, void *arg)
{
	unsigned long moves;
	pid_t pid;
	int status;

	(void)up;
	(void)arg;
	while (!storm->stop) {
		moves = storm->moves;
		pid = fork();
		if (!pid) {
			if (!(moves & 1))
				sample(moves);
			if (storm->forks & 1)
				set_affinity(0, all);
			if (!(moves & 1))
				sample(moves);
			_exit(0);
		}
		storm->forks++;
		if (waitpid(pid, &status, 0) != pid)
			return 1;
	}
	return 0;
}

/* One change: all in the storm are within the mask when it is over. */
static int change(unsigned long mask, int how, struct kid *kids, int nkids)
{
	const char *to = how & 1 ? A : C;
	int i, got;

	storm->seq++;
	got = put(P("%s/cpuset.cpus", to), "%s", list_of(mask));
	for (i = 0; i < nkids && !got; i++) {
		if (listed(P("%s/procs", to), kids[i].pid))
			continue;
		storm->moves |= 1;
		got = put(P("%s/procs", to), "%d", kids[i].pid);
	}
	if (storm->moves & 1)
		storm->moves++;
	storm->mask = mask;
	storm->seq++;
	return got;
}

static void test_storm(int seconds)
{
	struct kid kids[4];
	unsigned long mask = all;
	unsigned int x = 12345;
	long end, changes = 0;
	int i, n = 0, bad = 0;

	storm = mmap_shared(sizeof(*storm));
	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, all, nodes) ?: make(C, all, nodes), 0, "two containers");
	storm->mask = all;
	kids[n++] = kid_start(spinner, NULL);
	kids[n++] = kid_start(spinner, NULL);
	kids[n++] = kid_start(forker, NULL);
	end = now_ms() + seconds * 1000;
	while (now_ms() < end) {
		x = x * 1664525 + 1013904223;
		mask = (x >> 16 & all) ?: 1;
		/* mostly the same container, sometimes the other */
		if (change(mask, changes++ / 8, kids, n))
			bad++;
		msleep(x >> 28);
	}
	storm->stop = true;
	for (i = 0; i < n; i++)
		eq(kid_wait(&kids[i]), 0, "a storming process ends well");
	eq(bad, 0, "%ld changes and moves", changes);
	eq(storm->outside, 0, "of %ld samples none was outside", (long)storm->samples);
	eq(storm->wrong, 0, "%ld calls of sched_setaffinity said what they should",
	   (long)storm->calls);
	ok(storm->samples > 100 && storm->forks > 3, "there was something to see: %ld forks",
	   (long)storm->forks);
	err(E(rmdir(A)) ?: E(rmdir(C)), 0, "rmdir");
	err(cumount(M), 0, "unmount");
	munmap(storm, sizeof(*storm));
}

/* --- scheduling classes ------------------------------------------------------ */

static int set_deadline(pid_t pid)
{
	struct sched_attr {
		uint32_t size, sched_policy;
		uint64_t sched_flags;
		int32_t sched_nice;
		uint32_t sched_priority;
		uint64_t runtime, deadline, period;
	} attr = {
		.size = sizeof(attr),
		.sched_policy = 6,	/* SCHED_DEADLINE */
		.runtime = 1000000,
		.deadline = 100000000,
		.period = 100000000,
	};

	return E(syscall(SYS_sched_setattr, pid, &attr, 0));
}

static void test_classes(void)
{
	struct sched_param fifo = { .sched_priority = 1 };
	unsigned long last = 1UL << (ncpus - 1);
	pid_t pid = sleeper();

	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, last, nodes) ?: make(C, all, nodes), 0, "a: the last CPU, c: all");
	err(E(sched_setscheduler(pid, SCHED_FIFO, &fifo)), 0, "a SCHED_FIFO task");
	err(movepid(A, pid), 0, "goes to a");
	eq(affinity(pid), last, "and is confined");
	err(put(A "/cpuset.cpus", "0"), 0, "a: CPU 0");
	eq(affinity(pid), 1, "it follows");
	err(set_deadline(pid), EPERM, "SCHED_DEADLINE is not for those without all CPUs");
	err(movepid(C, pid), 0, "where all are allowed");
	if (set_deadline(pid) == ENOSYS) {
		skip("SCHED_DEADLINE # this kernel has none");
	} else {
		err(set_deadline(pid), 0, "it is");
		err(movepid(A, pid), EBUSY, "then it cannot go where they are not");
		err(put(C "/cpuset.cpus", "0"), EBUSY, "nor can they be taken away");
		eq(affinity(pid), all, "it has them all");
		err(movepid(M, pid), 0, "the root is open to it");
		err(movepid(C, pid), 0, "so is c");
	}
	reap(pid);
	err(put(C "/cpuset.cpus", "0"), 0, "when it is gone they can");
	err(wait_for(!E(rmdir(A))) ? 0 : errno, 0, "rmdir");
	err(wait_for(!E(rmdir(C))) ? 0 : errno, 0, "rmdir");
	err(cumount(M), 0, "unmount");
}

/* --- CPUs that go and come --------------------------------------------------- */

static void test_hotplug(void)
{
	unsigned long last = 1UL << (ncpus - 1);
	pid_t pid = sleeper(), other = sleeper();

	if (cpu_online(ncpus - 1, 1)) {
		skip("hotplug # the last CPU cannot go offline");
		return;
	}
	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, all, nodes) ?: make(B, last, nodes), 0, "a: all CPUs, a/b: the last");
	err(movepid(B, pid), 0, "one in a/b");
	err(movepid(A, other), 0, "one in a");
	err(cpu_online(ncpus - 1, 0), 0, "the last CPU goes");
	ok(wait_for(listed(A "/tasks", pid)), "its tasks go to the parent");
	ok(wait_for(cpus_of(pid) == (all & ~last)), "and run there");
	streq(get(B "/cpuset.cpus"), "\n", "a/b has none left");
	eq(mask_in(A "/cpuset.cpus"), all & ~last, "a has the others");
	eq(mask_in(M "/cpuset.cpus"), all & ~last, "so has the root");
	ok(wait_for(cpus_of(other) == (all & ~last)), "its task, too");
	err(movepid(B, pid), ENOSPC, "nobody may go back to a/b");
	err(put(B "/cpuset.cpus", "%d", ncpus - 1), EINVAL, "a CPU that is offline");
	err(set_affinity(pid, last), EINVAL, "nor can it be asked for");
	err(cpu_online(ncpus - 1, 1), 0, "it comes back");
	eq(mask_in(M "/cpuset.cpus"), all, "to the root");
	eq(mask_in(A "/cpuset.cpus"), all & ~last, "but to nobody else");
	streq(get(B "/cpuset.cpus"), "\n", "nobody");
	eq(affinity(pid), all & ~last, "nor to tasks");
	err(put(A "/cpuset.cpus", "%s", list_of(all)), 0, "it can be given to them");
	eq(affinity(pid), all, "and they have it");
	err(put(B "/cpuset.cpus", "%s", list_of(last)), 0, "and to a/b");
	err(movepid(B, pid), 0, "which has a task again");
	/* the parent loses all, too: up to the root */
	err(put(A "/cpuset.cpus", "%s", list_of(last)), 0, "a: the last CPU");
	err(cpu_online(ncpus - 1, 0), 0, "which goes");
	ok(wait_for(listed(M "/tasks", pid)), "to the root");
	ok(wait_for(listed(M "/tasks", other)), "all of them");
	eq(nids(A "/tasks") + nids(B "/tasks"), 0, "nobody is left");
	ok(wait_for(affinity(pid) == (all & ~last)), "where they have what there is");
	err(cpu_online(ncpus - 1, 1), 0, "it comes back");
	ok(wait_for(affinity(pid) == all), "and they are as they were");
	err(movepid(M, pid), 0, "still in the root");
	reap(pid);
	reap(other);
	err(E(rmdir(B)) ?: E(rmdir(A)), 0, "rmdir");
	err(cumount(M), 0, "unmount");
}

/* Another subsystem that lets nobody leave cannot keep members without CPUs. */
static void test_overruled(void)
{
	unsigned long last = 1UL << (ncpus - 1);
	pid_t pid;

	if (modprobe("container_ns") || cpu_online(ncpus - 1, 1)) {
		skip("overruled # no container_ns, or a CPU that cannot go offline");
		return;
	}
	pid = sleeper();
	err(cmount(M, "ns,cpuset"), 0, "mount ns and cpuset");
	err(make(A, last, nodes), 0, "a: the last CPU");
	err(movepid(A, pid), 0, "a task in it");
	err(movepid(M, pid), EPERM, "ns does not let it leave");
	err(cpu_online(ncpus - 1, 0), 0, "the last CPU goes");
	ok(wait_for(listed(M "/tasks", pid)), "then it has to leave");
	eq(nids(A "/tasks"), 0, "a is empty");
	ok(wait_for(affinity(pid) == (all & ~last)), "it runs where it can");
	err(cpu_online(ncpus - 1, 1), 0, "the CPU comes back");
	reap(pid);
	err(wait_for(!E(rmdir(A))) ? 0 : errno, 0, "rmdir");
	err(cumount(M), 0, "unmount");
}

/* --- execve() of a thread ------------------------------------------------------ */

static void *exec_again(void *arg)
{
	(void)arg;
	prctl(PR_SET_NAME, "delaytest");
	execl("/proc/self/exe", "delaytest", "again", NULL);
	_exit(9);
}

/* Executes itself for ever, by a thread that is not the first; which it is then. */
static void exec_for_ever(void)
{
	pthread_t t;

	prctl(PR_SET_NAME, "delaytest");
	if (pthread_create(&t, NULL, exec_again, NULL))
		_exit(8);
	for (;;)
		pause();
}

/* A thread that takes the number of its process is no new one: no change passes it by. */
static void test_exec(int times)
{
	const char *module = modfile("delaytest");
	int i, late = 0, failed = 0, status = 0;
	unsigned long want;
	pid_t pid;

	if (!module || modinsert(module, ""))
		diag("exchange_tids() is as short as ever");
	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, 1, nodes), 0, "a: CPU 0");
	pid = fork();
	if (!pid) {
		if (movepid(A, 0))
			_exit(7);
		execl("/proc/self/exe", "delaytest", "again", NULL);
		_exit(6);
	}
	ok(wait_for(listed(A "/tasks", pid)), "a process that executes itself");
	for (i = 0; i < times && !late; i++) {
		want = i & 1 ? 1 : 2;
		failed += !!put(A "/cpuset.cpus", "%s", list_of(want));
		/* for a moment its number may still lead to the thread that has died for this */
		late += !wait_for(cpus_of(pid) == want);
		failed += nids(A "/procs") < 1;
	}
	eq(late, 0, "has what was written, %d times", times);
	eq(failed, 0, "and is always there");
	i = waitpid(pid, &status, WNOHANG);
	eq(i, 0, "it lives: %x", status);
	reap(pid);
	err(wait_for(!E(rmdir(A))) ? 0 : errno, 0, "rmdir");
	err(cumount(M), 0, "unmount");
	if (module)
		rmmod("delaytest");
}

/* --- a number that changes hands ------------------------------------------------ */

#define LAST_PID "/proc/sys/kernel/ns_last_pid"

/*
 * Who sets an affinity names a number, which may be somebody else's by the time that the
 * kernel looks. What was set is the wish of that one then, and outlives a change.
 */
static void test_reused_number(int times)
{
	const char *module = modfile("delaytest");
	int i, found = 0, lost = 0, other = 0;
	volatile bool *ready;
	pid_t pid, caller;
	unsigned long got;

	if (!module || access(LAST_PID, W_OK) ||
	    modinsert(module, "function=sched_setaffinity usecs=10000")) {
		skip("a number that changes hands # it takes delaytest.ko and ns_last_pid");
		return;
	}
	ready = mmap_shared(sizeof(*ready));
	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, 3, nodes), 0, "a: CPUs 0 and 1");
	err(movepid(A, 0), 0, "the test is in it");
	for (i = 0; i < times; i++) {
		pid = sleeper();
		*ready = false;
		caller = fork();
		if (!caller) {
			prctl(PR_SET_NAME, "delaytest");
			*ready = true;
			_exit(set_affinity(pid, 1));
		}
		wait_for(*ready);
		/* into each of the first instructions in turn */
		msleep(10 * (i % 15));
		reap(pid);
		put(LAST_PID, "%d", pid - 1);
		other += sleeper() != pid;
		waitpid(caller, NULL, 0);
		got = affinity(pid);
		found += got == 1;
		other += got != 1 && got != 3;
		put(A "/cpuset.cpus", "0");
		put(A "/cpuset.cpus", "0-1");
		lost += affinity(pid) != got;
		reap(pid);
	}
	diag("the kernel found the next one %d times of %d", found, times);
	eq(other, 0, "the next one has the number, and runs where it may");
	eq(lost, 0, "it keeps what was set");
	err(movepid(M, 0), 0, "the test leaves");
	err(wait_for(!E(rmdir(A))) ? 0 : errno, 0, "rmdir");
	err(cumount(M), 0, "unmount");
	munmap((void *)ready, sizeof(*ready));
	rmmod("delaytest");
}

static int failed(const char *what, int got)
{
	if (got)
		diag("%s: %d", what, got);
	return !!got;
}

/* Off and on, with tasks that spin and fork in a container that has no other. */
static void test_hotplug_load(int times)
{
	unsigned long last = 1UL << (ncpus - 1);
	struct kid kids[2];
	int i, n, off = 0;

	storm = mmap_shared(sizeof(*storm));
	storm->seq = 1;		/* no samples: the mask is the kernel's affair here */
	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, all, nodes) ?: make(B, last, nodes), 0, "a: all CPUs, a/b: the last");
	kids[0] = kid_start(spinner, NULL);
	kids[1] = kid_start(forker, NULL);
	for (i = 0; i < times && !off; i++) {
		for (n = 0; n < 2; n++)
			off += failed("entering a/b", put(B "/procs", "%d", kids[n].pid));
		msleep(20);
		off += failed("going offline", cpu_online(ncpus - 1, 0));
		off += failed("leaving a/b", !wait_for(nids(B "/tasks") == 0));
		off += failed("coming online", cpu_online(ncpus - 1, 1));
		off += failed("a: all CPUs", put(A "/cpuset.cpus", "%s", list_of(all)));
		off += failed("a/b: the last", put(B "/cpuset.cpus", "%s", list_of(last)));
	}
	eq(off, 0, "the only CPU of a container goes and comes, %d times", times);
	storm->stop = true;
	for (n = 0; n < 2; n++)
		eq(kid_wait(&kids[n]), 0, "a storming process ends well");
	err(wait_for(!E(rmdir(B))) ? 0 : errno, 0, "rmdir");
	err(wait_for(!E(rmdir(A))) ? 0 : errno, 0, "rmdir");
	err(cumount(M), 0, "unmount");
	munmap(storm, sizeof(*storm));
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
	pid_t child = fork();

	(void)pid;
	if (!child)
		_exit(0);
	if (child < 0)
		return errno;
	waitpid(child, NULL, 0);
	return 0;
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
		eq(mems_of(member), nodes, "likewise");
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

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "again"))
		exec_for_ever();
	setup_cpuset();
	if (ncpus < 2 || nodes != 3)
		bail("two CPUs and two nodes");
	CASE(test_files());
	CASE(test_legacy());
	CASE(test_lists());
	CASE(test_errors());
	CASE(test_affinity());
	CASE(test_tools());
	CASE(test_rights());
	CASE(test_exec(sized(300, 50)));
	CASE(test_reused_number(sized(45, 10)));
	CASE(test_storm(debug_kernel() ? 20 : sized(10, 5)));
	CASE(test_classes());
	CASE(test_hotplug());
	CASE(test_overruled());
	CASE(test_hotplug_load(debug_kernel() ? 5 : sized(15, 5)));
	CASE(test_module());
	CASE(test_failing());
	finish();
}
