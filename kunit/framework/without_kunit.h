/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before each file of KUnit: what a kernel built with KUnit would have.
 */
#ifndef WITHOUT_KUNIT_H
#define WITHOUT_KUNIT_H

#include <linux/module.h>
#include <linux/sched.h>

/* A pointer in task_struct that file systems use, but not in KUnit's threads. */
#define kunit_test journal_info

/* The kernel knows no suites in modules: kunit/test.h beside this has them begin. */
#undef CONFIG_MODULES

#define CONFIG_KUNIT_DEFAULT_ENABLED 1

#endif
