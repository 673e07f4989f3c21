// SPDX-License-Identifier: GPL-2.0
/*
 * Moves that meet what the moved task is doing: a thread that is being made when its process
 * moves in one hierarchy, and is moved itself in another; one that is being made when its process
 * enters or leaves a cpuset; threads that end while they are moved, or their process; and a process
 * that replaces its address space for ever.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "clone3.h"
#include "cpusets.h"
#include "lib.h"

#define M "/tmp/m"
#define X "/tmp/x"
#define Y "/tmp/y"
#define CG "/tmp/cg"

/* --- threads -------------------------------------------------------------- */

/* What runs has this name. Others are being made, and may still get their values. */
#define BORN "born"

static void *short_life(void *arg)
{
	prctl(PR_SET_NAME, BORN);
	msleep(200);
	return arg;
}

/* Makes threads for ever; what its clone() does after a thread is listed is slow. */
static int breed(struct kid *up, void *arg)
{
	pthread_attr_t attr;
	pthread_t t;

	(void)up;
	(void)arg;
	prctl(PR_SET_NAME, "delaytest");
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 16384);
	for (;;)
		pthread_create(&t, &attr, short_life, NULL);
	return 0;
}

/* The threads of a process but its first, up to @room. */
static int threads_of(pid_t pid, pid_t *list, int room)
{
	DIR *d = opendir(P("/proc/%d/task", pid));
	struct dirent *e;
	int n = 0;

	while (d && n < room && (e = readdir(d))) {
		list[n] = atoi(e->d_name);
		n += list[n] && list[n] != pid;
	}
	if (d)
		closedir(d);
	return n;
}

static bool is_born(pid_t tid)
{
	char *name = get(P("/proc/%d/comm", tid));

	return name && !strcmp(name, BORN "\n");
}

/* Moves each of the threads alone, in the other hierarchy, back and forth. */
static int nag(struct kid *up, void *arg)
{
	pid_t pid = *(pid_t *)arg, list[256];

	(void)up;
	for (int round = 0; ; round++)
		for (int n = threads_of(pid, list, ARRAY_SIZE(list)); n; n--)
			movepid(round % 2 ? M "/a" : M "/b", list[n - 1]);
	return 0;
}

#define PF_EXITING 4	/* linux/sched.h */

/* Has a task begun to exit, or gone? Then nobody moves it any more. */
static bool is_leaving(pid_t tid)
{
	char *stat = get(P("/proc/%d/stat", tid)), *name = stat ? strrchr(stat, ')') : NULL;
	unsigned int flags = PF_EXITING;

	if (name)
		sscanf(name, ") %*c %*d %*d %*d %*d %*d %u", &flags);
	return flags & PF_EXITING;
}

/* How many threads are, in a while, still where their process was. */
static int strays(pid_t pid, const char *before)
{
	pid_t list[256];
	int n = threads_of(pid, list, ARRAY_SIZE(list)), away = 0;

	msleep(50);
	while (n--) {
		bool born = is_born(list[n]);
		const char *at = where(list[n], "name=x");

		if (born && at && !strcmp(at, before) && !is_leaving(list[n])) {
			diag("%d is in %s", list[n], at);
			away++;
		}
	}
	return away;
}

static void test_threads(void)
{
	const char *module = modfile("delaytest");
	struct kid breeder, nagger;
	int moves = 0, away = 0;
	long end;

	if (!module || modinsert(module, "function=sched_cgroup_fork,cgroup_post_fork usecs=20"))
		diag("clone() is as short as ever");
	breeder = kid_start(breed, NULL);
	nagger = kid_start(nag, &breeder.pid);
	end = now_ms() + sized(20000, 6000);
	while (!away && now_ms() < end) {
		bool odd = moves++ % 2;

		if (put(odd ? X "/c/procs" : X "/d/procs", "%d", breeder.pid))
			bail("the process cannot be moved");
		away = strays(breeder.pid, odd ? "/d" : "/c");
	}
	eq(away, 0, "threads that are made while their process is moved go with it, %d times", moves);
	reap(nagger.pid);
	reap(breeder.pid);
	if (module)
		rmmod("delaytest");
}

/* --- a process that keeps its mover busy ------------------------------------- */

static pthread_attr_t detached;

static void *successor(void *arg)
{
	pthread_t t;

	while (pthread_create(&t, &detached, successor, NULL))
		msleep(1);
	return arg;
}

/* Each of its threads makes another one and ends; with @alone, the main thread ends, too. */
static int succeed(struct kid *up, void *alone)
{
	(void)up;
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&detached, 16384);
	for (int i = 0; i < (alone ? 1 : 4); i++)
		successor(NULL);
	if (alone)
		pthread_exit(NULL);
	for (;;)
		pause();
	return 0;
}

