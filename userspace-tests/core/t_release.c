// SPDX-License-Identifier: GPL-2.0
/*
 * Release: the agent (this program, by another name) runs once for each
 * release with the right arguments and environment; auto_delete; and
 * kill_on_rmdir, with what it refuses.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "lib.h"

#define M "/tmp/m"
#define AGENT "/tmp/agent"
#define LOG "/tmp/agent.log"
/* What a run of the agent leaves in its log. */
#define RAN(path) \
	"argc=2 " path " HOME=/ PATH=/sbin:/bin:/usr/sbin:/usr/bin name=x:/\n"

static int agent_main(int argc, char **argv, char **env)
{
	char line[9000], mine[4096] = "";
	int fd, n;

	fd = open("/proc/self/container", O_RDONLY);
	n = fd < 0 ? -1 : read(fd, mine, sizeof(mine) - 1);
	mine[n > 0 ? n : 0] = 0;
	n = snprintf(line, sizeof(line), "argc=%d", argc);
	for (int i = 1; i < argc; i++)
		n += snprintf(line + n, 1000, " %s", argv[i]);
	for (; *env; env++)
		n += snprintf(line + n, 1000, " %s", *env);
	n += snprintf(line + n, 1000, " %s", mine);
	/* one write: runs may overlap */
	fd = open(LOG, O_WRONLY | O_APPEND | O_CREAT, 0644);
	return write(fd, line, n) != n;
}

static void forget(void)
{
	unlink(LOG);
	close(open(LOG, O_WRONLY | O_CREAT, 0644));
}

static int runs(void)
{
	char *s = get(LOG);
	int n = 0;

	for (; s && (s = strchr(s, '\n')); s++)
		n++;
	return n;
}

/*
 * The agent runs in its own time: to see that it did not run for one
 * container, release another after it and wait for that run alone.
 */
static void ran_only(const char *want, const char *what)
{
	const char *mark = RAN("/mark");
	pid_t p = sleeper();
	char *s, *m;

	mkdir(M "/mark", 0755);
	put(M "/mark/auto_delete", "0");
	put(M "/mark/notify_on_release", "1");
	movepid(M "/mark", p);
	reap(p);
	wait_for(strstr(get(LOG), mark));
	wait_for(runs() >= 1 + (*want != 0));
	msleep(100);
	s = get(LOG);
	m = strstr(s, mark);
	if (m)
		memmove(m, m + strlen(mark), strlen(m + strlen(mark)) + 1);
	streq(s, want, "%s", what);
	rmdir(M "/mark");
	forget();
}

static pid_t member(const char *cont)
{
	pid_t p = sleeper();
	int e = movepid(cont, p);

	if (e)
		diag("move to %s: %s", cont, strerrorname_np(e));
	return p;
}

static void flag(const char *cont, const char *name, int v)
{
	int e = put(P("%s/%s", cont, name), "%d", v);

	if (e)
		diag("%s/%s: %s", cont, name, strerrorname_np(e));
}

