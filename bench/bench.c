// SPDX-License-Identifier: GPL-2.0
/*
 * What containers cost, in guest instructions an operation: /init of a guest
 * that bench/run boots, where counting.h counts.
 *
 * One process measures every operation in every state, in this order:
 *	a no module		b modules loaded, nothing mounted
 *	c mounted, task in root	d task in a container
 *	f unloaded again	e task in a cgroup v1 child
 * A first round is not counted; ROUNDS more follow, so that whatever drifts
 * with the age of the system meets all states alike.
 *
 * counting.h says what it takes to know a vfork to 10 or 20 instructions. Beside that:
 * - Open files, which fork copies and exit closes: the same number in all
 *   states.
 * - Grace periods.  In about every third batch RCU goes through seven times as many,
 *   for 900 instructions a fork (6.12), with the module or without; some batches meet
 *   a worker of vmstat.  Such chance only adds: of a round's batches the lower
 *   quartile counts, and of the rounds the median.  A delta is taken within a round.
 *   "+-" is half the distance between the quartiles of the rounds.  A cost that only
 *   some batches have is not seen so: RAW=1 shows them all.
 * - No address randomisation; no pthread library (stacks are fixed); files
 *   stay open where opening is not what is measured.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "counting.h"
#include "guest.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum state { NONE, LOADED, ROOT, CONTAINED, UNLOADED, CGROUP, NSTATES };

static const char *const state_name[NSTATES] = {
	"none", "loaded", "root", "contained", "unloaded", "cgroup v1",
};

static const char *mount_opts = "cpuacct";
static int rounds = 5, batches = 5;
static const char *only, *profile;

/* --- the operations; each does n of itself ---------------------------- */

static void op_fork(int n)
{
	for (int i = 0; i < n; i++) {
		pid_t pid = syscall(SYS_fork);

		if (!pid)
			_exit(0);
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			die("fork");
	}
}

static char thread_stack[65536] __attribute__((aligned(64)));

static int thread_exit(void *arg)
{
	(void)arg;
	syscall(SYS_exit, 0);
	return 0;
}

static void op_thread(int n)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			  CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID |
			  CLONE_CHILD_CLEARTID;
	static pid_t tid;

	for (int i = 0; i < n; i++) {
		pid_t t;

		if (clone(thread_exit, thread_stack + sizeof(thread_stack),
			  flags, NULL, &tid, NULL, &tid) < 0)
			die("clone");
		while ((t = __atomic_load_n(&tid, __ATOMIC_ACQUIRE)))
			syscall(SYS_futex, &tid, FUTEX_WAIT, t, NULL);
	}
}

static void op_open(int n)
{
	for (int i = 0; i < n; i++) {
		int fd = open("/dev/null", O_RDONLY);

		if (fd < 0 || close(fd))
			die("/dev/null");
	}
}

/* A partner that answers every byte; made anew in each state. */
static int to_partner[2], from_partner[2];
static pid_t partner;

static void partner_start(void)
{
	char c;

	if (pipe2(to_partner, O_CLOEXEC) || pipe2(from_partner, O_CLOEXEC))
		die("pipe");
	partner = fork();
	if (partner < 0)
		die("fork");
	if (partner)
		return;
	close(to_partner[1]);
	close(from_partner[0]);
	while (read(to_partner[0], &c, 1) == 1)
		if (write(from_partner[1], &c, 1) != 1)
			break;
	_exit(0);
}

static void partner_stop(void)
{
	close(to_partner[1]);
	waitpid(partner, NULL, 0);
	close(to_partner[0]);
	close(from_partner[0]);
	close(from_partner[1]);
}

static void op_pingpong(int n)
{
	char c = 0;

	for (int i = 0; i < n; i++)
		if (write(to_partner[1], &c, 1) != 1 ||
		    read(from_partner[0], &c, 1) != 1)
			die("pipe");
}

/* The containers A and B of the state under test, and their files. */
static const char *tree;
static char path_a[64], path_b[64], path_new[64], path_tasks[64];
static int fd_a = -1, fd_b = -1;

static void op_move(int n)
{
	for (int i = 0; i < n; i++)
		if (write(i & 1 ? fd_a : fd_b, "0", 1) != 1)
			die("move");
}

