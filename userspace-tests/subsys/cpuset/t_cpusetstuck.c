// SPDX-License-Identifier: GPL-2.0
/*
 * cpuset: members that hold up who changes their setting. A write to mems waits for
 * members whose address spaces stay locked; a write to cpus, or a move, for those that
 * the kernel must not migrate. Nothing else waits: however often it is written, and
 * however many there are.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "cpusets.h"

#define M "/tmp/m"
#define A M "/a"
#define B M "/b"

/* More than a workqueue has workers. */
#define MANY 600

static int make(const char *dir)
{
	return E(mkdir(dir, 0755)) ?: put(P("%s/cpuset.cpus", dir), "%s", list_of(all)) ?:
	       put(P("%s/cpuset.mems", dir), "%s", list_of(nodes));
}

/* A child that writes mems of a, which does not come back as long as a member is locked. */
static pid_t writer(unsigned long mems)
{
	pid_t pid = fork_bound();

	if (!pid)
		_exit(put(A "/cpuset.mems", "%s", list_of(mems)));
	if (!wait_for(mask_in(A "/cpuset.mems") == mems))
		bail("mems of a are written");
	return pid;
}

/* How long a write to mems of b takes, in milliseconds, up to a deadline. */
static long other_write(unsigned long mems)
{
	long begin = now_ms(), took;
	pid_t pid = fork_bound();

	if (!pid)
		_exit(put(B "/cpuset.mems", "%s", list_of(mems)));
	if (!wait_for(waitpid(pid, NULL, WNOHANG) == pid)) {
		reap(pid);
		return LONG_MAX;
	}
	took = now_ms() - begin;
	diag("a write to b took %ld ms", took);
	return took;
}

static void lock_space(pid_t pid)
{
	if (put("/sys/module/stucktest/parameters/pid", "%d", pid))
		bail("the address space of %d is locked", pid);
}

static void test_often(const char *module)
{
	pid_t stuck = sleeper(), other = sleeper(), pid;
	int i;

	err(modinsert(module, ""), 0, "the module that locks address spaces");
	err(movepid(A, stuck), 0, "a member of a");
	err(movepid(B, other), 0, "one of b");
	lock_space(stuck);
	for (i = 0; i < MANY; i++) {
		pid = writer(i % 2 ? 3 : 1);
		if (i == MANY - 1)
			eq(waitpid(pid, NULL, WNOHANG), 0, "a write to a waits");
		reap(pid);
	}
	ok(other_write(1) < LONG_MAX, "one address space, locked, and %d writes: b has not to wait",
	   MANY);
	eq(mems_of(other), 1, "its member is where it should be");
	pid = writer(1);
	err(rmmod("container_cpuset") ? 0 : EINVAL, 0, "the module is in use");
	err(rmmod("stucktest"), 0, "the lock is dropped");
	eq(wait_for(waitpid(pid, NULL, WNOHANG) == pid), true, "a write to a comes back");
	reap(stuck);
	reap(other);
	put(B "/cpuset.mems", "%s", list_of(nodes));
	put(A "/cpuset.mems", "%s", list_of(nodes));
}

static void test_many(const char *module)
{
	pid_t stuck[MANY], other = sleeper(), pid;
	int i, late = 0;

	err(modinsert(module, ""), 0, "the module that locks address spaces");
	err(movepid(B, other), 0, "a member of b");
	for (i = 0; i < MANY; i++) {
		stuck[i] = sleeper();
		if (movepid(A, stuck[i]))
			bail("a member of a");
		lock_space(stuck[i]);
	}
	pid = writer(1);
	ok(other_write(1) < LONG_MAX, "%d address spaces, locked: b has not to wait", MANY);
	ok(other_write(3) < LONG_MAX, "nor the next time");
	eq(mems_of(other), 3, "its member is where it should be");
	eq(waitpid(pid, NULL, WNOHANG), 0, "a write to a waits");
	err(rmmod("stucktest"), 0, "the locks are dropped");
	eq(wait_for(waitpid(pid, NULL, WNOHANG) == pid), true, "a write to a comes back");
	for (i = 0; i < MANY; i++) {
		late += mems_of(stuck[i]) != 1;
		reap(stuck[i]);
	}
	eq(late, 0, "and has reached all members");
	reap(other);
}

