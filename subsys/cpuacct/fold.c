// SPDX-License-Identifier: GPL-2.0
/*
 * Folding: adds the gain of a task to the sums of its container. The top of cpuacct.c says when
 * this is done, and under which lock.
 */
#include <linux/sched/clock.h>

#include "cpuacct.h"
#include "container_hook.h"
#include "private.h"

/* task_sched_runtime(), which is not exported. */
static void *task_sched_runtime_fn;
CONTAINER_KERNEL_FN(u64, call_task_sched_runtime, struct task_struct *task);

/**
 * task_update - make the scheduler account for the time that a running task has used so far
 * @task: the task
 *
 * Context: any in which the lock of its run queue can be taken.
 */
void task_update(struct task_struct *task)
{
	call_task_sched_runtime(task_sched_runtime_fn, task);
}

/* All that was claimed of the run time of a task that has exited: nobody gets any more of it. */
#define CLOSED U64_MAX

/* Claims a task's gain in something that only grows: no other caller gets it. */
static __always_inline u64 claim(const u64 *counted, u64 *claimed)
{
	u64 before = READ_ONCE(*claimed), now;

	do {
		if (unlikely(before == CLOSED))
			return 0;
		/* read after what was claimed before, so that it is never less */
		smp_rmb();
		now = READ_ONCE(*counted);
	} while (!try_cmpxchg(claimed, &before, now));
	return now - before;
}

/* Adds a gain in ticks to a sum. Most tasks exit before they get a tick, so check first. */
static __always_inline void fold_ticks(atomic64_t *sum, const u64 *ticks, u64 *claimed)
{
	if (READ_ONCE(*ticks) != READ_ONCE(*claimed))
		atomic64_add(claim(ticks, claimed), sum);
}

/* Adds a task's gain to a container's sums. The task does not leave @cpu meanwhile. */
static __always_inline void fold_gain(struct cpuacct *ca, struct cpuacct_cpu *cpu,
				      struct task_struct *task, struct cpuacct_task *t,
				      u64 runtime)
{
	atomic64_add(runtime, &cpu->used);
	fold_ticks(&ca->utime, &task->utime, &t->utime);
	fold_ticks(&ca->stime, &task->stime, &t->stime);
}

/* Folds a task, which stays on its CPU meanwhile: see the top of cpuacct.c. */
static void fold(struct cpuacct *ca, struct task_struct *task, struct cpuacct_task *t)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ca->lock, flags);
	fold_gain(ca, per_cpu_ptr(ca->cpu, task_cpu(task)), task, t,
		  claim(&task->se.sum_exec_runtime, &t->runtime));
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
		claim(&task->se.sum_exec_runtime, &t->runtime);
		claim(&task->utime, &t->utime);
		claim(&task->stime, &t->stime);
	}
}

/* Do run queues use the clock of their CPU, without subtracting interrupts or stolen time? */
static const bool plain_clock = !IS_ENABLED(CONFIG_IRQ_TIME_ACCOUNTING) &&
				!IS_ENABLED(CONFIG_PARAVIRT_TIME_ACCOUNTING);

/*
 * exit(), see container.h. It is on the path of each exit. So it does without the run queue's lock
 * if it can, and adds the time since the scheduler's last update by itself. The task remains a
 * member for a moment, and others may fold it: they get nothing more. What it runs from now on is
 * counted for the root. Preemption is disabled, which keeps the task on its CPU without
 * cpuacct->lock.
 */
void cpuacct_exit(struct container_subsys *ss, struct container *cont,
		  struct task_struct *task, void *data)
{
	u64 now = plain_clock ? sched_clock_cpu(smp_processor_id()) : 0, since, ran, before;
	struct cpuacct *ca = cpuacct_of(cont);
	struct cpuacct_task *t = data;

	if (!plain_clock)
		task_update(task);
	/*
	 * Repeat if the scheduler has updated the beginning of the rest meanwhile. If it does that
	 * on another CPU, and the run time follows only after this, up to a tick is not counted.
	 */
	do {
		since = READ_ONCE(task->se.exec_start);
		barrier();
		ran = READ_ONCE(task->se.sum_exec_runtime);
		barrier();
	} while (plain_clock && since != READ_ONCE(task->se.exec_start));
	/* there is no rest if another CPU has updated them since the clock was read */
	if (plain_clock && now > since)
		ran += now - since;
	before = xchg(&t->runtime, CLOSED);
	fold_gain(ca, this_cpu_ptr(ca->cpu), task, t, ran > before ? ran - before : 0);
}

/*
 * A task is about to be migrated to another CPU. It does not run meanwhile, so it does not exit,
 * and its data stays.
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
 * fold_members - fold the members of a container, without updating them first
 * @ca: the state of a container below the root
 *
 * Context: callback lock held; sleeps.
 */
void fold_members(struct cpuacct *ca)
{
	container_assert_locked();
	container_for_each_member(ca->css.container, &cpuacct_subsys, fold_member, ca);
}

/**
 * refresh_members - make the scheduler update the members of a container, and fold them
 * @ca: the state of a container below the root
 *
 * Context: callback lock held; sleeps.
 */
void refresh_members(struct cpuacct *ca)
{
	container_assert_locked();
	container_for_each_member(ca->css.container, &cpuacct_subsys, update_member, ca);
}

/**
 * fold_init - find the functions of the kernel that folding needs
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

/* For bind(): begins to watch migrations. Return: 0, or the errno of arming the hook. */
int fold_bind(void)
{
	return container_hooks_arm(cpuacct_hooks, ARRAY_SIZE(cpuacct_hooks));
}

/* For unbind(): undoes fold_bind(). */
void fold_unbind(void)
{
	container_hooks_disarm(cpuacct_hooks, ARRAY_SIZE(cpuacct_hooks));
}

/* Called when the module is unloaded. */
void fold_exit(void)
{
	container_hooks_forget(cpuacct_hooks, ARRAY_SIZE(cpuacct_hooks));
}
