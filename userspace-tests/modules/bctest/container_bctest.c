// SPDX-License-Identifier: GPL-2.0
/*
 * For t_bc: a module outside the tree that uses only the installed beancounter.h. It charges
 * resources to the container of the task that commands it.
 *
 * In debugfs, container_bctest/cmd takes "charge RESOURCE N SEVERITY", with the numbers of
 * beancounter.h; the write returns the errno of the call. "uncharge" takes the last charge back.
 * A mutex guards the list of charges. Unloading takes back all that are left.
 *
 * "occupy FUNCTION" occupies a kernel function as a live patch does, until "vacate".
 */
#include <linux/debugfs.h>
#include <linux/ftrace.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <beancounter.h>

struct charge {
	struct list_head list;
	struct beancounter *bc;
	unsigned int resource;
	unsigned long n;
};

static DEFINE_MUTEX(charges_mutex);
static LIST_HEAD(charges);
static struct dentry *debugfs_dir;

static int charge(unsigned int resource, unsigned long n, unsigned int severity)
{
	struct charge *c = kmalloc(sizeof(*c), GFP_KERNEL);
	int err;

	if (!c)
		return -ENOMEM;
	c->bc = beancounter_get_current();
	c->resource = resource;
	c->n = n;
	err = beancounter_charge(c->bc, resource, n, severity);
	if (err) {
		beancounter_put(c->bc);
		kfree(c);
		return err;
	}
	list_add(&c->list, &charges);
	return 0;
}

static int uncharge(void)
{
	struct charge *c = list_first_entry_or_null(&charges, struct charge, list);

	if (!c)
		return -ENOENT;
	list_del(&c->list);
	beancounter_uncharge(c->bc, c->resource, c->n);
	beancounter_put(c->bc);
	kfree(c);
	return 0;
}

/* The type of its last argument depends on the kernel. */
static void notrace patch(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			  void *regs)
{
}

static struct ftrace_ops patch_ops = {
	.func = (void *)patch,
	.flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY,
};

static int occupy(char *function)
{
	int err = ftrace_set_filter(&patch_ops, function, strlen(function), 1);

	return err ?: register_ftrace_function(&patch_ops);
}

static int vacate(void)
{
	int err = unregister_ftrace_function(&patch_ops);

	ftrace_set_filter(&patch_ops, NULL, 0, 1);
	return err;
}

static ssize_t cmd_write(struct file *file, const char __user *ubuf, size_t len, loff_t *pos)
{
	unsigned int resource, severity;
	unsigned long n;
	char buf[80], function[40];
	int err = -EINVAL;

	if (len >= sizeof(buf))
		return -E2BIG;
	if (copy_from_user(buf, ubuf, len))
		return -EFAULT;
	buf[len] = 0;
	mutex_lock(&charges_mutex);
	if (sscanf(buf, "charge %u %lu %u", &resource, &n, &severity) == 3)
		err = charge(resource, n, severity);
	else if (!strncmp(buf, "uncharge", 8))
		err = uncharge();
	else if (sscanf(buf, "occupy %39s", function) == 1)
		err = occupy(function);
	else if (!strncmp(buf, "vacate", 6))
		err = vacate();
	mutex_unlock(&charges_mutex);
	return err ?: len;
}

static const struct file_operations cmd_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = cmd_write,
};

static int __init bctest_init(void)
{
	debugfs_dir = debugfs_create_dir("container_bctest", NULL);
	debugfs_create_file("cmd", 0200, debugfs_dir, NULL, &cmd_fops);
	return 0;
}

static void __exit bctest_exit(void)
{
	debugfs_remove_recursive(debugfs_dir);
	while (!uncharge())
		;
}

module_init(bctest_init);
module_exit(bctest_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Test of the beancounters' API");
