// SPDX-License-Identifier: GPL-2.0
/*
 * Membership: which container each task is in. Lookups, walks over members, and moving an entry
 * between lists; fork.c, move.c, list.c and callbacks.c use them.
 *
 * Who takes part, and how races are settled:
 *
 * fork	fork_enter() runs in place of cgroup_can_fork(), before the child can be found. It
 *	adds an entry for the child and puts it into the parent's containers, one by one, with
 *	the lock of the container held: under that lock the parent cannot leave. If the parent
 *	has no entry, or is at the root everywhere, the child gets no entry, unless a subsystem
 *	wants all tasks.
 * failed fork	If cgroup_can_fork() itself fails, fork_enter() sees that. A fork that fails
 *	later calls cgroup_cancel_fork(). Either way the entry is removed.
 * birth	The fork passes the tracepoint task_newtask when the child is complete and
 *	visible but has not run. A new thread joins its process's list of threads only
 *	shortly before this point, so a move of the whole process can miss it. If the
 *	parent, a thread of the same process, was moved since the fork began, the child
 *	follows it here, unless the child was moved itself.
 * exit	In cgroup_exit() the entry leaves its containers and the table.
 * move	The manage lock serializes moves. The task may exit meanwhile: the mover adds the
 *	entry to the table and then checks PF_EXITING; the exiting task sets PF_EXITING and
 *	then looks for the entry. With a full barrier on both sides, one of them sees the
 *	other.
 *
 * An entry of a task at the root of every hierarchy is kept until the task exits or the hooks
 * are disarmed. So an entry that was found for a live task stays.
 *
 * Locks, inside the manage lock: table_lock() of the task (two at once only in lock_both()),
 * then container->lock, one at a time. None of them is global. The hooks disable preemption,
 * which serves as rcu_read_lock() for what they read without a lock, and is cheaper.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/pid.h>
#include <linux/pid_namespace.h>

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
 * Context: any, under rcu_read_lock(). Lockless: the entry may be freed and reused for
 * another task meanwhile, so its task is compared again after the container was read.
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
 * @ss: a registered subsystem, which selects the hierarchy. While it is not bound, that is the
 *	dummy hierarchy, which has one container for all tasks
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
 * container_task_data - the data that a subsystem keeps for a task
 * @task: the current task, or one that the caller keeps from running, so that it cannot exit
 * @ss: a subsystem with task_size
 *
 * The data of other tasks is passed to callbacks and by container_for_each_member().
 *
 * Context: any, under rcu_read_lock(); no lock is taken, so callbacks for @task may run.
 * Return: the data; NULL if the core keeps none: the task never was below a root, and no subsystem
 * wants all tasks.
 */
void *container_task_data(struct task_struct *task, struct container_subsys *ss)
{
	struct member *m = table_find(task);

	return m ? data_for(m, ss) : NULL;
}
EXPORT_SYMBOL_GPL(container_task_data);

/*
 * A walk over a container's members, in portions. Between two portions the lock is dropped, and
 * a cursor marks in the list where the next portion begins. Members that join meanwhile are
 * added at the head of the list, before the cursor, so the walk ends.
 *
 * Visits one portion, with the lock held and under RCU. @mark is all zero at first. Return: true if
 * there is another.
 */
