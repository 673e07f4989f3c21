// SPDX-License-Identifier: GPL-2.0
/* What the programs of t_inputs can do. None of it has to succeed. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "inputs.h"

#define FILES 64
#define HELD 8

static char *files[FILES];
static int nr_files;

/* The running program's own. */
static pid_t kid;
static int held[HELD], nr_held;
static char *mapped = MAP_FAILED;

static const char *const dirs[] = {
	ALL "/p", ALL "/p/a", ALL "/p/b", ALL "/p/a/a", NAMED "/p", NAMED "/p/a", OTHER "/a",
	OTHER "/b", OTHER "/a/a", OTHER, NAMED, ALL,
};

#define ROOTS 3		/* the last of them */

static void add_files(const char *dir)
{
	char *names = strdup(names_in(dir)), *rest = names, *name;

	while ((name = strsep(&rest, " ")))
		if (*name && *name != '.' && nr_files < FILES)
			files[nr_files++] = strdup(name);
	free(names);
}

/* A container has all but the files of the root. */
void find_files(void)
{
	nr_files = 0;
	add_files(ALL "/p");
	files[nr_files++] = "release_agent";
	files[nr_files++] = "cpuset.memory_pressure_enabled";
}

static const char *dir_of(unsigned int n)
{
	return dirs[n % ARRAY_SIZE(dirs)];
}

static const char *file_of(const struct step *s)
{
	return P("%s/%s", dir_of(s->a), files[s->b % nr_files]);
}

static void do_mkdir(const struct step *s)
{
	mkdir(dir_of(s->a), 0755);
}

static void do_rmdir(const struct step *s)
{
	rmdir(dir_of(s->a));
}

static void do_rename(const struct step *s)
{
	rename(dir_of(s->a), dir_of(s->b));
}

/* A limit of the root would be one on those who run the programs. */
static void do_put(const struct step *s)
{
	bool root = s->a % ARRAY_SIZE(dirs) >= ARRAY_SIZE(dirs) - ROOTS;

	if (!root || !strchr(files[s->b % nr_files], '.'))
		putn(file_of(s), s->text, s->len);
}

static void do_read(const struct step *s)
{
	char buf[4096];
	int fd = open(file_of(s), O_RDONLY);

	if (s->len % 2)
		lseek(fd, s->len, SEEK_SET);
	while (read(fd, buf, s->len > 8 ? sizeof(buf) : 7) > 0)
		;
	close(fd);
}

static void do_open(const struct step *s)
{
	int fd;

	if (nr_held == HELD)
		return;
	fd = open(file_of(s), s->len % 2 ? O_RDONLY : O_RDWR);
	if (fd >= 0)
		held[nr_held++] = fd;
}

static void do_write(const struct step *s)
{
	if (nr_held && write(held[s->a % nr_held], s->text, s->len) < 0)
		lseek(held[s->a % nr_held], 0, SEEK_SET);
}

static void do_close(const struct step *s)
{
	(void)s;
	if (nr_held)
		close(held[--nr_held]);
}

static void do_poll(const struct step *s)
{
	struct pollfd p = { .fd = nr_held ? held[s->a % nr_held] : -1, .events = POLLIN | POLLPRI };

	poll(&p, 1, 2);
}

static void do_list(const struct step *s)
{
	names_in(dir_of(s->a));
}

static void do_chmod(const struct step *s)
{
	const char *path = s->len % 2 ? file_of(s) : dir_of(s->a);

	if (chmod(path, 0700 | s->b) || chown(path, s->b, -1))
		return;
}

/* Itself, or its child. */
static void do_move(const struct step *s)
{
	put(P("%s/%s", dir_of(s->a), s->b % 4 < 2 ? "tasks" : "procs"), "%d",
	    s->b % 2 ? kid : 0);
}

static void do_fork(const struct step *s)
{
	pid_t pid = fork();

	if (pid) {
		kid = pid > 0 ? pid : kid;
		return;
	}
	if (s->a % 4)
		_exit(0);
	while (true)
		pause();
}

