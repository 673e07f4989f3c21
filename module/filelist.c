// SPDX-License-Identifier: GPL-2.0
/*
 * Which control files a directory has. populate() says it for each new container, and mostly says
 * what it said for the parent. So a container shares the list of its parent until they differ.
 *
 * A list is complete before its directory is visible, and never changes afterwards: it is read
 * without a lock. The files themselves are made when somebody looks them up: see inode.c.
 */
#include <linux/slab.h>
#include <linux/string.h>

#include "core.h"
#include "filelist.h"

/**
 * filelist_name - the name of a control file in a container's directory
 * @cont: the container
 * @cft: the file
 */
const char *filelist_name(const struct container *cont, const struct container_cftype *cft)
{
	return (cft->flags & CONTAINER_FILE_SHORT_NAME) && container_hierarchy(cont)->noprefix ?
		strchr(cft->name, '.') + 1 : cft->name;
}

/* Finds a visible file by its name. Return: its place in the list, or -1. */
static int find(const struct container *cont, const struct filelist *list, const char *name)
{
	int i;

	for (i = 0; i < list->nr; i++)
		if (filelist_visible(cont, list->cft[i]) &&
		    !strcmp(filelist_name(cont, list->cft[i]), name))
			return i;
	return -1;
}

/**
 * filelist_find - find a control file of a container by its name
 * @cont: the container, whose directory is visible
 * @name: the name
 *
 * Context: any.
 * Return: the file's place in @cont->files, or -1 if there is no such file.
 */
int filelist_find(const struct container *cont, const char *name)
{
	return find(cont, cont->files, name);
}

static const struct filelist *list_of_parent(const struct container *cont)
{
	return cont->parent ? cont->parent->files : NULL;
}

/* Gives a new list room, or more room. At first it has what it had in common with the parent's. */
static int make_room(struct new_filelist *new, int room)
{
	int nr = new->list ? new->list->nr : new->shared;
	struct filelist *list = krealloc(new->list, struct_size(list, cft, room), GFP_KERNEL);

	if (!list)
		return -ENOMEM;
	if (!new->list && nr)
		memcpy(list->cft, list_of_parent(new->cont)->cft, nr * sizeof(list->cft[0]));
	list->nr = nr;
	new->list = list;
	new->room = room;
	return 0;
}

/**
 * filelist_add - add a control file to the list of a new container
 * @new: the list
 * @cft: the file
 *
 * Context: manage lock held; sleeps.
 * Return: 0, -EEXIST or -ENOMEM.
 */
int filelist_add(struct new_filelist *new, const struct container_cftype *cft)
{
	const struct filelist *parents = list_of_parent(new->cont);
	int err;

	lockdep_assert_held(&manage_mutex);
	/* no two names are equal, since none are in the parent's */
	if (!new->list && parents && new->shared < parents->nr &&
	    parents->cft[new->shared] == cft) {
		new->shared++;
		return 0;
	}
	if (!new->list || new->list->nr == new->room) {
		err = make_room(new, new->room ? 2 * new->room : new->shared + 16);
		if (err)
			return err;
	}
	if (filelist_visible(new->cont, cft) &&
	    find(new->cont, new->list, filelist_name(new->cont, cft)) >= 0)
		return -EEXIST;
	new->list->cft[new->list->nr++] = cft;
	return 0;
}

/**
 * filelist_finish - give a new container its list
 * @new: the list, which is complete
 *
 * Context: manage lock held; sleeps.
 * Return: 0 or -ENOMEM.
 */
int filelist_finish(struct new_filelist *new)
{
	struct container *cont = new->cont, *parent = cont->parent;
	int err;

	lockdep_assert_held(&manage_mutex);
	if (!new->list && parent && new->shared == parent->files->nr) {
		refcount_inc(&parent->files->ref);
		cont->files = parent->files;
		return 0;
	}
	err = new->list ? 0 : make_room(new, new->shared);
	if (err)
		return err;
	refcount_set(&new->list->ref, 1);
	cont->files = new->list;
	return 0;
}

/**
 * filelist_put - drop a container's reference on its list
 * @cont: the container, which nobody but the caller can reach; it may have no list
 *
 * Context: any.
 */
void filelist_put(const struct container *cont)
{
	if (cont->files && refcount_dec_and_test(&cont->files->ref))
		kfree(cont->files);
}
