// SPDX-License-Identifier: GPL-2.0
/*
 * container_clone(): a new container for the current task, created and entered in one step.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dcache.h>
#include <linux/fsnotify.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "compat.h"
#include "filelist.h"
#include "fs.h"

/*
 * As make_directory(), but the current task enters the container before anybody sees it, and the
 * directory belongs to the owner of the parent: a task that only wants namespaces of its own must
 * not control limits. Return: -ERESTART if the task is not in the parent any more.
 */
static int clone_directory(struct inode *dir, struct dentry *dentry, struct inode *inode)
{
	struct container *parent = fs_container(dir), *cont;
	struct moves *mv;
	int err;

	container_manage_lock();
	if (!task_is_in(current, parent)) {
		err = -ERESTART;
		goto err_unlock;
	}
	cont = container_create(parent, BIT(CONT_CLONED));
	if (IS_ERR(cont)) {
		err = PTR_ERR(cont);
		goto err_unlock;
	}
	inode->i_uid = dir->i_uid;
	inode->i_gid = dir->i_gid;
	cont->dentry = dentry;
	err = container_inherit(cont);
	if (err)
		goto err_discard;
	err = files_populate(cont);
	if (err)
		goto err_discard;
	mv = container_enter_prepare(cont);
	if (IS_ERR(mv)) {
		err = PTR_ERR(mv);
		goto err_discard;
	}
	dir_show(cont, inode, dir);
	/* the parent may lose its last member now, but has a child */
	container_enter(mv);
	container_manage_unlock();
	return 0;

err_discard:
	container_discard(cont);
err_unlock:
	container_manage_unlock();
	return err;
}

/* Is there no file and no directory of this name? The lock of the parent's inode is held. */
static bool name_is_free(struct dentry *parent, struct dentry *dentry)
{
	struct dentry *found;
	bool free;

	if (filelist_find(fs_container(d_inode(parent)), dentry->d_name.name) >= 0)
		return false;
	found = d_lookup(parent, &dentry->d_name);
	if (!found)
		return true;
	free = d_really_is_negative(found);
	if (free)
		d_drop(found);
	dput(found);
	return free;
}

/*
 * Attempts to clone a container with a certain name. What the user is charged for is allocated
 * before any lock is taken, since he can make his tasks wait inside an allocation. Return: 1 if
 * the name is taken.
 */
static int clone_named(struct dentry *parent, const char *name)
{
	struct inode *dir = d_inode(parent), *inode;
	struct dentry *dentry = d_alloc_name(parent, name);
	int err = -ENOMEM;

	if (!dentry)
		return err;
	inode = make_dir(dir->i_sb, 0755);
	if (!inode)
		goto out;
	inode_lock_nested(dir, I_MUTEX_PARENT);
	err = name_is_free(parent, dentry) ? clone_directory(dir, dentry, inode) : 1;
	if (!err)
		fsnotify_mkdir(dir, dentry);
	inode_unlock(dir);
	if (err)
		iput(inode);
out:
	dput(dentry);
	return err;
}

/* Attempts container_clone() once. Return: -ERESTART if the task was moved meanwhile. */
static int clone_once(struct container_subsys *ss)
{
	struct super_block *sb = NULL;
	struct dentry *parent;
	char name[32];
	int n, err;

	container_manage_lock();
	if (ss->hierarchy)
		sb = hierarchies[ss->hierarchy]->sb;
	/* the first mount may not be complete, or the last one may be going away */
	if (!sb || !(sb->s_flags & SB_ACTIVE) || !atomic_inc_not_zero(&sb->s_active)) {
		container_manage_unlock();
		return 0;
	}
	/* the manage lock keeps the task from being moved, so its container stays */
	rcu_read_lock();
	parent = dget(task_container(current, ss)->dentry);
	rcu_read_unlock();
	container_manage_unlock();

	for (n = 1, err = 1; err > 0; n++) {
		snprintf(name, sizeof(name), n > 1 ? "%d-%d" : "%d", task_pid_nr(current), n);
		err = clone_named(parent, name);
	}
	dput(parent);
	deactivate_super(sb);
	return err;
}

/**
 * container_clone - put the current task into a new container of its own
 * @ss: the subsystem that selects the hierarchy
 *
 * Creates a child of the current task's container and moves the task into it, in one step, so
 * that the container is never seen empty. It is named after the task's number in the initial
 * namespace, with -2, -3, ... added if that name exists. It inherits the flags as by mkdir, and
 * the subsystems' inherit() copies the settings that the task needs. The directory has the owner
 * of its parent.
 *
 * can_clone() is called to ask the subsystems, and can_attach() is not.
 *
 * Context: process, no lock held; sleeps.
 * Return: 0, also if @ss is not bound and there is nothing to do; -EDEADLK with the manage
 * lock held, and in bind() and unbind(); or the errno of the mkdir or of the move. On failure
 * nothing has changed.
 */
int container_clone(struct container_subsys *ss)
{
	int err;

	if (would_hang(__func__))
		return -EDEADLK;
	do {
		err = clone_once(ss);
	} while (err == -ERESTART);
	return err;
}
EXPORT_SYMBOL_GPL(container_clone);
