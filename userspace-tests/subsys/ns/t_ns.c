// SPDX-License-Identifier: GPL-2.0
/*
 * ns: who makes namespaces is in a container of its own when the call returns; the
 * rules for moves; what happens where that container cannot be made; the end of a
 * virtual server; and all of that beside other subsystems, unloads and failures.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include "lib.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

#define M "/tmp/m"
#define AGENT "/tmp/agent"
#define LOG "/tmp/agent.log"
#define CMD "/sys/kernel/debug/container_apitest/cmd"
#define PARAM "/sys/module/container_ns/parameters/"

/* Of the hierarchy's line in /proc/<pid>/container. */
static const char *set = "ns";
/* Of its line in /proc/containers. */
static const char *listing = "ns";

static const struct flag {
	const char *name;
	unsigned long flag;
	const char *link;	/* changes for the caller of unshare */
	const char *child;	/* changes for the child of clone */
} flags[] = {
	{ "CLONE_NEWNS", CLONE_NEWNS, "mnt", "mnt" },
	{ "CLONE_NEWCGROUP", CLONE_NEWCGROUP, "cgroup", "cgroup" },
	{ "CLONE_NEWUTS", CLONE_NEWUTS, "uts", "uts" },
	{ "CLONE_NEWIPC", CLONE_NEWIPC, "ipc", "ipc" },
	{ "CLONE_NEWUSER", CLONE_NEWUSER, "user", "user" },
	{ "CLONE_NEWPID", CLONE_NEWPID, "pid_for_children", "pid" },
	{ "CLONE_NEWNET", CLONE_NEWNET, "net", "net" },
	{ "CLONE_NEWTIME", CLONE_NEWTIME, "time_for_children", "time" },
};
#define NFLAGS ARRAY_SIZE(flags)

static const char *const links[] = {
	"mnt", "cgroup", "uts", "ipc", "user", "pid", "net", "time",
	"pid_for_children", "time_for_children",
};

/* A namespace of a task, as the kernel calls it; "" if it has no such. */
static const char *ns_of(pid_t pid, const char *link)
{
	char buf[64];
	ssize_t n = readlink(P("/proc/%d/ns/%s", pid, link), buf, sizeof(buf) - 1);

	buf[n > 0 ? n : 0] = 0;
	return P("%s", buf);
}

/* All that a task is in itself, what it has for its children left out. */
static const char *own_ns(pid_t pid)
{
	const char *s = "";

	for (size_t i = 0; i < ARRAY_SIZE(links) - 2; i++)
		s = P("%s %s", s, ns_of(pid, links[i]));
	return s;
}

static const char *at(pid_t pid)
{
	return where(pid, set) ?: "";
}

static bool gone(const char *path)
{
	return access(path, F_OK) && errno == ENOENT;
}

/* Directories below one. */
static int dirs(const char *path)
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

/* Removes what is below one and has no members. */
static void prune(const char *path)
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

/* Those that remove themselves need not have finished when their tasks have. */
static void prune_all(void)
{
	wait_for((prune(M), !dirs(M)));
}

/* --- actors: processes that do what they are told -------------------------- */

enum { A_NOTHING, A_UNSHARE, A_SPAWN, A_SETNS, A_EXIT };

struct actor {
	int cmd;		/* to do; A_NOTHING when it is done */
	unsigned long arg;
	int arg2;
	char name[32];
	int result;		/* an errno */
	pid_t pid;		/* in the initial namespace */
	char path[PATH_MAX];	/* where it was, first thing in user space */
};

#define ACTORS 64
static struct actor *actors;
static int nactors;

/* Where the caller is, without much ado before. */
static int open_path(void)
{
	return open("/proc/thread-self/container", O_RDONLY | O_CLOEXEC);
}

/* From what open_path() has given. */
static void note_path_of(struct actor *a, int fd)
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

static void note_path(struct actor *a)
{
	note_path_of(a, open_path());
}

struct clone3 {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls,
		 set_tid, set_tid_size, cgroup;
};

/* As fork(), with flags. The child has not touched anything when it returns. */
static pid_t clone_flags(unsigned long f)
{
	struct clone3 c = { .flags = f, .exit_signal = SIGCHLD };

	/* a bit of the signal for clone(2) */
	if (f & CLONE_NEWTIME)
		return syscall(SYS_clone3, &c, sizeof(c));
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

/* Tells an actor to do something and waits until it is done. */
static int tell(struct actor *a, int cmd, unsigned long arg, int arg2)
{
	a->arg = arg;
	a->arg2 = arg2;
	__atomic_store_n(&a->cmd, cmd, __ATOMIC_SEQ_CST);
	if (!wait_for(!__atomic_load_n(&a->cmd, __ATOMIC_SEQ_CST)))
		return ETIMEDOUT;
	return a->result;
}

static int unshares(struct actor *a, unsigned long f)
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

/* A child of the test's. */
static struct actor *actor(void)
{
	struct actor *a = new_actor();
	pid_t pid = fork();

	if (!pid)
		actor_begin(a);
	if (!wait_for(__atomic_load_n(&a->pid, __ATOMIC_SEQ_CST)))
		bail("an actor does not start");
	return a;
}

/* A child of an actor's, made by clone(2) with flags; NULL and an errno. */
static struct actor *spawn(struct actor *a, unsigned long f, int *error)
{
	struct actor *child = new_actor();
	int e = tell(a, A_SPAWN, f, child - actors);

	if (!e && !wait_for(__atomic_load_n(&child->pid, __ATOMIC_SEQ_CST)))
		e = ETIMEDOUT;
	if (error)
		*error = e;
	return e ? NULL : child;
}

static int sets_ns(struct actor *a, const char *name, pid_t of)
{
	snprintf(a->name, sizeof(a->name), "%s", name);
	return tell(a, A_SETNS, 0, of);
}

/* The end of all actors; the containers they leave are removed. */
static void curtain(void)
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

/* --- who gets a container --------------------------------------------------- */

static bool changed_only(pid_t pid, char before[][64], const char *which)
{
	bool good = true;

	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		bool changed = strcmp(before[i], ns_of(pid, links[i]));
		/* with the namespace itself goes the one for children */
		bool want = !strncmp(links[i], which, strlen(which));

		good &= changed == want;
	}
	return good;
}

static void test_each_flag(void)
{
	char before[ARRAY_SIZE(links)][64];
	struct actor *a, *b;
	int e;

	for (size_t i = 0; i < NFLAGS; i++) {
		const struct flag *f = &flags[i];

		a = actor();
		for (size_t j = 0; j < ARRAY_SIZE(links); j++)
			strcpy(before[j], ns_of(a->pid, links[j]));
		if (!*ns_of(a->pid, f->link)) {
			skip("%s # not in this kernel", f->name);
			curtain();
			continue;
		}
		b = spawn(a, f->flag, &e);
		if (!b && e == EINVAL && f->flag == CLONE_NEWTIME) {
			skip("clone with %s # not in this kernel", f->name);
		} else {
			err(e, 0, "clone with %s", f->name);
			streq(b->path, P("/%d", b->pid), "the child is in a container of its own");
			streq(at(b->pid), P("/%d", b->pid), "from outside, too");
			ok(changed_only(b->pid, before, f->child), "it has one new namespace");
			eq(nids(P(M "/%d/tasks", b->pid)), 1, "and is its only member");
		}
		streq(a->path, "/", "the parent is where it was");

		err(unshares(a, f->flag), 0, "unshare(%s)", f->name);
		streq(a->path, P("/%d", a->pid), "the caller is in a container of its own");
		streq(at(a->pid), P("/%d", a->pid), "from outside, too");
		ok(listed(P(M "/%d/tasks", a->pid), a->pid), "listed there");
		ok(changed_only(a->pid, before, f->link), "it has one new namespace");
		eq(dirs(M), e ? 1 : 2, "there is one container for each");
		curtain();
		eq(dirs(M), 0, "which can be removed");
	}
}