static void do_kill(const struct step *s)
{
	if (kid > 0 && !kill(kid, s->a % 2 ? SIGKILL : SIGSTOP) && s->a % 2)
		waitpid(kid, NULL, 0);
}

static void do_unshare(const struct step *s)
{
	static const int flags[] = { CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWPID,
				     CLONE_NEWUSER, CLONE_NEWUTS | CLONE_NEWIPC, CLONE_FILES };

	unshare(flags[s->a % ARRAY_SIZE(flags)]);
}

static void do_affinity(const struct step *s)
{
	unsigned long mask = s->b % 8;

	syscall(SYS_sched_setaffinity, s->a % 2 ? kid : 0, s->a % 8 ? sizeof(mask) : 0, &mask);
}

static void do_policy(const struct step *s)
{
	unsigned long nodes = s->b % 8;

	syscall(SYS_set_mempolicy, s->a % 6, nodes ? &nodes : NULL, 64);
}

static void do_map(const struct step *s)
{
	size_t size = (s->a + 1) * 4096;

	if (mapped != MAP_FAILED)
		mapped = mremap(mapped, 4096, size, MREMAP_MAYMOVE);
	else
		mapped = mmap(NULL, size, PROT_READ | PROT_WRITE,
			      (s->b % 2 ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS, -1, 0);
	if (mapped != MAP_FAILED)
		mapped[0] = mapped[size - 1] = 1;
}

static void do_unmap(const struct step *s)
{
	if (mapped != MAP_FAILED)
		munmap(mapped, (s->a + 1) * 4096);
	mapped = MAP_FAILED;
}

static void do_mount(const struct step *s)
{
	char options[TEXT + 1] = "";

	memcpy(options, s->text, s->len);
	mount(s->a % 2 ? "x" : "", OTHER, "container", s->b % 8 ? 0 : MS_RDONLY, options);
}

static void do_remount(const struct step *s)
{
	char options[TEXT + 1] = "";

	memcpy(options, s->text, s->len);
	mount("x", s->a % 2 ? OTHER : NAMED, NULL, MS_REMOUNT | (s->b % 2 ? MS_RDONLY : 0),
	      options);
}

static void do_bind(const struct step *s)
{
	mount(dir_of(s->a), OTHER, NULL, MS_BIND, NULL);
}

static void do_umount(const struct step *s)
{
	umount2(OTHER, s->a % 2 ? MNT_DETACH : 0);
}

static void do_where(const struct step *s)
{
	(void)s;
	get("/proc/containers");
	get("/proc/self/container");
}

static void do_user(const struct step *s)
{
	if (seteuid(s->a % 2 ? 65534 : 0))
		return;
}

/* One of the allocations to come fails. */
static void do_fail(const struct step *s)
{
	fail_nth(1 + s->a % 40);
}

static const struct {
	const char *name;
	void (*run)(const struct step *s);
} table[] = {
	{ "mkdir", do_mkdir }, { "rmdir", do_rmdir }, { "rename", do_rename }, { "put", do_put },
	{ "read", do_read }, { "open", do_open }, { "write", do_write }, { "close", do_close },
	{ "poll", do_poll }, { "list", do_list }, { "chmod", do_chmod }, { "move", do_move },
	{ "fork", do_fork }, { "kill", do_kill }, { "unshare", do_unshare },
	{ "affinity", do_affinity }, { "policy", do_policy }, { "map", do_map },
	{ "unmap", do_unmap }, { "mount", do_mount }, { "remount", do_remount },
	{ "bind", do_bind }, { "umount", do_umount }, { "where", do_where }, { "user", do_user },
	{ "fail", do_fail },
};

int calls(void)
{
	return ARRAY_SIZE(table);
}

const char *call_name(int call)
{
	return table[call].name;
}

void program_run(const struct program *p)
{
	put(ALL "/p/tasks", "0");
	for (int i = 0; i < p->count; i++)
		table[p->steps[i].call].run(&p->steps[i]);
	fail_nth(0);
}
