// SPDX-License-Identifier: GPL-2.0
/*
 * How costs grow: /init of a guest that bench/scale boots, for one axis at a time.
 *
 *	containers	that exist, in one directory
 *	members		threads of one process in the container
 *	depth		of the container
 *	hierarchies	that are mounted, with the task in a container of each
 *	memory		what a container takes, by the growth of slabs
 *	times		of loading and mounting, unmounting and unloading
 *
 * On the first four, each operation is counted in instructions (counting.h) at each step, in a
 * container with cpuacct (on "depth" also with the limiters), and then in a directory of
 * cgroup v1. The task works in the directory A of its container, with relative paths, so that
 * no path is longer at a step than at another; B stands beside it for the moves, and there new
 * directories are made.
 *
 * A figure is the lower quartile of BATCHES batches (bench.c says why). There are no rounds: what
 * is to be seen here is larger than what drifts with the age of the system.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "counting.h"
#include "guest.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum { FORK, MOVE, MKDIR, RMDIR, TASKS, ORDERED, USAGE, OPEN, NOPS };

static const char *const op_name[NOPS] = {
	"fork", "move", "mkdir", "rmdir", "tasks", "ordered", "usage", "open",
};

enum { NONE, CONTAINER, LIMITERS, CGROUP, NSYSTEMS };

#define CORE "container_core,container_cpuacct"
#define MORE ",container_resgroup,container_numtasks,container_bc"

static const struct system {
	const char *name, *root, *modules, *options;
} systems[NSYSTEMS] = {
	[NONE] = { "none", NULL, NULL, NULL },
	[CONTAINER] = { "container", MNT, CORE, "cpuacct" },
	[LIMITERS] = { "limiters", MNT, CORE MORE, "cpuacct,numtasks,bc" },
	[CGROUP] = { "cgroup", CG, NULL, NULL },
};

#define MAX_STEPS 8

static double figure[NSYSTEMS][NOPS][MAX_STEPS];
static double drain_cost;
static int batches;

/* --- the operations ------------------------------------------------------- */

#define NEW 100

static char new_dir[NEW][16];

static void moves(int n)
{
	for (int i = 0; i < n; i++) {
		int fd = open(i & 1 ? "tasks" : "../B/tasks", O_WRONLY);

		if (fd < 0 || write(fd, "0", 1) != 1 || close(fd))
			die("move");
	}
}

static void reads(const char *file, int n)
{
	static char buf[65536];

	for (int i = 0; i < n; i++) {
		int fd = open(file, O_RDONLY);
		ssize_t r = -1;

		while (fd >= 0 && (r = read(fd, buf, sizeof(buf))) > 0)
			;
		if (fd < 0 || r < 0)
			die("reading %s", file);
		close(fd);
	}
}

static void opens(int n)
{
	for (int i = 0; i < n; i++) {
		int fd = open("/dev/null", O_RDONLY);

		if (fd < 0 || close(fd))
			die("/dev/null");
	}
}

/* Instructions of n operations, and of what they leave to be done in as many waits. */
#define COUNT(n, waits, what) ({				\
	uint64_t t_ = __rdtsc();				\
	what;							\
	for (int w_ = 0; w_ < (waits); w_++)			\
		spin(DRAIN / 2);				\
	(__rdtsc() - t_ - (waits) * drain_cost) / (n);		\
})

/* Of a directory of cgroup v1 beside 50,000, that is much. */
#define RMDIR_WAITS 4

/* What others have left is done in an idle time, which takes none of the host's. */
static void rest(void)
{
	usleep(500000);
}

static void make_new(void)
{
	for (int i = 0; i < NEW; i++)
		if (mkdir(new_dir[i], 0755))
			die("mkdir");
}

static void remove_new(void)
{
	for (int i = 0; i < NEW; i++)
		if (rmdir(new_dir[i]))
			die("rmdir");
}

/*
 * One batch of each operation, MEMBERS being in the container beside the task. The list of members
 * is read with the task among them, which has come last and has the lowest number, and without.
 */
