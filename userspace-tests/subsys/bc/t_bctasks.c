// SPDX-License-Identifier: GPL-2.0
/*
 * bc: numtasks: processes, threads and vfork, their bounds, and moves.
 *
 * Workers are in the container A and do as they are told over a channel; the test
 * itself stays in the root, so that nothing it does changes A's figures.
 */
#define _GNU_SOURCE
#include "bcworkers.h"

static void test_numtasks(void)
{
	struct worker w, v;

	mount_bc();
	ok(root_counts_all(), "the root's numtasks are all there are");
	make(A);
	make(B);
	w = worker(A);
	eq(held(A, "numtasks"), 1, "a task moves in");
	ok(root_counts_all(), "and counts in the root still");
	bound(A, "numtasks", 5, 10);
	eq(ask(&w, fork_kids, 100), 9, "forks up to the limit");
	eq(held(A, "numtasks"), 10, "held");
	eq(ask(&w, fork_error, 0), EAGAIN, "then EAGAIN");
	eq(ask(&w, vfork_error, 0), EAGAIN, "for vfork, too");
	eq(ask(&w, start_threads, 3), 0, "and for threads");
	eq(bc(A, "numtasks.failcnt"), 4, "failcnt");
	eq(held(A, "numtasks"), 10, "nothing is lost by that");
	v = worker(A);
	eq(held(A, "numtasks"), 11, "a move goes beyond the limit");
	eq(ask(&w, end_kids, 1), 1, "an exit");
	eq(ask(&w, fork_error, 0), EAGAIN, "does not make room then");
	eq(ask(&w, end_kids, 1), 1, "a second one");
	eq(ask(&w, fork_error, 0), 0, "does");
	err(movepid(B, v.pid), 0, "moving away");
	eq(held(A, "numtasks"), 8, "takes it off here");
	eq(held(B, "numtasks"), 1, "and adds it there");
	ask(&w, end_kids, 100);
	eq(held(A, "numtasks"), 1, "after all have ended");
	eq(bc(A, "numtasks.maxheld"), 11, "maxheld");
	err(put(A "/bc.numtasks.limit", "300"), 0, "a higher limit");
	eq(ask(&w, start_threads, 200), 200, "threads");
	eq(held(A, "numtasks"), 201, "each counts");
	err(put(B "/procs", "%d", w.pid), 0, "the whole process moves");
	eq(held(A, "numtasks"), 0, "none is left");
	eq(held(B, "numtasks"), 202, "all are there");
	ok(root_counts_all(), "the root's are all there are");
	ask(&w, end_threads, 0);
	/* a thread can be joined a little before it is gone */
	ok(wait_for(held(B, "numtasks") == 2), "the threads end");
	eq(ask(&w, fork_kids, 3), 3, "some are left in there");
	eq(held(B, "numtasks"), 5, "held");
	ask(&w, end_kids, 3);
	err(movepid(M, w.pid), 0, "to the root");
	ok(root_counts_all(), "the root's are all there are");
	/* the root's own limit */
	err(put(M "/bc.numtasks.barrier", "0"), 0, "the root's barrier");
	err(put(M "/bc.numtasks.limit", "0"), 0, "the root's limit");
	eq(ask(&w, fork_error, 0), EAGAIN, "stops forks in it");
	eq(ask(&v, fork_error, 0), EAGAIN, "and below");
	bound(M, "numtasks", UNLIMITED, UNLIMITED);
	eq(quit(&w), 0, "worker ends");
	eq(quit(&v), 0, "worker ends");
	removed(A);
	removed(B);
	ok(root_counts_all(), "all are in the root again, and once");
	err(cumount(M), 0, "unmount");
}

int main(void)
{
	setup_bc();
	CASE(test_numtasks());
	finish();
}
