// SPDX-License-Identifier: GPL-2.0
/* The test program itself: its lines, its cases, how it begins and ends, and time. See lib.h. */
#define _GNU_SOURCE
#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include "lib.h"

static int ntests, nfailed;

static bool result(const char *file, int line, bool pass, const char *fmt,
		   va_list ap)
{
	char name[512], *p;

	vsnprintf(name, sizeof(name), fmt, ap);
	for (p = name; *p; p++)		/* a test is a line, and no directive */
		if (*p == '\n' || *p == '#')
			*p = ' ';
	printf("%sok %d - %s\n", pass ? "" : "not ", ++ntests, name);
	if (!pass) {
		nfailed++;
		printf("# at %s:%d\n", file, line);
	}
	fflush(stdout);
	return pass;
}

#define RESULT(pass) ({							\
	va_list ap_;							\
	bool p_;							\
	va_start(ap_, fmt);						\
	p_ = result(file, line, (pass), fmt, ap_);			\
	va_end(ap_);							\
	p_; })

bool ok_(const char *file, int line, bool cond, const char *fmt, ...)
{
	return RESULT(cond);
}

bool eq_(const char *file, int line, long got, long want, const char *fmt, ...)
{
	bool pass = RESULT(got == want);

	if (!pass)
		diag("expected %ld, got %ld", want, got);
	return pass;
}

bool err_(const char *file, int line, int got, int want, const char *fmt, ...)
{
	bool pass = RESULT(got == want);

	if (!pass)
		diag("expected %s, got %s",
		     want ? strerrorname_np(want) : "success",
		     !got ? "success" : strerrorname_np(got) ?
		     strerrorname_np(got) : "a strange errno");
	return pass;
}

bool streq_(const char *file, int line, const char *got, const char *want,
	    const char *fmt, ...)
{
	int e = errno;
	bool pass = RESULT(got && !strcmp(got, want));

	if (!pass) {
		const char *p, *s[] = { want, got };

		for (int i = 0; i < 2; i++) {
			printf("# %s ", i ? "got" : "expected");
			if (!s[i]) {
				printf("%s", strerrorname_np(e));
			} else {
				putchar('"');
				for (p = s[i]; *p && p - s[i] < 600; p++)
					if (*p == '\n')
						printf("\\n");
					else
						putchar(*p);
				putchar('"');
			}
			putchar('\n');
		}
		fflush(stdout);
	}
	return pass;
}

void skip(const char *fmt, ...)
{
	char buf[512], *why;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	/* "text # why" */
	why = strstr(buf, " # ");
	if (why) {
		*why = 0;
		why += 3;
	}
	printf("ok %d - %s # SKIP %s\n", ++ntests, buf, why ? why : "");
	fflush(stdout);
}

void diag(const char *fmt, ...)
{
	char *text, *p;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	for (p = text; (p = strchr(p, '\n')); )
		*p = ' ';
	printf("# %s\n", text);
	fflush(stdout);
	free(text);
}

void bail(const char *fmt, ...)
{
	va_list ap;

	printf("not ok %d - ", ++ntests);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n1..%d\nBail out!\n", ntests);
	fflush(stdout);
	exit(1);
}

/* Does the pattern of a name fit, with or without the "t_" of tests? */
static bool fits(const char *pattern, const char *name)
{
	return !fnmatch(pattern, name, 0) || (!strncmp(name, "t_", 2) && !fnmatch(pattern, name + 2, 0));
}

bool case_wanted(const char *call)
{
	const char *cases = getenv("CASES");
	char *list, *word, *pattern, *name, *save;
	bool wanted = !cases || !*cases;

	name = strndup(call, strcspn(call, "("));
	list = strdup(cases ?: "");
	for (word = strtok_r(list, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		pattern = strchr(word, ':');
		if (pattern)
			*pattern++ = 0;
		if (fits(word, program_invocation_short_name))
			wanted |= !pattern || !fnmatch(pattern, name, 0);
	}
	free(list);
	free(name);
	return wanted;
}

void setup_bare(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	if (access("/proc/self", F_OK))
		mount("proc", "/proc", "proc", 0, NULL);
	if (access("/sys/kernel", F_OK))
		mount("sysfs", "/sys", "sysfs", 0, NULL);
	if (access("/sys/kernel/debug/sched", F_OK) &&
	    access("/sys/kernel/debug/tracing", F_OK))
		mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	mkdir("/tmp", 01777);
}

void setup(void)
{
	setup_bare();
	if (modprobe("container_core") || modprobe("container_cpuacct"))
		bail("container_core and container_cpuacct load");
}

void finish(void)
{
	char line[4096], left[4096] = "";
	FILE *f = fopen("/proc/mounts", "r");

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, " container "))
			snprintf(left, sizeof(left), "%s", line);
	if (f)
		fclose(f);
	streq(left, "", "no container mount is left");
	err(waitpid(-1, NULL, WNOHANG) < 0 ? errno : 0, ECHILD,
	    "no child is left");
	eq(unload_all(), 0, "all modules unload");
	printf("1..%d\n", ntests);
	fflush(stdout);
	exit(nfailed ? 1 : 0);
}

bool debug_kernel(void)
{
	return !access("/sys/kernel/debug/kmemleak", F_OK);
}

int sized(int full, int quick)
{
	const char *size = getenv("SIZE");

	return size && !strcmp(size, "quick") ? quick : full;
}

long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000L + ts.tv_nsec / 1000000;
}

void msleep(int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}
