// SPDX-License-Identifier: GPL-2.0
/* What the first actor does to the machine: CPUs, suspend, modules, tracers, caches. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include "cpusets.h"
#include "stress.h"

#define TRACEFS "/sys/kernel/tracing"
#define PM_TEST "/sys/power/pm_test"

static const char *const samples[] = {
	"container_cputime", "container_execcount", "container_forkcount",
};
static const char *const traced[] = {
	"cgroup_can_fork", "cgroup_exit", "cgroup_task_exit", "security_file_alloc",
	"sched_setaffinity",
};
static int last_cpu;
static bool can_nap, can_trace;

void system_find(void)
{
	char *tests = get(PM_TEST), *tracers = get(TRACEFS "/available_tracers");

	last_cpu = sysconf(_SC_NPROCESSORS_CONF) - 1;
	can_nap = tests && strstr(tests, "processors");
	can_trace = tracers && strstr(tracers, "function");
	diag("suspend: %s; tracers: %s", can_nap ? "half way" : "no", can_trace ? "yes" : "no");
}

int system_lock(int operation)
{
	int lock = open(TOP "/rings", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	flock(lock, operation);
	return lock;
}

static void cpu_away(struct actor *a)
{
	int lock;

	if (!last_cpu)
		return;
	/* EBUSY: a suspend, or a test of the kernel's own */
	if (allowed(a, "a CPU goes", cpu_online(last_cpu, 0), EBUSY, 0))
		msleep(pick(a, 100));
	lock = system_lock(LOCK_EX);
	allowed(a, "and comes back", cpu_online(last_cpu, 1), 0);
	close(lock);
}

/* A block of memory. EBUSY: something there cannot be moved; EINVAL: it is away already. */
static void memory_away(struct actor *a)
{
	const char *state = P("/sys/devices/system/memory/memory%u/state", pick(a, 24));

	if (allowed(a, "memory goes", put(state, "offline"), EBUSY, EINVAL, EINTR, EAGAIN, ENOMEM,
		    ENOENT, 0))
		allowed(a, "and comes back", put(state, "online"), 0);
}

static void nap(struct actor *a)
{
	int lock;

	if (!can_nap || put(PM_TEST, "processors"))
		return;
	lock = system_lock(LOCK_EX);
	/* EBUSY: a task that does not freeze in time, as one that is being killed */
	allowed(a, "suspend, half way", put("/sys/power/state", "mem"), EBUSY, EAGAIN, 0);
	put(PM_TEST, "none");
	close(lock);
	msleep(500);
}

static void module(struct actor *a)
{
	const char *name = samples[pick(a, ARRAY_SIZE(samples))];

	if (modprobe(name))
		return;
	msleep(pick(a, 50));
	allowed(a, "rmmod of a sample", rmmod(name), 0);
}

static void bound_module(struct actor *a)
{
	int e = rmmod(pick(a, 2) ? "container_bc" : "container_core");

	if (!in_use(e))
		wrong(a, "rmmod of a module in use: %s", strerrorname_np(e));
}

static void tracer(struct actor *a)
{
	/* a function that this kernel lacks leaves no filter, which would be to trace everything */
	if (!can_trace || put(TRACEFS "/set_ftrace_filter", "%s", traced[pick(a, ARRAY_SIZE(traced))]))
		return;
	put(TRACEFS "/current_tracer", pick(a, 2) ? "function" : "function_graph");
	msleep(pick(a, 100));
	put(TRACEFS "/current_tracer", "nop");
	close(open(TRACEFS "/set_ftrace_filter", O_WRONLY | O_TRUNC));
	close(open(TRACEFS "/trace", O_WRONLY | O_TRUNC));
}

static void caches(struct actor *a)
{
	put("/proc/sys/vm/drop_caches", "%d", 1 + pick(a, 3));
}

const struct op system_ops[] = {
	{ "a CPU goes and comes", 4, cpu_away },
	{ "memory goes and comes", 2, memory_away },
	{ "suspend", 1, nap },
	{ "a module comes and goes", 3, module },
	{ "a module in use stays", 1, bound_module },
	{ "a tracer comes and goes", 2, tracer },
	{ "caches are dropped", 1, caches },
	{ }
};

void system_restore(void)
{
	/* as it is after each operation: nothing to do but to see that no CPU is away */
	if (last_cpu && !(online_cpus() >> last_cpu & 1))
		cpu_online(last_cpu, 1);
}
