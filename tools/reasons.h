/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an errno means: the table file x errno -> rule, who, cure, in reasons.c; the looking
 * around that finds out who, in blame.c; and what is told of it, in errors.c.
 */
#ifndef REASONS_H
#define REASONS_H

#include "ctl.h"

/* Is this the reason? *who may be set to a sentence. */
typedef bool reason_test(const struct failure *f, char **who);

struct reason {
	const char *file;		/* patterns, separated by blanks */
	int err;
	reason_test *test;
	const char *rule;
	const char *cure;
};

/*
 * What the kernel means by an errno may have several reasons: the rows are tried in order,
 * and the first whose test finds its reason is the one that is told. A row without a test
 * is told when none above it was.
 *
 * In cures, {path}, {parent}, {hier}, {top} (its root), {file} and {pid} stand for what it
 * is about.
 */
extern const struct reason reasons[];
extern const size_t nreasons;

/* errors.c */
bool reason_applies(const struct reason *r, const char *what);
char *reason_cure(const struct reason *r, const struct failure *f);	/* with names filled in */

/* blame.c */
reason_test at_open, dir_owner, of_root, parent_lacks, parent_not_exclusive,
	child_needs, child_exclusive, not_a_list, not_online, sibling_overlaps, has_members,
	has_children, has_files, caller_inside, empty_cpuset, no_number, not_flag, other_user,
	task_gone, ns_bound, kernel_thread, barrier_over_limit, shares_too_large, active_sets,
	said_by_kernel, busy_mount, not_privileged, core_absent;

#endif
