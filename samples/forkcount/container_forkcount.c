// SPDX-License-Identifier: GPL-2.0
/*
 * forkcount: a small subsystem to learn from. For each container it counts the
 * tasks that are born and that exit in it, and it can stop them from forking.
 *
 *   forkcount.forks	tasks born in the container
 *   forkcount.exits	tasks that exited in it
 *   forkcount.failed	forks that we agreed to and that failed later
 *   forkcount.refused	forks that we refused
 *   forkcount.max	how many times its members may fork in all, or "max" (the
 *			default): one more is refused, and fork(2) says EAGAIN
 *   forkcount.pin	1: hold a reference on the container, so that rmdir says
 *			EBUSY; 0: drop it
 *
 * What a task's life looks like from here:
 *
 *   can_fork() -> fork() -> [attach() ...] -> exit()
 *	   \---> cancel_fork()
 *
 * Tasks that exist when the module is loaded are reported to fork() too, once
 * each, so at any quiet moment the forks of all containers minus their exits
 * is the number of tasks in the system. For that to stay true, a container that
 * is removed leaves its counts to its parent.
 *
 * Locks: none of our own. The callbacks for forks and exits may run on many CPUs
 * at once, so the counters are atomic. Everything else is called under the
 * core's manage lock, or reads single values.
 */
#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>

#include <container.h>

/* What is counted. STARTED, forks under way and done, is what max is about. */
enum { FORKS, EXITS, FAILED, REFUSED, STARTED, NR_COUNTS };

/**
 * struct forkcount - our state of a container
 * @css: the part that the core knows; embedded, so that one leads to the other
 * @count: the counters
 * @max: how many forks may be started
 * @pinned: we hold a reference on @css; under the manage lock
 * @rcu: for freeing
 */
struct forkcount {
	struct container_subsys_state css;
	atomic64_t count[NR_COUNTS];
	atomic64_t max;
	bool pinned;
	struct rcu_head rcu;
};

#define FORKCOUNT_UNLIMITED S64_MAX

static struct container_subsys forkcount_subsys;

static struct forkcount *container_forkcount(struct container *cont)
{
	return container_of(container_subsys_state(cont, &forkcount_subsys),
			    struct forkcount, css);
}

/* --- containers come and go ------------------------------------------------ */

/* Called once when we register, for the root container, and by each mkdir. */
static int forkcount_create(struct container_subsys *ss, struct container *cont)
{
	struct forkcount *fc = kzalloc(sizeof(*fc), GFP_KERNEL);

	if (!fc)
		return -ENOMEM;
	atomic64_set(&fc->max, FORKCOUNT_UNLIMITED);
	container_set_subsys_state(cont, ss, &fc->css);
	return 0;
}

/*
 * The container has no members and nobody holds a reference, or mkdir failed and
 * it was never seen: then its counts are zero. What it started stays its own:
 * the parent's limit is about the parent's forks.
 */
static void forkcount_destroy(struct container_subsys *ss, struct container *cont)
{
	struct forkcount *fc = container_forkcount(cont), *parent;
	int i;

	if (cont->parent) {
		parent = container_forkcount(cont->parent);
		for (i = 0; i < STARTED; i++)
			atomic64_add(atomic64_read(&fc->count[i]), &parent->count[i]);
	}
	/* Somebody may still be looking at it under RCU: free it after that. */
	kfree_rcu(fc, rcu);
}

/* --- tasks come and go ----------------------------------------------------- */

/* The only callback that can stop a fork. It must not sleep. */
static int forkcount_can_fork(struct container_subsys *ss, struct container *cont,
			      struct task_struct *child, void *data, const void *parent)
{
	struct forkcount *fc = container_forkcount(cont);

	/* Count first, then look: two CPUs cannot both take the last one. */
	if (atomic64_inc_return(&fc->count[STARTED]) <= atomic64_read(&fc->max))
		return 0;
	atomic64_dec(&fc->count[STARTED]);
	atomic64_inc(&fc->count[REFUSED]);
	/* for its file "events" */
	container_refused(cont, CONTAINER_FORK, "forkcount");
	return -EAGAIN;
}

/* We agreed, but the fork failed for another reason: give back what we took. */
static void forkcount_cancel_fork(struct container_subsys *ss, struct container *cont,
				  struct task_struct *child, void *data)
{
	struct forkcount *fc = container_forkcount(cont);

	atomic64_dec(&fc->count[STARTED]);
	atomic64_inc(&fc->count[FAILED]);
}

/* The child is there, though it has not run yet. Nothing can fail now. */
static void forkcount_fork(struct container_subsys *ss, struct container *cont,
			   struct task_struct *child, void *data)
{
	atomic64_inc(&container_forkcount(cont)->count[FORKS]);
}

