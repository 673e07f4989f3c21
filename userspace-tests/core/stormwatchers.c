// SPDX-License-Identifier: GPL-2.0
/*
 * The storm's workers that watch: what a reader sees at any moment must be right. Beside them,
 * those that give them something to see. See storm.h.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "storm.h"

/*
 * A list read in pieces of SIZE bytes; -1 and errno.  Being ascending, with
 * no id twice, is part of reading it.
 */
static int read_ids(enum kind k, const char *path, int size, pid_t **list)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), n = 0, room = 0;
	char buf[4096];
	pid_t cur = 0, last = 0;
	ssize_t r;

	*list = NULL;
	if (fd < 0)
		return -1;
	while ((r = read(fd, buf, size)) > 0)
		for (ssize_t i = 0; i < r; i++) {
			if (buf[i] != '\n') {
				cur = cur * 10 + buf[i] - '0';
				continue;
			}
			if (cur <= last)
				bad(k, "%s: %d after %d", path, cur, last);
			if (n == room)
				*list = realloc(*list, (room += 256) *
						sizeof(**list));
			(*list)[n++] = last = cur;
			cur = 0;
		}
	if (r < 0) {
		int e = errno;

		if (e != ENODEV)
			bad(k, "reading %s: %s", path, strerror(e));
		close(fd);
		errno = e;
		return -1;
	}
	close(fd);
	return n;
}

static const char *const files[] = {
	"tasks", "procs", "notify_on_release", "auto_delete", "kill_on_rmdir",
	"cpuacct.usage_ns", "cpuacct.usage_subtree_ns", "cpuacct.stat",
	"cpuacct.usage_percpu", "cpuacct.load", "cpuacct.usage",
};

void reader(int id)
{
	(void)id;
	while (on()) {
		unsigned int f = rnd() % (ARRAY_SIZE(files) + 4);
		const char *dir = rnd() % 8 ? some_dir() : roots[rnd() % 2];
		pid_t *l;
		DIR *d;

		if (f >= ARRAY_SIZE(files))
			f = rnd() % 2;
		if (f < 2) {
			if (read_ids(READS, P("%s/%s", dir, files[f]),
				     1 + rnd() % 4096, &l) < 0 &&
			    errno != ENOENT && errno != ENODEV)
				bad(READS, "%s/%s: %s", dir, files[f],
				    strerror(errno));
			free(l);
		} else if (!get(P("%s/%s", dir, files[f])) &&
			   errno != ENOENT && errno != ENODEV) {
			bad(READS, "%s/%s: %s", dir, files[f], strerror(errno));
		}
		if (rnd() % 16 == 0 && (d = opendir(dir))) {
			while (readdir(d))
				;
			closedir(d);
		}
		done(READS);
	}
}

void proc_reader(int id)
{
	(void)id;
	while (on()) {
		pid_t tid = some_task(false);
		struct dirent *e;
		bool seen = false;
		char *s;
		DIR *d;

		if (tid) {
			s = get(P("/proc/%d/container", tid));
			if (!s && errno != ENOENT && errno != ESRCH)
				bad(PROC_READS, "/proc/%d/container: %s", tid,
				    strerror(errno));
			if (s && (!strstr(s, "cpuacct:/") ||
				  !strstr(s, "name=x:/")))
				bad(PROC_READS, "/proc/%d/container: %s", tid,
				    s);
		}
		s = get("/proc/containers");
		if (!s || strncmp(s, "Hierarchies:\n", 13) ||
		    !strstr(s, "(cpuacct)"))
			bad(PROC_READS, "/proc/containers: %s", s);
		if (rnd() % 8 == 0 && (d = opendir("/proc/thread-self"))) {
			while ((e = readdir(d)))
				seen |= !strcmp(e->d_name, "container");
			closedir(d);
			if (!seen)
				bad(PROC_READS, "container is not in a listing");
		}
		done(PROC_READS);
	}
}

void snapshooter(int id)
{
	(void)id;
	while (on()) {
		const char *path = P("%s/S/tasks", roots[rnd() % 2]);
		pid_t *l;
		int n = read_ids(SNAPSHOTS, path, rnd() % 4 ? 4096 :
				 1 + rnd() % 40, &l), i = 0;
		size_t s = 0;

		/* both lists ascend */
		for (; i < n && s < ARRAY_SIZE(sleeper_tids); i++)
			if (l[i] == sleeper_tids[s])
				s++;
		if (s < ARRAY_SIZE(sleeper_tids))
			bad(SNAPSHOTS, "%s: sleeper %d is not in a list of %d",
			    path, sleeper_tids[s], n);
		free(l);
		done(SNAPSHOTS);
	}
}

/* Fills S with company for the sleepers. */
void churner(int id)
{
	(void)id;
	while (on()) {
		pid_t pid[8];

		for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
			movepid(P("%s/S", roots[i]), 0);
		for (int i = 0; i < 8; i++)
			if (!(pid[i] = fork()))
				_exit(0);
		for (int i = 0; i < 8; i++)
			waitpid(pid[i], NULL, 0);
		done(FORKS);
	}
}

void bouncer(int id)
{
	bool b = false;

	(void)id;
	while (on()) {
		b = !b;
		for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
			int e = movepid(P("%s/%c", roots[i], b ? 'B' : 'A'),
					storm->bouncer);

			if (e)
				bad(BOUNCES, "moving %d to %c: %s", storm->bouncer,
				    b ? 'B' : 'A', strerror(e));
		}
	}
}

/* The task between A and B is never seen anywhere else. */
void bounce_watcher(int id)
{
	(void)id;
	while (on()) {
		static const char *const keys[] = { "cpuacct", "name=x" };
		unsigned int h = rnd() % 2;
		const char *at = where(storm->bouncer, keys[h]);
		const char *dir;

		if (!at || (strcmp(at, "/A") && strcmp(at, "/B")))
			bad(BOUNCES, "the task between A and B is in %s", at);
		dir = rnd() % 2 ? roots[h] : P("%s/S", roots[h]);
		if (listed(P("%s/tasks", dir), storm->bouncer))
			bad(BOUNCES, "the task between A and B is listed in %s",
			    dir);
		done(BOUNCES);
	}
}
