// SPDX-License-Identifier: GPL-2.0
/*
 * Inodes, and the lookup of names. The inode of a directory or file points to its container and
 * keeps it. The path of an open file is never used to find the container: it may lead through
 * overlayfs.
 */
#include <linux/dcache.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "filelist.h"
#include "fs.h"

/**
 * struct container_inode - an inode of this filesystem
 * @vfs: the VFS's part
 * @cont: its container, with a reference, but for a root, which lives as long as the superblock.
 *	Set before the inode is visible, and never changed
 * @cft: the description of a control file; set like @cont
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
 * @inode: the inode, which keeps the container
 */
struct container *fs_container(const struct inode *inode)
{
	return to_ours(inode)->cont;
}

/**
 * fs_cftype - the description of a control file
 * @inode: the inode of a file
 */
const struct container_cftype *fs_cftype(const struct inode *inode)
{
	return to_ours(inode)->cft;
}

/*
 * chmod, chown, utimes and truncate. A control file has no size: truncating it, as a shell
 * does before it writes, succeeds and does nothing.
 */
static int file_setattr(COMPAT_IDMAP_PARAM struct dentry *dentry, struct iattr *attr)
{
	attr->ia_valid &= ~ATTR_SIZE;
	return simple_setattr(COMPAT_IDMAP_ARG dentry, attr);
}

static const struct inode_operations file_inode_ops = {
	.setattr = file_setattr,
};

/* Directories and files have numbers of their own, over all superblocks; 0 is none. */
static atomic64_t next_number = ATOMIC64_INIT(1);

static struct inode *make_inode(struct super_block *sb, umode_t mode)
{
	struct inode *inode = new_inode(sb);

	if (!inode)
		return NULL;
	compat_inode_init_owner(inode, NULL, mode);
	compat_inode_init_times(inode);
	return inode;
}

static void set_container(struct inode *inode, struct container *cont)
{
	if (!container_is_top(cont))
		container_get(cont);
	to_ours(inode)->cont = cont;
}

/**
 * make_dir - allocate the inode of a directory
 * @sb: the superblock
 * @mode: its permissions
 *
 * Context: sleeps.
 * Return: the inode, for own_dir(); NULL if there is no memory.
 */
struct inode *make_dir(struct super_block *sb, umode_t mode)
{
	struct inode *inode = make_inode(sb, S_IFDIR | mode);

	if (!inode)
		return NULL;
	inode->i_op = &dir_inode_ops;
	inode->i_fop = &dir_file_ops;
	/* the link "." */
	inc_nlink(inode);
	return inode;
}

/**
 * own_dir - set the container of a new directory, and the owner of its files
 * @inode: the inode of the directory, which is not visible yet, with its owner
 * @cont: the container, which is populated
 *
 * Context: any.
 */
void own_dir(struct inode *inode, struct container *cont)
{
	set_container(inode, cont);
	cont->uid = inode->i_uid;
	cont->gid = inode->i_gid;
	/* the files have the numbers after that of their directory: see file_number() */
	inode->i_ino = atomic64_fetch_add(1 + cont->files->nr, &next_number);
}

/**
 * file_number - the number of a control file's inode
 * @dir: the inode of its directory
 * @i: the file's place in the container's list
 */
u64 file_number(const struct inode *dir, int i)
{
	return dir->i_ino + 1 + i;
}

static struct inode *make_file(const struct inode *dir, int i)
{
	struct container *cont = fs_container(dir);
	const struct container_cftype *cft = cont->files->cft[i];
	umode_t mode = cft->mode ?: (cft->show ? 0444 : 0) | (cft->write ? 0200 : 0);
	struct inode *inode;

	if ((cft->flags & CONTAINER_FILE_ROOT_READONLY) && container_is_top(cont))
		mode &= ~0222;
	inode = make_inode(dir->i_sb, S_IFREG | mode);
	if (!inode)
		return NULL;
	inode->i_op = &file_inode_ops;
	inode->i_fop = file_operations_of(cft);
	inode->i_uid = cont->uid;
	inode->i_gid = cont->gid;
	inode->i_ino = file_number(dir, i);
	to_ours(inode)->cft = cft;
	set_container(inode, cont);
	return inode;
}

