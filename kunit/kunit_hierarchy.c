// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: module/hierarchy.c, container.c, kill.c and subsys.c: finding the hierarchy of a mount,
 * creating and removing containers, walking over them, registering subsystems.
 *
 * Stubs replace the other parts of the core that these files use: no task is moved, no hook is
 * armed, and a superblock is only a count of its users.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

/* The tracepoints belong to the core, which is not here. */
#define NOTRACE

#include <kunit/test.h>
#include <linux/module.h>

#include "../module/parse.c"
#include "../module/registry.c"
#include "../module/container.c"
#include "../module/kill.c"
#include "../module/hierarchy.c"
#include "../module/subsys.c"

/* --- stubs for the other files ---------------------------------------------- */

static int trackers, track_errno, adopt_errno, released;
static struct container *last_released;

int membership_track(void)
{
	trackers += !track_errno;
	return track_errno;
}

void membership_untrack(void)
{
	trackers--;
}

static void note(char what, struct container_subsys *ss);

int membership_adopt(struct container_subsys *ss)
{
	if (subsys_called_when_bound(ss))
		note(adopt_errno ? 'x' : 'a', ss);
	return adopt_errno;
}

void membership_forget(struct container_subsys *ss)
{
	if (subsys_called_when_bound(ss))
		note('g', ss);
}

void container_released(struct container *cont)
{
	released++;
	last_released = cont;
}

static int tried_again;

void container_delete_again(struct container *cont)
{
	if (test_and_clear_bit(CONT_DELETE_PENDING, &cont->flags))
		tried_again++;
}

void membership_walk(struct container *cont, void (*fn)(struct member *m, void *arg), void *arg)
{
}

void container_release_work(struct work_struct *work)
{
}

void events_setup(struct container *cont)
{
}

bool events_removed(struct container *cont)
{
	return false;
}

void events_changed(struct container *cont, bool joined)
{
}

/* The containers of these tests have no files. */
void filelist_put(const struct container *cont)
{
}

/* --- subsystems of the test ------------------------------------------------- */

/* The events so far: for each, a letter and the digit of the subsystem. */
static char events[256];
static int create_errno[3];

static void note(char what, struct container_subsys *ss)
{
	size_t len = strlen(events);

	if (len + 3 < sizeof(events)) {
		events[len] = what;
		events[len + 1] = ss->name[1];
	}
}

static int test_create(struct container_subsys *ss, struct container *cont)
{
	struct container_subsys_state *css;
	unsigned int digit = ss->name[1] - '0';
	int err = digit < ARRAY_SIZE(create_errno) ? create_errno[digit] : 0;

	note(err ? 'f' : 'c', ss);
	if (err)
		return err;
	css = kzalloc(sizeof(*css), GFP_KERNEL);
	if (!css)
		return -ENOMEM;
	container_set_subsys_state(cont, ss, css);
	return 0;
}

static void test_destroy(struct container_subsys *ss, struct container *cont)
{
	note('d', ss);
	kfree(container_subsys_state(cont, ss));
}

static int test_bind(struct container_subsys *ss, struct container *root)
{
	note(container_subsys_root(ss) == root ? 'b' : '!', ss);
	return 0;
}

static void test_unbind(struct container_subsys *ss, struct container *root)
{
	note(container_subsys_root(ss) == root ? 'u' : '!', ss);
}

static struct container_subsys subsys[3];
static struct super_block *sb;

/* Three subsystems, s0 to s2, none of them bound. */
static int hierarchy_suite_init(struct kunit *test)
{
	static const char * const names[] = { "s0", "s1", "s2" };
	int i, err;

	memset(&dummy_hierarchy, 0, sizeof(dummy_hierarchy));
	memset(create_errno, 0, sizeof(create_errno));
	track_errno = 0;
	adopt_errno = 0;
	released = 0;
	trackers = 0;
	sb = kunit_kzalloc(test, sizeof(*sb), GFP_KERNEL);
	if (!sb)
		return -ENOMEM;
	atomic_set(&sb->s_active, 1);
	hierarchy_init();
	for (i = 0; i < ARRAY_SIZE(subsys); i++) {
		subsys[i] = (struct container_subsys) {
			.name = names[i],
			.create = test_create,
			.destroy = test_destroy,
			.bind = test_bind,
			.unbind = test_unbind,
			.subsys_id = -1,
		};
		err = container_register_subsys(&subsys[i]);
		if (err)
			return err;
	}
	memset(events, 0, sizeof(events));
	return 0;
}

static void hierarchy_suite_exit(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(subsys); i++)
		container_unregister_subsys(&subsys[i]);
	hierarchies[0] = NULL;
	/* before the module that has the RCU callbacks can go */
	rcu_barrier();
}

/* The events since the last call. */
static const char *happened(void)
{
	static char copy[sizeof(events)];

	memcpy(copy, events, sizeof(events));
	memset(events, 0, sizeof(events));
	return copy;
}

