// SPDX-License-Identifier: GPL-2.0
/*
 * Membership: moving threads and processes, every refusal and the order of
 * the checks, who may move whom, zombies, exec by a thread, pid namespaces,
 * kernel threads, and that the tasks files add up to the system.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "lib.h"

#define M "/tmp/m"
#define A "/tmp/m/a"
#define B "/tmp/m/b"
#define KEY "name=x"
#define USER 1000

/* --- a process with threads, told what to do --- */

struct team {
	pid_t tid[8];
	int n;
	int cmd[8][2];		/* a channel to each thread */
	int result;		/* of what a grandchild did, in bits */
};

static struct team *team;	/* shared with the test */

enum { T_EXIT, T_MOVE_SELF, T_MOVE_PROC, T_EXEC, T_SETUID };

static void *team_thread(void *arg)
{
	long i = (long)arg;
	struct kid up = { .fd = team->cmd[i][1] };

	team->tid[i] = syscall(SYS_gettid);
	kid_send(&up, 0);
	for (;;)
		switch (kid_recv(&up)) {
		case T_MOVE_SELF:
			kid_send(&up, put_raw(A "/tasks", "0"));
			break;
		case T_MOVE_PROC:
			kid_send(&up, put_raw(A "/procs", "0\n"));
			break;
		case T_SETUID:	/* this thread only */
			kid_send(&up, E(syscall(SYS_setresuid, USER, USER,
						USER)));
			break;
		case T_EXEC:
			execl("/proc/self/exe", "sleeper", NULL);
			kid_send(&up, errno);
			break;
		default:
			syscall(SYS_exit, 0);
		}
	return NULL;
}

/* A process of N threads, the leader being number 0. */
static pid_t team_start(int n)
{
	struct kid k;
	pthread_t t;
	pid_t pid;

	memset(team, 0, sizeof(*team));
	team->n = n;
	for (int i = 0; i < n; i++)
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
			       team->cmd[i]))
			bail("socketpair");
	pid = fork();
	if (pid < 0)
		bail("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (long i = 1; i < n; i++)
			pthread_create(&t, NULL, team_thread, (void *)i);
		team_thread(NULL);
	}
	for (int i = 0; i < n; i++) {
		close(team->cmd[i][1]);
		k.fd = team->cmd[i][0];
		if (kid_recv(&k))
			bail("the threads of a process do not start");
	}
	return pid;
}

static int tell(int i, int what)
{
	struct kid k = { .fd = team->cmd[i][0] };

	kid_send(&k, what);
	return what == T_EXIT || what == T_EXEC ? 0 : kid_recv(&k);
}

static void team_end(pid_t pid)
{
	for (int i = 0; i < team->n; i++)
		close(team->cmd[i][0]);
	reap(pid);
}

/* Which of the threads are listed in a tasks file, as digits. */
static const char *in(const char *cont)
{
	const char *s = "";

	for (int i = 0; i < team->n; i++)
		if (listed(P("%s/tasks", cont), team->tid[i]))
			s = P("%s%d", s, i);
	return s;
}

