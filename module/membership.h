/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Entries of the table and lists of members, for fork.c, move.c, list.c and callbacks.c. The
 * functions on the paths of fork and exit are inline.
 */
#ifndef _MEMBERSHIP_H
#define _MEMBERSHIP_H

#include <linux/pid_namespace.h>

#include "core.h"
#include "container_hook.h"
#include "table.h"

enum { HOOK_CANCEL_FORK, HOOK_EXIT, HOOK_NEWTASK, HOOK_CAN_FORK, FORK_HOOKS };
extern struct container_hook fork_hooks[FORK_HOOKS];

/*
 * For loops over the hierarchies on the paths of fork and exit. A plain loop, up to the last
 * active hierarchy, costs about 30 instructions more for each task.
 */
#define unrolled _Pragma("GCC unroll 8")

/* How many members a walk visits before it drops the container's lock. */
#define WALK_PORTION 256

bool walk_on(struct container *cont, struct place *mark,
	     void (*fn)(struct member *m, void *arg), void *arg);
void walk_end(struct container *cont, struct place *mark);
struct pid *next_pid(int nr, struct pid_namespace *ns);

/* move.c */
extern struct signal_struct *moving;
int move_wait(struct task_struct *child);

bool members_gone(struct container *cont);
void member_move(struct member *m, struct container_move *move);
int member_ensure(struct task_struct *task, gfp_t gfp);

/*
 * Takes a place off the list of @cont, its container, and sets its container to @to, NULL for the
 * root. Both are done under the lock of @cont: while another task holds that lock, a place in
 * @cont stays there. Called under RCU, which keeps @cont readable.
 */
static __always_inline void member_unlink(struct place *at, struct container *cont,
					  struct container *to)
{
	bool released = false;

	spin_lock(&cont->lock);
	__hlist_del(&at->link);
	WRITE_ONCE(at->cont, to);
	if (!--cont->nr_members)
		released = members_gone(cont);
	spin_unlock(&cont->lock);
	if (released)
		container_released(cont);
}

static __always_inline void member_leave_all(struct member *m)
{
	int h;

	unrolled
	for (h = 1; h < MAX_CONTAINER_HIERARCHIES; h++)
		if (m->in[h].cont)
			member_unlink(&m->in[h], m->in[h].cont, NULL);
}

static inline bool member_is_below(const struct member *m)
{
	int h;

	unrolled
	for (h = 1; h < MAX_CONTAINER_HIERARCHIES; h++)
		if (READ_ONCE(m->in[h].cont))
			return true;
	return false;
}

/*
 * The entry of a task that has not begun to exit, or NULL. The caller holds the entry's lock, and
 * the exit of the task waits for that, so the entry stays until the lock is released.
 */
static inline struct member *live_member(struct task_struct *task)
{
	return READ_ONCE(task->flags) & PF_EXITING ? NULL : table_find(task);
}

#endif /* _MEMBERSHIP_H */
