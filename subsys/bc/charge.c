// SPDX-License-Identifier: GPL-2.0
/*
 * The charges of address spaces: the table that holds them, and how they add up. vm.c explains what
 * a charge is.
 *
 * Each chain of the table has a lock, which guards the charges in it; all charges of an address
 * space are in the same chain. The lock is taken inside that of a task's entry, and only
 * try-locks are taken inside it. Unused charges are freed after a grace period.
 */
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "vm.h"

static struct vm_chain vm_table[VM_CHAINS];

/* The chain with the charges of an address space. */
struct vm_chain *vm_chain(const struct mm_struct *mm)
{
	return &vm_table[hash_ptr((void *)mm, ilog2(VM_CHAINS))];
}

/* --- the charges of an address space; the chain's lock is held ------------------- */

/* Walks over the charges of an address space. */
#define for_each_charge(vc, chain, space)				\
	hlist_for_each_entry(vc, &(chain)->head, node)			\
		if ((vc)->mm == (space))

/* Does the address space count in a container by this charge? */
static bool vm_counts_in(const struct vm_charge *vc, struct bc_counter *c)
{
	return counter_is_in(vm_counter(vc), c) && (!vc->stop || vc->stop->depth < c->depth);
}

/* Brings all charges of an address space to @pages, by force. */
void vm_set(struct vm_chain *chain, const struct mm_struct *mm, unsigned long pages)
{
	struct vm_charge *vc;

	for_each_charge(vc, chain, mm) {
		if (pages > vc->pages)
			counter_charge_force(vm_counter(vc), vc->stop, pages - vc->pages);
		else if (pages < vc->pages)
			counter_uncharge(vm_counter(vc), vc->stop, vc->pages - pages);
		vc->pages = pages;
	}
}

/*
 * Brings all charges of an address space to @pages, if there is room in each container; otherwise
 * to its present pages. Return: NULL, or the counter that has no room.
 */
struct bc_counter *vm_try(struct vm_chain *chain, const struct mm_struct *mm,
			  unsigned long pages)
{
	struct bc_counter *full;
	struct vm_charge *vc;

	for_each_charge(vc, chain, mm) {
		if (pages <= vc->pages)
			continue;
		full = counter_charge(vm_counter(vc), vc->stop, pages - vc->pages,
				      BC_LIMIT, NULL);
		if (unlikely(full)) {
			vm_set(chain, mm, vm_private(mm));
			return full;
		}
		vc->pages = pages;
	}
	/* charges that have more pages were skipped: the address space may have shrunk */
	vm_set(chain, mm, pages);
	return NULL;
}

/* The charge of an address space to a container, or to any if that is NULL; or NULL. */
struct vm_charge *vm_find(struct vm_chain *chain, const struct mm_struct *mm,
			  const struct beancounter *bc)
{
	struct vm_charge *vc;

	hlist_for_each_entry(vc, &chain->head, node)
		if (vc->mm == mm && (!bc || vc->bc == bc))
			return vc;
	return NULL;
}

/*
 * Adds a new charge, @vc, with one user and with as many pages as the other charges of the address
 * space, by force. The caller keeps the structure of the address space from being freed.
 */
void vm_insert(struct vm_chain *chain, struct vm_charge *vc, struct mm_struct *mm,
	       struct beancounter *bc)
{
	struct bc_counter *common;
	struct vm_charge *other;

	mmgrab(mm);
	vc->mm = mm;
	vc->bc = bc;
	vc->stop = NULL;
	vc->pages = 0;
	atomic_set(&vc->users, 1);
	for_each_charge(other, chain, mm) {
		common = tree_common(vm_counter(vc), vm_counter(other));
		if (!vc->stop || vc->stop->depth < common->depth)
			vc->stop = common;
		vc->pages = other->pages;
	}
	counter_charge_force(vm_counter(vc), vc->stop, vc->pages);
	hlist_add_head(&vc->node, &chain->head);
}

/*
 * Removes a charge. Of the charges that stop where it counts, the one with the deepest stop takes
 * its place from there upwards.
 */
static void vm_remove(struct vm_chain *chain, struct vm_charge *vc)
{
	struct vm_charge *other, *heir = NULL;

	hlist_del(&vc->node);
	for_each_charge(other, chain, vc->mm)
		if (other->stop && (!heir || heir->stop->depth < other->stop->depth) &&
		    vm_counts_in(vc, other->stop))
			heir = other;
	counter_uncharge(vm_counter(vc), heir ? heir->stop : vc->stop, vc->pages);
	if (heir)
		heir->stop = vc->stop;
}

static void vm_free(struct vm_charge *vc)
{
	mmdrop(vc->mm);
	kfree_rcu(vc, rcu);
}

/* --- users of a charge ----------------------------------------------------------- */

