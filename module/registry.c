// SPDX-License-Identifier: GPL-2.0
/*
 * The two mutexes, and the hierarchies that are active.
 *
 * A change of the trees is prepared under manage_mutex and made under both mutexes, so that
 * holding either one keeps them as they are. Moves of tasks take manage_mutex alone.
 * hierarchies[] is also read under RCU: see membership_of().
 */
#include <linux/mutex.h>
#include <linux/seq_file.h>

#include "core.h"
#include "private.h"

DEFINE_MUTEX(manage_mutex);
/* The task that holds manage_mutex, or NULL. */
static struct task_struct *manager;
static DEFINE_MUTEX(callback_mutex);

/* The subsystems that are not bound are in this hierarchy, number 0. It has only a root. */
struct hierarchy dummy_hierarchy;
struct hierarchy *hierarchies[MAX_CONTAINER_HIERARCHIES];

/**
 * container_manage_lock - keep containers, memberships and bindings as they are
 *
 * Held to change any of them. A mutex, the outermost of the project's locks.
 *
 * Context: process, no lock of the project held; sleeps.
 */
void container_manage_lock(void)
{
	mutex_lock(&manage_mutex);
	WRITE_ONCE(manager, current);
}
EXPORT_SYMBOL_GPL(container_manage_lock);

/**
 * container_manage_unlock - release the manage lock
 *
 * Context: the task that has taken it.
 */
void container_manage_unlock(void)
{
	WRITE_ONCE(manager, NULL);
	mutex_unlock(&manage_mutex);
}
EXPORT_SYMBOL_GPL(container_manage_unlock);

/**
 * manage_lock_is_mine - does the current task hold the manage lock?
 *
 * Exported functions check with it that their caller keeps the rules, as they do not trust
 * other modules.
 *
 * Context: process. Lockless: a task sees itself in @manager only if it has set that itself.
 */
bool manage_lock_is_mine(void)
{
	return READ_ONCE(manager) == current;
}

/**
 * container_lock - keep containers where they are, to look at them
 *
 * The callback lock: a mutex that nests inside the manage lock. Tasks may still move.
 *
 * Context: process, no spinlock held; sleeps.
 */
void container_lock(void)
{
	mutex_lock(&callback_mutex);
}
EXPORT_SYMBOL_GPL(container_lock);

/**
 * container_unlock - release the callback lock
 *
 * Context: the task that has taken it.
 */
void container_unlock(void)
{
	mutex_unlock(&callback_mutex);
}
EXPORT_SYMBOL_GPL(container_unlock);

#ifdef CONFIG_LOCKDEP

void container_assert_managed(void)
{
	lockdep_assert_held(&manage_mutex);
}
EXPORT_SYMBOL_GPL(container_assert_managed);

void container_assert_locked(void)
{
	lockdep_assert_held(&callback_mutex);
}
EXPORT_SYMBOL_GPL(container_assert_locked);

void container_assert_stay(void)
{
	WARN_ON_ONCE(debug_locks && !lockdep_is_held(&manage_mutex) &&
		     !lockdep_is_held(&callback_mutex));
}
EXPORT_SYMBOL_GPL(container_assert_stay);

#endif /* CONFIG_LOCKDEP */

/* Prints a bitmap in hex, without leading zeros. */
static void show_bits(struct seq_file *m, const unsigned long *set)
{
	int i = BITS_TO_LONGS(MAX_CONTAINER_SUBSYS) - 1;

	while (i && !set[i])
		i--;
	seq_printf(m, "%lx", set[i]);
	while (i--)
		seq_printf(m, "%016lx", set[i]);
}

/* How many of all tasks are at the root of a hierarchy? */
static int tasks_at_top(struct hierarchy *h, int nr_tasks)
{
	struct container *pos;

	for_each_descendant(pos, &h->top)
		nr_tasks -= READ_ONCE(pos->nr_members);
	/* tasks come and go meanwhile */
	return max(nr_tasks, 0);
}

/* A line below "Hierarchies:" in /proc/containers; under the callback lock. */
static void hierarchy_show(struct seq_file *m, struct hierarchy *h, int nr_tasks)
{
	struct container_subsys *ss;
	const char *sep = "";
	int id;

	seq_printf(m, "%d: topcount=%d bits=", h->top.hierarchy,
		   h == &dummy_hierarchy ? 1 : tasks_at_top(h, nr_tasks) + 1);
	show_bits(m, h->subsys);
	seq_printf(m, " containers=%d (", h->nr_containers);
	for_each_bound_subsys(h, id, ss) {
		seq_printf(m, "%s%s", sep, ss->name);
		sep = ", ";
	}
	seq_puts(m, ")");
	if (h->sb)
		seq_printf(m, " s_active=%d", atomic_read(&h->sb->s_active));
	seq_putc(m, '\n');
}

/**
 * containers_show_hierarchies - print "Hierarchies:" in /proc/containers
 * @m: where to print
 * @nr_tasks: the number of tasks, counted just before
 *
 * Context: callback lock held.
 */
void containers_show_hierarchies(struct seq_file *m, int nr_tasks)
{
	int i;

	seq_puts(m, "Hierarchies:\n");
	for (i = 0; i < MAX_CONTAINER_HIERARCHIES; i++)
		if (hierarchies[i])
			hierarchy_show(m, hierarchies[i], nr_tasks);
}

void hierarchy_init(void)
{
	hierarchies[0] = &dummy_hierarchy;
	container_setup(&dummy_hierarchy.top, &dummy_hierarchy, NULL);
	dummy_hierarchy.nr_containers = 1;
	refcount_set(&dummy_hierarchy.ref, 1);
}
