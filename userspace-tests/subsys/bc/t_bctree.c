// SPDX-License-Identifier: GPL-2.0
/*
 * bc in a tree: a charge counts in a container and in all above it, and nobody gets
 * past a limit by going further down.
 *
 * The tree is /a with b and c below, and two containers below each of those.
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
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "lib.h"

#define M "/tmp/m"
#define A M "/a"
#define UNLIMITED LONG_MAX
#define PAGE 4096L

/* Parents before children. */
static const struct node {
	const char *dir;
	int parent;
} tree[] = {
	{ M, -1 }, { A, 0 }, { A "/b", 1 }, { A "/c", 1 },
	{ A "/b/d", 2 }, { A "/b/e", 2 }, { A "/c/f", 3 }, { A "/c/g", 3 },
};
#define NODES ((int)ARRAY_SIZE(tree))

static long bc(const char *dir, const char *what)
{
	return getnum(P("%s/bc.%s", dir, what));
}

static void bound(const char *dir, const char *resource, long barrier, long limit)
{
	put(P("%s/bc.%s.barrier", dir, resource), "0");
	if (put(P("%s/bc.%s.limit", dir, resource), "%ld", limit) ||
	    put(P("%s/bc.%s.barrier", dir, resource), "%ld", barrier))
		bail("cannot set the bounds of %s: %s", resource, strerror(errno));
}

static void grow(const char *opts)
{
	if (cmount(M, opts))
		bail("mount %s: %s", opts, strerror(errno));
	for (int i = 1; i < NODES; i++) {
		if (mkdir(tree[i].dir, 0755))
			bail("mkdir %s: %s", tree[i].dir, strerror(errno));
		bound(tree[i].dir, "numfiles", UNLIMITED, UNLIMITED);
	}
}

/* Files and address spaces may be given back a little later. */
static void fell(void)
{
	int e = 0;

	for (int i = NODES - 1; i && !e; i--)
		wait_for((e = E(rmdir(tree[i].dir))) != EBUSY);
	err(e, 0, "all can be removed");
	err(cumount(M), 0, "unmount");
}

/* --- workers, which do as they are told ------------------------------------------ */

enum { OPEN, CLOSE, FORK, END, MAP, UNMAP, THREAD, BECOME, QUIT };
#define OP(op, arg) ((op) << 24 | (arg))

static int files[1000], nfiles;
static pid_t kids[200];
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
	for (int p = 0; p < 2; p++) {
		reap(w[p].pid);
		close(w[p].fd);
	}
	for (int c = 1; c < NODES; c++)
		ok(wait_for(!bc(tree[c].dir, "privvmpages.held") &&
			    !bc(tree[c].dir, "numtasks.held")), "nothing is left in %s",
		   tree[c].dir);
	fell();
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

/* --- nobody gets past ------------------------------------------------------------------ */

struct escape {
	long started, opened;
	int forks;
};

/* As an ordinary user: children in namespaces of their own, and files in each. */
static int escape(struct kid *up, void *arg)
{
	volatile struct escape *s = arg;
	int got[2], p[2];

	kid_recv(up);
	drop_to(65534);
	signal(SIGCHLD, SIG_IGN);
	if (pipe(p))
		return 1;
	for (int i = 0; i < 100; i++) {
		pid_t k = fork();

		if (!k) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			got[0] = unshare(CLONE_NEWUSER);
			got[1] = 0;
			for (int fd = 0; fd < 30; fd++)
				got[1] += open("/dev/null", O_RDONLY) >= 0;
			if (write(p[1], got, sizeof(got)) < 0)
				_exit(1);
			for (;;)
				pause();
		}
		if (k < 0)
			break;
		s->forks++;
		if (read(p[0], got, sizeof(got)) == sizeof(got)) {
			s->started += !got[0];
			s->opened += got[1];
		}
	}
	kid_send(up, 0);
	kid_recv(up);
	return 0;
}

