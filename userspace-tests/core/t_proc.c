// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/PID/container and /proc/PID/task/TID/container: contents, rights,
 * listing, and that nothing of it outlives the module; /proc/containers to
 * the letter.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "lib.h"

#define M "/tmp/m"
#define USER 1000

/* How often NAME is listed in a directory; *n counts all entries. */
static int times_listed(const char *dir, const char *name, int *n)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int found = 0;

	*n = 0;
	while (d && (e = readdir(d))) {
		found += !strcmp(e->d_name, name);
		++*n;
	}
	if (d)
		closedir(d);
	return found;
}

static void *sleeping_thread(void *arg)
{
	__atomic_store_n((pid_t *)arg, syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	return sleep_on(NULL);
}

static void test_contents(void)
{
	static const size_t sizes[] = { 1, 5, 64 };
	char buf[512];
	static pid_t tid;
	pid_t p = sleeper();
	pthread_t t;
	ssize_t n;
	int fd, len;

	streq(get("/proc/self/container"), "",
	      "no hierarchy active: an empty file");
	err(cmount(M, "cpuacct"), 0, "mount cpuacct");
	streq(get("/proc/self/container"), "cpuacct:/\n", "in the root");
	streq(get("/proc/1/container"), "cpuacct:/\n", "init, too");
	streq(get("/proc/2/container"), "cpuacct:/\n", "a kernel thread, too");
	err(cmount("/tmp/n", "none,name=N.1"), 0, "mount none,name=N.1");
	streq(get("/proc/self/container"), "cpuacct:/\nname=N.1:/\n",
	      "a line for each hierarchy");
	mkdir(M "/a", 0755);
	mkdir(M "/a/b", 0755);
	mkdir("/tmp/n/x y", 0755);
	movepid(M "/a/b", p);
	movepid("/tmp/n/x y", p);
	streq(get(P("/proc/%d/container", p)),
	      "cpuacct:/a/b\nname=N.1:/x y\n", "paths of a child");
	streq(get(P("/proc/%d/task/%d/container", p, p)),
	      "cpuacct:/a/b\nname=N.1:/x y\n", "the same by its thread");
	pthread_create(&t, NULL, sleeping_thread, &tid);
	while (!__atomic_load_n(&tid, __ATOMIC_SEQ_CST))
		msleep(1);
	movepid(M "/a", tid);
	streq(get(P("/proc/self/task/%d/container", tid)),
	      "cpuacct:/a\nname=N.1:/\n", "a thread has its own");
	streq(get("/proc/thread-self/container"), "cpuacct:/\nname=N.1:/\n",
	      "thread-self has its own");
	streq(get("/proc/self/container"), "cpuacct:/\nname=N.1:/\n",
	      "the process shows its leader's");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		fd = open(P("/proc/%d/container", p), O_RDONLY | O_CLOEXEC);
		for (len = 0; (n = read(fd, buf + len, sizes[i])) > 0; len += n)
			;
		buf[len] = 0;
		streq(buf, "cpuacct:/a/b\nname=N.1:/x y\n",
		      "read %zd bytes at a time", sizes[i]);
		n = pread(fd, buf, 7, 0);
		ok(n == 7 && !memcmp(buf, "cpuacct", 7), "read again at 0");
		movepid(M, p);
		n = pread(fd, buf, sizeof(buf) - 1, 0);
		buf[n > 0 ? n : 0] = 0;
		streq(buf, "cpuacct:/\nname=N.1:/x y\n",
		      "read again after a move");
		movepid(M "/a/b", p);
		close(fd);
	}
	movepid(M, tid);
	movepid("/tmp/n", p);
	rmdir("/tmp/n/x y");
	err(cumount("/tmp/n"), 0, "unmount name=N.1");
	streq(get(P("/proc/%d/container", p)), "cpuacct:/a/b\n",
	      "its line has gone");
	reap(p);
	err(E(rmdir(M "/a/b")), 0, "rmdir");
	err(E(rmdir(M "/a")), 0, "rmdir of the parent");
	err(cumount(M), 0, "unmount");
	err(cmount(M, "cpuacct,name=q"), 0, "mount cpuacct,name=q");
	streq(get("/proc/self/container"), "name=q,cpuacct:/\n",
	      "the name precedes the subsystem");
	err(cumount(M), 0, "unmount");
}