static void test_calls(void)
{
	unsigned long all = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
			    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
	struct actor *a = actor(), *b, *c;
	pid_t p, q;

	err(unshares(a, all), 0, "unshare of seven namespaces at once");
	streq(a->path, P("/%d", a->pid), "makes one container");
	eq(dirs(M), 1, "no more");
	p = a->pid;
	err(unshares(a, CLONE_NEWUTS), 0, "unshare again");
	streq(a->path, P("/%d/%d", p, p), "makes a child of the first");
	eq(nids(P(M "/%d/tasks", p)), 0, "which is empty now");
	err(unshares(a, CLONE_NEWUTS | CLONE_NEWIPC), 0, "and again");
	streq(a->path, P("/%d/%d/%d", p, p, p), "a child of that");
	/* it set a pid namespace aside: the next child is its init */
	b = spawn(a, 0, NULL);
	streq(b->path, a->path, "a child by fork(2) is where its parent is");
	ok(strcmp(ns_of(b->pid, "pid"), ns_of(a->pid, "pid")), "in the pid namespace set aside");
	c = spawn(b, CLONE_NEWNS | CLONE_NEWPID, NULL);
	streq(c->path, P("%s/%d", a->path, c->pid),
	      "clone in there: named after its pid in the initial namespace");
	q = c->pid;
	err(unshares(c, CLONE_NEWNS), 0, "unshare in there");
	streq(c->path, P("%s/%d/%d", a->path, q, q), "likewise");
	curtain();

	a = actor();
	b = spawn(a, all, NULL);
	streq(b->path, P("/%d", b->pid), "clone with seven flags makes one container");
	eq(dirs(M), 1, "no more");
	c = spawn(b, CLONE_NEWUTS, NULL);
	streq(c->path, P("/%d/%d", b->pid, c->pid), "its child's is a child of it");
	err(unshares(b, CLONE_NEWUTS), 0, "unshare of the parent");
	streq(b->path, P("/%d/%d", b->pid, b->pid), "makes a sibling of that");
	streq(at(c->pid), P("/%d/%d", p = b->pid, c->pid), "the other stays");
	curtain();

	/* a fork after unshare(CLONE_NEWTIME) makes a set, but no namespace */
	a = actor();
	if (!unshares(a, CLONE_NEWTIME)) {
		b = spawn(a, 0, NULL);
		streq(b->path, P("/%d", a->pid), "fork after unshare(CLONE_NEWTIME): no container");
		ok(strcmp(ns_of(b->pid, "time"), ns_of(a->pid, "time")), "but another time");
		eq(dirs(M), 1, "no more");
	}
	curtain();
}

static int no_namespaces(struct kid *up, void *arg)
{
	unsigned long *f = arg;

	kid_send(up, E(unshare(*f)));
	kid_recv(up);
	return 0;
}

static int unprivileged(struct kid *up, void *arg)
{
	drop_to(1000);
	return no_namespaces(up, arg);
}

static void none_made(int (*fn)(struct kid *, void *), unsigned long f, int want,
		      const char *what)
{
	struct kid k = kid_start(fn, &f);

	err(kid_recv(&k), want, "%s", what);
	streq(at(k.pid), "/", "no container of its own");
	eq(dirs(M), 0, "none is made");
	kid_send(&k, 0);
	kid_wait(&k);
}

static void test_others(void)
{
	static const unsigned long wrong[] = {
		CLONE_NEWNS | CLONE_FS, CLONE_NEWUSER | CLONE_FS, CLONE_NEWIPC | CLONE_SYSVSEM,
		CLONE_NEWPID | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM,
	};
	char *max = strdup(get("/proc/sys/user/max_uts_namespaces"));
	struct actor *a;
	int e;

	none_made(no_namespaces, 0, 0, "unshare(0)");
	none_made(no_namespaces, CLONE_FS, 0, "unshare(CLONE_FS)");
	none_made(no_namespaces, CLONE_FILES | CLONE_SYSVSEM, 0, "unshare(CLONE_FILES | SYSVSEM)");
	none_made(no_namespaces, 0x1000, EINVAL, "unshare of nonsense");
	none_made(unprivileged, CLONE_NEWUTS, EPERM, "unshare without privilege");
	put("/proc/sys/user/max_uts_namespaces", "0");
	none_made(no_namespaces, CLONE_NEWUTS, ENOSPC, "unshare of one namespace too many");
	none_made(no_namespaces, CLONE_NEWUTS | CLONE_NEWUSER, ENOSPC, "and of two");
	a = actor();
	spawn(a, CLONE_NEWUTS, &e);
	err(e, ENOSPC, "clone of one too many");
	put("/proc/sys/user/max_uts_namespaces", "%s", max);
	streq(at(a->pid), "/", "the parent is where it was");
	err(unshares(a, CLONE_NEWUTS), 0, "unshare after a clone that failed");
	streq(a->path, P("/%d", a->pid), "makes a container");
	curtain();
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		a = actor();
		tell(a, A_SPAWN, wrong[i], 0);
		eq(a->result ? dirs(M) : -1, 0, "clone with flags %lx fails and makes none", wrong[i]);
		curtain();
	}
	free(max);
}

/* --- threads and vfork ------------------------------------------------------- */

/* Nobody is in it any more, or it has gone with the last of them. */
static bool left(const char *cont)
{
	return nids(P("%s/tasks", cont)) <= 0;
}

struct thread {
	pid_t tid;
	int result;
	bool go;
	char path[PATH_MAX];
};

static char stacks[2][65536] __attribute__((aligned(16)));

static void thread_note(struct thread *t)
{
	struct actor a;

	note_path(&a);
	strcpy(t->path, a.path);
}

static int cloned_thread(void *arg)
{
	struct thread *t = arg;

	thread_note(t);
	__atomic_store_n(&t->tid, syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&t->go, __ATOMIC_SEQ_CST))
		syscall(SYS_sched_yield);
	syscall(SYS_exit, 0);
	return 0;
}

static void *unsharing_thread(void *arg)
{
	struct thread *t = arg;

	t->result = E(unshare(CLONE_NEWUTS));
	thread_note(t);
	__atomic_store_n(&t->tid, syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&t->go, __ATOMIC_SEQ_CST))
		msleep(1);
	return NULL;
}

static int vforked(void *arg)
{
	thread_note(arg);
	_exit(0);
}

static void test_threads(void)
{
	struct thread t = { .go = false };
	pid_t me = getpid(), pid;
	pthread_t pt;

	pthread_create(&pt, NULL, unsharing_thread, &t);
	wait_for(__atomic_load_n(&t.tid, __ATOMIC_SEQ_CST));
	err(t.result, 0, "unshare by a thread");
	streq(t.path, P("/%d", t.tid), "the thread is in a container named after it");
	streq(at(0), "/", "its process is not");
	ok(listed(P(M "/%d/tasks", t.tid), t.tid) && !listed(P(M "/%d/tasks", t.tid), me),
	   "the tasks files say so");
	t.go = true;
	pthread_join(pt, NULL);
	wait_for(left(P(M "/%d", t.tid)));
	prune_all();

	t = (struct thread){ .go = false };
	pid = clone(cloned_thread, stacks[0] + sizeof(stacks[0]),
		    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
		    CLONE_SYSVSEM | CLONE_NEWUTS, &t);
	ok(pid > 0 && wait_for(__atomic_load_n(&t.tid, __ATOMIC_SEQ_CST)),
	   "clone of a thread with CLONE_NEWUTS");
	streq(t.path, P("/%d", pid), "the thread is in a container named after it");
	streq(at(0), "/", "its process is not");
	__atomic_store_n(&t.go, true, __ATOMIC_SEQ_CST);
	wait_for(left(P(M "/%d", pid)));
	prune_all();

	pid = clone(vforked, stacks[1] + sizeof(stacks[1]),
		    CLONE_VM | CLONE_VFORK | CLONE_NEWUTS | SIGCHLD, &t);
	streq(t.path, P("/%d", pid), "vfork with CLONE_NEWUTS: the child is in its own");
	streq(at(0), "/", "the parent is not");
	waitpid(pid, NULL, 0);
	prune_all();
	eq(dirs(M), 0, "all can be removed");
}

/* --- setns -------------------------------------------------------------------- */

