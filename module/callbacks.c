// SPDX-License-Identifier: GPL-2.0
/*
 * Which subsystems are called for the tasks of the system, from when on and until when. A
 * subsystem that wants to know of every task has each made known to it at the beginning.
 */
#include <linux/sched/task.h>

#include "callbacks.h"

struct calls calls;

static bool wants_all(const struct container_subsys *ss)
{
	return ss->scope != CONTAINER_MEMBERS && (ss->can_fork || ss->cancel_fork || ss->fork ||
						  ss->adopt || ss->exit || ss->exited);
}

static void calls_set(struct container_subsys *ss, bool on)
{
	int id = ss->subsys_id;
	bool all = wants_all(ss);

	/* what it is like, before anybody may be asked: a hook looks in the other order */
	assign_bit(id, calls.some, ss->scope == CONTAINER_MEMBERS);
	assign_bit(id, calls.asked, ss->adopt && !ss->fork);
	/* whose birth is told, his exit has to be */
	assign_bit(id, calls.exited, on && ss->exited && all);
	assign_bit(id, calls.exit, on && ss->exit);
	assign_bit(id, calls.can_fork, on && ss->can_fork);
	assign_bit(id, calls.fork, on && (ss->fork || all));
	assign_bit(id, calls.all, on && all);
}

/* Gives every task in the system an entry and tells the subsystems of it. */
static int adopt_all(void)
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
				member_tell(m);
			table_unlock(b);
		}
		put_task_struct(task);
		if (err == -ENOMEM)
			return err;
		cond_resched();
	}
}

static void member_forget(struct member *m, void *arg)
{
	struct container_subsys *ss = arg;

	clear_bit(ss->subsys_id, m->known);
	clear_bit(ss->subsys_id, m->asked);
	memset(data_for(m, ss), 0, ss->task_size);
}

/**
 * membership_adopt - start calling a subsystem for forks and exits
 * @ss: the subsystem, in its place in subsystems[]; new, or newly bound
 *
 * Context: manage lock held; sleeps.
 * Return: 0, or an errno after which it is as if nothing had been done.
 */
int membership_adopt(struct container_subsys *ss)
{
	int err;

	if (!wants_all(ss)) {
		calls_set(ss, true);
		return 0;
	}
	/* the hooks first: no entry may be made before exits are seen */
	err = membership_track();
	if (err)
		return err;
	calls_set(ss, true);
	/* pairs with a fork's: it shows the child, then looks whom to tell */
	smp_mb();
	err = adopt_all();
	if (err)
		membership_forget(ss);
	return err;
}

/**
 * membership_forget - stop calling a subsystem
 * @ss: the subsystem, with no container below its root. Need not have been
 *	adopted, or not for long.
 *
 * When it returns no callback is running. Its mark is off every entry.
 *
 * Context: manage lock held; sleeps.
 */
void membership_forget(struct container_subsys *ss)
{
	bool all = test_bit(ss->subsys_id, calls.all);

	calls_set(ss, false);
	synchronize_rcu();
	table_for_each(member_forget, ss);
	if (all)
		membership_untrack();
}