static void batch(double *v, int members)
{
	int lists = members < 2000 ? 2000 / (members + 20) : 1;

	rest();
	first_pid();
	v[FORK] = COUNT(500, 1, op_vfork(500));
	if (access("tasks", F_OK))
		return;
	v[MOVE] = COUNT(300, 0, moves(300));
	rest();
	v[MKDIR] = COUNT(NEW, 0, make_new());
	v[RMDIR] = COUNT(NEW, RMDIR_WAITS, remove_new());
	rest();
	v[TASKS] = COUNT(lists * (members + 1), 0, reads("tasks", lists));
	if (members) {
		put("../B/tasks", "0");
		v[ORDERED] = COUNT(lists * members, 0, reads("tasks", lists));
		put("tasks", "0");
	}
	if (!access("cpuacct.usage", F_OK))
		v[USAGE] = COUNT(lists, 0, reads("cpuacct.usage", lists));
	v[OPEN] = COUNT(1000, 0, opens(1000));
}

static void measure(int system, int step, int members)
{
	double v[MAX_VALUES][NOPS] = {}, one[MAX_VALUES];

	batch(v[0], members);
	for (int b = 0; b < batches; b++)
		batch(v[b], members);
	for (int op = 0; op < NOPS; op++) {
		for (int b = 0; b < batches; b++)
			one[b] = v[b][op];
		figure[system][op][step] = quantile(one, batches, 0.25);
	}
}

/* --- the systems ---------------------------------------------------------- */

static void enter(const char *dir)
{
	if (chdir(dir))
		die("chdir %s", dir);
}

static bool begin(int system)
{
	const struct system *s = &systems[system];

	if (system == CGROUP)
		return mount_cgroup();
	if (!s->root)
		return true;
	choose_modules(s->modules);
	load();
	if (mount("bench", s->root, "container", 0, s->options))
		die("mount -t container -o %s", s->options);
	usleep(200000);
	return true;
}

static void end(int system)
{
	enter("/");
	unmount(systems[system].root);
	if (system != CGROUP)
		unload();
}

/* A and B below the working directory, and into A. */
static void begin_dirs(void)
{
	make_dir(".", "A");
	make_dir(".", "B");
	enter("A");
	put("tasks", "0");
}

static void end_dirs(const char *root)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/tasks", root);
	put(path, "0");
	enter("..");
	remove_dir("A");
	remove_dir("B");
}

/* --- the axes ------------------------------------------------------------- */

static void container_name(char *name, int i)
{
	sprintf(name, "c%d", i);
}

/* Beside A and B. */
static void containers(int system, const int *steps, int nsteps)
{
	const char *root = systems[system].root;
	char name[16];
	uint64_t t;
	int n = 0;

	if (system == NONE)
		return;
	enter(root);
	begin_dirs();
	for (int step = 0; step < nsteps; step++) {
		enter("..");
		for (; n < steps[step]; n++) {
			container_name(name, n);
			if (mkdir(name, 0755))
				die("mkdir %s", name);
		}
		enter("A");
		measure(system, step, 0);
		printf("%s: %d containers\n", systems[system].name, n);
	}
	end_dirs(root);
	t = __rdtsc();
	while (n--) {
		container_name(name, n);
		if (rmdir(name))
			die("rmdir %s", name);
	}
	printf("%s: all removed, %.0f instructions for each\n", systems[system].name,
	       (__rdtsc() - t) / (double)steps[nsteps - 1]);
}

/* The numbers of the members lie behind those of the tasks that are counted. */
static void members(int system, const int *steps, int nsteps)
{
	const char *root = systems[system].root;

	if (root) {
		enter(root);
		begin_dirs();
	}
	for (int step = 0; step < nsteps; step++) {
		put("/proc/sys/kernel/ns_last_pid", "100000");
		members_start(root ? "." : NULL, steps[step]);
		measure(system, step, steps[step]);
		members_stop();
		printf("%s: %d members\n", systems[system].name, steps[step]);
	}
	if (root)
		end_dirs(root);
}

static void depth(int system, const int *steps, int nsteps)
{
	const char *root = systems[system].root;
	int at = 1;

	if (system == NONE)
		return;
	enter(root);
	for (int step = 0; step < nsteps; step++) {
		for (; at < steps[step]; at++) {
			make_dir(".", "d");
			enter("d");
		}
		begin_dirs();
		measure(system, step, 0);
		end_dirs(root);
		printf("%s: depth %d\n", systems[system].name, at);
	}
	for (; at > 1; at--) {
		enter("..");
		remove_dir("d");
	}
}