/* A child that writes @text to a file, and does not come back soon. */
static pid_t late_writer(const char *file, const char *text)
{
	pid_t pid = fork_bound();

	if (!pid)
		_exit(put(file, "%s", text));
	msleep(100);
	eq(waitpid(pid, NULL, WNOHANG), 0, "a write of %s to %s waits", text, file);
	return pid;
}

/* A write that is killed has not reached all members: the same once more has to wait, too. */
static void test_again(const char *module)
{
	pid_t stuck = sleeper(), writer;
	int status = -1;

	err(put(A "/cpuset.mems", "%s", list_of(nodes)), 0, "a has all nodes");
	err(modinsert(module, ""), 0, "the module that locks address spaces");
	err(movepid(A, stuck), 0, "a member of a");
	lock_space(stuck);
	reap(late_writer(A "/cpuset.mems", "0"));
	eq(mask_in(A "/cpuset.mems"), 1, "the writer is killed, but has written");
	writer = late_writer(A "/cpuset.mems", "0");
	err(rmmod("stucktest"), 0, "the lock is dropped");
	eq(wait_for(waitpid(writer, &status, WNOHANG) == writer), true, "the writer comes back");
	eq(status, 0, "with success");
	reap(stuck);
	err(put(A "/cpuset.mems", "%s", list_of(nodes)), 0, "all nodes for a");
}

/* --- memory that goes ---------------------------------------------------------- */

#define C M "/c"

static volatile int *written;

/* Writes a flag of c all the time, which has nothing to do with a or b. */
static int rewrite(struct kid *up, void *arg)
{
	int nr = (long)arg;

	(void)up;
	for (;;) {
		put(C "/cpuset.cpu_exclusive", "0");
		written[nr]++;
	}
	return 0;
}

/*
 * A member of a whose address space is locked loses a node. The kernel's own cpusets may wait for
 * it, and the jobs for a do; but neither who just writes a setting of c, nor the members of b that
 * have to leave it.
 */
static void test_memory(const char *module)
{
	pid_t stuck = sleeper(), other = sleeper(), pid;
	struct kid kids[3];
	int before, stays = 0;

	if (hot_memory("online_movable")) {
		skip("memory hotplug # this kernel has none");
		reap(stuck);
		reap(other);
		return;
	}
	written = mmap_shared(3 * sizeof(*written));
	err(make(C), 0, "c");
	err(put(A "/cpuset.mems", "0,%d", HOT) ?: put(B "/cpuset.mems", "%d", HOT), 0,
	    "a has node 0 and the one that goes, b that one");
	err(movepid(A, stuck) ?: movepid(B, other), 0, "members of both");
	err(modinsert(module, ""), 0, "the module that locks address spaces");
	lock_space(stuck);
	for (long i = 0; i < 3; i++)
		kids[i] = kid_start(rewrite, (void *)i);
	/* newer kernels wait for the lock here */
	pid = fork_bound();
	if (!pid)
		_exit(hot_memory("offline"));
	if (!wait_for(waitpid(pid, NULL, WNOHANG) == pid)) {
		skip("memory that goes # the kernel itself waits for the lock");
	} else {
		eq(mask_in(A "/cpuset.mems"), 1, "a has node 0");
		ok(wait_for(listed(M "/tasks", other)), "the member of b leaves");
		for (long i = 0; i < 3; i++) {
			before = written[i];
			stays += !wait_for(written[i] > before + 5);
		}
		eq(stays, 0, "who writes to c goes on");
	}
	err(rmmod("stucktest"), 0, "the lock is dropped");
	for (int i = 0; i < 3; i++)
		reap(kids[i].pid);
	ok(wait_for(mems_of(stuck) == 1), "the member of a has node 0");
	reap(stuck);
	reap(other);
	reap(pid);
	err(wait_for(!E(rmdir(C))) ? 0 : errno, 0, "rmdir c");
	err(put(A "/cpuset.mems", "%s", list_of(nodes)) ?: put(B "/cpuset.mems", "%s", list_of(nodes)),
	    0, "a and b have both nodes");
	munmap((void *)written, 3 * sizeof(*written));
}

