// SPDX-License-Identifier: GPL-2.0
/*
 * cpuacct: what its files say against what the scheduler says.
 *
 * Wherever possible the workers sleep while both are read, and then the figures
 * must be equal to the nanosecond. A running worker's clock is read before and
 * after, and the figure must be in between. Nothing is compared with wall time.
 *
 * The scheduler's figures: a process' CPU clock (what its threads, dead ones
 * included, ran, as of the last tick or switch), and of all tasks the sum that
 * the kernel's own cpuacct keeps (cgroup v1), where it can be mounted.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "cpuaccts.h"

#define CG "/tmp/cg"

static bool slow;

/* --- figures --------------------------------------------------------------- */

static bool have_total;		/* is there a cgroup v1 cpuacct? */

static void confine(pid_t pid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int i = cpu < 0 ? 0 : cpu; i <= (cpu < 0 ? ncpus - 1 : cpu); i++)
		CPU_SET(i, &set);
	if (sched_setaffinity(pid, sizeof(set), &set))
		bail("sched_setaffinity: %s", strerror(errno));
}

/*
 * All that was charged to anybody. It is charged at ticks and switches, so we go
 * to each CPU before.
 */
static long charged(void)
{
	if (!have_total)
		return 0;
	for (int i = 0; i < sysconf(_SC_NPROCESSORS_ONLN); i++)
		confine(0, i);
	confine(0, -1);
	own_clock();
	return getnum(CG "/cpuacct.usage");
}

static struct sum sum_start(long (*fn)(void))
{
	struct sum s = { .fn = fn };

	s.before = charged();
	s.value = fn();
	s.after = charged();
	return s;
}

static void sum_agrees(const struct sum *s, const char *what)
{
	long lo = charged() - s->after, value = s->fn() - s->value;
	long hi = charged() - s->before, slack = hi / 100 + 8 * MS * ncpus;

	if (!have_total)
		skip("%s # no cgroup v1", what);
	else
		ok(value >= lo - slack && value <= hi + slack,
		   "%s: %ld, the scheduler says %ld..%ld ns", what, value, lo, hi);
}

/* --- time inside and outside of the membership ----------------------------- */

static void nothing(int sig)
{
	(void)sig;
}

static void test_sleepers(void)
{
	enum { N = 50 };
	pid_t pid[N];
	long at[N], sum = 0;

	make(M "/s");
	signal(SIGUSR1, nothing);	/* inherited */
	for (int i = 0; i < N; i++) {
		pid[i] = sleeper();
		settle(pid[i]);
		at[i] = clock_of(pid[i]);
		move(M "/s", pid[i]);
	}
	eq(usage(M "/s"), 0, "%d sleepers use nothing", N);
	for (int i = 0; i < N; i++) {
		kill(pid[i], SIGUSR1);	/* wakes it for a moment */
		msleep(1);
		settle(pid[i]);
		sum += clock_of(pid[i]) - at[i];
	}
	ok(sum > 0, "woken");
	eq(usage(M "/s"), sum, "exactly what the scheduler says");
	for (int i = 0; i < N; i++)
		reap(pid[i]);
	ok(usage(M "/s") >= sum, "their ends are counted");
	removed(M "/s");
}

