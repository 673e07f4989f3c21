/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hook layer of container_core: how a module attaches to functions of the kernel and
 * reaches symbols that it does not export.
 *
 * A hook is a row in a table. A module looks for what its features need, arms a table
 * when it needs it, and disarms it after; /proc/containers shows each row that is armed
 * or was.
 */
#ifndef _CONTAINER_HOOK_H
#define _CONTAINER_HOOK_H

#include <linux/ftrace.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/ptrace.h>
#include <linux/tracepoint.h>

struct ftrace_regs;

enum container_hook_type {
	/* called at the entry of a function; may change its arguments */
	CONTAINER_HOOK_ENTRY,
	/* as above, and may run another function in its place */
	CONTAINER_HOOK_OVERRIDE,
	/* a probe of a tracepoint */
	CONTAINER_HOOK_TRACEPOINT,
};

/**
 * struct container_symbol - something of the kernel's that is not exported
 * @name: its name
 * @alt: its name in other kernels, or NULL
 * @address: where its address is to be put; NULL: it is only asked whether it is there
 */
struct container_symbol {
	const char *name;
	const char *alt;
	void **address;
};

/**
 * struct container_feature - what a feature needs of the kernel
 * @name: the feature
 * @symbols: symbols
 * @nr_symbols: how many
 * @hooks: a part of a table of hooks
 * @nr_hooks: how many
 */
struct container_feature {
	const char *name;
	const struct container_symbol *symbols;
	int nr_symbols;
	struct container_hook *hooks;
	int nr_hooks;
};

/**
 * struct container_hook - a hook
 * @name: kernel function or tracepoint
 * @alt: its name in other kernels, or NULL
 * @type: mechanism
 * @handler: an ftrace callback, marked notrace:
 *	void (unsigned long ip, unsigned long parent_ip, struct ftrace_ops *op,
 *	      struct ftrace_regs *fregs)
 *	on every kernel; or a probe with the tracepoint's prototype. Runs with whatever
 *	locks the hooked place holds: it must not sleep, and takes rcu_read_lock() for
 *	itself
 * @optional: the feature that is lost without it, and no other; NULL makes arming fail
 *	where the function cannot be hooked, or somebody else has it
 * @missed: calls that the handler should have handled but could not
 * @body: the hooked function behind the place where it is hooked, for
 *	container_hook_call(); set from before it is armed, for good
 * @found: which of the two names this kernel has, once it was looked for; NULL: none
 * @armed: is it? Both for others to read
 *
 * The rest belongs to hook.c.
 */
struct container_hook {
	const char *name;
	const char *alt;
	enum container_hook_type type;
	void *handler;
	const char *optional;
	atomic_long_t missed;
	void *body;
	const char *found;
	bool armed;

	struct tracepoint *tp;
	struct ftrace_ops ops;
	struct list_head list;
};

/**
 * container_hook_regs - the registers of the hooked function's caller
 * @fregs: what the handler was given
 *
 * Only those that carry arguments, the stack pointer and the instruction pointer are
 * there. On x86 they are all that the structure has, whatever it is called (compat.h
 * sees to that); ftrace_get_regs() says NULL where not all of them were saved.
 */
static __always_inline struct pt_regs *container_hook_regs(struct ftrace_regs *fregs)
{
	return (struct pt_regs *)fregs;
}

/**
 * container_hook_arg - an argument of the hooked function
 * @fregs: what the handler was given
 * @n: which one, 0-3
 *
 * Return: its value.
 */
static __always_inline unsigned long
container_hook_arg(struct ftrace_regs *fregs, int n)
{
	struct pt_regs *r = container_hook_regs(fregs);

	return n == 0 ? r->di : n == 1 ? r->si : n == 2 ? r->dx : r->cx;
}

/**
 * container_hook_set_arg - change an argument before the function sees it
 * @fregs: what the handler was given
 * @n: which one, 0-3
 * @value: the new value
 */
static __always_inline void
container_hook_set_arg(struct ftrace_regs *fregs, int n, unsigned long value)
{
	struct pt_regs *r = container_hook_regs(fregs);

	if (n == 0)
		r->di = value;
	else if (n == 1)
		r->si = value;
	else if (n == 2)
		r->dx = value;
	else
		r->cx = value;
}

/**
 * container_hook_redirect - run another function in place of the hooked one
 * @fregs: what the handler of a CONTAINER_HOOK_OVERRIDE row was given
 * @fn: a function with the same prototype. It calls the hooked one, if it wants to, by
 *	container_hook_call() of the row's @body. If it may sleep, it begins with
 *	container_hook_enter() and ends with container_hook_leave(); if not, the grace
 *	periods of the disarming cover it
 *
 * Such a handler redirects each call, and leaves what there is to ask to @fn. A BPF
 * trampoline that shares the function calls what the handler leaves in the instruction
 * pointer: on kernels with IBT that has to be the beginning of a function. Nor does the
 * handler leave anything behind that only @fn would take back: a BPF program may make
 * the call return before it gets there.
 *
 * Context: that of the handler.
 */
static __always_inline void
container_hook_redirect(struct ftrace_regs *fregs, void *fn)
{
	container_hook_regs(fregs)->ip = (unsigned long)fn;
}

void container_hook_wait_callers(const long __percpu *callers);

/**
 * container_hook_enter - the beginning of a function that runs in place of a hooked one
 *	and may sleep
 * @callers: DEFINE_PER_CPU(long, ...) of the hook's owner: how many tasks are in such
 *	functions, in the sum over all CPUs; for container_hook_wait_callers()
 *
 * On its way there from the handler a task does not sleep: disarming waits for it.
 */
static __always_inline void container_hook_enter(long __percpu *callers)
{
	this_cpu_inc(*callers);
}

/**
 * container_hook_leave - the end of such a function
 * @callers: as given there
 */
static __always_inline void container_hook_leave(long __percpu *callers)
{
	this_cpu_dec(*callers);
}

int container_feature_find(const struct container_feature *feature);
void container_feature_lost(const char *name, const char *why);
int container_hooks_arm(struct container_hook *hooks, int count);
void container_hooks_disarm(struct container_hook *hooks, int count);
void container_hooks_forget(struct container_hook *hooks, int count);
void *container_hook_symbol(const char *name);

/**
 * container_hook_call - call a kernel function that is not exported
 * @fn: its address
 * @a: first argument
 * @b: second argument
 * @c: third argument
 *
 * Reaches @fn by a return instead of an indirect call, so that it needs no
 * ENDBR at its entry: kernels with IBT remove it from functions whose address
 * nobody takes.
 *
 * Context: whatever @fn asks for.
 * Return: what @fn returns.
 */
unsigned long container_hook_call(void *fn, unsigned long a, unsigned long b,
				  unsigned long c);

/**
 * container_hook_call4 - the same for a function of four arguments
 * @fn: its address
 * @a: first argument
 * @b: second argument
 * @c: third argument
 * @d: fourth argument
 *
 * Context: whatever @fn asks for.
 * Return: what @fn returns.
 */
unsigned long container_hook_call4(void *fn, unsigned long a, unsigned long b,
				   unsigned long c, unsigned long d);

#endif /* _CONTAINER_HOOK_H */
