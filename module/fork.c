// SPDX-License-Identifier: GPL-2.0
/*
 * Fork and exit: the four hooks that keep the table of members up to date. The top of
 * membership.c says who takes part and how races are settled.
 */
#include <linux/sched/signal.h>

#include "callbacks.h"
#include "compat.h"
#include "container_hook.h"

/* The number of tasks in fork_enter(), as a sum over all CPUs. */
static DEFINE_PER_CPU(long, fork_callers);
/* The number of hierarchies and subsystems that need the hooks. Under the lock on bindings. */
static int trackers;

/*
 * Takes back what a failing fork has done for its child, which has an entry. Nobody else has found
 * the child: it is not listed yet.
 */
static noinline void fork_undo(struct task_struct *child, struct member *m)
{
	struct bucket *b = table_bucket(child);

	spin_lock(&b->lock);
	member_cancel(m);
	member_leave_all(m);
	table_del(m);
	table_unlock(b);
	table_free_spare(m);
}

/* The exit of a task with an entry. Called with preemption disabled; enables it. */
static noinline void task_exit(struct bucket *b, struct task_struct *task, struct member *m)
{
	spin_lock(&b->lock);
	/* a mover that saw the task exiting may have removed the entry already */
	if (m->task != task) {
		table_unlock(b);
		goto out;
	}
	member_exit(m);
	member_leave_all(m);
	member_exited(m);
	table_del(m);
	table_unlock(b);
	table_free_spare(m);
out:
	preempt_enable();
}

/*
 * Puts an unborn child into a container of its parent, the current task. The container stays
 * while its lock is held and the parent is in it: either the parent remains a member, or a task
 * that moves it holds the manage lock.
 *
 * Return: false if the members are being killed. A killer counts itself before it lists the
 * members under the lock: either the list includes the child, or the count is seen here.
 */
static __always_inline bool fork_join(struct place *child, struct place *parent)
{
	struct container *cont;

	while ((cont = READ_ONCE(parent->cont))) {
		spin_lock(&cont->lock);
		if (likely(parent->cont == cont)) {
			child->cont = cont;
			hlist_add_head(&child->link, &cont->members);
			cont->nr_members++;
			spin_unlock(&cont->lock);
			return !READ_ONCE(cont->killers);
		}
		spin_unlock(&cont->lock);
	}
	return true;
}

/* Stands for a parent without an entry: at every root, and without data. */
static struct member no_entry;

/* Puts an unborn child into its containers and asks the subsystems. An errno makes fork fail. */
static __always_inline int fork_begin(struct task_struct *child, struct member *m,
				      struct member *parent)
{
	const struct calls *calls = calls_now();
	struct bucket *b;
	int h, err;

	/* an earlier task at this address has no entry any more: its exit has removed that */
	b = table_lock(child);
	table_add(b, m, child, calls->generation);
	table_unlock(b);

	unrolled
	for (h = 1; h < MAX_CONTAINER_HIERARCHIES; h++)
		if (unlikely(!fork_join(&m->in[h], &parent->in[h]))) {
			m->charged = 0;	/* no subsystem has been asked */
			err = -EAGAIN;
			goto undo;
		}
	err = member_can_fork(m, parent, calls);
	if (likely(!err))
		return 0;
undo:
	fork_undo(child, m);
	return err;
}

CONTAINER_KERNEL_FN(int, call_can_fork, struct task_struct *child, void *args);

/* Allocates an entry when there is no spare one. Enables preemption meanwhile. */
static noinline struct member *fork_alloc(void)
{
	struct member *m;

	preempt_enable();
	m = table_alloc(GFP_KERNEL);
	preempt_disable();
	return m;
}

/*
 * The fork of a child that gets an entry. Called with preemption disabled; enables it. The
 * entry's memory is not charged: the far larger structures of the child itself are.
 */
static noinline int fork_below(struct task_struct *child, void *args, struct member *parent)
{
	struct member *m = table_take_spare() ?: fork_alloc();
	int err = -ENOMEM;

	if (likely(m))
		err = fork_begin(child, m, parent);
	preempt_enable();
	if (unlikely(err))
		return err;
	err = call_can_fork(fork_hooks[HOOK_CAN_FORK].body, child, args);
	if (unlikely(err)) {
		preempt_disable();
		fork_undo(child, m);
		preempt_enable();
	}
	return err;
}

