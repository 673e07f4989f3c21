// SPDX-License-Identifier: GPL-2.0
/*
 * numtasks: exact counts, moves, fork rates, the module's parameters, the whole system at
 * its limit, and other subsystems beside it. t_shares has the arithmetic.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include "forks.h"
#include "makers.h"

/* --- tests ------------------------------------------------------------------ */

static void test_load(void)
{
	int e;

	ok(!strstr(get("/proc/containers"), "cgroup_can_fork: armed"),
	   "loaded and not mounted, no hook on fork is armed");
	rmmod(MODULE);
	rmmod("container_resgroup");
	ok(!modloaded(MODULE) && !modloaded("container_resgroup"), "it is not loaded");
	err(cmount(M, "numtasks"), 0, "mount -o numtasks");
	ok(modloaded(MODULE), "which loads it");
	balanced("after the mount");
	eq(mode_of(M "/numtasks.shares"), 0644, "mode of numtasks.shares");
	eq(mode_of(M "/numtasks.stats"), 0644, "mode of numtasks.stats");
	streq(get(M "/numtasks.shares"),
	      "res=numtasks,min_shares=-3,max_shares=-3,child_shares_divisor=100\n",
	      "the root's shares");
	set_shares(M, "child_shares_divisor=7");
	e = rmmod(MODULE);
	ok(in_use(e), "rmmod while it is bound: in use");
	e = rmmod("container_resgroup");
	ok(in_use(e), "rmmod of the library: in use");
	err(E(umount(M)), 0, "unmount");
	err(cmount(M, "numtasks"), 0, "mount again");
	balanced("after the second mount");
	ok(strstr(get(M "/numtasks.shares"), "child_shares_divisor=100\n") != NULL,
	   "the root has its default again");
	eq(stat_of(M, FAILURES), 0, "and no failures");
	err(E(umount(M)), 0, "unmount");
	e = rmmod("container_resgroup");
	ok(in_use(e), "rmmod of the library, which is used");
	err(rmmod(MODULE), 0, "rmmod while it is not bound");
	err(rmmod("container_resgroup"), 0, "rmmod of the library then");
	err(modprobe(MODULE), 0, "load it");
}

#define EXECS 24

static void *exec_later(void *arg)
{
	msleep(*(long *)arg);
	execl("/proc/self/exe", "t_numtasks", "sleeper", NULL);
	return NULL;
}

/* A process whose second thread, which it makes when asked to, calls execve() after a while. */
static int exec_by_thread(struct kid *up, void *arg)
{
	pthread_t t;

	kid_recv(up);
	pthread_create(&t, NULL, exec_later, arg);
	kid_send(up, 0);
	for (;;)
		pause();
	return 0;
}

static int mount_slowly(struct kid *up, void *arg)
{
	(void)up;
	(void)arg;
	prctl(PR_SET_NAME, "delaytest");
	return cmount(M, "numtasks");
}

/*
 * While a mount goes over all tasks, by their numbers, threads with high numbers take over the low
 * ones of their processes.
 */
static void test_exec(void)
{
	const char *module = modfile("delaytest");
	struct kid k[EXECS], mounter;
	pid_t between[100];
	long when;

	for (int i = 0; i < EXECS; i++) {
		when = 500 + i * 150;
		k[i] = kid_start(exec_by_thread, &when);
	}
	for (size_t i = 0; i < ARRAY_SIZE(between); i++)
		between[i] = sleeper();
	if (!module || modinsert(module, "function=member_ensure usecs=500"))
		diag("a mount is as short as ever");
	for (int i = 0; i < EXECS; i++) {
		kid_send(&k[i], 0);
		kid_recv(&k[i]);
	}
	mounter = kid_start(mount_slowly, NULL);
	err(kid_wait(&mounter), 0, "mount numtasks");
	msleep(500 + EXECS * 150);
	balanced("threads have called execve() meanwhile");
	for (size_t i = 0; i < ARRAY_SIZE(between); i++)
		reap(between[i]);
	for (int i = 0; i < EXECS; i++)
		reap(k[i].pid);
	balanced("without them");
	err(E(umount(M)), 0, "unmount");
	if (module)
		rmmod("delaytest");
}

