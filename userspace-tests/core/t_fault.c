// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation of every operation fails in turn (fail-nth, so only on a kernel with
 * failslab): the operation must say ENOMEM and leave all as it was, or do as without failures.
 * That is, what /proc/containers and /proc/self/container show, and what the trees hold; the
 * harness looks for leaks when all tests are done.
 *
 * Elsewhere: a task in a cpuset (t_cpuset), open, mmap and forks of a member under bc
 * (t_bcfault), clone(2) and unshare(2) under ns (t_nsfault).
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "forks.h"
#include "lib.h"

#define C "/tmp/c"		/* a hierarchy that stays */
#define F "/tmp/f"		/* one that comes and goes */
#define AGAIN "/tmp/again"	/* a second mount */

#define TOTAL "/sys/module/container_numtasks/parameters/total_numtasks"
#define CMD "/sys/kernel/debug/container_apitest/cmd"	/* see that module */

/* --- an operation --- */

struct op {
	const char *name;
	int (*op)(const struct op *o);
	void (*prep)(void);	/* has all as it was before, whatever the operation did */
	const char *path;
	const char *text;
	int want;		/* what it says without failures */
	int also;		/* an errno beside ENOMEM */
};

static char buf[65536];
static pid_t mover;		/* the task that is moved */
static int nops, nfailed, nlived;

static int op_mkdir(const struct op *o) { return E(mkdir(o->path, 0755)); }
static int op_rmdir(const struct op *o) { return E(rmdir(o->path)); }
static int op_rename(const struct op *o) { return E(rename(o->path, o->text)); }
static int op_mount(const struct op *o) { return E(mount("x", o->path, "container", 0, o->text)); }
static int op_umount(const struct op *o) { return E(umount(o->path)); }

static int op_remount(const struct op *o)
{
	return E(mount("x", o->path, NULL, MS_REMOUNT, o->text));
}

static int op_fork(const struct op *o)
{
	(void)o;
	return fork_once();
}

static int op_vfork(const struct op *o)
{
	(void)o;
	return by_vfork();
}

static int op_clone_vm(const struct op *o)
{
	(void)o;
	return by_clone_vm();
}

static int op_thread(const struct op *o)
{
	(void)o;
	return by_thread();
}

