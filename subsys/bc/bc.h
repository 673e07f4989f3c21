/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The declarations that the files of container_bc.ko share.
 */
#ifndef _BC_H
#define _BC_H

#include <linux/atomic.h>
#include <linux/sched.h>

#include "beancounter.h"
#include "container.h"
#include "counter.h"

/**
 * struct vm_charge - the charge of an address space to a container; see vm.c
 * @node: link in its chain
 * @mm: the address space, on whose structure the charge has a reference; NULL in @no_vm of struct
 *	beancounter. Never changes
 * @bc: the container's beancounter. It stays while there are users: they are members, or under
 *	RCU. Never changes
 * @stop: the counter of the ancestor from which on upwards another charge of the same address
 *	space counts; NULL if this one counts up to the root. Guarded by the chain's lock
 * @users: the members that use the address space, and tasks that are about to grow it. It drops
 *	to 0, and the charge is unlinked, under the chain's lock. Not a refcount_t, whose
 *	operations would be function calls on the paths of fork and exit
 * @pages: the pages that are charged, the same number for all charges of an address space.
 *	Guarded by the chain's lock
 * @rcu: for freeing
 */
struct vm_charge {
	struct hlist_node node;
	struct mm_struct *mm;
	struct beancounter *bc;
	struct bc_counter *stop;
	atomic_t users;
	unsigned long pages;
	struct rcu_head rcu;
};

/**
 * struct beancounter - the resources that the members of a container and its descendants hold
 * @css: the core's part
 * @counter: one for each resource
 * @no_vm: stands for the charge of tasks that have no address space, or for whose charge there was
 *	no memory. In no chain, and without users
 * @told_at: for container_refusal_is_news()
 * @rcu: for freeing
 */
struct beancounter {
	struct container_subsys_state css;
	struct bc_counter counter[BC_RESOURCES];
	struct vm_charge no_vm;
	unsigned long told_at;
	struct rcu_head rcu;
};

/**
 * struct vm_figures - figures of the address spaces of a container
 * @pages: pages that are mapped
 * @tables: bytes of page tables
 */
struct vm_figures {
	unsigned long pages;
	unsigned long tables;
};

/**
 * struct bc_task - the data of a task
 * @vm: the charge of its address space; NULL if the task is not counted. vm.c says who changes it
 * @map_start: where mmap(2) is about to map something
 * @map_pages: and how many pages; 0: nothing. It may stay after that has failed
 * @refused: mprotect(2) was refused private pages, and will ask once more
 *
 * Only the task itself uses all but the first.
 */
struct bc_task {
	struct vm_charge *vm;
	unsigned long map_start, map_pages;
	bool refused;
};

/**
 * struct bc_resource - a resource
 * @name: the part of its files' names
 * @error: the errno of a refused charge
 * @barrier: the barrier of a new container below the root
 * @limit: the limit of a new container below the root
 * @others: other modules may charge it
 * @vm: address spaces hold some of it, and have to be read before it is shown
 * @sample: for a resource that is only accounted: returns the amount in use apart from charges;
 *	NULL for others. The extremes of such a resource are the extremes of the shown values
 * @crossed: called for a charge with BC_LIMIT that brings @c beyond its barrier, in the context
 *	of the charge; may be NULL
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

extern struct container_subsys bc_subsys;
extern const struct bc_resource bc_resources[BC_RESOURCES];

static inline struct beancounter *container_bc(struct container *cont)
{
	return container_of(container_subsys_state(cont, &bc_subsys),
			    struct beancounter, css);
}

/* The beancounter that a counter belongs to. */
static inline struct beancounter *counter_bc(struct bc_counter *c, enum bc_resource_id resource)
{
	return container_of(c - resource, struct beancounter, counter[0]);
}

/* resources.c */
int bc_refuse(struct beancounter *bc, struct bc_counter *full, enum bc_resource_id resource,
	      enum bc_severity severity, enum container_refusal what);

/* files.c */
void files_init(void);
int bc_populate(struct container_subsys *ss, struct container *cont);

/* numfiles.c */
int numfiles_init(void);
void numfiles_exit(void);
bool numfiles_known(void);
int numfiles_bind(void);
void numfiles_unbind(void);
void numfiles_crossed(struct bc_counter *c);
bool numfiles_charged_to(const struct file *file, const struct bc_counter *counter);

/* holders.c */
extern void *holders_find_pid_fn;
int holders_show(struct seq_file *m, struct container *cont, const struct container_cftype *cft);

/* charge.c */
struct vm_charge *vm_get(struct mm_struct *mm, struct beancounter *bc, gfp_t gfp);
void vm_put_last(struct vm_charge *vc);

/* vm.c */
int vm_init(void);
void vm_unbind(void);
struct vm_charge *vm_fork_copy(struct mm_struct *mm, struct beancounter *bc);
struct vm_charge *vm_adopt(struct task_struct *task, struct beancounter *bc);
int vm_prepare_move(void **spare);
void vm_move(struct bc_task *t, struct beancounter *to, void **spare);
void vm_look(struct beancounter *bc, struct vm_figures *f);

/* expand.c */
int expand_init(void);
void expand_exit(void);
int expand_bind(void);
void expand_unbind(void);

/**
 * vm_fork - charge the address space of an unborn child
 * @child: the child
 * @bc: the beancounter of its container
 * @parent: the data of the current task, which may be moved meanwhile
 *
 * Context: in can_fork().
 * Return: the charge; NULL if there is no memory, or if a copied address space does not fit, which
 * is counted and logged.
 */
static inline struct vm_charge *vm_fork(struct task_struct *child, struct beancounter *bc,
					const struct bc_task *parent)
{
	struct mm_struct *mm = child->mm;
	struct vm_charge *vc;

	if (!mm)
		return &bc->no_vm;
	if (mm != current->mm)
		return vm_fork_copy(mm, bc);
	/* mostly the parent's charge; preemption is disabled, so it is not freed meanwhile */
	vc = READ_ONCE(parent->vm);
	if (likely(vc && vc->mm == mm && vc->bc == bc && atomic_inc_not_zero(&vc->users)))
		return vc;
	return vm_get(mm, bc, GFP_NOWAIT | __GFP_NOWARN);
}

/**
 * vm_put - drop a user of a charge
 * @vc: the charge
 *
 * Context: any but interrupts.
 */
static inline void vm_put(struct vm_charge *vc)
{
	if (vc->mm && !atomic_add_unless(&vc->users, -1, 1))
		vm_put_last(vc);
}

#endif /* _BC_H */
