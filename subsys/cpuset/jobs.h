/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Jobs: what a change of a setting, or a move, still has to do where a user can delay it. A job
 * runs without a lock, and who has made the change waits for it on his way to user space.
 */
#ifndef _JOBS_H
#define _JOBS_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/task_work.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

/**
 * struct job - a job
 * @work: does the job. A delayed one, though without delay: only these can be cancelled without a
 *	wait on all kernels
 * @node: link in a hash table, until all changes are applied
 * @users: references: of the hash table, and of the waiting tasks
 * @key: what the job is about
 * @run: applies the changes so far; called without a lock, for one job never twice at a time
 * @end: drops what @run has needed
 * @asked: the number of the latest change
 * @done: the number of the latest change that was applied
 * @wait: tasks that wait for @done
 *
 * jobs_lock guards @node and @asked, and what @run reads. Only who runs the job writes @done. The
 * job is queued, or runs, as long as it can be found; never both.
 */
struct job {
	struct delayed_work work;
	struct hlist_node node;
	refcount_t users;
	const void *key;
	void (*run)(struct job *job);
	void (*end)(struct job *job);
	unsigned long asked;
	unsigned long done;
	wait_queue_head_t wait;
};

/**
 * struct job_wait - a task that has made a change and waits for the job
 * @work: runs in the task, on its way to user space
 * @job: the job, with a reference
 * @change: the number of the change
 */
struct job_wait {
	struct callback_head work;
	struct job *job;
	unsigned long change;
};

extern spinlock_t jobs_lock;

struct job *job_find(const void *key);
void job_begin(struct job *job, const void *key, void (*run)(struct job *job),
	       void (*end)(struct job *job));
void job_ask(struct job *job, struct job_wait *wait);
void jobs_await(bool await);
void job_go(struct job *job, struct job_wait *wait);
int jobs_init(void);
void jobs_exit(void);

#endif /* _JOBS_H */