/* --- members that the kernel must not migrate ---------------------------------- */

#define PIN "/proc/stucktest"

static unsigned long last, rest;

/* A process that has gone to @dir and stays, on the last CPU, in a call. It asked for @wish before. */
static pid_t pinned(const char *dir, unsigned long wish)
{
	pid_t pid = fork_bound();

	if (!pid) {
		set_affinity(0, wish);
		if (movepid(dir, getpid()))
			_exit(1);
		if (wish == all)
			set_affinity(0, last);
		_exit(put(PIN, "1"));
	}
	if (!wait_for(task_state(pid, pid) == 'D'))
		bail("a process stays in a call");
	eq(affinity(pid), last, "a process stays on the last CPU");
	return pid;
}

/* Lets the pinned process go. The writer comes back then, and the process is where it should be. */
static void let_go(pid_t pid, pid_t writer, unsigned long cpus)
{
	int status = -1;

	err(rmmod("stucktest"), 0, "the process may be migrated");
	eq(wait_for(waitpid(writer, &status, WNOHANG) == writer), true, "the writer comes back");
	eq(status, 0, "with success");
	eq(wait_for(task_state(pid, pid) == 'Z' || affinity(pid) == cpus), true,
	   "the process has the CPUs that it should have");
	reap(pid);
}

/* Can this kernel be kept from migrating a process? */
static bool can_pin(const char *module)
{
	bool can;

	last = 1UL << (ncpus - 1);
	rest = all & ~last;
	if (modinsert(module, ""))
		bail("stucktest loads");
	can = !open_err(PIN, O_WRONLY) && rest;
	if (!can)
		skip("migrate_disable() allows no sleep, or there is one CPU");
	rmmod("stucktest");
	return can;
}

static void pin_module(const char *module)
{
	err(modinsert(module, ""), 0, "the module in which a process stays");
}

static void test_pinned_write(const char *module)
{
	pid_t pid, other = sleeper(), writer;
	int i;

	pin_module(module);
	pid = pinned(A, all);
	err(movepid(B, other), 0, "a member of b");
	for (i = 0; i < 10; i++) {
		writer = late_writer(A "/cpuset.cpus", list_of(rest));
		reap(writer);
		err(put(A "/cpuset.cpus", "%s", list_of(all)), 0, "a write that gives it back");
	}
	writer = late_writer(A "/cpuset.cpus", list_of(rest));
	ok(other_write(1) < LONG_MAX, "nobody else has to wait");
	eq(affinity(pid) & rest, rest, "the process has the new CPUs already");
	err(rmmod("container_cpuset") ? 0 : EINVAL, 0, "the module is in use");
	let_go(pid, writer, rest);
	err(put(A "/cpuset.cpus", "%s", list_of(all)), 0, "all CPUs for a");
	reap(other);
}

static void test_pinned_move(const char *module)
{
	pid_t pid, writer;

	err(put(B "/cpuset.cpus", "%s", list_of(rest)), 0, "b has all CPUs but the last");
	pin_module(module);
	pid = pinned(A, all);
	writer = late_writer(B "/tasks", P("%d", pid));
	ok(other_write(1) < LONG_MAX, "nobody else has to wait");
	let_go(pid, writer, rest);
	err(put(B "/cpuset.cpus", "%s", list_of(all)), 0, "all CPUs for b");
}

/* Nothing differs from what is written already; but the process is not where it should be. */
static void test_pinned_again(const char *module)
{
	pid_t pid, writer;

	pin_module(module);
	pid = pinned(A, all);
	reap(late_writer(A "/cpuset.cpus", list_of(rest)));
	eq(mask_in(A "/cpuset.cpus"), rest, "the writer is killed, but has written");
	writer = late_writer(A "/cpuset.cpus", list_of(rest));
	let_go(pid, writer, rest);
	err(put(A "/cpuset.cpus", "%s", list_of(all)), 0, "all CPUs for a");
}

