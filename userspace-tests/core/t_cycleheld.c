// SPDX-License-Identifier: GPL-2.0
/*
 * What a user can hold across an unload, while others fork: descriptors, directories and
 * listings. Each of those holds the unload off or survives it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "cycles.h"

/* Nothing in the way: at once, without a second try. */
static void clean_unload(void)
{
	pause_storm(true);
	ok(mounted_a(), "load, mount, mkdir");
	err(unmount_a(), 0, "umount");
	err(rmmod_all(), 0, "the subsystems unload at once, then the core");
	eq(access("/proc/self/container", F_OK), -1,
	   "/proc/self/container is gone");
	pause_storm(false);
}

/* An open descriptor: of itself, of another, of one that has died since. */
static void open_descriptor(void)
{
	pid_t other = sleeper(), dead = sleeper();
	const char *const who[] = { "self", P("%d", other), P("%d", dead) };
	char buf[256];
	int fd[3], e;

	load();
	for (int i = 0; i < 3; i++)
		fd[i] = open(P("/proc/%s/container", who[i]), O_RDONLY);
	ok(fd[0] >= 0 && fd[1] >= 0 && fd[2] >= 0,
	   "/proc/<pid>/container opens");
	e = read(fd[1], buf, 1);	/* one in the middle of its text */
	reap(dead);
	e = unload_begin();
	unload_held(e, "open /proc/<pid>/container");
	for (int i = 0; i < 3; i++) {
		struct stat st;
		ssize_t n = pread(fd[i], buf, sizeof(buf), 0);

		fstat(fd[i], &st);
		lseek(fd[i], 0, SEEK_SET);
		/* refused means that it works; gone means that it says so */
		if (e && i < 2)
			ok(n >= 0, "it can still be read");
		close(fd[i]);
	}
	err(unload_end(e), 0, "closed, the modules unload");
	reap(other);
}

static int has_container(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	if (!d)
		return -1;
	while ((e = readdir(d)))
		n += !strcmp(e->d_name, "container");
	closedir(d);
	return n;
}

static void working_directory(void)
{
	pid_t other = sleeper();
	int e;

	load();
	ok(!chdir(P("/proc/%d", other)), "cwd in /proc/<pid>");
	eq(has_container("."), 1, "container is listed once");
	ok(get("container") != NULL, "container is read");
	e = unload_end(unload_begin());
	err(e, 0, "the modules unload");
	err(open_err("container", O_RDONLY), ENOENT, "container is gone");
	eq(has_container("."), 0, "and not listed");
	load();
	eq(has_container("."), 1, "loaded again, it is listed");
	ok(get("container") != NULL, "and read");
	err(unload(20), 0, "the modules unload again");
	reap(other);
	has_container(".");
	ok(!chdir("/tmp"), "back to /tmp");
}

static void path_descriptor(void)
{
	static const char *const file[] = {
		"/proc/self/container", "/proc/thread-self/container",
	};
	int fd[2], e, e2;
	char buf[256];
	struct stat st;
	bool right = true;

	load();
	for (int i = 0; i < 2; i++) {
		get(file[i]);
		fd[i] = open(file[i], O_PATH);
		ok(fd[i] >= 0, "O_PATH descriptor of %s", file[i]);
	}
	e = unload_begin();
	unload_held(e, "O_PATH descriptor of /proc/<pid>/container");
	for (int again = 0; again < 2; again++) {
		for (int i = 0; i < 2; i++) {
			const char *self = P("/proc/self/fd/%d", fd[i]);

			fstat(fd[i], &st);
			fstatat(fd[i], "", &st, AT_EMPTY_PATH);
			e2 = open_err(self, O_RDONLY);
			if (e == 0 && again == 0)
				right &= e2 != 0;
			open_err(self, O_WRONLY);
			get(self);
			put(self, "x");
			access(self, R_OK);
			chmod(self, 0600);
			readlink(self, buf, sizeof(buf));
			truncate(self, 0);
		}
		/* the old inode beside the new module */
		if (!again && e == 0)
			load();
	}
	if (e == 0)
		ok(right, "opening it again is refused");
	close(fd[0]);
	close(fd[1]);
	err(unload_end(e ? e : EAGAIN), 0, "closed, the modules unload");
}

struct dirent64_ {
	uint64_t ino;
	int64_t off;
	unsigned short len;
	unsigned char type;
	char name[];
};

/* Next part of a listing; counts "container".  Bytes read. */
static long list_part(int fd, int *seen)
{
	char buf[128] __attribute__((aligned(8)));
	long n = syscall(SYS_getdents64, fd, buf, sizeof(buf));

	for (long at = 0; at < n;) {
		struct dirent64_ *d = (void *)(buf + at);

		*seen += !strcmp(d->name, "container");
		at += d->len;
	}
	return n;
}

/* A listing that stops after each part while the module comes or goes. */
static void listing(bool loaded)
{
	pid_t other = sleeper();
	int wrong = 0, e = 0;

	/* beside the storm, an unload takes ten seconds on the debug kernel */
	for (int stop = 1; stop < 30; stop += debug_kernel() ? 4 : sized(1, 4)) {
		int fd, seen = 0, parts = 0;
		long n;

		if (loaded && !modloaded("container_core"))
			load();
		fd = open(P("/proc/%d", other), O_RDONLY | O_DIRECTORY);
		while ((n = list_part(fd, &seen)) > 0)
			if (++parts == stop) {
				if (loaded)
					e = e ? e : unload(20);
				else
					wrong += !load();
			}
		wrong += n < 0 || seen > 1;
		close(fd);
		if (parts < stop)
			break;
		if (!loaded)
			e = e ? e : unload(20);
	}
	eq(wrong, 0, "listings of /proc/<pid> that the %s interrupts are right",
	   loaded ? "unload" : "load");
	err(unload(20) ? : e, 0, "and each lets the modules unload");
	reap(other);
}

static void listing_unload(void)
{
	listing(true);
}

static void listing_load(void)
{
	listing(false);
}

static void fs_descriptors(void)
{
	char buf[64];
	int d, t;

	ok(mounted_a(), "load, mount, mkdir");
	d = open(DIR_, O_RDONLY | O_DIRECTORY);
	t = open(DIR_ "/a/tasks", O_RDWR);
	ok(d >= 0 && t >= 0, "a directory and a file are open");
	err(E(umount(DIR_)), EBUSY, "umount is refused");
	ok(wait_for(removed(DIR_ "/a")), "the container goes");
	err(E(umount2(DIR_, MNT_DETACH)), 0, "lazy umount");
	err(E(read(t, buf, sizeof(buf))), ENODEV, "reading: ENODEV");
	err(E(write(t, "0", 1)), ENODEV, "writing: ENODEV");
	ok(in_use(rmmod("container_cpuacct")), "the subsystem is in use");
	ok(in_use(rmmod("container_core")), "the core is in use");
	err(E(mkdirat(d, "late", 0755)), 0, "the directory still works");
	err(E(unlinkat(d, "late", AT_REMOVEDIR)), 0, "both ways");
	close(t);
	close(d);
	err(unload(20), 0, "closed, the modules unload");
	rmdir(DIR_);
}

int main(void)
{
	setup_bare();
	sh = mmap_shared(sizeof(*sh));
	start_storm();
	CASE(clean_unload());
	CASE(open_descriptor());
	CASE(working_directory());
	CASE(path_descriptor());
	CASE(listing_unload());
	CASE(listing_load());
	CASE(fs_descriptors());
	stop_storm();
	finish();
}
