// SPDX-License-Identifier: GPL-2.0
/* See makers.h. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include "makers.h"

static const char *const stat_names[] = {
	"Current usage", "Number of successes", "Number of failures",
	"Number of forkrate failures",
};

bool stats(const char *dir, long v[NSTATS])
{
	char *s = get(P("%s/numtasks.stats", dir));
	int n;

	for (int i = 0; s && i < NSTATS; i++) {
		char *format = NULL;

		if (asprintf(&format, "numtasks: %s %%ld\n%%n", stat_names[i]) < 0)
			abort();
		n = 0;
		if (sscanf(s, format, &v[i], &n) != 1 || !n)
			s = NULL;
		else
			s += n;
		free(format);
	}
	return s && !*s;
}

long stat_of(const char *dir, int which)
{
	long v[NSTATS];

	return stats(dir, v) ? v[which] : -1;
}

int set_shares(const char *dir, const char *what)
{
	return put(P("%s/numtasks.shares", dir), "%s\n", what);
}

int limit(const char *dir, int max)
{
	return set_shares(dir, P("max_shares=%d", max));
}

static long usage_of_root(void)
{
	return stat_of(M, USAGE);
}

void balanced(const char *when)
{
	ok(counts_all(usage_of_root), "%s, the root's usage is the number of tasks", when);
}

void exact(const char *dir, const char *when)
{
	long usage = 0;
	int members = 0;
	bool good = wait_for(({
		pid_t *list;

		members = tree_tasks(dir, &list);
		free(list);
		usage = stat_of(dir, USAGE);
		usage == members;
	}));

	ok(good, "%s: usage of %s is what its files list", when, dir + strlen(M));
	if (!good)
		diag("usage %ld, members %d", usage, members);
}

void start(void)
{
	int e = cmount(M, "numtasks") ?: put(PARAM("total_numtasks"), "%d", TOTAL) ?:
		set_shares(M, P("child_shares_divisor=%d", TOTAL)) ?:
		E(mkdir(A, 0755));

	err(e, 0, "mount, a total of %d, a container", TOTAL);
}

void stop(void)
{
	int e;

	balanced("at last");
	e = wait_for(!rmdir(A)) ? 0 : errno;
	err(e ?: E(umount(M)) ?: put(PARAM("total_numtasks"), "%d", NO_LIMIT), 0,
	    "remove it and unmount");
}

/* A process in a container that makes tasks as it is told, so many at a time. */
static int maker(struct kid *up, void *dir)
{
	pid_t held[256];
	int what, n, e = put(P("%s/tasks", (char *)dir), "0"), nheld = 0;

	kid_send(up, e);
	while ((what = kid_recv(up)) >= 0) {
		n = kid_recv(up);
		for (e = 0; n > 0 && !e; n--) {
			if (what == HOLD) {
				pid_t p = fork();

				if (!p) {
					prctl(PR_SET_PDEATHSIG, SIGKILL);
					for (;;)
						pause();
				}
				if (p > 0)
					held[nheld++] = p;
				else
					e = errno;
			} else if (what == DROP) {
				reap(held[--nheld]);
			} else {
				e = ways[what].make();
			}
		}
		kid_send(up, e);
	}
	while (nheld)
		reap(held[--nheld]);
	return 0;
}

int make(struct kid *k, int what, int n)
{
	kid_send(k, what);
	kid_send(k, n);
	return kid_recv(k);
}

int end_maker(struct kid *k)
{
	kid_send(k, -1);
	return kid_wait(k);
}

struct kid start_maker(const char *dir)
{
	struct kid k = kid_start(maker, (void *)dir);

	err(kid_recv(&k), 0, "a task moves into %s", dir + strlen(M));
	return k;
}

bool over(long began)
{
	return now_ms() - began >= 2900;
}
