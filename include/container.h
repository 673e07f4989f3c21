/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Generic process containers: the API for authors of subsystems. container_subsys(9) says
 * the same at more length; samples/ has what to begin with.
 *
 * A container is a set of tasks and a directory of the filesystem "container". A hierarchy
 * is a tree of containers with a fixed set of subsystems bound to it; every task is in
 * exactly one container of every active hierarchy. A subsystem attaches a state of its own
 * to each container, and may keep data for each task.
 *
 * Locks, outermost first:
 *
 *   container_manage_lock()	a mutex, held to create and remove containers, to move tasks,
 *	and to bind and register subsystems.
 *   container_lock()	the callback lock, a mutex, taken inside it around each of these
 *	changes. Holding either one keeps every container where it is.
 *   the lock of a task's entry, then container->lock	spinlocks. Fork and exit take these
 *	two, and no global lock.
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
 * Bytes that all subsystems together may keep for each task. Ours need 64 (cpuacct 24,
 * cpuset and numtasks 16 each, bc 8), which leaves eight for others.
 */
#define CONTAINER_TASK_SIZE		72

struct cred;
struct dentry;
struct file;
struct new_file;

/*
 * The core's part of the state that a subsystem keeps for a container. It is embedded in the
 * subsystem's own structure, which create() allocates zeroed.
 */
struct container_subsys_state {
	/* set by the core; a root's changes when the subsystem is bound and unbound */
	struct container *container;
	/* private: references; negative once the container is sure to be removed */
	atomic_t refcnt;
};

/* What a limit of a container has refused: see container_refused(). */
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
	struct container_subsys_state *subsys[MAX_CONTAINER_SUBSYS];	/* of those bound */
	spinlock_t lock;		/* guards the members; with both mutexes, children */
	struct hlist_head members;	/* entries of the tasks; empty for a root */
	struct container *top_container;	/* the root of the hierarchy */
	int hierarchy;			/* its number */
	struct dentry *dentry;		/* the directory. Either mutex, while not removed */
	struct new_file *new_files;	/* files to create with the directory */
	unsigned int leaving;		/* removed children with a directory; manage lock */
	unsigned int killers;		/* rmdirs that kill its members, and forks fail; manage lock */
	refcount_t ref;			/* keeps the memory; freed after a grace period */
	atomic_t releases;		/* not yet handled by the worker */
	struct work_struct release_work;	/* runs the release agent, or auto-deletes */
	struct rcu_head rcu;
	struct container_events {	/* for the file "events": see events.c */
		atomic_long_t refused[CONTAINER_REFUSALS];	/* by its limits */
		atomic_t readers;	/* open files; inotify needs none */
		struct dentry *file;	/* readable under RCU */
		wait_queue_head_t wait;
		unsigned int changes;	/* reported; this and the next two: manage lock */
		bool populated;		/* as reported last: a member, here or below */
		long told[CONTAINER_REFUSALS];	/* as reported last, of refused */
		struct work_struct work;	/* finds changes and reports them */
	} events;
};

enum {
	CONT_REMOVED,
	CONT_NOTIFY_ON_RELEASE,
	CONT_AUTO_DELETE,
	CONT_KILL_ON_RMDIR,
	CONT_CLONE_CHILDREN,
	CONT_CLONED,		/* made by container_clone(); set before create() */
	CONT_EVENT_JOINED,	/* a task has joined an empty container; not reported yet */
	CONT_EVENT_NEW,		/* there may be a change to report */
	CONT_DELETE_PENDING,	/* auto-delete met a reference: retry at the last put */
};

/* A control file. V6 calls it cftype, a name that the kernel's cgroups use now. */
struct container_cftype {
	char name[MAX_CFTYPE_NAME];	/* by convention SUBSYSTEM.FILE */
	int private;			/* for the subsystem, to tell files apart */
	umode_t mode;			/* 0: by the handlers, 0644, 0444 or 0200 */
	int too_long;			/* errno of a write of more than a page; 0: -E2BIG */
	/*
	 * Print the value. Called with the callback lock held, so it must take neither mutex;
	 * may sleep. Returns 0 or an errno.
	 */
	int (*show)(struct seq_file *m, struct container *cont,
		    const struct container_cftype *cft);
	/*
	 * Set a new value. @buf ends in a NUL, contains no other, and has lost one newline at
	 * its end. Use @file for nothing but the credentials of its opener, which are those that
	 * count: it may belong to another filesystem. Called with the manage lock held; may take
	 * the callback lock; may sleep. Returns 0, or an errno and has changed nothing.
	 */
	int (*write)(struct container *cont, const struct container_cftype *cft,
		     struct file *file, char *buf);
	/* Neither is called for a removed container: user space gets ENODEV. */
};

