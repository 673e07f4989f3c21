// SPDX-License-Identifier: GPL-2.0
/*
 * Directories: mkdir, rmdir and rename with each of their errors, what may
 * not be done to control files, what a new container holds, and
 * descriptors that outlive their container.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "lib.h"

#define M "/tmp/m"
#define FILES "auto_delete clone_children events kill_on_rmdir notify_on_release procs tasks"
#define ROOT_FILES "auto_delete clone_children events kill_on_rmdir notify_on_release procs " \
	"release_agent tasks"

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names in a directory, sorted, in one string; d_type must be right. */
static const char *ls(const char *dir)
{
	char *names[256];
	const char *res = "";
	DIR *d = opendir(dir);
	struct dirent *e;
	struct stat st;
	int n = 0;

	while (d && n < 256 && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (lstat(P("%s/%s", dir, e->d_name), &st) ||
		    (e->d_type != DT_UNKNOWN &&
		     e->d_type != (S_ISDIR(st.st_mode) ? DT_DIR : DT_REG)))
			diag("%s/%s: no stat, or another type", dir, e->d_name);
		names[n++] = strdup(e->d_name);
	}
	if (d)
		closedir(d);
	qsort(names, n, sizeof(*names), by_name);
	for (int i = 0; i < n; i++) {
		res = P("%s%s%s", res, i ? " " : "", names[i]);
		free(names[i]);
	}
	return res;
}

static void test_mkdir(void)
{
	char name[257];
	struct hier h;

	streq(ls(M), ROOT_FILES, "files of a root container");
	err(E(mkdir(M "/a", 0755)), 0, "mkdir");
	streq(ls(M "/a"), FILES, "files of a container");
	eq(mode_of(M "/a"), 0755, "mode of the directory");
	ok(hier("cpuacct", &h) ? h.containers == 1 : true,
	   "another hierarchy does not count it");
	err(E(mkdir(M "/a", 0755)), EEXIST, "mkdir of an existing one");
	err(E(mkdir(M "/tasks", 0755)), EEXIST, "mkdir by a control file's name");
	err(E(mkdir(M "/tasks/x", 0755)), ENOTDIR, "mkdir below a control file");
	err(E(mkdir(M "/no/x", 0755)), ENOENT, "mkdir below nothing");
	err(E(mkdir(M "/a\nb", 0755)), EINVAL, "mkdir of a name with a newline");
	err(E(mkdir(M "/\n", 0755)), EINVAL, "mkdir of a newline");
	memset(name, 'n', 256);
	name[256] = 0;
	err(E(mkdir(P(M "/%s", name), 0755)), ENAMETOOLONG,
	    "mkdir of a name of 256 bytes");
	name[255] = 0;
	err(E(mkdir(P(M "/%s", name), 0755)), 0, "mkdir of a name of 255");
	streq(ls(P(M "/%s", name)), FILES, "it has its files");
	err(E(rmdir(P(M "/%s", name))), 0, "rmdir of it");
	err(E(mkdir(M "/a b:c,\\\377", 0755)), 0, "mkdir of a strange name");
	streq(ls(M "/a b:c,\\\377"), FILES, "it has its files");
	err(E(rmdir(M "/a b:c,\\\377")), 0, "rmdir of it");
	err(E(mkdir(M "/a/b", 0755)), 0, "mkdir below it");
	streq(ls(M "/a"), "auto_delete b clone_children events kill_on_rmdir notify_on_release procs tasks",
	      "the child is listed among the files");
	umask(027);
	err(E(mkdir(M "/u", 0777)), 0, "mkdir under a umask");
	umask(022);
	eq(mode_of(M "/u"), 0750, "which is obeyed");
	err(E(rmdir(M "/u")), 0, "rmdir of it");
	err(access(M "/late", F_OK) ? errno : 0, ENOENT, "no such directory");
	err(E(mkdir(M "/late", 0755)), 0, "mkdir of it");
	err(access(M "/late/tasks", F_OK) ? errno : 0, 0, "now it is there");
	err(E(rmdir(M "/late")), 0, "rmdir of it");
	err(access(M "/late", F_OK) ? errno : 0, ENOENT, "now it is not");
	err(E(rmdir(M "/a/b")), 0, "rmdir of the child");
	err(E(rmdir(M "/a")), 0, "rmdir");
}

