// SPDX-License-Identifier: GPL-2.0
/*
 * Wishes. A member's wish is the affinity that it would have without its container. This file
 * stores wishes, and sets the affinity that results from the wish and the container's setting: at
 * once, or by a job where that might have to wait.
 */
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "compat_cpuset.h"
#include "cpus.h"
#include "jobs.h"
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

/**
 * wish_granted - note that a task that has left for the root has its wish there
 * @task: the task
 * @data: its struct cpuset_task
 * @arg: the wish; NULL if it has no restriction
 *
 * Until then, its new children get their values by the wish; afterwards, from the task itself.
 *
 * Context: in the function of container_for_task().
 */
void wish_granted(struct task_struct *task, void *data, void *arg)
{
	struct cpuset_task *t = data;

	/* it may have been moved meanwhile, and have another wish */
	if (!confined(task) && t->wish == wish_or_all(arg))
		smp_store_release(&t->wish, NULL); /* pairs with inherit() */
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
 * others, since each notes its change before it gets here. A task that has left for the root keeps
 * what it got there.
 */
void settle(struct affinity_call *call)
{
	struct task_struct *task = call->task;
	struct wish *wish, *now;
	int tries = 1000;
	bool done;

	do {
		cond_resched();
		if (!confined(task))
			return;
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
		       (!call_set(call, call->target) && has_affinity(task, call->target)) ||
		       call->left >= 0;
		/* it was set: check whether it is still what it should be */
		smp_mb();
		container_for_task(task, &cpuset_subsys, read_wish, &now);
		/* for comparison only: it may have been freed */
		done = done && (!now || now == wish_or_all(wish));
		wish_put(wish);
	} while (!done && --tries);
}

/* --- jobs -------------------------------------------------------------------- */

/**
 * struct cpus_job - takes a CPU from a task
 * @job: the job
 * @task: the task
 * @wish: if the task is at the root, what it shall have there; NULL for no restriction
 * @left: the CPU that it has been left in addition, or -1 for none
 *
 * jobs_lock guards @wish and @left.
 */
struct cpus_job {
	struct job job;
	struct task_struct *task;
	struct wish *wish;
	int left;
};

/* Jobs for CPUs that have not ended. Written under the manage lock, and at the end of jobs. */
static atomic_t cpus_jobs;

/**
 * cpus_complete - have all changes of affinities been applied, with nothing left to jobs?
 *
 * Context: any. What is read afterwards, of a task to which the latest change was applied, is its
 * affinity after that.
 */
bool cpus_complete(void)
{
	/* pairs with cpus_end() */
	return !atomic_read_acquire(&cpus_jobs);
}

/*
 * May a task still be on a CPU outside of its affinity, or is it about to run on one? Lockless: a
 * task that has just been moved is looked at once more, and one that was not cannot be overlooked,
 * since its affinity was set, with the scheduler's locks held, before.
 */
static bool is_astray(struct task_struct *task)
{
	return (READ_ONCE(task->on_cpu) || READ_ONCE(task->on_rq) ||
		compat_migration_disabled(task) || compat_task_state(task) == TASK_WAKING) &&
	       !cpumask_test_cpu(task_cpu(task), &task->cpus_mask);
}

/*
 * Sets the affinity of a task at the root to its wish. Tries again if the kernel has changed what
 * it allows meanwhile, or if the chosen CPUs have gone.
 */
static void grant(struct affinity_call *call, struct wish *wish)
{
	struct task_struct *task = call->task;
	int tries = 3, left = -1, err;

	do {
		kernel_allows(task, call->kernel);
		cpumask_copy(call->target, call->kernel);
		unconfine(call->target, wish);
		err = call_set(call, call->target);
		if (!err)
			left = call->left;
		kernel_allows(task, call->target);
	} while ((err || !cpumask_equal(call->target, call->kernel)) && --tries);
	call->left = left;
}

/*
 * Takes the CPU @left from a task that has come to the root, so that it has its wish. If another
 * call has set its affinity meanwhile, that stays; only one that comes between the look and the
 * call is replaced. If the task is moved to a container before, its wish has that CPU, too.
 */
static void release(struct affinity_call *call, struct wish *wish, int left)
{
	struct task_struct *task = call->task;
	unsigned long flags;
	bool same;

	if (left < 0)
		return;
	kernel_allows(task, call->target);
	unconfine(call->target, wish);
	raw_spin_lock_irqsave(&task->pi_lock, flags);
	narrow_to_user(task, call->target);
	cpumask_copy(call->kernel, call->target);
	cpumask_set_cpu(left, call->kernel);
	same = cpumask_equal(&task->cpus_mask, call->kernel);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	call->member = false;
	if (same)
		grant(call, wish);
}

static void cpus_run(struct job *job)
{
	struct cpus_job *cj = container_of(job, struct cpus_job, job);
	struct affinity_call call = { .task = cj->task, .member = true };
	struct wish *wish;
	int left;

	zalloc_cpumask_var(&call.kernel, GFP_KERNEL | __GFP_NOFAIL);
	zalloc_cpumask_var(&call.target, GFP_KERNEL | __GFP_NOFAIL);
	spin_lock(&jobs_lock);
	wish = cj->wish;
	left = cj->left;
	cj->wish = NULL;
	cj->left = -1;
	spin_unlock(&jobs_lock);

	if (confined(cj->task))
		settle(&call);
	else
		release(&call, wish, left);
	container_for_task(cj->task, &cpuset_subsys, wish_granted, wish);
	/* another call may have set the affinity of a member, and may still be waiting */
	while (confined(cj->task) && is_astray(cj->task))
		schedule_timeout_idle(1);

	wish_put(wish);
	free_cpumask_var(call.target);
	free_cpumask_var(call.kernel);
}

static void cpus_end(struct job *job)
{
	struct cpus_job *cj = container_of(job, struct cpus_job, job);

	wish_put(cj->wish);
	put_task_struct(cj->task);
	atomic_dec_return_release(&cpus_jobs);
}

/* Has a job do what the manager has left. @wish is for a task that is at the root. */
static void leave_to_job(struct task_struct *task, struct wish *wish)
{
	struct cpus_job *cj, *new;
	struct job_wait *wait;
	struct job *job;

	new = kzalloc(sizeof(*new), GFP_KERNEL | __GFP_NOFAIL);
	wait = kzalloc(sizeof(*wait), GFP_KERNEL | __GFP_NOFAIL);
	if (wish)
		refcount_inc(&wish->users);

	spin_lock(&jobs_lock);
	job = job_find(task);
	if (!job) {
		job = &new->job;
		job_begin(job, task, cpus_run, cpus_end);
		new->task = get_task_struct(task);
		atomic_inc(&cpus_jobs);
	}
	cj = container_of(job, struct cpus_job, job);
	swap(cj->wish, wish);
	cj->left = manager.left;
	job_ask(job, wait);
	spin_unlock(&jobs_lock);

	wish_put(wish);
	job_go(cj == new ? job : NULL, wait);
	if (cj != new)
		kfree(new);
}

/* --- the manager --------------------------------------------------------------- */

/**
 * cpus_apply - put a member on the CPUs that it may use
 * @task: the task, to which the caller has a reference
 *
 * Context: manage lock held; sleeps. When it returns, the task is on one of them, or a job sees to
 * that, for which the caller waits on its way to user space.
 */
void cpus_apply(struct task_struct *task)
{
	container_assert_managed();
	if (!may_narrow(task))
		return;
	manager.task = task;
	manager.member = true;
	manager.left = -1;
	settle(&manager);
	if (manager.left >= 0 || (task != current && is_astray(task)))
		leave_to_job(task, NULL);
}

/**
 * cpus_release - set a task's affinity to its wish
 * @task: the task, which is at the root now, and to which the caller has a reference
 * @wish: its wish; NULL if it has no restriction
 *
 * If another call sets the affinity meanwhile, that call waits for the task to move, and not this
 * function's caller: nothing confines the task any more.
 *
 * Context: manage lock held; sleeps.
 * Return: true if the task has its wish. Otherwise a job takes the CPU away that it is on, and
 * calls wish_granted(); the caller waits for that on its way to user space.
 */
bool cpus_release(struct task_struct *task, struct wish *wish)
{
	container_assert_managed();
	if (!may_narrow(task))
		return true;
	manager.task = task;
	manager.member = false;
	grant(&manager, wish);
	if (manager.left < 0)
		return true;
	leave_to_job(task, wish);
	return false;
}
