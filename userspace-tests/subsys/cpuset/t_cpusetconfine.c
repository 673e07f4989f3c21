// SPDX-License-Identifier: GPL-2.0
/*
 * cpuset: members run where their container says, whatever they call, while it changes, and
 * they fork and execute. Memory is the matter of t_cpusetmem.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "cpusets.h"
#include "spinners.h"

/* --- confinement ------------------------------------------------------------- */

static void test_affinity(void)
{
	unsigned long last = 1UL << (ncpus - 1), rest = all & ~last, none = 0;
	pid_t pid = sleeper(), child;
	int got;

	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, last, nodes), 0, "a: the last CPU");
	eq(affinity(pid), all, "a task has all CPUs");
	err(movepid(A, pid), 0, "it goes to a");
	eq(affinity(pid), last, "its affinity is the CPU of a");
	eq(cpus_of(pid), last, "status says so, too");
	err(set_affinity(pid, all), 0, "all CPUs are narrowed to that");
	eq(affinity(pid), last, "it is there still");
	err(set_affinity(pid, rest), EINVAL, "others cannot be had");
	err(set_affinity(pid, 1UL << 63), EINVAL, "nor one that does not exist");
	err(set_affinity(pid, 0), EINVAL, "nor none");
	err(set_affinity(123456789, last), ESRCH, "no such task");
	eq(affinity(pid), last, "it is there still");
	err(movepid(M, pid), 0, "it goes back");
	eq(affinity(pid), all, "and has all CPUs again, as it wanted");

	err(set_affinity(pid, last), 0, "it wants the last alone");
	err(movepid(A, pid), 0, "goes to a");
	err(put(A "/cpuset.cpus", "%s", list_of(all)), 0, "a: all CPUs");
	eq(affinity(pid), last, "it has what it wants of them");
	err(put(A "/cpuset.cpus", "0"), 0, "a: CPU 0");
	eq(affinity(pid), 1, "nothing of what it wants: it has all that there is");
	err(put(A "/cpuset.cpus", "%s", list_of(all)), 0, "a: all CPUs");
	eq(affinity(pid), last, "it has what it wants again");
	err(put(A "/cpuset.cpus", "0"), 0, "a: CPU 0");
	err(movepid(M, pid), 0, "it goes back");
	eq(affinity(pid), last, "and has what it would have had");
	err(movepid(A, pid), 0, "to a");
	err(set_affinity(pid, 1), 0, "it wants CPU 0 now");
	err(movepid(M, pid), 0, "and goes");
	eq(affinity(pid), 1, "and gets it");

	/* the kernels of RHEL 9.4 and later take that for "whatever there is" */
	err(movepid(A, pid), 0, "to a");
	err(put(A "/cpuset.cpus", "%s", list_of(all)), 0, "a: all CPUs");
	got = E(syscall(SYS_sched_setaffinity, pid, 0, &none));
	ok(!got || got == EINVAL, "a call without a mask is %s", got ? "refused" : "obeyed");
	eq(affinity(pid), got ? 1 : all, "what it has");
	err(movepid(M, pid), 0, "it goes back");
	eq(affinity(pid), got ? 1 : all, "what it has");
	err(put(A "/cpuset.cpus", "0"), 0, "a: CPU 0");
	reap(pid);

	/* children */
	child = fork();
	if (!child) {
		pid = getpid();
		if (movepid(A, 0) || affinity(0) != 1 || getcpu_now() != 0)
			_exit(1);
		child = fork();
		if (!child)
			_exit(affinity(0) != 1 || getcpu_now() != 0 ||
			      set_affinity(0, last) != EINVAL || movepid(M, 0) ||
			      affinity(0) != all);
		if (waitpid(child, &ncpus, 0) != child || ncpus)
			_exit(2);
		_exit(affinity(0) != 1 || movepid(M, 0) || affinity(0) != all ? 3 : 0);
	}
	waitpid(child, &ncpus, 0);
	eq(ncpus, 0, "children are confined, and get all back as they leave");
	ncpus = __builtin_popcountl(all);
	rmdir(A);
	err(cumount(M), 0, "unmount");
}

/* What a program of a member's says, of what it may run or allocate on. */
static unsigned long list_said(const char *command)
{
	const char *s;

	if (run_in(A, 0, P("exec >/tmp/said 2>&1; %s", command)))
		return 0;
	s = get("/tmp/said");
	return s && strrchr(s, ':') ? mask_of(strrchr(s, ':') + 2) : ~0UL;
}

#define SAY_CPUS "grep Cpus_allowed_list /proc/self/status"
#define SAY_MEMS "grep Mems_allowed_list /proc/self/status"

