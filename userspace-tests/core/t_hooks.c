// SPDX-License-Identifier: GPL-2.0
/*
 * Hooks that somebody switches off, or is in the way of: kprobes and ftrace off, live
 * patches before us and after us. What cannot be hooked says so by name, an optional hook
 * is left out, and forks that fail leave nothing behind. Things that the kernel lacks: the
 * features that need them are lost and no others, which the log and /proc/containers say.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include "mounts.h"

#define A "/tmp/m/a"
#define CG "/tmp/cg"
#define KPROBES "/sys/kernel/debug/kprobes/enabled"
#define FTRACE "/proc/sys/kernel/ftrace_enabled"
#define PATCH "/sys/kernel/livepatch/patchtest"

/* The state of a hook in /proc/containers; "" if it is not there. */
static const char *hook(const char *name)
{
	static char state[32];
	char *s = get("/proc/containers");

	state[0] = 0;
	s = s ? strstr(s, P("\n%s: ", name)) : NULL;
	if (s)
		sscanf(strchr(s + 1, ' '), "%31s", state);
	return state;
}

/* --- forks that fail, kprobes off --- */

/* The pids controller refuses. */
static int fork_refused(void)
{
	if (put(CG "/p/cgroup.procs", "0"))
		return 2;
	for (int i = 0; i < 30; i++) {
		pid_t p = fork();

		if (!p)
			_exit(0);
		if (p > 0 || errno != EAGAIN)
			return 3;
	}
	return 0;
}

static int fork_interrupted(void) { return forks_interrupted(300); }

static int in_a(void *arg)
{
	int (*fn)(void) = *(int (**)(void))arg;

	return put(A "/tasks", "0") ? 1 : fn();
}

static void test_kprobes(void)
{
	static int (*fns[])(void) = { fork_interrupted, fork_refused };
	static const char *const names[] = { "that signals interrupt", "that the kernel refuses" };
	bool pids;

	if (access(KPROBES, W_OK)) {
		skip("kprobes off # no switch");
		return;
	}
	mkdir(CG, 0755);
	pids = !mount("x", CG, "cgroup", 0, "pids");
	mkdir(CG "/p", 0755);
	pids = pids && !put(CG "/p/pids.max", "1");

	err(put(KPROBES, "0"), 0, "kprobes off");
	err(cmount(M, "cpuacct"), 0, "mount");
	mkdir(A, 0755);
	for (int i = 0; i < 1 + pids; i++) {
		eq(in_child(in_a, &fns[i]), 0, "forks %s", names[i]);
		ok(wait_for(!nids(A "/tasks")), "none is left in tasks");
		err(E(rmdir(A)), 0, "rmdir");
		mkdir(A, 0755);
	}
	if (!pids)
		skip("forks that the kernel refuses # no pids controller");
	ok(!strcmp(hook("cgroup_cancel_fork"), "armed"), "the hook is armed, not a kprobe");
	rmdir(A);
	err(cumount(M), 0, "unmount");
	err(put(KPROBES, "1"), 0, "kprobes on");
	rmdir(CG "/p");
	umount(CG);
	rmdir(CG);
}

/* --- ftrace off --- */

