// SPDX-License-Identifier: GPL-2.0
/*
 * The release of a container: when the last of its members and children has gone, the release
 * agent is run, or the container is deleted (auto_delete).
 *
 * Exits, moves and rmdir only count the release and queue the container's work item, which holds
 * a reference on the container. A worker does the rest. The container may be in use again or
 * removed by then.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/binfmts.h>
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/umh.h>
#include <linux/workqueue.h>

#include "container_trace.h"
#include "core.h"

static struct workqueue_struct *release_wq;

/*
 * Allocates the path of a container, which may be longer than PATH_MAX. Return: the path, for
 * kvfree(); -ENODEV if the container is removed, -ENAMETOOLONG for more than a program can be
 * given, -ENOMEM.
 */
static char *path_alloc(const struct container *cont)
{
	int size, err;
	char *path;

	for (size = PATH_MAX; size <= MAX_ARG_STRLEN; size *= 2) {
		path = kvmalloc(size, GFP_KERNEL);
		if (!path)
			return ERR_PTR(-ENOMEM);
		container_lock();
		err = container_path(cont, path, size);
		container_unlock();
		if (!err)
			return path;
		kvfree(path);
		if (err != -ENAMETOOLONG)
			return ERR_PTR(err);
	}
	return ERR_PTR(-ENAMETOOLONG);
}

/* Runs the agent for a container, unless it was removed meanwhile. */
static void run_agent(struct container *cont)
{
	static char *envp[] = {
		"HOME=/", "PATH=/sbin:/bin:/usr/sbin:/usr/bin", NULL
	};
	char *agent, *path, *argv[3];
	int err;

	container_lock();
	agent = kstrdup(container_hierarchy(cont)->release_agent, GFP_KERNEL);
	container_unlock();
	err = agent ? 0 : -ENOMEM;
	if (agent && agent[0]) {
		path = path_alloc(cont);
		err = PTR_ERR_OR_ZERO(path);
		if (!err) {
			argv[0] = agent;
			argv[1] = path;
			argv[2] = NULL;
			/*
			 * Waits for the exec, after which the strings can be freed. While the
			 * system goes to sleep, no program can be run.
			 */
			while (call_usermodehelper(agent, argv, envp, UMH_WAIT_EXEC) == -EBUSY &&
			       !container_is_removed(cont))
				msleep(100);
			kvfree(path);
		}
	}
	if (err && err != -ENODEV)
		pr_warn_ratelimited("cannot run the release agent: error %d\n", err);
	kfree(agent);
}

void container_release_work(struct work_struct *work)
{
	struct container *cont = container_of(work, struct container, release_work);
	int count = atomic_xchg(&cont->releases, 0);

	/* it stays if it is in use again, or an rmdir is killing its members */
	if (test_bit(CONT_AUTO_DELETE, &cont->flags))
		fs_remove_container(cont);
	else
		while (count-- > 0 && test_bit(CONT_NOTIFY_ON_RELEASE, &cont->flags))
			run_agent(cont);
	container_put(cont);
}

static void release_queue(struct container *cont)
{
	/* no reference is left: the container has been removed */
	if (!refcount_inc_not_zero(&cont->ref))
		return;
	if (!queue_work(release_wq, &cont->release_work))
		container_put(cont);
}

/**
 * container_released - handle the release of a container
 * @cont: a container below a root, which has just lost the last of its members and children
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
 * container_delete_again - retry an auto-delete that has failed
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
 * container_css_get_current - take a reference on the state of the current task's container
 * @ss: a bound subsystem
 *
 * Context: any but NMI. Retries if the task is moved away meanwhile.
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
 * @css: the state, which the caller must not use afterwards
 *
 * If no reference was held, the count is restored and an error in the log names the caller.
 *
 * Context: any but NMI; the last put may queue work.
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
		pr_err_ratelimited("%ps dropped a reference on a container's state that was not held\n",
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
