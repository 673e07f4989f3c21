// SPDX-License-Identifier: GPL-2.0
/*
 * Memory: the nodes from which a member's pages may come, moving pages to them, and spreading.
 *
 * The page allocator, set_mempolicy(2) and mbind(2) respect the task's mems_allowed when the
 * static keys of the kernel's own cpusets are on. A member's mask is set here to the nodes that
 * the kernel's own cpusets allow, narrowed to the nearest container, from the task's own upwards,
 * that has a node in common with them. The task's lock and its sequence counter guard the mask, as
 * when the kernel sets it. System calls that ask the kernel for the allowed nodes
 * (migrate_pages(2), move_pages(2)) get the narrowed answer.
 *
 * The kernel sets mems_allowed by itself when its own cpusets change, when a task moves between
 * them, and when memory comes or goes. Each time it calls mpol_rebind_task(). If it has given a
 * member more than the container allows, a work item sets the mask again.
 *
 * A job (jobs.h) rewrites policies and moves pages: this may take long, and must not depend on the
 * mems_allowed of the task that has made the change.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/jump_label.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "compat_cpuset.h"
#include "cpuset.h"
#include "container_hook.h"
#include "jobs.h"
#include "private.h"

static void *rebind_task_fn, *rebind_mm_fn, *migrate_pages_fn;
CONTAINER_KERNEL_FN(void, call_rebind_task, struct task_struct *task, const nodemask_t *mems);
CONTAINER_KERNEL_FN(void, call_rebind_mm, struct mm_struct *mm, nodemask_t *mems);
CONTAINER_KERNEL_FN(int, call_migrate_pages, struct mm_struct *mm, const nodemask_t *from,
		    const nodemask_t *to, int flags);
/* On in this order, off in the other: see linux/cpuset.h. */
static struct static_key *pre_enable_key, *enabled_key;
static unsigned long spread_flags;	/* the ways to spread that this kernel has */

/* --- the hooks --------------------------------------------------------------- */

/* Narrows @mask, which the kernel allows a task, to the nodes that its container allows. */
static nodemask_t narrow(struct task_struct *task, nodemask_t mask)
{
	struct container *cont;
	nodemask_t both;

	rcu_read_lock();
	for (cont = task_container(task, &cpuset_subsys); cont->parent; cont = cont->parent) {
		/* read once: another setting may be published meanwhile */
		nodes_and(both, mask, setting_of(cont)->mems);
		if (!nodes_empty(both)) {
			mask = both;
			break;
		}
	}
	rcu_read_unlock();
	return mask;
}

enum { HOOK_MEMS_ALLOWED, HOOK_REBIND_TASK, MEMS_HOOKS };
static struct container_hook mems_hooks[MEMS_HOOKS];

/* The nodes that the kernel by itself allows a task. Does not sleep. */
static nodemask_t kernel_allows(struct task_struct *task)
{
	return compat_call_nodemask(mems_hooks[HOOK_MEMS_ALLOWED].body, task);
}

/* Runs in place of cpuset_mems_allowed(); does not sleep. */
static nodemask_t mems_allowed(struct task_struct *task)
{
	return narrow(task, kernel_allows(task));
}

static void notrace hook_mems_allowed(unsigned long ip, unsigned long parent_ip,
				      struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	container_hook_redirect(fregs, mems_allowed);
}

/*
 * The nodes of a task are being set, by this file or by the kernel. An unborn task is ignored here:
 * fork() gives it its nodes after the kernel has set them.
 */
static void notrace hook_rebind_task(unsigned long ip, unsigned long parent_ip,
				     struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	struct task_struct *task = (void *)container_hook_arg(fregs, 0);
	nodemask_t mems = *(nodemask_t *)container_hook_arg(fregs, 1), may = narrow(task, mems);
	struct cpuset_task *t = NULL;
	bool unborn;

	if (nodes_equal(mems, may))
		return;
	rcu_read_lock();
	unborn = compat_is_new(task);
	if (unborn) {
		smp_mb(); /* after the kernel has set the nodes: pairs with cpuset_fork() */
		t = container_task_data(task, &cpuset_subsys);
	}
	if (!unborn || (t && READ_ONCE(t->wish)))
		hotplug_repair(container_cpuset(task_container(task, &cpuset_subsys)));
	rcu_read_unlock();
}

static struct container_hook mems_hooks[MEMS_HOOKS] = {
	[HOOK_MEMS_ALLOWED] = {
		.name = "cpuset_mems_allowed",
		.type = CONTAINER_HOOK_OVERRIDE,
		.handler = hook_mems_allowed,
	},
	[HOOK_REBIND_TASK] = {
		.name = "mpol_rebind_task",
		.type = CONTAINER_HOOK_ENTRY,
		.handler = hook_rebind_task,
	},
};

/* --- members ----------------------------------------------------------------- */

/*
 * Sets a task's nodes to those that the kernel allows it or, with @confine, to what its container
 * allows of them. Whoever publishes a setting later, the kernel's own cpuset included, applies it,
 * under the same lock. Return: true if they have changed.
 */
