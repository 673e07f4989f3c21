/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of container_cpuset.ko know of each other.
 */
#ifndef _CPUSET_H
#define _CPUSET_H

#include <linux/list.h>

#include "container.h"
#include "fmeter.h"
#include "rules.h"

#define SPREAD_FLAGS (BIT(CPUSET_SPREAD_PAGE) | BIT(CPUSET_SPREAD_SLAB))

/* Flags of a cpuset; atomic bit operations, written under the manage lock. */
enum {
	CPUSET_MEMORY_MIGRATE,
	CPUSET_SPREAD_PAGE,
	CPUSET_SPREAD_SLAB,
};

/**
 * struct cpuset - what a container may use
 * @css: the core's part
 * @setting: CPUs, nodes and exclusiveness. Replaced under the manage lock and the
 *	affinity lock, read under either, or under RCU. That of a root says nothing to
 *	whoever looks for what is allowed: there, it is what the kernel allows
 * @flags: bits of the enum above
 * @changes: how often it changed in a way that its members have to follow, and one:
 *	no task that is not marked says so much. Written under the manage lock
 * @meter_lock: guards @meter; taken in reclaim, a spinlock
 * @meter: direct reclaim by the members
 * @said_to_lack: what the log has said that it lacks: 1 CPUs, 2 nodes; under the manage
 *	lock
 * @rcu: for freeing
 */
struct cpuset {
	struct container_subsys_state css;
	struct setting __rcu *setting;
	unsigned long flags;
	unsigned int changes;
	spinlock_t meter_lock;
	struct fmeter meter;
	unsigned char said_to_lack;
	struct rcu_head rcu;
};

/**
 * struct confined - what we keep for a member of a container below the root that would
 *	be restricted without us, too
 * @node: link in the list of spares, or of those that leave
 * @task: while it is leaving
 * @fresh: @bits is not known yet: it is the task's affinity, which nobody has narrowed
 * @spread: its flags for spreading when it came
 * @rcu: for freeing
 * @bits: its affinity if it were not confined, for confined_want()
 *
 * The task's words lead to it. It comes, changes and goes with the lock of the task's
 * entry held.
 */
struct confined {
	struct list_head node;
	struct task_struct *task;
	bool fresh;
	unsigned long spread;
	struct rcu_head rcu;
	unsigned long bits[];
};

/*
 * The words of a member:
 *
 *   WORD_RECORD	the address of its struct confined; 0: it would not be restricted
 *	without us, as most tasks are not
 *   WORD_STATE	the number of the last change of its container that was applied to
 *	it, and STATE_PENDING for one in the making, if fork() has yet to see to it
 *
 * A member is marked (see container_mark()) if it has a record, is pending, or was
 * changed by us since it last forked.
 */
enum { WORD_RECORD, WORD_STATE, WORDS };

#define STATE_PENDING 1ull
#define STATE(changes) ((u64)(changes) << 1)

static inline struct cpumask *confined_want(struct confined *c)
{
	return to_cpumask(c->bits);
}

static inline struct confined *words_confined(const u64 *words)
{
	return (struct confined *)(unsigned long)READ_ONCE(words[WORD_RECORD]);
}

static inline void words_confine(u64 *words, struct confined *c)
{
	WRITE_ONCE(words[WORD_RECORD], (unsigned long)c);
}

/* Would a task with this affinity be restricted without us? */
static inline bool restricts(const struct cpumask *want)
{
	return !cpumask_subset(cpu_possible_mask, want);
}

extern struct container_subsys cpuset_subsys;

static inline struct cpuset *container_cpuset(struct container *cont)
{
	return container_of(container_subsys_state(cont, &cpuset_subsys), struct cpuset, css);
}

/* The setting of a container, under RCU. */
static inline struct setting *setting_of(struct container *cont)
{
	return rcu_dereference(container_cpuset(cont)->setting);
}

/* Likewise for whoever holds a lock that keeps it. */
static inline struct setting *setting_locked(struct container *cont)
{
	return rcu_dereference_protected(container_cpuset(cont)->setting, true);
}

/* Is a task below the root? Under RCU; a task that is being moved may be either. */
static inline bool task_confined(struct task_struct *task)
{
	return task_container(task, &cpuset_subsys)->parent;
}

/* What of a member a change is about. */
enum {
	APPLY_CPUS = 1,
	APPLY_MEMS = 2,
	APPLY_SPREAD = 4,
	APPLY_ALL = APPLY_CPUS | APPLY_MEMS | APPLY_SPREAD,
};

/* cpuset.c */
struct confined *confined_alloc(gfp_t gfp);
void members_apply(struct container *cont, int what, const nodemask_t *from);
void members_evict(struct container *cont, struct container *to);
bool cpuset_usable(struct container *cont);

/* cpus.c */
int cpus_init(void);
int cpus_bind(void);
void cpus_unbind(void);
void cpus_exit(void);
void cpus_publish(struct container *cont, struct setting *new);
void cpus_apply(struct task_struct *task);
void cpus_release(struct task_struct *task, const struct cpumask *want);
bool cpus_fork(struct task_struct *child, struct confined *c, bool due);
void cpus_fork_release(struct task_struct *child, const struct cpumask *want);

/* mems.c */
int mems_init(void);
int mems_bind(void);
void mems_unbind(void);
void mems_exit(void);
bool mems_apply(struct task_struct *task);
bool mems_fork(struct task_struct *child, bool due);
void mems_fork_release(struct task_struct *child);
void mems_apply_mm(struct task_struct *task, const nodemask_t *from, bool migrate);
bool spread_known(int flag);
unsigned long spread_get(struct task_struct *task);
void spread_set(struct task_struct *task, unsigned long flags);
bool pressure_counted(void);
int pressure_count(bool on);

/* hotplug.c */
int hotplug_init(void);
void hotplug_exit(void);
void hotplug_repair(void);
void hotplug_sync(void);
void hotplug_hide(struct cpumask *cpus);

/* legacy.c */
void legacy_init(void);
void legacy_exit(void);

#endif /* _CPUSET_H */