/* A path longer than PATH_MAX. */
static void test_long_path(void)
{
	char name[201], *s;
	int made, home = open("/", O_RDONLY | O_CLOEXEC);

	memset(name, 'd', 200);
	name[200] = 0;
	err(cmount(M, "cpuacct"), 0, "mount cpuacct");
	chdir(M);
	made = descend(name, 30);
	eq(made, 30, "containers nest until the path is 6000 bytes");
	err(put("tasks", "0"), 0, "move to the lowest");
	s = get("/proc/self/container");
	eq(s ? (long)strlen(s) : -errno, strlen("cpuacct:\n") + made * 201UL, "its path is whole");
	err(movepid(M, getpid()), 0, "move back");
	eq(ascend(name, made), 0, "all are removed");
	fchdir(home);
	close(home);
	err(cumount(M), 0, "unmount");
}

/* --- rights --- */

static const char *const rights_files[] = { "container", "cgroup" };

/* Errnos of opening and reading both files of a process, packed. */
static int try_read(const char *proc, pid_t pid, const char *name)
{
	int e, fd = open(P("%s/%d/%s", proc, pid, name), O_RDONLY | O_CLOEXEC);
	char c[1];

	if (fd < 0)
		return errno;
	e = E(read(fd, c, 1));
	close(fd);
	return e;
}

struct look {
	const char *proc;
	pid_t pid;
	const char *name;
};

static int look(void *arg)
{
	struct look *l = arg;

	return try_read(l->proc, l->pid, l->name);
}

static void test_rights(void)
{
	static const struct {
		const char *opts;
		uid_t uid;
	} t[] = {
		{ "", 0 }, { "", USER }, { "hidepid=1", USER },
		{ "hidepid=2", USER }, { "hidepid=2", 0 },
		{ "hidepid=4", USER },
	};
	struct stat st, cg;
	int e[2];

	err(cmount(M, "cpuacct"), 0, "mount cpuacct");
	stat("/proc/1/container", &st);
	stat("/proc/1/cgroup", &cg);
	eq(st.st_mode, cg.st_mode, "mode is that of /proc/PID/cgroup");
	ok(st.st_uid == cg.st_uid && st.st_gid == cg.st_gid, "owner, too");
	eq(st.st_mode & 0777, 0444, "which is 0444");
	mkdir("/tmp/proc", 0755);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		/* another instance than the guest's */
		if (mount("proc", "/tmp/proc", "proc", 0, t[i].opts)) {
			skip("rights with %s # no such option", t[i].opts);
			continue;
		}
		for (int j = 0; j < 2; j++) {
			struct look l = { "/tmp/proc", 1, rights_files[j] };

			e[j] = as_user(t[i].uid, look, &l);
		}
		err(e[0], e[1], "uid %d, proc options \"%s\": as for cgroup",
		    t[i].uid, t[i].opts);
		umount("/tmp/proc");
	}
	rmdir("/tmp/proc");
	err(cumount(M), 0, "unmount");
}

/* --- listing --- */

static void test_listing(void)
{
	int n0, n1, t0, t1, n;
	pid_t p;

	eq(unload_all(), 0, "unload everything");
	p = sleeper();
	eq(times_listed("/proc/self", "container", &n0), 0,
	   "unloaded: not listed in /proc/self");
	times_listed(P("/proc/%d/task/%d", p, p), "container", &t0);
	err(access("/proc/self/container", F_OK) ? errno : 0, ENOENT,
	    "nor found by name");
	err(modprobe("container_core"), 0, "load");
	eq(times_listed("/proc/self", "container", &n1), 1, "listed once");
	eq(n1, n0 + 1, "no other entry came or went");
	eq(times_listed(P("/proc/%d/task/%d", p, p), "container", &t1), 1,
	   "listed once by thread");
	eq(t1, t0 + 1, "no other entry came or went there");
	eq(times_listed("/proc/self/task", "container", &n), 0,
	   "not listed among the threads");
	eq(times_listed("/proc", "container", &n), 0, "not listed in /proc");
	eq(times_listed("/proc/self/net", "container", &n), 0,
	   "not listed in /proc/PID/net");
	err(access(P("/proc/%d/container", p), F_OK) ? errno : 0, 0,
	    "found by name");
	err(access(P("/proc/%d/attr/container", p), F_OK) ? errno : 0, ENOENT,
	    "but in no subdirectory");
	err(access(P("/proc/%d/containers", p), F_OK) ? errno : 0, ENOENT,
	    "nor by a longer name");
	err(access(P("/proc/%d/containe", p), F_OK) ? errno : 0, ENOENT,
	    "nor by a shorter");
	ok(get(P("/proc/%d/cgroup", p)) && get(P("/proc/%d/stat", p)) &&
	   get(P("/proc/%d/status", p)), "the other entries work");
	eq(unload_all(), 0, "unload");
	eq(times_listed("/proc/self", "container", &n1), 0, "gone");
	eq(n1, n0, "the rest is as before");
	times_listed(P("/proc/%d/task/%d", p, p), "container", &t1);
	eq(t1, t0, "by thread, too");
	err(access(P("/proc/%d/container", p), F_OK) ? errno : 0, ENOENT,
	    "not found by name");
	err(access(P("/proc/%d/task/%d/container", p, p), F_OK) ? errno : 0,
	    ENOENT, "nor by thread");
	err(access("/proc/containers", F_OK) ? errno : 0, ENOENT,
	    "/proc/containers has gone");
	err(modprobe("container_core"), 0, "load again");
	err(access(P("/proc/%d/container", p), F_OK) ? errno : 0, 0,
	    "it is back, for the same process");
	reap(p);
}

