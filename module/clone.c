// SPDX-License-Identifier: GPL-2.0
/*
 * container_clone(): a new container for the current task, created and entered in one step.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dcache.h>
#include <linux/fsnotify.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/slab.h>

#include "compat.h"
#include "fs.h"

/* Is the path short enough for /proc and for the release agent? */
static int check_path(const struct container *cont)
{
	char *path = kmalloc(PATH_MAX, GFP_KERNEL);
	int err = path ? container_path(cont, path, PATH_MAX) : -ENOMEM;

	kfree(path);
	return err;
}

/*
 * As make_directory(), but the current task enters the container before anybody sees it, and the
 * directory belongs to the owner of the parent: a task that only wants namespaces of its own must
 * not control limits. Return: -ERESTART if the task is not in the parent any more.
 */
static int clone_directory(struct inode *dir, struct dentry *dentry)
{
	struct container *parent = fs_container(dir), *cont;
	struct new_dir new;
	struct moves *mv;
	int err = dir_begin(&new, dir, dentry, 0755);

	if (err)
		return err;
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
	own_inode(new.inode, cont);
	new.inode->i_uid = dir->i_uid;
	new.inode->i_gid = dir->i_gid;
	cont->dentry = dentry;
	err = check_path(cont) ?: container_inherit(cont);
	if (err)
		goto err_discard;
	err = files_populate(cont, &new.files);
	if (err)
		goto err_discard;
	mv = container_enter_prepare(cont);
	if (IS_ERR(mv)) {
		err = PTR_ERR(mv);
		goto err_discard;
	}
	dir_show(&new, cont);
	/* the parent may lose its last member now, but has a child */
	container_enter(mv);
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

/* Attempts container_clone() once. Return: -ERESTART if the task was moved meanwhile. */
static int clone_once(struct container_subsys *ss)
{
	struct dentry *parent, *dentry;
	struct super_block *sb = NULL;
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

	inode_lock_nested(d_inode(parent), I_MUTEX_PARENT);
	for (n = 1; ; n++) {
		snprintf(name, sizeof(name), n > 1 ? "%d-%d" : "%d", task_pid_nr(current), n);
		dentry = compat_lookup(parent, name);
		if (IS_ERR(dentry) || d_really_is_negative(dentry))
			break;
		dput(dentry);
	}
	err = PTR_ERR_OR_ZERO(dentry);
	if (!err) {
		err = clone_directory(d_inode(parent), dentry);
		if (!err)
			fsnotify_mkdir(d_inode(parent), dentry);
		dput(dentry);
	}
	inode_unlock(d_inode(parent));
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
 * lock held; -ENAMETOOLONG if the path would be longer than PATH_MAX; or the errno of the mkdir
 * or of the move. On failure nothing has changed.
 */
int container_clone(struct container_subsys *ss)
{
	int err;

	if (manage_lock_is_mine()) {
		pr_err("%s: container_clone() was called with the manage lock held\n", ss->name);
		return -EDEADLK;
	}
	do {
		err = clone_once(ss);
	} while (err == -ERESTART);
	return err;
}
EXPORT_SYMBOL_GPL(container_clone);
