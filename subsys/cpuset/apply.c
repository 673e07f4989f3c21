// SPDX-License-Identifier: GPL-2.0
/*
 * Walks over the members of a container, to bring them up to date with its setting or
 * to move them out. In portions, as both sleep.
 */
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "cpuset.h"

/* A portion of them; under the manage lock. */
#define BATCH 256
static struct task_struct *batch[BATCH];

struct due {
	unsigned int changes;
	int count;
};

/*
 * Puts a member that a change is due for into the portion, with a reference, which one
 * that is being made does not allow.
 */
static void collect_due(struct task_struct *task, void *data, void *arg)
{
	struct cpuset_task *t = data;
	struct due *due = arg;

	if (READ_ONCE(t->wish) && READ_ONCE(t->applied) != due->changes &&
	    due->count < BATCH)
		batch[due->count++] = get_task_struct(task);
}

/* A change, published already, is due for all members. */
static void change_count(struct container *cont)
{
	struct cpuset *cs = container_cpuset(cont);

	WRITE_ONCE(cs->changes, cs->changes + 1);
	/* before looking who is complete: see cpuset_fork() */
	smp_mb();
}

/* The next portion of those that it is still due for: how many. */
static int next_batch(struct container *cont)
{
	struct due due = { .changes = container_cpuset(cont)->changes };

	container_for_each_member(cont, &cpuset_subsys, collect_due, &due);
	return due.count;
}

/**
 * change_done - note that a member has the latest change
 * @task: the member
 * @data: its struct cpuset_task
 * @cs: the cpuset of its container
 *
 * Not before it has: what it forks until then is due for it, too. Noted as well if the
 * change cannot be applied.
 *
 * Context: that of container_for_task()'s functions.
 */
void change_done(struct task_struct *task, void *data, void *cs)
{
	struct cpuset_task *t = data;

	/* pairs with is_applied(): who sees it sees what was set before */
	smp_store_release(&t->applied, ((struct cpuset *)cs)->changes);
}

/**
 * follows_leader - is there another thread in the container that its address space goes with?
 * @cont: the container
 * @task: a member
 *
 * Context: any.
 */
bool follows_leader(struct container *cont, struct task_struct *task)
{
	bool follows;

	rcu_read_lock();
	follows = !thread_group_leader(task) &&
		  task_container(READ_ONCE(task->group_leader), &cpuset_subsys) == cont;
	rcu_read_unlock();
	return follows;
}

/**
 * members_apply - bring the members of a container up to date with its setting
 * @cont: a container below the root
 * @what: APPLY_ flags
 * @from: nodes that they had before; NULL to move no pages
 *
 * Context: manage lock held; sleeps.
 */
void members_apply(struct container *cont, int what, const nodemask_t *from)
{
	struct cpuset *cs = container_cpuset(cont);
	bool migrate = from && test_bit(CPUSET_MEMORY_MIGRATE, &cs->flags);
	struct task_struct *task;
	int i, count;

	change_count(cont);
	while ((count = next_batch(cont))) {
		for (i = 0; i < count; i++) {
			task = batch[i];
			if (what & APPLY_CPUS)
				cpus_apply(task);
			if ((what & APPLY_MEMS) && mems_apply(task) &&
			    !follows_leader(cont, task))
				mems_apply_mm(task, from ?: &node_states[N_MEMORY], migrate);
			if (what & APPLY_SPREAD)
				spread_set(task, cs->flags);
			container_for_task(task, &cpuset_subsys, change_done, cs);
			put_task_struct(task);
		}
		cond_resched();
	}
}

/**
 * root_spread - bring the members of the root up to date with its flags for spreading
 * @root: the root
 * @flags: the flags
 *
 * Context: manage lock held.
 */
void root_spread(struct container *root, unsigned long flags)
{
	struct task_struct *process, *task;

	rcu_read_lock();
	for_each_process_thread(process, task)
		if (task_container(task, &cpuset_subsys) == root)
			spread_set(task, flags);
	rcu_read_unlock();
}

/**
 * members_evict - move the members of a container, whatever other subsystems say to it
 * @cont: a container below the root
 * @to: where to
 *
 * Context: manage lock held; sleeps.
 * Return: false without memory: it has to be tried again.
 */
bool members_evict(struct container *cont, struct container *to)
{
	bool done = true;
	int i, count, err;

	change_count(cont);
	while ((count = next_batch(cont)))
		for (i = 0; i < count; i++) {
			err = container_evict_task(to, batch[i]);
			/* exiting, or to be tried again: not in this round */
			if (err)
				container_for_task(batch[i], &cpuset_subsys, change_done,
						   container_cpuset(cont));
			done &= err != -ENOMEM;
			put_task_struct(batch[i]);
		}
	return done;
}
