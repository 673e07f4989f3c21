// SPDX-License-Identifier: GPL-2.0
/*
 * Membership: which container each task is in, kept through fork, exit and
 * moves.
 *
 * Who takes part, and how they keep out of each other's way:
 *
 * fork	The child's entry is made and put in its parent's containers at
 *	cgroup_can_fork(), before anybody can find the child. Each container's
 *	lock is held meanwhile, under which the parent can neither leave it nor be
 *	its last member to go. A parent that has no entry, or is at the top
 *	everywhere, gives the child none.
 * failed fork	perf_event_free_task() is called for a child that was given up and
 *	for nothing else, after cgroup_can_fork() or before: the entry goes.
 * born	task_newtask is passed when the child is complete and visible but has
 *	not run. Between the first hook and this point a thread is in nobody's
 *	list of threads, so a move of its whole process could miss it: if its
 *	parent, a thread of the same process, is somewhere else by now, the child
 *	follows, unless somebody moved the child itself.
 * exit	cgroup_exit(): the entry leaves its containers and the table.
 * move	Under the manage lock, so one at a time. The task may exit meanwhile: the
 *	mover puts the entry into the table first and looks at PF_EXITING after
 *	it; the exiting task sets PF_EXITING first and looks into the table after
 *	it. With a full barrier in both, one of them sees the other.
 *
 * An entry at the top of every hierarchy is not removed before its task exits
 * (or the last hook is disarmed), so an entry found for a live task stays.
 *
 * Locks, inside the manage lock: the entry's lock (a parent's before its
 * child's), then container->lock, one at a time. No lock here is global.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "core.h"
#include "hook.h"
#include "table.h"

/*
 * Which subsystems have to be called where, so that a hook need not ask each.
 * Written under the manage lock. A hook that sees a new bit late misses nothing:
 * membership_adopt() walks over all tasks after setting it.
 */
static struct {
	DECLARE_BITMAP(all, MAX_CONTAINER_SUBSYS);	/* not members_only */
	DECLARE_BITMAP(can_fork, MAX_CONTAINER_SUBSYS);
	DECLARE_BITMAP(fork, MAX_CONTAINER_SUBSYS);	/* fork(), or in all */
	DECLARE_BITMAP(exit, MAX_CONTAINER_SUBSYS);
	DECLARE_BITMAP(left, MAX_CONTAINER_SUBSYS);	/* has exit(), too */
} calls;

enum { HOOK_CAN_FORK, HOOK_FORK_FAILED, HOOK_EXIT, HOOK_NEWTASK, FORK_HOOKS };
static struct container_hook fork_hooks[FORK_HOOKS];
/* How many hierarchies and subsystems need the hooks; under the manage lock. */
static int trackers;

/**
 * membership_of - the container a task is in
 * @task: the task, which the caller keeps from being freed
 * @h: number of an active hierarchy, or 0
 *
 * Context: any, under rcu_read_lock(). Lockless: the entry may be freed and
 * reused for another task while we look, so its task is compared again after
 * the container has been read.
 * Return: the container, readable until the read-side section ends.
 */
struct container *membership_of(struct task_struct *task, int h)
{
	struct hierarchy *hier = READ_ONCE(hierarchies[h]);
	struct container *cont;
	struct member *m;

	do {
		m = table_find(task);
		if (!m)
			break;
		cont = READ_ONCE(m->in[h].cont);
		smp_rmb(); /* pairs with the release of the entry in table_remove() */
		if (READ_ONCE(m->task) == task) {
			if (cont)
				return cont;
			break;
		}
	} while (1);
	return hier ? &hier->top : &dummy_hierarchy.top;
}

/**
 * task_container - the container a task is in
 * @task: the task, which the caller keeps from being freed
 * @ss: a registered subsystem; its hierarchy is the one that counts. While it is
 *	bound to none, every task is in the dummy hierarchy's one container
 *
 * Context: any, under rcu_read_lock(), which keeps the answer readable. The task
 * may be moved at any moment unless the manage lock is held.
 * Return: the container, never NULL.
 */
struct container *task_container(struct task_struct *task, struct container_subsys *ss)
{
	return membership_of(task, READ_ONCE(ss->hierarchy));
}
EXPORT_SYMBOL_GPL(task_container);

/**
 * container_task_data - a subsystem's words of a task
 * @task: the task, which the caller keeps from being freed
 * @ss: a subsystem with task_words
 *
 * Context: any, under rcu_read_lock(). The words are the task's as long as it is
 * known: for sure inside the callbacks for that task and inside
 * container_for_each_member(). Elsewhere the task may exit, and a stale pointer
 * then leads into the words of another task.
 * Return: the words, or NULL for a task that is not and never was below a root.
 */
