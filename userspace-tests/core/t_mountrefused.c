// SPDX-License-Identifier: GPL-2.0
/*
 * Mounts that are refused: every error of every option, that it changes nothing, what the logs
 * say of it, and what users without privileges are told.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include "mounts.h"

static void test_bad(void)
{
	static char xs[4096], n63[10 + 63 + 1], n64[10 + 64 + 1];
	const struct {
		const char *opts, *what;
		int e;
	} t[] = {
		{ "nosuch", "an unknown subsystem", ENOENT },
		{ "cpuacct,nosuch", "a known and an unknown one", ENOENT },
		{ "../x", "a name that is a path", ENOENT },
		{ "cpuacct,,cpuacct", "an empty token", EINVAL },
		{ ",cpuacct", "a leading comma", EINVAL },
		{ "cpuacct,", "a trailing comma", EINVAL },
		{ ",", "only a comma", EINVAL },
		{ "name=x,,none", "an empty token beside a name", EINVAL },
		{ "none", "none without a name", EINVAL },
		{ "none,cpuacct,name=x", "none with a subsystem", EINVAL },
		{ "cpuacct,none,name=x", "a subsystem with none", EINVAL },
		{ "none,all,name=x", "none with all", EINVAL },
		{ "none,all,cpuacct,name=x", "none with all and one", EINVAL },
		{ "all,nosuch", "all with an unknown subsystem", ENOENT },
		{ "cpuacct=1", "a subsystem with a value", EINVAL },
		{ "cpuacct,clone_children=1", "a flag with a value", EINVAL },
		{ "none,name=", "an empty name", EINVAL },
		{ "none,name=a/b", "a slash in the name", EINVAL },
		{ "none,name=a b", "a blank in the name", EINVAL },
		{ "none,name=a:b", "a colon in the name", EINVAL },
		{ "none,name=a\nb", "a newline in the name", EINVAL },
		{ "none,name=\303\251", "a letter beyond ASCII", EINVAL },
		{ n64, "a name of 64 characters", EINVAL },
		{ "none,name=a,name=b", "two names", EINVAL },
		{ "name=absent", "a name alone that does not exist", ENOENT },
		{ "cpuacct,release_agent=/a,release_agent=/b", "two agents",
		  EINVAL },
		{ xs, "a page of nonsense", ENOENT },
	};
	const char *before, *active[] = { NULL, "cpuacct" };
	size_t i, j;

	memset(xs, 'x', sizeof(xs) - 1);
	snprintf(n63, sizeof(n63), "none,name=%.63s", xs);
	snprintf(n64, sizeof(n64), "none,name=%.64s", xs);
	err(cmount(M, n63), 0, "a name of 63 characters");
	err(cumount(M), 0, "unmount");
	err(cmount(M, "none,name=Az09._-"), 0, "every kind of character");
	err(cumount(M), 0, "unmount");

	for (j = 0; j < ARRAY_SIZE(active); j++) {
		if (active[j])
			err(cmount(M, active[j]), 0, "mount -o %s", active[j]);
		before = world();
		for (i = 0; i < ARRAY_SIZE(t); i++)
			err(cmount(M2, t[i].opts), t[i].e, "%s (%.40s)%s",
			    t[i].what, t[i].opts,
			    active[j] ? ", one active" : "");
		streq(world(), before, "failed mounts changed nothing%s",
		      active[j] ? ", one active" : "");
		if (active[j])
			err(cumount(M), 0, "unmount");
	}
	rmdir(M2);
}

static int mount_as_user(void *arg)
{
	(void)arg;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return -1;
	return E(mount("x", "/tmp", "container", 0, "no-such-option"));
}

static int fsopen_as_user(void *arg)
{
	int fs, e;

	(void)arg;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return -1;
	fs = syscall(SYS_fsopen, "container", 0);
	if (fs < 0)
		return -1;
	e = E(syscall(SYS_fsconfig, fs, 0, "no-such-option", NULL, 0));
	if (e == EPERM && !strstr(fs_log(fs), "CAP_SYS_ADMIN"))
		return 1;
	return e;
}

static void test_refusals(void)
{
	const char *other = other_subsys();
	char *text;
	int i, e, kmsg;

	refused("nosuch", ENOENT, "\"nosuch\" is neither an option nor a subsystem");
	refused("cpuacct,nosuch", ENOENT, "\"nosuch\" is neither an option nor a subsystem");
	refused("../x", ENOENT, "\"../x\" is neither an option nor a subsystem");
	refused("cpuacct=1", EINVAL, "\"cpuacct\" takes no value");
	refused("none", EINVAL, "none needs name=");
	refused("none,cpuacct,name=x", EINVAL, "none excludes subsystems and all");
	refused("name=a/b", EINVAL, "name= takes 1-63");
	refused("none,name=a,name=b", EINVAL, "name= is given twice");
	refused("cpuacct,release_agent=/a,release_agent=/b", EINVAL,
		"release_agent= is given twice");
	refused("cpuacct,release_agent", EINVAL, "release_agent= takes a path");
	kmsg = kmsg_open();
	err(cmount(M2, "cpuacct,"), EINVAL, "mount: an empty option");
	kmsg_lines(kmsg, &text);
	eq(count_of(text, "an option is empty"), 1, "the kernel log says why, once");
	close(kmsg);
	refused("name=absent", ENOENT, "no hierarchy is named absent");
	err(cmount(M, "cpuacct,name=first"), 0, "mount -o cpuacct,name=first");
	refused("cpuacct,name=second", EBUSY,
		"hierarchy 1 (name=first,cpuacct) is active without that name=");
	refused("cpuacct,noprefix", EBUSY,
		"hierarchy 1 (name=first,cpuacct) is active without that noprefix");
	refused("cpuacct,release_agent=/x", EBUSY, "without that release_agent=");
	refused("cpuacct,clone_children", EBUSY, "without that clone_children");
	refused("none,name=first", EBUSY,
		"the name is taken by hierarchy 1 (name=first,cpuacct)");
	if (other) {
		refused(P("%s,cpuacct", other), EBUSY,
			"cpuacct is taken by hierarchy 1 (name=first,cpuacct)");
		refused("all", EBUSY, "cpuacct is taken by hierarchy 1");
	}
	kmsg = kmsg_open();
	err(E(mount("x", M, "container", MS_REMOUNT, "none,name=z")), EBUSY,
	    "a remount with other options");
	kmsg_lines(kmsg, &text);
	ok(strstr(text, "a remount cannot change what is bound"), "the log says why");
	close(kmsg);
	err(cumount(M), 0, "unmount");

	/* an unprivileged user can have it say something, but not what, nor all day */
	kmsg = kmsg_open();
	e = as_user(65534, fsopen_as_user, NULL);
	if (e == 255) {
		skip("an unprivileged mount # no user namespaces");
		close(kmsg);
		rmdir(M2);
		return;
	}
	err(e, EPERM, "fsopen by an unprivileged user, who is told why");
	err(as_user(65534, mount_as_user, NULL), EPERM, "mount by an unprivileged user");
	kmsg_lines(kmsg, &text);
	eq(count_of(text, "CAP_SYS_ADMIN"), 2, "the kernel log says why");
	for (i = 0; i < 30; i++)
		as_user(65534, mount_as_user, NULL);
	close(kmsg);
	kmsg = kmsg_open();
	for (i = 0; i < 30; i++)
		as_user(65534, mount_as_user, NULL);
	kmsg_lines(kmsg, &text);
	ok(count_of(text, "CAP_SYS_ADMIN") < 30 && !strstr(text, "no-such-option"),
	   "but not each time, and not what the user wrote");
	close(kmsg);
	rmdir(M2);
}

