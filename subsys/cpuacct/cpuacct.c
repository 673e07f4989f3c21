// SPDX-License-Identifier: GPL-2.0
/*
 * cpuacct: the CPU time that tasks use while they are members of a container.
 *
 * Nothing is hooked in the path of a context switch. The scheduler keeps the
 * exact run time of each task, and three numbers are kept for each task
 * below the root: how much of its run time, and of its ticks in user and in kernel mode, is
 * accounted for already. What it gained since belongs to the container it is in.
 * That gain is *folded* into the container's sums, on the CPU the task is on,
 *
 *   when it is moved: the numbers of a task that comes from the root are set, so
 *	what it used before does not count; what it gained elsewhere stays there;
 *   when it exits: from there on it counts as a member of the root;
 *   when it changes CPUs (tracepoint sched_migrate_task): so that the figures of
 *	each CPU are exact;
 *   when somebody reads a figure: all members, the running ones brought up to
 *	date by the scheduler first. So a figure is a sum of what was folded, and
 *	can only grow.
 *
 * The root has no sums of its own making. It gets what the scheduler charged to
 * all tasks since the hierarchy was made, less what was folded in all other
 * containers, removed ones included. That lags by up to a tick for tasks that
 * run in the root on another CPU. It errs to the small side only, until the next
 * reading, and never goes backwards.
 *
 * Not counted: the idle tasks, and what the scheduler charges to no task (stolen
 * time, and interrupts where the kernel tells them apart).
 *
 * A reset remembers the sums of that moment and has them subtracted from what is
 * shown of that container. Ancestors' subtree figures go on with the full sums;
 * those of a removed container go to its parent.
 *
 * Locks: the manage lock for resets and bindings. Inside it the callback lock
 * for the list of containers and all that only readers of the files need (see
 * struct cpuacct). Innermost cpuacct->lock, a raw spinlock, taken inside a run
 * queue's lock: it keeps a task on its CPU while somebody else folds it. Two folds
 * of the same task may hold the locks of different containers (a migration, and
 * two moves in its course), and the task itself, when it exits, holds none. So
 * gains are claimed, and added up, atomically.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel_stat.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "compat_cpuacct.h"
#include "container.h"
#include "container_hook.h"
#include "load.h"

/**
 * struct cpuacct_task - what of a task is accounted for
 * @runtime: of its run time, in ns
 * @utime: of its ticks in user mode, in ns
 * @stime: of its ticks in kernel mode, in ns
 */
struct cpuacct_task {
	u64 runtime;
	u64 utime;
	u64 stime;
};

/**
 * struct cpuacct_cpu - a container's time on a CPU
 * @used: nanoseconds in all
 * @at_reset: what @used was at the last reset
 */
struct cpuacct_cpu {
	atomic64_t used;
	u64 at_reset;
};

/**
 * struct cpuacct - a container's CPU time
 * @css: the core's part
 * @list: link in cpuacct_below; not the root's. Callback lock
 * @lock: held to fold, but by a task that exits: a member that is about to get to
 *	another CPU waits for it
 * @cpu: on each possible CPU
 * @utime: ticks in user mode, in ns
 * @stime: ticks in kernel mode, in ns
 * @utime_at_reset: what @utime was at the last reset. Callback lock, as the rest
 * @stime_at_reset: likewise
 * @user: user time as last shown
 * @system: system time as last shown
 * @removed: what containers below, which are gone, had used
 * @at_interval: time used before the current interval
 * @rcu: for freeing
 */
struct cpuacct {
	struct container_subsys_state css;
	struct list_head list;
	raw_spinlock_t lock;
	struct cpuacct_cpu __percpu *cpu;
	atomic64_t utime;
	atomic64_t stime;
	u64 utime_at_reset;
	u64 stime_at_reset;
	u64 user;
	u64 system;
	u64 removed;
	u64 at_interval;
	struct rcu_head rcu;
};

/**
 * struct cpuacct_all - the time of all tasks on a CPU, to find the root's in it
 * @charged: all that was charged on it, as of the last look, since some time ago
 * @sum: the scheduler's own sum at that look
 * @ticks: the ticks, likewise
 * @not_root: what the root will never get: from before the hierarchy was made,
 *	and from containers that were removed
 * @left: used while the root's time is worked out
 */
struct cpuacct_all {
	u64 charged;
	u64 sum;
	u64 ticks;
	u64 not_root;
	u64 left;
};

