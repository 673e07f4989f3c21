// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/containers, and /proc/<pid>/container for processes and threads.
 *
 * procfs finds the files of a process in two static tables. While we are loaded
 * its lookups and listings see copies of them with one entry more, a clone of
 * the entry "cgroup": entry hooks on the functions that take the tables as
 * arguments replace the argument. A compiler may have inlined the lookup's
 * function; then the lookups in the directories of processes and threads are
 * redirected to one of ours, for this one name.
 *
 * Such a file's operations are the kernel's own; all that leads to us is the show
 * function that procfs keeps beside the inode. What may outlive us is made safe
 * when we unload, in this order:
 *   - the hooks are disarmed: no new call gets a copy of a table;
 *   - calls that have one finish: they run with the lock of the directory held, so
 *     taking each directory's lock once waits for them;
 *   - in each inode of ours the show function is replaced by one of the kernel's
 *     that shows nothing, and the inode becomes a bad one: it stays as long as
 *     somebody has it open, or holds its dentry, but no longer leads to us;
 *   - who has fetched the function's address by then, or is in it, finishes.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/kallsyms.h>
#include <linux/pid.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait_bit.h>

#include "core.h"
#include "hook.h"

/* An entry of the tables; fs/proc/internal.h and base.c. Checked when we load. */
struct pid_entry {
	const char *name;
	unsigned int len;
	umode_t mode;
	const struct inode_operations *iop;
	const struct file_operations *fop;
	int (*show)(struct seq_file *m, struct pid_namespace *ns, struct pid *pid,
		    struct task_struct *task);
};

/* A table of the kernel's and our copy of it. */
static struct pid_table {
	const char *symbol;
	const struct pid_entry *orig;
	struct pid_entry *copy;
	unsigned int count;		/* of the copy */
} pid_tables[] = {
	{ .symbol = "tgid_base_stuff" },
	{ .symbol = "tid_base_stuff" },
};

/* The operations of our files, which they share with others of procfs. */
static const struct file_operations *pid_file_ops;
/* The kernel's function that makes a file of a process, where we need it. */
static void *pident_instantiate;
/* Runs of pid_container_show(), to be waited for when we unload. */
static atomic_t shows;

/* --- what the files show --------------------------------------------------- */

static int show_membership(struct seq_file *m, struct hierarchy *h,
			    struct task_struct *task, char *path)
{
	struct container_subsys *ss;
	struct container *cont;
	const char *sep = "";
	int id, err;

	rcu_read_lock();
	cont = membership_of(task, h->top.hierarchy);
	rcu_read_unlock();
	/* it has a member, so it is not removed, and while we hold the lock stays so */
	err = container_path(cont, path, PATH_MAX);
	if (err)
		return err;

	if (h->name[0]) {
		seq_printf(m, "name=%s", h->name);
		sep = ",";
	}
	for_each_bound_subsys(h, id, ss) {
		seq_printf(m, "%s%s", sep, ss->name);
		sep = ",";
	}
	seq_printf(m, ":%s\n", path);
	return 0;
}

static int pid_container_show(struct seq_file *m, struct pid_namespace *ns,
			      struct pid *pid, struct task_struct *task)
{
	int i, err = 0;
	char *path;

	atomic_inc(&shows);
	path = kmalloc(PATH_MAX, GFP_KERNEL);
	if (path) {
		container_lock();
		for (i = 1; i < MAX_CONTAINER_HIERARCHIES && !err; i++)
			if (hierarchies[i])
				err = show_membership(m, hierarchies[i], task, path);
		container_unlock();
		kfree(path);
	}
	if (atomic_dec_and_test(&shows))
		wake_up_var(&shows);
	return path ? err : -ENOMEM;
}

static int containers_show(struct seq_file *m, void *v)
{
	container_lock();
	containers_show_hierarchies(m);
	subsys_show(m);
	container_unlock();
	hook_show(m);
	return 0;
}

/* --- the entry in /proc/<pid> ---------------------------------------------- */

