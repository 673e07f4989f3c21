// SPDX-License-Identifier: GPL-2.0
/*
 * cpuset: suspend takes all CPUs but the first away, and gives them back: containers,
 * their members and what these may do are as before. A CPU that was taken offline by
 * hand is another matter. It needs CONFIG_PM_DEBUG, which stops a suspend half way.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "cpusets.h"

#define M "/tmp/m"
#define A M "/a"
#define B M "/b"

static unsigned long last;

static int make(const char *dir, unsigned long cpus)
{
	return E(mkdir(dir, 0755)) ?: put(P("%s/cpuset.cpus", dir), "%s", list_of(cpus)) ?:
	       put(P("%s/cpuset.mems", dir), "%s", list_of(nodes));
}

#define ALARM "/sys/class/rtc/rtc0/wakealarm"

static bool half_way;	/* there is pm_test */

static int nap(void)
{
	int got = 0;

	if (!half_way) {
		put(ALARM, "0");
		got = put(ALARM, "+3");
	}
	return got ?: put("/sys/power/state", "mem");
}

/* In a, all CPUs: one that runs anywhere, one that wants the last CPU. In b, the last: the others. */
static pid_t wide, other, pid, kernel;

static int arrange(void)
{
	int got = put(A "/cpuset.cpus", "%s", list_of(all)) ?:
		  put(B "/cpuset.cpus", "%s", list_of(last)) ?:
		  movepid(A, wide) ?: movepid(A, other) ?: set_affinity(other, last) ?:
		  movepid(B, pid);

	return got ?: kernel ? movepid(B, kernel) : 0;
}

static int kmsg;

/*
 * Brings the last CPU back after the machine has lost it. For the file "online" it is there all the
 * time: only hotplug/target knows. The emulator may fail again.
 */
static int revive(void)
{
	const char *dir = "/sys/devices/system/cpu";

	for (int tries = 0; tries < 20 && online_cpus() != all; tries++) {
		put(P("%s/cpu%d/hotplug/target", dir, ncpus - 1), "%s",
		    get(P("%s/cpu0/hotplug/state", dir)));
		msleep(100);
	}
	return online_cpus() == all ? 0 : EIO;
}

/*
 * A nap from which all CPUs come back. On a busy machine QEMU does not start a CPU, now and then,
 * when the guest wakes up, with no module loaded, too: four times in 360 naps of a stock 6.1. The
 * kernel says so; the CPU is gone then as if by hand, and all is arranged once more.
 */
static int whole_nap(void)
{
	char *said;
	int got;

	for (int tries = 0; ; tries++) {
		kmsg_lines(kmsg, &said);
		got = nap();
		kmsg_lines(kmsg, &said);
		if (got || !strstr(said, "Error taking CPU") || tries == 5)
			return got;
		printf("# the machine has lost a CPU\n");
		got = revive() ?: arrange();
		if (got)
			return got;
	}
}

static void test_sleep(void)
{
	unsigned long kernel_had = 0;

	kmsg = kmsg_open();
	pid = sleeper();
	other = sleeper();
	wide = sleeper();
	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, all) ?: make(B, last), 0, "a: all CPUs, b: the last");
	/* a thread of the kernel that is no CPU's own, and will run while the CPUs are away */
	kernel = task_named("kcompactd");
	if (kernel && movepid(B, kernel))
		kernel = 0;
	err(arrange(), 0, "two in a, one in b");
	if (kernel)
		kernel_had = cpus_of(kernel);
	for (int i = 0; i < 3; i++) {
		err(whole_nap(), 0, "a nap");
		eq(online_cpus(), all, "all CPUs are back");
		eq(mask_in(A "/cpuset.cpus"), all, "a has its CPUs");
		eq(mask_in(B "/cpuset.cpus"), last, "so has b");
		ok(listed(B "/tasks", pid) && listed(A "/tasks", other) &&
		   listed(A "/tasks", wide), "members are where they were");
		eq(affinity(pid), last, "and may run where they might");
		eq(affinity(other), last, "so may the one in a that wants the last CPU");
		eq(affinity(wide), all, "and so may the one that runs anywhere");
		if (kernel) {
			ok(listed(B "/tasks", kernel), "a kernel thread, too");
			ok(wait_for(cpus_of(kernel) == kernel_had), "it has its CPU again");
		}
	}
	err(put(B "/cpuset.cpus", "%s", list_of(all)), 0, "b: all CPUs");
	eq(affinity(pid), all, "its member follows");
	err(put(B "/cpuset.cpus", "%s", list_of(last)), 0, "and back");

	/* by hand it is gone for good, whatever comes between */
	err(cpu_online(ncpus - 1, 0), 0, "the last CPU goes");
	err(nap(), 0, "a nap");
	eq(online_cpus(), all & ~last, "it is not back");
	ok(wait_for(listed(M "/tasks", pid)), "b has lost its member");
	ok(wait_for(affinity(other) == (all & ~last)), "in a one has what there is");
	err(cpu_online(ncpus - 1, 1), 0, "the CPU comes back");
	err(nap() ?: cpu_online(ncpus - 1, 1), 0, "a nap, and all CPUs");
	eq(mask_in(A "/cpuset.cpus"), all & ~last, "a does not have it");
	streq(get(B "/cpuset.cpus"), "\n", "nor has b");
	eq(affinity(wide), all & ~last, "nor has its member");
	if (kernel)
		movepid(M, kernel);
	reap(pid);
	reap(other);
	reap(wide);
	err(wait_for(!E(rmdir(A))) ? 0 : errno, 0, "rmdir");
	err(wait_for(!E(rmdir(B))) ? 0 : errno, 0, "rmdir");
	err(cumount(M), 0, "unmount");
}

int main(void)
{
	setup_cpuset();
	last = 1UL << (ncpus - 1);
	if (ncpus < 2 || nodes != 3)
		bail("two CPUs and two nodes");
	half_way = !put("/sys/power/pm_test", "processors");
	put("/sys/power/mem_sleep", "deep");
	if (cpu_online(ncpus - 1, 1) || !strstr(get("/sys/power/state") ?: "", "mem") ||
	    (!half_way && put(ALARM, "0")))
		skip("suspend # this kernel cannot, or nothing would wake it");
	else
		CASE(test_sleep());
	if (half_way)
		put("/sys/power/pm_test", "none");
	finish();
}
