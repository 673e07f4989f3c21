// SPDX-License-Identifier: GPL-2.0
/*
 * Membership under a storm (STORM_SECONDS, default 60, quick 15): forks, vforks,
 * threads, clones, execs and kills beside moves, mkdir, rmdir, flags, mounts,
 * module loads and readers, on all CPUs.  Some things must hold all the time,
 * and are checked by the workers; when all is quiet again, the tasks files
 * must list exactly the live tasks and every count must be back.
 *
 * This file starts the workers and ends them. What they do is in storm*.c.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include "storm.h"

static const struct worker {
	void (*run)(int id);
	int count;
} workers[] = {
	{ forker, 4 }, { vforker, 2 }, { threader, 2 }, { cloner, 1 },
	{ killer, 1 }, { execer, 1 }, { mover, 3 }, { director, 2 },
	{ flagger, 1 }, { mounter, 2 }, { tree_killer, 2 }, { moduler, 1 },
	{ reader, 2 }, { proc_reader, 1 }, { snapshooter, 1 }, { churner, 1 },
	{ bouncer, 1 }, { bounce_watcher, 1 }, { inheriter, 1 },
};

static pid_t start(void (*run)(int id), int id)
{
	pid_t pid = fork_bound();

	if (pid)
		return pid;
	run(id);
	_exit(0);
}

static void sleeper_process(int id)
{
	pthread_attr_t attr;
	pthread_t t;

	(void)id;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 16384);
	for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
		if (movepid(P("%s/S", roots[i]), 0))
			_exit(1);
	for (int i = 1; i < SLEEPER_THREADS; i++)
		if (pthread_create(&t, &attr, sleep_on, NULL))
			_exit(1);
	sleep_on(NULL);
}

static void build(void)
{
	static const char *const dirs[] = { "S", "A", "B", "inh", "ex1", "ex2" };

	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		for (size_t d = 0; d < ARRAY_SIZE(dirs); d++)
			if (mkdir(P("%s/%s", roots[i], dirs[d]), 0755))
				bail("mkdir %s: %s", dirs[d], strerror(errno));
		put(P("%s/release_agent", roots[i]), "/bin/true");
		for (int d = 0; d < NDIRS; d++)
			mkdir(P("%s/d%d", roots[i], d), 0755);
	}
}

static pid_t sleepers[SLEEPERS];

/* The tasks that no mover moves: those of S, and the one between A and B. */
static void start_still(void)
{
	size_t s = 0;

	for (int i = 0; i < SLEEPERS; i++)
		sleepers[i] = start(sleeper_process, i);
	ok(wait_for(nids(H1 "/S/tasks") == ARRAY_SIZE(sleeper_tids) &&
		    nids(H2 "/S/tasks") == ARRAY_SIZE(sleeper_tids)),
	   "%zu sleepers are in S", ARRAY_SIZE(sleeper_tids));
	for (pid_t *l, i = 0, k = ids(H1 "/S/tasks", &l); i < k &&
	     s < ARRAY_SIZE(sleeper_tids); i++) {
		protect(l[i]);
		sleeper_tids[s++] = l[i];
	}
	storm->bouncer = sleeper();
	protect(storm->bouncer);
	for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
		err(movepid(P("%s/A", roots[i]), storm->bouncer), 0,
		    "the task between A and B is in %s/A", roots[i]);
}

static void rage(int seconds)
{
	long end = now_ms() + seconds * 1000L, before, total;
	pid_t pids[64];
	int n = 0;

	diag("a storm of %d s on %ld CPUs", seconds,
	     sysconf(_SC_NPROCESSORS_ONLN));
	for (size_t w = 0; w < ARRAY_SIZE(workers); w++)
		for (int i = 0; i < workers[w].count; i++, n++)
			pids[n] = start(workers[w].run, i);
	for (before = -1; now_ms() < end; before = total) {
		msleep(end - now_ms() < 10000 ? end - now_ms() + 1 : 10000);
		total = 0;
		for (int k = 0; k < NKINDS; k++)
			total += storm->done[k];
		if (total == before)
			diag("nothing moves: %ld", total);
	}
	storm->stop = true;
	/* those who watch come to their end before the watched do */
	eq(wait_workers(pids, n), 0, "all workers have ended");
	for (int i = 0; i < SLEEPERS; i++)
		kill(sleepers[i], SIGKILL);
	kill(storm->bouncer, SIGKILL);
	eq(wait_all(), 0, "all that the storm started has ended");
}

static void report(void)
{
	for (int k = 0; k < NKINDS; k++) {
		ok(storm->done[k] > 0, "%s: %ld", kind_name[k], storm->done[k]);
		eq(storm->bad[k], 0, "nothing wrong with the %s", kind_name[k]);
	}
	for (long i = 0; i < storm->nmsgs && i < (long)ARRAY_SIZE(storm->msg); i++)
		diag("%s", storm->msg[i]);
}

static void check_all_is_back(void)
{
	for (int i = 0; i < 5; i++) {
		ok(exact(H1), "cpuacct: its tasks are the live tasks, each once");
		ok(exact(H2), "x: its tasks are the live tasks, each once");
		msleep(200);
	}
	ok(topcount_right("cpuacct", H1), "cpuacct: the root's count is right");
	eq(hooks_missed(), 0, "no hook has missed a call in the storm");
	dissolve_y();
	check_containers_left();
	ok(exact(H1), "with all in the root, cpuacct lists the live tasks");
	ok(exact(H2), "with all in the root, x lists the live tasks");
	ok(topcount_right("cpuacct", H1), "cpuacct: the root's count is back");
	err(cumount(H1), 0, "cpuacct unmounts");
	err(cumount(H2), 0, "x unmounts");
	eq(nhiers(), 1, "only the dummy hierarchy is left");
}

int main(int argc, char **argv)
{
	const char *seconds = getenv("STORM_SECONDS");

	if (argc > 1)
		return strcmp(argv[1], "nop") ? check_where(argv[1]) : 0;
	setup();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	/* ids must not come back while somebody holds an old list */
	put("/proc/sys/kernel/pid_max", "%d", MAX_PID);
	begin_storm();
	find_modules();
	mkdir(BASE, 0755);
	if (!err(cmount(H1, "cpuacct"), 0, "mount cpuacct") ||
	    !err(cmount(H2, "none,name=x"), 0, "mount x"))
		finish();
	build();
	eq(hooks_missed(), 0, "no hook has missed a call");
	start_still();
	rage(seconds ? atoi(seconds) : sized(60, 15));
	report();
	check_all_is_back();
	finish();
}
