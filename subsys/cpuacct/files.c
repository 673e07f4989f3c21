// SPDX-License-Identifier: GPL-2.0
/*
 * The control files, and the intervals of cpuacct.load.
 */
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/workqueue.h>

#include "cpuacct.h"
#include "load.h"
#include "private.h"

/* Guarded by the callback lock. */
static unsigned int load_interval = 10;
static u64 interval_began;

/* --- the interval of cpuacct.load ------------------------------------------ */

static void interval_end(struct work_struct *work);
static DECLARE_DELAYED_WORK(interval_work, interval_end);

/* Schedules the end of the current interval. Callback lock held. */
static void interval_schedule(void)
{
	u64 elapsed = ktime_get_ns() - interval_began;
	u64 length = (u64)load_interval * NSEC_PER_SEC;

	cancel_delayed_work(&interval_work);
	schedule_delayed_work(&interval_work, elapsed < length ?
			      nsecs_to_jiffies(length - elapsed) + 1 : 0);
}

/**
 * interval_begin - begin a new interval of cpuacct.load
 * @now: its beginning: a time before the sums were brought up to date, so that the interval is
 *	never shorter than the time in which CPU time is counted for it
 *
 * Context: callback lock held.
 */
void interval_begin(u64 now)
{
	struct cpuacct *ca;

	container_assert_locked();
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

/**
 * interval_stop - end the last interval, when there is no hierarchy any more
 *
 * Context: callback lock not held; sleeps.
 */
void interval_stop(void)
{
	cancel_delayed_work_sync(&interval_work);
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

static int subtree_show(struct seq_file *m, struct container *cont,
			const struct container_cftype *cft)
{
	struct cpuacct *top = cpuacct_refresh(cont), *ca;
	u64 sum = cpuacct_usage(top) + top->removed;

	cpuacct_top->in_subtree = top == cpuacct_top;
	list_for_each_entry(ca, &cpuacct_below, list) {
		/* parents come before their children */
		ca->in_subtree = ca == top ||
				 cpuacct_of(ca->css.container->parent)->in_subtree;
		if (ca == top || !ca->in_subtree)
			continue;
		/* the refresh of the root has brought all of them up to date */
		if (top != cpuacct_top)
			refresh_members(ca);
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

/* populate(), see container.h */
int cpuacct_populate(struct container_subsys *ss, struct container *cont)
{
	return container_add_files(cont, cpuacct_files, ARRAY_SIZE(cpuacct_files));
}
