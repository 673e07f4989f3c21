/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Generic process containers: the API for authors of subsystems.
 *
 * A container is a set of tasks and a directory of the filesystem "container".
 * A hierarchy is a tree of containers with a fixed set of subsystems bound to
 * it; every task is in exactly one container of every active hierarchy. A
 * subsystem hangs a state of its own on each container.
 *
 * Locks, outermost first:
 *
 *   container_manage_lock()    held by whoever changes the shape of things:
 *			       makes or removes containers, moves tasks, binds or
 *			       registers subsystems. A mutex.
 *   container_lock()	       the callback lock: taken inside it for each such
 *			       change, so that holding either one keeps every
 *			       container where it is. A mutex.
 *   the lock of a task's entry, then container->lock	spinlocks, taken by fork
 *			       and exit. There is no global lock on those paths.
 *
 * Origin of the semantics: Paul Menage's Generic Process Containers V6 (2006)
 * and the discussion that followed it.
 */
#ifndef _CONTAINER_H
#define _CONTAINER_H

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#ifndef MAX_CONTAINER_SUBSYS
#define MAX_CONTAINER_SUBSYS 8
#endif
#ifndef MAX_CONTAINER_HIERARCHIES
#define MAX_CONTAINER_HIERARCHIES 4
#endif

static_assert(MAX_CONTAINER_SUBSYS >= 1 && MAX_CONTAINER_SUBSYS <= 255,
	      "MAX_CONTAINER_SUBSYS must be 1-255");
static_assert(MAX_CONTAINER_HIERARCHIES >= 2 && MAX_CONTAINER_HIERARCHIES <= 255,
	      "MAX_CONTAINER_HIERARCHIES must be 2-255");

/* The longest name of a subsystem, and of a control file with its final NUL. */
#define MAX_CONTAINER_TYPE_NAMELEN	32
#define MAX_CFTYPE_NAME			64

/*
 * Bytes that all subsystems together may keep for each task: ours need 64 (cpuacct 24,
 * cpuset and numtasks 16 each, bc 8), which leaves eight to others.
 */
#define CONTAINER_TASK_SIZE		72

struct container;
struct container_subsys;
struct cred;
struct dentry;
struct file;
struct new_file;

/**
 * struct container_subsys_state - what a subsystem keeps for a container
 * @container: the container it belongs to. The state of a top container moves
 *	between the hierarchies as the subsystem is bound and unbound.
 * @refcnt: references that keep the container from being removed; negative
 *	from the moment its removal is decided.
 *
 * Embedded in the subsystem's own structure, which its create() allocates
 * zeroed and puts in its container; what @container is, the core says then.
 */
struct container_subsys_state {
	struct container *container;
	atomic_t refcnt;
};

/* What limits of a container's refuse: see container_refused(). */
enum container_refusal {
	CONTAINER_FORK,
	CONTAINER_CHARGE,
	CONTAINER_REFUSALS
};

/**
 * struct container_events - what happens to a container, for those who wait for it
 * @refused: how often its limits have refused something, by kind.
 * @readers: open files. Nobody else waits but who has an inotify watch on @file.
 * @file: the file; readable under RCU.
 * @wait: those who wait for a change.
 * @changes: how many were told. It and what was told last, @populated and @told, are
 *	written under the manage lock.
 * @populated: it had a member, here or below.
 * @told: of @refused.
 * @work: looks for changes, and tells them.
 */
struct container_events {
	atomic_long_t refused[CONTAINER_REFUSALS];
	atomic_t readers;
	struct dentry *file;
	wait_queue_head_t wait;
	unsigned int changes;
	bool populated;
	long told[CONTAINER_REFUSALS];
	struct work_struct work;
};

/**
 * struct container - a set of tasks
 * @flags: bits of the enum below; atomic bit operations.
 * @lock: guards @members, @nr_members, and (together with both mutexes)
 *	@children. A spinlock; taken on fork and exit.
 * @members: entries of the tasks in it. Empty in a top container, whose
 *	members are all the tasks that are in no other.
 * @nr_members: length of @members.
 * @sibling: link in the parent's @children.
 * @children: containers below. Read under the manage lock, the callback lock
 *	or @lock; written under all three.
 * @parent: the container above, NULL at the top. Never changes.
 * @top_container: the root of the hierarchy.
 * @hierarchy: number of the hierarchy.
 * @dentry: the directory. Valid under either mutex while not removed.
 * @new_files: files that its directory is to get; while it is being made.
 * @leaving: how many containers below are gone, but for their directories. Written
 *	under the manage lock.
 * @subsys: each bound subsystem's state.
 * @events: what the file events is about.
 * @ref: keeps the memory. Freed after a grace period, so a pointer found
 *	under RCU stays readable until the reader leaves.
 * @releases: releases that the worker has not handled yet.
 * @release_work: runs the release agent or removes the container.
 * @rcu: for freeing.
 */