/* The first has the subsystem, the others only a name. The kernel's own limit is one of them. */
static void hierarchies(int system, const int *steps, int nsteps)
{
	const char *type = system == CGROUP ? "cgroup" : "container";
	const char *root = systems[system].root;
	char dir[16], sub[16], path[32], options[32];
	int n = 1;

	if (system == NONE)
		return;
	for (int step = 0; step < nsteps; step++) {
		for (; n < steps[step]; n++) {
			sprintf(dir, "/h%d", n);
			sprintf(sub, "/h%d/A", n);
			sprintf(options, "none,name=h%d", n);
			mkdir(dir, 0755);
			if (mount("bench", dir, type, 0, options) || mkdir(sub, 0755))
				die("mount -t %s -o %s", type, options);
			sprintf(path, "%s/tasks", sub);
			put(path, "0");
		}
		enter(root);
		begin_dirs();
		measure(system, step, 0);
		end_dirs(root);
		printf("%s: %d hierarchies\n", systems[system].name, n);
	}
	while (--n) {
		sprintf(dir, "/h%d", n);
		sprintf(sub, "/h%d/A", n);
		sprintf(path, "%s/tasks", dir);
		put(path, "0");
		remove_dir(sub);
		unmount(dir);
	}
}

static const struct axis {
	const char *name;
	void (*run)(int system, const int *steps, int nsteps);
	int steps[MAX_STEPS];
	bool limiters;
} axes[] = {
	{ "containers", containers, { 1, 10, 100, 1000, 10000, 50000 }, false },
	{ "members", members, { 1, 10, 100, 1000, 10000, 100000 }, false },
	{ "depth", depth, { 1, 2, 5, 10, 20, 50 }, true },
	{ "hierarchies", hierarchies, { 1, 2, 3, 4 }, false },
};

/* A column for each operation and system; "?" where there is nothing. */
static void print_axis(const struct axis *axis, int nsteps, double none)
{
	printf("DATA # a vfork with no module and no container: %.0f\n", none);
	printf("DATA %s", axis->name);
	for (int op = 0; op < NOPS; op++)
		for (int s = 0; s < NSYSTEMS; s++)
			printf(" %s_%s", op_name[op], systems[s].name);
	printf("\n");
	for (int step = 0; step < nsteps; step++) {
		printf("DATA %d", axis->steps[step]);
		for (int op = 0; op < NOPS; op++)
			for (int s = 0; s < NSYSTEMS; s++)
				if (figure[s][op][step] > 0)
					printf(" %.0f", figure[s][op][step]);
				else
					printf(" ?");
		printf("\n");
	}
}

static void run_axis(const struct axis *axis)
{
	int max = number("MAX", 1 << 30, 1 << 30), nsteps = 0;
	double none;

	counting_begin();
	drain_cost = counting_wait();
	while (nsteps < MAX_STEPS && axis->steps[nsteps] && axis->steps[nsteps] <= max)
		nsteps++;
	for (int i = 0; i < NEW; i++)
		sprintf(new_dir[i], "../n%d", i);
	measure(NONE, 0, 0);
	none = figure[NONE][FORK][0];
	memset(figure, 0, sizeof(figure));
	for (int s = 0; s < NSYSTEMS; s++) {
		if ((s == LIMITERS && !axis->limiters) || !begin(s))
			continue;
		axis->run(s, axis->steps, nsteps);
		if (systems[s].root)
			end(s);
	}
	print_axis(axis, nsteps, none);
}

/* --- memory --------------------------------------------------------------- */

#define MANY 5000

/* Of /proc/meminfo, in bytes. */
static double meminfo(const char *what)
{
	FILE *f = fopen("/proc/meminfo", "r");
	size_t len = strlen(what);
	double bytes = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, what, len) && line[len] == ':')
			bytes = atof(line + len + 1) * 1024;
	if (f)
		fclose(f);
	return bytes;
}

static const char *const kinds[] = { "SUnreclaim", "SReclaimable", "Percpu" };

static void look(double *bytes)
{
	usleep(1500000);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		bytes[i] = meminfo(kinds[i]);
}

static void print_growth(const char *system, const char *when, const double *a, const double *b)
{
	printf("DATA %s %s", system, when);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		printf(" %.0f", (b[i] - a[i]) / MANY);
	printf("\n");
}

/* What "ls -l" does. Return: how many files. */
static int look_at_files(const char *dir)
{
	char path[320];
	struct dirent *e;
	struct stat st;
	int n = 0;
	DIR *d;

	d = opendir(dir);
	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		n += !stat(path, &st) && S_ISREG(st.st_mode);
	}
	if (!d)
		die("%s", dir);
	closedir(d);
	return n;
}

