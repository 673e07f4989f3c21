/* SPDX-License-Identifier: GPL-2.0 */
/*
 * container_hook_call(fn, a, b, c, d): a tail call of fn(a, b, c, d) that is made by a return. See
 * CONTAINER_KERNEL_FN() in container_hook.h.
 *
 * The return is the kernel's RET, which may be a jump to a return thunk. To unwinders and to
 * objtool it looks like the return of a function that fn has called.
 */
#include <linux/linkage.h>
#include <asm/unwind_hints.h>

/* Kernels without a mitigation for returns do not define RET. */
#ifndef RET
#define RET	ret
#endif

/* For functions whose address is taken. Not every kernel's SYM_FUNC_START has the ENDBR. */
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
SYM_FUNC_START(container_hook_call)
	LANDING
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	mov	%r8, %rcx
	RETURN_INTO_RAX
SYM_FUNC_END(container_hook_call)

/*
 * Runs in place of proc_pident_readdir() and continues that as if it were not hooked. It has no
 * stack frame, so unloading need not wait until it returns.
 */
SYM_FUNC_START(listing_pass)
	LANDING
	push	listing_body(%rip)
	UNWIND_HINT_FUNC
	RET
SYM_FUNC_END(listing_pass)
	.section .note.GNU-stack, "", @progbits
