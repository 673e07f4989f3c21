// SPDX-License-Identifier: GPL-2.0
/*
 * cpuset beside the kernel's own, cgroup v1: the same operations on both give the same
 * errors, files and placement; and together, a task gets what both allow. What differs
 * on purpose is in docs/cpuset.md.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "cpusets.h"

#define M "/tmp/m"	/* ours */
#define K "/tmp/k"	/* the kernel's */
#define TASKS 3

static const char *const roots[] = { M, K };
static pid_t tasks[2][TASKS];
static long nops, nerrors;
static unsigned int x = 19770525;

static unsigned int rnd(unsigned int n)
{
	x = x * 1664525 + 1013904223;
	return (x >> 8) % n;
}

/* --- one operation on both --------------------------------------------------- */

enum what { MKDIR, RMDIR, WRITE, MOVE, ASK };

struct op {
	enum what what;
	const char *dir;	/* "" is the root */
	const char *file;	/* or the number of a task */
	const char *value;
};

static int task_nr(const char *s)
{
	return s[0] - '0';
}

static int one(int side, const struct op *op)
{
	const char *dir = P("%s%s", roots[side], op->dir);

	nops += !side;
	switch (op->what) {
	case MKDIR:
		return E(mkdir(dir, 0755));
	case RMDIR:
		return E(rmdir(dir));
	case WRITE:
		return put(P("%s/cpuset.%s", dir, op->file), "%s\n", op->value);
	case MOVE:
		return movepid(dir, tasks[side][task_nr(op->file)]);
	default:
		return set_affinity(tasks[side][task_nr(op->file)], mask_of(op->value));
	}
}

/*
 * Kernels that spread no slabs any more may still have the file, which does nothing; ours is
 * absent.
 */
static bool no_slab_spread;

static bool left_out(const char *file)
{
	return no_slab_spread && !strcmp(file, "memory_spread_slab");
}

static const char *shown(const char *dir)
{
	static const char *const files[] = {
		"cpus", "mems", "cpu_exclusive", "mem_exclusive", "memory_migrate",
		"memory_spread_page", "memory_spread_slab",
	};
	char all_files[1024] = "";
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		if (left_out(files[i]))
			continue;
		n += snprintf(all_files + n, sizeof(all_files) - n, "%s=%s", files[i],
			      get(P("%s/cpuset.%s", dir, files[i])) ?: "?\n");
	}
	return P("%s", all_files);
}

/* What differs in a directory, or between the tasks of both. */
static int differences(const char *dir)
{
	const char *ours = shown(P(M "%s", dir)), *theirs = shown(P(K "%s", dir));
	int i, bad = 0;

	if (strcmp(ours, theirs)) {
		diag("%s: %s instead of %s", dir, ours, theirs);
		bad++;
	}
	for (i = 0; i < TASKS; i++) {
		if (affinity(tasks[0][i]) == affinity(tasks[1][i]) &&
		    cpus_of(tasks[0][i]) == cpus_of(tasks[1][i]) &&
		    mems_of(tasks[0][i]) == mems_of(tasks[1][i]))
			continue;
		diag("task %d: CPUs %s nodes %s instead of %s and %s", i,
		     list_of(affinity(tasks[0][i])), list_of(mems_of(tasks[0][i])),
		     list_of(affinity(tasks[1][i])), list_of(mems_of(tasks[1][i])));
		bad++;
	}
	return bad;
}

static int both(const struct op *op)
{
	static const char *const names[] = { "mkdir", "rmdir", "write", "move", "ask" };
	int ours = one(0, op), theirs = one(1, op);

	nerrors += theirs != 0;
	if (ours != theirs) {
		diag("%s %s %s %s: %d (%s) instead of %d (%s)", names[op->what], op->dir,
		     op->file ?: "", op->value ?: "", ours, strerror(ours), theirs,
		     strerror(theirs));
		return 1;
	}
	return op->what == RMDIR && !ours ? 0 : differences(op->dir);
}

/* --- the script -------------------------------------------------------------- */

/* L is the last CPU, O the others, X all. */
static const char *value_of(const char *v)
{
	if (!v || strlen(v) != 1)
		return v;
	switch (*v) {
	case 'L':
		return P("%d", ncpus - 1);
	case 'O':
		return list_of(all & ~(1UL << (ncpus - 1)));
	case 'X':
		return list_of(all);
	default:
		return v;
	}
}

