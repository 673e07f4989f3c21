// SPDX-License-Identifier: GPL-2.0
/*
 * numtasks: how many tasks a container may have, and how fast they may fork.
 *
 * A resource-group controller. What a group, that is, a container, has in use is
 * counted, and limited, as count.h explains: without a lock, and never beyond a
 * maximum, whatever forks, exits and moves there are at the same time.
 *
 * Who else takes part:
 *
 * fork that fails	gives back what it took where it stopped, or, after
 *	can_fork(), in cancel_fork().
 * exit		when the task has left its container, under the lock of its entry. The
 *	container may be removed just before that, with the task still counted;
 *	RCU keeps the group, and those above it, until that is done.
 * move		under the lock of the entry. Counts change on the way up to the
 *	first group that is above both, which sees nothing of it. It is never
 *	refused, so it may bring a group over its maximum. Then nobody forks there
 *	until enough have exited.
 * mkdir, rmdir, changes of shares and totals	under the manage lock, one at a
 *	time. A writer that has lowered a maximum has a barrier between that and its
 *	return; a fork has one between raising a number and a second look at the
 *	maximum, so that no fork that the writer does not see can succeed by the old
 *	one. A new minimum is set first and then taken of the parent: forks in
 *	between may use the parent's last rest, but never exceed a count.
 * mount	counts are 0 at bind(). After it adopt() is called for each task that
 *	can_fork() was not asked about.
 * unmount	no callback is called any more before bind() clears the numbers.
 *
 * Otherwise a group is not freed while it has members, and a task that is counted
 * in it is a member. Its parents live longer than it does.
 *
 * Fork rates are counted in each group for itself, under its rate_lock, which is
 * taken only while there is a limit on them. A group that was made by
 * container_clone() counts with the one that it came from: otherwise each
 * new namespace would bring another rate.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/ratelimit.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "container.h"
#include "count.h"
#include "private.h"
#include "resgroup.h"

/* In a module parameter: no limit. */
#define NO_LIMIT COUNT_NO_LIMIT

/**
 * struct numtasks - a group
 * @shares: the library's part
 * @tasks: the tasks in it and below
 * @successes: forks of its own tasks that it let pass
 * @failures: forks that would have exceeded a maximum
 * @rate_failures: forks beyond the fork rate
 * @told_at: for container_refusal_is_news(), as the next two
 * @full_at: of the maximum
 * @rate_full_at: of the fork rate
 * @rate: the group whose fork rate counts: itself, or one above. Never changes
 * @rate_lock: guards the rest, but @rcu
 * @window: number of the forkrate window, from 1; 0 if there was none yet
 * @window_start: when it began
 * @window_forks: forks in it
 * @rcu: for freeing
 */
struct numtasks {
	struct res_shares shares;
	struct task_count tasks;
	atomic_long_t successes;
	atomic_long_t failures;
	atomic_long_t rate_failures;
	unsigned long told_at;
	unsigned long full_at;
	unsigned long rate_full_at;
	struct numtasks *rate;
	spinlock_t rate_lock;
	u64 window;
	u64 window_start;
	int window_forks;
	struct rcu_head rcu;
};

/**
 * struct numtasks_task - what is kept for a task
 * @group: where it is counted; NULL if it is not
 * @window: the forkrate window that its fork was counted in; 0 for none
 */
struct numtasks_task {
	struct numtasks *group;
	u64 window;
};

/* Module parameters; written under the manage lock. */
static int total_numtasks = NO_LIMIT;
static int forkrate = NO_LIMIT;
static int forkrate_interval = 1;

static struct res_controller numtasks_ctlr;

static struct numtasks *shares_numtasks(struct res_shares *shares)
{
	return container_of(shares, struct numtasks, shares);
}

static struct numtasks *container_numtasks(struct container *cont)
{
	return shares_numtasks(container_res_shares(cont, &numtasks_ctlr));
}

/* --- fork rate ------------------------------------------------------------- */

/* Counts a fork; the number of the window, or 0 if there have been enough in it. */
static u64 rate_take(struct numtasks *g)
{
	u64 now, window = 0;

	spin_lock(&g->rate_lock);
	now = ktime_get_ns();
	if (!g->window ||
	    now - g->window_start >= (u64)READ_ONCE(forkrate_interval) * NSEC_PER_SEC) {
		g->window++;
		g->window_start = now;
		g->window_forks = 0;
	}
	if (g->window_forks < READ_ONCE(forkrate)) {
		g->window_forks++;
		window = g->window;
	}
	spin_unlock(&g->rate_lock);
	return window;
}

/* A fork of a window failed, which may have run out since. */
static void rate_give_back(struct numtasks *g, u64 window)
{
	if (!window)
		return;
	spin_lock(&g->rate_lock);
	if (g->window == window)
		g->window_forks--;
	spin_unlock(&g->rate_lock);
}

/* --- tasks come and go ----------------------------------------------------- */

