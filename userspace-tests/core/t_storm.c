// SPDX-License-Identifier: GPL-2.0
/*
 * Membership under a storm (STORM_SECONDS, default 60, quick 15): forks, vforks,
 * threads, clones, execs and kills beside moves, mkdir, rmdir, flags, mounts,
 * module loads and readers, on all CPUs.  Some things must hold all the time,
 * and are checked by the workers; when all is quiet again, the tasks files
 * must list exactly the live tasks and every count must be back.
 *
 * Containers of both hierarchies:
 *	d0.. with e0..	come and go; storm workers live there and are moved
 *	S		fixed sleepers that nobody moves, and churn around them
 *	A, B		one task goes back and forth between them
 *	inh, ex1, ex2	tasks that nobody else moves, to check inheritance
 *	K		made, filled and removed with kill_on_rmdir
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include "lib.h"

#define BASE "/tmp/storm"
#define H1 BASE "/acct"
#define H2 BASE "/x"
#define NDIRS 12
#define NSUBS 3
#define SLEEPERS 3		/* processes of */
#define SLEEPER_THREADS 60
#define MAX_PID (1 << 22)

static const char *const roots[] = { H1, H2 };

/* What is counted; each kind of work must happen at all. */
enum kind {
	FORKS, VFORKS, THREADS, CLONES, EXECS, KILLS, MOVES, MKDIRS, RMDIRS,
	FLAGS, MOUNTS, TREE_KILLS, READS, PROC_READS, SNAPSHOTS, BOUNCES,
	INHERITS, MODULES, NKINDS
};

static const char *const kind_name[NKINDS] = {
	"forks", "vforks", "threads", "clones", "execs by a thread",
	"kills of forking processes", "moves", "mkdirs", "rmdirs",
	"flag changes", "mounts and unmounts", "removals with kill_on_rmdir",
	"reads of control files", "reads of /proc", "snapshots of S",
	"checks of the task between A and B", "checks of inheritance",
	"loads and unloads of a module",
};

static struct shared {
	volatile bool stop;
	long done[NKINDS], bad[NKINDS];
	long nmsgs;
	char msg[40][200];
	pid_t bouncer;
	long kround;
	/* tids that movers leave alone */
	unsigned char protected[MAX_PID / 8];
} *sh;

static pid_t sleeper_tids[SLEEPERS * SLEEPER_THREADS];
static pid_t *kthreads;
static int nkthreads;
static const char *other_modules[16];
static int nothers;

static void done(enum kind k)
{
	__atomic_add_fetch(&sh->done[k], 1, __ATOMIC_RELAXED);
}

__attribute__((format(printf, 2, 3)))
static void bad(enum kind k, const char *fmt, ...)
{
	long n = __atomic_fetch_add(&sh->nmsgs, 1, __ATOMIC_RELAXED);
	va_list ap;

	__atomic_add_fetch(&sh->bad[k], 1, __ATOMIC_RELAXED);
	if (n >= (long)ARRAY_SIZE(sh->msg))
		return;
	va_start(ap, fmt);
	vsnprintf(sh->msg[n], sizeof(sh->msg[n]), fmt, ap);
	va_end(ap);
}

static void protect(pid_t tid)
{
	__atomic_or_fetch(&sh->protected[tid / 8], 1 << tid % 8,
			  __ATOMIC_RELAXED);
}

static bool is_protected(pid_t tid)
{
	return sh->protected[tid / 8] & 1 << tid % 8;
}

static uint32_t rnd(void)
{
	static __thread uint64_t s;

	if (!s)
		s = gettid() * 0x9e3779b97f4a7c15ull + now_ms();
	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s >> 32;
}

/* One of the containers that come and go, or S. */
static const char *some_dir(void)
{
	const char *root = roots[rnd() % ARRAY_SIZE(roots)];
	unsigned int r = rnd();

	if (r % 16 == 0)
		return P("%s/S", root);
	if (r % 3 == 0)
		return P("%s/d%u/e%u", root, rnd() % NDIRS, rnd() % NSUBS);
	return P("%s/d%u", root, rnd() % NDIRS);
}

/* errno of a move into a container that may go away, of a task that may. */
static bool move_errno(int e)
{
	return !e || e == ENOENT || e == ENODEV || e == ESRCH;
}

static void move_self(void)
{
	const char *dir = some_dir();
	int e = movepid(dir, 0);

	if (!move_errno(e))
		bad(MOVES, "moving oneself to %s: %s", dir, strerror(e));
}

/* --- tasks that come and go --------------------------------------------- */

/* Every worker is a process that ends when the storm does. */
static bool on(void)
{
	return !sh->stop;
}

