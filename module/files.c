// SPDX-License-Identifier: GPL-2.0
/*
 * The control files: how a cftype's handlers are called, and the files that every
 * container has.
 *
 * Handlers run under the callback lock (reads) or the manage lock (writes), with
 * the container still there. tasks and procs differ: their list is made when
 * the file is opened, without either lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/uio.h>

#include "compat.h"
#include "core.h"
#include "parse.h"

struct container *file_container(const struct file *file)
{
	return fs_container(file_inode(file));
}

static const struct container_cftype *file_cftype(const struct file *file)
{
	return fs_cftype(file_inode(file));
}

/*
 * What was written, however many parts it came in, without the newline at its end, in
 * memory of its own.
 */
static char *copy_value(const struct container_cftype *cft, struct iov_iter *from)
{
	size_t count = iov_iter_count(from);
	char *buf;

	if (count > PAGE_SIZE)
		return ERR_PTR(cft->too_long ?: -E2BIG);
	buf = kmalloc(count + 1, GFP_KERNEL);
	if (!buf)
		return ERR_PTR(-ENOMEM);
	if (!copy_from_iter_full(buf, count, from)) {
		kfree(buf);
		return ERR_PTR(-EFAULT);
	}
	if (memchr(buf, '\0', count)) {
		kfree(buf);
		return ERR_PTR(-EINVAL);
	}
	buf[count] = '\0';
	if (buf[count - 1] == '\n')
		buf[count - 1] = '\0';
	return buf;
}

static int cftype_show(struct seq_file *m, void *v)
{
	const struct file *file = m->private;
	const struct container_cftype *cft = file_cftype(file);
	struct container *cont = file_container(file);
	int err;

	if (!cft->show)
		return -EINVAL;
	container_lock();
	err = container_is_removed(cont) ? -ENODEV : cft->show(m, cont, cft);
	container_unlock();
	return err;
}

/* The offset of a write is ignored; seq_open() takes it for an error. */
static void allow_pwrite(struct file *file)
{
	if (file->f_mode & FMODE_WRITE)
		file->f_mode |= FMODE_PWRITE;
}

static int cftype_open(struct inode *inode, struct file *file)
{
	int err = single_open(file, cftype_show, file);

	if (!err)
		allow_pwrite(file);
	return err;
}

/* Says ENODEV even at the end of what was read before the container went. */
ssize_t control_read(struct kiocb *iocb, struct iov_iter *to)
{
	if (container_is_removed(file_container(iocb->ki_filp)))
		return -ENODEV;
	return seq_read_iter(iocb, to);
}

/* It can be waited for, which is over at once. */
static __poll_t control_poll(struct file *file, poll_table *wait)
{
	return DEFAULT_POLLMASK;
}

/* A write to a file that takes none; root can open it all the same. */
ssize_t control_no_write(struct kiocb *iocb, struct iov_iter *from)
{
	return container_is_removed(file_container(iocb->ki_filp)) ? -ENODEV : -EINVAL;
}

static ssize_t cftype_write(struct kiocb *iocb, struct iov_iter *from)
{
	const struct container_cftype *cft = file_cftype(iocb->ki_filp);
	struct container *cont = file_container(iocb->ki_filp);
	size_t count = iov_iter_count(from);
	char *buf;
	int err;

	if (!count)
		return 0;
	if (!cft->write)
		return control_no_write(iocb, from);
	buf = copy_value(cft, from);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	container_manage_lock();
	err = container_is_removed(cont) ? -ENODEV :
	      callback_errno(cft->write(cont, cft, iocb->ki_filp, buf), cft->name);
	container_manage_unlock();
	kfree(buf);
	return err ?: count;
}

static const struct file_operations cftype_file_ops = {
	.owner = THIS_MODULE,
	.open = cftype_open,
	.read_iter = control_read,
	.splice_read = compat_splice_read,
	.write_iter = cftype_write,
	.splice_write = iter_file_splice_write,
	.poll = control_poll,
	.fsync = noop_fsync,
	.llseek = seq_lseek,
	.release = single_release,
};

