/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The declarations that the files of container_core.ko share.
 */
#ifndef _CORE_H
#define _CORE_H

#include <linux/bitmap.h>
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/printk.h>
#include <linux/sched.h>

#include "container.h"

struct member;
struct mount_options;
struct moves;

/**
 * struct hierarchy - a tree of containers
 * @top: its root container; @top.hierarchy is its number
 * @subsys: the subsystems bound to it
 * @name: from the mount option name=, or empty
 * @noprefix: mounted with noprefix
 * @release_agent: the program, may be empty; written under the callback lock and @agent_lock, read
 *	under either one
 * @agent_lock: guards @release_agent for readers of /proc/mounts: whom these keep waiting waits
 *	with all who mount, so they take no lock that is held for long
 * @nr_containers: number of its containers, the root included; changed under the manage lock
 * @sb: the superblock; NULL for the dummy hierarchy, while it is being mounted for the first time,
 *	and once it is being dissolved. Written under the manage and the callback lock, read under
 *	either one
 * @mounted: it has had a superblock; under the callback lock
 * @gone: it is dissolved
 * @end: the work of dissolving it
 * @ref: references: one while it is active, one for each container below the root, one while
 *	events.c looks for changes at the root, and one of each task that waits for its end
 */
struct hierarchy {
	struct container top;
	DECLARE_BITMAP(subsys, MAX_CONTAINER_SUBSYS);
	char name[64];
	bool noprefix;
	char *release_agent;
	spinlock_t agent_lock;
	int nr_containers;
	struct super_block *sb;
	bool mounted;
	bool gone;
	struct work_struct end;
	refcount_t ref;
};

static inline struct hierarchy *container_hierarchy(const struct container *cont)
{
	return container_of(cont->top_container, struct hierarchy, top);
}

/*
 * Checks the return value of a subsystem's callback. Callers further up would take anything but
 * 0 and an errno for success, or for a pointer.
 */
static inline int callback_errno(int ret, const char *name)
{
	if (likely(ret <= 0 && ret >= -MAX_ERRNO))
		return ret;
	pr_err_ratelimited("%s: a callback returned %d, which is no errno\n", name, ret);
	return -EINVAL;
}

/*
 * The unique number of a container: the number of its directory's inode; 0 while it has no
 * directory. The caller is under RCU or keeps the container otherwise.
 */
static inline u64 container_id(const struct container *cont)
{
	const struct dentry *dentry = READ_ONCE(cont->dentry);
	const struct inode *inode = dentry ? d_inode_rcu(dentry) : NULL;

	return inode ? inode->i_ino : 0;
}

static inline bool container_is_top(const struct container *cont)
{
	return !cont->parent;
}

static inline bool container_has_members(const struct container *cont)
{
	return READ_ONCE(cont->nr_members);
}

#define for_each_descendant(pos, top)					\
	for ((pos) = container_next_descendant(top, top); (pos);		\
	     (pos) = container_next_descendant(pos, top))

/* registry.c */
extern struct mutex bind_mutex, manage_mutex;
extern struct hierarchy *hierarchies[MAX_CONTAINER_HIERARCHIES];
extern struct hierarchy dummy_hierarchy;
void hierarchy_init(void);
void bind_lock(void);
int bind_lock_killable(void);
void bind_unlock(void);
bool bind_lock_is_mine(void);
bool would_hang(const char *call);
bool manage_lock_is_mine(void);
void containers_show_hierarchies(struct seq_file *m, int nr_tasks);

/* hierarchy.c */
struct hierarchy *hierarchy_find(struct mount_options *opts);
struct hierarchy *hierarchy_create(struct mount_options *opts);
void hierarchy_dissolve(struct hierarchy *h);
int hierarchy_set_release_agent(struct hierarchy *h, const char *path);
void hierarchy_put(struct hierarchy *h);

/* ending.c */
struct super_block *hierarchy_super(struct hierarchy *h);
void hierarchy_unmounted(struct hierarchy *h);
void hierarchy_end(struct hierarchy *h);
int hierarchy_wait_ends(void);
int ending_init(void);
void ending_exit(void);

/* container.c */
void container_get(struct container *cont);
void container_put(struct container *cont);
void container_setup(struct container *cont, struct hierarchy *h, struct container *parent);
int container_make_state(struct container_subsys *ss, struct container *cont);
struct container *container_create(struct container *parent, unsigned long flags);
void container_discard(struct container *cont);
int container_inherit(struct container *cont);
void container_link(struct container *cont);

