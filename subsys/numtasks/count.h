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
 * There is no lock: loads are raised one group after another by
 * compare-and-exchange, never beyond a maximum. In each group a task is in the load
 * before it is in the count, and out of the count before it is out of the load. So
 * no count is ever above its load, no number of forks at once gets past a maximum,
 * and no reader sees more than it. Only where a group has not borrowed for a task
 * has the count to be looked at itself: the maximum may be exceeded already, by a
 * move or a minimum that did not fit.
 *
 * A minimum is in one word with the load. So each change of either, seen by itself,
 * says how much the group takes of its parent before and after; the difference is
 * what is added to the parent, whatever others do meanwhile, and all
 * differences together are right.
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

/* Adds to the load of a group and then of those that it borrows from. */
static inline void load_add(struct task_count *g, s64 delta)
{
	u64 word;

	for (; delta && g; g = g->parent) {
		word = atomic64_add_return(delta, &g->load);
		delta = (s64)load_held(word) - load_held(word - delta);
	}
}

/*
 * One more in the load of a group and then of those that it borrows from, up to but
 * not including @stop. Says if it borrows there.
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

/* Takes a task off the load, the same way. */
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
 * One more task in a group, if there is room, by one more in its load; says if that
 * one is borrowed, and what was compared with the maximum.
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

/* Counts a task that is in the load already, as part of a child's minimum. */
static inline bool take_reserved(struct task_count *g, int *before)
{
	*before = atomic_read(&g->count);
	do {
		if (*before >= READ_ONCE(g->max))
			return false;
	} while (!atomic_try_cmpxchg(&g->count, before, *before + 1));
	return true;
}

static inline void count_raise(struct task_count *g, const struct task_count *stop)
{
	for (; g != stop; g = g->parent)
		atomic_inc(&g->count);
}

static inline void count_drop(struct task_count *g, const struct task_count *stop)
{
	for (; g != stop; g = g->parent)
		atomic_dec(&g->count);
}

/**
 * count_charge - make room for one more task in a group
 * @group: the group
 *
 * Return: NULL; or the group whose maximum it would exceed, and nothing has changed.
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
		/* a look at a maximum that was lowered in between */
		smp_mb__after_atomic();
		if (unlikely(before >= READ_ONCE(full->max)))
			goto refused;
	} while (g);
	return NULL;

refused:
	count_drop(group, g);
	/* what comes up from below may have to go on where we did not get to */
	if (load_drop(group, g) != borrows)
		load_add(g, borrows ? 1 : -1);
	return full;
}

/**
 * count_charge_force - count one more task in a group, whatever the maximum
 * @group: the group
 */
static inline void count_charge_force(struct task_count *group)
{
	load_raise(group, NULL);
	count_raise(group, NULL);
}

/**
 * count_uncharge - one task less in a group
 * @group: the group
 */
static inline void count_uncharge(struct task_count *group)
{
	count_drop(group, NULL);
	load_drop(group, NULL);
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
 * Nobody sees a change in a group that is above both, or is one and above the other,
 * but for what is set aside there for either.
 */
static inline void count_move(struct task_count *from, struct task_count *to)
{
	struct task_count *common = count_common(from, to);
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
	smp_mb(); /* pairs with the one in count_charge() */
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
		load_add(g->parent, (s64)load_held(new) - load_held(old));
}

#endif /* _NUMTASKS_COUNT_H */