static void tree_of_forks(int depth)
{
	int n = 1 + rnd() % 2;
	pid_t pid[2];

	for (int i = 0; i < n; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			if (depth > 1)
				tree_of_forks(depth - 1);
			else if (rnd() % 4 == 0)
				move_self();
			_exit(0);
		}
		if (pid[i] > 0)
			done(FORKS);
	}
	for (int i = 0; i < n; i++)
		if (pid[i] > 0 && rnd() % 8)	/* some orphans */
			waitpid(pid[i], NULL, 0);
}

static void forker(int id)
{
	while (on()) {
		if (rnd() % 4 == 0)
			move_self();
		tree_of_forks(1 + id % 4);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

/* A function of its own, for vfork() returns twice into its caller. */
static __attribute__((noinline)) pid_t vfork_one(bool exec)
{
	pid_t pid = vfork();

	if (!pid) {
		if (exec)
			execl("/proc/thread-self/exe", "storm", "nop", NULL);
		_exit(0);
	}
	return pid;
}

static void vforker(int id)
{
	pid_t pid;

	while (on()) {
		if (rnd() % 8 == 0)
			move_self();
		pid = vfork_one(id % 2 && rnd() % 4 == 0);
		if (pid > 0)
			done(VFORKS);
		waitpid(pid, NULL, 0);
	}
}

static void *short_thread(void *arg)
{
	if (rnd() % 8 == 0)
		move_self();
	if (arg && rnd() % 8 == 0) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	return NULL;
}

static void threader(int id)
{
	pthread_attr_t attr;
	pthread_t t[8];
	int n;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	while (on()) {
		pid_t pid;

		/* a whole process that ends with threads still running */
		if (rnd() % 4 == 0 && !(pid = fork())) {
			for (int i = 0; i < 4; i++)
				pthread_create(&t[i], &attr, short_thread, NULL);
			_exit(0);
		}
		for (n = 0; n < 8; n++)
			if (pthread_create(&t[n], &attr, short_thread,
					   id % 2 ? &attr : NULL))
				break;
		for (int i = 0; i < n; i++) {
			pthread_join(t[i], NULL);
			done(THREADS);
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

static char clone_stack[4][32768] __attribute__((aligned(64)));

static int clone_child(void *arg)
{
	(void)arg;
	_exit(0);
}

static void cloner(int id)
{
	static const int flags[] = {
		SIGCHLD, SIGCHLD | CLONE_FILES, SIGCHLD | CLONE_FS | CLONE_VM,
		SIGCHLD | CLONE_NEWPID, SIGCHLD | CLONE_NEWUTS | CLONE_NEWIPC,
		SIGCHLD | CLONE_VM | CLONE_VFORK, SIGCHLD | CLONE_SIGHAND |
		CLONE_VM,
		/* these fail, before and after the hooks have seen them */
		SIGCHLD | CLONE_THREAD, SIGCHLD | CLONE_SIGHAND,
		SIGCHLD | CLONE_PIDFD | CLONE_NEWPID | CLONE_NEWNS,
	};
	struct {
		uint64_t flags, pidfd, child_tid, parent_tid, exit_signal,
			 stack, stack_size, tls, set_tid, set_tid_size, cgroup;
	} args;
	pid_t pid, tid1 = 1;

	(void)id;
	while (on()) {
		if (rnd() % 8 == 0)
			move_self();
		for (int i = 0; i < 4; i++) {
			pid = clone(clone_child, clone_stack[i] + 32768,
				    flags[rnd() % ARRAY_SIZE(flags)], NULL,
				    NULL, NULL, NULL);
			if (pid > 0)
				done(CLONES);
		}
		/* a pid that is taken: refused in the middle of copy_process */
		memset(&args, 0, sizeof(args));
		args.exit_signal = SIGCHLD;
		args.set_tid = (uint64_t)&tid1;
		args.set_tid_size = 1;
		pid = syscall(SYS_clone3, &args, sizeof(args));
		if (!pid)
			_exit(0);
		/* a namespace whose init is gone: refused at the very end */
		if (rnd() % 16 == 0 && !(pid = fork())) {
			if (!unshare(CLONE_NEWPID)) {
				if (!(pid = fork()))
					_exit(0);
				waitpid(pid, NULL, 0);
				if (!(pid = fork()))
					_exit(0);
			}
			_exit(0);
		}
		/* the stacks are used again, and some children share them */
		while (waitpid(-1, NULL, __WALL) > 0)
			;
	}
}

/* Killed at any moment: in the middle of fork most of the time. */
static void victim(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		if (rnd() % 8 == 0)
			move_self();
		if (rnd() % 2) {
			pid_t pid = fork();

			if (!pid)
				_exit(0);
			waitpid(pid, NULL, rnd() % 2 ? WNOHANG : 0);
		} else {
			pthread_t t;

			if (!pthread_create(&t, NULL, short_thread, NULL))
				pthread_detach(t);
		}
	}
}

static void killer(int id)
{
	(void)id;
	while (on()) {
		pid_t pid[3];

		for (int i = 0; i < 3; i++)
			if (!(pid[i] = fork()))
				victim();
		usleep(rnd() % 100000);
		for (int i = 0; i < 3; i++)
			if (pid[i] > 0) {
				kill(pid[i], SIGKILL);
				waitpid(pid[i], NULL, 0);
				done(KILLS);
			}
	}
}

/* Never moves: a move of "procs" would take the other threads along. */
static void *quiet_thread(void *arg)
{
	for (;;) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	return arg;
}

/*
 * The thread that calls exec takes over the leader's id; it, and not the
 * leader, decides where the process is afterwards.
 */
static void *exec_thread(void *arg)
{
	for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
		if (movepid(P("%s/ex2", roots[i]), 0))
			_exit(2);
	if (rnd() % 2)
		usleep(rnd() % 2000);
	execl("/proc/thread-self/exe", "storm", "ex2", NULL);
	_exit(3);
	return arg;
}

static void execer(int id)
{
	int st;

	(void)id;
	while (on()) {
		pid_t pid = fork();

		if (!pid) {
			pthread_t t[2];

			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
				if (movepid(P("%s/ex1", roots[i]), 0))
					_exit(1);
			pthread_create(&t[0], NULL, quiet_thread, NULL);
			pthread_create(&t[1], NULL, exec_thread, NULL);
			if (rnd() % 2)
				pthread_exit(NULL);	/* a dead leader */
			for (;;)
				pause();
		}
		if (waitpid(pid, &st, 0) == pid && st)
			bad(EXECS, "after exec by a thread: status %#x", st);
		done(EXECS);
	}
}

/* What the execed program says of itself: in DIR everywhere, once. */
static int check_where(const char *dir)
{
	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		const char *at = where(0, i ? "name=x" : "cpuacct");

		if (!at || strcmp(at, P("/%s", dir)))
			return 10 + i;
		if (!listed(P("%s/%s/tasks", roots[i], dir), gettid()))
			return 20 + i;
	}
	return 0;
}

/* --- those who disturb them ----------------------------------------------- */

/* A task of a container that comes and goes, or a kernel thread. */
static pid_t some_task(bool process)
{
	pid_t *l, id = 0;
	int n;

	if (rnd() % 16 == 0 && nkthreads)
		return kthreads[rnd() % nkthreads];
	n = ids(P("%s/%s", some_dir(), process ? "procs" : "tasks"), &l);
	if (n > 0)
		id = l[rnd() % n];
	free(l);
	return is_protected(id) ? 0 : id;
}

static void mover(int id)
{
	(void)id;
	while (on()) {
		bool process = rnd() % 3 == 0;
		pid_t tid = some_task(process);
		const char *dir;
		int e;

		if (!tid && rnd() % 8)		/* 0: the mover itself */
			continue;
		/* now and then back to the root */
		dir = rnd() % 8 ? some_dir() : roots[rnd() % 2];
		e = put(P("%s/%s", dir, process ? "procs" : "tasks"), "%d",
			tid);
		if (!move_errno(e))
			bad(MOVES, "moving %d to %s: %s", tid, dir,
			    strerror(e));
		done(MOVES);
	}
}

static void director(int id)
{
	(void)id;
	while (on()) {
		const char *dir = some_dir();
		int e;

		if (strstr(dir, "/S"))
			continue;
		if (rnd() % 2) {
			e = E(mkdir(dir, 0755));
			if (e && e != EEXIST && e != ENOENT && e != ENODEV)
				bad(MKDIRS, "mkdir %s: %s", dir, strerror(e));
			if (!e)
				done(MKDIRS);
		} else {
			e = E(rmdir(dir));
			if (e && e != EBUSY && e != ENOENT)
				bad(RMDIRS, "rmdir %s: %s", dir, strerror(e));
			if (!e)
				done(RMDIRS);
		}
		if (rnd() % 16 == 0) {
			e = E(rename(dir, P("%s-new", dir)));
			if (!e)
				rename(P("%s-new", dir), dir);
			/* what could not be renamed back goes when it can */
			rmdir(P("%s-new", dir));
		}
	}
}

static void flagger(int id)
{
	static const char *const flag[] = { "notify_on_release", "auto_delete" };

	(void)id;
	while (on()) {
		const char *dir = some_dir();
		int e;

		if (strstr(dir, "/S"))
			continue;
		e = put(P("%s/%s", dir, flag[rnd() % 2]), "%d", rnd() % 3 == 0);
		if (e && e != ENOENT && e != ENODEV)
			bad(FLAGS, "flags of %s: %s", dir, strerror(e));
		done(FLAGS);
		usleep(rnd() % 2000);
	}
}

static void mounter(int id)
{
	const char *dir = strdup(P("%s/y%d", BASE, id));
	const char *mine = strdup(P("%s/m%d", dir, id)), *at;
	int e, e2;

	while (on()) {
		e = cmount(dir, "none,name=y");
		if (e) {
			bad(MOUNTS, "mount of y: %s", strerror(e));
			msleep(10);
			continue;
		}
		e = E(mkdir(mine, 0755));
		e2 = e == EEXIST || !e ? movepid(mine, 0) : e;
		if (e2)
			bad(MOUNTS, "a container in y: %s", strerror(e2));
		else if (!(at = where(0, "name=y")) ||
			 strcmp(at, P("/m%d", id)))
			bad(MOUNTS, "moved to /m%d in y, found in %s", id, at);
		movepid(mine, some_task(false));
		if (nids(P("%s/tasks", mine)) < 1)
			bad(MOUNTS, "%s/tasks is empty", mine);
		if (movepid(dir, 0))
			bad(MOUNTS, "no way back in y");
		for (int i = 0; i < 50 && rmdir(mine); i++) {
			pid_t *l;
			int n = ids(P("%s/tasks", mine), &l);

			while (n > 0)
				movepid(dir, l[--n]);
			free(l);
		}
		e = E(umount(dir));
		if (e)
			bad(MOUNTS, "umount of y: %s", strerror(e));
		done(MOUNTS);
	}
}

/* Members of K and their children, until killed or its round is over. */
static void doomed(const char *root, long round)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (movepid(P(rnd() % 2 ? "%s/K" : "%s/K/sub", root), 0))
		_exit(1);
	while (sh->kround == round && on()) {
		pid_t pid = fork();

		if (!pid) {
			if (rnd() % 2)
				usleep(rnd() % 5000);
			_exit(0);
		}
		if (rnd() % 2)
			waitpid(pid, NULL, 0);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	_exit(0);
}

static void tree_killer(int id)
{
	const char *root = roots[id % 2];
	char *k = strdup(P("%s/K", root));
	int e, n;

	while (on()) {
		pid_t pid[4];

		e = E(mkdir(k, 0755));
		if (e)
			bad(TREE_KILLS, "mkdir %s: %s", k, strerror(e));
		e = put(P("%s/kill_on_rmdir", k), "1");
		if (e)
			bad(TREE_KILLS, "kill_on_rmdir: %s", strerror(e));
		mkdir(P("%s/sub", k), 0755);
		for (n = 0; n < 4; n++)
			if (!(pid[n] = fork()))
				doomed(root, sh->kround);
		usleep(rnd() % 100000);
		e = E(rmdir(k));
		if (e)
			bad(TREE_KILLS, "rmdir of %s: %s", k, strerror(e));
		else if (!access(k, F_OK))
			bad(TREE_KILLS, "%s is still there", k);
		/* those that came too late are still alive */
		sh->kround++;
		for (int i = 0; i < n; i++)
			waitpid(pid[i], NULL, 0);
		done(TREE_KILLS);
	}
	rmdir(k);
}

static void moduler(int id)
{
	int e;

	(void)id;
	while (on()) {
		e = rmmod("container_cpuacct");
		if (e != EAGAIN && e != EBUSY)
			bad(MODULES, "rmmod of a bound subsystem: %s",
			    strerror(e));
		if (!rmmod("container_core"))
			bad(MODULES, "the core unloaded in use");
		if (nothers) {
			const char *m = other_modules[rnd() % nothers];

			if (modprobe(m))
				bad(MODULES, "%s does not load", m);
			usleep(rnd() % 20000);
			e = rmmod(m);
			if (e && e != EAGAIN && e != EBUSY && e != ENOENT)
				bad(MODULES, "rmmod %s: %s", m, strerror(e));
		}
		done(MODULES);
		usleep(rnd() % 50000);
	}
}

/* --- those who watch -------------------------------------------------------- */

/*
 * A list read in pieces of SIZE bytes; -1 and errno.  Being ascending, with
 * no id twice, is part of reading it.
 */
static int read_ids(enum kind k, const char *path, int size, pid_t **list)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), n = 0, room = 0;
	char buf[4096];
	pid_t cur = 0, last = 0;
	ssize_t r;

	*list = NULL;
	if (fd < 0)
		return -1;
	while ((r = read(fd, buf, size)) > 0)
		for (ssize_t i = 0; i < r; i++) {
			if (buf[i] != '\n') {
				cur = cur * 10 + buf[i] - '0';
				continue;
			}
			if (cur <= last)
				bad(k, "%s: %d after %d", path, cur, last);
			if (n == room)
				*list = realloc(*list, (room += 256) *
						sizeof(**list));
			(*list)[n++] = last = cur;
			cur = 0;
		}
	if (r < 0) {
		int e = errno;

		if (e != ENODEV)
			bad(k, "reading %s: %s", path, strerror(e));
		close(fd);
		errno = e;
		return -1;
	}
	close(fd);
	return n;
}

static const char *const files[] = {
	"tasks", "procs", "notify_on_release", "auto_delete", "kill_on_rmdir",
	"cpuacct.usage_ns", "cpuacct.usage_subtree_ns", "cpuacct.stat",
	"cpuacct.usage_percpu", "cpuacct.load", "cpuacct.usage",
};

static void reader(int id)
{
	(void)id;
	while (on()) {
		unsigned int f = rnd() % (ARRAY_SIZE(files) + 4);
		const char *dir = rnd() % 8 ? some_dir() : roots[rnd() % 2];
		pid_t *l;
		DIR *d;

		if (f >= ARRAY_SIZE(files))
			f = rnd() % 2;
		if (f < 2) {
			if (read_ids(READS, P("%s/%s", dir, files[f]),
				     1 + rnd() % 4096, &l) < 0 &&
			    errno != ENOENT && errno != ENODEV)
				bad(READS, "%s/%s: %s", dir, files[f],
				    strerror(errno));
			free(l);
		} else if (!get(P("%s/%s", dir, files[f])) &&
			   errno != ENOENT && errno != ENODEV) {
			bad(READS, "%s/%s: %s", dir, files[f], strerror(errno));
		}
		if (rnd() % 16 == 0 && (d = opendir(dir))) {
			while (readdir(d))
				;
			closedir(d);
		}
		done(READS);
	}
}

static void proc_reader(int id)
{
	(void)id;
	while (on()) {
		pid_t tid = some_task(false);
		struct dirent *e;
		bool seen = false;
		char *s;
		DIR *d;

		if (tid) {
			s = get(P("/proc/%d/container", tid));
			if (!s && errno != ENOENT && errno != ESRCH)
				bad(PROC_READS, "/proc/%d/container: %s", tid,
				    strerror(errno));
			if (s && (!strstr(s, "cpuacct:/") ||
				  !strstr(s, "name=x:/")))
				bad(PROC_READS, "/proc/%d/container: %s", tid,
				    s);
		}
		s = get("/proc/containers");
		if (!s || strncmp(s, "Hierarchies:\n", 13) ||
		    !strstr(s, "(cpuacct)"))
			bad(PROC_READS, "/proc/containers: %s", s);
		if (rnd() % 8 == 0 && (d = opendir("/proc/thread-self"))) {
			while ((e = readdir(d)))
				seen |= !strcmp(e->d_name, "container");
			closedir(d);
			if (!seen)
				bad(PROC_READS, "container is not in a listing");
		}
		done(PROC_READS);
	}
}

static void snapshooter(int id)
{
	(void)id;
	while (on()) {
		const char *path = P("%s/S/tasks", roots[rnd() % 2]);
		pid_t *l;
		int n = read_ids(SNAPSHOTS, path, rnd() % 4 ? 4096 :
				 1 + rnd() % 40, &l), i = 0;
		size_t s = 0;

		/* both lists ascend */
		for (; i < n && s < ARRAY_SIZE(sleeper_tids); i++)
			if (l[i] == sleeper_tids[s])
				s++;
		if (s < ARRAY_SIZE(sleeper_tids))
			bad(SNAPSHOTS, "%s: sleeper %d is not in a list of %d",
			    path, sleeper_tids[s], n);
		free(l);
		done(SNAPSHOTS);
	}
}

/* Fills S with company for the sleepers. */
static void churner(int id)
{
	(void)id;
	while (on()) {
		pid_t pid[8];

		for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
			movepid(P("%s/S", roots[i]), 0);
		for (int i = 0; i < 8; i++)
			if (!(pid[i] = fork()))
				_exit(0);
		for (int i = 0; i < 8; i++)
			waitpid(pid[i], NULL, 0);
		done(FORKS);
	}
}

static void bouncer(int id)
{
	bool b = false;

	(void)id;
	while (on()) {
		b = !b;
		for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
			int e = movepid(P("%s/%c", roots[i], b ? 'B' : 'A'),
					sh->bouncer);

			if (e)
				bad(BOUNCES, "moving %d to %c: %s", sh->bouncer,
				    b ? 'B' : 'A', strerror(e));
		}
	}
}

