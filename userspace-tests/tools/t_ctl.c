// SPDX-License-Identifier: GPL-2.0
/*
 * containerctl, run as root and as an ordinary user: what each command does, what it says
 * when it cannot, and that there is a sentence for each errno of the contract.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "ctl.h"
#include "lib.h"

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

#define WEB RUN "/jobs/web"

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

static void *idle(void *arg)
{
	(void)arg;
	while (true)
		pause();
	return NULL;
}

/* A process with two threads and a child that has a child. */
static int family(struct kid *up, void *arg)
{
	pthread_t t;
	pid_t pid;

	(void)arg;
	pthread_create(&t, NULL, idle, NULL);
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

/* --- who, explain, doctor, metrics ---------------------------------------------------------------- */

static int hold_file(struct kid *up, void *arg)
{
	int fd;

	put(WEB "/procs", "0");
	fd = open("/proc/self/stat", O_RDONLY);
	put(RUN "/jobs/procs", "0");
	kid_send(up, fd);
	kid_recv(up);
	(void)arg;
	return 0;
}

static int read_as_user(void *arg)
{
	int fd = open(arg, O_RDONLY);
	char text[64];

	drop_to(USER);
	return E(read(fd, text, sizeof(text)));
}

static int send_file(void *arg)
{
	int *sock = arg, fd;

	put(WEB "/procs", "0");
	fd = open("/proc/self/stat", O_RDONLY);
	return fd < 0 || send_fd(sock[0], fd) ? 1 : 0;
}

/* Enters, and forks in vain. */
static int fork_in_vain(void *arg)
{
	pid_t pid;

	(void)arg;
	if (put(WEB "/procs", "0"))
		return 1;
	pid = fork();
	if (!pid)
		_exit(0);
	return pid < 0 && errno == EAGAIN ? 0 : 2;
}

static void test_why(void)
{
	int sock[2];
	struct kid k;
	pid_t p = sleeper();

	check("mount", ctl("mount cpuacct bc --name jobs"), 0, NULL);
	ctl("create jobs:/web jobs:/web/below");
	movepid(WEB, p);
	check("who: members and children", user("who jobs:/web"), 0, "child", "jobs:/web/below", "member",
	      P("%d", p), "t_ctl", NULL);
	check("who: the container of a hierarchy", ctl("who --json jobs"), 0, "\"by\": \"child\"",
	      "\"by\": \"mount\"", RUN "/jobs", NULL);
	reap(p);
	rmdir(WEB "/below");
	check("who: nothing", ctl("who jobs:/web"), 0, "nothing that can be seen keeps jobs:/web", NULL);
	k = kid_start(hold_file, NULL);
	kid_recv(&k);
	check("who: a file that is held elsewhere", ctl("who --raw --noheadings -o by,pid jobs:/web"), 0, NULL);
	streq(out, P("files %d\n", k.pid), "and by whom");
	check("and how many", ctl("who jobs:/web"), 0, "t_ctl: has 1 of those", NULL);
	streq(get(WEB "/bc.numfiles.holders"), P("%d 1\n", k.pid), "the kernel names it");
	err(in_child(read_as_user, WEB "/bc.numfiles.holders"), EPERM, "and to no user, whoever opened the file");
	check("a user is told who sees that", user("who jobs:/web"), 0, "1 charged", "only root", NULL);
	check("delete says so, too", ctl("delete jobs:/web"), 1, "EBUSY", "1 open file is charged", NULL);
	kid_send(&k, 0);
	kid_wait(&k);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sock))
		bail("socketpair: %s", strerror(errno));
	eq(in_child(send_file, sock), 0, "a file is sent to nobody yet");
	check("who: a file of which nobody has a descriptor", ctl("who jobs:/web"), 0, "1 charged",
	      "through a socket", NULL);
	close(sock[0]);
	close(sock[1]);

	check("explain: nothing", ctl("explain jobs:/web"), 0, "Nothing is full", "bc.numfiles.barrier", NULL);
	ctl("limit jobs:/web tasks=1");
	eq(in_child(fork_in_vain, NULL), 0, "a fork is refused");
	check("explain a container", user("explain jobs:/web"), 0,
	      "fork: bc.numtasks.limit of jobs:/web has refused 1", NULL);
	p = sleeper();
	movepid(WEB, p);
	check("explain a process", ctl("explain %d", p), 0,
	      "bc.numtasks.limit of jobs:/web is full, 1 of 1, and has refused 1", "ulimit -n",
	      "kernel.pid_max", NULL);
	check("explain in JSON", ctl("explain --json %d", p), 0, "\"full\": true", "\"full\": false",
	      "\"refused\": 1", NULL);
	check("nobody", ctl("explain 4000000"), 1, "no process 4000000", NULL);
	check("metrics", ctl("metrics"), 0,
	      "# TYPE containers_bc_limit gauge", "# HELP containers_tasks ",
	      "containers_tasks{hierarchy=\"jobs\",path=\"/web\"} 1\n",
	      "containers_bc_limit{hierarchy=\"jobs\",path=\"/web\",resource=\"numtasks\"} 1\n",
	      "containers_bc_limit{hierarchy=\"jobs\",path=\"/\",resource=\"numtasks\"} +Inf\n",
	      "containers_forks_refused_total{hierarchy=\"jobs\",path=\"/web\"} 1\n",
	      "containers_cpu_seconds_total{", "containers_hook_missed_total{", NULL);
	check("metrics, to a file", ctl("metrics -o /tmp/m.prom && cat /tmp/m.prom && ls /tmp"), 0,
	      "# TYPE containers_tasks gauge", "m.prom\n", NULL);
	ok(!strstr(out, "m.prom."), "no temporary file is left");
	unlink("/tmp/m.prom");
	check("where it cannot be written", user("metrics -o /run/m.prom"), 1, "/run/m.prom", NULL);
	reap(p);
	ctl("limit jobs:/web tasks=max");
	ctl("mount numtasks");
	put("/sys/module/container_numtasks/parameters/total_numtasks", "2000");
	ctl("create numtasks:/x");
	check("limit by shares", ctl("limit numtasks:/x shares=max_shares=1"), 0, NULL);
	check("too much of them: what there is", ctl("limit numtasks:/x shares=max_shares=101"), 1, "EINVAL",
	      "numtasks:/ has child_shares_divisor 100", NULL);
	check("explain works out how many tasks they are", ctl("explain --raw -o where,max numtasks:/x"), 0,
	      "numtasks:/x 20\n", "numtasks:/ 2000\n", NULL);
	check("tasks, where there are only shares", ctl("limit numtasks:/x tasks=3"), 1, "limits by shares",
	      NULL);
	put("/sys/module/container_numtasks/parameters/total_numtasks", "2147483647");
	check("delete", ctl("delete numtasks:/x && " CTL " umount numtasks"), 0, NULL);
	check("noprefix", ctl("mount cpuset --noprefix"), 0, NULL);
	check("the names stay those of the manual",
	      ctl("create cpuset:/a && " CTL " set cpuset:/a cpuset.mems=0 && " CTL " get cpuset:/a mems"), 0,
	      "0\n", NULL);
	check("also in errors", ctl("set cpuset:/a cpus=99"), 1, "cpuset:/a: cpuset.cpus = 99", "not there", NULL);
	check("umount", ctl("delete cpuset:/a && " CTL " umount cpuset"), 0, NULL);
	ctl("doctor");
	check("doctor", 0, 0, "loaded: container_core", "hooks have missed no call", "jobs: 2 containers",
	      "ok       installed: ", "ok       this kernel has what ", NULL);
	ctl("doctor --json");
	check("doctor in JSON", 0, 0, "\"problem\": false", "\"finding\": \"loaded: container_core", NULL);
	err(modinsert(modwithout("container_ns", "task_work_add"), ""), EOPNOTSUPP, "a kernel that ns cannot do with");
	ctl("doctor");
	check("doctor says what it lacks, which is no problem", 0, 0,
	      "ok       not on this kernel: ns: this kernel has no task_work_adQ", NULL);
}

