// SPDX-License-Identifier: GPL-2.0
/*
 * New tasks start in their parent's container, however they are made, and
 * are in it from the moment they can be seen; forks that fail, wherever they
 * fail, leave every count as it was.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include "clone3.h"
#include "lib.h"

#define M "/tmp/m"
#define A "/tmp/m/a"
#define B "/tmp/m/b"
#define CG "/tmp/cg"

static void sleep_forever(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

/* The child a member made: is it in CONT, and has it left when it is gone? */
static int seen_in(pid_t p, const char *cont)
{
	bool was;

	if (p < 0)
		return 10;
	was = listed(P("%s/tasks", cont), p) && !listed(M "/tasks", p);
	reap(p);
	if (!was)
		return 11;
	return wait_for(!listed(P("%s/tasks", cont), p)) ? 0 : 12;
}

/* --- ways to make a task; each runs in a member of A --- */

static int by_fork(void)
{
	pid_t p = fork();

	if (!p)
		sleep_forever();
	return seen_in(p, A);
}

static int by_vfork(void)
{
	volatile int found = 0;
	pid_t p = vfork();

	if (!p) {
		found = listed(A "/tasks", syscall(SYS_getpid));
		_exit(0);
	}
	waitpid(p, NULL, 0);
	return found && !listed(A "/tasks", p) ? 0 : 1;
}

static int clone_fn(void *arg)
{
	(void)arg;
	sleep_forever();
	return 0;
}

static char stack[65536] __attribute__((aligned(16)));

static int by_clone_vm(void)
{
	return seen_in(clone(clone_fn, stack + sizeof(stack),
			     CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD, NULL),
		       A);
}

static int by_clone3(void)
{
	struct clone3_args a = { 0 };
	pid_t p = clone3(&a);

	if (!p)
		sleep_forever();
	return p < 0 && errno == ENOSYS ? 77 : seen_in(p, A);
}

static int by_namespaces(void)
{
	pid_t p = syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS |
			  CLONE_NEWUTS | CLONE_NEWIPC | SIGCHLD, 0, 0, 0, 0);

	if (!p)
		sleep_forever();
	return p < 0 ? 77 : seen_in(p, A);
}

/* Its parent is the test, which is in the root. */
static int by_clone_parent(void)
{
	pid_t p = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
	bool was;

	if (!p)
		sleep_forever();
	if (p < 0)
		return 2;
	was = listed(A "/tasks", p);
	kill(p, SIGKILL);
	return was && wait_for(!listed(A "/tasks", p)) ? 0 : 1;
}

static pid_t tid;
static bool stop;

static void *thread_fn(void *arg)
{
	__atomic_store_n(&tid, syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST))
		msleep(1);
	return arg;
}

static int by_thread(void)
{
	pthread_t t;
	bool was;

	if (pthread_create(&t, NULL, thread_fn, NULL))
		return 1;
	wait_for(__atomic_load_n(&tid, __ATOMIC_SEQ_CST));
	was = listed(A "/tasks", tid);
	__atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
	pthread_join(t, NULL);
	return was && wait_for(!listed(A "/tasks", tid)) ? 0 : 2;
}

static void *fork_in_b(void *arg)
{
	pid_t p;

	if (put(B "/tasks", "0"))
		return arg;
	p = fork();
	if (!p)
		for (;;)	/* no death signal: its parent is a thread */
			pause();
	*(int *)arg = seen_in(p, B);
	return NULL;
}

/* The thread that forks decides, not its leader. */
static int by_thread_elsewhere(void)
{
	pthread_t t;
	int r = 20;

	if (pthread_create(&t, NULL, fork_in_b, &r))
		return 1;
	pthread_join(t, NULL);
	return r;
}

static int by_spawn(void)
{
	char *argv[] = { "spawned", NULL };
	pid_t p;

	if (posix_spawn(&p, "/proc/self/exe", NULL, NULL, argv, environ))
		return 1;
	return seen_in(p, A);
}

