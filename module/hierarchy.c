// SPDX-License-Identifier: GPL-2.0
/*
 * Hierarchies: found, made, bound and dissolved.
 *
 * A hierarchy is active as long as its superblock is. While there are containers
 * below its root it holds a reference on that superblock's activity, so that
 * the last unmount leaves both in place.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "core.h"
#include "parse.h"

/* Woken when a hierarchy is gone. */
static DECLARE_WAIT_QUEUE_HEAD(hierarchy_gone);
static atomic_t dissolved;

/**
 * hierarchy_put - drop a reference on a hierarchy
 * @h: the hierarchy; freed after a grace period when it was the last
 */
void hierarchy_put(struct hierarchy *h)
{
	if (!refcount_dec_and_test(&h->ref))
		return;
	kfree(h->release_agent);
	kfree_rcu(h, top.rcu);
}

/* The set that a mount asks for, by subsystem id. Those that all has beside it are in it. */
static int wanted_set(struct mount_options *opts, unsigned long *set)
{
	struct container_subsys *ss;
	const char *name;
	int id;

	bitmap_zero(set, MAX_CONTAINER_SUBSYS);
	for_each_option_subsys(opts, name) {
		ss = subsys_find(name);
		if (!ss)
			return options_unknown(opts, name);
		__set_bit(ss->subsys_id, set);
	}
	if (!opts->all)
		return 0;
	for_each_subsys(id, ss)
		if (ss->active)
			__set_bit(id, set);
	if (bitmap_empty(set, MAX_CONTAINER_SUBSYS))
		return options_refuse(opts, -EINVAL,
				      "no subsystem is registered: load one, such as container_cpuacct, or mount with -o none,name=X");
	return 0;
}

static bool same_name(const struct hierarchy *h, const struct mount_options *opts)
{
	return opts->name[0] && !strcmp(h->name, opts->name);
}

/* What a hierarchy is called where it is in the way: as in /proc/<pid>/container. */
static const char *hierarchy_label(const struct hierarchy *h, char *buf, size_t size)
{
	struct container_subsys *ss;
	size_t n = 0;
	int id;

	if (h->name[0])
		n = scnprintf(buf, size, "name=%s", h->name);
	for_each_bound_subsys(h, id, ss)
		n += scnprintf(buf + n, size - n, "%s%s", n ? "," : "", ss->name);
	return buf;
}

static struct hierarchy *name_taken(struct mount_options *opts, const struct hierarchy *h)
{
	char label[80];

	return ERR_PTR(options_refuse(opts, -EBUSY, "the name is taken by hierarchy %d (%s)",
				      h->top.hierarchy,
				      hierarchy_label(h, label, sizeof(label))));
}

static struct hierarchy *subsys_taken(struct mount_options *opts, const struct hierarchy *h,
				      const unsigned long *set)
{
	DECLARE_BITMAP(both, MAX_CONTAINER_SUBSYS);
	char label[80];

	bitmap_and(both, h->subsys, set, MAX_CONTAINER_SUBSYS);
	return ERR_PTR(options_refuse(opts, -EBUSY, "%s is taken by hierarchy %d (%s)",
				      subsystems[find_first_bit(both, MAX_CONTAINER_SUBSYS)]->name,
				      h->top.hierarchy,
				      hierarchy_label(h, label, sizeof(label))));
}

/* A mount has found its hierarchy: does it ask for it as it is? */
static struct hierarchy *options_fit(struct mount_options *opts, struct hierarchy *h)
{
	const char *other;
	char label[80];

	if (opts->name[0] && !same_name(h, opts))
		other = "name=";
	else if (opts->noprefix && !h->noprefix)
		other = "noprefix";
	else if (opts->release_agent && strcmp(opts->release_agent, h->release_agent))
		other = "release_agent=";
	else if (opts->clone_children && !test_bit(CONT_CLONE_CHILDREN, &h->top.flags))
		other = "clone_children";
	else
		return h;
	return ERR_PTR(options_refuse(opts, -EBUSY, "hierarchy %d (%s) is active without that %s",
				      h->top.hierarchy,
				      hierarchy_label(h, label, sizeof(label)), other));
}

/**
 * hierarchy_find - the active hierarchy that a mount asks for
 * @opts: its options; on failure they say why
 *
 * Context: manage lock held.
 * Return: the hierarchy; NULL if one is to be made; -ENOENT for an unknown name
 * or subsystem, -EINVAL for all when there is none, -EBUSY when the options
 * cannot be had because of a hierarchy that is active.
 */
