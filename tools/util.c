// SPDX-License-Identifier: GPL-2.0
/* Strings, files and time, and how the program ends when it cannot go on. */
#include <ctype.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "ctl.h"

int die_status = EXIT_FAILURE;

/* When a loop began that tells how far it is, and when it did so last; 0: not yet. */
static int64_t loop_began, loop_told;

static void clear_progress(void)
{
	if (loop_told)
		fputs("\r\033[K", stderr);
}

void progress(const char *what, size_t n, size_t of)
{
	int64_t now = now_ms();

	if (!loop_began)
		loop_began = now;
	if (now - loop_began < 1000 || now - loop_told < 100 || !isatty(STDERR_FILENO))
		return;
	clear_progress();
	loop_told = now;
	fprintf(stderr, of ? "%s: %zu of %zu" : "%s: %zu", what, n, of);
}

void progress_end(void)
{
	clear_progress();
	loop_began = loop_told = 0;
}

static void say(const char *fmt, va_list ap)
{
	fflush(stdout);
	clear_progress();
	fputs("containerctl: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	exit(die_status);
}

void die_as(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	exit(status);
}

static void *checked(void *p)
{
	if (!p)
		die("no memory");
	return p;
}

void *xzalloc(size_t size)
{
	return checked(calloc(1, size ? size : 1));
}

void *xrealloc_array(void *p, size_t n, size_t size)
{
	return checked(reallocarray(p, n ? n : 1, size));
}

char *xstrdup(const char *s)
{
	return checked(strdup(s));
}

char *xstrndup(const char *s, size_t n)
{
	return checked(strndup(s, n));
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	return checked(s);
}

void strings_add(struct strings *l, const char *s)
{
	l->v = xrealloc_array(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = xstrdup(s);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strings_sort(struct strings *l)
{
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_text);
}

bool strings_has(const struct strings *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i], s))
			return true;
	return false;
}

void strings_free(struct strings *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	l->v = NULL;
	l->n = 0;
}

struct strings strings_split(const char *text, const char *separators)
{
	struct strings l = { };

	while (*(text += strspn(text, separators))) {
		size_t len = strcspn(text, separators);
		char *word = xstrndup(text, len);

		strings_add(&l, word);
		free(word);
		text += len;
	}
	return l;
}

char *strings_join(const struct strings *l, const char *sep)
{
	char *s = xstrdup("");

	for (size_t i = 0; i < l->n; i++) {
		char *t = xasprintf("%s%s%s", s, i ? sep : "", l->v[i]);

		free(s);
		s = t;
	}
	return s;
}

/*
 * How many bytes the character is long, or 0 where it is none to print: a control, also
 * one of U+0080 to U+009F, which terminals obey, too, or what is no UTF-8.
 */
static size_t printable(const char *s)
{
	const unsigned char *c = (const unsigned char *)s;
	size_t len = *c < 0x80 ? 1 : *c < 0xc2 ? 0 : *c < 0xe0 ? 2 : *c < 0xf0 ? 3 : *c < 0xf5 ? 4 : 0;

	if (*c < ' ' || *c == 127 || (*c == 0xc2 && c[1] < 0xa0))
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

char *shown(const char *s)
{
	char *to, *out = xzalloc(4 * strlen(s) + 1);
	size_t len;

	for (to = out; *s; s += len ? len : 1) {
		len = printable(s);
		if (len)
			to = mempcpy(to, s, len);
		else
			to += sprintf(to, "\\x%02x", (unsigned char)*s);
	}
	return out;
}

char *read_fd(int fd)
{
	size_t size = 4096, len = 0;
	char *buf = xzalloc(size);
	ssize_t n;

	while ((n = read(fd, buf + len, size - len - 1)) != 0) {
		if (n < 0) {
			int err = errno;

			if (err == EINTR)
				continue;
			free(buf);
			errno = err;
			return NULL;
		}
		len += n;
		if (size - len < 1024)
			buf = xrealloc_array(buf, size *= 2, 1);
	}
	buf[len] = '\0';
	return buf;
}

char *read_file(const char *path)
{
	int err, fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text;

	if (fd < 0)
		return NULL;
	text = read_fd(fd);
	err = errno;
	close(fd);
	errno = err;
	return text;
}

bool find_number(const char *text, const char *key, int64_t *value)
{
	size_t len = strlen(key);

	for (const char *p = text; (p = strstr(p, key)); p += len) {
		char *end;

		if ((p > text && !isspace((unsigned char)p[-1])) || p[len] != ' ')
			continue;
		errno = 0;
		*value = strtoll(p + len, &end, 10);
		if (end != p + len && !errno)
			return true;
	}
	return false;
}

int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool parse_time(const char *text, int64_t *ms)
{
	static const struct {
		const char *unit;
		double ms;
	} units[] = {
		{ "", 1000 }, { "s", 1000 }, { "ms", 1 }, { "min", 60000 }, { "m", 60000 },
		{ "h", 3600000 },
	};
	char *end;
	double v;

	if (!isdigit((unsigned char)*text))
		return false;
	v = strtod(text, &end);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(end, units[i].unit) && v * units[i].ms < 1e12) {
			*ms = v * units[i].ms;
			return true;
		}
	return false;
}

const char *user_name(uid_t uid)
{
	struct passwd *pw = getpwuid(uid);

	return pw ? xstrdup(pw->pw_name) : xasprintf("%u", uid);
}

static bool parse_id(const char *text, unsigned int *id)
{
	unsigned long long v;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	v = strtoull(text, &end, 10);
	/* -1 means "leave it" to chown(2) */
	if (*end || errno || v >= UINT32_MAX)
		return false;
	*id = v;
	return true;
}

/* USER, USER:GROUP, USER: (the user's own group), :GROUP; names or numbers. */
bool parse_owner(const char *text, uid_t *uid, gid_t *gid)
{
	const char *colon = strchr(text, ':');
	char *user = xstrndup(text, colon ? (size_t)(colon - text) : strlen(text));
	struct passwd *pw;
	struct group *gr;

	*uid = *gid = -1;
	if (!*user && (!colon || !colon[1]))
		return false;
	if (*user) {
		pw = getpwnam(user);
		if (pw)
			*uid = pw->pw_uid;
		else if (!parse_id(user, uid))
			return false;
		if (colon && !colon[1]) {
			if (!pw)
				pw = getpwuid(*uid);
			if (!pw)
				return false;
			*gid = pw->pw_gid;
		}
	}
	if (colon && colon[1]) {
		gr = getgrnam(colon + 1);
		if (gr)
			*gid = gr->gr_gid;
		else if (!parse_id(colon + 1, gid))
			return false;
	}
	return true;
}