static struct pid_table *pid_table_of(const void *orig)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(pid_tables); i++)
		if (orig == pid_tables[i].orig)
			return &pid_tables[i];
	return NULL;
}

/* proc_pident_lookup(dir, dentry, first, end) */
CONTAINER_HOOK_HANDLER(hook_lookup, regs)
{
	struct pid_table *t = pid_table_of((void *)container_hook_arg(regs, 2));

	if (t) {
		container_hook_set_arg(regs, 2, (unsigned long)t->copy);
		container_hook_set_arg(regs, 3, (unsigned long)(t->copy + t->count));
	}
}

/* proc_pident_readdir(file, ctx, first, count) */
CONTAINER_HOOK_HANDLER(hook_readdir, regs)
{
	struct pid_table *t = pid_table_of((void *)container_hook_arg(regs, 2));

	if (t) {
		container_hook_set_arg(regs, 2, (unsigned long)t->copy);
		container_hook_set_arg(regs, 3, t->count);
	}
}

/* The words of a struct proc_inode lie before its inode, at most so many. */
#define PROC_INODE_WORDS 9

static void **proc_inode_word(struct inode *inode, const void *value)
{
	void **word = (void **)inode;
	int i;

	for (i = 1; i <= PROC_INODE_WORDS; i++)
		if (READ_ONCE(word[-i]) == value)
			return word - i;
	return NULL;
}

/*
 * The task that a directory of procfs is for. Its number may be another task's
 * by now, so the pid has to be the one that procfs keeps in the directory.
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

/* Takes the place of proc_tgid_base_lookup() and proc_tid_base_lookup(). */
static struct dentry *lookup_container(struct inode *dir, struct dentry *dentry,
				       unsigned int flags)
{
	struct task_struct *task = directory_task(dir, dentry);
	unsigned long found;

	if (!task)
		return ERR_PTR(-ENOENT);
	found = container_hook_call(pident_instantiate, (unsigned long)dentry,
				    (unsigned long)task,
				    (unsigned long)(pid_tables[0].copy + pid_tables[0].count - 1));
	put_task_struct(task);
	return (struct dentry *)found;
}

CONTAINER_HOOK_HANDLER(hook_base_lookup, regs)
{
	struct dentry *dentry = (void *)container_hook_arg(regs, 1);

	if (dentry->d_name.len == strlen("container") &&
	    !memcmp(dentry->d_name.name, "container", strlen("container")))
		container_hook_redirect(regs, lookup_container);
}

enum { HOOK_LOOKUP, HOOK_READDIR, HOOK_TGID_LOOKUP, HOOK_TID_LOOKUP, PROC_HOOKS };

static struct container_hook proc_hooks[PROC_HOOKS] = {
	[HOOK_LOOKUP] = {
		.name = "proc_pident_lookup",
		.type = CONTAINER_HOOK_ENTRY,
		.handler = hook_lookup,
	},
	[HOOK_READDIR] = {
		.name = "proc_pident_readdir",
		.type = CONTAINER_HOOK_ENTRY,
		.handler = hook_readdir,
		.optional = "ls shows no /proc/<pid>/container",
	},
	[HOOK_TGID_LOOKUP] = {
		.name = "proc_tgid_base_lookup",
		.type = CONTAINER_HOOK_OVERRIDE,
		.handler = hook_base_lookup,
	},
	[HOOK_TID_LOOKUP] = {
		.name = "proc_tid_base_lookup",
		.type = CONTAINER_HOOK_OVERRIDE,
		.handler = hook_base_lookup,
	},
};

/* Those of them that this kernel needs: the first two, or all but the first. */
static struct container_hook *hooks_used = proc_hooks;
static int hooks_count = HOOK_TGID_LOOKUP;

static void choose_hooks(void)
{
	if (container_hook_symbol("proc_pident_lookup"))
		return;
	hooks_used = proc_hooks + HOOK_READDIR;
	hooks_count = PROC_HOOKS - HOOK_READDIR;
	pident_instantiate = container_hook_symbol("proc_pident_instantiate");
}