static void *sleeping_thread(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static int threads10(struct kid *up, void *arg)
{
	pthread_t t;

	(void)arg;
	for (int i = 0; i < 9; i++)
		pthread_create(&t, NULL, sleeping_thread, NULL);
	kid_send(up, 0);
	pause();
	return 0;
}

static void test_agent(void)
{
	struct kid k;
	pid_t p, q[20];

	forget();
	mkdir(M "/a", 0755);
	flag(M "/a", "notify_on_release", 1);
	ran_only("", "setting the flag of an empty container does nothing");
	p = member(M "/a");
	reap(p);
	ran_only(RAN("/a"), "the last member exits: the agent runs once");
	p = member(M "/a");
	movepid(M, p);
	ran_only(RAN("/a"), "the last member moves away: once, again");
	movepid(M "/a", p);
	movepid(M "/a", p);
	put(M "/a/procs", "%d", p);
	ran_only("", "moving a member to where it is does nothing");
	q[0] = member(M "/a");
	reap(p);
	ran_only("", "a member is left: no release");
	reap(q[0]);
	ran_only(RAN("/a"), "the last one goes: release");

	for (int i = 0; i < 20; i++)
		q[i] = member(M "/a");
	for (int i = 0; i < 20; i++)
		kill(q[i], SIGKILL);
	for (int i = 0; i < 20; i++)
		reap(q[i]);
	ran_only(RAN("/a"), "20 members killed at once: one release");
	k = kid_start(threads10, NULL);
	kid_recv(&k);
	put(M "/a/procs", "%d", k.pid);
	eq(nids(M "/a/tasks"), 10, "a process of ten threads is a member");
	put(M "/procs", "%d", k.pid);
	ran_only(RAN("/a"), "it moves away as a whole: one release");
	put(M "/a/procs", "%d", k.pid);
	kill(k.pid, SIGKILL);
	kid_wait(&k);
	ran_only(RAN("/a"), "it is killed: one release");

	mkdir(M "/a/b", 0755);
	eq(getnum(M "/a/b/notify_on_release"), 1, "the child inherits the flag");
	p = member(M "/a");
	reap(p);
	ran_only("", "a child is left: no release");
	p = member(M "/a/b");
	reap(p);
	ran_only(RAN("/a/b"), "the path is from the root of the hierarchy");
	err(E(rmdir(M "/a/b")), 0, "rmdir of the child");
	ran_only(RAN("/a"), "the last child is removed: release of the parent");
	mkdir(M "/a/b", 0755);
	p = member(M "/a");
	err(E(rmdir(M "/a/b")), 0, "rmdir of the child");
	ran_only("", "members are left: no release");
	reap(p);
	ran_only(RAN("/a"), "until they go");
	err(E(rename(M "/a", M "/c")), 0, "rename");
	p = member(M "/c");
	reap(p);
	ran_only(RAN("/c"), "the new name is the one told");
	flag(M "/c", "notify_on_release", 0);
	p = member(M "/c");
	reap(p);
	ran_only("", "notify_on_release 0: no agent");
	err(E(rmdir(M "/c")), 0, "rmdir");
	mkdir(M "/a b", 0755);
	flag(M "/a b", "notify_on_release", 1);
	p = member(M "/a b");
	reap(p);
	ran_only(RAN("/a b"), "a path with a blank is one argument");
	err(E(rmdir(M "/a b")), 0, "rmdir");
	ran_only("", "rmdir of a released one is no release of it");
}

/* No agent, a wrong one, one that comes late. */
static void test_no_agent(void)
{
	int fd, n;
	char *log;
	pid_t p;

	mkdir(M "/a", 0755);
	flag(M "/a", "notify_on_release", 1);
	put(M "/release_agent", "\n");
	p = member(M "/a");
	reap(p);
	wait_for(!nids(M "/a/tasks"));
	msleep(100);
	put(M "/release_agent", AGENT);
	ran_only("", "no agent: nothing runs, not even later");
	fd = kmsg_open();
	put(M "/release_agent", "/no/such/agent");
	p = member(M "/a");
	reap(p);
	put(M "/release_agent", AGENT);
	p = member(M "/a");
	reap(p);
	ok(wait_for(runs() >= 1), "after an agent that does not exist");
	n = kmsg_lines(fd, &log);
	eq(n, 0, "which is not in the log");
	close(fd);
	msleep(100);
	forget();
	err(E(rmdir(M "/a")), 0, "rmdir");
}

static bool gone(const char *path)
{
	return access(path, F_OK) && errno == ENOENT;
}

static void test_auto_delete(void)
{
	struct hier h;
	int fd, e, lost = 0, n = 0;
	char c;
	pid_t p, q;

	mkdir(M "/a", 0755);
	flag(M "/a", "auto_delete", 1);
	ok(!gone(M "/a/tasks"), "setting it on an empty container does nothing");
	p = member(M "/a");
	fd = open(M "/a/tasks", O_RDWR | O_CLOEXEC);
	q = member(M "/a");
	reap(p);
	wait_for(nids(M "/a/tasks") == 1);
	msleep(50);
	ok(!gone(M "/a"), "a member is left: it stays");
	reap(q);
	ok(wait_for(gone(M "/a")), "the last member exits: it is removed");
	err(E(read(fd, &c, 1)), ENODEV, "reading it by an open descriptor");
	err(E(write(fd, "0", 1)), ENODEV, "writing it by an open descriptor");
	close(fd);

	mkdir(M "/a", 0755);
	flag(M "/a", "auto_delete", 1);
	p = member(M "/a");
	movepid(M, p);
	ok(wait_for(gone(M "/a")), "the last member moves away: it is removed");

	/* /a/b/c, all with the flag: one goes after the other */
	mkdir(M "/a", 0755);
	flag(M "/a", "auto_delete", 1);
	mkdir(M "/a/b", 0755);
	mkdir(M "/a/b/c", 0755);
	eq(getnum(M "/a/b/c/auto_delete"), 1, "inherited");
	movepid(M "/a/b/c", p);
	movepid(M, p);
	ok(wait_for(gone(M "/a")), "its removal releases the parents");

	/* removing by hand releases the parent, too */
	mkdir(M "/a", 0755);
	mkdir(M "/a/b", 0755);
	flag(M "/a", "auto_delete", 1);
	err(E(rmdir(M "/a/b")), 0, "rmdir of the last child");
	ok(wait_for(gone(M "/a")), "removes the parent");

	/* a child without the flag keeps the parent */
	mkdir(M "/a", 0755);
	mkdir(M "/a/b", 0755);
	flag(M "/a", "auto_delete", 1);
	movepid(M "/a", p);
	movepid(M, p);
	msleep(100);
	ok(!gone(M "/a/b"), "a child is left: it stays");
	rmdir(M "/a/b");
	ok(wait_for(gone(M "/a")), "until that is removed");

	/* with an agent */
	forget();
	mkdir(M "/a", 0755);
	flag(M "/a", "notify_on_release", 1);
	mkdir(M "/a/b", 0755);
	flag(M "/a/b", "auto_delete", 1);
	movepid(M "/a/b", p);
	movepid(M, p);
	ok(wait_for(gone(M "/a/b")), "removed where an agent is, too");
	ok(wait_for(runs()), "the agent runs");
	ran_only(RAN("/a"), "for the parent, not for the one removed");
	rmdir(M "/a");

	/* a task that comes back in time keeps it, or finds it gone */
	for (int i = 0; i < 200; i++) {
		if (gone(M "/a")) {
			mkdir(M "/a", 0755);
			flag(M "/a", "auto_delete", 1);
			movepid(M "/a", p);
		}
		q = member(M);
		movepid(M, p);
		e = movepid(M "/a", q);
		if (!e) {
			n++;
			msleep(1);
			lost += gone(M "/a/tasks") || !listed(M "/a/tasks", q);
		} else {
			lost += e != ENODEV && e != ENOENT;
		}
		movepid(M "/a", p);
		reap(q);
	}
	eq(lost, 0, "a container that is filled again stays (%d of 200)", n);
	movepid(M, p);
	ok(wait_for(gone(M "/a")), "and goes with its last member");

	/* while nobody has it mounted */
	err(cmount("/tmp/u", "cpuacct"), 0, "mount another hierarchy");
	mkdir("/tmp/u/a", 0755);
	flag("/tmp/u/a", "auto_delete", 1);
	movepid("/tmp/u/a", p);
	err(cumount("/tmp/u"), 0, "unmount it");
	streq(where(p, "cpuacct"), "/a", "it stays active");
	reap(p);
	ok(wait_for(!hier("cpuacct", &h) || h.containers == 1),
	   "its last member exits: the container is removed");
	err(cmount("/tmp/u", "cpuacct"), 0, "mount it again");
	ok(gone("/tmp/u/a"), "the container has gone");
	err(cumount("/tmp/u"), 0, "unmount it");
	ok(!hier("cpuacct", &h), "the hierarchy is dissolved");
}

/* --- kill_on_rmdir --- */

static void tree(void)
{
	mkdir(M "/k", 0755);
	mkdir(M "/k/a", 0755);
	mkdir(M "/k/a/b", 0755);
	mkdir(M "/k/c", 0755);
}

static const char *const tree_dirs[] = {
	M "/k", M "/k/a", M "/k/a/b", M "/k/c",
};

static void untree(void)
{
	for (int i = 3; i >= 0; i--)
		rmdir(tree_dirs[i]);
}

static int remover(void *arg)
{
	return E(rmdir(arg));
}

static int remover_in(void *arg)
{
	if (movepid(arg, getpid()))
		return 254;
	return E(rmdir(M "/k"));
}

static pid_t thread_tid;

static void *announce(void *arg)
{
	__atomic_store_n(&thread_tid, syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	return sleeping_thread(arg);
}

static int remover_thread_in(void *arg)
{
	pthread_t t;

	thread_tid = 0;
	pthread_create(&t, NULL, announce, NULL);
	while (!__atomic_load_n(&thread_tid, __ATOMIC_SEQ_CST))
		msleep(1);
	if (movepid(arg, thread_tid))
		return 254;
	return E(rmdir(M "/k"));
}

static bool alive(pid_t p)
{
	enum { EXITING = 4 };	/* PF_EXITING: it has left, and is a zombie in a moment */
	char *s = get(P("/proc/%d/stat", p)), state;
	unsigned int flags;

	s = s ? strrchr(s, ')') : NULL;
	return s && sscanf(s, ") %c %*d %*d %*d %*d %*d %u", &state, &flags) == 2 &&
	       state != 'Z' && state != 'X' && !(flags & EXITING);
}

/* Forks as fast as it can, every child doing the same, up to a limit. */
static int bomb(struct kid *up, void *arg)
{
	int *count = arg;

	prctl(PR_SET_PDEATHSIG, 0);
	signal(SIGCHLD, SIG_IGN);
	kid_recv(up);
	kid_send(up, 0);
	for (;;) {
		if (__atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST) > 100) {
			__atomic_sub_fetch(count, 1, __ATOMIC_SEQ_CST);
			sched_yield();
		} else if (fork() == 0) {
			/* every other one goes by itself */
			if (getpid() & 1) {
				__atomic_sub_fetch(count, 1, __ATOMIC_SEQ_CST);
				_exit(0);
			}
		}
	}
	return 0;
}

static int rmdir_kid(struct kid *up, void *dir)
{
	(void)up;
	return E(rmdir(dir));
}

static void *no_thread(void *arg)
{
	return arg;
}

/* Makes threads as fast as it can: at most times one of them is in the making. */
static int thread_maker(struct kid *up, void *arg)
{
	pthread_attr_t attr;
	pthread_t t;

	(void)arg;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 16384);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	kid_send(up, put(M "/k/tasks", "0"));
	for (;;)
		if (pthread_create(&t, &attr, no_thread, NULL))
			sched_yield();
	return 0;
}

