// SPDX-License-Identifier: GPL-2.0
/*
 * For t_v6port: a subsystem in the manner of 2006, which accounts for CPU time. It uses only V6's
 * names, by container_v6.h. Lines that a subsystem of 2006 would not have are marked NOW.
 *
 *   v6acct.usage	milliseconds of the members; 0 can be written to it
 *   v6acct.hold	1 holds a reference on the container; 0 drops it
 *   v6acct.shut	1 refuses all moves into the container
 *   v6acct.calls	number of calls of each callback, in the whole system
 *   v6acct.endless	a file without an end
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>				/* NOW */
#include <linux/tracepoint.h>			/* NOW: the hook */
#include <linux/uaccess.h>
#include <trace/events/sched.h>			/* NOW: the type of the hook */
#include <asm/div64.h>

#include <container_v6.h>			/* NOW: in place of linux/container.h */

struct v6acct {
	struct container_subsys_state css;
	spinlock_t lock;
	u64 time;				/* NOW: a cputime64_t */
	int held;
	int shut;
};

static struct container_subsys v6acct_subsys;

static atomic_t attached, post_attached, forks, exits, mounts, umounts;

static inline struct v6acct *container_acct(struct container *cont)
{
	return container_of(container_subsys_state(cont, &v6acct_subsys), struct v6acct, css);
}

static inline struct v6acct *task_acct(struct task_struct *task)
{
	return container_of(task_subsys_state(task, &v6acct_subsys), struct v6acct, css);
}

static int v6acct_create(struct container_subsys *ss, struct container *cont)
{
	struct v6acct *acct = kzalloc(sizeof(*acct), GFP_KERNEL);

	if (!acct)
		return -ENOMEM;
	spin_lock_init(&acct->lock);
	cont->subsys[v6acct_subsys.subsys_id] = &acct->css;
	return 0;
}

static void v6acct_destroy(struct container_subsys *ss, struct container *cont)
{
	kfree(container_acct(cont));
}

/* Charges the time that a task has used to its container. */
static void v6acct_charge(struct task_struct *task, u64 time)
{
	struct v6acct *acct;
	unsigned long flags;

	if (v6acct_subsys.subsys_id < 0)
		return;
	rcu_read_lock();
	acct = container_acct(task_container(task, &v6acct_subsys));
	spin_lock_irqsave(&acct->lock, flags);
	acct->time += time;
	spin_unlock_irqrestore(&acct->lock, flags);
	rcu_read_unlock();
}

static int v6acct_can_attach(struct container_subsys *ss, struct container *cont,
			     struct task_struct *task)
{
	return container_acct(cont)->shut ? -EPERM : 0;
}

static void v6acct_attach(struct container_subsys *ss, struct container *cont,
			  struct container *old_cont, struct task_struct *task)
{
	if (cont != old_cont)
		atomic_inc(&attached);
}

static void v6acct_post_attach(struct container_subsys *ss, struct container *cont,
			       struct container *old_cont, struct task_struct *task)
{
	rcu_read_lock();
	if (task_acct(task) == container_acct(cont))
		atomic_inc(&post_attached);
	rcu_read_unlock();
}

static void v6acct_fork(struct container_subsys *ss, struct task_struct *task)
{
	atomic_inc(&forks);
}

static void v6acct_exit(struct container_subsys *ss, struct task_struct *task)
{
	atomic_inc(&exits);
}

static void v6acct_mount(struct container_subsys *ss, struct container *cont)
{
	if (ss->hierarchy && !cont->parent)
		atomic_inc(&mounts);
}

static void v6acct_umount(struct container_subsys *ss, struct container *cont)
{
	atomic_inc(&umounts);
}

static ssize_t usage_read(struct container *cont, struct cftype *cft, struct file *file,
			  char __user *buf, size_t nbytes, loff_t *ppos)
{
	struct v6acct *acct = container_acct(cont);
	char text[64];
	int len;
	u64 time;

	spin_lock_irq(&acct->lock);
	time = acct->time;
	spin_unlock_irq(&acct->lock);
	do_div(time, NSEC_PER_MSEC);		/* NOW: from jiffies */
	len = sprintf(text, "%llu\n", (unsigned long long)time);
	return simple_read_from_buffer(buf, nbytes, ppos, text, len);
}

/* Reads a digit of at most @max that a user has written. Return: the digit, or an errno. */
static int read_digit(const char __user *buf, size_t nbytes, int max)
{
	char c;

	if (nbytes != 1)
		return -EINVAL;
	if (copy_from_user(&c, buf, 1))
		return -EFAULT;
	return c < '0' || c > '0' + max ? -EINVAL : c - '0';
}

static ssize_t usage_write(struct container *cont, struct cftype *cft, struct file *file,
			   const char __user *buf, size_t nbytes, loff_t *ppos)
{
	struct v6acct *acct = container_acct(cont);
	int n = read_digit(buf, nbytes, 0);

	if (n < 0)
		return n;
	spin_lock_irq(&acct->lock);
	acct->time = 0;
	spin_unlock_irq(&acct->lock);
	return nbytes;
}

