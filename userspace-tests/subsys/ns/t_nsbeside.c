// SPDX-License-Identifier: GPL-2.0
/*
 * ns beside other subsystems: all in one hierarchy, a fork rate, and the module of t_api,
 * whose callbacks refuse, and sleep.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "actors.h"

#define CMD "/sys/kernel/debug/container_apitest/cmd"

/* --- where no container can be made ------------------------------------------ */

static void test_refusals(void)
{
	static const char *const calls[] = { "create", "inherit", "populate", "can_clone" };
	int fd = kmsg_open(), e, lines;
	struct actor *a, *b;
	struct hier h;

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		a = actor();
		put(CMD, "fail 0 %s %d", calls[i], EDOM);
		err(unshares(a, CLONE_NEWUTS), 0, "%s fails: unshare succeeds all the same", calls[i]);
		streq(a->path, "/", "the task is where it was");
		eq(complaints(fd), 1, "the log says so, once");
		put(CMD, "fail 0 %s %d", calls[i], EDOM);
		b = spawn(a, CLONE_NEWUTS, &e);
		err(e, 0, "clone, too");
		streq(b->path, "/", "the child is where its parent is");
		eq(complaints(fd), 1, "the log says so, once");
		eq(dirs(M), 0, "nothing is left behind");
		ok(hier(listing, &h) && h.containers == 1, "/proc/containers says so, too");
		err(unshares(a, CLONE_NEWUTS), 0, "the next time it works");
		streq(a->path, P("/%d", a->pid), "and makes a container");
		eq(complaints(fd), 0, "which is not in the log");
		curtain();
	}

	/* again and again */
	a = actor();
	for (int i = 0; i < 60; i++) {
		put(CMD, "fail 0 create %d", EDOM);
		unshares(a, CLONE_NEWUTS);
	}
	lines = complaints(fd);
	ok(lines >= 1 && lines <= 40, "of 60 failures %d are in the log", lines);
	streq(at(a->pid), "/", "the task is where it was");
	curtain();
	close(fd);
}

/* So deep that the path is longer than PATH_MAX. */
static void test_deep(void)
{
	struct actor *a = actor();
	const char *dir = M;
	int fd, size, failed = 0;
	pid_t p = a->pid;

	fd = kmsg_open();
	put(PARAM "max_depth", "4096");
	/* long names make it quick; one level at a time, as ns wants it */
	for (int i = 0; i < 19; i++) {
		dir = strdup(P("%s/%0200d", dir, i));
		mkdir(dir, 0755);
		put(P("%s/auto_delete", dir), "1");
		movepid(dir, p);
	}
	do {
		size = strlen(at(p));
		failed += unshares(a, CLONE_NEWUTS) != 0;
	} while (!failed && strlen(at(p)) > (size_t)size && size < PATH_MAX + 100);
	eq(failed, 0, "unshare succeeds on the way down");
	ok(size >= PATH_MAX + 100, "each time there is a container; a path of %d bytes is shown", size);
	eq(complaints(fd), 0, "the log says nothing");
	kill(p, SIGKILL);
	waitpid(p, NULL, 0);
	ok(wait_for(!dirs(M)), "its end is the end of all of them");
	put(PARAM "max_depth", "32");
	nactors = 0;
	close(fd);
}

/* --- one that cannot be killed ------------------------------------------------- */

static int staller(struct kid *up, void *arg)
{
	(void)arg;
	if (unshare(CLONE_NEWUTS))
		return 1;
	kid_send(up, 0);
	kid_recv(up);
	put(CMD, "stall 0");
	return 0;
}

static void nothing(int sig)
{
	(void)sig;
}

static int remover(struct kid *up, void *dir)
{
	struct sigaction sa = { .sa_handler = nothing };

	sigaction(SIGUSR1, &sa, NULL);
	kid_send(up, 0);
	return E(rmdir(dir));
}

