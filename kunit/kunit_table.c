// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: module/table.c, the table of members.
 *
 * The table never reads a task, so unused addresses serve as tasks. Each test begins with an empty
 * table.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>

#include "../module/table.c"

/* The address of task number @i; aligned as those of real ones. */
static struct task_struct *fake_task(unsigned long i)
{
	return (struct task_struct *)((i + 1) * 0x1000UL);
}

/* The next number from @i on whose task is in the bucket of fake_task(0). */
static unsigned long next_collision(unsigned long i)
{
	while (table_bucket(fake_task(i)) != table_bucket(fake_task(0)))
		i++;
	return i;
}

static struct member *find(struct task_struct *task)
{
	struct member *m;

	rcu_read_lock();
	m = table_find(task);
	rcu_read_unlock();
	return m;
}

/* Of the subsystems that know the tasks here. */
#define GENERATION 7UL

/* Gives the task the entry, unless it has one. Return: the entry that it has. */
static struct member *insert(struct member *m, struct task_struct *task)
{
	struct bucket *b = table_lock(task);
	struct member *old = table_find(task);

	if (!old)
		table_add(b, m, task, GENERATION);
	table_unlock(b);
	return old ?: m;
}

static void take_out(struct member *m)
{
	struct bucket *b = table_lock(m->task);

	table_del(m);
	table_unlock(b);
}

/* As fork and exit do it: with preemption disabled. */
static struct member *alloc_spare(void)
{
	struct member *m;

	preempt_disable();
	m = table_take_spare() ?: table_alloc(GFP_NOWAIT);
	preempt_enable();
	return m;
}

static void free_spare(struct member *m)
{
	preempt_disable();
	table_free_spare(m);
	preempt_enable();
}

static void remove_and_free(struct member *m)
{
	take_out(m);
	free_spare(m);
}

static bool entry_is_locked(struct member *m)
{
	return spin_is_locked(&table_bucket(m->task)->lock);
}

static void drop_nothing(struct member *m)
{
}

static int table_suite_init(struct kunit *test)
{
	return table_init();
}

static void table_suite_exit(struct kunit *test)
{
	table_flush(drop_nothing);
	table_exit();
}

static void expect_clean(struct kunit *test, struct member *m)
{
	int i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(m->moved, MAX_CONTAINER_HIERARCHIES));
	for (i = 0; i < MAX_CONTAINER_HIERARCHIES; i++)
		KUNIT_EXPECT_NULL(test, m->in[i].cont);
	for (i = 0; i < ARRAY_SIZE(m->data); i++)
		KUNIT_EXPECT_EQ(test, m->data[i], 0ULL);
}

/* Sets all that may be left in an entry after its task has gone. */
static void make_dirty(struct member *m)
{
	memset(m->data, 0xff, sizeof(m->data));
	m->charged = ULONG_MAX;
	m->known = ULONG_MAX;
	bitmap_fill(m->moved, MAX_CONTAINER_HIERARCHIES);
}

static void alloc_is_clean(struct kunit *test)
{
	struct member *m = table_alloc(GFP_KERNEL);

	expect_clean(test, m);
	make_dirty(m);
	table_free(m);
	/* an entry that was in use before; most likely the same one */
	m = table_alloc(GFP_KERNEL);
	expect_clean(test, m);
	table_free(m);
}

static void spares_are_clean(struct kunit *test)
{
	struct member *m = alloc_spare(), *more[ARRAY_SIZE(((struct table_spares *)0)->m) + 4];
	int i;

	expect_clean(test, m);
	make_dirty(m);
	free_spare(m);
	m = alloc_spare();
	expect_clean(test, m);
	free_spare(m);

	/* more than are kept */
	for (i = 0; i < ARRAY_SIZE(more); i++) {
		more[i] = alloc_spare();
		expect_clean(test, more[i]);
		make_dirty(more[i]);
	}
	for (i = 0; i < ARRAY_SIZE(more); i++)
		free_spare(more[i]);
	for (i = 0; i < ARRAY_SIZE(more); i++) {
		more[i] = alloc_spare();
		expect_clean(test, more[i]);
	}
	for (i = 0; i < ARRAY_SIZE(more); i++)
		free_spare(more[i]);
}

