// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks that sleep in or beside a hooked function across an unload, while others fork: in
 * vfork, stopped in their exit, in an rmdir that waits for them, and at a page fault that waits.
 * Each holds the unload off or survives it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "cycles.h"

static int vfork_waits(struct kid *up, void *arg)
{
	int *pipe_ = arg;
	pid_t pid;
	char c;

	kid_send(up, 0);
	pid = vfork();
	if (!pid) {
		/* the parent sleeps in the system call until this ends */
		close(pipe_[1]);
		_exit(read(pipe_[0], &c, 1) == 1 ? 0 : 1);
	}
	waitpid(pid, NULL, 0);
	return 0;
}

/*
 * A parent in vfork, started before or after the load and in a container,
 * and let go after the unload.
 */
static void vfork_sleeps(bool before)
{
	struct kid k;
	int p[2];

	if (pipe(p))
		bail("pipe: %s", strerror(errno));
	if (!before)
		ok(mounted_a(), "load, mount, mkdir");
	k = kid_start(vfork_waits, p);
	kid_recv(&k);
	wait_for(task_state(k.pid, k.pid) == 'D' ||
		 task_state(k.pid, k.pid) == 'S');
	msleep(50);
	if (before)
		ok(mounted_a(), "load, mount, mkdir beside a parent in vfork");
	err(movepid(DIR_ "/a", k.pid), 0, "a parent in vfork can be moved");
	ok(listed(DIR_ "/a/tasks", k.pid), "and is there");
	err(unmount_a(), 0, "and out again; umount");
	err(unload_end(unload_begin()), 0,
	    "the modules unload beside a parent in vfork");
	ok(write(p[1], "", 1) == 1, "the child goes on");
	close(p[0]);
	close(p[1]);
	eq(kid_wait(&k), 0, "and so does the parent");
}

static int traced(void *arg)
{
	(void)arg;
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	return 0;
}

/* A child that is about to stop in do_exit(), still a member. */
static pid_t tracee(void)
{
	pid_t pid = fork();
	int st;

	if (!pid)
		_exit(traced(NULL));
	waitpid(pid, &st, 0);
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT |
	       PTRACE_O_EXITKILL);
	return pid;
}

static bool stopped_in_exit(pid_t pid)
{
	int st;

	return waitpid(pid, &st, 0) == pid && WIFSTOPPED(st) &&
	       st >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8);
}

static void exit_on(pid_t pid)
{
	int st;

	ptrace(PTRACE_CONT, pid, 0, 0);
	while (waitpid(pid, &st, 0) == pid && !WIFEXITED(st) &&
	       !WIFSIGNALED(st))
		ptrace(PTRACE_CONT, pid, 0, 0);
}

static void exit_sleeps(void)
{
	pid_t a = tracee(), b;

	ptrace(PTRACE_CONT, a, 0, 0);
	ok(stopped_in_exit(a), "a task stops in its exit");
	ok(mounted_a(), "load, mount, mkdir");
	exit_on(a);
	ok(!listed(DIR_ "/tasks", a), "it exits past the hooks");

	b = tracee();
	err(movepid(DIR_ "/a", b), 0, "another one, in a container");
	ptrace(PTRACE_CONT, b, 0, 0);
	ok(stopped_in_exit(b), "stops in its exit");
	movepid(DIR_, b);
	/* an exiting task may not be movable: then it is in the way */
	if (listed(DIR_ "/a/tasks", b)) {
		err(E(rmdir(DIR_ "/a")), EBUSY, "it is in the way of rmdir");
		exit_on(b);
		b = 0;
	}
	err(unmount_a(), 0, "umount");
	err(unload_end(unload_begin()), 0, "the modules unload");
	if (b)
		exit_on(b);
}

static int rmdir_a(struct kid *up, void *arg)
{
	(void)arg;
	kid_send(up, 0);
	kid_send(up, E(rmdir(DIR_ "/a")));
	return 0;
}

