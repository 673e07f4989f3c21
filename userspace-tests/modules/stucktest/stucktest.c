// SPDX-License-Identifier: GPL-2.0
/*
 * Keeps address spaces locked, as a user can who has a filesystem of his own supply a mapped file:
 * those of the processes whose numbers are written to the parameter "pid", until the module is
 * removed.
 */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>

#define MOST 1024

static struct task_struct *holders[MOST];
static int count;
static DECLARE_COMPLETION(locked);

static int hold(void *mm)
{
	mmap_write_lock(mm);
	complete(&locked);
	while (!kthread_should_stop())
		schedule_timeout_idle(HZ);
	mmap_write_unlock(mm);
	mmput(mm);
	return 0;
}

static int set_pid(const char *value, const struct kernel_param *param)
{
	struct task_struct *task, *holder;
	struct mm_struct *mm = NULL;
	struct pid *pid;
	int nr, err;

	err = kstrtoint(value, 10, &nr);
	if (err || !nr)
		return err;
	if (count == MOST)
		return -ENOSPC;
	pid = find_get_pid(nr);
	task = get_pid_task(pid, PIDTYPE_PID);
	put_pid(pid);
	if (task) {
		mm = get_task_mm(task);
		put_task_struct(task);
	}
	if (!mm)
		return -ESRCH;
	holder = kthread_run(hold, mm, "stucktest");
	if (IS_ERR(holder)) {
		mmput(mm);
		return PTR_ERR(holder);
	}
	holders[count++] = holder;
	wait_for_completion(&locked);
	return 0;
}

static const struct kernel_param_ops pid_ops = {
	.set = set_pid,
};
module_param_cb(pid, &pid_ops, NULL, 0200);

static int __init stucktest_init(void)
{
	return 0;
}

static void __exit stucktest_exit(void)
{
	while (count)
		kthread_stop(holders[--count]);
}

module_init(stucktest_init);
module_exit(stucktest_exit);

MODULE_DESCRIPTION("Test of containers: address spaces that stay locked");
MODULE_LICENSE("GPL");
