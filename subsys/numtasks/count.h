/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counting tasks in a tree of groups, within limits. No hooks and no containers
 * in here, so KUnit can test it by itself; numtasks.c says who calls it when.
 *
 * Each group keeps two numbers of tasks:
 *
 *   count	the tasks in it and in all groups below;
 *   load	what it takes of its maximum: its own tasks, and for each child the
 *		larger one of the child's load and the child's minimum.
 *
 * A new task adds one to the count of its group and of all above, and each has to
 * stay within its maximum. It adds one to the load of its group; where that was
 * below the minimum, the parent has set it aside already; where it was not, the
 * group borrows: one more is added to the parent's load, which has to stay
 * within the parent's maximum, too, and so on upwards.
 *
 * There is no lock: numbers are raised one group after another by
 * compare-and-exchange, never beyond a maximum, so no number of forks at once
 * gets past it, and no reader sees more than it. A minimum is in one word with
 * the load. So each change of either, seen by itself, says how much the group
 * takes of its parent before and after; the difference is what is added to the
 * parent, whoever else is at it meanwhile, and all differences together are right.
 *
 * Maxima and minima are set by one caller at a time.
 */
#ifndef _NUMTASKS_COUNT_H
#define _NUMTASKS_COUNT_H

#include <linux/atomic.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/types.h>

#define COUNT_NO_LIMIT INT_MAX

/**
 * struct task_count - the tasks of a group
 * @parent: of the group above, NULL at the root
 * @depth: how many groups are above
 * @max: the most tasks that it may have, or COUNT_NO_LIMIT
 * @count: tasks in it and below
 * @load: see above, in the low half; its minimum is in the high half
 */
struct task_count {
	struct task_count *parent;
	int depth;
	int max;
	atomic_t count;
	atomic64_t load;
};

/* What a group with this word of load and minimum takes of its parent. */
static inline u32 load_held(u64 word)
{
	u32 load = word, min = word >> 32;

	return max(load, min);
}

/*
 * Adds to the load of a group and then of those that it borrows from, up to but
 * not including @stop. Says what is left to be added there.
 */
static inline s64 load_add(struct task_count *g, s64 delta, const struct task_count *stop)
{
	u64 word;

	for (; delta && g != stop; g = g->parent) {
		word = atomic64_add_return(delta, &g->load);
		delta = (s64)load_held(word) - load_held(word - delta);
	}
	return delta;
}

/* Adds one task to the count of a group, if there is room. */
static inline bool count_try(struct task_count *g)
{
	int count = atomic_read(&g->count);

	do {
		if (count >= READ_ONCE(g->max))
			return false;
	} while (!atomic_try_cmpxchg(&g->count, &count, count + 1));
	/* a look at a maximum that was lowered in between */
	if (likely(count < READ_ONCE(g->max)))
		return true;
	atomic_dec(&g->count);
	return false;
}

/* Adds one to the load of a group, if there is room; says if it borrows for it. */
static inline bool load_try(struct task_count *g, s64 *borrows)
{
	u64 word = atomic64_read(&g->load);
	u32 load;

	do {
		load = word;
		if (load >= (u32)READ_ONCE(g->max))
			return false;
	} while (!atomic64_try_cmpxchg(&g->load, &word, word + 1));
	*borrows = load >= (u32)(word >> 32);
	return true;
}

static inline void count_drop(struct task_count *g, const struct task_count *stop)
{
	for (; g != stop; g = g->parent)
		atomic_dec(&g->count);
}

static inline void count_raise(struct task_count *g, const struct task_count *stop)
{
	for (; g != stop; g = g->parent)
		atomic_inc(&g->count);
}

/**
 * count_charge - make room for one more task in a group
 * @group: the group
 *
 * Return: false if it would exceed a maximum; then nothing has changed.
 */
static inline bool count_charge(struct task_count *group)
{
	struct task_count *g;
	s64 load = 1;

	for (g = group; g; g = g->parent) {
		if (!count_try(g))
			break;
		if (load && !load_try(g, &load)) {
			atomic_dec(&g->count);
			break;
		}
	}
	if (likely(!g))
		return true;
	/* @load was still to be added here, and what comes up from below now */
	load_add(g, load + load_add(group, -1, g), NULL);
	count_drop(group, g);
	return false;
}

/**
 * count_charge_force - count one more task in a group, whatever the maximum
 * @group: the group
 */
static inline void count_charge_force(struct task_count *group)
{
	load_add(group, 1, NULL);
	count_raise(group, NULL);
}

/**
 * count_uncharge - one task less in a group
 * @group: the group
 */
static inline void count_uncharge(struct task_count *group)
{
	load_add(group, -1, NULL);
	count_drop(group, NULL);
}

static inline struct task_count *count_common(struct task_count *a, struct task_count *b)
{
	while (a != b) {
		if (a->depth >= b->depth)
			a = a->parent;
		else
			b = b->parent;
	}
	return a;
}

/**
 * count_move - a task goes from one group to another, whatever the maximum
 * @from: where it was
 * @to: where it will be
 *
 * Nobody sees a change in a group that is above both, or is one and above the other.
 */
static inline void count_move(struct task_count *from, struct task_count *to)
{
	struct task_count *common = count_common(from, to);
	s64 load;

	load = load_add(to, 1, common) + load_add(from, -1, common);
	load_add(common, load, NULL);
	count_raise(to, common);
	count_drop(from, common);
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
 * count_reset - forget all tasks
 * @root: the root; there is no other group, and nobody is counting
 */
static inline void count_reset(struct task_count *root)
{
	atomic_set(&root->count, 0);
	atomic64_set(&root->load, 0);
}

/**
 * count_set_max - give a group another maximum
 * @g: the group
 * @max: the maximum, or COUNT_NO_LIMIT
 *
 * When it returns, nobody who is not counted yet gets in by the old one.
 */
static inline void count_set_max(struct task_count *g, int max)
{
	WRITE_ONCE(g->max, max);
	smp_mb(); /* pairs with atomic_try_cmpxchg() in count_try() */
}

/**
 * count_set_min - give a group another minimum
 * @g: the group
 * @min: the minimum; 0 if it has none
 *
 * It is set first and then taken of the parent: who comes in between may use the
 * parent's last rest, but never exceeds a maximum of tasks.
 */
static inline void count_set_min(struct task_count *g, u32 min)
{
	u64 old = atomic64_read(&g->load), new;

	do {
		new = (u64)min << 32 | (u32)old;
	} while (!atomic64_try_cmpxchg(&g->load, &old, new));
	if (g->parent)
		load_add(g->parent, (s64)load_held(new) - load_held(old), NULL);
}

#endif /* _NUMTASKS_COUNT_H */
