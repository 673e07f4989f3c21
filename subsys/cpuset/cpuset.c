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
 * fork	copies the affinity and the nodes of the parent. fork() is called when the child
 *	is complete but has not run. If the parent is up to date, and the child has what
 *	the parent has, then it is up to date, too; otherwise it is brought so there.
 *	The child says that it is complete before it looks for changes, and a writer
 *	counts the change before it looks who is complete: one of them sees the other.
 * exit	drops what is kept for the task.
 * move	can_attach() sets aside what attach(), which must not sleep, will need;
 *	post_attach() does what sleeps. In between the task is in its new container and
 *	runs as in the old one; the write to tasks has not returned yet. A new thread
 *	that follows its process (membership.c) gets attach() alone, from its parent
 *	and not from the mover; it has not run yet, and is brought up to date there, or
 *	by fork() if it goes below the root.
 * mkdir, rmdir, mount, umount	under the manage lock. A container that goes has no
 *	members; a hierarchy that goes has no containers below its root, so that no
 *	task is confined when the hooks are disarmed or the module is unloaded.
 * hotplug	see hotplug.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "cpuset.h"
#include "hook.h"
#include "parse.h"

/* --- what is kept for members ------------------------------------------------ */

/*
 * Set aside by can_attach() for attach(). spares_lock guards the lists and the counter:
 * threads that follow a move take from them, too.
 */
static DEFINE_SPINLOCK(spares_lock);
static LIST_HEAD(spares);
static int spare_count;
/* Of tasks that go to the root, from attach() to post_attach(), in that order. */
static LIST_HEAD(leaving);
/* Who moves tasks, from can_attach() on; under the manage lock. */
static struct task_struct *mover;

/**
 * wish_alloc - a wish that nobody else knows yet
 * @gfp: how to allocate it
 *
 * Return: the wish, all zero; NULL without memory.
 */
struct wish *wish_alloc(gfp_t gfp)
{
	struct wish *wish = kzalloc(sizeof(*wish) + cpumask_size(), gfp);

	if (wish)
		refcount_set(&wish->users, 1);
	return wish;
}

static void hold_wish(struct task_struct *task, u64 *words, void *wish)
{
	struct wish *own = word_wish(words[WORD_WISH]);

	if (own)
		refcount_inc(&own->users);
	*(struct wish **)wish = own;
}

/**
 * wish_get - what a member wants
 * @task: the task, which the caller keeps from being freed
 *
 * Context: any but interrupts and the callbacks for that task.
 * Return: it, with a reference; NULL where the task would be restricted in nothing.
 */
struct wish *wish_get(struct task_struct *task)
{
	struct wish *wish = NULL;

	container_for_task(task, &cpuset_subsys, hold_wish, &wish);
	return wish;
}

/*
 * One more, but no more than its process has threads: those of moves that came to nothing
 * are there still.
 */
static int spare_add(struct task_struct *task)
{
	struct wish *wish;

	if (READ_ONCE(spare_count) >= get_nr_threads(task))
		return 0;
	wish = wish_alloc(GFP_KERNEL);
	if (!wish)
		return -ENOMEM;
	spin_lock(&spares_lock);
	list_add(&wish->node, &spares);
	spare_count++;
	spin_unlock(&spares_lock);
	return 0;
}

static struct wish *spare_take(void)
{
	struct wish *wish;

	spin_lock(&spares_lock);
	wish = list_first_entry_or_null(&spares, struct wish, node);
	if (wish) {
		list_del(&wish->node);
		spare_count--;
	}
	spin_unlock(&spares_lock);
	return wish ?: wish_alloc(GFP_ATOMIC | __GFP_NOWARN);
}

/* The move for which they were made is over. */
static void spares_free(void)
{
	struct wish *wish, *next;
	LIST_HEAD(unused);

	spin_lock(&spares_lock);
	list_splice_init(&spares, &unused);
	spare_count = 0;
	spin_unlock(&spares_lock);
	list_for_each_entry_safe(wish, next, &unused, node)
		wish_put(wish);
}

/*
 * The word of a task that comes from the root: it wants what it has. Without memory it is
 * confined all the same, as if it wanted all.
 */
static u64 word_of_newcomer(struct task_struct *task)
{
	struct wish *wish = spare_take();
	unsigned long flags;

	if (!wish) {
		pr_warn_ratelimited("no memory to remember the affinity of a task\n");
		return WISH_ALL;
	}
	raw_spin_lock_irqsave(&task->pi_lock, flags);
	cpumask_copy(wish_cpus(wish), &task->cpus_mask);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	wish->spread = spread_get(task);
	if (!wish->spread && cpumask_subset(cpu_possible_mask, wish_cpus(wish))) {
		wish_put(wish);
		wish = NULL;
	}
	return wish_word(wish);
}

/* --- walks over members ------------------------------------------------------ */

/* A portion of them; under the manage lock. */
#define BATCH 256
static struct task_struct *batch[BATCH];

struct due {
	unsigned int changes;
	int count;
};

/*
 * Puts a member that a change is due for into the portion, with a reference, which one
 * that is being made does not allow.
 */
