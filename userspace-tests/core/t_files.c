// SPDX-License-Identifier: GPL-2.0
/*
 * Control files: modes, first values, inheritance, what each accepts, and
 * every kind of bad input with its errno, after which nothing has changed and
 * the kernel log has no new line.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "lib.h"

#define M "/tmp/m"
#define D "/tmp/m/d"
#define PAGE 4096
#define MB (1 << 20)

enum kind { FLAG, PID, PATHNAME, ZERO };

static const struct file {
	const char *path;
	enum kind kind;
	int mode;
	const char *first;	/* value before anybody wrote; NULL: varies */
} files[] = {
	{ M "/tasks", PID, 0644, NULL },
	{ M "/procs", PID, 0644, NULL },
	{ M "/notify_on_release", FLAG, 0644, "0\n" },
	{ M "/auto_delete", FLAG, 0644, "0\n" },
	{ M "/kill_on_rmdir", FLAG, 0644, "0\n" },
	{ M "/clone_children", FLAG, 0644, "0\n" },
	{ M "/release_agent", PATHNAME, 0644, "\n" },
	{ M "/cpuacct.usage", ZERO, 0644, NULL },
	{ D "/tasks", PID, 0644, "" },
	{ D "/procs", PID, 0644, "" },
	{ D "/notify_on_release", FLAG, 0644, "0\n" },
	{ D "/auto_delete", FLAG, 0644, "0\n" },
	{ D "/kill_on_rmdir", FLAG, 0644, "0\n" },
	{ D "/clone_children", FLAG, 0644, "0\n" },
	{ D "/cpuacct.usage", ZERO, 0644, "0\n" },
};

/* Read-only ones; a write must fail even for root, who may open anything. */
static const char *const readonly[] = {
	"cpuacct.usage_subtree_ns", "cpuacct.usage_percpu", "cpuacct.stat",
	"cpuacct.load", "events",
};

/* All that a write could change, as text. */
static const char *state(void)
{
	const char *s = P("%s %s %d", where(0, "cpuacct"), where(1, "cpuacct"),
			  listed(M "/tasks", getpid()));

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (files[i].kind == FLAG || files[i].kind == PATHNAME)
			s = P("%s %s", s, get(files[i].path));
	return s;
}

static int write_nothing(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), e = E(write(fd, "", 0));

	close(fd);
	return e;
}

static void test_first(void)
{
	const char *const dirs[] = { M, D };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		eq(mode_of(files[i].path), files[i].mode, "mode of %s is %o",
		   files[i].path, files[i].mode);
		if (files[i].first)
			streq(get(files[i].path), files[i].first,
			      "first value of %s", files[i].path);
	}
	for (size_t i = 0; i < ARRAY_SIZE(readonly); i++)
		for (int d = 0; d < 2; d++) {
			const char *f = P("%s/%s", dirs[d], readonly[i]);

			eq(mode_of(f), 0444, "mode of %s is 444", f);
			ok(get(f) && *get(f), "%s reads", f);
			ok(put(f, "0"), "write to %s fails (%s)", f,
			   strerrorname_np(put(f, "0")));
			err(write_nothing(f), 0, "but not of nothing");
		}
	err(access(D "/release_agent", F_OK) ? errno : 0, ENOENT,
	    "no release_agent below the root");
}

struct bad {
	const char *what;
	const char *text;
	size_t len;		/* 0: strlen */
	int e;			/* of a FLAG, ZERO or PID */
	int path_e;		/* of a PATHNAME; -1: not tried */
};

/* volatile, or the compiler warns of what is meant */
static void *volatile bad_memory = (void *)8;
static char page_ones[PAGE + 2], page_junk[MB], page_nul[PAGE], hundred[101];

