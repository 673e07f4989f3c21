// SPDX-License-Identifier: GPL-2.0
/*
 * Directories: mkdir, rmdir and rename. The dentries have no backing store: each is pinned
 * until it is removed.
 *
 * Order of locks: s_umount, the inode locks, the manage lock; never the other way
 * round. No inode lock is held while something is copied to a user, who could have it
 * held for as long as he likes.
 */
#include <linux/dcache.h>
#include <linux/slab.h>

#include "compat.h"
#include "container_trace.h"
#include "fs.h"

/* A member's path is shown in /proc, and given to the release agent: does it fit? */
static int check_path(const struct container *cont)
{
	char *path = kmalloc(PATH_MAX, GFP_KERNEL);
	int err = path ? container_path(cont, path, PATH_MAX) : -ENOMEM;

	kfree(path);
	return err;
}

/*
 * Makes a container and its directory; as a @clone, the current task enters it at
 * once. It then belongs to the owner of its parent: a task that only wants
 * namespaces of its own gets no say about limits.
 *
 * Both show at once, under the manage lock: a removal of the container, be it an
 * instant later, finds its directory. The files come next; a lookup of one of them, or
 * their removal, waits for the lock of the new inode.
 */
int make_directory(struct inode *dir, struct dentry *dentry, umode_t mode, bool clone)
{
	struct container *parent = fs_container(dir), *cont;
	struct moves *mv = NULL;
	struct inode *inode;
	int err;

	if (strchr(dentry->d_name.name, '\n'))
		return -EINVAL;
	inode = make_inode(dir->i_sb, S_IFDIR | mode);
	if (!inode)
		return -ENOMEM;
	/* nobody else has it, so nobody waits here */
	inode_lock_nested(inode, I_MUTEX_CHILD);

	container_manage_lock();
	if (clone && !task_is_in(current, parent)) {
		err = -ERESTART;
		goto err_unlock;
	}
	cont = container_create(parent, clone);
	if (IS_ERR(cont)) {
		err = PTR_ERR(cont);
		goto err_unlock;
	}
	own_inode(inode, cont);
	cont->dentry = dentry;
	if (clone) {
		inode->i_uid = dir->i_uid;
		inode->i_gid = dir->i_gid;
		err = check_path(cont);
		if (err)
			goto err_discard;
	}
	if (clone || test_bit(CONT_CLONE_CHILDREN, &parent->flags)) {
		err = container_inherit(cont);
		if (err)
			goto err_discard;
	}
	err = files_populate(cont);
	if (err)
		goto err_files;
	if (clone) {
		mv = container_enter_prepare(cont);
		err = PTR_ERR_OR_ZERO(mv);
		if (err)
			goto err_files;
	}

	container_link(cont);
	compat_d_instantiate_pinned(dentry, inode);
	trace_mkdir(cont);
	/* not before it is a child: its parent may lose its last member */
	if (clone)
		container_enter(mv);
	container_manage_unlock();

	/* it may be removed by now, but its files are not */
	finish_files(cont, dentry, true);
	inode_unlock(inode);
	inc_nlink(dir);
	compat_inode_touch(dir);
	return 0;

err_files:
	finish_files(cont, dentry, false);
err_discard:
	container_discard(cont);
err_unlock:
	container_manage_unlock();
	inode_unlock(inode);
	iput(inode);
	return err;
}

static COMPAT_MKDIR_TYPE dir_mkdir(COMPAT_IDMAP_PARAM struct inode *dir,
				   struct dentry *dentry, umode_t mode)
{
	return compat_mkdir_return(make_directory(dir, dentry, mode, false));
}

/*
 * Takes a container out of its hierarchy. Its directory is then the caller's to remove,
 * and end_removal() to be called. Nobody else does either meanwhile: the container
 * above is not removed before.
 */
static int begin_removal(struct container *cont, bool kill)
{
	struct hierarchy *h = container_hierarchy(cont);
	int err;

	container_manage_lock();
	err = kill ? container_kill_members(cont) : 0;
	if (!err) {
		err = container_remove(cont, kill);
		if (err && kill && err != -ENODEV)
			container_kill_end(cont);
	}
	/*
	 * Something has to keep the superblock while we are at the directory: the
	 * reference that the last container leaves, or one more of the same kind.
	 */
	if (!err && h->nr_containers > 1)
		atomic_inc(&h->sb->s_active);
	container_manage_unlock();
	return err;
}

static void end_removal(struct container *parent, struct super_block *sb)
{
	container_manage_lock();
	container_left(parent);
	container_manage_unlock();
	deactivate_super(sb);
}

/**
 * fs_remove_container - remove a container and its directory
 * @cont: a container below a root, with a reference of the caller's
 *
 * Context: sleeps; no lock held.
 * Return: as container_remove().
 */
int fs_remove_container(struct container *cont)
{
	/* it stays while there are containers below the root, or their directories */
	struct super_block *sb = container_hierarchy(cont)->sb;
	int err = begin_removal(cont, false);

	if (err)
		return err;
	simple_recursive_removal(cont->dentry, NULL);
	end_removal(cont->parent, sb);
	return 0;
}

/* Removes what is in the directory of a container that is gone; no inode lock held. */
static void remove_content(struct dentry *dir)
{
	struct dentry *child;

	for (;;) {
		/* who is about to finish another removal in it has this lock */
		inode_lock(d_inode(dir));
		child = compat_next_child(dir, NULL);
		inode_unlock(d_inode(dir));
		if (!child)
			break;
		simple_recursive_removal(child, NULL);
		dput(child);
	}
}

/*
 * The VFS holds the locks of both inodes. They are given up meanwhile: a member that
 * is being killed may be waiting for one, and simple_recursive_removal() takes them.
 * What they protected is protected by the manage lock: once the container is marked
 * as removed, no mkdir, rmdir or rename touches the directory any more. What is left of
 * it in the end is removed as the VFS expects, which tells those who watch.
 */
static int dir_rmdir(struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);
	struct container *cont = fs_container(inode);
	int err;

	inode_unlock(inode);
	inode_unlock(dir);
	err = begin_removal(cont, test_bit(CONT_KILL_ON_RMDIR, &cont->flags));
	if (!err)
		remove_content(dentry);
	inode_lock_nested(dir, I_MUTEX_PARENT);
	inode_lock(inode);
	/* somebody else was faster: to rmdir(2) it is not there any more */
	if (err)
		return err == -ENODEV ? -ENOENT : err;
	err = simple_rmdir(dir, dentry);
	/* the caller's mount keeps the superblock, too */
	end_removal(cont->parent, dir->i_sb);
	return err;
}

static int dir_rename(COMPAT_IDMAP_PARAM struct inode *old_dir, struct dentry *old_dentry,
		      struct inode *new_dir, struct dentry *new_dentry, unsigned int flags)
{
	struct container *cont;
	int err;

	if (flags & ~RENAME_NOREPLACE)
		return -EINVAL;
	if (!d_is_dir(old_dentry))
		return -ENOTDIR;
	if (d_really_is_positive(new_dentry))
		return -EEXIST;
	if (old_dir != new_dir)
		return -EIO;
	if (strchr(new_dentry->d_name.name, '\n'))
		return -EINVAL;
	cont = fs_container(d_inode(old_dentry));
	container_lock();
	err = container_is_removed(cont) ? -ENOENT : 0;
	container_unlock();
	return err;
}

const struct inode_operations dir_inode_ops = {
	.lookup = simple_lookup,
	.mkdir = dir_mkdir,
	.rmdir = dir_rmdir,
	.rename = dir_rename,
};
