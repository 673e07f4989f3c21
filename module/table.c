// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of the table of members, and walks over the whole table. Its rules are in table.h.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "table.h"

struct bucket *table;
static struct kmem_cache *member_cache;

DEFINE_PER_CPU(struct table_spares, table_spares);

/* The slab's constructor. From now on a lookup may pass through the entry, free or not. */
static void member_init(void *m)
{
	memset(m, 0, sizeof(struct member));
}

/**
 * table_alloc - allocate an entry, which is in no container
 * @gfp: how to allocate
 *
 * Context: process; sleeps if @gfp allows it.
 * Return: the entry, not yet in the table, or NULL.
 */
struct member *table_alloc(gfp_t gfp)
{
	struct member *m = kmem_cache_alloc(member_cache, gfp);

	if (m)
		table_clear(m);
	return m;
}

/**
 * table_free - free an entry
 * @m: the entry, neither in the table nor in a container
 *
 * Context: process.
 */
void table_free(struct member *m)
{
	kmem_cache_free(member_cache, m);
}

/**
 * table_for_each - call a function for each entry
 * @fn: the function, called with the entry's lock held
 * @arg: passed to @fn
 *
 * Entries that are added or removed meanwhile may be missed.
 *
 * Context: process.
 */
void table_for_each(void (*fn)(struct member *m, void *arg), void *arg)
{
	struct hlist_nulls_node *node;
	struct member *m;
	int i;

	for (i = 0; i < 1 << TABLE_BITS; i++) {
		spin_lock(&table[i].lock);
		hlist_nulls_for_each_entry(m, node, &table[i].head, node)
			fn(m, arg);
		spin_unlock(&table[i].lock);
	}
}

/**
 * table_flush - empty the table
 * @drop: takes the entry out of its containers; called with its lock held
 *
 * Context: process; no hook is armed, so nothing else adds or removes entries. Lookups go on.
 */
void table_flush(void (*drop)(struct member *m))
{
	struct member *m;
	int i;

	for (i = 0; i < 1 << TABLE_BITS; i++) {
		spin_lock(&table[i].lock);
		while (!hlist_nulls_empty(&table[i].head)) {
			m = hlist_nulls_entry(table[i].head.first, struct member, node);
			drop(m);
			table_del(m);
			table_free(m);
		}
		spin_unlock(&table[i].lock);
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
					 SLAB_TYPESAFE_BY_RCU, member_init);
	if (!member_cache) {
		kvfree(table);
		return -ENOMEM;
	}
	return 0;
}

void table_exit(void)
{
	struct table_spares *s;
	int cpu;

	for_each_possible_cpu(cpu) {
		s = per_cpu_ptr(&table_spares, cpu);
		while (s->count)
			kmem_cache_free(member_cache, s->m[--s->count]);
	}
	kmem_cache_destroy(member_cache);
	kvfree(table);
}
