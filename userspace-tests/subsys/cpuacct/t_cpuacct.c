// SPDX-License-Identifier: GPL-2.0
/*
 * cpuacct: its files, what is written to them, the load of an interval, and containers that
 * are removed or bound anew.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "cpuaccts.h"

#define PARAM "/sys/module/container_cpuacct/parameters/load_interval"

/* --- files ----------------------------------------------------------------- */

static void test_files(void)
{
	static const char *const names[] = {
		"usage", "usage_ns", "usage_subtree_ns", "usage_percpu", "stat", "load",
	};
	static const char *const first[] = { "0\n", "0\n", "0\n", NULL, "user 0\nsystem 0\n", NULL };
	long v[MAX_CPUS], sum;
	struct load l;

	make(M "/f");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *f = P(M "/f/cpuacct.%s", names[i]);

		eq(mode_of(f), i ? 0444 : 0644, "mode of %s", f);
		eq(mode_of(P(M "/cpuacct.%s", names[i])), i ? 0444 : 0644,
		   "mode of %s in the root", names[i]);
		if (first[i])
			streq(get(f), first[i], "%s is empty at first", f);
		if (i)
			err(put(f, "0"), EINVAL, "%s takes no write", f);
	}
	eq(percpu(M "/f/cpuacct.usage_percpu", v, &sum), ncpus,
	   "usage_percpu has a number for each of %d possible CPUs", ncpus);
	eq(sum, 0, "all 0 at first");
	ok(load_of(M "/f", &l), "load has its four lines");
	ok(!l.time && !l.accumulated && !l.load && l.since >= 0, "all 0 at first");
	ok(load_of(M, &l), "load of the root has its four lines");
	ok(percpu(M "/cpuacct.usage_percpu", v, &sum) == ncpus && sum > 0,
	   "usage_percpu of the root");
	ok(!!strstr(get("/proc/containers"), "sched_migrate_task: armed missed=0\n"),
	   "the hook shows in /proc/containers");
	removed(M "/f");
}

static void test_bad_writes(void)
{
	static const char *const bad[] = {
		"1", "-0", "+0", "0x0", "00x", "0.0", "0,0", "0 0", " ", "\n", "0\n\n",
		"a", "-1", "18446744073709551616", "0\t1", "\"0\"",
	};
	static const char *const good[] = { "0", "0\n", " 0", "0 ", "\t0 \n", "000" };
	static char big[4098];
	struct kid k = start();
	long u;

	make(M "/w");
	move(M "/w", k.pid);
	run(&k, BURN, 20);
	u = usage(M "/w");
	ok(u >= 20 * MS, "there is something to reset");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		err(put(M "/w/cpuacct.usage", "%s", bad[i]), EINVAL,
		    "writing '%s' to usage", bad[i]);
	err(putn(M "/w/cpuacct.usage", "0\0", 2), EINVAL, "writing a NUL");
	err(putn(M "/w/cpuacct.usage", "", 0), 0, "writing nothing");
	memset(big, '0', sizeof(big));
	err(putn(M "/w/cpuacct.usage", big, 4097), E2BIG, "writing 4097 bytes");
	eq(usage(M "/w"), u, "none of it changed anything");
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		run(&k, BURN, 2);
		ok(usage(M "/w") > 0, "in use");
		err(put(M "/w/cpuacct.usage", "%s", good[i]), 0, "writing '%s'", good[i]);
		eq(usage(M "/w"), 0, "resets");
	}
	run(&k, BURN, 2);
	err(putn(M "/w/cpuacct.usage", big, 4096), 0, "writing 4096 zeros");
	eq(usage(M "/w"), 0, "resets");
	quit(&k);
	removed(M "/w");
}

static void test_removed(void)
{
	int fd;
	char c;

	make(M "/gone");
	fd = open(M "/gone/cpuacct.usage", O_RDWR | O_CLOEXEC);
	removed(M "/gone");
	err(read(fd, &c, 1) < 0 ? errno : 0, ENODEV, "reading a removed container's usage");
	err(write(fd, "0", 1) < 0 ? errno : 0, ENODEV, "writing it");
	close(fd);
}

/* --- time inside and outside of the membership ----------------------------- */

