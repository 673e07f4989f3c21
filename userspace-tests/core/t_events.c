// SPDX-License-Identifier: GPL-2.0
/*
 * The file events: what it says, and how to wait for it: a program that sleeps until a
 * container is empty misses no change, whichever way the last member goes.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "lib.h"

#define M "/tmp/e"
#define NONE "\nforks_refused 0\ncharges_refused 0\n"
#define EMPTY "populated 0" NONE
#define POPULATED "populated 1" NONE
#define REFUSE "/sys/kernel/debug/container_apitest/cmd"

static const char *events(const char *cont)
{
	return get(P("%s/events", cont));
}

static int events_fd(const char *cont)
{
	int fd = open(P("%s/events", cont), O_RDONLY);

	if (fd < 0)
		bail("%s/events: %s", cont, strerror(errno));
	return fd;
}

/* What an open file says now; "" on failure, with errno. */
static const char *again(int fd)
{
	char buf[256];
	ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);

	if (n < 0)
		return P("%s", strerror(errno));
	buf[n] = '\0';
	return P("%s", buf);
}

/* What poll says of a file within MS milliseconds. */
static int polled(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLPRI };

	if (poll(&p, 1, ms) < 0)
		return -errno;
	return p.revents;
}

/* A change has come, or comes soon. */
static bool told(int fd)
{
	return polled(fd, DEADLINE_MS) == (POLLPRI | POLLERR);
}

/* A sleeper in a container. */
static pid_t member(const char *cont)
{
	pid_t pid = sleeper();

	if (movepid(cont, pid))
		bail("move into %s: %s", cont, strerror(errno));
	return pid;
}

static void test_values(void)
{
	int fd, fd2;
	pid_t p;

	mkdir(M "/a", 0755);
	mkdir(M "/a/b", 0755);
	eq(mode_of(M "/events"), 0444, "events has mode 0444");
	streq(events(M), POPULATED, "the root has members");
	streq(events(M "/a"), EMPTY, "a new container has none");
	fd = events_fd(M "/a");
	eq(polled(fd, 0), POLLPRI | POLLERR, "what was not read is new");
	streq(again(fd), EMPTY, "read");
	eq(polled(fd, 0), 0, "then nothing is");
	eq(polled(fd, 200), 0, "nor later");
	p = member(M "/a/b");
	ok(told(fd), "a task joins below: told");
	fd2 = events_fd(M "/a");
	streq(again(fd), POPULATED, "it is populated");
	streq(again(fd2), POPULATED, "to each who opens it");
	eq(polled(fd, 0) | polled(fd2, 0), 0, "nothing new");
	err(movepid(M "/a", p), 0, "the task moves up");
	eq(polled(fd, 200), 0, "which changes nothing here");
	streq(events(M "/a/b"), EMPTY, "but there");
	reap(p);
	ok(told(fd) && told(fd2), "it is killed: both are told");
	streq(again(fd), EMPTY, "nobody is there");
	eq(polled(fd, 0), 0, "nothing new to one");
	eq(polled(fd2, 0), POLLPRI | POLLERR, "but to the other, who has not read");
	streq(again(fd2), EMPTY, "until he reads");
	eq(polled(fd2, 0), 0, "nothing new");
	p = member(M "/a");
	err(movepid(M, p), 0, "a task comes and goes");
	ok(told(fd), "told, though it is as before");
	streq(again(fd), EMPTY, "it is");
	reap(p);
	close(fd2);
	err(E(rmdir(M "/a/b")), 0, "rmdir below");
	eq(polled(fd, 200), 0, "says nothing");
	err(E(rmdir(M "/a")), 0, "rmdir");
	eq(polled(fd, 0), POLLPRI | POLLERR, "tells");
	streq(again(fd), strerror(ENODEV), "that it is gone");
	close(fd);
	err(open_err(M "/events", O_WRONLY), 0, "root may open it for writing");
	err(put(M "/events", "1"), EINVAL, "but not write");
}

/* As in the manual: sleeps until the container is empty. How often it was woken. */
static int wait_empty(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLPRI };
	char buf[256];
	int woken = 0;

	while (pread(fd, buf, sizeof(buf), 0) > 0 && strncmp(buf, "populated 0", 11)) {
		if (poll(&p, 1, -1) != 1)
			return 200;
		if (++woken == 100)
			return 201;	/* that is no sleep */
	}
	return woken;
}

