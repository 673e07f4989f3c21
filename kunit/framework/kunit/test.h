/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KUnit's own header for our suites, which run when their module is loaded though the
 * kernel does not know of them.
 */
#ifndef FRAMEWORK_KUNIT_TEST_H
#define FRAMEWORK_KUNIT_TEST_H

#include_next <kunit/test.h>

#undef kunit_test_suites
#define kunit_test_suites(...)							\
static struct kunit_suite *suites[] = { __VA_ARGS__ };				\
static int __init begin_suites(void)						\
{										\
	return __kunit_test_suites_init(suites, ARRAY_SIZE(suites));		\
}										\
module_init(begin_suites);							\
static void __exit end_suites(void)						\
{										\
	__kunit_test_suites_exit(suites, ARRAY_SIZE(suites));			\
}										\
module_exit(end_suites)

#endif
