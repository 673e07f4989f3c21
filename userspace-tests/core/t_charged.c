// SPDX-License-Identifier: GPL-2.0
/*
 * What a user is charged for is allocated without our locks: who sets memory.high of his own
 * memory cgroup is made to wait inside such an allocation, and everybody who wants the lock
 * would wait with him. The kernel's own tracer sees both, locks and allocations.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include "lib.h"

#define M "/tmp/m"
#define N "/tmp/n"
#define A M "/a"
#define TRACEFS "/sys/kernel/tracing"

static const char *const locks[][2] = {
	{ "container_manage_lock", "container_manage_unlock" },
	{ "container_lock", "container_unlock" },
};

static const char *const allocations[] = { "kmem/kmem_cache_alloc", "kmem/kmalloc" };

/* What is traced of this process and its children. */
static bool trace_begin(void)
{
	const char *format = get(TRACEFS "/events/kmem/kmem_cache_alloc/format");
	size_t i;

	if (!format || !strstr(format, " accounted;"))
		return false;
	for (i = 0; i < ARRAY_SIZE(locks); i++)
		err(put(TRACEFS "/set_ftrace_filter", "%s", locks[i][0]) ?:
		    put(TRACEFS "/set_ftrace_filter", "%s", locks[i][1]), 0,
		    "trace %s", locks[i][0]);
	err(put(TRACEFS "/buffer_size_kb", "4096"), 0, "room for the trace");
	put(TRACEFS "/options/function-fork", "1");
	put(TRACEFS "/options/event-fork", "1");
	err(put(TRACEFS "/set_ftrace_pid", "%d", getpid()), 0, "of this process");
	err(put(TRACEFS "/set_event_pid", "%d", getpid()), 0, "and its allocations");
	for (i = 0; i < ARRAY_SIZE(allocations); i++) {
		put(P(TRACEFS "/events/%s/filter", allocations[i]), "accounted == 1");
		err(put(P(TRACEFS "/events/%s/enable", allocations[i]), "1"), 0, "%s", allocations[i]);
	}
	err(put(TRACEFS "/current_tracer", "function"), 0, "begin");
	return true;
}

static void trace_end(void)
{
	put(TRACEFS "/current_tracer", "nop");
	for (size_t i = 0; i < ARRAY_SIZE(allocations); i++) {
		put(P(TRACEFS "/events/%s/enable", allocations[i]), "0");
		put(P(TRACEFS "/events/%s/filter", allocations[i]), "0");
	}
	close(open(TRACEFS "/set_ftrace_filter", O_WRONLY | O_TRUNC));
	close(open(TRACEFS "/set_ftrace_pid", O_WRONLY | O_TRUNC));
	close(open(TRACEFS "/set_event_pid", O_WRONLY | O_TRUNC));
	put(TRACEFS "/options/function-fork", "0");
	put(TRACEFS "/options/event-fork", "0");
	/* as it was: other tests trace, too */
	put(TRACEFS "/tracing_on", "1");
}

/* How often the locks were taken, how much was charged, and which of it with a lock held. */
struct seen {
	int locked, charged, both;
};

static struct seen trace_read(void)
{
	struct seen seen = { 0 };
	char *text = get(TRACEFS "/trace"), *line, *rest;
	bool held[ARRAY_SIZE(locks)] = { false };

	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (*line == '#')
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(locks); i++) {
			if (strstr(line, P(" %s <-", locks[i][0]))) {
				held[i] = true;
				seen.locked++;
			} else if (strstr(line, P(" %s <-", locks[i][1]))) {
				held[i] = false;
			}
		}
		if (!strstr(line, "accounted=true"))
			continue;
		seen.charged++;
		if (held[0] || held[1]) {
			seen.both++;
			diag("%s", line);
		}
	}
	return seen;
}

/* --- what users do --------------------------------------------------------- */

static int make(void *arg) { return E(mkdir(arg, 0755)); }
static int drop(void *arg) { return E(rmdir(arg)); }
static int enter(void *arg) { return put(P("%s/tasks", (char *)arg), "0"); }
static int enter_all(void *arg) { return put(P("%s/procs", (char *)arg), "0"); }
static int fork_here(void *arg) { (void)arg; return fork_once(); }
static int unshare_here(void *arg) { (void)arg; return E(unshare(CLONE_NEWUTS)); }
static int unshare_in_child(void *arg) { return in_child(unshare_here, arg); }
static int rename_it(void *arg) { return E(rename(arg, A "/renamed")); }

/* Each file is read, and what it says is written to it. */
static int use_files(void *arg)
{
	struct dirent *e;
	DIR *d = opendir(arg);
	int files = 0;

	while (d && (e = readdir(d))) {
		const char *path = P("%s/%s", (char *)arg, e->d_name);
		char *text;

		if (e->d_type == DT_DIR)
			continue;
		text = get(path);
		if (text && is_writable(path) && !is_task_list(e->d_name))
			putn(path, text, strlen(text));
		files++;
	}
	if (d)
		closedir(d);
	return files ? 0 : ENOENT;
}

static int read_it(void *arg) { return get(arg) ? 0 : errno; }

/* @charges: it takes a lock, and the kernel charges for it, so the trace has to show both. */
static void test_op(const char *what, int (*fn)(void *arg), const char *arg, bool charges)
{
	struct seen seen;
	int e;

	close(open(TRACEFS "/trace", O_WRONLY | O_TRUNC));
	put(TRACEFS "/tracing_on", "1");
	e = fn((void *)arg);
	put(TRACEFS "/tracing_on", "0");
	err(e, 0, "%s", what);
	seen = trace_read();
	if (charges)
		ok(seen.locked && seen.charged, "%s: %d locks, %d allocations are charged", what,
		   seen.locked, seen.charged);
	eq(seen.both, 0, "%s: allocations that are charged with a lock held", what);
}

static void test_ops(void)
{
	put(M "/clone_children", "1");
	test_op("mkdir", make, A, true);
	test_op("mkdir below", make, A "/b", true);
	test_op("another", make, A "/b/c", true);
	put(A "/clone_children", "0");
	test_op("mkdir that inherits nothing", make, A "/d", true);
	test_op("open, read and write all files", use_files, A "/b", true);
	test_op("enter", enter, A, false);
	test_op("fork", fork_here, NULL, false);
	test_op("enter as a process", enter_all, A "/b", false);
	test_op("read " A "/b/tasks", read_it, A "/b/tasks", false);
	test_op("read /proc/self/container", read_it, "/proc/self/container", false);
	test_op("read /proc/containers", read_it, "/proc/containers", false);
	test_op("leave", enter, M, false);
	test_op("rename", rename_it, A "/d", false);
	test_op("rmdir", drop, A "/renamed", false);
}

static void test_clone(void)
{
	test_op("unshare, and a container by ns", unshare_in_child, NULL, true);
}

int main(void)
{
	setup();
	modprobe("container_numtasks");
	modprobe("container_bc");
	modprobe("container_cpuset");
	err(cmount(M, registered(",")), 0, "mount %s", registered(","));
	modprobe("container_ns");
	err(cmount(N, "ns"), 0, "mount ns");
	if (trace_begin()) {
		put(TRACEFS "/tracing_on", "0");
		CASE(test_ops());
		CASE(test_clone());
		trace_end();
	} else {
		skip("what is charged # the tracer of this kernel does not tell");
	}
	rmdir(A "/b/c");
	rmdir(A "/b");
	rmdir(A);
	cumount(N);
	cumount(M);
	finish();
}