static void op_move_open(int n)
{
	for (int i = 0; i < n; i++) {
		int fd = open(i & 1 ? path_a : path_b, O_WRONLY);

		if (fd < 0 || write(fd, "0", 1) != 1 || close(fd))
			die("move");
	}
}

static void op_mkdir(int n)
{
	for (int i = 0; i < n; i++)
		if (mkdir(path_new, 0755) || rmdir(path_new))
			die("mkdir+rmdir");
}

static void op_read(int n)
{
	static char buf[65536];

	for (int i = 0; i < n; i++) {
		int fd = open(path_tasks, O_RDONLY);
		ssize_t r = -1;

		while (fd >= 0 && (r = read(fd, buf, sizeof(buf))) > 0)
			;
		if (fd < 0 || r < 0)
			die("reading tasks");
		close(fd);
	}
}

/* What a shell does for each command: this program, which then has nothing to do. */
static __attribute__((noinline)) pid_t vfork_exec(void)
{
	static char *const argv[] = { "true", NULL };
	pid_t pid = vfork();

	if (!pid) {
		execve("/init", argv, NULL);
		_exit(1);
	}
	return pid;
}

static void op_exec(int n)
{
	int status;

	for (int i = 0; i < n; i++) {
		pid_t pid = vfork_exec();

		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			die("exec");
	}
}

/* What hackbench does: groups of senders and receivers, each of which is a process with a pipe. */
#define PAIRS 10

static void hack_child(int fd, bool sends, int messages)
{
	char message[100] = "";

	for (int i = 0; i < messages; i++)
		if ((sends ? write(fd, message, sizeof(message)) :
			     read(fd, message, sizeof(message))) != sizeof(message))
			_exit(1);
	_exit(0);
}

static void op_hack(int n)
{
	int status, pipes[2];

	for (int i = 0; i < 2 * PAIRS; i++) {
		pid_t pid;

		if (!(i & 1) && pipe(pipes))
			die("pipe");
		pid = syscall(SYS_fork);
		if (!pid)
			hack_child(pipes[i & 1], i & 1, n / PAIRS);
		if (pid < 0)
			die("fork");
		if (i & 1) {
			close(pipes[0]);
			close(pipes[1]);
		}
	}
	for (int i = 0; i < 2 * PAIRS; i++)
		if (wait(&status) < 0 || status)
			die("a sender or receiver");
}

/*
 * Forks on all CPUs at once: on each a process that stays there, in a container of
 * its own where there are any.
 */
#define MAX_CPUS 8

static int cpus;

static void fork_on(int cpu, int n)
{
	char path[80];
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("CPU %d", cpu);
	if (tree) {
		snprintf(path, sizeof(path), "%s/%d/tasks", tree, cpu);
		put(path, "0");
	}
	op_fork(n);
	_exit(0);
}

static void op_parallel(int n)
{
	int status;

	for (int i = 0; i < cpus; i++)
		if (!syscall(SYS_fork))
			fork_on(i, n / cpus);
	for (int i = 0; i < cpus; i++)
		if (wait(&status) < 0 || status)
			die("a CPU's process");
}

/*
 * Bars are on the delta to the state without the module, or on the figure
 * itself where there is nothing to compare with; NO_BAR: none. BARS=op:bar,...
 * names others for a container.
 */
#define NO_BAR (-1)

static const struct op {
	const char *id, *name;
	void (*run)(int n);
	int batch;		/* operations in a batch: some 20 million insns */
	int members;		/* of the container that is read */
	bool needs_tree, deferred;
	long bar_root, bar_contained;
} ops[] = {
	{ "vfork", "vfork+exit+wait",
	  op_vfork, 500, 0, false, true, 200, 500 },
	{ "fork", "fork+exit+wait",
	  op_fork, 200, 0, false, true, NO_BAR, NO_BAR },
	{ "thread", "thread create+join",
	  op_thread, 700, 0, false, true, 200, 500 },
	{ "exec", "vfork+exec+exit+wait",
	  op_exec, 100, 0, false, true, NO_BAR, NO_BAR },
	{ "hack", "a message of hackbench's",
	  op_hack, 5000, 0, false, true, NO_BAR, NO_BAR },
	{ "parallel", "fork+exit+wait on all CPUs",
	  op_parallel, 400, 0, false, true, NO_BAR, NO_BAR },
	{ "open", "open+close",
	  op_open, 5000, 0, false, false, 0, 0 },
	{ "pingpong", "pipe ping-pong",
	  op_pingpong, 2000, 0, false, false, 0, 0 },
	/* what "echo 0 > tasks" does */
	{ "move", "move oneself",
	  op_move_open, 1500, 0, true, false, NO_BAR, 14000 },
	{ "write", "  the write alone",
	  op_move, 1500, 0, true, false, NO_BAR, NO_BAR },
	{ "mkdir", "mkdir+rmdir",
	  op_mkdir, 400, 0, true, true, NO_BAR, 100000 },
	{ "tasks200", "a member of 200 in tasks",
	  op_read, 100, 200, true, false, NO_BAR, 250 },
	{ "tasks2000", "a member of 2000 in tasks",
	  op_read, 10, 2000, true, false, NO_BAR, 250 },
};

