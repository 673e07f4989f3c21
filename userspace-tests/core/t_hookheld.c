// SPDX-License-Identifier: GPL-2.0
/*
 * A task that stays in a hook. The end of the hierarchy whose hook that is waits for it, be that
 * an unmount or, after a lazy one, a user's last rmdir; a mount that needs the same subsystem
 * waits, too, until it is killed. Nobody else does.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "lib.h"

#define M "/tmp/m"
#define N "/tmp/n"

/* Opens a file, which takes this task some seconds, in a function that bc has hooked. */
static int slow_open(struct kid *up, void *arg)
{
	(void)arg;
	prctl(PR_SET_NAME, "delaytest");
	kid_send(up, 0);
	return open_err("/dev/null", O_RDONLY);
}

static int unmount(void)
{
	return E(umount2(M, 0));
}

/* The user of a container of his own removes it by a directory that he has open. */
static int last_rmdir(void)
{
	int fd = open(M, O_RDONLY | O_DIRECTORY);
	int e = E(mkdirat(fd, "c", 0755)) ?: E(umount2(M, MNT_DETACH));

	/* the file keeps what is left of the mount, and goes last */
	return e ?: E(unlinkat(fd, "c", AT_REMOVEDIR)) ?: E(close(fd));
}

static pid_t start(int (*fn)(void))
{
	pid_t pid = fork_bound();

	if (!pid)
		_exit(fn());
	return pid;
}

static bool runs(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == 0;
}

static int mount_again(void)
{
	return cmount("/tmp/again", "bc");
}

static void test_end(int (*end)(void), const char *name)
{
	struct kid slow;
	pid_t pid, late;
	int status;

	err(cmount(M, "bc"), 0, "mount bc");
	slow = kid_start(slow_open, NULL);
	kid_recv(&slow);
	msleep(300);
	pid = start(end);
	msleep(300);
	late = start(mount_again);
	err(E(mkdir(N "/b", 0755)), 0, "%s: mkdir in another hierarchy", name);
	err(movepid(N "/b", getpid()), 0, "a move there");
	ok(strstr(get("/proc/containers"), "security_file_alloc:") != NULL, "/proc/containers");
	ok(where(getpid(), "name=n") != NULL, "/proc/self/container");
	err(movepid(N, getpid()), 0, "a move back");
	err(E(rmdir(N "/b")), 0, "rmdir");
	err(modprobe("container_numtasks"), 0, "a module is loaded that is there already");
	ok(runs(late), "a mount of the same subsystem waits");
	reap(late);
	ok(runs(slow.pid), "all the while the task has been in the hook");
	ok(runs(pid), "for which the end of its hierarchy waits");
	eq(kid_wait(&slow), 0, "the task leaves the hook");
	ok(waitpid(pid, &status, 0) == pid && !status, "and the hierarchy has ended");
}

int main(void)
{
	const char *module;

	setup();
	modprobe("container_bc");
	modprobe("container_numtasks");
	module = modfile("delaytest");
	if (!module) {
		skip("tasks in hooks # no module that makes them slow");
		finish();
	}
	err(cmount(N, "none,name=n"), 0, "mount a named hierarchy");
	err(modinsert(module, "function=security_file_alloc usecs=200000"), 0,
	    "opening a file takes long");
	CASE(test_end(unmount, "unmount"));
	CASE(test_end(last_rmdir, "rmdir"));
	err(rmmod("delaytest"), 0, "it is quick again");
	rmdir(M);
	rmdir("/tmp/again");
	err(cumount(N), 0, "unmount");
	finish();
}
