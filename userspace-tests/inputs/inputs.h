/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of t_inputs share. A program is a few steps, each a call with two numbers and a
 * text. It runs in a process of its own, alone in its namespaces of pids and mounts, and in the
 * container ALL/p.
 */
#ifndef TESTS_INPUTS_H
#define TESTS_INPUTS_H

#include "lib.h"

#define TOP "/tmp/inputs"
#define ALL TOP "/all"		/* all subsystems but ns */
#define NAMED TOP "/named"	/* a hierarchy without any */
#define OTHER TOP "/other"	/* for programs to mount something */

#define STEPS 12
#define TEXT 48

struct step {
	unsigned char call, a, b;
	int len;
	char text[TEXT];
};

struct program {
	int count;
	struct step steps[STEPS];
};

/* A number below @below, of the run's seed. */
extern uint64_t random_state;
unsigned int pick(unsigned int below);

/* A child of @p, or of @p and @with. */
void mutate(struct program *p, const struct program *with);
/* As a line of the corpus, and back; false: it is none. */
const char *program_text(const struct program *p);
bool program_parse(struct program *p, const char *line);

/* The calls: how many, and their names. */
int calls(void);
const char *call_name(int call);
/* Finds the control files that there are; then a program can be run. */
void find_files(void);
void program_run(const struct program *p);

#endif
