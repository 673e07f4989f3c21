// SPDX-License-Identifier: GPL-2.0
/*
 * A live patch of any kernel function that changes nothing: the call continues in the patched
 * function, after the tracer's instruction.
 *
 * func=NAME names the function. Loading fails with EBUSY if the function is taken. To unload,
 * write 0 to /sys/kernel/livepatch/patchtest/enabled and wait until that file is gone.
 */
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <asm/nospec-branch.h>

static char *func = "";
module_param(func, charp, 0444);
MODULE_PARM_DESC(func, "the kernel function to patch");

void *patchtest_body __used;
void patchtest_pass(void);

/* Jumps to patchtest_body and keeps every register. */
asm(".text\n"
    ".globl patchtest_pass\n"
    ".type patchtest_pass, @function\n"
    "patchtest_pass:\n"
    "	.byte 0xf3, 0x0f, 0x1e, 0xfa\n"	/* endbr64 */
    ANNOTATE_RETPOLINE_SAFE "\n"
    "	jmp	*patchtest_body(%rip)\n"
    "	int3\n"
    ".size patchtest_pass, . - patchtest_pass\n");

static struct klp_func funcs[] = {
	{ .new_func = patchtest_pass },
	{ }
};

static struct klp_object objs[] = {
	{ .funcs = funcs },
	{ }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

static int __init patchtest_init(void)
{
	struct kprobe kp = { .symbol_name = func, .flags = KPROBE_FLAG_DISABLED };
	int err = register_kprobe(&kp);

	if (err)
		return err;
	/* the probe's address is where the function calls the tracer */
	patchtest_body = (void *)kp.addr + MCOUNT_INSN_SIZE;
	unregister_kprobe(&kp);
	funcs[0].old_name = func;
	return klp_enable_patch(&patch);
}

static void __exit patchtest_exit(void)
{
}

module_init(patchtest_init);
module_exit(patchtest_exit);

MODULE_DESCRIPTION("Containers: a live patch for the tests");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
