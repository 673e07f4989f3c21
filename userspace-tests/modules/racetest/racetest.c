// SPDX-License-Identifier: GPL-2.0
/*
 * A data race: two threads count in the same variable for half a second, without a lock. A kernel
 * with KCSAN has to report it.
 */
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>

static unsigned long races;

static int race(void *arg)
{
	unsigned long end = jiffies + HZ / 2;

	while (time_before(jiffies, end)) {
		races++;
		/* or the compiler counts in a register */
		barrier();
		cond_resched();
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static int __init racetest_init(void)
{
	struct task_struct *a, *b;

	a = kthread_run(race, NULL, "racetest_a");
	if (IS_ERR(a))
		return PTR_ERR(a);
	b = kthread_run(race, NULL, "racetest_b");
	if (!IS_ERR(b)) {
		schedule_timeout_uninterruptible(HZ);
		kthread_stop(b);
	}
	kthread_stop(a);
	return PTR_ERR_OR_ZERO(b);
}

static void __exit racetest_exit(void)
{
}

module_init(racetest_init);
module_exit(racetest_exit);

MODULE_DESCRIPTION("Test of the tests: a data race");
MODULE_LICENSE("GPL");
