// SPDX-License-Identifier: GPL-2.0
/*
 * The hook layer: attaches tables of handlers to kernel functions (by ftrace) and to
 * tracepoints, and finds symbols that are not exported.
 *
 * hook_mutex serializes arming. It is held across grace periods, which last as long as tasks stay
 * in handlers. So a caller that arms or disarms must not hold a lock that a handler takes, nor one
 * that a user waits for; and who only reads takes rows_mutex, which guards the list of rows.
 *
 * The ftrace_ops have no recursion guard. No handler calls a hooked function, so none is needed,
 * and a guard might drop a call. They are PERMANENT: while one is armed, writing 0 to
 * kernel.ftrace_enabled fails with EBUSY.
 *
 * Other tracers may be attached to the same functions, before or after. Their code runs between
 * a handler and the function to which it redirects the call. It preserves only the registers
 * with the arguments of the hooked function, so no other register passes anything.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>

#include "compat.h"
#include "container_hook.h"
#include "container_trace.h"
#include "core.h"

static DEFINE_MUTEX(hook_mutex);
static DEFINE_MUTEX(rows_mutex);	/* inside hook_mutex */
static LIST_HEAD(hook_rows);
static void *hook_kallsyms, *hook_ftrace_location;
CONTAINER_KERNEL_FN(unsigned long, call_kallsyms_lookup, const char *name);
CONTAINER_KERNEL_FN(unsigned long, call_ftrace_location, unsigned long ip);

/**
 * container_hook_wait_callers - wait until no task is in functions that run in place of others
 * @callers: the counter that these functions give to container_hook_enter(). Their hooks are
 *	disarmed
 *
 * Context: sleeps, as long as the callers do.
 */
void container_hook_wait_callers(const long __percpu *callers)
{
	long sum;
	int cpu;

	do {
		sum = 0;
		/* no task enters any more, so a sum of 0 is final */
		for_each_possible_cpu(cpu)
			sum += READ_ONCE(*per_cpu_ptr(callers, cpu));
		if (sum)
			msleep(20);
	} while (sum);
	/* the last tasks may not have returned yet */
	compat_synchronize_tasks();
}
EXPORT_SYMBOL_GPL(container_hook_wait_callers);

/**
 * container_hook_symbol - address of a kernel symbol, exported or not
 * @name: its name
 *
 * Context: may sleep.
 * Return: the address, or NULL if this kernel has no such symbol.
 */
void *container_hook_symbol(const char *name)
{
	return (void *)call_kallsyms_lookup(hook_kallsyms, name);
}
EXPORT_SYMBOL_GPL(container_hook_symbol);
EXPORT_SYMBOL_GPL(container_hook_call);

/* The needs of a feature, and why it is lost, while they are being found. Under hook_mutex. */
static char hook_needs[512], hook_why[512];

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

/* Looks for the function or tracepoint of a row by a name, and prepares the row if it exists. */
static bool hook_find(struct container_hook *hook, const char *name)
{
	struct tracepoint_search search = { .name = name };
	unsigned long location;

	if (!name)
		return false;
	if (hook->type == CONTAINER_HOOK_TRACEPOINT) {
		for_each_kernel_tracepoint(hook_match_tracepoint, &search);
		hook->tp = search.found;
		if (!hook->tp)
			return false;
	} else {
		/* ftrace's location is after the ENDBR, if the function has one */
		location = call_ftrace_location(hook_ftrace_location,
						(unsigned long)container_hook_symbol(name));
		if (!location)
			return false;
		hook->body = (void *)(location + MCOUNT_INSN_SIZE);
	}
	hook->found = name;
	return true;
}

/*
 * To share a function with a BPF trampoline, the kernel has to rebuild the trampoline. It only
 * tries to take the lock for that, and fails with EAGAIN, so retry.
 */
#define HOOK_TRIES 100

/* Frees the filter by resetting it. The kernel allocates memory for that, so retry, too. */
static void hook_free_filter(struct container_hook *hook)
{
	int tries = HOOK_TRIES;

	while (ftrace_set_filter(&hook->ops, NULL, 0, 1) == -ENOMEM && --tries)
		msleep(50);
}

