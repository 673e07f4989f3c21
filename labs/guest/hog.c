// SPDX-License-Identifier: GPL-2.0
/*
 * hog SECONDS: has its CPU to itself for so long, with the priority of a real-time process, rests
 * for three milliseconds, and so on until it is killed.
 */
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double used(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 1, end = 0;

	if (sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ 50 }))
		return 1;
	for (;;) {
		end += seconds;
		while (used() < end)
			;
		usleep(3000);
	}
}