static void bad_inputs(const struct file *f)
{
	const struct bad t[] = {
		{ "a newline", "\n", 0, EINVAL, -1 },
		{ "blanks", "  \t ", 0, EINVAL, -1 },
		{ "a word", "abc", 0, EINVAL, -1 },
		{ "minus one", "-1", 0, EINVAL, -1 },
		{ "minus zero", "-0", 0, EINVAL, -1 },
		{ "plus one", "+1", 0, EINVAL, -1 },
		{ "plus zero", "+0", 0, EINVAL, -1 },
		{ "a bare sign", "-", 0, EINVAL, -1 },
		{ "hex zero", "0x0", 0, EINVAL, -1 },
		{ "hex one", "0x1", 0, EINVAL, -1 },
		{ "2^31", "2147483648", 0, EINVAL, -1 },
		{ "2^32", "4294967296", 0, EINVAL, -1 },
		{ "2^32+1", "4294967297", 0, EINVAL, -1 },
		{ "2^64", "18446744073709551616", 0, EINVAL, -1 },
		{ "2^64+1", "18446744073709551617", 0, EINVAL, -1 },
		{ "100 digits", hundred, 0, EINVAL, -1 },
		{ "trailing letters", "1x", 0, EINVAL, -1 },
		{ "a fraction", "1.0", 0, EINVAL, -1 },
		{ "an exponent", "1e0", 0, EINVAL, -1 },
		{ "two numbers", "0 1", 0, EINVAL, -1 },
		{ "two lines", "0\n1\n", 0, EINVAL, -1 },
		{ "two newlines", "0\n\n", 0, EINVAL, -1 },
		{ "a comma", "0,", 0, EINVAL, -1 },
		{ "a NUL", "\0", 1, EINVAL, EINVAL },
		{ "a number and a NUL", "0\0", 2, EINVAL, -1 },
		{ "a NUL within", "0\0001", 3, EINVAL, -1 },
		{ "a NUL within a path", "/a\0b", 4, EINVAL, EINVAL },
		{ "bytes over 127", "\377\376\200", 0, EINVAL, -1 },
		{ "an Arabic digit", "\331\240", 0, EINVAL, -1 },
		{ "a page of digits", page_ones, PAGE, EINVAL, ENAMETOOLONG },
		{ "a page and one byte", page_ones, PAGE + 1, E2BIG,
		  ENAMETOOLONG },
		{ "a page of NULs", page_nul, PAGE, EINVAL, -1 },
		{ "a megabyte", page_junk, MB, E2BIG, ENAMETOOLONG },
	};
	const char *before = P("%s", state());
	char *log;
	int fd = kmsg_open(), lines;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		int want = f->kind == PATHNAME ? t[i].path_e : t[i].e;

		if (want < 0)
			continue;
		err(putn(f->path, t[i].text,
			 t[i].len ? t[i].len : strlen(t[i].text)), want,
		    "%s: %s", f->path, t[i].what);
	}
	if (f->kind == FLAG) {
		err(put(f->path, "2"), EINVAL, "%s: 2", f->path);
		err(put(f->path, "10"), EINVAL, "%s: 10", f->path);
		err(put(f->path, "2147483647"), EINVAL, "%s: 2^31-1", f->path);
	} else if (f->kind == ZERO) {
		err(put(f->path, "1"), EINVAL, "%s: 1", f->path);
		err(put(f->path, "00 1"), EINVAL, "%s: 00 1", f->path);
	} else if (f->kind == PID) {
		err(put(f->path, "2147483647"), ESRCH, "%s: 2^31-1", f->path);
		err(put(f->path, "4194305"), ESRCH, "%s: beyond any pid",
		    f->path);
	}
	streq(state(), before, "%s: bad input changed nothing", f->path);
	lines = kmsg_lines(fd, &log);
	eq(lines, 0, "%s: bad input is not in the kernel log", f->path);
	if (lines)
		diag("%s", log);
	close(fd);
}

/* A write of nothing, twice on one descriptor, at offsets, from bad memory. */
static void test_writes(const struct file *f)
{
	int fd = open(f->path, O_RDWR | O_CLOEXEC);
	const char *before = P("%s", state());

	eq(write(fd, "", 0), 0, "%s: a write of nothing", f->path);
	eq(pwrite(fd, "", 0, 5), 0, "%s: nothing, at an offset", f->path);
	err(E(write(fd, bad_memory, 4)), EFAULT, "%s: from bad memory", f->path);
	streq(state(), before, "%s: none of them changed anything", f->path);
	close(fd);
	/* what a shell's > or >> does */
	fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ok(fd >= 0, "%s: opened as by >", f->path);
	streq(state(), before, "%s: truncating changed nothing", f->path);
	close(fd);
	err(open_err(f->path, O_WRONLY | O_APPEND), 0, "%s: opened as by >>",
	    f->path);
}