/* A user who may make containers may have any number of limits. */
static DEFINE_RATELIMIT_STATE(refusals, 10 * HZ, 20);

/* Counts a refusal by that limit; should the log have it? Under RCU. */
static bool note_refusal(struct numtasks *owner, const char *limit, unsigned long *full_at)
{
	container_refused(READ_ONCE(owner->shares.css.container), CONTAINER_FORK, limit);
	return container_refusal_is_news(&owner->told_at, full_at) && __ratelimit(&refusals);
}

/* A fork is refused by a maximum. */
static noinline int numtasks_refuse(struct numtasks *g, struct task_count *full, u64 window)
{
	struct numtasks *owner = container_of(full, struct numtasks, tasks);

	rate_give_back(g->rate, window);
	atomic_long_inc(&g->failures);
	rcu_read_lock();
	if (note_refusal(owner, "shares", &owner->full_at))
		pr_notice("fork refused in container %pd4: %pd4 has %d tasks, its limit is %d\n",
			  container_dentry(&g->shares.css), container_dentry(&owner->shares.css),
			  atomic_read(&full->count), READ_ONCE(full->max));
	rcu_read_unlock();
	return -EAGAIN;
}

/* By the fork rate. */
static noinline int numtasks_refuse_rate(struct numtasks *g)
{
	struct numtasks *owner = g->rate;

	atomic_long_inc(&g->rate_failures);
	rcu_read_lock();
	if (note_refusal(owner, "forkrate", &owner->rate_full_at))
		pr_notice("fork refused in container %pd4: %pd4 had %d forks in %d s, the limit is %d\n",
			  container_dentry(&g->shares.css), container_dentry(&owner->shares.css),
			  READ_ONCE(owner->window_forks), READ_ONCE(forkrate_interval),
			  READ_ONCE(forkrate));
	rcu_read_unlock();
	return -EAGAIN;
}

static __always_inline int numtasks_charge(struct numtasks *g, struct numtasks_task *t)
{
	struct task_count *full = count_charge(&g->tasks);

	if (unlikely(full))
		return numtasks_refuse(g, full, t->window);
	atomic_long_inc(&g->successes);
	t->group = g;
	return 0;
}

static noinline int numtasks_charge_rated(struct numtasks *g, struct numtasks_task *t)
{
	t->window = rate_take(g->rate);
	if (!t->window)
		return numtasks_refuse_rate(g);
	return numtasks_charge(g, t);
}

static int numtasks_can_fork(struct container_subsys *ss, struct container *cont,
			     struct task_struct *child, void *data, const void *parent)
{
	struct numtasks *g = container_numtasks(cont);

	if (unlikely(READ_ONCE(forkrate) != NO_LIMIT))
		return numtasks_charge_rated(g, data);
	return numtasks_charge(g, data);
}

static void numtasks_cancel_fork(struct container_subsys *ss, struct container *cont,
				 struct task_struct *child, void *data)
{
	struct numtasks_task *t = data;
	struct numtasks *g = t->group;

	count_uncharge(&g->tasks);
	rate_give_back(g->rate, t->window);
	/* the stats may have been reset since */
	atomic_long_dec_if_positive(&g->successes);
	t->group = NULL;
}

/* For a task that was there, or unborn, when we were bound. */
static void numtasks_adopt(struct container_subsys *ss, struct container *cont,
			   struct task_struct *task, void *data)
{
	struct numtasks_task *t = data;

	t->group = container_numtasks(cont);
	count_charge_force(&t->group->tasks);
}

/* Only now may another take its place, or tasks would list one too many. */
static void numtasks_exited(struct container_subsys *ss, struct task_struct *task, void *data)
{
	struct numtasks_task *t = data;

	count_uncharge(&t->group->tasks);
	t->group = NULL;
}

static void numtasks_move_task(struct task_struct *task, struct res_shares *from,
			       struct res_shares *to, void *data)
{
	struct numtasks_task *t = data;

	count_move(&t->group->tasks, &shares_numtasks(to)->tasks);
	t->group = shares_numtasks(to);
}

/* --- the controller -------------------------------------------------------- */

static struct res_shares *numtasks_allocate(struct res_controller *ctlr, struct container *cont)
{
	struct numtasks *g = kzalloc(sizeof(*g), GFP_KERNEL), *parent;

	if (!g)
		return NULL;
	spin_lock_init(&g->rate_lock);
	g->rate = g;
	if (cont->parent) {
		parent = container_numtasks(cont->parent);
		count_init(&g->tasks, &parent->tasks);
		if (test_bit(CONT_CLONED, &cont->flags))
			g->rate = parent->rate;
	}
	return &g->shares;
}

static void numtasks_free(struct res_shares *shares)
{
	struct numtasks *g = shares_numtasks(shares);

	count_set_min(&g->tasks, 0);
	kfree_rcu(g, rcu);
}

