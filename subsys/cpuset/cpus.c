// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs: what the kernel may let a member run on.
 *
 * Whatever sets a task's affinity asks one of two functions to do it, which we run our
 * own versions of: sched_setaffinity(), of the system call, and set_cpus_allowed_ptr(),
 * of the rest of the kernel, its own cpusets included. The first asks
 * cpuset_cpus_allowed() for what there is to choose from, and we narrow its answer; for
 * the second we narrow the mask. A CPU that goes away makes the scheduler ask
 * cpuset_cpus_allowed_fallback() where to put a task that has no other; we answer that.
 *
 * Narrowing goes by the nearest container, from the task's own up, that has an active
 * CPU in common with the mask. At the root nothing is taken away, so that the kernel's
 * own choice prevails where nothing is in common.
 *
 * What a member would have without us is remembered (its struct confined), and what it
 * gets is worked out from that and from what is allowed now: what both have in common,
 * or what is allowed if that is nothing.
 *
 * affinity_lock orders all this. Held for reading while somebody sets the affinity of a
 * task at the root; for writing while the affinity of a member or a setting changes. So
 * no call that began with an old setting is still under way when a new one is
 * published, and nobody ever runs, not for a moment, where a setting that was written
 * before does not let him. Inside it: the locks of the scheduler and of a task's entry.
 * It is taken inside cpu_hotplug_lock, the manage lock, and whatever callers of
 * set_cpus_allowed_ptr() hold; nothing of that is taken inside it.
 *
 * A fork copies the affinity of the parent, which is within the setting, and most
 * forks cost nothing more. If that changed meanwhile, or a change is under way, the child
 * gets its own before it runs for the first time, see cpus_fork().
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/percpu.h>
#include <linux/pid.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "compat_cpuset.h"
#include "cpuset.h"
#include "hook.h"

static DECLARE_RWSEM(affinity_lock);
/* Who holds it for writing, for the hooks: only that task ever finds itself here. */
static struct task_struct *affinity_owner;
/* The owner wants to know what the kernel allows by itself. */
static bool affinity_raw;
/* Masks for the owner. */
static struct cpumask target, wanted;

/* Tasks in the functions that we run in place of the kernel's. */
static DEFINE_PER_CPU(long, affinity_callers);
/* A mask on each CPU: for a fork, with preemption off, and for the scheduler. */
static struct cpumask __percpu *fork_masks, *fallback_masks;

/* void cpuset_cpus_allowed(struct task_struct *, struct cpumask *) */
static void *cpus_allowed_fn;
/* void set_cpus_allowed_force(struct task_struct *, const struct cpumask *) */
static void *force_affinity_fn;

static void affinity_own(void)
{
	down_write(&affinity_lock);
	WRITE_ONCE(affinity_owner, current);
}

static void affinity_disown(void)
{
	WRITE_ONCE(affinity_owner, NULL);
	up_write(&affinity_lock);
}

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

static void narrow(struct task_struct *task, struct cpumask *mask)
{
	const struct cpumask *cpus;

	rcu_read_lock();
	cpus = nearest_cpus(task, mask);
	if (cpus)
		cpumask_and(mask, mask, cpus);
	rcu_read_unlock();
}

/* --- the hooks --------------------------------------------------------------- */

enum { HOOK_ALLOWED, HOOK_FALLBACK, HOOK_SET, HOOK_SYSCALL, CPUS_HOOKS };
static struct container_hook cpus_hooks[CPUS_HOOKS];

/* Runs in place of cpuset_cpus_allowed(); does not sleep. */
static void cpus_allowed(struct task_struct *task, struct cpumask *mask)
{
	container_hook_call(cpus_hooks[HOOK_ALLOWED].body, (unsigned long)task,
			    (unsigned long)mask, 0);
	if (READ_ONCE(affinity_owner) != current || !affinity_raw)
		narrow(task, mask);
}

CONTAINER_HOOK_HANDLER(hook_cpus_allowed, regs)
{
	container_hook_redirect(regs, cpus_allowed);
}

static bool confined(struct task_struct *task)
{
	bool yes;

	rcu_read_lock();
	yes = task_confined(task);
	rcu_read_unlock();
	return yes;
}

/* What somebody wants for a task, and the record to keep it in if it has none. */
struct wish {
	const struct cpumask *mask;
	struct confined *spare;
};

/* Its affinity was set. */
static void remember(struct task_struct *task, u64 *words, void *arg)
{
	struct confined *c = words_confined(words);
	struct wish *wish = arg;

	if (!confined(task))
		return;
	if (!c) {
		if (!restricts(wish->mask))
			return;
		c = wish->spare;
		wish->spare = NULL;
		words_confine(words, c);
		container_mark(task, &cpuset_subsys, true);
	}
	cpumask_copy(confined_want(c), wish->mask);
	c->fresh = false;
}

/*
 * Takes the lock for somebody who sets the affinity of a task. It may become a member,
 * or cease to be one, only before; or after, if it is one: then it loses what was set.
 *
 * Return: 1 if it is a member, 0 if not; -ENOMEM, and the lock is not held.
 */
