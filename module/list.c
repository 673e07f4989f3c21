// SPDX-License-Identifier: GPL-2.0
/*
 * The lists of members that are read from tasks and procs.
 *
 * Tasks fork, exit and move while a list is made: a task that is a member all the time is in it;
 * a task that joins or leaves meanwhile may be.
 */
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "membership.h"
#include "private.h"

/**
 * membership_count - count the live tasks in a container
 * @cont: the container
 *
 * Context: manage or callback lock held. For a root it walks over all tasks.
 */
int membership_count(struct container *cont)
{
	struct task_struct *p, *t;
	int count = 0;

	container_assert_stay();
	if (!container_is_top(cont))
		return READ_ONCE(cont->nr_members);
	rcu_read_lock();
	for_each_process_thread(p, t)
		if (!(t->flags & PF_EXITING) && membership_of(t, cont->hierarchy) == cont)
			count++;
	rcu_read_unlock();
	return count;
}

/* The number of a task or its process in a namespace; 0 if it has none there or is unborn. */
static pid_t visible_nr(struct task_struct *task, struct pid_namespace *ns, bool processes)
{
	if (!task_is_born(task))
		return 0;
	return processes ? task_tgid_nr_ns(task, ns) :
			   pid_nr_ns(READ_ONCE(task->thread_pid), ns);
}

/* A growing array of numbers. */
struct numbers {
	pid_t *nr;
	int count, room;
};

static int numbers_reserve(struct numbers *l, int room)
{
	pid_t *nr;

	if (room <= l->room)
		return 0;
	room = max(room, l->room * 2);
	/* charged to the user, who can have many lists open */
	nr = kvmalloc_array(room, sizeof(*nr), GFP_KERNEL_ACCOUNT);
	if (!nr)
		return -ENOMEM;
	memcpy(nr, l->nr, l->count * sizeof(*nr));
	kvfree(l->nr);
	l->nr = nr;
	l->room = room;
	return 0;
}

static int compare_nr(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

/* Are the numbers in strict order, ascending with a @sign of 1, descending with -1? */
static bool numbers_ordered(const struct numbers *l, int sign)
{
	int i;

	for (i = 1; i < l->count; i++)
		if ((l->nr[i] - l->nr[i - 1]) * sign <= 0)
			return false;
	return true;
}

/*
 * Sorts the numbers and removes duplicates. Most lists need only be reversed, since the youngest
 * member comes first.
 */
static void numbers_finish(struct numbers *l)
{
	int i, n = 0;

	if (numbers_ordered(l, 1))
		return;
	if (numbers_ordered(l, -1)) {
		for (; n < l->count / 2; n++)
			swap(l->nr[n], l->nr[l->count - 1 - n]);
		return;
	}
	sort(l->nr, l->count, sizeof(*l->nr), compare_nr, NULL);
	for (i = 0; i < l->count; i++)
		if (!n || l->nr[i] != l->nr[n - 1])
			l->nr[n++] = l->nr[i];
	l->count = n;
}

struct listing {
	struct pid_namespace *ns;
	bool processes;
	struct numbers *l;
};

static void list_member(struct member *m, void *arg)
{
	struct listing *to = arg;
	pid_t nr = visible_nr(m->task, to->ns, to->processes);

	if (nr)
		to->l->nr[to->l->count++] = nr;
}

static int list_members(struct container *cont, struct pid_namespace *ns, bool processes,
			struct numbers *l)
{
	struct listing to = { .ns = ns, .processes = processes, .l = l };
	struct place mark;
	int err;

	walk_begin(cont, &mark);
	do {
		cond_resched();
		err = numbers_reserve(l, l->count + WALK_PORTION);
	} while (!err && walk_on(cont, &mark, list_member, &to));
	if (err)
		walk_end(cont, &mark);
	return err;
}

/* Lists the tasks of a namespace that are at a root, which has no list of its members. */
static int list_top(struct container *cont, struct pid_namespace *ns, bool processes,
		    struct numbers *l)
{
	struct task_struct *task;
	struct pid *pid;
	int next = 1, n, err;
	pid_t nr;

	do {
		err = numbers_reserve(l, l->count + WALK_PORTION);
		if (err)
			return err;
		cond_resched();
		rcu_read_lock();
		for (n = 0; n < WALK_PORTION; n++) {
			pid = next_pid(next, ns);
			if (!pid)
				break;
			next = pid_nr_ns(pid, ns) + 1;
			task = pid_task(pid, PIDTYPE_PID);
			/* exit does not take a task out of a root: so leave out exiting ones */
			if (!task || (task->flags & PF_EXITING))
				continue;
			nr = visible_nr(task, ns, processes);
			if (nr && membership_of(task, cont->hierarchy) == cont)
				l->nr[l->count++] = nr;
		}
		rcu_read_unlock();
	} while (n == WALK_PORTION);
	return 0;
}

/**
 * membership_list - list the members of a container in ascending order
 * @cont: the container
 * @processes: list processes instead of threads, each once
 * @list: set to the array; the caller frees it with kvfree()
 *
 * The list has the numbers in the caller's pid namespace, and leaves out tasks without one.
 * Locks are held for a few hundred members at a time.
 *
 * Context: sleeps; the caller keeps the memory of @cont.
 * Return: the length of the list, or -ENOMEM.
 */
int membership_list(struct container *cont, bool processes, pid_t **list)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	struct numbers l = {};
	int err;

	if (container_is_top(cont))
		err = list_top(cont, ns, processes, &l);
	else
		err = list_members(cont, ns, processes, &l);
	if (err) {
		kvfree(l.nr);
		return err;
	}
	numbers_finish(&l);
	*list = l.nr;
	return l.count;
}
