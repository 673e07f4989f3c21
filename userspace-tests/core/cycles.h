/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of loads and unloads share: a storm of forks, vforks, threads and readers of
 * /proc, and loads and unloads in it.
 */
#ifndef TESTS_CYCLES_H
#define TESTS_CYCLES_H

#include "lib.h"

#define DIR_ "/tmp/cycle"

enum { FORKER, VFORKER, THREADER, PROC_READER, IN_FORKER, IN_THREADER,
       IN_VFORKER, NWORKERS };

extern struct shared {
	volatile bool stop, pause;
	volatile bool idle[NWORKERS];
	long done[NWORKERS];
} *sh;

extern pid_t worker[NWORKERS];
__attribute__((noinline)) void vfork_one(void);
void start_storm(void);
void pause_storm(bool pause);
void stop_storm(void);
bool load(void);

/* All modules, the core last; the errno of the one that stays. */
int rmmod_all(void);

/* A reader of /proc may put it off at any moment: tries for SECONDS. */
int unload(int seconds);

/* Empties and removes; forks go on inside, so that it takes a few tries. */
bool removed(const char *dir);

/*
 * Unloads in a child, for it may have to wait for what is held: 0 or the
 * errno, -1 if it still waits (unload_end() takes the answer then).
 */
int unload_begin(void);
int unload_end(int begun);

/* What unload_begin() may say of something held: it is said in a test line. */
bool unload_held(int e, const char *what);

/* Loads, mounts and makes the container a; and the reverse, without unloading. */
bool mounted_a(void);
int unmount_a(void);

#endif