/* Runs in place of cgroup_can_fork(). May sleep. */
static int fork_enter(struct task_struct *child, void *args)
{
	struct member *parent;
	bool tracked = false;
	int err;

	container_hook_enter(&fork_callers);
	if (unlikely(READ_ONCE(moving) == child->signal)) {
		err = move_wait(child);
		if (err)
			goto out;
	}
	preempt_disable();
	parent = table_find(current);
	if (parent) {
		bitmap_zero(parent->moved, MAX_CONTAINER_HIERARCHIES);
		smp_mb(); /* before its containers are read: see fork_follow() */
		tracked = member_is_below(parent);
	} else {
		parent = &no_entry;
	}
	if (tracked || calls_now()->all[0]) {
		err = fork_below(child, args, parent);
	} else {
		preempt_enable();
		err = call_can_fork(fork_hooks[HOOK_CAN_FORK].body, child, args);
	}
out:
	container_hook_leave(&fork_callers);
	return err;
}

static void notrace hook_can_fork(unsigned long ip, unsigned long parent_ip,
				  struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	container_hook_redirect(fregs, fork_enter);
}

/* Finds or adds the entry of a child that is about to run. */
static struct member *fork_late_member(struct task_struct *child)
{
	struct member *m, *new;
	struct bucket *b;

	m = table_find(child);
	if (m)
		return m;
	new = table_take_spare() ?: table_alloc(GFP_ATOMIC);
	if (!new) {
		atomic_long_inc(&fork_hooks[HOOK_NEWTASK].missed);
		return NULL;
	}
	b = table_lock(child);
	m = table_find(child);
	if (!m) {
		m = new;
		table_add(b, m, child, 0);
	}
	table_unlock(b);
	if (m != new)
		table_free_spare(new);
	return m;
}

/* Locks two buckets, which may be the same, in the order of their addresses. */
static void lock_both(struct bucket *a, struct bucket *b)
	__acquires(&a->lock)
	__acquires(&b->lock)
{
	spin_lock(&min(a, b)->lock);
	if (a != b)
		spin_lock_nested(&max(a, b)->lock, SINGLE_DEPTH_NESTING);
	else
		__acquire(&b->lock);
}

static void unlock_both(struct bucket *a, struct bucket *b)
	__releases(&a->lock)
	__releases(&b->lock)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
	else
		__release(&b->lock);
}

/*
 * Moves a new thread to the containers of its parent, which was moved while the thread was
 * unborn. fork_enter() clears @moved of the parent before it reads the parent's containers for
 * the child; a mover sets @moved after the move and then gathers the threads again. So either
 * the mover finds the child in the list of threads, or the child's fork sees the flag.
 */
static void fork_follow(struct task_struct *child, struct member *parent)
{
	struct container_move move = { .task = child, .why = CONTAINER_MOVE_FOLLOW };
	struct member *m = fork_late_member(child);
	struct container *cont;
	struct bucket *a, *b;
	int h;

	if (!m)
		return;
	a = table_bucket(current);
	b = table_bucket(child);
	lock_both(a, b);
	for (h = 1; h < MAX_CONTAINER_HIERARCHIES; h++) {
		cont = parent->in[h].cont;
		if (m->in[h].cont != cont && !test_bit(h, m->moved)) {
			move.to = cont ?: &hierarchies[h]->top;
			member_move(m, &move);
		}
	}
	unlock_both(a, b);
}

/* Tells the subsystems of a child that is complete. */
static void fork_tell(struct task_struct *child)
{
	struct bucket *b;
	struct member *m;

	m = calls_now()->all[0] ? fork_late_member(child) : table_find(child);
	if (!m)
		return;
	b = table_lock(child);
	member_born(m);
	table_unlock(b);
}

/*
 * Is there no subsystem to tell of the child? The child cannot exit meanwhile. If another task is
 * just having it adopted, fork_tell() is called in vain, which does no harm.
 */
