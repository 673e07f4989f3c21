// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: module/parse.c, that is, mount options, names and numbers.
 */
#include <kunit/test.h>
#include <linux/module.h>

#include "../module/parse.c"

/* --- names ----------------------------------------------------------------- */

static void name_characters(struct kunit *test)
{
	char name[2] = "";
	int c;

	KUNIT_EXPECT_TRUE(test, parse_name_ok("Az09", "", 4));
	KUNIT_EXPECT_TRUE(test, parse_name_ok("a.b-c_d", "._-", 63));
	for (c = 1; c < 256; c++) {
		name[0] = c;
		KUNIT_EXPECT_EQ_MSG(test, parse_name_ok(name, "._-", 1),
				    c < 128 && (isalnum(c) || strchr("._-", c)),
				    "character %d", c);
		if (strchr("._-", c))
			KUNIT_EXPECT_FALSE(test, parse_name_ok(name, "", 1));
	}
	/* one bad character in any place is enough */
	KUNIT_EXPECT_FALSE(test, parse_name_ok(" a", "", 9));
	KUNIT_EXPECT_FALSE(test, parse_name_ok("a b", "", 9));
	KUNIT_EXPECT_FALSE(test, parse_name_ok("a\n", "", 9));
}

static void name_length(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, parse_name_ok("", "._-", 63));
	KUNIT_EXPECT_TRUE(test, parse_name_ok("abc", "", 3));
	KUNIT_EXPECT_FALSE(test, parse_name_ok("abcd", "", 3));
}

static struct kunit_case name_cases[] = {
	KUNIT_CASE(name_characters),
	KUNIT_CASE(name_length),
	{}
};

static struct kunit_suite name_suite = {
	.name = "container_parse_name",
	.test_cases = name_cases,
};

/* --- mount options --------------------------------------------------------- */

