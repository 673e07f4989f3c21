/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The declarations that the files of the filesystem share: inode.c, readdir.c, dir.c, clone.c
 * and mount.c.
 */
#ifndef _FS_H
#define _FS_H

#include <linux/fs.h>

#include "core.h"

/* inode.c */
int inodes_init(void);
void inodes_exit(void);
struct inode *super_alloc_inode(struct super_block *sb);
void super_free_inode(struct inode *inode);
void super_evict_inode(struct inode *inode);
struct inode *make_inode(struct super_block *sb, umode_t mode);
void own_inode(struct inode *inode, struct container *cont);
struct new_file *foresee_files(const struct hierarchy *h, struct dentry *dir);
void show_files(struct container *cont, struct dentry *dir);
void forget_files(struct container *cont);

/* readdir.c */
extern const struct file_operations dir_file_ops;

/**
 * struct new_dir - a directory that is being made
 * @inode: its inode, locked
 * @files: files that were allocated for it and are not used yet
 */
struct new_dir {
	struct inode *inode;
	struct new_file *files;
};

/* dir.c */
extern const struct inode_operations dir_inode_ops;
int dir_begin(struct new_dir *new, struct inode *dir, struct dentry *dentry, umode_t mode);
void dir_show(struct new_dir *new, struct container *cont);
void dir_end(struct new_dir *new, struct inode *dir, struct container *cont, struct dentry *dentry);
void dir_drop(struct new_dir *new);

#endif /* _FS_H */
