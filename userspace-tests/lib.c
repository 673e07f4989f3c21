// SPDX-License-Identifier: GPL-2.0
/* See lib.h, which says what each function promises. */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include "lib.h"

#define RING 32

static int ntests, nfailed;

/* --- TAP --- */

static bool result(const char *file, int line, bool pass, const char *fmt,
		   va_list ap)
{
	char name[512], *p;

	vsnprintf(name, sizeof(name), fmt, ap);
	for (p = name; *p; p++)		/* a test is a line, and no directive */
		if (*p == '\n' || *p == '#')
			*p = ' ';
	printf("%sok %d - %s\n", pass ? "" : "not ", ++ntests, name);
	if (!pass) {
		nfailed++;
		printf("# at %s:%d\n", file, line);
	}
	fflush(stdout);
	return pass;
}

#define RESULT(pass) ({							\
	va_list ap_;							\
	bool p_;							\
	va_start(ap_, fmt);						\
	p_ = result(file, line, (pass), fmt, ap_);			\
	va_end(ap_);							\
	p_; })

bool ok_(const char *file, int line, bool cond, const char *fmt, ...)
{
	return RESULT(cond);
}

bool eq_(const char *file, int line, long got, long want, const char *fmt, ...)
{
	bool pass = RESULT(got == want);

	if (!pass)
		diag("expected %ld, got %ld", want, got);
	return pass;
}

bool err_(const char *file, int line, int got, int want, const char *fmt, ...)
{
	bool pass = RESULT(got == want);

	if (!pass)
		diag("expected %s, got %s",
		     want ? strerrorname_np(want) : "success",
		     !got ? "success" : strerrorname_np(got) ?
		     strerrorname_np(got) : "a strange errno");
	return pass;
}

bool streq_(const char *file, int line, const char *got, const char *want,
	    const char *fmt, ...)
{
	int e = errno;
	bool pass = RESULT(got && !strcmp(got, want));

	if (!pass) {
		const char *p, *s[] = { want, got };

		for (int i = 0; i < 2; i++) {
			printf("# %s ", i ? "got" : "expected");
			if (!s[i]) {
				printf("%s", strerrorname_np(e));
			} else {
				putchar('"');
				for (p = s[i]; *p && p - s[i] < 600; p++)
					if (*p == '\n')
						printf("\\n");
					else
						putchar(*p);
				putchar('"');
			}
			putchar('\n');
		}
		fflush(stdout);
	}
	return pass;
}

void skip(const char *fmt, ...)
{
	char buf[512], *why;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	/* "text # why" */
	why = strstr(buf, " # ");
	if (why) {
		*why = 0;
		why += 3;
	}
	printf("ok %d - %s # SKIP %s\n", ++ntests, buf, why ? why : "");
	fflush(stdout);
}

void diag(const char *fmt, ...)
{
	char *text, *p;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	for (p = text; (p = strchr(p, '\n')); )
		*p = ' ';
	printf("# %s\n", text);
	fflush(stdout);
	free(text);
}

void bail(const char *fmt, ...)
{
	va_list ap;

	printf("not ok %d - ", ++ntests);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n1..%d\nBail out!\n", ntests);
	fflush(stdout);
	exit(1);
}

void setup_bare(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	if (access("/proc/self", F_OK))
		mount("proc", "/proc", "proc", 0, NULL);
	if (access("/sys/kernel", F_OK))
		mount("sysfs", "/sys", "sysfs", 0, NULL);
	if (access("/sys/kernel/debug/sched", F_OK) &&
	    access("/sys/kernel/debug/tracing", F_OK))
		mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	mkdir("/tmp", 01777);
}

void setup(void)
{
	setup_bare();
	if (modprobe("container_core") || modprobe("container_cpuacct"))
		bail("container_core and container_cpuacct load");
}