/* To the root, where it gets what it has asked for, or what another asks for meanwhile. */
static void test_pinned_release(const char *module)
{
	pid_t pid, writer, setter;

	err(put(A "/cpuset.cpus", "%s", list_of(last)), 0, "a has the last CPU");
	pin_module(module);
	pid = pinned(A, rest);
	writer = late_writer(M "/tasks", P("%d", pid));
	ok(other_write(3) < LONG_MAX, "nobody else has to wait");
	let_go(pid, writer, rest);

	pin_module(module);
	pid = pinned(A, rest);
	writer = late_writer(M "/tasks", P("%d", pid));
	setter = fork_bound();
	if (!setter)
		_exit(set_affinity(pid, 1));
	eq(wait_for(affinity(pid) == 1), true, "another affinity meanwhile");
	let_go(pid, writer, 1);
	eq(waitpid(setter, NULL, 0), setter, "who has set it comes back");
	err(put(A "/cpuset.cpus", "%s", list_of(all)), 0, "all CPUs for a");
}

static bool unmounts(void)
{
	pid_t pid = fork_bound();
	int status = -1;

	if (!pid)
		_exit(E(rmdir(A)) ?: E(rmdir(B)) ?: cumount(M));
	if (!wait_for(waitpid(pid, &status, WNOHANG) == pid))
		reap(pid);
	return !status;
}

/* The hierarchy ends while a task is in a call that sets the affinity of a former member. */
static void test_pinned_end(const char *module)
{
	pid_t pid, setter;

	pin_module(module);
	pid = pinned(A, all);
	setter = fork_bound();
	if (!setter)
		_exit(set_affinity(pid, 1));
	eq(wait_for(affinity(pid) == 1), true, "a call sets another affinity");
	err(movepid(M, pid), 0, "the process leaves");
	eq(waitpid(setter, NULL, WNOHANG), 0, "and waits");
	ok(unmounts(), "the hierarchy ends nevertheless");
	ok(in_use(rmmod("container_cpuset")), "the module is in use");
	err(cmount(M, "cpuset"), 0, "the next hierarchy begins");
	err(make(A) ?: make(B), 0, "with a and b");
	err(movepid(A, getpid()) ?: movepid(M, getpid()), 0, "and takes members");
	err(rmmod("stucktest"), 0, "the process may be migrated");
	eq(waitpid(setter, NULL, 0), setter, "the call comes back");
	eq(affinity(pid), 1, "with success");
	reap(pid);
}

/* --- a writer that loses its own CPU ------------------------------------------- */

#define DELAY "/sys/module/delaytest/parameters/usecs"
#define RT_LIMIT "/proc/sys/kernel/sched_rt_runtime_us"

static volatile int *calls;

/* A member on the last CPU, which takes that from a shortly after a call of set_it() has begun. */
static int lose_cpu(struct kid *up, void *arg)
{
	long begin;
	int before;

	(void)arg;
	kid_send(up, movepid(A, 0));
	kid_recv(up);
	set_affinity(0, last);
	set_affinity(0, all);
	/* without sleep, so as to stay there */
	for (before = *calls; *calls == before;)
		;
	for (begin = now_ms(); now_ms() < begin + 30;)
		;
	prctl(PR_SET_NAME, "delaytest");
	return put(A "/cpuset.cpus", "%s", list_of(rest));
}

/*
 * Gives a member all CPUs of a, for ever. If a has just lost one, the kernel goes on to take that
 * from the member, as the writer does, and waits with it.
 */
static int set_it(struct kid *up, void *arg)
{
	prctl(PR_SET_NAME, "delaytest");
	kid_send(up, 0);
	for (;; ++*calls)
		set_affinity(*(pid_t *)arg, all);
	return 0;
}

/* Takes the last CPU, when told. */
static int hog(struct kid *up, void *arg)
{
	struct sched_param fifo = { .sched_priority = 1 };

	(void)arg;
	kid_send(up, set_affinity(0, last) ?: E(sched_setscheduler(0, SCHED_FIFO, &fifo)));
	kid_recv(up);
	for (;;)
		;
	return 0;
}

