// SPDX-License-Identifier: GPL-2.0
/*
 * A second controller of resource groups, the sample forkbudget, alone and beside
 * numtasks: each has its own files, shares and limits.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include "lib.h"

#define M "/tmp/m"
#define A M "/a"
#define B A "/b"
#define N "/tmp/n"
#define MODULE "container_forkbudget"
#define BUDGET(name) "/sys/module/container_forkbudget/parameters/" name
#define NUMTASKS(name) "/sys/module/container_numtasks/parameters/" name
#define NO_LIMIT 2147483647

static long stat_of(const char *dir, const char *what)
{
	char *s = get(P("%s/forkbudget.stats", dir));
	long v = -1;

	s = s ? strstr(s, P("forkbudget: %s ", what)) : NULL;
	if (s)
		sscanf(s + strlen(P("forkbudget: %s ", what)), "%ld", &v);
	return v;
}

/* A member that forks as often as it is told, keeping the children. */
static int maker(struct kid *up, void *dir)
{
	int n, e = put(P("%s/tasks", (char *)dir), "0"), nheld = 0;
	pid_t held[64];

	kid_send(up, e);
	while ((n = kid_recv(up)) >= 0) {
		for (e = 0; n > 0 && !e; n--) {
			pid_t p = fork();

			if (!p) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				for (;;)
					pause();
			}
			if (p < 0)
				e = errno;
			else
				held[nheld++] = p;
		}
		kid_send(up, e);
	}
	while (nheld)
		reap(held[--nheld]);
	return 0;
}

static int make(struct kid *k, int n)
{
	kid_send(k, n);
	return kid_recv(k);
}

static struct kid start_maker(const char *dir)
{
	struct kid k = kid_start(maker, (void *)dir);

	err(kid_recv(&k), 0, "a task moves in");
	return k;
}

static void end_maker(struct kid *k)
{
	kid_send(k, -1);
	eq(kid_wait(k), 0, "the member exits, after its children");
}

static void test_alone(void)
{
	struct kid k;
	long changes;
	int e;

	ok(!modloaded(MODULE), "the sample is not loaded");
	err(cmount(M, "forkbudget"), 0, "mount it");
	ok(modloaded(MODULE), "which loads it");
	e = rmmod("container_resgroup");
	ok(in_use(e), "rmmod of the library: in use");
	streq(get(M "/forkbudget.shares"),
	      "res=forkbudget,min_shares=-2,max_shares=-3,child_shares_divisor=100\n",
	      "the root's shares: one is not supported");
	eq(stat_of(M, "Budget"), 1000, "the root's budget is the total");
	err(E(mkdir(A, 0755)) ?: E(mkdir(B, 0755)), 0, "mkdir");
	eq(stat_of(A, "Budget"), -1, "no limit at first");
	changes = stat_of(A, "Changes");
	ok(changes > 0, "the controller was told of the amounts at mkdir");
	err(put(A "/forkbudget.shares", "max_shares=2\n"), 0, "2 of 100");
	eq(stat_of(A, "Budget"), 20, "its budget");
	err(put(B "/forkbudget.shares", "max_shares=50\n"), 0, "half of that for b");
	eq(stat_of(B, "Budget"), 10, "its budget");
	changes = stat_of(B, "Changes");
	err(put(BUDGET("total"), "500"), 0, "half the total");
	eq(stat_of(A, "Budget"), 10, "half the budget");
	eq(stat_of(B, "Budget"), 5, "below, too");
	eq(stat_of(B, "Changes"), changes + 1, "of which the controller was told");
	err(put(A "/forkbudget.shares", "max_shares=2\n"), 0, "write what is there");
	eq(stat_of(B, "Changes"), changes + 1, "no change, no word of it");
	err(put(BUDGET("total"), "0"), EINVAL, "a total of zero");
	err(put(A "/forkbudget.shares", "min_shares=1\n"), EINVAL, "the minimum it has not");
	err(put(A "/forkbudget.shares", "res=numtasks,max_shares=3\n"), EINVAL, "another's res");
	err(put(A "/forkbudget.shares", "res=forkbudget,min_shares=-2,max_shares=4,"
	    "child_shares_divisor=100\n"), 0, "what is shown");
	eq(stat_of(A, "Budget"), 20, "is taken");

	k = start_maker(A);
	eq(stat_of(A, "Moved in"), 1, "the controller was told of the move");
	err(make(&k, 20), 0, "20 forks");
	err(make(&k, 1), EAGAIN, "no more");
	eq(stat_of(A, "Used"), 20, "used");
	eq(stat_of(A, "Refused"), 1, "refused");
	streq(get(A "/events"), "populated 1\nforks_refused 1\ncharges_refused 0\n",
	      "those who wait for events are told");
	err(put(A "/forkbudget.stats", "res=numtasks\n"), EINVAL, "reset another's stats");
	err(put(A "/forkbudget.stats", "res=forkbudget\n"), 0, "reset the stats");
	eq(stat_of(A, "Used"), 0, "nothing is used");
	err(make(&k, 3), 0, "three more forks");
	eq(stat_of(A, "Used"), 3, "are used");
	end_maker(&k);
	err(E(rmdir(B)) ?: E(rmdir(A)), 0, "rmdir");
	err(put(M "/forkbudget.shares", "child_shares_divisor=7\n"), 0, "a divisor of the root");
	err(E(umount(M)), 0, "unmount");
	err(cmount(M, "forkbudget"), 0, "mount again");
	ok(strstr(get(M "/forkbudget.shares"), "child_shares_divisor=100\n") != NULL,
	   "the root has its default again");
	err(E(umount(M)), 0, "unmount");
	err(put(BUDGET("total"), "1000"), 0, "the total");
}

