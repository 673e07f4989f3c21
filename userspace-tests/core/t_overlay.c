// SPDX-License-Identifier: GPL-2.0
/*
 * Containers seen through overlayfs, which any user may mount over them in a user
 * namespace of his own: files answer for their own containers, writes go to the copy
 * that the overlay makes, and nobody gets a right that he has not.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "lib.h"

#define C "/tmp/c"		/* the container mount */
#define O "/tmp/o"		/* the overlay */
#define UP "/tmp/up"		/* a tmpfs of the overlay's owner */

#define NO_USERNS 200		/* no namespace, or no overlay in one */

/* What a child found, for the parent to compare. */
struct seen {
	char text[32][8192];
	int error[32];
};
static struct seen *seen;

/* What the parent sees in each of the same files. */
static const char *const paths[] = {
	"tasks", "procs", "notify_on_release", "release_agent", "a/tasks", "a/procs",
	"a/notify_on_release", "a/auto_delete", "a/b/tasks", "a/b/notify_on_release",
	"a/b/kill_on_rmdir", "a/cpuacct.stat",
};

static void keep(int slot, const char *text)
{
	seen->error[slot] = text ? 0 : errno;
	snprintf(seen->text[slot], sizeof(seen->text[slot]), "%s", text ? text : "");
}

static int enter_mounts(void)
{
	if (!geteuid())
		return E(unshare(CLONE_NEWNS));
	return enter_userns(CLONE_NEWNS) ? 0 : NO_USERNS;
}

/* Mounts the overlay in a mount namespace of our own, as an ordinary user in his. */
static int overlay(const char *lower, bool upper)
{
	int e = enter_mounts();
	const char *opts = P("lowerdir=%s", lower);

	if (e)
		return e;
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (upper) {
		if (mount("up", UP, "tmpfs", 0, NULL))
			return errno;
		mkdir(UP "/u", 0755);
		mkdir(UP "/w", 0755);
		opts = P("%s,upperdir=" UP "/u,workdir=" UP "/w", opts);
	}
	/* attributes of the kind that a user may set, where there are such */
	if (!mount("o", O, "overlay", 0, P("%s,userxattr", opts)) ||
	    !mount("o", O, "overlay", 0, opts))
		return 0;
	return errno == EPERM ? NO_USERNS : errno;
}

/* --- reading ---------------------------------------------------------------- */

static int reader(void *arg)
{
	int e = overlay(arg, false), fd, path, pipe_[2];
	size_t i;

	if (e)
		return e;
	for (i = 0; i < ARRAY_SIZE(paths); i++)
		keep(i, get(P(O "/%s", paths[i])));
	keep(i++, names_in(O "/a"));
	/* through a descriptor of what it is */
	path = open(O "/a/tasks", O_PATH);
	fd = open(P("/proc/self/fd/%d", path), O_RDONLY);
	keep(i++, fd < 0 ? NULL : getfd(fd));
	close(fd);
	fd = open(O "/a/b/notify_on_release", O_RDONLY);
	keep(i++, get(P("/proc/self/fd/%d", fd)));
	close(fd);
	/* in pieces */
	fd = open(O "/a/tasks", O_RDONLY);
	if (fd >= 0 && pread(fd, seen->text[i], 1, 0) == 1 &&
	    pread(fd, seen->text[i] + 1, 100, 1) > 0)
		i++;
	else
		keep(i++, NULL);
	close(fd);
	/* without a copy in between */
	fd = open(O "/a/tasks", O_RDONLY);
	if (pipe(pipe_) || sendfile(pipe_[1], fd, NULL, 4096) < 0)
		seen->error[i] = errno;
	else if (read(pipe_[0], seen->text[i], 4096) < 0)
		seen->error[i] = errno;
	i++;
	close(fd);
	fd = open(O "/a/tasks", O_RDONLY);
	if (splice(fd, NULL, pipe_[1], NULL, 4096, 0) < 0)
		seen->error[i] = errno;
	else if (read(pipe_[0], seen->text[i], 4096) < 0)
		seen->error[i] = errno;
	i++;
	close(fd);
	/* mounted somewhere else */
	mount(O "/a", "/tmp/low", NULL, MS_BIND, NULL);
	keep(i++, get("/tmp/low/tasks"));
	keep(i++, get("/tmp/low/b/notify_on_release"));
	/* there is nowhere to write to */
	seen->error[i++] = open_err(O "/a/tasks", O_WRONLY);
	seen->error[i++] = open_err(O "/a/tasks", O_RDWR | O_TRUNC);
	seen->error[i++] = E(mkdir(O "/a/x", 0755));
	seen->error[i++] = E(rmdir(O "/a/b"));
	return 0;
}

static void same(int slot, const char *want, const char *what)
{
	err(seen->error[slot], 0, "%s is read", what);
	streq(seen->text[slot], want, "%s", what);
}

