// SPDX-License-Identifier: GPL-2.0
/*
 * Hotplug of CPUs and memory.
 *
 * A CPU or node that goes offline is removed from every container below the root, for good: if it
 * comes back, only the root has it. Members of a container that has lost its last CPU or its last
 * node are moved to the nearest ancestor that has both.
 *
 * Suspend and hibernation take CPUs offline, too, but only for a while. Settings stay, and so do
 * members, which are frozen. If the scheduler has moved a task that ran nevertheless, the task
 * gets its CPUs back when they come online. A CPU that does not come back is removed at the end.
 *
 * The notifiers run inside locks that a holder of the manage lock may need. So they only make a
 * note, and hotplug_sync() does the work: from a work item, and before any other change. It also
 * restores settings that the kernel has overwritten: see mems.c. All members are repaired by a
 * work item of its own, after the end of the hotplug.
 *
 * gone_lock guards the notes of CPUs and nodes. What is noted stays, and is not shown, until no
 * container has it any more.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/irq_work.h>
#include <linux/memory.h>
#include <linux/notifier.h>
#include <linux/spinlock.h>
#include <linux/suspend.h>
#include <linux/workqueue.h>

#include "container_hook.h"
#include "cpuset.h"
#include "jobs.h"
#include "private.h"

static DEFINE_SPINLOCK(gone_lock);
static struct cpumask gone;	/* the note: CPUs that are to be removed */
static nodemask_t gone_mems;	/* the same for nodes */
static struct cpumask going;	/* copies for sync_all(); under the manage lock */
static nodemask_t going_mems;
static atomic_t repair_all;	/* repair the members of all containers */
static int online_state, dead_state; /* the numbers of the CPU notifiers */

/*
 * cpuset_wait_for_hotplug(): waits until the kernel's own cpusets have followed. Up to 6.9, they do
 * that later, in a work item of their own; NULL if they do it at once.
 */
static void *wait_fn;
CONTAINER_KERNEL_FN(void, call_wait, long none);

static void hotplug_work_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(hotplug_work, hotplug_work_fn);
static void repair_work_fn(struct work_struct *work);
static DECLARE_WORK(repair_work, repair_work_fn);
static struct irq_work repair_irq_work;

static void repair_irq(struct irq_work *work)
{
	schedule_delayed_work(&hotplug_work, 0);
	if (atomic_xchg(&repair_all, 0))
		schedule_work(&repair_work);
}

/**
 * hotplug_repair - have the affinity and nodes of members set again
 * @cs: the cpuset of their container; NULL for all members
 *
 * The caller may be changing a task's nodes, with interrupts disabled. That task may be allocating
 * memory, on another CPU, with the lock of a workqueue held, and then waits for the end of the
 * change. So the work is queued only after interrupts are enabled again.
 *
 * Context: any.
 */
void hotplug_repair(struct cpuset *cs)
{
	if (cs)
		set_bit(CPUSET_REPAIR, &cs->flags);
	else
		atomic_set(&repair_all, 1);
	irq_work_queue(&repair_irq_work);
}

/**
 * hotplug_hide - remove CPUs and nodes that are gone from masks
 * @cpus: the masks, which are about to be shown
 * @mems: the same
 *
 * Context: process.
 */
void hotplug_hide(struct cpumask *cpus, nodemask_t *mems)
{
	spin_lock(&gone_lock);
	cpumask_andnot(cpus, cpus, &gone);
	nodes_andnot(*mems, *mems, gone_mems);
	spin_unlock(&gone_lock);
}

/*
 * Removes what is gone from a setting, bit by bit, since the setting may have readers. Return: true
 * if it has changed.
 */
static bool setting_shrink(struct setting *s)
{
	bool changed = false;
	int cpu, node;

	for_each_cpu(cpu, &going)
		changed |= cpumask_test_and_clear_cpu(cpu, setting_cpus(s));
	for_each_node_mask(node, s->mems)
		if (node_isset(node, going_mems)) {
			node_clear(node, s->mems);
			changed = true;
		}
	return changed;
}

/*
 * Evicts the members of a container without CPUs or nodes to an ancestor; otherwise applies the
 * setting to them if it has @changed.
 */
static void sync_members(struct container *cont, bool changed)
{
	struct container *to = cont;

	while (to->parent && setting_lacks(setting_locked(to)))
		to = to->parent;
	if (to == cont) {
		if (changed)
			members_apply(cont, APPLY_ALL, NULL);
	} else if (!members_evict(cont, to)) {
		pr_warn_ratelimited("no memory to move tasks out of a container without CPUs\n");
		schedule_delayed_work(&hotplug_work, HZ / 10);
	}
}

/* As hotplug_sync(); with @repair, repairs the members of all containers. */
static void sync_all(struct container *own, bool repair)
{
	struct container *root = container_subsys_root(&cpuset_subsys), *cont;
	bool changed;

	container_assert_managed();
	spin_lock(&gone_lock);
	cpumask_copy(&going, &gone);
	going_mems = gone_mems;
	spin_unlock(&gone_lock);

	/* parents first: members are moved to them */
	for (cont = container_next_descendant(root, root); cont;
	     cont = container_next_descendant(cont, root)) {
		changed = setting_shrink(setting_locked(cont)) || repair;
		changed |= test_and_clear_bit(CPUSET_REPAIR, &container_cpuset(cont)->flags);
		if (!READ_ONCE(cont->nr_members))
			continue;
		jobs_await(cont == own);
		sync_members(cont, changed);
		jobs_await(true);
	}

	spin_lock(&gone_lock);
	cpumask_andnot(&gone, &gone, &going);
	nodes_andnot(gone_mems, gone_mems, going_mems);
	spin_unlock(&gone_lock);
}

