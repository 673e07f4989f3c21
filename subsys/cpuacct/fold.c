// SPDX-License-Identifier: GPL-2.0
/*
 * Folding: what a task has gained goes to the sums of its container. When that is done, and
 * under which lock, is said at the top of cpuacct.c.
 */
#include <linux/sched/clock.h>

#include "cpuacct.h"
#include "container_hook.h"

/* Of the kernel. */
static void *task_sched_runtime_fn;

/**
 * task_update - make the scheduler account for what a running task has used until now
 * @task: the task
 *
 * Context: any in which the lock of its run queue can be taken.
 */
void task_update(struct task_struct *task)
{
	container_hook_call(task_sched_runtime_fn, (unsigned long)task, 0, 0);
}

/* What a task has run since the last time, which is the caller's to account for. */
static __always_inline u64 claim_runtime(struct task_struct *task, struct cpuacct_task *t)
{
	u64 before = READ_ONCE(t->runtime), now;

	do {
		/* read after that: never less than what it was set to */
		smp_rmb();
		now = READ_ONCE(task->se.sum_exec_runtime);
	} while (!try_cmpxchg(&t->runtime, &before, now));
	return now - before;
}

/* The same of its ticks. Of two at once one may get less than nothing. */
static u64 claim_ticks(u64 ticks, u64 *claimed)
{
	return ticks - xchg(claimed, ticks);
}

/* Most tasks do not live to see a tick. */
static __always_inline void fold_ticks(atomic64_t *sum, u64 ticks, u64 *claimed)
{
	if (ticks != READ_ONCE(*claimed))
		atomic64_add(claim_ticks(ticks, claimed), sum);
}

/* Adds to what a container used on the CPU that the task does not leave meanwhile. */
static __always_inline void fold_gain(struct cpuacct *ca, struct cpuacct_cpu *cpu,
				      struct task_struct *task, struct cpuacct_task *t,
				      u64 runtime)
{
	atomic64_add(runtime, &cpu->used);
	fold_ticks(&ca->utime, READ_ONCE(task->utime), &t->utime);
	fold_ticks(&ca->stime, READ_ONCE(task->stime), &t->stime);
}

static void fold(struct cpuacct *ca, struct task_struct *task, struct cpuacct_task *t)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ca->lock, flags);
	fold_gain(ca, per_cpu_ptr(ca->cpu, task_cpu(task)), task, t, claim_runtime(task, t));
	raw_spin_unlock_irqrestore(&ca->lock, flags);
}

/* attach(), see container.h */
void cpuacct_attach(struct container_subsys *ss, struct container_move *move, void *data)
{
	struct task_struct *task = move->task;
	struct cpuacct_task *t = data;

	task_update(task);
	if (move->from->parent) {
		fold(cpuacct_of(move->from), task, t);
	} else {
		claim_runtime(task, t);
		claim_ticks(READ_ONCE(task->utime), &t->utime);
		claim_ticks(READ_ONCE(task->stime), &t->stime);
	}
}

/* Is the clock of the run queues that of the CPUs, with nothing taken out? */
static const bool plain_clock = !IS_ENABLED(CONFIG_IRQ_TIME_ACCOUNTING) &&
				!IS_ENABLED(CONFIG_PARAVIRT_TIME_ACCOUNTING);

/*
 * exit(), see container.h. On the path of each exit, so where possible it does without the
 * run queue's lock and adds what the scheduler has yet to account for itself. Another CPU
 * that makes the scheduler do so within the same nanoseconds can shift up to a tick between
 * the container and the root. Preemption is off: the task stays on its CPU without
 * cpuacct->lock.
 */
void cpuacct_exit(struct container_subsys *ss, struct container *cont,
		  struct task_struct *task, void *data)
{
	u64 runtime = plain_clock ? sched_clock_cpu(smp_processor_id()) : 0, since;
	struct cpuacct *ca = cpuacct_of(cont);

	if (!plain_clock)
		task_update(task);
	/* once more after a tick, which changes what is accounted for and since when */
	do {
		since = READ_ONCE(task->se.exec_start);
		barrier();
		runtime += claim_runtime(task, data);
		barrier();
	} while (plain_clock && since != READ_ONCE(task->se.exec_start));
	if (plain_clock)
		runtime -= since;
	fold_gain(ca, this_cpu_ptr(ca->cpu), task, data, runtime);
}

/*
 * A task is about to get to another CPU. It does not run meanwhile, so it does
 * not exit, and what is kept for it stays.
 */
static void probe_migrate(void *data, struct task_struct *task, int dest_cpu)
{
	struct cpuacct_task *t;
	struct container *cont;

	rcu_read_lock();
	cont = task_container(task, &cpuacct_subsys);
	if (cont->parent) {
		t = container_task_data(task, &cpuacct_subsys);
		if (t)
			fold(cpuacct_of(cont), task, t);
	}
	rcu_read_unlock();
}

/* A feature that may be lost. */
#define EXACT_PERCPU "exact cpuacct.usage_percpu"

static struct container_hook cpuacct_hooks[] = {
	{
		.name = "sched_migrate_task",
		.type = CONTAINER_HOOK_TRACEPOINT,
		.handler = probe_migrate,
		.optional = EXACT_PERCPU,
	},
};

static void fold_member(struct task_struct *task, void *data, void *ca)
{
	fold(ca, task, data);
}

static void update_member(struct task_struct *task, void *data, void *ca)
{
	task_update(task);
	fold(ca, task, data);
}

/**
 * fold_members - fold what the members of a container have used, as far as it is accounted for
 * @ca: of a container below the root
 *
 * Context: callback lock held; sleeps.
 */
void fold_members(struct cpuacct *ca)
{
	container_for_each_member(ca->css.container, &cpuacct_subsys, fold_member, ca);
}

/**
 * refresh_members - the same, brought up to date by the scheduler first
 * @ca: of a container below the root
 *
 * Context: callback lock held; sleeps.
 */
void refresh_members(struct cpuacct *ca)
{
	container_for_each_member(ca->css.container, &cpuacct_subsys, update_member, ca);
}

/**
 * fold_init - find what is needed of the kernel
 *
 * Context: the module is being loaded.
 * Return: 0 or an errno.
 */
int fold_init(void)
{
	static const struct container_symbol symbols[] = {
		{ .name = "task_sched_runtime", .address = &task_sched_runtime_fn },
	};
	static const struct container_feature needed = {
		.name = "cpuacct",
		.symbols = symbols,
		.nr_symbols = ARRAY_SIZE(symbols),
	};
	static const struct container_feature percpu = {
		.name = EXACT_PERCPU,
		.hooks = cpuacct_hooks,
		.nr_hooks = ARRAY_SIZE(cpuacct_hooks),
	};
	int err = container_feature_find(&needed);

	if (err)
		return err;
	err = container_feature_find(&percpu);
	return err == -EOPNOTSUPP ? 0 : err;
}

/* bind(): migrations are watched from now on. */
int fold_bind(void)
{
	return container_hooks_arm(cpuacct_hooks, ARRAY_SIZE(cpuacct_hooks));
}

/* unbind() */
void fold_unbind(void)
{
	container_hooks_disarm(cpuacct_hooks, ARRAY_SIZE(cpuacct_hooks));
}

/* The module is being unloaded. */
void fold_exit(void)
{
	container_hooks_forget(cpuacct_hooks, ARRAY_SIZE(cpuacct_hooks));
}
