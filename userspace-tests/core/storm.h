/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the workers of t_storm share: the two hierarchies, what is counted, and the tasks that
 * nobody may move.
 *
 * Containers of both hierarchies:
 *	d0.. with e0..	come and go; storm workers live there and are moved
 *	S		fixed sleepers that nobody moves, and churn around them
 *	A, B		one task goes back and forth between them
 *	inh, ex1, ex2	tasks that nobody else moves, to check inheritance
 *	K		made, filled and removed with kill_on_rmdir
 */
#ifndef TESTS_STORM_H
#define TESTS_STORM_H

#include "lib.h"

#define BASE "/tmp/storm"
#define H1 BASE "/acct"
#define H2 BASE "/x"
#define NROOTS 2
#define NDIRS 12
#define SLEEPERS 3		/* processes of */
#define SLEEPER_THREADS 60
#define MAX_PID (1 << 22)

extern const char *const roots[NROOTS];

/* What is counted; each kind of work must happen at all. */
enum kind {
	FORKS, VFORKS, THREADS, CLONES, EXECS, KILLS, MOVES, MKDIRS, RMDIRS,
	FLAGS, MOUNTS, TREE_KILLS, READS, PROC_READS, SNAPSHOTS, BOUNCES,
	INHERITS, MODULES, NKINDS
};

extern const char *const kind_name[NKINDS];

extern struct storm {
	volatile bool stop;
	long done[NKINDS], bad[NKINDS];
	long nmsgs;
	char msg[40][200];
	pid_t bouncer;
	long kround;
	/* tids that movers leave alone */
	unsigned char protected[MAX_PID / 8];
} *storm;

extern pid_t sleeper_tids[SLEEPERS * SLEEPER_THREADS];

/* The shared memory, and the kernel threads. */
void begin_storm(void);

/* Every worker is a process that ends when the storm does. */
bool on(void);

void done(enum kind k);
void bad(enum kind k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void protect(pid_t tid);
bool is_protected(pid_t tid);
uint32_t rnd(void);

/* One of the containers that come and go, or S. */
const char *some_dir(void);

/* A task of a container that comes and goes, or a kernel thread. */
pid_t some_task(bool process);

/* errno of a move into a container that may go away, of a task that may. */
bool move_errno(int e);
void move_self(void);

/* Workers that make tasks: stormtasks.c. */
void forker(int id);
void vforker(int id);
void threader(int id);
void cloner(int id);
void killer(int id);
void execer(int id);
void inheriter(int id);

/* What a task says of itself: in DIR everywhere, once; 0, or an exit status. */
int check_where(const char *dir);

/* Workers that disturb them: stormmovers.c. */
void mover(int id);
void director(int id);
void flagger(int id);
void mounter(int id);
void tree_killer(int id);
void moduler(int id);

/* Subsystems beside cpuacct: loaded and unloaded, never mounted here. */
void find_modules(void);

/* Workers that watch, and what they look at: stormwatchers.c. */
void reader(int id);
void proc_reader(int id);
void snapshooter(int id);
void churner(int id);
void bouncer(int id);
void bounce_watcher(int id);

/* What must be true when all is quiet again: stormend.c. */
int wait_workers(const pid_t *pids, int n);
int wait_all(void);
bool exact(const char *root);
bool topcount_right(const char *set, const char *root);
void dissolve_y(void);
void check_containers_left(void);

#endif