static inline bool fork_is_told(struct task_struct *child)
{
	const struct calls *calls = calls_now();
	struct member *m;

	if (calls->fork[0])
		return false;
	if (!calls->all[0])
		return true;
	m = table_find(child);
	return m && READ_ONCE(m->known) >= calls->generation;
}

/* The rest of probe_newtask(), which few forks need. Enables preemption. */
static noinline void fork_finish(struct task_struct *child, struct member *parent)
{
	if (parent)
		fork_follow(child, parent);
	if (!fork_is_told(child))
		fork_tell(child);
	preempt_enable();
}

static void probe_newtask(void *data, struct task_struct *child,
			  COMPAT_CLONE_FLAGS clone_flags)
{
	struct member *parent = NULL;

	preempt_disable();
	if (clone_flags & CLONE_THREAD) {
		parent = table_find(current);
		if (parent) {
			/* the child is listed: pairs with the barrier in move_task() */
			smp_mb();
			/* lockless: a move that is not seen here finds the child in the list */
			if (data_race(bitmap_empty(parent->moved, MAX_CONTAINER_HIERARCHIES)))
				parent = NULL;
		}
	}
	if (parent || !fork_is_told(child))
		fork_finish(child, parent);
	else
		preempt_enable();
}

/*
 * For tasks with an entry, the hooks on birth and exit call a function out of line at their very
 * end, so that for other tasks they need not even save registers.
 *
 * The task has set PF_EXITING and taken locks since. On x86-64 that is the full barrier which
 * pairs with the one in member_ensure().
 */
static void notrace hook_exit(unsigned long ip, unsigned long parent_ip,
			      struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	struct task_struct *task = (void *)container_hook_arg(fregs, 0);
	struct bucket *b = table_bucket(task);
	struct member *m;

	preempt_disable();
	m = table_find_in(b, task);
	if (m)
		task_exit(b, task, m);
	else
		preempt_enable();
}

static void notrace hook_cancel_fork(unsigned long ip, unsigned long parent_ip,
				     struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	struct task_struct *child = (void *)container_hook_arg(fregs, 0);
	struct member *m;

	preempt_disable();
	m = table_find(child);
	if (m)
		fork_undo(child, m);
	preempt_enable();
}

/*
 * Armed in this order and disarmed in reverse, so that the fork hook, which adds entries, is only
 * armed while the hooks that remove them are.
 */
struct container_hook fork_hooks[FORK_HOOKS] = {
	[HOOK_CANCEL_FORK] = {
		.name = "cgroup_cancel_fork",
		.type = CONTAINER_HOOK_ENTRY,
		.handler = hook_cancel_fork,
	},
	[HOOK_EXIT] = {
		.name = "cgroup_exit",
		.alt = "cgroup_task_exit",
		.type = CONTAINER_HOOK_ENTRY,
		.handler = hook_exit,
	},
	[HOOK_NEWTASK] = {
		.name = "task_newtask",
		.type = CONTAINER_HOOK_TRACEPOINT,
		.handler = probe_newtask,
	},
	[HOOK_CAN_FORK] = {
		.name = "cgroup_can_fork",
		.type = CONTAINER_HOOK_OVERRIDE,
		.handler = hook_can_fork,
	},
};

static void member_drop(struct member *m)
{
	member_leave_all(m);
}

/**
 * membership_track - arm the hooks on fork and exit for one more user
 *
 * Context: lock on bindings held; sleeps.
 * Return: 0, or the errno of arming them.
 */
int membership_track(void)
{
	int err;

	lockdep_assert_held(&bind_mutex);
	if (!trackers) {
		err = container_hooks_arm(fork_hooks, ARRAY_SIZE(fork_hooks));
		if (err)
			return err;
	}
	trackers++;
	return 0;
}

/**
 * membership_untrack - disarm the hooks on fork and exit, if this was their last user
 *
 * Context: lock on bindings held; sleeps, as long as tasks stay in the hooks.
 */
void membership_untrack(void)
{
	lockdep_assert_held(&bind_mutex);
	if (--trackers)
		return;
	container_hooks_disarm(fork_hooks + HOOK_CAN_FORK, 1);
	container_hook_wait_callers(&fork_callers);
	container_hooks_disarm(fork_hooks, HOOK_CAN_FORK);
	table_flush(member_drop);
}
