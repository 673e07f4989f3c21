// SPDX-License-Identifier: GPL-2.0
/*
 * Containers: from what users write to hierarchy, path and directory, and the files
 * of a container. Files go by the names of the manual, also with noprefix.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ctl.h"

/* cpuset's, which noprefix is about */
static const char *const prefixed[] = {
	"cpus", "mems", "cpu_exclusive", "mem_exclusive", "memory_migrate",
	"memory_spread_page", "memory_spread_slab", "memory_pressure", "memory_pressure_enabled",
};

const char *file_canonical(const struct hierarchy *h, const char *file)
{
	for (size_t i = 0; h->noprefix && i < ARRAY_SIZE(prefixed); i++)
		if (!strcmp(file, prefixed[i]))
			return xasprintf("cpuset.%s", file);
	return file;
}

char *cont_file(const struct cont *c, const char *file)
{
	if (c->h->noprefix && !strncmp(file, "cpuset.", 7))
		file += 7;
	return xasprintf("%s/%s", c->dir, file);
}

/* Without doubled and trailing slashes and dots; false: it has "..". */
static bool clean_path(const char *path, char **clean)
{
	struct strings words = strings_split(path, "/");
	char *s = xstrdup("");

	for (size_t i = 0; i < words.n; i++) {
		char *t;

		if (!strcmp(words.v[i], "."))
			continue;
		if (!strcmp(words.v[i], "..")) {
			strings_free(&words);
			free(s);
			return false;
		}
		t = xasprintf("%s/%s", s, words.v[i]);
		free(s);
		s = t;
	}
	strings_free(&words);
	if (!*s) {
		free(s);
		s = xstrdup("/");
	}
	*clean = s;
	return true;
}

/* What is left of PATH below TOP: "" or "/...". NULL: it is not below. */
static const char *below(const char *path, const char *top)
{
	size_t len = strcmp(top, "/") ? strlen(top) : 0;

	if (strncmp(path, top, len) || (path[len] && path[len] != '/'))
		return NULL;
	return strcmp(path + len, "/") ? path + len : "";
}

bool cont_at(struct hierarchy *h, const char *path, struct cont *c)
{
	const struct mountpoint *best = NULL;
	const char *rest;

	/* the one that shows most; a later mount may lie over an earlier one */
	for (size_t i = 0; i < hiers.nmounts; i++) {
		struct mountpoint *m = &hiers.mounts[i];

		if (m->h == h && below(path, m->root) &&
		    (!best || strlen(m->root) <= strlen(best->root)))
			best = m;
	}
	if (!best)
		return false;
	rest = below(path, best->root);
	c->h = h;
	c->path = xstrdup(path);
	c->dir = xasprintf("%s%s", strcmp(best->target, "/") ? best->target : "", rest);
	return true;
}

/* Where PATH is once its symbolic links are followed, as far as it exists. */
static char *real_path(const char *path)
{
	char *head = xstrdup(path), *tail = xstrdup(""), *real, *slash, *t;

	while (!(real = realpath(head, NULL))) {
		if (errno != ENOENT)
			die("%s: %s", shown(path), strerror(errno));
		while (*head && head[strlen(head) - 1] == '/' && head[1])
			head[strlen(head) - 1] = '\0';
		slash = strrchr(head, '/');
		t = xasprintf("%s%s", slash ? slash : xasprintf("/%s", head), tail);
		free(tail);
		tail = t;
		if (!slash)
			strcpy(head, ".");
		else if (slash == head)
			head[1] = '\0';
		else
			*slash = '\0';
	}
	t = xasprintf("%s%s", strcmp(real, "/") ? real : "", tail);
	free(real);
	free(head);
	free(tail);
	return t;
}

