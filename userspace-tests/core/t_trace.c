// SPDX-License-Identifier: GPL-2.0
/*
 * The tracepoints: each event is there and says what happened, where, and to whom; modules
 * unload while they are on; and the scripts in tools/ ask for events and fields that exist.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include "lib.h"

#define M "/tmp/m"
#define A M "/a"
#define TRACEFS "/sys/kernel/tracing"
#define EVENTS TRACEFS "/events/container"

static const char *const events[] = {
	"mkdir", "rmdir", "attach", "release", "fork_refused", "charge_failed", "hook",
};

static bool traced(const char *line)
{
	char *text = get(TRACEFS "/trace");

	if (text && strstr(text, line))
		return true;
	diag("not in the trace: %s", line);
	return false;
}

static void forget(void)
{
	close(open(TRACEFS "/trace", O_WRONLY | O_TRUNC));
}

static unsigned long number(const char *dir)
{
	struct stat st;

	return stat(dir, &st) ? 0 : st.st_ino;
}

/* "id=... path=... pid=... comm=..." of an event in hierarchy 1 */
static const char *line(const char *event, const char *dir, const char *path, pid_t pid)
{
	return P("%s: hierarchy=1 id=%lu path=%s pid=%d comm=t_trace", event, number(dir), path, pid);
}

static void test_listed(void)
{
	static const char *const fields[] = { "hierarchy", "id", "path", "pid", "comm" };

	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		const char *format = get(P(EVENTS "/%s/format", events[i]));
		bool good = format;

		for (size_t j = 0; good && j < ARRAY_SIZE(fields) && strcmp(events[i], "hook"); j++)
			good = strstr(format, P(" %s;", fields[j])) || strstr(format, P(" %s[", fields[j]));
		ok(good, "the event %s, and its fields", events[i]);
	}
}

static int open_in_vain(void *arg)
{
	(void)arg;
	if (put(A "/tasks", "0"))
		return 1;
	return open("/proc/self/stat", O_RDONLY) < 0 && errno == EMFILE ? 0 : 2;
}

static void test_events(void)
{
	pid_t p, self = getpid();
	const char *gone;

	err(put(EVENTS "/enable", "1"), 0, "all of them are switched on");
	err(cmount(M, "bc,numtasks"), 0, "mount");
	ok(traced("hook: function=security_file_alloc armed=1"), "a hook is armed");
	err(E(mkdir(A, 0755)), 0, "mkdir");
	ok(traced(line("mkdir", A, "/a", self)), "is seen");
	p = sleeper();
	forget();
	err(movepid(A, p), 0, "a move");
	ok(traced(P("%s from=%lu", line("attach", A, "/a", p), number(M))), "is seen, with where from");
	err(movepid(A, p), 0, "a move to where it is");
	forget();
	err(movepid(M, p), 0, "and out");
	ok(traced(P("%s from=%lu", line("attach", M, "/", p), number(A))), "is seen");
	ok(traced(line("release", A, "/a", self)), "and that nobody is left");
	movepid(A, p);
	forget();
	reap(p);
	ok(wait_for(traced(line("release", A, "/a", p))), "who exits as the last one releases it, too");

	forget();
	put(A "/bc.numtasks.barrier", "1");
	err(put(A "/bc.numtasks.limit", "1"), 0, "a limit of bc");
	eq(in_child(fork_in_vain, A "/tasks"), 0, "is in the way of a fork");
	ok(traced("fork_refused: ") && traced(" comm=t_trace limit=numtasks\n") && traced(P("id=%lu path=/a", number(A))),
	   "which is seen, with whose limit it is");
	put(A "/bc.numtasks.limit", "100");
	forget();
	put(M "/numtasks.shares", "child_shares_divisor=1000000");
	put("/sys/module/container_numtasks/parameters/total_numtasks", "1000000");
	err(put(A "/numtasks.shares", "max_shares=1"), 0, "a limit by shares");
	eq(in_child(fork_in_vain, A "/tasks"), 0, "is, too");
	ok(traced("fork_refused: ") && traced(" limit=shares\n"), "and is seen");
	put("/sys/module/container_numtasks/parameters/total_numtasks", "2147483647");
	forget();
	put(A "/bc.numfiles.barrier", "1");
	put(A "/bc.numfiles.limit", "1");
	put(A "/bc.numfiles.barrier", "0");
	put(A "/bc.numfiles.limit", "0");
	eq(in_child(open_in_vain, NULL), 0, "no file is opened");
	ok(traced("charge_failed: ") && traced(" limit=numfiles\n"), "which is seen");

	forget();
	gone = strdup(line("rmdir", A, "/a", self));
	ok(wait_for(!rmdir(A)), "rmdir");
	ok(traced(gone), "is seen");
	err(put(EVENTS "/mkdir/filter", "path == \"/b\""), 0, "a filter by name");
	forget();
	mkdir(A, 0755);
	mkdir(M "/b", 0755);
	ok(traced(line("mkdir", M "/b", "/b", self)), "lets that one through");
	ok(!strstr(get(TRACEFS "/trace"), "path=/a pid"), "and no other");
	put(EVENTS "/mkdir/filter", "0");
	rmdir(M "/b");
	rmdir(A);
	err(cumount(M), 0, "umount");
	ok(traced("hook: function=security_file_alloc armed=0"), "the hooks are taken off");
}

/* --- the scripts ------------------------------------------------------------------- */

/* Is each args->FIELD of a clause in the formats of all of its probes? */
static bool clause_fits(char *probes, char *body)
{
	bool good = true;
	char *p, *q;

	for (p = probes; (p = strstr(p, "tracepoint:")); p++) {
		char event[64];
		const char *format;

		if (sscanf(p, "tracepoint:container:%63[a-z_]", event) != 1)
			return false;
		format = get(P(EVENTS "/%s/format", event));
		if (!format) {
			diag("there is no event %s", event);
			return false;
		}
		for (q = body; (q = strstr(q, "args->")); q++) {
			char field[64];

			sscanf(q, "args->%63[a-z_]", field);
			if (!strstr(format, P(" %s;", field)) && !strstr(format, P(" %s[", field))) {
				diag("%s has no %s", event, field);
				good = false;
			}
		}
	}
	return good;
}

static void test_scripts(void)
{
	glob_t found;

	if (glob("/docs/*.bt", 0, NULL, &found))
		bail("there are no scripts");
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *text = strdup(get(found.gl_pathv[i])), *open, *close;
		char *at = strstr(text, "*/");
		bool good = at;
		int clauses = 0;

		/* clauses end with a brace at the beginning of a line */
		for (; good && (open = strstr(at, "\n{")) && (close = strstr(open, "\n}")); at = close + 2) {
			*open = *close = '\0';
			if (strstr(at, "tracepoint:")) {
				good &= clause_fits(at, open + 1);
				clauses++;
			}
		}
		ok(good && clauses, "%s asks for what there is (%d clauses)", found.gl_pathv[i], clauses);
		free(text);
	}
}

int main(void)
{
	setup();
	if (access(TRACEFS "/events", F_OK)) {
		skip("all of it # this kernel traces no events");
		finish();
	}
	modprobe("container_bc");
	modprobe("container_numtasks");
	CASE(test_listed());
	CASE(test_scripts());
	CASE(test_events());
	unload_all();
	ok(access(EVENTS, F_OK), "the events go with the module, though they are on");
	finish();
}