u64 *container_task_data(struct task_struct *task, struct container_subsys *ss)
{
	struct member *m = table_find(task);

	return m ? m->data + ss->task_offset : NULL;
}
EXPORT_SYMBOL_GPL(container_task_data);

/**
 * container_for_each_member - call a function for each member
 * @cont: a container below a root: a root has no list of its members
 * @ss: whose words to pass
 * @fn: the function; must not sleep or move tasks
 * @arg: passed to @fn
 *
 * Context: process. Holds @cont->lock throughout.
 */
void container_for_each_member(struct container *cont, struct container_subsys *ss,
			       void (*fn)(struct task_struct *task, u64 *data, void *arg),
			       void *arg)
{
	struct member *m;
	struct place *at;

	spin_lock(&cont->lock);
	for_each_member(m, at, cont)
		fn(m->task, m->data + ss->task_offset, arg);
	spin_unlock(&cont->lock);
}
EXPORT_SYMBOL_GPL(container_for_each_member);

/* Puts an entry on the list of a container below a root. */
static void member_link(struct member *m, struct container *cont)
{
	spin_lock(&cont->lock);
	list_add_tail(&m->in[cont->hierarchy].link, &cont->members);
	cont->nr_members++;
	spin_unlock(&cont->lock);
}

/*
 * Takes it off again; called under RCU, which keeps the container readable. Its
 * place changes to @to with it, under the same lock: who holds the lock of the
 * container that a place names, for longer than a moment, knows that it stays.
 */
static void member_unlink(struct member *m, struct container *cont, struct container *to)
{
	struct place *at = &m->in[cont->hierarchy];
	bool released;

	spin_lock(&cont->lock);
	list_del(&at->link);
	WRITE_ONCE(at->cont, to);
	released = !--cont->nr_members && list_empty(&cont->children);
	if (!cont->nr_members && test_bit(CONT_KILLING, &cont->flags))
		container_emptied();
	spin_unlock(&cont->lock);
	if (released)
		container_released(cont);
}

static void member_leave_all(struct member *m)
{
	int h;

	for (h = 1; h < MAX_CONTAINER_HIERARCHIES; h++)
		if (m->in[h].cont)
			member_unlink(m, m->in[h].cont, NULL);
}

static bool member_is_below(const struct member *m)
{
	int h;

	for (h = 1; h < MAX_CONTAINER_HIERARCHIES; h++)
		if (READ_ONCE(m->in[h].cont))
			return true;
	return false;
}

/*
 * Moves an entry, whose lock is held, within a hierarchy. The subsystems are
 * told before it shows, so that what they do for the old container is done
 * while the task still counts there. To whoever asks for the task's container
 * it is in the old one or the new one, never at the top in between.
 */
static void member_move(struct member *m, struct container *to)
{
	int h = to->hierarchy, id;
	struct container *from = m->in[h].cont ?: to->top_container;
	struct container *place = container_is_top(to) ? NULL : to;
	struct container_subsys *ss;

	if (from == to)
		return;
	for_each_bound_subsys(hierarchies[h], id, ss)
		if (ss->attach)
			ss->attach(ss, to, from, m->task);
	if (container_is_top(from))
		WRITE_ONCE(m->in[h].cont, place);
	else
		member_unlink(m, from, place);
	if (place)
		member_link(m, to);
}

/* The first struct pid from a number on; under RCU. Not exported everywhere. */
static void *find_ge_pid_fn;

static struct pid *next_pid(int nr, struct pid_namespace *ns)
{
	return (struct pid *)container_hook_call(find_ge_pid_fn, nr, (unsigned long)ns, 0);
}

/* --- fork and exit --------------------------------------------------------- */

/* Is the task below the root of the hierarchy that the subsystem is bound to? */
static bool member_is_below_for(const struct member *m, const struct container_subsys *ss)
{
	return ss->hierarchy && m->in[ss->hierarchy].cont;
}

/* Takes an entry, whose task is ours to handle, out of everything and frees it. */
static void member_end(struct member *m)
{
	spin_lock(&m->lock);
	member_leave_all(m);
	table_remove(m);
	spin_unlock(&m->lock);
	table_free(m);
}

