// SPDX-License-Identifier: GPL-2.0
/*
 * cost [begin]: prints how many instructions it takes to start a process that ends at once, and to
 * wait for it. "cost begin" has to be run before, in no container; it leaves a process behind. For
 * a guest whose clock counts instructions: bench/counting.h has more.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../bench/counting.h"

#define FORKS 400
#define BATCHES 5
/* Where "begin" leaves what a wait costs. */
#define BEGUN "/run/cost"

void die(const char *fmt, ...)
{
	int e = errno;
	va_list ap;

	fprintf(stderr, "cost: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(e));
	exit(1);
}

static double batch(double wait)
{
	unsigned long t;

	first_pid();
	t = __rdtsc();
	op_vfork(FORKS);
	spin(DRAIN / 2);
	return (__rdtsc() - t - wait) / FORKS;
}

/* What a wait costs is found out once: it varies a little, and would vary all figures. */
static int begin(void)
{
	FILE *f;

	counting_begin();
	f = fopen(BEGUN, "wx");
	return f ? fprintf(f, "%.0f\n", counting_wait()) < 0 || fclose(f) : errno != EEXIST;
}

int main(int argc, char **argv)
{
	double wait, figure[BATCHES];
	FILE *f;

	if (argc == 2 && !strcmp(argv[1], "begin"))
		return begin();
	f = fopen(BEGUN, "r");
	if (!f || fscanf(f, "%lf", &wait) != 1)
		die("%s, which \"cost begin\" makes", BEGUN);
	batch(wait);
	for (int i = 0; i < BATCHES; i++)
		figure[i] = batch(wait);
	/* chance only adds */
	printf("%.0f\n", quantile(figure, BATCHES, 0.25));
	return 0;
}