/* Moves a process, and takes its time with each thread. */
static int move_slowly(struct kid *up, void *pid)
{
	prctl(PR_SET_NAME, "delaytest");
	kid_send(up, put(X "/c/procs", "%d", *(pid_t *)pid) ? errno : 0);
	return 0;
}

static void test_busy(void)
{
	const char *module = modfile("delaytest");
	struct kid many = kid_start(succeed, NULL), mover;
	struct pollfd p = { .events = POLLIN };
	long begin;
	bool moved;

	if (!module || modinsert(module, "function=member_ensure usecs=100"))
		diag("moves are as fast as ever");
	wait_for(threads_of(many.pid, (pid_t[8]){}, 8) > 1);
	begin = now_ms();
	mover = kid_start(move_slowly, &many.pid);
	p.fd = mover.fd;
	moved = poll(&p, 1, 30000) == 1;
	ok(moved, "threads that make threads do not keep busy who moves them: %ld ms",
	   now_ms() - begin);
	if (moved)
		err(kid_recv(&mover), 0, "it has moved them");
	reap(many.pid);
	kid_wait(&mover);
	if (module)
		rmmod("delaytest");
}

/* The place of some thread, which has not begun to exit by then; NULL: of none. */
static const char *place_of_any(pid_t pid)
{
	pid_t list[8];
	int n = threads_of(pid, list, ARRAY_SIZE(list));

	while (n--) {
		const char *at = where(list[n], "name=x");

		if (at && !is_leaving(list[n]))
			return at;
	}
	return NULL;
}

/* No thread of it lives as long as its mover takes with one. */
static void test_relay(void)
{
	const char *module = modfile("delaytest"), *at;
	struct kid runner = kid_start(succeed, &runner), mover;
	int away = 0;

	if (!module || modinsert(module, "function=member_ensure usecs=10000"))
		diag("moves are as fast as ever");
	ok(wait_for(is_leaving(runner.pid) && (at = place_of_any(runner.pid)) && !strcmp(at, "/")),
	   "a process has a thread after the other, and no main thread any more");
	mover = kid_start(move_slowly, &runner.pid);
	err(kid_recv(&mover), 0, "it is moved");
	/* what was in its fork meanwhile */
	msleep(50);
	for (int i = 0; i < 10; i++) {
		if (!wait_for((at = place_of_any(runner.pid))))
			bail("no thread is seen alive");
		away += !!strcmp(at, "/c");
	}
	eq(away, 0, "its threads are there");
	reap(runner.pid);
	kid_wait(&mover);
	if (module)
		rmmod("delaytest");
}

#define DELAY "/sys/module/delaytest/parameters/usecs"

/* Not on the first CPU: nothing else may come to run where the mover is. */
static int move_elsewhere(struct kid *up, void *pid)
{
	set_affinity(0, ~1UL);
	return move_slowly(up, pid);
}

/* A process that is killed while its mover is about to move it. */
static void test_killed(void)
{
	const char *module = modfile("delaytest");
	unsigned long before = affinity(0);
	struct pollfd p = { .events = POLLIN };
	struct kid mover;
	bool late = false;
	pid_t pid;

	set_affinity(0, 1);
	pid = sleeper();
	if (!module || sysconf(_SC_NPROCESSORS_ONLN) < 2 ||
	    modinsert(module, "function=member_ensure usecs=500000")) {
		skip("a process that is killed while it is moved # no module, or one CPU");
		set_affinity(0, before);
		reap(pid);
		return;
	}
	/* a busy host may let the mover come to its end before we are at it */
	for (int i = 0; i < 5 && !late; i++) {
		put(DELAY, "500000");
		mover = kid_start(move_elsewhere, &pid);
		msleep(200);
		p.fd = mover.fd;
		late = !poll(&p, 1, 0);
		reap(pid);
		put(DELAY, "0");
		if (late)
			err(kid_recv(&mover), ESRCH, "who is killed while he is moved has not moved");
		kid_wait(&mover);
		if (!late)
			pid = sleeper();
	}
	if (!late) {
		reap(pid);
		skip("a process that is killed while it is moved # its mover was not slow");
	}
	rmmod("delaytest");
	set_affinity(0, before);
}

/* CPUs and nodes, in the container and outside of it. */
struct place {
	unsigned long cpus, mems;
};

/* How many tasks have others than they should have where they are. */
static int misfits(const pid_t *list, int n, struct place in, struct place out)
{
	int bad = 0;

	while (n--) {
		bool born = is_born(list[n]);
		const char *before = kept(strdup(where(list[n], "cpuset") ?: "")),
			   *now;
		unsigned long cpus = affinity(list[n]), mems = mems_of(list[n]);
		struct place *want = !strcmp(before, "/") ? &out : &in;

		now = where(list[n], "cpuset");
		if (born && (cpus != want->cpus || mems != want->mems) && now &&
		    !strcmp(now, before) && !is_leaving(list[n])) {
			diag("%d, in %s, has CPUs %lx, nodes %lx", list[n], now, cpus, mems);
			bad++;
		}
	}
	return bad;
}

