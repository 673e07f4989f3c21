// SPDX-License-Identifier: GPL-2.0
/*
 * containerctl, run as root and as an ordinary user: mounts, paths, values, tasks, waiting and
 * delegation; what it says when it cannot; and that there is a sentence for each errno of the
 * contract.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "ctl.h"

/* --- without the module ------------------------------------------------------- */

static void test_without(void)
{
	static const char *const commands[] = {
		"status", "tree", "ps", "umount x", "create x", "delete x", "exec x -- true",
		"attach x 1", "get x", "set x a=b", "limit x a=b", "wait --empty x", "watch x",
	};
	bool good = true;

	unload_all();
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		int status = ctl("%s", commands[i]);

		if (status != (strncmp(commands[i], "exec", 4) ? 1 : 125) ||
		    !said("container_core is not loaded") || !said("Cure: modprobe")) {
			diag("%s: %d", commands[i], status);
			good = false;
		}
	}
	ok(good, "without the module each command says what to do");
	check("help needs no module", ctl("--help"), 0, "Commands:", "exec", NULL);
	check("nor does the table of errors", ctl("errors rmdir EBUSY"), 0, "A container with tasks stays",
	      NULL);
	check("a command that is none", ctl("nosuch"), 64, "there is no command \"nosuch\"", NULL);
}

/* --- mounting, and the ways to name a container ------------------------------------ */

static void test_mount(void)
{
	check("mount loads what it needs, at its default place", ctl("mount cpuacct bc --name jobs"), 0,
	      RUN "/jobs", NULL);
	check("status", ctl("status"), 0, "jobs", "cpuacct", RUN "/jobs", "container_core", NULL);
	check("status as a user", user("status"), 0, "jobs", RUN "/jobs", NULL);
	check("status in JSON", ctl("status --json"), 0, "\"hierarchy\": \"jobs\"", "\"containers\": 1",
	      NULL);
	check("columns are chosen", ctl("status --noheadings --raw -o nr,hierarchy"), 0, "1 jobs\n", NULL);
	check("a column that is none", ctl("status -o nr,foo"), 1, "no column \"foo\"", "HIERARCHY", NULL);

	check("create: a plain path, while there is one hierarchy", ctl("create web"), 0, NULL);
	check("it is there", ctl("create jobs:/web"), 1, "EEXIST", "Rule:", "Cure:", NULL);
	check("a directory", ctl("get " RUN "/jobs/web events"), 0, "populated 0\n", NULL);
	check("the current directory", as(0, "cd " RUN "/jobs/web && " CTL " get . notify_on_release"), 0,
	      "0\n", NULL);
	check("by a subsystem", ctl("get bc:/web events"), 0, "populated 0", NULL);
	check("by a number", ctl("get 1:/web events"), 0, "populated 0", NULL);
	check("no such hierarchy", ctl("get foo:/web"), 1, "no such hierarchy", "jobs", NULL);
	check("no such container", ctl("get jobs:/wib"), 1, "there is no container jobs:/wib", "create",
	      NULL);
	check("nobody goes up and out", ctl("get jobs:/web/../.."), 1, "..", NULL);

	check("a second one", ctl("mount cpuset"), 0, RUN "/cpuset", NULL);
	check("now a plain path is ambiguous", ctl("get web"), 1, "in which hierarchy", "jobs", "cpuset",
	      NULL);
	check("a set that overlaps", ctl("mount bc"), 1, "EBUSY", "at most", "jobs", NULL);
	ok(access(RUN "/bc", F_OK), "leaves no directory behind");
	check("what does not exist", ctl("mount nosuch"), 1, "ENOENT", "no subsystem of that name", NULL);
	check("an empty word", ctl("mount bc,,cpuset"), 1, "EINVAL", NULL);
	check("mount as a user", user("mount none --name u /tmp"), 1, "CAP_SYS_ADMIN", "as root", NULL);
	check("no such file: what is meant", ctl("get jobs:/web bc.numfiles.limt"), 1,
	      "is bc.numfiles.limit meant", NULL);
}

/* --- values -------------------------------------------------------------------------- */

