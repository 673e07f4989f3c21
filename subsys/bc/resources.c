// SPDX-License-Identifier: GPL-2.0
/*
 * The table of resources, the report of a refused charge, and the functions by which other modules
 * charge. To add a resource, add an entry here, and its number in beancounter.h.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ratelimit.h>

#include "bc.h"
#include "private.h"

static unsigned long sample_kmemsize(struct beancounter *bc, const struct vm_figures *f)
{
	return f->tables + counter_held(&bc->counter[BC_NUMTASKS]) * THREAD_SIZE;
}

static unsigned long sample_physpages(struct beancounter *bc, const struct vm_figures *f)
{
	return f->pages;
}

const struct bc_resource bc_resources[BC_RESOURCES] = {
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

/* Limits the log over all containers: a user may be able to create any number of them. */
static DEFINE_RATELIMIT_STATE(refusals, 10 * HZ, 20);

/**
 * bc_refuse - count and report a refused charge
 * @bc: the beancounter that was to be charged
 * @full: the counter that has no room, of @bc or an ancestor
 * @resource: the resource
 * @severity: the bound that was reached
 * @what: the kind of operation that fails, for the file "events"
 *
 * Context: any but NMI; no lock of bc held, since a console may be slow. The caller keeps @bc or
 * is under RCU.
 * Return: the errno of the resource.
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
 * @bc: the beancounter, which the caller must not use afterwards
 *
 * Context: any but NMI.
 */
void beancounter_put(struct beancounter *bc)
{
	container_css_put(&bc->css);
}
EXPORT_SYMBOL_GPL(beancounter_put);

/**
 * beancounter_charge - charge a container and all its ancestors
 * @bc: its beancounter, to which the caller has a reference
 * @resource: the resource; not one that follows the members
 * @n: how much
 * @severity: which bound counts. A refused charge counts in the failcnt of the lowest container
 *	where it did not fit
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
 * beancounter_uncharge - uncharge
 * @bc: the beancounter that was charged
 * @resource: the resource
 * @n: how much of it
 *
 * Context: any but NMI.
 */
void beancounter_uncharge(struct beancounter *bc, enum bc_resource_id resource,
			  unsigned long n)
{
	if (bc_resources[resource].sample)
		counter_give_back(&bc->counter[resource], n);
	else
		counter_uncharge(&bc->counter[resource], NULL, n);
}
EXPORT_SYMBOL_GPL(beancounter_uncharge);
