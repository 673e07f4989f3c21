// SPDX-License-Identifier: GPL-2.0
/* What actors do with containers: mkdir, rmdir, rename, moves, flags, limits, mounts. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include "cpusets.h"
#include "stress.h"

static void make(struct actor *a)
{
	allowed(a, "mkdir", E(mkdir(some_container(a), 0755)), ANYWAY, EEXIST, 0);
}

static void drop(struct actor *a)
{
	const char *dir = some_container(a);

	/* ENOTEMPTY is not for containers; the root is mounted */
	allowed(a, "rmdir", E(rmdir(dir)), ENOENT, EBUSY, ENODEV, 0);
}

static void renamed(struct actor *a)
{
	const char *dir = some_container(a), *other = P("%s.new", dir);

	if (allowed(a, "rename", E(rename(dir, other)), ENOENT, ENODEV, EBUSY, EINVAL, EXDEV,
		    EEXIST, 0) && rename(other, dir))
		rmdir(other);
}

/* Why a move may fail: the container or the task has gone, or no CPU or memory is allowed there. */
#define MOVE_FAILS ENOENT, ENODEV, ESRCH, ENOSPC, EBUSY, EINVAL, EAGAIN, ENOMEM, EINTR, EMFILE, \
		   ENFILE

static void move_self(struct actor *a)
{
	allowed(a, "a move of oneself", movepid(some_container(a), 0), MOVE_FAILS, 0);
}

static void move_kid(struct actor *a)
{
	pid_t pid = some_kid(a);
	const char *dir = some_container(a);

	if (pid)
		allowed(a, "a move", put(P("%s/%s", dir, pick(a, 2) ? "tasks" : "procs"), "%d", pid),
			MOVE_FAILS, 0);
}

static void flag(struct actor *a)
{
	static const char *const flags[] = { "notify_on_release", "clone_children" };

	allowed(a, "a flag", put(P("%s/%s", some_container(a), flags[pick(a, 2)]), "%d", pick(a, 2)),
		ANYWAY, 0);
}

static void cpus(struct actor *a)
{
	const char *dir = some_of_all(a);

	/* EACCES: more than the parent has, or the root; EBUSY: less than a child has */
	allowed(a, "cpus", put(P("%s/cpuset.cpus", dir), "%s", list_of(1 + pick(a, 15))),
		ANYWAY, EACCES, EBUSY, EINVAL, ENOSPC, 0);
}

static void limit(struct actor *a)
{
	static const char *const limits[] = { "numtasks", "numfiles", "privvmpages" };
	const char *name = limits[pick(a, ARRAY_SIZE(limits))], *dir = some_of_all(a);
	long value = pick(a, 4) ? 1000000 : 20 + pick(a, 200);

	if (!strcmp(dir, ALL))
		return;
	/* EINVAL: the barrier would be above the limit */
	allowed(a, "a limit", put(P("%s/bc.%s.limit", dir, name), "%ld", value), ANYWAY, EINVAL, 0);
	allowed(a, "a barrier", put(P("%s/bc.%s.barrier", dir, name), "%ld", value), ANYWAY, EINVAL, 0);
}

/* The limits are lifted for all to act on. */
static void no_limits(struct actor *a)
{
	(void)a;
	for (int c = 0; c < DIRS; c++)
		for (int s = 0; s < 3; s++) {
			const char *dir = s ? P(ALL "/c%d/s%d", c, s - 1) : P(ALL "/c%d", c);
			static const char *const limits[] = { "numtasks", "numfiles", "privvmpages" };

			for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
				put(P("%s/bc.%s.limit", dir, limits[i]), "%ld", LONG_MAX);
				put(P("%s/bc.%s.barrier", dir, limits[i]), "%ld", LONG_MAX);
			}
		}
}

static void mounted_again(struct actor *a)
{
	const char *dir = P(TOP "/again%d", a->id);

	if (!allowed(a, "mount", cmount(dir, "none,name=stress"), ANYWAY, 0))
		return;
	mkdir(P("%s/c0", dir), 0755);
	allowed(a, "umount", E(umount(dir)), 0);
	rmdir(dir);
}

static void bound(struct actor *a)
{
	const char *dir = P(TOP "/bind%d", a->id);

	mkdir(dir, 0755);
	if (allowed(a, "a bind mount", E(mount(some_container(a), dir, NULL, MS_BIND, NULL)), ANYWAY,
		    0)) {
		get(P("%s/tasks", dir));
		movepid(dir, some_kid(a));
		allowed(a, "its umount", E(umount2(dir, MNT_DETACH)), 0);
	}
	rmdir(dir);
}

static void overlaid(struct actor *a)
{
	const char *dir = P(TOP "/over%d", a->id), *low = P(TOP "/low%d", a->id);

	mkdir(dir, 0755);
	mkdir(low, 0755);
	/* EINVAL: the container has gone meanwhile */
	if (allowed(a, "an overlay", E(mount("o", dir, "overlay", 0,
					     P("lowerdir=%s:%s", some_container(a), low))),
		    ANYWAY, EINVAL, ESTALE, 0)) {
		get(P("%s/tasks", dir));
		get(P("%s/events", dir));
		allowed(a, "its umount", E(umount2(dir, MNT_DETACH)), 0);
	}
	rmdir(low);
	rmdir(dir);
}

const struct op tree_ops[] = {
	{ "mkdir", 6, make },
	{ "rmdir", 4, drop },
	{ "rename", 2, renamed },
	{ "a move of oneself", 6, move_self },
	{ "a move", 10, move_kid },
	{ "a flag", 2, flag },
	{ "cpus", 3, cpus },
	{ "a limit", 3, limit },
	{ "no limits", 1, no_limits },
	{ "a mount", 1, mounted_again },
	{ "a bind mount", 1, bound },
	{ "an overlay", 1, overlaid },
	{ }
};