static void insert_find_remove(struct kunit *test)
{
	struct member *m = table_alloc(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, m);
	KUNIT_EXPECT_NULL(test, find(fake_task(1)));
	make_dirty(m);
	KUNIT_EXPECT_PTR_EQ(test, insert(m, fake_task(1)), m);
	KUNIT_EXPECT_PTR_EQ(test, m->task, fake_task(1));
	/* what subsystems knew of an earlier task is forgotten */
	KUNIT_EXPECT_EQ(test, m->charged, GENERATION);
	KUNIT_EXPECT_EQ(test, m->known, GENERATION);
	KUNIT_EXPECT_PTR_EQ(test, find(fake_task(1)), m);
	KUNIT_EXPECT_NULL(test, find(fake_task(2)));

	take_out(m);
	/* a reader that has found it before sees that it is void */
	KUNIT_EXPECT_NULL(test, m->task);
	KUNIT_EXPECT_NULL(test, find(fake_task(1)));
	table_free(m);
}

static void duplicate_insert(struct kunit *test)
{
	struct member *m = table_alloc(GFP_KERNEL);
	struct member *second = table_alloc(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, m);
	KUNIT_ASSERT_NOT_NULL(test, second);
	KUNIT_EXPECT_PTR_EQ(test, insert(m, fake_task(1)), m);
	KUNIT_EXPECT_PTR_EQ(test, insert(second, fake_task(1)), m);
	KUNIT_EXPECT_PTR_EQ(test, find(fake_task(1)), m);
	remove_and_free(m);
	/* the second was not put anywhere */
	KUNIT_EXPECT_NULL(test, find(fake_task(1)));
	KUNIT_EXPECT_PTR_EQ(test, insert(second, fake_task(1)), second);
	KUNIT_EXPECT_PTR_EQ(test, find(fake_task(1)), second);
}

#define MANY 20000

/* More entries than buckets, removed in another order than they came. */
static void many_entries(struct kunit *test)
{
	struct member *m;
	int i, bad = 0;

	for (i = 0; i < MANY; i++) {
		m = table_alloc(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, m);
		m->data[0] = i;
		bad += insert(m, fake_task(i)) != m;
	}
	for (i = 0; i < MANY; i++) {
		m = find(fake_task(i));
		bad += !m || m->task != fake_task(i) || m->data[0] != i;
	}
	for (i = MANY; i < 2 * MANY; i++)
		bad += !!find(fake_task(i));
	KUNIT_EXPECT_EQ(test, bad, 0);

	for (i = 0; i < MANY; i += 2) {
		m = find(fake_task(i));
		KUNIT_ASSERT_NOT_NULL(test, m);
		remove_and_free(m);
	}
	for (i = 0; i < MANY; i++)
		bad += !!find(fake_task(i)) != i % 2;
	KUNIT_EXPECT_EQ(test, bad, 0);
}

#define CHAIN 32

/* All in one bucket: the first, the last and those between are taken out. */
static void collisions(struct kunit *test)
{
	struct member *m[CHAIN];
	unsigned long nr[CHAIN], n = 0;
	int i, j, bad = 0;

	for (i = 0; i < CHAIN; i++) {
		nr[i] = next_collision(n);
		n = nr[i] + 1;
		m[i] = table_alloc(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, m[i]);
		KUNIT_EXPECT_PTR_EQ(test, insert(m[i], fake_task(nr[i])), m[i]);
	}
	n = next_collision(n);
	for (i = 0; i < CHAIN; i++) {
		/* both ends in turn, so the middle comes last */
		j = i % 2 ? CHAIN - 1 - i / 2 : i / 2;
		bad += find(fake_task(nr[j])) != m[j];
		bad += !!find(fake_task(n));
		remove_and_free(m[j]);
		m[j] = NULL;
		for (j = 0; j < CHAIN; j++)
			bad += find(fake_task(nr[j])) != m[j];
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
	KUNIT_EXPECT_TRUE(test, hlist_nulls_empty(&table_bucket(fake_task(0))->head));
}

static void visit(struct member *m, void *arg)
{
	unsigned long *seen = arg;

	if (entry_is_locked(m) && m->task == fake_task(m->data[0]))
		__set_bit(m->data[0], seen);
}

static void walk_visits_all(struct kunit *test)
{
	unsigned long *seen = kunit_kzalloc(test, BITS_TO_LONGS(MANY) * sizeof(long), GFP_KERNEL);
	struct member *m;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, seen);
	table_for_each(visit, seen);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(seen, MANY));
	for (i = 0; i < MANY; i++) {
		m = table_alloc(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, m);
		m->data[0] = i;
		insert(m, fake_task(i));
	}
	table_for_each(visit, seen);
	KUNIT_EXPECT_TRUE(test, bitmap_full(seen, MANY));
}

