// SPDX-License-Identifier: GPL-2.0
/*
 * bc: the control files, and what is counted and refused of files, tasks and
 * memory.
 *
 * Workers are in the container A and do as they are told over a channel; the test
 * itself stays in the root, so that nothing it does changes A's figures.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "lib.h"

#define M "/tmp/m"
#define A M "/a"
#define B M "/b"
#define UNLIMITED LONG_MAX
#define PAGE 4096L

static const char *const resources[] = {
	"kmemsize", "privvmpages", "physpages", "numtasks", "numfiles",
};

static const char *const figures[] = {
	"held", "maxheld", "minheld", "failcnt", "barrier", "limit",
};

/* --- figures --------------------------------------------------------------- */

static long bc(const char *dir, const char *what)
{
	return getnum(P("%s/bc.%s", dir, what));
}

static long held(const char *dir, const char *resource)
{
	return bc(dir, P("%s.held", resource));
}

/* Both bounds of a resource, whatever they were. */
static void bound(const char *dir, const char *resource, long barrier, long limit)
{
	put(P("%s/bc.%s.barrier", dir, resource), "0");
	if (put(P("%s/bc.%s.limit", dir, resource), "%ld", limit) ||
	    put(P("%s/bc.%s.barrier", dir, resource), "%ld", barrier))
		bail("cannot set the bounds of %s: %s", resource, strerror(errno));
}

static void mount_bc(void)
{
	if (cmount(M, "bc"))
		bail("mount bc: %s", strerror(errno));
}

static void make(const char *dir)
{
	if (mkdir(dir, 0755))
		bail("mkdir %s: %s", dir, strerror(errno));
}

/* A file may be given back a little later: by a work item, or another task. */
static void removed(const char *dir)
{
	int e;

	wait_for((e = E(rmdir(dir))) != EBUSY);
	err(e, 0, "rmdir %s", dir);
}

/* --- workers --------------------------------------------------------------- */

/*
 * A function for a worker to run, and its answer: a number, or a negative errno.
 * Workers have room for what they open and allocate nothing that is counted.
 */
typedef long (*job)(long arg);

struct order {
	job fn;
	long arg;
};

struct worker {
	pid_t pid;
	int fd;
};

#define FDS 2048
static int fds[FDS];
static int nfds;
static int channel;		/* a worker's */

static int worker_main(struct kid *up, void *arg)
{
	struct order o;
	long answer;

	(void)arg;
	channel = up->fd;
	signal(SIGCHLD, SIG_DFL);
	while (read(up->fd, &o, sizeof(o)) == sizeof(o) && o.fn) {
		answer = o.fn(o.arg);
		if (write(up->fd, &answer, sizeof(answer)) != sizeof(answer))
			return 1;
	}
	return 0;
}

static struct worker worker(const char *dir)
{
	struct rlimit rl = { .rlim_cur = FDS, .rlim_max = FDS };
	struct kid k = kid_start(worker_main, NULL);
	struct worker w = { .pid = k.pid, .fd = k.fd };

	prlimit(w.pid, RLIMIT_NOFILE, &rl, NULL);
	if (dir)
		err(movepid(dir, w.pid), 0, "worker moves to %s", dir);
	return w;
}

static void tell(struct worker *w, job fn, long arg)
{
	struct order o = { .fn = fn, .arg = arg };

	if (send(w->fd, &o, sizeof(o), MSG_NOSIGNAL) != sizeof(o))
		diag("worker %d is gone", w->pid);
}

static long answer(struct worker *w)
{
	long v;

	return recv(w->fd, &v, sizeof(v), MSG_WAITALL) == sizeof(v) ? v : LONG_MIN;
}

static long ask(struct worker *w, job fn, long arg)
{
	tell(w, fn, arg);
	return answer(w);
}

static int quit(struct worker *w)
{
	struct kid k = { .pid = w->pid, .fd = w->fd };

	tell(w, NULL, 0);
	return kid_wait(&k);
}

/* Opens up to so many files; how many it got, the errno that ended it in last_errno. */
static long open_files(long count)
{
	long n;

	for (n = 0; n < count; n++) {
		fds[nfds] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fds[nfds] < 0)
			break;
		nfds++;
	}
	return n;
}

static long open_error(long arg)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)arg;
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static long close_files(long count)
{
	long n;

	for (n = 0; n < count && nfds; n++)
		close(fds[--nfds]);
	return n;
}

static long become(long uid)
{
	drop_to(uid);
	return 0;
}

/* --- the control files ----------------------------------------------------- */