/* --- what outlives the module --- */

/* Unloads what can be unloaded; 0 if that was all, or why core could not. */
static int try_unload(void)
{
	char name[64];
	const char *p;
	int e = 0;

	for (int i = 0; i < 8 && modloaded("container_core"); i++) {
		p = get("/proc/modules");
		for (; p && *p; p = strchr(p, '\n') + 1)
			if (sscanf(p, "container_%63s", name) == 1)
				e = rmmod(P("container_%s", name));
	}
	return modloaded("container_core") ? e : 0;
}

/* Whatever is held: rmmod is held off, or what is held stays harmless. */
static void outlive(const char *what, int fd, int (*use)(int fd))
{
	int e = try_unload();

	ok(!e || in_use(e), "%s: rmmod works or is held off (%s)",
	   what, e ? strerrorname_np(e) : "works");
	ok(!use(fd), "%s: usable or refused after it", what);
	if (fd >= 0)
		close(fd);
	chdir("/");
	eq(unload_all(), 0, "%s: let go of, everything unloads", what);
	err(access("/proc/self/container", F_OK) ? errno : 0, ENOENT,
	    "%s: and the file has gone", what);
	if (modprobe("container_core"))
		bail("load again");
	streq(get("/proc/self/container"), "", "%s: and comes back", what);
}

static int use_read(int fd)
{
	char buf[256];
	struct stat st;

	lseek(fd, 0, SEEK_SET);
	read(fd, buf, sizeof(buf));
	fstat(fd, &st);
	return 0;
}

static int use_path(int fd)
{
	char buf[256];
	struct stat st;
	int f;

	fstat(fd, &st);
	fstatat(fd, "", &st, AT_EMPTY_PATH);
	f = open(P("/proc/self/fd/%d", fd), O_RDONLY | O_CLOEXEC);
	if (f >= 0) {
		read(f, buf, sizeof(buf));
		close(f);
	}
	readlink(P("/proc/self/fd/%d", fd), buf, sizeof(buf));
	return 0;
}

static int use_cwd(int fd)
{
	(void)fd;
	open_err("container", O_RDONLY);
	return open_err("stat", O_RDONLY);
}