/* An orphan stays where it is. */
static int by_double_fork(void)
{
	int fd[2], r;
	pid_t p;

	if (pipe2(fd, O_CLOEXEC))
		return 1;
	p = fork();
	if (!p) {
		p = fork();
		if (!p)
			for (;;)
				pause();
		write(fd[1], &p, sizeof(p));
		_exit(0);
	}
	waitpid(p, NULL, 0);
	if (read(fd[0], &p, sizeof(p)) != sizeof(p))
		return 2;
	r = listed(A "/tasks", p) ? 0 : 3;
	kill(p, SIGKILL);
	return r ? r : wait_for(!listed(A "/tasks", p)) ? 0 : 4;
}

static int by_into_cgroup(void)
{
	struct clone3_args a = { .flags = CLONE_INTO_CGROUP };
	int r = 77;
	pid_t p;

	mkdir(CG "/into", 0755);
	a.cgroup = open(CG "/into", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if ((int)a.cgroup < 0)
		return 77;
	p = clone3(&a);
	if (!p)
		sleep_forever();
	if (p > 0)
		r = seen_in(p, A);
	else if (errno != ENOSYS && errno != E2BIG)
		r = 1;
	close(a.cgroup);
	rmdir(CG "/into");
	return r;
}

/* --- ways to fail; the count tells how often it must have failed --- */

#define TRIES 100

static int fork_fails(int want)
{
	for (int i = 0; i < TRIES; i++) {
		pid_t p = fork();

		if (!p)
			_exit(0);
		if (p > 0) {
			waitpid(p, NULL, 0);
			return 30;
		}
		if (errno != want)
			return errno;
	}
	return 0;
}

static int fail_nproc(void)
{
	struct rlimit rl = { 0, 0 };	/* AlmaLinux 9.0 allows one more than it says */

	if (setrlimit(RLIMIT_NPROC, &rl))
		return 1;
	drop_to(4321);
	return fork_fails(EAGAIN);
}

/* Limits by the kernel's own pids controller, mounted by the test. */
static int fail_pids(void)
{
	if (put(CG "/lim/cgroup.procs", "%d", getpid()) ||
	    put(CG "/lim/pids.max", "1"))
		return 77;
	return fork_fails(EAGAIN);
}

static int fail_pids_thread(void)
{
	pthread_t t;

	if (put(CG "/lim/cgroup.procs", "%d", getpid()) ||
	    put(CG "/lim/pids.max", "1"))
		return 77;
	for (int i = 0; i < TRIES; i++)
		if (pthread_create(&t, NULL, thread_fn, NULL) != EAGAIN)
			return 1;
	return 0;
}

static int clone3_fails(struct clone3_args *a, int want)
{
	for (int i = 0; i < TRIES; i++) {
		pid_t p = clone3(a);

		if (!p)
			_exit(0);
		if (p > 0) {
			waitpid(p, NULL, 0);
			return 30;
		}
		if (errno == ENOSYS)
			return 77;
		if (errno != want)
			return errno;
	}
	return 0;
}

static int fail_flags(void)
{
	struct clone3_args a = { .flags = CLONE_THREAD };

	return clone3_fails(&a, EINVAL);
}

static int fail_pidfd(void)
{
	struct clone3_args a = { .flags = CLONE_PIDFD, .pidfd = 8 };

	return clone3_fails(&a, EFAULT);
}

static int fail_set_tid(void)
{
	pid_t one = 1;
	struct clone3_args a = {
		.set_tid = (uintptr_t)&one, .set_tid_size = 1,
	};

	return clone3_fails(&a, EEXIST);
}

/* Into a cgroup that is gone: refused where the kernel asks its own. */
static int fail_into_removed(void)
{
	struct clone3_args a = { .flags = CLONE_INTO_CGROUP };
	int r;

	mkdir(CG "/gone", 0755);
	a.cgroup = open(CG "/gone", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if ((int)a.cgroup < 0 || rmdir(CG "/gone"))
		return 77;
	r = clone3_fails(&a, ENODEV);
	if (r == ENOENT)	/* how some kernels say it */
		r = clone3_fails(&a, ENOENT);
	close(a.cgroup);
	return r == EBADF || r == E2BIG ? 77 : r;
}

/* Into a cgroup at its limit. */
static int fail_into_full(void)
{
	struct clone3_args a = { .flags = CLONE_INTO_CGROUP };
	int r;

	if (put(CG "/lim/pids.max", "0"))
		return 77;
	a.cgroup = open(CG "/lim", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = (int)a.cgroup < 0 ? 77 : clone3_fails(&a, EAGAIN);
	close(a.cgroup);
	return r == EBADF || r == E2BIG ? 77 : r;
}

/* A pid namespace whose init is dead takes no more. */
static int fail_dead_pidns(void)
{
	pid_t p;

	if (unshare(CLONE_NEWPID))
		return 77;
	p = fork();
	if (!p)
		_exit(0);
	waitpid(p, NULL, 0);
	return fork_fails(ENOMEM);
}

static int fail_signals(void) { return forks_interrupted(1500); }

/* Killed in the middle of forking, again and again. */
static int fail_killed(void)
{
	for (int i = 0; i < 100; i++) {
		pid_t p = fork();

		if (!p)
			for (;;) {
				p = fork();
				if (!p)
					_exit(0);
				waitpid(p, NULL, 0);
			}
		msleep(rand() % 4);
		kill(p, SIGKILL);
		while (waitpid(p, NULL, 0) < 0 && errno == EINTR)
			;
	}
	return 0;
}

/* Runs one of them as a member of A, which must be left alone in it. */
static int member(void *arg)
{
	int (*fn)(void) = *(int (**)(void))arg;
	int tasks = open(A "/tasks", O_WRONLY | O_CLOEXEC), r;

	if (write(tasks, "0", 1) != 1)
		return 90;
	close(tasks);
	r = fn();
	if (r)
		return r;
	/* nobody else is left: not even one that was never born */
	return wait_for(nids(A "/tasks") == 1) && listed(A "/tasks", getpid()) ?
	       0 : 91;
}

struct way {
	const char *name;
	int (*fn)(void);
};

static void run(const struct way *w, size_t n, const char *kind)
{
	struct hier h;
	int r;

	for (; n--; w++) {
		r = in_child(member, (void *)&w->fn);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;	/* what was made for us to reap */
		if (r == 77)
			skip("%s %s # not on this kernel", kind, w->name);
		else
			eq(r, 0, "%s %s", kind, w->name);
		ok(wait_for(!nids(A "/tasks") && !nids(B "/tasks")),
		   "%s: all have left", w->name);
		ok(wait_for(hier("cpuacct", &h) &&
			    h.topcount == nids(M "/tasks") + 1),
		   "%s: topcount is right", w->name);
	}
	err(E(rmdir(A)), 0, "no reference is left");
	mkdir(A, 0755);
}

/* --- seen only where it belongs --- */

static struct {
	/* odd: a child may be there, alive; even: it is being killed */
	unsigned int phase;
	/* asked, not killed: a child just born would be left behind */
	bool stop;
} *breeding;

static int breeder(struct kid *up, void *arg)
{
	(void)arg;
	if (put(A "/tasks", "0"))
		return 1;
	kid_send(up, 0);
	while (!__atomic_load_n(&breeding->stop, __ATOMIC_SEQ_CST)) {
		pid_t p;

		__atomic_add_fetch(&breeding->phase, 1, __ATOMIC_SEQ_CST);
		p = fork();
		if (!p)
			sleep_forever();
		/* long enough for the other to look, on a slow kernel too */
		usleep(rand() % (debug_kernel() ? 50000 : 1000));
		__atomic_add_fetch(&breeding->phase, 1, __ATOMIC_SEQ_CST);
		kill(p, SIGKILL);
		waitpid(p, NULL, 0);
	}
	return 0;
}

static void test_seen(void)
{
	struct kid k = kid_start(breeder, NULL);
	long end = now_ms() + 4000;
	unsigned int before, after;
	int looks = 0, bad = 0;
	char file[64];

	if (kid_recv(&k))
		bail("the breeder starts");
	sprintf(file, "/proc/%d/task/%d/children", k.pid, k.pid);
	while (now_ms() < end || (looks <= 20 && now_ms() < end + 60000)) {
		const char *s, *w;
		int child;

		before = __atomic_load_n(&breeding->phase, __ATOMIC_SEQ_CST);
		s = get(file);
		child = s ? atoi(s) : 0;
		w = child ? where(child, "cpuacct") : NULL;
		after = __atomic_load_n(&breeding->phase, __ATOMIC_SEQ_CST);
		if (!w || before != after || !(before & 1))
			continue;
		looks++;
		bad += strcmp(w, "/a") != 0;
	}
	if (access(file, F_OK))
		skip("a new task is never seen elsewhere # no children file");
	else
		ok(looks > 20 && !bad,
		   "a new task is never seen elsewhere (%d looks, %d wrong)",
		   looks, bad);
	__atomic_store_n(&breeding->stop, true, __ATOMIC_SEQ_CST);
	kid_wait(&k);
	ok(wait_for(!nids(A "/tasks")), "all have left");
}

static const struct way ways[] = {
	{ "fork", by_fork },
	{ "vfork", by_vfork },
	{ "clone with shared memory", by_clone_vm },
	{ "clone3", by_clone3 },
	{ "clone into new namespaces", by_namespaces },
	{ "clone with the caller's parent", by_clone_parent },
	{ "a thread", by_thread },
	{ "a fork by a thread in another container", by_thread_elsewhere },
	{ "posix_spawn", by_spawn },
	{ "an orphan", by_double_fork },
};

static const struct way failures[] = {
	{ "RLIMIT_NPROC", fail_nproc },
	{ "impossible flags", fail_flags },
	{ "a bad pidfd pointer", fail_pidfd },
	{ "a taken pid", fail_set_tid },
	{ "a dead pid namespace", fail_dead_pidns },
	{ "signals in the middle", fail_signals },
	{ "SIGKILL in the middle", fail_killed },
};

static const struct way limits[] = {
	{ "the pids controller, fork", fail_pids },
	{ "the pids controller, thread", fail_pids_thread },
};

static const struct way into[] = {
	{ "a removed cgroup to clone into", fail_into_removed },
	{ "a full cgroup to clone into", fail_into_full },
};

static const struct way into_ok[] = {
	{ "clone into a cgroup", by_into_cgroup },
};

int main(int argc, char **argv)
{
	(void)argc;
	if (!strcmp(argv[0], "spawned"))
		sleep_forever();
	setup();
	breeding = mmap_shared(sizeof(*breeding));
	err(cmount(M, "cpuacct"), 0, "mount cpuacct");
	mkdir(A, 0755);
	mkdir(B, 0755);
	run(ways, ARRAY_SIZE(ways), "a member by");
	run(failures, ARRAY_SIZE(failures), "forks that fail by");

	mkdir(CG, 0755);
	if (mount("x", CG, "cgroup2", 0, NULL)) {
		skip("forks that fail by cgroup v2 # none");
	} else {
		put(CG "/cgroup.subtree_control", "+pids");
		mkdir(CG "/lim", 0755);
		run(limits, ARRAY_SIZE(limits), "forks that fail by v2:");
		run(into, ARRAY_SIZE(into), "forks that fail by v2:");
		run(into_ok, ARRAY_SIZE(into_ok), "a member by");
		rmdir(CG "/lim");
		put(CG "/cgroup.subtree_control", "-pids");
		umount(CG);
	}
	/* v2 gives the controller back in its own time */
	if (!wait_for(!mount("x", CG, "cgroup", 0, "pids") || errno != EBUSY) ||
	    access(CG "/tasks", F_OK)) {
		skip("forks that fail by cgroup v1 # no pids controller");
	} else {
		mkdir(CG "/lim", 0755);
		run(limits, ARRAY_SIZE(limits), "forks that fail by v1:");
		rmdir(CG "/lim");
		umount(CG);
	}
	rmdir(CG);
	CASE(test_seen());
	err(E(rmdir(B)), 0, "rmdir");
	err(E(rmdir(A)), 0, "rmdir");
	err(cumount(M), 0, "unmount");
	finish();
}
