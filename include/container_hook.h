/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hook layer of container_core: attaching to functions of the kernel, and finding symbols
 * that it does not export.
 *
 * A hook is a row in a table. A module looks for the needs of its features when it is loaded, and
 * arms and disarms a table when it has to. /proc/containers shows each row that is or was armed.
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
 * struct container_symbol - a symbol of the kernel that is not exported
 * @name: its name
 * @alt: its name in other kernels, or NULL
 * @address: set to its address; NULL if it only has to exist
 */
struct container_symbol {
	const char *name;
	const char *alt;
	void **address;
};

/**
 * struct container_feature - a feature and its needs
 * @name: the feature
 * @symbols: the symbols that it needs
 * @nr_symbols: their number
 * @hooks: the hooks that it needs, a part of a table
 * @nr_hooks: their number
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
 * @name: the kernel function or tracepoint
 * @alt: its name in other kernels, or NULL
 * @type: the kind of hook
 * @handler: an ftrace callback, marked notrace:
 *	void (unsigned long ip, unsigned long parent_ip, struct ftrace_ops *op,
 *	      struct ftrace_regs *fregs)
 *	on every kernel; or a probe with the tracepoint's prototype. It runs with the locks of
 *	the hooked code held: it must not sleep, and has to call rcu_read_lock() itself
 * @optional: the feature that is lost without the hook; if it is NULL, arming fails when the
 *	function cannot be hooked or another user has it
 * @missed: the number of calls that the handler could not handle
 * @body: the address in the hooked function after the hook, for a CONTAINER_KERNEL_FN(); set
 *	before the hook is armed and never changed
 * @found: which of the two names this kernel has; NULL for none. Read-only for modules
 * @armed: whether it is armed. Read-only for modules
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
 * @fregs: the handler's argument
 *
 * Only the registers that carry arguments, the stack pointer and the instruction pointer are
 * valid. ftrace_get_regs() cannot be used: it returns NULL if not all registers were saved. On
 * x86 struct ftrace_regs is a struct pt_regs, under different names; compat.h checks that.
 *
 * Context: in the handler.
 * Return: the registers.
 */
static __always_inline struct pt_regs *container_hook_regs(struct ftrace_regs *fregs)
{
	return (struct pt_regs *)fregs;
}

/**
 * container_hook_arg - an argument of the hooked function
 * @fregs: the handler's argument
 * @n: its number, 0-3
 *
 * Context: in the handler.
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
 * @fregs: the handler's argument
 * @n: its number, 0-3
 * @value: the new value
 *
 * Context: in the handler.
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
 * @fregs: the argument of the handler of a CONTAINER_HOOK_OVERRIDE row
 * @fn: a function with the same prototype. It can call the hooked function by a
 *	CONTAINER_KERNEL_FN() with the row's @body. If it may sleep, it begins with
 *	container_hook_enter() and ends with container_hook_leave(). Otherwise disarming waits
 *	for it by grace periods
 *
 * A handler of this type redirects every call, and @fn decides what to do. It must not redirect
 * to the middle of a function: a BPF trampoline that shares the hooked function calls the address
 * in the instruction pointer, which on kernels with IBT has to be the start of a function. It must
 * not do anything that only @fn would undo: a BPF program may make the call return before @fn is
 * reached.
 *
 * Context: in the handler.
 */
static __always_inline void
container_hook_redirect(struct ftrace_regs *fregs, void *fn)
{
	container_hook_regs(fregs)->ip = (unsigned long)fn;
}

void container_hook_wait_callers(const long __percpu *callers);

/**
 * container_hook_enter - enter a function that runs in place of a hooked one and may sleep
 * @callers: a DEFINE_PER_CPU(long, ...) of the hook's owner. Its sum over all CPUs is the number
 *	of tasks in such functions, for container_hook_wait_callers()
 *
 * Between the handler and this call a task does not sleep, so disarming waits for it.
 *
 * Context: at the beginning of the function.
 */
static __always_inline void container_hook_enter(long __percpu *callers)
{
	this_cpu_inc(*callers);
}

/**
 * container_hook_leave - leave a function that has called container_hook_enter()
 * @callers: as for container_hook_enter()
 *
 * Context: at the end of the function, on any CPU.
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
 * CONTAINER_KERNEL_FN - declare a call of a kernel function that is not exported
 * @ret: the type that the function returns; no structure
 * @name: name for the call. Its first argument is the function's address, from a struct
 *	container_symbol or the @body of a hook
 * @...: the types of the function's arguments, at most four
 *
 * All these calls are the function container_hook_call(), in call.S, each with its own type. It
 * jumps to the address by a return instead of an indirect call, so that the function needs no
 * ENDBR at its entry: kernels with IBT remove the ENDBR of functions that are never called
 * indirectly.
 *
 * Context: that of the function.
 */
#define CONTAINER_KERNEL_FN(ret, name, ...) \
	ret name(void *fn, __VA_ARGS__) asm("container_hook_call")

void container_hook_call(void);

#endif /* _CONTAINER_HOOK_H */