/* --- save, diff, apply ------------------------------------------------------------------------------ */

#define CONF "/tmp/ctl.conf"
#define CONF_D "/tmp/ctl.d"
#define SYSTEM "/etc/containerctl.conf"

static void test_config(void)
{
	ctl("mount cpuset");
	ctl("create --inherit-cpuset cpuset:/a cpuset:/a/b");
	ctl("create --owner %d jobs:/mine", USER);
	ctl("limit jobs:/mine files=300:400");
	check("save", ctl("save >" CONF " && cat " CONF), 0, "[mount jobs]", "[cpuset:/a/b]",
	      "bc.numfiles.barrier = 300", "owner = 1000:", NULL);
	check("nothing differs", ctl("diff " CONF), 0, NULL);
	streq(out, "", "and nothing is said");
	ctl("limit jobs:/mine files=5");
	check("one thing does", ctl("diff " CONF), 1, "jobs:/mine bc.numfiles.limit: 5 -> 400\n", NULL);
	check("dry run", ctl("apply --dry-run " CONF), 0, "bc.numfiles.limit: 5 -> 400", NULL);
	eq(getnum(RUN "/jobs/mine/bc.numfiles.limit"), 5, "does nothing");
	check("apply, in whichever order the kernel takes it", ctl("apply " CONF), 0, NULL);
	eq(getnum(RUN "/jobs/mine/bc.numfiles.barrier"), 300, "the barrier");
	eq(getnum(RUN "/jobs/mine/bc.numfiles.limit"), 400, "the limit");
	ctl("delete -r jobs:/mine cpuset:/a jobs:/web");
	check("umount", ctl("umount jobs cpuset"), 0, NULL);
	check("diff against nothing", ctl("diff " CONF), 1, "mount jobs", "create jobs:/mine", NULL);
	check("apply makes all of it", ctl("apply " CONF), 0, "mount cpuset", "create cpuset:/a/b", NULL);
	check("then nothing differs", ctl("diff " CONF), 0, NULL);
	check("apply from standard input", ctl("save jobs | " CTL " apply"), 0, NULL);
	streq(out, "", "does nothing twice");

	write_file(CONF, "[mount jobs]\nname = jobs\n\n[jobs:/new]\nbc.numfiles.limt = 3\nfoo\n[x]\n");
	check("what is wrong, and where", ctl("apply " CONF), 1, CONF ":6:1: \"foo\"", CONF ":7:2:",
	      "nothing was done", NULL);
	write_file(CONF, "[jobs:/new]\nbc.numfiles.limt = 3\n[nosuch:/x]\n");
	check("names are looked at", ctl("apply " CONF), 1, CONF ":2:1: ", "bc.numfiles.limt", CONF ":3:2: ",
	      NULL);
	write_file(CONF, "[jobs:/new]\nbc.numfiles.limit = 3o\nauto_delete = yes\n[cpuset:/a]\ncpuset.cpus = 0;1\n");
	check("so are values", ctl("apply " CONF), 1, CONF ":2:1: bc.numfiles.limit is a decimal number",
	      CONF ":3:1: auto_delete is 0 or 1, not \"yes\"", CONF ":5:1: cpuset.cpus is a list", NULL);
	write_file(CONF, "[cpuset:/a]\ncpuset.cpus = 0,77\n");
	check("what the kernel refuses", ctl("apply " CONF), 1, "77 is not there", NULL);
	ok(access(RUN "/jobs/new", F_OK), "nothing was made");
	unlink(CONF);

	/* several files are one text; of a directory, those that are meant */
	mkdir(CONF_D, 0755);
	write_file(CONF_D "/1.conf", "[jobs:/one]\nbc.numfiles.limit = 401\n");
	write_file(CONF_D "/2.conf", "[jobs:/one/two]\nbc.numfiles.limit = 301\n");
	write_file(CONF_D "/2.conf.old", "rubbish\n");
	check("apply a directory", ctl("apply " CONF_D), 0, "create jobs:/one\n", "create jobs:/one/two\n", NULL);
	eq(getnum(RUN "/jobs/one/two/bc.numfiles.limit"), 301, "the second file");
	write_file(CONF, "[jobs:/new]\n[jobs:/one]\n");
	check("a section in two files", ctl("apply " CONF " " CONF_D), 1, CONF_D "/1.conf:1:2: ",
	      "is in " CONF ":2 already", NULL);
	write_file(CONF_D "/2.conf", "bc.numfiles.limit = 5\n");
	check("no file goes on with the section of another", ctl("apply " CONF_D), 1,
	      CONF_D "/2.conf:1:1: a setting before", NULL);
	ok(access(RUN "/jobs/new", F_OK), "nothing was made");
	check("apply at boot, without anything", ctl("apply --system"), 0, NULL);
	streq(out, "", "is nothing");
	mkdir(SYSTEM ".d", 0755);
	write_file(SYSTEM ".d/a.conf", "[jobs:/one/two]\nbc.numfiles.limit = 302\n");
	check("with a directory alone", ctl("apply --system"), 0, "bc.numfiles.limit: 301 -> 302", NULL);
	write_file(SYSTEM, "[jobs:/one]\nbc.numfiles.limit = 402\n");
	check("with both", ctl("diff --system"), 1, "bc.numfiles.limit: 401 -> 402", NULL);
	check("and no others", ctl("apply --system " CONF), 64, "--system", NULL);
	unlink(SYSTEM);
	unlink(SYSTEM ".d/a.conf");
	rmdir(SYSTEM ".d");
	/* the example that is shipped is one */
	check("the example", ctl("diff /docs/containerctl.conf"), 1, "create jobs:/students\n", NULL);
	unlink(CONF_D "/1.conf");
	unlink(CONF_D "/2.conf");
	unlink(CONF_D "/2.conf.old");
	rmdir(CONF_D);
	unlink(CONF);
	ctl("delete -r jobs:/one");
	check("delete", ctl("delete -r jobs:/mine jobs:/web cpuset:/a"), 0, NULL);
	check("umount", ctl("umount jobs cpuset"), 0, NULL);
}

