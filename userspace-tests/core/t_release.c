// SPDX-License-Identifier: GPL-2.0
/*
 * Release: the agent (this program, by another name) runs once for each release with the
 * right arguments and environment; and auto_delete.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "agents.h"

static void test_agent(void)
{
	struct kid k;
	pid_t p, q[20];

	forget();
	mkdir(M "/a", 0755);
	flag(M "/a", "notify_on_release", 1);
	ran_only("", "setting the flag of an empty container does nothing");
	p = member(M "/a");
	reap(p);
	ran_only(RAN("/a"), "the last member exits: the agent runs once");
	p = member(M "/a");
	movepid(M, p);
	ran_only(RAN("/a"), "the last member moves away: once, again");
	movepid(M "/a", p);
	movepid(M "/a", p);
	put(M "/a/procs", "%d", p);
	ran_only("", "moving a member to where it is does nothing");
	q[0] = member(M "/a");
	reap(p);
	ran_only("", "a member is left: no release");
	reap(q[0]);
	ran_only(RAN("/a"), "the last one goes: release");

	for (int i = 0; i < 20; i++)
		q[i] = member(M "/a");
	for (int i = 0; i < 20; i++)
		kill(q[i], SIGKILL);
	for (int i = 0; i < 20; i++)
		reap(q[i]);
	ran_only(RAN("/a"), "20 members killed at once: one release");
	k = kid_start(threads10, NULL);
	kid_recv(&k);
	put(M "/a/procs", "%d", k.pid);
	eq(nids(M "/a/tasks"), 10, "a process of ten threads is a member");
	put(M "/procs", "%d", k.pid);
	ran_only(RAN("/a"), "it moves away as a whole: one release");
	put(M "/a/procs", "%d", k.pid);
	kill(k.pid, SIGKILL);
	kid_wait(&k);
	ran_only(RAN("/a"), "it is killed: one release");

	mkdir(M "/a/b", 0755);
	eq(getnum(M "/a/b/notify_on_release"), 1, "the child inherits the flag");
	p = member(M "/a");
	reap(p);
	ran_only("", "a child is left: no release");
	p = member(M "/a/b");
	reap(p);
	ran_only(RAN("/a/b"), "the path is from the root of the hierarchy");
	err(E(rmdir(M "/a/b")), 0, "rmdir of the child");
	ran_only(RAN("/a"), "the last child is removed: release of the parent");
	mkdir(M "/a/b", 0755);
	p = member(M "/a");
	err(E(rmdir(M "/a/b")), 0, "rmdir of the child");
	ran_only("", "members are left: no release");
	reap(p);
	ran_only(RAN("/a"), "until they go");
	err(E(rename(M "/a", M "/c")), 0, "rename");
	p = member(M "/c");
	reap(p);
	ran_only(RAN("/c"), "the new name is the one told");
	flag(M "/c", "notify_on_release", 0);
	p = member(M "/c");
	reap(p);
	ran_only("", "notify_on_release 0: no agent");
	err(E(rmdir(M "/c")), 0, "rmdir");
	mkdir(M "/a b", 0755);
	flag(M "/a b", "notify_on_release", 1);
	p = member(M "/a b");
	reap(p);
	ran_only(RAN("/a b"), "a path with a blank is one argument");
	err(E(rmdir(M "/a b")), 0, "rmdir");
	ran_only("", "rmdir of a released one is no release of it");
}

/* A path longer than PATH_MAX, made by names relative to the directory above. */
static void test_long_path(void)
{
	char name[201], want[24 * 201 + 1], *end = want, *log;
	int made, fd, n, home = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pid_t p;

	memset(name, 'd', 200);
	name[200] = 0;
	chdir(M);
	made = descend(name, 24);
	eq(made, 24, "containers nest until the path is 4824 bytes");
	for (int i = 0; i < made; i++)
		end += sprintf(end, "/%s", name);
	flag(".", "notify_on_release", 1);
	p = member(".");
	reap(p);
	ran_only(P(RAN("%s"), want), "the agent gets all of a long path");
	eq(ascend(name, made), 0, "all are removed");

	made = descend(name, 660);
	eq(made, 660, "containers nest until the path is 132660 bytes");
	flag(".", "notify_on_release", 1);
	fd = kmsg_open();
	put(M "/release_agent", "\n");
	p = member(".");
	reap(p);
	wait_for(!nids("tasks"));
	msleep(100);
	put(M "/release_agent", AGENT);
	ran_only("", "no agent");
	eq(kmsg_lines(fd, &log), 0, "which is not in the log");
	p = member(".");
	reap(p);
	ran_only("", "an agent, but the path is too long for an argument");
	wait_for((n = kmsg_lines(fd, &log)));
	eq(n, 1, "which the log says");
	close(fd);
	eq(ascend(name, made), 0, "all are removed");
	fchdir(home);
	close(home);
}

