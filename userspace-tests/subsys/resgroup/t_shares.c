// SPDX-License-Identifier: GPL-2.0
/*
 * The cases of kunit/shares_cases.h through the filesystem: what is written, the
 * answer, and how many tasks a container then takes.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include "lib.h"
#include "kunit/shares_cases.h"

#define M "/tmp/m"
#define PARAM(name) "/sys/module/container_numtasks/parameters/" name
#define NO_LIMIT 2147483647

/* Threads that a process can make in a container, but not without end. */
static int fill(void *dir)
{
	pthread_attr_t attr;
	pthread_t t;
	int n = 0;

	if (put(P("%s/tasks", (char *)dir), "0"))
		return 255;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 16384);
	while (n < 100 && !pthread_create(&t, &attr, sleep_on, NULL))
		n++;
	_exit(n);
}

static const char *dir_of(int node)
{
	return P(M "%s%s", node ? "/" : "", node_paths[node]);
}

static void run(const struct shares_case *c)
{
	int n, e, last = R, bad = 0, tried = 0;
	const char *shows;

	e = put(PARAM("total_numtasks"), "%d", c->total ?: NO_LIMIT);
	for (int i = R + 1; i < NODES; i++)
		e = e ?: E(mkdir(dir_of(i), 0755));
	if (!err(e, 0, "%s: make the tree", c->name))
		return;

	for (size_t i = 0; i < ARRAY_SIZE(c->writes) && c->writes[i].text; i++) {
		last = c->writes[i].node;
		e = put(P("%s/numtasks.shares", dir_of(last)), "%s\n", c->writes[i].text);
		if (e != c->writes[i].err) {
			diag("write %zu, \"%s\": %s", i, c->writes[i].text,
			     e ? strerrorname_np(e) : "success");
			bad++;
		}
	}
	eq(bad, 0, "%s: what is written and the answers", c->name);
	if (c->shows) {
		int min, max, div;

		sscanf(c->shows, "%d,%d,%d", &min, &max, &div);
		shows = P("res=numtasks,min_shares=%d,max_shares=%d,child_shares_divisor=%d\n",
			  min, max, div);
		streq(get(P("%s/numtasks.shares", dir_of(last))), shows, "%s: the file",
		      c->name);
	}

	bad = 0;
	for (int i = R + 1; i < NODES; i++) {
		if (!c->room[i])
			continue;
		tried++;
		n = in_child(fill, (void *)dir_of(i));
		/* one is the process that made them; it would get in anyhow */
		if (n + 1 != (c->room[i] == ZERO ? 1 : c->room[i])) {
			diag("%s takes %d, not %d", node_paths[i], n + 1, c->room[i]);
			bad++;
		}
	}
	if (tried)
		eq(bad, 0, "%s: tasks that fit in, %d containers", c->name, tried);

	e = 0;
	for (int i = NODES - 1; i > R; i--)
		e = e ?: E(rmdir(dir_of(i)));
	err(e, 0, "%s: remove the tree", c->name);
	put(M "/numtasks.shares", "child_shares_divisor=100");
	streq(get(M "/numtasks.shares"),
	      "res=numtasks,min_shares=-3,max_shares=-3,child_shares_divisor=100\n",
	      "%s: the root as before", c->name);
}

int main(void)
{
	setup();
	err(cmount(M, "numtasks"), 0, "mount");
	for (size_t i = 0; i < ARRAY_SIZE(shares_cases); i++)
		run(&shares_cases[i]);
	err(put(PARAM("total_numtasks"), "%d", NO_LIMIT), 0, "no total");
	err(cumount(M), 0, "unmount");
	finish();
}