static void member_cancel(struct member *m)
{
	struct container_subsys *ss;
	int id;

	for_each_set_bit(id, m->asked, MAX_CONTAINER_SUBSYS) {
		ss = subsystems[id];
		if (ss && ss->cancel_fork)
			ss->cancel_fork(ss, m->task);
	}
}

/* Asks the subsystems whether a child may start. */
static int member_can_fork(struct member *m)
{
	struct container_subsys *ss;
	int id, err;

	for_each_set_bit(id, calls.can_fork, MAX_CONTAINER_SUBSYS) {
		ss = subsystems[id];
		if (ss->members_only && !member_is_below_for(m, ss))
			continue;
		err = ss->can_fork(ss, m->task);
		if (err) {
			member_cancel(m);
			return err;
		}
		__set_bit(id, m->asked);
	}
	return 0;
}

/* Tells subsystems of a task that they do not know: a new one, or they are. */
static void member_tell(struct member *m)
{
	struct container_subsys *ss;
	int id;

	lockdep_assert_held(&m->lock);
	for_each_set_bit(id, calls.fork, MAX_CONTAINER_SUBSYS) {
		ss = subsystems[id];
		if (ss->members_only) {
			if (member_is_below_for(m, ss))
				ss->fork(ss, m->task);
		} else if (!__test_and_set_bit(id, m->known) && ss->fork) {
			ss->fork(ss, m->task);
		}
	}
}

static void member_exit(struct member *m)
{
	struct container_subsys *ss;
	struct container *cont;
	int id;

	for_each_set_bit(id, calls.exit, MAX_CONTAINER_SUBSYS) {
		ss = subsystems[id];
		cont = m->in[ss->hierarchy].cont;
		if (ss->members_only ? !!cont : test_bit(id, m->known))
			ss->exit(ss, cont ?: container_subsys_root(ss), m->task,
				 m->data + ss->task_offset);
	}
}

static void member_left(struct member *m)
{
	struct container_subsys *ss;
	int id;

	for_each_set_bit(id, calls.left, MAX_CONTAINER_SUBSYS) {
		ss = subsystems[id];
		if (test_bit(id, m->known))
			ss->left(ss, m->task, m->data + ss->task_offset);
	}
}

/*
 * Puts a child in the making beside its parent, the current task, into @cont;
 * false if the parent is not there any more. While it is, and we hold the lock,
 * the container stays: the parent is its member, or its mover holds the manage
 * lock.
 */
static bool fork_join(struct member *m, struct member *parent, struct container *cont,
		      bool *killing)
{
	int h = cont->hierarchy;
	bool there;

	spin_lock(&cont->lock);
	there = parent->in[h].cont == cont;
	if (there) {
		m->in[h].cont = cont;
		list_add_tail(&m->in[h].link, &cont->members);
		cont->nr_members++;
		*killing |= test_bit(CONT_KILLING, &cont->flags);
	}
	spin_unlock(&cont->lock);
	return there;
}

/* Settles the membership of a child in the making; an errno makes fork fail. */
static int fork_begin(struct task_struct *child)
{
	struct member *parent = table_find(current), *m;
	struct container *cont;
	bool killing = false;
	int err, h;

	if (!(parent && member_is_below(parent)) &&
	    bitmap_empty(calls.all, MAX_CONTAINER_SUBSYS))
		return 0;

	m = table_alloc(child, GFP_NOWAIT | __GFP_NOWARN);
	if (!m)
		return -ENOMEM;
	for (h = 1; parent && h < MAX_CONTAINER_HIERARCHIES; h++)
		do {
			cont = READ_ONCE(parent->in[h].cont);
		} while (cont && !fork_join(m, parent, cont, &killing));

	/* every entry of an address before was removed with its task */
	WARN_ON_ONCE(table_insert(m) != m);
	err = killing ? -EAGAIN : 0;
	if (!err && !bitmap_empty(calls.can_fork, MAX_CONTAINER_SUBSYS))
		err = member_can_fork(m);
	if (err)
		member_end(m);
	return err;
}

CONTAINER_HOOK_HANDLER(hook_can_fork, regs)
{
	struct task_struct *child = (void *)container_hook_arg(regs, 0);
	int err;

	/* an idle task of a CPU coming up belongs to no container */
	if (!child->pid)
		return;
	rcu_read_lock();
	err = fork_begin(child);
	rcu_read_unlock();
	if (err)
		container_hook_return(regs, err);
}

/* The entry of a child that is about to run, where it needs one after all. */
static struct member *fork_late_member(struct task_struct *child)
{
	struct member *m = table_find(child), *new;

