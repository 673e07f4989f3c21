// SPDX-License-Identifier: GPL-2.0
/* See mounts.h. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "mounts.h"

const char *shown_options(const char *dir)
{
	static const char *const generic[] = {
		"rw", "ro", "relatime", "noatime", "nosuid", "nodev", "noexec",
	};
	char *s = get("/proc/mounts"), *tok, *save, opts[1024];
	const char *res = "";
	size_t i;

	s = s ? strstr(s, P(" %s container ", dir)) : NULL;
	if (!s || sscanf(strstr(s, " container "), " container %1023s", opts) != 1)
		return NULL;
	for (tok = strtok_r(opts, ",", &save); tok;
	     tok = strtok_r(NULL, ",", &save)) {
		for (i = 0; i < ARRAY_SIZE(generic); i++)
			if (!strcmp(tok, generic[i]))
				break;
		if (i == ARRAY_SIZE(generic))
			res = P("%s%s%s", res, *res ? "," : "", tok);
	}
	return res;
}

const char *world(void)
{
	char *s = get("/proc/containers"), *p = s, *q;

	while (p && (p = strstr(p, "topcount="))) {
		p += 9;
		for (q = p; *q >= '0' && *q <= '9'; q++)
			;
		memmove(p, q, strlen(q) + 1);
	}
	return P("%srefcnt %s", s, get("/sys/module/container_core/refcnt"));
}

bool same_tree(const char *a, const char *b)
{
	bool same;

	if (mkdir(P("%s/probe", a), 0755))
		return false;
	same = !access(P("%s/probe/tasks", b), F_OK);
	return !rmdir(P("%s/probe", b)) && access(P("%s/probe", a), F_OK) &&
	       same;
}

int mounts_same(const char *opts)
{
	int e = cmount(M2, opts);

	if (e)
		return e;
	e = same_tree(M, M2) ? 0 : ENOTUNIQ;
	cumount(M2);
	return e;
}

const char *fs_log(int fs)
{
	const char *all = "";
	char line[512];
	ssize_t n;

	while ((n = read(fs, line, sizeof(line) - 1)) > 0) {
		line[n] = '\0';
		all = P("%s%s", all, line);
	}
	return all;
}

int count_of(const char *text, const char *what)
{
	int n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

void refused(const char *opts, int want, const char *reason)
{
	int fs = syscall(SYS_fsopen, "container", 0), kmsg = kmsg_open(), e = 0;
	char copy[256], *tok, *save, *value, *text;
	const char *log;

	snprintf(copy, sizeof(copy), "%s", opts);
	for (tok = strtok_r(copy, ",", &save); tok && !e; tok = strtok_r(NULL, ",", &save)) {
		value = strchr(tok, '=');
		if (value)
			*value++ = '\0';
		e = E(syscall(SYS_fsconfig, fs, value ? 1 : 0, tok, value, 0));
	}
	if (!e)
		e = E(syscall(SYS_fsconfig, fs, 6, NULL, NULL, 0));
	err(e, want, "fsopen: %s", opts);
	log = fs_log(fs);
	ok(!strncmp(log, "e ", 2) && count_of(log, "\n") == 1 &&
	   strstr(log, reason), "its log says why (%.*s)", (int)strcspn(log, "\n"), log);
	close(fs);
	kmsg_lines(kmsg, &text);
	eq(count_of(text, reason), 1, "so does the kernel's, once");
	close(kmsg);

	kmsg = kmsg_open();
	err(cmount(M2, opts), want, "mount: %s", opts);
	kmsg_lines(kmsg, &text);
	eq(count_of(text, reason), 1, "the kernel log says why, once (%s)", reason);
	close(kmsg);
}
