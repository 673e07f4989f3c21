// SPDX-License-Identifier: GPL-2.0
/*
 * cpuset: that members allocate where their container says, that their pages follow it
 * where it says so, spreading, and memory pressure.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "cpusets.h"

#define M "/tmp/m"
#define A M "/a"
#define B M "/b"

/* linux/mempolicy.h */
enum { POLICY_DEFAULT, POLICY_PREFERRED, POLICY_BIND, POLICY_INTERLEAVE };
#define POLICY_F_NODE	1
#define POLICY_F_ADDR	2
#define MOVE		2

#define PAGES 256
#define PAGE 4096


/* --- where pages are --------------------------------------------------------- */

/* Pages of ours on each node. */
struct where {
	int on[HOT + 1], elsewhere;
};

static struct where pages_at(void *mem, int count)
{
	struct where w = {};
	void *page[PAGES];
	int status[PAGES], i;

	for (i = 0; i < count; i++)
		page[i] = (char *)mem + i * PAGE;
	if (syscall(SYS_move_pages, 0, count, page, NULL, status, 0)) {
		w.elsewhere = count;
		return w;
	}
	for (i = 0; i < count; i++)
		if (status[i] >= 0 && status[i] <= HOT)
			w.on[status[i]]++;
		else
			w.elsewhere++;
	return w;
}

/* Are all on one node, each of them? */
static bool all_on(void *mem, int node)
{
	struct where w = pages_at(mem, PAGES);

	if (w.on[node] == PAGES)
		return true;
	diag("%d pages on node 0, %d on 1, %d on 2, %d elsewhere", w.on[0], w.on[1], w.on[HOT],
	     w.elsewhere);
	return false;
}

/* Has numa_maps a page of ours, in a mapping that begins there, on a node? */
static bool in_numa_maps(void *mem, int node)
{
	char *s = strstr(get("/proc/self/numa_maps") ?: "", P("%lx ", (unsigned long)mem)), *end;

	if (!s)
		return false;
	end = strchr(s, '\n');
	if (end)
		*end = '\0';
	return strstr(s, P(" N%d=", node));
}

enum kind { ANON, SHARED, SHMFILE, RAMFILE };
static const char *const kinds[] = { "anonymous", "shared", "tmpfs", "page cache" };

#define RAM "/tmp/ram"

static void *some_pages(enum kind kind)
{
	int flags = kind == ANON ? MAP_PRIVATE | MAP_ANONYMOUS :
		    kind == SHARED ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
	const char *name = P("%s/pages%d", kind == RAMFILE ? RAM : "/dev/shm", getpid());
	int fd = -1;
	char *mem;

	if (kind >= SHMFILE) {
		fd = open(name, O_RDWR | O_CREAT, 0600);
		if (fd < 0 || ftruncate(fd, PAGES * PAGE))
			return MAP_FAILED;
		unlink(name);
	}
	mem = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (fd >= 0)
		close(fd);
	if (mem != MAP_FAILED) {
		/* single pages, whatever the kernel would like */
		madvise(mem, PAGES * PAGE, MADV_NOHUGEPAGE);
		for (int i = 0; i < PAGES; i++)
			mem[i * PAGE] = i;
	}
	return mem;
}

/* --- allocating -------------------------------------------------------------- */

/* In a child: allocates in a container of one node, all kinds; which failed, by bit. */
static int allocate(void *arg)
{
	int node = (long)arg, bad = 0;
	void *mem;

	if (movepid(A, 0))
		return 128;
	for (enum kind k = ANON; k <= RAMFILE; k++) {
		mem = some_pages(k);
		if (mem == MAP_FAILED || !all_on(mem, node) || !in_numa_maps(mem, node) ||
		    in_numa_maps(mem, !node))
			bad |= 1 << k;
		munmap(mem, PAGES * PAGE);
	}
	return bad;
}

static int allocate_in_child(void *arg)
{
	pid_t pid;
	int status;

	if (movepid(A, 0))
		return 128;
	pid = fork();
	if (!pid)
		_exit(allocate(arg));
	return waitpid(pid, &status, 0) == pid ? status >> 8 : 129;
}

