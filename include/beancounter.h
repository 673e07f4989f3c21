/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Beancounters: the API for modules that charge a container for resources used on its behalf.
 *
 * Each container has a beancounter, with a counter for each resource. A module needs a reference
 * on the beancounter as long as it has charges there. Meanwhile the container cannot be removed
 * (rmdir fails with EBUSY):
 *
 *	bc = beancounter_get_current();
 *	err = beancounter_charge(bc, BC_NUMFILES, 1, BC_BARRIER);
 *	if (err)
 *		beancounter_put(bc);
 *	...
 *	beancounter_uncharge(bc, BC_NUMFILES, 1);
 *	beancounter_put(bc);
 *
 * A charge counts in the container and in all its ancestors, and has to fit in each of them. These
 * functions take no lock, so they may be called in any context but NMI.
 */
#ifndef _BEANCOUNTER_H
#define _BEANCOUNTER_H

#include <linux/types.h>

/**
 * enum bc_resource_id - the resources
 * @BC_KMEMSIZE: bytes of kernel memory; accounting only
 * @BC_PRIVVMPAGES: private pages of the members' address spaces
 * @BC_PHYSPAGES: pages of memory; accounting only
 * @BC_NUMTASKS: members
 * @BC_NUMFILES: open files
 * @BC_RESOURCES: the number of resources
 *
 * BC_PRIVVMPAGES and BC_NUMTASKS follow the members, and modules cannot charge them. A charge to a
 * resource that is accounting only is never refused.
 */
enum bc_resource_id {
	BC_KMEMSIZE,
	BC_PRIVVMPAGES,
	BC_PHYSPAGES,
	BC_NUMTASKS,
	BC_NUMFILES,
	BC_RESOURCES
};

/**
 * enum bc_severity - the bound of a charge
 * @BC_BARRIER: refused if it would exceed the barrier
 * @BC_LIMIT: refused if it would exceed the limit
 * @BC_FORCE: never refused
 */
enum bc_severity {
	BC_BARRIER,
	BC_LIMIT,
	BC_FORCE,
};

struct beancounter;

struct beancounter *beancounter_get_current(void);
void beancounter_put(struct beancounter *bc);
int beancounter_charge(struct beancounter *bc, enum bc_resource_id resource,
		       unsigned long n, enum bc_severity severity);
void beancounter_uncharge(struct beancounter *bc, enum bc_resource_id resource,
			  unsigned long n);

#endif /* _BEANCOUNTER_H */
