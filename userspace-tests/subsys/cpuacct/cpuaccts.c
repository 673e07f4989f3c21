// SPDX-License-Identifier: GPL-2.0
/* See cpuaccts.h. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include "cpuaccts.h"

int ncpus;

void silent(int log)
{
	char *text, *p;
	int lines = kmsg_lines(log, &text);

	/* what a slow host makes the kernel say */
	for (p = text; (p = strstr(p, "hrtimer: interrupt took")); p++)
		lines--;
	eq(lines, 0, "the kernel log is silent");
	if (lines)
		diag("%s", text);
	close(log);
}

long usage(const char *cont)
{
	return getnum(P("%s/cpuacct.usage_ns", cont));
}

long subtree(const char *cont)
{
	return getnum(P("%s/cpuacct.usage_subtree_ns", cont));
}

int percpu(const char *file, long *v, long *sum)
{
	char *s = get(file), *end;
	int n = 0;

	*sum = 0;
	while (s && *s && *s != '\n' && n < MAX_CPUS) {
		v[n] = strtol(s, &end, 10);
		if (end == s || (*end != ' ' && *end != '\n'))
			return -1;
		s = end + (*end == ' ');
		*sum += v[n++];
	}
	return s && !strcmp(s, "\n") ? n : -1;
}

bool stat_of(const char *cont, long *user, long *sys)
{
	char *s = get(P("%s/cpuacct.stat", cont));
	int end = 0;

	return s && sscanf(s, "user %ld\nsystem %ld%n", user, sys, &end) == 2 &&
	       end && !strcmp(s + end, "\n") && *user >= 0 && *sys >= 0;
}

bool load_of(const char *cont, struct load *l)
{
	char *s = get(P("%s/cpuacct.load", cont));
	int end = 0;

	return s && sscanf(s, "time %ld\naccumulated time %ld\ntime since interval %ld\nload %ld%n",
			   &l->time, &l->accumulated, &l->since, &l->load, &end) == 4 &&
	       end && !strcmp(s + end, "\n");
}

long clock_of(pid_t pid)
{
	struct timespec ts;
	clockid_t id;

	if (clock_getcpuclockid(pid, &id) || clock_gettime(id, &ts))
		bail("no clock of %d", pid);
	return ts.tv_sec * 1000000000L + ts.tv_nsec;
}

long own_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000L + ts.tv_nsec;
}

static long ns_of(const struct timeval *tv)
{
	return tv->tv_sec * 1000000000L + tv->tv_usec * 1000L;
}

void burn(long ms)
{
	long until = own_clock() + ms * MS;

	while (own_clock() < until)
		for (volatile int i = 0; i < 50000; i++)
			;
}

static void sysburn(long ms)
{
	long until = own_clock() + ms * MS;
	static char buf[1 << 16];
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	while (own_clock() < until)
		for (int i = 0; i < 20; i++)
			if (read(fd, buf, sizeof(buf)) < 0)
				_exit(99);
	close(fd);
}

static void *burn_thread(void *arg)
{
	burn((long)arg);
	return NULL;
}

static int forks(int n)
{
	int st;

	for (volatile int i = 0; i < n; i++) {
		pid_t pid = vfork();

		if (!pid)
			_exit(0);
		if (pid < 0 || waitpid(pid, &st, 0) != pid)
			return EAGAIN;
	}
	return 0;
}

int work(int op, int arg)
{
	struct rusage ru;
	pthread_t t[8];
	pid_t pid;
	int st;

	switch (op) {
	case BURN:
		burn(arg);
		return 0;
	case SYSBURN:
		sysburn(arg);
		return 0;
	case FORKS:
		return forks(arg);
	case THREADS:
		for (size_t i = 0; i < ARRAY_SIZE(t); i++)
			if (pthread_create(&t[i], NULL, burn_thread, (void *)(long)arg))
				return EAGAIN;
		for (size_t i = 0; i < ARRAY_SIZE(t); i++)
			pthread_join(t[i], NULL);
		return 0;
	case CHILD:		/* answers with its child's time in µs */
		pid = fork();
		if (!pid) {
			burn(arg);
			_exit(0);
		}
		if (pid < 0 || wait4(pid, &st, 0, &ru) != pid)
			return -1;
		return (ns_of(&ru.ru_utime) + ns_of(&ru.ru_stime)) / 1000;
	case SPIN:
		for (;;)
			burn(1000);
	}
	return EINVAL;
}

static int worker(struct kid *up, void *arg)
{
	int cmd;

	(void)arg;
	/* unlike the channel's other end, we may wait for longer */
	while ((cmd = kid_recv(up)) > 0)
		kid_send(up, work(cmd / ARG, cmd % ARG));
	return 0;
}

void settle(pid_t pid)
{
	char *s = NULL;

	if (!wait_for(task_state(pid, pid) == 'S' &&
		      (s = get(P("/proc/%d/syscall", pid))) && strcmp(s, "running\n")))
		bail("%d does not fall asleep (%s)", pid, s ? s : strerror(errno));
}

struct kid start(void)
{
	struct kid k = kid_start(worker, NULL);

	settle(k.pid);
	return k;
}

int run(struct kid *k, int op, int arg)
{
	int r;

	kid_send(k, op * ARG + arg);
	r = kid_recv(k);
	if (r == INT_MIN)
		bail("no answer from %d", k->pid);
	settle(k->pid);
	return r;
}

void quit(struct kid *k)
{
	kid_send(k, QUIT);
	eq(kid_wait(k), 0, "the worker ends well");
}

void move(const char *cont, pid_t pid)
{
	int e = movepid(cont, pid);

	if (e)
		bail("cannot move %d to %s: %s", pid, cont, strerror(e));
}

void make(const char *cont)
{
	if (mkdir(cont, 0755))
		bail("mkdir %s: %s", cont, strerror(errno));
}

void removed(const char *cont)
{
	err(wait_for(!rmdir(cont)) ? 0 : errno, 0, "%s is removed", cont);
}
