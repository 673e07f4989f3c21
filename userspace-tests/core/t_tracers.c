// SPDX-License-Identifier: GPL-2.0
/*
 * Other tracers on the functions that are hooked: BPF programs at their entry, at their
 * exit and in their place, kprobes, kretprobes, the function tracer and the function graph
 * tracer. Each kind on every hooked function at once, in both orders: tracers first, then
 * load and mount, tracers off; and then tracers on again, unmount and unload with them
 * still on. In between, work that passes the hooks has the right results. (Live patches
 * share no function: t_hooks.)
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "lib.h"

#define M "/tmp/m"
#define A "/tmp/m/a"
#define TRACEFS "/sys/kernel/tracing"
#define OPTS "cpuset,cpuacct,bc,ns"

/* --- the functions: those that are in the list of hooks, and are functions --- */

static struct {
	char name[64];
	int link;			/* descriptor of a BPF program on it */
} fns[64];
static int nfns;

static bool is_function(const char *name)
{
	static char *all;

	if (!all) {
		/* too long for get()'s ring to keep */
		all = get(TRACEFS "/available_filter_functions");
		all = all ? strdup(all) : "";
	}
	return strstr(all, P("\n%s\n", name));
}

static void find_functions(void)
{
	char *s = get("/proc/containers");

	s = s ? strstr(s, "Hooks:\n") : NULL;
	for (s = s ? s + 7 : NULL; s && *s; s = strchr(s, '\n') + 1) {
		char name[64];

		if (sscanf(s, "%63[^:]: armed", name) == 1 && is_function(name) &&
		    nfns < (int)ARRAY_SIZE(fns)) {
			strcpy(fns[nfns].name, name);
			fns[nfns++].link = -1;
		}
	}
}

/* --- BPF --- */

struct btf_head {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len, type_off, type_len, str_off, str_len;
};

struct btf_one {
	uint32_t name, info, size;
};

static char *btf;

static bool btf_load(void)
{
	FILE *f = fopen("/sys/kernel/btf/vmlinux", "r");
	size_t room = 1 << 26;

	if (!f)
		return false;
	btf = malloc(room);
	if (btf && !fread(btf, 1, room, f))
		btf = NULL;
	fclose(f);
	return btf;
}

/* The number of a function's type; 0: none. */
static int btf_function(const char *name)
{
	struct btf_head *h = (void *)btf;
	char *t = btf + h->hdr_len + h->type_off, *end = t + h->type_len;
	char *names = btf + h->hdr_len + h->str_off;

	for (int id = 1; t < end; id++) {
		struct btf_one *one = (void *)t;
		int kind = one->info >> 24 & 31, n = one->info & 0xffff;

		if (kind == 12 && !strcmp(names + one->name, name))
			return id;
		t += sizeof(*one);
		switch (kind) {
		case 1: case 14: case 17:	/* int, variable, tag of a declaration */
			t += 4;
			break;
		case 3:				/* array */
			t += 12;
			break;
		case 4: case 5: case 15: case 19: /* struct, union, section, enum64 */
			t += 12 * n;
			break;
		case 6: case 13:		/* enum, prototype */
			t += 8 * n;
			break;
		}
	}
	return 0;
}

#define INSN(c, d, s, o, i) \
	{ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) }
#define CALL(helper) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define RETURN(value) INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, value), \
		      INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* A program that leaves no register as it was, but does nothing. */
static const struct bpf_insn idle[] = {
	CALL(BPF_FUNC_ktime_get_ns),
	CALL(BPF_FUNC_get_prandom_u32),
	RETURN(0),
};

static int bpf_attach(const char *name, int type, const struct bpf_insn *code, int len)
{
	static char log[1 << 16];
	union bpf_attr attr;
	int prog, link, e;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_TRACING;
	attr.insns = (uintptr_t)code;
	attr.insn_cnt = len;
	attr.license = (uintptr_t)"GPL";
	attr.expected_attach_type = type;
	attr.attach_btf_id = btf_function(name);
	attr.log_buf = (uintptr_t)log;
	attr.log_size = sizeof(log);
	attr.log_level = 1;
	if (!attr.attach_btf_id) {
		errno = ENOENT;
		return -1;
	}
	prog = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (prog < 0)
		return -1;
	memset(&attr, 0, sizeof(attr));
	attr.raw_tracepoint.prog_fd = prog;
	link = syscall(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr));
	e = errno;
	close(prog);
	errno = e;
	return link;
}

static int bpf_on(int type)
{
	int n = 0;

	if (!btf)
		return 0;
	for (int i = 0; i < nfns; i++) {
		fns[i].link = bpf_attach(fns[i].name, type, idle, ARRAY_SIZE(idle));
		if (fns[i].link >= 0)
			n++;
		else
			diag("no program on %s: %s", fns[i].name, strerrorname_np(errno));
	}
	return n;
}

static int fentry_on(void)
{
	return bpf_on(BPF_TRACE_FENTRY);
}

static int fexit_on(void)
{
	return bpf_on(BPF_TRACE_FEXIT);
}

static int fmod_ret_on(void)
{
	return bpf_on(BPF_MODIFY_RETURN);
}

