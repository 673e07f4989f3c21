// SPDX-License-Identifier: GPL-2.0
/*
 * The inodes of procfs, from outside: what procfs keeps beside an inode lies in a structure
 * of its own, which no header shows. We look for a value that we know in the words before
 * the inode.
 */
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/pid.h>
#include <linux/sched.h>

#include "compat.h"
#include "proc_inode.h"

/* The words of a struct proc_inode lie before its inode, at most so many. */
#define PROC_INODE_WORDS 9

/**
 * proc_inode_word - find a word that procfs keeps beside an inode
 * @inode: an inode of procfs
 * @value: what is in the word
 *
 * Context: any.
 * Return: where it is, or NULL.
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
 * proc_inode_check - does procfs keep what we look for where we look for it?
 * @procfs: the type of the filesystem
 * @fops: operations of the file "cgroup" of a process
 * @show: its show function
 *
 * Looks in an instance of procfs of our own, since nobody need have one mounted where we
 * could find it.
 *
 * Context: sleeps.
 * Return: 0, -EOPNOTSUPP if it does not, -ENOMEM.
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

/* What is looked for, and put in its place. */
struct disowning {
	const struct file_operations *fops;
	const void *show;
	void *idle;
};

static void disown_inode(struct inode *inode, const struct disowning *d)
{
	struct dentry *dentry;
	void **slot;

	/* where procfs keeps the show function; no other word has that value */
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
		/* the reference keeps our place in the list */
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
 * proc_inodes_disown - make bad inodes of those that have a show function of ours
 * @procfs: the type of the filesystem
 * @fops: their operations
 * @show: the function; nobody makes an inode with it any more
 * @idle: a function of the kernel's that takes its place
 *
 * They stay for as long as somebody has them open, but no longer lead to us. Who has
 * fetched the function's address before may still call it.
 *
 * Context: sleeps.
 */
void proc_inodes_disown(struct file_system_type *procfs, const struct file_operations *fops,
			const void *show, void *idle)
{
	struct disowning d = { .fops = fops, .show = show, .idle = idle };

	iterate_supers_type(procfs, disown_inodes, &d);
}