/* By the mount it lies under: the longest, and of several there the topmost. */
static bool by_mount(const char *real, struct cont *c)
{
	const struct mountpoint *best = NULL;
	const char *rest;

	for (size_t i = 0; i < hiers.nmounts; i++) {
		struct mountpoint *m = &hiers.mounts[i];

		if (below(real, m->target) &&
		    (!best || strlen(m->target) >= strlen(best->target)))
			best = m;
	}
	if (!best)
		return false;
	rest = below(real, best->target);
	c->h = best->h;
	c->path = xasprintf("%s%s", strcmp(best->root, "/") ? best->root : "", rest);
	if (!*c->path)
		c->path = xstrdup("/");
	c->dir = xasprintf("%s%s", strcmp(best->target, "/") ? best->target : "", rest);
	return true;
}

static const char *active(void)
{
	char *s = xstrdup("");

	for (size_t i = 0; i < hiers.n; i++)
		s = xasprintf("%s%s%s", s, i ? " " : "", hiers.v[i].label);
	return s;
}

static void at_or_die(struct hierarchy *h, const char *path, struct cont *c)
{
	if (cont_at(h, path, c))
		return;
	die("the hierarchy %s is active, but %s\n  Cure: containerctl mount %s", h->label,
	    h->mounted ? xasprintf("no mount here shows %s of it", shown(path)) : "not mounted here",
	    h->name ? xasprintf("--name %s", h->name) : h->label);
}

struct cont cont_parse(const char *text)
{
	const char *colon = strstr(text, ":/");
	struct hierarchy *h;
	struct cont c = { };
	char *path;

	if (!*text)
		die("an empty name is no container");
	if (strchr(text, '\n'))
		die("the name of a container has no newline in it: %s", shown(text));
	if (*text != '/' && *text != '.' && colon) {
		char *name = xstrndup(text, colon - text);

		h = hier_find(name);
		if (!h)
			die("%s: no such hierarchy; %s%s", shown(text),
			    hiers.n ? "there are " : "none is active: containerctl mount", active());
		if (!clean_path(colon + 1, &path))
			die("%s: a path within a hierarchy has no \"..\"", shown(text));
		at_or_die(h, path, &c);
		return c;
	}
	if (*text == '/' || *text == '.') {
		char *real = real_path(text);

		if (!clean_path(real, &path))
			die("%s: \"..\" behind something that does not exist", shown(text));
		if (by_mount(path, &c))
			return c;
		if (*text == '.')
			die("%s: this is under no mounted hierarchy", shown(path));
	}
	if (!hiers.n)
		die("%s: no hierarchy is active\n  Cure: containerctl mount SUBSYSTEM...; there are: %s",
		    shown(text), hiers.unbound.n ? hiers.unbound.v[0] : "none");
	if (hiers.n > 1)
		die("%s: in which hierarchy? Write HIERARCHY:/path; there are %s", shown(text),
		    active());
	if (!clean_path(text, &path))
		die("%s: a path within a hierarchy has no \"..\"", shown(text));
	at_or_die(&hiers.v[0], path, &c);
	return c;
}

bool cont_exists(const struct cont *c)
{
	struct stat st;

	return !stat(c->dir, &st) && S_ISDIR(st.st_mode);
}

struct cont cont_get(const char *text)
{
	struct cont c = cont_parse(text);
	struct stat st;

	if (stat(c.dir, &st)) {
		if (errno == ENOENT)
			die("there is no container %s\n  Cure: containerctl create %s", cont_name(&c),
			    cont_name(&c));
		die("%s: %s", cont_name(&c), strerror(errno));
	}
	if (!S_ISDIR(st.st_mode))
		die("%s is a control file, no container", cont_name(&c));
	return c;
}

bool cont_is_root(const struct cont *c)
{
	return !strcmp(c->path, "/");
}

struct cont cont_parent(const struct cont *c)
{
	char *slash = strrchr(c->path, '/'), *path = xstrndup(c->path, slash - c->path);
	struct cont parent = { };

