// SPDX-License-Identifier: GPL-2.0
/*
 * ns: tasks that make namespaces beside moves, removals and kills, and while the module is
 * unloaded and loaded.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "actors.h"

struct storm {
	bool stop;
	unsigned long calls, inside, bad;
};

static int stormer(struct kid *up, void *arg)
{
	struct storm *s = arg;
	unsigned int seed = getpid();

	signal(SIGCHLD, SIG_DFL);
	for (int i = 0; !__atomic_load_n(&s->stop, __ATOMIC_SEQ_CST); i++) {
		pid_t p = i % 2 ? clone_flags(CLONE_NEWUTS) : fork();
		const char *path;

		if (!p) {
			if (!(i % 2) && unshare(CLONE_NEWUTS))
				__atomic_add_fetch(&s->bad, 1, __ATOMIC_SEQ_CST);
			path = where(0, set);
			/* elsewhere than it should be */
			if (path && strcmp(path, "/")) {
				__atomic_add_fetch(&s->inside, 1, __ATOMIC_SEQ_CST);
				if (!strstr(path, "/"))
					__atomic_add_fetch(&s->bad, 1, __ATOMIC_SEQ_CST);
			}
			_exit(0);
		}
		if (p > 0)
			waitpid(p, NULL, 0);
		__atomic_add_fetch(&s->calls, 1, __ATOMIC_SEQ_CST);
		usleep(rand_r(&seed) % 25000);
	}
	(void)up;
	return 0;
}

/* Until a moment comes in which there is no container. */
static bool dissolve(void)
{
	long end = now_ms() + DEADLINE_MS;

	do {
		prune(M);
		umount(M);
		if (nhiers() == 1)
			return true;
		mount("test", M, "container", 0, "ns");
	} while (now_ms() < end);
	umount(M);
	return false;
}

static void test_unload(void)
{
	struct storm *s = mmap_shared(sizeof(*s));
	int rounds = sized(12, 6), good = 0, unloaded = 0;
	struct kid k[2];

	for (size_t i = 0; i < ARRAY_SIZE(k); i++)
		k[i] = kid_start(stormer, s);
	for (int i = 0; i < rounds; i++) {
		if (i && (modprobe("container_ns") || cmount(M, "ns")))
			break;
		msleep(i * 3);
		if (!dissolve())
			break;
		good++;
		unloaded += wait_for(!rmmod("container_ns"));
	}
	__atomic_store_n(&s->stop, true, __ATOMIC_SEQ_CST);
	for (size_t i = 0; i < ARRAY_SIZE(k); i++)
		kid_wait(&k[i]);
	eq(good, rounds, "mount and unmount while tasks make namespaces (%lu calls, %lu containers)",
	   s->calls, s->inside);
	eq(unloaded, rounds, "and unload");
	eq(s->bad, 0, "no call fails");
	err(modprobe("container_ns"), 0, "load it again");
	err(cmount(M, "ns"), 0, "mount it again");
}

/* Moves, rmdir and kills beside all that. */
static int mover(struct kid *up, void *arg)
{
	struct storm *s = arg;
	pid_t *list;

	(void)up;
	while (!__atomic_load_n(&s->stop, __ATOMIC_SEQ_CST)) {
		int n = tree_tasks(M, &list);

		mkdir(M "/x", 0755);
		for (int i = n - 1; i >= 0 && i > n - 8; i--) {
			char *stat = get(P("/proc/%d/stat", list[i]));

			/* not the guest's own */
			if (stat && strstr(stat, "(t_ns") && list[i] != getpid() &&
			    list[i] != getppid())
				movepid(M "/x", list[i]);
		}
		free(list);
		prune(M);
	}
	return 0;
}

static void test_storm(void)
{
	struct storm *s = mmap_shared(sizeof(*s));
	struct kid k[5];
	struct hier h;

	for (int i = 0; i < 5; i++)
		k[i] = kid_start(i < 3 ? stormer : mover, s);
	msleep(sized(8000, 3000));
	__atomic_store_n(&s->stop, true, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 5; i++)
		kid_wait(&k[i]);
	ok(s->calls && !s->bad, "%lu calls beside moves and removals", s->calls);
	ok(wait_for((prune(M), lists_all(M))), "the members are the live tasks");
	ok(hier(listing, &h) && h.containers == 1, "no container is left");
}

int main(void)
{
	setup();
	begin_actors();
	err(cmount(M, "ns"), 0, "mount ns");
	CASE(test_unload());
	CASE(test_storm());
	err(cumount(M), 0, "unmount");
	finish();
}
