// SPDX-License-Identifier: GPL-2.0
/*
 * bc: numfiles: what counts as a file, its bounds, and whose file it stays when it is
 * passed on.
 *
 * Workers are in the container A and do as they are told over a channel; the test
 * itself stays in the root, so that nothing it does changes A's figures.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include "bcworkers.h"

/* --- workers --------------------------------------------------------------- */

static long open_error(long arg)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)arg;
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static long become(long uid)
{
	drop_to(uid);
	return 0;
}

/* --- files ------------------------------------------------------------------ */

static void test_bounds(void)
{
	struct worker w, v;
	long n;

	mount_bc();
	make(A);
	make(B);
	w = worker(A);
	eq(held(A, "numfiles"), 0, "what was open before a move is not the container's");
	eq(ask(&w, open_files, 600), 512, "with CAP_SYS_ADMIN: as many as the limit");
	eq(ask(&w, open_error, 0), EMFILE, "then EMFILE");
	eq(held(A, "numfiles"), 512, "held");
	eq(bc(A, "numfiles.maxheld"), 512, "maxheld");
	eq(bc(A, "numfiles.minheld"), 0, "minheld");
	eq(bc(A, "numfiles.failcnt"), 2, "each refusal is in failcnt");
	eq(held(B, "numfiles"), 0, "another container holds nothing");
	eq(ask(&w, close_files, 12), 12, "closing some");
	eq(held(A, "numfiles"), 500, "gives them back");
	eq(ask(&w, open_files, 100), 12, "so that as many can be opened");
	err(put(A "/bc.numfiles.limit", "520"), 0, "a higher limit");
	eq(ask(&w, open_files, 100), 8, "holds at once");
	err(put(A "/bc.numfiles.limit", "300"), 0, "a lower one than what is held");
	eq(held(A, "numfiles"), 520, "takes nothing away");
	eq(ask(&w, open_error, 0), EMFILE, "but nobody opens anything");
	eq(ask(&w, close_files, 221), 221, "until enough is closed");
	eq(held(A, "numfiles"), 299, "held");
	eq(ask(&w, open_files, 100), 1, "one more");
	ask(&w, close_files, FDS);
	eq(held(A, "numfiles"), 0, "all closed, all given back");
	eq(bc(A, "numfiles.maxheld"), 520, "maxheld stays");

	err(put(A "/bc.numfiles.limit", "512"), 0, "the default limit again");
	ask(&w, become, 1000);
	eq(ask(&w, open_files, 600), 256, "without privilege: as many as the barrier");
	eq(ask(&w, open_error, 0), EMFILE, "then EMFILE");
	v = worker(A);
	eq(ask(&v, open_files, 10), 10, "while a privileged one goes on");
	ask(&v, close_files, 10);
	eq(ask(&w, open_error, 0), EMFILE, "and the other does not");
	ask(&w, close_files, 1);
	eq(ask(&w, open_error, 0), 0, "until it closes one");
	bound(A, "numfiles", 0, 0);
	eq(ask(&v, open_error, 0), EMFILE, "bounds of 0: nobody opens anything");
	bound(A, "numfiles", UNLIMITED, UNLIMITED);
	eq(ask(&w, open_files, 1000), 1000, "unlimited");
	ask(&w, close_files, FDS);

	/* the root has bounds, too, if one sets them */
	eq(movepid(M, v.pid), 0, "worker to the root");
	err(put(M "/bc.numfiles.barrier", "%ld", held(M, "numfiles") + 20), 0, "a barrier of the root");
	err(put(M "/bc.numfiles.limit", "%ld", bc(M, "numfiles.barrier") + 10), 0, "and a limit");
	n = ask(&v, open_files, 100);
	/* what others have closed since the figure was read made room, too */
	ok(n < 40, "stop a task there, after %ld", n);
	eq(ask(&v, open_error, 0), EMFILE, "with EMFILE");
	ask(&v, close_files, 100);
	bound(M, "numfiles", UNLIMITED, UNLIMITED);
	eq(quit(&w), 0, "worker ends");
	eq(quit(&v), 0, "worker ends");
	eq(held(A, "numfiles"), 0, "nothing held");
	removed(A);
	removed(B);
	err(cumount(M), 0, "unmount");
}