#define NOPS ARRAY_SIZE(ops)

static double figure[NOPS][NSTATES][MAX_VALUES];
static bool have[NOPS][NSTATES];
static double drain_cost;

/* --- measuring -------------------------------------------------------- */

static double batch(const struct op *op)
{
	uint64_t t;

	first_pid();
	t = __rdtsc();
	op->run(op->batch);
	if (op->deferred)
		spin(DRAIN / 2);
	return __rdtsc() - t;
}

static double measure(const struct op *op)
{
	double mean[MAX_VALUES];

	op->run(op->batch / 2);
	if (op->deferred)
		spin(DRAIN / 2);
	for (int b = 0; b < batches; b++)
		mean[b] = (batch(op) - (op->deferred ? drain_cost : 0)) /
			  op->batch;
	if (getenv("RAW")) {
		printf("%-20s", op->name);
		for (int b = 0; b < batches; b++)
			printf(" %.0f", mean[b]);
		printf("\n");
	}
	return quantile(mean, batches, 0.25);
}

/*
 * Two no-ops that no compiler emits tell the profiler plugin, if there is
 * one, to start and to stop counting (see insncount.c).
 */
#define MARK_START() asm volatile(".byte 0x0f,0x1f,0x84,0xc0,0x11,0x47,0x0b,0x5e" ::: "memory")
#define MARK_STOP()  asm volatile(".byte 0x0f,0x1f,0x84,0xc0,0x22,0x47,0x0b,0x5e" ::: "memory")

/*
 * Text symbols to the second serial port: all of them once, then those of
 * modules and trampolines, which come and go.
 */
static void dump_symbols(void)
{
	static FILE *port;
	FILE *f = fopen("/proc/kallsyms", "r");
	char line[512], name[256], type;
	unsigned long addr;
	bool all = !port;

	if (!f)
		die("/proc/kallsyms");
	if (!port) {
		struct termios t;

		port = fopen("/dev/ttyS1", "w");
		if (!port || tcgetattr(fileno(port), &t))
			die("/dev/ttyS1");
		cfmakeraw(&t);
		tcsetattr(fileno(port), TCSANOW, &t);
	}
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx %c %255s", &addr, &type, name) == 3 &&
		    strchr("tTwW", type) && (all || strchr(line, '[')))
			fprintf(port, "%016lx %s\n", addr, name);
	fclose(f);
	fflush(port);
	tcdrain(fileno(port));
}

static void profile_op(const struct op *op, enum state st)
{
	dump_symbols();
	op->run(op->batch);
	if (op->deferred)
		spin(DRAIN / 2);
	printf("PROFILE %d %d %s, %s\n",
	       op->batch * (op->members ? op->members : 1),
	       op->deferred ? DRAIN : 0, op->name, state_name[st]);
	first_pid();
	MARK_START();
	op->run(op->batch);
	if (op->deferred)
		spin(DRAIN / 2);
	MARK_STOP();
}

/* Listed in ONLY, or the one to profile, or nothing was asked for. */
static bool wanted(const struct op *op)
{
	const char *list = profile ? profile : only, *p;
	size_t len = strlen(op->id);

	if (op->run == op_parallel && !profile)
		return false;
	if (!list || !*list)
		return true;
	for (p = list; (p = strstr(p, op->id)); p++)
		if ((p == list || p[-1] == ',') && (!p[len] || p[len] == ','))
			return true;
	return false;
}

static bool nothing_wanted(void)
{
	for (size_t i = 0; i < NOPS; i++)
		if (wanted(&ops[i]))
			return false;
	return true;
}

