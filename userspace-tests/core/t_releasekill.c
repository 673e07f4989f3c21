// SPDX-License-Identifier: GPL-2.0
/*
 * kill_on_rmdir: all members die, however fast they fork and make threads, the agent runs
 * once, and what it refuses.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "agents.h"

static void tree(void)
{
	mkdir(M "/k", 0755);
	mkdir(M "/k/a", 0755);
	mkdir(M "/k/a/b", 0755);
	mkdir(M "/k/c", 0755);
}

static const char *const tree_dirs[] = {
	M "/k", M "/k/a", M "/k/a/b", M "/k/c",
};

static void untree(void)
{
	for (int i = 3; i >= 0; i--)
		rmdir(tree_dirs[i]);
}

static int remover(void *arg)
{
	return E(rmdir(arg));
}

static int remover_in(void *arg)
{
	if (movepid(arg, getpid()))
		return 254;
	return E(rmdir(M "/k"));
}

static pid_t thread_tid;

static void *announce(void *arg)
{
	__atomic_store_n(&thread_tid, syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	return sleep_on(arg);
}

static int remover_thread_in(void *arg)
{
	pthread_t t;

	thread_tid = 0;
	pthread_create(&t, NULL, announce, NULL);
	while (!__atomic_load_n(&thread_tid, __ATOMIC_SEQ_CST))
		msleep(1);
	if (movepid(arg, thread_tid))
		return 254;
	return E(rmdir(M "/k"));
}

static bool alive(pid_t p)
{
	enum { EXITING = 4 };	/* PF_EXITING: it has left, and is a zombie in a moment */
	char *s = get(P("/proc/%d/stat", p)), state;
	unsigned int flags;

	s = s ? strrchr(s, ')') : NULL;
	return s && sscanf(s, ") %c %*d %*d %*d %*d %*d %u", &state, &flags) == 2 &&
	       state != 'Z' && state != 'X' && !(flags & EXITING);
}

/* Forks as fast as it can, every child doing the same, up to a limit. */
static int bomb(struct kid *up, void *arg)
{
	int *count = arg;

	prctl(PR_SET_PDEATHSIG, 0);
	signal(SIGCHLD, SIG_IGN);
	kid_recv(up);
	kid_send(up, 0);
	for (;;) {
		if (__atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST) > 100) {
			__atomic_sub_fetch(count, 1, __ATOMIC_SEQ_CST);
			sched_yield();
		} else if (fork() == 0) {
			/* every other one goes by itself */
			if (getpid() & 1) {
				__atomic_sub_fetch(count, 1, __ATOMIC_SEQ_CST);
				_exit(0);
			}
		}
	}
	return 0;
}

static void *no_thread(void *arg)
{
	return arg;
}

/* Makes threads as fast as it can: at most times one of them is unborn. */
static int thread_maker(struct kid *up, void *arg)
{
	pthread_attr_t attr;
	pthread_t t;

	(void)arg;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 16384);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	kid_send(up, put(M "/k/tasks", "0"));
	for (;;)
		if (pthread_create(&t, &attr, no_thread, NULL))
			sched_yield();
	return 0;
}

/*
 * The death of a process that is just making threads. A signal to a thread that
 * is not in the process yet makes the kernel believe that all have got it.
 */
static void test_kill_threads(void)
{
	int killed = 0, rounds = debug_kernel() ? 20 : sized(100, 30);

	for (int i = 0; i < rounds; i++) {
		struct kid maker, killer;
		int e;

		mkdir(M "/k", 0755);
		put(M "/k/kill_on_rmdir", "1");
		maker = kid_start(thread_maker, NULL);
		e = kid_recv(&maker);
		/* each round at another moment */
		usleep(1000 + i * 37);
		killer = kid_start(rmdir_kid, M "/k");
		/* the last resort: it is killed itself */
		if (!wait_for(access(M "/k", F_OK)))
			kill(killer.pid, SIGKILL);
		killed += !e && !kid_wait(&killer);
		kill(maker.pid, SIGKILL);
		kid_wait(&maker);
		if (killed <= i)
			break;
	}
	eq(killed, rounds, "a process that makes threads is killed, each time");
}

