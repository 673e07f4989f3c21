// SPDX-License-Identifier: GPL-2.0
/* See cycles.h. */
#define _GNU_SOURCE
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "cycles.h"

struct shared *sh;

pid_t worker[NWORKERS];

__attribute__((noinline)) void vfork_one(void)
{
	pid_t pid = vfork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
}

static void *nothing(void *arg)
{
	return arg;
}

static void work(int id, unsigned int n)
{
	pid_t pid[4];
	pthread_t t;

	switch (id) {
	case FORKER:
	case IN_FORKER:
		for (int i = 0; i < 4; i++)
			if (!(pid[i] = fork())) {
				if (i == 0) {
					pid[0] = fork();
					if (pid[0])
						waitpid(pid[0], NULL, 0);
				}
				_exit(0);
			}
		for (int i = 0; i < 4; i++)
			waitpid(pid[i], NULL, 0);
		break;
	case VFORKER:
	case IN_VFORKER:
		vfork_one();
		break;
	case THREADER:
	case IN_THREADER:
		if (!pthread_create(&t, NULL, nothing, NULL))
			pthread_join(t, NULL);
		break;
	case PROC_READER:
		/* the module comes and goes: any answer will do */
		get("/proc/self/container");
		get(P("/proc/%d/container", worker[n % PROC_READER]));
		get("/proc/containers");
		if (n % 4 == 0) {
			DIR *d = opendir("/proc/self");

			while (d && readdir(d))
				;
			if (d)
				closedir(d);
		}
		/* hold what is open only part of the time */
		msleep(2);
		break;
	}
}

void start_storm(void)
{
	for (int id = 0; id < NWORKERS; id++) {
		worker[id] = fork_bound();
		if (worker[id])
			continue;
		/* on few CPUs the loads and unloads would get nowhere */
		nice(10);
		for (unsigned int n = 0; !sh->stop; n++) {
			while (sh->pause) {
				sh->idle[id] = true;
				msleep(2);
			}
			sh->idle[id] = false;
			work(id, n);
			sh->done[id]++;
		}
		_exit(0);
	}
}

static bool all_idle(void)
{
	for (int id = 0; id < NWORKERS; id++)
		if (!sh->idle[id])
			return false;
	return true;
}

void pause_storm(bool pause)
{
	sh->pause = pause;
	if (sh->pause && !wait_for(all_idle()))
		diag("the storm does not pause");
}

void stop_storm(void)
{
	sh->stop = true;
	sh->pause = false;
	for (int id = 0; id < NWORKERS; id++) {
		waitpid(worker[id], NULL, 0);
		ok(sh->done[id] > 0, "worker %d of the storm worked: %ld", id,
		   sh->done[id]);
	}
}

bool load(void)
{
	int e = modprobe("container_core"), f = modprobe("container_cpuacct");

	if (e || f)
		diag("modprobe: %d, %d", e, f);
	return !e && !f;
}

int rmmod_all(void)
{
	char *s = get("/proc/modules"), name[64];
	int e = 0;

	for (; s && *s; s = strchr(s, '\n') + 1)
		if (!strncmp(s, "container_", 10) &&
		    sscanf(s, "%63s", name) == 1 &&
		    strcmp(name, "container_core"))
			e = rmmod(name) ? : e;
	return e ? : rmmod("container_core");
}

int unload(int seconds)
{
	long end = now_ms() + seconds * 1000L;
	int e;

	if (!modloaded("container_core"))
		return 0;
	while (in_use(e = rmmod_all()) && now_ms() < end)
		msleep(5);
	return e;
}

static bool empty_out(const char *dir)
{
	pid_t *l;
	int n = ids(P("%s/tasks", dir), &l);

	for (int i = 0; i < n; i++)
		movepid(DIR_, l[i]);
	free(l);
	return n == 0;
}

bool removed(const char *dir)
{
	empty_out(dir);
	return !rmdir(dir) || errno == ENOENT;
}

static struct kid unloader;

static int unload_child(struct kid *up, void *arg)
{
	(void)arg;
	kid_send(up, unload(3));
	return 0;
}

int unload_begin(void)
{
	struct pollfd p = { .events = POLLIN };
	int e;

	unloader = kid_start(unload_child, NULL);
	p.fd = unloader.fd;
	if (poll(&p, 1, 10000) < 1)
		return -1;
	e = kid_recv(&unloader);
	kid_wait(&unloader);
	return e;
}

int unload_end(int begun)
{
	if (begun == -1) {
		begun = kid_recv(&unloader);
		kid_wait(&unloader);
	}
	return begun ? unload(20) : 0;
}

bool unload_held(int e, const char *what)
{
	return ok(e == 0 || e == -1 || in_use(e), "%s: unload %s", what,
		  e == 0 ? "goes on without it" : e == -1 ? "waits" :
		  in_use(e) ? "is refused" : strerrorname_np(e));
}

bool mounted_a(void)
{
	return load() && !cmount(DIR_, "cpuacct") && !mkdir(DIR_ "/a", 0755);
}

int unmount_a(void)
{
	if (!wait_for(removed(DIR_ "/a")))
		return EBUSY;
	return cumount(DIR_);
}