/* Values that mean the same, and those that mean nothing. */
static void test_config_values(void)
{
	static const char mount[] = "[mount jobs]\nsubsystems = cpuacct , bc,\tnumtasks\n[jobs:/web]\n";
	static const char top[] = RUN "/cpuacct,bc,numtasks";

	write_file(CONF, "[mount cpuset]\nsubsystems = cpuset\nnoprefix = yes\nclone_children = 10\n");
	check("a flag of a mount is 0 or 1", ctl("apply " CONF), 1,
	      CONF ":3:1: noprefix is 0 or 1, not \"yes\"\n", CONF ":4:1: clone_children is 0 or 1",
	      "nothing was done", NULL);
	write_file(CONF, "[mount cpuset]\nsubsystems = cpuset\nnoprefix = 0\nclone_children = 1\n");
	check("either of them", ctl("apply " CONF), 0, "mount cpuset: cpuset\n", NULL);
	ok(!access(RUN "/cpuset/cpuset.cpus", F_OK), "with the prefix");
	eq(getnum(RUN "/cpuset/clone_children"), 1, "and the parent's settings");
	check("umount", ctl("umount cpuset"), 0, NULL);

	write_file(CONF, P("%sbc.numfiles.limit = 400\n", mount));
	check("blanks around commas", ctl("apply " CONF), 0, "mount jobs: cpuacct,bc,numtasks\n",
	      "create jobs:/web\n", NULL);
	check("an active hierarchy is found so, too", ctl("diff " CONF), 0, NULL);
	streq(out, "", "nothing differs");

	write_file(CONF, P("%snumtasks.shares = max_shares=5\n", mount));
	check("one share", ctl("apply " CONF), 0, ",max_shares=-3,", " -> max_shares=5\n", NULL);
	check("is compared alone", ctl("diff " CONF), 0, NULL);
	streq(out, "", "nothing differs");
	write_file(CONF, P("%snumtasks.shares = child_shares_divisor=50,min_shares=-1,max_shares=5\n", mount));
	check("several, in any order, one unchanged", ctl("apply " CONF), 0, " -> child_shares_divisor=50", NULL);
	check("then", ctl("apply " CONF), 0, NULL);
	streq(out, "", "nothing differs");
	write_file(CONF, P("%snumtasks.shares = max_shares=55\n", mount));
	check("another value", ctl("diff " CONF), 1, " -> max_shares=55\n", NULL);
	write_file(CONF, P("%snumtasks.shares = max_shares=5,\n", mount));
	check("what is no share", ctl("apply " CONF), 1, "EINVAL", NULL);

	err(put(P("%s/release_agent", top), "/tmp/a\nb"), 0, "a newline in the agent's path");
	streq(get(P("%s/release_agent", top)), "/tmp/a\nb\n", "is taken");
	check("so no rule forbids it", ctl("errors release_agent EINVAL"), 0, "zero byte", NULL);
	ok(!strstr(out, "newline"), "and none is named");
	unlink(CONF);
	check("delete", ctl("delete bc:/web && " CTL " umount bc"), 0, NULL);
}

