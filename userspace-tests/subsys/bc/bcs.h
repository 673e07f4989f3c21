/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of bc share: the figures and bounds of a container.
 */
#ifndef TESTS_BCS_H
#define TESTS_BCS_H

#include <limits.h>
#include "lib.h"

#define M "/tmp/m"
#define A M "/a"
#define B M "/b"
#define UNLIMITED LONG_MAX
#define PAGE 4096L

/* What bc counts. */
extern const char *const resources[5];

/* setup(), with bc loaded. */
void setup_bc(void);

long bc(const char *dir, const char *what);
long held(const char *dir, const char *resource);

/* Both bounds of a resource, whatever they were. */
void bound(const char *dir, const char *resource, long barrier, long limit);
void mount_bc(void);
void make(const char *dir);

/* A file may be given back a little later: by a work item, or another task. */
void removed(const char *dir);

bool root_counts_all(void);
void agrees(const char *dir, pid_t pid, int times, const char *what);

#endif
