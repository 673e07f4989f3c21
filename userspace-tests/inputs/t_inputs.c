// SPDX-License-Identifier: GPL-2.0
/*
 * Mount options, writes to control files and short sequences of system calls, made up by a seed.
 * What reaches code of the modules that nothing before it has reached is kept, and changed further:
 * KCOV says where a program has been. A warning of the kernel fails the test, and so does a program
 * that does not end, or leaves what cannot be removed. It begins with /tests/corpus.txt, and hands
 * out what it has kept.
 *
 * FUZZ_SEED: the seed (the clock). FUZZ_SECONDS: how long it goes on (60, quick 10).
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include "inputs.h"

/* of <linux/kcov.h> */
#define KCOV_INIT_TRACE _IOR('c', 1, unsigned long)
#define KCOV_ENABLE _IO('c', 100)
#define KCOV_TRACE_PC 0

#define ENTRIES (64 << 10)	/* of a program */
#define PLACES (64 << 10)	/* of all, in a hash table */
#define KEPT 4096

static int kcov;
static unsigned long *trace;	/* how many, then where */
static unsigned long places[PLACES];
static int nr_places;
static struct program *corpus[KEPT];
static int nr_kept;
static long runs;

/* A test line only if it fails. */
#define ok_unless(cond, ...) ((cond) || ok(false, __VA_ARGS__))

/* --- one program ------------------------------------------------------------------ */

static void in_namespaces(const struct program *p)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (ioctl(kcov, KCOV_ENABLE, KCOV_TRACE_PC))
		_exit(1);
	program_run(p);
	_exit(0);
}

/* Where in the kernel the processes of this test are. */
static void tell_stacks(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		char *comm = atoi(e->d_name) > 0 ? get(P("/proc/%s/comm", e->d_name)) : NULL;

		if (comm && !strcmp(comm, "t_inputs\n"))
			diag("%s, %c:\n%s", e->d_name, task_state(atoi(e->d_name), atoi(e->d_name)),
			     get(P("/proc/%s/stack", e->d_name)));
	}
	if (dir)
		closedir(dir);
}

/* False: it does not end. */
static bool run(const struct program *p)
{
	struct pollfd fd = { .events = POLLIN };
	bool ended;
	pid_t pid;

	runs++;
	trace[0] = 0;
	mkdir(ALL "/p", 0755);
	mkdir(NAMED "/p", 0755);
	pid = syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, NULL, NULL, NULL, 0);
	if (!pid)
		in_namespaces(p);
	if (pid < 0)
		bail("clone: %s", strerror(errno));
	fd.fd = syscall(SYS_pidfd_open, pid, 0);
	poll(&fd, 1, 2000);
	kill(pid, SIGKILL);
	ended = poll(&fd, 1, DEADLINE_MS) == 1;
	close(fd.fd);
	if (!ended)
		tell_stacks();
	waitpid(pid, NULL, ended ? 0 : WNOHANG);
	return ended;
}

/* How many places are new of those where it has been. */
static int news(void)
{
	unsigned long count = trace[0] < ENTRIES ? trace[0] : ENTRIES - 1;
	int before = nr_places;

	for (unsigned long i = 1; i <= count; i++) {
		unsigned int at = trace[i] * 0x9e3779b97f4a7c15ull >> 48;

		while (places[at] && places[at] != trace[i])
			at = (at + 1) % PLACES;
		if (!places[at]) {
			places[at] = trace[i];
			nr_places++;
		}
	}
	return nr_places - before;
}

/* --- after it --------------------------------------------------------------------- */

/* Removes the containers below; false: some are left. */
static bool clear(const char *root)
{
	DIR *dir = opendir(root);
	struct dirent *e;
	bool all = true;
	char *path;

	while (dir && (e = readdir(dir))) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		if (asprintf(&path, "%s/%s", root, e->d_name) < 0)
			abort();
		all = clear(path) && (!rmdir(path) || errno == ENOENT) && all;
		free(path);
	}
	if (dir)
		closedir(dir);
	return all;
}

/* A program may have made a superblock read-only that it shares with us. */
static bool writable(const char *dir)
{
	return !mount("x", dir, NULL, MS_REMOUNT, NULL);
}