	if (!*path) {
		free(path);
		path = xstrdup("/");
	}
	/* a bind mount need not show it: then there is no directory */
	if (!cont_at(c->h, path, &parent)) {
		parent.h = c->h;
		parent.path = xstrdup(path);
		parent.dir = xasprintf("%s/..", c->dir);
	}
	free(path);
	return parent;
}

struct cont cont_child(const struct cont *c, const char *name)
{
	return (struct cont){
		.h = c->h,
		.path = xasprintf("%s/%s", cont_is_root(c) ? "" : c->path, name),
		.dir = xasprintf("%s/%s", c->dir, name),
	};
}

void cont_free(struct cont *c)
{
	free(c->path);
	free(c->dir);
	*c = (struct cont){ };
}

static struct strings entries(const struct cont *c, int type)
{
	struct strings l = { };
	DIR *d = opendir(c->dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_type == type && strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			strings_add(&l, type == DT_REG ? file_canonical(c->h, e->d_name) :
							 e->d_name);
	if (d)
		closedir(d);
	strings_sort(&l);
	return l;
}

struct strings cont_children(const struct cont *c)
{
	return entries(c, DT_DIR);
}

struct strings cont_files(const struct cont *c)
{
	return entries(c, DT_REG);
}

char *cont_name(const struct cont *c)
{
	char *path = shown(c->path), *name = xasprintf("%s:%s", c->h->label, path);

	free(path);
	return name;
}

static int walk(struct cont *c, int depth, int (*fn)(struct cont *, int, void *), void *arg)
{
	struct strings names;
	int ret = fn(c, depth, arg);

	if (ret)
		return ret;
	names = cont_children(c);
	for (size_t i = 0; i < names.n && !ret; i++) {
		struct cont child = cont_child(c, names.v[i]);

		ret = walk(&child, depth + 1, fn, arg);
		cont_free(&child);
	}
	strings_free(&names);
	return ret;
}

int cont_walk(const struct cont *c, int (*fn)(struct cont *, int, void *), void *arg)
{
	struct cont top = *c;

	return walk(&top, 0, fn, arg);
}

char *cont_read(const struct cont *c, const char *file)
{
	char *path = cont_file(c, file), *text = read_file(path);
	int err = errno;

	free(path);
	errno = err;
	return text;
}

char *cont_line(const struct cont *c, const char *file)
{
	char *text = cont_read(c, file);

	if (text && *text && text[strlen(text) - 1] == '\n')
		text[strlen(text) - 1] = '\0';
	return text;
}

bool cont_number(const struct cont *c, const char *file, int64_t *value)
{
	char *text = cont_line(c, file), *end;
	bool good;

	if (!text)
		return false;
	errno = 0;
	*value = strtoll(text, &end, 10);
	good = end != text && !*end && !errno;
	free(text);
	return good;
}

int cont_write(const struct cont *c, const char *file, const char *value, bool *at_open)
{
	char *path = cont_file(c, file);
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;
	size_t len = strlen(value);
	ssize_t n;

	free(path);
	if (at_open)
		*at_open = fd < 0;
	if (fd < 0)
		return errno;
	/* one write is one value; an empty one would be no write at all */
	n = len ? write(fd, value, len) : write(fd, "\n", 1);
	if (n < 0)
		err = errno;
	else if (len && (size_t)n != len)
		err = EIO;
	close(fd);
	return err;
}

ssize_t cont_ids(const struct cont *c, const char *file, pid_t **ids)
{
	char *text = cont_read(c, file), *p, *end;
	size_t n = 0, room = 0;
	pid_t *v = NULL;

	if (!text)
		return -1;
	for (p = text; *p; p = end) {
		long id = strtol(p, &end, 10);

		if (end == p)
			break;
		if (n == room)
			v = xrealloc_array(v, room = room ? 2 * room : 64, sizeof(*v));
		v[n++] = id;
		end += *end == '\n';
	}
	free(text);
	if (ids)
		*ids = v;
	else
		free(v);
	return n;
}
