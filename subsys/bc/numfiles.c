// SPDX-License-Identifier: GPL-2.0
/*
 * numfiles: each struct file is charged to the container of the task that opened it, until the
 * last reference on it is dropped, by any task.
 *
 * The kernel allocates every struct file by alloc_empty_file() or one of its variants, which call
 * security_file_alloc(). This includes files that the system's own count leaves out, such as those
 * of overlayfs; they are charged, too. If security_file_alloc() fails, the callers free the file
 * and return the error, so that open(2), pipe(2), socket(2) and others fail with EMFILE. While bc
 * is bound, files_alloc() runs in its place: it charges the file, adds an entry for it, and calls
 * the original function. If that fails, security_file_free() may not be called, so files_alloc()
 * uncharges the file itself.
 *
 * security_file_free() is called once for each file that was allocated, when the last reference
 * is dropped: by the task itself on its way out of the kernel (close), by the last task that held
 * it, or from a work item. Then the entry is removed, together with its charge and its reference
 * on the beancounter.
 *
 * A file without an entry was opened before bc was bound. No address ever has two entries, since
 * an entry is removed when its file is freed. For this, no free may be missed: the hook on frees
 * is armed before the hook on allocations, and is disarmed only after the last task has left
 * files_alloc(), where tasks may sleep in the original function. Then the remaining entries are
 * dropped.
 *
 * The lock of a chain is innermost, and is held only to change or search the chain. It is taken in
 * process context only, where struct files are allocated and freed.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/list_bl.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>

#include "bc.h"
#include "container_hook.h"
#include "private.h"

#define FILES_BITS 15

/**
 * struct file_charge - the charge of a file
 * @node: link in its chain
 * @file: the file
 * @bc: the beancounter that was charged, with a reference
 */
struct file_charge {
	struct hlist_bl_node node;
	const struct file *file;
	struct beancounter *bc;
};

/* The entries, hashed by the file's address. The lock bit of a chain guards it. */
static struct hlist_bl_head *files;
static struct kmem_cache *charge_cache;

/* The number of tasks in files_alloc(), as a sum over all CPUs. */
static DEFINE_PER_CPU(long, files_callers);

static struct hlist_bl_head *files_chain(const struct file *file)
{
	return &files[hash_ptr((void *)file, FILES_BITS)];
}

/*
 * Free entries that are kept for the next files on this CPU. Most files are closed soon, and
 * allocating and freeing in the slab would cost more than everything else about an entry. Guarded
 * by disabled preemption.
 */
struct files_spares {
	int count;
	struct file_charge *fc[32];
};

static DEFINE_PER_CPU(struct files_spares, files_spares);

static struct file_charge *charge_alloc(void)
{
	struct file_charge *fc = NULL;
	struct files_spares *s = get_cpu_ptr(&files_spares);

	if (s->count)
		fc = s->fc[--s->count];
	put_cpu_ptr(&files_spares);
	return fc ?: kmem_cache_alloc(charge_cache, GFP_KERNEL);
}

static void charge_free(struct file_charge *fc)
{
	struct files_spares *s = get_cpu_ptr(&files_spares);

	if (s->count < ARRAY_SIZE(s->fc)) {
		s->fc[s->count++] = fc;
		fc = NULL;
	}
	put_cpu_ptr(&files_spares);
	if (fc)
		kmem_cache_free(charge_cache, fc);
}

static void charge_drop(struct file_charge *fc)
{
	counter_uncharge(&fc->bc->counter[BC_NUMFILES], NULL, 1);
	beancounter_put(fc->bc);
	charge_free(fc);
}

/* The charge of a file in its chain, which is locked; NULL if the file was not charged. */
static struct file_charge *charge_find(struct hlist_bl_head *chain, const struct file *file)
{
	struct hlist_bl_node *node;
	struct file_charge *fc;

	hlist_bl_for_each_entry(fc, node, chain, node)
		if (fc->file == file)
			return fc;
	return NULL;
}