/* The programs that people use for this. */
static void test_tools(void)
{
	unsigned long second = mask_in("/sys/devices/system/node/node1/cpulist");
	unsigned long cpus = all & ~1UL;

	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, cpus, 2), 0, "a: all CPUs but the first, and the second node");
	eq(list_said("taskset -cp $$"), cpus, "taskset shows its CPUs");
	eq(list_said(P("taskset -c 0-%d " SAY_CPUS, ncpus - 1)), cpus, "it narrows all to them");
	eq(list_said(P("taskset -c %d " SAY_CPUS, ncpus - 1)), 1UL << (ncpus - 1), "gives one");
	ok(run_in(A, 0, "taskset -c 0 true 2>/tmp/said") > 0, "but not one outside");
	ok(strstr(get("/tmp/said") ?: "", "Invalid argument"), "and says so");
	eq(list_said("numactl --cpunodebind=1 " SAY_CPUS), second & cpus,
	   "numactl binds to its node");
	ok(!(list_said("numactl --cpunodebind=0 " SAY_CPUS) & ~cpus), "never to others");
	eq(list_said("numactl --all --cpunodebind=1 " SAY_CPUS), second & cpus,
	   "though it asks for all");
	ok(!(list_said("numactl --all --cpunodebind=0 " SAY_CPUS) & ~cpus), "again never to others");
	eq(list_said("numactl --membind=1 " SAY_MEMS), 2, "it binds memory to the node");
	ok(run_in(A, 0, "numactl --membind=0 true 2>/tmp/said") > 0, "and to no other");
	unlink("/tmp/said");
	err(wait_for(!rmdir(A)) ? 0 : errno, 0, "rmdir");
	err(cumount(M), 0, "unmount");
}

/* --- rights ------------------------------------------------------------------ */

#define USER 1000

/* A process of a user's, who may also do what only a few may. */
static int privileged(struct kid *up, void *arg)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	(void)arg;
	prctl(PR_SET_KEEPCAPS, 1);
	if (setgroups(0, NULL) || setresgid(USER, USER, USER) || setresuid(USER, USER, USER))
		return 1;
	data[0].permitted = data[0].effective = 1U << CAP_SYS_NICE;
	kid_send(up, E(syscall(SYS_capset, &header, data)));
	kid_recv(up);
	return 0;
}

static int plain(struct kid *up, void *arg)
{
	(void)arg;
	drop_to(USER);
	kid_send(up, 0);
	kid_recv(up);
	return 0;
}

static int move_to_a(void *pid) { return movepid(A, *(pid_t *)pid); }
static int set_to_first(void *pid) { return set_affinity(*(pid_t *)pid, 1); }

/* A user who may not set the affinity of a task may not move it, though the files are his. */
static void test_rights(void)
{
	struct kid mighty, other;

	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, 1, nodes), 0, "a: CPU 0");
	err(E(chown(A "/tasks", USER, USER)), 0, "it is a user's");
	mighty = kid_start(privileged, NULL);
	other = kid_start(plain, NULL);
	eq(kid_recv(&mighty) + kid_recv(&other), 0, "two processes of the same user's");
	err(as_user(USER, set_to_first, &mighty.pid), EPERM,
	    "one has CAP_SYS_NICE, and he may not set its affinity");
	err(as_user(USER, move_to_a, &mighty.pid), EPERM, "nor move it");
	eq(affinity(mighty.pid), all, "it is where it was");
	err(as_user(USER, set_to_first, &other.pid), 0, "the other is like himself");
	err(as_user(USER, move_to_a, &other.pid), 0, "and can be moved");
	err(movepid(A, mighty.pid), 0, "root may move both");
	kid_send(&mighty, 0);
	kid_send(&other, 0);
	eq(kid_wait(&mighty) + kid_wait(&other), 0, "they end");
	err(wait_for(!E(rmdir(A))) ? 0 : errno, 0, "rmdir");
	err(cumount(M), 0, "unmount");
}

/* --- storms ------------------------------------------------------------------ */

/* One change: all in the storm are within the mask when it is over. */
static int change(unsigned long mask, int how, struct kid *kids, int nkids)
{
	const char *to = how & 1 ? A : C;
	int i, got;

	storm->seq++;
	got = put(P("%s/cpuset.cpus", to), "%s", list_of(mask));
	for (i = 0; i < nkids && !got; i++) {
		if (listed(P("%s/procs", to), kids[i].pid))
			continue;
		storm->moves |= 1;
		got = put(P("%s/procs", to), "%d", kids[i].pid);
	}
	if (storm->moves & 1)
		storm->moves++;
	storm->mask = mask;
	storm->seq++;
	return got;
}

