// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel has: hierarchies, subsystems and hooks from /proc/containers,
 * names from /proc/self/container, mounts from /proc/self/mountinfo.
 *
 * The files are read one after the other and may tell of different moments. A
 * hierarchy is what /proc/self/container names; the rest is looked up for it.
 */
#include <libmount/libmount.h>
#include <stdlib.h>
#include <string.h>
#include "ctl.h"

#define PROC "/proc/containers"
#define SELF "/proc/self/container"

struct hierarchies hiers;

bool hier_has(const struct hierarchy *h, const char *subsys)
{
	return strings_has(&h->subsys, subsys);
}

static bool same_set(const struct strings *a, const struct strings *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!strings_has(b, a->v[i]))
			return false;
	return true;
}

/* A line of /proc/PID/container: "name=x,cpuset,cpuacct:/path". */
static void add_hierarchy(const char *line)
{
	size_t len = strcspn(line, ":");
	struct hierarchy *h;
	struct strings words;

	if (!line[len] || !len)
		return;
	hiers.v = xrealloc_array(hiers.v, hiers.n + 1, sizeof(*hiers.v));
	h = &hiers.v[hiers.n++];
	*h = (struct hierarchy){ .nr = -1, .key = xstrndup(line, len) };
	words = strings_split(h->key, ",");
	for (size_t i = 0; i < words.n; i++)
		if (!i && !strncmp(words.v[0], "name=", 5))
			h->name = xstrdup(words.v[0] + 5);
		else
			strings_add(&h->subsys, words.v[i]);
	strings_free(&words);
	h->label = h->name ? xstrdup(h->name) : strings_join(&h->subsys, ",");
}

/* "1: topcount=87 bits=3 containers=2 (cpuset, cpuacct) s_active=2" */
static void add_figures(const char *line)
{
	struct strings set;
	const char *p;
	char *inside;
	int nr, containers;
	long topcount;

	if (sscanf(line, "%d: topcount=%ld bits=%*x containers=%d", &nr, &topcount,
		   &containers) != 3)
		return;
	p = strchr(line, '(');
	if (!p)
		return;
	inside = xstrndup(p + 1, strcspn(p + 1, ")"));
	set = strings_split(inside, ", ");
	free(inside);
	if (!nr) {
		hiers.unbound = set;
		return;
	}
	/* both files are in order of the number, so equal (empty) sets are in step */
	for (size_t i = 0; i < hiers.n; i++) {
		struct hierarchy *h = &hiers.v[i];

		if (h->nr != -1 || !same_set(&h->subsys, &set))
			continue;
		h->nr = nr;
		h->topcount = topcount;
		h->containers = containers;
		break;
	}
	strings_free(&set);
}

static void add_hook(const char *line)
{
	const char *colon = strstr(line, ": "), *missed = strstr(line, "missed=");
	struct hook *k;

	if (!colon || !missed)
		return;
	hiers.hooks = xrealloc_array(hiers.hooks, hiers.nhooks + 1, sizeof(*hiers.hooks));
	k = &hiers.hooks[hiers.nhooks++];
	k->name = xstrndup(line, colon - line);
	k->armed = !strncmp(colon + 2, "armed ", 6);
	k->missed = strtol(missed + 7, NULL, 10);
}

static void add_feature(const char *line)
{
	const char *colon = strstr(line, ": "), *needs = strstr(line, " needs=");
	struct feature *f;

	if (!colon || !needs)
		return;
	hiers.features = xrealloc_array(hiers.features, hiers.nfeatures + 1, sizeof(*hiers.features));
	f = &hiers.features[hiers.nfeatures++];
	f->name = xstrndup(line, colon - line);
	colon += 2;
	f->why = strncmp(colon, "lost, ", 6) ? NULL : xstrndup(colon + 6, needs - colon - 6);
}

void hiers_parse(const char *containers, const char *self)
{
	enum { NOWHERE, HIERARCHIES, SUBSYSTEMS, HOOKS, FEATURES } part = NOWHERE;
	struct strings lines = strings_split(self, "\n");

	for (size_t i = 0; i < lines.n; i++)
		add_hierarchy(lines.v[i]);
	strings_free(&lines);
	lines = strings_split(containers, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		const char *line = lines.v[i];
		char name[64];

		if (!strcmp(line, "Hierarchies:"))
			part = HIERARCHIES;
		else if (!strcmp(line, "Subsystems:"))
			part = SUBSYSTEMS;
		else if (!strcmp(line, "Hooks:"))
			part = HOOKS;
		else if (!strcmp(line, "Features:"))
			part = FEATURES;
		else if (part == HIERARCHIES)
			add_figures(line);
		else if (part == SUBSYSTEMS && sscanf(line, "%*d: name=%63s", name) == 1)
			strings_add(&hiers.registered, name);
		else if (part == HOOKS)
			add_hook(line);
		else if (part == FEATURES)
			add_feature(line);
	}
	strings_free(&lines);
}

/* The hierarchy that the options of a mount name. */
static struct hierarchy *by_options(const char *options, bool *noprefix)
{
	struct strings words = strings_split(options, ","), set = { };
	struct hierarchy *found = NULL;
	const char *name = NULL;

