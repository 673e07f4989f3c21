// SPDX-License-Identifier: GPL-2.0
/* What actors use under limits: files, memory, CPUs, policies; and what they read. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "cpusets.h"
#include "stress.h"

static void files(struct actor *a)
{
	int fds[24], n = 0;

	while (n < 24) {
		fds[n] = open("/dev/null", O_RDWR);
		if (!allowed(a, "open", fds[n] < 0 ? errno : 0, ANYWAY, 0))
			break;
		n++;
		if (!pick(a, 12))
			break;
	}
	while (n)
		close(fds[--n]);
}

static void memory(struct actor *a)
{
	size_t size = 4096 * (1 + pick(a, 300));
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!allowed(a, "mmap", p == MAP_FAILED ? errno : 0, ENOMEM, 0))
		return;
	p[size / 2] = 1;
	if (pick(a, 3) == 0)
		allowed(a, "mprotect", E(mprotect(p, 4096, PROT_READ)), ENOMEM, 0);
	munmap(p, size);
}

static void affine(struct actor *a)
{
	pid_t pid = pick(a, 2) ? 0 : some_kid(a);

	/* EINVAL: no CPU of these is allowed */
	allowed(a, "sched_setaffinity", set_affinity(pid, 1 + pick(a, 15)), EINVAL, ESRCH, ENOMEM,
		EBUSY, EINTR, 0);
}

static void policy(struct actor *a)
{
	unsigned long mems = 1 + pick(a, 3);
	long got = syscall(SYS_set_mempolicy, pick(a, 2) ? 2 : 0, pick(a, 2) ? &mems : NULL, 64);

	allowed(a, "set_mempolicy", E(got), EINVAL, ENOMEM, ENOSYS, 0);
}

/* Reads all files of a container. */
static void read_all(struct actor *a)
{
	const char *dir = some_container(a);
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d && (e = readdir(d)))
		if (e->d_type == DT_REG)
			get(P("%s/%s", dir, e->d_name));
	if (d)
		closedir(d);
}

static void read_proc(struct actor *a)
{
	pid_t pid = some_kid(a);

	get("/proc/containers");
	get(P("/proc/%d/container", pid ?: getpid()));
}

const struct op use_ops[] = {
	{ "files", 6, files },
	{ "memory", 6, memory },
	{ "an affinity", 5, affine },
	{ "a policy", 2, policy },
	{ "files of a container", 2, read_all },
	{ "procfs", 2, read_proc },
	{ }
};
