/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The declarations that cpus.c (the CPUs that are allowed), affinity.c (calls that set an
 * affinity) and wish.c (the CPUs that members ask for) share.
 */
#ifndef _CPUS_H
#define _CPUS_H

#include "container_hook.h"
#include "cpuset.h"

enum {
	HOOK_NEWTASK,
	HOOK_ALLOWED,
	HOOK_FALLBACK,
	HOOK_COMMIT,
	HOOK_SET,
	HOOK_SYSCALL,
	CPUS_HOOKS
};

extern struct container_hook cpus_hooks[CPUS_HOOKS];

/**
 * struct affinity_call - a call that sets an affinity
 * @node: link in its bucket, while the kernel is executing the call
 * @caller: the calling task
 * @task: the task whose affinity is set
 * @member: the task was confined at the beginning. Only then @kernel, @target and @wish are there;
 *	the call of the manager always has the masks, and never a wish
 * @refused: the setting has changed and does not allow the affinity any more
 * @noted: @wish has become the task's, and now holds the previous one
 * @left: for the call of the manager: the CPU that the task may still use, since taking it away
 *	could have made the manager wait; otherwise -1
 * @kernel: the CPUs that the kernel allows the task by itself
 * @target: the affinity to set
 * @wish: the affinity that was asked for
 */
struct affinity_call {
	struct hlist_node node;
	struct task_struct *caller, *task;
	bool member, refused, noted;
	int left;
	cpumask_var_t kernel, target;
	struct wish *wish;
};

extern struct affinity_call manager;

static inline struct cpumask __percpu *alloc_masks(void)
{
	return (struct cpumask __percpu *)__alloc_percpu(cpumask_size(), sizeof(long));
}

/* cpus.c */
const struct cpumask *nearest_cpus(struct task_struct *task, const struct cpumask *mask);
bool may_narrow(struct task_struct *task);
void narrow(struct task_struct *task, struct cpumask *mask);
void choose(struct cpumask *allowed, const struct cpumask *want);
bool confined(struct task_struct *task);
void kernel_allows(struct task_struct *task, struct cpumask *mask);
void unconfine(struct cpumask *mask, struct wish *wish);
void narrow_to_user(struct task_struct *task, struct cpumask *mask);

/* affinity.c */
int call_set(struct affinity_call *call, const struct cpumask *mask);
int affinity_try(void);
int affinity_init(void);
void affinity_exit(void);
void notrace hook_commit(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *op,
			 struct ftrace_regs *fregs);
void notrace hook_affinity_set(unsigned long ip, unsigned long parent_ip,
			       struct ftrace_ops *op, struct ftrace_regs *fregs);
void notrace hook_affinity_syscall(unsigned long ip, unsigned long parent_ip,
				   struct ftrace_ops *op, struct ftrace_regs *fregs);

/* wish.c */
void note_wish(struct task_struct *task, void *data, void *arg);
void settle(struct affinity_call *call);

#endif /* _CPUS_H */
