// SPDX-License-Identifier: GPL-2.0
/*
 * The three mutexes, and the hierarchies that are active.
 *
 * bind_mutex is held to register a subsystem, and from the beginning to the end of a mount and of
 * a dissolution: while hooks are armed and disarmed, that is, which takes as long as tasks stay in
 * them. So nobody else takes it, and it is taken before the other two, which are held for moments.
 *
 * A change of the trees is prepared under manage_mutex and made under this and callback_mutex, so
 * that holding either one keeps them as they are. A change of the bindings is made under all
 * three. Moves of tasks take manage_mutex alone. hierarchies[] is also read under RCU: see
 * membership_of().
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mutex.h>
#include <linux/seq_file.h>

#include "core.h"
#include "private.h"

DEFINE_MUTEX(bind_mutex);
DEFINE_MUTEX(manage_mutex);
/* The tasks that hold bind_mutex and manage_mutex, or NULL. */
static struct task_struct *binder, *manager;
static DEFINE_MUTEX(callback_mutex);

/* The subsystems that are not bound are in this hierarchy, number 0. It has only a root. */
struct hierarchy dummy_hierarchy;
struct hierarchy *hierarchies[MAX_CONTAINER_HIERARCHIES];

/**
 * bind_lock - keep registered subsystems, hierarchies and bindings as they are
 *
 * Context: process, no lock of the project held; sleeps for as long as tasks stay in hooks.
 */
void bind_lock(void)
{
	mutex_lock(&bind_mutex);
	WRITE_ONCE(binder, current);
}

/**
 * bind_lock_killable - as bind_lock(), but a signal that kills ends the wait
 *
 * Context: as for bind_lock().
 * Return: 0 or -EINTR.
 */
int bind_lock_killable(void)
{
	int err = mutex_lock_killable(&bind_mutex);

	if (!err)
		WRITE_ONCE(binder, current);
	return err;
}

/**
 * bind_unlock - release the lock on bindings
 *
 * Context: the task that has taken it.
 */
void bind_unlock(void)
{
	WRITE_ONCE(binder, NULL);
	mutex_unlock(&bind_mutex);
}

/**
 * bind_lock_is_mine - does the current task hold the lock on bindings?
 *
 * Context: as for manage_lock_is_mine().
 */
bool bind_lock_is_mine(void)
{
	return READ_ONCE(binder) == current;
}

/**
 * container_manage_lock - keep containers, memberships and bindings as they are
 *
 * Held to change any of them. A mutex; a subsystem takes no lock of the project before it.
 *
 * Context: process, no lock of the project held, but in bind() and unbind(); sleeps.
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
 * would_hang - would a function that takes the mutexes deadlock, because its caller holds one?
 * @call: the function's name, for the log
 *
 * Everything that needs the mutex would hang, too.
 *
 * Context: process.
 */
bool would_hang(const char *call)
{
	if (!manage_lock_is_mine() && !bind_lock_is_mine())
		return false;
	pr_err("%s() was called with the manage lock held, or in bind() or unbind()\n", call);
	return true;
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
