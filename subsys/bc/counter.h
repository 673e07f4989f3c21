/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The arithmetic of a counter: what is held of a resource, within a barrier and a
 * limit. No hooks and no containers in here, so KUnit can test it by itself.
 *
 * Anybody may charge and uncharge at any time, on many CPUs, without a lock. The
 * number held is raised by compare-and-exchange and never beyond the bound in
 * force. Every value that it takes is compared with the extremes by whoever made
 * it that value, so they are exact once that call has returned.
 *
 * One caller at a time changes the barrier or the limit; each is a word of its own.
 * It has a barrier between that and its return, and a charge has one between
 * raising the number and a second look at the bound: so no charge that the caller
 * does not see in the number can succeed by the old bound.
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

/* As a barrier or a limit: none. */
#define BC_UNLIMITED ((unsigned long)LONG_MAX)

/**
 * struct bc_counter - what a container holds of a resource
 * @held: how much
 * @maxheld: the most there ever was
 * @minheld: the least
 * @failcnt: charges that were refused
 * @barrier: where ordinary charges are refused; at most @limit
 * @limit: where more important ones are; at most BC_UNLIMITED
 */
struct bc_counter {
	atomic_long_t held;
	atomic_long_t maxheld;
	atomic_long_t minheld;
	atomic_long_t failcnt;
	unsigned long barrier;
	unsigned long limit;
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

/* Is a value beyond the extremes? Then it is one. */
static __always_inline void counter_saw_high(struct bc_counter *c, long value)
{
	long max = atomic_long_read(&c->maxheld);

	while (unlikely(value > max))
		if (atomic_long_try_cmpxchg(&c->maxheld, &max, value))
			break;
}

static __always_inline void counter_saw_low(struct bc_counter *c, long value)
{
	long min = atomic_long_read(&c->minheld);

	while (unlikely(value < min))
		if (atomic_long_try_cmpxchg(&c->minheld, &min, value))
			break;
}

/**
 * counter_try - charge, if there is room
 * @c: the counter
 * @n: how much
 * @severity: which bound counts
 * @crossed: set if the charge went past the barrier; may be NULL
 *
 * A refusal is not counted, as the caller may have another way: see counter_fail().
 *
 * Return: false if it would exceed the bound; then nothing has changed.
 */
static __always_inline bool counter_try(struct bc_counter *c, unsigned long n,
					enum bc_severity severity, bool *crossed)
{
	long old = atomic_long_read(&c->held);
	unsigned long bound, barrier;

	do {
		bound = counter_bound(c, severity);
		/* two that are not above BC_UNLIMITED do not overflow */
		if (unlikely(n > BC_UNLIMITED || (unsigned long)old + n > bound))
			return false;
	} while (!atomic_long_try_cmpxchg(&c->held, &old, old + n));
	/* a look at a bound that was lowered in between */
	if (unlikely((unsigned long)old + n > counter_bound(c, severity))) {
		atomic_long_sub(n, &c->held);
		return false;
	}
	counter_saw_high(c, old + n);
	if (crossed) {
		barrier = READ_ONCE(c->barrier);
		*crossed = (unsigned long)old <= barrier && (unsigned long)old + n > barrier;
	}
	return true;
}

/**
 * counter_force - charge in any case
 * @c: the counter
 * @n: how much
 */
static __always_inline void counter_force(struct bc_counter *c, unsigned long n)
{
	counter_saw_high(c, atomic_long_add_return(n, &c->held));
}

/**
 * counter_fail - a charge was refused
 * @c: the counter
 */
static inline void counter_fail(struct bc_counter *c)
{
	atomic_long_inc(&c->failcnt);
}

/**
 * counter_uncharge - give back what was charged
 * @c: the counter
 * @n: how much
 */
static __always_inline void counter_uncharge(struct bc_counter *c, unsigned long n)
{
	long held = atomic_long_sub_return(n, &c->held);

	WARN_ON_ONCE(held < 0);
	counter_saw_low(c, held);
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
	smp_mb(); /* pairs with atomic_long_try_cmpxchg() in counter_try() */
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
	smp_mb(); /* pairs with atomic_long_try_cmpxchg() in counter_try() */
	return 0;
}

/**
 * counter_begin - forget the past
 * @c: the counter; what it holds stays, and is both extremes now
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

#endif /* _BC_COUNTER_H */