static void test_allocate(void)
{
	long node;
	int got;

	for (node = 0; node < 2; node++) {
		err(put(A "/cpuset.mems", "%ld", node), 0, "a: node %ld", node);
		got = in_child(allocate, (void *)node);
		for (enum kind k = ANON; k <= RAMFILE; k++)
			ok(!(got >> k & 1), "%s memory is there", kinds[k]);
		eq(in_child(allocate_in_child, (void *)node), 0, "that of children, too");
	}
}

/* --- policies ---------------------------------------------------------------- */

static int set_policy(int mode, unsigned long mask)
{
	return E(syscall(SYS_set_mempolicy, mode, &mask, 64));
}

static int bind_policy(void *mem, int mode, unsigned long mask)
{
	return E(syscall(SYS_mbind, mem, PAGES * PAGE, mode, &mask, 64, 0));
}

static unsigned long policy_nodes(void *addr)
{
	unsigned long mask[16] = {};
	int mode;

	if (syscall(SYS_get_mempolicy, &mode, mask, 1024, addr, addr ? POLICY_F_ADDR : 0))
		return ~0UL;
	return mask[0];
}

static int policies(struct kid *up, void *arg)
{
	unsigned long mask;
	void *mem, *page;
	int node, status;

	(void)arg;
	kid_send(up, movepid(A, 0));
	/* a: node 1 */
	kid_send(up, set_policy(POLICY_BIND, 1));
	kid_send(up, set_policy(POLICY_BIND, 3));
	kid_send(up, policy_nodes(NULL));
	kid_send(up, set_policy(POLICY_INTERLEAVE, 3));
	mem = some_pages(ANON);
	kid_send(up, all_on(mem, 1));
	kid_send(up, bind_policy(mem, POLICY_BIND, 1));
	kid_send(up, bind_policy(mem, POLICY_BIND, 3));
	kid_send(up, policy_nodes(mem));
	page = mem;
	node = 0;
	kid_send(up, E(syscall(SYS_move_pages, 0, 1, &page, &node, &status, MOVE)));
	mask = 1;
	syscall(SYS_migrate_pages, 0, 64, &(unsigned long){ 2 }, &mask);
	kid_send(up, all_on(mem, 1));
	/* a goes to node 0: policies are rewritten */
	kid_send(up, 0);
	kid_recv(up);
	kid_send(up, policy_nodes(NULL));
	kid_send(up, policy_nodes(mem));
	munmap(mem, PAGES * PAGE);
	mem = some_pages(ANON);
	kid_send(up, all_on(mem, 0));
	return 0;
}

static void test_policies(void)
{
	struct kid k;

	err(put(A "/cpuset.mems", "1"), 0, "a: node 1");
	k = kid_start(policies, NULL);
	err(kid_recv(&k), 0, "a task goes there");
	err(kid_recv(&k), EINVAL, "set_mempolicy: node 0 cannot be had");
	err(kid_recv(&k), 0, "both are narrowed");
	eq(kid_recv(&k), 2, "to node 1");
	err(kid_recv(&k), 0, "interleaved over both");
	ok(kid_recv(&k), "that is on node 1, every page");
	err(kid_recv(&k), EINVAL, "mbind: node 0 cannot be had");
	err(kid_recv(&k), 0, "both are narrowed");
	eq(kid_recv(&k), 2, "to node 1");
	err(kid_recv(&k), EACCES, "move_pages to node 0");
	ok(kid_recv(&k), "nor does migrate_pages");
	kid_recv(&k);
	err(put(A "/cpuset.mems", "0"), 0, "a: node 0");
	kid_send(&k, 0);
	eq(kid_recv(&k), 1, "the policy of the task went along");
	eq(kid_recv(&k), 1, "and that of its memory");
	ok(kid_recv(&k), "new pages are there");
	eq(kid_wait(&k), 0, "it ends well");
}

#define POLICY_STATIC	(1 << 15)

/*
 * Answers where memory is that it has just touched. Its policy asks for the first two nodes,
 * whatever a container allows, and the thread runs near the first one.
 */
