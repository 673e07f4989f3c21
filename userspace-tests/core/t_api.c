// SPDX-License-Identifier: GPL-2.0
/*
 * The subsystem API, called through the test module container_apitest, which see:
 * registration and its errors, what failures undo, references, lookups, mounts that race,
 * and what an author gets wrong.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include "apis.h"

static int registered_count(void)
{
	const char *s = registered("\n");
	int n = *s != 0;

	while ((s = strchr(s, '\n'))) {
		s++;
		n++;
	}
	return n;
}

/* Slot 0 has so many states alive. */
static void alive(int want, const char *what)
{
	const char *s;
	int n = -1;

	cmd("stat 0");
	s = events();
	if (s)
		sscanf(s, "apitest0 alive %d", &n);
	eq(n, want, "states alive %s", what);
}

/* --- registration ----------------------------------------------------------- */

static void test_register(void)
{
	static const char *const bad[] = {
		"a,b", "a/b", "a.b", "a=b", "all", "none", "name", "noprefix",
		"release_agent", "x23456789012345678901234567890123",
	};
	int before = registered_count();

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cmd("name 0 %s", bad[i]);
		err(cmd("register 0"), EINVAL, "name %s", bad[i]);
	}
	cmd("name 0 ");
	err(cmd("register 0"), EINVAL, "an empty name");
	cmd("name 0");
	err(cmd("register 0"), EINVAL, "no name");
	cmd("reset 0");
	cmd("without 0 create");
	err(cmd("register 0"), EINVAL, "without create");
	cmd("reset 0");
	cmd("without 0 destroy");
	err(cmd("register 0"), EINVAL, "without destroy");
	cmd("reset 0");
	err(cmd("unregister 0"), EINVAL, "unregister what is not registered");
	happened("", "none of them called anything");
	cmd("fail 0 create %d", EDOM);
	err(cmd("register 0"), EDOM, "create fails");
	happened("0 create fails", "create alone, no destroy");
	eq(registered_count(), before, "nothing was registered");

	err(cmd("register 0"), 0, "register");
	happened("0 create 0", "the root's state is made");
	err(cmd("register 0"), EEXIST, "again");
	cmd("name 1 apitest0");
	err(cmd("register 1"), EEXIST, "another of the same name");
	cmd("reset 1");
	happened("", "which called nothing");
	eq(registered_count(), before + 1, "one was registered");
	err(cmd("unregister 0"), 0, "unregister");
	happened("0 destroy 0", "the root's state goes");
	err(cmd("unregister 0"), EINVAL, "again");
	cmd("name 0 x2345678901234567890123456789012");
	err(cmd("register 0"), 0, "the longest name");
	ok(strstr(registered(","), "x2345678901234567890123456789012") != NULL, "is listed");
	err(cmd("unregister 0"), 0, "unregister it");
	events();
	cmd("reset 0");
}

static void test_too_many(void)
{
	int before = registered_count(), filled = -1, max = -1, fd = kmsg_open();
	const char *s;
	char *log;

	err(cmd("fill 0"), ENOSPC, "one subsystem too many");
	kmsg_lines(fd, &log);
	close(fd);
	ok(log && strstr(log, "fill") && strstr(log, "MAX_CONTAINER_SUBSYS"),
	   "the log says which, and of what");
	s = events();
	sscanf(s ? s : "", "apitest0 filled %d of %d", &filled, &max);
	eq(filled + before, max, "when all places are taken");
	eq(registered_count(), before, "and they are free again");
}

/* Where a slot's part of the tasks' data is, or -1. */
static int offset(int slot)
{
	const char *s;
	int n = -1;

	events();
	cmd("stat %d", slot);
	s = events();
	s = s ? strstr(s, "offset ") : NULL;
	if (s)
		sscanf(s, "offset %d", &n);
	return n;
}

