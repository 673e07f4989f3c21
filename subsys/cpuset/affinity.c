// SPDX-License-Identifier: GPL-2.0
/*
 * Calls that set the affinity of a task.
 *
 * Each of them goes through one of two functions: the system call through sched_setaffinity(), and
 * the rest of the kernel, its own cpusets included, through set_cpus_allowed_ptr(). Functions of
 * this file run in their place. sched_setaffinity() asks cpuset_cpus_allowed() which CPUs it may
 * choose from, and cpus.c narrows the answer. The mask for set_cpus_allowed_ptr() is narrowed
 * here; if nothing is left of it, the task gets all CPUs that it may have.
 *
 * The kernel waits until the task has left a CPU that it loses, and a user can delay that: a task
 * inside migrate_disable() stays until it gets CPU time. So no lock is held meanwhile. Instead:
 *
 *  - A change of a setting is published before the affinity of each member is set. A call that
 *    began with the old setting either changes the affinity before that, and its result is
 *    replaced; or it comes later and is refused: the scheduler changes an affinity, with its
 *    locks held, by set_cpus_allowed_common(), where the setting is checked once more. A call
 *    that is refused starts again. So no task runs where a setting does not let it, once the
 *    write of the setting has returned.
 *  - A write or a move has the manage lock. Where it might have to wait, the task keeps the CPU
 *    that it is on, in addition to the new ones, and a job (wish.c) takes that away.
 *  - A change of a member's wish is noted, and then settle() checks whether the member has what
 *    results from wish and setting. A change of a setting ends in the same check. The last one of
 *    several changes sees what the others have noted.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hash.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "compat_cpuset.h"
#include "container_hook.h"
#include "cpus.h"
#include "private.h"

/* Masks that hook_commit() gives to the scheduler. */
static struct cpumask __percpu *commit_masks;

/* --- calls under way ----------------------------------------------------------- */

/* Calls, hashed by the calling task, for hook_commit(). Locked with interrupts disabled. */
#define CALL_BITS 8

static struct call_bucket {
	raw_spinlock_t lock;
	struct hlist_head calls;
} call_buckets[1 << CALL_BITS];

/* The call of the task that holds the manage lock. affinity_init() allocates its masks. */
struct affinity_call manager;

static struct call_bucket *call_bucket(const struct task_struct *caller)
{
	return &call_buckets[hash_ptr((void *)caller, CALL_BITS)];
}

CONTAINER_KERNEL_FN(long, call_affinity, unsigned long task, const struct cpumask *mask);

/* Calls a kernel function that sets the affinity of @call->task. */
static long call_kernel(struct affinity_call *call, int hook, unsigned long task,
			const struct cpumask *mask)
{
	struct call_bucket *b = call_bucket(current);
	unsigned long flags;
	long err;

	call->caller = current;
	call->refused = false;
	call->left = -1;
	raw_spin_lock_irqsave(&b->lock, flags);
	hlist_add_head(&call->node, &b->calls);
	raw_spin_unlock_irqrestore(&b->lock, flags);

	err = call_affinity(cpus_hooks[hook].body, task, mask);

	raw_spin_lock_irqsave(&b->lock, flags);
	hlist_del(&call->node);
	raw_spin_unlock_irqrestore(&b->lock, flags);
	return err;
}

/**
 * call_set - set the affinity of a call's task
 * @call: the call. Its task and member are set, and kernel if the task is a member
 * @mask: the affinity
 *
 * Context: sleeps until the task has left the CPUs that it loses.
 * Return: as set_cpus_allowed_ptr(); 0, with @call->refused set, if hook_commit() has refused.
 */
int call_set(struct affinity_call *call, const struct cpumask *mask)
{
	return call_kernel(call, HOOK_SET, (unsigned long)call->task, mask);
}