/* The hierarchies that a program has mounted, and left with containers. */
static bool clear_others(void)
{
	char *lines, *rest, *line;
	bool all = true;

	if (nhiers() == 3)
		return true;
	lines = rest = strdup(get("/proc/1/container"));
	while ((line = strsep(&rest, "\n"))) {
		line[strcspn(line, ":")] = 0;
		if (!*line || strstr(line, "cpuset") || !strcmp(line, "name=inputs"))
			continue;
		if (!mount("x", OTHER, "container", 0, line)) {
			all = writable(OTHER) && clear(OTHER) && all;
			umount(OTHER);
		}
	}
	free(lines);
	return all && nhiers() == 3;
}

static bool tidy(void)
{
	return writable(NAMED) && clear(ALL) && clear(NAMED) && clear_others();
}

static bool defaults(void)
{
	return !put(ALL "/notify_on_release", "0") && !put(ALL "/auto_delete", "0") &&
		!put(ALL "/kill_on_rmdir", "0") && !put(ALL "/clone_children", "1");
}

/* Runs it, and keeps it if it has been somewhere new; false: what should not have happened has. */
static bool try(const struct program *p)
{
	int found;

	if (!ok_unless(run(p), "a program does not end: %s", program_text(p)))
		return false;
	found = news();
	if (!ok_unless(wait_for(tidy()) && defaults(), "what it left stays: %s", program_text(p)))
		return false;
	if (found && nr_kept < KEPT) {
		corpus[nr_kept] = malloc(sizeof(*p));
		*corpus[nr_kept++] = *p;
		printf("#:file corpus %s\n", program_text(p));
		fflush(stdout);
	}
	return true;
}

static bool try_corpus(void)
{
	char *text = get("/tests/corpus.txt"), *rest = text ? strdup(text) : NULL, *line;
	struct program p;

	while ((line = strsep(&rest, "\n"))) {
		if (!*line || *line == '#')
			continue;
		if (!program_parse(&p, line))
			diag("no program: %s", line);
		else if (!try(&p))
			return false;
	}
	return true;
}

static void search(int seconds)
{
	long end = now_ms() + seconds * 1000L, say = now_ms() + 30000;
	struct program p = { 0 };

	if (!try_corpus())
		return;
	diag("the corpus: %ld programs, %d places", runs, nr_places);
	while (now_ms() < end) {
		if (nr_kept)
			p = *corpus[pick(nr_kept)];
		mutate(&p, nr_kept ? corpus[pick(nr_kept)] : &p);
		if (!try(&p))
			return;
		if (now_ms() > say) {
			diag("%ld programs, %d places, %d kept", runs, nr_places, nr_kept);
			say += 30000;
		}
	}
}

int main(void)
{
	const char *seed = getenv("FUZZ_SEED"), *seconds = getenv("FUZZ_SECONDS");

	setup();
	kcov = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (kcov < 0) {
		skip("no KCOV in this kernel");
		finish();
	}
	err(E(ioctl(kcov, KCOV_INIT_TRACE, ENTRIES)), 0, "KCOV");
	trace = mmap(NULL, ENTRIES * sizeof(*trace), PROT_READ | PROT_WRITE, MAP_SHARED, kcov, 0);
	if (trace == MAP_FAILED)
		bail("its buffer: %s", strerror(errno));
	modprobe("container_cpuset");
	modprobe("container_numtasks");
	modprobe("container_bc");
	mkdir(TOP, 0755);
	mkdir(OTHER, 0755);
	err(cmount(ALL, registered(",")), 0, "mount all subsystems but ns");
	err(cmount(NAMED, "none,name=inputs"), 0, "mount a named hierarchy");
	modprobe("container_ns");
	inject_faults(true);
	mkdir(ALL "/p", 0755);
	find_files();
	ok(defaults(), "the root has what containers inherit");
	random_state = (seed ? strtoul(seed, NULL, 0) : (unsigned long)time(NULL)) ?: 1;
	diag("seed %lu", (unsigned long)random_state);
	search(seconds ? atoi(seconds) : sized(60, 10));
	ok(nr_places > 100, "%ld programs have been at %d places, and %d are kept", runs, nr_places,
	   nr_kept);
	ok(wait_for(tidy()), "nothing is left");
	rmdir(OTHER);
	err(cumount(NAMED), 0, "the named hierarchy unmounts");
	err(cumount(ALL), 0, "so does the other");
	rmdir(TOP);
	finish();
}