	if (m)
		return m;
	new = table_alloc(child, GFP_ATOMIC);
	if (!new) {
		atomic_long_inc(&fork_hooks[HOOK_NEWTASK].missed);
		return NULL;
	}
	m = table_insert(new);
	if (m != new)
		table_free(new);
	return m;
}

static bool same_places(const struct member *a, const struct member *b)
{
	int h;

	for (h = 1; h < MAX_CONTAINER_HIERARCHIES; h++)
		if (READ_ONCE(a->in[h].cont) != READ_ONCE(b->in[h].cont))
			return false;
	return true;
}

/*
 * A thread whose parent was moved while it was in the making goes after it. The
 * first look takes no lock: a move that it is too early for comes after the
 * child got into the list of threads, and finds it there.
 */
static void fork_follow(struct task_struct *child)
{
	struct member *parent = table_find(current), *m;
	struct container *cont;
	int h;

	if (!parent)
		return;
	m = table_find(child);
	if (m ? same_places(m, parent) : !member_is_below(parent))
		return;
	if (!m)
		m = fork_late_member(child);
	if (!m)
		return;
	spin_lock(&parent->lock);
	spin_lock_nested(&m->lock, SINGLE_DEPTH_NESTING);
	for (h = 1; h < MAX_CONTAINER_HIERARCHIES; h++) {
		cont = parent->in[h].cont;
		if (m->in[h].cont != cont && !m->moved)
			member_move(m, cont ?: &hierarchies[h]->top);
	}
	spin_unlock(&m->lock);
	spin_unlock(&parent->lock);
}

static void probe_newtask(void *data, struct task_struct *child, unsigned long clone_flags)
{
	struct member *m;

	rcu_read_lock();
	if (clone_flags & CLONE_THREAD)
		fork_follow(child);
	if (!bitmap_empty(calls.fork, MAX_CONTAINER_SUBSYS)) {
		m = bitmap_empty(calls.all, MAX_CONTAINER_SUBSYS) ?
			table_find(child) : fork_late_member(child);
		if (m) {
			spin_lock(&m->lock);
			member_tell(m);
			spin_unlock(&m->lock);
		}
	}
	rcu_read_unlock();
}

/* The task exits, or is a child that was given up before it was born. */
static void task_gone(struct task_struct *task)
{
	struct member *m;
	bool ours, exiting;

	rcu_read_lock();
	m = table_find(task);
	if (m) {
		spin_lock(&m->lock);
		/* a mover that saw us exiting may have taken its entry back */
		ours = m->task == task;
		if (ours) {
			exiting = task->flags & PF_EXITING;
			if (exiting)
				member_exit(m);
			else
				member_cancel(m);
			member_leave_all(m);
			if (exiting)
				member_left(m);
			table_remove(m);
		}
		spin_unlock(&m->lock);
		if (ours)
			table_free(m);
	}
	rcu_read_unlock();
}

CONTAINER_HOOK_HANDLER(hook_exit, regs)
{
	task_gone((void *)container_hook_arg(regs, 0));
}

static int probe_fork_failed(struct kprobe *kp, struct pt_regs *regs)
{
	task_gone((void *)regs->di);
	return 0;
}

static struct container_hook fork_hooks[FORK_HOOKS] = {
	[HOOK_CAN_FORK] = {
		.name = "cgroup_can_fork",
		.type = CONTAINER_HOOK_OVERRIDE,
		.handler = hook_can_fork,
	},
	[HOOK_FORK_FAILED] = {
		/* a kprobe: kernels before 5.16 keep ftrace out of its file */
		.name = "perf_event_free_task",
		.type = CONTAINER_HOOK_PROBE,
		.handler = probe_fork_failed,
	},
	[HOOK_EXIT] = {
		.name = "cgroup_exit",
		.alt = "cgroup_task_exit",
		.type = CONTAINER_HOOK_ENTRY,
		.handler = hook_exit,
	},
	[HOOK_NEWTASK] = {
		.name = "task_newtask",
		.type = CONTAINER_HOOK_TRACEPOINT,
		.handler = probe_newtask,
	},
};

static void member_drop(struct member *m)
{
	member_leave_all(m);
}

/**
 * membership_track - somebody needs the hooks on fork and exit
 *
 * Context: manage lock held; sleeps.
 * Return: 0, or the errno of arming them.
 */
int membership_track(void)
{
	int err;

	lockdep_assert_held(&manage_mutex);
	if (!trackers) {
		err = container_hooks_arm(fork_hooks, ARRAY_SIZE(fork_hooks));
		if (err)
			return err;
	}
	trackers++;
	return 0;
}