static void *touch(void *arg)
{
	struct kid *up = arg;
	char *mem = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int node;

	set_affinity(0, 1);
	kid_send(up, bind_policy(mem, POLICY_BIND | POLICY_STATIC, 3) ?: (int)syscall(SYS_gettid));
	for (; kid_recv(up) >= 0; mem += PAGE) {
		*mem = 1;
		node = -1;
		syscall(SYS_get_mempolicy, &node, NULL, 0, mem, POLICY_F_NODE | POLICY_F_ADDR);
		kid_send(up, node);
	}
	_exit(0);
}

/* A process whose second thread touches memory, while the first one waits or, with @arg, has ended. */
static int two_threads(struct kid *up, void *arg)
{
	pthread_t t;

	if (pthread_create(&t, NULL, touch, up))
		return 1;
	if (arg)
		pthread_exit(NULL);
	pause();
	return 0;
}

static int ask(struct kid *k, int v)
{
	kid_send(k, v);
	return kid_recv(k);
}

/* The policies of an address space follow the thread that was moved last, there and back. */
static void test_threads(void)
{
	struct kid k = kid_start(two_threads, NULL);
	int tid = kid_recv(&k);

	err(put(A "/cpuset.mems", "1"), 0, "a: node 1");
	eq(ask(&k, 0), 0, "a thread has memory on the next node");
	err(put(A "/tasks", "%d", tid), 0, "it goes to a");
	eq(ask(&k, 0), 1, "node 1 there");
	err(put(M "/tasks", "%d", tid), 0, "and returns to where the first one is");
	eq(ask(&k, 0), 0, "the next one again");
	kid_send(&k, -1);
	eq(kid_wait(&k), 0, "it ends well");

	k = kid_start(two_threads, "ends");
	kid_recv(&k);
	ok(wait_for(task_state(k.pid, k.pid) == 'Z'), "the first thread of a process has ended");
	err(put(A "/procs", "%d", k.pid), 0, "the process goes to a");
	eq(ask(&k, 0), 1, "node 1 there");
	err(put(M "/procs", "%d", k.pid), 0, "and to the root");
	eq(ask(&k, 0), 0, "the next one again");
	kid_send(&k, -1);
	eq(kid_wait(&k), 0, "it ends well");
}

/* --- a setting that changes while it is read ---------------------------------- */

#define CG "/tmp/cg"
#define K CG "/k"

#define POLICY_RELATIVE	(1 << 14)

/* Takes the first node from a, for ever. It takes a while until each member has lost it. */
static int alternate(struct kid *up, void *arg)
{
	(void)arg;
	prctl(PR_SET_NAME, "delaytest");
	/* the CPU on which no member is */
	kid_send(up, set_affinity(0, 2));
	for (int i = 0;; i++) {
		if (put(A "/cpuset.mems", "1") || put(A "/cpuset.mems", "0"))
			return 1;
		/* somewhere in one of the forks that follow */
		msleep(15 + i % 16);
	}
}

static char said[8192];

