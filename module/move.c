// SPDX-License-Identifier: GPL-2.0
/*
 * Moves of tasks: by writes to tasks and procs, by container_clone() and by subsystems. All
 * subsystems are asked and all memory is allocated before the first task moves. After that, only
 * the exit of its task can prevent a move.
 *
 * The manage lock serializes moves. Tasks fork and exit meanwhile: see the top of membership.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "membership.h"
#include "private.h"

/*
 * A process that goes on making threads while it is moved: its threads make no more of them until
 * it has moved as a whole, so it cannot keep its mover busy. NULL if there is none. Written under
 * the manage lock. A fork that does not see it makes one thread more, which is moved like others.
 */
struct signal_struct *moving;
static DECLARE_WAIT_QUEUE_HEAD(moving_wait);

/**
 * move_wait - wait until the process of a new thread has moved
 * @child: the new thread, for which nothing has been done yet
 *
 * Context: sleeps, with no lock of the project held. The kernel makes threads with mutexes of its
 * own held (io_uring, vhost), none of which a mover takes.
 * Return: 0, or an errno if the current task is being killed.
 */
int move_wait(struct task_struct *child)
{
	return wait_event_killable(moving_wait, READ_ONCE(moving) != child->signal);
}

/* Moves a task that has an entry, unless it has begun to exit. */
static int move_task(struct container_move *move)
{
	struct bucket *b = table_lock(move->task);
	struct member *m = live_member(move->task);

	if (m) {
		member_move(m, move);
		/* after the move: see fork_follow() */
		smp_wmb();
		set_bit(move->to->hierarchy, m->moved);
	}
	table_unlock(b);
	/* @moved is set before threads are gathered again: see fork_follow() */
	smp_mb();
	return m ? 0 : -ESRCH;
}

/* Root may move every task; others, those that have their effective uid as real or saved uid. */
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

/* Tasks that move together, each with a reference. */
struct moves {
	struct container *to;
	int count;
	struct one_move {
		struct container_move move;
		int asked;	/* subsystems with lower ids were asked */
		bool gone;	/* the task has moved */
		void *data[MAX_CONTAINER_SUBSYS];
	} tasks[];
};

/* Allocates room for the moves of @room tasks. */
static struct moves *moves_alloc(struct container *to, int room, gfp_t gfp)
{
	struct moves *mv = kvmalloc(struct_size(mv, tasks, room), gfp);

	if (mv) {
		mv->to = to;
		mv->count = 0;
	}
	return mv;
}

static void moves_add(struct moves *mv, struct task_struct *task,
		      enum container_move_reason why)
{
	struct one_move *one = &mv->tasks[mv->count++];

	*one = (struct one_move) {
		.move = {
			.task = get_task_struct(task),
			.to = mv->to,
			.why = why,
			.data = one->data,
		},
	};
}

/* Does a subsystem want to be asked about a move? */
static bool is_asked(const struct container_subsys *ss, const struct container_move *move)
{
	return move->why == CONTAINER_MOVE_CLONE ? ss->can_clone : ss->can_attach;
}

/* Calls cancel_attach() of the subsystems that were asked: the task does not move. */
static void move_cancel(struct one_move *one)
{
	struct container_move *move = &one->move;
	struct container_subsys *ss;
	int id;

	for_each_bound_subsys(container_hierarchy(move->to), id, ss)
		if (id < one->asked && ss->cancel_attach && is_asked(ss, move))
			ss->cancel_attach(ss, move);
}

static void moves_free(struct moves *mv)
{
	struct one_move *one;

	for (one = mv->tasks; one < mv->tasks + mv->count; one++) {
		if (!one->gone)
			move_cancel(one);
		put_task_struct(one->move.task);
	}
	kvfree(mv);
}

/*
 * Gathers the threads of a process that are neither in the container already nor exiting. With
 * __GFP_NOFAIL it may be a part of them, if there is no memory for all: the caller comes again.
 * Only the smallest allocation gets that flag, since before 5.17 larger ones warn of it.
 */
static struct moves *moves_gather(struct task_struct *task, struct container *to,
				  enum container_move_reason why, gfp_t gfp)
{
	struct task_struct *t;
	bool part = false;
	struct moves *mv;
	int room;