static void test_move(void)
{
	pid_t p = team_start(4);
	int e;

	streq(in(M), "0123", "all threads begin in the root");
	err(movepid(A, team->tid[2]), 0, "move a thread");
	streq(in(A), "2", "it alone moves");
	streq(in(M), "013", "the others stay");
	streq(where(team->tid[2], KEY), "/a", "/proc/TID/container follows");
	streq(where(p, KEY), "/", "/proc/PID/container is the leader's");
	err(movepid(A, p), 0, "move the leader by tasks");
	streq(in(A), "02", "it alone moves");
	ok(listed(A "/procs", p) && listed(M "/procs", p),
	   "procs lists the process where it has a thread");
	eq(nids(A "/procs"), 1, "each process once");
	err(movepid(A, p), 0, "moving a task to where it is");
	streq(in(A), "02", "does nothing");
	err(put(B "/procs", "%d\n", p), 0, "write to procs");
	streq(in(B), "0123", "all threads move, from wherever they were");
	ok(!nids(A "/tasks") && !listed(M "/procs", p), "none is left behind");
	streq(get(B "/procs"), P("%d\n", p), "procs has the process once");
	err(put(B "/procs", "%d", p), 0, "moving a process to where it is");
	streq(in(B), "0123", "does nothing");
	err(put(A "/procs", "%d", team->tid[3]), 0, "a thread's id in procs");
	streq(in(A), "0123", "moves its process");
	err(put(M "/procs", "%d", p), 0, "back to the root");
	err(tell(1, T_MOVE_SELF), 0, "a thread writes 0 to tasks");
	streq(in(A), "1", "it moves itself alone");
	err(tell(2, T_MOVE_PROC), 0, "a thread writes 0 to procs");
	streq(in(A), "0123", "its process moves");
	err(put(B "/tasks", " %d \n", team->tid[1]), 0,
	    "blanks around a number");
	streq(in(B), "1", "it moves");
	err(put(M "/procs", "%d", p), 0, "back to the root");
	tell(3, T_EXIT);
	ok(wait_for(access(P("/proc/%d/task/%d", p, team->tid[3]), F_OK)),
	   "a thread exits");
	err(movepid(A, team->tid[3]), ESRCH, "moving it is ESRCH");
	err(put(A "/procs", "%d", team->tid[3]), ESRCH, "in procs, too");
	ok(wait_for(!strcmp(in(M), "012")), "it has left the list");
	/* the leader exits, its threads live on */
	err(put(A "/procs", "%d", p), 0, "move all to a container");
	tell(0, T_EXIT);
	ok(wait_for(task_state(p, p) == 'Z'), "the leader exits alone");
	ok(wait_for(!strcmp(in(A), "12")), "and leaves its container");
	streq(where(p, KEY), "/", "its /proc says the root");
	streq(get(A "/procs"), P("%d\n", p), "the process is still in procs");
	err(movepid(B, p), ESRCH, "moving the dead leader by tasks is ESRCH");
	e = put(B "/procs", "%d", p);
	err(e, 0, "moving the process moves the living threads");
	streq(in(B), "12", "they are there");
	team_end(p);
	ok(wait_for(!nids(A "/tasks") && !nids(B "/tasks")),
	   "all leave at exit");
}

static void test_errors(void)
{
	int fd = open(B "/tasks", O_WRONLY | O_CLOEXEC);
	int pfd = open(B "/procs", O_WRONLY | O_CLOEXEC);
	pid_t p = sleeper(), z;

	err(put(A "/tasks", "4000000"), ESRCH, "no such task");
	err(put(A "/procs", "4000000"), ESRCH, "no such process");
	err(put(A "/tasks", "x"), EINVAL, "not a number");
	err(put(A "/procs", "x"), EINVAL, "not a number, in procs");
	movepid(A, p);
	streq(where(p, KEY), "/a", "a task is in a container");
	kill(p, SIGKILL);
	z = p;
	ok(wait_for(task_state(z, z) == 'Z'), "it is a zombie");
	ok(wait_for(!nids(A "/tasks")), "it leaves when it exits");
	ok(!listed(M "/tasks", z), "a zombie is not in the root's tasks");
	ok(!nids(A "/procs") && !listed(M "/procs", z), "nor in procs");
	streq(where(z, KEY), "/", "/proc/ZOMBIE/container says /");
	err(movepid(A, z), ESRCH, "moving a zombie");
	err(put(A "/procs", "%d", z), ESRCH, "moving a zombie by procs");
	err(E(rmdir(B)), 0, "a container is removed while open");
	err(E(write(fd, "x", 1)), EINVAL, "not a number comes before removed");
	err(E(write(pfd, "x", 1)), EINVAL, "in procs, too");
	err(E(write(fd, "4000000", 7)), ENODEV, "removed before no such task");
	err(E(write(pfd, "4000000", 7)), ENODEV, "in procs, too");
	err(E(write(fd, "0", 1)), ENODEV, "removed: oneself");
	err(E(write(pfd, "0", 1)), ENODEV, "removed: one's process");
	reap(z);
	close(fd);
	close(pfd);
	mkdir(B, 0755);
}

/* --- who may move whom --- */

struct creds {
	uid_t r, e, s;
};

/* A process with these ids that sleeps. */
static int sleep_as(struct kid *up, void *arg)
{
	struct creds *c = arg;

	if (syscall(SYS_setresuid, c->r, c->e, c->s))
		return 1;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	kid_send(up, 0);
	pause();
	return 0;
}

static int open_as(struct kid *up, void *arg)
{
	struct creds *c = arg;
	int fd;

	if (syscall(SYS_setresuid, c->r, c->e, c->s))
		return 1;
	fd = open(A "/tasks", O_WRONLY | O_CLOEXEC);
	send_fd(up->fd, fd);
	fd = open(A "/procs", O_WRONLY | O_CLOEXEC);
	send_fd(up->fd, fd);
	return 0;
}

