// SPDX-License-Identifier: GPL-2.0
/*
 * numtasks: limits that hold against bombs and races, and while shares, containers and
 * mounts change as tasks come and go.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "forks.h"
#include "makers.h"

/* --- bombs ------------------------------------------------------------------ */

static void fork_bomb(void)
{
	for (;;) {
		if (fork() < 0)
			sched_yield();
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

static void *thread_bomb(void *arg)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 16384);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (int i = 0; !arg || i < 3; i++)
		if (pthread_create(&t, &attr, thread_bomb, (void *)1))
			sched_yield();
	return NULL;
}

/* Each child makes the next one before it exits: a chain of waiting parents. */
static void vfork_chain(void)
{
	pid_t p = vfork();

	if (!p) {
		vfork_chain();
		_exit(0);
	}
	if (p > 0)
		waitpid(p, NULL, 0);
}

static void vfork_bomb(void)
{
	for (;;)
		vfork_chain();
}

static const struct bomb {
	const char *name;
	int kind;
} bombs[] = { { "fork bomb", 0 }, { "thread bomb", 1 }, { "vfork bomb", 2 } };

static int bomb(struct kid *up, void *arg)
{
	const struct bomb *b = arg;

	kid_send(up, put(A "/tasks", "0"));
	kid_recv(up);
	if (b->kind == 0)
		fork_bomb();
	else if (b->kind == 1)
		thread_bomb(NULL);
	else
		vfork_bomb();
	return 0;
}

static void test_bomb(const struct bomb *b)
{
	enum { N = 24 };
	int over = 0, full = 0, samples = 0, failed = 0, forks = 0, listed_over = 0;
	long end, usage;
	struct kid k;

	start();
	err(limit(A, N), 0, "%s: at most %d tasks", b->name, N);
	k = kid_start(bomb, (void *)b);
	err(kid_recv(&k), 0, "it moves in");
	kid_send(&k, 0);
	/* ahead of it, or we wait for each of them in turn before each sample */
	setpriority(PRIO_PROCESS, 0, -20);
	/* a while, and as long as it takes to see it full */
	for (end = now_ms() + sized(4000, 2000); now_ms() < end || samples < 20 ||
	     (!full && now_ms() < end + DEADLINE_MS); ) {
		usage = stat_of(A, USAGE);
		samples++;
		over += usage < 0 || usage > N;
		full += usage == N;
		listed_over += nids(A "/tasks") > N;
		failed += fork_once() != 0;
		forks++;
	}
	setpriority(PRIO_PROCESS, 0, 0);
	eq(over, 0, "never more in %d samples", samples);
	eq(listed_over, 0, "nor in tasks");
	ok(full > 0, "the limit is reached, in %d of them", full);
	eq(failed, 0, "none of %d forks elsewhere failed", forks);
	ok(stat_of(A, FAILURES) > 0, "forks have failed");
	err(put(A "/kill_on_rmdir", "1"), 0, "kill it");
	err(E(rmdir(A)), 0, "with its container");
	eq(kid_wait(&k), -SIGKILL, "it is dead");
	err(E(mkdir(A, 0755)), 0, "a container for the next");
	eq(stat_of(A, USAGE), 0, "starts at zero");
	stop();
}

/* --- races ------------------------------------------------------------------ */

enum { WORKERS = 4, ROOM = 12 };
#define ATTEMPTS sized(2500, 1000)	/* of each */

struct tally {
	volatile long successes, failures;
	volatile bool stop;
};

/* Keeps its children until a fork fails, then lets one go. */
static int worker(struct kid *up, void *arg)
{
	struct tally *t = arg;
	pid_t held[ROOM + 1];
	int n = 0;

	kid_send(up, put(A "/tasks", "0"));
	kid_recv(up);
	for (int i = 0; i < ATTEMPTS; i++) {
		pid_t p = fork();

		if (!p) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
		if (p > 0) {
			t->successes++;
			if (n <= ROOM)
				held[n++] = p;
		} else if (errno == EAGAIN) {
			t->failures++;
			if (n)
				reap(held[--n]);
		} else {
			return 1;
		}
	}
	while (n)
		reap(held[--n]);
	return 0;
}

