/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tree_common(): the lowest common ancestor of two nodes of a tree, which may be one of them. A
 * node has @parent and @depth, the number of its ancestors; both never change.
 */
#ifndef _CONTAINER_TREE_H
#define _CONTAINER_TREE_H

#define tree_common(a, b)						\
({									\
	typeof(a) a_ = (a), b_ = (b);					\
									\
	while (a_ != b_) {						\
		if (a_->depth >= b_->depth)				\
			a_ = a_->parent;				\
		else							\
			b_ = b_->parent;				\
	}								\
	a_;								\
})

#endif /* _CONTAINER_TREE_H */
