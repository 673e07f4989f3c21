// SPDX-License-Identifier: GPL-2.0
/*
 * numtasks: how many tasks a container may have, and how fast they may fork.
 *
 * A resource-group controller. Each group, that is, each container, keeps two
 * numbers of tasks:
 *
 *   count	the tasks in it and in all groups below;
 *   load	what it takes of its maximum: its own tasks, and for each child the
 *		larger one of the child's load and the child's minimum.
 *
 * A fork adds one to the count of its group and of all above, and each has to
 * stay within its maximum. It adds one to the load of its group; where that was
 * below the minimum, the parent has set it aside already; where it was not, the
 * group borrows: one more is added to the parent's load, which has to stay
 * within the parent's maximum, too, and so on upwards.
 *
 * There is no lock on fork and exit: numbers are raised one group after another
 * by compare-and-exchange, never beyond a maximum, so no number of forks at once
 * gets past it, and no reader sees more than it. A minimum is in one word with
 * the load. So each change of either, seen by itself, says how much the group
 * takes of its parent before and after; the difference is what is added to the
 * parent, whoever else is at it meanwhile, and all differences together are right.
 *
 * Who else takes part:
 *
 * fork that fails	gives back what it took where it stopped, or, after
 *	can_fork(), in cancel_fork().
 * exit		as the task leaves its container, under the lock of its entry.
 * move		under the lock of the entry. Counts change on the way up to the
 *	first group that is above both, which sees nothing of it. It is never
 *	refused, so it may bring a group over its maximum. Then nobody forks there
 *	until enough have exited.
 * mkdir, rmdir, changes of shares and totals	under the manage lock, one at a
 *	time. Whoever has lowered a maximum has a barrier between that and its
 *	return; a fork has one between raising a number and a second look at the
 *	maximum, so that no fork that the writer does not see can succeed by the old
 *	one. A new minimum is set first and then taken of the parent: forks in
 *	between may use the parent's last rest, but never exceed a count.
 * mount	counts are 0 at bind(). After it fork() is called for each task that is
 *	there; a task in the making then may or may not have been counted by
 *	can_fork(). Its word says so, as that of each task does.
 * unmount	no callback is called any more before bind() clears the numbers.
 *
 * A group is not freed while it has members, and a task that is counted in it is
 * a member. Its parents live longer than it does.
 *
 * Fork rates are counted in each group for itself, under its rate_lock, which is
 * taken only while there is a limit on them.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "container.h"
#include "resgroup.h"

/* In a module parameter: no limit. */
#define NO_LIMIT INT_MAX

/**
 * struct numtasks - a group
 * @shares: the library's part
 * @parent: the group above, NULL at the root
 * @depth: how many groups are above
 * @max: the most tasks that it may have; NO_LIMIT if it has no maximum
 * @count: tasks in it and below
 * @load: see above, in the low half; its minimum is in the high half
 * @successes: forks of its own tasks that it let pass
 * @failures: forks that would have exceeded a maximum
 * @rate_failures: forks beyond the fork rate
 * @rate_lock: guards the rest
 * @window: number of the forkrate window, from 1; 0 if there was none yet
 * @window_start: when it began
 * @window_forks: forks in it
 * @rcu: for freeing
 */
struct numtasks {
	struct res_shares shares;
	struct numtasks *parent;
	int depth;
	int max;
	atomic_t count;
	atomic64_t load;
	atomic_long_t successes;
	atomic_long_t failures;
	atomic_long_t rate_failures;
	spinlock_t rate_lock;
	u64 window;
	u64 window_start;
	int window_forks;
	struct rcu_head rcu;
};

/*
 * The word of a task: 0 if it is not counted; WORD_COUNTED plus the number of the
 * forkrate window that its fork was counted in, if any.
 */
#define WORD_COUNTED 1

/* Module parameters; written under the manage lock. */
static int total_numtasks = NO_LIMIT;
static int forkrate = NO_LIMIT;
static int forkrate_interval = 1;

static struct res_controller numtasks_ctlr;