/**
 * hotplug_sync - remove CPUs and nodes that are gone from all containers, and repair members
 * @own: the container whose members the caller waits for, on its way to user space. It must not
 *	wait for those of others, who have nothing to do with its change
 *
 * Context: manage lock held; sleeps.
 */
void hotplug_sync(struct container *own)
{
	sync_all(own, false);
}

/* Waits until a CPU that is going or coming has done so. */
static void wait_for_hotplug(void)
{
	cpus_read_lock();
	cpus_read_unlock();
}

static void hotplug_work_fn(struct work_struct *work)
{
	wait_for_hotplug();
	container_manage_lock();
	sync_all(NULL, false);
	container_manage_unlock();
}

/*
 * A user can hold up the kernel's cpusets, by the lock of an address space. So nothing but the
 * repair waits for them: evictions are another work item's, and unloading the module fails.
 */
static void repair_work_fn(struct work_struct *work)
{
	wait_for_hotplug();
	if (wait_fn) {
		if (!try_module_get(THIS_MODULE))
			return;
		call_wait(wait_fn, 0);
		/* hotplug_exit() waits for the rest of this function */
		module_put(THIS_MODULE);
	}
	container_manage_lock();
	sync_all(NULL, true);
	container_manage_unlock();
}

/* Notes CPUs that are gone, and has the work done. Called inside the locks of the notifiers. */
static void note_gone(const struct cpumask *cpus)
{
	spin_lock(&gone_lock);
	cpumask_or(&gone, &gone, cpus);
	spin_unlock(&gone_lock);
	schedule_delayed_work(&hotplug_work, 0);
}

/* The same for nodes: all that have no memory, of which settings have only what had some. */
static void note_gone_mems(void)
{
	nodemask_t none;

	nodes_complement(none, node_states[N_MEMORY]);
	spin_lock(&gone_lock);
	nodes_or(gone_mems, gone_mems, none);
	spin_unlock(&gone_lock);
}

/* A CPU is offline. Not before: it may be refused, and then the CPU stays. */
static int cpu_gone(unsigned int cpu)
{
	if (!cpuhp_tasks_frozen)
		note_gone(cpumask_of(cpu));
	return 0;
}

/*
 * A CPU comes online, or stays, since it could not be taken offline. The scheduler may have moved
 * members away from it. If what refuses is torn down before this is, the kernel does not call it;
 * the scheduler's fallback() has noted the same then.
 */
static int cpu_back(unsigned int cpu)
{
	hotplug_repair(NULL);
	return 0;
}

/* After suspend or hibernation: CPUs that have not come back are gone. */
static int pm_changed(struct notifier_block *nb, unsigned long action, void *arg)
{
	static struct cpumask missing;	/* notifications come one at a time */

	if (action == PM_POST_SUSPEND || action == PM_POST_HIBERNATION ||
	    action == PM_POST_RESTORE) {
		cpumask_andnot(&missing, cpu_possible_mask, cpu_online_mask);
		note_gone(&missing);
	}
	return NOTIFY_OK;
}

static struct notifier_block pm_notifier = {
	.notifier_call = pm_changed,
};

static int memory_changed(struct notifier_block *nb, unsigned long action, void *arg)
{
	if (action == MEM_OFFLINE)
		note_gone_mems();
	if (action == MEM_OFFLINE || action == MEM_ONLINE)
		hotplug_repair(NULL);
	return NOTIFY_OK;
}

static struct notifier_block memory_notifier = {
	.notifier_call = memory_changed,
};

/* Nobody calls hotplug_repair() any more. */
static void works_cancel(void)
{
	irq_work_sync(&repair_irq_work);
	cancel_work_sync(&repair_work);
	/* last: the others may have queued it again */
	cancel_delayed_work_sync(&hotplug_work);
}

/**
 * hotplug_init - begin to watch CPUs and memory
 *
 * Context: the module is being loaded.
 * Return: 0 or an errno.
 */
int hotplug_init(void)
{
	int err;

	wait_fn = container_hook_symbol("cpuset_wait_for_hotplug");
	init_irq_work(&repair_irq_work, repair_irq);
	dead_state = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "container/cpuset:dead",
					       NULL, cpu_gone);
	if (dead_state < 0)
		return dead_state;
	online_state = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "container/cpuset:online",
						 cpu_back, NULL);
	if (online_state < 0) {
		err = online_state;
		goto err_dead;
	}
	err = register_memory_notifier(&memory_notifier);
	if (err)
		goto err_online;
	err = register_pm_notifier(&pm_notifier);
	if (err)
		goto err_memory;
	return 0;

err_memory:
	unregister_memory_notifier(&memory_notifier);
err_online:
	cpuhp_remove_state_nocalls(online_state);
err_dead:
	cpuhp_remove_state_nocalls(dead_state);
	works_cancel();
	return err;
}

/* Undoes hotplug_init(); nobody calls hotplug_repair() any more. */
void hotplug_exit(void)
{
	unregister_pm_notifier(&pm_notifier);
	unregister_memory_notifier(&memory_notifier);
	cpuhp_remove_state_nocalls(online_state);
	cpuhp_remove_state_nocalls(dead_state);
	works_cancel();
}