static void test_read(uid_t uid, const char *lower, pid_t p)
{
	const char *who = uid ? "a user" : "root", *tasks = strdup(P("%d\n", p));
	int e;
	size_t i;

	memset(seen, 0, sizeof(*seen));
	e = uid ? as_user(uid, reader, (void *)lower) : in_child(reader, (void *)lower);
	if (e == NO_USERNS) {
		skip("%s: no overlay in a user namespace here", who);
		return;
	}
	eq(e, 0, "%s mounts an overlay of %s", who, lower);
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		/* of tasks that come and go */
		if (strchr(paths[i], '/') == NULL && strcmp(paths[i], "release_agent") &&
		    strcmp(paths[i], "notify_on_release")) {
			err(seen->error[i], 0, "%s: %s", who, paths[i]);
			ok(!strncmp(seen->text[i], "1\n2\n", 4), "%s: of the root", who);
			continue;
		}
		if (strstr(paths[i], "cpuacct")) {
			ok(!strncmp(seen->text[i], "user ", 5), "%s: %s", who, paths[i]);
			continue;
		}
		same(i, get(P(C "/%s", paths[i])), P("%s: %s", who, paths[i]));
	}
	same(i++, names_in(C "/a"), P("%s: what is in a", who));
	same(i++, tasks, P("%s: tasks, through O_PATH", who));
	same(i++, "0\n", P("%s: a flag, through /proc/self/fd", who));
	same(i++, tasks, P("%s: tasks, in pieces", who));
	same(i++, tasks, P("%s: tasks, by sendfile", who));
	same(i++, tasks, P("%s: tasks, by splice", who));
	same(i++, tasks, P("%s: tasks, of a bind mount", who));
	same(i++, "0\n", P("%s: a flag, of a bind mount", who));
	for (int n = 0; n < 4; n++)
		err(seen->error[i++], EROFS, "%s: change %d without an upper layer", who, n);
}

/* --- writing ---------------------------------------------------------------- */

static int writer(void *arg)
{
	pid_t p = *(pid_t *)arg;
	int e = overlay(C ":/tmp/low", true), fd;

	if (e)
		return e;
	seen->error[0] = put(O "/a/tasks", "%d", getpid());
	keep(0, get(O "/a/tasks"));
	seen->error[1] = put(O "/a/b/procs", "%d", p);
	seen->error[2] = put(O "/a/notify_on_release", "0");
	seen->error[3] = E(truncate(O "/a/b/notify_on_release", 0));
	fd = open(O "/a/b/tasks", O_RDWR | O_TRUNC);
	seen->error[4] = write(fd, "0", 1) == 1 ? 0 : errno;
	close(fd);
	seen->error[5] = E(mkdir(O "/a/new", 0755));
	seen->error[6] = put(O "/a/new/tasks", "%d", p);
	seen->error[7] = E(chmod(O "/a/auto_delete", 0600));
	seen->error[8] = E(unlink(O "/a/procs"));
	keep(9, where(0, "cpuacct"));
	return 0;
}

static void test_write(uid_t uid, pid_t p)
{
	const char *who = uid ? "a user" : "root";
	struct hier h, before;
	const char *list;
	int e;

	hier("cpuacct", &before);
	list = strdup(names_in(C "/a"));
	memset(seen, 0, sizeof(*seen));
	e = uid ? as_user(uid, writer, &p) : in_child(writer, &p);
	if (e == NO_USERNS) {
		skip("%s: no overlay in a user namespace here", who);
		return;
	}
	eq(e, 0, "%s mounts an overlay with an upper layer", who);
	diag("writes: %d %d %d %d %d, mkdir %d %d, chmod %d, unlink %d", seen->error[0],
	     seen->error[1], seen->error[2], seen->error[3], seen->error[4], seen->error[5],
	     seen->error[6], seen->error[7], seen->error[8]);
	streq(seen->text[9], "/", "%s: the writer was not moved", who);
	streq(where(p, "cpuacct"), "/a", "%s: nor anybody else", who);
	streq(get(C "/a/notify_on_release"), "1\n", "%s: a flag is as it was", who);
	streq(get(C "/a/b/notify_on_release"), "0\n", "%s: another, too", who);
	eq(mode_of(C "/a/auto_delete"), 0644, "%s: a mode, too", who);
	streq(names_in(C "/a"), list, "%s: what is in a, too", who);
	ok(hier("cpuacct", &h) && h.containers == before.containers,
	   "%s: no container was made", who);
}

/* A container as the layer that is written to: no overlay needs that. */
static int upper_here(void *arg)
{
	int e = enter_mounts();

	if (e)
		return e;
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	e = E(mount("o", O, "overlay", 0, arg));
	if (!e)
		return 201;
	return e == EPERM ? NO_USERNS : 0;
}

