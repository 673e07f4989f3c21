/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The scheduler's sum of all CPU time, which the kernel's own cpuacct keeps in its root group. The
 * form of the sum differs between kernels.
 */
#ifndef _COMPAT_CPUACCT_H
#define _COMPAT_CPUACCT_H

#include <linux/cgroup-defs.h>
#include <linux/kernel_stat.h>
#include <linux/percpu.h>
#include <linux/sched/task.h>
#include <linux/version.h>

/**
 * compat_cpu_sums - find the sum
 *
 * The first idle task is always in the root group. The structure of the group begins with the part
 * of the cgroup core, followed by two pointers. The second one leads to a known variable, which
 * proves that the structure is as expected. To find the sum by its name would need KALLSYMS_ALL.
 *
 * Return: the sum of each CPU, for compat_cpu_charged(); NULL if there is none.
 */
static inline u64 __percpu *compat_cpu_sums(void)
{
#ifdef CONFIG_CGROUP_CPUACCT
	const struct {
		struct cgroup_subsys_state css;
		u64 __percpu *usage;
		struct kernel_cpustat __percpu *stat;
	} *group = (void *)rcu_access_pointer(init_task.cgroups)->subsys[cpuacct_cgrp_id];

	if (group && group->stat == &kernel_cpustat)
		return group->usage;
#endif
	return NULL;
}

/**
 * compat_cpu_charged - the time that was charged on a CPU
 * @sums: the result of compat_cpu_sums()
 * @cpu: a possible CPU
 *
 * Return: the time of all tasks but the idle ones since boot, in ns.
 */
static inline u64 compat_cpu_charged(u64 __percpu *sums, int cpu)
{
	const u64 *sum = per_cpu_ptr(sums, cpu);

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 11, 0)
	/* two numbers, user and system time, which no header declares */
	return READ_ONCE(sum[0]) + READ_ONCE(sum[1]);
#else
	return READ_ONCE(sum[0]);
#endif
}

#endif /* _COMPAT_CPUACCT_H */
