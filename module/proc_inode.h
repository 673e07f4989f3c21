/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Access to the data that procfs keeps beside an inode.
 */
#ifndef _PROC_INODE_H
#define _PROC_INODE_H

#include <linux/fs.h>

void **proc_inode_word(struct inode *inode, const void *value);
int proc_inode_check(struct file_system_type *procfs, const struct file_operations *fops,
		     const void *show);
void proc_inodes_disown(struct file_system_type *procfs, const struct file_operations *fops,
			const void *show, void *idle);

#endif /* _PROC_INODE_H */
