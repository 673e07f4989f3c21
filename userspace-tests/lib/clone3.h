/* SPDX-License-Identifier: GPL-2.0 */
/*
 * clone3(2). Kernel headers of the build host may be older than the guest.
 */
#ifndef TESTS_CLONE3_H
#define TESTS_CLONE3_H

#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

struct clone3_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls,
		 set_tid, set_tid_size, cgroup;
};

static inline long clone3(struct clone3_args *a)
{
	a->exit_signal = SIGCHLD;
	return syscall(SYS_clone3, a, sizeof(*a));
}

#endif
