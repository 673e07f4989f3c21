/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Workers for the tests of bc: they are in a container and do as they are told over a
 * channel: open files, fork, start threads, execute.
 */
#ifndef TESTS_BCWORKERS_H
#define TESTS_BCWORKERS_H

#include "bcs.h"

/*
 * A function for a worker to run, and its answer: a number, or a negative errno.
 * Workers have room for what they open and allocate nothing that is counted.
 */
typedef long (*job)(long arg);

struct worker {
	pid_t pid;
	int fd;
};
#define FDS 2048

extern int fds[FDS];

extern int nfds;

extern int channel;		/* a worker's */

struct worker worker(const char *dir);
void tell(struct worker *w, job fn, long arg);
long answer(struct worker *w);
long ask(struct worker *w, job fn, long arg);
int quit(struct worker *w);

/* Opens up to so many files; how many it got, the errno that ended it in last_errno. */
long open_files(long count);
long close_files(long count);
long exec_self(long arg);
long fork_kids(long count);
long fork_error(long arg);
long end_kids(long count);
long start_threads(long count);
long end_threads(long arg);
long vfork_error(long arg);

#endif
