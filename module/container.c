// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a container: created, linked into its hierarchy, removed; and walks over them.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "container_trace.h"
#include "core.h"
#include "private.h"

/* Woken when the directory of a removed container is gone, too. */
static DECLARE_WAIT_QUEUE_HEAD(directory_gone);

/**
 * container_path - print the path of a container in its hierarchy
 * @cont: the container
 * @buf: where to put the path; it starts with a slash and ends in a NUL
 * @buflen: room in @buf
 *
 * Context: manage or callback lock held.
 * Return: 0, -ENAMETOOLONG when it does not fit, -ENODEV when it is removed.
 */
int container_path(const struct container *cont, char *buf, int buflen)
{
	char *path;

	container_assert_stay();
	if (buflen <= 0)
		return -ENAMETOOLONG;
	if (container_is_removed(cont))
		return -ENODEV;
	if (container_is_top(cont)) {
		/* a root has no directory while its hierarchy is being set up */
		return strscpy(buf, "/", buflen) < 0 ? -ENAMETOOLONG : 0;
	}
	path = dentry_path_raw(cont->dentry, buf, buflen);
	if (IS_ERR(path))
		return PTR_ERR(path);
	memmove(buf, path, buf + buflen - path);
	return 0;
}
EXPORT_SYMBOL_GPL(container_path);

/**
 * container_noprefix - was the hierarchy mounted with noprefix?
 * @cont: a container of it
 *
 * Such a mount gives cpuset's files the short names that they had before containers.
 *
 * Context: any; the caller keeps @cont.
 */
bool container_noprefix(const struct container *cont)
{
	return container_hierarchy(cont)->noprefix;
}
EXPORT_SYMBOL_GPL(container_noprefix);

/**
 * container_next_descendant - walk over the descendants of a container
 * @pos: the present position; @top at the start
 * @top: the container
 *
 * Parents come before their children.
 *
 * Context: manage or callback lock held from start to end.
 * Return: the next one, NULL at the end.
 */
struct container *container_next_descendant(struct container *pos, struct container *top)
{
	container_assert_stay();
	if (!list_empty(&pos->children))
		return list_first_entry(&pos->children, struct container, sibling);
	for (; pos != top; pos = pos->parent)
		if (!list_is_last(&pos->sibling, &pos->parent->children))
			return list_next_entry(pos, sibling);
	return NULL;
}
EXPORT_SYMBOL_GPL(container_next_descendant);

/* --- lifetime --------------------------------------------------------------- */

/**
 * container_get - take a reference that keeps a container's memory
 * @cont: a container whose memory the caller keeps already
 *
 * Context: any.
 */
void container_get(struct container *cont)
{
	refcount_inc(&cont->ref);
}

/**
 * container_put - drop a reference on a container below a root
 * @cont: the container; the last reference frees it after a grace period
 *
 * Context: any.
 */
void container_put(struct container *cont)
{
	struct hierarchy *h = container_hierarchy(cont);

	if (!refcount_dec_and_test(&cont->ref))
		return;
	filelist_put(cont);
	kfree_rcu(cont, rcu);
	hierarchy_put(h);
}

/**
 * container_setup - initialize a container, without states and members
 * @cont: the container, all zero
 * @h: its hierarchy, whose number is set
 * @parent: the container above; NULL for a root
 *
 * Context: any.
 */
void container_setup(struct container *cont, struct hierarchy *h,
		     struct container *parent)
{
	spin_lock_init(&cont->lock);
	INIT_HLIST_HEAD(&cont->members);
	INIT_LIST_HEAD(&cont->sibling);
	INIT_LIST_HEAD(&cont->children);
	cont->parent = parent;
	cont->top_container = &h->top;
	cont->hierarchy = h->top.hierarchy;
	refcount_set(&cont->ref, 1);
	INIT_WORK(&cont->release_work, container_release_work);
	events_setup(cont);
}

static void container_destroy_states(struct container *cont)
{
	struct hierarchy *h = container_hierarchy(cont);
	struct container_subsys *ss;
	int id;

	for_each_bound_subsys(h, id, ss)
		if (cont->subsys[id])
			ss->destroy(ss, cont);
}

/**
 * container_make_state - have a subsystem create its state of a container
 * @ss: the subsystem
 * @cont: the container
 *
 * Context: manage lock held; sleeps.
 * Return: 0, the errno of create(), or -EINVAL if that returned 0 but set no state.
 */
