// SPDX-License-Identifier: GPL-2.0
/*
 * threads N [spin SECONDS]: a process of N threads, which wait until they are killed, or use that
 * much CPU time together, say how many milliseconds it was, and end.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double seconds;

/* What the scheduler has charged to this process. */
static double used(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void *work(void *arg)
{
	while (!seconds)
		pause();
	while (used() < seconds)
		;
	return arg;
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 1;
	pthread_t thread;

	if (argc > 3 && !strcmp(argv[2], "spin"))
		seconds = atof(argv[3]);
	while (--threads > 0)
		if (pthread_create(&thread, NULL, work, NULL))
			return 1;
	work(NULL);
	printf("%.0f\n", used() * 1000);
	return 0;
}