/* Parses options as mount(2) does. */
static void options(struct kunit *test, struct mount_options *opts, const char *text)
{
	char copy[64], *next = copy, *key, *value;

	memset(opts, 0, sizeof(*opts));
	strscpy(copy, text, sizeof(copy));
	while ((key = strsep(&next, ","))) {
		value = strchr(key, '=');
		if (value)
			*value++ = '\0';
		KUNIT_ASSERT_EQ(test, parse_option(opts, key, value), 0);
	}
	KUNIT_ASSERT_EQ(test, parse_options_check(opts), 0);
}

static struct hierarchy *hierarchy_wanted(struct kunit *test, const char *text)
{
	struct mount_options opts;
	struct hierarchy *h;

	options(test, &opts, text);
	bind_lock();
	h = hierarchy_find(&opts);
	bind_unlock();
	kfree(opts.release_agent);
	return h;
}

static struct hierarchy *hierarchy_make(struct kunit *test, const char *text)
{
	struct mount_options opts;
	struct hierarchy *h;

	options(test, &opts, text);
	bind_lock();
	h = hierarchy_create(&opts);
	if (!IS_ERR(h))
		h->sb = sb;
	bind_unlock();
	kfree(opts.release_agent);
	return h;
}

static void hierarchy_unmake(struct hierarchy *h)
{
	bind_lock();
	hierarchy_dissolve(h);
	bind_unlock();
	hierarchy_put(h);
}

/* --- finding the hierarchy of a mount --------------------------------------- */

static void expect_find(struct kunit *test, const char *text, void *want)
{
	struct hierarchy *got = hierarchy_wanted(test, text);

	KUNIT_EXPECT_EQ_MSG(test, (long)got, (long)want, "-o %s", text);
}

static void find_nothing_active(struct kunit *test)
{
	expect_find(test, "s0", NULL);
	expect_find(test, "s0,s2", NULL);
	expect_find(test, "all", NULL);
	expect_find(test, "none,name=x", NULL);
	expect_find(test, "s0,name=x", NULL);
	expect_find(test, "name=x", ERR_PTR(-ENOENT));
	expect_find(test, "s0,unknown", ERR_PTR(-ENOENT));
	/* one that is only being registered is unknown, too */
	subsys[1].active = false;
	expect_find(test, "s1", ERR_PTR(-ENOENT));
	subsys[1].active = true;
}

static void find_by_set(struct kunit *test)
{
	struct hierarchy *h = hierarchy_make(test, "s0,s1");

	KUNIT_ASSERT_FALSE(test, IS_ERR(h));
	expect_find(test, "s0,s1", h);
	expect_find(test, "s1,s0", h);
	expect_find(test, "s0", ERR_PTR(-EBUSY));
	expect_find(test, "s1,s2", ERR_PTR(-EBUSY));
	expect_find(test, "s2", NULL);
	expect_find(test, "all", ERR_PTR(-EBUSY));
	expect_find(test, "none,name=x", NULL);
	expect_find(test, "s0,s1,name=x", ERR_PTR(-EBUSY));
	expect_find(test, "s0,s1,noprefix", ERR_PTR(-EBUSY));
	expect_find(test, "s0,s1,release_agent=/x", ERR_PTR(-EBUSY));
	expect_find(test, "s0,s1,release_agent=", h);
	hierarchy_unmake(h);
	expect_find(test, "s0", NULL);
}

static void find_all(struct kunit *test)
{
	struct hierarchy *h = hierarchy_make(test, "all");

	KUNIT_ASSERT_FALSE(test, IS_ERR(h));
	expect_find(test, "all", h);
	expect_find(test, "s0,s1,s2", h);
	expect_find(test, "s0,s1", ERR_PTR(-EBUSY));
	hierarchy_unmake(h);
}

static void find_by_name(struct kunit *test)
{
	struct hierarchy *x = hierarchy_make(test, "none,name=x");
	struct hierarchy *y = hierarchy_make(test, "s0,noprefix,release_agent=/a,name=y");

	KUNIT_ASSERT_FALSE(test, IS_ERR(x));
	KUNIT_ASSERT_FALSE(test, IS_ERR(y));
	expect_find(test, "name=x", x);
	expect_find(test, "none,name=x", x);
	expect_find(test, "name=y", y);
	expect_find(test, "s0", y);
	expect_find(test, "s0,name=y,noprefix,release_agent=/a", y);
	expect_find(test, "name=y,noprefix", y);
	expect_find(test, "name=y,release_agent=/b", ERR_PTR(-EBUSY));
	expect_find(test, "name=x,noprefix", ERR_PTR(-EBUSY));
	expect_find(test, "none,name=y", ERR_PTR(-EBUSY));
	expect_find(test, "s1,name=x", ERR_PTR(-EBUSY));
	expect_find(test, "s0,name=x", ERR_PTR(-EBUSY));
	expect_find(test, "none,name=z", NULL);
	expect_find(test, "name=z", ERR_PTR(-ENOENT));
	hierarchy_unmake(x);
	expect_find(test, "name=x", ERR_PTR(-ENOENT));
	hierarchy_unmake(y);
}

