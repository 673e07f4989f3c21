// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: subsys/cpuset/rules.h and fmeter.h, that is, lists, the rules for settings, and the meter
 * of memory pressure.
 */
#include <kunit/test.h>
#include <linux/module.h>

#include "../subsys/cpuset/fmeter.h"
#include "../subsys/cpuset/rules.h"

/* A setting from two lists and flags. */
static struct setting *setting(struct kunit *test, const char *cpus, const char *mems,
			       unsigned long flags)
{
	struct setting *s = kunit_kzalloc(test, setting_size(), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_ASSERT_EQ(test, parse_cpus(cpus, setting_cpus(s)), 0);
	KUNIT_ASSERT_EQ(test, parse_mems(mems, &s->mems), 0);
	s->flags = flags;
	return s;
}

#define CPU_EX BIT(SETTING_CPU_EXCLUSIVE)
#define MEM_EX BIT(SETTING_MEM_EXCLUSIVE)

/* --- lists ------------------------------------------------------------------ */

static void lists(struct kunit *test)
{
	struct setting *s = setting(test, "", "", 0);
	char buf[32];

	KUNIT_EXPECT_TRUE(test, cpumask_empty(setting_cpus(s)));
	KUNIT_EXPECT_TRUE(test, nodes_empty(s->mems));
	KUNIT_EXPECT_EQ(test, parse_cpus("0", setting_cpus(s)), 0);
	KUNIT_EXPECT_EQ(test, cpumask_weight(setting_cpus(s)), 1U);
	KUNIT_EXPECT_EQ(test, parse_mems("2,0-1,1", &s->mems), 0);
	snprintf(buf, sizeof(buf), "%*pbl", nodemask_pr_args(&s->mems));
	KUNIT_EXPECT_STREQ(test, buf, "0-2");
	KUNIT_EXPECT_EQ(test, parse_mems("", &s->mems), 0);
	KUNIT_EXPECT_TRUE(test, nodes_empty(s->mems));
}

static void lists_that_are_none(struct kunit *test)
{
	static const char * const bad[] = {
		"x", "-1", "1-", "1-0", "0x1", "0;1", "1 x", "99999999", "99999999999999999999",
	};
	struct setting *s = setting(test, "0", "0", 0);
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_EQ_MSG(test, parse_cpus(bad[i], setting_cpus(s)), -EINVAL, "%s",
				    bad[i]);
		KUNIT_EXPECT_EQ_MSG(test, parse_mems(bad[i], &s->mems), -EINVAL, "%s",
				    bad[i]);
	}
}

/* --- rules ------------------------------------------------------------------ */

static void one_within_another(struct kunit *test)
{
	struct setting *p = setting(test, "0-1", "0-1", 0);

	KUNIT_EXPECT_TRUE(test, setting_within(p, p));
	KUNIT_EXPECT_TRUE(test, setting_within(setting(test, "", "", 0), p));
	KUNIT_EXPECT_TRUE(test, setting_within(setting(test, "1", "0", 0), p));
	KUNIT_EXPECT_FALSE(test, setting_within(setting(test, "1-2", "0", 0), p));
	KUNIT_EXPECT_FALSE(test, setting_within(setting(test, "1", "2", 0), p));
	KUNIT_EXPECT_FALSE(test, setting_within(setting(test, "", "", CPU_EX), p));
	KUNIT_EXPECT_FALSE(test, setting_within(setting(test, "", "", MEM_EX), p));
	p->flags = CPU_EX;
	KUNIT_EXPECT_TRUE(test, setting_within(setting(test, "1", "1", CPU_EX), p));
	KUNIT_EXPECT_TRUE(test, setting_within(setting(test, "1", "1", 0), p));
	KUNIT_EXPECT_FALSE(test, setting_within(setting(test, "1", "1", CPU_EX | MEM_EX), p));
}

static void one_beside_another(struct kunit *test)
{
	struct setting *a = setting(test, "0-1", "0", 0), *b = setting(test, "1-2", "0-1", 0);

	KUNIT_EXPECT_FALSE(test, settings_collide(a, b));
	a->flags = CPU_EX;
	KUNIT_EXPECT_TRUE(test, settings_collide(a, b));
	KUNIT_EXPECT_TRUE(test, settings_collide(b, a));
	KUNIT_EXPECT_FALSE(test, settings_collide(a, setting(test, "2", "0", 0)));
	KUNIT_EXPECT_FALSE(test, settings_collide(a, setting(test, "", "0", 0)));
	a->flags = MEM_EX;
	KUNIT_EXPECT_TRUE(test, settings_collide(a, b));
	KUNIT_EXPECT_TRUE(test, settings_collide(b, a));
	KUNIT_EXPECT_FALSE(test, settings_collide(a, setting(test, "0", "1", 0)));
	KUNIT_EXPECT_FALSE(test, settings_collide(a, setting(test, "0", "1", MEM_EX)));
	KUNIT_EXPECT_TRUE(test, settings_collide(a, setting(test, "0", "1", CPU_EX)));
}

