// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: subsys/bc/counter.h, that is, charges within a barrier and a limit, in trees.
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

/* Charges a counter without a parent. */
static bool charge(struct bc_counter *c, unsigned long n, enum bc_severity severity)
{
	return !counter_charge(c, NULL, n, severity, NULL);
}

#define EXPECT_COUNTER(test, c, h, max, min)					\
do {										\
	KUNIT_EXPECT_EQ(test, counter_held(c), (unsigned long)(h));		\
	KUNIT_EXPECT_EQ(test, counter_maxheld(c), (unsigned long)(max));	\
	KUNIT_EXPECT_EQ(test, atomic_long_read(&(c)->minheld), (long)(min));	\
} while (0)

static void charge_to_the_bounds(struct kunit *test)
{
	struct bc_counter c;

	begin(&c, 3, 5);
	EXPECT_COUNTER(test, &c, 0, 0, 0);
	KUNIT_EXPECT_TRUE(test, charge(&c, 3, BC_BARRIER));
	KUNIT_EXPECT_FALSE(test, charge(&c, 1, BC_BARRIER));
	KUNIT_EXPECT_TRUE(test, charge(&c, 1, BC_LIMIT));
	KUNIT_EXPECT_FALSE(test, charge(&c, 2, BC_LIMIT));
	KUNIT_EXPECT_TRUE(test, charge(&c, 1, BC_LIMIT));
	KUNIT_EXPECT_FALSE(test, charge(&c, 1, BC_LIMIT));
	KUNIT_EXPECT_TRUE(test, charge(&c, 7, BC_FORCE));
	EXPECT_COUNTER(test, &c, 12, 12, 0);
	/* what is beyond is beyond, until enough is given back */
	KUNIT_EXPECT_FALSE(test, charge(&c, 1, BC_LIMIT));
	counter_uncharge(&c, NULL, 7);
	KUNIT_EXPECT_FALSE(test, charge(&c, 1, BC_LIMIT));
	counter_uncharge(&c, NULL, 1);
	KUNIT_EXPECT_TRUE(test, charge(&c, 1, BC_LIMIT));
	counter_uncharge(&c, NULL, 5);
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
	KUNIT_EXPECT_TRUE(test, charge(&c, 0, BC_BARRIER));
	KUNIT_EXPECT_FALSE(test, charge(&c, 1, BC_BARRIER));
	KUNIT_EXPECT_FALSE(test, charge(&c, 1, BC_LIMIT));
	counter_charge_force(&c, NULL, 0);
	counter_uncharge(&c, NULL, 0);
	EXPECT_COUNTER(test, &c, 0, 0, 0);
	counter_charge_force(&c, NULL, 4);
	/* beyond its bound already: even nothing more is too much */
	KUNIT_EXPECT_FALSE(test, charge(&c, 0, BC_LIMIT));
}

static void charge_without_overflow(struct kunit *test)
{
	struct bc_counter c;

	begin(&c, BC_UNLIMITED, BC_UNLIMITED);
	KUNIT_EXPECT_TRUE(test, charge(&c, 10, BC_LIMIT));
	KUNIT_EXPECT_FALSE(test, charge(&c, BC_UNLIMITED, BC_LIMIT));
	KUNIT_EXPECT_FALSE(test, charge(&c, BC_UNLIMITED - 9, BC_BARRIER));
	KUNIT_EXPECT_FALSE(test, charge(&c, ULONG_MAX, BC_LIMIT));
	KUNIT_EXPECT_FALSE(test, charge(&c, ULONG_MAX - 5, BC_LIMIT));
	KUNIT_EXPECT_TRUE(test, charge(&c, BC_UNLIMITED - 10, BC_LIMIT));
	EXPECT_COUNTER(test, &c, BC_UNLIMITED, LONG_MAX, 0);
	KUNIT_EXPECT_FALSE(test, charge(&c, 1, BC_LIMIT));
	counter_uncharge(&c, NULL, BC_UNLIMITED);
	EXPECT_COUNTER(test, &c, 0, LONG_MAX, 0);
}

/* The extremes are those of what was sampled, whatever is charged and given back. */
static void sampled_extremes(struct kunit *test)
{
	struct bc_counter top, c;

	memset(&top, 0, sizeof(top));
	memset(&c, 0, sizeof(c));
	counter_init(&c, &top);
	counter_charge_force(&c, NULL, 5);
	counter_begin_sampled(&top);
	counter_begin_sampled(&c);
	counter_charge_force(&c, NULL, 3);
	counter_saw_high(&c, 108);
	counter_saw_low(&c, 108);
	EXPECT_COUNTER(test, &c, 8, 108, 108);
	counter_give_back(&c, 8);
	EXPECT_COUNTER(test, &c, 0, 108, 108);
	counter_saw_low(&c, 100);
	EXPECT_COUNTER(test, &c, 0, 108, 100);
	KUNIT_EXPECT_EQ(test, counter_held(&top), 0UL);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&top.minheld), LONG_MAX);
	KUNIT_EXPECT_EQ(test, c.limit, BC_UNLIMITED);
}

