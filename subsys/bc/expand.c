// SPDX-License-Identifier: GPL-2.0
/*
 * The hooks on the functions through which address spaces grow, which limit privvmpages. growth.c
 * decides.
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
 * The number of tasks that look for room, or are in expand_down(), as a sum over all CPUs. Each
 * counts once, or the sum could be 0 while it is in both.
 */
static DEFINE_PER_CPU(long, expand_callers);

/* May an address space grow by so many private pages? Sleeps only if there is no room at first. */
static bool may_grow(struct mm_struct *mm, unsigned long pages)
{
	bool ok;

	if (likely(growth_try(mm, pages, false)))
		return true;
	container_hook_enter(&expand_callers);
	ok = growth_find_room(mm, pages);
	container_hook_leave(&expand_callers);
	return ok;
}

/* Where mprotect(2) asks: mprotect_fixup(). Not known: length 0. */
static void *mprotect_fn, *symbol_size_fn;
static unsigned long mprotect_size;
CONTAINER_KERNEL_FN(int, call_symbol_size, unsigned long address, unsigned long *size,
		    unsigned long *offset);

/* Is it mprotect(2) that a place in the kernel belongs to? */
static bool is_mprotect(unsigned long place)
{
	return place - (unsigned long)mprotect_fn < mprotect_size;
}

enum { HOOK_EXPAND, HOOK_MAP, VM_HOOKS };
static struct container_hook vm_hooks[VM_HOOKS];
CONTAINER_KERNEL_FN(bool, call_may_expand, struct mm_struct *mm, unsigned long flags,
		    unsigned long pages);

/*
 * Runs in place of may_expand_vm(). May sleep in growth_find_room().
 *
 * mprotect(2) asks twice before it fails: whether the mapping may be private, and then whether it
 * may grow as it is. Without room under RLIMIT_AS both are answered with no, and it goes on, since
 * that does not concern it. So if the first answer was ours, the second one is yes.
 */
