// SPDX-License-Identifier: GPL-2.0
/* See bcs.h. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/stat.h>
#include "bcs.h"

const char *const resources[] = {
	"kmemsize", "privvmpages", "physpages", "numtasks", "numfiles",
};

void setup_bc(void)
{
	setup();
	if (modprobe("container_bc"))
		bail("container_bc loads");
}

long bc(const char *dir, const char *what)
{
	return getnum(P("%s/bc.%s", dir, what));
}

long held(const char *dir, const char *resource)
{
	return bc(dir, P("%s.held", resource));
}

void bound(const char *dir, const char *resource, long barrier, long limit)
{
	put(P("%s/bc.%s.barrier", dir, resource), "0");
	if (put(P("%s/bc.%s.limit", dir, resource), "%ld", limit) ||
	    put(P("%s/bc.%s.barrier", dir, resource), "%ld", barrier))
		bail("cannot set the bounds of %s: %s", resource, strerror(errno));
}

void mount_bc(void)
{
	if (cmount(M, "bc"))
		bail("mount bc: %s", strerror(errno));
}

void make(const char *dir)
{
	if (mkdir(dir, 0755))
		bail("mkdir %s: %s", dir, strerror(errno));
}

void removed(const char *dir)
{
	int e;

	wait_for((e = E(rmdir(dir))) != EBUSY);
	err(e, 0, "rmdir %s", dir);
}

static long tasks_of_root(void)
{
	return held(M, "numtasks");
}

bool root_counts_all(void)
{
	return counts_all(tasks_of_root);
}

void agrees(const char *dir, pid_t pid, int times, const char *what)
{
	long want = private_pages(pid) * times;

	eq(held(dir, "privvmpages"), want, "%s: held is what the kernel counts", what);
}