static void test_race(void)
{
	struct tally *t = mmap_shared(WORKERS * sizeof(*t));
	struct kid k[WORKERS];
	long successes = 0, failures = 0, usage, top = 0, v[NSTATS];
	int e = 0, over = 0, samples = 0, left = WORKERS;

	start();
	err(limit(A, ROOM), 0, "%d tasks", ROOM);
	for (int i = 0; i < WORKERS; i++) {
		k[i] = kid_start(worker, &t[i]);
		e = e ?: kid_recv(&k[i]);
	}
	err(e, 0, "%d of them move in", WORKERS);
	for (int i = 0; i < WORKERS; i++)
		kid_send(&k[i], 0);
	while (left) {
		usage = stat_of(A, USAGE);
		top = usage > top ? usage : top;
		over += usage < 0 || nids(A "/tasks") > ROOM;
		samples++;
		left = 0;
		for (int i = 0; i < WORKERS; i++)
			left += t[i].successes + t[i].failures < ATTEMPTS;
	}
	for (int i = 0; i < WORKERS; i++) {
		e = e ?: kid_wait(&k[i]);
		successes += t[i].successes;
		failures += t[i].failures;
	}
	eq(e, 0, "each forks %d times", ATTEMPTS);
	eq(top, ROOM, "the most seen in %d samples is the limit", samples);
	eq(over, 0, "and never more were listed");
	eq(successes + failures, (long)WORKERS * ATTEMPTS, "successes and failures add up");
	ok(stats(A, v), "the stats");
	eq(v[SUCCESSES], successes, "count the successes");
	eq(v[FAILURES], failures, "and the failures");
	diag("%ld successes, %ld failures", successes, failures);
	exact(A, "after the race");
	eq(stat_of(A, USAGE), 0, "which is none");
	stop();
}

/* The limit goes down while it is in use: once it is reached, it holds. */
static void test_lower(void)
{
	enum { HIGH = 10, LOW = 4 };
	volatile bool *end = mmap_shared(sizeof(*end));
	struct kid k[3];
	int bad = 0, rounds = 200, e = 0;
	long usage;

	start();
	for (int i = 0; i < 3; i++) {
		k[i] = kid_start(make_until, (void *)end);
		kid_recv(&k[i]);
		movepid(A, k[i].pid);
	}
	for (int i = 0; i < rounds && !e; i++) {
		bool settled = false;

		e = limit(A, HIGH) ?: (msleep(i % 3), limit(A, LOW));
		for (int j = 0; j < 10; j++) {
			usage = stat_of(A, USAGE);
			bad += settled && usage > LOW;
			bad += usage < 0 || usage > HIGH;
			settled |= usage <= LOW;
		}
	}
	err(e, 0, "%d times up and down", rounds);
	eq(bad, 0, "never more than the limit allows");
	*end = true;
	for (int i = 0; i < 3; i++)
		e |= kid_wait(&k[i]);
	eq(e, 0, "the members exit");
	exact(A, "after that");
	eq(stat_of(A, USAGE), 0, "which is none");
	stop();
}