static void test_setns(void)
{
	struct actor *a = actor(), *b, *c, *d;
	int e, fd;

	err(unshares(a, CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
		     CLONE_NEWNET | CLONE_NEWPID), 0, "one makes namespaces");
	/* nobody can enter a pid namespace before it has an init */
	spawn(a, 0, NULL);
	for (size_t i = 0; i < NFLAGS; i++) {
		if (flags[i].flag & (CLONE_NEWUSER | CLONE_NEWTIME))
			continue;
		b = actor();
		err(sets_ns(b, flags[i].link, a->pid), 0, "another enters its %s", flags[i].link);
		streq(b->path, "/", "it stays where it was");
		/* the mount namespace has its own tree of mounts, and the same proc */
		streq(at(b->pid), "/", "from outside, too");
		eq(dirs(M), 1, "no container is made");
	}
	b = actor();
	err(unshares(b, CLONE_NEWUTS), 0, "one that has a container");
	err(sets_ns(b, "uts", a->pid), 0, "enters another's namespace");
	streq(b->path, P("/%d", b->pid), "and stays there");
	c = actor();
	err(sets_ns(c, "pid_for_children", a->pid), 0, "one that enters a pid namespace");
	d = spawn(c, 0, &e);
	err(e, 0, "forks");
	streq(d ? d->path : "", "/", "the child stays with it");
	streq(ns_of(d ? d->pid : 0, "pid"), ns_of(a->pid, "pid_for_children"),
	      "though it is in that namespace");
	d = actor();
	err(unshares(d, CLONE_NEWUSER), 0, "one makes a user namespace");
	b = actor();
	err(sets_ns(b, "user", d->pid), 0, "another enters it");
	streq(b->path, "/", "it stays where it was");

	/* all at once, by a pidfd */
	fd = syscall(SYS_pidfd_open, a->pid, 0);
	if (fd >= 0) {
		pid_t pid = fork();

		if (!pid) {
			struct actor n;

			e = E(setns(fd, CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET));
			note_path(&n);
			_exit(e ? 2 : strcmp(n.path, "/") != 0);
		}
		waitpid(pid, &e, 0);
		eq(e, 0, "setns into three by a pidfd makes and moves nothing");
		close(fd);
	}
	curtain();
}

/* --- the tree of containers is the tree of sets ------------------------------ */

static void test_tree(void)
{
	static const unsigned long kinds[] = {
		CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWCGROUP,
		CLONE_NEWUSER, CLONE_NEWUTS | CLONE_NEWIPC, CLONE_NEWPID,
	};
	int n = 30, made = 0, bad = 0, wrong = 0;
	static char want[ACTORS][512];
	char *own[ACTORS];
	struct actor *a, *b;
	unsigned long f;

	srand(1);
	a = actor();
	strcpy(want[0], "/");
	while (nactors < n) {
		a = &actors[rand() % nactors];
		/* the user namespaces in one another are few */
		f = kinds[rand() % ARRAY_SIZE(kinds)];
		if (rand() % 3 == 0 && f != CLONE_NEWPID) {
			if (unshares(a, f))
				continue;
			made++;
			snprintf(want[a - actors], 512, "%s/%d",
				 strcmp(want[a - actors], "/") ? strdupa(want[a - actors]) : "",
				 a->pid);
			bad += strcmp(a->path, want[a - actors]) != 0;
		} else {
			if (rand() % 2)
				f = 0;
			b = spawn(a, f, NULL);
			if (!b) {
				nactors--;
				continue;
			}
			made += !!f;
			if (f)
				snprintf(want[b - actors], 512, "%s/%d",
					 strcmp(want[a - actors], "/") ? want[a - actors] : "",
					 b->pid);
			else
				memcpy(want[b - actors], want[a - actors], 512);
			bad += strcmp(b->path, want[b - actors]) != 0;
		}
	}
	eq(bad, 0, "%d tasks, %d calls at random: each was where it should be at once", n, made);
	for (int i = 0; i < nactors; i++)
		bad += strcmp(at(actors[i].pid), want[i]) != 0;
	eq(bad, 0, "and all are there in the end");
	eq(dirs(M), made, "a container for each call");
	for (int i = 0; i < nactors; i++) {
		own[i] = strdup(own_ns(actors[i].pid));
		for (int j = 0; j < i; j++)
			wrong += !strcmp(own[i], own[j]) != !strcmp(want[i], want[j]);
	}
	eq(wrong, 0, "two have the same namespaces if and only if they are in one container");
	for (int i = 0; i < nactors; i++)
		free(own[i]);
	curtain();
	eq(dirs(M), 0, "all can be removed");
}

/* --- names --------------------------------------------------------------------- */

static void test_names(void)
{
	struct actor *a = actor(), *b;
	pid_t p = a->pid;

	mkdir(P(M "/%d", p), 0755);
	err(unshares(a, CLONE_NEWUTS), 0, "unshare where the name is taken");
	streq(a->path, P("/%d-2", p), "it has -2");
	rmdir(P(M "/%d", p));
	b = actor();
	mkdir(P(M "/%d", b->pid), 0755);
	mkdir(P(M "/%d-2", b->pid), 0755);
	mkdir(P(M "/%d-3", b->pid), 0755);
	rmdir(P(M "/%d-2", b->pid));
	err(unshares(b, CLONE_NEWUTS), 0, "unshare where others are taken");
	streq(b->path, P("/%d-2", b->pid), "the first free number");
	err(unshares(b, CLONE_NEWUTS), 0, "unshare in there");
	streq(b->path, P("/%d-2/%d", b->pid, b->pid), "the name is free there");
	err(E(rename(P(M "/%d-2", b->pid), M "/server")), 0, "rename the container");
	streq(at(b->pid), P("/server/%d", b->pid), "moves nobody");
	curtain();
	mkdir(M "/file", 0755);
	a = actor();
	movepid(M "/file", a->pid);
	mkdir(P(M "/file/%d", a->pid), 0755);
	for (int i = 2; i < 30; i++)
		mkdir(P(M "/file/%d-%d", a->pid, i), 0755);
	err(unshares(a, CLONE_NEWUTS), 0, "unshare where many are taken");
	streq(a->path, P("/file/%d-30", a->pid), "it has the next number");
	curtain();
}

/* --- moves --------------------------------------------------------------------- */

static int two_threads(struct kid *up, void *arg)
{
	struct thread *t = arg;
	pthread_t pt;

	*t = (struct thread){ .go = false };
	pthread_create(&pt, NULL, unsharing_thread, t);
	wait_for(__atomic_load_n(&t->tid, __ATOMIC_SEQ_CST));
	kid_send(up, 0);
	kid_recv(up);
	return 0;
}

