// SPDX-License-Identifier: GPL-2.0
/* See ctl.h. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "ctl.h"

char *out;

int as(uid_t uid, const char *fmt, ...)
{
	int p[2], status;
	va_list ap;
	char *cmd;
	pid_t pid;

	va_start(ap, fmt);
	if (vasprintf(&cmd, fmt, ap) < 0)
		bail("no memory");
	va_end(ap);
	if (pipe(p))
		bail("pipe: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		dup2(p[1], 1);
		dup2(p[1], 2);
		close(p[0]);
		close(p[1]);
		if (uid)
			drop_to(uid);
		execl("/bin/sh", "sh", "-c", cmd, NULL);
		_exit(252);
	}
	close(p[1]);
	out = getfd(p[0]);
	close(p[0]);
	waitpid(pid, &status, 0);
	free(cmd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

bool said(const char *text)
{
	if (out && strstr(out, text))
		return true;
	diag("\"%s\" is not in: %s", text, out ? out : "(nothing)");
	return false;
}

void check(const char *what, int status, int want, ...)
{
	bool good = status == want;
	const char *text;
	va_list ap;

	if (!good)
		diag("status %d, not %d: %s", status, want, out ? out : "");
	va_start(ap, want);
	while ((text = va_arg(ap, const char *)))
		good &= said(text);
	va_end(ap);
	ok(good, "%s", what);
}
