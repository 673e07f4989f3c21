// SPDX-License-Identifier: GPL-2.0
/*
 * Control files as other programs than echo and cat use them: values in segments,
 * bulk copies, fsync, polling, truncation, io_uring, offsets; and reached in other
 * ways than by their path.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include "lib.h"
#include "rings.h"

#define M "/tmp/m"
#define A M "/a"
#define B M "/b"
#define FLAG A "/notify_on_release"
#define PAGE 4096

static pid_t pid;		/* a task to be moved about */
static const char *digits;	/* its number */

static const char *at(void)
{
	return where(pid, "cpuacct");
}

static void home(void)
{
	movepid(M, pid);
}

/* One writev(2): how much was written, or less than nothing. */
static long segments(const char *path, const char *const *parts, int n)
{
	struct iovec iov[8];
	int fd = open(path, O_WRONLY);
	long r;

	for (int i = 0; i < n; i++) {
		iov[i].iov_base = (void *)parts[i];
		iov[i].iov_len = strlen(parts[i]);
	}
	r = writev(fd, iov, n);
	if (r < 0)
		r = -errno;
	close(fd);
	return r;
}

#define parts(path, ...) ({						\
	const char *const p_[] = { __VA_ARGS__ };			\
	segments(path, p_, ARRAY_SIZE(p_)); })

static void test_segments(void)
{
	long len = strlen(digits);
	char *head = strdup(digits), *tail = strdup(digits + len - 1), big[PAGE];
	const char *before;

	head[len - 1] = 0;
	/* as the C library writes what was printed into a file */
	eq(parts(A "/tasks", digits, "\n"), len + 1, "tasks: a number and a newline");
	streq(at(), "/a", "it has moved");
	eq(parts(B "/procs", digits, "\n"), len + 1, "procs: a number and a newline");
	streq(at(), "/b", "it has moved");
	eq(parts(FLAG, "1", "\n"), 2, "a flag and a newline");
	streq(get(FLAG), "1\n", "it is set");
	home();
	before = where(atoi(head), "cpuacct");
	before = before ? before : "nowhere";
	eq(parts(A "/tasks", head, tail), len, "a number in two parts");
	streq(at(), "/a", "that task has moved");
	streq(where(atoi(head), "cpuacct") ?: "nowhere", before, "the first part is no number");
	eq(parts(FLAG, "0\n", "1\n"), -EINVAL, "two values");
	eq(parts(FLAG, "", "0", "", "\n", ""), 2, "parts that are empty");
	streq(get(FLAG), "0\n", "do not count");
	eq(parts(FLAG, ""), 0, "nothing at all");
	memset(big, ' ', PAGE);
	big[PAGE - 1] = 0;
	eq(parts(FLAG, big, "1"), PAGE, "a page in two parts");
	streq(get(FLAG), "1\n", "it is set");
	eq(parts(FLAG, big, "0", "\n"), -E2BIG, "a page and one byte");
	streq(get(FLAG), "1\n", "nothing has changed");
	put(FLAG, "0");
	home();
	free(head);
	free(tail);
}

/* A part of which cannot be read. */
static void test_fault(void)
{
	char *mem = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	struct iovec iov[2] = { { .iov_base = "1", .iov_len = 1 } };
	int fd = open(FLAG, O_WRONLY);

	mprotect(mem + PAGE, PAGE, PROT_NONE);
	mem[PAGE - 1] = '1';
	iov[1].iov_base = mem + PAGE;
	iov[1].iov_len = 1;
	err(E(writev(fd, iov, 2)), EFAULT, "a second part that is not there");
	err(E(write(fd, mem + PAGE - 1, 2)), EFAULT, "a value that ends where there is nothing");
	streq(get(FLAG), "0\n", "nothing has changed");
	close(fd);
	munmap(mem, 2 * PAGE);
}

/* --- bulk copies -------------------------------------------------------------- */

static int filled(const char *text, size_t len)
{
	int fd = memfd_create("x", 0);

	if (write(fd, text, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET))
		bail("memfd");
	return fd;
}

/* Into a file by sendfile(2) or through a pipe; as segments(). */
static long send_to(const char *path, const char *text, size_t len)
{
	int from = filled(text, len), to = open(path, O_WRONLY);
	long r = sendfile(to, from, NULL, len);

	if (r < 0)
		r = -errno;
	close(from);
	close(to);
	return r;
}

