// SPDX-License-Identifier: GPL-2.0
/*
 * Hierarchies and their containers: made, found, removed, dissolved.
 *
 * Owns the two mutexes and the array of hierarchies. manage_mutex is taken by
 * everything that changes something; callback_mutex inside it around the change
 * itself, so that holding either keeps the trees as they are. The entries of
 * hierarchies[] are also read under RCU, by way of membership_of().
 *
 * A hierarchy is active as long as its superblock is. While there are containers
 * below its root it holds a reference on that superblock's activity, so that
 * the last unmount leaves both in place.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "container_trace.h"
#include "core.h"
#include "parse.h"
#include "table.h"

DEFINE_MUTEX(manage_mutex);
/* Who has it. */
static struct task_struct *manager;
static DEFINE_MUTEX(callback_mutex);

struct hierarchy dummy_hierarchy;
struct hierarchy *hierarchies[MAX_CONTAINER_HIERARCHIES];

/* Woken when a hierarchy is gone. */
static DECLARE_WAIT_QUEUE_HEAD(hierarchy_gone);
static atomic_t dissolved;
/* Woken when a container that is being killed has lost its last member. */
static DECLARE_WAIT_QUEUE_HEAD(container_killed);
/* Woken when the directory of a container that is gone is gone, too. */
static DECLARE_WAIT_QUEUE_HEAD(directory_gone);

/**
 * container_manage_lock - keep containers, memberships and bindings as they are
 *
 * For whoever changes them. Outermost of the project's locks; a mutex.
 */
void container_manage_lock(void)
{
	mutex_lock(&manage_mutex);
	WRITE_ONCE(manager, current);
}
EXPORT_SYMBOL_GPL(container_manage_lock);

/**
 * container_manage_unlock - the end of that
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
 * For calls from outside that would hang, or do harm, in the wrong place.
 *
 * Context: process. Lockless: nobody else makes it the current task, or another.
 */
bool manage_lock_is_mine(void)
{
	return READ_ONCE(manager) == current;
}

/**
 * container_lock - keep containers where they are, for a look
 *
 * The callback lock: a mutex, inside the manage lock. Tasks may still move.
 */
void container_lock(void)
{
	mutex_lock(&callback_mutex);
}
EXPORT_SYMBOL_GPL(container_lock);

/**
 * container_unlock - the end of that
 */
void container_unlock(void)
{
	mutex_unlock(&callback_mutex);
}
EXPORT_SYMBOL_GPL(container_unlock);

/**
 * container_path - where a container is in its hierarchy
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

	if (buflen <= 0)
		return -ENAMETOOLONG;
	if (container_is_removed(cont))
		return -ENODEV;
	if (container_is_top(cont)) {
		/* has no directory while the hierarchy is being set up */
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
 * Then files that are older than containers go by their short names.
 *
 * Context: any in which @cont is known to stay.
 */
bool container_noprefix(const struct container *cont)
{
	return container_hierarchy(cont)->noprefix;
}
EXPORT_SYMBOL_GPL(container_noprefix);

/**
 * container_next_descendant - walk the containers below one
 * @pos: where the walk is; @top at the start
 * @top: whose descendants
 *
 * Parents come before their children.
 *
 * Context: manage or callback lock held from start to end.
 * Return: the next one, NULL at the end.
 */
struct container *container_next_descendant(struct container *pos, struct container *top)
{
	if (!list_empty(&pos->children))
		return list_first_entry(&pos->children, struct container, sibling);
	for (; pos != top; pos = pos->parent)
		if (!list_is_last(&pos->sibling, &pos->parent->children))
			return list_next_entry(pos, sibling);
	return NULL;
}
EXPORT_SYMBOL_GPL(container_next_descendant);

#define for_each_descendant(pos, top)					\
	for ((pos) = container_next_descendant(top, top); (pos);		\
	     (pos) = container_next_descendant(pos, top))

/* --- lifetimes ------------------------------------------------------------- */

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

/**
 * container_get - keep a container's memory
 * @cont: a container whose memory is kept already
 */
void container_get(struct container *cont)
{
	refcount_inc(&cont->ref);
}

