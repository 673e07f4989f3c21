/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of ns share: actors, which are processes that make namespaces as they are
 * told, and note where they are.
 */
#ifndef TESTS_ACTORS_H
#define TESTS_ACTORS_H

#include <limits.h>
#include "lib.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
#define M "/tmp/m"

#define PARAM "/sys/module/container_ns/parameters/"

/* Of the hierarchy's line in /proc/<pid>/container. */
extern const char *set;
/* Of its line in /proc/containers. */
extern const char *listing;

static const char *const links[] = {
	"mnt", "cgroup", "uts", "ipc", "user", "pid", "net", "time",
	"pid_for_children", "time_for_children",
};

/* A namespace of a task, as the kernel calls it; "" if it has no such. */
const char *ns_of(pid_t pid, const char *link);
const char *at(pid_t pid);
bool gone(const char *path);

/* Directories below one. */
int dirs(const char *path);

/* Removes what is below one and has no members. */
void prune(const char *path);

/* Those that remove themselves need not have finished when their tasks have. */
void prune_all(void);

enum { A_NOTHING, A_UNSHARE, A_SPAWN, A_SETNS, A_EXIT };

struct actor {
	int cmd;		/* to do; A_NOTHING when it is done */
	unsigned long arg;
	int arg2;
	char name[32];
	int result;		/* an errno */
	pid_t pid;		/* in the initial namespace */
	char path[PATH_MAX];	/* where it was, first thing in user space */
};
#define ACTORS 64
extern struct actor *actors;

/* The stage for so many. */
void begin_actors(void);

extern int nactors;

/* Where the caller is, without much ado before. */
int open_path(void);

/* From what open_path() has given. */
void note_path_of(struct actor *a, int fd);
void note_path(struct actor *a);

/* As fork(), with flags. The child has not touched anything when it returns. */
pid_t clone_flags(unsigned long f);

/* Tells an actor to do something and waits until it is done. */
int tell(struct actor *a, int cmd, unsigned long arg, int arg2);
int unshares(struct actor *a, unsigned long f);

/* A child of the test's. */
struct actor *actor(void);

/* A child of an actor's, made by clone(2) with flags; NULL and an errno. */
struct actor *spawn(struct actor *a, unsigned long f, int *error);

/* The end of all actors; the containers they leave are removed. */
void curtain(void);

/* Nobody is in it any more, or it has gone with the last of them. */
bool left(const char *cont);

struct thread {
	pid_t tid;
	int result;
	bool go;
	char path[PATH_MAX];
};
void thread_note(struct thread *t);
void *unsharing_thread(void *arg);

/* Lines of ns's in the log since then; the file is read to its end. */
int complaints(int fd);

/* How many tasks have namespaces, but no container of their own, since the module came. */
long without(void);
void mount_all(void);

#endif