	for (room = 16; ; room *= 2) {
		mv = moves_alloc(to, room, room == 16 ? gfp : gfp & ~__GFP_NOFAIL);
		if (!mv && !(gfp & __GFP_NOFAIL))
			return ERR_PTR(-ENOMEM);
		if (!mv) {
			part = true;
			room = 8;
			continue;
		}
		rcu_read_lock();
		for_each_thread(task, t) {
			if ((t->flags & PF_EXITING) || membership_of(t, to->hierarchy) == to)
				continue;
			if (mv->count == room)
				break;
			moves_add(mv, t, why);
		}
		rcu_read_unlock();
		if (mv->count < room || part)
			return mv;
		moves_free(mv);
	}
}

/* Asks the subsystems about the move of a task, and lets them prepare for it. */
static int move_ask(struct one_move *one)
{
	struct container_move *move = &one->move;
	struct container_subsys *ss;
	int id, err;

	rcu_read_lock();
	move->from = membership_of(move->task, move->to->hierarchy);
	rcu_read_unlock();
	for_each_bound_subsys(container_hierarchy(move->to), id, ss) {
		if (!is_asked(ss, move))
			continue;
		one->asked = id + 1;
		err = move->why == CONTAINER_MOVE_CLONE ? ss->can_clone(ss, move) :
							  ss->can_attach(ss, move);
		err = callback_errno(err, ss->name);
		if (err && (err == -ENOMEM || move->why != CONTAINER_MOVE_EVICT))
			return err;
	}
	return 0;
}

static int moves_ask(struct moves *mv)
{
	int i, err = 0;

	for (i = 0; i < mv->count && !err; i++)
		err = move_ask(&mv->tasks[i]);
	return err;
}

/* Allocates what the moves need, so that they cannot fail. */
static int moves_prepare(struct moves *mv, gfp_t gfp)
{
	int i;

	for (i = 0; i < mv->count; i++)
		if (member_ensure(mv->tasks[i].move.task, gfp) == -ENOMEM)
			return -ENOMEM;
	return 0;
}

/* Moves the tasks that have not begun to exit. Return: how many. */
static int moves_go(struct moves *mv)
{
	struct container_subsys *ss;
	struct one_move *one;
	int id, gone = 0;

	for (one = mv->tasks; one < mv->tasks + mv->count; one++) {
		if (move_task(&one->move))
			continue;
		gone++;
		/* a thread that has followed its parent was in the container already */
		one->gone = one->move.from != one->move.to;
	}
	for (one = mv->tasks; one < mv->tasks + mv->count; one++)
		for_each_bound_subsys(container_hierarchy(mv->to), id, ss)
			if (one->gone && ss->post_attach)
				ss->post_attach(ss, &one->move);
	return gone;
}

/* Prepares the move of one task. After that only its exit prevents the move. */
static struct moves *moves_begin(struct container *to, struct task_struct *task,
				 enum container_move_reason why)
{
	struct moves *mv = moves_alloc(to, 1, GFP_KERNEL);
	int err;

	if (!mv)
		return ERR_PTR(-ENOMEM);
	moves_add(mv, task, why);
	err = moves_ask(mv) ?: moves_prepare(mv, GFP_KERNEL);
	if (err) {
		moves_free(mv);
		return ERR_PTR(err);
	}
	return mv;
}

/**
 * container_enter_prepare - prepare the current task's move into a new container
 * @to: a child of its container; need not be linked yet
 *
 * No permission is checked.
 *
 * Context: manage lock held until container_enter(); sleeps.
 * Return: the argument for container_enter(); or -ENOMEM, or the errno of a subsystem's
 * can_clone(), and nothing has changed.
 */
struct moves *container_enter_prepare(struct container *to)
{
	lockdep_assert_held(&manage_mutex);
	return moves_begin(to, current, CONTAINER_MOVE_CLONE);
}

/**
 * container_enter - make the move of container_enter_prepare(), which cannot fail
 * @mv: the move, to a container that is linked now; freed
 *
 * Context: manage lock held; sleeps.
 */
void container_enter(struct moves *mv)
{
	lockdep_assert_held(&manage_mutex);
	moves_go(mv);
	moves_free(mv);
}

static int move_one(struct container *to, struct task_struct *task,
		    enum container_move_reason why)
{
	struct moves *mv;
	int gone;

