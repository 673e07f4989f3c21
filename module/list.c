// SPDX-License-Identifier: GPL-2.0
/*
 * The lists of members that are read from tasks and procs.
 *
 * Tasks fork, exit and move while a list is made: a task that is a member all the time is in it;
 * a task that joins or leaves meanwhile may be. A process whose threads replace each other, as in
 * execve() of a thread, is always found by one of them if the list is made in one portion. A root
 * has no list of its members: its tasks are found by their numbers, and a thread that takes over
 * its process's number meanwhile, in execve(), may be missed.
 */
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "membership.h"
#include "private.h"

/*
 * Visits the tasks of a namespace, up to WALK_PORTION of them, from the number *next on. Return:
 * false if that were all.
 */
static bool walk_tasks(struct pid_namespace *ns, int *next,
		       void (*fn)(struct task_struct *task, void *arg), void *arg)
{
	struct task_struct *task;
	struct pid *pid;
	int n;

	rcu_read_lock();
	for (n = 0; n < WALK_PORTION; n++) {
		pid = next_pid(*next, ns);
		if (!pid)
			break;
		*next = pid_nr_ns(pid, ns) + 1;
		task = pid_task(pid, PIDTYPE_PID);
		/* exit does not take a task out of a root: so leave out exiting ones */
		if (task && !(task->flags & PF_EXITING))
			fn(task, arg);
	}
	rcu_read_unlock();
	return n == WALK_PORTION;
}

static void count_task(struct task_struct *task, void *arg)
{
	++*(int *)arg;
}

/**
 * tasks_count - count the live tasks of the system
 *
 * Context: sleeps.
 */
int tasks_count(void)
{
	int next = 1, count = 0;

	while (walk_tasks(&init_pid_ns, &next, count_task, &count))
		cond_resched();
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
	struct container *cont;
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

static int list_members(struct listing *to)
{
	struct place mark = {};
	int err;

	do {
		cond_resched();
		err = numbers_reserve(to->l, to->l->count + WALK_PORTION);
	} while (!err && walk_on(to->cont, &mark, list_member, to));
	if (err)
		walk_end(to->cont, &mark);
	return err;
}

static void list_top_task(struct task_struct *task, void *arg)
{
	struct listing *to = arg;
	pid_t nr = visible_nr(task, to->ns, to->processes);

	if (nr && membership_of(task, to->cont->hierarchy) == to->cont)
		to->l->nr[to->l->count++] = nr;
}

/* Lists the tasks of a namespace that are at a root, which has no list of its members. */
static int list_top(struct listing *to)
{
	int next = 1, err;

	do {
		cond_resched();
		err = numbers_reserve(to->l, to->l->count + WALK_PORTION);
	} while (!err && walk_tasks(to->ns, &next, list_top_task, to));
	return err;
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
	struct numbers l = {};
	struct listing to = {
		.cont = cont,
		.ns = task_active_pid_ns(current),
		.processes = processes,
		.l = &l,
	};
	int err = container_is_top(cont) ? list_top(&to) : list_members(&to);

	if (err) {
		kvfree(l.nr);
		return err;
	}
	numbers_finish(&l);
	*list = l.nr;
	return l.count;
}