#define DIR(what, dir) { what, dir, NULL, NULL }
#define GO(dir, task) { MOVE, dir, task, NULL }

static const struct op script[] = {
	DIR(MKDIR, "/a"), GO("/a", "0"),
	{ WRITE, "/a", "cpus", "0" }, GO("/a", "0"),
	{ WRITE, "/a", "mems", "0" }, GO("/a", "0"), GO("/a", "0"),
	{ WRITE, "/a", "cpus", "" }, { WRITE, "/a", "mems", "" }, DIR(RMDIR, "/a"),
	{ WRITE, "/a", "cpus", "X" }, { WRITE, "/a", "mems", "0-1" },
	{ WRITE, "/a", "mems", "1" }, { WRITE, "/a", "cpus", "L" },
	{ ASK, "", "0", "L" }, { ASK, "", "0", "X" }, { ASK, "", "0", "O" },
	{ WRITE, "/a", "cpus", "O" }, { ASK, "", "0", "L" }, { ASK, "", "0", "0" }, { ASK, "", "0", "X" },
	DIR(MKDIR, "/a/b"), GO("/a/b", "1"), { WRITE, "/a/b", "cpus", "L" },
	{ WRITE, "/a/b", "cpus", "0" }, { WRITE, "/a/b", "mems", "0" },
	{ WRITE, "/a/b", "mems", "1" }, GO("/a/b", "1"), { WRITE, "/a", "cpus", "L" },
	{ WRITE, "/a", "mems", "0" }, { WRITE, "/a", "mems", "0-1" }, { WRITE, "/a", "cpus", "X" },
	{ WRITE, "/a/b", "mems", "0-1" }, DIR(RMDIR, "/a"), DIR(RMDIR, "/a/b"),
	{ WRITE, "/a/b", "cpu_exclusive", "1" }, { WRITE, "/a/b", "mem_exclusive", "1" },
	DIR(MKDIR, "/c"), { WRITE, "/c", "cpus", "X" }, { WRITE, "/c", "mems", "0-1" },
	{ WRITE, "/a", "cpu_exclusive", "1" }, { WRITE, "/c", "cpus", "L" },
	{ WRITE, "/a", "cpu_exclusive", "1" }, { WRITE, "/a", "cpus", "O" },
	{ WRITE, "/a", "cpu_exclusive", "1" }, { WRITE, "/c", "cpus", "X" },
	{ WRITE, "/c", "cpus", "0" }, { WRITE, "/a", "cpus", "X" },
	{ WRITE, "/a/b", "cpu_exclusive", "1" }, { WRITE, "/a", "cpu_exclusive", "0" },
	{ WRITE, "", "cpu_exclusive", "0" }, { WRITE, "/a/b", "cpu_exclusive", "0" },
	{ WRITE, "/a", "cpu_exclusive", "0" }, { WRITE, "", "cpu_exclusive", "0" },
	{ WRITE, "/a", "cpu_exclusive", "1" }, { WRITE, "", "cpu_exclusive", "1" },
	{ WRITE, "/c", "mem_exclusive", "1" }, { WRITE, "/c", "mems", "" },
	{ WRITE, "/c", "mem_exclusive", "1" }, { WRITE, "/c", "mems", "0" },
	{ WRITE, "/a", "mems", "1" }, { WRITE, "/a/b", "mems", "1" }, { WRITE, "/a", "mems", "1" },
	{ WRITE, "/c", "mems", "0" }, { WRITE, "/a", "mems", "0-1" },
	{ WRITE, "/c", "mem_exclusive", "0" }, { WRITE, "/a", "mems", "0-1" },
	GO("/c", "2"), { WRITE, "/c", "mems", "1" }, { WRITE, "/c", "cpus", "" },
	GO("/a", "2"), { WRITE, "/c", "cpus", "" }, GO("/c", "2"),
	{ WRITE, "/c", "memory_migrate", "1" }, { WRITE, "/c", "memory_migrate", "0" },
	{ WRITE, "/c", "memory_spread_page", "1" }, DIR(MKDIR, "/c/d"),
	{ WRITE, "/c", "memory_spread_page", "0" }, { WRITE, "/c", "memory_spread_slab", "1" },
	{ WRITE, "/c/d", "memory_spread_slab", "0" }, DIR(RMDIR, "/c"), DIR(RMDIR, "/c/d"),
	{ WRITE, "", "cpus", "0" }, { WRITE, "", "mems", "0" }, { WRITE, "/a", "cpus", "x" },
	{ WRITE, "/a", "cpus", "1-0" }, { WRITE, "/a", "cpus", "-" }, { WRITE, "/a", "mems", "-1" },
	{ WRITE, "/a", "cpus", " 0 " }, { WRITE, "/a", "mems", "0,1" }, { WRITE, "/a", "mems", "5" },
	{ WRITE, "/a", "mem_exclusive", "x" }, { WRITE, "/a", "nosuch", "1" },
	{ WRITE, "/nosuch", "cpus", "1" }, GO("/nosuch", "1"), DIR(RMDIR, "/nosuch"),
	GO("", "0"), GO("", "1"), GO("", "2"),
	DIR(RMDIR, "/a/b"), DIR(RMDIR, "/a"), DIR(RMDIR, "/c"),

	/* three levels */
	DIR(MKDIR, "/e"), { WRITE, "/e", "cpus", "X" }, { WRITE, "/e", "mems", "0-1" },
	DIR(MKDIR, "/e/f"), DIR(MKDIR, "/e/g"), DIR(MKDIR, "/e/f/h"), DIR(MKDIR, "/e/f"),
	{ WRITE, "/e/f/h", "cpus", "0" }, { WRITE, "/e/f", "cpus", "0" },
	{ WRITE, "/e/f/h", "cpus", "0" }, { WRITE, "/e/f/h", "mems", "1" },
	{ WRITE, "/e/f", "mems", "1" }, { WRITE, "/e/f/h", "mems", "0" },
	{ WRITE, "/e/f/h", "mems", "1" }, GO("/e/f/h", "0"), GO("/e/f", "1"), GO("/e/g", "2"),
	{ WRITE, "/e/g", "cpus", "O" }, GO("/e/g", "2"), { WRITE, "/e/g", "mems", "0" },
	GO("/e/g", "2"), { WRITE, "/e/f", "cpus", "" }, { WRITE, "/e/f", "mems", "0" },
	{ WRITE, "/e/f", "mems", "0-1" }, { ASK, "", "0", "0" }, { ASK, "", "0", "L" },
	{ ASK, "", "0", "X" }, { WRITE, "/e/f", "cpus", "X" }, { ASK, "", "0", "L" },
	{ ASK, "", "0", "X" }, { WRITE, "/e/f/h", "cpus", "X" }, { ASK, "", "0", "L" },
	{ ASK, "", "0", "X" }, { WRITE, "/e/f/h", "cpus", "O" },
	{ WRITE, "/e/f/h", "cpus", "X" }, { WRITE, "/e/f/h", "mems", "0-1" },
	{ WRITE, "/e/f/h", "mems", "0" }, { ASK, "", "2", "0" }, { ASK, "", "2", "X" },
	GO("/e/f/h", "2"), GO("/e/g", "2"),
	{ WRITE, "/e/f/h", "cpu_exclusive", "1" }, { WRITE, "/e", "cpu_exclusive", "1" },
	{ WRITE, "/e/f", "cpu_exclusive", "1" }, { WRITE, "/e/g", "cpus", "L" },
	{ WRITE, "/e/f", "cpus", "0" }, { WRITE, "/e/f/h", "cpus", "0" },
	{ WRITE, "/e/f", "cpus", "0" }, { WRITE, "/e/f", "cpu_exclusive", "1" },
	{ WRITE, "/e/f/h", "cpu_exclusive", "1" }, { WRITE, "/e/g", "cpus", "X" },
	{ WRITE, "/e/g", "cpus", "L" }, { WRITE, "/e", "cpu_exclusive", "0" },
	{ WRITE, "/e/f", "mem_exclusive", "1" }, { WRITE, "/e/g", "mem_exclusive", "1" },
	{ WRITE, "/e/f/h", "memory_migrate", "1" }, { WRITE, "/e/f/h", "mems", "1" },
	GO("/e", "0"), GO("/e/f/h", "0"), DIR(RMDIR, "/e/f/h"), DIR(RMDIR, "/e/g"),
	GO("", "0"), GO("", "1"), GO("", "2"), DIR(RMDIR, "/e"), DIR(RMDIR, "/e/f/h"),
	DIR(RMDIR, "/e/g"), DIR(RMDIR, "/e/f"), DIR(RMDIR, "/e"),
};

