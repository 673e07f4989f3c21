/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The arithmetic of cpuacct: numbers in, numbers out.
 */
#ifndef _CPUACCT_LOAD_H
#define _CPUACCT_LOAD_H

#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/param.h>
#include <linux/time64.h>
#include <linux/types.h>

/**
 * cpuacct_room - CPU time that a machine has
 * @elapsed: time that goes by, in ns
 * @cpus: how many CPUs there are
 *
 * Return: microseconds, which overflow in no century.
 */
static inline u64 cpuacct_room(u64 elapsed, unsigned int cpus)
{
	return div_u64(elapsed, NSEC_PER_USEC) * cpus;
}

/**
 * cpuacct_load - share of the machine's CPU time
 * @used: CPU time used, in ns
 * @elapsed: time that went by, in ns
 * @cpus: how many CPUs there are; not 0
 *
 * Return: per cent, rounded to the nearest, at most 100; 0 if no time went by.
 */
static inline unsigned int cpuacct_load(u64 used, u64 elapsed, unsigned int cpus)
{
	u64 room = cpuacct_room(elapsed, cpus);

	used = min(div_u64(used, NSEC_PER_USEC), room);
	return room ? div64_u64(used * 100 + room / 2, room) : 0;
}

/**
 * cpuacct_follow - go on with a sum that somebody else may set back
 * @before: what it was at the last look
 * @now: what it is
 * @ticks: what the ticks say of the time since then
 *
 * Return: by how much it would have grown.
 */
static inline u64 cpuacct_follow(u64 before, u64 now, u64 ticks)
{
	return now >= before ? now - before : ticks;
}

/**
 * cpuacct_split - split CPU time into user and system
 * @used: exact CPU time, in ns
 * @utime: the ticks that found the CPU in user mode, in ns
 * @stime: the ticks that found it in the kernel, in ns
 * @user: in: the answer of last time, or 0; out: the user part of @used
 * @system: as @user, for the system part
 *
 * The ticks give the ratio only. The parts add up to @used, and neither ever
 * becomes less, which may put off following a ratio that has changed. Without a
 * tick all is user time, as in the kernel's own figures.
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

/* Nanoseconds in the unit of cpuacct.stat. */
static inline u64 cpuacct_clock_ticks(u64 ns)
{
	return div_u64(ns, NSEC_PER_SEC / USER_HZ);
}

#endif /* _CPUACCT_LOAD_H */