static void test_moves(void)
{
	static const char *const to[] = { M "/x", M "/x/y", M, M "/z" };
	long want[ARRAY_SIZE(to)] = { 0 }, c, from;
	long lo[ARRAY_SIZE(to)] = { 0 }, hi[ARRAY_SIZE(to)] = { 0 };
	long base[ARRAY_SIZE(to)];
	struct kid k = start();
	size_t n = 0, p;

	make(M "/x");
	make(M "/x/y");
	make(M "/z");
	for (int i = 0; i < 16; i++) {
		n = (n + 1 + i % 2) % ARRAY_SIZE(to);
		move(to[n], k.pid);
		c = clock_of(k.pid);
		run(&k, i % 3 == 2 ? SYSBURN : BURN, 10 + i);
		want[n] += clock_of(k.pid) - c;
	}
	for (n = 0; n < ARRAY_SIZE(to); n++)
		if (strcmp(to[n], M))
			eq(usage(to[n]), want[n], "moved while asleep: %s got its own exactly",
			   to[n]);
	eq(subtree(M "/x"), want[0] + want[1], "the subtree got both");

	for (n = 0; n < ARRAY_SIZE(to); n++)
		base[n] = usage(to[n]);
	move(M, k.pid);
	kid_send(&k, SPIN * ARG);
	n = 2;
	for (int i = 0; i < 150; i++) {
		p = n;
		n = (n + 1 + i % 2) % ARRAY_SIZE(to);
		from = clock_of(k.pid);
		if (!wait_for((c = clock_of(k.pid)) > from + 300000))
			break;
		from = clock_of(k.pid);
		move(to[n], k.pid);
		c = clock_of(k.pid);
		/* in p until some time between the two, in n from then on */
		lo[p] += from;
		hi[p] += c;
		lo[n] -= c;
		hi[n] -= from;
	}
	c = clock_of(k.pid);
	move(M, k.pid);
	lo[n] += c;
	hi[n] += clock_of(k.pid);
	for (n = 0; n < ARRAY_SIZE(to); n++) {
		long u = usage(to[n]) - base[n];

		if (strcmp(to[n], M))
			ok(u >= lo[n] && u <= hi[n],
			   "moved while running: %s got %ld of %ld..%ld ns",
			   to[n], u, lo[n], hi[n]);
	}
	n = usage(M "/x") + usage(M "/z");
	burn(50);
	eq(usage(M "/x") + usage(M "/z"), n, "after it left, nothing");
	reap(k.pid);
	close(k.fd);
	removed(M "/x/y");
	removed(M "/x");
	removed(M "/z");
}

static void test_family(void)
{
	struct kid k = start();
	long c0, u, own, us = 0, n;

	make(M "/t");
	move(M "/t", k.pid);
	c0 = clock_of(k.pid);
	eq(run(&k, THREADS, 30), 0, "eight threads come and go");
	own = clock_of(k.pid) - c0;
	u = usage(M "/t");
	/* a process' clock leaves out what its ended threads ran after the last tick */
	ok(labs(u - own) <= own / 20 + 8 * 5 * MS, "threads: %ld, about %ld ns", u, own);

	for (int i = 0; i < 3; i++)
		us += run(&k, CHILD, 100);
	own = clock_of(k.pid) - c0 - own;
	n = usage(M "/t") - u;
	own += us * 1000;
	ok(n <= own + MS && n >= own - own / 20 - 20 * MS, "children: %ld of %ld ns", n, own);
	quit(&k);
	removed(M "/t");
}

/* --- sums over the hierarchy ----------------------------------------------- */

static long sum_n(void)
{
	return usage(M) + usage(M "/n");
}

static void test_short_lived(void)
{
	int n = slow ? 2000 : 10000, e = 0;
	struct kid k = start();
	struct sum sum;
	long u, cg = 0;

	make(M "/n");
	if (have_total) {
		make(CG "/n");
		move(CG "/n", k.pid);
	}
	move(M "/n", k.pid);
	settle(k.pid);
	if (have_total)
		cg = getnum(CG "/n/cpuacct.usage");
	u = usage(M "/n");
	sum = sum_start(sum_n);
	for (int i = 0; i < n && !e; i += 50)
		e = run(&k, FORKS, 50);
	err(e, 0, "%d processes come and go", n);
	sum_agrees(&sum, "short-lived processes, root included");
	u = usage(M "/n") - u;
	if (have_total) {
		cg = getnum(CG "/n/cpuacct.usage") - cg;
		diag("the kernel's own cpuacct, which counts exits to their end: %ld ns, %ld %% of it here",
		     cg, u * 100 / cg);
		ok(u <= cg && u >= cg - cg / 4, "the processes' own time is here");
	}
	quit(&k);
	removed(M "/n");
	if (have_total)
		removed(CG "/n");
}

