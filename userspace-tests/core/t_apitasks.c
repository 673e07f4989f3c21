// SPDX-License-Identifier: GPL-2.0
/*
 * The subsystem API, called through the test module container_apitest: the order of the
 * callbacks about tasks, which are told of which tasks, and container_clone().
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "apis.h"

/* --- moves ------------------------------------------------------------------ */

static int two_threads(struct kid *up, void *arg)
{
	pthread_t t;

	(void)arg;
	pthread_create(&t, NULL, sleep_on, NULL);
	kid_send(up, 0);
	kid_recv(up);
	return 0;
}

static void test_attach(void)
{
	pid_t p = sleeper();
	struct kid k;

	start();
	mkdir(A, 0755);
	events();
	for (int i = 0; i < 2; i++) {
		cmd("fail %d can_attach %d", i, EDOM);
		err(movepid(A, p), EDOM, "can_attach of %d refuses", i);
		happened(i ? "0 can_attach 1;1 can_attach 1;1 can_attach fails" :
			 "0 can_attach 1;0 can_attach fails", "nobody is told");
		ok(listed(M "/tasks", p) && !nids(A "/tasks"), "nothing has changed");
	}
	err(movepid(A, p), 0, "then move");
	happened("0 can_attach 1;1 can_attach 1;0 attach 1 from 0;1 attach 1 from 0;"
		 "0 post_attach 1 from 0;1 post_attach 1 from 0", "in this order");
	err(movepid(A, p), 0, "move to where it is");
	happened("", "does nothing");
	err(movepid(M, p), 0, "move back");
	happened("0 can_attach 0;1 can_attach 0;0 attach 0 from 1;1 attach 0 from 1;"
		 "0 post_attach 0 from 1;1 post_attach 0 from 1", "in this order");

	k = kid_start(two_threads, NULL);
	kid_recv(&k);
	cmd("fail 1 can_attach %d", EDOM);
	err(put(A "/procs", "%d", k.pid), EDOM, "a process of which a thread is refused");
	happened("0 can_attach 1;1 can_attach 1;1 can_attach fails", "nobody is told");
	eq(nids(A "/tasks"), 0, "no thread has moved");
	err(put(A "/procs", "%d", k.pid), 0, "then move the process");
	happened("0 can_attach 1;1 can_attach 1;0 can_attach 1;1 can_attach 1;"
		 "0 attach 1 from 0;1 attach 1 from 0;0 attach 1 from 0;1 attach 1 from 0;"
		 "0 post_attach 1 from 0;1 post_attach 1 from 0;"
		 "0 post_attach 1 from 0;1 post_attach 1 from 0", "all are asked first");
	eq(nids(A "/tasks"), 2, "both threads have moved");
	kid_wait(&k);
	happened("0 exit 1;1 exit 1;0 exit 1;1 exit 1", "both exit");
	reap(p);
	happened("", "who exits in the root is nobody's business");
	rmdir(A);
	forget_events();
	stop();
}

/* --- forks ------------------------------------------------------------------ */

/* A member that forks as often as @arg says, each time it is told to. */
static int forker(struct kid *up, void *arg)
{
	kid_send(up, put(A "/tasks", "0"));
	for (long i = 0; i < (long)arg; i++) {
		pid_t p;

		kid_recv(up);
		p = fork();
		if (!p)
			_exit(0);
		/* dead and gone by the time we answer */
		kid_send(up, p < 0 ? errno : E(waitpid(p, NULL, 0)));
	}
	kid_recv(up);
	return 0;
}

/* A member forks, and is told how it went. */
static void fork_in_a(int slot, int want, const char *callbacks)
{
	struct kid k = kid_start(forker, (void *)1L);

	kid_recv(&k);
	forget_events();
	if (slot >= 0)
		cmd("fail %d can_fork %d", slot, want);
	kid_send(&k, 0);
	err(kid_recv(&k), want, "fork of a member, can_fork of %d refuses", slot);
	happened(callbacks, "of that fork");
	eq(nids(A "/tasks"), 1, "only the member is there");
	kid_wait(&k);
	happened("0 exit 1;1 exit 1", "and exits");
}

/* One that begins to be called is told of all tasks, and nobody else is for that. */
static void told_once(void)
{
	pid_t p = sleeper();

	movepid(A, p);
	forget_events();
	err(cmd("everyone 2") ?: cmd("register 2"), 0, "a subsystem for every task");
	happened("2 create 0", "those who know a member are not told again");
	err(cmd("unregister 2") ?: cmd("reset 2"), 0, "and it goes");
	reap(p);
	forget_events();
}