static void *sleeping_thread(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static int ten_threads(struct kid *up, void *arg)
{
	pthread_t t;

	(void)arg;
	for (int i = 0; i < 9; i++)
		pthread_create(&t, NULL, sleeping_thread, NULL);
	kid_send(up, 0);
	kid_recv(up);
	return 0;
}

static int writes_itself(void *cont)
{
	return put(P("%s/tasks", (char *)cont), "0");
}

static int writes_itself_back(void *cont)
{
	int e = put(P("%s/tasks", (char *)cont), "0");

	return e ? 200 : put(M "/tasks", "0");
}

static void test_moves(void)
{
	struct thread *t = mmap_shared(sizeof(*t));
	pid_t p = sleeper(), q = sleeper(), r = sleeper();
	struct kid k;

	mkdir(M "/a", 0755);
	mkdir(M "/a/b", 0755);
	mkdir(M "/a/b/c", 0755);
	mkdir(M "/x", 0755);
	err(movepid(M "/a/b", p), EPERM, "into a child of a child");
	err(movepid(M "/a", p), 0, "into an empty child, which has children");
	err(movepid(M "/a", p), 0, "to where it is");
	err(movepid(M "/a", q), EPERM, "into a child that has a member");
	err(movepid(M, p), EPERM, "out, to the parent");
	err(movepid(M "/x", p), EPERM, "to a sibling");
	err(movepid(M "/a/b/c", p), EPERM, "two levels down");
	err(movepid(M "/a/b", p), 0, "one level down");
	err(movepid(M "/a", q), 0, "into the child, which is empty now");
	err(movepid(M "/a/b", q), EPERM, "further: there is somebody");
	err(movepid(M "/a", p), EPERM, "back");
	err(movepid(M "/a/b/c", p), 0, "one more level");
	err(movepid(M "/a/b/c", r), EPERM, "from the root into that");
	err(in_child(writes_itself, M "/a"), EPERM, "the writer itself");
	err(in_child(writes_itself, M "/x"), 0, "the writer, into an empty child");
	wait_for(left(M "/x"));
	err(in_child(writes_itself_back, M "/x"), EPERM, "who does not come back");
	streq(at(p), "/a/b/c", "a refusal moves nobody");
	streq(at(q), "/a", "nor anybody else");
	streq(at(r), "/", "anywhere");
	reap(p);
	reap(q);
	reap(r);
	wait_for(left(M "/a") && left(M "/a/b/c"));

	k = kid_start(ten_threads, NULL);
	kid_recv(&k);
	err(put(M "/x/procs", "%d", k.pid), 0, "a process of ten threads into an empty child");
	eq(nids(M "/x/tasks"), 10, "all are there");
	err(put(M "/procs", "%d", k.pid), EPERM, "and do not come back");
	kid_send(&k, 0);
	kid_wait(&k);
	wait_for(left(M "/x"));
	k = kid_start(two_threads, t);
	kid_recv(&k);
	err(put(M "/x/procs", "%d", k.pid), EPERM, "a process with a thread elsewhere");
	streq(at(k.pid), "/", "all or none");
	eq(nids(M "/x/tasks"), 0, "none");
	kid_send(&k, 0);
	kid_wait(&k);
	wait_for(left(P(M "/%d", t->tid)));
	prune_all();
	eq(dirs(M), 0, "all can be removed");
}

/* --- whose it is ------------------------------------------------------------- */

static int nobody_unshares(struct kid *up, void *arg)
{
	int *ids = arg;

	kid_recv(up);
	if (syscall(SYS_setresgid, ids[0], ids[0], ids[0]) ||
	    syscall(SYS_setresuid, ids[0], ids[1], ids[2]))
		return 1;
	kid_send(up, E(unshare(CLONE_NEWUSER | CLONE_NEWUTS)));
	kid_recv(up);
	/* what can it do with its container? */
	const char *dir = strdup(P(M "%s", at(0)));

	kid_send(up, E(mkdir(P("%s/sub", dir), 0755)));
	kid_send(up, put(P("%s/notify_on_release", dir), "1"));
	kid_recv(up);
	return 0;
}

static void owner(const char *parent, int *ids, uid_t want, const char *what)
{
	struct kid k = kid_start(nobody_unshares, ids);
	struct stat st = { .st_uid = -1 }, sf = { .st_uid = -1 };
	int may = want == (uid_t)ids[1] ? 0 : EACCES;
	const char *dir;

	if (*parent)
		movepid(P(M "%s", parent), k.pid);
	kid_send(&k, 0);
	err(kid_recv(&k), 0, "%s: unshare", what);
	dir = strdup(P("%s/%d", parent, k.pid));
	streq(at(k.pid), dir, "it has a container");
	stat(P(M "%s", dir), &st);
	stat(P(M "%s/tasks", dir), &sf);
	ok(st.st_uid == want && sf.st_uid == want && st.st_gid == want,
	   "which belongs to %d, as the one above", want);
	kid_send(&k, 0);
	err(kid_recv(&k), may, "mkdir in it by its member");
	err(kid_recv(&k), may, "write to its files by its member");
	kid_send(&k, 0);
	kid_wait(&k);
	wait_for(left(P(M "%s", dir)));
	prune_all();
}

static void test_owner(void)
{
	int plain[] = { 1000, 1000, 1000 }, mixed[] = { 1000, 1001, 1002 };

	owner("", plain, 0, "an ordinary user");
	/* may not even write its own number to a tasks file */
	owner("", mixed, 0, "one with three uids");
	chmod(M, 0700);
	owner("", plain, 0, "one that may not look into the root");
	chmod(M, 0755);
	mkdir(M "/u", 0755);
	if (chown(M "/u", 1000, 1000))
		diag("chown: %s", strerror(errno));
	owner("/u", plain, 1000, "in a container of the user's");
	prune_all();
	eq(dirs(M), 0, "all can be removed");
}

/* --- release ------------------------------------------------------------------- */

static int agent_main(const char *path)
{
	int fd = open(LOG, O_WRONLY | O_APPEND | O_CREAT, 0644);

	return dprintf(fd, "%s\n", path) < 0;
}

static void test_release(void)
{
	struct actor *a = actor();
	pid_t p = a->pid, q;
	char *log;

	/* else it would remove itself instead */
	put(PARAM "auto_delete", "0");
	mkdir(M "/p", 0755);
	put(M "/p/notify_on_release", "1");
	movepid(M "/p", p);
	unlink(LOG);
	put(M "/release_agent", AGENT);
	err(unshares(a, CLONE_NEWUTS), 0, "unshare by the last member of a container");
	eq(getnum(P(M "/p/%d/notify_on_release", p)), 1, "the new one inherits the flag");
	kill(p, SIGKILL);
	waitpid(p, NULL, 0);
	ok(wait_for((log = get(LOG)) && *log), "the agent runs when it exits");
	rmdir(P(M "/p/%d", p));
	ok(wait_for((log = get(LOG)) && strstr(log, "/p\n")), "and when the new one is removed");
	msleep(100);
	streq(get(LOG), P("/p/%d\n/p\n", p), "but not when it left for its own: nobody else did");
	put(M "/release_agent", "\n");
	put(PARAM "auto_delete", "1");
	curtain();

	a = actor();
	mkdir(M "/p", 0755);
	put(M "/p/auto_delete", "1");
	put(M "/p/kill_on_rmdir", "1");
	p = a->pid;
	movepid(M "/p", p);
	err(unshares(a, CLONE_NEWUTS), 0, "the same with auto_delete");
	msleep(100);
	streq(at(p), P("/p/%d", p), "the parent stays");
	eq(getnum(P(M "/p/%d/auto_delete", p)), 1, "auto_delete is inherited");
	eq(getnum(P(M "/p/%d/kill_on_rmdir", p)), 1, "kill_on_rmdir is inherited");
	q = spawn(a, CLONE_NEWUTS, NULL)->pid;
	kill(p, SIGKILL);
	waitpid(p, NULL, 0);
	msleep(50);
	ok(!gone(P(M "/p/%d/%d", p, q)) || !at(q)[0], "and as long as there is a member below");
	kill(q, SIGKILL);
	ok(wait_for(gone(M "/p")), "all of it goes with the last task");
	curtain();
}

/* Lines of ns's in the log since then; the file is read to its end. */
static int complaints(int fd)
{
	char *text, *p;
	int n = 0;

	kmsg_lines(fd, &text);
	for (p = text; (p = strstr(p, "no container of its own")); p++)
		n++;
	return n;
}

/* --- bounds --------------------------------------------------------------------- */

/* How many tasks have namespaces, but no container of their own, since the module came. */
static long without(void)
{
	char *s = get("/proc/containers");

	s = s ? strstr(s, "name=ns ") : NULL;
	s = s ? strstr(s, "without=") : NULL;
	return s ? atol(s + strlen("without=")) : -1;
}

/* An ordinary user's: each makes namespaces and exits. */
static int come_and_go(void *arg)
{
	int failed = 0, st;

	for (int i = 0; i < *(int *)arg; i++) {
		pid_t p = fork();

		if (!p)
			_exit(unshare(CLONE_NEWUSER) != 0);
		if (p < 0 || waitpid(p, &st, 0) < 0 || st)
			failed++;
	}
	return failed < 255 ? failed : 255;
}

static void test_bounds(void)
{
	int n = 200, fd = kmsg_open(), good = 0;
	long before = without();
	struct actor *a, *b[6];
	const char *dir;

	ok(before >= 0, "/proc/containers has a number of those without a container");
	streq(get(PARAM "auto_delete"), "Y\n", "auto_delete is on at first");
	eq(getnum(PARAM "max_depth"), 32, "max_depth is 32");
	eq(getnum(PARAM "max_containers"), 4096, "max_containers is 4096");

	/* each goes with its last task */
	a = actor();
	err(unshares(a, CLONE_NEWUTS), 0, "unshare");
	eq(getnum(P(M "/%d/auto_delete", a->pid)), 1, "its container has auto_delete");
	b[0] = spawn(a, CLONE_NEWUTS, NULL);
	eq(getnum(P(M "/%d/%d/auto_delete", a->pid, b[0]->pid)), 1, "one below likewise");
	dir = strdup(P(M "/%d", a->pid));
	put(P("%s/%d/auto_delete", dir, b[0]->pid), "0");
	kill(a->pid, SIGKILL);
	waitpid(a->pid, NULL, 0);
	wait_for(kill(b[0]->pid, 0));
	msleep(50);
	ok(!gone(dir), "it stays as long as there is one below");
	err(E(rmdir(P("%s/%d", dir, b[0]->pid))), 0, "until that is removed");
	ok(wait_for(gone(dir)), "and goes after it");
	nactors = 0;
	put("/proc/sys/kernel/unprivileged_userns_clone", "1");
	eq(as_user(1000, come_and_go, &n), 0, "%d short-lived tasks of an ordinary user", n);
	ok(wait_for(!dirs(M)), "leave nothing");
	eq(without(), before, "each had its container");

	/* unless somebody wants to keep it */
	a = actor();
	unshares(a, CLONE_NEWUTS);
	dir = strdup(P(M "/%d", a->pid));
	err(put(P("%s/auto_delete", dir), "0"), 0, "0 in auto_delete");
	kill(a->pid, SIGKILL);
	waitpid(a->pid, NULL, 0);
	msleep(100);
	ok(!gone(dir), "keeps it");
	err(E(rmdir(dir)), 0, "until somebody removes it");
	put(PARAM "auto_delete", "0");
	nactors = 0;
	a = actor();
	unshares(a, CLONE_NEWUTS);
	eq(getnum(P(M "/%d/auto_delete", a->pid)), 0, "with the parameter off none has it");
	put(PARAM "auto_delete", "1");
	curtain();

	/* how deep */
	put(PARAM "max_depth", "3");
	mkdir(M "/own", 0755);
	a = actor();
	movepid(M "/own", a->pid);
	before = without();
	complaints(fd);
	for (int i = 0; i < 10; i++)
		good += !unshares(a, CLONE_NEWUTS);
	eq(good, 10, "unshare again and again");
	streq(at(a->pid), P("/own/%d/%d/%d/%d", a->pid, a->pid, a->pid, a->pid),
	      "nests to max_depth below the first, and no deeper");
	eq(without(), before + 6, "the others are counted");
	eq(complaints(fd), 1, "and are in the log, once");
	b[0] = spawn(a, CLONE_NEWUTS, NULL);
	streq(b[0]->path, at(a->pid), "clone likewise");
	put(PARAM "max_depth", "32");
	curtain();
	good = 0;
	a = actor();
	for (int i = 0; i < 40; i++)
		good += !unshares(a, CLONE_NEWUTS);
	eq(good, 40, "by default");
	for (good = 0, dir = at(a->pid); *dir; dir++)
		good += *dir == '/';
	eq(good, 33, "that is 32 below the first");
	curtain();
	ok(wait_for(!dirs(M)), "which all go");

	/* how many */
	put(PARAM "max_containers", "5");
	before = without();
	for (int i = 0; i < 6; i++) {
		b[i] = actor();
		good = unshares(b[i], CLONE_NEWUTS);
	}
	err(good, 0, "unshare when there are enough containers");
	streq(b[4]->path, P("/%d", b[4]->pid), "the fifth has one");
	streq(b[5]->path, "/", "the sixth has none");
	eq(without(), before + 1, "and is counted");
	mkdir(M "/x", 0755);
	ok(!gone(M "/x"), "mkdir is another matter");
	kill(b[0]->pid, SIGKILL);
	ok(wait_for(dirs(M) == 5), "one ends");
	unshares(b[5], CLONE_NEWUTS);
	streq(b[5]->path, P("/%d", b[5]->pid), "and makes room");
	put(PARAM "max_containers", "4096");
	curtain();
	ok(wait_for(!dirs(M)), "none is left");
	close(fd);
}

/* Many short lives, in many processes at once. */
static int short_lives(struct kid *up, void *arg)
{
	int n = *(int *)arg, failed = 0, st;

	kid_recv(up);
	signal(SIGCHLD, SIG_DFL);
	for (int i = 0; i < n; i++) {
		unsigned long f = i % 3 ? CLONE_NEWUTS : CLONE_NEWCGROUP | CLONE_NEWUTS;
		pid_t p = i % 2 ? clone_flags(f) : fork();

		if (!p)
			_exit(i % 2 ? 0 : unshare(f) != 0);
		if (p < 0 || waitpid(p, &st, 0) < 0 || st)
			failed++;
	}
	return failed < 255 ? failed : 255;
}

static void test_auto_delete(void)
{
	int n = 500, failed = 0, left;
	struct kid k[4];
	struct hier h;
	pid_t *live, *tree;
	int nlive, ntree;

	put(PARAM "auto_delete", "0");
	mkdir(M "/a", 0755);
	put(M "/a/auto_delete", "1");
	pid_t keeper = sleeper();

	movepid(M "/a", keeper);
	for (int i = 0; i < 4; i++) {
		char *dir = strdup(P(M "/a%d", i));

		k[i] = kid_start(short_lives, &n);
		/* two in containers of their own, two at the root */
		if (i < 2) {
			mkdir(dir, 0755);
			put(P("%s/auto_delete", dir), "1");
			movepid(dir, k[i].pid);
		}
		free(dir);
		kid_send(&k[i], 0);
	}
	/* for as long as it takes: kid_recv() has a deadline */
	for (int i = 0; i < 4; i++)
		failed += abs(kid_wait(&k[i]));
	eq(failed, 0, "%d short-lived tasks with namespaces of their own", 4 * n);
	ok(wait_for(gone(M "/a0") && gone(M "/a1")), "with auto_delete nothing is left of theirs");
	reap(keeper);
	ok(wait_for(gone(M "/a")), "nor of a container that nobody made namespaces in");
	left = dirs(M);
	eq(left, 2 * n, "without it they stay");
	put(PARAM "auto_delete", "1");
	prune_all();
	ok(wait_for(hier(listing, &h) && h.containers == 1), "no container is left");
	for (int i = 0; i < 20; i++) {
		nlive = live_tasks(&live);
		ntree = tree_tasks(M, &tree);
		if (nlive == ntree && !memcmp(live, tree, nlive * sizeof(pid_t)))
			break;
		msleep(50);
	}
	eq(ntree, nlive, "the members are the live tasks");
}

/* --- where no container can be made ------------------------------------------ */

static void test_refusals(void)
{
	static const char *const calls[] = { "create", "inherit", "populate", "can_clone" };
	int fd = kmsg_open(), e, lines;
	struct actor *a, *b;
	struct hier h;

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		a = actor();
		put(CMD, "fail 0 %s %d", calls[i], EDOM);
		err(unshares(a, CLONE_NEWUTS), 0, "%s fails: unshare succeeds all the same", calls[i]);
		streq(a->path, "/", "the task is where it was");
		eq(complaints(fd), 1, "the log says so, once");
		put(CMD, "fail 0 %s %d", calls[i], EDOM);
		b = spawn(a, CLONE_NEWUTS, &e);
		err(e, 0, "clone, too");
		streq(b->path, "/", "the child is where its parent is");
		eq(complaints(fd), 1, "the log says so, once");
		eq(dirs(M), 0, "nothing is left behind");
		ok(hier(listing, &h) && h.containers == 1, "/proc/containers says so, too");
		err(unshares(a, CLONE_NEWUTS), 0, "the next time it works");
		streq(a->path, P("/%d", a->pid), "and makes a container");
		eq(complaints(fd), 0, "which is not in the log");
		curtain();
	}

	/* again and again */
	a = actor();
	for (int i = 0; i < 60; i++) {
		put(CMD, "fail 0 create %d", EDOM);
		unshares(a, CLONE_NEWUTS);
	}
	lines = complaints(fd);
	ok(lines >= 1 && lines <= 40, "of 60 failures %d are in the log", lines);
	streq(at(a->pid), "/", "the task is where it was");
	curtain();
	close(fd);
}

