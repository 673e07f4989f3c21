/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Resource groups: the API for authors of controllers.
 *
 * A controller divides an amount of some resource among containers. It brings
 * its own structure for each container, with a struct res_shares in it, and a
 * few callbacks; the library makes a subsystem of it, with two control files:
 *
 *   <name>.shares	what the container is to get: see struct res_shares
 *   <name>.stats	what the controller has to tell; writing res=<name> resets it
 *
 * Shares are fractions. A child's min_shares and max_shares are parts of its
 * parent's child_shares_divisor, and mean the same part of the parent's own
 * minimum and maximum. Those of the root are the total that the controller has
 * to give.
 *
 * Locks: shares, amounts and the tree of them change under the manage lock, and
 * the shares that a file shows under the callback lock, too. The amounts may be
 * read at any time with READ_ONCE().
 */
#ifndef _RESGROUP_H
#define _RESGROUP_H

#include "container.h"

/* Not an amount: as much as there is (max), or nothing reserved (min). */
#define RES_DONT_CARE	(-3)
/* The controller has no such share. Shown, and not to be changed. */
#define RES_UNSUPPORTED	(-2)
/* In what is written: as it is. Never shown. */
#define RES_UNCHANGED	(-1)

#define RES_DEFAULT_DIVISOR 100

/**
 * struct res_shares - what a container is to get of a resource
 * @min_shares: what is reserved for it, in parts of the parent's
 *	@child_shares_divisor; or RES_DONT_CARE, RES_UNSUPPORTED
 * @max_shares: the most that it may have, likewise
 * @child_shares_divisor: what the children's shares are parts of; at least 1
 * @min: amount that @min_shares stands for, or RES_DONT_CARE
 * @max: amount that @max_shares stands for, or RES_DONT_CARE
 * @parent: that of the parent container; NULL at the root. Never changes.
 * @children: those of the containers below
 * @sibling: link in the parent's @children
 * @css: the core's part; @css.container is the container
 *
 * Part of the structure that allocate() returns. For the controller to read.
 */
struct res_shares {
	int min_shares;
	int max_shares;
	int child_shares_divisor;
	int min;
	int max;
	struct res_shares *parent;
	struct list_head children;
	struct list_head sibling;
	struct container_subsys_state css;
};

/**
 * struct res_controller - a controller
 * @name: 1-32 characters of [A-Za-z0-9_-]; the subsystem's name, too
 * @owner: the module
 *
 * Callbacks. Unless they say something else: manage lock held, may sleep.
 *
 * @allocate: makes the structure of @cont, zeroed, and returns the shares in it; NULL
 *	when there is no memory. That of @cont->parent is there already. A controller
 *	without a minimum or a maximum sets that share to RES_UNSUPPORTED. Mandatory.
 * @free: undoes allocate(). The shares are in no tree any more, but @parent is
 *	still right. Readers under RCU may still be looking: use kfree_rcu().
 *	Mandatory.
 * @shares_changed: @min or @max is another, or for the first time one at all.
 *	Parents come before their children.
 * @show_stats: prints what the .stats file shows. Callback lock held.
 * @reset_stats: starts counting anew.
 * @move_task: @task moves from @from to @to, now; @data is what is kept for it, of
 *	@subsys.task_size. Called just before the move becomes visible. Atomic. Not called
 *	at exit.
 * @bind: the controller was bound to a hierarchy, whose root has @root. Its
 *	shares are the default and its stats have been reset.
 *
 * @subsys: the subsystem that the library makes of it. A controller that has to
 *	know of forks and exits sets the callbacks and flags for that, and
 *	@task_size, before it registers; the rest is the library's.
 * @total: the amount that there is; set by resgroup_set_total()
 * @root: the shares of the root; NULL while not registered
 * @files: the two control files
 */
struct res_controller {
	const char *name;
	struct module *owner;

	struct res_shares *(*allocate)(struct res_controller *ctlr, struct container *cont);
	void (*free)(struct res_shares *shares);
	void (*shares_changed)(struct res_shares *shares);
	void (*show_stats)(struct res_shares *shares, struct seq_file *m);
	void (*reset_stats)(struct res_shares *shares);
	void (*move_task)(struct task_struct *task, struct res_shares *from,
			  struct res_shares *to, void *data);
	void (*bind)(struct res_shares *root);

	struct container_subsys subsys;
	int total;
	struct res_shares *root;
	struct container_cftype files[2];
};

int resgroup_register_controller(struct res_controller *ctlr);
int resgroup_unregister_controller(struct res_controller *ctlr);
void resgroup_set_total(struct res_controller *ctlr, int total);

/**
 * container_res_shares - a controller's shares of a container
 * @cont: the container
 * @ctlr: a controller bound to its hierarchy
 *
 * Context: any in which @cont is known to stay.
 */
static inline struct res_shares *container_res_shares(struct container *cont,
						      struct res_controller *ctlr)
{
	return container_of(container_subsys_state(cont, &ctlr->subsys), struct res_shares, css);
}

/**
 * task_res_shares - a controller's shares of the container a task is in
 * @task: the task, which the caller keeps from being freed
 * @ctlr: a registered controller
 *
 * Context: any, under rcu_read_lock(), as for task_subsys_state().
 */
static inline struct res_shares *task_res_shares(struct task_struct *task,
						 struct res_controller *ctlr)
{
	return container_of(task_subsys_state(task, &ctlr->subsys), struct res_shares, css);
}

#endif /* _RESGROUP_H */