enum container_move_reason {
	CONTAINER_MOVE_ATTACH,	/* by a write to tasks or procs, or container_attach_task() */
	CONTAINER_MOVE_CLONE,	/* by container_clone(), into a new container */
	CONTAINER_MOVE_EVICT,	/* the task cannot stay where it is: refusals do not count */
	CONTAINER_MOVE_FOLLOW,	/* a new thread follows its process: only attach() is called */
};

/* A task moves from one container to another. */
struct container_move {
	struct task_struct *task;
	struct container *from;		/* stays readable until the move is over */
	struct container *to;
	enum container_move_reason why;
	/* private: see container_move_data() */
	void **data;
};

/* For which tasks a subsystem is called at fork and exit. */
enum container_scope {
	CONTAINER_ALL_TASKS,	/* all in the system, from registration on */
	CONTAINER_WHILE_BOUND,	/* all, from bind() to unbind(), which calls no exit() */
	CONTAINER_MEMBERS,	/* those below the root; others cost nothing */
};

/*
 * A subsystem. create() and destroy() are mandatory. A callback returns 0 or an errno;
 * anything else is taken for -EINVAL. Unless noted otherwise, it is called with the manage
 * lock held and the callback lock not held, and may sleep.
 *
 * "Atomic" means that preemption is disabled. That delays grace periods, but to use
 * rcu_dereference() the callback has to call rcu_read_lock() itself. The callbacks about a
 * task get the container it is in and, as @data, the @task_size bytes that are kept for it,
 * zero at first.
 */
struct container_subsys {
	const char *name;		/* 1-32 of [A-Za-z0-9_-]; also the mount option. Alias of
					 * the module: container-subsys-<name>
					 */
	struct module *owner;		/* pinned while the subsystem is bound */
	enum container_scope scope;	/* for can_fork() to exited() */
	unsigned int task_size;		/* of the data that it keeps for a task */

	/* Allocate the state of @cont and set it; at registration cont->parent is NULL. */
	int (*create)(struct container_subsys *ss, struct container *cont);
	/* Undo create(). RCU readers may still look at the state: use kfree_rcu(). */
	void (*destroy)(struct container_subsys *ss, struct container *cont);
	/*
	 * Make @cont like its parent: container_clone() has created it for the current task, or
	 * mkdir where clone_children is 1. Called between create() and populate(), before @cont
	 * is linked.
	 */
	int (*inherit)(struct container_subsys *ss, struct container *cont);
	/* Add the control files to the new directory: container_add_file(). */
	int (*populate)(struct container_subsys *ss, struct container *cont);
	/* Be bound to the hierarchy of @root, whose files and tasks come next, or refuse. */
	int (*bind)(struct container_subsys *ss, struct container *root);
	/* Undo bind(): the hierarchy is dissolved, or could not be created. */
	void (*unbind)(struct container_subsys *ss, struct container *root);

	/*
	 * May the task move? All subsystems are asked before the first attach(). What attach()
	 * needs is allocated here and kept in container_move_data(), before a refusal, too,
	 * because an eviction overrules it.
	 */
	int (*can_attach)(struct container_subsys *ss, struct container_move *move);
	/* The same for container_clone(): the new container is not linked yet. */
	int (*can_clone)(struct container_subsys *ss, struct container_move *move);
	/* The move does not happen. Called after either of them, whatever it returned. */
	void (*cancel_attach)(struct container_subsys *ss, struct container_move *move);
	/*
	 * The task moves: called just before that is visible. Atomic, with the lock of the task's
	 * entry held; must not take container->lock. Not called at exit.
	 */
	void (*attach)(struct container_subsys *ss, struct container_move *move, void *data);
	/* The move is complete. */
	void (*post_attach)(struct container_subsys *ss, struct container_move *move);

