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
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include "lib.h"

#define M "/tmp/m"
#define CG "/tmp/cg"
#define PARAM "/sys/module/container_cpuacct/parameters/load_interval"
#define MAX_CPUS 64
#define MS 1000000L
#define TICK (10 * MS)		/* of cpuacct.stat */

static int ncpus;		/* possible */
static bool slow;

/* --- figures --------------------------------------------------------------- */

static long usage(const char *cont)
{
	return getnum(P("%s/cpuacct.usage_ns", cont));
}

static long subtree(const char *cont)
{
	return getnum(P("%s/cpuacct.usage_subtree_ns", cont));
}

/* The number of them; their sum is returned too. */
static int percpu(const char *file, long *v, long *sum)
{
	char *s = get(file), *end;
	int n = 0;

	*sum = 0;
	while (s && *s && *s != '\n' && n < MAX_CPUS) {
		v[n] = strtol(s, &end, 10);
		if (end == s || (*end != ' ' && *end != '\n'))
			return -1;
		s = end + (*end == ' ');
		*sum += v[n++];
	}
	return s && !strcmp(s, "\n") ? n : -1;
}

static bool stat_of(const char *cont, long *user, long *sys)
{
	char *s = get(P("%s/cpuacct.stat", cont));
	int end = 0;

	return s && sscanf(s, "user %ld\nsystem %ld%n", user, sys, &end) == 2 &&
	       end && !strcmp(s + end, "\n") && *user >= 0 && *sys >= 0;
}

struct load {
	long time, accumulated, since, load;
};

static bool load_of(const char *cont, struct load *l)
{
	char *s = get(P("%s/cpuacct.load", cont));
	int end = 0;

	return s && sscanf(s, "time %ld\naccumulated time %ld\ntime since interval %ld\nload %ld%n",
			   &l->time, &l->accumulated, &l->since, &l->load, &end) == 4 &&
	       end && !strcmp(s + end, "\n");
}

/* What the scheduler has charged to a process, up to this moment. */
static long clock_of(pid_t pid)
{
	struct timespec ts;
	clockid_t id;

	if (clock_getcpuclockid(pid, &id) || clock_gettime(id, &ts))
		bail("no clock of %d", pid);
	return ts.tv_sec * 1000000000L + ts.tv_nsec;
}

static long own_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000L + ts.tv_nsec;
}

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

/*
 * Does a sum of figures grow as the total does, but for 1 % and some ms? The
 * total is read before and after the sum, both times.
 */
struct sum {
	long (*fn)(void);
	long before, value, after;
};

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

static long ns_of(const struct timeval *tv)
{
	return tv->tv_sec * 1000000000L + tv->tv_usec * 1000L;
}

/* --- workers --------------------------------------------------------------- */

enum { QUIT, BURN, SYSBURN, FORKS, THREADS, CHILD, SPIN };
#define ARG 1000000

static void burn(long ms)
{
	long until = own_clock() + ms * MS;

	while (own_clock() < until)
		for (volatile int i = 0; i < 50000; i++)
			;
}

static void sysburn(long ms)
{
	long until = own_clock() + ms * MS;
	static char buf[1 << 16];
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	while (own_clock() < until)
		for (int i = 0; i < 20; i++)
			if (read(fd, buf, sizeof(buf)) < 0)
				_exit(99);
	close(fd);
}

static void *burn_thread(void *arg)
{
	burn((long)arg);
	return NULL;
}

static int forks(int n)
{
	int st;

	for (volatile int i = 0; i < n; i++) {
		pid_t pid = vfork();

		if (!pid)
			_exit(0);
		if (pid < 0 || waitpid(pid, &st, 0) != pid)
			return EAGAIN;
	}
	return 0;
}

static int work(int op, int arg)
{
	struct rusage ru;
	pthread_t t[8];
	pid_t pid;
	int st;

	switch (op) {
	case BURN:
		burn(arg);
		return 0;
	case SYSBURN:
		sysburn(arg);
		return 0;
	case FORKS:
		return forks(arg);
	case THREADS:
		for (size_t i = 0; i < ARRAY_SIZE(t); i++)
			if (pthread_create(&t[i], NULL, burn_thread, (void *)(long)arg))
				return EAGAIN;
		for (size_t i = 0; i < ARRAY_SIZE(t); i++)
			pthread_join(t[i], NULL);
		return 0;
	case CHILD:		/* answers with its child's time in µs */
		pid = fork();
		if (!pid) {
			burn(arg);
			_exit(0);
		}
		if (pid < 0 || wait4(pid, &st, 0, &ru) != pid)
			return -1;
		return (ns_of(&ru.ru_utime) + ns_of(&ru.ru_stime)) / 1000;
	case SPIN:
		for (;;)
			burn(1000);
	}
	return EINVAL;
}