/*
 * The death of a process that is just making threads. A signal to a thread that
 * is not in the process yet makes the kernel believe that all have got it.
 */
static void test_kill_threads(void)
{
	int killed = 0, rounds = debug_kernel() ? 20 : sized(100, 30);

	for (int i = 0; i < rounds; i++) {
		struct kid maker, killer;
		int e;

		mkdir(M "/k", 0755);
		put(M "/k/kill_on_rmdir", "1");
		maker = kid_start(thread_maker, NULL);
		e = kid_recv(&maker);
		/* each round at another moment */
		usleep(1000 + i * 37);
		killer = kid_start(rmdir_kid, M "/k");
		/* the last resort: it is killed itself */
		if (!wait_for(access(M "/k", F_OK)))
			kill(killer.pid, SIGKILL);
		killed += !e && !kid_wait(&killer);
		kill(maker.pid, SIGKILL);
		kid_wait(&maker);
		if (killed <= i)
			break;
	}
	eq(killed, rounds, "a process that makes threads is killed, each time");
}

static void test_kill(void)
{
	struct kid k;
	struct hier h0, h;
	pid_t p[8], out;
	int *count, alive_n;

	forget();
	/* off: as ever */
	tree();
	p[0] = member(M "/k/a/b");
	err(E(rmdir(M "/k")), EBUSY, "without the flag: EBUSY");
	flag(M "/k/a", "kill_on_rmdir", 1);
	flag(M "/k/a/b", "kill_on_rmdir", 1);
	err(E(rmdir(M "/k")), EBUSY, "the flag below does not count");
	ok(alive(p[0]), "nothing is killed");
	flag(M "/k/a", "kill_on_rmdir", 0);
	flag(M "/k/a/b", "kill_on_rmdir", 0);
	reap(p[0]);
	wait_for(!nids(M "/k/a/b/tasks"));

	/* on */
	for (int i = 0; i < 8; i++)
		p[i] = member(tree_dirs[i % 4]);
	kill(p[1], SIGSTOP);
	k = kid_start(threads10, NULL);
	kid_recv(&k);
	movepid(M "/k/a/b", k.pid);
	out = sleeper();
	flag(M "/k", "kill_on_rmdir", 1);
	err(E(rmdir(M "/k")), 0, "with the flag: rmdir of a whole tree");
	alive_n = 0;
	for (int i = 0; i < 8; i++)
		alive_n += alive(p[i]);
	eq(alive_n, 0, "all members are dead by then, a stopped one, too");
	ok(!alive(k.pid), "a process with one thread inside, too");
	ok(gone(M "/k"), "the tree has gone");
	ok(alive(out), "nobody else is killed");
	for (int i = 0; i < 8; i++)
		reap(p[i]);
	eq(kid_wait(&k), -SIGKILL, "by SIGKILL");
	reap(out);

	/* one that is empty, one without children */
	tree();
	flag(M "/k", "kill_on_rmdir", 1);
	err(E(rmdir(M "/k")), 0, "a tree without members");
	ok(gone(M "/k"), "has gone");
	mkdir(M "/k", 0755);
	flag(M "/k", "kill_on_rmdir", 1);
	mkdir(M "/k/a", 0755);
	eq(getnum(M "/k/a/kill_on_rmdir"), 1, "inherited");
	err(E(rmdir(M "/k/a")), 0, "a single container");
	err(E(rmdir(M "/k")), 0, "and its parent");

	/* whoever sits inside */
	tree();
	flag(M "/k", "kill_on_rmdir", 1);
	p[0] = member(M "/k");
	p[1] = member(M "/k/c");
	err(in_child(remover_in, (void *)tree_dirs[0]), EBUSY,
	    "a caller that is a member");
	err(in_child(remover_in, (void *)tree_dirs[2]), EBUSY,
	    "a caller that is a member far below");
	err(in_child(remover_thread_in, (void *)tree_dirs[1]), EBUSY,
	    "a caller with another thread inside");
	ok(alive(p[0]) && alive(p[1]), "nothing is killed");
	ok(!gone(M "/k/a/b/tasks") && !gone(M "/k/c/tasks"),
	   "the tree is whole");
	wait_for(!nids(M "/k/a/tasks") && !nids(M "/k/a/b/tasks"));
	err(in_child(remover, M "/k"), 0, "a caller outside");
	ok(!alive(p[0]) && !alive(p[1]) && gone(M "/k"), "kills and removes");
	reap(p[0]);
	reap(p[1]);

	/* a fork bomb */
	count = mmap_shared(sizeof(*count));
	mkdir(M "/k", 0755);
	mkdir(M "/k/a", 0755);
	flag(M "/k", "kill_on_rmdir", 1);
	k = kid_start(bomb, count);
	movepid(M "/k/a", k.pid);
	kid_send(&k, 0);
	kid_recv(&k);
	ok(wait_for(nids(M "/k/a/tasks") > 20), "a fork bomb is going");
	err(E(rmdir(M "/k")), 0, "rmdir");
	ok(gone(M "/k"), "ends it");
	eq(kid_wait(&k), -SIGKILL, "the first of them was killed");

	/* the parent is released */
	forget();
	mkdir(M "/p", 0755);
	flag(M "/p", "notify_on_release", 1);
	mkdir(M "/p/k", 0755);
	flag(M "/p/k", "notify_on_release", 0);
	flag(M "/p/k", "kill_on_rmdir", 1);
	p[0] = member(M "/p/k");
	err(E(rmdir(M "/p/k")), 0, "rmdir with a member");
	reap(p[0]);
	ok(wait_for(runs()), "the agent runs");
	ran_only(RAN("/p"), "for the parent: its last child is removed");
	rmdir(M "/p");

	/* counts are back */
	err(cmount("/tmp/u", "cpuacct"), 0, "mount another hierarchy");
	hier("cpuacct", &h0);
	mkdir("/tmp/u/k", 0755);
	mkdir("/tmp/u/k/a", 0755);
	flag("/tmp/u/k", "kill_on_rmdir", 1);
	p[0] = member("/tmp/u/k/a");
	err(E(rmdir("/tmp/u/k")), 0, "rmdir there");
	ok(hier("cpuacct", &h) && h.containers == h0.containers,
	   "containers is as before");
	streq(where(p[0], "cpuacct"), "/", "the dead count as the root's");
	reap(p[0]);
	err(cumount("/tmp/u"), 0, "unmount it");
	untree();
}

