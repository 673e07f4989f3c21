// SPDX-License-Identifier: GPL-2.0
/*
 * bc: memory: privvmpages and its bounds; physpages and kmemsize, which are accounted.
 *
 * Workers are in the container A and do as they are told over a channel; the test
 * itself stays in the root, so that nothing it does changes A's figures.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "bcworkers.h"

static void *mapped[64];
static int nmapped;

static long map_pages(long pages)
{
	void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return errno;
	mapped[nmapped++] = p;
	return 0;
}

static long unmap_pages(long pages)
{
	return munmap(mapped[--nmapped], pages * PAGE) ? errno : 0;
}

static long map_fixed(long pages)
{
	/* over a mapping of our own: grows by nothing */
	return mmap(mapped[nmapped - 1], pages * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) ==
		MAP_FAILED ? errno : 0;
}

static long map_shared(long pages)
{
	void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return errno;
	return munmap(p, pages * PAGE) ? errno : 0;
}

static long map_readonly(long pages)
{
	void *p = mmap(NULL, pages * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return errno;
	mapped[nmapped++] = p;
	return 0;
}

static long protect(long prot_pages)
{
	return mprotect(mapped[nmapped - 1], (prot_pages >> 8) * PAGE, prot_pages & 0xff) ?
		errno : 0;
}

/* The same with an address space that may not grow at all, which makes the kernel ask otherwise. */
static long protect_full(long prot_pages)
{
	struct rlimit old, full;
	long err;

	getrlimit(RLIMIT_AS, &old);
	full = old;
	full.rlim_cur = status_kb(getpid(), "VmSize:") * 1024;
	setrlimit(RLIMIT_AS, &full);
	err = protect(prot_pages);
	setrlimit(RLIMIT_AS, &old);
	return err;
}

static long remap_pages(long from_to)
{
	void *p = mremap(mapped[nmapped - 1], (from_to >> 16) * PAGE,
			 (from_to & 0xffff) * PAGE, MREMAP_MAYMOVE);

	if (p == MAP_FAILED)
		return errno;
	mapped[nmapped - 1] = p;
	return 0;
}

static long grow_break(long pages)
{
	unsigned long now = syscall(SYS_brk, 0);

	return (unsigned long)syscall(SYS_brk, now + pages * PAGE) == now + pages * PAGE ?
		0 : ENOMEM;
}

/* A mapping that grows down, and a touch below it. */
static long map_stack(long pages)
{
	char *p = mmap(NULL, 256 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(p, 256 * PAGE);
	p = mmap(p + 255 * PAGE, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
	if (p == MAP_FAILED)
		return errno;
	mapped[nmapped++] = p;
	(void)pages;
	return 0;
}

static long where_mapped(long arg)
{
	(void)arg;
	return (long)mapped[nmapped - 1];
}

/* Looks at another's memory, so many pages below an address: its stack grows for that. */
static long look_below(pid_t pid, unsigned long address, long pages)
{
	int fd = open(P("/proc/%d/mem", pid), O_RDONLY);
	char c;
	long e = pread(fd, &c, 1, address - pages * PAGE) == 1 ? 0 : errno;

	close(fd);
	return e;
}

static long touch_below(long pages)
{
	pid_t p = fork();
	int status;

	if (!p) {
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		for (long i = 1; i <= pages; i++)
			*((volatile char *)mapped[nmapped - 1] - i * PAGE) = 1;
		_exit(0);
	}
	if (p < 0)
		return -errno;
	waitpid(p, &status, 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static long fork_wait_kid(long arg)
{
	return fork_kids(1) == 1 ? 0 : errno;
	(void)arg;
}

static long touch_pages(long pages)
{
	for (long i = 0; i < pages; i++)
		((volatile char *)mapped[nmapped - 1])[i * PAGE] = 1;
	return 0;
}

static void test_privvmpages(void)
{
	struct worker w, v;
	unsigned long address;
	long base;
	pid_t kid;

	mount_bc();
	make(A);
	make(B);
	w = worker(A);
	base = private_pages(w.pid);
	ok(base > 0, "a worker has %ld pages", base);
	agrees(A, w.pid, 1, "after a move");
	eq(ask(&w, map_pages, 100), 0, "mmap");
	eq(held(A, "privvmpages"), base + 100, "counts");
	agrees(A, w.pid, 1, "after mmap");
	bound(A, "privvmpages", 0, base + 150);
	eq(ask(&w, map_pages, 51), ENOMEM, "one page too many: ENOMEM");
	ok(bc(A, "privvmpages.failcnt") >= 1, "failcnt");
	eq(held(A, "privvmpages"), base + 100, "nothing is lost by that");
	eq(ask(&w, map_pages, 50), 0, "up to the limit");
	eq(ask(&w, map_pages, 1), ENOMEM, "no more");
	eq(ask(&w, map_fixed, 50), 0, "a mapping over another takes nothing");
	eq(ask(&w, map_shared, 1000), 0, "nor does one that is shared");
	eq(ask(&w, grow_break, 1), ENOMEM, "brk: ENOMEM");
	eq(ask(&w, remap_pages, 50L << 16 | 51), ENOMEM, "mremap: ENOMEM");
	eq(ask(&w, fork_wait_kid, 0), ENOMEM, "fork, whose copy does not fit: ENOMEM");
	eq(ask(&w, vfork_error, 0), 0, "vfork has no copy");
	eq(held(A, "numtasks"), 1, "no task is left of that");
	agrees(A, w.pid, 1, "at the limit");
	eq(ask(&w, remap_pages, 50L << 16 | 40), 0, "a mapping gets smaller");
	eq(ask(&w, grow_break, 10), 0, "which makes room for brk");
	eq(ask(&w, grow_break, 1), ENOMEM, "but for no more");
	eq(ask(&w, grow_break, -10), 0, "the break is lowered");
	eq(ask(&w, remap_pages, 40L << 16 | 50), 0, "and a mapping grows by that");
	agrees(A, w.pid, 1, "after mremap");
	eq(ask(&w, unmap_pages, 50), 0, "munmap");
	agrees(A, w.pid, 1, "after munmap");

	/* a mapping becomes data */
	eq(ask(&w, map_readonly, 60), 0, "a mapping that cannot be written");
	eq(held(A, "privvmpages"), base + 100, "counts nothing");
	eq(ask(&w, protect, 60L << 8 | PROT_READ | PROT_WRITE), ENOMEM, "writable: ENOMEM");
	eq(ask(&w, protect, 50L << 8 | PROT_READ | PROT_WRITE), 0, "as much as there is room for");
	agrees(A, w.pid, 1, "after mprotect");
	eq(ask(&w, map_pages, 1), ENOMEM, "and no more");
	eq(ask(&w, protect, 50L << 8 | PROT_READ), 0, "not writable any more");
	agrees(A, w.pid, 1, "after that");
	eq(ask(&w, protect_full, 60L << 8 | PROT_READ | PROT_WRITE), ENOMEM,
	   "the same in an address space that is full");
	agrees(A, w.pid, 1, "after that, too");
	eq(ask(&w, unmap_pages, 60), 0, "munmap");

	/* data in place of a mapping that is none: the kernel does not ask for the pages of that */
	eq(ask(&w, map_readonly, 1000), 0, "a large mapping that cannot be written");
	eq(ask(&w, map_fixed, 1000), ENOMEM, "one that can in its place: ENOMEM");
	agrees(A, w.pid, 1, "after that");
	eq(ask(&w, map_fixed, 50), 0, "as much as there is room for");
	agrees(A, w.pid, 1, "with that");
	eq(ask(&w, map_fixed, 51), ENOMEM, "and no more");
	eq(ask(&w, map_fixed, 50), 0, "the same again takes nothing");
	eq(ask(&w, map_pages, 1), ENOMEM, "nor is there room elsewhere");
	eq(ask(&w, map_shared, 950), 0, "shared pages are no matter");
	eq(ask(&w, unmap_pages, 1000), 0, "munmap");
	agrees(A, w.pid, 1, "without it");

	/* stacks */
	bound(A, "privvmpages", 0, UNLIMITED);
	eq(ask(&w, map_stack, 0), 0, "a mapping that grows down");
	agrees(A, w.pid, 1, "with a stack");
	eq(ask(&w, touch_below, 20), 0, "grows when it is touched");
	bound(A, "privvmpages", 0, private_pages(w.pid) * 2 + 10);
	eq(ask(&w, touch_below, 10), 0, "up to the limit");
	eq(ask(&w, touch_below, 11), SIGSEGV, "then SIGSEGV");
	bound(A, "privvmpages", 0, UNLIMITED);
	address = ask(&w, where_mapped, 0);
	if (look_below(w.pid, address, 1)) {
		skip("a look by somebody else # no stack grows for that here");
	} else {
		agrees(A, w.pid, 1, "with a page more, at which somebody else has looked");
		bound(A, "privvmpages", 0, held(A, "privvmpages") + 10);
		eq(look_below(w.pid, address, 12), EIO, "nor does it for somebody else, from outside");
		agrees(A, w.pid, 1, "after that");
		eq(look_below(w.pid, address, 11), 0, "but for its limit");
		agrees(A, w.pid, 1, "at the limit, too");
	}
	eq(ask(&w, unmap_pages, 1), 0, "munmap");
	bound(A, "privvmpages", UNLIMITED, UNLIMITED);

	/* an address space of many tasks counts once, a copy for itself */
	eq(ask(&w, start_threads, 10), 10, "threads");
	agrees(A, w.pid, 1, "with threads");
	eq(ask(&w, fork_wait_kid, 0), 0, "a child");
	agrees(A, w.pid, 2, "with a child");
	err(movepid(B, w.pid), 0, "one thread moves");
	agrees(B, w.pid, 1, "where it moved");
	agrees(A, w.pid, 2, "where the others are");
	err(put(B "/procs", "%d", w.pid), 0, "all threads move");
	agrees(B, w.pid, 1, "where they moved");
	agrees(A, w.pid, 1, "where the child is");
	ask(&w, end_threads, 0);
	agrees(B, w.pid, 1, "without the threads");
	ask(&w, end_kids, 1);
	eq(held(A, "privvmpages"), 0, "the child has ended");

	/* a move is never refused */
	bound(A, "privvmpages", 0, 1);
	err(movepid(A, w.pid), 0, "a move into a container that is full");
	agrees(A, w.pid, 1, "after it");
	eq(ask(&w, map_pages, 1), ENOMEM, "but nothing grows");
	bound(A, "privvmpages", UNLIMITED, UNLIMITED);

	/* others' memory makes room, too: nothing tells of it until somebody asks */
	v = worker(A);
	eq(ask(&v, map_pages, 500), 0, "another process has a lot");
	bound(A, "privvmpages", 0, held(A, "privvmpages"));
	eq(ask(&w, map_pages, 400), ENOMEM, "there is no room");
	eq(ask(&v, unmap_pages, 500), 0, "it gives it back");
	eq(ask(&w, map_pages, 500), 0, "then there is");
	eq(quit(&w), 0, "worker ends");
	bound(A, "privvmpages", UNLIMITED, UNLIMITED);

	/* exec */
	tell(&v, exec_self, 0);
	ok(wait_for(strstr(get(P("/proc/%d/cmdline", v.pid)) ?: "", "sleep")), "exec");
	ok(wait_for(held(A, "privvmpages") == private_pages(v.pid)),
	   "after exec held is what the kernel counts");
	kid = v.pid;
	close(v.fd);
	reap(kid);
	ok(wait_for(held(A, "privvmpages") == 0), "nothing is held");
	ok(bc(A, "privvmpages.maxheld") >= base + 500, "maxheld");
	eq(bc(A, "privvmpages.minheld"), 0, "minheld");

	/* an exec that does not fit ends the program, not the system */
	w = worker(A);
	bound(A, "privvmpages", 0, 5);
	tell(&w, exec_self, 0);
	ok(wait_for(task_state(w.pid, w.pid) == 'Z'), "a program that does not fit dies");
	close(w.fd);
	reap(w.pid);
	ok(wait_for(held(A, "privvmpages") == 0 && held(A, "numtasks") == 0), "and leaves nothing");
	removed(A);
	removed(B);
	err(cumount(M), 0, "unmount");
}

static void test_accounting(void)
{
	struct worker w, v;
	/* KASAN doubles them */
	long stack = debug_kernel() ? 32768 : 16384;
	long rss, pte, got, low;

	mount_bc();
	make(A);
	make(B);
	w = worker(A);
	low = held(A, "physpages");
	ok(bc(A, "kmemsize.minheld") >= stack, "minheld: nothing was read before the first member");
	ask(&w, map_pages, 1000);
	ask(&w, touch_pages, 1000);
	rss = status_kb(w.pid, "VmRSS:") * 1024 / PAGE;
	got = held(A, "physpages");
	ok(labs(rss - got) <= 64 * 3, "physpages are what is mapped: %ld, VmRSS %ld", got, rss);
	ok(got >= 1000, "all that was touched");
	ok(bc(A, "physpages.maxheld") >= got, "maxheld is the most that was seen");
	eq(bc(A, "physpages.minheld"), low, "minheld is the least that was seen");
	eq(ask(&w, unmap_pages, 1000), 0, "munmap");
	ok(held(A, "physpages") < got - 900, "goes with the pages");
	ok(bc(A, "physpages.maxheld") >= got, "maxheld stays");
	pte = status_kb(w.pid, "VmPTE:") * 1024;
	eq(held(A, "kmemsize"), pte + stack, "kmemsize are page tables and a stack");
	v = worker(A);
	eq(ask(&v, start_threads, 5), 5, "threads");
	eq(held(A, "kmemsize"), status_kb(w.pid, "VmPTE:") * 1024 +
	   status_kb(v.pid, "VmPTE:") * 1024 + 7 * stack, "and five stacks more");
	/* bounds are there, and do nothing */
	bound(A, "kmemsize", 0, 0);
	bound(A, "physpages", 0, 0);
	eq(ask(&w, fork_error, 0), 0, "neither is limited");
	eq(ask(&w, map_pages, 10), 0, "nor the other");
	eq(bc(A, "kmemsize.failcnt") + bc(A, "physpages.failcnt"), 0, "nothing fails");
	err(put(B "/procs", "%d", v.pid), 0, "a process moves");
	eq(held(A, "kmemsize"), status_kb(w.pid, "VmPTE:") * 1024 + stack, "with what it has");
	ask(&v, end_threads, 0);
	eq(quit(&w), 0, "worker ends");
	eq(quit(&v), 0, "worker ends");
	eq(held(A, "kmemsize"), 0, "nothing held");
	eq(held(A, "physpages"), 0, "nothing held");
	eq(bc(A, "kmemsize.minheld") + bc(A, "physpages.minheld"), 0, "that is the least now");
	ok(bc(M, "kmemsize.minheld") > stack && bc(M, "physpages.minheld") > 0,
	   "the root was never empty");
	removed(A);
	removed(B);
	err(cumount(M), 0, "unmount");
}

/* --- room among many ---------------------------------------------------------- */

#define MANY 600	/* address spaces: more than bc looks at in one go */
#define OTHERS 8

/* So many growths, all refused; how long one takes on average, in microseconds. */
static long refused_growths(long count)
{
	long begin = now_ms(), i;

	for (i = 0; i < count; i++)
		if (map_pages(400) != ENOMEM)
			return -1;
	return (now_ms() - begin) * 1000 / count;
}

/* Wherever among many address spaces some pages were freed, they are found. */
static void test_room(void)
{
	struct worker w, v[OTHERS];
	int i, missed = 0, failed = 0;
	long took;

	mount_bc();
	make(A);
	make(B);
	w = worker(A);
	eq(ask(&w, fork_kids, MANY), MANY, "many address spaces");
	for (i = 0; i < OTHERS; i++)
		v[i] = worker(A);
	for (i = 0; i < OTHERS; i++) {
		failed += ask(&v[i], map_pages, 500) != 0;
		bound(A, "privvmpages", 0, held(A, "privvmpages"));
		failed += ask(&w, map_pages, 400) != ENOMEM;
		failed += ask(&v[i], unmap_pages, 500) != 0;
		missed += ask(&w, map_pages, 500) != 0;
		failed += ask(&w, unmap_pages, 500) != 0;
		/* a fork finds what was freed, too */
		missed += ask(&w, fork_kids, 1) != 1;
		failed += ask(&w, end_kids, 1) != 1;
		bound(A, "privvmpages", UNLIMITED, UNLIMITED);
	}
	eq(failed, 0, "nothing else is refused, or not refused");
	eq(missed, 0, "each time what another has freed is found");
	bound(A, "privvmpages", 0, held(A, "privvmpages"));
	took = ask(&w, refused_growths, 500);
	ok(took >= 0, "growths that are refused");
	diag("each takes %ld us", took);
	bound(A, "privvmpages", UNLIMITED, UNLIMITED);
	/* in another container, which has no other address space */
	err(movepid(B, v[0].pid), 0, "one in another container");
	bound(B, "privvmpages", 0, held(B, "privvmpages"));
	took = ask(&v[0], refused_growths, 500);
	ok(took >= 0, "growths that are refused there");
	diag("each takes %ld us", took);
	for (i = 0; i < OTHERS; i++)
		eq(quit(&v[i]), 0, "worker ends");
	ask(&w, end_kids, MANY + 1000);
	eq(quit(&w), 0, "worker ends");
	ok(wait_for(held(A, "privvmpages") == 0), "nothing is held");
	removed(A);
	removed(B);
	err(cumount(M), 0, "unmount");
}

int main(void)
{
	setup_bc();
	CASE(test_privvmpages());
	CASE(test_accounting());
	CASE(test_room());
	finish();
}