static bool expand(struct mm_struct *mm, unsigned long flags, unsigned long pages)
{
	bool protects = is_mprotect((unsigned long)__builtin_return_address(0));

	if (!vm_is_private(compat_expand_flags(flags))) {
		if (unlikely(protects) && growth_refused(false))
			return true;
	} else if (unlikely(!may_grow(mm, pages))) {
		if (protects)
			growth_refused(true);
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
	growth_mapping(container_hook_arg(fregs, 1), container_hook_arg(fregs, 2));
}

/* The features that are lost without these hooks. */
#define VM_LIMIT "limit on bc.privvmpages"
#define VM_LIMIT_OVER "limit on bc.privvmpages for mappings over others"
#define VM_LIMIT_PROTECT "limit on bc.privvmpages for mprotect() at RLIMIT_AS"
#define VM_LIMIT_GROWSDOWN "limit on bc.privvmpages for mmap(MAP_GROWSDOWN)"
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
 * stack has all of it inlined. So the rest of may_expand_vm() is hooked, and expand_downwards().
 * But mmap(2) of a stack asks nobody there.
 */
enum { HOOK_EXPAND_DATA, HOOK_EXPAND_STACK, VM_SPLIT_HOOKS };
static struct container_hook vm_split_hooks[VM_SPLIT_HOOKS];
CONTAINER_KERNEL_FN(bool, call_may_expand_data, struct mm_struct *mm, unsigned long pages);
CONTAINER_KERNEL_FN(int, call_expand_down, struct vm_area_struct *vma, unsigned long address);

/* Runs in place of the rest of may_expand_vm(). May sleep in growth_find_room(). */
static bool expand_data(struct mm_struct *mm, unsigned long pages)
{
	return likely(may_grow(mm, pages)) &&
	       call_may_expand_data(vm_split_hooks[HOOK_EXPAND_DATA].body, mm, pages);
}

static void notrace hook_expand_data(unsigned long ip, unsigned long parent_ip,
				     struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	container_hook_redirect(fregs, expand_data);
}

/* Runs in place of expand_downwards(). May sleep. */
static int expand_down(struct vm_area_struct *vma, unsigned long address)
{
	unsigned long start = address & PAGE_MASK;
	unsigned long pages = (vma->vm_start - start) >> PAGE_SHIFT;
	int err = -ENOMEM;

	container_hook_enter(&expand_callers);
	if (start >= vma->vm_start || likely(growth_try(vma->vm_mm, pages, false)) ||
	    growth_find_room(vma->vm_mm, pages))
		err = call_expand_down(vm_split_hooks[HOOK_EXPAND_STACK].body, vma, address);
	container_hook_leave(&expand_callers);
	return err;
}

static void notrace hook_expand_down(unsigned long ip, unsigned long parent_ip,
				     struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	container_hook_redirect(fregs, expand_down);
}

static struct container_hook vm_split_hooks[VM_SPLIT_HOOKS] = {
	[HOOK_EXPAND_DATA] = {
		.name = COMPAT_EXPAND_REST,
		.type = CONTAINER_HOOK_OVERRIDE,
		.handler = hook_expand_data,
		.optional = VM_LIMIT_DATA,
	},
	[HOOK_EXPAND_STACK] = {
		.name = "expand_downwards",
		.type = CONTAINER_HOOK_OVERRIDE,
		.handler = hook_expand_down,
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
static int expand_trial(void)
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
 * expand_bind - begin to watch address spaces grow
 *
 * Context: in bind(); sleeps.
 * Return: 0, or the errno of arming the hooks.
 */
int expand_bind(void)
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
 * expand_unbind - undo expand_bind()
 *
 * Context: in unbind(); sleeps as long as a task is being asked whether it may grow.
 */
void expand_unbind(void)
{
	if (vm_split)
		container_hooks_disarm(vm_split_hooks, ARRAY_SIZE(vm_split_hooks));
	container_hooks_disarm(vm_hooks, ARRAY_SIZE(vm_hooks));
	container_hook_wait_callers(&expand_callers);
}

/**
 * expand_init - look for the functions to hook
 *
 * A function that this kernel lacks is reported, and is no error.
 *
 * Context: the module is being loaded.
 * Return: 0 or -ENOMEM.
 */
int expand_init(void)
{
	/* in the order of vm_hooks and vm_split_hooks */
	static const struct container_feature features[] = {
		{ .name = VM_LIMIT, .hooks = vm_hooks, .nr_hooks = 1 },
		{ .name = VM_LIMIT_OVER, .hooks = vm_hooks + 1, .nr_hooks = 1 },
		{ .name = VM_LIMIT_DATA, .hooks = vm_split_hooks, .nr_hooks = 1 },
		{ .name = VM_LIMIT_STACK, .hooks = vm_split_hooks + 1, .nr_hooks = 1 },
	};
	/* where mprotect(2) asks */
	static const struct container_symbol symbols[] = {
		{ .name = "mprotect_fixup", .address = &mprotect_fn },
		{ .name = "kallsyms_lookup_size_offset", .address = &symbol_size_fn },
	};
	static const struct container_feature protect = {
		.name = VM_LIMIT_PROTECT,
		.symbols = symbols,
		.nr_symbols = ARRAY_SIZE(symbols),
	};
	unsigned long offset;
	int i, err;

	err = expand_trial();
	if (err)
		return err;
	err = container_feature_find(&protect);
	if (err && err != -EOPNOTSUPP)
		return err;
	if (!err)
		call_symbol_size(symbol_size_fn, (unsigned long)mprotect_fn, &mprotect_size,
				 &offset);
	vm_split = compat_expand_is_split();
	if (vm_split)
		container_feature_lost(VM_LIMIT_GROWSDOWN, "this kernel's may_expand_vm is split");
	for (i = 0; i < (vm_split ? ARRAY_SIZE(features) : VM_HOOKS); i++) {
		err = container_feature_find(&features[i]);
		if (err && err != -EOPNOTSUPP)
			return err;
	}
	return 0;
}

/* Called when the module is unloaded, or cannot be loaded. */
void expand_exit(void)
{
	container_hooks_forget(vm_split_hooks, ARRAY_SIZE(vm_split_hooks));
	container_hooks_forget(vm_hooks, ARRAY_SIZE(vm_hooks));
}