static long splice_to(const char *path, const char *text, size_t len)
{
	int p[2], to = open(path, O_WRONLY);
	long r;

	if (pipe(p) || write(p[1], text, len) != (ssize_t)len)
		bail("pipe");
	r = splice(p[0], NULL, to, NULL, len, 0);
	if (r < 0)
		r = -errno;
	close(p[0]);
	close(p[1]);
	close(to);
	return r;
}

static void test_bulk(void)
{
	static char big[PAGE + 2];
	long len = strlen(digits);
	char buf[64];
	int fd, p[2];

	eq(send_to(A "/tasks", digits, len), len, "sendfile into tasks");
	streq(at(), "/a", "it has moved");
	eq(splice_to(B "/procs", digits, len), len, "splice into procs");
	streq(at(), "/b", "it has moved");
	eq(send_to(FLAG, "1\n", 2), 2, "sendfile into a flag");
	streq(get(FLAG), "1\n", "it is set");
	eq(splice_to(FLAG, "0\n", 2), 2, "splice into a flag");
	streq(get(FLAG), "0\n", "it is set");
	eq(send_to(FLAG, "x", 1), -EINVAL, "sendfile of what is no flag");
	eq(splice_to(FLAG, "x", 1), -EINVAL, "splice of it");
	memset(big, '1', sizeof(big));
	eq(splice_to(FLAG, big, PAGE + 1), -E2BIG, "splice of a page and one byte");
	streq(get(FLAG), "0\n", "nothing has changed");

	if (pipe2(p, O_NONBLOCK))
		bail("pipe");
	fd = open(B "/tasks", O_RDONLY);
	eq(sendfile(p[1], fd, NULL, PAGE), len + 1, "sendfile out of tasks");
	memset(buf, 0, sizeof(buf));
	read(p[0], buf, sizeof(buf));
	streq(buf, P("%s\n", digits), "is what is in it");
	lseek(fd, 0, SEEK_SET);
	eq(splice(fd, NULL, p[1], NULL, PAGE, 0), len + 1, "splice out of tasks");
	memset(buf, 0, sizeof(buf));
	read(p[0], buf, sizeof(buf));
	streq(buf, P("%s\n", digits), "is what is in it");
	close(fd);
	close(p[0]);
	close(p[1]);
	home();
}

/* --- waiting ------------------------------------------------------------------ */

static void test_poll(void)
{
	static const char *const files[] = { A "/tasks", A "/procs", FLAG, M "/release_agent",
					     A "/cpuacct.usage" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		int fd = open(files[i], O_RDWR), ep = epoll_create1(0);
		struct epoll_event e = { .events = EPOLLIN | EPOLLOUT };
		struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI };

		err(E(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e)), 0, "epoll of %s", files[i]);
		eq(epoll_wait(ep, &e, 1, 0), 1, "which is ready");
		eq(e.events, EPOLLIN | EPOLLOUT, "to be read and written");
		eq(poll(&p, 1, 0), 1, "poll of it");
		eq(p.revents, POLLIN | POLLOUT, "says so, too");
		err(E(fsync(fd)), 0, "fsync");
		err(E(fdatasync(fd)), 0, "fdatasync");
		close(ep);
		close(fd);
	}
}

/* --- sizes and offsets -------------------------------------------------------- */

static long size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -errno : st.st_size;
}

static void test_truncate(void)
{
	static const char *const files[] = { A "/tasks", FLAG, A "/cpuacct.usage" };
	int fd;

	put(FLAG, "1");
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		eq(size_of(files[i]), 0, "the size of %s", files[i]);
		err(E(truncate(files[i], 100)), 0, "truncate to 100");
		eq(size_of(files[i]), 0, "changes no size");
		err(E(truncate(files[i], 0)), 0, "truncate to 0");
		fd = open(files[i], O_RDWR | O_TRUNC);
		ok(fd >= 0, "open with O_TRUNC");
		err(E(ftruncate(fd, 1L << 40)), 0, "ftruncate");
		eq(size_of(files[i]), 0, "changes no size either");
		close(fd);
	}
	streq(get(FLAG), "1\n", "and no value");
	/* the rest of what chmod and chown change is changed */
	err(E(chmod(FLAG, 0600)), 0, "chmod");
	eq(mode_of(FLAG), 0600, "is done");
	chmod(FLAG, 0644);
	/* as the shell does it */
	err(system("echo 0 > " FLAG), 0, "a shell's redirection");
	streq(get(FLAG), "0\n", "is what was written");
	err(system("echo 1 >> " FLAG), 0, "one that appends");
	streq(get(FLAG), "1\n", "is what was written, too");
	put(FLAG, "0");
}

