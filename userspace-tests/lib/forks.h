/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ways to make a task that ends at once. Each waits for it and returns an errno.
 */
#ifndef TESTS_FORKS_H
#define TESTS_FORKS_H

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
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

#endif
