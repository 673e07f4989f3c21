// SPDX-License-Identifier: GPL-2.0
/*
 * The callbacks about moves, forks and exits, and the data of members. The top of cpuset.c says
 * who takes part and how races are settled.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "compat_cpuset.h"
#include "cpuset.h"
#include "container_hook.h"

/* security_task_setscheduler(), which is not exported. */
static void *security_fn;
CONTAINER_KERNEL_FN(int, call_task_setscheduler, struct task_struct *task);

/* --- the data of members ----------------------------------------------------- */

/*
 * The wish of a task that comes from the root: its present affinity, which is stored in @wish or,
 * if that is NULL, in new memory. Without memory the task is confined as if it had no restriction.
 */
static struct wish *wish_of_newcomer(struct task_struct *task, struct wish *wish)
{
	struct cpuset *root = container_cpuset(container_subsys_root(&cpuset_subsys));
	unsigned long flags;

	if (!wish)
		wish = wish_alloc(GFP_ATOMIC | __GFP_NOWARN);
	if (!wish) {
		pr_warn_ratelimited("no memory to remember the affinity of a task\n");
		return WISH_ALL;
	}
	raw_spin_lock_irqsave(&task->pi_lock, flags);
	cpumask_copy(wish_cpus(wish), &task->cpus_mask);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	/* what the root's flags have given it is no wish of its own */
	wish->spread = spread_get(task) & ~root->flags;
	if (!wish->spread && cpumask_subset(cpu_possible_mask, wish_cpus(wish))) {
		wish_put(wish);
		wish = NULL;
	}
	return wish_or_all(wish);
}

/* --- moves ------------------------------------------------------------------ */

bool forks_watched;

/* The wish that can_attach() has allocated for a move; NULL if there is none. */
static struct wish **move_wish(struct container_move *move)
{
	return (struct wish **)container_move_data(move, &cpuset_subsys);
}

/* Takes it from the move, so that it is not freed with the move. NULL if there is none. */
static struct wish *take_wish(struct container_move *move)
{
	struct wish **kept = move_wish(move);
	struct wish *wish = kept ? *kept : NULL;

	if (wish)
		*kept = NULL;
	return wish;
}

/* can_attach() and can_clone(), see container.h */
int cpuset_can_attach(struct container_subsys *ss, struct container_move *move)
{
	struct task_struct *task = move->task;
	struct container *cont = move->to;
	struct setting *s = setting_locked(cont);
	int err;

	/* first, because a refusal may be overruled */
	*move_wish(move) = wish_alloc(GFP_KERNEL);
	if (!*move_wish(move))
		return -ENOMEM;
	if (cont->parent && !cpuset_usable(cont))
		return refuse_unusable(cont);
	/* io_uring's threads may be bound as well, but belong to a user: they follow the process */
	if (cont->parent && (task->flags & PF_KTHREAD) && (task->flags & PF_NO_SETAFFINITY))
		return -EINVAL;
	/* all kernel threads are children of kthreadd, which must stay unconfined */
	if (cont->parent && (task->flags & PF_KTHREAD) && task_pid_nr(task) == 2)
		return -EINVAL;
	/* as for cgroup v1: the mover has to be allowed to set the affinity */
	err = call_task_setscheduler(security_fn, task);
	if (err)
		return err;
	if (cont->parent && task->policy == SCHED_DEADLINE &&
	    !cpumask_subset(cpu_online_mask, setting_cpus(s)))
		return -EBUSY;
	return 0;
}

/* cancel_attach(), see container.h */
void cpuset_cancel_attach(struct container_subsys *ss, struct container_move *move)
{
	wish_put(take_wish(move));
}

/*
 * The wish of a new task: that of its parent, the current task, which may have been moved
 * meanwhile. If the parent is at the root, and has what it shall have there, its affinity is the
 * wish.
 */
static struct wish *inherit(void)
{
	struct wish *wish = NULL;
	struct cpuset_task *t;

	rcu_read_lock();
	t = container_task_data(current, &cpuset_subsys);
	do {
		/* see the affinity set before the wish: pairs with note_wish() and attach() */
		wish = t ? smp_load_acquire(&t->wish) : NULL;
		/* a wish without references may have been freed and reused */
	} while (wish_or_null(wish) && !refcount_inc_not_zero(&wish->users));
	rcu_read_unlock();
	return wish ?: wish_of_newcomer(current, NULL);
}

/*
 * Does the kernel's own cpuset look where a child starts? Older ones copy from the parent, be it in
 * another one.
 */
static bool cpuset_clones_anew;