static ssize_t hold_write(struct container *cont, struct cftype *cft, struct file *file,
			  const char __user *buf, size_t nbytes, loff_t *ppos)
{
	struct v6acct *acct = container_acct(cont);
	int n = read_digit(buf, nbytes, 1);

	if (n < 0)
		return n;
	if (n && !acct->held) {
		if (css_get(&acct->css))
			return -EBUSY;
	} else if (!n && acct->held) {
		css_put(&acct->css);
	}
	acct->held = n;
	return nbytes;
}

static ssize_t shut_write(struct container *cont, struct cftype *cft, struct file *file,
			  const char __user *buf, size_t nbytes, loff_t *ppos)
{
	int n = read_digit(buf, nbytes, 1);

	if (n < 0)
		return n;
	container_acct(cont)->shut = n;
	return nbytes;
}

/* Returns the text in pieces, without a helper. */
static ssize_t calls_read(struct container *cont, struct cftype *cft, struct file *file,
			  char __user *buf, size_t nbytes, loff_t *ppos)
{
	char text[160];
	size_t len = scnprintf(text, sizeof(text),
			       "attach %d\npost_attach %d\nalive %d\nmount %d\numount %d\n",
			       atomic_read(&attached), atomic_read(&post_attached),
			       atomic_read(&forks) - atomic_read(&exits),
			       atomic_read(&mounts), atomic_read(&umounts));

	if (*ppos >= len)
		return 0;
	nbytes = min_t(size_t, 7, len - *ppos);
	if (copy_to_user(buf, text + *ppos, nbytes))
		return -EFAULT;
	*ppos += nbytes;
	return nbytes;
}

/* Returns text without an end. */
static ssize_t endless_read(struct container *cont, struct cftype *cft, struct file *file,
			    char __user *buf, size_t nbytes, loff_t *ppos)
{
	if (copy_to_user(buf, "x", 1))
		return -EFAULT;
	*ppos += 1;
	return 1;
}

static struct cftype v6acct_files[] = {
	{ .name = "v6acct.usage", .read = usage_read, .write = usage_write },
	{ .name = "v6acct.hold", .write = hold_write },
	{ .name = "v6acct.shut", .write = shut_write },
	{ .name = "v6acct.calls", .read = calls_read },
	{ .name = "v6acct.endless", .read = endless_read },
};

static int not_called(struct inode *inode, struct file *file)
{
	return 0;
}

static int v6acct_populate(struct container_subsys *ss, struct container *cont)
{
	static struct cftype opened = {
		.name = "v6acct.opened", .open = not_called, .read = usage_read,
	};
	int i, err = 0;

	for (i = 0; i < ARRAY_SIZE(v6acct_files) && !err; i++)
		err = container_add_file(cont, &v6acct_files[i]);
	/* open() is not supported, so this file is refused */
	if (!err && container_add_file(cont, &opened) != -EINVAL)
		err = -EDOM;
	return err;
}

static struct container_subsys v6acct_subsys = {
	.name = "v6acct",
	.create = v6acct_create,
	.destroy = v6acct_destroy,
	.can_attach = v6acct_can_attach,
	.attach = v6acct_attach,
	.post_attach = v6acct_post_attach,
	.fork = v6acct_fork,
	.exit = v6acct_exit,
	.populate = v6acct_populate,
	.mount = v6acct_mount,
	.umount = v6acct_umount,
	.subsys_id = -1,
};

/* NOW: the hook was a call in the kernel's accounting of ticks. */
static struct tracepoint *runtime;

static void probe_runtime(void *data, struct task_struct *task, u64 ns)
{
	v6acct_charge(task, ns);
}

/* The probe of kernels before 6.8. */
static void probe_runtime_old(void *data, struct task_struct *task, u64 ns, u64 vruntime)
{
	v6acct_charge(task, ns);
}

/* A kernel with CFI calls only a function that has the very type. */
#define PROBE_RUNTIME (__builtin_types_compatible_p(typeof(trace_sched_stat_runtime), \
						    void (struct task_struct *, u64)) ? \
		       (void *)probe_runtime : (void *)probe_runtime_old)

static void find_runtime(struct tracepoint *tp, void *data)
{
	if (!strcmp(tp->name, "sched_stat_runtime"))
		runtime = tp;
}

static int __init v6acct_init(void)
{
	int err = container_register_subsys(&v6acct_subsys);

	if (err)
		return err;
	for_each_kernel_tracepoint(find_runtime, NULL);
	err = runtime ? tracepoint_probe_register(runtime, PROBE_RUNTIME, NULL) : -ENOENT;
	if (err)
		container_unregister_subsys(&v6acct_subsys);
	return err;
}

/* NOW: nothing of 2006 could be unloaded. */
static void __exit v6acct_exit_module(void)
{
	tracepoint_probe_unregister(runtime, PROBE_RUNTIME, NULL);
	tracepoint_synchronize_unregister();
	container_unregister_subsys(&v6acct_subsys);
}

module_init(v6acct_init);
module_exit(v6acct_exit_module);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Container subsystem: CPU time, by the API of 2006");
MODULE_ALIAS("container-subsys-v6acct");