static int affinity_begin(struct task_struct *task, struct wish *wish)
{
	container_hook_enter(&affinity_callers);
	down_read(&affinity_lock);
	if (!confined(task))
		return 0;
	up_read(&affinity_lock);
	/* callers may hold what reclaim to a file system would want */
	wish->spare = confined_alloc(GFP_NOIO);
	if (!wish->spare)
		return -ENOMEM;
	affinity_own();
	return 1;
}

static void affinity_end(int member, struct wish *wish)
{
	if (member > 0)
		affinity_disown();
	else if (!member)
		up_read(&affinity_lock);
	kfree(wish->spare);
	container_hook_leave(&affinity_callers);
}

/*
 * Runs in place of set_cpus_allowed_ptr(). May sleep. A task that is new wants what its
 * parent wants, whatever the kernel gives it on the way.
 */
static int affinity_set(struct task_struct *task, const struct cpumask *mask)
{
	void *original = cpus_hooks[HOOK_SET].body;
	struct wish wish = { .mask = mask };
	int err, member;

	/* who owns the lock knows what he does */
	if (READ_ONCE(affinity_owner) == current)
		return container_hook_call(original, (unsigned long)task, (unsigned long)mask, 0);
	member = affinity_begin(task, &wish);
	if (member < 0) {
		err = member;
	} else if (!member || !may_narrow(task)) {
		err = container_hook_call(original, (unsigned long)task, (unsigned long)mask, 0);
	} else {
		cpumask_copy(&target, mask);
		narrow(task, &target);
		err = container_hook_call(original, (unsigned long)task, (unsigned long)&target,
					  0);
		if (!err && !compat_is_new(task))
			container_for_task(task, &cpuset_subsys, remember, &wish);
	}
	affinity_end(member, &wish);
	return err;
}

CONTAINER_HOOK_HANDLER(hook_affinity_set, regs)
{
	container_hook_redirect(regs, affinity_set);
}

static struct task_struct *task_by_pid(pid_t pid)
{
	return pid ? pid_task(find_vpid(pid), PIDTYPE_PID) : current;
}

/* Runs in place of sched_setaffinity(). May sleep. */
static long affinity_syscall(pid_t pid, const struct cpumask *mask)
{
	struct wish wish = { .mask = mask };
	struct task_struct *task;
	int member;
	long err;

	rcu_read_lock();
	task = task_by_pid(pid);
	if (task)
		get_task_struct(task);
	rcu_read_unlock();

	/* without one, the call will say so */
	member = affinity_begin(task ?: current, &wish);
	err = member < 0 ? member :
	      container_hook_call(cpus_hooks[HOOK_SYSCALL].body, pid, (unsigned long)mask, 0);
	if (!err && member && task) {
		rcu_read_lock();
		/* still the same: it was this one that the call found */
		if (task_by_pid(pid) == task)
			container_for_task(task, &cpuset_subsys, remember, &wish);
		rcu_read_unlock();
	}
	affinity_end(member, &wish);
	if (task)
		put_task_struct(task);
	return err;
}

CONTAINER_HOOK_HANDLER(hook_affinity_syscall, regs)
{
	container_hook_redirect(regs, affinity_syscall);
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
		container_hook_call(cpus_allowed_fn, (unsigned long)task, (unsigned long)mask, 0);
		/* it may be narrow already: not if we interrupt an owner that wants it raw */
		narrow(task, mask);
		if (has_active(mask, cpu_active_mask)) {
			container_hook_call(force_affinity_fn, (unsigned long)task,
					    (unsigned long)mask, 0);
			return true;
		}
	}
	return container_hook_call(cpus_hooks[HOOK_FALLBACK].body, (unsigned long)task, 0, 0) & 1;
}

