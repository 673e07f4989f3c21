// SPDX-License-Identifier: GPL-2.0
/* See bcworkers.h. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "bcworkers.h"
#include "forks.h"

struct order {
	job fn;
	long arg;
};

int fds[FDS];

int nfds;

int channel;		/* a worker's */

static int worker_main(struct kid *up, void *arg)
{
	struct order o;
	long answer;

	(void)arg;
	channel = up->fd;
	signal(SIGCHLD, SIG_DFL);
	while (read(up->fd, &o, sizeof(o)) == sizeof(o) && o.fn) {
		answer = o.fn(o.arg);
		if (write(up->fd, &answer, sizeof(answer)) != sizeof(answer))
			return 1;
	}
	return 0;
}

struct worker worker(const char *dir)
{
	struct rlimit rl = { .rlim_cur = FDS, .rlim_max = FDS };
	struct kid k = kid_start(worker_main, NULL);
	struct worker w = { .pid = k.pid, .fd = k.fd };

	prlimit(w.pid, RLIMIT_NOFILE, &rl, NULL);
	if (dir)
		err(movepid(dir, w.pid), 0, "worker moves to %s", dir);
	return w;
}

void tell(struct worker *w, job fn, long arg)
{
	struct order o = { .fn = fn, .arg = arg };

	if (send(w->fd, &o, sizeof(o), MSG_NOSIGNAL) != sizeof(o))
		diag("worker %d is gone", w->pid);
}

long answer(struct worker *w)
{
	long v;

	return recv(w->fd, &v, sizeof(v), MSG_WAITALL) == sizeof(v) ? v : LONG_MIN;
}

long ask(struct worker *w, job fn, long arg)
{
	tell(w, fn, arg);
	return answer(w);
}

int quit(struct worker *w)
{
	struct kid k = { .pid = w->pid, .fd = w->fd };

	tell(w, NULL, 0);
	return kid_wait(&k);
}

long open_files(long count)
{
	long n;

	for (n = 0; n < count; n++) {
		fds[nfds] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fds[nfds] < 0)
			break;
		nfds++;
	}
	return n;
}

long close_files(long count)
{
	long n;

	for (n = 0; n < count && nfds; n++)
		close(fds[--nfds]);
	return n;
}

long exec_self(long arg)
{
	char *argv[] = { (char *)"sleep", (char *)"100", NULL };

	(void)arg;
	execv("/bin/busybox", argv);
	return -errno;
}

static pid_t kids[2000];
static int nkids;

long fork_kids(long count)
{
	long n;

	for (n = 0; n < count; n++) {
		pid_t p = fork();

		if (p < 0)
			break;
		if (!p)
			for (;;)
				pause();
		kids[nkids++] = p;
	}
	return n;
}

long fork_error(long arg)
{
	(void)arg;
	return fork_once();
}

long end_kids(long count)
{
	long n;

	for (n = 0; n < count && nkids; n++) {
		kill(kids[--nkids], SIGKILL);
		waitpid(kids[nkids], NULL, 0);
	}
	return n;
}

static pthread_t threads[300];
static int nthreads;
static int thread_pipe[2] = { -1, -1 };

static void *thread_main(void *arg)
{
	char c;

	(void)arg;
	if (read(thread_pipe[0], &c, 1) < 0)
		return NULL;
	return NULL;
}

long start_threads(long count)
{
	pthread_attr_t attr;
	long n;

	if (thread_pipe[0] < 0 && pipe(thread_pipe))
		return -errno;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (n = 0; n < count; n++)
		if (pthread_create(&threads[nthreads], &attr, thread_main, NULL))
			break;
		else
			nthreads++;
	return n;
}

long end_threads(long arg)
{
	(void)arg;
	for (int i = 0; i < nthreads; i++)
		if (write(thread_pipe[1], "", 1) != 1)
			return -errno;
	while (nthreads)
		pthread_join(threads[--nthreads], NULL);
	return 0;
}

long vfork_error(long arg)
{
	(void)arg;
	return by_vfork();
}
