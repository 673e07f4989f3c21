/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The API of 2006, of the patches "Generic Process Containers V6", on top of today's: for
 * subsystems that were written for V6. Such a subsystem includes this file instead of
 * <linux/container.h>, after all other headers. docs/differences.md lists its other changes.
 *
 * Structures that have changed since have their old form here. Their old name is a macro, and the
 * core's present structure is inside. Functions of this file call the callbacks, in the contexts
 * of container.h, which ask less of a callback than the contexts of 2006. The differences left:
 *
 *   - read() gets NULL for the file, and a kernel buffer in place of a user's; copy_to_user() and
 *     simple_read_from_buffer() of this file accept it. It may return 64 KiB in all; otherwise the
 *     reader gets EFBIG. write() gets such a buffer, too. It is called once for each write, with at
 *     most a page and without the final newline, and has to accept all of it.
 *   - open() and release() of a file are not called: a file that has them is refused (EINVAL).
 *   - destroy() is called after a grace period, so that it may free at once.
 *   - css_get_current() does not exist: it would rely on a lock that moves do not take. Use
 *     container_css_get_current(), which finds the state and takes the reference.
 */
#ifndef _CONTAINER_V6_H
#define _CONTAINER_V6_H

#include <linux/cgroup.h>
#include <linux/fs.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "container.h"
#include "resgroup.h"

/* --- subsystems ---------------------------------------------------------------- */

struct container_v6_subsys {
	int (*create)(struct container_v6_subsys *ss, struct container *cont);
	void (*destroy)(struct container_v6_subsys *ss, struct container *cont);
	int (*can_attach)(struct container_v6_subsys *ss, struct container *cont,
			  struct task_struct *task);
	void (*attach)(struct container_v6_subsys *ss, struct container *cont,
		       struct container *old_cont, struct task_struct *task);
	void (*post_attach)(struct container_v6_subsys *ss, struct container *cont,
			    struct container *old_cont, struct task_struct *task);
	void (*fork)(struct container_v6_subsys *ss, struct task_struct *task);
	void (*exit)(struct container_v6_subsys *ss, struct task_struct *task);
	int (*populate)(struct container_v6_subsys *ss, struct container *cont);
	/* from the discussion that followed V6 */
	void (*mount)(struct container_v6_subsys *ss, struct container *cont);
	void (*umount)(struct container_v6_subsys *ss, struct container *cont);

	const char *name;
	int subsys_id;		/* -1 until it is registered */
	int hierarchy;		/* 0 while it is not mounted */

	/* private: */
	struct container_subsys now;
};

static inline struct container_v6_subsys *container_v6(struct container_subsys *now)
{
	return container_of(now, struct container_v6_subsys, now);
}

static inline int container_v6_create(struct container_subsys *now, struct container *cont)
{
	struct container_v6_subsys *ss = container_v6(now);

	ss->subsys_id = now->subsys_id;
	return ss->create(ss, cont);
}

/*
 * V6's destroy() frees at once, so readers under RCU have to be waited for, here with the manage
 * lock held. Who removes a subtree of many containers keeps the others waiting for so many grace
 * periods: where users own containers, port destroy() to kfree_rcu().
 */
static inline void container_v6_destroy(struct container_subsys *now, struct container *cont)
{
	struct container_v6_subsys *ss = container_v6(now);

	synchronize_rcu();
	ss->destroy(ss, cont);
}

static inline int container_v6_can_attach(struct container_subsys *now,
					  struct container_move *move)
{
	return container_v6(now)->can_attach(container_v6(now), move->to, move->task);
}

static inline void container_v6_attach(struct container_subsys *now,
				       struct container_move *move, void *data)
{
	container_v6(now)->attach(container_v6(now), move->to, move->from, move->task);
}

static inline void container_v6_post_attach(struct container_subsys *now,
					    struct container_move *move)
{
	container_v6(now)->post_attach(container_v6(now), move->to, move->from, move->task);
}

static inline void container_v6_fork(struct container_subsys *now, struct container *cont,
				     struct task_struct *task, void *data)
{
	container_v6(now)->fork(container_v6(now), task);
}

static inline void container_v6_exit(struct container_subsys *now, struct container *cont,
				     struct task_struct *task, void *data)
{
	container_v6(now)->exit(container_v6(now), task);
}

static inline int container_v6_populate(struct container_subsys *now, struct container *cont)
{
	return container_v6(now)->populate(container_v6(now), cont);
}

static inline int container_v6_bind(struct container_subsys *now, struct container *root)
{
	struct container_v6_subsys *ss = container_v6(now);

	ss->hierarchy = now->hierarchy;
	if (ss->mount)
		ss->mount(ss, root);
	return 0;
}

static inline void container_v6_unbind(struct container_subsys *now, struct container *root)
{
	struct container_v6_subsys *ss = container_v6(now);

	if (ss->umount)
		ss->umount(ss, root);
	ss->hierarchy = 0;
}