/* With auto_delete, too: it is one removal, the caller's. */
static void test_kill_and_delete(void)
{
	int rounds = debug_kernel() ? 50 : sized(200, 50), good = 0, first = 0, both = 0, left = 0;

	for (int i = 0; i < rounds; i++) {
		pid_t p;

		mkdir(M "/k", 0755);
		mkdir(M "/k/a", 0755);
		for (int n = 0; n < 2; n++) {
			put(P(M "/k%s/auto_delete", n ? "/a" : ""), "1");
			put(P(M "/k%s/kill_on_rmdir", n ? "/a" : ""), "1");
		}
		p = sleeper();
		good += !movepid(M "/k/a", p) && !rmdir(M "/k");
		reap(p);
		left += !access(M "/k", F_OK);
	}
	eq(good, rounds, "rmdir with both flags succeeds, each time");
	eq(left, 0, "and it is gone then");
	/* two at once: one has done it */
	for (int i = 0; i < rounds; i++) {
		struct kid k;
		pid_t p;
		int e, f;

		mkdir(M "/k", 0755);
		put(M "/k/auto_delete", "1");
		put(M "/k/kill_on_rmdir", "1");
		p = sleeper();
		movepid(M "/k", p);
		k = kid_start(rmdir_kid, M "/k");
		e = E(rmdir(M "/k"));
		f = kid_wait(&k);
		first += !e;
		both += (!e && f == ENOENT) || (!f && e == ENOENT);
		reap(p);
	}
	eq(both, rounds, "of two at once one succeeds, and the other says ENOENT");
	diag("we were the first of them %d times", first);
}

