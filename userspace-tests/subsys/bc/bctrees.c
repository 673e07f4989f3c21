// SPDX-License-Identifier: GPL-2.0
/* See bctrees.h. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include "bctrees.h"

pid_t kids[200];
volatile int *stop;

void setup_trees(void)
{
	setup_bc();
	stop = mmap_shared(PAGE);
}

void grow(const char *opts)
{
	if (cmount(M, opts))
		bail("mount %s: %s", opts, strerror(errno));
	for (int i = 1; i < NODES; i++) {
		if (mkdir(tree[i].dir, 0755))
			bail("mkdir %s: %s", tree[i].dir, strerror(errno));
		bound(tree[i].dir, "numfiles", UNLIMITED, UNLIMITED);
	}
}

void fell(void)
{
	int e = 0;

	for (int i = NODES - 1; i && !e; i--)
		wait_for((e = E(rmdir(tree[i].dir))) != EBUSY);
	err(e, 0, "all can be removed");
	err(cumount(M), 0, "unmount");
}

pid_t mover(const pid_t *who, int n, unsigned int seed)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!*stop)
		movepid(tree[1 + rand_r(&seed) % (NODES - 1)].dir, who[rand_r(&seed) % n]);
	_exit(0);
}
