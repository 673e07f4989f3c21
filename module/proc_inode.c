// SPDX-License-Identifier: GPL-2.0
/*
 * Access to the data that procfs keeps beside an inode, in a structure that no header declares.
 * A member is found by its known value, in the words before the inode.
 */
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/pid.h>
#include <linux/sched.h>

#include "compat.h"
#include "proc_inode.h"

/* The most words that a struct proc_inode has before its inode. */
#define PROC_INODE_WORDS 9

/**
 * proc_inode_word - find a word that procfs keeps beside an inode
 * @inode: an inode of procfs
 * @value: the value of the word
 *
 * Context: any.
 * Return: its address, or NULL.
 */
void **proc_inode_word(struct inode *inode, const void *value)
{
	void **word = (void **)inode;
	int i;

	for (i = 1; i <= PROC_INODE_WORDS; i++)
		if (READ_ONCE(word[-i]) == value)
			return word - i;
	return NULL;
}

/**
 * proc_inode_check - check that the words can be found in this kernel
 * @procfs: the type of the filesystem
 * @fops: operations of the file "cgroup" of a process
 * @show: its show function
 *
 * Uses an internal mount of procfs: there need not be another mount that can be found.
 *
 * Context: sleeps.
 * Return: 0, -EOPNOTSUPP if they are not there, -ENOMEM.
 */
int proc_inode_check(struct file_system_type *procfs, const struct file_operations *fops,
		     const void *show)
{
	struct vfsmount *mnt = kern_mount(procfs);
	struct inode *inode;
	struct path path;
	int err;

	if (IS_ERR(mnt))
		return PTR_ERR(mnt);
	err = vfs_path_lookup(mnt->mnt_root, mnt, "self/cgroup", LOOKUP_FOLLOW, &path);
	if (!err) {
		inode = d_inode(path.dentry);
		if (inode->i_fop != fops || !proc_inode_word(inode, show) ||
		    !proc_inode_word(inode, task_tgid(current)))
			err = -EOPNOTSUPP;
		path_put(&path);
	}
	kern_unmount(mnt);
	return err;
}

/* The function to replace, with the operations of the inodes that have it, and its replacement. */
struct disowning {
	const struct file_operations *fops;
	const void *show;
	void *idle;
};

static void disown_inode(struct inode *inode, const struct disowning *d)
{
	struct dentry *dentry;
	void **slot;

	/* no other word can have the address of the show function */
	slot = proc_inode_word(inode, d->show);
	if (!slot)
		return;
	WRITE_ONCE(*slot, d->idle);
	make_bad_inode(inode);
	while ((dentry = d_find_alias(inode))) {
		d_drop(dentry);
		dput(dentry);
	}
}

static void disown_inodes(struct super_block *sb, void *arg)
{
	struct inode *inode, *prev = NULL;
	const struct disowning *d = arg;

	spin_lock(&sb->s_inode_list_lock);
	list_for_each_entry(inode, &sb->s_inodes, i_sb_list) {
		if (READ_ONCE(inode->i_fop) != d->fops || !igrab(inode))
			continue;
		spin_unlock(&sb->s_inode_list_lock);
		/* the reference keeps the position in the list */
		iput(prev);
		prev = inode;
		disown_inode(inode, d);
		cond_resched();
		spin_lock(&sb->s_inode_list_lock);
	}
	spin_unlock(&sb->s_inode_list_lock);
	iput(prev);
}

/**
 * proc_inodes_disown - turn all inodes with a show function of this module into bad ones
 * @procfs: the type of the filesystem
 * @fops: the operations of these inodes
 * @show: the function; no new inodes get it any more
 * @idle: a function of the kernel that replaces it
 *
 * The inodes exist for as long as they are open, but do not lead to the function any more. A task
 * that has fetched its address before may still call it.
 *
 * Context: sleeps.
 */
void proc_inodes_disown(struct file_system_type *procfs, const struct file_operations *fops,
			const void *show, void *idle)
{
	struct disowning d = { .fops = fops, .show = show, .idle = idle };

	iterate_supers_type(procfs, disown_inodes, &d);
}