/* A member that cannot be killed, until it is told to go on: in the module for t_api. */
#define STALL "/sys/kernel/debug/container_apitest/cmd"

static int stalled(struct kid *up, void *dir)
{
	kid_send(up, movepid(dir, getpid()));
	return put(STALL, "stall 0");
}

/* A removal that is given up leaves what was released meanwhile to auto_delete. */
static void test_kill_fails(void)
{
	struct kid q, r;
	pid_t p;

	err(modprobe("container_apitest"), 0, "a module that stalls tasks");
	tree();
	flag(M "/k", "kill_on_rmdir", 1);
	flag(M "/k/a/b", "auto_delete", 1);
	p = member(M "/k/a/b");
	q = kid_start(stalled, M "/k/c");
	err(kid_recv(&q), 0, "a member");
	ok(wait_for(task_state(q.pid, q.pid) == 'D'), "that cannot be killed");
	r = kid_start(rmdir_kid, M "/k");
	ok(wait_for(!alive(p)), "the other one dies");
	msleep(100);
	ok(!gone(M "/k/a/b"), "its container is left to the caller of rmdir");
	err(E(rmdir(M "/k/a/b")), EBUSY, "and to nobody else");
	kill(r.pid, SIGKILL);
	kid_wait(&r);
	ok(wait_for(gone(M "/k/a/b")), "who gives up: auto_delete removes it");
	ok(!gone(M "/k/c"), "the others are there");
	put(STALL, "wake 0");
	kid_wait(&q);
	waitpid(p, NULL, 0);
	ok(wait_for(!nids(M "/k/c/tasks")), "they are empty in the end");
	err(E(rmdir(M "/k")), 0, "and removed");
	rmmod("container_apitest");
}

