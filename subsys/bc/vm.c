// SPDX-License-Identifier: GPL-2.0
/*
 * The members' address spaces: privvmpages, which is limited, and physpages and kmemsize, which
 * are only accounted.
 *
 * privvmpages is what the kernel itself counts of an address space as data and as
 * stack (VmData and VmStk in /proc/<pid>/status): private writable mappings and
 * mappings that grow down, touched or not. Not in it: mappings that are shared,
 * or cannot be written, and what an exec in progress has prepared.
 *
 * physpages are the pages that are mapped (VmRSS), as exact as the kernel keeps
 * that: pages shared between address spaces count in each, page cache that nobody
 * maps and swap in none. kmemsize are the page tables below the top one, and a
 * kernel stack for each member, in bytes; not the structures around them, from
 * slabs, nor any other kernel memory, except what modules charge to it. Both are
 * worked out when they are read, and their extremes are those of what was read.
 *
 * An address space counts once in each container in or below which members use it, however many
 * they are. Each container that has such members itself has a vm_charge. This counts in the
 * container and its ancestors, up to the first one where another charge of the same address
 * space counts already; when that one goes, this one counts from there upwards, and ancestors
 * see no change. All charges of an address space are of the same number of pages.
 *
 * The kernel does not say when an address space shrinks, nor when a growth that was
 * allowed has failed after all. So what is charged for it is brought up to date
 *
 *   when it is about to grow (may_expand_vm(), with its mmap_lock held): what it
 *	has, by its own figures, and what it asks for, together, in all containers
 *	where it counts. That stays charged until the next time. So what is charged
 *	is never too little but for growths that ask nobody (an exec, until the first
 *	mapping that follows; a stack that somebody else's access makes grow; and
 *	stacks of several threads at the very same time, in kernels that let them);
 *   before a growth or a fork is refused: all that counts in the container that has
 *	no room;
 *   when somebody reads the figures: the same. Where mmap_lock cannot be had at
 *	once, something is under way, and the charge stays as it was.
 *
 * A refused growth may count twice in failcnt, since the kernel asks twice
 * before it lets an mmap() fail.
 *
 * Who can race:
 *
 * fork	the copy of an address space is charged before the child exists, within
 *	the limit; one that is shared costs nothing more.
 * exec	the first growth after it finds another address space than that of the
 *	task's charge, and swaps. Meanwhile somebody may move the task: both change
 *	bc_task->vm by compare-and-exchange, and both find the container in the charge
 *	that was there before, not in the core's table, which may be ahead or behind.
 * exit	the address space may be gone from the task by then, and given back; its
 *	structure stays, as the charge has a reference on it.
 * move	sees all tasks by themselves: the first of a process makes the charge of
 *	the new container, the last leaves none in the old one. Memory for it is set
 *	aside before, as it cannot fail.
 * unmount	what is kept for tasks is cleared by then, so nobody finds a charge. One that was
 *	made at the very last moment is in the table all the same, and goes with it.
 */
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "vm.h"

/* --- bringing charges up to date ------------------------------------------------- */

static void vm_update(struct vm_chain *chain, struct mm_struct *mm, void *arg)
{
	/* a task that makes it grow now holds the lock, and its charge has to stay */
	if (!mmap_read_trylock(mm))
		return;
	vm_set(chain, mm, vm_private(mm));
	mmap_read_unlock(mm);
}

/*
 * A charge found no room in a counter, though that of @top and those below it are up to
 * date; NULL at first. Brings more of them up to date.
 * Return: what is up to date now, or NULL if that was so already.
 */
static struct bc_counter *vm_find_room(struct bc_counter *full, struct bc_counter *top)
{
	if (top && counter_is_in(full, top))
		return NULL;
	top = top ? counter_common(top, full) : full;
	vm_for_each(top, vm_update, NULL);
	return top;
}

/**
 * vm_charge_more - charge the growth of an address space
 * @vc: a charge of it, with a user so that it stays
 * @more: by how many pages it is going to grow
 *
 * Context: its mmap_lock is held; any but interrupts.
 * Return: true if there was room.
 */
