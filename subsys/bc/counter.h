/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The arithmetic of counters: how much of a resource a container and its descendants hold, within
 * a barrier and a limit. This file uses neither hooks nor containers, so that KUnit can test it.
 *
 * The counters of a resource form a tree. A charge is made to a counter and its ancestors, up to
 * the root or to where the caller stops, and has to fit in each; if it does not, it is given
 * back in the counters further down. So a charge that is about to be refused may be visible for
 * a moment in counters below the one that refuses it.
 *
 * Charges and uncharges are lockless and may run on many CPUs at once. A charge that is not forced
 * raises the number held by compare-and-exchange, and never beyond the bound. The highest value is
 * noted by the next caller that lowers or shows it, the lowest one when it is reached. A refused
 * charge leaves no trace but in failcnt, unless another caller notes the highest value in just that
 * moment.
 *
 * The barrier and the limit, each a word of its own, are changed by one caller at a time. It passes
 * a memory barrier between the change and its return, and a charge passes one between raising the
 * number and checking the bound again. So no charge that this caller does not see in the number
 * can succeed by the old bound.
 */
#ifndef _BC_COUNTER_H
#define _BC_COUNTER_H

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/types.h>

#include "beancounter.h"
#include "../../module/tree.h"

/* Stands for no barrier or no limit. */
#define BC_UNLIMITED ((unsigned long)LONG_MAX)

/**
 * struct bc_counter - the amount of a resource that a container and its descendants hold
 * @held: the amount
 * @maxheld: the highest value of @held so far; see counter_maxheld()
 * @minheld: the lowest value of @held so far, or of the values that were sampled; see
 *	counter_begin_sampled()
 * @failcnt: charges that were refused because this counter had no room
 * @barrier: the bound of ordinary charges; at most @limit
 * @limit: the bound of more important ones; at most BC_UNLIMITED
 * @parent: the counter of the parent, which lives longer; NULL at the root. Never changes
 * @depth: the number of its ancestors
 * @refused_at: for container_refusal_is_news()
 */
struct bc_counter {
	atomic_long_t held;
	atomic_long_t maxheld;
	atomic_long_t minheld;
	atomic_long_t failcnt;
	unsigned long barrier;
	unsigned long limit;
	struct bc_counter *parent;
	int depth;
	unsigned long refused_at;
};

static inline unsigned long counter_held(struct bc_counter *c)
{
	return atomic_long_read(&c->held);
}

static inline unsigned long counter_bound(const struct bc_counter *c,
					  enum bc_severity severity)
{
	return severity == BC_BARRIER ? READ_ONCE(c->barrier) :
	       severity == BC_LIMIT ? READ_ONCE(c->limit) : ULONG_MAX;
}

/* Raises the highest value to @value, if that is higher. */
static __always_inline void counter_saw_high(struct bc_counter *c, long value)
{
	long max = atomic_long_read(&c->maxheld);

	while (unlikely(value > max))
		if (atomic_long_try_cmpxchg(&c->maxheld, &max, value))
			break;
}

/* Lowers the lowest value to @value, if that is lower. */
static __always_inline void counter_saw_low(struct bc_counter *c, long value)
{
	long min = atomic_long_read(&c->minheld);

	while (unlikely(value < min))
		if (atomic_long_try_cmpxchg(&c->minheld, &min, value))
			break;
}

/**
 * counter_maxheld - the highest value so far
 * @c: the counter
 */
static inline unsigned long counter_maxheld(struct bc_counter *c)
{
	counter_saw_high(c, counter_held(c));
	return atomic_long_read(&c->maxheld);
}

/* Uncharges one counter. Return: how much is left. */
static __always_inline long counter_drop(struct bc_counter *c, unsigned long n)
{
	long held = atomic_long_sub_return(n, &c->held);

	WARN_ON_ONCE(held < 0);
	counter_saw_low(c, held);
	return held;
}

/* Charges one counter, if there is room in it. */
static __always_inline bool counter_take(struct bc_counter *c, unsigned long n,
					 enum bc_severity severity,
					 struct bc_counter **crossed)
{
	long old = atomic_long_read(&c->held);
	unsigned long barrier;

	do {
		/* no overflow: both are at most BC_UNLIMITED */
		if (unlikely(n > BC_UNLIMITED ||
			     (unsigned long)old + n > counter_bound(c, severity)))
			return false;
	} while (!atomic_long_try_cmpxchg(&c->held, &old, old + n));
	/* the bound may have been lowered in between */
	if (unlikely((unsigned long)old + n > counter_bound(c, severity))) {
		counter_drop(c, n);
		return false;
	}
	if (crossed) {
		barrier = READ_ONCE(c->barrier);
		if (unlikely((unsigned long)old <= barrier && (unsigned long)old + n > barrier))
			*crossed = c;
	}
	return true;
}

/*
 * Takes a charge that has failed back from @c and the counters above, up to @stop, which is
 * excluded. Unlike counter_uncharge() it does not note the highest value.
 */
static noinline void counter_undo(struct bc_counter *c, struct bc_counter *stop,
				  unsigned long n)
{
	for (; c != stop; c = c->parent)
		counter_drop(c, n);
}