/* --- the states ------------------------------------------------------- */

/* Each open file costs fork and exit some: as many in all states. */
static void reopen(const char *a, const char *b)
{
	close(fd_a);
	close(fd_b);
	fd_a = open(a, O_WRONLY | O_CLOEXEC);
	fd_b = open(b, O_WRONLY | O_CLOEXEC);
	if (fd_a < 0 || fd_b < 0)
		die("opening %s and %s", a, b);
}

static void no_tree(void)
{
	tree = NULL;
	reopen("/dev/null", "/dev/null");
}

/* Of a state; those with a number are for a CPU each. */
static const char *const dirs[] = {
	"A", "B", "C", "0", "1", "2", "3", "4", "5", "6", "7",
};

#define NDIRS (ARRAY_SIZE(dirs) - MAX_CPUS + cpus)

static void make_dirs(const char *root)
{
	tree = root;
	for (size_t i = 0; i < NDIRS; i++)
		make_dir(root, dirs[i]);
	snprintf(path_a, sizeof(path_a), "%s/A/tasks", root);
	snprintf(path_b, sizeof(path_b), "%s/B/tasks", root);
	snprintf(path_tasks, sizeof(path_tasks), "%s/C/tasks", root);
	snprintf(path_new, sizeof(path_new), "%s/A/new", root);
	reopen(path_a, path_b);
}

static void remove_dirs(void)
{
	const char *root = tree;
	char path[96];

	snprintf(path, sizeof(path), "%s/tasks", root);
	put(path, "0");
	no_tree();
	for (size_t i = 0; i < NDIRS; i++) {
		snprintf(path, sizeof(path), "%s/%s", root, dirs[i]);
		remove_dir(path);
	}
}

static void run_state(enum state st, int round)
{
	usleep(200000);		/* loading and mounting leave work behind */
	for (size_t i = 0; i < NOPS; i++) {
		const struct op *op = &ops[i];
		double v;

		if (op->needs_tree && !tree)
			continue;
		if (!wanted(op))
			continue;
		if (op->needs_tree)
			put(path_a, "0");
		if (op->run == op_pingpong)
			partner_start();
		if (op->members) {
			char dir[64];

			snprintf(dir, sizeof(dir), "%s/C", tree);
			members_start(dir, op->members);
		}
		if (round < 0) {
			for (int b = 0; b < 3; b++)
				batch(op);
		} else if (profile) {
			profile_op(op, st);
		} else {
			v = measure(op);
			if (op->members)
				v /= op->members;
			figure[i][st][round] = v;
			have[i][st] = true;
		}
		if (op->run == op_pingpong)
			partner_stop();
		if (op->members)
			members_stop();
	}
}

static void one_round(int round)
{
	run_state(NONE, round);
	if (chosen_modules()) {
		load();
		run_state(LOADED, round);
		if (mount("bench", MNT, "container", 0, mount_opts))
			die("mount -t container -o %s", mount_opts);
		run_state(ROOT, round);
		make_dirs(MNT);
		put(path_a, "0");
		run_state(CONTAINED, round);
		remove_dirs();
		unmount(MNT);
		unload();
		run_state(UNLOADED, round);
	}
	if (!mount_cgroup())
		return;
	make_dirs(CG);
	put(path_a, "0");
	run_state(CGROUP, round);
	remove_dirs();
	unmount(CG);
}

/* --- the report ------------------------------------------------------- */

static double spread(const double *v)
{
	return (quantile(v, rounds, 0.75) - quantile(v, rounds, 0.25)) / 2;
}

static void print_figures(void)
{
	printf("\nGuest instructions an operation, median of %d rounds ", rounds);
	printf("(+- half the quartile distance)\n");
	printf("%-26s", "");
	for (int s = 0; s < NSTATES; s++)
		printf("%19s", state_name[s]);
	printf("\n");
	for (size_t i = 0; i < NOPS; i++) {
		if (!wanted(&ops[i]))
			continue;
		printf("%-26s", ops[i].name);
		for (int s = 0; s < NSTATES; s++)
			if (have[i][s])
				printf("%11.0f +-%5.1f",
				       quantile(figure[i][s], rounds, 0.5),
				       spread(figure[i][s]));
			else
				printf("%19s", "-");
		printf("\n");
	}
}

