// SPDX-License-Identifier: GPL-2.0
/*
 * Resource groups: makes a subsystem of a controller, and manages its shares.
 *
 * All data is in the controllers' own structures. The tree of shares has the shape of the tree of
 * containers and changes with it, in create() and destroy(). Writes to the files change shares,
 * and controllers change totals. All of this is done under the manage lock. Forks and exits do not
 * enter the library, and a move only calls move_task().
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "private.h"
#include "resgroup.h"
#include "shares.h"

enum { FILE_SHARES, FILE_STATS };

static struct res_controller *subsys_controller(struct container_subsys *ss)
{
	return container_of(ss, struct res_controller, subsys);
}

static struct res_controller *cftype_controller(const struct container_cftype *cft)
{
	return container_of(cft - cft->private, struct res_controller, files[0]);
}

/* Tells the controller that amounts have changed. */
static void tell(struct res_controller *ctlr, struct res_shares *s)
{
	if (ctlr->shares_changed)
		ctlr->shares_changed(s);
}

/* Computes the amounts of a subtree, parents first. */
static void update(struct res_controller *ctlr, struct res_shares *top)
{
	struct res_shares *pos;

	for (pos = top; pos; pos = shares_next(pos, top))
		if (shares_recompute(pos, ctlr->total))
			tell(ctlr, pos);
}

/* --- files ----------------------------------------------------------------- */

static int shares_show(struct seq_file *m, struct container *cont,
		       const struct container_cftype *cft)
{
	struct res_controller *ctlr = cftype_controller(cft);
	struct res_shares *s = container_res_shares(cont, ctlr);

	seq_printf(m, "res=%s,min_shares=%d,max_shares=%d,child_shares_divisor=%d\n",
		   ctlr->name, s->min_shares, s->max_shares, s->child_shares_divisor);
	return 0;
}

static int shares_write(struct container *cont, const struct container_cftype *cft,
			struct file *file, char *buf)
{
	struct res_controller *ctlr = cftype_controller(cft);
	struct res_shares *s = container_res_shares(cont, ctlr);
	struct shares_request req;
	int err;

	err = shares_parse(&req, ctlr->name, buf);
	if (err)
		return err;
	container_lock();
	err = shares_change(s, &req);
	container_unlock();
	if (!err)
		update(ctlr, s);
	return err;
}

static int stats_show(struct seq_file *m, struct container *cont,
		      const struct container_cftype *cft)
{
	struct res_controller *ctlr = cftype_controller(cft);

	if (ctlr->show_stats)
		ctlr->show_stats(container_res_shares(cont, ctlr), m);
	return 0;
}

static int stats_write(struct container *cont, const struct container_cftype *cft,
		       struct file *file, char *buf)
{
	struct res_controller *ctlr = cftype_controller(cft);
	int err;

	err = shares_parse_res(ctlr->name, buf);
	if (!err && ctlr->reset_stats)
		ctlr->reset_stats(container_res_shares(cont, ctlr));
	return err;
}

/* --- the subsystem of a controller ------------------------------------------ */

static int resgroup_create(struct container_subsys *ss, struct container *cont)
{
	struct res_controller *ctlr = subsys_controller(ss);
	struct res_shares *s = ctlr->allocate(ctlr, cont);

	if (!s)
		return -ENOMEM;
	shares_init(s, cont->parent ? container_res_shares(cont->parent, ctlr) : NULL);
	container_set_subsys_state(cont, ss, &s->css);
	if (!cont->parent)
		ctlr->root = s;
	shares_recompute(s, ctlr->total);
	tell(ctlr, s);
	return 0;
}

static void resgroup_destroy(struct container_subsys *ss, struct container *cont)
{
	struct res_controller *ctlr = subsys_controller(ss);
	struct res_shares *s = container_res_shares(cont, ctlr);

	shares_unlink(s);
	if (!cont->parent)
		ctlr->root = NULL;
	ctlr->free(s);
}

