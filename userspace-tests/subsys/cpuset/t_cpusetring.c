// SPDX-License-Identifier: GPL-2.0
/*
 * cpuset: threads that the kernel makes on a member's behalf (io_uring), with CPUs of
 * the member's choosing, are confined as it is, whichever comes first; and a process
 * that has such threads can be moved.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "cpusets.h"

#define M "/tmp/m"
#define A M "/a"
#define B M "/b"
#define FIFO "/tmp/fifo"	/* nobody writes into it */

#ifndef IORING_REGISTER_IOWQ_AFF
#define IORING_REGISTER_IOWQ_AFF 17
#endif

static unsigned long last, rest;

static int make(const char *dir, unsigned long cpus)
{
	return E(mkdir(dir, 0755)) ?: put(P("%s/cpuset.cpus", dir), "%s", list_of(cpus)) ?:
	       put(P("%s/cpuset.mems", dir), "%s", list_of(memory_nodes()));
}

/* Some kernels look at what their cpusets allow, which is narrowed. */
static bool refused;

/* A ring whose requests a thread on one CPU takes. */
static int poll_ring(int cpu)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF,
		.sq_thread_cpu = cpu,
		.sq_thread_idle = 100000,
	};
	int fd = syscall(SYS_io_uring_setup, 4, &p);

	if (fd < 0 && errno == EINVAL) {
		refused = true;
		memset(&p, 0, sizeof(p));
		p.flags = IORING_SETUP_SQPOLL;
		p.sq_thread_idle = 100000;
		fd = syscall(SYS_io_uring_setup, 4, &p);
	}
	return fd;
}

/* An open that never ends, in a worker that may run on some CPUs. */
static int worker_ring(unsigned long cpus)
{
	struct io_uring_params p = {};
	struct io_uring_sqe *sqe;
	cpu_set_t set;
	char *ring;
	int fd, i;

	fd = syscall(SYS_io_uring_setup, 4, &p);
	if (fd < 0)
		return -1;
	CPU_ZERO(&set);
	for (i = 0; i < 64; i++)
		if (cpus >> i & 1)
			CPU_SET(i, &set);
	if (syscall(SYS_io_uring_register, fd, IORING_REGISTER_IOWQ_AFF, &set, sizeof(set))) {
		if (errno != EINVAL)
			return -2;
		refused = true;
	}
	ring = mmap(NULL, p.sq_off.array + p.sq_entries * sizeof(unsigned int),
		    PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQ_RING);
	sqe = mmap(NULL, p.sq_entries * sizeof(*sqe), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   IORING_OFF_SQES);
	if (ring == MAP_FAILED || sqe == MAP_FAILED)
		return -3;
	*sqe = (struct io_uring_sqe) {
		.opcode = IORING_OP_OPENAT,
		.flags = IOSQE_ASYNC,
		.fd = AT_FDCWD,
		.addr = (unsigned long)FIFO,
		.open_flags = O_RDONLY,
	};
	*(unsigned int *)(ring + p.sq_off.array) = 0;
	__atomic_store_n((unsigned int *)(ring + p.sq_off.tail), 1, __ATOMIC_RELEASE);
	return syscall(SYS_io_uring_enter, fd, 1, 0, 0, NULL, 0) == 1 ? fd : -4;
}

/* The CPUs of a process's threads of the kernel's making: of all of them together. */
static unsigned long ring_cpus(pid_t pid, int *count)
{
	DIR *dir = opendir(P("/proc/%d/task", pid));
	unsigned long mask = 0;
	struct dirent *d;
	char *s;

	*count = 0;
	while (dir && (d = readdir(dir))) {
		s = atoi(d->d_name) ? get(P("/proc/%d/task/%s/comm", pid, d->d_name)) : NULL;
		if (!s || strncmp(s, "iou-", 4))
			continue;
		s = get(P("/proc/%d/task/%s/status", pid, d->d_name));
		s = s ? strstr(s, "Cpus_allowed_list:") : NULL;
		if (!s)
			continue;
		mask |= mask_of(s + strlen("Cpus_allowed_list:\t"));
		++*count;
	}
	if (dir)
		closedir(dir);
	return mask;
}