static long open_kind(long kind)
{
	int p[2] = { -1, -1 }, e;
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	switch (kind) {
	case 0:
		p[0] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		break;
	case 1:
		p[0] = open("/", O_PATH | O_CLOEXEC);
		break;
	case 2:
		if (pipe2(p, O_CLOEXEC))
			return -errno;
		break;
	case 3:
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, p))
			return -errno;
		break;
	case 4:
		p[0] = socket(AF_UNIX, SOCK_STREAM, 0);
		break;
	case 5:
		p[0] = memfd_create("x", MFD_CLOEXEC);
		break;
	case 6:
		p[0] = epoll_create1(EPOLL_CLOEXEC);
		break;
	case 7:
		p[0] = eventfd(0, 0);
		break;
	case 8:
		p[0] = timerfd_create(CLOCK_MONOTONIC, 0);
		break;
	case 9: {
		sigset_t set;

		sigemptyset(&set);
		p[0] = signalfd(-1, &set, 0);
		break;
	}
	case 10:
		p[0] = syscall(SYS_pidfd_open, getpid(), 0);
		break;
	case 11: {
		/* a connection that is accepted: three sockets */
		int l = socket(AF_UNIX, SOCK_STREAM, 0);

		if (l < 0)
			return -errno;
		if (bind(l, (void *)&un, sizeof(sa_family_t)) || listen(l, 1))
			return -errno;
		p[0] = socket(AF_UNIX, SOCK_STREAM, 0);
		if (p[0] >= 0) {
			socklen_t len = sizeof(un);

			getsockname(l, (void *)&un, &len);
			connect(p[0], (void *)&un, len);
			p[1] = accept(l, NULL, NULL);
		}
		fds[nfds++] = l;
		break;
	}
	case 12:
		p[0] = dup(fds[0]);
		break;
	case 13:
		p[0] = fcntl(fds[0], F_DUPFD_CLOEXEC, 100);
		break;
	case 14:
		p[0] = dup2(fds[0], 1500);
		break;
	}
	e = errno;
	for (int i = 0; i < 2; i++)
		if (p[i] >= 0)
			fds[nfds++] = p[i];
	return p[0] < 0 ? -e : 0;
}

static const struct {
	const char *name;
	int files;
} kinds[] = {
	{ "a directory", 1 }, { "O_PATH", 1 }, { "a pipe", 2 }, { "a pair of sockets", 2 },
	{ "a socket", 1 }, { "a memfd", 1 }, { "epoll", 1 }, { "an eventfd", 1 },
	{ "a timerfd", 1 }, { "a signalfd", 1 }, { "a pidfd", 1 },
	{ "a connection with its listener", 3 }, { "dup", 0 }, { "F_DUPFD", 0 }, { "dup2", 0 },
};

static void test_kinds(void)
{
	struct worker w;

	mount_bc();
	make(A);
	w = worker(A);
	ask(&w, open_files, 1);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		long before = held(A, "numfiles"), e = ask(&w, open_kind, i);

		ok(e == 0 && held(A, "numfiles") == before + kinds[i].files,
		   "%s counts %d", kinds[i].name, kinds[i].files);
		if (e)
			diag("%s", strerror(-e));
	}
	bound(A, "numfiles", held(A, "numfiles"), held(A, "numfiles"));
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].files)
			eq(ask(&w, open_kind, i), -EMFILE, "%s beyond the limit: EMFILE", kinds[i].name);
		else
			eq(ask(&w, open_kind, i), 0, "%s beyond the limit", kinds[i].name);
	bound(A, "numfiles", held(A, "numfiles") + 1, held(A, "numfiles") + 1);
	eq(ask(&w, open_kind, 2), -EMFILE, "a pipe where there is room for one end: EMFILE");
	eq(ask(&w, open_kind, 3), -EMFILE, "a pair of sockets, too");
	eq(held(A, "numfiles"), bc(A, "numfiles.limit") - 1, "which holds nothing after it");
	ask(&w, close_files, FDS);
	eq(held(A, "numfiles"), 0, "all closed");
	eq(quit(&w), 0, "worker ends");
	removed(A);
	err(cumount(M), 0, "unmount");
}

static long send_file(long arg)
{
	(void)arg;
	return send_fd(channel, fds[0]);
}

/* A file that a worker has opened and sent over its socket; it keeps a descriptor. */
static int file_of(struct worker *w)
{
	int fd;

	ask(w, open_files, 1);
	tell(w, send_file, 0);
	fd = recv_fd(w->fd);
	answer(w);
	return fd;
}

static void test_owner(void)
{
	struct worker w;
	int fd, fd2, p[2];

	mount_bc();
	make(A);
	make(B);
	w = worker(A);
	ask(&w, open_files, 1);
	tell(&w, send_file, 0);
	fd = recv_fd(w.fd);
	eq(answer(&w), 0, "a file is sent over a socket");
	ok(fd >= 0, "and received");
	eq(held(A, "numfiles"), 1, "it is still its opener's");
	ask(&w, close_files, 1);
	eq(held(A, "numfiles"), 1, "even when that has closed it");
	err(movepid(B, w.pid), 0, "the opener moves away");
	eq(held(A, "numfiles"), 1, "and leaves it behind");
	eq(held(B, "numfiles"), 0, "taking nothing along");
	eq(nids(A "/tasks"), 0, "the container has no members");
	err(E(rmdir(A)), EBUSY, "but cannot be removed");
	eq(quit(&w), 0, "the opener ends");
	err(E(rmdir(A)), EBUSY, "nor then");
	fd2 = dup(fd);
	close(fd);
	err(E(rmdir(A)), EBUSY, "nor while there is a duplicate");
	close(fd2);
	removed(A);

	/* in flight, in a socket that nobody reads from */
	make(A);
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p);
	w = worker(A);
	fd = file_of(&w);
	send_fd(p[0], fd);
	close(fd);
	eq(quit(&w), 0, "worker ends");
	err(E(rmdir(A)), EBUSY, "a file in flight keeps its container");
	close(p[0]);
	close(p[1]);
	removed(A);

	/* auto_delete waits for the last file */
	make(A);
	w = worker(A);
	fd = file_of(&w);
	err(put(A "/auto_delete", "1"), 0, "auto_delete");
	eq(quit(&w), 0, "worker ends");
	msleep(100);
	err(access(A, F_OK) ? errno : 0, 0, "a file keeps a container that is to delete itself");
	close(fd);
	ok(wait_for(access(A, F_OK) && errno == ENOENT), "until it is closed");

	/* a mapping holds its file */
	removed(B);
	err(cumount(M), 0, "unmount");
}