/* Hierarchies run out, and their numbers are used again. */
static void test_limit(void)
{
	int n, e = 0, second = 0;
	const char *before;
	struct hier h;

	for (n = 0; n < 255; n++) {
		before = world();
		e = cmount(P("/tmp/h%d", n), P("none,name=h%d", n));
		if (e)
			break;
	}
	err(e, ENOSPC, "no hierarchy is left after %d", n);
	ok(n >= 1, "there was room for at least one");
	eq(nhiers(), n + 1, "/proc/containers has a line for each");
	streq(world(), before, "the mount that failed changed nothing");
	err(cmount(P("/tmp/h%d", n), "cpuacct"), ENOSPC, "nor for a subsystem");
	refused("none,name=more", ENOSPC,
		P("all %d hierarchies are in use (MAX_CONTAINER_HIERARCHIES)", n));
	err(cmount(P("/tmp/h%d", n), "name=h0"), 0,
	    "an active one can be mounted again");
	err(cumount(P("/tmp/h%d", n)), 0, "unmount");
	if (n >= 2) {
		err(cumount("/tmp/h0"), 0, "unmount the first");
		err(cmount("/tmp/h0", "cpuacct"), 0, "another takes its place");
		second = hier("cpuacct", &h) ? h.nr : -1;
		eq(second, 1, "and its number");
	}
	while (n-- > 0)
		if (cumount(P("/tmp/h%d", n)))
			diag("/tmp/h%d: %s", n, strerror(errno));
	eq(nhiers(), 1, "all are dissolved");
	rmdir(M2);
}

int main(void)
{
	setup();
	CASE(test_bad());
	CASE(test_refusals());
	CASE(test_limit());
	finish();
}
