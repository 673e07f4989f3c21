// SPDX-License-Identifier: GPL-2.0
/*
 * What happens when a container is released, that is, left without members and
 * children: its release agent is run, or it removes itself.
 *
 * Fork, exit and moves only note the event and queue the container's work item,
 * which keeps the container. The workers of our own queue do the rest.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kmod.h>
#include <linux/slab.h>
#include <linux/umh.h>
#include <linux/workqueue.h>

#include "container_trace.h"
#include "core.h"

static struct workqueue_struct *release_wq;

/* Runs the agent for a container that may be gone by now. */
static void run_agent(struct container *cont)
{
	static char *envp[] = {
		"HOME=/", "PATH=/sbin:/bin:/usr/sbin:/usr/bin", NULL
	};
	char *agent, *path, *argv[3];

	path = kmalloc(PATH_MAX, GFP_KERNEL);
	container_lock();
	agent = kstrdup(container_hierarchy(cont)->release_agent, GFP_KERNEL);
	if (path && container_path(cont, path, PATH_MAX))
		path[0] = '\0';
	container_unlock();

	if (!agent || !path) {
		pr_warn("no memory to run the release agent\n");
	} else if (agent[0] && path[0]) {
		argv[0] = agent;
		argv[1] = path;
		argv[2] = NULL;
		/* waits for the exec, so that the strings are ours to free */
		call_usermodehelper(agent, argv, envp, UMH_WAIT_EXEC);
	}
	kfree(agent);
	kfree(path);
}

/*
 * Removes the container unless it is in use again, or somebody's rmdir is killing its
 * members and removes it itself.
 */
static void auto_delete(struct container *cont)
{
	/* before trying, so that what is in the way does not go unseen */
	set_bit(CONT_DELETE_PENDING, &cont->flags);
	fs_remove_container(cont);
}

void container_release_work(struct work_struct *work)
{
	struct container *cont = container_of(work, struct container, release_work);
	int count = atomic_xchg(&cont->releases, 0);

	if (test_bit(CONT_AUTO_DELETE, &cont->flags))
		auto_delete(cont);
	else
		while (count-- > 0 && test_bit(CONT_NOTIFY_ON_RELEASE, &cont->flags))
			run_agent(cont);
	container_put(cont);
}

static void release_queue(struct container *cont)
{
	/* gone for good: nothing to run for it, and its work cannot keep it */
	if (!refcount_inc_not_zero(&cont->ref))
		return;
	if (!queue_work(release_wq, &cont->release_work))
		container_put(cont);
}

/**
 * container_released - a container was left without members and children
 * @cont: a container below a root
 *
 * Context: any that may take a spinlock; @cont readable under RCU.
 */
void container_released(struct container *cont)
{
	trace_release(cont);
	if (!(READ_ONCE(cont->flags) & (BIT(CONT_NOTIFY_ON_RELEASE) | BIT(CONT_AUTO_DELETE))))
		return;
	atomic_inc(&cont->releases);
	release_queue(cont);
}

/**
 * container_delete_again - what was in the way of an automatic removal may be gone
 * @cont: the container, readable under RCU
 *
 * Context: any that may take a spinlock.
 */
void container_delete_again(struct container *cont)
{
	if (test_and_clear_bit(CONT_DELETE_PENDING, &cont->flags))
		release_queue(cont);
}

/**
 * container_css_get_current - take a reference on the current task's state
 * @ss: a bound subsystem
 *
 * Context: any but NMI. Tries again when the task is moved away meanwhile.
 * Return: the state, with a reference.
 */
struct container_subsys_state *container_css_get_current(struct container_subsys *ss)
{
	struct container_subsys_state *css;

	rcu_read_lock();
	do {
		css = task_subsys_state(current, ss);
	} while (container_css_get(css));
	rcu_read_unlock();
	return css;
}
EXPORT_SYMBOL_GPL(container_css_get_current);

/**
 * container_css_put - drop a reference
 * @css: the state; the caller may not touch it afterwards
 *
 * One that nobody had is put back, and it is said whose fault that is.
 *
 * Context: any but NMI; the last one may queue work.
 */
void container_css_put(struct container_subsys_state *css)
{
	int left;

	rcu_read_lock();
	left = atomic_dec_return(&css->refcnt);
	if (!left) {
		container_delete_again(READ_ONCE(css->container));
	} else if (unlikely(left < 0)) {
		atomic_inc(&css->refcnt);
		pr_err_ratelimited("%ps dropped a reference on a container's state that nobody had taken\n",
				   __builtin_return_address(0));
	}
	rcu_read_unlock();
}
EXPORT_SYMBOL_GPL(container_css_put);

int release_init(void)
{
	release_wq = alloc_workqueue("container_release", WQ_UNBOUND, 0);
	return release_wq ? 0 : -ENOMEM;
}

void release_exit(void)
{
	destroy_workqueue(release_wq);
}