static pid_t waiter(const char *cont)
{
	pid_t pid = fork();

	if (!pid)
		_exit(wait_empty(events_fd(cont)));
	return pid;
}

/* Has a waiter ended, in time, and how? */
static int woken(pid_t pid)
{
	int status = 0;

	if (!wait_for(waitpid(pid, &status, WNOHANG) == pid)) {
		reap(pid);
		return -1;
	}
	return WEXITSTATUS(status);
}

/* Again and again, with the last member going before, while, and after one looks. */
static void test_wait(void)
{
	static const char *const where_[] = { M "/a", M "/a/b/c", M "/a/b/c" };
	static const char *const what[] = {
		"the last member is killed", "the last member below is killed",
		"the last member below is killed, and the containers with it removed",
	};
	int i, round, n, missed, most;
	pid_t p, w;

	mkdir(M "/a", 0755);
	for (i = 0; i < 3; i++) {
		for (round = missed = most = 0; round < 100 && !missed; round++) {
			if (i) {
				/* the last round's may be about to go */
				wait_for(access(M "/a/b", F_OK));
				mkdir(M "/a/b", 0755);
				mkdir(M "/a/b/c", 0755);
			}
			if (i == 2) {
				put(M "/a/b/auto_delete", "1");
				put(M "/a/b/c/auto_delete", "1");
			}
			p = member(where_[i]);
			w = waiter(M "/a");
			usleep(round % 10 * 300);
			reap(p);
			n = woken(w);
			if (i == 1) {
				rmdir(M "/a/b/c");
				rmdir(M "/a/b");
			}
			if (n < 0 || n >= 100)
				missed = 1;
			else if (n > most)
				most = n;
		}
		eq(missed, 0, "%s: who waits learns it (100 times, woken %d times at most)",
		   what[i], most);
	}
	ok(wait_for(access(M "/a/b", F_OK)), "they have gone");
	p = member(M "/a");
	w = waiter(M "/a");
	msleep(100);
	err(movepid(M, p), 0, "the last member is moved away");
	ok(woken(w) >= 0, "who waits learns it");
	reap(p);
	put(M "/a/kill_on_rmdir", "1");
	p = member(M "/a");
	w = waiter(M "/a");
	msleep(100);
	err(E(rmdir(M "/a")), 0, "rmdir kills the last member");
	ok(woken(w) >= 0, "who waits learns it");
	reap(p);
}

/* A task that moves within a tree is always in it. */
static int mover(struct kid *up, void *arg)
{
	pid_t p = *(pid_t *)arg;
	int i, e = 0;

	for (i = 0; i < 2000 && !e; i++)
		e = movepid(i % 2 ? M "/a/x" : M "/a/y", p);
	kid_send(up, e);
	return 0;
}

static void test_move(void)
{
	int fd, reads = 0, empty = 0, status;
	struct kid k;
	pid_t p;

	mkdir(M "/a", 0755);
	mkdir(M "/a/x", 0755);
	mkdir(M "/a/y", 0755);
	p = member(M "/a/x");
	fd = events_fd(M "/a");
	streq(again(fd), POPULATED, "a tree with a member");
	k = kid_start(mover, &p);
	do {
		reads++;
		empty += !strstr(again(fd), "populated 1");
	} while (waitpid(k.pid, &status, WNOHANG) == 0);
	eq(kid_recv(&k), 0, "which moves to and fro in it 2000 times");
	close(k.fd);
	eq(empty, 0, "it is populated throughout (%d reads)", reads);
	eq(polled(fd, 0), 0, "and nobody was told otherwise");
	close(fd);
	reap(p);
	rmdir(M "/a/x");
	rmdir(M "/a/y");
	err(E(rmdir(M "/a")), 0, "rmdir");
}

/* Does an IN_MODIFY come? Takes all that there is. */
/* Makes children that end at once, for ever. */
static int fork_for_ever(struct kid *up, void *arg)
{
	(void)up;
	(void)arg;
	for (;;)
		fork_once();
	return 0;
}

