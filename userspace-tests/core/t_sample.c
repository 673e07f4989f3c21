// SPDX-License-Identifier: GPL-2.0
/*
 * The sample subsystems. cputime, to begin with; forkcount, and with it what the core promises
 * to those who write subsystems: fork() once for each task that exists or is born, exit()
 * once for each that dies, a veto that reaches user space, forks that fail afterwards,
 * references, loading and unloading at any time; execcount, whose hook is armed through the
 * installed headers.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "forks.h"
#include "lib.h"

#define M "/tmp/m"
#define A M "/a"
#define B A "/b"
#define MODULE "container_forkcount"

static long count(const char *dir, const char *what)
{
	return getnum(P("%s/forkcount.%s", dir, what));
}

/* Births less deaths, everywhere; LONG_MIN when a file cannot be read. */
static long known_tasks(void)
{
	static const char *const dirs[] = { M, A, B };
	long sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (!access(dirs[i], F_OK))
			sum += count(dirs[i], "forks") - count(dirs[i], "exits");
	return sum;
}

/* Every live task was reported once. */
static void balanced(const char *when)
{
	ok(counts_all(known_tasks), "%s, forks less exits is the number of tasks", when);
}

/* --- making tasks ----------------------------------------------------------- */

/* A member of A that makes tasks in the ways it is told: way, how many. */
static int maker(struct kid *up, void *arg)
{
	int way, n, e = put(A "/tasks", "0");

	(void)arg;
	kid_send(up, e);
	while ((way = kid_recv(up)) >= 0) {
		n = kid_recv(up);
		for (e = 0; n > 0 && !e; n--)
			e = ways[way].make();
		kid_send(up, e);
	}
	return 0;
}

static int make(struct kid *k, int way, int n)
{
	kid_send(k, way);
	kid_send(k, n);
	return kid_recv(k);
}

static struct kid start_maker(void)
{
	struct kid k = kid_start(maker, NULL);

	err(kid_recv(&k), 0, "a task moves in");
	return k;
}

/* --- tests ------------------------------------------------------------------ */

static void test_load(void)
{
	int e;

	ok(!modloaded(MODULE), "the sample is not loaded");
	err(cmount(M, "forkcount"), 0, "mount -o forkcount");
	ok(modloaded(MODULE), "which loads it");
	balanced("loaded by the mount");
	eq(mode_of(M "/forkcount.forks"), 0444, "mode of a file that shows");
	eq(mode_of(M "/forkcount.max"), 0644, "mode of a file that is written, too");
	e = rmmod(MODULE);
	ok(in_use(e), "rmmod while it is bound: in use");
	balanced("after that");
	err(E(umount(M)), 0, "unmount");
	err(cmount(M, "forkcount"), 0, "mount again");
	balanced("bound for the second time");
	err(E(umount(M)), 0, "unmount");
	err(rmmod(MODULE), 0, "rmmod while it is not bound");
	ok(!strstr(get("/proc/containers"), "forkcount"), "it is registered no more");
}

static void test_counts(void)
{
	enum { N = 50 };
	struct kid k;
	long forks;

	err(cmount(M, "forkcount"), 0, "mount");
	err(E(mkdir(A, 0755)), 0, "mkdir");
	eq(count(A, "forks"), 0, "a new container has no forks");
	k = start_maker();
	eq(count(A, "forks"), 0, "a move is no fork");
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		forks = count(A, "forks");
		err(make(&k, i, N), 0, "%d times %s", N, ways[i].name);
		eq(count(A, "forks") - forks, N, "%s: forks", ways[i].name);
		ok(wait_for(count(A, "exits") == forks + N), "%s: exits", ways[i].name);
	}
	eq(kid_wait(&k), 0, "the member exits");
	eq(count(A, "exits"), count(A, "forks") + 1, "it was born elsewhere and exited here");
	eq(count(A, "failed"), 0, "none failed");
	eq(count(A, "refused"), 0, "none was refused");
	balanced("after all that");
}

