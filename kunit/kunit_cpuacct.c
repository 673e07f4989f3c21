// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: subsys/cpuacct/load.h, that is, per cents and the split of CPU time.
 */
#include <kunit/test.h>
#include <linux/module.h>

#include "../subsys/cpuacct/load.h"

#define MS ((u64)NSEC_PER_MSEC)
#define YEAR (365ULL * 24 * 3600 * NSEC_PER_SEC)

static void load_of_time(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, cpuacct_load(0, 1000 * MS, 1), 0U);
	KUNIT_EXPECT_EQ(test, cpuacct_load(1000 * MS, 1000 * MS, 1), 100U);
	KUNIT_EXPECT_EQ(test, cpuacct_load(1000 * MS, 1000 * MS, 2), 50U);
	KUNIT_EXPECT_EQ(test, cpuacct_load(1000 * MS, 1000 * MS, 4), 25U);
	KUNIT_EXPECT_EQ(test, cpuacct_load(500 * MS, 10000 * MS, 1), 5U);
}

static void load_rounds(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, cpuacct_load(4 * MS, 1000 * MS, 1), 0U);
	KUNIT_EXPECT_EQ(test, cpuacct_load(5 * MS, 1000 * MS, 1), 1U);
	KUNIT_EXPECT_EQ(test, cpuacct_load(14 * MS, 1000 * MS, 1), 1U);
	KUNIT_EXPECT_EQ(test, cpuacct_load(15 * MS, 1000 * MS, 1), 2U);
	KUNIT_EXPECT_EQ(test, cpuacct_load(994 * MS, 1000 * MS, 1), 99U);
	KUNIT_EXPECT_EQ(test, cpuacct_load(1000 * MS, 1000 * MS, 3), 33U);
	KUNIT_EXPECT_EQ(test, cpuacct_load(2000 * MS, 1000 * MS, 3), 67U);
}

static void load_limits(struct kunit *test)
{
	/* no time went by, or less than can be counted */
	KUNIT_EXPECT_EQ(test, cpuacct_load(0, 0, 2), 0U);
	KUNIT_EXPECT_EQ(test, cpuacct_load(5 * MS, 0, 2), 0U);
	KUNIT_EXPECT_EQ(test, cpuacct_load(999, 999, 1), 0U);
	/* the two are not read at the same moment */
	KUNIT_EXPECT_EQ(test, cpuacct_load(1003 * MS, 1000 * MS, 1), 100U);
	KUNIT_EXPECT_EQ(test, cpuacct_load(U64_MAX, 1000 * MS, 1), 100U);
	/* a large machine, a long interval */
	KUNIT_EXPECT_EQ(test, cpuacct_load(YEAR * 128, YEAR, 256), 50U);
	KUNIT_EXPECT_EQ(test, cpuacct_load(YEAR * 100, YEAR * 100, 4096), 0U);
	KUNIT_EXPECT_EQ(test, cpuacct_load(YEAR * 100, YEAR * 100, 2), 50U);
}

static void following_a_sum(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, cpuacct_follow(0, 0, 5), 0ULL);
	KUNIT_EXPECT_EQ(test, cpuacct_follow(10 * MS, 17 * MS, 4 * MS), 7 * MS);
	/* set back: to 0, or to 0 and then grown */
	KUNIT_EXPECT_EQ(test, cpuacct_follow(10 * MS, 0, 4 * MS), 4 * MS);
	KUNIT_EXPECT_EQ(test, cpuacct_follow(10 * MS, 9 * MS, 12 * MS), 12 * MS);
	KUNIT_EXPECT_EQ(test, cpuacct_follow(YEAR * 400, 0, 0), 0ULL);
}

static struct kunit_case load_cases[] = {
	KUNIT_CASE(load_of_time),
	KUNIT_CASE(load_rounds),
	KUNIT_CASE(load_limits),
	KUNIT_CASE(following_a_sum),
	{}
};

static struct kunit_suite load_suite = {
	.name = "container_cpuacct_load",
	.test_cases = load_cases,
};

/* --- user and system ------------------------------------------------------- */

static void split_by_ratio(struct kunit *test)
{
	u64 user = 0, system = 0;

	cpuacct_split(1000, 30, 10, &user, &system);
	KUNIT_EXPECT_EQ(test, user, 750ULL);
	KUNIT_EXPECT_EQ(test, system, 250ULL);
	/* the ticks may be more than the time, or far less */
	cpuacct_split(2000, 3000000, 1000000, &user, &system);
	KUNIT_EXPECT_EQ(test, user, 1500ULL);
	KUNIT_EXPECT_EQ(test, system, 500ULL);
}

