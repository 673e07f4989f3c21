// SPDX-License-Identifier: GPL-2.0
/*
 * Control files: calls of the handlers of a struct container_cftype, and the core's own files.
 *
 * show() runs with the callback lock held, write() with the manage lock, and neither runs for a
 * removed container. The files of tasks.c and events.c have file operations of their own.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/uio.h>

#include "compat.h"
#include "container_parse.h"
#include "core.h"
#include "filelist.h"

struct container *file_container(const struct file *file)
{
	return fs_container(file_inode(file));
}

const struct container_cftype *file_cftype(const struct file *file)
{
	return fs_cftype(file_inode(file));
}

/*
 * Copies a written value of at least one byte, and removes one newline at its end. No lock is
 * held: the writer may be slow. Return: the value, for kfree(), or an error pointer.
 */
char *control_value(const struct container_cftype *cft, struct iov_iter *from)
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

/* Allows pwrite(), which seq_open() forbids; the offset is ignored. */
void control_allow_pwrite(struct file *file)
{
	if (file->f_mode & FMODE_WRITE)
		file->f_mode |= FMODE_PWRITE;
}

/* A file that is only written has no seq_file: most are opened for one write. */
loff_t control_llseek(struct file *file, loff_t offset, int whence)
{
	return file->f_mode & FMODE_READ ? seq_lseek(file, offset, whence) :
					   generic_file_llseek(file, offset, whence);
}

static int cftype_open(struct inode *inode, struct file *file)
{
	int err;

	if (!(file->f_mode & FMODE_READ))
		return 0;
	err = single_open(file, cftype_show, file);
	if (!err)
		control_allow_pwrite(file);
	return err;
}

static int cftype_release(struct inode *inode, struct file *file)
{
	return file->f_mode & FMODE_READ ? single_release(inode, file) : 0;
}

/* Reads from a file. For a removed container it fails, even if the text was made before. */
ssize_t control_read(struct kiocb *iocb, struct iov_iter *to)
{
	if (container_is_removed(file_container(iocb->ki_filp)))
		return -ENODEV;
	return seq_read_iter(iocb, to);
}

/* A control file is always ready. */
__poll_t control_poll(struct file *file, poll_table *wait)
{
	return DEFAULT_POLLMASK;
}

/* Refuses a write to a read-only file, which root can open for writing all the same. */
ssize_t control_no_write(struct kiocb *iocb, struct iov_iter *from)
{
	if (!iov_iter_count(from))
		return 0;
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
	buf = control_value(cft, from);
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
	.llseek = control_llseek,
	.setlease = compat_setlease,
	.release = cftype_release,
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
	/* an attempt that has failed is not repeated after the flag is set once more */
	if (cft->private == CONT_AUTO_DELETE && !value)
		clear_bit(CONT_DELETE_PENDING, &cont->flags);
	return 0;
}

static int release_agent_show(struct seq_file *m, struct container *cont,
			      const struct container_cftype *cft)
{
	seq_printf(m, "%s\n", container_hierarchy(cont)->release_agent);
	return 0;
}