/* A task that joins is told of, also when a child that it makes meanwhile is counted first. */
static void test_joined(void)
{
	const char *module = modfile("delaytest");
	long end = now_ms() + sized(20000, 5000);
	struct kid k = kid_start(fork_for_ever, NULL);
	int moves = 0, missed = 0, fd;

	if (!module || modinsert(module, "function=member_move,events_changed usecs=100"))
		diag("a move is as short as ever");
	mkdir(M "/a", 0755);
	mkdir(M "/b", 0755);
	err(movepid(M "/b", k.pid), 0, "a process that makes children");
	fd = events_fd(M "/a");
	prctl(PR_SET_NAME, "delaytest");
	while (!missed && now_ms() < end) {
		wait_for(!strcmp(again(fd), EMPTY));
		if (movepid(M "/a", k.pid))
			bail("the process cannot be moved");
		missed = !told(fd);
		again(fd);
		moves++;
		if (movepid(M "/b", k.pid))
			bail("the process cannot be moved back");
	}
	prctl(PR_SET_NAME, "t_events");
	eq(missed, 0, "it joins an empty container: told, %d times", moves);
	if (module)
		rmmod("delaytest");
	close(fd);
	reap(k.pid);
	err(wait_for(!rmdir(M "/a")) ? 0 : errno, 0, "rmdir");
	err(wait_for(!rmdir(M "/b")) ? 0 : errno, 0, "rmdir");
}

static bool modified(int in, const char *name)
{
	char buf[4096] __attribute__((aligned(8)));
	struct inotify_event *ev;
	bool found = false;
	struct pollfd p = { .fd = in, .events = POLLIN };
	ssize_t n, at;
	long end = now_ms() + DEADLINE_MS;

	while (!found && poll(&p, 1, end - now_ms()) == 1) {
		n = read(in, buf, sizeof(buf));
		for (at = 0; at < n; at += sizeof(*ev) + ev->len) {
			ev = (void *)(buf + at);
			if ((ev->mask & IN_MODIFY) &&
			    (!name || (ev->len && !strcmp(ev->name, name))))
				found = true;
		}
	}
	return found;
}

static void test_inotify(void)
{
	int in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), wd;
	pid_t p;

	mkdir(M "/a", 0755);
	mkdir(M "/a/b", 0755);
	wd = inotify_add_watch(in, M "/a/events", IN_MODIFY);
	ok(wd >= 0, "an inotify watch on events");
	streq(events(M "/a"), EMPTY, "read, and closed");
	p = member(M "/a/b");
	ok(modified(in, NULL), "a task joins below: IN_MODIFY");
	streq(events(M "/a"), POPULATED, "it is populated");
	reap(p);
	ok(modified(in, NULL), "it leaves: IN_MODIFY");
	streq(events(M "/a"), EMPTY, "it is not");
	p = member(M "/a/b");
	ok(modified(in, NULL), "once more");
	reap(p);
	ok(modified(in, NULL), "and again, though nobody has read");
	inotify_rm_watch(in, wd);
	wd = inotify_add_watch(in, M "/a", IN_MODIFY);
	ok(wd >= 0, "a watch on the directory");
	streq(events(M "/a"), EMPTY, "read");
	p = member(M "/a/b");
	ok(modified(in, "events"), "a task joins below: IN_MODIFY, events");
	reap(p);
	ok(modified(in, "events"), "it leaves: IN_MODIFY, events");
	rmdir(M "/a/b");
	err(E(rmdir(M "/a")), 0, "rmdir");
	mkdir(M "/a", 0755);
	wd = inotify_add_watch(in, M "/a", IN_MODIFY);
	ok(wd >= 0, "a watch on a directory whose files nobody has looked up");
	p = member(M "/a");
	ok(modified(in, "events"), "a task joins: IN_MODIFY, events");
	reap(p);
	close(in);
	err(E(rmdir(M "/a")), 0, "rmdir");
}

static void test_other_calls(void)
{
	struct epoll_event ev = { .events = EPOLLPRI | EPOLLET };
	int ep = epoll_create1(0), fd;
	struct timeval tv = { .tv_sec = DEADLINE_MS / 1000 };
	fd_set set;
	pid_t p;

	mkdir(M "/a", 0755);
	fd = events_fd(M "/a");
	streq(again(fd), EMPTY, "read");
	err(E(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev)), 0, "epoll takes it");
	eq(epoll_wait(ep, &ev, 1, 0), 0, "nothing new");
	p = member(M "/a");
	eq(epoll_wait(ep, &ev, 1, DEADLINE_MS), 1, "a task joins: epoll says so");
	ok(ev.events & EPOLLPRI, "as EPOLLPRI");
	streq(again(fd), POPULATED, "read");
	reap(p);
	FD_ZERO(&set);
	FD_SET(fd, &set);
	eq(select(fd + 1, NULL, NULL, &set, &tv), 1, "it leaves: select says so");
	eq(epoll_wait(ep, &ev, 1, DEADLINE_MS), 1, "and epoll, edge-triggered");
	close(ep);
	close(fd);
	err(E(rmdir(M "/a")), 0, "rmdir");
}

