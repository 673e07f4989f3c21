// SPDX-License-Identifier: GPL-2.0
/* create and delete. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "ctl.h"

static bool make_one(const struct cont *c)
{
	struct failure f = { .what = "mkdir", .c = c };

	if (!mkdir(c->dir, 0755))
		return true;
	f.err = errno;
	explain_failure(&f);
	return false;
}

bool container_make(const struct cont *c, bool parents, bool *made)
{
	*made = false;
	if (parents && !cont_is_root(c) && !cont_exists(c)) {
		struct cont parent = cont_parent(c);
		bool it;

		if (!cont_exists(&parent) && !container_make(&parent, true, &it))
			return false;
	}
	*made = make_one(c);
	return *made;
}

/* --- create ------------------------------------------------------------------- */

static struct {
	bool parents, inherit;
	const char *owner, *mode;
	struct strings limits, paths;
} create;

enum { KEY_INHERIT = 0x100, KEY_KILL, KEY_WAIT };

static error_t parse_create(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'p':
		create.parents = true;
		break;
	case 'o':
		create.owner = arg;
		break;
	case 'm':
		create.mode = arg;
		break;
	case 'l':
		strings_add(&create.limits, arg);
		break;
	case KEY_INHERIT:
		create.inherit = true;
		break;
	case ARGP_KEY_ARG:
		strings_add(&create.paths, arg);
		break;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* The directory, and what moves tasks: a limit that its user can write is none. */
static bool give_away(const struct cont *c, uid_t uid, gid_t gid)
{
	static const char *const files[] = { "", "tasks", "procs" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (chown(cont_file(c, files[i]), uid, gid)) {
			struct failure f = { .what = "chown", .c = c, .err = errno };

			explain_failure(&f);
			return false;
		}
	return true;
}

static bool inherit(const struct cont *c)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };
	struct cont parent = cont_parent(c);

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char *value = cont_line(&parent, files[i]);

		if (!value) {
			complain("%s: %s: %s", cont_name(&parent), files[i], strerror(errno));
			return false;
		}
		if (*value && !cont_set(c, files[i], value))
			return false;
	}
	return true;
}

int cmd_create(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "parents", 'p', NULL, 0, "make the parents, too; no error if it is there", 0 },
		{ "owner", 'o', "USER[:GROUP]", 0, "delegate it: give away the directory, tasks and procs", 0 },
		{ "mode", 'm', "MODE", 0, "permission bits of the directory, octal", 0 },
		{ "limit", 'l', "NAME=VALUE", 0, "as containerctl limit; may be given again", 0 },
		{ "inherit-cpuset", KEY_INHERIT, NULL, 0, "begin with the parent's CPUs and memory nodes", 0 },
		{ }
	};
	static const struct argp argp = {
		.options = options, .parser = parse_create, .args_doc = "PATH...",
		.doc = "Make containers. Where a step fails, the container is removed again.",
	};
	struct cont *c;
	unsigned long mode = 0;
	int status = 0;
	uid_t uid = -1;
	gid_t gid = -1;
	char *end;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	if (create.owner && !parse_owner(create.owner, &uid, &gid))
		die("--owner=%s: no such user or group", shown(create.owner));
	if (create.mode) {
		mode = strtoul(create.mode, &end, 8);
		if (!*create.mode || *end || mode > 07777)
			die("--mode=%s: no octal mode", shown(create.mode));
	}
	hiers_need();
	c = xrealloc_array(NULL, create.paths.n, sizeof(*c));
	for (size_t i = 0; i < create.paths.n; i++) {
		c[i] = cont_parse(create.paths.v[i]);
		if (create.inherit && !hier_has(c[i].h, "cpuset"))
			die("--inherit-cpuset: cpuset is not bound to %s", c[i].h->label);
	}
	for (size_t i = 0; i < create.paths.n; i++) {
		bool made, good;

		if (create.parents && cont_exists(&c[i]))
			continue;
		good = container_make(&c[i], create.parents, &made);
		good = good && (!create.inherit || inherit(&c[i])) &&
		       limits_apply(&c[i], create.limits.v, create.limits.n, false, false);
		if (good && create.mode && chmod(c[i].dir, mode)) {
			struct failure f = { .what = "chmod", .c = &c[i], .err = errno };

			explain_failure(&f);
			good = false;
		}
		good = good && (!create.owner || give_away(&c[i], uid, gid));
		if (good)
			continue;
		status = EXIT_FAILURE;
		if (made && rmdir(c[i].dir))
			complain("%s is left behind: %s", cont_name(&c[i]), strerror(errno));
	}
	return status;
}

