// SPDX-License-Identifier: GPL-2.0
/* The kernel log. See lib.h. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib.h"

int kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

int kmsg_lines(int fd, char **text)
{
	char buf[8192], *all = calloc(1, 1), *msg, *more;
	ssize_t n;
	int lines = 0;

	for (;;) {
		n = read(fd, buf, sizeof(buf) - 1);
		if (n < 0 && errno == EPIPE)	/* overrun: lines were lost */
			continue;
		if (n <= 0)
			break;
		buf[n] = 0;
		msg = strchr(buf, ';');
		if (!msg || ((atoi(buf) & 7) > 4 && !strstr(msg, "container")))
			continue;
		lines++;
		if (asprintf(&more, "%s%s", all, msg + 1) < 0)
			abort();
		free(all);
		all = more;
	}
	kept(all);
	if (text)
		*text = all;
	return lines;
}
