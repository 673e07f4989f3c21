// SPDX-License-Identifier: GPL-2.0
/*
 * For t_v6port: a resource controller in the manner of 2006. It counts the tasks that have moved
 * in, and shows the amounts of the shares.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include <container_v6.h>

struct v6ctlr {
	struct res_shares shares;
	atomic_t moved;
	int changes;
	int depth;
};

static struct v6ctlr *to_v6ctlr(struct res_shares *shares)
{
	return container_of(shares, struct v6ctlr, shares);
}

static struct res_shares *v6ctlr_alloc(struct container *cont)
{
	struct v6ctlr *c = kzalloc(sizeof(*c), GFP_KERNEL);

	if (!c)
		return NULL;
	c->shares.min_shares = SHARE_UNSUPPORTED;
	for (; cont->parent; cont = cont->parent)
		c->depth++;
	return &c->shares;
}

/* NOW: frees after a grace period, since the library calls it at once. */
static void v6ctlr_free(struct res_shares *shares)
{
	synchronize_rcu();
	kfree(to_v6ctlr(shares));
}

static void v6ctlr_changed(struct res_shares *shares)
{
	to_v6ctlr(shares)->changes++;
}

static ssize_t v6ctlr_show(struct res_shares *shares, char *buf, size_t size)
{
	struct v6ctlr *c = to_v6ctlr(shares);

	return snprintf(buf, size, "depth %d, moved %d, changes %d%s\n", c->depth,
			atomic_read(&c->moved), c->changes,
			shares->max == SHARE_DONT_CARE ? ", no limit" : "");
}

static int v6ctlr_reset(struct res_shares *shares, const char *stats)
{
	atomic_set(&to_v6ctlr(shares)->moved, 0);
	return *stats ? -EINVAL : 0;
}

static void v6ctlr_move(struct task_struct *task, struct res_shares *old, struct res_shares *new)
{
	if (old != new)
		atomic_inc(&to_v6ctlr(new)->moved);
}

static struct res_controller v6ctlr = {
	.name = "v6ctlr",
	.alloc_shares_struct = v6ctlr_alloc,
	.free_shares_struct = v6ctlr_free,
	.shares_changed = v6ctlr_changed,
	.show_stats = v6ctlr_show,
	.reset_stats = v6ctlr_reset,
	.move_task = v6ctlr_move,
};

static int __init v6ctlr_init(void)
{
	return register_controller(&v6ctlr);
}

static void __exit v6ctlr_exit(void)
{
	unregister_controller(&v6ctlr);
}

module_init(v6ctlr_init);
module_exit(v6ctlr_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Resource controller, by the API of 2006");
MODULE_ALIAS("container-subsys-v6ctlr");
