// SPDX-License-Identifier: GPL-2.0
/*
 * bc: the beancounters. They count how much of each resource the members of a container and of
 * its descendants hold, and limit that.
 *
 * This file counts tasks, for which the core's callbacks are enough, creates and destroys
 * beancounters, and has the module. Read the others in this order: counter.h (the arithmetic),
 * resources.c (the table of resources and the calls for other modules), files.c (the control
 * files), numfiles.c (open files), holders.c (who has them), vm.c, charge.c, growth.c and
 * expand.c (address spaces).
 *
 * A charge counts in a container and in all its ancestors, and has to fit in each of them. So no
 * user can evade a limit by creating a container. Who takes part, and how races are settled:
 *
 * charges	come at any time, from any context but NMI, and take no lock: see counter.h.
 * barriers and limits	are written under the manage lock and the callback lock.
 * fork, exit	are seen for every task while bc is bound. A fork is charged before the child can
 *	be found, and uncharged if it fails; an exiting task is uncharged as it leaves its
 *	container, under the lock of its entry.
 * move	is refused by no limit. Under the lock of the entry, the task and its address space are
 *	charged to the new container by force and then uncharged in the old one. So they count
 *	in both for a moment, and never in neither. Common ancestors see no change.
 * rmdir	a beancounter is destroyed when it has no member, no reference (each charged file
 *	and each user of beancounter.h has one) and no descendant any more. So the ancestors of
 *	a beancounter exist as long as it does.
 * mount	bind() resets the root's counters and then arms the hooks, before adopt() is called
 *	for the tasks.
 * unmount	unbind() is called after the last callback for tasks. It disarms the hooks and
 *	uncharges the tasks, files and address spaces. Charges of other modules stay.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "bc.h"

/* --- tasks ------------------------------------------------------------------- */

static int bc_can_fork(struct container_subsys *ss, struct container *cont,
		       struct task_struct *child, void *data, const void *parent)
{
	struct beancounter *bc = container_bc(cont);
	struct bc_counter *tasks = &bc->counter[BC_NUMTASKS], *full;
	struct bc_task *t = data;
	struct vm_charge *vc;

	full = counter_charge(tasks, NULL, 1, BC_LIMIT, NULL);
	if (unlikely(full))
		return bc_refuse(bc, full, BC_NUMTASKS, BC_LIMIT, CONTAINER_FORK);
	vc = vm_fork(child, bc, parent);
	if (unlikely(!vc)) {
		counter_undo(tasks, NULL, 1);
		return -ENOMEM;
	}
	WRITE_ONCE(t->vm, vc);
	return 0;
}

/* Uncharges a task that exits or whose fork has failed. Nothing else changes its data then. */
static void task_uncharge(struct beancounter *bc, struct bc_task *t)
{
	struct vm_charge *vc = t->vm;

	WRITE_ONCE(t->vm, NULL);
	vm_put(vc);
	counter_uncharge(&bc->counter[BC_NUMTASKS], NULL, 1);
}

static void bc_cancel_fork(struct container_subsys *ss, struct container *cont,
			   struct task_struct *child, void *data)
{
	task_uncharge(container_bc(cont), data);
}

/* adopt(), see container.h */
static void bc_adopt(struct container_subsys *ss, struct container *cont,
		     struct task_struct *task, void *data)
{
	struct beancounter *bc = container_bc(cont);
	struct bc_task *t = data;

	counter_charge_force(&bc->counter[BC_NUMTASKS], NULL, 1);
	WRITE_ONCE(t->vm, vm_adopt(task, bc));
}

static void bc_exit(struct container_subsys *ss, struct container *cont,
		    struct task_struct *task, void *data)
{
	task_uncharge(container_bc(cont), data);
}

static int bc_can_attach(struct container_subsys *ss, struct container_move *move)
{
	return vm_prepare_move(container_move_data(move, ss));
}

/* Frees the memory that was allocated for a move and not used. */
static void bc_end_attach(struct container_subsys *ss, struct container_move *move)
{
	kfree(*container_move_data(move, ss));
}

