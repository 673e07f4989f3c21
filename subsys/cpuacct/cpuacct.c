// SPDX-License-Identifier: GPL-2.0
/*
 * cpuacct: the CPU time that tasks use while they are members of a container.
 *
 * Here: how it is done, a container's life, and the module. fold.c has what happens to a task,
 * sums.c what a reader sees of that, files.c the files.
 *
 * Nothing is hooked in the path of a context switch. The scheduler keeps the
 * exact run time of each task, and three numbers are kept for each task
 * below the root: how much of its run time, and of its ticks in user and in kernel mode, is
 * accounted for already. What it gained since belongs to the container it is in.
 * That gain is *folded* into the container's sums, on the CPU the task is on,
 *
 *   when it is moved: the numbers of a task that comes from the root are set, so
 *	what it used before does not count; what it gained elsewhere stays there;
 *   when it exits: from there on it counts as a member of the root;
 *   when it changes CPUs (tracepoint sched_migrate_task): so that the figures of
 *	each CPU are exact;
 *   when somebody reads a figure: all members, the running ones brought up to
 *	date by the scheduler first. So a figure is a sum of what was folded, and
 *	can only grow.
 *
 * The root has no sums of its own making. It gets what the scheduler charged to
 * all tasks since the hierarchy was made, less what was folded in all other
 * containers, removed ones included. That lags by up to a tick for tasks that
 * run in the root on another CPU. It errs to the small side only, until the next
 * reading, and never goes backwards.
 *
 * Not counted: the idle tasks, and what the scheduler charges to no task (stolen
 * time, and interrupts where the kernel tells them apart).
 *
 * A reset remembers the sums of that moment and has them subtracted from what is
 * shown of that container. Ancestors' subtree figures go on with the full sums;
 * those of a removed container go to its parent.
 *
 * Locks: the manage lock for resets and bindings. Inside it the callback lock
 * for the list of containers and all that only readers of the files need (see
 * struct cpuacct). Innermost cpuacct->lock, a raw spinlock, taken inside a run
 * queue's lock: it keeps a task on its CPU while somebody else folds it. Two folds
 * of the same task may hold the locks of different containers (a migration, and
 * two moves in its course), and the task itself, when it exits, holds none. So
 * gains are claimed, and added up, atomically.
 */
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/slab.h>

#include "cpuacct.h"

LIST_HEAD(cpuacct_below);
struct cpuacct *cpuacct_top;

static int cpuacct_create(struct container_subsys *ss, struct container *cont)
{
	struct cpuacct *ca = kzalloc(sizeof(*ca), GFP_KERNEL);

	if (!ca)
		return -ENOMEM;
	ca->cpu = alloc_percpu(struct cpuacct_cpu);
	if (!ca->cpu) {
		kfree(ca);
		return -ENOMEM;
	}
	raw_spin_lock_init(&ca->lock);
	container_set_subsys_state(cont, ss, &ca->css);
	if (cont->parent) {
		container_lock();
		list_add_tail(&ca->list, &cpuacct_below);
		container_unlock();
	}
	return 0;
}

static void cpuacct_free(struct rcu_head *rcu)
{
	struct cpuacct *ca = container_of(rcu, struct cpuacct, rcu);

	free_percpu(ca->cpu);
	kfree(ca);
}

static void cpuacct_destroy(struct container_subsys *ss, struct container *cont)
{
	struct cpuacct *ca = cpuacct_of(cont);

	if (cont->parent) {
		container_lock();
		list_del(&ca->list);
		cpuacct_of(cont->parent)->removed += cpuacct_used(ca) + ca->removed;
		sums_removed(ca);
		container_unlock();
	}
	call_rcu(&ca->rcu, cpuacct_free);
}

static int cpuacct_bind(struct container_subsys *ss, struct container *root)
{
	struct cpuacct *top = cpuacct_of(root);
	int err;

	err = fold_bind();
	if (err)
		return err;
	container_lock();
	sums_begin(top);
	top->utime_at_reset = 0;
	top->stime_at_reset = 0;
	top->user = 0;
	top->system = 0;
	top->removed = 0;
	cpuacct_top = top;
	interval_begin(ktime_get_ns());
	container_unlock();
	return 0;
}

static void cpuacct_unbind(struct container_subsys *ss, struct container *root)
{
	container_lock();
	cpuacct_top = NULL;
	container_unlock();
	interval_stop();
	fold_unbind();
}

struct container_subsys cpuacct_subsys = {
	.name = "cpuacct",
	.owner = THIS_MODULE,
	.scope = CONTAINER_MEMBERS,
	.task_size = sizeof(struct cpuacct_task),
	.create = cpuacct_create,
	.destroy = cpuacct_destroy,
	.attach = cpuacct_attach,
	.exit = cpuacct_exit,
	.populate = cpuacct_populate,
	.bind = cpuacct_bind,
	.unbind = cpuacct_unbind,
};

static int __init cpuacct_init(void)
{
	return fold_init() ?: sums_init() ?: container_register_subsys(&cpuacct_subsys);
}

static void __exit cpuacct_module_exit(void)
{
	container_unregister_subsys(&cpuacct_subsys);
	fold_exit();
	rcu_barrier();
}

module_init(cpuacct_init);
module_exit(cpuacct_module_exit);

MODULE_DESCRIPTION("Containers: accounting of CPU time");
MODULE_LICENSE("GPL");
MODULE_VERSION(CONTAINER_VERSION);
MODULE_ALIAS("container-subsys-cpuacct");