static void test_files(void)
{
	const char *f;
	bool tree = true, defaults = true, root = true;

	mount_bc();
	make(A);
	for (size_t r = 0; r < ARRAY_SIZE(resources); r++)
		for (size_t i = 0; i < ARRAY_SIZE(figures); i++) {
			bool file = !strcmp(resources[r], "numfiles");
			long v;

			f = P("bc.%s.%s", resources[r], figures[i]);
			if (mode_of(P(A "/%s", f)) != (i < 4 ? 0444 : 0644) ||
			    mode_of(P(M "/%s", f)) != (i < 4 ? 0444 : 0644)) {
				diag("mode of %s", f);
				tree = false;
			}
			v = getnum(P(A "/%s", f));
			if (v != (i < 4 ? 0 : !file ? UNLIMITED : i == 4 ? 256 : 512)) {
				diag("%s in a new container is %ld", f, v);
				defaults = false;
			}
			v = getnum(P(M "/%s", f));
			if (i == 0 || i == 1 ? v <= 0 : v != (i < 4 ? 0 : UNLIMITED)) {
				diag("%s in the root is %ld", f, v);
				root = false;
			}
		}
	ok(tree, "all files are there, with their modes");
	ok(defaults, "a new container holds nothing, and has the default bounds");
	ok(root, "the root is counted, and unlimited");
	streq(get(A "/bc.numtasks.limit"), "9223372036854775807\n", "unlimited is LONG_MAX");

	/* what can be written, and what is said to the rest */
	for (size_t r = 0; r < ARRAY_SIZE(resources); r++) {
		const char *bar = P(A "/bc.%s.barrier", resources[r]);
		const char *lim = P(A "/bc.%s.limit", resources[r]);
		bool good = true;

		good &= !put(bar, "100") && !put(lim, "200\n");
		good &= getnum(bar) == 100 && getnum(lim) == 200;
		good &= put(bar, "201") == EINVAL && put(lim, "99") == EINVAL;
		good &= !put(bar, " 200 ") && !put(lim, "200") && !put(bar, "0") && !put(lim, "0");
		good &= put(bar, "1") == EINVAL;
		good &= !put(lim, "9223372036854775807") && !put(bar, "9223372036854775807");
		good &= put(lim, "9223372036854775808") == EINVAL;
		good &= put(lim, "99999999999999999999999") == EINVAL;
		good &= put(lim, "-1") == EINVAL && put(lim, "+1") == EINVAL;
		good &= put(lim, "0x10") == EINVAL && put(lim, "1 2") == EINVAL;
		good &= put(lim, "1k") == EINVAL && put(lim, " ") == EINVAL;
		good &= put(lim, "\n") == EINVAL && put(lim, "1\n\n") == EINVAL;
		good &= getnum(bar) == UNLIMITED && getnum(lim) == UNLIMITED;
		ok(good, "bounds of %s: what is taken and what is not", resources[r]);
	}
	err(put(M "/bc.numfiles.limit", "4000000"), EINVAL, "the root: limit below its barrier");
	err(put(M "/bc.numfiles.barrier", "1000000"), 0, "the root's barrier is writable");
	err(put(M "/bc.numfiles.limit", "4000000"), 0, "and its limit");
	eq(bc(M, "numfiles.barrier"), 1000000, "the root's barrier reads back");
	err(open_err(A "/bc.numfiles.held", O_WRONLY), 0, "root may open what has no write bit");
	err(put(A "/bc.numfiles.held", "1"), EINVAL, "held cannot be written");
	err(put(A "/bc.numfiles.maxheld", "0"), EINVAL, "nor can maxheld");
	err(put(A "/bc.numfiles.minheld", "0"), EINVAL, "nor can minheld");
	err(put(A "/bc.numfiles.failcnt", "0"), EINVAL, "nor can failcnt");
	f = get(M "/bc.numtasks.held");
	{
		char big[5000];
		int fd = open(A "/bc.numfiles.limit", O_RDWR | O_CLOEXEC);

		memset(big, '1', sizeof(big));
		err(putn(A "/bc.numfiles.limit", big, sizeof(big)), E2BIG, "more than a page");
		err(E(rmdir(A)), 0, "rmdir");
		err(E(pwrite(fd, "1", 1, 0)), ENODEV, "write after the removal");
		err(E(pread(fd, big, 1, 0)), ENODEV, "read after the removal");
		close(fd);
	}
	err(cumount(M), 0, "unmount");

	mount_bc();
	eq(bc(M, "numfiles.limit"), UNLIMITED, "the root of another hierarchy is unlimited");
	eq(bc(M, "numfiles.barrier"), UNLIMITED, "and so is its barrier");
	err(cumount(M), 0, "unmount");
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
	eq(ask(&w, open_kind, 3), -EMFILE, "a pair of sockets likewise");
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
	ask(&w, open_files, 1);
	tell(&w, send_file, 0);
	fd = recv_fd(w.fd);
	answer(&w);
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
	ask(&w, open_files, 1);
	tell(&w, send_file, 0);
	fd = recv_fd(w.fd);
	answer(&w);
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

static long exec_self(long arg)
{
	char *argv[] = { (char *)"sleep", (char *)"100", NULL };

	(void)arg;
	execv("/bin/busybox", argv);
	return -errno;
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

/* --- binding and unbinding with files open ------------------------------------ */

static void test_unbind(void)
{
	struct worker w = worker(NULL);
	char *hooks;

	eq(ask(&w, open_files, 300), 300, "files opened before the mount");
	mount_bc();
	hooks = get("/proc/containers");
	ok(hooks && strstr(hooks, "security_file_alloc: armed missed=0") &&
	   strstr(hooks, "security_file_free: armed missed=0") &&
	   strstr(hooks, "may_expand_vm: armed missed=0"), "the hooks are armed");
	make(A);
	err(movepid(A, w.pid), 0, "worker moves");
	eq(held(A, "numfiles"), 0, "they count nowhere");
	ask(&w, close_files, 100);
	eq(held(A, "numfiles"), 0, "closing them takes nothing off");
	eq(ask(&w, open_files, 50), 50, "opening others");
	eq(held(A, "numfiles"), 50, "counts these");
	ask(&w, close_files, 150);
	eq(held(A, "numfiles"), 0, "closing more than that takes off no more");
	eq(ask(&w, open_files, 50), 50, "some stay open");
	err(rmmod("container_bc"), EAGAIN, "rmmod while bound");
	err(movepid(M, w.pid), 0, "worker back to the root");
	err(E(rmdir(A)), EBUSY, "rmdir with files open");
	err(E(umount(M)), 0, "unmount with a container below");
	ask(&w, close_files, 50);
	mount_bc();
	removed(A);
	eq(ask(&w, open_files, 50), 50, "files of the root");
	err(cumount(M), 0, "unmount with files open");
	hooks = get("/proc/containers");
	ok(hooks && strstr(hooks, "security_file_alloc: off") &&
	   strstr(hooks, "security_file_free: off") && strstr(hooks, "may_expand_vm: off"),
	   "the hooks are off");
	eq(ask(&w, close_files, 20), 20, "some are closed then");
	mount_bc();
	{
		long before = held(M, "numfiles");

		eq(ask(&w, close_files, 30), 30, "the others after another mount");
		eq(held(M, "numfiles"), before, "which is none of its business");
		eq(ask(&w, open_files, 10), 10, "files");
		eq(held(M, "numfiles"), before + 10, "count again");
	}
	err(cumount(M), 0, "unmount");
	err(rmmod("container_bc"), 0, "rmmod with files open");
	eq(ask(&w, close_files, FDS), 110, "which are closed after it");
	err(modprobe("container_bc"), 0, "load it again");
	eq(quit(&w), 0, "worker ends");
}

/* --- tasks -------------------------------------------------------------------- */

static pid_t kids[2000];
static int nkids;

static long fork_kids(long count)
{
	long n;

	for (n = 0; n < count; n++) {
		pid_t p = fork();

		if (p < 0)
			break;
		if (!p)
			for (;;)
				pause();
		kids[nkids++] = p;
	}
	return n;
}

static long fork_error(long arg)
{
	(void)arg;
	return fork_once();
}

static long end_kids(long count)
{
	long n;

	for (n = 0; n < count && nkids; n++) {
		kill(kids[--nkids], SIGKILL);
		waitpid(kids[nkids], NULL, 0);
	}
	return n;
}

static pthread_t threads[300];
static int nthreads;
static int thread_pipe[2] = { -1, -1 };

static void *thread_main(void *arg)
{
	char c;

	(void)arg;
	if (read(thread_pipe[0], &c, 1) < 0)
		return NULL;
	return NULL;
}

static long start_threads(long count)
{
	pthread_attr_t attr;
	long n;

	if (thread_pipe[0] < 0 && pipe(thread_pipe))
		return -errno;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (n = 0; n < count; n++)
		if (pthread_create(&threads[nthreads], &attr, thread_main, NULL))
			break;
		else
			nthreads++;
	return n;
}

static long end_threads(long arg)
{
	(void)arg;
	for (int i = 0; i < nthreads; i++)
		if (write(thread_pipe[1], "", 1) != 1)
			return -errno;
	while (nthreads)
		pthread_join(threads[--nthreads], NULL);
	return 0;
}

static long vfork_error(long arg)
{
	pid_t p = vfork();

	(void)arg;
	if (!p)
		_exit(0);
	if (p < 0)
		return errno;
	waitpid(p, NULL, 0);
	return 0;
}

static int ntasks_system(void)
{
	pid_t *list;
	int n = live_tasks(&list);

	free(list);
	return n;
}

/* Kernel threads come and go: tries until two looks around it agree. */
static bool counts_all(void)
{
	return wait_for(({
		long before = ntasks_system(), all = held(M, "numtasks");

		all == before && ntasks_system() == before;
	}));
}

static void test_numtasks(void)
{
	struct worker w, v;

	mount_bc();
	ok(counts_all(), "the root's numtasks are all there are");
	make(A);
	make(B);
	w = worker(A);
	eq(held(A, "numtasks"), 1, "a task moves in");
	ok(counts_all(), "and counts in the root still");
	bound(A, "numtasks", 5, 10);
	eq(ask(&w, fork_kids, 100), 9, "forks up to the limit");
	eq(held(A, "numtasks"), 10, "held");
	eq(ask(&w, fork_error, 0), EAGAIN, "then EAGAIN");
	eq(ask(&w, vfork_error, 0), EAGAIN, "for vfork, too");
	eq(ask(&w, start_threads, 3), 0, "and for threads");
	eq(bc(A, "numtasks.failcnt"), 4, "failcnt");
	eq(held(A, "numtasks"), 10, "nothing is lost by that");
	v = worker(A);
	eq(held(A, "numtasks"), 11, "a move goes beyond the limit");
	eq(ask(&w, end_kids, 1), 1, "an exit");
	eq(ask(&w, fork_error, 0), EAGAIN, "does not make room then");
	eq(ask(&w, end_kids, 1), 1, "a second one");
	eq(ask(&w, fork_error, 0), 0, "does");
	err(movepid(B, v.pid), 0, "moving away");
	eq(held(A, "numtasks"), 8, "takes it off here");
	eq(held(B, "numtasks"), 1, "and adds it there");
	ask(&w, end_kids, 100);
	eq(held(A, "numtasks"), 1, "after all have ended");
	eq(bc(A, "numtasks.maxheld"), 11, "maxheld");
	err(put(A "/bc.numtasks.limit", "300"), 0, "a higher limit");
	eq(ask(&w, start_threads, 200), 200, "threads");
	eq(held(A, "numtasks"), 201, "each counts");
	err(put(B "/procs", "%d", w.pid), 0, "the whole process moves");
	eq(held(A, "numtasks"), 0, "none is left");
	eq(held(B, "numtasks"), 202, "all are there");
	ok(counts_all(), "the root's are all there are");
	ask(&w, end_threads, 0);
	/* a thread can be joined a little before it is gone */
	ok(wait_for(held(B, "numtasks") == 2), "the threads end");
	eq(ask(&w, fork_kids, 3), 3, "some are left in there");
	eq(held(B, "numtasks"), 5, "held");
	ask(&w, end_kids, 3);
	err(movepid(M, w.pid), 0, "to the root");
	ok(counts_all(), "the root's are all there are");
	/* the root's own limit */
	err(put(M "/bc.numtasks.barrier", "0"), 0, "the root's barrier");
	err(put(M "/bc.numtasks.limit", "0"), 0, "the root's limit");
	eq(ask(&w, fork_error, 0), EAGAIN, "stops forks in it");
	eq(ask(&v, fork_error, 0), EAGAIN, "and below");
	bound(M, "numtasks", UNLIMITED, UNLIMITED);
	eq(quit(&w), 0, "worker ends");
	eq(quit(&v), 0, "worker ends");
	removed(A);
	removed(B);
	ok(counts_all(), "all are in the root again, and once");
	err(cumount(M), 0, "unmount");
}

/* --- memory -------------------------------------------------------------------- */

static void *mapped[64];
static int nmapped;

static long map_pages(long pages)
{
	void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return errno;
	mapped[nmapped++] = p;
	return 0;
}

static long unmap_pages(long pages)
{
	return munmap(mapped[--nmapped], pages * PAGE) ? errno : 0;
}

static long map_fixed(long pages)
{
	/* over a mapping of our own: grows by nothing */
	return mmap(mapped[nmapped - 1], pages * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) ==
		MAP_FAILED ? errno : 0;
}

static long map_shared(long pages)
{
	void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return errno;
	return munmap(p, pages * PAGE) ? errno : 0;
}

static long map_readonly(long pages)
{
	void *p = mmap(NULL, pages * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return errno;
	mapped[nmapped++] = p;
	return 0;
}

static long protect(long prot_pages)
{
	return mprotect(mapped[nmapped - 1], (prot_pages >> 8) * PAGE, prot_pages & 0xff) ?
		errno : 0;
}

static long remap_pages(long from_to)
{
	void *p = mremap(mapped[nmapped - 1], (from_to >> 16) * PAGE,
			 (from_to & 0xffff) * PAGE, MREMAP_MAYMOVE);

	if (p == MAP_FAILED)
		return errno;
	mapped[nmapped - 1] = p;
	return 0;
}

static long grow_break(long pages)
{
	unsigned long now = syscall(SYS_brk, 0);

	return (unsigned long)syscall(SYS_brk, now + pages * PAGE) == now + pages * PAGE ?
		0 : ENOMEM;
}

/* A mapping that grows down, and a touch below it. */
static long map_stack(long pages)
{
	char *p = mmap(NULL, 256 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(p, 256 * PAGE);
	p = mmap(p + 255 * PAGE, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
	if (p == MAP_FAILED)
		return errno;
	mapped[nmapped++] = p;
	(void)pages;
	return 0;
}

static long touch_below(long pages)
{
	pid_t p = fork();
	int status;

	if (!p) {
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		for (long i = 1; i <= pages; i++)
			*((volatile char *)mapped[nmapped - 1] - i * PAGE) = 1;
		_exit(0);
	}
	if (p < 0)
		return -errno;
	waitpid(p, &status, 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static long fork_wait_kid(long arg)
{
	return fork_kids(1) == 1 ? 0 : errno;
	(void)arg;
}

static long touch_pages(long pages)
{
	for (long i = 0; i < pages; i++)
		((volatile char *)mapped[nmapped - 1])[i * PAGE] = 1;
	return 0;
}

static void agrees(const char *dir, pid_t pid, int times, const char *what)
{
	long want = private_pages(pid) * times;

	eq(held(dir, "privvmpages"), want, "%s: held is what the kernel counts", what);
}

static void test_privvmpages(void)
{
	struct worker w, v;
	long base;
	pid_t kid;

	mount_bc();
	make(A);
	make(B);
	w = worker(A);
	base = private_pages(w.pid);
	ok(base > 0, "a worker has %ld pages", base);
	agrees(A, w.pid, 1, "after a move");
	eq(ask(&w, map_pages, 100), 0, "mmap");
	eq(held(A, "privvmpages"), base + 100, "counts");
	agrees(A, w.pid, 1, "after mmap");
	bound(A, "privvmpages", 0, base + 150);
	eq(ask(&w, map_pages, 51), ENOMEM, "one page too many: ENOMEM");
	ok(bc(A, "privvmpages.failcnt") >= 1, "failcnt");
	eq(held(A, "privvmpages"), base + 100, "nothing is lost by that");
	eq(ask(&w, map_pages, 50), 0, "up to the limit");
	eq(ask(&w, map_pages, 1), ENOMEM, "no more");
	eq(ask(&w, map_fixed, 50), 0, "a mapping over another takes nothing");
	eq(ask(&w, map_shared, 1000), 0, "nor does one that is shared");
	eq(ask(&w, grow_break, 1), ENOMEM, "brk: ENOMEM");
	eq(ask(&w, remap_pages, 50L << 16 | 51), ENOMEM, "mremap: ENOMEM");
	eq(ask(&w, fork_wait_kid, 0), ENOMEM, "fork, whose copy does not fit: ENOMEM");
	eq(ask(&w, vfork_error, 0), 0, "vfork has no copy");
	eq(held(A, "numtasks"), 1, "no task is left of that");
	agrees(A, w.pid, 1, "at the limit");
	eq(ask(&w, remap_pages, 50L << 16 | 40), 0, "a mapping gets smaller");
	eq(ask(&w, grow_break, 10), 0, "which makes room for brk");
	eq(ask(&w, grow_break, 1), ENOMEM, "but for no more");
	eq(ask(&w, grow_break, -10), 0, "the break is lowered");
	eq(ask(&w, remap_pages, 40L << 16 | 50), 0, "and a mapping grows by that");
	agrees(A, w.pid, 1, "after mremap");
	eq(ask(&w, unmap_pages, 50), 0, "munmap");
	agrees(A, w.pid, 1, "after munmap");

	/* a mapping becomes data */
	eq(ask(&w, map_readonly, 60), 0, "a mapping that cannot be written");
	eq(held(A, "privvmpages"), base + 100, "counts nothing");
	eq(ask(&w, protect, 60L << 8 | PROT_READ | PROT_WRITE), ENOMEM, "writable: ENOMEM");
	eq(ask(&w, protect, 50L << 8 | PROT_READ | PROT_WRITE), 0, "as much as there is room for");
	agrees(A, w.pid, 1, "after mprotect");
	eq(ask(&w, map_pages, 1), ENOMEM, "and no more");
	eq(ask(&w, protect, 50L << 8 | PROT_READ), 0, "not writable any more");
	agrees(A, w.pid, 1, "after that");
	eq(ask(&w, unmap_pages, 60), 0, "munmap");

	/* stacks */
	bound(A, "privvmpages", 0, UNLIMITED);
	eq(ask(&w, map_stack, 0), 0, "a mapping that grows down");
	agrees(A, w.pid, 1, "with a stack");
	eq(ask(&w, touch_below, 20), 0, "grows when it is touched");
	bound(A, "privvmpages", 0, private_pages(w.pid) * 2 + 10);
	eq(ask(&w, touch_below, 10), 0, "up to the limit");
	eq(ask(&w, touch_below, 11), SIGSEGV, "then SIGSEGV");
	eq(ask(&w, unmap_pages, 1), 0, "munmap");
	bound(A, "privvmpages", UNLIMITED, UNLIMITED);

	/* an address space of many tasks counts once, a copy for itself */
	eq(ask(&w, start_threads, 10), 10, "threads");
	agrees(A, w.pid, 1, "with threads");
	eq(ask(&w, fork_wait_kid, 0), 0, "a child");
	agrees(A, w.pid, 2, "with a child");
	err(movepid(B, w.pid), 0, "one thread moves");
	agrees(B, w.pid, 1, "where it moved");
	agrees(A, w.pid, 2, "where the others are");
	err(put(B "/procs", "%d", w.pid), 0, "all threads move");
	agrees(B, w.pid, 1, "where they moved");
	agrees(A, w.pid, 1, "where the child is");
	ask(&w, end_threads, 0);
	agrees(B, w.pid, 1, "without the threads");
	ask(&w, end_kids, 1);
	eq(held(A, "privvmpages"), 0, "the child has ended");

	/* a move is never refused */
	bound(A, "privvmpages", 0, 1);
	err(movepid(A, w.pid), 0, "a move into a container that is full");
	agrees(A, w.pid, 1, "after it");
	eq(ask(&w, map_pages, 1), ENOMEM, "but nothing grows");
	bound(A, "privvmpages", UNLIMITED, UNLIMITED);

	/* others' memory makes room, too: nothing tells of it until somebody asks */
	v = worker(A);
	eq(ask(&v, map_pages, 500), 0, "another process has a lot");
	bound(A, "privvmpages", 0, held(A, "privvmpages"));
	eq(ask(&w, map_pages, 400), ENOMEM, "there is no room");
	eq(ask(&v, unmap_pages, 500), 0, "it gives it back");
	eq(ask(&w, map_pages, 500), 0, "then there is");
	eq(quit(&w), 0, "worker ends");
	bound(A, "privvmpages", UNLIMITED, UNLIMITED);

	/* exec */
	tell(&v, exec_self, 0);
	ok(wait_for(strstr(get(P("/proc/%d/cmdline", v.pid)) ?: "", "sleep")), "exec");
	ok(wait_for(held(A, "privvmpages") == private_pages(v.pid)),
	   "after exec held is what the kernel counts");
	kid = v.pid;
	close(v.fd);
	reap(kid);
	ok(wait_for(held(A, "privvmpages") == 0), "nothing is held");
	ok(bc(A, "privvmpages.maxheld") >= base + 500, "maxheld");
	eq(bc(A, "privvmpages.minheld"), 0, "minheld");

	/* an exec that does not fit ends the program, not the system */
	w = worker(A);
	bound(A, "privvmpages", 0, 5);
	tell(&w, exec_self, 0);
	ok(wait_for(task_state(w.pid, w.pid) == 'Z'), "a program that does not fit dies");
	close(w.fd);
	reap(w.pid);
	ok(wait_for(held(A, "privvmpages") == 0 && held(A, "numtasks") == 0), "and leaves nothing");
	removed(A);
	removed(B);
	err(cumount(M), 0, "unmount");
}

static void test_accounting(void)
{
	struct worker w, v;
	/* KASAN doubles them */
	long stack = debug_kernel() ? 32768 : 16384;
	long rss, pte, got;

	mount_bc();
	make(A);
	make(B);
	w = worker(A);
	ask(&w, map_pages, 1000);
	ask(&w, touch_pages, 1000);
	rss = status_kb(w.pid, "VmRSS:") * 1024 / PAGE;
	got = held(A, "physpages");
	ok(labs(rss - got) <= 64 * 3, "physpages are what is mapped: %ld, VmRSS %ld", got, rss);
	ok(got >= 1000, "all that was touched");
	ok(bc(A, "physpages.maxheld") >= got, "maxheld is the most that was seen");
	eq(ask(&w, unmap_pages, 1000), 0, "munmap");
	ok(held(A, "physpages") < got - 900, "goes with the pages");
	ok(bc(A, "physpages.maxheld") >= got, "maxheld stays");
	pte = status_kb(w.pid, "VmPTE:") * 1024;
	eq(held(A, "kmemsize"), pte + stack, "kmemsize are page tables and a stack");
	v = worker(A);
	eq(ask(&v, start_threads, 5), 5, "threads");
	eq(held(A, "kmemsize"), status_kb(w.pid, "VmPTE:") * 1024 +
	   status_kb(v.pid, "VmPTE:") * 1024 + 7 * stack, "and five stacks more");
	/* bounds are there, and do nothing */
	bound(A, "kmemsize", 0, 0);
	bound(A, "physpages", 0, 0);
	eq(ask(&w, fork_error, 0), 0, "neither is limited");
	eq(ask(&w, map_pages, 10), 0, "nor the other");
	eq(bc(A, "kmemsize.failcnt") + bc(A, "physpages.failcnt"), 0, "nothing fails");
	err(put(B "/procs", "%d", v.pid), 0, "a process moves");
	eq(held(A, "kmemsize"), status_kb(w.pid, "VmPTE:") * 1024 + stack, "with what it has");
	ask(&v, end_threads, 0);
	eq(quit(&w), 0, "worker ends");
	eq(quit(&v), 0, "worker ends");
	eq(held(A, "kmemsize"), 0, "nothing held");
	eq(held(A, "physpages"), 0, "nothing held");
	removed(A);
	removed(B);
	err(cumount(M), 0, "unmount");
}

/* --- other modules -------------------------------------------------------------- */

#define CMD "/sys/kernel/debug/container_bctest/cmd"

enum { KMEMSIZE, PRIVVMPAGES, PHYSPAGES, NUMTASKS, NUMFILES };
enum { BARRIER, LIMIT, FORCE };

/* The write is what charges, so that its file should not be: it stays open. */
static int cmd_fd = -1;

static long open_cmd(long arg)
{
	(void)arg;
	cmd_fd = open(CMD, O_WRONLY | O_CLOEXEC);
	return cmd_fd < 0 ? errno : 0;
}

static long charge(long what)
{
	char buf[64];
	int n = sprintf(buf, "charge %ld %ld %ld", what >> 40, what >> 8 & 0xffffffff, what & 0xff);

	return E(write(cmd_fd, buf, n));
}

static long uncharge(long arg)
{
	(void)arg;
	return E(write(cmd_fd, "uncharge", 8));
}

#define CHARGE(res, n, severity) ((long)(res) << 40 | (long)(n) << 8 | (severity))

static void test_api(void)
{
	struct worker w;

	if (modprobe("container_bctest"))
		bail("container_bctest does not load");
	mount_bc();
	make(A);
	w = worker(NULL);
	eq(ask(&w, open_cmd, 0), 0, "a worker opens the command file in the root");
	err(movepid(A, w.pid), 0, "and moves");
	bound(A, "numfiles", 10, 20);
	eq(ask(&w, charge, CHARGE(NUMFILES, 10, BARRIER)), 0, "charge to the barrier");
	eq(held(A, "numfiles"), 10, "held");
	eq(ask(&w, charge, CHARGE(NUMFILES, 1, BARRIER)), EMFILE, "no more with that severity");
	eq(ask(&w, charge, CHARGE(NUMFILES, 11, LIMIT)), EMFILE, "nor more than the limit");
	eq(ask(&w, charge, CHARGE(NUMFILES, 9, LIMIT)), 0, "less is fine");
	eq(ask(&w, open_files, 10), 1, "files and others' charges have the limit in common");
	eq(ask(&w, charge, CHARGE(NUMFILES, 100, FORCE)), 0, "force never fails");
	eq(held(A, "numfiles"), 120, "held");
	eq(bc(A, "numfiles.maxheld"), 120, "maxheld");
	eq(bc(A, "numfiles.failcnt"), 3, "failcnt");
	eq(ask(&w, charge, CHARGE(NUMTASKS, 1, LIMIT)), EINVAL, "numtasks follow the members");
	eq(ask(&w, charge, CHARGE(PRIVVMPAGES, 1, FORCE)), EINVAL, "and so do privvmpages");
	eq(ask(&w, charge, CHARGE(5, 1, FORCE)), EINVAL, "no such resource");
	{
		long before = held(A, "kmemsize");

		eq(ask(&w, charge, CHARGE(KMEMSIZE, 12345, BARRIER)), 0, "kmemsize");
		eq(held(A, "kmemsize"), before + 12345, "is added to what is found");
		bound(A, "kmemsize", 0, 0);
		eq(ask(&w, charge, CHARGE(KMEMSIZE, 5, BARRIER)), 0, "and never refused");
		eq(bc(A, "kmemsize.failcnt"), 0, "and does not fail");
	}
	ask(&w, close_files, 1);
	err(movepid(M, w.pid), 0, "the member leaves");
	err(E(rmdir(A)), EBUSY, "charges keep the container");
	for (int i = 0; i < 5; i++)
		eq(ask(&w, uncharge, 0), 0, "uncharge");
	eq(ask(&w, uncharge, 0), ENOENT, "all is given back");
	removed(A);

	/* in the root, and over its unbinding */
	{
		long before = held(M, "numfiles");

		eq(ask(&w, charge, CHARGE(NUMFILES, 1000, LIMIT)), 0, "the root can be charged");
		eq(held(M, "numfiles"), before + 1000, "held");
		err(rmmod("container_bc"), EAGAIN, "a user keeps the module");
		err(cumount(M), 0, "unmount");
		err(rmmod("container_bc"), EAGAIN, "then, too");
		eq(ask(&w, charge, CHARGE(NUMFILES, 5, LIMIT)), 0, "a charge while unbound");
		mount_bc();
		ok(held(M, "numfiles") >= 1005, "what others have charged stays over a mount");
		before = held(M, "numfiles");
		eq(ask(&w, uncharge, 0), 0, "uncharge");
		eq(ask(&w, uncharge, 0), 0, "uncharge");
		eq(held(M, "numfiles"), before - 1005, "held");
	}
	eq(quit(&w), 0, "worker ends");
	err(cumount(M), 0, "unmount");
	err(rmmod("container_bctest"), 0, "rmmod of the user");
}

/* What somebody else has patched cannot be hooked: then there is no bc, or less of it. */
static void test_occupied(void)
{
	static const struct {
		const char *name;
		int error;
	} functions[] = { { "security_file_alloc", EBUSY }, { "may_expand_vm", 0 } };

	err(modprobe("container_bctest"), 0, "a module that patches functions");
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		if (put(CMD, "occupy %s", functions[i].name)) {
			skip("%s # not in this kernel", functions[i].name);
			continue;
		}
		err(cmount(M, "bc"), functions[i].error, "a mount with bc, without %s",
		    functions[i].name);
		if (!functions[i].error)
			err(cumount(M), 0, "unmount");
		eq(nhiers(), 1, "leaves nothing");
		err(cmount(M, "none,name=x"), 0, "one without it is not");
		err(cumount(M), 0, "unmount");
		err(put(CMD, "vacate"), 0, "the patch goes");
		mount_bc();
		err(cumount(M), 0, "unmount");
	}
	err(rmmod("container_bctest"), 0, "the module goes");
}

/* --- all at once ------------------------------------------------------------------ */

#define STORM_MS sized(8000, 3000)

/* Shared: 0: go on, 1: end, 2: do not begin yet. */
static volatile int *stop;

static void storm_files(void)
{
	int open_[40], n = 0;

	for (int i = 0; !*stop; i++) {
		int p[2];

		while (n < 30) {
			int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

			if (fd < 0)
				break;
			open_[n++] = fd;
		}
		if (!pipe(p)) {
			close(p[0]);
			close(p[1]);
		}
		if (i % 3 == 0)
			close(dup(0));
		while (n)
			close(open_[--n]);
	}
}

static void storm_forks(void)
{
	while (!*stop) {
		pid_t p = fork();

		if (!p) {
			/* what it inherits is not its own; what it opens is left open */
			for (int i = 0; i < 5; i++)
				if (open("/dev/null", O_RDONLY) < 0)
					break;
			_exit(0);
		}
		while (p > 0 && waitpid(p, NULL, 0) < 0 && errno == EINTR)
			;
	}
}

static void *short_thread(void *arg)
{
	close(open("/dev/null", O_RDONLY | O_CLOEXEC));
	return arg;
}

static void storm_threads(void)
{
	pthread_t t[4];

	while (!*stop) {
		int n = 0;

		while (n < 4 && !pthread_create(&t[n], NULL, short_thread, NULL))
			n++;
		while (n)
			pthread_join(t[--n], NULL);
	}
}

static void storm_memory(void)
{
	while (!*stop) {
		void *p[8];

		for (int i = 0; i < 8; i++)
			p[i] = mmap(NULL, (i + 1) * 4 * PAGE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		for (int i = 0; i < 8; i++)
			if (p[i] != MAP_FAILED)
				munmap(p[i], (i + 1) * 4 * PAGE);
	}
}

static void storm_exec(void)
{
	char *argv[] = { (char *)"true", NULL };

	while (!*stop) {
		pid_t p = vfork();

		if (!p) {
			execv("/bin/busybox", argv);
			_exit(1);
		}
		if (p > 0)
			waitpid(p, NULL, 0);
	}
}

/* Files that change hands between containers. */
static void storm_pass(void)
{
	int sv[2];

	while (!*stop) {
		int fd;

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
			continue;
		for (int i = 0; i < 5; i++) {
			fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
			if (fd >= 0) {
				send_fd(sv[0], fd);
				close(fd);
			}
		}
		fd = recv_fd(sv[1]);
		if (fd >= 0)
			close(fd);
		close(sv[0]);
		close(sv[1]);
	}
}

static void (*const storms[])(void) = {
	storm_files, storm_forks, storm_threads, storm_memory, storm_exec, storm_pass,
};

static void test_storm(void)
{
	const char *dirs[] = { M, A, B };
	pid_t p[2 * ARRAY_SIZE(storms)];
	bool over_files = false, over_tasks = false;
	long end, moves = 0;
	size_t n = 0;

	*stop = 2;
	mount_bc();
	make(A);
	make(B);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = fork();
		if (!p[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			while (*stop == 2)
				msleep(1);
			storms[i % ARRAY_SIZE(storms)]();
			_exit(0);
		}
		movepid(i % 2 ? A : B, p[i]);
	}
	bound(A, "numfiles", 16, 16);
	bound(A, "numtasks", 30, 30);
	*stop = 0;
	end = now_ms() + STORM_MS;
	while (now_ms() < end) {
		long h;

		for (int i = 0; i < 20; i++, n++) {
			movepid(dirs[n % 3], p[n % ARRAY_SIZE(p)]);
			moves++;
		}
		/* bounds go up and down under way */
		put(A "/bc.numfiles.barrier", "0");
		put(A "/bc.numfiles.limit", "%d", n & 32 ? 8 : 16);
		put(A "/bc.privvmpages.limit", "%ld", n & 64 ? 4000L : UNLIMITED / 2);
		h = held(A, "numfiles");
		over_files |= h > 16 || h < 0;
		h = bc(A, "numtasks.held");
		over_tasks |= h > 30 + (long)ARRAY_SIZE(p) * 2 || h < 0;
		held(A, "privvmpages");
		held(B, "physpages");
		held(M, "kmemsize");
	}
	*stop = 1;
	ok(!over_files, "never more files than the limit");
	ok(!over_tasks, "never more tasks than the limit and those that were moved in");
	ok(bc(A, "numfiles.maxheld") <= 16, "maxheld of files: %ld", bc(A, "numfiles.maxheld"));
	ok(bc(A, "numfiles.failcnt") > 0, "%ld files were refused", bc(A, "numfiles.failcnt"));
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		waitpid(p[i], NULL, 0);
	diag("%ld moves", moves);
	for (int i = 1; i < 3; i++)
		for (size_t r = 0; r < ARRAY_SIZE(resources); r++) {
			ok(wait_for(held(dirs[i], resources[r]) == 0),
			   "nothing is held of %s in %s", resources[r], dirs[i]);
			if (held(dirs[i], resources[r]))
				diag("%ld", held(dirs[i], resources[r]));
		}
	ok(counts_all(), "all tasks are counted");
	removed(A);
	removed(B);
	{
		char *hooks = get("/proc/containers");

		ok(hooks && strstr(hooks, "security_file_alloc: armed missed=0") &&
		   strstr(hooks, "security_file_free: armed missed=0") &&
		   strstr(hooks, "may_expand_vm: armed missed=0"), "no hook has missed a call");
	}
	err(cumount(M), 0, "unmount");
}

/* Mounts and unmounts while files are opened and closed. */
static void test_binding_storm(void)
{
	pid_t p[4];
	int bad = 0, n = 0;
	long end;

	*stop = 0;
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = fork();
		if (!p[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			storms[i]();
			_exit(0);
		}
	}
	end = now_ms() + STORM_MS;
	while (now_ms() < end || n < 5) {
		if (cmount(M, "bc"))
			bad++;
		if (held(M, "numfiles") < 0 || held(M, "numtasks") < 1)
			bad++;
		if (n & 1 && (mkdir(A, 0755) || movepid(A, p[n % 4])))
			bad++;
		msleep(n % 7);
		if (n & 1) {
			movepid(M, p[n % 4]);
			while (rmdir(A) && errno == EBUSY)
				msleep(1);
		}
		if (cumount(M))
			bad++;
		if (n % 4 == 3 && (rmmod("container_bc") || modprobe("container_bc")))
			bad++;
		n++;
	}
	*stop = 1;
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		waitpid(p[i], NULL, 0);
	eq(bad, 0, "%d mounts and unmounts under load", n);
	diag("%d rounds", n);
}

/* --- programs ----------------------------------------------------------------------- */

/* More than a pipe holds: none of the first three ends before the third is there. */
static const char pipeline[] =
	"exec 2>/tmp/bc.err; set -o pipefail; "
	"seq 1 30000 | sed 's/1/x/' | sort | uniq | awk '{ n++ } END { print n }' | grep -q 30000";

/* A program of eight parts, and what make needs to build it, eight parts at once. */
static void write_sources(void)
{
	static const char makefile[] =
		"OBJS := $(patsubst %.c,%.o,$(wildcard *.c))\n"
		"all: $(OBJS)\n\ttcc -r -o all.o $(OBJS)\n"
		"%.o: %.c\n\ttcc -c -o $@ $<\n";

	if (system("rm -rf /tmp/bc.build && mkdir -m 777 /tmp/bc.build"))
		bail("/tmp/bc.build");
	write_file("/tmp/bc.build/Makefile", makefile);
	for (int i = 0; i < 8; i++) {
		char *s = strdup("");

		for (int j = 0; j < 100; j++) {
			char *more = NULL;

			if (asprintf(&more, "%sint f%d_%d(int x)\n{\n\treturn x * %d;\n}\n",
				     s, i, j, j) < 0)
				abort();
			free(s);
			s = more;
		}
		write_file(P("/tmp/bc.build/part%d.c", i), s);
		free(s);
	}
}

static const char build[] =
	"cd /tmp/bc.build && exec make -s -B -j 8 >/tmp/bc.err 2>&1";

/* What programs say for want of a file, as each has its own words; and of a task. */
static const char *const no_files[] = {
	"too many open files", "error 24", "cannot open", "not found", "could not", NULL,
};
static const char *const no_tasks[] = { "temporarily", "fork", NULL };

static bool says(const char *const *words)
{
	char *s = get("/tmp/bc.err") ?: "";

	for (; *words; words++)
		if (strcasestr(s, *words))
			return true;
	for (s = strtok(s, "\n"); s; s = strtok(NULL, "\n"))
		diag("it says: %s", s);
	return false;
}

static long fetch(const char *what)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct { short family; unsigned short port; unsigned int addr; char pad[8]; } a = {
		.family = AF_INET, .port = __builtin_bswap16(8081),
		.addr = __builtin_bswap32(0x7f000001),
	};
	struct timeval tv = { .tv_sec = 5 };
	char buf[4096];
	long got = 0, n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (fd < 0 || connect(fd, (void *)&a, sizeof(a))) {
		close(fd);
		return -1;
	}
	n = sprintf(buf, "GET %s HTTP/1.0\r\n\r\n", what);
	if (write(fd, buf, n) != n)
		got = -1;
	while (got >= 0 && (n = read(fd, buf, sizeof(buf))) > 0)
		got += n;
	close(fd);
	return got;
}

static void test_programs(void)
{
	char page[4200] = "";
	pid_t httpd;
	long refused;
	int got;

	mount_bc();
	make(A);
	chmod("/tmp", 01777);

	/* a pipeline */
	eq(run_in(A, 1000, pipeline), 0, "a pipeline runs");
	bound(A, "numfiles", 8, 8);
	ok(run_in(A, 1000, pipeline) > 0, "a pipeline with too few files fails");
	ok(says(no_files), "and says why");
	bound(A, "numfiles", 256, 512);
	bound(A, "numtasks", 3, 3);
	ok(run_in(A, 1000, pipeline) > 0, "one with too few tasks fails");
	ok(says(no_tasks), "and says why");
	bound(A, "numtasks", UNLIMITED, UNLIMITED);
	eq(run_in(A, 1000, pipeline), 0, "it goes on when there are more");
	unlink("/tmp/bc.err");

	/* a build */
	write_sources();
	eq(run_in(A, 1000, build), 0, "a build runs");
	ok(!access("/tmp/bc.build/all.o", F_OK), "and makes what it should");
	bound(A, "numfiles", 12, 12);
	refused = bc(A, "numfiles.failcnt");
	ok(run_in(A, 1000, build) > 0, "a build with too few files fails");
	ok(says(no_files), "and says why");
	ok(bc(A, "numfiles.failcnt") > refused, "which is the limit");
	bound(A, "numfiles", 256, 512);
	/* make alone: what it starts may end before it starts the next */
	bound(A, "numtasks", 1, 1);
	ok(run_in(A, 1000, build) > 0, "one with too few tasks fails");
	ok(says(no_tasks), "and says why");
	bound(A, "numtasks", UNLIMITED, UNLIMITED);
	bound(A, "privvmpages", 300, 300);
	got = run_in(A, 1000, build);
	ok(got != 0, "one with too little memory fails: %d", got);
	bound(A, "privvmpages", UNLIMITED, UNLIMITED);
	unlink("/tmp/bc.build/all.o");
	eq(run_in(A, 1000, build), 0, "it goes on when there is more");
	ok(!access("/tmp/bc.build/all.o", F_OK), "and makes what it should");
	ok(wait_for(held(A, "numtasks") == 0 && held(A, "numfiles") == 0), "nothing is left");

	/* a web server */
	mkdir("/tmp/www", 0755);
	memset(page, 'x', sizeof(page) - 1);
	write_file("/tmp/www/index.html", page);
	httpd = fork();
	if (!httpd) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (put(A "/tasks", "0"))
			_exit(253);
		execl("/bin/busybox", "httpd", "-f", "-p", "127.0.0.1:8081", "-h", "/tmp/www", NULL);
		_exit(252);
	}
	ok(wait_for(fetch("/index.html") > 4100), "a web server serves");
	{
		long full = 0, short_ = 0;
		pid_t load[4];

		bound(A, "numfiles", held(A, "numfiles") + 2, held(A, "numfiles") + 2);
		for (size_t i = 0; i < ARRAY_SIZE(load); i++) {
			load[i] = fork();
			if (!load[i]) {
				for (int j = 0; j < 30; j++)
					fetch("/index.html");
				_exit(0);
			}
		}
		for (int j = 0; j < 30; j++)
			if (fetch("/index.html") > 4100)
				full++;
			else
				short_++;
		for (size_t i = 0; i < ARRAY_SIZE(load); i++)
			waitpid(load[i], NULL, 0);
		ok(bc(A, "numfiles.failcnt") > 0, "under load it hits the limit");
		diag("%ld pages came, %ld did not", full, short_);
		bound(A, "numfiles", 256, 512);
		ok(wait_for(fetch("/index.html") > 4100), "and goes on when that is raised");
		full = 0;
		for (int j = 0; j < 30; j++)
			full += fetch("/index.html") > 4100;
		eq(full, 30, "every page comes then");
	}
	kill(httpd, SIGKILL);
	waitpid(httpd, NULL, 0);
	ok(wait_for(held(A, "numtasks") == 0 && held(A, "numfiles") == 0), "nothing is left");
	removed(A);
	err(cumount(M), 0, "unmount");
	if (system("rm -rf /tmp/www /tmp/bc.build /tmp/bc.err"))
		diag("left something");
}

/* --- failing allocations --------------------------------------------------------- */

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
	setup();
	if (modprobe("container_bc"))
		bail("container_bc loads");
	stop = mmap_shared(PAGE);
	CASE(test_files());
	CASE(test_bounds());
	CASE(test_kinds());
	CASE(test_owner());
	CASE(test_held_by());
	CASE(test_unbind());
	CASE(test_numtasks());
	CASE(test_privvmpages());
	CASE(test_accounting());
	CASE(test_api());
	CASE(test_occupied());
	CASE(test_storm());
	CASE(test_binding_storm());
	CASE(test_programs());
	CASE(test_fault());
	finish();
}
