/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The differences between the supported kernels (5.10 to 7.2), and nothing else. The rest of the
 * code is written for the newest one.
 *
 * COMPAT_HAS_ with the name of a probe of probe.c is defined if the kernel's headers pass it. If a
 * kernel has none of the known forms of something, the build stops with a message that names it.
 */
#ifndef _COMPAT_H
#define _COMPAT_H

#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/fsnotify_backend.h>
#include <linux/ftrace.h>
#include <linux/namei.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "probed.h"

/* --- ftrace -------------------------------------------------------------- */

/*
 * The last argument of an ftrace callback is a struct pt_regs before 5.11, and then a struct
 * ftrace_regs. container_hook_regs() relies on a struct pt_regs at its beginning, which recent
 * kernels hide.
 */
#ifndef COMPAT_HAS_FTRACE_REGS
/* the argument is a struct pt_regs */
#else
#if defined(COMPAT_HAS_FTRACE_REGS_MEMBER)
static_assert(offsetof(struct ftrace_regs, regs) == 0);
#elif defined(arch_ftrace_regs)
static_assert(offsetof(typeof(*arch_ftrace_regs(NULL)), regs) == 0);
#else
#error "this kernel's struct ftrace_regs has no registers that we know of"
#endif
#endif

/* Before 5.11 the recursion guard has to be declined; from then on it has to be requested. */
#ifdef COMPAT_HAS_FTRACE_RECURSION_SAFE
#define COMPAT_FTRACE_NO_RECURSION_GUARD FTRACE_OPS_FL_RECURSION_SAFE
#else
#define COMPAT_FTRACE_NO_RECURSION_GUARD 0
#endif

/* The flags that a handler needs to see arguments and to redirect calls. */
#ifdef CONFIG_DYNAMIC_FTRACE_WITH_ARGS
#define COMPAT_FTRACE_ARGS 0
#else
#define COMPAT_FTRACE_ARGS FTRACE_OPS_FL_SAVE_REGS
#endif

/* --- inode operations ---------------------------------------------------- */

/* They got a new first argument in 5.12; its type changed in 6.3. */
#if defined(COMPAT_HAS_INODE_OPS_PLAIN)
#define COMPAT_IDMAP_PARAM
#define COMPAT_IDMAP_ARG
#define compat_inode_init_owner(inode, dir, mode) inode_init_owner(inode, dir, mode)
#elif defined(COMPAT_HAS_INODE_OPS_USERNS)
#define COMPAT_IDMAP_PARAM struct user_namespace *mnt_userns,
#define COMPAT_IDMAP_ARG mnt_userns,
#define compat_inode_init_owner(inode, dir, mode) \
	inode_init_owner(&init_user_ns, inode, dir, mode)
#elif defined(COMPAT_HAS_INODE_OPS_IDMAP)
#define COMPAT_IDMAP_PARAM struct mnt_idmap *idmap,
#define COMPAT_IDMAP_ARG idmap,
#define compat_inode_init_owner(inode, dir, mode) \
	inode_init_owner(&nop_mnt_idmap, inode, dir, mode)
#else
#error "this kernel's inode operations have a first argument that we do not know"
#endif

/* mkdir returns a dentry from 6.15 on. */
#ifdef COMPAT_HAS_MKDIR_DENTRY
#define COMPAT_MKDIR_TYPE struct dentry *
#define compat_mkdir_return(err) ERR_PTR(err)
#else
#define COMPAT_MKDIR_TYPE int
#define compat_mkdir_return(err) (err)
#endif

/* Time stamps got accessors in 6.6 and 6.7. */
#if defined(COMPAT_HAS_SIMPLE_INODE_INIT_TS)
#define compat_set_mtime(inode) inode_set_mtime_to_ts(inode, inode_set_ctime_current(inode))
#define compat_inode_init_times(inode) simple_inode_init_ts(inode)
#else
#if defined(COMPAT_HAS_INODE_SET_CTIME_CURRENT)
#define compat_set_mtime(inode) ((inode)->i_mtime = inode_set_ctime_current(inode))
#elif defined(COMPAT_HAS_INODE_CTIME)
#define compat_set_mtime(inode) ((inode)->i_mtime = (inode)->i_ctime = current_time(inode))
#else
#error "this kernel's inodes have time stamps that we do not know"
#endif
#define compat_inode_init_times(inode) ((inode)->i_atime = compat_set_mtime(inode))
#endif

static inline void compat_inode_touch(struct inode *inode)
{
	compat_set_mtime(inode);
}

/* --- pinned dentries ----------------------------------------------------- */

/*
 * Before 6.19 a filesystem pins a dentry by an additional reference, which kill_litter_super()
 * drops; from then on it marks the dentry as persistent.
 */
#if !defined(COMPAT_HAS_D_MAKE_PERSISTENT) && !defined(COMPAT_HAS_KILL_LITTER_SUPER)
#error "this kernel has neither d_make_persistent nor kill_litter_super"
#elif !defined(COMPAT_HAS_D_MAKE_PERSISTENT)
/* pins a positive dentry */
static inline void compat_d_pin(struct dentry *dentry)
{
	dget(dentry);
}

/* makes a dentry positive and pins it */
static inline void compat_d_instantiate_pinned(struct dentry *dentry, struct inode *inode)
{
	if (d_unhashed(dentry))
		d_add(dentry, inode);
	else
		d_instantiate(dentry, inode);
	dget(dentry);
}

static inline void compat_kill_super(struct super_block *sb)
{
	kill_litter_super(sb);
}
#else
/* not d_make_persistent(): it cannot be called while the dentry is being looked up */
static inline void compat_d_pin(struct dentry *dentry)
{
	spin_lock(&dentry->d_lock);
	dentry->d_flags |= DCACHE_PERSISTENT;
	dget_dlock(dentry);
	spin_unlock(&dentry->d_lock);
}

