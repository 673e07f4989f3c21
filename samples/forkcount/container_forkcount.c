// SPDX-License-Identifier: GPL-2.0
/*
 * forkcount: a small subsystem to learn from. For each container it counts the tasks that are born
 * and that exit in it, and it can stop its tasks from forking.
 *
 *   forkcount.forks	tasks that were born in the container
 *   forkcount.exits	tasks that have exited in it
 *   forkcount.failed	forks that were allowed and failed later
 *   forkcount.refused	forks that were refused
 *   forkcount.max	number of forks that its members may make in all, or "max" (the
 *			default). Further forks are refused, and fork(2) fails with EAGAIN
 *   forkcount.pin	1: hold a reference on the container, so that rmdir fails with
 *			EBUSY; 0: drop it
 *
 * The callbacks in a task's life:
 *
 *   can_fork() -> fork() -> [attach() ...] -> exit()
 *	   \---> cancel_fork()
 *
 * fork() is also called once for each task that exists when the module is loaded. So while no task
 * forks or exits, the forks of all containers minus their exits is the number of tasks in the
 * system. To keep this true, a removed container adds its counts to its parent's.
 *
 * Locks: forkcount has none. The callbacks for forks and exits may run on many CPUs at once, so the
 * counters are atomic. All other callbacks are called under the core's manage lock, or read single
 * values.
 */
#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>

#include <container.h>

/* The counters. STARTED counts forks under way and done, and is compared with max. */
enum { FORKS, EXITS, FAILED, REFUSED, STARTED, NR_COUNTS };

/**
 * struct forkcount - the state of a container
 * @css: the core's part; embedded, so that one can be found from the other
 * @count: the counters
 * @max: the maximum of count[STARTED]
 * @pinned: a reference on @css is held; under the manage lock
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

/* Called for the root at registration, and by each mkdir. */
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
 * The container has neither members nor references. Or mkdir has failed, and its counts are zero.
 * STARTED is not added to the parent's: the parent's limit is for the parent's own forks.
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
	/* An RCU reader may still look at it, so free it after a grace period. */
	kfree_rcu(fc, rcu);
}

/* --- tasks come and go ----------------------------------------------------- */

/* The only callback that can stop a fork. Must not sleep. */
static int forkcount_can_fork(struct container_subsys *ss, struct container *cont,
			      struct task_struct *child, void *data, const void *parent)
{
	struct forkcount *fc = container_forkcount(cont);

	/* Count first, then compare: two CPUs cannot both take the last fork. */
	if (atomic64_inc_return(&fc->count[STARTED]) <= atomic64_read(&fc->max))
		return 0;
	atomic64_dec(&fc->count[STARTED]);
	atomic64_inc(&fc->count[REFUSED]);
	/* for the file "events" */
	container_refused(cont, CONTAINER_FORK, "forkcount");
	return -EAGAIN;
}

/* The fork was allowed, but failed for another reason: take it back. */
static void forkcount_cancel_fork(struct container_subsys *ss, struct container *cont,
				  struct task_struct *child, void *data)
{
	struct forkcount *fc = container_forkcount(cont);

	atomic64_dec(&fc->count[STARTED]);
	atomic64_inc(&fc->count[FAILED]);
}

/* The child is complete, but has not run yet. The fork cannot fail any more. */
static void forkcount_fork(struct container_subsys *ss, struct container *cont,
			   struct task_struct *child, void *data)
{
	atomic64_inc(&container_forkcount(cont)->count[FORKS]);
}

/* The task is about to leave its container. */
static void forkcount_exit(struct container_subsys *ss, struct container *cont,
			   struct task_struct *task, void *data)
{
	atomic64_inc(&container_forkcount(cont)->count[EXITS]);
}

/* --- control files --------------------------------------------------------- */

/* One function shows all counters: the file's private number selects one. */
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

/* The core has removed the newline. On an error nothing may have changed. */
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
 * The manage lock is held, so the container is not being removed, and container_css_get() does not
 * fail. Elsewhere it may.
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

/* The modes follow from the handlers: 0444, or 0644 with a write handler. */
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
	/* Callbacks may be called during the registration, so do everything else before. */
	return container_register_subsys(&forkcount_subsys);
}

static void __exit forkcount_exit_module(void)
{
	/*
	 * Cannot fail: a bound subsystem keeps its module loaded. If destroy() used call_rcu()
	 * with a function of this module, rcu_barrier() would have to follow here.
	 */
	container_unregister_subsys(&forkcount_subsys);
}

module_init(forkcount_init);
module_exit(forkcount_exit_module);

MODULE_LICENSE("GPL");
/* Increment it with each release: DKMS replaces a module only if the version differs. */
MODULE_VERSION("1.0");
MODULE_DESCRIPTION("Container subsystem: counts forks and exits (a sample)");
/* Lets "mount -t container -o forkcount" load the module. */
MODULE_ALIAS("container-subsys-forkcount");
