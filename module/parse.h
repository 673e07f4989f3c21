/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parsing of mount options and names.
 */
#ifndef _PARSE_H
#define _PARSE_H

#include "container.h"

/**
 * struct mount_options - the options of a mount
 * @all: bind every registered subsystem
 * @none: bind no subsystem
 * @noprefix: omit the prefix in the names of cpuset's files
 * @clone_children: initial value of clone_children in the root
 * @given: there was at least one option
 * @name: name of the hierarchy, or empty
 * @release_agent: initial release agent, allocated; NULL if not given
 * @nr_subsys: number of named subsystems
 * @subsys: their names, each once
 * @why: the reason for refusing the mount, if it is refused
 */
struct mount_options {
	bool all;
	bool none;
	bool noprefix;
	bool clone_children;
	bool given;
	char name[64];
	char *release_agent;
	int nr_subsys;
	char subsys[MAX_CONTAINER_SUBSYS][MAX_CONTAINER_TYPE_NAMELEN + 1];
	char why[160];
};

#define for_each_option_subsys(opts, pos)				\
	for ((pos) = (opts)->subsys[0];					\
	     (pos) < (opts)->subsys[(opts)->nr_subsys];			\
	     (pos) += sizeof((opts)->subsys[0]))

__printf(3, 4)
int options_refuse(struct mount_options *opts, int err, const char *fmt, ...);
int options_unknown(struct mount_options *opts, const char *name);
int parse_option(struct mount_options *opts, const char *key, const char *value);
int parse_options_check(struct mount_options *opts);
bool parse_has_empty_token(const char *options);
bool parse_name_ok(const char *name, const char *also, int max);

#endif /* _PARSE_H */
