/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Address spaces: the declarations that vm.c, charge.c, growth.c and expand.c share.
 */
#ifndef _VM_H
#define _VM_H

#include <linux/mm_types.h>
#include <linux/spinlock.h>

#include "bc.h"

/**
 * struct vm_chain - a chain of the table of charges
 * @lock: guards the chain, and the charges in it
 * @head: the charges
 */
struct vm_chain {
	spinlock_t lock;
	struct hlist_head head;
};

/* The length of the table of charges. */
#define VM_CHAINS 512

/* The number of private pages of an address space, by the kernel's own count. */
static inline unsigned long vm_private(const struct mm_struct *mm)
{
	return READ_ONCE(mm->data_vm) + READ_ONCE(mm->stack_vm);
}

/* The counter that a charge is made to. */
static inline struct bc_counter *vm_counter(const struct vm_charge *vc)
{
	return &vc->bc->counter[BC_PRIVVMPAGES];
}

/* charge.c; vm_set() to vm_update() are called with the chain's lock held */
struct vm_chain *vm_chain(const struct mm_struct *mm);
void vm_set(struct vm_chain *chain, const struct mm_struct *mm, unsigned long pages);
struct bc_counter *vm_try(struct vm_chain *chain, const struct mm_struct *mm,
			  unsigned long pages);
struct vm_charge *vm_find(struct vm_chain *chain, const struct mm_struct *mm,
			  const struct beancounter *bc);
void vm_insert(struct vm_chain *chain, struct vm_charge *vc, struct mm_struct *mm,
	       struct beancounter *bc);
void vm_update(struct vm_chain *chain, struct mm_struct *mm);
int vm_refresh(int chain);
void vm_for_each(struct bc_counter *c,
		 void (*fn)(struct vm_chain *chain, struct mm_struct *mm, void *arg), void *arg);
void charges_clear(void);
void charges_init(void);

/* vm.c */
bool vm_charge_more(struct vm_charge *vc, unsigned long more, bool last);
bool vm_charge_other(struct mm_struct *mm, unsigned long more, bool last);

/* growth.c */
bool vm_is_private(unsigned long flags);
bool growth_try(struct mm_struct *mm, unsigned long pages, bool last);
bool growth_find_room(struct mm_struct *mm, unsigned long pages);
void growth_mapping(unsigned long start, unsigned long size);
bool growth_refused(bool refused);

#endif /* _VM_H */