static inline void compat_d_instantiate_pinned(struct dentry *dentry, struct inode *inode)
{
	d_make_persistent(dentry, inode);
}

static inline void compat_kill_super(struct super_block *sb)
{
	kill_anon_super(sb);
}
#endif

/*
 * Finds the first positive child of a directory, or the next one after @prev, and drops the
 * reference on @prev. Return: the child, with a reference, or NULL. The caller holds the inode's
 * lock, so that no child comes or goes meanwhile. The kind of the list changed in 6.8.
 */
static inline struct dentry *compat_next_child(struct dentry *dir, struct dentry *prev)
{
	struct dentry *child, *found = NULL;

	spin_lock(&dir->d_lock);
#if defined(COMPAT_HAS_DENTRY_SUBDIRS)
	child = prev ?: list_entry(&dir->d_subdirs, struct dentry, d_child);
	list_for_each_entry_continue(child, &dir->d_subdirs, d_child) {
#elif defined(COMPAT_HAS_DENTRY_CHILDREN)
	child = prev ? hlist_entry_safe(prev->d_sib.next, struct dentry, d_sib) :
		       hlist_entry_safe(dir->d_children.first, struct dentry, d_sib);
	hlist_for_each_entry_from(child, d_sib) {
#else
#error "this kernel's dentries have a list of children that we do not know"
#endif
		spin_lock_nested(&child->d_lock, DENTRY_D_LOCK_NESTED);
		if (simple_positive(child))
			found = dget_dlock(child);
		spin_unlock(&child->d_lock);
		if (found)
			break;
	}
	spin_unlock(&dir->d_lock);
	dput(prev);
	return found;
}

/* --- tracepoints ----------------------------------------------------------- */

/*
 * The type of clone()'s flags in the tracepoint task_newtask. A probe has to have the same, since
 * kernels with CFI compare the types when they call it.
 */
#ifdef COMPAT_HAS_CLONE_FLAGS_LONG_LONG
#define COMPAT_CLONE_FLAGS u64
#else
#define COMPAT_CLONE_FLAGS unsigned long
#endif

/* --- names that moved ------------------------------------------------------ */

/* For a filesystem without a backing store: do not cache inodes without users. */
#if defined(COMPAT_HAS_INODE_JUST_DROP)
#define compat_drop_inode inode_just_drop
#elif defined(COMPAT_HAS_GENERIC_DELETE_INODE)
#define compat_drop_inode generic_delete_inode
#else
#error "this kernel has neither inode_just_drop nor generic_delete_inode"
#endif

/* copy_splice_read() replaced generic_file_splice_read() in 6.5. */
#if defined(COMPAT_HAS_COPY_SPLICE_READ)
#define compat_splice_read copy_splice_read
#elif defined(COMPAT_HAS_GENERIC_FILE_SPLICE_READ)
#define compat_splice_read generic_file_splice_read
#else
#error "this kernel has neither copy_splice_read nor generic_file_splice_read"
#endif

/*
 * Refuses leases, with which the owner of a file could delay others who open it. Kernels without
 * this function allow leases only where a filesystem asks for them.
 */
#ifdef COMPAT_HAS_SIMPLE_NOSETLEASE
#define compat_setlease simple_nosetlease
#else
#define compat_setlease NULL
#endif

/* All kernels export it, but no header for modules declares it before 6.4. */
int vfs_path_lookup(struct dentry *dentry, struct vfsmount *mnt, const char *name,
		    unsigned int flags, struct path *path);

/* --- configurations of the kernel ------------------------------------------------ */

/* Is there an inotify watch for changes of a file, or of the files in a directory? Under RCU. */
static inline bool compat_watched(struct dentry *dentry)
{
#ifdef CONFIG_FSNOTIFY
	struct inode *inode = d_inode_rcu(dentry);

	return inode && (READ_ONCE(inode->i_fsnotify_mask) & FS_MODIFY);
#else
	return false;
#endif
}

/* The state of a task. */
static inline unsigned int compat_task_state(struct task_struct *task)
{
#if defined(COMPAT_HAS_TASK___STATE)
	/* a caller that sees it sees everything that was done before */
	return smp_load_acquire(&task->__state);
#elif defined(COMPAT_HAS_TASK_STATE)
	/* as above */
	return smp_load_acquire(&task->state);
#else
#error "this kernel's tasks have no state that we know of"
#endif
}

/* Is a task still to be woken for the first time? */
static inline bool compat_is_new(struct task_struct *task)
{
	return compat_task_state(task) == TASK_NEW;
}

/*
 * A function of the kernel to replace the show function of a file of procfs. noop_fsync() does
 * nothing and returns 0, whatever its arguments are. With clang's CFI, which checks the type of a
 * called function, no such function fits, and @show, which is of the right type, is used.
 */
static inline void *compat_idle_show(void *show)
{
	return IS_ENABLED(CONFIG_CFI_CLANG) || IS_ENABLED(CONFIG_CFI) ?
	       show : (void *)noop_fsync;
}

/* --- grace periods --------------------------------------------------------- */

/*
 * Waits until each task has slept or has been in user space, so that it has left a function that
 * does not sleep. Preempted tasks are waited for, too. Kernels that are not preemptible, such as
 * Debian's 5.10, need and export only synchronize_rcu().
 */
static inline void compat_synchronize_tasks(void)
{
#ifdef CONFIG_TASKS_RCU
	synchronize_rcu_tasks();
#else
	synchronize_rcu();
#endif
}

#endif /* _COMPAT_H */
