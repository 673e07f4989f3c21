// SPDX-License-Identifier: GPL-2.0
/*
 * Mounting: every option of it, what an equal, overlapping or named set means,
 * what /proc/mounts says, remount, dissolving, autoload, the new mount calls,
 * and parallel mounts.  More of what is refused is in t_mountrefused.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include "cpusets.h"
#include "mounts.h"

static void test_set(void)
{
	struct hier h;
	struct statfs st;
	pid_t p = sleeper();

	err(cmount(M, "cpuacct"), 0, "mount -o cpuacct");
	ok(hier("cpuacct", &h), "the hierarchy is in /proc/containers");
	ok(h.nr > 0 && h.containers == 1 && h.sactive > 0,
	   "it has a number, one container, and s_active");
	ok(listed(M "/tasks", 1) && listed(M "/tasks", 2) &&
	   listed(M "/tasks", getpid()) && listed(M "/tasks", p),
	   "every task enters the root container: init, kthreadd, test, child");
	streq(where(p, "cpuacct"), "/", "/proc says so, too");
	reap(p);
	err(E(statfs(M, &st)), 0, "statfs");
	eq(st.f_type, 0x27e0eb, "statfs type");
	err(mounts_same("cpuacct"), 0, "an equal set is the same tree");
	err(mounts_same(shown_options(M)), 0,
	    "the options in /proc/mounts mount it again (%s)",
	    shown_options(M));
	ok(hier("cpuacct", &h), "an unmount that is not the last dissolves nothing");
	err(cumount(M), 0, "last unmount");
	ok(!hier("cpuacct", &h), "the hierarchy is dissolved");
	ok(strstr(get("/proc/containers"), "name=cpuacct hierarchy=0\n"),
	   "its subsystem is back in the dummy hierarchy");
	ok(!where(getpid(), "cpuacct"), "the tasks have left it");
}

static void test_all(void)
{
	const char *set = registered(", "), *other = other_subsys();
	struct hier h;

	if (other)
		set = registered(", ");
	err(cmount(M, NULL), 0, "mount without options");
	ok(hier(set, &h), "binds every registered subsystem (%s)", set);
	err(mounts_same("all"), 0, "-o all is the same");
	err(mounts_same(""), 0, "an empty option string is the same");
	err(mounts_same(registered(",")), 0, "naming each of them is the same");
	err(mounts_same("all,cpuacct"), 0, "all with one of them, too");
	err(mounts_same("cpuacct,all,all"), 0, "in any order");
	err(mounts_same(shown_options(M)), 0,
	    "the options in /proc/mounts mount it again (%s)",
	    shown_options(M));
	err(E(mount("x", M, "container", MS_REMOUNT | MS_RDONLY, NULL)), 0,
	    "remount read-only");
	err(E(mkdir(M "/a", 0755)), EROFS, "mkdir in a read-only mount");
	err(cmount(M2, "all"), 0, "a mount of the same that is not read-only");
	err(E(mkdir(M2 "/a", 0755)), 0, "is not");
	err(E(mkdir(M "/b", 0755)), EROFS, "while the first one still is");
	err(E(rmdir(M2 "/a")), 0, "rmdir");
	err(cumount(M2), 0, "unmount it");
	err(E(mount("x", M, "container", MS_REMOUNT, "all")), 0,
	    "remount read-write, with the same set");
	if (other) {
		err(cmount(M2, "cpuacct"), EBUSY, "a subset of a bound set");
		err(cumount(M), 0, "unmount");
		err(cmount(M, "cpuacct"), 0, "mount one of them");
		err(cmount(M2, P("cpuacct,%s", other)), EBUSY,
		    "a superset of a bound set");
		err(cmount(M2, NULL), EBUSY,
		    "everything, while one is bound elsewhere");
		err(E(mount("x", M, "container", MS_REMOUNT,
			    P("cpuacct,%s", other))), EBUSY,
		    "a remount that adds a subsystem");
		err(cmount(M2, other), 0, "a disjoint set: another hierarchy");
		ok(hier("cpuacct", &h) && hier(other, &h),
		   "both are in /proc/containers");
		ok(!same_tree(M, M2), "the trees are distinct");
		rmdir(M "/probe");
		err(cumount(M2), 0, "unmount the other");
		err(cumount(M), 0, "unmount");
		err(cmount(M, P("%s,cpuacct", other)), 0, "a set of two");
		err(mounts_same(P("cpuacct,%s", other)), 0,
		    "in another order it is the same");
	} else {
		skip("overlapping sets # no second subsystem");
	}
	err(cumount(M), 0, "unmount");
	rmdir(M2);
}

static void test_names(void)
{
	const char *other = other_subsys();

	err(cmount(M, "none,name=x"), 0, "mount -o none,name=x");
	streq(where(getpid(), "name=x"), "/", "/proc/PID/container has it");
	err(mounts_same("name=x"), 0, "the name alone is the same tree");
	err(mounts_same("none,name=x"), 0, "none and the name, too");
	err(mounts_same("name=x,none"), 0, "in any order");
	err(mounts_same(shown_options(M)), 0,
	    "the options in /proc/mounts mount it again (%s)",
	    shown_options(M));
	err(cmount(M2, "cpuacct,name=x"), EBUSY,
	    "a name that is taken by another set");
	err(cmount(M2, "none,name=y"), 0, "none under another name: a new one");
	ok(!same_tree(M, M2), "it is a tree of its own");
	rmdir(M "/probe");
	err(cumount(M2), 0, "unmount it");
	err(E(mount("x", M, "container", MS_REMOUNT, "none,name=x")), 0,
	    "remount of the same");
	err(E(mount("x", M, "container", MS_REMOUNT, "cpuacct,name=x")), EBUSY,
	    "a remount that changes the set");
	err(E(mount("x", M, "container", MS_REMOUNT, "none,name=z")), EBUSY,
	    "a remount that changes the name");
	err(E(mount("x", M, "container", MS_REMOUNT, "none,all,name=x")), EINVAL,
	    "a remount whose options contradict each other");
	err(mounts_same("none,name=x"), 0, "none of them changed anything");
	err(cumount(M), 0, "unmount");
	err(cmount(M, "name=x"), ENOENT, "the name has gone with it");

	err(cmount(M, "cpuacct,name=x"), 0, "a subsystem and a name");
	err(mounts_same("name=x"), 0, "asked for by name");
	err(mounts_same("cpuacct"), 0, "asked for by set");
	err(mounts_same("name=x,cpuacct"), 0, "asked for by both");
	err(mounts_same(shown_options(M)), 0, "asked for as shown (%s)",
	    shown_options(M));
	err(cmount(M2, "cpuacct,name=y"), EBUSY, "an equal set, another name");
	err(cmount(M2, "none,name=x"), EBUSY, "the name for none");
	if (other)
		err(cmount(M2, P("%s,name=x", other)), EBUSY,
		    "the name for another subsystem");
	else
		skip("the name for another subsystem # there is no other");
	streq(where(getpid(), "name=x,cpuacct"), "/",
	      "/proc/PID/container: the name precedes the subsystem");
	err(cumount(M), 0, "unmount");

	err(cmount(M, "cpuacct"), 0, "a set without a name");
	err(cmount(M2, "cpuacct,name=y"), EBUSY, "the set under a name");
	err(cumount(M), 0, "unmount");
	rmdir(M2);
}

static void test_release_agent(void)
{
	err(cmount(M, "cpuacct"), 0, "mount without release_agent");
	streq(get(M "/release_agent"), "\n", "release_agent is empty");
	err(cmount(M2, "cpuacct,release_agent=/bin/a"), EBUSY,
	    "a release_agent where the hierarchy has none");
	err(put(M "/release_agent", "/bin/b"), 0, "write release_agent");
	err(mounts_same("cpuacct,release_agent=/bin/b"), 0,
	    "the same release_agent now");
	err(mounts_same(shown_options(M)), 0, "asked for as shown (%s)",
	    shown_options(M));
	err(cumount(M), 0, "unmount");

	err(cmount(M, "release_agent=/bin/a,cpuacct"), 0,
	    "mount with release_agent");
	streq(get(M "/release_agent"), "/bin/a\n", "it is in the file");
	ok(strstr(shown_options(M), "release_agent=/bin/a"),
	   "it is in /proc/mounts (%s)", shown_options(M));
	err(mounts_same("cpuacct,release_agent=/bin/a"), 0, "the same again");
	err(cmount(M2, "cpuacct,release_agent=/bin/b"), EBUSY,
	    "another release_agent");
	streq(get(M "/release_agent"), "/bin/a\n", "which changed nothing");
	err(cumount(M), 0, "unmount");

	err(cmount(M, "none,name=x,release_agent=/bin/a"), 0,
	    "none, a name and a release_agent");
	streq(get(M "/release_agent"), "/bin/a\n", "it is in the file");
	err(mounts_same(shown_options(M)), 0, "asked for as shown (%s)",
	    shown_options(M));
	err(cumount(M), 0, "unmount");
	rmdir(M2);
}

static void test_noprefix(void)
{
	err(cmount(M, "cpuacct"), 0, "mount without noprefix");
	ok(!strstr(shown_options(M), "noprefix"), "/proc/mounts has no noprefix");
	err(cmount(M2, "cpuacct,noprefix"), EBUSY, "noprefix on top of it");
	err(cumount(M), 0, "unmount");
	err(cmount(M, "cpuacct,noprefix"), 0, "mount with noprefix");
	ok(strstr(shown_options(M), "noprefix"), "noprefix is in /proc/mounts");
	err(mounts_same("noprefix,cpuacct"), 0, "noprefix again");
	err(mounts_same(shown_options(M)), 0, "asked for as shown (%s)",
	    shown_options(M));
	ok(!access(M "/cpuacct.usage", F_OK),
	   "the files of other subsystems than cpuset keep their prefix");
	err(cumount(M), 0, "unmount");
	if (modprobe("container_cpuset")) {
		skip("cpuset's files under noprefix # no cpuset");
		rmdir(M2);
		return;
	}
	err(cmount(M, "cpuset,noprefix"), 0, "cpuset with noprefix");
	ok(!access(M "/cpus", F_OK) && !access(M "/mems", F_OK) &&
	   access(M "/cpuset.cpus", F_OK), "its files have no prefix");
	err(cumount(M), 0, "unmount");
	err(cmount(M, "cpuset"), 0, "cpuset without noprefix");
	ok(!access(M "/cpuset.cpus", F_OK) && access(M "/cpus", F_OK),
	   "its files have the prefix");
	err(cumount(M), 0, "unmount");
	rmdir(M2);
}

static void test_clone_children(void)
{
	err(cmount(M, "cpuacct"), 0, "mount without clone_children");
	ok(!strstr(shown_options(M), "clone_children"), "/proc/mounts has none");
	err(cmount(M2, "cpuacct,clone_children"), EBUSY, "clone_children on top of it");
	err(cumount(M), 0, "unmount");
	err(cmount(M, "cpuacct,clone_children"), 0, "mount with clone_children");
	ok(strstr(shown_options(M), "clone_children"), "it is in /proc/mounts");
	err(mounts_same(shown_options(M)), 0, "asked for as shown (%s)",
	    shown_options(M));
	err(mounts_same("cpuacct"), 0, "the set alone is the same tree");
	err(cumount(M), 0, "unmount");
	err(cmount(M, "none,name=x,clone_children"), 0, "with none, too");
	err(cumount(M), 0, "unmount");
	rmdir(M2);
}

static void test_source(void)
{
	mkdir(M, 0755);
	err(E(mount("any text", M, "container", 0, "cpuacct")), 0,
	    "a mount by a name that is text");
	ok(strstr(get("/proc/mounts"), "any\\040text " M " container "),
	   "shows in /proc/mounts");
	err(cumount(M), 0, "unmount");
}

/* mount(8) of today goes this way, an option at a time. */
static int fs_mount(const char *dir, const char *const *flags,
		    const char *const *strings)
{
	int e = 0, fs = syscall(SYS_fsopen, "container", 0), mnt;

	if (fs < 0)
		return errno;
	for (; !e && *flags; flags++)
		e = E(syscall(SYS_fsconfig, fs, 0, *flags, NULL, 0));
	for (; !e && *strings; strings += 2)
		e = E(syscall(SYS_fsconfig, fs, 1, strings[0], strings[1], 0));
	if (!e)
		e = E(syscall(SYS_fsconfig, fs, 6, NULL, NULL, 0));
	if (!e) {
		mnt = syscall(SYS_fsmount, fs, 0, 0);
		e = mnt < 0 ? errno : 0;
		mkdir(dir, 0755);
		if (!e)
			e = E(syscall(SYS_move_mount, mnt, "", AT_FDCWD, dir, 4));
		if (mnt >= 0)
			close(mnt);
	}
	close(fs);
	return e;
}

