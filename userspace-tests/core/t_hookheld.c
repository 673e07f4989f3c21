// SPDX-License-Identifier: GPL-2.0
/*
 * A task that stays in a hook. The end of the hierarchy whose hook that is waits for it, be that
 * an unmount or, after a lazy one, a user's last rmdir; a mount waits, too, until it gets a signal.
 * Nobody else does, nor for a mount that arms and disarms hooks. And the end of a hierarchy in the
 * last task of a pid namespace, for which the namespace's init waits, for which in turn grace
 * periods of the kernel wait.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include "lib.h"

#define M "/tmp/m"
#define N "/tmp/n"

static int root_fd = -1;	/* of what is lazily unmounted */

/* How long an instruction of a slow function takes. */
#define DELAY "/sys/module/delaytest/parameters/usecs"
#define SLOW 800000

/*
 * Opens a file, which takes this task half a minute, in a function that bc has hooked, or until it
 * is let go.
 */
static int slow_open(struct kid *up, void *arg)
{
	(void)arg;
	close(root_fd);
	prctl(PR_SET_NAME, "delaytest");
	kid_send(up, 0);
	return open_err("/dev/null", O_RDONLY);
}

static int unmount(void)
{
	return E(umount2(M, 0));
}

/* Before the task is in the hook: it delays grace periods, for which an unmount waits. */
static int unmount_lazily(void)
{
	root_fd = open(M, O_RDONLY | O_DIRECTORY);
	return E(mkdirat(root_fd, "c", 0755)) ?: E(umount2(M, MNT_DETACH));
}

/* The user of a container of his own removes it by a directory that he has open. */
static int last_rmdir(void)
{
	/* until this is the only one that has it open */
	msleep(200);
	/* the file keeps what is left of the mount, and goes last */
	return E(unlinkat(root_fd, "c", AT_REMOVEDIR)) ?: E(close(root_fd));
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
	siginfo_t si = {};

	return !waitid(P_PID, pid, &si, WEXITED | WNOHANG | WNOWAIT) && !si.si_pid;
}

static bool preemptible(void)
{
	struct utsname u;

	uname(&u);
	return strstr(u.version, "PREEMPT");
}

static int mount_again(void)
{
	return cmount("/tmp/again", "bc");
}

static void test_end(int (*prepare)(void), int (*end)(void), const char *name)
{
	struct kid slow;
	struct hier h;
	pid_t pid, late;
	int status;

	put(DELAY, "%d", SLOW);
	err(cmount(M, "bc") ?: prepare ? prepare() : 0, 0, "mount bc");
	slow = kid_start(slow_open, NULL);
	kid_recv(&slow);
	msleep(300);
	pid = start(end);
	close(root_fd);
	eq(wait_for(!hier("bc", &h) || h.sactive <= 0), true, "%s has begun", name);
	/* without preemption, RCU waits for a task that does not sleep, and umount(2) for RCU */
	if (!runs(slow.pid) && !preemptible()) {
		skip("%s # not before the task is out of the kernel", name);
		eq(kid_wait(&slow), 0, "the task leaves the hook");
		ok(waitpid(pid, &status, 0) == pid && !status, "and the hierarchy has ended");
		return;
	}
	late = start(mount_again);
	err(E(mkdir(N "/b", 0755)), 0, "%s: mkdir in another hierarchy", name);
	err(movepid(N "/b", getpid()), 0, "a move there");
	ok(strstr(get("/proc/containers"), "security_file_alloc:") != NULL, "/proc/containers");
	ok(where(getpid(), "name=n") != NULL, "/proc/self/container");
	err(movepid(N, getpid()), 0, "a move back");
	err(E(rmdir(N "/b")), 0, "rmdir");
	err(modprobe("container_numtasks"), 0, "a module is loaded that is there already");
	ok(runs(late), "a mount waits");
	reap(late);
	ok(runs(slow.pid), "all the while the task has been in the hook");
	ok(runs(pid), "for which the end of its hierarchy waits");
	put(DELAY, "0");
	eq(kid_wait(&slow), 0, "the task leaves the hook");
	ok(waitpid(pid, &status, 0) == pid && !status, "and the hierarchy has ended");
}

/* --- sync(2) -------------------------------------------------------------------- */

#define CMD "/sys/kernel/debug/container_apitest/cmd"

#define ARMED "security_file_alloc: armed"

/* Its second subsystem takes some seconds to be bound, and refuses then. */
static int mount_refused(void)
{
	prctl(PR_SET_NAME, "delaytest");
	return cmount(M, "bc,apitest0") == EIO ? 0 : 1;
}