static int worker(struct kid *up, void *arg)
{
	int cmd;

	(void)arg;
	/* unlike the channel's other end, we may wait for longer */
	while ((cmd = kid_recv(up)) > 0)
		kid_send(up, work(cmd / ARG, cmd % ARG));
	return 0;
}

/*
 * Waits until it sleeps and is off its CPU, so that its clock stands and shows
 * all that it used. The kernel looks after the latter for /proc/PID/syscall.
 */
static void settle(pid_t pid)
{
	char *s = NULL;

	if (!wait_for(task_state(pid, pid) == 'S' &&
		      (s = get(P("/proc/%d/syscall", pid))) && strcmp(s, "running\n")))
		bail("%d does not fall asleep (%s)", pid, s ? s : strerror(errno));
}

static struct kid start(void)
{
	struct kid k = kid_start(worker, NULL);

	settle(k.pid);
	return k;
}

/* Tells a worker what to do; it sleeps again when this returns. */
static int run(struct kid *k, int op, int arg)
{
	int r;

	kid_send(k, op * ARG + arg);
	r = kid_recv(k);
	if (r == INT_MIN)
		bail("no answer from %d", k->pid);
	settle(k->pid);
	return r;
}

static void quit(struct kid *k)
{
	kid_send(k, QUIT);
	eq(kid_wait(k), 0, "the worker ends well");
}

static void move(const char *cont, pid_t pid)
{
	int e = movepid(cont, pid);

	if (e)
		bail("cannot move %d to %s: %s", pid, cont, strerror(e));
}

static void make(const char *cont)
{
	if (mkdir(cont, 0755))
		bail("mkdir %s: %s", cont, strerror(errno));
}

/* A pid that died may be a member until its exit is through. */
static void removed(const char *cont)
{
	err(wait_for(!rmdir(cont)) ? 0 : errno, 0, "%s is removed", cont);
}

/* --- files ----------------------------------------------------------------- */

static void test_files(void)
{
	static const char *const names[] = {
		"usage", "usage_ns", "usage_subtree_ns", "usage_percpu", "stat", "load",
	};
	static const char *const first[] = { "0\n", "0\n", "0\n", NULL, "user 0\nsystem 0\n", NULL };
	long v[MAX_CPUS], sum;
	struct load l;

	make(M "/f");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *f = P(M "/f/cpuacct.%s", names[i]);

		eq(mode_of(f), i ? 0444 : 0644, "mode of %s", f);
		eq(mode_of(P(M "/cpuacct.%s", names[i])), i ? 0444 : 0644,
		   "mode of %s in the root", names[i]);
		if (first[i])
			streq(get(f), first[i], "%s is empty at first", f);
		if (i)
			err(put(f, "0"), EINVAL, "%s takes no write", f);
	}
	eq(percpu(M "/f/cpuacct.usage_percpu", v, &sum), ncpus,
	   "usage_percpu has a number for each of %d possible CPUs", ncpus);
	eq(sum, 0, "all 0 at first");
	ok(load_of(M "/f", &l), "load has its four lines");
	ok(!l.time && !l.accumulated && !l.load && l.since >= 0, "all 0 at first");
	ok(load_of(M, &l), "load of the root has its four lines");
	ok(percpu(M "/cpuacct.usage_percpu", v, &sum) == ncpus && sum > 0,
	   "usage_percpu of the root");
	ok(!!strstr(get("/proc/containers"), "sched_migrate_task: armed missed=0\n"),
	   "the hook shows in /proc/containers");
	removed(M "/f");
}