/* --- rules ------------------------------------------------------------------------------------------ */

#define NOBODY 65534

static void test_rules(void)
{
	pid_t p;

	check("mount", ctl("mount bc --name jobs && " CTL " mount none --name other"), 0, NULL);
	write_file(CONF, "[rules]\nroot:top* = jobs:/a\n@nogroup = jobs:/users/%u, other:/x\n* = jobs:/\n");
	check("rules test: by the command", ctl("rules test root /usr/bin/topper -f " CONF), 0, "jobs:/a",
	      CONF ":2: root:top*", NULL);
	check("by the group, in each hierarchy", ctl("rules test nobody make -f " CONF " --json"), 0,
	      "\"jobs:/users/nobody\"", "\"other:/x\"", CONF ":3: @nogroup", NULL);
	check("anybody", ctl("rules test root make -f " CONF " --raw --noheadings -o container"), 0, NULL);
	streq(out, "jobs:/\n", "is the last one");
	check("nobody of that name", ctl("rules test nosuch make -f " CONF), 1, "no user nosuch", NULL);
	check("a text that has rules is applied as any", ctl("apply " CONF), 0, NULL);
	streq(out, "", "and does nothing");

	p = fork();
	if (!p) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		drop_to(NOBODY);
		pause();
	}
	ok(wait_for(strstr(get(P("/proc/%d/status", p)) ?: "", "Uid:\t65534")), "a process of another user's");
	check("rules apply --dry-run", ctl("rules apply -n -f " CONF " %d", p), 0,
	      P("%d (t_ctl) of nobody: jobs:/users/nobody\n", p), NULL);
	ok(access(RUN "/jobs/users", F_OK), "does nothing");
	check("rules apply", ctl("rules apply -f " CONF " %d", p), 0, NULL);
	eq(nids(RUN "/jobs/users/nobody/procs") + nids(RUN "/other/x/procs"), 2, "he is where he belongs");
	mkdir(RUN "/jobs/else", 0755);
	movepid(RUN "/jobs/else", p);
	check("rules apply, to all", ctl("rules apply -f " CONF), 0, NULL);
	eq(nids(RUN "/jobs/else/procs"), 1, "who was placed by somebody stays");
	reap(p);

	write_file(CONF, "[rules]\nnosuch = jobs:/a\nroot:/bin/x = jobs\n* = gone:/x\n");
	check("wrong rules are told, with their lines", ctl("rules test root x -f " CONF), 1,
	      CONF ":2:1: there is no user \"nosuch\"", CONF ":3:1: a command is a name",
	      CONF ":3:1: \"jobs\" is not HIERARCHY:/path", CONF ":4:1: there is no hierarchy gone", NULL);
	unlink(CONF);
	check("rules at boot, of which there are none", ctl("rules test root x"), 1, "no rule is about", NULL);
	check("delete", ctl("delete -r jobs:/users jobs:/else other:/x"), 0, NULL);
	check("umount", ctl("umount jobs other"), 0, NULL);
}