static void test_stats(void)
{
	static const char *const bad[] = {
		"res=bc", "res=", "res", "0", "", "res=numtasks,res=numtasks", "numtasks",
		" res=numtasks", "res=numtasks,min_shares=1",
	};
	struct kid k;
	long v[NSTATS];

	start();
	ok(stats(A, v) && !v[0] && !v[1] && !v[2] && !v[3], "a new container's stats");
	k = start_maker(A);
	ok(stats(A, v) && v[USAGE] == 1 && !v[SUCCESSES], "a move is no success");
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		err(make(&k, i, 10), 0, "10 times %s", ways[i].name);
	eq(stat_of(A, SUCCESSES), 40, "successes");
	exact(A, "after them");
	err(limit(A, 1), 0, "allow no more");
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		err(make(&k, i, 1), EAGAIN, "%s", ways[i].name);
	ok(stats(A, v) && v[USAGE] == 1 && v[SUCCESSES] == 40 && v[FAILURES] == 4 &&
	   v[RATE_FAILURES] == 0, "failures");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		err(put(A "/numtasks.stats", "%s\n", bad[i]), EINVAL, "write \"%s\" to the stats",
		    bad[i]);
	eq(stat_of(A, SUCCESSES), 40, "which changes nothing");
	err(put(A "/numtasks.stats", "res=numtasks\n"), 0, "reset the stats");
	ok(stats(A, v) && v[USAGE] == 1 && !v[SUCCESSES] && !v[FAILURES], "all but the usage");
	err(fork_once(), 0, "others fork");
	err(limit(A, -3), 0, "allow as many as they like");
	err(make(&k, 0, 20), 0, "20 forks");
	eq(end_maker(&k), 0, "the member exits");
	exact(A, "empty");
	stop();
}

/* At a limit of an ancestor, and with room made by an exit and by a move. */
static void test_tree(void)
{
	struct kid a, c;

	start();
	mkdir(B, 0755);
	mkdir(C, 0755);
	err(limit(A, 10), 0, "ten tasks in a and below");
	a = start_maker(A);
	c = start_maker(C);
	err(make(&c, HOLD, 5), 0, "c has six");
	err(make(&a, HOLD, 3), 0, "a has four");
	eq(stat_of(A, USAGE), 10, "together they are ten");
	eq(stat_of(B, USAGE), 6, "six of them in b and below");
	err(make(&c, HOLD, 1), EAGAIN, "c may not fork");
	err(make(&a, HOLD, 1), EAGAIN, "a may not fork");
	eq(stat_of(C, FAILURES), 1, "a failure of c");
	eq(stat_of(B, FAILURES), 0, "none of b");
	eq(stat_of(A, FAILURES), 1, "and one of a");
	err(make(&a, DROP, 1), 0, "one of a exits");
	err(make(&c, HOLD, 1), 0, "then c may fork");
	err(make(&c, HOLD, 1), EAGAIN, "once");

	/* b gets four for itself; it has seven */
	err(set_shares(A, "min_shares=10,child_shares_divisor=10"), 0, "reserve a's ten");
	err(set_shares(B, "min_shares=4,max_shares=8"), 0, "four of them for b");
	err(make(&c, DROP, 6), 0, "c's children exit");
	err(make(&a, HOLD, 3), 0, "a has six now");
	err(make(&a, HOLD, 1), EAGAIN, "it does not get what is b's");
	err(make(&c, HOLD, 3), 0, "b does");
	err(make(&c, HOLD, 1), EAGAIN, "and no more");
	err(make(&a, DROP, 5), 0, "a's children exit");
	err(make(&c, HOLD, 4), 0, "b borrows what a does not use");
	err(make(&c, HOLD, 1), EAGAIN, "up to its own maximum");
	exact(A, "after that");
	eq(end_maker(&a) | end_maker(&c), 0, "the members exit");
	exact(A, "empty");
	err(E(rmdir(C)) ?: E(rmdir(B)), 0, "rmdir");

	/* what a removed container had is there for others */
	mkdir(B, 0755);
	mkdir(A "/g", 0755);
	err(set_shares(B, "min_shares=6"), 0, "reserve six");
	err(set_shares(A "/g", "min_shares=5"), EINVAL, "and five of ten");
	a = start_maker(A);
	err(make(&a, HOLD, 4), EAGAIN, "a cannot have five");
	err(E(rmdir(B)), 0, "remove the first");
	err(make(&a, HOLD, 3), 0, "then a can have seven");
	err(set_shares(A "/g", "min_shares=5"), 0, "and five can be reserved");
	eq(end_maker(&a), 0, "the member exits");
	err(E(rmdir(A "/g")), 0, "rmdir");
	stop();
}

