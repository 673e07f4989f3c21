// SPDX-License-Identifier: GPL-2.0
/*
 * Size: 30,000 members in one container and 5,000 containers (quick: 6,000
 * and 1,000), listed completely, moved and removed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "lib.h"

#define M "/tmp/m"
#define A "/tmp/m/a"
#define B "/tmp/m/b"
#define PROCS 30
#define CONTAINERS 5000

static int containers;
static int threads;		/* in each process, its leader included */
static pid_t *made;		/* shared: ids of all of them */

/*
 * A thread at the least cost: no stack of its own, because it makes one
 * system call after the other without touching any.
 */
static pid_t tiny_thread(void)
{
	long r;

	asm volatile("syscall\n"
		     "test %%rax, %%rax\n"
		     "jnz 2f\n"
		     "1: mov %2, %%eax\n"
		     "syscall\n"
		     "jmp 1b\n"
		     "2:\n"
		     : "=a" (r)
		     : "0" ((long)SYS_clone), "i" (SYS_pause),
		       "D" ((long)(CLONE_VM | CLONE_FS | CLONE_FILES |
				   CLONE_SIGHAND | CLONE_THREAD |
				   CLONE_SYSVSEM)),
		       "S" (0L)
		     : "rcx", "r11", "rdx", "r10", "r8", "memory");
	return r;
}

static int crowd(struct kid *up, void *arg)
{
	pid_t *mine = made + (long)arg * threads;

	mine[0] = getpid();
	for (int i = 1; i < threads; i++) {
		pid_t t = tiny_thread();

		if (t < 0) {
			kid_send(up, -t);
			pause();
		}
		mine[i] = t;
	}
	kid_send(up, 0);
	for (;;)
		pause();
	return 0;
}

static int cmp(const void *a, const void *b)
{
	return *(const pid_t *)a - *(const pid_t *)b;
}

/* Whether a tasks file lists exactly what was made. */
static bool complete(const char *path, int n)
{
	pid_t *l;
	int got = ids(path, &l);
	bool same = got == n && !memcmp(l, made, n * sizeof(pid_t));

	if (!same)
		diag("%s lists %d, expected %d", path, got, n);
	free(l);
	return same;
}

static void test_members(void)
{
	int n = PROCS * threads, e = 0, fd, len = 0, v;
	struct kid k[PROCS];
	char *buf, *p;
	pid_t *l, last;
	bool ascending = true;
	ssize_t got;

	made = mmap_shared(n * sizeof(pid_t));
	err(put(A "/tasks", "0"), 0, "the test moves into the container");
	for (long i = 0; i < PROCS && !e; i++) {
		k[i] = kid_start(crowd, (void *)i);
		v = kid_recv(&k[i]);
		if (v)
			e = v;
	}
	if (!err(e, 0, "%d processes of %d threads", PROCS, threads))
		return;
	err(put(M "/tasks", "0"), 0, "the test moves out");
	qsort(made, n, sizeof(pid_t), cmp);
	ok(complete(A "/tasks", n), "tasks lists all %d members", n);
	eq(nids(A "/procs"), PROCS, "procs lists all processes");

	buf = malloc(n * 9);
	fd = open(A "/tasks", O_RDONLY | O_CLOEXEC);
	while ((got = read(fd, buf + len, 13)) > 0)
		len += got;
	close(fd);
	buf[len] = 0;
	for (p = buf, v = 0, last = 0; *p; v++) {
		pid_t id = strtol(p, &p, 10);

		if (id <= last || *p++ != '\n' || (v < n && id != made[v])) {
			ascending = false;
			break;
		}
		last = id;
	}
	ok(ascending && v == n, "read 13 bytes at a time: the same, ascending");
	free(buf);

	/* a list that is open while they go */
	fd = open(A "/tasks", O_RDONLY | O_CLOEXEC);
	read(fd, &v, 1);
	for (int i = 0; i < PROCS / 2; i++)
		e |= put(B "/procs", "%d", k[i].pid);
	err(e, 0, "half of the processes move, by procs");
	len = 1;
	buf = malloc(n * 9);
	while ((got = read(fd, buf + len, 65536)) > 0)
		len += got;
	close(fd);
	for (int i = 1, lines = 0; i <= len; i++) {
		if (i < len)
			lines += buf[i] == '\n';
		else
			eq(lines, n, "a list opened before still has all");
	}
	free(buf);
	eq(nids(A "/tasks"), n / 2, "half is left");
	eq(nids(B "/tasks"), n / 2, "half is there");
	eq(nids(B "/procs"), PROCS / 2, "as processes, too");
	e = ids(B "/tasks", &l);
	v = 0;
	for (int i = 0; i < e && i < 500; i++)
		v |= movepid(A, l[i]);
	free(l);
	err(v, 0, "500 threads move back one by one");
	eq(nids(A "/tasks"), n / 2 + 500, "they are there");
	for (int i = 0; i < PROCS; i++)
		e |= put(A "/procs", "%d", k[i].pid);
	ok(complete(A "/tasks", n), "all are moved back by procs");
	for (int i = 0; i < PROCS; i++)
		kill(k[i].pid, SIGKILL);
	for (int i = 0; i < PROCS; i++)
		eq(kid_wait(&k[i]), -SIGKILL, "process %d ends", i);
	ok(wait_for(!nids(A "/tasks") && !nids(B "/tasks")),
	   "when all have exited, none is listed");
	munmap(made, n * sizeof(pid_t));
}

