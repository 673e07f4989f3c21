// SPDX-License-Identifier: GPL-2.0
/*
 * cpuset: which CPUs and memory nodes the tasks of a container may use.
 *
 * Here: the files, the rules for what they may be set to, and the core's callbacks.
 * What a setting does to a task is in cpus.c and mems.c.
 *
 * Who takes part, and how they keep out of each other's way:
 *
 * writes	under the manage lock. The new setting is published, the number of changes
 *	goes up, and then each member that is complete and has an older number is
 *	brought up to date, in portions, since that sleeps.
 * fork	copies the affinity and the nodes of the parent. Most forks need nothing else
 *	from us, and are not even told to us. What is missing then is that the copy
 *	may be older than a change of the parent. So a member is marked after each
 *	change, and its next fork is asked about (can_fork()): it may have begun
 *	before. And a walk finds the children in the making that were not asked
 *	about, as they had joined the container before. Both make them pending, and
 *	fork() brings them up to date when they are complete. During a walk that is
 *	done for all new tasks, so that the walk does not have to chase them.
 *	Whether somebody is to be told of new tasks is set before the walk looks who
 *	is complete; a new task is complete before it looks who is to be told.
 * exit	frees what is kept for the task.
 * move	can_attach() sets aside what attach(), which must not sleep, will need;
 *	post_attach() does what sleeps. In between the task is in its new container and
 *	runs as in the old one; the write to tasks has not returned yet. A thread in the
 *	making that follows its process (membership.c) gets attach() alone, from its
 *	parent and not from the mover; it has not run yet, and is brought up to date
 *	there, or by fork() if it goes below the root.
 * mkdir, rmdir, mount, umount	under the manage lock. A container that goes has no
 *	members; a hierarchy that goes has no containers below its root, so that no
 *	task is confined when the hooks are disarmed or the module is unloaded.
 * hotplug	see hotplug.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "cpuset.h"
#include "parse.h"

/* --- what is kept for members ------------------------------------------------ */

/*
 * Set aside by can_attach() for attach(). spares_lock guards the lists and the counter:
 * threads that follow a move take from them, too.
 */
static DEFINE_SPINLOCK(spares_lock);
static LIST_HEAD(spares);
/* Of tasks that go to the root, from attach() to post_attach(), in that order. */
static LIST_HEAD(leaving);
/* Whoever moves tasks, from can_attach() on; under the manage lock. */
static struct task_struct *mover;

/**
 * confined_alloc - a record
 * @gfp: how to allocate it
 *
 * Return: the record, all zero; NULL without memory.
 */
struct confined *confined_alloc(gfp_t gfp)
{
	return kzalloc(sizeof(struct confined) + cpumask_size(), gfp);
}

static int spare_add(void)
{
	struct confined *c = confined_alloc(GFP_KERNEL);

	if (!c)
		return -ENOMEM;
	spin_lock(&spares_lock);
	list_add(&c->node, &spares);
	spin_unlock(&spares_lock);
	return 0;
}

static struct confined *spare_take(void)
{
	struct confined *c;

	spin_lock(&spares_lock);
	c = list_first_entry_or_null(&spares, struct confined, node);
	if (c)
		list_del(&c->node);
	spin_unlock(&spares_lock);
	if (c)
		return c;
	c = confined_alloc(GFP_ATOMIC);
	/* it is confined all the same, as it is now: changes pass it by */
	if (!c)
		pr_warn_ratelimited("no memory for a thread that follows its process\n");
	return c;
}

/* The move for which they were made is over. */
static void spares_free(void)
{
	struct confined *c, *next;
	LIST_HEAD(unused);

	spin_lock(&spares_lock);
	list_splice_init(&spares, &unused);
	spin_unlock(&spares_lock);
	list_for_each_entry_safe(c, next, &unused, node)
		kfree(c);
}

/* --- new tasks ----------------------------------------------------------------- */

/* How many walks, and how many tasks in the making, need fork(). */
static DEFINE_SPINLOCK(watch_lock);
static int watchers;

static void watch_forks(bool on)
{
	spin_lock(&watch_lock);
	if (on ? !watchers++ : !--watchers)
		container_watch_forks(&cpuset_subsys, on);
	spin_unlock(&watch_lock);
}

/* A task that is not pending any more, if it was: what was applied to it last. */
static void state_set(u64 *words, unsigned int changes)
{
	if (xchg(&words[WORD_STATE], STATE(changes)) & STATE_PENDING)
		watch_forks(false);
}

