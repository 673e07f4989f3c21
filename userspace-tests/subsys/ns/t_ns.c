// SPDX-License-Identifier: GPL-2.0
/*
 * ns: who makes namespaces is in a container of its own when the call returns; who makes
 * none, or fails to, stays where it is.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include "actors.h"

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

/* --- actors: processes that do what they are told -------------------------- */

static int sets_ns(struct actor *a, const char *name, pid_t of)
{
	snprintf(a->name, sizeof(a->name), "%s", name);
	return tell(a, A_SETNS, 0, of);
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
	streq(c->path, P("%s/%d/%d", a->path, q, q), "makes one that is named so, too");
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

static char stacks[2][65536] __attribute__((aligned(16)));

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

int main(void)
{
	setup();
	begin_actors();
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
	CASE(test_traced());
	err(cumount(M), 0, "unmount");
	finish();
}
