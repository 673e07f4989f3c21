// SPDX-License-Identifier: GPL-2.0
/*
 * The file "events". It shows whether a container is populated, that is, has a member in it or
 * below, and how often its limits have refused something. Users can wait for a change.
 *
 * A task that joins an empty container, is the last to leave one, or is refused something only
 * checks whether the container or an ancestor has a waiter. If so, it queues the container's
 * work item, which holds a reference on the container. The worker finds out whether containers
 * are populated, and compares with the last report.
 *
 * Who takes part, and how races are settled:
 *
 * join, leave	change the number of members and then check for waiters. A waiter opens
 *	the file, or puts an inotify watch on it, before it reads it. With a barrier on both
 *	sides, one of them sees the other.
 * move		is a leave and a join, between which the task is in no container. Moves, reads
 *	and the worker hold the manage lock, so no report sees this state. A thread that follows
 *	its process (fork.c) moves without the lock, but its parent is in the new container.
 * read, worker	compare under the manage lock: the first of them to see a change reports it
 *	and increments the number of changes, so each change is reported once.
 * poll		queues itself and then compares the number of changes with the number at the
 *	last read. The number is incremented before the queue is woken.
 * rmdir	passes changes that the worker may not have reported yet to the parent.
 */
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/fsnotify.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "container_trace.h"
#include "core.h"

static struct workqueue_struct *events_wq;

/* An open file, and the number of changes at its last read. */
struct reader {
	struct container *cont;
	unsigned int seen;
};

static bool dentry_watched(struct dentry *dentry)
{
	return dentry && compat_watched(dentry);
}

/* Is there an inotify watch on the file or its directory? Under RCU or the manage lock. */
static bool file_watched(struct container *cont)
{
	return dentry_watched(READ_ONCE(cont->events.file)) ||
	       dentry_watched(READ_ONCE(cont->dentry));
}

static bool events_awaited(struct container *cont)
{
	return atomic_read(&cont->events.readers) || file_watched(cont);
}

static bool events_get(struct container *cont)
{
	return refcount_inc_not_zero(container_is_top(cont) ? &container_hierarchy(cont)->ref :
							     &cont->ref);
}

static void events_put(struct container *cont)
{
	if (container_is_top(cont))
		hierarchy_put(container_hierarchy(cont));
	else
		container_put(cont);
}

static void events_queue(struct container *cont)
{
	/* no reference is left: container_remove() has passed the change to an ancestor */
	if (!events_get(cont))
		return;
	if (!queue_work(events_wq, &cont->events.work))
		events_put(cont);
}

/**
 * events_changed - look for waiters after a container has become empty or is empty no more
 * @cont: the container
 * @joined: it has its first member; otherwise it has lost the last one
 *
 * Called after the change.
 *
 * Context: any that may take a spinlock; under RCU, which keeps the ancestors readable.
 */
void events_changed(struct container *cont, bool joined)
{
	struct container *pos;

	/* pairs with events_show() */
	smp_mb();
	for (pos = cont; pos; pos = pos->parent)
		if (events_awaited(pos)) {
			if (joined)
				set_bit(CONT_EVENT_JOINED, &cont->flags);
			events_queue(cont);
			return;
		}
}

/**
 * events_removed - wake those who wait for events of a removed container
 * @cont: the container, marked as removed
 *
 * Context: manage lock held.
 * Return: has a task joined of which nobody has been told? If so, the caller owes that to the
 * nearest ancestor that remains, by events_changed().
 */
bool events_removed(struct container *cont)
{
	lockdep_assert_held(&manage_mutex);
	wake_up_all(&cont->events.wait);
	return test_bit(CONT_EVENT_JOINED, &cont->flags);
}

/**
 * container_refused - count that a limit of a container has refused something
 * @cont: the container that has the limit: the task's own or an ancestor
 * @what: CONTAINER_FORK for a new task, CONTAINER_CHARGE for anything else
 * @limit: name of the limit, for tracers
 *
 * Subsystems call it once for each failure that a user sees, since the core does not know which
 * container's limit it was.
 *
 * Context: any but NMI; @cont readable under RCU.
 */
void container_refused(struct container *cont, enum container_refusal what, const char *limit)
{
	rcu_read_lock();
	atomic_long_inc(&cont->events.refused[what]);
	/* pairs with events_show() */
	smp_mb__after_atomic();
	if (events_awaited(cont))
		events_queue(cont);
	if (what == CONTAINER_FORK)
		trace_fork_refused(cont, limit);
	else
		trace_charge_failed(cont, limit);
	rcu_read_unlock();
}
EXPORT_SYMBOL_GPL(container_refused);

/*
 * Compares the state of a container with the last report, and reports a change. It is a change,
 * too, if a task has joined and left again since then (@joined).
 */
static void events_compare(struct container *cont, bool populated, bool joined)
{
	struct container_events *ev = &cont->events;
	bool changed = ev->populated != populated || (joined && !populated);
	long refused;
	int i;

	lockdep_assert_held(&manage_mutex);
	ev->populated = populated;
	for (i = 0; i < CONTAINER_REFUSALS; i++) {
		refused = atomic_long_read(&ev->refused[i]);
		changed |= ev->told[i] != refused;
		ev->told[i] = refused;
	}
	if (!changed)
		return;
	WRITE_ONCE(ev->changes, ev->changes + 1);
	set_bit(CONT_EVENT_NEW, &cont->flags);
	wake_up_all(&ev->wait);
}

/*
 * Is there a task in a container or below it? A root counts as populated: it has all tasks that are
 * not below it. Manage lock held; without it a task that is being moved may be missed.
 */
