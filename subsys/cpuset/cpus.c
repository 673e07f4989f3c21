// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs: what the kernel may let a member run on.
 *
 * Whatever sets a task's affinity calls one of two functions, in place of which we run
 * our own: sched_setaffinity(), of the system call, and set_cpus_allowed_ptr(), of the
 * rest of the kernel, its own cpusets included. The first asks cpuset_cpus_allowed() for
 * what there is to choose from, and we narrow its answer; for the second we narrow the
 * mask, and where nothing is left of it the task gets all that it may have. A CPU that
 * goes away makes the scheduler ask cpuset_cpus_allowed_fallback() where to put a task
 * that has no other; we answer that.
 *
 * Narrowing goes by the nearest container, from the task's own up, that has an active
 * CPU in common with what the kernel allows. At the root nothing is taken away, so that
 * the kernel's own choice prevails where nothing is in common.
 *
 * What a member would have without us is remembered (its struct wish), and what it gets
 * is worked out from that and from what is allowed now: what both have in common, or
 * what is allowed if that is nothing.
 *
 * No lock of ours is held while the kernel sets an affinity: it waits until the task has
 * left a CPU that it loses, and a task that nobody schedules may be what it waits for.
 * Instead:
 *
 *  - Who changes a setting publishes it first, and then sets the affinity of each
 *    member. A call that began with the old setting changes the affinity before that, and
 *    its result is replaced; or it comes after, and is refused: the scheduler changes an
 *    affinity, with its locks held, by set_cpus_allowed_common(), where we look at the
 *    setting once more. Who is refused begins again. So no task runs where a setting does
 *    not let it, once that was written.
 *  - Who wants something else for a member notes that, and then looks whether the member
 *    has what that makes with the setting (settle()); who has changed a setting
 *    does the same. The last of them sees what the others have noted.
 *
 * A fork copies the affinity of the parent. If that is not what the child is to have, the
 * child gets its own before it runs for the first time, see cpus_fork().
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/hash.h>
#include <linux/kthread.h>
#include <linux/percpu.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "compat_cpuset.h"
#include "cpuset.h"
#include "container_hook.h"

enum { HOOK_ALLOWED, HOOK_FALLBACK, HOOK_COMMIT, HOOK_SET, HOOK_SYSCALL, CPUS_HOOKS };
static struct container_hook cpus_hooks[CPUS_HOOKS];

/* Tasks in the functions that we run in place of the kernel's. */
static DEFINE_PER_CPU(long, affinity_callers);
/* A mask on each CPU: for a fork, with preemption off, and two for the scheduler. */
static struct cpumask __percpu *fork_masks, *fallback_masks, *commit_masks;

/* void set_cpus_allowed_force(struct task_struct *, const struct cpumask *) */
static void *force_affinity_fn;

/* --- narrowing --------------------------------------------------------------- */

static bool has_active(const struct cpumask *a, const struct cpumask *b)
{
	int cpu;

	for_each_cpu_and(cpu, a, b)
		if (cpu_active(cpu))
			return true;
	return false;
}

/* The CPUs of the nearest container that has some of a mask; NULL: at the root. */
static const struct cpumask *nearest_cpus(struct task_struct *task, const struct cpumask *mask)
{
	struct container *cont;

	for (cont = task_container(task, &cpuset_subsys); cont->parent; cont = cont->parent)
		if (has_active(mask, setting_cpus(setting_of(cont))))
			return setting_cpus(setting_of(cont));
	return NULL;
}

/* Not for threads that the kernel has bound to their CPUs: it knows why. */
static bool may_narrow(struct task_struct *task)
{
	return (task->flags & (PF_KTHREAD | PF_NO_SETAFFINITY)) !=
	       (PF_KTHREAD | PF_NO_SETAFFINITY);
}

/* Takes from what the kernel allows a task what its container does not. */
static void narrow(struct task_struct *task, struct cpumask *mask)
{
	const struct cpumask *cpus;

	rcu_read_lock();
	cpus = nearest_cpus(task, mask);
	if (cpus)
		cpumask_and(mask, mask, cpus);
	rcu_read_unlock();
}

