// SPDX-License-Identifier: GPL-2.0
/*
 * kill_on_rmdir: kills the members of a container and of all its descendants, and waits until
 * they are gone.
 *
 * Members may fork and exit meanwhile. A removal counts itself as a killer of the container before
 * it lists the members under the container's lock, and forks in a container with killers fail: so
 * each child is either listed or refused. Nor can tasks be moved into such a container.
 */
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "core.h"
#include "private.h"
#include "table.h"

/**
 * populated_in - find a container with members in a tree
 * @top: the top of the tree
 *
 * Context: manage or callback lock held.
 * Return: such a container, or NULL.
 */
struct container *populated_in(struct container *top)
{
	struct container *pos;

	container_assert_stay();
	if (container_has_members(top))
		return top;
	for_each_descendant(pos, top)
		if (container_has_members(pos))
			return pos;
	return NULL;
}

/* Woken when a container that is being killed has lost its last member. */
static DECLARE_WAIT_QUEUE_HEAD(container_killed);

/*
 * Adds @n, 1 or -1, to the number of killers of each container in a subtree. No container is made
 * in it until the number is 0 again, so each one that is counted down was counted up before.
 */
static void add_killer(struct container *top, int n)
{
	struct container *pos;

	for (pos = top; pos; pos = container_next_descendant(pos, top))
		WRITE_ONCE(pos->killers, pos->killers + n);
}

static void check_victim(struct member *m, void *ok)
{
	if (same_thread_group(m->task, current) || (m->task->flags & PF_KTHREAD) ||
	    is_global_init(m->task))
		*(bool *)ok = false;
}

/* Can every member be killed without killing the caller? */
static bool may_kill(struct container *cont)
{
	bool ok = true;

	membership_walk(cont, check_victim, &ok);
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
 * Kills all members that are complete. An unborn thread must not get the signal: it is not in
 * its process's list of threads yet, so the signal would mark the process as dying and never
 * reach the other threads. Its fork fails, since the parent is killed, or completes it soon.
 * Return: true if there was an unborn member, which has to be checked again.
 */
static bool kill_all(struct container *cont)
{
	bool unborn = false;

	membership_walk(cont, kill_member, &unborn);
	return unborn;
}

/**
 * container_emptied - wake those who wait for a container that is being killed
 *
 * Called when such a container has lost its last member.
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
 * Forks in the container, moves into it and mkdir in it fail until it is removed or
 * container_kill_end() is called. Several callers may kill at once, in the same container or
 * in containers of which one is inside the other.
 *
 * Context: manage lock held, and dropped while waiting; the caller holds no lock that a
 * dying member may need.
 * Return: 0; -EBUSY if the caller is a member, or if a member cannot be killed: none was killed
 * then; call_interrupted(); -ENODEV if the container was removed meanwhile.
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

	add_killer(cont, 1);
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
			return call_interrupted();
		}
	}
	return 0;
}

/**
 * container_kill_end - let a container be used again after container_kill_members()
 * @cont: the container, whose removal has failed
 *
 * Retries each auto-delete that failed because the container was being killed, unless another
 * caller of container_kill_members() still kills there.
 *
 * Context: manage lock held.
 */
void container_kill_end(struct container *cont)
{
	struct container *pos;

	lockdep_assert_held(&manage_mutex);
	add_killer(cont, -1);
	for (pos = cont; pos; pos = container_next_descendant(pos, cont))
		if (!pos->killers)
			container_delete_again(pos);
}
