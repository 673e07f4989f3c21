// SPDX-License-Identifier: GPL-2.0
/*
 * ns: groups tasks by their namespaces. A task that makes new ones with clone(2) or
 * unshare(2) gets a container of its own, below the one it was in.
 *
 * The container is made by the task itself, on its way to user space: the hooks may
 * not sleep, so all they do is to give it a task work. For clone(2) that is
 * the child, once it is complete (task_newtask). unshare(2) is seen before it
 * has done anything; the work compares what the task had then with what it has, and
 * so knows whether the call succeeded. setns(2) passes neither hook. fork(2) of a
 * task that has set namespaces aside for its children makes none.
 *
 * Any user may make namespaces. So the containers go with their last task, unless
 * somebody wants to keep one, and there are bounds on how many there are and how deep
 * they nest. Beyond them the call succeeds and the task stays where it is; the log says
 * so, and a number in /proc/containers.
 *
 * Who else takes part:
 *
 * exit		runs what works the task still has. It gets no container any more; nor
 *	does a task that a signal is about to kill.
 * move, rmdir	of the task or its container meanwhile: container_clone() starts from
 *	where the task is, and holds the manage lock while that matters.
 * mount	the hooks are armed at bind(). Who makes namespaces just then may get a
 *	container or none.
 * unmount	the hooks are disarmed. Works that come later find us not bound.
 * unload	waits until each of these works is done. That takes no longer than the
 *	system call: no signal, debugger or freezer stops a task before its works.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/cred.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/ratelimit.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/task_work.h>
#include <linux/wait_bit.h>

#include "compat.h"
#include "container.h"
#include "container_hook.h"

/* Flags of clone(2) and unshare(2) that make namespaces. */
#define NS_FLAGS (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
		  CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)

/**
 * struct ns_group - a container
 * @css: the core's part
 * @depth: how many of it and those above we have made
 * @made: is it one of them? Neither ever changes
 * @rcu: for freeing
 */
struct ns_group {
	struct container_subsys_state css;
	unsigned int depth;
	bool made;
	struct rcu_head rcu;
};

/**
 * struct ns_call - a task that makes namespaces, until it has a container
 * @work: what it does on its way to user space
 * @nsproxy: what it had before, only to be compared; NULL if it was not there before
 * @user_ns: as @nsproxy
 */
struct ns_call {
	struct callback_head work;
	const struct nsproxy *nsproxy;
	const struct user_namespace *user_ns;
};

static struct container_subsys ns_subsys;

/* Module parameters. */
static bool auto_delete = true;
static unsigned int max_depth = 32;
static unsigned int max_containers = 4096;

/* Containers that we have made and that are there. Manage lock. */
static unsigned int containers;
/* Tasks that have namespaces of their own, but for want of one no container. */
static atomic_long_t without;

/* Works that are not done. */
static atomic_t calls;

/* task_work_add(), which not all kernels export (5.15). */
static void *work_add_fn;

static struct ns_group *container_group(struct container *cont)
{
	return container_of(container_subsys_state(cont, &ns_subsys), struct ns_group, css);
}

static void ns_failed(struct task_struct *task, int err)
{
	atomic_long_inc(&without);
	/* said when it was decided */
	if (err == -EDQUOT)
		return;
	pr_notice_ratelimited("%s[%d] has new namespaces, but no container of its own: error %d\n",
			      task->comm, task_pid_nr(task), err);
}

static void call_end(struct ns_call *call)
{
	kfree(call);
	if (atomic_dec_and_test(&calls))
		wake_up_var(&calls);
}

static bool call_succeeded(const struct ns_call *call)
{
	return current->nsproxy != call->nsproxy || current_user_ns() != call->user_ns;
}

/* In the task itself, which is about to return to user space, or to exit. */
static void ns_work(struct callback_head *work)
{
	struct ns_call *call = container_of(work, struct ns_call, work);
	int err;

	if (!(current->flags & PF_EXITING) && !fatal_signal_pending(current) &&
	    call_succeeded(call)) {
		err = container_clone(&ns_subsys);
		/* a container that is being killed says no to its members, who will not care */
		if (err && !fatal_signal_pending(current))
			ns_failed(current, err);
	}
	call_end(call);
}

static void ns_expect(struct task_struct *task, const struct nsproxy *nsproxy,
		      const struct user_namespace *user_ns, struct container_hook *hook)
{
	struct ns_call *call = kmalloc(sizeof(*call), GFP_ATOMIC | __GFP_NOWARN);

	if (!call) {
		atomic_long_inc(&hook->missed);
		ns_failed(task, -ENOMEM);
		return;
	}
	init_task_work(&call->work, ns_work);
	call->nsproxy = nsproxy;
	call->user_ns = user_ns;
	atomic_inc(&calls);
	/* fails for a task that is past the last of its works */
	if ((int)container_hook_call(work_add_fn, (unsigned long)task,
				     (unsigned long)&call->work, TWA_RESUME))
		call_end(call);
}

enum { HOOK_NEWTASK, HOOK_UNSHARE, NS_HOOKS };
static struct container_hook ns_hooks[NS_HOOKS];

static void probe_newtask(void *data, struct task_struct *child, unsigned long clone_flags)
{
	if (unlikely(clone_flags & NS_FLAGS))
		ns_expect(child, NULL, NULL, &ns_hooks[HOOK_NEWTASK]);
}

