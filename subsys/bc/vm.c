// SPDX-License-Identifier: GPL-2.0
/*
 * The members' address spaces: privvmpages, which is limited, and physpages and kmemsize, which
 * are only accounted.
 *
 * privvmpages are the pages that the kernel counts as data and stack of an address space (VmData
 * and VmStk in /proc/<pid>/status): private writable mappings and mappings that grow down, touched
 * or not. Mappings that are shared or read-only do not count, and neither does an address space
 * that an exec is preparing.
 *
 * physpages are the pages that are mapped (VmRSS), as exact as the kernel's own figure: a page that
 * address spaces share counts in each of them; page cache that is not mapped, and swap, do not
 * count. kmemsize is the size of the page tables below the top level and of a kernel stack for
 * each member, in bytes. Other kernel memory counts only if modules charge it. Both are computed
 * when they are read, and their extremes are the extremes of the values that were read.
 *
 * An address space counts once in each container in or below which members use it, however many
 * members. Each container that has such members itself has a vm_charge. This counts in the
 * container and its ancestors, up to the first ancestor where another charge of the same address
 * space counts already. When the other charge is removed, this one counts from there upwards, and
 * the ancestors see no change. All charges of an address space have the same number of pages.
 *
 * The kernel does not report when an address space shrinks, or when a growth that was allowed has
 * failed after all. So a charge is brought up to date
 *
 *   - when the address space is about to grow (may_expand_vm(), with its mmap_lock held): its
 *     present pages and the requested ones are charged together, in all containers where it counts,
 *     and stay charged until the next time. So a charge is never too low, but for two kinds of
 *     growth: an exec, until the first mapping after it; and stacks in kernels that let them grow
 *     with mmap_lock held for reading (up to 6.4), if several grow at the same time, or if the
 *     charge is just brought up to date;
 *   - before a growth or a fork is refused: for all address spaces, in portions. The task can be
 *	preempted between them if it grows, but not if it forks;
 *   - when the figures are read: for all address spaces in the container. If mmap_lock is held for
 *     writing, the address space may be growing, and its charge stays as it was.
 *
 * A refused growth may count twice in failcnt, since the kernel asks twice before mmap() fails.
 *
 * Who takes part, and how races are settled:
 *
 * fork	a copied address space is charged within the limit, before the child can be found. A
 *	shared one is charged already.
 * exec	the first growth after it finds that the task's charge is for another address space,
 *	and replaces the charge. The task may be moved meanwhile: both change bc_task->vm by
 *	compare-and-exchange, and both take the container from the old charge, not from the
 *	core's table, which may be ahead or behind.
 * exit	the task may have dropped its address space before. The structure stays, since the
 *	charge has a reference on it.
 * move	of a process moves each thread by itself: the first one creates the charge of the new
 *	container, and the last one removes the charge of the old container. can_attach()
 *	allocates the memory, as attach() cannot fail.
 * unmount	the data of tasks is cleared before, so no task finds a charge. A charge that was
 *	created at the last moment is in the table, and is removed with the others.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "private.h"
#include "vm.h"

/**
 * vm_charge_more - charge the growth of an address space
 * @vc: a charge of it, with a user so that it stays
 * @more: the number of pages by which it is going to grow
 * @last: count and log a refusal; otherwise the caller tries again after vm_refresh()
 *
 * Context: any but interrupts, under RCU, with mmap_lock of the address space held.
 * Return: true if there was room.
 */
bool vm_charge_more(struct vm_charge *vc, unsigned long more, bool last)
{
	struct vm_chain *chain = vm_chain(vc->mm);
	struct bc_counter *full;

	spin_lock(&chain->lock);
	full = vm_try(chain, vc->mm, vm_private(vc->mm) + more);
	spin_unlock(&chain->lock);
	if (unlikely(full) && last)
		bc_refuse(vc->bc, full, BC_PRIVVMPAGES, BC_LIMIT, CONTAINER_CHARGE);
	return !full;
}

/**
 * vm_charge_other - charge the growth of an address space that is not the current task's
 * @mm: the address space
 * @more: the number of pages by which it is going to grow
 * @last: as for vm_charge_more()
 *
 * Context: any but interrupts, with its mmap_lock held.
 * Return: true if there was room, or if it has no charge.
 */
bool vm_charge_other(struct mm_struct *mm, unsigned long more, bool last)
{
	struct vm_chain *chain = vm_chain(mm);
	struct beancounter *bc = NULL;
	struct bc_counter *full = NULL;
	struct vm_charge *vc;

	rcu_read_lock();
	spin_lock(&chain->lock);
	vc = vm_find(chain, mm, NULL);
	if (vc) {
		bc = vc->bc;
		full = vm_try(chain, mm, vm_private(mm) + more);
	}
	spin_unlock(&chain->lock);
	if (unlikely(full) && last)
		bc_refuse(bc, full, BC_PRIVVMPAGES, BC_LIMIT, CONTAINER_CHARGE);
	rcu_read_unlock();
	return !full;
}

/* --- tasks come and go ------------------------------------------------------------ */

/**
 * vm_fork_copy - vm_fork() of an address space that is a copy
 * @mm: the address space
 * @bc: the beancounter of the child's container
 *
 * Context: as for vm_fork(), and so is the return value.
 */
