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
struct inode *make_dir(struct super_block *sb, umode_t mode);
void own_dir(struct inode *inode, struct container *cont);
u64 file_number(const struct inode *dir, int i);
struct dentry *dir_lookup(struct inode *dir, struct dentry *dentry, unsigned int flags);

/* readdir.c */
extern const struct file_operations dir_file_ops;

/* dir.c */
extern const struct inode_operations dir_inode_ops;
void dir_show(struct container *cont, struct inode *inode, struct inode *dir);

#endif /* _FS_H */
