// SPDX-License-Identifier: GPL-2.0
/*
 * cpuset's rules against a model of them: random trees, random writes and moves, and
 * every answer and every file has to be what the model says. The model is the text of
 * the specification put into code, not the module's code.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "cpusets.h"

#define M "/tmp/m"
#define NODES 14
#define TASKS 4

static unsigned int x = 20061222;

static unsigned int rnd(unsigned int n)
{
	x = x * 1664525 + 1013904223;
	return (x >> 8) % n;
}

/* --- the model --------------------------------------------------------------- */

static struct cont {
	bool there;
	int parent, depth;
	unsigned long cpus, mems;
	int cpu_exclusive, mem_exclusive, tasks;
} conts[NODES];		/* 0 is the root */

static struct {
	pid_t pid;
	int in;
} tasks[TASKS];

static bool within(const struct cont *c, const struct cont *p)
{
	return !(c->cpus & ~p->cpus) && !(c->mems & ~p->mems) &&
	       c->cpu_exclusive <= p->cpu_exclusive && c->mem_exclusive <= p->mem_exclusive;
}

static bool collide(const struct cont *a, const struct cont *b)
{
	return ((a->cpu_exclusive || b->cpu_exclusive) && (a->cpus & b->cpus)) ||
	       ((a->mem_exclusive || b->mem_exclusive) && (a->mems & b->mems));
}

/* What setting a container to this says; it is done if that is 0. */
static int model_set(int n, const struct cont *new)
{
	int i;

	if (new->cpus & ~all || new->mems & ~nodes)
		return EINVAL;
	/* a child would fall outside */
	for (i = 1; i < NODES; i++)
		if (conts[i].there && conts[i].parent == n && !within(&conts[i], new))
			return EBUSY;
	if (n) {
		/* not a subset of the parent, exclusive under one that is not */
		if (!within(new, &conts[conts[n].parent]))
			return EACCES;
		/* emptying one that has tasks */
		if (conts[n].tasks && (!new->cpus || !new->mems))
			return ENOSPC;
		for (i = 1; i < NODES; i++)
			if (conts[i].there && i != n && conts[i].parent == conts[n].parent &&
			    collide(new, &conts[i]))
				return EINVAL;
	}
	conts[n] = *new;
	return 0;
}

/* --- the module -------------------------------------------------------------- */

static const char *path(int n)
{
	return n ? P("%s/%d", path(conts[n].parent), n) : M;
}

static bool same(int n, const char *file, unsigned long want, bool list)
{
	const char *got = get(P("%s/cpuset.%s", path(n), file));
	const char *is = list ? P("%s\n", list_of(want)) : P("%lu\n", want);

	if (got && !strcmp(got, is))
		return true;
	diag("%s/cpuset.%s is %s instead of %s", path(n), file, got ?: "?", is);
	return false;
}

/* Is all of a container as the model has it? */
static int differs(int n)
{
	const struct cont *c = &conts[n];

	return !same(n, "cpus", c->cpus, true) + !same(n, "mems", c->mems, true) +
	       !same(n, "cpu_exclusive", c->cpu_exclusive, false) +
	       !same(n, "mem_exclusive", c->mem_exclusive, false) +
	       (n && nids(P("%s/tasks", path(n))) != c->tasks);
}

static int everything_differs(void)
{
	const struct cont *c;
	int i, bad = 0;

	for (i = 0; i < NODES; i++)
		if (conts[i].there)
			bad += differs(i);
	for (i = 0; i < TASKS; i++) {
		c = &conts[tasks[i].in];
		if (affinity(tasks[i].pid) != c->cpus || cpus_of(tasks[i].pid) != c->cpus ||
		    mems_of(tasks[i].pid) != c->mems) {
			diag("task %d in %s: CPUs %s nodes %s", i, path(tasks[i].in),
			     list_of(affinity(tasks[i].pid)), list_of(mems_of(tasks[i].pid)));
			bad++;
		}
	}
	return bad;
}

static int some(bool (*wanted)(int n))
{
	int n, tries;

	for (tries = 0; tries < 50; tries++) {
		n = rnd(NODES);
		if (wanted(n))
			return n;
	}
	return -1;
}

static bool is_there(int n) { return conts[n].there; }
static bool is_below(int n) { return n && conts[n].there; }
static bool is_free(int n) { return !conts[n].there; }
static bool is_parent(int n) { return conts[n].there && conts[n].depth < 3; }

static bool has_children(int n)
{
	for (int i = 1; i < NODES; i++)
		if (conts[i].there && conts[i].parent == n)
			return true;
	return false;
}

static long count[200];	/* answers by errno */

/* Two answers, which should be the same. */
static int answer(int got, int want, const char *what, int n)
{
	count[want]++;
	if (got == want)
		return 0;
	diag("%s in %s: %d (%s) instead of %d (%s)", what, path(n), got, strerror(got), want,
	     strerror(want));
	return 1;
}

