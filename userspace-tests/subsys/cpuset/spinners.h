/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Members of a cpuset that spin and fork, and note where they run.
 */
#ifndef TESTS_SPINNERS_H
#define TESTS_SPINNERS_H

#include "cpusets.h"

#define M "/tmp/m"
#define A M "/a"
#define B A "/b"
#define C M "/c"

/* A container that tasks can enter. */
int make(const char *dir, unsigned long cpus, unsigned long mems);
int getcpu_now(void);

/* What the storm agrees on, in shared memory. */
struct storm {
	/* the mask that holds, and how often it changed; odd while it does */
	_Atomic unsigned long mask, seq;
	/* how often they moved; odd while they do */
	_Atomic unsigned long moves;
	_Atomic long outside, samples, calls, wrong, forks;
	_Atomic bool stop;
};
extern struct storm *storm;

int spinner(struct kid *up, void *arg);

/*
 * Forks all the time; children look where they begin. A move leaves behind those that
 * are there already, or begin just then.
 */
int forker(struct kid *up, void *arg);
int failed(const char *what, int got);

#endif