/* A rmdir that waits for a member that does not die. */
static void rmdir_sleeps(void)
{
	pid_t m = tracee();
	struct kid k;

	ok(mounted_a(), "load, mount, mkdir");
	err(put(DIR_ "/a/kill_on_rmdir", "1"), 0, "kill_on_rmdir");
	err(movepid(DIR_ "/a", m), 0, "a member that stops before it dies");
	k = kid_start(rmdir_a, NULL);
	kid_recv(&k);
	/* SIGKILL ends the first stop; then the exit stop holds it */
	ok(stopped_in_exit(m), "rmdir kills it");
	msleep(200);
	ok(task_state(k.pid, k.pid) != 'Z', "rmdir waits");
	err(E(umount(DIR_)), EBUSY, "umount is refused meanwhile");
	ok(in_use(rmmod("container_cpuacct")), "rmmod of the subsystem too");
	ok(in_use(rmmod("container_core")), "and of the core");
	exit_on(m);
	err(kid_recv(&k), 0, "rmdir ends when the member does");
	kid_wait(&k);
	err(cumount(DIR_), 0, "umount");
	err(unload(20), 0, "the modules unload");
}

/* --- sleeping inside a hooked function, by a page fault that waits ----------- */

static int uffd = -1;

static char *slow_page(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	char *page;

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (uffd < 0)
		return NULL;
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	reg.range.start = (uintptr_t)page;
	reg.range.len = 4096;
	if (page == MAP_FAILED || ioctl(uffd, UFFDIO_API, &api) ||
	    ioctl(uffd, UFFDIO_REGISTER, &reg))
		bail("userfaultfd: %s", strerror(errno));
	return page;
}

/* Waits until somebody sleeps on the page; false if nobody does. */
static bool page_wanted(void)
{
	struct pollfd p = { uffd, POLLIN, 0 };
	struct uffd_msg msg;

	return poll(&p, 1, 10000) == 1 &&
	       read(uffd, &msg, sizeof(msg)) == sizeof(msg);
}

static void page_comes(char *page)
{
	struct uffdio_zeropage z = {
		.range = { (uintptr_t)page, 4096 },
	};

	ioctl(uffd, UFFDIO_ZEROPAGE, &z);
}

struct sleep_at {
	const char *what;
	long (*call)(char *page);
	bool mounted;		/* sleeps on a file of the mount */
	long ret;
	pid_t tid;
	char *page;
};

static long slow_getdents(char *page)
{
	int fd = open("/proc/self", O_RDONLY | O_DIRECTORY);
	long n = syscall(SYS_getdents64, fd, page, 4096);

	close(fd);
	return n;
}

static long slow_read(const char *path, char *page)
{
	int fd = open(path, O_RDONLY);
	long n = read(fd, page, 4096);

	close(fd);
	return n;
}

static long slow_proc_container(char *page)
{
	return slow_read("/proc/self/container", page);
}

static long slow_proc_containers(char *page)
{
	return slow_read("/proc/containers", page);
}

static long slow_tasks(char *page)
{
	return slow_read(DIR_ "/tasks", page);
}

static long fork_to(int flags, char *page)
{
	pid_t pid = syscall(SYS_clone, flags | SIGCHLD, NULL, page, page, NULL);

	if (!pid)
		_exit(0);
	return pid > 0 && waitpid(pid, NULL, 0) == pid ? 1 : -1;
}

/* In copy_process(), ahead of the hooks. */
static long slow_pidfd(char *page)
{
	return fork_to(CLONE_PIDFD, page);
}

/* The child is there and counted, but has not been woken yet. */
static long slow_parent_tid(char *page)
{
	return fork_to(CLONE_PARENT_SETTID, page);
}

/* The same; the child has to create its container before it runs. */
static long slow_namespace(char *page)
{
	return fork_to(CLONE_NEWUTS | CLONE_PARENT_SETTID, page);
}

static int child_exit(void *arg)
{
	(void)arg;
	_exit(0);
}

/* A copy of the page would not wait, so that the child shares the memory. */
static long slow_child_tid(char *page)
{
	static char stack[32768] __attribute__((aligned(64)));
	pid_t pid = clone(child_exit, stack + sizeof(stack), CLONE_VM |
			  CLONE_CHILD_SETTID | SIGCHLD, NULL, NULL, NULL, page);

	return pid > 0 && waitpid(pid, NULL, 0) == pid ? 1 : -1;
}

static void *sleeping(void *arg)
{
	struct sleep_at *s = arg;

	s->tid = gettid();
	s->ret = s->call(s->page);
	return NULL;
}