static void test_values(void)
{
	check("set one", ctl("set jobs:/web bc.numfiles.limit=1000"), 0, NULL);
	eq(getnum(WEB "/bc.numfiles.limit"), 1000, "it is");
	check("a change in per cent", ctl("set jobs:/web bc.numfiles.limit=+10%%"), 0, NULL);
	eq(getnum(WEB "/bc.numfiles.limit"), 1100, "it is that much more");
	check("units", ctl("set jobs:/web bc.numfiles.limit=2k bc.privvmpages.barrier=4M bc.privvmpages.limit=8M"), 0, NULL);
	eq(getnum(WEB "/bc.numfiles.limit"), 2000, "thousands of files");
	eq(getnum(WEB "/bc.privvmpages.limit"), 2048, "pages of so many bytes");
	check("max", ctl("set -v jobs:/web bc.numfiles.limit=max"), 0,
	      "jobs:/web bc.numfiles.limit: 2000 -> 9223372036854775807", NULL);
	check("dry run", ctl("set --dry-run jobs:/web bc.numfiles.limit=1"), 0, "-> 1\n", NULL);
	ok(getnum(WEB "/bc.numfiles.limit") == LONG_MAX, "writes nothing");
	check("names are looked at before anything is written",
	      ctl("set jobs:/web bc.numfiles.limit=700 foo=1"), 1, "no file foo", NULL);
	check("values are, too", ctl("set jobs:/web bc.numfiles.limit=700 bc.numtasks.limit=x"), 1,
	      "\"x\" is no number", NULL);
	check("and read-only files", ctl("set jobs:/web bc.numfiles.limit=700 bc.stat=1"), 1, "EACCES",
	      "read-only", NULL);
	ok(getnum(WEB "/bc.numfiles.limit") == LONG_MAX, "nothing was");
	check("what the kernel refuses is told",
	      ctl("set jobs:/web bc.numfiles.limit=700 bc.numfiles.barrier=701"), 1, "EINVAL",
	      "never above the limit", "has bc.numfiles.limit 700", "is back at", NULL);
	ok(getnum(WEB "/bc.numfiles.limit") == LONG_MAX, "and what was written before is undone");
	check("limit lowers both", ctl("limit jobs:/web files=100"), 0, NULL);
	eq(getnum(WEB "/bc.numfiles.barrier") + getnum(WEB "/bc.numfiles.limit"), 200, "barrier and limit");
	check("and raises both", ctl("limit jobs:/web files=300:400 tasks=50"), 0, NULL);
	eq(getnum(WEB "/bc.numfiles.barrier"), 300, "the barrier");
	eq(getnum(WEB "/bc.numtasks.limit"), 50, "another resource");
	check("a limit that is none", ctl("limit jobs:/web foo=3"), 1, "no limit \"foo\"", NULL);
	check("get, a table", ctl("get jobs:/web 'bc.numfiles.*'"), 0, "FILE", "bc.numfiles.barrier","300", NULL);
	check("get in JSON", ctl("get --json jobs:/web bc.numtasks.limit"), 0, "\"value\": \"50\"", NULL);
	check("get as a user", user("get jobs:/web bc.numtasks.limit"), 0, "50\n", NULL);
	check("set as a user", user("set jobs:/web bc.numtasks.limit=60"), 1, "EACCES", "belongs to root",
	      "you are 1000", NULL);
	check("limit lifts", ctl("limit jobs:/web files=max tasks=max memory=max"), 0, NULL);
}

/* --- cpuset: whose fault it is ------------------------------------------------------------- */

