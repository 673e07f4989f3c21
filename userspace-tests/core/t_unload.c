// SPDX-License-Identifier: GPL-2.0
/*
 * How long things stay: what holds a module, a mount or a hierarchy, last and
 * lazy unmounts, bind mounts, mount namespaces, and a hierarchy that is
 * active with nobody looking.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "lib.h"

#define M "/tmp/m"
#define B "/tmp/bind"

static bool active(void)
{
	struct hier h;

	return hier("cpuacct", &h);
}

/* Both modules refuse to go, as the kernel says it. */
static void held(const char *by)
{
	int e = rmmod("container_cpuacct"), f = rmmod("container_core");

	ok(in_use(e), "rmmod container_cpuacct, %s (%s)", by,
	   e ? strerrorname_np(e) : "went");
	ok(in_use(f), "rmmod container_core, %s (%s)", by,
	   f ? strerrorname_np(f) : "went");
}

static void test_modules(void)
{
	int e, fd;

	e = rmmod("container_core");
	ok(in_use(e), "rmmod core while a subsystem is loaded");
	err(rmmod("container_cpuacct"), 0, "rmmod an unbound subsystem");
	ok(!strstr(get("/proc/containers"), "name=cpuacct"),
	   "/proc/containers has it no more");
	err(cmount(M, "none,name=x"), 0, "mount none,name=x");
	e = rmmod("container_core");
	ok(in_use(e), "rmmod core while a hierarchy is active");
	err(modprobe("container_cpuacct"), 0, "load a subsystem meanwhile");
	ok(strstr(get("/proc/containers"), "name=cpuacct hierarchy=0\n"),
	   "it is registered, unbound");
	err(rmmod("container_cpuacct"), 0, "and unloads meanwhile");
	err(modprobe("container_cpuacct"), 0, "and loads again");
	err(cumount(M), 0, "unmount");

	err(cmount(M, "cpuacct"), 0, "mount cpuacct");
	held("mounted");
	err(E(mkdir(M "/a", 0755)), 0, "which breaks nothing");
	fd = open(M "/a/tasks", O_RDWR | O_CLOEXEC);
	held("a file open");
	err(E(umount(M)), EBUSY, "umount, a file open");
	close(fd);
	chdir(M "/a");
	held("a working directory in it");
	err(E(umount(M)), EBUSY, "umount, a working directory in it");
	chdir("/");
	rmdir(M "/a");
	err(cumount(M), 0, "unmount");
	eq(unload_all(), 0, "then all unload");
	ok(!strstr(get("/proc/filesystems"), "\tcontainer\n"),
	   "the filesystem type has gone");
	setup();
}