/* No agent, a wrong one, one that comes late. */
static void test_no_agent(void)
{
	int fd, n;
	char *log;
	pid_t p;

	mkdir(M "/a", 0755);
	flag(M "/a", "notify_on_release", 1);
	put(M "/release_agent", "\n");
	p = member(M "/a");
	reap(p);
	wait_for(!nids(M "/a/tasks"));
	msleep(100);
	put(M "/release_agent", AGENT);
	ran_only("", "no agent: nothing runs, not even later");
	fd = kmsg_open();
	put(M "/release_agent", "/no/such/agent");
	p = member(M "/a");
	reap(p);
	put(M "/release_agent", AGENT);
	p = member(M "/a");
	reap(p);
	ok(wait_for(runs() >= 1), "after an agent that does not exist");
	n = kmsg_lines(fd, &log);
	eq(n, 0, "which is not in the log");
	close(fd);
	msleep(100);
	forget();
	err(E(rmdir(M "/a")), 0, "rmdir");
}

static void test_auto_delete(void)
{
	struct hier h;
	int fd, e, lost = 0, n = 0;
	char c;
	pid_t p, q;

	mkdir(M "/a", 0755);
	flag(M "/a", "auto_delete", 1);
	ok(!gone(M "/a/tasks"), "setting it on an empty container does nothing");
	p = member(M "/a");
	fd = open(M "/a/tasks", O_RDWR | O_CLOEXEC);
	q = member(M "/a");
	reap(p);
	wait_for(nids(M "/a/tasks") == 1);
	msleep(50);
	ok(!gone(M "/a"), "a member is left: it stays");
	reap(q);
	ok(wait_for(gone(M "/a")), "the last member exits: it is removed");
	err(E(read(fd, &c, 1)), ENODEV, "reading it by an open descriptor");
	err(E(write(fd, "0", 1)), ENODEV, "writing it by an open descriptor");
	close(fd);

	mkdir(M "/a", 0755);
	flag(M "/a", "auto_delete", 1);
	p = member(M "/a");
	movepid(M, p);
	ok(wait_for(gone(M "/a")), "the last member moves away: it is removed");

	/* /a/b/c, all with the flag: one goes after the other */
	mkdir(M "/a", 0755);
	flag(M "/a", "auto_delete", 1);
	mkdir(M "/a/b", 0755);
	mkdir(M "/a/b/c", 0755);
	eq(getnum(M "/a/b/c/auto_delete"), 1, "inherited");
	movepid(M "/a/b/c", p);
	movepid(M, p);
	ok(wait_for(gone(M "/a")), "its removal releases the parents");

	/* removing by hand releases the parent, too */
	mkdir(M "/a", 0755);
	mkdir(M "/a/b", 0755);
	flag(M "/a", "auto_delete", 1);
	err(E(rmdir(M "/a/b")), 0, "rmdir of the last child");
	ok(wait_for(gone(M "/a")), "removes the parent");

	/* a child without the flag keeps the parent */
	mkdir(M "/a", 0755);
	mkdir(M "/a/b", 0755);
	flag(M "/a", "auto_delete", 1);
	movepid(M "/a", p);
	movepid(M, p);
	msleep(100);
	ok(!gone(M "/a/b"), "a child is left: it stays");
	rmdir(M "/a/b");
	ok(wait_for(gone(M "/a")), "until that is removed");

	/* with an agent */
	forget();
	mkdir(M "/a", 0755);
	flag(M "/a", "notify_on_release", 1);
	mkdir(M "/a/b", 0755);
	flag(M "/a/b", "auto_delete", 1);
	movepid(M "/a/b", p);
	movepid(M, p);
	ok(wait_for(gone(M "/a/b")), "removed where an agent is, too");
	ok(wait_for(runs()), "the agent runs");
	ran_only(RAN("/a"), "for the parent, not for the one removed");
	rmdir(M "/a");

	/* a task that comes back in time keeps it, or finds it gone */
	for (int i = 0; i < 200; i++) {
		if (gone(M "/a")) {
			mkdir(M "/a", 0755);
			flag(M "/a", "auto_delete", 1);
			movepid(M "/a", p);
		}
		q = member(M);
		movepid(M, p);
		e = movepid(M "/a", q);
		if (!e) {
			n++;
			msleep(1);
			lost += gone(M "/a/tasks") || !listed(M "/a/tasks", q);
		} else {
			lost += e != ENODEV && e != ENOENT;
		}
		movepid(M "/a", p);
		reap(q);
	}
	eq(lost, 0, "a container that is filled again stays (%d of 200)", n);
	movepid(M, p);
	ok(wait_for(gone(M "/a")), "and goes with its last member");

	/* while nobody has it mounted */
	err(cmount("/tmp/u", "cpuacct"), 0, "mount another hierarchy");
	mkdir("/tmp/u/a", 0755);
	flag("/tmp/u/a", "auto_delete", 1);
	movepid("/tmp/u/a", p);
	err(cumount("/tmp/u"), 0, "unmount it");
	streq(where(p, "cpuacct"), "/a", "it stays active");
	reap(p);
	ok(wait_for(!hier("cpuacct", &h) || h.containers == 1),
	   "its last member exits: the container is removed");
	err(cmount("/tmp/u", "cpuacct"), 0, "mount it again");
	ok(gone("/tmp/u/a"), "the container has gone");
	err(cumount("/tmp/u"), 0, "unmount it");
	ok(!hier("cpuacct", &h), "the hierarchy is dissolved");
}