static void test_who(void)
{
	check("create with CPUs", ctl("create --inherit-cpuset cpuset:/a cpuset:/b"), 0, NULL);
	ok(*get(RUN "/cpuset/a/cpuset.cpus") > '\n', "it has some");
	ctl("set cpuset:/a cpuset.cpus=0");
	ctl("create cpuset:/a/c");
	check("not the parent's", ctl("set cpuset:/a/c cpuset.cpus=0-1"), 1, "EACCES", "part of what its parent has",
	      "cpuset:/a has 0; 1 is not among that", "containerctl set cpuset:/a cpuset.cpus=", NULL);
	check("not online", ctl("set cpuset:/b cpuset.cpus=0,99"), 1, "EINVAL", "99 is not there", NULL);
	check("no list", ctl("set cpuset:/b cpuset.cpus=1-"), 1, "EINVAL", "\"1-\" is none", NULL);
	ctl("set cpuset:/a/c cpuset.cpus=0");
	check("a child needs it", ctl("set cpuset:/a cpuset.cpus=1"), 1, "EBUSY", "cpuset:/a/c below it has 0",
	      NULL);
	ctl("set cpuset:/ cpuset.cpu_exclusive=1");
	ctl("set cpuset:/b cpuset.cpus=1");
	check("exclusive", ctl("set cpuset:/b cpuset.cpu_exclusive=1"), 0, NULL);
	check("the sibling that overlaps", ctl("set cpuset:/a cpuset.cpus=0-1"), 1, "EINVAL",
	      "cpuset:/b has 1, too, and is exclusive", NULL);
	check("exclusive above", ctl("set cpuset:/ cpuset.cpu_exclusive=0"), 1, "EBUSY",
	      "cpuset:/b below it has", NULL);
	check("the root's", ctl("set cpuset:/ cpuset.cpus=0"), 1, "EACCES", "containerctl create cpuset:/NAME",
	      NULL);
	ctl("create cpuset:/e");
	check("no CPUs, no entry", ctl("exec cpuset:/e -- true"), 125, "ENOSPC", "nothing to do with disks",
	      "neither cpuset.cpus nor cpuset.mems", "containerctl set cpuset:/e cpuset.cpus=", NULL);
	check("delete them all", ctl("delete -r cpuset:/a cpuset:/b cpuset:/e"), 0, NULL);
	ctl("set cpuset:/ cpuset.cpu_exclusive=0");
}

/* --- exec and attach ------------------------------------------------------------------------ */

/* A process with two threads and a child that has a child. */
static int family(struct kid *up, void *arg)
{
	pthread_t t;
	pid_t pid;

	(void)arg;
	pthread_create(&t, NULL, sleep_on, NULL);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pid = fork();
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			pause();
		}
		kid_send(up, pid);
		pause();
	}
	kid_send(up, pid);
	kid_recv(up);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}