/* Forks, exits, moves, shares and containers at once; nothing is lost. */
static void test_storm(void)
{
	enum { N = 4 };
	static const char *const dirs[] = { M, A, B, F, C };
	static const char *const shares[] = {
		"min_shares=0", "min_shares=2", "min_shares=-3", "max_shares=5", "max_shares=40",
		"max_shares=-3", "child_shares_divisor=50", "child_shares_divisor=10000",
	};
	volatile bool *end = mmap_shared(sizeof(*end));
	long until = now_ms() + (debug_kernel() ? 20000 : sized(10000, 4000));
	struct kid k[N];
	int i, e = 0, n = 0;

	start();
	mkdir(B, 0755);
	mkdir(F, 0755);
	for (i = 0; i < N; i++) {
		k[i] = kid_start(make_until, (void *)end);
		kid_recv(&k[i]);
	}
	srand(1);
	while (now_ms() < until) {
		const char *dir = dirs[1 + rand() % 3];

		n++;
		mkdir(C, 0755);
		e |= put(P("%s/procs", dirs[rand() % ARRAY_SIZE(dirs)]), "%d",
			 k[rand() % N].pid);
		set_shares(dir, shares[rand() % ARRAY_SIZE(shares)]);
		if (n % 3 == 0)
			rmdir(C);
	}
	err(e, 0, "%d rounds of moves beside changes of shares and containers", n);
	for (i = 0; i < N; i++)
		e |= put(M "/procs", "%d", k[i].pid);
	err(e, 0, "all move to the root");
	/* what they made last may still be where they were */
	ok(wait_for(!stat_of(A, USAGE) && !stat_of(F, USAGE)), "and then none is left elsewhere");
	exact(A, "with all of them in the root");
	ok(!rmdir(C) || errno == ENOENT, "nothing holds c");
	eq(stat_of(F, USAGE), 0, "elsewhere, too");
	/* and nothing is held of the minima: a gets all that it asks for */
	for (i = 1; i < 4; i++)
		e |= set_shares(dirs[i], "min_shares=-3,max_shares=-3,child_shares_divisor=10000");
	err(e, 0, "shares as at first");
	*end = true;
	for (i = e = 0; i < N; i++)
		e |= kid_wait(&k[i]);
	eq(e, 0, "the makers end");
	err(limit(A, 30), 0, "thirty tasks");
	k[0] = start_maker(B);
	err(make(&k[0], HOLD, 29), 0, "thirty it is");
	err(make(&k[0], HOLD, 1), EAGAIN, "and no more");
	eq(end_maker(&k[0]), 0, "they exit");
	err(E(rmdir(B)) ?: E(rmdir(F)), 0, "rmdir");
	stop();
}

/* Bound and unbound, loaded and unloaded while tasks come and go. */
static void test_cycles(void)
{
	volatile bool *end = mmap_shared(sizeof(*end));
	const char *file = strdup(modfile(MODULE));
	long until = now_ms() + 60000;
	struct kid k[3];
	int i, e = 0, n;

	for (i = 0; i < 3; i++) {
		k[i] = kid_start(make_until, (void *)end);
		kid_recv(&k[i]);
	}
	for (n = 0; n < sized(15, 6) && (n < 3 || now_ms() < until) && !e; n++) {
		e = cmount(M, "numtasks") ?: E(mkdir(A, 0755)) ?: movepid(A, k[0].pid);
		msleep(n % 7);
		e = e ?: movepid(M, k[0].pid) ?: (wait_for(!rmdir(A)) ? 0 : errno) ?: E(umount(M));
		if (n % 2)
			e = e ?: rmmod(MODULE) ?: modinsert(file, "");
	}
	err(e, 0, "mount, use, unmount, and at times unload, while tasks are made");
	ok(n >= 3, "many times");
	diag("%d rounds", n);
	err(cmount(M, "numtasks"), 0, "mount once more meanwhile");
	*end = true;
	for (i = e = 0; i < 3; i++)
		e |= kid_wait(&k[i]);
	eq(e, 0, "the makers end well");
	balanced("mounted in the middle of it");
	err(E(umount(M)), 0, "unmount");
	free((void *)file);
}

int main(void)
{
	setup();
	if (modprobe(MODULE))
		bail(MODULE " loads");
	for (size_t i = 0; i < ARRAY_SIZE(bombs); i++)
		test_bomb(&bombs[i]);
	CASE(test_race());
	CASE(test_lower());
	CASE(test_storm());
	CASE(test_cycles());
	rmdir(M);
	finish();
}
