// SPDX-License-Identifier: GPL-2.0
/*
 * The hooks on the growth of address spaces, which limit privvmpages. vm.c explains the charges.
 *
 * Only what a task does to its own address space is limited. The task holds mmap_lock, and may be
 * moved meanwhile.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/percpu.h>
#include <linux/sched.h>

#include "compat_bc.h"
#include "container_hook.h"
#include "private.h"
#include "vm.h"

/*
 * The number of tasks in vm_find_room() and expand_stack_vma(), as a sum over all CPUs. Each counts
 * once, or the sum could be 0 while it is in both.
 */
static DEFINE_PER_CPU(long, expand_callers);

/* Does a mapping with these flags count in privvmpages? */
static bool vm_is_private(unsigned long flags)
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
static unsigned long vm_needed(const struct bc_task *t, unsigned long pages)
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
	/* otherwise it is about something else */
	return pages + all == t->map_pages ? pages + all - private : pages;
}

/*
 * May the current task's address space grow by so many private pages? With @last, a refusal is
 * counted and logged.
 */
static bool vm_try_grow(unsigned long pages, bool last)
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
			t->map_pages = t->refused_at = 0;
	}
	rcu_read_unlock();
	return ok;
}

/*
 * The same, after there was no room: looks for pages that other address spaces have freed. The task
 * may be moved meanwhile, and its old container removed, so each attempt begins anew. Sleeps; the
 * caller counts in expand_callers.
 */
static noinline bool vm_find_room(unsigned long pages)
{
	int next = 0;
	bool ok;

	do {
		next = vm_refresh(next);
		ok = vm_try_grow(pages, next == VM_CHAINS);
		cond_resched();
	} while (!ok && next < VM_CHAINS);
	return ok;
}

/* Is the growth of an address space limited? Not if an exec prepares it, nor another task's. */
static bool vm_is_limited(const struct mm_struct *mm)
{
	return mm == current->mm && !(current->flags & PF_KTHREAD);
}

/*
 * May an address space grow by so many private pages? Sleeps only if there is no room at first.
 */
static bool vm_may_expand(struct mm_struct *mm, unsigned long pages)
{
	bool ok;

	if (!vm_is_limited(mm) || likely(vm_try_grow(pages, false)))
		return true;
	container_hook_enter(&expand_callers);
	ok = vm_find_room(pages);
	container_hook_leave(&expand_callers);
	return ok;
}

/*
 * mprotect(2) goes on if a mapping cannot become private, but cannot grow as it is, either: it
 * takes both for RLIMIT_AS, which does not concern it. So after a refusal, the second question is
 * answered with yes, and mprotect(2) fails. It is asked in the same function, at another place,
 * with less than so many bytes in between. Nobody else asks so: see hook_map().
 */
#define ASK_DISTANCE 1024

/* Remembers the place in the kernel whose question was answered with no. */
static void ask_refused(u32 place)
{
	struct bc_task *t;

	rcu_read_lock();
	t = container_task_data(current, &bc_subsys);
	if (t)
		t->refused_at = place;
	rcu_read_unlock();
}

/* Is it mprotect(2) that asks for the second time? */
static bool ask_is_second(u32 place)
{
	struct bc_task *t;
	bool is;

	rcu_read_lock();
	t = container_task_data(current, &bc_subsys);
	is = t && t->refused_at && t->refused_at != place &&
	     place - t->refused_at + ASK_DISTANCE <= 2 * ASK_DISTANCE;
	if (t)
		t->refused_at = 0;
	rcu_read_unlock();
	return is;
}

enum { HOOK_EXPAND, HOOK_MAP, VM_HOOKS };
static struct container_hook vm_hooks[VM_HOOKS];
CONTAINER_KERNEL_FN(bool, call_may_expand, struct mm_struct *mm, unsigned long flags,
		    unsigned long pages);

