/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tree of t_bctree and t_bcattack: /a with b and c below, and two containers below each of
 * those.
 */
#ifndef TESTS_BCTREES_H
#define TESTS_BCTREES_H

#include "bcs.h"

/* Parents before children. */
static const struct node {
	const char *dir;
	int parent;
} tree[] = {
	{ M, -1 }, { A, 0 }, { A "/b", 1 }, { A "/c", 1 },
	{ A "/b/d", 2 }, { A "/b/e", 2 }, { A "/c/f", 3 }, { A "/c/g", 3 },
};
#define NODES ((int)ARRAY_SIZE(tree))

/* setup_bc(), and what tells movers to stop. */
void setup_trees(void);

void grow(const char *opts);

/* Files and address spaces may be given back a little later. */
void fell(void);

extern pid_t kids[200];

/* Shared: 0: go on, 1: end, 2: do not begin yet. */
extern volatile int *stop;
pid_t mover(const pid_t *who, int n, unsigned int seed);

#endif