static void test_ftrace(void)
{
	char *log;
	int e, fd;

	err(cmount(M, "cpuacct"), 0, "mount");
	mkdir(A, 0755);
	e = put(FTRACE, "0");
	if (e == EOPNOTSUPP)
		skip("ftrace off # this kernel cannot switch it off");
	else
		err(e, EBUSY, "ftrace does not go off while hooks are armed");
	ok(!strcmp(hook("cgroup_can_fork"), "armed"), "they are");
	rmdir(A);
	err(cumount(M), 0, "unmount");
	eq(unload_all(), 0, "unload");
	if (e == EOPNOTSUPP) {
		setup();
		return;
	}

	err(put(FTRACE, "0"), 0, "ftrace off");
	fd = kmsg_open();
	err(modprobe("container_cpuacct"), 0, "load");
	kmsg_lines(fd, &log);
	ok(strstr(log, "no /proc/<pid>/container"), "the log says what there will not be");
	err(access("/proc/self/container", F_OK) ? errno : 0, ENOENT, "nor is it");
	close(fd);
	fd = kmsg_open();
	err(cmount(M, "cpuacct"), EBUSY, "mount");
	kmsg_lines(fd, &log);
	ok(strstr(log, "cannot hook") && strstr(log, "ftrace_enabled"), "the log says why");
	close(fd);
	refused("cpuacct", EBUSY, "hooks on fork and exit");
	rmdir(M2);
	ok(!strcmp(hook("cgroup_can_fork"), "off") || !*hook("cgroup_can_fork"),
	   "no hook claims to be armed");
	err(put(FTRACE, "1"), 0, "ftrace on");
	err(cmount(M, "cpuacct"), 0, "mount");
	err(cumount(M), 0, "unmount");
	eq(unload_all(), 0, "unload");
	setup();
	ok(!access("/proc/self/container", F_OK), "loaded again, it is there");
}

/* --- live patches --- */

static int patch(const char *func)
{
	return modinsert(modfile("patchtest"), P("func=%s", func));
}

static bool unpatch(void)
{
	put(PATCH "/enabled", "0");
	return wait_for(access(PATCH, F_OK)) && wait_for(!rmmod("patchtest"));
}

/* Somebody patched @func before us. */
static void patched(const char *func, int mount_err, const char *subsys)
{
	int fd, e = patch(func);
	char *log;

	if (e) {
		skip("a live patch of %s # %s", func, strerrorname_np(e));
		return;
	}
	fd = kmsg_open();
	err(cmount(M, subsys), mount_err, "mount %s, %s patched", subsys, func);
	kmsg_lines(fd, &log);
	ok(strstr(log, P("cannot hook %s", func)) && strstr(log, "live patch"),
	   "the log names it and what may be in the way");
	close(fd);
	ok(strcmp(hook(func), "armed"), "it does not claim to be armed");
	if (mount_err)
		rmdir(M);
	else
		err(cumount(M), 0, "unmount");
	ok(unpatch(), "the patch goes");
	err(cmount(M, subsys), 0, "mount %s", subsys);
	ok(!strcmp(hook(func), "armed"), "%s is armed", func);
	/* and the other way round */
	err(patch(func), EBUSY, "a patch of what we have hooked");
	err(cumount(M), 0, "unmount");
}

static void test_patches(void)
{
	int fd;
	char *log;

	if (!modfile("patchtest") || access("/sys/kernel/livepatch", F_OK)) {
		skip("live patches # not on this kernel");
		return;
	}
	modprobe("container_bc");
	/* essential, and optional */
	patched("security_file_alloc", EBUSY, "bc");
	patched("may_expand_vm", 0, "bc");

	eq(unload_all(), 0, "unload");
	if (patch("proc_pident_readdir")) {
		skip("a live patch of procfs # not on this kernel");
	} else {
		fd = kmsg_open();
		err(modprobe("container_cpuacct"), 0, "load, listings of /proc/PID patched");
		kmsg_lines(fd, &log);
		ok(strstr(log, "cannot hook proc_pident_readdir"), "the log says so");
		close(fd);
		ok(!access("/proc/self/container", F_OK), "the file is there all the same");
		eq(unload_all(), 0, "unload");
		ok(unpatch(), "the patch goes");
	}
	setup();
}

/* --- what the kernel lacks --- */

/* Loads a module that does not find @symbol; feature @name is lost by that. */
static void lacking(const char *module, const char *symbol, const char *name, int load_err)
{
	const char *file = modwithout(module, symbol);
	char *log, *line, *s;
	char odd[64];
	int fd = kmsg_open(), lines = 0;

	snprintf(odd, sizeof(odd), "%.*sQ", (int)strlen(symbol) - 1, symbol);
	err(modinsert(file, ""), load_err, "load %s, no %s", module, symbol);
	kmsg_lines(fd, &log);
	for (line = log; (line = strstr(line, P("no %s: this kernel has no %s", name, odd))); line++)
		lines++;
	eq(lines, 1, "the log has a line that says that there is no %s, and why", name);
	close(fd);
	if (load_err && !strcmp(module, "container_core"))
		return;
	s = get("/proc/containers");
	s = s ? strstr(s, P("\n%s: lost, this kernel has no %s", name, odd)) : NULL;
	ok(s && strcspn(s + 1, "\n") > strlen(odd) &&
	   memmem(s + 1, strcspn(s + 1, "\n"), P(" needs="), 7), "/proc/containers says so, too");
}

