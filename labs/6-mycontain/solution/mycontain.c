// SPDX-License-Identifier: GPL-2.0
/*
 * mycontain DIR NAME COMMAND [ARGUMENT...]: runs a command in a container of its own. Lab 6.
 *
 * DIR is where a hierarchy is mounted, NAME what the container in it and the host inside are
 * called. The command is the first process of a new pid namespace, and sees a /proc with nobody
 * else in it. Its exit status is ours, or 125 where it was not even started. Nothing is left when
 * it has ended.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_STARTED 125

static void fail(const char *what)
{
	fprintf(stderr, "mycontain: %s: %s\n", what, strerror(errno));
	exit(NOT_STARTED);
}

/* Moves the caller into the container whose directory is @path: a 0 goes to its file tasks. */
static void enter(const char *path)
{
	/* LAB: begin */
	char tasks[4096];
	int fd;

	snprintf(tasks, sizeof(tasks), "%s/tasks", path);
	fd = open(tasks, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		fail(tasks);
	close(fd);
	/* LAB: instead */
	/* (void)path; */
	/* LAB: end */
}

/* Namespaces of our own: mounts, the name of the host, and pids, for the children to come. */
static void separate(void)
{
	/* LAB: begin */
	if (unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWPID))
		fail("unshare");
	/* LAB: instead */
	/* LAB: end */
}

/* In the first process of the new pid namespace: a name for the host, and a /proc of its own. */
static void furnish(const char *name)
{
	/* LAB: begin */
	if (sethostname(name, strlen(name)))
		fail(name);
	/* what is mounted from here on stays here */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		fail("/");
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		fail("/proc");
	/* LAB: instead */
	/* (void)name; */
	/* LAB: end */
}

/* Waits for @child, and says what its exit status was: 128 and the signal, if one has killed it. */
static int outcome(pid_t child)
{
	/* LAB: begin */
	int status;

	if (waitpid(child, &status, 0) < 0)
		fail("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	/* LAB: instead */
	/* waitpid(child, NULL, 0); */
	/* return NOT_STARTED; */
	/* LAB: end */
}

int main(int argc, char **argv)
{
	char path[2048];
	pid_t child;
	int status;

	if (argc < 4) {
		fprintf(stderr, "usage: mycontain DIR NAME COMMAND [ARGUMENT...]\n");
		return NOT_STARTED;
	}
	snprintf(path, sizeof(path), "%s/%s", argv[1], argv[2]);
	if (mkdir(path, 0755))
		fail(path);
	separate();
	child = fork();
	if (child < 0)
		fail("fork");
	if (!child) {
		enter(path);
		furnish(argv[2]);
		execvp(argv[3], argv + 3);
		fail(argv[3]);
	}
	status = outcome(child);
	/* LAB: begin */
	/* The kernel has killed all others of its pid namespace before. */
	if (rmdir(path))
		fail(path);
	/* LAB: instead */
	/* LAB: end */
	return status;
}
