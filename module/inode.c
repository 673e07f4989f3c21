// SPDX-License-Identifier: GPL-2.0
/*
 * Inodes. The inode of a directory or file points to its container and keeps it. The path of an
 * open file is never used to find the container: it may lead through overlayfs.
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
 *
 * Context: any.
 */
void own_inode(struct inode *inode, struct container *cont)
{
	if (cont && !container_is_top(cont))
		container_get(cont);
	to_ours(inode)->cont = cont;
}

/* --- control files ---------------------------------------------------------- */

/*
 * A file that becomes visible after its directory. Its dentry and inode are charged to the memory
 * cgroup of the user, who can make his tasks wait inside such an allocation. So they are allocated
 * before the manage lock is taken: see foresee_files().
 */
struct new_file {
	struct new_file *next;
	struct dentry *dentry;
	struct inode *inode;
};

static const char *file_name(const struct hierarchy *h, const struct container_cftype *cft)
{
	return (cft->flags & CONTAINER_FILE_SHORT_NAME) && h->noprefix ?
		strchr(cft->name, '.') + 1 : cft->name;
}

static struct new_file *new_file_alloc(const struct hierarchy *h, struct dentry *dir,
				       const struct container_cftype *cft)
{
	struct new_file *f = kmalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return NULL;
	f->dentry = d_alloc_name(dir, file_name(h, cft));
	if (!f->dentry)
		goto err_file;
	f->inode = make_inode(dir->d_sb, S_IFREG);
	if (!f->inode)
		goto err_dentry;
	to_ours(f->inode)->cft = cft;
	return f;

err_dentry:
	dput(f->dentry);
err_file:
	kfree(f);
	return NULL;
}

/**
 * drop_files - free files that have not become visible
 * @files: the list, which is empty then
 *
 * Context: sleeps.
 */
void drop_files(struct new_file **files)
{
	struct new_file *f;

	while ((f = *files)) {
		*files = f->next;
		iput(f->inode);
		dput(f->dentry);
		kfree(f);
	}
}

/**
 * foresee_files - allocate the files that a new directory will probably have
 * @h: the hierarchy, which a mount keeps active
 * @dir: the new directory
 *
 * These are the files that the root has, too. Where populate() adds another one, fs_add_file()
 * allocates it.
 *
 * Context: neither mutex held; sleeps.
 * Return: the list, for fs_add_file() and drop_files(); or -ENOMEM.
 */
struct new_file *foresee_files(const struct hierarchy *h, struct dentry *dir)
{
	struct new_file *files = NULL, *of_root, *f;
	const struct container_cftype *cft;

	/* the first that was added is the last in a root's list, and the first in this one */
	for (of_root = h->top.new_files; of_root; of_root = of_root->next) {
		cft = to_ours(of_root->inode)->cft;
		if (cft->flags & CONTAINER_FILE_ROOT_ONLY)
			continue;
		f = new_file_alloc(h, dir, cft);
		if (!f) {
			drop_files(&files);
			return ERR_PTR(-ENOMEM);
		}
		f->next = files;
		files = f;
	}
	return files;
}

static struct new_file *take_foreseen(struct new_file **files,
				      const struct container_cftype *cft)
{
	struct new_file *f;

	for (; (f = *files); files = &f->next)
		if (to_ours(f->inode)->cft == cft) {
			*files = f->next;
			return f;
		}
	return NULL;
}

/**
 * fs_add_file - add a file to a directory that is being created
 * @cont: the container
 * @cft: the file
 * @fops: its operations
 * @foreseen: files that were allocated for the directory; the file is taken from them
 *
 * Context: manage lock held; sleeps.
 * Return: 0, -EEXIST, -ENOMEM.
 */
int fs_add_file(struct container *cont, const struct container_cftype *cft,
		const struct file_operations *fops, struct new_file **foreseen)
{
	umode_t mode = cft->mode ?: (cft->show ? 0444 : 0) | (cft->write ? 0200 : 0);
	struct hierarchy *h = container_hierarchy(cont);
	struct new_file *f;

	lockdep_assert_held(&manage_mutex);
	if ((cft->flags & CONTAINER_FILE_ROOT_ONLY) && !container_is_top(cont))
		return 0;
	if ((cft->flags & CONTAINER_FILE_ROOT_READONLY) && container_is_top(cont))
		mode &= ~0222;
	for (f = cont->new_files; f; f = f->next)
		if (!strcmp(f->dentry->d_name.name, file_name(h, cft)))
			return -EEXIST;

	f = take_foreseen(foreseen, cft) ?: new_file_alloc(h, cont->dentry, cft);
	if (!f)
		return -ENOMEM;
	own_inode(f->inode, cont);
	f->inode->i_mode |= mode;
	f->inode->i_fop = fops;
	f->next = cont->new_files;
	cont->new_files = f;
	return 0;
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
 * show_files - make the files of fs_add_file() visible
 * @cont: the container
 * @dir: its directory
 *
 * The list of a root's files is kept, for foresee_files(), until forget_files().
 *
 * Context: the lock of the directory's inode is held; sleeps.
 */
void show_files(struct container *cont, struct dentry *dir)
{
	struct new_file *f;

	for (f = cont->new_files; f; f = f->next) {
		f->inode->i_uid = d_inode(dir)->i_uid;
		f->inode->i_gid = d_inode(dir)->i_gid;
		compat_d_add_pinned(f->dentry, f->inode);
	}
	if (!container_is_top(cont))
		forget_files(cont);
}

/**
 * forget_files - free the list of a container's files, which are visible
 * @cont: the container
 *
 * Context: for a root, no directory is made in its hierarchy any more.
 */
void forget_files(struct container *cont)
{
	struct new_file *f;

	while ((f = cont->new_files)) {
		cont->new_files = f->next;
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
