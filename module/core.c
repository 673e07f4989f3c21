// SPDX-License-Identifier: GPL-2.0
/*
 * Generic process containers on an unpatched kernel: loading and unloading the core.
 *
 * Parts that user space can reach are set up last and torn down first.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>

#include "core.h"

/* Reports everything that the kernel lacks. */
static int __init core_check_kernel(void)
{
	static const struct {
		bool there;
		const char *what;
	} needs[] = {
		{ IS_ENABLED(CONFIG_X86_64), "an x86-64 kernel" },
		{ IS_ENABLED(CONFIG_KALLSYMS_ALL), "CONFIG_KALLSYMS_ALL" },
		{ IS_ENABLED(CONFIG_KPROBES), "CONFIG_KPROBES" },
		{ IS_ENABLED(CONFIG_DYNAMIC_FTRACE_WITH_REGS) ||
		  IS_ENABLED(CONFIG_DYNAMIC_FTRACE_WITH_ARGS),
		  "CONFIG_DYNAMIC_FTRACE_WITH_REGS or CONFIG_DYNAMIC_FTRACE_WITH_ARGS" },
		{ IS_ENABLED(CONFIG_CGROUPS), "CONFIG_CGROUPS" },
		{ IS_ENABLED(CONFIG_TRACEPOINTS), "CONFIG_TRACEPOINTS" },
		{ !IS_ENABLED(CONFIG_PREEMPT_RT), "a kernel without PREEMPT_RT" },
	};
	int i, err = 0;

	for (i = 0; i < ARRAY_SIZE(needs); i++)
		if (!needs[i].there) {
			pr_err("containers need %s\n", needs[i].what);
			err = -EOPNOTSUPP;
		}
	return err;
}

static int __init core_init(void)
{
	int err;

	err = core_check_kernel();
	if (err)
		return err;
	hierarchy_init();
	err = hook_init();
	if (err)
		return err;
	err = ending_init();
	if (err)
		return err;
	err = membership_init();
	if (err)
		goto err_features;
	err = release_init();
	if (err)
		goto err_membership;
	err = events_init();
	if (err)
		goto err_release;
	err = proc_init();
	if (err)
		goto err_events;
	err = fs_init();
	if (err)
		goto err_proc;
	pid_entries_init();
	return 0;

err_proc:
	proc_exit();
err_events:
	events_exit();
err_release:
	release_exit();
err_membership:
	membership_exit();
err_features:
	feature_exit();
	ending_exit();
	return err;
}

static void __exit core_exit(void)
{
	pid_entries_exit();
	fs_exit();
	ending_exit();
	proc_exit();
	events_exit();
	release_exit();
	membership_exit();
	feature_exit();
	/* containers and hierarchies are freed after a grace period */
	rcu_barrier();
}

module_init(core_init);
module_exit(core_exit);

MODULE_LICENSE("GPL");
MODULE_VERSION(CONTAINER_VERSION);
MODULE_DESCRIPTION("Generic process containers: the core");
MODULE_SOFTDEP("post: container_cpuset container_cpuacct container_numtasks container_bc");