/**
 * vm_get - add a user to the charge of an address space to a container
 * @mm: the address space
 * @bc: the container's beancounter
 * @gfp: how to allocate the charge, if it is new
 *
 * A new charge gets as many pages as the other charges of the address space or, if there are none,
 * the pages that it has.
 *
 * Context: any but interrupts; no lock of a chain held.
 * Return: the charge; NULL if there is no memory.
 */
struct vm_charge *vm_get(struct mm_struct *mm, struct beancounter *bc, gfp_t gfp)
{
	struct vm_chain *chain = vm_chain(mm);
	struct vm_charge *vc, *new = NULL;

	for (;;) {
		spin_lock(&chain->lock);
		vc = vm_find(chain, mm, bc);
		if (vc) {
			atomic_inc(&vc->users);
		} else if (new) {
			vm_insert(chain, new, mm, bc);
			/* keep the pages of other charges, if any: a growth may be under way */
			if (!new->pages)
				vm_set(chain, mm, vm_private(mm));
			vc = new;
			new = NULL;
		}
		spin_unlock(&chain->lock);
		if (vc)
			break;
		new = kmalloc(sizeof(*new), gfp);
		if (!new)
			return NULL;
	}
	kfree(new);
	return vc;
}

/**
 * vm_put_last - drop a user of a charge, who may be the last one
 * @vc: the charge, not a @no_vm
 *
 * Context: as for vm_put().
 */
void vm_put_last(struct vm_charge *vc)
{
	struct vm_chain *chain = vm_chain(vc->mm);

	if (!atomic_dec_and_lock(&vc->users, &chain->lock))
		return;
	vm_remove(chain, vc);
	spin_unlock(&chain->lock);
	vm_free(vc);
}

/*
 * Calls @fn once for each address space that counts in the container of a counter, with the lock of
 * the chain held. Called in any context but interrupts, with no lock of a chain held.
 */
void vm_for_each(struct bc_counter *c,
		 void (*fn)(struct vm_chain *chain, struct mm_struct *mm, void *arg),
		 void *arg)
{
	struct vm_chain *chain;
	struct vm_charge *vc;

	for (chain = vm_table; chain < vm_table + ARRAY_SIZE(vm_table); chain++) {
		if (hlist_empty(&chain->head))
			continue;
		spin_lock(&chain->lock);
		hlist_for_each_entry(vc, &chain->head, node)
			if (vm_counts_in(vc, c))
				fn(chain, vc->mm, arg);
		spin_unlock(&chain->lock);
	}
}

/*
 * Brings the charges of an address space up to date, with the chain's lock held. A task that holds
 * mmap_lock for writing may be growing: the charge for that has to stay.
 */
void vm_update(struct vm_chain *chain, struct mm_struct *mm)
{
	if (!mmap_read_trylock(mm))
		return;
	vm_set(chain, mm, vm_private(mm));
	mmap_read_unlock(mm);
}

/* How many charges vm_refresh() looks at, at least; a chain is not divided. */
#define VM_PORTION 256

/*
 * Brings a portion of all charges up to date, from a chain on. All containers' at once: a charge
 * that is up to date already, as most are, costs no more than finding out. Called in any context
 * but interrupts, with no lock of a chain held. Return: the chain to go on with; VM_CHAINS if there
 * is none.
 */
int vm_refresh(int chain)
{
	struct vm_charge *vc;
	int looked = 0;

	for (; chain < VM_CHAINS && looked < VM_PORTION; chain++) {
		if (hlist_empty(&vm_table[chain].head))
			continue;
		spin_lock(&vm_table[chain].lock);
		hlist_for_each_entry(vc, &vm_table[chain].head, node) {
			looked++;
			if (vc->pages != vm_private(vc->mm))
				vm_update(&vm_table[chain], vc->mm);
		}
		spin_unlock(&vm_table[chain].lock);
	}
	return chain;
}

/**
 * charges_clear - uncharge and free all charges
 *
 * Context: sleeps. No task's data refers to a charge, and no new ones are made.
 */
void charges_clear(void)
{
	struct hlist_node *next;
	struct vm_charge *vc;
	HLIST_HEAD(left);
	int i;

	for (i = 0; i < ARRAY_SIZE(vm_table); i++) {
		spin_lock(&vm_table[i].lock);
		hlist_for_each_entry(vc, &vm_table[i].head, node)
			counter_uncharge(vm_counter(vc), vc->stop, vc->pages);
		hlist_move_list(&vm_table[i].head, &left);
		spin_unlock(&vm_table[i].lock);
		hlist_for_each_entry_safe(vc, next, &left, node) {
			hlist_del(&vc->node);
			vm_free(vc);
		}
	}
}

/* Called when the module is loaded. */
void charges_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(vm_table); i++) {
		spin_lock_init(&vm_table[i].lock);
		INIT_HLIST_HEAD(&vm_table[i].head);
	}
}
