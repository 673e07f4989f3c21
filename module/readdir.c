// SPDX-License-Identifier: GPL-2.0
/*
 * Lists a directory without blocking changes to it: a reader gets a snapshot.
 */
#include <linux/dcache.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "compat.h"
#include "filelist.h"
#include "fs.h"

/**
 * struct dir_listing - a snapshot of a directory, for one open file
 * @lock: guards the rest; taken outside the lock of the directory's inode
 * @buf: the entries, one after another
 * @len: their length
 * @room: size of @buf
 * @next: offset of the next entry to read
 *
 * The VFS holds the inode's lock while it writes entries to user memory. A user can delay that
 * write at will (userfaultfd, FUSE), and nothing could be created in the directory or removed
 * from it until then. So the lock is dropped, and only the snapshot is made with it held.
 */
struct dir_listing {
	struct mutex lock;
	char *buf;
	size_t len, room, next;
};

/* An entry of the listing. */
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

/* Adds an entry, if there is room; the length grows in any case. */
static void listing_add(struct dir_listing *l, const char *name, u64 ino, u8 type)
{
	size_t len = strlen(name), size = ALIGN(sizeof(struct dir_entry) + len, sizeof(u64));
	struct dir_entry *e;

	l->len += size;
	if (l->len > l->room)
		return;
	e = (struct dir_entry *)(l->buf + l->len - size);
	e->ino = ino;
	e->size = size;
	e->type = type;
	e->len = len;
	memcpy(e->name, name, len);
}

/* Adds the control files, most of which may not have been made yet. */
static void listing_add_files(struct dir_listing *l, const struct inode *dir)
{
	const struct container *cont = fs_container(dir);
	int i;

	for (i = 0; i < cont->files->nr && !container_is_removed(cont); i++)
		if (filelist_visible(cont, cont->files->cft[i]))
			listing_add(l, filelist_name(cont, cont->files->cft[i]),
				    file_number(dir, i), DT_REG);
}

/*
 * The memory is charged to the reader, who may be made to wait for it, so it is allocated without
 * the inode's lock: the listing is made again until it fits.
 */
static int listing_make(struct dir_listing *l, struct dentry *dir)
{
	struct dentry *child = NULL;

	l->next = 0;
	for (;;) {
		l->len = 0;
		inode_lock_shared(d_inode(dir));
		listing_add_files(l, d_inode(dir));
		while ((child = compat_next_child(dir, child)))
			if (d_is_dir(child))
				listing_add(l, child->d_name.name, d_inode(child)->i_ino, DT_DIR);
		inode_unlock_shared(d_inode(dir));
		if (l->len <= l->room)
			return 0;
		if (fatal_signal_pending(current)) {
			/* others may have the file open: what is there is no whole listing */
			l->len = 0;
			return -EINTR;
		}
		kvfree(l->buf);
		/* some room for what is made meanwhile */
		l->room = l->len + PAGE_SIZE;
		l->buf = kvmalloc(l->room, GFP_KERNEL_ACCOUNT);
		if (!l->buf) {
			l->room = 0;
			l->len = 0;
			return -ENOMEM;
		}
	}
}

/* Finds the entry at or after a position. Any position may come: users can seek. */
static void listing_seek(struct dir_listing *l, loff_t pos)
{
	if (l->next == pos)
		return;
	for (l->next = 0; l->next < l->len && l->next < pos; )
		l->next += ((struct dir_entry *)(l->buf + l->next))->size;
}

/* Positions 0 and 1 are "." and ".."; from 2 on, each byte of the listing has a position. */
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

const struct file_operations dir_file_ops = {
	.owner = THIS_MODULE,
	.open = dir_open,
	.read = generic_read_dir,
	.iterate_shared = dir_iterate,
	.llseek = generic_file_llseek,
	.fsync = noop_fsync,
	/* from 6.19 on a directory can have a lease, too */
	.setlease = compat_setlease,
	.release = dir_release,
};