/* Operations in both, one after the other; how many went differently. */
static int each(const struct op *ops, size_t count)
{
	int bad = 0;

	for (size_t i = 0; i < count; i++) {
		struct op op = ops[i];

		op.value = value_of(op.value);
		if (op.what != WRITE || !left_out(op.file))
			bad += both(&op);
	}
	return bad;
}

static void test_script(void)
{
	eq(each(script, ARRAY_SIZE(script)), 0, "a script of %zu operations", ARRAY_SIZE(script));
}

static const char *const dirs[] = { "/0", "/1", "/2", "/0/3", "/0/4", "/1/5", "/0/3/6" };

static void test_random(int count)
{
	static const char *const files[] = {
		"cpus", "cpus", "cpus", "mems", "mems", "cpu_exclusive", "mem_exclusive",
		"memory_migrate",
	};
	struct op op;
	int i, bad = 0;

	for (i = 0; i < count && bad < 5; i++) {
		op.dir = dirs[rnd(ARRAY_SIZE(dirs))];
		switch (rnd(10)) {
		case 0:
		case 1:
			op.what = MKDIR;
			break;
		case 2:
			op.what = RMDIR;
			break;
		case 3:
		case 4:
			op.what = MOVE;
			op.file = P("%d", rnd(TASKS));
			if (!rnd(4))
				op.dir = "";
			break;
		default:
			op.what = WRITE;
			op.file = files[rnd(ARRAY_SIZE(files))];
			op.value = strstr(op.file, "s") == op.file + 3 ?
				   list_of((*op.file == 'c' ? all : nodes) & rnd(256)) :
				   P("%d", rnd(2));
		}
		bad += both(&op);
	}
	eq(bad, 0, "%d random ones", i);
}

