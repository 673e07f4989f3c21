/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of members: an entry for each task that is, or once was, below the root of
 * some hierarchy. A task without an entry is in the root container of every hierarchy.
 *
 * The table is hashed by the task's address. A bucket's lock guards its chain and the
 * entries on it: table_lock() locks the entry of a task, whether it exists or not.
 *
 * Lookups take no lock. Entries come from a SLAB_TYPESAFE_BY_RCU cache, so that fork and
 * exit need not wait for grace periods: an entry may be freed and reused for another task
 * while a reader looks at it. A reader that strays onto another chain by that notices it by
 * the chain's end marker and starts again. A lookup for the current task, or for one that can
 * neither exit nor appear meanwhile, needs nothing more; any other has to take the lock and
 * compare the entry's task again.
 *
 * What fork and exit use is inline.
 */
#ifndef _TABLE_H
#define _TABLE_H

#include <linux/hash.h>
#include <linux/percpu.h>
#include <linux/rculist_nulls.h>
#include <linux/spinlock.h>

#include "container.h"

/**
 * struct place - the place of a task in a hierarchy
 * @cont: the container, NULL for the top one; never NULL while @link is on a list
 * @link: in the container's list of members. A reader of the list inserts a place without
 *	a container as a cursor.
 */
struct place {
	struct container *cont;
	struct hlist_node link;
};

/**
 * struct member - the entry of a task
 * @node: link in the table
 * @task: the task; NULL while the entry is not in the table
 * @charged: the generation whose can_fork() agreed: see callbacks.h; 0 for none
 * @known: the generation that knows the task; 0 for none. Both are set by the forking task
 *	before the child can be found, and changed with the entry's lock held
 * @moved: the task was moved since it was forked, or last forked itself
 * @in: the task's place in each hierarchy; changed under the container's lock as well
 * @data: what the subsystems keep for the task, each at its task_offset
 */
struct member {
	struct hlist_nulls_node node;
	struct task_struct *task;
	unsigned long charged;
	unsigned long known;
	bool moved;
	struct place in[MAX_CONTAINER_HIERARCHIES];
	u64 data[CONTAINER_TASK_SIZE / sizeof(u64)];
};

/* The member whose place in a hierarchy this is. */
static inline struct member *place_member(struct place *at, int hierarchy)
{
	return container_of(at, struct member, in[hierarchy]);
}

struct bucket {
	struct hlist_nulls_head head;
	spinlock_t lock;
};

#define TABLE_BITS 13
extern struct bucket *table;

static inline struct bucket *table_bucket(const struct task_struct *task)
{
	return &table[hash_ptr((void *)task, TABLE_BITS)];
}

/**
 * table_lock - lock the entry that a task has or will have
 * @task: the task
 *
 * Context: process.
 * Return: its bucket, for table_unlock().
 */
static inline struct bucket *table_lock(const struct task_struct *task)
{
	struct bucket *b = table_bucket(task);

	spin_lock(&b->lock);
	return b;
}

static inline void table_unlock(struct bucket *b)
{
	spin_unlock(&b->lock);
}

/**
 * table_find_in - find a task's entry in its bucket
 * @b: the task's bucket
 * @task: the task
 *
 * Context: any, under RCU or the task's lock.
 * Return: the entry or NULL. The top of the file says when it can be relied on.
 */
static inline struct member *table_find_in(const struct bucket *b,
					   const struct task_struct *task)
{
	struct hlist_nulls_node *node;
	struct member *m;

	do {
		hlist_nulls_for_each_entry_rcu(m, node, &b->head, node)
			if (READ_ONCE(m->task) == task)
				return m;
	} while (get_nulls_value(node) != (unsigned long)(b - table));
	return NULL;
}

/**
 * table_find - find a task's entry
 * @task: the task
 *
 * As table_find_in().
 */
static inline struct member *table_find(const struct task_struct *task)
{
	return table_find_in(table_bucket(task), task);
}

/**
 * table_add - put an entry into the table
 * @b: the task's bucket, locked
 * @m: the entry
 * @task: the task, which has none yet
 */
static inline void table_add(struct bucket *b, struct member *m, struct task_struct *task)
{
	WRITE_ONCE(m->task, task);
	hlist_nulls_add_head_rcu(&m->node, &b->head);
}

/**
 * table_del - take an entry out of the table
 * @m: the entry, with its task's lock held
 *
 * Lookups do not find it any more; those that did see that its task is gone.
 */
static inline void table_del(struct member *m)
{
	hlist_nulls_del_rcu(&m->node);
	WRITE_ONCE(m->task, NULL);
}

struct member *table_alloc(gfp_t gfp);
void table_free(struct member *m);

/*
 * Free entries that are kept for the next forks on this CPU: forks and exits mostly
 * alternate, and a round through the slab costs more than all the rest that an entry does.
 * Guarded by disabled preemption.
 */
struct table_spares {
	int count;
	struct member *m[16];
};

DECLARE_PER_CPU(struct table_spares, table_spares);

/* Clears an entry for reuse. Its places are empty: a free entry is in no container. */
static inline void table_clear(struct member *m)
{
	int i;

	m->charged = 0;
	m->known = 0;
	m->moved = false;
	/* plain stores, where the compiler would use memset() or a string operation */
	_Pragma("GCC unroll 16")
	for (i = 0; i < ARRAY_SIZE(m->data); i++)
		WRITE_ONCE(m->data[i], 0);
}

/**
 * table_take_spare - table_alloc() from the spares
 *
 * Context: process, preemption disabled.
 * Return: the entry, or NULL if there is no spare one.
 */
static inline struct member *table_take_spare(void)
{
	struct table_spares *s = this_cpu_ptr(&table_spares);
	struct member *m;

	if (!s->count)
		return NULL;
	m = s->m[--s->count];
	table_clear(m);
	return m;
}

/**
 * table_free_spare - table_free(), by way of the spares
 * @m: the entry
 *
 * Context: process, preemption disabled.
 */
static inline void table_free_spare(struct member *m)
{
	struct table_spares *s = this_cpu_ptr(&table_spares);

	if (s->count < ARRAY_SIZE(s->m))
		s->m[s->count++] = m;
	else
		table_free(m);
}

int table_init(void);
void table_exit(void);
void table_for_each(void (*fn)(struct member *m, void *arg), void *arg);
void table_flush(void (*drop)(struct member *m));

#endif /* _TABLE_H */
