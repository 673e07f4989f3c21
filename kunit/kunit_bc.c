// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: subsys/bc/counter.h, that is, charges within a barrier and a limit.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "../subsys/bc/counter.h"

static void begin(struct bc_counter *c, unsigned long barrier, unsigned long limit)
{
	memset(c, 0, sizeof(*c));
	counter_begin(c, barrier, limit);
}

#define EXPECT_COUNTER(test, c, h, max, min)					\
do {										\
	KUNIT_EXPECT_EQ(test, counter_held(c), (unsigned long)(h));		\
	KUNIT_EXPECT_EQ(test, atomic_long_read(&(c)->maxheld), (long)(max));	\
	KUNIT_EXPECT_EQ(test, atomic_long_read(&(c)->minheld), (long)(min));	\
} while (0)

static void charge_to_the_bounds(struct kunit *test)
{
	struct bc_counter c;

	begin(&c, 3, 5);
	EXPECT_COUNTER(test, &c, 0, 0, 0);
	KUNIT_EXPECT_TRUE(test, counter_try(&c, 3, BC_BARRIER, NULL));
	KUNIT_EXPECT_FALSE(test, counter_try(&c, 1, BC_BARRIER, NULL));
	KUNIT_EXPECT_TRUE(test, counter_try(&c, 1, BC_LIMIT, NULL));
	KUNIT_EXPECT_FALSE(test, counter_try(&c, 2, BC_LIMIT, NULL));
	KUNIT_EXPECT_TRUE(test, counter_try(&c, 1, BC_LIMIT, NULL));
	KUNIT_EXPECT_FALSE(test, counter_try(&c, 1, BC_LIMIT, NULL));
	KUNIT_EXPECT_TRUE(test, counter_try(&c, 7, BC_FORCE, NULL));
	EXPECT_COUNTER(test, &c, 12, 12, 0);
	/* what is beyond is beyond, until enough is given back */
	KUNIT_EXPECT_FALSE(test, counter_try(&c, 1, BC_LIMIT, NULL));
	counter_uncharge(&c, 7);
	KUNIT_EXPECT_FALSE(test, counter_try(&c, 1, BC_LIMIT, NULL));
	counter_uncharge(&c, 1);
	KUNIT_EXPECT_TRUE(test, counter_try(&c, 1, BC_LIMIT, NULL));
	counter_uncharge(&c, 5);
	EXPECT_COUNTER(test, &c, 0, 12, 0);
	/* refusals are the caller's to count */
	KUNIT_EXPECT_EQ(test, atomic_long_read(&c.failcnt), 0L);
	counter_fail(&c);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&c.failcnt), 1L);
}

static void charge_nothing(struct kunit *test)
{
	struct bc_counter c;

	begin(&c, 0, 0);
	KUNIT_EXPECT_TRUE(test, counter_try(&c, 0, BC_BARRIER, NULL));
	KUNIT_EXPECT_FALSE(test, counter_try(&c, 1, BC_BARRIER, NULL));
	KUNIT_EXPECT_FALSE(test, counter_try(&c, 1, BC_LIMIT, NULL));
	counter_force(&c, 0);
	counter_uncharge(&c, 0);
	EXPECT_COUNTER(test, &c, 0, 0, 0);
	counter_force(&c, 4);
	/* beyond its bound already: even nothing more is too much */
	KUNIT_EXPECT_FALSE(test, counter_try(&c, 0, BC_LIMIT, NULL));
}

static void charge_without_overflow(struct kunit *test)
{
	struct bc_counter c;

	begin(&c, BC_UNLIMITED, BC_UNLIMITED);
	KUNIT_EXPECT_TRUE(test, counter_try(&c, 10, BC_LIMIT, NULL));
	KUNIT_EXPECT_FALSE(test, counter_try(&c, BC_UNLIMITED, BC_LIMIT, NULL));
	KUNIT_EXPECT_FALSE(test, counter_try(&c, BC_UNLIMITED - 9, BC_BARRIER, NULL));
	KUNIT_EXPECT_FALSE(test, counter_try(&c, ULONG_MAX, BC_LIMIT, NULL));
	KUNIT_EXPECT_FALSE(test, counter_try(&c, ULONG_MAX - 5, BC_LIMIT, NULL));
	KUNIT_EXPECT_TRUE(test, counter_try(&c, BC_UNLIMITED - 10, BC_LIMIT, NULL));
	EXPECT_COUNTER(test, &c, BC_UNLIMITED, LONG_MAX, 0);
	KUNIT_EXPECT_FALSE(test, counter_try(&c, 1, BC_LIMIT, NULL));
	counter_uncharge(&c, BC_UNLIMITED);
	EXPECT_COUNTER(test, &c, 0, LONG_MAX, 0);
}

static void crossing_the_barrier(struct kunit *test)
{
	struct bc_counter c;
	bool crossed = true;

	begin(&c, 3, 10);
	KUNIT_EXPECT_TRUE(test, counter_try(&c, 3, BC_LIMIT, &crossed));
	KUNIT_EXPECT_FALSE(test, crossed);
	KUNIT_EXPECT_TRUE(test, counter_try(&c, 1, BC_LIMIT, &crossed));
	KUNIT_EXPECT_TRUE(test, crossed);
	KUNIT_EXPECT_TRUE(test, counter_try(&c, 1, BC_LIMIT, &crossed));
	KUNIT_EXPECT_FALSE(test, crossed);
	counter_uncharge(&c, 5);
	KUNIT_EXPECT_TRUE(test, counter_try(&c, 8, BC_LIMIT, &crossed));
	KUNIT_EXPECT_TRUE(test, crossed);
}