/* Takes from what is allowed what somebody does not want, unless that would be all. */
static void choose(struct cpumask *allowed, const struct cpumask *want)
{
	if (has_active(allowed, want))
		cpumask_and(allowed, allowed, want);
}

static bool confined(struct task_struct *task)
{
	bool yes;

	rcu_read_lock();
	yes = task_confined(task);
	rcu_read_unlock();
	return yes;
}

/* What the kernel allows a task by itself. */
static void kernel_allows(struct task_struct *task, struct cpumask *mask)
{
	container_hook_call(cpus_hooks[HOOK_ALLOWED].body, (unsigned long)task,
			    (unsigned long)mask, 0);
}

/* --- calls that set an affinity ---------------------------------------------- */

/**
 * struct affinity_call - an affinity is being set
 * @node: link in its bucket, while the kernel is doing it
 * @caller: who sets it
 * @task: whose
 * @member: the task was confined when it began; then the rest is there
 * @refused: it would have had what it may not have any more
 * @noted: @wish is the task's, and now holds what was that before
 * @kernel: what the kernel allows the task by itself
 * @target: what the task is to have
 * @wish: what was asked for
 */
struct affinity_call {
	struct hlist_node node;
	struct task_struct *caller, *task;
	bool member, refused, noted;
	cpumask_var_t kernel, target;
	struct wish *wish;
};

/* Calls by their callers, for hook_commit(). The locks are taken with interrupts off. */
#define CALL_BITS 8

static struct call_bucket {
	raw_spinlock_t lock;
	struct hlist_head calls;
} call_buckets[1 << CALL_BITS];

/* Calls of who holds the manage lock; its masks are there from the start. */
static struct affinity_call manager;

static struct call_bucket *call_bucket(const struct task_struct *caller)
{
	return &call_buckets[hash_ptr((void *)caller, CALL_BITS)];
}

/* Calls a function of the kernel's that sets the affinity of @call->task. */
static long call_kernel(struct affinity_call *call, int hook, unsigned long task,
			const struct cpumask *mask)
{
	struct call_bucket *b = call_bucket(current);
	unsigned long flags;
	long err;

	call->caller = current;
	call->refused = false;
	raw_spin_lock_irqsave(&b->lock, flags);
	hlist_add_head(&call->node, &b->calls);
	raw_spin_unlock_irqrestore(&b->lock, flags);

	err = container_hook_call(cpus_hooks[hook].body, task, (unsigned long)mask, 0);

	raw_spin_lock_irqsave(&b->lock, flags);
	hlist_del(&call->node);
	raw_spin_unlock_irqrestore(&b->lock, flags);
	return err;
}

static int call_set(struct affinity_call *call, const struct cpumask *mask)
{
	return call_kernel(call, HOOK_SET, (unsigned long)call->task, mask);
}

/* May the task of a call have this affinity, by the setting that holds now? */
static bool call_may_set(const struct affinity_call *call, const struct cpumask *mask)
{
	struct task_struct *task = call->task;
	const struct cpumask *cpus;
	struct container *cont;
	bool yes = true;

	rcu_read_lock();
	cont = task_container(task, &cpuset_subsys);
	if (cont->parent && may_narrow(task) &&
	    !cpumask_subset(mask, setting_cpus(setting_of(cont)))) {
		cpus = call->member ? nearest_cpus(task, call->kernel) : cpu_none_mask;
		yes = !cpus || cpumask_subset(mask, cpus);
	}
	rcu_read_unlock();
	return yes;
}

/*
 * set_cpus_allowed_common() is given a mask, or from 6.2 on a structure of the scheduler's
 * own that begins with a pointer to one, and is all zero otherwise where nothing special
 * is wanted. Which it is turns out when it is called for a mask that we know.
 */
static enum { COMMIT_UNKNOWN, COMMIT_MASK, COMMIT_CONTEXT } commit_takes;

#define CONTEXT_WORDS 8
static DEFINE_PER_CPU(unsigned long [CONTEXT_WORDS], commit_context);

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
 * The scheduler changes an affinity, with the locks of the task and of its runqueue held.
 * In place of one that the task may not have, it keeps what it has, and the CPU that it
 * is on. If that is not among the others, somebody is just taking the task away from
 * there; he looks again when he is told that it is done.
 */