/* Files of a bound subsystem appear in every container of its hierarchy. */
static void test_subsys_files(void)
{
	struct hier h;

	err(cmount("/tmp/c", "cpuacct"), 0, "mount cpuacct");
	err(E(mkdir("/tmp/c/a", 0755)), 0, "mkdir");
	ok(!access("/tmp/c/cpuacct.usage", F_OK) &&
	   !access("/tmp/c/a/cpuacct.usage", F_OK),
	   "cpuacct's files are in the root and below");
	ok(access(M "/cpuacct.usage", F_OK), "but in no other hierarchy");
	ok(hier("cpuacct", &h) && h.containers == 2, "containers counts it");
	err(E(rmdir("/tmp/c/a")), 0, "rmdir");
	ok(hier("cpuacct", &h) && h.containers == 1, "containers is back");
	err(cumount("/tmp/c"), 0, "unmount");
}

static void test_rmdir(void)
{
	pid_t p = sleeper(), z;

	mkdir(M "/a", 0755);
	mkdir(M "/a/b", 0755);
	err(E(rmdir(M "/a")), EBUSY, "rmdir with a child");
	err(movepid(M "/a/b", p), 0, "a task moves in");
	err(E(rmdir(M "/a/b")), EBUSY, "rmdir with a task");
	err(E(rmdir(M "/a")), EBUSY, "rmdir with a child that has a task");
	ok(!access(M "/a/b/tasks", F_OK) && listed(M "/a/b/tasks", p),
	   "a refused rmdir changes nothing");
	err(movepid(M, p), 0, "the task moves out");
	err(E(rmdir(M "/a/b")), 0, "rmdir without tasks");
	err(movepid(M "/a", p), 0, "the task moves to the parent");
	kill(p, SIGKILL);
	z = p;
	ok(wait_for(task_state(z, z) == 'Z'), "the task is a zombie");
	ok(wait_for(!nids(M "/a/tasks")), "a zombie is in no tasks file");
	err(E(rmdir(M "/a")), 0, "rmdir of a container that only zombies know");
	reap(z);
	err(E(rmdir(M "/a")), ENOENT, "rmdir of what is gone");
	err(E(rmdir(M "/tasks")), ENOTDIR, "rmdir of a control file");
	err(E(rmdir(M)), EBUSY, "rmdir of the mount point");
	mkdir(M "/a", 0755);
	err(E(rmdir(M "/a/.")), EINVAL, "rmdir of .");
	rmdir(M "/a");
}

static void test_rename(void)
{
	pid_t p = sleeper();

	mkdir(M "/a", 0755);
	mkdir(M "/a/in", 0755);
	mkdir(M "/b", 0755);
	movepid(M "/a/in", p);
	streq(where(p, "name=x"), "/a/in", "before the rename");
	err(E(rename(M "/a", M "/c")), 0, "rename within the parent");
	ok(access(M "/a", F_OK) && !access(M "/c/in/tasks", F_OK),
	   "the new name is there, the old has gone");
	streq(where(p, "name=x"), "/c/in", "members below follow");
	err(E(rename(M "/c", M "/b/c")), EIO, "rename to another parent");
	err(E(rename(M "/c/in", M "/in")), EIO, "rename to the grandparent");
	err(E(rename(M "/c", M "/b")), EEXIST, "rename onto a container");
	/* the VFS itself: a directory onto a file */
	err(E(rename(M "/c", M "/tasks")), ENOTDIR, "rename onto a control file");
	err(E(rename(M "/c", M "/c")), 0, "rename onto itself");
	err(E(rename(M "/c", M "/d\ne")), EINVAL, "rename to a newline");
	err(E(rename(M "/no", M "/d")), ENOENT, "rename of nothing");
	streq(where(p, "name=x"), "/c/in", "none of them changed anything");
	err(E(rename(M "/b/tasks", M "/b/t")), ENOTDIR, "rename of a file");
	err(E(rename(M "/b/tasks", M "/b/procs")), ENOTDIR,
	    "rename of a file onto a file");
	err(E(rename(M "/release_agent", M "/t")), ENOTDIR,
	    "rename of a file of the root");
	reap(p);
	wait_for(!nids(M "/c/in/tasks"));
	err(E(rmdir(M "/c/in")), 0, "rmdir below the renamed one");
	err(E(rmdir(M "/c")), 0, "rmdir of the renamed one");
	rmdir(M "/b");
}