/* The rest of a directory that was begun before. */
static int use_dir(int fd)
{
	char buf[512];
	long n, got = 0;

	while ((n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0)
		got += n;
	return n || !got;
}

static int dir_half(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char buf[512];

	syscall(SYS_getdents64, fd, buf, 256);
	return fd;
}

/* All but the last few entries: container is about to come or has come. */
static int dir_late(const char *path)
{
	int all = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char buf[64];
	int n = 0;

	while (syscall(SYS_getdents64, all, buf, sizeof(buf)) > 0)
		n++;
	close(all);
	for (int i = 0; i < n - 1; i++)
		syscall(SYS_getdents64, fd, buf, sizeof(buf));
	return fd;
}

static int use_late(int fd)
{
	use_dir(fd);
	lseek(fd, 0, SEEK_SET);
	return use_dir(fd);
}

static int use_dead(int fd)
{
	char c;

	read(fd, &c, 1);
	return 0;
}

static void test_outlive(void)
{
	char me[32], file[64];
	int fd;
	pid_t p;

	sprintf(me, "/proc/%d", getpid());
	sprintf(file, "%s/container", me);
	outlive("an open descriptor", open(file, O_RDONLY | O_CLOEXEC),
		use_read);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	use_read(fd);
	outlive("an open descriptor that was read", fd, use_read);
	outlive("one of a thread's",
		open(P("/proc/self/task/%d/container", getpid()),
		     O_RDONLY | O_CLOEXEC), use_read);
	outlive("an O_PATH descriptor", open(file, O_PATH | O_CLOEXEC),
		use_path);
	outlive("an O_PATH descriptor of a thread's",
		open("/proc/thread-self/container", O_PATH | O_CLOEXEC),
		use_path);
	chdir(me);
	outlive("a working directory", -1, use_cwd);
	chdir(P("/proc/self/task/%d", getpid()));
	outlive("a working directory of a thread's", -1, use_cwd);
	outlive("a directory that is half read", dir_half(me), use_dir);
	outlive("a directory that is read but for the end", dir_late(me),
		use_late);
	outlive("a thread's directory that is read but for the end",
		dir_late(P("/proc/self/task/%d", getpid())), use_late);
	outlive("a descriptor of /proc/containers",
		open("/proc/containers", O_RDONLY | O_CLOEXEC), use_read);
	p = sleeper();
	fd = open(P("/proc/%d/container", p), O_RDONLY | O_CLOEXEC);
	reap(p);
	err(E(read(fd, &p, 1)), ESRCH,
	    "a descriptor of a dead process: ESRCH, as cgroup's");
	outlive("a descriptor of a dead process", fd, use_dead);
	p = sleeper();
	fd = open(P("/proc/%d/container", p), O_PATH | O_CLOEXEC);
	reap(p);
	outlive("an O_PATH descriptor of a dead process", fd, use_path);
	p = sleeper();
	use_path(open(P("/proc/%d/container", p), O_PATH));
	fd = open(P("/proc/%d", p), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	reap(p);
	outlive("the directory of a dead process", fd, use_read);
	for (fd = 3; fd < 32; fd++)
		close(fd);
	eq(unload_all(), 0, "unload after all of it");
}

/* A bind mount over the file, and the file bound elsewhere. */
static void test_bound(void)
{
	int e;

	if (modprobe("container_core"))
		bail("load");
	close(open("/tmp/bound", O_CREAT | O_WRONLY, 0644));
	e = E(mount("/proc/1/container", "/tmp/bound", NULL, MS_BIND, NULL));
	err(e, 0, "bind /proc/1/container to a file");
	streq(get("/tmp/bound"), "", "it reads there");
	e = try_unload();
	ok(!e || in_use(e), "rmmod works or is held off (%s)",
	   e ? strerrorname_np(e) : "works");
	get("/tmp/bound");
	err(E(umount("/tmp/bound")), 0, "unmount");
	eq(unload_all(), 0, "everything unloads");
	unlink("/tmp/bound");
}

/* Readers that never stop, while the module comes and goes. */
static int reader(struct kid *up, void *arg)
{
	const char *me = P("/proc/%d", getpid());
	int n;

	(void)arg;
	kid_send(up, 0);
	for (;;) {
		get("/proc/self/container");
		get("/proc/thread-self/container");
		get("/proc/containers");
		times_listed(me, "container", &n);
		times_listed("/proc/self/task", "container", &n);
	}
	return 0;
}

static void test_load_unload(void)
{
	int bad = 0, n = debug_kernel() ? 5 : sized(15, 3);
	struct kid k[3];

	for (int i = 0; i < 3; i++) {
		k[i] = kid_start(reader, NULL);
		kid_recv(&k[i]);
	}
	for (int i = 0; i < n; i++) {
		bad += modprobe("container_core") != 0;
		bad += get("/proc/self/container") == NULL;
		bad += unload_all();
		bad += access("/proc/self/container", F_OK) == 0;
	}
	eq(bad, 0, "%d loads and unloads under readers", n);
	for (int i = 0; i < 3; i++) {
		kill(k[i].pid, SIGKILL);
		eq(kid_wait(&k[i]), -SIGKILL, "a reader lived through it");
	}
}

/* --- /proc/containers --- */

static bool matches(const char *s, const char *pattern)
{
	regex_t re;
	bool m;

	if (regcomp(&re, pattern, REG_EXTENDED | REG_NEWLINE | REG_NOSUB))
		bail("pattern %s", pattern);
	m = s && !regexec(&re, s, 0, NULL, 0);
	regfree(&re);
	return m;
}

/* Every line has its form, in this order of sections; all hooks missed 0. */
static void check_form(const char *when)
{
	static const char *const form[] = {
		"^[0-9]+: topcount=[0-9]+ bits=[0-9a-f]+ containers=[0-9]+ \\(([a-z]+(, [a-z]+)*)?\\)( s_active=[0-9]+)?$",
		"^[0-9]+: name=[A-Za-z0-9._-]+ hierarchy=[0-9]+$",
		"^[A-Za-z0-9_.]+: [a-z][a-z ]* missed=0$",
		"^[^:]+: (there|lost, .+) needs=[A-Za-z0-9_.,]*$",
	};
	static const char *const head[] = {
		"Hierarchies:", "Subsystems:", "Hooks:", "Features:",
	};
	char *s = get("/proc/containers"), *nl;
	int section = -1, hooks = 0, features = 0, bad = 0;

	for (; s && (nl = strchr(s, '\n')); s = nl + 1) {
		*nl = 0;
		if (section < 3 && !strcmp(s, head[section + 1])) {
			section++;
		} else if (section < 0 || !matches(s, form[section])) {
			diag("\"%s\"", s);
			bad++;
		}
		hooks += section == 2;
		features += section == 3;
	}
	ok(s && !*s && !bad, "/proc/containers has its form: %s", when);
	ok(section == 3 && hooks > 1, "with all sections, and hooks: %s", when);
	ok(features > 1, "and features: %s", when);
}

static void test_containers(void)
{
	static const char exact[] =
		"Hierarchies:\n"
		"0: topcount=1 bits=1 containers=1 (cpuacct)\n"
		"Subsystems:\n"
		"0: name=cpuacct hierarchy=0\n"
		"Hooks:\n";
	struct hier h;
	char *s;
	pid_t p;

	if (modprobe("container_core") || modprobe("container_cpuacct"))
		bail("load");
	eq(mode_of("/proc/containers"), 0444, "/proc/containers has mode 0444");
	check_form("nothing mounted");
	s = get("/proc/containers");
	ok(matches(s, P("^0: topcount=1 bits=[1-9a-f][0-9a-f]* containers=1 \\(%s\\)$",
			registered(", "))),
	   "line 0 has the unbound subsystems, and no s_active");
	ok(matches(s, "^[0-9]+: name=cpuacct hierarchy=0$"),
	   "an unbound subsystem is in hierarchy 0");
	if (!strcmp(registered(","), "cpuacct"))
		ok(!strncmp(s, exact, strlen(exact)), "to the letter");
	else
		skip("to the letter # there are other subsystems");

	err(cmount(M, "cpuacct"), 0, "mount cpuacct");
	check_form("mounted");
	ok(hier("cpuacct", &h) && h.nr == 1 && h.containers == 1 &&
	   h.sactive >= 1, "a line for the hierarchy");
	s = get("/proc/containers");
	ok(matches(s, P("^%d: name=cpuacct hierarchy=1$",
			__builtin_ctzl(h.bits))),
	   "its bit is the id of the subsystem, which is in hierarchy 1");
	ok(matches(s, "^0: topcount=1 bits=[0-9a-f]+ containers=1 \\("),
	   "hierarchy 0 counts no members");
	ok(matches(s, "^[a-z_0-9]+: armed missed=0$"), "hooks are armed");
	ok(wait_for(hier("cpuacct", &h) &&
		    h.topcount == nids(M "/tasks") + 1),
	   "topcount is the members of the root and one");
	p = sleeper();
	mkdir(M "/a", 0755);
	ok(hier("cpuacct", &h) && h.containers == 2, "mkdir counts");
	ok(wait_for(hier("cpuacct", &h) &&
		    h.topcount == nids(M "/tasks") + 1),
	   "topcount after a fork and a mkdir");
	movepid(M "/a", p);
	ok(wait_for(hier("cpuacct", &h) &&
		    h.topcount == nids(M "/tasks") + 1),
	   "topcount after a move");
	err(cmount("/tmp/n", "none,name=n"), 0, "mount none,name=n");
	check_form("two mounted");
	ok(matches(get("/proc/containers"),
		   "^2: topcount=[0-9]+ bits=0 containers=1 \\(\\) s_active=[0-9]+$"),
	   "a hierarchy of no subsystem");
	err(cumount("/tmp/n"), 0, "unmount none");
	err(cumount(M), 0, "unmount, a container below");
	ok(hier("cpuacct", &h) && h.containers == 2, "it stays active");
	check_form("active, unmounted");
	reap(p);
	err(cmount(M, "cpuacct"), 0, "mount again");
	ok(hier("cpuacct", &h) && h.sactive >= 1, "s_active is there");
	err(E(rmdir(M "/a")), 0, "rmdir");
	err(cumount(M), 0, "unmount");
	check_form("all dissolved");
}

int main(void)
{
	setup();
	CASE(test_contents());
	CASE(test_long_path());
	CASE(test_rights());
	CASE(test_listing());
	CASE(test_outlive());
	CASE(test_bound());
	CASE(test_load_unload());
	CASE(test_containers());
	finish();
}