static void one_emptied(struct kunit *test)
{
	struct setting *full = setting(test, "0", "1", 0), *none = setting(test, "", "", 0);

	KUNIT_EXPECT_FALSE(test, setting_empties(full, full));
	KUNIT_EXPECT_FALSE(test, setting_empties(none, none));
	KUNIT_EXPECT_FALSE(test, setting_empties(none, full));
	KUNIT_EXPECT_FALSE(test, setting_empties(full, setting(test, "2", "0", 0)));
	KUNIT_EXPECT_TRUE(test, setting_empties(full, none));
	KUNIT_EXPECT_TRUE(test, setting_empties(full, setting(test, "", "1", 0)));
	KUNIT_EXPECT_TRUE(test, setting_empties(full, setting(test, "0", "", 0)));
	KUNIT_EXPECT_TRUE(test, setting_empties(setting(test, "", "0", 0), none));
}

static void one_that_lacks_something(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, setting_lacks(setting(test, "0", "1", 0)));
	KUNIT_EXPECT_TRUE(test, setting_lacks(setting(test, "", "1", 0)));
	KUNIT_EXPECT_TRUE(test, setting_lacks(setting(test, "0", "", 0)));
	KUNIT_EXPECT_TRUE(test, setting_lacks(setting(test, "", "", 0)));
}

static struct kunit_case rules_cases[] = {
	KUNIT_CASE(lists),
	KUNIT_CASE(lists_that_are_none),
	KUNIT_CASE(one_within_another),
	KUNIT_CASE(one_beside_another),
	KUNIT_CASE(one_emptied),
	KUNIT_CASE(one_that_lacks_something),
	{}
};

static struct kunit_suite rules_suite = {
	.name = "container_cpuset_rules",
	.test_cases = rules_cases,
};

/* --- the meter -------------------------------------------------------------- */

static void meter_at_rest(struct kunit *test)
{
	struct fmeter fm = {};

	KUNIT_EXPECT_EQ(test, fmeter_rate(&fm, 0), 0);
	KUNIT_EXPECT_EQ(test, fmeter_rate(&fm, 1000000), 0);
	KUNIT_EXPECT_EQ(test, fm.time, 1000000LL);
}

/* The meter settles at a constant rate. */
static void meter_settles(struct kunit *test)
{
	static const int rates[] = { 1, 10, 100, 900 };
	struct fmeter fm;
	int i, n, rate;
	s64 now;

	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		fm = (struct fmeter) {};
		for (now = 1; now < 200; now++)
			for (n = 0; n < rates[i]; n++)
				fmeter_event(&fm, now);
		rate = fmeter_rate(&fm, now);
		/* what is lost in rounding is at most 15 thousandths */
		KUNIT_EXPECT_LE(test, rate, rates[i] * 1000);
		KUNIT_EXPECT_GE(test, rate, rates[i] * 990 - 15);
	}
}

static void meter_half_life(struct kunit *test)
{
	struct fmeter fm = { .rate = 1000000, .time = 5 };
	int rate = fmeter_rate(&fm, 15);

	KUNIT_EXPECT_GE(test, rate, 495000);
	KUNIT_EXPECT_LE(test, rate, 505000);
	/* whether one looks meanwhile or not */
	fm = (struct fmeter) { .rate = 1000000, .time = 5 };
	for (s64 now = 6; now < 15; now++)
		fmeter_rate(&fm, now);
	KUNIT_EXPECT_EQ(test, fmeter_rate(&fm, 15), rate);
	/* not in the same second */
	KUNIT_EXPECT_EQ(test, fmeter_rate(&fm, 15), rate);
	KUNIT_EXPECT_EQ(test, fmeter_rate(&fm, 14), rate);
	/* after an hour nothing is left to speak of */
	KUNIT_EXPECT_LE(test, fmeter_rate(&fm, 3600), 1000);
}

static void meter_overflow(struct kunit *test)
{
	struct fmeter fm = {};
	int i;

	for (i = 0; i < 5000; i++)
		fmeter_event(&fm, 1);
	KUNIT_EXPECT_EQ(test, fm.events, FMETER_MOST);
	KUNIT_EXPECT_EQ(test, fmeter_rate(&fm, 2), 67000);
	for (i = 0; i < 500000; i++)
		fmeter_event(&fm, 3 + i / 2000);
	KUNIT_EXPECT_LE(test, fmeter_rate(&fm, 1000), 1000000);
	KUNIT_EXPECT_GE(test, fm.rate, 0);
}

static struct kunit_case meter_cases[] = {
	KUNIT_CASE(meter_at_rest),
	KUNIT_CASE(meter_settles),
	KUNIT_CASE(meter_half_life),
	KUNIT_CASE(meter_overflow),
	{}
};

static struct kunit_suite meter_suite = {
	.name = "container_cpuset_meter",
	.test_cases = meter_cases,
};

kunit_test_suites(&rules_suite, &meter_suite);

MODULE_DESCRIPTION("KUnit: the rules and the meter of cpuset");
MODULE_LICENSE("GPL");