/* --- making and dissolving ------------------------------------------------- */

static void bind_and_unbind(struct kunit *test)
{
	struct container_subsys_state *css = dummy_hierarchy.top.subsys[subsys[1].subsys_id];
	struct hierarchy *h = hierarchy_make(test, "s1,s0,release_agent=/a");
	int id = subsys[1].subsys_id;

	KUNIT_ASSERT_FALSE(test, IS_ERR(h));
	KUNIT_EXPECT_STREQ(test, happened(), "b0b1");
	KUNIT_EXPECT_EQ(test, trackers, 1);
	KUNIT_EXPECT_STREQ(test, h->release_agent, "/a");
	/* the root's state came along */
	KUNIT_EXPECT_EQ(test, subsys[1].hierarchy, h->top.hierarchy);
	KUNIT_EXPECT_PTR_EQ(test, h->top.subsys[id], css);
	KUNIT_EXPECT_PTR_EQ(test, css->container, &h->top);
	KUNIT_EXPECT_FALSE(test, test_bit(id, dummy_hierarchy.subsys));
	KUNIT_EXPECT_EQ(test, container_unregister_subsys(&subsys[1]), -EBUSY);

	container_manage_lock();
	container_set_release_agent_path(&subsys[0], "/b");
	container_set_release_agent_path(&subsys[2], "/c");
	container_manage_unlock();
	KUNIT_EXPECT_STREQ(test, h->release_agent, "/b");

	hierarchy_unmake(h);
	KUNIT_EXPECT_STREQ(test, happened(), "u0u1");
	KUNIT_EXPECT_EQ(test, trackers, 0);
	KUNIT_EXPECT_EQ(test, subsys[1].hierarchy, 0);
	KUNIT_EXPECT_PTR_EQ(test, dummy_hierarchy.top.subsys[id], css);
	KUNIT_EXPECT_PTR_EQ(test, css->container, &dummy_hierarchy.top);
	KUNIT_EXPECT_TRUE(test, test_bit(id, dummy_hierarchy.subsys));
	KUNIT_EXPECT_EQ(test, atomic_read(&sb->s_active), 1);
}

static void no_hierarchy_left(struct kunit *test)
{
	struct hierarchy *h[MAX_CONTAINER_HIERARCHIES];
	char name[32];
	int i;

	for (i = 1; i < MAX_CONTAINER_HIERARCHIES; i++) {
		snprintf(name, sizeof(name), "none,name=h%d", i);
		h[i] = hierarchy_make(test, name);
		KUNIT_ASSERT_FALSE(test, IS_ERR(h[i]));
		KUNIT_EXPECT_EQ(test, h[i]->top.hierarchy, i);
	}
	KUNIT_EXPECT_EQ(test, PTR_ERR(hierarchy_make(test, "s0")), -ENOSPC);
	KUNIT_EXPECT_EQ(test, trackers, MAX_CONTAINER_HIERARCHIES - 1);
	/* a number that is free again is used again */
	hierarchy_unmake(h[1]);
	h[1] = hierarchy_make(test, "s0");
	KUNIT_ASSERT_FALSE(test, IS_ERR(h[1]));
	KUNIT_EXPECT_EQ(test, h[1]->top.hierarchy, 1);
	for (i = 1; i < MAX_CONTAINER_HIERARCHIES; i++)
		hierarchy_unmake(h[i]);
	KUNIT_EXPECT_EQ(test, trackers, 0);
}

static void hooks_cannot_be_armed(struct kunit *test)
{
	track_errno = -EBUSY;
	KUNIT_EXPECT_EQ(test, PTR_ERR(hierarchy_make(test, "all")), -EBUSY);
	KUNIT_EXPECT_STREQ(test, happened(), "");
	KUNIT_EXPECT_NULL(test, hierarchies[1]);
	KUNIT_EXPECT_EQ(test, subsys[0].hierarchy, 0);
}

/* Adopted after all are bound, forgotten before each is unbound. */
static void called_when_bound(struct kunit *test, enum container_scope scope)
{
	struct hierarchy *h;

	container_unregister_subsys(&subsys[1]);
	subsys[1].scope = scope;
	happened();
	adopt_errno = -ENOMEM;
	KUNIT_EXPECT_EQ(test, container_register_subsys(&subsys[1]), 0);
	KUNIT_EXPECT_STREQ(test, happened(), "c1");

	KUNIT_EXPECT_EQ(test, PTR_ERR(hierarchy_make(test, "all")), -ENOMEM);
	KUNIT_EXPECT_STREQ(test, happened(), "b0b1x1u1u0");
	KUNIT_EXPECT_NULL(test, hierarchies[1]);
	KUNIT_EXPECT_EQ(test, subsys[0].hierarchy, 0);
	KUNIT_EXPECT_EQ(test, subsys[1].hierarchy, 0);
	KUNIT_EXPECT_EQ(test, trackers, 0);

	adopt_errno = 0;
	h = hierarchy_make(test, "all");
	KUNIT_ASSERT_FALSE(test, IS_ERR(h));
	KUNIT_EXPECT_STREQ(test, happened(), "b0b1a1b2");
	hierarchy_unmake(h);
	KUNIT_EXPECT_STREQ(test, happened(), "u0g1u1u2");
	KUNIT_EXPECT_EQ(test, container_unregister_subsys(&subsys[1]), 0);
	KUNIT_EXPECT_STREQ(test, happened(), "d1");
	subsys[1].scope = CONTAINER_ALL_TASKS;
	KUNIT_EXPECT_EQ(test, container_register_subsys(&subsys[1]), 0);
}

