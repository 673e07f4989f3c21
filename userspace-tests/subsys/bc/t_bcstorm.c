// SPDX-License-Identifier: GPL-2.0
/*
 * bc under a storm: files, tasks and memory beside moves and changes of bounds, and beside
 * mounts, unmounts and loads of the module. Nothing is held when it is over.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "bcs.h"

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
	/* on a debug kernel one round may take all of the time: go on until a file is refused */
	while (now_ms() < end || (moves < 2000 && !bc(A, "numfiles.failcnt"))) {
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
	ok(root_counts_all(), "all tasks are counted");
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

int main(void)
{
	setup_bc();
	stop = mmap_shared(PAGE);
	CASE(test_storm());
	CASE(test_binding_storm());
	finish();
}
