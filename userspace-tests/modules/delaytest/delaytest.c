// SPDX-License-Identifier: GPL-2.0
/*
 * Stretches exchange_tids(): each of its instructions takes a while for tasks that are
 * called "delaytest". In it a thread that calls execve() takes the number of its
 * process, which is neither the one's nor the other's for a moment.
 */
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>

#define FUNCTION "exchange_tids"

static struct kprobe probes[64];
static int count;

static int delay(struct kprobe *kp, struct pt_regs *regs)
{
	if (!strcmp(current->comm, "delaytest"))
		udelay(300);
	return 0;
}

static int __init delaytest_init(void)
{
	char name[KSYM_NAME_LEN];
	int offset;

	/* one for each offset that an instruction begins at */
	for (offset = 0; count < ARRAY_SIZE(probes); offset++) {
		probes[count] = (struct kprobe) {
			.symbol_name = FUNCTION,
			.offset = offset,
			.pre_handler = delay,
		};
		if (count) {
			snprintf(name, sizeof(name), "%ps", (char *)probes[0].addr + offset);
			if (strcmp(name, FUNCTION))
				break;
		}
		if (!register_kprobe(&probes[count]))
			count++;
		else if (!count)
			return -ENOENT;
	}
	pr_info("delaytest: %d instructions of " FUNCTION "\n", count);
	return 0;
}

static void __exit delaytest_exit(void)
{
	while (count)
		unregister_kprobe(&probes[--count]);
}

module_init(delaytest_init);
module_exit(delaytest_exit);

MODULE_DESCRIPTION("Test of containers: a slow " FUNCTION "()");
MODULE_LICENSE("GPL");
