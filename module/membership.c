// SPDX-License-Identifier: GPL-2.0
/*
 * Membership: which container each task is in, kept through fork, exit and
 * moves.
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
	DECLARE_BITMAP(some, MAX_CONTAINER_SUBSYS);	/* members_only */
	DECLARE_BITMAP(asked, MAX_CONTAINER_SUBSYS);	/* told_when_asked */
	DECLARE_BITMAP(can_fork, MAX_CONTAINER_SUBSYS);
	DECLARE_BITMAP(fork, MAX_CONTAINER_SUBSYS);	/* fork(), or in all */
	DECLARE_BITMAP(exit, MAX_CONTAINER_SUBSYS);
	DECLARE_BITMAP(left, MAX_CONTAINER_SUBSYS);	/* in all, too */
} calls;

/* Walks over the words of a set of subsystems, by their numbers. */
#define for_each_word(i) \
	for ((i) = 0; (i) < BITS_TO_LONGS(MAX_CONTAINER_SUBSYS); (i)++)

/*
 * Walks over the subsystems of a word of them, in fewer steps than for_each_set_bit().
 * Who is to be called stays until a grace period after it is not. Not written as an
 * index, which kernels with UBSAN would check each time.
 */
#define for_each_call(i, bits, ss, word)						\
	for ((bits) = (word);								\
	     (bits) && ((ss) = *(subsystems + (i) * BITS_PER_LONG + __ffs(bits)), true);	\
	     (bits) &= (bits) - 1)

/* Before a loop over the hierarchies, few as they are, in the path of fork or exit. */
#define unrolled _Pragma("GCC unroll 8")

enum { HOOK_CANCEL_FORK, HOOK_EXIT, HOOK_NEWTASK, HOOK_CAN_FORK, FORK_HOOKS };
static struct container_hook fork_hooks[FORK_HOOKS];
/* Tasks in fork_enter(). */
static DEFINE_PER_CPU(long, fork_callers);
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

/*
 * A walk over a container's members, in portions. Between two of them the lock is
 * dropped, and a mark stays in the list where the next one begins; who comes in
 * meanwhile is before it.
 */
#define WALK_PORTION 256

static void walk_begin(struct container *cont, struct place *mark)
{
	*mark = (struct place) {};
	spin_lock(&cont->lock);
	hlist_add_head(&mark->link, &cont->members);
	spin_unlock(&cont->lock);
}

/* One portion, with the lock held, and under RCU. Return: is there another one? */
static bool walk_on(struct container *cont, struct place *mark,
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
static void walk_end(struct container *cont, struct place *mark)
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
	void (*fn)(struct task_struct *task, u64 *data, void *arg);
	void *arg;
};

static void for_each_fn(struct member *m, void *arg)
{
	struct for_each *each = arg;

	each->fn(m->task, m->data + each->ss->task_offset, each->arg);
}

/**
 * container_for_each_member - call a function for each member
 * @cont: a container below a root: a root has no list of its members
 * @ss: whose words to pass
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
			       void (*fn)(struct task_struct *task, u64 *data, void *arg),
			       void *arg)
{
	struct for_each each = { .ss = ss, .fn = fn, .arg = arg };

	membership_walk(cont, for_each_fn, &each);
}
EXPORT_SYMBOL_GPL(container_for_each_member);

/**
 * container_for_task - call a function for one task
 * @task: the task, which the caller keeps from being freed
 * @ss: whose words to pass
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
			void (*fn)(struct task_struct *task, u64 *data, void *arg), void *arg)
{
	struct bucket *b = table_lock(task);
	struct member *m = table_find(task);

	if (m)
		fn(task, m->data + ss->task_offset, arg);
	table_unlock(b);
	return m;
}
EXPORT_SYMBOL_GPL(container_for_task);

/* Puts an entry on the list of a container below a root. */
static void member_link(struct member *m, struct container *cont)
{
	spin_lock(&cont->lock);
	hlist_add_head(&m->in[cont->hierarchy].link, &cont->members);
	if (!cont->nr_members++)
		events_changed(cont, true);
	spin_unlock(&cont->lock);
}

