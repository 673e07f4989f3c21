// SPDX-License-Identifier: GPL-2.0
/*
 * bc in a tree: a charge counts in a container and in all above it, an address space once
 * in each, and the log and bc.stat say so.
 *
 * The tree is /a with b and c below, and two containers below each of those.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "bctrees.h"
#include "lib.h"

/* --- workers, which do as they are told ------------------------------------------ */

enum { OPEN, CLOSE, FORK, END, MAP, UNMAP, THREAD, BECOME, QUIT };
#define OP(op, arg) ((op) << 24 | (arg))

static int files[1000], nfiles;

static int nkids;
static void *maps[20];
static int nmaps;
static volatile pid_t tid;

static void *thread_main(void *arg)
{
	(void)arg;
	tid = syscall(SYS_gettid);
	for (;;)
		pause();
	return NULL;
}

static int start_thread(void)
{
	pthread_attr_t attr;
	pthread_t t;

	tid = 0;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	if (pthread_create(&t, &attr, thread_main, NULL))
		return -1;
	while (!tid)
		msleep(1);
	return tid;
}

/* How many of @arg it got, or 0 or an errno, or a thread's number. */
static int obey(int op, int arg)
{
	int n = 0;

	switch (op) {
	case OPEN:
		for (; n < arg; n++) {
			files[nfiles] = open("/dev/null", O_RDONLY | O_CLOEXEC);
			if (files[nfiles] < 0)
				break;
			nfiles++;
		}
		return n;
	case CLOSE:
		for (; n < arg && nfiles; n++)
			close(files[--nfiles]);
		return n;
	case FORK:
		for (; n < arg; n++) {
			pid_t p = fork();

			if (!p)
				for (;;)
					pause();
			if (p < 0)
				break;
			kids[nkids++] = p;
		}
		return n;
	case END:
		for (; n < arg && nkids; n++) {
			kill(kids[--nkids], SIGKILL);
			waitpid(kids[nkids], NULL, 0);
		}
		return n;
	case MAP:
		maps[nmaps] = mmap(NULL, arg * PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (maps[nmaps] == MAP_FAILED)
			return errno;
		nmaps++;
		return 0;
	case UNMAP:
		return E(munmap(maps[--nmaps], arg * PAGE));
	case THREAD:
		return start_thread();
	case BECOME:
		drop_to(arg);
		return 0;
	}
	return -1;
}

static int worker_main(struct kid *up, void *arg)
{
	int order;

	(void)arg;
	signal(SIGCHLD, SIG_DFL);
	while ((order = kid_recv(up)) != INT_MIN && order != OP(QUIT, 0))
		kid_send(up, obey(order >> 24, order & 0xffffff));
	for (int i = 0; i < nkids; i++)
		kill(kids[i], SIGKILL);
	return 0;
}

static struct kid worker(const char *dir)
{
	struct kid k = kid_start(worker_main, NULL);

	/* until it runs it has files of the test's */
	kid_send(&k, OP(OPEN, 0));
	kid_recv(&k);
	err(movepid(dir, k.pid), 0, "a worker in %s", dir);
	return k;
}

static int ask(struct kid *k, int op, int arg)
{
	kid_send(k, OP(op, arg));
	return kid_recv(k);
}

/* The others have its channel, too: it does not end by closing that. */
static void quit(struct kid *k)
{
	kid_send(k, OP(QUIT, 0));
	kid_wait(k);
}

/* --- each level ------------------------------------------------------------------- */

static void each(const char *what, const long *want, const char *name)
{
	bool good = true;

	for (int i = 1; i < NODES; i++) {
		long got = bc(tree[i].dir, what);

		if (got != want[i]) {
			diag("%s/bc.%s is %ld, not %ld", tree[i].dir, what, got, want[i]);
			good = false;
		}
	}
	ok(good, "%s: bc.%s on each level", name, what);
}

/*
 * What the limits have refused is in events, too: a fork is one whatever it was short of,
 * in A that many times of memory.
 */
static void check_events(long copies)
{
	bool good = true;

	for (int i = 1; i < NODES; i++) {
		const char *dir = tree[i].dir;
		long forks = strcmp(dir, A) ? 0 : copies, tasks = bc(dir, "numtasks.failcnt");
		long rest = bc(dir, "numfiles.failcnt") + bc(dir, "privvmpages.failcnt");
		char *s = get(P("%s/events", dir));

		if (!s || !strstr(s, P("\nforks_refused %ld\ncharges_refused %ld\n",
				       tasks + forks, rest - forks))) {
			diag("%s/events: %s", dir, s);
			good = false;
		}
	}
	ok(good, "events has what was refused");
}

static void test_levels(void)
{
	struct kid w, v;

	grow("bc");
	w = worker(A "/b/d");
	bound(A, "numtasks", 5, 5);
	eq(ask(&w, FORK, 50), 4, "tasks up to the limit two levels above");
	eq(ask(&w, FORK, 1), 0, "and no more");
	each("numtasks.held", (long[]){ 0, 5, 5, 0, 5, 0, 0, 0 }, "tasks");
	each("numtasks.maxheld", (long[]){ 0, 5, 5, 0, 5, 0, 0, 0 }, "tasks");
	each("numtasks.failcnt", (long[]){ 0, 2, 0, 0, 0, 0, 0, 0 }, "tasks");
	v = worker(A "/c");
	eq(bc(A, "numtasks.held"), 6, "a move goes beyond the limit");
	eq(ask(&v, FORK, 1), 0, "but nobody forks there either");
	each("numtasks.failcnt", (long[]){ 0, 3, 0, 0, 0, 0, 0, 0 }, "tasks");
	bound(A "/b", "numtasks", 6, 6);
	bound(A, "numtasks", 10, 10);
	eq(ask(&w, FORK, 50), 1, "the lowest limit counts");
	each("numtasks.failcnt", (long[]){ 0, 3, 1, 0, 0, 0, 0, 0 }, "tasks");
	ask(&w, END, 50);
	each("numtasks.held", (long[]){ 0, 2, 1, 1, 1, 0, 0, 0 }, "tasks");
	each("numtasks.minheld", (long[]){ 0, 0, 0, 0, 0, 0, 0, 0 }, "tasks");
	err(movepid(A "/b/e", w.pid), 0, "a move to a sibling");
	each("numtasks.held", (long[]){ 0, 2, 1, 1, 0, 1, 0, 0 }, "tasks");
	each("numtasks.maxheld", (long[]){ 0, 7, 6, 1, 6, 1, 0, 0 }, "tasks");
	bound(M, "numtasks", bc(M, "numtasks.held"), bc(M, "numtasks.held"));
	eq(ask(&w, FORK, 100), 0, "the root's limit holds for all below");
	ok(bc(M, "numtasks.failcnt") > 0, "and is where it fails");
	bound(M, "numtasks", UNLIMITED, UNLIMITED);

	/* files */
	bound(A, "numfiles", 20, 30);
	bound(A "/c", "numfiles", 12, 40);
	eq(ask(&w, OPEN, 100), 30, "files of a privileged task, up to the limit above");
	each("numfiles.held", (long[]){ 0, 30, 30, 0, 0, 30, 0, 0 }, "files");
	each("numfiles.failcnt", (long[]){ 0, 1, 0, 0, 0, 0, 0, 0 }, "files");
	ask(&w, CLOSE, 100);
	ask(&v, BECOME, 1000);
	eq(ask(&v, OPEN, 100), 12, "of an ordinary one, up to the first barrier");
	each("numfiles.failcnt", (long[]){ 0, 1, 0, 1, 0, 0, 0, 0 }, "files");
	eq(ask(&w, OPEN, 9), 9, "others'");
	ask(&v, CLOSE, 2);
	eq(ask(&v, OPEN, 100), 1, "are in the way");
	each("numfiles.failcnt", (long[]){ 0, 2, 0, 1, 0, 0, 0, 0 }, "files");
	each("numfiles.held", (long[]){ 0, 20, 9, 11, 0, 9, 0, 0 }, "files");
	each("numfiles.maxheld", (long[]){ 0, 30, 30, 12, 0, 30, 0, 0 }, "files");
	err(movepid(M, w.pid), 0, "their opener leaves");
	each("numfiles.held", (long[]){ 0, 20, 9, 11, 0, 9, 0, 0 }, "files");
	err(E(rmdir(A "/b/e")), EBUSY, "and cannot be removed from under them");
	ask(&w, CLOSE, 100);
	ask(&v, CLOSE, 100);
	each("numfiles.held", (long[]){ 0, 0, 0, 0, 0, 0, 0, 0 }, "files");
	bound(A, "numfiles", UNLIMITED, UNLIMITED);

	/* memory */
	err(movepid(A "/b/d", w.pid), 0, "memory");
	bound(A, "privvmpages", 0, bc(A, "privvmpages.held") + 100);
	eq(ask(&w, MAP, 101), ENOMEM, "an address space does not grow past a limit above");
	ok(bc(A, "privvmpages.failcnt") > 0, "which is where it fails");
	eq(bc(A "/b", "privvmpages.failcnt") + bc(A "/b/d", "privvmpages.failcnt"), 0,
	   "and nowhere else");
	eq(ask(&w, MAP, 60), 0, "it does as far as that");
	eq(ask(&v, MAP, 41), ENOMEM, "what is left is all that a cousin gets");
	eq(ask(&v, FORK, 1), 0, "a copy does not fit");
	eq(ask(&w, UNMAP, 60), 0, "given back,");
	eq(ask(&v, MAP, 90), 0, "it is another's");
	eq(bc(A, "privvmpages.held"), bc(A "/b", "privvmpages.held") +
	   bc(A "/c", "privvmpages.held"), "two address spaces are the sum of both");
	check_events(1);
	quit(&w);
	quit(&v);
	for (int i = 0; i < 3; i++) {
		const char *const r[] = { "numtasks", "numfiles", "privvmpages" };

		ok(wait_for(!bc(A, P("%s.held", r[i]))), "nothing is held of %s", r[i]);
		each(P("%s.minheld", r[i]), (long[NODES]){ 0 }, "in the end");
	}
	fell();
}

/* --- an address space in many containers ------------------------------------------- */

#define THREADS 6

static bool is_in(int node, int top)
{
	while (node > top)
		node = tree[node].parent;
	return node == top;
}

/* Ends them and the tree, in which nothing may be left of them. */
static void end_workers(struct kid *w, int n)
{
	for (int i = 0; i < n; i++) {
		reap(w[i].pid);
		close(w[i].fd);
	}
	for (int c = 1; c < NODES; c++)
		ok(wait_for(!bc(tree[c].dir, "privvmpages.held") &&
			    !bc(tree[c].dir, "numtasks.held")), "nothing is left in %s",
		   tree[c].dir);
	fell();
}

/* Two processes whose threads are anywhere: each counts once where it has one. */
static void test_once(void)
{
	struct kid w[2];
	pid_t t[2][THREADS];
	int at[2][THREADS], bad = 0, wrong_max = 0, moves = debug_kernel() ? 100 : 300;
	long tasks[NODES], most[NODES] = { 0 }, least[NODES] = { 0 };
	unsigned int seed = 1;

	grow("bc");
	for (int p = 0; p < 2; p++) {
		w[p] = worker(A);
		for (int i = 0; i < THREADS; i++) {
			t[p][i] = i ? ask(&w[p], THREAD, 0) : w[p].pid;
			at[p][i] = 1;
		}
	}
	ask(&w[1], MAP, 1000);
	most[1] = bc(A, "numtasks.maxheld");
	eq(most[1], 2 * THREADS, "two processes of %d threads", THREADS);
	for (int n = 0; n < moves; n++) {
		int p = rand_r(&seed) % 2, i = rand_r(&seed) % THREADS;
		int to = rand_r(&seed) % NODES;

		bad += movepid(tree[to].dir, t[p][i]) != 0;
		at[p][i] = to;
		/* one of them changes its size now and then */
		if (n % 10 == 5)
			bad += ask(&w[0], n % 20 == 5 ? MAP : UNMAP, 300) != 0;
		for (int c = 1; c < NODES; c++) {
			long pages = 0, got, stat[6] = { 0 };
			char *s;

			tasks[c] = 0;
			for (int q = 0; q < 2; q++) {
				bool used = false;

				for (int j = 0; j < THREADS; j++)
					if (is_in(at[q][j], c)) {
						tasks[c]++;
						used = true;
					}
				if (used)
					pages += private_pages(w[q].pid);
			}
			if (tasks[c] > most[c])
				most[c] = tasks[c];
			if (tasks[c] < least[c])
				least[c] = tasks[c];
			got = bc(tree[c].dir, "privvmpages.held");
			if (got != pages && bad++ < 5)
				diag("move %d: %s has %ld pages, not %ld", n, tree[c].dir, got,
				     pages);
			got = bc(tree[c].dir, "numtasks.held");
			if (got != tasks[c] && bad++ < 5)
				diag("move %d: %s has %ld tasks, not %ld", n, tree[c].dir, got,
				     tasks[c]);
			/* and all of it in one reading */
			s = strstr(get(P("%s/bc.stat", tree[c].dir)) ?: "", "privvmpages ");
			if ((!s || sscanf(s, "privvmpages %ld %ld %ld %ld %ld", &stat[0], &stat[1],
					  &stat[2], &stat[3], &stat[4]) != 5 ||
			     stat[0] != pages || stat[1] < pages) && bad++ < 5)
				diag("move %d: stat of %s", n, tree[c].dir);
		}
	}
	eq(bad, 0, "%d moves: each counts once wherever it has a thread", moves);
	for (int c = 1; c < NODES; c++)
		wrong_max += bc(tree[c].dir, "numtasks.maxheld") != most[c] ||
			     bc(tree[c].dir, "numtasks.minheld") != least[c];
	eq(wrong_max, 0, "the extremes are those of the model");

	/* it grows only if there is room wherever it counts */
	for (int i = 0; i < THREADS; i++)
		movepid(i ? A "/c" : A "/b", t[0][i]);
	bound(A "/c", "privvmpages", 0, bc(A "/c", "privvmpages.held") + 50);
	eq(ask(&w[0], MAP, 51), ENOMEM, "one with threads in a full container does not grow");
	ok(bc(A "/c", "privvmpages.failcnt") > 0, "where it is full counts it");
	eq(ask(&w[0], MAP, 50), 0, "up to the limit it does");
	bound(A "/c", "privvmpages", UNLIMITED, UNLIMITED);
	ok(bc(A, "kmemsize.held") >= status_kb(w[0].pid, "VmPTE:") * 1024, "page tables count above");
	ok(bc(A, "physpages.held") < status_kb(w[0].pid, "VmRSS:") / 4 * 2 +
	   status_kb(w[1].pid, "VmRSS:") / 4 + 400, "pages that are mapped count once");
	end_workers(w, 2);
}

/* --- files and a model --------------------------------------------------------------- */

static void test_model(void)
{
	static const long limits[NODES] = { UNLIMITED, 60, 35, 40, 20, 25, 22, UNLIMITED };
	long held[NODES] = { 0 }, most[NODES] = { 0 }, fails[NODES] = { 0 };
	int has[NODES] = { 0 }, bad = 0, steps = debug_kernel() ? 300 : sized(1500, 400);
	struct kid w[NODES];
	unsigned int seed = 7;

	grow("bc");
	for (int i = 1; i < NODES; i++) {
		bound(tree[i].dir, "numfiles", limits[i] == UNLIMITED ? limits[i] : limits[i] / 2,
		      limits[i]);
		w[i] = worker(tree[i].dir);
		/* some are privileged, and have the limit; others the barrier */
		if (i % 2)
			ask(&w[i], BECOME, 1000);
	}
	for (int n = 0; n < steps; n++) {
		int i = 1 + rand_r(&seed) % (NODES - 1), full = 0;

		if (rand_r(&seed) % 3) {
			for (int c = i; c > 0 && !full; c = tree[c].parent) {
				long b = limits[c];

				if (i % 2 && b != UNLIMITED)
					b /= 2;
				if (held[c] + 1 > b)
					full = c;
			}
			if (full)
				fails[full]++;
			for (int c = full ? 0 : i; c > 0; c = tree[c].parent)
				if (++held[c] > most[c])
					most[c] = held[c];
			has[i] += !full;
			bad += ask(&w[i], OPEN, 1) != !full;
		} else if (has[i]) {
			for (int c = i; c > 0; c = tree[c].parent)
				held[c]--;
			has[i]--;
			bad += ask(&w[i], CLOSE, 1) != 1;
		}
	}
	eq(bad, 0, "%d random files, and who got them", steps);
	each("numfiles.held", held, "model");
	each("numfiles.maxheld", most, "model");
	each("numfiles.failcnt", fails, "model");
	each("numfiles.minheld", (long[NODES]){ 0 }, "model");
	for (int i = 1; i < NODES; i++)
		quit(&w[i]);
	for (int i = 1; i < NODES; i++)
		ok(wait_for(!bc(tree[i].dir, "numfiles.held")), "all is given back in %s",
		   tree[i].dir);
	fell();
}

/* --- all at once ------------------------------------------------------------------------ */

/* Tasks that move only below a container are all counted in it at any time, and once. */
static void test_moves(void)
{
	long end, pages = 0, looks = 0;
	struct kid w[4];
	pid_t t[16], m[3];
	int bad = 0;

	grow("bc");
	for (int i = 0; i < 4; i++) {
		w[i] = worker(A);
		t[i * 4] = w[i].pid;
		for (int j = 1; j < 4; j++)
			t[i * 4 + j] = ask(&w[i], THREAD, 0);
	}
	for (int i = 0; i < 4; i++)
		pages += private_pages(w[i].pid);
	*stop = 0;
	for (int i = 0; i < 3; i++)
		m[i] = mover(t, 16, i + 1);
	end = now_ms() + 3000;
	while (now_ms() < end || looks < 100) {
		long n = bc(A, "numtasks.held"), p = bc(A, "privvmpages.held");

		if ((n != 16 || p != pages) && bad++ < 5)
			diag("%ld tasks and %ld pages of %ld", n, p, pages);
		looks++;
	}
	*stop = 1;
	for (int i = 0; i < 3; i++)
		waitpid(m[i], NULL, 0);
	eq(bad, 0, "moves below it show nowhere, in %ld looks", looks);
	eq(bc(A, "numtasks.maxheld"), 16, "nor in the maximum");
	eq(bc(A, "privvmpages.maxheld"), pages, "nor that of memory");
	end_workers(w, 4);
}

/* --- the log, and all in one file ----------------------------------------------------- */

/* Lines since then with a text in them. */
static int lines(int fd, const char *text)
{
	char *log;
	int n = 0;

	kmsg_lines(fd, &log);
	for (char *p = log; (p = strstr(p, text)); p++)
		n++;
	return n;
}

static void test_log(void)
{
	struct kid w;
	int fd, again = 0;

	modprobe("container_numtasks");
	grow("bc,numtasks");
	w = worker(A "/b/d");
	fd = kmsg_open();
	bound(A, "numtasks", 3, 3);
	eq(ask(&w, FORK, 100), 2, "tasks up to the limit");
	eq(lines(fd, "numtasks refused in container /a/b/d: /a holds 3, its limit is 3"), 1,
	   "the first refusal is in the log, with all there is to know");
	for (int i = 0; i < 100; i++)
		ask(&w, FORK, 1);
	eq(lines(fd, "refused"), 0, "a hundred more are not");
	bound(A "/b", "numfiles", 0, 4);
	eq(ask(&w, OPEN, 100), 4, "files up to another container's limit");
	eq(lines(fd, "numfiles refused in container /a/b/d: /a/b holds 4, its limit is 4"), 1,
	   "are a case of their own");
	bound(A "/b", "privvmpages", 0, 1);
	ask(&w, MAP, 10);
	eq(lines(fd, "refused"), 0, "one line for a container in ten seconds");
	ask(&w, END, 2);
	ask(&w, CLOSE, 4);
	bound(A, "numtasks", UNLIMITED, UNLIMITED);
	bound(A "/b", "privvmpages", UNLIMITED, UNLIMITED);

	/* numtasks: a share of all */
	put("/sys/module/container_numtasks/parameters/total_numtasks", "1000");
	put(M "/numtasks.shares", "child_shares_divisor=1000");
	err(put(A "/numtasks.shares", "max_shares=4"), 0, "a share of 4 tasks");
	eq(ask(&w, FORK, 100), 3, "tasks up to it");
	eq(lines(fd, "fork refused in container /a/b/d: /a has 4 tasks, its limit is 4"), 1,
	   "the log has that");
	ok(strstr(get(A "/events") ?: "", P("forks_refused %ld\n",
					    bc(A, "numtasks.failcnt") + 1)),
	   "and so has events");
	ask(&w, FORK, 10);
	eq(lines(fd, "refused"), 0, "once");
	/*
	 * An episode ends when nothing is refused for ten seconds: of jiffies, and a guest that
	 * gets too few ticks lags behind. Each try prolongs the episode that has not ended.
	 */
	for (int ms = 10100; !again && ms < 60000; ms *= 2) {
		msleep(ms);
		ask(&w, FORK, 10);
		again = lines(fd, "fork refused in container /a/b/d: /a has 4 tasks, its limit is 4");
	}
	eq(again, 1, "and again when it begins anew");
	put("/sys/module/container_numtasks/parameters/total_numtasks", "2147483647");
	ask(&w, END, 10);
	quit(&w);
	close(fd);
	fell();
}

static void test_stat(void)
{
	static const char *const resources[] = {
		"kmemsize", "privvmpages", "physpages", "numtasks", "numfiles",
	};
	struct kid w;
	char *s;
	int fd;

	grow("bc");
	w = worker(A "/b");
	ask(&w, OPEN, 7);
	ask(&w, CLOSE, 3);
	bound(A "/b", "numfiles", 3, 9);
	bound(A "/b", "numtasks", 1, 1);
	ask(&w, FORK, 1);
	eq(mode_of(A "/bc.stat"), 0444, "bc.stat can be read");
	err(put(A "/bc.stat", "1"), EINVAL, "and not written");
	s = get(A "/b/bc.stat");
	for (size_t i = 0; s && i < ARRAY_SIZE(resources); i++) {
		long v[5], want[5];
		char name[32];
		int end = 0;

		if (sscanf(s, "%31s %ld %ld %ld %ld %ld\n%n", name, &v[0], &v[1], &v[2], &v[3],
			   &v[4], &end) != 6)
			break;
		s += end;
		streq(name, resources[i], "line %zu", i + 1);
		want[0] = bc(A "/b", P("%s.held", name));
		want[1] = bc(A "/b", P("%s.maxheld", name));
		want[2] = bc(A "/b", P("%s.barrier", name));
		want[3] = bc(A "/b", P("%s.limit", name));
		want[4] = bc(A "/b", P("%s.failcnt", name));
		ok(!memcmp(v, want, sizeof(v)),
		   "%s: held %ld, maxheld %ld, barrier %ld, limit %ld, failcnt %ld", name, v[0],
		   v[1], v[2], v[3], v[4]);
	}
	streq(s, "", "and no more");
	ok(getnum(A "/b/bc.numtasks.failcnt") == 1, "a refusal was among them");
	/* to a writer of bounds it is never half done */
	fd = fork();
	if (!fd) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			put(A "/b/bc.numfiles.barrier", "3");
			put(A "/b/bc.numfiles.limit", "9");
			put(A "/b/bc.numfiles.limit", "2000");
			put(A "/b/bc.numfiles.barrier", "1000");
		}
	}
	{
		int bad = 0;

		for (int i = 0; i < 300; i++) {
			long v[5];

			s = strstr(get(A "/b/bc.stat") ?: "", "numfiles");
			bad += !s || sscanf(s, "numfiles %ld %ld %ld %ld %ld", &v[0], &v[1], &v[2],
					    &v[3], &v[4]) != 5 || v[0] > v[1] || v[2] > v[3];
		}
		eq(bad, 0, "no line contradicts itself");
	}
	reap(fd);
	quit(&w);
	fell();
}

int main(void)
{
	setup_trees();
	CASE(test_levels());
	CASE(test_once());
	CASE(test_model());
	CASE(test_moves());
	CASE(test_log());
	CASE(test_stat());
	finish();
}