/**
 * counter_charge - charge, if there is room
 * @c: the counter
 * @stop: where to stop on the way up: above @c, or NULL
 * @n: how much
 * @severity: which bound counts
 * @crossed: set to a counter that the charge has brought beyond its barrier, if any; may be NULL
 *
 * A refusal is not counted, as the caller may have another way: see counter_fail().
 *
 * Return: NULL; or the counter that has no room for it, and nothing has changed.
 */
static __always_inline struct bc_counter *
counter_charge(struct bc_counter *c, struct bc_counter *stop, unsigned long n,
	       enum bc_severity severity, struct bc_counter **crossed)
{
	struct bc_counter *pos;

	for (pos = c; pos != stop; pos = pos->parent)
		if (unlikely(!counter_take(pos, n, severity, crossed))) {
			counter_undo(c, pos, n);
			return pos;
		}
	return NULL;
}

/**
 * counter_charge_force - charge without regard to bounds
 * @c: the counter
 * @stop: as for counter_charge()
 * @n: how much
 */
static inline void counter_charge_force(struct bc_counter *c, struct bc_counter *stop,
					unsigned long n)
{
	for (; c != stop; c = c->parent)
		atomic_long_add(n, &c->held);
}

/**
 * counter_fail - count a refused charge
 * @c: the counter
 */
static inline void counter_fail(struct bc_counter *c)
{
	atomic_long_inc(&c->failcnt);
}

/**
 * counter_uncharge - uncharge
 * @c: the counter
 * @stop: the same as for the charge
 * @n: how much
 */
static __always_inline void counter_uncharge(struct bc_counter *c, struct bc_counter *stop,
					     unsigned long n)
{
	for (; c != stop; c = c->parent)
		counter_saw_high(c, counter_drop(c, n) + n);
}

/**
 * counter_give_back - uncharge, without noting the extremes
 * @c: the counter, whose extremes are not those of @held; see counter_begin_sampled()
 * @n: how much
 */
static inline void counter_give_back(struct bc_counter *c, unsigned long n)
{
	for (; c; c = c->parent)
		WARN_ON_ONCE(atomic_long_sub_return(n, &c->held) < 0);
}

/* The ancestor of a counter at @depth; the counter itself if it is not deeper. */
static inline struct bc_counter *counter_above(struct bc_counter *c, int depth)
{
	while (c->depth > depth)
		c = c->parent;
	return c;
}

/**
 * counter_is_in - is a counter in a subtree?
 * @c: the counter
 * @top: the top of the subtree
 */
static inline bool counter_is_in(struct bc_counter *c, struct bc_counter *top)
{
	return counter_above(c, top->depth) == top;
}

/**
 * counter_set_barrier - change the barrier
 * @c: the counter; one caller at a time
 * @value: the new barrier
 *
 * Return: 0; -EINVAL if it is above the limit.
 */
static inline int counter_set_barrier(struct bc_counter *c, unsigned long value)
{
	if (value > c->limit)
		return -EINVAL;
	WRITE_ONCE(c->barrier, value);
	smp_mb(); /* pairs with atomic_long_try_cmpxchg() in counter_take() */
	return 0;
}

/**
 * counter_set_limit - change the limit
 * @c: the counter; one caller at a time
 * @value: the new limit
 *
 * Return: 0; -EINVAL if it is below the barrier or above BC_UNLIMITED.
 */
static inline int counter_set_limit(struct bc_counter *c, unsigned long value)
{
	if (value < c->barrier || value > BC_UNLIMITED)
		return -EINVAL;
	WRITE_ONCE(c->limit, value);
	smp_mb(); /* pairs with atomic_long_try_cmpxchg() in counter_take() */
	return 0;
}

/**
 * counter_init - add a zeroed counter to a tree
 * @c: the counter
 * @parent: its parent
 */
static inline void counter_init(struct bc_counter *c, struct bc_counter *parent)
{
	c->parent = parent;
	c->depth = parent->depth + 1;
}

/**
 * counter_begin - reset a counter, but for the amount that is held
 * @c: the counter; the amount becomes both extremes
 * @barrier: its barrier
 * @limit: its limit, not less
 */
static inline void counter_begin(struct bc_counter *c, unsigned long barrier,
				 unsigned long limit)
{
	long held = atomic_long_read(&c->held);

	atomic_long_set(&c->maxheld, held);
	atomic_long_set(&c->minheld, held);
	atomic_long_set(&c->failcnt, 0);
	WRITE_ONCE(c->barrier, barrier);
	WRITE_ONCE(c->limit, limit);
}

/**
 * counter_begin_sampled - as counter_begin(), for a counter that has only a part of the amount
 * @c: the counter, without bounds. Its extremes will be those of the values that the caller passes
 *	to counter_saw_high() and counter_saw_low()
 */
static inline void counter_begin_sampled(struct bc_counter *c)
{
	counter_begin(c, BC_UNLIMITED, BC_UNLIMITED);
	atomic_long_set(&c->maxheld, 0);
	atomic_long_set(&c->minheld, LONG_MAX);
}

#endif /* _BC_COUNTER_H */
