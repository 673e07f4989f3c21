// SPDX-License-Identifier: GPL-2.0
/*
 * The figures of top. A sample costs three small files a container, and is worth its cost
 * only where the figures are summed here: usage_subtree_ns would take all members below
 * once more at each level.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "top.h"

const struct figure_kind figures[NR_FIGURES] = {
	[TASKS] = { "TASKS", "tasks", NULL, 't', 7 },
	[CPU] = { "CPU%", "cpu_ns", "cpu_percent", 'c', 7 },
	[FILES] = { "FILES", "files", NULL, 'f', 7 },
	[MEMORY] = { "MEMORY", "memory", NULL, 'm', 8 },
	[REFUSED] = { "REFUSED/s", "refused", "refused_per_second", 'r', 10 },
	[PRESSURE] = { "PRESSURE", "pressure", NULL, 'p', 9 },
};

double figure_of(const struct entry *e, enum figure f)
{
	return f == CPU ? e->cpu : f == REFUSED ? e->refused : e->v[f];
}

void snapshot_free(struct snapshot *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].name);
	free(s->v);
	*s = (struct snapshot){ };
}

struct entry *snapshot_add(struct snapshot *s)
{
	struct entry *e;

	if (s->n == s->room)
		s->v = xrealloc_array(s->v, s->room = s->room ? 2 * s->room : 64, sizeof(*s->v));
	e = &s->v[s->n++];
	*e = (struct entry){ .parent = -1, .cpu = -1, .refused = -1 };
	for (int i = 0; i < NR_FIGURES; i++)
		e->v[i] = -1;
	return e;
}

/* Of thousands of containers a sample takes longer than who presses a key likes to wait. */
#define GO_ON_EVERY 64
static bool (*ask_go_on)(void);

static long last_at[256];		/* index of the last container at each depth */

static int sample(struct cont *c, int depth, void *arg)
{
	struct snapshot *s = arg;
	struct entry *e;
	char *text;
	int64_t a, b;

	if (depth >= (int)ARRAY_SIZE(last_at))
		return 0;
	if (ask_go_on && s->n % GO_ON_EVERY == GO_ON_EVERY - 1 && !ask_go_on())
		return 1;
	e = snapshot_add(s);
	e->name = cont_name(c);
	e->depth = depth;
	e->parent = depth ? last_at[depth - 1] : -1;
	last_at[depth] = s->n - 1;
	text = cont_read(c, "events");
	if (text && find_number(text, "forks_refused", &a) && find_number(text, "charges_refused", &b))
		e->v[REFUSED] = a + b;
	free(text);
	if (hier_has(c->h, "cpuacct"))
		cont_number(c, "cpuacct.usage_ns", &e->v[CPU]);
	if (hier_has(c->h, "cpuset"))
		cont_number(c, "cpuset.memory_pressure", &e->v[PRESSURE]);
	text = hier_has(c->h, "bc") ? cont_read(c, "bc.stat") : NULL;
	if (text) {
		/* these count what is below as well */
		find_number(text, "numtasks", &e->v[TASKS]);
		find_number(text, "numfiles", &e->v[FILES]);
		if (find_number(text, "privvmpages", &a))
			e->v[MEMORY] = a * sysconf(_SC_PAGESIZE);
		free(text);
		return 0;
	}
	text = hier_has(c->h, "numtasks") ? cont_read(c, "numtasks.stats") : NULL;
	if (text)
		find_number(text, "usage", &e->v[TASKS]);
	else
		e->v[TASKS] = cont_ids(c, "tasks", NULL);
	free(text);
	return 0;
}

bool snapshot_take(struct snapshot *s, bool (*go_on)(void))
{
	ask_go_on = go_on;
	*s = (struct snapshot){ .ms = now_ms(), .cpus = sysconf(_SC_NPROCESSORS_ONLN) };
	for (size_t i = 0; i < hiers.n; i++) {
		bool counted = hier_has(&hiers.v[i], "bc") || hier_has(&hiers.v[i], "numtasks");
		size_t first = s->n;
		struct cont top;

		if (!cont_at(&hiers.v[i], "/", &top))
			continue;
		if (cont_walk(&top, sample, s))
			return false;
		cont_free(&top);
		/* members alone were counted: add what is below, from the leaves up */
		for (size_t j = s->n; !counted && j-- > first; )
			if (s->v[j].parent >= 0 && s->v[j].v[TASKS] > 0)
				s->v[s->v[j].parent].v[TASKS] += s->v[j].v[TASKS];
	}
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct entry *const *)a)->name, (*(struct entry *const *)b)->name);
}

void snapshot_compare(const struct snapshot *old, struct snapshot *now)
{
	struct entry **index = xrealloc_array(NULL, old->n, sizeof(*index));
	double seconds = (now->ms - old->ms) / 1000.0;

	for (size_t i = 0; i < old->n; i++)
		index[i] = &old->v[i];
	if (old->n)
		qsort(index, old->n, sizeof(*index), by_name);
	for (size_t i = 0; i < now->n; i++) {
		struct entry *e = &now->v[i], **was, *key = e;

		was = old->n ? bsearch(&key, index, old->n, sizeof(*index), by_name) : NULL;
		/* new since then, or made anew under that name */
		if (!was || seconds <= 0)
			continue;
		if (e->v[CPU] >= (*was)->v[CPU] && (*was)->v[CPU] >= 0)
			e->cpu = (e->v[CPU] - (*was)->v[CPU]) / (seconds * 1e7);
		if (e->v[REFUSED] >= (*was)->v[REFUSED] && (*was)->v[REFUSED] >= 0)
			e->refused = (e->v[REFUSED] - (*was)->v[REFUSED]) / seconds;
	}
	free(index);
	for (size_t i = now->n; i-- > 0; ) {
		struct entry *e = &now->v[i], *parent = e->parent < 0 ? NULL : &now->v[e->parent];

		if (parent && parent->cpu >= 0 && e->cpu >= 0)
			parent->cpu += e->cpu;
	}
}
