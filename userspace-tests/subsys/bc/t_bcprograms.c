// SPDX-License-Identifier: GPL-2.0
/*
 * bc: programs that people use (a pipeline, a build, a web server) at their limits: they
 * say what is wrong, and go on when there is more.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "bcs.h"

/* More than a pipe holds: none of the first three ends before the third is there. */
static const char pipeline[] =
	"exec 2>/tmp/bc.err; set -o pipefail; "
	"seq 1 30000 | sed 's/1/x/' | sort | uniq | awk '{ n++ } END { print n }' | grep -q 30000";

/* A program of eight parts, and what make needs to build it, eight parts at once. */
static void write_sources(void)
{
	static const char makefile[] =
		"OBJS := $(patsubst %.c,%.o,$(wildcard *.c))\n"
		"all: $(OBJS)\n\ttcc -r -o all.o $(OBJS)\n"
		"%.o: %.c\n\ttcc -c -o $@ $<\n";

	if (system("rm -rf /tmp/bc.build && mkdir -m 777 /tmp/bc.build"))
		bail("/tmp/bc.build");
	write_file("/tmp/bc.build/Makefile", makefile);
	for (int i = 0; i < 8; i++) {
		char *s = strdup("");

		for (int j = 0; j < 100; j++) {
			char *more = NULL;

			if (asprintf(&more, "%sint f%d_%d(int x)\n{\n\treturn x * %d;\n}\n",
				     s, i, j, j) < 0)
				abort();
			free(s);
			s = more;
		}
		write_file(P("/tmp/bc.build/part%d.c", i), s);
		free(s);
	}
}

static const char build[] =
	"cd /tmp/bc.build && exec make -s -B -j 8 >/tmp/bc.err 2>&1";

/* What programs say for want of a file, as each has its own words; and of a task. */
static const char *const no_files[] = {
	"too many open files", "error 24", "cannot open", "not found", "could not", NULL,
};
static const char *const no_tasks[] = { "temporarily", "fork", NULL };

static bool says(const char *const *words)
{
	char *s = get("/tmp/bc.err") ?: "";

	for (; *words; words++)
		if (strcasestr(s, *words))
			return true;
	for (s = strtok(s, "\n"); s; s = strtok(NULL, "\n"))
		diag("it says: %s", s);
	return false;
}

static long fetch(const char *what)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct { short family; unsigned short port; unsigned int addr; char pad[8]; } a = {
		.family = AF_INET, .port = __builtin_bswap16(8081),
		.addr = __builtin_bswap32(0x7f000001),
	};
	struct timeval tv = { .tv_sec = 5 };
	char buf[4096];
	long got = 0, n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (fd < 0 || connect(fd, (void *)&a, sizeof(a))) {
		close(fd);
		return -1;
	}
	n = sprintf(buf, "GET %s HTTP/1.0\r\n\r\n", what);
	if (write(fd, buf, n) != n)
		got = -1;
	while (got >= 0 && (n = read(fd, buf, sizeof(buf))) > 0)
		got += n;
	close(fd);
	return got;
}

static void test_pipeline(void)
{
	eq(run_in(A, 1000, pipeline), 0, "a pipeline runs");
	bound(A, "numfiles", 8, 8);
	ok(run_in(A, 1000, pipeline) > 0, "a pipeline with too few files fails");
	ok(says(no_files), "and says why");
	bound(A, "numfiles", 256, 512);
	bound(A, "numtasks", 3, 3);
	ok(run_in(A, 1000, pipeline) > 0, "one with too few tasks fails");
	ok(says(no_tasks), "and says why");
	bound(A, "numtasks", UNLIMITED, UNLIMITED);
	eq(run_in(A, 1000, pipeline), 0, "it goes on when there are more");
	unlink("/tmp/bc.err");
}

static void test_build(void)
{
	long refused;
	int got;

	write_sources();
	eq(run_in(A, 1000, build), 0, "a build runs");
	ok(!access("/tmp/bc.build/all.o", F_OK), "and makes what it should");
	bound(A, "numfiles", 12, 12);
	refused = bc(A, "numfiles.failcnt");
	ok(run_in(A, 1000, build) > 0, "a build with too few files fails");
	ok(says(no_files), "and says why");
	ok(bc(A, "numfiles.failcnt") > refused, "which is the limit");
	bound(A, "numfiles", 256, 512);
	/* make alone: what it starts may end before it starts the next */
	bound(A, "numtasks", 1, 1);
	ok(run_in(A, 1000, build) > 0, "one with too few tasks fails");
	ok(says(no_tasks), "and says why");
	bound(A, "numtasks", UNLIMITED, UNLIMITED);
	bound(A, "privvmpages", 300, 300);
	got = run_in(A, 1000, build);
	ok(got != 0, "one with too little memory fails: %d", got);
	bound(A, "privvmpages", UNLIMITED, UNLIMITED);
	unlink("/tmp/bc.build/all.o");
	eq(run_in(A, 1000, build), 0, "it goes on when there is more");
	ok(!access("/tmp/bc.build/all.o", F_OK), "and makes what it should");
	ok(wait_for(held(A, "numtasks") == 0 && held(A, "numfiles") == 0), "nothing is left");
	if (system("rm -rf /tmp/bc.build /tmp/bc.err"))
		diag("left something");
}

static void test_web_server(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	long full = 0, short_ = 0;
	char page[4200] = "";
	pid_t httpd, load[4];

	if (fd < 0) {
		skip("a web server # %s", strerror(errno));
		return;
	}
	close(fd);
	mkdir("/tmp/www", 0755);
	memset(page, 'x', sizeof(page) - 1);
	write_file("/tmp/www/index.html", page);
	httpd = fork();
	if (!httpd) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (put(A "/tasks", "0"))
			_exit(253);
		execl("/bin/busybox", "httpd", "-f", "-p", "127.0.0.1:8081", "-h", "/tmp/www", NULL);
		_exit(252);
	}
	ok(wait_for(fetch("/index.html") > 4100), "a web server serves");
	bound(A, "numfiles", held(A, "numfiles") + 2, held(A, "numfiles") + 2);
	for (size_t i = 0; i < ARRAY_SIZE(load); i++) {
		load[i] = fork();
		if (!load[i]) {
			for (int j = 0; j < 30; j++)
				fetch("/index.html");
			_exit(0);
		}
	}
	for (int j = 0; j < 30; j++)
		if (fetch("/index.html") > 4100)
			full++;
		else
			short_++;
	for (size_t i = 0; i < ARRAY_SIZE(load); i++)
		waitpid(load[i], NULL, 0);
	ok(bc(A, "numfiles.failcnt") > 0, "under load it hits the limit");
	diag("%ld pages came, %ld did not", full, short_);
	bound(A, "numfiles", 256, 512);
	ok(wait_for(fetch("/index.html") > 4100), "and goes on when that is raised");
	full = 0;
	for (int j = 0; j < 30; j++)
		full += fetch("/index.html") > 4100;
	eq(full, 30, "every page comes then");
	kill(httpd, SIGKILL);
	waitpid(httpd, NULL, 0);
	ok(wait_for(held(A, "numtasks") == 0 && held(A, "numfiles") == 0), "nothing is left");
	if (system("rm -rf /tmp/www"))
		diag("left something");
}

int main(void)
{
	setup_bc();
	mount_bc();
	make(A);
	chmod("/tmp", 01777);
	CASE(test_pipeline());
	CASE(test_build());
	CASE(test_web_server());
	removed(A);
	err(cumount(M), 0, "unmount");
	finish();
}