static int op_mkdir(void)
{
	int n = some(is_free), parent = some(is_parent);

	if (n < 0 || parent < 0)
		return 0;
	conts[n] = (struct cont) {
		.there = true, .parent = parent, .depth = conts[parent].depth + 1,
	};
	return answer(E(mkdir(path(n), 0755)), 0, "mkdir", n);
}

static int op_rmdir(void)
{
	int n = some(is_below), want;

	if (n < 0)
		return 0;
	want = conts[n].tasks || has_children(n) ? EBUSY : 0;
	if (answer(E(rmdir(path(n))), want, "rmdir", n))
		return 1;
	if (!want)
		conts[n].there = false;
	return 0;
}

/* Often what the parent has or less, sometimes anything, sometimes nothing. */
static unsigned long some_mask(unsigned long parent, unsigned long any)
{
	switch (rnd(8)) {
	case 0:
		return 0;
	case 1:
		return parent;
	case 2:
		return (any << 1 | 1) & rnd(1024);
	case 3:
	case 4:
		return any & rnd(1024);
	default:
		return parent & rnd(1024);
	}
}

static int op_list(void)
{
	int n = some(is_below), cpus = rnd(2), bad;
	struct cont new, old;

	if (n < 0)
		return 0;
	new = old = conts[n];
	if (cpus)
		new.cpus = some_mask(conts[old.parent].cpus, all);
	else
		new.mems = some_mask(conts[old.parent].mems, nodes);
	bad = answer(put(P("%s/cpuset.%s", path(n), cpus ? "cpus" : "mems"), "%s\n",
			 list_of(cpus ? new.cpus : new.mems)),
		     model_set(n, &new), cpus ? "cpus" : "mems", n);
	return bad + differs(n);
}

static int op_exclusive(void)
{
	int n = some(is_there), cpus = rnd(2), on = rnd(2), bad;
	struct cont new;

	if (n < 0 || (!n && rnd(8)))
		return 0;
	new = conts[n];
	if (cpus)
		new.cpu_exclusive = on;
	else
		new.mem_exclusive = on;
	bad = answer(put(P("%s/cpuset.%s", path(n), cpus ? "cpu_exclusive" : "mem_exclusive"),
			 "%d", on), model_set(n, &new), "exclusive", n);
	return bad + differs(n);
}

static int op_move(void)
{
	int i = rnd(TASKS), n = some(is_there), want;

	if (n < 0)
		return 0;
	/* a container without CPUs or nodes takes nobody */
	want = n == tasks[i].in || (conts[n].cpus && conts[n].mems) ? 0 : ENOSPC;
	if (answer(movepid(path(n), tasks[i].pid), want, "move", n))
		return 1;
	if (!want) {
		conts[tasks[i].in].tasks--;
		conts[n].tasks++;
		tasks[i].in = n;
	}
	return affinity(tasks[i].pid) != conts[tasks[i].in].cpus ||
	       mems_of(tasks[i].pid) != conts[tasks[i].in].mems;
}

int main(void)
{
	static int (*const ops[])(void) = {
		op_mkdir, op_mkdir, op_rmdir, op_list, op_list, op_list, op_list, op_exclusive,
		op_exclusive, op_move, op_move,
	};
	int i, bad = 0, total = debug_kernel() ? 3000 : sized(12000, 3000);
	static const int seen[] = { 0, EBUSY, EACCES, ENOSPC, EINVAL };

	setup_cpuset();
	err(cmount(M, "cpuset"), 0, "mount");
	conts[0] = (struct cont) {
		.there = true, .cpus = all, .mems = nodes, .cpu_exclusive = 1,
		.mem_exclusive = 1, .tasks = TASKS,
	};
	for (i = 0; i < TASKS; i++)
		tasks[i].pid = sleeper();

	for (i = 0; i < total && bad < 10; i++) {
		bad += ops[rnd(ARRAY_SIZE(ops))]();
		if (!(i % 200))
			bad += everything_differs();
	}
	bad += everything_differs();
	eq(bad, 0, "%d random operations, all as the model has it", i);
	for (i = 0; i < (int)ARRAY_SIZE(seen); i++)
		ok(count[seen[i]] > total / 200, "%ld times the answer was %s", count[seen[i]],
		   seen[i] ? strerror(seen[i]) : "success");

	for (i = 0; i < TASKS; i++) {
		movepid(M, tasks[i].pid);
		ok(affinity(tasks[i].pid) == all && mems_of(tasks[i].pid) == nodes,
		   "a task is as it was");
		reap(tasks[i].pid);
	}
	for (i = 0; i < 4 * NODES; i++)
		if (conts[i % NODES].there && i % NODES)
			conts[i % NODES].there = !!rmdir(path(i % NODES));
	err(cumount(M), 0, "unmount");
	finish();
}
