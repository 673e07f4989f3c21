// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation of every operation fails in turn (fail-nth, so only on a
 * kernel with failslab): the operation must say ENOMEM and leave all as it
 * was, or succeed whole.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include "lib.h"

#define C "/tmp/c"
#define F "/tmp/f"

static char buf[65536];

static int read_all(const char *path)
{
	int e, fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		;
	e = n ? errno : 0;
	close(fd);
	return e;
}

static void prep(void)
{
	put(C "/tasks", "0");
	rmdir(C "/new");
	rename(C "/renamed", C "/old");
	mkdir(C "/old", 0755);
	put(C "/old/notify_on_release", "0");
	put(C "/release_agent", "\n");
	umount(F);
}

static void prep_mounted(void)
{
	prep();
	mount("x", F, "container", 0, "none,name=f");
}

static int op_mkdir(void) { return E(mkdir(C "/new", 0755)); }
static int op_rmdir(void) { return E(rmdir(C "/old")); }
static int op_rename(void) { return E(rename(C "/old", C "/renamed")); }
static int op_move(void) { return put_raw(C "/old/tasks", "0"); }
static int op_procs(void) { return put_raw(C "/old/procs", "0"); }
static int op_flag(void) { return put_raw(C "/old/notify_on_release", "1"); }
static int op_agent(void) { return put_raw(C "/release_agent", "/bin/x"); }
static int op_read(void) { return read_all(C "/tasks"); }
static int op_proc(void) { return read_all("/proc/self/container"); }
static int op_list(void) { return read_all("/proc/containers"); }
static int op_umount(void) { return E(umount(F)); }

/* The test module calls the API in our context: see its source. */
#define CMD "/sys/kernel/debug/container_apitest/cmd"

/* A subsystem that wants to know of every task there is. */
static void prep_register(void)
{
	prep();
	put(CMD, "unregister 2");
	put(CMD, "everyone 2");
}

static int op_register(void) { return put_raw(CMD, "register 2"); }

/* A hierarchy of its own for container_clone(). */
static void prep_clone(void)
{
	prep();
	put(CMD, "register 0");
	mount("x", F, "container", 0, "apitest0");
	put(F "/tasks", "0");
	rmdir(P(F "/%d", getpid()));
}

static int op_clone(void) { return put_raw(CMD, "clone 0"); }
static int op_api_mkdir(void) { return E(mkdir(P(F "/%d", getpid()), 0755)); }

/* numtasks, in a hierarchy of its own, with a container that has a limit. */
static void prep_numtasks(void)
{
	prep();
	put("/sys/module/container_numtasks/parameters/total_numtasks", "10000");
	mount("x", F, "container", 0, "numtasks");
	rmdir(F "/new");
	mkdir(F "/lim", 0755);
	put(F "/lim/numtasks.shares", "min_shares=1,max_shares=2");
	put(F "/tasks", "0");
}

static void prep_limited(void)
{
	prep_numtasks();
	put(F "/lim/tasks", "0");
}

/* The tree goes, and the hierarchy, which is what a mount then makes. */
static void prep_unlimited(void)
{
	prep_numtasks();
	rmdir(F "/lim");
	umount(F);
}

static int op_nt_mount(void) { return E(mount("x", F, "container", 0, "numtasks")); }
static int op_nt_mkdir(void) { return E(mkdir(F "/new", 0755)); }
static int op_nt_rmdir(void) { return E(rmdir(F "/lim")); }
static int op_nt_move(void) { return put_raw(F "/lim/tasks", "0"); }
static int op_nt_shares(void) { return put_raw(F "/lim/numtasks.shares", "max_shares=3"); }
static int op_nt_stats(void) { return read_all(F "/lim/numtasks.stats"); }
static int op_nt_reset(void) { return put_raw(F "/lim/numtasks.stats", "res=numtasks"); }
static int op_nt_total(void)
{
	return put_raw("/sys/module/container_numtasks/parameters/total_numtasks", "20000");
}

static int op_mount(void)
{
	return E(mount("x", F, "container", 0, "none,name=f"));
}

static int op_again(void)
{
	return E(mount("x", F, "container", 0, "cpuacct"));
}

static void prep_in(void)
{
	prep();
	put(C "/old/tasks", "0");
}

