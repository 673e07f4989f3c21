/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The arithmetic of cpuacct. The functions touch nothing but their arguments, so that KUnit can
 * test them.
 */
#ifndef _CPUACCT_LOAD_H
#define _CPUACCT_LOAD_H

#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/param.h>
#include <linux/time64.h>
#include <linux/types.h>

/**
 * cpuacct_room - the CPU time that all CPUs have together
 * @elapsed: the elapsed time, in ns
 * @cpus: the number of CPUs
 *
 * Return: the time in microseconds, which do not overflow in a century.
 */
static inline u64 cpuacct_room(u64 elapsed, unsigned int cpus)
{
	return div_u64(elapsed, NSEC_PER_USEC) * cpus;
}

/**
 * cpuacct_load - the share of the machine's CPU time that was used
 * @used: the CPU time that was used, in ns
 * @elapsed: the elapsed time, in ns
 * @cpus: the number of CPUs; not 0
 *
 * Return: the share in per cent, rounded to the nearest, at most 100; 0 if no time has elapsed.
 */
static inline unsigned int cpuacct_load(u64 used, u64 elapsed, unsigned int cpus)
{
	u64 room = cpuacct_room(elapsed, cpus);

	used = min(div_u64(used, NSEC_PER_USEC), room);
	return room ? div64_u64(used * 100 + room / 2, room) : 0;
}

/**
 * cpuacct_follow - the growth of a sum that may have been reset
 * @before: the sum at the last look
 * @now: the sum now
 * @ticks: the growth counted in ticks, which replaces the exact growth after a reset
 *
 * Return: the growth since the last look.
 */
static inline u64 cpuacct_follow(u64 before, u64 now, u64 ticks)
{
	return now >= before ? now - before : ticks;
}

/**
 * cpuacct_split - split CPU time into user and system
 * @used: exact CPU time, in ns
 * @utime: the ticks in user mode, in ns
 * @stime: the ticks in kernel mode, in ns
 * @user: in: the last result, or 0; out: the user part of @used
 * @system: the same for the system part
 *
 * The ticks give only the ratio. The parts add up to @used, and neither ever becomes less, so they
 * may follow a changed ratio late. Without a tick all time is user time, as in the kernel's own
 * figures.
 */
static inline void cpuacct_split(u64 used, u64 utime, u64 stime, u64 *user, u64 *system)
{
	u64 part = 0;

	if (used <= *user + *system)
		return;
	if (stime)
		part = utime ? mul_u64_u64_div_u64(used, stime, utime + stime) : used;
	*system = clamp(part, *system, used - *user);
	*user = used - *system;
}

/* Converts nanoseconds to the unit of cpuacct.stat. */
static inline u64 cpuacct_clock_ticks(u64 ns)
{
	return div_u64(ns, NSEC_PER_SEC / USER_HZ);
}

#endif /* _CPUACCT_LOAD_H */
