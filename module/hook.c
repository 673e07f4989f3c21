// SPDX-License-Identifier: GPL-2.0
/*
 * The hook mechanism: attaches tables of handlers to kernel functions (ftrace, or
 * kprobes where that cannot be) and tracepoints, and finds symbols that are not exported (kprobes).
 *
 * hook_mutex guards the list of known rows, their state and arming itself. It
 * is held across grace periods, so nothing that a handler wants may be held by
 * whoever arms or disarms.
 *
 * Entry hooks use ftrace_ops without a recursion guard: no handler calls a
 * function that is hooked, so there is nothing to guard against, and nothing
 * that could make a call go missing. Rows with the same handler share one
 * ftrace_ops, since registering one costs a grace period.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>

#include "core.h"
#include "hook.h"

static DEFINE_MUTEX(hook_mutex);
static LIST_HEAD(hook_rows);
static unsigned long (*hook_kallsyms)(const char *name);

/* The body that an overridden function gets: its first argument is its answer. */
static noinline notrace unsigned long hook_return_arg(unsigned long value)
{
	return value;
}

/**
 * container_hook_redirect - run another function in place of the hooked one
 * @regs: what the handler of a CONTAINER_HOOK_OVERRIDE row was given
 * @fn: a function with the same prototype. It must not sleep, so that the grace
 *	periods of the disarming cover it; container_hook_wrap() is for those that may.
 *
 * Context: that of the handler.
 */
void container_hook_redirect(struct container_hook_regs *regs, void *fn)
{
	compat_hook_regs(regs)->ip = (unsigned long)fn;
}
EXPORT_SYMBOL_GPL(container_hook_redirect);

/**
 * container_hook_wait_callers - wait until nobody runs in place of a hooked function
 * @callers: as given to container_hook_wrap(), whose hooks are disarmed
 *
 * Context: sleeps, as long as the callers do.
 */
void container_hook_wait_callers(const long __percpu *callers)
{
	long sum;
	int cpu;

	do {
		sum = 0;
		/* once it was 0 with no more to come, it stays so */
		for_each_possible_cpu(cpu)
			sum += READ_ONCE(*per_cpu_ptr(callers, cpu));
		if (sum)
			msleep(20);
	} while (sum);
	/* the last of them may have a few instructions of theirs to go */
	compat_synchronize_tasks();
}
EXPORT_SYMBOL_GPL(container_hook_wait_callers);

/**
 * container_hook_return - make the hooked function return at once
 * @regs: what the handler of a CONTAINER_HOOK_OVERRIDE row was given
 * @value: what it returns
 *
 * Context: that of the handler.
 */
void container_hook_return(struct container_hook_regs *regs, unsigned long value)
{
	container_hook_set_arg(regs, 0, value);
	container_hook_redirect(regs, hook_return_arg);
}
EXPORT_SYMBOL_GPL(container_hook_return);

/**
 * container_hook_symbol - address of a kernel symbol, exported or not
 * @name: its name
 *
 * Context: may sleep.
 * Return: the address, or NULL if this kernel has no such symbol.
 */
void *container_hook_symbol(const char *name)
{
	return (void *)container_hook_call(hook_kallsyms, (unsigned long)name, 0, 0);
}
EXPORT_SYMBOL_GPL(container_hook_symbol);
EXPORT_SYMBOL_GPL(container_hook_call);
EXPORT_SYMBOL_GPL(container_hook_call4);

struct tracepoint_search {
	const char *name;
	struct tracepoint *found;
};

static void hook_match_tracepoint(struct tracepoint *tp, void *data)
{
	struct tracepoint_search *search = data;

	if (!strcmp(tp->name, search->name))
		search->found = tp;
}

/* Does the kernel have what the row hooks, under this name? Prepares the row. */
static bool hook_find(struct container_hook *hook, const char *name)
{
	struct tracepoint_search search = { .name = name };

	if (!name)
		return false;
	if (hook->type == CONTAINER_HOOK_TRACEPOINT) {
		for_each_kernel_tracepoint(hook_match_tracepoint, &search);
		hook->tp = search.found;
		if (!hook->tp)
			return false;
	} else if (!container_hook_symbol(name)) {
		return false;
	}
	hook->found = name;
	return true;
}

static bool hook_is_ftrace(const struct container_hook *hook)
{
	return hook->type == CONTAINER_HOOK_ENTRY || hook->type == CONTAINER_HOOK_OVERRIDE;
}

/* The row before @hook in its table whose ftrace_ops it shares, or itself. */
static struct container_hook *hook_leader(struct container_hook *hooks,
					  struct container_hook *hook)
{
	struct container_hook *lead;

	for (lead = hooks; lead < hook; lead++)
		if (lead->found && lead->type == hook->type &&
		    lead->handler == hook->handler)
			return lead;
	return hook;
}

static int hook_filter(struct container_hook *lead, struct container_hook *hook)
{
	if (lead == hook)
		lead->ops = (struct ftrace_ops) {
			.func = hook->handler,
			.flags = FTRACE_OPS_FL_PERMANENT | COMPAT_FTRACE_ARGS |
				 COMPAT_FTRACE_NO_RECURSION_GUARD |
				 (hook->type == CONTAINER_HOOK_OVERRIDE ?
				  FTRACE_OPS_FL_IPMODIFY : 0),
		};
	/*
	 * By address: ftrace_set_filter() may say 0 when it had no memory for the
	 * entry, and a filter without entries is one for every function.
	 */
	return ftrace_set_filter_ip(&lead->ops,
				    (unsigned long)container_hook_symbol(hook->found),
				    0, lead == hook);
}

static int hook_probe(struct container_hook *hook)
{
	hook->kp = (struct kprobe) {
		.symbol_name = hook->found,
		.pre_handler = hook->handler,
	};
	return register_kprobe(&hook->kp);
}