struct container {
	unsigned long flags;
	spinlock_t lock;
	struct hlist_head members;
	unsigned int nr_members;
	struct list_head sibling;
	struct list_head children;
	struct container *parent;
	struct container *top_container;
	int hierarchy;
	struct dentry *dentry;
	struct new_file *new_files;
	unsigned int leaving;
	struct container_subsys_state *subsys[MAX_CONTAINER_SUBSYS];
	struct container_events events;
	refcount_t ref;
	atomic_t releases;
	struct work_struct release_work;
	struct rcu_head rcu;
};

enum {
	CONT_REMOVED,
	CONT_NOTIFY_ON_RELEASE,
	CONT_AUTO_DELETE,
	CONT_KILL_ON_RMDIR,
	CONT_CLONE_CHILDREN,
	/* made by container_clone(); set before create() */
	CONT_CLONED,
	/* rmdir is killing the members: nobody may fork in it */
	CONT_KILLING,
	/* a task has joined an empty container, and a change is yet to be told to inotify */
	CONT_EVENT_JOINED,
	CONT_EVENT_NEW,
	/* an auto-delete found the state referenced: try again at the last put */
	CONT_DELETE_PENDING,
};

/**
 * struct container_cftype - a control file
 * V6 calls it cftype, a name that the kernel now uses for its own.
 *
 * @name: by convention the subsystem's name, a period and the file's own.
 * @private: for the subsystem, to tell files with common handlers apart.
 * @mode: permission bits; 0 derives them from the handlers (0644, 0444, 0200).
 * @too_long: errno for a write of more than a page; 0 means -E2BIG.
 * @show: prints the value. Called with the callback lock held and the manage lock
 *	not, so that it may take neither; may sleep. Returns 0 or a negative errno.
 * @write: takes a new value. @buf is NUL-terminated, without the one newline
 *	at its end and has no NUL inside; @file tells whose credentials count
 *	(those of the opener), and is good for nothing else: it may have been opened
 *	through another filesystem. Called with the manage lock held and the callback
 *	lock, which it may take, not; may sleep. Returns 0 or a negative errno, having
 *	changed nothing.
 *
 * Neither is called once the container is removed: the caller gets -ENODEV.
 */
struct container_cftype {
	char name[MAX_CFTYPE_NAME];
	int private;
	umode_t mode;
	int too_long;
	int (*show)(struct seq_file *m, struct container *cont,
		    const struct container_cftype *cft);
	int (*write)(struct container *cont, const struct container_cftype *cft,
		     struct file *file, char *buf);
};

/**
 * enum container_move_reason - why a task moves
 * @CONTAINER_MOVE_ATTACH: somebody wrote to tasks or procs, or called for it
 * @CONTAINER_MOVE_CLONE: into a new container of its own
 * @CONTAINER_MOVE_EVICT: it cannot stay where it is; nobody may refuse
 * @CONTAINER_MOVE_FOLLOW: a new thread, after its process: attach() is all that is called,
 *	by the thread that has made it
 */
enum container_move_reason {
	CONTAINER_MOVE_ATTACH,
	CONTAINER_MOVE_CLONE,
	CONTAINER_MOVE_EVICT,
	CONTAINER_MOVE_FOLLOW,
};

/**
 * struct container_move - a task moves from one container to another
 * @task: the task
 * @from: where it is; readable until the end
 * @to: where it goes
 * @why: see there
 * @data: see container_move_data()
 */
struct container_move {
	struct task_struct *task;
	struct container *from;
	struct container *to;
	enum container_move_reason why;
	/* private: */
	void **data;
};

/**
 * enum container_scope - which tasks a subsystem is called for as they fork and exit
 * @CONTAINER_ALL_TASKS: every task in the system, from registration on, bound or not
 * @CONTAINER_WHILE_BOUND: every task in the system, from bind() to unbind(). There is no
 *	exit() for the tasks that go on living then. Nothing costs anything while the
 *	subsystem is not bound
 * @CONTAINER_MEMBERS: those below the root of the subsystem's hierarchy. Tasks that
 *	nobody moved cost nothing
 */