/*
 * A task that takes a CPU from a running one waits until that has moved; and the first who does so,
 * for all others who wait for the same. These may get no CPU. A writer may be the first where it
 * takes a CPU from itself: nobody else waits for that.
 */
static void test_own(void)
{
	long limit = getnum(RT_LIMIT), begin;
	const char *module = modfile("delaytest");
	struct kid w, h, f;
	bool joined = false, done;
	int status = -1;
	pid_t pid;

	last = 1UL << (ncpus - 1);
	rest = all & ~last;
	/* h is slow before it sets the affinity, w before it has the stopper move it */
	if (!rest || !module || put(RT_LIMIT, "-1") ||
	    modinsert(module, "function=dl_task_check_affinity,stop_one_cpu_nowait,"
			      "cpu_stop_queue_work usecs=20000")) {
		skip("a writer that loses its own CPU # no way to slow it");
		put(RT_LIMIT, "%ld", limit);
		return;
	}
	calls = mmap_shared(sizeof(*calls));
	w = kid_start(lose_cpu, NULL);
	err(kid_recv(&w), 0, "a member of a");
	f = kid_start(hog, NULL);
	err(kid_recv(&f), 0, "a process that will take this CPU");
	h = kid_start(set_it, &w.pid);
	err(kid_recv(&h), 0, "one who sets the affinity of the member");
	kid_send(&w, 0);
	/* not in the way of h; without sleep, as the timer may be on the CPU that w keeps */
	setpriority(PRIO_PROCESS, 0, 19);
	for (begin = now_ms(); now_ms() < begin + DEADLINE_MS && task_state(w.pid, w.pid) != 'Z';)
		if ((joined = task_state(h.pid, h.pid) == 'D'))
			break;
	setpriority(PRIO_PROCESS, 0, 0);
	diag("it %s for the member's move", joined ? "waits" : "does not wait");
	err(set_affinity(h.pid, last), 0, "it goes to the last CPU");
	kid_send(&f, 0);
	put(DELAY, "0");
	msleep(200);
	diag("w is %c, h is %c", task_state(w.pid, w.pid), task_state(h.pid, h.pid));
	begin = now_ms();
	pid = fork_bound();
	if (!pid)
		_exit(E(mkdir(C, 0755)));
	while (!(done = waitpid(pid, &status, WNOHANG) == pid) && now_ms() < begin + 2000)
		msleep(5);
	ok(done && !status, "mkdir has not to wait: %ld ms", now_ms() - begin);
	reap(f.pid);
	if (!done)
		eq(wait_for(waitpid(pid, &status, WNOHANG) == pid), true, "it comes back then");
	eq(kid_wait(&w), 0, "the member comes back with success");
	reap(h.pid);
	munmap((void *)calls, sizeof(*calls));
	err(rmmod("delaytest"), 0, "nobody is slow any more");
	err(put(RT_LIMIT, "%ld", limit), 0, "the limit of real time is as before");
	err(E(rmdir(C)), 0, "rmdir c");
	err(put(A "/cpuset.cpus", "%s", list_of(all)), 0, "all CPUs for a");
}

int main(void)
{
	const char *module;

	setup_cpuset();
	if (nodes != 3)
		bail("two nodes");
	module = modfile("stucktest");
	if (!module)
		bail("stucktest.ko");
	/* some kernels have workers for each node */
	set_affinity(0, 1);
	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A) ?: make(B), 0, "a and b");
	CASE(test_often(module));
	CASE(test_many(module));
	CASE(test_again(module));
	CASE(test_memory(module));
	if (can_pin(module)) {
		CASE(test_pinned_write(module));
		CASE(test_pinned_again(module));
		CASE(test_pinned_move(module));
		CASE(test_pinned_release(module));
		CASE(test_pinned_end(module));
	}
	CASE(test_own());
	err(wait_for(!E(rmdir(A))) ? 0 : errno, 0, "rmdir a");
	err(wait_for(!E(rmdir(B))) ? 0 : errno, 0, "rmdir b");
	err(cumount(M), 0, "unmount");
	finish();
}