static void test_sync(const char *module)
{
	int status = -1;
	pid_t pid;

	if (modprobe("container_apitest") || access(CMD, F_OK)) {
		skip("sync beside a mount # no module for a subsystem that is slow to bind");
		return;
	}
	put(CMD, "reset 0");
	err(put(CMD, "register 0"), 0, "a subsystem");
	err(put(CMD, "fail 0 bind %d", EIO), 0, "that cannot be bound");
	err(modinsert(module, "function=api_bind usecs=100000"), 0, "and takes long to say so");
	pid = start(mount_refused);
	ok(wait_for(strstr(get("/proc/containers"), ARMED)), "a mount has armed hooks");
	ok(!strstr(get("/proc/self/container"), "bc"), "and is not to be seen before it is complete");
	sync();
	ok(strstr(get("/proc/containers"), ARMED) != NULL, "sync(2) has not waited for it");
	ok(waitpid(pid, &status, 0) == pid && !status, "it is refused");
	err(rmmod("delaytest"), 0, "it is quick again");
	err(put(CMD, "unregister 0"), 0, "unregister");
	err(cmount(M, "bc"), 0, "bc can be mounted");
	err(cumount(M), 0, "and unmounted");
}

/* --- the last task of a pid namespace ------------------------------------------- */

/* In the namespaces: a child that outlives its init, and does something to end the hierarchy. */
static int init(void)
{
	pid_t pid;

	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (cmount(M, "bc"))
		return 1;
	pid = fork_bound();
	if (pid)
		return 0;
	for (;;)
		pause();
}

static int init_rmdir(void)
{
	pid_t pid;
	int fd;

	if (cmount(M, "bc"))
		return 1;
	fd = open(M, O_RDONLY | O_DIRECTORY);
	/* a child of an earlier round may have been killed before it removed it */
	if ((mkdirat(fd, "c", 0755) && errno != EEXIST) || umount2(M, MNT_DETACH))
		return 1;
	pid = fork_bound();
	if (pid) {
		close(fd);
		/* long enough to come to the end, and not to its end */
		msleep(40);
		return 0;
	}
	unlinkat(fd, "c", AT_REMOVEDIR);
	close(fd);
	return 0;
}

static void test_init(int (*init)(void), const char *name)
{
	int status;
	pid_t pid;

	for (int i = 0; i < 5; i++) {
		pid = syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, NULL, NULL, NULL, 0);
		if (!pid)
			_exit(init());
		status = -1;
		if (!ok(wait_for(waitpid(pid, &status, WNOHANG) == pid), "%s: the init ends", name))
			break;
		eq(status, 0, "well");
	}
	if (!wait_for(nhiers() == 2) && !cmount(M, "bc")) {
		diag("no child has removed the container");
		rmdir(M "/c");
		umount(M);
	}
	eq(wait_for(nhiers() == 2), true, "and the hierarchy has ended");
	err(cmount(M, "bc"), 0, "it can be mounted again");
	err(E(umount(M)), 0, "and unmounted");
}

/* After how many seconds RCU complains that a CPU holds it up; half of what the watchdog waits. */
#define STALL "/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout"
#define WATCHDOG "/proc/sys/kernel/watchdog_thresh"

int main(void)
{
	const char *module;
	char *stall, *watchdog;

	setup();
	modprobe("container_bc");
	modprobe("container_numtasks");
	module = modfile("delaytest");
	if (!module) {
		skip("tasks in hooks # no module that makes them slow");
		finish();
	}
	err(cmount(N, "none,name=n"), 0, "mount a named hierarchy");
	/* the tasks here do, and where the host is busy that takes longer than it looks */
	stall = strdup(get(STALL) ?: "");
	put(STALL, "120");
	watchdog = strdup(get(WATCHDOG) ?: "");
	put(WATCHDOG, "60");
	err(modinsert(module, "function=security_file_alloc usecs=0"), 0, "opening a file can take long");
	CASE(test_end(NULL, unmount, "unmount"));
	CASE(test_end(unmount_lazily, last_rmdir, "rmdir"));
	err(rmmod("delaytest"), 0, "it is quick again");
	put(STALL, "%s", stall);
	put(WATCHDOG, "%s", watchdog);
	free(stall);
	free(watchdog);
	CASE(test_sync(module));
	CASE(test_init(init, "exit"));
	CASE(test_init(init_rmdir, "rmdir"));
	rmdir(M);
	rmdir("/tmp/again");
	err(cumount(N), 0, "unmount");
	finish();
}
