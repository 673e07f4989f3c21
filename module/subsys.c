// SPDX-License-Identifier: GPL-2.0
/*
 * Registering and unregistering subsystems.
 *
 * subsystems[] is written under all three mutexes and read under any one. A subsystem's state of
 * the root is created here, in the dummy hierarchy. Binding moves it, together with the
 * subsystem, to another hierarchy.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/limits.h>
#include <linux/string.h>

#include "core.h"
#include "parse.h"
#include "private.h"

struct container_subsys *subsystems[MAX_CONTAINER_SUBSYS];

/**
 * subsys_find - find a subsystem by its name
 * @name: its name
 *
 * Context: any of the three mutexes held.
 * Return: the subsystem, whose registration is complete, or NULL.
 */
struct container_subsys *subsys_find(const char *name)
{
	struct container_subsys *ss;
	int id;

	/* @active is written under the lock on bindings alone, so others may just miss a change */
	for_each_subsys(id, ss)
		if (READ_ONCE(ss->active) && !strcmp(ss->name, name))
			return ss;
	return NULL;
}

/* The size of a subsystem's data for a task, rounded up for alignment. */
static size_t task_room(const struct container_subsys *ss)
{
	return round_up((size_t)ss->task_size, sizeof(u64));
}

/* Finds an offset in the tasks' data that no other subsystem uses. */
static int subsys_place_data(struct container_subsys *new)
{
	struct container_subsys *ss;
	size_t offset = 0;
	int id;
again:
	if (offset + task_room(new) > CONTAINER_TASK_SIZE) {
		pr_err("%s: %u bytes for each task do not fit: all subsystems share %d (CONTAINER_TASK_SIZE)\n",
		       new->name, new->task_size, CONTAINER_TASK_SIZE);
		return -ENOSPC;
	}
	for_each_subsys(id, ss)
		if (ss->task_size && offset < ss->task_offset + task_room(ss) &&
		    ss->task_offset < offset + task_room(new)) {
			offset = ss->task_offset + task_room(ss);
			goto again;
		}
	new->task_offset = offset;
	return 0;
}

static void subsys_set(int id, struct container_subsys *ss)
{
	container_lock();
	WRITE_ONCE(subsystems[id], ss);
	if (ss)
		__set_bit(id, dummy_hierarchy.subsys);
	else
		__clear_bit(id, dummy_hierarchy.subsys);
	container_unlock();
}

/*
 * Gives a subsystem whose fields have been checked its number, its place in the data of tasks and
 * its state of the root. Under the manage lock.
 */
static int subsys_enter(struct container_subsys *ss)
{
	struct container_subsys *other;
	int id, err;

	for_each_subsys(id, other)
		if (other == ss || !strcmp(other->name, ss->name))
			return -EEXIST;
	for (id = 0; id < MAX_CONTAINER_SUBSYS && subsystems[id]; id++)
		;
	if (id == MAX_CONTAINER_SUBSYS) {
		pr_err("%s: %d subsystems are registered already (MAX_CONTAINER_SUBSYS)\n",
		       ss->name, MAX_CONTAINER_SUBSYS);
		return -ENOSPC;
	}
	err = subsys_place_data(ss);
	if (err)
		return err;

	ss->subsys_id = id;
	ss->hierarchy = 0;
	ss->active = false;
	err = container_make_state(ss, &dummy_hierarchy.top);
	if (err)
		ss->subsys_id = -1;
	else
		subsys_set(id, ss);
	return err;
}

/* Undoes subsys_enter(), when no callback for tasks is called any more. Manage lock not held. */
static void subsys_leave(struct container_subsys *ss)
{
	container_manage_lock();
	subsys_set(ss->subsys_id, NULL);
	container_manage_unlock();
	synchronize_rcu();
	container_manage_lock();
	ss->destroy(ss, &dummy_hierarchy.top);
	dummy_hierarchy.top.subsys[ss->subsys_id] = NULL;
	ss->subsys_id = -1;
	container_manage_unlock();
}

/* Registers a subsystem whose fields have been checked; under the lock on bindings. */
static int subsys_register(struct container_subsys *ss)
{
	int err;

	container_manage_lock();
	err = subsys_enter(ss);
	container_manage_unlock();
	if (err)
		return err;
	err = subsys_called_when_bound(ss) ? 0 : membership_adopt(ss);
	if (err)
		subsys_leave(ss);
	else
		WRITE_ONCE(ss->active, true);
	return err;
}

/* Is the name one of the other mount options? */
static bool subsys_name_reserved(const char *name)
{
	static const char * const words[] = {
		"all", "none", "name", "noprefix", "release_agent", "clone_children",
	};

	return match_string(words, ARRAY_SIZE(words), name) >= 0;
}