static void hook_disarm_all(struct container_hook *hooks, int count)
{
	struct container_hook *hook;
	bool probes = false;

	for (hook = hooks + count - 1; hook >= hooks; hook--) {
		if (!hook->found)
			continue;
		if (hook->type == CONTAINER_HOOK_TRACEPOINT) {
			if (hook->armed)
				tracepoint_probe_unregister(hook->tp, hook->handler, NULL);
			probes = true;
		} else if (hook->type == CONTAINER_HOOK_PROBE) {
			if (hook->armed) {
				unregister_kprobe(&hook->kp);
				atomic_long_add(hook->kp.nmissed, &hook->missed);
			}
		} else if (hook_leader(hooks, hook) == hook) {
			if (hook->armed)
				unregister_ftrace_function(&hook->ops);
			/* a reset to nothing frees what was there */
			ftrace_set_filter(&hook->ops, NULL, 0, 1);
		}
		hook->armed = false;
	}
	if (probes)
		tracepoint_synchronize_unregister();
}

static int hook_arm_all(struct container_hook *hooks, int count)
{
	struct container_hook *hook, *lead;
	int err;

	for (hook = hooks; hook < hooks + count; hook++)
		hook->found = NULL;

	for (hook = hooks; hook < hooks + count; hook++) {
		if (!hook_find(hook, hook->name) && !hook_find(hook, hook->alt)) {
			pr_warn("this kernel has no %s to hook%s%s\n", hook->name,
				hook->optional ? ": no " : "", hook->optional ?: "");
			if (!hook->optional)
				return -EOPNOTSUPP;
			continue;
		}
		if (!hook_is_ftrace(hook))
			continue;
		err = hook_filter(hook_leader(hooks, hook), hook);
		if (err)
			goto fail;
	}

	for (hook = hooks; hook < hooks + count; hook++) {
		if (!hook->found)
			continue;
		lead = hook_leader(hooks, hook);
		if (hook->type == CONTAINER_HOOK_TRACEPOINT)
			err = tracepoint_probe_register(hook->tp, hook->handler, NULL);
		else if (hook->type == CONTAINER_HOOK_PROBE)
			err = hook_probe(hook);
		else if (lead == hook)
			err = register_ftrace_function(&hook->ops);
		else
			err = 0;
		if (err)
			goto fail;
		hook->armed = true;
	}
	return 0;

fail:
	if (err == -EBUSY)
		pr_err("cannot hook %s: a live patch or another tracer has it, or kernel.ftrace_enabled is 0\n",
		       hook->found);
	else
		pr_err("cannot hook %s: error %d\n", hook->found, err);
	return err;
}

/**
 * container_hooks_arm - arm a table of hooks
 * @hooks: the rows
 * @count: how many
 *
 * All that are not optional, or none. They go live one after another: a
 * handler must cope with a task that passed only some of them.
 *
 * Context: sleeps for some grace periods.
 * Return: 0; -EOPNOTSUPP when the kernel lacks one, -EBUSY when another user
 * has it, -ENOMEM. The log names the function.
 */
int container_hooks_arm(struct container_hook *hooks, int count)
{
	int err, i;

	mutex_lock(&hook_mutex);
	err = hook_arm_all(hooks, count);
	if (err)
		hook_disarm_all(hooks, count);
	for (i = 0; i < count; i++)
		if (!hooks[i].list.next && hooks[i].found)
			list_add_tail(&hooks[i].list, &hook_rows);
	mutex_unlock(&hook_mutex);
	return err;
}
EXPORT_SYMBOL_GPL(container_hooks_arm);

/**
 * container_hooks_disarm - disarm a table
 * @hooks: the rows, armed
 * @count: how many
 *
 * When it returns no task is in a handler of the table, nor in the body that
 * container_hook_return() gives a function.
 *
 * Context: sleeps for some grace periods.
 */
void container_hooks_disarm(struct container_hook *hooks, int count)
{
	mutex_lock(&hook_mutex);
	hook_disarm_all(hooks, count);
	mutex_unlock(&hook_mutex);
}
EXPORT_SYMBOL_GPL(container_hooks_disarm);

/**
 * container_hooks_forget - take a disarmed table off the list
 * @hooks: the rows
 * @count: how many
 *
 * For a module on its way out.
 */
void container_hooks_forget(struct container_hook *hooks, int count)
{
	int i;

	mutex_lock(&hook_mutex);
	for (i = 0; i < count; i++)
		if (hooks[i].list.next)
			list_del(&hooks[i].list);
	mutex_unlock(&hook_mutex);
}
EXPORT_SYMBOL_GPL(container_hooks_forget);

/* The Hooks: part of /proc/containers. */
void hook_show(struct seq_file *m)
{
	struct container_hook *hook;

	seq_puts(m, "Hooks:\n");
	mutex_lock(&hook_mutex);
	list_for_each_entry(hook, &hook_rows, list)
		seq_printf(m, "%s: %s missed=%ld\n", hook->found ?: hook->name,
			   hook->armed ? "armed" : "off",
			   atomic_long_read(&hook->missed) +
			   (hook->armed ? hook->kp.nmissed : 0));
	mutex_unlock(&hook_mutex);
}

/* Finds kallsyms_lookup_name(), which kprobes can and we cannot. */
int hook_init(void)
{
	struct kprobe kp = { .symbol_name = "kallsyms_lookup_name" };
	int err;

	err = register_kprobe(&kp);
	if (err) {
		pr_err("cannot look up kernel symbols by a kprobe: error %d\n", err);
		return err;
	}
	hook_kallsyms = (void *)kp.addr;
	unregister_kprobe(&kp);
	return 0;
}