/* So deep that the path is too long to be shown. */
static void test_deep(void)
{
	struct actor *a = actor();
	const char *dir = M;
	int n = 0, fd, size;
	pid_t p = a->pid;

	fd = kmsg_open();
	put(PARAM "max_depth", "4096");
	/* long names make it quick; one level at a time, as ns wants it */
	for (int i = 0; i < 19; i++) {
		dir = strdup(P("%s/%0200d", dir, i));
		mkdir(dir, 0755);
		put(P("%s/auto_delete", dir), "1");
		movepid(dir, p);
	}
	do {
		size = strlen(at(p));
		if (unshares(a, CLONE_NEWUTS))
			break;
		n++;
	} while (strlen(at(p)) > (size_t)size && n < PATH_MAX);
	eq(size + 1 + strlen(P("%d", p)) >= PATH_MAX, 1, "%d levels more: the next does not fit", n - 1);
	ok(size < PATH_MAX, "the path is shown, of %d bytes", size);
	eq(strlen(a->path), size, "the task stays where it is");
	eq(complaints(fd), 1, "the log says so, once");
	kill(p, SIGKILL);
	waitpid(p, NULL, 0);
	ok(wait_for(!dirs(M)), "its end is the end of all of them");
	put(PARAM "max_depth", "32");
	nactors = 0;
	close(fd);
}