static void test_moves(void)
{
	pid_t p[4];
	struct kid k;
	long root;

	start();
	mkdir(B, 0755);
	mkdir(F, 0755);
	err(limit(A, 2), 0, "two tasks");
	for (int i = 0; i < 4; i++)
		p[i] = sleeper();
	balanced("before moves");
	root = stat_of(M, USAGE);
	for (int i = 0; i < 4; i++)
		err(movepid(A, p[i]), 0, "move a task in, the %d.", i + 1);
	eq(stat_of(A, USAGE), 4, "they are four");
	eq(stat_of(A, SUCCESSES) + stat_of(A, FAILURES), 0, "neither successes nor failures");
	eq(stat_of(M, USAGE), root, "the root's usage is the same");
	k = start_maker(F);
	err(movepid(A, k.pid), 0, "move one in that wants to fork");
	err(make(&k, MAKE, 1), EAGAIN, "it cannot");
	for (int i = 0; i < 3; i++)
		err(movepid(B, p[i]), 0, "move a task down");
	eq(stat_of(A, USAGE), 5, "usage with what is below");
	eq(stat_of(B, USAGE), 3, "usage below");
	err(movepid(F, p[0]) ?: movepid(F, p[1]), 0, "move two elsewhere");
	eq(stat_of(A, USAGE), 3, "three are left");
	err(make(&k, MAKE, 1), EAGAIN, "which are too many");
	err(movepid(M, p[2]), 0, "move one to the root");
	err(make(&k, MAKE, 1), EAGAIN, "two are just enough");
	reap(p[3]);
	err(make(&k, MAKE, 1), 0, "one exits: it may fork");
	eq(stat_of(F, USAGE), 2, "two are elsewhere");
	for (int i = 0; i < 3; i++)
		reap(p[i]);
	eq(end_maker(&k), 0, "the member exits");
	exact(A, "after moves");
	exact(F, "after moves");
	err(E(rmdir(B)) ?: E(rmdir(F)), 0, "rmdir");
	stop();
}

/* The kernel's own pids controller fails forks that we had agreed to. */
static void test_failed(void)
{
	struct kid k;
	long v[NSTATS];

	if (!make_cgroup())
		return;
	start();
	k = start_maker(A);
	fail_forks(k.pid);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		err(make(&k, i, 1), EAGAIN, "%s fails later", ways[i].name);
	ok(stats(A, v) && v[USAGE] == 1 && !v[SUCCESSES] && !v[FAILURES],
	   "all is given back: neither successes nor failures");
	err(limit(A, 2), 0, "allow one more");
	err(put(PARAM("forkrate"), "1") ?: put(PARAM("forkrate_interval"), "1000"), 0,
	    "and one fork");
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		err(make(&k, i, 1), EAGAIN, "%s fails later", ways[i].name);
	eq(stat_of(A, RATE_FAILURES), 0, "a fork that failed does not count for the rate");
	err(put(FULL_CGROUP "/lim/pids.max", "max"), 0, "the cgroup has room");
	err(make(&k, 0, 1), 0, "then it forks");
	err(make(&k, 0, 1), EAGAIN, "once");
	eq(stat_of(A, RATE_FAILURES), 1, "because of the rate");
	put(PARAM("forkrate"), "%d", NO_LIMIT);
	put(PARAM("forkrate_interval"), "1");
	eq(end_maker(&k), 0, "the member exits");
	stop();
	remove_cgroup();
}

/*
 * Windows are fixed: what a container does not fork in the first half of one it may
 * in the second, and a new one begins with a fork. Where the machine has no time
 * for us and a window runs out too early, again.
 */
static void test_window(struct kid *a)
{
	long began;
	int e = 0, again = 0;

	do {
		msleep(3100);
		began = now_ms();
		e = make(a, MAKE, 1);
		msleep(1500);
		e = e ?: make(a, MAKE, 4);
	} while (over(began) && again++ < 20);
	err(e, 0, "one fork, and the other four of the window later in it");
	e = make(a, MAKE, 1);
	ok(e == EAGAIN || over(began), "no more");
	while (make(a, MAKE, 1) && now_ms() - began < 30000)
		msleep(10);
	ok(now_ms() - began >= 2990, "it ends three seconds after the first of them");

	again = 0;
	do {
		msleep(3100);
		put(PARAM("forkrate"), "5");
		began = now_ms();
		e = make(a, MAKE, 5);
		e = e ?: put(PARAM("forkrate"), "8") ?: make(a, MAKE, 3);
	} while (over(began) && again++ < 20);
	err(e, 0, "five forks, and three more when the rate is raised");
	e = make(a, MAKE, 1);
	ok(e == EAGAIN || over(began), "no more");
}

