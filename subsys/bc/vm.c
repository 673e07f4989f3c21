// SPDX-License-Identifier: GPL-2.0
/*
 * The members' address spaces: privvmpages, which is limited, and physpages and
 * kmemsize, which are accounting.
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
 * An address space counts once in each container where a member uses it, there or
 * below, however many do. For each container that has such a member itself there is a
 * vm_charge. It counts in that container and in those above, up to the first one
 * where another charge of the same address space counts already; when that one goes,
 * this one counts from there on, and nobody above sees anything of it. All
 * charges of an address space are of as many pages.
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
 *   when somebody reads the figures: likewise. Where mmap_lock cannot be had at
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
 *
 * Each chain of the table has a lock, which guards the charges in it; those of an
 * address space are in the same one. It is taken inside that of a task's entry, and
 * nothing but try-locks inside it. A charge that is not used any more is freed
 * after a grace period.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/rculist.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "bc.h"
#include "compat_bc.h"
#include "container_hook.h"

#define VM_BITS 9

struct vm_chain {
	spinlock_t lock;
	struct hlist_head head;
};

static struct vm_chain vm_table[1 << VM_BITS];

/* Tasks in expand_stack_vma(). */
static DEFINE_PER_CPU(long, expand_callers);

static struct vm_chain *vm_chain(const struct mm_struct *mm)
{
	return &vm_table[hash_ptr((void *)mm, VM_BITS)];
}

/* Private pages that an address space has. */
static unsigned long vm_private(const struct mm_struct *mm)
{
	return READ_ONCE(mm->data_vm) + READ_ONCE(mm->stack_vm);
}

/* Is a mapping with these flags counted there? */
static bool vm_is_private(unsigned long flags)
{
	return (flags & (VM_WRITE | VM_SHARED | VM_STACK)) == VM_WRITE ||
	       (flags & VM_STACK) == VM_STACK || (flags & COMPAT_VM_SHADOW_STACK);
}

/* --- charges; the chain's lock is held ----------------------------------------- */

/* Walks over the charges of an address space. */
#define for_each_charge(vc, chain, space)				\
	hlist_for_each_entry(vc, &(chain)->head, node)			\
		if ((vc)->mm == (space))

static struct bc_counter *vm_counter(const struct vm_charge *vc)
{
	return &vc->bc->counter[BC_PRIVVMPAGES];
}

/* Is it this charge by which its address space counts in a container? */
static bool vm_counts_in(const struct vm_charge *vc, struct bc_counter *c)
{
	return counter_is_in(vm_counter(vc), c) && (!vc->stop || vc->stop->depth < c->depth);
}

/* Charges @pages in all for an address space, in any case. */
static void vm_set(struct vm_chain *chain, const struct mm_struct *mm, unsigned long pages)
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
 * Charges @pages in all, if there is room in each container; else what the address
 * space has. Return: NULL, or the counter that has no room.
 */
static struct bc_counter *vm_try(struct vm_chain *chain, const struct mm_struct *mm,
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
	/* it may have become smaller instead */
	vm_set(chain, mm, pages);
	return NULL;
}

static struct vm_charge *vm_find(struct vm_chain *chain, const struct mm_struct *mm,
				 const struct beancounter *bc)
{
	struct vm_charge *vc;

	hlist_for_each_entry(vc, &chain->head, node)
		if (vc->mm == mm && vc->bc == bc)
			return vc;
	return NULL;
}

/* As much as the others of its address space; nothing if it is the first. */
static void vm_insert(struct vm_chain *chain, struct vm_charge *vc, struct mm_struct *mm,
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
		common = counter_common(vm_counter(vc), vm_counter(other));
		if (!vc->stop || vc->stop->depth < common->depth)
			vc->stop = common;
		vc->pages = other->pages;
	}
	counter_charge_force(vm_counter(vc), vc->stop, vc->pages);
	hlist_add_head(&vc->node, &chain->head);
}

/* Where another one stopped at it, the lowest of those takes over from there on. */
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

/* --- users come and go --------------------------------------------------------- */

/**
 * vm_get - one more user of an address space in a container
 * @mm: the address space
 * @bc: the container's beancounter
 * @gfp: how to allocate what it may take
 *
 * Charges what it has if it is new there.
 *
 * Context: any but interrupts.
 * Return: the charge; NULL without memory for it.
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
			/* else as much as the others, one of which may be about to grow */
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
 * vm_put_last - vm_put() of what may be the last user
 * @vc: the charge, of an address space
 *
 * As vm_put().
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

