// SPDX-License-Identifier: GPL-2.0
/*
 * ns: how many containers it makes at most, and how they go: by themselves, with an agent,
 * or at the end of a virtual server.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "actors.h"

#define AGENT "/tmp/agent"
#define LOG "/tmp/agent.log"

/* --- release ------------------------------------------------------------------- */

static int agent_main(const char *path)
{
	int fd = open(LOG, O_WRONLY | O_APPEND | O_CREAT, 0644);

	return dprintf(fd, "%s\n", path) < 0;
}

static void test_release(void)
{
	struct actor *a = actor();
	pid_t p = a->pid, q;
	char *log;

	/* else it would remove itself instead */
	put(PARAM "auto_delete", "0");
	mkdir(M "/p", 0755);
	put(M "/p/notify_on_release", "1");
	movepid(M "/p", p);
	unlink(LOG);
	put(M "/release_agent", AGENT);
	err(unshares(a, CLONE_NEWUTS), 0, "unshare by the last member of a container");
	eq(getnum(P(M "/p/%d/notify_on_release", p)), 1, "the new one inherits the flag");
	kill(p, SIGKILL);
	waitpid(p, NULL, 0);
	ok(wait_for((log = get(LOG)) && *log), "the agent runs when it exits");
	rmdir(P(M "/p/%d", p));
	ok(wait_for((log = get(LOG)) && strstr(log, "/p\n")), "and when the new one is removed");
	msleep(100);
	streq(get(LOG), P("/p/%d\n/p\n", p), "but not when it left for its own: nobody else did");
	put(M "/release_agent", "\n");
	put(PARAM "auto_delete", "1");
	curtain();

	a = actor();
	mkdir(M "/p", 0755);
	put(M "/p/auto_delete", "1");
	put(M "/p/kill_on_rmdir", "1");
	p = a->pid;
	movepid(M "/p", p);
	err(unshares(a, CLONE_NEWUTS), 0, "the same with auto_delete");
	msleep(100);
	streq(at(p), P("/p/%d", p), "the parent stays");
	eq(getnum(P(M "/p/%d/auto_delete", p)), 1, "auto_delete is inherited");
	eq(getnum(P(M "/p/%d/kill_on_rmdir", p)), 1, "kill_on_rmdir is inherited");
	q = spawn(a, CLONE_NEWUTS, NULL)->pid;
	kill(p, SIGKILL);
	waitpid(p, NULL, 0);
	msleep(50);
	ok(!gone(P(M "/p/%d/%d", p, q)) || !at(q)[0], "and as long as there is a member below");
	kill(q, SIGKILL);
	ok(wait_for(gone(M "/p")), "all of it goes with the last task");
	curtain();
}

/* --- bounds --------------------------------------------------------------------- */

/* An ordinary user's: each makes namespaces and exits. */
static int come_and_go(void *arg)
{
	int failed = 0, st;

	for (int i = 0; i < *(int *)arg; i++) {
		pid_t p = fork();

		if (!p)
			_exit(unshare(CLONE_NEWUSER) != 0);
		if (p < 0 || waitpid(p, &st, 0) < 0 || st)
			failed++;
	}
	return failed < 255 ? failed : 255;
}