/* Likewise one that is. */
static void state_set_pending(u64 *words, unsigned int changes)
{
	watch_forks(true);
	if (xchg(&words[WORD_STATE], STATE(changes) | STATE_PENDING) & STATE_PENDING)
		watch_forks(false);
}

/* One that a walk has found in the making, not up to date. */
static void make_pending(struct task_struct *task, u64 *words, void *arg)
{
	state_set_pending(words, 0);
	container_mark(task, &cpuset_subsys, true);
}

/* --- walks over members ------------------------------------------------------ */

/* A portion of them; under the manage lock. */
#define BATCH 256
static struct task_struct *batch[BATCH];

struct due {
	unsigned int changes;
	int count;
	bool busy;
};

/*
 * Puts a member that a change is due for into the portion, with a reference, which one
 * in the making does not allow.
 */
static void collect_due(struct task_struct *task, u64 *words, void *arg)
{
	u64 state = READ_ONCE(words[WORD_STATE]);
	struct due *due = arg;

	if ((state & ~STATE_PENDING) == STATE(due->changes))
		return;
	if (!task_is_born(task)) {
		if (!(state & STATE_PENDING) &&
		    !container_try_task(task, &cpuset_subsys, make_pending, NULL))
			due->busy = true;
		return;
	}
	if (due->count < BATCH)
		batch[due->count++] = get_task_struct(task);
}

/* A task in the making may go while a walk looks at it. */
static void for_each_member(struct container *cont,
			    void (*fn)(struct task_struct *task, u64 *words, void *arg),
			    void *arg)
{
	container_for_each_member(cont, &cpuset_subsys, fn, arg);
}

/* A change, published already, is due for all members. */
static void change_begin(struct container *cont)
{
	struct cpuset *cs = container_cpuset(cont);

	watch_forks(true);
	WRITE_ONCE(cs->changes, cs->changes + 1);
	/* before looking who is complete: see cpuset_fork() */
	smp_mb();
}

static void change_end(void)
{
	watch_forks(false);
}

/* The next portion of those that it is still due for: how many. */
static int next_batch(struct container *cont)
{
	struct due due = { .changes = container_cpuset(cont)->changes };

	do {
		due.busy = false;
		for_each_member(cont, collect_due, &due);
		cond_resched();
	} while (!due.count && due.busy);
	return due.count;
}

/*
 * A member has got it. Not before: what it forks until then is due for it, too, and
 * what it is just forking. It is done with also if it cannot be done.
 */
static void change_done(struct task_struct *task, u64 *words, void *cs)
{
	state_set(words, ((struct cpuset *)cs)->changes);
	container_mark(task, &cpuset_subsys, true);
}

/* Is there another thread in the container that its address space goes with? */
static bool follows_leader(struct container *cont, struct task_struct *task)
{
	bool follows;

	rcu_read_lock();
	follows = !thread_group_leader(task) &&
		  task_container(READ_ONCE(task->group_leader), &cpuset_subsys) == cont;
	rcu_read_unlock();
	return follows;
}

/**
 * members_apply - bring the members of a container up to date with its setting
 * @cont: a container below the root
 * @what: APPLY_ flags
 * @from: nodes that they had before; NULL to move no pages
 *
 * Context: manage lock held; sleeps.
 */
void members_apply(struct container *cont, int what, const nodemask_t *from)
{
	struct cpuset *cs = container_cpuset(cont);
	bool migrate = from && test_bit(CPUSET_MEMORY_MIGRATE, &cs->flags);
	struct task_struct *task;
	int i, count;

	change_begin(cont);
	while ((count = next_batch(cont))) {
		for (i = 0; i < count; i++) {
			task = batch[i];
			if (what & APPLY_CPUS)
				cpus_apply(task);
			if ((what & APPLY_MEMS) && mems_apply(task) &&
			    !follows_leader(cont, task))
				mems_apply_mm(task, from ?: &node_states[N_MEMORY], migrate);
			if (what & APPLY_SPREAD)
				spread_set(task, cs->flags);
			container_for_task(task, &cpuset_subsys, change_done, cs);
			put_task_struct(task);
		}
		cond_resched();
	}
	change_end();
}

/* Likewise for the root, which only spreads. */
static void root_spread(struct container *root, unsigned long flags)
{
	struct task_struct *process, *task;

	rcu_read_lock();
	for_each_process_thread(process, task)
		if (task_container(task, &cpuset_subsys) == root)
			spread_set(task, flags);
	rcu_read_unlock();
}