static int dropped, dropped_unlocked;

static void count_drop(struct member *m)
{
	dropped++;
	if (!m->task || !entry_is_locked(m))
		dropped_unlocked++;
}

static void flush_empties(struct kunit *test)
{
	struct member *m;
	int i, bad = 0;

	for (i = 0; i < 1000; i++) {
		m = table_alloc(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, m);
		insert(m, fake_task(i));
	}
	dropped = 0;
	dropped_unlocked = 0;
	table_flush(count_drop);
	KUNIT_EXPECT_EQ(test, dropped, 1000);
	KUNIT_EXPECT_EQ(test, dropped_unlocked, 0);
	for (i = 0; i < 1000; i++)
		bad += !!find(fake_task(i));
	KUNIT_EXPECT_EQ(test, bad, 0);
	/* and may be used again */
	m = table_alloc(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m);
	KUNIT_EXPECT_PTR_EQ(test, insert(m, fake_task(1)), m);
}

/* --- several at once ------------------------------------------------------- */

#define STABLE	8		/* entries that are there all the time */
#define CHURN	8		/* entries that come and go, for each writer */
#define ABSENT	1000000UL	/* number of a task that has no entry */
#define SECONDS	3

/*
 * Stable tasks, and others that come and go, share one bucket, with the stable ones at its end. The
 * entry of a task that goes is reused for a task of another bucket, so that lookups on their way to
 * the end of the chain are led to another chain as often as possible. The first word of each entry
 * is the address of its task.
 */
static struct {
	struct task_struct *stable[STABLE];
	struct member *entry[STABLE];
	struct task_struct *churn[2][CHURN];
	atomic_long_t looks, hits, misses, foreign, changes;
	atomic_t owners;
} shared;

static struct member *alloc_marked(struct task_struct *task)
{
	struct member *m = alloc_spare() ?: table_alloc(GFP_KERNEL | __GFP_NOFAIL);

	m->data[0] = (unsigned long)task;
	return m;
}

static void check_entry(struct member *m, struct task_struct *task)
{
	if (m->task != task || m->data[0] != (unsigned long)task)
		atomic_long_inc(&shared.foreign);
}

/* Inserts, removes and reuses entries. */
static int churn(void *nr)
{
	struct task_struct **mine = shared.churn[(long)nr];
	struct task_struct *other = fake_task(ABSENT + 1 + (long)nr);
	struct member *m[CHURN];
	int i;

	while (!kthread_should_stop()) {
		for (i = 0; i < CHURN; i++) {
			m[i] = alloc_marked(mine[i]);
			insert(m[i], mine[i]);
		}
		for (i = 0; i < CHURN; i++) {
			remove_and_free(m[i]);
			m[i] = alloc_marked(other);
			if (insert(m[i], other) != m[i])
				atomic_long_inc(&shared.foreign);
			remove_and_free(m[i]);
			atomic_long_inc(&shared.changes);
		}
		cond_resched();
	}
	return 0;
}

/* Looks all of them up, in all ways. */
static int look(void *nr)
{
	struct task_struct **others = shared.churn[(long)nr];
	struct bucket *b;
	struct member *m;
	int i;

	while (!kthread_should_stop()) {
		rcu_read_lock();
		for (i = 0; i < STABLE; i++) {
			m = table_find(shared.stable[i]);
			if (!m)
				atomic_long_inc(&shared.misses);
			else if (m != shared.entry[i])
				atomic_long_inc(&shared.foreign);
		}
		for (i = 0; i < CHURN; i++) {
			m = table_find(others[i]);
			if (!m)
				continue;
			b = table_lock(others[i]);
			if (m->task == others[i]) {
				check_entry(m, others[i]);
				atomic_long_inc(&shared.hits);
			}
			table_unlock(b);
		}
		if (table_find(fake_task(ABSENT)))
			atomic_long_inc(&shared.foreign);
		rcu_read_unlock();
		atomic_long_inc(&shared.looks);
		cond_resched();
	}
	return 0;
}