static void test_tasks(void)
{
	struct kid k;
	pid_t child, grandchild;
	int a, b;

	check("exec", ctl("exec jobs:/web -- cat /proc/self/container"), 0, "name=jobs,", ":/web\n", NULL);
	check("its status", ctl("exec jobs:/web sh -c 'exit 77'"), 77, NULL);
	check("its signal", ctl("exec jobs:/web -- sh -c 'kill -9 $$'"), -SIGKILL, NULL);
	check("options behind the command are its own", ctl("exec jobs:/web echo --rm -- x"), 0, "--rm -- x\n",
	      NULL);
	check("the process stays the same, so the terminal, too",
	      as(0, "echo $$; exec " CTL " exec jobs:/web -- sh -c 'echo $$'"), 0, NULL);
	ok(sscanf(out, "%d\n%d", &a, &b) == 2 && a == b, "pid %d is %d", a, b);
	check("not found", ctl("exec jobs:/web -- nosuch"), 127, NULL);
	check("cannot be run", ctl("exec jobs:/web -- /tmp"), 126, NULL);
	check("no such container", ctl("exec jobs:/new -- true"), 125, "create", NULL);
	check("--rm", ctl("exec --rm --limit files=77 jobs:/new/er -- cat " RUN "/jobs/new/er/bc.numfiles.limit"),
	      0, "77\n", NULL);
	ok(wait_for(access(RUN "/jobs/new/er", F_OK)), "the container goes with its last member");
	check("--rm with a limit that is none", ctl("exec --rm --limit foo=1 jobs:/new/er -- true"), 125,
	      "no limit", NULL);
	ok(access(RUN "/jobs/new/er", F_OK), "leaves none behind");
	check("exec as a user", user("exec jobs:/web -- true"), 125, "EACCES", "--owner", NULL);

	k = kid_start(family, NULL);
	/* one of both sends first */
	a = kid_recv(&k);
	b = kid_recv(&k);
	check("attach", ctl("attach jobs:/web %d", k.pid), 0, NULL);
	eq(nids(WEB "/tasks"), 2, "both threads of the process, and not its children");
	check("attach --children", ctl("attach --children jobs:/new %d", k.pid), 0, NULL);
	child = a;
	grandchild = b;
	ok(listed(RUN "/jobs/new/procs", child) && listed(RUN "/jobs/new/procs", grandchild) &&
	   nids(RUN "/jobs/new/procs") == 3, "child and grandchild");
	check("attach --thread", ctl("attach --thread jobs:/web %d", k.pid), 0, NULL);
	eq(nids(WEB "/tasks") * 10 + nids(RUN "/jobs/new/tasks"), 13, "one thread of two");
	check("attach --oci", as(0, "echo '{\"id\":\"c1\",\"pid\":%d,\"annotations\":{\"pid\":\"1\"}}' | " CTL
				 " attach --oci --rm -l files=88 jobs:/oci/%%i", k.pid), 0, NULL);
	ok(strstr(get(P("/proc/%d/container", k.pid)), ":/oci/c1\n"), "the process of the state");
	eq(getnum(RUN "/jobs/oci/c1/bc.numfiles.limit"), 88, "with the limit");
	check("an id that is no name", as(0, "echo '{\"id\":\"../x\",\"pid\":%d}' | " CTL
					  " attach --oci --create jobs:/oci/%%i", k.pid), 1, "../x", NULL);
	check("no state", as(0, "echo '{\"id\":\"x\"}' | " CTL " attach --oci --create jobs:/oci/%%i"), 1,
	      "no state of an OCI runtime", NULL);
	check("attach --create of nobody", ctl("attach --create jobs:/oci/none 4000000"), 1, "ESRCH", NULL);
	ok(access(RUN "/jobs/oci/none", F_OK), "leaves no container behind");
	check("back", ctl("attach jobs:/new %d && " CTL " attach --thread jobs:/web %d", k.pid, k.pid), 0, NULL);
	ok(wait_for(access(RUN "/jobs/oci/c1", F_OK)), "it goes with its last member");
	check("delete", ctl("delete jobs:/oci"), 0, NULL);
	check("attach as a user", user("attach jobs:/ %d", k.pid), 1, "EACCES", "belongs to root", NULL);
	check("tree", ctl("tree"), 0, "jobs:/", "web", "FILES-MAX", "cpuset:/", NULL);
	check("tree in JSON", ctl("tree --json -o name,path,tasks jobs:/"), 0, "\"children\"",
	      "\"path\": \"jobs:/web\"", "\"tasks\": 1", NULL);
	check("tree, with lines of the locale", as(0, "LC_ALL=C.UTF-8 " CTL " tree -o name jobs"), 0, "└─", NULL);
	check("and without", as(0, "LC_ALL=C " CTL " tree -o name jobs"), 0, "`-", NULL);
	mkdir(RUN "/jobs/\xc3\xa4\xc2\x9b" "1m\xff", 0755);
	check("tree: what terminals obey is shown", as(0, "LC_ALL=C.UTF-8 " CTL " tree -o path jobs"), 0,
	      "/\xc3\xa4\\xc2\\x9b1m\\xff", NULL);
	rmdir(RUN "/jobs/\xc3\xa4\xc2\x9b" "1m\xff");
	check("tree with members, as a user", user("tree -m jobs"), 0, P("%d", k.pid), NULL);
	check("tree, not deep", ctl("tree -d 0 -o path --noheadings jobs"), 0, "jobs:/\n", NULL);
	streq(out, "jobs:/\n", "has one line");
	check("ps of a subtree", user("ps --raw -o pid,jobs,cpuset jobs:/new"), 0,
	      P("%d /new /", child), P("%d /new /", grandchild), NULL);
	check("ps in JSON", ctl("ps --json jobs:/new"), 0, "\"jobs\": \"/new\"", NULL);
	check("ps", ctl("ps"), 0, "PID", "t_ctl", NULL);

	check("delete with members: who", ctl("delete jobs:/web"), 1, "EBUSY", "jobs:/web has 1 process",
	      "t_ctl", "--kill", NULL);
	mkdir(WEB "/below", 0755);
	movepid(RUN "/jobs/new", k.pid);
	check("with children: which", ctl("delete jobs:/web"), 1, "EBUSY", "below it: below", "delete -r", NULL);
	check("delete -r", ctl("delete -r jobs:/web"), 0, NULL);
	check("delete --wait gives up", ctl("delete --wait=100ms jobs:/new"), 1, "EBUSY", NULL);
	check("delete --kill", ctl("delete --kill jobs:/new"), 0, NULL);
	eq(kid_wait(&k), -SIGKILL, "they are dead");
	check("a task that is gone", ctl("attach jobs:/ %d", child), 1, "ESRCH", "is not there", NULL);
	check("the root is unmounted, not deleted", ctl("delete jobs:/"), 1, "containerctl umount jobs", NULL);
}

/* --- waiting --------------------------------------------------------------------------------- */