/* The task between A and B is never seen anywhere else. */
static void bounce_watcher(int id)
{
	(void)id;
	while (on()) {
		static const char *const keys[] = { "cpuacct", "name=x" };
		unsigned int h = rnd() % 2;
		const char *at = where(sh->bouncer, keys[h]);
		const char *dir;

		if (!at || (strcmp(at, "/A") && strcmp(at, "/B")))
			bad(BOUNCES, "the task between A and B is in %s", at);
		dir = rnd() % 2 ? roots[h] : P("%s/S", roots[h]);
		if (listed(P("%s/tasks", dir), sh->bouncer))
			bad(BOUNCES, "the task between A and B is listed in %s",
			    dir);
		done(BOUNCES);
	}
}

static void *inherit_thread(void *arg)
{
	*(int *)arg = check_where("inh");
	return NULL;
}

static void inheriter(int id)
{
	(void)id;
	for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
		if (movepid(P("%s/inh", roots[i]), 0))
			bad(INHERITS, "cannot enter inh");
	while (on()) {
		pid_t pid = fork();
		int st = 0;

		if (!pid) {
			pthread_t t;
			int r = 0;

			if (rnd() % 2)
				r = check_where("inh");
			else if (!pthread_create(&t, NULL, inherit_thread, &r))
				pthread_join(t, NULL);
			if (!r && rnd() % 2)
				vfork_one(false);
			_exit(r);
		}
		waitpid(pid, &st, 0);
		if (st)
			bad(INHERITS, "a child of inh: status %#x", st);
		done(INHERITS);
	}
}

