/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counts tasks in a tree of groups, within limits. This file uses neither hooks nor containers, so
 * that KUnit can test it; numtasks.c says who calls it when.
 *
 * Each group has two numbers of tasks:
 *
 *   count	the tasks in it and in all groups below;
 *   load	the part of its maximum that is taken: its own tasks and, for each child, the
 *		larger one of the child's load and the child's minimum.
 *
 * A new task adds one to the count of its group and of all groups above, and each count has to
 * stay within the maximum. It also adds one to the load of its group. If the load was below the
 * group's minimum, the parent has reserved this already. Otherwise the group borrows: one is added
 * to the parent's load, which has to stay within the parent's maximum, too, and so on upwards.
 *
 * There is no lock. Loads are raised one group after another by compare-and-exchange, never beyond
 * a maximum. In each group a task enters the load before the count, and leaves the count before
 * the load. So no count ever exceeds its load, forks on many CPUs cannot pass a maximum together,
 * and no reader sees more than the maximum. If the group below has not borrowed for a task, the
 * load does not change, and the count itself is compared: the maximum may be exceeded already, by
 * a move or by a minimum that did not fit.
 *
 * The minimum and the load share a word. So each single change of either gives the part of the
 * parent that the group takes before and after. The difference is added to the parent; whatever
 * other callers change meanwhile, the sum of all differences is right.
 *
 * Maxima and minima are set by one caller at a time.
 */
#ifndef _NUMTASKS_COUNT_H
#define _NUMTASKS_COUNT_H

#include <linux/atomic.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "../../module/tree.h"

#define COUNT_NO_LIMIT INT_MAX

/**
 * struct task_count - the tasks of a group
 * @parent: the group above; NULL at the root
 * @depth: the number of groups above
 * @max: the maximum, or COUNT_NO_LIMIT
 * @count: the tasks in it and below
 * @load: the load in the low half, the minimum in the high half
 */
struct task_count {
	struct task_count *parent;
	int depth;
	int max;
	atomic_t count;
	atomic64_t load;
};

/* The part of its parent that a group with this word of load and minimum takes. */
static inline u32 load_held(u64 word)
{
	u32 load = word, min = word >> 32;

	return max(load, min);
}

/* Adds to the load of a group and to the loads of the groups from which it borrows. */
static inline void load_add(struct task_count *g, s64 delta)
{
	u64 word;

	for (; delta && g; g = g->parent) {
		word = atomic64_add_return(delta, &g->load);
		delta = (s64)load_held(word) - load_held(word - delta);
	}
}

/*
 * Adds one task to the load of a group and to the loads of the groups from which it borrows, up to
 * @stop, which is excluded. Return: true if it borrows from @stop.
 */
static inline bool load_raise(struct task_count *g, const struct task_count *stop)
{
	u64 word;

	for (; g != stop; g = g->parent) {
		word = atomic64_inc_return(&g->load);
		if ((u32)word <= (u32)(word >> 32))
			return false;
	}
	return true;
}

/* Takes one task off the loads, in the same way. */
static inline bool load_drop(struct task_count *g, const struct task_count *stop)
{
	u64 word;

	for (; g != stop; g = g->parent) {
		word = atomic64_fetch_dec(&g->load);
		if ((u32)word <= (u32)(word >> 32))
			return false;
	}
	return true;
}

/*
 * Adds a task to the load and the count of a group, if there is room. Sets @borrows if the group
 * borrows for it, and @before to the number that was compared with the maximum.
 */
static inline bool take_load(struct task_count *g, bool *borrows, int *before)
{
	u64 word = atomic64_read(&g->load);

	do {
		if (unlikely((u32)word >= (u32)READ_ONCE(g->max)))
			return false;
	} while (!atomic64_try_cmpxchg(&g->load, &word, word + 1));
	atomic_inc(&g->count);
	*borrows = (u32)word >= (u32)(word >> 32);
	*before = (u32)word;
	return true;
}