static void test_limit(void)
{
	struct kid k = start_maker();
	long forks = count(A, "forks"), refused = 0;

	streq(get(A "/forkcount.max"), "max\n", "there is no limit at first");
	err(put(A "/forkcount.max", "%ld", forks), 0, "forbid any more forks");
	eq(count(A, "max"), forks, "the limit reads as written");
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		err(make(&k, i, 1), EAGAIN, "over the limit: %s", ways[i].name);
		/* pthread_create() tries once, as the others do */
		eq(count(A, "refused"), ++refused, "%s: refused is counted", ways[i].name);
	}
	streq(get(A "/events"), P("populated 1\nforks_refused %ld\ncharges_refused 0\n", refused),
	      "those who wait for events are told");
	eq(count(A, "forks"), forks, "none of them was born");
	eq(nids(A "/tasks"), 1, "the member is alone");
	balanced("after refusals");
	err(put(A "/forkcount.max", "%ld", forks + 3), 0, "allow three more");
	err(make(&k, 0, 3), 0, "three forks");
	err(make(&k, 0, 1), EAGAIN, "the fourth is refused");
	err(put(A "/forkcount.max", "max\n"), 0, "lift the limit");
	err(make(&k, 0, 10), 0, "forks again");
	eq(kid_wait(&k), 0, "the member exits");
}

static int fork_to_limit(struct kid *up, void *arg)
{
	int n = 0, misses = 0;

	(void)arg;
	kid_send(up, put(A "/tasks", "0"));
	kid_recv(up);
	while (misses < 3 && n < 5000)
		if (fork_once())
			misses++;
		else
			n++;
	kid_send(up, n);
	return 0;
}

/* Several at the limit at once get exactly what it allows. */
static void test_limit_race(void)
{
	enum { KIDS = 4, N = 200 };
	struct kid k[KIDS];
	long forks = count(A, "forks"), refused = count(A, "refused");
	int sum = 0, e = 0;

	for (int i = 0; i < KIDS; i++) {
		k[i] = kid_start(fork_to_limit, NULL);
		e = e ?: kid_recv(&k[i]);
	}
	err(e, 0, "%d tasks move in", KIDS);
	err(put(A "/forkcount.max", "%ld", forks + N), 0, "%d more forks", N);
	for (int i = 0; i < KIDS; i++)
		kid_send(&k[i], 0);
	for (int i = 0; i < KIDS; i++) {
		sum += kid_recv(&k[i]);
		e = e ?: kid_wait(&k[i]);
	}
	err(e, 0, "they fork until they may not");
	eq(sum, N, "together they forked as often as they might");
	eq(count(A, "forks") - forks, N, "forks");
	eq(count(A, "refused") - refused, 3 * KIDS, "refused");
	err(put(A "/forkcount.max", "max"), 0, "lift the limit");
	balanced("after the race");
}

static void test_bad_values(void)
{
	static const char *const bad[] = {
		"\n", "-1", "x", "1 2", "0x10", "max ", "99999999999999999999", "1.5",
	};

	put(A "/forkcount.max", "1000000");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		err(put(A "/forkcount.max", "%s", bad[i]), EINVAL, "max: %zu. bad value", i);
	streq(get(A "/forkcount.max"), "1000000\n", "nothing has changed");
	put(A "/forkcount.max", "max");
	err(put(A "/forkcount.pin", "2"), EINVAL, "pin: 2");
	err(put(A "/forkcount.pin", "\n"), EINVAL, "pin: nothing");
	err(put(A "/forkcount.forks", "0"), EINVAL, "a counter is not written");
}

/* The kernel's own pids controller fails forks that we had agreed to. */
static void test_failed(void)
{
	struct kid k;
	long forks, failed;

	if (!make_cgroup())
		return;
	k = start_maker();
	fail_forks(k.pid);
	forks = count(A, "forks");
	failed = count(A, "failed");
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		err(make(&k, i, 1), EAGAIN, "%s fails later", ways[i].name);
	eq(count(A, "failed") - failed, ARRAY_SIZE(ways), "each is cancelled");
	eq(count(A, "forks"), forks, "none was born");
	eq(nids(A "/tasks"), 1, "none is a member");
	balanced("after failures");
	/* what was agreed to is given back: it does not count for the limit */
	err(put(FULL_CGROUP "/lim/pids.max", "max"), 0, "the cgroup has room");
	err(put(A "/forkcount.max", "%ld", forks + 1), 0, "one more may fork");
	err(make(&k, 0, 1), 0, "and does");
	err(make(&k, 0, 1), EAGAIN, "but one only");
	put(A "/forkcount.max", "max");
	eq(kid_wait(&k), 0, "the member exits");
	remove_cgroup();
}

