/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What address spaces look like to may_expand_vm(), and how that differs between
 * kernels.
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
	 * A pointer to them from 7.2 on, which no header for modules says; flags do not
	 * look like a kernel address, whose upper 8 bits are all set, with page tables of
	 * five levels, too.
	 */
	if ((long)arg >> 56 == -1)
		return vma_flags_to_legacy(*(const vma_flags_t *)arg);
#endif
	return arg;
}

/* What is left of may_expand_vm() where the compiler has split it. */
#define COMPAT_EXPAND_REST "may_expand_vm.part.0"

/**
 * compat_expand_is_split - has the compiler split may_expand_vm(), so that it takes hooks
 *	elsewhere?
 *
 * Seen with gcc 10 alone. What is done about it needs expand_stack() as it was
 * before 6.5.
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

/* Stacks that user space cannot write, where there are any. */
#ifdef VM_SHADOW_STACK
#define COMPAT_VM_SHADOW_STACK VM_SHADOW_STACK
#else
#define COMPAT_VM_SHADOW_STACK 0
#endif

#endif /* _COMPAT_BC_H */
