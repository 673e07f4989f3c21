// SPDX-License-Identifier: GPL-2.0
/* Child processes: those that sleep, fork, do as they are told, or are somebody else. See lib.h. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include "lib.h"

pid_t fork_bound(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		bail("fork: %s", strerror(errno));
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* the parent may have died before that; 0: it is in another pid namespace */
		if (getppid() && getppid() != parent)
			_exit(0);
	}
	return pid;
}

void *sleep_on(void *arg)
{
	for (;;)
		pause();
	return arg;
}

pid_t sleeper(void)
{
	pid_t pid = fork_bound();

	if (!pid)
		sleep_on(NULL);
	return pid;
}

int fork_once(void)
{
	pid_t p = fork();

	if (!p)
		_exit(0);
	if (p < 0)
		return errno;
	while (waitpid(p, NULL, 0) < 0)
		if (errno != EINTR)
			return errno;
	return 0;
}

static void on_alarm(int sig)
{
	(void)sig;
}

int fork_in_vain(void *file)
{
	if (put(file, "0"))
		return 1;
	return fork_once() == EAGAIN ? 0 : 2;
}

int forks_interrupted(int count)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { 0 };
	int e = 0;

	sigaction(SIGALRM, &sa, NULL);
	srand(1);
	while (count-- && !e) {
		it.it_value.tv_usec = 1 + rand() % 600;
		setitimer(ITIMER_REAL, &it, NULL);
		e = fork_once();
	}
	return e;
}

void reap(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

struct kid kid_start(int (*fn)(struct kid *up, void *arg), void *arg)
{
	struct timeval tv = { .tv_sec = DEADLINE_MS / 1000 };
	struct kid k, up;
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
		bail("socketpair: %s", strerror(errno));
	setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	k.fd = sv[0];
	up.fd = sv[1];
	up.pid = getpid();
	k.pid = fork_bound();
	if (!k.pid) {
		close(sv[0]);
		_exit(fn(&up, arg));
	}
	close(sv[1]);
	return k;
}

void kid_send(struct kid *k, int v)
{
	if (send(k->fd, &v, sizeof(v), MSG_NOSIGNAL) != sizeof(v))
		diag("kid %d: send: %s", k->pid, strerror(errno));
}

int kid_recv(struct kid *k)
{
	ssize_t n;
	int v;

	do {
		n = recv(k->fd, &v, sizeof(v), MSG_WAITALL);
	} while (n < 0 && errno == EINTR);
	return n == sizeof(v) ? v : INT_MIN;
}

static int status_of(pid_t pid)
{
	int st;

	while (waitpid(pid, &st, 0) < 0)
		if (errno != EINTR)
			return INT_MIN;
	return WIFEXITED(st) ? WEXITSTATUS(st) : -WTERMSIG(st);
}

int kid_wait(struct kid *k)
{
	close(k->fd);
	return status_of(k->pid);
}

int in_child(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork_bound();

	if (!pid)
		_exit(fn(arg));
	return status_of(pid);
}

void drop_to(uid_t uid)
{
	if (syscall(SYS_setgroups, 0, NULL) ||
	    syscall(SYS_setresgid, uid, uid, uid) ||
	    syscall(SYS_setresuid, uid, uid, uid))
		_exit(254);
	/* the change of ids cleared it */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

bool enter_userns(int also)
{
	uid_t u = geteuid();
	gid_t g = getegid();

	/* who has changed his ids may not write his maps, else */
	prctl(PR_SET_DUMPABLE, 1);
	if (unshare(CLONE_NEWUSER | also))
		return false;
	put("/proc/self/setgroups", "deny");
	return !put("/proc/self/uid_map", "0 %d 1", u) && !put("/proc/self/gid_map", "0 %d 1", g);
}

int as_user(uid_t uid, int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork_bound();

	if (!pid) {
		drop_to(uid);
		_exit(fn(arg));
	}
	return status_of(pid);
}

int run_in(const char *dir, uid_t uid, const char *script)
{
	pid_t p = fork();

	if (!p) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (put(P("%s/tasks", dir), "0"))
			_exit(253);
		if (uid)
			drop_to(uid);
		execl("/bin/sh", "sh", "-c", script, NULL);
		_exit(252);
	}
	return status_of(p);
}

void *mmap_shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		bail("mmap: %s", strerror(errno));
	return p;
}

struct fdmsg {
	struct msghdr h;
	struct iovec iov;
	char byte, ctl[CMSG_SPACE(sizeof(int))]
		__attribute__((aligned(sizeof(size_t))));
};

static void fdmsg_init(struct fdmsg *m)
{
	memset(m, 0, sizeof(*m));
	m->iov = (struct iovec){ &m->byte, 1 };
	m->h.msg_iov = &m->iov;
	m->h.msg_iovlen = 1;
	m->h.msg_control = m->ctl;
	m->h.msg_controllen = sizeof(m->ctl);
}

int send_fd(int sock, int fd)
{
	struct cmsghdr *c;
	struct fdmsg m;

	fdmsg_init(&m);
	c = CMSG_FIRSTHDR(&m.h);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return E(sendmsg(sock, &m.h, MSG_NOSIGNAL));
}

int recv_fd(int sock)
{
	struct cmsghdr *c;
	struct fdmsg m;
	int fd;

	fdmsg_init(&m);
	if (recvmsg(sock, &m.h, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	c = CMSG_FIRSTHDR(&m.h);
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}