/* All guarded by the callback lock. */
static DEFINE_PER_CPU(struct cpuacct_all, cpuacct_all);
static u64 not_root_utime, not_root_stime;
static LIST_HEAD(cpuacct_below);	/* all containers but the root */
static struct cpuacct *cpuacct_top;	/* the root's; NULL while not bound */
static unsigned int load_interval = 10;
static u64 interval_began;

static struct container_subsys cpuacct_subsys;

/* Of the kernel. */
static void *task_sched_runtime_fn;
static u64 __percpu *cpu_sums;		/* see compat_cpuacct.h; may be NULL */

static struct cpuacct *cpuacct_of(struct container *cont)
{
	return container_of(container_subsys_state(cont, &cpuacct_subsys),
			    struct cpuacct, css);
}

static u64 cpu_used(struct cpuacct *ca, int cpu)
{
	return atomic64_read(&per_cpu_ptr(ca->cpu, cpu)->used);
}

/* --- folding --------------------------------------------------------------- */

/* Makes the scheduler account for what a running task has used until now. */
static void task_update(struct task_struct *task)
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

static void cpuacct_attach(struct container_subsys *ss, struct container_move *move, void *data)
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
 * On the path of each exit, so where possible it does without the run queue's
 * lock and adds what the scheduler has yet to account for itself. Another CPU
 * that makes the scheduler do so within the same nanoseconds can shift up to a
 * tick between the container and the root. Preemption is off: the task stays on
 * its CPU without cpuacct->lock.
 */
static void cpuacct_exit(struct container_subsys *ss, struct container *cont,
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

/* Features that may be lost. */
#define EXACT_PERCPU "exact cpuacct.usage_percpu"
#define EXACT_ROOT "exact cpuacct.usage of the root"

static struct container_hook cpuacct_hooks[] = {
	{
		.name = "sched_migrate_task",
		.type = CONTAINER_HOOK_TRACEPOINT,
		.handler = probe_migrate,
		.optional = EXACT_PERCPU,
	},
};

/* --- bringing the sums up to date ------------------------------------------ */

static void fold_member(struct task_struct *task, void *data, void *ca)
{
	fold(ca, task, data);
}

static void update_member(struct task_struct *task, void *data, void *ca)
{
	task_update(task);
	fold(ca, task, data);
}

static void refresh_below(struct cpuacct *ca)
{
	container_for_each_member(ca->css.container, &cpuacct_subsys, update_member, ca);
}

/* All ticks of a CPU since boot. */
static u64 cpu_ticks(int cpu)
{
	struct kernel_cpustat stat;

	kcpustat_cpu_fetch(&stat, cpu);
	return stat.cpustat[CPUTIME_USER] + stat.cpustat[CPUTIME_NICE] +
	       stat.cpustat[CPUTIME_SYSTEM] + stat.cpustat[CPUTIME_IRQ] +
	       stat.cpustat[CPUTIME_SOFTIRQ];
}

/*
 * All that was charged on a CPU since some time ago. Some kernels (5.10) let
 * the admin set the scheduler's sum to 0, by way of their own cpuacct: what had
 * been charged since the last look is then taken from the ticks.
 */
static u64 cpu_charged(int cpu)
{
	struct cpuacct_all *all = per_cpu_ptr(&cpuacct_all, cpu);
	u64 ticks = cpu_ticks(cpu), sum = cpu_sums ? compat_cpu_charged(cpu_sums, cpu) : ticks;

	all->charged += cpuacct_follow(all->sum, sum, ticks - all->ticks);
	all->sum = sum;
	all->ticks = ticks;
	return all->charged;
}

/* All ticks since boot. */
static void all_ticks(u64 *utime, u64 *stime)
{
	struct kernel_cpustat stat;
	int cpu;

	*utime = 0;
	*stime = 0;
	for_each_possible_cpu(cpu) {
		kcpustat_cpu_fetch(&stat, cpu);
		*utime += stat.cpustat[CPUTIME_USER] + stat.cpustat[CPUTIME_NICE];
		*stime += stat.cpustat[CPUTIME_SYSTEM] + stat.cpustat[CPUTIME_IRQ] +
			  stat.cpustat[CPUTIME_SOFTIRQ];
	}
}

/* Nothing that was ever shown may become less. Of the root, whose only writer we are. */
static void raise(atomic64_t *value, u64 to)
{
	if ((s64)(to - atomic64_read(value)) > 0)
		atomic64_set(value, to);
}

/*
 * The root's sums, and by the way all others. The total is read between the two
 * rounds: after the first, since what that finds has to be in it; before the
 * second, so that nothing that is in it is missed there and taken for the root's.
 */
static void refresh_top(struct cpuacct *top)
{
	struct cpuacct_all *all;
	struct cpuacct *ca;
	u64 utime, stime;
	int cpu;

	list_for_each_entry(ca, &cpuacct_below, list)
		refresh_below(ca);
	task_update(current);
	for_each_possible_cpu(cpu) {
		all = per_cpu_ptr(&cpuacct_all, cpu);
		all->left = cpu_charged(cpu) - all->not_root;
	}
	all_ticks(&utime, &stime);
	utime -= not_root_utime;
	stime -= not_root_stime;

	list_for_each_entry(ca, &cpuacct_below, list) {
		container_for_each_member(ca->css.container, &cpuacct_subsys,
					  fold_member, ca);
		for_each_possible_cpu(cpu)
			per_cpu(cpuacct_all, cpu).left -= cpu_used(ca, cpu);
		utime -= atomic64_read(&ca->utime);
		stime -= atomic64_read(&ca->stime);
	}
	for_each_possible_cpu(cpu)
		raise(&per_cpu_ptr(top->cpu, cpu)->used, per_cpu(cpuacct_all, cpu).left);
	raise(&top->utime, utime);
	raise(&top->stime, stime);
}

/* The up to date state of a container, for a reader; callback lock held. */
static struct cpuacct *cpuacct_refresh(struct container *cont)
{
	struct cpuacct *ca = cpuacct_of(cont);

	if (ca == cpuacct_top)
		refresh_top(ca);
	else
		refresh_below(ca);
	return ca;
}

/* All that a container has used, as of the last refresh. */
static u64 cpuacct_used(struct cpuacct *ca)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += cpu_used(ca, cpu);
	return sum;
}

