// SPDX-License-Identifier: GPL-2.0
/*
 * bc in a tree: nobody gets past a limit by going further down, into namespaces of his own,
 * into a subtree that is his own, or in a storm.
 *
 * The tree is the one of t_bctree: see bctrees.h.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "bctrees.h"
#include "lib.h"

/* --- nobody gets past ------------------------------------------------------------------ */

struct escape {
	long started, opened;
	int forks;
};

/* As an ordinary user: children in namespaces of their own, and files in each. */
static int escape(struct kid *up, void *arg)
{
	volatile struct escape *s = arg;
	int got[2], p[2];

	kid_recv(up);
	drop_to(65534);
	signal(SIGCHLD, SIG_IGN);
	if (pipe(p))
		return 1;
	for (int i = 0; i < 100; i++) {
		pid_t k = fork();

		if (!k) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			got[0] = unshare(CLONE_NEWUSER);
			got[1] = 0;
			for (int fd = 0; fd < 30; fd++)
				got[1] += open("/dev/null", O_RDONLY) >= 0;
			if (write(p[1], got, sizeof(got)) < 0)
				_exit(1);
			for (;;)
				pause();
		}
		if (k < 0)
			break;
		s->forks++;
		if (read(p[0], got, sizeof(got)) == sizeof(got)) {
			s->started += !got[0];
			s->opened += got[1];
		}
	}
	kid_send(up, 0);
	kid_recv(up);
	return 0;
}

static void test_unshare(void)
{
	volatile struct escape *s = mmap_shared(PAGE);
	struct kid k;

	if (modprobe("container_ns"))
		bail("container_ns does not load");
	if (cmount(M, "ns,bc"))
		bail("mount ns,bc: %s", strerror(errno));
	put("/proc/sys/kernel/unprivileged_userns_clone", "1");
	mkdir(A, 0755);
	bound(A, "numtasks", 5, 5);
	bound(A, "numfiles", 40, 40);
	k = kid_start(escape, (void *)s);
	err(movepid(A, k.pid), 0, "a user goes into a container of 5 tasks and 40 files");
	kid_send(&k, 0);
	kid_recv(&k);
	eq(s->forks, 4, "it has four children, namespaces or not");
	ok(s->started == 4, "each of which made some: %ld", s->started);
	ok(s->opened <= 40, "they have %ld files together", s->opened);
	eq(bc(A, "numtasks.held"), 5, "all count in the container");
	eq(bc(A, "numtasks.maxheld"), 5, "and never were more");
	eq(bc(A, "numfiles.maxheld"), 40, "and they had no more files");
	reap(k.pid);
	close(k.fd);
	ok(wait_for(!bc(A, "numtasks.held") && !bc(A, "numfiles.held")), "none are left");
	wait_for(E(rmdir(A)) != EBUSY);
	err(cumount(M), 0, "unmount");
}

/* The owner of a subtree makes containers in it, and moves what it has from one to another. */
static int owner(void *arg)
{
	int made = 0, tries = 0, n = 0;
	pid_t p;

	(void)arg;
	for (int i = 0; i < 10; i++) {
		const char *dir = P(A "/b/x%d/", i);

		if (mkdir(dir, 0755))
			return 101;
		if (put(P("%sbc.numtasks.barrier", dir), "1000") ||
		    put(P("%sbc.numtasks.limit", dir), "1000"))
			return 102;
		for (int j = 0; j < 10; j++, tries++) {
			p = fork();
			if (!p) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				for (;;)
					pause();
			}
			if (p < 0)
				continue;
			kids[made++] = p;
			if (put(P("%stasks", dir), "%d", p))
				return 103;
		}
	}
	/* what it may not: the limit itself */
	if (put(A "/bc.numtasks.limit", "1000") != EACCES)
		return 104;
	for (int i = 0; i < made; i++) {
		kill(kids[i], SIGKILL);
		waitpid(kids[i], NULL, 0);
	}
	for (int i = 0; i < 10; i++)
		n += rmdir(P(A "/b/x%d", i)) != 0;
	return n ? 105 : made;
}

static int owner_in(void *arg)
{
	if (put(A "/b/tasks", "0"))
		return 100;
	return as_user(1000, owner, arg);
}