/* Uncharges a file, if it was charged. */
static void file_uncharge(const struct file *file)
{
	struct hlist_bl_head *chain = files_chain(file);
	struct file_charge *fc;

	hlist_bl_lock(chain);
	fc = charge_find(chain, file);
	if (fc)
		__hlist_bl_del(&fc->node);
	hlist_bl_unlock(chain);
	if (fc)
		charge_drop(fc);
}

/**
 * numfiles_crossed - log that a privileged task goes beyond a barrier
 * @c: the counter with the barrier
 *
 * Context: as for the charge.
 */
void numfiles_crossed(struct bc_counter *c)
{
	rcu_read_lock();
	pr_info_ratelimited("%s[%d] is beyond the barrier on files of container %pd4\n",
			    current->comm, task_pid_nr(current),
			    container_dentry(&counter_bc(c, BC_NUMFILES)->css));
	rcu_read_unlock();
}

/*
 * May the current task go beyond a barrier? By its own rights: a filesystem on top of another one
 * opens files there with those of who has mounted it, be they more or less.
 */
static bool may_cross(void)
{
	const struct cred *real = current_real_cred();

	return real->user_ns == &init_user_ns && cap_raised(real->cap_effective, CAP_SYS_ADMIN);
}

/* Charges a file beyond a barrier, for which the task needs a capability. */
static noinline int file_charge_more(struct beancounter *bc, struct bc_counter *full)
{
	enum bc_severity severity = BC_BARRIER;
	struct bc_counter *crossed = NULL;

	if (may_cross()) {
		severity = BC_LIMIT;
		full = counter_charge(&bc->counter[BC_NUMFILES], NULL, 1, severity, &crossed);
		if (crossed && !full)
			numfiles_crossed(crossed);
	}
	return full ? bc_refuse(bc, full, BC_NUMFILES, severity, CONTAINER_CHARGE) : 0;
}

static int file_charge(const struct file *file)
{
	struct beancounter *bc = beancounter_get_current();
	struct bc_counter *c = &bc->counter[BC_NUMFILES], *full;
	struct file_charge *fc;
	int err;

	full = counter_charge(c, NULL, 1, BC_BARRIER, NULL);
	if (unlikely(full)) {
		err = file_charge_more(bc, full);
		if (err)
			goto err_put;
	}
	fc = charge_alloc();
	if (unlikely(!fc)) {
		err = -ENOMEM;
		goto err_uncharge;
	}
	fc->file = file;
	fc->bc = bc;
	hlist_bl_lock(files_chain(file));
	hlist_bl_add_head(&fc->node, files_chain(file));
	hlist_bl_unlock(files_chain(file));
	return 0;

err_uncharge:
	counter_undo(c, NULL, 1);
err_put:
	beancounter_put(bc);
	return err;
}

enum { HOOK_FREE, HOOK_ALLOC, FILES_HOOKS };
static struct container_hook files_hooks[FILES_HOOKS];
CONTAINER_KERNEL_FN(int, call_file_alloc, struct file *file);

/* Runs in place of security_file_alloc(). May sleep. */
static int files_alloc(struct file *file)
{
	int err;

	container_hook_enter(&files_callers);
	err = file_charge(file);
	if (likely(!err)) {
		err = call_file_alloc(files_hooks[HOOK_ALLOC].body, file);
		/* if it has called security_file_free(), the file is uncharged already */
		if (unlikely(err))
			file_uncharge(file);
	}
	container_hook_leave(&files_callers);
	return err;
}

static void notrace hook_file_alloc(unsigned long ip, unsigned long parent_ip,
				    struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	container_hook_redirect(fregs, files_alloc);
}

static void notrace hook_file_free(unsigned long ip, unsigned long parent_ip,
				   struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	file_uncharge((void *)container_hook_arg(fregs, 0));
}

