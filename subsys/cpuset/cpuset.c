// SPDX-License-Identifier: GPL-2.0
/*
 * cpuset: which CPUs and memory nodes the tasks of a container may use.
 *
 * This file changes settings, creates and destroys the state of a container, and has the module.
 * Read the others in this order: rules.h (what a setting is, and what it may be), files.c (the
 * control files), apply.c (walks over members), attach.c (moves, forks and exits), cpus.c,
 * affinity.c, wish.c and mems.c (the effect of a setting on a task), jobs.c (effects that a user
 * can delay), hotplug.c (CPUs and memory come and go), pressure.c and fmeter.h (memory_pressure),
 * legacy.c (the filesystem "cpuset").
 *
 * Who takes part, and how races are settled:
 *
 * write	holds the manage lock. It publishes the new setting and increments the number of
 *	changes. Then it applies the setting to each member that is complete and has an older
 *	number, in portions, since that sleeps.
 * fork	copies the affinity and the nodes of the parent. fork() is called when the child is
 *	complete but has not run. If the latest change was applied to the parent, and the child
 *	has the values of the parent, nothing is left to do; otherwise fork() applies the
 *	setting. The child is marked as complete before fork() reads the number of changes; a
 *	writer increments that number before it looks for complete members. So one of them sees
 *	the other. The kernel's own cpuset may copy from the parent once more, shortly before the
 *	child is complete; and the parent may enter or leave meanwhile. A child in a container gets
 *	all its values in fork(); of one at the root, cpuset_probe_newtask() sees to it.
 * exit	drops the wish of the task.
 * move	can_attach() allocates the memory for attach(), which must not sleep; post_attach()
 *	does the work that sleeps. In between the task is in the new container and runs as in
 *	the old one; the write to tasks has not returned yet. For a new thread that follows its
 *	process (fork.c in the core), only attach() is called. The thread has not run yet: if it
 *	moves to the root, attach() sets its values, and fork() does so otherwise. Until a task that
 *	has left for the root has its values there, its new children get them by its wish.
 * mkdir, rmdir	hold the manage lock. A container that is removed has no members.
 * mount, umount	hold the core's lock on bindings. A hierarchy that is dissolved has no
 *	containers below its root. So no task is confined when the hooks are disarmed or the module
 *	is unloaded.
 * hotplug	see hotplug.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "compat_cpuset.h"
#include "cpuset.h"
#include "jobs.h"
#include "private.h"

/* --- rules -------------------------------------------------------------------- */

/**
 * cpuset_usable - can tasks run in a container?
 * @cont: the container
 *
 * Context: manage lock held.
 */
bool cpuset_usable(struct container *cont)
{
	struct setting *s = setting_locked(cont);

	container_assert_managed();
	return !cont->parent || (cpumask_intersects(setting_cpus(s), cpu_active_mask) &&
				 nodes_intersects(s->mems, node_states[N_MEMORY]));
}

/**
 * refuse_unusable - refuse a move to a container in which no task can run
 * @cont: the container
 *
 * Most users run into this with their first container, so the log names the empty file: once,
 * and again when another file is empty.
 *
 * Context: manage lock held.
 * Return: -ENOSPC.
 */
int refuse_unusable(struct container *cont)
{
	const char *prefix = container_noprefix(cont) ? "" : "cpuset.";
	struct setting *s = setting_locked(cont);
	struct cpuset *cs = container_cpuset(cont);
	bool cpus = cpumask_intersects(setting_cpus(s), cpu_active_mask);
	bool mems = nodes_intersects(s->mems, node_states[N_MEMORY]);
	unsigned char lacks = !cpus + 2 * !mems;

	container_assert_managed();
	if (cs->said_to_lack == lacks)
		return -ENOSPC;
	cs->said_to_lack = lacks;
	if (!cpus && !mems)
		pr_notice_ratelimited("%pd4: no task can enter: %scpus and %smems are empty\n",
				      cont->dentry, prefix, prefix);
	else
		pr_notice_ratelimited("%pd4: no task can enter: %s%s is empty\n", cont->dentry,
				      prefix, cpus ? "mems" : "cpus");
	return -ENOSPC;
}

