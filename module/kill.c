// SPDX-License-Identifier: GPL-2.0
/*
 * kill_on_rmdir: the members of a container, and of all below it, are killed and waited for.
 */
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "core.h"
#include "table.h"

/* Woken when a container that is being killed has lost its last member. */
static DECLARE_WAIT_QUEUE_HEAD(container_killed);

static void set_killing(struct container *top)
{
	struct container *pos;

	for (pos = top; pos; pos = container_next_descendant(pos, top))
		set_bit(CONT_KILLING, &pos->flags);
}

static void look_at_victim(struct member *m, void *ok)
{
	if (same_thread_group(m->task, current) || (m->task->flags & PF_KTHREAD) ||
	    is_global_init(m->task))
		*(bool *)ok = false;
}

/* Can every member die, and is none of them us? */
static bool may_kill(struct container *cont)
{
	bool ok = true;

	membership_walk(cont, look_at_victim, &ok);
	return ok;
}

static void kill_member(struct member *m, void *unborn)
{
	if (task_is_born(m->task))
		send_sig(SIGKILL, m->task, 1);
	else
		*(bool *)unborn = true;
}

/*
 * Kills all members but the unborn: a signal to a thread that its process does not list
 * yet marks the process as dying and reaches nobody else, ever. Such a fork fails as its
 * parent is killed, or was just too late for that.
 * Return: were there any? Then they have to be looked at again.
 */
static bool kill_all(struct container *cont)
{
	bool unborn = false;

	membership_walk(cont, kill_member, &unborn);
	return unborn;
}

/**
 * container_emptied - a container that is being killed has lost its last member
 *
 * Context: any.
 */
void container_emptied(void)
{
	wake_up_all(&container_killed);
}

/**
 * container_kill_members - kill all tasks in a container and below, and wait
 * @cont: the container
 *
 * From here on nobody forks in it, moves into it or makes a directory in it,
 * until it is removed or container_kill_end() is called.
 *
 * Context: manage lock held, and given up while waiting; no lock that a dying
 * member may need may be held.
 * Return: 0; -EBUSY if the caller is among the members or one of them cannot be
 * killed, and none was; -EINTR; -ENODEV if it was removed meanwhile.
 */
int container_kill_members(struct container *cont)
{
	struct container *pos;
	bool unborn;
	long left;

	lockdep_assert_held(&manage_mutex);
	if (container_is_removed(cont))
		return -ENODEV;
	for (pos = cont; pos; pos = container_next_descendant(pos, cont))
		if (!may_kill(pos))
			return -EBUSY;

	set_killing(cont);
	while (populated_in(cont)) {
		unborn = false;
		for (pos = cont; pos; pos = container_next_descendant(pos, cont))
			unborn |= kill_all(pos);
		pos = populated_in(cont);
		if (!pos)
			break;
		container_get(pos);
		container_manage_unlock();
		left = wait_event_interruptible_timeout(container_killed,
							!container_has_members(pos),
							unborn ? 1 : MAX_SCHEDULE_TIMEOUT);
		container_put(pos);
		container_manage_lock();
		if (container_is_removed(cont))
			return -ENODEV;
		if (left < 0) {
			container_kill_end(cont);
			return -EINTR;
		}
	}
	return 0;
}

/**
 * container_kill_end - the removal after container_kill_members() failed
 * @cont: the container
 *
 * What would have removed itself meanwhile does so now.
 *
 * Context: manage lock held.
 */
void container_kill_end(struct container *cont)
{
	struct container *pos;

	lockdep_assert_held(&manage_mutex);
	for (pos = cont; pos; pos = container_next_descendant(pos, cont)) {
		clear_bit(CONT_KILLING, &pos->flags);
		container_delete_again(pos);
	}
}
