// SPDX-License-Identifier: GPL-2.0
/*
 * Directories: mkdir, rmdir and rename. There is no backing store: each dentry is pinned until
 * it is removed.
 *
 * Order of locks: the lock on bindings, s_umount, inode locks, the manage lock. No inode lock is
 * held during an access to user memory, which a user can delay at will.
 */
#include <linux/dcache.h>

#include "compat.h"
#include "container_trace.h"
#include "fs.h"

/**
 * dir_show - make a container and its directory visible together
 * @cont: a container from container_create() that is populated and has its dentry
 * @inode: the inode of its directory, from make_dir()
 * @dir: the inode of the parent's directory
 *
 * Context: lock of @dir and manage lock held.
 */
void dir_show(struct container *cont, struct inode *inode, struct inode *dir)
{
	own_dir(inode, cont);
	container_link(cont);
	compat_d_instantiate_pinned(cont->dentry, inode);
	inc_nlink(dir);
	compat_inode_touch(dir);
	trace_mkdir(cont);
}

/*
 * Makes a container and its directory. The inode is charged to the user, who can make his tasks
 * wait inside an allocation, so it is allocated before the manage lock is taken.
 */
static int make_directory(struct inode *dir, struct dentry *dentry, umode_t mode)
{
	struct container *parent = fs_container(dir), *cont;
	struct inode *inode;
	int err;

	if (strchr(dentry->d_name.name, '\n'))
		return -EINVAL;
	inode = make_dir(dir->i_sb, mode);
	if (!inode)
		return -ENOMEM;
	container_manage_lock();
	cont = container_create(parent, 0);
	if (IS_ERR(cont)) {
		err = PTR_ERR(cont);
		goto err_unlock;
	}
	cont->dentry = dentry;
	if (test_bit(CONT_CLONE_CHILDREN, &parent->flags)) {
		err = container_inherit(cont);
		if (err)
			goto err_discard;
	}
	err = files_populate(cont);
	if (err)
		goto err_discard;
	dir_show(cont, inode, dir);
	container_manage_unlock();
	return 0;

err_discard:
	container_discard(cont);
err_unlock:
	container_manage_unlock();
	iput(inode);
	return err;
}

static COMPAT_MKDIR_TYPE dir_mkdir(COMPAT_IDMAP_PARAM struct inode *dir,
				   struct dentry *dentry, umode_t mode)
{
	return compat_mkdir_return(make_directory(dir, dentry, mode));
}

/*
 * Takes a container out of its hierarchy. The caller then removes the directory and calls
 * end_removal(). Until then the parent is not removed.
 */
static int begin_removal(struct container *cont, enum removal how)
{
	bool kill = how == REMOVE_TREE;
	struct hierarchy *h = container_hierarchy(cont);
	int err;

	container_manage_lock();
	err = kill ? container_kill_members(cont) : 0;
	if (!err) {
		err = container_remove(cont, how);
		if (err && kill && err != -ENODEV)
			container_kill_end(cont);
	}
	/*
	 * The superblock has to stay until the directory is removed. Take a reference, unless
	 * this was the last container below the root: then keep the hierarchy's.
	 */
	if (!err && h->nr_containers > 1)
		atomic_inc(&h->sb->s_active);
	container_manage_unlock();
	return err;
}

static void end_removal(struct container *parent, struct super_block *sb)
{
	container_manage_lock();
	container_dir_gone(parent);
	container_manage_unlock();
	deactivate_super(sb);
}

/**
 * fs_remove_container - remove a container that is deleted automatically, and its directory
 * @cont: a container below a root, to which the caller has a reference
 *
 * Context: sleeps; no lock held.
 * Return: as container_remove().
 */
int fs_remove_container(struct container *cont)
{
	struct super_block *sb;
	int err = begin_removal(cont, REMOVE_AUTO);

	if (err)
		return err;
	/* it stays while containers below the root or their directories exist */
	sb = container_hierarchy(cont)->sb;
	simple_recursive_removal(cont->dentry, NULL);
	end_removal(cont->parent, sb);
	return 0;
}

/* Empties the directory of a removed container. No inode lock is held. */
static void remove_content(struct dentry *dir)
{
	struct dentry *child;

	for (;;) {
		/* waits for another removal in the directory, which holds this lock */
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
 * The VFS holds the locks of both inodes. They are dropped here, since a member that is being
 * killed may wait for one of them, and simple_recursive_removal() takes them. The directory is
 * protected all the same: once the container is marked as removed, under the manage lock, no
 * mkdir, rmdir or rename touches it any more. The empty directory is then removed as the VFS
 * expects, which notifies watchers once.
 */
static int dir_rmdir(struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);
	struct container *cont = fs_container(inode);
	int err;

	inode_unlock(inode);
	inode_unlock(dir);
	err = begin_removal(cont, test_bit(CONT_KILL_ON_RMDIR, &cont->flags) ? REMOVE_TREE :
									       REMOVE_ONE);
	if (!err)
		remove_content(dentry);
	inode_lock_nested(dir, I_MUTEX_PARENT);
	inode_lock(inode);
	/* another removal was faster: rmdir(2) then reports that there is no such directory */
	if (err)
		return err == -ENODEV ? -ENOENT : err;
	err = simple_rmdir(dir, dentry);
	/* does not free the superblock, since the caller's mount keeps it, too */
	end_removal(cont->parent, dir->i_sb);
	return err;
}

/* A container may get another name, but not another parent. */
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
	.lookup = dir_lookup,
	.mkdir = dir_mkdir,
	.rmdir = dir_rmdir,
	.rename = dir_rename,
};