/* Set while a container that has lost everything gives up its members. */
static bool evicting;

/**
 * members_evict - move the members of a container
 * @cont: a container below the root
 * @to: where to
 *
 * Context: manage lock held; sleeps.
 */
void members_evict(struct container *cont, struct container *to)
{
	/* the kernel does it: not with the rights of whoever happens to be current */
	const struct cred *cred = rcu_dereference_raw(init_task.cred);
	bool failed = false;
	int i, count, err;

	evicting = true;
	change_begin(cont);
	while ((count = next_batch(cont)))
		for (i = 0; i < count; i++) {
			err = container_attach_task(to, batch[i], cred);
			if (err)
				container_for_task(batch[i], &cpuset_subsys, change_done,
						   container_cpuset(cont));
			if (err == -ENOMEM)
				failed = true;
			put_task_struct(batch[i]);
		}
	change_end();
	evicting = false;
	if (failed)
		pr_warn_ratelimited("no memory to move tasks out of a container without CPUs\n");
}

/* --- rules -------------------------------------------------------------------- */

/**
 * cpuset_usable - can tasks run in a container?
 * @cont: the container
 *
 * Context: manage lock held.
 */
bool cpuset_usable(struct container *cont)
{
	struct setting *s = setting_locked(cont);

	return !cont->parent || (cpumask_intersects(setting_cpus(s), cpu_active_mask) &&
				 nodes_intersects(s->mems, node_states[N_MEMORY]));
}

/*
 * A task is refused where it could not run. The log says which file is empty, once, and
 * again when that has changed: an error that says no more is what everybody meets who
 * makes his first container.
 */
static int refuse_unusable(struct container *cont)
{
	const char *prefix = container_noprefix(cont) ? "" : "cpuset.";
	struct setting *s = setting_locked(cont);
	struct cpuset *cs = container_cpuset(cont);
	bool cpus = cpumask_intersects(setting_cpus(s), cpu_active_mask);
	bool mems = nodes_intersects(s->mems, node_states[N_MEMORY]);
	unsigned char lacks = !cpus + 2 * !mems;

	if (cs->said_to_lack == lacks)
		return -ENOSPC;
	cs->said_to_lack = lacks;
	if (!cpus && !mems)
		pr_notice_ratelimited("%pd4: no task can enter: %scpus and %smems are empty\n",
				      cont->dentry, prefix, prefix);
	else
		pr_notice_ratelimited("%pd4: no task can enter: %s%s is empty\n", cont->dentry,
				      prefix, cpus ? "mems" : "cpus");
	return -ENOSPC;
}

static struct setting *setting_dup(const struct setting *from)
{
	return kmemdup(from, setting_size(), GFP_KERNEL);
}

/* What a root is set to is whatever there is; only its flags are its own. */
static void root_refresh(struct container *root)
{
	struct setting *s = setting_locked(root);

	cpumask_copy(setting_cpus(s), cpu_online_mask);
	s->mems = node_states[N_MEMORY];
}

static void find_deadline(struct task_struct *task, u64 *word, void *found)
{
	if (task->policy == SCHED_DEADLINE)
		*(bool *)found = true;
}

/*
 * The scheduler has promised time to tasks with a deadline on all its CPUs, and lets
 * nobody narrow them.
 */
static bool deadline_misses(struct container *cont, struct setting *old, struct setting *new)
{
	bool found = false;

	if (cpumask_subset(setting_cpus(old), setting_cpus(new)))
		return false;
	for_each_member(cont, find_deadline, &found);
	return found;
}

/* May a container be set to this? In the order in which cgroup v1 finds faults. */
static int setting_check(struct container *cont, struct setting *new)
{
	struct setting *old = setting_locked(cont);
	struct container *parent = cont->parent, *other;

	list_for_each_entry(other, &cont->children, sibling)
		if (!setting_within(setting_locked(other), new))
			return -EBUSY;
	if (!parent)
		return 0;
	if (!setting_within(new, setting_locked(parent)))
		return -EACCES;
	if (READ_ONCE(cont->nr_members) && setting_empties(old, new))
		return -ENOSPC;
	if (deadline_misses(cont, old, new))
		return -EBUSY;
	list_for_each_entry(other, &parent->children, sibling)
		if (other != cont && settings_collide(new, setting_locked(other)))
			return -EINVAL;
	return 0;
}

