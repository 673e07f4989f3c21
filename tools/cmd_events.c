// SPDX-License-Identifier: GPL-2.0
/* wait and watch: the file events, read and then polled, so that no change is missed. */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "ctl.h"

/* What events says now; NULL: the container is gone, or errno. */
static char *now(int fd)
{
	char buf[512];
	ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);

	if (n < 0)
		return NULL;
	buf[n] = '\0';
	return xstrdup(buf);
}

/* For a change; false: the time is over. until < 0: for ever. */
static bool next(int fd, int64_t until)
{
	struct pollfd p = { .fd = fd, .events = POLLPRI };

	while (true) {
		int64_t left = until < 0 ? -1 : until - now_ms();
		int n;

		if (until >= 0 && left < 0)
			left = 0;
		n = poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left);
		if (n > 0)
			return true;
		if (!n && left <= 0)
			return false;
		if (n < 0 && errno != EINTR)
			die("poll: %s", strerror(errno));
	}
}

static int open_events(const struct cont *c)
{
	return open(cont_file(c, "events"), O_RDONLY | O_CLOEXEC);
}

static bool populated(const char *text)
{
	int64_t v;

	return !find_number(text, "populated", &v) || v;
}

bool wait_empty(const struct cont *c, int64_t until)
{
	int fd = open_events(c);
	bool empty = false;
	char *text;

	if (fd < 0)
		return errno == ENOENT || errno == ENODEV;
	while ((text = now(fd))) {
		empty = !populated(text);
		free(text);
		if (empty || !next(fd, until))
			break;
	}
	if (!text)
		empty = errno == ENODEV;
	close(fd);
	return empty;
}

static struct {
	bool empty, json;
	int64_t timeout;
	unsigned long count;
	const char *path;
} args = { .timeout = -1 };

enum { KEY_EMPTY = 0x100, KEY_JSON };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	char *end;

	switch (key) {
	case KEY_EMPTY:
		args.empty = true;
		break;
	case KEY_JSON:
		args.json = true;
		break;
	case 't':
		if (!parse_time(arg, &args.timeout))
			argp_error(state, "--timeout=%s: no time (2s, 500ms, 1min)", arg);
		break;
	case 'n':
		args.count = strtoul(arg, &end, 10);
		if (*end || !args.count)
			argp_error(state, "--count=%s: no number", arg);
		break;
	case ARGP_KEY_ARG:
		if (args.path)
			argp_usage(state);
		args.path = arg;
		break;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static void cannot_read(const struct cont *c)
{
	struct failure f = { .what = "events", .c = c, .err = errno, .at_open = true };

	explain_failure(&f);
	exit(EXIT_FAILURE);
}

int cmd_wait(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "empty", KEY_EMPTY, NULL, 0, "until there is no member, here or below, or the container is gone", 0 },
		{ "timeout", 't', "TIME", 0, "no longer than that (2s, 1min); the exit status is 124 then", 0 },
		{ }
	};
	static const struct argp argp = {
		.options = options, .parser = parse, .args_doc = "--empty PATH",
		.doc = "Wait for a container, asleep until the kernel tells of a change.",
	};
	struct cont c;
	int fd;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	if (!args.empty)
		die_as(64, "wait: for what? --empty");
	hiers_need();
	c = cont_get(args.path);
	fd = open_events(&c);
	if (fd < 0 && errno != ENOENT && errno != ENODEV)
		cannot_read(&c);
	close(fd);
	if (wait_empty(&c, args.timeout < 0 ? -1 : now_ms() + args.timeout))
		return 0;
	complain("%s: not empty yet", cont_name(&c));
	return EXIT_TIMEOUT;
}

static void show(const char *text)
{
	static const char *const keys[] = { "populated", "forks_refused", "charges_refused" };
	struct timespec t;
	struct tm tm;
	char when[64];
	int64_t v;

	clock_gettime(CLOCK_REALTIME, &t);
	localtime_r(&t.tv_sec, &tm);
	strftime(when, sizeof(when), args.json ? "%FT%T" : "%T", &tm);
	printf(args.json ? "{\"time\":\"%s.%03ld\"" : "%s.%03ld", when, t.tv_nsec / 1000000);
	if (!text)
		fputs(args.json ? ",\"removed\":true" : " removed", stdout);
	for (size_t i = 0; text && i < ARRAY_SIZE(keys); i++)
		if (find_number(text, keys[i], &v))
			printf(args.json ? ",\"%s\":%lld" : " %s %lld", keys[i], (long long)v);
	puts(args.json ? "}" : "");
	fflush(stdout);
}

int cmd_watch(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "count", 'n', "N", 0, "end after N lines", 0 },
		{ "timeout", 't', "TIME", 0, "end after that time (2s, 1min)", 0 },
		{ "json", KEY_JSON, NULL, 0, "an object on each line", 0 },
		{ }
	};
	static const struct argp argp = {
		.options = options, .parser = parse, .args_doc = "PATH",
		.doc = "A line now, and one for each change in a container: populated, and what its limits have refused. Ends when the container is removed.",
	};
	int64_t until;
	struct cont c;
	int fd;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	hiers_need();
	c = cont_get(args.path);
	fd = open_events(&c);
	if (fd < 0)
		cannot_read(&c);
	until = args.timeout < 0 ? -1 : now_ms() + args.timeout;
	for (unsigned long n = 1; ; n++) {
		char *text = now(fd);

		if (!text && errno != ENODEV)
			cannot_read(&c);
		show(text);
		if (!text || n == args.count || !next(fd, until))
			break;
		free(text);
	}
	return 0;
}