/* A CPU goes and comes back; the kernel moves tasks when it gets to it. */
static void test_hotplug(void)
{
	static const struct op before[] = {
		DIR(MKDIR, "/a"), { WRITE, "/a", "cpus", "X" }, { WRITE, "/a", "mems", "0-1" },
		DIR(MKDIR, "/a/b"), { WRITE, "/a/b", "cpus", "L" }, { WRITE, "/a/b", "mems", "0" },
		GO("/a/b", "0"), GO("/a", "1"),
	}, after[] = {
		{ WRITE, "/a/b", "cpus", "L" }, GO("/a/b", "2"), { WRITE, "/a", "cpus", "X" },
		{ WRITE, "/a/b", "cpus", "L" }, GO("/a/b", "2"),
	}, end[] = {
		GO("", "0"), GO("", "1"), GO("", "2"), DIR(RMDIR, "/a/b"),
		DIR(RMDIR, "/a"),
	};
	int bad = each(before, ARRAY_SIZE(before));

	if (cpu_online(ncpus - 1, 0))
		bail("the last CPU goes offline");
	ok(wait_for(listed(K "/a/tasks", tasks[1][0])), "the kernel moves its task");
	ok(wait_for(listed(M "/a/tasks", tasks[0][0])), "so do we");
	ok(wait_for(!differences("/a") && !differences("/a/b")), "to the same place");
	if (cpu_online(ncpus - 1, 1))
		bail("the last CPU comes back");
	ok(wait_for(!differences("/a") && !differences("/a/b")), "and nothing comes back");
	bad += each(after, ARRAY_SIZE(after)) + each(end, ARRAY_SIZE(end));
	eq(bad, 0, "operations around it");
}

/* --- both at once ------------------------------------------------------------ */