static int enter_and_go(void *dir)
{
	return movepid(dir, getpid());
}

static int enter_kid(struct kid *up, void *dir)
{
	kid_send(up, movepid(dir, getpid()));
	kid_recv(up);
	return 0;
}

/* A container removes itself while somebody removes the one above. */
static void test_both_levels(void)
{
	int rounds = debug_kernel() ? 50 : 200, good = 0, busy = 0;

	for (int i = 0; i < rounds; i++) {
		long end = now_ms() + DEADLINE_MS;
		struct kid k;
		int e;

		mkdir(M "/p", 0755);
		mkdir(M "/p/c", 0755);
		put(M "/p/c/auto_delete", "1");
		k = kid_start(enter_kid, M "/p/c");
		kid_recv(&k);
		kid_send(&k, 0);
		while ((e = E(rmdir(M "/p"))) == EBUSY && now_ms() < end)
			busy++;
		good += !e && gone(M "/p");
		kid_wait(&k);
	}
	eq(good, rounds, "both are gone, each time");
	diag("the one above was busy %d times", busy);
}

/* --- a directory that somebody lists for ever --- */

/* Reads it into memory that does not come. */
static int lister(struct kid *up, void *dir)
{
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC), fd = open(dir, O_RDONLY | O_DIRECTORY);
	struct uffdio_api api = { .api = UFFD_API };
	char *hole = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int e;

	reg.range.start = (unsigned long)hole;
	reg.range.len = 4096;
	e = uffd < 0 ? errno : E(ioctl(uffd, UFFDIO_API, &api)) ?:
	    E(ioctl(uffd, UFFDIO_REGISTER, &reg));
	kid_send(up, e);
	if (!e)
		syscall(SYS_getdents64, fd, hole, 4096);
	return 0;
}

