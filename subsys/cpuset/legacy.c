// SPDX-License-Identifier: GPL-2.0
/*
 * The filesystem of the cpusets before containers: "mount -t cpuset X DIR" is
 * "mount -t container -o cpuset,noprefix,release_agent=/sbin/cpuset_release_agent X DIR".
 * Only where the kernel has no filesystem of that name itself: from 6.12 on it has one
 * with CONFIG_CPUSETS_V1 only, which Debian's kernels do without.
 *
 * It is but another name: the mount is made by the filesystem "container".
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "cpuset.h"

static int legacy_flag(struct fs_context *fc, const char *key)
{
	struct fs_parameter param = { .key = key, .type = fs_value_is_flag };

	return fc->ops->parse_param(fc, &param);
}

static int legacy_options(struct fs_context *fc)
{
	static char agent[] = "/sbin/cpuset_release_agent";
	struct fs_parameter param = {
		.key = "release_agent",
		.type = fs_value_is_string,
		.string = agent,
		.size = strlen(agent),
	};

	return legacy_flag(fc, "cpuset") ?: legacy_flag(fc, "noprefix") ?:
	       fc->ops->parse_param(fc, &param);
}

static int legacy_init_context(struct fs_context *fc)
{
	struct file_system_type *type = get_fs_type("container");
	int err;

	if (!type)
		return -ENODEV;
	err = type->init_fs_context(fc);
	if (err)
		goto err_type;
	err = legacy_options(fc);
	if (err)
		goto err_context;
	/* superblocks are of that type, and freeing the context puts the reference on it */
	module_put(fc->fs_type->owner);
	fc->fs_type = type;
	return 0;

err_context:
	fc->ops->free(fc);
err_type:
	module_put(type->owner);
	return err;
}

static struct file_system_type legacy_fs_type = {
	.owner = THIS_MODULE,
	.name = "cpuset",
	.init_fs_context = legacy_init_context,
};

/* asked for only where the kernel has none: its own is never a module */
MODULE_ALIAS_FS("cpuset");

static bool legacy_registered;

void legacy_init(void)
{
	legacy_registered = !register_filesystem(&legacy_fs_type);
}

void legacy_exit(void)
{
	if (legacy_registered)
		unregister_filesystem(&legacy_fs_type);
}