/* Gives a new task at the root, a child of the current task, what its parent has or gets there. */
static void fork_release(struct task_struct *child)
{
	struct cpuset *root = container_cpuset(container_subsys_root(&cpuset_subsys));
	struct wish *wish = wish_or_null(inherit());

	cpus_fork_release(child, wish);
	spread_set(child, root->flags | (wish ? wish->spread : 0));
	mems_fork_release(child);
	wish_put(wish);
}

/*
 * A move to the root. post_attach() sets the task's values there, but not those of a task that is
 * unborn: a thread that follows its process gets them here, and another child in
 * cpuset_probe_newtask(), which comes after this.
 */
static void attach_to_root(struct container_move *move, struct cpuset_task *t)
{
	struct wish *wish = wish_or_null(t->wish), *kept;

	t->applied = NOT_APPLIED;
	if (move->why == CONTAINER_MOVE_FOLLOW) {
		t->wish = NULL;
		fork_release(move->task);
	} else if (!t->wish) {
		wish_put(take_wish(move));
	} else {
		kept = *move_wish(move);
		/* can_attach() may have had no memory for a thread that was found late */
		if (!kept)
			kept = wish_alloc(GFP_ATOMIC | __GFP_NOWARN);
		if (kept) {
			compat_cpumask_copy(wish_cpus(kept),
					    wish ? wish_cpus(wish) : cpu_possible_mask);
			kept->spread = wish ? wish->spread : 0;
		}
		*move_wish(move) = wish_or_all(kept);
		/* for new children, until it is granted; pairs with inherit() */
		smp_store_release(&t->wish, wish_or_all(kept));
	}
	wish_put(wish);
}

/* attach(), see container.h */
void cpuset_attach(struct container_subsys *ss, struct container_move *move, void *data)
{
	struct cpuset_task *t = data;

	WRITE_ONCE(forks_watched, true);
	smp_wmb(); /* before the move is visible: see cpuset_probe_newtask() */
	if (!move->to->parent) {
		attach_to_root(move, t);
		return;
	}
	/* nothing is applied before post_attach(), and is_applied() tells the task's children */
	WRITE_ONCE(t->applied, NOT_APPLIED);
	if (!move->from->parent) {
		/* pairs with inherit() */
		smp_store_release(&t->wish, wish_of_newcomer(move->task, take_wish(move)));
	}
}

/* post_attach(), see container.h */
void cpuset_post_attach(struct container_subsys *ss, struct container_move *move)
{
	struct container *cont = move->to, *old_cont = move->from;
	struct cpuset *cs = container_cpuset(cont);
	nodemask_t from = old_cont->parent ? setting_locked(old_cont)->mems :
					     node_states[N_MEMORY];
	struct task_struct *task = move->task;
	struct wish *kept = take_wish(move), *wish = wish_or_null(kept);
	/* what children copy is set before change_done() and wish_granted() say that it is */
	bool changed = mems_apply(task);

	if (cont->parent) {
		spread_set(task, cs->flags);
		cpus_apply(task);
		container_for_task(task, ss, change_done, cs);
	} else if (kept) {
		spread_set(task, cs->flags | (wish ? wish->spread : 0));
		/* if there was no memory for its wish, it gets all CPUs */
		if (cpus_release(task, wish))
			container_for_task(task, ss, wish_granted, wish);
	}
	wish_put(wish);
	/* each thread: the first one may be there already, or have exited, and the others return */
	if (changed)
		mems_apply_mm(task, &from, test_bit(CPUSET_MEMORY_MIGRATE, &cs->flags));
}

/* --- forks ------------------------------------------------------------------ */

/* Was the latest change of the container applied to the current task? */
static bool is_applied(struct container *cont, unsigned int changes)
{
	struct cpuset_task *t = container_task_data(current, &cpuset_subsys);

	return t && READ_ONCE(t->applied) == changes &&
	       task_container(current, &cpuset_subsys) == cont;
}

/*
 * Has a new task inherited its values from a parent to which the latest change was applied? The
 * parent may be moved meanwhile: its values are set after the move and before that is noted in
 * its data. So check before and after comparing the values.
 */
static bool fork_is_fine(struct container *cont, struct task_struct *child, unsigned int changes)
{
	bool fine;

	rcu_read_lock();
	fine = is_applied(cont, changes) && cpus_complete();
	smp_rmb(); /* pairs with change_done() */
	fine = fine && cpumask_equal(&child->cpus_mask, &current->cpus_mask) &&
	       /* a call that is being refused may have given the parent a CPU more */
	       cpumask_subset(&child->cpus_mask, setting_cpus(setting_of(cont))) &&
	       nodes_equal(child->mems_allowed, current->mems_allowed);
	smp_rmb(); /* pairs with the lock of the entry that attach() is called with */
	fine = fine && is_applied(cont, changes);
	rcu_read_unlock();
	return fine;
}