/* test->priv is a fresh set of options for each case. */
static int options_init(struct kunit *test)
{
	test->priv = kunit_kzalloc(test, sizeof(struct mount_options), GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

static void options_exit(struct kunit *test)
{
	struct mount_options *opts = test->priv;

	if (opts)
		kfree(opts->release_agent);
}

/* Many options, as mount(8) would pass them, up to the first that is refused. */
static int parse_all(struct mount_options *opts, const char *options)
{
	char *copy, *next, *key, *value;
	int err = 0;

	kfree(opts->release_agent);
	memset(opts, 0, sizeof(*opts));
	copy = kstrdup(options, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	next = copy;
	while (!err && (key = strsep(&next, ","))) {
		value = strchr(key, '=');
		if (value)
			*value++ = '\0';
		err = parse_option(opts, key, value);
	}
	kfree(copy);
	return err ?: parse_options_check(opts);
}

static void option_default(struct kunit *test)
{
	struct mount_options *opts = test->priv;

	/* without an option the default is all, but no option was given */
	KUNIT_EXPECT_EQ(test, parse_options_check(opts), 0);
	KUNIT_EXPECT_TRUE(test, opts->all);
	KUNIT_EXPECT_FALSE(test, opts->given);

	/* the same for options that name neither subsystems nor a hierarchy */
	KUNIT_EXPECT_EQ(test, parse_all(opts, "noprefix,release_agent=/bin/x"), 0);
	KUNIT_EXPECT_TRUE(test, opts->all);
	KUNIT_EXPECT_TRUE(test, opts->given);
	KUNIT_EXPECT_TRUE(test, opts->noprefix);
	KUNIT_EXPECT_STREQ(test, opts->release_agent, "/bin/x");

	KUNIT_EXPECT_EQ(test, parse_all(opts, "all"), 0);
	KUNIT_EXPECT_TRUE(test, opts->all);
	KUNIT_EXPECT_FALSE(test, opts->noprefix);
	/* a flag may be given twice */
	KUNIT_EXPECT_EQ(test, parse_all(opts, "all,all,noprefix,noprefix"), 0);
	KUNIT_EXPECT_FALSE(test, opts->clone_children);
	KUNIT_EXPECT_EQ(test, parse_all(opts, "clone_children"), 0);
	KUNIT_EXPECT_TRUE(test, opts->all);
	KUNIT_EXPECT_TRUE(test, opts->clone_children);
	KUNIT_EXPECT_STREQ(test, &opts->why[0], "");
}

static void option_subsystems(struct kunit *test)
{
	struct mount_options *opts = test->priv;
	const char *name;
	int n = 0;

	KUNIT_EXPECT_EQ(test, parse_all(opts, "cpuset,cpuacct,cpuset"), 0);
	KUNIT_EXPECT_FALSE(test, opts->all);
	KUNIT_EXPECT_TRUE(test, opts->given);
	KUNIT_ASSERT_EQ(test, opts->nr_subsys, 2);
	KUNIT_EXPECT_STREQ(test, &opts->subsys[0][0], "cpuset");
	KUNIT_EXPECT_STREQ(test, &opts->subsys[1][0], "cpuacct");
	for_each_option_subsys(opts, name)
		KUNIT_EXPECT_STREQ(test, name, n++ ? "cpuacct" : "cpuset");
	KUNIT_EXPECT_EQ(test, n, 2);

	/* all includes the subsystems that are named beside it */
	KUNIT_EXPECT_EQ(test, parse_all(opts, "cpuset,all"), 0);
	KUNIT_EXPECT_TRUE(test, opts->all);
	KUNIT_EXPECT_EQ(test, opts->nr_subsys, 1);
	KUNIT_EXPECT_EQ(test, parse_all(opts, "all,cpuset,name=x,noprefix"), 0);

	KUNIT_EXPECT_EQ(test, parse_all(opts, "cpuset=1"), -EINVAL);
	KUNIT_EXPECT_EQ(test, parse_all(opts, "cpuset="), -EINVAL);
}

static void option_too_many(struct kunit *test)
{
	struct mount_options *opts = test->priv;
	char name[8];
	int i;

	for (i = 0; i < MAX_CONTAINER_SUBSYS; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		KUNIT_EXPECT_EQ(test, parse_option(opts, name, NULL), 0);
	}
	/* another one cannot be registered, so it is unknown */
	KUNIT_EXPECT_EQ(test, parse_option(opts, "more", NULL), -ENOENT);
	/* one that is there already is still fine */
	KUNIT_EXPECT_EQ(test, parse_option(opts, "s0", NULL), 0);
	KUNIT_EXPECT_EQ(test, opts->nr_subsys, MAX_CONTAINER_SUBSYS);
	KUNIT_EXPECT_EQ(test, parse_options_check(opts), 0);
}

static void option_long_subsystem(struct kunit *test)
{
	struct mount_options *opts = test->priv;
	char name[MAX_CONTAINER_TYPE_NAMELEN + 2];

	memset(name, 'x', sizeof(name));
	name[MAX_CONTAINER_TYPE_NAMELEN + 1] = '\0';
	KUNIT_EXPECT_EQ(test, parse_option(opts, name, NULL), -ENOENT);
	name[MAX_CONTAINER_TYPE_NAMELEN] = '\0';
	KUNIT_EXPECT_EQ(test, parse_option(opts, name, NULL), 0);
	KUNIT_EXPECT_STREQ(test, &opts->subsys[0][0], &name[0]);
}

static void option_none(struct kunit *test)
{
	struct mount_options *opts = test->priv;

	KUNIT_EXPECT_EQ(test, parse_all(opts, "none"), -EINVAL);
	KUNIT_EXPECT_EQ(test, parse_all(opts, "none,cpuset"), -EINVAL);
	KUNIT_EXPECT_EQ(test, parse_all(opts, "none,cpuset,name=x"), -EINVAL);
	KUNIT_EXPECT_EQ(test, parse_all(opts, "cpuset,name=x,none"), -EINVAL);
	KUNIT_EXPECT_EQ(test, parse_all(opts, "none,all,name=x"), -EINVAL);
	KUNIT_EXPECT_EQ(test, parse_all(opts, "none,all,cpuset,name=x"), -EINVAL);
	KUNIT_EXPECT_EQ(test, parse_all(opts, "none=1,name=x"), -EINVAL);
	KUNIT_EXPECT_EQ(test, parse_all(opts, "all=1"), -EINVAL);
	KUNIT_EXPECT_EQ(test, parse_all(opts, "noprefix=1"), -EINVAL);
	KUNIT_EXPECT_EQ(test, parse_all(opts, "clone_children=1"), -EINVAL);
	KUNIT_EXPECT_EQ(test, parse_all(opts, "none,name=x"), 0);
	KUNIT_EXPECT_TRUE(test, opts->none);
	KUNIT_EXPECT_FALSE(test, opts->all);
}

static void option_name(struct kunit *test)
{
	struct mount_options *opts = test->priv;
	char name[65];

	KUNIT_EXPECT_EQ(test, parse_all(opts, "name=A.z_0-9"), 0);
	KUNIT_EXPECT_STREQ(test, &opts->name[0], "A.z_0-9");
	/* a name alone asks for an existing hierarchy, not for all subsystems */
	KUNIT_EXPECT_FALSE(test, opts->all);

	KUNIT_EXPECT_EQ(test, parse_all(opts, "name"), -EINVAL);
	KUNIT_EXPECT_EQ(test, parse_all(opts, "name="), -EINVAL);
	KUNIT_EXPECT_EQ(test, parse_all(opts, "name=a/b"), -EINVAL);
	KUNIT_EXPECT_EQ(test, parse_all(opts, "name=a b"), -EINVAL);
	KUNIT_EXPECT_EQ(test, parse_all(opts, "name=a=b"), -EINVAL);
	KUNIT_EXPECT_EQ(test, parse_all(opts, "name=a,name=a"), -EINVAL);
	KUNIT_EXPECT_EQ(test, parse_all(opts, "name=a,name=b"), -EINVAL);

	memset(opts, 0, sizeof(*opts));
	memset(name, 'n', sizeof(name));
	name[64] = '\0';
	KUNIT_EXPECT_EQ(test, parse_option(opts, "name", name), -EINVAL);
	name[63] = '\0';
	KUNIT_EXPECT_EQ(test, parse_option(opts, "name", name), 0);
	KUNIT_EXPECT_STREQ(test, &opts->name[0], &name[0]);
}

static void option_release_agent(struct kunit *test)
{
	struct mount_options *opts = test->priv;
	char *path = kunit_kzalloc(test, PATH_MAX + 1, GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, path);
	KUNIT_EXPECT_EQ(test, parse_option(opts, "release_agent", NULL), -EINVAL);
	memset(path, 'p', PATH_MAX);
	KUNIT_EXPECT_EQ(test, parse_option(opts, "release_agent", path), -ENAMETOOLONG);
	KUNIT_EXPECT_NULL(test, opts->release_agent);
	path[PATH_MAX - 1] = '\0';
	KUNIT_EXPECT_EQ(test, parse_option(opts, "release_agent", path), 0);
	KUNIT_ASSERT_NOT_NULL(test, opts->release_agent);
	KUNIT_EXPECT_STREQ(test, opts->release_agent, path);
	/* a copy of its own */
	KUNIT_EXPECT_PTR_NE(test, opts->release_agent, path);
	KUNIT_EXPECT_EQ(test, parse_option(opts, "release_agent", "/b"), -EINVAL);
	/* an empty one is a value, too */
	KUNIT_EXPECT_EQ(test, parse_all(opts, "release_agent="), 0);
	KUNIT_EXPECT_STREQ(test, opts->release_agent, "");
}

/* A refusal has a reason, which quotes the user's word. */
static void option_why(struct kunit *test)
{
	static const struct {
		const char *options, *named;
	} refused[] = {
		{ "name", "name=" }, { "name=a/b", "name=" }, { "name=a,name=b", "name=" },
		{ "release_agent", "release_agent=" },
		{ "release_agent=/a,release_agent=/b", "release_agent=" },
		{ "cpuset=1", "cpuset" }, { "all=1", "all" }, { "none", "none" },
		{ "none,name=x,cpuset", "none" },
		{ "a-name-that-is-too-long-for-a-subsystem", "a-name-that-is-too-long" },
	};
	struct mount_options *opts = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		KUNIT_EXPECT_NE(test, parse_all(opts, refused[i].options), 0);
		KUNIT_EXPECT_TRUE_MSG(test, strstr(opts->why, refused[i].named),
				      "%s: %s", refused[i].options, opts->why);
	}
	KUNIT_EXPECT_EQ(test, options_unknown(opts, "ab"), -ENOENT);
	KUNIT_EXPECT_TRUE(test, strstr(opts->why, "\"ab\""));
	/* the reason is always one line */
	KUNIT_EXPECT_EQ(test, options_unknown(opts, "a\nb\t\033"), -ENOENT);
	KUNIT_EXPECT_TRUE_MSG(test, strstr(opts->why, "\"a\\nb\\t\\e\""), "%s", opts->why);
	KUNIT_EXPECT_EQ(test, options_refuse(opts, -EBUSY, "%200s", "x"), -EBUSY);
	KUNIT_EXPECT_EQ(test, strlen(opts->why), sizeof(opts->why) - 1);
}

static void option_empty_token(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, parse_has_empty_token(""));
	KUNIT_EXPECT_FALSE(test, parse_has_empty_token("a"));
	KUNIT_EXPECT_FALSE(test, parse_has_empty_token("a,b,name=c"));
	KUNIT_EXPECT_TRUE(test, parse_has_empty_token(","));
	KUNIT_EXPECT_TRUE(test, parse_has_empty_token(",a"));
	KUNIT_EXPECT_TRUE(test, parse_has_empty_token("a,"));
	KUNIT_EXPECT_TRUE(test, parse_has_empty_token("a,,b"));
}

static struct kunit_case option_cases[] = {
	KUNIT_CASE(option_default),
	KUNIT_CASE(option_subsystems),
	KUNIT_CASE(option_too_many),
	KUNIT_CASE(option_long_subsystem),
	KUNIT_CASE(option_none),
	KUNIT_CASE(option_name),
	KUNIT_CASE(option_release_agent),
	KUNIT_CASE(option_why),
	KUNIT_CASE(option_empty_token),
	{}
};

static struct kunit_suite option_suite = {
	.name = "container_parse_option",
	.init = options_init,
	.exit = options_exit,
	.test_cases = option_cases,
};

/* --- numbers --------------------------------------------------------------- */

static void expect_number(struct kunit *test, const char *s, unsigned long max,
			  unsigned long want)
{
	unsigned long got = ~want;

	KUNIT_EXPECT_EQ_MSG(test, container_parse_number(s, max, &got), 0, "\"%s\"", s);
	KUNIT_EXPECT_EQ_MSG(test, got, want, "\"%s\"", s);
}

static void refuse_number(struct kunit *test, const char *s, unsigned long max)
{
	unsigned long got = 12345;

	KUNIT_EXPECT_EQ_MSG(test, container_parse_number(s, max, &got), -EINVAL, "\"%s\"", s);
	KUNIT_EXPECT_EQ_MSG(test, got, 12345UL, "\"%s\" left its mark", s);
}

static void number_good(struct kunit *test)
{
	expect_number(test, "0", 1, 0);
	expect_number(test, "1", 1, 1);
	expect_number(test, "42", ULONG_MAX, 42);
	expect_number(test, "0000000000000000000000000042", 42, 42);
	expect_number(test, "0", 0, 0);
}

static void number_blanks(struct kunit *test)
{
	expect_number(test, " 7", 9, 7);
	expect_number(test, "7 ", 9, 7);
	expect_number(test, " \t 7 \t ", 9, 7);
	/* the caller removes the newline at the end, not the parser */
	refuse_number(test, "7\n", 9);
	refuse_number(test, "\n7", 9);
	refuse_number(test, "7\v", 9);
	refuse_number(test, "", 9);
	refuse_number(test, " ", 9);
	refuse_number(test, "\n", 9);
	refuse_number(test, "1 2", 99);
}

static void number_not_decimal(struct kunit *test)
{
	refuse_number(test, "-1", ULONG_MAX);
	refuse_number(test, "-0", ULONG_MAX);
	refuse_number(test, "+1", ULONG_MAX);
	refuse_number(test, "0x10", ULONG_MAX);
	refuse_number(test, "x", ULONG_MAX);
	refuse_number(test, "a1", ULONG_MAX);
	refuse_number(test, "1a", ULONG_MAX);
	refuse_number(test, "1.5", ULONG_MAX);
	refuse_number(test, "1e3", ULONG_MAX);
	refuse_number(test, "7\xb2", ULONG_MAX);
	refuse_number(test, "1,", ULONG_MAX);
}

static void number_limits(struct kunit *test)
{
	refuse_number(test, "1", 0);
	refuse_number(test, "2", 1);
	refuse_number(test, "10", 9);
	expect_number(test, "2147483647", INT_MAX, INT_MAX);
	refuse_number(test, "2147483648", INT_MAX);
	expect_number(test, "18446744073709551615", ULONG_MAX, ULONG_MAX);
	refuse_number(test, "18446744073709551616", ULONG_MAX);
	refuse_number(test, "18446744073709551620", ULONG_MAX);
	/* would wrap to a small number */
	refuse_number(test, "18446744073709551617", 5);
	refuse_number(test, "100000000000000000000000000000000000000", ULONG_MAX);
}

/* Every limit and value of one and two digits. */
static void number_all_small(struct kunit *test)
{
	unsigned long max, v;
	char s[4];

	for (max = 0; max < 30; max++)
		for (v = 0; v < 40; v++) {
			snprintf(s, sizeof(s), "%lu", v);
			if (v <= max)
				expect_number(test, s, max, v);
			else
				refuse_number(test, s, max);
		}
}

static struct kunit_case number_cases[] = {
	KUNIT_CASE(number_good),
	KUNIT_CASE(number_blanks),
	KUNIT_CASE(number_not_decimal),
	KUNIT_CASE(number_limits),
	KUNIT_CASE(number_all_small),
	{}
};

static struct kunit_suite number_suite = {
	.name = "container_parse_number",
	.test_cases = number_cases,
};

kunit_test_suites(&name_suite, &option_suite, &number_suite);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit: parsing of mount options and values");