static struct numtasks *shares_numtasks(struct res_shares *shares)
{
	return container_of(shares, struct numtasks, shares);
}

static struct numtasks *task_numtasks(struct task_struct *task)
{
	return shares_numtasks(task_res_shares(task, &numtasks_ctlr));
}

/* --- counting -------------------------------------------------------------- */

/* What a group with this word of load and minimum takes of its parent. */
static u32 load_held(u64 word)
{
	u32 load = word, min = word >> 32;

	return max(load, min);
}

/*
 * Adds to the load of a group and then of those that it borrows from, up to but
 * not including @stop. Says what is left to be added there.
 */
static s64 load_add(struct numtasks *g, s64 delta, const struct numtasks *stop)
{
	u64 word;

	for (; delta && g != stop; g = g->parent) {
		word = atomic64_add_return(delta, &g->load);
		delta = (s64)load_held(word) - load_held(word - delta);
	}
	return delta;
}

/* Adds one task to the count of a group, if there is room. */
static bool count_try(struct numtasks *g)
{
	int count = atomic_read(&g->count);

	do {
		if (count >= READ_ONCE(g->max))
			return false;
	} while (!atomic_try_cmpxchg(&g->count, &count, count + 1));
	/* a look at a maximum that was lowered in between */
	if (likely(count < READ_ONCE(g->max)))
		return true;
	atomic_dec(&g->count);
	return false;
}

/* Adds one to the load of a group, if there is room; says if it borrows for it. */
static bool load_try(struct numtasks *g, s64 *borrows)
{
	u64 word = atomic64_read(&g->load);
	u32 load;

	do {
		load = word;
		if (load >= (u32)READ_ONCE(g->max))
			return false;
	} while (!atomic64_try_cmpxchg(&g->load, &word, word + 1));
	*borrows = load >= (u32)(word >> 32);
	return true;
}

static void count_dec(struct numtasks *g, const struct numtasks *stop)
{
	for (; g != stop; g = g->parent)
		atomic_dec(&g->count);
}

static void count_inc(struct numtasks *g, const struct numtasks *stop)
{
	for (; g != stop; g = g->parent)
		atomic_inc(&g->count);
}

/* Makes room for one more task in a group and all above, or changes nothing. */
static bool numtasks_charge(struct numtasks *group)
{
	struct numtasks *g;
	s64 load = 1;

	for (g = group; g; g = g->parent) {
		if (!count_try(g))
			break;
		if (load && !load_try(g, &load)) {
			atomic_dec(&g->count);
			break;
		}
	}
	if (likely(!g))
		return true;
	/* @load was still to be added here, and what comes up from below now */
	load_add(g, load + load_add(group, -1, g), NULL);
	count_dec(group, g);
	return false;
}

/* The same whatever the maximum. */
static void numtasks_charge_force(struct numtasks *group)
{
	load_add(group, 1, NULL);
	count_inc(group, NULL);
}

static void numtasks_uncharge(struct numtasks *group)
{
	load_add(group, -1, NULL);
	count_dec(group, NULL);
}

static struct numtasks *common_group(struct numtasks *a, struct numtasks *b)
{
	while (a != b) {
		if (a->depth >= b->depth)
			a = a->parent;
		else
			b = b->parent;
	}
	return a;
}

static void numtasks_transfer(struct numtasks *from, struct numtasks *to)
{
	struct numtasks *common = common_group(from, to);
	s64 load;

	load = load_add(to, 1, common) + load_add(from, -1, common);
	load_add(common, load, NULL);
	count_inc(to, common);
	count_dec(from, common);
}