/* --- top ------------------------------------------------------------------------------------------ */

/* What has come from the terminal up to now, until it has that text. */
static bool shows(int tty, const char *text)
{
	static char seen[1 << 16];
	static size_t len;
	long end = now_ms() + DEADLINE_MS;

	if (!text) {
		len = 0;
		return true;
	}
	while (now_ms() < end) {
		ssize_t n = read(tty, seen + len, sizeof(seen) - 1 - len);

		if (n > 0)
			len += n;
		seen[len] = '\0';
		if (strstr(seen, text)) {
			len = 0;
			return true;
		}
		if (n <= 0 && errno != EAGAIN)
			break;
		msleep(10);
	}
	diag("\"%s\" is not on the terminal", text);
	return false;
}

/* The next samples: some bytes, as figures change, and not the screen. */
static bool changes_quietly(int tty)
{
	char text[1 << 14];
	size_t len = 0;
	ssize_t n;

	/* nothing is to be seen of samples that are the same */
	for (int i = 0; i < 10; i++) {
		msleep(200);
		n = read(tty, text + len, sizeof(text) - 1 - len);
		if (n > 0)
			len += n;
	}
	text[len] = '\0';
	diag("%zu bytes in two seconds", len);
	return len < 10 * 80 * 24 / 4 && !strstr(text, "\033[J") && !strstr(text, "\033[2J");
}

