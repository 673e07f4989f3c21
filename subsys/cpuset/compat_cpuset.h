/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The differences between kernels in the parts of the scheduler and of the memory management that
 * cpuset uses.
 */
#ifndef _COMPAT_CPUSET_H
#define _COMPAT_CPUSET_H

#include <linux/cgroup.h>
#include <linux/nodemask.h>
#include <linux/sched.h>

#include "compat.h"
#include "container_hook.h"

/*
 * The function that forces an affinity on a task, with the task's pi_lock held. It got its present
 * name in 6.18, when another function took over the old one. So look for the new name first.
 */
#define COMPAT_FORCE_AFFINITY "set_cpus_allowed_force"
#define COMPAT_FORCE_AFFINITY_OLD "do_set_cpus_allowed"

/*
 * The arguments of the tracepoint mm_vmscan_direct_reclaim_begin. A probe has to have the same,
 * since kernels with CFI compare the types when they call it.
 */
#ifdef COMPAT_HAS_RECLAIM_BEGIN_MEMCG
#define COMPAT_RECLAIM_BEGIN gfp_t gfp, int order, struct mem_cgroup *memcg
#else
#define COMPAT_RECLAIM_BEGIN int order, gfp_t gfp
#endif

/*
 * Calls a function that returns a nodemask_t by value: a small one in a register, a large one
 * through a hidden first argument.
 */
CONTAINER_KERNEL_FN(unsigned long, call_small_nodemask, struct task_struct *task);
CONTAINER_KERNEL_FN(void, call_large_nodemask, nodemask_t *mask, struct task_struct *task);

static inline nodemask_t compat_call_nodemask(void *fn, struct task_struct *task)
{
	nodemask_t mask;

	static_assert(sizeof(mask) <= sizeof(long) || sizeof(mask) > 2 * sizeof(long),
		      "CONFIG_NODES_SHIFT may not be 7");
	if (sizeof(mask) <= sizeof(long))
		nodes_addr(mask)[0] = call_small_nodemask(fn, task);
	else
		call_large_nodemask(fn, &mask, task);
	return mask;
}

/*
 * From 5.15 on the kernel keeps the affinity that the user asked for. From 6.2 on forcing an
 * affinity on the task clears it, so hide it meanwhile. The task's pi_lock is held.
 */
static inline void *compat_hide_user_cpus(struct task_struct *task)
{
	void *user = NULL;

#ifdef COMPAT_HAS_USER_CPUS_PTR
	swap(user, *(void **)&task->user_cpus_ptr);
#endif
	return user;
}

/* What the user asked for, or NULL. The task's pi_lock is held. */
static inline const struct cpumask *compat_user_cpus(struct task_struct *task)
{
#ifdef COMPAT_HAS_USER_CPUS_PTR
	return task->user_cpus_ptr;
#else
	return NULL;
#endif
}

/* Undoes compat_hide_user_cpus(). */
static inline void compat_show_user_cpus(struct task_struct *task, void *user)
{
#ifdef COMPAT_HAS_USER_CPUS_PTR
	task->user_cpus_ptr = user;
#endif
}

/* Has a task called migrate_disable()? Without this field, that function disables preemption. */
static inline bool compat_migration_disabled(struct task_struct *task)
{
#ifdef COMPAT_HAS_MIGRATION_DISABLED
	return task->migration_disabled;
#else
	return false;
#endif
}

/* Is a child of the current task in another cpuset of the kernel's? Under RCU. */
static inline bool compat_other_cpuset(const struct task_struct *child)
{
#ifdef CONFIG_CPUSETS
	return rcu_dereference(child->cgroups)->subsys[cpuset_cgrp_id] !=
	       rcu_dereference(current->cgroups)->subsys[cpuset_cgrp_id];
#else
	return false;
#endif
}

/*
 * cpumask_copy() from what may be one of the kernel's own masks. Up to 6.13 gcc 14 knows the size
 * of these, takes the kernel's check of the copy for a hint that it may be exceeded, and warns.
 */
static inline void compat_cpumask_copy(struct cpumask *to, const struct cpumask *from)
{
	OPTIMIZER_HIDE_VAR(from);
	cpumask_copy(to, from);
}

/* The flags of a task for spreading. Kernels that do not spread any more may lack them. */
static inline bool compat_spread_page(struct task_struct *task)
{
#ifdef PFA_SPREAD_PAGE
	return test_bit(PFA_SPREAD_PAGE, &task->atomic_flags);
#else
	return false;
#endif
}

static inline bool compat_spread_slab(struct task_struct *task)
{
#ifdef PFA_SPREAD_SLAB
	return test_bit(PFA_SPREAD_SLAB, &task->atomic_flags);
#else
	return false;
#endif
}

static inline void compat_set_spread(struct task_struct *task, bool page, bool slab)
{
#ifdef PFA_SPREAD_PAGE
	assign_bit(PFA_SPREAD_PAGE, &task->atomic_flags, page);
#endif
#ifdef PFA_SPREAD_SLAB
	assign_bit(PFA_SPREAD_SLAB, &task->atomic_flags, slab);
#endif
}

#endif /* _COMPAT_CPUSET_H */
