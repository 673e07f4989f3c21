// SPDX-License-Identifier: GPL-2.0
/*
 * V6's own worked example, typed into a shell: make Charlie, move the shell
 * into it, start another, look at /proc/self/container; and what somebody
 * outside sees.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include "lib.h"

#define DEV "/tmp/container"

static const char script[] =
	"mount -t container -o cpuacct cpuacct " DEV " || echo mount\n"
	"cd " DEV "\n"
	"mkdir Charlie || echo mkdir\n"
	"cd Charlie\n"
	"echo $$ > tasks || echo echo\n"
	"sh <<'EOF'\n"
	"# the subshell is in Charlie\n"
	"cat /proc/self/container\n"
	"cat /proc/$$/container\n"
	"EOF\n"
	"echo $$ $(cat tasks | head -n 1)\n"
	"ls | grep -v '[.]' | tr '\\n' ' '\n"
	"cat /proc/1/container\n"
	"cat /proc/$PPID/container\n";

static int run_shell(void *arg)
{
	(void)arg;
	if (!freopen("/tmp/v6.sh", "r", stdin) ||
	    !freopen("/tmp/v6.out", "w", stdout))
		return 99;
	execl("/bin/sh", "sh", NULL);
	return 98;
}

int main(void)
{
	char *out, *line, *save;
	int i = 0, a = 0, b = -1;
	static const char *const want[] = {
		"cpuacct:/Charlie", "cpuacct:/Charlie", NULL,
		"auto_delete clone_children events kill_on_rmdir notify_on_release procs tasks "
		"cpuacct:/",
		"cpuacct:/",
	};
	static const char *const what[] = {
		"cat in the subshell is in Charlie", "so is the subshell",
		"the shell is the first in tasks",
		"V6's files are listed; init, outside, is in the root",
		"so is the task that started the shell",
	};
	FILE *f;

	setup();
	mkdir(DEV, 0755);
	f = fopen("/tmp/v6.sh", "w");
	fputs(script, f);
	fclose(f);
	eq(in_child(run_shell, NULL), 0, "the shell runs the example");
	out = get("/tmp/v6.out");
	for (line = strtok_r(out, "\n", &save); line && i < 5;
	     line = strtok_r(NULL, "\n", &save), i++) {
		if (want[i]) {
			streq(line, want[i], "%s", what[i]);
			continue;
		}
		sscanf(line, "%d %d", &a, &b);
		eq(b, a, "%s", what[i]);
	}
	eq(i, 5, "all of the output");
	ok(wait_for(nids(DEV "/Charlie/tasks") == 0), "all have left Charlie");
	err(E(rmdir(DEV "/Charlie")), 0, "rmdir Charlie");
	err(cumount(DEV), 0, "unmount");
	unlink("/tmp/v6.sh");
	unlink("/tmp/v6.out");
	finish();
}
