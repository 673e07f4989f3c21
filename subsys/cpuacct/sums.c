// SPDX-License-Identifier: GPL-2.0
/*
 * Brings the sums of a container up to date for a reader. The root's are what the other containers
 * leave of the time that was charged on each CPU.
 */
#include <linux/kernel_stat.h>

#include "compat_cpuacct.h"
#include "cpuacct.h"
#include "container_hook.h"
#include "load.h"
#include "private.h"

/* A feature that may be lost. */
#define EXACT_ROOT "exact cpuacct.usage of the root"

/**
 * struct cpuacct_all - the time of all tasks on a CPU, to compute the root's part of it
 * @charged: the time that was charged on the CPU up to the last look; its beginning is arbitrary
 * @sum: the scheduler's own sum at the last look
 * @ticks: the ticks at the last look
 * @not_root: the part that does not belong to the root: the time before the hierarchy was made,
 *	and the time of removed containers
 * @left: scratch value while the root's time is computed
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

/* The scheduler's sums; see compat_cpuacct.h. Empty if the kernel has none. */
static struct compat_cpu_sums cpu_sums;

/* The time of all ticks of a CPU since boot, idle ones excluded. */
static u64 cpu_ticks(int cpu)
{
	struct kernel_cpustat stat;

	kcpustat_cpu_fetch(&stat, cpu);
	return stat.cpustat[CPUTIME_USER] + stat.cpustat[CPUTIME_NICE] +
	       stat.cpustat[CPUTIME_SYSTEM] + stat.cpustat[CPUTIME_IRQ] +
	       stat.cpustat[CPUTIME_SOFTIRQ];
}

/*
 * The time that was charged on a CPU, from an arbitrary beginning. Some kernels (5.10) let the
 * admin reset the scheduler's sum by their own cpuacct: then the ticks since the last look count.
 */
static u64 cpu_charged(int cpu)
{
	struct cpuacct_all *all = per_cpu_ptr(&cpuacct_all, cpu);
	u64 ticks = cpu_ticks(cpu);
	u64 sum = cpu_sums.sum ? compat_cpu_charged(&cpu_sums, cpu) : ticks;

	all->charged += cpuacct_follow(all->sum, sum, ticks - all->ticks);
	all->sum = sum;
	all->ticks = ticks;
	return all->charged;
}

/* The time of all ticks of all CPUs since boot, idle ones excluded. */
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

/* Raises a value of the root, which may never go back. The caller is its only writer. */
static void raise(atomic64_t *value, u64 to)
{
	if ((s64)(to - atomic64_read(value)) > 0)
		atomic64_set(value, to);
}

/**
 * refresh_top - bring the sums of the root up to date, together with all others
 * @top: the state of the root
 *
 * All members are folded in two rounds, and the total is read between them: after the first, so
 * that it includes the time that was found there; before the second, so that all time of members
 * in the total is found, too, and is not taken for the root's.
 *
 * Context: callback lock held; sleeps.
 */
void refresh_top(struct cpuacct *top)
{
	struct cpuacct_all *all;
	struct cpuacct *ca;
	u64 utime, stime;
	int cpu;

	container_assert_locked();
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
 * cpuacct_refresh - bring the sums of a container up to date
 * @cont: the container
 *
 * Context: callback lock held; sleeps.
 * Return: the state of the container.
 */
struct cpuacct *cpuacct_refresh(struct container *cont)
{
	struct cpuacct *ca = cpuacct_of(cont);

	container_assert_locked();
	if (ca == cpuacct_top)
		refresh_top(ca);
	else
		refresh_members(ca);
	return ca;
}

/**
 * cpuacct_used - all time that a container has used, as of the last refresh
 * @ca: the state of the container
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
 * cpuacct_usage - the time that a container has used since its last reset
 * @ca: the state of the container
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
 * sums_begin - clear the sums of the root of a new hierarchy
 * @top: the state of the root
 *
 * Context: callback lock held.
 */
void sums_begin(struct cpuacct *top)
{
	int cpu;

	container_assert_locked();
	for_each_possible_cpu(cpu) {
		per_cpu(cpuacct_all, cpu).not_root = cpu_charged(cpu);
		memset(per_cpu_ptr(top->cpu, cpu), 0, sizeof(struct cpuacct_cpu));
	}
	all_ticks(&not_root_utime, &not_root_stime);
	atomic64_set(&top->utime, 0);
	atomic64_set(&top->stime, 0);
}

/**
 * sums_removed - keep the time of a container that is removed from being counted for the root
 * @ca: the state of the container
 *
 * Context: callback lock held.
 */
void sums_removed(struct cpuacct *ca)
{
	int cpu;

	container_assert_locked();
	for_each_possible_cpu(cpu)
		per_cpu(cpuacct_all, cpu).not_root += cpu_used(ca, cpu);
	not_root_utime += atomic64_read(&ca->utime);
	not_root_stime += atomic64_read(&ca->stime);
}

/**
 * sums_init - find the scheduler's sums
 *
 * Context: the module is being loaded, after fold_init().
 * Return: 0 or an errno.
 */
int sums_init(void)
{
	static const struct container_feature feature = { .name = EXACT_ROOT };
	int err = container_feature_find(&feature);

	if (err && err != -EOPNOTSUPP)
		return err;
	compat_find_cpu_sums(&cpu_sums);
	if (!cpu_sums.sum)
		container_feature_lost(EXACT_ROOT,
				       "this kernel has no cpuacct of its own, or one of another form: the root's figures count ticks");
	return 0;
}