/* The same since the last reset. */
static u64 cpuacct_usage(struct cpuacct *ca)
{
	u64 sum = cpuacct_used(ca);
	int cpu;

	for_each_possible_cpu(cpu)
		sum -= per_cpu_ptr(ca->cpu, cpu)->at_reset;
	return sum;
}

/* --- the interval of cpuacct.load ------------------------------------------ */

static void interval_end(struct work_struct *work);
static DECLARE_DELAYED_WORK(interval_work, interval_end);

/* Has the current interval end when it is over. Callback lock held. */
static void interval_schedule(void)
{
	u64 elapsed = ktime_get_ns() - interval_began;
	u64 length = (u64)load_interval * NSEC_PER_SEC;

	cancel_delayed_work(&interval_work);
	schedule_delayed_work(&interval_work, elapsed < length ?
			      nsecs_to_jiffies(length - elapsed) + 1 : 0);
}

/*
 * A new one. It began before the sums were brought up to date, so that no time is
 * used in it that is not a part of it.
 */
static void interval_begin(u64 now)
{
	struct cpuacct *ca;

	cpuacct_top->at_interval = cpuacct_used(cpuacct_top);
	list_for_each_entry(ca, &cpuacct_below, list)
		ca->at_interval = cpuacct_used(ca);
	interval_began = now;
	interval_schedule();
}

static void interval_end(struct work_struct *work)
{
	u64 now;

	container_lock();
	now = ktime_get_ns();
	if (cpuacct_top) {
		refresh_top(cpuacct_top);
		interval_begin(now);
	}
	container_unlock();
}

static int load_interval_set(const char *val, const struct kernel_param *kp)
{
	unsigned int seconds;

	if (kstrtouint(val, 10, &seconds) || !seconds)
		return -EINVAL;
	container_lock();
	load_interval = seconds;
	if (cpuacct_top)
		interval_schedule();
	container_unlock();
	return 0;
}

static const struct kernel_param_ops load_interval_ops = {
	.set = load_interval_set,
	.get = param_get_uint,
};

module_param_cb(load_interval, &load_interval_ops, &load_interval, 0644);
MODULE_PARM_DESC(load_interval, "seconds that an interval of cpuacct.load lasts (default 10)");

/* --- files ----------------------------------------------------------------- */

static int usage_show(struct seq_file *m, struct container *cont,
		      const struct container_cftype *cft)
{
	u64 usage = cpuacct_usage(cpuacct_refresh(cont));

	seq_printf(m, "%llu\n", div_u64(usage, cft->private));
	return 0;
}

static int usage_write(struct container *cont, const struct container_cftype *cft,
		       struct file *file, char *buf)
{
	struct cpuacct *ca;
	u64 used;
	int cpu;

	buf += strspn(buf, " \t");
	if (*buf != '0')
		return -EINVAL;
	buf += strspn(buf, "0");
	if (buf[strspn(buf, " \t")])
		return -EINVAL;

