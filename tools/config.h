/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The configuration: containerctl.conf(5).
 *
 *	[mount jobs]			# a hierarchy, by its name or subsystems
 *	subsystems = bc,cpuacct		# or none
 *	dir = /run/container/jobs
 *	[jobs:/web]			# a container
 *	owner = 1000:100		# of the directory, tasks and procs
 *	mode = 0755			# of the directory
 *	bc.numfiles.limit = 400		# a control file
 *	[rules]				# who belongs where
 *	@staff:make = jobs:/build
 */
#ifndef CONFIG_H
#define CONFIG_H

#include "ctl.h"

struct setting {
	char *key, *value;
	int line;
	bool done;			/* by apply */
};

enum section_kind { MOUNT, CONTAINER, RULES };

struct section {
	enum section_kind kind;
	char *title;			/* of a mount, without "mount " */
	const char *file;
	int line;
	struct setting *v;
	size_t n;
};

extern struct section *sections;
extern size_t nsections;

/*
 * A text, of one file or several, is read and looked at as a whole; where something is wrong
 * with it, that is told, and the program ends. @paths: files, directories, of which the
 * *.conf are read, or "-". What is applied at boot are those of system_paths().
 */
void config_read(const struct strings *paths);
struct strings system_paths(void);
/* A file that acts, or counts, is no setting. */
bool no_setting(const char *file);

/* NULL: it is not there. */
const char *setting(const struct section *s, const char *key);
struct section *mount_section(const char *label);
/* Of "HIERARCHY:/path". */
char *label_of(const char *title);

/* cmd_rules.c */
void rules_check(const struct section *s, void (*wrong)(const struct section *s,
							const struct setting *t, const char *why));

#endif