static void test_files_fixed(void)
{
	int e;

	mkdir(M "/a", 0755);
	for (int i = 0; i < 2; i++) {
		const char *d = i ? M "/a" : M;

		e = open_err(P("%s/new", d), O_CREAT | O_WRONLY);
		ok(e == EPERM || e == EACCES, "creating a file: EPERM or EACCES (%s)",
		   strerrorname_np(e));
		e = E(mknod(P("%s/new", d), S_IFREG | 0644, 0));
		ok(e == EPERM || e == EACCES, "mknod of a file (%s)",
		   strerrorname_np(e));
		e = E(mknod(P("%s/new", d), S_IFIFO | 0644, 0));
		ok(e == EPERM || e == EACCES, "mknod of a fifo (%s)",
		   strerrorname_np(e));
		err(E(symlink("x", P("%s/new", d))), EPERM, "symlink");
		err(E(link(P("%s/tasks", d), P("%s/new", d))), EPERM, "link");
		err(access(P("%s/new", d), F_OK) ? errno : 0, ENOENT,
		    "nothing was made");
		err(E(unlink(P("%s/tasks", d))), EPERM, "unlink of tasks");
		err(E(unlink(P("%s/notify_on_release", d))), EPERM,
		    "unlink of notify_on_release");
		err(open_err(P("%s/notify_on_release", d),
			     O_CREAT | O_TRUNC | O_WRONLY), 0,
		    "the shell's > opens a file");
		streq(ls(d), i ? FILES : "a " ROOT_FILES,
		      "all files are where they were");
	}
	err(E(unlink(M "/a")), EISDIR, "unlink of a container");
	rmdir(M "/a");
}