/* The task is still in its container, for the last time. */
static void forkcount_exit(struct container_subsys *ss, struct container *cont,
			   struct task_struct *task, void *data)
{
	atomic64_inc(&container_forkcount(cont)->count[EXITS]);
}

/* --- control files --------------------------------------------------------- */

/* One function for all counters: the file's private number says which. */
static int forkcount_show(struct seq_file *m, struct container *cont,
			  const struct container_cftype *cft)
{
	struct forkcount *fc = container_forkcount(cont);

	seq_printf(m, "%lld\n", (long long)atomic64_read(&fc->count[cft->private]));
	return 0;
}

static int forkcount_max_show(struct seq_file *m, struct container *cont,
			      const struct container_cftype *cft)
{
	s64 max = atomic64_read(&container_forkcount(cont)->max);

	if (max == FORKCOUNT_UNLIMITED)
		seq_puts(m, "max\n");
	else
		seq_printf(m, "%lld\n", (long long)max);
	return 0;
}

/* The core has taken the newline off. An error must leave all as it was. */
static int forkcount_max_write(struct container *cont, const struct container_cftype *cft,
			       struct file *file, char *buf)
{
	s64 max = FORKCOUNT_UNLIMITED;

	if (strcmp(buf, "max") && (kstrtos64(buf, 10, &max) || max < 0))
		return -EINVAL;
	atomic64_set(&container_forkcount(cont)->max, max);
	return 0;
}

static int forkcount_pin_show(struct seq_file *m, struct container *cont,
			      const struct container_cftype *cft)
{
	seq_printf(m, "%d\n", container_forkcount(cont)->pinned);
	return 0;
}

/*
 * The manage lock is held, so the container is not being removed and the
 * reference is ours to have. Elsewhere container_css_get() may fail.
 */
static int forkcount_pin_write(struct container *cont, const struct container_cftype *cft,
			       struct file *file, char *buf)
{
	struct forkcount *fc = container_forkcount(cont);
	bool pin;
	int err = 0;

	if (strcmp(buf, "0") && strcmp(buf, "1"))
		return -EINVAL;
	pin = buf[0] == '1';
	if (pin == fc->pinned)
		return 0;
	if (pin)
		err = container_css_get(&fc->css);
	else
		container_css_put(&fc->css);
	if (!err)
		fc->pinned = pin;
	return err;
}

/* The modes follow from the handlers: 0444, or 0644 where there is a write. */
static const struct container_cftype forkcount_files[] = {
	{ .name = "forkcount.forks", .private = FORKS, .show = forkcount_show },
	{ .name = "forkcount.exits", .private = EXITS, .show = forkcount_show },
	{ .name = "forkcount.failed", .private = FAILED, .show = forkcount_show },
	{ .name = "forkcount.refused", .private = REFUSED, .show = forkcount_show },
	{
		.name = "forkcount.max",
		.show = forkcount_max_show,
		.write = forkcount_max_write,
	},
	{
		.name = "forkcount.pin",
		.show = forkcount_pin_show,
		.write = forkcount_pin_write,
	},
};

static int forkcount_populate(struct container_subsys *ss, struct container *cont)
{
	return container_add_files(cont, forkcount_files, ARRAY_SIZE(forkcount_files));
}

/* --- the subsystem --------------------------------------------------------- */

static struct container_subsys forkcount_subsys = {
	.name = "forkcount",
	.owner = THIS_MODULE,
	.create = forkcount_create,
	.destroy = forkcount_destroy,
	.can_fork = forkcount_can_fork,
	.cancel_fork = forkcount_cancel_fork,
	.fork = forkcount_fork,
	.exit = forkcount_exit,
	.populate = forkcount_populate,
	.subsys_id = -1,
};

static int __init forkcount_init(void)
{
	/* From here on the callbacks may be called: all else has to be ready. */
	return container_register_subsys(&forkcount_subsys);
}

static void __exit forkcount_exit_module(void)
{
	/*
	 * Cannot fail: while we are bound to a hierarchy we are not unloaded. If
	 * destroy() used call_rcu() with a function of ours, rcu_barrier() would
	 * have to follow here.
	 */
	container_unregister_subsys(&forkcount_subsys);
}

module_init(forkcount_init);
module_exit(forkcount_exit_module);

MODULE_LICENSE("GPL");
/* Counts up with each release: DKMS replaces a module only by one that differs here. */
MODULE_VERSION("1.0");
MODULE_DESCRIPTION("Container subsystem: counts forks and exits (a sample)");
/* Lets "mount -t container -o forkcount" load us. */
MODULE_ALIAS("container-subsys-forkcount");