/* --- the whole -------------------------------------------------------------- */

static const struct worker {
	void (*run)(int id);
	int count;
} workers[] = {
	{ forker, 4 }, { vforker, 2 }, { threader, 2 }, { cloner, 1 },
	{ killer, 1 }, { execer, 1 }, { mover, 3 }, { director, 2 },
	{ flagger, 1 }, { mounter, 2 }, { tree_killer, 2 }, { moduler, 1 },
	{ reader, 2 }, { proc_reader, 1 }, { snapshooter, 1 }, { churner, 1 },
	{ bouncer, 1 }, { bounce_watcher, 1 }, { inheriter, 1 },
};

static pid_t start(void (*run)(int id), int id)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		bail("fork: %s", strerror(errno));
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		run(id);
	_exit(0);
}

static void *sleeper_thread(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void sleeper_process(int id)
{
	pthread_attr_t attr;
	pthread_t t;

	(void)id;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 16384);
	for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
		if (movepid(P("%s/S", roots[i]), 0))
			_exit(1);
	for (int i = 1; i < SLEEPER_THREADS; i++)
		if (pthread_create(&t, &attr, sleeper_thread, NULL))
			_exit(1);
	sleeper_thread(NULL);
}

static void find_kthreads(void)
{
	pid_t *l;
	int n = live_tasks(&l);

	kthreads = calloc(n, sizeof(*kthreads));
	for (int i = 0; i < n; i++) {
		char *s = get(P("/proc/%d/cmdline", l[i]));

		/* pid 1 and the harness have command lines */
		if (s && !*s)
			kthreads[nkthreads++] = l[i];
		else
			protect(l[i]);
	}
	free(l);
}