static void scope_while_bound(struct kunit *test)
{
	called_when_bound(test, CONTAINER_WHILE_BOUND);
}

static void scope_members(struct kunit *test)
{
	called_when_bound(test, CONTAINER_MEMBERS);
}

/* --- containers ------------------------------------------------------------ */

static struct container *make(struct kunit *test, struct container *parent)
{
	struct container *cont;

	container_manage_lock();
	cont = container_create(parent, false);
	if (!IS_ERR(cont))
		container_link(cont);
	container_manage_unlock();
	KUNIT_ASSERT_FALSE(test, IS_ERR(cont));
	return cont;
}

static int take_away(struct container *cont, bool subtree)
{
	struct container *parent = cont->parent;
	int err;

	container_manage_lock();
	err = container_remove(cont, subtree);
	if (!err)
		container_dir_gone(parent);
	container_manage_unlock();
	return err;
}

static void create_inherits(struct kunit *test)
{
	struct hierarchy *h = hierarchy_make(test, "s0");
	struct container *a, *b;

	KUNIT_ASSERT_FALSE(test, IS_ERR(h));
	a = make(test, &h->top);
	KUNIT_EXPECT_EQ(test, a->flags, 0UL);
	KUNIT_EXPECT_PTR_EQ(test, a->parent, &h->top);
	KUNIT_EXPECT_PTR_EQ(test, a->top_container, &h->top);
	set_bit(CONT_NOTIFY_ON_RELEASE, &a->flags);
	set_bit(CONT_AUTO_DELETE, &a->flags);
	set_bit(CONT_KILL_ON_RMDIR, &a->flags);
	set_bit(CONT_DELETE_PENDING, &a->flags);
	b = make(test, a);
	KUNIT_EXPECT_EQ(test, b->flags, BIT(CONT_NOTIFY_ON_RELEASE) | BIT(CONT_AUTO_DELETE) |
					BIT(CONT_KILL_ON_RMDIR));
	/* no container can be created where members are being killed */
	container_manage_lock();
	a->killers++;
	KUNIT_EXPECT_EQ(test, PTR_ERR(container_create(a, false)), (long)-ENOENT);
	a->killers--;
	container_manage_unlock();
	KUNIT_EXPECT_EQ(test, take_away(a, true), 0);
	hierarchy_unmake(h);
}

static int inherit_errno;

static int test_inherit(struct container_subsys *ss, struct container *cont)
{
	note('i', ss);
	return ss == &subsys[1] ? inherit_errno : 0;
}

/* inherit() is called for the bound subsystems that have it, up to the first error. */
static void inherit(struct kunit *test)
{
	struct hierarchy *h = hierarchy_make(test, "s1,s2");
	struct container *cont;
	int i;

	KUNIT_ASSERT_FALSE(test, IS_ERR(h));
	happened();
	container_manage_lock();
	cont = container_create(&h->top, false);
	KUNIT_ASSERT_FALSE(test, IS_ERR(cont));
	KUNIT_EXPECT_STREQ(test, happened(), "c1c2");
	KUNIT_EXPECT_EQ(test, container_inherit(cont), 0);
	KUNIT_EXPECT_STREQ(test, happened(), "");
	for (i = 0; i < 3; i++)
		subsys[i].inherit = test_inherit;
	inherit_errno = 0;
	KUNIT_EXPECT_EQ(test, container_inherit(cont), 0);
	KUNIT_EXPECT_STREQ(test, happened(), "i1i2");
	inherit_errno = -EDOM;
	KUNIT_EXPECT_EQ(test, container_inherit(cont), -EDOM);
	KUNIT_EXPECT_STREQ(test, happened(), "i1");
	for (i = 0; i < 3; i++)
		subsys[i].inherit = NULL;
	container_discard(cont);
	container_manage_unlock();
	hierarchy_unmake(h);
}

static int stateless_create(struct container_subsys *ss, struct container *cont)
{
	note('n', ss);
	return 0;
}

/* As in 2006: the core sets the container of the state. */
static int plain_create(struct container_subsys *ss, struct container *cont)
{
	cont->subsys[ss->subsys_id] = kzalloc(sizeof(struct container_subsys_state), GFP_KERNEL);
	return cont->subsys[ss->subsys_id] ? 0 : -ENOMEM;
}

