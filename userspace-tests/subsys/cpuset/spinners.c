// SPDX-License-Identifier: GPL-2.0
/* See spinners.h. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "spinners.h"

int make(const char *dir, unsigned long cpus, unsigned long mems)
{
	return E(mkdir(dir, 0755)) ?: put(P("%s/cpuset.cpus", dir), "%s", list_of(cpus)) ?:
	       put(P("%s/cpuset.mems", dir), "%s", list_of(mems));
}

int getcpu_now(void)
{
	unsigned int cpu = ~0U;

	syscall(SYS_getcpu, &cpu, NULL, NULL);
	return cpu;
}

struct storm *storm;

/* Where we run, if the mask did not change meanwhile, and the container not since. */
static void sample(unsigned long moves)
{
	unsigned long seq = storm->seq, mask;
	int cpu;

	if (seq & 1)
		return;
	mask = storm->mask;
	cpu = getcpu_now();
	if (storm->seq != seq || storm->moves != moves)
		return;
	storm->samples++;
	if (!(mask >> cpu & 1))
		storm->outside++;
}

static void *spin(void *arg)
{
	unsigned int x = (unsigned long)arg * 7919 + 1;
	unsigned long seq, mask, want;
	int got;

	while (!storm->stop) {
		x = x * 1664525 + 1013904223;
		want = x >> 16 & (all << 1 | 1);	/* one that does not exist, too */
		seq = storm->seq;
		mask = storm->mask;
		got = set_affinity(0, want);
		storm->calls++;
		if (!(seq & 1) && storm->seq == seq) {
			if (got != (want & mask ? 0 : EINVAL))
				storm->wrong++;
			if (!got && affinity(0) != (want & mask) && storm->seq == seq)
				storm->wrong++;
		}
		for (int i = 0; i < 10; i++)
			sample(storm->moves);
	}
	return NULL;
}

int spinner(struct kid *up, void *arg)
{
	pthread_t t[3];
	long i;

	(void)up;
	(void)arg;
	for (i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, spin, (void *)(i + getpid()));
	spin((void *)(long)getpid());
	return 0;
}

int forker(struct kid *up, void *arg)
{
	unsigned long moves;
	pid_t pid;
	int status;

	(void)up;
	(void)arg;
	while (!storm->stop) {
		moves = storm->moves;
		pid = fork();
		if (!pid) {
			if (!(moves & 1))
				sample(moves);
			if (storm->forks & 1)
				set_affinity(0, all);
			if (!(moves & 1))
				sample(moves);
			_exit(0);
		}
		storm->forks++;
		if (waitpid(pid, &status, 0) != pid)
			return 1;
	}
	return 0;
}

int failed(const char *what, int got)
{
	if (got)
		diag("%s: %d", what, got);
	return !!got;
}
