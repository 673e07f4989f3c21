// SPDX-License-Identifier: GPL-2.0
/* The tasks of the system, and what the kernel says of one. See lib.h. */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "lib.h"

struct vec {
	pid_t *v;
	int n, size;
};

static void push(struct vec *a, pid_t id)
{
	if (a->n == a->size)
		a->v = realloc(a->v, (a->size += 1024) * sizeof(pid_t));
	a->v[a->n++] = id;
}

static int cmp_pid(const void *a, const void *b)
{
	return *(const pid_t *)a - *(const pid_t *)b;
}

pid_t task_named(const char *comm)
{
	pid_t *list, found = 0;
	int n = live_tasks(&list);

	for (int i = 0; i < n && !found; i++) {
		char *s = get(P("/proc/%d/comm", list[i]));

		if (s && !strncmp(s, comm, strlen(comm)))
			found = list[i];
	}
	free(list);
	return found;
}

char task_state(pid_t pid, pid_t tid)
{
	char buf[512], *p;
	int fd = open(P("/proc/%d/task/%d/stat", pid, tid),
		      O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	buf[n] = 0;
	p = strrchr(buf, ')');
	return p ? p[2] : 0;
}

int live_tasks(pid_t **list)
{
	DIR *d = opendir("/proc"), *t;
	struct dirent *e, *f;
	struct vec a = { 0 };

	while (d && (e = readdir(d))) {
		if (!isdigit(e->d_name[0]))
			continue;
		t = opendir(P("/proc/%s/task", e->d_name));
		while (t && (f = readdir(t))) {
			int pid = atoi(e->d_name), tid = atoi(f->d_name);
			char c = tid ? task_state(pid, tid) : 0;

			if (c && c != 'Z' && c != 'X' && c != 'x')
				push(&a, tid);
		}
		if (t)
			closedir(t);
	}
	if (d)
		closedir(d);
	qsort(a.v, a.n, sizeof(pid_t), cmp_pid);
	*list = a.v;
	return a.n;
}

static void walk(const char *dir, struct vec *a)
{
	pid_t *l;
	int n = ids(P("%s/tasks", dir), &l);
	struct dirent *e;
	DIR *d = opendir(dir);

	for (int i = 0; i < n; i++)
		push(a, l[i]);
	free(l);
	while (d && (e = readdir(d)))
		if (e->d_type == DT_DIR && strcmp(e->d_name, ".") &&
		    strcmp(e->d_name, "..")) {
			char *sub;

			if (asprintf(&sub, "%s/%s", dir, e->d_name) < 0)
				abort();
			walk(sub, a);
			free(sub);
		}
	if (d)
		closedir(d);
}

int tree_tasks(const char *root, pid_t **list)
{
	struct vec a = { 0 };

	walk(root, &a);
	qsort(a.v, a.n, sizeof(pid_t), cmp_pid);
	*list = a.v;
	return a.n;
}

bool lists_all(const char *root)
{
	pid_t *before, *tree, *after;
	int n = live_tasks(&before), ntree = tree_tasks(root, &tree);
	int nafter = live_tasks(&after);
	bool same = n == ntree && n == nafter && !memcmp(before, tree, n * sizeof(pid_t)) &&
		    !memcmp(before, after, n * sizeof(pid_t));

	free(before);
	free(tree);
	free(after);
	return same;
}

static long number_of_tasks(void)
{
	pid_t *list;
	int n = live_tasks(&list);

	free(list);
	return n;
}

bool counts_all(long (*count)(void))
{
	long counted = 0, live = 0;
	bool same = wait_for(({
		live = number_of_tasks();
		counted = count();
		counted == live && number_of_tasks() == live;
	}));

	if (!same)
		diag("counted %ld, live %ld", counted, live);
	return same;
}

long status_kb(pid_t pid, const char *key)
{
	char *s = get(P("/proc/%d/status", pid));

	s = s ? strstr(s, key) : NULL;
	return s ? atol(s + strlen(key)) : -1;
}

long private_pages(pid_t pid)
{
	return (status_kb(pid, "VmData:") + status_kb(pid, "VmStk:")) * 1024 / sysconf(_SC_PAGESIZE);
}