/* --- virtual servers ------------------------------------------------------------ */

static void deaf(void)
{
	for (int sig = 1; sig < 65; sig++)
		signal(sig, SIG_IGN);
}

static void daemons(void)
{
	for (int i = 0; i < 4; i++)
		if (!fork()) {
			setsid();
			if (fork())
				_exit(0);
			deaf();
			if (i == 3)
				raise(SIGSTOP);
			for (;;)
				pause();
		}
}

static void bomb(int *count)
{
	int most = 60;

	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		if (__atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST) > most) {
			__atomic_sub_fetch(count, 1, __ATOMIC_SEQ_CST);
			sched_yield();
			continue;
		}
		if (fork())
			continue;
		/* every other one goes by itself, some first make a container */
		if (!(getpid() & 6) && unshare(CLONE_NEWUTS))
			_exit(1);
		if (getpid() & 1) {
			__atomic_sub_fetch(count, 1, __ATOMIC_SEQ_CST);
			_exit(0);
		}
	}
}

/* The first process of a server, and what it runs. */
static int server(struct kid *up, void *arg)
{
	if (unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET))
		return 1;
	if (!fork()) {
		deaf();
		daemons();
		if (!fork()) {
			signal(SIGCHLD, SIG_DFL);
			execl("/bin/sh", "sh", "-c", "while :; do sleep 1; done", NULL);
			_exit(1);
		}
		if (arg && !fork())
			bomb(arg);
		for (;;)
			pause();
	}
	kid_send(up, 0);
	for (;;)
		pause();
}

/* How many live processes are in a pid namespace. */
static int population(const char *pidns)
{
	pid_t *list;
	int n = live_tasks(&list), found = 0;

	for (int i = 0; i < n; i++)
		found += !strcmp(ns_of(list[i], "pid"), pidns);
	free(list);
	return found;
}

static void test_server(bool with_bomb)
{
	int *count = mmap_shared(sizeof(*count));
	struct kid k = kid_start(server, with_bomb ? count : NULL);
	char *dir, *pidns, *s;
	long start, ms;
	pid_t *list;
	int n, e;

	kid_recv(&k);
	dir = strdup(P(M "/%d", k.pid));
	pidns = strdup(ns_of(k.pid, "pid_for_children"));
	if (with_bomb)
		ok(wait_for(dirs(dir) > 8), "a server with a fork bomb, which makes namespaces, too");
	else
		ok(wait_for(population(pidns) >= 6 && nids(P("%s/tasks", dir)) >= 7),
		   "a server with an init, a shell and four daemons in a pid namespace");
	err(E(rmdir(dir)), EBUSY, "rmdir without kill_on_rmdir");
	put(P("%s/kill_on_rmdir", dir), "1");
	start = now_ms();
	e = E(rmdir(dir));
	ms = now_ms() - start;
	err(e, 0, "rmdir with kill_on_rmdir");
	ok(ms < (debug_kernel() ? 60000 : 15000), "takes %ld ms", ms);
	ok(gone(dir), "its directories have gone");
	eq(dirs(M), 0, "all of them");
	eq(kid_wait(&k), -SIGKILL, "its first process was killed");
	ok(wait_for(!population(pidns)), "nobody is left in the pid namespace");
	n = tree_tasks(M, &list);
	for (int i = e = 0; i < n; i++) {
		s = get(P("/proc/%d/stat", list[i]));
		e += s && strstr(s, "(t_ns)") && list[i] != getpid();
	}
	eq(e, 0, "nor in a tasks file");
	free(list);
	free(dir);
	free(pidns);
}

/* --- one that cannot be killed ------------------------------------------------- */

static int staller(struct kid *up, void *arg)
{
	(void)arg;
	if (unshare(CLONE_NEWUTS))
		return 1;
	kid_send(up, 0);
	kid_recv(up);
	put(CMD, "stall 0");
	return 0;
}

static void nothing(int sig)
{
	(void)sig;
}

static int remover(struct kid *up, void *dir)
{
	struct sigaction sa = { .sa_handler = nothing };

	sigaction(SIGUSR1, &sa, NULL);
	kid_send(up, 0);
	return E(rmdir(dir));
}

static void test_stalled(void)
{
	struct kid k = kid_start(staller, NULL), r;
	char *dir, *sub;
	pid_t p;

	kid_recv(&k);
	dir = strdup(P(M "/%d", k.pid));
	sub = strdup(P("%s/sub", dir));
	mkdir(sub, 0755);
	mkdir(P("%s/sub/sub", dir), 0755);
	put(P("%s/kill_on_rmdir", dir), "1");
	p = sleeper();
	/* from the root into a child of it, then one level down: there is a member in it */
	err(movepid(dir, p), EPERM, "another task cannot join");
	kid_send(&k, 0);
	ok(wait_for(task_state(k.pid, k.pid) == 'D'), "a task sleeps, and cannot be woken");
	r = kid_start(remover, dir);
	kid_recv(&r);
	msleep(200);
	ok(!gone(sub) && listed(P("%s/tasks", dir), k.pid), "rmdir with kill_on_rmdir waits");
	eq(task_state(r.pid, r.pid), 'S', "and can be interrupted");
	kill(r.pid, SIGUSR1);
	err(kid_wait(&r), EINTR, "interrupted, it says EINTR");
	ok(!gone(P("%s/sub/sub", dir)) && getnum(P("%s/kill_on_rmdir", dir)) == 1,
	   "nothing is removed");
	err(E(mkdir(P("%s/new", sub), 0755)), 0, "the tree is as good as ever");
	ok(listed(P("%s/tasks", dir), k.pid), "the task is there");
	r = kid_start(remover, dir);
	kid_recv(&r);
	msleep(100);
	kill(r.pid, SIGKILL);
	eq(kid_wait(&r), -SIGKILL, "rmdir can be killed");
	ok(!gone(P("%s/new", sub)), "nothing is removed");
	put(P("%s/kill_on_rmdir", dir), "0");
	err(E(rmdir(dir)), EBUSY, "without the flag: EBUSY");
	put(P("%s/kill_on_rmdir", dir), "1");
	r = kid_start(remover, dir);
	kid_recv(&r);
	msleep(100);
	put(CMD, "wake 0");
	err(kid_wait(&r), 0, "rmdir ends when the task does");
	ok(gone(dir), "all is removed");
	eq(kid_wait(&k), -SIGKILL, "the task was killed");
	reap(p);
	free(dir);
	free(sub);
}

/* --- before user space -------------------------------------------------------- */

/* A debugger stops a task at the end of its call, before it is in user space again. */
static void test_traced(void)
{
	struct user_regs_struct regs = { .rax = 0 };
	unsigned long child;
	pid_t p = fork();
	int st;

	if (!p) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		unshare(CLONE_NEWUTS);
		clone_flags(CLONE_NEWIPC);
		for (;;)
			pause();
	}
	waitpid(p, &st, 0);
	ptrace(PTRACE_SETOPTIONS, p, NULL, PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE |
	       PTRACE_O_EXITKILL);
	for (int stops = 0; stops < 2; ) {
		ptrace(PTRACE_SYSCALL, p, NULL, NULL);
		waitpid(p, &st, 0);
		if (!WIFSTOPPED(st))
			bail("the traced child is gone");
		ptrace(PTRACE_GETREGS, p, NULL, &regs);
		stops += regs.orig_rax == SYS_unshare;
	}
	streq(at(p), P("/%d", p), "a task that a debugger holds at the end of unshare is there");
	do {
		ptrace(PTRACE_CONT, p, NULL, NULL);
		waitpid(p, &st, 0);
	} while (st >> 8 != (SIGTRAP | PTRACE_EVENT_CLONE << 8) &&
		 st >> 8 != (SIGTRAP | PTRACE_EVENT_FORK << 8) && WIFSTOPPED(st));
	child = 0;
	ptrace(PTRACE_GETEVENTMSG, p, NULL, &child);
	waitpid(child, &st, __WALL);
	streq(at(child), P("/%d/%d", p, (int)child), "so is a child held before it has begun");
	kill(child, SIGKILL);
	waitpid(child, NULL, __WALL);
	reap(p);
	prune_all();
}

