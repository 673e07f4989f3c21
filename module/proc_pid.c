// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/<pid>/container, for processes and threads. Skip this at a first reading.
 *
 * procfs finds the files of a task in two static tables, one for processes and one for threads.
 * While this module is loaded, lookups and listings get copies of the tables with one more
 * entry, a copy of the entry "cgroup": hooks replace the tables in the arguments of the functions
 * that search them. If the compiler has inlined the function that looks up a name, the lookups in
 * the directories of processes and of threads are redirected here for this one name. On a kernel
 * where neither is possible there are no such files, and the log says so.
 *
 * A user can stop a listing in the middle for any time, by not supplying the memory of the buffer
 * (userfaultfd, FUSE). So a task in a listing holds a reference on this module, which cannot be
 * unloaded meanwhile.
 *
 * The operations of the file are the kernel's own. Only the show function, which procfs keeps
 * beside the inode, is in this module. Unloading removes all references to the module in this
 * order:
 *   - The hooks are disarmed, so that no new call gets a copy of a table. No listing uses a copy
 *     then: a task in a listing has a reference, and unloading would have failed.
 *   - Lookups that use a copy finish: they wait for nothing but memory.
 *   - In each inode of the file, a function of the kernel that prints nothing of containers
 *     replaces the show function, and the inode becomes a bad one. It may stay open for long, but
 *     does not lead here any more.
 *   - Tasks that run the show function, or have fetched its address before, finish.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/kallsyms.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait_bit.h>

#include "compat.h"
#include "container_hook.h"
#include "core.h"
#include "proc_inode.h"

/* An entry of the tables, as in the kernel's fs/proc/base.c. Loading checks that it fits. */
struct pid_entry {
	const char *name;
	unsigned int len;
	umode_t mode;
	const struct inode_operations *iop;
	const struct file_operations *fop;
	int (*show)(struct seq_file *m, struct pid_namespace *ns, struct pid *pid,
		    struct task_struct *task);
};

/* A table of the kernel and its copy. */
static struct pid_table {
	const struct pid_entry *orig;
	struct pid_entry *copy;
	unsigned int count;		/* entries of the copy */
} pid_tables[2];		/* for processes and for threads */

/* The operations of the files, which other files of procfs share. */
static const struct file_operations *pid_file_ops;
/* The kernel's function that instantiates a file of a process, if it is needed. */
static void *pident_instantiate;
CONTAINER_KERNEL_FN(struct dentry *, call_pident_instantiate, struct dentry *dentry,
		    struct task_struct *task, const struct pid_entry *entry);
CONTAINER_KERNEL_FN(struct dentry *, call_pident_lookup, struct inode *dir, struct dentry *dentry,
		    const struct pid_entry *first, const struct pid_entry *end);
CONTAINER_KERNEL_FN(int, call_pident_readdir, struct file *file, struct dir_context *ctx,
		    const struct pid_entry *first, unsigned int count);
CONTAINER_KERNEL_FN(struct dentry *, call_lookup, struct inode *dir, struct dentry *dentry,
		    unsigned int flags);
/* The number of tasks in lookups by a function of this file, as a sum over all CPUs. */
static DEFINE_PER_CPU(long, lookup_callers);
/* The number of tasks in pid_container_show(); unloading waits for them. */
static atomic_t shows;

/* Called by procfs to read the file of a task. */
static int pid_container_show(struct seq_file *m, struct pid_namespace *ns,
			      struct pid *pid, struct task_struct *task)
{
	int err;

	atomic_inc(&shows);
	err = proc_show_task(m, task);
	if (atomic_dec_and_test(&shows))
		wake_up_var(&shows);
	return err;
}

static struct pid_table *pid_table_of(const void *orig)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(pid_tables); i++)
		if (orig == pid_tables[i].orig)
			return &pid_tables[i];
	return NULL;
}

/* Names of the features that may be lost. */
#define PID_FILE "/proc/<pid>/container"
#define PID_LISTED "/proc/<pid>/container in listings"