static void collect_due(struct task_struct *task, u64 *words, void *arg)
{
	struct due *due = arg;

	if (READ_ONCE(words[WORD_WISH]) && READ_ONCE(words[WORD_APPLIED]) != due->changes &&
	    due->count < BATCH)
		batch[due->count++] = get_task_struct(task);
}

/* A change, published already, is due for all members. */
static void change_count(struct container *cont)
{
	struct cpuset *cs = container_cpuset(cont);

	WRITE_ONCE(cs->changes, cs->changes + 1);
	/* before looking who is complete: see cpuset_fork() */
	smp_mb();
}

/* The next portion of those that it is still due for: how many. */
static int next_batch(struct container *cont)
{
	struct due due = { .changes = container_cpuset(cont)->changes };

	container_for_each_member(cont, &cpuset_subsys, collect_due, &due);
	return due.count;
}

/*
 * A member has got it. Not before: what it forks until then is due for it, too. It is
 * done with also if it cannot be done.
 */
static void change_done(struct task_struct *task, u64 *words, void *cs)
{
	/* pairs with is_applied(): who sees it sees what was set before */
	smp_store_release(&words[WORD_APPLIED], ((struct cpuset *)cs)->changes);
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

	change_count(cont);
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
}

/* The same for the root, which only spreads. */
static void root_spread(struct container *root, unsigned long flags)
{
	struct task_struct *process, *task;

	rcu_read_lock();
	for_each_process_thread(process, task)
		if (task_container(task, &cpuset_subsys) == root)
			spread_set(task, flags);
	rcu_read_unlock();
}

/**
 * members_evict - move the members of a container, whatever other subsystems say to it
 * @cont: a container below the root
 * @to: where to
 *
 * Context: manage lock held; sleeps.
 * Return: false without memory: it has to be tried again.
 */