static void test_stalled(void)
{
	struct kid k = kid_start(staller, NULL), r;
	char *dir, *sub;
	pid_t p;

	kid_recv(&k);
	dir = strdup(P(M "/%d", k.pid));
	sub = strdup(P("%s/sub", dir));
	mkdir(sub, 0755);
	mkdir(P("%s/sub/sub", dir), 0755);
	put(P("%s/kill_on_rmdir", dir), "1");
	p = sleeper();
	/* from the root into a child of it, then one level down: there is a member in it */
	err(movepid(dir, p), EPERM, "another task cannot join");
	kid_send(&k, 0);
	ok(wait_for(task_state(k.pid, k.pid) == 'D'), "a task sleeps, and cannot be woken");
	r = kid_start(remover, dir);
	kid_recv(&r);
	msleep(200);
	ok(!gone(sub) && listed(P("%s/tasks", dir), k.pid), "rmdir with kill_on_rmdir waits");
	eq(task_state(r.pid, r.pid), 'S', "and can be interrupted");
	kill(r.pid, SIGUSR1);
	err(kid_wait(&r), EINTR, "interrupted, it says EINTR");
	ok(!gone(P("%s/sub/sub", dir)) && getnum(P("%s/kill_on_rmdir", dir)) == 1,
	   "nothing is removed");
	err(E(mkdir(P("%s/new", sub), 0755)), 0, "the tree is as good as ever");
	ok(listed(P("%s/tasks", dir), k.pid), "the task is there");
	r = kid_start(remover, dir);
	kid_recv(&r);
	msleep(100);
	kill(r.pid, SIGKILL);
	eq(kid_wait(&r), -SIGKILL, "rmdir can be killed");
	ok(!gone(P("%s/new", sub)), "nothing is removed");
	put(P("%s/kill_on_rmdir", dir), "0");
	err(E(rmdir(dir)), EBUSY, "without the flag: EBUSY");
	put(P("%s/kill_on_rmdir", dir), "1");
	r = kid_start(remover, dir);
	kid_recv(&r);
	msleep(100);
	put(CMD, "wake 0");
	err(kid_wait(&r), 0, "rmdir ends when the task does");
	ok(gone(dir), "all is removed");
	eq(kid_wait(&k), -SIGKILL, "the task was killed");
	reap(p);
	free(dir);
	free(sub);
}

/* --- beside other subsystems --------------------------------------------------------- */

static const char *const copied[] = {
	"cpuset.cpus", "cpuset.mems",
};

static void same_files(const char *parent, const char *child)
{
	for (size_t i = 0; i < ARRAY_SIZE(copied); i++) {
		char *want = get(P("%s/%s", parent, copied[i]));

		if (want)
			streq(get(P("%s/%s", child, copied[i])), strdupa(want), "%s is the parent's",
			      copied[i]);
	}
}

static int forks_on(struct kid *up, void *arg)
{
	int *limit = arg, n = 0;
	pid_t self = getpid();

	signal(SIGCHLD, SIG_IGN);
	kid_send(up, 0);
	kid_recv(up);
	if (unshare(CLONE_NEWUTS | CLONE_NEWIPC))
		return 255;
	while (n < 200) {
		pid_t p = n % 2 ? clone_flags(CLONE_NEWUTS) : fork();

		if (!p) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			/* it may be gone before that */
			while (getppid() == self)
				pause();
			_exit(0);
		}
		if (p < 0)
			break;
		n++;
	}
	*limit = errno;
	kid_send(up, n);
	kid_recv(up);
	return 0;
}

