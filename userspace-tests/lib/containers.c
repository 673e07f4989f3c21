// SPDX-License-Identifier: GPL-2.0
/* Containers: mounts, members, and what /proc/containers says. See lib.h. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include "lib.h"

int cmount(const char *dir, const char *opts)
{
	mkdir(dir, 0755);
	return E(mount("test", dir, "container", 0, opts));
}

int cumount(const char *dir)
{
	int e = E(umount(dir));

	if (!e)
		rmdir(dir);
	return e;
}

int ids(const char *path, pid_t **list)
{
	char *s = get(path);
	int n = 0, size = 0;

	*list = NULL;
	if (!s)
		return -1;
	while (*s) {
		if (n == size)
			*list = realloc(*list, (size += 1024) * sizeof(pid_t));
		(*list)[n++] = strtol(s, &s, 10);
		if (*s++ != '\n') {
			free(*list);
			*list = NULL;
			errno = EPROTO;
			return -1;
		}
	}
	return n;
}

int nids(const char *path)
{
	pid_t *l;
	int n = ids(path, &l);

	free(l);
	return n;
}

bool listed(const char *path, pid_t id)
{
	pid_t *l;
	int n = ids(path, &l);
	bool found = false;

	for (int i = 0; i < n; i++)
		found |= l[i] == id;
	free(l);
	return found;
}

const char *where(pid_t pid, const char *key)
{
	char *s = get(pid ? P("/proc/%d/container", pid) :
		      "/proc/thread-self/container");
	size_t n = strlen(key);
	char *nl;

	for (; s && (nl = strchr(s, '\n')); s = nl + 1)
		if (!strncmp(s, key, n) && s[n] == ':') {
			*nl = 0;
			return s + n + 1;
		}
	return NULL;
}

int descend(const char *name, int levels)
{
	int made;

	for (made = 0; made < levels; made++)
		if (mkdir(name, 0755) || chdir(name))
			break;
	return made;
}

int ascend(const char *name, int levels)
{
	for (; levels > 0; levels--)
		if (chdir("..") || rmdir(name))
			break;
	return levels;
}

int movepid(const char *cont, pid_t pid)
{
	return put(P("%s/tasks", cont), "%d", pid);
}

bool hier(const char *set, struct hier *h)
{
	char *s = get("/proc/containers"), *nl, name[512];
	int end;

	for (; s && (nl = strchr(s, '\n')); s = nl + 1) {
		*nl = 0;
		end = 0;
		h->sactive = -1;
		if (sscanf(s, "%d: topcount=%ld bits=%lx containers=%d (%n",
			   &h->nr, &h->topcount, &h->bits, &h->containers,
			   &end) != 4 || !end || !h->nr)
			continue;
		snprintf(name, sizeof(name), "%s)", set);
		if (strncmp(s + end, name, strlen(name)))
			continue;
		sscanf(s + end + strlen(name), " s_active=%d", &h->sactive);
		return true;
	}
	return false;
}

int nhiers(void)
{
	char *s = get("/proc/containers"), *p = s;
	int n = 0;

	while (p && (p = strstr(p, ": topcount="))) {
		n++;
		p++;
	}
	return n;
}

const char *registered(const char *sep)
{
	char *s = get("/proc/containers"), name[64];
	const char *all = "";
	int nr, hi;

	s = s ? strstr(s, "Subsystems:\n") : NULL;
	for (; s && *s; s = strchr(s, '\n') + 1)
		if (sscanf(s, "%d: name=%63s hierarchy=%d", &nr, name,
			   &hi) == 3)
			all = P("%s%s%s", all, *all ? sep : "", name);
	return all;
}

const char *other_subsys(void)
{
	static const char *const known[] = { "numtasks", "bc" };
	static char name[64];
	char *s, *tok, *save;

	for (size_t i = 0; i <= ARRAY_SIZE(known); i++) {
		s = (char *)P("%s", registered(","));
		for (tok = strtok_r(s, ",", &save); tok;
		     tok = strtok_r(NULL, ",", &save))
			if (strcmp(tok, "cpuacct") && strcmp(tok, "ns") &&
			    strcmp(tok, "cpuset"))
				return strncpy(name, tok, sizeof(name) - 1);
		if (i < ARRAY_SIZE(known))
			modprobe(P("container_%s", known[i]));
	}
	return NULL;
}

bool is_writable(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && (st.st_mode & 0222);
}

bool is_task_list(const char *name)
{
	return !strcmp(name, "tasks") || !strcmp(name, "procs");
}

/* Figures that change by themselves. */
static bool is_figure(const char *name)
{
	return !strncmp(name, "cpuacct.", 8) || strstr(name, ".stats");
}

static bool is_held(const char *name)
{
	return !strcmp(name, "bc.numtasks.held") || !strcmp(name, "bc.numfiles.held");
}

static void show_container(FILE *f, const char *dir, bool top)
{
	struct dirent **names;
	int n = scandir(dir, &names, NULL, alphasort), i;
	struct stat st;
	char *path;

	if (!stat(dir, &st))
		fprintf(f, "%s: %o %d\n", dir, st.st_mode, st.st_uid);
	for (i = 0; i < n; i++) {
		const char *name = names[i]->d_name;

		if (asprintf(&path, "%s/%s", dir, name) < 0 || stat(path, &st))
			abort();
		if (S_ISDIR(st.st_mode)) {
			if (name[0] != '.')
				show_container(f, path, false);
		} else if (st.st_mode & 0222) {
			fprintf(f, "%s: %o %d ", path, st.st_mode, st.st_uid);
			if (!is_task_list(name))
				fprintf(f, "%s", is_figure(name) ? "\n" : get(path));
			else
				fprintf(f, "%d\n", top ? 0 : nids(path));
		} else if (is_held(name) && !top) {
			fprintf(f, "%s: %s", path, get(path));
		}
		free(path);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

char *tree_state(const char *root)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	show_container(f, root, true);
	fclose(f);
	return text;
}

long hooks_missed(void)
{
	char *s = get("/proc/containers");
	long sum = 0;

	if (!s || !strstr(s, "missed="))
		return -1;
	while ((s = strstr(s, "missed="))) {
		s += 7;
		sum += atol(s);
	}
	return sum;
}
