/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Generic process containers: the API for authors of subsystems. container_subsys(9) says
 * the same at more length; samples/ has what to begin with.
 *
 * A container is a set of tasks and a directory of the filesystem "container". A hierarchy
 * is a tree of containers with a fixed set of subsystems bound to it; every task is in
 * exactly one container of every active hierarchy. A subsystem hangs a state of its own on
 * each container, and can have something kept for each task.
 *
 * Locks, outermost first:
 *
 *   container_manage_lock()	held by whoever makes or removes containers, moves tasks,
 *	binds or registers subsystems. A mutex.
 *   container_lock()	the callback lock, a mutex, taken inside it for each such change:
 *	holding either keeps every container where it is.
 *   the lock of a task's entry, then container->lock	spinlocks, taken by fork and exit.
 *	There is no global lock on those paths.
 *
 * Origin of the semantics: Paul Menage's Generic Process Containers V6 (2006) and the
 * discussion that followed it.
 */
#ifndef _CONTAINER_H
#define _CONTAINER_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
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

struct cred;
struct dentry;
struct file;
struct new_file;

/*
 * What a subsystem keeps for a container: embedded in its own structure, which create()
 * allocates zeroed.
 */
struct container_subsys_state {
	/* whose it is; a root's changes as the subsystem is bound and unbound. Set by the core */
	struct container *container;
	/* private: references; negative once the removal of the container is decided */
	atomic_t refcnt;
};

/* What limits of a container's refuse: see container_refused(). */
enum container_refusal {
	CONTAINER_FORK,
	CONTAINER_CHARGE,
	CONTAINER_REFUSALS
};

/* A set of tasks. What a subsystem may look at comes first. */
struct container {
	struct container *parent;	/* the one above; NULL for a root. Never changes */
	struct list_head children;	/* those below. Either mutex, or lock */
	struct list_head sibling;	/* link in the parent's children */
	unsigned int nr_members;	/* tasks in it; a root does not count them. lock */

	/* private: the core's own */
	unsigned long flags;		/* CONT_ bits, atomic */
	struct container_subsys_state *subsys[MAX_CONTAINER_SUBSYS];	/* of who is bound */
	spinlock_t lock;		/* guards the members; with both mutexes, children */
	struct hlist_head members;	/* their entries; a root's are in no list */
	struct container *top_container;	/* the root of the hierarchy */
	int hierarchy;			/* its number */
	struct dentry *dentry;		/* the directory. Either mutex, while not removed */
	struct new_file *new_files;	/* files for the directory, while it is being made */
	unsigned int leaving;		/* below it, gone but for their directories. manage */
	refcount_t ref;			/* keeps the memory; freed after a grace period */
	atomic_t releases;		/* that the worker has not handled yet */
	struct work_struct release_work;	/* runs the release agent, or removes it */
	struct rcu_head rcu;
	struct container_events {	/* what the file events is about: see events.c */
		atomic_long_t refused[CONTAINER_REFUSALS];	/* by its limits */
		atomic_t readers;	/* open files; others wait by inotify */
		struct dentry *file;	/* readable under RCU */
		wait_queue_head_t wait;
		unsigned int changes;	/* that were told; as the next two, manage lock */
		bool populated;		/* what was told last: a member, here or below */
		long told[CONTAINER_REFUSALS];	/* likewise, of refused */
		struct work_struct work;	/* looks for changes, and tells them */
	} events;
};

enum {
	CONT_REMOVED,
	CONT_NOTIFY_ON_RELEASE,
	CONT_AUTO_DELETE,
	CONT_KILL_ON_RMDIR,
	CONT_CLONE_CHILDREN,
	CONT_CLONED,		/* made by container_clone(); set before create() */
	CONT_KILLING,		/* rmdir is killing the members: nobody may fork in it */
	CONT_EVENT_JOINED,	/* a task has joined an empty container, and inotify is */
	CONT_EVENT_NEW,		/* yet to be told: so, or of another change */
	CONT_DELETE_PENDING,	/* an auto-delete found a reference: again at the last put */
};

/* A control file. V6 calls it cftype, a name that the kernel now uses for its own. */
struct container_cftype {
	char name[MAX_CFTYPE_NAME];	/* by convention SUBSYSTEM.FILE */
	int private;			/* for the subsystem, to tell files apart */
	umode_t mode;			/* 0: by the handlers, 0644, 0444 or 0200 */
	int too_long;			/* errno of a write of more than a page; 0: -E2BIG */
	/*
	 * Prints the value; 0 or an errno. Callback lock held and the manage lock not, so that
	 * it may take neither; may sleep.
	 */
	int (*show)(struct seq_file *m, struct container *cont,
		    const struct container_cftype *cft);
	/*
	 * Takes a new value; 0, or an errno, having changed nothing. @buf ends in a NUL, has none
	 * inside, and is without the one newline at its end. @file tells whose credentials count,
	 * the opener's, and is good for nothing else: it may be of another filesystem. Manage
	 * lock held, and the callback lock, which it may take, not; may sleep.
	 */
	int (*write)(struct container *cont, const struct container_cftype *cft,
		     struct file *file, char *buf);
	/* neither is called once the container is removed: the caller gets -ENODEV */
};