/* The cgroup in which breed_children() has its children begin, or -1 for its own. */
static int begin_in = -1;

/* Makes children for ever, which live as long as the threads that breed() makes. */
static int breed_children(struct kid *up, void *arg)
{
	struct clone3_args into = { .flags = CLONE_INTO_CGROUP, .cgroup = begin_in };
	pid_t pid;

	(void)up;
	(void)arg;
	prctl(PR_SET_NAME, "delaytest");
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		pid = begin_in < 0 ? fork() : clone3(&into);
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			prctl(PR_SET_NAME, BORN);
			msleep(200);
			_exit(0);
		}
		if (pid < 0)
			msleep(10);
	}
	return 0;
}

static int children_of(pid_t pid, pid_t *list, int room)
{
	char *s = get(P("/proc/%d/task/%d/children", pid, pid)), *end;
	int n = 0;

	for (; s && n < room && (list[n] = strtol(s, &end, 10)); s = end)
		n++;
	return n;
}

/* Some child of a process that runs; 0 if there is none. */
static pid_t born_child(pid_t pid)
{
	pid_t list[256];
	int n = children_of(pid, list, ARRAY_SIZE(list));

	while (n--)
		if (is_born(list[n]))
			return list[n];
	return 0;
}

/*
 * A process enters and leaves a container all the time. It has CPUs of its own outside, @cpus, and
 * what it makes meanwhile has @in in the container, or the same outside; in another cgroup it has
 * outside what the kernel alone gives it there.
 */
static void cpuset_moves(int (*fn)(struct kid *up, void *arg),
			 int (*made)(pid_t pid, pid_t *list, int room), unsigned long cpus,
			 struct place in, const char *what)
{
	struct place out = { cpus, nodes };
	long end = now_ms() + sized(20000, 6000);
	int moves = 0, bad = 0;
	struct kid breeder;
	pid_t list[256];

	/* before it makes the first of them, which would have all CPUs */
	err(set_affinity(0, cpus), 0, "a process that makes %s, on its CPUs", what);
	breeder = kid_start(fn, NULL);
	set_affinity(0, all);
	if (begin_in >= 0)
		wait_for((out.cpus = affinity(born_child(breeder.pid) ?: -1)));
	while (!bad && now_ms() < end) {
		if (put(moves++ % 2 ? Y "/procs" : Y "/a/procs", "%d", breeder.pid))
			bail("the process cannot be moved");
		msleep(50);
		bad = misfits(list, made(breeder.pid, list, ARRAY_SIZE(list)), in, out);
	}
	eq(bad, 0, "%s have the CPUs and nodes of their container, %d moves", what, moves);
	reap(breeder.pid);
}

/* As breed_children(), in a cgroup that has not all CPUs. */
static int breed_in_cgroup(struct kid *up, void *arg)
{
	return put(CG "/two/cgroup.procs", "%d", getpid()) ?: breed_children(up, arg);
}

/* A process in such a cgroup enters a container while it makes a child, and does not leave. */
static void cgroup_enters(struct place in, unsigned long two)
{
	struct place out = { two, nodes };
	long end = now_ms() + sized(20000, 4000);
	int moves = 0, bad = 0;
	struct kid breeder;
	pid_t list[256];

	while (!bad && now_ms() < end) {
		breeder = kid_start(breed_in_cgroup, NULL);
		if (!wait_for(born_child(breeder.pid)) ||
		    put(Y "/a/procs", "%d", breeder.pid))
			bail("the process cannot be moved");
		moves++;
		msleep(30);
		bad = misfits(list, children_of(breeder.pid, list, ARRAY_SIZE(list)), in, out);
		reap(breeder.pid);
	}
	eq(bad, 0, "children in a cgroup whose parent enters a container, %d times", moves);
}

/*
 * Children in a cgroup, and children that begin in another one than their parent: most kernels give
 * these the CPUs of that one.
 */