static void test_fork(void)
{
	start();
	mkdir(A, 0755);
	told_once();
	fork_in_a(-1, 0, "0 can_fork 1;1 can_fork 1;0 fork 1;1 fork 1;0 exit 1;1 exit 1");
	fork_in_a(0, EDOM, "0 can_fork 1;0 can_fork fails");
	fork_in_a(1, EXDEV, "0 can_fork 1;1 can_fork 1;1 can_fork fails;0 cancel_fork 1");
	reap(sleeper());
	happened("", "a fork in the root calls nobody");
	rmdir(A);
	forget_events();
	stop();
}

/* Births less deaths that slot 2 was told of. */
static long known(void)
{
	const char *s;
	int n = -1;

	events();
	cmd("known 2");
	s = events();
	sscanf(s ? s : "", "apitest2 known %d", &n);
	return n;
}

static void knows_all(const char *when)
{
	for (int i = 0; i < 20; i++)
		reap(sleeper());
	ok(counts_all(known), "it knows every task, each once, %s", when);
}

/* One with CONTAINER_ALL_TASKS knows every task once, from registration on. */
static void test_everyone(void)
{
	err(cmd("everyone 2"), 0, "a subsystem for every task");
	err(cmd("size 2 8"), 0, "with something for each");
	err(cmd("register 2"), 0, "register it");
	knows_all("while it is not bound");
	err(cmount(M, "apitest2"), 0, "mount it");
	knows_all("while it is bound");
	err(E(umount(M)), 0, "unmount it");
	knows_all("after that");
	err(cmd("unregister 2"), 0, "unregister it");
	err(cmd("reset 2"), 0, "reset it");
	forget_events();
}

/* Are the hooks on fork and exit armed? */
static bool armed(void)
{
	const char *s = get("/proc/containers");

	return s && strstr(s, "cgroup_can_fork: armed");
}

/* One with CONTAINER_WHILE_BOUND knows them then; with ADOPTS, from being asked. */
static void test_while_bound(bool adopts)
{
	err(cmd("bound 2"), 0, "a subsystem for every task while it is bound");
	if (adopts)
		err(cmd("adopts 2"), 0, "that need not be told of a fork that it was asked about");
	err(cmd("size 2 8"), 0, "with something for each");
	err(cmd("register 2"), 0, "register it");
	reap(sleeper());
	eq(known(), 0, "it knows of no task");
	ok(!armed(), "no hook on fork and exit is armed");
	for (int i = 0; i < 3; i++) {
		err(cmount(M, "apitest2"), 0, "mount it");
		ok(armed(), "the hooks are armed");
		knows_all("while it is bound");
		mkdir(A, 0755);
		put(A "/tasks", "0");
		knows_all("with a container");
		put(M "/tasks", "0");
		rmdir(A);
		err(E(umount(M)), 0, "unmount it");
		ok(!armed(), "the hooks are not armed");
	}
	/* beside one that wants all, all the time */
	err(cmd("everyone 0") ?: cmd("size 0 8") ?: cmd("register 0"), 0, "another");
	err(cmount(M, "apitest2"), 0, "mount it");
	knows_all("beside the other");
	cmd("fail 2 populate %d", EDOM);
	err(E(umount(M)), 0, "unmount it");
	err(cmount(M, "apitest2"), EDOM, "populate fails in mount");
	err(cmount(M, "apitest2"), 0, "mount it once more");
	knows_all("after a mount that failed");
	cmd("fail 2 can_fork %d", EDOM);
	{
		pid_t p = fork();

		if (!p)
			_exit(0);
		err(p < 0 ? errno : 0, EDOM, "it can refuse a fork in the root");
		if (p > 0)
			reap(p);
	}
	knows_all("after a refusal");
	err(E(umount(M)), 0, "unmount it");
	err(cmd("unregister 0") ?: cmd("reset 0"), 0, "the other goes");
	ok(!armed(), "the hooks are not armed");
	err(cmd("unregister 2"), 0, "unregister it");
	err(cmd("reset 2"), 0, "reset it");
	forget_events();
}

/* --- container_clone() ------------------------------------------------------ */

static const char *my_path(void)
{
	const char *path = where(0, BOTH);

	return path ? path : "";
}

