// SPDX-License-Identifier: GPL-2.0
/*
 * cpuset: suspend and hibernation take all CPUs but the first away, and give them back:
 * containers, their members and what these may do are as before. A CPU that was taken
 * offline by hand is another matter.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/stat.h>
#include "cpusets.h"

/* klogctl()'s types, which have no header */
#define SYSLOG_READ_ALL 3
#define SYSLOG_CLEAR 5

#define M "/tmp/m"
#define A M "/a"
#define B M "/b"

static unsigned long last;

static int make(const char *dir, unsigned long cpus)
{
	return E(mkdir(dir, 0755)) ?: put(P("%s/cpuset.cpus", dir), "%s", list_of(cpus)) ?:
	       put(P("%s/cpuset.mems", dir), "%s", list_of(nodes));
}

static bool suspend;	/* there is pm_test */

/*
 * Half way to sleep, until the CPUs are gone, and back: a suspend that pm_test ends there, else a
 * hibernation, for whose image there is no swap. Not one that wakes up from S3: on a busy machine
 * QEMU does not start a CPU after that, now and then, with no module loaded, too; and up to 6.4 the
 * kernel cannot bring a CPU up any more that did not start once.
 */
static int nap(void)
{
	klogctl(SYSLOG_CLEAR, NULL, 0);
	if (suspend)
		return put("/sys/power/state", "mem");
	return put("/sys/power/state", "disk") == ENODEV ? 0 : EIO;
}

/* Has the last nap taken CPUs away? The kernel's log says so. */
static bool had_gone(void)
{
	static char log[1 << 16];
	int n = klogctl(SYSLOG_READ_ALL, log, sizeof(log) - 1);

	log[n > 0 ? n : 0] = 0;
	return strstr(log, "is now offline");
}

static void test_sleep(void)
{
	/* in a, all CPUs: one that runs anywhere, one that wants the last; in b, the last: the others */
	pid_t wide = sleeper(), other = sleeper(), pid = sleeper(), kernel;
	unsigned long kernel_had = 0;

	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, all) ?: make(B, last), 0, "a: all CPUs, b: the last");
	/* a thread of the kernel that is no CPU's own, and will run while the CPUs are away */
	kernel = task_named("kcompactd");
	if (kernel && movepid(B, kernel))
		kernel = 0;
	err(movepid(A, wide) ?: movepid(A, other) ?: set_affinity(other, last) ?: movepid(B, pid), 0,
	    "two in a, one in b");
	if (kernel)
		kernel_had = cpus_of(kernel);
	for (int i = 0; i < 3; i++) {
		err(nap(), 0, "a nap");
		ok(had_gone(), "a CPU was away");
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
	suspend = !put("/sys/power/pm_test", "processors");
	put("/sys/power/mem_sleep", "deep");
	put("/sys/power/disk", "shutdown");
	if (cpu_online(ncpus - 1, 1) ||
	    !strstr(get("/sys/power/state") ?: "", suspend ? "mem" : "disk"))
		skip("suspend # this kernel cannot");
	else
		CASE(test_sleep());
	if (suspend)
		put("/sys/power/pm_test", "none");
	finish();
}
