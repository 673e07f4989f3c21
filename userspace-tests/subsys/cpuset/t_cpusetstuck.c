// SPDX-License-Identifier: GPL-2.0
/*
 * cpuset: members whose address spaces stay locked. A write to mems that concerns them
 * waits, and nothing else does: however often it is written, and however many there are.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
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
	err(wait_for(!E(rmdir(A))) ? 0 : errno, 0, "rmdir a");
	err(wait_for(!E(rmdir(B))) ? 0 : errno, 0, "rmdir b");
	err(cumount(M), 0, "unmount");
	finish();
}
