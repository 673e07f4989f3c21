// SPDX-License-Identifier: GPL-2.0
/*
 * The filesystem type "cpuset", which is older than containers: "mount -t cpuset X DIR" is
 * "mount -t container -o cpuset,noprefix,release_agent=/sbin/cpuset_release_agent X DIR".
 *
 * It is only another name: the filesystem "container" makes the mount. It is registered only if
 * the kernel has no filesystem of this name. From 6.12 on a kernel has one only with
 * CONFIG_CPUSETS_V1, which Debian's kernels have not.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/module.h>

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
	/* superblocks get this type, and freeing the context puts the reference on it */
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

/* the kernel's own filesystem is never a module, so this is loaded only if there is none */
MODULE_ALIAS_FS("cpuset");

static bool legacy_registered;

/* Called when the module is loaded. It is no error if there is a filesystem of this name. */
void legacy_init(void)
{
	legacy_registered = !register_filesystem(&legacy_fs_type);
}

void legacy_exit(void)
{
	if (legacy_registered)
		unregister_filesystem(&legacy_fs_type);
}