static void create_makes(struct kunit *test)
{
	struct hierarchy *h = hierarchy_make(test, "s0,s1");
	struct container *cont;

	KUNIT_ASSERT_FALSE(test, IS_ERR(h));
	happened();
	container_manage_lock();
	subsys[1].create = stateless_create;
	KUNIT_EXPECT_EQ(test, PTR_ERR(container_create(&h->top, false)), (long)-EINVAL);
	KUNIT_EXPECT_STREQ(test, happened(), "c0n1d0");
	subsys[1].create = test_create;
	/* callers would take this value for a pointer */
	create_errno[1] = 5;
	KUNIT_EXPECT_EQ(test, PTR_ERR(container_create(&h->top, false)), (long)-EINVAL);
	create_errno[1] = -MAX_ERRNO - 1;
	KUNIT_EXPECT_EQ(test, PTR_ERR(container_create(&h->top, false)), (long)-EINVAL);
	create_errno[1] = 0;
	subsys[1].create = plain_create;
	cont = container_create(&h->top, false);
	KUNIT_ASSERT_FALSE(test, IS_ERR(cont));
	KUNIT_EXPECT_PTR_EQ(test, container_subsys_state(cont, &subsys[1])->container, cont);
	container_discard(cont);
	subsys[1].create = test_create;
	container_manage_unlock();
	hierarchy_unmake(h);
}

/* While rmdir is killing members, no other removal succeeds; an auto-delete is retried after it. */
static void remove_killing(struct kunit *test)
{
	struct hierarchy *h = hierarchy_make(test, "s0");
	struct container *a, *b;

	KUNIT_ASSERT_FALSE(test, IS_ERR(h));
	a = make(test, &h->top);
	b = make(test, a);
	tried_again = 0;
	container_manage_lock();
	KUNIT_EXPECT_EQ(test, container_kill_members(a), 0);
	KUNIT_EXPECT_EQ(test, b->killers, 1U);
	KUNIT_EXPECT_EQ(test, container_remove(b, false), -EBUSY);
	KUNIT_EXPECT_EQ(test, tried_again, 0);
	set_bit(CONT_DELETE_PENDING, &b->flags);
	/* the last of several killers lets go of it */
	KUNIT_EXPECT_EQ(test, container_kill_members(b), 0);
	container_kill_end(a);
	KUNIT_EXPECT_EQ(test, a->killers, 0U);
	KUNIT_EXPECT_EQ(test, b->killers, 1U);
	KUNIT_EXPECT_EQ(test, tried_again, 0);
	container_kill_end(b);
	KUNIT_EXPECT_EQ(test, b->killers, 0U);
	KUNIT_EXPECT_EQ(test, tried_again, 1);
	container_manage_unlock();
	KUNIT_EXPECT_EQ(test, take_away(b, false), 0);
	container_manage_lock();
	KUNIT_EXPECT_EQ(test, container_kill_members(a), 0);
	container_manage_unlock();
	KUNIT_EXPECT_EQ(test, take_away(a, true), 0);
	hierarchy_unmake(h);
}

/* Calls that would deadlock, and a call without the lock. */
static void wrong_lock(struct kunit *test)
{
	container_manage_lock();
	KUNIT_EXPECT_TRUE(test, manage_lock_is_mine());
	KUNIT_EXPECT_EQ(test, container_register_subsys(&subsys[0]), -EDEADLK);
	KUNIT_EXPECT_EQ(test, container_unregister_subsys(&subsys[0]), -EDEADLK);
	container_manage_unlock();
	KUNIT_EXPECT_FALSE(test, manage_lock_is_mine());
	bind_lock();
	KUNIT_EXPECT_TRUE(test, bind_lock_is_mine());
	KUNIT_EXPECT_EQ(test, container_register_subsys(&subsys[0]), -EDEADLK);
	KUNIT_EXPECT_EQ(test, container_unregister_subsys(&subsys[0]), -EDEADLK);
	bind_unlock();
	KUNIT_EXPECT_FALSE(test, bind_lock_is_mine());
	KUNIT_EXPECT_EQ(test, container_register_subsys(&subsys[0]), -EEXIST);
}

static void create_fails(struct kunit *test)
{
	struct hierarchy *h = hierarchy_make(test, "all");
	struct container *cont;

	KUNIT_ASSERT_FALSE(test, IS_ERR(h));
	happened();
	create_errno[2] = -EDOM;
	container_manage_lock();
	cont = container_create(&h->top, false);
	container_manage_unlock();
	KUNIT_EXPECT_EQ(test, PTR_ERR(cont), -EDOM);
	/* the states that were created are destroyed, the others are not */
	KUNIT_EXPECT_STREQ(test, happened(), "c0c1f2d0d1");
	KUNIT_EXPECT_EQ(test, refcount_read(&h->ref), 1);
	KUNIT_EXPECT_EQ(test, h->nr_containers, 1);
	KUNIT_EXPECT_EQ(test, released, 0);
	hierarchy_unmake(h);
}