	*noprefix = false;
	for (size_t i = 0; i < words.n; i++) {
		const char *w = words.v[i];

		if (!strncmp(w, "name=", 5))
			name = w + 5;
		else if (!strcmp(w, "noprefix"))
			*noprefix = true;
		else if (strings_has(&hiers.registered, w))
			strings_add(&set, w);
	}
	for (size_t i = 0; i < hiers.n && !found; i++) {
		struct hierarchy *h = &hiers.v[i];

		if (name ? h->name && !strcmp(h->name, name) :
			   !h->name && same_set(&h->subsys, &set))
			found = h;
	}
	strings_free(&set);
	strings_free(&words);
	return found;
}

static void load_mounts(void)
{
	struct libmnt_table *tb = mnt_new_table_from_file("/proc/self/mountinfo");
	struct libmnt_iter *itr = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;

	if (!tb || !itr)
		die("cannot read /proc/self/mountinfo: is /proc mounted?");
	while (!mnt_table_next_fs(tb, itr, &fs)) {
		const char *type = mnt_fs_get_fstype(fs), *options = mnt_fs_get_fs_options(fs);
		struct mountpoint *m;
		struct hierarchy *h;
		bool noprefix;

		if (!type || strcmp(type, "container") || !options)
			continue;
		h = by_options(options, &noprefix);
		if (!h)
			continue;
		h->noprefix = noprefix;
		h->mounted = true;
		hiers.mounts = xrealloc_array(hiers.mounts, hiers.nmounts + 1,
					      sizeof(*hiers.mounts));
		m = &hiers.mounts[hiers.nmounts++];
		m->h = h;
		m->target = xstrdup(mnt_fs_get_target(fs));
		m->root = xstrdup(mnt_fs_get_root(fs) ? mnt_fs_get_root(fs) : "/");
		m->source = xstrdup(mnt_fs_get_source(fs) ? mnt_fs_get_source(fs) : "");
		m->options = xstrdup(options);
		m->readonly = !mnt_fs_match_options(fs, "+rw");
	}
	mnt_free_iter(itr);
	mnt_unref_table(tb);
}

void hiers_free(void)
{
	for (size_t i = 0; i < hiers.n; i++) {
		free(hiers.v[i].name);
		free(hiers.v[i].key);
		free(hiers.v[i].label);
		strings_free(&hiers.v[i].subsys);
	}
	for (size_t i = 0; i < hiers.nmounts; i++) {
		free(hiers.mounts[i].target);
		free(hiers.mounts[i].root);
		free(hiers.mounts[i].source);
		free(hiers.mounts[i].options);
	}
	for (size_t i = 0; i < hiers.nhooks; i++)
		free(hiers.hooks[i].name);
	for (size_t i = 0; i < hiers.nfeatures; i++) {
		free(hiers.features[i].name);
		free(hiers.features[i].why);
	}
	free(hiers.v);
	free(hiers.mounts);
	free(hiers.hooks);
	free(hiers.features);
	strings_free(&hiers.registered);
	strings_free(&hiers.unbound);
	hiers = (struct hierarchies){ };
}

/* Once more after a mount: containers that are known by then keep their hierarchy. */
void hiers_load(void)
{
	char *containers = read_file(PROC), *self = read_file(SELF);

	hiers = (struct hierarchies){ };
	if (!containers || !self)
		return;
	hiers.loaded = true;
	hiers_parse(containers, self);
	free(containers);
	free(self);
	load_mounts();
}

void hiers_need(void)
{
	hiers_load();
	if (!hiers.loaded)
		die("the module container_core is not loaded, so there are no containers\n"
		    "  Cure: modprobe container_core; or containerctl mount, which loads what it needs.\n"
		    "  Where modprobe does not find it: containerctl doctor.");
}

struct hierarchy *hier_find(const char *name)
{
	struct strings words;
	struct hierarchy *h;
	char *end;
	long nr;

	for (size_t i = 0; i < hiers.n; i++) {
		h = &hiers.v[i];
		if (!strcmp(h->label, name) || !strcmp(h->key, name))
			return h;
	}
	/* a subsystem is in one hierarchy at most, so one of them is enough */
	words = strings_split(name, ",");
	for (size_t i = 0; i < hiers.n && words.n; i++) {
		size_t j;

		h = &hiers.v[i];
		for (j = 0; j < words.n && hier_has(h, words.v[j]); j++)
			;
		if (j == words.n) {
			strings_free(&words);
			return h;
		}
	}
	strings_free(&words);
	nr = strtol(name, &end, 10);
	for (size_t i = 0; i < hiers.n && *name && !*end; i++)
		if (hiers.v[i].nr == nr)
			return &hiers.v[i];
	return NULL;
}

char *path_in_text(const char *text, const struct hierarchy *h)
{
	size_t len = strlen(h->key);

	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (!strncmp(p, h->key, len) && p[len] == ':')
			return xstrndup(p + len + 1, strcspn(p + len + 1, "\n"));
	return NULL;
}

char *task_path(pid_t pid, const struct hierarchy *h)
{
	char *file = xasprintf("/proc/%d/container", pid), *text = read_file(file), *path;

	free(file);
	if (!text) {
		if (errno == ENOENT)
			errno = ESRCH;
		return NULL;
	}
	path = path_in_text(text, h);
	free(text);
	if (!path)
		errno = ENOENT;
	return path;
}