static bool container_is_populated(struct container *cont)
{
	return container_is_top(cont) || populated_in(cont);
}

/* Is a container populated, if its child @below is known not to be? @below may be NULL. */
static bool populated_but_for(struct container *cont, struct container *below)
{
	struct container *child;

	if (!below)
		return container_is_populated(cont);
	if (container_is_top(cont) || READ_ONCE(cont->nr_members))
		return true;
	list_for_each_entry(child, &cont->children, sibling)
		if (child != below && container_is_populated(child))
			return true;
	return false;
}

/*
 * Finds a directory of @cont or of an ancestor whose file has a change to report to inotify.
 * Return: the directory, with a reference, and an active reference on its superblock; or NULL.
 */
static struct dentry *events_next_dir(struct container *cont)
{
	struct container *pos;

	/* its ancestors stay as long as it does */
	for (pos = cont; pos && !container_is_removed(cont); pos = pos->parent)
		if (test_and_clear_bit(CONT_EVENT_NEW, &pos->flags) && file_watched(pos) &&
		    atomic_inc_not_zero(&container_hierarchy(pos)->sb->s_active))
			return dget(pos->dentry);
	return NULL;
}

/* Tells the watchers of the file, which may have to be made, and of its directory. */
static void events_notify(struct dentry *dir)
{
	struct dentry *file = fs_find_file(dir, events_file.name);

	if (!file)
		return;
	fsnotify_dentry(file, FS_MODIFY);
	dput(file);
}

static void events_work(struct work_struct *work)
{
	struct container *cont = container_of(work, struct container, events.work);
	struct container *pos, *below = NULL;
	bool joined, populated = false;
	struct super_block *sb;
	struct dentry *dir;

	container_manage_lock();
	joined = test_and_clear_bit(CONT_EVENT_JOINED, &cont->flags);
	for (pos = cont; pos && !container_is_removed(cont); below = pos, pos = pos->parent) {
		populated = populated || populated_but_for(pos, below);
		if (events_awaited(pos))
			events_compare(pos, populated, joined);
	}
	while ((dir = events_next_dir(cont))) {
		container_manage_unlock();
		sb = dir->d_sb;
		/* not under the lock: fsnotify may wait for memory that is charged to a watcher */
		events_notify(dir);
		dput(dir);
		deactivate_super(sb);
		container_manage_lock();
	}
	container_manage_unlock();
	events_put(cont);
}

/* --- the file ---------------------------------------------------------------- */

static int events_show(struct seq_file *m, void *v)
{
	struct reader *reader = m->private;
	struct container *cont = reader->cont;
	struct container_events *ev = &cont->events;

	container_manage_lock();
	if (container_is_removed(cont)) {
		container_manage_unlock();
		return -ENODEV;
	}
	/* the waiter was made visible before it reads: pairs with events_changed() */
	smp_mb();
	events_compare(cont, container_is_populated(cont), false);
	WRITE_ONCE(reader->seen, ev->changes);
	seq_printf(m, "populated %d\nforks_refused %ld\ncharges_refused %ld\n", ev->populated,
		   ev->told[CONTAINER_FORK], ev->told[CONTAINER_CHARGE]);
	/* the worker reports a change that was found here to inotify, too */
	if (test_bit(CONT_EVENT_NEW, &cont->flags))
		events_queue(cont);
	container_manage_unlock();
	return 0;
}

static int events_open(struct inode *inode, struct file *file)
{
	struct container *cont = file_container(file);
	struct reader *reader = kmalloc(sizeof(*reader), GFP_KERNEL_ACCOUNT);
	int err;

	if (!reader)
		return -ENOMEM;
	reader->cont = cont;
	/* nothing was read yet, so poll() has to find a change */
	reader->seen = READ_ONCE(cont->events.changes) - 1;
	err = single_open(file, events_show, reader);
	if (err)
		kfree(reader);
	else
		atomic_inc(&cont->events.readers);
	return err;
}

static int events_release(struct inode *inode, struct file *file)
{
	struct seq_file *m = file->private_data;
	struct reader *reader = m->private;

	atomic_dec(&reader->cont->events.readers);
	kfree(reader);
	return single_release(inode, file);
}

static __poll_t events_poll(struct file *file, poll_table *wait)
{
	struct seq_file *m = file->private_data;
	struct reader *reader = m->private;
	struct container_events *ev = &reader->cont->events;

	poll_wait(file, &ev->wait, wait);
	if (READ_ONCE(reader->seen) != READ_ONCE(ev->changes) ||
	    container_is_removed(reader->cont))
		return DEFAULT_POLLMASK | EPOLLERR | EPOLLPRI;
	return DEFAULT_POLLMASK;
}

const struct container_cftype events_file = { .name = "events", .mode = 0444 };

const struct file_operations events_file_ops = {
	.owner = THIS_MODULE,
	.open = events_open,
	.read_iter = control_read,
	.splice_read = compat_splice_read,
	.write_iter = control_no_write,
	.poll = events_poll,
	.fsync = noop_fsync,
	.llseek = seq_lseek,
	.setlease = compat_setlease,
	.release = events_release,
};

/**
 * events_setup - initialize the events of a new container
 * @cont: the container
 */
void events_setup(struct container *cont)
{
	init_waitqueue_head(&cont->events.wait);
	INIT_WORK(&cont->events.work, events_work);
}

int events_init(void)
{
	events_wq = alloc_workqueue("container_events", WQ_UNBOUND, 0);
	return events_wq ? 0 : -ENOMEM;
}

void events_exit(void)
{
	destroy_workqueue(events_wq);
}