static void test_upper(uid_t uid)
{
	const char *who = uid ? "a user" : "root", *opts;
	int e;

	mkdir(C "/up", 0755);
	mkdir(C "/up/u", 0755);
	mkdir(C "/up/w", 0755);
	for (int i = 0; i < 3; i++)
		chown(P(C "/up%s", i == 2 ? "/w" : i ? "/u" : ""), uid, uid);
	opts = "lowerdir=/tmp/low,upperdir=" C "/up/u,workdir=" C "/up/w";
	e = uid ? as_user(uid, upper_here, (void *)P("%s,userxattr", opts)) :
		  in_child(upper_here, (void *)opts);
	if (e == NO_USERNS)
		skip("%s: no overlay in a user namespace here", who);
	else
		eq(e, 0, "%s: a container as upper layer is refused", who);
	put(C "/up/kill_on_rmdir", "1");
	err(E(rmdir(C "/up")), 0, "remove it");
}

/* --- descriptors that outlive ------------------------------------------------ */

static int sock[2];

static int sender(struct kid *up, void *arg)
{
	int e, fd[3];

	drop_to((uid_t)(long)arg);
	e = overlay(C ":/tmp/low", false);
	kid_send(up, e);
	if (e)
		return 0;
	fd[0] = open(O "/a/tasks", O_RDONLY);
	fd[1] = open(O "/z/notify_on_release", O_RDONLY);
	fd[2] = open(O "/z/tasks", O_RDONLY);
	for (int i = 0; i < 3; i++)
		send_fd(sock[0], fd[i]);
	kid_recv(up);
	/* the same container, opened before and after it is gone */
	kid_send(up, pread(fd[1], seen->text[0], 1, 0) < 0 ? errno : 0);
	kid_send(up, open_err(O "/z/cpuacct.stat", O_RDONLY) ? 0 : 1);
	kid_recv(up);
	return 0;
}

static void test_outlive(uid_t uid, pid_t p)
{
	const char *who = uid ? "a user" : "root";
	struct kid k;
	char buf[64];
	int e, fd[3];

	mkdir(C "/z", 0755);
	put(C "/z/notify_on_release", "1");
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, sock))
		bail("socketpair");
	k = kid_start(sender, (void *)(long)uid);
	e = kid_recv(&k);
	if (e == NO_USERNS) {
		skip("%s: no overlay in a user namespace here", who);
	} else {
		eq(e, 0, "%s mounts an overlay", who);
		for (int i = 0; i < 3; i++)
			fd[i] = recv_fd(sock[1]);
		streq(getfd(fd[0]), P("%d\n", p), "%s: a descriptor that is passed", who);
		streq(getfd(fd[1]), "1\n", "%s: of another container", who);
		streq(get(P("/proc/self/fd/%d", fd[0])), P("%d\n", p), "%s: opened again", who);
		err(E(rmdir(C "/z")), 0, "that goes");
		err(E(pread(fd[1], buf, sizeof(buf), 0)), ENODEV, "%s: its flag", who);
		err(E(pread(fd[2], buf, sizeof(buf), 0)), ENODEV, "%s: its tasks", who);
		kid_send(&k, 0);
		err(kid_recv(&k), ENODEV, "%s: to who opened it, too", who);
		ok(kid_recv(&k) == 0, "%s: and it cannot be opened", who);
		kid_send(&k, 0);
		streq(getfd(fd[0]), "", "%s: at its end", who);
		eq(lseek(fd[0], 0, SEEK_SET), 0, "%s: from the start", who);
		streq(getfd(fd[0]), P("%d\n", p), "%s: the overlay is unmounted", who);
		for (int i = 0; i < 3; i++)
			close(fd[i]);
	}
	kid_wait(&k);
	close(sock[0]);
	close(sock[1]);
	rmdir(C "/z");
}

int main(void)
{
	static const uid_t uids[] = { 0, 1000 };
	pid_t p;

	setup();
	seen = mmap_shared(sizeof(*seen));
	modprobe("overlay");
	if (!strstr(get("/proc/filesystems"), "overlay")) {
		skip("no overlayfs here");
		finish();
	}
	/* where users may not, unless told otherwise (Debian's 5.10) */
	put("/sys/module/overlay/parameters/permit_mounts_in_userns", "Y");
	mkdir(O, 0777);
	mkdir(UP, 0777);
	mkdir("/tmp/low", 0777);
	mkdir("/tmp/low/z", 0777);
	write_file("/tmp/low/z/file", "x");
	err(cmount(C, "cpuacct"), 0, "mount");
	mkdir(C "/a", 0755);
	mkdir(C "/a/b", 0755);
	put(C "/a/notify_on_release", "1");
	p = sleeper();
	err(movepid(C "/a", p), 0, "a member");
	for (size_t i = 0; i < ARRAY_SIZE(uids); i++) {
		CASE(test_read(uids[i], C ":/tmp/low", p));
		CASE(test_write(uids[i], p));
		CASE(test_upper(uids[i]));
		CASE(test_outlive(uids[i], p));
	}
	reap(p);
	rmdir(C "/a/b");
	rmdir(C "/a");
	err(cumount(C), 0, "unmount");
	/* the overlays go with their namespaces, which may take a moment */
	ok(wait_for(nhiers() == 1), "the hierarchy is dissolved");
	unlink("/tmp/low/z/file");
	rmdir("/tmp/low/z");
	rmdir("/tmp/low");
	rmdir(O);
	rmdir(UP);
	finish();
}
