// SPDX-License-Identifier: GPL-2.0
/*
 * The filesystem: its type, mount options and directories.
 *
 * A superblock belongs to one hierarchy, a directory to one container, which its
 * inode keeps. The dentries have no backing store: each is pinned until it is
 * removed.
 *
 * Order of locks: s_umount, removal_mutex, the inode locks, the manage lock. None
 * of the others is taken under the manage lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/fsnotify.h>
#include <linux/kmod.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "core.h"
#include "parse.h"

#define CONTAINER_SUPER_MAGIC 0x27e0eb

static const struct inode_operations dir_inode_ops;

/*
 * Held from the removal of a container to that of its directory, so that nobody
 * removes the parent's directory in between. Outside the manage lock and the
 * inode locks.
 */
static DEFINE_MUTEX(removal_mutex);

/* --- inodes and files ------------------------------------------------------ */

static struct inode *make_inode(struct super_block *sb, umode_t mode)
{
	struct inode *inode = new_inode(sb);

	if (!inode)
		return NULL;
	inode->i_ino = get_next_ino();
	compat_inode_init_owner(inode, NULL, mode);
	compat_inode_init_times(inode);
	if (S_ISDIR(mode)) {
		inode->i_op = &dir_inode_ops;
		inode->i_fop = &simple_dir_operations;
		/* for "." */
		inc_nlink(inode);
	}
	return inode;
}

/* A file that a directory in the making is to get once it is there. */
struct new_file {
	struct new_file *next;
	struct dentry *dentry;
	struct inode *inode;
};

/**
 * fs_add_file - give a directory in the making a file
 * @cont: its container
 * @cft: the file
 * @fops: its operations
 *
 * Context: manage lock held; sleeps.
 * Return: 0, -EEXIST, -ENOMEM.
 */
int fs_add_file(struct container *cont, const struct container_cftype *cft,
		const struct file_operations *fops)
{
	umode_t mode = cft->mode ?: (cft->show ? 0444 : 0) | (cft->write ? 0200 : 0);
	struct new_file *f;

	for (f = cont->new_files; f; f = f->next)
		if (!strcmp(f->dentry->d_name.name, cft->name))
			return -EEXIST;

	f = kmalloc(sizeof(*f), GFP_KERNEL);
	if (!f)
		return -ENOMEM;
	f->dentry = d_alloc_name(cont->dentry, cft->name);
	if (!f->dentry)
		goto err_file;
	f->inode = make_inode(cont->dentry->d_sb, S_IFREG | mode);
	if (!f->inode)
		goto err_dentry;
	f->inode->i_private = (void *)cft;
	f->inode->i_fop = fops;
	f->next = cont->new_files;
	cont->new_files = f;
	return 0;

err_dentry:
	dput(f->dentry);
err_file:
	kfree(f);
	return -ENOMEM;
}

/* The files of a directory that is there now show; or it will not be, and they go. */
static void finish_files(struct container *cont, bool show)
{
	struct new_file *f;

	while ((f = cont->new_files)) {
		cont->new_files = f->next;
		if (show) {
			f->inode->i_uid = d_inode(cont->dentry)->i_uid;
			f->inode->i_gid = d_inode(cont->dentry)->i_gid;
			compat_d_add_pinned(f->dentry, f->inode);
		} else {
			iput(f->inode);
			dput(f->dentry);
		}
		kfree(f);
	}
}

/* --- directories ----------------------------------------------------------- */

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
 * once. It then belongs to whoever has its parent: a task that only wants to have
 * namespaces of its own gets no say about limits.
 */
