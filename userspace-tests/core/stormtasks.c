// SPDX-License-Identifier: GPL-2.0
/*
 * The storm's workers that make tasks: forks, vforks, threads, clones, execs and kills; and
 * that children are where their parents were. See storm.h.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "clone3.h"
#include "storm.h"

static void tree_of_forks(int depth)
{
	int n = 1 + rnd() % 2;
	pid_t pid[2];

	for (int i = 0; i < n; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			if (depth > 1)
				tree_of_forks(depth - 1);
			else if (rnd() % 4 == 0)
				move_self();
			_exit(0);
		}
		if (pid[i] > 0)
			done(FORKS);
	}
	for (int i = 0; i < n; i++)
		if (pid[i] > 0 && rnd() % 8)	/* some orphans */
			waitpid(pid[i], NULL, 0);
}

void forker(int id)
{
	while (on()) {
		if (rnd() % 4 == 0)
			move_self();
		tree_of_forks(1 + id % 4);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

/* A function of its own, for vfork() returns twice into its caller. */
static __attribute__((noinline)) pid_t vfork_one(bool exec)
{
	pid_t pid = vfork();

	if (!pid) {
		if (exec)
			execl("/proc/thread-self/exe", "storm", "nop", NULL);
		_exit(0);
	}
	return pid;
}

void vforker(int id)
{
	pid_t pid;

	while (on()) {
		if (rnd() % 8 == 0)
			move_self();
		pid = vfork_one(id % 2 && rnd() % 4 == 0);
		if (pid > 0)
			done(VFORKS);
		waitpid(pid, NULL, 0);
	}
}

static void *short_thread(void *arg)
{
	if (rnd() % 8 == 0)
		move_self();
	if (arg && rnd() % 8 == 0) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	return NULL;
}

void threader(int id)
{
	pthread_attr_t attr;
	pthread_t t[8];
	int n;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	while (on()) {
		pid_t pid;

		/* a whole process that ends with threads still running */
		if (rnd() % 4 == 0 && !(pid = fork())) {
			for (int i = 0; i < 4; i++)
				pthread_create(&t[i], &attr, short_thread, NULL);
			_exit(0);
		}
		for (n = 0; n < 8; n++)
			if (pthread_create(&t[n], &attr, short_thread,
					   id % 2 ? &attr : NULL))
				break;
		for (int i = 0; i < n; i++) {
			pthread_join(t[i], NULL);
			done(THREADS);
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

static char clone_stack[4][32768] __attribute__((aligned(64)));

static int clone_child(void *arg)
{
	(void)arg;
	_exit(0);
}

void cloner(int id)
{
	static const int flags[] = {
		SIGCHLD, SIGCHLD | CLONE_FILES, SIGCHLD | CLONE_FS | CLONE_VM,
		SIGCHLD | CLONE_NEWPID, SIGCHLD | CLONE_NEWUTS | CLONE_NEWIPC,
		SIGCHLD | CLONE_VM | CLONE_VFORK, SIGCHLD | CLONE_SIGHAND |
		CLONE_VM,
		/* these fail, before and after the hooks have seen them */
		SIGCHLD | CLONE_THREAD, SIGCHLD | CLONE_SIGHAND,
		SIGCHLD | CLONE_PIDFD | CLONE_NEWPID | CLONE_NEWNS,
	};
	pid_t pid, one = 1;
	struct clone3_args taken = { .set_tid = (uintptr_t)&one, .set_tid_size = 1 };

	(void)id;
	while (on()) {
		if (rnd() % 8 == 0)
			move_self();
		for (int i = 0; i < 4; i++) {
			pid = clone(clone_child, clone_stack[i] + 32768,
				    flags[rnd() % ARRAY_SIZE(flags)], NULL,
				    NULL, NULL, NULL);
			if (pid > 0)
				done(CLONES);
		}
		/* a pid that is taken: refused in the middle of copy_process */
		pid = clone3(&taken);
		if (!pid)
			_exit(0);
		/* a namespace whose init is gone: refused at the very end */
		if (rnd() % 16 == 0 && !(pid = fork())) {
			if (!unshare(CLONE_NEWPID)) {
				if (!(pid = fork()))
					_exit(0);
				waitpid(pid, NULL, 0);
				if (!(pid = fork()))
					_exit(0);
			}
			_exit(0);
		}
		/* the stacks are used again, and some children share them */
		while (waitpid(-1, NULL, __WALL) > 0)
			;
	}
}

/* Killed at any moment: in the middle of fork most of the time. */
static void victim(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		if (rnd() % 8 == 0)
			move_self();
		if (rnd() % 2) {
			pid_t pid = fork();

			if (!pid)
				_exit(0);
			waitpid(pid, NULL, rnd() % 2 ? WNOHANG : 0);
		} else {
			pthread_t t;

			if (!pthread_create(&t, NULL, short_thread, NULL))
				pthread_detach(t);
		}
	}
}

void killer(int id)
{
	(void)id;
	while (on()) {
		pid_t pid[3];

		for (int i = 0; i < 3; i++)
			if (!(pid[i] = fork()))
				victim();
		usleep(rnd() % 100000);
		for (int i = 0; i < 3; i++)
			if (pid[i] > 0) {
				kill(pid[i], SIGKILL);
				waitpid(pid[i], NULL, 0);
				done(KILLS);
			}
	}
}

/* Never moves: a move of "procs" would take the other threads along. */
static void *quiet_thread(void *arg)
{
	for (;;) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	return arg;
}

/*
 * The thread that calls exec takes over the leader's id; it, and not the
 * leader, decides where the process is afterwards.
 */
static void *exec_thread(void *arg)
{
	for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
		if (movepid(P("%s/ex2", roots[i]), 0))
			_exit(2);
	if (rnd() % 2)
		usleep(rnd() % 2000);
	execl("/proc/thread-self/exe", "storm", "ex2", NULL);
	_exit(3);
	return arg;
}

void execer(int id)
{
	int st;

	(void)id;
	while (on()) {
		pid_t pid = fork();

		if (!pid) {
			pthread_t t[2];

			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
				if (movepid(P("%s/ex1", roots[i]), 0))
					_exit(1);
			pthread_create(&t[0], NULL, quiet_thread, NULL);
			pthread_create(&t[1], NULL, exec_thread, NULL);
			if (rnd() % 2)
				pthread_exit(NULL);	/* a dead leader */
			for (;;)
				pause();
		}
		if (waitpid(pid, &st, 0) == pid && st)
			bad(EXECS, "after exec by a thread: status %#x", st);
		done(EXECS);
	}
}

int check_where(const char *dir)
{
	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		const char *at = where(0, i ? "name=x" : "cpuacct");

		if (!at || strcmp(at, P("/%s", dir)))
			return 10 + i;
		if (!listed(P("%s/%s/tasks", roots[i], dir), gettid()))
			return 20 + i;
	}
	return 0;
}

static void *inherit_thread(void *arg)
{
	*(int *)arg = check_where("inh");
	return NULL;
}

void inheriter(int id)
{
	(void)id;
	for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
		if (movepid(P("%s/inh", roots[i]), 0))
			bad(INHERITS, "cannot enter inh");
	while (on()) {
		pid_t pid = fork();
		int st = 0;

		if (!pid) {
			pthread_t t;
			int r = 0;

			if (rnd() % 2)
				r = check_where("inh");
			else if (!pthread_create(&t, NULL, inherit_thread, &r))
				pthread_join(t, NULL);
			if (!r && rnd() % 2)
				vfork_one(false);
			_exit(r);
		}
		waitpid(pid, &st, 0);
		if (st)
			bad(INHERITS, "a child of inh: status %#x", st);
		done(INHERITS);
	}
}
