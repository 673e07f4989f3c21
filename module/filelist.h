/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which control files a directory has: see filelist.c.
 */
#ifndef _FILELIST_H
#define _FILELIST_H

#include <linux/refcount.h>

#include "container.h"

/**
 * struct filelist - the control files of one or more containers
 * @ref: how many containers share it
 * @nr: how many files
 * @cft: the files, in the order in which they were added
 */
struct filelist {
	refcount_t ref;
	int nr;
	const struct container_cftype *cft[];
};

/**
 * struct new_filelist - the list of a container that is being populated
 * @cont: the container
 * @shared: while @list is NULL: it has this many files, and they are the first of the parent's
 * @list: the list, once it differs from the parent's
 * @room: how many files fit into @list
 */
struct new_filelist {
	struct container *cont;
	int shared;
	struct filelist *list;
	int room;
};

/* Has a container this file of its list? Those for the root alone are in all lists. */
static inline bool filelist_visible(const struct container *cont,
				    const struct container_cftype *cft)
{
	return !cont->parent || !(cft->flags & CONTAINER_FILE_ROOT_ONLY);
}

const char *filelist_name(const struct container *cont, const struct container_cftype *cft);
int filelist_find(const struct container *cont, const char *name);
int filelist_add(struct new_filelist *new, const struct container_cftype *cft);
int filelist_finish(struct new_filelist *new);

#endif /* _FILELIST_H */