enum container_scope {
	CONTAINER_ALL_TASKS,
	CONTAINER_WHILE_BOUND,
	CONTAINER_MEMBERS,
};

/**
 * struct container_subsys - a subsystem
 * @name: 1-32 characters of [A-Za-z0-9_-]; also the mount option. A module
 *	that wants to be loaded by mount has the alias container-subsys-<name>.
 * @owner: the module, pinned while the subsystem is bound to a hierarchy.
 * @scope: which tasks @can_fork, @cancel_fork, @fork, @adopt, @exit and @exited are
 *	called for.
 * @task_size: size of what the subsystem keeps for each task, a structure of its own
 *	that is zero at first. The callbacks about a task get it as @data.
 *
 * create() and destroy() run with the manage lock held and the callback lock not.
 *
 * @create: makes the state of @cont and puts it there; @cont->parent is NULL
 *	for the one made at registration. The core then sets the state's container.
 *	Manage lock held, may sleep; errno on failure, having put nothing there.
 *	Mandatory.
 * @destroy: undoes create(). Readers under RCU may still be looking: free with
 *	kfree_rcu() or after a grace period. Manage lock held. Mandatory.
 * @can_attach: may the task move? Every bound subsystem is asked before any is told.
 *	Manage lock held, may sleep; 0 or the errno of the write. Also the place to set aside
 *	in container_move_data() what attach(), which must not sleep, will want; before a
 *	refusal, too, as container_evict_task() overrules it.
 * @can_clone: may the current task have @move->to, a new child of its container, to
 *	itself? Asked by container_clone() in place of can_attach(), so that a subsystem
 *	may allow the one and forbid the other; without it, it does not mind. The container
 *	is complete but for being linked. Manage lock held, may sleep; errno on failure,
 *	and there is no new container.
 * @cancel_attach: after can_attach() or can_clone(), whatever they said: the move does not
 *	happen. Undoes what they set aside. Manage lock held, may sleep.
 * @attach: the task moves, now. Called just before the move becomes visible, with the lock
 *	of the task's entry held: must not sleep or take a container->lock. Not called at
 *	exit: see exit().
 * @post_attach: the move is done. Manage lock held, may sleep.
 * What a callback returns beside 0 and an errno counts as -EINVAL.
 * The callbacks about one task get the container it is in and its @data.
 * Those that are called atomic run with preemption off. That holds back grace
 * periods, but rcu_dereference() wants an rcu_read_lock() of the callback's own.
 *
 * @can_fork: may @child, in the making, start? Its membership is settled already. @parent
 *	is the data of the forking task, for reading: zero where nothing is kept for it; it
 *	may be moved meanwhile. Atomic context of the forking task; an errno makes the fork
 *	fail with it.
 * @cancel_fork: the fork failed after can_fork() had agreed. Atomic.
 * @fork: @child is complete but has not run yet; once for each task. Where there is no
 *	adopt(), it stands in for that. Atomic, with the lock
 *	of the task's entry held.
 * @adopt: @tsk existed, or was being made, when the calls began, and can_fork() was not
 *	asked about it: count it as if it had been. Once for each such task, and before
 *	attach(). A subsystem with adopt() that can do without fork() saves each fork that
 *	call. Not without can_fork(), nor with CONTAINER_MEMBERS. Context as for fork().
 * @exit: @tsk is exiting and about to leave @cont. Once for each task that can_fork(),
 *	fork() or adopt() made known; with CONTAINER_MEMBERS, for each that exits below
 *	the root. Atomic context of the exiting task, with the lock of its entry held.
 * @exited: the same task has left its containers and shows in no tasks file any more. Its
 *	container may be removed by now, but what was found there is still readable under
 *	RCU. For a subsystem that lets others in when one goes; not with
 *	CONTAINER_MEMBERS. Context as for exit(), and after it.
 * @inherit: @cont is to be as @cont->parent, as container_clone() has made it for the
 *	current task, or mkdir in a container with clone_children: takes from there
 *	what a task needs to be let in, and what it is to find as it was. After
 *	create(), before populate() and can_clone();
 *	@cont is not among its parent's children yet. Manage lock held, may sleep;
 *	errno on failure, and there is no new container.
 * @populate: adds the control files to @cont's new directory, with
 *	container_add_file(), which can be called nowhere else. Manage lock held, callback
 *	lock not; may sleep; errno on failure.
 * @bind: the subsystem was bound to the hierarchy of @root: its files and
 *	tasks come next. Manage lock held, may sleep; errno on failure, which is
 *	that of the mount.
 * @unbind: undoes bind(): the hierarchy of @root is dissolved, or was not made after
 *	all. Manage lock held, may sleep.
 *
 * @show: adds to the subsystem's line in /proc/containers, beginning with a blank.
 *	Callback lock held, may sleep.
 *
 * @subsys_id: index into container->subsys; -1 until registered. Set by the core.
 * @hierarchy: number of the hierarchy it is bound to, 0 while it is not. Written
 *	under both mutexes, read under either, or under RCU where a stale
 *	answer does no harm. Set by the core.
 * @active: registration is complete. Set by the core.
 * @task_offset: where its part of a task's data is. Set by the core.
 * @since: since when it is called for tasks. Set by the core.
 */