struct hierarchy *hierarchy_find(struct mount_options *opts)
{
	struct hierarchy *h, *named = NULL, *equal = NULL, *overlaps = NULL;
	DECLARE_BITMAP(set, MAX_CONTAINER_SUBSYS);
	int i, err;

	lockdep_assert_held(&manage_mutex);
	opts->why[0] = '\0';
	for (i = 1; i < MAX_CONTAINER_HIERARCHIES; i++)
		if (hierarchies[i] && same_name(hierarchies[i], opts))
			named = hierarchies[i];

	if (!opts->all && !opts->none && !opts->nr_subsys) {
		if (!named)
			return ERR_PTR(options_refuse(opts, -ENOENT, "no hierarchy is named %s",
						      opts->name));
		return options_fit(opts, named);
	}

	err = wanted_set(opts, set);
	if (err)
		return ERR_PTR(err);
	if (opts->none) {
		if (!named)
			return NULL;
		return bitmap_empty(named->subsys, MAX_CONTAINER_SUBSYS) ?
			options_fit(opts, named) : name_taken(opts, named);
	}
	for (i = 1; i < MAX_CONTAINER_HIERARCHIES; i++) {
		h = hierarchies[i];
		if (!h)
			continue;
		if (bitmap_equal(h->subsys, set, MAX_CONTAINER_SUBSYS))
			equal = h;
		else if (bitmap_intersects(h->subsys, set, MAX_CONTAINER_SUBSYS))
			overlaps = h;
	}
	if (equal)
		return options_fit(opts, equal);
	if (overlaps)
		return subsys_taken(opts, overlaps, set);
	return named ? name_taken(opts, named) : NULL;
}

/* Moves a subsystem and its top state from one hierarchy to another. */
static void hierarchy_rebind(struct container_subsys *ss, struct hierarchy *from,
			     struct hierarchy *to)
{
	int id = ss->subsys_id;

	container_lock();
	to->top.subsys[id] = from->top.subsys[id];
	to->top.subsys[id]->container = &to->top;
	__clear_bit(id, from->subsys);
	__set_bit(id, to->subsys);
	/* a reader that sees the new number sees the hierarchy behind it */
	smp_store_release(&ss->hierarchy, to->top.hierarchy);
	container_unlock();
}

/* Binds a subsystem that is bound nowhere; an errno if it is as before. */
static int hierarchy_bind(struct hierarchy *h, struct container_subsys *ss)
{
	int err;

	hierarchy_rebind(ss, &dummy_hierarchy, h);
	err = ss->bind ? callback_errno(ss->bind(ss, &h->top), ss->name) : 0;
	if (err)
		goto err_rebind;
	err = subsys_called_when_bound(ss) ? membership_adopt(ss) : 0;
	if (err)
		goto err_unbind;
	return 0;

err_unbind:
	if (ss->unbind)
		ss->unbind(ss, &h->top);
err_rebind:
	hierarchy_rebind(ss, h, &dummy_hierarchy);
	return err;
}

/* The opposite; its module may go now. */
static void hierarchy_unbind(struct hierarchy *h, struct container_subsys *ss)
{
	if (subsys_called_when_bound(ss))
		membership_forget(ss);
	if (ss->unbind)
		ss->unbind(ss, &h->top);
	hierarchy_rebind(ss, h, &dummy_hierarchy);
	module_put(ss->owner);
}

/**
 * hierarchy_create - make a hierarchy and bind its subsystems
 * @opts: what for; hierarchy_find() returned NULL for it. On failure they may say why
 * @sb: its superblock
 *
 * Context: manage lock held; sleeps.
 * Return: the hierarchy; -ENOSPC when there are too many, -ENOMEM, -EBUSY when a
 * subsystem's module is being unloaded, or the errno of arming the hooks or of a
 * subsystem's bind(). On failure nothing has changed.
 */
struct hierarchy *hierarchy_create(struct mount_options *opts,
				   struct super_block *sb)
{
	DECLARE_BITMAP(set, MAX_CONTAINER_SUBSYS);
	struct hierarchy *h;
	int id, nr, err;