static void test_task_size(void)
{
	enum { SIZE = 96 };	/* CONTAINER_TASK_SIZE */
	int fd = kmsg_open();
	char *log;

	cmd("size 0 %d", SIZE + 1);
	err(cmd("register 0"), ENOSPC, "more for each task than there is");
	kmsg_lines(fd, &log);
	close(fd);
	ok(log && strstr(log, "apitest0") && strstr(log, "CONTAINER_TASK_SIZE"),
	   "the log says whose, and of what");
	cmd("size 0 5");
	err(cmd("register 0"), 0, "five bytes, which take up eight");
	cmd("size 1 %d", SIZE - 7);
	err(cmd("register 1"), ENOSPC, "and one too many");
	cmd("size 1 4294967295");
	err(cmd("register 1"), ENOSPC, "and as many as can be counted");
	cmd("size 1 %d", SIZE - 8);
	err(cmd("register 1"), 0, "and all that are left");
	eq(offset(0), 0, "the first has the beginning");
	eq(offset(1), 8, "the second begins after it, aligned");
	err(cmd("unregister 0"), 0, "unregister the first");
	cmd("size 0 9");
	err(cmd("register 0"), ENOSPC, "there is room for eight only");
	cmd("size 0 8");
	err(cmd("register 0"), 0, "which is taken again");
	err(cmd("unregister 0") ?: cmd("unregister 1"), 0, "unregister both");
	forget_events();
	err(cmd("reset 0") ?: cmd("reset 1"), 0, "reset them");
}

/* --- hierarchies ------------------------------------------------------------ */

static void test_bind(void)
{
	const char *before;

	err(cmd("register 0") ?: cmd("register 1"), 0, "register two");
	events();
	before = strdup(state());
	cmd("fail 1 populate %d", EDOM);
	err(cmount(M, BOTH), EDOM, "populate fails in mount");
	happened("0 bind 0;1 bind 0;0 populate 0;1 populate 0;1 populate fails;"
		 "0 unbind 0;1 unbind 0", "bound, and unbound again");
	streq(state(), before, "/proc/containers is as before");
	cmd("fail 1 bind %d", EDOM);
	err(cmount(M, BOTH), EDOM, "bind fails in mount");
	happened("0 bind 0;1 bind 0;1 bind fails;0 unbind 0", "the other is unbound again");
	streq(state(), before, "/proc/containers is as before");
	cmd("fail 0 bind %d", EDOM);
	err(cmount(M, BOTH), EDOM, "bind of the first fails");
	happened("0 bind 0;0 bind fails", "the other is not bound");
	streq(state(), before, "/proc/containers is as before");
	err(cmount(M, BOTH), 0, "then mount");
	happened("0 bind 0;1 bind 0;0 populate 0;1 populate 0", "bound, then filled");
	err(cmd("unregister 0"), EBUSY, "unregister while it is bound");
	happened("", "which calls nothing");
	err(E(umount(M)), 0, "unmount");
	happened("0 unbind 0;1 unbind 0", "unbound");
	streq(state(), before, "/proc/containers is as before");
	err(cmd("unregister 0"), 0, "then unregister");
	err(cmd("unregister 1"), 0, "and the other");
	happened("0 destroy 0;1 destroy 0", "the states of the root go");
	free((void *)before);
}

static void test_agent(void)
{
	start();
	streq(get(M "/release_agent"), "\n", "no release agent");
	err(cmd("agent 0 /bin/x"), 0, "container_set_release_agent_path()");
	streq(get(M "/release_agent"), "/bin/x\n", "it is set");
	stop();
	err(cmd("register 0"), 0, "register");
	err(cmd("agent 0 /bin/x"), 0, "of what is not bound: does nothing");
	err(cmd("unregister 0"), 0, "unregister");
	forget_events();
}

/* --- directories ------------------------------------------------------------ */

