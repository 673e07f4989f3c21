// SPDX-License-Identifier: GPL-2.0
/*
 * Everything at once, by a seed: processes and threads that come, exec and go, moves by several
 * writers, mkdir, rmdir, rename, limits, mounts of all kinds, files, memory, affinities, io_uring,
 * namespaces, CPUs that come and go, suspend, modules and tracers. Every few seconds all rest, and
 * what has to hold is checked.
 *
 * STRESS_SEED: the seed; by default the kept ones, a few seconds each, and then one by the clock.
 * STRESS_SECONDS: how long the last one goes on (600, quick 20).
 */
#define _GNU_SOURCE
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include "cpusets.h"
#include "stress.h"

struct shared *shared;

/* Seeds that have found something once; the first two are there to begin with. */
static const uint64_t kept_seeds[] = { 1, 20061 };

unsigned int pick(struct actor *a, unsigned int below)
{
	a->random ^= a->random << 13;
	a->random ^= a->random >> 7;
	a->random ^= a->random << 17;
	return (a->random >> 32) % below;
}

static const char *below(struct actor *a, const char *root)
{
	unsigned int r = pick(a, 16);

	if (!r)
		return root;
	if (r % 2)
		return P("%s/c%u", root, pick(a, DIRS));
	return P("%s/c%u/s%u", root, pick(a, DIRS), pick(a, 2));
}

const char *some_of_all(struct actor *a)
{
	return below(a, ALL);
}

const char *some_container(struct actor *a)
{
	return below(a, pick(a, 3) ? ALL : NAMED);
}

pid_t some_kid(struct actor *a)
{
	return shared->kids[pick(a, ACTORS)][pick(a, KIDS)];
}

void wrong(struct actor *a, const char *fmt, ...)
{
	long n = __atomic_fetch_add(&shared->wrong, 1, __ATOMIC_RELAXED);
	va_list ap;
	int len;

	if (n >= (long)ARRAY_SIZE(shared->said))
		return;
	len = snprintf(shared->said[n], sizeof(shared->said[n]), "actor %d: ", a->id);
	va_start(ap, fmt);
	vsnprintf(shared->said[n] + len, sizeof(shared->said[n]) - len, fmt, ap);
	va_end(ap);
}

bool allowed(struct actor *a, const char *what, int e, ...)
{
	bool is = !e;
	va_list ap;
	int errno_;

	va_start(ap, e);
	while (!is && (errno_ = va_arg(ap, int)))
		is = e == errno_;
	va_end(ap);
	if (!is)
		wrong(a, "%s: %s", what, strerrorname_np(e));
	return !e;
}

/* --- the actors ------------------------------------------------------------ */

static const struct op *const tables[] = { task_ops, tree_ops, use_ops };

static void act_once(struct actor *a, const struct op *ops)
{
	const struct op *op;
	int weight = 0;

	for (op = ops; op->name; op++)
		weight += op->weight;
	weight = pick(a, weight);
	for (op = ops; weight >= op->weight; op++)
		weight -= op->weight;
	shared->doing[a->id] = op->name;
	op->run(a);
	shared->doing[a->id] = NULL;
	__atomic_add_fetch(&shared->done, 1, __ATOMIC_RELAXED);
}

static void rest(void)
{
	__atomic_add_fetch(&shared->resting, 1, __ATOMIC_SEQ_CST);
	while (shared->phase == REST)
		msleep(10);
	__atomic_sub_fetch(&shared->resting, 1, __ATOMIC_SEQ_CST);
}

/* The first actor changes the machine; the others do what processes do. */
static void act(int id, uint64_t seed)
{
	struct actor a = { .id = id, .random = seed * 0x9e3779b97f4a7c15ull + id * 2 + 1 };

	for (int i = 0; i < 8; i++)
		pick(&a, 2);
	while (shared->phase != END) {
		if (shared->phase == REST) {
			if (!id)
				system_restore();
			rest();
			continue;
		}
		act_once(&a, id ? tables[pick(&a, ARRAY_SIZE(tables))] : system_ops);
	}
	for (int i = 0; i < KIDS; i++)
		if (a.kids[i])
			reap(a.kids[i]);
	_exit(0);
}

/* --- a run ----------------------------------------------------------------- */

static void build(void)
{
	static const char *const roots[] = { ALL, NAMED };

	for (size_t r = 0; r < ARRAY_SIZE(roots); r++)
		for (int c = 0; c < DIRS; c++) {
			mkdir(P("%s/c%d", roots[r], c), 0755);
			mkdir(P("%s/c%d/s0", roots[r], c), 0755);
		}
}

