// SPDX-License-Identifier: GPL-2.0
/* cputime: the subsystem to begin with. cputime.ms is the CPU time of the tasks in a container. */
#include <linux/device.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <trace/events/sched.h>
#include <container.h>

struct cputime {
	struct container_subsys_state css;	/* the core's part */
	atomic64_t ns;
	struct rcu_head rcu;
};

static struct container_subsys subsys;
static struct tracepoint *runtime;		/* where the scheduler reports */

static struct cputime *to_cputime(struct container *cont)
{
	return container_of(container_subsys_state(cont, &subsys), struct cputime, css);
}

static int create(struct container_subsys *ss, struct container *cont)
{
	struct cputime *ct = kzalloc(sizeof(*ct), GFP_KERNEL);

	if (ct)
		container_set_subsys_state(cont, ss, &ct->css);
	return ct ? 0 : -ENOMEM;
}

static void destroy(struct container_subsys *ss, struct container *cont)
{
	kfree_rcu(to_cputime(cont), rcu);	/* charge() may still look at it */
}

/* At each tick and switch, with the scheduler's lock held: no sleep. RCU keeps the container. */
static void charge(void *data, struct task_struct *task, u64 ns)
{
	rcu_read_lock();
	atomic64_add(ns, &to_cputime(task_container(task, &subsys))->ns);
	rcu_read_unlock();
}

/* Before 6.8 there is one argument more, and kernels with CFI call only what has the very type. */
static void charge_old(void *data, struct task_struct *task, u64 ns, u64 vruntime)
{
	charge(data, task, ns);
}

#define CHARGE _Generic(trace_sched_stat_runtime, \
	void (*)(struct task_struct *, u64) : (void *)charge, default : (void *)charge_old)

static void find(struct tracepoint *tp, void *data)
{
	runtime = strcmp(tp->name, "sched_stat_runtime") ? runtime : tp;
}

static int bind(struct container_subsys *ss, struct container *root)
{
	for_each_kernel_tracepoint(find, NULL);
	return runtime ? tracepoint_probe_register(runtime, CHARGE, NULL) : -ENOENT;
}

static void unbind(struct container_subsys *ss, struct container *root)
{
	tracepoint_probe_unregister(runtime, CHARGE, NULL);
	tracepoint_synchronize_unregister();
}

static int show(struct seq_file *m, struct container *cont, const struct container_cftype *cft)
{
	seq_printf(m, "%lld\n", div_s64(atomic64_read(&to_cputime(cont)->ns), NSEC_PER_MSEC));
	return 0;
}

static const struct container_cftype file = { .name = "cputime.ms", .show = show };

static int populate(struct container_subsys *ss, struct container *cont)
{
	return container_add_file(cont, &file);
}

static struct container_subsys subsys = {
	.name = "cputime", .owner = THIS_MODULE, .create = create, .destroy = destroy,
	.populate = populate, .bind = bind, .unbind = unbind, /* a mount binds the subsystem */
};
module_driver(subsys, container_register_subsys, container_unregister_subsys);
MODULE_LICENSE("GPL");
MODULE_ALIAS("container-subsys-cputime");