/* Adds a task to the count only: it is in the load already, as part of a child's minimum. */
static inline bool take_reserved(struct task_count *g, int *before)
{
	*before = atomic_read(&g->count);
	do {
		if (*before >= READ_ONCE(g->max))
			return false;
	} while (!atomic_try_cmpxchg(&g->count, before, *before + 1));
	return true;
}

/* Adds a task to the counts of a group and of the groups above, up to @stop, which is excluded. */
static inline void count_raise(struct task_count *g, const struct task_count *stop)
{
	for (; g != stop; g = g->parent)
		atomic_inc(&g->count);
}

/* Takes one task off the counts, in the same way. */
static inline void count_drop(struct task_count *g, const struct task_count *stop)
{
	for (; g != stop; g = g->parent)
		atomic_dec(&g->count);
}

/**
 * count_charge - charge a new task to a group
 * @group: the group
 *
 * Return: NULL; or the group that has no room, and nothing has changed.
 */
static __always_inline struct task_count *count_charge(struct task_count *group)
{
	struct task_count *g = group, *full;
	bool borrows = true;
	int before;

	do {
		full = g;
		if (likely(borrows) ? !take_load(g, &borrows, &before) :
				      !take_reserved(g, &before))
			goto refused;
		g = g->parent;
		/* the maximum may have been lowered meanwhile: check again */
		smp_mb__after_atomic();
		if (unlikely(before >= READ_ONCE(full->max)))
			goto refused;
	} while (g);
	return NULL;

refused:
	count_drop(group, g);
	/* the groups below may have begun or ceased to borrow since: pass the difference up */
	if (load_drop(group, g) != borrows)
		load_add(g, borrows ? 1 : -1);
	return full;
}

/**
 * count_charge_force - charge a task to a group without regard to maxima
 * @group: the group
 */
static inline void count_charge_force(struct task_count *group)
{
	load_raise(group, NULL);
	count_raise(group, NULL);
}

/**
 * count_uncharge - uncharge a task of a group
 * @group: the group
 */
static inline void count_uncharge(struct task_count *group)
{
	count_drop(group, NULL);
	load_drop(group, NULL);
}

/**
 * count_move - move a task from one group to another without regard to maxima
 * @from: the old group
 * @to: the new group
 *
 * The counts of the lowest common ancestor and of the groups above do not change. Their loads
 * change only by the difference of what the two branches borrow.
 */
static inline void count_move(struct task_count *from, struct task_count *to)
{
	struct task_count *common = tree_common(from, to);
	int load;

	load = load_raise(to, common);
	count_raise(to, common);
	count_drop(from, common);
	load -= load_drop(from, common);
	load_add(common, load);
}

/**
 * count_init - make a zeroed group part of the tree
 * @g: the group
 * @parent: the group above
 */
static inline void count_init(struct task_count *g, struct task_count *parent)
{
	g->parent = parent;
	g->depth = parent->depth + 1;
}

/**
 * count_reset - set the count and the load of a root to 0
 * @root: the root; there is no other group, and nothing is charged or uncharged meanwhile
 */
static inline void count_reset(struct task_count *root)
{
	atomic_set(&root->count, 0);
	atomic64_set(&root->load, 0);
}

/**
 * count_set_max - change the maximum of a group
 * @g: the group
 * @max: the new maximum, or COUNT_NO_LIMIT
 *
 * When it returns, no task that is not charged yet can be charged by the old maximum.
 */
static inline void count_set_max(struct task_count *g, int max)
{
	WRITE_ONCE(g->max, max);
	smp_mb(); /* pairs with the barrier in count_charge() */
}

/**
 * count_set_min - change the minimum of a group
 * @g: the group
 * @min: the new minimum; 0 for none
 *
 * The minimum is set first and then reserved in the parent. A fork in between may use the last
 * room of the parent, but no count exceeds its maximum.
 */
static inline void count_set_min(struct task_count *g, u32 min)
{
	u64 old = atomic64_read(&g->load), new;

	do {
		new = (u64)min << 32 | (u32)old;
	} while (!atomic64_try_cmpxchg(&g->load, &old, new));
	if (g->parent)
		load_add(g->parent, (s64)load_held(new) - load_held(old));
}

#endif /* _NUMTASKS_COUNT_H */
