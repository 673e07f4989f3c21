/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ways to make a task that ends at once. Each waits for it and returns an errno. And a
 * cgroup in which none of them succeeds.
 */
#ifndef TESTS_FORKS_H
#define TESTS_FORKS_H

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib.h"

static inline int by_vfork(void)
{
	pid_t p = vfork();

	if (!p)
		_exit(0);
	return p < 0 ? errno : E(waitpid(p, NULL, 0));
}

static inline int end_at_once(void *arg)
{
	return arg != NULL;
}

static inline int by_clone_vm(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	pid_t p = clone(end_at_once, stack + sizeof(stack), CLONE_VM | CLONE_FILES | SIGCHLD,
			NULL);

	return p < 0 ? errno : E(waitpid(p, NULL, 0));
}

static inline void *thread_ends(void *arg)
{
	return arg;
}

static inline int by_thread(void)
{
	pthread_t t;
	int e = pthread_create(&t, NULL, thread_ends, NULL);

	return e ?: pthread_join(t, NULL);
}

static const struct {
	const char *name;
	int (*make)(void);
} ways[] = {
	{ "fork", fork_once },
	{ "vfork", by_vfork },
	{ "clone with CLONE_VM", by_clone_vm },
	{ "a thread", by_thread },
};

/* A kid that makes tasks in all ways, in whatever container it is, until *STOP. */
static inline int make_until(struct kid *up, void *stop)
{
	volatile bool *end = stop;

	kid_send(up, 0);
	for (int i = 0; !*end; i++)
		ways[i % ARRAY_SIZE(ways)].make();
	return 0;
}

#define FULL_CGROUP "/tmp/cg"

/* Makes the cgroup FULL_CGROUP/lim; false: this kernel has no pids controller. */
static inline bool make_cgroup(void)
{
	mkdir(FULL_CGROUP, 0755);
	if (!mount("x", FULL_CGROUP, "cgroup2", 0, NULL) &&
	    !put(FULL_CGROUP "/cgroup.subtree_control", "+pids") &&
	    !mkdir(FULL_CGROUP "/lim", 0755))
		return true;
	skip("forks that fail later # no pids controller");
	umount(FULL_CGROUP);
	rmdir(FULL_CGROUP);
	return false;
}

/* The kernel's own controller fails each fork of a task that others have agreed to. */
static inline void fail_forks(pid_t pid)
{
	err(put(FULL_CGROUP "/lim/cgroup.procs", "%d", pid), 0, "move it to a cgroup");
	err(put(FULL_CGROUP "/lim/pids.max", "1"), 0, "which is full");
}

static inline void remove_cgroup(void)
{
	ok(wait_for(!rmdir(FULL_CGROUP "/lim")), "remove the cgroup");
	err(E(umount(FULL_CGROUP)), 0, "unmount it");
	rmdir(FULL_CGROUP);
}

#endif