	container_lock();
	ca = cpuacct_refresh(cont);
	ca->at_interval = 0;
	for_each_possible_cpu(cpu) {
		used = cpu_used(ca, cpu);
		per_cpu_ptr(ca->cpu, cpu)->at_reset = used;
		ca->at_interval += used;
	}
	ca->utime_at_reset = atomic64_read(&ca->utime);
	ca->stime_at_reset = atomic64_read(&ca->stime);
	ca->user = 0;
	ca->system = 0;
	container_unlock();
	return 0;
}

static bool is_below(const struct container *cont, const struct container *top)
{
	while (cont && cont != top)
		cont = cont->parent;
	return cont;
}

static int subtree_show(struct seq_file *m, struct container *cont,
			const struct container_cftype *cft)
{
	struct cpuacct *top = cpuacct_refresh(cont), *ca;
	u64 sum = cpuacct_usage(top) + top->removed;

	list_for_each_entry(ca, &cpuacct_below, list) {
		if (ca == top || !is_below(ca->css.container, cont))
			continue;
		/* those of the root are up to date */
		if (top != cpuacct_top)
			refresh_below(ca);
		sum += cpuacct_used(ca) + ca->removed;
	}
	seq_printf(m, "%llu\n", sum);
	return 0;
}

static int percpu_show(struct seq_file *m, struct container *cont,
		       const struct container_cftype *cft)
{
	struct cpuacct *ca = cpuacct_refresh(cont);
	const char *sep = "";
	int cpu;

	for_each_possible_cpu(cpu) {
		seq_printf(m, "%s%llu", sep,
			   cpu_used(ca, cpu) - per_cpu_ptr(ca->cpu, cpu)->at_reset);
		sep = " ";
	}
	seq_putc(m, '\n');
	return 0;
}

static int stat_show(struct seq_file *m, struct container *cont,
		     const struct container_cftype *cft)
{
	struct cpuacct *ca = cpuacct_refresh(cont);
	u64 usage = cpuacct_usage(ca);

	cpuacct_split(usage, atomic64_read(&ca->utime) - ca->utime_at_reset,
		      atomic64_read(&ca->stime) - ca->stime_at_reset, &ca->user, &ca->system);
	seq_printf(m, "user %llu\nsystem %llu\n", cpuacct_clock_ticks(ca->user),
		   cpuacct_clock_ticks(ca->system));
	return 0;
}

static int load_show(struct seq_file *m, struct container *cont,
		     const struct container_cftype *cft)
{
	struct cpuacct *ca = cpuacct_refresh(cont);
	u64 used = cpuacct_used(ca) - ca->at_interval;
	u64 elapsed = ktime_get_ns() - interval_began;
	unsigned int cpus = num_online_cpus();

	seq_printf(m, "time %llu\n", div_u64(used, NSEC_PER_MSEC));
	seq_printf(m, "accumulated time %llu\n", div_u64(cpuacct_usage(ca), NSEC_PER_MSEC));
	seq_printf(m, "time since interval %llu\n",
		   div_u64(cpuacct_room(elapsed, cpus), USEC_PER_MSEC));
	seq_printf(m, "load %u\n", cpuacct_load(used, elapsed, cpus));
	return 0;
}

static const struct container_cftype cpuacct_files[] = {
	{
		.name = "cpuacct.usage",
		.private = NSEC_PER_MSEC,
		.show = usage_show,
		.write = usage_write,
	},
	{ .name = "cpuacct.usage_ns", .private = 1, .show = usage_show },
	{ .name = "cpuacct.usage_subtree_ns", .show = subtree_show },
	{ .name = "cpuacct.usage_percpu", .show = percpu_show },
	{ .name = "cpuacct.stat", .show = stat_show },
	{ .name = "cpuacct.load", .show = load_show },
};

static int cpuacct_populate(struct container_subsys *ss, struct container *cont)
{
	return container_add_files(cont, cpuacct_files, ARRAY_SIZE(cpuacct_files));
}

/* --- life of a container and of the hierarchy ------------------------------ */

static int cpuacct_create(struct container_subsys *ss, struct container *cont)
{
	struct cpuacct *ca = kzalloc(sizeof(*ca), GFP_KERNEL);

	if (!ca)
		return -ENOMEM;
	ca->cpu = alloc_percpu(struct cpuacct_cpu);
	if (!ca->cpu) {
		kfree(ca);
		return -ENOMEM;
	}
	raw_spin_lock_init(&ca->lock);
	container_set_subsys_state(cont, ss, &ca->css);
	if (cont->parent) {
		container_lock();
		list_add_tail(&ca->list, &cpuacct_below);
		container_unlock();
	}
	return 0;
}