/* Has a new child no node? It shares our memory, as it could not have any of its own then. */
static bool child_is_empty(void)
{
	char *mems;
	pid_t pid = vfork();
	int fd;

	if (!pid) {
		prctl(PR_SET_NAME, "child");
		fd = open("/proc/self/status", O_RDONLY);
		read(fd, said, sizeof(said) - 1);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	mems = strstr(said, "Mems_allowed_list:\t");
	return !mems || !mask_of(strchr(mems, '\t') + 1);
}

/* A member that makes children. Answers how many, and whether the last of them had no node. */
static int breed(struct kid *up, void *arg)
{
	long end = now_ms() + sized(10000, 4000);
	int policy = *(int *)arg, forks = 0;
	bool empty = false;

	kid_send(up, put(K "/cgroup.procs", "0") ?: movepid(A, 0) ?: set_policy(policy, !!policy));
	prctl(PR_SET_NAME, "delaytest");
	for (; now_ms() < end && !empty; forks++)
		empty = child_is_empty();
	kid_send(up, forks);
	kid_send(up, empty);
	return 0;
}

/*
 * The kernel's own cpuset leaves a member the first node, and the container has that one and none
 * of it in turn: whoever asks twice for the setting may find that it has something of what the
 * kernel allows, and then that nothing is left. The CPUs have nothing in common, either, so that
 * each child is looked at.
 */
static void test_empty(void)
{
	int policies[] = { 0, POLICY_BIND | POLICY_RELATIVE };
	const char *module = modfile("delaytest");
	struct kid k, writer;
	int forks;

	mkdir(CG, 0755);
	if (mount("x", CG, "cgroup2", 0, NULL)) {
		skip("a setting that changes # no cgroup2");
		return;
	}
	if (put(CG "/cgroup.subtree_control", "+cpuset") || mkdir(K, 0755)) {
		skip("a setting that changes # no cpuset in cgroup2");
		err(E(umount(CG)), 0, "unmount it");
		return;
	}
	err(put(K "/cpuset.cpus", "0") ?: put(K "/cpuset.mems", "0"), 0,
	    "a cgroup with CPU 0 and node 0");
	err(put(A "/cpuset.cpus", "1") ?: put(A "/cpuset.mems", "0"), 0, "a: CPU 1");
	/* where narrow() looks for what the two have in common */
	if (!module || modinsert(module, "function=__bitmap_intersects usecs=50"))
		diag("forks and writes are as short as ever");
	writer = kid_start(alternate, NULL);
	err(kid_recv(&writer), 0, "one who changes the nodes of a");
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		k = kid_start(breed, &policies[i]);
		err(kid_recv(&k), 0, "a member with the policy %x", policies[i]);
		forks = kid_recv(&k);
		eq(kid_recv(&k), 0, "no child is without a node, of %d", forks);
		eq(kid_wait(&k), 0, "it ends well");
	}
	eq(waitpid(writer.pid, NULL, WNOHANG), 0, "the nodes were changed all the time");
	reap(writer.pid);
	if (module)
		rmmod("delaytest");
	err(put(A "/cpuset.cpus", "%s", list_of(all)), 0, "a: all CPUs");
	err(wait_for(!E(rmdir(K))) ? 0 : errno, 0, "remove the cgroup");
	put(CG "/cgroup.subtree_control", "-cpuset");
	err(wait_for(!umount(CG)) ? 0 : errno, 0, "unmount it");
}

/* --- migration --------------------------------------------------------------- */

static int holder(struct kid *up, void *arg)
{
	void *mem[4];
	int node;

	(void)arg;
	for (enum kind k = ANON; k <= SHMFILE; k++)
		mem[k] = NULL;
	kid_recv(up);
	for (enum kind k = ANON; k <= SHMFILE; k++)
		mem[k] = some_pages(k);
	kid_send(up, 0);
	/* asked for a node: a bit for each kind that is there, all of it, untouched */
	while ((node = kid_recv(up)) >= 0) {
		int there = 0;

		for (enum kind k = ANON; k <= SHMFILE; k++) {
			bool ok = all_on(mem[k], node);

			for (int i = 0; i < PAGES; i++)
				ok &= ((unsigned char *)mem[k])[i * PAGE] == (i & 255);
			there |= ok << k;
		}
		kid_send(up, there);
	}
	return 0;
}

static void test_migrate(void)
{
	struct kid k = kid_start(holder, NULL);

	err(put(A "/cpuset.mems", "1"), 0, "a: node 1");
	err(movepid(A, k.pid), 0, "a task in a");
	ask(&k, 0);
	eq(ask(&k, 1), 7, "has its pages on node 1");
	err(put(A "/cpuset.mems", "0"), 0, "a: node 0");
	eq(ask(&k, 1), 7, "pages stay, without memory_migrate");
	err(put(A "/cpuset.mems", "1"), 0, "back");
	err(put(A "/cpuset.memory_migrate", "1"), 0, "with it");
	err(put(A "/cpuset.mems", "0"), 0, "a: node 0");
	eq(ask(&k, 0), 7, "all are there when the write returns");
	err(put(A "/cpuset.mems", "1"), 0, "a: node 1");
	eq(ask(&k, 1), 7, "all are there");
	err(put(A "/cpuset.mems", "0-1"), 0, "a: both");
	eq(ask(&k, 1), 7, "nothing moves without need");

	err(put(B "/cpuset.mems", "0"), 0, "b: node 0");
	err(movepid(B, k.pid), 0, "a move to b, which does not migrate");
	eq(ask(&k, 1), 7, "pages stay");
	err(put(A "/cpuset.mems", "1"), 0, "a: node 1");
	err(movepid(A, k.pid), 0, "back to a");
	err(put(B "/cpuset.memory_migrate", "1"), 0, "b migrates, too");
	err(movepid(B, k.pid), 0, "a move to b");
	eq(ask(&k, 0), 7, "takes all pages along");
	eq(mems_of(k.pid), 1, "mems_allowed is node 0");
	err(movepid(M, k.pid), 0, "to the root");
	eq(mems_of(k.pid), nodes, "which has all");
	eq(ask(&k, 0), 7, "nothing moves");
	kid_send(&k, -1);
	eq(kid_wait(&k), 0, "it ends well");
	err(put(A "/cpuset.memory_migrate", "0") ?: put(B "/cpuset.memory_migrate", "0"), 0,
	    "no more");
}