static void test_storm(int seconds)
{
	struct kid kids[4];
	unsigned long mask = all;
	unsigned int x = 12345;
	long end, changes = 0;
	int i, n = 0, bad = 0;

	storm = mmap_shared(sizeof(*storm));
	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, all, nodes) ?: make(C, all, nodes), 0, "two containers");
	storm->mask = all;
	kids[n++] = kid_start(spinner, NULL);
	kids[n++] = kid_start(spinner, NULL);
	kids[n++] = kid_start(forker, NULL);
	end = now_ms() + seconds * 1000;
	while (now_ms() < end) {
		x = x * 1664525 + 1013904223;
		mask = (x >> 16 & all) ?: 1;
		/* mostly the same container, sometimes the other */
		if (change(mask, changes++ / 8, kids, n))
			bad++;
		msleep(x >> 28);
	}
	storm->stop = true;
	for (i = 0; i < n; i++)
		eq(kid_wait(&kids[i]), 0, "a storming process ends well");
	eq(bad, 0, "%ld changes and moves", changes);
	eq(storm->outside, 0, "of %ld samples none was outside", (long)storm->samples);
	eq(storm->wrong, 0, "%ld calls of sched_setaffinity said what they should",
	   (long)storm->calls);
	ok(storm->samples > 100 && storm->forks > 3, "there was something to see: %ld forks",
	   (long)storm->forks);
	err(E(rmdir(A)) ?: E(rmdir(C)), 0, "rmdir");
	err(cumount(M), 0, "unmount");
	munmap(storm, sizeof(*storm));
}

/* --- scheduling classes ------------------------------------------------------ */

static int set_deadline(pid_t pid)
{
	struct sched_attr {
		uint32_t size, sched_policy;
		uint64_t sched_flags;
		int32_t sched_nice;
		uint32_t sched_priority;
		uint64_t runtime, deadline, period;
	} attr = {
		.size = sizeof(attr),
		.sched_policy = 6,	/* SCHED_DEADLINE */
		.runtime = 1000000,
		.deadline = 100000000,
		.period = 100000000,
	};

	return E(syscall(SYS_sched_setattr, pid, &attr, 0));
}

static void test_classes(void)
{
	struct sched_param fifo = { .sched_priority = 1 };
	unsigned long last = 1UL << (ncpus - 1);
	pid_t pid = sleeper();

	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, last, nodes) ?: make(C, all, nodes), 0, "a: the last CPU, c: all");
	err(E(sched_setscheduler(pid, SCHED_FIFO, &fifo)), 0, "a SCHED_FIFO task");
	err(movepid(A, pid), 0, "goes to a");
	eq(affinity(pid), last, "and is confined");
	err(put(A "/cpuset.cpus", "0"), 0, "a: CPU 0");
	eq(affinity(pid), 1, "it follows");
	err(set_deadline(pid), EPERM, "SCHED_DEADLINE is not for those without all CPUs");
	err(movepid(C, pid), 0, "where all are allowed");
	if (set_deadline(pid) == ENOSYS) {
		skip("SCHED_DEADLINE # this kernel has none");
	} else {
		err(set_deadline(pid), 0, "it is");
		err(movepid(A, pid), EBUSY, "then it cannot go where they are not");
		err(put(C "/cpuset.cpus", "0"), EBUSY, "nor can they be taken away");
		eq(affinity(pid), all, "it has them all");
		err(movepid(M, pid), 0, "the root is open to it");
		err(movepid(C, pid), 0, "so is c");
	}
	reap(pid);
	err(put(C "/cpuset.cpus", "0"), 0, "when it is gone they can");
	err(wait_for(!E(rmdir(A))) ? 0 : errno, 0, "rmdir");
	err(wait_for(!E(rmdir(C))) ? 0 : errno, 0, "rmdir");
	err(cumount(M), 0, "unmount");
}

/* --- execve() of a thread ------------------------------------------------------ */

static void *exec_again(void *arg)
{
	(void)arg;
	prctl(PR_SET_NAME, "delaytest");
	execl("/proc/self/exe", "delaytest", "again", NULL);
	_exit(9);
}

/* Executes itself for ever, by a thread that is not the first; which it is then. */
static void exec_for_ever(void)
{
	pthread_t t;

	prctl(PR_SET_NAME, "delaytest");
	if (pthread_create(&t, NULL, exec_again, NULL))
		_exit(8);
	for (;;)
		pause();
}