	/*
	 * May @child start? An errno makes the fork fail. The child is not complete yet, but in
	 * @cont already. @parent is the data of the forking task, for reading; it may be moved
	 * meanwhile. All zero if nothing is kept for it. Atomic, in the forking task.
	 */
	int (*can_fork)(struct container_subsys *ss, struct container *cont,
			struct task_struct *child, void *data, const void *parent);
	/* The fork failed after can_fork() had agreed. Atomic. */
	void (*cancel_fork)(struct container_subsys *ss, struct container *cont,
			    struct task_struct *child, void *data);
	/*
	 * @child is complete, but has not run. Called once for each, and in place of adopt() if
	 * there is none. Atomic, with the lock of the child's entry held; so are the rest.
	 */
	void (*fork)(struct container_subsys *ss, struct container *cont,
		     struct task_struct *child, void *data);
	/*
	 * @task existed, or was being forked, when the subsystem began to be called: count it as
	 * if can_fork() had been asked. Called once for each such task, before any attach(). A
	 * subsystem with adopt() often needs no fork(). Requires can_fork(); not with
	 * CONTAINER_MEMBERS.
	 */
	void (*adopt)(struct container_subsys *ss, struct container *cont,
		      struct task_struct *task, void *data);
	/*
	 * @task exits and is about to leave @cont. Called once for each task that can_fork(),
	 * fork() or adopt() was called for; with CONTAINER_MEMBERS, for each below the root.
	 */
	void (*exit)(struct container_subsys *ss, struct container *cont,
		     struct task_struct *task, void *data);
	/*
	 * @task has left, and no tasks file shows it: here another task may be let in. The
	 * container may have been removed, but what was found there is readable under RCU. Not
	 * with CONTAINER_MEMBERS.
	 */
	void (*exited)(struct container_subsys *ss, struct task_struct *task, void *data);

	/* Add to the line in /proc/containers, a blank first. Only the callback lock is held. */
	void (*show)(struct container_subsys *ss, struct seq_file *m);

	/* Set by the core. */
	int subsys_id;			/* index into container->subsys; -1: not registered */
	int hierarchy;			/* its hierarchy's number, or 0. Both mutexes, or RCU */
	bool active;			/* registration is complete */
	/* private: */
	unsigned int task_offset;	/* of its data in that of a task */
	unsigned long since;		/* generation of its first call: see callbacks.h */
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

/* Is the container removed? The answer is stable under the manage or the callback lock only. */
static inline bool container_is_removed(const struct container *cont)
{
	return test_bit(CONT_REMOVED, &cont->flags);
}

/* A container's state of a subsystem that is bound to its hierarchy. */
static inline struct container_subsys_state *
container_subsys_state(struct container *cont, struct container_subsys *ss)
{
	/* on the path of each fork: no index, which kernels with UBSAN would check */
	return *(cont->subsys + ss->subsys_id);
}

/* For create(): sets a new state, in zeroed memory, as that of its container. */
static inline void container_set_subsys_state(struct container *cont,
					      struct container_subsys *ss,
					      struct container_subsys_state *css)
{
	css->container = cont;
	cont->subsys[ss->subsys_id] = css;
}

/* The state of the container that a task is in; under RCU, like task_container(). */
static inline struct container_subsys_state *
task_subsys_state(struct task_struct *task, struct container_subsys *ss)
{
	return container_subsys_state(task_container(task, ss), ss);
}

/*
 * A pointer that a subsystem keeps for a move, from can_attach() or can_clone() to
 * post_attach() or cancel_attach(); NULL at first. CONTAINER_MOVE_FOLLOW, about which no
 * subsystem is asked, has none.
 */
static inline void **container_move_data(const struct container_move *move,
					 const struct container_subsys *ss)
{
	return move->data ? move->data + ss->subsys_id : NULL;
}

/*
 * Takes a reference, which makes rmdir fail with EBUSY; -ENODEV if the container is being
 * removed. Any context. V6's css_get(), a name that the kernel's cgroups use now.
 */
static inline int container_css_get(struct container_subsys_state *css)
{
	return atomic_inc_unless_negative(&css->refcnt) ? 0 : -ENODEV;
}

/*
 * The directory, for printk's %pd4. NULL, which %pd4 can print, for the root of a hierarchy
 * that is not mounted yet. Under RCU, entered before the container could be removed.
 */
static inline const struct dentry *container_dentry(const struct container_subsys_state *css)
{
	return READ_ONCE(READ_ONCE(css->container)->dentry);
}

#endif /* _CONTAINER_H */