/* Does the present setting allow the task of a call this affinity? */
static bool call_may_set(const struct affinity_call *call, const struct cpumask *mask)
{
	struct task_struct *task = call->task;
	const struct cpumask *cpus;
	struct container *cont;
	bool yes = true;

	rcu_read_lock();
	cont = task_container(task, &cpuset_subsys);
	if (!cont->parent) {
		/* a member has left: what confined it is none of the root's */
		yes = !call->member;
	} else if (may_narrow(task) && !cpumask_subset(mask, setting_cpus(setting_of(cont)))) {
		cpus = call->member ? nearest_cpus(task, call->kernel) : cpu_none_mask;
		yes = !cpus || cpumask_subset(mask, cpus);
	}
	rcu_read_unlock();
	return yes;
}

/*
 * Might the kernel wait if a call takes away the CPU that a task is on? It moves a task that does
 * not run by itself. One that runs is moved by a stopper; before that it can disable migration, and
 * then lose the CPU to others for as long as these like.
 */
static bool might_wait(struct task_struct *task)
{
	return task->on_cpu || compat_migration_disabled(task) ||
	       compat_task_state(task) == TASK_WAKING;
}

/*
 * set_cpus_allowed_common() gets a mask or, from 6.2 on, a private structure of the scheduler, the
 * context. That begins with a pointer to a mask, and the rest may be all zero. affinity_try() finds
 * out which of the two it is, by a call with a known mask.
 */
static enum { COMMIT_UNKNOWN, COMMIT_MASK, COMMIT_CONTEXT } commit_takes;

/* Contexts that hook_commit() gives to the scheduler, with more room than the structure needs. */
#define CONTEXT_WORDS 8
static DEFINE_PER_CPU(unsigned long [CONTEXT_WORDS], commit_context);

/* The mask in an argument of set_cpus_allowed_common(). */
static const struct cpumask *commit_mask(unsigned long arg)
{
	unsigned long first;

	if (commit_takes == COMMIT_MASK)
		return (void *)arg;
	first = *(unsigned long *)arg;
	if (commit_takes == COMMIT_UNKNOWN && (void *)arg == manager.target)
		commit_takes = COMMIT_MASK;
	else if (commit_takes == COMMIT_UNKNOWN && (void *)first == manager.target)
		commit_takes = COMMIT_CONTEXT;
	return (void *)(commit_takes == COMMIT_CONTEXT ? first : arg);
}

/* The current task's call that sets the affinity of @task, or NULL. Nobody else ends the call. */
static struct affinity_call *call_of_current(struct task_struct *task)
{
	struct call_bucket *b = call_bucket(current);
	struct affinity_call *call, *found = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&b->lock, flags);
	hlist_for_each_entry(call, &b->calls, node)
		if (call->caller == current && call->task == task)
			found = call;
	raw_spin_unlock_irqrestore(&b->lock, flags);
	return found;
}

/*
 * The scheduler changes an affinity, with the locks of the task and of its runqueue held. If the
 * setting does not allow the new one, the task keeps the old one and, if it is not asleep, the CPU
 * that it is on. If that CPU is not in the old affinity, the task is just being migrated away from
 * it, and the call that waits for this checks again afterwards. With the CPU that it is on, the
 * scheduler does not wait.
 */
void notrace hook_commit(unsigned long ip, unsigned long parent_ip,
			 struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	struct task_struct *task = (void *)container_hook_arg(fregs, 0);
	unsigned long arg = container_hook_arg(fregs, 1), *context;
	const struct cpumask *want;
	struct affinity_call *call;
	struct cpumask *mask;

	/* migrate_disable() and its end do not change the affinity */
	if (!in_task() || (task == current && compat_migration_disabled(task)))
		return;
	call = call_of_current(task);
	if (!call)
		return;
	want = commit_mask(arg);
	if (!call_may_set(call, want)) {
		call->refused = true;
		want = &task->cpus_mask;
	} else if (call == &manager && might_wait(task) &&
		   !cpumask_test_cpu(task_cpu(task), want)) {
		call->left = task_cpu(task);
	} else {
		return;
	}
	mask = this_cpu_ptr(commit_masks);
	cpumask_copy(mask, want);
	if (task->on_rq || might_wait(task))
		cpumask_set_cpu(task_cpu(task), mask);
	if (commit_takes == COMMIT_MASK) {
		container_hook_set_arg(fregs, 1, (unsigned long)mask);
	} else {
		context = *this_cpu_ptr(&commit_context);
		context[0] = (unsigned long)mask;
		container_hook_set_arg(fregs, 1, (unsigned long)context);
	}
}