static void test_flag(const struct file *f)
{
	static const struct {
		const char *text, *then;
	} good[] = {
		{ "1", "1\n" }, { "0", "0\n" }, { "1\n", "1\n" },
		{ "0\n", "0\n" }, { " 1", "1\n" }, { "0 ", "0\n" },
		{ " \t1 \n", "1\n" }, { "\t0\t", "0\n" },
	};
	char blanks[PAGE], b[8] = "";
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		err(put(f->path, "%s", good[i].text), 0, "%s: good value %zd",
		    f->path, i);
		streq(get(f->path), good[i].then, "%s: took it", f->path);
	}
	memset(blanks, ' ', sizeof(blanks));
	blanks[PAGE - 1] = '1';
	err(putn(f->path, blanks, PAGE), 0, "%s: a full page of value",
	    f->path);
	streq(get(f->path), "1\n", "%s: took it", f->path);

	fd = open(f->path, O_RDWR | O_CLOEXEC);
	eq(write(fd, "0\n", 2), 2, "%s: write", f->path);
	eq(write(fd, "1\n", 2), 2, "%s: the next on the same descriptor",
	   f->path);
	streq(get(f->path), "1\n", "%s: replaced it", f->path);
	eq(pwrite(fd, "0", 1, 1000000), 1, "%s: write at an offset", f->path);
	streq(get(f->path), "0\n", "%s: the offset is ignored", f->path);
	eq(pread(fd, b, sizeof(b), 0), 2, "%s: read by that descriptor",
	   f->path);
	streq(b, "0\n", "%s: has the value", f->path);
	eq(pread(fd, b, sizeof(b), 2), 0, "%s: and then ends", f->path);
	close(fd);
	err(put(f->path, "1"), 0, "%s: set", f->path);
	streq(get(f->path), "1\n", "%s: took it", f->path);
	bad_inputs(f);
	err(put(f->path, "0"), 0, "%s: clear", f->path);
}

static void test_agent(const struct file *f)
{
	static char path[PAGE + 2], back[PAGE + 2];

	memset(path, 'p', sizeof(path) - 1);
	path[0] = '/';
	err(put(f->path, "/bin/x"), 0, "release_agent: a path");
	streq(get(f->path), "/bin/x\n", "release_agent: ends in a newline");
	err(put(f->path, "/bin/y z\n"), 0, "release_agent: a final newline");
	streq(get(f->path), "/bin/y z\n", "release_agent: is not doubled");
	bad_inputs(f);
	err(putn(f->path, path, PAGE - 1), 0, "release_agent: 4095 bytes");
	snprintf(back, sizeof(back), "%.4095s\n", path);
	streq(get(f->path), back, "release_agent: reads back");
	err(put(f->path, "/bin/x"), 0, "release_agent: short again");
	path[PAGE - 1] = '\n';
	err(putn(f->path, path, PAGE), 0, "release_agent: 4095 and a newline");
	streq(get(f->path), back, "release_agent: reads back");
	path[PAGE - 1] = 'p';
	err(putn(f->path, path, PAGE), ENAMETOOLONG,
	    "release_agent: 4096 bytes");
	path[PAGE] = '\n';
	err(putn(f->path, path, PAGE + 1), ENAMETOOLONG,
	    "release_agent: 4096 and a newline");
	streq(get(f->path), back, "release_agent: keeps what it had");
	err(put(f->path, "\n"), 0, "release_agent: emptied");
	streq(get(f->path), "\n", "release_agent: is empty");
}