/* Runs in place of may_expand_vm(). May sleep in vm_find_room(). */
static bool expand(struct mm_struct *mm, unsigned long flags, unsigned long pages)
{
	u32 place = (unsigned long)__builtin_return_address(0);

	if (!vm_is_private(compat_expand_flags(flags))) {
		if (vm_is_limited(mm) && ask_is_second(place))
			return true;
	} else if (unlikely(!vm_may_expand(mm, pages))) {
		ask_refused(place);
		return false;
	}
	return call_may_expand(vm_hooks[HOOK_EXPAND].body, mm, flags, pages);
}

static void notrace hook_expand(unsigned long ip, unsigned long parent_ip,
				struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	container_hook_redirect(fregs, expand);
}

/* At the beginning of mmap_region(): what it maps, before it asks, which may be twice. */
static void notrace hook_map(unsigned long ip, unsigned long parent_ip,
			     struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	struct bc_task *t;

	rcu_read_lock();
	t = container_task_data(current, &bc_subsys);
	if (t) {
		t->map_start = container_hook_arg(fregs, 1);
		t->map_pages = container_hook_arg(fregs, 2) >> PAGE_SHIFT;
		t->refused_at = 0;
	}
	rcu_read_unlock();
}

/* The features that are lost without these hooks. */
#define VM_LIMIT "limit on bc.privvmpages"
#define VM_LIMIT_OVER "limit on bc.privvmpages for mappings over others"
#define VM_LIMIT_DATA "limit on bc.privvmpages for mmap() and brk()"
#define VM_LIMIT_STACK "limit on bc.privvmpages for stacks"

static struct container_hook vm_hooks[VM_HOOKS] = {
	[HOOK_EXPAND] = {
		.name = "may_expand_vm",
		.type = CONTAINER_HOOK_OVERRIDE,
		.handler = hook_expand,
		.optional = VM_LIMIT,
	},
	[HOOK_MAP] = {
		.name = "mmap_region",
		.type = CONTAINER_HOOK_ENTRY,
		.handler = hook_map,
		.optional = VM_LIMIT_OVER,
	},
};

/*
 * Some compilers (gcc 10, as for Debian's 5.10) split may_expand_vm(). Then mmap() and brk() have
 * its beginning inlined, and call the rest only for data and without the flags; the growth of a
 * stack has all of it inlined. So the rest of may_expand_vm() is hooked, and expand_stack().
 */
enum { HOOK_EXPAND_DATA, HOOK_EXPAND_STACK, VM_SPLIT_HOOKS };
static struct container_hook vm_split_hooks[VM_SPLIT_HOOKS];
CONTAINER_KERNEL_FN(bool, call_may_expand_data, struct mm_struct *mm, unsigned long pages);
CONTAINER_KERNEL_FN(int, call_expand_stack, struct vm_area_struct *vma, unsigned long address);