/* Numbers of the containers "cN" listed, each once. */
static int count_listed(const char *dir, size_t chunk)
{
	static char seen[CONTAINERS];
	char *buf = malloc(chunk);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0, nr;
	long got;

	memset(seen, 0, sizeof(seen));
	while ((got = syscall(SYS_getdents64, fd, buf, chunk)) > 0)
		for (char *p = buf; p < buf + got;
		     p += *(unsigned short *)(p + 16))
			if (sscanf(p + 19, "c%d", &nr) == 1 && nr >= 0 &&
			    nr < containers) {
				if (seen[nr]++)
					n = -containers;
				n++;
			}
	close(fd);
	free(buf);
	return got ? -1 : n;
}

static void test_containers(void)
{
	int e = 0, i, fd, n = 0;
	struct hier h0, h;
	char buf[4096];
	long got;

	hier("cpuacct", &h0);
	for (i = 0; i < containers && !e; i++)
		e = E(mkdir(P(M "/c%d", i), 0755));
	err(e, 0, "mkdir of %d containers", i);
	ok(hier("cpuacct", &h) && h.containers == h0.containers + containers,
	   "/proc/containers counts them");
	eq(count_listed(M, 32768), containers, "all are listed, each once");
	eq(count_listed(M, 100), containers, "in small pieces, too");
	err(put(P(M "/c%d/tasks", containers - 1), "0"), 0, "move into the last");
	streq(where(0, "cpuacct"), P("/c%d", containers - 1), "it works");
	err(put(M "/tasks", "0"), 0, "move out");

	/* a listing in which every container is removed once it was listed */
	fd = open(M, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while ((got = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0)
		for (char *p = buf; p < buf + got;
		     p += *(unsigned short *)(p + 16))
			if (p[19] == 'c' && p[20] >= '0' && p[20] <= '9')
				n += !rmdir(P(M "/%s", p + 19));
	close(fd);
	eq(n, containers, "rmdir of each as it is listed meets all");
	eq(count_listed(M, 32768), 0, "none is listed");
	ok(hier("cpuacct", &h) && h.containers == h0.containers,
	   "/proc/containers is back");

	/* deep instead of wide */
	for (i = 0; i < 200 && !e; i++)
		e = E(mkdir("d", 0755)) | E(chdir("d"));
	err(e, 0, "200 levels");
	err(put("tasks", "0"), 0, "move to the lowest");
	eq(strlen(where(0, "cpuacct") ?: ""), 400, "its path is whole");
	err(put(M "/tasks", "0"), 0, "move out");
	for (i = 0; i < 200 && !e; i++)
		e = E(chdir("..")) | E(rmdir("d"));
	err(e, 0, "all are removed");
}

/* One rmdir removes a long chain of containers, from its end on. */
static void test_chain(void)
{
	int levels = sized(10000, 2000);
	struct hier h0, h;
	long began;

	hier("cpuacct", &h0);
	err(E(mkdir("k", 0755)), 0, "mkdir");
	err(put("k/kill_on_rmdir", "1"), 0, "whoever removes it removes all below");
	chdir("k");
	eq(descend("d", levels), levels, "%d levels", levels);
	ok(getnum("cpuacct.usage_subtree_ns") >= 0, "the lowest has its time");
	chdir(M);
	began = now_ms();
	ok(getnum("k/cpuacct.usage_subtree_ns") >= 0, "and the highest that of all");
	diag("read in %ld ms", now_ms() - began);
	began = now_ms();
	err(E(rmdir("k")), 0, "rmdir of the highest");
	diag("removed in %ld ms", now_ms() - began);
	ok(hier("cpuacct", &h) && h.containers == h0.containers, "no container is left of them");
}

int main(void)
{
	setup();
	put("/proc/sys/kernel/pid_max", "200000");
	put("/proc/sys/kernel/threads-max", "100000");
	/* 30,000 tasks of the debug kernel are larger than the guest's memory */
	threads = debug_kernel() ? 100 : sized(1000, 200);
	containers = sized(CONTAINERS, 1000);
	err(cmount(M, "cpuacct"), 0, "mount cpuacct");
	mkdir(A, 0755);
	mkdir(B, 0755);
	CASE(test_members());
	chdir(M);
	CASE(test_containers());
	CASE(test_chain());
	chdir("/");
	err(E(rmdir(A)), 0, "rmdir");
	err(E(rmdir(B)), 0, "rmdir");
	err(cumount(M), 0, "unmount");
	finish();
}
