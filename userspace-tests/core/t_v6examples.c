// SPDX-License-Identifier: GPL-2.0
/*
 * The examples of V6's documentation, typed as in 2006 but for one option: a container
 * Charlie in a hierarchy of all subsystems, and in one of cpuset. And without the
 * option, as they stand there: the log says what is missing.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include "lib.h"

#define DEV "/dev/container"
#define TYPED "/tmp/typed"
#define SHOWN "/tmp/shown"

static int run_typed(void *arg)
{
	(void)arg;
	if (!freopen(TYPED, "r", stdin) || !freopen(SHOWN, "w", stdout) || dup2(1, 2) != 2)
		return 99;
	execl("/bin/sh", "sh", NULL);
	return 98;
}

/* What a shell shows that reads the example. The second shell reads on where it is. */
static const char *type(const char *mount_line)
{
	char *shown, *line, *save;
	FILE *f = fopen(TYPED, "w");

	fprintf(f, "%s\n"
		"cd " DEV "\n"
		"mkdir Charlie\n"
		"cd Charlie\n"
		"/bin/echo $$ > tasks\n"
		"sh <<'EOF'\n"
		"# The subshell 'sh' is now running in container Charlie\n"
		"# The next line should display '/Charlie'\n"
		"cat /proc/self/container\n"
		"EOF\n", mount_line);
	fclose(f);
	diag("# %s", mount_line);
	eq(in_child(run_typed, NULL), 0, "the example is typed");
	shown = get(SHOWN);
	shown = strdup(shown ? shown : "");
	for (line = strtok_r(strdup(shown), "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		diag("%s", line);
	return shown;
}

static void example(const char *mount_line, const char *set)
{
	const char *shown = type(mount_line);

	streq(shown, P("%s:/Charlie\n", set), "it displays /Charlie, and nothing else");
	if (!access(DEV "/cpuset.cpus", F_OK)) {
		streq(get(DEV "/Charlie/cpuset.cpus"), get(DEV "/cpuset.cpus"),
		      "Charlie has the CPUs of the root");
		streq(get(DEV "/Charlie/cpuset.mems"), get(DEV "/cpuset.mems"),
		      "and its memory nodes");
	}
	ok(wait_for(nids(DEV "/Charlie/tasks") == 0), "all have left Charlie");
	err(E(rmdir(DEV "/Charlie")), 0, "rmdir Charlie");
	err(E(umount(DEV)), 0, "unmount");
}

/* To the letter: nobody can enter, and the log says once which file is empty. */
static void to_the_letter(const char *mount_line)
{
	int kmsg = kmsg_open();
	const char *shown = type(mount_line);
	char *text, *first;

	ok(strstr(shown, "No space left on device"), "echo says ENOSPC");
	ok(strstr(shown, ":/\n"), "the shell has stayed in the root");
	err(movepid(DEV "/Charlie", getpid()), ENOSPC, "another try");
	kmsg_lines(kmsg, &text);
	close(kmsg);
	first = strstr(text, "no task can enter: cpuset.cpus and cpuset.mems are empty");
	ok(first, "the log says what is empty (%.120s)", text);
	ok(first && !strstr(first + 1, "no task can enter"), "once");
	err(put(DEV "/Charlie/cpuset.cpus", "0"), 0, "CPUs");
	kmsg = kmsg_open();
	err(movepid(DEV "/Charlie", getpid()), ENOSPC, "nobody can enter yet");
	kmsg_lines(kmsg, &text);
	close(kmsg);
	ok(strstr(text, "/Charlie: no task can enter: cpuset.mems is empty"),
	   "the log says what is still empty");
	err(put(DEV "/Charlie/cpuset.mems", "0"), 0, "memory nodes");
	err(movepid(DEV "/Charlie", getpid()), 0, "now one can");
	err(movepid(DEV, getpid()), 0, "and leave");
	err(E(rmdir(DEV "/Charlie")), 0, "rmdir Charlie");
	err(E(umount(DEV)), 0, "unmount");
}

/* clone_children: what is taken over, when, and from whom. */
static void test_clone_children(void)
{
	const char *cpus;

	err(E(mount("x", DEV, "container", 0, "cpuset")), 0, "mount -o cpuset");
	mkdir(DEV "/a", 0755);
	streq(get(DEV "/a/cpuset.cpus"), "\n", "a child of the root is empty");
	eq(getnum(DEV "/a/clone_children"), 0, "and has no clone_children");
	put(DEV "/a/cpuset.cpus", "0");
	put(DEV "/a/cpuset.mems", "0");
	put(DEV "/a/cpuset.memory_migrate", "1");
	err(put(DEV "/a/clone_children", "1"), 0, "it gets that");
	mkdir(DEV "/a/b", 0755);
	streq(get(DEV "/a/b/cpuset.cpus"), "0\n", "its own child has its CPUs");
	streq(get(DEV "/a/b/cpuset.mems"), "0\n", "and its nodes");
	eq(getnum(DEV "/a/b/clone_children"), 1, "and the flag");
	mkdir(DEV "/a/b/c", 0755);
	streq(get(DEV "/a/b/c/cpuset.cpus"), "0\n", "as has the next");
	err(put(DEV "/a/b/c/tasks", "0"), 0, "which a task can enter at once");
	err(put(DEV "/tasks", "0"), 0, "and leave");
	rmdir(DEV "/a/b/c");
	/* one that wants its CPUs for itself shares them with nobody: as in cgroup v1 */
	err(put(DEV "/a/cpuset.cpu_exclusive", "1"), 0, "exclusive");
	err(put(DEV "/a/b/cpuset.cpu_exclusive", "1"), 0, "the child, too");
	err(E(mkdir(DEV "/a/c", 0755)), 0, "a sibling can be made");
	streq(get(DEV "/a/c/cpuset.cpus"), "\n", "but is empty");
	rmdir(DEV "/a/c");
	rmdir(DEV "/a/b");
	put(DEV "/a/clone_children", "0");
	mkdir(DEV "/a/b", 0755);
	streq(get(DEV "/a/b/cpuset.cpus"), "\n", "not without the flag");
	rmdir(DEV "/a/b");
	rmdir(DEV "/a");
	cpus = get(DEV "/cpuset.cpus");
	err(put(DEV "/clone_children", "1"), 0, "the root gets the flag");
	mkdir(DEV "/a", 0755);
	streq(get(DEV "/a/cpuset.cpus"), cpus, "its child has all CPUs");
	rmdir(DEV "/a");
	err(E(umount(DEV)), 0, "unmount");
}

int main(void)
{
	setup();
	if (modprobe("container_cpuset")) {
		skip("V6's examples # this kernel has no cpusets");
		finish();
	}
	modprobe("container_numtasks");
	modprobe("container_bc");
	mkdir(DEV, 0755);
	example("mount -t container none " DEV " -o clone_children", registered(","));
	example("mount -t container container " DEV " -o clone_children", registered(","));
	example("mount -t container -ocpuset,clone_children cpuset " DEV, "cpuset");
	example("mount -t container cpuset -ocpuset,clone_children " DEV, "cpuset");
	to_the_letter("mount -t container none " DEV);
	to_the_letter("mount -t container -ocpuset cpuset " DEV);
	CASE(test_clone_children());
	rmdir(DEV);
	unlink(TYPED);
	unlink(SHOWN);
	finish();
}
