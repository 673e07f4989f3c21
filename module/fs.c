// SPDX-License-Identifier: GPL-2.0
/*
 * The filesystem: its type, mount options and directories.
 *
 * A superblock belongs to one hierarchy. Each inode, a directory's or a file's, has
 * and keeps its container: nobody looks at a path for it, since a file may have been
 * opened through overlayfs. The dentries have no backing store: each is pinned until it
 * is removed.
 *
 * Order of locks: s_umount, the inode locks, the manage lock; never the other way
 * round. No inode lock is held while something is copied to a user, who could have it
 * held for as long as he likes.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/fsnotify.h>
#include <linux/kmod.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "container_trace.h"
#include "core.h"
#include "parse.h"

#define CONTAINER_SUPER_MAGIC 0x27e0eb

static const struct inode_operations dir_inode_ops, file_inode_ops;
static const struct file_operations dir_file_ops;

/* --- inodes and files ------------------------------------------------------ */

/**
 * struct container_inode - an inode of ours
 * @vfs: the VFS's part
 * @cont: its container, which it keeps unless that is a root: that lives as long as the
 *	superblock. Set before the inode shows, and never changed
 * @cft: of a control file, likewise
 */
struct container_inode {
	struct inode vfs;
	struct container *cont;
	const struct container_cftype *cft;
};

static struct kmem_cache *inode_cache;

static struct container_inode *to_ours(const struct inode *inode)
{
	return container_of(inode, struct container_inode, vfs);
}

/**
 * fs_container - the container that an inode of this filesystem belongs to
 * @inode: the inode, which keeps it
 */
struct container *fs_container(const struct inode *inode)
{
	return to_ours(inode)->cont;
}

/**
 * fs_cftype - the control file that an inode is
 * @inode: the inode of a file
 */
const struct container_cftype *fs_cftype(const struct inode *inode)
{
	return to_ours(inode)->cft;
}

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
		inode->i_fop = &dir_file_ops;
		/* for "." */
		inc_nlink(inode);
	} else {
		inode->i_op = &file_inode_ops;
	}
	return inode;
}

/* Says whose a new inode is. */
static void own_inode(struct inode *inode, struct container *cont)
{
	if (!container_is_top(cont))
		container_get(cont);
	to_ours(inode)->cont = cont;
}

/*
 * chmod, chown, utimes. A control file has no size: who truncates it, as a shell does
 * before it writes, is told that this was done.
 */
static int file_setattr(COMPAT_IDMAP_PARAM struct dentry *dentry, struct iattr *attr)
{
	attr->ia_valid &= ~ATTR_SIZE;
	return simple_setattr(COMPAT_IDMAP_ARG dentry, attr);
}

static const struct inode_operations file_inode_ops = {
	.setattr = file_setattr,
};

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
	own_inode(f->inode, cont);
	to_ours(f->inode)->cft = cft;
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

/**
 * fs_newest_file - the file that fs_add_file() has added last
 * @cont: the container
 *
 * Context: manage lock held.
 */
struct dentry *fs_newest_file(const struct container *cont)
{
	return cont->new_files->dentry;
}

/* The files of a directory that is there now show; or it will not be, and they go. */
static void finish_files(struct container *cont, struct dentry *dir, bool show)
{
	struct new_file *f;

	while ((f = cont->new_files)) {
		cont->new_files = f->next;
		if (show) {
			f->inode->i_uid = d_inode(dir)->i_uid;
			f->inode->i_gid = d_inode(dir)->i_gid;
			compat_d_add_pinned(f->dentry, f->inode);
		} else {
			iput(f->inode);
			dput(f->dentry);
		}
		kfree(f);
	}
}

/* --- listing directories ---------------------------------------------------- */

/**
 * struct dir_listing - a directory as it was when somebody began to list it
 * @lock: held to make it and to read it; outside the lock of the directory's inode
 * @buf: its entries, one after another
 * @len: how long they are
 * @room: how long they may get
 * @next: where the one is that has not been read yet
 *
 * The VFS has the reader hold the inode's lock. If he reads into memory that does not
 * come (a filesystem of his own, userfaultfd), then nobody could make or remove
 * anything in the directory, and no task could be given a container there, for as long
 * as he likes. So he gets a copy, and the lock is given up meanwhile.
 */
struct dir_listing {
	struct mutex lock;
	char *buf;
	size_t len, room, next;
};

/* An entry of it. */
struct dir_entry {
	u64 ino;
	u16 size;
	u8 type;
	u8 len;
	char name[];
};

static int dir_open(struct inode *inode, struct file *file)
{
	struct dir_listing *l = kzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);

	if (!l)
		return -ENOMEM;
	mutex_init(&l->lock);
	file->private_data = l;
	return 0;
}

static int dir_release(struct inode *inode, struct file *file)
{
	struct dir_listing *l = file->private_data;

	kvfree(l->buf);
	kfree(l);
	return 0;
}

static int listing_add(struct dir_listing *l, const struct dentry *child)
{
	size_t size = ALIGN(sizeof(struct dir_entry) + child->d_name.len, sizeof(u64));
	struct dir_entry *e;
	char *buf;

	if (l->len + size > l->room) {
		buf = kvmalloc(max_t(size_t, 2 * l->room, PAGE_SIZE), GFP_KERNEL_ACCOUNT);
		if (!buf)
			return -ENOMEM;
		memcpy(buf, l->buf, l->len);
		kvfree(l->buf);
		l->buf = buf;
		l->room = max_t(size_t, 2 * l->room, PAGE_SIZE);
	}
	e = (struct dir_entry *)(l->buf + l->len);
	e->ino = d_inode(child)->i_ino;
	e->size = size;
	e->type = fs_umode_to_dtype(d_inode(child)->i_mode);
	e->len = child->d_name.len;
	memcpy(e->name, child->d_name.name, e->len);
	l->len += size;
	return 0;
}