static void test_bad_writes(void)
{
	static const char *const bad[] = {
		"1", "-0", "+0", "0x0", "00x", "0.0", "0,0", "0 0", " ", "\n", "0\n\n",
		"a", "-1", "18446744073709551616", "0\t1", "\"0\"",
	};
	static const char *const good[] = { "0", "0\n", " 0", "0 ", "\t0 \n", "000" };
	static char big[4098];
	struct kid k = start();
	long u;

	make(M "/w");
	move(M "/w", k.pid);
	run(&k, BURN, 20);
	u = usage(M "/w");
	ok(u >= 20 * MS, "there is something to reset");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		err(put(M "/w/cpuacct.usage", "%s", bad[i]), EINVAL,
		    "writing '%s' to usage", bad[i]);
	err(putn(M "/w/cpuacct.usage", "0\0", 2), EINVAL, "writing a NUL");
	err(putn(M "/w/cpuacct.usage", "", 0), 0, "writing nothing");
	memset(big, '0', sizeof(big));
	err(putn(M "/w/cpuacct.usage", big, 4097), E2BIG, "writing 4097 bytes");
	eq(usage(M "/w"), u, "none of it changed anything");
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		run(&k, BURN, 2);
		ok(usage(M "/w") > 0, "in use");
		err(put(M "/w/cpuacct.usage", "%s", good[i]), 0, "writing '%s'", good[i]);
		eq(usage(M "/w"), 0, "resets");
	}
	run(&k, BURN, 2);
	err(putn(M "/w/cpuacct.usage", big, 4096), 0, "writing 4096 zeros");
	eq(usage(M "/w"), 0, "resets");
	quit(&k);
	removed(M "/w");
}

static void test_removed(void)
{
	int fd;
	char c;

	make(M "/gone");
	fd = open(M "/gone/cpuacct.usage", O_RDWR | O_CLOEXEC);
	removed(M "/gone");
	err(read(fd, &c, 1) < 0 ? errno : 0, ENODEV, "reading a removed container's usage");
	err(write(fd, "0", 1) < 0 ? errno : 0, ENODEV, "writing it");
	close(fd);
}

/* --- time inside and outside of the membership ----------------------------- */

static void test_busy(void)
{
	long v[MAX_CPUS], sum, c0, c1, u, last = 0, user, sys;
	struct kid k = start();
	struct load l;
	bool in = true, grows = true;

	make(M "/a");
	run(&k, BURN, 100);
	c0 = clock_of(k.pid);
	move(M "/a", k.pid);
	eq(usage(M "/a"), 0, "what a task used before it came does not count");

	run(&k, BURN, 300);
	u = usage(M "/a");
	eq(u, clock_of(k.pid) - c0, "usage_ns is what the scheduler says of a busy loop");
	eq(getnum(M "/a/cpuacct.usage"), u / MS, "usage is the same in ms");
	eq(subtree(M "/a"), u, "and so is the subtree's");
	eq(percpu(M "/a/cpuacct.usage_percpu", v, &sum), ncpus, "usage_percpu reads");
	eq(sum, u, "its sum is usage_ns");
	ok(load_of(M "/a", &l) && l.accumulated == u / MS, "accumulated time is usage");
	ok(stat_of(M "/a", &user, &sys), "stat reads");
	ok((user + sys) * TICK <= u && (user + sys + 2) * TICK > u,
	   "user %ld and system %ld ticks add up to %ld ns", user, sys, u);
	ok(l.time <= l.accumulated, "the interval's time is part of it");

	kid_send(&k, SPIN * ARG);
	for (int i = 0; i < 300; i++) {
		long before = clock_of(k.pid) - c0;

		u = usage(M "/a");
		c1 = clock_of(k.pid) - c0;
		if (u < before || u > c1) {
			diag("%ld not in %ld..%ld", u, before, c1);
			in = false;
		}
		grows &= u >= last;
		last = u;
	}
	ok(in, "usage_ns of a running task is exact at any moment");
	ok(grows, "and never goes back");
	c1 = clock_of(k.pid) - c0;
	reap(k.pid);
	close(k.fd);
	ok(wait_for(!nids(M "/a/tasks")), "the member is gone");
	u = usage(M "/a");
	ok(u >= c1, "what it used up to its end stays counted");
	msleep(20);
	eq(usage(M "/a"), u, "and does not change any more");
	removed(M "/a");
}

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

