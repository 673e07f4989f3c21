// SPDX-License-Identifier: GPL-2.0
/*
 * bc: the control files, the functions for other modules, unbinding while something is
 * held, and containers that cannot be removed for what they hold.
 *
 * Workers are in the container A and do as they are told over a channel; the test
 * itself stays in the root, so that nothing it does changes A's figures.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include "bcworkers.h"

static const char *const figures[] = {
	"held", "maxheld", "minheld", "failcnt", "barrier", "limit",
};

/* --- the control files ----------------------------------------------------- */

static void test_files(void)
{
	const char *f;
	bool tree = true, defaults = true, root = true;

	mount_bc();
	make(A);
	for (size_t r = 0; r < ARRAY_SIZE(resources); r++)
		for (size_t i = 0; i < ARRAY_SIZE(figures); i++) {
			bool file = !strcmp(resources[r], "numfiles");
			/* computed when they are read: nobody has read a 0 in the root */
			bool read = !strcmp(resources[r], "physpages") ||
				    !strcmp(resources[r], "kmemsize");
			long v;

			f = P("bc.%s.%s", resources[r], figures[i]);
			if (mode_of(P(A "/%s", f)) != (i < 4 ? 0444 : 0644) ||
			    mode_of(P(M "/%s", f)) != (i < 4 ? 0444 : 0644)) {
				diag("mode of %s", f);
				tree = false;
			}
			v = getnum(P(A "/%s", f));
			if (v != (i < 4 ? 0 : !file ? UNLIMITED : i == 4 ? 256 : 512)) {
				diag("%s in a new container is %ld", f, v);
				defaults = false;
			}
			v = getnum(P(M "/%s", f));
			if (i < 2 || (i == 2 && read) ? v <= 0 : v != (i < 4 ? 0 : UNLIMITED)) {
				diag("%s in the root is %ld", f, v);
				root = false;
			}
		}
	ok(tree, "all files are there, with their modes");
	ok(defaults, "a new container holds nothing, and has the default bounds");
	ok(root, "the root is counted, and unlimited");
	streq(get(A "/bc.numtasks.limit"), "9223372036854775807\n", "unlimited is LONG_MAX");

	/* what can be written, and what is said to the rest */
	for (size_t r = 0; r < ARRAY_SIZE(resources); r++) {
		const char *bar = P(A "/bc.%s.barrier", resources[r]);
		const char *lim = P(A "/bc.%s.limit", resources[r]);
		bool good = true;

		good &= !put(bar, "100") && !put(lim, "200\n");
		good &= getnum(bar) == 100 && getnum(lim) == 200;
		good &= put(bar, "201") == EINVAL && put(lim, "99") == EINVAL;
		good &= !put(bar, " 200 ") && !put(lim, "200") && !put(bar, "0") && !put(lim, "0");
		good &= put(bar, "1") == EINVAL;
		good &= !put(lim, "9223372036854775807") && !put(bar, "9223372036854775807");
		good &= put(lim, "9223372036854775808") == EINVAL;
		good &= put(lim, "99999999999999999999999") == EINVAL;
		good &= put(lim, "-1") == EINVAL && put(lim, "+1") == EINVAL;
		good &= put(lim, "0x10") == EINVAL && put(lim, "1 2") == EINVAL;
		good &= put(lim, "1k") == EINVAL && put(lim, " ") == EINVAL;
		good &= put(lim, "\n") == EINVAL && put(lim, "1\n\n") == EINVAL;
		good &= getnum(bar) == UNLIMITED && getnum(lim) == UNLIMITED;
		ok(good, "bounds of %s: what is taken and what is not", resources[r]);
	}
	err(put(M "/bc.numfiles.limit", "4000000"), EINVAL, "the root: limit below its barrier");
	err(put(M "/bc.numfiles.barrier", "1000000"), 0, "the root's barrier is writable");
	err(put(M "/bc.numfiles.limit", "4000000"), 0, "and its limit");
	eq(bc(M, "numfiles.barrier"), 1000000, "the root's barrier reads back");
	err(open_err(A "/bc.numfiles.held", O_WRONLY), 0, "root may open what has no write bit");
	err(put(A "/bc.numfiles.held", "1"), EINVAL, "held cannot be written");
	err(put(A "/bc.numfiles.maxheld", "0"), EINVAL, "nor can maxheld");
	err(put(A "/bc.numfiles.minheld", "0"), EINVAL, "nor can minheld");
	err(put(A "/bc.numfiles.failcnt", "0"), EINVAL, "nor can failcnt");
	f = get(M "/bc.numtasks.held");
	{
		char big[5000];
		int fd = open(A "/bc.numfiles.limit", O_RDWR | O_CLOEXEC);

		memset(big, '1', sizeof(big));
		err(putn(A "/bc.numfiles.limit", big, sizeof(big)), E2BIG, "more than a page");
		err(E(rmdir(A)), 0, "rmdir");
		err(E(pwrite(fd, "1", 1, 0)), ENODEV, "write after the removal");
		err(E(pread(fd, big, 1, 0)), ENODEV, "read after the removal");
		close(fd);
	}
	err(cumount(M), 0, "unmount");

	mount_bc();
	eq(bc(M, "numfiles.limit"), UNLIMITED, "the root of another hierarchy is unlimited");
	eq(bc(M, "numfiles.barrier"), UNLIMITED, "and so is its barrier");
	err(cumount(M), 0, "unmount");
}