static void bc_attach(struct container_subsys *ss, struct container_move *move, void *data)
{
	struct bc_counter *to = &container_bc(move->to)->counter[BC_NUMTASKS];
	struct bc_counter *from = &container_bc(move->from)->counter[BC_NUMTASKS];
	struct bc_counter *common = tree_common(from, to);

	counter_charge_force(to, common, 1);
	counter_uncharge(from, common, 1);
	vm_move(data, container_bc(move->to), container_move_data(move, ss));
}

/* --- life of a container and of the hierarchy --------------------------------- */

/* Resets a counter of a beancounter: it has all that its container holds, or a part of it. */
static void begin(struct bc_counter *c, const struct bc_resource *res, bool root)
{
	if (res->sample)
		counter_begin_sampled(c);
	else if (root)
		counter_begin(c, BC_UNLIMITED, BC_UNLIMITED);
	else
		counter_begin(c, res->barrier, res->limit);
}

static int bc_create(struct container_subsys *ss, struct container *cont)
{
	struct beancounter *bc = kzalloc(sizeof(*bc), GFP_KERNEL), *parent;
	struct bc_counter *c;
	int i;

	if (!bc)
		return -ENOMEM;
	bc->no_vm.bc = bc;
	parent = cont->parent ? container_bc(cont->parent) : NULL;
	for (i = 0; i < BC_RESOURCES; i++) {
		c = &bc->counter[i];
		if (parent)
			counter_init(c, &parent->counter[i]);
		begin(c, &bc_resources[i], !parent);
	}
	container_set_subsys_state(cont, ss, &bc->css);
	return 0;
}

static void bc_destroy(struct container_subsys *ss, struct container *cont)
{
	struct beancounter *bc = container_bc(cont);

	kfree_rcu(bc, rcu);
}

static int bc_bind(struct container_subsys *ss, struct container *root)
{
	struct beancounter *bc = container_bc(root);
	int i, err;

	for (i = 0; i < BC_RESOURCES; i++)
		begin(&bc->counter[i], &bc_resources[i], true);
	err = numfiles_bind();
	if (err)
		return err;
	err = expand_bind();
	if (err)
		numfiles_unbind();
	return err;
}

static void bc_unbind(struct container_subsys *ss, struct container *root)
{
	struct bc_counter *tasks = &container_bc(root)->counter[BC_NUMTASKS];

	vm_unbind();
	numfiles_unbind();
	/* only this file charges tasks, so all that is held can be uncharged */
	counter_uncharge(tasks, NULL, counter_held(tasks));
}

struct container_subsys bc_subsys = {
	.name = "bc",
	.owner = THIS_MODULE,
	.scope = CONTAINER_WHILE_BOUND,
	.task_size = sizeof(struct bc_task),
	.create = bc_create,
	.destroy = bc_destroy,
	.can_attach = bc_can_attach,
	.can_clone = bc_can_attach,
	.cancel_attach = bc_end_attach,
	.attach = bc_attach,
	.post_attach = bc_end_attach,
	.can_fork = bc_can_fork,
	.cancel_fork = bc_cancel_fork,
	.adopt = bc_adopt,
	.exit = bc_exit,
	.populate = bc_populate,
	.bind = bc_bind,
	.unbind = bc_unbind,
	.subsys_id = -1,
};

static int __init bc_init(void)
{
	int err;

	files_init();
	err = numfiles_init();
	if (err)
		return err;
	err = vm_init();
	if (err)
		goto err_numfiles;
	err = container_register_subsys(&bc_subsys);
	if (err)
		goto err_vm;
	return 0;

err_vm:
	expand_exit();
err_numfiles:
	numfiles_exit();
	return err;
}

static void __exit bc_module_exit(void)
{
	container_unregister_subsys(&bc_subsys);
	expand_exit();
	numfiles_exit();
}

module_init(bc_init);
module_exit(bc_module_exit);

MODULE_DESCRIPTION("Containers: beancounters");
MODULE_LICENSE("GPL");
MODULE_VERSION(CONTAINER_VERSION);
MODULE_ALIAS("container-subsys-bc");