static void numtasks_set_min(struct numtasks *g, u32 min)
{
	u64 old = atomic64_read(&g->load), new;

	do {
		new = (u64)min << 32 | (u32)old;
	} while (!atomic64_try_cmpxchg(&g->load, &old, new));
	if (g->parent)
		load_add(g->parent, (s64)load_held(new) - load_held(old), NULL);
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

static int numtasks_can_fork(struct container_subsys *ss, struct task_struct *child)
{
	struct numtasks *g = task_numtasks(child);
	u64 window = 0;

	if (unlikely(READ_ONCE(forkrate) != NO_LIMIT)) {
		window = rate_take(g);
		if (!window) {
			atomic_long_inc(&g->rate_failures);
			return -EAGAIN;
		}
	}
	if (unlikely(!numtasks_charge(g))) {
		rate_give_back(g, window);
		atomic_long_inc(&g->failures);
		return -EAGAIN;
	}
	atomic_long_inc(&g->successes);
	*container_task_data(child, ss) = WORD_COUNTED + window;
	return 0;
}

static void numtasks_cancel_fork(struct container_subsys *ss, struct task_struct *child)
{
	struct numtasks *g = task_numtasks(child);
	u64 *word = container_task_data(child, ss);

	numtasks_uncharge(g);
	rate_give_back(g, *word - WORD_COUNTED);
	/* the stats may have been reset since */
	atomic_long_dec_if_positive(&g->successes);
	*word = 0;
}

/* For a task that was there before, or in the making, when we were bound. */
static void numtasks_fork(struct container_subsys *ss, struct task_struct *child)
{
	u64 *word = container_task_data(child, ss);

	if (likely(*word))
		return;
	numtasks_charge_force(task_numtasks(child));
	*word = WORD_COUNTED;
}

static void numtasks_exit(struct container_subsys *ss, struct container *cont,
			  struct task_struct *task, u64 *words)
{
	numtasks_uncharge(shares_numtasks(container_res_shares(cont, &numtasks_ctlr)));
	words[0] = 0;
}

static void numtasks_move_task(struct task_struct *task, struct res_shares *from,
			       struct res_shares *to)
{
	u64 *word = container_task_data(task, &numtasks_ctlr.subsys);

	/* else it is in the making, and is counted where it is when it is complete */
	if (*word)
		numtasks_transfer(shares_numtasks(from), shares_numtasks(to));
}

/* --- the controller -------------------------------------------------------- */

static struct res_shares *numtasks_allocate(struct res_controller *ctlr)
{
	struct numtasks *g = kzalloc(sizeof(*g), GFP_KERNEL);

	if (!g)
		return NULL;
	spin_lock_init(&g->rate_lock);
	return &g->shares;
}

static void numtasks_free(struct res_shares *shares)
{
	struct numtasks *g = shares_numtasks(shares);

	numtasks_set_min(g, 0);
	kfree_rcu(g, rcu);
}

static void numtasks_shares_changed(struct res_shares *shares)
{
	struct numtasks *g = shares_numtasks(shares);

	if (shares->parent && !g->parent) {
		g->parent = shares_numtasks(shares->parent);
		g->depth = g->parent->depth + 1;
	}
	WRITE_ONCE(g->max, shares->max == RES_DONT_CARE ? NO_LIMIT : shares->max);
	smp_mb(); /* pairs with the one of atomic_try_cmpxchg() in count_try() */
	numtasks_set_min(g, shares->min == RES_DONT_CARE ? 0 : shares->min);
}

static void numtasks_show_stats(struct res_shares *shares, struct seq_file *m)
{
	struct numtasks *g = shares_numtasks(shares);

	seq_printf(m, "numtasks: Current usage %d\n", atomic_read(&g->count));
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

	atomic_set(&g->count, 0);
	atomic64_set(&g->load, 0);
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
		.bound_only = true,
		.task_words = 1,
		.can_fork = numtasks_can_fork,
		.cancel_fork = numtasks_cancel_fork,
		.fork = numtasks_fork,
		.exit = numtasks_exit,
	},
};

/* --- module parameters ------------------------------------------------------ */

/* How many tasks there are; counted by hand while nobody keeps the number. */
static int tasks_in_use(void)
{
	struct task_struct *process, *task;
	int count = 0;

	if (numtasks_ctlr.root && numtasks_ctlr.subsys.hierarchy)
		return atomic_read(&shares_numtasks(numtasks_ctlr.root)->count);
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
MODULE_ALIAS("container-subsys-numtasks");