static void test_mkdir_fails(void)
{
	static const struct {
		int slot;
		const char *what, *events;
	} steps[] = {
		{ 0, "create", "0 create fails" },
		{ 1, "create", "0 create 1;1 create fails;0 destroy 1" },
		{ 0, "populate", "0 create 2;1 create 1;0 populate 2;0 populate fails;"
				 "0 destroy 2;1 destroy 1" },
		{ 1, "populate", "0 create 3;1 create 2;0 populate 3;1 populate 2;"
				 "1 populate fails;0 destroy 3;1 destroy 2" },
	};
	const char *proc, *dir;
	struct stat st;

	start();
	proc = strdup(state());
	dir = strdup(names_in(M));
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		cmd("fail %d %s %d", steps[i].slot, steps[i].what, EDOM);
		err(E(mkdir(A, 0755)), EDOM, "mkdir: %s of %d fails", steps[i].what,
		    steps[i].slot);
		happened(steps[i].events, "what was made is unmade");
		alive(1, "after it");
		streq(state(), proc, "/proc/containers is as before");
		streq(names_in(M), dir, "the directory is as before");
		stat(M, &st);
		eq(st.st_nlink, 2, "and its link count");
	}
	err(E(mkdir(A, 0755)), 0, "mkdir succeeds then");
	happened("0 create 4;1 create 3;0 populate 4;1 populate 3", "mkdir");
	alive(2, "with it");
	streq(names_in(A), ". .. apitest0.id apitest0.ref apitest1.id apitest1.ref auto_delete "
	      "clone_children events kill_on_rmdir notify_on_release procs tasks ", "it is complete");
	err(E(rmdir(A)), 0, "rmdir");
	happened("0 destroy 4;1 destroy 3", "rmdir");
	alive(1, "without it");
	forget_events();
	stop();
	free((void *)proc);
	free((void *)dir);
}

/* --- references ------------------------------------------------------------- */

static void test_refs(void)
{
	start();
	mkdir(A, 0755);
	eq(getnum(A "/apitest0.ref"), 0, "no reference at first");
	err(put(A "/apitest0.ref", "1") ?: put(A "/apitest0.ref", "1"), 0, "take two");
	eq(getnum(A "/apitest0.ref"), 2, "they are counted");
	err(E(rmdir(A)), EBUSY, "rmdir");
	err(put(A "/apitest0.ref", "0"), 0, "drop one");
	err(E(rmdir(A)), EBUSY, "rmdir");
	err(put(A "/apitest1.ref", "1"), 0, "take one of the other subsystem");
	err(put(A "/apitest0.ref", "0"), 0, "drop the first's last");
	err(E(rmdir(A)), EBUSY, "rmdir");
	eq(getnum(A "/apitest0.ref"), 0, "a refusal leaves the counts alone");
	err(put(A "/apitest0.ref", "1") ?: put(A "/apitest0.ref", "0"), 0,
	    "and references can be had");
	err(put(A "/apitest1.ref", "0"), 0, "drop it");
	err(E(rmdir(A)), 0, "rmdir");

	/* the current task's, which outlives its membership */
	mkdir(A, 0755);
	err(put(A "/tasks", "0"), 0, "move in");
	err(cmd("hold 0"), 0, "take a reference on the current task's state");
	eq(getnum(A "/apitest0.ref"), 1, "it is this one's");
	err(put(M "/tasks", "0"), 0, "move out");
	err(E(rmdir(A)), EBUSY, "rmdir");
	err(put(A "/kill_on_rmdir", "1"), 0, "kill_on_rmdir");
	err(E(rmdir(A)), EBUSY, "rmdir, still referenced");
	ok(!access(A "/tasks", F_OK), "it is left whole");
	err(cmd("drop 0"), 0, "drop the reference");
	err(E(rmdir(A)), 0, "rmdir");
	forget_events();

	/* a subtree goes whole or not at all */
	mkdir(A, 0755);
	put(A "/kill_on_rmdir", "1");
	mkdir(A "/b", 0755);
	mkdir(A "/b/c", 0755);
	put(A "/b/c/apitest1.ref", "1");
	err(E(rmdir(A)), EBUSY, "rmdir of a subtree, the last referenced");
	ok(!access(A "/b/c/tasks", F_OK), "it is left whole");
	eq(getnum(A "/b/apitest0.ref"), 0, "and as it was");
	err(put(A "/b/apitest0.ref", "1") ?: put(A "/b/apitest0.ref", "0"), 0,
	    "and can be referenced");
	put(A "/b/c/apitest1.ref", "0");
	err(E(rmdir(A)), 0, "rmdir of the subtree");
	forget_events();
	stop();
}