#define LIST(...) ((const char *const []){ __VA_ARGS__ __VA_OPT__(,) NULL })

static void test_fsopen(void)
{
	int fs;

	err(fs_mount(M, LIST("cpuacct"), LIST("source", "src", "name", "x",
					      "release_agent", "/bin/a")), 0,
	    "fsopen: set, name, release_agent, source");
	streq(where(getpid(), "name=x,cpuacct"), "/", "the hierarchy is there");
	streq(get(M "/release_agent"), "/bin/a\n", "and the release_agent");
	ok(strstr(get("/proc/mounts"), "src " M " container "),
	   "and the source");
	err(mounts_same("cpuacct,name=x"), 0, "mount(2) finds the same");
	err(fs_mount(M2, LIST("nosuch"), LIST()), ENOENT,
	    "fsopen: an unknown subsystem");
	err(fs_mount(M2, LIST("none"), LIST()), EINVAL,
	    "fsopen: none without a name");
	err(fs_mount(M2, LIST("none"), LIST("name", "a/b")), EINVAL,
	    "fsopen: a bad name");
	err(fs_mount(M2, LIST("cpuacct"), LIST("name", "y")), EBUSY,
	    "fsopen: another name");
	err(cumount(M), 0, "unmount");
	fs = syscall(SYS_fsopen, "container", 0);
	err(fs < 0 ? errno : 0, 0, "an fsopen context");
	err(E(syscall(SYS_fsconfig, fs, 0, "cpuacct", NULL, 0)), 0,
	    "with a subsystem asked for");
	err(E(syscall(SYS_fsconfig, fs, 2, "release_agent", "/bin/true", 9)), EINVAL,
	    "fsopen: an option that is not text");
	close(fs);
	eq(nhiers(), 1, "that is dropped makes no hierarchy");
	err(cmount(M, "cpuacct"), 0, "and binds no subsystem");
	err(cumount(M), 0, "unmount");
	rmdir(M2);
}