enum { HOOK_TGID_LOOKUP, HOOK_TID_LOOKUP, HOOK_READDIR, HOOK_LOOKUP, PROC_HOOKS };
static struct container_hook proc_hooks[PROC_HOOKS];

/* Runs in place of proc_pident_lookup(). */
static struct dentry *lookup_entry(struct inode *dir, struct dentry *dentry,
				   const struct pid_entry *first, const struct pid_entry *end)
{
	struct pid_table *t = pid_table_of(first);
	struct dentry *found;

	container_hook_enter(&lookup_callers);
	if (t) {
		first = t->copy;
		end = first + t->count;
	}
	found = call_pident_lookup(proc_hooks[HOOK_LOOKUP].body, dir, dentry, first, end);
	container_hook_leave(&lookup_callers);
	return found;
}

static void notrace hook_lookup(unsigned long ip, unsigned long parent_ip,
				struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	container_hook_redirect(fregs, lookup_entry);
}

/* Runs in place of proc_pident_readdir(), with a reference on this module. */
static int list_entries(struct file *file, struct dir_context *ctx,
			const struct pid_entry *first, unsigned int count)
{
	struct pid_table *t = pid_table_of(first);
	int err;

	err = call_pident_readdir(proc_hooks[HOOK_READDIR].body, file, ctx, t->copy, t->count);
	module_put(THIS_MODULE);
	return err;
}

/* A function of call.S, and the address where it continues, which is the same for each call. */
void listing_pass(void);
void *listing_body;

/*
 * The reference is taken here and not in list_entries(): a task that finds the module unloading
 * must not get a stack frame of this module. list_entries(), which puts the reference, is always
 * reached, since BPF programs are not allowed to return in place of proc_pident_readdir().
 */
static void notrace hook_readdir(unsigned long ip, unsigned long parent_ip,
				 struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	if (pid_table_of((void *)container_hook_arg(fregs, 2)) && try_module_get(THIS_MODULE)) {
		container_hook_redirect(fregs, list_entries);
	} else {
		listing_body = (void *)(ip + MCOUNT_INSN_SIZE);
		container_hook_redirect(fregs, listing_pass);
	}
}

/*
 * Finds the task of a directory of procfs, with a reference. Its number may have been reused, so
 * the struct pid has to be the one that procfs keeps for the directory.
 */
static struct task_struct *directory_task(struct inode *dir, struct dentry *dentry)
{
	struct task_struct *task = NULL;
	struct pid *pid;
	int nr;

	if (kstrtoint(dentry->d_parent->d_name.name, 10, &nr))
		return NULL;
	rcu_read_lock();
	pid = find_pid_ns(nr, proc_pid_ns(dir->i_sb));
	if (pid && proc_inode_word(dir, pid))
		task = pid_task(pid, PIDTYPE_PID);
	if (task)
		get_task_struct(task);
	rcu_read_unlock();
	return task;
}

/* Looks up the file "container". */
static struct dentry *lookup_container(struct inode *dir, struct dentry *dentry)
{
	struct task_struct *task = directory_task(dir, dentry);
	struct dentry *found;

	if (!task)
		return ERR_PTR(-ENOENT);
	found = call_pident_instantiate(pident_instantiate, dentry, task,
					pid_tables[0].copy + pid_tables[0].count - 1);
	put_task_struct(task);
	return found;
}

static struct dentry *lookup_name(struct container_hook *hook, struct inode *dir,
				  struct dentry *dentry, unsigned int flags)
{
	struct dentry *found;

	container_hook_enter(&lookup_callers);
	if (dentry->d_name.len == strlen("container") &&
	    !memcmp(dentry->d_name.name, "container", strlen("container")))
		found = lookup_container(dir, dentry);
	else
		found = call_lookup(hook->body, dir, dentry, flags);
	container_hook_leave(&lookup_callers);
	return found;
}

