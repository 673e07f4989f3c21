// SPDX-License-Identifier: GPL-2.0
/*
 * Slows a kernel function down, so that races in it can be hit: each of its instructions takes a
 * while for tasks with the name "delaytest".
 *
 * In exchange_tids() a thread that calls execve() takes over the number of its process, which for
 * a moment belongs to neither thread. sched_setaffinity() looks a task up by its number.
 */
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>

static char *function = "exchange_tids";
module_param(function, charp, 0444);
static uint usecs = 300;
module_param(usecs, uint, 0444);

static struct kprobe probes[64];
static int count;

static int delay(struct kprobe *kp, struct pt_regs *regs)
{
	uint left;

	if (strcmp(current->comm, "delaytest"))
		return 0;
	for (left = usecs; left > 1000; left -= 1000)
		udelay(1000);
	udelay(left);
	return 0;
}

static int __init delaytest_init(void)
{
	char name[KSYM_NAME_LEN];
	int offset;

	/* one probe for each offset at which an instruction begins */
	for (offset = 0; count < ARRAY_SIZE(probes); offset++) {
		probes[count] = (struct kprobe) {
			.symbol_name = function,
			.offset = offset,
			.pre_handler = delay,
		};
		if (count) {
			snprintf(name, sizeof(name), "%ps", (char *)probes[0].addr + offset);
			if (strcmp(name, function))
				break;
		}
		if (!register_kprobe(&probes[count]))
			count++;
		else if (!count)
			return -ENOENT;
	}
	pr_info("delaytest: %d instructions of %s\n", count, function);
	return 0;
}

static void __exit delaytest_exit(void)
{
	while (count)
		unregister_kprobe(&probes[--count]);
}

module_init(delaytest_init);
module_exit(delaytest_exit);

MODULE_DESCRIPTION("Test of containers: a slow function");
MODULE_LICENSE("GPL");