static void resgroup_attach(struct container_subsys *ss, struct container_move *move, void *data)
{
	struct res_controller *ctlr = subsys_controller(ss);

	ctlr->move_task(move->task, container_res_shares(move->from, ctlr),
			container_res_shares(move->to, ctlr), data);
}

static int resgroup_populate(struct container_subsys *ss, struct container *cont)
{
	struct res_controller *ctlr = subsys_controller(ss);

	return container_add_files(cont, ctlr->files, ARRAY_SIZE(ctlr->files));
}

/* The root keeps its state from one hierarchy to the next, so reset it. */
static int resgroup_bind(struct container_subsys *ss, struct container *root)
{
	struct res_controller *ctlr = subsys_controller(ss);
	struct res_shares *s = container_res_shares(root, ctlr);

	container_manage_lock();
	shares_reset(s);
	if (ctlr->reset_stats)
		ctlr->reset_stats(s);
	if (ctlr->bind)
		ctlr->bind(s);
	container_manage_unlock();
	return 0;
}

/**
 * resgroup_register_controller - register a controller as a subsystem
 * @ctlr: the controller; must not be freed or moved until it is unregistered
 *
 * If resgroup_set_total() was not called before, the total is 0 and becomes RES_DONT_CARE.
 *
 * Context: process, no lock held; sleeps.
 * Return: 0; -EINVAL without allocate() or free(), or the errno of
 * container_register_subsys().
 */
int resgroup_register_controller(struct res_controller *ctlr)
{
	struct container_subsys *ss = &ctlr->subsys;

	if (!ctlr->name || !ctlr->allocate || !ctlr->free)
		return -EINVAL;
	ss->name = ctlr->name;
	ss->owner = ctlr->owner;
	ss->create = resgroup_create;
	ss->destroy = resgroup_destroy;
	ss->populate = resgroup_populate;
	ss->bind = resgroup_bind;
	ss->attach = ctlr->move_task ? resgroup_attach : NULL;
	if (!ctlr->total)
		ctlr->total = RES_DONT_CARE;

	ctlr->files[FILE_SHARES] = (struct container_cftype) {
		.private = FILE_SHARES, .show = shares_show, .write = shares_write,
	};
	ctlr->files[FILE_STATS] = (struct container_cftype) {
		.private = FILE_STATS, .show = stats_show, .write = stats_write,
	};
	snprintf(ctlr->files[FILE_SHARES].name, MAX_CFTYPE_NAME, "%s.shares", ctlr->name);
	snprintf(ctlr->files[FILE_STATS].name, MAX_CFTYPE_NAME, "%s.stats", ctlr->name);
	return container_register_subsys(ss);
}
EXPORT_SYMBOL_GPL(resgroup_register_controller);

/**
 * resgroup_unregister_controller - unregister a controller
 * @ctlr: a registered controller
 *
 * Context: process, no lock held; sleeps.
 * Return: 0, or the errno of container_unregister_subsys().
 */
int resgroup_unregister_controller(struct res_controller *ctlr)
{
	return container_unregister_subsys(&ctlr->subsys);
}
EXPORT_SYMBOL_GPL(resgroup_unregister_controller);

/**
 * resgroup_set_total - set the total amount of a resource
 * @ctlr: the controller; need not be registered yet
 * @total: the amount, at least 1; or RES_DONT_CARE if it is unlimited
 *
 * When it returns, the amounts of all containers are up to date.
 *
 * Context: manage lock held; sleeps.
 */
void resgroup_set_total(struct res_controller *ctlr, int total)
{
	container_assert_managed();
	ctlr->total = total;
	if (ctlr->root)
		update(ctlr, ctlr->root);
}
EXPORT_SYMBOL_GPL(resgroup_set_total);

MODULE_DESCRIPTION("Containers: resource groups, the library of controllers");
MODULE_LICENSE("GPL");
MODULE_VERSION(CONTAINER_VERSION);