/**
 * membership_untrack - somebody needs them no more
 *
 * Context: manage lock held; sleeps.
 */
void membership_untrack(void)
{
	lockdep_assert_held(&manage_mutex);
	if (--trackers)
		return;
	container_hooks_disarm(fork_hooks, ARRAY_SIZE(fork_hooks));
	table_flush(member_drop);
}

/* --- listing --------------------------------------------------------------- */

/**
 * membership_count - how many live tasks a container has
 * @cont: the container
 *
 * Context: manage or callback lock held. At a root it walks over all tasks.
 */
int membership_count(struct container *cont)
{
	struct task_struct *p, *t;
	int count = 0;

	if (!container_is_top(cont))
		return READ_ONCE(cont->nr_members);
	rcu_read_lock();
	for_each_process_thread(p, t)
		if (!(t->flags & PF_EXITING) && membership_of(t, cont->hierarchy) == cont)
			count++;
	rcu_read_unlock();
	return count;
}

/*
 * The number of a task in a namespace; 0 if it has none there, or is still in the
 * making: then it has no struct pid yet, or its parent's.
 */
static pid_t visible_nr(struct task_struct *task, struct pid_namespace *ns, bool processes)
{
	struct pid *pid = READ_ONCE(task->thread_pid);

	if (!pid || pid_task(pid, PIDTYPE_PID) != task)
		return 0;
	if (processes)
		return task_tgid_nr_ns(task, ns);
	return pid_nr_ns(pid, ns);
}

/* A growing array of numbers. */
struct numbers {
	pid_t *nr;
	int count, room;
	bool sorted;
};

static int numbers_reserve(struct numbers *l, int room)
{
	pid_t *nr;

	if (room <= l->room)
		return 0;
	room = max(room, l->room * 2);
	nr = kvmalloc_array(room, sizeof(*nr), GFP_KERNEL);
	if (!nr)
		return -ENOMEM;
	memcpy(nr, l->nr, l->count * sizeof(*nr));
	kvfree(l->nr);
	l->nr = nr;
	l->room = room;
	return 0;
}

static void numbers_add(struct numbers *l, pid_t nr)
{
	if (l->count && nr <= l->nr[l->count - 1])
		l->sorted = false;
	l->nr[l->count++] = nr;
}

static int compare_nr(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

/* Ascending, each once. */
static void numbers_finish(struct numbers *l)
{
	int i, n = 0;

	if (l->sorted)
		return;
	sort(l->nr, l->count, sizeof(*l->nr), compare_nr, NULL);
	for (i = 0; i < l->count; i++)
		if (!n || l->nr[i] != l->nr[n - 1])
			l->nr[n++] = l->nr[i];
	l->count = n;
}

/*
 * A container's members go into the array in portions. Between two of them the
 * lock is dropped, and a mark of ours stays in the list where the next one
 * begins; what comes in meanwhile is behind a second mark, at what was the end.
 */
#define LIST_PORTION 256

static int list_members(struct container *cont, struct pid_namespace *ns, bool processes,
			struct numbers *l)
{
	struct place here = {}, end = {}, *at;
	int n, err;
	pid_t nr;

	spin_lock(&cont->lock);
	list_add(&here.link, &cont->members);
	list_add_tail(&end.link, &cont->members);
	for (;;) {
		spin_unlock(&cont->lock);
		err = numbers_reserve(l, l->count + LIST_PORTION);
		cond_resched();
		spin_lock(&cont->lock);
		if (err)
			break;
		rcu_read_lock();
		for (n = 0; n < LIST_PORTION; n++) {
			at = list_next_entry(&here, link);
			if (at == &end)
				break;
			list_move(&here.link, &at->link);
			if (!at->cont)
				continue;
			nr = visible_nr(place_member(at, cont->hierarchy)->task, ns, processes);
			if (nr)
				numbers_add(l, nr);
		}
		rcu_read_unlock();
		if (n < LIST_PORTION)
			break;
	}
	list_del(&here.link);
	list_del(&end.link);
	spin_unlock(&cont->lock);
	return err;
}

/* Those of a root are the tasks of the namespace that are in no other. */
static int list_top(struct container *cont, struct pid_namespace *ns, bool processes,
		    struct numbers *l)
{
	struct task_struct *task;
	struct pid *pid;
	int next = 1, n, err;
	pid_t nr;

	do {
		err = numbers_reserve(l, l->count + LIST_PORTION);
		if (err)
			return err;
		cond_resched();
		rcu_read_lock();
		for (n = 0; n < LIST_PORTION; n++) {
			pid = next_pid(next, ns);
			if (!pid)
				break;
			next = pid_nr_ns(pid, ns) + 1;
			task = pid_task(pid, PIDTYPE_PID);
			/* it leaves the root when it begins to exit: nothing tells the end */
			if (!task || (task->flags & PF_EXITING))
				continue;
			nr = visible_nr(task, ns, processes);
			if (nr && membership_of(task, cont->hierarchy) == cont)
				numbers_add(l, nr);
		}
		rcu_read_unlock();
	} while (n == LIST_PORTION);
	return 0;
}

/**
 * membership_list - the members of a container, ascending
 * @cont: the container
 * @processes: list processes instead of threads, each once
 * @list: where to put the array, for kvfree()
 *
 * In the caller's pid namespace; who has no number there is left out. Locks are
 * held for a few hundred members at a time.
 *
 * Context: sleeps; @cont's memory is kept.
 * Return: how many, or -ENOMEM.
 */
int membership_list(struct container *cont, bool processes, pid_t **list)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	struct numbers l = { .sorted = true };
	int err;

	if (container_is_top(cont))
		err = list_top(cont, ns, processes, &l);
	else
		err = list_members(cont, ns, processes, &l);
	if (err) {
		kvfree(l.nr);
		return err;
	}
	numbers_finish(&l);
	*list = l.nr;
	return l.count;
}