static int hook_attach(struct container_hook *hook)
{
	int err, tries = HOOK_TRIES;

	hook->ops = (struct ftrace_ops) {
		.func = hook->handler,
		.flags = FTRACE_OPS_FL_PERMANENT | COMPAT_FTRACE_ARGS |
			 COMPAT_FTRACE_NO_RECURSION_GUARD |
			 (hook->type == CONTAINER_HOOK_OVERRIDE ? FTRACE_OPS_FL_IPMODIFY : 0),
	};
	/*
	 * Filter by address: ftrace_set_filter() may return 0 although it had no memory for the
	 * entry, and an empty filter means every function.
	 */
	err = ftrace_set_filter_ip(&hook->ops, (unsigned long)hook->body - MCOUNT_INSN_SIZE,
				   0, 1);
	if (err)
		return err;
	while ((err = register_ftrace_function(&hook->ops)) == -EAGAIN && --tries)
		msleep(50);
	if (err)
		hook_free_filter(hook);
	return err == -EAGAIN ? -EBUSY : err;
}

static void hook_disarm(struct container_hook *hook)
{
	if (!hook->armed)
		return;
	if (hook->type == CONTAINER_HOOK_TRACEPOINT) {
		tracepoint_probe_unregister(hook->tp, hook->handler, NULL);
	} else {
		unregister_ftrace_function(&hook->ops);
		hook_free_filter(hook);
	}
	WRITE_ONCE(hook->armed, false);
	trace_hook(hook->found, false);
}

static void hook_disarm_all(struct container_hook *hooks, int count)
{
	bool probes = false;

	while (count--) {
		probes |= hooks[count].armed && hooks[count].type == CONTAINER_HOOK_TRACEPOINT;
		hook_disarm(&hooks[count]);
	}
	if (probes)
		tracepoint_synchronize_unregister();
}

static int hook_arm(struct container_hook *hook)
{
	int err;

	/* container_feature_find() has reported what is missing */
	if (!hook->found)
		return -EOPNOTSUPP;
	if (hook->type == CONTAINER_HOOK_TRACEPOINT)
		err = tracepoint_probe_register(hook->tp, hook->handler, NULL);
	else
		err = hook_attach(hook);
	WRITE_ONCE(hook->armed, !err);
	if (err == -EBUSY)
		snprintf(hook_why, sizeof(hook_why),
			 "cannot hook %s: a live patch, a BPF program, a kprobe or another tracer has it, or kernel.ftrace_enabled is 0",
			 hook->found);
	else if (err)
		snprintf(hook_why, sizeof(hook_why), "cannot hook %s: error %d", hook->found, err);
	/* without memory nothing is lost: the whole table is not armed */
	if (err && err != -ENOMEM && hook->optional)
		feature_set(hook->optional, NULL, hook_why);
	else if (err)
		pr_err("%s\n", hook_why);
	else
		trace_hook(hook->found, true);
	return err;
}

/* Looks for the function or tracepoint of a row by both of its names. */
static bool hook_found(struct container_hook *hook)
{
	return hook_find(hook, hook->name) || hook_find(hook, hook->alt);
}

/* Adds a name to the needs of a feature and, if it was not found, to the reason of its loss. */
static void hook_need(const char *found, const char *name, const char *alt, const char *how)
{
	size_t len = strlen(hook_needs);

	snprintf(hook_needs + len, sizeof(hook_needs) - len, "%s%s", len ? "," : "",
		 found ?: name);
	len = strlen(hook_why);
	if (!found)
		snprintf(hook_why + len, sizeof(hook_why) - len, "%s %s%s%s%s",
			 len ? ", no" : "this kernel has no", name, alt ? " or " : "",
			 alt ?: "", how);
}

/**
 * container_feature_find - look for the needs of a feature in the kernel
 * @feature: the feature
 *
 * Finds its symbols, prepares its hooks and adds it to the table of features. If it is lost,
 * the log says what is missing.
 *
 * Context: sleeps.
 * Return: 0; -EOPNOTSUPP if the kernel lacks something; -ENOMEM.
 */
int container_feature_find(const struct container_feature *feature)
{
	const struct container_symbol *s;
	struct container_hook *hook;
	const char *found;
	void *address;
	int err;

	mutex_lock(&hook_mutex);
	hook_needs[0] = hook_why[0] = 0;
	for (s = feature->symbols; s < feature->symbols + feature->nr_symbols; s++) {
		found = s->name;
		address = container_hook_symbol(found);
		if (!address && s->alt) {
			found = s->alt;
			address = container_hook_symbol(found);
		}
		if (s->address)
			*s->address = address;
		hook_need(address ? found : NULL, s->name, s->alt, "");
	}
	for (hook = feature->hooks; hook < feature->hooks + feature->nr_hooks; hook++)
		hook_need(hook_found(hook) ? hook->found : NULL, hook->name, hook->alt,
			  " that can be hooked");
	err = feature_set(feature->name, hook_needs, hook_why[0] ? hook_why : NULL);
	if (!err && hook_why[0])
		err = -EOPNOTSUPP;
	mutex_unlock(&hook_mutex);
	return err;
}
EXPORT_SYMBOL_GPL(container_feature_find);

