// SPDX-License-Identifier: GPL-2.0
/*
 * forkbudget: a small resource-group controller to learn from. The resource is a number of forks,
 * not for each second or minute, but for good. The module parameter "total" is the number of all
 * forks, and a container's max_shares is its part of them. When this budget is used up, fork(2)
 * fails there with EAGAIN, until the shares are raised or the stats are reset.
 *
 *   forkbudget.shares	res=forkbudget,min_shares=-2,max_shares=N,child_shares_divisor=N
 *			There is no minimum: that share is not supported.
 *   forkbudget.stats	forks used and refused, tasks moved in; write res=forkbudget to reset
 *
 * The library keeps the shares, computes their amounts, and makes the files. This file uses the
 * amounts. <resgroup.h> is the reference.
 *
 * Locks: forkbudget has none. Forks run on many CPUs at once, so the counters are atomic. All other
 * callbacks are called under the core's manage lock, or read single values.
 */
#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>

#include <resgroup.h>

/**
 * struct forkbudget - the state of a container
 * @shares: the library's part; embedded, so that one can be found from the other
 * @used: forks that were allowed
 * @refused: forks that were refused
 * @moved: tasks that were moved in
 * @changes: the number of calls of shares_changed()
 * @rcu: for freeing
 */
struct forkbudget {
	struct res_shares shares;
	atomic_t used;
	atomic_t refused;
	atomic_t moved;
	int changes;
	struct rcu_head rcu;
};

static unsigned int total = 1000;

static struct forkbudget *to_budget(struct res_shares *shares)
{
	return container_of(shares, struct forkbudget, shares);
}

/* --- callbacks of the library ------------------------------------------------ */

/* Called for the root at registration, and by each mkdir. */
static struct res_shares *forkbudget_allocate(struct res_controller *ctlr,
					      struct container *cont)
{
	struct forkbudget *fb = kzalloc(sizeof(*fb), GFP_KERNEL);

	if (!fb)
		return NULL;
	fb->shares.min_shares = RES_UNSUPPORTED;
	return &fb->shares;
}

static void forkbudget_free(struct res_shares *shares)
{
	/* An RCU reader may still look at it, so free it after a grace period. */
	kfree_rcu(to_budget(shares), rcu);
}

/* shares->max has changed. Each fork reads it, so there is nothing to do. */
static void forkbudget_shares_changed(struct res_shares *shares)
{
	to_budget(shares)->changes++;
}

static void forkbudget_show_stats(struct res_shares *shares, struct seq_file *m)
{
	struct forkbudget *fb = to_budget(shares);

	if (shares->max == RES_DONT_CARE)
		seq_puts(m, "forkbudget: Budget unlimited\n");
	else
		seq_printf(m, "forkbudget: Budget %d\n", shares->max);
	seq_printf(m, "forkbudget: Used %d\n", atomic_read(&fb->used));
	seq_printf(m, "forkbudget: Refused %d\n", atomic_read(&fb->refused));
	seq_printf(m, "forkbudget: Moved in %d\n", atomic_read(&fb->moved));
	seq_printf(m, "forkbudget: Changes %d\n", fb->changes);
}

static void forkbudget_reset_stats(struct res_shares *shares)
{
	struct forkbudget *fb = to_budget(shares);

	atomic_set(&fb->used, 0);
	atomic_set(&fb->refused, 0);
	atomic_set(&fb->moved, 0);
}

/* The move is about to be visible. Must not sleep. */
static void forkbudget_move_task(struct task_struct *task, struct res_shares *from,
				 struct res_shares *to, void *data)
{
	atomic_inc(&to_budget(to)->moved);
}

/* --- callbacks of the core: forks --------------------------------------------- */

/* The child is in its container already, and cannot leave it meanwhile. */
static int forkbudget_can_fork(struct container_subsys *ss, struct container *cont,
			       struct task_struct *child, void *data, const void *parent)
{
	struct res_controller *ctlr = container_of(ss, struct res_controller, subsys);
	struct forkbudget *fb = to_budget(container_res_shares(cont, ctlr));
	int max = READ_ONCE(fb->shares.max);

	/* Count first, then compare: two CPUs cannot both take the last fork. */
	if (atomic_inc_return(&fb->used) <= max || max == RES_DONT_CARE)
		return 0;
	atomic_dec(&fb->used);
	atomic_inc(&fb->refused);
	container_refused(cont, CONTAINER_FORK, "forkbudget");
	return -EAGAIN;
}

/* The fork was allowed, but failed for another reason: take it back. */
static void forkbudget_cancel_fork(struct container_subsys *ss, struct container *cont,
				   struct task_struct *child, void *data)
{
	struct res_controller *ctlr = container_of(ss, struct res_controller, subsys);

	atomic_dec(&to_budget(container_res_shares(cont, ctlr))->used);
}

/* --- the controller --------------------------------------------------------- */

static struct res_controller forkbudget = {
	.name = "forkbudget",
	.owner = THIS_MODULE,
	.allocate = forkbudget_allocate,
	.free = forkbudget_free,
	.shares_changed = forkbudget_shares_changed,
	.show_stats = forkbudget_show_stats,
	.reset_stats = forkbudget_reset_stats,
	.move_task = forkbudget_move_task,
	.subsys = {
		/* Forks at the root are not counted, so they cost nothing. */
		.scope = CONTAINER_MEMBERS,
		.can_fork = forkbudget_can_fork,
		.cancel_fork = forkbudget_cancel_fork,
		.subsys_id = -1,
	},
};

/* The amounts of all containers are parts of the total: the library computes them. */
static int total_set(const char *val, const struct kernel_param *kp)
{
	unsigned int n;

	if (kstrtouint(val, 10, &n) || n < 1 || n > INT_MAX)
		return -EINVAL;
	container_manage_lock();
	total = n;
	resgroup_set_total(&forkbudget, total);
	container_manage_unlock();
	return 0;
}

static const struct kernel_param_ops total_ops = {
	.set = total_set,
	.get = param_get_uint,
};

module_param_cb(total, &total_ops, &total, 0644);
MODULE_PARM_DESC(total, "forks that there are to use (default 1000)");

static int __init forkbudget_init(void)
{
	/* Callbacks may be called during the registration, so do everything else before. */
	forkbudget.total = total;
	return resgroup_register_controller(&forkbudget);
}

static void __exit forkbudget_exit(void)
{
	/* Cannot fail: a bound controller keeps its module loaded. */
	resgroup_unregister_controller(&forkbudget);
}

module_init(forkbudget_init);
module_exit(forkbudget_exit);

MODULE_LICENSE("GPL");
/* Increment it with each release: DKMS replaces a module only if the version differs. */
MODULE_VERSION("1.0");
MODULE_DESCRIPTION("Resource-group controller: a budget of forks (a sample)");
/* Lets "mount -t container -o forkbudget" load the module. */
MODULE_ALIAS("container-subsys-forkbudget");
