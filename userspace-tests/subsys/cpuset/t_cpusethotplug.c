// SPDX-License-Identifier: GPL-2.0
/*
 * cpuset: CPUs go and come, with members that sleep, spin and fork, and beside a subsystem
 * that lets nobody leave.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "cpusets.h"
#include "spinners.h"

/* --- CPUs that go and come --------------------------------------------------- */

static void test_hotplug(void)
{
	unsigned long last = 1UL << (ncpus - 1);
	pid_t pid = sleeper(), other = sleeper();

	if (cpu_online(ncpus - 1, 1)) {
		skip("hotplug # the last CPU cannot go offline");
		return;
	}
	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, all, nodes) ?: make(B, last, nodes), 0, "a: all CPUs, a/b: the last");
	err(movepid(B, pid), 0, "one in a/b");
	err(movepid(A, other), 0, "one in a");
	err(cpu_online(ncpus - 1, 0), 0, "the last CPU goes");
	ok(wait_for(listed(A "/tasks", pid)), "its tasks go to the parent");
	ok(wait_for(cpus_of(pid) == (all & ~last)), "and run there");
	streq(get(B "/cpuset.cpus"), "\n", "a/b has none left");
	eq(mask_in(A "/cpuset.cpus"), all & ~last, "a has the others");
	eq(mask_in(M "/cpuset.cpus"), all & ~last, "so has the root");
	ok(wait_for(cpus_of(other) == (all & ~last)), "its task, too");
	err(movepid(B, pid), ENOSPC, "nobody may go back to a/b");
	err(put(B "/cpuset.cpus", "%d", ncpus - 1), EINVAL, "a CPU that is offline");
	err(set_affinity(pid, last), EINVAL, "nor can it be asked for");
	err(cpu_online(ncpus - 1, 1), 0, "it comes back");
	eq(mask_in(M "/cpuset.cpus"), all, "to the root");
	eq(mask_in(A "/cpuset.cpus"), all & ~last, "but to nobody else");
	streq(get(B "/cpuset.cpus"), "\n", "nobody");
	eq(affinity(pid), all & ~last, "nor to tasks");
	err(put(A "/cpuset.cpus", "%s", list_of(all)), 0, "it can be given to them");
	eq(affinity(pid), all, "and they have it");
	err(put(B "/cpuset.cpus", "%s", list_of(last)), 0, "and to a/b");
	err(movepid(B, pid), 0, "which has a task again");
	/* the parent loses all, too: up to the root */
	err(put(A "/cpuset.cpus", "%s", list_of(last)), 0, "a: the last CPU");
	err(cpu_online(ncpus - 1, 0), 0, "which goes");
	ok(wait_for(listed(M "/tasks", pid)), "to the root");
	ok(wait_for(listed(M "/tasks", other)), "all of them");
	eq(nids(A "/tasks") + nids(B "/tasks"), 0, "nobody is left");
	ok(wait_for(affinity(pid) == (all & ~last)), "where they have what there is");
	err(cpu_online(ncpus - 1, 1), 0, "it comes back");
	ok(wait_for(affinity(pid) == all), "and they are as they were");
	err(movepid(M, pid), 0, "still in the root");
	reap(pid);
	reap(other);
	err(E(rmdir(B)) ?: E(rmdir(A)), 0, "rmdir");
	err(cumount(M), 0, "unmount");
}

static volatile struct {
	bool stop;
	int made, empty, refused, wrong;
} *heirs;

/* Makes containers in a, again and again; how many have no CPU. */
static int maker(struct kid *up, void *arg)
{
	(void)up;
	(void)arg;
	set_affinity(0, 1);
	while (!heirs->stop) {
		if (mkdir(A "/x", 0755))
			return 1;
		heirs->made++;
		heirs->empty += !mask_in(A "/x/cpuset.cpus");
		if (rmdir(A "/x"))
			return 2;
	}
	return 0;
}

/* Writes all CPUs to b, again and again, and a flag, which no CPU that goes is a reason against. */
static int writer(struct kid *up, void *arg)
{
	int err;

	(void)up;
	(void)arg;
	set_affinity(0, 1);
	while (!heirs->stop) {
		err = put(M "/b/cpuset.cpus", "%s", list_of(all));
		heirs->refused += err == EINVAL;
		heirs->wrong += err && err != EINVAL;
		heirs->wrong += put(M "/b/cpuset.cpu_exclusive", "0") != 0;
	}
	return 0;
}

/* The state at which the next change of a CPU fails. */
#define FAIL "/sys/devices/system/cpu/cpu%d/hotplug/fail"

/* The number of a state of hotplug; 0 if the kernel does not say. */
static int hotplug_state(const char *name)
{
	char *s = get("/sys/devices/system/cpu/hotplug/states"), *at = s ? strstr(s, name) : NULL;

	while (at && at > s && at[-1] != '\n')
		at--;
	return at ? atoi(at) : 0;
}

