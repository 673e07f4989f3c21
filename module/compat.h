/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every difference between the kernels we support (5.10 to 7.2), and nothing
 * else. The rest of the code is written as for the newest one.
 *
 * COMPAT_HAS_ says what probe.c has found in the headers. Where no known form of a
 * thing is there, the build stops with a line that names it.
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
 * The last argument of an ftrace callback: a struct pt_regs until 5.11, then a struct
 * ftrace_regs that has one, or hides that it has. container_hook_regs() relies on its
 * being the first thing there.
 */
#ifndef COMPAT_HAS_FTRACE_REGS
/* it is that structure itself */
#else
#if defined(COMPAT_HAS_FTRACE_REGS_MEMBER)
static_assert(offsetof(struct ftrace_regs, regs) == 0);
#elif defined(arch_ftrace_regs)
static_assert(offsetof(typeof(*arch_ftrace_regs(NULL)), regs) == 0);
#else
#error "this kernel's struct ftrace_regs has no registers that we know of"
#endif
#endif

/* The recursion guard is opt-out in some kernels, and opt-in from 5.11 on. */
#ifdef COMPAT_HAS_FTRACE_RECURSION_SAFE
#define COMPAT_FTRACE_NO_RECURSION_GUARD FTRACE_OPS_FL_RECURSION_SAFE
#else
#define COMPAT_FTRACE_NO_RECURSION_GUARD 0
#endif

/* What it takes to see the arguments, and to change where the call goes. */
#ifdef CONFIG_DYNAMIC_FTRACE_WITH_ARGS
#define COMPAT_FTRACE_ARGS 0
#else
#define COMPAT_FTRACE_ARGS FTRACE_OPS_FL_SAVE_REGS
#endif

/* --- inode operations ---------------------------------------------------- */

/* They got a first argument in 5.12, which changed its type in 6.3. */
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

/* Time stamps went behind accessors in 6.6 and 6.7. */
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

/* --- dentries that live without a user ----------------------------------- */

/*
 * Until 6.19 such a dentry just had one reference too many, which
 * kill_litter_super() took away; now it is marked.
 */
#if !defined(COMPAT_HAS_D_MAKE_PERSISTENT) && !defined(COMPAT_HAS_KILL_LITTER_SUPER)
#error "this kernel has neither d_make_persistent nor kill_litter_super"
#elif !defined(COMPAT_HAS_D_MAKE_PERSISTENT)
/* a new dentry, whose reference is kept */
static inline void compat_d_add_pinned(struct dentry *dentry, struct inode *inode)
{
	d_add(dentry, inode);
}

/* a dentry of the VFS's that mkdir is to make positive */
static inline void compat_d_instantiate_pinned(struct dentry *dentry, struct inode *inode)
{
	d_instantiate(dentry, inode);
	dget(dentry);
}

static inline void compat_kill_super(struct super_block *sb)
{
	kill_litter_super(sb);
}
#else
static inline void compat_d_add_pinned(struct dentry *dentry, struct inode *inode)
{
	d_make_persistent(dentry, inode);
	dput(dentry);
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
 * The first child of a directory that is there, or the next one after @prev, whose
 * reference is taken over; with a reference, or NULL. The inode's lock is held, so that
 * none comes or goes meanwhile. The list is of another kind from 6.8 on.
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

/* --- names that moved ------------------------------------------------------ */

/* What a filesystem without a backing store says when an inode has lost its last user. */
#if defined(COMPAT_HAS_INODE_JUST_DROP)
#define compat_drop_inode inode_just_drop
#elif defined(COMPAT_HAS_GENERIC_DELETE_INODE)
#define compat_drop_inode generic_delete_inode
#else
#error "this kernel has neither inode_just_drop nor generic_delete_inode"
#endif

/*
 * Lookup of a child by name, whoever asks; the parent's inode is locked. Until 6.16
 * there was none that asks for no permission, but here the cache knows all names.
 */
static inline struct dentry *compat_lookup(struct dentry *parent, const char *name)
{
#ifdef COMPAT_HAS_LOOKUP_NOPERM
	return lookup_noperm(&QSTR(name), parent);
#else
	struct qstr q = QSTR_INIT(name, strlen(name));
	struct dentry *dentry;

	q.hash = full_name_hash(parent, q.name, q.len);
	dentry = d_lookup(parent, &q);
	if (dentry)
		return dentry;
	dentry = d_alloc(parent, &q);
	if (!dentry)
		return ERR_PTR(-ENOMEM);
	simple_lookup(d_inode(parent), dentry, 0);
	return dentry;
#endif
}

/* generic_file_splice_read() went in 6.5, when this one took its place. */
#if defined(COMPAT_HAS_COPY_SPLICE_READ)
#define compat_splice_read copy_splice_read
#elif defined(COMPAT_HAS_GENERIC_FILE_SPLICE_READ)
#define compat_splice_read generic_file_splice_read
#else
#error "this kernel has neither copy_splice_read nor generic_file_splice_read"
#endif

/* Exported by all, but in no header for modules until 6.4. */
int vfs_path_lookup(struct dentry *dentry, struct vfsmount *mnt, const char *name,
		    unsigned int flags, struct path *path);

/* --- what a kernel may be built without ------------------------------------------ */

/* Does anybody want to know when a file, or one in a directory, is modified? Under RCU. */
static inline bool compat_watched(struct dentry *dentry)
{
#ifdef CONFIG_FSNOTIFY
	struct inode *inode = d_inode_rcu(dentry);

	return inode && (READ_ONCE(inode->i_fsnotify_mask) & FS_MODIFY);
#else
	return false;
#endif
}

/* Has a task not been woken for the first time yet? */
static inline bool compat_is_new(struct task_struct *task)
{
#if defined(COMPAT_HAS_TASK___STATE)
	/* what was done before it was woken is seen once it counts as woken */
	return smp_load_acquire(&task->__state) == TASK_NEW;
#elif defined(COMPAT_HAS_TASK_STATE)
	/* as above */
	return smp_load_acquire(&task->state) == TASK_NEW;
#else
#error "this kernel's tasks have no state that we know of"
#endif
}

/*
 * A function of the kernel's for a file of procfs that has lost its own: one that does
 * nothing and returns 0, whatever its arguments. Where a function is checked to be of the
 * type that it is called as (clang's CFI, under either of its names), there is none such,
 * and it has to be @show, which is of that type.
 */
static inline void *compat_idle_show(void *show)
{
	return IS_ENABLED(CONFIG_CFI_CLANG) || IS_ENABLED(CONFIG_CFI) ?
	       show : (void *)noop_fsync;
}

/* --- grace periods --------------------------------------------------------- */

/*
 * Waits until every task has left whatever code it was in without sleeping since,
 * preempted or not. 5.10 as Debian builds it is not preemptible, and does not
 * export the one for preemptible kernels.
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
