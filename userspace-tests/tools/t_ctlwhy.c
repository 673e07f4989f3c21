// SPDX-License-Identifier: GPL-2.0
/*
 * What containerctl tells of containers: who keeps one, what refuses, metrics, what the doctor
 * finds, and top.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "ctl.h"

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

/* Holds a file with three threads, the first of which has ended. */
static int hold_in_threads(struct kid *up, void *arg)
{
	pthread_t t;

	(void)arg;
	put(WEB "/procs", "0");
	if (open("/proc/self/stat", O_RDONLY) < 0)
		return 1;
	for (int i = 0; i < 3; i++)
		pthread_create(&t, NULL, sleep_on, NULL);
	kid_send(up, 0);
	pthread_exit(NULL);
}

static int send_file(void *arg)
{
	int *sock = arg, fd;

	put(WEB "/procs", "0");
	fd = open("/proc/self/stat", O_RDONLY);
	return fd < 0 || send_fd(sock[0], fd) ? 1 : 0;
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
	      P("%d", p), "t_ctlwhy", NULL);
	check("who: the container of a hierarchy", ctl("who --json jobs"), 0, "\"by\": \"child\"",
	      "\"by\": \"mount\"", RUN "/jobs", NULL);
	reap(p);
	rmdir(WEB "/below");
	check("who: nothing", ctl("who jobs:/web"), 0, "nothing that can be seen keeps jobs:/web", NULL);
	k = kid_start(hold_file, NULL);
	kid_recv(&k);
	check("who: a file that is held elsewhere", ctl("who --raw --noheadings -o by,pid jobs:/web"), 0, NULL);
	streq(out, P("files %d\n", k.pid), "and by whom");
	check("and how many", ctl("who jobs:/web"), 0, "t_ctlwhy: has 1 of those", NULL);
	streq(get(WEB "/bc.numfiles.holders"), P("%d 1\n", k.pid), "the kernel names it");
	err(in_child(read_as_user, WEB "/bc.numfiles.holders"), EPERM, "and to no user, whoever opened the file");
	check("a user is told who sees that", user("who jobs:/web"), 0, "1 charged", "only root", NULL);
	check("delete says so, too", ctl("delete jobs:/web"), 1, "EBUSY", "1 open file is charged", NULL);
	kid_send(&k, 0);
	kid_wait(&k);
	k = kid_start(hold_in_threads, NULL);
	kid_recv(&k);
	ok(wait_for(task_state(k.pid, k.pid) == 'Z'), "a process goes on without its first thread");
	streq(get(WEB "/bc.numfiles.holders"), P("%d 1\n", k.pid), "it is named once");
	reap(k.pid);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sock))
		bail("socketpair: %s", strerror(errno));
	eq(in_child(send_file, sock), 0, "a file is sent to nobody yet");
	check("who: a file of which nobody has a descriptor", ctl("who jobs:/web"), 0, "1 charged",
	      "through a socket", NULL);
	close(sock[0]);
	close(sock[1]);

	check("explain: nothing", ctl("explain jobs:/web"), 0, "Nothing is full", "bc.numfiles.barrier", NULL);
	ctl("limit jobs:/web tasks=1");
	eq(in_child(fork_in_vain, WEB "/procs"), 0, "a fork is refused");
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
	ctl("delete jobs:/web && " CTL " umount jobs");
}

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
	ok(write(tty, "\r", 1) == 1 && shows(tty, "t_ctlwhy"), "the members");
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

int main(void)
{
	setup_bare();
	CASE(test_why());
	CASE(test_top());
	finish();
}
