// SPDX-License-Identifier: GPL-2.0
/*
 * Inodes. The inode of a directory or file has a pointer to its container and keeps that. The
 * path of an open file is never used to find the container: it may lead through overlayfs.
 */
#include <linux/dcache.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "compat.h"
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

/**
 * make_inode - allocate an inode for a directory or a control file
 * @sb: the superblock
 * @mode: the type and permissions of the file
 *
 * Context: sleeps.
 * Return: the inode, for own_inode(); NULL if there is no memory.
 */
struct inode *make_inode(struct super_block *sb, umode_t mode)
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
		/* the link "." */
		inc_nlink(inode);
	} else {
		inode->i_op = &file_inode_ops;
	}
	return inode;
}

/**
 * own_inode - set the container of a new inode
 * @inode: the inode, which is not visible yet
 * @cont: the container; NULL to take back a root that could not be set up
 */
void own_inode(struct inode *inode, struct container *cont)
{
	if (cont && !container_is_top(cont))
		container_get(cont);
	to_ours(inode)->cont = cont;
}

/* --- control files ---------------------------------------------------------- */

/* A file that becomes visible after its directory. */
struct new_file {
	struct new_file *next;
	struct dentry *dentry;
	struct inode *inode;
};

/**
 * fs_add_file - add a file to a directory that is being created
 * @cont: the container
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

	lockdep_assert_held(&manage_mutex);
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
 * fs_newest_file - the file that fs_add_file() added last
 * @cont: the container
 *
 * Context: manage lock held.
 */
struct dentry *fs_newest_file(const struct container *cont)
{
	lockdep_assert_held(&manage_mutex);
	return cont->new_files->dentry;
}

/**
 * finish_files - make the files of fs_add_file() visible, or drop them
 * @cont: the container
 * @dir: its directory
 * @show: the directory exists now, so show the files; otherwise drop them
 *
 * Context: the lock of the directory's inode is held; sleeps.
 */
void finish_files(struct container *cont, struct dentry *dir, bool show)
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
