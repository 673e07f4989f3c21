// SPDX-License-Identifier: GPL-2.0
/*
 * ns: each allocation of unshare(2) and clone(2) fails in turn, with ns alone and beside all
 * others. It needs a kernel that injects faults.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "actors.h"

struct trial {
	int nth;		/* the allocation that fails */
	int error, left;
	bool clone;
	pid_t child;
	char path[PATH_MAX];
};

static int trial(struct kid *up, void *arg)
{
	int fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	/* kernels before 2026 leave who fails to unshare without a /proc, or any mount */
	int path = open_path();
	struct trial *t = arg;
	struct actor a;
	char buf[16] = "";
	pid_t child = 0;

	(void)up;
	signal(SIGCHLD, SIG_IGN);
	pwrite(fd, buf, sprintf(buf, "%d", t->nth), 0);
	if (t->clone) {
		/* not yet into *t, which the child has, too */
		child = clone_flags(CLONE_NEWUTS);
		if (!child) {
			note_path(&a);
			strcpy(t->path, a.path);
			_exit(0);
		}
		t->error = E(child);
		t->child = child;
	} else {
		t->error = E(unshare(CLONE_NEWUTS | CLONE_NEWNS));
	}
	memset(buf, 0, sizeof(buf));
	pread(fd, buf, sizeof(buf) - 1, 0);
	t->left = atoi(buf);
	pwrite(fd, "0", 1, 0);
	if (t->clone) {
		while (child > 0 && !kill(child, 0))
			msleep(1);
	} else {
		note_path_of(&a, path);
		strcpy(t->path, a.path);
	}
	return 0;
}

/* Each @step-th: a container has many files where others are bound beside ns. */
static void test_no_memory(bool clone, int step)
{
	struct trial *t = mmap_shared(sizeof(*t));
	const char *what = clone ? "clone" : "unshare";
	int failed = 0, without = 0, with = 0, bad = 0, n, fd = kmsg_open(), lines;
	struct hier h;

	if (!inject_faults(true)) {
		skip("%s with failing allocations # this kernel injects no faults", what);
		return;
	}
	for (n = 1; n < 3000; n += step) {
		struct kid k;
		pid_t p;

		memset(t, 0, sizeof(*t));
		t->nth = n;
		t->clone = clone;
		k = kid_start(trial, t);
		kid_wait(&k);
		p = clone ? t->child : k.pid;
		if (t->error) {
			failed++;
			bad += (t->error != ENOMEM && t->error != EAGAIN) || dirs(M);
			bad += !clone && strcmp(t->path, "/");
		} else if (!strcmp(t->path, "/")) {
			without++;
			bad += dirs(M) != 0;
		} else {
			with++;
			bad += strcmp(t->path, P("/%d", p)) != 0;
		}
		if (bad && bad < 5)
			diag("allocation %d: error %d, path %s, %d containers", n, t->error,
			     t->path, dirs(M));
		/* by itself, with its task */
		bad += !wait_for(!dirs(M));
		if (t->left)
			break;
	}
	inject_faults(false);
	ok(!bad && n < 3000, "%s with %s allocation failing in turn", what,
	   step > 1 ? "every now and then an" : "each");
	diag("%d failed, %d without a container, %d with one", failed, without, with);
	lines = complaints(fd);
	ok(lines <= without && (step > 1 || lines || !without), "the log has %d of those %d without", lines,
	   without);
	/* until the log takes all lines again */
	msleep(5500);
	ok(hier(listing, &h) && h.containers == 1, "no container is left");
	close(fd);
}

int main(void)
{
	setup();
	begin_actors();
	err(cmount(M, "ns"), 0, "mount ns");
	CASE(test_no_memory(false, 1));
	CASE(test_no_memory(true, 1));
	err(cumount(M), 0, "unmount");
	mount_all();
	CASE(test_no_memory(false, 9));
	CASE(test_no_memory(true, 9));
	err(cumount(M), 0, "unmount");
	finish();
}