/*
 * Sets a container, unless that is against the rules; @new is used up. No CPU goes away
 * between the check and the moment from which on it is missed.
 */
static int setting_change(struct container *cont, struct setting *new)
{
	struct setting *old = setting_locked(cont);
	nodemask_t from = old->mems;
	int what = 0, err;

	cpus_read_lock();
	root_refresh(cont->top_container);
	if (!cpumask_subset(setting_cpus(new), cpu_online_mask) ||
	    !nodes_subset(new->mems, node_states[N_MEMORY]))
		err = -EINVAL;
	else
		err = setting_check(cont, new);
	if (!err) {
		if (!cpumask_equal(setting_cpus(old), setting_cpus(new)))
			what |= APPLY_CPUS;
		if (!nodes_equal(old->mems, new->mems))
			what |= APPLY_MEMS;
		cpus_publish(cont, new);
	}
	cpus_read_unlock();
	if (err)
		kfree(new);
	else if (what)
		members_apply(cont, what, &from);
	return err;
}

/* --- files -------------------------------------------------------------------- */

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

/* Below the root; the root has the same, its lists read-only, and one more. */
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

/* Each file in its four guises: [root][noprefix]. */
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

static void guises_init(void)
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

static int cpuset_populate(struct container_subsys *ss, struct container *cont)
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

/* --- tasks come and go --------------------------------------------------------- */

static int cpuset_can_attach(struct container_subsys *ss, struct container *cont,
			     struct task_struct *task)
{
	struct setting *s = setting_locked(cont);

	mover = current;
	if (!cont->parent)
		return spare_add();
	if (!cpuset_usable(cont))
		return refuse_unusable(cont);
	if (task->flags & PF_NO_SETAFFINITY)
		return -EINVAL;
	/* the kernel's threads are its children, and it does as it likes with them */
	if ((task->flags & PF_KTHREAD) && task_pid_nr(task) == 2)
		return -EINVAL;
	if (task->policy == SCHED_DEADLINE && !evicting &&
	    !cpumask_subset(cpu_online_mask, setting_cpus(s)))
		return -EBUSY;
	return spare_add();
}

/* From the root; without memory it is confined all the same, as if it wanted all. */
static void attach_from_root(struct task_struct *task, u64 *words)
{
	struct confined *c = spare_take();

	if (!c)
		return;
	c->fresh = true;
	c->spread = spread_get(task);
	words_confine(words, c);
}

static void attach_to_root(struct task_struct *task, u64 *words)
{
	struct confined *c = words_confined(words);

	words_confine(words, NULL);
	state_set(words, 0);
	container_mark(task, &cpuset_subsys, false);
	if (current != mover) {
		/* a new thread that follows, and has not run yet */
		if (!c || !c->fresh)
			cpus_fork_release(task, c ? confined_want(c) : cpu_possible_mask);
		spread_set(task, c ? c->spread : 0);
		mems_fork_release(task);
		if (c)
			kfree_rcu(c, rcu);
		return;
	}
	if (!c) {
		c = spare_take();
		if (!c)
			return;
		cpumask_copy(confined_want(c), cpu_possible_mask);
	}
	c->task = task;
	spin_lock(&spares_lock);
	list_add_tail(&c->node, &leaving);
	spin_unlock(&spares_lock);
}

static void cpuset_attach(struct container_subsys *ss, struct container *cont,
			  struct container *old_cont, struct task_struct *task)
{
	u64 *words = container_task_data(task, ss);
	unsigned int changes = container_cpuset(cont)->changes - 1;

	if (!cont->parent) {
		attach_to_root(task, words);
		return;
	}
	if (!old_cont->parent)
		attach_from_root(task, words);
	/* until post_attach(), and for whatever it forks until then */
	if (current == mover)
		state_set(words, changes);
	else
		state_set_pending(words, changes);
	container_mark(task, ss, true);
}

/* What was kept for a task that has left for the root. */
static struct confined *leaver(struct task_struct *task)
{
	struct confined *c;

	spin_lock(&spares_lock);
	c = list_first_entry_or_null(&leaving, struct confined, node);
	if (c && c->task == task)
		list_del(&c->node);
	else
		c = NULL;
	spin_unlock(&spares_lock);
	return c;
}

static void cpuset_post_attach(struct container_subsys *ss, struct container *cont,
			       struct container *old_cont, struct task_struct *task)
{
	struct cpuset *cs = container_cpuset(cont);
	nodemask_t from = old_cont->parent ? setting_locked(old_cont)->mems :
					     node_states[N_MEMORY];
	struct confined *c;