static void test_auto_delete(void)
{
	start();
	mkdir(A, 0755);
	put(A "/auto_delete", "1");
	put(A "/tasks", "0");
	err(cmd("hold 0") ?: cmd("hold 0"), 0, "take two references");
	put(M "/tasks", "0");
	msleep(200);
	ok(!access(A, F_OK), "a released container stays while it is referenced");
	err(put(A "/apitest1.ref", "1"), 0, "and one of the other subsystem");
	err(cmd("drop 0"), 0, "drop the two");
	msleep(200);
	ok(!access(A, F_OK), "it stays for the other");
	err(put(A "/apitest1.ref", "0"), 0, "drop it");
	ok(wait_for(access(A, F_OK)), "it goes with the last reference");

	/* a reference that comes and goes beside members removes nothing */
	mkdir(A, 0755);
	put(A "/auto_delete", "1");
	put(A "/tasks", "0");
	cmd("hold 0");
	cmd("drop 0");
	msleep(100);
	ok(!access(A, F_OK), "the last reference goes while there are members: it stays");
	put(M "/tasks", "0");
	ok(wait_for(access(A, F_OK)), "and goes with the last member");
	forget_events();
	stop();
}

static int spinner(struct kid *up, void *arg)
{
	volatile bool *end = arg;
	int e = 0;

	kid_send(up, 0);
	while (!*end && !e)
		e = cmd("spin 0 200");
	return e;
}

/* References are taken while tasks are moved and containers removed. */
static void test_ref_race(void)
{
	volatile bool *end = mmap_shared(sizeof(*end));
	int rounds = debug_kernel() ? 100 : sized(400, 100), busy = 0, bad = 0;
	struct kid k[2];

	start();
	for (int i = 0; i < 2; i++) {
		k[i] = kid_start(spinner, (void *)end);
		kid_recv(&k[i]);
	}
	for (int i = 0; i < rounds; i++) {
		const char *dir = P(M "/%d", i % 2);

		bad += mkdir(dir, 0755) != 0;
		bad += movepid(dir, k[0].pid) != 0;
		bad += movepid(dir, k[1].pid) != 0;
		bad += movepid(M, k[0].pid) != 0;
		bad += movepid(M, k[1].pid) != 0;
		while (rmdir(dir)) {
			if (errno != EBUSY || busy++ > 100000) {
				bad++;
				break;
			}
		}
	}
	*end = true;
	for (int i = 0; i < 2; i++)
		bad += kid_wait(&k[i]) != 0;
	eq(bad, 0, "%d containers come and go while their states are referenced", rounds);
	diag("rmdir met a reference %d times", busy);
	forget_events();
	stop();
}

/* --- lookups and walks ------------------------------------------------------ */

