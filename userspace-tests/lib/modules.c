// SPDX-License-Identifier: GPL-2.0
/* Modules: to load, to unload, and to make one that asks for what is not there. See lib.h. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include "lib.h"

static int run_quiet(char *const argv[])
{
	int st, fd;
	pid_t pid = fork();

	if (!pid) {
		fd = open("/dev/null", O_RDWR);
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &st, 0) < 0)
		return errno;
	return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}

int modprobe(const char *name)
{
	char *argv[] = { "modprobe", (char *)name, NULL };

	return run_quiet(argv);
}

int modinsert(const char *file, const char *args)
{
	int e, fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	e = E(syscall(SYS_finit_module, fd, args, 0));
	close(fd);
	return e;
}

static const char *want_ko;
static char found_ko[PATH_MAX];

static int ko_visit(const char *path, const struct stat *st, int type,
		    struct FTW *ftw)
{
	(void)st;
	if (type != FTW_F || strcmp(path + ftw->base, want_ko))
		return 0;
	snprintf(found_ko, sizeof(found_ko), "%s", path);
	return 1;
}

const char *modfile(const char *name)
{
	struct utsname u;

	uname(&u);
	want_ko = P("%s.ko", name);
	return nftw(P("/lib/modules/%s", u.release), ko_visit, 8,
		    FTW_PHYS) == 1 ? found_ko : NULL;
}

const char *modwithout(const char *name, const char *symbol)
{
	const char *file = modfile(name), *copy = P("/tmp/%s.ko", name);
	size_t len = strlen(symbol);
	struct stat st;
	int fd, n = 0;
	char *p, *end;

	if (!file)
		bail("no module %s", name);
	copy_file(file, copy, 0644);
	fd = open(copy, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		bail("%s: %s", copy, strerror(errno));
	p = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		bail("%s: %s", copy, strerror(errno));
	close(fd);
	/* a whole string; it gets another last letter */
	for (end = p + st.st_size; (p = memmem(p, end - p, symbol, len + 1)); n++) {
		p += len;
		p[-1] = 'Q';
	}
	munmap(end - st.st_size, st.st_size);
	if (!n)
		bail("%s does not ask for %s", name, symbol);
	return copy;
}

int rmmod(const char *name)
{
	return E(syscall(SYS_delete_module, name, O_NONBLOCK));
}

bool in_use(int e)
{
	return e == EAGAIN || e == EBUSY;
}

bool modloaded(const char *name)
{
	char *s = get("/proc/modules");
	size_t n = strlen(name);

	for (; s && *s; s = strchr(s, '\n') + 1)
		if (!strncmp(s, name, n) && s[n] == ' ')
			return true;
	return false;
}

int unload_all(void)
{
	char names[64][64];
	int n = 0, tries = 0;

	do {
		char *s = get("/proc/modules");

		for (n = 0; s && *s && n < 64; s = strchr(s, '\n') + 1)
			if (!strncmp(s, "container_", 10))
				sscanf(s, "%63s", names[n++]);
		for (int i = 0; i < n; i++)
			rmmod(names[i]);
		if (n && tries)
			msleep(10);
	} while (n && ++tries < 200);
	for (int i = 0; i < n; i++)
		diag("still loaded: %s", names[i]);
	return n;
}