static int drop(const char *dir, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	if (type != FTW_DP || !ftw->level || wait_for(!rmdir(dir)))
		return 0;
	diag("%s: %s, its tasks: %s", dir, strerror(errno), get(P("%s/tasks", dir)));
	return 1;
}

/* Removes the containers below, from the leaves up; true: none is left. */
static bool clear(const char *root)
{
	return !nftw(root, drop, 8, FTW_DEPTH | FTW_PHYS);
}

/* Who holds everybody up: what it is at, and where in the kernel, with its children. */
static void say_busy(int id, pid_t pid)
{
	const char *what = shared->doing[id];

	if (!what)
		return;
	diag("actor %d, %d, is at: %s", id, pid, what);
	diag("%s", get(P("/proc/%d/stack", pid)) ?: "no stack");
	for (char *kid = strtok(get(P("/proc/%d/task/%d/children", pid, pid)) ?: "", " "); kid;
	     kid = strtok(NULL, " "))
		diag("its child %s: %s", kid, get(P("/proc/%s/stack", kid)) ?: "no stack");
}

/* All stop, and everything that they have started has ended. */
static bool all_rest(const pid_t *actors, int count)
{
	shared->phase = REST;
	if (wait_for(shared->resting == count))
		return true;
	diag("%d of %d rest", shared->resting, count);
	for (int i = 0; i < count; i++)
		say_busy(i, actors[i]);
	return false;
}

static bool said_wrong(void)
{
	for (long i = 0; i < shared->wrong && i < (long)ARRAY_SIZE(shared->said); i++)
		diag("%s", shared->said[i]);
	return shared->wrong;
}

static void run(uint64_t seed, int seconds)
{
	long end = now_ms() + seconds * 1000L;
	struct hier ns = { 0 };
	pid_t actors[ACTORS];

	diag("seed %lu, %d s, %ld CPUs", (unsigned long)seed, seconds,
	     sysconf(_SC_NPROCESSORS_ONLN));
	memset(shared, 0, sizeof(*shared));
	build();
	for (int i = 0; i < ACTORS; i++) {
		actors[i] = fork_bound();
		if (!actors[i])
			act(i, seed);
	}
	do {
		long left = end - now_ms();

		msleep(left > 5000 ? 5000 : left > 0 ? left : 0);
		if (!ok(all_rest(actors, ACTORS), "all rest, after %ld operations", shared->done))
			break;
		check_invariants();
		shared->phase = ACT;
	} while (now_ms() < end);
	shared->phase = END;
	for (int i = 0; i < ACTORS; i++)
		waitpid(actors[i], NULL, 0);
	/* those whose parents were killed are ours */
	while (waitpid(-1, NULL, __WALL) > 0)
		;
	ok(!said_wrong(), "seed %lu: no operation had a surprising result", (unsigned long)seed);
	ok(clear(ALL) && clear(NAMED), "all containers can be removed");
	ok(wait_for(hier("ns", &ns) && ns.containers == 1), "and ns has none");
}

int main(int argc, char **argv)
{
	const char *seed = getenv("STRESS_SEED"), *seconds = getenv("STRESS_SECONDS");
	const char *set = "";

	(void)argv;
	/* what the actors exec */
	if (argc > 1)
		return 0;
	setup_cpuset();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	modprobe("container_numtasks");
	modprobe("container_bc");
	set = strdup(registered(","));
	modprobe("container_ns");
	shared = mmap_shared(sizeof(*shared));
	mkdir(TOP, 0755);
	err(cmount(ALL, P("%s,clone_children", set)), 0, "mount %s", set);
	err(cmount(NAMED, "none,name=stress"), 0, "mount a named hierarchy");
	err(cmount(NS, "ns"), 0, "mount ns");
	system_find();
	for (size_t i = 0; !seed && i < ARRAY_SIZE(kept_seeds); i++)
		run(kept_seeds[i], sized(10, 5));
	run(seed ? strtoul(seed, NULL, 0) : (unsigned long)time(NULL),
	    seconds ? atoi(seconds) : sized(600, 20));
	err(cumount(NS), 0, "ns unmounts");
	err(cumount(NAMED), 0, "so does the named one");
	err(cumount(ALL), 0, "and the other");
	if (!ok(wait_for(nhiers() == 1), "no hierarchy is left"))
		diag("%.2000s", get("/proc/containers"));
	finish();
}