static void notrace hook_commit(unsigned long ip, unsigned long parent_ip,
				struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	struct task_struct *task = (void *)container_hook_arg(fregs, 0);
	unsigned long arg = container_hook_arg(fregs, 1), *context;
	struct affinity_call *call;
	struct cpumask *mask;

	/* a task that stays where it is for a while, or does so no longer, is no matter of ours */
	if (!in_task() || (task == current && compat_migration_disabled(task)))
		return;
	call = call_of_current(task);
	if (!call || call_may_set(call, commit_mask(arg)))
		return;
	call->refused = true;
	mask = this_cpu_ptr(commit_masks);
	cpumask_copy(mask, &task->cpus_mask);
	cpumask_set_cpu(task_cpu(task), mask);
	if (commit_takes == COMMIT_MASK) {
		container_hook_set_arg(fregs, 1, (unsigned long)mask);
	} else {
		context = *this_cpu_ptr(&commit_context);
		context[0] = (unsigned long)mask;
		container_hook_set_arg(fregs, 1, (unsigned long)context);
	}
}

/* Is it about a member? Then it needs more. */
static int call_begin(struct affinity_call *call)
{
	call->member = confined(call->task);
	if (!call->member || call->wish)
		return 0;
	/* callers may hold what reclaim to a file system would want */
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

/* Was it refused, or has the task come or gone meanwhile? */
static bool call_again(struct affinity_call *call, long err)
{
	return call->refused || (!err && confined(call->task) != call->member);
}

static void call_end(struct affinity_call *call)
{
	if (!call->wish && !call->noted)
		return;
	wish_put(call->wish);
	free_cpumask_var(call->target);
	free_cpumask_var(call->kernel);
}

/* --- what members want -------------------------------------------------------- */

/* Something else is wanted for a member. */
static void note_wish(struct task_struct *task, void *data, void *arg)
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
static void settle(struct affinity_call *call)
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

/* --- the hooks --------------------------------------------------------------- */

/* Runs in place of cpuset_cpus_allowed(); does not sleep. */
static void cpus_allowed(struct task_struct *task, struct cpumask *mask)
{
	kernel_allows(task, mask);
	narrow(task, mask);
}

static void notrace hook_cpus_allowed(unsigned long ip, unsigned long parent_ip,
				      struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	container_hook_redirect(fregs, cpus_allowed);
}

/* Runs in place of set_cpus_allowed_ptr(). May sleep. */
static int affinity_set(struct task_struct *task, const struct cpumask *mask)
{
	struct affinity_call call = { .task = task };
	int err;

	container_hook_enter(&affinity_callers);
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
	container_hook_leave(&affinity_callers);
	return err;
}

static void notrace hook_affinity_set(unsigned long ip, unsigned long parent_ip,
				      struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	container_hook_redirect(fregs, affinity_set);
}

static struct task_struct *task_by_pid(pid_t pid)
{
	return pid ? pid_task(find_vpid(pid), PIDTYPE_PID) : current;
}

/* With a reference. If there is none, the call will say so. */
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
 * Does a number lead to another member than it did? Who passes numbers on can keep a call
 * of his own busy by that, but not whoever unbinds us: there are no members then.
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
 * Runs in place of sched_setaffinity(). May sleep. The kernel looks for the task after us:
 * if it may have found another one, which nobody looked after, this begins again.
 */
static long affinity_syscall(pid_t pid, const struct cpumask *mask)
{
	struct affinity_call call = {};
	long err;

	container_hook_enter(&affinity_callers);
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
		cpumask_copy(wish_cpus(call.wish), mask);
		rcu_read_lock();
		/* still the same: it was this one that the call found */
		if (task_by_pid(pid) == call.task)
			container_for_task(call.task, &cpuset_subsys, note_wish, &call);
		rcu_read_unlock();
		if (call.noted)
			settle(&call);
	}
	call_end(&call);
	put_task_struct(call.task);
	container_hook_leave(&affinity_callers);
	return err;
}

