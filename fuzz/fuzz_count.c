// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks in a tree of groups with maxima and minima, beside a model that knows only how many tasks
 * each group itself has: it works out counts and loads anew, as the top of count.h defines them.
 */
#include "fuzz.h"
#include "../subsys/numtasks/count.h"

#define GROUPS 6

static const int parents[GROUPS] = { -1, 0, 1, 2, 1, 0 };

static struct model {
	struct task_count g;
	int own, min;
} tree[GROUPS];

static int count(int top)
{
	int n = tree[top].own;

	for (int i = top + 1; i < GROUPS; i++)
		if (parents[i] == top)
			n += count(i);
	return n;
}

static int load(int top)
{
	int n = tree[top].own;

	for (int i = top + 1; i < GROUPS; i++)
		if (parents[i] == top)
			n += max(load(i), tree[i].min);
	return n;
}

/* The lowest group that has no room for one more; -1: all have. */
static int full(int i)
{
	bool borrows = true;

	for (; i >= 0; i = parents[i]) {
		if ((borrows ? load(i) : count(i)) >= tree[i].g.max)
			return i;
		borrows = borrows && load(i) >= tree[i].min;
	}
	return -1;
}

static void check(void)
{
	for (int i = 0; i < GROUPS; i++) {
		u64 word = atomic64_read(&tree[i].g.load);

		assert(atomic_read(&tree[i].g.count) == count(i));
		assert((int)(u32)word == load(i) && (int)(word >> 32) == tree[i].min);
		assert(count(i) <= load(i));
	}
}

static void charge(int i)
{
	int want = full(i), pos;
	struct task_count *refused = count_charge(&tree[i].g);

	assert(refused == (want < 0 ? NULL : &tree[want].g));
	if (refused)
		return;
	tree[i].own++;
	for (pos = i; pos >= 0; pos = parents[pos])
		assert(count(pos) <= tree[pos].g.max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	int i, to, n;

	memset(tree, 0, sizeof(tree));
	for (i = 0; i < GROUPS; i++) {
		if (i)
			count_init(&tree[i].g, &tree[parents[i]].g);
		count_set_max(&tree[i].g, COUNT_NO_LIMIT);
	}
	while (in.left) {
		unsigned int what = take(&in);

		i = take(&in) % GROUPS;
		switch (what % 6) {
		case 0:
			charge(i);
			break;
		case 1:
			count_charge_force(&tree[i].g);
			tree[i].own++;
			break;
		case 2:
			if (!tree[i].own)
				break;
			count_uncharge(&tree[i].g);
			tree[i].own--;
			break;
		case 3:
			to = take(&in) % GROUPS;
			if (!tree[i].own)
				break;
			count_move(&tree[i].g, &tree[to].g);
			tree[i].own--;
			tree[to].own++;
			break;
		case 4:
			n = take(&in) % 16;
			count_set_max(&tree[i].g, n == 15 ? COUNT_NO_LIMIT : n);
			break;
		case 5:
			n = take(&in) % 8;
			count_set_min(&tree[i].g, n);
			tree[i].min = n;
			break;
		}
		check();
	}
	return 0;
}
