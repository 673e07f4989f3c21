// SPDX-License-Identifier: GPL-2.0
/*
 * Wishes: what a member would have without us, and giving it what that makes with what its
 * container allows.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "compat_cpuset.h"
#include "cpus.h"

/**
 * wish_alloc - a wish that nobody else knows yet
 * @gfp: how to allocate it
 *
 * Return: the wish, all zero; NULL without memory.
 */
struct wish *wish_alloc(gfp_t gfp)
{
	struct wish *wish = kzalloc(sizeof(*wish) + cpumask_size(), gfp);

	if (wish)
		refcount_set(&wish->users, 1);
	return wish;
}

static void hold_wish(struct task_struct *task, void *data, void *wish)
{
	struct cpuset_task *t = data;
	struct wish *own = wish_or_null(t->wish);

	if (own)
		refcount_inc(&own->users);
	*(struct wish **)wish = own;
}

/**
 * wish_get - what a member wants
 * @task: the task, which the caller keeps from being freed
 *
 * Context: any but interrupts and the callbacks for that task.
 * Return: it, with a reference; NULL where the task would be restricted in nothing.
 */
struct wish *wish_get(struct task_struct *task)
{
	struct wish *wish = NULL;

	container_for_task(task, &cpuset_subsys, hold_wish, &wish);
	return wish;
}

/* Something else is wanted for a member; @arg is the call. For container_for_task(). */
void note_wish(struct task_struct *task, void *data, void *arg)
{
	struct cpuset_task *t = data;
	struct affinity_call *call = arg;
	struct wish *old = wish_or_null(t->wish), *new = call->wish;

	/* a task that is being made wants what its parent wants, whatever it gets on the way */
	if (!t->wish || !confined(task))
		return;
	new->spread = old ? old->spread : 0;
	if (!new->spread && cpumask_subset(cpu_possible_mask, wish_cpus(new))) {
		wish_put(new);
		new = NULL;
	}
	/* pairs with inherit(): who sees it sees the affinity that was set before */
	smp_store_release(&t->wish, wish_or_all(new));
	call->wish = old;
	call->noted = true;
}

static void read_wish(struct task_struct *task, void *data, void *wish)
{
	struct cpuset_task *t = data;

	*(struct wish **)wish = t->wish;
}

/* Is this its affinity? Or what the user wants of that, which the kernel looks at by itself. */
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
 * Gives a member what its wish and its container make, until neither has changed
 * meanwhile, and nobody else has set something else. Sleeps. Others who do that look
 * again, as we do; and they are no endless company.
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
		/* a CPU may go just now: it is another one then, or the scheduler finds one */
		done = !cpumask_intersects(call->target, cpu_active_mask) ||
		       has_affinity(task, call->target) ||
		       (!call_set(call, call->target) && has_affinity(task, call->target));
		/* it is set, or was so: now look whether it still should */
		smp_mb();
		container_for_task(task, &cpuset_subsys, read_wish, &now);
		/* only compared: it may be freed by now */
		done = done && (!now || now == wish_or_all(wish));
		wish_put(wish);
	} while (!done && --tries);
}

/* Does it run where it may not, or is about to? Then the scheduler is taking it away. */
static bool is_astray(struct task_struct *task)
{
	return (READ_ONCE(task->on_cpu) || READ_ONCE(task->on_rq)) &&
	       !cpumask_test_cpu(task_cpu(task), READ_ONCE(task->cpus_ptr));
}

/*
 * Who has set the affinity to the same just before us may still be waiting for the task
 * to be moved. That takes as long as it takes to run a stopper, and no longer.
 */
static void wait_until_moved(struct task_struct *task)
{
	unsigned long end = jiffies + HZ;

	while (is_astray(task) && time_before(jiffies, end))
		usleep_range(50, 200);
}

/**
 * cpus_apply - put a member on the CPUs that it may run on
 * @task: the task, with a reference of the caller's
 *
 * Context: manage lock held; sleeps. When it returns the task is there.
 */
void cpus_apply(struct task_struct *task)
{
	if (!may_narrow(task))
		return;
	manager.task = task;
	manager.member = true;
	settle(&manager);
	if (task != current)
		wait_until_moved(task);
}

/**
 * cpus_release - give a task back what it would have without us
 * @task: the task, at the root by now, with a reference of the caller's
 * @wish: what that is; NULL: anything
 *
 * Context: manage lock held; sleeps.
 */
void cpus_release(struct task_struct *task, struct wish *wish)
{
	int tries = 3;

	if (!may_narrow(task))
		return;
	manager.task = task;
	manager.member = false;
	/* again if a CPU that was picked has gone meanwhile */
	do {
		kernel_allows(task, manager.target);
		unconfine(manager.target, wish);
	} while (call_set(&manager, manager.target) && --tries);
}