static void bpf_off(void)
{
	for (int i = 0; i < nfns; i++)
		if (fns[i].link >= 0) {
			close(fns[i].link);
			fns[i].link = -1;
		}
}

/* --- the kernel's own tracers --- */

static int append(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC), e = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		e = errno;
	close(fd);
	return e;
}

static void empty(const char *path)
{
	close(open(path, O_WRONLY | O_TRUNC | O_CLOEXEC));
}

static int probes_on(const char *kind)
{
	int n = 0;

	for (int i = 0; i < nfns; i++) {
		int e = append(TRACEFS "/kprobe_events",
			       P("%s:hk/p%d %s\n", kind, i, fns[i].name));

		if (!e)
			e = put(P(TRACEFS "/events/hk/p%d/enable", i), "1");
		if (e)
			diag("no probe on %s: %s", fns[i].name, strerrorname_np(e));
		n += !e;
	}
	return n;
}

static int kprobe_on(void)
{
	return probes_on("p");
}

static int kretprobe_on(void)
{
	return probes_on("r");
}

static void probes_off(void)
{
	put(TRACEFS "/events/hk/enable", "0");
	empty(TRACEFS "/kprobe_events");
}

static int tracer_on(const char *tracer)
{
	int n = 0;

	for (int i = 0; i < nfns; i++)
		n += !append(TRACEFS "/set_ftrace_filter", P("%s\n", fns[i].name));
	return put(TRACEFS "/current_tracer", "%s", tracer) ? 0 : n;
}

static int function_on(void)
{
	return tracer_on("function");
}

static int graph_on(void)
{
	return tracer_on("function_graph");
}

static void tracer_off(void)
{
	put(TRACEFS "/current_tracer", "nop");
	empty(TRACEFS "/set_ftrace_filter");
	empty(TRACEFS "/trace");
}

static const struct kind {
	const char *name;
	int (*on)(void);		/* on how many functions it is */
	void (*off)(void);
} kinds[] = {
	{ "BPF at entry", fentry_on, bpf_off },
	{ "BPF at exit", fexit_on, bpf_off },
	{ "BPF that may change the result", fmod_ret_on, bpf_off },
	{ "kprobes", kprobe_on, probes_off },
	{ "kretprobes", kretprobe_on, probes_off },
	{ "function tracer", function_on, tracer_off },
	{ "function graph tracer", graph_on, tracer_off },
};

/* --- work that passes the hooks --- */

static int sched_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return E(sched_setaffinity(0, sizeof(set), &set));
}

static void *nothing(void *arg)
{
	return arg;
}

/* A member of A; asks its parent to look at the counts now and then. */
static int worker(struct kid *up, void *arg)
{
	int fds[7];
	cpu_set_t set;
	pthread_t t;
	void *p;

	(void)arg;
	if (put(A "/tasks", "0"))
		return 1;
	for (int i = 0; i < 7; i++) {
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fds[i] < 0)
			return 2;
	}
	kid_send(up, 0);
	kid_recv(up);
	for (int i = 0; i < 7; i++)
		close(fds[i]);
	kid_send(up, 0);
	kid_recv(up);

	if (sched_to(1) != EINVAL)
		return 3;
	if (sched_to(0))
		return 4;
	if (sched_getaffinity(0, sizeof(set), &set) || CPU_COUNT(&set) != 1 ||
	    !CPU_ISSET(0, &set))
		return 5;

	p = mmap(NULL, 512 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p != MAP_FAILED || errno != ENOMEM)
		return 6;
	p = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return 7;
	munmap(p, 1 << 16);

	for (int i = 0; i < 4; i++) {
		pid_t c = fork();

		if (!c)
			_exit(0);
		if (c < 0 || waitpid(c, NULL, 0) != c)
			return 8;
	}
	if (pthread_create(&t, NULL, nothing, NULL) || pthread_join(t, NULL))
		return 9;

	p = get("/proc/self/container");
	if (!p || !strstr(p, ":/a\n"))
		return 10;
	if (access("/proc/self/status", R_OK) || !access("/proc/self/nothing", F_OK))
		return 11;
	return 0;
}

/* Makes namespaces, and has a container of its own then. */
static int namespaces(void *arg)
{
	const char *s;

	(void)arg;
	if (unshare(CLONE_NEWUTS))
		return 1;
	s = get("/proc/self/container");
	return s && strstr(s, P(":/%d\n", getpid())) ? 0 : 2;
}

static int listings(void)
{
	int fd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC), found = 0;
	static char buf[1 << 15];
	long n;

	while ((n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0)
		for (long i = 0; i < n; i += *(unsigned short *)(buf + i + 16))
			found += !strcmp(buf + i + 19, "container");
	close(fd);
	return n ? -1 : found;
}

