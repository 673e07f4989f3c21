/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions of the core for the subsystems of this project alone. This header is not installed,
 * and may change.
 */
#ifndef _PRIVATE_H
#define _PRIVATE_H

#include <linux/jiffies.h>

#include "container.h"

bool container_noprefix(const struct container *cont);
bool container_for_task(struct task_struct *task, struct container_subsys *ss,
			void (*fn)(struct task_struct *task, void *data, void *arg), void *arg);
int container_evict_task(struct container *to, struct task_struct *task);

/* Complain, on kernels with lockdep, if the caller does not hold: */
#ifdef CONFIG_LOCKDEP
void container_assert_managed(void);	/* the manage lock */
void container_assert_locked(void);	/* the callback lock */
void container_assert_stay(void);	/* one of them, so that containers stay where they are */
#else
static inline void container_assert_managed(void) {}
static inline void container_assert_locked(void) {}
static inline void container_assert_stay(void) {}
#endif

/**
 * container_refusal_is_news - should the log report that a limit has refused something?
 * @told: time of the container's last line in the log, for any of its limits; 0 at first
 * @seen: time of this limit's last refusal; 0 at first
 *
 * Refusals with less than ten seconds between them are one episode, which is logged once. A
 * container gets at most one line in ten seconds.
 *
 * Context: any; any number of callers at once.
 */
static inline bool container_refusal_is_news(unsigned long *told, unsigned long *seen)
{
	unsigned long now = jiffies | 1, last = READ_ONCE(*told), refused = READ_ONCE(*seen);

	if (refused && now - refused < 10 * HZ) {
		WRITE_ONCE(*seen, now);
		return false;
	}
	if ((last && now - last < 10 * HZ) || cmpxchg(told, last, now) != last)
		return false;
	WRITE_ONCE(*seen, now);
	return true;
}

#endif /* _PRIVATE_H */
