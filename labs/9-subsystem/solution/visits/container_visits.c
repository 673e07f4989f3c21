// SPDX-License-Identifier: GPL-2.0
/*
 * visits: counts the tasks that are moved into a container, as one would have written it in
 * 2006. Lab 9: make it run today, by container_v6.h.
 *
 *   visits.count	tasks that have been moved in; 0 can be written to it
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/uaccess.h>
/* LAB: begin */
#include <linux/slab.h>

#include <container_v6.h>
/* LAB: instead */
/* #include <linux/container.h> */
/* LAB: end */

struct visits {
	struct container_subsys_state css;
	atomic_t count;
};

static struct container_subsys visits_subsys;

static inline struct visits *container_visits(struct container *cont)
{
	return container_of(container_subsys_state(cont, &visits_subsys), struct visits, css);
}

static int visits_create(struct container_subsys *ss, struct container *cont)
{
	struct visits *v = kzalloc(sizeof(*v), GFP_KERNEL);

	if (!v)
		return -ENOMEM;
	cont->subsys[visits_subsys.subsys_id] = &v->css;
	return 0;
}

static void visits_destroy(struct container_subsys *ss, struct container *cont)
{
	kfree(container_visits(cont));
}

static void visits_attach(struct container_subsys *ss, struct container *cont,
			  struct container *old_cont, struct task_struct *task)
{
	if (cont != old_cont)
		atomic_inc(&container_visits(cont)->count);
}

static ssize_t visits_read(struct container *cont, struct cftype *cft, struct file *file,
			   char __user *buf, size_t nbytes, loff_t *ppos)
{
	char text[32];
	int len = sprintf(text, "%d\n", atomic_read(&container_visits(cont)->count));

	return simple_read_from_buffer(buf, nbytes, ppos, text, len);
}

static ssize_t visits_write(struct container *cont, struct cftype *cft, struct file *file,
			    const char __user *buf, size_t nbytes, loff_t *ppos)
{
	char c;

	if (nbytes != 1)
		return -EINVAL;
	if (copy_from_user(&c, buf, 1))
		return -EFAULT;
	if (c != '0')
		return -EINVAL;
	atomic_set(&container_visits(cont)->count, 0);
	return nbytes;
}

static struct cftype visits_file = {
	.name = "visits.count",
	.read = visits_read,
	.write = visits_write,
};

static int visits_populate(struct container_subsys *ss, struct container *cont)
{
	return container_add_file(cont, &visits_file);
}

static struct container_subsys visits_subsys = {
	.name = "visits",
	.create = visits_create,
	.destroy = visits_destroy,
	.attach = visits_attach,
	.populate = visits_populate,
	.subsys_id = -1,
};

static int __init visits_init(void)
{
	return container_register_subsys(&visits_subsys);
}
module_init(visits_init);
/* LAB: begin */

static void __exit visits_exit(void)
{
	container_unregister_subsys(&visits_subsys);
}
module_exit(visits_exit);

MODULE_LICENSE("GPL");
/* LAB: instead */
/* LAB: end */
MODULE_DESCRIPTION("Container subsystem: counts who is moved in (lab 9)");
MODULE_ALIAS("container-subsys-visits");