	if (cont->parent) {
		cpus_apply(task);
		spread_set(task, cs->flags);
		container_for_task(task, ss, change_done, cs);
	} else {
		c = leaver(task);
		/* none for a thread that was faster, see attach() */
		if (c) {
			cpus_release(task, confined_want(c));
			spread_set(task, cs->flags | c->spread);
			kfree_rcu(c, rcu);
		}
	}
	if (mems_apply(task) && !follows_leader(cont, task))
		mems_apply_mm(task, &from, test_bit(CPUSET_MEMORY_MIGRATE, &cs->flags));
	spares_free();
}

struct inheritance {
	struct container *cont;
	struct confined *c;	/* the child's record, if its parent has one */
	unsigned int changes;
};

/* What a child gets of what is kept for its parent; under the lock of that's entry. */
static void inherit(struct task_struct *parent, u64 *words, void *arg)
{
	struct confined *from = words_confined(words);
	struct inheritance *child = arg;

	child->changes = READ_ONCE(words[WORD_STATE]) >> 1;
	if (from && child->c) {
		cpumask_copy(confined_want(child->c), confined_want(from));
		child->c->fresh = from->fresh;
		child->c->spread = from->spread;
	}
	/* up to date, it is only this fork that may have begun before */
	if (!from && child->changes == READ_ONCE(container_cpuset(child->cont)->changes))
		container_mark(parent, &cpuset_subsys, false);
}

static int cpuset_can_fork(struct container_subsys *ss, struct container *cont,
			   struct task_struct *child, u64 *words, const u64 *parent)
{
	struct inheritance from = { .cont = cont };

	if (words_confined(parent)) {
		from.c = confined_alloc(GFP_NOWAIT | __GFP_NOWARN);
		if (!from.c)
			return -ENOMEM;
		/* should the parent's go just now */
		cpumask_copy(confined_want(from.c), cpu_possible_mask);
	}
	container_for_task(current, ss, inherit, &from);
	words_confine(words, from.c);
	state_set_pending(words, from.changes);
	return 0;
}

static void cpuset_cancel_fork(struct container_subsys *ss, struct container *cont,
			       struct task_struct *child, u64 *words)
{
	struct confined *c = words_confined(words);

	words_confine(words, NULL);
	state_set(words, 0);
	if (c)
		kfree_rcu(c, rcu);
}

/*
 * Is the latest change due for a new task? One that is not pending is the child of a
 * parent that was up to date when it last forked: it is if that has changed.
 */
static bool fork_is_due(struct container *cont, const u64 *words, unsigned int changes)
{
	u64 state = READ_ONCE(words[WORD_STATE]);

	if (!(state & STATE_PENDING)) {
		words = container_task_data(current, &cpuset_subsys);
		if (!words || task_container(current, &cpuset_subsys) != cont)
			return true;
		state = READ_ONCE(words[WORD_STATE]);
	}
	return (state & ~STATE_PENDING) != STATE(changes);
}

static void cpuset_fork(struct container_subsys *ss, struct container *cont,
			struct task_struct *child, u64 *words)
{
	struct cpuset *cs = container_cpuset(cont);
	struct confined *c = words_confined(words);
	unsigned int changes;
	bool due, fine, usable;

	/* complete, before looking at the changes and the setting: see change_begin() */
	smp_mb();
	changes = READ_ONCE(cs->changes);
	rcu_read_lock();
	due = fork_is_due(cont, words, changes);
	rcu_read_unlock();
	/* one that comes from here on finds it, and due */
	state_set(words, changes);
	fine = cpus_fork(child, c, due);
	fine &= mems_fork(child, due);
	spread_set(child, cs->flags);
	if (!c)
		container_mark(child, ss, false);
	if (likely(fine))
		return;
	rcu_read_lock();
	usable = !cpumask_empty(setting_cpus(setting_of(cont))) &&
		 !nodes_empty(setting_of(cont)->mems);
	rcu_read_unlock();
	/* the others may have been moved out while it was in the making */
	if (!usable)
		hotplug_repair();
}

static void cpuset_exit(struct container_subsys *ss, struct container *cont,
			struct task_struct *task, u64 *words)
{
	struct confined *c = words_confined(words);

	words_confine(words, NULL);
	if (c)
		kfree_rcu(c, rcu);
}

/* --- containers ---------------------------------------------------------------- */