static void test_lookups(void)
{
	pid_t p = sleeper(), q = sleeper();

	cmd("size 0 8");
	cmd("size 1 16");
	start();
	mkdir(A, 0755);
	mkdir(A "/b", 0755);
	mkdir(A "/b/c", 0755);
	mkdir(M "/d", 0755);
	movepid(A "/b", p);
	movepid(A "/b", q);
	movepid(M "/d", q);
	put(A "/b/c/tasks", "0");
	events();
	err(cmd("walk 0"), 0, "walk over all containers");
	happened("0 walk 1 in 0 members 0;0 walk 2 in 1 members 1;0 walk 3 in 2 members 1;"
		 "0 walk 4 in 0 members 1", "each, parents first");
	err(cmd("path 0 128"), 0, "the path of the current task's container");
	happened("0 path /a/b/c", "it is that");
	err(cmd("path 0 7"), 0, "in a buffer that just fits");
	happened("0 path /a/b/c", "the same");
	err(cmd("path 0 6"), ENAMETOOLONG, "in one that is too small");
	rename(A "/b", A "/x");
	err(cmd("path 0 128"), 0, "the path after a rename");
	happened("0 path /a/x/c", "has the new name");
	err(cmd("walk 1"), 0, "walk as the other subsystem");
	forget_events();
	put(M "/tasks", "0");
	events();
	err(cmd("path 0 2"), 0, "the root's path");
	happened("0 path /", "is /");
	err(cmd("path 0 1"), ENAMETOOLONG, "in a buffer of one");
	err(cmd("path 0 0"), ENAMETOOLONG, "in none");
	reap(p);
	reap(q);
	put(A "/kill_on_rmdir", "1");
	rmdir(A);
	rmdir(M "/d");
	forget_events();
	stop();
}

/* --- mounts at once ----------------------------------------------------------- */

static int mounter(struct kid *up, void *arg)
{
	volatile bool *end = arg;
	int bad = 0;

	mkdir("/tmp/n", 0755);
	kid_send(up, 0);
	while (!*end) {
		if (mount("x", "/tmp/n", "container", 0, BOTH))
			continue;
		/* with all its files, if at all */
		bad += access("/tmp/n/tasks", F_OK) != 0;
		bad += access("/tmp/n/apitest1.ref", F_OK) != 0;
		umount("/tmp/n");
	}
	rmdir("/tmp/n");
	return bad != 0;
}

/* A mount that fails when its hierarchy is there, and another that asks for the same. */
static void test_mount_race(void)
{
	int rounds = debug_kernel() ? 100 : sized(400, 40), failed = 0;
	volatile bool *end = mmap_shared(sizeof(*end));
	struct kid k;

	err(cmd("register 0") ?: cmd("register 1"), 0, "register two");
	mkdir(M, 0755);
	k = kid_start(mounter, (void *)end);
	kid_recv(&k);
	for (int i = 0; i < rounds; i++) {
		cmd("fail 1 populate %d", EDOM);
		if (mount("x", M, "container", 0, BOTH))
			failed++;
		else
			umount(M);
	}
	*end = true;
	eq(kid_wait(&k), 0, "no mount shows what another left half made");
	diag("%d of %d mounts failed", failed, rounds);
	cmd("fail 1 populate 0");
	err(cmount(M, BOTH), 0, "mount");
	ok(!access(M "/tasks", F_OK), "it is complete");
	forget_events();
	stop();
}

/* --- what an author gets wrong ------------------------------------------------ */

/* A line of ours came that says this. */
static void logged(int fd, const char *text, const char *what)
{
	char *lines;

	kmsg_lines(fd, &lines);
	ok(lines && strstr(lines, text), "the log says: %s", what);
	if (!lines || !strstr(lines, text))
		diag("%s", lines ? lines : "nothing");
	close(fd);
}

static int fork_error(void *arg)
{
	if (put(A "/tasks", "0"))
		return 254;
	(void)arg;
	cmd("fail 0 can_fork -5");
	return fork_once();
}