/* How long an instruction of a slow function takes. */
#define DELAY "/sys/module/delaytest/parameters/usecs"

/* Has members looked at, under the callback lock; not on the CPU of the test. */
static int slow_read(struct kid *up, void *arg)
{
	set_affinity(0, ~1UL);
	prctl(PR_SET_NAME, "delaytest");
	kid_send(up, 0);
	return get(arg) ? 0 : errno;
}

static void test_show_options(void)
{
	const char *module = modfile("delaytest");
	unsigned long before = affinity(0);
	struct kid reader;
	bool slow = false;

	if (!module || sysconf(_SC_NPROCESSORS_ONLN) < 2 ||
	    modinsert(module, "function=container_for_each_member usecs=300000")) {
		skip("a file that is slow to read # no module, or one CPU");
		return;
	}
	err(cmount(M, "cpuacct,release_agent=/bin/a"), 0, "mount");
	mkdir(M "/a", 0755);
	set_affinity(0, 1);
	/* a busy host may let it come to its end before we look */
	for (int i = 0; i < 5 && !slow; i++) {
		reader = kid_start(slow_read, M "/a/cpuacct.usage");
		kid_recv(&reader);
		msleep(300);
		slow = task_state(reader.pid, reader.pid) != 'Z';
		if (!slow)
			kid_wait(&reader);
	}
	streq(shown_options(M), "cpuacct,release_agent=/bin/a", "/proc/mounts has the options");
	if (slow) {
		ok(task_state(reader.pid, reader.pid) != 'Z',
		   "and has not waited for who reads a file");
		put(DELAY, "0");
		eq(kid_wait(&reader), 0, "which comes to its end");
	} else {
		skip("a file that is slow to read # it was not slow");
	}
	err(rmmod("delaytest"), 0, "it is quick again");
	set_affinity(0, before);
	rmdir(M "/a");
	err(cumount(M), 0, "unmount");
}