static void crossing_the_barrier(struct kunit *test)
{
	struct bc_counter c, *crossed = NULL;

	begin(&c, 3, 10);
	KUNIT_EXPECT_NULL(test, counter_charge(&c, NULL, 3, BC_LIMIT, &crossed));
	KUNIT_EXPECT_NULL(test, crossed);
	KUNIT_EXPECT_NULL(test, counter_charge(&c, NULL, 1, BC_LIMIT, &crossed));
	KUNIT_EXPECT_PTR_EQ(test, crossed, &c);
	crossed = NULL;
	KUNIT_EXPECT_NULL(test, counter_charge(&c, NULL, 1, BC_LIMIT, &crossed));
	KUNIT_EXPECT_NULL(test, crossed);
	counter_uncharge(&c, NULL, 5);
	KUNIT_EXPECT_NULL(test, counter_charge(&c, NULL, 8, BC_LIMIT, &crossed));
	KUNIT_EXPECT_PTR_EQ(test, crossed, &c);
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
	KUNIT_EXPECT_FALSE(test, charge(&c, 1, BC_LIMIT));
	KUNIT_EXPECT_EQ(test, counter_set_limit(&c, 1), 0);
	KUNIT_EXPECT_TRUE(test, charge(&c, 1, BC_LIMIT));
	/* below what is held: nothing is taken away */
	KUNIT_EXPECT_EQ(test, counter_set_limit(&c, 0), 0);
	KUNIT_EXPECT_EQ(test, counter_held(&c), 1UL);
}

static void beginning_anew(struct kunit *test)
{
	struct bc_counter c;

	begin(&c, 30, 50);
	counter_charge_force(&c, NULL, 20);
	counter_uncharge(&c, NULL, 13);
	counter_fail(&c);
	counter_begin(&c, 1, 2);
	EXPECT_COUNTER(test, &c, 7, 7, 7);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&c.failcnt), 0L);
	counter_uncharge(&c, NULL, 3);
	counter_charge_force(&c, NULL, 5);
	EXPECT_COUNTER(test, &c, 9, 9, 4);
	counter_saw_low(&c, 5);
	counter_saw_high(&c, 8);
	EXPECT_COUNTER(test, &c, 9, 9, 4);
	counter_saw_low(&c, 2);
	counter_saw_high(&c, 11);
	EXPECT_COUNTER(test, &c, 9, 11, 2);
}

/* --- trees -------------------------------------------------------------------- */

/* Two below the root, two below each of those, two below each of those. */
#define NODES 15

struct model {
	struct bc_counter c[NODES];
	long held[NODES], most[NODES], least[NODES];
	/* charged to the node itself */
	long own[NODES];
	u32 seed;
};

static int above(int node)
{
	return node ? (node - 1) / 2 : -1;
}

static struct model *model(struct kunit *test)
{
	struct model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	for (i = 0; i < NODES; i++) {
		if (i)
			counter_init(&m->c[i], &m->c[above(i)]);
		counter_begin(&m->c[i], BC_UNLIMITED, BC_UNLIMITED);
	}
	m->seed = 1;
	return m;
}

static u32 dice(struct model *m, u32 sides)
{
	m->seed = m->seed * 1664525 + 1013904223;
	return (m->seed >> 12) % sides;
}

/* Adds to the amount of a node and of all nodes above it, up to @stop. */
static void model_add(struct model *m, int node, int stop, long n)
{
	for (; node != stop; node = above(node)) {
		m->held[node] += n;
		m->most[node] = max(m->most[node], m->held[node]);
		m->least[node] = min(m->least[node], m->held[node]);
	}
}

/* The lowest node on the way up that has no room, or -1. */
static int model_full(struct model *m, int node, long n, enum bc_severity severity)
{
	for (; node >= 0; node = above(node))
		if (severity != BC_FORCE &&
		    m->held[node] + n > (severity == BC_LIMIT ? (long)m->c[node].limit :
							  (long)m->c[node].barrier))
			break;
	return node;
}

static void model_charge(struct kunit *test, struct model *m, int node)
{
	enum bc_severity severity = dice(m, 8) ? dice(m, 2) : BC_FORCE;
	long n = dice(m, 4);
	int full = model_full(m, node, n, severity);
	struct bc_counter *got;

	got = counter_charge(&m->c[node], NULL, n, severity, NULL);
	KUNIT_EXPECT_PTR_EQ(test, got, full < 0 ? NULL : &m->c[full]);
	if (full >= 0)
		return;
	model_add(m, node, -1, n);
	m->own[node] += n;
}

static int model_common(int a, int b)
{
	while (a != b)
		if (a > b)
			a = above(a);
		else
			b = above(b);
	return a;
}