static int make_directory(struct inode *dir, struct dentry *dentry, umode_t mode, bool clone)
{
	struct container *parent = dir->i_private, *cont;
	struct move *mv = NULL;
	struct inode *inode;
	int err;

	if (strchr(dentry->d_name.name, '\n'))
		return -EINVAL;

	container_manage_lock();
	if (clone && !task_is_in(current, parent)) {
		err = -ERESTART;
		goto err_unlock;
	}
	cont = container_create(parent);
	if (IS_ERR(cont)) {
		err = PTR_ERR(cont);
		goto err_unlock;
	}
	err = -ENOMEM;
	inode = make_inode(dir->i_sb, S_IFDIR | mode);
	if (!inode)
		goto err_discard;
	container_get(cont);
	inode->i_private = cont;
	cont->dentry = dentry;
	if (clone) {
		inode->i_uid = dir->i_uid;
		inode->i_gid = dir->i_gid;
		err = check_path(cont) ?: container_inherit(cont);
		if (err)
			goto err_inode;
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
	/* not before it is a child: its parent may lose its last member */
	if (clone)
		container_enter(mv, cont);
	container_manage_unlock();

	/* whoever comes in before the files are there waits for this lock */
	inode_lock_nested(inode, I_MUTEX_CHILD);
	compat_d_instantiate_pinned(dentry, inode);
	finish_files(cont, true);
	inode_unlock(inode);
	inc_nlink(dir);
	compat_inode_touch(dir);
	return 0;

err_files:
	finish_files(cont, false);
err_inode:
	iput(inode);
err_discard:
	container_discard(cont);
err_unlock:
	container_manage_unlock();
	return err;
}

static COMPAT_MKDIR_TYPE dir_mkdir(COMPAT_IDMAP_PARAM struct inode *dir,
				   struct dentry *dentry, umode_t mode)
{
	return compat_mkdir_return(make_directory(dir, dentry, mode, false));
}

/**
 * fs_remove_container - remove a container and its directory
 * @cont: a container below a root, with a reference of the caller's
 * @kill: kill its members first, and take all that is below along
 *
 * Context: sleeps; no inode lock held.
 * Return: as container_remove() and container_kill_members().
 */
int fs_remove_container(struct container *cont, bool kill)
{
	struct hierarchy *h = container_hierarchy(cont);
	struct super_block *sb = h->sb;
	struct dentry *dentry;
	int err;

	if (kill) {
		container_manage_lock();
		err = container_kill_members(cont);
		container_manage_unlock();
		if (err)
			return err;
	}

	mutex_lock(&removal_mutex);
	container_manage_lock();
	err = container_remove(cont, kill);
	if (err) {
		if (kill && err != -ENODEV)
			container_kill_end(cont);
		container_manage_unlock();
		mutex_unlock(&removal_mutex);
		return err;
	}
	dentry = dget(cont->dentry);
	/*
	 * Something has to keep the superblock while we are at the directory: the
	 * reference that the last container leaves, or one more of the same kind.
	 */
	if (h->nr_containers > 1)
		atomic_inc(&sb->s_active);
	container_manage_unlock();
	simple_recursive_removal(dentry, NULL);
	dput(dentry);
	mutex_unlock(&removal_mutex);
	deactivate_super(sb);
	return 0;
}

/*
 * The VFS holds the locks of both inodes. They are given up meanwhile: a member
 * that is being killed may be waiting for one, and simple_recursive_removal(),
 * which all removals share, takes them. What they protected is protected by the
 * manage lock: once the container is marked as removed, no mkdir, rmdir or
 * rename touches the directory any more.
 */
static int dir_rmdir(struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);
	struct container *cont = inode->i_private;
	int err;

	inode_unlock(inode);
	inode_unlock(dir);
	err = fs_remove_container(cont, test_bit(CONT_KILL_ON_RMDIR, &cont->flags));
	inode_lock_nested(dir, I_MUTEX_PARENT);
	inode_lock(inode);
	/* somebody else was faster: to rmdir(2) it is not there any more */
	return err == -ENODEV ? -ENOENT : err;
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
	cont = d_inode(old_dentry)->i_private;
	container_lock();
	err = container_is_removed(cont) ? -ENOENT : 0;
	container_unlock();
	return err;
}

static const struct inode_operations dir_inode_ops = {
	.lookup = simple_lookup,
	.mkdir = dir_mkdir,
	.rmdir = dir_rmdir,
	.rename = dir_rename,
};