static double delta(size_t i, int s, double *half)
{
	double d[MAX_VALUES];

	for (int r = 0; r < rounds; r++)
		d[r] = figure[i][s][r] - figure[i][NONE][r];
	*half = spread(d);
	return quantile(d, rounds, 0.5);
}

/* The bar for a container, which the environment may change. */
static long bar_contained(const struct op *op)
{
	const char *list = getenv("BARS"), *p;
	size_t len = strlen(op->id);

	for (p = list; p && (p = strstr(p, op->id)); p++)
		if ((p == list || p[-1] == ',') && p[len] == ':')
			return atol(p + len + 1);
	return list ? NO_BAR : op->bar_contained;
}

static void verdict(double v, double half, long bar)
{
	if (bar == NO_BAR)
		return;
	/* "nothing" and "0" are held to what can be told from nothing */
	if (!bar)
		printf("  bar 0: %s", v <= (half > 12.5 ? 2 * half : 25) ?
		       "none to be seen" : "OVER");
	else
		printf("  bar %ld: %s", bar, v <= bar ? "under" : "OVER");
}

static void print_deltas(void)
{
	double half, v;

	printf("\nAdded to the state without the module\n");
	for (size_t i = 0; i < NOPS; i++) {
		if (ops[i].needs_tree)
			continue;
		for (int s = LOADED; s < NSTATES; s++) {
			if (!have[i][s])
				continue;
			v = delta(i, s, &half);
			printf("%-26s%-12s%+9.0f +-%5.1f", ops[i].name,
			       state_name[s], v, half);
			if (s == LOADED || s == UNLOADED)
				verdict(v, half, 0);
			else if (s == ROOT && !getenv("BARS"))
				verdict(v, half, ops[i].bar_root);
			else if (s == CONTAINED)
				verdict(v, half, bar_contained(&ops[i]));
			printf("\n");
		}
	}
	printf("\nBeside cgroup v1, in all\n");
	for (size_t i = 0; i < NOPS; i++) {
		if (!ops[i].needs_tree)
			continue;
		for (int s = CONTAINED; s < NSTATES; s++) {
			if (!have[i][s])
				continue;
			v = quantile(figure[i][s], rounds, 0.5);
			half = spread(figure[i][s]);
			printf("%-26s%-12s%9.0f +-%5.1f", ops[i].name,
			       state_name[s], v, half);
			if (s == CONTAINED)
				verdict(v, half, bar_contained(&ops[i]));
			printf("\n");
		}
	}
}

/* How far the guest's clock is from one nanosecond an instruction. */
static void print_clock(void)
{
	struct timespec a, b;
	uint64_t t;

	clock_gettime(CLOCK_MONOTONIC, &a);
	t = __rdtsc();
	op_open(20000);
	clock_gettime(CLOCK_MONOTONIC, &b);
	t = __rdtsc() - t;
	printf("CLOCK_MONOTONIC: %.6f ns an instruction\n",
	       ((b.tv_sec - a.tv_sec) * 1e9 + b.tv_nsec - a.tv_nsec) / t);
}

static void settings(void)
{
	choose_modules(getenv("MODULES"));
	if (getenv("MOUNT_OPTS"))
		mount_opts = getenv("MOUNT_OPTS");
	cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (cpus > MAX_CPUS)
		cpus = MAX_CPUS;
	only = getenv("ONLY");
	profile = getenv("PROFILE");
	if (nothing_wanted()) {
		errno = EINVAL;
		die("no operation of that name");
	}
	rounds = profile ? 1 : number("ROUNDS", rounds, MAX_VALUES);
	batches = number("BATCHES", batches, MAX_VALUES);
}

int main(int argc, char **argv)
{
	if (argc == 1 && !strcmp(argv[0], "true"))
		return 0;
	if (!guest_begin())
		return 1;
	settings();
	print_clock();
	counting_begin();
	drain_cost = counting_wait();
	printf("waiting for deferred work: %d + %.0f instructions\n", DRAIN, drain_cost - DRAIN);
	no_tree();
	one_round(-1);
	for (int r = 0; r < rounds; r++) {
		one_round(r);
		if (!profile)
			printf("round %d of %d\n", r + 1, rounds);
	}
	if (!profile) {
		print_figures();
		print_deltas();
	}
	printf("BENCH DONE\n");
	power_off();
	return 0;
}
