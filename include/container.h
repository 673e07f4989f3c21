/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Generic process containers: the API for authors of subsystems. container_subsys(9) explains
 * it at more length. To begin, copy a subsystem from samples/.
 *
 * A container is a set of tasks and a directory of the filesystem "container". A hierarchy
 * is a tree of containers with a fixed set of subsystems bound to it; every task is in
 * exactly one container of every active hierarchy. A subsystem attaches a state of its own
 * to each container, and may keep data for each task.
 *
 * Locks, outermost first:
 *
 *   the lock on bindings	a mutex of the core, held to register and to bind subsystems, while
 *	hooks are armed and disarmed. That may take long; nobody waits for it but to do the same,
 *	or for the end of a hierarchy.
 *   container_manage_lock()	a mutex, held to create and remove containers, and to move tasks.
 *   container_lock()	the callback lock, a mutex, taken inside the manage lock around each
 *	change of containers and bindings, but not around moves. Holding either of these two keeps
 *	every container where it is.
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
#include <linux/uidgid.h>
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
 * Bytes that all subsystems together may keep for each task. The project's own subsystems need
 * 88 (cpuacct 24, cpuset and numtasks 16 each, bc 32), so that eight are left for another one.
 */
#define CONTAINER_TASK_SIZE		96

struct cred;
struct dentry;
struct file;
struct filelist;

/*
 * The core's part of the state that a subsystem keeps for a container. It is embedded in the
 * subsystem's own structure, which create() allocates zeroed.
 */
struct container_subsys_state {
	/* set by the core; for a root, set again when the subsystem is bound or unbound */
	struct container *container;
	/* private: references; negative while a removal is tried, and once it is sure */
	atomic_t refcnt;
};

/* What a limit of a container has refused: see container_refused(). */
enum container_refusal {
	CONTAINER_FORK,
	CONTAINER_CHARGE,
	CONTAINER_REFUSALS
};

/* A set of tasks. The fields that a subsystem may read come first. */
struct container {
	struct container *parent;	/* NULL for a root; never changes */
	struct list_head children;	/* stable under either mutex, and under lock */
	struct list_head sibling;	/* link in the parent's children */
	unsigned int nr_members;	/* tasks in it, not counted at a root; under lock */

