// SPDX-License-Identifier: GPL-2.0
/*
 * Beancounters in a tree, beside a model that keeps only what each container itself has charged,
 * and adds it up: held, the extremes, and which charge is refused where.
 */
#include "fuzz.h"
#include "../subsys/bc/counter.h"

#define COUNTERS 6

static const int parents[COUNTERS] = { -1, 0, 1, 2, 1, 0 };

static struct model {
	struct bc_counter c;
	unsigned long own;	/* charged to this one */
	unsigned long most, least;
} tree[COUNTERS];

static bool is_below(int i, int top)
{
	while (i >= 0 && i != top)
		i = parents[i];
	return i == top;
}

static unsigned long sum(int top)
{
	unsigned long n = 0;

	for (int i = 0; i < COUNTERS; i++)
		if (is_below(i, top))
			n += tree[i].own;
	return n;
}

/* The lowest container that has no room; -1: all have. */
static int full(int i, unsigned long n, enum bc_severity severity)
{
	for (; i >= 0; i = parents[i]) {
		unsigned long bound = severity == BC_BARRIER ? tree[i].c.barrier : tree[i].c.limit;

		if (n > bound || sum(i) > bound - n)
			return i;
	}
	return -1;
}

static void check(void)
{
	for (int i = 0; i < COUNTERS; i++) {
		struct model *m = &tree[i];

		assert(counter_held(&m->c) == sum(i));
		m->most = max(m->most, sum(i));
		m->least = min(m->least, sum(i));
		assert(counter_maxheld(&m->c) == m->most);
		assert(m->c.barrier <= m->c.limit && m->c.limit <= BC_UNLIMITED);
	}
}

static void charge(int i, unsigned long n, enum bc_severity severity)
{
	int want = severity == BC_FORCE ? -1 : full(i, n, severity);
	struct bc_counter *refused = NULL, *crossed = NULL;

	if (severity == BC_FORCE)
		counter_charge_force(&tree[i].c, NULL, n);
	else
		refused = counter_charge(&tree[i].c, NULL, n, severity, &crossed);
	assert(refused == (want < 0 ? NULL : &tree[want].c));
	if (refused)
		return;
	tree[i].own += n;
	assert(!crossed || crossed->held.counter > (long)crossed->barrier);
}

/* Up to the lowest ancestor of both, where nothing changes. */
static void move(int from, int to, unsigned long n)
{
	struct bc_counter *common = tree_common(&tree[from].c, &tree[to].c);

	for (int i = 0; i < COUNTERS; i++) {
		assert(counter_is_in(&tree[from].c, &tree[i].c) == is_below(from, i));
		assert(!is_below(from, i) || !is_below(to, i) || counter_is_in(common, &tree[i].c));
	}
	counter_charge_force(&tree[to].c, common, n);
	counter_uncharge(&tree[from].c, common, n);
	tree[from].own -= n;
	tree[to].own += n;
}

static void set_bound(struct bc_counter *c, bool limit, unsigned long value)
{
	unsigned long barrier = c->barrier, old = c->limit;
	int err = limit ? counter_set_limit(c, value) : counter_set_barrier(c, value);
	bool wrong = limit ? value < barrier || value > LONG_MAX : value > old;

	assert(err == (wrong ? -EINVAL : 0));
	assert(c->barrier == (limit || wrong ? barrier : value));
	assert(c->limit == (!limit || wrong ? old : value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	int i, to;

	memset(tree, 0, sizeof(tree));
	for (i = 0; i < COUNTERS; i++) {
		if (i)
			counter_init(&tree[i].c, &tree[parents[i]].c);
		counter_begin(&tree[i].c, i ? 3 : BC_UNLIMITED, i ? 10 : BC_UNLIMITED);
	}
	while (in.left) {
		unsigned int what = take(&in);
		/* now and then a number that only a module would charge by mistake */
		unsigned long n = what & 128 ? take_number(&in, 8) : take(&in) % 16;

		i = take(&in) % COUNTERS;
		switch (what % 6) {
		case 0:
			charge(i, n, BC_BARRIER);
			break;
		case 1:
			charge(i, n, BC_LIMIT);
			break;
		case 2:
			/* held is a signed number: who forces has to keep below */
			charge(i, n % 1000, BC_FORCE);
			break;
		case 3:
			n = min(n, tree[i].own);
			counter_uncharge(&tree[i].c, NULL, n);
			tree[i].own -= n;
			break;
		case 4:
			to = take(&in) % COUNTERS;
			move(i, to, min(n, tree[i].own));
			break;
		case 5:
			set_bound(&tree[i].c, what & 64, n);
			break;
		}
		check();
	}
	return 0;
}