static void remove_refused(struct kunit *test)
{
	struct hierarchy *h = hierarchy_make(test, "s0,s1");
	struct container_subsys_state *css;
	struct container *a, *b;

	KUNIT_ASSERT_FALSE(test, IS_ERR(h));
	a = make(test, &h->top);
	b = make(test, a);
	KUNIT_EXPECT_EQ(test, h->nr_containers, 3);
	/* the tree keeps the superblock active, once */
	KUNIT_EXPECT_EQ(test, atomic_read(&sb->s_active), 2);
	KUNIT_EXPECT_EQ(test, take_away(a, false), -EBUSY);

	b->nr_members = 1;
	KUNIT_EXPECT_EQ(test, take_away(b, false), -EBUSY);
	KUNIT_EXPECT_EQ(test, take_away(a, true), -EBUSY);
	b->nr_members = 0;

	/* a reference on the last state: those frozen before are thawed */
	css = container_subsys_state(b, &subsys[1]);
	KUNIT_EXPECT_EQ(test, container_css_get(css), 0);
	KUNIT_EXPECT_EQ(test, take_away(b, false), -EBUSY);
	KUNIT_EXPECT_EQ(test, take_away(a, true), -EBUSY);
	KUNIT_EXPECT_EQ(test, atomic_read(&css->refcnt), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b->subsys[0]->refcnt), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a->subsys[0]->refcnt), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a->subsys[1]->refcnt), 0);
	KUNIT_EXPECT_FALSE(test, container_is_removed(a));
	KUNIT_EXPECT_FALSE(test, container_is_removed(b));
	KUNIT_EXPECT_EQ(test, released, 0);
	atomic_dec(&css->refcnt);

	happened();
	KUNIT_EXPECT_EQ(test, take_away(a, true), 0);
	KUNIT_EXPECT_STREQ(test, happened(), "d0d1d0d1");
	KUNIT_EXPECT_EQ(test, h->nr_containers, 1);
	hierarchy_unmake(h);
}

static void remove_releases_parent(struct kunit *test)
{
	struct hierarchy *h = hierarchy_make(test, "s0");
	struct container *a, *b, *c;

	KUNIT_ASSERT_FALSE(test, IS_ERR(h));
	a = make(test, &h->top);
	b = make(test, a);
	c = make(test, a);
	KUNIT_EXPECT_EQ(test, take_away(b, false), 0);
	KUNIT_EXPECT_EQ(test, released, 0);
	a->nr_members = 1;
	KUNIT_EXPECT_EQ(test, take_away(c, false), 0);
	KUNIT_EXPECT_EQ(test, released, 0);
	c = make(test, a);
	a->nr_members = 0;
	KUNIT_EXPECT_EQ(test, take_away(c, false), 0);
	KUNIT_EXPECT_EQ(test, released, 1);
	KUNIT_EXPECT_PTR_EQ(test, last_released, a);
	/* a root is never released */
	KUNIT_EXPECT_EQ(test, take_away(a, false), 0);
	KUNIT_EXPECT_EQ(test, released, 1);
	hierarchy_unmake(h);
}

static void removed_stays_readable(struct kunit *test)
{
	struct hierarchy *h = hierarchy_make(test, "s0");
	struct container *a;
	char path[8];

	KUNIT_ASSERT_FALSE(test, IS_ERR(h));
	a = make(test, &h->top);
	container_get(a);
	KUNIT_EXPECT_EQ(test, take_away(a, false), 0);
	KUNIT_EXPECT_TRUE(test, container_is_removed(a));
	KUNIT_EXPECT_EQ(test, take_away(a, false), -ENODEV);
	container_manage_lock();
	KUNIT_EXPECT_EQ(test, container_path(a, path, sizeof(path)), -ENODEV);
	container_manage_unlock();
	/* it keeps its hierarchy */
	hierarchy_unmake(h);
	KUNIT_EXPECT_EQ(test, refcount_read(&h->ref), 1);
	container_put(a);
}

static void path_of_root(struct kunit *test)
{
	char path[8] = "xxxxxxx";

	container_manage_lock();
	KUNIT_EXPECT_EQ(test, container_path(&dummy_hierarchy.top, path, 2), 0);
	KUNIT_EXPECT_STREQ(test, &path[0], "/");
	KUNIT_EXPECT_EQ(test, path[2], 'x');
	KUNIT_EXPECT_EQ(test, container_path(&dummy_hierarchy.top, path, 1), -ENAMETOOLONG);
	container_manage_unlock();
}

#define TREE 40