/**
 * setting_dup - copy a setting, to change the copy and pass it to setting_change()
 * @from: the setting
 *
 * Context: sleeps.
 * Return: the copy, or NULL if there is no memory.
 */
struct setting *setting_dup(const struct setting *from)
{
	return kmemdup(from, setting_size(), GFP_KERNEL);
}

/* For container_for_each_member(): sets @found if a task has a deadline. */
static void find_deadline(struct task_struct *task, void *data, void *found)
{
	if (task->policy == SCHED_DEADLINE)
		*(bool *)found = true;
}

/*
 * Would a change take CPUs from a task with a deadline? The scheduler has guaranteed its run time
 * on all CPUs of its domain, and refuses to narrow its affinity.
 */
static bool deadline_misses(struct container *cont, struct setting *old, struct setting *new)
{
	bool found = false;

	if (cpumask_subset(setting_cpus(old), setting_cpus(new)))
		return false;
	container_for_each_member(cont, &cpuset_subsys, find_deadline, &found);
	return found;
}

/* Checks a new setting against the rules, in the order of cgroup v1. */
static int setting_check(struct container *cont, struct setting *new)
{
	struct setting *old = setting_locked(cont);
	struct container *parent = cont->parent, *other;

	list_for_each_entry(other, &cont->children, sibling)
		if (!setting_within(setting_locked(other), new))
			return -EBUSY;
	if (!parent)
		return 0;
	if (!setting_within(new, setting_locked(parent)))
		return -EACCES;
	if (READ_ONCE(cont->nr_members) && setting_empties(old, new))
		return -ENOSPC;
	if (deadline_misses(cont, old, new))
		return -EBUSY;
	list_for_each_entry(other, &parent->children, sibling)
		if (other != cont && settings_collide(new, setting_locked(other)))
			return -EINVAL;
	return 0;
}

/**
 * setting_change - change the setting of a container, if the rules allow it
 * @cont: the container
 * @new: the new setting, from setting_dup(); the function takes it over
 * @written: APPLY_ flags of what has to be applied even if it has not changed: who wrote the same
 *	before may have been killed while he waited for that
 *
 * Whether CPUs and nodes are present is not asked here: what the user wrote is checked in files.c,
 * and what has gone since then, or is copied from a parent, is removed by hotplug.c.
 *
 * Context: manage lock held; sleeps. When it returns, the setting is applied to the members.
 * Return: 0, or the errno that cgroup v1 has for the broken rule. On failure nothing has changed.
 */
int setting_change(struct container *cont, struct setting *new, int written)
{
	struct setting *old = setting_locked(cont);
	nodemask_t from = old->mems;
	int what = written, err;

	container_assert_managed();
	err = setting_check(cont, new);
	if (err) {
		kfree(new);
		return err;
	}
	if (!cpumask_equal(setting_cpus(old), setting_cpus(new)))
		what |= APPLY_CPUS;
	if (!nodes_equal(old->mems, new->mems))
		what |= APPLY_MEMS;
	cpus_publish(cont, new);
	if (what)
		members_apply(cont, what, &from);
	return 0;
}

/* --- containers --------------------------------------------------------------- */

static int cpuset_create(struct container_subsys *ss, struct container *cont)
{
	struct cpuset *cs;
	struct setting *s;

	cs = kzalloc(sizeof(*cs), GFP_KERNEL);
	if (!cs)
		return -ENOMEM;
	s = kzalloc(setting_size(), GFP_KERNEL);
	if (!s) {
		kfree(cs);
		return -ENOMEM;
	}
	cs->changes = NOT_APPLIED + 1;
	spin_lock_init(&cs->meter_lock);
	if (cont->parent) {
		cs->flags = container_cpuset(cont->parent)->flags & SPREAD_FLAGS;
	} else {
		/* shown are those that are present; its children may have all that there can be */
		cpumask_copy(setting_cpus(s), cpu_possible_mask);
		s->mems = node_possible_map;
		s->flags = BIT(SETTING_CPU_EXCLUSIVE) | BIT(SETTING_MEM_EXCLUSIVE);
	}
	RCU_INIT_POINTER(cs->setting, s);
	container_set_subsys_state(cont, ss, &cs->css);
	return 0;
}