/* Descriptors of A's tasks and procs, opened by somebody else. */
static void opened_by(struct creds c, int *tasks, int *procs)
{
	struct kid k = kid_start(open_as, &c);

	*tasks = recv_fd(k.fd);
	*procs = recv_fd(k.fd);
	if (kid_wait(&k) || *tasks < 0 || *procs < 0)
		bail("opening tasks as %d/%d/%d", c.r, c.e, c.s);
}

static int write_id(int fd, pid_t id)
{
	char s[16];

	return E(write(fd, s, sprintf(s, "%d", id)));
}

struct job {
	int fd;
	pid_t id;
	struct creds c;
};

/* Writes with ids of its own. */
static int write_as(void *arg)
{
	struct job *j = arg;

	if (syscall(SYS_setresuid, j->c.r, j->c.e, j->c.s))
		return 254;
	return write_id(j->fd, j->id);
}

/* Opens as root, gives that up, then writes. */
static int open_then_drop(void *arg)
{
	pid_t *p = arg;
	int fd = open(A "/tasks", O_WRONLY | O_CLOEXEC);

	drop_to(USER);
	return write_id(fd, *p);
}

/* Its descriptor 5 goes to a program with the set-user-id bit. */
static int exec_setuid(void *arg)
{
	char id[16];
	int fd;

	drop_to(USER);
	fd = open(A "/tasks", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || dup2(fd, 5) != 5)
		return 253;
	sprintf(id, "%d", *(pid_t *)arg);
	execl("/tmp/t_suid", "writer", id, NULL);
	return 252;
}

static void test_permission(void)
{
	static const struct {
		struct creds opener, target;
		int e;
		const char *what;
	} t[] = {
		{ { 0, 0, 0 }, { 7, 7, 7 }, 0, "root moves anybody" },
		{ { 7, 0, 7 }, { 8, 8, 8 }, 0, "euid 0 is enough" },
		{ { 0, 7, 0 }, { 0, 0, 0 }, EACCES, "uid 0 is not enough" },
		{ { 7, 7, 7 }, { 7, 7, 7 }, 0, "a user moves his own" },
		{ { 7, 7, 7 }, { 0, 0, 0 }, EACCES, "not root's" },
		{ { 7, 7, 7 }, { 8, 8, 8 }, EACCES, "not another user's" },
		{ { 8, 7, 8 }, { 7, 7, 7 }, 0, "the euid decides" },
		{ { 7, 8, 7 }, { 7, 7, 7 }, EACCES, "the uid does not" },
		{ { 7, 7, 7 }, { 7, 0, 0 }, 0, "the target's uid" },
		{ { 7, 7, 7 }, { 0, 0, 7 }, 0, "the target's saved uid" },
		{ { 7, 7, 7 }, { 0, 7, 0 }, EACCES, "not the target's euid" },
	};
	struct kid k;
	int tasks, procs, e;
	struct job j;
	pid_t p, z;

	chmod(A "/tasks", 0666);
	chmod(A "/procs", 0666);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		opened_by(t[i].opener, &tasks, &procs);
		for (int by_procs = 0; by_procs < 2; by_procs++) {
			const char *s = by_procs ? "procs" : "tasks";

			k = kid_start(sleep_as, (void *)&t[i].target);
			if (kid_recv(&k))
				bail("a process with other ids");
			err(write_id(by_procs ? procs : tasks, k.pid), t[i].e,
			    "%s (%s)", t[i].what, s);
			streq(where(k.pid, KEY), t[i].e ? "/" : "/a",
			      "%s: %s (%s)", t[i].what,
			      t[i].e ? "it stays" : "it moves", s);
			kill(k.pid, SIGKILL);
			kid_wait(&k);
		}
		close(tasks);
		close(procs);
	}

	p = sleeper();
	opened_by((struct creds){ USER, USER, USER }, &tasks, &procs);
	err(write_id(tasks, p), EACCES,
	    "root writes through what a user opened");
	j = (struct job){ tasks, 0, { 0, 0, 0 } };
	err(in_child(write_as, &j), EACCES, "the same, moving itself");
	err(write_id(tasks, 4000000), ESRCH, "no such task before permission");
	err(write_id(procs, 4000000), ESRCH, "in procs, too");
	err(E(write(tasks, "x", 1)), EINVAL, "not a number before permission");
	z = sleeper();
	kill(z, SIGKILL);
	wait_for(task_state(z, z) == 'Z');
	err(write_id(tasks, z), ESRCH, "a zombie before permission");
	reap(z);
	close(tasks);
	close(procs);

	opened_by((struct creds){ 0, 0, 0 }, &tasks, &procs);
	j = (struct job){ tasks, p, { USER, USER, USER } };
	err(in_child(write_as, &j), 0, "a user writes through what root opened");
	streq(where(p, KEY), "/a", "it moves");
	movepid(M, p);
	close(tasks);
	close(procs);
	err(in_child(open_then_drop, &p), 0,
	    "a program that opened as root and dropped it");
	streq(where(p, KEY), "/a", "it moves");
	movepid(M, p);

	copy_file("/proc/self/exe", "/tmp/t_suid", 04755);
	e = in_child(exec_setuid, &p);
	if (e == 251)
		skip("a set-user-id program # the bit has no effect here");
	else
		err(e, EACCES, "a set-user-id program tricked into writing");
	streq(where(p, KEY), "/", "it stays");
	unlink("/tmp/t_suid");
	reap(p);

	/* one thread of a process is somebody else's */
	p = team_start(4);
	err(put(B "/procs", "%d", p), 0, "a process of 4 threads");
	for (int i = 0; i < 4; i++)
		if (i != 2)
			err(tell(i, T_SETUID), 0, "thread %d is a user's", i);
	opened_by((struct creds){ USER, USER, USER }, &tasks, &procs);
	err(write_id(procs, p), EACCES, "one of its threads is root's");
	streq(in(B), "0123", "none of them moves");
	err(write_id(tasks, team->tid[1]), 0, "a thread that is the user's");
	streq(in(A), "1", "it moves alone");
	err(tell(2, T_SETUID), 0, "the last is the user's");
	err(write_id(procs, p), 0, "all are the user's");
	streq(in(A), "0123", "all move");
	team_end(p);
	close(tasks);
	close(procs);
	chmod(A "/tasks", 0644);
	chmod(A "/procs", 0644);
	wait_for(!nids(A "/tasks"));
}