/* Sixteen processes mount one set at once, each at its own place. */
static int mounter(struct kid *up, void *arg)
{
	long nr = (long)arg;
	char dir[32];
	int e, rounds;

	sprintf(dir, "/tmp/p%ld", nr);
	kid_recv(up);
	e = cmount(dir, "cpuacct");
	if (!e)
		e = E(mkdir(P("%s/c%ld", dir, nr), 0755));
	kid_send(up, e);
	if (e || kid_recv(up) != 1)
		return 1;
	/* every other's container must be here */
	for (int i = 0; i < 16 && !e; i++)
		e = E(access(P("%s/c%d/tasks", dir, i), F_OK));
	kid_send(up, e);
	kid_recv(up);
	e = E(rmdir(P("%s/c%ld", dir, nr)));
	kid_send(up, e ? e : cumount(dir));
	kid_recv(up);
	/* last unmounts and first mounts meet */
	for (rounds = 0, e = 0; rounds < 25 && !e; rounds++) {
		e = cmount(dir, "cpuacct");
		if (!e)
			e = E(access(P("%s/tasks", dir), F_OK)) | cumount(dir);
	}
	kid_send(up, e);
	return 0;
}

static void test_parallel(void)
{
	static const char *const what[] = {
		"16 parallel mounts of one set",
		"each shows what the others made",
		"16 parallel unmounts",
		"16 times 25 mounts and unmounts at once",
	};
	struct kid k[16];
	struct hier h;
	size_t i, step;
	int e, v;

	for (i = 0; i < 16; i++)
		k[i] = kid_start(mounter, (void *)i);
	for (step = 0; step < ARRAY_SIZE(what); step++) {
		for (i = 0; i < 16; i++)
			kid_send(&k[i], 1);
		for (i = 0, e = 0; i < 16; i++) {
			v = kid_recv(&k[i]);
			if (v)
				e = v;
		}
		err(e, 0, "%s", what[step]);
		if (step == 0)
			ok(hier("cpuacct", &h) && h.containers == 17 &&
			   nhiers() == 2, "they made one hierarchy of 17");
	}
	for (i = 0; i < 16; i++)
		kid_wait(&k[i]);
	for (i = 0; i < 16; i++)
		rmdir(P("/tmp/p%zd", i));
	eq(nhiers(), 1, "all is dissolved after it");
}