static int listing_make(struct dir_listing *l, struct dentry *dir)
{
	struct dentry *child = NULL;
	int err = 0;

	l->len = 0;
	l->next = 0;
	inode_lock_shared(d_inode(dir));
	while (!err && (child = compat_next_child(dir, child)))
		err = listing_add(l, child);
	inode_unlock_shared(d_inode(dir));
	dput(child);
	return err;
}

/* Where the entry is that a position, which the user may have made up, means. */
static void listing_seek(struct dir_listing *l, loff_t pos)
{
	if (l->next == pos)
		return;
	for (l->next = 0; l->next < l->len && l->next < pos; )
		l->next += ((struct dir_entry *)(l->buf + l->next))->size;
}

/* Position 0 and 1 are the dots, then come the bytes of the listing. */
static int listing_read(struct dir_listing *l, struct file *file, struct dir_context *ctx)
{
	const struct dir_entry *e;
	int err;

	if (!ctx->pos) {
		err = listing_make(l, file->f_path.dentry);
		if (err)
			return err;
	}
	if (!dir_emit_dots(file, ctx))
		return 0;
	for (listing_seek(l, ctx->pos - 2); l->next < l->len; l->next += e->size) {
		e = (const struct dir_entry *)(l->buf + l->next);
		ctx->pos = l->next + 2;
		if (!dir_emit(ctx, e->name, e->len, e->ino, e->type))
			return 0;
		ctx->pos += e->size;
	}
	return 0;
}

static int dir_iterate(struct file *file, struct dir_context *ctx)
{
	struct dir_listing *l = file->private_data;
	int err;

	inode_unlock_shared(file_inode(file));
	err = mutex_lock_killable(&l->lock);
	if (!err) {
		err = listing_read(l, file, ctx);
		mutex_unlock(&l->lock);
	}
	inode_lock_shared(file_inode(file));
	return err;
}

static const struct file_operations dir_file_ops = {
	.owner = THIS_MODULE,
	.open = dir_open,
	.read = generic_read_dir,
	.iterate_shared = dir_iterate,
	.llseek = generic_file_llseek,
	.fsync = noop_fsync,
	.release = dir_release,
};

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
 *
 * Both show at once, under the manage lock: whoever removes the container, be it an
 * instant later, finds its directory. The files come next, and whoever looks for one of
 * them, or is to remove them, waits for the lock of the new inode.
 */
static int make_directory(struct inode *dir, struct dentry *dentry, umode_t mode, bool clone)
{
	struct container *parent = fs_container(dir), *cont;
	struct move *mv = NULL;
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
		container_enter(mv, cont);
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
 * it in the end is removed as the VFS expects, which tells whoever watches.
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
 * No can_attach() is asked, but can_clone().
 *
 * Context: process, no lock held; sleeps.
 * Return: 0, also where @ss is not bound to any hierarchy and there is nothing to
 * do; -EDEADLK with the manage lock held; -ENAMETOOLONG if its path would be longer
 * than PATH_MAX; or what mkdir or the move failed with. On failure there is no new
 * container and nothing has changed.
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

/* --- superblocks ----------------------------------------------------------- */

static struct inode *super_alloc_inode(struct super_block *sb)
{
	/* none of ours is ever kept unused: the VFS's lists of such do not matter */
	struct container_inode *ci = kmem_cache_alloc(inode_cache, GFP_KERNEL);

	if (!ci)
		return NULL;
	ci->cont = NULL;
	ci->cft = NULL;
	return &ci->vfs;
}

static void super_free_inode(struct inode *inode)
{
	kmem_cache_free(inode_cache, to_ours(inode));
}

static void super_evict_inode(struct inode *inode)
{
	struct container *cont = fs_container(inode);

	truncate_inode_pages_final(&inode->i_data);
	clear_inode(inode);
	if (cont && !container_is_top(cont))
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
	own_inode(d_inode(sb->s_root), &h->top);
	h->top.dentry = sb->s_root;
	err = files_populate(&h->top);
	finish_files(&h->top, sb->s_root, !err);
	if (err) {
		/* at once: a mount that comes now may not find it half made */
		to_ours(d_inode(sb->s_root))->cont = NULL;
		hierarchy_dissolve(h);
		hierarchy_put(h);
		return err;
	}
	sb->s_fs_info = h;
	/* from here on container_clone() may make directories */
	sb->s_flags |= SB_ACTIVE;
	return 0;
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
	struct mount_options *opts = kzalloc(sizeof(*opts), GFP_KERNEL);

	if (!opts)
		return -ENOMEM;
	fc->fs_private = opts;
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

static void init_inode_once(void *mem)
{
	struct container_inode *ci = mem;

	inode_init_once(&ci->vfs);
}

int fs_init(void)
{
	int err;

	inode_cache = kmem_cache_create("container_inode", sizeof(struct container_inode), 0,
					SLAB_RECLAIM_ACCOUNT | SLAB_ACCOUNT, init_inode_once);
	if (!inode_cache)
		return -ENOMEM;
	err = register_filesystem(&container_fs_type);
	if (err)
		kmem_cache_destroy(inode_cache);
	return err;
}

void fs_exit(void)
{
	unregister_filesystem(&container_fs_type);
	/* inodes are freed after a grace period */
	rcu_barrier();
	kmem_cache_destroy(inode_cache);
}
