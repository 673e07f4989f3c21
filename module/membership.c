// SPDX-License-Identifier: GPL-2.0
/*
 * Membership: which container each task is in, kept through fork, exit and
 * moves. Here is what they have in common: looking it up, walks over members, an entry's
 * way from one list to another. The rest is in fork.c, move.c, list.c and callbacks.c.
 *
 * Who takes part, and how they keep out of each other's way:
 *
 * fork	The child's entry is made and put in its parent's containers by fork_enter(),
 *	in place of cgroup_can_fork(), before anybody can find the child. Each container's
 *	lock is held meanwhile, under which the parent can neither leave it nor be
 *	its last member to go. A parent that has no entry, or is at the top
 *	everywhere, gives the child none.
 * failed fork	If cgroup_can_fork() itself fails, fork_enter() sees it. A fork that fails
 *	later passes cgroup_cancel_fork(). Either way the entry goes.
 * born	task_newtask is passed when the child is complete and visible but has
 *	not run. Between the first hook and this point a thread is in nobody's
 *	list of threads, so a move of its whole process could miss it: if its
 *	parent, a thread of the same process, was moved meanwhile, the child
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
 * Locks, inside the manage lock: table_lock() of the task (two at once only
 * here, by lock_both()), then container->lock, one at a time. No lock here is
 * global. The hooks disable preemption, which is as good as rcu_read_lock() for
 * what they read without a lock, and cheaper.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/task.h>

#include "callbacks.h"
#include "compat.h"
#include "container_trace.h"
#include "container_hook.h"
#include "private.h"

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
		smp_rmb(); /* pairs with the unlock after table_del() */
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
 * container_task_data - what a subsystem keeps for a task that does not exit meanwhile
 * @task: the current task, or one that the caller keeps from running
 * @ss: a subsystem with task_size
 *
 * Others come by the data of a task in its callbacks, or by container_for_task().
 *
 * Context: any, under rcu_read_lock(); no lock is taken, so callbacks for @task may run.
 * Return: its data, or NULL for a task that is not and never was below a root.
 */
void *container_task_data(struct task_struct *task, struct container_subsys *ss)
{
	struct member *m = table_find(task);

	return m ? data_for(m, ss) : NULL;
}
EXPORT_SYMBOL_GPL(container_task_data);

/*
 * A walk over a container's members, in portions. Between two of them the lock is
 * dropped, and a mark stays in the list where the next one begins; who comes in
 * meanwhile is before it.
 */
void walk_begin(struct container *cont, struct place *mark)
{
	*mark = (struct place) {};
	spin_lock(&cont->lock);
	hlist_add_head(&mark->link, &cont->members);
	spin_unlock(&cont->lock);
}

/* One portion, with the lock held, and under RCU. Return: is there another one? */
bool walk_on(struct container *cont, struct place *mark,
	     void (*fn)(struct member *m, void *arg), void *arg)
{
	struct hlist_node *node;
	struct place *at;
	int n;

	spin_lock(&cont->lock);
	rcu_read_lock();
	node = mark->link.next;
	hlist_del_init(&mark->link);
	for (n = 0; node && n < WALK_PORTION; n++, node = node->next) {
		at = hlist_entry(node, struct place, link);
		if (at->cont)
			fn(place_member(at, cont->hierarchy), arg);
	}
	if (node)
		hlist_add_before(&mark->link, node);
	rcu_read_unlock();
	spin_unlock(&cont->lock);
	return node;
}

/* Before the end, if need be. */
void walk_end(struct container *cont, struct place *mark)
{
	spin_lock(&cont->lock);
	hlist_del_init(&mark->link);
	spin_unlock(&cont->lock);
}

/**
 * membership_walk - call a function for each member's entry
 * @cont: a container below a root
 * @fn: the function; must not sleep or move tasks
 * @arg: passed to @fn
 *
 * Context: as container_for_each_member(), which see.
 */
void membership_walk(struct container *cont, void (*fn)(struct member *m, void *arg), void *arg)
{
	struct place mark;

	walk_begin(cont, &mark);
	while (walk_on(cont, &mark, fn, arg))
		cond_resched();
}

struct for_each {
	struct container_subsys *ss;
	void (*fn)(struct task_struct *task, void *data, void *arg);
	void *arg;
};

static void for_each_fn(struct member *m, void *arg)
{
	struct for_each *each = arg;

	each->fn(m->task, data_for(m, each->ss), each->arg);
}

/**
 * container_for_each_member - call a function for each member
 * @cont: a container below a root: a root has no list of its members
 * @ss: whose data to pass
 * @fn: the function; must not sleep or move tasks. Called under RCU, and with @cont->lock
 *	held, so that the member does not leave or exit meanwhile
 * @arg: passed to @fn
 *
 * The lock is held for a few hundred members at a time. Each who is a member from the
 * beginning to the end is met once; who leaves or comes in between, at most once for
 * each time that he came.
 *
 * Context: process, not under RCU; sleeps between the calls.
 */
void container_for_each_member(struct container *cont, struct container_subsys *ss,
			       void (*fn)(struct task_struct *task, void *data, void *arg),
			       void *arg)
{
	struct for_each each = { .ss = ss, .fn = fn, .arg = arg };

	membership_walk(cont, for_each_fn, &each);
}
EXPORT_SYMBOL_GPL(container_for_each_member);