static void test_top(void)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	int tty, status;
	pid_t p;

	ctl("mount cpuacct bc --name jobs");
	ctl("create jobs:/web jobs:/idle");
	p = fork();
	if (!p) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		put(WEB "/procs", "0");
		while (true)
			getppid();
	}
	ok(wait_for(nids(WEB "/procs") == 1), "a busy container");
	check("top as text, and a record", user("top --batch -n 2 -d 300ms -w /tmp/top.rec"), 0,
	      "CPU%", "100% is one of", "jobs:/web\n", "jobs:/idle\n", NULL);
	check("a replay", ctl("top --replay /tmp/top.rec --sort n --filter web"), 0, "jobs:/web\n", NULL);
	ok(!strstr(out, "idle"), "is filtered");
	check("columns are chosen", ctl("top --replay /tmp/top.rec -n 1 -o files,tasks"), 0,
	      "  FILES  TASKS  CONTAINER\n", NULL);
	check("a column that is none", ctl("top --replay /tmp/top.rec -o foo"), 64, "of TASKS, CPU%", NULL);
	check("JSON, with the rates", ctl("top --replay /tmp/top.rec --json"), 0, "\"cpu_percent\":",
	      "\"refused_per_second\":0.0", NULL);
	check("a record that is none", as(0, "echo {} >/tmp/top.bad; " CTL " top --replay /tmp/top.bad"), 1,
	      "line 1 of the record", NULL);
	check("no terminal", as(0, "echo | " CTL " top -n 1 -s t"), 0, "CONTAINER", NULL);

	p = forkpty(&tty, NULL, NULL, &size);
	if (!p) {
		setenv("TERM", "linux", 1);
		execlp(CTL, CTL, "top", "-d", "200ms", NULL);
		_exit(252);
	}
	fcntl(tty, F_SETFL, O_NONBLOCK);
	ok(shows(tty, "jobs:/web"), "top on a terminal");
	ok(changes_quietly(tty), "what is the same is not drawn again");
	shows(tty, NULL);
	ok(write(tty, "/web\r", 5) == 5 && shows(tty, "filter: "), "a filter");
	ok(write(tty, "\r", 1) == 1 && shows(tty, "t_ctl"), "the members");
	size.ws_col = 40;
	size.ws_row = 10;
	ioctl(tty, TIOCSWINSZ, &size);
	ok(write(tty, "\r", 1) == 1 && shows(tty, "CONTAINER"), "smaller");
	ok(write(tty, "q", 1) == 1 && wait_for((read(tty, &size, 1), waitpid(p, &status, WNOHANG) == p)) &&
	   !status, "it ends");
	close(tty);
	check("delete", ctl("delete --kill jobs:/web jobs:/idle"), 0, NULL);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	check("umount", ctl("umount jobs"), 0, NULL);
	unlink("/tmp/top.rec");
	unlink("/tmp/top.bad");
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
	test_why();
	test_config();
	test_config_values();
	test_rules();
	test_top();
	test_contract();
	ok(access(RUN, F_OK), "the default place is gone with the last mount");
	finish();
}
