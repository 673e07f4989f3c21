// SPDX-License-Identifier: GPL-2.0
/*
 * Moves: writing tasks and procs, and what the kernel's own parts ask for. All who may
 * object are asked and all memory is there before the first task goes; then nothing can
 * fail.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "membership.h"

/* Moves a task that has an entry, unless it has begun to exit. */
static int move_task(struct task_struct *task, struct container *to)
{
	struct bucket *b = table_lock(task);
	struct member *m = live_member(task);

	if (m) {
		member_move(m, to);
		/* not before it is there: see fork_follow() */
		smp_wmb();
		WRITE_ONCE(m->moved, true);
	}
	table_unlock(b);
	/* the mark is set: look for threads again only after this */
	smp_mb();
	return m ? 0 : -ESRCH;
}

/* May whoever opened the file move this task? The rule of V6. */
static bool may_move(const struct cred *cred, struct task_struct *task)
{
	const struct cred *tcred;
	bool ok;

	if (uid_eq(cred->euid, GLOBAL_ROOT_UID))
		return true;
	rcu_read_lock();
	tcred = __task_cred(task);
	ok = uid_eq(cred->euid, tcred->uid) || uid_eq(cred->euid, tcred->suid);
	rcu_read_unlock();
	return ok;
}

/* A move: the tasks that are to go, each with a reference, and where it was. */
struct move {
	int count;
	struct {
		struct task_struct *task;
		struct container *from;
	} tasks[];
};

static void move_free(struct move *mv)
{
	int i;

	for (i = 0; i < mv->count; i++)
		put_task_struct(mv->tasks[i].task);
	kvfree(mv);
}

/* The threads of a process that are not in a container and not exiting. */
static struct move *move_gather(struct task_struct *task, struct container *to, gfp_t gfp)
{
	struct signal_struct *sig;
	struct task_struct *t;
	struct move *mv;
	int room;

	for (room = 16; ; room *= 2) {
		mv = kvmalloc(struct_size(mv, tasks, room), gfp);
		if (!mv)
			return ERR_PTR(-ENOMEM);
		mv->count = 0;
		rcu_read_lock();
		/* NULL once the task is reaped; our reference keeps the structure */
		sig = READ_ONCE(task->signal);
		if (!sig) {
			rcu_read_unlock();
			return mv;
		}
		__for_each_thread(sig, t) {
			if ((t->flags & PF_EXITING) || membership_of(t, to->hierarchy) == to)
				continue;
			if (mv->count == room)
				break;
			get_task_struct(t);
			mv->tasks[mv->count++].task = t;
		}
		rcu_read_unlock();
		if (mv->count < room)
			return mv;
		move_free(mv);
	}
}

/* What a move is; who is asked about it. */
enum move_kind {
	MOVE,
	MOVE_CLONE,
	MOVE_EVICT,	/* nobody: it has to be */
};

/* Asks all who may object; they prepare for the move, too. */
static int move_ask(struct move *mv, struct container *to, enum move_kind kind)
{
	int (*ask)(struct container_subsys *ss, struct container *cont, struct task_struct *tsk);
	struct hierarchy *h = container_hierarchy(to);
	struct container_subsys *ss;
	int i, id, err;

	for (i = 0; i < mv->count; i++)
		for_each_bound_subsys(h, id, ss) {
			ask = kind == MOVE_CLONE ? ss->can_clone : ss->can_attach;
			err = ask ? callback_errno(ask(ss, to, mv->tasks[i].task), ss->name) : 0;
			if (err && (err == -ENOMEM || kind != MOVE_EVICT))
				return err;
		}
	return 0;
}

/* Gets what the move needs, so that it cannot fail. */
static int move_prepare(struct move *mv, gfp_t gfp)
{
	int i;

	for (i = 0; i < mv->count; i++)
		if (member_ensure(mv->tasks[i].task, gfp) == -ENOMEM)
			return -ENOMEM;
	return 0;
}

/* Moves them. Those that exit meanwhile are left out; says how many went. */
static int move_go(struct move *mv, struct container *to)
{
	struct hierarchy *h = container_hierarchy(to);
	struct container_subsys *ss;
	int i, id, gone = 0;

	for (i = 0; i < mv->count; i++) {
		rcu_read_lock();
		mv->tasks[i].from = membership_of(mv->tasks[i].task, to->hierarchy);
		rcu_read_unlock();
		if (move_task(mv->tasks[i].task, to))
			mv->tasks[i].from = NULL;
		else
			gone++;
	}
	for (i = 0; i < mv->count; i++)
		for_each_bound_subsys(h, id, ss)
			if (ss->post_attach && mv->tasks[i].from)
				ss->post_attach(ss, to, mv->tasks[i].from, mv->tasks[i].task);
	return gone;
}

/* Prepares the move of one task, so that only its exit can be in the way. */
static struct move *move_begin(struct container *to, struct task_struct *task,
			       enum move_kind kind)
{
	struct move *mv = kmalloc(struct_size(mv, tasks, 1), GFP_KERNEL);
	int err;