/* Members that allocate and give back while mems change all the time. */
static int churn(struct kid *up, void *arg)
{
	_Atomic int *stop = arg;
	long n = 0;
	void *mem;

	(void)up;
	while (!*stop) {
		mem = some_pages(n++ & 3);
		if (mem == MAP_FAILED)
			return 1;
		munmap(mem, PAGES * PAGE);
	}
	return n > 3 ? 0 : 2;
}

static void test_churn(int times)
{
	_Atomic int *stop = mmap_shared(PAGE);
	struct kid k[3];
	int i, bad = 0;

	err(put(A "/cpuset.mems", "0"), 0, "a: node 0");
	for (i = 0; i < 3; i++) {
		k[i] = kid_start(churn, stop);
		err(movepid(A, k[i].pid), 0, "a task that allocates");
	}
	for (i = 0; i < times; i++) {
		bad += !!put(A "/cpuset.memory_migrate", "%d", i >> 2 & 1);
		bad += !!put(A "/cpuset.mems", "%d", ~i & 1);
		bad += mems_of(k[i % 3].pid) != 1UL << (~i & 1);
		bad += !!movepid(i & 8 ? B : A, k[i % 3].pid);
		bad += !!movepid(A, k[i % 3].pid);
	}
	*stop = 1;
	for (i = 0; i < 3; i++)
		eq(kid_wait(&k[i]), 0, "a task that allocates ends well");
	eq(bad, 0, "%d changes under them", times);
	err(put(A "/cpuset.memory_migrate", "0"), 0, "no more");
}

/* --- spreading --------------------------------------------------------------- */

static int spread_here(bool both)
{
	void *mem = some_pages(RAMFILE);
	struct where w;

	w = pages_at(mem, PAGES);
	diag("%d pages on node 0, %d on node 1", w.on[0], w.on[1]);
	if (both)
		return w.on[0] < PAGES / 3 || w.on[1] < PAGES / 3;
	return w.on[0] != PAGES && w.on[1] != PAGES;
}

static int spread(void *arg)
{
	return movepid(A, 0) ? 128 : spread_here(arg);
}

/* The root spreads no more while a task of the root is in a container. */
static int spread_outside(void *arg)
{
	(void)arg;
	if (movepid(A, 0) || put(M "/cpuset.memory_spread_page", "0") || movepid(M, 0) ||
	    set_affinity(0, 1))
		return 128;
	return spread_here(false);
}