static int module_visit(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	const char *name = path + ftw->base, *end = strstr(name, ".ko");

	(void)st;
	if (type == FTW_F && end && nothers < (int)ARRAY_SIZE(other_modules) &&
	    !strncmp(name, "container_", 10) &&
	    strncmp(name, "container_core.", 15) &&
	    strncmp(name, "container_cpuacct.", 18))
		other_modules[nothers++] = strndup(name, end - name);
	return 0;
}

/* Subsystems beside cpuacct: loaded and unloaded, never mounted here. */
static void find_modules(void)
{
	struct utsname u;

	uname(&u);
	nftw(P("/lib/modules/%s/updates", u.release), module_visit, 8,
	     FTW_PHYS);
	for (int i = 0; i < nothers; i++)
		diag("loaded and unloaded meanwhile: %s", other_modules[i]);
}

static void build(void)
{
	static const char *const dirs[] = { "S", "A", "B", "inh", "ex1", "ex2" };

	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		for (size_t d = 0; d < ARRAY_SIZE(dirs); d++)
			if (mkdir(P("%s/%s", roots[i], dirs[d]), 0755))
				bail("mkdir %s: %s", dirs[d], strerror(errno));
		put(P("%s/release_agent", roots[i]), "/bin/true");
		for (int d = 0; d < NDIRS; d++)
			mkdir(P("%s/d%d", roots[i], d), 0755);
	}
}