int container_make_state(struct container_subsys *ss, struct container *cont)
{
	struct container_subsys_state *css;
	int err;

	lockdep_assert_held(&manage_mutex);
	err = callback_errno(ss->create(ss, cont), ss->name);
	if (err) {
		cont->subsys[ss->subsys_id] = NULL;
		return err;
	}
	css = cont->subsys[ss->subsys_id];
	if (!css) {
		pr_err("%s: create() made no state\n", ss->name);
		return -EINVAL;
	}
	css->container = cont;
	return 0;
}

/**
 * container_create - create a container that is not visible yet
 * @parent: its parent
 * @flags: CONT_ bits to set, beside those that it takes over from @parent
 *
 * Context: manage lock held; sleeps.
 * Return: the container, for container_link() or container_discard(), or an errno: -ENOENT if
 * @parent is removed or its members are being killed, -ENOMEM, or the errno of a subsystem's
 * create().
 */
struct container *container_create(struct container *parent, unsigned long flags)
{
	struct hierarchy *h = container_hierarchy(parent);
	struct container_subsys *ss;
	struct container *cont;
	int id, err;

	lockdep_assert_held(&manage_mutex);
	if (container_is_removed(parent) || parent->killers)
		return ERR_PTR(-ENOENT);
	cont = kzalloc(sizeof(*cont), GFP_KERNEL);
	if (!cont)
		return ERR_PTR(-ENOMEM);
	container_setup(cont, h, parent);
	cont->flags = parent->flags & (BIT(CONT_NOTIFY_ON_RELEASE) |
				       BIT(CONT_AUTO_DELETE) | BIT(CONT_KILL_ON_RMDIR) |
				       BIT(CONT_CLONE_CHILDREN));
	cont->flags |= flags;
	refcount_inc(&h->ref);
	for_each_bound_subsys(h, id, ss) {
		err = container_make_state(ss, cont);
		if (err) {
			container_discard(cont);
			return ERR_PTR(err);
		}
	}
	return cont;
}

/**
 * container_discard - undo container_create()
 * @cont: a container that was never linked
 *
 * Context: manage lock held; sleeps.
 */
void container_discard(struct container *cont)
{
	lockdep_assert_held(&manage_mutex);
	container_destroy_states(cont);
	container_put(cont);
}

/**
 * container_inherit - let the subsystems copy the parent's settings
 * @cont: a container from container_create()
 *
 * Context: manage lock held; sleeps.
 * Return: 0, or the errno of a subsystem's inherit().
 */
int container_inherit(struct container *cont)
{
	struct hierarchy *h = container_hierarchy(cont);
	struct container_subsys *ss;
	int id, err;

	lockdep_assert_held(&manage_mutex);
	for_each_bound_subsys(h, id, ss) {
		err = ss->inherit ? callback_errno(ss->inherit(ss, cont), ss->name) : 0;
		if (err)
			return err;
	}
	return 0;
}

/**
 * container_link - make a container part of its hierarchy
 * @cont: the container, whose directory is about to become visible
 *
 * Context: manage lock held.
 */
void container_link(struct container *cont)
{
	struct hierarchy *h = container_hierarchy(cont);

	lockdep_assert_held(&manage_mutex);
	container_lock();
	spin_lock(&cont->parent->lock);
	list_add_tail(&cont->sibling, &cont->parent->children);
	spin_unlock(&cont->parent->lock);
	container_unlock();
	/* the first container below the root keeps the superblock active: see hierarchy.c */
	if (h->nr_containers++ == 1)
		atomic_inc(&h->sb->s_active);
}

/* So far below zero that no number of gets and puts, right or wrong, makes it positive. */
#define CSS_FROZEN (INT_MIN / 2)

/* Makes the states refuse new references. Fails, and changes nothing, if a reference is held. */
static bool container_freeze(struct container *cont)
{
	struct hierarchy *h = container_hierarchy(cont);
	struct container_subsys *ss;
	int id, undo;

	for_each_bound_subsys(h, id, ss) {
		if (atomic_cmpxchg(&cont->subsys[id]->refcnt, 0, CSS_FROZEN) == 0)
			continue;
		for_each_set_bit(undo, h->subsys, id)
			atomic_set(&cont->subsys[undo]->refcnt, 0);
		return false;
	}
	return true;
}

/* Undoes container_freeze(). */
static void container_thaw(struct container *cont)
{
	struct hierarchy *h = container_hierarchy(cont);
	int id;

	for_each_set_bit(id, h->subsys, MAX_CONTAINER_SUBSYS)
		atomic_set(&cont->subsys[id]->refcnt, 0);
}