static void notrace hook_affinity_syscall(unsigned long ip, unsigned long parent_ip,
					  struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	container_hook_redirect(fregs, affinity_syscall);
}

/* Sets an affinity by force, with the task's pi_lock held; not what the user asked for. */
static void force_affinity(struct task_struct *task, const struct cpumask *mask)
{
	void *user = compat_hide_user_cpus(task);

	container_hook_call(force_affinity_fn, (unsigned long)task, (unsigned long)mask, 0);
	compat_show_user_cpus(task, user);
}

/*
 * Runs in place of cpuset_cpus_allowed_fallback(). The scheduler, with the task's pi_lock
 * held and interrupts off, has no CPU for it. The nearest container that has one takes it;
 * members will be moved there, see hotplug.c.
 */
static bool fallback(struct task_struct *task)
{
	struct cpumask *mask;

	if (confined(task)) {
		mask = this_cpu_ptr(fallback_masks);
		kernel_allows(task, mask);
		narrow(task, mask);
		if (has_active(mask, cpu_active_mask)) {
			force_affinity(task, mask);
			return true;
		}
	}
	return container_hook_call(cpus_hooks[HOOK_FALLBACK].body, (unsigned long)task, 0, 0) & 1;
}

static void notrace hook_fallback(unsigned long ip, unsigned long parent_ip,
				  struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	container_hook_redirect(fregs, fallback);
}

static struct container_hook cpus_hooks[CPUS_HOOKS] = {
	[HOOK_ALLOWED] = {
		.name = "cpuset_cpus_allowed",
		.type = CONTAINER_HOOK_OVERRIDE,
		.handler = hook_cpus_allowed,
	},
	[HOOK_FALLBACK] = {
		.name = "cpuset_cpus_allowed_fallback",
		.type = CONTAINER_HOOK_OVERRIDE,
		.handler = hook_fallback,
	},
	[HOOK_COMMIT] = {
		.name = "set_cpus_allowed_common",
		.type = CONTAINER_HOOK_ENTRY,
		.handler = hook_commit,
	},
	[HOOK_SET] = {
		.name = "set_cpus_allowed_ptr",
		.type = CONTAINER_HOOK_OVERRIDE,
		.handler = hook_affinity_set,
	},
	[HOOK_SYSCALL] = {
		.name = "sched_setaffinity",
		.type = CONTAINER_HOOK_OVERRIDE,
		.handler = hook_affinity_syscall,
	},
};

/* --- members ----------------------------------------------------------------- */

/**
 * cpus_publish - a container's setting changes
 * @cont: the container
 * @new: what it is from now on; cpus_apply() has to follow for each member
 *
 * Context: manage lock held.
 */