/* Every file, opened before rmdir, read and written after it. */
static void test_removed(void)
{
	static const char *const files[] = {
		"tasks", "procs", "notify_on_release", "auto_delete",
		"kill_on_rmdir", "clone_children", "events", "cpuacct.usage", "cpuacct.usage_ns",
		"cpuacct.usage_subtree_ns", "cpuacct.usage_percpu",
		"cpuacct.stat", "cpuacct.load",
	};
	int fd[ARRAY_SIZE(files)], half, dir, cwd, e;
	pid_t p = sleeper();
	char c, buf[64];
	size_t i;

	err(cmount("/tmp/c", "cpuacct"), 0, "mount cpuacct");
	mkdir("/tmp/c/a", 0755);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		fd[i] = open(P("/tmp/c/a/%s", files[i]), O_RDWR | O_CLOEXEC);
		if (fd[i] < 0)
			fd[i] = open(P("/tmp/c/a/%s", files[i]),
				     O_RDONLY | O_CLOEXEC);
		if (fd[i] < 0)
			ok(false, "open %s: %s", files[i], strerror(errno));
	}
	movepid("/tmp/c/a", p);
	half = open("/tmp/c/a/tasks", O_RDONLY | O_CLOEXEC);
	eq(read(half, &c, 1), 1, "a byte of tasks is read");
	movepid("/tmp/c", p);
	dir = open("/tmp/c/a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cwd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err(E(chdir("/tmp/c/a")), 0, "chdir into the container");
	err(E(rmdir("/tmp/c/a")), 0, "rmdir while all of it is open");
	for (int again = 0; again < 2; again++) {
		const char *s = again ? ", its name taken again" : "";

		for (i = 0; i < ARRAY_SIZE(files); i++) {
			err(E(read(fd[i], buf, sizeof(buf))), ENODEV,
			    "read %s of a removed container%s", files[i], s);
			if ((fcntl(fd[i], F_GETFL) & O_ACCMODE) == O_RDONLY ||
			    !strncmp(files[i], "cpuacct", 7))
				continue;
			e = E(write(fd[i], i < 2 ? "0" : "1", 1));
			err(e, ENODEV, "write %s of a removed container%s",
			    files[i], s);
		}
		err(E(read(half, buf, sizeof(buf))), ENODEV,
		    "the rest of a list that was begun%s", s);
		err(E(write(fd[5], "0", 1)), ENODEV,
		    "reset of cpuacct.usage of a removed container%s", s);
		err(E(openat(dir, "tasks", O_RDONLY)), ENOENT,
		    "opening a file there%s", s);
		err(E(mkdirat(dir, "x", 0755)), ENOENT, "mkdir there%s", s);
		err(E(mkdir("x", 0755)), ENOENT, "mkdir in the cwd%s", s);
		err(getcwd(buf, sizeof(buf)) ? 0 : errno, ENOENT, "getcwd%s", s);
		mkdir("/tmp/c/a", 0755);
	}
	streq(where(0, "cpuacct"), "/", "no write had an effect");
	streq(get("/tmp/c/a/notify_on_release"), "0\n",
	      "not on the new container either");
	fchdir(cwd);
	for (i = 0; i < ARRAY_SIZE(files); i++)
		close(fd[i]);
	close(half);
	close(dir);
	close(cwd);
	reap(p);
	err(E(rmdir("/tmp/c/a")), 0, "rmdir of the new one");
	err(cumount("/tmp/c"), 0, "unmount");
}

/* --- long lists, in pieces, while something changes --- */

/* Which of the directories 0 to 299 a list has from here on; -1: one twice. */
static int numbered(DIR *d, bool *seen, int stop)
{
	struct dirent *e;
	int n = 0;

	while (n != stop && (e = readdir(d))) {
		int nr = atoi(e->d_name);

		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		if (nr >= 300 || seen[nr] || e->d_type != DT_DIR)
			return -1;
		seen[nr] = true;
		n++;
	}
	return n;
}

