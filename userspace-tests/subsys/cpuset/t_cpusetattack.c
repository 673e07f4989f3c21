// SPDX-License-Identifier: GPL-2.0
/*
 * cpuset: members that hold others up. One that hardly ever gets a CPU (SCHED_IDLE, on
 * a CPU that others keep busy) makes the kernel wait for it: as it sets affinities, and
 * with the lock of its address space. A task that has nothing to do with it must not notice.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "cpusets.h"

#define M "/tmp/m"
#define A M "/a"
#define Z M "/z"
#define V1 "/tmp/v1"
#define HOGS 4
#define NOBODY 65534

/* What observers agree on, in shared memory; times in milliseconds. */
static struct seen {
	volatile bool stop;
	volatile long longest[4], times[4];
	volatile long attacks;
} *seen;

enum { AFFINITY, FORK, HOTPLUG, ADMIN, OBSERVERS };

static const char *const what[OBSERVERS] = {
	"sched_setaffinity of itself", "fork", "CPU off and on", "mkdir and rmdir",
};

static void do_affinity(void) { set_affinity(0, 1); }

static void do_fork(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
}

static void do_hotplug(void)
{
	cpu_online(ncpus - 1, 0);
	cpu_online(ncpus - 1, 1);
}

static void do_admin(void)
{
	mkdir(Z, 0755);
	rmdir(Z);
}

static void (*const acts[OBSERVERS])(void) = { do_affinity, do_fork, do_hotplug, do_admin };

/* Does it again and again, and says how long it took at most. It is on CPU 0. */
static pid_t observer(int act)
{
	pid_t pid = fork();
	long t;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	set_affinity(0, 1);
	if (act == FORK)
		put(V1 "/a/tasks", "0");	/* the kernel's own cpusets look at these */
	while (!seen->stop) {
		t = now_ms();
		acts[act]();
		t = now_ms() - t;
		seen->times[act]++;
		if (t > seen->longest[act])
			seen->longest[act] = t;
		msleep(5);
	}
	_exit(0);
}

/* The longest of each, while @ms pass. Who does not come back shows by that. */
static void observe(unsigned int which, int ms, long longest[OBSERVERS])
{
	pid_t pids[OBSERVERS];
	int i;

	memset(seen, 0, sizeof(*seen));
	for (i = 0; i < OBSERVERS; i++)
		pids[i] = which >> i & 1 ? observer(i) : 0;
	msleep(ms);
	seen->stop = true;
	for (i = 0; i < OBSERVERS; i++)
		if (pids[i])
			waitpid(pids[i], NULL, 0);
	for (i = 0; i < OBSERVERS; i++)
		longest[i] = seen->longest[i];
}

/*
 * All at once, for a moment every 8 s. A starved task may have been preempted in the kernel
 * where it holds up RCU, which on preemptible kernels complains after 21 s.
 */
static void rest(void)
{
	if (now_ms() % 8000 < 50)
		msleep(50);
}

/* As a child: a member on a CPU, an ordinary user's. */
static void join(int cpu)
{
	if (movepid(A, 0))
		_exit(1);
	drop_to(NOBODY);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	set_affinity(0, 1UL << cpu);
}

/* A member that keeps a CPU busy. */
static pid_t hog(int cpu)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	join(cpu);
	for (;;)
		rest();
}

/* A member on the CPU of the hogs that hardly ever gets it, and does FN all the time. */
static pid_t starved(void (*fn)(long i, void *arg), void *arg)
{
	struct sched_param sp = {};
	pid_t pid = fork();
	long i;

	if (pid)
		return pid;
	join(1);
	sched_setscheduler(0, SCHED_IDLE, &sp);
	for (i = 0; ; i++) {
		fn(i, arg);
		seen->attacks++;
	}
}

/*
 * Observes without attack, and for as long under it: at most twice as long a time. What is
 * shorter than half a second may be the emulator's; what happens once in three times, too.
 */