static void test_modules(void)
{
	static const char *const along[] = {
		"cpuacct", "cpuset", "numtasks", "bc",
	};
	char core[PATH_MAX] = "", acct[PATH_MAX] = "";
	const char *f;

	eq(unload_all(), 0, "unload everything");
	err(access("/proc/containers", F_OK) ? errno : 0, ENOENT,
	    "/proc/containers has gone");
	err(cmount(M, "cpuacct"), 0, "mount -o cpuacct with nothing loaded");
	ok(modloaded("container_core") && modloaded("container_cpuacct"),
	   "core and cpuacct were loaded by it");
	err(cumount(M), 0, "unmount");
	eq(unload_all(), 0, "unload everything");

	if ((f = modfile("container_core")))
		strcpy(core, f);
	if ((f = modfile("container_cpuacct")))
		strcpy(acct, f);
	if (!*core || !*acct) {
		skip("insmod by path # no module files in /lib/modules");
		return;
	}
	err(modprobe("container_core"), 0, "modprobe container_core");
	for (size_t i = 0; i < ARRAY_SIZE(along); i++) {
		const char *name = P("container_%s", along[i]);

		if (modfile(name))
			ok(modloaded(name), "brings %s", name);
		else
			skip("brings %s # no such module", name);
	}
	ok(!modloaded("container_ns"), "but not container_ns");
	eq(unload_all(), 0, "unload everything");
	err(modinsert(acct, ""), ENOENT, "insmod container_cpuacct before core");
	err(modinsert(core, ""), 0, "insmod container_core");
	refused("all", EINVAL, "no subsystem is registered: load one, such as container_cpuacct");
	err(cmount(M, NULL), EINVAL, "no option when nothing is registered");
	err(cmount(M, "none,name=x"), 0, "none works without any subsystem");
	err(modinsert(acct, ""), 0, "insmod container_cpuacct, one active");
	err(cmount(M2, "cpuacct"), 0, "and mount it");
	err(cumount(M2), 0, "unmount");
	err(cumount(M), 0, "unmount");
	eq(unload_all(), 0, "unload everything");
	err(modinsert(core, ""), 0, "insmod container_core");
	err(cmount(M, "cpuacct"), 0, "mount -o cpuacct loads the subsystem");
	ok(modloaded("container_cpuacct"), "container_cpuacct is loaded");
	err(cumount(M), 0, "unmount");
}

int main(void)
{
	setup();
	CASE(test_set());
	CASE(test_names());
	CASE(test_release_agent());
	CASE(test_noprefix());
	CASE(test_clone_children());
	CASE(test_source());
	CASE(test_fsopen());
	CASE(test_show_options());
	CASE(test_parallel());
	CASE(test_all());
	CASE(test_modules());
	finish();
}
