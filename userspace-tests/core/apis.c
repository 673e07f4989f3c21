// SPDX-License-Identifier: GPL-2.0
/* See apis.h. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include "apis.h"

void setup_api(void)
{
	setup_bare();
	if (modprobe("container_core") || modprobe("container_apitest"))
		bail("container_core and container_apitest load");
	/* places for subsystems are few: nobody else's are needed here */
	rmmod("container_cpuset");
	rmmod("container_bc");
	rmmod("container_numtasks");
	rmmod("container_cpuacct");
}

#define DIR_ "/sys/kernel/debug/container_apitest/"

int cmd(const char *fmt, ...)
{
	char text[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return put(DIR_ "cmd", "%s", text);
}

const char *events(void)
{
	char *s = get(DIR_ "log");

	for (char *c = s; c && *c; c++)
		if (*c == '\n')
			*c = c[1] ? ';' : 0;
	return s;
}

void happened(const char *want, const char *what)
{
	char text[2048] = "", *end = text;

	for (const char *c = want; *c; c++)
		if (strchr("0123456789", *c) && (c == want || c[-1] == ';'))
			end += sprintf(end, "apitest%c", *c);
		else
			*end++ = *c;
	*end = 0;
	streq(events(), text, "callbacks: %s", what);
}

void forget_events(void)
{
	const char *s = events();

	ok(s && !strstr(s, "VIOLATION"), "no lock was missing");
	if (s && strstr(s, "VIOLATION"))
		diag("%s", s);
}

void start(void)
{
	int e = cmd("register 0") ?: cmd("register 1") ?: cmount(M, BOTH);

	err(e, 0, "register and mount two subsystems");
	forget_events();
}

void stop(void)
{
	int e = E(umount(M)) ?: cmd("unregister 0") ?: cmd("unregister 1");

	err(e, 0, "unmount and unregister them");
	forget_events();
	err(cmd("reset 0") ?: cmd("reset 1"), 0, "reset them");
}

const char *state(void)
{
	char *s = strdup(get("/proc/containers")), *p;
	const char *copy;

	p = strstr(s, "Hooks:");
	if (p)
		*p = 0;
	for (p = s; (p = strstr(p, "topcount=")); ) {
		char *digits = p + strlen("topcount=");

		p = digits + strspn(digits, "0123456789");
		memmove(digits, p, strlen(p) + 1);
		p = digits;
	}
	copy = P("%s", s);
	free(s);
	return copy;
}
