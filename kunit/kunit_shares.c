// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: subsys/resgroup/shares.c, that is, the values that .shares files accept and the amounts
 * that result; and subsys/numtasks/count.h, the number of tasks that these allow.
 */
#include <kunit/test.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "../subsys/numtasks/count.h"
#include "../subsys/resgroup/shares.c"
#include "shares_cases.h"

static bool charges(struct task_count *group)
{
	return !count_charge(group);
}

/* --- the table -------------------------------------------------------------- */

/**
 * struct tree - the tree of the cases
 * @shares: the shares of each node
 * @tasks: its tasks
 * @total: the amount of the root
 */
struct tree {
	struct res_shares shares[NODES];
	struct task_count tasks[NODES];
	int total;
};

static void tree_update(struct tree *t)
{
	struct res_shares *pos;
	int i;

	for (pos = &t->shares[R]; pos; pos = shares_next(pos, &t->shares[R]))
		shares_recompute(pos, t->total);
	for (i = 0; i < NODES; i++) {
		pos = &t->shares[i];
		count_set_max(&t->tasks[i], pos->max < 0 ? COUNT_NO_LIMIT : pos->max);
		count_set_min(&t->tasks[i], max(pos->min, 0));
	}
}

static struct tree *tree_make(struct kunit *test, int total)
{
	struct tree *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->total = total ?: RES_DONT_CARE;
	shares_init(&t->shares[R], NULL);
	for (i = R + 1; i < NODES; i++) {
		shares_init(&t->shares[i], &t->shares[node_parents[i]]);
		count_init(&t->tasks[i], &t->tasks[node_parents[i]]);
	}
	tree_update(t);
	return t;
}

static int tree_write(struct tree *t, int node, const char *text)
{
	struct shares_request req;
	char copy[128];
	int err;

	strscpy(copy, text, sizeof(copy));
	err = shares_parse(&req, "numtasks", copy);
	if (!err)
		err = shares_change(&t->shares[node], &req);
	if (!err)
		tree_update(t);
	return err;
}

/* The amount that an entry of an array stands for. */
static int amount(int entry)
{
	return entry == ZERO ? 0 : entry ?: RES_DONT_CARE;
}

