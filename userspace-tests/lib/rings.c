// SPDX-License-Identifier: GPL-2.0
/* io_uring. See rings.h. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "rings.h"

bool ring_open(struct ring *r)
{
	memset(r, 0, sizeof(*r));
	r->fd = syscall(SYS_io_uring_setup, 4, &r->par);
	if (r->fd < 0)
		return false;
	r->sq = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, IORING_OFF_SQ_RING);
	r->cq = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, IORING_OFF_CQ_RING);
	r->sqes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, IORING_OFF_SQES);
	return r->sq != MAP_FAILED && r->cq != MAP_FAILED && r->sqes != MAP_FAILED;
}

long ring_do(struct ring *r, int op, int fd, void *buf, int len, int flags)
{
	unsigned int *head = (void *)(r->cq + r->par.cq_off.head);
	unsigned int *tail = (void *)(r->cq + r->par.cq_off.tail);
	struct io_uring_cqe *cqe;
	long res;

	memset(r->sqes, 0, sizeof(*r->sqes));
	r->sqes->opcode = op;
	r->sqes->fd = fd;
	r->sqes->addr = (unsigned long)buf;
	r->sqes->len = len;
	r->sqes->flags = flags;
	*(unsigned int *)(r->sq + r->par.sq_off.array) = 0;
	((unsigned int *)(r->sq + r->par.sq_off.array))[1] = 0;
	((unsigned int *)(r->sq + r->par.sq_off.array))[2] = 0;
	((unsigned int *)(r->sq + r->par.sq_off.array))[3] = 0;
	__atomic_add_fetch((unsigned int *)(r->sq + r->par.sq_off.tail), 1, __ATOMIC_SEQ_CST);
	if (syscall(SYS_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		return -9999;
	/* the wait ends early where the kernel has something for us to do meanwhile */
	if (!wait_for(__atomic_load_n(tail, __ATOMIC_SEQ_CST) != *head))
		return -9998;
	cqe = (void *)(r->cq + r->par.cq_off.cqes);
	res = cqe[*head & (r->par.cq_entries - 1)].res;
	__atomic_add_fetch(head, 1, __ATOMIC_SEQ_CST);
	return res;
}
