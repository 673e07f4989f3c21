// SPDX-License-Identifier: GPL-2.0
/*
 * tally: how many tasks were born in a container, came to it, went from it and ended in it. Lab 10.
 *
 *   tally.now	the numbers, and how many tasks are here; all of one moment
 *
 * So that a reader sees the numbers of one moment, a change makes a copy, and publishes that by a
 * pointer. The old one is freed after a grace period.
 */
#include <linux/atomic.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include <container.h>

/* The numbers of one moment. Never changed once it is published. */
struct tally {
	int born;
	int came;
	int went;
	int ended;
	struct rcu_head rcu;
};

/* Our state of a container. */
struct tally_state {
	struct container_subsys_state css;
	struct tally __rcu *now;
	/* LAB: begin */
	spinlock_t lock;	/* whoever replaces @now holds it */
	/* LAB: instead */
	/* LAB: end */
	struct rcu_head rcu;
};

/* Copies that exist: "kept" in tally.now. */
static atomic_t tallies;

static struct container_subsys tally_subsys;

static struct tally_state *tally_of(struct container *cont)
{
	return container_of(container_subsys_state(cont, &tally_subsys), struct tally_state, css);
}

/* No reader has it any more. */
static void tally_free(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct tally, rcu));
	atomic_dec(&tallies);
}

static int tally_create(struct container_subsys *ss, struct container *cont)
{
	struct tally_state *t = kzalloc(sizeof(*t), GFP_KERNEL);
	struct tally *first = kzalloc(sizeof(*first), GFP_KERNEL);

	if (!t || !first) {
		kfree(first);
		kfree(t);
		return -ENOMEM;
	}
	/* LAB: begin */
	spin_lock_init(&t->lock);
	/* LAB: instead */
	/* LAB: end */
	atomic_inc(&tallies);
	RCU_INIT_POINTER(t->now, first);
	container_set_subsys_state(cont, ss, &t->css);
	return 0;
}

static void tally_destroy(struct container_subsys *ss, struct container *cont)
{
	struct tally_state *t = tally_of(cont);

	call_rcu(&rcu_dereference_protected(t->now, true)->rcu, tally_free);
	kfree_rcu(t, rcu);
}

/* Adds to the numbers. Atomic. Without memory it changes nothing, and says -ENOMEM. */
static int tally_add(struct container *cont, int born, int came, int went, int ended)
{
	struct tally_state *t = tally_of(cont);
	struct tally *old, *new;

	/* LAB: begin */
	/* Forks and exits of several tasks, and a move, happen at once. */
	spin_lock(&t->lock);
	old = rcu_dereference_protected(t->now, lockdep_is_held(&t->lock));
	/* LAB: instead */
	/* // A move has the manage lock, and a task cannot exit before it has forked. */
	/* old = rcu_dereference_protected(t->now, true); */
	/* LAB: end */
	new = kmemdup(old, sizeof(*old), GFP_ATOMIC | __GFP_NOWARN);
	if (new) {
		new->born += born;
		new->came += came;
		new->went += went;
		new->ended += ended;
		atomic_inc(&tallies);
		rcu_assign_pointer(t->now, new);
		call_rcu(&old->rcu, tally_free);
	}
	/* LAB: begin */
	spin_unlock(&t->lock);
	/* LAB: instead */
	/* LAB: end */
	return new ? 0 : -ENOMEM;
}

static int tally_can_fork(struct container_subsys *ss, struct container *cont,
			  struct task_struct *child, void *data, const void *parent)
{
	return tally_add(cont, 1, 0, 0, 0);
}

static void tally_cancel_fork(struct container_subsys *ss, struct container *cont,
			      struct task_struct *child, void *data)
{
	tally_add(cont, -1, 0, 0, 0);
}

static void tally_attach(struct container_subsys *ss, struct container_move *move, void *data)
{
	tally_add(move->from, 0, 0, 1, 0);
	tally_add(move->to, 0, 1, 0, 0);
}

static void tally_exit_task(struct container_subsys *ss, struct container *cont,
			    struct task_struct *task, void *data)
{
	tally_add(cont, 0, 0, 0, 1);
}

static int tally_now_show(struct seq_file *m, struct container *cont,
			  const struct container_cftype *cft)
{
	struct tally *now;

	/* LAB: begin */
	rcu_read_lock();
	/* LAB: instead */
	/* LAB: end */
	now = rcu_dereference(tally_of(cont)->now);
	seq_printf(m, "here %d\n", now->born + now->came - now->went - now->ended);
	seq_printf(m, "born %d\n", now->born);
	seq_printf(m, "came %d\n", now->came);
	seq_printf(m, "went %d\n", now->went);
	seq_printf(m, "ended %d\n", now->ended);
	/* LAB: begin */
	rcu_read_unlock();
	/* LAB: instead */
	/* LAB: end */
	seq_printf(m, "kept %d\n", atomic_read(&tallies));
	return 0;
}

static const struct container_cftype tally_files[] = {
	{ .name = "tally.now", .show = tally_now_show },
};

static int tally_populate(struct container_subsys *ss, struct container *cont)
{
	return container_add_files(cont, tally_files, ARRAY_SIZE(tally_files));
}

static struct container_subsys tally_subsys = {
	.name = "tally",
	.owner = THIS_MODULE,
	.scope = CONTAINER_MEMBERS,
	.subsys_id = -1,
	.create = tally_create,
	.destroy = tally_destroy,
	.can_fork = tally_can_fork,
	.cancel_fork = tally_cancel_fork,
	.attach = tally_attach,
	.exit = tally_exit_task,
	.populate = tally_populate,
};

static int __init tally_init(void)
{
	return container_register_subsys(&tally_subsys);
}

static void __exit tally_exit(void)
{
	container_unregister_subsys(&tally_subsys);
	/* LAB: begin */
	rcu_barrier();	/* until tally_free(), which is about to go, has been called for the last */
	/* LAB: instead */
	/* LAB: end */
}

module_init(tally_init);
module_exit(tally_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Container subsystem: births, moves and ends (lab 10)");
MODULE_ALIAS("container-subsys-tally");
