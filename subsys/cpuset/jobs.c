// SPDX-License-Identifier: GPL-2.0
/*
 * Runs jobs, and waits for them: see jobs.h.
 *
 * There is at most one job for each task or address space: however often a setting is changed while
 * a user delays its job, that takes up one thread.
 */
#include <linux/hashtable.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "compat.h"
#include "container_hook.h"
#include "jobs.h"
#include "private.h"

static void *work_add_fn;
CONTAINER_KERNEL_FN(int, call_task_work_add, struct task_struct *task,
		    struct callback_head *work, enum task_work_notify_mode notify);
static struct workqueue_struct *job_workers;

/* Jobs are added under the manage lock, which also guards the other. */
static DEFINE_HASHTABLE(jobs, 9);
static bool unawaited;	/* nobody waits for what is asked now */
DEFINE_SPINLOCK(jobs_lock);

static void job_put(struct job *job)
{
	if (!refcount_dec_and_test(&job->users))
		return;
	kfree(job);
	/* the module may go now, but jobs_exit() waits until the callers have returned */
	module_put(THIS_MODULE);
}

/* Applies all changes so far. Those that come meanwhile are left to another run. */
static void job_run(struct job *job)
{
	unsigned long change;
	bool again;

	spin_lock(&jobs_lock);
	change = job->asked;
	spin_unlock(&jobs_lock);

	job->run(job);

	spin_lock(&jobs_lock);
	again = job->asked != change;
	if (!again)
		hash_del(&job->node);
	spin_unlock(&jobs_lock);
	WRITE_ONCE(job->done, change);
	wake_up_all(&job->wait);
	if (again) {
		queue_delayed_work(job_workers, &job->work, 0);
		return;
	}
	job->end(job);
	job_put(job);
}

static void job_work(struct work_struct *work)
{
	job_run(container_of(to_delayed_work(work), struct job, work));
}

static int job_thread(void *job)
{
	job_run(job);
	return 0;
}

/*
 * Gives a job that has not begun yet a thread of its own. The workqueue has 512 workers, and each
 * may be delayed by somebody. So there may be as many threads as there are such jobs, but nobody
 * waits for somebody else's.
 */
static void job_hurry(struct job *job)
{
	if (cancel_delayed_work(&job->work) &&
	    IS_ERR(kthread_run(job_thread, job, "container_job")))
		queue_delayed_work(job_workers, &job->work, 0);
}

/* How long a task waits for a job to begin, in jiffies. */
#define JOB_PATIENCE (HZ / 50)

static void job_wait(struct callback_head *work)
{
	struct job_wait *wait = container_of(work, struct job_wait, work);
	struct job *job = wait->job;

	/* a fatal signal ends the wait, but not the job: no member stays as it is */
	while (!wait_event_killable_timeout(job->wait, READ_ONCE(job->done) >= wait->change,
					    JOB_PATIENCE))
		job_hurry(job);
	kfree(wait);
	job_put(job);
}

/**
 * job_find - find a job
 * @key: what it is about
 *
 * Context: jobs_lock held.
 * Return: the job, or NULL if there is none.
 */
struct job *job_find(const void *key)
{
	struct job *job;

	lockdep_assert_held(&jobs_lock);
	hash_for_each_possible(jobs, job, node, (unsigned long)key)
		if (job->key == key)
			return job;
	return NULL;
}

/**
 * job_begin - make a new job known
 * @job: the job, all zero; the beginning of an allocation, which is freed by kfree()
 * @key: what it is about; there is no job for it yet
 * @run: see struct job
 * @end: see struct job
 *
 * The caller has to call job_ask() before it unlocks, and then job_go().
 *
 * Context: manage lock and jobs_lock held.
 */
void job_begin(struct job *job, const void *key, void (*run)(struct job *job),
	       void (*end)(struct job *job))
{
	lockdep_assert_held(&jobs_lock);
	INIT_DELAYED_WORK(&job->work, job_work);
	refcount_set(&job->users, 1);
	init_waitqueue_head(&job->wait);
	job->key = key;
	job->run = run;
	job->end = end;
	hash_add(jobs, &job->node, (unsigned long)key);
	/* while a user delays the job, unloading the module fails instead of waiting */
	__module_get(THIS_MODULE);
}

/**
 * job_ask - have a job apply one more change
 * @job: the job
 * @wait: all zero; the caller passes it to job_go()
 *
 * Context: jobs_lock held.
 */
void job_ask(struct job *job, struct job_wait *wait)
{
	lockdep_assert_held(&jobs_lock);
	wait->change = ++job->asked;
	wait->job = job;
	refcount_inc(&job->users);
}

/**
 * jobs_await - shall the current task wait for the jobs that it asks for from now on?
 * @await: false if it does what others are due, and must not depend on their members
 *
 * Context: manage lock held. It has to be true again before that is dropped.
 */
void jobs_await(bool await)
{
	container_assert_managed();
	unawaited = !await;
}

/**
 * job_go - start a job after job_ask(), and wait for it on the way to user space
 * @job: the job if it is new, or NULL
 * @wait: what was passed to job_ask(), in memory from kmalloc(), which the function takes over
 *
 * Threads of the kernel do not wait: they never return to user space.
 *
 * Context: manage lock held; sleeps.
 */
void job_go(struct job *job, struct job_wait *wait)
{
	if (job)
		queue_delayed_work(job_workers, &job->work, 0);
	init_task_work(&wait->work, job_wait);
	if (unawaited || (current->flags & (PF_KTHREAD | PF_IO_WORKER)) ||
	    call_task_work_add(work_add_fn, current, &wait->work, TWA_RESUME)) {
		job_put(wait->job);
		kfree(wait);
	}
}

/**
 * jobs_init - look for what this file needs of the kernel, and make the workqueue
 *
 * Context: the module is being loaded.
 * Return: 0 or an errno.
 */
int jobs_init(void)
{
	static const struct container_symbol symbols[] = {
		{ .name = "task_work_add", .address = &work_add_fn },
	};
	static const struct container_feature feature = {
		.name = "cpuset.jobs",
		.symbols = symbols,
		.nr_symbols = ARRAY_SIZE(symbols),
	};
	int err;

	err = container_feature_find(&feature);
	if (err)
		return err;
	job_workers = alloc_workqueue("container_cpuset", WQ_UNBOUND, WQ_MAX_ACTIVE);
	return job_workers ? 0 : -ENOMEM;
}

/* Undoes jobs_init(); nobody begins a job any more. */
void jobs_exit(void)
{
	destroy_workqueue(job_workers);
	/* the last job_wait(), or call of affinity.c, may not have returned yet */
	compat_synchronize_tasks();
}