/* Armed in this order: see the top. */
static struct container_hook files_hooks[FILES_HOOKS] = {
	[HOOK_FREE] = {
		.name = "security_file_free",
		.type = CONTAINER_HOOK_ENTRY,
		.handler = hook_file_free,
	},
	[HOOK_ALLOC] = {
		.name = "security_file_alloc",
		.type = CONTAINER_HOOK_OVERRIDE,
		.handler = hook_file_alloc,
	},
};

/**
 * numfiles_known - can files be counted on this kernel?
 *
 * Context: any, after numfiles_init().
 */
bool numfiles_known(void)
{
	return files_hooks[HOOK_FREE].found && files_hooks[HOOK_ALLOC].found;
}

/**
 * numfiles_bind - begin to count files, if that is possible
 *
 * Context: in bind(); sleeps.
 * Return: 0, or the errno of arming the hooks.
 */
int numfiles_bind(void)
{
	return numfiles_known() ? container_hooks_arm(files_hooks, FILES_HOOKS) : 0;
}

/**
 * numfiles_unbind - stop counting files, and uncharge all files
 *
 * Context: in unbind(); sleeps as long as a task allocates memory for a file.
 */
void numfiles_unbind(void)
{
	struct file_charge *fc;
	int i;

	container_hooks_disarm(files_hooks + HOOK_ALLOC, 1);
	container_hook_wait_callers(&files_callers);
	container_hooks_disarm(files_hooks, HOOK_ALLOC);

	for (i = 0; i < 1 << FILES_BITS; i++)
		while (!hlist_bl_empty(&files[i])) {
			fc = hlist_bl_entry(hlist_bl_first(&files[i]), struct file_charge, node);
			hlist_bl_lock(&files[i]);
			__hlist_bl_del(&fc->node);
			hlist_bl_unlock(&files[i]);
			charge_drop(fc);
		}
}

/**
 * numfiles_charged_to - is a file charged to a container, or to a descendant?
 * @file: the file
 * @counter: the counter of the container
 *
 * Context: process.
 */
bool numfiles_charged_to(const struct file *file, const struct bc_counter *counter)
{
	struct hlist_bl_head *chain = files_chain(file);
	const struct bc_counter *c;
	struct file_charge *fc;

	hlist_bl_lock(chain);
	fc = charge_find(chain, file);
	c = fc ? &fc->bc->counter[BC_NUMFILES] : NULL;
	while (c && c != counter)
		c = c->parent;
	hlist_bl_unlock(chain);
	return c;
}

/**
 * numfiles_init - look for the functions to hook, and allocate the table
 *
 * A function that this kernel lacks is reported, and is no error: see numfiles_known().
 *
 * Context: the module is being loaded.
 * Return: 0 or -ENOMEM.
 */
int numfiles_init(void)
{
	static const struct container_symbol symbols[] = {
		{ .name = "find_ge_pid", .address = &holders_find_pid_fn },
	};
	static const struct container_feature feature = {
		.name = "bc.numfiles",
		.symbols = symbols,
		.nr_symbols = ARRAY_SIZE(symbols),
		.hooks = files_hooks,
		.nr_hooks = FILES_HOOKS,
	};
	int err;

	err = container_feature_find(&feature);
	if (err && err != -EOPNOTSUPP)
		return err;
	/* a chain that is all zero is empty */
	files = kvcalloc(1 << FILES_BITS, sizeof(*files), GFP_KERNEL);
	if (!files)
		return -ENOMEM;
	charge_cache = kmem_cache_create("container_file", sizeof(struct file_charge), 0, 0, NULL);
	if (!charge_cache) {
		kvfree(files);
		return -ENOMEM;
	}
	return 0;
}

/* Called when the module is unloaded, or cannot be loaded. */
void numfiles_exit(void)
{
	struct files_spares *s;
	int cpu;

	for_each_possible_cpu(cpu) {
		s = per_cpu_ptr(&files_spares, cpu);
		while (s->count)
			kmem_cache_free(charge_cache, s->fc[--s->count]);
	}
	container_hooks_forget(files_hooks, FILES_HOOKS);
	kmem_cache_destroy(charge_cache);
	kvfree(files);
}
