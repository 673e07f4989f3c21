/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between kernels in the scheduler's sum of all CPU time.
 */
#ifndef _COMPAT_CPUACCT_H
#define _COMPAT_CPUACCT_H

#include <linux/percpu.h>
#include <linux/version.h>

/**
 * compat_cpu_charged - all that was charged on a CPU
 * @usage: root_cpuacct_cpuusage, the sum of the kernel's own cpuacct
 * @cpu: a possible CPU
 *
 * Return: nanoseconds since boot, of all tasks but the idle ones.
 */
static inline u64 compat_cpu_charged(u64 __percpu *usage, int cpu)
{
	const u64 *sum = per_cpu_ptr(usage, cpu);

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 11, 0)
	/* two numbers, of user and of system time */
	return READ_ONCE(sum[0]) + READ_ONCE(sum[1]);
#else
	return READ_ONCE(sum[0]);
#endif
}

#endif /* _COMPAT_CPUACCT_H */
