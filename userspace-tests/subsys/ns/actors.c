// SPDX-License-Identifier: GPL-2.0
/* See actors.h. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "actors.h"
#include "clone3.h"

const char *set = "ns";
/* Of its line in /proc/containers. */
const char *listing = "ns";

const char *ns_of(pid_t pid, const char *link)
{
	char buf[64];
	ssize_t n = readlink(P("/proc/%d/ns/%s", pid, link), buf, sizeof(buf) - 1);

	buf[n > 0 ? n : 0] = 0;
	return P("%s", buf);
}

const char *at(pid_t pid)
{
	return where(pid, set) ?: "";
}

bool gone(const char *path)
{
	return access(path, F_OK) && errno == ENOENT;
}

int dirs(const char *path)
{
	struct dirent *e;
	DIR *d = opendir(path);
	int n = 0;

	while (d && (e = readdir(d)))
		if (e->d_type == DT_DIR && e->d_name[0] != '.') {
			char *sub = strdup(P("%s/%s", path, e->d_name));

			n += 1 + dirs(sub);
			free(sub);
		}
	if (d)
		closedir(d);
	return n;
}

void prune(const char *path)
{
	struct dirent *e;
	DIR *d = opendir(path);

	while (d && (e = readdir(d)))
		if (e->d_type == DT_DIR && e->d_name[0] != '.') {
			char *sub = strdup(P("%s/%s", path, e->d_name));

			prune(sub);
			rmdir(sub);
			free(sub);
		}
	if (d)
		closedir(d);
}

void prune_all(void)
{
	wait_for((prune(M), !dirs(M)));
}

struct actor *actors;

void begin_actors(void)
{
	actors = mmap_shared(ACTORS * sizeof(*actors));
}

int nactors;

int open_path(void)
{
	return open("/proc/thread-self/container", O_RDONLY | O_CLOEXEC);
}

void note_path_of(struct actor *a, int fd)
{
	char buf[3 * PATH_MAX];
	size_t n = strlen(set);
	ssize_t got = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);
	char *p = buf, *nl;

	if (fd >= 0)
		close(fd);
	snprintf(a->path, sizeof(a->path), got < 0 ? "no path: %m" : "");
	buf[got > 0 ? got : 0] = 0;
	for (; (nl = strchr(p, '\n')); p = nl + 1)
		if (!strncmp(p, set, n) && p[n] == ':') {
			*nl = 0;
			snprintf(a->path, sizeof(a->path), "%s", p + n + 1);
		}
}

void note_path(struct actor *a)
{
	note_path_of(a, open_path());
}

pid_t clone_flags(unsigned long f)
{
	struct clone3_args a = { .flags = f };

	/* a bit of the signal for clone(2) */
	if (f & CLONE_NEWTIME)
		return clone3(&a);
	return syscall(SYS_clone, f | SIGCHLD, NULL, NULL, NULL, NULL);
}

static void actor_main(struct actor *a);

static void actor_begin(struct actor *a)
{
	char buf[16] = "";

	note_path(a);
	signal(SIGCHLD, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* by the proc of the initial namespace */
	readlink("/proc/self", buf, sizeof(buf) - 1);
	__atomic_store_n(&a->pid, atoi(buf), __ATOMIC_SEQ_CST);
	actor_main(a);
}

static int actor_setns(const char *name, pid_t pid)
{
	int e, fd = open(P("/proc/%d/ns/%s", pid, name), O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	e = E(setns(fd, 0));
	close(fd);
	return e;
}

static void actor_do(struct actor *a)
{
	pid_t pid;

	switch (a->cmd) {
	case A_UNSHARE:
		a->result = E(unshare(a->arg));
		note_path(a);
		break;
	case A_SPAWN:
		pid = clone_flags(a->arg);
		if (!pid)
			actor_begin(&actors[a->arg2]);
		a->result = E(pid);
		note_path(a);
		break;
	case A_SETNS:
		a->result = actor_setns(a->name, a->arg2);
		note_path(a);
		break;
	case A_EXIT:
		_exit(0);
	}
}

static void actor_main(struct actor *a)
{
	for (;;) {
		if (!__atomic_load_n(&a->cmd, __ATOMIC_SEQ_CST)) {
			usleep(500);
			continue;
		}
		actor_do(a);
		__atomic_store_n(&a->cmd, A_NOTHING, __ATOMIC_SEQ_CST);
	}
}

int tell(struct actor *a, int cmd, unsigned long arg, int arg2)
{
	a->arg = arg;
	a->arg2 = arg2;
	__atomic_store_n(&a->cmd, cmd, __ATOMIC_SEQ_CST);
	if (!wait_for(!__atomic_load_n(&a->cmd, __ATOMIC_SEQ_CST)))
		return ETIMEDOUT;
	return a->result;
}

int unshares(struct actor *a, unsigned long f)
{
	return tell(a, A_UNSHARE, f, 0);
}

static struct actor *new_actor(void)
{
	if (nactors == ACTORS)
		bail("too many actors");
	memset(&actors[nactors], 0, sizeof(*actors));
	return &actors[nactors++];
}

struct actor *actor(void)
{
	struct actor *a = new_actor();
	pid_t pid = fork();

	if (!pid)
		actor_begin(a);
	if (!wait_for(__atomic_load_n(&a->pid, __ATOMIC_SEQ_CST)))
		bail("an actor does not start");
	return a;
}

struct actor *spawn(struct actor *a, unsigned long f, int *error)
{
	struct actor *child = new_actor();
	int e = tell(a, A_SPAWN, f, child - actors);

	if (!e && !wait_for(__atomic_load_n(&child->pid, __ATOMIC_SEQ_CST)))
		e = ETIMEDOUT;
	if (error)
		*error = e;
	return e ? NULL : child;
}

void curtain(void)
{
	for (int i = nactors - 1; i >= 0; i--)
		if (actors[i].pid)
			kill(actors[i].pid, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	for (int i = 0; i < nactors; i++)
		if (actors[i].pid)
			wait_for(kill(actors[i].pid, 0));
	nactors = 0;
	prune_all();
}

bool left(const char *cont)
{
	return nids(P("%s/tasks", cont)) <= 0;
}

void thread_note(struct thread *t)
{
	struct actor a;

	note_path(&a);
	strcpy(t->path, a.path);
}

void *unsharing_thread(void *arg)
{
	struct thread *t = arg;

	t->result = E(unshare(CLONE_NEWUTS));
	thread_note(t);
	__atomic_store_n(&t->tid, syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&t->go, __ATOMIC_SEQ_CST))
		msleep(1);
	return NULL;
}

int complaints(int fd)
{
	char *text, *p;
	int n = 0;

	kmsg_lines(fd, &text);
	for (p = text; (p = strstr(p, "no container of its own")); p++)
		n++;
	return n;
}

long without(void)
{
	char *s = get("/proc/containers");

	s = s ? strstr(s, "name=ns ") : NULL;
	s = s ? strstr(s, "without=") : NULL;
	return s ? atol(s + strlen("without=")) : -1;
}

void mount_all(void)
{
	modprobe("container_ns");
	modprobe("container_numtasks");
	modprobe("container_bc");
	modprobe("container_cpuset");
	set = strdup(registered(","));
	listing = strdup(registered(", "));
	err(cmount(M, set), 0, "mount %s", set);
}
