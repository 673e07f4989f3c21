/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of containerctl share. Each says at its top what it does.
 *
 * The program is short-lived: it looks once at the hierarchies, does one thing, and
 * exits. What cannot be done ends it with a sentence (die()); what is allocated for
 * that one thing is left to exit().
 */
#ifndef CONTAINERCTL_H
#define CONTAINERCTL_H

#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define __printf(f, a) __attribute__((format(printf, f, a)))

/* Exit statuses: 0; 1 something failed; EX_USAGE from argp; these. */
#define EXIT_TIMEOUT	124	/* as timeout(1) */
#define EXIT_EXEC	125	/* as env(1): exec itself failed */
#define EXIT_NO_RUN	126
#define EXIT_NO_CMD	127

/* What bc shows where there is no bound. */
#define UNLIMITED	INT64_MAX

/* --- util.c: strings, files, time ----------------------------------------- */
void die(const char *fmt, ...) __printf(1, 2) __attribute__((noreturn));
void die_as(int status, const char *fmt, ...) __printf(2, 3) __attribute__((noreturn));
void complain(const char *fmt, ...) __printf(1, 2);
extern int die_status;			/* of die(); EXIT_FAILURE */
/*
 * How far a loop is, which did @n of so many, or of 0, an unknown number: shown on a terminal
 * where it takes longer than a second, until progress_end().
 */
void progress(const char *what, size_t n, size_t of);
void progress_end(void);