/* Runs in place of proc_tgid_base_lookup(). */
static struct dentry *tgid_lookup(struct inode *dir, struct dentry *dentry, unsigned int flags)
{
	return lookup_name(&proc_hooks[HOOK_TGID_LOOKUP], dir, dentry, flags);
}

/* Runs in place of proc_tid_base_lookup(). */
static struct dentry *tid_lookup(struct inode *dir, struct dentry *dentry, unsigned int flags)
{
	return lookup_name(&proc_hooks[HOOK_TID_LOOKUP], dir, dentry, flags);
}

static void notrace hook_tgid_lookup(unsigned long ip, unsigned long parent_ip,
				     struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	container_hook_redirect(fregs, tgid_lookup);
}

static void notrace hook_tid_lookup(unsigned long ip, unsigned long parent_ip,
				    struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	container_hook_redirect(fregs, tid_lookup);
}

static struct container_hook proc_hooks[PROC_HOOKS] = {
	[HOOK_TGID_LOOKUP] = {
		.name = "proc_tgid_base_lookup",
		.type = CONTAINER_HOOK_OVERRIDE,
		.handler = hook_tgid_lookup,
		.optional = PID_FILE,
	},
	[HOOK_TID_LOOKUP] = {
		.name = "proc_tid_base_lookup",
		.type = CONTAINER_HOOK_OVERRIDE,
		.handler = hook_tid_lookup,
		.optional = PID_FILE,
	},
	[HOOK_READDIR] = {
		.name = "proc_pident_readdir",
		.type = CONTAINER_HOOK_OVERRIDE,
		.handler = hook_readdir,
		.optional = PID_LISTED,
	},
	[HOOK_LOOKUP] = {
		.name = "proc_pident_lookup",
		.type = CONTAINER_HOOK_OVERRIDE,
		.handler = hook_lookup,
		.optional = PID_FILE,
	},
};

/* The hooks that this kernel needs: the last two, or all but the last. */
static struct container_hook *hooks_used;
static int hooks_count;
/* The feature as this kernel provides it. */
static const struct container_feature *pid_file;
/* proc_cgroup_show() */
static void *cgroup_show;

static int choose_hooks(void)
{
	static const struct container_symbol symbols[] = {
		{ .name = "proc_cgroup_show", .address = &cgroup_show },
		{ .name = "tgid_base_stuff", .address = (void **)&pid_tables[0].orig },
		{ .name = "tid_base_stuff", .address = (void **)&pid_tables[1].orig },
		/* needed only if proc_pident_lookup() is inlined */
		{ .name = "proc_pident_instantiate", .address = &pident_instantiate },
	};
	static const struct container_feature plain = {
		.name = PID_FILE,
		.symbols = symbols,
		.nr_symbols = ARRAY_SIZE(symbols) - 1,
		.hooks = proc_hooks + HOOK_LOOKUP,
		.nr_hooks = 1,
	};
	static const struct container_feature inlined = {
		.name = PID_FILE,
		.symbols = symbols,
		.nr_symbols = ARRAY_SIZE(symbols),
		.hooks = proc_hooks,
		.nr_hooks = HOOK_READDIR,
	};
	static const struct container_feature listed = {
		.name = PID_LISTED,
		.hooks = proc_hooks + HOOK_READDIR,
		.nr_hooks = 1,
	};
	int err;

	if (container_hook_symbol("proc_pident_lookup")) {
		pid_file = &plain;
		hooks_used = proc_hooks + HOOK_READDIR;
		hooks_count = PROC_HOOKS - HOOK_READDIR;
	} else {
		pid_file = &inlined;
		hooks_used = proc_hooks;
		hooks_count = HOOK_LOOKUP;
	}
	err = container_feature_find(&listed);
	if (err && err != -EOPNOTSUPP)
		return err;
	return container_feature_find(pid_file);
}

