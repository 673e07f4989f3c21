// SPDX-License-Identifier: GPL-2.0
/*
 * bc: each allocation of each operation fails in turn, and every figure stays right. It
 * needs a kernel that injects faults.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "bcworkers.h"

static int op_open(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? errno : (close(fd), 0);
}

static int op_pipe(void)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC))
		return errno;
	close(p[0]);
	close(p[1]);
	return 0;
}

static int op_socketpair(void)
{
	int p[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p))
		return errno;
	close(p[0]);
	close(p[1]);
	return 0;
}

static int op_vfork(void) { return vfork_error(0); }

static int op_mmap(void)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : E(munmap(p, PAGE));
}

static int op_move(void)
{
	static int fd = -1;
	int e;

	if (fd < 0)
		fd = open(B "/tasks", O_WRONLY | O_CLOEXEC);
	e = E(pwrite(fd, "0", 1, 0));
	return e;
}

static int op_mkdir(void)
{
	return E(mkdir(A "/x", 0755));
}

static const struct op {
	const char *name;
	int (*fn)(void);
} ops[] = {
	{ "open", op_open }, { "pipe", op_pipe }, { "socketpair", op_socketpair },
	{ "fork", fork_once }, { "vfork", op_vfork }, { "mmap", op_mmap },
	{ "a move", op_move }, { "mkdir", op_mkdir },
};

/* In the worker: how many went wrong. Its figures are the test's to look at. */
static long fail_op(long nr)
{
	const struct op *o = &ops[nr];
	int n, e, left;
	long bad = 0;

	if (o->fn())
		return 1000;
	put(A "/tasks", "0");
	rmdir(A "/x");
	for (n = 1; n < 500; n++) {
		fail_nth(n);
		e = o->fn();
		left = fail_left();
		fail_nth(0);
		put(A "/tasks", "0");
		rmdir(A "/x");
		if (left)
			break;
		/* sockets have an errno of their own for want of memory */
		if (e && e != ENOMEM && e != EAGAIN && e != ENFILE && e != ENOBUFS) {
			diag("%s, allocation %d: %s", o->name, n, strerror(e));
			bad++;
		}
	}
	return n < 500 ? bad : 2000;
}

/* Most are alike, for one task or file after another, and a mount takes its time. */
static int mount_failing(void)
{
	int n, e, left, bad = 0;

	for (n = 1; n < 3000; n += n < 60 ? 1 : 11) {
		fail_nth(n);
		e = E(mount("x", M, "container", 0, "bc"));
		left = fail_left();
		fail_nth(0);
		if (!e) {
			/* it was tried again, or can be done without */
			if (umount(M))
				bad++;
		} else if (e != ENOMEM) {
			diag("allocation %d: %s", n, strerror(e));
			bad++;
		}
		bad += nhiers() != 1;
		if (left)
			break;
	}
	diag("%d allocations", n);
	return bad;
}

static void test_fault(void)
{
	struct worker w;

	if (!inject_faults(true)) {
		skip("failing allocations # this kernel injects no faults");
		return;
	}
	mount_bc();
	make(A);
	make(B);
	w = worker(A);
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		long files = i ? held(A, "numfiles") : 0;

		eq(ask(&w, fail_op, i), 0, "%s with each allocation failing in turn", ops[i].name);
		if (i)
			ok(held(A, "numfiles") + held(B, "numfiles") - files <= 1 &&
			   held(A, "numfiles") + held(B, "numfiles") >= files,
			   "%s: files are as before", ops[i].name);
		eq(held(A, "numtasks"), 1, "%s: tasks are as before", ops[i].name);
		agrees(A, w.pid, 1, ops[i].name);
		eq(held(B, "privvmpages"), 0, "%s: nothing is elsewhere", ops[i].name);
	}
	eq(quit(&w), 0, "worker ends");
	for (size_t r = 0; r < ARRAY_SIZE(resources); r++)
		ok(wait_for(held(A, resources[r]) == 0 && held(B, resources[r]) == 0),
		   "nothing is held of %s", resources[r]);
	removed(A);
	removed(B);
	err(cumount(M), 0, "unmount");
	mkdir(M, 0755);
	eq(mount_failing(), 0, "mount with each allocation failing in turn");
	rmdir(M);
	inject_faults(false);
}

int main(void)
{
	setup_bc();
	CASE(test_fault());
	finish();
}