static void test_pin(void)
{
	long forks, exits;

	err(E(mkdir(B, 0755)), 0, "mkdir b");
	err(put(B "/tasks", "0"), 0, "move there");
	fork_once();
	fork_once();
	err(put(M "/tasks", "0"), 0, "and back");
	eq(count(B, "forks"), 2, "b has two forks");
	err(put(B "/forkcount.pin", "1"), 0, "pin b");
	err(put(B "/forkcount.pin", "1"), 0, "once more does nothing");
	err(E(rmdir(B)), EBUSY, "rmdir of what is referenced");
	err(put(B "/forkcount.pin", "0"), 0, "unpin it");
	forks = count(A, "forks");
	exits = count(A, "exits");
	err(E(rmdir(B)), 0, "rmdir");
	eq(count(A, "forks"), forks + 2, "its forks go to its parent");
	eq(count(A, "exits"), exits + 2, "its exits, too");

	err(E(mkdir(B, 0755)), 0, "mkdir b");
	err(put(B "/auto_delete", "1"), 0, "which removes itself");
	err(put(B "/forkcount.pin", "1"), 0, "but is pinned");
	err(put(B "/tasks", "0"), 0, "move there");
	err(put(M "/tasks", "0"), 0, "and back");
	msleep(100);
	ok(!access(B, F_OK), "it is still there");
	err(put(B "/forkcount.pin", "0"), 0, "unpin it");
	ok(wait_for(access(B, F_OK)), "it goes with the last reference");
	balanced("after removals");
	err(E(rmdir(A)), 0, "rmdir a");
	err(E(umount(M)), 0, "unmount");
	err(rmmod(MODULE), 0, "rmmod");
}

static void test_late(void)
{
	static const char n[] = "/tmp/n";
	struct kid k;

	err(cmount(n, "none,name=n"), 0, "mount a hierarchy");
	err(E(mkdir(P("%s/c", n), 0755)), 0, "mkdir");
	err(put(P("%s/c/tasks", n), "0"), 0, "move there");
	err(modprobe(MODULE), 0, "load the sample meanwhile");
	err(cmount(M, "forkcount"), 0, "mount it");
	balanced("registered while a hierarchy is active");
	err(E(mkdir(A, 0755)), 0, "mkdir");
	k = start_maker();
	err(make(&k, 0, 20), 0, "20 forks");
	eq(count(A, "forks"), 20, "are counted");
	streq(where(k.pid, "name=n"), "/c", "beside the other hierarchy");
	eq(kid_wait(&k), 0, "the member exits");
	err(put(P("%s/tasks", n), "0"), 0, "leave the other hierarchy");
	err(E(rmdir(P("%s/c", n))), 0, "remove its container");
	err(cumount(n), 0, "unmount it");
	balanced("with the other hierarchy gone");
	err(E(rmdir(A)), 0, "rmdir");
	err(E(umount(M)), 0, "unmount");
	err(rmmod(MODULE), 0, "rmmod");
}

/* Remembers the first step that went wrong. */
static void step(int e, int round, const char *what, const char **wrong)
{
	if (e && !*wrong)
		*wrong = P("round %d: %s: %s", round, what, strerrorname_np(e));
}

/* Comes and goes while tasks come and go; for a while, as rounds may be slow. */
static void test_storm(void)
{
	long end = now_ms() + 60000;
	const char *file = strdup(modfile(MODULE)), *wrong = NULL;
	volatile bool *stop = mmap_shared(sizeof(*stop));
	struct kid k[3];
	int i, n;

	for (i = 0; i < 3; i++) {
		k[i] = kid_start(make_until, (void *)stop);
		kid_recv(&k[i]);
	}
	for (n = 0; n < sized(30, 10) && now_ms() < end && !wrong; n++) {
		step(modinsert(file, ""), n, "load", &wrong);
		if (n % 2) {
			step(E(mount("x", M, "container", 0, "forkcount")), n, "mount", &wrong);
			mkdir(A, 0755);
			step(movepid(A, k[0].pid), n, "move", &wrong);
			msleep(n % 7);
			step(count(M, "forks") < 1 ? EDOM : 0, n, "count", &wrong);
			step(movepid(M, k[0].pid), n, "move back", &wrong);
			/* a child of the moved one may still be on its way out */
			step(wait_for(!rmdir(A)) ? 0 : errno, n, "rmdir", &wrong);
			step(E(umount(M)), n, "unmount", &wrong);
		} else {
			msleep(n % 5);
		}
		step(rmmod(MODULE), n, "rmmod", &wrong);
	}
	streq(wrong ? wrong : "", "", "load, use, unload while tasks are made");
	ok(n >= 3, "many times");
	diag("%d rounds", n);
	err(modinsert(file, ""), 0, "load once more meanwhile");
	*stop = true;
	for (i = n = 0; i < 3; i++)
		n += kid_wait(&k[i]) != 0;
	eq(n, 0, "the makers end well");
	err(cmount(M, "forkcount"), 0, "mount");
	balanced("loaded in the middle of it");
	err(cumount(M), 0, "unmount");
	free((void *)file);
}