static void cpuacct_free(struct rcu_head *rcu)
{
	struct cpuacct *ca = container_of(rcu, struct cpuacct, rcu);

	free_percpu(ca->cpu);
	kfree(ca);
}

static void cpuacct_destroy(struct container_subsys *ss, struct container *cont)
{
	struct cpuacct *ca = cpuacct_of(cont);
	int cpu;

	if (cont->parent) {
		container_lock();
		list_del(&ca->list);
		cpuacct_of(cont->parent)->removed += cpuacct_used(ca) + ca->removed;
		for_each_possible_cpu(cpu)
			per_cpu(cpuacct_all, cpu).not_root += cpu_used(ca, cpu);
		not_root_utime += atomic64_read(&ca->utime);
		not_root_stime += atomic64_read(&ca->stime);
		container_unlock();
	}
	call_rcu(&ca->rcu, cpuacct_free);
}

static int cpuacct_bind(struct container_subsys *ss, struct container *root)
{
	struct cpuacct *top = cpuacct_of(root);
	int cpu, err;

	err = container_hooks_arm(cpuacct_hooks, ARRAY_SIZE(cpuacct_hooks));
	if (err)
		return err;
	container_lock();
	for_each_possible_cpu(cpu) {
		per_cpu(cpuacct_all, cpu).not_root = cpu_charged(cpu);
		memset(per_cpu_ptr(top->cpu, cpu), 0, sizeof(struct cpuacct_cpu));
	}
	all_ticks(&not_root_utime, &not_root_stime);
	atomic64_set(&top->utime, 0);
	atomic64_set(&top->stime, 0);
	top->utime_at_reset = 0;
	top->stime_at_reset = 0;
	top->user = 0;
	top->system = 0;
	top->removed = 0;
	cpuacct_top = top;
	interval_begin(ktime_get_ns());
	container_unlock();
	return 0;
}

static void cpuacct_unbind(struct container_subsys *ss, struct container *root)
{
	container_lock();
	cpuacct_top = NULL;
	container_unlock();
	cancel_delayed_work_sync(&interval_work);
	container_hooks_disarm(cpuacct_hooks, ARRAY_SIZE(cpuacct_hooks));
}

static struct container_subsys cpuacct_subsys = {
	.name = "cpuacct",
	.owner = THIS_MODULE,
	.scope = CONTAINER_MEMBERS,
	.task_size = sizeof(struct cpuacct_task),
	.create = cpuacct_create,
	.destroy = cpuacct_destroy,
	.attach = cpuacct_attach,
	.exit = cpuacct_exit,
	.populate = cpuacct_populate,
	.bind = cpuacct_bind,
	.unbind = cpuacct_unbind,
};

static int __init cpuacct_init(void)
{
	static const struct container_symbol symbols[] = {
		{ .name = "task_sched_runtime", .address = &task_sched_runtime_fn },
	};
	static const struct container_feature features[] = {
		{ .name = "cpuacct", .symbols = symbols, .nr_symbols = ARRAY_SIZE(symbols) },
		{
			.name = EXACT_PERCPU,
			.hooks = cpuacct_hooks,
			.nr_hooks = ARRAY_SIZE(cpuacct_hooks),
		},
		{ .name = EXACT_ROOT },
	};
	int err = 0, i;

	for (i = 0; i < ARRAY_SIZE(features) && !err; i++) {
		err = container_feature_find(&features[i]);
		/* all but the first can be done without */
		if (i && err == -EOPNOTSUPP)
			err = 0;
	}
	if (err)
		return err;
	cpu_sums = compat_cpu_sums();
	if (!cpu_sums)
		container_feature_lost(EXACT_ROOT,
				       "this kernel has no cpuacct of its own: the root's figures count ticks");
	return container_register_subsys(&cpuacct_subsys);
}

static void __exit cpuacct_module_exit(void)
{
	container_unregister_subsys(&cpuacct_subsys);
	container_hooks_forget(cpuacct_hooks, ARRAY_SIZE(cpuacct_hooks));
	rcu_barrier();
}

module_init(cpuacct_init);
module_exit(cpuacct_module_exit);

MODULE_DESCRIPTION("Containers: accounting of CPU time");
MODULE_LICENSE("GPL");
MODULE_VERSION(CONTAINER_VERSION);
MODULE_ALIAS("container-subsys-cpuacct");