CONTAINER_HOOK_HANDLER(hook_fallback, regs)
{
	container_hook_redirect(regs, fallback);
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
 * Context: manage lock held; sleeps.
 */
void cpus_publish(struct container *cont, struct setting *new)
{
	struct cpuset *cs = container_cpuset(cont);
	struct setting *old = setting_locked(cont);

	affinity_own();
	rcu_assign_pointer(cs->setting, new);
	affinity_disown();
	kfree_rcu(old, rcu);
}

/* What it wants; the first time, that is what it has. Most want whatever there is. */
static void recall(struct task_struct *task, u64 *words, void *known)
{
	struct confined *c = words_confined(words);

	if (!c)
		return;
	if (c->fresh) {
		cpumask_copy(confined_want(c), &task->cpus_mask);
		c->fresh = false;
		if (!restricts(confined_want(c)) && !c->spread) {
			words_confine(words, NULL);
			kfree_rcu(c, rcu);
			return;
		}
	}
	cpumask_copy(&wanted, confined_want(c));
	*(bool *)known = true;
}

/* What the kernel allows a task by itself. We own the lock. */
static void target_raw(struct task_struct *task)
{
	affinity_raw = true;
	container_hook_call(cpus_allowed_fn, (unsigned long)task, (unsigned long)&target, 0);
	affinity_raw = false;
}

/**
 * cpus_apply - put a member on the CPUs that it may run on
 * @task: the task, with a reference of the caller's
 *
 * Context: manage lock held; sleeps. When it returns the task is there.
 */
void cpus_apply(struct task_struct *task)
{
	bool known = false;

	if (!may_narrow(task))
		return;
	/* an active CPU that was found stays until it is set */
	cpus_read_lock();
	affinity_own();
	container_for_task(task, &cpuset_subsys, recall, &known);
	target_raw(task);
	narrow(task, &target);
	if (known && has_active(&target, &wanted))
		cpumask_and(&target, &target, &wanted);
	set_cpus_allowed_ptr(task, &target);
	affinity_disown();
	cpus_read_unlock();
}

/**
 * cpus_release - give a task back what it would have without us
 * @task: the task, at the root by now, with a reference of the caller's
 * @want: what that is, within what the kernel allows
 *
 * The kernel allows no CPU that is offline; but whoever is not restricted otherwise has
 * it back when it comes online.
 *
 * Context: manage lock held; sleeps.
 */
void cpus_release(struct task_struct *task, const struct cpumask *want)
{
	if (!may_narrow(task))
		return;
	cpus_read_lock();
	affinity_own();
	target_raw(task);
	if (has_active(&target, want)) {
		if (cpumask_subset(cpu_active_mask, &target))
			cpumask_copy(&target, want);
		else
			cpumask_and(&target, &target, want);
	}
	set_cpus_allowed_ptr(task, &target);
	affinity_disown();
	cpus_read_unlock();
}

static void force_affinity(struct task_struct *child, const struct cpumask *mask)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&child->pi_lock, flags);
	container_hook_call(force_affinity_fn, (unsigned long)child, (unsigned long)mask, 0);
	raw_spin_unlock_irqrestore(&child->pi_lock, flags);
}

/**
 * cpus_fork - see to it that a new task runs where it may
 * @child: the task, of which the current one is the parent; it has not run yet
 * @c: what we keep for it, or NULL
 * @due: a change of the container has yet to be applied to it
 *
 * The child has the affinity that its parent had at the beginning of the fork. If the
 * parent has the same now, no change is due, and that affinity is within the setting,
 * then there is nothing to do.
 *
 * Context: that of fork().
 * Return: there was nothing to do.
 */
bool cpus_fork(struct task_struct *child, struct confined *c, bool due)
{
	struct cpumask *mask = this_cpu_ptr(fork_masks);
	struct setting *s;
	bool fine;

	if (!may_narrow(child))
		return true;
	rcu_read_lock();
	s = setting_of(task_container(child, &cpuset_subsys));
	fine = !due && cpumask_subset(&child->cpus_mask, setting_cpus(s)) &&
	       cpumask_equal(&child->cpus_mask, &current->cpus_mask);
	rcu_read_unlock();
	if (c && c->fresh) {
		cpumask_copy(confined_want(c), &child->cpus_mask);
		c->fresh = false;
	}
	if (likely(fine))
		return true;
	/* narrowed, as for anybody who asks */
	container_hook_call(cpus_allowed_fn, (unsigned long)child, (unsigned long)mask, 0);
	if (c && has_active(mask, confined_want(c)))
		cpumask_and(mask, mask, confined_want(c));
	force_affinity(child, mask);
	return false;
}

/**
 * cpus_fork_release - a new task that has not run yet leaves for the root
 * @child: the task
 * @want: what it would have without us
 *
 * Context: that of attach().
 */
void cpus_fork_release(struct task_struct *child, const struct cpumask *want)
{
	force_affinity(child, has_active(want, cpu_active_mask) ? want : cpu_possible_mask);
}

/* --- binding ----------------------------------------------------------------- */

/**
 * cpus_bind - begin to confine
 *
 * Context: manage lock held; sleeps.
 * Return: 0, or the errno of arming the hooks.
 */
int cpus_bind(void)
{
	return container_hooks_arm(cpus_hooks, ARRAY_SIZE(cpus_hooks));
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
	free_percpu(fallback_masks);
	free_percpu(fork_masks);
}

static struct cpumask __percpu *alloc_masks(void)
{
	return (struct cpumask __percpu *)__alloc_percpu(cpumask_size(), sizeof(long));
}

int cpus_init(void)
{
	cpus_allowed_fn = container_hook_symbol("cpuset_cpus_allowed");
	force_affinity_fn = compat_find_force_affinity();
	if (!cpus_allowed_fn || !force_affinity_fn) {
		pr_err("this kernel has no %s\n",
		       cpus_allowed_fn ? "do_set_cpus_allowed" : "cpuset_cpus_allowed");
		return -EOPNOTSUPP;
	}
	fork_masks = alloc_masks();
	fallback_masks = alloc_masks();
	if (fork_masks && fallback_masks)
		return 0;
	cpus_exit();
	return -ENOMEM;
}