static void test_all_together(void)
{
	int *e = mmap_shared(sizeof(*e)), n;
	struct actor *a, *b;
	struct kid k;
	char *total;

	mount_all();
	total = strdup(get("/sys/module/container_numtasks/parameters/total_numtasks"));

	a = actor();
	err(unshares(a, CLONE_NEWUTS), 0, "unshare at the root");
	streq(a->path, P("/%d", a->pid), "a container in all of them");
	same_files(M, P(M "/%d", a->pid));
	b = spawn(a, CLONE_NEWNET, NULL);
	streq(b->path, P("/%d/%d", a->pid, b->pid), "clone there");
	same_files(M, P(M "/%d/%d", a->pid, b->pid));
	curtain();

	put("/sys/module/container_numtasks/parameters/total_numtasks", "1000");
	mkdir(M "/lim", 0755);
	put(M "/lim/cpuset.cpus", "0");
	put(M "/lim/cpuset.mems", "0");
	err(put(M "/lim/numtasks.shares", "max_shares=2"), 0, "a container of 20 tasks");
	err(put(M "/lim/bc.numfiles.barrier", "50"), 0, "and 50 files");
	put(M "/lim/bc.numtasks.barrier", "70");
	err(put(M "/lim/bc.numtasks.limit", "77"), 0, "and 77 tasks by bc");
	k = kid_start(forks_on, e);
	kid_recv(&k);
	err(movepid(M "/lim", k.pid), 0, "a task goes there");
	kid_send(&k, 0);
	n = kid_recv(&k);
	eq(n, 19, "makes namespaces, and children until it is refused");
	err(*e, EAGAIN, "with EAGAIN: the limit holds below");
	streq(at(k.pid), P("/lim/%d", k.pid), "it is in its own");
	same_files(M "/lim", P(M "/lim/%d", k.pid));
	/* when they have run at all */
	ok(wait_for(dirs(P(M "/lim/%d", k.pid)) >= 9), "so are those of its children that made some");
	ok(strstr(get(M "/lim/numtasks.stats"), "usage 20\n"), "numtasks counts them all");
	eq(getnum(M "/lim/bc.numtasks.held"), 20, "and so does bc");
	eq(getnum(P(M "/lim/%d/bc.numfiles.limit", k.pid)), 512, "whose own limits begin as ever");
	kid_send(&k, 0);
	kid_wait(&k);
	wait_for(strstr(get(M "/lim/numtasks.stats"), "usage 0\n"));
	ok(strstr(get(M "/lim/numtasks.stats"), "usage 0\n"), "and none when they are gone");
	prune_all();
	put("/sys/module/container_numtasks/parameters/total_numtasks", "%s", total);
	err(cumount(M), 0, "unmount");
	free(total);
}

/* Each child has namespaces of its own, and children. */
static int rated(struct kid *up, void *arg)
{
	volatile int *n = arg;

	kid_recv(up);
	drop_to(1000);
	for (int i = 0; i < 5; i++) {
		pid_t p = fork(), q;

		if (p < 0)
			break;
		if (!p) {
			if (unshare(CLONE_NEWUSER))
				_exit(1);
			for (int j = 0; j < 20; j++) {
				q = fork();
				if (!q)
					_exit(0);
				if (q < 0)
					break;
				++*n;
				waitpid(q, NULL, 0);
			}
			_exit(0);
		}
		++*n;
		waitpid(p, NULL, 0);
	}
	kid_send(up, 0);
	kid_recv(up);
	return 0;
}

static void test_forkrate(void)
{
	int *n = mmap_shared(sizeof(*n)), fd = kmsg_open();
	char *log, *line;
	struct kid k;

	modprobe("container_numtasks");
	put("/proc/sys/kernel/unprivileged_userns_clone", "1");
	err(cmount(M, "ns,numtasks"), 0, "mount ns,numtasks");
	mkdir(M "/lim", 0755);
	k = kid_start(rated, n);
	err(movepid(M "/lim", k.pid), 0, "a user in a container");
	put("/sys/module/container_numtasks/parameters/forkrate_interval", "1000");
	put("/sys/module/container_numtasks/parameters/forkrate", "12");
	kid_send(&k, 0);
	kid_recv(&k);
	eq(*n, 12, "the fork rate is one for it and those that it makes namespaces in");
	kmsg_lines(fd, &log);
	line = strstr(log, "container /lim");
	ok(line && strstr(line, "/lim had 12 forks in 1000 s, the limit is 12"),
	   "the log has the refusal");
	put("/sys/module/container_numtasks/parameters/forkrate", "2147483647");
	put("/sys/module/container_numtasks/parameters/forkrate_interval", "1");
	kid_send(&k, 0);
	kid_wait(&k);
	close(fd);
	rmdir(M "/lim");
	wait_for(!dirs(M));
	err(cumount(M), 0, "unmount");
}

int main(void)
{
	setup();
	begin_actors();
	CASE(test_all_together());
	CASE(test_forkrate());

	modprobe("container_apitest");
	put(CMD, "register 0");
	err(cmount(M, "ns,apitest0"), 0, "mount beside a third party's subsystem");
	set = "ns,apitest0";
	listing = "ns, apitest0";
	CASE(test_deep());
	CASE(test_refusals());
	CASE(test_stalled());
	err(cumount(M), 0, "unmount");
	put(CMD, "unregister 0");
	finish();
}