/* --- moving ---------------------------------------------------------------- */

/*
 * Makes sure that a task has an entry. Once this has succeeded the entry stays
 * until the task exits, and its exit takes care of it.
 */
static int member_ensure(struct task_struct *task, gfp_t gfp)
{
	struct member *m, *new;
	bool known, exiting, ours;

	rcu_read_lock();
	known = table_find(task);
	rcu_read_unlock();
	if (known)
		return 0;

	new = table_alloc(task, gfp);
	if (!new)
		return -ENOMEM;
	rcu_read_lock();
	m = table_insert(new);
	if (m != new) {
		table_free(new);
		rcu_read_unlock();
		return 0;
	}
	/* pairs with the exiting task's: it sets the flag, then looks for the entry */
	smp_mb();
	exiting = READ_ONCE(task->flags) & PF_EXITING;
	if (exiting) {
		/* both may have seen the other: one of us takes it back */
		spin_lock(&m->lock);
		ours = m->task == task;
		if (ours)
			table_remove(m);
		spin_unlock(&m->lock);
		if (ours)
			table_free(m);
	}
	rcu_read_unlock();
	return exiting ? -ESRCH : 0;
}

/* Moves a task that has an entry, unless it has begun to exit. */
static int move_task(struct task_struct *task, struct container *to)
{
	struct member *m;
	int err = -ESRCH;

	rcu_read_lock();
	m = table_find(task);
	if (m) {
		spin_lock(&m->lock);
		if (m->task == task && !(READ_ONCE(task->flags) & PF_EXITING)) {
			m->moved = true;
			member_move(m, to);
			err = 0;
		}
		spin_unlock(&m->lock);
	}
	rcu_read_unlock();
	return err;
}

static bool task_is_in(struct task_struct *task, struct container *cont)
{
	bool in;

	rcu_read_lock();
	in = membership_of(task, cont->hierarchy) == cont;
	rcu_read_unlock();
	return in;
}

/* May whoever opened the file move this task? The rule of V6. */
static bool may_move(const struct cred *cred, struct task_struct *task)
{
	const struct cred *tcred;
	bool ok;

	if (uid_eq(cred->euid, GLOBAL_ROOT_UID))
		return true;
	rcu_read_lock();
	tcred = __task_cred(task);
	ok = uid_eq(cred->euid, tcred->uid) || uid_eq(cred->euid, tcred->suid);
	rcu_read_unlock();
	return ok;
}

/* A move: the tasks that are to go, each with a reference, and where it was. */
struct move {
	int count;
	struct {
		struct task_struct *task;
		struct container *from;
	} tasks[];
};

static void move_free(struct move *mv)
{
	int i;

	for (i = 0; i < mv->count; i++)
		put_task_struct(mv->tasks[i].task);
	kvfree(mv);
}

/* The threads of a process that are not in a container and not exiting. */
static struct move *move_gather(struct task_struct *task, struct container *to, gfp_t gfp)
{
	struct signal_struct *sig;
	struct task_struct *t;
	struct move *mv;
	int room;

