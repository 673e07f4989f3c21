/* SPDX-License-Identifier: GPL-2.0 */
/* io_uring, without a library: one operation at a time. */
#ifndef TESTS_RINGS_H
#define TESTS_RINGS_H

#include <linux/io_uring.h>
#include "lib.h"

struct ring {
	int fd;
	struct io_uring_params par;
	char *sq, *cq;
	struct io_uring_sqe *sqes;
};

/* False and errno: this kernel has none, or not for us. */
bool ring_open(struct ring *r);

/* One operation: its result, or less than nothing. */
long ring_do(struct ring *r, int op, int fd, void *buf, int len, int flags);

#endif
