// SPDX-License-Identifier: GPL-2.0
/*
 * cpuacct: the CPU time that tasks use while they are members of a container.
 *
 * This file creates and destroys the state of a container, and has the module. fold.c accounts for
 * the time of a task, sums.c brings sums up to date for a reader, files.c has the control files.
 *
 * The path of a context switch has no hook. The scheduler keeps the exact run time of each task.
 * For each task below the root, cpuacct keeps how much of its run time, and of its ticks in user
 * and in kernel mode, was accounted for. The rest is its gain, which belongs to its present
 * container. The gain is *folded* into the sums of the container, for the CPU of the task:
 *
 *   move	the gain goes to the old container. A task from the root has no gain: the time
 *	that it has used at the root counts there.
 *   exit	the gain goes to the container. What the task uses after that counts at the root.
 *   migration	(the tracepoint sched_migrate_task) the gain goes to the old CPU, so that the
 *	figures of each CPU are exact.
 *   read	all members are folded, after the scheduler has brought the running ones up to
 *	date. So a figure is a sum of folded gains, and can only grow.
 *
 * The members of the root are not folded. The root gets the time that the scheduler has charged to
 * all tasks since the hierarchy was made, less the time that was folded in all other containers,
 * removed ones included. This may lag behind by a tick for tasks of the root that run on other
 * CPUs, and never goes backwards.
 *
 * Two kinds of time are not counted: the time of idle tasks, and time that the scheduler charges
 * to no task (stolen time, and interrupts if the kernel accounts for them separately).
 *
 * A reset stores the present sums of a container, which are then subtracted from the shown
 * figures. The subtree figures of its ancestors still include the full sums. The sums of a removed
 * container go to its parent.
 *
 * Locks: the manage lock for resets. Inside it, the callback lock for the list of
 * containers and the fields that only readers of the files need (see struct cpuacct). Innermost,
 * cpuacct->lock, a raw spinlock that is taken inside a run queue's lock: a migration takes it, too,
 * so that a task stays on its CPU while it is folded. Two folds of the same task may hold the locks
 * of different containers (a migration during which the task is moved twice), and a task that exits
 * holds none. So gains are claimed, and added up, atomically.
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
