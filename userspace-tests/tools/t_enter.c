// SPDX-License-Identifier: GPL-2.0
/*
 * containerctl enter: the containers and the namespaces of another process; and what those
 * who are root in there, or the programs of theirs that it runs, could do to the caller.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/keyctl.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "ctl.h"

#define SELF "/tests/t_enter"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
#define TEN_DAYS 864000

/* The first process of the namespaces that children are born in. */
static void start_first(struct kid *up, int answer)
{
	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		kid_send(up, answer);
		pause();
	}
}

static int with_namespaces(struct kid *up, void *arg)
{
	(void)arg;
	put(WEB "/procs", "0");
	if (unshare(CLONE_NEWUTS | CLONE_NEWPID) || sethostname("inside", 6))
		return 1;
	/* not in every kernel */
	if (!unshare(CLONE_NEWTIME) &&
	    put("/proc/self/timens_offsets", "boottime %d 0", TEN_DAYS))
		return 1;
	/* of the pid and the time namespace */
	start_first(up, 1);
	kid_recv(up);
	return 0;
}

static void test_enter(void)
{
	struct kid k = kid_start(with_namespaces, NULL);
	pid_t *list, inner;

	eq(kid_recv(&k), 1, "a process with namespaces of its own");
	inner = ids(WEB "/procs", &list) == 2 ? list[1] : 0;
	check("enter: the container and the namespaces", ctl("enter %d -- sh -c 'hostname; cat /proc/self/container; exit 7'",
	      k.pid), 7, "inside\n", ":/web\n", NULL);
	check("enter a pid namespace", ctl("enter %d -- sh -c 'echo pid $$'", inner), 0, "pid 2\n", NULL);
	if (!access("/proc/self/ns/time", F_OK)) {
		check("enter a time namespace", ctl("enter %d cat /proc/uptime", inner), 0, NULL);
		ok(atof(out) > TEN_DAYS, "its clock is ahead: %.0f s", atof(out));
	} else {
		skip("enter a time namespace # not in this kernel");
	}
	check("by the container", ctl("enter jobs:/web hostname"), 0, "inside\n", NULL);
	check("enter as a user", user("enter %d -- true", k.pid), 125, "as root", NULL);
	reap(inner);
	kid_send(&k, 0);
	kid_wait(&k);
	check("nobody is in there", ctl("enter jobs:/web -- true"), 125, "containerctl exec jobs:/web", NULL);
	check("nobody", ctl("enter 4000000 -- true"), 125, "4000000", NULL);
}

/* --- what is run in there --------------------------------------------------------- */

static int with_mounts(struct kid *up, void *arg)
{
	(void)arg;
	put(WEB "/procs", "0");
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 1;
	kid_send(up, 1);
	kid_recv(up);
	return 0;
}

#define TRAP "/tmp/trap"

/* enter, of a program that prints into a pipe that is full, so that it stays. */
static pid_t enter_and_block(pid_t target, int *pipe_end)
{
	char junk[4096] = "";
	int p[2];
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) || fcntl(p[1], F_SETPIPE_SZ, 4096) < 0 ||
	    write(p[1], junk, sizeof(junk)) != sizeof(junk))
		bail("pipe: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		dup2(p[1], 1);
		execlp(CTL, CTL, "enter", P("%d", target), "--", TRAP, NULL);
		_exit(252);
	}
	close(p[1]);
	*pipe_end = p[0];
	return pid;
}

/*
 * A script whose interpreter is /proc/self/exe, the program that runs it: then the program
 * is a process in there, and root in there may open its file through /proc/PID/exe.
 */
static void test_executable(pid_t target)
{
	const char *exe = "/bin/" CTL;
	struct stat was, is, seen;
	int end, fd, path;
	pid_t pid;

	copy_file(exe, "/tmp/saved", 0755);
	stat(exe, &was);
	write_file(TRAP, "#!/proc/self/exe --version\n");
	chmod(TRAP, 0755);
	pid = enter_and_block(target, &end);
	ok(wait_for(get(P("/proc/%d/cmdline", pid)) &&
		    !strcmp(get(P("/proc/%d/cmdline", pid)), "/proc/self/exe")),
	   "a script of theirs has our program run in there");
	path = open(P("/proc/%d/exe", pid), O_PATH);
	ok(path >= 0 && !fstat(path, &seen) && (seen.st_dev != was.st_dev || seen.st_ino != was.st_ino),
	   "its file is not the one that is installed");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(end);
	/* now nobody runs it */
	fd = open(P("/proc/self/fd/%d", path), O_WRONLY);
	err(fd < 0 ? errno : E(write(fd, "x", 1)), EPERM, "nor can it be written to");
	close(fd);
	close(path);
	ok(!stat(exe, &is) && is.st_mtim.tv_sec == was.st_mtim.tv_sec &&
	   is.st_mtim.tv_nsec == was.st_mtim.tv_nsec, "the installed one is as it was");
	copy_file("/tmp/saved", exe, 0755);
	unlink("/tmp/saved");
	unlink(TRAP);
}

