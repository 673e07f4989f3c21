// SPDX-License-Identifier: GPL-2.0
/*
 * ns: the tree of containers and their names, who may be moved where, and whose the
 * containers are.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "actors.h"

/* All that a task is in itself, what it has for its children left out. */
static const char *own_ns(pid_t pid)
{
	const char *s = "";

	for (size_t i = 0; i < ARRAY_SIZE(links) - 2; i++)
		s = P("%s %s", s, ns_of(pid, links[i]));
	return s;
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

static int ten_threads(struct kid *up, void *arg)
{
	pthread_t t;

	(void)arg;
	for (int i = 0; i < 9; i++)
		pthread_create(&t, NULL, sleep_on, NULL);
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

int main(void)
{
	setup();
	begin_actors();
	err(cmount(M, "ns"), 0, "mount ns");
	CASE(test_tree());
	CASE(test_names());
	CASE(test_moves());
	CASE(test_owner());
	err(cumount(M), 0, "unmount");
	finish();
}