static bool same(const pid_t *a, int na, const pid_t *b, int nb)
{
	return na == nb && !memcmp(a, b, na * sizeof(*a));
}

/*
 * The tasks files against /proc, which is read before and after them: a
 * kworker or the agent's process may come or go in between, and then it is
 * done again.  What is really lost or listed twice does not go away by that.
 */
static bool exact(const char *root)
{
	pid_t *a = NULL, *b = NULL, *t = NULL;
	int na = 0, nb = 0, nt = 0, i, j;

	for (int try = 0; try < 100; try++) {
		free(a);
		free(b);
		free(t);
		na = live_tasks(&a);
		nt = tree_tasks(root, &t);
		nb = live_tasks(&b);
		if (same(a, na, b, nb) && same(a, na, t, nt)) {
			free(a);
			free(b);
			free(t);
			return true;
		}
		msleep(100);
	}
	for (i = j = 0; i < nb || j < nt;) {
		if (j < nt && j && t[j] == t[j - 1])
			diag("%s: %d twice", root, t[j++]);
		else if (i < nb && (j == nt || b[i] < t[j]))
			diag("%s: %d is missing: %s", root, b[i],
			     get(P("/proc/%d/stat", b[i]))), i++;
		else if (j < nt && (i == nb || t[j] < b[i]))
			diag("%s: %d does not live: %s", root, t[j],
			     get(P("/proc/%d/stat", t[j]))), j++;
		else
			i++, j++;
	}
	free(a);
	free(b);
	free(t);
	return false;
}