/* Containers below the root: the hierarchy outlives its mount. */
static void test_last_unmount(void)
{
	pid_t p = sleeper(), kid;
	struct hier h;

	err(cmount(M, "cpuacct"), 0, "mount cpuacct");
	mkdir(M "/a", 0755);
	mkdir(M "/a/b", 0755);
	chmod(M "/a", 0700);
	chown(M "/a/tasks", 7, 8);
	put(M "/a/notify_on_release", "1");
	put(M "/release_agent", "/bin/agent");
	movepid(M "/a/b", p);
	movepid(M "/a/b", getpid());
	kid = sleeper();
	movepid(M, getpid());
	err(cumount(M), 0, "unmount, containers below the root");
	ok(hier("cpuacct", &h) && h.containers == 3,
	   "the hierarchy stays active");
	held("unmounted, containers below");
	streq(where(p, "cpuacct"), "/a/b", "members stay");
	reap(kid);
	err(cmount(M, "none,name=x"), 0, "another hierarchy meanwhile");
	err(cumount(M), 0, "unmount it");
	err(cmount(M, "cpuacct"), 0, "mount it again");
	ok(!access(M "/a/b/tasks", F_OK), "the tree is there");
	streq(get(M "/a/b/tasks"), P("%d\n", p),
	      "and the members, less who exited meanwhile");
	eq(getnum(M "/a/notify_on_release"), 1, "flags are as they were");
	streq(get(M "/release_agent"), "/bin/agent\n", "release_agent, too");
	eq(mode_of(M "/a"), 0700, "modes, too");
	{
		struct stat st;

		stat(M "/a/tasks", &st);
		ok(st.st_uid == 7 && st.st_gid == 8, "owners, too");
	}
	err(E(rmdir(M "/a/b")), EBUSY, "a member still counts");
	movepid(M, p);
	err(E(rmdir(M "/a/b")), 0, "rmdir");
	err(E(rmdir(M "/a")), 0, "rmdir of the parent");
	err(cumount(M), 0, "unmount, nothing below the root");
	ok(!active(), "the hierarchy is dissolved");
	ok(!where(p, "cpuacct"), "its tasks have left it");
	reap(p);

	/* forks go on in a container that nobody sees */
	err(cmount(M, "cpuacct"), 0, "mount, new");
	streq(get(M "/release_agent"), "\n", "nothing is left of the old one");
	mkdir(M "/a", 0755);
	movepid(M "/a", getpid());
	err(cumount(M), 0, "unmount, from inside");
	p = sleeper();
	streq(where(p, "cpuacct"), "/a", "a fork inside, unmounted");
	err(cmount(M, "cpuacct"), 0, "mount again");
	ok(listed(M "/a/tasks", p) && listed(M "/a/tasks", getpid()),
	   "it is listed");
	reap(p);
	movepid(M, getpid());
	err(E(rmdir(M "/a")), 0, "rmdir");
	err(cumount(M), 0, "unmount");
}

static void test_lazy(void)
{
	int fd, dir;
	char buf[16];

	err(cmount(M, "cpuacct"), 0, "mount cpuacct");
	fd = open(M "/tasks", O_RDWR | O_CLOEXEC);
	err(E(umount2(M, MNT_DETACH)), 0, "lazy unmount, a file open");
	ok(active(), "the hierarchy stays");
	held("a file open, lazily unmounted");
	ok(read(fd, buf, sizeof(buf)) > 0, "the file reads");
	eq(write(fd, "0", 1), 1, "the file writes");
	close(fd);
	ok(wait_for(!active()), "dissolved when the file is closed");

	err(cmount(M, "cpuacct"), 0, "mount cpuacct");
	chdir(M);
	err(E(umount2(M, MNT_DETACH)), 0, "lazy unmount, the cwd in it");
	ok(active(), "the hierarchy stays");
	err(E(mkdir("a", 0755)), 0, "mkdir in the cwd");
	err(put("a/tasks", "0"), 0, "move into it");
	streq(where(0, "cpuacct"), "/a", "it works");
	err(put("tasks", "0"), 0, "move back");
	err(cmount("/tmp/m2", "cpuacct"), 0, "mount the same set meanwhile");
	ok(!access("/tmp/m2/a/tasks", F_OK), "it is the same tree");
	err(E(rmdir("/tmp/m2/a")), 0, "rmdir there");
	err(access("a", F_OK) ? errno : 0, ENOENT, "is seen here");
	err(cumount("/tmp/m2"), 0, "unmount");
	ok(active(), "the cwd still holds it");
	chdir("/");
	ok(wait_for(!active()), "dissolved when the cwd has left");

	/* an O_PATH descriptor and a container below */
	err(cmount(M, "cpuacct"), 0, "mount cpuacct");
	mkdir(M "/a", 0755);
	dir = open(M "/a", O_PATH | O_CLOEXEC);
	err(E(umount2(M, MNT_DETACH)), 0, "lazy unmount, an O_PATH descriptor");
	err(cmount(M, "cpuacct"), 0, "mount again");
	err(E(rmdir(M "/a")), 0, "rmdir what the descriptor is of");
	err(cumount(M), 0, "unmount");
	ok(active(), "the descriptor holds the hierarchy");
	err(E(openat(dir, "tasks", O_RDONLY)), ENOENT, "nothing opens there");
	close(dir);
	ok(wait_for(!active()), "dissolved when it is closed");
	rmdir(M);
}