/**
 * dir_lookup - look for a name that is not in the dcache
 * @dir: the inode of the directory
 * @dentry: the name
 * @flags: of the lookup
 *
 * Directories are always in the dcache. A control file is made when it is looked up for the first
 * time, and stays until its directory is removed, since its owner and permissions may be changed.
 *
 * Context: the lock of @dir is held, maybe shared; sleeps.
 * Return: NULL: @dentry is the file now, or there is none; or an error pointer.
 */
struct dentry *dir_lookup(struct inode *dir, struct dentry *dentry, unsigned int flags)
{
	struct container *cont = fs_container(dir);
	int i = filelist_find(cont, dentry->d_name.name);
	struct inode *inode;

	/* a removal marks the container and then takes the lock of @dir to empty it */
	if (i < 0 || container_is_removed(cont))
		return simple_lookup(dir, dentry, flags);
	inode = make_file(dir, i);
	if (!inode)
		return ERR_PTR(-ENOMEM);
	/* a file has no other name, so the answer is NULL. The lock keeps removals away */
	d_splice_alias(inode, dentry);
	compat_d_pin(dentry);
	if (inode->i_fop == &events_file_ops)
		/* pairs with READ_ONCE() in events.c, and what depends on the address */
		smp_store_release(&cont->events.file, dentry);
	return NULL;
}

/**
 * fs_find_file - find a control file, or make it
 * @dir: the directory
 * @name: the file's name
 *
 * Context: no lock held; sleeps, and may wait for the lock of the directory's inode.
 * Return: the file, with a reference; NULL if @dir is removed or there is no memory.
 */
struct dentry *fs_find_file(struct dentry *dir, const char *name)
{
	struct dentry *dentry = d_alloc_name(dir, name), *found;

	if (!dentry)
		return NULL;
	found = d_lookup(dir, &dentry->d_name);
	if (!found) {
		inode_lock(d_inode(dir));
		/* another lookup may have been faster; if this one fails, the dentry is negative */
		found = d_lookup(dir, &dentry->d_name);
		if (!found)
			dir_lookup(d_inode(dir), dentry, 0);
		inode_unlock(d_inode(dir));
	}
	if (found) {
		dput(dentry);
		dentry = found;
	}
	if (d_really_is_positive(dentry))
		return dentry;
	dput(dentry);
	return NULL;
}

/* --- for the superblock ----------------------------------------------------- */

struct inode *super_alloc_inode(struct super_block *sb)
{
	/* no alloc_inode_sb(): pinned dentries keep these inodes off the VFS's LRU lists */
	struct container_inode *ci = kmem_cache_alloc(inode_cache, GFP_KERNEL);

	if (!ci)
		return NULL;
	ci->cont = NULL;
	ci->cft = NULL;
	return &ci->vfs;
}

void super_free_inode(struct inode *inode)
{
	kmem_cache_free(inode_cache, to_ours(inode));
}

void super_evict_inode(struct inode *inode)
{
	struct container *cont = fs_container(inode);

	truncate_inode_pages_final(&inode->i_data);
	clear_inode(inode);
	if (cont && !container_is_top(cont))
		container_put(cont);
}

static void init_inode_once(void *mem)
{
	struct container_inode *ci = mem;

	inode_init_once(&ci->vfs);
}

int inodes_init(void)
{
	inode_cache = kmem_cache_create("container_inode", sizeof(struct container_inode), 0,
					SLAB_RECLAIM_ACCOUNT | SLAB_ACCOUNT, init_inode_once);
	return inode_cache ? 0 : -ENOMEM;
}

void inodes_exit(void)
{
	/* inodes are freed after a grace period */
	rcu_barrier();
	kmem_cache_destroy(inode_cache);
}
