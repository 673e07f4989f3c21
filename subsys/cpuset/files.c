// SPDX-License-Identifier: GPL-2.0
/*
 * The control files of a cpuset. A written value becomes a new setting, which cpuset.c checks
 * against the rules and applies.
 */
#include <linux/cpumask.h>
#include <linux/slab.h>

#include "cpuset.h"
#include "container_parse.h"

enum {
	FILE_CPUS,
	FILE_MEMS,
};

static int list_show(struct seq_file *m, struct container *cont,
		     const struct container_cftype *cft)
{
	static struct cpumask cpus;	/* under the callback lock */
	nodemask_t mems = node_states[N_MEMORY];

	cpumask_copy(&cpus, cpu_online_mask);
	if (cont->parent) {
		rcu_read_lock();
		cpumask_copy(&cpus, setting_cpus(setting_of(cont)));
		mems = setting_of(cont)->mems;
		rcu_read_unlock();
		hotplug_hide(&cpus, &mems);
	}
	if (cft->private == FILE_CPUS)
		seq_printf(m, "%*pbl\n", cpumask_pr_args(&cpus));
	else
		seq_printf(m, "%*pbl\n", nodemask_pr_args(&mems));
	return 0;
}

/*
 * Sets the CPUs of a setting, all of which have to be present. The scheduler marks a CPU that is
 * going as inactive before hotplug.c notes it: one that is active here and goes is removed.
 */
static int set_cpus(struct setting *s, const char *list)
{
	int err = parse_cpus(list, setting_cpus(s));

	return err ?: cpumask_subset(setting_cpus(s), cpu_active_mask) ? 0 : -EINVAL;
}

/* The same for memory nodes: the kernel changes node_states before it tells hotplug.c. */
static int set_mems(struct setting *s, const char *list)
{
	int err = parse_mems(list, &s->mems);

	return err ?: nodes_subset(s->mems, node_states[N_MEMORY]) ? 0 : -EINVAL;
}

static int list_write(struct container *cont, const struct container_cftype *cft,
		      struct file *file, char *buf)
{
	struct setting *new;
	int err;

	if (!cont->parent)
		return -EACCES;
	hotplug_sync(cont);
	new = setting_dup(setting_locked(cont));
	if (!new)
		return -ENOMEM;
	buf = strim(buf);
	err = cft->private == FILE_CPUS ? set_cpus(new, buf) : set_mems(new, buf);
	if (err) {
		kfree(new);
		return err;
	}
	return setting_change(cont, new, cft->private == FILE_CPUS ? APPLY_CPUS : APPLY_MEMS);
}

static int exclusive_show(struct seq_file *m, struct container *cont,
			  const struct container_cftype *cft)
{
	rcu_read_lock();
	seq_printf(m, "%d\n", test_bit(cft->private, &setting_of(cont)->flags));
	rcu_read_unlock();
	return 0;
}

static int exclusive_write(struct container *cont, const struct container_cftype *cft,
			   struct file *file, char *buf)
{
	unsigned long on;
	struct setting *new;
	int err;

	err = container_parse_number(buf, 1, &on);
	if (err)
		return err;
	hotplug_sync(cont);
	new = setting_dup(setting_locked(cont));
	if (!new)
		return -ENOMEM;
	__assign_bit(cft->private, &new->flags, on);
	return setting_change(cont, new, 0);
}

static int flag_show(struct seq_file *m, struct container *cont,
		     const struct container_cftype *cft)
{
	seq_printf(m, "%d\n", test_bit(cft->private, &container_cpuset(cont)->flags));
	return 0;
}

static int flag_write(struct container *cont, const struct container_cftype *cft,
		      struct file *file, char *buf)
{
	struct cpuset *cs = container_cpuset(cont);
	unsigned long on;
	int err;

	err = container_parse_number(buf, 1, &on);
	if (err)
		return err;
	assign_bit(cft->private, &cs->flags, on);
	if (!(BIT(cft->private) & SPREAD_FLAGS))
		return 0;
	if (cont->parent)
		members_apply(cont, APPLY_SPREAD, NULL);
	else
		root_spread(cont, cs->flags);
	return 0;
}

