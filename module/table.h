/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of members: what the core knows about a task that is, or once was,
 * below the root of some hierarchy. A task that it does not know is in the
 * root container of every hierarchy.
 */
#ifndef _TABLE_H
#define _TABLE_H

#include <linux/bitmap.h>
#include <linux/list_nulls.h>

#include "container.h"

/**
 * struct place - where a task is in a hierarchy
 * @cont: the container, NULL for the top one; never NULL while @link is on a list
 * @link: in the container's list of members. A reader of the list may put places
 *	without a container there, to mark where it is.
 */
struct place {
	struct container *cont;
	struct list_head link;
};

/**
 * struct member - a task that is known
 * @node: link in the table
 * @lock: guards the rest. Initialised once for the life of the slab, so that it
 *	may be taken on an entry that has been freed or reused meanwhile;
 *	whoever takes it then compares @task.
 * @task: the task; NULL once the entry is out of use
 * @asked: subsystems whose can_fork() agreed to it
 * @known: subsystems without members_only that were told of it
 * @moved: somebody moved this task by itself, so it need not follow its parent
 * @in: for each hierarchy, where the task is
 * @data: the words of the subsystems
 */
struct member {
	struct hlist_nulls_node node;
	spinlock_t lock;
	struct task_struct *task;
	DECLARE_BITMAP(asked, MAX_CONTAINER_SUBSYS);
	DECLARE_BITMAP(known, MAX_CONTAINER_SUBSYS);
	bool moved;
	struct place in[MAX_CONTAINER_HIERARCHIES];
	u64 data[CONTAINER_TASK_WORDS];
};

/* The member whose place in a hierarchy this is. */
static inline struct member *place_member(struct place *at, int hierarchy)
{
	return container_of(at, struct member, in[hierarchy]);
}

/* Walks over the members of @c; its lock is held. */
#define for_each_member(m, at, c)					\
	list_for_each_entry(at, &(c)->members, link)			\
		if ((at)->cont && ((m) = place_member(at, (c)->hierarchy)))

int table_init(void);
void table_exit(void);
struct member *table_alloc(struct task_struct *task, gfp_t gfp);
void table_free(struct member *m);
struct member *table_find(const struct task_struct *task);
struct member *table_insert(struct member *m);
void table_remove(struct member *m);
void table_for_each(void (*fn)(struct member *m, void *arg), void *arg);
void table_flush(void (*drop)(struct member *m));

#endif /* _TABLE_H */