	lockdep_assert_held(&manage_mutex);
	err = wanted_set(opts, set);
	if (err)
		return ERR_PTR(err);
	for (nr = 1; nr < MAX_CONTAINER_HIERARCHIES && hierarchies[nr]; nr++)
		;
	if (nr == MAX_CONTAINER_HIERARCHIES)
		return ERR_PTR(options_refuse(opts, -ENOSPC,
					      "all %d hierarchies are in use (MAX_CONTAINER_HIERARCHIES)",
					      MAX_CONTAINER_HIERARCHIES - 1));

	h = kzalloc(sizeof(*h), GFP_KERNEL);
	if (!h)
		return ERR_PTR(-ENOMEM);
	h->release_agent = kstrdup(opts->release_agent ?: "", GFP_KERNEL);
	if (!h->release_agent) {
		err = -ENOMEM;
		goto err_free;
	}
	for_each_set_bit(id, set, MAX_CONTAINER_SUBSYS)
		if (!try_module_get(subsystems[id]->owner)) {
			err = options_refuse(opts, -EBUSY, "%s is being unloaded",
					     subsystems[id]->name);
			goto err_modules;
		}
	err = membership_track();
	if (err)
		goto err_modules;

	h->top.hierarchy = nr;
	container_setup(&h->top, h, NULL);
	strscpy(h->name, opts->name, sizeof(h->name));
	h->noprefix = opts->noprefix;
	if (opts->clone_children)
		set_bit(CONT_CLONE_CHILDREN, &h->top.flags);
	h->nr_containers = 1;
	h->sb = sb;
	refcount_set(&h->ref, 1);

	container_lock();
	/* what it is, before anybody finds it by its number */
	smp_store_release(&hierarchies[nr], h);
	container_unlock();
	for_each_set_bit(id, set, MAX_CONTAINER_SUBSYS) {
		err = hierarchy_bind(h, subsystems[id]);
		if (err)
			goto err_bound;
	}
	return h;

err_bound:
	options_refuse(opts, err, "%s cannot be bound: error %d", subsystems[id]->name, err);
	/* it has the modules of those that are bound, we have the others */
	for_each_set_bit_from(id, set, MAX_CONTAINER_SUBSYS)
		module_put(subsystems[id]->owner);
	hierarchy_dissolve(h);
	hierarchy_put(h);
	return ERR_PTR(err);

err_modules:
	/* @id is where it stopped, the number of bits if it did not */
	for_each_set_bit(nr, set, min_t(int, id, MAX_CONTAINER_SUBSYS))
		module_put(subsystems[nr]->owner);
	kfree(h->release_agent);
err_free:
	kfree(h);
	return ERR_PTR(err);
}

/**
 * hierarchy_dissolve - the end of a hierarchy that has only its root
 * @h: the hierarchy; its superblock is on its way out. The reference for being
 *	active is the caller's to drop.
 *
 * Context: manage lock held; sleeps.
 */
void hierarchy_dissolve(struct hierarchy *h)
{
	struct container_subsys *ss;
	int id;

	lockdep_assert_held(&manage_mutex);
	for_each_bound_subsys(h, id, ss)
		hierarchy_unbind(h, ss);
	container_lock();
	set_bit(CONT_REMOVED, &h->top.flags);
	WRITE_ONCE(hierarchies[h->top.hierarchy], NULL);
	container_unlock();
	membership_untrack();
	atomic_inc(&dissolved);
	wake_up_all(&hierarchy_gone);
}

/**
 * hierarchy_set_release_agent - replace the release agent
 * @h: the hierarchy
 * @path: the program; may be empty
 *
 * Context: manage lock held; sleeps.
 * Return: 0 or -ENOMEM.
 */
int hierarchy_set_release_agent(struct hierarchy *h, const char *path)
{
	char *new = kstrdup(path, GFP_KERNEL), *old;

	lockdep_assert_held(&manage_mutex);
	if (!new)
		return -ENOMEM;
	container_lock();
	old = h->release_agent;
	h->release_agent = new;
	container_unlock();
	kfree(old);
	return 0;
}

/**
 * hierarchy_wait_dissolved - wait for a hierarchy on its way out
 * @seen: hierarchies_dissolved() when it was seen, under the manage lock
 *
 * Context: sleeps.
 * Return: 0, or -EINTR.
 */
int hierarchy_wait_dissolved(unsigned int seen)
{
	return wait_event_interruptible(hierarchy_gone, atomic_read(&dissolved) != seen) ?
		-EINTR : 0;
}

/**
 * hierarchies_dissolved - how many hierarchies have been dissolved so far
 */
unsigned int hierarchies_dissolved(void)
{
	return atomic_read(&dissolved);
}