static void test_spread(void)
{
	pid_t pid;

	if (mode_of(A "/cpuset.memory_spread_page") == -1) {
		skip("memory_spread_page # this kernel does not spread");
		return;
	}
	/* one CPU: the local node stays the same */
	err(put(A "/cpuset.mems", "0-1") ?: put(A "/cpuset.cpus", "0"), 0, "a: both nodes");
	eq(in_child(spread, NULL), 0, "page cache is local");
	err(put(A "/cpuset.memory_spread_page", "1"), 0, "spread it");
	eq(in_child(spread, (void *)1), 0, "it is on both nodes, about half each");
	pid = sleeper();
	err(movepid(A, pid), 0, "a task there");
	err(put(A "/cpuset.memory_spread_page", "0"), 0, "no more");
	eq(in_child(spread, NULL), 0, "it is local again");
	reap(pid);
	err(put(M "/cpuset.memory_spread_page", "1"), 0, "in the root");
	err(E(mkdir(A "/x", 0755)), 0, "mkdir a/x");
	streq(get(A "/x/cpuset.memory_spread_page"), "0\n", "inherits from its parent");
	err(E(mkdir(M "/x", 0755)), 0, "mkdir x");
	streq(get(M "/x/cpuset.memory_spread_page"), "1\n", "one in the root does, too");
	eq(in_child(spread_outside, NULL), 0, "no more, which who comes back knows");
	rmdir(A "/x");
	rmdir(M "/x");
	err(put(A "/cpuset.cpus", "%s", list_of(all)), 0, "a: all CPUs");
}

/* --- pressure ---------------------------------------------------------------- */

/*
 * The meter counts those who have to reclaim for themselves.  Nobody has to while
 * kswapd keeps up, which it does on a CPU of its own: both get the same one, and
 * kswapd what the other leaves of it.
 */
static int hold_back(pid_t kswapd)
{
	struct sched_param none = { 0 };
	unsigned long first = 1;

	return E(syscall(SYS_sched_setaffinity, kswapd, sizeof(first), &first)) ?:
	       E(syscall(SYS_sched_setaffinity, 0, sizeof(first), &first)) ?:
	       E(sched_setscheduler(kswapd, SCHED_IDLE, &none));
}