/* Container i is a child of container (i - 1) / 3, container 0 the root. */
static void walk_tree(struct kunit *test)
{
	struct hierarchy *h = hierarchy_make(test, "none,name=walk");
	struct container *cont[TREE], *pos;
	int seen[TREE] = {}, i, n, parent, count = 0, below = 0;

	KUNIT_ASSERT_FALSE(test, IS_ERR(h));
	cont[0] = &h->top;
	container_manage_lock();
	KUNIT_EXPECT_NULL(test, container_next_descendant(&h->top, &h->top));
	container_manage_unlock();
	for (i = 1; i < TREE; i++)
		cont[i] = make(test, cont[(i - 1) / 3]);

	container_manage_lock();
	for_each_descendant(pos, &h->top) {
		for (n = 1; n < TREE && cont[n] != pos; n++)
			;
		KUNIT_ASSERT_LT(test, n, TREE);
		parent = (n - 1) / 3;
		/* after its parent, once, and after its elder siblings */
		KUNIT_EXPECT_TRUE(test, !parent || seen[parent]);
		KUNIT_EXPECT_EQ(test, seen[n], 0);
		KUNIT_EXPECT_TRUE(test, n % 3 == 1 || seen[n - 1]);
		seen[n] = ++count;
	}
	KUNIT_EXPECT_EQ(test, count, TREE - 1);
	/* a part of the tree alone: container 2 has 7 to 9, and those 22 to 30 */
	for_each_descendant(pos, cont[2])
		below++;
	KUNIT_EXPECT_EQ(test, below, 12);
	KUNIT_EXPECT_NULL(test, container_next_descendant(cont[TREE - 1], cont[TREE - 1]));
	container_manage_unlock();

	for (i = 1; i <= 3; i++)
		KUNIT_EXPECT_EQ(test, take_away(cont[i], true), 0);
	KUNIT_EXPECT_EQ(test, h->nr_containers, 1);
	hierarchy_unmake(h);
}

static struct kunit_case hierarchy_cases[] = {
	KUNIT_CASE(find_nothing_active),
	KUNIT_CASE(find_by_set),
	KUNIT_CASE(find_all),
	KUNIT_CASE(find_by_name),
	KUNIT_CASE(bind_and_unbind),
	KUNIT_CASE(no_hierarchy_left),
	KUNIT_CASE(hooks_cannot_be_armed),
	KUNIT_CASE(scope_while_bound),
	KUNIT_CASE(scope_members),
	KUNIT_CASE(create_inherits),
	KUNIT_CASE(inherit),
	KUNIT_CASE(create_makes),
	KUNIT_CASE(remove_killing),
	KUNIT_CASE(wrong_lock),
	KUNIT_CASE(create_fails),
	KUNIT_CASE(remove_refused),
	KUNIT_CASE(remove_releases_parent),
	KUNIT_CASE(removed_stays_readable),
	KUNIT_CASE(path_of_root),
	KUNIT_CASE(walk_tree),
	{}
};

static struct kunit_suite hierarchy_suite = {
	.name = "container_hierarchy",
	.init = hierarchy_suite_init,
	.exit = hierarchy_suite_exit,
	.test_cases = hierarchy_cases,
};

/* --- registration ---------------------------------------------------------- */

static int register_named(const char *name)
{
	struct container_subsys ss = {
		.name = name, .create = test_create, .destroy = test_destroy, .subsys_id = -1,
	};
	int err = container_register_subsys(&ss);

	if (!err)
		container_unregister_subsys(&ss);
	return err;
}

