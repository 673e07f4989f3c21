// SPDX-License-Identifier: GPL-2.0
/*
 * Wishes. A member's wish is the affinity that it would have without its container. This file
 * stores wishes, and sets the affinity that results from the wish and the container's setting.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "compat_cpuset.h"
#include "cpus.h"
#include "private.h"

/**
 * wish_alloc - allocate a wish
 * @gfp: how to allocate it
 *
 * Return: the wish, all zero; NULL if there is no memory.
 */
struct wish *wish_alloc(gfp_t gfp)
{
	struct wish *wish = kzalloc(sizeof(*wish) + cpumask_size(), gfp);

	if (wish)
		refcount_set(&wish->users, 1);
	return wish;
}

/* For container_for_task(): the wish of a member, with a reference. */
static void hold_wish(struct task_struct *task, void *data, void *wish)
{
	struct cpuset_task *t = data;
	struct wish *own = wish_or_null(t->wish);

	if (own)
		refcount_inc(&own->users);
	*(struct wish **)wish = own;
}

/**
 * wish_get - the wish of a member
 * @task: the task, which the caller keeps from being freed
 *
 * Context: any but interrupts and the callbacks for that task.
 * Return: the wish, with a reference; NULL if the task would have no restriction.
 */
struct wish *wish_get(struct task_struct *task)
{
	struct wish *wish = NULL;

	container_for_task(task, &cpuset_subsys, hold_wish, &wish);
	return wish;
}

/* For container_for_task(): changes a member's wish to that of a call, @arg. */
void note_wish(struct task_struct *task, void *data, void *arg)
{
	struct cpuset_task *t = data;
	struct affinity_call *call = arg;
	struct wish *old = wish_or_null(t->wish), *new = call->wish;

	/* an unborn task will get the wish of its parent */
	if (!t->wish || !confined(task))
		return;
	new->spread = old ? old->spread : 0;
	if (!new->spread && cpumask_subset(cpu_possible_mask, wish_cpus(new))) {
		wish_put(new);
		new = NULL;
	}
	/* pairs with inherit(): a child that gets the new wish sees the affinity set before */
	smp_store_release(&t->wish, wish_or_all(new));
	call->wish = old;
	call->noted = true;
}

/* For container_for_task(): the wish of a member, to be compared only. */
static void read_wish(struct task_struct *task, void *data, void *wish)
{
	struct cpuset_task *t = data;

	*(struct wish **)wish = t->wish;
}

/*
 * Does a task have the affinity @mask? If the kernel keeps the CPUs that the user asked for, it is
 * enough if the task has those CPUs of @mask.
 */
static bool has_affinity(struct task_struct *task, const struct cpumask *mask)
{
	const struct cpumask *user;
	unsigned long flags;
	bool yes;
	int cpu;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	user = compat_user_cpus(task);
	if (user && cpumask_intersects(mask, user)) {
		yes = cpumask_subset(&task->cpus_mask, mask) &&
		      cpumask_subset(&task->cpus_mask, user);
		for_each_cpu_and(cpu, mask, user)
			yes = yes && cpumask_test_cpu(cpu, &task->cpus_mask);
	} else {
		yes = cpumask_equal(&task->cpus_mask, mask);
	}
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	return yes;
}

/*
 * Sets the affinity that results from a member's wish and its container's setting. Tries again if
 * one of them has changed meanwhile, or if another call has set the affinity, but not forever: the
 * caller may hold the manage lock. Sleeps. The last of several calls sees the changes of the
 * others, since each notes its change before it gets here.
 */
void settle(struct affinity_call *call)
{
	struct task_struct *task = call->task;
	struct wish *wish, *now;
	int tries = 1000;
	bool done;

	do {
		cond_resched();
		wish = wish_get(task);
		now = wish_or_all(wish);
		kernel_allows(task, call->kernel);
		cpumask_copy(call->target, call->kernel);
		narrow(task, call->target);
		if (wish)
			choose(call->target, wish_cpus(wish));
		/* if a CPU goes away just now, the scheduler finds another one */
		done = !cpumask_intersects(call->target, cpu_active_mask) ||
		       has_affinity(task, call->target) ||
		       (!call_set(call, call->target) && has_affinity(task, call->target));
		/* it was set: check whether it is still what it should be */
		smp_mb();
		container_for_task(task, &cpuset_subsys, read_wish, &now);
		/* for comparison only: it may have been freed */
		done = done && (!now || now == wish_or_all(wish));
		wish_put(wish);
	} while (!done && --tries);
}

/* Does a task run, or is it about to run, on a CPU outside of its affinity? */
static bool is_astray(struct task_struct *task)
{
	return (READ_ONCE(task->on_cpu) || READ_ONCE(task->on_rq)) &&
	       !cpumask_test_cpu(task_cpu(task), READ_ONCE(task->cpus_ptr));
}

/*
 * Waits until a task has left CPUs outside of its affinity. Another call may have set the same
 * affinity just before and may still be waiting for the migration, which takes only as long as
 * running a stopper.
 */
static void wait_until_moved(struct task_struct *task)
{
	unsigned long end = jiffies + HZ;

	while (is_astray(task) && time_before(jiffies, end))
		usleep_range(50, 200);
}

/**
 * cpus_apply - put a member on the CPUs that it may use
 * @task: the task, to which the caller has a reference
 *
 * Context: manage lock held; sleeps. When it returns, the task is on one of them.
 */
void cpus_apply(struct task_struct *task)
{
	container_assert_managed();
	if (!may_narrow(task))
		return;
	manager.task = task;
	manager.member = true;
	settle(&manager);
	if (task != current)
		wait_until_moved(task);
}

/**
 * cpus_release - set a task's affinity to its wish
 * @task: the task, which is at the root now, and to which the caller has a reference
 * @wish: its wish; NULL if it has no restriction
 *
 * Context: manage lock held; sleeps.
 */
void cpus_release(struct task_struct *task, struct wish *wish)
{
	int tries = 3;

	container_assert_managed();
	if (!may_narrow(task))
		return;
	manager.task = task;
	manager.member = false;
	/* again, if the chosen CPUs have gone meanwhile */
	do {
		kernel_allows(task, manager.target);
		unconfine(manager.target, wish);
	} while (call_set(&manager, manager.target) && --tries);
}