/* The thread that gets the entry of the one task into the table removes it. */
static int insert_same(void *nr)
{
	struct member *m;

	while (!kthread_should_stop()) {
		m = alloc_marked(fake_task(ABSENT));
		if (insert(m, fake_task(ABSENT)) == m) {
			if (atomic_inc_return(&shared.owners) != 1)
				atomic_long_inc(&shared.foreign);
			udelay(1);
			atomic_dec(&shared.owners);
			remove_and_free(m);
			atomic_long_inc(&shared.changes);
		} else {
			free_spare(m);
			atomic_long_inc(&shared.hits);
		}
		cond_resched();
	}
	return 0;
}

static void visit_marked(struct member *m, void *arg)
{
	int i, *seen = arg;

	check_entry(m, m->task);
	for (i = 0; i < STABLE; i++)
		if (m == shared.entry[i])
			*seen |= 1 << i;
}

/* Walks over the whole table. */
static int walk(void *nr)
{
	int seen;

	while (!kthread_should_stop()) {
		seen = 0;
		table_for_each(visit_marked, &seen);
		if (seen != (1 << STABLE) - 1)
			atomic_long_inc(&shared.misses);
		atomic_long_inc(&shared.looks);
		cond_resched();
	}
	return 0;
}

/* Runs each function in two threads for a while. */
static void run_threads(struct kunit *test, int (*const *fns)(void *nr), int count)
{
	struct task_struct *threads[8];
	int i, started;

	for (started = 0; started < count * 2; started++) {
		threads[started] = kthread_run(fns[started / 2], (void *)(started % 2L),
					       "kunit_table/%d", started);
		if (IS_ERR(threads[started]))
			break;
	}
	KUNIT_EXPECT_EQ(test, started, count * 2);
	ssleep(SECONDS);
	for (i = 0; i < started; i++)
		kthread_stop(threads[i]);
}

static void concurrent_lookups(struct kunit *test)
{
	static int (*const fns[])(void *) = { churn, look, walk };
	unsigned long n = 0;
	int i;

	memset(&shared, 0, sizeof(shared));
	for (i = 0; i < STABLE; i++) {
		n = next_collision(n);
		shared.stable[i] = fake_task(n++);
		shared.entry[i] = insert(alloc_marked(shared.stable[i]), shared.stable[i]);
	}
	for (i = 0; i < 2 * CHURN; i++) {
		n = next_collision(n);
		shared.churn[i % 2][i / 2] = fake_task(n++);
	}
	run_threads(test, fns, ARRAY_SIZE(fns));

	KUNIT_EXPECT_EQ(test, atomic_long_read(&shared.misses), 0L);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&shared.foreign), 0L);
	/* or nothing was tested */
	KUNIT_EXPECT_GT(test, atomic_long_read(&shared.looks), 100L);
	KUNIT_EXPECT_GT(test, atomic_long_read(&shared.changes), 100L);
	KUNIT_EXPECT_GT(test, atomic_long_read(&shared.hits), 0L);
	kunit_info(test, "%ld rounds of lookups beside %ld changes\n",
		   atomic_long_read(&shared.looks), atomic_long_read(&shared.changes));
}

static void concurrent_inserts(struct kunit *test)
{
	static int (*const fns[])(void *) = { insert_same };

	memset(&shared, 0, sizeof(shared));
	run_threads(test, fns, ARRAY_SIZE(fns));
	KUNIT_EXPECT_EQ(test, atomic_long_read(&shared.foreign), 0L);
	KUNIT_EXPECT_GT(test, atomic_long_read(&shared.changes), 100L);
	KUNIT_EXPECT_GT(test, atomic_long_read(&shared.hits), 0L);
	KUNIT_EXPECT_NULL(test, find(fake_task(ABSENT)));
}

static struct kunit_case table_cases[] = {
	KUNIT_CASE(alloc_is_clean),
	KUNIT_CASE(spares_are_clean),
	KUNIT_CASE(insert_find_remove),
	KUNIT_CASE(duplicate_insert),
	KUNIT_CASE(many_entries),
	KUNIT_CASE(collisions),
	KUNIT_CASE(walk_visits_all),
	KUNIT_CASE(flush_empties),
	KUNIT_CASE(concurrent_lookups),
	KUNIT_CASE(concurrent_inserts),
	{}
};

static struct kunit_suite table_suite = {
	.name = "container_table",
	.init = table_suite_init,
	.exit = table_suite_exit,
	.test_cases = table_cases,
};

kunit_test_suite(table_suite);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit: the table of members");
