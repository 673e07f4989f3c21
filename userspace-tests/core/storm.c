// SPDX-License-Identifier: GPL-2.0
/* What all workers of the storm use. See storm.h. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "storm.h"

#define NSUBS 3

const char *const roots[NROOTS] = { H1, H2 };

const char *const kind_name[NKINDS] = {
	"forks", "vforks", "threads", "clones", "execs by a thread",
	"kills of forking processes", "moves", "mkdirs", "rmdirs",
	"flag changes", "mounts and unmounts", "removals with kill_on_rmdir",
	"reads of control files", "reads of /proc", "snapshots of S",
	"checks of the task between A and B", "checks of inheritance",
	"loads and unloads of a module",
};

struct storm *storm;

pid_t sleeper_tids[SLEEPERS * SLEEPER_THREADS];

static pid_t *kthreads;
static int nkthreads;

bool on(void)
{
	return !storm->stop;
}

void done(enum kind k)
{
	__atomic_add_fetch(&storm->done[k], 1, __ATOMIC_RELAXED);
}

void bad(enum kind k, const char *fmt, ...)
{
	long n = __atomic_fetch_add(&storm->nmsgs, 1, __ATOMIC_RELAXED);
	va_list ap;

	__atomic_add_fetch(&storm->bad[k], 1, __ATOMIC_RELAXED);
	if (n >= (long)ARRAY_SIZE(storm->msg))
		return;
	va_start(ap, fmt);
	vsnprintf(storm->msg[n], sizeof(storm->msg[n]), fmt, ap);
	va_end(ap);
}

void protect(pid_t tid)
{
	__atomic_or_fetch(&storm->protected[tid / 8], 1 << tid % 8,
			  __ATOMIC_RELAXED);
}

bool is_protected(pid_t tid)
{
	return storm->protected[tid / 8] & 1 << tid % 8;
}

uint32_t rnd(void)
{
	static __thread uint64_t s;

	if (!s)
		s = gettid() * 0x9e3779b97f4a7c15ull + now_ms();
	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s >> 32;
}

const char *some_dir(void)
{
	const char *root = roots[rnd() % ARRAY_SIZE(roots)];
	unsigned int r = rnd();

	if (r % 16 == 0)
		return P("%s/S", root);
	if (r % 3 == 0)
		return P("%s/d%u/e%u", root, rnd() % NDIRS, rnd() % NSUBS);
	return P("%s/d%u", root, rnd() % NDIRS);
}

bool move_errno(int e)
{
	return !e || e == ENOENT || e == ENODEV || e == ESRCH;
}

void move_self(void)
{
	const char *dir = some_dir();
	int e = movepid(dir, 0);

	if (!move_errno(e))
		bad(MOVES, "moving oneself to %s: %s", dir, strerror(e));
}

pid_t some_task(bool process)
{
	pid_t *l, id = 0;
	int n;

	if (rnd() % 16 == 0 && nkthreads)
		return kthreads[rnd() % nkthreads];
	n = ids(P("%s/%s", some_dir(), process ? "procs" : "tasks"), &l);
	if (n > 0)
		id = l[rnd() % n];
	free(l);
	return is_protected(id) ? 0 : id;
}

static void find_kthreads(void)
{
	pid_t *l;
	int n = live_tasks(&l);

	kthreads = calloc(n, sizeof(*kthreads));
	for (int i = 0; i < n; i++) {
		char *s = get(P("/proc/%d/cmdline", l[i]));

		/* pid 1 and the harness have command lines */
		if (s && !*s)
			kthreads[nkthreads++] = l[i];
		else
			protect(l[i]);
	}
	free(l);
}

void begin_storm(void)
{
	storm = mmap_shared(sizeof(*storm));
	protect(0);
	find_kthreads();
}
