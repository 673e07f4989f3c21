// SPDX-License-Identifier: GPL-2.0
/*
 * Delegation: permission bits and owners as on any file system, a subtree
 * that is given away with chown, and what its new owner may and may not do.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "lib.h"

#define M "/tmp/m"
#define D "/tmp/m/d"
#define USER 1000

static const char *const files[] = {
	"tasks", "procs", "notify_on_release", "auto_delete", "kill_on_rmdir",
	"clone_children", "cpuacct.usage",
};

/* What somebody without privileges tries; all of them give an errno. */

static int try_mkdir(void *arg) { return E(mkdir(arg, 0755)); }
static int try_rmdir(void *arg) { return E(rmdir(arg)); }
static int try_write(void *arg) { return open_err(arg, O_WRONLY); }
static int try_read(void *arg) { return open_err(arg, O_RDONLY); }
static int try_set(void *arg) { return put(arg, "1"); }
static int try_self(void *arg) { return put(arg, "0"); }
static int try_init(void *arg) { return put(arg, "1"); }
static int try_chmod(void *arg) { return E(chmod(arg, 0640)); }
static int try_chown(void *arg) { return E(chown(arg, USER, USER)); }
static int try_giving(void *arg) { return E(chown(arg, 0, 0)); }
static int try_list(void *arg) { return open_err(arg, O_RDONLY | O_DIRECTORY); }
static int try_rename(void *arg) { return E(rename(arg, M "/d/renamed")); }
static int try_unlink(void *arg) { return E(unlink(arg)); }
static int try_truncate(void *arg) { return open_err(arg, O_WRONLY | O_TRUNC); }

struct try {
	const char *what;
	int (*fn)(void *arg);
	const char *path;
	int e;
};

static void tries(const struct try *t, size_t n, uid_t uid)
{
	for (; n--; t++)
		err(as_user(uid, t->fn, (void *)t->path), t->e,
		    "uid %d: %s (%s)", uid, t->what, t->path + strlen(M));
}

static void test_strangers(void)
{
	static const struct try t[] = {
		{ "mkdir in root's container", try_mkdir, M "/x", EACCES },
		{ "mkdir in another's", try_mkdir, D "/x", EACCES },
		{ "rmdir in root's", try_rmdir, D, EACCES },
		{ "writing a file of root's", try_write, M "/tasks", EACCES },
		{ "writing flags", try_write, D "/notify_on_release", EACCES },
		{ "writing release_agent", try_write, M "/release_agent",
		  EACCES },
		{ "reading tasks", try_read, D "/tasks", 0 },
		{ "reading flags", try_read, D "/auto_delete", 0 },
		{ "listing", try_list, D, 0 },
		{ "chmod", try_chmod, D, EPERM },
		{ "chown", try_chown, D "/tasks", EPERM },
		{ "moving itself", try_self, D "/tasks", EACCES },
	};

	tries(t, ARRAY_SIZE(t), USER);
	chmod(D, 0700);
	err(as_user(USER, try_list, D), EACCES, "listing, mode 700");
	err(as_user(USER, try_read, D "/tasks"), EACCES, "reading, mode 700");
	chmod(D, 0755);
	chmod(D "/tasks", 0600);
	err(as_user(USER, try_read, D "/tasks"), EACCES, "a file of mode 600");
	eq(mode_of(D "/tasks"), 0600, "which shows");
	chmod(D "/tasks", 0644);
}

