// SPDX-License-Identifier: GPL-2.0
/*
 * What the programs that are /init of a guest share: see guest.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counting.h"
#include "guest.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

void power_off(void)
{
	fflush(stdout);
	sync();
	if (getpid() == 1)
		reboot(RB_POWER_OFF);
	exit(1);
}

void die(const char *fmt, ...)
{
	int e = errno;
	va_list ap;

	printf("BENCH FAILED: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf(": %s\n", strerror(e));
	power_off();
	exit(1);
}

bool guest_begin(void)
{
	struct rlimit rl = { 1 << 20, 1 << 20 };

	if (getpid() != 1) {
		printf("this is /init of a guest: see bench/run and bench/scale\n");
		return false;
	}
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mkdir(MNT, 0755);
	mkdir(CG, 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	setrlimit(RLIMIT_NPROC, &rl);
	return true;
}

int number(const char *name, int def, int max)
{
	const char *s = getenv(name);
	int v = s ? atoi(s) : def;

	return v < 1 ? 1 : v > max ? max : v;
}

/* --- modules ------------------------------------------------------------ */

static char *modules[8], module_list[256];
static int nmodules;

void choose_modules(const char *list)
{
	char *tok;

	snprintf(module_list, sizeof(module_list), "%s", list ? list : "");
	nmodules = 0;
	for (tok = strtok(module_list, ","); tok && nmodules < (int)ARRAY_SIZE(modules);
	     tok = strtok(NULL, ","))
		modules[nmodules++] = tok;
}

int chosen_modules(void)
{
	return nmodules;
}

void load(void)
{
	char path[128];

	for (int i = 0; i < nmodules; i++) {
		int fd;

		snprintf(path, sizeof(path), "/modules/%s.ko", modules[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
			die("loading %s", modules[i]);
		close(fd);
	}
}

void unload(void)
{
	for (int i = nmodules - 1; i >= 0; i--)
		for (int try = 0; syscall(SYS_delete_module, modules[i], O_NONBLOCK); try++) {
			if (errno != EAGAIN || try == 1000)
				die("unloading %s", modules[i]);
			usleep(1000);
		}
}

/* --- hierarchies -------------------------------------------------------- */

bool mount_cgroup(void)
{
	static const char *const sets[] = { "cpuset,cpuacct,pids", "cpuacct,pids", "pids" };

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		if (!mount("bench", CG, "cgroup", 0, sets[i]))
			return true;
	return false;
}

void unmount(const char *dir)
{
	if (umount(dir))
		die("umount %s", dir);
	/* let a hierarchy that dies asynchronously die before the next state */
	usleep(300000);
}

void make_dir(const char *parent, const char *name)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };
	char path[256], value[64];

	snprintf(path, sizeof(path), "%s/%s", parent, name);
	if (mkdir(path, 0755))
		die("mkdir %s", path);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		int fd, n;

		snprintf(path, sizeof(path), "%s/%s", parent, files[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		n = read(fd, value, sizeof(value) - 1);
		close(fd);
		if (n <= 0)
			die("%s", path);
		value[n] = 0;
		snprintf(path, sizeof(path), "%s/%s/%s", parent, name, files[i]);
		put(path, value);
	}
}

void remove_dir(const char *path)
{
	for (int try = 0; rmdir(path); try++) {
		if (errno != EBUSY || try == 200)
			die("rmdir %s", path);
		usleep(10000);
	}
}

/* --- members ------------------------------------------------------------ */

/* Of a thread that does nothing but wait for its end. */
#define STACK 1024UL

static pid_t members_pid;

static int member(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return 0;
}

void members_start(const char *dir, int n)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			  CLONE_THREAD | CLONE_SYSVSEM;
	int ready[2];
	char c, path[96];

	if (pipe2(ready, O_CLOEXEC))
		die("pipe");
	members_pid = fork();
	if (members_pid < 0)
		die("fork");
	if (!members_pid) {
		char *stacks = mmap(NULL, n * STACK, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (dir) {
			snprintf(path, sizeof(path), "%s/tasks", dir);
			put(path, "0");
		}
		for (int i = 1; i < n; i++)
			if (clone(member, stacks + i * STACK, flags, NULL) < 0)
				_exit(1);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		member(NULL);
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		die("%d members", n);
	close(ready[0]);
}

void members_stop(void)
{
	kill(members_pid, SIGKILL);
	waitpid(members_pid, NULL, 0);
}
