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
void finish_files(struct container *cont, struct dentry *dir, bool show);

/* readdir.c */
extern const struct file_operations dir_file_ops;

/* dir.c */
extern const struct inode_operations dir_inode_ops;
struct inode *dir_begin(struct inode *dir, const struct dentry *dentry, umode_t mode);
void dir_show(struct container *cont, struct inode *inode);
void dir_end(struct inode *dir, struct container *cont, struct dentry *dentry, struct inode *inode);
void dir_drop(struct inode *inode);

#endif /* _FS_H */