/* Who removes a container. */
enum removal {
	REMOVE_ONE,	/* rmdir(2): neither members nor children */
	REMOVE_TREE,	/* rmdir(2) with kill_on_rmdir: all descendants, too */
	REMOVE_AUTO,	/* auto_delete: as REMOVE_ONE, unless it has been switched off */
};

int container_remove(struct container *cont, enum removal how);
void container_dir_gone(struct container *parent);

/* kill.c */
struct container *populated_in(struct container *top);
int container_kill_members(struct container *cont);
void container_kill_end(struct container *cont);
void container_emptied(void);

/* membership.c */
int membership_init(void);
void membership_exit(void);
void membership_walk(struct container *cont, void (*fn)(struct member *m, void *arg), void *arg);
bool task_is_in(struct task_struct *task, struct container *cont);
bool task_is_born(struct task_struct *task);
struct container *membership_of(struct task_struct *task, int hierarchy);

/* callbacks.c */
int membership_adopt(struct container_subsys *ss);
void membership_forget(struct container_subsys *ss);

/* fork.c */
int membership_track(void);
void membership_untrack(void);

/* list.c */
int tasks_count(void);
int membership_list(struct container *cont, bool processes, pid_t **list);

/* move.c */
int container_attach_process(struct container *to, struct task_struct *task,
			     const struct cred *cred);
struct moves *container_enter_prepare(struct container *to);
void container_enter(struct moves *mv);

/* subsys.c */
extern struct container_subsys *subsystems[MAX_CONTAINER_SUBSYS];
struct container_subsys *subsys_find(const char *name);
void subsys_show(struct seq_file *m);

/* Is the subsystem called for forks and exits only while it is bound? */
static inline bool subsys_called_when_bound(const struct container_subsys *ss)
{
	return ss->scope != CONTAINER_ALL_TASKS;
}

#define for_each_subsys(id, ss)						\
	for ((id) = 0; (id) < MAX_CONTAINER_SUBSYS; (id)++)		\
		if (((ss) = subsystems[id]))

#define for_each_bound_subsys(h, id, ss)				\
	for_each_set_bit(id, (h)->subsys, MAX_CONTAINER_SUBSYS)		\
		if (((ss) = subsystems[id]))

/*
 * What a system call returns whose wait a signal has ended: it begins again unless a handler has
 * run, as after SIGSTOP, a debugger or a suspend. Only io_uring would hand such an errno on.
 */
static inline int call_interrupted(void)
{
	return current->flags & PF_IO_WORKER ? -EINTR : -ERESTARTNOHAND;
}

/* mount.c */
int fs_init(void);
void fs_exit(void);

/* inode.c */
struct container *fs_container(const struct inode *inode);
const struct container_cftype *fs_cftype(const struct inode *inode);
struct dentry *fs_find_file(struct dentry *dir, const char *name);

/* dir.c */
int fs_remove_container(struct container *cont);

/* filelist.c */
void filelist_put(const struct container *cont);

/* files.c */
struct container *file_container(const struct file *file);
const struct container_cftype *file_cftype(const struct file *file);
void control_allow_pwrite(struct file *file);
loff_t control_llseek(struct file *file, loff_t offset, int whence);
ssize_t control_read(struct kiocb *iocb, struct iov_iter *to);
__poll_t control_poll(struct file *file, poll_table *wait);
char *control_value(const struct container_cftype *cft, struct iov_iter *from);
ssize_t control_no_write(struct kiocb *iocb, struct iov_iter *from);
const struct file_operations *file_operations_of(const struct container_cftype *cft);
int files_populate(struct container *cont);

/* tasks.c */
enum { FILE_TASKS, FILE_PROCS, TASKS_FILES };
extern const struct container_cftype tasks_files[TASKS_FILES];
extern const struct file_operations tasks_file_ops;

/* events.c */
extern const struct container_cftype events_file;
extern const struct file_operations events_file_ops;
int events_init(void);
void events_exit(void);
void events_setup(struct container *cont);
void events_changed(struct container *cont, bool joined);
bool events_removed(struct container *cont);

/* release.c */
int release_init(void);
void release_exit(void);
void container_released(struct container *cont);
void container_delete_again(struct container *cont);
void container_release_work(struct work_struct *work);

/* proc.c */
int proc_init(void);
void proc_exit(void);
int proc_show_task(struct seq_file *m, struct task_struct *task);
void pid_entries_init(void);
void pid_entries_exit(void);
extern void *listing_body;

/* hook.c */
int hook_init(void);
void hook_show(struct seq_file *m);

/* feature.c */
int feature_set(const char *name, const char *needs, const char *why);
void feature_show(struct seq_file *m);
void feature_exit(void);

#endif /* _CORE_H */