static int wait_status(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static pid_t start(const char *cmd)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl("/bin/sh", "sh", "-c", cmd, NULL);
		_exit(252);
	}
	return pid;
}

static void test_waiting(void)
{
	pid_t p, w;

	mkdir(WEB, 0755);
	check("wait for what is empty", user("wait --empty jobs:/web"), 0, NULL);
	p = sleeper();
	movepid(WEB, p);
	check("no longer than that", user("wait --empty --timeout=100ms jobs:/web"), 124, "not empty", NULL);
	w = start(CTL " wait --empty jobs:/web");
	err(waitpid(w, NULL, WNOHANG) ? 1 : 0, 0, "it waits");
	reap(p);
	eq(wait_status(w), 0, "and returns when the last member has gone");

	w = start(CTL " watch --json jobs:/web >/tmp/watch");
	ok(wait_for(get("/tmp/watch") && strstr(get("/tmp/watch"), "\"populated\":0")), "watch says what is");
	p = sleeper();
	movepid(WEB, p);
	ok(wait_for(strstr(get("/tmp/watch"), "\"populated\":1")), "and what changes");
	w = start(CTL " delete --wait=100s jobs:/web");
	reap(p);
	eq(wait_status(w), 0, "delete --wait waits for the last to go");
	ok(wait_for(strstr(get("/tmp/watch"), "\"removed\":true")), "watch says that it is gone");
	ok(wait_for(waitpid(-1, NULL, WNOHANG) > 0), "and ends");
	unlink("/tmp/watch");
}

/* --- delegation ------------------------------------------------------------------------------- */

static void test_user(void)
{
	check("a user makes none at the root", user("create jobs:/mine"), 1, "EACCES", "belongs to root",
	      "create --owner", NULL);
	check("create --owner", ctl("create --owner %d jobs:/mine", USER), 0, NULL);
	check("then he makes some below", user("create jobs:/mine/one"), 0, NULL);
	check("runs in them", user("exec jobs:/mine/one -- cat /proc/self/container"), 0, ":/mine/one", NULL);
	check("and removes them", user("delete jobs:/mine/one"), 0, NULL);
	check("but sets no limit", user("limit jobs:/mine files=max"), 1, "EACCES", NULL);
	check("create undoes what fails", ctl("create --owner nosuch jobs:/x"), 1, "no such user", NULL);
	check("also later", ctl("create -l files=3:2 jobs:/x"), 1, "above the limit", NULL);
	ok(access(RUN "/jobs/x", F_OK), "nothing is left");
	check("create --parents", ctl("create -p jobs:/p/q/r"), 0, NULL);
	check("umount tells what stays", ctl("umount jobs"), 0, "containers below its root", NULL);
	check("status tells, too", ctl("status"), 0, "not mounted here", "containerctl mount --name jobs", NULL);
	check("so does a path", ctl("get jobs:/p"), 1, "active, but not mounted", NULL);
	check("mount by name", ctl("mount --name jobs"), 0, RUN "/jobs", NULL);
	check("delete", ctl("delete -r jobs:/p jobs:/mine"), 0, NULL);
	check("umount", ctl("umount jobs cpuset"), 0, NULL);
	ok(access(RUN "/jobs", F_OK), "its directory goes");
	ctl("status");
	ok(said("No hierarchy is active") && !strstr(out, "hook"), "hooks that are not needed are no matter");
	check("what is mounted nowhere", ctl("umount jobs"), 1, "Nothing is mounted there", NULL);
}

/* --- every errno of the contract ---------------------------------------------------------------- */