void cpus_publish(struct container *cont, struct setting *new)
{
	struct cpuset *cs = container_cpuset(cont);
	struct setting *old = setting_locked(cont);

	rcu_assign_pointer(cs->setting, new);
	kfree_rcu(old, rcu);
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

/*
 * What a task would have without us, within what the kernel allows, which @mask is. The
 * kernel allows no CPU that is offline; but a task that is not restricted otherwise has
 * it back when it comes online.
 */
static void unconfine(struct cpumask *mask, struct wish *wish)
{
	const struct cpumask *want = wish ? wish_cpus(wish) : cpu_possible_mask;

	if (!has_active(mask, want))
		return;
	if (cpumask_subset(cpu_active_mask, mask))
		cpumask_copy(mask, want);
	else
		cpumask_and(mask, mask, want);
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

/**
 * cpus_fork - see to it that a new task runs where it may
 * @child: the task; it has not run yet
 * @wish: what it wants; NULL: anything
 *
 * A setting that is published later is applied to the child by the publisher, who takes
 * the same lock.
 *
 * Context: that of fork().
 */
void cpus_fork(struct task_struct *child, struct wish *wish)
{
	struct cpumask *mask = this_cpu_ptr(fork_masks);
	unsigned long flags;

	if (!may_narrow(child))
		return;
	kernel_allows(child, mask);
	raw_spin_lock_irqsave(&child->pi_lock, flags);
	narrow(child, mask);
	if (wish)
		choose(mask, wish_cpus(wish));
	if (!cpumask_equal(&child->cpus_mask, mask))
		force_affinity(child, mask);
	raw_spin_unlock_irqrestore(&child->pi_lock, flags);
}

/**
 * cpus_fork_release - a new task that has not run yet leaves for the root
 * @child: the task
 * @wish: what it would have without us; NULL: anything
 *
 * Context: that of attach().
 */
void cpus_fork_release(struct task_struct *child, struct wish *wish)
{
	struct cpumask *mask = this_cpu_ptr(fork_masks);
	unsigned long flags;

	if (!may_narrow(child))
		return;
	kernel_allows(child, mask);
	unconfine(mask, wish);
	raw_spin_lock_irqsave(&child->pi_lock, flags);
	force_affinity(child, mask);
	raw_spin_unlock_irqrestore(&child->pi_lock, flags);
}

/* --- binding ----------------------------------------------------------------- */

static int nothing(void *arg)
{
	return 0;
}

/* Sets the affinity of a thread that never runs, to see whether we get to know of it. */
static int try_commit(void)
{
	struct task_struct *thread;

	if (commit_takes != COMMIT_UNKNOWN || num_possible_cpus() == 1)
		return 0;
	thread = kthread_create(nothing, NULL, "container_cpuset");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	manager.task = thread;
	manager.member = false;
	cpumask_copy(manager.target, cpumask_of(cpumask_first(cpu_active_mask)));
	call_set(&manager, manager.target);
	kthread_stop(thread);
	if (commit_takes != COMMIT_UNKNOWN)
		return 0;
	container_feature_lost("cpuset.cpus",
			       "this kernel's set_cpus_allowed_common() is not as it should be");
	return -EOPNOTSUPP;
}

/**
 * cpus_bind - begin to confine
 *
 * Context: manage lock held; sleeps.
 * Return: 0, or the errno of arming the hooks.
 */
int cpus_bind(void)
{
	int err = container_hooks_arm(cpus_hooks, ARRAY_SIZE(cpus_hooks));

	if (err)
		return err;
	err = try_commit();
	if (err)
		cpus_unbind();
	return err;
}

/**
 * cpus_unbind - the end of that
 *
 * Context: manage lock held; sleeps. No task is below the root.
 */
void cpus_unbind(void)
{
	container_hooks_disarm(cpus_hooks, ARRAY_SIZE(cpus_hooks));
	container_hook_wait_callers(&affinity_callers);
}

void cpus_exit(void)
{
	container_hooks_forget(cpus_hooks, ARRAY_SIZE(cpus_hooks));
	free_cpumask_var(manager.target);
	free_cpumask_var(manager.kernel);
	free_percpu(commit_masks);
	free_percpu(fallback_masks);
	free_percpu(fork_masks);
}

static struct cpumask __percpu *alloc_masks(void)
{
	return (struct cpumask __percpu *)__alloc_percpu(cpumask_size(), sizeof(long));
}

int cpus_init(void)
{
	static const struct container_symbol symbols[] = {
		{
			.name = COMPAT_FORCE_AFFINITY,
			.alt = COMPAT_FORCE_AFFINITY_OLD,
			.address = &force_affinity_fn,
		},
	};
	static const struct container_feature feature = {
		.name = "cpuset.cpus",
		.symbols = symbols,
		.nr_symbols = ARRAY_SIZE(symbols),
		.hooks = cpus_hooks,
		.nr_hooks = ARRAY_SIZE(cpus_hooks),
	};
	int i, err;

	err = container_feature_find(&feature);
	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(call_buckets); i++)
		raw_spin_lock_init(&call_buckets[i].lock);
	fork_masks = alloc_masks();
	fallback_masks = alloc_masks();
	commit_masks = alloc_masks();
	if (zalloc_cpumask_var(&manager.kernel, GFP_KERNEL) &&
	    zalloc_cpumask_var(&manager.target, GFP_KERNEL) && fork_masks && fallback_masks &&
	    commit_masks)
		return 0;
	cpus_exit();
	return -ENOMEM;
}