	/* private: the core's own */
	unsigned long flags;		/* CONT_ bits, atomic */
	struct container_subsys_state *subsys[MAX_CONTAINER_SUBSYS];	/* for those bound */
	spinlock_t lock;		/* guards the members and, with both mutexes, children */
	struct hlist_head members;	/* entries of the tasks; empty for a root */
	struct container *top_container;	/* the root of the hierarchy */
	int hierarchy;			/* the number of the hierarchy */
	struct dentry *dentry;		/* the directory; valid under either mutex until removed */
	struct filelist *files;		/* its control files; set before it is visible */
	kuid_t uid;			/* whose the files are, until somebody changes that */
	kgid_t gid;
	unsigned int leaving;		/* removed children whose directory remains; manage lock */
	unsigned int killers;		/* rmdirs that are killing its members; manage lock */
	refcount_t ref;			/* keeps the memory; freed after a grace period */
	atomic_t releases;		/* how many the worker has not handled yet */
	struct work_struct release_work;	/* runs the release agent, or auto-deletes */
	struct rcu_head rcu;
	struct container_events {	/* for the file "events": see events.c */
		atomic_long_t refused[CONTAINER_REFUSALS];	/* by its limits */
		atomic_t readers;	/* open files; inotify needs none */
		struct dentry *file;	/* readable under RCU */
		wait_queue_head_t wait;
		unsigned int changes;	/* reported so far; it and the next two: manage lock */
		bool populated;		/* as last reported: a member, here or below */
		long told[CONTAINER_REFUSALS];	/* refused, as last reported */
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
	CONT_DELETE_PENDING,	/* auto-delete was tried, and may have to be retried */
};

enum container_file_flags {
	CONTAINER_FILE_ROOT_ONLY = BIT(0),	/* only a root has it */
	CONTAINER_FILE_ROOT_READONLY = BIT(1),	/* without write permissions at a root */
	CONTAINER_FILE_SHORT_NAME = BIT(2),	/* with noprefix: its name after the first dot */
};

/* A control file. V6 calls it cftype, a name that the kernel's cgroups use now. */
struct container_cftype {
	char name[MAX_CFTYPE_NAME];	/* by convention SUBSYSTEM.FILE */
	int private;			/* for the subsystem, to tell files apart */
	unsigned int flags;		/* CONTAINER_FILE_ bits */
	umode_t mode;			/* 0: 0644, 0444 or 0200, as the handlers allow */
	int too_long;			/* errno of a write of more than a page; 0: -E2BIG */
	/*
	 * Print the value. Called with the callback lock held, so it must take neither mutex;
	 * may sleep. Returns 0 or an errno.
	 */
	int (*show)(struct seq_file *m, struct container *cont,
		    const struct container_cftype *cft);
	/*
	 * Set a new value. @buf ends in a NUL and contains no other; one newline at its end has
	 * been removed. Check permissions against the credentials of @file, its opener's, and use
	 * @file for nothing else: it may belong to another filesystem. Called with the manage lock
	 * held; may take the callback lock; may sleep. Returns 0, or an errno if nothing changed.
	 */
	int (*write)(struct container *cont, const struct container_cftype *cft,
		     struct file *file, char *buf);
	/* Neither is called for a removed container: user space gets ENODEV. */
};

enum container_move_reason {
	CONTAINER_MOVE_ATTACH,	/* by a write to tasks or procs, or container_attach_task() */
	CONTAINER_MOVE_CLONE,	/* by container_clone(), into a new container */
	CONTAINER_MOVE_EVICT,	/* the task cannot stay where it is: refusals are ignored */
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

/* The tasks for which a subsystem is called at fork and exit. */
enum container_scope {
	CONTAINER_ALL_TASKS,	/* all in the system, from registration on */
	CONTAINER_WHILE_BOUND,	/* all, from bind() to unbind(), which does not call exit() */
	CONTAINER_MEMBERS,	/* tasks below the root; others cost nothing */
};

/*
 * A subsystem. create() and destroy() are mandatory. A callback returns 0 or an errno;
 * anything else is taken for -EINVAL. Unless noted otherwise, it is called with the manage
 * lock held and the callback lock not held, and may sleep.
 *
 * "Atomic" means that preemption is disabled. That delays grace periods, but a callback that
 * uses rcu_dereference() still has to call rcu_read_lock(). Callbacks about a task get its
 * container and, as @data, the @task_size bytes that the core keeps for it, zero at first.
 */
struct container_subsys {
	const char *name;		/* 1-32 of [A-Za-z0-9_-]; also the mount option. The module
					 * has the alias container-subsys-<name>
					 */
	struct module *owner;		/* pinned while the subsystem is bound */
	enum container_scope scope;	/* for can_fork() to exited() */
	unsigned int task_size;		/* bytes of data that it keeps for each task */

	/* Allocate the state of @cont and set it; at registration cont->parent is NULL. */
	int (*create)(struct container_subsys *ss, struct container *cont);
	/* Undo create(). RCU readers may still look at the state: use kfree_rcu(). */
	void (*destroy)(struct container_subsys *ss, struct container *cont);
	/*
	 * Copy the parent's settings to @cont, which was created by container_clone(), or by mkdir
	 * in a parent with clone_children 1. Called between create() and populate(), before @cont
	 * is linked.
	 */
	int (*inherit)(struct container_subsys *ss, struct container *cont);
	/* Add the control files to the new directory: container_add_file(). */
	int (*populate)(struct container_subsys *ss, struct container *cont);
	/*
	 * The subsystem is bound to the hierarchy of @root. May refuse. The root gets its files,
	 * and the subsystem its tasks, after this call. This callback and the next are called
	 * without the manage lock, which they may take: here hooks are armed and disarmed.
	 */
	int (*bind)(struct container_subsys *ss, struct container *root);
	/* Undo bind(): the hierarchy is dissolved, or could not be created. */
	void (*unbind)(struct container_subsys *ss, struct container *root);

	/*
	 * May the task move? All subsystems are asked before the first attach(). Allocate here
	 * what attach() needs, and keep it in container_move_data(). Do so before refusing, too:
	 * an eviction overrules the refusal.
	 */
	int (*can_attach)(struct container_subsys *ss, struct container_move *move);
	/* Asked instead by container_clone(), which has not linked the new container yet. */
	int (*can_clone)(struct container_subsys *ss, struct container_move *move);
	/*
	 * The move does not happen. Called if can_attach() or can_clone() was called, even if that
	 * refused.
	 */
	void (*cancel_attach)(struct container_subsys *ss, struct container_move *move);
	/*
	 * The task moves. Called just before the move is visible. Atomic, with the lock of the
	 * task's entry held; must not take container->lock. Not called at exit.
	 */
	void (*attach)(struct container_subsys *ss, struct container_move *move, void *data);
	/* The move is complete. */
	void (*post_attach)(struct container_subsys *ss, struct container_move *move);

