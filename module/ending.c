// SPDX-License-Identifier: GPL-2.0
/*
 * The end of hierarchies: what is done at the last unmount, and who waits for it.
 *
 * A worker dissolves a hierarchy. That waits for grace periods of RCU tasks, and up to 6.8 these
 * wait for the exiting init of a pid namespace, which waits for its children. The last unmount may
 * be made by such a child, when it exits: if it waited itself, it would wait for ever, and so would
 * all that waits for these grace periods. So who unmounts waits for the worker only until it is
 * killed, and not at all while it exits. Threads of the kernel have others to unmount for.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "core.h"

/* Woken when a hierarchy has been dissolved. */
static DECLARE_WAIT_QUEUE_HEAD(hierarchy_gone);
static struct workqueue_struct *end_wq;

/**
 * hierarchy_super - take an active reference on the superblock of a hierarchy
 * @h: the hierarchy
 *
 * Context: callback lock not held; the caller keeps @h.
 * Return: the superblock; NULL if the hierarchy is being dissolved, or is about to be.
 */
struct super_block *hierarchy_super(struct hierarchy *h)
{
	struct super_block *sb;

	container_lock();
	sb = h->sb;
	if (sb && !atomic_inc_not_zero(&sb->s_active))
		sb = NULL;
	container_unlock();
	return sb;
}

/**
 * hierarchy_unmounted - part a hierarchy that has only its root from its superblock
 * @h: the hierarchy, whose superblock is about to be shut down. After that it is dissolved, by
 *	hierarchy_end() if it was mounted
 *
 * Context: manage lock not held; sleeps.
 */
void hierarchy_unmounted(struct hierarchy *h)
{
	container_manage_lock();
	container_lock();
	h->sb = NULL;
	/* dentries are freed after a grace period: readers under RCU may still look at them */
	WRITE_ONCE(h->top.dentry, NULL);
	WRITE_ONCE(h->top.events.file, NULL);
	container_unlock();
	container_manage_unlock();
}

static void end_work(struct work_struct *work)
{
	struct hierarchy *h = container_of(work, struct hierarchy, end);

	bind_lock();
	hierarchy_dissolve(h);
	bind_unlock();
	/*
	 * Before anybody is woken, who may want to unload the modules. ending_exit() waits until
	 * this function has returned.
	 */
	module_put(THIS_MODULE);
	WRITE_ONCE(h->gone, true);
	wake_up_all(&hierarchy_gone);
	hierarchy_put(h);
}

/**
 * hierarchy_end - have a hierarchy dissolved, and wait for that
 * @h: the hierarchy, after hierarchy_unmounted(). The reference that an active hierarchy holds on
 *	itself is dropped
 *
 * Context: no lock of the project held. Sleeps until the current task is killed, unless it exits
 * or is a thread of the kernel.
 */
void hierarchy_end(struct hierarchy *h)
{
	/* the filesystem's module has the reference of the superblock, still */
	__module_get(THIS_MODULE);
	refcount_inc(&h->ref);
	INIT_WORK(&h->end, end_work);
	queue_work(end_wq, &h->end);
	if (!(current->flags & (PF_EXITING | PF_KTHREAD)))
		wait_event_killable(hierarchy_gone, READ_ONCE(h->gone));
	hierarchy_put(h);
}

/* A hierarchy that is being dissolved, or is about to be, with a reference; NULL: there is none. */
static struct hierarchy *hierarchy_ending(void)
{
	struct hierarchy *found = NULL;
	int i;

	container_lock();
	for (i = 1; i < MAX_CONTAINER_HIERARCHIES && !found; i++) {
		found = hierarchies[i];
		if (found && (!found->mounted ||
			      (found->sb && atomic_read(&found->sb->s_active))))
			found = NULL;
	}
	if (found)
		refcount_inc(&found->ref);
	container_unlock();
	return found;
}

/**
 * hierarchy_wait_ends - wait until no hierarchy is being dissolved
 *
 * Context: no lock held; sleeps.
 * Return: 0 or -EINTR.
 */
int hierarchy_wait_ends(void)
{
	struct hierarchy *h;
	int err = 0;

	while (!err && (h = hierarchy_ending())) {
		err = wait_event_interruptible(hierarchy_gone, READ_ONCE(h->gone)) ? -EINTR : 0;
		hierarchy_put(h);
	}
	return err;
}

int ending_init(void)
{
	end_wq = alloc_workqueue("container_end", WQ_UNBOUND, 0);
	return end_wq ? 0 : -ENOMEM;
}

void ending_exit(void)
{
	destroy_workqueue(end_wq);
}