static int op_read(const struct op *o)
{
	int e, fd = open(o->path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		;
	e = n ? errno : 0;
	close(fd);
	return e;
}

/* Every file of a container that can be read. */
static int op_read_all(const struct op *o)
{
	struct dirent **names;
	int n = scandir(o->path, &names, NULL, alphasort), i, e = n < 0 ? errno : 0;
	struct op file = *o;

	for (i = 0; i < n; i++) {
		file.path = P("%s/%s", o->path, names[i]->d_name);
		if (!e && names[i]->d_type == DT_REG && (mode_of(file.path) & 0444))
			e = op_read(&file);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return e;
}

static int op_list(const struct op *o)
{
	int e, fd = open(o->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno;
	while ((n = getdents64(fd, buf, sizeof(buf))) > 0)
		;
	e = n ? errno : 0;
	close(fd);
	return e;
}

static int op_write(const struct op *o)
{
	return put_raw(o->path, o->text);
}

static int op_move(const struct op *o)
{
	char nr[16];

	sprintf(nr, "%d", mover);
	return put_raw(o->path, nr);
}

/*
 * /proc/containers without the number of tasks at each root, which changes by itself, and
 * without the hooks that are off: they are listed once they have been armed.
 */
static char *containers(void)
{
	char *all = strdup(get("/proc/containers")), *rest = all, *line, *text, *count;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	while ((line = strsep(&rest, "\n"))) {
		if (strstr(line, ": off "))
			continue;
		count = strstr(line, "topcount=");
		if (count)
			fprintf(f, "%.*s%s\n", (int)(count - line), line, strchr(count, ' '));
		else
			fprintf(f, "%s\n", line);
	}
	fclose(f);
	free(all);
	return text;
}

/* What any of them could have changed. */
static char *state(void)
{
	char *all = containers(), *c = tree_state(C), *f = tree_state(F), *text;

	if (asprintf(&text, "%s%s%s%s%s%s%s%d", all, c, f, get("/proc/self/container"),
		     mover ? get(P("/proc/%d/container", mover)) : "", get(TOTAL),
		     names_in(AGAIN), mover ? kill(mover, 0) : 0) < 0)
		bail("no memory");
	free(all);
	free(c);
	free(f);
	return text;
}

/* Where two texts begin to differ. */
static void show_difference(const char *want, const char *got)
{
	size_t i, line = 0;

	for (i = 0; want[i] && want[i] == got[i]; i++)
		if (want[i] == '\n')
			line = i + 1;
	diag("expected: %.120s", want + line);
	diag("got: %.120s", got + line);
}

/*
 * Which allocation fails: each of the first @each, and then every @step-th. Where there are
 * many, most are alike.
 */
static int each, step;

static void run(const struct op *o)
{
	int n, e, left, failed = 0, lived = 0, bad = 0;
	char *before, *after, *done;

	o->prep();
	before = state();
	if (!err(o->op(o), o->want, "%s without failures", o->name))
		return;
	done = state();
	o->prep();
	for (n = 1; n < 5000; n += n < each ? 1 : step) {
		fail_nth(n);
		e = o->op(o);
		left = fail_left();
		fail_nth(0);
		if (left)
			break;
		if (e == o->want)
			lived++;
		else
			failed++;
		after = state();
		if (strcmp(after, e == o->want ? done : before) ||
		    (e != o->want && e != ENOMEM && e != o->also)) {
			if (bad++ < 5) {
				diag("allocation %d: %s", n, e ? strerrorname_np(e) : "success");
				show_difference(e == o->want ? done : before, after);
			}
		}
		if (strcmp(after, before))
			o->prep();
		free(after);
	}
	ok(!bad && n < 5000, "%s with allocations failing in turn: %d failures, %d survived",
	   o->name, failed, lived);
	o->prep();
	after = state();
	ok(!strcmp(after, before), "%s: all is as before", o->name);
	if (strcmp(after, before))
		show_difference(before, after);
	free(after);
	free(before);
	free(done);
	nops++;
	nfailed += failed;
	nlived += lived;
}

static void run_all(const struct op *ops, size_t n)
{
	for (; n--; ops++)
		run(ops);
}

/* --- the core, beside cpuacct --- */

static void prep(void)
{
	put(C "/tasks", "0");
	rmdir(C "/new");
	rename(C "/renamed", C "/old");
	mkdir(C "/old", 0755);
	put(C "/old/notify_on_release", "0");
	put(C "/release_agent", "\n");
	umount(AGAIN);
	umount(F);
}

static void prep_mounted(void)
{
	prep();
	mount("x", F, "container", 0, "none,name=f");
}

static void prep_in(void)
{
	prep();
	put(C "/old/tasks", "0");
}

/* A subsystem that wants to know of every task there is. */
static void prep_register(void)
{
	prep();
	put(CMD, "unregister 2");
	put(CMD, "everyone 2");
}

static char own[32];		/* where container_clone() puts us */

/* A hierarchy of its own for container_clone(). */
static void prep_clone(void)
{
	prep();
	put(CMD, "register 0");
	mount("x", F, "container", 0, "apitest0");
	put(F "/tasks", "0");
	rmdir(own);
}

static void unprep_clone(void)
{
	prep_clone();
	umount(F);
	put(CMD, "unregister 0");
}

static void test_core(void)
{
	static const struct op ops[] = {
		{ "mkdir", op_mkdir, prep, .path = C "/new" },
		{ "rmdir", op_rmdir, prep, .path = C "/old" },
		{ "rename", op_rename, prep, .path = C "/old", .text = C "/renamed" },
		{ "write to tasks", op_write, prep, .path = C "/old/tasks", .text = "0" },
		{ "write to procs", op_write, prep, .path = C "/old/procs", .text = "0" },
		{ "write to notify_on_release", op_write, prep,
		  .path = C "/old/notify_on_release", .text = "1" },
		{ "write to release_agent", op_write, prep, .path = C "/release_agent",
		  .text = "/bin/x" },
		{ "refused write", op_write, prep, .path = C "/old/notify_on_release",
		  .text = "2", .want = EINVAL },
		{ "move of nobody", op_write, prep, .path = C "/old/tasks", .text = "4194303",
		  .want = ESRCH },
		{ "refused rmdir", op_rmdir, prep_in, .path = C "/old", .want = EBUSY },
		{ "refused rename", op_rename, prep, .path = C "/old/tasks", .text = C "/old/x",
		  .want = ENOTDIR },
		{ "read of tasks", op_read, prep, .path = C "/tasks" },
		{ "read of /proc/self/container", op_read, prep, .path = "/proc/self/container" },
		{ "read of a thread's", op_read, prep, .path = "/proc/thread-self/container" },
		{ "listing of /proc/self", op_list, prep, .path = "/proc/self" },
		{ "listing of a container", op_list, prep, .path = C },
		{ "read of /proc/containers", op_read, prep, .path = "/proc/containers" },
		{ "fork of a member", op_fork, prep_in, .also = EAGAIN },
		{ "vfork of a member", op_vfork, prep_in, .also = EAGAIN },
		{ "clone with CLONE_VM of a member", op_clone_vm, prep_in, .also = EAGAIN },
		{ "thread of a member", op_thread, prep_in, .also = EAGAIN },
		{ "mount with a name", op_mount, prep, .path = F, .text = "none,name=f" },
		{ "mount with a release agent", op_mount, prep, .path = F,
		  .text = "none,name=f,release_agent=/bin/x,clone_children" },
		{ "mount by the name alone", op_mount, prep_mounted, .path = AGAIN,
		  .text = "name=f" },
		{ "mount of nothing", op_mount, prep, .path = F, .text = "none", .want = EINVAL },
		{ "mount with an empty option", op_mount, prep, .path = F, .text = "none,,name=f",
		  .want = EINVAL },
		{ "mount by a name that is not there", op_mount, prep, .path = F,
		  .text = "name=g", .want = ENOENT },
		{ "mount of all, one of them bound", op_mount, prep, .path = F, .text = "all",
		  .want = EBUSY },
		{ "remount with a name", op_remount, prep_mounted, .path = F, .text = "name=f" },
		{ "refused remount", op_remount, prep_mounted, .path = F, .text = "none,name=g",
		  .want = EBUSY },
		{ "last unmount", op_umount, prep_mounted, .path = F },
		{ "registration", op_write, prep_register, .path = CMD, .text = "register 2" },
		{ "mkdir beside a third party's subsystem", op_mkdir, prep_clone, .path = own },
		{ "container_clone()", op_write, prep_clone, .path = CMD, .text = "clone 0" },
	};

	sprintf(own, F "/%d", getpid());
	err(cmount(C, "cpuacct"), 0, "mount cpuacct");
	run_all(ops, ARRAY_SIZE(ops));
	unprep_clone();
	put(CMD, "unregister 2");
	err(E(rmdir(C "/old")), 0, "rmdir");
	err(cumount(C), 0, "unmount");
}

/* --- forks under limits, in a hierarchy of numtasks --- */

static void prep_numtasks(void)
{
	put(TOTAL, "10000");
	mount("x", F, "container", 0, "numtasks");
	put(F "/tasks", "0");
	mkdir(F "/lim", 0755);
	put(F "/lim/numtasks.shares", "min_shares=1,max_shares=2");
	put(F "/lim/numtasks.stats", "res=numtasks");
}

static void prep_limited(void)
{
	prep_numtasks();
	put(F "/lim/tasks", "0");
}

static void prep_full(void)
{
	prep_numtasks();
	put(F "/lim/numtasks.shares", "min_shares=0,max_shares=0");
	put(F "/lim/tasks", "0");
}

static void test_limits(void)
{
	static const struct op ops[] = {
		{ "fork at the root of numtasks", op_fork, prep_numtasks, .also = EAGAIN },
		{ "fork in a group", op_fork, prep_limited, .also = EAGAIN },
		{ "vfork in a group", op_vfork, prep_limited, .also = EAGAIN },
		{ "clone with CLONE_VM in a group", op_clone_vm, prep_limited, .also = EAGAIN },
		{ "thread in a group", op_thread, prep_limited, .also = EAGAIN },
		{ "fork in a full group", op_fork, prep_full, .want = EAGAIN },
		{ "vfork in a full group", op_vfork, prep_full, .want = EAGAIN },
		{ "thread in a full group", op_thread, prep_full, .want = EAGAIN },
		{ "rmdir of a group", op_rmdir, prep_numtasks, .path = F "/lim" },
		{ "write to total_numtasks", op_write, prep_numtasks, .path = TOTAL,
		  .text = "20000" },
		{ "refused write to numtasks.shares", op_write, prep_numtasks,
		  .path = F "/lim/numtasks.shares", .text = "max_shares=101", .want = EINVAL },
	};

	run_all(ops, ARRAY_SIZE(ops));
	prep_numtasks();
	rmdir(F "/lim");
	umount(F);
	put(TOTAL, "2147483647");
}

/* --- each set of subsystems --- */

static const char *set;

static void remove_tree(void)
{
	if (mover)
		reap(mover);
	mover = 0;
	umount(AGAIN);
	rename(F "/renamed", F "/old");
	put(F "/kill/kill_on_rmdir", "1");
	rmdir(F "/kill");
	rmdir(F "/old");
	rmdir(F "/new");
}

static void prep_unmounted(void)
{
	remove_tree();
	umount(F);
}

static void prep_empty(void)
{
	remove_tree();
	if (access(F "/tasks", F_OK))
		mount("x", F, "container", 0, set);
	/* or no task could enter a cpuset */
	put(F "/clone_children", "1");
}

static void prep_tree(void)
{
	prep_empty();
	mkdir(F "/old", 0755);
	mover = sleeper();
}

static void prep_kill(void)
{
	prep_tree();
	mkdir(F "/kill", 0755);
	put(F "/kill/kill_on_rmdir", "1");
	put(F "/kill/tasks", "%d", mover);
}

static void test_set(bool all_ops)
{
	char other[128];
	const struct op ops[] = {
		{ "mount", op_mount, prep_unmounted, .path = F, .text = set },
		{ "mkdir", op_mkdir, prep_tree, .path = F "/new" },
		{ "mount again", op_mount, prep_empty, .path = AGAIN, .text = set },
		{ "mount under another name", op_mount, prep_empty, .path = AGAIN, .text = other,
		  .want = EBUSY },
		{ "remount", op_remount, prep_empty, .path = F, .text = set },
		{ "last unmount", op_umount, prep_empty, .path = F },
		{ "rename", op_rename, prep_tree, .path = F "/old", .text = F "/renamed" },
		{ "rmdir", op_rmdir, prep_tree, .path = F "/old" },
		{ "move by tasks", op_move, prep_tree, .path = F "/old/tasks" },
		{ "move by procs", op_move, prep_tree, .path = F "/old/procs" },
		{ "rmdir that kills", op_rmdir, prep_kill, .path = F "/kill" },
	};

	sprintf(other, "%s,name=other", set);
	for (size_t i = 0; i < (all_ops ? ARRAY_SIZE(ops) : 2); i++) {
		struct op o = ops[i];

		o.name = strdup(P("%s: %s", set, o.name));
		run(&o);
	}
	prep_unmounted();
}

static const char *const subsystems[] = { "cpuset", "cpuacct", "numtasks", "bc", "ns" };

/*
 * Each set: all operations where it is of one or of all, mount and mkdir where it is another.
 * To mount arms hooks, and takes its time. The small size is the set of all.
 */
static void test_sets(void)
{
	const unsigned int all = (1U << ARRAY_SIZE(subsystems)) - 1;
	char names[64];

	for (unsigned int bits = sized(1, all); bits <= all; bits++) {
		bool all_ops = bits == all || !(bits & (bits - 1));

		each = all_ops ? sized(30, 5) : 2;
		step = all_ops ? sized(31, 43) : 97;
		*names = 0;
		for (size_t i = 0; i < ARRAY_SIZE(subsystems); i++)
			if (bits >> i & 1)
				strcat(strcat(names, *names ? "," : ""), subsystems[i]);
		set = names;
		test_set(all_ops);
	}
}

/* --- each control file --- */

/* What is written into a file, which is not what a new container has in it. */
static const char *value_for(const char *name)
{
	static const struct {
		const char *name, *value;
	} values[] = {
		{ "notify_on_release", "1" }, { "auto_delete", "1" }, { "kill_on_rmdir", "1" },
		{ "clone_children", "0" }, { "release_agent", "/bin/x" },
		{ "cpuset.cpus", "0" }, { "cpuset.mems", "0" }, { "cpuset.cpu_exclusive", "1" },
		{ "cpuset.mem_exclusive", "1" }, { "cpuset.memory_migrate", "1" },
		{ "cpuset.memory_spread_page", "1" }, { "cpuset.memory_spread_slab", "1" },
		{ "cpuset.memory_pressure_enabled", "1" }, { "cpuacct.usage", "0" },
		{ "numtasks.shares", "child_shares_divisor=50" },
		{ "numtasks.stats", "res=numtasks" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		if (!strcmp(values[i].name, name))
			return values[i].value;
	if (strstr(name, ".barrier"))
		return "100";
	return strstr(name, ".limit") ? "9223372036854775807" : NULL;
}

static const char *file, *saved;	/* the file that is written, and what was in it */

static void prep_file(void)
{
	put(file, "%s", saved);
}

/* Of beancounters, whose files are alike, the small size tries those of one resource. */
static bool is_tried(const char *name)
{
	return strncmp(name, "bc.", 3) || !strncmp(name, "bc.numfiles", 11) || sized(1, 0);
}

/* Files of each name: those of a container, and those that only the root has. */
static void test_files_of(const char *dir, bool top)
{
	const struct op reading = {
		strdup(P("read of all files in %s", dir)), op_read_all, prep_tree, .path = dir
	};
	struct dirent **names;
	int n = scandir(dir, &names, NULL, alphasort);

	run(&reading);
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		const struct op writing = {
			strdup(P("write to %s/%s", dir, name)), op_write, prep_file,
			.path = strdup(P("%s/%s", dir, name)), .text = value_for(name),
		};

		if (names[i]->d_type != DT_REG || !is_writable(writing.path) ||
		    is_task_list(name) || !is_tried(name) ||
		    (top && !access(P(F "/old/%s", name), F_OK)))
			continue;
		file = writing.path;
		saved = strdup(get(file));
		if (ok(writing.text, "%s has a value to write", file))
			run(&writing);
	}
}

static void test_files(void)
{
	set = "cpuset,cpuacct,numtasks,bc";
	each = sized(200, 3);
	step = sized(7, 13);
	prep_tree();
	test_files_of(F "/old", false);
	test_files_of(F, true);
	prep_unmounted();
}

/* --- loading --- */

/* Is there anything of a module that failed to load? */
static bool module_left(const char *name)
{
	return modloaded(name) ||
	       (!strcmp(name, "container_core") && !access("/proc/containers", F_OK));
}

/*
 * Loading a module, with one of its last allocations failing, each or some in turn:
 * those of its own beginning. What comes before is the kernel's loader at work.
 */
static void load(const char *name, int last, int step)
{
	enum { MANY = 1000000000 };
	const char *file = strdup(modfile(name));
	int e, left, used, first, n, failed = 0, lived = 0, bad = 0;

	fail_nth(MANY);
	e = modinsert(file, "");
	used = MANY - fail_left();
	fail_nth(0);
	if (!err(e ?: rmmod(name), 0, "%s loads and unloads without failures", name))
		return;
	first = used > last ? used - last : 1;
	for (n = first; n < used + last; n += step) {
		fail_nth(n);
		e = modinsert(file, "");
		left = fail_left();
		fail_nth(0);
		if (e)
			failed++;
		else
			lived++;
		if (e ? e != ENOMEM || module_left(name) : rmmod(name)) {
			if (bad++ < 5)
				diag("allocation %d: %s%s", n, strerrorname_np(e),
				     module_left(name) ? ", and something is left" : "");
		}
		if (left)
			break;
	}
	ok(!bad && n < used + last, "%s with the last of its allocations failing in turn", name);
	diag("from %d of %d on, by %d: %d failures, %d survived", first, used, step, failed,
	     lived);
	err(modinsert(file, ""), 0, "then it loads");
	free((void *)file);
}

/*
 * Only if asked for: it takes long, and the kernel's kmem_cache_create() says so in the
 * log when it fails, and may lose the name of the cache.
 */
static void loads(void)
{
	static const char *const names[] = {
		"container_core", "container_cpuacct", "container_cpuset", "container_resgroup",
		"container_numtasks", "container_bc", "container_ns",
	};

	eq(unload_all(), 0, "unload all modules");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		load(names[i], i ? 60 : 150, 5);
}

/* With an argument: loads as well. */
int main(int argc, char **argv)
{
	(void)argv;
	setup();
	modprobe("container_apitest");
	for (size_t i = 0; i < ARRAY_SIZE(subsystems); i++)
		modprobe(P("container_%s", subsystems[i]));
	if (!inject_faults(true)) {
		skip("failing allocations # this kernel injects no faults");
		finish();
	}
	mkdir(F, 0755);
	mkdir(AGAIN, 0755);
	each = sized(INT_MAX, 30);
	step = sized(1, 7);
	CASE(test_core());
	CASE(test_limits());
	CASE(test_files());
	CASE(test_sets());
	diag("%d operations, %d allocations failed: %d operations failed by it, %d survived", nops,
	     nfailed + nlived, nfailed, nlived);
	rmdir(F);
	rmdir(AGAIN);
	if (argc > 1)
		loads();
	inject_faults(false);
	finish();
}