/* --- unloading under load ----------------------------------------------------------- */

struct storm {
	bool stop;
	unsigned long calls, inside, bad;
};

static int stormer(struct kid *up, void *arg)
{
	struct storm *s = arg;
	unsigned int seed = getpid();

	signal(SIGCHLD, SIG_DFL);
	for (int i = 0; !__atomic_load_n(&s->stop, __ATOMIC_SEQ_CST); i++) {
		pid_t p = i % 2 ? clone_flags(CLONE_NEWUTS) : fork();
		const char *path;

		if (!p) {
			if (!(i % 2) && unshare(CLONE_NEWUTS))
				__atomic_add_fetch(&s->bad, 1, __ATOMIC_SEQ_CST);
			path = where(0, set);
			/* elsewhere than it should be */
			if (path && strcmp(path, "/")) {
				__atomic_add_fetch(&s->inside, 1, __ATOMIC_SEQ_CST);
				if (!strstr(path, "/"))
					__atomic_add_fetch(&s->bad, 1, __ATOMIC_SEQ_CST);
			}
			_exit(0);
		}
		if (p > 0)
			waitpid(p, NULL, 0);
		__atomic_add_fetch(&s->calls, 1, __ATOMIC_SEQ_CST);
		usleep(rand_r(&seed) % 25000);
	}
	(void)up;
	return 0;
}

/* Until a moment comes in which there is no container. */
static bool dissolve(void)
{
	long end = now_ms() + DEADLINE_MS;

	do {
		prune(M);
		umount(M);
		if (nhiers() == 1)
			return true;
		mount("test", M, "container", 0, "ns");
	} while (now_ms() < end);
	umount(M);
	return false;
}

static void test_unload(void)
{
	struct storm *s = mmap_shared(sizeof(*s));
	int rounds = sized(12, 6), good = 0, unloaded = 0;
	struct kid k[2];

	for (size_t i = 0; i < ARRAY_SIZE(k); i++)
		k[i] = kid_start(stormer, s);
	for (int i = 0; i < rounds; i++) {
		if (i && (modprobe("container_ns") || cmount(M, "ns")))
			break;
		msleep(i * 3);
		if (!dissolve())
			break;
		good++;
		unloaded += wait_for(!rmmod("container_ns"));
	}
	__atomic_store_n(&s->stop, true, __ATOMIC_SEQ_CST);
	for (size_t i = 0; i < ARRAY_SIZE(k); i++)
		kid_wait(&k[i]);
	eq(good, rounds, "mount and unmount while tasks make namespaces (%lu calls, %lu containers)",
	   s->calls, s->inside);
	eq(unloaded, rounds, "and unload");
	eq(s->bad, 0, "no call fails");
	err(modprobe("container_ns"), 0, "load it again");
	err(cmount(M, "ns"), 0, "mount it again");
}

/* Moves, rmdir and kills beside all that. */
static int mover(struct kid *up, void *arg)
{
	struct storm *s = arg;
	pid_t *list;

	(void)up;
	while (!__atomic_load_n(&s->stop, __ATOMIC_SEQ_CST)) {
		int n = tree_tasks(M, &list);

		mkdir(M "/x", 0755);
		for (int i = n - 1; i >= 0 && i > n - 8; i--) {
			char *stat = get(P("/proc/%d/stat", list[i]));

			/* not the guest's own */
			if (stat && strstr(stat, "(t_ns)") && list[i] != getpid() &&
			    list[i] != getppid())
				movepid(M "/x", list[i]);
		}
		free(list);
		prune(M);
	}
	return 0;
}

static void test_storm(void)
{
	struct storm *s = mmap_shared(sizeof(*s));
	struct kid k[5];
	pid_t *live, *tree;
	struct hier h;
	int nlive, ntree;

	for (int i = 0; i < 5; i++)
		k[i] = kid_start(i < 3 ? stormer : mover, s);
	msleep(sized(8000, 3000));
	__atomic_store_n(&s->stop, true, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 5; i++)
		kid_wait(&k[i]);
	ok(s->calls && !s->bad, "%lu calls beside moves and removals", s->calls);
	for (int i = 0; i < 40; i++) {
		prune(M);
		nlive = live_tasks(&live);
		ntree = tree_tasks(M, &tree);
		if (nlive == ntree && !memcmp(live, tree, nlive * sizeof(pid_t)))
			break;
		msleep(50);
	}
	eq(ntree, nlive, "the members are the live tasks");
	ok(hier(listing, &h) && h.containers == 1, "no container is left");
}

/* --- beside other subsystems --------------------------------------------------------- */

static const char *const copied[] = {
	"cpuset.cpus", "cpuset.mems",
};

static void same_files(const char *parent, const char *child)
{
	for (size_t i = 0; i < ARRAY_SIZE(copied); i++) {
		char *want = get(P("%s/%s", parent, copied[i]));

		if (want)
			streq(get(P("%s/%s", child, copied[i])), strdupa(want), "%s is the parent's",
			      copied[i]);
	}
}

static int forks_on(struct kid *up, void *arg)
{
	int *limit = arg, n = 0;
	pid_t self = getpid();

	signal(SIGCHLD, SIG_IGN);
	kid_send(up, 0);
	kid_recv(up);
	if (unshare(CLONE_NEWUTS | CLONE_NEWIPC))
		return 255;
	while (n < 200) {
		pid_t p = n % 2 ? clone_flags(CLONE_NEWUTS) : fork();

		if (!p) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			/* it may be gone before that */
			while (getppid() == self)
				pause();
			_exit(0);
		}
		if (p < 0)
			break;
		n++;
	}
	*limit = errno;
	kid_send(up, n);
	kid_recv(up);
	return 0;
}

static void mount_all(void)
{
	modprobe("container_ns");
	modprobe("container_numtasks");
	modprobe("container_bc");
	modprobe("container_cpuset");
	set = strdup(registered(","));
	listing = strdup(registered(", "));
	err(cmount(M, set), 0, "mount %s", set);
}

static void test_all_together(void)
{
	int *e = mmap_shared(sizeof(*e)), n;
	struct actor *a, *b;
	struct kid k;
	char *total;

	mount_all();
	total = strdup(get("/sys/module/container_numtasks/parameters/total_numtasks"));

	a = actor();
	err(unshares(a, CLONE_NEWUTS), 0, "unshare at the root");
	streq(a->path, P("/%d", a->pid), "a container in all of them");
	same_files(M, P(M "/%d", a->pid));
	b = spawn(a, CLONE_NEWNET, NULL);
	streq(b->path, P("/%d/%d", a->pid, b->pid), "clone there");
	same_files(M, P(M "/%d/%d", a->pid, b->pid));
	curtain();

	put("/sys/module/container_numtasks/parameters/total_numtasks", "1000");
	mkdir(M "/lim", 0755);
	put(M "/lim/cpuset.cpus", "0");
	put(M "/lim/cpuset.mems", "0");
	err(put(M "/lim/numtasks.shares", "max_shares=2"), 0, "a container of 20 tasks");
	err(put(M "/lim/bc.numfiles.barrier", "50"), 0, "and 50 files");
	put(M "/lim/bc.numtasks.barrier", "70");
	err(put(M "/lim/bc.numtasks.limit", "77"), 0, "and 77 tasks by bc");
	k = kid_start(forks_on, e);
	kid_recv(&k);
	err(movepid(M "/lim", k.pid), 0, "a task goes there");
	kid_send(&k, 0);
	n = kid_recv(&k);
	eq(n, 19, "makes namespaces, and children until it is refused");
	err(*e, EAGAIN, "with EAGAIN: the limit holds below");
	streq(at(k.pid), P("/lim/%d", k.pid), "it is in its own");
	same_files(M "/lim", P(M "/lim/%d", k.pid));
	/* when they have run at all */
	ok(wait_for(dirs(P(M "/lim/%d", k.pid)) >= 9), "so are those of its children that made some");
	ok(strstr(get(M "/lim/numtasks.stats"), "usage 20\n"), "numtasks counts them all");
	eq(getnum(M "/lim/bc.numtasks.held"), 20, "and so does bc");
	eq(getnum(P(M "/lim/%d/bc.numfiles.limit", k.pid)), 512, "whose own limits begin as ever");
	kid_send(&k, 0);
	kid_wait(&k);
	wait_for(strstr(get(M "/lim/numtasks.stats"), "usage 0\n"));
	ok(strstr(get(M "/lim/numtasks.stats"), "usage 0\n"), "and none when they are gone");
	prune_all();
	put("/sys/module/container_numtasks/parameters/total_numtasks", "%s", total);
	err(cumount(M), 0, "unmount");
	free(total);
}

