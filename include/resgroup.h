/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Resource groups: the API for authors of controllers.
 *
 * A controller divides a resource among containers. It has its own structure for each container,
 * with a struct res_shares in it, and a few callbacks. The library makes a subsystem of it, with
 * two control files:
 *
 *   <name>.shares	the container's part of the resource: see struct res_shares
 *   <name>.stats	the statistics of the controller; writing res=<name> resets them
 *
 * Shares are fractions. A child's min_shares and max_shares are parts of its parent's
 * child_shares_divisor, and stand for the same parts of the parent's minimum and maximum. The
 * minimum and the maximum of the root are the total of the resource.
 *
 * Locks: shares, amounts and the tree change under the manage lock; shares that a file shows
 * change under the callback lock, too. Amounts may be read at any time with READ_ONCE().
 */
#ifndef _RESGROUP_H
#define _RESGROUP_H

#include "container.h"

/* Instead of an amount: no maximum, or no minimum. */
#define RES_DONT_CARE	(-3)
/* The controller does not support this share. It is shown, and cannot be changed. */
#define RES_UNSUPPORTED	(-2)
/* Written to keep a value. Never shown. */
#define RES_UNCHANGED	(-1)

#define RES_DEFAULT_DIVISOR 100

/**
 * struct res_shares - a container's part of a resource
 * @min_shares: the part that is reserved for it, in parts of the parent's
 *	@child_shares_divisor; or RES_DONT_CARE, RES_UNSUPPORTED
 * @max_shares: the part that it may have at most; like @min_shares
 * @child_shares_divisor: the number of shares that the children divide; at least 1
 * @min: the amount of @min_shares, or RES_DONT_CARE
 * @max: the amount of @max_shares, or RES_DONT_CARE
 * @parent: the shares of the parent container; NULL at the root. Never changes
 * @children: the shares of the child containers
 * @sibling: link in the parent's @children
 * @css: the core's part; @css.container is the container
 *
 * Embedded in the structure that allocate() makes. The controller may only read it.
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
 * @name: 1-32 characters of [A-Za-z0-9_-]; also the name of the subsystem
 * @owner: the module
 *
 * Unless noted otherwise, a callback is called with the manage lock held, and may sleep.
 *
 * @allocate: allocate the structure of @cont, all zero, and return the shares in it; NULL if there
 *	is no memory. The structure of @cont->parent exists already. A controller without minima
 *	or maxima sets that share to RES_UNSUPPORTED. Mandatory.
 * @free: undo allocate(). The shares are in no tree any more, but @parent is still valid. RCU
 *	readers may still look at the structure: use kfree_rcu(). Mandatory.
 * @shares_changed: @min or @max has changed, or was set for the first time. Parents come before
 *	their children.
 * @show_stats: print the .stats file. The callback lock is held instead.
 * @reset_stats: reset the statistics.
 * @move_task: @task moves from @from to @to; @data is the data of @subsys.task_size bytes that is
 *	kept for it. Called just before the move is visible. Atomic. Not called at exit.
 * @bind: the controller was bound to a hierarchy with @root as the shares of its root, which have
 *	their default values. The statistics have been reset.
 *
 * @subsys: the subsystem that the library makes of it. A controller that counts forks and exits
 *	sets the callbacks for them, scope and task_size before it registers. The library sets
 *	all other members.
 * @total: the total amount; set by resgroup_set_total()
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
 * Return: the shares.
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
 * Return: the shares, readable until the read-side section ends.
 */
static inline struct res_shares *task_res_shares(struct task_struct *task,
						 struct res_controller *ctlr)
{
	return container_of(task_subsys_state(task, &ctlr->subsys), struct res_shares, css);
}

#endif /* _RESGROUP_H */
