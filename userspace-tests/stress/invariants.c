// SPDX-License-Identifier: GPL-2.0
/* What has to hold whenever all actors rest. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include "cpusets.h"
#include "stress.h"

/* What a container's files say, against what can be counted. */
struct tally {
	const char *dir;
	long tasks, pages;
	bool good;
};

static void blame(struct tally *t, const char *what, long got, long want)
{
	if (got == want)
		return;
	diag("%s: %s is %ld, counted %ld", t->dir, what, got, want);
	t->good = false;
}

/* A member may run nowhere but where its container says. */
static void check_members(struct tally *t)
{
	unsigned long may = mask_in(P("%s/cpuset.cpus", t->dir));
	pid_t *list;
	int n = ids(P("%s/tasks", t->dir), &list);

	for (int i = 0; i < n; i++)
		if (affinity(list[i]) & ~may) {
			diag("%s: %d may run on %lx of %lx", t->dir, list[i], affinity(list[i]), may);
			t->good = false;
		}
	t->tasks += n > 0 ? n : 0;
	free(list);
	n = ids(P("%s/procs", t->dir), &list);
	for (int i = 0; i < n; i++)
		t->pages += private_pages(list[i]);
	free(list);
}

/* Of a container with what is below it. */
static struct tally check_container(const char *dir, int depth)
{
	struct tally t = { .dir = strdup(dir), .good = true };

	if (access(dir, F_OK))
		return t;
	check_members(&t);
	for (int s = 0; !depth && s < 2; s++) {
		struct tally below = check_container(P("%s/s%d", t.dir, s), depth + 1);

		t.tasks += below.tasks;
		t.pages += below.pages;
		t.good &= below.good;
		free((void *)below.dir);
	}
	blame(&t, "bc.numtasks.held", getnum(P("%s/bc.numtasks.held", t.dir)), t.tasks);
	blame(&t, "bc.privvmpages.held", getnum(P("%s/bc.privvmpages.held", t.dir)), t.pages);
	blame(&t, "populated", !!strstr(get(P("%s/events", t.dir)) ?: "", "populated 1"), !!t.tasks);
	return t;
}

static bool figures_right(void)
{
	bool good = true;

	for (int c = 0; c < DIRS; c++) {
		struct tally t = check_container(P(ALL "/c%d", c), 0);

		good &= t.good;
		free((void *)t.dir);
	}
	return good;
}

/* Threads of the kernel come and go: tries until a look in between agrees. */
static bool lists_right(const char *root)
{
	for (int tries = 0; tries < 100; tries++) {
		if (lists_all(root))
			return true;
		msleep(50);
	}
	return false;
}

void check_invariants(void)
{
	ok(lists_right(ALL) && lists_right(NAMED) && lists_right(NS),
	   "each live task is listed once in each hierarchy");
	ok(figures_right(), "tasks, memory, CPUs and events are what can be counted");
	eq(hooks_missed(), 0, "no hook has missed a call");
}