/*
 * Notes whether the task is a member, and allocates what its call needs then. Return: 0 or -ENOMEM.
 */
static int call_begin(struct affinity_call *call)
{
	call->member = confined(call->task);
	if (!call->member || call->wish)
		return 0;
	/* callers may hold locks that reclaim by a filesystem needs */
	call->wish = wish_alloc(GFP_NOIO);
	if (call->wish && alloc_cpumask_var(&call->kernel, GFP_NOIO)) {
		if (alloc_cpumask_var(&call->target, GFP_NOIO))
			return 0;
		free_cpumask_var(call->kernel);
	}
	kfree(call->wish);
	call->wish = NULL;
	return -ENOMEM;
}

/* Was the call refused, or has the task joined or left meanwhile? */
static bool call_again(struct affinity_call *call, long err)
{
	return call->refused || (!err && confined(call->task) != call->member);
}

static void call_end(struct affinity_call *call)
{
	/* the wish before a noted one may have been none: the masks are there nevertheless */
	if (call->wish || call->noted) {
		wish_put(call->wish);
		free_cpumask_var(call->target);
		free_cpumask_var(call->kernel);
	}
	/* the module may go now, but jobs_exit() waits until the callers have returned */
	module_put(THIS_MODULE);
}

/*
 * --- the hooks -----------------------------------------------------------------
 *
 * A user can make a call wait. So nothing waits for calls to end, not even the disarming of the
 * hooks: a call goes on without them. It keeps the module from being unloaded, from the beginning:
 * until a call sleeps for the first time, disarming waits for it.
 */

/* Runs in place of set_cpus_allowed_ptr(). May sleep. */
static int affinity_set(struct task_struct *task, const struct cpumask *mask)
{
	struct affinity_call call = { .task = task };
	int err;

	__module_get(THIS_MODULE);
	do {
		err = call_begin(&call);
		if (err)
			break;
		if (call.member && may_narrow(task)) {
			kernel_allows(task, call.kernel);
			cpumask_copy(call.target, call.kernel);
			narrow(task, call.target);
			choose(call.target, mask);
			err = call_set(&call, call.target);
		} else {
			err = call_set(&call, mask);
		}
	} while (call_again(&call, err));
	if (!err && call.member && may_narrow(task)) {
		cpumask_copy(wish_cpus(call.wish), mask);
		container_for_task(task, &cpuset_subsys, note_wish, &call);
		if (call.noted)
			settle(&call);
	}
	call_end(&call);
	return err;
}

void notrace hook_affinity_set(unsigned long ip, unsigned long parent_ip,
			       struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	container_hook_redirect(fregs, affinity_set);
}

static struct task_struct *task_by_pid(pid_t pid)
{
	return pid ? pid_task(find_vpid(pid), PIDTYPE_PID) : current;
}

/* Finds a task, with a reference; the current one if there is none, as the call fails then. */
static struct task_struct *get_task_by_pid(pid_t pid)
{
	struct task_struct *task;

	rcu_read_lock();
	task = task_by_pid(pid) ?: current;
	get_task_struct(task);
	rcu_read_unlock();
	return task;
}

/*
 * Does the number lead to another task now, which is a member? A user who reuses numbers can keep
 * his own call busy in this way, and nothing else.
 */