static int mkdir_kid(struct kid *up, void *dir)
{
	(void)up;
	return E(mkdir(dir, 0755));
}

/* Nobody else notices. */
static void test_held_up(void)
{
	struct kid k, r[3];
	char buf[4096];
	int e, fd;

	mkdir(M "/h", 0755);
	mkdir(M "/h/x", 0755);
	mkdir(M "/h/y", 0755);
	k = kid_start(lister, M "/h");
	e = kid_recv(&k);
	if (e) {
		skip("no userfaultfd here: %s", strerror(e));
		goto out;
	}
	ok(wait_for(strchr("SD", task_state(k.pid, k.pid))),
	   "somebody lists a directory, and does not end");
	msleep(50);
	r[0] = kid_start(rmdir_kid, M "/h/x");
	ok(wait_for(gone(M "/h/x")), "rmdir in it does not wait");
	flag(M "/h/y", "auto_delete", 1);
	in_child(enter_and_go, M "/h/y");
	ok(wait_for(gone(M "/h/y")), "nor does an automatic removal");
	r[1] = kid_start(mkdir_kid, M "/h/z");
	ok(wait_for(!gone(M "/h/z")), "nor mkdir");
	fd = open(M "/h", O_RDONLY | O_DIRECTORY);
	ok(syscall(SYS_getdents64, fd, buf, sizeof(buf)) > 0, "nor another list");
	close(fd);
	rmdir(M "/h/z");
	r[2] = kid_start(rmdir_kid, M "/h");
	ok(wait_for(gone(M "/h")), "nor its own removal");
	kill(k.pid, SIGKILL);
	for (int i = 0; i < 3; i++)
		err(kid_wait(&r[i]), 0, "it was done");
out:
	kid_wait(&k);
	rmdir(M "/h/x");
	rmdir(M "/h/y");
	rmdir(M "/h/z");
	rmdir(M "/h");
}

int main(int argc, char **argv, char **env)
{
	if (!strcmp(argv[0], AGENT))
		return agent_main(argc, argv, env);
	setup();
	copy_file("/proc/self/exe", AGENT, 0755);
	err(cmount(M, "none,name=x,release_agent=" AGENT), 0,
	    "mount with a release_agent");
	CASE(test_agent());
	CASE(test_no_agent());
	CASE(test_auto_delete());
	CASE(test_kill());
	CASE(test_kill_threads());
	CASE(test_kill_and_delete());
	CASE(test_kill_fails());
	CASE(test_both_levels());
	CASE(test_held_up());
	err(cumount(M), 0, "unmount");
	unlink(AGENT);
	unlink(LOG);
	finish();
}