static void split_without_ticks(struct kunit *test)
{
	u64 user = 0, system = 0;

	cpuacct_split(0, 0, 0, &user, &system);
	KUNIT_EXPECT_EQ(test, user + system, 0ULL);
	cpuacct_split(1000, 0, 0, &user, &system);
	KUNIT_EXPECT_EQ(test, user, 1000ULL);
	KUNIT_EXPECT_EQ(test, system, 0ULL);
	user = 0;
	cpuacct_split(1000, 5, 0, &user, &system);
	KUNIT_EXPECT_EQ(test, user, 1000ULL);
	user = 0;
	cpuacct_split(1000, 0, 5, &user, &system);
	KUNIT_EXPECT_EQ(test, user, 0ULL);
	KUNIT_EXPECT_EQ(test, system, 1000ULL);
}

static void split_never_back(struct kunit *test)
{
	u64 user = 0, system = 0;

	/* all user time at first, then it turns out to have been half */
	cpuacct_split(1000, 4, 0, &user, &system);
	cpuacct_split(1100, 4, 4, &user, &system);
	KUNIT_EXPECT_EQ(test, user, 1000ULL);
	KUNIT_EXPECT_EQ(test, system, 100ULL);
	cpuacct_split(3000, 4, 4, &user, &system);
	KUNIT_EXPECT_EQ(test, user, 1500ULL);
	KUNIT_EXPECT_EQ(test, system, 1500ULL);
	/* and the other way round */
	cpuacct_split(3100, 400, 4, &user, &system);
	KUNIT_EXPECT_EQ(test, user, 1600ULL);
	KUNIT_EXPECT_EQ(test, system, 1500ULL);
	/* no more time than was shown: nothing changes */
	cpuacct_split(3100, 4, 400, &user, &system);
	cpuacct_split(2000, 4, 400, &user, &system);
	KUNIT_EXPECT_EQ(test, user, 1600ULL);
	KUNIT_EXPECT_EQ(test, system, 1500ULL);
}

static void split_any(struct kunit *test)
{
	u64 used = 0, utime = 0, stime = 0, user = 0, system = 0, was_user, was_system;
	u32 x = 12345;
	int i;

	for (i = 0; i < 100000; i++) {
		x = x * 1664525 + 1013904223;
		used += x >> 12;
		if (x & 0x100)
			utime += 4 * MS;
		if (x & 0x600)
			stime += 4 * MS;
		was_user = user;
		was_system = system;
		cpuacct_split(used, utime, stime, &user, &system);
		if (user + system != used || user < was_user || system < was_system)
			break;
	}
	KUNIT_EXPECT_EQ(test, i, 100000);
}

static void split_large(struct kunit *test)
{
	u64 user = 0, system = 0;

	/* products beyond 64 bits */
	cpuacct_split(YEAR * 256, YEAR * 64, YEAR * 192, &user, &system);
	KUNIT_EXPECT_EQ(test, user, YEAR * 64);
	KUNIT_EXPECT_EQ(test, system, YEAR * 192);
}

static void clock_ticks(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, cpuacct_clock_ticks(0), 0ULL);
	KUNIT_EXPECT_EQ(test, cpuacct_clock_ticks(10 * MS - 1), 0ULL);
	KUNIT_EXPECT_EQ(test, cpuacct_clock_ticks(10 * MS), 1ULL);
	KUNIT_EXPECT_EQ(test, cpuacct_clock_ticks(NSEC_PER_SEC), (u64)USER_HZ);
}

static struct kunit_case split_cases[] = {
	KUNIT_CASE(split_by_ratio),
	KUNIT_CASE(split_without_ticks),
	KUNIT_CASE(split_never_back),
	KUNIT_CASE(split_any),
	KUNIT_CASE(split_large),
	KUNIT_CASE(clock_ticks),
	{}
};

static struct kunit_suite split_suite = {
	.name = "container_cpuacct_split",
	.test_cases = split_cases,
};

kunit_test_suites(&load_suite, &split_suite);

MODULE_DESCRIPTION("KUnit: the arithmetic of cpuacct");
MODULE_LICENSE("GPL");