/* --- binding and unbinding with files open ------------------------------------ */

static void test_unbind(void)
{
	struct worker w = worker(NULL);
	char *hooks;

	eq(ask(&w, open_files, 300), 300, "files opened before the mount");
	mount_bc();
	hooks = get("/proc/containers");
	ok(hooks && strstr(hooks, "security_file_alloc: armed missed=0") &&
	   strstr(hooks, "security_file_free: armed missed=0") &&
	   strstr(hooks, "may_expand_vm: armed missed=0"), "the hooks are armed");
	make(A);
	err(movepid(A, w.pid), 0, "worker moves");
	eq(held(A, "numfiles"), 0, "they count nowhere");
	ask(&w, close_files, 100);
	eq(held(A, "numfiles"), 0, "closing them takes nothing off");
	eq(ask(&w, open_files, 50), 50, "opening others");
	eq(held(A, "numfiles"), 50, "counts these");
	ask(&w, close_files, 150);
	eq(held(A, "numfiles"), 0, "closing more than that takes off no more");
	eq(ask(&w, open_files, 50), 50, "some stay open");
	err(rmmod("container_bc"), EAGAIN, "rmmod while bound");
	err(movepid(M, w.pid), 0, "worker back to the root");
	err(E(rmdir(A)), EBUSY, "rmdir with files open");
	err(E(umount(M)), 0, "unmount with a container below");
	ask(&w, close_files, 50);
	mount_bc();
	removed(A);
	eq(ask(&w, open_files, 50), 50, "files of the root");
	err(cumount(M), 0, "unmount with files open");
	hooks = get("/proc/containers");
	ok(hooks && strstr(hooks, "security_file_alloc: off") &&
	   strstr(hooks, "security_file_free: off") && strstr(hooks, "may_expand_vm: off"),
	   "the hooks are off");
	eq(ask(&w, close_files, 20), 20, "some are closed then");
	mount_bc();
	{
		long before = held(M, "numfiles");

		eq(ask(&w, close_files, 30), 30, "the others after another mount");
		eq(held(M, "numfiles"), before, "which is none of its business");
		eq(ask(&w, open_files, 10), 10, "files");
		eq(held(M, "numfiles"), before + 10, "count again");
	}
	err(cumount(M), 0, "unmount");
	err(rmmod("container_bc"), 0, "rmmod with files open");
	eq(ask(&w, close_files, FDS), 110, "which are closed after it");
	err(modprobe("container_bc"), 0, "load it again");
	eq(quit(&w), 0, "worker ends");
}

/* --- other modules -------------------------------------------------------------- */

#define CMD "/sys/kernel/debug/container_bctest/cmd"

enum { KMEMSIZE, PRIVVMPAGES, PHYSPAGES, NUMTASKS, NUMFILES };
enum { BARRIER, LIMIT, FORCE };

/* The write is what charges, so that its file should not be: it stays open. */
static int cmd_fd = -1;

static long open_cmd(long arg)
{
	(void)arg;
	cmd_fd = open(CMD, O_WRONLY | O_CLOEXEC);
	return cmd_fd < 0 ? errno : 0;
}

static long charge(long what)
{
	char buf[64];
	int n = sprintf(buf, "charge %ld %ld %ld", what >> 40, what >> 8 & 0xffffffff, what & 0xff);

	return E(write(cmd_fd, buf, n));
}

static long uncharge(long arg)
{
	(void)arg;
	return E(write(cmd_fd, "uncharge", 8));
}

#define CHARGE(res, n, severity) ((long)(res) << 40 | (long)(n) << 8 | (severity))