/* Lists a row that is armed for the first time. */
static void hook_list(struct container_hook *hook)
{
	mutex_lock(&rows_mutex);
	if (!hook->list.next && hook->found)
		list_add_tail(&hook->list, &hook_rows);
	mutex_unlock(&rows_mutex);
}

/**
 * container_hooks_arm - arm a table of hooks
 * @hooks: the rows, of features for which container_feature_find() was called
 * @count: how many
 *
 * Arms all mandatory hooks or none, and those optional ones that can be armed. Hooks go live one
 * after another, so handlers must cope with tasks that have passed only some of them.
 *
 * Context: sleeps for some grace periods.
 * Return: 0; -EOPNOTSUPP if the kernel lacks one, -EBUSY if another user has it, -ENOMEM. The
 * log names the function.
 */
int container_hooks_arm(struct container_hook *hooks, int count)
{
	int err = 0, i;

	mutex_lock(&hook_mutex);
	/* an earlier reason for the loss of an optional hook may be gone */
	for (i = 0; i < count && !err; i++)
		if (hooks[i].found && hooks[i].optional)
			err = feature_set(hooks[i].optional, NULL, NULL);
	for (i = 0; i < count && !err; i++) {
		err = hook_arm(&hooks[i]);
		hook_list(&hooks[i]);
		if (hooks[i].optional && err != -ENOMEM)
			err = 0;
		if (err)
			break;
	}
	if (err)
		hook_disarm_all(hooks, count);
	mutex_unlock(&hook_mutex);
	return err;
}
EXPORT_SYMBOL_GPL(container_hooks_arm);

/**
 * container_hooks_disarm - disarm a table
 * @hooks: the rows
 * @count: how many
 *
 * When it returns, no task is in a handler of the table, nor in a function that does not sleep
 * and runs in place of a hooked one.
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
 * container_hooks_forget - take a disarmed table off the list in /proc/containers
 * @hooks: the rows
 * @count: how many
 *
 * The owner of the table calls it before its module is unloaded, also when loading it fails.
 *
 * Context: sleeps.
 */
void container_hooks_forget(struct container_hook *hooks, int count)
{
	int i;

	mutex_lock(&rows_mutex);
	for (i = 0; i < count; i++)
		if (hooks[i].list.next)
			list_del(&hooks[i].list);
	mutex_unlock(&rows_mutex);
}
EXPORT_SYMBOL_GPL(container_hooks_forget);

/* Prints "Hooks:" in /proc/containers. */
void hook_show(struct seq_file *m)
{
	struct container_hook *hook;

	seq_puts(m, "Hooks:\n");
	mutex_lock(&rows_mutex);
	list_for_each_entry(hook, &hook_rows, list)
		seq_printf(m, "%s: %s missed=%ld\n", hook->found ?: hook->name,
			   READ_ONCE(hook->armed) ? "armed" : "off",
			   atomic_long_read(&hook->missed));
	mutex_unlock(&rows_mutex);
}

/*
 * Finds kallsyms_lookup_name(), which is not exported, by a kprobe. The probe is registered
 * disabled: if it were armed while kernel.ftrace_enabled is 0, ftrace would fail later.
 */
int hook_init(void)
{
	struct kprobe kp = {
		.symbol_name = "kallsyms_lookup_name",
		.flags = KPROBE_FLAG_DISABLED,
	};
	int err;

	err = register_kprobe(&kp);
	if (err) {
		pr_err("cannot look up kernel symbols by a kprobe: error %d\n", err);
		return err;
	}
	hook_kallsyms = (void *)kp.addr;
	unregister_kprobe(&kp);
	hook_ftrace_location = container_hook_symbol("ftrace_location");
	if (!hook_ftrace_location) {
		pr_err("this kernel has no ftrace_location\n");
		return -EOPNOTSUPP;
	}
	return 0;
}