void finish(void)
{
	char line[4096], left[4096] = "";
	FILE *f = fopen("/proc/mounts", "r");

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, " container "))
			snprintf(left, sizeof(left), "%s", line);
	if (f)
		fclose(f);
	streq(left, "", "no container mount is left");
	err(waitpid(-1, NULL, WNOHANG) < 0 ? errno : 0, ECHILD,
	    "no child is left");
	eq(unload_all(), 0, "all modules unload");
	printf("1..%d\n", ntests);
	fflush(stdout);
	exit(nfailed ? 1 : 0);
}

/* --- waiting --- */

long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000L + ts.tv_nsec / 1000000;
}

void msleep(int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

/* --- files --- */

static char *ring(char *p)
{
	static __thread char *kept[RING];
	static __thread unsigned int next;
	int e = errno;

	free(kept[next % RING]);
	kept[next++ % RING] = p;
	errno = e;
	return p;
}

const char *P(const char *fmt, ...)
{
	static __thread char *kept[RING];
	static __thread unsigned int next;
	char **slot = &kept[next++ % RING];
	va_list ap;

	free(*slot);
	va_start(ap, fmt);
	if (vasprintf(slot, fmt, ap) < 0)
		abort();
	va_end(ap);
	return *slot;
}

char *getfd(int fd)
{
	size_t len = 0, size = 4096;
	char *buf = malloc(size + 1);
	ssize_t n;

	while ((n = read(fd, buf + len, size - len)) > 0) {
		len += n;
		if (len == size)
			buf = realloc(buf, (size *= 2) + 1);
	}
	if (n < 0) {
		ring(buf);
		return NULL;
	}
	buf[len] = 0;
	return ring(buf);
}

char *get(const char *path)
{
	int e, fd = open(path, O_RDONLY | O_CLOEXEC);
	char *s;

	if (fd < 0)
		return NULL;
	s = getfd(fd);
	e = errno;
	close(fd);
	errno = e;
	return s;
}

long getnum(const char *path)
{
	char *end, *s = get(path);
	long v;

	if (!s || !*s)
		return LONG_MIN;
	v = strtol(s, &end, 10);
	return strcmp(end, "\n") ? LONG_MIN : v;
}

int putn(const char *path, const void *buf, size_t len)
{
	int e = 0, fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno;
	n = write(fd, buf, len);
	if (n < 0)
		e = errno;
	else if ((size_t)n != len)
		e = EIO;
	close(fd);
	return e;
}

int put(const char *path, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n, e;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	e = putn(path, s, n);
	free(s);
	return e;
}

int open_err(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

int mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? -1 : (int)(st.st_mode & 07777);
}

void copy_file(const char *from, const char *to, int mode)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	char buf[65536];
	ssize_t n = -1;

	while (in >= 0 && out >= 0 && (n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, n) != n)
			break;
	if (n)
		bail("copy %s to %s: %s", from, to, strerror(errno));
	fchmod(out, mode);
	close(in);
	close(out);
}

void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		bail("%s: %s", path, strerror(errno));
	close(fd);
}

/* --- modules --- */

static int run_quiet(char *const argv[])
{
	int st, fd;
	pid_t pid = fork();

	if (!pid) {
		fd = open("/dev/null", O_RDWR);
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &st, 0) < 0)
		return errno;
	return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}

int modprobe(const char *name)
{
	char *argv[] = { "modprobe", (char *)name, NULL };

	return run_quiet(argv);
}

int modinsert(const char *file, const char *args)
{
	int e, fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	e = E(syscall(SYS_finit_module, fd, args, 0));
	close(fd);
	return e;
}

static const char *want_ko;
static char found_ko[PATH_MAX];

static int ko_visit(const char *path, const struct stat *st, int type,
		    struct FTW *ftw)
{
	(void)st;
	if (type != FTW_F || strcmp(path + ftw->base, want_ko))
		return 0;
	snprintf(found_ko, sizeof(found_ko), "%s", path);
	return 1;
}