enum container_move_reason {
	CONTAINER_MOVE_ATTACH,	/* somebody wrote to tasks or procs, or called for it */
	CONTAINER_MOVE_CLONE,	/* into a new container of its own */
	CONTAINER_MOVE_EVICT,	/* it cannot stay where it is; nobody may refuse */
	CONTAINER_MOVE_FOLLOW,	/* a new thread, after its process: only attach() is called */
};

/* A task moves from one container to another. */
struct container_move {
	struct task_struct *task;
	struct container *from;		/* readable until the end */
	struct container *to;
	enum container_move_reason why;
	/* private: see container_move_data() */
	void **data;
};

/* Which tasks a subsystem is called for as they fork and exit. */
enum container_scope {
	CONTAINER_ALL_TASKS,	/* every one in the system, from registration on */
	CONTAINER_WHILE_BOUND,	/* every one, from bind() to unbind(), when no exit() comes */
	CONTAINER_MEMBERS,	/* those below the root; others cost nothing */
};

/*
 * A subsystem. create() and destroy() are mandatory. What a callback returns beside 0 and
 * an errno counts as -EINVAL. Unless something else is said, the manage lock is held and the
 * callback lock is not, and the callback may sleep.
 *
 * "Atomic" is: preemption is off, which holds back grace periods, but rcu_dereference() wants
 * an rcu_read_lock() of the callback's own. The callbacks about a task get the container it
 * is in, and as @data what is kept for it: @task_size bytes, zero at first.
 */
struct container_subsys {
	const char *name;		/* 1-32 of [A-Za-z0-9_-]; also the mount option. Alias of
					 * the module: container-subsys-<name>
					 */
	struct module *owner;		/* pinned while the subsystem is bound */
	enum container_scope scope;	/* for can_fork() to exited() */
	unsigned int task_size;		/* of its structure for a task */

	/* Makes the state of @cont and puts it there; cont->parent is NULL at registration. */
	int (*create)(struct container_subsys *ss, struct container *cont);
	/* Undoes that. Readers under RCU may still be looking: kfree_rcu(). */
	void (*destroy)(struct container_subsys *ss, struct container *cont);
	/*
	 * @cont is to be as its parent: container_clone() has made it for the current task, or
	 * mkdir where clone_children is 1. Between create() and populate(), and not linked yet.
	 */
	int (*inherit)(struct container_subsys *ss, struct container *cont);
	/* Adds the control files to the new directory: container_add_file(). */
	int (*populate)(struct container_subsys *ss, struct container *cont);
	/* It is bound to the hierarchy of @root, whose files and tasks come next; or errno. */
	int (*bind)(struct container_subsys *ss, struct container *root);
	/* Undoes that: the hierarchy is dissolved, or was not made after all. */
	void (*unbind)(struct container_subsys *ss, struct container *root);

	/*
	 * May the task move? All are asked before any is told. Also sets aside in
	 * container_move_data() what attach() will want, before a refusal, too: an eviction
	 * overrules it.
	 */
	int (*can_attach)(struct container_subsys *ss, struct container_move *move);
	/* The same of a new container, not linked yet, for the current task to clone into. */
	int (*can_clone)(struct container_subsys *ss, struct container_move *move);
	/* After either of both, whatever it said: the move does not happen. */
	void (*cancel_attach)(struct container_subsys *ss, struct container_move *move);
	/*
	 * The task moves, now: just before that shows. Atomic, with the lock of its entry held:
	 * must not take container->lock. Not at exit.
	 */
	void (*attach)(struct container_subsys *ss, struct container_move *move, void *data);
	/* The move is done. */
	void (*post_attach)(struct container_subsys *ss, struct container_move *move);

