// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading under load: CYCLES rounds (default 50, quick 26, 10
 * on the debug kernel) of load, mount, use, unmount and unload while others fork,
 * outside and inside, with memory flat after the first rounds.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "cycles.h"

#define WARMUP 20		/* rounds until the memory must be flat */
#define NSAMPLES 3		/* of memory; the least counts */

/* --- the rounds ------------------------------------------------------------- */

static int inside(void *arg)
{
	const char *at;

	(void)arg;
	if (movepid(DIR_ "/a/b", 0))
		return 1;
	for (int i = 0; i < 5; i++) {
		pid_t pid = fork();
		int st;

		if (!pid) {
			at = where(0, "cpuacct");
			_exit(at && !strcmp(at, "/a/b") ? 0 : 1);
		}
		if (waitpid(pid, &st, 0) != pid || st)
			return 2;
	}
	vfork_one();
	return listed(DIR_ "/a/b/tasks", getpid()) ? 0 : 3;
}

static const char *round_(int n)
{
	int e;

	if (!load())
		return "load";
	if ((e = cmount(DIR_, "cpuacct")))
		return P("mount: %s", strerror(e));
	if (mkdir(DIR_ "/a", 0755) || mkdir(DIR_ "/a/b", 0755))
		return P("mkdir: %s", strerror(errno));
	for (int id = IN_FORKER; id < NWORKERS; id++) {
		/* as a process and as a thread */
		e = put(P("%s/a/%s", DIR_, n % 2 ? "procs" : "tasks"), "%d",
			worker[id]);
		if (e)
			return P("moving %d: %s", worker[id], strerror(e));
	}
	if (n % 4 == 0) {
		put(DIR_ "/release_agent", "/bin/true");
		put(DIR_ "/a/notify_on_release", "1");
	}
	e = in_child(inside, NULL);
	if (e)
		return P("inside: %d", e);
	if (!listed(DIR_ "/a/tasks", worker[IN_FORKER]))
		return "a worker is not in its container";
	if (getnum(DIR_ "/a/cpuacct.usage_ns") < 0)
		return "usage_ns";
	if (!wait_for(removed(DIR_ "/a/b")) || !wait_for(removed(DIR_ "/a")))
		return "rmdir";
	if ((e = cumount(DIR_)))
		return P("umount: %s", strerror(e));
	if ((e = unload(20)))
		return P("rmmod: %s", strerror(e));
	return NULL;
}

/*
 * Slack that is not a leak: free objects in the partial slabs of each CPU and
 * node, thread stacks that are kept for the next fork (two of 16 KiB a CPU),
 * page tables and pages that a percpu chunk keeps populated.  A leak of one
 * page a round is 720 KiB after 180 rounds, and one small object a fork is
 * far more: both stand out.
 */
static const struct {
	const char *name;
	long slack;		/* KiB */
} memory[] = {
	{ "Slab", 256 }, { "SUnreclaim", 192 }, { "VmallocUsed", 128 },
	{ "Percpu", 64 },
};

#define NMEMORY ARRAY_SIZE(memory)

static void sample(long *v)
{
	char *s, *p;

	pause_storm(true);
	for (int i = 0; i < 3; i++) {
		put("/proc/sys/vm/drop_caches", "3");
		msleep(300);	/* RCU, kworkers, lazily freed vmalloc areas */
	}
	s = get("/proc/meminfo");
	for (size_t i = 0; i < NMEMORY; i++) {
		p = s ? strstr(s, P("\n%s:", memory[i].name)) : NULL;
		v[i] = p ? atol(p + strlen(memory[i].name) + 2) : -1;
	}
	pause_storm(false);
}

static void least(long (*v)[NMEMORY], long *min)
{
	for (size_t i = 0; i < NMEMORY; i++) {
		min[i] = v[0][i];
		for (int k = 1; k < NSAMPLES; k++)
			if (v[k][i] < min[i])
				min[i] = v[k][i];
	}
}

/* Which caches have grown: where to look if the slab is not flat. */
static void show_growth(const char *before, const char *after)
{
	static const char fmt[] = "%63s %ld %*d %*d %*d %ld : tunables %*d %*d %*d : slabdata %*d %ld";
	char name[64], old[64];
	long active, pages, slabs, was_active, was_pages, was_slabs;

	for (const char *line = after; line; line = strchr(line, '\n')) {
		const char *p;

		line += *line == '\n';
		if (sscanf(line, fmt, name, &active, &pages, &slabs) != 4)
			continue;
		p = strstr(before, P("\n%s ", name));
		if (!p || sscanf(p, fmt, old, &was_active, &was_pages, &was_slabs) != 4)
			was_active = was_pages = was_slabs = 0;
		if (slabs * pages > was_slabs * was_pages)
			diag("%s: %ld pages, %ld objects more", name,
			     slabs * pages - was_slabs * was_pages, active - was_active);
	}
}

static void rounds(int n)
{
	char *before = NULL, *after = NULL;
	long first[NSAMPLES][NMEMORY], last[NSAMPLES][NMEMORY];
	long a[NMEMORY], b[NMEMORY], start = now_ms();
	const char *wrong = NULL;
	bool measured = !debug_kernel() && n >= WARMUP + 2 * NSAMPLES;
	int r;

	for (r = 0; r < n && !wrong; r++) {
		wrong = round_(r);
		if (r % 20 == 19)
			diag("%d rounds, %ld s", r + 1, (now_ms() - start) / 1000);
		if (!measured)
			continue;
		/* three rounds in a row: the least of them is no coincidence */
		if (r >= WARMUP && r < WARMUP + NSAMPLES)
			sample(first[r - WARMUP]);
		if (r >= n - NSAMPLES)
			sample(last[r - (n - NSAMPLES)]);
		if (r == WARMUP + NSAMPLES - 1)
			before = strdup(get("/proc/slabinfo") ?: "");
	}
	after = get("/proc/slabinfo");
	ok(!wrong, "%d rounds of load, mount, use, unmount, unload in %ld s%s%s",
	   n, (now_ms() - start) / 1000, wrong ? ": " : "", wrong ? wrong : "");
	if (wrong) {
		diag("in round %d", r);
		return;
	}
	if (!measured) {
		skip("memory is flat # %s", debug_kernel() ?
		     "KASAN keeps freed memory back; kmemleak looks for leaks" :
		     "too few rounds");
		return;
	}
	least(first, a);
	least(last, b);
	for (size_t i = 0; i < NMEMORY; i++)
		ok(a[i] >= 0 && b[i] - a[i] <= memory[i].slack,
		   "%s is flat: %ld KiB after round %d, %ld after round %d",
		   memory[i].name, a[i], WARMUP, b[i], n);
	if (b[0] - a[0] > memory[0].slack && after)
		show_growth(before, after);
	free(before);
}

/* --- sleeping inside a hooked function, by a page fault that waits ----------- */

static void all_rounds(void)
{
	int n = getenv("CYCLES") ? atoi(getenv("CYCLES")) : 0;

	rounds(n > 0 ? n : debug_kernel() ? 10 : sized(50, 8));
}

int main(void)
{
	setup_bare();
	sh = mmap_shared(sizeof(*sh));
	start_storm();
	CASE(all_rounds());
	stop_storm();
	finish();
}
