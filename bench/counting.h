/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counting instructions in a guest that runs under "qemu -icount shift=0,sleep=off" with one CPU.
 * There the time stamp counter counts executed instructions, of user space and the kernel,
 * interrupts included; only idle time is added.
 *
 * A vfork is some 40,000 instructions and is to be known to 10 or 20. What it takes, each found
 * by comparing profiles (bench/run --profile):
 * - Deferred work. What is freed by RCU runs in bursts, a burst for some hundred forks: batches of
 *   any bearable length differ by a thousand instructions an operation in how much of it they
 *   happen to hold. So a batch ends with a wait in user space, of a known length, in which its own
 *   leftovers are worked off: the mean holds them in full, and no others.
 * - The random number generator. Until it is seeded every fork stirs it, for 11,000 instructions.
 * - Process ids. Their radix tree allocates one node or two for a fork, as ids happen to fall: each
 *   batch begins at the same id.
 * - Slabs. A batch's end empties some, and how many of their pages go back and must be got and
 *   cleared again is chance. All that exist at the beginning keep theirs.
 */
#ifndef _COUNTING_H
#define _COUNTING_H

#include <stdint.h>
#include <x86intrin.h>

/* Instructions of a wait: eight ticks, enough for RCU to free what a batch has left. */
#define DRAIN 32000000
/* Of quantile(). */
#define MAX_VALUES 64

/* The program's own: says what has failed, and errno, and ends. */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

void put(const char *path, const char *text);

/* Sets the state of the system that all figures assume, while the calling process's child lives. */
void counting_begin(void);

/* What a wait costs, once what the boot has left to do is done. */
double counting_wait(void);

/* The beginning of a batch: the next process gets the same id as in all others. */
void first_pid(void);

/* Runs 2 * n + 2 instructions of user space, and whatever interrupts them. */
static inline void spin(uint64_t n)
{
	asm volatile("1: dec %0\n\tjnz 1b" : "+r" (n) :: "cc");
}

/* n processes, one after another, that end at once. */
void op_vfork(int n);

/* Of n values, which keep their order; q from 0 to 1. */
double quantile(const double *v, int n, double q);

#endif /* _COUNTING_H */
