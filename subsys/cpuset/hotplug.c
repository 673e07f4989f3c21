// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs and memory that come and go.
 *
 * What is gone is taken out of every container below the root, for good: if it comes
 * back, only the root has it. Members of a container that has lost its last CPU or its
 * last node are moved to the nearest one above that has both.
 *
 * The kernel tells us inside locks that whoever holds the manage lock may want. So the
 * notifiers make a note, and hotplug_sync() does it: from a work item, and before
 * anything else is changed. It also sets right what the kernel has undone, see mems.c.
 *
 * gone_lock guards the note. A CPU stays in it until no container has it any more, so
 * that nobody sees it meanwhile.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/irq_work.h>
#include <linux/memory.h>
#include <linux/notifier.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "cpuset.h"

static DEFINE_SPINLOCK(gone_lock);
static struct cpumask gone;
static struct cpumask going;	/* hotplug_sync()'s copy; under the manage lock */
static atomic_t repairs;
static int cpu_state;

static void hotplug_work_fn(struct work_struct *work);
static DECLARE_WORK(hotplug_work, hotplug_work_fn);
static struct irq_work repair_irq_work;

static void repair_irq(struct irq_work *work)
{
	schedule_work(&hotplug_work);
}

/**
 * hotplug_repair - what members may do is not as it should be any more
 *
 * The kernel may be in the middle of changing a task's nodes, which the task waits for
 * when it allocates, perhaps with the lock of a workqueue held. So none is touched
 * before interrupts are on again.
 *
 * Context: any.
 */
void hotplug_repair(void)
{
	atomic_set(&repairs, 1);
	irq_work_queue(&repair_irq_work);
}

/**
 * hotplug_hide - do not show CPUs that are gone
 * @cpus: what is going to be shown
 *
 * Context: process.
 */
void hotplug_hide(struct cpumask *cpus)
{
	spin_lock(&gone_lock);
	cpumask_andnot(cpus, cpus, &gone);
	spin_unlock(&gone_lock);
}

/* Takes what is gone out of a setting that others may be reading, bit by bit. */
static bool setting_shrink(struct setting *s)
{
	bool changed = false;
	int cpu, node;

	for_each_cpu(cpu, &going)
		changed |= cpumask_test_and_clear_cpu(cpu, setting_cpus(s));
	for_each_node_mask(node, s->mems)
		if (!node_state(node, N_MEMORY)) {
			node_clear(node, s->mems);
			changed = true;
		}
	return changed;
}

/* Members of a container that has nothing left go up. */
static void settle(struct container *cont, bool changed)
{
	struct container *to = cont;

	while (to->parent && !cpuset_usable(to))
		to = to->parent;
	if (to != cont)
		members_evict(cont, to);
	else if (changed)
		members_apply(cont, APPLY_ALL, NULL);
}

/**
 * hotplug_sync - bring all containers up to date with what there is
 *
 * Context: manage lock held; sleeps.
 */
void hotplug_sync(void)
{
	struct container *root = container_subsys_root(&cpuset_subsys), *cont;
	bool repair = atomic_xchg(&repairs, 0), changed;

	spin_lock(&gone_lock);
	cpumask_copy(&going, &gone);
	spin_unlock(&gone_lock);

	/* parents first, as they are to take members */
	for (cont = container_next_descendant(root, root); cont;
	     cont = container_next_descendant(cont, root)) {
		changed = setting_shrink(setting_locked(cont));
		if (READ_ONCE(cont->nr_members))
			settle(cont, changed || repair);
	}

	spin_lock(&gone_lock);
	cpumask_andnot(&gone, &gone, &going);
	spin_unlock(&gone_lock);
}

static void hotplug_work_fn(struct work_struct *work)
{
	container_manage_lock();
	hotplug_sync();
	container_manage_unlock();
}

static int cpu_gone(unsigned int cpu)
{
	spin_lock(&gone_lock);
	cpumask_set_cpu(cpu, &gone);
	spin_unlock(&gone_lock);
	schedule_work(&hotplug_work);
	return 0;
}

static int memory_changed(struct notifier_block *nb, unsigned long action, void *arg)
{
	if (action == MEM_OFFLINE || action == MEM_ONLINE)
		hotplug_repair();
	return NOTIFY_OK;
}

static struct notifier_block memory_notifier = {
	.notifier_call = memory_changed,
};

int hotplug_init(void)
{
	int err;

	init_irq_work(&repair_irq_work, repair_irq);
	cpu_state = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "container/cpuset:online",
					      NULL, cpu_gone);
	if (cpu_state < 0)
		return cpu_state;
	err = register_memory_notifier(&memory_notifier);
	if (err)
		cpuhp_remove_state_nocalls(cpu_state);
	return err;
}

void hotplug_exit(void)
{
	unregister_memory_notifier(&memory_notifier);
	cpuhp_remove_state_nocalls(cpu_state);
	irq_work_sync(&repair_irq_work);
	cancel_work_sync(&hotplug_work);
}