/* A thread that takes the number of its process is no new one: no change passes it by. */
static void test_exec(int times)
{
	const char *module = modfile("delaytest");
	int i, late = 0, failed = 0, missing = 0, reads = 0, status = 0;
	unsigned long want;
	pid_t pid, hog;
	long end;

	if (!module || modinsert(module, ""))
		diag("exchange_tids() is as short as ever");
	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, 1, nodes), 0, "a: CPU 0");
	pid = fork();
	if (!pid) {
		if (movepid(A, 0))
			_exit(7);
		execl("/proc/self/exe", "delaytest", "again", NULL);
		_exit(6);
	}
	ok(wait_for(listed(A "/tasks", pid)), "a process that executes itself");
	for (i = 0; i < times && !late; i++) {
		want = i & 1 ? 1 : 2;
		failed += !!put(A "/cpuset.cpus", "%s", list_of(want));
		/* for a moment its number may still lead to the thread that has died for this */
		late += !wait_for(cpus_of(pid) == want);
	}
	eq(failed, 0, "cpus are written, %d times", times);
	eq(late, 0, "the process has what was written");
	/* it is one task after another, while a reader on the other CPU loses that again and again */
	err(put(A "/cpuset.cpus", "1"), 0, "it has one CPU");
	hog = fork_bound();
	set_affinity(0, 1);
	while (!hog)
		;
	setpriority(PRIO_PROCESS, 0, 19);
	for (end = now_ms() + 50 * times; now_ms() < end; reads++)
		missing += nids(A "/procs") < 1;
	setpriority(PRIO_PROCESS, 0, 0);
	set_affinity(0, all);
	reap(hog);
	ok(!missing, "and is always there: %d times of %d not", missing, reads);
	i = waitpid(pid, &status, WNOHANG);
	eq(i, 0, "it lives: %x", status);
	reap(pid);
	err(wait_for(!E(rmdir(A))) ? 0 : errno, 0, "rmdir");
	err(cumount(M), 0, "unmount");
	if (module)
		rmmod("delaytest");
}

/* --- a number that changes hands ------------------------------------------------ */

#define LAST_PID "/proc/sys/kernel/ns_last_pid"

/*
 * A caller that sets an affinity names a task by its number. By the time that the kernel
 * looks, another task may have the number. The affinity is then that task's wish, and
 * outlives a change.
 */
static void test_reused_number(int times)
{
	const char *module = modfile("delaytest");
	int i, found = 0, lost = 0, other = 0;
	volatile bool *ready;
	pid_t pid, caller;
	unsigned long got;

	if (!module || access(LAST_PID, W_OK) ||
	    modinsert(module, "function=sched_setaffinity usecs=10000")) {
		skip("a number that changes hands # it takes delaytest.ko and ns_last_pid");
		return;
	}
	ready = mmap_shared(sizeof(*ready));
	err(cmount(M, "cpuset"), 0, "mount");
	err(make(A, 3, nodes), 0, "a: CPUs 0 and 1");
	err(movepid(A, 0), 0, "the test is in it");
	for (i = 0; i < times; i++) {
		pid = sleeper();
		*ready = false;
		caller = fork();
		if (!caller) {
			prctl(PR_SET_NAME, "delaytest");
			*ready = true;
			_exit(set_affinity(pid, 1));
		}
		wait_for(*ready);
		/* into each of the first instructions in turn */
		msleep(10 * (i % 15));
		reap(pid);
		put(LAST_PID, "%d", pid - 1);
		other += sleeper() != pid;
		waitpid(caller, NULL, 0);
		got = affinity(pid);
		found += got == 1;
		other += got != 1 && got != 3;
		put(A "/cpuset.cpus", "0");
		put(A "/cpuset.cpus", "0-1");
		lost += affinity(pid) != got;
		reap(pid);
	}
	diag("the kernel found the next one %d times of %d", found, times);
	eq(other, 0, "the next one has the number, and runs where it may");
	eq(lost, 0, "it keeps what was set");
	err(movepid(M, 0), 0, "the test leaves");
	err(wait_for(!E(rmdir(A))) ? 0 : errno, 0, "rmdir");
	err(cumount(M), 0, "unmount");
	munmap((void *)ready, sizeof(*ready));
	rmmod("delaytest");
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "again"))
		exec_for_ever();
	setup_cpuset();
	if (ncpus < 2 || nodes != 3)
		bail("two CPUs and two nodes");
	CASE(test_affinity());
	CASE(test_tools());
	CASE(test_rights());
	CASE(test_exec(sized(300, 50)));
	CASE(test_reused_number(sized(45, 10)));
	CASE(test_storm(debug_kernel() ? 20 : sized(10, 5)));
	CASE(test_classes());
	finish();
}