/* Members of the root, plus one. */
static bool topcount_right(const char *set, const char *root)
{
	struct hier h = { 0 };
	int n = 0;

	for (int try = 0; try < 100; try++) {
		n = nids(P("%s/tasks", root));
		if (hier(set, &h) && h.topcount == n + 1)
			return true;
		msleep(50);
	}
	diag("topcount=%ld with %d members in the root", h.topcount, n);
	return false;
}

/*
 * All below DIR, members to its root; how many containers are left. It takes more
 * than one look where kthreadd is, which has a new child now and then.
 */
static int clear(const char *root, const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int left = 0;

	while (d && (e = readdir(d))) {
		char *sub;
		pid_t *l;
		int n;

		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		if (asprintf(&sub, "%s/%s", dir, e->d_name) < 0)
			abort();
		left += clear(root, sub);
		put(P("%s/auto_delete", sub), "0");
		for (int tries = 0; tries < 100; tries++) {
			n = ids(P("%s/tasks", sub), &l);
			for (int i = 0; i < n; i++)
				movepid(root, l[i]);
			free(l);
			if (n <= 0)
				break;
		}
		if (rmdir(sub) && errno != ENOENT) {
			diag("rmdir %s: %s", sub, strerror(errno));
			n = ids(P("%s/tasks", sub), &l);
			for (int i = 0; i < n; i++)
				diag("its task: %s", get(P("/proc/%d/stat", l[i])));
			free(l);
			left++;
		}
		free(sub);
	}
	if (d)
		closedir(d);
	return left;
}

static long missed(void)
{
	char *s = get("/proc/containers");
	long sum = 0;

	if (!s || !strstr(s, "missed="))
		return -1;
	while ((s = strstr(s, "missed="))) {
		s += 7;
		sum += atol(s);
	}
	return sum;
}

static void check_containers_left(void)
{
	struct hier h = { 0 };

	eq(clear(H1, H1), 0, "every container of cpuacct can be removed");
	eq(clear(H2, H2), 0, "every container of x can be removed");
	ok(hier("cpuacct", &h) && h.containers == 1,
	   "cpuacct counts its root container only");
}

/* What the mounters may have left in y. */
static void dissolve_y(void)
{
	const char *dir = BASE "/y";

	if (cmount(dir, "none,name=y") == 0) {
		clear(dir, dir);
		ok(exact(dir), "y: its tasks are the live tasks");
		err(cumount(dir), 0, "y unmounts");
	}
}

/* What still runs two minutes after the end is stuck. */
static int wait_workers(const pid_t *pids, int n)
{
	long end = now_ms() + 120000;
	int left;

	do {
		left = 0;
		while (waitpid(-1, NULL, __WALL | WNOHANG) > 0)
			;
		for (int i = 0; i < n; i++)
			left += !kill(pids[i], 0);
		msleep(10);
	} while (left && now_ms() < end);
	for (int i = 0; i < n; i++)
		if (!kill(pids[i], 0))
			diag("worker %d: %s%s", i,
			     get(P("/proc/%d/stat", pids[i])),
			     get(P("/proc/%d/stack", pids[i])));
	return left;
}

