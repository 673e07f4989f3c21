// SPDX-License-Identifier: GPL-2.0
/* See agents.h. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "agents.h"

void begin_release(void)
{
	setup();
	copy_file("/proc/self/exe", AGENT, 0755);
	err(cmount(M, "none,name=x,release_agent=" AGENT), 0,
	    "mount with a release_agent");
}

void end_release(void)
{
	err(cumount(M), 0, "unmount");
	unlink(AGENT);
	unlink(LOG);
	finish();
}

int agent_main(int argc, char **argv, char **env)
{
	char line[9000], mine[4096] = "";
	int fd, n;

	fd = open("/proc/self/container", O_RDONLY);
	n = fd < 0 ? -1 : read(fd, mine, sizeof(mine) - 1);
	mine[n > 0 ? n : 0] = 0;
	n = snprintf(line, sizeof(line), "argc=%d", argc);
	for (int i = 1; i < argc; i++)
		n += snprintf(line + n, sizeof(line) - n, " %s", argv[i]);
	for (; *env; env++)
		n += snprintf(line + n, sizeof(line) - n, " %s", *env);
	n += snprintf(line + n, sizeof(line) - n, " %s", mine);
	/* one write: runs may overlap */
	fd = open(LOG, O_WRONLY | O_APPEND | O_CREAT, 0644);
	return write(fd, line, n) != n;
}

void forget(void)
{
	unlink(LOG);
	close(open(LOG, O_WRONLY | O_CREAT, 0644));
}

int runs(void)
{
	char *s = get(LOG);
	int n = 0;

	for (; s && (s = strchr(s, '\n')); s++)
		n++;
	return n;
}

void ran_only(const char *want, const char *what)
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

pid_t member(const char *cont)
{
	pid_t p = sleeper();
	int e = movepid(cont, p);

	if (e)
		diag("move to %s: %s", cont, strerrorname_np(e));
	return p;
}

void flag(const char *cont, const char *name, int v)
{
	int e = put(P("%s/%s", cont, name), "%d", v);

	if (e)
		diag("%s/%s: %s", cont, name, strerrorname_np(e));
}

int threads10(struct kid *up, void *arg)
{
	pthread_t t;

	(void)arg;
	for (int i = 0; i < 9; i++)
		pthread_create(&t, NULL, sleep_on, NULL);
	kid_send(up, 0);
	pause();
	return 0;
}

bool gone(const char *path)
{
	return access(path, F_OK) && errno == ENOENT;
}

int rmdir_kid(struct kid *up, void *dir)
{
	(void)up;
	return E(rmdir(dir));
}