struct vm_charge *vm_fork_copy(struct mm_struct *mm, struct beancounter *bc)
{
	struct bc_counter *c = &bc->counter[BC_PRIVVMPAGES], *full;
	unsigned long pages = vm_private(mm);
	struct vm_chain *chain;
	struct vm_charge *vc;
	int next = 0;

	while (unlikely((full = counter_charge(c, NULL, pages, BC_LIMIT, NULL)))) {
		if (next == VM_CHAINS) {
			bc_refuse(bc, full, BC_PRIVVMPAGES, BC_LIMIT, CONTAINER_FORK);
			return NULL;
		}
		/* before refusing, look for pages that other address spaces have freed */
		next = vm_refresh(next);
	}
	vc = kmalloc(sizeof(*vc), GFP_NOWAIT | __GFP_NOWARN);
	if (!vc) {
		counter_undo(c, NULL, pages);
		return NULL;
	}
	chain = vm_chain(mm);
	spin_lock(&chain->lock);
	/* the child's address space has no other user yet */
	vm_insert(chain, vc, mm, bc);
	vc->pages = pages;
	spin_unlock(&chain->lock);
	return vc;
}

/**
 * vm_adopt - charge the address space of a task that existed before
 * @task: the task, which may be running
 * @bc: the beancounter of its container
 *
 * Context: in adopt().
 * Return: the charge. If there is no memory, the charge of tasks without an address space, which
 * is replaced when the address space grows.
 */
struct vm_charge *vm_adopt(struct task_struct *task, struct beancounter *bc)
{
	struct vm_charge *vc = NULL;
	struct mm_struct *mm;

	if (task->flags & PF_KTHREAD)
		return &bc->no_vm;
	task_lock(task);
	mm = task->mm;
	if (mm)
		mmgrab(mm);
	task_unlock(task);
	if (mm) {
		vc = vm_get(mm, bc, GFP_ATOMIC);
		mmdrop(mm);
	}
	return vc ?: &bc->no_vm;
}

/**
 * vm_prepare_move - allocate the charge that a move may need
 * @spare: set to the charge, for vm_move() or kfree()
 *
 * Context: sleeps.
 * Return: 0 or -ENOMEM.
 */
int vm_prepare_move(void **spare)
{
	*spare = kmalloc(sizeof(struct vm_charge), GFP_KERNEL);
	return *spare ? 0 : -ENOMEM;
}

/*
 * Adds a user to the charge of the same address space to another container. If there is none,
 * @spare becomes one, or memory is allocated. Return: the charge, or @no_vm of that container; NULL
 * if @vc has no user any more, so that its address space may be gone. Called under RCU.
 */
static struct vm_charge *vm_get_elsewhere(struct vm_charge *vc, struct beancounter *to,
					  void **spare)
{
	struct vm_chain *chain = vm_chain(vc->mm);
	struct vm_charge *there;

	if (!vc->mm)
		return &to->no_vm;
	spin_lock(&chain->lock);
	/* the last user goes under this lock */
	if (!atomic_read(&vc->users)) {
		spin_unlock(&chain->lock);
		return NULL;
	}
	there = vm_find(chain, vc->mm, to);
	if (there) {
		atomic_inc(&there->users);
	} else {
		if (spare && *spare) {
			there = *spare;
			*spare = NULL;
		} else {
			there = kmalloc(sizeof(*there), GFP_ATOMIC);
		}
		if (there)
			vm_insert(chain, there, vc->mm, to);
	}
	spin_unlock(&chain->lock);
	return there ?: &to->no_vm;
}

/**
 * vm_move - move the charge of a task's address space
 * @t: the data of the task, which may be running
 * @to: the beancounter of its new container
 * @spare: as for vm_prepare_move(); NULL if that was not called. Set to NULL if it is used
 *
 * Context: in attach().
 */
void vm_move(struct bc_task *t, struct beancounter *to, void **spare)
{
	struct vm_charge *vc = READ_ONCE(t->vm), *there;

	rcu_read_lock();
	/* the task may replace its charge, after an exec: then move the new one */
	for (;;) {
		there = vm_get_elsewhere(vc, to, spare);
		if (!there) {
			vc = READ_ONCE(t->vm);
			continue;
		}
		if (try_cmpxchg(&t->vm, &vc, there))
			break;
		vm_put(there);
	}
	vm_put(vc);
	rcu_read_unlock();
}

/* --- accounting ------------------------------------------------------------------ */

/* For vm_for_each(). */
static void vm_add(struct vm_chain *chain, struct mm_struct *mm, void *figures)
{
	struct vm_figures *f = figures;

	vm_update(chain, mm);
	f->pages += get_mm_rss(mm);
	f->tables += mm_pgtables_bytes(mm);
}

/**
 * vm_look - read the address spaces of a container
 * @bc: its beancounter, whose privvmpages is brought up to date
 * @f: set to the other figures
 *
 * Context: any but interrupts; no lock of a chain held.
 */
void vm_look(struct beancounter *bc, struct vm_figures *f)
{
	*f = (struct vm_figures){};
	vm_for_each(&bc->counter[BC_PRIVVMPAGES], vm_add, f);
}

/* --- binding ---------------------------------------------------------------------- */

/**
 * vm_unbind - stop watching address spaces, and uncharge them
 *
 * Context: in unbind(); sleeps. No task's data leads to a charge.
 */
void vm_unbind(void)
{
	expand_unbind();
	charges_clear();
}

/* Called when the module is loaded. Return: 0 or -ENOMEM. */
int vm_init(void)
{
	charges_init();
	return expand_init();
}