static void test_together(void)
{
	unsigned long last = 1UL << (ncpus - 1), others = all & ~last;
	pid_t pid = sleeper(), child;
	int status, i, bad = 0;

	for (i = 0; i < 2; i++) {
		mkdir(P("%s/t", roots[i]), 0755);
		put(P("%s/t/cpuset.cpus", roots[i]), "%s", list_of(all));
		put(P("%s/t/cpuset.mems", roots[i]), "0-1");
		movepid(P("%s/t", roots[i]), pid);
	}
	eq(affinity(pid), all, "both allow all CPUs");
	err(put(K "/t/cpuset.cpus", "%s", list_of(last)), 0, "the kernel the last alone");
	eq(affinity(pid), last, "that is what the task has");
	err(set_affinity(pid, others), EINVAL, "and no others");
	err(put(M "/t/cpuset.cpus", "%s", list_of(others)), 0, "we all but the last");
	eq(affinity(pid), last, "nothing in common: the kernel's own counts");
	err(put(K "/t/cpuset.cpus", "%s", list_of(all)), 0, "the kernel all");
	eq(affinity(pid), others, "what both allow");
	err(set_affinity(pid, all), 0, "asked for all");
	eq(affinity(pid), others, "what both allow");
	err(put(K "/t/cpuset.mems", "0"), 0, "the kernel node 0 alone");
	eq(mems_of(pid), 1, "that is what it has");
	err(put(M "/t/cpuset.mems", "1"), 0, "we node 1 alone");
	eq(mems_of(pid), 1, "nothing in common: the kernel's own counts");
	err(put(K "/t/cpuset.mems", "0-1"), 0, "the kernel both");
	ok(wait_for(mems_of(pid) == 2), "what both allow");
	err(movepid(K, pid), 0, "it leaves the kernel's");
	ok(wait_for(mems_of(pid) == 2 && affinity(pid) == others), "ours is left");
	err(movepid(K "/t", pid), 0, "it comes back");
	ok(wait_for(mems_of(pid) == 2 && affinity(pid) == others), "ours still holds");
	err(put(K "/t/cpuset.cpus", "0"), 0, "the kernel: CPU 0");
	child = fork();
	if (!child) {
		if (movepid(K "/t", 0) || movepid(M "/t", 0))
			_exit(1);
		/* the kernel gives a child the affinity of its parent by itself here */
		for (i = 0; i < 20; i++) {
			child = fork();
			if (!child)
				_exit(affinity(0) != 1 || mems_of(getpid()) != 2);
			if (waitpid(child, &status, 0) != child || status)
				bad++;
		}
		_exit(bad ? 2 : 0);
	}
	waitpid(child, &status, 0);
	eq(status, 0, "children inherit both");
	err(movepid(M, pid), 0, "it leaves ours");
	eq(affinity(pid), 1, "the kernel's is left");
	eq(mems_of(pid), 3, "the kernel's nodes, too");
	err(movepid(K, pid), 0, "it leaves that, too");
	eq(affinity(pid), all, "and is as it was");
	eq(mems_of(pid), nodes, "with all nodes");
	reap(pid);
	for (i = 0; i < 2; i++)
		ok(wait_for(!rmdir(P("%s/t", roots[i]))), "rmdir");
}

int main(void)
{
	int i;

	setup_cpuset();
	mkdir(K, 0755);
	if (mount("k", K, "cgroup", 0, "cpuset")) {
		skip("cgroup v1 # this kernel has no cpuset there");
		finish();
	}
	err(cmount(M, "cpuset"), 0, "mount");
	no_slab_spread = !strstr(get("/proc/kallsyms") ?: "", " cpuset_slab_spread_node\n");
	eq(!access(M "/cpuset.memory_spread_slab", F_OK), !no_slab_spread,
	   "cpuset.memory_spread_slab is there where the kernel can do it");
	for (i = 0; i < 2 * TASKS; i++)
		tasks[i % 2][i / 2] = sleeper();
	CASE(test_script());
	CASE(test_random(sized(1500, 400)));
	for (i = 0; i < TASKS; i++)
		movepid(M, tasks[0][i]), movepid(K, tasks[1][i]);
	for (i = 2 * ARRAY_SIZE(dirs) - 1; i >= 0; i--) {
		rmdir(P(M "%s", dirs[i / 2]));
		rmdir(P(K "%s", dirs[i / 2]));
	}
	CASE(test_hotplug());
	diag("%ld operations on both, %ld of them with an error", nops, nerrors);
	for (i = 0; i < 2 * TASKS; i++)
		reap(tasks[i % 2][i / 2]);
	CASE(test_together());
	err(cumount(M), 0, "unmount");
	err(E(umount(K)), 0, "unmount the kernel's");
	rmdir(K);
	finish();
}