/* Calls a function once for each address space of a container, under the chain's lock. */
static void vm_for_each(struct bc_counter *c,
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

static void vm_update(struct vm_chain *chain, struct mm_struct *mm, void *arg)
{
	/* whoever is about to make it grow holds the lock, and its charge has to stay */
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

/* Lets an address space have @more pages than it has, if there is room for them. */
static bool vm_charge_more(struct vm_charge *vc, unsigned long more)
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

	/* not refused before all that others have given back meanwhile is found */
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
	/* nobody else uses it yet */
	vm_insert(chain, vc, mm, bc);
	vc->pages = pages;
	spin_unlock(&chain->lock);
	return vc;
}

/**
 * vm_adopt - a task that was there before has an address space
 * @task: the task, which may be running
 * @bc: the beancounter of its container
 *
 * Context: that of fork().
 * Return: the charge. Without memory it is that of tasks that have none, until the
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
 * vm_prepare_move - set aside what a move may need
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

/* One more user in another container; takes the spare one, if there is one and it is needed. */
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
 * vm_move - a task's address space goes with it
 * @t: of the task, which may be running
 * @to: the beancounter of its new container
 * @spare: what vm_prepare_move() was given; NULL: it was not called
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
		/* it has got another address space meanwhile */
		vm_put(there);
	}
	vm_put(vc);
	rcu_read_unlock();
}

/* --- growth --------------------------------------------------------------------- */

/*
 * The charge of the current task's address space, with one user more so that it
 * stays; NULL without memory for it, or when we have just been unbound.
 */
static struct vm_charge *vm_get_current(struct bc_task *t)
{
	struct mm_struct *mm = current->mm;
	struct vm_charge *vc, *old, *new;