const char *modfile(const char *name)
{
	struct utsname u;

	uname(&u);
	want_ko = P("%s.ko", name);
	return nftw(P("/lib/modules/%s", u.release), ko_visit, 8,
		    FTW_PHYS) == 1 ? found_ko : NULL;
}

const char *modwithout(const char *name, const char *symbol)
{
	const char *file = modfile(name), *copy = P("/tmp/%s.ko", name);
	size_t len = strlen(symbol);
	struct stat st;
	int fd, n = 0;
	char *p, *end;

	if (!file)
		bail("no module %s", name);
	copy_file(file, copy, 0644);
	fd = open(copy, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		bail("%s: %s", copy, strerror(errno));
	p = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		bail("%s: %s", copy, strerror(errno));
	close(fd);
	/* a whole string; it gets another last letter */
	for (end = p + st.st_size; (p = memmem(p, end - p, symbol, len + 1)); n++) {
		p += len;
		p[-1] = 'Q';
	}
	munmap(end - st.st_size, st.st_size);
	if (!n)
		bail("%s does not ask for %s", name, symbol);
	return copy;
}

int rmmod(const char *name)
{
	return E(syscall(SYS_delete_module, name, O_NONBLOCK));
}

bool modloaded(const char *name)
{
	char *s = get("/proc/modules");
	size_t n = strlen(name);

	for (; s && *s; s = strchr(s, '\n') + 1)
		if (!strncmp(s, name, n) && s[n] == ' ')
			return true;
	return false;
}

int unload_all(void)
{
	char names[64][64];
	int n = 0, tries = 0;

	do {
		char *s = get("/proc/modules");

		for (n = 0; s && *s && n < 64; s = strchr(s, '\n') + 1)
			if (!strncmp(s, "container_", 10))
				sscanf(s, "%63s", names[n++]);
		for (int i = 0; i < n; i++)
			rmmod(names[i]);
		if (n && tries)
			msleep(10);
	} while (n && ++tries < 200);
	for (int i = 0; i < n; i++)
		diag("still loaded: %s", names[i]);
	return n;
}

bool debug_kernel(void)
{
	return !access("/sys/kernel/debug/kmemleak", F_OK);
}

bool inject_faults(bool may)
{
	if (access("/proc/self/fail-nth", F_OK) ||
	    put("/sys/kernel/debug/failslab/ignore-gfp-wait", may ? "N" : "Y"))
		return false;
	/* or every failure leaves a trace in the log */
	put("/sys/kernel/debug/failslab/verbose", "0");
	put("/sys/kernel/debug/fail_page_alloc/verbose", "0");
	return true;
}

/*
 * Through an open descriptor, which allocates nothing. It counts down with each allocation
 * of the thread that opened it, whatever that is for.
 */
static __thread int nth_fd;
static __thread pid_t nth_owner;

int fail_nth(int n)
{
	char buf[16];

	if (nth_owner != gettid()) {
		nth_owner = gettid();
		nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	}
	return E(pwrite(nth_fd, buf, sprintf(buf, "%d", n), 0));
}

int fail_left(void)
{
	char buf[16] = "";

	return pread(nth_fd, buf, sizeof(buf) - 1, 0) < 0 ? 0 : atoi(buf);
}

int sized(int full, int quick)
{
	const char *size = getenv("SIZE");

	return size && !strcmp(size, "quick") ? quick : full;
}

const char *names_in(const char *dir)
{
	struct dirent **list;
	const char *s = "";
	int n = scandir(dir, &list, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		s = P("%s%s ", s, list[i]->d_name);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return s;
}

long status_kb(pid_t pid, const char *key)
{
	char *s = get(P("/proc/%d/status", pid));

	s = s ? strstr(s, key) : NULL;
	return s ? atol(s + strlen(key)) : -1;
}

long private_pages(pid_t pid)
{
	return (status_kb(pid, "VmData:") + status_kb(pid, "VmStk:")) * 1024 / sysconf(_SC_PAGESIZE);
}

/* --- containers --- */

int cmount(const char *dir, const char *opts)
{
	mkdir(dir, 0755);
	return E(mount("test", dir, "container", 0, opts));
}

int cumount(const char *dir)
{
	int e = E(umount(dir));

	if (!e)
		rmdir(dir);
	return e;
}

int ids(const char *path, pid_t **list)
{
	char *s = get(path);
	int n = 0, size = 0;

	*list = NULL;
	if (!s)
		return -1;
	while (*s) {
		if (n == size)
			*list = realloc(*list, (size += 1024) * sizeof(pid_t));
		(*list)[n++] = strtol(s, &s, 10);
		if (*s++ != '\n') {
			free(*list);
			*list = NULL;
			errno = EPROTO;
			return -1;
		}
	}
	return n;
}

int nids(const char *path)
{
	pid_t *l;
	int n = ids(path, &l);

	free(l);
	return n;
}

bool listed(const char *path, pid_t id)
{
	pid_t *l;
	int n = ids(path, &l);
	bool found = false;

	for (int i = 0; i < n; i++)
		found |= l[i] == id;
	free(l);
	return found;
}

const char *where(pid_t pid, const char *key)
{
	char *s = get(pid ? P("/proc/%d/container", pid) :
		      "/proc/thread-self/container");
	size_t n = strlen(key);
	char *nl;

	for (; s && (nl = strchr(s, '\n')); s = nl + 1)
		if (!strncmp(s, key, n) && s[n] == ':') {
			*nl = 0;
			return s + n + 1;
		}
	return NULL;
}

int movepid(const char *cont, pid_t pid)
{
	return put(P("%s/tasks", cont), "%d", pid);
}

bool hier(const char *set, struct hier *h)
{
	char *s = get("/proc/containers"), *nl, name[512];
	int end;

	for (; s && (nl = strchr(s, '\n')); s = nl + 1) {
		*nl = 0;
		end = 0;
		h->sactive = -1;
		if (sscanf(s, "%d: topcount=%ld bits=%lx containers=%d (%n",
			   &h->nr, &h->topcount, &h->bits, &h->containers,
			   &end) != 4 || !end || !h->nr)
			continue;
		snprintf(name, sizeof(name), "%s)", set);
		if (strncmp(s + end, name, strlen(name)))
			continue;
		sscanf(s + end + strlen(name), " s_active=%d", &h->sactive);
		return true;
	}
	return false;
}

int nhiers(void)
{
	char *s = get("/proc/containers"), *p = s;
	int n = 0;

	while (p && (p = strstr(p, ": topcount="))) {
		n++;
		p++;
	}
	return n;
}

const char *registered(const char *sep)
{
	char *s = get("/proc/containers"), name[64];
	const char *all = "";
	int nr, hi;

	s = s ? strstr(s, "Subsystems:\n") : NULL;
	for (; s && *s; s = strchr(s, '\n') + 1)
		if (sscanf(s, "%d: name=%63s hierarchy=%d", &nr, name,
			   &hi) == 3)
			all = P("%s%s%s", all, *all ? sep : "", name);
	return all;
}

const char *other_subsys(void)
{
	static const char *const known[] = { "numtasks", "bc" };
	static char name[64];
	char *s, *tok, *save;

	for (size_t i = 0; i <= ARRAY_SIZE(known); i++) {
		s = (char *)P("%s", registered(","));
		for (tok = strtok_r(s, ",", &save); tok;
		     tok = strtok_r(NULL, ",", &save))
			if (strcmp(tok, "cpuacct") && strcmp(tok, "ns") &&
			    strcmp(tok, "cpuset"))
				return strncpy(name, tok, sizeof(name) - 1);
		if (i < ARRAY_SIZE(known))
			modprobe(P("container_%s", known[i]));
	}
	return NULL;
}

/* --- tasks --- */

struct vec {
	pid_t *v;
	int n, size;
};

static void push(struct vec *a, pid_t id)
{
	if (a->n == a->size)
		a->v = realloc(a->v, (a->size += 1024) * sizeof(pid_t));
	a->v[a->n++] = id;
}

static int cmp_pid(const void *a, const void *b)
{
	return *(const pid_t *)a - *(const pid_t *)b;
}

pid_t task_named(const char *comm)
{
	pid_t *list, found = 0;
	int n = live_tasks(&list);

	for (int i = 0; i < n && !found; i++) {
		char *s = get(P("/proc/%d/comm", list[i]));

		if (s && !strncmp(s, comm, strlen(comm)))
			found = list[i];
	}
	free(list);
	return found;
}

char task_state(pid_t pid, pid_t tid)
{
	char buf[512], *p;
	int fd = open(P("/proc/%d/task/%d/stat", pid, tid),
		      O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	buf[n] = 0;
	p = strrchr(buf, ')');
	return p ? p[2] : 0;
}

int live_tasks(pid_t **list)
{
	DIR *d = opendir("/proc"), *t;
	struct dirent *e, *f;
	struct vec a = { 0 };

	while (d && (e = readdir(d))) {
		if (!isdigit(e->d_name[0]))
			continue;
		t = opendir(P("/proc/%s/task", e->d_name));
		while (t && (f = readdir(t))) {
			int pid = atoi(e->d_name), tid = atoi(f->d_name);
			char c = tid ? task_state(pid, tid) : 0;

			if (c && c != 'Z' && c != 'X' && c != 'x')
				push(&a, tid);
		}
		if (t)
			closedir(t);
	}
	if (d)
		closedir(d);
	qsort(a.v, a.n, sizeof(pid_t), cmp_pid);
	*list = a.v;
	return a.n;
}

static void walk(const char *dir, struct vec *a)
{
	pid_t *l;
	int n = ids(P("%s/tasks", dir), &l);
	struct dirent *e;
	DIR *d = opendir(dir);

	for (int i = 0; i < n; i++)
		push(a, l[i]);
	free(l);
	while (d && (e = readdir(d)))
		if (e->d_type == DT_DIR && strcmp(e->d_name, ".") &&
		    strcmp(e->d_name, "..")) {
			char *sub;

			if (asprintf(&sub, "%s/%s", dir, e->d_name) < 0)
				abort();
			walk(sub, a);
			free(sub);
		}
	if (d)
		closedir(d);
}

int tree_tasks(const char *root, pid_t **list)
{
	struct vec a = { 0 };

	walk(root, &a);
	qsort(a.v, a.n, sizeof(pid_t), cmp_pid);
	*list = a.v;
	return a.n;
}

pid_t sleeper(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		bail("fork: %s", strerror(errno));
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		pause();
	_exit(0);
}

int fork_once(void)
{
	pid_t p = fork();

	if (!p)
		_exit(0);
	if (p < 0)
		return errno;
	while (waitpid(p, NULL, 0) < 0)
		if (errno != EINTR)
			return errno;
	return 0;
}

static void on_alarm(int sig)
{
	(void)sig;
}

int forks_interrupted(int count)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { 0 };
	int e = 0;

	sigaction(SIGALRM, &sa, NULL);
	srand(1);
	while (count-- && !e) {
		it.it_value.tv_usec = 1 + rand() % 600;
		setitimer(ITIMER_REAL, &it, NULL);
		e = fork_once();
	}
	return e;
}

void reap(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

struct kid kid_start(int (*fn)(struct kid *up, void *arg), void *arg)
{
	struct timeval tv = { .tv_sec = DEADLINE_MS / 1000 };
	struct kid k, up;
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
		bail("socketpair: %s", strerror(errno));
	setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	k.fd = sv[0];
	up.fd = sv[1];
	up.pid = getpid();
	k.pid = fork();
	if (k.pid < 0)
		bail("fork: %s", strerror(errno));
	if (!k.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(sv[0]);
		_exit(fn(&up, arg));
	}
	close(sv[1]);
	return k;
}

void kid_send(struct kid *k, int v)
{
	if (send(k->fd, &v, sizeof(v), MSG_NOSIGNAL) != sizeof(v))
		diag("kid %d: send: %s", k->pid, strerror(errno));
}

int kid_recv(struct kid *k)
{
	ssize_t n;
	int v;

	do {
		n = recv(k->fd, &v, sizeof(v), MSG_WAITALL);
	} while (n < 0 && errno == EINTR);
	return n == sizeof(v) ? v : INT_MIN;
}

static int status_of(pid_t pid)
{
	int st;

	while (waitpid(pid, &st, 0) < 0)
		if (errno != EINTR)
			return INT_MIN;
	return WIFEXITED(st) ? WEXITSTATUS(st) : -WTERMSIG(st);
}

int kid_wait(struct kid *k)
{
	close(k->fd);
	return status_of(k->pid);
}

int in_child(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (pid < 0)
		bail("fork: %s", strerror(errno));
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(fn(arg));
	}
	return status_of(pid);
}

void drop_to(uid_t uid)
{
	if (syscall(SYS_setgroups, 0, NULL) ||
	    syscall(SYS_setresgid, uid, uid, uid) ||
	    syscall(SYS_setresuid, uid, uid, uid))
		_exit(254);
	/* the change of ids cleared it */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

int as_user(uid_t uid, int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (pid < 0)
		bail("fork: %s", strerror(errno));
	if (!pid) {
		drop_to(uid);
		_exit(fn(arg));
	}
	return status_of(pid);
}

void *mmap_shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		bail("mmap: %s", strerror(errno));
	return p;
}

struct fdmsg {
	struct msghdr h;
	struct iovec iov;
	char byte, ctl[CMSG_SPACE(sizeof(int))]
		__attribute__((aligned(sizeof(size_t))));
};

static void fdmsg_init(struct fdmsg *m)
{
	memset(m, 0, sizeof(*m));
	m->iov = (struct iovec){ &m->byte, 1 };
	m->h.msg_iov = &m->iov;
	m->h.msg_iovlen = 1;
	m->h.msg_control = m->ctl;
	m->h.msg_controllen = sizeof(m->ctl);
}

int send_fd(int sock, int fd)
{
	struct cmsghdr *c;
	struct fdmsg m;

	fdmsg_init(&m);
	c = CMSG_FIRSTHDR(&m.h);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return E(sendmsg(sock, &m.h, MSG_NOSIGNAL));
}

int recv_fd(int sock)
{
	struct cmsghdr *c;
	struct fdmsg m;
	int fd;

	fdmsg_init(&m);
	if (recvmsg(sock, &m.h, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	c = CMSG_FIRSTHDR(&m.h);
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}

/* --- kernel log --- */

int kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

int kmsg_lines(int fd, char **text)
{
	char buf[8192], *all = calloc(1, 1), *msg, *more;
	ssize_t n;
	int lines = 0;

	for (;;) {
		n = read(fd, buf, sizeof(buf) - 1);
		if (n < 0 && errno == EPIPE)	/* overrun: lines were lost */
			continue;
		if (n <= 0)
			break;
		buf[n] = 0;
		msg = strchr(buf, ';');
		if (!msg || ((atoi(buf) & 7) > 4 && !strstr(msg, "container")))
			continue;
		lines++;
		if (asprintf(&more, "%s%s", all, msg + 1) < 0)
			abort();
		free(all);
		all = more;
	}
	ring(all);
	if (text)
		*text = all;
	return lines;
}

int run_in(const char *dir, uid_t uid, const char *script)
{
	pid_t p = fork();

	if (!p) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (put(P("%s/tasks", dir), "0"))
			_exit(253);
		if (uid)
			drop_to(uid);
		execl("/bin/sh", "sh", "-c", script, NULL);
		_exit(252);
	}
	return status_of(p);
}