static void test_forkrate(void)
{
	struct kid a, f;
	long began, took;

	start();
	mkdir(F, 0755);
	a = start_maker(A);
	f = start_maker(F);
	err(put(PARAM("forkrate_interval"), "3") ?: put(PARAM("forkrate"), "5"), 0,
	    "five forks in three seconds");
	began = now_ms();
	err(make(&a, MAKE, 5), 0, "five forks");
	err(make(&a, MAKE, 1), EAGAIN, "the sixth is refused");
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		err(make(&a, i, 1), EAGAIN, "so is %s", ways[i].name);
	eq(stat_of(A, RATE_FAILURES), 5, "forkrate failures");
	eq(stat_of(A, FAILURES), 0, "these are not among the failures");
	eq(stat_of(A, SUCCESSES), 5, "successes");
	err(make(&f, MAKE, 5), 0, "another container forks as often");
	err(make(&f, MAKE, 1), EAGAIN, "but not more");
	while (make(&a, MAKE, 1) && now_ms() - began < 30000)
		msleep(10);
	took = now_ms() - began;
	ok(took >= 2990, "the window lasts three seconds: it took %ld ms", took);
	ok(took < 20000, "and not much longer");
	test_window(&a);
	/* a fork that is refused for another reason does not count */
	msleep(3100);
	err(make(&a, MAKE, 1), 0, "the first of a window");
	put(PARAM("forkrate_interval"), "1000");
	err(put(PARAM("forkrate"), "3"), 0, "which is to have two more");
	err(limit(A, 1), 0, "but no room");
	for (int i = 0; i < 3; i++)
		err(make(&a, MAKE, 1), EAGAIN, "none is made");
	err(limit(A, 2), 0, "room for one");
	err(make(&a, MAKE, 2), 0, "two forks");
	err(make(&a, MAKE, 1), EAGAIN, "and no more");
	err(put(PARAM("forkrate"), "%d", NO_LIMIT), 0, "no limit");
	err(make(&a, MAKE, 50), 0, "50 forks");
	put(PARAM("forkrate_interval"), "1");
	eq(end_maker(&a) | end_maker(&f), 0, "the members exit");
	err(E(rmdir(F)), 0, "rmdir");
	stop();
}