static void test_bind(void)
{
	err(cmount(M, "cpuacct"), 0, "mount cpuacct");
	mkdir(M "/a", 0755);
	mkdir(B, 0755);
	err(E(mount(M "/a", B, NULL, MS_BIND, NULL)), 0, "bind a container");
	ok(!access(B "/tasks", F_OK), "its files are there");
	err(E(rmdir(M "/a")), 0, "rmdir of what is bound elsewhere");
	err(open_err(B "/tasks", O_RDONLY), ENOENT, "its files have gone");
	umount(B);
	err(E(mount(M, B, NULL, MS_BIND, NULL)), 0, "bind the root");
	err(E(mkdir(B "/b", 0755)), 0, "mkdir there");
	ok(!access(M "/b/tasks", F_OK), "is seen here");
	rmdir(M "/b");
	err(cumount(M), 0, "unmount the first");
	ok(active(), "the bind mount holds the hierarchy");
	err(put(B "/tasks", "0"), 0, "and works");
	held("bound");
	err(E(umount(B)), 0, "unmount the bind mount");
	ok(!active(), "dissolved");
	rmdir(B);
}

static int other_ns(struct kid *up, void *arg)
{
	(void)arg;
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 1;
	kid_send(up, 0);
	kid_recv(up);
	kid_send(up, put(M "/tasks", "0"));
	kid_recv(up);
	return 0;
}

static void test_namespace(void)
{
	struct kid k;

	err(cmount(M, "cpuacct"), 0, "mount cpuacct");
	k = kid_start(other_ns, NULL);
	if (kid_recv(&k)) {
		skip("a mount namespace # none");
		kid_wait(&k);
		cumount(M);
		return;
	}
	err(E(umount(M)), 0, "unmount, a copy in another mount namespace");
	ok(active(), "the copy holds the hierarchy");
	kid_send(&k, 0);
	err(kid_recv(&k), 0, "and works there");
	kid_send(&k, 0);
	eq(kid_wait(&k), 0, "the namespace ends");
	ok(wait_for(!active()), "dissolved with it");
	rmdir(M);
}

/* Mounted twice, the second time on a container of the first. */
static void test_twice(void)
{
	struct hier h;

	err(cmount(M, "cpuacct"), 0, "mount cpuacct");
	err(cmount(M, "cpuacct"), EBUSY, "on top of itself: the VFS's EBUSY");
	err(cmount(M "/a", "cpuacct"), 0, "mount it on a container of its own");
	ok(hier("cpuacct", &h) && nhiers() == 2, "one hierarchy");
	ok(!access(M "/a/a/tasks", F_OK), "the tree is there");
	err(E(rmdir(M "/a")), EBUSY, "rmdir of a mount point");
	err(E(umount(M)), EBUSY, "umount of what is mounted upon");
	err(E(umount(M "/a")), 0, "unmount the upper");
	err(E(rmdir(M "/a")), 0, "rmdir");
	err(cumount(M), 0, "unmount the lower");
	ok(!active(), "dissolved");
	/* by the time umount returns, every time */
	for (int i = 0, left = 0; i < 30; i++) {
		if (cmount(M, "cpuacct") || cumount(M))
			left++;
		left += active() || where(0, "cpuacct");
		if (i == 29)
			eq(left, 0, "30 mounts, dissolved when umount returns");
	}
}

/* --- a user who stops in the middle of reading, for as long as he likes --- */

/* A page that nobody supplies; *fd says when somebody wants it. */
static void *endless_page(int *fd)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	struct uffdio_register reg = {
		.range = { .start = (long)page, .len = 4096 },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_api api = { .api = UFFD_API };

	*fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	return *fd < 0 || ioctl(*fd, UFFDIO_API, &api) || ioctl(*fd, UFFDIO_REGISTER, &reg) ?
	       NULL : page;
}