/* --- tasks and procs ------------------------------------------------------- */

enum { FILE_TASKS, FILE_PROCS };

/* The list that one open of the file gives. */
struct members {
	pid_t *list;
	int count;
};

/* How many of them seq_file gets as one record: each has its price. */
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

/* A line with a number. seq_put_decimal_ull() takes three times as long. */
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
		/* seq_file comes back with more room */
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
	members = __seq_open_private(file, &members_seq_ops, sizeof(*members));
	if (!members)
		return -ENOMEM;
	allow_pwrite(file);
	if (!(file->f_mode & FMODE_READ))
		return 0;
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
	struct seq_file *m = file->private_data;
	struct members *members = m->private;

	kvfree(members->list);
	return seq_release_private(inode, file);
}

static int attach_by_nr(struct container *cont, pid_t nr, bool process,
			const struct cred *cred)
{
	struct task_struct *task;
	int err;

	if (container_is_removed(cont) || test_bit(CONT_KILLING, &cont->flags))
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
	buf = copy_value(cft, from);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	err = container_parse_number(buf, INT_MAX, &nr);
	kfree(buf);
	/* "the writer", and it is not known: a helper of the kernel's writes for a thread */
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

static const struct file_operations members_file_ops = {
	.owner = THIS_MODULE,
	.open = members_open,
	.read_iter = control_read,
	.splice_read = compat_splice_read,
	.write_iter = members_write,
	.splice_write = iter_file_splice_write,
	.poll = control_poll,
	.fsync = noop_fsync,
	.llseek = seq_lseek,
	.release = members_release,
};

/* --- flags and the release agent ------------------------------------------- */

static int flag_show(struct seq_file *m, struct container *cont, const struct container_cftype *cft)
{
	seq_printf(m, "%d\n", test_bit(cft->private, &cont->flags));
	return 0;
}

static int flag_write(struct container *cont, const struct container_cftype *cft,
		      struct file *file, char *buf)
{
	unsigned long value;
	int err = container_parse_number(buf, 1, &value);

	if (err)
		return err;
	if (value)
		set_bit(cft->private, &cont->flags);
	else
		clear_bit(cft->private, &cont->flags);
	return 0;
}

static int release_agent_show(struct seq_file *m, struct container *cont,
			      const struct container_cftype *cft)
{
	seq_printf(m, "%s\n", container_hierarchy(cont)->release_agent);
	return 0;
}

/* The agent runs as root: who sets it has to be privileged, not just the owner. */
static int release_agent_write(struct container *cont, const struct container_cftype *cft,
			       struct file *file, char *buf)
{
	if (!file_ns_capable(file, &init_user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	if (strlen(buf) >= PATH_MAX)
		return -ENAMETOOLONG;
	return hierarchy_set_release_agent(container_hierarchy(cont), buf);
}

static const struct container_cftype members_files[] = {
	{ .name = "tasks", .private = FILE_TASKS, .mode = 0644 },
	{ .name = "procs", .private = FILE_PROCS, .mode = 0644 },
};

static const struct container_cftype files_everywhere[] = {
	{
		.name = "notify_on_release",
		.private = CONT_NOTIFY_ON_RELEASE,
		.show = flag_show,
		.write = flag_write,
	},
	{
		.name = "auto_delete",
		.private = CONT_AUTO_DELETE,
		.show = flag_show,
		.write = flag_write,
	},
	{
		.name = "kill_on_rmdir",
		.private = CONT_KILL_ON_RMDIR,
		.show = flag_show,
		.write = flag_write,
	},
	{
		.name = "clone_children",
		.private = CONT_CLONE_CHILDREN,
		.show = flag_show,
		.write = flag_write,
	},
};

static const struct container_cftype files_top[] = {
	{
		.name = "release_agent",
		.too_long = -ENAMETOOLONG,
		.show = release_agent_show,
		.write = release_agent_write,
	},
};

static const struct container_cftype events_file = { .name = "events", .mode = 0444 };

/* The directory that is getting its files, and who makes it. Under the manage lock. */
static struct {
	struct container *cont;
	struct task_struct *task;
} populated;

/* Can this be a file? Its name has to be one in a directory, and in the kernel log. */
static bool cftype_ok(const struct container_cftype *cft)
{
	const char *c = cft->name;

	while (isascii(*c) && isgraph(*c) && *c != '/' && c < cft->name + MAX_CFTYPE_NAME - 1)
		c++;
	return !*c && c > cft->name && strcmp(cft->name, ".") && strcmp(cft->name, "..") &&
	       (cft->show || cft->write) && !(cft->mode & ~0777) &&
	       cft->too_long <= 0 && cft->too_long >= -MAX_ERRNO;
}

/**
 * container_add_file - add a control file to a container's directory
 * @cont: the container that populate() was called for
 * @cft: the file; stays where it is as long as the subsystem
 *
 * For populate() callbacks; the files go with the directory.
 *
 * Context: in populate(), so with the manage lock held; sleeps.
 * Return: 0; -EPERM outside populate(), or for another container than its; -EINVAL for
 * a file that cannot be, by its name, its mode or its handlers; -EEXIST, -ENOMEM. On
 * failure nothing has changed; the first two are logged.
 */
int container_add_file(struct container *cont, const struct container_cftype *cft)
{
	/* only we ourselves put us there, so no lock is needed to look */
	if (READ_ONCE(populated.task) != current || populated.cont != cont) {
		pr_err("%ps: control files are added by populate(), to its own container\n",
		       __builtin_return_address(0));
		return -EPERM;
	}
	if (!cft || !cftype_ok(cft)) {
		pr_err("%ps: no good control file: its name, its mode, too_long, or no handler\n",
		       __builtin_return_address(0));
		return -EINVAL;
	}
	return fs_add_file(cont, cft, &cftype_file_ops);
}
EXPORT_SYMBOL_GPL(container_add_file);

/**
 * container_add_files - add several control files
 * @cont: the container that populate() was called for
 * @cfts: the files
 * @count: how many
 *
 * Context: in populate(), as container_add_file().
 * Return: 0, or the errno of the one that could not be added.
 */
int container_add_files(struct container *cont, const struct container_cftype *cfts, int count)
{
	int i, err = 0;

	for (i = 0; i < count && !err; i++)
		err = container_add_file(cont, cfts + i);
	return err;
}
EXPORT_SYMBOL_GPL(container_add_files);

/**
 * files_populate - give a new directory its files
 * @cont: its container
 *
 * Context: manage lock held; sleeps.
 * Return: 0 or an errno; the caller undoes what was added.
 */
int files_populate(struct container *cont)
{
	struct hierarchy *h = container_hierarchy(cont);
	struct container_subsys *ss;
	int i, id, err = 0;

	populated.cont = cont;
	WRITE_ONCE(populated.task, current);
	for (i = 0; i < ARRAY_SIZE(members_files) && !err; i++)
		err = fs_add_file(cont, members_files + i, &members_file_ops);
	if (!err)
		err = container_add_files(cont, files_everywhere, ARRAY_SIZE(files_everywhere));
	if (!err && container_is_top(cont))
		err = container_add_files(cont, files_top, ARRAY_SIZE(files_top));
	if (!err)
		err = fs_add_file(cont, &events_file, &events_file_ops);
	if (!err)
		cont->events.file = fs_newest_file(cont);
	for_each_bound_subsys(h, id, ss)
		if (!err && ss->populate)
			err = callback_errno(ss->populate(ss, cont), ss->name);
	WRITE_ONCE(populated.task, NULL);
	return err;
}
