/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The declarations that the files of container_cpuset.ko share.
 */
#ifndef _CPUSET_H
#define _CPUSET_H

#include <linux/refcount.h>
#include <linux/slab.h>

#include "compat.h"
#include "container.h"
#include "private.h"
#include "fmeter.h"
#include "rules.h"

#define SPREAD_FLAGS (BIT(CPUSET_SPREAD_PAGE) | BIT(CPUSET_SPREAD_SLAB))

/* Flags of a cpuset, changed atomically; all but the last under the manage lock. */
enum {
	CPUSET_MEMORY_MIGRATE,
	CPUSET_SPREAD_PAGE,
	CPUSET_SPREAD_SLAB,
	/* the kernel has changed the CPUs or nodes of a member: hotplug_sync() restores them */
	CPUSET_REPAIR,
};

/**
 * struct cpuset - the state of a container
 * @css: the core's part
 * @setting: CPUs, nodes and exclusiveness. Replaced under the manage lock, read under it or
 *	under RCU. The root's serves only to check its children's: its own tasks have what the
 *	kernel allows
 * @flags: bits of the enum above
 * @changes: the number of the latest change that has to be applied to members, above
 *	NOT_APPLIED. Written under the manage lock
 * @meter_lock: guards @meter; also taken in reclaim
 * @meter: direct reclaim by the members
 * @said_to_lack: the lack that the log has reported last: 1 for CPUs, 2 for nodes, 3 for both.
 *	Under the manage lock
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
 * struct wish - the affinity and flags that a member would have if it were not confined
 * @users: the members that share it: a child shares its parent's until one of them asks for
 *	something else
 * @spread: flags for spreading
 * @rcu: for freeing
 * @bits: the affinity, for wish_cpus()
 *
 * It is not changed once a member has it.
 */
struct wish {
	refcount_t users;
	unsigned long spread;
	struct rcu_head rcu;
	unsigned long bits[];
};

/**
 * struct cpuset_task - the data of a member
 * @wish: its wish; WISH_ALL if it would have no restriction, as most tasks; NULL before
 *	fork() is called, and at the root. While a task that has left for the root does not have its
 *	wish there yet, that wish; the move, or the job, has the reference
 * @applied: the number of the container's latest change that was applied to the member;
 *	NOT_APPLIED if none was since the task was moved. At the root: 0 if it never was moved
 *
 * Changed with the lock of the task's entry held.
 */
struct cpuset_task {
	struct wish *wish;
	unsigned int applied;
};

/* Less than the number of any change. */
#define NOT_APPLIED 1

#define WISH_ALL ((struct wish *)1)

static inline struct cpumask *wish_cpus(struct wish *wish)
{
	return to_cpumask(wish->bits);
}

/* A member's wish; NULL if it would have no restriction. */
static inline struct wish *wish_or_null(struct wish *wish)
{
	return wish == WISH_ALL ? NULL : wish;
}

/* The wish to store for a member. */
static inline struct wish *wish_or_all(struct wish *wish)
{
	return wish ?: WISH_ALL;
}

/* Drops a member's reference. */
static inline void wish_put(struct wish *wish)
{
	if (wish && refcount_dec_and_test(&wish->users))
		kfree_rcu(wish, rcu);
}

extern struct container_subsys cpuset_subsys;

static inline struct cpuset *container_cpuset(struct container *cont)
{
	return container_of(container_subsys_state(cont, &cpuset_subsys), struct cpuset, css);
}

/* The setting of a container; under RCU. */
static inline struct setting *setting_of(struct container *cont)
{
	return rcu_dereference(container_cpuset(cont)->setting);
}

/* The setting of a container; under the manage lock. */
static inline struct setting *setting_locked(struct container *cont)
{
	return rcu_dereference_protected(container_cpuset(cont)->setting, true);
}

/* Is a task below the root? Under RCU; the answer may be stale for a task that moves. */
static inline bool task_confined(struct task_struct *task)
{
	return task_container(task, &cpuset_subsys)->parent;
}

/* What members_apply() applies: CPUs, nodes, flags for spreading. */
enum {
	APPLY_CPUS = 1,
	APPLY_MEMS = 2,
	APPLY_SPREAD = 4,
	APPLY_ALL = APPLY_CPUS | APPLY_MEMS | APPLY_SPREAD,
};

/* cpuset.c */
bool cpuset_usable(struct container *cont);
int refuse_unusable(struct container *cont);
struct setting *setting_dup(const struct setting *from);
int setting_change(struct container *cont, struct setting *new, int written);

/* files.c */
int cpuset_populate(struct container_subsys *ss, struct container *cont);

/* apply.c */
void members_apply(struct container *cont, int what, const nodemask_t *from);
bool members_evict(struct container *cont, struct container *to);
void root_spread(struct container *root, unsigned long flags);
void change_done(struct task_struct *task, void *data, void *cs);

/* attach.c */
int attach_init(void);
int cpuset_can_attach(struct container_subsys *ss, struct container_move *move);
void cpuset_cancel_attach(struct container_subsys *ss, struct container_move *move);
void cpuset_attach(struct container_subsys *ss, struct container_move *move, void *data);
void cpuset_post_attach(struct container_subsys *ss, struct container_move *move);
void cpuset_fork(struct container_subsys *ss, struct container *cont,
		 struct task_struct *child, void *data);
void cpuset_exit(struct container_subsys *ss, struct container *cont,
		 struct task_struct *task, void *data);
/* Was a task moved, or were the root's flags changed, since the module was loaded? */
extern bool forks_watched;
void cpuset_probe_newtask(void *unused, struct task_struct *child, COMPAT_CLONE_FLAGS clone_flags);

/* cpus.c */
int cpus_init(void);
int cpus_bind(void);
void cpus_unbind(void);
void cpus_exit(void);
void cpus_publish(struct container *cont, struct setting *new);
void cpus_fork(struct task_struct *child, struct wish *wish);
void cpus_fork_release(struct task_struct *child, struct wish *wish);

/* wish.c */
struct wish *wish_alloc(gfp_t gfp);
struct wish *wish_get(struct task_struct *task);
bool cpus_complete(void);
void cpus_apply(struct task_struct *task);
void wish_granted(struct task_struct *task, void *data, void *arg);
bool cpus_release(struct task_struct *task, struct wish *wish);

/* mems.c */
int mems_init(void);
int mems_bind(void);
void mems_unbind(void);
void mems_exit(void);
bool mems_apply(struct task_struct *task);
void mems_await_mm(struct task_struct *task);
void mems_fork_release(struct task_struct *child);
void mems_apply_mm(struct task_struct *task, const nodemask_t *from, bool migrate);
bool spread_known(int flag);
unsigned long spread_get(struct task_struct *task);
void spread_set(struct task_struct *task, unsigned long flags);

/* pressure.c */
int pressure_init(void);
void pressure_exit(void);
bool pressure_counted(void);
int pressure_count(bool on);
int pressure_bind(void);
void pressure_unbind(void);

/* hotplug.c */
int hotplug_init(void);
void hotplug_exit(void);
void hotplug_repair(struct cpuset *cs);
void hotplug_sync(struct container *own);
void hotplug_hide(struct cpumask *cpus, nodemask_t *mems);

/* legacy.c */
void legacy_init(void);
void legacy_exit(void);

#endif /* _CPUSET_H */
