/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of release share: the agent, and members that leave when they are told.
 */
#ifndef TESTS_AGENTS_H
#define TESTS_AGENTS_H

#include "lib.h"

#define M "/tmp/m"
#define AGENT "/tmp/agent"
#define LOG "/tmp/agent.log"
/* What a run of the agent leaves in its log. */
#define RAN(path) \
	"argc=2 " path " HOME=/ PATH=/sbin:/bin:/usr/sbin:/usr/bin name=x:/\n"

/* Setup, and a mount whose agent this program is; and the end of it. */
void begin_release(void);
void end_release(void) __attribute__((noreturn));

int agent_main(int argc, char **argv, char **env);
void forget(void);
int runs(void);

/*
 * The agent runs in its own time: to see that it did not run for one
 * container, release another after it and wait for that run alone.
 */
void ran_only(const char *want, const char *what);
pid_t member(const char *cont);
void flag(const char *cont, const char *name, int v);
int threads10(struct kid *up, void *arg);
bool gone(const char *path);
int rmdir_kid(struct kid *up, void *dir);

#endif