static void test_clone(void)
{
	union {
		struct inotify_event e;
		char room[512];
	} event;
	pid_t me = getpid();
	int watch;

	err(cmd("register 0") ?: cmd("register 1"), 0, "register");
	err(cmd("clone 0"), 0, "clone of a subsystem that is not bound does nothing");
	err(cmount(M, BOTH), 0, "mount");
	forget_events();

	watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	inotify_add_watch(watch, M, IN_CREATE | IN_DELETE);
	err(cmd("clone 0"), 0, "clone");
	eq(read(watch, &event, sizeof(event)), sizeof(event.e) + 16, "one change is told");
	ok(event.e.mask == (IN_CREATE | IN_ISDIR) && atoi(event.e.name) == me,
	   "that it was made");
	close(watch);
	streq(my_path(), P("/%d", me), "we are in a child of our own, named after us");
	happened("0 create 1;1 create 1;0 inherit 1 of 0;1 inherit 1 of 0;"
		 "0 populate 1;1 populate 1;0 can_clone 1;1 can_clone 1;"
		 "0 attach 1 from 0;1 attach 1 from 0;0 post_attach 1 from 0;1 post_attach 1 from 0", "of a clone");
	eq(mode_of(P(M "/%d", me)), 0755, "mode of its directory");
	err(cmd("clone 1"), 0, "clone again");
	streq(my_path(), P("/%d/%d", me, me), "we are in a child of the first");
	put(M "/tasks", "0");
	err(cmd("clone 0"), 0, "clone where the name is taken");
	streq(my_path(), P("/%d-2", me), "it has -2");
	put(M "/tasks", "0");
	err(cmd("clone 0"), 0, "and again");
	streq(my_path(), P("/%d-3", me), "it has -3");
	put(M "/tasks", "0");
	forget_events();

	const char *dir = strdup(names_in(M)), *proc = strdup(state());

	cmd("fail 1 create %d", EDOM);
	err(cmd("clone 0"), EDOM, "clone, and create fails");
	cmd("fail 1 inherit %d", EDOM);
	err(cmd("clone 0"), EDOM, "clone, and a subsystem's inherit fails");
	cmd("fail 1 populate %d", EDOM);
	err(cmd("clone 0"), EDOM, "clone, and populate fails");
	cmd("fail 1 can_clone %d", EDOM);
	err(cmd("clone 0"), EDOM, "clone, and can_clone refuses");
	streq(names_in(M), dir, "no new container is left");
	streq(state(), proc, "/proc/containers is as before");
	streq(my_path(), "/", "we are where we were");
	free((void *)dir);
	free((void *)proc);
	rmdir(P(M "/%d/%d", me, me));
	rmdir(P(M "/%d", me));
	rmdir(P(M "/%d-2", me));
	rmdir(P(M "/%d-3", me));
	/* moves forbidden, and clones allowed */
	cmd("fail 0 can_attach %d", EDOM);
	err(cmd("clone 0"), 0, "clone, whatever can_attach says");
	err(put(M "/tasks", "0"), EDOM, "which is asked by a move");
	err(put(M "/tasks", "0"), 0, "move out");
	rmdir(P(M "/%d", me));
	forget_events();
	stop();
	/* who has no can_clone does not mind */
	cmd("without 0 can_clone");
	start();
	err(cmd("clone 0"), 0, "clone without can_clone");
	put(M "/tasks", "0");
	rmdir(P(M "/%d", me));
	forget_events();
	stop();
}

static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static int cloner(struct kid *up, void *arg)
{
	volatile bool *end = arg;
	int e, bad = 0;

	pin();
	kid_recv(up);
	while (!*end) {
		e = cmd("clone 0");
		bad += e != 0;
	}
	return bad ? 1 : 0;
}

/* A task that clones is moved away at any moment, and its containers go by themselves. */
static void test_clone_race(void)
{
	struct sched_param fifo = { .sched_priority = 10 };
	long end = now_ms() + (debug_kernel() ? 10000 : sized(5000, 2000));
	volatile bool *over = mmap_shared(sizeof(*over));
	int fd, moves = 0, len;
	cpu_set_t before;
	struct kid k;
	pid_t keep;
	char nr[16];

	start();
	mkdir(A, 0755);
	keep = sleeper();
	movepid(A, keep);
	put(A "/auto_delete", "1");
	k = kid_start(cloner, (void *)over);
	/* not in the root: what is made there does not go by itself */
	err(movepid(A, k.pid), 0, "it begins in a container");
	kid_send(&k, 0);
	/* on its CPU, and before it */
	sched_getaffinity(0, sizeof(before), &before);
	pin();
	sched_setscheduler(0, SCHED_FIFO, &fifo);
	fd = open(A "/tasks", O_WRONLY);
	len = sprintf(nr, "%d", k.pid);
	srandom(1);
	while (now_ms() < end) {
		usleep(random() % 3000);
		moves += write(fd, nr, len) == len;
		usleep(3000);
	}
	fifo.sched_priority = 0;
	sched_setscheduler(0, SCHED_OTHER, &fifo);
	sched_setaffinity(0, sizeof(before), &before);
	*over = true;
	close(fd);
	eq(kid_wait(&k), 0, "a task clones while it is moved about (%d times)", moves);
	reap(keep);
	ok(wait_for(access(A, F_OK)), "what it made is gone in the end, and what it was in");
	forget_events();
	stop();
}

int main(void)
{
	setup_api();
	CASE(test_attach());
	CASE(test_fork());
	CASE(test_everyone());
	CASE(test_while_bound(false));
	CASE(test_while_bound(true));
	CASE(test_clone());
	CASE(test_clone_race());
	finish();
}