static int pressure_show(struct seq_file *m, struct container *cont,
			 const struct container_cftype *cft)
{
	struct cpuset *cs = container_cpuset(cont);
	int rate;

	spin_lock(&cs->meter_lock);
	rate = fmeter_rate(&cs->meter, ktime_get_seconds());
	spin_unlock(&cs->meter_lock);
	seq_printf(m, "%d\n", rate);
	return 0;
}

static int pressure_write(struct container *cont, const struct container_cftype *cft,
			  struct file *file, char *buf)
{
	return -EACCES;
}

static int pressure_enabled_show(struct seq_file *m, struct container *cont,
				 const struct container_cftype *cft)
{
	seq_printf(m, "%d\n", pressure_counted());
	return 0;
}

static int pressure_enabled_write(struct container *cont, const struct container_cftype *cft,
				  struct file *file, char *buf)
{
	unsigned long on;
	int err;

	err = container_parse_number(buf, 1, &on);
	return err ?: pressure_count(on);
}

static const struct container_cftype files[] = {
	{
		.name = "cpuset.cpus",
		.flags = CONTAINER_FILE_SHORT_NAME | CONTAINER_FILE_ROOT_READONLY,
		.private = FILE_CPUS,
		.show = list_show,
		.write = list_write,
	}, {
		.name = "cpuset.mems",
		.flags = CONTAINER_FILE_SHORT_NAME | CONTAINER_FILE_ROOT_READONLY,
		.private = FILE_MEMS,
		.show = list_show,
		.write = list_write,
	}, {
		.name = "cpuset.cpu_exclusive",
		.flags = CONTAINER_FILE_SHORT_NAME,
		.private = SETTING_CPU_EXCLUSIVE,
		.show = exclusive_show,
		.write = exclusive_write,
	}, {
		.name = "cpuset.mem_exclusive",
		.flags = CONTAINER_FILE_SHORT_NAME,
		.private = SETTING_MEM_EXCLUSIVE,
		.show = exclusive_show,
		.write = exclusive_write,
	}, {
		.name = "cpuset.memory_migrate",
		.flags = CONTAINER_FILE_SHORT_NAME,
		.private = CPUSET_MEMORY_MIGRATE,
		.show = flag_show,
		.write = flag_write,
	}, {
		.name = "cpuset.memory_spread_page",
		.flags = CONTAINER_FILE_SHORT_NAME,
		.private = CPUSET_SPREAD_PAGE,
		.show = flag_show,
		.write = flag_write,
	}, {
		.name = "cpuset.memory_spread_slab",
		.flags = CONTAINER_FILE_SHORT_NAME,
		.private = CPUSET_SPREAD_SLAB,
		.show = flag_show,
		.write = flag_write,
	}, {
		.name = "cpuset.memory_pressure",
		.flags = CONTAINER_FILE_SHORT_NAME,
		.mode = 0444,
		.show = pressure_show,
		.write = pressure_write,
	}, {
		.name = "cpuset.memory_pressure_enabled",
		.flags = CONTAINER_FILE_SHORT_NAME | CONTAINER_FILE_ROOT_ONLY,
		.show = pressure_enabled_show,
		.write = pressure_enabled_write,
	},
};

/**
 * cpuset_populate - add the files to the directory of a new container
 * @ss: cpuset
 * @cont: the container
 *
 * Context: see populate() in container.h.
 */
int cpuset_populate(struct container_subsys *ss, struct container *cont)
{
	const struct container_cftype *cft;
	int err = 0;

	for (cft = files; cft < files + ARRAY_SIZE(files) && !err; cft++) {
		if (cft->show == flag_show && (BIT(cft->private) & SPREAD_FLAGS) &&
		    !spread_known(cft->private))
			continue;
		err = container_add_file(cont, cft);
	}
	return err;
}
