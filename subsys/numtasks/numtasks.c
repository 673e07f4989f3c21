// SPDX-License-Identifier: GPL-2.0
/*
 * numtasks: limits the number of tasks of a container, and how fast they fork.
 *
 * It is a resource-group controller. The tasks of a group, that is, of a container, are counted
 * and limited as count.h explains: without a lock, and never beyond a maximum, however many forks,
 * exits and moves there are at the same time.
 *
 * Who takes part, and how races are settled:
 *
 * fork		can_fork() charges the child. If it has to refuse, it takes its charges back
 *	by itself; if the fork fails later, cancel_fork() does so.
 * exit		exited() uncharges the task after it has left its container, under the lock of
 *	its entry. The container may be removed just before that, with the task still charged:
 *	RCU keeps the group, and the groups above it, until then.
 * move		under the lock of the entry. Counts change up to the lowest common ancestor,
 *	which sees no change. A move is never refused, so it may bring a group above its
 *	maximum. Then forks fail there until enough tasks have exited.
 * mkdir, rmdir, changes of shares and totals	under the manage lock, one at a time. A writer
 *	that has lowered a maximum passes a barrier before it returns; a fork passes one
 *	between raising a number and checking the maximum again. So a fork that the writer does
 *	not see cannot succeed by the old maximum. A new minimum is set first and then reserved
 *	in the parent: forks in between may use the last room of the parent, but no count
 *	exceeds its maximum.
 * mount	bind() sets the counts to 0. After that adopt() is called for each task for
 *	which can_fork() was not called.
 * unmount	no callback is called any more; the next bind() clears the numbers.
 *
 * Apart from exits, a charged task is a member of its group, and a group with members is not
 * freed. The groups above it live longer.
 *
 * Forks are counted for the fork rate in each group by itself, under its rate_lock, which is taken
 * only while there is such a limit. A group that was created by container_clone() shares the rate
 * of its parent: otherwise each new namespace would bring a new rate.
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

/* The value of a module parameter that means no limit. */
#define NO_LIMIT COUNT_NO_LIMIT

/**
 * struct numtasks - a group
 * @shares: the library's part
 * @tasks: the tasks in it and below
 * @successes: forks of its own tasks that were allowed
 * @failures: forks of its own tasks that a maximum has refused
 * @rate_failures: forks of its own tasks that the fork rate has refused
 * @told_at: for container_refusal_is_news(), as the next two
 * @full_at: for the maximum
 * @rate_full_at: for the fork rate
 * @rate: the group whose fork rate its forks count for: itself or one above. Never changes
 * @rate_lock: guards the following but @rcu
 * @window: the number of the present window of the fork rate, from 1; 0 if there was none yet
 * @window_start: the time when this window began, in ns
 * @window_forks: the forks in this window
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
 * struct numtasks_task - the data of a task
 * @group: the group to which it is charged; NULL if it is not charged
 * @window: the window of the fork rate in which its fork was counted; 0 for none
 */
struct numtasks_task {
	struct numtasks *group;
	u64 window;
};

/* Module parameters. The first one is written under the manage lock. */
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

/* Counts a fork for the rate. Return: the number of the window, or 0 if that is full. */
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

/* Takes back a fork that was counted in a window, which may be over by now. */
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

/* Limits the log over all containers: a user may be able to create any number of them. */
static DEFINE_RATELIMIT_STATE(refusals, 10 * HZ, 20);

/* Counts a refusal by a limit; under RCU. Return: true if the log should report it. */
static bool note_refusal(struct numtasks *owner, const char *limit, unsigned long *full_at)
{
	container_refused(READ_ONCE(owner->shares.css.container), CONTAINER_FORK, limit);
	return container_refusal_is_news(&owner->told_at, full_at) && __ratelimit(&refusals);
}

/* Refuses a fork that has no room in the group of @full. */
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

/* Refuses a fork that exceeds the fork rate. */
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

/* adopt(): the task existed, or was unborn, when numtasks was bound. */
static void numtasks_adopt(struct container_subsys *ss, struct container *cont,
			   struct task_struct *task, void *data)
{
	struct numtasks_task *t = data;

	t->group = container_numtasks(cont);
	count_charge_force(&t->group->tasks);
}

/* exited(), not exit(): a task counts as long as the file "tasks" lists it. */
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

/* bind(): the root is the only group, and no fork or exit is being counted. */
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

/*
 * The number of tasks in the system, or of those that are charged, which includes unborn ones.
 * These are not all of them while numtasks is not bound, or is being bound.
 */
static int tasks_in_use(void)
{
	struct task_struct *process, *task;
	int count = 0, charged = 0;

	if (numtasks_ctlr.root && numtasks_ctlr.subsys.hierarchy)
		charged = atomic_read(&shares_numtasks(numtasks_ctlr.root)->tasks.count);
	rcu_read_lock();
	for_each_process_thread(process, task)
		if (!(task->flags & PF_EXITING))
			count++;
	rcu_read_unlock();
	return max(count, charged);
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
MODULE_PARM_DESC(total_numtasks, "total number of tasks that is divided into shares (default 2147483647: no limit)");
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
