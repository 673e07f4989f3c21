// SPDX-License-Identifier: GPL-2.0
/*
 * Directories: mkdir, rmdir and rename. There is no backing store: each dentry is pinned until
 * it is removed.
 *
 * Order of locks: s_umount, inode locks, the manage lock. No inode lock is held during an access
 * to user memory, which a user can delay at will.
 */
#include <linux/dcache.h>

#include "compat.h"
#include "container_trace.h"
#include "fs.h"

/**
 * dir_begin - make the inode of a new directory, and the files that it will probably have
 * @new: the directory, for dir_end() or dir_drop()
 * @dir: the parent's inode
 * @dentry: the new directory's entry
 * @mode: its permissions
 *
 * Context: inode lock of @dir held, manage lock not held; sleeps.
 * Return: 0, -EINVAL or -ENOMEM.
 */
int dir_begin(struct new_dir *new, struct inode *dir, struct dentry *dentry, umode_t mode)
{
	if (strchr(dentry->d_name.name, '\n'))
		return -EINVAL;
	new->inode = make_inode(dir->i_sb, S_IFDIR | mode);
	if (!new->inode)
		return -ENOMEM;
	new->files = foresee_files(container_hierarchy(fs_container(dir)), dentry);
	if (IS_ERR(new->files)) {
		iput(new->inode);
		return PTR_ERR(new->files);
	}
	/* uncontended: the inode is new */
	inode_lock_nested(new->inode, I_MUTEX_CHILD);
	return 0;
}

/**
 * dir_show - make a container and its directory visible together
 * @new: the directory from dir_begin()
 * @cont: a container from container_create() that has its dentry
 *
 * A removal right afterwards finds the directory. The files become visible by dir_end(); until
 * then their lookup and removal wait for the lock of the inode.
 *
 * Context: manage lock held.
 */
void dir_show(struct new_dir *new, struct container *cont)
{
	container_link(cont);
	compat_d_instantiate_pinned(cont->dentry, new->inode);
	trace_mkdir(cont);
}

/**
 * dir_end - make the files of a new directory visible
 * @new: the directory
 * @dir: the parent's inode
 * @cont: the container, which may be removed by now
 * @dentry: the new directory's entry
 *
 * Context: inode lock of @dir held, manage lock not held; sleeps.
 */
void dir_end(struct new_dir *new, struct inode *dir, struct container *cont, struct dentry *dentry)
{
	show_files(cont, dentry);
	inode_unlock(new->inode);
	drop_files(&new->files);
	inc_nlink(dir);
	compat_inode_touch(dir);
}

/**
 * dir_drop - undo dir_begin()
 * @new: the directory, which was not shown
 *
 * Context: manage lock not held; sleeps.
 */
void dir_drop(struct new_dir *new)
{
	drop_files(&new->files);
	inode_unlock(new->inode);
	iput(new->inode);
}

/* Makes a container and its directory. */
static int make_directory(struct inode *dir, struct dentry *dentry, umode_t mode)
{
	struct container *parent = fs_container(dir), *cont;
	struct new_dir new;
	int err = dir_begin(&new, dir, dentry, mode);

	if (err)
		return err;
	container_manage_lock();
	cont = container_create(parent, 0);
	if (IS_ERR(cont)) {
		err = PTR_ERR(cont);
		goto err_unlock;
	}
	own_inode(new.inode, cont);
	cont->dentry = dentry;
	if (test_bit(CONT_CLONE_CHILDREN, &parent->flags)) {
		err = container_inherit(cont);
		if (err)
			goto err_discard;
	}
	err = files_populate(cont, &new.files);
	if (err)
		goto err_discard;
	dir_show(&new, cont);
	container_manage_unlock();
	dir_end(&new, dir, cont, dentry);
	return 0;

err_discard:
	container_discard(cont);
err_unlock:
	container_manage_unlock();
	dir_drop(&new);
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
 * fs_remove_container - remove a container and its directory
 * @cont: a container below a root, to which the caller has a reference
 *
 * Context: sleeps; no lock held.
 * Return: as container_remove().
 */
int fs_remove_container(struct container *cont)
{
	/* the superblock stays while containers below the root or their directories exist */
	struct super_block *sb = container_hierarchy(cont)->sb;
	int err = begin_removal(cont, false);

	if (err)
		return err;
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
	err = begin_removal(cont, test_bit(CONT_KILL_ON_RMDIR, &cont->flags));
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
	.lookup = simple_lookup,
	.mkdir = dir_mkdir,
	.rmdir = dir_rmdir,
	.rename = dir_rename,
};