/* Everything that the storm started, orphans included. */
static int wait_all(void)
{
	long end = now_ms() + 60000;
	int left = 0;
	pid_t pid;

	while ((pid = waitpid(-1, NULL, __WALL | WNOHANG)) >= 0 &&
	       now_ms() < end)
		if (!pid)
			msleep(10);
	if (pid < 0)
		return 0;
	for (pid_t *l, i = 0, n = live_tasks(&l); i < n; i++)
		if (l[i] > getpid() && !is_protected(l[i])) {
			diag("%d: %s%s", l[i], get(P("/proc/%d/stat", l[i])),
			     get(P("/proc/%d/stack", l[i])));
			left++;
		}
	return left;
}

int main(int argc, char **argv)
{
	int seconds = getenv("STORM_SECONDS") ? atoi(getenv("STORM_SECONDS")) :
		      sized(60, 15), n = 0;
	pid_t sleepers[SLEEPERS], bounced;
	pid_t pids[64];
	long end, before, total;
	size_t s = 0;

	if (argc > 1)
		return strcmp(argv[1], "nop") ? check_where(argv[1]) : 0;
	setup();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	/* ids must not come back while somebody holds an old list */
	put("/proc/sys/kernel/pid_max", "%d", MAX_PID);
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED)
		bail("mmap: %s", strerror(errno));
	protect(0);
	find_kthreads();
	find_modules();
	mkdir(BASE, 0755);
	if (!err(cmount(H1, "cpuacct"), 0, "mount cpuacct") ||
	    !err(cmount(H2, "none,name=x"), 0, "mount x"))
		finish();
	build();
	eq(missed(), 0, "no hook has missed a call");

	for (int i = 0; i < SLEEPERS; i++)
		sleepers[i] = start(sleeper_process, i);
	ok(wait_for(nids(H1 "/S/tasks") == ARRAY_SIZE(sleeper_tids) &&
		    nids(H2 "/S/tasks") == ARRAY_SIZE(sleeper_tids)),
	   "%zu sleepers are in S", ARRAY_SIZE(sleeper_tids));
	for (pid_t *l, i = 0, k = ids(H1 "/S/tasks", &l); i < k &&
	     s < ARRAY_SIZE(sleeper_tids); i++) {
		protect(l[i]);
		sleeper_tids[s++] = l[i];
	}
	bounced = sh->bouncer = sleeper();
	protect(bounced);
	for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
		err(movepid(P("%s/A", roots[i]), bounced), 0,
		    "the task between A and B is in %s/A", roots[i]);

	diag("a storm of %d s on %ld CPUs", seconds,
	     sysconf(_SC_NPROCESSORS_ONLN));
	end = now_ms() + seconds * 1000L;
	for (size_t w = 0; w < ARRAY_SIZE(workers); w++)
		for (int i = 0; i < workers[w].count; i++, n++)
			pids[n] = start(workers[w].run, i);
	for (before = -1; now_ms() < end; before = total) {
		msleep(end - now_ms() < 10000 ? end - now_ms() + 1 : 10000);
		total = 0;
		for (int k = 0; k < NKINDS; k++)
			total += sh->done[k];
		if (total == before)
			diag("nothing moves: %ld", total);
	}
	sh->stop = true;
	/* those who watch come to their end before the watched do */
	eq(wait_workers(pids, n), 0, "all workers have ended");
	for (int i = 0; i < SLEEPERS; i++)
		kill(sleepers[i], SIGKILL);
	kill(bounced, SIGKILL);
	eq(wait_all(), 0, "all that the storm started has ended");

	for (int k = 0; k < NKINDS; k++) {
		ok(sh->done[k] > 0, "%s: %ld", kind_name[k], sh->done[k]);
		eq(sh->bad[k], 0, "nothing wrong with the %s", kind_name[k]);
	}
	for (long i = 0; i < sh->nmsgs && i < (long)ARRAY_SIZE(sh->msg); i++)
		diag("%s", sh->msg[i]);

	for (int i = 0; i < 5; i++) {
		ok(exact(H1), "cpuacct: its tasks are the live tasks, each once");
		ok(exact(H2), "x: its tasks are the live tasks, each once");
		msleep(200);
	}
	ok(topcount_right("cpuacct", H1), "cpuacct: the root's count is right");
	eq(missed(), 0, "no hook has missed a call in the storm");
	dissolve_y();
	check_containers_left();
	ok(exact(H1), "with all in the root, cpuacct lists the live tasks");
	ok(exact(H2), "with all in the root, x lists the live tasks");
	ok(topcount_right("cpuacct", H1), "cpuacct: the root's count is back");
	err(cumount(H1), 0, "cpuacct unmounts");
	err(cumount(H2), 0, "x unmounts");
	eq(nhiers(), 1, "only the dummy hierarchy is left");
	finish();
}
