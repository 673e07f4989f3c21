// SPDX-License-Identifier: GPL-2.0
/*
 * Slows kernel functions down, so that races in them can be hit: each of their instructions takes
 * a while for tasks with the name "delaytest".
 *
 * In exchange_tids() a thread that calls execve() takes over the number of its process, which for
 * a moment belongs to neither thread. sched_setaffinity() looks a task up by its number.
 */
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>

static char *function[4] = { "exchange_tids" };
module_param_array(function, charp, NULL, 0444);
static uint usecs = 300;
module_param(usecs, uint, 0644);

#define MOST 128	/* instructions of a function */
static struct kprobe probes[ARRAY_SIZE(function) * MOST];
static int count;

static int delay(struct kprobe *kp, struct pt_regs *regs)
{
	uint all = READ_ONCE(usecs), left;

	if (strcmp(current->comm, "delaytest"))
		return 0;
	/* until somebody sets another time */
	for (left = all; left > 1000 && READ_ONCE(usecs) == all; left -= 1000)
		udelay(1000);
	udelay(min(left, 1000U));
	return 0;
}

/* One probe for each offset at which an instruction begins. */
static int slow_down(const char *symbol)
{
	char name[KSYM_NAME_LEN];
	int offset, first = count;

	for (offset = 0; count < first + MOST; offset++) {
		probes[count] = (struct kprobe) {
			.symbol_name = symbol,
			.offset = offset,
			.pre_handler = delay,
		};
		if (count > first) {
			snprintf(name, sizeof(name), "%ps", (char *)probes[first].addr + offset);
			/* followed by the name of its module, if it is in one */
			name[strcspn(name, " ")] = '\0';
			if (strcmp(name, symbol))
				break;
		}
		if (!register_kprobe(&probes[count]))
			count++;
		else if (count == first)
			return -ENOENT;
	}
	pr_info("delaytest: %d instructions of %s\n", count - first, symbol);
	return 0;
}

static int __init delaytest_init(void)
{
	int i, err = 0;

	for (i = 0; i < ARRAY_SIZE(function) && function[i] && !err; i++)
		err = slow_down(function[i]);
	if (err)
		while (count)
			unregister_kprobe(&probes[--count]);
	return err;
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
