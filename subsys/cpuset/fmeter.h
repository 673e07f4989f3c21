/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A meter of the rate of events over the last seconds, in which older events count less and less.
 * The functions touch nothing but their arguments, so that KUnit can test them.
 *
 * It works as in the cpusets of 2.6: each second the rate decays to 933/1000 of its value, so that
 * it halves in ten seconds, and the events since the last look are added with the remaining
 * weight. The unit is a thousandth of an event a second.
 */
#ifndef _FMETER_H
#define _FMETER_H

#include <linux/minmax.h>
#include <linux/types.h>

#define FMETER_SCALE	1000
#define FMETER_KEEP	933
/* seconds after which a thousandth is left of a rate: longer pauses count as this one */
#define FMETER_FORGET	99
/* the most that counts between two looks: more would overflow */
#define FMETER_MOST	(1000 * FMETER_SCALE)

/**
 * struct fmeter - a meter, which its owner guards by a lock
 * @events: the events since the last look, in thousandths
 * @rate: the rate at the last look
 * @time: the time of the last look, in seconds
 */
struct fmeter {
	int events;
	int rate;
	s64 time;
};

/**
 * fmeter_rate - update and read a meter
 * @fm: the meter
 * @now: the time in seconds; never goes back
 *
 * Return: the rate, in thousandths of an event a second.
 */
static inline int fmeter_rate(struct fmeter *fm, s64 now)
{
	s64 seconds = now - fm->time;

	if (seconds <= 0)
		return fm->rate;
	for (seconds = min_t(s64, seconds, FMETER_FORGET); seconds; seconds--)
		fm->rate = fm->rate * FMETER_KEEP / FMETER_SCALE;
	fm->rate += fm->events * (FMETER_SCALE - FMETER_KEEP) / FMETER_SCALE;
	fm->events = 0;
	fm->time = now;
	return fm->rate;
}

/**
 * fmeter_event - count an event
 * @fm: the meter
 * @now: its time, in seconds
 */
static inline void fmeter_event(struct fmeter *fm, s64 now)
{
	fmeter_rate(fm, now);
	fm->events = min(fm->events + FMETER_SCALE, FMETER_MOST);
}

#endif /* _FMETER_H */
