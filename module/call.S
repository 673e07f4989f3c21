/* SPDX-License-Identifier: GPL-2.0 */
/*
 * container_hook_call(fn, a, b, c): a tail call of fn(a, b, c) by way of a
 * return; container_hook_call4() with one more. See hook.h for why.
 */
#include <linux/linkage.h>

	.text
SYM_FUNC_START(container_hook_call4)
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	mov	%r8, %rcx
	push	%rax
	ret
	int3
SYM_FUNC_END(container_hook_call4)

SYM_FUNC_START(container_hook_call)
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	push	%rax
	ret
	int3
SYM_FUNC_END(container_hook_call)
	.section .note.GNU-stack, "", @progbits