static bool ring_has(pid_t pid, int count, unsigned long cpus)
{
	int n;
	unsigned long mask = ring_cpus(pid, &n);

	return n >= count && mask == cpus;
}

#define REFUSED 3	/* CPUs that are not allowed; so they have what is */

/* Makes both; before or after it is moved into a container, as told. */
static int user(struct kid *up, void *arg)
{
	unsigned long cpus = *(unsigned long *)arg;
	int cpu = __builtin_ctzl(cpus), got;

	while (kid_recv(up) != INT_MIN) {
		got = poll_ring(cpu) < 0 ? 1 : worker_ring(cpus) < 0 ? 2 : 0;
		kid_send(up, got ?: refused ? REFUSED : 0);
	}
	return 0;
}

static void test_rings(void)
{
	struct kid k;
	int n, got;

	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, rest) ?: make(B, all), 0, "a: all CPUs but the last, b: all");

	/* in the container first */
	k = kid_start(user, &last);
	err(movepid(A, k.pid), 0, "a process goes to a");
	kid_send(&k, 0);
	got = kid_recv(&k);
	ok(!got || got == REFUSED, "it has rings served on the last CPU, it thinks: %d", got);
	ok(wait_for((ring_cpus(k.pid, &n), n >= 2)), "there are threads for them");
	ok(wait_for(!(ring_cpus(k.pid, &n) & last)), "not on the last CPU");
	ok(ring_has(k.pid, 2, rest), "but on those of a");
	eq(nids(A "/tasks"), n + 1, "all are members");
	err(put(P("%s/procs", B), "%d", k.pid), 0, "it goes to b");
	eq(nids(A "/tasks"), 0, "with all its threads");
	ok(got || ring_has(k.pid, 2, last), "which have what it wanted for them");
	err(put(P("%s/procs", A), "%d", k.pid), 0, "and back to a");
	ok(ring_has(k.pid, 2, rest), "where they cannot have it");
	err(put(P("%s/procs", M), "%d", k.pid), 0, "to the root");
	ok(got || ring_has(k.pid, 2, last), "where they can");
	reap(k.pid);
	kid_wait(&k);

	/* the threads first */
	k = kid_start(user, &last);
	kid_send(&k, 0);
	eq(kid_recv(&k), 0, "another one has rings before it goes there");
	ok(wait_for(ring_has(k.pid, 2, last)), "they are served on the last CPU");
	err(put(P("%s/procs", A), "%d", k.pid), 0, "it goes to a");
	ok(ring_has(k.pid, 2, rest), "they are on the CPUs of a");
	kid_send(&k, 0);
	got = kid_recv(&k);
	ok(!got || got == REFUSED, "it has more: %d", got);
	ok(wait_for((ring_cpus(k.pid, &n), n >= 4)), "there are threads for these, too: %d", n);
	ok(wait_for(ring_has(k.pid, 4, rest)), "on the CPUs of a");
	reap(k.pid);
	kid_wait(&k);
	err(wait_for(!E(rmdir(A))) ? 0 : errno, 0, "rmdir");
	err(wait_for(!E(rmdir(B))) ? 0 : errno, 0, "rmdir");
	err(cumount(M), 0, "unmount");
}

int main(void)
{
	int fd;

	setup_cpuset();
	last = 1UL << (ncpus - 1);
	rest = all & ~last;
	if (ncpus < 2)
		bail("two CPUs");
	fd = poll_ring(0);
	if (fd < 0)
		skip("rings # this kernel has none: %s", strerror(errno));
	else if (close(fd), !strncmp(get("/proc/sys/kernel/osrelease"), "5.10.", 5))
		skip("rings # this kernel serves them by threads of its own, in nobody's name");
	else if (!mkfifo(FIFO, 0600))
		CASE(test_rings());
	unlink(FIFO);
	finish();
}