/* Counts the entries of a table: as many as look like one, up to the end of the symbol. */
static unsigned int pid_table_length(const struct pid_entry *table)
{
	char symbol[KSYM_SYMBOL_LEN], *slash;
	struct pid_entry e;
	unsigned long size;
	unsigned int n;

	sprint_symbol(symbol, (unsigned long)table);
	slash = strchr(symbol, '/');
	if (!slash || sscanf(slash, "/%lx", &size) != 1)
		return 0;
	for (n = 0; n < size / sizeof(*table); n++)
		/* after the table there may be other data, or no memory */
		if (copy_from_kernel_nofault(&e, table + n, sizeof(e)) ||
		    !e.name || e.len != strlen(e.name))
			break;
	return n;
}

static int pid_table_copy(struct pid_table *t)
{
	const struct pid_entry *cgroup = NULL;
	struct pid_entry *new;
	unsigned int n, i;

	n = pid_table_length(t->orig);
	for (i = 0; i < n; i++)
		if (!strcmp(t->orig[i].name, "cgroup"))
			cgroup = t->orig + i;
	if (!cgroup || cgroup->show != cgroup_show || !cgroup->fop || cgroup->iop) {
		container_feature_lost(PID_FILE,
				       "the tables of this kernel's procfs are of an unknown kind");
		return -EOPNOTSUPP;
	}

	t->copy = kmalloc_array(n + 1, sizeof(*new), GFP_KERNEL);
	if (!t->copy)
		return -ENOMEM;
	memcpy(t->copy, t->orig, n * sizeof(*new));
	t->count = n + 1;

	pid_file_ops = cgroup->fop;
	new = t->copy + n;
	*new = *cgroup;
	new->name = "container";
	new->len = strlen(new->name);
	new->show = pid_container_show;
	return 0;
}

/* The copies stay until the module is unloaded: a listing may use one even if this fails. */
static void pid_entries_add(struct file_system_type *procfs)
{
	int i, err;

	err = choose_hooks();
	for (i = 0; i < ARRAY_SIZE(pid_tables) && !err; i++)
		err = pid_table_copy(&pid_tables[i]);
	if (!err) {
		err = proc_inode_check(procfs, pid_file_ops, cgroup_show);
		if (err && err != -ENOMEM)
			container_feature_lost(PID_FILE,
					       "the inodes of this kernel's procfs are of an unknown kind");
	}
	if (!err)
		err = container_hooks_arm(hooks_used, hooks_count);
	for (i = 0; !err && i < pid_file->nr_hooks; i++)
		if (!pid_file->hooks[i].armed)
			err = -EBUSY;
	if (err)
		container_hooks_disarm(hooks_used, hooks_count);
	if (err == -ENOMEM)
		container_feature_lost(PID_FILE, "no memory");
}

/**
 * pid_entries_init - add /proc/<pid>/container, if this kernel allows it
 *
 * The last step of loading: nothing may fail after it, since listings take references on the
 * module.
 *
 * Context: sleeps.
 */
void pid_entries_init(void)
{
	struct file_system_type *procfs = get_fs_type("proc");

	/* if the feature is lost, the log says so */
	pid_entries_add(procfs);
	module_put(procfs->owner);
}

/**
 * pid_entries_exit - remove /proc/<pid>/container
 *
 * When it returns, nothing in procfs refers to this module.
 *
 * Context: no lock held; sleeps.
 */
void pid_entries_exit(void)
{
	struct file_system_type *procfs = get_fs_type("proc");
	int i;

	container_hooks_disarm(hooks_used, hooks_count);
	container_hook_wait_callers(&lookup_callers);
	proc_inodes_disown(procfs, pid_file_ops, pid_container_show,
			   compat_idle_show(cgroup_show));
	module_put(procfs->owner);
	compat_synchronize_tasks();
	wait_var_event(&shows, !atomic_read(&shows));
	/* tasks that have decremented the counter may not have returned yet */
	compat_synchronize_tasks();
	container_hooks_forget(hooks_used, hooks_count);
	for (i = 0; i < ARRAY_SIZE(pid_tables); i++)
		kfree(pid_tables[i].copy);
}