static long open_and_map(long arg)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	void *p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);

	(void)arg;
	close(fd);
	return p == MAP_FAILED ? -errno : 0;
}

static void test_held_by(void)
{
	struct worker w;

	mount_bc();
	make(A);
	w = worker(A);
	eq(ask(&w, open_and_map, 0), 0, "a file is mapped and closed");
	eq(held(A, "numfiles"), 1, "the mapping holds it");
	tell(&w, exec_self, 0);
	ok(wait_for(held(A, "numfiles") == 1 && strstr(get(P("/proc/%d/cmdline", w.pid)) ?: "", "sleep")),
	   "the program that runs is a file");
	msleep(50);
	eq(held(A, "numfiles"), 1, "and the only one");
	close(w.fd);
	reap(w.pid);
	ok(wait_for(held(A, "numfiles") == 0), "until it ends");
	removed(A);
	err(cumount(M), 0, "unmount");
}

/* --- overlays ---------------------------------------------------------------- */

#define LOW "/tmp/low"
#define OVER "/tmp/over"

static long open_over(long count)
{
	long n;

	for (n = 0; n < count && open(OVER "/file", O_RDONLY | O_CLOEXEC) >= 0; n++)
		;
	return n;
}

static void make_layers(void)
{
	mkdir(LOW, 0755);
	mkdir(LOW "2", 0755);
	mkdir(OVER, 0755);
	close(creat(LOW "/file", 0644));
}

/* Mounts an overlay as root of a user namespace, and stays there. */
static int mount_over(struct kid *up, void *arg)
{
	(void)arg;
	drop_to(1000);
	kid_send(up, enter_userns(CLONE_NEWNS) ?
		 E(mount("o", OVER, "overlay", 0, "lowerdir=" LOW ":" LOW "2")) : EPERM);
	return kid_recv(up);
}

static long enter_mounts(long pid)
{
	int fd = open(P("/proc/%ld/ns/mnt", pid), O_RDONLY | O_CLOEXEC), got = E(setns(fd, CLONE_NEWNS));

	close(fd);
	return got;
}

/* In root's container, with an overlay that a user has mounted. */
static void test_overlay_of_user(void)
{
	struct worker w;
	struct kid k;
	int got;

	make_layers();
	k = kid_start(mount_over, NULL);
	got = kid_recv(&k);
	if (got) {
		skip("an overlay of a user's: %s", strerror(got));
		kid_send(&k, 0);
		kid_wait(&k);
		return;
	}
	mount_bc();
	make(A);
	w = worker(A);
	bound(A, "numfiles", 4, 64);
	err(ask(&w, enter_mounts, k.pid), 0, "root goes to where a user has mounted an overlay");
	eq(ask(&w, open_over, 20), 20, "and goes beyond the barrier, for its layer, too");
	eq(held(A, "numfiles"), 40, "each counts twice");
	quit(&w);
	kid_send(&k, 0);
	kid_wait(&k);
	removed(A);
	err(cumount(M), 0, "unmount");
}

/*
 * Behind each open file of an overlay is one of its layer, which is opened with the rights of who
 * mounted it.
 */
static void test_overlay(void)
{
	struct worker w;

	make_layers();
	if (mount("o", OVER, "overlay", 0, "lowerdir=" LOW ":" LOW "2")) {
		skip("no overlayfs: %s", strerror(errno));
		return;
	}
	mount_bc();
	make(A);
	w = worker(A);
	bound(A, "numfiles", 9, 64);
	ask(&w, become, 1000);
	eq(ask(&w, open_over, 20), 4, "a user opens four files of an overlay of root's");
	eq(held(A, "numfiles"), 8, "which count twice, up to the barrier");
	quit(&w);
	removed(A);
	err(cumount(M), 0, "unmount");
	umount(OVER);
}

int main(void)
{
	setup_bc();
	CASE(test_bounds());
	CASE(test_kinds());
	CASE(test_owner());
	CASE(test_held_by());
	CASE(test_overlay());
	CASE(test_overlay_of_user());
	finish();
}