static void changing_bounds(struct kunit *test)
{
	struct bc_counter c;

	begin(&c, 3, 5);
	KUNIT_EXPECT_EQ(test, counter_set_barrier(&c, 6), -EINVAL);
	KUNIT_EXPECT_EQ(test, counter_set_limit(&c, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, counter_set_limit(&c, BC_UNLIMITED + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, c.barrier, 3UL);
	KUNIT_EXPECT_EQ(test, c.limit, 5UL);
	KUNIT_EXPECT_EQ(test, counter_set_barrier(&c, 5), 0);
	KUNIT_EXPECT_EQ(test, counter_set_limit(&c, BC_UNLIMITED), 0);
	KUNIT_EXPECT_EQ(test, counter_set_barrier(&c, BC_UNLIMITED), 0);
	KUNIT_EXPECT_EQ(test, counter_set_barrier(&c, 0), 0);
	KUNIT_EXPECT_EQ(test, counter_set_limit(&c, 0), 0);
	KUNIT_EXPECT_FALSE(test, counter_try(&c, 1, BC_LIMIT, NULL));
	KUNIT_EXPECT_EQ(test, counter_set_limit(&c, 1), 0);
	KUNIT_EXPECT_TRUE(test, counter_try(&c, 1, BC_LIMIT, NULL));
	/* below what is held: nothing is taken away */
	KUNIT_EXPECT_EQ(test, counter_set_limit(&c, 0), 0);
	KUNIT_EXPECT_EQ(test, counter_held(&c), 1UL);
}

static void beginning_anew(struct kunit *test)
{
	struct bc_counter c;

	begin(&c, 30, 50);
	counter_force(&c, 20);
	counter_uncharge(&c, 13);
	counter_fail(&c);
	counter_begin(&c, 1, 2);
	EXPECT_COUNTER(test, &c, 7, 7, 7);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&c.failcnt), 0L);
	counter_uncharge(&c, 3);
	counter_force(&c, 5);
	EXPECT_COUNTER(test, &c, 9, 9, 4);
	counter_saw_low(&c, 5);
	counter_saw_high(&c, 8);
	EXPECT_COUNTER(test, &c, 9, 9, 4);
	counter_saw_low(&c, 2);
	counter_saw_high(&c, 11);
	EXPECT_COUNTER(test, &c, 9, 11, 2);
}

/* --- many at once ---------------------------------------------------------- */

#define STORMERS 4
#define ROUNDS 200000

static struct bc_counter storm;

struct stormer {
	struct completion done;
	unsigned long taken, refused, most;
	u32 seed;
};

/* Charges one after another and gives all back when it is refused. */
static int stormer_main(void *arg)
{
	struct stormer *s = arg;
	unsigned long have = 0, held;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		s->seed = s->seed * 1664525 + 1013904223;
		if ((s->seed >> 16) % 3 && counter_try(&storm, 1, BC_LIMIT, NULL)) {
			have++;
			s->taken++;
			held = counter_held(&storm);
			s->most = max(s->most, held);
		} else if (have) {
			counter_uncharge(&storm, 1);
			have--;
		} else {
			counter_fail(&storm);
			s->refused++;
		}
		if (!(i % 1000))
			cond_resched();
	}
	if (have)
		counter_uncharge(&storm, have);
	complete(&s->done);
	return 0;
}

static void stormers_never_exceed(struct kunit *test)
{
	struct stormer *s = kunit_kcalloc(test, STORMERS, sizeof(*s), GFP_KERNEL);
	unsigned long refused = 0, most = 0, limit = 40;
	struct task_struct *task;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, s);
	begin(&storm, 0, limit);
	for (i = 0; i < STORMERS; i++) {
		init_completion(&s[i].done);
		s[i].seed = i + 1;
		task = kthread_run(stormer_main, &s[i], "kunit_bc/%d", i);
		if (IS_ERR(task))
			complete(&s[i].done);
	}
	/* meanwhile the bound goes up and down */
	while (!completion_done(&s[0].done)) {
		limit = limit == 40 ? 10 : 40;
		counter_set_limit(&storm, limit);
		cond_resched();
	}
	for (i = 0; i < STORMERS; i++) {
		wait_for_completion(&s[i].done);
		refused += s[i].refused;
		most = max(most, s[i].most);
	}
	KUNIT_EXPECT_EQ(test, counter_held(&storm), 0UL);
	KUNIT_EXPECT_LE(test, most, 40UL);
	KUNIT_EXPECT_LE(test, atomic_long_read(&storm.maxheld), 40L);
	KUNIT_EXPECT_GE(test, atomic_long_read(&storm.maxheld), 10L);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&storm.minheld), 0L);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&storm.failcnt), (long)refused);
}

static struct kunit_case bc_cases[] = {
	KUNIT_CASE(charge_to_the_bounds),
	KUNIT_CASE(charge_nothing),
	KUNIT_CASE(charge_without_overflow),
	KUNIT_CASE(crossing_the_barrier),
	KUNIT_CASE(changing_bounds),
	KUNIT_CASE(beginning_anew),
	KUNIT_CASE(stormers_never_exceed),
	{}
};

static struct kunit_suite bc_suite = {
	.name = "container_bc_counter",
	.test_cases = bc_cases,
};

kunit_test_suites(&bc_suite);

MODULE_DESCRIPTION("KUnit: the arithmetic of beancounters");
MODULE_LICENSE("GPL");