static void test_busy(void)
{
	long v[MAX_CPUS], sum, c0, c1, u, last = 0, user, sys;
	struct kid k = start();
	struct load l;
	bool in = true, grows = true;

	make(M "/a");
	run(&k, BURN, 100);
	c0 = clock_of(k.pid);
	move(M "/a", k.pid);
	eq(usage(M "/a"), 0, "what a task used before it came does not count");

	run(&k, BURN, 300);
	u = usage(M "/a");
	eq(u, clock_of(k.pid) - c0, "usage_ns is what the scheduler says of a busy loop");
	eq(getnum(M "/a/cpuacct.usage"), u / MS, "usage is the same in ms");
	eq(subtree(M "/a"), u, "and so is the subtree's");
	eq(percpu(M "/a/cpuacct.usage_percpu", v, &sum), ncpus, "usage_percpu reads");
	eq(sum, u, "its sum is usage_ns");
	ok(load_of(M "/a", &l) && l.accumulated == u / MS, "accumulated time is usage");
	ok(stat_of(M "/a", &user, &sys), "stat reads");
	ok((user + sys) * TICK <= u && (user + sys + 2) * TICK > u,
	   "user %ld and system %ld ticks add up to %ld ns", user, sys, u);
	ok(l.time <= l.accumulated, "the interval's time is part of it");

	kid_send(&k, SPIN * ARG);
	for (int i = 0; i < 300; i++) {
		long before = clock_of(k.pid) - c0;

		u = usage(M "/a");
		c1 = clock_of(k.pid) - c0;
		if (u < before || u > c1) {
			diag("%ld not in %ld..%ld", u, before, c1);
			in = false;
		}
		grows &= u >= last;
		last = u;
	}
	ok(in, "usage_ns of a running task is exact at any moment");
	ok(grows, "and never goes back");
	c1 = clock_of(k.pid) - c0;
	reap(k.pid);
	close(k.fd);
	ok(wait_for(!nids(M "/a/tasks")), "the member is gone");
	u = usage(M "/a");
	ok(u >= c1, "what it used up to its end stays counted");
	msleep(20);
	eq(usage(M "/a"), u, "and does not change any more");
	removed(M "/a");
}

/* --- subtrees and removed containers --------------------------------------- */

static void test_reset(void)
{
	long v[MAX_CPUS], sum, c, lo, hi, u, user, sys;
	struct kid k = start();
	struct load l;

	make(M "/e");
	move(M "/e", k.pid);
	run(&k, SYSBURN, 60);
	run(&k, BURN, 60);
	stat_of(M "/e", &user, &sys);
	err(put(M "/e/cpuacct.usage", "0\n"), 0, "reset");
	eq(usage(M "/e"), 0, "usage_ns");
	streq(get(M "/e/cpuacct.usage"), "0\n", "usage");
	eq(subtree(M "/e"), 0, "usage_subtree_ns");
	ok(percpu(M "/e/cpuacct.usage_percpu", v, &sum) == ncpus && !sum, "usage_percpu");
	streq(get(M "/e/cpuacct.stat"), "user 0\nsystem 0\n", "stat");
	ok(load_of(M "/e", &l) && !l.accumulated && !l.time && !l.load, "load");
	c = clock_of(k.pid);
	run(&k, BURN, 100);
	eq(usage(M "/e"), clock_of(k.pid) - c, "counts from 0 on, exactly");
	percpu(M "/e/cpuacct.usage_percpu", v, &sum);
	eq(sum, usage(M "/e"), "on each CPU too");
	u = usage(M "/e");
	ok(stat_of(M "/e", &user, &sys), "stat reads");
	ok((user + sys) * TICK <= u && (user + sys + 2) * TICK > u,
	   "and in stat: %ld and %ld", user, sys);

	kid_send(&k, SPIN * ARG);
	for (int i = 0; i < 50; i++) {
		lo = clock_of(k.pid);
		put(M "/e/cpuacct.usage", "0");
		hi = clock_of(k.pid);
		c = clock_of(k.pid);
		u = usage(M "/e");
		if (u < c - hi || u > clock_of(k.pid) - lo)
			break;
	}
	ok(u >= c - hi && u <= clock_of(k.pid) - lo, "resets while it runs are exact");
	ok(load_of(M "/e", &l) && l.time >= 0 && l.load >= 0 && l.load <= 100 &&
	   l.accumulated >= 0, "nothing is negative");
	reap(k.pid);
	close(k.fd);

	u = usage(M);
	err(put(M "/cpuacct.usage", "0"), 0, "reset of the root");
	ok(usage(M) < u && usage(M) >= 0, "begins at 0: %ld, then %ld", u, usage(M));
	u = usage(M);
	burn(50);
	ok(usage(M) - u >= 50 * MS, "and grows on");
	removed(M "/e");
}

/* --- load ------------------------------------------------------------------ */