static void test_delegated(void)
{
	const char *const own[] = {
		A "/b", A "/b/tasks", A "/b/bc.numtasks.limit", A "/b/bc.numtasks.barrier",
	};

	grow("bc");
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (chown(own[i], 1000, 1000))
			bail("chown: %s", strerror(errno));
	bound(A, "numtasks", 6, 6);
	eq(in_child(owner_in, NULL), 4, "the owner of a subtree has as many as the limit above");
	eq(bc(A, "numtasks.maxheld"), 6, "which never was exceeded");
	fell();
}

/* --- all at once ------------------------------------------------------------------------ */

static pid_t storm_child(bool copy)
{
	pid_t p = copy ? fork() : vfork();

	if (!p)
		_exit(0);
	return p;
}

static void storm(unsigned int seed)
{
	while (*stop == 2)
		msleep(1);
	while (!*stop) {
		pid_t p = storm_child(rand_r(&seed) % 2);
		int fd[10], n = 0;
		void *m;

		while (n < 10 && (fd[n] = open("/dev/null", O_RDONLY)) >= 0)
			n++;
		m = mmap(NULL, 50 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
		if (m != MAP_FAILED)
			munmap(m, 50 * PAGE);
		while (n)
			close(fd[--n]);
		if (p > 0)
			waitpid(p, NULL, 0);
	}
	_exit(0);
}

/*
 * Forks, files and memory beside moves, changes of limits, mkdir and rmdir. All are in
 * the tree before they begin, as a move into it would not be refused.
 */
static void test_storm(void)
{
	bool over = false;
	pid_t p[8], m[2];
	long end, n = 0;

	grow("bc");
	*stop = 2;
	for (int i = 0; i < 8; i++) {
		p[i] = fork();
		if (!p[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			storm(i);
		}
		movepid(tree[1 + i % (NODES - 1)].dir, p[i]);
	}
	bound(A, "numfiles", 50, 50);
	bound(A, "numtasks", 12, 12);
	*stop = 0;
	for (int i = 0; i < 2; i++)
		m[i] = mover(p, 8, i + 1);
	end = now_ms() + 6000;
	for (; now_ms() < end || n < 50; n++) {
		const struct node *x = &tree[2 + n % (NODES - 2)];

		over |= bc(A, "numfiles.held") > 50 || bc(A, "numtasks.held") > 12;
		put(P("%s/bc.numtasks.limit", x->dir), "%ld", n % 5 ? UNLIMITED : n % 7);
		put(P("%s/bc.numtasks.barrier", x->dir), "%d", 0);
		put(P("%s/bc.privvmpages.barrier", x->dir), "%d", 0);
		put(P("%s/bc.privvmpages.limit", x->dir), "%ld", n % 3 ? UNLIMITED : 3000L);
		mkdir(P("%s/x", x->dir), 0755);
		movepid(P("%s/x", x->dir), p[n % 8]);
		movepid(x->dir, p[n % 8]);
		rmdir(P("%s/x", x->dir));
		get(P("%s/bc.stat", x->dir));
	}
	*stop = 1;
	for (int i = 0; i < 2; i++)
		waitpid(m[i], NULL, 0);
	for (int i = 0; i < 8; i++)
		waitpid(p[i], NULL, 0);
	diag("%ld rounds", n);
	ok(!over, "never more than the limits of the top");
	ok(bc(A, "numtasks.maxheld") <= 12 && bc(A, "numfiles.maxheld") <= 50,
	   "nor by its maxima: %ld tasks, %ld files", bc(A, "numtasks.maxheld"),
	   bc(A, "numfiles.maxheld"));
	for (int c = 1; c < NODES; c++) {
		wait_for(!access(P("%s/x", tree[c].dir), F_OK) ?
			 E(rmdir(P("%s/x", tree[c].dir))) != EBUSY : true);
		for (int r = 0; r < 5; r++) {
			const char *const names[] = { "numtasks", "numfiles", "privvmpages",
						      "kmemsize", "physpages" };

			if (!wait_for(!bc(tree[c].dir, P("%s.held", names[r]))))
				ok(false, "%s holds %ld of %s", tree[c].dir,
				   bc(tree[c].dir, P("%s.held", names[r])), names[r]);
		}
	}
	ok(true, "what is held in the end was looked at");
	fell();
}

int main(void)
{
	setup_trees();
	CASE(test_unshare());
	CASE(test_delegated());
	CASE(test_storm());
	finish();
}
