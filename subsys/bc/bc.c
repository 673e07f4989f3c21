// SPDX-License-Identifier: GPL-2.0
/*
 * bc: the beancounters. What a container holds of each resource, together with those
 * below it, and how much of it their members may have.
 *
 * Here are the table of resources, their control files, the calls for other
 * modules, and numtasks, which needs nothing but the core's callbacks. Files are
 * counted in numfiles.c, address spaces in vm.c; counter.h has the arithmetic.
 *
 * A charge counts in a container and in all above it, and has to fit in each. So
 * a new container, whoever makes it, lets nobody past a limit. Who else takes part:
 *
 * charges	from anywhere, at any time, without a lock: see counter.h.
 * barriers and limits	are written under the manage lock and the callback lock.
 * fork, exit	while bound, for every task. A fork is charged before anybody can
 *	find the child and gives that back where it fails; a task is taken off the
 *	counters as it leaves its container, under the lock of its entry.
 * move	under the lock of the entry, never refused: all that follows the members
 *	is forced on the new container and then taken off the old one, so for a
 *	moment it counts in both and never in none. Those that are above both see
 *	nothing of it.
 * rmdir	a beancounter goes after its last member and the last reference on
 *	it, which each charged file is, and each user of beancounter.h; and after
 *	all below it. So who may charge one may charge those above.
 * mount	bind() comes before the first task is told of: the root's counters
 *	begin anew, then the hooks are armed, then fork() comes for each task.
 * unmount	no callback for tasks comes any more. The hooks are disarmed, and
 *	what tasks, files and address spaces were charged is taken off the root.
 *	What other modules have charged stays.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>

#include "bc.h"
#include "private.h"
#include "parse.h"

/**
 * struct bc_resource - a resource
 * @name: in the names of its files
 * @error: what a charge that is refused says
 * @barrier: of a new container below the root
 * @limit: likewise
 * @others: other modules may charge it
 * @vm: some of it is in the members' address spaces, which have to be looked at first
 * @sample: for a resource that is accounting only: what is in use beside what was
 *	charged; NULL for others. Its extremes are those of what was shown
 * @crossed: told of each charge, made with BC_LIMIT, that went past a barrier, that of
 *	@c; or NULL. In the context of the charge
 */
struct bc_resource {
	const char *name;
	int error;
	unsigned long barrier;
	unsigned long limit;
	bool others;
	bool vm;
	unsigned long (*sample)(struct beancounter *bc, const struct vm_figures *f);
	void (*crossed)(struct bc_counter *c);
};

static unsigned long sample_kmemsize(struct beancounter *bc, const struct vm_figures *f)
{
	return f->tables + counter_held(&bc->counter[BC_NUMTASKS]) * THREAD_SIZE;
}

static unsigned long sample_physpages(struct beancounter *bc, const struct vm_figures *f)
{
	return f->pages;
}

static const struct bc_resource bc_resources[BC_RESOURCES] = {
	[BC_KMEMSIZE] = {
		.name = "kmemsize",
		.error = -ENOMEM,
		.barrier = BC_UNLIMITED,
		.limit = BC_UNLIMITED,
		.others = true,
		.vm = true,
		.sample = sample_kmemsize,
	},
	[BC_PRIVVMPAGES] = {
		.name = "privvmpages",
		.error = -ENOMEM,
		.barrier = BC_UNLIMITED,
		.limit = BC_UNLIMITED,
		.vm = true,
	},
	[BC_PHYSPAGES] = {
		.name = "physpages",
		.error = -ENOMEM,
		.barrier = BC_UNLIMITED,
		.limit = BC_UNLIMITED,
		.others = true,
		.vm = true,
		.sample = sample_physpages,
	},
	[BC_NUMTASKS] = {
		.name = "numtasks",
		.error = -EAGAIN,
		.barrier = BC_UNLIMITED,
		.limit = BC_UNLIMITED,
	},
	[BC_NUMFILES] = {
		.name = "numfiles",
		.error = -EMFILE,
		.barrier = 256,
		.limit = 512,
		.others = true,
		.crossed = numfiles_crossed,
	},
};

/* Whoever makes containers may have any number of limits. */
static DEFINE_RATELIMIT_STATE(refusals, 10 * HZ, 20);

/**
 * bc_refuse - a charge is refused
 * @bc: the beancounter that was to be charged
 * @full: the counter, there or above, that has no room
 * @resource: what for
 * @severity: by which bound
 * @what: what fails of it
 *
 * Counts that, and says so to those who wait for events and in the log.
 *
 * Context: any but NMI; no lock of ours held, as a console may be slow. @bc is kept, or
 * under RCU.
 * Return: the errno for it.
 */
int bc_refuse(struct beancounter *bc, struct bc_counter *full, enum bc_resource_id resource,
	      enum bc_severity severity, enum container_refusal what)
{
	struct beancounter *owner = counter_bc(full, resource);