static void memory_of(const char *system, const char *root)
{
	double before[ARRAY_SIZE(kinds)], after[ARRAY_SIZE(kinds)];
	char name[32];
	int files = 0;

	enter(root);
	/* what comes with the first */
	for (int i = 0; i < 100; i++) {
		sprintf(name, "first%d", i);
		make_dir(".", name);
	}
	look(before);
	for (int i = 0; i < MANY; i++) {
		container_name(name, i);
		if (mkdir(name, 0755))
			die("mkdir %s", name);
	}
	look(after);
	print_growth(system, "made", before, after);
	for (int i = 0; i < MANY; i++) {
		container_name(name, i);
		files = look_at_files(name);
	}
	look(after);
	print_growth(system, "listed", before, after);
	printf("%s: %d files in each\n", system, files);
	for (int i = 0; i < MANY; i++) {
		container_name(name, i);
		remove_dir(name);
	}
	for (int i = 0; i < 100; i++) {
		sprintf(name, "first%d", i);
		remove_dir(name);
	}
	enter("/");
	unmount(root);
}

static void run_memory(void)
{
	printf("DATA # bytes for each of %d\nDATA # system when", MANY);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		printf(" %s", kinds[i]);
	printf("\n");
	choose_modules(CORE MORE ",container_cpuset");
	load();
	if (mount("bench", MNT, "container", 0, "cpuacct,cpuset,numtasks,bc"))
		die("mount");
	memory_of("container", MNT);
	unload();
	if (mount_cgroup())
		memory_of("cgroup", CG);
}

/* --- times ---------------------------------------------------------------- */

#define TRIES 7

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* The time in which a CPU had nothing to do, as a mean over the CPUs. */
static double idle_ms(void)
{
	FILE *f = fopen("/proc/uptime", "r");
	double up, idle;

	if (!f || fscanf(f, "%lf %lf", &up, &idle) != 2)
		die("/proc/uptime");
	fclose(f);
	return idle * 1e3 / sysconf(_SC_NPROCESSORS_ONLN);
}

enum { LOAD, MOUNT, UNMOUNT, UNLOAD, PHASES };

static void phase(int what, const char *options)
{
	switch (what) {
	case LOAD:
		load();
		break;
	case MOUNT:
		if (mount("bench", MNT, "container", 0, options))
			die("mount -t container -o %s", options);
		break;
	case UNMOUNT:
		if (umount(MNT))
			die("umount");
		break;
	case UNLOAD:
		unload();
		break;
	}
}

static void times_of(const char *modules, const char *options)
{
	double ms[PHASES][TRIES], idle[PHASES][TRIES];

	choose_modules(modules);
	for (int i = 0; i < TRIES; i++)
		for (int p = 0; p < PHASES; p++) {
			ms[p][i] = -now_ms();
			idle[p][i] = -idle_ms();
			phase(p, options);
			ms[p][i] += now_ms();
			idle[p][i] += idle_ms();
		}
	printf("DATA %s", options);
	for (int p = 0; p < PHASES; p++)
		printf(" %.0f %.0f %.0f", quantile(ms[p], TRIES, 0.5), quantile(ms[p], TRIES, 1),
		       quantile(idle[p], TRIES, 0.5));
	printf("\n");
}

static void run_times(void)
{
	printf("DATA # ms, median and most of %d, and how much of it idle: load, mount, unmount, unload\n",
	       TRIES);
	times_of(CORE, "cpuacct");
	times_of(CORE MORE ",container_cpuset", "cpuacct,cpuset,numtasks,bc");
}

int main(void)
{
	const char *name = getenv("AXIS");

	if (!guest_begin())
		return 1;
	batches = number("BATCHES", 7, MAX_VALUES);
	put("/proc/sys/kernel/pid_max", "4194304");
	put("/proc/sys/kernel/threads-max", "200000");
	if (name && !strcmp(name, "memory"))
		run_memory();
	else if (name && !strcmp(name, "times"))
		run_times();
	else
		for (size_t i = 0; i < ARRAY_SIZE(axes); i++)
			if (name && !strcmp(name, axes[i].name))
				run_axis(&axes[i]);
	printf("BENCH DONE\n");
	power_off();
	return 0;
}
