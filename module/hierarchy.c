// SPDX-License-Identifier: GPL-2.0
/*
 * Hierarchies: finding the one that a mount asks for, creating it, binding subsystems to it,
 * and dissolving it: ending.c says when.
 *
 * A hierarchy is active as long as its superblock is. While it has containers below its root, it
 * holds an active reference on the superblock, so that both survive the last unmount.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/slab.h>

#include "core.h"
#include "parse.h"

/**
 * hierarchy_put - drop a reference on a hierarchy
 * @h: the hierarchy; the last reference frees it after a grace period
 *
 * Context: any.
 */
void hierarchy_put(struct hierarchy *h)
{
	if (!refcount_dec_and_test(&h->ref))
		return;
	filelist_put(&h->top);
	kfree(h->release_agent);
	kfree_rcu(h, top.rcu);
}

/* Finds the ids of the subsystems that a mount asks for: the named ones, or all of them. */
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

/* Names a hierarchy for messages in the way of /proc/<pid>/container. */
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

/* Checks that the options of a mount agree with the hierarchy that it has found. */
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

/* The search of hierarchy_find(), with the callback lock held. */
static struct hierarchy *hierarchy_search(struct mount_options *opts)
{
	struct hierarchy *h, *named = NULL, *equal = NULL, *overlaps = NULL;
	DECLARE_BITMAP(set, MAX_CONTAINER_SUBSYS);
	int i, err;

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

/**
 * hierarchy_find - find the active hierarchy that a mount asks for
 * @opts: its options; on failure @opts->why is set
 *
 * Context: sleeps. The answer stays while the lock on bindings is held.
 * Return: the hierarchy; NULL if one has to be created; -ENOENT for an unknown name or
 * subsystem, -EINVAL for "all" without any subsystem, -EBUSY if the options conflict with an
 * active hierarchy.
 */
struct hierarchy *hierarchy_find(struct mount_options *opts)
{
	struct hierarchy *h;

	container_lock();
	h = hierarchy_search(opts);
	container_unlock();
	return h;
}

/* Around the moment of a change that readers with either of the two inner locks must not see. */
static void change_begin(void)
{
	lockdep_assert_held(&bind_mutex);
	container_manage_lock();
	container_lock();
}

static void change_end(void)
{
	container_unlock();
	container_manage_unlock();
}

/* Moves a subsystem, and its state of the root, from one hierarchy to another. */
static void hierarchy_rebind(struct container_subsys *ss, struct hierarchy *from,
			     struct hierarchy *to)
{
	int id = ss->subsys_id;

	change_begin();
	to->top.subsys[id] = from->top.subsys[id];
	to->top.subsys[id]->container = &to->top;
	__clear_bit(id, from->subsys);
	__set_bit(id, to->subsys);
	/* a reader that sees the new number also sees the state in the new root */
	smp_store_release(&ss->hierarchy, to->top.hierarchy);
	change_end();
}

/* Binds a subsystem that is not bound; on failure nothing has changed. */
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

/* Undoes hierarchy_bind(), and drops the reference on the subsystem's module. */
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
 * hierarchy_create - create a hierarchy and bind its subsystems
 * @opts: the options, for which hierarchy_find() returned NULL; on failure @opts->why may be
 *	set
 *
 * The caller then makes its superblock.
 *
 * Context: lock on bindings held; sleeps.
 * Return: the hierarchy; -ENOSPC if there are too many, -ENOMEM, -EBUSY if a
 * subsystem's module is being unloaded, or the errno of arming the hooks or of a
 * subsystem's bind(). On failure nothing has changed.
 */
struct hierarchy *hierarchy_create(struct mount_options *opts)
{
	DECLARE_BITMAP(set, MAX_CONTAINER_SUBSYS);
	struct hierarchy *h;
	int id, nr, err;

	lockdep_assert_held(&bind_mutex);
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
	if (err) {
		options_refuse(opts, err, "the hooks on fork and exit cannot be armed: error %d",
			       err);
		goto err_modules;
	}

	h->top.hierarchy = nr;
	container_setup(&h->top, h, NULL);
	strscpy(h->name, opts->name, sizeof(h->name));
	spin_lock_init(&h->agent_lock);
	h->noprefix = opts->noprefix;
	if (opts->clone_children)
		set_bit(CONT_CLONE_CHILDREN, &h->top.flags);
	h->nr_containers = 1;
	refcount_set(&h->ref, 1);

	change_begin();
	/* a reader that finds it by its number sees it complete */
	smp_store_release(&hierarchies[nr], h);
	change_end();
	for_each_set_bit(id, set, MAX_CONTAINER_SUBSYS) {
		err = hierarchy_bind(h, subsystems[id]);
		if (err)
			goto err_bound;
	}
	return h;

err_bound:
	options_refuse(opts, err, "%s cannot be bound: error %d", subsystems[id]->name, err);
	/* hierarchy_dissolve() puts the modules of the bound subsystems; put the others */
	for_each_set_bit_from(id, set, MAX_CONTAINER_SUBSYS)
		module_put(subsystems[id]->owner);
	hierarchy_dissolve(h);
	hierarchy_put(h);
	return ERR_PTR(err);

err_modules:
	/* the modules of the subsystems before @id were taken: all of them if the loop ended */
	for_each_set_bit(nr, set, min_t(int, id, MAX_CONTAINER_SUBSYS))
		module_put(subsystems[nr]->owner);
	kfree(h->release_agent);
err_free:
	kfree(h);
	return ERR_PTR(err);
}

/**
 * hierarchy_dissolve - make a hierarchy that has only its root inactive
 * @h: the hierarchy, without a superblock. The caller then drops the reference that an active
 *	hierarchy holds on itself.
 *
 * Context: lock on bindings held, manage lock not held: this waits for tasks in hooks, which a
 * user can keep there. Sleeps.
 */
void hierarchy_dissolve(struct hierarchy *h)
{
	struct container_subsys *ss;
	int id;

	lockdep_assert_held(&bind_mutex);
	for_each_bound_subsys(h, id, ss)
		hierarchy_unbind(h, ss);
	change_begin();
	set_bit(CONT_REMOVED, &h->top.flags);
	WRITE_ONCE(hierarchies[h->top.hierarchy], NULL);
	change_end();
	/* who has read the number of a subsystem's hierarchy must not find another one there */
	synchronize_rcu();
	membership_untrack();
}

/**
 * hierarchy_set_release_agent - replace the release agent
 * @h: the hierarchy
 * @path: the program; may be empty
 *
 * Context: the hierarchy stays; sleeps.
 * Return: 0 or -ENOMEM.
 */
int hierarchy_set_release_agent(struct hierarchy *h, const char *path)
{
	char *new = kstrdup(path, GFP_KERNEL), *old;

	if (!new)
		return -ENOMEM;
	container_lock();
	spin_lock(&h->agent_lock);
	old = h->release_agent;
	h->release_agent = new;
	spin_unlock(&h->agent_lock);
	container_unlock();
	kfree(old);
	return 0;
}