static void test_unshare(void)
{
	volatile struct escape *s = mmap_shared(PAGE);
	struct kid k;

	if (modprobe("container_ns"))
		bail("container_ns does not load");
	if (cmount(M, "ns,bc"))
		bail("mount ns,bc: %s", strerror(errno));
	put("/proc/sys/kernel/unprivileged_userns_clone", "1");
	mkdir(A, 0755);
	bound(A, "numtasks", 5, 5);
	bound(A, "numfiles", 40, 40);
	k = kid_start(escape, (void *)s);
	err(movepid(A, k.pid), 0, "a user goes into a container of 5 tasks and 40 files");
	kid_send(&k, 0);
	kid_recv(&k);
	eq(s->forks, 4, "it has four children, namespaces or not");
	ok(s->started == 4, "each of which made some: %ld", s->started);
	ok(s->opened <= 40, "they have %ld files together", s->opened);
	eq(bc(A, "numtasks.held"), 5, "all count in the container");
	eq(bc(A, "numtasks.maxheld"), 5, "and never were more");
	eq(bc(A, "numfiles.maxheld"), 40, "files likewise");
	reap(k.pid);
	close(k.fd);
	ok(wait_for(!bc(A, "numtasks.held") && !bc(A, "numfiles.held")), "none are left");
	wait_for(E(rmdir(A)) != EBUSY);
	err(cumount(M), 0, "unmount");
}

/* The owner of a subtree makes containers in it, and moves what it has from one to another. */
static int owner(void *arg)
{
	int made = 0, tries = 0, n = 0;
	pid_t p;

	(void)arg;
	for (int i = 0; i < 10; i++) {
		const char *dir = P(A "/b/x%d/", i);

		if (mkdir(dir, 0755))
			return 101;
		if (put(P("%sbc.numtasks.barrier", dir), "1000") ||
		    put(P("%sbc.numtasks.limit", dir), "1000"))
			return 102;
		for (int j = 0; j < 10; j++, tries++) {
			p = fork();
			if (!p) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				for (;;)
					pause();
			}
			if (p < 0)
				continue;
			kids[made++] = p;
			if (put(P("%stasks", dir), "%d", p))
				return 103;
		}
	}
	/* what it may not: the limit itself */
	if (put(A "/bc.numtasks.limit", "1000") != EACCES)
		return 104;
	for (int i = 0; i < made; i++) {
		kill(kids[i], SIGKILL);
		waitpid(kids[i], NULL, 0);
	}
	for (int i = 0; i < 10; i++)
		n += rmdir(P(A "/b/x%d", i)) != 0;
	return n ? 105 : made;
}

static int owner_in(void *arg)
{
	if (put(A "/b/tasks", "0"))
		return 100;
	return as_user(1000, owner, arg);
}

static void test_delegated(void)
{
	const char *const own[] = {
		A "/b", A "/b/tasks", A "/b/bc.numtasks.limit", A "/b/bc.numtasks.barrier",
	};

	grow("bc");
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (chown(own[i], 1000, 1000))
			bail("chown: %s", strerror(errno));
	bound(A, "numtasks", 6, 6);
	eq(in_child(owner_in, NULL), 4, "the owner of a subtree has as many as the limit above");
	eq(bc(A, "numtasks.maxheld"), 6, "which never was exceeded");
	fell();
}

/* --- all at once ------------------------------------------------------------------------ */

/* Shared: 0: go on, 1: end, 2: do not begin yet. */
static volatile int *stop;

static pid_t mover(const pid_t *who, int n, unsigned int seed)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!*stop)
		movepid(tree[1 + rand_r(&seed) % (NODES - 1)].dir, who[rand_r(&seed) % n]);
	_exit(0);
}

/* Who only moves below a container is always all there, and counted once. */
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
	for (int i = 0; i < 4; i++) {
		reap(w[i].pid);
		close(w[i].fd);
	}
	for (int c = 1; c < NODES; c++)
		ok(wait_for(!bc(tree[c].dir, "privvmpages.held") &&
			    !bc(tree[c].dir, "numtasks.held")), "nothing is left in %s",
		   tree[c].dir);
	fell();
}

static pid_t storm_child(bool copy)
{
	pid_t p = copy ? fork() : vfork();

	if (!p)
		_exit(0);
	return p;
}