/* Counters, by a subsystem that refuses whatever it is told to. */
static void test_refused(void)
{
	int fd;

	if (modprobe("container_apitest") || access(REFUSE, F_OK)) {
		skip("refusals # no container_apitest");
		return;
	}
	put(REFUSE, "reset 0");
	err(put(REFUSE, "register 0"), 0, "a subsystem");
	err(cmount(M "2", "apitest0"), 0, "mounted");
	mkdir(M "2/a", 0755);
	mkdir(M "2/a/b", 0755);
	fd = events_fd(M "2/a");
	streq(again(fd), EMPTY, "nothing is refused");
	err(put(M "2/a/tasks", "0"), 0, "the test moves in");
	ok(told(fd), "told");
	streq(again(fd), POPULATED, "read");
	err(put(REFUSE, "refuse 0 fork"), 0, "a fork is refused");
	ok(told(fd), "told");
	streq(again(fd), "populated 1\nforks_refused 1\ncharges_refused 0\n", "and counted");
	err(put(REFUSE, "refuse 0 charge"), 0, "a charge is refused");
	err(put(REFUSE, "refuse 0 charge"), 0, "another");
	ok(told(fd), "told");
	wait_for(strstr(again(fd), "charges_refused 2"));
	streq(again(fd), "populated 1\nforks_refused 1\ncharges_refused 2\n", "both are counted");
	streq(events(M "2"), POPULATED, "not above");
	streq(events(M "2/a/b"), EMPTY, "nor below");
	err(put(M "2/tasks", "0"), 0, "the test leaves");
	close(fd);
	rmdir(M "2/a/b");
	err(E(rmdir(M "2/a")), 0, "rmdir");
	err(cumount(M "2"), 0, "unmount");
	err(put(REFUSE, "unregister 0"), 0, "unregister");
}

/* The number of a line in the container's events; -1: there is no such line. */
static long line_of(const char *cont, const char *what)
{
	const char *s = strstr(events(cont), what);
	long n = -1;

	if (s)
		sscanf(s + strlen(what), "%ld", &n);
	return n;
}

/* Both bounds of what bc counts. */
static void bound(const char *cont, const char *what, long n)
{
	int e = put(P("%s/bc.%s.barrier", cont, what), "0");

	e = e ?: put(P("%s/bc.%s.limit", cont, what), "%ld", n);
	e = e ?: put(P("%s/bc.%s.barrier", cont, what), "%ld", n);
	err(e, 0, "a bound of %ld for %s", n, what);
}