static void test_inherit(void)
{
	static const char *const flags[] = {
		"notify_on_release", "auto_delete", "kill_on_rmdir", "clone_children",
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		mkdir(D "/p", 0755);
		err(put(P(D "/p/%s", flags[i]), "1"), 0, "set %s", flags[i]);
		mkdir(D "/p/c", 0755);
		for (size_t j = 0; j < ARRAY_SIZE(flags); j++)
			eq(getnum(P(D "/p/c/%s", flags[j])), i == j,
			   "a child under %s: %s", flags[i], flags[j]);
		err(put(P(D "/p/%s", flags[i]), "0"), 0, "clear %s", flags[i]);
		eq(getnum(P(D "/p/c/%s", flags[i])), 1,
		   "%s of the child stays", flags[i]);
		put(P(D "/p/c/%s", flags[i]), "0");
		rmdir(D "/p/c");
		rmdir(D "/p");
	}
	/* at the root they are only inherited */
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		err(put(P(M "/%s", flags[i]), "1"), 0, "set %s in the root", flags[i]);
		mkdir(M "/i", 0755);
		for (size_t j = 0; j < ARRAY_SIZE(flags); j++)
			eq(getnum(P(M "/i/%s", flags[j])), i == j, "its child: %s", flags[j]);
		put(P(M "/i/%s", flags[i]), "0");
		err(E(rmdir(M "/i")), 0, "which goes: the root is released, and stays");
		eq(getnum(P(M "/%s", flags[i])), 1, "with what was set");
		put(P(M "/%s", flags[i]), "0");
	}
}

/* The ids file as a whole: reading in any size, one list an open. */
static void test_lists(void)
{
	static const size_t sizes[] = { 1, 2, 3, 7, 64, 1000 };
	pid_t p[100], late;
	char want[2048] = "", got[4096];
	int fd, len = 0;
	ssize_t n;

	for (int i = 0; i < 100; i++) {
		p[i] = sleeper();
		movepid(D, p[i]);
		len += sprintf(want + len, "%d\n", p[i]);
	}
	streq(get(D "/tasks"), want, "tasks: ascending, one a line");
	streq(get(D "/procs"), want, "procs: the same for single threads");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		fd = open(D "/tasks", O_RDONLY | O_CLOEXEC);
		for (len = 0; (n = read(fd, got + len, sizes[i])) > 0; len += n)
			;
		got[len] = 0;
		streq(got, want, "tasks: read %zd bytes at a time", sizes[i]);
		close(fd);
	}
	fd = open(D "/tasks", O_RDONLY | O_CLOEXEC);
	len = read(fd, got, 1);
	late = sleeper();
	movepid(D, late);
	for (int i = 50; i < 100; i++)
		reap(p[i]);
	wait_for(nids(D "/tasks") == 51);
	while ((n = read(fd, got + len, 5)) > 0)
		len += n;
	got[len] = 0;
	streq(got, want, "tasks: one open gives one list, come who may");
	n = pread(fd, got, sizeof(got) - 1, 0);
	got[n > 0 ? n : 0] = 0;
	ok(!strncmp(got, want, 20), "tasks: read again from its start");
	n = pread(fd, got, 10, 3);
	ok(n == 10 && !strncmp(got, want + 3, 10), "tasks: read at an offset");
	close(fd);
	fd = open(D "/tasks", O_RDWR | O_CLOEXEC);
	eq(write(fd, "0", 1), 1, "tasks: one descriptor writes");
	lseek(fd, 0, SEEK_SET);
	n = read(fd, got, sizeof(got) - 1);
	got[n > 0 ? n : 0] = 0;
	ok(!strncmp(got, want, 20) && !strstr(got, P("%d\n", getpid())),
	   "tasks: and reads, what was there when it was opened");
	close(fd);
	ok(listed(D "/tasks", getpid()), "tasks: the next open has the change");
	movepid(M, getpid());
	for (int i = 0; i < 50; i++)
		reap(p[i]);
	reap(late);
	ok(wait_for(!nids(D "/tasks")), "tasks: empty when all have gone");
	streq(get(D "/tasks"), "", "tasks: which reads as nothing");
}

int main(void)
{
	memset(page_ones, '1', sizeof(page_ones) - 1);
	memset(page_junk, 'j', sizeof(page_junk));
	memset(hundred, '1', 100);
	setup();
	err(cmount(M, "cpuacct"), 0, "mount cpuacct");
	err(E(mkdir(D, 0755)), 0, "mkdir");
	CASE(test_first());
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		test_writes(&files[i]);
		if (files[i].kind == FLAG)
			test_flag(&files[i]);
		else if (files[i].kind == PATHNAME)
			test_agent(&files[i]);
		else
			bad_inputs(&files[i]);
	}
	CASE(test_inherit());
	CASE(test_lists());
	err(E(rmdir(D)), 0, "rmdir");
	err(cumount(M), 0, "unmount");
	finish();
}