/* Reads PATH, a directory or a file, into such a page. */
static int endless_reader(struct kid *up, void *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), wanted;
	void *page = endless_page(&wanted);
	struct stat st;

	if (!page || fd < 0 || fstat(fd, &st)) {
		kid_send(up, -1);
		return 1;
	}
	kid_send(up, wanted);
	if (S_ISDIR(st.st_mode))
		syscall(SYS_getdents64, fd, page, 4096);
	else
		read(fd, page, 4096);
	return 0;
}

/* Does that process wait for its endless page, whose descriptor there is @fd? */
static bool page_wanted(pid_t pid, int fd)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = {
		.fd = syscall(SYS_pidfd_getfd, pidfd, fd, 0),
		.events = POLLIN,
	};
	bool wanted = p.fd >= 0 && poll(&p, 1, DEADLINE_MS) == 1 && p.revents == POLLIN;

	close(p.fd);
	close(pidfd);
	return wanted;
}

static int stat_status(void *pid)
{
	struct stat st;

	return stat(P("/proc/%d/timerslack_ns", *(pid_t *)pid), &st) ? 1 : 0;
}

/* @refused: unloading says no meanwhile. Or it goes; in any case at once. */
static void held_by_reader(const char *path, bool refused)
{
	struct kid k = kid_start(endless_reader, (void *)path);
	int e, wanted = kid_recv(&k);
	long start;

	if (wanted < 0) {
		skip("a reader of %s # no userfaultfd", path);
		kid_wait(&k);
		return;
	}
	ok(page_wanted(k.pid, wanted),
	   "somebody is in the middle of %s", path);
	start = now_ms();
	e = rmmod("container_core");
	ok(refused ? in_use(e) : !e, "rmmod container_core (%s)",
	   e ? strerrorname_np(e) : "went");
	ok(now_ms() - start < DEADLINE_MS, "at once");
	eq(in_child(stat_status, &k.pid), 0, "others look up names in that directory");
	kill(k.pid, SIGKILL);
	kid_wait(&k);
	if (e)
		ok(wait_for(!rmmod("container_core")), "when the reader has gone, it goes");
	err(modinsert(modfile("container_core"), ""), 0, "and loads again");
}

static void test_held(void)
{
	eq(unload_all(), 0, "unload");
	err(modinsert(modfile("container_core"), ""), 0, "load the core alone");
	held_by_reader("/proc/self", true);
	held_by_reader("/proc/thread-self", true);
	held_by_reader("/proc/containers", true);
	/* these have nothing of ours under way */
	held_by_reader("/proc/self/task", false);
	held_by_reader("/proc/self/status", false);
	setup();
}

#define WQ_CPUS "/sys/devices/virtual/workqueue/cpumask"
#define REFCNT "/sys/module/container_core/refcnt"

/*
 * Unmounts, on the CPU of the worker that dissolves the hierarchy: where kernels are preempted, it
 * runs on before the worker does. Return: how often the module had more users than before.
 */
static int unmounts_at_once(void *arg)
{
	struct sched_param first = { .sched_priority = 1 };
	int i, held = 0, e = 0;
	long before = getnum(REFCNT);
	cpu_set_t cpu;

	(void)arg;
	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	e |= sched_setaffinity(0, sizeof(cpu), &cpu);
	e |= sched_setscheduler(0, SCHED_FIFO, &first);
	for (i = 0; i < sized(20, 5); i++) {
		e |= cmount(M, "none,name=x");
		e |= umount(M);
		held += getnum(REFCNT) != before;
		rmdir(M);
	}
	return e ? -1 : held;
}

static void test_at_once(void)
{
	char *cpus = get(WQ_CPUS);

	err(put(WQ_CPUS, "1"), 0, "workers have one CPU");
	eq(in_child(unmounts_at_once, NULL), 0, "when umount returns, nothing holds the module");
	err(put(WQ_CPUS, "%s", cpus), 0, "workers have all CPUs");
}

int main(void)
{
	setup();
	CASE(test_held());
	CASE(test_modules());
	CASE(test_last_unmount());
	CASE(test_lazy());
	CASE(test_bind());
	CASE(test_namespace());
	CASE(test_twice());
	CASE(test_at_once());
	finish();
}