static void test_load(void)
{
	static const char *const bad[] = { "0", "-1", "x", "", " ", "4294967296", "1x", "1.5" };
	long online = sysconf(_SC_NPROCESSORS_ONLN), since, t, want;
	bool one = true, below = true;
	struct kid k = start();
	struct load l, next;

	make(M "/l");
	eq(getnum(PARAM), 10, "load_interval is 10 at first");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		err(*bad[i] ? put(PARAM, "%s", bad[i]) : put(PARAM, "\n"), EINVAL,
		    "load_interval=%s", bad[i]);
	eq(getnum(PARAM), 10, "it is still 10");

	err(put(PARAM, "100000"), 0, "a very long interval");
	t = now_ms();
	ok(load_of(M, &l), "reads");
	msleep(300);
	ok(load_of(M, &next) && next.since >= l.since + 299 * online &&
	   next.since <= l.since + (now_ms() - t + 1) * online,
	   "its time goes by, that of all CPUs");
	move(M "/l", k.pid);
	run(&k, BURN, 150);
	ok(load_of(M "/l", &l) && l.time >= 150 && l.time == usage(M "/l") / MS &&
	   l.accumulated == l.time, "time is what was used in it: %ld ms", l.time);
	since = l.since;

	err(put(PARAM, "1"), 0, "an interval of a second");
	eq(getnum(PARAM), 1, "it reads 1");
	ok(wait_for(load_of(M "/l", &l) && l.since < since), "ends the long one");
	ok(wait_for(load_of(M "/l", &l) && !l.time && l.accumulated >= 150 && !l.load),
	   "in the next one nothing is used");

	kid_send(&k, SPIN * ARG);
	for (int i = 0; i < 100; i++) {
		load_of(M "/l", &l);
		want = l.since ? (l.time * 100 + l.since / 2) / l.since : 0;
		/* the two times are cut to ms */
		if (l.since > 250 * online && labs(l.load - want) > 1) {
			diag("time %ld since %ld load %ld", l.time, l.since, l.load);
			one = false;
		}
		below &= l.load >= 0 && l.load <= 100 && l.time <= l.accumulated &&
			 l.time <= l.since + online;
		msleep(20);
	}
	ok(one, "load is time in per cent of the CPUs' time since the interval began");
	ok(below, "never more than there was");
	ok(wait_for(load_of(M "/l", &l) && l.since > 300 * online &&
		    l.load >= 80 / online && l.load <= 110 / online + 1),
	   "a busy loop is one CPU of %ld: load %ld", online, l.load);
	reap(k.pid);
	close(k.fd);
	ok(wait_for(load_of(M "/l", &l) && !l.load && !l.time), "after it: 0");
	ok(l.accumulated > 150, "accumulated time stays");
	err(put(PARAM, "10"), 0, "back to ten seconds");
	removed(M "/l");
}

/* --- the beginning --------------------------------------------------------- */

static void test_bind(void)
{
	long before = now_ms(), after, u, v[MAX_CPUS], sum, user, sys;
	struct load l;

	err(cmount(M, "cpuacct"), 0, "mounted");
	after = now_ms();
	ok(load_of(M, &l) && l.since >= 0 && l.since <= (now_ms() - before + 1) * ncpus,
	   "the first interval begins when cpuacct is bound");
	u = usage(M);
	ok(u >= 0 && u <= (now_ms() - before + 1) * MS * ncpus,
	   "the root begins at 0 then: %ld ns", u);
	ok(stat_of(M, &user, &sys) && (user + sys) * TICK <= usage(M), "and so does its stat");
	ok(percpu(M "/cpuacct.usage_percpu", v, &sum) == ncpus && sum >= u, "and each CPU");
	msleep(30);
	ok(load_of(M, &l) && l.since >= now_ms() - after - 20000, "the interval goes on");
}

static void test_rebind(void)
{
	long u;

	burn(200);
	u = usage(M);
	ok(u >= 200 * MS, "the root has used something");
	put(PARAM, "3");
	err(cumount(M), 0, "unmounted");
	ok(!strstr(get("/proc/containers"), "sched_migrate_task: armed"), "the hook is off");
	eq(getnum(PARAM), 3, "load_interval keeps");
	test_bind();
	ok(usage(M) < u, "a new hierarchy begins anew");
	put(PARAM, "10");
	err(cumount(M), 0, "unmounted");
}

int main(void)
{
	int log;

	setup();
	ncpus = sysconf(_SC_NPROCESSORS_CONF);
	log = kmsg_open();
	CASE(test_bind());
	CASE(test_files());
	CASE(test_bad_writes());
	CASE(test_removed());
	CASE(test_busy());
	CASE(test_reset());
	CASE(test_load());
	CASE(test_rebind());
	silent(log);
	finish();
}
