// SPDX-License-Identifier: GPL-2.0
/*
 * For t_api: calls the functions of the subsystem API on command, in the context of the task that
 * writes the command, and keeps a log of the callbacks.
 *
 * In debugfs, container_apitest/cmd takes "COMMAND SLOT [ARGUMENTS]"; the write returns the errno
 * of the call. container_apitest/log has a line for each callback; reading empties it. A slot is a
 * subsystem, by default with the name apitestSLOT and not registered. The states of a slot are
 * numbered in the order of their creation; 0 is the root's.
 *
 * Each callback also checks that the promised locks are held, and that the locks that it may take
 * are not. A failed check is logged as VIOLATION.
 */
#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include <container.h>

#define SLOTS		3
#define HELD		8
#define LOG_SIZE	65536

enum { CREATE, INHERIT, POPULATE, CAN_ATTACH, CAN_CLONE, CAN_FORK, BIND, NR_FALLIBLE };

static const char * const fallible[NR_FALLIBLE] = {
	[CREATE] = "create",
	[INHERIT] = "inherit",
	[POPULATE] = "populate",
	[CAN_ATTACH] = "can_attach",
	[CAN_CLONE] = "can_clone",
	[CAN_FORK] = "can_fork",
	[BIND] = "bind",
};

/**
 * struct slot - a subsystem of the test
 * @ss: the subsystem
 * @name: its name
 * @files: its control files
 * @fail: the return value of the next call of a callback; 0 lets it succeed
 * @stateless: create() sets no state
 * @bad_files: populate() tries to add invalid files
 * @next_id: number of the next state
 * @alive: states that were made and not destroyed
 * @births: calls of fork(), or of can_fork() for a slot that adopts
 * @deaths: calls of exit()
 * @held: references taken by the command hold
 */
struct slot {
	struct container_subsys ss;
	char name[64];
	struct container_cftype files[2];
	int fail[NR_FALLIBLE];
	bool stateless, bad_files;
	int next_id;
	int alive;
	int moves;
	atomic_t births, deaths;
	struct container_subsys_state *held[HELD];
};

struct state {
	struct container_subsys_state css;
	int id;
	struct rcu_head rcu;
};

static struct slot slots[SLOTS];
static struct dentry *debugfs_dir;

/* --- the log --------------------------------------------------------------- */

static char *log_text;
static size_t log_len;
static DEFINE_SPINLOCK(log_lock);

static __printf(2, 3) void note(const struct slot *s, const char *fmt, ...)
{
	va_list ap;

	spin_lock(&log_lock);
	log_len += scnprintf(log_text + log_len, LOG_SIZE - log_len, "%s ", s->name);
	va_start(ap, fmt);
	log_len += vscnprintf(log_text + log_len, LOG_SIZE - log_len, fmt, ap);
	va_end(ap);
	log_len += scnprintf(log_text + log_len, LOG_SIZE - log_len, "\n");
	spin_unlock(&log_lock);
}

