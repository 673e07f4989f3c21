/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of t_stress share. Actors are processes that do what their seed says, at once,
 * until the main process has them rest; then the invariants are checked, and they go on.
 *
 * Three hierarchies: all subsystems but ns, ns, and a named one without any. Each has containers
 * c0 to c5 with s0 and s1 in each, which come and go.
 */
#ifndef TESTS_STRESS_H
#define TESTS_STRESS_H

#include "lib.h"

#define TOP "/tmp/stress"
#define ALL TOP "/all"
#define NAMED TOP "/named"
#define NS TOP "/ns"
#define ACTORS 10
#define KIDS 6
#define DIRS 6

/* One of those who act. */
struct actor {
	int id;
	uint64_t random;
	pid_t kids[KIDS];	/* its sleeping children; 0: none */
};

/* Something to do, and how often, beside the others of its table. */
struct op {
	const char *name;
	int weight;
	void (*run)(struct actor *a);
};

enum phase { ACT, REST, END };

extern struct shared {
	volatile enum phase phase;
	int resting;
	long done, wrong;
	pid_t kids[ACTORS][KIDS];	/* for others to move */
	const char *doing[ACTORS];	/* the name of what each does; NULL: it rests */
	char said[40][240];		/* what was wrong */
} *shared;

/* The actor's next number below @below. */
unsigned int pick(struct actor *a, unsigned int below);

/* A container that comes and goes, of any hierarchy but ns or of the first one; may be a root. */
const char *some_container(struct actor *a);
const char *some_of_all(struct actor *a);

/* A child of some actor, or 0. */
pid_t some_kid(struct actor *a);

/*
 * The operation of the moment failed. Which errnos are no surprise, up to a 0, is said by
 * allowed(); anything else is written down, and makes the test fail.
 */
#define ANYWAY ENOENT, ENODEV, EAGAIN, ENOMEM, EMFILE, ENFILE, EINTR
bool allowed(struct actor *a, const char *what, int e, ...);
void wrong(struct actor *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

extern const struct op task_ops[], tree_ops[], use_ops[], system_ops[];

/*
 * What the kernel itself does not stand while a CPU comes online, or in a suspend, locks these out:
 * a lock, for close(), exclusive for CPUs and suspend, shared for the others.
 * Opening a first ring: kernels up to 6.4 crash if a CPU comes online meanwhile, since
 * io_wq_create() registers for that before it has set up its lists.
 * execve() in a thread: it waits for the other threads, which a suspend may have frozen; then the
 * suspend fails after 20 s, and the log has a trace. The lock's descriptor is closed by execve().
 */
int system_lock(int operation);

/* The machine as it was: before a rest. */
void system_restore(void);
/* Finds what this machine can do. */
void system_find(void);

/* At a rest: what has to hold. */
void check_invariants(void);

#endif