/* exec by a thread that is not the leader: it takes over the leader's id. */
static void test_exec(void)
{
	pid_t p = team_start(3), first;

	first = team->tid[1];
	movepid(A, p);
	movepid(B, first);
	tell(1, T_EXEC);
	ok(wait_for(access(P("/proc/%d/task/%d", p, first), F_OK)),
	   "a thread execs");
	ok(wait_for(!strcmp(get(B "/tasks"), P("%d\n", p))),
	   "it stays in its container, under the leader's id");
	eq(nids(A "/tasks"), 0, "the leader has left its own");
	ok(!listed(M "/tasks", p), "it is in one container only");
	ok(!listed(M "/tasks", first), "its old id is in none");
	streq(where(p, KEY), "/b", "/proc/PID/container says so");
	streq(get(B "/procs"), P("%d\n", p), "procs says so");
	err(E(rmdir(A)), 0, "the leader's container can go");
	mkdir(A, 0755);
	err(movepid(A, p), 0, "it can be moved");
	streq(where(p, KEY), "/a", "and has moved");
	err(E(rmdir(B)), 0, "the thread's container can go");
	mkdir(B, 0755);
	team_end(p);
	ok(wait_for(!nids(A "/tasks")), "it leaves at exit");
}

/* --- pid namespaces --- */

static int ns_init(void)
{
	pid_t p, q, *l;
	int n, r = 0;

	p = sleeper();
	q = sleeper();
	if (put_raw(A "/tasks", "0"))
		r |= 1;
	if (put(A "/tasks", "%d", p))
		r |= 2;
	n = ids(A "/tasks", &l);
	if (n != 2 || l[0] != 1 || l[1] != p)
		r |= 4;
	n = ids(A "/procs", &l);
	if (n != 2 || l[0] != 1 || l[1] != p)
		r |= 8;
	if (put(B "/procs", "%d", q) || !listed(B "/tasks", q) ||
	    nids(B "/tasks") != 1)
		r |= 16;
	if (put(A "/tasks", "4000000") != ESRCH)
		r |= 32;
	if (nids(M "/tasks"))
		r |= 64;
	team->result = r;
	return getpid() != 1;
}

static int pidns(void *arg)
{
	pid_t p;
	int st;

	(void)arg;
	if (unshare(CLONE_NEWPID))
		return 1;
	p = fork();
	if (!p)
		_exit(ns_init());
	return waitpid(p, &st, 0) == p && !st ? 0 : 2;
}

static int in_ns_listing(struct kid *up, void *arg)
{
	pid_t p;

	(void)arg;
	if (unshare(CLONE_NEWPID))
		return 1;
	p = fork();
	if (!p) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	kid_send(up, p);
	pause();
	return 0;
}

