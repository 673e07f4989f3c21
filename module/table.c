// SPDX-License-Identifier: GPL-2.0
/*
 * The table of members: a hash of the task's address.
 *
 * Lookups take no lock. The slab keeps its type under RCU, so an entry may be
 * freed at once (fork and exit leave no work for a grace period) and reused for
 * another task while somebody is looking at it: a lookup that strays onto
 * another chain by that notices from the chain's end marker and starts again.
 * A lookup for the current task, or for one that can neither exit nor appear
 * meanwhile, needs nothing more; any other has to take the entry's lock and
 * compare the task again.
 *
 * Each bucket's lock guards its chain. It nests inside the entry's lock.
 */
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/rculist_nulls.h>
#include <linux/slab.h>

#include "table.h"

#define TABLE_BITS 13

struct bucket {
	struct hlist_nulls_head head;
	spinlock_t lock;
};

static struct bucket *table;
static struct kmem_cache *member_cache;

static struct bucket *table_bucket(const struct task_struct *task)
{
	return &table[hash_ptr((void *)task, TABLE_BITS)];
}

/*
 * Entries that are out of use, kept at hand for the forks to come on this CPU: most
 * tasks exit soon after another, and a round through the slab costs more than
 * all the rest of what an entry does. Guarded by disabling preemption.
 */
struct spares {
	int count;
	struct member *m[16];
};

static DEFINE_PER_CPU(struct spares, spares);

static void member_ctor(void *p)
{
	struct member *m = p;

	spin_lock_init(&m->lock);
	m->task = NULL;
}

/**
 * table_alloc - make an entry that is in no container
 * @task: whose
 * @gfp: how to allocate
 *
 * Context: process; sleeps if @gfp says so.
 * Return: the entry, not yet in the table, or NULL.
 */
struct member *table_alloc(struct task_struct *task, gfp_t gfp)
{
	struct member *m = NULL;
	struct spares *s;
	int i;

	preempt_disable();
	s = this_cpu_ptr(&spares);
	if (s->count)
		m = s->m[--s->count];
	preempt_enable();
	if (!m)
		m = kmem_cache_alloc(member_cache, gfp);
	if (!m)
		return NULL;
	/* no memset: the lock may be in use by a reader of the entry's past */
	WRITE_ONCE(m->task, task);
	bitmap_zero(m->asked, MAX_CONTAINER_SUBSYS);
	bitmap_zero(m->known, MAX_CONTAINER_SUBSYS);
	m->moved = false;
	for (i = 0; i < MAX_CONTAINER_HIERARCHIES; i++)
		WRITE_ONCE(m->in[i].cont, NULL);
	for (i = 0; i < CONTAINER_TASK_WORDS; i++)
		m->data[i] = 0;
	return m;
}

/**
 * table_free - free an entry that is not in the table
 * @m: the entry
 *
 * Context: process.
 */
void table_free(struct member *m)
{
	struct spares *s;

	/* a lookup that strayed here shall not take it for its task's entry */
	WRITE_ONCE(m->task, NULL);
	preempt_disable();
	s = this_cpu_ptr(&spares);
	if (s->count < ARRAY_SIZE(s->m)) {
		s->m[s->count++] = m;
		m = NULL;
	}
	preempt_enable();
	if (m)
		kmem_cache_free(member_cache, m);
}

/**
 * table_find - find a task's entry
 * @task: the task
 *
 * Context: any, under rcu_read_lock().
 * Return: the entry or NULL; see above for what it is worth.
 */
struct member *table_find(const struct task_struct *task)
{
	struct bucket *b = table_bucket(task);
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
 * table_insert - put an entry into the table
 * @m: the entry
 *
 * Context: process, under rcu_read_lock().
 * Return: @m, or the entry that the task already has.
 */
struct member *table_insert(struct member *m)
{
	struct bucket *b = table_bucket(m->task);
	struct hlist_nulls_node *node;
	struct member *old;

	spin_lock(&b->lock);
	hlist_nulls_for_each_entry(old, node, &b->head, node)
		if (old->task == m->task)
			goto out;
	hlist_nulls_add_head_rcu(&m->node, &b->head);
	old = m;
out:
	spin_unlock(&b->lock);
	return old;
}

/**
 * table_remove - take an entry out of the table
 * @m: the entry, with its lock held
 *
 * From here on nobody finds it, and who found it before sees that it is void.
 */
void table_remove(struct member *m)
{
	struct bucket *b = table_bucket(m->task);

	lockdep_assert_held(&m->lock);
	spin_lock(&b->lock);
	hlist_nulls_del_rcu(&m->node);
	spin_unlock(&b->lock);
	WRITE_ONCE(m->task, NULL);
}

/**
 * table_for_each - call a function for each entry
 * @fn: the function, called with the entry's lock held; since entries come and
 *	go, it may be called more than once for the same one
 * @arg: passed to @fn
 */
void table_for_each(void (*fn)(struct member *m, void *arg), void *arg)
{
	struct hlist_nulls_node *node;
	struct member *m;
	int i;

	for (i = 0; i < 1 << TABLE_BITS; i++) {
		rcu_read_lock();
		do {
			hlist_nulls_for_each_entry_rcu(m, node, &table[i].head, node) {
				spin_lock(&m->lock);
				if (m->task)
					fn(m, arg);
				spin_unlock(&m->lock);
			}
		} while (get_nulls_value(node) != i);
		rcu_read_unlock();
	}
}

/**
 * table_flush - empty the table
 * @drop: takes the entry out of whatever it is in; called with its lock held
 *
 * For when no hook is armed: nobody else adds, removes or looks.
 */
void table_flush(void (*drop)(struct member *m))
{
	struct hlist_nulls_node *node;
	struct member *m;
	int i;

	for (i = 0; i < 1 << TABLE_BITS; i++)
		while (!hlist_nulls_empty(&table[i].head)) {
			node = table[i].head.first;
			m = hlist_nulls_entry(node, struct member, node);
			spin_lock(&m->lock);
			drop(m);
			table_remove(m);
			spin_unlock(&m->lock);
			table_free(m);
		}
}

int table_init(void)
{
	int i;

	table = kvcalloc(1 << TABLE_BITS, sizeof(*table), GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	for (i = 0; i < 1 << TABLE_BITS; i++) {
		INIT_HLIST_NULLS_HEAD(&table[i].head, i);
		spin_lock_init(&table[i].lock);
	}
	member_cache = kmem_cache_create("container_member", sizeof(struct member), 0,
					 SLAB_TYPESAFE_BY_RCU, member_ctor);
	if (!member_cache) {
		kvfree(table);
		return -ENOMEM;
	}
	return 0;
}

void table_exit(void)
{
	struct spares *s;
	int cpu;

	for_each_possible_cpu(cpu) {
		s = per_cpu_ptr(&spares, cpu);
		while (s->count)
			kmem_cache_free(member_cache, s->m[--s->count]);
	}
	kmem_cache_destroy(member_cache);
	kvfree(table);
}