/* Each child has namespaces of its own, and children. */
static int rated(struct kid *up, void *arg)
{
	volatile int *n = arg;

	kid_recv(up);
	drop_to(1000);
	for (int i = 0; i < 5; i++) {
		pid_t p = fork(), q;

		if (p < 0)
			break;
		if (!p) {
			if (unshare(CLONE_NEWUSER))
				_exit(1);
			for (int j = 0; j < 20; j++) {
				q = fork();
				if (!q)
					_exit(0);
				if (q < 0)
					break;
				++*n;
				waitpid(q, NULL, 0);
			}
			_exit(0);
		}
		++*n;
		waitpid(p, NULL, 0);
	}
	kid_send(up, 0);
	kid_recv(up);
	return 0;
}

static void test_forkrate(void)
{
	int *n = mmap_shared(sizeof(*n)), fd = kmsg_open();
	char *log, *line;
	struct kid k;

	modprobe("container_numtasks");
	put("/proc/sys/kernel/unprivileged_userns_clone", "1");
	err(cmount(M, "ns,numtasks"), 0, "mount ns,numtasks");
	mkdir(M "/lim", 0755);
	k = kid_start(rated, n);
	err(movepid(M "/lim", k.pid), 0, "a user in a container");
	put("/sys/module/container_numtasks/parameters/forkrate_interval", "1000");
	put("/sys/module/container_numtasks/parameters/forkrate", "12");
	kid_send(&k, 0);
	kid_recv(&k);
	eq(*n, 12, "the fork rate is one for it and those that it makes namespaces in");
	kmsg_lines(fd, &log);
	line = strstr(log, "container /lim");
	ok(line && strstr(line, "/lim had 12 forks in 1000 s, the limit is 12"),
	   "the log has the refusal");
	put("/sys/module/container_numtasks/parameters/forkrate", "2147483647");
	put("/sys/module/container_numtasks/parameters/forkrate_interval", "1");
	kid_send(&k, 0);
	kid_wait(&k);
	close(fd);
	rmdir(M "/lim");
	wait_for(!dirs(M));
	err(cumount(M), 0, "unmount");
}

/* --- failing allocations ------------------------------------------------------------- */

struct trial {
	int nth;		/* the allocation that fails */
	int error, left;
	bool clone;
	pid_t child;
	char path[PATH_MAX];
};

static int trial(struct kid *up, void *arg)
{
	int fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	/* kernels before 2026 leave who fails to unshare without a /proc, or any mount */
	int path = open_path();
	struct trial *t = arg;
	struct actor a;
	char buf[16] = "";
	pid_t child = 0;

	(void)up;
	signal(SIGCHLD, SIG_IGN);
	pwrite(fd, buf, sprintf(buf, "%d", t->nth), 0);
	if (t->clone) {
		/* not yet into *t, which the child has, too */
		child = clone_flags(CLONE_NEWUTS);
		if (!child) {
			note_path(&a);
			strcpy(t->path, a.path);
			_exit(0);
		}
		t->error = E(child);
		t->child = child;
	} else {
		t->error = E(unshare(CLONE_NEWUTS | CLONE_NEWNS));
	}
	memset(buf, 0, sizeof(buf));
	pread(fd, buf, sizeof(buf) - 1, 0);
	t->left = atoi(buf);
	pwrite(fd, "0", 1, 0);
	if (t->clone) {
		while (child > 0 && !kill(child, 0))
			msleep(1);
	} else {
		note_path_of(&a, path);
		strcpy(t->path, a.path);
	}
	return 0;
}

/* Each @step-th: a container has many files where others are bound beside ns. */
static void test_no_memory(bool clone, int step)
{
	struct trial *t = mmap_shared(sizeof(*t));
	const char *what = clone ? "clone" : "unshare";
	int failed = 0, without = 0, with = 0, bad = 0, n, fd = kmsg_open(), lines;
	struct hier h;

	if (!inject_faults(true)) {
		skip("%s with failing allocations # this kernel injects no faults", what);
		return;
	}
	for (n = 1; n < 3000; n += step) {
		struct kid k;
		pid_t p;

		memset(t, 0, sizeof(*t));
		t->nth = n;
		t->clone = clone;
		k = kid_start(trial, t);
		kid_wait(&k);
		p = clone ? t->child : k.pid;
		if (t->error) {
			failed++;
			bad += (t->error != ENOMEM && t->error != EAGAIN) || dirs(M);
			bad += !clone && strcmp(t->path, "/");
		} else if (!strcmp(t->path, "/")) {
			without++;
			bad += dirs(M) != 0;
		} else {
			with++;
			bad += strcmp(t->path, P("/%d", p)) != 0;
		}
		if (bad && bad < 5)
			diag("allocation %d: error %d, path %s, %d containers", n, t->error,
			     t->path, dirs(M));
		/* by itself, with its task */
		bad += !wait_for(!dirs(M));
		if (t->left)
			break;
	}
	inject_faults(false);
	ok(!bad && n < 3000, "%s with %s allocation failing in turn", what,
	   step > 1 ? "every now and then an" : "each");
	diag("%d failed, %d without a container, %d with one", failed, without, with);
	lines = complaints(fd);
	ok(lines <= without && (step > 1 || lines || !without), "the log has %d of those %d without", lines,
	   without);
	/* until the log takes all lines again */
	msleep(5500);
	ok(hier(listing, &h) && h.containers == 1, "no container is left");
	close(fd);
}

/* --- loading ---------------------------------------------------------------------------- */

static void test_unbound(void)
{
	struct actor *a;

	err(cmount(M, "cpuacct"), 0, "mount without ns");
	set = "cpuacct";
	a = actor();
	err(unshares(a, CLONE_NEWUTS), 0, "unshare");
	streq(a->path, "/", "makes no container");
	spawn(a, CLONE_NEWUTS, NULL);
	eq(dirs(M), 0, "nor does clone");
	curtain();
	err(cumount(M), 0, "unmount");
	set = "ns";
}

int main(int argc, char **argv)
{
	if (!strcmp(argv[0], AGENT))
		return agent_main(argc > 1 ? argv[1] : "");
	setup();
	copy_file("/proc/self/exe", AGENT, 0755);
	actors = mmap_shared(ACTORS * sizeof(*actors));

	ok(!modloaded("container_ns"), "ns is not loaded by itself");
	err(cmount(M, "ns"), 0, "mount: it is loaded by name");
	err(rmmod("container_ns"), EAGAIN, "and in use");
	err(cumount(M), 0, "unmount");
	CASE(test_unbound());
	err(cmount(M, "ns"), 0, "mount ns");
	CASE(test_each_flag());
	CASE(test_calls());
	CASE(test_others());
	CASE(test_threads());
	CASE(test_setns());
	CASE(test_tree());
	CASE(test_names());
	CASE(test_moves());
	CASE(test_owner());
	CASE(test_release());
	CASE(test_bounds());
	CASE(test_auto_delete());
	CASE(test_server(false));
	for (int i = 0; i < 3; i++)
		CASE(test_server(true));
	CASE(test_traced());
	CASE(test_unload());
	CASE(test_storm());
	err(cumount(M), 0, "unmount");

	CASE(test_all_together());
	CASE(test_forkrate());
	err(cmount(M, "ns"), 0, "mount ns");
	set = "ns";
	listing = "ns";
	CASE(test_no_memory(false, 1));
	CASE(test_no_memory(true, 1));
	err(cumount(M), 0, "unmount");
	mount_all();
	CASE(test_no_memory(false, 9));
	CASE(test_no_memory(true, 9));
	err(cumount(M), 0, "unmount");

	modprobe("container_apitest");
	put(CMD, "register 0");
	err(cmount(M, "ns,apitest0"), 0, "mount beside a third party's subsystem");
	set = "ns,apitest0";
	listing = "ns, apitest0";
	CASE(test_deep());
	CASE(test_refusals());
	CASE(test_stalled());
	err(cumount(M), 0, "unmount");
	put(CMD, "unregister 0");
	unlink(AGENT);
	unlink(LOG);
	finish();
}