/* Makes children for ever, whose exits are slow. */
static int breed(struct kid *up, void *arg)
{
	pid_t pid;

	(void)up;
	(void)arg;
	for (;;) {
		pid = fork();
		if (!pid) {
			prctl(PR_SET_NAME, "delaytest");
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	return 0;
}

/* Others look at a task, and reset the figures, while it adds its last time to them. */
static void test_exits(void)
{
	const char *module = modfile("delaytest");
	long end = now_ms() + sized(10000, 4000), most = 0, n = 0, user, sys;
	struct kid k;

	if (!module || modinsert(module, "function=cpuacct_exit usecs=100"))
		diag("exits are as short as ever");
	make(M "/e");
	k = kid_start(breed, NULL);
	move(M "/e", k.pid);
	for (; now_ms() < end && most < 60000 * MS; n++) {
		put(M "/e/cpuacct.usage", "0");
		/* a figure that has gone below 0 is a very large one */
		most = strtoul(get(M "/e/cpuacct.usage_ns") ?: "", NULL, 10) >> 1;
		if (!stat_of(M "/e", &user, &sys))
			bail("no cpuacct.stat");
	}
	ok(most < 60000 * MS, "no figure is below 0 after a reset, of %ld: %ld", n, most);
	if (module)
		rmmod("delaytest");
	reap(k.pid);
	removed(M "/e");
}

#define EXITS 60

/* Makes some children whose exits are slow; says how much CPU time all of them have used, in us. */
static int breed_some(struct kid *up, void *arg)
{
	struct rusage r[2];
	pid_t pid;
	long us = 0;

	(void)arg;
	kid_recv(up);
	for (int i = 0; i < EXITS; i++) {
		pid = fork();
		if (!pid) {
			prctl(PR_SET_NAME, "delaytest");
			burn(2);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	getrusage(RUSAGE_SELF, &r[0]);
	getrusage(RUSAGE_CHILDREN, &r[1]);
	for (int i = 0; i < 2; i++)
		us += (r[i].ru_utime.tv_sec + r[i].ru_stime.tv_sec) * 1000000 +
		      r[i].ru_utime.tv_usec + r[i].ru_stime.tv_usec;
	kid_send(up, us);
	kid_recv(up);
	return 0;
}

/*
 * What a task adds when it exits is not added again by who looks at it before it has left, which
 * bc puts off.
 */
static void test_exits_once(void)
{
	const char *module = modfile("delaytest");
	struct pollfd p = { .events = POLLIN };
	struct kid k;
	long had, used;

	if (modprobe("container_bc") || !module ||
	    modinsert(module, "function=bc_exit usecs=300")) {
		skip("members that exit beside readers # no way to slow them");
		return;
	}
	err(cmount(M, "cpuacct,bc"), 0, "mount with bc");
	make(M "/e");
	k = kid_start(breed_some, NULL);
	move(M "/e", k.pid);
	had = usage(M "/e");
	kid_send(&k, 0);
	p.fd = k.fd;
	/* not so often that the scheduler is always up to date */
	while (!poll(&p, 1, 4))
		usage(M "/e");
	used = usage(M "/e") - had;
	had = kid_recv(&k) * 1000L;
	ok(used <= had + had / 50, "members that exit beside readers: %ld of %ld ns", used, had);
	kid_send(&k, 0);
	kid_wait(&k);
	rmmod("delaytest");
	removed(M "/e");
	err(cumount(M), 0, "unmount");
}

static long sum_r(void)
{
	return usage(M) + usage(M "/r");
}

static long sum_root(void)
{
	return usage(M);
}

static long sum_subtree(void)
{
	return subtree(M);
}

static void test_root(void)
{
	struct kid in = start(), out = start();
	long root, c, v[MAX_CPUS], sum, user, sys;
	struct sum all, tree;
	struct load l;
	bool read;

	make(M "/r");
	move(M "/r", in.pid);
	all = sum_start(sum_r);
	tree = sum_start(sum_subtree);
	root = usage(M);
	c = clock_of(out.pid);
	kid_send(&in, BURN * ARG + 600);
	run(&out, BURN, 200);
	kid_recv(&in);
	settle(in.pid);
	root = usage(M) - root;
	c = clock_of(out.pid) - c;
	ok(root >= c, "the root has its members' time: %ld of %ld ns", root, c);
	sum_agrees(&all, "one busy below and one in the root");
	sum_agrees(&tree, "the root's subtree is all");
	ok(subtree(M) >= usage(M), "it is no less than the root's own");
	root = usage(M);
	read = percpu(M "/cpuacct.usage_percpu", v, &sum) == ncpus;
	ok(read && sum >= root && sum <= usage(M), "the root's percpu figures add up");
	root = usage(M);
	read = stat_of(M, &user, &sys);
	ok(read && (user + sys + 2) * TICK > root && (user + sys) * TICK <= usage(M),
	   "user %ld and system %ld ticks add up to %ld ns", user, sys, root);
	root = usage(M) / MS;
	ok(load_of(M, &l) && l.accumulated >= root && l.accumulated <= usage(M) / MS,
	   "the root's accumulated time");
	quit(&in);
	quit(&out);
	removed(M "/r");
}

static void test_idle(void)
{
	struct sum sum = sum_start(sum_root);

	msleep(1500);
	sum_agrees(&sum, "idle tasks belong to no container");
}

/* --- subtrees and removed containers --------------------------------------- */

static void test_subtree(void)
{
	static const char *const dir[] = { M "/p", M "/p/q", M "/p/q/r", M "/p/s", M "/pp" };
	long u[ARRAY_SIZE(dir)], sub;
	struct kid k = start();
	struct sum root;

	for (size_t i = 0; i < ARRAY_SIZE(dir); i++) {
		make(dir[i]);
		move(dir[i], k.pid);
		run(&k, BURN, 60 + 10 * i);
	}
	move(M, k.pid);
	for (size_t i = 0; i < ARRAY_SIZE(dir); i++)
		u[i] = usage(dir[i]);
	eq(subtree(M "/p/q/r"), u[2], "a leaf's subtree is itself");
	eq(subtree(M "/p/q"), u[1] + u[2], "a subtree of two");
	eq(subtree(M "/p"), u[0] + u[1] + u[2] + u[3], "a subtree of four");
	eq(subtree(M "/pp"), u[4], "a neighbour's stays its own");
	eq(usage(M "/p"), u[0], "usage is of the container alone");

	/* resets: own figures only */
	err(put(M "/p/q/cpuacct.usage", "0"), 0, "reset in the middle");
	eq(usage(M "/p/q"), 0, "clears its own");
	eq(usage(M "/p/q/r"), u[2], "but not what is below");
	eq(subtree(M "/p/q"), u[2], "its subtree has what is below");
	eq(subtree(M "/p"), u[0] + u[1] + u[2] + u[3], "nothing changes above");

	/* removals */
	root = sum_start(sum_root);
	sub = subtree(M);
	removed(M "/p/q/r");
	eq(subtree(M "/p/q"), u[2], "a removed container stays in its parent's subtree");
	eq(usage(M "/p/q"), 0, "and not in the parent's own");
	removed(M "/p/q");
	removed(M "/p/s");
	eq(subtree(M "/p"), u[0] + u[1] + u[2] + u[3],
	   "in the grandparent's too, and a reset does not matter to it");
	eq(usage(M "/p"), u[0], "nothing comes to the grandparent's own");
	make(M "/p/q");
	eq(subtree(M "/p/q"), 0, "a new one of that name begins at 0");
	sum_agrees(&root, "nor to the root's own");
	ok(subtree(M) >= sub, "the root's subtree keeps it");
	err(put(M "/p/cpuacct.usage", "0"), 0, "reset of the ancestor");
	eq(subtree(M "/p"), u[1] + u[2] + u[3], "leaves what removed ones had used");
	quit(&k);
	removed(M "/p/q");
	removed(M "/p");
	removed(M "/pp");
}

/* --- stat ------------------------------------------------------------------ */

static void test_stat(void)
{
	long user, sys, lu = 0, ls = 0, u, c;
	struct kid k = start();
	bool grows = true, agrees = true;

	make(M "/u");
	move(M "/u", k.pid);
	run(&k, BURN, 1000);
	agrees &= stat_of(M "/u", &user, &sys);
	ok(user > (slow ? 1 : 3) * sys,
	   "a loop in user space: user %ld, system %ld", user, sys);
	put(M "/u/cpuacct.usage", "0");
	run(&k, SYSBURN, 1000);
	agrees &= stat_of(M "/u", &user, &sys);
	ok(sys > user,
	   "a loop of system calls: user %ld, system %ld", user, sys);
	put(M "/u/cpuacct.usage", "0");
	for (int i = 0; i < 100; i++) {
		run(&k, i & 1 ? BURN : SYSBURN, 1 + i % 7);
		c = usage(M "/u");
		agrees &= stat_of(M "/u", &user, &sys);
		u = usage(M "/u");
		agrees &= (user + sys) * TICK <= u && (user + sys + 2) * TICK > c;
		grows &= user >= lu && sys >= ls;
		lu = user;
		ls = sys;
	}
	ok(agrees, "user and system always add up to usage");
	ok(grows, "and neither goes back");
	quit(&k);
	removed(M "/u");
}

/* --- each CPU -------------------------------------------------------------- */

/*
 * Does the kernel's own cpuacct charge the CPU of whoever looks at a running task's clock, and not
 * the one that the task runs on? A fault of kernels before 5.18, corrected in stable ones.
 */
static bool charges_looker(const struct kid *k)
{
	long before[MAX_CPUS], after[MAX_CPUS], sum;
	long end = now_ms() + 100;

	confine(k->pid, 1);
	confine(0, 0);
	percpu(CG "/c/cpuacct.usage_percpu", before, &sum);
	while (now_ms() < end)
		clock_of(k->pid);
	percpu(CG "/c/cpuacct.usage_percpu", after, &sum);
	confine(0, -1);
	return after[0] - before[0] > MS;
}

static void test_percpu(void)
{
	long v[MAX_CPUS], w[MAX_CPUS], sum, c0, c, kernels;
	int online = sysconf(_SC_NPROCESSORS_ONLN);
	struct kid k = start();
	bool same = true, fits = true, faulty;

	make(M "/c");
	if (have_total) {
		make(CG "/c");
		move(CG "/c", k.pid);
	}
	c0 = clock_of(k.pid);
	if (have_total)
		percpu(CG "/c/cpuacct.usage_percpu", w, &kernels);
	move(M "/c", k.pid);
	for (int i = 0; i < online; i++) {
		confine(k.pid, i);
		c = clock_of(k.pid);
		run(&k, BURN, 100);
		percpu(M "/c/cpuacct.usage_percpu", v, &sum);
		eq(v[i], clock_of(k.pid) - c, "all the time on CPU %d is there", i);
		eq(sum, clock_of(k.pid) - c0, "and the sum is the whole");
	}
	/* while it runs: the scheduler moves it, and what it used before stays */
	kid_send(&k, SPIN * ARG);
	for (int i = 0; i < 300; i++) {
		long old[MAX_CPUS];

		memcpy(old, v, sizeof(v));
		confine(k.pid, i % online);
		burn(1);
		percpu(M "/c/cpuacct.usage_percpu", v, &sum);
		for (int j = 0; j < ncpus; j++)
			same &= v[j] >= old[j];
		fits &= usage(M "/c") >= sum;
	}
	ok(same, "no CPU's figure ever goes back");
	ok(fits, "and their sum never exceeds usage_ns");
	faulty = have_total && online > 1 && charges_looker(&k);
	kill(k.pid, SIGSTOP);
	wait_for(task_state(k.pid, k.pid) == 'T');
	msleep(20);
	percpu(M "/c/cpuacct.usage_percpu", v, &sum);
	eq(sum, clock_of(k.pid) - c0, "after %d migrations the sum is exact", 300);
	if (have_total) {
		long z[MAX_CPUS], all;

		percpu(CG "/c/cpuacct.usage_percpu", z, &all);
		eq(sum, all - kernels, "and what the kernel's own cpuacct says");
		for (int j = 0; j < online; j++) {
			if (faulty)
				skip("CPU %d # this kernel charges the CPU of whoever looks", j);
			else
				eq(v[j], z[j] - w[j], "CPU %d: what the kernel's own cpuacct says",
				   j);
		}
	} else {
		skip("the kernel's own cpuacct # no cgroup v1");
	}
	for (int j = online; j < ncpus; j++)
		eq(v[j], 0, "CPU %d is not there", j);
	reap(k.pid);
	close(k.fd);
	removed(M "/c");
	if (have_total)
		removed(CG "/c");
}

/* --- all at once ----------------------------------------------------------- */

static struct shared {
	volatile bool stop;
	long bad, reads, moves;
} *sh;

static const char *const storm_dir[] = { M "/g1", M "/g2", M "/g1/g3", M };

static pid_t storm_child(void (*fn)(unsigned int seed), unsigned int seed)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (!sh->stop)
			fn(seed++);
		_exit(0);
	}
	return pid;
}

static void storm_fork(unsigned int seed)
{
	pid_t pid = fork();

	if (!pid) {
		burn(seed % 3);
		sched_yield();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void storm_migrate(unsigned int seed)
{
	confine(0, seed % sysconf(_SC_NPROCESSORS_ONLN));
	burn(1);
}

static void storm_sleep(unsigned int seed)
{
	msleep(1 + seed % 2);
	work(THREADS, 0);
}

static pid_t storm_pids[8];

static void storm_move(unsigned int seed)
{
	movepid(storm_dir[seed * 7 % 13 % ARRAY_SIZE(storm_dir)],
		storm_pids[seed % ARRAY_SIZE(storm_pids)]);
	if (seed % 5 == 0 && !mkdir(P(M "/g1/%u", seed % 15), 0755))
		movepid(P(M "/g1/%u", seed % 15), storm_pids[seed % ARRAY_SIZE(storm_pids)]);
	if (seed % 5 == 3)
		rmdir(P(M "/g1/%u", (seed + 7) % 15));
	__sync_fetch_and_add(&sh->moves, 1);
}

static void storm_read(unsigned int seed)
{
	static long last[ARRAY_SIZE(storm_dir)], last_sub[ARRAY_SIZE(storm_dir)];
	int i = seed % ARRAY_SIZE(storm_dir);
	long u = usage(storm_dir[i]), s = subtree(storm_dir[i]), v[MAX_CPUS], sum;

	if (u < last[i] || s < last_sub[i] || s < u ||
	    percpu(P("%s/cpuacct.usage_percpu", storm_dir[i]), v, &sum) != ncpus || sum < u) {
		__sync_fetch_and_add(&sh->bad, 1);
		diag("%s: usage %ld after %ld, subtree %ld after %ld, percpu %ld",
		     storm_dir[i], u, last[i], s, last_sub[i], sum);
	}
	last[i] = u;
	last_sub[i] = s;
	__sync_fetch_and_add(&sh->reads, 1);
}

static long sum_storm(void)
{
	return usage(M) + subtree(M "/g1") + subtree(M "/g2");
}

static void test_storm(void)
{
	static void (*const fn[])(unsigned int) = { storm_fork, storm_migrate, storm_sleep };
	struct sum all, tree;
	pid_t helper[4], pid;
	int i;

	sh = mmap_shared(sizeof(*sh));
	for (i = 0; i < 3; i++)
		make(storm_dir[i]);
	all = sum_start(sum_storm);
	tree = sum_start(sum_subtree);
	for (i = 0; i < (int)ARRAY_SIZE(storm_pids); i++)
		storm_pids[i] = storm_child(fn[i % 3], i);
	helper[0] = storm_child(storm_move, 1);
	helper[1] = storm_child(storm_move, 2000);
	helper[2] = storm_child(storm_read, 0);
	helper[3] = storm_child(storm_read, 1);
	wait_for(sh->moves >= (slow ? 2000 : 8000) && sh->reads > 400);
	sh->stop = true;
	for (i = 0; i < (int)ARRAY_SIZE(storm_pids); i++)
		while ((pid = waitpid(storm_pids[i], NULL, 0)) < 0 && errno == EINTR)
			;
	for (i = 0; i < (int)ARRAY_SIZE(helper); i++)
		waitpid(helper[i], NULL, 0);
	diag("%ld moves, %ld readings", sh->moves, sh->reads);
	ok(sh->moves > 20 && sh->reads > 20, "a storm");
	eq(sh->bad, 0, "no figure ever went back");
	sum_agrees(&all, "after it each has its own");
	sum_agrees(&tree, "and the sum is right");
	for (i = 0; i < 15; i++)
		rmdir(P(M "/g1/%d", i));
	removed(M "/g1/g3");
	removed(M "/g1");
	removed(M "/g2");
	munmap(sh, sizeof(*sh));
}

/* --- the beginning --------------------------------------------------------- */

/* Some kernels (5.10) let that set the sum to 0 which the root's figures come from. */
static void test_kernel_reset(void)
{
	long begin, u, v[MAX_CPUS], sum;

	if (!have_total) {
		skip("a reset of the kernel's own cpuacct # there is none");
		return;
	}
	burn(300);
	u = usage(M);
	for (int i = 0; i < 3; i++) {
		begin = now_ms();
		err(put(CG "/cpuacct.usage", "0"), 0, "the kernel's own root is reset");
		burn(300);
		sum = usage(M) - u;
		ok(sum >= 295 * MS && sum <= (now_ms() - begin + 50) * MS * ncpus,
		   "ours goes on: %ld ms for 300", sum / MS);
		u = usage(M);
	}
	ok(percpu(M "/cpuacct.usage_percpu", v, &sum) == ncpus && sum >= u, "on each CPU");
}

int main(void)
{
	int log;

	setup();
	slow = debug_kernel();
	ncpus = sysconf(_SC_NPROCESSORS_CONF);
	mkdir(CG, 0755);
	have_total = !mount("cg", CG, "cgroup", 0, "cpuacct");
	if (!have_total)
		diag("no cgroup v1 cpuacct: %s", strerror(errno));
	log = kmsg_open();
	err(cmount(M, "cpuacct"), 0, "mount");
	CASE(test_sleepers());
	CASE(test_moves());
	CASE(test_family());
	CASE(test_short_lived());
	CASE(test_exits());
	CASE(test_root());
	CASE(test_idle());
	CASE(test_subtree());
	CASE(test_stat());
	CASE(test_percpu());
	CASE(test_storm());
	CASE(test_kernel_reset());
	err(cumount(M), 0, "unmount");
	CASE(test_exits_once());
	silent(log);
	umount(CG);
	rmdir(CG);
	finish();
}