/* --- kill_on_rmdir --- */

static int enter_and_go(void *dir)
{
	return movepid(dir, getpid());
}

static int enter_kid(struct kid *up, void *dir)
{
	kid_send(up, movepid(dir, getpid()));
	kid_recv(up);
	return 0;
}

/* A container removes itself while somebody removes the one above. */
static void test_both_levels(void)
{
	int rounds = debug_kernel() ? 50 : 200, good = 0, busy = 0;

	for (int i = 0; i < rounds; i++) {
		long end = now_ms() + DEADLINE_MS;
		struct kid k;
		int e;

		mkdir(M "/p", 0755);
		mkdir(M "/p/c", 0755);
		put(M "/p/c/auto_delete", "1");
		k = kid_start(enter_kid, M "/p/c");
		kid_recv(&k);
		kid_send(&k, 0);
		while ((e = E(rmdir(M "/p"))) == EBUSY && now_ms() < end)
			busy++;
		good += !e && gone(M "/p");
		kid_wait(&k);
	}
	eq(good, rounds, "both are gone, each time");
	diag("the one above was busy %d times", busy);
}

/* --- a directory that somebody lists for ever --- */

/* Reads it into memory that does not come. */
static int lister(struct kid *up, void *dir)
{
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC), fd = open(dir, O_RDONLY | O_DIRECTORY);
	struct uffdio_api api = { .api = UFFD_API };
	char *hole = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int e;

	reg.range.start = (unsigned long)hole;
	reg.range.len = 4096;
	e = uffd < 0 ? errno : E(ioctl(uffd, UFFDIO_API, &api)) ?:
	    E(ioctl(uffd, UFFDIO_REGISTER, &reg));
	kid_send(up, e);
	if (!e)
		syscall(SYS_getdents64, fd, hole, 4096);
	return 0;
}

