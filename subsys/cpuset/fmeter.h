/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A meter of how often something happens: the rate of the last seconds, with what is
 * older counting less and less. Pure functions of their arguments; KUnit tests them
 * by themselves.
 *
 * As the cpusets of 2.6 had it: each second the rate decays to 933/1000 of what it
 * was, so that it halves in ten seconds, and the events since the last look are
 * mixed in with the weight that is left. In thousandths of an event a second.
 */
#ifndef _FMETER_H
#define _FMETER_H

#include <linux/minmax.h>
#include <linux/types.h>

#define FMETER_SCALE	1000
#define FMETER_KEEP	933
/* after so many seconds nothing is left of a rate */
#define FMETER_FORGET	99
/* more events between two looks than this do not count: it would overflow */
#define FMETER_MOST	(1000 * FMETER_SCALE)

/**
 * struct fmeter - a meter; its owner guards it
 * @events: since the last look, in thousandths
 * @rate: at the last look
 * @time: of the last look, in seconds
 */
struct fmeter {
	int events;
	int rate;
	s64 time;
};

/**
 * fmeter_rate - look at a meter
 * @fm: the meter
 * @now: the time in seconds; never goes back
 *
 * Return: thousandths of an event a second.
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
 * fmeter_event - something happened
 * @fm: the meter
 * @now: when, in seconds
 */
static inline void fmeter_event(struct fmeter *fm, s64 now)
{
	fmeter_rate(fm, now);
	fm->events = min(fm->events + FMETER_SCALE, FMETER_MOST);
}

#endif /* _FMETER_H */
