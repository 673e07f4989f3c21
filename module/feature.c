// SPDX-License-Identifier: GPL-2.0
/*
 * The table of features: the needs of each feature, and whether the running kernel meets them.
 * It is the last part of /proc/containers; the log has a line for each lost feature.
 *
 * The hook layer adds entries as modules are loaded. They stay until the core is unloaded, so
 * that a user can read why another module has refused to load.
 *
 * feature_mutex guards all of it. No lock is taken inside it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "core.h"
#include "container_hook.h"

static DEFINE_MUTEX(feature_mutex);
static LIST_HEAD(features);

/* An entry; @why is NULL unless the feature is lost. */
struct feature {
	struct list_head list;
	char *name;
	char *needs;
	char *why;
};

static void feature_free(struct feature *f)
{
	if (f) {
		kfree(f->name);
		kfree(f->needs);
		kfree(f->why);
		kfree(f);
	}
}

static struct feature *feature_find(const char *name)
{
	struct feature *f;

	list_for_each_entry(f, &features, list)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}

/**
 * feature_set - enter a feature into the table, or replace its entry
 * @name: its name
 * @needs: the names of the functions and symbols that it needs; NULL to keep them
 * @why: why it is lost; NULL if it is not
 *
 * Context: sleeps.
 * Return: 0 or -ENOMEM.
 */
int feature_set(const char *name, const char *needs, const char *why)
{
	struct feature *f, *old;

	if (why)
		pr_warn("no %s: %s\n", name, why);
	f = kzalloc(sizeof(*f), GFP_KERNEL);
	if (!f)
		return -ENOMEM;
	f->name = kstrdup(name, GFP_KERNEL);
	f->needs = kstrdup(needs, GFP_KERNEL);
	f->why = kstrdup(why, GFP_KERNEL);
	if (!f->name || (needs && !f->needs) || (why && !f->why)) {
		feature_free(f);
		return -ENOMEM;
	}
	mutex_lock(&feature_mutex);
	old = feature_find(name);
	if (old && !needs)
		swap(f->needs, old->needs);
	if (old)
		list_replace(&old->list, &f->list);
	else
		list_add_tail(&f->list, &features);
	mutex_unlock(&feature_mutex);
	feature_free(old);
	return 0;
}

/**
 * container_feature_lost - report a lost feature whose needs were found
 * @name: the feature
 * @why: the reason, for the table and the log
 *
 * Context: sleeps.
 */
void container_feature_lost(const char *name, const char *why)
{
	feature_set(name, NULL, why);
}
EXPORT_SYMBOL_GPL(container_feature_lost);

/* Prints "Features:" in /proc/containers. */
void feature_show(struct seq_file *m)
{
	struct feature *f;

	seq_puts(m, "Features:\n");
	mutex_lock(&feature_mutex);
	list_for_each_entry(f, &features, list)
		seq_printf(m, "%s: %s%s needs=%s\n", f->name, f->why ? "lost, " : "there",
			   f->why ?: "", f->needs ?: "");
	mutex_unlock(&feature_mutex);
}

void feature_exit(void)
{
	struct feature *f, *next;

	list_for_each_entry_safe(f, next, &features, list)
		feature_free(f);
}
