// SPDX-License-Identifier: GPL-2.0
/*
 * Sums: bringing what a container has used up to date, for a reader. The root has what is
 * left of all that was charged on each CPU.
 */
#include <linux/kernel_stat.h>

#include "compat_cpuacct.h"
#include "cpuacct.h"
#include "container_hook.h"
#include "load.h"

/* A feature that may be lost. */
#define EXACT_ROOT "exact cpuacct.usage of the root"

/**
 * struct cpuacct_all - the time of all tasks on a CPU, to find the root's in it
 * @charged: all that was charged on it, as of the last look, since some time ago
 * @sum: the scheduler's own sum at that look
 * @ticks: the ticks, likewise
 * @not_root: what the root will never get: from before the hierarchy was made,
 *	and from containers that were removed
 * @left: used while the root's time is worked out
 */
struct cpuacct_all {
	u64 charged;
	u64 sum;
	u64 ticks;
	u64 not_root;
	u64 left;
};

/* Guarded by the callback lock. */
static DEFINE_PER_CPU(struct cpuacct_all, cpuacct_all);
static u64 not_root_utime, not_root_stime;

/* Of the kernel; see compat_cpuacct.h. May be NULL. */
static u64 __percpu *cpu_sums;

/* All ticks of a CPU since boot. */
static u64 cpu_ticks(int cpu)
{
	struct kernel_cpustat stat;

	kcpustat_cpu_fetch(&stat, cpu);
	return stat.cpustat[CPUTIME_USER] + stat.cpustat[CPUTIME_NICE] +
	       stat.cpustat[CPUTIME_SYSTEM] + stat.cpustat[CPUTIME_IRQ] +
	       stat.cpustat[CPUTIME_SOFTIRQ];
}

/*
 * All that was charged on a CPU since some time ago. Some kernels (5.10) let
 * the admin set the scheduler's sum to 0, by way of their own cpuacct: what had
 * been charged since the last look is then taken from the ticks.
 */
static u64 cpu_charged(int cpu)
{
	struct cpuacct_all *all = per_cpu_ptr(&cpuacct_all, cpu);
	u64 ticks = cpu_ticks(cpu), sum = cpu_sums ? compat_cpu_charged(cpu_sums, cpu) : ticks;

	all->charged += cpuacct_follow(all->sum, sum, ticks - all->ticks);
	all->sum = sum;
	all->ticks = ticks;
	return all->charged;
}

/* All ticks since boot. */
static void all_ticks(u64 *utime, u64 *stime)
{
	struct kernel_cpustat stat;
	int cpu;

	*utime = 0;
	*stime = 0;
	for_each_possible_cpu(cpu) {
		kcpustat_cpu_fetch(&stat, cpu);
		*utime += stat.cpustat[CPUTIME_USER] + stat.cpustat[CPUTIME_NICE];
		*stime += stat.cpustat[CPUTIME_SYSTEM] + stat.cpustat[CPUTIME_IRQ] +
			  stat.cpustat[CPUTIME_SOFTIRQ];
	}
}

/* Nothing that was ever shown may become less. Of the root, whose only writer we are. */
static void raise(atomic64_t *value, u64 to)
{
	if ((s64)(to - atomic64_read(value)) > 0)
		atomic64_set(value, to);
}

/**
 * refresh_top - bring the root's sums up to date, and by the way all others
 * @top: the root's
 *
 * The total is read between the two
 * rounds: after the first, since what that finds has to be in it; before the
 * second, so that nothing that is in it is missed there and taken for the root's.
 *
 * Context: callback lock held; sleeps.
 */
void refresh_top(struct cpuacct *top)
{
	struct cpuacct_all *all;
	struct cpuacct *ca;
	u64 utime, stime;
	int cpu;

	list_for_each_entry(ca, &cpuacct_below, list)
		refresh_members(ca);
	task_update(current);
	for_each_possible_cpu(cpu) {
		all = per_cpu_ptr(&cpuacct_all, cpu);
		all->left = cpu_charged(cpu) - all->not_root;
	}
	all_ticks(&utime, &stime);
	utime -= not_root_utime;
	stime -= not_root_stime;

	list_for_each_entry(ca, &cpuacct_below, list) {
		fold_members(ca);
		for_each_possible_cpu(cpu)
			per_cpu(cpuacct_all, cpu).left -= cpu_used(ca, cpu);
		utime -= atomic64_read(&ca->utime);
		stime -= atomic64_read(&ca->stime);
	}
	for_each_possible_cpu(cpu)
		raise(&per_cpu_ptr(top->cpu, cpu)->used, per_cpu(cpuacct_all, cpu).left);
	raise(&top->utime, utime);
	raise(&top->stime, stime);
}

/**
 * cpuacct_refresh - the up to date state of a container, for a reader
 * @cont: the container
 *
 * Context: callback lock held; sleeps.
 */
struct cpuacct *cpuacct_refresh(struct container *cont)
{
	struct cpuacct *ca = cpuacct_of(cont);

	if (ca == cpuacct_top)
		refresh_top(ca);
	else
		refresh_members(ca);
	return ca;
}

/**
 * cpuacct_used - all that a container has used, as of the last refresh
 * @ca: the container's
 */
u64 cpuacct_used(struct cpuacct *ca)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += cpu_used(ca, cpu);
	return sum;
}

/**
 * cpuacct_usage - the same since the last reset
 * @ca: the container's
 */
u64 cpuacct_usage(struct cpuacct *ca)
{
	u64 sum = cpuacct_used(ca);
	int cpu;

	for_each_possible_cpu(cpu)
		sum -= per_cpu_ptr(ca->cpu, cpu)->at_reset;
	return sum;
}

/**
 * sums_begin - a hierarchy begins: the root has used nothing yet
 * @top: the root's
 *
 * Context: callback lock held.
 */
void sums_begin(struct cpuacct *top)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		per_cpu(cpuacct_all, cpu).not_root = cpu_charged(cpu);
		memset(per_cpu_ptr(top->cpu, cpu), 0, sizeof(struct cpuacct_cpu));
	}
	all_ticks(&not_root_utime, &not_root_stime);
	atomic64_set(&top->utime, 0);
	atomic64_set(&top->stime, 0);
}

/**
 * sums_removed - what a container has used is not the root's, though it goes
 * @ca: the container's
 *
 * Context: callback lock held.
 */
void sums_removed(struct cpuacct *ca)
{
	int cpu;

	for_each_possible_cpu(cpu)
		per_cpu(cpuacct_all, cpu).not_root += cpu_used(ca, cpu);
	not_root_utime += atomic64_read(&ca->utime);
	not_root_stime += atomic64_read(&ca->stime);
}

/**
 * sums_init - find what can be had of the kernel
 *
 * Context: the module is being loaded.
 * Return: 0 or an errno.
 */
int sums_init(void)
{
	static const struct container_feature feature = { .name = EXACT_ROOT };
	int err = container_feature_find(&feature);

	if (err && err != -EOPNOTSUPP)
		return err;
	cpu_sums = compat_cpu_sums();
	if (!cpu_sums)
		container_feature_lost(EXACT_ROOT,
				       "this kernel has no cpuacct of its own: the root's figures count ticks");
	return 0;
}