struct container_subsys {
	const char *name;
	struct module *owner;
	enum container_scope scope;
	unsigned int task_size;

	int (*create)(struct container_subsys *ss, struct container *cont);
	void (*destroy)(struct container_subsys *ss, struct container *cont);
	int (*can_attach)(struct container_subsys *ss, struct container_move *move);
	int (*can_clone)(struct container_subsys *ss, struct container_move *move);
	void (*cancel_attach)(struct container_subsys *ss, struct container_move *move);
	void (*attach)(struct container_subsys *ss, struct container_move *move, void *data);
	void (*post_attach)(struct container_subsys *ss, struct container_move *move);
	int (*can_fork)(struct container_subsys *ss, struct container *cont,
			struct task_struct *child, void *data, const void *parent);
	void (*cancel_fork)(struct container_subsys *ss, struct container *cont,
			    struct task_struct *child, void *data);
	void (*fork)(struct container_subsys *ss, struct container *cont,
		     struct task_struct *child, void *data);
	void (*adopt)(struct container_subsys *ss, struct container *cont,
		      struct task_struct *tsk, void *data);
	void (*exit)(struct container_subsys *ss, struct container *cont,
		     struct task_struct *tsk, void *data);
	void (*exited)(struct container_subsys *ss, struct task_struct *tsk, void *data);
	int (*inherit)(struct container_subsys *ss, struct container *cont);
	int (*populate)(struct container_subsys *ss, struct container *cont);
	int (*bind)(struct container_subsys *ss, struct container *root);
	void (*unbind)(struct container_subsys *ss, struct container *root);
	void (*show)(struct container_subsys *ss, struct seq_file *m);

	int subsys_id;
	int hierarchy;
	bool active;
	unsigned int task_offset;
	unsigned long since;
};

int container_register_subsys(struct container_subsys *ss);
int container_unregister_subsys(struct container_subsys *ss);
void container_set_release_agent_path(struct container_subsys *ss,
				      const char *path);

void container_manage_lock(void);
void container_manage_unlock(void);
void container_lock(void);
void container_unlock(void);

struct container *task_container(struct task_struct *task,
				 struct container_subsys *ss);
struct container *container_subsys_root(struct container_subsys *ss);
void *container_task_data(struct task_struct *task, struct container_subsys *ss);
void container_for_each_member(struct container *cont, struct container_subsys *ss,
			       void (*fn)(struct task_struct *task, void *data, void *arg),
			       void *arg);
bool container_for_task(struct task_struct *task, struct container_subsys *ss,
			void (*fn)(struct task_struct *task, void *data, void *arg), void *arg);
int container_attach_task(struct container *to, struct task_struct *task,
			  const struct cred *cred);
int container_evict_task(struct container *to, struct task_struct *task);
bool container_noprefix(const struct container *cont);
struct container *container_next_descendant(struct container *pos,
					    struct container *top);
int container_path(const struct container *cont, char *buf, int buflen);
int container_add_file(struct container *cont, const struct container_cftype *cft);
int container_add_files(struct container *cont, const struct container_cftype *cfts, int count);
int container_clone(struct container_subsys *ss);
void container_refused(struct container *cont, enum container_refusal what, const char *limit);
void container_css_released(struct container_subsys_state *css);
void container_css_unbalanced(struct container_subsys_state *css);

/**
 * container_is_removed - is the container on its way out?
 * @cont: a container that the caller may look at (RCU, a reference, a lock)
 *
 * The answer stays valid under the manage or the callback lock only.
 */
static inline bool container_is_removed(const struct container *cont)
{
	return test_bit(CONT_REMOVED, &cont->flags);
}

/**
 * container_subsys_state - a subsystem's state of a container
 * @cont: the container
 * @ss: a subsystem bound to its hierarchy
 *
 * Any context in which @cont is known to stay.
 */