/*
 * Unlinks and destroys a container without members or children, whose states are frozen. Return:
 * has a task joined it of which no ancestor has been told?
 */
static bool container_unlink(struct container *cont)
{
	struct container *parent = cont->parent;
	struct hierarchy *h = container_hierarchy(cont);
	bool released, joined;

	trace_rmdir(cont);
	container_lock();
	set_bit(CONT_REMOVED, &cont->flags);
	spin_lock(&parent->lock);
	list_del_init(&cont->sibling);
	released = list_empty(&parent->children) && !parent->nr_members &&
		   !container_is_top(parent);
	spin_unlock(&parent->lock);
	container_unlock();
	joined = events_removed(cont);
	container_destroy_states(cont);
	h->nr_containers--;
	if (released)
		container_released(parent);
	container_put(cont);
	return joined;
}

/* Finds a container in a tree in which the directory of a removed child still exists. */
static struct container *half_removed_in(struct container *top)
{
	struct container *pos;

	for (pos = top; pos; pos = container_next_descendant(pos, top))
		if (READ_ONCE(pos->leaving))
			return pos;
	return NULL;
}

/* Waits until no removed child has a directory any more. Drops the manage lock meanwhile. */
static int wait_half_removed(struct container *cont)
{
	int err;

	container_get(cont);
	container_manage_unlock();
	err = wait_event_interruptible(directory_gone, !READ_ONCE(cont->leaving));
	container_put(cont);
	container_manage_lock();
	return err ? call_interrupted() : 0;
}

/**
 * container_dir_gone - note that the directory of a removed container is gone
 * @parent: the parent of that container
 *
 * Context: manage lock held.
 */
void container_dir_gone(struct container *parent)
{
	lockdep_assert_held(&manage_mutex);
	WRITE_ONCE(parent->leaving, parent->leaving - 1);
	wake_up_all(&directory_gone);
}

/**
 * container_remove - take a container out of its hierarchy
 * @cont: a container below a root
 * @how: with or without descendants, by a user or automatically
 *
 * The directory remains. The caller releases the manage lock, removes the directory and
 * calls container_dir_gone(); until then the parent is not removed. If no container is left
 * below the root, the caller then owes a deactivate_super().
 *
 * Context: manage lock held. It is dropped while waiting for directories of containers that
 * were removed below; the caller holds no lock that their removal needs.
 * Return: 0; -EBUSY if there are members, children or references on states, if the members are
 * being killed by another rmdir, or if @how is REMOVE_AUTO and auto_delete is off;
 * call_interrupted(); -ENODEV if it is removed already. On failure nothing has changed.
 */
int container_remove(struct container *cont, enum removal how)
{
	bool subtree = how == REMOVE_TREE;
	struct container *pos, *last;
	bool joined = false;
	int err;

	lockdep_assert_held(&manage_mutex);
	do {
		if (container_is_removed(cont))
			return -ENODEV;
		if (how == REMOVE_AUTO) {
			if (!test_bit(CONT_AUTO_DELETE, &cont->flags))
				return -EBUSY;
			/* who makes this fail, by a reference or an rmdir, tries again */
			set_bit(CONT_DELETE_PENDING, &cont->flags);
			smp_mb__after_atomic(); /* before the references are looked at */
		}
		if (!subtree && cont->killers)
			return -EBUSY;
		if ((!subtree && !list_empty(&cont->children)) || populated_in(cont))
			return -EBUSY;
		pos = half_removed_in(cont);
		err = pos ? wait_half_removed(pos) : 0;
		if (err)
			return err;
	} while (pos);

	if (!container_freeze(cont))
		return -EBUSY;
	for_each_descendant(pos, cont) {
		if (container_freeze(pos))
			continue;
		for (last = pos, pos = cont; pos != last;
		     pos = container_next_descendant(pos, cont))
			container_thaw(pos);
		return -EBUSY;
	}

	for (pos = cont; ; pos = last) {
		while (!list_empty(&pos->children))
			pos = list_first_entry(&pos->children, struct container, sibling);
		last = pos->parent;
		joined |= container_unlink(pos);
		if (pos == cont)
			break;
	}
	events_changed(last, joined);
	/* one directory is left, in the parent: removing it removes the directories below */
	WRITE_ONCE(last->leaving, last->leaving + 1);
	return 0;
}
