// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs: answers the kernel's questions on which CPUs a member may run.
 *
 * Code that sets a task's affinity asks cpuset_cpus_allowed() which CPUs there are to choose
 * from, or affinity.c does so for it. cpus_allowed() runs in its place and narrows the kernel's
 * answer. When a CPU goes away, the scheduler asks cpuset_cpus_allowed_fallback() where to put a
 * task that has no other CPU; that is answered here as well.
 *
 * The answer is narrowed to the nearest container, from the task's own upwards, that has an
 * active CPU in common with what the kernel allows. The root takes nothing away, so that the
 * kernel's choice prevails where nothing is in common.
 *
 * The affinity that a member would have without its container is kept in its struct wish. The
 * affinity that it gets is what the wish and the allowed CPUs have in common, or all that is
 * allowed if that is nothing. wish.c sets it.
 *
 * A fork copies the affinity of the parent. If the child has to have another one, it gets that
 * before it runs for the first time: see cpus_fork().
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "compat_cpuset.h"
#include "container_hook.h"
#include "cpus.h"
#include "private.h"

/* Per-CPU masks: two for a fork, with preemption disabled, and one for the scheduler's fallback. */
static struct cpumask __percpu *fork_masks, *allowed_masks, *fallback_masks;

/* set_cpus_allowed_force(), under either name: see compat_cpuset.h. */
static void *force_affinity_fn;
CONTAINER_KERNEL_FN(void, call_force_affinity, struct task_struct *task,
		    const struct cpumask *mask);
CONTAINER_KERNEL_FN(void, call_cpus_allowed, struct task_struct *task, struct cpumask *mask);
CONTAINER_KERNEL_FN(bool, call_fallback, struct task_struct *task);

/* --- narrowing --------------------------------------------------------------- */

/* Have two masks an active CPU in common? */
static bool has_active(const struct cpumask *a, const struct cpumask *b)
{
	int cpu;

	for_each_cpu_and(cpu, a, b)
		if (cpu_active(cpu))
			return true;
	return false;
}

/* The CPUs of the nearest container with some of a mask; NULL if that is the root. Under RCU. */
const struct cpumask *nearest_cpus(struct task_struct *task, const struct cpumask *mask)
{
	const struct cpumask *cpus;
	struct container *cont;

	for (cont = task_container(task, &cpuset_subsys); cont->parent; cont = cont->parent) {
		/* read once: another setting may be published meanwhile */
		cpus = setting_cpus(setting_of(cont));
		if (has_active(mask, cpus))
			return cpus;
	}
	return NULL;
}

/* May a task be confined? Threads that the kernel has bound to their CPUs are left alone. */
bool may_narrow(struct task_struct *task)
{
	return (task->flags & (PF_KTHREAD | PF_NO_SETAFFINITY)) !=
	       (PF_KTHREAD | PF_NO_SETAFFINITY);
}

/* Narrows @mask, which the kernel allows a task, to the CPUs that its container allows. */
void narrow(struct task_struct *task, struct cpumask *mask)
{
	const struct cpumask *cpus;

	rcu_read_lock();
	cpus = nearest_cpus(task, mask);
	if (cpus)
		cpumask_and(mask, mask, cpus);
	rcu_read_unlock();
}

/* Narrows the allowed CPUs to the wanted ones, unless none would be left. */
void choose(struct cpumask *allowed, const struct cpumask *want)
{
	if (has_active(allowed, want))
		cpumask_and(allowed, allowed, want);
}

/* task_confined(), for a caller that is not under RCU. */
bool confined(struct task_struct *task)
{
	bool yes;

	rcu_read_lock();
	yes = task_confined(task);
	rcu_read_unlock();
	return yes;
}