/* --- execcount --------------------------------------------------------------- */

/* What the shell says when a task of A has started programs: three, or until it is killed. */
static int exec_in_a(void)
{
	int status = system("exec 2>/dev/null; echo 0 >" A "/tasks; /bin/true; /bin/true; exec /bin/true");

	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void test_hook(void)
{
	static const char *const bad[] = { "", "x", "-1", "1x", "1 2", "9223372036854775808" };

	err(cmount(M, "execcount"), 0, "mount -o execcount");
	ok(strstr(get("/proc/containers"), "setup_new_exec: armed"), "its hook is armed");
	ok(strstr(get("/proc/containers"), "execcount: "), "its feature is shown");
	err(E(mkdir(A, 0755)), 0, "mkdir");
	eq(getnum(A "/execcount.execs"), 0, "nothing is started at first");
	eq(exec_in_a(), 0, "a member starts programs");
	eq(getnum(A "/execcount.execs"), 3, "all are counted");
	err(put(A "/execcount.execs", " 40 "), 0, "the number is set");
	eq(exec_in_a(), 0, "again");
	eq(getnum(A "/execcount.execs"), 43, "it goes on from there");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		err(put(A "/execcount.execs", "%s\n", bad[i]), EINVAL, "\"%s\" is refused", bad[i]);
	eq(getnum(A "/execcount.execs"), 43, "and changes nothing");
	err(put(A "/execcount.max", "45"), 0, "a limit");
	eq(exec_in_a(), 128 + SIGKILL, "who starts more is killed");
	eq(getnum(A "/execcount.execs"), 46, "by the first that is too many");
	ok(wait_for(!rmdir(A)), "rmdir");
	err(E(umount(M)), 0, "unmount");
	ok(strstr(get("/proc/containers"), "setup_new_exec: off"), "its hook is disarmed");
	err(rmmod("container_execcount"), 0, "rmmod");
	ok(!strstr(get("/proc/containers"), "setup_new_exec: "), "and gone");
}

/* --- the first sample ---------------------------------------------------------- */

/* The event that it counts. */
#define EVENT "/sys/kernel/tracing/events/sched/sched_stat_runtime/enable"

/* Runs in A until it has used so much, or for long enough. */
static int burner(struct kid *up, void *arg)
{
	long end = now_ms() + 60000;

	kid_send(up, put(A "/tasks", "0"));
	while (getnum(A "/cputime.ms") < (long)arg)
		if (now_ms() > end)
			return 1;
	return 0;
}

static void test_cputime(void)
{
	struct kid k;
	long root;

	err(cmount(M, "cputime"), 0, "mount the first sample, which loads it");
	err(E(mkdir(A, 0755)), 0, "mkdir");
	eq(mode_of(A "/cputime.ms"), 0444, "mode of its file");
	eq(getnum(A "/cputime.ms"), 0, "a new container has used nothing");
	root = getnum(M "/cputime.ms");
	k = kid_start(burner, (void *)50L);
	err(kid_recv(&k), 0, "a task moves in");
	eq(kid_wait(&k), 0, "and what it uses is counted there");
	ok(wait_for(getnum(M "/cputime.ms") > root), "what we use, in the root");
	/* now the kernel calls each function by its address; with CFI it looks at the type first */
	err(put(EVENT, "1"), 0, "somebody else wants the event, too");
	root = getnum(M "/cputime.ms");
	ok(wait_for(getnum(M "/cputime.ms") > root), "it is counted still");
	err(put(EVENT, "0"), 0, "nobody else does");
	err(E(rmdir(A)), 0, "rmdir");
	for (int i = 0; i < 3; i++) {
		err(E(umount(M)), 0, "unmount");
		err(rmmod("container_cputime"), 0, "rmmod");
		err(cmount(M, "cputime"), 0, "mount again");
	}
	err(E(umount(M)), 0, "unmount");
	err(rmmod("container_cputime"), 0, "rmmod");
}

int main(void)
{
	setup();
	CASE(test_cputime());
	CASE(test_load());
	CASE(test_counts());
	CASE(test_limit());
	CASE(test_limit_race());
	CASE(test_bad_values());
	CASE(test_failed());
	CASE(test_pin());
	CASE(test_late());
	CASE(test_storm());
	CASE(test_hook());
	finish();
}