static void test_offsets(void)
{
	int fd = open(FLAG, O_RDWR);
	char c[4] = "";

	eq(pwrite(fd, "1", 1, 1000), 1, "the offset of a write");
	streq(get(FLAG), "1\n", "does not matter");
	eq(pread(fd, c, 3, 1), 1, "that of a read does");
	streq(c, "\n", "it is in the text");
	eq(pread(fd, c, 3, 2), 0, "after its end");
	eq(write(fd, "0\n", 2), 2, "a write");
	eq(write(fd, "1\n", 2), 2, "and another");
	memset(c, 0, sizeof(c));
	eq(pread(fd, c, 3, 0), 2, "and what is there");
	streq(c, "1\n", "is the last");
	close(fd);
	put(FLAG, "0");
}

/* --- io_uring ----------------------------------------------------------------- */

static void test_uring(void)
{
	long len = strlen(digits);
	struct iovec iov[2] = { { .iov_base = "1", .iov_len = 1 },
				{ .iov_base = "\n", .iov_len = 1 } };
	struct ring r;
	char buf[64];

	if (!ring_open(&r)) {
		skip("no io_uring here: %s", strerror(errno));
		return;
	}
	for (int i = 0; i < 2; i++) {
		int flags = i ? IOSQE_ASYNC : 0, fd = open(FLAG, O_RDWR);
		int tasks = open(A "/tasks", O_RDWR), procs = open(B "/procs", O_RDWR);
		const char *how = i ? "in a thread of its own" : "as it comes";

		eq(ring_do(&r, IORING_OP_WRITEV, fd, iov, 2, flags), 2,
		   "io_uring, %s: a flag in two parts", how);
		streq(get(FLAG), "1\n", "it is set");
		eq(ring_do(&r, IORING_OP_WRITE, fd, "0", 1, flags), 1, "a flag");
		streq(get(FLAG), "0\n", "it is set");
		eq(ring_do(&r, IORING_OP_WRITE, fd, "x", 1, flags), -EINVAL, "no flag");
		memset(buf, 0, sizeof(buf));
		eq(ring_do(&r, IORING_OP_READ, fd, buf, sizeof(buf), flags), 2, "a read");
		streq(buf, "0\n", "is what is there");
		eq(ring_do(&r, IORING_OP_WRITE, tasks, (void *)digits, len, flags), len, "tasks");
		streq(at(), "/a", "it has moved");
		eq(ring_do(&r, IORING_OP_WRITE, procs, (void *)digits, len, flags), len, "procs");
		streq(at(), "/b", "it has moved");
		eq(ring_do(&r, IORING_OP_FSYNC, fd, NULL, 0, flags), 0, "fsync");
		/* a helper of ours writes, which nobody means */
		eq(ring_do(&r, IORING_OP_WRITE, tasks, "0", 1, flags), -EINVAL,
		   "0 into tasks: the writer is nobody's thread");
		streq(get(A "/tasks"), "", "nobody has moved");
		eq(ring_do(&r, IORING_OP_WRITE, procs, "0", 1, flags), 1, "0 into procs");
		streq(where(0, "cpuacct"), "/b", "our process has moved");
		put(M "/procs", "0");
		streq(where(0, "cpuacct"), "/", "and is back");
		home();
		close(fd);
		close(tasks);
		close(procs);
	}
	close(r.fd);
	munmap(r.sq, PAGE);
	munmap(r.cq, PAGE);
	munmap(r.sqes, PAGE);
}

/* --- other ways to a file ----------------------------------------------------- */

struct handle {
	unsigned int bytes;
	int type;
	unsigned char data[128];
};

/* Writes through an opened file what it is told, as another user. */
static int write_passed(void *arg)
{
	int fd = *(int *)arg;

	return write(fd, digits, strlen(digits)) == (ssize_t)strlen(digits) ? 0 : errno;
}

