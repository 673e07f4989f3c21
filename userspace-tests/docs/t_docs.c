// SPDX-License-Identifier: GPL-2.0
/*
 * The examples of the documentation, as they stand there: a block in a page of /docs that
 * begins with "# example: NAME", in a page of the manual with that as a comment of roff.
 * Each runs as root, ends well, prints what the comments in it say ("# prints: PATTERN",
 * in that order), and leaves nothing behind. Each page begins with no module loaded. There
 * is no other block of shell in the documentation, and no page without an example but those
 * that are named below.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "lib.h"

#define DOCS "/docs"
#define SCRIPT "/tmp/example"
#define PRINTED "/tmp/printed"
#define PRINTS "# prints: "
#define SOURCE ".\\\" source: "

/* How a page has its blocks. */
struct format {
	const char *pages, *begin, *end, *name;
};

static const struct format formats[] = {
	{ "*.md", "\n```sh\n", "\n```", "# example: %63[a-z0-9-]\n" },
	{ "*.[1-9]", "\n.Bd -literal -offset indent\n", "\n.Ed", ".\\\" example: %63[a-z0-9-]\n" },
};

/* What an example could leave. Modules and tasks are looked for by themselves. */
static char *world(void)
{
	static const char *const dirs[] = { "/", "/tmp", "/dev", "/run", "/mnt", "/root" };
	char *mounts = get("/proc/mounts"), *text;
	struct dirent **names;
	size_t size, i;
	FILE *f = open_memstream(&text, &size);
	int n, j;

	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		n = scandir(dirs[i], &names, NULL, alphasort);
		for (j = 0; j < n; j++) {
			fprintf(f, "%s/%s\n", dirs[i], names[j]->d_name);
			free(names[j]);
		}
		if (n >= 0)
			free(names);
	}
	fprintf(f, "%s", mounts ? mounts : "");
	fclose(f);
	return text;
}

static bool as_before(const char *before)
{
	char *now = world();
	bool same = !strcmp(now, before);

	free(now);
	return same;
}

/* Exit status of the script, -signal. What it leaves is in *left, a group of processes. */
static int run_script(pid_t *left)
{
	pid_t pid = *left = fork();
	int status;

	if (!pid) {
		setsid();
		if (chdir("/") || !freopen("/dev/null", "r", stdin) ||
		    !freopen(PRINTED, "w", stdout) || dup2(1, 2) != 2)
			_exit(99);
		execl("/bin/sh", "sh", "-e", SCRIPT, NULL);
		_exit(98);
	}
	if (!wait_for(waitpid(pid, &status, WNOHANG) == pid)) {
		diag("it has not ended in %d s", DEADLINE_MS / 1000);
		kill(-pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Cuts the first line off; NULL: there is none. */
static char *line_of(char **text)
{
	char *line = strsep(text, "\n");

	return line && (*line || *text) ? line : NULL;
}

/* Does OUTPUT have a line for each "# prints:" of the script, in that order? */
static void check_printed(const char *name, const char *script, const char *output)
{
	char *lines = strdup(script), *rest = lines, *copy = strdup(output), *out = copy;
	char *line, *want, *got;

	while ((line = line_of(&rest))) {
		want = strstr(line, PRINTS);
		if (!want)
			continue;
		want += strlen(PRINTS);
		while ((got = line_of(&out)) && fnmatch(want, got, 0))
			;
		ok(got, "%s prints: %s", name, want);
	}
	free(lines);
	free(copy);
}

static void run_example(const char *name, const char *script)
{
	char *before, *output;
	int status, active;
	pid_t left;

	if (strstr(script, "cpuset") && !modfile("container_cpuset")) {
		skip("%s # there is no cpuset for this kernel", name);
		return;
	}
	write_file(SCRIPT, script);
	write_file(PRINTED, "");
	before = world();
	status = run_script(&left);
	output = get(PRINTED);
	output = strdup(output ? output : "");
	for (char *copy = strdup(output), *line; (line = line_of(&copy)); )
		diag("%s", line);
	eq(status, 0, "%s runs", name);
	check_printed(name, script, output);
	free(output);
	ok(wait_for(waitpid(-1, NULL, WNOHANG) < 0), "%s: no task is left", name);
	/* or the next would be blamed, too */
	kill(-left, SIGKILL);
	wait_for(waitpid(-1, NULL, WNOHANG) < 0);
	ok(wait_for(as_before(before)), "%s: no file or mount is left", name);
	free(before);
	active = access("/proc/containers", F_OK) ? 1 : nhiers();
	eq(active, 1, "%s: no hierarchy is left", name);
}

/*
 * Before its EXAMPLES, a page of the manual shows what files are like. Among them are those
 * that a module is made of.
 */
static bool is_no_shell(const char *text, const char *block)
{
	const char *examples = strstr(text, "\n.Sh EXAMPLES\n");

	return *text == '.' &&
	       (!examples || block < examples || !strncmp(block, SOURCE, strlen(SOURCE)));
}

/* Lists and explanations; and what can be done in a guest of its own only. */
static bool is_without_examples(const char *page)
{
	static const char *const pages[] = {
		"adding-a-hook.md",
		"architecture.md",
		"coexistence.md",	/* userspace-tests/harness/guest/neighbours does it */
		"contract.md",
		"coverage.md",
		"first-steps.md",	/* userspace-tests/debian does it */
		"kernels.md",
		"labs.md",		/* userspace-tests/labs does it */
		"performance.md",
		"redesign.md",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pages); i++)
		if (!strcmp(page, pages[i]))
			return true;
	return false;
}

/* Runs the examples of a page. */
static void test_page(const char *page, const struct format *format)
{
	char *text = get(P(DOCS "/%s", page)), *start, *end, *body, *script;
	char name[64];
	int n = 0;

	if (!text)
		bail("%s: %s", page, strerror(errno));
	/* it has to outlast what is read below */
	text = strdup(text);
	eq(unload_all(), 0, "%s: no module is loaded", page);
	for (start = text; (start = strstr(start, format->begin)); start = end + 1) {
		start += strlen(format->begin);
		end = strstr(start, format->end);
		if (!end)
			bail("%s: a block without an end", page);
		if (is_no_shell(text, start))
			continue;
		body = strchr(start, '\n') + 1;
		script = strndup(body, end + 1 - body);
		if (ok(sscanf(start, format->name, name) == 1,
		       "%s: a block of shell is an example", page)) {
			/* or the reader would see something else */
			ok(*text != '.' || !strchr(script, '\\'),
			   "%s has no escapes of roff", name);
			run_example(name, script);
			n++;
		} else {
			diag("%s", script);
		}
		free(script);
	}
	if (!is_without_examples(page))
		ok(n, "%s has examples (%d)", page, n);
	free(text);
}

int main(void)
{
	int read[ARRAY_SIZE(formats)] = { };
	struct dirent **pages;
	int n, i;
	size_t j;

	setup_bare();
	/* what an example leaves becomes a child of this process */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	n = scandir(DOCS, &pages, NULL, alphasort);
	for (i = 0; i < n; i++)
		for (j = 0; j < ARRAY_SIZE(formats); j++)
			if (!fnmatch(formats[j].pages, pages[i]->d_name, 0)) {
				test_page(pages[i]->d_name, &formats[j]);
				read[j]++;
			}
	for (j = 0; j < ARRAY_SIZE(formats); j++)
		ok(read[j] > 1, "there is documentation (%d pages %s)", read[j], formats[j].pages);
	unlink(SCRIPT);
	unlink(PRINTED);
	finish();
}