static void test_pidns(void)
{
	static const char *const what[] = {
		"it moves itself", "it moves another by its id there",
		"tasks lists ids of that namespace, others left out",
		"procs lists ids of that namespace", "procs moves by such an id",
		"an unknown id is ESRCH", "members outside are left out",
	};
	pid_t outside = sleeper(), inner;
	struct kid k;
	int r;

	movepid(A, outside);
	r = in_child(pidns, NULL);
	if (r == 1)
		skip("pid namespaces # none");
	else
		eq(r, 0, "a child pid namespace");
	for (size_t i = 0; !r && i < ARRAY_SIZE(what); i++)
		ok(!(team->result & 1 << i), "in a pid namespace: %s", what[i]);
	streq(get(A "/tasks"), P("%d\n", outside), "the outsider stays");
	reap(outside);

	k = kid_start(in_ns_listing, NULL);
	inner = kid_recv(&k);
	if (inner > 0) {
		err(movepid(A, inner), 0, "a task in a namespace below");
		streq(get(A "/tasks"), P("%d\n", inner),
		      "is listed by its id in the reader's");
		kill(inner, SIGKILL);
	}
	kill(k.pid, SIGKILL);
	kid_wait(&k);
	ok(wait_for(!nids(A "/tasks")), "all have left");
}

/* --- kernel threads --- */

static void test_kthreads(void)
{
	static const char trigger[] = "some 150000 1000000";
	pid_t p, *l;
	int fd, n;

	ok(listed(M "/tasks", 2), "kthreadd is in the root");
	streq(where(2, KEY), "/", "its /proc says so");
	err(movepid(A, 2), 0, "kthreadd moves");
	ok(listed(A "/tasks", 2) && !listed(M "/tasks", 2), "it has moved");
	/* a pressure trigger makes the kernel start a thread */
	fd = open("/proc/pressure/memory", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || write(fd, trigger, sizeof(trigger)) < 0 ||
	    !wait_for((p = task_named("psimon")))) {
		skip("a kernel thread's child # no way to start one");
	} else {
		streq(where(p, KEY), "/a",
		      "a new kernel thread is where kthreadd is");
		ok(listed(A "/tasks", p), "and listed there");
	}
	if (fd >= 0)
		close(fd);
	err(movepid(M, 2), 0, "kthreadd moves back");
	/* workers that were born meanwhile */
	n = ids(A "/tasks", &l);
	for (int i = 0; i < n; i++)
		movepid(M, l[i]);
	free(l);
	ok(wait_for(!nids(A "/tasks")), "all have left");
}

/* --- the sum --- */

/* The tree and the system, read between two equal looks at the system. */
static bool adds_up(void)
{
	pid_t *l1, *l2, *t;
	int n1 = live_tasks(&l1), n = tree_tasks(M, &t), n2 = live_tasks(&l2);
	bool still = n1 == n2 && !memcmp(l1, l2, n1 * sizeof(pid_t));
	bool same = n == n1 && !memcmp(t, l1, n * sizeof(pid_t));

	free(l1);
	free(l2);
	free(t);
	return still && same;
}

static void test_sum(void)
{
	pid_t p = team_start(8), q[20];

	for (int i = 0; i < 20; i++) {
		q[i] = sleeper();
		movepid(i % 3 == 0 ? A : i % 3 == 1 ? B : M, q[i]);
	}
	for (int i = 0; i < 8; i++)
		movepid(i & 1 ? A : B, team->tid[i]);
	ok(wait_for(adds_up()), "the tasks files add up to all live tasks");
	for (int i = 0; i < 20; i += 2)
		reap(q[i]);
	ok(wait_for(adds_up()), "and when half of them have exited");
	for (int i = 1; i < 20; i += 2)
		reap(q[i]);
	team_end(p);
	ok(wait_for(adds_up()), "and when all have");
	ok(!nids(A "/tasks") && !nids(B "/tasks"), "the containers are empty");
}

int main(int argc, char **argv)
{
	if (!strcmp(argv[0], "sleeper"))
		for (;;)
			pause();
	if (!strcmp(argv[0], "writer"))
		return geteuid() ? 251 :
		       write_id(5, argc > 1 ? atoi(argv[1]) : 0);

	team = mmap_shared(sizeof(*team));
	setup();
	err(cmount(M, "none,name=x"), 0, "mount -o none,name=x");
	mkdir(A, 0755);
	mkdir(B, 0755);
	CASE(test_move());
	CASE(test_errors());
	CASE(test_permission());
	CASE(test_exec());
	CASE(test_pidns());
	CASE(test_kthreads());
	CASE(test_sum());
	err(E(rmdir(A)), 0, "rmdir");
	err(E(rmdir(B)), 0, "rmdir");
	err(cumount(M), 0, "unmount");
	finish();
}