static void test_bounds(void)
{
	int n = 200, fd = kmsg_open(), good = 0;
	long before = without();
	struct actor *a, *b[6];
	const char *dir;

	ok(before >= 0, "/proc/containers has a number of those without a container");
	streq(get(PARAM "auto_delete"), "Y\n", "auto_delete is on at first");
	eq(getnum(PARAM "max_depth"), 32, "max_depth is 32");
	eq(getnum(PARAM "max_containers"), 4096, "max_containers is 4096");

	/* each goes with its last task */
	a = actor();
	err(unshares(a, CLONE_NEWUTS), 0, "unshare");
	eq(getnum(P(M "/%d/auto_delete", a->pid)), 1, "its container has auto_delete");
	b[0] = spawn(a, CLONE_NEWUTS, NULL);
	eq(getnum(P(M "/%d/%d/auto_delete", a->pid, b[0]->pid)), 1, "so has one below");
	dir = strdup(P(M "/%d", a->pid));
	put(P("%s/%d/auto_delete", dir, b[0]->pid), "0");
	kill(a->pid, SIGKILL);
	waitpid(a->pid, NULL, 0);
	wait_for(kill(b[0]->pid, 0));
	msleep(50);
	ok(!gone(dir), "it stays as long as there is one below");
	err(E(rmdir(P("%s/%d", dir, b[0]->pid))), 0, "until that is removed");
	ok(wait_for(gone(dir)), "and goes after it");
	nactors = 0;
	put("/proc/sys/kernel/unprivileged_userns_clone", "1");
	eq(as_user(1000, come_and_go, &n), 0, "%d short-lived tasks of an ordinary user", n);
	ok(wait_for(!dirs(M)), "leave nothing");
	eq(without(), before, "each had its container");

	/* unless somebody wants to keep it */
	a = actor();
	unshares(a, CLONE_NEWUTS);
	dir = strdup(P(M "/%d", a->pid));
	err(put(P("%s/auto_delete", dir), "0"), 0, "0 in auto_delete");
	kill(a->pid, SIGKILL);
	waitpid(a->pid, NULL, 0);
	msleep(100);
	ok(!gone(dir), "keeps it");
	err(E(rmdir(dir)), 0, "until somebody removes it");
	put(PARAM "auto_delete", "0");
	nactors = 0;
	a = actor();
	unshares(a, CLONE_NEWUTS);
	eq(getnum(P(M "/%d/auto_delete", a->pid)), 0, "with the parameter off none has it");
	put(PARAM "auto_delete", "1");
	curtain();

	/* how deep */
	put(PARAM "max_depth", "3");
	mkdir(M "/own", 0755);
	a = actor();
	movepid(M "/own", a->pid);
	before = without();
	complaints(fd);
	for (int i = 0; i < 10; i++)
		good += !unshares(a, CLONE_NEWUTS);
	eq(good, 10, "unshare again and again");
	streq(at(a->pid), P("/own/%d/%d/%d/%d", a->pid, a->pid, a->pid, a->pid),
	      "nests to max_depth below the first, and no deeper");
	eq(without(), before + 6, "the others are counted");
	eq(complaints(fd), 1, "and are in the log, once");
	b[0] = spawn(a, CLONE_NEWUTS, NULL);
	streq(b[0]->path, at(a->pid), "nor does clone");
	put(PARAM "max_depth", "32");
	curtain();
	good = 0;
	a = actor();
	for (int i = 0; i < 40; i++)
		good += !unshares(a, CLONE_NEWUTS);
	eq(good, 40, "by default");
	for (good = 0, dir = at(a->pid); *dir; dir++)
		good += *dir == '/';
	eq(good, 33, "that is 32 below the first");
	curtain();
	ok(wait_for(!dirs(M)), "which all go");

	/* how many */
	put(PARAM "max_containers", "5");
	before = without();
	for (int i = 0; i < 6; i++) {
		b[i] = actor();
		good = unshares(b[i], CLONE_NEWUTS);
	}
	err(good, 0, "unshare when there are enough containers");
	streq(b[4]->path, P("/%d", b[4]->pid), "the fifth has one");
	streq(b[5]->path, "/", "the sixth has none");
	eq(without(), before + 1, "and is counted");
	mkdir(M "/x", 0755);
	ok(!gone(M "/x"), "mkdir is another matter");
	kill(b[0]->pid, SIGKILL);
	ok(wait_for(dirs(M) == 5), "one ends");
	unshares(b[5], CLONE_NEWUTS);
	streq(b[5]->path, P("/%d", b[5]->pid), "and makes room");
	put(PARAM "max_containers", "4096");
	curtain();
	ok(wait_for(!dirs(M)), "none is left");
	close(fd);
}

/* Many short lives, in many processes at once. */
static int short_lives(struct kid *up, void *arg)
{
	int n = *(int *)arg, failed = 0, st;

	kid_recv(up);
	signal(SIGCHLD, SIG_DFL);
	for (int i = 0; i < n; i++) {
		unsigned long f = i % 3 ? CLONE_NEWUTS : CLONE_NEWCGROUP | CLONE_NEWUTS;
		pid_t p = i % 2 ? clone_flags(f) : fork();

		if (!p)
			_exit(i % 2 ? 0 : unshare(f) != 0);
		if (p < 0 || waitpid(p, &st, 0) < 0 || st)
			failed++;
	}
	return failed < 255 ? failed : 255;
}

static void test_auto_delete(void)
{
	int n = 500, failed = 0, left;
	struct kid k[4];
	struct hier h;

	put(PARAM "auto_delete", "0");
	mkdir(M "/a", 0755);
	put(M "/a/auto_delete", "1");
	pid_t keeper = sleeper();

	movepid(M "/a", keeper);
	for (int i = 0; i < 4; i++) {
		char *dir = strdup(P(M "/a%d", i));

		k[i] = kid_start(short_lives, &n);
		/* two in containers of their own, two at the root */
		if (i < 2) {
			mkdir(dir, 0755);
			put(P("%s/auto_delete", dir), "1");
			movepid(dir, k[i].pid);
		}
		free(dir);
		kid_send(&k[i], 0);
	}
	/* for as long as it takes: kid_recv() has a deadline */
	for (int i = 0; i < 4; i++)
		failed += abs(kid_wait(&k[i]));
	eq(failed, 0, "%d short-lived tasks with namespaces of their own", 4 * n);
	ok(wait_for(gone(M "/a0") && gone(M "/a1")), "with auto_delete nothing is left of theirs");
	reap(keeper);
	ok(wait_for(gone(M "/a")), "nor of a container that nobody made namespaces in");
	left = dirs(M);
	eq(left, 2 * n, "without it they stay");
	put(PARAM "auto_delete", "1");
	prune_all();
	ok(wait_for(hier(listing, &h) && h.containers == 1), "no container is left");
	ok(wait_for(lists_all(M)), "the members are the live tasks");
}