static void compare(unsigned int which, pid_t (*attack)(void), const char *name)
{
	long base[OBSERVERS], best[OBSERVERS], now[OBSERVERS], bar;
	bool good = false;
	pid_t pid;
	int i, round;

	observe(which, sized(3000, 1500), base);
	for (i = 0; i < OBSERVERS; i++)
		best[i] = LONG_MAX;
	for (round = 0; round < 3 && !good; round++) {
		pid = attack();
		msleep(200);
		observe(which, sized(3000, 1500), now);
		reap(pid);
		for (good = true, i = 0; i < OBSERVERS; i++) {
			if (now[i] < best[i])
				best[i] = now[i];
			bar = 2 * base[i] > 500 ? 2 * base[i] : 500;
			good &= best[i] <= bar;
		}
	}
	for (i = 0; i < OBSERVERS; i++)
		if (which >> i & 1) {
			bar = 2 * base[i] > 500 ? 2 * base[i] : 500;
			ok(best[i] <= bar, "%s: %s is not held up", name, what[i]);
			diag("%s, %s: at most %ld ms, %ld ms without it", name, what[i],
			     best[i], base[i]);
		}
}

/* --- affinity ------------------------------------------------------------------ */

static pid_t victim;

/* It runs where it is taken away from, so this waits until the scheduler has done that. */
static void push(long i, void *arg)
{
	(void)arg;
	set_affinity(victim, 1UL << (i % 2 ? 1 : ncpus > 2 ? 2 : 0));
}

static pid_t push_attack(void) { return starved(push, NULL); }

static void test_affinity(void)
{
	unsigned int which = 1 << AFFINITY | 1 << FORK;
	bool v1;

	mkdir(V1, 0755);
	v1 = !mount("v1", V1, "cgroup", 0, "cpuset");
	if (v1) {
		mkdir(V1 "/a", 0755);
		put(V1 "/a/cpuset.cpus", "0");
		put(V1 "/a/cpuset.mems", "0");
	}
	/* one that the container does not have */
	if (ncpus > 3 && !cpu_online(ncpus - 1, 1))
		which |= 1 << HOTPLUG;
	else
		skip("CPU off and on # it takes four CPUs");
	victim = hog(1);
	compare(which, push_attack, "a starved member that moves another");
	reap(victim);
	if (v1) {
		rmdir(V1 "/a");
		umount(V1);
	}
}

/* --- memory -------------------------------------------------------------------- */

#define BIG (64UL << 20)

/* It has the lock of its address space most of the time. */
static void populate(long i, void *arg)
{
	(void)i;
	(void)arg;
	munmap(mmap(NULL, BIG, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0), BIG);
}

/* Writes mems, which is about that address space. */
static pid_t populate_attack(void)
{
	pid_t pid = fork(), member;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	member = starved(populate, NULL);
	set_affinity(0, 1);
	for (long i = 0; ; i++) {
		put(A "/cpuset.mems", "%s", i % 2 ? "0" : "0-1");
		if (task_state(member, member) == 'Z')
			_exit(1);
	}
}

static void test_memory(void)
{
	err(put(A "/cpuset.memory_migrate", "1"), 0, "pages follow");
	compare(1 << ADMIN, populate_attack, "a starved member that has its memory locked");
	err(put(A "/cpuset.memory_migrate", "0"), 0, "they do not");
	err(put(A "/cpuset.mems", "%s", list_of(nodes)), 0, "all nodes");
}

int main(void)
{
	pid_t hogs[HOGS];
	int i;

	setup_cpuset();
	if (ncpus < 2 || nodes != 3)
		bail("two CPUs and two nodes");
	seen = mmap_shared(sizeof(*seen));
	err(cmount(M, "cpuset"), 0, "mount");
	err(E(mkdir(A, 0755)), 0, "a");
	/* CPU 0 is the observers', and the last one goes and comes */
	err(put(A "/cpuset.cpus", "%s", ncpus > 2 ? "1-2" : "0-1"), 0, "some CPUs");
	err(put(A "/cpuset.mems", "%s", list_of(nodes)), 0, "all nodes");
	for (i = 0; i < HOGS; i++)
		hogs[i] = hog(1);
	CASE(test_affinity());
	CASE(test_memory());
	for (i = 0; i < HOGS; i++)
		reap(hogs[i]);
	err(wait_for(!E(rmdir(A))) ? 0 : errno, 0, "rmdir");
	err(cumount(M), 0, "unmount");
	finish();
}