static void storm(unsigned int seed)
{
	while (*stop == 2)
		msleep(1);
	while (!*stop) {
		pid_t p = storm_child(rand_r(&seed) % 2);
		int fd[10], n = 0;
		void *m;

		while (n < 10 && (fd[n] = open("/dev/null", O_RDONLY)) >= 0)
			n++;
		m = mmap(NULL, 50 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
		if (m != MAP_FAILED)
			munmap(m, 50 * PAGE);
		while (n)
			close(fd[--n]);
		if (p > 0)
			waitpid(p, NULL, 0);
	}
	_exit(0);
}

/*
 * Forks, files and memory beside moves, changes of limits, mkdir and rmdir. All are in
 * the tree before they begin, as a move into it would not be refused.
 */
static void test_storm(void)
{
	bool over = false;
	pid_t p[8], m[2];
	long end, n = 0;

	grow("bc");
	*stop = 2;
	for (int i = 0; i < 8; i++) {
		p[i] = fork();
		if (!p[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			storm(i);
		}
		movepid(tree[1 + i % (NODES - 1)].dir, p[i]);
	}
	bound(A, "numfiles", 50, 50);
	bound(A, "numtasks", 12, 12);
	*stop = 0;
	for (int i = 0; i < 2; i++)
		m[i] = mover(p, 8, i + 1);
	end = now_ms() + 6000;
	for (; now_ms() < end || n < 50; n++) {
		const struct node *x = &tree[2 + n % (NODES - 2)];

		over |= bc(A, "numfiles.held") > 50 || bc(A, "numtasks.held") > 12;
		put(P("%s/bc.numtasks.limit", x->dir), "%ld", n % 5 ? UNLIMITED : n % 7);
		put(P("%s/bc.numtasks.barrier", x->dir), "%d", 0);
		put(P("%s/bc.privvmpages.barrier", x->dir), "%d", 0);
		put(P("%s/bc.privvmpages.limit", x->dir), "%ld", n % 3 ? UNLIMITED : 3000L);
		mkdir(P("%s/x", x->dir), 0755);
		movepid(P("%s/x", x->dir), p[n % 8]);
		movepid(x->dir, p[n % 8]);
		rmdir(P("%s/x", x->dir));
		get(P("%s/bc.stat", x->dir));
	}
	*stop = 1;
	for (int i = 0; i < 2; i++)
		waitpid(m[i], NULL, 0);
	for (int i = 0; i < 8; i++)
		waitpid(p[i], NULL, 0);
	diag("%ld rounds", n);
	ok(!over, "never more than the limits of the top");
	ok(bc(A, "numtasks.maxheld") <= 12 && bc(A, "numfiles.maxheld") <= 50,
	   "nor by its maxima: %ld tasks, %ld files", bc(A, "numtasks.maxheld"),
	   bc(A, "numfiles.maxheld"));
	for (int c = 1; c < NODES; c++) {
		wait_for(!access(P("%s/x", tree[c].dir), F_OK) ?
			 E(rmdir(P("%s/x", tree[c].dir))) != EBUSY : true);
		for (int r = 0; r < 5; r++) {
			const char *const names[] = { "numtasks", "numfiles", "privvmpages",
						      "kmemsize", "physpages" };

			if (!wait_for(!bc(tree[c].dir, P("%s.held", names[r]))))
				ok(false, "%s holds %ld of %s", tree[c].dir,
				   bc(tree[c].dir, P("%s.held", names[r])), names[r]);
		}
	}
	ok(true, "what is held in the end was looked at");
	fell();
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
	int fd;

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
	/* an episode ends when nothing is refused for ten seconds */
	msleep(10100);
	ask(&w, FORK, 10);
	eq(lines(fd, "fork refused in container /a/b/d: /a has 4 tasks, its limit is 4"), 1,
	   "and again when it begins anew");
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
	setup();
	if (modprobe("container_bc"))
		bail("container_bc loads");
	stop = mmap_shared(PAGE);
	CASE(test_levels());
	CASE(test_once());
	CASE(test_model());
	CASE(test_unshare());
	CASE(test_delegated());
	CASE(test_moves());
	CASE(test_storm());
	CASE(test_log());
	CASE(test_stat());
	finish();
}