/* Fills in the callbacks that the core calls for a subsystem of 2006. */
static inline void container_v6_translate(struct container_v6_subsys *ss)
{
	struct container_subsys *now = &ss->now;

	now->name = ss->name;
	now->owner = THIS_MODULE;
	now->subsys_id = -1;
	now->create = ss->create ? container_v6_create : NULL;
	now->destroy = ss->destroy ? container_v6_destroy : NULL;
	now->can_attach = ss->can_attach ? container_v6_can_attach : NULL;
	now->attach = ss->attach ? container_v6_attach : NULL;
	now->post_attach = ss->post_attach ? container_v6_post_attach : NULL;
	now->fork = ss->fork ? container_v6_fork : NULL;
	now->exit = ss->exit ? container_v6_exit : NULL;
	now->populate = ss->populate ? container_v6_populate : NULL;
	now->bind = container_v6_bind;
	now->unbind = container_v6_unbind;
}

static inline int container_v6_register(struct container_v6_subsys *ss)
{
	int err;

	/* a registered subsystem must not change */
	if (!ss->now.active)
		container_v6_translate(ss);
	err = container_register_subsys(&ss->now);
	if (err && err != -EEXIST)
		ss->subsys_id = -1;
	return err;
}

/* V6 could not unregister a subsystem; a module that can be unloaded has to. */
static inline int container_v6_unregister(struct container_v6_subsys *ss)
{
	int err = container_unregister_subsys(&ss->now);

	if (!err)
		ss->subsys_id = -1;
	return err;
}

#define container_subsys			container_v6_subsys
#define container_register_subsys(ss)		container_v6_register(ss)
#define container_unregister_subsys(ss)		container_v6_unregister(ss)
#define container_subsys_state(cont, ss)	container_subsys_state(cont, &(ss)->now)
#define task_container(task, ss)		task_container(task, &(ss)->now)
#define task_subsys_state(task, ss)		task_subsys_state(task, &(ss)->now)
#define container_set_release_agent_path(ss, path) \
	container_set_release_agent_path(&(ss)->now, path)

/* --- references ------------------------------------------------------------------ */

#define css_get(css)	container_css_get(css)
#define css_put(css)	container_css_put(css)

/* --- control files --------------------------------------------------------------- */

/*
 * The buffers of read(), under the callback lock, and of write(), under the manage lock. No address
 * that a user passes can be in one of them.
 */
static char container_v6_reading[PAGE_SIZE] __maybe_unused;
static char container_v6_written[PAGE_SIZE + 1] __maybe_unused;

static inline bool container_v6_is_in(const void *p, size_t n, const char *buf, size_t size)
{
	return (const char *)p >= buf && n <= size && (const char *)p - buf <= size - n;
}

static inline unsigned long container_v6_copy_to(void __user *to, const void *from, size_t n)
{
	if (!container_v6_is_in((__force void *)to, n, container_v6_reading,
				sizeof(container_v6_reading)))
		return copy_to_user(to, from, n);
	memcpy((__force void *)to, from, n);
	return 0;
}

static inline unsigned long container_v6_copy_from(void *to, const void __user *from, size_t n)
{
	if (!container_v6_is_in((__force const void *)from, n, container_v6_written,
				sizeof(container_v6_written)))
		return copy_from_user(to, from, n);
	memcpy(to, (__force const void *)from, n);
	return 0;
}

static inline ssize_t container_v6_from_buffer(void __user *to, size_t room, loff_t *ppos,
					       const void *from, size_t size)
{
	size_t n;

	if (*ppos < 0)
		return -EINVAL;
	if (*ppos >= size)
		return 0;
	n = min_t(size_t, room, size - *ppos);
	if (container_v6_copy_to(to, from + *ppos, n))
		return -EFAULT;
	*ppos += n;
	return n;
}

struct container_v6_cftype {
	char name[MAX_CFTYPE_NAME];
	int private;
	int (*open)(struct inode *inode, struct file *file);
	ssize_t (*read)(struct container *cont, struct container_v6_cftype *cft,
			struct file *file, char __user *buf, size_t nbytes, loff_t *ppos);
	ssize_t (*write)(struct container *cont, struct container_v6_cftype *cft,
			 struct file *file, const char __user *buf, size_t nbytes,
			 loff_t *ppos);
	int (*release)(struct inode *inode, struct file *file);

	/* private: */
	struct container_cftype now;
};

static inline struct container_v6_cftype *container_v6_file(const struct container_cftype *now)
{
	return container_of((struct container_cftype *)now, struct container_v6_cftype, now);
}

/* A bound, so that a read() without an end does not keep the callback lock for good. */
#define CONTAINER_V6_LONGEST	SZ_64K

/* Reads the file from its beginning to its end. */
static inline int container_v6_show(struct seq_file *m, struct container *cont,
				    const struct container_cftype *now)
{
	struct container_v6_cftype *cft = container_v6_file(now);
	loff_t pos = 0, before;
	ssize_t n;

	do {
		before = pos;
		n = cft->read(cont, cft, NULL, (__force char __user *)container_v6_reading,
			      sizeof(container_v6_reading), &pos);
		if (n > (ssize_t)sizeof(container_v6_reading))
			return -EIO;
		if (pos > CONTAINER_V6_LONGEST)
			return -EFBIG;
		if (n > 0)
			seq_write(m, container_v6_reading, n);
	} while (n > 0 && pos > before);
	return n < 0 ? n : 0;
}

