/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The scheduler's sum of all CPU time, which the kernel's own cpuacct keeps in its root group. The
 * form of the sum differs between kernels.
 */
#ifndef _COMPAT_CPUACCT_H
#define _COMPAT_CPUACCT_H

#include <linux/cgroup-defs.h>
#include <linux/delay.h>
#include <linux/kernel_stat.h>
#include <linux/percpu.h>
#include <linux/sched/task.h>
#include <linux/workqueue.h>

#include "cpuacct.h"

/**
 * struct compat_cpu_sums - where the sum is
 * @sum: of each CPU: one number, or user and system time; NULL if there is none that we know
 * @numbers: how many numbers
 */
struct compat_cpu_sums {
	u64 __percpu *sum;
	int numbers;
};

/* Is the time of the caller, whom nobody interrupts, added to this number of its CPU? */
static inline bool compat_gets_time(const u64 *number)
{
	u64 before = READ_ONCE(*number), ran;

	task_update(current);
	ran = current->se.sum_exec_runtime;
	udelay(5);
	task_update(current);
	ran = current->se.sum_exec_runtime - ran;
	return ran && READ_ONCE(*number) - before >= ran;
}

struct compat_sums_trial {
	struct work_struct work;
	struct compat_cpu_sums *sums;
};

/*
 * Counts the numbers. A worker is never in user mode: its time is added to the only number, or to
 * the second one. If another CPU looks at this one's run queue, time may go astray, so retry. With
 * an unstable TSC, the scheduler's clock stands still while a tick is late: wait for the next one.
 */
static inline void compat_count_numbers(struct work_struct *work)
{
	struct compat_cpu_sums *sums = container_of(work, struct compat_sums_trial, work)->sums;
	unsigned long flags;
	int tries;

	for (tries = 0; tries < 100 && !sums->numbers; tries++) {
		local_irq_save(flags);
		if (compat_gets_time(this_cpu_ptr(sums->sum)))
			sums->numbers = 1;
		else if (compat_gets_time(this_cpu_ptr(sums->sum) + 1))
			sums->numbers = 2;
		local_irq_restore(flags);
		if (!sums->numbers && tries % 10 == 9)
			msleep(20);
	}
}

/**
 * compat_find_cpu_sums - find the sum, and its form
 * @sums: is filled in
 *
 * The first idle task is always in the root group. The structure of the group begins with the part
 * of the cgroup core, followed by two pointers. The second one leads to a known variable, which
 * proves that the structure is as expected. To find the sum by its name would need KALLSYMS_ALL.
 *
 * No header declares how many numbers it has: kernels before 5.17 have two, but the change to one
 * was backported. So a worker sees by its own time.
 *
 * Context: sleeps; task_update() can be called.
 */
static inline void compat_find_cpu_sums(struct compat_cpu_sums *sums)
{
#ifdef CONFIG_CGROUP_CPUACCT
	const struct {
		struct cgroup_subsys_state css;
		u64 __percpu *usage;
		struct kernel_cpustat __percpu *stat;
	} *group = (void *)rcu_access_pointer(init_task.cgroups)->subsys[cpuacct_cgrp_id];
	struct compat_sums_trial trial = { .sums = sums };

	if (!group || group->stat != &kernel_cpustat)
		return;
	sums->sum = group->usage;
	INIT_WORK_ONSTACK(&trial.work, compat_count_numbers);
	schedule_work(&trial.work);
	flush_work(&trial.work);
	destroy_work_on_stack(&trial.work);
	if (!sums->numbers)
		sums->sum = NULL;
#endif
}

/**
 * compat_cpu_charged - the time that was charged on a CPU
 * @sums: the result of compat_find_cpu_sums(), not empty
 * @cpu: a possible CPU
 *
 * Return: the time of all tasks but the idle ones since boot, in ns.
 */
static inline u64 compat_cpu_charged(const struct compat_cpu_sums *sums, int cpu)
{
	const u64 *sum = per_cpu_ptr(sums->sum, cpu);

	return READ_ONCE(sum[0]) + (sums->numbers == 2 ? READ_ONCE(sum[1]) : 0);
}

#endif /* _COMPAT_CPUACCT_H */
