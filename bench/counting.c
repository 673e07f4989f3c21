// SPDX-License-Identifier: GPL-2.0
/*
 * Counting instructions: see counting.h.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counting.h"

#define FIRST_PID "5000"

void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die("%s", path);
	close(fd);
}

/* Out of line: vfork() returns twice into the frame that it is called in. */
static __attribute__((noinline)) pid_t vfork_exit(void)
{
	pid_t pid = vfork();

	if (!pid)
		_exit(0);
	return pid;
}

void op_vfork(int n)
{
	for (int i = 0; i < n; i++) {
		pid_t pid = vfork_exit();

		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			die("vfork");
	}
}

static int cmp_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double quantile(const double *v, int n, double q)
{
	double s[MAX_VALUES], pos, f;
	int i;

	memcpy(s, v, n * sizeof(*s));
	qsort(s, n, sizeof(*s), cmp_double);
	pos = q * (n - 1);
	i = pos;
	f = pos - i;
	return i + 1 < n ? s[i] * (1 - f) + s[i + 1] * f : s[n - 1];
}

/* Until the random number generator is seeded, every fork stirs it. */
static void seed_random(void)
{
	struct {
		int bits, bytes;
		char data[64];
	} seed = { 512, 64, "always the same" };
	int fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, RNDADDENTROPY, &seed) ||
	    ioctl(fd, RNDRESEEDCRNG))
		die("seeding");
	close(fd);
}

/* Caches that exist before the modules do keep their pages. */
static void keep_slabs(void)
{
	DIR *d = opendir("/sys/kernel/slab");
	char path[300];
	struct dirent *e;

	while (d && (e = readdir(d))) {
		int fd;

		snprintf(path, sizeof(path), "/sys/kernel/slab/%s/min_partial",
			 e->d_name);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd >= 0 && write(fd, "10000", 5) != 5)
			die("%s", path);
		close(fd);
	}
	if (d)
		closedir(d);
}

/* A kernel without checkpoints has no way to say so, and wider spreads. */
static const char last_pid[] = "/proc/sys/kernel/ns_last_pid";

void first_pid(void)
{
	if (!access(last_pid, W_OK))
		put(last_pid, FIRST_PID);
}

/*
 * A task that keeps the upper nodes of the tree of ids. Those that come next have other ids: one
 * among those that are counted would keep a lower node, too.
 */
static void pin_pids(void)
{
	char now[16] = "";
	int fd = open(last_pid, O_RDONLY | O_CLOEXEC);
	pid_t pid;

	if (fd >= 0 && read(fd, now, sizeof(now) - 1) < 0)
		die("%s", last_pid);
	close(fd);
	first_pid();
	pid = fork();
	if (pid < 0)
		die("fork");
	while (!pid)
		pause();
	if (fd >= 0)
		put(last_pid, now);
}

void counting_begin(void)
{
	seed_random();
	keep_slabs();
	pin_pids();
}

/* New kernels have work left from their boot for some seconds. */
double counting_wait(void)
{
	double cost[15], median;
	int tries = 0;

	do {
		for (int i = 0; i < 15; i++) {
			uint64_t t = __rdtsc();

			spin(DRAIN / 2);
			cost[i] = __rdtsc() - t;
		}
		median = quantile(cost, 15, 0.5);
	} while (median > 1.1 * DRAIN && tries++ < 20);
	return median;
}
