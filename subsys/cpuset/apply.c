// SPDX-License-Identifier: GPL-2.0
/*
 * Walks over the members of a container, to apply its setting to them or to evict them. Both
 * sleep, so the walks take members in portions.
 *
 * Meanwhile members fork and exit, and new threads follow their process; the manage lock keeps all
 * other moves, and other walks, out.
 */
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "cpuset.h"
#include "private.h"

/*
 * A portion of members, each with a reference. Under the manage lock. Each portion takes a walk
 * over all members: so large that these cost less than what is done for a member.
 */
#define BATCH 2048
static struct task_struct *batch[BATCH];

/* For collect_due(): the number of the latest change, and how many members are in the portion. */
struct due {
	unsigned int changes;
	int count;
};

/*
 * Adds a member to the portion, with a reference, if the latest change was not applied to it yet.
 * An unborn task is left out: it cannot be referenced yet, and cpuset_fork() sees the change.
 */
static void collect_due(struct task_struct *task, void *data, void *arg)
{
	struct cpuset_task *t = data;
	struct due *due = arg;

	if (READ_ONCE(t->wish) && READ_ONCE(t->applied) != due->changes &&
	    due->count < BATCH)
		batch[due->count++] = get_task_struct(task);
}

/* Counts a published change, which from then on has to be applied to all members. */
static void change_count(struct container *cont)
{
	struct cpuset *cs = container_cpuset(cont);

	WRITE_ONCE(cs->changes, cs->changes + 1);
	/* before the walk checks which members are complete: see cpuset_fork() */
	smp_mb();
}

/* Gathers the next portion of members that lack the latest change. Return: how many. */
static int next_batch(struct container *cont)
{
	struct due due = { .changes = container_cpuset(cont)->changes };

	container_for_each_member(cont, &cpuset_subsys, collect_due, &due);
	return due.count;
}

/**
 * change_done - note that the latest change was applied to a member
 * @task: the member
 * @data: its struct cpuset_task
 * @cs: the cpuset of its container
 *
 * Called after the change was applied: until then, cpuset_fork() applies it to the member's
 * children. Also called if a member could not be evicted, so that the walk ends.
 *
 * Context: in the function of container_for_task().
 */
void change_done(struct task_struct *task, void *data, void *cs)
{
	struct cpuset_task *t = data;

	/* pairs with is_applied(): a fork that sees it sees what was set before */
	smp_store_release(&t->applied, ((struct cpuset *)cs)->changes);
}

/*
 * Is a task in the same container as the first thread of its process? Then only the nodes of the
 * first thread are applied to their address space. No for the first thread itself, and if it has
 * exited.
 */
static bool follows_leader(struct container *cont, struct task_struct *task)
{
	bool follows;

	rcu_read_lock();
	follows = !thread_group_leader(task) &&
		  task_container(READ_ONCE(task->group_leader), &cpuset_subsys) == cont;
	rcu_read_unlock();
	return follows;
}

/* Applies the nodes of a container to a member, and to its address space. */
static void apply_mems(struct container *cont, struct task_struct *task, const nodemask_t *from,
		       bool migrate)
{
	bool changed = mems_apply(task);

	if (follows_leader(cont, task))
		return;
	if (changed)
		mems_apply_mm(task, from, migrate);
	else
		mems_await_mm(task);
}

/**
 * members_apply - apply a container's setting to its members
 * @cont: a container below the root
 * @what: APPLY_ flags
 * @from: the nodes that the members had before; NULL to move no pages
 *
 * Context: manage lock held; sleeps.
 */
void members_apply(struct container *cont, int what, const nodemask_t *from)
{
	struct cpuset *cs = container_cpuset(cont);
	bool migrate = from && test_bit(CPUSET_MEMORY_MIGRATE, &cs->flags);
	struct task_struct *task;
	int i, count;

	container_assert_managed();
	change_count(cont);
	while ((count = next_batch(cont))) {
		for (i = 0; i < count; i++) {
			task = batch[i];
			if (what & APPLY_CPUS)
				cpus_apply(task);
			if (what & APPLY_MEMS)
				apply_mems(cont, task, from ?: &node_states[N_MEMORY], migrate);
			if (what & APPLY_SPREAD)
				spread_set(task, cs->flags);
			container_for_task(task, &cpuset_subsys, change_done, cs);
			put_task_struct(task);
		}
		cond_resched();
	}
}

/**
 * root_spread - apply the root's flags for spreading to its members
 * @root: the root
 * @flags: the flags
 *
 * Context: manage lock held.
 */
void root_spread(struct container *root, unsigned long flags)
{
	struct task_struct *process, *task;

	container_assert_managed();
	WRITE_ONCE(forks_watched, true);
	smp_mb(); /* cpuset_probe_newtask() sees to a child that the walk does not find yet */
	rcu_read_lock();
	for_each_process_thread(process, task)
		if (task_container(task, &cpuset_subsys) == root)
			spread_set(task, flags);
	rcu_read_unlock();
}

/**
 * members_evict - evict the members of a container
 * @cont: a container below the root
 * @to: the container to move them to
 *
 * Context: manage lock held; sleeps.
 * Return: false if there was no memory and the caller has to try again.
 */
bool members_evict(struct container *cont, struct container *to)
{
	bool done = true;
	int i, count, err;

	container_assert_managed();
	change_count(cont);
	while ((count = next_batch(cont)))
		for (i = 0; i < count; i++) {
			err = container_evict_task(to, batch[i]);
			/* the task exits, or there is no memory: do not retry in this walk */
			if (err)
				container_for_task(batch[i], &cpuset_subsys, change_done,
						   container_cpuset(cont));
			done &= err != -ENOMEM;
			put_task_struct(batch[i]);
		}
	return done;
}