/* unshare_nsproxy_namespaces(flags, ...), which unshare(2) calls in any case */
static void notrace hook_unshare(unsigned long ip, unsigned long parent_ip,
				 struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	if (container_hook_arg(fregs, 0) & NS_FLAGS)
		ns_expect(current, current->nsproxy, current_user_ns(),
			  &ns_hooks[HOOK_UNSHARE]);
}

static struct container_hook ns_hooks[NS_HOOKS] = {
	[HOOK_NEWTASK] = {
		.name = "task_newtask",
		.type = CONTAINER_HOOK_TRACEPOINT,
		.handler = probe_newtask,
	},
	[HOOK_UNSHARE] = {
		.name = "unshare_nsproxy_namespaces",
		.type = CONTAINER_HOOK_ENTRY,
		.handler = hook_unshare,
	},
};

/* --- the subsystem ----------------------------------------------------------- */

/* Any user gets here as often as he likes. */
static int ns_bounded(const char *what, unsigned int max)
{
	static DEFINE_RATELIMIT_STATE(lines, 10 * HZ, 1);

	if (__ratelimit(&lines))
		pr_notice("%s[%d] has new namespaces, but no container of its own: %s is %u\n",
			  current->comm, task_pid_nr(current), what, max);
	return -EDQUOT;
}

static int ns_create(struct container_subsys *ss, struct container *cont)
{
	unsigned int deepest = READ_ONCE(max_depth), most = READ_ONCE(max_containers);
	unsigned int depth = cont->parent ? container_group(cont->parent)->depth : 0;
	bool made = test_bit(CONT_CLONED, &cont->flags);
	struct ns_group *group;

	/* the first one has a depth of 1, and nothing above */
	if (made && depth > deepest)
		return ns_bounded("max_depth", deepest);
	if (made && containers >= most)
		return ns_bounded("max_containers", most);
	group = kzalloc(sizeof(*group), GFP_KERNEL);
	if (!group)
		return -ENOMEM;
	group->depth = depth + made;
	group->made = made;
	containers += made;
	if (made && READ_ONCE(auto_delete))
		set_bit(CONT_AUTO_DELETE, &cont->flags);
	container_set_subsys_state(cont, ss, &group->css);
	return 0;
}

static void ns_destroy(struct container_subsys *ss, struct container *cont)
{
	struct ns_group *group = container_group(cont);

	containers -= group->made;
	kfree_rcu(group, rcu);
}

static void ns_show(struct container_subsys *ss, struct seq_file *m)
{
	seq_printf(m, " without=%ld", atomic_long_read(&without));
}

/*
 * Only into an empty child of where it is. Empty stays empty while we hold the manage
 * lock: a fork brings a member only to where there is one.
 */
static int ns_can_attach(struct container_subsys *ss, struct container_move *move)
{
	return move->to->parent == move->from && !READ_ONCE(move->to->nr_members) ? 0 : -EPERM;
}

static int ns_bind(struct container_subsys *ss, struct container *root)
{
	return container_hooks_arm(ns_hooks, NS_HOOKS);
}

static void ns_unbind(struct container_subsys *ss, struct container *root)
{
	container_hooks_disarm(ns_hooks, NS_HOOKS);
}

static struct container_subsys ns_subsys = {
	.name = "ns",
	.owner = THIS_MODULE,
	.scope = CONTAINER_MEMBERS,
	.create = ns_create,
	.destroy = ns_destroy,
	.can_attach = ns_can_attach,
	.bind = ns_bind,
	.unbind = ns_unbind,
	.show = ns_show,
	.subsys_id = -1,
};

module_param(auto_delete, bool, 0644);
MODULE_PARM_DESC(auto_delete, "the containers made for namespaces go with their last task (default 1)");
module_param(max_depth, uint, 0644);
MODULE_PARM_DESC(max_depth, "how many of them may be below the first one (default 32)");
module_param(max_containers, uint, 0644);
MODULE_PARM_DESC(max_containers, "how many of them there may be (default 4096)");

static int __init ns_init(void)
{
	static const struct container_symbol symbols[] = {
		{ .name = "task_work_add", .address = &work_add_fn },
	};
	static const struct container_feature feature = {
		.name = "ns",
		.symbols = symbols,
		.nr_symbols = ARRAY_SIZE(symbols),
		.hooks = ns_hooks,
		.nr_hooks = NS_HOOKS,
	};
	int err;

	err = container_feature_find(&feature);
	if (err)
		return err;
	/* can this kernel be hooked where we need it? Better said now than at a mount */
	err = container_hooks_arm(ns_hooks, NS_HOOKS);
	if (!err) {
		container_hooks_disarm(ns_hooks, NS_HOOKS);
		err = container_register_subsys(&ns_subsys);
	}
	if (err)
		container_hooks_forget(ns_hooks, NS_HOOKS);
	return err;
}

static void __exit ns_exit(void)
{
	container_unregister_subsys(&ns_subsys);
	/* there have been no new ones since unbind() */
	wait_var_event(&calls, !atomic_read(&calls));
	/* the last of them may have a few instructions of ours to go */
	compat_synchronize_tasks();
	container_hooks_forget(ns_hooks, NS_HOOKS);
}

module_init(ns_init);
module_exit(ns_exit);

MODULE_DESCRIPTION("Containers: a container for each set of namespaces");
MODULE_LICENSE("GPL");
MODULE_VERSION(CONTAINER_VERSION);
MODULE_ALIAS("container-subsys-ns");