static void test_reach(void)
{
	struct handle h = { .bytes = sizeof(h.data) };
	int fd, other, id, s[2], e;
	char buf[64];

	/* descriptors of all kinds */
	put(FLAG, "1");
	fd = open(FLAG, O_PATH);
	other = open(P("/proc/self/fd/%d", fd), O_RDWR);
	ok(other >= 0, "O_PATH, opened");
	eq(write(other, "0", 1), 1, "and written");
	streq(get(FLAG), "0\n", "it is the flag");
	close(fd);
	close(other);
	fd = open(A "/tasks", O_RDONLY);
	err(put(P("/proc/self/fd/%d", fd), "%s", digits), 0, "opened again, to be written");
	streq(at(), "/a", "it has moved");
	close(fd);
	home();

	/* the opener counts, wherever the descriptor went */
	fd = open(A "/tasks", O_WRONLY);
	err(as_user(1000, write_passed, &fd), 0, "root's descriptor in a user's hands");
	streq(at(), "/a", "it has moved");
	home();
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, s))
		bail("socketpair");
	send_fd(s[0], fd);
	other = recv_fd(s[1]);
	close(fd);
	err(write_passed(&other), 0, "a descriptor that was passed");
	streq(at(), "/a", "it has moved");
	close(other);
	close(s[0]);
	close(s[1]);
	home();

	/* mounts of a part of the tree, and of a file */
	mkdir("/tmp/b", 0755);
	write_file("/tmp/f", "");
	err(E(mount(A, "/tmp/b", NULL, MS_BIND, NULL)), 0, "mount a directory elsewhere");
	err(E(mount(B "/tasks", "/tmp/f", NULL, MS_BIND, NULL)), 0, "and a file");
	err(put("/tmp/b/tasks", "%s", digits), 0, "write in the one");
	streq(at(), "/a", "it has moved");
	err(put("/tmp/f", "%s", digits), 0, "write into the other");
	streq(at(), "/b", "it has moved");
	streq(get("/tmp/f"), P("%s\n", digits), "and is listed");
	home();

	/* with other owners than it has: not for us */
	id = syscall(SYS_open_tree, AT_FDCWD, "/tmp/b", 1 /* OPEN_TREE_CLONE */);
	if (id >= 0) {
		struct { uint64_t set, clr, prop, ns; } attr = { .set = 0x100000 };

		e = -1;
		fd = open("/proc/self/ns/user", O_RDONLY);
		attr.ns = fd;
		e = E(syscall(442 /* mount_setattr */, id, "", AT_EMPTY_PATH, &attr,
			      sizeof(attr)));
		ok(e == EINVAL || e == EPERM || e == ENOSYS, "an idmapped mount: %s",
		   strerrorname_np(e));
		close(fd);
		close(id);
	}
	/* handles of files are for filesystems that can find them again */
	e = E(syscall(SYS_name_to_handle_at, AT_FDCWD, A "/tasks", &h, &id, 0));
	err(e, EOPNOTSUPP, "no handle of a file");
	h.bytes = 8;
	h.type = 1;
	fd = open(M, O_RDONLY);
	e = E(syscall(SYS_open_by_handle_at, fd, &h, O_RDONLY));
	ok(e == ESTALE || e == EOPNOTSUPP, "no file of a handle: %s", strerrorname_np(e));
	close(fd);

	/* where it is not any more */
	err(E(umount("/tmp/f")), 0, "unmount the file");
	fd = open("/tmp/b/notify_on_release", O_RDWR);
	err(E(umount2("/tmp/b", MNT_DETACH)), 0, "and the directory, with a file open");
	eq(write(fd, "1", 1), 1, "which is written");
	streq(get(FLAG), "1\n", "and is the flag");
	close(fd);
	put(FLAG, "0");
	/* two descriptors of a container that goes */
	mkdir(M "/z", 0755);
	fd = open(M "/z/tasks", O_RDWR);
	other = open(M "/z/notify_on_release", O_PATH);
	err(E(rmdir(M "/z")), 0, "a container goes");
	err(E(write(fd, digits, strlen(digits))), ENODEV, "a write");
	err(E(read(fd, buf, sizeof(buf))), ENODEV, "a read");
	e = open_err(P("/proc/self/fd/%d", other), O_RDWR);
	ok(e == 0 || e == ENODEV || e == ENOENT, "another open: %s", strerrorname_np(e));
	err(E(ftruncate(fd, 5)), 0, "truncation");
	err(E(fsync(fd)), 0, "fsync");
	close(fd);
	close(other);
	unlink("/tmp/f");
	rmdir("/tmp/b");
}

int main(void)
{
	setup();
	err(cmount(M, "cpuacct"), 0, "mount");
	mkdir(A, 0755);
	mkdir(B, 0755);
	do {
		pid = sleeper();
	} while (pid < 10);
	digits = strdup(P("%d", pid));
	CASE(test_segments());
	CASE(test_fault());
	CASE(test_bulk());
	CASE(test_poll());
	CASE(test_truncate());
	CASE(test_offsets());
	CASE(test_uring());
	CASE(test_reach());
	reap(pid);
	rmdir(A);
	rmdir(B);
	err(cumount(M), 0, "unmount");
	finish();
}