static void test_api(void)
{
	struct worker w;

	if (modprobe("container_bctest"))
		bail("container_bctest does not load");
	mount_bc();
	make(A);
	w = worker(NULL);
	eq(ask(&w, open_cmd, 0), 0, "a worker opens the command file in the root");
	err(movepid(A, w.pid), 0, "and moves");
	bound(A, "numfiles", 10, 20);
	eq(ask(&w, charge, CHARGE(NUMFILES, 10, BARRIER)), 0, "charge to the barrier");
	eq(held(A, "numfiles"), 10, "held");
	eq(ask(&w, charge, CHARGE(NUMFILES, 1, BARRIER)), EMFILE, "no more with that severity");
	eq(ask(&w, charge, CHARGE(NUMFILES, 11, LIMIT)), EMFILE, "nor more than the limit");
	eq(ask(&w, charge, CHARGE(NUMFILES, 9, LIMIT)), 0, "less is fine");
	eq(ask(&w, open_files, 10), 1, "files and others' charges have the limit in common");
	eq(ask(&w, charge, CHARGE(NUMFILES, 100, FORCE)), 0, "force never fails");
	eq(held(A, "numfiles"), 120, "held");
	eq(bc(A, "numfiles.maxheld"), 120, "maxheld");
	eq(bc(A, "numfiles.failcnt"), 3, "failcnt");
	eq(ask(&w, charge, CHARGE(NUMTASKS, 1, LIMIT)), EINVAL, "numtasks follow the members");
	eq(ask(&w, charge, CHARGE(PRIVVMPAGES, 1, FORCE)), EINVAL, "and so do privvmpages");
	eq(ask(&w, charge, CHARGE(5, 1, FORCE)), EINVAL, "no such resource");
	{
		long before = held(A, "kmemsize");

		eq(ask(&w, charge, CHARGE(KMEMSIZE, 12345, BARRIER)), 0, "kmemsize");
		eq(held(A, "kmemsize"), before + 12345, "is added to what is found");
		bound(A, "kmemsize", 0, 0);
		eq(ask(&w, charge, CHARGE(KMEMSIZE, 5, BARRIER)), 0, "and never refused");
		eq(bc(A, "kmemsize.failcnt"), 0, "and does not fail");
	}
	ask(&w, close_files, 1);
	err(movepid(M, w.pid), 0, "the member leaves");
	err(E(rmdir(A)), EBUSY, "charges keep the container");
	for (int i = 0; i < 5; i++)
		eq(ask(&w, uncharge, 0), 0, "uncharge");
	eq(ask(&w, uncharge, 0), ENOENT, "all is given back");
	removed(A);

	/* in the root, and over its unbinding */
	{
		long before = held(M, "numfiles");

		eq(ask(&w, charge, CHARGE(NUMFILES, 1000, LIMIT)), 0, "the root can be charged");
		eq(held(M, "numfiles"), before + 1000, "held");
		err(rmmod("container_bc"), EAGAIN, "a user keeps the module");
		err(cumount(M), 0, "unmount");
		err(rmmod("container_bc"), EAGAIN, "then, too");
		eq(ask(&w, charge, CHARGE(NUMFILES, 5, LIMIT)), 0, "a charge while unbound");
		mount_bc();
		ok(held(M, "numfiles") >= 1005, "what others have charged stays over a mount");
		before = held(M, "numfiles");
		eq(ask(&w, uncharge, 0), 0, "uncharge");
		eq(ask(&w, uncharge, 0), 0, "uncharge");
		eq(held(M, "numfiles"), before - 1005, "held");
	}
	eq(quit(&w), 0, "worker ends");
	err(cumount(M), 0, "unmount");
	err(rmmod("container_bctest"), 0, "rmmod of the user");
}

/* What somebody else has patched cannot be hooked: then there is no bc, or less of it. */
static void test_occupied(void)
{
	static const struct {
		const char *name;
		int error;
	} functions[] = { { "security_file_alloc", EBUSY }, { "may_expand_vm", 0 } };

	err(modprobe("container_bctest"), 0, "a module that patches functions");
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		if (put(CMD, "occupy %s", functions[i].name)) {
			skip("%s # not in this kernel", functions[i].name);
			continue;
		}
		err(cmount(M, "bc"), functions[i].error, "a mount with bc, without %s",
		    functions[i].name);
		if (!functions[i].error)
			err(cumount(M), 0, "unmount");
		eq(nhiers(), 1, "leaves nothing");
		err(cmount(M, "none,name=x"), 0, "one without it is not");
		err(cumount(M), 0, "unmount");
		err(put(CMD, "vacate"), 0, "the patch goes");
		mount_bc();
		err(cumount(M), 0, "unmount");
	}
	err(rmmod("container_bctest"), 0, "the module goes");
}

int main(void)
{
	setup_bc();
	CASE(test_files());
	CASE(test_unbind());
	CASE(test_api());
	CASE(test_occupied());
	finish();
}
