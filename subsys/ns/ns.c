// SPDX-License-Identifier: GPL-2.0
/*
 * ns: groups tasks by their namespaces. A task that creates namespaces with clone(2) or
 * unshare(2) gets a new container, below its present one.
 *
 * The task creates the container itself, on its way to user space. The hooks must not sleep, so
 * they only add a task work: for clone(2), to the child when it is complete (task_newtask); for
 * unshare(2), to the caller, before the call has done anything. The work compares the namespaces
 * of then and now to see whether the call has succeeded. setns(2) passes neither hook. fork(2) of
 * a task that has called unshare(2) for its children's namespaces creates no container.
 *
 * Any user may create namespaces. So these containers are deleted with their last task, unless
 * auto_delete is switched off, and their number and depth are bounded. Beyond the bounds the
 * system call succeeds, and the task stays in its container; the log says so, and /proc/containers
 * counts such tasks.
 *
 * Who else takes part:
 *
 * exit		runs the works that the task still has. An exiting task gets no container any
 *	more, and neither does a task that a signal is about to kill.
 * move, rmdir	may move the task or remove its container before the work runs. container_clone()
 *	uses the present container of the task, and holds the manage lock meanwhile.
 * mount	bind() arms the hooks. A task that creates namespaces at this moment may get a
 *	container or not.
 * unmount	unbind() disarms the hooks. Works that run later find that ns is not bound.
 * unload	is refused while there are works: each has a reference on the module. No signal or
 *	freezer stops a task before its works, but a page fault may, as clone(2) writes to user
 *	memory before, and so may a debugger that stops unshare(2) at its end.
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

#include "compat.h"
#include "container.h"
#include "container_hook.h"

/* The flags of clone(2) and unshare(2) that create namespaces. */
#define NS_FLAGS (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
		  CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)

/**
 * struct ns_group - the state of a container
 * @css: the core's part
 * @depth: the number of containers that ns has made, among this one and its ancestors
 * @made: ns has made this one. It never changes, and neither does @depth
 * @rcu: for freeing
 */
struct ns_group {
	struct container_subsys_state css;
	unsigned int depth;
	bool made;
	struct rcu_head rcu;
};

/**
 * struct ns_call - a call that creates namespaces, until its task has a container
 * @work: the task work, which creates the container
 * @nsproxy: the task's namespaces before the call, only for comparison; NULL for a new task
 * @user_ns: its user namespace before the call, only for comparison; NULL for a new task
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

/* The number of containers that ns has made and that exist. Under the manage lock. */
static unsigned int containers;
/* The number of tasks with new namespaces that could not get a container. */
static atomic_long_t without;

/* task_work_add(), which not all kernels export (5.15 does not). */
static void *work_add_fn;
CONTAINER_KERNEL_FN(int, call_task_work_add, struct task_struct *task,
		    struct callback_head *work, enum task_work_notify_mode notify);

static struct ns_group *container_group(struct container *cont)
{
	return container_of(container_subsys_state(cont, &ns_subsys), struct ns_group, css);
}

/* Counts and logs a task that has new namespaces, but gets no container. */
static void ns_failed(struct task_struct *task, int err)
{
	atomic_long_inc(&without);
	/* ns_bounded() has logged it */
	if (err == -EDQUOT)
		return;
	pr_notice_ratelimited("%s[%d] has new namespaces, but no container of its own: error %d\n",
			      task->comm, task_pid_nr(task), err);
}

static void call_end(struct ns_call *call)
{
	kfree(call);
	/* the module may go now, but ns_exit() waits until the work has returned */
	module_put(THIS_MODULE);
}

/* Has the current task other namespaces than before the call? A new task always has. */
static bool call_succeeded(const struct ns_call *call)
{
	return current->nsproxy != call->nsproxy || current_user_ns() != call->user_ns;
}

/* Runs in the task itself, which is about to return to user space or exits. */
static void ns_work(struct callback_head *work)
{
	struct ns_call *call = container_of(work, struct ns_call, work);
	int err;

	if (!(current->flags & PF_EXITING) && !fatal_signal_pending(current) &&
	    call_succeeded(call)) {
		err = container_clone(&ns_subsys);
		/* no report for a task that is being killed together with its container */
		if (err && !fatal_signal_pending(current))
			ns_failed(current, err);
	}
	call_end(call);
}

/*
 * Adds the work to a task that creates namespaces, or has just been created with new ones. While ns
 * is bound, so is its module: unbind() waits for those who are in here.
 */
static void ns_expect(struct task_struct *task, const struct nsproxy *nsproxy,
		      const struct user_namespace *user_ns, struct container_hook *hook)
{
	struct ns_call *call;

	if (!READ_ONCE(ns_subsys.hierarchy))
		return;
	call = kmalloc(sizeof(*call), GFP_ATOMIC | __GFP_NOWARN);
	if (!call) {
		atomic_long_inc(&hook->missed);
		ns_failed(task, -ENOMEM);
		return;
	}
	init_task_work(&call->work, ns_work);
	call->nsproxy = nsproxy;
	call->user_ns = user_ns;
	__module_get(THIS_MODULE);
	/* fails for a task that exits and has run its last work */
	if (call_task_work_add(work_add_fn, task, &call->work, TWA_RESUME))
		call_end(call);
}

enum { HOOK_NEWTASK, HOOK_UNSHARE, NS_HOOKS };
static struct container_hook ns_hooks[NS_HOOKS];

static void probe_newtask(void *data, struct task_struct *child,
			  COMPAT_CLONE_FLAGS clone_flags)
{
	if (unlikely(clone_flags & NS_FLAGS))
		ns_expect(child, NULL, NULL, &ns_hooks[HOOK_NEWTASK]);
}

/* On unshare_nsproxy_namespaces(flags, ...), which unshare(2) always calls. */
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

/* Logs that a bound is reached. Any user can get here at will, so the log is limited. */
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

	/* the topmost container that ns makes has a depth of 1, and does not count */
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
 * A task may move only to an empty child of its container. The child stays empty while the manage
 * lock is held: a fork adds members only to containers that have one.
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
	/* try whether the hooks can be armed: better fail now than at a mount */
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
	/* the last work may not have returned yet */
	compat_synchronize_tasks();
	container_hooks_forget(ns_hooks, NS_HOOKS);
}

module_init(ns_init);
module_exit(ns_exit);

MODULE_DESCRIPTION("Containers: a container for each set of namespaces");
MODULE_LICENSE("GPL");
MODULE_VERSION(CONTAINER_VERSION);
MODULE_ALIAS("container-subsys-ns");