/* Writes settings all the time, each of which looks at what hotplug has noted. */
static int rewrite(struct kid *up, void *arg)
{
	(void)up;
	(void)arg;
	for (;;)
		put(A "/cpuset.cpu_exclusive", "0");
	return 0;
}

/* A CPU that cannot be taken offline, as a part of the kernel refuses. */
static void test_refused(void)
{
	unsigned long last = 1UL << (ncpus - 1);
	int state = hotplug_state("workqueue:online"), stays = 0, wrong = 0, lost = 0;
	pid_t pid = sleeper();
	struct kid k;

	if (!state || put(P(FAIL, ncpus - 1), "%d", state)) {
		skip("a CPU that stays # the kernel cannot be made to refuse");
		reap(pid);
		return;
	}
	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, all, nodes) ?: make(B, last, nodes), 0, "a: all CPUs, a/b: the last");
	err(movepid(B, pid), 0, "one in a/b");
	k = kid_start(rewrite, NULL);
	for (int i = 0; i < 8; i++) {
		/* it refuses once each time */
		if (i)
			put(P(FAIL, ncpus - 1), "%d", state);
		stays += cpu_online(ncpus - 1, 0) != 0;
		msleep(i % 2 ? 0 : 100);
		wait_for(affinity(pid) == last);
		wrong += mask_in(A "/cpuset.cpus") != all || mask_in(B "/cpuset.cpus") != last;
		lost += !listed(B "/tasks", pid) || affinity(pid) != last;
	}
	reap(k.pid);
	eq(stays, 8, "the last CPU cannot go");
	eq(wrong, 0, "a has all still, and a/b the last");
	eq(lost, 0, "and its member");
	reap(pid);
	err(E(rmdir(B)) ?: E(rmdir(A)), 0, "rmdir");
	err(cumount(M), 0, "unmount");
}

/* sched_setattr(2), which has no wrapper; the numbers are nanoseconds. */
static int reserve(struct kid *up, void *arg)
{
	struct {
		unsigned int size, policy;
		unsigned long long flags;
		int nice;
		unsigned int priority;
		unsigned long long runtime, deadline, period;
	} attr = {
		.size = 48, .policy = 6 /* SCHED_DEADLINE */,
		.runtime = 9000000, .deadline = 10000000, .period = 10000000,
	};

	(void)arg;
	kid_send(up, E(syscall(SYS_sched_setattr, 0, &attr, 0)));
	pause();
	return 0;
}

static int __attribute__((noreturn)) spin(struct kid *up, void *arg)
{
	(void)up;
	(void)arg;
	for (;;)
		;
}

/*
 * The same, as more time is promised to tasks than the other CPUs have: the scheduler refuses late,
 * after it has moved away who runs there.
 */
static void test_refused_late(void)
{
	unsigned long last = 1UL << (ncpus - 1);
	struct kid k, kids[64];
	int i, got = 0, stays = 0, lost = 0;

	if (ncpus > 18) {
		skip("promises # for 18 CPUs at most");
		return;
	}
	for (i = 0; i < ncpus && !got; i++) {
		kids[i] = kid_start(reserve, NULL);
		got = kid_recv(&kids[i]);
	}
	if (got) {
		skip("promises # the kernel makes none: %s", strerror(got));
		while (i--)
			reap(kids[i].pid);
		return;
	}
	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, all, nodes) ?: make(B, last, nodes), 0, "a: all CPUs, a/b: the last");
	k = kid_start(spin, NULL);
	err(movepid(B, k.pid), 0, "one that spins in a/b");
	for (i = 0; i < 20 && !lost; i++) {
		stays += cpu_online(ncpus - 1, 0) == EBUSY;
		lost = !wait_for(affinity(k.pid) == last) || !listed(B "/tasks", k.pid);
	}
	eq(stays, i, "the last CPU cannot go");
	eq(lost, 0, "and its member has it");
	reap(k.pid);
	for (i = 0; i < ncpus; i++)
		reap(kids[i].pid);
	err(E(rmdir(B)) ?: E(rmdir(A)), 0, "rmdir");
	err(cumount(M), 0, "unmount");
}

/*
 * What is made with the settings of its parent while a CPU goes has the others, and nobody can
 * write a CPU that goes so that it stays in the setting.
 */