static int mkdir_kid(struct kid *up, void *dir)
{
	(void)up;
	return E(mkdir(dir, 0755));
}

/* Nobody else notices. */
static void test_held_up(void)
{
	struct kid k, r[3];
	char buf[4096];
	int e, fd;

	mkdir(M "/h", 0755);
	mkdir(M "/h/x", 0755);
	mkdir(M "/h/y", 0755);
	k = kid_start(lister, M "/h");
	e = kid_recv(&k);
	if (e) {
		skip("no userfaultfd here: %s", strerror(e));
		goto out;
	}
	ok(wait_for(strchr("SD", task_state(k.pid, k.pid))),
	   "somebody lists a directory, and does not end");
	msleep(50);
	r[0] = kid_start(rmdir_kid, M "/h/x");
	ok(wait_for(gone(M "/h/x")), "rmdir in it does not wait");
	flag(M "/h/y", "auto_delete", 1);
	in_child(enter_and_go, M "/h/y");
	ok(wait_for(gone(M "/h/y")), "nor does an automatic removal");
	r[1] = kid_start(mkdir_kid, M "/h/z");
	ok(wait_for(!gone(M "/h/z")), "nor mkdir");
	fd = open(M "/h", O_RDONLY | O_DIRECTORY);
	ok(syscall(SYS_getdents64, fd, buf, sizeof(buf)) > 0, "nor another list");
	close(fd);
	rmdir(M "/h/z");
	r[2] = kid_start(rmdir_kid, M "/h");
	ok(wait_for(gone(M "/h")), "nor its own removal");
	kill(k.pid, SIGKILL);
	for (int i = 0; i < 3; i++)
		err(kid_wait(&r[i]), 0, "it was done");
out:
	kid_wait(&k);
	rmdir(M "/h/x");
	rmdir(M "/h/y");
	rmdir(M "/h/z");
	rmdir(M "/h");
}

#define DELAY "/sys/module/delaytest/parameters/usecs"

/* Moves its parent, and has the manage lock until it is let go, or for some seconds. */
static int move_slowly(struct kid *up, void *arg)
{
	(void)up;
	(void)arg;
	prctl(PR_SET_NAME, "delaytest");
	return put(M "/w/procs", "%d", getppid()) ? errno : 0;
}

static int keep(struct kid *up, void *arg)
{
	(void)up;
	(void)arg;
	return put(M "/k/auto_delete", "0") ? errno : 0;
}

/* A 0 that was written while the last member exited. */
static void test_kept(void)
{
	const char *module = modfile("delaytest");
	struct kid mover, writer;
	pid_t p;

	if (!module || modinsert(module, "function=member_ensure usecs=500000")) {
		skip("auto_delete is switched off # no module to hold the lock");
		return;
	}
	mkdir(M "/k", 0755);
	mkdir(M "/w", 0755);
	flag(M "/k", "auto_delete", 1);
	p = member(M "/k");
	mover = kid_start(move_slowly, NULL);
	msleep(200);
	writer = kid_start(keep, NULL);
	ok(wait_for(task_state(writer.pid, writer.pid) == 'D' ||
		    task_state(writer.pid, writer.pid) == 'R'), "auto_delete is switched off");
	msleep(100);
	reap(p);
	msleep(100);
	put(DELAY, "0");
	err(kid_wait(&mover), 0, "after somebody else's move");
	err(kid_wait(&writer), 0, "and after the last member has exited");
	msleep(300);
	ok(!gone(M "/k"), "so the container stays");
	rmmod("delaytest");
	movepid(M, getpid());
	rmdir(M "/k");
	rmdir(M "/w");
}

int main(int argc, char **argv, char **env)
{
	if (!strcmp(argv[0], AGENT))
		return agent_main(argc, argv, env);
	begin_release();
	CASE(test_agent());
	CASE(test_long_path());
	CASE(test_no_agent());
	CASE(test_auto_delete());
	CASE(test_both_levels());
	CASE(test_held_up());
	CASE(test_kept());
	end_release();
}
