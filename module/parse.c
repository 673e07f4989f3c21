// SPDX-License-Identifier: GPL-2.0
/*
 * Parsing of mount options, names and numbers. The functions touch nothing but their arguments,
 * so that KUnit can test them.
 */
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "container_parse.h"
#include "parse.h"

/**
 * parse_name_ok - does a name consist of letters, digits and some other characters?
 * @name: the name
 * @also: the other characters that are allowed
 * @max: the greatest length that is allowed
 */
bool parse_name_ok(const char *name, const char *also, int max)
{
	const char *c;

	for (c = name; *c; c++)
		if (!isascii(*c) || (!isalnum(*c) && !strchr(also, *c)))
			return false;
	return c > name && c - name <= max;
}

/**
 * options_refuse - note why a mount is refused
 * @opts: the options of the mount
 * @err: the errno for the caller of mount
 * @fmt: the reason, one line without a newline
 *
 * Return: @err.
 */
int options_refuse(struct mount_options *opts, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vscnprintf(opts->why, sizeof(opts->why), fmt, args);
	va_end(args);
	return err;
}

/**
 * options_unknown - note that an option is unknown
 * @opts: the options
 * @name: the unknown word
 *
 * Return: -ENOENT.
 */
int options_unknown(struct mount_options *opts, const char *name)
{
	return options_refuse(opts, -ENOENT,
			      "\"%*pE\" is neither an option nor a subsystem that is registered or can be loaded",
			      (int)strnlen(name, 40), name);
}

static int parse_subsys(struct mount_options *opts, const char *name)
{
	const char *known;

	for_each_option_subsys(opts, known)
		if (!strcmp(known, name))
			return 0;
	/* no subsystem has so long a name, and no more of them can be registered: unknown */
	if (opts->nr_subsys == MAX_CONTAINER_SUBSYS ||
	    strlen(name) > MAX_CONTAINER_TYPE_NAMELEN)
		return options_unknown(opts, name);
	strcpy(opts->subsys[opts->nr_subsys++], name);
	return 0;
}

/**
 * parse_option - parse one mount option
 * @opts: set to the result
 * @key: the option
 * @value: the text after the equals sign, or NULL
 *
 * Return: 0, -EINVAL, -ENOENT for a word that cannot be a subsystem, -ENAMETOOLONG, -ENOMEM. All
 * errors but the last set @opts->why.
 */
int parse_option(struct mount_options *opts, const char *key, const char *value)
{
	opts->given = true;
	if (!strcmp(key, "name")) {
		if (opts->name[0])
			return options_refuse(opts, -EINVAL, "name= is given twice");
		if (!value || !parse_name_ok(value, "._-", sizeof(opts->name) - 1))
			return options_refuse(opts, -EINVAL,
					      "name= takes 1-63 letters, digits, periods, hyphens and underscores");
		strcpy(opts->name, value);
		return 0;
	}
	if (!strcmp(key, "release_agent")) {
		if (opts->release_agent)
			return options_refuse(opts, -EINVAL, "release_agent= is given twice");
		if (!value)
			return options_refuse(opts, -EINVAL, "release_agent= takes a path");
		if (strlen(value) >= PATH_MAX)
			return options_refuse(opts, -ENAMETOOLONG,
					      "the path of release_agent= is too long");
		opts->release_agent = kstrdup(value, GFP_KERNEL);
		return opts->release_agent ? 0 : -ENOMEM;
	}
	if (value)
		return options_refuse(opts, -EINVAL, "\"%*pE\" takes no value",
				      (int)strnlen(key, 40), key);
	if (!strcmp(key, "all"))
		opts->all = true;
	else if (!strcmp(key, "none"))
		opts->none = true;
	else if (!strcmp(key, "noprefix"))
		opts->noprefix = true;
	else if (!strcmp(key, "clone_children"))
		opts->clone_children = true;
	else
		return parse_subsys(opts, key);
	return 0;
}

/**
 * parse_options_check - check that the options fit together
 * @opts: the options; "all" is set if they name neither subsystems nor a hierarchy
 *
 * Return: 0, or -EINVAL with @opts->why set.
 */
int parse_options_check(struct mount_options *opts)
{
	if (!opts->all && !opts->none && !opts->nr_subsys && !opts->name[0])
		opts->all = true;
	if (opts->none && (opts->all || opts->nr_subsys))
		return options_refuse(opts, -EINVAL, "none excludes subsystems and all");
	if (opts->none && !opts->name[0])
		return options_refuse(opts, -EINVAL, "none needs name=");
	return 0;
}

/**
 * parse_has_empty_token - is there an empty token before, between or after commas?
 * @options: the option string of a mount. An empty string has no token
 */
bool parse_has_empty_token(const char *options)
{
	size_t len = strlen(options);

	return len && (options[0] == ',' || options[len - 1] == ',' ||
		       strstr(options, ",,"));
}

/**
 * container_parse_number - parse a decimal number, with blanks allowed around it
 * @s: the text
 * @max: the largest number that is allowed
 * @value: set to the number
 *
 * Context: any.
 * Return: 0; -EINVAL for anything but digits, or for a number larger than @max.
 */
int container_parse_number(const char *s, unsigned long max, unsigned long *value)
{
	unsigned long v = 0;
	int digit;

	s += strspn(s, " \t");
	if (!isdigit(*s))
		return -EINVAL;
	for (; isdigit(*s); s++) {
		digit = *s - '0';
		if (v > (max - digit) / 10 || max < digit)
			return -EINVAL;
		v = v * 10 + digit;
	}
	if (s[strspn(s, " \t")])
		return -EINVAL;
	*value = v;
	return 0;
}
EXPORT_SYMBOL_GPL(container_parse_number);
