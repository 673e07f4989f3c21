// SPDX-License-Identifier: GPL-2.0
/*
 * quota: how many tasks may be born in a container, in all. Lab 9.
 *
 *   quota.born	tasks that were born in it
 *   quota.max	how many may be, a number or "max" (at first): one more is refused with EAGAIN
 *
 * Forks run on many CPUs at once, so what they count is atomic. All else is called under the
 * core's manage lock, or reads single values.
 */
#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>

#include <container.h>

/**
 * struct quota - our state of a container
 * @css: the part that the core knows
 * @born: forks that we have agreed to, less those that failed later
 * @max: how many there may be
 * @rcu: for freeing
 */
struct quota {
	struct container_subsys_state css;
	atomic_t born;
	int max;
	struct rcu_head rcu;
};

static struct container_subsys quota_subsys;

static struct quota *quota_of(struct container *cont)
{
	return container_of(container_subsys_state(cont, &quota_subsys), struct quota, css);
}

/* Makes the state of a container: nothing was born, and INT_MAX means "max". */
static int quota_create(struct container_subsys *ss, struct container *cont)
{
	/* LAB: begin */
	struct quota *q = kzalloc(sizeof(*q), GFP_KERNEL);

	if (!q)
		return -ENOMEM;
	q->max = INT_MAX;
	container_set_subsys_state(cont, ss, &q->css);
	return 0;
	/* LAB: instead */
	/* return -ENOMEM; */
	/* LAB: end */
}

/* Somebody may still be looking at it under RCU. */
static void quota_destroy(struct container_subsys *ss, struct container *cont)
{
	/* LAB: begin */
	kfree_rcu(quota_of(cont), rcu);
	/* LAB: instead */
	/* LAB: end */
}

/* The container is made with clone_children: it begins with its parent's max. */
static int quota_inherit(struct container_subsys *ss, struct container *cont)
{
	/* LAB: begin */
	quota_of(cont)->max = READ_ONCE(quota_of(cont->parent)->max);
	/* LAB: instead */
	/* LAB: end */
	return 0;
}

/* May one more be born? Two CPUs must not both get the last place. */
static int quota_can_fork(struct container_subsys *ss, struct container *cont,
			  struct task_struct *child, void *data, const void *parent)
{
	/* LAB: begin */
	struct quota *q = quota_of(cont);

	if (atomic_inc_return(&q->born) <= READ_ONCE(q->max))
		return 0;
	atomic_dec(&q->born);
	return -EAGAIN;
	/* LAB: instead */
	/* return 0; */
	/* LAB: end */
}

/* We had agreed, and somebody else has refused. */
static void quota_cancel_fork(struct container_subsys *ss, struct container *cont,
			      struct task_struct *child, void *data)
{
	/* LAB: begin */
	atomic_dec(&quota_of(cont)->born);
	/* LAB: instead */
	/* LAB: end */
}

static int quota_born_show(struct seq_file *m, struct container *cont,
			   const struct container_cftype *cft)
{
	/* LAB: begin */
	seq_printf(m, "%d\n", atomic_read(&quota_of(cont)->born));
	/* LAB: instead */
	/* LAB: end */
	return 0;
}

static int quota_max_show(struct seq_file *m, struct container *cont,
			  const struct container_cftype *cft)
{
	/* LAB: begin */
	int max = READ_ONCE(quota_of(cont)->max);

	if (max == INT_MAX)
		seq_puts(m, "max\n");
	else
		seq_printf(m, "%d\n", max);
	/* LAB: instead */
	/* LAB: end */
	return 0;
}

/* A number from 0 on, or "max". Anything else is EINVAL, and changes nothing. */
static int quota_max_write(struct container *cont, const struct container_cftype *cft,
			   struct file *file, char *buf)
{
	/* LAB: begin */
	int max = INT_MAX;

	if (strcmp(buf, "max") && (kstrtoint(buf, 10, &max) || max < 0))
		return -EINVAL;
	WRITE_ONCE(quota_of(cont)->max, max);
	return 0;
	/* LAB: instead */
	/* return -EINVAL; */
	/* LAB: end */
}

static const struct container_cftype quota_files[] = {
	{ .name = "quota.born", .show = quota_born_show },
	{ .name = "quota.max", .show = quota_max_show, .write = quota_max_write },
};

static int quota_populate(struct container_subsys *ss, struct container *cont)
{
	return container_add_files(cont, quota_files, ARRAY_SIZE(quota_files));
}

static struct container_subsys quota_subsys = {
	.name = "quota",
	.owner = THIS_MODULE,
	.scope = CONTAINER_MEMBERS,
	.subsys_id = -1,
	.create = quota_create,
	.destroy = quota_destroy,
	.inherit = quota_inherit,
	.can_fork = quota_can_fork,
	.cancel_fork = quota_cancel_fork,
	.populate = quota_populate,
};

static int __init quota_init(void)
{
	return container_register_subsys(&quota_subsys);
}

static void __exit quota_exit(void)
{
	container_unregister_subsys(&quota_subsys);
}

module_init(quota_init);
module_exit(quota_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Container subsystem: how many tasks may be born (lab 9)");
MODULE_ALIAS("container-subsys-quota");