static void test_list(void)
{
	bool seen[300] = {};
	char buf[40];
	long at, len;
	DIR *d;
	int fd, n;

	for (int i = 0; i < 300; i++)
		mkdir(P(M "/%d", i), 0755);
	d = opendir(M);
	eq(numbered(d, seen, -1), 300, "300 directories are listed, each once");
	rewinddir(d);
	memset(seen, 0, sizeof(seen));
	eq(numbered(d, seen, 100), 100, "100 of them");
	at = telldir(d);
	eq(numbered(d, seen, -1), 200, "and the rest");
	seekdir(d, at);
	memset(seen, 0, sizeof(seen));
	eq(numbered(d, seen, -1), 200, "and the rest again");
	/* what is there all the time is listed once, whatever else happens */
	rewinddir(d);
	memset(seen, 0, sizeof(seen));
	n = numbered(d, seen, 50);
	for (int i = 0; i < 300; i += 3) {
		rmdir(P(M "/%d", i));
		mkdir(P(M "/n%d", i), 0755);
	}
	ok(n == 50 && numbered(d, seen, -1) >= 0, "a list while directories come and go");
	n = 0;
	for (int i = 0; i < 300; i++)
		n += i % 3 && seen[i];
	eq(n, 200, "has all that stay");
	rewinddir(d);
	memset(seen, 0, sizeof(seen));
	eq(numbered(d, seen, -1), 200, "the next has these");
	closedir(d);

	/* with little room, and from where nothing begins */
	fd = open(M, O_RDONLY | O_DIRECTORY);
	n = 0;
	while ((len = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0)
		n++;
	ok(len == 0 && n > 300, "one or two at a time: %d pieces", n);
	err(E(syscall(SYS_getdents64, fd, buf, 3)), 0, "at the end there is room enough");
	lseek(fd, 0, SEEK_SET);
	err(E(syscall(SYS_getdents64, fd, buf, 3)), EINVAL, "no room for one");
	for (long pos = 1; pos < 20000; pos += 37)
		if (lseek(fd, pos, SEEK_SET) != pos ||
		    syscall(SYS_getdents64, fd, buf, sizeof(buf)) < 0)
			n = -1;
	ok(n > 0, "from any position");
	eq(lseek(fd, 1L << 30, SEEK_SET), 1L << 30, "far behind the end");
	eq(syscall(SYS_getdents64, fd, buf, sizeof(buf)), 0, "there is nothing");
	err(E(fsync(fd)), 0, "fsync of a directory");
	err(E(read(fd, buf, 1)), EISDIR, "it is not read");
	close(fd);
	for (int i = 0; i < 300; i++) {
		rmdir(P(M "/%d", i));
		rmdir(P(M "/n%d", i));
	}
}

/* How many names in the entries of a piece of @len bytes are no files there. */
static int strangers(const char *buf, long len)
{
	int bad = 0;

	for (long at = 0; at < len; ) {
		/* struct linux_dirent64: number, position, length, type and name */
		unsigned short size = *(const unsigned short *)(buf + at + 16);

		bad += size < 20 || access(P(M "/%s", buf + at + 19), F_OK);
		if (size < 20)
			break;
		at += size;
	}
	return bad;
}

/* Makes so many directories, which are more than a page of entries, or removes them. */
static void crowd(const char *prefix, int (*change)(const char *prefix, int nr))
{
	for (int i = 0; i < 300; i++)
		if (change(prefix, i))
			bail("%s%d: %s", prefix, i, strerror(errno));
}

static int make_one(const char *prefix, int nr)
{
	return mkdir(P(M "/%s%d", prefix, nr), 0755);
}

static int remove_one(const char *prefix, int nr)
{
	return rmdir(P(M "/%s%d", prefix, nr));
}

/*
 * Who reads a directory is killed meanwhile; another process goes on with the same open file. Now
 * and then that has a list already, of less.
 */
static void test_reader_killed(int times)
{
	volatile int *begun = mmap_shared(sizeof(*begun));
	int bad = 0, more = 0;
	char buf[4096];
	long got;

	crowd("a", make_one);
	for (int i = 0; i < times; i++) {
		int fd = open(M, O_RDONLY | O_DIRECTORY);
		pid_t pid;

		if (i % 10 == 9) {
			syscall(SYS_getdents64, fd, buf, sizeof(buf));
			lseek(fd, 0, SEEK_SET);
			crowd("another", make_one);
		}
		*begun = 0;
		pid = fork_bound();
		if (!pid) {
			*begun = 1;
			syscall(SYS_getdents64, fd, buf, sizeof(buf));
			pause();
		}
		while (!*begun)
			;
		for (int spin = i % 50 * 1000; spin > 0; spin--)
			asm volatile("");
		reap(pid);
		more += lseek(fd, 0, SEEK_CUR) > 0;
		/* behind what was allocated for the first list, if there is one */
		lseek(fd, i % 10 == 9 ? 10000 : 2, SEEK_SET);
		got = syscall(SYS_getdents64, fd, buf, sizeof(buf));
		bad += got < 0 ? 1 : strangers(buf, got);
		if (i % 10 == 9)
			crowd("another", remove_one);
		close(fd);
	}
	eq(bad, 0, "a reader is killed, another goes on: names of what is there");
	diag("%d of %d lists had been made", more, times);
	crowd("a", remove_one);
	munmap((void *)begun, sizeof(*begun));
}

/* --- who watches is told of each change, once --- */

static int watch;

static int enter(void *dir)
{
	return movepid(dir, getpid());
}

/* Reads what there is; how often an event has come for a name in all. */
static int events(unsigned int event, const char *name)
{
	static struct { unsigned int mask; char name[64]; } log[256];
	static int n;
	char buf[4096] __attribute__((aligned(8)));
	int count = 0;
	ssize_t len;

	while ((len = read(watch, buf, sizeof(buf))) > 0)
		for (char *p = buf; p < buf + len && n < 256; n++) {
			struct inotify_event *e = (void *)p;

			log[n].mask = e->mask;
			snprintf(log[n].name, sizeof(log[n].name), "%s", e->len ? e->name : "");
			p += sizeof(*e) + e->len;
		}
	for (int i = 0; i < n; i++)
		count += (log[i].mask & event) && !strcmp(log[i].name, name);
	if (!event)
		n = 0;
	return count;
}

/* They come before the call returns, or, from a worker, soon. More would come at once. */
static void told_once(unsigned int event, const char *name, const char *what)
{
	wait_for(events(event, name) > 0);
	msleep(20);
	eq(events(event, name), 1, "%s is told once", what);
}

static void test_watch(void)
{
	int fd;

	watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	inotify_add_watch(watch, M, IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO);
	mkdir(M "/w", 0755);
	told_once(IN_CREATE, "w", "mkdir");
	rename(M "/w", M "/v");
	told_once(IN_MOVED_FROM, "w", "rename, from");
	told_once(IN_MOVED_TO, "v", "rename, to");
	inotify_add_watch(watch, M "/v", IN_DELETE_SELF);
	rmdir(M "/v");
	told_once(IN_DELETE, "v", "rmdir");
	told_once(IN_DELETE_SELF, "", "rmdir, to itself,");
	events(0, "");

	mkdir(M "/w", 0755);
	rmdir(M "/w");
	mkdir(M "/w", 0755);
	msleep(20);
	eq(events(IN_CREATE, "w"), 2, "mkdir again is told again");
	err(put(M "/w/auto_delete", "1"), 0, "auto_delete");
	in_child(enter, M "/w");
	wait_for(access(M "/w", F_OK));
	events(0, "");
	mkdir(M "/x", 0755);
	err(put(M "/x/auto_delete", "1"), 0, "auto_delete");
	in_child(enter, M "/x");
	told_once(IN_DELETE, "x", "auto_delete");
	ok(access(M "/x", F_OK), "and it is gone");

	mkdir(M "/y", 0755);
	mkdir(M "/y/a", 0755);
	mkdir(M "/y/a/b", 0755);
	put(M "/y/kill_on_rmdir", "1");
	inotify_add_watch(watch, M "/y/a", IN_CREATE | IN_DELETE);
	fd = open(M "/y/a/b", O_RDONLY | O_DIRECTORY);
	err(E(rmdir(M "/y")), 0, "rmdir of a tree");
	told_once(IN_DELETE, "y", "rmdir of a tree");
	told_once(IN_DELETE, "b", "a directory in it");
	close(fd);
	close(watch);
}

/* --- control files, which are made when they are looked up --- */

/* How many files a listing has whose number is not what stat() says; -1: none is listed. */
static int wrong_numbers(const char *dir)
{
	int files = 0, wrong = 0;
	DIR *d = opendir(dir);
	struct dirent *e;
	struct stat st;

	while (d && (e = readdir(d))) {
		if (e->d_type != DT_REG)
			continue;
		files++;
		wrong += lstat(P("%s/%s", dir, e->d_name), &st) || st.st_ino != e->d_ino ||
			 !S_ISREG(st.st_mode);
	}
	if (d)
		closedir(d);
	return files ? wrong : -1;
}

static void test_lookup(void)
{
	struct stat st, other;
	int dir, fd;

	err(E(mkdir(M "/l", 0755)), 0, "mkdir");
	err(E(chown(M "/l", 1000, 1000)), 0, "give the directory away");
	err(E(stat(M "/l/tasks", &st)), 0, "a file that is looked up now");
	ok(!st.st_uid && !st.st_gid, "belongs to who made the directory");
	err(E(chown(M "/l/procs", 1000, 1000)) ?: E(chmod(M "/l/procs", 0600)), 0,
	    "give a file away");
	err(put("/proc/sys/vm/drop_caches", "2"), 0, "drop what is cached");
	err(E(stat(M "/l/procs", &st)), 0, "look it up again");
	ok(st.st_uid == 1000 && st.st_gid == 1000 && (st.st_mode & 07777) == 0600,
	   "its owner and permissions are kept");
	eq(wrong_numbers(M "/l"), 0, "files are listed with their numbers");
	err(E(mkdir(M "/l/tasks", 0755)), EEXIST, "mkdir of the name of a file");
	err(E(mkdir(M "/l/events", 0755)), EEXIST, "that nobody has looked up");
	mkdir(M "/l/d", 0755);
	err(E(rename(M "/l/d", M "/l/kill_on_rmdir")), ENOTDIR, "rename to such a name");
	err(E(stat(M "/l/release_agent", &st)), ENOENT, "a file of the root is not there");
	rmdir(M "/l/d");

	fd = open(M "/l/tasks", O_RDONLY | O_CLOEXEC);
	dir = open(M "/l", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err(E(rmdir(M "/l")), 0, "rmdir, with a file open");
	err(E(openat(dir, "tasks", O_RDONLY)), ENOENT, "its name is gone");
	err(E(openat(dir, "procs", O_RDONLY)), ENOENT, "and that of a file that was looked up");
	err(E(openat(dir, "events", O_RDONLY)), ENOENT, "and of one that was not");
	err(E(fstat(fd, &other)), 0, "the open one is still a file");
	eq(other.st_nlink, 0, "without a name");
	close(fd);
	close(dir);
}

/* Processes that look up the same files at the same time find the same files. */
static int stat_files(struct kid *up, void *arg)
{
	static const char *const names[] = { "tasks", "events", "procs", "auto_delete" };
	uint64_t sum = 0;
	struct stat st;

	if (up)
		kid_recv(up);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (stat(P("%s/%s", (char *)arg, names[i]), &st))
			return -1;
		else
			sum = sum * 31 + st.st_ino + st.st_ctim.tv_nsec;
	return sum % 251;
}

static void test_lookups(void)
{
	int i, k, got, differ = 0, gone = 0;
	struct kid kids[4];

	for (i = 0; i < 100; i++) {
		mkdir(M "/l", 0755);
		for (k = 0; k < 4; k++)
			kids[k] = kid_start(stat_files, M "/l");
		for (k = 0; k < 4; k++)
			kid_send(kids + k, 0);
		got = stat_files(NULL, M "/l");
		for (k = 0; k < 4; k++)
			differ += kid_wait(kids + k) != got;
		gone += rmdir(M "/l") != 0;
	}
	eq(differ, 0, "five look up four files at once, 100 times: they find the same");
	eq(gone, 0, "each time it can be removed");
}

int main(void)
{
	setup();
	err(cmount(M, "none,name=x"), 0, "mount -o none,name=x");
	CASE(test_lookup());
	CASE(test_lookups());
	CASE(test_mkdir());
	CASE(test_subsys_files());
	CASE(test_rmdir());
	CASE(test_rename());
	CASE(test_files_fixed());
	CASE(test_removed());
	CASE(test_list());
	CASE(test_reader_killed(debug_kernel() ? 40 : sized(500, 200)));
	CASE(test_watch());
	err(cumount(M), 0, "unmount");
	finish();
}