/* --- virtual servers ------------------------------------------------------------ */

static void deaf(void)
{
	for (int sig = 1; sig < 65; sig++)
		signal(sig, SIG_IGN);
}

static void daemons(void)
{
	for (int i = 0; i < 4; i++)
		if (!fork()) {
			setsid();
			if (fork())
				_exit(0);
			deaf();
			if (i == 3)
				raise(SIGSTOP);
			for (;;)
				pause();
		}
}

static void bomb(int *count)
{
	int most = 60;

	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		if (__atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST) > most) {
			__atomic_sub_fetch(count, 1, __ATOMIC_SEQ_CST);
			sched_yield();
			continue;
		}
		if (fork())
			continue;
		/* every other one goes by itself, some first make a container */
		if (!(getpid() & 6) && unshare(CLONE_NEWUTS))
			_exit(1);
		if (getpid() & 1) {
			__atomic_sub_fetch(count, 1, __ATOMIC_SEQ_CST);
			_exit(0);
		}
	}
}

/* The first process of a server, and what it runs. */
static int server(struct kid *up, void *arg)
{
	if (unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET))
		return 1;
	if (!fork()) {
		deaf();
		daemons();
		if (!fork()) {
			signal(SIGCHLD, SIG_DFL);
			execl("/bin/sh", "sh", "-c", "while :; do sleep 1; done", NULL);
			_exit(1);
		}
		if (arg && !fork())
			bomb(arg);
		for (;;)
			pause();
	}
	kid_send(up, 0);
	for (;;)
		pause();
}

/* How many live processes are in a pid namespace. */
static int population(const char *pidns)
{
	pid_t *list;
	int n = live_tasks(&list), found = 0;

	for (int i = 0; i < n; i++)
		found += !strcmp(ns_of(list[i], "pid"), pidns);
	free(list);
	return found;
}

static void test_server(bool with_bomb)
{
	int *count = mmap_shared(sizeof(*count));
	struct kid k = kid_start(server, with_bomb ? count : NULL);
	char *dir, *pidns, *s;
	long start, ms;
	pid_t *list;
	int n, e;

	kid_recv(&k);
	dir = strdup(P(M "/%d", k.pid));
	pidns = strdup(ns_of(k.pid, "pid_for_children"));
	if (with_bomb)
		ok(wait_for(dirs(dir) > 8), "a server with a fork bomb, which makes namespaces, too");
	else
		ok(wait_for(population(pidns) >= 6 && nids(P("%s/tasks", dir)) >= 7),
		   "a server with an init, a shell and four daemons in a pid namespace");
	err(E(rmdir(dir)), EBUSY, "rmdir without kill_on_rmdir");
	put(P("%s/kill_on_rmdir", dir), "1");
	start = now_ms();
	e = E(rmdir(dir));
	ms = now_ms() - start;
	err(e, 0, "rmdir with kill_on_rmdir");
	ok(ms < (debug_kernel() ? 60000 : 15000), "takes %ld ms", ms);
	ok(gone(dir), "its directories have gone");
	eq(dirs(M), 0, "all of them");
	eq(kid_wait(&k), -SIGKILL, "its first process was killed");
	ok(wait_for(!population(pidns)), "nobody is left in the pid namespace");
	n = tree_tasks(M, &list);
	for (int i = e = 0; i < n; i++) {
		s = get(P("/proc/%d/stat", list[i]));
		e += s && strstr(s, "(t_ns") && list[i] != getpid();
	}
	eq(e, 0, "nor in a tasks file");
	free(list);
	free(dir);
	free(pidns);
}

int main(int argc, char **argv)
{
	if (!strcmp(argv[0], AGENT))
		return agent_main(argc > 1 ? argv[1] : "");
	setup();
	begin_actors();
	copy_file("/proc/self/exe", AGENT, 0755);
	err(cmount(M, "ns"), 0, "mount ns");
	CASE(test_release());
	CASE(test_bounds());
	CASE(test_auto_delete());
	CASE(test_server(false));
	for (int i = 0; i < 3; i++)
		CASE(test_server(true));
	err(cumount(M), 0, "unmount");
	unlink(AGENT);
	unlink(LOG);
	finish();
}