/* Its last member has left, the container's lock is held: is it released? */
static noinline bool members_gone(struct container *cont)
{
	if (test_bit(CONT_KILLING, &cont->flags))
		container_emptied();
	events_changed(cont, false);
	return list_empty(&cont->children);
}

/*
 * Takes it off again; called under RCU, which keeps the container readable. Its
 * place changes to @to with it, under the same lock: who holds the lock of the
 * container that a place names, for longer than a moment, knows that it stays.
 */
static __always_inline void member_unlink(struct place *at, struct container *cont,
					  struct container *to)
{
	bool released = false;

	spin_lock(&cont->lock);
	__hlist_del(&at->link);
	WRITE_ONCE(at->cont, to);
	if (!--cont->nr_members)
		released = members_gone(cont);
	spin_unlock(&cont->lock);
	if (released)
		container_released(cont);
}

static __always_inline void member_leave_all(struct member *m)
{
	int h;

	unrolled
	for (h = 1; h < MAX_CONTAINER_HIERARCHIES; h++)
		if (m->in[h].cont)
			member_unlink(&m->in[h], m->in[h].cont, NULL);
}

static inline bool member_is_below(const struct member *m)
{
	int h;

	unrolled
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
		member_unlink(&m->in[h], from, place);
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

/*
 * A subsystem's container of a task; NULL if the task is at its root, where those
 * with members_only do not care. A place of hierarchy 0 is always empty.
 */
static struct container *container_for(const struct member *m, struct container_subsys *ss)
{
	return m->in[ss->hierarchy].cont ?:
		ss->members_only ? NULL : container_subsys_root(ss);
}

static u64 *words_for(struct member *m, const struct container_subsys *ss)
{
	return m->data + ss->task_offset;
}

static void member_cancel(struct member *m)
{
	struct container_subsys *ss;
	unsigned long bits;
	int i;

	for_each_word(i)
		for_each_call(i, bits, ss, READ_ONCE(m->asked[i]))
			if (ss->cancel_fork)
				ss->cancel_fork(ss, container_for(m, ss), m->task,
						words_for(m, ss));
}

/* Marks subsystems in a word of an entry's. Somebody else may be clearing others. */
static void member_mark(unsigned long *word, unsigned long subsystems)
{
	if (subsystems)
		atomic_long_or(subsystems, (atomic_long_t *)word);
}

/* Asks the subsystems whether a child may start; who agreed is to be told if not. */
static __always_inline int member_can_fork(struct member *m, struct member *parent)
{
	struct container_subsys *ss;
	unsigned long bits, asked;
	struct container *cont;
	int i, err = 0;

	for_each_word(i) {
		asked = READ_ONCE(calls.can_fork[i]);
		if (!asked)
			continue;
		for_each_call(i, bits, ss, asked) {
			cont = container_for(m, ss);
			if (!cont) {
				asked &= ~(bits & -bits);
				continue;
			}
			err = ss->can_fork(ss, cont, m->task, words_for(m, ss),
					   words_for(parent, ss));
			if (unlikely(err)) {
				err = callback_errno(err, ss->name);
				asked &= (bits & -bits) - 1;
				break;
			}
		}
		member_mark(&m->asked[i], asked);
		member_mark(&m->known[i], asked & READ_ONCE(calls.asked[i]));
		if (unlikely(err))
			return err;
	}
	return 0;
}

/* Tells subsystems of a task, locked, that they do not know: it is new, or they are. */
static void member_tell(struct member *m)
{
	struct container_subsys *ss;
	struct container *cont;
	unsigned long bits;
	int i;

	for_each_word(i)
		for_each_call(i, bits, ss, READ_ONCE(calls.fork[i])) {
			cont = container_for(m, ss);
			if (!cont ||
			    (!ss->members_only && test_and_set_bit(ss->subsys_id, m->known)))
				continue;
			if (ss->fork)
				ss->fork(ss, cont, m->task, words_for(m, ss));
		}
}

static void member_exit(struct member *m)
{
	struct container_subsys *ss;
	struct container *cont;
	unsigned long bits;
	int i;

	for_each_word(i)
		for_each_call(i, bits, ss, READ_ONCE(calls.exit[i]) &
					   (READ_ONCE(calls.some[i]) | READ_ONCE(m->known[i]))) {
			cont = container_for(m, ss);
			if (cont)
				ss->exit(ss, cont, m->task, words_for(m, ss));
		}
}

static void member_left(struct member *m)
{
	struct container_subsys *ss;
	unsigned long bits;
	int i;

	for_each_word(i)
		for_each_call(i, bits, ss, READ_ONCE(calls.left[i]) & READ_ONCE(m->known[i]))
			ss->left(ss, m->task, words_for(m, ss));
}

/* The end of an entry; subsystems are told before and after it leaves its containers. */
static __always_inline void member_end(struct bucket *b, struct task_struct *task,
				       struct member *m, void (*before)(struct member *m),
				       void (*after)(struct member *m))
{
	spin_lock(&b->lock);
	/* a mover that saw the task exiting may have taken its entry back */
	if (m->task != task) {
		table_unlock(b);
		return;
	}
	before(m);
	member_leave_all(m);
	if (after)
		after(m);
	table_del(m);
	table_unlock(b);
	table_free_spare(m);
}

static noinline void fork_undo(struct task_struct *child, struct member *m)
{
	member_end(table_bucket(child), child, m, member_cancel, NULL);
}

/* The hook on exit, for a task with an entry; preemption is off, and on again after. */
static noinline void task_exit(struct bucket *b, struct task_struct *task, struct member *m)
{
	member_end(b, task, m, member_exit, member_left);
	preempt_enable();
}

/*
 * Puts a child in the making beside its parent, the current task. While the
 * parent is in the container, and we hold the lock, the container stays: the
 * parent is its member, or its mover holds the manage lock.
 *
 * Return: false if the container is being killed. The flag is set before the
 * members are killed, under the lock: they include the child, or we see it.
 */
static __always_inline bool fork_join(struct place *child, struct place *parent)
{
	struct container *cont;

	while ((cont = READ_ONCE(parent->cont))) {
		spin_lock(&cont->lock);
		if (likely(parent->cont == cont)) {
			child->cont = cont;
			hlist_add_head(&child->link, &cont->members);
			cont->nr_members++;
			spin_unlock(&cont->lock);
			return !test_bit(CONT_KILLING, &cont->flags);
		}
		spin_unlock(&cont->lock);
	}
	return true;
}

/* The parent that has no entry: at every root, and nobody keeps words for it. */
static struct member nobody;

/* Settles the membership of a child in the making; an errno makes fork fail. */
static __always_inline int fork_begin(struct task_struct *child, struct member *m,
				      struct member *parent)
{
	struct bucket *b;
	int h, err = 0;

	/* every entry of an address before was removed with its task */
	b = table_lock(child);
	table_add(b, m, child);
	table_unlock(b);

	unrolled
	for (h = 1; h < MAX_CONTAINER_HIERARCHIES; h++)
		if (unlikely(!fork_join(&m->in[h], &parent->in[h])))
			err = -EAGAIN;
	if (likely(!err))
		err = member_can_fork(m, parent);
	if (unlikely(err))
		fork_undo(child, m);
	return err;
}

/* cgroup_can_fork() itself. */
static __always_inline int fork_goes_on(struct task_struct *child, void *args)
{
	return container_hook_call(fork_hooks[HOOK_CAN_FORK].body, (unsigned long)child,
				   (unsigned long)args, 0);
}

/* Without a spare one at hand. Preemption is off, but for the allocation. */
static noinline struct member *fork_alloc(void)
{
	struct member *m;

	preempt_enable();
	m = table_alloc(GFP_KERNEL);
	preempt_disable();
	return m;
}

/*
 * For a child that gets an entry; preemption is off, and on again after. The entry is not
 * accounted for: the child's own structures are, which are far larger.
 */
static noinline int fork_below(struct task_struct *child, void *args, struct member *parent)
{
	struct member *m = table_take_spare() ?: fork_alloc();
	int err = -ENOMEM;

	if (likely(m))
		err = fork_begin(child, m, parent ?: &nobody);
	preempt_enable();
	if (unlikely(err))
		return err;
	err = fork_goes_on(child, args);
	if (unlikely(err)) {
		preempt_disable();
		fork_undo(child, m);
		preempt_enable();
	}
	return err;
}

/* Runs in place of cgroup_can_fork(). May sleep. */
static int fork_enter(struct task_struct *child, void *args)
{
	struct member *parent;
	int err;

	container_hook_enter(&fork_callers);
	preempt_disable();
	parent = table_find(current);
	if (parent) {
		WRITE_ONCE(parent->moved, false);
		smp_mb(); /* before looking where it is: see fork_follow() */
	}
	/* an idle task of a CPU coming up belongs to no container */
	if (((parent && member_is_below(parent)) ||
	     !bitmap_empty(calls.all, MAX_CONTAINER_SUBSYS)) && child->pid) {
		err = fork_below(child, args, parent);
	} else {
		preempt_enable();
		err = fork_goes_on(child, args);
	}
	container_hook_leave(&fork_callers);
	return err;
}

CONTAINER_HOOK_HANDLER(hook_can_fork, regs)
{
	container_hook_redirect(regs, fork_enter);
}

/* The entry of a child that is about to run, where it needs one after all. */
static struct member *fork_late_member(struct task_struct *child)
{
	struct member *m, *new;
	struct bucket *b;

	m = table_find(child);
	if (m)
		return m;
	new = table_take_spare() ?: table_alloc(GFP_ATOMIC);
	if (!new) {
		atomic_long_inc(&fork_hooks[HOOK_NEWTASK].missed);
		return NULL;
	}
	b = table_lock(child);
	m = table_find(child);
	if (!m) {
		m = new;
		table_add(b, m, child);
	}
	table_unlock(b);
	if (m != new)
		table_free_spare(new);
	return m;
}

/* The locks of two tasks, whose buckets may be the same. */
static void lock_both(struct bucket *a, struct bucket *b)
{
	spin_lock(&min(a, b)->lock);
	if (a != b)
		spin_lock_nested(&max(a, b)->lock, SINGLE_DEPTH_NESTING);
}

static void unlock_both(struct bucket *a, struct bucket *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

/*
 * A thread whose parent was moved while it was in the making goes after it. The
 * child began where the parent was after the mark was cleared, and the mover sets
 * the mark after the move and then gathers threads again: either it finds the
 * child in the list of threads, or we see the mark.
 */
static void fork_follow(struct task_struct *child, struct member *parent)
{
	struct member *m = fork_late_member(child);
	struct container *cont;
	struct bucket *a, *b;
	int h;

	if (!m)
		return;
	a = table_bucket(current);
	b = table_bucket(child);
	lock_both(a, b);
	for (h = 1; h < MAX_CONTAINER_HIERARCHIES; h++) {
		cont = parent->in[h].cont;
		if (m->in[h].cont != cont && !m->moved)
			member_move(m, cont ?: &hierarchies[h]->top);
	}
	unlock_both(a, b);
}

static void fork_tell(struct task_struct *child)
{
	struct bucket *b;
	struct member *m;

	m = bitmap_empty(calls.all, MAX_CONTAINER_SUBSYS) ?
		table_find(child) : fork_late_member(child);
	if (!m)
		return;
	b = table_lock(child);
	member_tell(m);
	table_unlock(b);
}

/*
 * Was everybody told when it was asked, or wants nobody to be told? The child does
 * not exit meanwhile, so what is set stays, unless its subsystem is on its way
 * out; a bit that somebody else is about to set is only looked for in vain.
 */
static inline bool fork_is_told(struct task_struct *child)
{
	struct member *m = table_find(child);

	return m ? bitmap_subset(calls.fork, m->known, MAX_CONTAINER_SUBSYS) :
		   bitmap_empty(calls.all, MAX_CONTAINER_SUBSYS);
}

/* Of a child with whom something is left to do; preemption as in task_exit(). */
static noinline void fork_finish(struct task_struct *child, struct member *parent)
{
	if (parent)
		fork_follow(child, parent);
	if (!fork_is_told(child))
		fork_tell(child);
	preempt_enable();
}

static void probe_newtask(void *data, struct task_struct *child, unsigned long clone_flags)
{
	struct member *parent = NULL;

	preempt_disable();
	if (clone_flags & CLONE_THREAD) {
		parent = table_find(current);
		/* the child is in the list: pairs with the mover's in move_task() */
		smp_mb();
		if (parent && !READ_ONCE(parent->moved))
			parent = NULL;
	}
	if (parent || (!bitmap_empty(calls.fork, MAX_CONTAINER_SUBSYS) && !fork_is_told(child)))
		fork_finish(child, parent);
	else
		preempt_enable();
}

/*
 * What the hooks on birth and exit do for tasks with an entry is out of line and the last
 * thing they do, so that for the others they need not even save registers.
 */
CONTAINER_HOOK_HANDLER(hook_exit, regs)
{
	struct task_struct *task = (void *)container_hook_arg(regs, 0);
	struct bucket *b = table_bucket(task);
	struct member *m;

	preempt_disable();
	m = table_find_in(b, task);
	if (m)
		task_exit(b, task, m);
	else
		preempt_enable();
}

CONTAINER_HOOK_HANDLER(hook_cancel_fork, regs)
{
	struct task_struct *child = (void *)container_hook_arg(regs, 0);
	struct member *m;

	preempt_disable();
	m = table_find(child);
	if (m)
		fork_undo(child, m);
	preempt_enable();
}

/* No entry is made before all the others are armed, nor after one of them is not. */
static struct container_hook fork_hooks[FORK_HOOKS] = {
	[HOOK_CANCEL_FORK] = {
		.name = "cgroup_cancel_fork",
		.type = CONTAINER_HOOK_ENTRY,
		.handler = hook_cancel_fork,
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
	[HOOK_CAN_FORK] = {
		.name = "cgroup_can_fork",
		.type = CONTAINER_HOOK_OVERRIDE,
		.handler = hook_can_fork,
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
	container_hooks_disarm(fork_hooks + HOOK_CAN_FORK, 1);
	container_hook_wait_callers(&fork_callers);
	container_hooks_disarm(fork_hooks, HOOK_CAN_FORK);
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

/* The number of a task in a namespace; 0 if it has none there, or is being made. */
static pid_t visible_nr(struct task_struct *task, struct pid_namespace *ns, bool processes)
{
	if (!task_is_born(task))
		return 0;
	return processes ? task_tgid_nr_ns(task, ns) :
			   pid_nr_ns(READ_ONCE(task->thread_pid), ns);
}

/* A growing array of numbers. */
struct numbers {
	pid_t *nr;
	int count, room;
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

static int compare_nr(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

/* Are they in order already: up for a @sign of 1, down for -1? */
static bool numbers_run(const struct numbers *l, int sign)
{
	int i;

	for (i = 1; i < l->count; i++)
		if ((l->nr[i] - l->nr[i - 1]) * sign <= 0)
			return false;
	return true;
}

/* Ascending, each once. Most come in order: members are listed youngest first. */
static void numbers_finish(struct numbers *l)
{
	int i, n = 0;

	if (numbers_run(l, 1))
		return;
	if (numbers_run(l, -1)) {
		for (; n < l->count / 2; n++)
			swap(l->nr[n], l->nr[l->count - 1 - n]);
		return;
	}
	sort(l->nr, l->count, sizeof(*l->nr), compare_nr, NULL);
	for (i = 0; i < l->count; i++)
		if (!n || l->nr[i] != l->nr[n - 1])
			l->nr[n++] = l->nr[i];
	l->count = n;
}

struct listing {
	struct pid_namespace *ns;
	bool processes;
	struct numbers *l;
};

static void list_member(struct member *m, void *arg)
{
	struct listing *to = arg;
	pid_t nr = visible_nr(m->task, to->ns, to->processes);

	if (nr)
		to->l->nr[to->l->count++] = nr;
}

static int list_members(struct container *cont, struct pid_namespace *ns, bool processes,
			struct numbers *l)
{
	struct listing to = { .ns = ns, .processes = processes, .l = l };
	struct place mark;
	int err;

	walk_begin(cont, &mark);
	do {
		cond_resched();
		err = numbers_reserve(l, l->count + WALK_PORTION);
	} while (!err && walk_on(cont, &mark, list_member, &to));
	if (err)
		walk_end(cont, &mark);
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
		err = numbers_reserve(l, l->count + WALK_PORTION);
		if (err)
			return err;
		cond_resched();
		rcu_read_lock();
		for (n = 0; n < WALK_PORTION; n++) {
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
				l->nr[l->count++] = nr;
		}
		rcu_read_unlock();
	} while (n == WALK_PORTION);
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
	struct numbers l = {};
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

/*
 * The entry of a task that has not begun to exit, or NULL. Its lock is held, which
 * the task's exit will want.
 */
static struct member *live_member(struct task_struct *task)
{
	return READ_ONCE(task->flags) & PF_EXITING ? NULL : table_find(task);
}

/* Moves a task that has an entry, unless it has begun to exit. */
static int move_task(struct task_struct *task, struct container *to)
{
	struct bucket *b = table_lock(task);
	struct member *m = live_member(task);

	if (m) {
		member_move(m, to);
		/* not before it is there: see fork_follow() */
		smp_wmb();
		WRITE_ONCE(m->moved, true);
	}
	table_unlock(b);
	/* the mark is set: look for threads again only after this */
	smp_mb();
	return m ? 0 : -ESRCH;
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

/* What a move is; who is asked about it. */
enum move_kind {
	MOVE,
	MOVE_CLONE,
	MOVE_EVICT,	/* nobody: it has to be */
};

/* Asks all who may object; they prepare for the move, too. */
static int move_ask(struct move *mv, struct container *to, enum move_kind kind)
{
	int (*ask)(struct container_subsys *ss, struct container *cont, struct task_struct *tsk);
	struct hierarchy *h = container_hierarchy(to);
	struct container_subsys *ss;
	int i, id, err;

	for (i = 0; i < mv->count; i++)
		for_each_bound_subsys(h, id, ss) {
			ask = kind == MOVE_CLONE ? ss->can_clone : ss->can_attach;
			err = ask ? callback_errno(ask(ss, to, mv->tasks[i].task), ss->name) : 0;
			if (err && (err == -ENOMEM || kind != MOVE_EVICT))
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

/* Prepares the move of one task, so that only its exit can be in the way. */
static struct move *move_begin(struct container *to, struct task_struct *task,
			       enum move_kind kind)
{
	struct move *mv = kmalloc(struct_size(mv, tasks, 1), GFP_KERNEL);
	int err;

	if (!mv)
		return ERR_PTR(-ENOMEM);
	mv->count = 1;
	mv->tasks[0].task = get_task_struct(task);
	err = move_ask(mv, to, kind);
	if (!err)
		err = move_prepare(mv, GFP_KERNEL);
	if (err) {
		move_free(mv);
		return ERR_PTR(err);
	}
	return mv;
}

/**
 * container_enter_prepare - prepare the current task's move into a new container
 * @to: a child of the container it is in. May not be linked yet
 *
 * The task needs no right to do so.
 *
 * Context: manage lock held until container_enter(); sleeps.
 * Return: for container_enter(); or -ENOMEM, or what a subsystem's can_clone()
 * says, and nothing has changed.
 */
struct move *container_enter_prepare(struct container *to)
{
	lockdep_assert_held(&manage_mutex);
	return move_begin(to, current, MOVE_CLONE);
}

/**
 * container_enter - move the current task, which cannot fail any more
 * @mv: what container_enter_prepare() returned; freed
 * @to: the container, linked
 *
 * Context: manage lock held; sleeps.
 */
void container_enter(struct move *mv, struct container *to)
{
	move_go(mv, to);
	move_free(mv);
}

static int move_one(struct container *to, struct task_struct *task, enum move_kind kind)
{
	struct move *mv;
	int gone;

	if (task_is_in(task, to))
		return 0;
	mv = move_begin(to, task, kind);
	if (IS_ERR(mv))
		return PTR_ERR(mv);
	gone = move_go(mv, to);
	move_free(mv);
	return gone ? 0 : -ESRCH;
}

/**
 * container_attach_task - move a task
 * @to: where; not removed
 * @task: the task, with a reference of the caller's
 * @cred: whose right it is to do so
 *
 * Context: manage lock held; sleeps.
 * Return: 0; -ESRCH if it is exiting, -EACCES, -ENOMEM, -ENODEV if @to is removed,
 * -EINVAL without the lock, or what a subsystem's can_attach() says. On failure nothing
 * has changed.
 */
int container_attach_task(struct container *to, struct task_struct *task,
			  const struct cred *cred)
{
	if (!manage_lock_is_mine()) {
		pr_err("container_attach_task() was called without the manage lock\n");
		return -EINVAL;
	}
	if (container_is_removed(to))
		return -ENODEV;
	if (task->flags & PF_EXITING)
		return -ESRCH;
	if (!may_move(cred, task))
		return -EACCES;
	return move_one(to, task, MOVE);
}
EXPORT_SYMBOL_GPL(container_attach_task);

/**
 * container_evict_task - move a task out of a container in which it cannot stay
 * @to: where; not removed
 * @task: the task, with a reference of the caller's
 *
 * For the kernel itself: whatever the subsystems say to it, and whoever is current.
 *
 * Context: manage lock held; sleeps.
 * Return: 0; -ESRCH if it is exiting, -ENOMEM, -EINVAL without the lock, and nothing has
 * changed.
 */
int container_evict_task(struct container *to, struct task_struct *task)
{
	if (!manage_lock_is_mine()) {
		pr_err("container_evict_task() was called without the manage lock\n");
		return -EINVAL;
	}
	return task->flags & PF_EXITING ? -ESRCH : move_one(to, task, MOVE_EVICT);
}
EXPORT_SYMBOL_GPL(container_evict_task);

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
	err = move_ask(mv, to, MOVE);
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
	return !ss->members_only &&
	       (ss->can_fork || ss->cancel_fork || ss->fork || ss->exit || ss->left);
}

static void calls_set(struct container_subsys *ss, bool on)
{
	int id = ss->subsys_id;
	bool all = wants_all(ss);

	/* what it is like, before anybody may be asked: a hook looks in the other order */
	assign_bit(id, calls.some, ss->members_only);
	assign_bit(id, calls.asked, ss->told_when_asked);
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
	struct bucket *b;
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
			b = table_lock(task);
			m = live_member(task);
			if (m)
				member_tell(m);
			table_unlock(b);
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

	clear_bit(ss->subsys_id, m->known);
	clear_bit(ss->subsys_id, m->asked);
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
