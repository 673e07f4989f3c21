// SPDX-License-Identifier: GPL-2.0
/*
 * The file /proc/containers, and the text of /proc/<pid>/container for proc_pid.c.
 */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "core.h"

static int show_membership(struct seq_file *m, struct hierarchy *h,
			   struct task_struct *task)
{
	struct container_subsys *ss;
	struct container *cont;
	const char *sep = "";
	size_t size;
	char *path;
	int id, err;

	rcu_read_lock();
	cont = membership_of(task, h->top.hierarchy);
	rcu_read_unlock();
	if (h->name[0]) {
		seq_printf(m, "name=%s", h->name);
		sep = ",";
	}
	for_each_bound_subsys(h, id, ss) {
		seq_printf(m, "%s%s", sep, ss->name);
		sep = ",";
	}
	seq_putc(m, ':');
	/* the container has a member, so it is not removed; the callback lock keeps it so */
	size = seq_get_buf(m, &path);
	err = container_path(cont, path, min_t(size_t, size, INT_MAX));
	if (err && err != -ENAMETOOLONG)
		return err;
	/* a path that does not fit makes seq_file try again with more room */
	seq_commit(m, err ? -1 : strlen(path));
	seq_putc(m, '\n');
	return 0;
}

/**
 * proc_show_task - print the containers of a task, a line for each hierarchy
 * @m: where to print
 * @task: the task
 *
 * Context: takes the callback lock; sleeps.
 * Return: 0 or an errno.
 */
int proc_show_task(struct seq_file *m, struct task_struct *task)
{
	int i, err = 0;

	container_lock();
	/* without a superblock it is just being made, or ends: not all of it may be bound */
	for (i = 1; i < MAX_CONTAINER_HIERARCHIES && !err; i++)
		if (hierarchies[i] && hierarchies[i]->sb)
			err = show_membership(m, hierarchies[i], task);
	container_unlock();
	return err;
}

static int containers_show(struct seq_file *m, void *v)
{
	/* a walk over all tasks, in portions: not with the lock */
	int nr_tasks = tasks_count();

	container_lock();
	containers_show_hierarchies(m, nr_tasks);
	subsys_show(m);
	container_unlock();
	hook_show(m);
	feature_show(m);
	return 0;
}

static int containers_open(struct inode *inode, struct file *file)
{
	return single_open(file, containers_show, NULL);
}

/*
 * The reader can delay a write to its buffer at will (userfaultfd, FUSE). Removing the file would
 * wait for it. The reference on this module makes unloading fail at once instead.
 */
static ssize_t containers_read(struct kiocb *iocb, struct iov_iter *to)
{
	ssize_t len;

	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	len = seq_read_iter(iocb, to);
	module_put(THIS_MODULE);
	return len;
}

static const struct proc_ops containers_ops = {
	.proc_open = containers_open,
	.proc_read_iter = containers_read,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
};

int proc_init(void)
{
	return proc_create("containers", 0444, NULL, &containers_ops) ? 0 : -ENOMEM;
}

void proc_exit(void)
{
	remove_proc_entry("containers", NULL);
}