	for (room = 16; ; room *= 2) {
		mv = kvmalloc(struct_size(mv, tasks, room), gfp);
		if (!mv)
			return ERR_PTR(-ENOMEM);
		mv->count = 0;
		rcu_read_lock();
		/* NULL once the task is reaped; our reference keeps the structure */
		sig = READ_ONCE(task->signal);
		if (!sig) {
			rcu_read_unlock();
			return mv;
		}
		__for_each_thread(sig, t) {
			if ((t->flags & PF_EXITING) || membership_of(t, to->hierarchy) == to)
				continue;
			if (mv->count == room)
				break;
			get_task_struct(t);
			mv->tasks[mv->count++].task = t;
		}
		rcu_read_unlock();
		if (mv->count < room)
			return mv;
		move_free(mv);
	}
}

/* Asks all who may object. */
static int move_ask(struct move *mv, struct container *to)
{
	struct hierarchy *h = container_hierarchy(to);
	struct container_subsys *ss;
	int i, id, err;

	for (i = 0; i < mv->count; i++)
		for_each_bound_subsys(h, id, ss) {
			err = ss->can_attach ? ss->can_attach(ss, to, mv->tasks[i].task) : 0;
			if (err)
				return err;
		}
	return 0;
}

/* Gets what the move needs, so that it cannot fail. */
static int move_prepare(struct move *mv, gfp_t gfp)
{
	int i;

	for (i = 0; i < mv->count; i++)
		if (member_ensure(mv->tasks[i].task, gfp) == -ENOMEM)
			return -ENOMEM;
	return 0;
}

/* Moves them. Those that exit meanwhile are left out; says how many went. */
static int move_go(struct move *mv, struct container *to)
{
	struct hierarchy *h = container_hierarchy(to);
	struct container_subsys *ss;
	int i, id, gone = 0;

	for (i = 0; i < mv->count; i++) {
		rcu_read_lock();
		mv->tasks[i].from = membership_of(mv->tasks[i].task, to->hierarchy);
		rcu_read_unlock();
		if (move_task(mv->tasks[i].task, to))
			mv->tasks[i].from = NULL;
		else
			gone++;
	}
	for (i = 0; i < mv->count; i++)
		for_each_bound_subsys(h, id, ss)
			if (ss->post_attach && mv->tasks[i].from)
				ss->post_attach(ss, to, mv->tasks[i].from, mv->tasks[i].task);
	return gone;
}

/**
 * container_attach_task - move a task
 * @to: where; not removed
 * @task: the task, with a reference of the caller's
 * @cred: whose right it is to do so
 *
 * Context: manage lock held; sleeps.
 * Return: 0; -ESRCH if it is exiting, -EACCES, -ENOMEM, or what a subsystem's
 * can_attach() says. On failure nothing has changed.
 */
int container_attach_task(struct container *to, struct task_struct *task,
			  const struct cred *cred)
{
	struct move *mv;
	int err;

	lockdep_assert_held(&manage_mutex);
	if (task->flags & PF_EXITING)
		return -ESRCH;
	if (!may_move(cred, task))
		return -EACCES;
	if (task_is_in(task, to))
		return 0;
	mv = kmalloc(struct_size(mv, tasks, 1), GFP_KERNEL);
	if (!mv)
		return -ENOMEM;
	mv->count = 1;
	mv->tasks[0].task = get_task_struct(task);
	err = move_ask(mv, to);
	if (!err)
		err = move_prepare(mv, GFP_KERNEL);
	if (!err && !move_go(mv, to))
		err = -ESRCH;
	move_free(mv);
	return err;
}

/**
 * container_attach_process - move all threads of a process
 * @to: where; not removed
 * @task: any of its threads, with a reference of the caller's
 * @cred: whose right it is to do so
 *
 * All or none: a thread that is born meanwhile is found by another look, or
 * follows its parent (see the top of this file).
 *
 * Context: manage lock held; sleeps.
 * Return: as container_attach_task(), for the first thread that is refused.
 */
