// SPDX-License-Identifier: GPL-2.0
/* The end of the storm: all workers have ended, no task is lost, every count is back. */
#define _GNU_SOURCE
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "storm.h"

/* Where the tasks files and /proc differ. */
static void tell_differences(const char *root)
{
	pid_t *live, *t;
	int nlive = live_tasks(&live), nt = tree_tasks(root, &t), i, j;

	for (i = j = 0; i < nlive || j < nt;) {
		if (j < nt && j && t[j] == t[j - 1])
			diag("%s: %d twice", root, t[j++]);
		else if (i < nlive && (j == nt || live[i] < t[j]))
			diag("%s: %d is missing: %s", root, live[i],
			     get(P("/proc/%d/stat", live[i]))), i++;
		else if (j < nt && (i == nlive || t[j] < live[i]))
			diag("%s: %d does not live: %s", root, t[j],
			     get(P("/proc/%d/stat", t[j]))), j++;
		else
			i++, j++;
	}
	free(live);
	free(t);
}

/*
 * A kworker or the agent's process may come or go while the lists are read, and then it is
 * done again.  What is really lost or listed twice does not go away by that.
 */
bool exact(const char *root)
{
	for (int try = 0; try < 100; try++) {
		if (lists_all(root))
			return true;
		msleep(100);
	}
	tell_differences(root);
	return false;
}

/* Members of the root, plus one. */
bool topcount_right(const char *set, const char *root)
{
	struct hier h = { 0 };
	int n = 0;

	for (int try = 0; try < 100; try++) {
		n = nids(P("%s/tasks", root));
		if (hier(set, &h) && h.topcount == n + 1)
			return true;
		msleep(50);
	}
	diag("topcount=%ld with %d members in the root", h.topcount, n);
	return false;
}

/*
 * All below DIR, members to its root; how many containers are left. It takes more
 * than one look where kthreadd is, which has a new child now and then.
 */
static int clear(const char *root, const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int left = 0;

	while (d && (e = readdir(d))) {
		char *sub;
		pid_t *l;
		int n;

		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		if (asprintf(&sub, "%s/%s", dir, e->d_name) < 0)
			abort();
		left += clear(root, sub);
		put(P("%s/auto_delete", sub), "0");
		for (int tries = 0; tries < 100; tries++) {
			n = ids(P("%s/tasks", sub), &l);
			for (int i = 0; i < n; i++)
				movepid(root, l[i]);
			free(l);
			if (n <= 0)
				break;
		}
		if (rmdir(sub) && errno != ENOENT) {
			diag("rmdir %s: %s", sub, strerror(errno));
			n = ids(P("%s/tasks", sub), &l);
			for (int i = 0; i < n; i++)
				diag("its task: %s", get(P("/proc/%d/stat", l[i])));
			free(l);
			left++;
		}
		free(sub);
	}
	if (d)
		closedir(d);
	return left;
}

void check_containers_left(void)
{
	struct hier h = { 0 };

	eq(clear(H1, H1), 0, "every container of cpuacct can be removed");
	eq(clear(H2, H2), 0, "every container of x can be removed");
	ok(hier("cpuacct", &h) && h.containers == 1,
	   "cpuacct counts its root container only");
}

/* What the mounters may have left in y. */
void dissolve_y(void)
{
	const char *dir = BASE "/y";

	if (cmount(dir, "none,name=y") == 0) {
		clear(dir, dir);
		ok(exact(dir), "y: its tasks are the live tasks");
		err(cumount(dir), 0, "y unmounts");
	}
}

/* What still runs two minutes after the end is stuck. */
int wait_workers(const pid_t *pids, int n)
{
	long end = now_ms() + 120000;
	int left;

	do {
		left = 0;
		while (waitpid(-1, NULL, __WALL | WNOHANG) > 0)
			;
		for (int i = 0; i < n; i++)
			left += !kill(pids[i], 0);
		msleep(10);
	} while (left && now_ms() < end);
	for (int i = 0; i < n; i++)
		if (!kill(pids[i], 0))
			diag("worker %d: %s%s", i,
			     get(P("/proc/%d/stat", pids[i])),
			     get(P("/proc/%d/stack", pids[i])));
	return left;
}

/* Everything that the storm started, orphans included. */
int wait_all(void)
{
	long end = now_ms() + 60000;
	int left = 0;
	pid_t pid;

	while ((pid = waitpid(-1, NULL, __WALL | WNOHANG)) >= 0 &&
	       now_ms() < end)
		if (!pid)
			msleep(10);
	if (pid < 0)
		return 0;
	for (pid_t *l, i = 0, n = live_tasks(&l); i < n; i++)
		if (l[i] > getpid() && !is_protected(l[i])) {
			diag("%d: %s%s", l[i], get(P("/proc/%d/stat", l[i])),
			     get(P("/proc/%d/stack", l[i])));
			left++;
		}
	return left;
}
