// SPDX-License-Identifier: GPL-2.0
/*
 * May an address space grow? vm.c explains the charges, expand.c has the hooks that ask here.
 *
 * Whoever makes an address space grow holds its mmap_lock, and may be moved meanwhile. Mostly it is
 * the task's own; but a stack grows in another one, too, when somebody reads what lies below it, as
 * a debugger does.
 */
#include <linux/mm.h>
#include <linux/sched.h>

#include "compat_bc.h"
#include "private.h"
#include "vm.h"

/* Does a mapping with these flags count in privvmpages? */
bool vm_is_private(unsigned long flags)
{
	return (flags & (VM_WRITE | VM_SHARED | VM_STACK)) == VM_WRITE ||
	       (flags & VM_STACK) == VM_STACK || (flags & COMPAT_VM_SHADOW_STACK);
}

/*
 * The charge of the current task's address space, with one more user so that it stays; NULL if
 * there is no memory, or if bc has just been unbound. Called under RCU, which keeps charges and
 * beancounters that the task has left meanwhile.
 */
static struct vm_charge *vm_get_current(struct bc_task *t)
{
	struct mm_struct *mm = current->mm;
	struct vm_charge *vc, *old, *new;

	while ((vc = READ_ONCE(t->vm))) {
		if (vc->mm == mm) {
			if (atomic_inc_not_zero(&vc->users))
				return vc;
			/* the task was moved: it has another charge now */
			continue;
		}
		new = vm_get(mm, vc->bc, GFP_ATOMIC);
		if (!new)
			return NULL;
		old = vc;
		vm_put(try_cmpxchg(&t->vm, &old, new) ? vc : new);
	}
	return NULL;
}

/*
 * By how many private pages does the current task's address space grow, if the kernel asks for
 * @pages? A mapping that replaces others needs only what they do not have. If there is no room for
 * all of it, and always from 6.12 on, the kernel does not ask for any of the pages that are
 * replaced, private or not: then the private ones are looked for. mmap_lock is held for writing.
 */
static unsigned long vm_needed(struct bc_task *t, unsigned long pages)
{
	unsigned long at = t->map_start, end = at + (t->map_pages << PAGE_SHIFT);
	unsigned long all = 0, private = 0, next;
	struct vm_area_struct *vma;

	if (likely(pages >= t->map_pages))
		return pages;
	for (; at < end && (vma = find_vma(current->mm, at)) && vma->vm_start < end; at = next) {
		next = min(vma->vm_end, end);
		at = max(at, vma->vm_start);
		all += (next - at) >> PAGE_SHIFT;
		if (vm_is_private(vma->vm_flags))
			private += (next - at) >> PAGE_SHIFT;
	}
	if (pages + all == t->map_pages)
		return pages + all - private;
	/* it is about something else */
	t->map_pages = 0;
	return pages;
}

/* May the current task's address space grow by so many private pages? */
static bool own_may_grow(unsigned long pages, bool last)
{
	struct vm_charge *vc;
	struct bc_task *t;
	bool ok = true;

	rcu_read_lock();
	t = container_task_data(current, &bc_subsys);
	if (t && READ_ONCE(t->vm)) {
		vc = vm_get_current(t);
		ok = vc ? vm_charge_more(vc, vm_needed(t, pages), last) : !READ_ONCE(t->vm);
		if (vc)
			vm_put(vc);
		if (ok)
			t->map_pages = 0;
	}
	rcu_read_unlock();
	return ok;
}

/**
 * growth_try - may an address space grow by so many private pages?
 * @mm: the address space. One without a charge always may, as one that an exec prepares
 * @pages: the number of pages
 * @last: count and log a refusal; otherwise the caller tries growth_find_room()
 *
 * Context: any but interrupts, with mmap_lock of the address space held.
 */
bool growth_try(struct mm_struct *mm, unsigned long pages, bool last)
{
	/* a thread of the kernel may use another's */
	if (mm != current->mm || (current->flags & PF_KTHREAD))
		return vm_charge_other(mm, pages, last);
	return own_may_grow(pages, last);
}

/**
 * growth_find_room - the same, after growth_try() found no room
 * @mm: the address space
 * @pages: the number of pages
 *
 * Looks for pages that other address spaces have freed. Tasks may be moved meanwhile, and their old
 * containers removed, so each attempt begins anew.
 *
 * Context: sleeps, with mmap_lock held.
 * Return: true if there is room; otherwise the refusal is counted and logged.
 */
bool growth_find_room(struct mm_struct *mm, unsigned long pages)
{
	int next = 0;
	bool ok;

	do {
		next = vm_refresh(next);
		ok = growth_try(mm, pages, next == VM_CHAINS);
		cond_resched();
	} while (!ok && next < VM_CHAINS);
	return ok;
}

/**
 * growth_mapping - note what the current task is about to map
 * @start: the address
 * @size: the length in bytes
 *
 * Context: any but interrupts.
 */
void growth_mapping(unsigned long start, unsigned long size)
{
	struct bc_task *t;

	rcu_read_lock();
	t = container_task_data(current, &bc_subsys);
	if (t) {
		t->map_start = start;
		t->map_pages = size >> PAGE_SHIFT;
	}
	rcu_read_unlock();
}

/**
 * growth_refused - note that mprotect(2) was refused private pages, and forget it
 * @refused: whether it was
 *
 * Context: any but interrupts.
 * Return: whether it was refused the last time.
 */
bool growth_refused(bool refused)
{
	struct bc_task *t;
	bool before = false;

	rcu_read_lock();
	t = container_task_data(current, &bc_subsys);
	if (t) {
		before = t->refused;
		t->refused = refused;
	}
	rcu_read_unlock();
	return before;
}
