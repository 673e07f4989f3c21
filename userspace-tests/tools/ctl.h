/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of containerctl share: running it, and looking at what it says.
 */
#ifndef TESTS_CTL_H
#define TESTS_CTL_H

#include "lib.h"

#define CTL "containerctl"
#define RUN "/run/container"
#define WEB RUN "/jobs/web"
#define USER 1000

extern char *out;			/* what the last command said, both streams */

/* sh -c COMMAND as a user; its exit status, -signal. */
int as(uid_t uid, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define ctl(...) as(0, CTL " " __VA_ARGS__)
#define user(...) as(USER, CTL " " __VA_ARGS__)

/* Is that text in it? If not, that is shown. */
bool said(const char *text);

/* A test of the last command: its status and what it said, up to a NULL. */
void check(const char *what, int status, int want, ...);

#endif
