/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of cpuset share: lists and masks, and looking at where a task may
 * run and allocate. CPUs and nodes are bits of an unsigned long here.
 */
#ifndef TESTS_CPUSETS_H
#define TESTS_CPUSETS_H

#include <glob.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "lib.h"

/* "0-2,5" and back; a list that is not well-formed is ~0 */
static inline const char *list_of(unsigned long mask)
{
	char buf[256] = "";
	int i, j, n = 0;

	for (i = 0; i < 64; i = j) {
		j = i + 1;
		if (!(mask >> i & 1))
			continue;
		while (j < 64 && mask >> j & 1)
			j++;
		n += snprintf(buf + n, sizeof(buf) - n, j - i > 1 ? "%s%d-%d" : "%s%d",
			      n ? "," : "", i, j - 1);
	}
	return P("%s", buf);
}

static inline unsigned long mask_of(const char *list)
{
	unsigned long mask = 0;
	char *end;
	long a, b;

	if (!list)
		return ~0UL;
	while (*list && *list != '\n') {
		a = b = strtol(list, &end, 10);
		if (end == list)
			return ~0UL;
		if (*end == '-')
			b = strtol(end + 1, &end, 10);
		for (; a <= b && a < 64; a++)
			mask |= 1UL << a;
		list = end + (*end == ',');
	}
	return mask;
}

static inline unsigned long mask_in(const char *path)
{
	return mask_of(get(path));
}

/* Affinity of a thread as the system calls have it; 0 on failure. */
static inline unsigned long affinity(pid_t pid)
{
	cpu_set_t set;
	unsigned long mask = 0;
	int i;

	if (sched_getaffinity(pid, sizeof(set), &set))
		return 0;
	for (i = 0; i < 64; i++)
		if (CPU_ISSET(i, &set))
			mask |= 1UL << i;
	return mask;
}

static inline int set_affinity(pid_t pid, unsigned long mask)
{
	cpu_set_t set;
	int i;

	CPU_ZERO(&set);
	for (i = 0; i < 64; i++)
		if (mask >> i & 1)
			CPU_SET(i, &set);
	return E(sched_setaffinity(pid, sizeof(set), &set));
}

/* A list in /proc/<pid>/status: "Cpus_allowed_list", "Mems_allowed_list". */
static inline unsigned long status_list(pid_t pid, const char *field)
{
	char *s = get(P("/proc/%d/status", pid));

	s = s ? strstr(s, P("%s:", field)) : NULL;
	return s ? mask_of(s + strlen(field) + 2) : ~0UL;
}

#define cpus_of(pid) status_list(pid, "Cpus_allowed_list")
#define mems_of(pid) status_list(pid, "Mems_allowed_list")

static inline unsigned long online_cpus(void)
{
	return mask_in("/sys/devices/system/cpu/online");
}

static inline unsigned long memory_nodes(void)
{
	return mask_in("/sys/devices/system/node/has_memory");
}

/* What every test of cpuset begins with: the module, and what there is. */
static unsigned long __attribute__((unused)) all, nodes;
static int __attribute__((unused)) ncpus;

static inline void setup_cpuset(void)
{
	setup();
	if (modprobe("container_cpuset"))
		bail("container_cpuset loads");
	all = online_cpus();
	nodes = memory_nodes();
	ncpus = __builtin_popcountl(all);
}

static inline int cpu_online(int cpu, int on)
{
	return put(P("/sys/devices/system/cpu/cpu%d/online", cpu), "%d", on);
}

/* A node whose memory comes and goes; the first two have theirs all the time. */
#define HOT 2

/* Has its memory "online_movable" or "offline": an errno. */
static inline int hot_memory(const char *state)
{
	const char *blocks = P("/sys/devices/system/node/node%d/memory[0-9]*/state", HOT);
	int e = ENOENT;
	glob_t g;

	if (glob(blocks, 0, NULL, &g))
		return e;
	/* pages may have to be moved away, which may take more than one try */
	for (size_t i = 0; i < g.gl_pathc; i++)
		if (!wait_for(!(e = put(g.gl_pathv[i], "%s", state))))
			break;
	globfree(&g);
	return e;
}

#endif