/* What both have to say of the same forks. */
static void both(const char *tasks, const char *budget)
{
	struct kid k;

	err(put(NUMTASKS("total_numtasks"), "1000"), 0, "1000 tasks in all");
	/* 1 of 100 each: ten tasks, ten forks */
	err(put(P("%s/numtasks.shares", tasks), "res=numtasks,max_shares=1\n"), 0, "ten tasks");
	err(put(P("%s/forkbudget.shares", budget), "res=forkbudget,max_shares=3\n"), 0,
	    "thirty forks");
	k = start_maker(tasks);
	if (strcmp(tasks, budget))
		err(movepid(budget, k.pid), 0, "and there");
	err(make(&k, 9), 0, "nine forks");
	err(make(&k, 1), EAGAIN, "the tenth is one task too many");
	eq(stat_of(budget, "Refused"), 0, "which the second controller allowed");
	eq(stat_of(budget, "Used"), 9, "and got back");
	err(put(P("%s/numtasks.shares", tasks), "max_shares=10\n"), 0, "a hundred tasks");
	err(make(&k, 21), 0, "21 more forks");
	err(make(&k, 1), EAGAIN, "then the budget is used up");
	eq(stat_of(budget, "Refused"), 1, "says the second controller");
	ok(strstr(get(P("%s/numtasks.stats", tasks)), "Current usage 31\n") != NULL,
	   "the first has the members");
	ok(strstr(get(P("%s/numtasks.stats", tasks)), "successes 30\n") != NULL,
	   "and got back what the second refused");
	end_maker(&k);
	ok(strstr(get(P("%s/numtasks.stats", tasks)), "Current usage 0\n") != NULL,
	   "and counts them out");
	err(put(NUMTASKS("total_numtasks"), "%d", NO_LIMIT), 0, "no total");
}

static void test_beside(void)
{
	err(cmount(M, "forkbudget,numtasks,cpuacct"), 0, "both in one hierarchy");
	err(E(mkdir(A, 0755)), 0, "mkdir");
	ok(!access(A "/numtasks.shares", F_OK) && !access(A "/forkbudget.shares", F_OK),
	   "each has its files");
	both(A, A);
	err(E(rmdir(A)), 0, "rmdir");
	err(E(umount(M)), 0, "unmount");

	err(cmount(M, "forkbudget"), 0, "mount one");
	err(cmount(N, "numtasks"), 0, "and the other in a hierarchy of its own");
	err(E(mkdir(A, 0755)) ?: E(mkdir(N "/x", 0755)), 0, "mkdir in each");
	both(N "/x", A);
	err(E(rmdir(A)) ?: E(rmdir(N "/x")), 0, "rmdir");
	err(E(umount(M)) ?: cumount(N), 0, "unmount");
	err(rmmod(MODULE), 0, "rmmod the sample");
	err(cmount(M, "numtasks"), 0, "numtasks works without it");
	err(cumount(M), 0, "unmount");
}

int main(void)
{
	setup();
	if (modprobe("container_numtasks"))
		bail("container_numtasks loads");
	CASE(test_alone());
	CASE(test_beside());
	finish();
}