bool vm_charge_more(struct vm_charge *vc, unsigned long more)
{
	struct vm_chain *chain = vm_chain(vc->mm);
	struct bc_counter *full, *top = NULL;

	do {
		spin_lock(&chain->lock);
		full = vm_try(chain, vc->mm, vm_private(vc->mm) + more);
		spin_unlock(&chain->lock);
		if (likely(!full))
			return true;
		top = vm_find_room(full, top);
	} while (top);
	bc_refuse(vc->bc, full, BC_PRIVVMPAGES, BC_LIMIT, CONTAINER_CHARGE);
	return false;
}

/* --- tasks come and go ------------------------------------------------------------ */

/**
 * vm_fork_copy - vm_fork() of an address space that is a copy
 * @mm: the address space
 * @bc: the beancounter of the child's container
 *
 * As vm_fork().
 */
struct vm_charge *vm_fork_copy(struct mm_struct *mm, struct beancounter *bc)
{
	struct bc_counter *c = &bc->counter[BC_PRIVVMPAGES], *full, *top = NULL;
	unsigned long pages = vm_private(mm);
	struct vm_chain *chain;
	struct vm_charge *vc;

	/* before refusing, find what other address spaces have given back meanwhile */
	do {
		full = counter_charge(c, NULL, pages, BC_LIMIT, NULL);
		if (likely(!full))
			break;
		top = vm_find_room(full, top);
	} while (top);
	if (unlikely(full)) {
		bc_refuse(bc, full, BC_PRIVVMPAGES, BC_LIMIT, CONTAINER_FORK);
		return NULL;
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
 * Context: that of adopt().
 * Return: the charge. If there is no memory, that of tasks without an address space, until the
 * address space grows.
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
 * vm_prepare_move - allocate what a move may need
 * @spare: where to keep it, for vm_move() or kfree()
 *
 * Context: sleeps.
 * Return: 0 or -ENOMEM.
 */
int vm_prepare_move(void **spare)
{
	*spare = kmalloc(sizeof(struct vm_charge), GFP_KERNEL);
	return *spare ? 0 : -ENOMEM;
}

/* Adds a user in another container; uses the spare charge if one is needed and there is one. */
static struct vm_charge *vm_get_elsewhere(struct vm_charge *vc, struct beancounter *to,
					  void **spare)
{
	struct vm_chain *chain = vm_chain(vc->mm);
	struct vm_charge *there;

	if (!vc->mm)
		return &to->no_vm;
	spin_lock(&chain->lock);
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
 * @spare: as for vm_prepare_move(); NULL if that was not called
 *
 * Context: that of attach().
 */
void vm_move(struct bc_task *t, struct beancounter *to, void **spare)
{
	struct vm_charge *vc = READ_ONCE(t->vm), *there;

	rcu_read_lock();
	for (;;) {
		there = vm_get_elsewhere(vc, to, spare);
		if (try_cmpxchg(&t->vm, &vc, there))
			break;
		/* the task has another address space by now */
		vm_put(there);
	}
	vm_put(vc);
	rcu_read_unlock();
}

/* --- accounting ------------------------------------------------------------------ */

static void vm_add(struct vm_chain *chain, struct mm_struct *mm, void *figures)
{
	struct vm_figures *f = figures;

	vm_update(chain, mm, NULL);
	f->pages += get_mm_rss(mm);
	f->tables += mm_pgtables_bytes(mm);
}

/**
 * vm_look - read the address spaces of a container
 * @bc: its beancounter, whose privvmpages is brought up to date
 * @f: the other figures
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
 * vm_unbind - watch address spaces no more, and take all charges back
 *
 * Context: manage lock held; sleeps. No task's data leads to a charge.
 */
void vm_unbind(void)
{
	growth_unbind();
	charges_clear();
}

int vm_init(void)
{
	charges_init();
	return growth_init();
}