static bool set_mems(struct task_struct *task, bool confine)
{
	unsigned long flags;
	nodemask_t mems;
	bool change;

	task_lock(task);
	mems = confine ? mems_allowed(task) : kernel_allows(task);
	change = !nodes_equal(task->mems_allowed, mems);
	if (change) {
		local_irq_save(flags);
		write_seqcount_begin(&task->mems_allowed_seq);
		/* a reader that sees half of a change never sees an empty mask */
		nodes_or(task->mems_allowed, task->mems_allowed, mems);
		call_rebind_task(rebind_task_fn, task, &mems);
		task->mems_allowed = mems;
		write_seqcount_end(&task->mems_allowed_seq);
		local_irq_restore(flags);
	}
	task_unlock(task);
	return change;
}

/**
 * mems_apply - confine a task's allocations to the nodes that its container allows
 * @task: the task. If it is being moved, it is in its new container already
 *
 * Context: any but interrupts; fork() included.
 * Return: true if the nodes have changed: mems_apply_mm() has to follow.
 */
bool mems_apply(struct task_struct *task)
{
	return set_mems(task, true);
}

/**
 * mems_fork_release - give a new task, which has not run yet, the nodes of a task at the root
 * @child: the task, which is at the root, or whose move there is not visible yet
 *
 * Context: preemption disabled.
 */
void mems_fork_release(struct task_struct *child)
{
	set_mems(child, false);
}

/* --- policies and pages ------------------------------------------------------ */

/**
 * struct mems_job - rewrites the policies of an address space and moves its pages
 * @job: the job
 * @mm: the address space. The job keeps its structure, but not its memory, while it waits to run
 * @task: the task whose nodes were changed last
 * @mems: the nodes that it was allowed then
 * @from: the nodes from which its pages have to be moved
 *
 * jobs_lock guards @task, @mems and @from.
 */
struct mems_job {
	struct job job;
	struct mm_struct *mm;
	struct task_struct *task;
	nodemask_t mems, from;
};

/* The nodes that a task is allowed; @last if it has exited, and is in no container any more. */
static nodemask_t mems_of_live(struct task_struct *task, const nodemask_t *last)
{
	nodemask_t mems = mems_allowed(task);

	smp_rmb(); /* it sets the flag before it leaves its container */
	return READ_ONCE(task->flags) & PF_EXITING ? *last : mems;
}

/* Applies the nodes of a task, which were @last, to an address space. */
static void apply_to_mm(struct mm_struct *mm, struct task_struct *task, const nodemask_t *last,
			const nodemask_t *from)
{
	nodemask_t mems, now = mems_of_live(task, last);

	/* repeat if the kernel has changed what it allows, and the policies, meanwhile */
	do {
		mems = now;
		call_rebind_mm(rebind_mm_fn, mm, &mems);
		now = mems_of_live(task, last);
	} while (!nodes_equal(mems, now));
	if (!nodes_empty(*from) && !nodes_equal(*from, mems))
		call_migrate_pages(migrate_pages_fn, mm, from, &mems, MPOL_MF_MOVE_ALL);
}

static void mems_run(struct job *job)
{
	struct mems_job *mj = container_of(job, struct mems_job, job);
	struct task_struct *task;
	nodemask_t last, from;

	spin_lock(&jobs_lock);
	task = get_task_struct(mj->task);
	last = mj->mems;
	from = mj->from;
	nodes_clear(mj->from);
	spin_unlock(&jobs_lock);

	if (mmget_not_zero(mj->mm)) {
		apply_to_mm(mj->mm, task, &last, &from);
		mmput(mj->mm);
	}
	put_task_struct(task);
}

static void mems_end(struct job *job)
{
	struct mems_job *mj = container_of(job, struct mems_job, job);

	mmdrop(mj->mm);
	put_task_struct(mj->task);
}

/**
 * mems_apply_mm - apply the nodes of a task to the policies of its address space
 * @task: the task, after mems_apply(), to which the caller has a reference
 * @from: the nodes that it had before
 * @move: move its pages, too
 *
 * A job does this, since a user can keep the lock of the address space, and the locks of its pages,
 * held at will.
 *
 * Context: manage lock held; sleeps.
 */
void mems_apply_mm(struct task_struct *task, const nodemask_t *from, bool move)
{
	struct mems_job *mj, *new;
	struct task_struct *old = NULL;
	nodemask_t mems = mems_allowed(task);
	struct job_wait *wait;
	struct job *job;

	container_assert_managed();
	new = kzalloc(sizeof(*new), GFP_KERNEL | __GFP_NOFAIL);
	wait = kzalloc(sizeof(*wait), GFP_KERNEL | __GFP_NOFAIL);

	task_lock(task);
	if (!task->mm || (task->flags & PF_KTHREAD)) {
		task_unlock(task);
		kfree(wait);
		kfree(new);
		return;
	}
	spin_lock(&jobs_lock);
	job = job_find(task->mm);
	if (!job) {
		job = &new->job;
		job_begin(job, task->mm, mems_run, mems_end);
		mmgrab(task->mm);
		new->mm = task->mm;
	}
	mj = container_of(job, struct mems_job, job);
	old = mj->task;
	mj->task = get_task_struct(task);
	mj->mems = mems;
	/* pages that another change would have moved from elsewhere still have to be moved */
	if (move)
		nodes_or(mj->from, mj->from, *from);
	job_ask(job, wait);
	spin_unlock(&jobs_lock);
	task_unlock(task);

	if (old)
		put_task_struct(old);
	job_go(mj == new ? job : NULL, wait);
	if (mj != new)
		kfree(new);
}