static inline int container_v6_write(struct container *cont, const struct container_cftype *now,
				     struct file *file, char *buf)
{
	struct container_v6_cftype *cft = container_v6_file(now);
	size_t nbytes = strlen(buf);
	loff_t pos = 0;
	ssize_t n;

	memcpy(container_v6_written, buf, nbytes + 1);
	n = cft->write(cont, cft, file, (__force char __user *)container_v6_written, nbytes,
		       &pos);
	if (n < 0)
		return n;
	return n == nbytes ? 0 : -EINVAL;
}

static inline int container_v6_add_file(struct container *cont, struct container_v6_cftype *cft)
{
	if (cft->open || cft->release)
		return -EINVAL;
	/* only once: the files of other containers may be using it */
	if (!cft->now.name[0]) {
		cft->now.show = cft->read ? container_v6_show : NULL;
		cft->now.write = cft->write ? container_v6_write : NULL;
		strscpy(cft->now.name, cft->name, sizeof(cft->now.name));
	}
	return container_add_file(cont, &cft->now);
}

#define cftype					container_v6_cftype
#define container_add_file(cont, cft)		container_v6_add_file(cont, cft)
#define copy_to_user(to, from, n)		container_v6_copy_to(to, from, n)
#define copy_from_user(to, from, n)		container_v6_copy_from(to, from, n)
#define simple_read_from_buffer(to, room, ppos, from, size) \
	container_v6_from_buffer(to, room, ppos, from, size)

/* --- resource groups --------------------------------------------------------------- */

#define SHARE_UNCHANGED		RES_UNCHANGED
#define SHARE_UNSUPPORTED	RES_UNSUPPORTED
#define SHARE_DONT_CARE		RES_DONT_CARE
#define SHARE_DEFAULT_DIVISOR	RES_DEFAULT_DIVISOR

/*
 * A source file that includes this header has one controller, since the callbacks do not get it
 * as an argument.
 */
struct container_v6_controller {
	const char *name;
	struct res_shares *(*alloc_shares_struct)(struct container *cont);
	void (*free_shares_struct)(struct res_shares *shares);
	void (*shares_changed)(struct res_shares *shares);
	ssize_t (*show_stats)(struct res_shares *shares, char *buf, size_t size);
	int (*reset_stats)(struct res_shares *shares, const char *stats);
	void (*move_task)(struct task_struct *task, struct res_shares *old,
			  struct res_shares *new);

	/* private: */
	struct res_controller now;
};

static struct container_v6_controller *container_v6_ctlr __maybe_unused;

static inline struct res_shares *container_v6_allocate(struct res_controller *now,
						       struct container *cont)
{
	return container_v6_ctlr->alloc_shares_struct(cont);
}

static inline void container_v6_show_stats(struct res_shares *shares, struct seq_file *m)
{
	char *buf;
	size_t room = seq_get_buf(m, &buf);
	ssize_t n = room ? container_v6_ctlr->show_stats(shares, buf, room) : 0;

	/* the text does not fit: seq_file calls again with a larger buffer */
	seq_commit(m, n < (ssize_t)room ? max_t(ssize_t, n, 0) : -1);
}

static inline void container_v6_reset_stats(struct res_shares *shares)
{
	container_v6_ctlr->reset_stats(shares, "");
}

static inline void container_v6_move_task(struct task_struct *task, struct res_shares *from,
					  struct res_shares *to, void *data)
{
	container_v6_ctlr->move_task(task, from, to);
}

static inline int register_controller(struct container_v6_controller *ctlr)
{
	int err;

	if (container_v6_ctlr)
		return -EEXIST;
	container_v6_ctlr = ctlr;
	ctlr->now = (struct res_controller) {
		.name = ctlr->name,
		.owner = THIS_MODULE,
		.allocate = ctlr->alloc_shares_struct ? container_v6_allocate : NULL,
		.free = ctlr->free_shares_struct,
		.shares_changed = ctlr->shares_changed,
		.show_stats = ctlr->show_stats ? container_v6_show_stats : NULL,
		.reset_stats = ctlr->reset_stats ? container_v6_reset_stats : NULL,
		.move_task = ctlr->move_task ? container_v6_move_task : NULL,
	};
	err = resgroup_register_controller(&ctlr->now);
	if (err)
		container_v6_ctlr = NULL;
	return err;
}

static inline int unregister_controller(struct container_v6_controller *ctlr)
{
	int err = resgroup_unregister_controller(&ctlr->now);

	if (!err)
		container_v6_ctlr = NULL;
	return err;
}

#define res_controller				container_v6_controller
#define resource_group				container

#endif /* _CONTAINER_V6_H */