static void test_kill(void)
{
	struct kid k;
	struct hier h0, h;
	pid_t p[8], out;
	int *count, alive_n;

	forget();
	/* off: as ever */
	tree();
	p[0] = member(M "/k/a/b");
	err(E(rmdir(M "/k")), EBUSY, "without the flag: EBUSY");
	flag(M "/k/a", "kill_on_rmdir", 1);
	flag(M "/k/a/b", "kill_on_rmdir", 1);
	err(E(rmdir(M "/k")), EBUSY, "the flag below does not count");
	ok(alive(p[0]), "nothing is killed");
	flag(M "/k/a", "kill_on_rmdir", 0);
	flag(M "/k/a/b", "kill_on_rmdir", 0);
	reap(p[0]);
	wait_for(!nids(M "/k/a/b/tasks"));

	/* on */
	for (int i = 0; i < 8; i++)
		p[i] = member(tree_dirs[i % 4]);
	kill(p[1], SIGSTOP);
	k = kid_start(threads10, NULL);
	kid_recv(&k);
	movepid(M "/k/a/b", k.pid);
	out = sleeper();
	flag(M "/k", "kill_on_rmdir", 1);
	err(E(rmdir(M "/k")), 0, "with the flag: rmdir of a whole tree");
	alive_n = 0;
	for (int i = 0; i < 8; i++)
		alive_n += alive(p[i]);
	eq(alive_n, 0, "all members are dead by then, a stopped one, too");
	ok(!alive(k.pid), "a process with one thread inside, too");
	ok(gone(M "/k"), "the tree has gone");
	ok(alive(out), "nobody else is killed");
	for (int i = 0; i < 8; i++)
		reap(p[i]);
	eq(kid_wait(&k), -SIGKILL, "by SIGKILL");
	reap(out);

	/* one that is empty, one without children */
	tree();
	flag(M "/k", "kill_on_rmdir", 1);
	err(E(rmdir(M "/k")), 0, "a tree without members");
	ok(gone(M "/k"), "has gone");
	mkdir(M "/k", 0755);
	flag(M "/k", "kill_on_rmdir", 1);
	mkdir(M "/k/a", 0755);
	eq(getnum(M "/k/a/kill_on_rmdir"), 1, "inherited");
	err(E(rmdir(M "/k/a")), 0, "a single container");
	err(E(rmdir(M "/k")), 0, "and its parent");

	/* the caller is in the subtree */
	tree();
	flag(M "/k", "kill_on_rmdir", 1);
	p[0] = member(M "/k");
	p[1] = member(M "/k/c");
	err(in_child(remover_in, (void *)tree_dirs[0]), EBUSY,
	    "a caller that is a member");
	err(in_child(remover_in, (void *)tree_dirs[2]), EBUSY,
	    "a caller that is a member far below");
	err(in_child(remover_thread_in, (void *)tree_dirs[1]), EBUSY,
	    "a caller with another thread inside");
	ok(alive(p[0]) && alive(p[1]), "nothing is killed");
	ok(!gone(M "/k/a/b/tasks") && !gone(M "/k/c/tasks"),
	   "the tree is whole");
	wait_for(!nids(M "/k/a/tasks") && !nids(M "/k/a/b/tasks"));
	err(in_child(remover, M "/k"), 0, "a caller outside");
	ok(!alive(p[0]) && !alive(p[1]) && gone(M "/k"), "kills and removes");
	reap(p[0]);
	reap(p[1]);

	/* a fork bomb */
	count = mmap_shared(sizeof(*count));
	mkdir(M "/k", 0755);
	mkdir(M "/k/a", 0755);
	flag(M "/k", "kill_on_rmdir", 1);
	k = kid_start(bomb, count);
	movepid(M "/k/a", k.pid);
	kid_send(&k, 0);
	kid_recv(&k);
	ok(wait_for(nids(M "/k/a/tasks") > 20), "a fork bomb is going");
	err(E(rmdir(M "/k")), 0, "rmdir");
	ok(gone(M "/k"), "ends it");
	eq(kid_wait(&k), -SIGKILL, "the first of them was killed");

	/* the parent is released */
	forget();
	mkdir(M "/p", 0755);
	flag(M "/p", "notify_on_release", 1);
	mkdir(M "/p/k", 0755);
	flag(M "/p/k", "notify_on_release", 0);
	flag(M "/p/k", "kill_on_rmdir", 1);
	p[0] = member(M "/p/k");
	err(E(rmdir(M "/p/k")), 0, "rmdir with a member");
	reap(p[0]);
	ok(wait_for(runs()), "the agent runs");
	ran_only(RAN("/p"), "for the parent: its last child is removed");
	rmdir(M "/p");

	/* counts are back */
	err(cmount("/tmp/u", "cpuacct"), 0, "mount another hierarchy");
	hier("cpuacct", &h0);
	mkdir("/tmp/u/k", 0755);
	mkdir("/tmp/u/k/a", 0755);
	flag("/tmp/u/k", "kill_on_rmdir", 1);
	p[0] = member("/tmp/u/k/a");
	err(E(rmdir("/tmp/u/k")), 0, "rmdir there");
	ok(hier("cpuacct", &h) && h.containers == h0.containers,
	   "containers is as before");
	streq(where(p[0], "cpuacct"), "/", "the dead count as the root's");
	reap(p[0]);
	err(cumount("/tmp/u"), 0, "unmount it");
	untree();
}