static const struct op {
	const char *name;
	int (*op)(void);
	void (*prep)(void);
	int also;		/* an errno beside ENOMEM */
} ops[] = {
	{ "mkdir", op_mkdir, prep, 0 },
	{ "rmdir", op_rmdir, prep, 0 },
	{ "rename", op_rename, prep, 0 },
	{ "write to tasks", op_move, prep, 0 },
	{ "write to procs", op_procs, prep, 0 },
	{ "write to notify_on_release", op_flag, prep, 0 },
	{ "write to release_agent", op_agent, prep, 0 },
	{ "read of tasks", op_read, prep, 0 },
	{ "read of /proc/self/container", op_proc, prep, 0 },
	{ "read of /proc/containers", op_list, prep, 0 },
	{ "fork of a member", fork_once, prep_in, EAGAIN },
	{ "first mount", op_mount, prep, 0 },
	{ "mount again", op_again, prep, 0 },
	{ "last unmount", op_umount, prep_mounted, 0 },
	{ "registration", op_register, prep_register, 0 },
	{ "mkdir beside a third party's subsystem", op_api_mkdir, prep_clone, 0 },
	{ "container_clone()", op_clone, prep_clone, 0 },
	{ "mount of numtasks", op_nt_mount, prep_unlimited, 0 },
	{ "mkdir beside numtasks", op_nt_mkdir, prep_numtasks, 0 },
	{ "rmdir of a group", op_nt_rmdir, prep_numtasks, 0 },
	{ "move into a group", op_nt_move, prep_numtasks, 0 },
	{ "fork in a group", fork_once, prep_limited, EAGAIN },
	{ "fork at the root of numtasks", fork_once, prep_numtasks, EAGAIN },
	{ "write to numtasks.shares", op_nt_shares, prep_numtasks, 0 },
	{ "read of numtasks.stats", op_nt_stats, prep_numtasks, 0 },
	{ "write to numtasks.stats", op_nt_reset, prep_numtasks, 0 },
	{ "write to total_numtasks", op_nt_total, prep_numtasks, 0 },
};

/* What any of them could have changed; topcounts change by themselves. */
static const char *state(void)
{
	struct hier h = { 0 };
	const char *s;

	hier("cpuacct", &h);
	s = P("containers=%d hierarchies=%d %s mounted=%d", h.containers,
	      nhiers(), where(0, "cpuacct"), !access(F "/tasks", F_OK));
	for (int i = 0; i < 3; i++) {
		const char *d = P(C "/%s", i == 0 ? "new" :
				  i == 1 ? "old" : "renamed");

		s = P("%s %d:%d%d%d%d%d", s, i, nids(P("%s/tasks", d)),
		      nids(P("%s/procs", d)),
		      (int)getnum(P("%s/notify_on_release", d)),
		      (int)getnum(P("%s/auto_delete", d)),
		      (int)getnum(P("%s/kill_on_rmdir", d)));
	}
	s = P("%s %s cloned=%d %s", s, registered(","),
	      !access(P(F "/%d/tasks", getpid()), F_OK), where(0, "apitest0"));
	s = P("%s new=%d %s %.40s", s, !access(F "/new/tasks", F_OK),
	      get(F "/lim/numtasks.shares") ?: "", get(F "/lim/numtasks.stats") ?: "");
	s = P("%s %s", s, get("/sys/module/container_numtasks/parameters/total_numtasks"));
	return P("%s %s", s, get(C "/release_agent"));
}

static void run(const struct op *o)
{
	int n, e, left, failed = 0, lived = 0, bad = 0;
	const char *before, *after, *done;

	o->prep();
	before = strdup(state());
	if (!err(o->op(), 0, "%s without failures", o->name))
		return;
	done = strdup(state());
	for (n = 1; n < 2000; n++) {
		o->prep();
		fail_nth(n);
		e = o->op();
		left = fail_left();
		fail_nth(0);
		if (left)
			break;
		if (e)
			failed++;
		else
			lived++;
		after = state();
		if (strcmp(after, e ? before : done) ||
		    (e && e != ENOMEM && e != o->also)) {
			if (bad++ < 5)
				diag("allocation %d: %s; expected %s, got %s",
				     n, e ? strerrorname_np(e) : "success",
				     e ? before : done, after);
		}
	}
	ok(!bad && n < 2000, "%s with each allocation failing in turn",
	   o->name);
	diag("%d failures, %d survived", failed, lived);
	o->prep();
	streq(state(), before, "%s: all is as before", o->name);
	free((void *)before);
	free((void *)done);
}

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
		"container_numtasks", "container_bc",
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
	modprobe("container_numtasks");
	if (!inject_faults(true)) {
		skip("failing allocations # this kernel injects no faults");
		finish();
	}
	err(cmount(C, "cpuacct"), 0, "mount cpuacct");
	mkdir(F, 0755);
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		run(&ops[i]);
	prep_unlimited();
	prep_clone();
	prep();
	rmdir(F);
	err(E(rmdir(C "/old")), 0, "rmdir");
	err(cumount(C), 0, "unmount");
	if (argc > 1)
		loads();
	inject_faults(false);
	finish();
}