/**
 * container_for_task - call a function for one task
 * @task: the task, which the caller keeps from being freed
 * @ss: whose data to pass
 * @fn: the function; must not sleep or move tasks
 * @arg: passed to @fn
 *
 * Holds the lock of the task's entry, as attach(), fork() and exit() do, so that
 * none of them runs for this task meanwhile.
 *
 * Context: any but interrupts and those callbacks.
 * Return: false, and @fn is not called, for a task that has exited or that is not
 * and never was below a root.
 */
bool container_for_task(struct task_struct *task, struct container_subsys *ss,
			void (*fn)(struct task_struct *task, void *data, void *arg), void *arg)
{
	struct bucket *b = table_lock(task);
	struct member *m = table_find(task);

	if (m)
		fn(task, data_for(m, ss), arg);
	table_unlock(b);
	return m;
}
EXPORT_SYMBOL_GPL(container_for_task);

/**
 * task_is_born - is a task complete?
 * @task: the task; one that is being made can be found among the members already
 *
 * From then on its fork cannot fail any more, and others find it by its number. A new
 * task has that number when it is the one that the number leads to. That is not so for
 * a moment when a thread takes the number of its process in execve(); but such a thread
 * has run.
 *
 * Context: any, under RCU or with the lock of a container that it is in.
 */
bool task_is_born(struct task_struct *task)
{
	struct pid *pid;

	if (!compat_is_new(task))
		return true;
	pid = READ_ONCE(task->thread_pid);
	return pid && READ_ONCE(pid->tasks[PIDTYPE_PID].first) == &task->pid_links[PIDTYPE_PID];
}

/**
 * task_is_in - is a task a member of a container?
 * @task: the task, which the caller keeps from being freed
 * @cont: the container
 *
 * Context: any. The answer stays valid under the manage lock only.
 */
bool task_is_in(struct task_struct *task, struct container *cont)
{
	bool in;

	rcu_read_lock();
	in = membership_of(task, cont->hierarchy) == cont;
	rcu_read_unlock();
	return in;
}

/* --- entries and lists ------------------------------------------------------- */

/* Puts an entry on the list of a container below a root. */
void member_link(struct member *m, struct container *cont)
{
	spin_lock(&cont->lock);
	hlist_add_head(&m->in[cont->hierarchy].link, &cont->members);
	if (!cont->nr_members++)
		events_changed(cont, true);
	spin_unlock(&cont->lock);
}

/* Its last member has left, the container's lock is held: is it released? */
bool members_gone(struct container *cont)
{
	if (test_bit(CONT_KILLING, &cont->flags))
		container_emptied();
	events_changed(cont, false);
	return list_empty(&cont->children);
}

/**
 * member_move - move an entry within a hierarchy
 * @m: the entry, whose lock is held
 * @move: whose it is, why, and where to; where from is said here
 *
 * The subsystems are told before it shows, so that what they do for the old container
 * is done while the task still counts there; who does not know it yet adopts it there
 * first. To whoever asks for the task's container it is in the old one or the new one,
 * never at the top in between.
 *
 * Context: atomic.
 */
void member_move(struct member *m, struct container_move *move)
{
	struct container *to = move->to, *from;
	int h = to->hierarchy, id;
	struct container *place = container_is_top(to) ? NULL : to;
	struct container_subsys *ss;

	from = move->from = m->in[h].cont ?: to->top_container;
	if (from == to)
		return;
	member_adopt(m);
	for_each_bound_subsys(hierarchies[h], id, ss)
		if (ss->attach)
			ss->attach(ss, move, data_for(m, ss));
	if (container_is_top(from))
		WRITE_ONCE(m->in[h].cont, place);
	else
		member_unlink(&m->in[h], from, place);
	if (place)
		member_link(m, to);
	trace_attach(to, from, m->task);
}

/*
 * Makes sure that a task has an entry. Once this has succeeded the entry stays
 * until the task exits, and its exit takes care of it.
 */
int member_ensure(struct task_struct *task, gfp_t gfp)
{
	struct member *m, *spare;
	struct bucket *b;
	int err = 0;

	rcu_read_lock();
	m = table_find(task);
	rcu_read_unlock();
	if (m)
		return 0;

	spare = table_alloc(gfp);
	if (!spare)
		return -ENOMEM;
	b = table_lock(task);
	if (!table_find(task)) {
		m = spare;
		table_add(b, m, task);
		/* pairs with the exiting task's: it sets the flag, then looks for the entry */
		smp_mb();
		if (READ_ONCE(task->flags) & PF_EXITING) {
			/* it may have seen the entry: then it waits for the lock */
			table_del(m);
			m = NULL;
			err = -ESRCH;
		}
	}
	table_unlock(b);
	if (!m)
		table_free(spare);
	return err;
}

/* The first struct pid from a number on; under RCU. Not exported everywhere. */
static void *find_ge_pid_fn;

struct pid *next_pid(int nr, struct pid_namespace *ns)
{
	return (struct pid *)container_hook_call(find_ge_pid_fn, nr, (unsigned long)ns, 0);
}

int membership_init(void)
{
	static const struct container_symbol symbols[] = {
		{ .name = "find_ge_pid", .address = &find_ge_pid_fn },
	};
	static const struct container_feature feature = {
		.name = "containers",
		.symbols = symbols,
		.nr_symbols = ARRAY_SIZE(symbols),
		.hooks = fork_hooks,
		.nr_hooks = ARRAY_SIZE(fork_hooks),
	};

	return container_feature_find(&feature) ?: table_init();
}

void membership_exit(void)
{
	container_hooks_forget(fork_hooks, ARRAY_SIZE(fork_hooks));
	table_exit();
}