/* --- delete --------------------------------------------------------------------- */

static struct {
	bool recursive, kill;
	int64_t wait;
	struct strings paths;
	size_t removed;
} del = { .wait = -1 };

static error_t parse_delete(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'r':
		del.recursive = true;
		break;
	case KEY_KILL:
		del.kill = true;
		break;
	case KEY_WAIT:
		if (!parse_time(arg, &del.wait))
			argp_error(state, "--wait=%s: no time (2s, 500ms, 1min)", arg);
		break;
	case ARGP_KEY_ARG:
		strings_add(&del.paths, arg);
		break;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/*
 * rmdir, and again until the time is over: members are waited for by events. Of a
 * charged file that goes nothing tells, so that is asked for again, ever more seldom.
 */
static int remove_one(const struct cont *c, int64_t until)
{
	int64_t pause = 10;

	while (rmdir(c->dir)) {
		int64_t left = until - now_ms();
		struct strings children;
		struct timespec t;
		bool below;

		if (errno != EBUSY || left <= 0 || cont_is_root(c))
			return errno;
		children = cont_children(c);
		below = children.n;
		strings_free(&children);
		if (below)
			return EBUSY;
		if (!wait_empty(c, until))
			return EBUSY;
		if (!rmdir(c->dir))
			return 0;
		if (errno != EBUSY)
			return errno;
		if (pause > left)
			pause = left;
		t = (struct timespec){ .tv_nsec = pause * 1000000 };
		nanosleep(&t, NULL);
		if (pause < 200)
			pause *= 2;
	}
	return 0;
}

static bool delete(const struct cont *c, int64_t until)
{
	struct failure f = { .what = "rmdir", .c = c };

	if (del.recursive && !del.kill) {
		struct strings names = cont_children(c);

		for (size_t i = 0; i < names.n; i++) {
			struct cont child = cont_child(c, names.v[i]);

			if (!delete(&child, until))
				return false;
		}
	}
	f.err = remove_one(c, until);
	/* somebody else, or auto_delete, was faster below the one that was named */
	if (!f.err || (f.err == ENOENT && del.recursive)) {
		progress("containers removed", ++del.removed, del.recursive ? 0 : del.paths.n);
		return true;
	}
	explain_failure(&f);
	return false;
}

int cmd_delete(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "recursive", 'r', NULL, 0, "with all containers below", 0 },
		{ "kill", KEY_KILL, NULL, 0, "kill the members, here and below, and remove all of it (kill_on_rmdir)", 0 },
		{ "wait", KEY_WAIT, "TIME", 0, "wait that long for the members to leave and for charged files (2s, 1min)", 0 },
		{ }
	};
	static const struct argp argp = {
		.options = options, .parser = parse_delete, .args_doc = "PATH...",
		.doc = "Remove containers.",
	};
	struct cont *c;
	int status = 0;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	hiers_need();
	c = xrealloc_array(NULL, del.paths.n, sizeof(*c));
	for (size_t i = 0; i < del.paths.n; i++) {
		c[i] = cont_get(del.paths.v[i]);
		if (cont_is_root(&c[i]))
			die("%s is the root of a hierarchy: containerctl umount %s", cont_name(&c[i]),
			    c[i].h->label);
	}
	for (size_t i = 0; i < del.paths.n; i++) {
		int64_t until = now_ms() + (del.wait > 0 ? del.wait : 0);
		char *was = del.kill ? cont_line(&c[i], "kill_on_rmdir") : NULL;

		if (del.kill && !cont_set(&c[i], "kill_on_rmdir", "1")) {
			status = EXIT_FAILURE;
			continue;
		}
		if (delete(&c[i], until))
			continue;
		status = EXIT_FAILURE;
		/* as it was, for the next who removes it */
		if (was)
			cont_write(&c[i], "kill_on_rmdir", was, NULL);
	}
	progress_end();
	return status;
}
