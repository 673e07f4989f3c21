// SPDX-License-Identifier: GPL-2.0
/*
 * Subsystems that were written for V6: container_v6.h, by the modules in modules/v6acct.
 * That they compile is half of it; the other is that each callback comes, with what V6
 * says it is called with, and that V6's files read and write.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib.h"

#define M "/tmp/m"
#define A M "/a"
/* The event that it accounts for time by. */
#define EVENT "/sys/kernel/tracing/events/sched/sched_stat_runtime/enable"

/* A line of the file calls. */
static long calls(const char *name)
{
	const char *s = get(M "/v6acct.calls");
	long n = -1;

	s = s ? strstr(s, P("%s ", name)) : NULL;
	if (s)
		sscanf(s + strlen(name), "%ld", &n);
	return n;
}

/* Uses CPU time until a file shows some, or for long enough. */
static bool burn(const char *file, long ms)
{
	long end = now_ms() + 60000;

	while (getnum(file) < ms)
		if (now_ms() > end)
			return false;
	return true;
}

static int burner(struct kid *up, void *arg)
{
	(void)arg;
	kid_send(up, put(A "/tasks", "0"));
	kid_recv(up);
	return !burn(A "/v6acct.usage", 50);
}

static void test_files(void)
{
	struct kid k;
	long moves;

	eq(calls("mount"), 1, "mount() was called, with the root");
	eq(mode_of(M "/v6acct.usage"), 0644, "mode of a file with read and write");
	eq(mode_of(M "/v6acct.hold"), 0200, "of one with write alone");
	eq(mode_of(M "/v6acct.calls"), 0444, "and with read alone");
	ok(access(M "/v6acct.opened", F_OK), "a file with open() is refused");
	err(get(M "/v6acct.endless") ? 0 : errno, EFBIG, "a read() without an end is ended");

	err(E(mkdir(A, 0755)), 0, "mkdir");
	streq(get(A "/v6acct.usage"), "0\n", "a new container has used nothing");
	moves = calls("attach");
	k = kid_start(burner, NULL);
	err(kid_recv(&k), 0, "a task moves in");
	eq(calls("attach") - moves, 1, "attach()");
	eq(calls("post_attach"), calls("attach"), "post_attach(), when it is there");
	kid_send(&k, 0);
	eq(kid_wait(&k), 0, "its time is accounted for");
	ok(getnum(A "/v6acct.usage") >= 50, "also after its exit");
	err(put(A "/v6acct.usage", "7"), EINVAL, "what write() refuses");
	err(put(A "/v6acct.usage", "00"), EINVAL, "it sees all that is written");
	ok(getnum(A "/v6acct.usage") >= 50, "nothing has changed");
	err(put(A "/v6acct.usage", "0\n"), 0, "what it takes");
	ok(getnum(A "/v6acct.usage") < 50, "is done");
	ok(burn(M "/v6acct.usage", 10), "the root's time is accounted for, too");
	/* now the kernel calls each function by its address; with CFI it looks at the type first */
	err(put(EVENT, "1"), 0, "somebody else wants its event, too");
	ok(burn(M "/v6acct.usage", getnum(M "/v6acct.usage") + 10), "time is accounted for still");
	err(put(EVENT, "0"), 0, "nobody else does");
}

static void test_tasks(void)
{
	pid_t p = sleeper();

	err(put(A "/v6acct.shut", "1"), 0, "nobody may move in");
	err(movepid(A, p), EPERM, "as can_attach() says");
	err(put(A "/v6acct.shut", "0"), 0, "but now");
	err(movepid(A, p), 0, "one does");
	reap(p);
	ok(wait_for(({
		pid_t *list;
		long live = live_tasks(&list);

		free(list);
		live == calls("alive");
	})), "fork() less exit() is the number of tasks");
	err(put(A "/v6acct.hold", "1"), 0, "a reference");
	err(E(rmdir(A)), EBUSY, "keeps the container");
	err(put(A "/v6acct.hold", "0"), 0, "and without it");
	err(E(rmdir(A)), 0, "it goes");
}

/* Comes and goes; containers are looked at by the probe all the time. */
static void test_often(void)
{
	int e = 0;

	for (int i = 0; i < 20 && !e; i++) {
		e = E(mkdir(A, 0755)) ?: put(A "/tasks", "0") ?: put(M "/tasks", "0");
		e = e ?: E(rmdir(A));
	}
	err(e, 0, "containers come and go");
	err(E(umount(M)), 0, "unmount");
	for (int i = 0; i < 3 && !e; i++) {
		e = rmmod("container_v6acct") ?: cmount(M, "v6acct") ?: E(umount(M));
		if (e)
			break;
	}
	err(e, 0, "the module, too");
	err(cmount(M, "v6acct"), 0, "mount once more");
	eq(calls("umount"), 1, "umount() was called, once in the life of this one");
	err(E(umount(M)), 0, "unmount");
	err(rmmod("container_v6acct"), 0, "rmmod");
}

static void test_controller(void)
{
	err(cmount(M, "v6ctlr"), 0, "mount a controller");
	err(E(mkdir(A, 0755)), 0, "mkdir");
	streq(get(A "/v6ctlr.stats"), "depth 1, moved 0, changes 1, no limit\n",
	      "alloc_shares_struct() knows the container");
	streq(get(A "/v6ctlr.shares"),
	      "res=v6ctlr,min_shares=-2,max_shares=-3,child_shares_divisor=100\n", "its shares");
	err(put(A "/tasks", "0"), 0, "move in");
	err(put(M "/tasks", "0"), 0, "and out");
	ok(strstr(get(A "/v6ctlr.stats"), "moved 1,"), "move_task()");
	err(put(A "/v6ctlr.stats", "res=v6ctlr"), 0, "reset_stats()");
	ok(strstr(get(A "/v6ctlr.stats"), "moved 0,"), "has reset them");
	err(E(rmdir(A)), 0, "rmdir");
	err(E(umount(M)), 0, "unmount");
	err(rmmod("container_v6ctlr"), 0, "rmmod");
}

int main(void)
{
	setup();
	err(cmount(M, "v6acct"), 0, "a mount loads a subsystem of 2006");
	test_files();
	test_tasks();
	test_often();
	test_controller();
	finish();
}