void *xzalloc(size_t size);
void *xrealloc_array(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __printf(1, 2);

/* A list of strings that it owns. */
struct strings {
	char **v;
	size_t n;
};
void strings_add(struct strings *l, const char *s);
void strings_sort(struct strings *l);
bool strings_has(const struct strings *l, const char *s);
void strings_free(struct strings *l);
/* The words of a text between any of the separators, empty ones left out. */
struct strings strings_split(const char *text, const char *separators);
char *strings_join(const struct strings *l, const char *sep);

/* Fit for a terminal: what cannot be printed is shown as \xNN. */
char *shown(const char *s);
/* A whole file; NULL, and errno. */
char *read_file(const char *path);
char *read_fd(int fd);
/* "key N" or "... key N" in lines of a text, such as events or bc.stat. */
bool find_number(const char *text, const char *key, int64_t *value);
int64_t now_ms(void);
/* Milliseconds of "2s", "500ms", "1min", "3" (seconds). */
bool parse_time(const char *text, int64_t *ms);
const char *user_name(uid_t uid);
bool parse_owner(const char *text, uid_t *uid, gid_t *gid);

/* --- hier.c: what the kernel has: hierarchies, subsystems, mounts --------- */
struct hierarchy {
	int nr;				/* in /proc/containers; -1: not found there */
	int containers;
	long topcount;
	char *name;			/* of name=, or NULL */
	char *key;			/* its line of /proc/PID/container, before the path */
	char *label;			/* how users see it: the name, or the subsystems */
	struct strings subsys;
	bool noprefix;
	bool mounted;
};

struct mountpoint {
	struct hierarchy *h;
	char *target;
	char *root;			/* "/", or what a bind mount shows of it */
	char *source;
	char *options;
	bool readonly;
};

struct hook {
	char *name;
	bool armed;
	long missed;
};

/* What a feature needs of the kernel is there, or not. */
struct feature {
	char *name;
	char *why;			/* it is lost, or NULL */
};

struct hierarchies {
	bool loaded;			/* the core is there */
	struct hierarchy *v;
	size_t n;
	struct mountpoint *mounts;
	size_t nmounts;
	struct strings registered;	/* subsystems */
	struct strings unbound;		/* those without a hierarchy */
	struct hook *hooks;
	size_t nhooks;
	struct feature *features;
	size_t nfeatures;
};

extern struct hierarchies hiers;
void hiers_load(void);			/* whatever there is */
void hiers_free(void);			/* for who loads them again and again */
void hiers_need(void);			/* dies without the core */
void hiers_parse(const char *containers, const char *self);	/* the two files */
struct hierarchy *hier_find(const char *name);
bool hier_has(const struct hierarchy *h, const char *subsys);
/* Path of a task, or of the process's first thread; NULL and errno. */
char *task_path(pid_t pid, const struct hierarchy *h);
char *path_in_text(const char *text, const struct hierarchy *h);

/* --- cont.c: containers and their files ----------------------------------- */
struct cont {
	struct hierarchy *h;
	char *path;			/* from the root of the hierarchy: "/", "/a/b" */
	char *dir;			/* where that is mounted */
};

/* Dies where the text is no path; the container need not exist, except for the second. */
struct cont cont_parse(const char *text);
struct cont cont_get(const char *text);
/* By hierarchy and path. False: not mounted here, or not that part of it. */
bool cont_at(struct hierarchy *h, const char *path, struct cont *c);
bool cont_exists(const struct cont *c);
bool cont_is_root(const struct cont *c);
struct cont cont_parent(const struct cont *c);	/* not of a root */
struct cont cont_child(const struct cont *c, const char *name);
struct strings cont_children(const struct cont *c);	/* names, sorted */
char *cont_name(const struct cont *c);		/* HIERARCHY:/path, fit for a terminal */
void cont_free(struct cont *c);
/* fn for the container and all below it, parents first; ends at the first that is not 0 */
int cont_walk(const struct cont *c, int (*fn)(struct cont *c, int depth, void *arg), void *arg);

/* Files are named as in the manual; noprefix is seen to. */
char *cont_file(const struct cont *c, const char *file);
const char *file_canonical(const struct hierarchy *h, const char *file);
char *cont_read(const struct cont *c, const char *file);	/* NULL, and errno */
char *cont_line(const struct cont *c, const char *file);	/* without its newline */
bool cont_number(const struct cont *c, const char *file, int64_t *value);
/* 0, or an errno; *at_open says that the file could not even be opened. */
int cont_write(const struct cont *c, const char *file, const char *value, bool *at_open);
struct strings cont_files(const struct cont *c);	/* canonical names, sorted */
/* Ids in tasks or procs; -1 and errno. */
ssize_t cont_ids(const struct cont *c, const char *file, pid_t **ids);

/* --- proc.c: processes ------------------------------------------------------ */
struct process {
	pid_t pid, ppid;
	uid_t uid;
	char *comm;
	bool kernel;
	bool zombie;
};
bool process_get(pid_t pid, struct process *p);
size_t processes(struct process **list);	/* ascending */
pid_t *children_of(pid_t pid, size_t *n);	/* at any depth */

/* --- value.c: values that people write ------------------------------------ */
enum unit { UNIT_NONE, UNIT_COUNT, UNIT_PAGES, UNIT_BYTES };
enum unit file_unit(const char *file);
/* The text to write for "512M", "+10%", "max"; NULL: *why says what is wrong. */
char *value_parse(const char *file, const char *text, const char *old, char **why);
char *human_bytes(int64_t bytes);
char *human_time(int64_t ns);
/* CPU and node lists, up to 4096 of them. */
struct idset {
	uint64_t bits[64];
};
bool idset_parse(const char *list, struct idset *s);
char *idset_format(const struct idset *s);
bool idset_empty(const struct idset *s);
struct idset idset_minus(const struct idset *a, const struct idset *b);
struct idset idset_and(const struct idset *a, const struct idset *b);

/* --- errors.c: what an errno means here ------------------------------------- */
struct failure {
	const char *what;		/* a file, or mkdir, rmdir, mount, ... */
	const struct cont *c;		/* may be NULL */
	const char *value;		/* what was written, or NULL */
	int err;
	bool at_open;			/* by the file's mode, not by its content */
	pid_t pid;			/* the task it is about, or 0 */
	const char *kernel_says;	/* the log of a mount, or NULL */
};
/* Says all of it on stderr. */
void explain_failure(const struct failure *f);
/* The same as text, without the first line. */
char *failure_text(const struct failure *f);
/* Writes, and explains what fails: true if it was written. */
bool cont_set(const struct cont *c, const char *file, const char *value);

/* --- table.c: tables for people and programs ------------------------------ */
struct column {
	const char *name;
	const char *help;
	int flags;			/* T_... */
};
#define T_RIGHT	1
#define T_NUM	2			/* a number in JSON; right for people */
#define T_TREE	4
#define T_BOOL	8
#define T_WRAP	16			/* may have several lines */
#define T_TRUNC 32

struct table;
struct row;
struct table_options {
	bool json, noheadings, raw;
	const char *columns;		/* of -o */
	const struct column *known;	/* for --help */
	size_t nknown;
};
extern const struct argp table_argp;	/* a child parser; its input is table_options */
struct table *table_new(const char *name, const struct column *cols, size_t n,
			const char *defaults, const struct table_options *opts);
bool table_wants(const struct table *t, const char *column);
struct row *table_row(struct table *t, struct row *parent);
void table_set(struct table *t, struct row *r, const char *column, const char *text);
void table_setf(struct table *t, struct row *r, const char *column, const char *fmt, ...)
	__printf(4, 5);
/* For people as human says, for programs the number; UNLIMITED is null there. */
void table_num(struct table *t, struct row *r, const char *column, int64_t value,
	       char *(*human)(int64_t));
void table_bool(struct table *t, struct row *r, const char *column, bool value);
void table_print(struct table *t);

/* --- guard.c: against those whose namespaces are joined -------------------- */
void guard_copy(char **argv);
void guard_raise(void);
void guard_untraceable(void);
bool guard_has_terminal(void);
void guard_terminal(void);

/* --- commands ----------------------------------------------------------------- */
int cmd_status(int argc, char **argv);
int cmd_tree(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_get(int argc, char **argv);
int cmd_set(int argc, char **argv);
int cmd_limit(int argc, char **argv);
int cmd_create(int argc, char **argv);
int cmd_delete(int argc, char **argv);
int cmd_exec(int argc, char **argv);
int cmd_attach(int argc, char **argv);
int cmd_mount(int argc, char **argv);
int cmd_umount(int argc, char **argv);
int cmd_wait(int argc, char **argv);
int cmd_watch(int argc, char **argv);
int cmd_errors(int argc, char **argv);
int cmd_who(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_metrics(int argc, char **argv);
int cmd_enter(int argc, char **argv);
int cmd_save(int argc, char **argv);
int cmd_apply(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_rules(int argc, char **argv);
int cmd_top(int argc, char **argv);

/* cmd_mount.c */
struct mount_request {
	struct strings set;
	const char *name, *dir, *agent;	/* dir NULL: the default place */
	bool noprefix, clone_children, make_dir;
};
bool mount_hierarchy(const struct mount_request *r, const char **where);
/* cmd_param.c, also for create and exec: limits as they are given to limit */
bool limits_apply(const struct cont *c, char **words, size_t n, bool dry_run, bool verbose);
/* cmd_dir.c */
bool container_make(const struct cont *c, bool parents, bool *made);
/* cmd_events.c: until populated is 0 or the container is gone; false: time is over */
bool wait_empty(const struct cont *c, int64_t until);

#endif