/* Fills node 1 with memory that can be reclaimed, and wants more. */
static int press(struct kid *up, void *arg)
{
	size_t size = (size_t)(long)arg;
	char *mem, *more;

	if (movepid(A, 0) || hold_back(task_named("kswapd1")))
		return 1;
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		return 2;
	while (!kid_recv(up)) {
		for (size_t i = 0; i < size; i += PAGE)
			mem[i] = 1;
		madvise(mem, size, MADV_FREE);
		more = mmap(NULL, size / 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
		for (size_t i = 0; more != MAP_FAILED && i < size / 2; i += PAGE)
			more[i] = 1;
		munmap(more, size / 2);
		kid_send(up, 0);
	}
	return 0;
}

static long node_free(int node)
{
	char *s = get(P("/sys/devices/system/node/node%d/meminfo", node));

	s = s ? strstr(s, "MemFree:") : NULL;
	return s ? atol(s + 8) << 10 : 0;
}

static void test_pressure(void)
{
	long start = now_ms(), rate = 0, later;
	struct kid k;
	int i;

	if (debug_kernel()) {
		skip("memory pressure # takes too long on a debug kernel");
		return;
	}
	err(put(A "/cpuset.mems", "1"), 0, "a: node 1");
	err(put(M "/cpuset.memory_pressure_enabled", "1"), 0, "count reclaims");
	streq(get(M "/cpuset.memory_pressure_enabled"), "1\n", "it says so");
	streq(get(A "/cpuset.memory_pressure"), "0\n", "none yet");
	k = kid_start(press, (void *)(node_free(1) * 8 / 10));
	while (!rate && now_ms() < start + 60000) {
		if (ask(&k, 0))
			break;
		rate = getnum(A "/cpuset.memory_pressure");
		if (!rate) {
			msleep(1000);
			rate = getnum(A "/cpuset.memory_pressure");
		}
	}
	ok(rate > 0, "members reclaim: %ld", rate);
	streq(get(B "/cpuset.memory_pressure"), "0\n", "those of another do not");
	kid_send(&k, 1);
	eq(kid_wait(&k), 0, "it ends well");
	/* The meter counts by whole seconds: what the last one saw is in it after the next. */
	msleep(1100);
	rate = getnum(A "/cpuset.memory_pressure");
	msleep(12000);
	later = getnum(A "/cpuset.memory_pressure");
	ok(later <= rate * 6 / 10 + 1, "and the rate halves in 10 s: %ld, then %ld", rate, later);
	err(put(M "/cpuset.memory_pressure_enabled", "0"), 0, "no more");
	streq(get(M "/cpuset.memory_pressure_enabled"), "0\n", "it says so");
	rate = getnum(A "/cpuset.memory_pressure");
	k = kid_start(press, (void *)(node_free(1) * 8 / 10));
	for (i = 0; i < 5 && !ask(&k, 0); i++)
		msleep(1000);
	kid_send(&k, 1);
	eq(kid_wait(&k), 0, "a member that reclaims ends well");
	later = getnum(A "/cpuset.memory_pressure");
	ok(later <= rate, "and is not counted: %ld, then %ld", rate, later);
}

/* --- hotplug ----------------------------------------------------------------- */

static void test_hotplug(void)
{
	pid_t other = sleeper();
	struct kid k;

	if (hot_memory("online_movable")) {
		skip("memory hotplug # this kernel has none");
		reap(other);
		return;
	}
	eq(memory_nodes(), nodes | 1 << HOT, "memory comes");
	eq(mask_in(M "/cpuset.mems"), nodes | 1 << HOT, "the root has it");
	err(put(A "/cpuset.mems", "0,%d", HOT), 0, "a may have it");
	err(put(B "/cpuset.mems", "%d", HOT), 0, "b, nothing else");
	err(movepid(A, other), 0, "a task in a");
	k = kid_start(holder, NULL);
	err(movepid(B, k.pid), 0, "one in b");
	ask(&k, 0);
	eq(ask(&k, HOT), 7, "has its pages there");

	err(hot_memory("offline"), 0, "the memory goes");
	ok(wait_for(listed(M "/tasks", k.pid)), "b's task goes to the root");
	eq(nids(B "/tasks"), 0, "nobody is left in b");
	ok(wait_for(mems_of(k.pid) == nodes), "it may use what there is");
	streq(get(B "/cpuset.mems"), "\n", "b has no memory");
	err(movepid(B, other), ENOSPC, "nobody may enter");
	err(put(B "/cpuset.mems", "%d", HOT), EINVAL, "nor can it be set to what is gone");
	eq(mask_in(A "/cpuset.mems"), 1, "a has the rest of its own");
	ok(wait_for(mems_of(other) == 1), "its task, too");
	ok(listed(A "/tasks", other), "which stays");
	eq(mask_in(M "/cpuset.mems"), nodes, "the root has what there is");

	err(hot_memory("online_movable"), 0, "it comes back");
	eq(mask_in(M "/cpuset.mems"), nodes | 1 << HOT, "to the root");
	eq(mask_in(A "/cpuset.mems"), 1, "not to a");
	/* the kernel gives it all memory at first, and a work item takes that back */
	ok(wait_for(mems_of(other) == 1), "nor to its task");
	streq(get(B "/cpuset.mems"), "\n", "nor to b");
	err(hot_memory("offline"), 0, "it goes for good");
	ok(wait_for(mask_in(M "/cpuset.mems") == nodes), "the root has what there is");
	kid_send(&k, -1);
	eq(kid_wait(&k), 0, "the task ends well");
	reap(other);
}

int main(void)
{
	setup_cpuset();
	if (nodes != 3)
		bail("two memory nodes");
	mkdir(RAM, 0755);
	err(E(mount("ram", RAM, "ramfs", 0, NULL)), 0, "mount a ramfs");
	err(cmount(M, "cpuset"), 0, "mount");
	err(E(mkdir(A, 0755)) ?: put(A "/cpuset.cpus", "%s", list_of(all)), 0, "a");
	err(E(mkdir(B, 0755)) ?: put(B "/cpuset.cpus", "%s", list_of(all)), 0, "b");
	CASE(test_allocate());
	CASE(test_policies());
	CASE(test_threads());
	CASE(test_empty());
	CASE(test_migrate());
	CASE(test_churn(debug_kernel() ? 30 : sized(100, 30)));
	CASE(test_spread());
	CASE(test_hotplug());
	CASE(test_pressure());
	err(wait_for(!E(rmdir(A))) ? 0 : errno, 0, "rmdir");
	err(wait_for(!E(rmdir(B))) ? 0 : errno, 0, "rmdir");
	err(cumount(M), 0, "unmount");
	err(E(umount(RAM)), 0, "unmount the ramfs");
	rmdir(RAM);
	finish();
}