static inline struct container_subsys_state *
container_subsys_state(struct container *cont, struct container_subsys *ss)
{
	/* in the path of each fork: no index, which kernels with UBSAN would check again */
	return *(cont->subsys + ss->subsys_id);
}

/**
 * container_move_data - what a subsystem keeps for a move
 * @move: the move
 * @ss: the subsystem
 *
 * From can_attach() or can_clone() to post_attach() or cancel_attach(); NULL at first.
 *
 * Return: where it is kept; NULL for a thread that follows its process.
 */
static inline void **container_move_data(const struct container_move *move,
					 const struct container_subsys *ss)
{
	return move->data ? move->data + ss->subsys_id : NULL;
}

/**
 * container_set_subsys_state - put a new state in its container
 * @cont: the container
 * @ss: the subsystem
 * @css: the state, in zeroed memory
 *
 * For create() callbacks.
 */
static inline void container_set_subsys_state(struct container *cont,
					      struct container_subsys *ss,
					      struct container_subsys_state *css)
{
	css->container = cont;
	cont->subsys[ss->subsys_id] = css;
}

/**
 * task_subsys_state - a subsystem's state of the container a task is in
 * @task: the task, which the caller keeps from being freed
 * @ss: a registered subsystem
 *
 * Context: any, under rcu_read_lock(); the state may be looked at until the
 * matching unlock. It may change at any moment unless the manage lock is held.
 */
static inline struct container_subsys_state *
task_subsys_state(struct task_struct *task, struct container_subsys *ss)
{
	return container_subsys_state(task_container(task, ss), ss);
}

/**
 * container_css_get - take a reference on a state
 * @css: the state
 *
 * While it is held the container cannot be removed: rmdir says EBUSY. V6's
 * css_get(), whose name the kernel now uses for its own.
 *
 * Context: any.
 * Return: 0, or -ENODEV when the removal of the container is under way.
 */
static inline int container_css_get(struct container_subsys_state *css)
{
	return atomic_inc_unless_negative(&css->refcnt) ? 0 : -ENODEV;
}

/**
 * container_css_get_current - take a reference on the current task's state
 * @ss: a bound subsystem
 *
 * Context: any but NMI. Tries again when the task is moved away meanwhile.
 * Return: the state, with a reference.
 */
static inline struct container_subsys_state *
container_css_get_current(struct container_subsys *ss)
{
	struct container_subsys_state *css;

	rcu_read_lock();
	do {
		css = task_subsys_state(current, ss);
	} while (container_css_get(css));
	rcu_read_unlock();
	return css;
}

/**
 * container_css_put - drop a reference
 * @css: the state; the caller may not touch it afterwards
 *
 * Context: any but NMI; the last one may queue work.
 */
static inline void container_css_put(struct container_subsys_state *css)
{
	int left;

	rcu_read_lock();
	left = atomic_dec_return(&css->refcnt);
	if (!left)
		container_css_released(css);
	else if (unlikely(left < 0))
		container_css_unbalanced(css);
	rcu_read_unlock();
}

/**
 * container_dentry - the directory of a state's container, for a line in the log
 * @css: the state
 *
 * For printk's %pd: %pd4 shows the last four names of the path, or all from the root
 * on. NULL, which %pd takes, at the top of a hierarchy that is not mounted yet.
 *
 * Context: any, under rcu_read_lock() from before the container may be removed until
 * after it is shown.
 */
static inline const struct dentry *container_dentry(const struct container_subsys_state *css)
{
	return READ_ONCE(READ_ONCE(css->container)->dentry);
}

/**
 * container_refusal_is_news - should the log say that a limit has refused something?
 * @told: when it last said so of the limits of the same container; 0 at first
 * @seen: when this limit last refused something; 0 at first
 *
 * Refusals with less than ten seconds between one and the next are one episode, which
 * is told once: the first time that nothing was said of the container for ten
 * seconds.
 *
 * Context: any; any number of callers at once.
 */
static inline bool container_refusal_is_news(unsigned long *told, unsigned long *seen)
{
	unsigned long now = jiffies | 1, last = READ_ONCE(*told), refused = READ_ONCE(*seen);

	if (refused && now - refused < 10 * HZ) {
		WRITE_ONCE(*seen, now);
		return false;
	}
	if ((last && now - last < 10 * HZ) || cmpxchg(told, last, now) != last)
		return false;
	WRITE_ONCE(*seen, now);
	return true;
}

#endif /* _CONTAINER_H */