static void test_owner(void)
{
	static const struct try t[] = {
		{ "mkdir", try_mkdir, D "/mine", 0 },
		{ "setting a flag", try_set, D "/notify_on_release", 0 },
		{ "the shell's >", try_truncate, D "/notify_on_release", 0 },
		{ "moving itself in", try_self, D "/tasks", 0 },
		{ "moving its process in", try_self, D "/procs", 0 },
		{ "moving init in", try_init, D "/tasks", EACCES },
		{ "moving init in by procs", try_init, D "/procs", EACCES },
		{ "setting a flag below", try_set, D "/mine/kill_on_rmdir", 0 },
		{ "moving itself below", try_self, D "/mine/tasks", 0 },
		{ "moving itself to the root", try_self, M "/tasks", EACCES },
		{ "mkdir beside it", try_mkdir, M "/beside", EACCES },
		{ "rmdir of it", try_rmdir, D, EACCES },
		{ "chmod of its own", try_chmod, D "/mine/tasks", 0 },
		{ "giving its own away", try_giving, D "/mine", EPERM },
		{ "removing a file of its own", try_unlink, D "/mine/tasks",
		  EPERM },
		{ "rename of its own", try_rename, D "/mine", 0 },
		{ "rmdir of its own", try_rmdir, D "/renamed", 0 },
		{ "mkdir again", try_mkdir, D "/mine", 0 },
	};
	struct stat st;
	int e = 0;

	err(E(chown(D, USER, 1001)), 0, "the directory is given away");
	err(as_user(USER, try_write, D "/tasks"), EACCES,
	    "its files are not, by that");
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		e |= E(chown(P(D "/%s", files[i]), USER, 1001));
	err(e, 0, "its files are given away");
	stat(D "/tasks", &st);
	ok(st.st_uid == USER && st.st_gid == 1001, "which shows");
	tries(t, ARRAY_SIZE(t), USER);
	stat(D "/mine", &st);
	ok(st.st_uid == USER && st.st_gid == USER,
	   "what it made belongs to it");
	e = 0;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		e |= stat(P(D "/mine/%s", files[i]), &st) ||
		     st.st_uid != USER || st.st_gid != USER;
	ok(!e, "and all the files in it");
	eq(mode_of(D "/mine/tasks"), 0644, "with the usual modes");
	stat(M, &st);
	ok(!st.st_uid && !st.st_gid, "the root is root's");
	err(as_user(USER + 5, try_mkdir, D "/mine/x"), EACCES,
	    "another user may not");
	err(E(mkdir(D "/roots", 0755)), 0, "root makes one there");
	stat(D "/roots/tasks", &st);
	ok(!st.st_uid && !st.st_gid, "which is root's");
	err(as_user(USER, try_rmdir, D "/roots"), 0,
	    "but the owner of the parent may remove it");
	ok(wait_for(!nids(D "/tasks") && !nids(D "/mine/tasks")),
	   "all have left");
}

/* A group that may write. */
static void test_group(void)
{
	err(E(mkdir(M "/g", 0775)), 0, "mkdir");
	chmod(M "/g", 0775);
	err(E(chown(M "/g", 0, USER)), 0, "a group is given it");
	err(as_user(USER, try_mkdir, M "/g/x"), 0, "a member may mkdir");
	err(as_user(USER + 5, try_mkdir, M "/g/y"), EACCES, "others may not");
	err(as_user(USER, try_rmdir, M "/g/x"), 0, "and rmdir");
	err(E(rmdir(M "/g")), 0, "rmdir");
}

/* kill_on_rmdir asks for the right to remove, not to kill. */
static void test_refused_rmdir(void)
{
	pid_t p = sleeper();

	mkdir(D "/k", 0755);
	put(D "/k/kill_on_rmdir", "1");
	movepid(D "/k", p);
	err(as_user(USER + 5, try_rmdir, D "/k"), EACCES,
	    "rmdir by a stranger, kill_on_rmdir set");
	msleep(50);
	ok(task_state(p, p) != 'Z', "kills nobody");
	movepid(M, p);
	reap(p);
	err(E(rmdir(D "/k")), 0, "rmdir");
}

int main(void)
{
	setup();
	err(cmount(M, "cpuacct"), 0, "mount cpuacct");
	eq(mode_of(M), 0755, "mode of the root");
	mkdir(D, 0755);
	CASE(test_strangers());
	CASE(test_owner());
	CASE(test_group());
	CASE(test_refused_rmdir());
	err(E(rmdir(D "/mine")), 0, "rmdir");
	err(E(rmdir(D)), 0, "rmdir");
	err(cumount(M), 0, "unmount");
	finish();
}
