// SPDX-License-Identifier: GPL-2.0
/*
 * The filesystem type "container" and mounting it. Each superblock belongs to one hierarchy.
 *
 * Mounts and the last unmount of a hierarchy race; the superblock's active references settle who
 * wins. A mount waits for hierarchies that are being dissolved, and then holds the lock on bindings
 * until its own is complete.
 *
 * sync(2) waits for a superblock's s_umount, and for a new superblock until it is complete. So the
 * lock on bindings is taken, and hooks are armed and disarmed, while there is no superblock; a
 * remount, which has s_umount, does without that lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dcache.h>
#include <linux/fs_context.h>
#include <linux/kmod.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "compat.h"
#include "fs.h"
#include "parse.h"

#define CONTAINER_SUPER_MAGIC 0x27e0eb

/*
 * For readers of /proc/mounts, which keep all mounts and unmounts waiting: so without a mutex. What
 * is bound, and the name, stay as long as there is a superblock.
 */
static int super_show_options(struct seq_file *m, struct dentry *root)
{
	struct hierarchy *h = root->d_sb->s_fs_info;
	struct container_subsys *ss;
	int id;

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
	spin_lock(&h->agent_lock);
	if (h->release_agent[0])
		seq_show_option(m, "release_agent", h->release_agent);
	spin_unlock(&h->agent_lock);
	return 0;
}

static const struct super_operations super_ops = {
	.alloc_inode = super_alloc_inode,
	.free_inode = super_free_inode,
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
	/* or the owner of a file could keep others from writing to it, by executing it */
	sb->s_iflags |= SB_I_NOEXEC | SB_I_NODEV;

	inode = make_dir(sb, 0755);
	if (!inode)
		return -ENOMEM;
	sb->s_root = d_make_root(inode);
	return sb->s_root ? 0 : -ENOMEM;
}

/* Joins a new superblock and a new hierarchy. */
static int super_populate(struct super_block *sb, struct hierarchy *h)
{
	int err;

	container_manage_lock();
	h->top.dentry = sb->s_root;
	err = files_populate(&h->top);
	if (!err) {
		own_dir(d_inode(sb->s_root), &h->top);
		sb->s_fs_info = h;
		container_lock();
		h->sb = sb;
		h->mounted = true;
		container_unlock();
		/* from now on container_clone() may create directories */
		sb->s_flags |= SB_ACTIVE;
	}
	container_manage_unlock();
	return err;
}

/*
 * Reports why a mount is refused, in the kernel log and, if the caller uses fsopen(2), in the log
 * of its context, which mount(8) prints.
 */
static int mount_result(struct fs_context *fc, int err)
{
	const struct mount_options *opts = fc->fs_private;

	if (err && opts->why[0]) {
		/* without such a log errorf() would write to the kernel log, too */
		if (fc->log.log)
			errorf(fc, "%s", opts->why);
		pr_err("mount refused: %s\n", opts->why);
	}
	return err;
}

/* Checked before the options, so that unprivileged users cannot fill the kernel log. */
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

/* Loads the modules of named subsystems that are not registered. */
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

/* Creates a hierarchy, which does not exist, and its superblock; under the lock on bindings. */
static int get_tree_new(struct fs_context *fc)
{
	struct hierarchy *h = hierarchy_create(fc->fs_private);
	struct super_block *sb;
	int err;

	if (IS_ERR(h))
		return PTR_ERR(h);
	sb = sget_fc(fc, NULL, set_anon_super_fc);
	if (IS_ERR(sb)) {
		err = PTR_ERR(sb);
		goto err_hierarchy;
	}
	err = super_fill(sb) ?: super_populate(sb, h);
	if (err)
		goto err_super;
	fc->root = dget(sb->s_root);
	return 0;

err_super:
	hierarchy_unmounted(h);
	deactivate_locked_super(sb);
err_hierarchy:
	/* still under the lock on bindings, so that no mount finds it incomplete */
	hierarchy_dissolve(h);
	hierarchy_put(h);
	return err;
}

/*
 * Attempts to mount once. The hierarchy may exist or not. Return: -ERESTART if its last unmount
 * has interfered.
 */
static int get_tree_once(struct fs_context *fc)
{
	struct super_block *sb = NULL;
	struct hierarchy *h;
	int err;

	err = hierarchy_wait_ends() ?: bind_lock_killable();
	if (err)
		return err;
	h = hierarchy_find(fc->fs_private);
	if (!h)
		err = get_tree_new(fc);
	else if (IS_ERR(h))
		err = PTR_ERR(h);
	else
		sb = hierarchy_super(h);
	bind_unlock();
	if (!h || err)
		return err;
	if (!sb)
		return -ERESTART;
	down_write(&sb->s_umount);
	/* an earlier mount may have left it read-only; that of others is kept by their own flag */
	if (!(fc->sb_flags & SB_RDONLY))
		sb->s_flags &= ~SB_RDONLY;
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
	/* this one stays, as it is mounted */
	found = hierarchy_find(opts);
	/* an error means a conflict with some hierarchy: a remount cannot solve it either */
	if (found != h)
		err = IS_ERR(found) ? -EBUSY :
			options_refuse(opts, -EBUSY, "a remount cannot change what is bound");
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

/* Parses the string of mount(2). Empty options are refused; the generic parser would skip them. */
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
	struct mount_options *opts = kzalloc(sizeof(*opts), GFP_KERNEL);

	if (!opts)
		return -ENOMEM;
	fc->fs_private = opts;
	fc->ops = &fs_context_ops;
	/* the superblock belongs to the initial user namespace, whoever has made the context */
	fc->global = true;
	return 0;
}

static void fs_kill_sb(struct super_block *sb)
{
	struct hierarchy *h = sb->s_fs_info;

	if (h)
		hierarchy_unmounted(h);
	compat_kill_super(sb);
	if (h)
		hierarchy_end(h);
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
	int err = inodes_init();

	if (err)
		return err;
	err = register_filesystem(&container_fs_type);
	if (err)
		inodes_exit();
	return err;
}

void fs_exit(void)
{
	unregister_filesystem(&container_fs_type);
	inodes_exit();
}