/*
 * Asleep while the modules go, asleep while they come, and asleep in a
 * container.
 */
static void sleeps_at(struct sleep_at s)
{
	pthread_t t;
	bool clone_call = s.call == slow_pidfd || s.call == slow_parent_tid ||
			  s.call == slow_child_tid;
	int e;

	s.page = slow_page();
	if (!s.page) {
		skip("%s # no userfaultfd", s.what);
		return;
	}
	ok(mounted_a(), "%s: load, mount, mkdir", s.what);
	pthread_create(&t, NULL, sleeping, &s);
	ok(page_wanted(), "asleep in it");
	if (!s.mounted) {
		err(movepid(DIR_ "/a", s.tid), 0, "moved meanwhile");
		err(unmount_a(), 0, "umount");
		e = unload_begin();
	} else {
		err(E(umount(DIR_)), EBUSY, "umount is refused");
		e = unload(1);
	}
	unload_held(e, s.what);
	page_comes(s.page);
	pthread_join(t, NULL);
	ok(s.ret >= 0, "it comes to its end: %ld", s.ret);
	if (s.mounted)
		err(unmount_a(), 0, "umount");
	err(unload_end(e), 0, "the modules are gone");
	munmap(s.page, 4096);
	close(uffd);

	if (!clone_call)
		return;
	/* the modules come while it sleeps: it must not be lost */
	s.page = slow_page();
	pthread_create(&t, NULL, sleeping, &s);
	ok(page_wanted(), "asleep in it without the modules");
	ok(mounted_a(), "load, mount, mkdir");
	err(movepid(DIR_ "/a", s.tid), 0, "moved into a container");
	page_comes(s.page);
	pthread_join(t, NULL);
	ok(s.ret >= 0, "it comes to its end: %ld", s.ret);
	pause_storm(true);
	ok(wait_for(lists_all(DIR_)), "the tasks files list exactly the live tasks");
	pause_storm(false);
	err(unmount_a(), 0, "umount");
	err(unload(20), 0, "the modules are gone");
	munmap(s.page, 4096);
	close(uffd);
}

/* A task that has new namespaces, and no container yet, when ns is unmounted. */
static void namespace_sleeps(void)
{
	struct sleep_at s = { .call = slow_namespace, .page = slow_page() };
	pthread_t t;
	int e;

	if (!s.page) {
		skip("a child with a namespace # no userfaultfd");
		return;
	}
	ok(load() && !modprobe("container_ns") && !cmount(DIR_, "ns"), "load, mount ns");
	pthread_create(&t, NULL, sleeping, &s);
	ok(page_wanted(), "a child with a namespace is asleep before it runs");
	err(cumount(DIR_), 0, "umount");
	e = unload_begin();
	ok(in_use(e), "ns cannot be unloaded, and that is said at once");
	page_comes(s.page);
	pthread_join(t, NULL);
	ok(s.ret >= 0, "it comes to its end: %ld", s.ret);
	err(unload_end(e), 0, "the modules are gone");
	munmap(s.page, 4096);
	close(uffd);
}

static void vfork_before(void)
{
	vfork_sleeps(true);
}

static void vfork_after(void)
{
	vfork_sleeps(false);
}

static void page_sleeps(void)
{
	static const struct sleep_at sleeps[] = {
		{ .what = "getdents of /proc/<pid>", .call = slow_getdents },
		{ .what = "read of /proc/<pid>/container",
		  .call = slow_proc_container },
		{ .what = "read of /proc/containers",
		  .call = slow_proc_containers },
		{ .what = "read of tasks", .call = slow_tasks, .mounted = true },
		{ .what = "fork before its hooks", .call = slow_pidfd },
		{ .what = "fork after its hooks", .call = slow_parent_tid },
		{ .what = "a child that starts", .call = slow_child_tid },
	};

	for (size_t i = 0; i < ARRAY_SIZE(sleeps); i++)
		sleeps_at(sleeps[i]);
}

int main(void)
{
	setup_bare();
	sh = mmap_shared(sizeof(*sh));
	start_storm();
	CASE(vfork_before());
	CASE(vfork_after());
	CASE(exit_sleeps());
	CASE(rmdir_sleeps());
	CASE(page_sleeps());
	CASE(namespace_sleeps());
	stop_storm();
	finish();
}
