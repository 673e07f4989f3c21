/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What address spaces look like to may_expand_vm(), and how that differs between
 * kernels.
 */
#ifndef _COMPAT_BC_H
#define _COMPAT_BC_H

#include <linux/mm.h>
#include <linux/version.h>

/**
 * compat_expand_flags - the flags of the mapping that is to grow
 * @arg: second argument of may_expand_vm()
 */
static inline unsigned long compat_expand_flags(unsigned long arg)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 2, 0)
	return arg;
#else
	return vma_flags_to_legacy(*(const vma_flags_t *)arg);
#endif
}

/* Stacks that user space cannot write, where there are any. */
#ifdef VM_SHADOW_STACK
#define COMPAT_VM_SHADOW_STACK VM_SHADOW_STACK
#else
#define COMPAT_VM_SHADOW_STACK 0
#endif

#endif /* _COMPAT_BC_H */