static void cgroup_moves(struct place in, unsigned long cpus)
{
	struct place every = { all, in.mems };
	unsigned long two = all & -all;

	two |= (all & ~two) & -(all & ~two);
	mkdir(CG, 0755);
	if (mount("x", CG, "cgroup2", 0, NULL)) {
		skip("children in another cgroup # no cgroup2");
		return;
	}
	mkdir(CG "/two", 0755);
	if (put(CG "/cgroup.subtree_control", "+cpuset") ||
	    put(CG "/two/cpuset.cpus", "%s", list_of(two))) {
		skip("children in another cgroup # no cpuset in cgroup2");
	} else {
		/* first: nobody has left a container yet */
		cgroup_enters(in, two);
		begin_in = open(CG "/two", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		cpuset_moves(breed_children, children_of, cpus, in, "children in another cgroup");
		/* in the same cpuset of the kernel, only the nodes tell where a child is */
		put(CG "/cgroup.subtree_control", "-cpuset");
		err(put(Y "/a/cpuset.cpus", "%s", list_of(all)), 0, "it has all CPUs");
		cpuset_moves(breed_children, children_of, all, every,
			     "children in another cgroup without CPUs of its own");
		err(put(Y "/a/cpuset.cpus", "%s", list_of(in.cpus)), 0, "and one again");
		close(begin_in);
		begin_in = -1;
	}
	ok(wait_for(!rmdir(CG "/two")), "remove the cgroup");
	put(CG "/cgroup.subtree_control", "-cpuset");
	/* each child has the cgroup's directory open until it has exited */
	err(wait_for(!umount(CG)) ? 0 : errno, 0, "unmount it");
}

static void test_cpuset(void)
{
	const char *module = modfile("delaytest");
	struct place in;
	unsigned long cpus;

	setup_cpuset();
	in = (struct place) { all & -all, nodes & -nodes };
	cpus = ncpus > 1 ? all & ~in.cpus : all;
	err(cmount(Y, "cpuset"), 0, "mount cpuset");
	err(E(mkdir(Y "/a", 0755)), 0, "mkdir " Y "/a");
	err(put(Y "/a/cpuset.cpus", "%s", list_of(in.cpus)), 0, "it has one CPU");
	err(put(Y "/a/cpuset.mems", "%s", list_of(in.mems)), 0, "and one node");
	/* from the copy of the parent on; and the mover, before it sets the nodes */
	if (!module || modinsert(module,
				 "function=sched_fork,sched_cgroup_fork,cgroup_post_fork,mems_apply usecs=20"))
		diag("clone() and moves are as short as ever");
	prctl(PR_SET_NAME, "delaytest");
	cgroup_moves(in, cpus);
	cpuset_moves(breed, threads_of, cpus, in, "threads");
	cpuset_moves(breed_children, children_of, cpus, in, "children");
	prctl(PR_SET_NAME, "t_moverace");
	if (module)
		rmmod("delaytest");
	err(wait_for(!rmdir(Y "/a")) ? 0 : errno, 0, "rmdir " Y "/a");
	err(cumount(Y), 0, "unmount");
}

/* --- exec ----------------------------------------------------------------- */

#define EXECS 4

static int exec_for_ever(struct kid *up, void *arg)
{
	(void)up;
	(void)arg;
	execl("/proc/self/exe", "t_moverace", "again", NULL);
	return 1;
}

/* Each exec replaces the charge of an address space, while a move looks for it. */
static void test_exec(void)
{
	const char *module = modfile("delaytest");
	long end, moves = 0;
	struct kid k[EXECS];
	int e = 0;

	if (!module || modinsert(module, "function=vm_move usecs=20"))
		diag("a move is as short as ever");
	for (int i = 0; i < EXECS; i++)
		k[i] = kid_start(exec_for_ever, NULL);
	prctl(PR_SET_NAME, "delaytest");
	end = now_ms() + sized(20000, 6000);
	while (!e && now_ms() < end) {
		e = movepid(moves % 2 ? M "/a" : M "/b", k[moves / 2 % EXECS].pid);
		moves++;
	}
	prctl(PR_SET_NAME, "t_moverace");
	err(e, 0, "%ld moves of processes that exec", moves);
	for (int i = 0; i < EXECS; i++)
		reap(k[i].pid);
	eq(getnum(M "/a/bc.privvmpages.held") + getnum(M "/b/bc.privvmpages.held"), 0,
	   "no address space is charged any more");
	if (module)
		rmmod("delaytest");
}

int main(int argc, char **argv)
{
	static const char *const dirs[] = { M "/a", M "/b", X "/c", X "/d" };

	/* as a process that execs, until it is killed */
	if (argc > 1)
		execl("/proc/self/exe", argv[0], argv[1], NULL);
	setup();
	modprobe("container_bc");
	err(cmount(M, "bc,cpuacct"), 0, "mount bc and cpuacct");
	err(cmount(X, "none,name=x"), 0, "mount a named hierarchy");
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		err(E(mkdir(dirs[i], 0755)), 0, "mkdir %s", dirs[i]);
	CASE(test_threads());
	CASE(test_busy());
	CASE(test_relay());
	CASE(test_killed());
	CASE(test_cpuset());
	CASE(test_exec());
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		err(wait_for(!rmdir(dirs[i])) ? 0 : errno, 0, "rmdir %s", dirs[i]);
	err(cumount(X), 0, "unmount");
	err(cumount(M), 0, "unmount");
	finish();
}