/* fork(), see container.h */
void cpuset_fork(struct container_subsys *ss, struct container *cont,
		 struct task_struct *child, void *data)
{
	struct cpuset *cs = container_cpuset(cont);
	struct cpuset_task *t = data;
	struct wish *old = wish_or_null(t->wish);
	unsigned int changes;
	bool usable;

	/*
	 * A child that was moved while it was unborn has a wish already, of what had been copied:
	 * that may have been a container's. Pairs with inherit() of its own children.
	 */
	smp_store_release(&t->wish, inherit());
	wish_put(old);
	/* the task is complete before changes and setting are read: see change_count() */
	smp_mb();
	changes = READ_ONCE(cs->changes);
	spread_set(child, cs->flags);
	if (likely(fork_is_fine(cont, child, changes))) {
		WRITE_ONCE(t->applied, changes);
		return;
	}
	cpus_fork(child, wish_or_null(t->wish));
	mems_apply(child);
	WRITE_ONCE(t->applied, changes);
	rcu_read_lock();
	usable = !setting_lacks(setting_of(cont));
	rcu_read_unlock();
	/* the other members may have been evicted while the child was unborn */
	if (!usable)
		hotplug_repair(cs);
}

/* For container_for_task(): a new task that has just been moved gets what is its container's. */
static void fork_moved(struct task_struct *child, void *data, void *unused)
{
	struct container *cont = task_container(child, &cpuset_subsys);

	if (cont->parent)
		cpuset_fork(&cpuset_subsys, cont, child, data);
}

/* Is a child in another cpuset of the kernel's, which has set its values anew? Under RCU. */
static bool starts_elsewhere(struct task_struct *child, u64 clone_flags)
{
	return cpuset_clones_anew && (clone_flags & CLONE_INTO_CGROUP) &&
	       compat_other_cpuset(child);
}

/*
 * May a child at the root have other values than its parent @t has, or is about to get, there?
 * Lockless: who changes the masks of a task at the root changes them for its sake.
 */
static bool fork_differs(struct task_struct *child, struct cpuset_task *t)
{
	/* if it has no wish, that was granted: see wish_granted() */
	return smp_load_acquire(&t->wish) ||
	       (READ_ONCE(t->applied) &&
		(!cpumask_equal(&child->cpus_mask, &current->cpus_mask) ||
		 !nodes_equal(child->mems_allowed, current->mems_allowed) ||
		 spread_get(child) != spread_get(current)));
}

/*
 * Handler of the tracepoint task_newtask. A child at the root may have been copied from its parent
 * when that was still confined; or already, as the kernel's own cpuset copies once more, after
 * the child was put where its parent was. It gets what the parent has, or is about to get, or would
 * have at the root. The core's handler comes first, so that the child does not leave a container
 * any more in which it is unborn.
 */
void cpuset_probe_newtask(void *unused, struct task_struct *child, COMPAT_CLONE_FLAGS clone_flags)
{
	struct cpuset_task *t;
	bool check = false;

	/* the child is listed; locks that were taken since are full barriers on x86-64 */
	if (likely(!READ_ONCE(forks_watched)))
		return;
	preempt_disable();
	rcu_read_lock();
	t = container_task_data(current, &cpuset_subsys);
	if (task_confined(child)) {
		/* if it was moved there just now, what it had copied was no wish of its own */
		check = task_container(child, &cpuset_subsys) !=
			task_container(current, &cpuset_subsys);
	} else if (t && !starts_elsewhere(child, clone_flags) && fork_differs(child, t)) {
		fork_release(child);
		check = true;
	} else if (!task_confined(current) && spread_get(child) != spread_get(current)) {
		/* the root's flags have just been changed */
		spread_set(child, spread_get(current));
		check = true;
	}
	/* it may have been moved meanwhile; post_attach() of a later move comes later */
	if (check)
		container_for_task(child, &cpuset_subsys, fork_moved, NULL);
	rcu_read_unlock();
	preempt_enable();
}

/* exit(), see container.h */
void cpuset_exit(struct container_subsys *ss, struct container *cont,
		 struct task_struct *task, void *data)
{
	struct cpuset_task *t = data;

	wish_put(wish_or_null(t->wish));
	t->wish = NULL;
}

/**
 * attach_init - find the function of the kernel that a move needs
 *
 * Context: the module is being loaded.
 * Return: 0 or an errno.
 */
int attach_init(void)
{
	static const struct container_symbol symbols[] = {
		{ .name = "security_task_setscheduler", .address = &security_fn },
	};
	static const struct container_feature feature = {
		.name = "cpuset",
		.symbols = symbols,
		.nr_symbols = ARRAY_SIZE(symbols),
	};

	cpuset_clones_anew = container_hook_symbol("cpuset_can_fork");
	return container_feature_find(&feature);
}