static bool leads_elsewhere(pid_t pid, const struct task_struct *task)
{
	struct task_struct *now;
	bool yes;

	rcu_read_lock();
	now = task_by_pid(pid);
	yes = now && now != task && task_confined(now);
	rcu_read_unlock();
	return yes;
}

/*
 * Runs in place of sched_setaffinity(). May sleep. The kernel looks up the number once more. If it
 * may have found another task than this function has, the call starts again. On RHEL a user who
 * gives no CPUs takes back what he asked for before: from 9.4 on there is no mask then, and in 9.3
 * an empty one, which is an error elsewhere.
 */
static long affinity_syscall(pid_t pid, const struct cpumask *mask)
{
	struct affinity_call call = {};
	long err;

	__module_get(THIS_MODULE);
	do {
		if (call.task)
			put_task_struct(call.task);
		call.task = get_task_by_pid(pid);
		err = call_begin(&call);
		if (err)
			break;
		if (call.member)
			kernel_allows(call.task, call.kernel);
		err = call_kernel(&call, HOOK_SYSCALL, pid, mask);
	} while (call_again(&call, err) || (!err && leads_elsewhere(pid, call.task)));
	if (!err && call.member) {
		cpumask_copy(wish_cpus(call.wish),
			     mask && !cpumask_empty(mask) ? mask : cpu_possible_mask);
		rcu_read_lock();
		/* still the same task, so the kernel has found this one, too */
		if (task_by_pid(pid) == call.task)
			container_for_task(call.task, &cpuset_subsys, note_wish, &call);
		rcu_read_unlock();
		if (call.noted)
			settle(&call);
	}
	put_task_struct(call.task);
	call_end(&call);
	return err;
}

void notrace hook_affinity_syscall(unsigned long ip, unsigned long parent_ip,
				   struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	container_hook_redirect(fregs, affinity_syscall);
}

/* --- binding ------------------------------------------------------------------- */

/* The function of a thread that is never woken to run it. */
static int nothing(void *arg)
{
	return 0;
}

/**
 * affinity_try - check the hooks by setting the affinity of a thread that never runs
 *
 * Finds out whether hook_commit() is called, and with what kind of argument.
 *
 * Context: manage lock held, hooks armed; sleeps.
 * Return: 0, -EOPNOTSUPP if it is not called, or the errno of creating the thread.
 */
int affinity_try(void)
{
	struct task_struct *thread;

	container_assert_managed();
	if (commit_takes != COMMIT_UNKNOWN || num_possible_cpus() == 1)
		return 0;
	thread = kthread_create(nothing, NULL, "container_cpuset");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	manager.task = thread;
	manager.member = false;
	/* anything but what the thread has, or the kernel does nothing */
	cpumask_copy(manager.target, cpumask_of(cpumask_first(cpu_active_mask)));
	if (cpumask_equal(manager.target, thread->cpus_ptr))
		cpumask_copy(manager.target, cpu_possible_mask);
	call_set(&manager, manager.target);
	kthread_stop(thread);
	if (commit_takes != COMMIT_UNKNOWN)
		return 0;
	container_feature_lost("cpuset.cpus",
			       "this kernel's set_cpus_allowed_common() takes unknown arguments");
	return -EOPNOTSUPP;
}

/* Called when the module is unloaded, or cannot be loaded. */
void affinity_exit(void)
{
	free_cpumask_var(manager.target);
	free_cpumask_var(manager.kernel);
	free_percpu(commit_masks);
}

/* Return: 0 or -ENOMEM. The caller has to call affinity_exit() even if this fails. */
int affinity_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(call_buckets); i++)
		raw_spin_lock_init(&call_buckets[i].lock);
	commit_masks = alloc_masks();
	if (zalloc_cpumask_var(&manager.kernel, GFP_KERNEL) &&
	    zalloc_cpumask_var(&manager.target, GFP_KERNEL) && commit_masks)
		return 0;
	return -ENOMEM;
}
