/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the guest tests share: TAP output, file access that answers with an
 * errno, child processes, and the container mount and module calls.
 *
 * A test is one program: setup(), cases, finish().  Only the main process
 * may print test lines; children report through their exit status or a kid
 * channel.  Functions returning int give 0 or a positive errno unless told.
 */
#ifndef TESTS_LIB_H
#define TESTS_LIB_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* errno of a system call that says -1, 0 if it did not */
#define E(call) ((call) == -1 ? errno : 0)

/* --- TAP -------------------------------------------------------------- */
bool ok_(const char *file, int line, bool cond, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
bool eq_(const char *file, int line, long got, long want, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
bool err_(const char *file, int line, int got, int want, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
bool streq_(const char *file, int line, const char *got, const char *want,
	    const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* One test line each; the value says whether it passed. */
#define ok(cond, ...) ok_(__FILE__, __LINE__, (cond), __VA_ARGS__)
#define eq(got, want, ...) eq_(__FILE__, __LINE__, (got), (want), __VA_ARGS__)
/* Two errnos (0 = success), shown by name. */
#define err(got, want, ...) err_(__FILE__, __LINE__, (got), (want), __VA_ARGS__)
/* A NULL got is a failed read: errno is shown. */
#define streq(got, want, ...) \
	streq_(__FILE__, __LINE__, (got), (want), __VA_ARGS__)

void skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* For what a test cannot go on without. */
void bail(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/*
 * A case is the call of a function. CASE() makes the call, unless CASES, which has what
 * "run" was given ("t_ns:test_m*"), names other cases of this test. "run --list" finds
 * the cases by this macro, so each stands in a line of its own.
 */
#define CASE(call) do { if (case_wanted(#call)) call; } while (0)
bool case_wanted(const char *call);

/*
 * setup(): proc, sysfs, debugfs; loads container_core and container_cpuacct.
 * setup_bare(): the same without loading anything.
 * finish(): tests that no container mount is left and that every module
 * unloads, prints the plan, exits.
 */
void setup(void);
void setup_bare(void);
void finish(void) __attribute__((noreturn));

/* --- waiting ---------------------------------------------------------- */
/* When to give up on what should come soon; the debug kernel, beside others, is slow. */
#define DEADLINE_MS (debug_kernel() ? 180000 : 30000)
long now_ms(void);
void msleep(int ms);
/* Polls cond every 5 ms until it holds or the deadline is over. */
#define wait_for(cond) ({						\
	long end_ = now_ms() + DEADLINE_MS;				\
	bool r_;							\
	while (!(r_ = (cond)) && now_ms() < end_)			\
		msleep(5);						\
	r_; })

/* --- files ------------------------------------------------------------ */
/* A formatted path; the last 32 answers of a thread stay valid. */
const char *P(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Whole file as a string, NULL and errno on failure; the last 32 stay valid. */
char *get(const char *path);
char *getfd(int fd);			/* the same, from the offset on */
char *kept(char *text);			/* the same: freed when 32 others have come */
long getnum(const char *path);		/* a number and a newline, else LONG_MIN */
/* open(O_WRONLY), one write(2), close.  A short write is EIO. */
int put(const char *path, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int putn(const char *path, const void *buf, size_t len);
int put_raw(const char *path, const char *text);	/* without a format or malloc() */
int open_err(const char *path, int flags);	/* open and close */
int mode_of(const char *path);		/* permission bits, -1 on failure */
void copy_file(const char *from, const char *to, int mode);
void write_file(const char *path, const char *text);	/* a new one */

/* --- modules ---------------------------------------------------------- */
int modprobe(const char *name);		/* 0, or modprobe's exit status */
int modinsert(const char *file, const char *args);	/* finit_module */
const char *modfile(const char *name);	/* path of NAME.ko, NULL: none */
/* A copy of NAME.ko that asks the kernel for something else than @symbol, which is not there. */
const char *modwithout(const char *name, const char *symbol);
int rmmod(const char *name);		/* delete_module, not waiting */
bool in_use(int e);			/* an errno of rmmod: it is in use */
bool modloaded(const char *name);
int unload_all(void);			/* how many container_* are left */
bool debug_kernel(void);		/* KASAN and friends: slow */
/*
 * May allocations fail for who asks for it by fail-nth, those that can wait, too? False:
 * this kernel injects no faults.
 */
bool inject_faults(bool may);
/* The N-th allocation of this thread from now on fails; 0: none. */
int fail_nth(int n);
/* How many it was from the one that would have failed; 0: it has. */
int fail_left(void);
/*
 * How long, how many: the first, or the second where SIZE=quick is asked for (make test,
 * .ci/run).  A small size meets each path at least once; the full one is for races and
 * leaks that want time.
 */
int sized(int full, int quick);

/* The names in a directory, sorted, a blank after each. */
const char *names_in(const char *dir);
/* What the kernel says of an address space: a line of /proc/PID/status, in kB. */
long status_kb(pid_t pid, const char *key);
/* What beancounters call privvmpages, by the same. */
long private_pages(pid_t pid);

/* --- containers ------------------------------------------------------- */
/* Makes DIR if need be and mounts "test" there; opts may be NULL. */
int cmount(const char *dir, const char *opts);
int cumount(const char *dir);		/* umount and remove DIR */
/* Ids listed in a tasks or procs file, ascending as read; -1 and errno. */
int ids(const char *path, pid_t **list);
int nids(const char *path);		/* their number */
bool listed(const char *path, pid_t id);
/*
 * Path of a task in the hierarchy whose /proc line begins with KEY and a
 * colon ("cpuacct", "name=x"); NULL when there is no such line.
 */
const char *where(pid_t pid, const char *key);
int movepid(const char *cont, pid_t pid);	/* write to CONT/tasks */

/*
 * The line of an active hierarchy in /proc/containers, found by what is in its
 * brackets; false if there is none.  sactive is -1 where the line has no s_active.
 */
struct hier {
	int nr, containers, sactive;
	long topcount;
	unsigned long bits;
};
bool hier(const char *set, struct hier *h);
long hooks_missed(void);		/* calls that no hook has seen; -1: no such figure */
int nhiers(void);			/* hierarchy lines, the dummy included */
/* Registered subsystems in order of id, joined with SEP. */
const char *registered(const char *sep);
/*
 * A registered subsystem beside cpuacct that a task can enter as it is, loaded if need
 * be; NULL: none.
 */
const char *other_subsys(void);

/*
 * Makes containers of this name, each in the one before, from the working directory on, which
 * then is the last of them: how many. And leaves and removes them: how many are left.
 */
int descend(const char *name, int levels);
int ascend(const char *name, int levels);

bool is_writable(const char *path);	/* a control file that takes something? */
bool is_task_list(const char *name);	/* tasks or procs? */
/*
 * A tree as text: the containers with their owners and modes, what is set in them, how many
 * are in each and what they hold. Not what changes by itself: the root's members, and
 * figures. The caller frees it.
 */
char *tree_state(const char *root);

/* --- tasks ------------------------------------------------------------ */
/*
 * All live threads of the system (zombies and dead left out), ascending;
 * and all that the tasks files of a mounted tree list, each as often as
 * listed, ascending.  The caller frees the list.
 */
int live_tasks(pid_t **list);
int tree_tasks(const char *root, pid_t **list);
/* Do they agree at this moment? */
bool lists_all(const char *root);
/*
 * Does COUNT() come to be the number of live tasks? Threads of the kernel come and go: tries
 * until two looks around it agree.
 */
bool counts_all(long (*count)(void));
char task_state(pid_t pid, pid_t tid);	/* letter in stat, 0: no such task */
/* The first task whose name begins so, such as a thread of the kernel; 0: none. */
pid_t task_named(const char *comm);

/* fork() that does not fail, of a child that dies with its parent. */
pid_t fork_bound(void);
/* A child that sleeps until killed, and dies with the test. */
pid_t sleeper(void);
void *sleep_on(void *arg);		/* the same, for pthread_create() */
/* Makes a task that ends at once, and waits for it: an errno. */
int fork_once(void);
/* For in_child(): writes "0" to FILE, tasks or procs, and forks; 0 if that says EAGAIN. */
int fork_in_vain(void *file);
/*
 * The same so often, each with a signal in the middle, which has fork start over after it
 * has asked the cgroups; one shot a fork, or it would never get through.
 */
int forks_interrupted(int count);
void reap(pid_t pid);			/* SIGKILL and wait */

/*
 * A child with a channel to the test.  Both ends send and receive ints;
 * receiving answers INT_MIN when the other side is gone or silent too long.
 */
struct kid {
	pid_t pid;
	int fd;
};
struct kid kid_start(int (*fn)(struct kid *up, void *arg), void *arg);
void kid_send(struct kid *k, int v);
int kid_recv(struct kid *k);
int kid_wait(struct kid *k);		/* close channel, wait: exit status, -signal */
/* fn in a child, to its end: exit status, -signal */
int in_child(int (*fn)(void *arg), void *arg);
int as_user(uid_t uid, int (*fn)(void *arg), void *arg);
void drop_to(uid_t uid);		/* all ids and groups of this process */
/*
 * Makes this process root of a user namespace of its own, and of other new namespaces (flags
 * of unshare); false: users may not have them here.
 */
bool enter_userns(int also);
/* sh -c SCRIPT in a container, as a user: exit status, -signal */
int run_in(const char *dir, uid_t uid, const char *script);
void *mmap_shared(size_t size);		/* zeroed, shared with children */
int send_fd(int sock, int fd);
int recv_fd(int sock);			/* -1: none came */

/* --- kernel log ------------------------------------------------------- */
int kmsg_open(void);			/* from now on */
/* Lines since then which are warnings or ours; *text gets them (get() ring). */
int kmsg_lines(int fd, char **text);

#endif
