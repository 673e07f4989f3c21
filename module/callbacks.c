// SPDX-License-Identifier: GPL-2.0
/*
 * Begins and ends calling a subsystem for tasks. A subsystem that is called for all tasks adopts
 * the tasks that exist already.
 *
 * Forks, exits and moves call the subsystems meanwhile, by the arrays that they find under RCU.
 */
#include <linux/sched/task.h>

#include "callbacks.h"

/* One is published. The other one has no readers any more, so it can be written. */
static struct calls versions[2];
struct calls __rcu *current_calls = RCU_INITIALIZER(&versions[0]);

/* The subsystems that are called. Under the lock on bindings. */
static DECLARE_BITMAP(called, MAX_CONTAINER_SUBSYS);
static unsigned long generation;

/* Does a subsystem have to know every task, so that every task needs an entry? */
static bool wants_all(const struct container_subsys *ss)
{
	return ss->scope != CONTAINER_MEMBERS && (ss->can_fork || ss->cancel_fork || ss->fork ||
						  ss->adopt || ss->exit || ss->exited);
}

/* Publishes new arrays. When it returns, no task uses the old ones. */
static void calls_publish(void)
{
	struct calls *old = rcu_dereference_protected(current_calls,
						      lockdep_is_held(&bind_mutex));
	struct calls *new = old == &versions[0] ? &versions[1] : &versions[0];
	int id, all = 0, can_fork = 0, fork = 0, exit = 0, exited = 0;
	struct container_subsys *ss;

	memset(new, 0, sizeof(*new));
	new->generation = generation;
	for_each_set_bit(id, called, MAX_CONTAINER_SUBSYS) {
		ss = subsystems[id];
		if (wants_all(ss))
			new->all[all++] = ss;
		if (ss->can_fork)
			new->can_fork[can_fork++] = ss;
		if (ss->fork)
			new->fork[fork++] = ss;
		if (ss->exit)
			new->exit[exit++] = ss;
		if (ss->exited)
			new->exited[exited++] = ss;
	}
	rcu_assign_pointer(current_calls, new);
	synchronize_rcu();
}

/**
 * member_uncharge - call cancel_fork() of the subsystems that have agreed, in reverse order
 * @m: the entry of a task that will not start
 * @calls: the arrays
 * @end: the subsystem that has refused, in @calls->can_fork; NULL if none has
 *
 * Context: atomic.
 */
void member_uncharge(struct member *m, const struct calls *calls,
		     struct container_subsys *const *end)
{
	struct container_subsys *const *p = end ?: calls->can_fork, *ss;
	struct container *cont;

	while (!end && *p)
		p++;
	while (p-- != calls->can_fork) {
		ss = *p;
		cont = container_for(m, ss);
		if (cont && ss->cancel_fork && ss->since <= m->charged)
			ss->cancel_fork(ss, cont, m->task, data_for(m, ss));
	}
	m->charged = 0;
}

/* Gives tasks an entry, by their numbers, and calls the subsystems that do not know them. */
static int adopt_numbers(void)
{
	struct task_struct *task;
	struct bucket *b;
	struct member *m;
	struct pid *pid;
	int err, nr;

	for (nr = 1; ; nr++) {
		rcu_read_lock();
		pid = next_pid(nr, &init_pid_ns);
		task = pid ? pid_task(pid, PIDTYPE_PID) : NULL;
		if (task)
			get_task_struct(task);
		if (pid)
			nr = pid_nr(pid);
		rcu_read_unlock();
		if (!pid)
			return 0;
		if (!task)
			continue;
		err = task->flags & PF_EXITING ? -ESRCH : member_ensure(task, GFP_KERNEL);
		if (!err) {
			b = table_lock(task);
			m = live_member(task);
			if (m)
				member_adopt(m);
			table_unlock(b);
		}
		put_task_struct(task);
		if (err == -ENOMEM)
			return err;
		cond_resched();
	}
}

/*
 * Adopts every task in the system that was not born under the new arrays. In execve() a thread
 * takes over the number of its process, and may be missed then; it does so once in its life, so it
 * keeps its number during one of two passes.
 */
static int adopt_all(void)
{
	return adopt_numbers() ?: adopt_numbers();
}

static void member_forget(struct member *m, void *arg)
{
	struct container_subsys *ss = arg;
	u64 *word = data_for(m, ss), *end = word + DIV_ROUND_UP(ss->task_size, sizeof(*word));

	/* word by word: the subsystem's hooks are still armed, and one may be reading a pointer */
	while (word < end)
		WRITE_ONCE(*word++, 0);
}

/**
 * membership_adopt - start calling a subsystem for forks and exits
 * @ss: the subsystem, in subsystems[] already; new, or newly bound
 *
 * Context: lock on bindings held; sleeps.
 * Return: 0, or an errno and nothing has changed.
 */
int membership_adopt(struct container_subsys *ss)
{
	int err;

	lockdep_assert_held(&bind_mutex);
	/* arm the hooks first: without them no exit would remove an entry */
	err = wants_all(ss) ? membership_track() : 0;
	if (err)
		return err;
	ss->since = ++generation;
	__set_bit(ss->subsys_id, called);
	/* a child that was born under the old arrays is visible by then: adopt_all() finds it */
	calls_publish();
	err = wants_all(ss) ? adopt_all() : 0;
	if (err)
		membership_forget(ss);
	return err;
}

/**
 * membership_forget - stop calling a subsystem
 * @ss: the subsystem, with no container below its root. One that is not being called is ignored
 *
 * When it returns, no callback is running, and no data of tasks is left.
 *
 * Context: lock on bindings held; sleeps.
 */
void membership_forget(struct container_subsys *ss)
{
	lockdep_assert_held(&bind_mutex);
	if (!__test_and_clear_bit(ss->subsys_id, called))
		return;
	calls_publish();
	table_for_each(member_forget, ss);
	if (wants_all(ss))
		membership_untrack();
}
