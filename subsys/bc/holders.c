// SPDX-License-Identifier: GPL-2.0
/*
 * bc.numfiles.holders: which processes have descriptors of the files that are charged to a
 * container.
 *
 * The tables of all tasks are searched, in portions. Meanwhile tasks come and go, and open and
 * close files: what is printed was true for each portion when it was read.
 */
#include <linux/capability.h>
#include <linux/fdtable.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "bc.h"
#include "container_hook.h"
#include "private.h"

/* find_ge_pid(), which not all kernels export. numfiles.c looks for it. */
void *holders_find_pid_fn;
CONTAINER_KERNEL_FN(struct pid *, call_find_pid, int nr, struct pid_namespace *ns);

/* The number of descriptors that are read before the locks of a table are dropped. */
#define HOLDERS_PORTION 128

/**
 * struct holdings - counts the descriptors of a task
 * @counter: the counter of the container
 * @next: the descriptor where the next portion begins
 * @left: how many descriptors are left of this portion
 * @found: how many were found of files that are charged to the container or a descendant
 */
struct holdings {
	const struct bc_counter *counter;
	unsigned int next, left;
	unsigned long found;
};

static int holdings_add(const void *arg, struct file *file, unsigned int fd)
{
	struct holdings *h = (struct holdings *)arg;

	h->found += numfiles_charged_to(file, h->counter);
	h->next = fd + 1;
	return !--h->left;
}

/*
 * Does an earlier thread of its process have the same table as a task? It counts only once. Under
 * RCU, which keeps the threads; tables are only compared.
 */
static bool is_counted(struct task_struct *task)
{
	struct files_struct *table = READ_ONCE(task->files);
	struct task_struct *t;

	if (!pid_alive(task))
		return false;
	for_each_thread(task, t) {
		if (t == task)
			break;
		if (READ_ONCE(t->files) == table)
			return true;
	}
	return false;
}

/* Counts a task's descriptors of files that are charged to a container. */
static unsigned long task_holds(struct task_struct *task, const struct bc_counter *counter)
{
	struct holdings h = { .counter = counter };
	struct files_struct *table;
	int more;

	do {
		h.left = HOLDERS_PORTION;
		rcu_read_lock();
		task_lock(task);
		table = task->files;
		if (table && is_counted(task))
			table = NULL;
		more = table ? iterate_fd(table, h.next, holdings_add, &h) : 0;
		task_unlock(task);
		rcu_read_unlock();
		cond_resched();
	} while (more);
	return h.found;
}

/**
 * holders_show - print the file bc.numfiles.holders: a process and a number on each line
 * @m: the file
 * @cont: the container
 * @cft: not used
 *
 * Lists the processes in the reader's pid namespace that have descriptors of files that are
 * charged to the container or a descendant. A file that is mapped, or on its way through a socket,
 * has no descriptor.
 *
 * Context: callback lock held; sleeps. The reader needs a capability, because the file shows what
 * other users' processes hold, and because it takes longer the more files the system has open.
 * Return: 0, or -EPERM.
 */
int holders_show(struct seq_file *m, struct container *cont, const struct container_cftype *cft)
{
	const struct bc_counter *counter = &container_bc(cont)->counter[BC_NUMFILES];
	struct pid_namespace *ns = task_active_pid_ns(current);
	struct task_struct *task;
	unsigned long n;
	struct pid *pid;
	int nr, tgid;

	container_assert_locked();
	if (!capable(CAP_SYS_PTRACE))
		return -EPERM;
	for (nr = 1; ; nr++) {
		rcu_read_lock();
		pid = call_find_pid(holders_find_pid_fn, nr, ns);
		task = pid ? pid_task(pid, PIDTYPE_PID) : NULL;
		if (task) {
			get_task_struct(task);
			/* now: later it may have been reaped */
			tgid = task_tgid_nr_ns(task, ns);
		}
		if (pid)
			nr = pid_nr_ns(pid, ns);
		rcu_read_unlock();
		if (!pid)
			return 0;
		if (!task)
			continue;
		n = task_holds(task, counter);
		if (n)
			seq_printf(m, "%d %lu\n", tgid, n);
		put_task_struct(task);
	}
}