bool members_evict(struct container *cont, struct container *to)
{
	bool done = true;
	int i, count, err;

	change_count(cont);
	while ((count = next_batch(cont)))
		for (i = 0; i < count; i++) {
			err = container_evict_task(to, batch[i]);
			/* exiting, or to be tried again: not in this round */
			if (err)
				container_for_task(batch[i], &cpuset_subsys, change_done,
						   container_cpuset(cont));
			done &= err != -ENOMEM;
			put_task_struct(batch[i]);
		}
	return done;
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
	container_for_each_member(cont, &cpuset_subsys, find_deadline, &found);
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
 * Sets a container, unless that is against the rules; @new is used up. A CPU that goes
 * away after the check is noted before it is offline, and taken out of the setting when
 * the manage lock is free: see hotplug.c.
 */
static int setting_change(struct container *cont, struct setting *new)
{
	struct setting *old = setting_locked(cont);
	nodemask_t from = old->mems;
	int what = 0, err;

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

/* int security_task_setscheduler(struct task_struct *) */
static void *security_fn;

static int cpuset_can_attach(struct container_subsys *ss, struct container *cont,
			     struct task_struct *task)
{
	struct setting *s = setting_locked(cont);
	int err;

	mover = current;
	/* first, as a refusal may be overruled */
	err = spare_add(task);
	if (err)
		return err;
	if (cont->parent && !cpuset_usable(cont))
		return refuse_unusable(cont);
	/* a user's own threads may be such, too (io_uring): they follow their process */
	if (cont->parent && (task->flags & PF_KTHREAD) && (task->flags & PF_NO_SETAFFINITY))
		return -EINVAL;
	/* the kernel's threads are its children, and it does as it likes with them */
	if (cont->parent && (task->flags & PF_KTHREAD) && task_pid_nr(task) == 2)
		return -EINVAL;
	/* may the mover set its affinity? */
	err = (int)container_hook_call(security_fn, (unsigned long)task, 0, 0);
	if (err)
		return err;
	if (cont->parent && task->policy == SCHED_DEADLINE &&
	    !cpumask_subset(cpu_online_mask, setting_cpus(s)))
		return -EBUSY;
	return 0;
}

/* To the root: what it wants is kept until post_attach(). */
static void attach_to_root(struct task_struct *task, u64 *words)
{
	struct wish *wish = word_wish(words[WORD_WISH]), *spare;

	words[WORD_WISH] = 0;
	words[WORD_APPLIED] = 0;
	if (current != mover) {
		/* a new thread that follows, and has not run yet */
		cpus_fork_release(task, wish);
		spread_set(task, wish ? wish->spread : 0);
		mems_fork_release(task);
		wish_put(wish);
		return;
	}
	spare = spare_take();
	if (spare) {
		cpumask_copy(wish_cpus(spare), wish ? wish_cpus(wish) : cpu_possible_mask);
		spare->spread = wish ? wish->spread : 0;
		spare->task = task;
		spin_lock(&spares_lock);
		list_add_tail(&spare->node, &leaving);
		spin_unlock(&spares_lock);
	}
	wish_put(wish);
}

static void cpuset_attach(struct container_subsys *ss, struct container *cont,
			  struct container *old_cont, struct task_struct *task)
{
	u64 *words = container_task_data(task, ss);

	if (!cont->parent) {
		attach_to_root(task, words);
		return;
	}
	/* until post_attach(), and for whatever it forks until then */
	WRITE_ONCE(words[WORD_APPLIED], 0);
	if (!old_cont->parent)
		smp_store_release(&words[WORD_WISH], word_of_newcomer(task));
}

/* What was kept for a task that has left for the root. */
static struct wish *leaver(struct task_struct *task)
{
	struct wish *wish;

	spin_lock(&spares_lock);
	wish = list_first_entry_or_null(&leaving, struct wish, node);
	if (wish && wish->task == task)
		list_del(&wish->node);
	else
		wish = NULL;
	spin_unlock(&spares_lock);
	return wish;
}

static void cpuset_post_attach(struct container_subsys *ss, struct container *cont,
			       struct container *old_cont, struct task_struct *task)
{
	struct cpuset *cs = container_cpuset(cont);
	nodemask_t from = old_cont->parent ? setting_locked(old_cont)->mems :
					     node_states[N_MEMORY];
	struct wish *wish;

	if (cont->parent) {
		cpus_apply(task);
		spread_set(task, cs->flags);
		container_for_task(task, ss, change_done, cs);
	} else {
		wish = leaver(task);
		/* none for a thread that was faster, see attach() */
		if (wish) {
			cpus_release(task, wish);
			spread_set(task, cs->flags | wish->spread);
			wish_put(wish);
		}
	}
	if (mems_apply(task) && !follows_leader(cont, task))
		mems_apply_mm(task, &from, test_bit(CPUSET_MEMORY_MIGRATE, &cs->flags));
	spares_free();
}

/*
 * The word of a new task: it wants what the current one does, whose child it is. That
 * may have been moved meanwhile; at the root, what it has is what it wants.
 */
static u64 inherit(void)
{
	struct wish *wish = NULL;
	u64 *words, word = 0;

	rcu_read_lock();
	words = container_task_data(current, &cpuset_subsys);
	do {
		word = words ? smp_load_acquire(&words[WORD_WISH]) : 0;
		wish = word_wish(word);
		/* if that was the last one, it is another's by now */
	} while (wish && !refcount_inc_not_zero(&wish->users));
	rcu_read_unlock();
	return word ?: word_of_newcomer(current);
}

/* Is the current task in a container, and was the latest change applied to it? */
static bool is_applied(struct container *cont, unsigned int changes)
{
	u64 *words = container_task_data(current, &cpuset_subsys);

	return words && READ_ONCE(words[WORD_APPLIED]) == changes &&
	       task_container(current, &cpuset_subsys) == cont;
}

/*
 * Has a new task what its parent has, to which the latest change was applied? What the
 * parent has is set before that is noted, and after it is moved: so look before and after.
 */
static bool fork_is_fine(struct container *cont, struct task_struct *child, unsigned int changes)
{
	bool fine;

	rcu_read_lock();
	fine = is_applied(cont, changes);
	smp_rmb();
	fine = fine && cpumask_equal(&child->cpus_mask, &current->cpus_mask) &&
	       nodes_equal(child->mems_allowed, current->mems_allowed);
	smp_rmb();
	fine = fine && is_applied(cont, changes);
	rcu_read_unlock();
	return fine;
}

static void cpuset_fork(struct container_subsys *ss, struct container *cont,
			struct task_struct *child, u64 *words)
{
	struct cpuset *cs = container_cpuset(cont);
	unsigned int changes;
	bool usable;

	/* it has one already if somebody has moved it */
	if (!words[WORD_WISH])
		smp_store_release(&words[WORD_WISH], inherit());
	/* it is complete, before looking at the changes and the setting: see change_count() */
	smp_mb();
	changes = READ_ONCE(cs->changes);
	spread_set(child, cs->flags);
	if (likely(fork_is_fine(cont, child, changes))) {
		WRITE_ONCE(words[WORD_APPLIED], changes);
		return;
	}
	cpus_fork(child, word_wish(words[WORD_WISH]));
	mems_apply(child);
	WRITE_ONCE(words[WORD_APPLIED], changes);
	rcu_read_lock();
	usable = !setting_lacks(setting_of(cont));
	rcu_read_unlock();
	/* the others may have been moved out while it was being made */
	if (!usable)
		hotplug_repair(cs);
}

static void cpuset_exit(struct container_subsys *ss, struct container *cont,
			struct task_struct *task, u64 *words)
{
	wish_put(word_wish(words[WORD_WISH]));
	words[WORD_WISH] = 0;
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
	.task_words = WORDS,
	.create = cpuset_create,
	.destroy = cpuset_destroy,
	.clone = cpuset_clone,
	.can_attach = cpuset_can_attach,
	.can_clone = cpuset_can_attach,
	.attach = cpuset_attach,
	.post_attach = cpuset_post_attach,
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
	security_fn = container_hook_symbol("security_task_setscheduler");
	if (!security_fn) {
		pr_err("this kernel has no security_task_setscheduler\n");
		return -EOPNOTSUPP;
	}
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