/**
 * mems_await_mm - wait for what an earlier change has still to do in an address space
 * @task: a task that uses it, and whose own nodes are right
 *
 * Context: manage lock held; sleeps. The wait is on the way to user space.
 */
void mems_await_mm(struct task_struct *task)
{
	struct job_wait *wait;
	struct job *job = NULL;

	container_assert_managed();
	wait = kzalloc(sizeof(*wait), GFP_KERNEL | __GFP_NOFAIL);
	task_lock(task);
	spin_lock(&jobs_lock);
	if (task->mm)
		job = job_find(task->mm);
	if (job)
		job_ask(job, wait);
	spin_unlock(&jobs_lock);
	task_unlock(task);
	if (job)
		job_go(NULL, wait);
	else
		kfree(wait);
}

/* --- spreading --------------------------------------------------------------- */

/**
 * spread_known - can this kernel spread pages or slabs?
 * @flag: CPUSET_SPREAD_PAGE or CPUSET_SPREAD_SLAB
 */
bool spread_known(int flag)
{
	return test_bit(flag, &spread_flags);
}

/**
 * spread_get - the flags for spreading of a task
 * @task: the task
 *
 * Return: bits of the cpuset's flags.
 */
unsigned long spread_get(struct task_struct *task)
{
	return (compat_spread_page(task) ? BIT(CPUSET_SPREAD_PAGE) : 0) |
	       (compat_spread_slab(task) ? BIT(CPUSET_SPREAD_SLAB) : 0);
}

/**
 * spread_set - change the flags for spreading of a task
 * @task: the task
 * @flags: bits of the cpuset's flags; only those for spreading count
 */
void spread_set(struct task_struct *task, unsigned long flags)
{
	compat_set_spread(task, flags & BIT(CPUSET_SPREAD_PAGE), flags & BIT(CPUSET_SPREAD_SLAB));
}

/* --- binding ----------------------------------------------------------------- */

/**
 * mems_bind - begin to confine the memory of tasks
 *
 * Context: in bind(); sleeps.
 * Return: 0, or the errno of arming the hooks.
 */
int mems_bind(void)
{
	int err = container_hooks_arm(mems_hooks, ARRAY_SIZE(mems_hooks));

	if (err)
		return err;
	static_key_slow_inc(pre_enable_key);
	static_key_slow_inc(enabled_key);
	return 0;
}

/**
 * mems_unbind - undo mems_bind()
 *
 * Context: in unbind(); sleeps. No task is below the root.
 */
void mems_unbind(void)
{
	static_key_slow_dec(enabled_key);
	static_key_slow_dec(pre_enable_key);
	container_hooks_disarm(mems_hooks, ARRAY_SIZE(mems_hooks));
}

/**
 * mems_init - look for what this file needs of the kernel
 *
 * Context: the module is being loaded.
 * Return: 0 or an errno.
 */
int mems_init(void)
{
	static const struct container_symbol symbols[] = {
		{ .name = "mpol_rebind_task", .address = &rebind_task_fn },
		{ .name = "mpol_rebind_mm", .address = &rebind_mm_fn },
		{ .name = "do_migrate_pages", .address = &migrate_pages_fn },
		{ .name = "cpusets_pre_enable_key", .address = (void **)&pre_enable_key },
		{ .name = "cpusets_enabled_key", .address = (void **)&enabled_key },
	};
	static const struct container_symbol page = { .name = "cpuset_mem_spread_node" };
	static const struct container_symbol slab = { .name = "cpuset_slab_spread_node" };
	static const struct container_feature mems = {
		.name = "cpuset.mems",
		.symbols = symbols,
		.nr_symbols = ARRAY_SIZE(symbols),
		.hooks = mems_hooks,
		.nr_hooks = ARRAY_SIZE(mems_hooks),
	};
	/* optional features; spread_flags has a bit for each of the last two */
	static const struct {
		struct container_feature f;
		unsigned long flag;
	} others[] = {
		{ { "cpuset.memory_spread_page", &page, 1 }, BIT(CPUSET_SPREAD_PAGE) },
		{ { "cpuset.memory_spread_slab", &slab, 1 }, BIT(CPUSET_SPREAD_SLAB) },
	};
	int i, err;

	err = container_feature_find(&mems);
	for (i = 0; i < ARRAY_SIZE(others) && !err; i++) {
		err = container_feature_find(&others[i].f);
		if (!err)
			spread_flags |= others[i].flag;
		else if (err == -EOPNOTSUPP)
			err = 0;
	}
	return err;
}

void mems_exit(void)
{
	container_hooks_forget(mems_hooks, ARRAY_SIZE(mems_hooks));
}