static void test_reset(void)
{
	long v[MAX_CPUS], sum, c, lo, hi, u, user, sys;
	struct kid k = start();
	struct load l;

	make(M "/e");
	move(M "/e", k.pid);
	run(&k, SYSBURN, 60);
	run(&k, BURN, 60);
	stat_of(M "/e", &user, &sys);
	err(put(M "/e/cpuacct.usage", "0\n"), 0, "reset");
	eq(usage(M "/e"), 0, "usage_ns");
	streq(get(M "/e/cpuacct.usage"), "0\n", "usage");
	eq(subtree(M "/e"), 0, "usage_subtree_ns");
	ok(percpu(M "/e/cpuacct.usage_percpu", v, &sum) == ncpus && !sum, "usage_percpu");
	streq(get(M "/e/cpuacct.stat"), "user 0\nsystem 0\n", "stat");
	ok(load_of(M "/e", &l) && !l.accumulated && !l.time && !l.load, "load");
	c = clock_of(k.pid);
	run(&k, BURN, 100);
	eq(usage(M "/e"), clock_of(k.pid) - c, "counts from 0 on, exactly");
	percpu(M "/e/cpuacct.usage_percpu", v, &sum);
	eq(sum, usage(M "/e"), "on each CPU too");
	u = usage(M "/e");
	ok(stat_of(M "/e", &user, &sys), "stat reads");
	ok((user + sys) * TICK <= u && (user + sys + 2) * TICK > u,
	   "and in stat: %ld and %ld", user, sys);

	kid_send(&k, SPIN * ARG);
	for (int i = 0; i < 50; i++) {
		lo = clock_of(k.pid);
		put(M "/e/cpuacct.usage", "0");
		hi = clock_of(k.pid);
		c = clock_of(k.pid);
		u = usage(M "/e");
		if (u < c - hi || u > clock_of(k.pid) - lo)
			break;
	}
	ok(u >= c - hi && u <= clock_of(k.pid) - lo, "resets while it runs are exact");
	ok(load_of(M "/e", &l) && l.time >= 0 && l.load >= 0 && l.load <= 100 &&
	   l.accumulated >= 0, "nothing is negative");
	reap(k.pid);
	close(k.fd);

	u = usage(M);
	err(put(M "/cpuacct.usage", "0"), 0, "reset of the root");
	ok(usage(M) < u && usage(M) >= 0, "begins at 0: %ld, then %ld", u, usage(M));
	u = usage(M);
	burn(50);
	ok(usage(M) - u >= 50 * MS, "and grows on");
	removed(M "/e");
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

static void test_percpu(void)
{
	long v[MAX_CPUS], w[MAX_CPUS], sum, c0, c;
	int online = sysconf(_SC_NPROCESSORS_ONLN);
	struct kid k = start();
	bool same = true, fits = true;

	make(M "/c");
	if (have_total) {
		make(CG "/c");
		move(CG "/c", k.pid);
	}
	c0 = clock_of(k.pid);
	if (have_total)
		percpu(CG "/c/cpuacct.usage_percpu", w, &sum);
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
	kill(k.pid, SIGSTOP);
	wait_for(task_state(k.pid, k.pid) == 'T');
	msleep(20);
	percpu(M "/c/cpuacct.usage_percpu", v, &sum);
	eq(sum, clock_of(k.pid) - c0, "after %d migrations the sum is exact", 300);
	if (have_total) {
		long z[MAX_CPUS], all;

		percpu(CG "/c/cpuacct.usage_percpu", z, &all);
		for (int j = 0; j < online; j++)
			eq(v[j], z[j] - w[j], "CPU %d: what the kernel's own cpuacct says", j);
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

/* --- load ------------------------------------------------------------------ */

static void test_load(void)
{
	static const char *const bad[] = { "0", "-1", "x", "", " ", "4294967296", "1x", "1.5" };
	long online = sysconf(_SC_NPROCESSORS_ONLN), since, t, want;
	bool one = true, below = true;
	struct kid k = start();
	struct load l, next;

	make(M "/l");
	eq(getnum(PARAM), 10, "load_interval is 10 at first");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		err(*bad[i] ? put(PARAM, "%s", bad[i]) : put(PARAM, "\n"), EINVAL,
		    "load_interval=%s", bad[i]);
	eq(getnum(PARAM), 10, "it is still 10");

	err(put(PARAM, "100000"), 0, "a very long interval");
	t = now_ms();
	ok(load_of(M, &l), "reads");
	msleep(300);
	ok(load_of(M, &next) && next.since >= l.since + 299 * online &&
	   next.since <= l.since + (now_ms() - t + 1) * online,
	   "its time goes by, that of all CPUs");
	move(M "/l", k.pid);
	run(&k, BURN, 150);
	ok(load_of(M "/l", &l) && l.time >= 150 && l.time == usage(M "/l") / MS &&
	   l.accumulated == l.time, "time is what was used in it: %ld ms", l.time);
	since = l.since;

	err(put(PARAM, "1"), 0, "an interval of a second");
	eq(getnum(PARAM), 1, "it reads 1");
	ok(wait_for(load_of(M "/l", &l) && l.since < since), "ends the long one");
	ok(wait_for(load_of(M "/l", &l) && !l.time && l.accumulated >= 150 && !l.load),
	   "in the next one nothing is used");

	kid_send(&k, SPIN * ARG);
	for (int i = 0; i < 100; i++) {
		load_of(M "/l", &l);
		want = l.since ? (l.time * 100 + l.since / 2) / l.since : 0;
		/* the two times are cut to ms */
		if (l.since > 250 * online && labs(l.load - want) > 1) {
			diag("time %ld since %ld load %ld", l.time, l.since, l.load);
			one = false;
		}
		below &= l.load >= 0 && l.load <= 100 && l.time <= l.accumulated &&
			 l.time <= l.since + online;
		msleep(20);
	}
	ok(one, "load is time in per cent of the CPUs' time since the interval began");
	ok(below, "never more than there was");
	ok(wait_for(load_of(M "/l", &l) && l.since > 300 * online &&
		    l.load >= 80 / online && l.load <= 110 / online + 1),
	   "a busy loop is one CPU of %ld: load %ld", online, l.load);
	reap(k.pid);
	close(k.fd);
	ok(wait_for(load_of(M "/l", &l) && !l.load && !l.time), "after it: 0");
	ok(l.accumulated > 150, "accumulated time stays");
	err(put(PARAM, "10"), 0, "back to ten seconds");
	removed(M "/l");
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

static void test_bind(void)
{
	long before = now_ms(), after, u, v[MAX_CPUS], sum, user, sys;
	struct load l;

	err(cmount(M, "cpuacct"), 0, "mounted");
	after = now_ms();
	ok(load_of(M, &l) && l.since >= 0 && l.since <= (now_ms() - before + 1) * ncpus,
	   "the first interval begins when cpuacct is bound");
	u = usage(M);
	ok(u >= 0 && u <= (now_ms() - before + 1) * MS * ncpus,
	   "the root begins at 0 then: %ld ns", u);
	ok(stat_of(M, &user, &sys) && (user + sys) * TICK <= usage(M), "and so does its stat");
	ok(percpu(M "/cpuacct.usage_percpu", v, &sum) == ncpus && sum >= u, "and each CPU");
	msleep(30);
	ok(load_of(M, &l) && l.since >= now_ms() - after - 20000, "the interval goes on");
}

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

static void test_rebind(void)
{
	long u;

	burn(200);
	u = usage(M);
	ok(u >= 200 * MS, "the root has used something");
	put(PARAM, "3");
	err(cumount(M), 0, "unmounted");
	ok(!strstr(get("/proc/containers"), "sched_migrate_task: armed"), "the hook is off");
	eq(getnum(PARAM), 3, "load_interval keeps");
	test_bind();
	ok(usage(M) < u, "a new hierarchy begins anew");
	put(PARAM, "10");
	err(cumount(M), 0, "unmounted");
}

int main(void)
{
	char *text, *p;
	int log, lines;

	setup();
	slow = debug_kernel();
	ncpus = sysconf(_SC_NPROCESSORS_CONF);
	mkdir(CG, 0755);
	have_total = !mount("cg", CG, "cgroup", 0, "cpuacct");
	if (!have_total)
		diag("no cgroup v1 cpuacct: %s", strerror(errno));
	log = kmsg_open();

	CASE(test_bind());
	CASE(test_files());
	CASE(test_bad_writes());
	CASE(test_removed());
	CASE(test_busy());
	CASE(test_sleepers());
	CASE(test_moves());
	CASE(test_family());
	CASE(test_short_lived());
	CASE(test_root());
	CASE(test_idle());
	CASE(test_subtree());
	CASE(test_reset());
	CASE(test_stat());
	CASE(test_percpu());
	CASE(test_load());
	CASE(test_storm());
	CASE(test_kernel_reset());
	CASE(test_rebind());

	lines = kmsg_lines(log, &text);
	/* what a slow host makes the kernel say */
	for (p = text; (p = strstr(p, "hrtimer: interrupt took")); p++)
		lines--;
	eq(lines, 0, "the kernel log is silent");
	if (lines)
		diag("%s", text);
	close(log);
	umount(CG);
	rmdir(CG);
	finish();
}
