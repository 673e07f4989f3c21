// SPDX-License-Identifier: GPL-2.0
/*
 * Nobody may mount without privileges in the initial user namespace, whatever he is in
 * another; and such a try loads no subsystem.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "lib.h"

#define M "/tmp/m"

static const char *opts;	/* of the mount that is tried */
static int before;		/* flags to unshare before it */

static int try_mount(void *arg)
{
	if (before && unshare(before))
		return 200;
	return E(mount("x", arg, "container", 0, opts));
}

/* By the new calls, where the check is made at another time. */
static int try_fsopen(void *arg)
{
	int e, fs, mnt;

	(void)arg;
	if (before && unshare(before))
		return 200;
	fs = syscall(SYS_fsopen, "container", 0);
	if (fs < 0)
		return errno;
	e = E(syscall(SYS_fsconfig, fs, 0, opts, NULL, 0));
	if (!e)
		e = E(syscall(SYS_fsconfig, fs, 6, NULL, NULL, 0));
	if (!e) {
		mnt = syscall(SYS_fsmount, fs, 0, 0);
		e = mnt < 0 ? errno : 0;
	}
	return e;
}

static int try_remount(void *arg)
{
	if (before && unshare(before))
		return 200;
	return E(mount("x", arg, "container", MS_REMOUNT, "cpuacct"));
}

static void refused(uid_t uid, int (*fn)(void *), const char *what)
{
	int e = as_user(uid, fn, M);

	if (e == 200)
		skip("uid %d, %s # no user namespaces for it", uid, what);
	else
		err(e, EPERM, "uid %d, %s", uid, what);
}

static void all_refused(const char *when)
{
	static const char *const sets[] = {
		"cpuacct", "none,name=u", "nosuch", "all",
	};
	static const uid_t uids[] = { 0, 1000 };

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		opts = sets[i];
		before = 0;
		refused(1000, try_mount, P("mount -o %s, %s", opts, when));
		before = CLONE_NEWUSER | CLONE_NEWNS;
		for (size_t j = 0; j < ARRAY_SIZE(uids); j++) {
			refused(uids[j], try_mount,
				P("mount -o %s in a user namespace, %s", opts,
				  when));
			if (!strchr(opts, ','))
				refused(uids[j], try_fsopen,
					P("fsopen, %s in a user namespace, %s",
					  opts, when));
		}
	}
}

int main(void)
{
	setup();
	mkdir(M, 0755);
	rmmod("container_cpuacct");
	ok(!modloaded("container_cpuacct"), "cpuacct is not loaded");
	all_refused("cpuacct unloaded");
	ok(!modloaded("container_cpuacct"), "none of them loaded it");
	eq(nhiers(), 1, "nor made a hierarchy");
	modprobe("container_cpuacct");
	all_refused("nothing active");
	err(cmount(M, "cpuacct"), 0, "root mounts cpuacct");
	all_refused("the set active");
	before = 0;
	refused(1000, try_remount, "remount");
	before = CLONE_NEWUSER | CLONE_NEWNS;
	refused(0, try_remount, "remount in a user namespace");
	eq(nhiers(), 2, "nothing has changed");
	err(cumount(M), 0, "unmount");
	finish();
}