int container_attach_process(struct container *to, struct task_struct *task,
			     const struct cred *cred)
{
	struct signal_struct *sig;
	struct task_struct *t;
	struct move *mv;
	int err = -ESRCH, gone;

	lockdep_assert_held(&manage_mutex);
	rcu_read_lock();
	sig = READ_ONCE(task->signal);
	if (sig)
		__for_each_thread(sig, t) {
			if (t->flags & PF_EXITING)
				continue;
			err = may_move(cred, t) ? 0 : -EACCES;
			if (err)
				break;
		}
	rcu_read_unlock();

	if (err)
		return err;

	mv = move_gather(task, to, GFP_KERNEL);
	if (IS_ERR(mv))
		return PTR_ERR(mv);
	err = move_ask(mv, to);
	if (!err)
		err = move_prepare(mv, GFP_KERNEL);
	gone = err ? 0 : move_go(mv, to);
	move_free(mv);

	/* threads that are new since belong to a process that has moved: no way back */
	while (gone) {
		mv = move_gather(task, to, GFP_KERNEL | __GFP_NOFAIL);
		move_prepare(mv, GFP_KERNEL | __GFP_NOFAIL);
		gone = move_go(mv, to);
		move_free(mv);
	}
	return err;
}

/* --- subsystems that want every task --------------------------------------- */

static bool wants_all(const struct container_subsys *ss)
{
	return !ss->members_only && (ss->can_fork || ss->cancel_fork || ss->fork || ss->exit);
}

static void calls_set(struct container_subsys *ss, bool on)
{
	int id = ss->subsys_id;
	bool all = wants_all(ss);

	/* whose birth is told, his exit has to be */
	assign_bit(id, calls.left, on && ss->left && all);
	assign_bit(id, calls.exit, on && ss->exit);
	assign_bit(id, calls.can_fork, on && ss->can_fork);
	assign_bit(id, calls.fork, on && (ss->fork || all));
	assign_bit(id, calls.all, on && all);
}

/* Gives every task in the system an entry and tells the subsystems of it. */
static int adopt_all(void)
{
	struct task_struct *task;
	struct member *m;
	struct pid *pid;
	int err, nr;

	for (nr = 1; ; nr++) {
		rcu_read_lock();
		pid = next_pid(nr, &init_pid_ns);
		task = pid ? pid_task(pid, PIDTYPE_PID) : NULL;
		if (task)
			get_task_struct(task);
		if (pid)
			nr = pid_nr(pid);
		rcu_read_unlock();
		if (!pid)
			return 0;
		if (!task)
			continue;
		err = task->flags & PF_EXITING ? -ESRCH : member_ensure(task, GFP_KERNEL);
		if (!err) {
			rcu_read_lock();
			m = table_find(task);
			if (m) {
				spin_lock(&m->lock);
				if (m->task == task && !(READ_ONCE(task->flags) & PF_EXITING))
					member_tell(m);
				spin_unlock(&m->lock);
			}
			rcu_read_unlock();
		}
		put_task_struct(task);
		if (err == -ENOMEM)
			return err;
		cond_resched();
	}
}

static void member_forget(struct member *m, void *arg)
{
	struct container_subsys *ss = arg;

	__clear_bit(ss->subsys_id, m->known);
	__clear_bit(ss->subsys_id, m->asked);
	memset(m->data + ss->task_offset, 0, ss->task_words * sizeof(u64));
}

/**
 * membership_adopt - start calling a subsystem for forks and exits
 * @ss: the subsystem, in its place in subsystems[]; new, or newly bound
 *
 * Context: manage lock held; sleeps.
 * Return: 0, or an errno after which it is as if nothing had been done.
 */
int membership_adopt(struct container_subsys *ss)
{
	int err;

	if (!wants_all(ss)) {
		calls_set(ss, true);
		return 0;
	}
	/* the hooks first: no entry may be made before exits are seen */
	err = membership_track();
	if (err)
		return err;
	calls_set(ss, true);
	/* pairs with a fork's: it shows the child, then looks whom to tell */
	smp_mb();
	err = adopt_all();
	if (err)
		membership_forget(ss);
	return err;
}

/**
 * membership_forget - stop calling a subsystem
 * @ss: the subsystem, with no container below its root. Need not have been
 *	adopted, or not for long.
 *
 * When it returns no callback is running. Its mark is off every entry.
 *
 * Context: manage lock held; sleeps.
 */
void membership_forget(struct container_subsys *ss)
{
	bool all = test_bit(ss->subsys_id, calls.all);

	calls_set(ss, false);
	synchronize_rcu();
	table_for_each(member_forget, ss);
	if (all)
		membership_untrack();
}

int membership_init(void)
{
	find_ge_pid_fn = container_hook_symbol("find_ge_pid");
	if (!find_ge_pid_fn) {
		pr_err("this kernel has no find_ge_pid\n");
		return -EOPNOTSUPP;
	}
	return table_init();
}

void membership_exit(void)
{
	container_hooks_forget(fork_hooks, ARRAY_SIZE(fork_hooks));
	table_exit();
}