	/*
	 * May @child, unborn, start? An errno makes the fork fail. It is in @cont already.
	 * @parent is the data of the forking task, which may be moved meanwhile: for reading, zero
	 * where nothing is kept. Atomic, in the forking task.
	 */
	int (*can_fork)(struct container_subsys *ss, struct container *cont,
			struct task_struct *child, void *data, const void *parent);
	/* The fork failed after can_fork() had agreed. Atomic. */
	void (*cancel_fork)(struct container_subsys *ss, struct container *cont,
			    struct task_struct *child, void *data);
	/*
	 * @child is complete, but has not run: once for each. Where there is no adopt(), it stands
	 * in for that. Atomic, with the lock of its entry held, as the rest.
	 */
	void (*fork)(struct container_subsys *ss, struct container *cont,
		     struct task_struct *child, void *data);
	/*
	 * @task existed, or was being made, when the calls began: count it as if can_fork() had
	 * been asked. Once for each, and before attach(). With it, fork() can often be done
	 * without. Not without can_fork(), nor with CONTAINER_MEMBERS.
	 */
	void (*adopt)(struct container_subsys *ss, struct container *cont,
		      struct task_struct *task, void *data);
	/*
	 * @task is about to leave @cont, as it exits. Once for each that is known by can_fork(),
	 * fork() or adopt(); with CONTAINER_MEMBERS, for each below the root.
	 */
	void (*exit)(struct container_subsys *ss, struct container *cont,
		     struct task_struct *task, void *data);
	/*
	 * It has left, and no tasks file shows it. Its container may be removed, but what was
	 * found there is readable under RCU. To let in another; not with CONTAINER_MEMBERS.
	 */
	void (*exited)(struct container_subsys *ss, struct task_struct *task, void *data);

	/* Adds to its line in /proc/containers, from a blank on. Callback lock held instead. */
	void (*show)(struct container_subsys *ss, struct seq_file *m);

	/* Set by the core. */
	int subsys_id;			/* index into container->subsys; -1: not registered */
	int hierarchy;			/* that it is bound to, or 0. Both mutexes, or RCU */
	bool active;			/* registration is complete */
	/* private: */
	unsigned int task_offset;	/* of its part of a task's data */
	unsigned long since;		/* when it began to be called: see callbacks.h */
};

int container_register_subsys(struct container_subsys *ss);
int container_unregister_subsys(struct container_subsys *ss);
void container_set_release_agent_path(struct container_subsys *ss, const char *path);

void container_manage_lock(void);
void container_manage_unlock(void);
void container_lock(void);
void container_unlock(void);

struct container *task_container(struct task_struct *task, struct container_subsys *ss);
struct container *container_subsys_root(struct container_subsys *ss);
void *container_task_data(struct task_struct *task, struct container_subsys *ss);
void container_for_each_member(struct container *cont, struct container_subsys *ss,
			       void (*fn)(struct task_struct *task, void *data, void *arg),
			       void *arg);
int container_attach_task(struct container *to, struct task_struct *task,
			  const struct cred *cred);
struct container *container_next_descendant(struct container *pos, struct container *top);
int container_path(const struct container *cont, char *buf, int buflen);
int container_add_file(struct container *cont, const struct container_cftype *cft);
int container_add_files(struct container *cont, const struct container_cftype *cfts, int count);
int container_clone(struct container_subsys *ss);
void container_refused(struct container *cont, enum container_refusal what, const char *limit);
struct container_subsys_state *container_css_get_current(struct container_subsys *ss);
void container_css_put(struct container_subsys_state *css);

/* Is it on its way out? The answer stays valid under the manage or the callback lock only. */
static inline bool container_is_removed(const struct container *cont)
{
	return test_bit(CONT_REMOVED, &cont->flags);
}

/* The state of a container, of a subsystem bound to its hierarchy. */
static inline struct container_subsys_state *
container_subsys_state(struct container *cont, struct container_subsys *ss)
{
	/* in the path of each fork: no index, which kernels with UBSAN would check again */
	return *(cont->subsys + ss->subsys_id);
}

/* For create(): puts a new state, in zeroed memory, in its container. */
static inline void container_set_subsys_state(struct container *cont,
					      struct container_subsys *ss,
					      struct container_subsys_state *css)
{
	css->container = cont;
	cont->subsys[ss->subsys_id] = css;
}

/* The state of the container a task is in; under RCU, as task_container(). */
static inline struct container_subsys_state *
task_subsys_state(struct task_struct *task, struct container_subsys *ss)
{
	return container_subsys_state(task_container(task, ss), ss);
}

/*
 * What a subsystem keeps for a move, from can_attach() or can_clone() to post_attach() or
 * cancel_attach(); NULL at first. There is no room for it in a move that nobody was asked
 * about, CONTAINER_MOVE_FOLLOW.
 */
static inline void **container_move_data(const struct container_move *move,
					 const struct container_subsys *ss)
{
	return move->data ? move->data + ss->subsys_id : NULL;
}

/*
 * Takes a reference, with which rmdir says EBUSY; -ENODEV when the container is being
 * removed. Any context. V6's css_get(), whose name the kernel now uses for its own.
 */
static inline int container_css_get(struct container_subsys_state *css)
{
	return atomic_inc_unless_negative(&css->refcnt) ? 0 : -ENODEV;
}

/*
 * The directory, for printk's %pd4 in a line of the log; NULL, which that takes, at the top
 * of a hierarchy that is not mounted yet. Under RCU from before it may be removed.
 */
static inline const struct dentry *container_dentry(const struct container_subsys_state *css)
{
	return READ_ONCE(READ_ONCE(css->container)->dentry);
}

#endif /* _CONTAINER_H */