/* With auto_delete, too: it is one removal, the caller's. */
static void test_kill_and_delete(void)
{
	int rounds = debug_kernel() ? 50 : sized(200, 50), good = 0, first = 0, both = 0, left = 0;

	for (int i = 0; i < rounds; i++) {
		pid_t p;

		mkdir(M "/k", 0755);
		mkdir(M "/k/a", 0755);
		for (int n = 0; n < 2; n++) {
			put(P(M "/k%s/auto_delete", n ? "/a" : ""), "1");
			put(P(M "/k%s/kill_on_rmdir", n ? "/a" : ""), "1");
		}
		p = sleeper();
		good += !movepid(M "/k/a", p) && !rmdir(M "/k");
		reap(p);
		left += !access(M "/k", F_OK);
	}
	eq(good, rounds, "rmdir with both flags succeeds, each time");
	eq(left, 0, "and it is gone then");
	/* two at once: one has done it */
	for (int i = 0; i < rounds; i++) {
		struct kid k;
		pid_t p;
		int e, f;

		mkdir(M "/k", 0755);
		put(M "/k/auto_delete", "1");
		put(M "/k/kill_on_rmdir", "1");
		p = sleeper();
		movepid(M "/k", p);
		k = kid_start(rmdir_kid, M "/k");
		e = E(rmdir(M "/k"));
		f = kid_wait(&k);
		first += !e;
		both += (!e && f == ENOENT) || (!f && e == ENOENT);
		reap(p);
	}
	eq(both, rounds, "of two at once one succeeds, and the other says ENOENT");
	diag("we were the first of them %d times", first);
}

/* A member that cannot be killed, until it is told to go on: in the module for t_api. */
#define STALL "/sys/kernel/debug/container_apitest/cmd"

static int stalled(struct kid *up, void *dir)
{
	kid_send(up, movepid(dir, getpid()));
	return put(STALL, "stall 0");
}

/* A removal that is given up leaves what was released meanwhile to auto_delete. */
static void test_kill_fails(void)
{
	struct kid q, r;
	pid_t p;

	err(modprobe("container_apitest"), 0, "a module that stalls tasks");
	tree();
	flag(M "/k", "kill_on_rmdir", 1);
	flag(M "/k/a/b", "auto_delete", 1);
	p = member(M "/k/a/b");
	q = kid_start(stalled, M "/k/c");
	err(kid_recv(&q), 0, "a member");
	ok(wait_for(task_state(q.pid, q.pid) == 'D'), "that cannot be killed");
	r = kid_start(rmdir_kid, M "/k");
	ok(wait_for(!alive(p)), "the other one dies");
	msleep(100);
	ok(!gone(M "/k/a/b"), "its container is left to the caller of rmdir");
	err(E(rmdir(M "/k/a/b")), EBUSY, "and to nobody else");
	kill(r.pid, SIGKILL);
	kid_wait(&r);
	ok(wait_for(gone(M "/k/a/b")), "who gives up: auto_delete removes it");
	ok(!gone(M "/k/c"), "the others are there");
	put(STALL, "wake 0");
	kid_wait(&q);
	waitpid(p, NULL, 0);
	ok(wait_for(!nids(M "/k/c/tasks")), "they are empty in the end");
	err(E(rmdir(M "/k")), 0, "and removed");
	rmmod("container_apitest");
}

/* Does it sleep in rmdir(2)? */
static bool waits_in_rmdir(pid_t pid)
{
	char *s = get(P("/proc/%d/syscall", pid));

	return s && atoi(s) == SYS_rmdir && task_state(pid, pid) == 'S';
}