static void test_parameters(void)
{
	static const char *const names[] = { "total_numtasks", "forkrate", "forkrate_interval" };
	static const char *const bad[] = {
		"0", "-1", "-3", "x", "", "1 2", "5x", "0x10", "2147483648", "99999999999999999999",
	};
	static const long defaults[] = { NO_LIMIT, NO_LIMIT, 1 };
	long usage;

	for (int mounted = 0; mounted < 2; mounted++) {
		if (mounted)
			start();
		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			const char *file = P(PARAM("%s"), names[i]);

			eq(mode_of(file), 0644, "mode of %s", names[i]);
			put(file, "%ld", defaults[i]);
			eq(getnum(file), defaults[i], "its default");
			for (size_t j = 0; j < ARRAY_SIZE(bad); j++)
				err(put(file, "%s\n", bad[j]), EINVAL, "%s \"%s\"", names[i], bad[j]);
			eq(getnum(file), defaults[i], "nothing has changed");
			err(put(file, "9999\n"), 0, "a good value");
			eq(getnum(file), 9999, "is there");
			err(put(file, "%ld", defaults[i]), 0, "back");
		}
		usage = mounted ? stat_of(M, USAGE) : live_tasks(&(pid_t *){ NULL });
		err(put(PARAM("total_numtasks"), "1"), EINVAL, "a total below what is in use");
		err(put(PARAM("total_numtasks"), "%ld", usage - 2), EINVAL, "one just below");
		eq(getnum(PARAM("total_numtasks")), NO_LIMIT, "nothing has changed");
		err(put(PARAM("total_numtasks"), "%ld", usage + 20), 0, "one above");
		err(put(PARAM("total_numtasks"), "%d", NO_LIMIT), 0, "no limit");
	}
	stop();
	/* when it is loaded */
	err(rmmod(MODULE), 0, "rmmod");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		err(modinsert(modfile(MODULE), P("%s=0", names[i])), EINVAL, "insmod with %s=0",
		    names[i]);
		err(modinsert(modfile(MODULE), P("%s=x", names[i])), EINVAL, "insmod with %s=x",
		    names[i]);
	}
	err(modinsert(modfile(MODULE), "total_numtasks=1"), EINVAL, "insmod with too low a total");
	err(modinsert(modfile(MODULE), "total_numtasks=5000 forkrate=70 forkrate_interval=2"), 0,
	    "insmod with good ones");
	eq(getnum(PARAM("total_numtasks")), 5000, "the total");
	eq(getnum(PARAM("forkrate")), 70, "the fork rate");
	eq(getnum(PARAM("forkrate_interval")), 2, "the interval");
	err(put(PARAM("forkrate"), "%d", NO_LIMIT), 0, "no fork rate");
	start();
	err(put(PARAM("total_numtasks"), "5000"), 0, "the total");
	err(limit(A, 4), 0, "of which a container has two");
	{
		struct kid k = start_maker(A);

		err(make(&k, HOLD, 2), EAGAIN, "one fork is allowed");
		exact(A, "at it");
		eq(stat_of(A, USAGE), 2, "that is two");
		err(put(PARAM("total_numtasks"), "10000"), 0, "double the total");
		err(make(&k, HOLD, 2), 0, "two more forks");
		err(make(&k, HOLD, 1), EAGAIN, "and no more");
		eq(end_maker(&k), 0, "the member exits");
	}
	put(PARAM("forkrate_interval"), "1");
	stop();
}

/* The whole system at its limit. Its kernel threads fork, too. */
static void test_total(void)
{
	pid_t p[64];
	int n = 0, e;
	long usage, top = 0;

	start();
	usage = stat_of(M, USAGE);
	err(put(PARAM("total_numtasks"), "%ld", usage + 6), 0, "six more tasks in all");
	do {
		p[n] = fork();
		e = p[n] < 0 ? errno : 0;
		if (!p[n]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
		usage = stat_of(M, USAGE);
		top = usage > top ? usage : top;
	} while (!e && ++n < 64);
	err(e, EAGAIN, "fork until it is refused");
	usage = getnum(PARAM("total_numtasks"));
	ok(top <= usage && top >= usage - 2, "usage goes to the total and no further");
	ok(n <= 8, "%d forks", n);
	e = put(PARAM("total_numtasks"), "%d", TOTAL);
	err(e, 0, "raise the total");
	err(fork_once(), 0, "forks are possible again");
	while (n)
		reap(p[--n]);
	stop();
}

/* --- races ------------------------------------------------------------------ */

/* Beside cpuacct in one hierarchy, and alone beside another. */
static void test_others(void)
{
	struct kid k;

	err(cmount(M, "cpuacct,numtasks"), 0, "mount it with cpuacct");
	balanced("beside cpuacct");
	err(E(mkdir(A, 0755)), 0, "mkdir");
	put(PARAM("total_numtasks"), "%d", TOTAL);
	set_shares(M, P("child_shares_divisor=%d", TOTAL));
	k = start_maker(A);
	err(limit(A, 3), 0, "three tasks");
	err(make(&k, HOLD, 2), 0, "two forks");
	err(make(&k, HOLD, 1), EAGAIN, "and no more");
	ok(getnum(A "/cpuacct.usage_ns") > 0, "their time is counted, too");
	eq(end_maker(&k), 0, "the member exits");
	stop();
	err(cmount("/tmp/n", "cpuacct"), 0, "mount cpuacct");
	start();
	balanced("beside another hierarchy");
	err(cumount("/tmp/n"), 0, "unmount cpuacct");
	balanced("without it");
	stop();
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "sleeper"))
		for (;;)
			pause();
	setup();
	if (modprobe(MODULE))
		bail(MODULE " loads");
	CASE(test_load());
	CASE(test_exec());
	CASE(test_stats());
	CASE(test_tree());
	CASE(test_moves());
	CASE(test_failed());
	CASE(test_forkrate());
	CASE(test_parameters());
	CASE(test_total());
	CASE(test_others());
	rmdir(M);
	finish();
}
