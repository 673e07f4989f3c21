/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The differences between kernels in the arguments of may_expand_vm(), and in how it is compiled.
 */
#ifndef _COMPAT_BC_H
#define _COMPAT_BC_H

#include <linux/mm.h>

#include "compat.h"
#include "container_hook.h"

/**
 * compat_expand_flags - the flags of the mapping that is to grow
 * @arg: second argument of may_expand_vm()
 */
static inline unsigned long compat_expand_flags(unsigned long arg)
{
#ifdef COMPAT_HAS_VMA_FLAGS
	/*
	 * From 7.2 on @arg points to the flags. No header for modules shows which it is, but flags
	 * never look like a pointer to the kernel: its upper 8 bits are all set, even with page
	 * tables of five levels.
	 */
	if ((long)arg >> 56 == -1)
		return vma_flags_to_legacy(*(const vma_flags_t *)arg);
#endif
	return arg;
}

/* The name of the rest of may_expand_vm(), if the compiler has split it. */
#define COMPAT_EXPAND_REST "may_expand_vm.part.0"

/**
 * compat_expand_is_split - has the compiler split may_expand_vm(), so that other hooks are
 *	needed?
 *
 * Seen only with gcc 10. The other hooks need the expand_downwards() of kernels before 6.5.
 */
static inline bool compat_expand_is_split(void)
{
	if (!container_hook_symbol(COMPAT_EXPAND_REST))
		return false;
#ifdef COMPAT_HAS_EXPAND_STACK_VMA
	return true;
#else
	container_feature_lost("limit on bc.privvmpages everywhere",
			       "this kernel's may_expand_vm is split");
	return false;
#endif
}

/* The flag of shadow stacks, which user space cannot write; 0 if the kernel has none. */
#ifdef VM_SHADOW_STACK
#define COMPAT_VM_SHADOW_STACK VM_SHADOW_STACK
#else
#define COMPAT_VM_SHADOW_STACK 0
#endif

#endif /* _COMPAT_BC_H */