static int cpuset_create(struct container_subsys *ss, struct container *cont)
{
	struct cpuset *cs;
	struct setting *s;

	cs = kzalloc(sizeof(*cs), GFP_KERNEL);
	if (!cs)
		return -ENOMEM;
	s = kzalloc(setting_size(), GFP_KERNEL);
	if (!s) {
		kfree(cs);
		return -ENOMEM;
	}
	cs->changes = 1;
	spin_lock_init(&cs->meter_lock);
	if (cont->parent)
		cs->flags = container_cpuset(cont->parent)->flags & SPREAD_FLAGS;
	else
		s->flags = BIT(SETTING_CPU_EXCLUSIVE) | BIT(SETTING_MEM_EXCLUSIVE);
	RCU_INIT_POINTER(cs->setting, s);
	container_set_subsys_state(cont, ss, &cs->css);
	return 0;
}

/*
 * As its parent is, or nobody could enter; not exclusive, as it shares all with it. Where
 * a sibling has some of that for itself, it stays empty, as in cgroup v1.
 */
static int cpuset_clone(struct container_subsys *ss, struct container *cont)
{
	struct setting *parent = setting_locked(cont->parent);
	struct setting *new = setting_dup(setting_locked(cont));
	bool below = cont->parent->parent;
	int err;

	if (!new)
		return -ENOMEM;
	cpumask_copy(setting_cpus(new), below ? setting_cpus(parent) : cpu_online_mask);
	new->mems = below ? parent->mems : node_states[N_MEMORY];
	err = setting_change(cont, new);
	return err == -EINVAL ? 0 : err;
}

static void cpuset_destroy(struct container_subsys *ss, struct container *cont)
{
	struct cpuset *cs = container_cpuset(cont);
	struct setting *s = setting_locked(cont);

	kfree_rcu(s, rcu);
	kfree_rcu(cs, rcu);
}

static int cpuset_bind(struct container_subsys *ss, struct container *root)
{
	int err;

	err = cpus_bind();
	if (err)
		return err;
	err = mems_bind();
	if (err)
		cpus_unbind();
	return err;
}

static void cpuset_unbind(struct container_subsys *ss, struct container *root)
{
	struct cpuset *cs = container_cpuset(root);

	if (cs->flags & SPREAD_FLAGS)
		root_spread(root, 0);
	cs->flags = 0;
	setting_locked(root)->flags = BIT(SETTING_CPU_EXCLUSIVE) | BIT(SETTING_MEM_EXCLUSIVE);
	pressure_count(false);
	mems_unbind();
	cpus_unbind();
	cs->meter = (struct fmeter) {};
	spares_free();
}

struct container_subsys cpuset_subsys = {
	.name = "cpuset",
	.owner = THIS_MODULE,
	.members_only = true,
	.marked_only = true,
	.task_words = WORDS,
	.create = cpuset_create,
	.destroy = cpuset_destroy,
	.clone = cpuset_clone,
	.can_attach = cpuset_can_attach,
	.can_clone = cpuset_can_attach,
	.attach = cpuset_attach,
	.post_attach = cpuset_post_attach,
	.can_fork = cpuset_can_fork,
	.cancel_fork = cpuset_cancel_fork,
	.fork = cpuset_fork,
	.exit = cpuset_exit,
	.populate = cpuset_populate,
	.bind = cpuset_bind,
	.unbind = cpuset_unbind,
};

static int __init cpuset_init_module(void)
{
	int err;

	guises_init();
	err = cpus_init();
	if (err)
		return err;
	err = mems_init();
	if (err)
		goto err_cpus;
	err = hotplug_init();
	if (err)
		goto err_mems;
	err = container_register_subsys(&cpuset_subsys);
	if (err)
		goto err_hotplug;
	legacy_init();
	return 0;

err_hotplug:
	hotplug_exit();
err_mems:
	mems_exit();
err_cpus:
	cpus_exit();
	return err;
}

static void __exit cpuset_exit_module(void)
{
	legacy_exit();
	container_unregister_subsys(&cpuset_subsys);
	hotplug_exit();
	mems_exit();
	cpus_exit();
	/* settings and cpusets are freed after a grace period */
	rcu_barrier();
}

module_init(cpuset_init_module);
module_exit(cpuset_exit_module);

MODULE_DESCRIPTION("Containers: CPUs and memory nodes");
MODULE_LICENSE("GPL");
MODULE_VERSION(CONTAINER_VERSION);
MODULE_ALIAS("container-subsys-cpuset");