static void case_name(const struct shares_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(shares, shares_cases, case_name);

static void shares_table(struct kunit *test)
{
	const struct shares_case *c = test->param_value;
	struct tree *t = tree_make(test, c->total);
	const struct res_shares *s;
	char shows[64];
	int i, last = R, room;

	for (i = 0; i < ARRAY_SIZE(c->writes) && c->writes[i].text; i++) {
		last = c->writes[i].node;
		KUNIT_EXPECT_EQ_MSG(test, tree_write(t, last, c->writes[i].text),
				    -c->writes[i].err, "%s: write %d", c->name, i);
	}
	s = &t->shares[last];
	snprintf(shows, sizeof(shows), "%d,%d,%d", s->min_shares, s->max_shares,
		 s->child_shares_divisor);
	if (c->shows)
		KUNIT_EXPECT_STREQ_MSG(test, &shows[0], c->shows, "%s", c->name);

	KUNIT_EXPECT_EQ(test, t->shares[R].min, t->total);
	KUNIT_EXPECT_EQ(test, t->shares[R].max, t->total);
	for (i = R + 1; i < NODES; i++) {
		KUNIT_EXPECT_EQ_MSG(test, t->shares[i].min, amount(c->min[i]),
				    "%s: minimum of %s", c->name, node_paths[i]);
		KUNIT_EXPECT_EQ_MSG(test, t->shares[i].max, amount(c->max[i]),
				    "%s: maximum of %s", c->name, node_paths[i]);
	}
	for (i = R; i < NODES; i++) {
		if (!c->room[i])
			continue;
		for (room = 0; room < 1000 && charges(&t->tasks[i]); room++)
			;
		KUNIT_EXPECT_EQ_MSG(test, room, amount(c->room[i]), "%s: room in %s", c->name,
				    node_paths[i]);
		while (room--)
			count_uncharge(&t->tasks[i]);
	}
}

static void shares_unsupported(struct kunit *test)
{
	struct tree *t = tree_make(test, 1000);
	struct res_shares *s = &t->shares[A];

	s->min_shares = RES_UNSUPPORTED;
	shares_reset(s);
	KUNIT_EXPECT_EQ(test, s->min_shares, RES_UNSUPPORTED);
	KUNIT_EXPECT_EQ(test, tree_write(t, A, "min_shares=1"), -EINVAL);
	KUNIT_EXPECT_EQ(test, tree_write(t, A, "min_shares=-3"), -EINVAL);
	KUNIT_EXPECT_EQ(test, tree_write(t, A, "min_shares=-1"), 0);
	/* what is shown can be written */
	KUNIT_EXPECT_EQ(test, tree_write(t, A, "min_shares=-2,max_shares=10"), 0);
	KUNIT_EXPECT_EQ(test, s->min_shares, RES_UNSUPPORTED);
	KUNIT_EXPECT_EQ(test, s->min, RES_DONT_CARE);
	KUNIT_EXPECT_EQ(test, s->max, 100);
	/* it takes nothing of the divisor */
	KUNIT_EXPECT_EQ(test, tree_write(t, F, "min_shares=100"), 0);
}

static void shares_other_names(struct kunit *test)
{
	struct shares_request req;
	char text[] = "res=x,max_shares=1", copy[sizeof(text)];

	strscpy(copy, text, sizeof(copy));
	KUNIT_EXPECT_EQ(test, shares_parse(&req, "x", copy), 0);
	strscpy(copy, text, sizeof(copy));
	KUNIT_EXPECT_EQ(test, shares_parse(&req, "xy", copy), -EINVAL);
	KUNIT_EXPECT_EQ(test, shares_parse_res("x", "res=x"), 0);
	KUNIT_EXPECT_EQ(test, shares_parse_res("x", "res=y"), -EINVAL);
	KUNIT_EXPECT_EQ(test, shares_parse_res("x", "res=xx"), -EINVAL);
	KUNIT_EXPECT_EQ(test, shares_parse_res("x", "res="), -EINVAL);
	KUNIT_EXPECT_EQ(test, shares_parse_res("x", "res"), -EINVAL);
	KUNIT_EXPECT_EQ(test, shares_parse_res("x", ""), -EINVAL);
	KUNIT_EXPECT_EQ(test, shares_parse_res("x", "res=x,max_shares=1"), -EINVAL);
}

static void shares_removed(struct kunit *test)
{
	struct tree *t = tree_make(test, 1000);

	KUNIT_EXPECT_EQ(test, tree_write(t, F, "min_shares=60,max_shares=90"), 0);
	KUNIT_EXPECT_EQ(test, tree_write(t, A, "min_shares=41"), -EINVAL);
	/* its parts are free again */
	shares_unlink(&t->shares[F]);
	KUNIT_EXPECT_EQ(test, tree_write(t, A, "min_shares=41,max_shares=50"), 0);
	KUNIT_EXPECT_EQ(test, tree_write(t, R, "child_shares_divisor=50"), 0);
}

static struct kunit_case shares_test_cases[] = {
	KUNIT_CASE_PARAM(shares_table, shares_gen_params),
	KUNIT_CASE(shares_unsupported),
	KUNIT_CASE(shares_other_names),
	KUNIT_CASE(shares_removed),
	{}
};

static struct kunit_suite shares_suite = {
	.name = "container_shares",
	.test_cases = shares_test_cases,
};

/* --- counting --------------------------------------------------------------- */

/* The tree of "reserved and borrowed five deep" above. */
static struct tree *tree_reserving(struct kunit *test)
{
	struct tree *t = tree_make(test, 2000);

	tree_write(t, A, "min_shares=2,max_shares=2,child_shares_divisor=4");
	tree_write(t, B, "min_shares=2,max_shares=3,child_shares_divisor=4");
	tree_write(t, C, "min_shares=1,child_shares_divisor=5");
	tree_write(t, D, "min_shares=1,child_shares_divisor=1");
	tree_write(t, E, "min_shares=1");
	tree_write(t, G, "min_shares=1");
	return t;
}

/* Computes the expected load of a node from the tasks in each node. */
static int model_load(const struct tree *t, const int *tasks, int node)
{
	int i, load = tasks[node];

	for (i = 0; i < NODES; i++)
		if (node_parents[i] == node)
			load += max(model_load(t, tasks, i), max(t->shares[i].min, 0));
	return load;
}

static int model_count(const int *tasks, int node)
{
	int i, count = tasks[node];

	for (i = 0; i < NODES; i++)
		if (node_parents[i] == node)
			count += model_count(tasks, i);
	return count;
}

static bool model_fits(const struct tree *t, int *tasks, int node)
{
	bool fits = true, borrows = true;
	int i;

	tasks[node]++;
	for (i = node; i >= 0; i = node_parents[i]) {
		int limit = t->shares[i].max;

		if (limit >= 0 && model_count(tasks, i) > limit)
			fits = false;
		if (limit >= 0 && borrows && model_load(t, tasks, i) > limit)
			fits = false;
		if (model_load(t, tasks, i) <= max(t->shares[i].min, 0))
			borrows = false;
	}
	tasks[node]--;
	return fits;
}

static bool model_agrees(const struct tree *t, const int *tasks)
{
	int i;

	for (i = 0; i < NODES; i++)
		if (atomic_read(&t->tasks[i].count) != model_count(tasks, i) ||
		    (u32)atomic64_read(&t->tasks[i].load) != model_load(t, tasks, i))
			return false;
	return true;
}

/* Forks, exits, moves and changes of shares, one after another, at random. */
static void count_any(struct kunit *test)
{
	static const char * const writes[] = {
		"min_shares=0", "min_shares=1", "min_shares=2", "min_shares=-3",
		"max_shares=1", "max_shares=2", "max_shares=3", "max_shares=-3",
		"child_shares_divisor=3", "child_shares_divisor=7",
	};
	struct tree *t = tree_reserving(test);
	int tasks[NODES] = {}, i, node, to, refused = 0;
	u32 x = 4711;

	for (i = 0; i < 20000; i++) {
		x = x * 1664525 + 1013904223;
		node = (x >> 8) % NODES;
		to = (x >> 16) % NODES;
		if ((x >> 24) < 140) {
			bool fits = model_fits(t, tasks, node);

			if (charges(&t->tasks[node]) != fits)
				break;
			tasks[node] += fits;
			refused += !fits;
		} else if ((x >> 24) < 230) {
			if (tasks[node]) {
				count_uncharge(&t->tasks[node]);
				tasks[node]--;
			}
		} else if ((x >> 24) < 250) {
			if (tasks[node]) {
				count_move(&t->tasks[node], &t->tasks[to]);
				tasks[node]--;
				tasks[to]++;
			}
		} else {
			tree_write(t, node, writes[(x >> 12) % ARRAY_SIZE(writes)]);
		}
		if (!model_agrees(t, tasks))
			break;
	}
	KUNIT_EXPECT_EQ(test, i, 20000);
	/* or it was about nothing */
	KUNIT_EXPECT_GT(test, refused, 100);
	for (node = 0; node < NODES; node++)
		while (tasks[node]) {
			count_uncharge(&t->tasks[node]);
			tasks[node]--;
		}
	KUNIT_EXPECT_TRUE(test, model_agrees(t, tasks));
}

/* A child can use what is reserved for it, but not beyond the maximum. */
static void count_reserve_late(struct kunit *test)
{
	struct tree *t = tree_make(test, 2000);
	int i;

	tree_write(t, A, "min_shares=1,max_shares=1,child_shares_divisor=20");
	for (i = 0; i < 18; i++)
		KUNIT_EXPECT_TRUE(test, charges(&t->tasks[A]));
	tree_write(t, B, "min_shares=5");
	/* 18 and 5 is more than there is: nothing is left to borrow, */
	KUNIT_EXPECT_FALSE(test, charges(&t->tasks[A]));
	KUNIT_EXPECT_FALSE(test, charges(&t->tasks[G]));
	/* b has what is left of its own, */
	KUNIT_EXPECT_TRUE(test, charges(&t->tasks[B]));
	KUNIT_EXPECT_TRUE(test, charges(&t->tasks[B]));
	KUNIT_EXPECT_FALSE(test, charges(&t->tasks[B]));
	/* and gets the rest when others go, before they get it back */
	count_uncharge(&t->tasks[A]);
	KUNIT_EXPECT_FALSE(test, charges(&t->tasks[A]));
	KUNIT_EXPECT_TRUE(test, charges(&t->tasks[B]));
	KUNIT_EXPECT_EQ(test, atomic_read(&t->tasks[A].count), 20);
}

static void count_force(struct kunit *test)
{
	struct tree *t = tree_make(test, 2000);
	int i;

	tree_write(t, R, "child_shares_divisor=1000");
	tree_write(t, A, "max_shares=1");
	for (i = 0; i < 4; i++)
		count_charge_force(&t->tasks[B]);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->tasks[A].count), 4);
	KUNIT_EXPECT_FALSE(test, charges(&t->tasks[B]));
	for (i = 0; i < 2; i++)
		count_uncharge(&t->tasks[B]);
	KUNIT_EXPECT_FALSE(test, charges(&t->tasks[E]));
	count_uncharge(&t->tasks[B]);
	KUNIT_EXPECT_TRUE(test, charges(&t->tasks[E]));
	KUNIT_EXPECT_FALSE(test, charges(&t->tasks[A]));
	/* elsewhere there is room */
	KUNIT_EXPECT_TRUE(test, charges(&t->tasks[F]));
}

static struct kunit_case count_cases[] = {
	KUNIT_CASE(count_any),
	KUNIT_CASE(count_reserve_late),
	KUNIT_CASE(count_force),
	{}
};

static struct kunit_suite count_suite = {
	.name = "container_numtasks_count",
	.test_cases = count_cases,
};

kunit_test_suites(&shares_suite, &count_suite);

MODULE_DESCRIPTION("KUnit: shares, amounts and the counting of tasks");
MODULE_LICENSE("GPL");