	if (!mv)
		return ERR_PTR(-ENOMEM);
	mv->count = 1;
	mv->tasks[0].task = get_task_struct(task);
	err = move_ask(mv, to, kind);
	if (!err)
		err = move_prepare(mv, GFP_KERNEL);
	if (err) {
		move_free(mv);
		return ERR_PTR(err);
	}
	return mv;
}

/**
 * container_enter_prepare - prepare the current task's move into a new container
 * @to: a child of the container it is in. May not be linked yet
 *
 * The task needs no right to do so.
 *
 * Context: manage lock held until container_enter(); sleeps.
 * Return: for container_enter(); or -ENOMEM, or what a subsystem's can_clone()
 * says, and nothing has changed.
 */
struct move *container_enter_prepare(struct container *to)
{
	lockdep_assert_held(&manage_mutex);
	return move_begin(to, current, MOVE_CLONE);
}

/**
 * container_enter - move the current task, which cannot fail any more
 * @mv: what container_enter_prepare() returned; freed
 * @to: the container, linked
 *
 * Context: manage lock held; sleeps.
 */
void container_enter(struct move *mv, struct container *to)
{
	move_go(mv, to);
	move_free(mv);
}

static int move_one(struct container *to, struct task_struct *task, enum move_kind kind)
{
	struct move *mv;
	int gone;

	if (task_is_in(task, to))
		return 0;
	mv = move_begin(to, task, kind);
	if (IS_ERR(mv))
		return PTR_ERR(mv);
	gone = move_go(mv, to);
	move_free(mv);
	return gone ? 0 : -ESRCH;
}

/**
 * container_attach_task - move a task
 * @to: where; not removed
 * @task: the task, with a reference of the caller's
 * @cred: whose right it is to do so
 *
 * Context: manage lock held; sleeps.
 * Return: 0; -ESRCH if it is exiting, -EACCES, -ENOMEM, -ENODEV if @to is removed,
 * -EINVAL without the lock, or what a subsystem's can_attach() says. On failure nothing
 * has changed.
 */
int container_attach_task(struct container *to, struct task_struct *task,
			  const struct cred *cred)
{
	if (!manage_lock_is_mine()) {
		pr_err("container_attach_task() was called without the manage lock\n");
		return -EINVAL;
	}
	if (container_is_removed(to))
		return -ENODEV;
	if (task->flags & PF_EXITING)
		return -ESRCH;
	if (!may_move(cred, task))
		return -EACCES;
	return move_one(to, task, MOVE);
}
EXPORT_SYMBOL_GPL(container_attach_task);

/**
 * container_evict_task - move a task out of a container in which it cannot stay
 * @to: where; not removed
 * @task: the task, with a reference of the caller's
 *
 * For the kernel itself: whatever the subsystems say to it, and whoever is current.
 *
 * Context: manage lock held; sleeps.
 * Return: 0; -ESRCH if it is exiting, -ENOMEM, -EINVAL without the lock, and nothing has
 * changed.
 */
int container_evict_task(struct container *to, struct task_struct *task)
{
	if (!manage_lock_is_mine()) {
		pr_err("container_evict_task() was called without the manage lock\n");
		return -EINVAL;
	}
	return task->flags & PF_EXITING ? -ESRCH : move_one(to, task, MOVE_EVICT);
}
EXPORT_SYMBOL_GPL(container_evict_task);

/**
 * container_attach_process - move all threads of a process
 * @to: where; not removed
 * @task: any of its threads, with a reference of the caller's
 * @cred: whose right it is to do so
 *
 * All or none: a thread that is born meanwhile is found by another look, or
 * follows its parent (see the top of this file).
 *
 * Context: manage lock held; sleeps.
 * Return: as container_attach_task(), for the first thread that is refused.
 */
int container_attach_process(struct container *to, struct task_struct *task,
			     const struct cred *cred)
{
	struct signal_struct *sig;
	struct task_struct *t;
	struct move *mv;
	int err = -ESRCH, gone;

	lockdep_assert_held(&manage_mutex);
	rcu_read_lock();
	sig = READ_ONCE(task->signal);
	if (sig)
		__for_each_thread(sig, t) {
			if (t->flags & PF_EXITING)
				continue;
			err = may_move(cred, t) ? 0 : -EACCES;
			if (err)
				break;
		}
	rcu_read_unlock();

	if (err)
		return err;

	mv = move_gather(task, to, GFP_KERNEL);
	if (IS_ERR(mv))
		return PTR_ERR(mv);
	err = move_ask(mv, to, MOVE);
	if (!err)
		err = move_prepare(mv, GFP_KERNEL);
	gone = err ? 0 : move_go(mv, to);
	move_free(mv);

	/* threads that are new since belong to a process that has moved: no way back */
	while (gone) {
		mv = move_gather(task, to, GFP_KERNEL | __GFP_NOFAIL);
		move_prepare(mv, GFP_KERNEL | __GFP_NOFAIL);
		gone = move_go(mv, to);
		move_free(mv);
	}
	return err;
}
