// SPDX-License-Identifier: GPL-2.0
/*
 * Probes for features of a kernel's headers. Distributions backport changes, so a version number
 * does not tell.
 *
 * This file is built into nothing. probe.sh compiles it once with the kernel's own flags and
 * checks which of the probes have errors. A probe consists of the lines after a #line with its
 * name. If they have no error, the name is defined with COMPAT_HAS_ before it.
 *
 * A probe must not use a macro: the compiler would report its error in the file that defines the
 * macro. No two probes may use the same function: the compiler reports an undeclared function
 * only once.
 *
 * EVERYTHING and NOTHING check that the method works.
 */
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/ftrace.h>
#include <linux/mm.h>
#include <linux/namei.h>
#include <linux/sched.h>
#include <trace/events/task.h>
#include <trace/events/vmscan.h>

#line 1 "EVERYTHING"
void probe_everything(struct inode *inode)
{
	inode->i_private = NULL;
}

#line 1 "NOTHING"
void probe_nothing(struct inode *inode)
{
	inode->no_such_member = probe_no_such_function(inode);
}

#line 1 "FTRACE_REGS"
void probe_ftrace_regs(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		       struct ftrace_regs *regs);
ftrace_func_t probe_ftrace_func = probe_ftrace_regs;

#line 1 "FTRACE_REGS_MEMBER"
struct pt_regs *probe_ftrace_regs_member(struct ftrace_regs *regs)
{
	return &regs->regs;
}

#line 1 "CLONE_FLAGS_LONG_LONG"
void (*probe_clone_flags)(struct task_struct *, u64) = trace_task_newtask;

#line 1 "RECLAIM_BEGIN_MEMCG"
void (*probe_reclaim_begin)(gfp_t, int, struct mem_cgroup *) = trace_mm_vmscan_direct_reclaim_begin;

#line 1 "FTRACE_RECURSION_SAFE"
unsigned long probe_recursion_safe = FTRACE_OPS_FL_RECURSION_SAFE;

#line 1 "INODE_OPS_PLAIN"
int probe_permission_plain(struct inode *, int);
struct inode_operations probe_ops_plain = { .permission = probe_permission_plain };

#line 1 "INODE_OPS_USERNS"
int probe_permission_userns(struct user_namespace *, struct inode *, int);
struct inode_operations probe_ops_userns = { .permission = probe_permission_userns };

#line 1 "INODE_OPS_IDMAP"
int probe_permission_idmap(struct mnt_idmap *, struct inode *, int);
struct inode_operations probe_ops_idmap = { .permission = probe_permission_idmap };

#line 1 "MKDIR_DENTRY"
struct dentry *probe_mkdir(struct mnt_idmap *, struct inode *, struct dentry *, umode_t);
struct inode_operations probe_mkdir_ops = { .mkdir = probe_mkdir };

#line 1 "SIMPLE_INODE_INIT_TS"
void probe_simple_inode_init_ts(struct inode *inode)
{
	simple_inode_init_ts(inode);
}

#line 1 "INODE_SET_CTIME_CURRENT"
void probe_inode_set_ctime_current(struct inode *inode)
{
	inode->i_mtime = inode_set_ctime_current(inode);
}

#line 1 "INODE_CTIME"
void probe_inode_ctime(struct inode *inode)
{
	inode->i_mtime = inode->i_ctime = current_time(inode);
}

#line 1 "DENTRY_SUBDIRS"
struct list_head *probe_dentry_subdirs(struct dentry *dentry)
{
	return dentry->d_child.next ?: &dentry->d_subdirs;
}

#line 1 "DENTRY_CHILDREN"
struct hlist_node *probe_dentry_children(struct dentry *dentry)
{
	return dentry->d_sib.next ?: dentry->d_children.first;
}

#line 1 "D_MAKE_PERSISTENT"
void probe_d_make_persistent(struct dentry *dentry, struct inode *inode)
{
	d_make_persistent(dentry, inode);
}

#line 1 "KILL_LITTER_SUPER"
void probe_kill_litter_super(struct super_block *sb)
{
	kill_litter_super(sb);
}

#line 1 "INODE_JUST_DROP"
int probe_inode_just_drop(struct inode *inode)
{
	return inode_just_drop(inode);
}

#line 1 "GENERIC_DELETE_INODE"
int probe_generic_delete_inode(struct inode *inode)
{
	return generic_delete_inode(inode);
}

#line 1 "COPY_SPLICE_READ"
struct file_operations probe_copy_splice_read = { .splice_read = copy_splice_read };

#line 1 "GENERIC_FILE_SPLICE_READ"
struct file_operations probe_file_splice_read = { .splice_read = generic_file_splice_read };

#line 1 "SIMPLE_NOSETLEASE"
struct file_operations probe_nosetlease = { .setlease = simple_nosetlease };

#line 1 "TASK_STATE"
long probe_task_state(struct task_struct *task)
{
	return task->state;
}

#line 1 "TASK___STATE"
long probe_task___state(struct task_struct *task)
{
	return task->__state;
}

#line 1 "USER_CPUS_PTR"
const struct cpumask *probe_user_cpus(struct task_struct *task)
{
	return task->user_cpus_ptr;
}

#line 1 "MIGRATION_DISABLED"
int probe_migration_disabled(struct task_struct *task)
{
	return task->migration_disabled;
}

#line 1 "VMA_FLAGS"
unsigned long probe_vma_flags(const vma_flags_t *flags)
{
	return vma_flags_to_legacy(*flags);
}

#line 1 "EXPAND_STACK_VMA"
int probe_expand_stack(struct vm_area_struct *vma, unsigned long address)
{
	return expand_stack(vma, address);
}