/* Sets @mask to the CPUs that the kernel by itself allows a task. Does not sleep. */
void kernel_allows(struct task_struct *task, struct cpumask *mask)
{
	call_cpus_allowed(cpus_hooks[HOOK_ALLOWED].body, task, mask);
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

/* Sets an affinity that the user did not ask for, with the task's pi_lock held. */
static void force_affinity(struct task_struct *task, const struct cpumask *mask)
{
	void *user = compat_hide_user_cpus(task);

	call_force_affinity(force_affinity_fn, task, mask);
	compat_show_user_cpus(task, user);
}

/*
 * Runs in place of cpuset_cpus_allowed_fallback(): the scheduler has no CPU for the task, whose
 * pi_lock it holds, with interrupts disabled. The task gets the CPUs of the nearest container
 * that has any; hotplug.c will move it there, or give it back what it had if the CPU that was
 * going stays. On a CPU that is offline already it will not stay, and irq_work would not run.
 */
static bool fallback(struct task_struct *task)
{
	struct cpumask *mask;

	if (confined(task)) {
		if (cpu_online(raw_smp_processor_id()))
			hotplug_repair(NULL);
		mask = this_cpu_ptr(fallback_masks);
		kernel_allows(task, mask);
		narrow(task, mask);
		if (has_active(mask, cpu_active_mask)) {
			force_affinity(task, mask);
			return true;
		}
	}
	return call_fallback(cpus_hooks[HOOK_FALLBACK].body, task);
}

static void notrace hook_fallback(unsigned long ip, unsigned long parent_ip,
				  struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	container_hook_redirect(fregs, fallback);
}

struct container_hook cpus_hooks[CPUS_HOOKS] = {
	[HOOK_NEWTASK] = {
		.name = "task_newtask",
		.type = CONTAINER_HOOK_TRACEPOINT,
		.handler = cpuset_probe_newtask,
	},
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

/* --- settings and new tasks --------------------------------------------------- */

/**
 * cpus_publish - publish a container's new setting
 * @cont: the container
 * @new: the setting; the caller has to apply it to each member afterwards
 *
 * Context: manage lock held.
 */
void cpus_publish(struct container *cont, struct setting *new)
{
	struct cpuset *cs = container_cpuset(cont);
	struct setting *old = setting_locked(cont);

	container_assert_managed();
	rcu_assign_pointer(cs->setting, new);
	kfree_rcu(old, rcu);
}

/*
 * Turns @mask, which the kernel allows a task, into the affinity that the task has at the root. It
 * is the task's wish, narrowed to @mask. But the kernel allows no CPU that is offline: if it
 * excludes no other one, the whole wish is kept, so that the task gets such CPUs back.
 */
void unconfine(struct cpumask *mask, struct wish *wish)
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
 * narrow_to_user - narrow an affinity to the CPUs that the user asked for, as the kernel does
 * @task: the task
 * @mask: the affinity; it stays as it is if it has none of these, or if the kernel does not keep
 *	them
 *
 * Context: the task's pi_lock held.
 */
void narrow_to_user(struct task_struct *task, struct cpumask *mask)
{
	const struct cpumask *user = compat_user_cpus(task);

	if (user && cpumask_intersects(mask, user))
		cpumask_and(mask, mask, user);
}

/*
 * Has the kernel changed what it allows a task since it was @before? Then it may have set the
 * affinity, too, which has just been replaced. @mask is overwritten.
 */
static bool allows_other(struct task_struct *task, const struct cpumask *before,
			 struct cpumask *mask)
{
	kernel_allows(task, mask);
	return !cpumask_equal(mask, before);
}

/**
 * cpus_fork - give a new task the affinity that it may have
 * @child: the task, which has not run yet
 * @wish: its wish; NULL if it has no restriction
 *
 * If a setting is published later, the publisher applies it to the child, for which it takes
 * the child's pi_lock, too.
 *
 * Context: in fork().
 */
void cpus_fork(struct task_struct *child, struct wish *wish)
{
	struct cpumask *mask = this_cpu_ptr(fork_masks), *allowed = this_cpu_ptr(allowed_masks);
	unsigned long flags;

	if (!may_narrow(child))
		return;
	do {
		kernel_allows(child, allowed);
		cpumask_copy(mask, allowed);
		raw_spin_lock_irqsave(&child->pi_lock, flags);
		narrow(child, mask);
		if (wish)
			choose(mask, wish_cpus(wish));
		narrow_to_user(child, mask);
		if (!cpumask_equal(&child->cpus_mask, mask))
			force_affinity(child, mask);
		raw_spin_unlock_irqrestore(&child->pi_lock, flags);
	} while (allows_other(child, allowed, mask));
}

/**
 * cpus_fork_release - give a new task, which has not run yet, its wish at the root
 * @child: the task
 * @wish: its wish; NULL if it has no restriction
 *
 * Context: preemption disabled.
 */
void cpus_fork_release(struct task_struct *child, struct wish *wish)
{
	struct cpumask *mask = this_cpu_ptr(fork_masks), *allowed = this_cpu_ptr(allowed_masks);
	unsigned long flags;

	if (!may_narrow(child))
		return;
	do {
		kernel_allows(child, allowed);
		cpumask_copy(mask, allowed);
		unconfine(mask, wish);
		raw_spin_lock_irqsave(&child->pi_lock, flags);
		narrow_to_user(child, mask);
		force_affinity(child, mask);
		raw_spin_unlock_irqrestore(&child->pi_lock, flags);
	} while (allows_other(child, allowed, mask));
}

/* --- binding ----------------------------------------------------------------- */

/**
 * cpus_bind - begin to confine tasks
 *
 * Context: in bind(); sleeps.
 * Return: 0, or the errno of arming the hooks.
 */
int cpus_bind(void)
{
	int err = container_hooks_arm(cpus_hooks, ARRAY_SIZE(cpus_hooks));

	if (err)
		return err;
	container_manage_lock();
	err = affinity_try();
	container_manage_unlock();
	if (err)
		cpus_unbind();
	return err;
}

/**
 * cpus_unbind - undo cpus_bind()
 *
 * Context: in unbind(); sleeps. No task is below the root.
 */
void cpus_unbind(void)
{
	container_hooks_disarm(cpus_hooks, ARRAY_SIZE(cpus_hooks));
}

/* Called when the module is unloaded, or cannot be loaded. */
void cpus_exit(void)
{
	container_hooks_forget(cpus_hooks, ARRAY_SIZE(cpus_hooks));
	affinity_exit();
	free_percpu(fallback_masks);
	free_percpu(allowed_masks);
	free_percpu(fork_masks);
}

/**
 * cpus_init - look for the functions to hook, and allocate masks
 *
 * Context: the module is being loaded.
 * Return: 0 or an errno.
 */
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
	int err;

	err = container_feature_find(&feature);
	if (err)
		return err;
	fork_masks = alloc_masks();
	allowed_masks = alloc_masks();
	fallback_masks = alloc_masks();
	err = affinity_init();
	if (!err && fork_masks && allowed_masks && fallback_masks)
		return 0;
	cpus_exit();
	return -ENOMEM;
}