static int log_show(struct seq_file *m, void *v)
{
	spin_lock(&log_lock);
	if (m->size > log_len) {
		seq_write(m, log_text, log_len);
		log_len = 0;
	} else {
		/* makes the caller come again with more room */
		m->count = m->size;
	}
	spin_unlock(&log_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(log);

/* --- locks ----------------------------------------------------------------- */

/* Does the current task hold a mutex of the core, as @want says? Only lockdep knows. */
static bool held_is(const char *mutex, bool want)
{
#ifdef CONFIG_LOCKDEP
	bool held = false;
	int i;

	for (i = 0; i < current->lockdep_depth; i++)
		if (!strcmp(current->held_locks[i].instance->name, mutex))
			held = true;
	return held == want || !debug_locks;
#else
	return true;
#endif
}

static void violation_if(bool wrong, const struct slot *s, const char *what)
{
	if (wrong)
		note(s, "VIOLATION %s", what);
}

/* Checks a callback with the manage lock held, which may sleep and take the callback lock. */
static void check_managed(const struct slot *s, const char *what)
{
	might_sleep();
	violation_if(!held_is("manage_mutex", true) || !held_is("callback_mutex", false),
		     s, what);
	container_lock();
	container_unlock();
}

/* Checks bind() and unbind(), which may take the manage lock. */
static void check_binding(const struct slot *s, const char *what)
{
	might_sleep();
	violation_if(!held_is("bind_mutex", true) || !held_is("manage_mutex", false), s, what);
	container_manage_lock();
	container_manage_unlock();
}

/* Calls that would wait for a lock of their caller are refused. */
static void check_hanging(struct slot *s)
{
	violation_if(container_register_subsys(&s->ss) != -EDEADLK, s, "register in a callback");
	violation_if(container_unregister_subsys(&s->ss) != -EDEADLK, s, "unregister in one");
	violation_if(container_clone(&s->ss) != -EDEADLK, s, "clone in one");
}

/* Checks a callback of fork or exit: preemption is disabled. */
static void check_atomic(const struct slot *s, const char *what)
{
	violation_if(preemptible(), s, what);
}

/* --- callbacks ------------------------------------------------------------- */

static struct slot *to_slot(struct container_subsys *ss)
{
	return container_of(ss, struct slot, ss);
}

static struct state *to_state(struct container_subsys_state *css)
{
	return container_of(css, struct state, css);
}

static int id_of(struct slot *s, struct container *cont)
{
	return to_state(container_subsys_state(cont, &s->ss))->id;
}

static int task_id(struct slot *s, struct task_struct *task)
{
	return to_state(task_subsys_state(task, &s->ss))->id;
}

/* The return value of a callback: a failure that was ordered happens once. */
static int fails(struct slot *s, int what)
{
	int err = s->fail[what];

	s->fail[what] = 0;
	if (err)
		note(s, "%s fails", fallible[what]);
	return err;
}

static int api_create(struct container_subsys *ss, struct container *cont)
{
	struct slot *s = to_slot(ss);
	struct state *st;
	int err;

	check_managed(s, "create");
	/* the flag is for registrations that are complete */
	violation_if(ss->active != !!cont->parent, s, "active in create");
	err = fails(s, CREATE);
	if (err)
		return err;
	if (s->stateless)
		return 0;
	st = kzalloc(sizeof(*st), GFP_KERNEL);
	if (!st)
		return -ENOMEM;
	st->id = s->next_id++;
	s->alive++;
	/* as in 2006: the core sets the container of the state */
	cont->subsys[ss->subsys_id] = &st->css;
	note(s, "create %d", st->id);
	return 0;
}

static void api_destroy(struct container_subsys *ss, struct container *cont)
{
	struct slot *s = to_slot(ss);
	struct state *st = to_state(container_subsys_state(cont, ss));

	check_managed(s, "destroy");
	note(s, "destroy %d", st->id);
	/* a removed container gives no reference */
	if (container_is_removed(cont))
		violation_if(container_css_get(&st->css) != -ENODEV, s, "get in destroy");
	s->alive--;
	kfree_rcu(st, rcu);
}

/* Keeps a pointer for the move, and checks that the move ends once. */
static void begin_move(struct slot *s, struct container_move *move)
{
	void **data = container_move_data(move, &s->ss);

	rcu_read_lock();
	violation_if(task_container(move->task, &s->ss) != move->from, s, "where it moves from");
	rcu_read_unlock();
	violation_if(!data || *data, s, "a move's data");
	*data = move->task;
	s->moves++;
}

static void end_move(struct slot *s, struct container_move *move)
{
	void **data = container_move_data(move, &s->ss);

	violation_if(!data || *data != move->task, s, "a move's data at its end");
	*data = NULL;
	s->moves--;
}

static int api_can_attach(struct container_subsys *ss, struct container_move *move)
{
	struct slot *s = to_slot(ss);

	check_managed(s, "can_attach");
	violation_if(move->why == CONTAINER_MOVE_CLONE || move->why == CONTAINER_MOVE_FOLLOW, s,
		     "can_attach for another reason");
	note(s, "can_attach %d", id_of(s, move->to));
	begin_move(s, move);
	return fails(s, CAN_ATTACH);
}

static int api_can_clone(struct container_subsys *ss, struct container_move *move)
{
	struct slot *s = to_slot(ss);

	check_managed(s, "can_clone");
	violation_if(move->task != current || move->why != CONTAINER_MOVE_CLONE, s,
		     "can_clone for another");
	violation_if(move->to->parent != move->from, s, "can_clone of another's");
	note(s, "can_clone %d", id_of(s, move->to));
	begin_move(s, move);
	return fails(s, CAN_CLONE);
}

static void api_cancel_attach(struct container_subsys *ss, struct container_move *move)
{
	struct slot *s = to_slot(ss);

	check_managed(s, "cancel_attach");
	end_move(s, move);
}

/* The data of a task, in slots that keep any. */
struct task_data {
	u64 mark;
};

/* Marks the task's data, to check later that they stay its own. */
static void mark(struct slot *s, struct task_data *t, int id)
{
	if (s->ss.task_size)
		t->mark = id + 1;
}

/* Checks that this is the data of the task, which cannot exit meanwhile. */
static void check_data(struct slot *s, struct task_struct *task, const void *data)
{
	violation_if(s->ss.task_size && container_task_data(task, &s->ss) != data, s,
		     "another's task data");
}

static void api_attach(struct container_subsys *ss, struct container_move *move, void *data)
{
	struct task_struct *tsk = move->task;
	struct slot *s = to_slot(ss);
	struct task_data *t = data;

	check_atomic(s, "attach");
	check_data(s, tsk, data);
	/* not visible yet */
	violation_if(task_container(tsk, ss) != move->from, s, "attach comes late");
	violation_if(move->why == CONTAINER_MOVE_FOLLOW && container_move_data(move, ss), s,
		     "a move without can_attach has data");
	violation_if(ss->adopt && ss->task_size && !t->mark, s, "attach before adopt");
	mark(s, data, id_of(s, move->to));
	note(s, "attach %d from %d", id_of(s, move->to), id_of(s, move->from));
}

static void api_post_attach(struct container_subsys *ss, struct container_move *move)
{
	struct slot *s = to_slot(ss);

	check_managed(s, "post_attach");
	rcu_read_lock();
	violation_if(task_container(move->task, ss) != move->to, s, "post_attach comes early");
	rcu_read_unlock();
	/* without can_clone() it was not asked: see do_without() */
	if (move->why != CONTAINER_MOVE_CLONE || ss->can_clone)
		end_move(s, move);
	note(s, "post_attach %d from %d", id_of(s, move->to), id_of(s, move->from));
}

static int api_can_fork(struct container_subsys *ss, struct container *cont,
			struct task_struct *child, void *data, const void *parent)
{
	struct slot *s = to_slot(ss);
	const struct task_data *own = container_task_data(current, ss), *given = parent;
	struct task_data *t = data;
	int err;

	check_atomic(s, "can_fork");
	violation_if(task_container(child, ss) != cont, s, "container in can_fork");
	check_data(s, child, data);
	violation_if(ss->task_size && t->mark, s, "another's data in can_fork");
	violation_if(ss->task_size && (own ? given != own : given->mark), s,
		     "the parent's data in can_fork");
	if (ss->scope == CONTAINER_MEMBERS)
		note(s, "can_fork %d", task_id(s, child));
	err = fails(s, CAN_FORK);
	if (!err && ss->adopt) {
		atomic_inc(&s->births);
		mark(s, data, task_id(s, child));
	}
	return err;
}

static void api_cancel_fork(struct container_subsys *ss, struct container *cont,
			    struct task_struct *child, void *data)
{
	struct slot *s = to_slot(ss);

	check_atomic(s, "cancel_fork");
	violation_if(task_container(child, ss) != cont, s, "container in cancel_fork");
	if (ss->scope == CONTAINER_MEMBERS)
		note(s, "cancel_fork %d", task_id(s, child));
	if (ss->adopt)
		atomic_inc(&s->deaths);
}

static void api_fork(struct container_subsys *ss, struct container *cont,
		     struct task_struct *child, void *data)
{
	struct slot *s = to_slot(ss);
	struct task_data *t = data;

	check_atomic(s, "fork");
	violation_if(task_container(child, ss) != cont, s, "container in fork");
	check_data(s, child, data);
	violation_if(ss->scope == CONTAINER_WHILE_BOUND && !ss->hierarchy, s, "fork while not bound");
	violation_if(ss->adopt && ss->task_size && t->mark, s, "told twice");
	atomic_inc(&s->births);
	mark(s, data, task_id(s, child));
	if (ss->scope == CONTAINER_MEMBERS)
		note(s, "fork %d", task_id(s, child));
}

static void api_exit(struct container_subsys *ss, struct container *cont,
		     struct task_struct *tsk, void *data)
{
	struct slot *s = to_slot(ss);
	struct task_data *t = data;

	check_atomic(s, "exit");
	violation_if(task_container(tsk, ss) != cont, s, "container in exit");
	violation_if(ss->task_size && t->mark != id_of(s, cont) + 1, s, "task data in exit");
	violation_if(ss->scope == CONTAINER_WHILE_BOUND && !ss->hierarchy, s, "exit while not bound");
	atomic_inc(&s->deaths);
	if (ss->scope == CONTAINER_MEMBERS)
		note(s, "exit %d", id_of(s, cont));
}

static int ref_show(struct seq_file *m, struct container *cont, const struct container_cftype *cft)
{
	struct slot *s = &slots[cft->private];

	violation_if(!held_is("callback_mutex", true), s, "show");
	seq_printf(m, "%d\n", atomic_read(&container_subsys_state(cont, &s->ss)->refcnt));
	return 0;
}

static int ref_write(struct container *cont, const struct container_cftype *cft, struct file *file,
		     char *buf)
{
	struct slot *s = &slots[cft->private];
	struct container_subsys_state *css = container_subsys_state(cont, &s->ss);

	check_managed(s, "write");
	if (!strcmp(buf, "1"))
		return container_css_get(css);
	if (strcmp(buf, "0") || atomic_read(&css->refcnt) <= 0)
		return -EINVAL;
	container_css_put(css);
	return 0;
}

static int id_show(struct seq_file *m, struct container *cont, const struct container_cftype *cft)
{
	seq_printf(m, "%d\n", id_of(&slots[cft->private], cont));
	return 0;
}

/* Tries to add invalid files, and a file to another container. */
static void try_bad_files(struct slot *s, struct container *cont)
{
	static const struct container_cftype bad[] = {
		{ .name = "", .show = id_show },
		{ .name = ".", .show = id_show },
		{ .name = "..", .show = id_show },
		{ .name = "a/b", .show = id_show },
		{ .name = "/", .show = id_show },
		{ .name = "a\nb", .show = id_show },
		{ .name = "a b", .show = id_show },
		{ .name = "\x80", .show = id_show },
		{ .name = "0123456789012345678901234567890123456789012345678901234567890123",
		  .show = id_show },
		{ .name = "no.handler" },
		{ .name = "a.device", .show = id_show, .mode = S_IFBLK | 0600 },
		{ .name = "suid", .show = id_show, .mode = 04755 },
		{ .name = "positive", .write = ref_write, .too_long = 7 },
		{ .name = "a.flag", .show = id_show, .flags = BIT(30) },
		{ .name = "nodot", .show = id_show, .flags = CONTAINER_FILE_SHORT_NAME },
		{ .name = "a..", .show = id_show, .flags = CONTAINER_FILE_SHORT_NAME },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		violation_if(container_add_file(cont, &bad[i]) != -EINVAL, s, bad[i].name);
	violation_if(container_add_file(cont, NULL) != -EINVAL, s, "no file");
	if (cont->parent)
		violation_if(container_add_file(cont->parent, s->files) != -EPERM, s,
			     "a file for the parent");
	check_hanging(s);
}

static int api_populate(struct container_subsys *ss, struct container *cont)
{
	struct slot *s = to_slot(ss);
	int err;

	check_managed(s, "populate");
	violation_if(container_subsys_state(cont, ss)->container != cont, s,
		     "the core has not set the container of the state");
	note(s, "populate %d", id_of(s, cont));
	if (s->bad_files)
		try_bad_files(s, cont);
	err = container_add_files(cont, s->files, ARRAY_SIZE(s->files));
	violation_if(!err && container_add_file(cont, s->files) != -EEXIST, s,
		     "a file added twice");
	return err ?: fails(s, POPULATE);
}

static int api_inherit(struct container_subsys *ss, struct container *cont)
{
	struct slot *s = to_slot(ss);
	struct container *child;

	check_managed(s, "inherit");
	rcu_read_lock();
	violation_if(cont->parent != task_container(current, ss) &&
		     !test_bit(CONT_CLONE_CHILDREN, &cont->parent->flags), s,
		     "inherit of another's");
	rcu_read_unlock();
	list_for_each_entry(child, &cont->parent->children, sibling)
		violation_if(child == cont, s, "inherit comes late");
	note(s, "inherit %d of %d", id_of(s, cont), id_of(s, cont->parent));
	return fails(s, INHERIT);
}

static int api_bind(struct container_subsys *ss, struct container *root)
{
	struct slot *s = to_slot(ss);

	check_binding(s, "bind");
	if (s->bad_files)
		check_hanging(s);
	violation_if(container_subsys_root(ss) != root || !ss->hierarchy, s, "root in bind");
	/* count only calls since this bind */
	if (ss->scope == CONTAINER_WHILE_BOUND) {
		atomic_set(&s->births, 0);
		atomic_set(&s->deaths, 0);
	}
	note(s, "bind %d", id_of(s, root));
	return fails(s, BIND);
}

static void api_unbind(struct container_subsys *ss, struct container *root)
{
	struct slot *s = to_slot(ss);

	check_binding(s, "unbind");
	if (s->bad_files)
		check_hanging(s);
	violation_if(container_subsys_root(ss) != root, s, "root in unbind");
	note(s, "unbind %d", id_of(s, root));
}

/* --- commands -------------------------------------------------------------- */

/* Resets a slot, which is not registered, to its initial state. */
static int do_reset(struct slot *s, char *a, char *b)
{
	int nr = s - slots;

	if (s->ss.subsys_id >= 0)
		return -EBUSY;
	memset(s, 0, sizeof(*s));
	snprintf(s->name, sizeof(s->name), "apitest%d", nr);
	s->ss = (struct container_subsys) {
		.name = s->name,
		.owner = THIS_MODULE,
		.scope = CONTAINER_MEMBERS,
		.create = api_create,
		.destroy = api_destroy,
		.can_attach = api_can_attach,
		.can_clone = api_can_clone,
		.cancel_attach = api_cancel_attach,
		.attach = api_attach,
		.post_attach = api_post_attach,
		.can_fork = api_can_fork,
		.cancel_fork = api_cancel_fork,
		.fork = api_fork,
		.exit = api_exit,
		.inherit = api_inherit,
		.populate = api_populate,
		.bind = api_bind,
		.unbind = api_unbind,
		.subsys_id = -1,
	};
	s->files[0] = (struct container_cftype) {
		.private = nr, .show = ref_show, .write = ref_write,
	};
	s->files[1] = (struct container_cftype) { .private = nr, .show = id_show };
	snprintf(s->files[0].name, sizeof(s->files[0].name), "%s.ref", s->name);
	snprintf(s->files[1].name, sizeof(s->files[1].name), "%s.id", s->name);
	return 0;
}

static int do_register(struct slot *s, char *a, char *b)
{
	int err;

	if (s->ss.subsys_id < 0) {
		s->next_id = 0;
		atomic_set(&s->births, 0);
		atomic_set(&s->deaths, 0);
	}
	err = container_register_subsys(&s->ss);
	violation_if(!err && !s->ss.active, s, "not active");
	return err;
}

static int do_unregister(struct slot *s, char *a, char *b)
{
	int err = container_unregister_subsys(&s->ss);

	violation_if(!err && (s->ss.active || s->alive), s, "states are left");
	violation_if(s->moves, s, "moves that have not come to an end");
	return err;
}

/* Sets the name; without an argument, there is none. */
static int do_name(struct slot *s, char *a, char *b)
{
	if (a)
		strscpy(s->name, a, sizeof(s->name));
	s->ss.name = a ? s->name : NULL;
	return 0;
}

static int do_without(struct slot *s, char *a, char *b)
{
	if (!strcmp(a ?: "", "create"))
		s->ss.create = NULL;
	else if (!strcmp(a ?: "", "can_clone"))
		s->ss.can_clone = NULL;
	else
		s->ss.destroy = NULL;
	return 0;
}

static int do_stateless(struct slot *s, char *a, char *b)
{
	return kstrtobool(a ?: "", &s->stateless);
}

static int do_bad_files(struct slot *s, char *a, char *b)
{
	return kstrtobool(a ?: "", &s->bad_files);
}

/* Does what authors of subsystems must not do, which the core has to refuse. */
static int do_wrong(struct slot *s, char *a, char *b)
{
	struct container *root = container_subsys_root(&s->ss);
	static char path[PATH_MAX + 1];
	int err = 0;

	if (!strcmp(a ?: "", "add_file")) {
		container_manage_lock();
		err = container_add_file(root, s->files);
		container_manage_unlock();
	} else if (!strcmp(a ?: "", "add_files")) {
		err = container_add_files(root, s->files, ARRAY_SIZE(s->files));
	} else if (!strcmp(a ?: "", "attach")) {
		err = container_attach_task(root, current, current_cred());
	} else if (!strcmp(a ?: "", "put")) {
		rcu_read_lock();
		container_css_put(task_subsys_state(current, &s->ss));
		rcu_read_unlock();
	} else if (!strcmp(a ?: "", "agent")) {
		memset(path, 'x', PATH_MAX);
		container_set_release_agent_path(&s->ss, "/unlocked");
		container_manage_lock();
		container_set_release_agent_path(&s->ss, path);
		container_set_release_agent_path(&s->ss, NULL);
		container_manage_unlock();
	} else if (!strcmp(a ?: "", "scope")) {
		s->ss.scope = CONTAINER_MEMBERS;
		s->ss.adopt = api_fork;
		err = container_register_subsys(&s->ss);
	} else if (!strcmp(a ?: "", "adopt")) {
		s->ss.scope = CONTAINER_WHILE_BOUND;
		s->ss.can_fork = NULL;
		s->ss.adopt = api_fork;
		err = container_register_subsys(&s->ss);
	} else {
		return -EBADR;
	}
	return err;
}

static int do_size(struct slot *s, char *a, char *b)
{
	return kstrtouint(a ?: "", 10, &s->ss.task_size);
}

/* The slot is called for every task of the system, not only for members. */
static int do_everyone(struct slot *s, char *a, char *b)
{
	s->ss.scope = CONTAINER_ALL_TASKS;
	return 0;
}

/* The slot is called for every task of the system while it is bound. */
static int do_bound(struct slot *s, char *a, char *b)
{
	s->ss.scope = CONTAINER_WHILE_BOUND;
	return 0;
}

/* The slot has adopt() and no fork(): it is told only of tasks that it was not asked about. */
static int do_adopts(struct slot *s, char *a, char *b)
{
	s->ss.adopt = api_fork;
	s->ss.fork = NULL;
	return 0;
}

static int do_fail(struct slot *s, char *a, char *b)
{
	int what = match_string(fallible, NR_FALLIBLE, a ?: ""), err;

	if (what < 0 || kstrtoint(b ?: "", 10, &err))
		return -EINVAL;
	s->fail[what] = -err;
	return 0;
}

static int do_hold(struct slot *s, char *a, char *b)
{
	int i;

	for (i = 0; i < HELD; i++)
		if (!s->held[i]) {
			s->held[i] = container_css_get_current(&s->ss);
			note(s, "hold %d", to_state(s->held[i])->id);
			return 0;
		}
	return -ENOSPC;
}

static int do_drop(struct slot *s, char *a, char *b)
{
	int i;

	for (i = 0; i < HELD; i++)
		if (s->held[i])
			container_css_put(s->held[i]);
	memset(s->held, 0, sizeof(s->held));
	return 0;
}

/* Takes and drops references while other tasks move this one and remove containers. */
static int do_spin(struct slot *s, char *a, char *b)
{
	struct container_subsys_state *css;
	int i, count;

	if (kstrtoint(a ?: "", 10, &count))
		return -EINVAL;
	for (i = 0; i < count; i++) {
		css = container_css_get_current(&s->ss);
		violation_if(container_is_removed(css->container), s, "referenced and removed");
		cpu_relax();
		violation_if(atomic_read(&css->refcnt) <= 0, s, "referenced without a count");
		container_css_put(css);
		cond_resched();
	}
	return 0;
}

/* Reports that a limit of the caller's container has refused something. */
static int do_refuse(struct slot *s, char *a, char *b)
{
	rcu_read_lock();
	container_refused(task_container(current, &s->ss),
			  strcmp(a ?: "", "fork") ? CONTAINER_CHARGE : CONTAINER_FORK, "apitest");
	rcu_read_unlock();
	return 0;
}

static int do_clone(struct slot *s, char *a, char *b)
{
	return container_clone(&s->ss);
}

static DECLARE_WAIT_QUEUE_HEAD(stall_wait);
static bool awake;

/* Sleeps so that no signal wakes it. */
static int do_stall(struct slot *s, char *a, char *b)
{
	WRITE_ONCE(awake, false);
	wait_event(stall_wait, READ_ONCE(awake));
	return 0;
}

static int do_wake(struct slot *s, char *a, char *b)
{
	WRITE_ONCE(awake, true);
	wake_up_all(&stall_wait);
	return 0;
}

static int do_agent(struct slot *s, char *a, char *b)
{
	container_manage_lock();
	container_set_release_agent_path(&s->ss, a ?: "");
	container_manage_unlock();
	return 0;
}

/* The path of the caller's container, in a buffer of the given size. */
static int do_path(struct slot *s, char *a, char *b)
{
	char path[128];
	struct container *cont;
	unsigned int len;
	int err;

	if (kstrtouint(a ?: "", 10, &len) || len > sizeof(path))
		return -EINVAL;
	container_manage_lock();
	rcu_read_lock();
	cont = task_container(current, &s->ss);
	rcu_read_unlock();
	err = container_path(cont, path, len);
	if (!err)
		note(s, "path %s", path);
	container_manage_unlock();
	return err;
}

struct walk {
	struct slot *s;
	int id, members;
};

static void walk_member(struct task_struct *task, void *data, void *arg)
{
	struct task_data *t = data;
	struct walk *w = arg;

	w->members++;
	violation_if(task_id(w->s, task) != w->id, w->s, "member of another");
	violation_if(w->s->ss.task_size && t->mark != w->id + 1, w->s, "task data");
}

/* Each container below the root: its number, its parent's, and its members. */
static int do_walk(struct slot *s, char *a, char *b)
{
	struct container *root, *pos;
	struct walk w = { .s = s };

	container_lock();
	root = container_subsys_root(&s->ss);
	for (pos = container_next_descendant(root, root); pos;
	     pos = container_next_descendant(pos, root)) {
		w.id = id_of(s, pos);
		w.members = 0;
		container_for_each_member(pos, &s->ss, walk_member, &w);
		note(s, "walk %d in %d members %d", w.id, id_of(s, pos->parent), w.members);
	}
	container_unlock();
	return 0;
}

static int do_stat(struct slot *s, char *a, char *b)
{
	note(s, "alive %d id %d hierarchy %d offset %u", s->alive, s->ss.subsys_id,
	     s->ss.hierarchy, s->ss.task_offset);
	return 0;
}

static int do_known(struct slot *s, char *a, char *b)
{
	note(s, "known %d", atomic_read(&s->births) - atomic_read(&s->deaths));
	return 0;
}

static int fill_create(struct container_subsys *ss, struct container *cont)
{
	static struct container_subsys_state css;

	container_set_subsys_state(cont, ss, &css);
	return 0;
}

static void fill_destroy(struct container_subsys *ss, struct container *cont)
{
}

/* Registers subsystems until there is no room, and then gives it back. */
static int do_fill(struct slot *s, char *a, char *b)
{
	struct container_subsys *many;
	char (*names)[16];
	int n, i, err = -ENOMEM;

	many = kcalloc(256, sizeof(*many), GFP_KERNEL);
	names = kcalloc(256, sizeof(*names), GFP_KERNEL);
	for (n = 0; many && names && n < 256; n++) {
		snprintf(names[n], sizeof(names[n]), "fill%d", n);
		many[n].name = names[n];
		many[n].create = fill_create;
		many[n].destroy = fill_destroy;
		err = container_register_subsys(&many[n]);
		if (err)
			break;
	}
	note(s, "filled %d of %d", n, MAX_CONTAINER_SUBSYS);
	for (i = 0; i < n; i++)
		container_unregister_subsys(&many[i]);
	kfree(many);
	kfree(names);
	return err;
}

static const struct {
	const char *name;
	int (*fn)(struct slot *s, char *a, char *b);
} commands[] = {
	{ "reset", do_reset },
	{ "register", do_register },
	{ "unregister", do_unregister },
	{ "name", do_name },
	{ "without", do_without },
	{ "stateless", do_stateless },
	{ "bad_files", do_bad_files },
	{ "wrong", do_wrong },
	{ "size", do_size },
	{ "everyone", do_everyone },
	{ "bound", do_bound },
	{ "adopts", do_adopts },
	{ "fail", do_fail },
	{ "hold", do_hold },
	{ "drop", do_drop },
	{ "spin", do_spin },
	{ "clone", do_clone },
	{ "refuse", do_refuse },
	{ "stall", do_stall },
	{ "wake", do_wake },
	{ "agent", do_agent },
	{ "path", do_path },
	{ "walk", do_walk },
	{ "stat", do_stat },
	{ "known", do_known },
	{ "fill", do_fill },
};

static ssize_t cmd_write(struct file *file, const char __user *ubuf, size_t count, loff_t *ppos)
{
	char buf[128], *next = buf, *name, *slot, *a;
	unsigned int nr, i;
	int err;

	if (count >= sizeof(buf) || copy_from_user(buf, ubuf, count))
		return -EFAULT;
	buf[count] = '\0';
	name = strsep(&next, " ");
	slot = strsep(&next, " ");
	a = strsep(&next, " ");
	if (kstrtouint(slot ?: "", 10, &nr) || nr >= SLOTS)
		return -EBADR;
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name)) {
			err = commands[i].fn(&slots[nr], a, next);
			return err ?: count;
		}
	return -EBADR;
}

static const struct file_operations cmd_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = cmd_write,
};

static int __init apitest_init(void)
{
	int i;

	log_text = kvzalloc(LOG_SIZE, GFP_KERNEL);
	if (!log_text)
		return -ENOMEM;
	for (i = 0; i < SLOTS; i++) {
		slots[i].ss.subsys_id = -1;
		do_reset(&slots[i], NULL, NULL);
	}
	debugfs_dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("cmd", 0200, debugfs_dir, NULL, &cmd_fops);
	debugfs_create_file("log", 0400, debugfs_dir, NULL, &log_fops);
	return 0;
}

static void __exit apitest_exit(void)
{
	int i;

	debugfs_remove(debugfs_dir);
	for (i = 0; i < SLOTS; i++) {
		do_drop(&slots[i], NULL, NULL);
		container_unregister_subsys(&slots[i].ss);
	}
	kvfree(log_text);
}

module_init(apitest_init);
module_exit(apitest_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Container subsystem: exercises the API for t_api");
