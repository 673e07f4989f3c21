// SPDX-License-Identifier: GPL-2.0
/*
 * The files tasks and procs: a read lists the members of a container, a write moves tasks into
 * it.
 *
 * The list is made when the file is opened, and is read without a lock, since a reader may be
 * slow.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/uio.h>

#include "compat.h"
#include "container_parse.h"
#include "core.h"

/* The list of an open file. */
struct members {
	pid_t *list;
	int count;
};

/* How many numbers make one record of seq_file. Each record has a cost. */
#define MEMBERS_AT_ONCE 32

static void *members_start(struct seq_file *m, loff_t *pos)
{
	struct members *members = m->private;
	loff_t first = *pos * MEMBERS_AT_ONCE;

	return first < members->count ? members->list + first : NULL;
}

static void *members_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return members_start(m, pos);
}

static void members_stop(struct seq_file *m, void *v)
{
}

/* Formats a number and a newline, three times as fast as seq_put_decimal_ull(). */
static char *put_line(char *to, unsigned int nr)
{
	char digits[10];
	int n = 0;

	do {
		digits[n++] = '0' + nr % 10;
		nr /= 10;
	} while (nr);
	while (n)
		*to++ = digits[--n];
	*to++ = '\n';
	return to;
}

static int members_show(struct seq_file *m, void *v)
{
	struct members *members = m->private;
	pid_t *nr = v, *end = min(nr + MEMBERS_AT_ONCE, members->list + members->count);
	char *buf, *to;

	if (seq_get_buf(m, &buf) < MEMBERS_AT_ONCE * sizeof("2147483647")) {
		/* no room: seq_file calls again with a larger buffer */
		seq_commit(m, -1);
		return 0;
	}
	for (to = buf; nr < end; nr++)
		to = put_line(to, *nr);
	seq_commit(m, to - buf);
	return 0;
}

static const struct seq_operations members_seq_ops = {
	.start = members_start,
	.next = members_next,
	.stop = members_stop,
	.show = members_show,
};

static int members_open(struct inode *inode, struct file *file)
{
	const struct container_cftype *cft = fs_cftype(inode);
	struct container *cont = fs_container(inode);
	struct members *members;
	int count;

	if (container_is_removed(cont))
		return -ENODEV;
	if (!(file->f_mode & FMODE_READ))
		return 0;
	members = __seq_open_private(file, &members_seq_ops, sizeof(*members));
	if (!members)
		return -ENOMEM;
	control_allow_pwrite(file);
	count = membership_list(cont, cft->private == FILE_PROCS, &members->list);
	if (count < 0) {
		seq_release_private(inode, file);
		return count;
	}
	members->count = count;
	return 0;
}

static int members_release(struct inode *inode, struct file *file)
{
	struct members *members;

	if (!(file->f_mode & FMODE_READ))
		return 0;
	members = ((struct seq_file *)file->private_data)->private;
	kvfree(members->list);
	return seq_release_private(inode, file);
}

static int attach_by_nr(struct container *cont, pid_t nr, bool process,
			const struct cred *cred)
{
	struct task_struct *task;
	int err;

	if (container_is_removed(cont) || cont->killers)
		return -ENODEV;
	rcu_read_lock();
	task = nr ? pid_task(find_vpid(nr), PIDTYPE_PID) : current;
	if (task)
		get_task_struct(task);
	rcu_read_unlock();
	if (!task)
		return -ESRCH;
	err = process ? container_attach_process(cont, task, cred) :
			container_attach_task(cont, task, cred);
	put_task_struct(task);
	return err;
}

static ssize_t members_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct file *file = iocb->ki_filp;
	const struct container_cftype *cft = file_cftype(file);
	size_t count = iov_iter_count(from);
	unsigned long nr;
	char *buf;
	int err;

	if (!count)
		return 0;
	buf = control_value(cft, from);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	err = container_parse_number(buf, INT_MAX, &nr);
	kfree(buf);
	/*
	 * 0 is the writer. A kernel thread or a worker of io_uring writes for a task that it does
	 * not know; but the worker is a thread of that task's process, so procs takes its 0.
	 */
	if (!err && !nr && ((current->flags & PF_KTHREAD) ||
			    (cft->private == FILE_TASKS && (current->flags & PF_IO_WORKER))))
		err = -EINVAL;
	if (err)
		return err;
	container_manage_lock();
	err = attach_by_nr(file_container(file), nr, cft->private == FILE_PROCS,
			   file->f_cred);
	container_manage_unlock();
	return err ?: count;
}

const struct file_operations tasks_file_ops = {
	.owner = THIS_MODULE,
	.open = members_open,
	.read_iter = control_read,
	.splice_read = compat_splice_read,
	.write_iter = members_write,
	.splice_write = iter_file_splice_write,
	.poll = control_poll,
	.fsync = noop_fsync,
	.llseek = control_llseek,
	.setlease = compat_setlease,
	.release = members_release,
};

const struct container_cftype tasks_files[TASKS_FILES] = {
	{ .name = "tasks", .private = FILE_TASKS, .mode = 0644 },
	{ .name = "procs", .private = FILE_PROCS, .mode = 0644 },
};