static void register_names(struct kunit *test)
{
	static const char * const bad[] = {
		"", "a b", "a,b", "a/b", "a.b", "a=b", "\xe4",
		"all", "none", "name", "noprefix", "release_agent",
		"x23456789012345678901234567890123",
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, register_named(bad[i]), -EINVAL, "\"%s\"", bad[i]);
	KUNIT_EXPECT_EQ(test, register_named(NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, register_named("s1"), -EEXIST);
	KUNIT_EXPECT_STREQ(test, happened(), "");
	KUNIT_EXPECT_EQ(test, register_named("x2345678901234567890123456789012"), 0);
	KUNIT_EXPECT_EQ(test, register_named("a-b_C"), 0);
}

static void register_callbacks(struct kunit *test)
{
	struct container_subsys ss = { .name = "new", .subsys_id = -1 };

	KUNIT_EXPECT_EQ(test, container_register_subsys(&ss), -EINVAL);
	ss.create = test_create;
	KUNIT_EXPECT_EQ(test, container_register_subsys(&ss), -EINVAL);
	ss.create = NULL;
	ss.destroy = test_destroy;
	KUNIT_EXPECT_EQ(test, container_register_subsys(&ss), -EINVAL);
	KUNIT_EXPECT_EQ(test, ss.subsys_id, -1);
	KUNIT_EXPECT_EQ(test, container_unregister_subsys(&ss), -EINVAL);
	ss.subsys_id = subsys[0].subsys_id;
	KUNIT_EXPECT_EQ(test, container_unregister_subsys(&ss), -EINVAL);
	ss.subsys_id = MAX_CONTAINER_SUBSYS;
	KUNIT_EXPECT_EQ(test, container_unregister_subsys(&ss), -EINVAL);
}

static void register_fails_late(struct kunit *test)
{
	int id = subsys[1].subsys_id;

	KUNIT_EXPECT_EQ(test, container_unregister_subsys(&subsys[1]), 0);
	KUNIT_EXPECT_STREQ(test, happened(), "d1");
	create_errno[1] = -EDOM;
	KUNIT_EXPECT_EQ(test, container_register_subsys(&subsys[1]), -EDOM);
	KUNIT_EXPECT_STREQ(test, happened(), "f1");
	KUNIT_EXPECT_EQ(test, subsys[1].subsys_id, -1);

	create_errno[1] = 0;
	adopt_errno = -ENOMEM;
	KUNIT_EXPECT_EQ(test, container_register_subsys(&subsys[1]), -ENOMEM);
	KUNIT_EXPECT_STREQ(test, happened(), "c1d1");
	KUNIT_EXPECT_EQ(test, subsys[1].subsys_id, -1);
	KUNIT_EXPECT_FALSE(test, subsys[1].active);
	KUNIT_EXPECT_NULL(test, subsystems[id]);
	KUNIT_EXPECT_NULL(test, dummy_hierarchy.top.subsys[id]);
	KUNIT_EXPECT_FALSE(test, test_bit(id, dummy_hierarchy.subsys));

	adopt_errno = 0;
	KUNIT_EXPECT_EQ(test, container_register_subsys(&subsys[1]), 0);
	KUNIT_EXPECT_EQ(test, subsys[1].subsys_id, id);
	KUNIT_EXPECT_TRUE(test, subsys[1].active);
}

static void register_too_many(struct kunit *test)
{
	struct container_subsys *ss;
	char (*names)[8];
	int i, n;

	ss = kunit_kcalloc(test, MAX_CONTAINER_SUBSYS, sizeof(*ss), GFP_KERNEL);
	names = kunit_kcalloc(test, MAX_CONTAINER_SUBSYS, sizeof(*names), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ss);
	KUNIT_ASSERT_NOT_NULL(test, names);
	for (n = 0; n < MAX_CONTAINER_SUBSYS; n++) {
		snprintf(names[n], sizeof(names[n]), "t1%d", n);
		ss[n].name = names[n];
		ss[n].create = test_create;
		ss[n].destroy = test_destroy;
		if (container_register_subsys(&ss[n]))
			break;
	}
	KUNIT_EXPECT_EQ(test, n, MAX_CONTAINER_SUBSYS - (int)ARRAY_SIZE(subsys));
	KUNIT_EXPECT_EQ(test, register_named("t1last"), -ENOSPC);
	for (i = 0; i < n; i++)
		KUNIT_EXPECT_EQ(test, container_unregister_subsys(&ss[i]), 0);
}

/* Registers with so many bytes for each task; the errno, or the offset. */
static int register_size(struct container_subsys *ss, unsigned int size)
{
	int err;

	ss->task_size = size;
	err = container_register_subsys(ss);
	return err ?: ss->task_offset;
}

static void register_task_size(struct kunit *test)
{
	struct container_subsys *a = &subsys[0], *b = &subsys[1], *c = &subsys[2];
	int i;

	for (i = 0; i < ARRAY_SIZE(subsys); i++)
		container_unregister_subsys(&subsys[i]);
	KUNIT_EXPECT_EQ(test, register_size(a, CONTAINER_TASK_SIZE + 1), -ENOSPC);
	KUNIT_EXPECT_EQ(test, register_size(a, UINT_MAX), -ENOSPC);
	KUNIT_EXPECT_EQ(test, register_size(a, 1), 0);
	KUNIT_EXPECT_EQ(test, register_size(b, UINT_MAX), -ENOSPC);
	KUNIT_EXPECT_EQ(test, register_size(b, CONTAINER_TASK_SIZE - 7), -ENOSPC);
	KUNIT_EXPECT_EQ(test, register_size(b, 8), 8);
	KUNIT_EXPECT_EQ(test, register_size(c, CONTAINER_TASK_SIZE - 15), -ENOSPC);
	KUNIT_EXPECT_EQ(test, register_size(c, CONTAINER_TASK_SIZE - 16), 16);
	/* what is given back is used again */
	container_unregister_subsys(a);
	KUNIT_EXPECT_EQ(test, register_size(a, 9), -ENOSPC);
	KUNIT_EXPECT_EQ(test, register_size(a, 1), 0);
	container_unregister_subsys(b);
	container_unregister_subsys(c);
	KUNIT_EXPECT_EQ(test, register_size(c, CONTAINER_TASK_SIZE - 8), 8);
	KUNIT_EXPECT_EQ(test, register_size(b, 0), 0);
}

static struct kunit_case subsys_cases[] = {
	KUNIT_CASE(register_names),
	KUNIT_CASE(register_callbacks),
	KUNIT_CASE(register_fails_late),
	KUNIT_CASE(register_too_many),
	KUNIT_CASE(register_task_size),
	{}
};

static struct kunit_suite subsys_suite = {
	.name = "container_subsys",
	.init = hierarchy_suite_init,
	.exit = hierarchy_suite_exit,
	.test_cases = subsys_cases,
};

kunit_test_suites(&hierarchy_suite, &subsys_suite);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit: hierarchies, containers and subsystems");
