// SPDX-License-Identifier: GPL-2.0
/* Files and directories, with answers that stay valid for a while. See lib.h. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "lib.h"

#define RING 32

char *kept(char *p)
{
	static __thread char *texts[RING];
	static __thread unsigned int next;
	int e = errno;

	free(texts[next % RING]);
	texts[next++ % RING] = p;
	errno = e;
	return p;
}

const char *P(const char *fmt, ...)
{
	static __thread char *texts[RING];
	static __thread unsigned int next;
	char **slot = &texts[next++ % RING];
	va_list ap;

	free(*slot);
	va_start(ap, fmt);
	if (vasprintf(slot, fmt, ap) < 0)
		abort();
	va_end(ap);
	return *slot;
}

char *getfd(int fd)
{
	size_t len = 0, size = 4096;
	char *buf = malloc(size + 1), *more;
	ssize_t n;

	while ((n = read(fd, buf + len, size - len)) > 0) {
		len += n;
		if (len < size)
			continue;
		more = realloc(buf, (size *= 2) + 1);
		if (!more)
			abort();
		buf = more;
	}
	if (n < 0) {
		kept(buf);
		return NULL;
	}
	buf[len] = 0;
	return kept(buf);
}

char *get(const char *path)
{
	int e, fd = open(path, O_RDONLY | O_CLOEXEC);
	char *s;

	if (fd < 0)
		return NULL;
	s = getfd(fd);
	e = errno;
	close(fd);
	errno = e;
	return s;
}

long getnum(const char *path)
{
	char *end, *s = get(path);
	long v;

	if (!s || !*s)
		return LONG_MIN;
	v = strtol(s, &end, 10);
	return strcmp(end, "\n") ? LONG_MIN : v;
}

int putn(const char *path, const void *buf, size_t len)
{
	int e = 0, fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno;
	n = write(fd, buf, len);
	if (n < 0)
		e = errno;
	else if ((size_t)n != len)
		e = EIO;
	close(fd);
	return e;
}

int put_raw(const char *path, const char *text)
{
	return putn(path, text, strlen(text));
}

int put(const char *path, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n, e;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	e = putn(path, s, n);
	free(s);
	return e;
}

int open_err(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

int mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? -1 : (int)(st.st_mode & 07777);
}

void copy_file(const char *from, const char *to, int mode)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	char buf[65536];
	ssize_t n = -1;

	while (in >= 0 && out >= 0 && (n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, n) != n)
			break;
	if (n)
		bail("copy %s to %s: %s", from, to, strerror(errno));
	fchmod(out, mode);
	close(in);
	close(out);
}

void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		bail("%s: %s", path, strerror(errno));
	close(fd);
}

const char *names_in(const char *dir)
{
	struct dirent **list;
	const char *s = "";
	int n = scandir(dir, &list, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		s = P("%s%s ", s, list[i]->d_name);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return s;
}