	if (task_is_in(task, to))
		return 0;
	mv = moves_begin(to, task, why);
	if (IS_ERR(mv))
		return PTR_ERR(mv);
	gone = moves_go(mv);
	moves_free(mv);
	return gone ? 0 : -ESRCH;
}

/**
 * container_attach_task - move a task
 * @to: the new container
 * @task: the task, to which the caller has a reference
 * @cred: the credentials that have to allow the move
 *
 * Context: manage lock held; sleeps.
 * Return: 0; -ESRCH if the task is exiting, -EACCES if @cred does not allow the move, -ENOMEM,
 * -ENODEV if @to is removed, -EINVAL without the lock, or the errno of a subsystem's
 * can_attach(). On failure nothing has changed.
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
	return move_one(to, task, CONTAINER_MOVE_ATTACH);
}
EXPORT_SYMBOL_GPL(container_attach_task);

/**
 * container_evict_task - move a task out of a container in which it cannot stay
 * @to: the new container, which is not removed
 * @task: the task, to which the caller has a reference
 *
 * Neither permissions nor refusals of subsystems prevent it.
 *
 * Context: manage lock held; sleeps.
 * Return: 0; -ESRCH if the task is exiting, -ENOMEM, -EINVAL without the lock. On failure nothing
 * has changed.
 */
int container_evict_task(struct container *to, struct task_struct *task)
{
	if (!manage_lock_is_mine()) {
		pr_err("container_evict_task() was called without the manage lock\n");
		return -EINVAL;
	}
	return task->flags & PF_EXITING ? -ESRCH : move_one(to, task, CONTAINER_MOVE_EVICT);
}
EXPORT_SYMBOL_GPL(container_evict_task);

static bool has_live_thread(struct task_struct *task)
{
	struct task_struct *t;
	bool live = false;

	rcu_read_lock();
	for_each_thread(task, t)
		live |= !(t->flags & PF_EXITING);
	rcu_read_unlock();
	return live;
}

/**
 * container_attach_process - move all threads of a process
 * @to: the new container, which is not removed
 * @task: any of the threads, to which the caller has a reference
 * @cred: the credentials that have to allow the moves
 *
 * All threads move or none. A thread that is born meanwhile is gathered in another round, or
 * follows its parent (see the top of membership.c). From the third round on no more are made.
 *
 * Context: manage lock held; sleeps.
 * Return: as container_attach_task(), for the first thread that is refused.
 */
int container_attach_process(struct container *to, struct task_struct *task,
			     const struct cred *cred)
{
	struct task_struct *t;
	struct moves *mv;
	int err = -ESRCH, count, gone = 0;

	lockdep_assert_held(&manage_mutex);
	rcu_read_lock();
	for_each_thread(task, t) {
		if (t->flags & PF_EXITING)
			continue;
		err = may_move(cred, t) ? 0 : -EACCES;
		if (err)
			break;
	}
	rcu_read_unlock();
	if (err)
		return err;

	do {
		mv = moves_gather(task, to, CONTAINER_MOVE_ATTACH, GFP_KERNEL);
		if (IS_ERR(mv)) {
			err = PTR_ERR(mv);
			break;
		}
		count = mv->count;
		err = moves_ask(mv) ?: moves_prepare(mv, GFP_KERNEL);
		gone = err ? 0 : moves_go(mv);
		moves_free(mv);
		/* all have begun to exit, and may have made others before, which make no more */
		if (count && !gone && !err)
			WRITE_ONCE(moving, task->signal);
	} while (count && !gone && !err);
	if (!err && !gone && !has_live_thread(task))
		err = -ESRCH;

	/*
	 * Threads that were born meanwhile have to follow the process, which has moved. So the
	 * subsystems are asked only to let them prepare. If can_attach() has no memory, attach()
	 * has to do without it.
	 */
	while (gone) {
		mv = moves_gather(task, to, CONTAINER_MOVE_EVICT, GFP_KERNEL | __GFP_NOFAIL);
		moves_ask(mv);
		moves_prepare(mv, GFP_KERNEL | __GFP_NOFAIL);
		moves_go(mv);
		/* those that do not move are exiting, and are not gathered again */
		gone = mv->count;
		moves_free(mv);
		if (gone)
			WRITE_ONCE(moving, task->signal);
	}
	if (moving) {
		WRITE_ONCE(moving, NULL);
		wake_up_all(&moving_wait);
	}
	return err;
}