static void numtasks_shares_changed(struct res_shares *shares)
{
	struct numtasks *g = shares_numtasks(shares);

	count_set_max(&g->tasks, shares->max == RES_DONT_CARE ? COUNT_NO_LIMIT : shares->max);
	count_set_min(&g->tasks, shares->min == RES_DONT_CARE ? 0 : shares->min);
}

static void numtasks_show_stats(struct res_shares *shares, struct seq_file *m)
{
	struct numtasks *g = shares_numtasks(shares);

	seq_printf(m, "numtasks: Current usage %d\n", atomic_read(&g->tasks.count));
	seq_printf(m, "numtasks: Number of successes %ld\n", atomic_long_read(&g->successes));
	seq_printf(m, "numtasks: Number of failures %ld\n", atomic_long_read(&g->failures));
	seq_printf(m, "numtasks: Number of forkrate failures %ld\n",
		   atomic_long_read(&g->rate_failures));
}

static void numtasks_reset_stats(struct res_shares *shares)
{
	struct numtasks *g = shares_numtasks(shares);

	atomic_long_set(&g->successes, 0);
	atomic_long_set(&g->failures, 0);
	atomic_long_set(&g->rate_failures, 0);
}

/* The root is alone, and no fork or exit of before is still being counted. */
static void numtasks_bind(struct res_shares *root)
{
	struct numtasks *g = shares_numtasks(root);

	count_reset(&g->tasks);
	g->window = 0;
}

static struct res_controller numtasks_ctlr = {
	.name = "numtasks",
	.owner = THIS_MODULE,
	.allocate = numtasks_allocate,
	.free = numtasks_free,
	.shares_changed = numtasks_shares_changed,
	.show_stats = numtasks_show_stats,
	.reset_stats = numtasks_reset_stats,
	.move_task = numtasks_move_task,
	.bind = numtasks_bind,
	.subsys = {
		.scope = CONTAINER_WHILE_BOUND,
		.task_size = sizeof(struct numtasks_task),
		.can_fork = numtasks_can_fork,
		.cancel_fork = numtasks_cancel_fork,
		.adopt = numtasks_adopt,
		.exited = numtasks_exited,
	},
};

/* --- module parameters ------------------------------------------------------ */

/* How many tasks there are; counted by hand while nobody keeps the number. */
static int tasks_in_use(void)
{
	struct task_struct *process, *task;
	int count = 0;

	if (numtasks_ctlr.root && numtasks_ctlr.subsys.hierarchy)
		return atomic_read(&shares_numtasks(numtasks_ctlr.root)->tasks.count);
	rcu_read_lock();
	for_each_process_thread(process, task)
		if (!(task->flags & PF_EXITING))
			count++;
	rcu_read_unlock();
	return count;
}

static int parse_positive(const char *val, int *value)
{
	return kstrtoint(val, 10, value) || *value < 1 ? -EINVAL : 0;
}

static int total_numtasks_set(const char *val, const struct kernel_param *kp)
{
	int total, err;

	err = parse_positive(val, &total);
	if (err)
		return err;
	container_manage_lock();
	if (total <= tasks_in_use()) {
		err = -EINVAL;
	} else {
		total_numtasks = total;
		resgroup_set_total(&numtasks_ctlr, total == NO_LIMIT ? RES_DONT_CARE : total);
	}
	container_manage_unlock();
	return err;
}

static int positive_set(const char *val, const struct kernel_param *kp)
{
	int value, err;

	err = parse_positive(val, &value);
	if (!err)
		WRITE_ONCE(*(int *)kp->arg, value);
	return err;
}

static const struct kernel_param_ops total_numtasks_ops = {
	.set = total_numtasks_set,
	.get = param_get_int,
};

static const struct kernel_param_ops positive_ops = {
	.set = positive_set,
	.get = param_get_int,
};

module_param_cb(total_numtasks, &total_numtasks_ops, &total_numtasks, 0644);
MODULE_PARM_DESC(total_numtasks, "tasks in all, which the shares are parts of (default 2147483647: no limit)");
module_param_cb(forkrate, &positive_ops, &forkrate, 0644);
MODULE_PARM_DESC(forkrate, "forks of a container in an interval (default 2147483647: no limit)");
module_param_cb(forkrate_interval, &positive_ops, &forkrate_interval, 0644);
MODULE_PARM_DESC(forkrate_interval, "seconds that an interval lasts (default 1)");

static int __init numtasks_init(void)
{
	return resgroup_register_controller(&numtasks_ctlr);
}

static void __exit numtasks_exit_module(void)
{
	resgroup_unregister_controller(&numtasks_ctlr);
}

module_init(numtasks_init);
module_exit(numtasks_exit_module);

MODULE_DESCRIPTION("Containers: limits on the number of tasks");
MODULE_LICENSE("GPL");
MODULE_VERSION(CONTAINER_VERSION);
MODULE_ALIAS("container-subsys-numtasks");