/**
 * container_put - drop a reference on a container below a root
 * @cont: the container; its memory goes after a grace period if it was the last
 */
void container_put(struct container *cont)
{
	struct hierarchy *h = container_hierarchy(cont);

	if (!refcount_dec_and_test(&cont->ref))
		return;
	kfree_rcu(cont, rcu);
	hierarchy_put(h);
}

static void container_setup(struct container *cont, struct hierarchy *h,
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

/* --- containers ------------------------------------------------------------ */

/**
 * container_make_state - have a subsystem make its state of a container
 * @ss: the subsystem
 * @cont: the container
 *
 * Context: manage lock held; sleeps.
 * Return: 0, what create() says, or -EINVAL if it says 0 and there is no state.
 */
int container_make_state(struct container_subsys *ss, struct container *cont)
{
	struct container_subsys_state *css;
	int err = callback_errno(ss->create(ss, cont), ss->name);

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
 * container_create - make a container that nobody sees yet
 * @parent: where it will be
 * @clone: for container_clone()
 *
 * Context: manage lock held; sleeps.
 * Return: the container, for container_link() or container_discard(), or an
 * errno: -ENOENT when @parent is being removed, -ENOMEM, or what a subsystem's
 * create() says.
 */
struct container *container_create(struct container *parent, bool clone)
{
	struct hierarchy *h = container_hierarchy(parent);
	struct container_subsys *ss;
	struct container *cont;
	int id, err;

	lockdep_assert_held(&manage_mutex);
	if (container_is_removed(parent) || test_bit(CONT_KILLING, &parent->flags))
		return ERR_PTR(-ENOENT);
	cont = kzalloc(sizeof(*cont), GFP_KERNEL);
	if (!cont)
		return ERR_PTR(-ENOMEM);
	container_setup(cont, h, parent);
	cont->flags = parent->flags & (BIT(CONT_NOTIFY_ON_RELEASE) |
				       BIT(CONT_AUTO_DELETE) | BIT(CONT_KILL_ON_RMDIR) |
				       BIT(CONT_CLONE_CHILDREN));
	if (clone)
		__set_bit(CONT_CLONED, &cont->flags);
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
 * @cont: a container that was never linked, whose directory is undone
 *
 * Context: manage lock held.
 */
void container_discard(struct container *cont)
{
	container_destroy_states(cont);
	container_put(cont);
}

/**
 * container_inherit - let the subsystems take over what is the parent's
 * @cont: a container from container_create()
 *
 * Context: manage lock held; sleeps.
 * Return: 0, or what a subsystem's clone() says.
 */
int container_inherit(struct container *cont)
{
	struct hierarchy *h = container_hierarchy(cont);
	struct container_subsys *ss;
	int id, err;

	for_each_bound_subsys(h, id, ss) {
		err = ss->clone ? callback_errno(ss->clone(ss, cont), ss->name) : 0;
		if (err)
			return err;
	}
	return 0;
}

/**
 * container_link - make a container part of its hierarchy
 * @cont: the container; its directory is about to show
 *
 * Context: manage lock held.
 */
void container_link(struct container *cont)
{
	struct hierarchy *h = container_hierarchy(cont);

	container_lock();
	spin_lock(&cont->parent->lock);
	list_add_tail(&cont->sibling, &cont->parent->children);
	spin_unlock(&cont->parent->lock);
	container_unlock();
	/* the first one keeps the superblock active: see the top of the file */
	if (h->nr_containers++ == 1)
		atomic_inc(&h->sb->s_active);
}

/* A count that no number of gets and puts, right or wrong, makes positive. */
#define CSS_FROZEN (INT_MIN / 2)

/* Keeps anybody from taking a reference on the states, if there is none now. */
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

static void container_thaw(struct container *cont)
{
	struct hierarchy *h = container_hierarchy(cont);
	int id;

	for_each_set_bit(id, h->subsys, MAX_CONTAINER_SUBSYS)
		atomic_set(&cont->subsys[id]->refcnt, 0);
}

static bool container_has_members(struct container *cont)
{
	return READ_ONCE(cont->nr_members);
}

/* A container of the tree from @top down that has members, or NULL. */
static struct container *populated_in(struct container *top)
{
	struct container *pos;

	if (container_has_members(top))
		return top;
	for_each_descendant(pos, top)
		if (container_has_members(pos))
			return pos;
	return NULL;
}

/**
 * container_is_populated - has a container a member, in it or below?
 * @cont: the container. A root always has: whoever is not below is in it
 *
 * Context: manage lock held, or else a task that moves may be missed.
 */
bool container_is_populated(struct container *cont)
{
	return container_is_top(cont) || populated_in(cont);
}

/* The end of a container that has no members, no children and frozen states. */
static void container_unlink(struct container *cont)
{
	struct container *parent = cont->parent;
	struct hierarchy *h = container_hierarchy(cont);
	bool released;

	trace_rmdir(cont);
	container_lock();
	set_bit(CONT_REMOVED, &cont->flags);
	spin_lock(&parent->lock);
	list_del_init(&cont->sibling);
	released = list_empty(&parent->children) && !parent->nr_members &&
		   !container_is_top(parent);
	spin_unlock(&parent->lock);
	container_unlock();
	events_removed(cont);
	container_destroy_states(cont);
	h->nr_containers--;
	if (released)
		container_released(parent);
	container_put(cont);
}

/* A container of the tree from @top down that has a directory in it to be removed, or NULL. */
static struct container *half_removed_in(struct container *top)
{
	struct container *pos;

	for (pos = top; pos; pos = container_next_descendant(pos, top))
		if (READ_ONCE(pos->leaving))
			return pos;
	return NULL;
}

/* Waits for that; the manage lock is given up. */
static int wait_half_removed(struct container *cont)
{
	int err;

	container_get(cont);
	container_manage_unlock();
	err = wait_event_interruptible(directory_gone, !READ_ONCE(cont->leaving));
	container_put(cont);
	container_manage_lock();
	return err ? -EINTR : 0;
}

/**
 * container_left - after container_remove() the directory is gone, too
 * @parent: the container in which it was
 *
 * Context: manage lock held.
 */
void container_left(struct container *parent)
{
	lockdep_assert_held(&manage_mutex);
	WRITE_ONCE(parent->leaving, parent->leaving - 1);
	wake_up_all(&directory_gone);
}

/**
 * container_remove - take a container out of its hierarchy
 * @cont: a container below a root
 * @subtree: with all that is below it; otherwise having children is an error
 *
 * The directory stays, to be removed by the caller after the manage lock, which then
 * calls container_left(): until then the container above is not removed. If no
 * container is left below the root, the caller owes deactivate_super() after that.
 *
 * Context: manage lock held, and given up while waiting for directories of containers
 * below, which are gone; no lock may be held that their removal needs.
 * Return: 0; -EBUSY with members, children, or states that are referenced, or while
 * somebody else is killing its members, and nothing has changed; -EINTR; -ENODEV if it
 * is removed already.
 */
int container_remove(struct container *cont, bool subtree)
{
	struct container *pos, *last;
	int err;

	lockdep_assert_held(&manage_mutex);
	do {
		if (container_is_removed(cont))
			return -ENODEV;
		if (!subtree && test_bit(CONT_KILLING, &cont->flags))
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

	for (;;) {
		for (pos = cont; !list_empty(&pos->children); )
			pos = list_first_entry(&pos->children, struct container, sibling);
		last = pos->parent;
		container_unlink(pos);
		if (pos == cont)
			break;
	}
	/* its parent; theirs go with it */
	WRITE_ONCE(last->leaving, last->leaving + 1);
	return 0;
}

static void set_killing(struct container *top)
{
	struct container *pos;

	for (pos = top; pos; pos = container_next_descendant(pos, top))
		set_bit(CONT_KILLING, &pos->flags);
}

static void look_at_victim(struct member *m, void *ok)
{
	if (same_thread_group(m->task, current) || (m->task->flags & PF_KTHREAD) ||
	    is_global_init(m->task))
		*(bool *)ok = false;
}

/* Can every member die, and is none of them us? */
static bool may_kill(struct container *cont)
{
	bool ok = true;

	membership_walk(cont, look_at_victim, &ok);
	return ok;
}

static void kill_member(struct member *m, void *unborn)
{
	if (task_is_born(m->task))
		send_sig(SIGKILL, m->task, 1);
	else
		*(bool *)unborn = true;
}

/*
 * Kills all members but those in the making: a signal to a thread that its process
 * does not list yet marks the process as dying and reaches nobody else, ever. Such
 * a fork fails as its parent is killed, or has just been too late for that.
 * Return: were there any? Then they have to be looked at again.
 */
static bool kill_all(struct container *cont)
{
	bool unborn = false;

	membership_walk(cont, kill_member, &unborn);
	return unborn;
}

/**
 * container_emptied - a container that is being killed has lost its last member
 *
 * Context: any.
 */
void container_emptied(void)
{
	wake_up_all(&container_killed);
}

/**
 * container_kill_members - kill all tasks in a container and below, and wait
 * @cont: the container
 *
 * From here on nobody forks in it, moves into it or makes a directory in it,
 * until it is removed or container_kill_end() is called.
 *
 * Context: manage lock held, and given up while waiting; no lock that a dying
 * member may need may be held.
 * Return: 0; -EBUSY if the caller is among the members or one of them cannot be
 * killed, and none was; -EINTR; -ENODEV if it was removed meanwhile.
 */
int container_kill_members(struct container *cont)
{
	struct container *pos;
	bool unborn;
	long left;

	if (container_is_removed(cont))
		return -ENODEV;
	for (pos = cont; pos; pos = container_next_descendant(pos, cont))
		if (!may_kill(pos))
			return -EBUSY;

	set_killing(cont);
	while (populated_in(cont)) {
		unborn = false;
		for (pos = cont; pos; pos = container_next_descendant(pos, cont))
			unborn |= kill_all(pos);
		pos = populated_in(cont);
		if (!pos)
			break;
		container_get(pos);
		container_manage_unlock();
		left = wait_event_interruptible_timeout(container_killed,
							!container_has_members(pos),
							unborn ? 1 : MAX_SCHEDULE_TIMEOUT);
		container_put(pos);
		container_manage_lock();
		if (container_is_removed(cont))
			return -ENODEV;
		if (left < 0) {
			container_kill_end(cont);
			return -EINTR;
		}
	}
	return 0;
}

/**
 * container_kill_end - the removal after container_kill_members() failed
 * @cont: the container
 *
 * What would have removed itself meanwhile does so now.
 *
 * Context: manage lock held.
 */
void container_kill_end(struct container *cont)
{
	struct container *pos;

	for (pos = cont; pos; pos = container_next_descendant(pos, cont)) {
		clear_bit(CONT_KILLING, &pos->flags);
		container_delete_again(pos);
	}
}

/* --- hierarchies ----------------------------------------------------------- */

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
	/* whoever sees the new number sees the hierarchy behind it */
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

/* A set in hex, without leading zeros. */
static void show_bits(struct seq_file *m, const unsigned long *set)
{
	int i = BITS_TO_LONGS(MAX_CONTAINER_SUBSYS) - 1;

	while (i && !set[i])
		i--;
	seq_printf(m, "%lx", set[i]);
	while (i--)
		seq_printf(m, "%016lx", set[i]);
}

/* The Hierarchies: part of /proc/containers; under the callback lock. */
static void hierarchy_show(struct seq_file *m, struct hierarchy *h)
{
	struct container_subsys *ss;
	const char *sep = "";
	int id;

	seq_printf(m, "%d: topcount=%d bits=", h->top.hierarchy,
		   h == &dummy_hierarchy ? 1 : membership_count(&h->top) + 1);
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

void containers_show_hierarchies(struct seq_file *m)
{
	int i;

	seq_puts(m, "Hierarchies:\n");
	for (i = 0; i < MAX_CONTAINER_HIERARCHIES; i++)
		if (hierarchies[i])
			hierarchy_show(m, hierarchies[i]);
}

void hierarchy_init(void)
{
	hierarchies[0] = &dummy_hierarchy;
	container_setup(&dummy_hierarchy.top, &dummy_hierarchy, NULL);
	dummy_hierarchy.nr_containers = 1;
	refcount_set(&dummy_hierarchy.ref, 1);
}