static void test_inherited(pid_t target)
{
	check("no descriptor of the caller's, and not his directory",
	      as(0, "cd /tests; exec 7</tests 9</; " CTL " enter %d -- sh -c 'ls /proc/self/fd | tr \"\\n\" \" \"; pwd'",
		 target), 0, NULL);
	/* 3 is the descriptor of ls */
	streq(out, "0 1 2 3 /\n", "are left");

	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0) {
		skip("no keys # not in this kernel");
		return;
	}
	check("nor his keys", as(0, SELF " --keyring; " CTL " enter %d -- " SELF " --keyring", target), 0,
	      NULL);
	ok(atoi(out) && strchr(out, '\n') && atoi(strchr(out, '\n')) != atoi(out), "another keyring: %s", out);
}

/* What a program is told by the caller's terminal when it types something. */
static int type_into(pid_t target)
{
	int tty, status;
	pid_t pid = forkpty(&tty, NULL, NULL, NULL);

	if (!pid) {
		if (target)
			execlp(CTL, CTL, "enter", P("%d", target), "--", SELF, "--type", NULL);
		else
			execl(SELF, SELF, "--type", NULL);
		_exit(252);
	}
	waitpid(pid, &status, 0);
	close(tty);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_terminal(pid_t target)
{
	static const char knob[] = "/proc/sys/dev/tty/legacy_tiocsti";
	long was = getnum(knob);

	if (was != LONG_MIN)
		put(knob, "1");
	if (prctl(PR_GET_SECCOMP) < 0) {
		skip("typing into the terminal # no seccomp in this kernel");
	} else {
		err(type_into(0), 0, "a program may type into its terminal");
		err(type_into(target), EPERM, "not so what enter has run in there");
	}
	if (was != LONG_MIN)
		put(knob, "%ld", was);
}

/* --- who watches ------------------------------------------------------------------- */

#define ROOT_IN_THERE 100000

static int with_users(struct kid *up, void *arg)
{
	(void)arg;
	put(WEB "/procs", "0");
	if (unshare(CLONE_NEWUSER | CLONE_NEWPID))
		return 1;
	kid_send(up, 1);
	/* the map is written */
	kid_recv(up);
	start_first(up, 2);
	kid_recv(up);
	return 0;
}

/* As root in the user namespace of a process: what does the link to another's file say? */
static int look_at(void *arg)
{
	pid_t *pids = arg;
	int ns = open(P("/proc/%d/ns/user", pids[0]), O_RDONLY);
	char to[64];

	if (setns(ns, CLONE_NEWUSER) || setgid(0) || setuid(0))
		return 200;
	return E(readlink(P("/proc/%d/exe", pids[1]), to, sizeof(to)));
}

/* The process that waits in the namespaces for its child is the program of the host. */
static void test_tracing(void)
{
	static const char knob[] = "/proc/sys/fs/suid_dumpable";
	struct kid k = kid_start(with_users, NULL);
	long was = getnum(knob);
	pid_t pids[2], child, *list;

	eq(kid_recv(&k), 1, "a user namespace");
	put(P("/proc/%d/uid_map", k.pid), "0 %d 1000", ROOT_IN_THERE);
	put(P("/proc/%d/gid_map", k.pid), "0 %d 1000", ROOT_IN_THERE);
	kid_send(&k, 0);
	eq(kid_recv(&k), 2, "with a process in it");
	put(knob, "1");
	pids[0] = ids(WEB "/procs", &list) == 2 ? list[1] : 0;
	pids[1] = fork();
	if (!pids[1]) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp(CTL, CTL, "enter", P("%d", pids[0]), "--", "sleep", "1000", NULL);
		_exit(252);
	}
	/* it has a child: so it is in there itself */
	ok(wait_for(ids(WEB "/procs", &list) == 4), "enter has a child");
	child = list[3];
	ok(wait_for(!strcmp(get(P("/proc/%d/comm", child)) ?: "", "sleep\n")), "which runs");
	err(in_child(look_at, (pid_t[]){ pids[0], child }), 0, "root in there sees the file of that");
	err(in_child(look_at, pids), EACCES, "but not that of enter");
	kill(child, SIGKILL);
	waitpid(pids[1], NULL, 0);
	put(knob, "%ld", was);
	reap(pids[0]);
	kid_send(&k, 0);
	kid_wait(&k);
}

int main(int argc, char **argv)
{
	struct kid k;

	if (argc == 2 && !strcmp(argv[1], "--keyring")) {
		printf("%ld\n", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "--type"))
		return E(ioctl(0, TIOCSTI, "x"));

	setup_bare();
	check("mount", ctl("mount cpuacct bc --name jobs"), 0, NULL);
	check("create", ctl("create jobs:/web"), 0, NULL);
	test_enter();
	k = kid_start(with_mounts, NULL);
	eq(kid_recv(&k), 1, "a process with mounts of its own");
	test_executable(k.pid);
	test_inherited(k.pid);
	test_terminal(k.pid);
	kid_send(&k, 0);
	kid_wait(&k);
	test_tracing();
	check("delete", ctl("delete --wait=1min jobs:/web"), 0, NULL);
	check("umount", ctl("umount jobs"), 0, NULL);
	finish();
}