static void model_move(struct kunit *test, struct model *m, int from, int to)
{
	long n = min_t(long, m->own[from], dice(m, 4));
	int common = model_common(from, to);

	KUNIT_EXPECT_PTR_EQ(test, tree_common(&m->c[from], &m->c[to]), &m->c[common]);
	KUNIT_EXPECT_EQ(test, counter_is_in(&m->c[from], &m->c[to]), common == to);
	counter_charge_force(&m->c[to], &m->c[common], n);
	counter_uncharge(&m->c[from], &m->c[common], n);
	model_add(m, to, common, n);
	model_add(m, from, common, -n);
	m->own[from] -= n;
	m->own[to] += n;
}

static void model_step(struct kunit *test, struct model *m)
{
	int node = dice(m, NODES);
	long n;

	switch (dice(m, 8)) {
	case 0:
		n = dice(m, 30);
		counter_set_barrier(&m->c[node], 0);
		KUNIT_EXPECT_EQ(test, counter_set_limit(&m->c[node], n + dice(m, 10)), 0);
		KUNIT_EXPECT_EQ(test, counter_set_barrier(&m->c[node], n), 0);
		break;
	case 1:
	case 2:
		n = min_t(long, m->own[node], dice(m, 6));
		counter_uncharge(&m->c[node], NULL, n);
		model_add(m, node, -1, -n);
		m->own[node] -= n;
		break;
	case 3:
		model_move(test, m, node, dice(m, NODES));
		break;
	default:
		model_charge(test, m, node);
	}
}

static void trees_like_the_model(struct kunit *test)
{
	struct model *m = model(test);
	int i, step;

	for (step = 0; step < 20000; step++) {
		model_step(test, m);
		for (i = 0; i < NODES; i++) {
			if (counter_held(&m->c[i]) == m->held[i] &&
			    atomic_long_read(&m->c[i].minheld) == m->least[i] &&
			    /* only now and then: to ask is to note it */
			    (step % 16 || counter_maxheld(&m->c[i]) == m->most[i]))
				continue;
			KUNIT_FAIL(test, "step %d, counter %d", step, i);
			return;
		}
	}
}

/* A charge that is refused above leaves no trace below. */
static void refused_above(struct kunit *test)
{
	struct model *m = model(test);
	int i;

	counter_set_barrier(&m->c[1], 4);
	KUNIT_EXPECT_NULL(test, counter_charge(&m->c[7], NULL, 3, BC_BARRIER, NULL));
	KUNIT_EXPECT_PTR_EQ(test, counter_charge(&m->c[7], NULL, 2, BC_BARRIER, NULL), &m->c[1]);
	for (i = 7; i >= 0; i = above(i))
		EXPECT_COUNTER(test, &m->c[i], 3, 3, 0);
	counter_uncharge(&m->c[7], NULL, 3);
	for (i = 7; i >= 0; i = above(i))
		EXPECT_COUNTER(test, &m->c[i], 0, 3, 0);
	EXPECT_COUNTER(test, &m->c[8], 0, 0, 0);
}

/* --- many at once ---------------------------------------------------------- */

#define STORMERS 4
#define ROUNDS 200000

/* @storm has the limit; each stormer charges a counter below it. */
static struct bc_counter storm, storm_below[STORMERS];

struct stormer {
	struct completion done;
	struct bc_counter *c;
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
		if ((s->seed >> 16) % 3 && charge(s->c, 1, BC_LIMIT)) {
			have++;
			s->taken++;
			held = counter_held(&storm);
			s->most = max(s->most, held);
		} else if (have) {
			counter_uncharge(s->c, NULL, 1);
			have--;
		} else {
			counter_fail(&storm);
			s->refused++;
		}
		if (!(i % 1000))
			cond_resched();
	}
	if (have)
		counter_uncharge(s->c, NULL, have);
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
		begin(&storm_below[i], BC_UNLIMITED, BC_UNLIMITED);
		counter_init(&storm_below[i], &storm);
		init_completion(&s[i].done);
		s[i].c = &storm_below[i];
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
		KUNIT_EXPECT_EQ(test, counter_held(&storm_below[i]), 0UL);
		KUNIT_EXPECT_EQ(test, atomic_long_read(&storm_below[i].minheld), 0L);
	}
	KUNIT_EXPECT_EQ(test, counter_held(&storm), 0UL);
	KUNIT_EXPECT_LE(test, most, 40UL);
	KUNIT_EXPECT_LE(test, counter_maxheld(&storm), 40UL);
	KUNIT_EXPECT_GE(test, counter_maxheld(&storm), 10UL);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&storm.minheld), 0L);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&storm.failcnt), (long)refused);
}

static struct kunit_case bc_cases[] = {
	KUNIT_CASE(charge_to_the_bounds),
	KUNIT_CASE(charge_nothing),
	KUNIT_CASE(charge_without_overflow),
	KUNIT_CASE(sampled_extremes),
	KUNIT_CASE(crossing_the_barrier),
	KUNIT_CASE(changing_bounds),
	KUNIT_CASE(beginning_anew),
	KUNIT_CASE(trees_like_the_model),
	KUNIT_CASE(refused_above),
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