static const struct {
	const char *what, *errnos;
} contract[] = {
	/* 2, 3 */
	{ "insmod", "ENOSPC EEXIST" }, { "rmmod", "EAGAIN EBUSY" },
	{ "mount", "EBUSY ENOENT EINVAL ENOSPC EPERM ENAMETOOLONG ENODEV EOPNOTSUPP" },
	/* 4 */
	{ "mkdir", "EINVAL ENOENT EEXIST EACCES" }, { "rmdir", "EBUSY EINTR EACCES ENOENT" },
	{ "rename", "EIO EEXIST ENOTDIR EINVAL" }, { "unlink", "EPERM" }, { "creat", "EPERM EACCES" },
	{ "tasks", "EINVAL ENODEV ESRCH EACCES E2BIG ENOSPC EPERM EBUSY" },
	{ "procs", "EINVAL ENODEV ESRCH EACCES E2BIG ENOSPC EPERM EBUSY" },
	{ "notify_on_release", "EINVAL E2BIG ENODEV EACCES" }, { "auto_delete", "EINVAL E2BIG ENODEV" },
	{ "kill_on_rmdir", "EINVAL E2BIG ENODEV" }, { "clone_children", "EINVAL E2BIG ENODEV" },
	{ "release_agent", "ENAMETOOLONG EPERM ENODEV EINVAL" }, { "events", "ENODEV EINVAL EACCES" },
	/* 9 */
	{ "cpuset.cpus", "EACCES EBUSY EINVAL ENOSPC E2BIG ENODEV" },
	{ "cpuset.mems", "EACCES EBUSY EINVAL ENOSPC E2BIG ENODEV" },
	{ "cpuset.cpu_exclusive", "EINVAL EACCES EBUSY" }, { "cpuset.mem_exclusive", "EINVAL EACCES EBUSY" },
	{ "cpuset.memory_migrate", "EINVAL" }, { "cpuset.memory_spread_page", "EINVAL" },
	{ "cpuset.memory_spread_slab", "EINVAL" }, { "cpuset.memory_pressure", "EACCES ENODEV" },
	{ "cpuset.memory_pressure_enabled", "EINVAL" },
	{ "sched_setaffinity", "EINVAL EBUSY" }, { "set_mempolicy", "EINVAL" }, { "mbind", "EINVAL" },
	/* 10 */
	{ "cpuacct.usage", "EINVAL ENODEV" }, { "cpuacct.usage_ns", "EACCES ENODEV" },
	{ "cpuacct.usage_subtree_ns", "EACCES" }, { "cpuacct.usage_percpu", "EACCES" },
	{ "cpuacct.stat", "EACCES" }, { "cpuacct.load", "EACCES" }, { "load_interval", "EINVAL" },
	/* 11 */
	{ "numtasks.shares", "EINVAL E2BIG ENODEV" }, { "numtasks.stats", "EINVAL ENODEV" },
	{ "fork", "EAGAIN ENOMEM" }, { "total_numtasks", "EINVAL" }, { "forkrate", "EINVAL" },
	{ "forkrate_interval", "EINVAL" },
	/* 12 */
	{ "bc.numfiles.barrier", "EINVAL E2BIG ENODEV" }, { "bc.privvmpages.limit", "EINVAL E2BIG ENODEV" },
	{ "bc.numfiles.held", "EACCES ENODEV" }, { "bc.numtasks.maxheld", "EACCES" },
	{ "bc.kmemsize.minheld", "EACCES" }, { "bc.physpages.failcnt", "EACCES" }, { "bc.stat", "EACCES" },
	{ "bc.numfiles.holders", "EACCES EPERM ENODEV" },
	{ "open", "EMFILE" }, { "mmap", "ENOMEM" },
	/* 13 */
	{ "auto_delete", "EINVAL" }, { "max_depth", "EINVAL" }, { "max_containers", "EINVAL" },
};

static void test_contract(void)
{
	const char *files = "";

	for (size_t i = 0; i < ARRAY_SIZE(contract); i++)
		files = P("%s %s", files, contract[i].what);
	eq(ctl("errors %s", files), 0, "something is known of each file and call");
	for (size_t i = 0; i < ARRAY_SIZE(contract); i++) {
		const char *p = contract[i].errnos;
		bool good = true;
		char word[32];
		int n;

		for (; sscanf(p, "%31s%n", word, &n) == 1; p += n) {
			const char *key = P("%s: %s\n  Rule: ", contract[i].what, word);
			const char *entry = out ? strstr(out, key) : NULL;
			const char *cure = entry ? strchr(entry + strlen(key), '\n') : NULL;

			if (!cure || strncmp(cure, "\n  Cure: ", 9)) {
				diag("%s has no sentence for %s", contract[i].what, word);
				good = false;
			}
		}
		ok(good, "a rule and a cure for %s: %s", contract[i].what, contract[i].errnos);
	}
	check("nothing is known", ctl("errors nosuch"), 1, "nothing is known", NULL);
}

int main(void)
{
	setup_bare();
	test_without();
	test_mount();
	test_values();
	test_who();
	test_tasks();
	test_waiting();
	test_user();
	test_contract();
	ok(access(RUN, F_OK), "the default place is gone with the last mount");
	finish();
}
