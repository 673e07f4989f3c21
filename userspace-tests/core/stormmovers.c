// SPDX-License-Identifier: GPL-2.0
/*
 * The storm's workers that disturb its tasks: moves, mkdir, rmdir, flags, mounts, removals with
 * kill_on_rmdir, and loads of modules. See storm.h.
 */
#define _GNU_SOURCE
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include "storm.h"

static const char *other_modules[16];
static int nothers;

void mover(int id)
{
	(void)id;
	while (on()) {
		bool process = rnd() % 3 == 0;
		pid_t tid = some_task(process);
		const char *dir;
		int e;

		if (!tid && rnd() % 8)		/* 0: the mover itself */
			continue;
		/* now and then back to the root */
		dir = rnd() % 8 ? some_dir() : roots[rnd() % 2];
		e = put(P("%s/%s", dir, process ? "procs" : "tasks"), "%d",
			tid);
		if (!move_errno(e))
			bad(MOVES, "moving %d to %s: %s", tid, dir,
			    strerror(e));
		done(MOVES);
	}
}

/* One of the containers that come and go, not S. */
static const char *passing_dir(void)
{
	const char *dir;

	do {
		dir = some_dir();
	} while (strstr(dir, "/S"));
	return dir;
}

void director(int id)
{
	(void)id;
	while (on()) {
		const char *dir = passing_dir();
		int e;

		if (rnd() % 2) {
			e = E(mkdir(dir, 0755));
			if (e && e != EEXIST && e != ENOENT && e != ENODEV)
				bad(MKDIRS, "mkdir %s: %s", dir, strerror(e));
			if (!e)
				done(MKDIRS);
		} else {
			e = E(rmdir(dir));
			if (e && e != EBUSY && e != ENOENT)
				bad(RMDIRS, "rmdir %s: %s", dir, strerror(e));
			if (!e)
				done(RMDIRS);
		}
		if (rnd() % 16 == 0) {
			e = E(rename(dir, P("%s-new", dir)));
			if (!e)
				rename(P("%s-new", dir), dir);
			/* what could not be renamed back goes when it can */
			rmdir(P("%s-new", dir));
		}
	}
}

void flagger(int id)
{
	static const char *const flag[] = { "notify_on_release", "auto_delete" };

	(void)id;
	while (on()) {
		const char *dir = passing_dir();
		int e;

		e = put(P("%s/%s", dir, flag[rnd() % 2]), "%d", rnd() % 3 == 0);
		if (e && e != ENOENT && e != ENODEV)
			bad(FLAGS, "flags of %s: %s", dir, strerror(e));
		done(FLAGS);
		usleep(rnd() % 2000);
	}
}

void mounter(int id)
{
	const char *dir = strdup(P("%s/y%d", BASE, id));
	const char *mine = strdup(P("%s/m%d", dir, id)), *at;
	int e, e2;

	while (on()) {
		e = cmount(dir, "none,name=y");
		if (e) {
			bad(MOUNTS, "mount of y: %s", strerror(e));
			msleep(10);
			continue;
		}
		e = E(mkdir(mine, 0755));
		e2 = e == EEXIST || !e ? movepid(mine, 0) : e;
		if (e2)
			bad(MOUNTS, "a container in y: %s", strerror(e2));
		else if (!(at = where(0, "name=y")) ||
			 strcmp(at, P("/m%d", id)))
			bad(MOUNTS, "moved to /m%d in y, found in %s", id, at);
		movepid(mine, some_task(false));
		if (nids(P("%s/tasks", mine)) < 1)
			bad(MOUNTS, "%s/tasks is empty", mine);
		if (movepid(dir, 0))
			bad(MOUNTS, "no way back in y");
		for (int i = 0; i < 50 && rmdir(mine); i++) {
			pid_t *l;
			int n = ids(P("%s/tasks", mine), &l);

			while (n > 0)
				movepid(dir, l[--n]);
			free(l);
		}
		e = E(umount(dir));
		if (e)
			bad(MOUNTS, "umount of y: %s", strerror(e));
		done(MOUNTS);
	}
}

/* Members of K and their children, until killed or its round is over. */
static void doomed(const char *root, long round)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (movepid(P(rnd() % 2 ? "%s/K" : "%s/K/sub", root), 0))
		_exit(1);
	while (storm->kround == round && on()) {
		pid_t pid = fork();

		if (!pid) {
			if (rnd() % 2)
				usleep(rnd() % 5000);
			_exit(0);
		}
		if (rnd() % 2)
			waitpid(pid, NULL, 0);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	_exit(0);
}

void tree_killer(int id)
{
	const char *root = roots[id % 2];
	char *k = strdup(P("%s/K", root));
	int e, n;

	while (on()) {
		pid_t pid[4];

		e = E(mkdir(k, 0755));
		if (e)
			bad(TREE_KILLS, "mkdir %s: %s", k, strerror(e));
		e = put(P("%s/kill_on_rmdir", k), "1");
		if (e)
			bad(TREE_KILLS, "kill_on_rmdir: %s", strerror(e));
		mkdir(P("%s/sub", k), 0755);
		for (n = 0; n < 4; n++)
			if (!(pid[n] = fork()))
				doomed(root, storm->kround);
		usleep(rnd() % 100000);
		e = E(rmdir(k));
		if (e)
			bad(TREE_KILLS, "rmdir of %s: %s", k, strerror(e));
		else if (!access(k, F_OK))
			bad(TREE_KILLS, "%s is still there", k);
		/* those that came too late are still alive */
		storm->kround++;
		for (int i = 0; i < n; i++)
			waitpid(pid[i], NULL, 0);
		done(TREE_KILLS);
	}
	rmdir(k);
}

void moduler(int id)
{
	int e;

	(void)id;
	while (on()) {
		e = rmmod("container_cpuacct");
		if (!in_use(e))
			bad(MODULES, "rmmod of a bound subsystem: %s",
			    strerror(e));
		if (!rmmod("container_core"))
			bad(MODULES, "the core unloaded in use");
		if (nothers) {
			const char *m = other_modules[rnd() % nothers];

			if (modprobe(m))
				bad(MODULES, "%s does not load", m);
			usleep(rnd() % 20000);
			e = rmmod(m);
			if (e && !in_use(e) && e != ENOENT)
				bad(MODULES, "rmmod %s: %s", m, strerror(e));
		}
		done(MODULES);
		usleep(rnd() % 50000);
	}
}

static int module_visit(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	const char *name = path + ftw->base, *end = strstr(name, ".ko");

	(void)st;
	if (type == FTW_F && end && nothers < (int)ARRAY_SIZE(other_modules) &&
	    !strncmp(name, "container_", 10) &&
	    strncmp(name, "container_core.", 15) &&
	    strncmp(name, "container_cpuacct.", 18))
		other_modules[nothers++] = strndup(name, end - name);
	return 0;
}

void find_modules(void)
{
	struct utsname u;

	uname(&u);
	nftw(P("/lib/modules/%s/updates", u.release), module_visit, 8,
	     FTW_PHYS);
	for (int i = 0; i < nothers; i++)
		diag("loaded and unloaded meanwhile: %s", other_modules[i]);
}