static void test_wrong(void)
{
	const char *dir, *proc;
	int fd = kmsg_open();
	pid_t p;

	/* nothing is registered */
	cmd("stateless 0 1");
	err(cmd("register 0"), EINVAL, "create makes no state");
	logged(fd, "apitest0", "who makes no state");
	cmd("stateless 0 0");
	cmd("fail 0 create -5");
	err(cmd("register 0"), EINVAL, "create returns what is no errno");
	err(cmd("wrong 0 scope"), EINVAL, "a callback that its scope does not have");
	err(cmd("reset 0") ?: cmd("wrong 0 adopt"), EINVAL, "adopt without can_fork");
	cmd("reset 0");
	forget_events();

	start();
	/* the same structure by another name */
	cmd("name 0 other");
	err(cmd("register 0"), EEXIST, "register what is registered, by another name");
	cmd("name 0 apitest0");
	mkdir(A, 0755);
	p = sleeper();
	dir = strdup(names_in(M));
	proc = strdup(state());
	fd = kmsg_open();
	err(cmd("wrong 0 add_file"), EPERM, "add a file after populate");
	logged(fd, "populate", "a file that comes too late");
	err(cmd("wrong 0 add_files"), EPERM, "and without a lock");
	err(cmd("wrong 0 attach"), EINVAL, "move a task without the lock");
	fd = kmsg_open();
	err(cmd("wrong 0 put"), 0, "drop a reference that nobody has");
	logged(fd, "reference", "who dropped it");
	eq(getnum(M "/apitest0.ref"), 0, "the count is as it was");
	err(cmd("wrong 0 agent"), 0, "an agent without the lock, or with a bad path");
	streq(get(M "/release_agent"), "\n", "there is none");
	streq(names_in(M), dir, "no file was added");
	streq(state(), proc, "/proc/containers is as before");
	/* what a callback returns that is no errno */
	for (int i = 0; i < 2; i++) {
		cmd("fail %d create -5", i);
		err(E(mkdir(M "/x", 0755)), EINVAL, "create of %d returns 5", i);
		cmd("fail %d populate -5", i);
		err(E(mkdir(M "/x", 0755)), EINVAL, "populate of %d returns 5", i);
		cmd("fail %d can_attach -5", i);
		err(movepid(A, p), EINVAL, "can_attach of %d returns 5", i);
		cmd("fail %d can_clone -5", i);
		err(cmd("clone 0"), EINVAL, "can_clone of %d returns 5", i);
		cmd("fail %d inherit -5", i);
		err(cmd("clone 0"), EINVAL, "inherit of %d returns 5", i);
		cmd("fail %d inherit 10000", i);
		err(cmd("clone 0"), EINVAL, "inherit of %d returns -10000", i);
	}
	err(in_child(fork_error, NULL), EINVAL, "can_fork returns 5");
	cmd("stateless 1 1");
	err(E(mkdir(M "/x", 0755)), EINVAL, "create makes no state");
	cmd("stateless 1 0");
	streq(names_in(M), dir, "no directory was made");
	streq(state(), proc, "/proc/containers is as before");
	eq(nids(A "/tasks"), 0, "nobody has moved");
	forget_events();
	/* in populate */
	cmd("bad_files 0 1");
	err(E(mkdir(M "/x", 0755)), 0, "files that cannot be, and calls that would hang");
	cmd("bad_files 0 0");
	streq(names_in(M "/x"), names_in(A), "no file is there that should not");
	rmdir(M "/x");
	forget_events();
	reap(p);
	rmdir(A);
	stop();

	err(cmd("register 0"), 0, "register");
	cmd("fail 0 bind -5");
	err(cmount(M, "apitest0"), EINVAL, "bind returns 5");
	cmd("bad_files 0 1");
	err(cmount(M, "apitest0"), 0, "the same in the populate of a mount");
	forget_events();
	err(E(umount(M)), 0, "unmount");
	err(cmd("unregister 0"), 0, "unregister");
	cmd("reset 0");
	forget_events();
	free((void *)dir);
	free((void *)proc);
}

int main(void)
{
	setup_api();
	CASE(test_register());
	CASE(test_too_many());
	CASE(test_task_size());
	CASE(test_bind());
	CASE(test_agent());
	CASE(test_mkdir_fails());
	CASE(test_refs());
	CASE(test_auto_delete());
	CASE(test_ref_race());
	CASE(test_lookups());
	CASE(test_mount_race());
	CASE(test_wrong());
	finish();
}