static void test_inherit(int times)
{
	unsigned long last = 1UL << (ncpus - 1);
	int i, fails = 0;
	struct kid k, w;

	if (cpu_online(ncpus - 1, 1)) {
		skip("a container that inherits # the last CPU cannot go offline");
		return;
	}
	heirs = mmap_shared(sizeof(*heirs));
	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, all, nodes) ?: put(A "/clone_children", "1"), 0, "a, whose children inherit");
	err(make(M "/b", all, nodes), 0, "b");
	err(put(M "/clone_children", "1"), 0, "children of the root inherit, too");
	k = kid_start(maker, NULL);
	w = kid_start(writer, NULL);
	for (i = 0; i < times; i++) {
		fails += failed("going offline", cpu_online(ncpus - 1, 0));
		fails += failed("a is without", !wait_for(mask_in(A "/cpuset.cpus") == (all & ~last)));
		fails += failed("b is without",
				!wait_for(mask_in(M "/b/cpuset.cpus") == (all & ~last)));
		fails += failed("coming online", cpu_online(ncpus - 1, 1));
		/* made when the CPU is there again: it is not taken away because it was gone */
		fails += failed("a new one", E(mkdir(M "/c", 0755)));
		msleep(50);
		fails += failed("has all CPUs", mask_in(M "/c/cpuset.cpus") != all);
		fails += failed("removing it", E(rmdir(M "/c")));
		fails += failed("a: all CPUs", put(A "/cpuset.cpus", "%s", list_of(all)));
	}
	heirs->stop = true;
	eq(kid_wait(&k), 0, "containers are made all the time");
	eq(kid_wait(&w), 0, "and b is written to");
	eq(fails, 0, "a CPU goes and comes %d times", times);
	eq(heirs->empty, 0, "each container has CPUs");
	eq(heirs->wrong, 0, "a write is refused for the CPU only");
	diag("%d containers; %d writes were refused", heirs->made, heirs->refused);
	err(E(rmdir(M "/b")) ?: E(rmdir(A)), 0, "rmdir");
	err(cumount(M), 0, "unmount");
	munmap((void *)heirs, sizeof(*heirs));
}

/* Another subsystem that lets nobody leave cannot keep members without CPUs. */
static void test_overruled(void)
{
	unsigned long last = 1UL << (ncpus - 1);
	pid_t pid;

	if (modprobe("container_ns") || cpu_online(ncpus - 1, 1)) {
		skip("overruled # no container_ns, or a CPU that cannot go offline");
		return;
	}
	pid = sleeper();
	err(cmount(M, "ns,cpuset"), 0, "mount ns and cpuset");
	err(make(A, last, nodes), 0, "a: the last CPU");
	err(movepid(A, pid), 0, "a task in it");
	err(movepid(M, pid), EPERM, "ns does not let it leave");
	err(cpu_online(ncpus - 1, 0), 0, "the last CPU goes");
	ok(wait_for(listed(M "/tasks", pid)), "then it has to leave");
	eq(nids(A "/tasks"), 0, "a is empty");
	ok(wait_for(affinity(pid) == (all & ~last)), "it runs where it can");
	err(cpu_online(ncpus - 1, 1), 0, "the CPU comes back");
	reap(pid);
	err(wait_for(!E(rmdir(A))) ? 0 : errno, 0, "rmdir");
	err(cumount(M), 0, "unmount");
}

/* --- a number that changes hands ------------------------------------------------ */

/* Off and on, with tasks that spin and fork in a container that has no other. */
static void test_hotplug_load(int times)
{
	unsigned long last = 1UL << (ncpus - 1);
	struct kid kids[2];
	int i, n, off = 0;

	storm = mmap_shared(sizeof(*storm));
	storm->seq = 1;		/* no samples: the mask is the kernel's affair here */
	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, all, nodes) ?: make(B, last, nodes), 0, "a: all CPUs, a/b: the last");
	kids[0] = kid_start(spinner, NULL);
	kids[1] = kid_start(forker, NULL);
	for (i = 0; i < times && !off; i++) {
		for (n = 0; n < 2; n++)
			off += failed("entering a/b", put(B "/procs", "%d", kids[n].pid));
		msleep(20);
		off += failed("going offline", cpu_online(ncpus - 1, 0));
		off += failed("leaving a/b", !wait_for(nids(B "/tasks") == 0));
		off += failed("coming online", cpu_online(ncpus - 1, 1));
		off += failed("a: all CPUs", put(A "/cpuset.cpus", "%s", list_of(all)));
		off += failed("a/b: the last", put(B "/cpuset.cpus", "%s", list_of(last)));
	}
	eq(off, 0, "the only CPU of a container goes and comes, %d times", times);
	storm->stop = true;
	for (n = 0; n < 2; n++)
		eq(kid_wait(&kids[n]), 0, "a storming process ends well");
	err(wait_for(!E(rmdir(B))) ? 0 : errno, 0, "rmdir");
	err(wait_for(!E(rmdir(A))) ? 0 : errno, 0, "rmdir");
	err(cumount(M), 0, "unmount");
	munmap(storm, sizeof(*storm));
}

int main(void)
{
	setup_cpuset();
	if (ncpus < 2 || nodes != 3)
		bail("two CPUs and two nodes");
	CASE(test_hotplug());
	CASE(test_refused());
	CASE(test_refused_late());
	CASE(test_inherit(debug_kernel() ? 5 : 20));
	CASE(test_overruled());
	CASE(test_hotplug_load(debug_kernel() ? 5 : sized(15, 5)));
	finish();
}
