// SPDX-License-Identifier: GPL-2.0
/* What actors do with tasks: fork, vfork, threads, exec, exit, kill, namespaces, io_uring. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "rings.h"
#include "stress.h"

static void kid_new(struct actor *a)
{
	int i = pick(a, KIDS);

	if (a->kids[i]) {
		reap(a->kids[i]);
		a->kids[i] = 0;
	} else {
		pid_t pid = fork();

		if (!pid)
			sleep_on(NULL);
		if (allowed(a, "fork", pid < 0 ? errno : 0, ANYWAY, 0))
			a->kids[i] = pid;
	}
	shared->kids[a->id][i] = a->kids[i];
}

/* One that kills the child of another actor has to leave the reaping to that one. */
static void kid_killed(struct actor *a)
{
	int i = pick(a, KIDS);
	pid_t pid = a->kids[i];

	if (!pid)
		return;
	shared->kids[a->id][i] = 0;
	a->kids[i] = 0;
	kill(pid, pick(a, 2) ? SIGKILL : SIGTERM);
	waitpid(pid, NULL, 0);
}

static void vfork_once(struct actor *a)
{
	pid_t pid = vfork();

	if (!pid)
		_exit(0);
	if (allowed(a, "vfork", pid < 0 ? errno : 0, ANYWAY, 0))
		waitpid(pid, NULL, 0);
}

/*
 * Runs @fn in a child, to its end. What it returns is an errno. A limit on memory may end it with
 * SIGSEGV: when its stack grows, or in execve() beyond the point where that can still fail.
 */
static void in_kid(struct actor *a, const char *what, int (*fn)(struct actor *a))
{
	pid_t pid = fork();
	int status = 0;

	if (!pid)
		_exit(fn(a));
	if (!allowed(a, what, pid < 0 ? errno : 0, ANYWAY, 0))
		return;
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL && WTERMSIG(status) != SIGSEGV)
		wrong(a, "%s: signal %d", what, WTERMSIG(status));
	else if (!WIFSIGNALED(status))
		allowed(a, what, WEXITSTATUS(status), ANYWAY, EPERM, ENOSPC, EINVAL, ENOSYS, 0);
}

static void *thread_sleeps(void *us)
{
	usleep((unsigned long)us);
	return NULL;
}

static int thread_some(struct actor *a)
{
	pthread_t t[4];
	int n = 0;

	while (n < 4 && !pthread_create(&t[n], NULL, thread_sleeps,
					(void *)(unsigned long)pick(a, 2000)))
		n++;
	/* now and then the first thread goes before the others */
	if (pick(a, 3) == 0)
		pthread_exit(NULL);
	while (n)
		pthread_join(t[--n], NULL);
	return 0;
}

static void threads(struct actor *a) { in_kid(a, "threads", thread_some); }

static void *thread_execs(void *arg)
{
	(void)arg;
	system_lock(LOCK_SH);
	execl("/proc/self/exe", "t_stress", "exec", NULL);
	_exit(errno);
}

static int exec_somehow(struct actor *a)
{
	pthread_t t;

	if (pick(a, 2) || pthread_create(&t, NULL, thread_execs, NULL))
		thread_execs(NULL);
	pause();
	return 0;
}

static void execs(struct actor *a) { in_kid(a, "exec", exec_somehow); }

static int unshare_some(struct actor *a)
{
	static const int flags[] = { CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNS, CLONE_NEWUSER,
				     CLONE_NEWUTS | CLONE_NEWNS };

	for (int i = pick(a, 3); i >= 0; i--)
		if (unshare(flags[pick(a, ARRAY_SIZE(flags))]))
			return errno;
	return pick(a, 2) ? fork_once() : 0;
}

static void namespaces(struct actor *a) { in_kid(a, "unshare", unshare_some); }

static int ring_some(struct actor *a)
{
	struct ring r;
	int lock = system_lock(LOCK_SH), e;

	if (lock < 0)
		return errno;
	e = ring_open(&r) ? 0 : errno;
	close(lock);
	if (e)
		return e;
	for (int i = pick(a, 4); i >= 0; i--)
		ring_do(&r, IORING_OP_NOP, -1, NULL, 0, IOSQE_ASYNC);
	return 0;
}

static void ring(struct actor *a) { in_kid(a, "io_uring", ring_some); }

/* A tree of processes that dies by kill_on_rmdir, while it forks. */
static int doomed(struct actor *a)
{
	int e = movepid(P(ALL "/k%d", a->id), 0);
	pid_t pid;

	if (e)
		return e;
	for (;;) {
		pid = fork();
		if (!pid)
			_exit(0);
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
}

static void killed_by_rmdir(struct actor *a)
{
	const char *dir = P(ALL "/k%d", a->id);
	pid_t pid[2];
	int n;

	if (!allowed(a, "mkdir of a doomed tree", E(mkdir(dir, 0755)), ANYWAY, 0))
		return;
	allowed(a, "kill_on_rmdir", put(P("%s/kill_on_rmdir", dir), "1"), ANYWAY, 0);
	for (n = 0; n < 2; n++) {
		pid[n] = fork();
		if (pid[n] < 0)
			break;
		if (!pid[n])
			_exit(doomed(a));
	}
	usleep(pick(a, 20000));
	allowed(a, "rmdir of a doomed tree", E(rmdir(dir)), EINTR, 0);
	while (n--) {
		/* it may not have entered in time */
		kill(pid[n], SIGKILL);
		waitpid(pid[n], NULL, 0);
	}
	rmdir(dir);
}

const struct op task_ops[] = {
	{ "a child", 8, kid_new },
	{ "a kill", 3, kid_killed },
	{ "vfork", 4, vfork_once },
	{ "threads", 4, threads },
	{ "exec", 2, execs },
	{ "namespaces", 2, namespaces },
	{ "io_uring", 1, ring },
	{ "kill_on_rmdir", 1, killed_by_rmdir },
	{ }
};
