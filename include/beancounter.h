/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Beancounters: how modules charge a container for what they use on its behalf.
 *
 * Each container has a beancounter, with a counter for each resource. Whoever
 * charges holds a reference on the beancounter from before the first charge until
 * after the last is given back; while it does, the container cannot be removed
 * (rmdir says EBUSY):
 *
 *	bc = beancounter_get_current();
 *	err = beancounter_charge(bc, BC_NUMFILES, 1, BC_BARRIER);
 *	if (err)
 *		beancounter_put(bc);
 *	...
 *	beancounter_uncharge(bc, BC_NUMFILES, 1);
 *	beancounter_put(bc);
 *
 * A charge counts in the container and in every one above it, and has to fit in each.
 * No lock is taken, so all of this may be called in any context but NMI.
 */
#ifndef _BEANCOUNTER_H
#define _BEANCOUNTER_H

#include <linux/types.h>

/**
 * enum bc_resource_id - what is counted
 * @BC_KMEMSIZE: bytes of kernel memory; accounting only
 * @BC_PRIVVMPAGES: private pages of the members' address spaces
 * @BC_PHYSPAGES: pages of memory; accounting only
 * @BC_NUMTASKS: members
 * @BC_NUMFILES: open files
 * @BC_RESOURCES: how many there are
 *
 * BC_PRIVVMPAGES and BC_NUMTASKS follow the members and cannot be charged by
 * others. Charges to a resource that is accounting only are never refused.
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
 * enum bc_severity - when a charge is refused
 * @BC_BARRIER: when it would exceed the barrier
 * @BC_LIMIT: when it would exceed the limit
 * @BC_FORCE: never
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