	/*
	 * May @child start? An errno makes the fork fail. The child is not complete yet, but is
	 * already in @cont. @parent is the forking task's data, read-only; all zero if the core
	 * keeps none. The forking task may be moved meanwhile. Atomic, in the forking task.
	 */
	int (*can_fork)(struct container_subsys *ss, struct container *cont,
			struct task_struct *child, void *data, const void *parent);
	/* The fork failed after can_fork() had agreed. Atomic. */
	void (*cancel_fork)(struct container_subsys *ss, struct container *cont,
			    struct task_struct *child, void *data);
	/*
	 * @child is complete, but has not run. Called once for each child, and in place of adopt()
	 * if a subsystem has none. This callback and the next three are atomic, with the lock of
	 * the task's entry held.
	 */
	void (*fork)(struct container_subsys *ss, struct container *cont,
		     struct task_struct *child, void *data);
	/*
	 * Count @task as if can_fork() had been called for it: it existed, or was being forked,
	 * before the core began to call the subsystem. Called once for each such task, before any
	 * attach(). A subsystem with adopt() often needs no fork(). Requires can_fork(); not with
	 * CONTAINER_MEMBERS.
	 */
	void (*adopt)(struct container_subsys *ss, struct container *cont,
		      struct task_struct *task, void *data);
	/*
	 * @task exits and is about to leave @cont. Called once for each task for which can_fork(),
	 * fork() or adopt() was called, unless its fork failed; with CONTAINER_MEMBERS, for each
	 * task below the root.
	 */
	void (*exit)(struct container_subsys *ss, struct container *cont,
		     struct task_struct *task, void *data);
	/*
	 * @task has left its container, and no file "tasks" shows it any more. A limit makes room
	 * for another task here, not in exit(). The container may have been removed, but its state
	 * is still readable under RCU. Not with CONTAINER_MEMBERS.
	 */
	void (*exited)(struct container_subsys *ss, struct task_struct *task, void *data);

	/*
	 * Append text, beginning with a blank, to the subsystem's line in /proc/containers. Only
	 * the callback lock is held.
	 */
	void (*show)(struct container_subsys *ss, struct seq_file *m);

	/* Set by the core. */
	int subsys_id;			/* index into container->subsys; -1: not registered */
	int hierarchy;			/* its hierarchy's number, or 0. Both mutexes, or RCU */
	bool active;			/* registration is complete */
	/* private: */
	unsigned int task_offset;	/* where its data begins in that of a task */
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

/* Is the container removed? The answer is stable only under the manage or the callback lock. */
static inline bool container_is_removed(const struct container *cont)
{
	return test_bit(CONT_REMOVED, &cont->flags);
}

/* A container's state of a subsystem that is bound to its hierarchy. */
static inline struct container_subsys_state *
container_subsys_state(struct container *cont, struct container_subsys *ss)
{
	/* every fork comes here: no array index, which kernels with UBSAN would check */
	return *(cont->subsys + ss->subsys_id);
}

/* For create(): makes @css, which is all zero, the state of @cont. */
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
 * post_attach() or cancel_attach(); NULL at first. A CONTAINER_MOVE_FOLLOW has none, since no
 * subsystem is asked about it.
 */
static inline void **container_move_data(const struct container_move *move,
					 const struct container_subsys *ss)
{
	return move->data ? move->data + ss->subsys_id : NULL;
}

/*
 * Takes a reference: rmdir fails with EBUSY until it is dropped. Returns -ENODEV if the
 * container is being removed, even if that then fails. Any context. V6 calls it css_get(), a
 * name that the kernel's cgroups use now.
 */
static inline int container_css_get(struct container_subsys_state *css)
{
	return atomic_inc_unless_negative(&css->refcnt) ? 0 : -ENODEV;
}

/*
 * The directory, for printk's %pd4. It is NULL, which %pd4 can print, for the root of a
 * hierarchy that is not mounted yet. Call it in an RCU read-side section that began before the
 * container could be removed.
 */
static inline const struct dentry *container_dentry(const struct container_subsys_state *css)
{
	return READ_ONCE(READ_ONCE(css->container)->dentry);
}

#endif /* _CONTAINER_H */
