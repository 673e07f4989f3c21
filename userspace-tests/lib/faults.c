// SPDX-License-Identifier: GPL-2.0
/* Allocations that fail on request: the kernel's fail-nth. See lib.h. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include "lib.h"

bool inject_faults(bool may)
{
	if (access("/proc/self/fail-nth", F_OK) ||
	    put("/sys/kernel/debug/failslab/ignore-gfp-wait", may ? "N" : "Y"))
		return false;
	/* or every failure leaves a trace in the log */
	put("/sys/kernel/debug/failslab/verbose", "0");
	put("/sys/kernel/debug/fail_page_alloc/verbose", "0");
	return true;
}

/*
 * Through an open descriptor, which allocates nothing. It counts down with each allocation
 * of the thread that opened it, whatever that is for.
 */
static __thread int nth_fd;
static __thread pid_t nth_owner;

int fail_nth(int n)
{
	char buf[16];

	if (nth_owner != gettid()) {
		nth_owner = gettid();
		nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	}
	return E(pwrite(nth_fd, buf, sprintf(buf, "%d", n), 0));
}

int fail_left(void)
{
	char buf[16] = "";

	return pread(nth_fd, buf, sizeof(buf) - 1, 0) < 0 ? 0 : atoi(buf);
}
