/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of members: an entry for each task that is, or was, below the root of some
 * hierarchy, or for every task while a subsystem wants all. A task without an entry is in the
 * root container of every hierarchy.
 *
 * The table is hashed by the task's address. A bucket's lock guards its chain and the
 * entries on it: table_lock() locks the entry of a task, whether it exists or not.
 *
 * Lookups take no lock. Entries come from a SLAB_TYPESAFE_BY_RCU cache, so that fork and exit
 * need not wait for grace periods: an entry may be freed and reused for another task while a
 * reader looks at it. A reader that is led to another chain by that finds a wrong end marker
 * there and starts again. The result of a lookup is final for the current task, and for a task
 * that can neither exit nor appear meanwhile. For any other task, the reader has to compare the
 * entry's task again, with the lock held or after it has read the entry.
 *
 * The functions that fork and exit use are inline.
 */
#ifndef _TABLE_H
#define _TABLE_H

#include <linux/bitmap.h>
#include <linux/hash.h>
#include <linux/percpu.h>
#include <linux/rculist_nulls.h>
#include <linux/spinlock.h>

#include "container.h"

/**
 * struct place - the place of a task in a hierarchy
 * @cont: the container; NULL for the root
 * @link: link in the container's list of members. A place on the list has a container, but for
 *	those that walks over the list insert as their cursors
 */
struct place {
	struct container *cont;
	struct hlist_node link;
};

/**
 * struct member - the entry of a task
 * @node: link in the table
 * @task: the task; NULL while the entry is not in the table
 * @charged: the generation of subsystems that can_fork() was called for: see callbacks.h; 0 for
 *	none
 * @known: the generation of subsystems that know the task; 0 for none. The forking task sets both
 *	before the child can be found; later they are changed with the entry's lock held
 * @moved: the hierarchies in which the task was moved since its birth or, if it has forked, since
 *	its last fork
 * @in: the task's place in each hierarchy; changed under the container's lock as well
 * @data: the data that subsystems keep for the task, each at its task_offset
 */
struct member {
	struct hlist_nulls_node node;
	struct task_struct *task;
	unsigned long charged;
	unsigned long known;
	DECLARE_BITMAP(moved, MAX_CONTAINER_HIERARCHIES);
	struct place in[MAX_CONTAINER_HIERARCHIES];
	u64 data[CONTAINER_TASK_SIZE / sizeof(u64)];
};

/* The entry that contains a place in a hierarchy. */
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
 * table_lock - lock a task's entry, whether it exists or not
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

/* Lets the compiler drop the test for NULL that a caller makes of an entry that was found. */
static __always_inline struct member *table_present(struct member *m)
{
	if (!m)
		__builtin_unreachable();
	return m;
}

/**
 * table_find_in - find a task's entry in its bucket
 * @b: the task's bucket
 * @task: the task
 *
 * Context: any, under RCU or the task's lock.
 * Return: the entry or NULL. The top of the file says when the answer is final.
 */
static inline struct member *table_find_in(const struct bucket *b,
					   const struct task_struct *task)
{
	struct hlist_nulls_node *node;
	struct member *m;

	do {
		hlist_nulls_for_each_entry_rcu(m, node, &b->head, node)
			if (READ_ONCE(m->task) == task)
				return table_present(m);
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
 * @generation: of the subsystems that know the task, or are just being asked about its birth
 *
 * Context: process.
 */
static inline void table_add(struct bucket *b, struct member *m, struct task_struct *task,
			     unsigned long generation)
{
	m->charged = generation;
	m->known = generation;
	WRITE_ONCE(m->task, task);
	hlist_nulls_add_head_rcu(&m->node, &b->head);
}

/**
 * table_del - take an entry out of the table
 * @m: the entry, with its task's lock held
 *
 * Later lookups do not find it; a lookup that has found it sees that its task is gone.
 *
 * Context: process.
 */
static inline void table_del(struct member *m)
{
	__hlist_nulls_del(&m->node);
	WRITE_ONCE(m->task, NULL);
}

struct member *table_alloc(gfp_t gfp);
void table_free(struct member *m);

/*
 * Free entries that are kept for the next forks on this CPU. Forks and exits mostly alternate,
 * and allocating and freeing in the slab would cost more than everything else about an entry.
 * Guarded by disabled preemption.
 */
struct table_spares {
	unsigned int count;
	struct member *m[16];
};

DECLARE_PER_CPU(struct table_spares, table_spares);

/* Clears an entry for reuse. Its places are empty already: a free entry is in no container. */
static inline void table_clear(struct member *m)
{
	int i;

	bitmap_zero(m->moved, MAX_CONTAINER_HIERARCHIES);
	/* single stores are faster here than the memset() that the compiler would make of them */
	_Pragma("GCC unroll 16")
	for (i = 0; i < ARRAY_SIZE(m->data); i++)
		WRITE_ONCE(m->data[i], 0);
}

/**
 * table_take_spare - take an entry from this CPU's spares
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
	m = table_present(s->m[--s->count]);
	table_clear(m);
	return m;
}

/**
 * table_free_spare - put an entry back to this CPU's spares, or free it if they are full
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