/*
 * Copies CPUs and nodes of the parent, without which no task could enter, but not exclusiveness,
 * since the two share all of them. If a sibling has some of them exclusively, the new container
 * stays empty, as in cgroup v1.
 */
static int cpuset_inherit(struct container_subsys *ss, struct container *cont)
{
	struct setting *parent = setting_locked(cont->parent), *new;
	bool below = cont->parent->parent;
	int err;

	/* or a CPU that has gone before, and is back, would be taken from this container later */
	hotplug_sync(cont);
	new = setting_dup(setting_locked(cont));
	if (!new)
		return -ENOMEM;
	compat_cpumask_copy(setting_cpus(new), below ? setting_cpus(parent) : cpu_active_mask);
	new->mems = below ? parent->mems : node_states[N_MEMORY];
	err = setting_change(cont, new, 0);
	return err == -EINVAL ? 0 : err;
}

static void cpuset_destroy(struct container_subsys *ss, struct container *cont)
{
	struct cpuset *cs = container_cpuset(cont);
	struct setting *s = setting_locked(cont);

	kfree_rcu(s, rcu);
	kfree_rcu(cs, rcu);
}

static int cpuset_bind(struct container_subsys *ss, struct container *root)
{
	int err;

	err = cpus_bind();
	if (err)
		return err;
	err = mems_bind();
	if (err)
		goto err_cpus;
	err = pressure_bind();
	if (err)
		goto err_mems;
	return 0;

err_mems:
	mems_unbind();
err_cpus:
	cpus_unbind();
	return err;
}

static void cpuset_unbind(struct container_subsys *ss, struct container *root)
{
	struct cpuset *cs = container_cpuset(root);

	container_manage_lock();
	if (cs->flags & SPREAD_FLAGS)
		root_spread(root, 0);
	cs->flags = 0;
	setting_locked(root)->flags = BIT(SETTING_CPU_EXCLUSIVE) | BIT(SETTING_MEM_EXCLUSIVE);
	pressure_count(false);
	container_manage_unlock();
	pressure_unbind();
	mems_unbind();
	cpus_unbind();
	cs->meter = (struct fmeter) {};
}

struct container_subsys cpuset_subsys = {
	.name = "cpuset",
	.owner = THIS_MODULE,
	.scope = CONTAINER_MEMBERS,
	.task_size = sizeof(struct cpuset_task),
	.create = cpuset_create,
	.destroy = cpuset_destroy,
	.inherit = cpuset_inherit,
	.can_attach = cpuset_can_attach,
	.can_clone = cpuset_can_attach,
	.cancel_attach = cpuset_cancel_attach,
	.attach = cpuset_attach,
	.post_attach = cpuset_post_attach,
	.fork = cpuset_fork,
	.exit = cpuset_exit,
	.populate = cpuset_populate,
	.bind = cpuset_bind,
	.unbind = cpuset_unbind,
};

static int __init cpuset_init_module(void)
{
	int err;

	err = attach_init();
	if (err)
		return err;
	err = jobs_init();
	if (err)
		return err;
	err = cpus_init();
	if (err)
		goto err_jobs;
	err = mems_init();
	if (err)
		goto err_cpus;
	err = pressure_init();
	if (err)
		goto err_mems;
	err = hotplug_init();
	if (err)
		goto err_pressure;
	err = container_register_subsys(&cpuset_subsys);
	if (err)
		goto err_hotplug;
	legacy_init();
	return 0;

err_hotplug:
	hotplug_exit();
err_pressure:
	pressure_exit();
err_mems:
	mems_exit();
err_cpus:
	cpus_exit();
err_jobs:
	jobs_exit();
	return err;
}

static void __exit cpuset_exit_module(void)
{
	legacy_exit();
	container_unregister_subsys(&cpuset_subsys);
	hotplug_exit();
	pressure_exit();
	mems_exit();
	cpus_exit();
	jobs_exit();
	/* settings and cpusets are freed after a grace period */
	rcu_barrier();
}

module_init(cpuset_init_module);
module_exit(cpuset_exit_module);

MODULE_DESCRIPTION("Containers: CPUs and memory nodes");
MODULE_LICENSE("GPL");
MODULE_VERSION(CONTAINER_VERSION);
MODULE_ALIAS("container-subsys-cpuset");
