// SPDX-License-Identifier: GPL-2.0
/*
 * execcount: a subsystem with a hook of its own. It counts the programs that the tasks of each
 * container start, and kills a task that starts one too many.
 *
 *   execcount.execs	number of programs started; write a number to continue from there
 *   execcount.max	the maximum of execcount.execs; 0 (the default) for no limit
 *
 * The core calls a subsystem at forks and exits, but not at execve(2). This needs a hook on a
 * function of the kernel: each execve(2) calls setup_new_exec() when it cannot fail any more. The
 * hook is armed only while execcount is bound to a hierarchy, so that execve(2) costs nothing
 * otherwise.
 *
 * Locks: execcount has none. The hook runs on many CPUs at once, so the numbers are atomic; files
 * are written under the core's manage lock.
 */
#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include <container.h>
#include <container_hook.h>
#include <container_parse.h>

enum { EXECS, MAX, NR_NUMBERS };

/**
 * struct execcount - the state of a container
 * @css: the core's part
 * @number: the numbers in the files, EXECS and MAX
 * @rcu: for freeing
 */
struct execcount {
	struct container_subsys_state css;
	atomic_long_t number[NR_NUMBERS];
	struct rcu_head rcu;
};

static struct container_subsys execcount_subsys;

static struct execcount *to_execcount(struct container_subsys_state *css)
{
	return container_of(css, struct execcount, css);
}

/* --- the hook -------------------------------------------------------------- */

/*
 * Called at setup_new_exec(bprm), in the task that calls execve(2). It is an ftrace callback, with
 * ftrace's prototype: it must neither sleep nor call a function that is hooked.
 */
static void notrace hook_exec(unsigned long ip, unsigned long parent_ip,
			      struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	struct execcount *ec;
	long max;

	/* the container stays readable until the unlock, even if the task is moved */
	rcu_read_lock();
	ec = to_execcount(task_subsys_state(current, &execcount_subsys));
	max = atomic_long_read(&ec->number[MAX]);
	if (atomic_long_inc_return(&ec->number[EXECS]) > max && max)
		send_sig(SIGKILL, current, 1);
	rcu_read_unlock();
}

static struct container_hook execcount_hooks[] = {
	{ .name = "setup_new_exec", .type = CONTAINER_HOOK_ENTRY, .handler = hook_exec },
};

/* The needs of execcount: shown in /proc/containers, and logged if they are not met. */
static const struct container_feature execcount_feature = {
	.name = "execcount",
	.hooks = execcount_hooks,
	.nr_hooks = ARRAY_SIZE(execcount_hooks),
};

/* Called without the manage lock, as arming a hook takes a while. An error makes the mount fail. */
static int execcount_bind(struct container_subsys *ss, struct container *root)
{
	return container_hooks_arm(execcount_hooks, ARRAY_SIZE(execcount_hooks));
}

/* When this returns, no CPU is in hook_exec(). */
static void execcount_unbind(struct container_subsys *ss, struct container *root)
{
	container_hooks_disarm(execcount_hooks, ARRAY_SIZE(execcount_hooks));
}

/* --- containers ------------------------------------------------------------ */

static int execcount_create(struct container_subsys *ss, struct container *cont)
{
	struct execcount *ec = kzalloc(sizeof(*ec), GFP_KERNEL);

	if (!ec)
		return -ENOMEM;
	container_set_subsys_state(cont, ss, &ec->css);
	return 0;
}

/* The hook may still look at the state, under RCU. */
static void execcount_destroy(struct container_subsys *ss, struct container *cont)
{
	struct execcount *ec = to_execcount(container_subsys_state(cont, ss));

	kfree_rcu(ec, rcu);
}

static int execcount_show(struct seq_file *m, struct container *cont,
			  const struct container_cftype *cft)
{
	struct execcount *ec = to_execcount(container_subsys_state(cont, &execcount_subsys));

	seq_printf(m, "%ld\n", atomic_long_read(&ec->number[cft->private]));
	return 0;
}

static int execcount_write(struct container *cont, const struct container_cftype *cft,
			   struct file *file, char *buf)
{
	struct execcount *ec = to_execcount(container_subsys_state(cont, &execcount_subsys));
	unsigned long value;
	int err;

	/* -EINVAL for anything but digits, which blanks may surround */
	err = container_parse_number(buf, LONG_MAX, &value);
	if (!err)
		atomic_long_set(&ec->number[cft->private], value);
	return err;
}

static const struct container_cftype execcount_files[] = {
	{
		.name = "execcount.execs",
		.private = EXECS,
		.show = execcount_show,
		.write = execcount_write,
	},
	{
		.name = "execcount.max",
		.private = MAX,
		.show = execcount_show,
		.write = execcount_write,
	},
};

static int execcount_populate(struct container_subsys *ss, struct container *cont)
{
	return container_add_files(cont, execcount_files, ARRAY_SIZE(execcount_files));
}

/* --- the module ------------------------------------------------------------ */

static struct container_subsys execcount_subsys = {
	.name = "execcount",
	.owner = THIS_MODULE,
	.scope = CONTAINER_MEMBERS,
	.create = execcount_create,
	.destroy = execcount_destroy,
	.bind = execcount_bind,
	.unbind = execcount_unbind,
	.populate = execcount_populate,
	.subsys_id = -1,
};

static int __init execcount_init(void)
{
	/* first, because this prepares the rows of the table */
	int err = container_feature_find(&execcount_feature);

	return err ?: container_register_subsys(&execcount_subsys);
}

static void __exit execcount_exit(void)
{
	/* Cannot fail: a bound subsystem keeps its module loaded. */
	container_unregister_subsys(&execcount_subsys);
	/* Removes the hooks from /proc/containers. */
	container_hooks_forget(execcount_hooks, ARRAY_SIZE(execcount_hooks));
}

module_init(execcount_init);
module_exit(execcount_exit);

MODULE_LICENSE("GPL");
/* Increment it with each release: DKMS replaces a module only if the version differs. */
MODULE_VERSION("1.0");
MODULE_DESCRIPTION("Container subsystem: counts programs started (a sample)");
MODULE_ALIAS("container-subsys-execcount");