/* container_clone(), once; -ERESTART if the task was moved meanwhile. */
static int clone_once(struct container_subsys *ss)
{
	struct dentry *parent, *dentry;
	struct super_block *sb = NULL;
	char name[32];
	int n, err;

	container_manage_lock();
	if (ss->hierarchy)
		sb = hierarchies[ss->hierarchy]->sb;
	/* the mount may not be complete, or be the last one and on its way out */
	if (!sb || !(sb->s_flags & SB_ACTIVE) || !atomic_inc_not_zero(&sb->s_active)) {
		container_manage_unlock();
		return 0;
	}
	/* the manage lock keeps it: nobody is moved, and so it is not removed */
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
		err = make_directory(d_inode(parent), dentry, 0755, true);
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
 * @ss: the subsystem whose hierarchy it is to be in
 *
 * Makes a child of the current task's container, named after the task's number
 * in the initial namespace (with -2, -3, ... where that is taken), and moves the
 * task into it, in one: nobody sees it empty. The flags are inherited as by mkdir;
 * the subsystems' clone() takes over what the task needs of theirs. The directory
 * has the owner of the one above.
 *
 * Context: process, no lock held; sleeps.
 * Return: 0, also where @ss is not bound to any hierarchy and there is nothing to
 * do; -ENAMETOOLONG if its path would be longer than PATH_MAX; or what mkdir or the
 * move failed with. On failure there is no new container and nothing has changed.
 */
int container_clone(struct container_subsys *ss)
{
	int err;

	do {
		err = clone_once(ss);
	} while (err == -ERESTART);
	return err;
}
EXPORT_SYMBOL_GPL(container_clone);

/* --- superblocks ----------------------------------------------------------- */

static void super_evict_inode(struct inode *inode)
{
	struct container *cont = inode->i_private;

	truncate_inode_pages_final(&inode->i_data);
	clear_inode(inode);
	if (S_ISDIR(inode->i_mode) && cont && !container_is_top(cont))
		container_put(cont);
}

static int super_show_options(struct seq_file *m, struct dentry *root)
{
	struct hierarchy *h = root->d_sb->s_fs_info;
	struct container_subsys *ss;
	int id;

	container_lock();
	for_each_bound_subsys(h, id, ss)
		seq_printf(m, ",%s", ss->name);
	if (bitmap_empty(h->subsys, MAX_CONTAINER_SUBSYS))
		seq_puts(m, ",none");
	if (h->name[0])
		seq_printf(m, ",name=%s", h->name);
	if (h->noprefix)
		seq_puts(m, ",noprefix");
	if (test_bit(CONT_CLONE_CHILDREN, &h->top.flags))
		seq_puts(m, ",clone_children");
	if (h->release_agent[0])
		seq_show_option(m, "release_agent", h->release_agent);
	container_unlock();
	return 0;
}

static const struct super_operations super_ops = {
	.statfs = simple_statfs,
	.drop_inode = compat_drop_inode,
	.evict_inode = super_evict_inode,
	.show_options = super_show_options,
};

static int super_fill(struct super_block *sb)
{
	struct inode *inode;

	sb->s_blocksize = PAGE_SIZE;
	sb->s_blocksize_bits = PAGE_SHIFT;
	sb->s_magic = CONTAINER_SUPER_MAGIC;
	sb->s_op = &super_ops;
	sb->s_time_gran = 1;

	inode = make_inode(sb, S_IFDIR | 0755);
	if (!inode)
		return -ENOMEM;
	sb->s_root = d_make_root(inode);
	return sb->s_root ? 0 : -ENOMEM;
}

/* Makes the hierarchy that a new superblock is for, and its root directory. */
static int super_make_hierarchy(struct super_block *sb, struct mount_options *opts)
{
	struct hierarchy *h = hierarchy_create(opts, sb);
	int err;

	if (IS_ERR(h))
		return PTR_ERR(h);
	sb->s_fs_info = h;
	d_inode(sb->s_root)->i_private = &h->top;
	h->top.dentry = sb->s_root;
	err = files_populate(&h->top);
	finish_files(&h->top, !err);
	/* from here on container_clone() may make directories */
	if (!err)
		sb->s_flags |= SB_ACTIVE;
	return err;
}

/*
 * Says why a mount is refused, once in the kernel log and once in that of fsopen(2), if
 * the caller has one, which mount(8) shows.
 */
static int mount_result(struct fs_context *fc, int err)
{
	const struct mount_options *opts = fc->fs_private;

	if (err && opts->why[0]) {
		/* without that log errorf() would say it in the kernel's */
		if (fc->log.log)
			errorf(fc, "%s", opts->why);
		pr_err("mount refused: %s\n", opts->why);
	}
	return err;
}

/* Looked at before the options, so that nobody else fills the kernel log with those. */
static int check_privilege(struct fs_context *fc)
{
	static const char why[] = "this takes CAP_SYS_ADMIN in the initial user namespace";

	if (capable(CAP_SYS_ADMIN))
		return 0;
	if (fc->log.log)
		errorf(fc, "%s", why);
	pr_notice_ratelimited("mount refused to %s[%d]: %s\n", current->comm,
			      task_pid_nr(current), why);
	return -EPERM;
}

/* Loads the modules of subsystems that are named and not there. */
static void load_subsystems(const struct mount_options *opts)
{
	const char *name;
	bool known;

	for_each_option_subsys(opts, name) {
		container_lock();
		known = subsys_find(name);
		container_unlock();
		if (!known)
			request_module("container-subsys-%s", name);
	}
}

/*
 * A mount asks for a hierarchy that may be there, be in the making, or be on its
 * way out. It is looked for under the manage lock, and waited for without.
 */
static int get_tree_once(struct fs_context *fc)
{
	struct mount_options *opts = fc->fs_private;
	struct super_block *sb;
	struct hierarchy *h;
	unsigned int seen;
	int err;

	for (;;) {
		container_manage_lock();
		h = hierarchy_find(opts);
		if (!h || IS_ERR(h)) {
			container_manage_unlock();
			if (IS_ERR(h))
				return PTR_ERR(h);
			break;
		}
		sb = h->sb;
		if (atomic_inc_not_zero(&sb->s_active)) {
			container_manage_unlock();
			down_write(&sb->s_umount);
			fc->root = dget(sb->s_root);
			return 0;
		}
		seen = hierarchies_dissolved();
		container_manage_unlock();
		err = hierarchy_wait_dissolved(seen);
		if (err)
			return err;
	}

	sb = sget_fc(fc, NULL, set_anon_super_fc);
	if (IS_ERR(sb))
		return PTR_ERR(sb);
	err = super_fill(sb);
	if (!err) {
		container_manage_lock();
		/* somebody may have been faster, or in the way, since we looked */
		h = hierarchy_find(opts);
		err = h ? -ERESTART : super_make_hierarchy(sb, opts);
		container_manage_unlock();
	}
	if (err) {
		deactivate_locked_super(sb);
		return err;
	}
	fc->root = dget(sb->s_root);
	return 0;
}

static int fs_get_tree(struct fs_context *fc)
{
	struct mount_options *opts = fc->fs_private;
	int err;

	err = parse_options_check(opts);
	if (err)
		return mount_result(fc, err);
	load_subsystems(opts);
	do {
		err = get_tree_once(fc);
	} while (err == -ERESTART);
	return mount_result(fc, err);
}

static int fs_reconfigure(struct fs_context *fc)
{
	struct mount_options *opts = fc->fs_private;
	struct hierarchy *h = fc->root->d_sb->s_fs_info, *found;
	int err;

	if (!opts->given)
		return 0;
	err = parse_options_check(opts);
	if (err)
		return mount_result(fc, err);
	container_manage_lock();
	found = hierarchy_find(opts);
	/* a reason why these options cannot be had is one why they cannot be had here */
	if (found != h)
		err = IS_ERR(found) ? -EBUSY :
			options_refuse(opts, -EBUSY, "a remount cannot change what is bound");
	container_manage_unlock();
	return mount_result(fc, err);
}

static int fs_parse_param(struct fs_context *fc, struct fs_parameter *param)
{
	int err;

	if (param->type == fs_value_is_string && !strcmp(param->key, "source"))
		return -ENOPARAM;
	err = check_privilege(fc);
	if (err)
		return err;
	switch (param->type) {
	case fs_value_is_flag:
		err = parse_option(fc->fs_private, param->key, NULL);
		break;
	case fs_value_is_string:
		err = parse_option(fc->fs_private, param->key, param->string);
		break;
	default:
		err = options_refuse(fc->fs_private, -EINVAL, "options are text");
	}
	return mount_result(fc, err);
}

/* The string of mount(2); the generic parser would skip empty tokens. */
static int fs_parse_monolithic(struct fs_context *fc, void *data)
{
	int err = check_privilege(fc);

	if (err)
		return err;
	if (data && parse_has_empty_token(data))
		return mount_result(fc, options_refuse(fc->fs_private, -EINVAL,
						       "an option is empty: too many commas"));
	return generic_parse_monolithic(fc, data);
}

static void fs_free_context(struct fs_context *fc)
{
	struct mount_options *opts = fc->fs_private;

	kfree(opts->release_agent);
	kfree(opts);
}

static const struct fs_context_operations fs_context_ops = {
	.free = fs_free_context,
	.parse_param = fs_parse_param,
	.parse_monolithic = fs_parse_monolithic,
	.get_tree = fs_get_tree,
	.reconfigure = fs_reconfigure,
};

static int fs_init_context(struct fs_context *fc)
{
	fc->fs_private = kzalloc(sizeof(struct mount_options), GFP_KERNEL);
	if (!fc->fs_private)
		return -ENOMEM;
	fc->ops = &fs_context_ops;
	return 0;
}

static void fs_kill_sb(struct super_block *sb)
{
	struct hierarchy *h = sb->s_fs_info;

	if (h) {
		container_manage_lock();
		hierarchy_dissolve(h);
		container_manage_unlock();
	}
	compat_kill_super(sb);
	if (h)
		hierarchy_put(h);
}

static struct file_system_type container_fs_type = {
	.owner = THIS_MODULE,
	.name = "container",
	.init_fs_context = fs_init_context,
	.kill_sb = fs_kill_sb,
};
MODULE_ALIAS_FS("container");

int fs_init(void)
{
	return register_filesystem(&container_fs_type);
}

void fs_exit(void)
{
	unregister_filesystem(&container_fs_type);
}