static void work(const char *when)
{
	long before, after, closed, held;
	int status;
	struct kid k;
	char dir[32];
	pid_t pid;

	eq(listings(), 1, "%s: listed once", when);
	put(A "/bc.privvmpages.limit", "%ld", LONG_MAX);
	put(A "/bc.privvmpages.barrier", "%ld", LONG_MAX);
	before = getnum(A "/bc.numfiles.held");
	k = kid_start(worker, NULL);
	err(kid_recv(&k), 0, "%s: a member", when);
	held = getnum(A "/bc.privvmpages.held");
	put(A "/bc.privvmpages.barrier", "%ld", held + 65536);
	err(put(A "/bc.privvmpages.limit", "%ld", held + 65536), 0, "%s: a limit", when);
	after = getnum(A "/bc.numfiles.held");
	kid_send(&k, 0);
	err(kid_recv(&k), 0, "%s: has closed its files", when);
	closed = getnum(A "/bc.numfiles.held");
	kid_send(&k, 0);
	eq(after - closed, 7, "%s: they were counted", when);
	pid = k.pid;
	eq(kid_wait(&k), 0, "%s: confined, limited, forks, is where it is", when);
	ok(wait_for(!nids(A "/tasks")) && wait_for(getnum(A "/bc.numfiles.held") == before),
	   "%s: and leaves nothing behind", when);

	pid = fork();
	if (!pid)
		_exit(namespaces(NULL));
	waitpid(pid, &status, 0);
	sprintf(dir, M "/%d", pid);
	eq(status, 0, "%s: namespaces have their container", when);
	wait_for(!rmdir(dir) || errno == ENOENT);
}

static int set_up(void)
{
	int e;

	modprobe("container_cpuset");
	modprobe("container_cpuacct");
	modprobe("container_bc");
	modprobe("container_ns");
	e = cmount(M, OPTS);
	if (e)
		return e;
	mkdir(A, 0755);
	put(A "/cpuset.cpus", "0");
	put(A "/cpuset.mems", "0");
	return 0;
}

static void take_down(const char *when)
{
	wait_for(!rmdir(A) || errno == ENOENT);
	err(cumount(M), 0, "%s: unmount", when);
	eq(unload_all(), 0, "%s: unload", when);
}

/* Either the functions are shared, or the log names one that is not. */
static bool shared(const struct kind *kind)
{
	int fd = kmsg_open(), e;
	char *log;

	e = set_up();
	kmsg_lines(fd, &log);
	close(fd);
	if (e == EBUSY && strstr(log, "cannot hook ")) {
		skip("%s first # not shared in this kernel: %s", kind->name,
		     strndup(strstr(log, "cannot hook "), 60));
		return false;
	}
	err(e, 0, "%s first: mount", kind->name);
	ok(!strstr(log, "cannot hook"), "%s first: all is hooked", kind->name);
	return true;
}

static void test_kind(const struct kind *kind)
{
	int n = kind->on(), again;
	char when[64];
	bool both;

	if (!n) {
		skip("%s # on none of the functions, or not in this kernel", kind->name);
		kind->off();
		return;
	}
	diag("%s: on %d of %d functions", kind->name, n, nfns);
	both = shared(kind);
	if (both) {
		snprintf(when, sizeof(when), "%s first", kind->name);
		work(when);
	}
	kind->off();
	if (!both) {
		/* the core looks at load for what of procfs it can hook */
		eq(unload_all(), 0, "%s off: unload", kind->name);
		err(set_up(), 0, "%s off: mount", kind->name);
	}
	snprintf(when, sizeof(when), "%s off", kind->name);
	work(when);

	snprintf(when, sizeof(when), "%s after", kind->name);
	again = kind->on();
	ok(again == n || (!both && again < n), "%s: on %d of the same functions", when, again);
	work(when);
	take_down(when);
	kind->off();
	ok(!access("/proc/self/status", R_OK) && access("/proc/self/container", F_OK),
	   "%s: gone, and all is well", when);
}

/* A program that does not let a function run, ours or the kernel's: nobody waits for it. */
static void test_refusal(void)
{
	struct bpf_insn code[] = {
		CALL(BPF_FUNC_get_current_pid_tgid),
		INSN(BPF_ALU64 | BPF_RSH | BPF_K, 0, 0, 0, 32),
		INSN(BPF_JMP | BPF_JNE | BPF_K, 0, 0, 2, getpid()),
		RETURN(-EPERM),
		RETURN(0),
	};
	int link, e, fd;

	if (!btf) {
		skip("a program that refuses # no BTF");
		return;
	}
	err(set_up(), 0, "mount");
	link = bpf_attach("security_file_alloc", BPF_MODIFY_RETURN, code, ARRAY_SIZE(code));
	if (link < 0) {
		skip("a program that refuses # %s", strerrorname_np(errno));
	} else {
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		e = errno;
		close(link);
		ok(fd < 0 && e == EPERM, "a program that refuses to open files");
		work("after that");
	}
	take_down("after that");
}

int main(void)
{
	setup_bare();
	if (access(TRACEFS "/kprobe_events", F_OK))
		mount("x", TRACEFS, "tracefs", 0, NULL);
	if (!btf_load())
		diag("no BTF: no BPF programs");
	if (!err(set_up(), 0, "mount"))
		finish();
	find_functions();
	ok(nfns >= 10, "%d functions are hooked", nfns);
	work("alone");
	take_down("alone");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		test_kind(&kinds[i]);
	CASE(test_refusal());
	finish();
}
