/* SPDX-License-Identifier: GPL-2.0 */
/*
 * container_hook_call(fn, a, b, c): a tail call of fn(a, b, c) by way of a
 * return; container_hook_call4() with one more. container_hook.h says why.
 *
 * The return is the kernel's own, which may be a jump to a return thunk. An unwinder of
 * the stack, objtool included, sees it as that of a function that fn called.
 */
#include <linux/linkage.h>
#include <asm/unwind_hints.h>

/* Kernels that know no mitigation for it have no name for it either. */
#ifndef RET
#define RET	ret; int3
#endif

/* Their addresses are taken; not every kernel's SYM_FUNC_START marks that. */
.macro LANDING
#ifdef CONFIG_X86_KERNEL_IBT
	endbr64
#endif
.endm

.macro RETURN_INTO_RAX
	push	%rax
	UNWIND_HINT_FUNC
	RET
.endm

	.text
SYM_FUNC_START(container_hook_call4)
	LANDING
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	mov	%r8, %rcx
	RETURN_INTO_RAX
SYM_FUNC_END(container_hook_call4)

SYM_FUNC_START(container_hook_call)
	LANDING
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	RETURN_INTO_RAX
SYM_FUNC_END(container_hook_call)

/*
 * Runs in place of proc_pident_readdir() when it is to go on as if it had not been hooked.
 * There is no frame of ours behind it, so nobody has to wait until it returns.
 */
SYM_FUNC_START(listing_pass)
	LANDING
	push	listing_body(%rip)
	UNWIND_HINT_FUNC
	RET
SYM_FUNC_END(listing_pass)
	.section .note.GNU-stack, "", @progbits