	counter_fail(full);
	rcu_read_lock();
	container_refused(READ_ONCE(owner->css.container), what, bc_resources[resource].name);
	if (container_refusal_is_news(&owner->told_at, &full->refused_at) &&
	    __ratelimit(&refusals))
		pr_notice("%s refused in container %pd4: %pd4 holds %lu, its %s is %lu\n",
			  bc_resources[resource].name, container_dentry(&bc->css),
			  container_dentry(&owner->css), counter_held(full),
			  severity == BC_BARRIER ? "barrier" : "limit",
			  counter_bound(full, severity));
	rcu_read_unlock();
	return bc_resources[resource].error;
}

/* --- for other modules ------------------------------------------------------ */

/**
 * beancounter_get_current - the beancounter of the current task's container
 *
 * While the subsystem is bound to no hierarchy, every task has the same one.
 *
 * Context: any but NMI.
 * Return: the beancounter, with a reference; never NULL.
 */
struct beancounter *beancounter_get_current(void)
{
	return container_of(container_css_get_current(&bc_subsys), struct beancounter, css);
}
EXPORT_SYMBOL_GPL(beancounter_get_current);

/**
 * beancounter_put - drop a reference
 * @bc: the beancounter; the caller may not touch it afterwards
 *
 * Context: any but NMI.
 */
void beancounter_put(struct beancounter *bc)
{
	container_css_put(&bc->css);
}
EXPORT_SYMBOL_GPL(beancounter_put);

/**
 * beancounter_charge - charge a container and all above it
 * @bc: its beancounter, on which the caller has a reference
 * @resource: what for; not one that follows the members
 * @n: how much
 * @severity: when to refuse. What is refused counts in the failcnt of the container, the
 *	lowest one, where it did not fit
 *
 * Context: any but NMI.
 * Return: 0; the resource's errno if there is no room (-EMFILE for BC_NUMFILES);
 * -EINVAL if the resource cannot be charged, or by so much.
 */
int beancounter_charge(struct beancounter *bc, enum bc_resource_id resource,
		       unsigned long n, enum bc_severity severity)
{
	const struct bc_resource *res = &bc_resources[resource];
	struct bc_counter *crossed = NULL, *full;

	if (resource >= BC_RESOURCES || !res->others || n > BC_UNLIMITED)
		return -EINVAL;
	if (res->sample || severity == BC_FORCE) {
		counter_charge_force(&bc->counter[resource], NULL, n);
		return 0;
	}
	full = counter_charge(&bc->counter[resource], NULL, n, severity, &crossed);
	if (full)
		return bc_refuse(bc, full, resource, severity, CONTAINER_CHARGE);
	if (unlikely(crossed) && severity == BC_LIMIT && res->crossed)
		res->crossed(crossed);
	return 0;
}
EXPORT_SYMBOL_GPL(beancounter_charge);

/**
 * beancounter_uncharge - give back a charge
 * @bc: the beancounter that was charged
 * @resource: what for
 * @n: how much of it
 *
 * Context: any but NMI.
 */
void beancounter_uncharge(struct beancounter *bc, enum bc_resource_id resource,
			  unsigned long n)
{
	counter_uncharge(&bc->counter[resource], NULL, n);
}
EXPORT_SYMBOL_GPL(beancounter_uncharge);

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

/* A task ends, or never began: nobody else changes its data any more. */
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

/* For a task that was there before, or in the making, when we were bound. */
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

/* What was set aside and not needed. */
static void bc_end_attach(struct container_subsys *ss, struct container_move *move)
{
	kfree(*container_move_data(move, ss));
}

static void bc_attach(struct container_subsys *ss, struct container_move *move, void *data)
{
	struct bc_counter *to = &container_bc(move->to)->counter[BC_NUMTASKS];
	struct bc_counter *from = &container_bc(move->from)->counter[BC_NUMTASKS];
	struct bc_counter *common = counter_common(from, to);

	counter_charge_force(to, common, 1);
	counter_uncharge(from, common, 1);
	vm_move(data, container_bc(move->to), container_move_data(move, ss));
}

/* --- control files ------------------------------------------------------------ */

enum { HELD, MAXHELD, MINHELD, FAILCNT, BARRIER, LIMIT, FIGURES };

static const char * const figure_names[FIGURES] = {
	[HELD] = "held",
	[MAXHELD] = "maxheld",
	[MINHELD] = "minheld",
	[FAILCNT] = "failcnt",
	[BARRIER] = "barrier",
	[LIMIT] = "limit",
};

/* Those of each resource, and two more. */
enum { FILE_STAT = BC_RESOURCES * FIGURES, FILE_HOLDERS, FILES };
static struct container_cftype bc_files[FILES] = {
	[FILE_STAT] = { .name = "bc.stat" },
	[FILE_HOLDERS] = {
		.name = "bc.numfiles.holders",
		.mode = 0400,
		.show = numfiles_show_holders,
	},
};

/* What is held, and for what is accounting only, the extremes of it. */
static unsigned long figure_held(struct beancounter *bc, int resource,
				 const struct vm_figures *f)
{
	const struct bc_resource *res = &bc_resources[resource];
	struct bc_counter *c = &bc->counter[resource];
	unsigned long held = counter_held(c);

	if (res->sample)
		held += res->sample(bc, f);
	counter_saw_high(c, held);
	counter_saw_low(c, held);
	return held;
}