/* The agent runs as root, so owning the file is not enough to set it. */
static int release_agent_write(struct container *cont, const struct container_cftype *cft,
			       struct file *file, char *buf)
{
	if (!file_ns_capable(file, &init_user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	if (strlen(buf) >= PATH_MAX)
		return -ENAMETOOLONG;
	return hierarchy_set_release_agent(container_hierarchy(cont), buf);
}

static const struct container_cftype core_files[] = {
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
	{
		.name = "release_agent",
		.flags = CONTAINER_FILE_ROOT_ONLY,
		.too_long = -ENAMETOOLONG,
		.show = release_agent_show,
		.write = release_agent_write,
	},
};

/* The list of the container for which @task is calling populate(). Under the manage lock. */
static struct {
	struct task_struct *task;
	struct new_filelist list;
} populated;

#define FILE_FLAGS (CONTAINER_FILE_ROOT_ONLY | CONTAINER_FILE_ROOT_READONLY | \
		    CONTAINER_FILE_SHORT_NAME)

/* Is this the name of a file? It appears in a directory and in the kernel log. */
static bool file_name_ok(const char *name)
{
	const char *c = name;

	while (isascii(*c) && isgraph(*c) && *c != '/' && c < name + MAX_CFTYPE_NAME - 1)
		c++;
	return !*c && c > name && strcmp(name, ".") && strcmp(name, "..");
}

/* Is this a valid control file? */
static bool cftype_ok(const struct container_cftype *cft)
{
	const char *dot = strnchr(cft->name, MAX_CFTYPE_NAME, '.');

	return file_name_ok(cft->name) && (cft->show || cft->write) && !(cft->mode & ~0777) &&
	       cft->too_long <= 0 && cft->too_long >= -MAX_ERRNO && !(cft->flags & ~FILE_FLAGS) &&
	       (!(cft->flags & CONTAINER_FILE_SHORT_NAME) || (dot && file_name_ok(dot + 1)));
}

/**
 * container_add_file - add a control file to a container's directory
 * @cont: the container that populate() was called for
 * @cft: the file, which must exist as long as the subsystem
 *
 * The file is removed with the directory. With CONTAINER_FILE_ROOT_ONLY, nothing is done below
 * the root.
 *
 * Context: in populate(), with the manage lock held; sleeps.
 * Return: 0; -EPERM outside populate() or for another container; -EINVAL for a bad name, mode,
 * flag or errno, or without handlers; -EEXIST; -ENOMEM. On failure nothing has changed; -EPERM
 * and -EINVAL are logged.
 */
int container_add_file(struct container *cont, const struct container_cftype *cft)
{
	/* lockless: a task finds itself here only if it has set that itself */
	if (READ_ONCE(populated.task) != current || populated.list.cont != cont) {
		pr_err("%ps: only populate() can add control files, and only to its container\n",
		       __builtin_return_address(0));
		return -EPERM;
	}
	if (!cft || !cftype_ok(cft)) {
		pr_err("%ps: bad control file: check its name, mode, flags, too_long and handlers\n",
		       __builtin_return_address(0));
		return -EINVAL;
	}
	return filelist_add(&populated.list, cft);
}
EXPORT_SYMBOL_GPL(container_add_file);

/**
 * container_add_files - add several control files
 * @cont: the container that populate() was called for
 * @cfts: the files
 * @count: how many
 *
 * Context: in populate(), as container_add_file().
 * Return: 0, or the errno of the first file that could not be added.
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
 * file_operations_of - the operations of a control file
 * @cft: the file
 *
 * Context: any.
 */
const struct file_operations *file_operations_of(const struct container_cftype *cft)
{
	if (cft == &events_file)
		return &events_file_ops;
	if (cft >= tasks_files && cft < tasks_files + ARRAY_SIZE(tasks_files))
		return &tasks_file_ops;
	return &cftype_file_ops;
}

/**
 * files_populate - list the control files of a new container
 * @cont: the container
 *
 * Context: manage lock held; sleeps.
 * Return: 0, or an errno: then it has no list.
 */
int files_populate(struct container *cont)
{
	struct hierarchy *h = container_hierarchy(cont);
	struct container_subsys *ss;
	int i, id, err = 0;

	lockdep_assert_held(&manage_mutex);
	populated.list = (struct new_filelist) { .cont = cont };
	WRITE_ONCE(populated.task, current);
	for (i = 0; i < ARRAY_SIZE(tasks_files) && !err; i++)
		err = filelist_add(&populated.list, tasks_files + i);
	if (!err)
		err = container_add_files(cont, core_files, ARRAY_SIZE(core_files));
	if (!err)
		err = filelist_add(&populated.list, &events_file);
	for_each_bound_subsys(h, id, ss)
		if (!err && ss->populate)
			err = callback_errno(ss->populate(ss, cont), ss->name);
	WRITE_ONCE(populated.task, NULL);
	err = err ?: filelist_finish(&populated.list);
	if (err)
		kfree(populated.list.list);
	return err;
}
