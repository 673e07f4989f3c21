/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of numtasks share: its figures and shares, and members that make tasks as
 * they are told.
 */
#ifndef TESTS_MAKERS_H
#define TESTS_MAKERS_H

#include "forks.h"
#include "lib.h"

#define M "/tmp/m"
#define A M "/a"
#define B A "/b"
#define C B "/c"
#define F M "/f"
#define MODULE "container_numtasks"
#define PARAM(name) "/sys/module/container_numtasks/parameters/" name
#define NO_LIMIT 2147483647
#define TOTAL 10000

enum { USAGE, SUCCESSES, FAILURES, RATE_FAILURES, NSTATS };

/* The figures of a container; false if the file is not as it should be. */
bool stats(const char *dir, long v[NSTATS]);
long stat_of(const char *dir, int which);
int set_shares(const char *dir, const char *what);

/* With a total of TOTAL and as many parts at the root a share is a number of tasks. */
int limit(const char *dir, int max);

/* The root's figure is the number of tasks. Kernel threads come and go: try again. */
void balanced(const char *when);

/* A container's figure is the number of members, of those below included. */
void exact(const char *dir, const char *when);
void start(void);
void stop(void);

/* What a member can be told: makes a task that ends, or that stays; kills those. */
enum { MAKE, HOLD = 10, DROP };

int make(struct kid *k, int what, int n);

/* Others may have a copy of its channel: tell it. */
int end_maker(struct kid *k);
struct kid start_maker(const char *dir);

/* Whether a window has run out that began at that time, or may have. */
bool over(long began);

#endif