/* Runs in place of the rest of may_expand_vm(). May sleep in vm_find_room(). */
static bool expand_data(struct mm_struct *mm, unsigned long pages)
{
	return likely(vm_may_expand(mm, pages)) &&
	       call_may_expand_data(vm_split_hooks[HOOK_EXPAND_DATA].body, mm, pages);
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
	unsigned long pages = (vma->vm_start - start) >> PAGE_SHIFT;
	int err = -ENOMEM;

	container_hook_enter(&expand_callers);
	if (start >= vma->vm_start || !vm_is_limited(vma->vm_mm) ||
	    likely(vm_try_grow(pages, false)) || vm_find_room(pages))
		err = call_expand_stack(vm_split_hooks[HOOK_EXPAND_STACK].body, vma, address);
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

static bool vm_split;	/* the compiler of this kernel has split may_expand_vm() */

/* --- is the function called? -------------------------------------------------------- */

static struct task_struct *vm_trier;	/* the task that is loading the module */
static bool vm_called;

static void notrace hook_trial(unsigned long ip, unsigned long parent_ip,
			       struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	if (current == vm_trier)
		vm_called = true;
}

static struct container_hook trial_hooks[] = {
	{
		.name = "may_expand_vm",
		.type = CONTAINER_HOOK_ENTRY,
		.handler = hook_trial,
	},
};

/*
 * clang inlines may_expand_vm() into the functions that map memory, and keeps it for mremap(). So
 * on a kernel that clang has built, map a page, and see whether it is called. No lock is held.
 */
static int growth_try(void)
{
	static const struct container_feature trial = {
		.name = VM_LIMIT, .hooks = trial_hooks, .nr_hooks = ARRAY_SIZE(trial_hooks),
	};
	unsigned long address;
	int err;

	if (!IS_ENABLED(CONFIG_CC_IS_CLANG) || !current->mm)
		return 0;
	err = container_feature_find(&trial);
	if (!err)
		err = container_hooks_arm(trial_hooks, ARRAY_SIZE(trial_hooks));
	if (err)
		goto out;
	vm_trier = current;
	address = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, 0);
	vm_trier = NULL;
	if (!IS_ERR_VALUE(address))
		vm_munmap(address, PAGE_SIZE);
	container_hooks_disarm(trial_hooks, ARRAY_SIZE(trial_hooks));
	if (!vm_called && !IS_ERR_VALUE(address)) {
		container_feature_lost(VM_LIMIT_DATA, "this kernel's may_expand_vm is inlined");
		container_feature_lost(VM_LIMIT_STACK, "this kernel's may_expand_vm is inlined");
	}
out:
	container_hooks_forget(trial_hooks, ARRAY_SIZE(trial_hooks));
	/* that it is missing, or in use, is reported when it is needed */
	return err == -ENOMEM ? err : 0;
}

/* --- binding ---------------------------------------------------------------------- */

/**
 * growth_bind - begin to watch address spaces grow
 *
 * Context: in bind(); sleeps.
 * Return: 0, or the errno of arming the hooks.
 */
int growth_bind(void)
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
 * growth_unbind - undo growth_bind()
 *
 * Context: in unbind(); sleeps as long as a task is being asked whether it may grow.
 */
void growth_unbind(void)
{
	if (vm_split)
		container_hooks_disarm(vm_split_hooks, ARRAY_SIZE(vm_split_hooks));
	container_hooks_disarm(vm_hooks, ARRAY_SIZE(vm_hooks));
	container_hook_wait_callers(&expand_callers);
}

/**
 * growth_init - look for the functions to hook
 *
 * A function that this kernel lacks is reported, and is no error.
 *
 * Context: the module is being loaded.
 * Return: 0 or -ENOMEM.
 */
int growth_init(void)
{
	/* in the order of vm_hooks and vm_split_hooks */
	static const struct container_feature features[] = {
		{ .name = VM_LIMIT, .hooks = vm_hooks, .nr_hooks = 1 },
		{ .name = VM_LIMIT_OVER, .hooks = vm_hooks + 1, .nr_hooks = 1 },
		{ .name = VM_LIMIT_DATA, .hooks = vm_split_hooks, .nr_hooks = 1 },
		{ .name = VM_LIMIT_STACK, .hooks = vm_split_hooks + 1, .nr_hooks = 1 },
	};
	int i, err;

	err = growth_try();
	if (err)
		return err;
	vm_split = compat_expand_is_split();
	for (i = 0; i < (vm_split ? ARRAY_SIZE(features) : VM_HOOKS); i++) {
		err = container_feature_find(&features[i]);
		if (err && err != -EOPNOTSUPP)
			return err;
	}
	return 0;
}

/* Called when the module is unloaded, or cannot be loaded. */
void growth_exit(void)
{
	container_hooks_forget(vm_split_hooks, ARRAY_SIZE(vm_split_hooks));
	container_hooks_forget(vm_hooks, ARRAY_SIZE(vm_hooks));
}