static int figure_show(struct seq_file *m, struct container *cont,
		       const struct container_cftype *cft)
{
	struct beancounter *bc = container_bc(cont);
	int resource = cft->private / FIGURES, figure = cft->private % FIGURES;
	struct bc_counter *c = &bc->counter[resource];
	unsigned long value = 0, held = 0;
	struct vm_figures vm = {};

	if (figure == HELD || figure == MAXHELD || figure == MINHELD) {
		if (bc_resources[resource].vm)
			vm_look(bc, &vm);
		held = figure_held(bc, resource, &vm);
	}
	switch (figure) {
	case HELD:
		value = held;
		break;
	case MAXHELD:
		value = atomic_long_read(&c->maxheld);
		break;
	case MINHELD:
		value = atomic_long_read(&c->minheld);
		break;
	case FAILCNT:
		value = atomic_long_read(&c->failcnt);
		break;
	case BARRIER:
		value = c->barrier;
		break;
	case LIMIT:
		value = c->limit;
		break;
	}
	seq_printf(m, "%lu\n", value);
	return 0;
}

/* The last one takes hooks that a kernel may lack. */
static int shown_resources(void)
{
	static_assert(BC_NUMFILES == BC_RESOURCES - 1);

	return numfiles_known() ? BC_RESOURCES : BC_NUMFILES;
}

/*
 * All in one reading: the address spaces are looked at once, nobody changes a bound
 * meanwhile, and no line has more in it than its maximum.
 */
static int stat_show(struct seq_file *m, struct container *cont,
		     const struct container_cftype *cft)
{
	struct beancounter *bc = container_bc(cont);
	struct vm_figures vm;
	struct bc_counter *c;
	unsigned long held;
	int i;

	vm_look(bc, &vm);
	for (i = 0; i < shown_resources(); i++) {
		c = &bc->counter[i];
		held = figure_held(bc, i, &vm);
		seq_printf(m, "%s %lu %lu %lu %lu %lu\n", bc_resources[i].name, held,
			   atomic_long_read(&c->maxheld), c->barrier, c->limit,
			   atomic_long_read(&c->failcnt));
	}
	return 0;
}

static int bound_write(struct container *cont, const struct container_cftype *cft,
		       struct file *file, char *buf)
{
	struct bc_counter *c = &container_bc(cont)->counter[cft->private / FIGURES];
	unsigned long value;
	int err;

	err = container_parse_number(buf, BC_UNLIMITED, &value);
	if (err)
		return err;
	/* for whoever reads both */
	container_lock();
	if (cft->private % FIGURES == BARRIER)
		err = counter_set_barrier(c, value);
	else
		err = counter_set_limit(c, value);
	container_unlock();
	return err;
}

static void __init figures_init(void)
{
	struct container_cftype *cft;
	int i;

	bc_files[FILE_STAT].show = stat_show;
	for (i = 0; i < FILE_STAT; i++) {
		cft = &bc_files[i];
		snprintf(cft->name, sizeof(cft->name), "bc.%s.%s",
			 bc_resources[i / FIGURES].name, figure_names[i % FIGURES]);
		cft->private = i;
		cft->show = figure_show;
		if (i % FIGURES == BARRIER || i % FIGURES == LIMIT)
			cft->write = bound_write;
	}
}

static int bc_populate(struct container_subsys *ss, struct container *cont)
{
	int resources = shown_resources();

	/* without numfiles nobody holds them */
	return container_add_files(cont, bc_files, resources * FIGURES) ?:
	       container_add_files(cont, &bc_files[FILE_STAT], resources == BC_RESOURCES ? 2 : 1);
}

/* --- life of a container and of the hierarchy --------------------------------- */

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
		if (parent) {
			counter_init(c, &parent->counter[i]);
			counter_begin(c, bc_resources[i].barrier, bc_resources[i].limit);
		} else {
			counter_begin(c, BC_UNLIMITED, BC_UNLIMITED);
		}
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
		counter_begin(&bc->counter[i], BC_UNLIMITED, BC_UNLIMITED);
	err = numfiles_bind();
	if (err)
		return err;
	err = vm_bind();
	if (err)
		numfiles_unbind();
	return err;
}

static void bc_unbind(struct container_subsys *ss, struct container *root)
{
	struct bc_counter *tasks = &container_bc(root)->counter[BC_NUMTASKS];

	vm_unbind();
	numfiles_unbind();
	/* nobody else can charge these */
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

	figures_init();
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
	vm_exit();
err_numfiles:
	numfiles_exit();
	return err;
}

static void __exit bc_module_exit(void)
{
	container_unregister_subsys(&bc_subsys);
	vm_exit();
	numfiles_exit();
}

module_init(bc_init);
module_exit(bc_module_exit);

MODULE_DESCRIPTION("Containers: beancounters");
MODULE_LICENSE("GPL");
MODULE_VERSION(CONTAINER_VERSION);
MODULE_ALIAS("container-subsys-bc");
