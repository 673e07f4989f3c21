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
	static struct cpumask shown;	/* under the callback lock */
	struct setting *s;

	rcu_read_lock();
	s = setting_of(cont);
	if (cft->private == FILE_CPUS) {
		cpumask_copy(&shown, cont->parent ? setting_cpus(s) : cpu_online_mask);
		if (cont->parent)
			hotplug_hide(&shown);
		seq_printf(m, "%*pbl\n", cpumask_pr_args(&shown));
	} else if (cont->parent) {
		seq_printf(m, "%*pbl\n", nodemask_pr_args(&s->mems));
	} else {
		seq_printf(m, "%*pbl\n", nodemask_pr_args(&node_states[N_MEMORY]));
	}
	rcu_read_unlock();
	return 0;
}

static int list_write(struct container *cont, const struct container_cftype *cft,
		      struct file *file, char *buf)
{
	struct setting *new;
	int err;

	if (!cont->parent)
		return -EACCES;
	hotplug_sync();
	new = setting_dup(setting_locked(cont));
	if (!new)
		return -ENOMEM;
	buf = strim(buf);
	err = cft->private == FILE_CPUS ? parse_cpus(buf, setting_cpus(new)) :
					  parse_mems(buf, &new->mems);
	if (err) {
		kfree(new);
		return err;
	}
	return setting_change(cont, new);
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
	hotplug_sync();
	if (!cont->parent)
		root_refresh(cont);
	new = setting_dup(setting_locked(cont));
	if (!new)
		return -ENOMEM;
	__assign_bit(cft->private, &new->flags, on);
	return setting_change(cont, new);
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

#define PREFIX "cpuset."

/* The files below the root. The root has the same files, with read-only lists, and one more. */
static struct container_cftype files[] = {
	{
		.name = PREFIX "cpus",
		.private = FILE_CPUS,
		.show = list_show,
		.write = list_write,
	}, {
		.name = PREFIX "mems",
		.private = FILE_MEMS,
		.show = list_show,
		.write = list_write,
	}, {
		.name = PREFIX "cpu_exclusive",
		.private = SETTING_CPU_EXCLUSIVE,
		.show = exclusive_show,
		.write = exclusive_write,
	}, {
		.name = PREFIX "mem_exclusive",
		.private = SETTING_MEM_EXCLUSIVE,
		.show = exclusive_show,
		.write = exclusive_write,
	}, {
		.name = PREFIX "memory_migrate",
		.private = CPUSET_MEMORY_MIGRATE,
		.show = flag_show,
		.write = flag_write,
	}, {
		.name = PREFIX "memory_spread_page",
		.private = CPUSET_SPREAD_PAGE,
		.show = flag_show,
		.write = flag_write,
	}, {
		.name = PREFIX "memory_spread_slab",
		.private = CPUSET_SPREAD_SLAB,
		.show = flag_show,
		.write = flag_write,
	}, {
		.name = PREFIX "memory_pressure",
		.mode = 0444,
		.show = pressure_show,
		.write = pressure_write,
	},
};

static struct container_cftype root_files[] = {
	{
		.name = PREFIX "memory_pressure_enabled",
		.show = pressure_enabled_show,
		.write = pressure_enabled_write,
	},
};

/* The variants of each file: [root][noprefix]. */
static struct container_cftype files_as[2][2][ARRAY_SIZE(files)];
static struct container_cftype root_files_as[2][ARRAY_SIZE(root_files)];

static void file_guise(struct container_cftype *to, const struct container_cftype *file,
		       bool root, bool noprefix)
{
	*to = *file;
	if (noprefix)
		strscpy(to->name, file->name + strlen(PREFIX), sizeof(to->name));
	if (root && file->show == list_show)
		to->mode = 0444;
}

/**
 * files_init - prepare the files
 *
 * Context: the module is being loaded.
 */
void files_init(void)
{
	int i, noprefix;

	for (noprefix = 0; noprefix < 2; noprefix++) {
		for (i = 0; i < ARRAY_SIZE(files); i++) {
			file_guise(&files_as[false][noprefix][i], &files[i], false, noprefix);
			file_guise(&files_as[true][noprefix][i], &files[i], true, noprefix);
		}
		for (i = 0; i < ARRAY_SIZE(root_files); i++)
			file_guise(&root_files_as[noprefix][i], &root_files[i], true, noprefix);
	}
}

/**
 * cpuset_populate - add the files to the directory of a new container
 * @ss: cpuset
 * @cont: the container
 *
 * Context: see populate() in container.h.
 */
int cpuset_populate(struct container_subsys *ss, struct container *cont)
{
	bool noprefix = container_noprefix(cont), root = !cont->parent;
	const struct container_cftype *cft;
	int i, err = 0;

	for (i = 0; i < ARRAY_SIZE(files) && !err; i++) {
		cft = &files_as[root][noprefix][i];
		if (cft->show == flag_show && (BIT(cft->private) & SPREAD_FLAGS) &&
		    !spread_known(cft->private))
			continue;
		err = container_add_file(cont, cft);
	}
	if (!err && root)
		err = container_add_files(cont, root_files_as[noprefix],
					  ARRAY_SIZE(root_files));
	return err;
}