static void there(const char *name)
{
	char *s = get("/proc/containers");

	ok(s && strstr(s, P("\n%s: there needs=", name)), "%s is there", name);
}

static void test_lacking(void)
{
	char *s;

	/* with the core alone, which modprobe would bring others along with */
	eq(unload_all(), 0, "unload");
	err(modinsert(modfile("container_core"), ""), 0, "load the core");
	err(modinsert(modfile("container_bc"), ""), 0, "load bc");
	there("containers");
	there("/proc/<pid>/container");
	there("bc.numfiles");
	there("limit on bc.privvmpages");
	err(rmmod("container_bc"), 0, "unload bc");

	lacking("container_bc", "security_file_free", "bc.numfiles", 0);
	there("limit on bc.privvmpages");
	err(cmount(M, "bc"), 0, "mount bc");
	mkdir(A, 0755);
	err(access(A "/bc.numfiles.limit", F_OK) ? errno : 0, ENOENT, "it has no numfiles");
	err(access(A "/bc.numtasks.limit", F_OK) ? errno : 0, 0, "it has the others");
	s = get(A "/bc.stat");
	ok(s && strstr(s, "numtasks ") && !strstr(s, "numfiles"), "and shows those");
	rmdir(A);
	err(cumount(M), 0, "unmount");
	err(rmmod("container_bc"), 0, "unload bc");
	lacking("container_bc", "may_expand_vm", "limit on bc.privvmpages", 0);
	there("bc.numfiles");
	err(cmount(M, "bc"), 0, "mount bc");
	err(cumount(M), 0, "unmount");
	err(rmmod("container_bc"), 0, "unload bc");

	lacking("container_cpuacct", "sched_migrate_task", "exact cpuacct.usage_percpu", 0);
	there("cpuacct");
	err(rmmod("container_cpuacct"), 0, "unload cpuacct");
	lacking("container_cpuacct", "task_sched_runtime", "cpuacct", EOPNOTSUPP);
	err(modinsert(modfile("container_cpuacct"), ""), 0, "load cpuacct");
	there("cpuacct");
	lacking("container_ns", "task_work_add", "ns", EOPNOTSUPP);
	if (modfile("container_cpuset")) {
		lacking("container_cpuset", "do_migrate_pages", "cpuset.mems", EOPNOTSUPP);
		lacking("container_cpuset", "sched_setaffinity", "cpuset.cpus", EOPNOTSUPP);
		lacking("container_cpuset", "mm_vmscan_direct_reclaim_begin", "cpuset.memory_pressure", 0);
		err(rmmod("container_cpuset"), 0, "unload cpuset");
	}

	eq(unload_all(), 0, "unload");
	lacking("container_core", "cgroup_cancel_fork", "containers", EOPNOTSUPP);
	lacking("container_core", "proc_pident_readdir", "/proc/<pid>/container in listings", 0);
	there("/proc/<pid>/container");
	ok(!access("/proc/self/container", F_OK), "the file is there all the same");
	err(rmmod("container_core"), 0, "unload the core");
	lacking("container_core", "tid_base_stuff", "/proc/<pid>/container", 0);
	err(access("/proc/self/container", F_OK) ? errno : 0, ENOENT, "it is not there");
	err(rmmod("container_core"), 0, "unload the core");
	setup();
}

int main(void)
{
	setup();
	CASE(test_kprobes());
	CASE(test_ftrace());
	CASE(test_patches());
	CASE(test_lacking());
	finish();
}
