/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of mounting share: comparing trees and the state of the whole system, and mounts
 * that are refused.
 */
#ifndef TESTS_MOUNTS_H
#define TESTS_MOUNTS_H

#include "lib.h"

#define M "/tmp/m"
#define M2 "/tmp/m2"

/* The options /proc/mounts shows for a mount point, less the generic ones. */
const char *shown_options(const char *dir);

/* /proc/containers without what changes by itself: topcount. */
const char *world(void);

/* Do two mounts show the same tree? */
bool same_tree(const char *a, const char *b);

/* Whether OPTS gives the tree that is mounted at M. */
int mounts_same(const char *opts);

/* What the fsopen context FS has to say, in the kernel's words; "" for nothing. */
const char *fs_log(int fs);
int count_of(const char *text, const char *what);

/*
 * Mounts OPTS both ways. The reason has to be in the log of fsopen, as an error, and in
 * the kernel's once for each.
 */
void refused(const char *opts, int want, const char *reason);

#endif