	while ((vc = READ_ONCE(t->vm))) {
		if (vc->mm == mm) {
			if (atomic_inc_not_zero(&vc->users))
				return vc;
			/* moved away from under us: it is another by now */
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
 * May the current task's address space get so many private pages more? True for
 * one that an exec prepares, or that is somebody else's.
 */
static bool vm_may_expand(struct mm_struct *mm, unsigned long pages)
{
	struct vm_charge *vc;
	struct bc_task *t;
	bool ok = true;

	if (mm != current->mm || (current->flags & PF_KTHREAD))
		return true;
	rcu_read_lock();
	t = container_task_data(current, &bc_subsys);
	if (t && READ_ONCE(t->vm)) {
		vc = vm_get_current(t);
		ok = vc ? vm_charge_more(vc, pages) : !READ_ONCE(t->vm);
		if (vc)
			vm_put(vc);
	}
	rcu_read_unlock();
	return ok;
}

static struct container_hook vm_hooks[1];

/* Runs in place of may_expand_vm(); does not sleep. */
static bool expand(struct mm_struct *mm, unsigned long flags, unsigned long pages)
{
	if (vm_is_private(compat_expand_flags(flags)) && unlikely(!vm_may_expand(mm, pages)))
		return false;
	return container_hook_call(vm_hooks[0].body, (unsigned long)mm, flags, pages) & 1;
}

static void notrace hook_expand(unsigned long ip, unsigned long parent_ip,
				struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	container_hook_redirect(fregs, expand);
}

/* What is lost where they cannot be had. */
#define VM_LIMIT "limit on bc.privvmpages"
#define VM_LIMIT_DATA "limit on bc.privvmpages for mmap() and brk()"
#define VM_LIMIT_STACK "limit on bc.privvmpages for stacks"

static struct container_hook vm_hooks[1] = {
	{
		.name = "may_expand_vm",
		.type = CONTAINER_HOOK_OVERRIDE,
		.handler = hook_expand,
		.optional = VM_LIMIT,
	},
};

/*
 * Some compilers (gcc 10, of Debian's 5.10) split may_expand_vm() and inline its
 * beginning into mmap() and brk(), which then call what is left of it, for data
 * only, without the flags; and all of it into the growth of a stack.
 */
enum { HOOK_EXPAND_DATA, HOOK_EXPAND_STACK, VM_SPLIT_HOOKS };
static struct container_hook vm_split_hooks[VM_SPLIT_HOOKS];

/* Runs in place of the rest of may_expand_vm(); does not sleep. */
static bool expand_data(struct mm_struct *mm, unsigned long pages)
{
	return likely(vm_may_expand(mm, pages)) &&
	       container_hook_call(vm_split_hooks[HOOK_EXPAND_DATA].body, (unsigned long)mm,
				   pages, 0) & 1;
}

static void notrace hook_expand_data(unsigned long ip, unsigned long parent_ip,
				     struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	container_hook_redirect(fregs, expand_data);
}

/* Runs in place of expand_stack(). May sleep. */
static int expand_stack_vma(struct vm_area_struct *vma, unsigned long address)
{
	unsigned long start = address & PAGE_MASK;
	int err = -ENOMEM;

	container_hook_enter(&expand_callers);
	if (start >= vma->vm_start ||
	    likely(vm_may_expand(vma->vm_mm, (vma->vm_start - start) >> PAGE_SHIFT)))
		err = container_hook_call(vm_split_hooks[HOOK_EXPAND_STACK].body,
					  (unsigned long)vma, address, 0);
	container_hook_leave(&expand_callers);
	return err;
}

static void notrace hook_expand_stack(unsigned long ip, unsigned long parent_ip,
				      struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	container_hook_redirect(fregs, expand_stack_vma);
}

static struct container_hook vm_split_hooks[VM_SPLIT_HOOKS] = {
	[HOOK_EXPAND_DATA] = {
		.name = COMPAT_EXPAND_REST,
		.type = CONTAINER_HOOK_OVERRIDE,
		.handler = hook_expand_data,
		.optional = VM_LIMIT_DATA,
	},
	[HOOK_EXPAND_STACK] = {
		.name = "expand_stack",
		.type = CONTAINER_HOOK_OVERRIDE,
		.handler = hook_expand_stack,
		.optional = VM_LIMIT_STACK,
	},
};

static bool vm_split;	/* is it so in this kernel? */

/* --- accounting ------------------------------------------------------------------ */

static void vm_add(struct vm_chain *chain, struct mm_struct *mm, void *figures)
{
	struct vm_figures *f = figures;

	vm_update(chain, mm, NULL);
	f->pages += get_mm_rss(mm);
	f->tables += mm_pgtables_bytes(mm);
}

/**
 * vm_look - what the address spaces of a container have
 * @bc: its beancounter; its privvmpages are brought up to date
 * @f: what else there is
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
 * vm_bind - begin to watch address spaces grow
 *
 * Context: manage lock held; sleeps.
 * Return: 0, or the errno of arming the hooks.
 */
int vm_bind(void)
{
	int err;

	err = container_hooks_arm(vm_hooks, ARRAY_SIZE(vm_hooks));
	if (err || !vm_split)
		return err;
	err = container_hooks_arm(vm_split_hooks, ARRAY_SIZE(vm_split_hooks));
	if (err)
		container_hooks_disarm(vm_hooks, ARRAY_SIZE(vm_hooks));
	return err;
}

/**
 * vm_unbind - watch no more, and take all charges back
 *
 * Context: manage lock held; sleeps. No task's data leads to a charge.
 */
void vm_unbind(void)
{
	struct hlist_node *next;
	struct vm_charge *vc;
	HLIST_HEAD(left);
	int i;

	if (vm_split) {
		container_hooks_disarm(vm_split_hooks, ARRAY_SIZE(vm_split_hooks));
		container_hook_wait_callers(&expand_callers);
	}
	container_hooks_disarm(vm_hooks, ARRAY_SIZE(vm_hooks));
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

int vm_init(void)
{
	/* of the split ones in their order */
	static const struct container_feature features[] = {
		{ .name = VM_LIMIT, .hooks = vm_hooks, .nr_hooks = 1 },
		{ .name = VM_LIMIT_DATA, .hooks = vm_split_hooks, .nr_hooks = 1 },
		{ .name = VM_LIMIT_STACK, .hooks = vm_split_hooks + 1, .nr_hooks = 1 },
	};
	int i, err;

	vm_split = compat_expand_is_split();
	for (i = 0; i < (vm_split ? ARRAY_SIZE(features) : 1); i++) {
		err = container_feature_find(&features[i]);
		if (err && err != -EOPNOTSUPP)
			return err;
	}
	for (i = 0; i < ARRAY_SIZE(vm_table); i++) {
		spin_lock_init(&vm_table[i].lock);
		INIT_HLIST_HEAD(&vm_table[i].head);
	}
	return 0;
}

void vm_exit(void)
{
	container_hooks_forget(vm_split_hooks, ARRAY_SIZE(vm_split_hooks));
	container_hooks_forget(vm_hooks, ARRAY_SIZE(vm_hooks));
}
