// SPDX-License-Identifier: GPL-2.0
/*
 * Makes tasks hold up others, until the module is removed.
 *
 * The processes whose numbers are written to the parameter "pid" have their address spaces locked,
 * as a user can who has a filesystem of his own supply a mapped file.
 *
 * Who writes to /proc/stucktest stays in that call, with migration disabled, until it is killed: as
 * a sleepable BPF program does that reads memory which is not there, or one that gets no CPU.
 */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/proc_fs.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/version.h>
#include <linux/wait.h>

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

static DECLARE_WAIT_QUEUE_HEAD(pinned);
static bool over;
/* before 5.11 migrate_disable() is preempt_disable(), under the same declaration */
static const bool can_pin = LINUX_VERSION_CODE >= KERNEL_VERSION(5, 11, 0);

static ssize_t pin(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	int err;

	migrate_disable();
	err = wait_event_killable(pinned, READ_ONCE(over));
	migrate_enable();
	return err ?: count;
}

static const struct proc_ops pin_ops = {
	.proc_write = pin,
};

static int __init stucktest_init(void)
{
	return !can_pin || proc_create("stucktest", 0222, NULL, &pin_ops) ? 0 : -ENOMEM;
}

static void __exit stucktest_exit(void)
{
	WRITE_ONCE(over, true);
	wake_up_all(&pinned);
	if (can_pin)
		remove_proc_entry("stucktest", NULL);
	while (count)
		kthread_stop(holders[--count]);
}

module_init(stucktest_init);
module_exit(stucktest_exit);

MODULE_DESCRIPTION("Test of containers: tasks that hold up others");
MODULE_LICENSE("GPL");
