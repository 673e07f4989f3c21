// SPDX-License-Identifier: GPL-2.0
/*
 * The options of a mount: each refusal has a reason, what is accepted is what was written, and
 * printed as in /proc/mounts it parses to the same.
 */
#include "fuzz.h"
#include "../module/parse.c"

/* As the kernel does for mount(2): the words between commas, each with a value or without. */
static int parse(struct mount_options *opts, const char *text)
{
	char *copy = strdup(text), *rest = copy, *key, *value;
	int err = 0;

	memset(opts, 0, sizeof(*opts));
	while (!err && (key = strsep(&rest, ","))) {
		if (!*key)
			continue;
		value = strchr(key, '=');
		if (value == key)
			continue;
		if (value)
			*value++ = '\0';
		err = parse_option(opts, key, value);
	}
	free(copy);
	return err ?: parse_options_check(opts);
}

static char *print(const struct mount_options *opts)
{
	const char *name;
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for_each_option_subsys(opts, name)
		fprintf(f, ",%s", name);
	if (opts->all)
		fputs(",all", f);
	if (opts->none)
		fputs(",none", f);
	if (opts->name[0])
		fprintf(f, ",name=%s", opts->name);
	if (opts->noprefix)
		fputs(",noprefix", f);
	if (opts->clone_children)
		fputs(",clone_children", f);
	if (opts->release_agent)
		fprintf(f, ",release_agent=%s", opts->release_agent);
	fclose(f);
	return text;
}

static void check_accepted(const struct mount_options *opts)
{
	const char *a, *b;

	assert(opts->nr_subsys <= MAX_CONTAINER_SUBSYS);
	assert(opts->all || opts->none || opts->nr_subsys || opts->name[0]);
	assert(!opts->none || (opts->name[0] && !opts->all && !opts->nr_subsys));
	assert(!opts->name[0] || parse_name_ok(opts->name, "._-", 63));
	assert(!opts->release_agent || strlen(opts->release_agent) < PATH_MAX);
	assert(!opts->why[0]);
	for_each_option_subsys(opts, a) {
		assert(*a && strlen(a) <= MAX_CONTAINER_TYPE_NAMELEN);
		for (b = opts->subsys[0]; b < a; b += sizeof(opts->subsys[0]))
			assert(strcmp(a, b));
	}
}

static void check_same(const struct mount_options *a, const struct mount_options *b)
{
	assert(a->all == b->all && a->none == b->none && a->noprefix == b->noprefix);
	assert(a->clone_children == b->clone_children && !strcmp(a->name, b->name));
	assert(!a->release_agent == !b->release_agent);
	assert(!a->release_agent || !strcmp(a->release_agent, b->release_agent));
	assert(a->nr_subsys == b->nr_subsys);
	assert(!memcmp(a->subsys, b->subsys, sizeof(a->subsys)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), *printed, *from;
	struct mount_options opts, again;
	bool empty = false;
	int err;

	/* an empty word is one between commas, or beside one */
	for (from = text; *text && from; from = strchr(from, ',') ? strchr(from, ',') + 1 : NULL)
		empty |= !*from || *from == ',';
	assert(parse_has_empty_token(text) == empty);

	err = parse(&opts, text);
	assert(!err || err == -EINVAL || err == -ENOENT || err == -ENAMETOOLONG);
	if (err) {
		assert(opts.why[0]);
	} else {
		check_accepted(&opts);
		printed = print(&opts);
		assert(!parse_has_empty_token(printed + 1) && !parse(&again, printed + 1));
		check_same(&opts, &again);
		kfree(again.release_agent);
		free(printed);
	}
	kfree(opts.release_agent);
	free(text);
	return 0;
}