/* How many entries a table has: as many as look like one within the symbol. */
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
		/* what lies behind the table may be anything, or not there */
		if (copy_from_kernel_nofault(&e, table + n, sizeof(e)) ||
		    !e.name || e.len != strlen(e.name))
			break;
	return n;
}

static int pid_table_copy(struct pid_table *t)
{
	const struct pid_entry *cgroup = NULL;
	void *show = container_hook_symbol("proc_cgroup_show");
	struct pid_entry *new;
	unsigned int n, i;

	t->orig = container_hook_symbol(t->symbol);
	n = t->orig ? pid_table_length(t->orig) : 0;
	for (i = 0; i < n; i++)
		if (!strcmp(t->orig[i].name, "cgroup"))
			cgroup = t->orig + i;
	if (!cgroup || !show || cgroup->show != show || !cgroup->fop || cgroup->iop) {
		pr_err("%s of this kernel is not as expected\n", t->symbol);
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

/* Calls a function for each inode of a superblock, which it may sleep with. */
static void for_each_inode(struct super_block *sb, void *fn)
{
	void (*call)(struct inode *inode) = fn;
	struct inode *inode, *prev = NULL;

	spin_lock(&sb->s_inode_list_lock);
	list_for_each_entry(inode, &sb->s_inodes, i_sb_list) {
		if (!igrab(inode))
			continue;
		spin_unlock(&sb->s_inode_list_lock);
		/* the reference keeps our place in the list */
		iput(prev);
		prev = inode;
		call(inode);
		cond_resched();
		spin_lock(&sb->s_inode_list_lock);
	}
	spin_unlock(&sb->s_inode_list_lock);
	iput(prev);
}

static void wait_for_directory(struct inode *inode)
{
	if (S_ISDIR(inode->i_mode)) {
		inode_lock(inode);
		inode_unlock(inode);
	}
}

static void disown_inode(struct inode *inode)
{
	struct dentry *dentry;
	void **slot;

	if (inode->i_fop != pid_file_ops)
		return;
	/* where procfs keeps the show function; no other word has that value */
	slot = proc_inode_word(inode, pid_container_show);
	if (slot) {
		/* does nothing and returns 0, whatever its arguments */
		WRITE_ONCE(*slot, noop_fsync);
		make_bad_inode(inode);
		while ((dentry = d_find_alias(inode))) {
			d_drop(dentry);
			dput(dentry);
		}
	}
}

static void pid_entries_remove(void)
{
	struct file_system_type *procfs = get_fs_type("proc");

	container_hooks_disarm(hooks_used, hooks_count);
	iterate_supers_type(procfs, for_each_inode, wait_for_directory);
	iterate_supers_type(procfs, for_each_inode, disown_inode);
	module_put(procfs->owner);
	compat_synchronize_tasks();
	wait_var_event(&shows, !atomic_read(&shows));
	/* for those who were the last to leave and have yet to return */
	compat_synchronize_tasks();
	container_hooks_forget(hooks_used, hooks_count);
}

static void pid_tables_free(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(pid_tables); i++)
		kfree(pid_tables[i].copy);
}

int proc_init(void)
{
	int i, err;

	choose_hooks();
	if (hooks_used != proc_hooks && !pident_instantiate) {
		pr_err("this kernel has neither proc_pident_lookup nor proc_pident_instantiate\n");
		return -EOPNOTSUPP;
	}
	for (i = 0; i < ARRAY_SIZE(pid_tables); i++) {
		err = pid_table_copy(&pid_tables[i]);
		if (err)
			goto err_tables;
	}
	err = container_hooks_arm(hooks_used, hooks_count);
	if (err)
		goto err_tables;
	err = -ENOMEM;
	if (!proc_create_single("containers", 0444, NULL, containers_show))
		goto err_hooks;
	return 0;

err_hooks:
	pid_entries_remove();
err_tables:
	pid_tables_free();
	return err;
}

void proc_exit(void)
{
	remove_proc_entry("containers", NULL);
	pid_entries_remove();
	pid_tables_free();
}