bool walk_on(struct container *cont, struct place *mark,
	     void (*fn)(struct member *m, void *arg), void *arg)
{
	struct hlist_node *node;
	struct place *at;
	int n;

	spin_lock(&cont->lock);
	rcu_read_lock();
	node = hlist_unhashed(&mark->link) ? cont->members.first : mark->link.next;
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

/* Ends a walk before its last portion. */
void walk_end(struct container *cont, struct place *mark)
{
	spin_lock(&cont->lock);
	hlist_del_init(&mark->link);
	spin_unlock(&cont->lock);
}

/**
 * membership_walk - call a function for the entry of each member
 * @cont: a container below a root
 * @fn: the function; must not sleep or move tasks
 * @arg: passed to @fn
 *
 * Context: see container_for_each_member().
 */
void membership_walk(struct container *cont, void (*fn)(struct member *m, void *arg), void *arg)
{
	struct place mark = {};

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
 * @ss: the subsystem whose data is passed
 * @fn: the function; must not sleep or move tasks. Called under RCU and with @cont->lock
 *	held, so that the member cannot leave or exit meanwhile
 * @arg: passed to @fn
 *
 * The lock is held for a few hundred members at a time. A task that is a member all the time is
 * visited once. A task that joins or leaves meanwhile is visited at most once for each time that
 * it joined.
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
 * @ss: the subsystem whose data is passed
 * @fn: the function; must not sleep or move tasks
 * @arg: passed to @fn
 *
 * The lock of the task's entry is held. attach(), fork() and exit() are called under the same
 * lock, so none of them runs for this task meanwhile.
 *
 * Context: any but interrupts and those callbacks.
 * Return: false if the task has no entry, and @fn is not called: the task has exited; or it never
 * was below a root, and no subsystem wants all tasks.
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
 * @task: the task; members include unborn tasks
 *
 * The fork of a complete task cannot fail any more. A new task is complete as soon as its number
 * leads to it. A task that is not new is complete, and its number is not checked: in execve(), a
 * thread that takes over the number of its process cannot be found by it for a moment.
 *
 * Context: any, under RCU or with the lock of the task's container held.
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
 * Context: any. The answer is stable only under the manage lock.
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

/*
 * Counts a task that is about to join a container below a root. Only then may the task be seen in
 * it: a child that it makes is counted too, and must not be taken for the first member.
 */
static void member_expect(struct container *cont)
{
	spin_lock(&cont->lock);
	if (!cont->nr_members++)
		events_changed(cont, true);
	spin_unlock(&cont->lock);
}

/* Adds the entry of a task that was counted to the list of its container. */
static void member_link(struct member *m, struct container *cont)
{
	spin_lock(&cont->lock);
	hlist_add_head(&m->in[cont->hierarchy].link, &cont->members);
	spin_unlock(&cont->lock);
}

/* The last member has left; the container's lock is held. Return: is the container released? */
bool members_gone(struct container *cont)
{
	/* a killer that comes after this look takes the lock, and finds nobody */
	if (READ_ONCE(cont->killers))
		container_emptied();
	events_changed(cont, false);
	return list_empty(&cont->children);
}

/**
 * member_move - move an entry within a hierarchy
 * @m: the entry, whose lock is held
 * @move: the move; @move->from is set here
 *
 * attach() is called before the move is visible, while the task still counts in the old
 * container. A subsystem that does not know the task yet adopts it there first. A lookup finds
 * the task in the old container or in the new one, never at the root in between.
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
	if (place)
		member_expect(to);
	if (container_is_top(from))
		WRITE_ONCE(m->in[h].cont, place);
	else
		member_unlink(&m->in[h], from, place);
	if (place)
		member_link(m, to);
	trace_attach(to, from, m->task);
}

/*
 * Makes sure that a task has an entry, which stays until the exit of the task removes it. Return:
 * 0, -ENOMEM, or -ESRCH if the task has begun to exit.
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
		table_add(b, m, task, 0);
		/* the exiting task sets the flag and then looks for the entry, with a barrier */
		smp_mb();
		if (READ_ONCE(task->flags) & PF_EXITING) {
			/* its exit may have found the entry: it waits for the lock, and rechecks */
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

/* find_ge_pid(), which not all kernels export. */
static void *find_ge_pid_fn;
CONTAINER_KERNEL_FN(struct pid *, call_find_ge_pid, int nr, struct pid_namespace *ns);

/* The struct pid with the lowest number of at least @nr; under RCU. */
struct pid *next_pid(int nr, struct pid_namespace *ns)
{
	return call_find_ge_pid(find_ge_pid_fn, nr, ns);
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
