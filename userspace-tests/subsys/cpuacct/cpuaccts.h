/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of cpuacct share: its figures, and workers that use CPU time as they are told.
 */
#ifndef TESTS_CPUACCTS_H
#define TESTS_CPUACCTS_H

#include "lib.h"

#define M "/tmp/m"

#define MAX_CPUS 64

/* The kernel has had nothing to say since then. */
void silent(int log);
#define MS 1000000L
#define TICK (10 * MS)		/* of cpuacct.stat */
extern int ncpus;		/* possible */

long usage(const char *cont);
long subtree(const char *cont);

/* The number of them; their sum is returned too. */
int percpu(const char *file, long *v, long *sum);
bool stat_of(const char *cont, long *user, long *sys);

struct load {
	long time, accumulated, since, load;
};

bool load_of(const char *cont, struct load *l);

/* What the scheduler has charged to a process, up to this moment. */
long clock_of(pid_t pid);
long own_clock(void);

/*
 * Does a sum of figures grow as the total does, but for 1 % and some ms? The
 * total is read before and after the sum, both times.
 */
struct sum {
	long (*fn)(void);
	long before, value, after;
};

enum { QUIT, BURN, SYSBURN, FORKS, THREADS, CHILD, SPIN };
#define ARG 1000000

void burn(long ms);
int work(int op, int arg);

/*
 * Waits until it sleeps and is off its CPU, so that its clock stands and shows
 * all that it used. The kernel looks after the latter for /proc/PID/syscall.
 */
void settle(pid_t pid);
struct kid start(void);

/* Tells a worker what to do; it sleeps again when this returns. */
int run(struct kid *k, int op, int arg);
void quit(struct kid *k);
void move(const char *cont, pid_t pid);
void make(const char *cont);

/* A pid that died may be a member until its exit is through. */
void removed(const char *cont);

#endif