/* Does the scope allow each of the callbacks? */
static bool subsys_callbacks_ok(const struct container_subsys *ss)
{
	if (ss->scope == CONTAINER_MEMBERS && (ss->adopt || ss->exited))
		return false;
	return ss->can_fork || !ss->adopt;
}

/**
 * container_register_subsys - register a subsystem
 * @ss: the subsystem; must not be freed or moved until it is unregistered
 *
 * Possible at any time; the next mount that asks for the subsystem binds it. Its create() is
 * called for the root, and with CONTAINER_ALL_TASKS its adopt() or fork() once for every task
 * that exists.
 *
 * Context: process, no lock held; sleeps.
 * Return: 0; -EINVAL for a bad name, without create() or destroy(), with callbacks that its
 * scope excludes, or if create() sets no state; -EEXIST if the name or the structure is
 * registered; -ENOSPC if there are too many or task_size does not fit, which is logged;
 * -ENOMEM; -EDEADLK with the manage lock held, and in bind() and unbind(); -EINTR if the caller
 * was killed; the errno of create(); or, with CONTAINER_ALL_TASKS, the errno of arming the hooks
 * (-EBUSY, -EOPNOTSUPP).
 */
int container_register_subsys(struct container_subsys *ss)
{
	int err;

	if (would_hang(__func__))
		return -EDEADLK;
	if (!ss->name || !parse_name_ok(ss->name, "_-", MAX_CONTAINER_TYPE_NAMELEN) ||
	    subsys_name_reserved(ss->name) || !ss->create || !ss->destroy ||
	    !subsys_callbacks_ok(ss))
		return -EINVAL;

	err = bind_lock_killable();
	if (err)
		return err;
	err = subsys_register(ss);
	bind_unlock();
	return err;
}
EXPORT_SYMBOL_GPL(container_register_subsys);

/**
 * container_unregister_subsys - unregister a subsystem
 * @ss: a registered subsystem
 *
 * When it returns, no callback of @ss is running or will be called. A module whose destroy()
 * uses call_rcu() with a function of its own has to call rcu_barrier() before it is unloaded.
 *
 * Context: process, no lock held; sleeps.
 * Return: 0; -EBUSY while it is bound to a hierarchy, -EINVAL if it is not
 * registered, -EDEADLK with the manage lock held, and in bind() and unbind().
 */
int container_unregister_subsys(struct container_subsys *ss)
{
	int id, err = 0;

	if (would_hang(__func__))
		return -EDEADLK;
	bind_lock();
	id = ss->subsys_id;
	if (id < 0 || id >= MAX_CONTAINER_SUBSYS || subsystems[id] != ss) {
		err = -EINVAL;
	} else if (ss->hierarchy) {
		err = -EBUSY;
	} else {
		WRITE_ONCE(ss->active, false);
		if (!subsys_called_when_bound(ss))
			membership_forget(ss);
		subsys_leave(ss);
	}
	bind_unlock();
	return err;
}
EXPORT_SYMBOL_GPL(container_unregister_subsys);

/**
 * container_subsys_root - the root container of a subsystem's hierarchy
 * @ss: a registered subsystem
 *
 * Context: manage or callback lock held, or RCU where a stale answer does no harm.
 * Return: the container; the root of the dummy hierarchy while @ss is not bound.
 */
struct container *container_subsys_root(struct container_subsys *ss)
{
	struct hierarchy *h = READ_ONCE(hierarchies[READ_ONCE(ss->hierarchy)]);

	return h ? &h->top : &dummy_hierarchy.top;
}
EXPORT_SYMBOL_GPL(container_subsys_root);

/**
 * container_set_release_agent_path - set the release agent of a hierarchy
 * @ss: a subsystem bound to it
 * @path: the program; shorter than PATH_MAX
 *
 * Does nothing while @ss is not bound or if there is no memory, and only logs an error if the
 * path is too long or no lock is held.
 *
 * Context: process, callback lock not held; in bind(), or manage lock held.
 */
void container_set_release_agent_path(struct container_subsys *ss, const char *path)
{
	if (!(manage_lock_is_mine() || bind_lock_is_mine()) || !path || strlen(path) >= PATH_MAX)
		pr_err("%s: %s() without the manage lock, or with a bad path\n", ss->name,
		       __func__);
	else if (ss->hierarchy)
		hierarchy_set_release_agent(hierarchies[ss->hierarchy], path);
}
EXPORT_SYMBOL_GPL(container_set_release_agent_path);

/* Prints "Subsystems:" in /proc/containers; under the callback lock. */
void subsys_show(struct seq_file *m)
{
	struct container_subsys *ss;
	int id;

	seq_puts(m, "Subsystems:\n");
	for_each_subsys(id, ss) {
		seq_printf(m, "%d: name=%s hierarchy=%d", id, ss->name, ss->hierarchy);
		if (ss->show)
			ss->show(ss, m);
		seq_putc(m, '\n');
	}
}