/* A fork of a member that has 1,000 private pages; sent up are errnos. */
static int large(struct kid *up, void *arg)
{
	pid_t pid;

	(void)arg;
	kid_send(up, put(M "2/a/b/tasks", "0"));
	kid_send(up, mmap(NULL, 1000 * 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0);
	kid_recv(up);
	pid = fork();
	if (!pid)
		_exit(0);
	kid_send(up, E(pid));
	return 0;
}

/* Children that are still there when the last one is made, however slow the machine is. */
#define FORKS "i=0; while [ $i -lt 20 ]; do sleep 1000 & i=$((i+1)); done"

static bool end_members(const char *cont)
{
	pid_t *list;
	int n = ids(P("%s/tasks", cont), &list);

	for (int i = 0; i < n; i++)
		kill(list[i], SIGKILL);
	if (n >= 0)
		free(list);
	return wait_for(!nids(P("%s/tasks", cont)));
}

/* Those of numtasks and bc, by limits of the container above the one with the task. */
static void test_limits(void)
{
	const char *total = "/sys/module/container_numtasks/parameters/total_numtasks";
	const char *const a = M "2/a", *const b = M "2/a/b";
	struct kid k;
	int fd;

	if (modprobe("container_numtasks") || modprobe("container_bc")) {
		skip("limits # no numtasks or bc");
		return;
	}
	err(cmount(M "2", "numtasks,bc"), 0, "mount numtasks and bc");
	mkdir(a, 0755);
	mkdir(b, 0755);
	fd = events_fd(a);
	streq(again(fd), EMPTY, "nothing is refused");

	bound(a, "numtasks", 12);
	run_in(b, 0, FORKS);
	ok(told(fd), "a fork beyond it: told");
	again(fd);
	eq(line_of(a, "forks_refused "), 1, "and counted");
	ok(end_members(b), "they end");
	bound(a, "numtasks", 1000000);

	err(put(total, "1000"), 0, "numtasks: 1000 in all");
	err(put(P("%s/numtasks.shares", a), "max_shares=1"), 0, "of which ten are here");
	again(fd);
	run_in(b, 0, FORKS);
	ok(told(fd), "a fork beyond them: told");
	again(fd);
	eq(line_of(a, "forks_refused "), 2, "and counted");
	ok(end_members(b), "they end");
	err(put(total, "2147483647"), 0, "no limit");

	k = kid_start(large, NULL);
	err(kid_recv(&k), 0, "a member");
	err(kid_recv(&k), 0, "with memory");
	bound(a, "privvmpages", getnum(P("%s/bc.privvmpages.held", a)) + 100);
	again(fd);
	kid_send(&k, 0);
	err(kid_recv(&k), ENOMEM, "no room for a copy of it: fork");
	eq(kid_wait(&k), 0, "it ends");
	eq(line_of(a, "forks_refused "), 3, "which is a fork that was refused");
	eq(line_of(a, "charges_refused "), 0, "and no charge, like the others");

	bound(a, "numfiles", 4);
	again(fd);
	run_in(b, 65534, "exec 3</ 4</ 5</ 6</ 7</ 8</ 9</");
	ok(told(fd), "a file beyond four: told");
	eq(line_of(a, "charges_refused "), 1, "and counted");
	eq(line_of(a, "forks_refused "), 3, "as no fork");

	ok(strstr(events(b), NONE), "none of it where the task was");
	ok(strstr(events(M "2"), NONE), "nor at the root");
	close(fd);
	ok(wait_for(!rmdir(b)), "rmdir");
	ok(wait_for(!rmdir(a)), "rmdir");
	err(cumount(M "2"), 0, "unmount");
}

/* Many wait, read, open and close while members come and go, and containers do. */
static int restless(struct kid *up, void *arg)
{
	long nr = (long)arg, end = now_ms() + 3000;
	struct pollfd p = { .events = POLLPRI };
	const char *name;
	pid_t kid;

	while (now_ms() < end) {
		name = P(M "/a/r%ld", nr % 2);
		switch (nr % 4) {
		case 0:
		case 1:
			mkdir(name, 0755);
			kid = fork();
			if (!kid) {
				put(P("%s/tasks", name), "0");
				_exit(0);
			}
			waitpid(kid, NULL, 0);
			rmdir(name);
			break;
		default:
			p.fd = open(P("%s/events", nr % 4 == 2 ? M "/a" : name), O_RDONLY);
			if (p.fd < 0)
				break;
			again(p.fd);
			poll(&p, 1, 5);
			close(p.fd);
		}
	}
	kid_send(up, 0);
	return 0;
}

static void test_storm(void)
{
	int in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), fd;
	struct kid k[8];
	size_t i;

	mkdir(M "/a", 0755);
	inotify_add_watch(in, M "/a/events", IN_MODIFY);
	for (i = 0; i < ARRAY_SIZE(k); i++)
		k[i] = kid_start(restless, (void *)i);
	for (i = 0; i < ARRAY_SIZE(k); i++)
		kid_wait(&k[i]);
	fd = events_fd(M "/a");
	streq(again(fd), EMPTY, "after a storm all is quiet");
	close(fd);
	close(in);
	rmdir(M "/a/r0");
	rmdir(M "/a/r1");
	err(E(rmdir(M "/a")), 0, "rmdir");
}

int main(void)
{
	setup();
	err(cmount(M, "cpuacct"), 0, "mount");
	CASE(test_values());
	CASE(test_wait());
	CASE(test_move());
	CASE(test_inotify());
	CASE(test_other_calls());
	CASE(test_joined());
	CASE(test_storm());
	err(cumount(M), 0, "unmount");
	CASE(test_refused());
	CASE(test_limits());
	finish();
}