/*
 * Two removals at once of containers one of which is in the other, or of one; the first gives
 * up. What the second kills is killed until that is done: nobody joins, and it sees the end.
 */
static void two_kill(const char *first, const char *second)
{
	struct kid q, r, s;

	tree();
	flag(first, "kill_on_rmdir", 1);
	flag(second, "kill_on_rmdir", 1);
	q = kid_start(stalled, M "/k/c");
	err(kid_recv(&q), 0, "%s and %s: a member", first, second);
	ok(wait_for(task_state(q.pid, q.pid) == 'D'), "that cannot be killed");
	r = kid_start(rmdir_kid, (void *)first);
	ok(wait_for(waits_in_rmdir(r.pid)), "one waits for it");
	s = kid_start(rmdir_kid, (void *)second);
	ok(wait_for(waits_in_rmdir(s.pid)), "and another");
	kill(r.pid, SIGKILL);
	kid_wait(&r);
	err(E(mkdir(M "/k/c/x", 0755)), ENOENT, "one gives up: no container is made there");
	err(movepid(M "/k/c", getpid()), ENODEV, "and nobody joins");
	put(STALL, "wake 0");
	kid_wait(&q);
	/* the last resort */
	if (!ok(wait_for(!alive(s.pid)), "the other one comes to its end"))
		kill(s.pid, SIGKILL);
	err(kid_wait(&s), 0, "and has removed it");
	ok(gone(second), "it is gone");
	untree();
	ok(gone(M "/k"), "so is the rest");
}

static void test_two_kill(void)
{
	err(modprobe("container_apitest"), 0, "a module that stalls tasks");
	two_kill(M "/k", M "/k");
	two_kill(M "/k", M "/k/c");
	two_kill(M "/k/c", M "/k");
	rmmod("container_apitest");
}

static void handle(int sig)
{
	(void)sig;
}

/* Removes M/k; SIGUSR1 has a handler, with these flags. */
static int rmdir_handling(struct kid *up, void *flags)
{
	struct sigaction sa = { .sa_handler = handle, .sa_flags = *(int *)flags };

	(void)up;
	sigaction(SIGUSR1, &sa, NULL);
	return E(rmdir(M "/k"));
}

/* Who waits for a removal can be stopped, and goes on with it; a handler ends it. */
static void test_kill_stopped(void)
{
	int flags[] = { 0, SA_RESTART };
	struct kid q, r;

	err(modprobe("container_apitest"), 0, "a module that stalls tasks");
	tree();
	flag(M "/k", "kill_on_rmdir", 1);
	q = kid_start(stalled, M "/k/c");
	err(kid_recv(&q), 0, "a member");
	ok(wait_for(task_state(q.pid, q.pid) == 'D'), "that cannot be killed");
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		r = kid_start(rmdir_handling, &flags[i]);
		ok(wait_for(waits_in_rmdir(r.pid)), "rmdir waits for it");
		kill(r.pid, SIGUSR1);
		/* the last resort */
		if (!wait_for(!alive(r.pid)))
			kill(r.pid, SIGKILL);
		err(kid_wait(&r), EINTR, "a handler%s ends it", i ? " with SA_RESTART" : "");
		ok(!gone(M "/k/a/b") && !gone(M "/k/c"), "nothing is removed");
	}
	r = kid_start(rmdir_handling, &flags[0]);
	ok(wait_for(waits_in_rmdir(r.pid)), "rmdir waits for it once more");
	kill(r.pid, SIGSTOP);
	ok(wait_for(task_state(r.pid, r.pid) == 'T'), "it is stopped");
	kill(r.pid, SIGCONT);
	wait_for(waits_in_rmdir(r.pid) || !alive(r.pid));
	ok(waits_in_rmdir(r.pid), "continued, it waits again");
	put(STALL, "wake 0");
	kid_wait(&q);
	err(kid_wait(&r), 0, "and removes it when the member is gone");
	ok(gone(M "/k"), "it is gone");
	untree();
	rmmod("container_apitest");
}

int main(int argc, char **argv, char **env)
{
	if (!strcmp(argv[0], AGENT))
		return agent_main(argc, argv, env);
	begin_release();
	CASE(test_kill());
	CASE(test_kill_threads());
	CASE(test_kill_and_delete());
	CASE(test_kill_fails());
	CASE(test_two_kill());
	CASE(test_kill_stopped());
	end_release();
}
