/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The declarations that the files of container_cpuacct.ko share.
 */
#ifndef _CPUACCT_H
#define _CPUACCT_H

#include <linux/percpu.h>

#include "container.h"

/**
 * struct cpuacct_task - the part of a task's CPU time that was accounted for
 * @runtime: run time, in ns
 * @utime: ticks in user mode, in ns
 * @stime: ticks in kernel mode, in ns
 */
struct cpuacct_task {
	u64 runtime;
	u64 utime;
	u64 stime;
};

/**
 * struct cpuacct_cpu - a container's time on a CPU
 * @used: the time that its members have used, in ns
 * @at_reset: the value of @used at the last reset; under the callback lock
 */
struct cpuacct_cpu {
	atomic64_t used;
	u64 at_reset;
};

/**
 * struct cpuacct - a container's CPU time
 * @css: the core's part
 * @list: link in cpuacct_below, unused in the root; under the callback lock
 * @lock: held to fold a member, which cannot change CPUs meanwhile. A task that exits folds itself
 *	without it
 * @cpu: the time on each possible CPU
 * @utime: ticks in user mode, in ns
 * @stime: ticks in kernel mode, in ns
 * @utime_at_reset: the value of @utime at the last reset; this and the following, but @rcu, are
 *	under the callback lock
 * @stime_at_reset: the value of @stime at the last reset
 * @user: user time as last shown
 * @system: system time as last shown
 * @removed: time that removed descendants have used, in ns
 * @at_interval: time used before the current interval, in ns
 * @in_subtree: is it in the tree for which a sum is being made? Meaningless afterwards
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
	bool in_subtree;
	struct rcu_head rcu;
};

extern struct container_subsys cpuacct_subsys;

/* Guarded by the callback lock. */
extern struct list_head cpuacct_below;	/* all containers but the root */
extern struct cpuacct *cpuacct_top;	/* the root's; NULL while not bound */

static inline struct cpuacct *cpuacct_of(struct container *cont)
{
	return container_of(container_subsys_state(cont, &cpuacct_subsys), struct cpuacct, css);
}

/* The time that a container has used on a CPU, resets or not. */
static inline u64 cpu_used(struct cpuacct *ca, int cpu)
{
	return atomic64_read(&per_cpu_ptr(ca->cpu, cpu)->used);
}

/* fold.c */
int fold_init(void);
int fold_bind(void);
void fold_unbind(void);
void fold_exit(void);
void task_update(struct task_struct *task);
void fold_members(struct cpuacct *ca);
void refresh_members(struct cpuacct *ca);
void cpuacct_attach(struct container_subsys *ss, struct container_move *move, void *data);
void cpuacct_exit(struct container_subsys *ss, struct container *cont,
		  struct task_struct *task, void *data);

/* sums.c */
int sums_init(void);
void sums_begin(struct cpuacct *top);
void sums_removed(struct cpuacct *ca);
void refresh_top(struct cpuacct *top);
struct cpuacct *cpuacct_refresh(struct container *cont);
u64 cpuacct_used(struct cpuacct *ca);
u64 cpuacct_usage(struct cpuacct *ca);

/* files.c */
void interval_begin(u64 now);
void interval_stop(void);
int cpuacct_populate(struct container_subsys *ss, struct container *cont);

#endif /* _CPUACCT_H */
