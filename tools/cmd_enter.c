// SPDX-License-Identifier: GPL-2.0
/*
 * enter: into the containers of a process, in all hierarchies, and into its namespaces.
 * setns(2) moves nobody between containers, so what joins namespaces alone is not held by
 * the limits of those who are in there. The containers come first: from the mount
 * namespace of the other their files may be out of sight. What the others could do to us
 * on the way is kept off by guard.c.
 */
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "ctl.h"

static const struct {
	const char *name;
	int flag;
} namespaces[] = {
	{ "user", CLONE_NEWUSER }, { "mnt", CLONE_NEWNS }, { "uts", CLONE_NEWUTS },
	{ "ipc", CLONE_NEWIPC }, { "net", CLONE_NEWNET }, { "pid", CLONE_NEWPID },
	{ "cgroup", CLONE_NEWCGROUP }, { "time", CLONE_NEWTIME },
};

static const char *target;
static char **command;

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_ARG:
		if (!target) {
			target = arg;
			break;
		}
		command = &state->argv[state->next - 1];
		state->next = state->argc;
		break;
	case ARGP_KEY_END:
		if (!target)
			argp_usage(state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static bool same(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Those that the process has and we do not. */
static int others(pid_t pid)
{
	int flags = 0;

	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
		char *own = xasprintf("/proc/self/ns/%s", namespaces[i].name);
		char *its = xasprintf("/proc/%d/ns/%s", pid, namespaces[i].name);
		struct stat st;

		if (stat(own, &st))
			continue;	/* not in this kernel */
		if (stat(its, &st))
			die("the namespaces of %d cannot be seen: %s\n  Cure: do it as its user, or as root.",
			    pid, strerror(errno));
		if (!same(own, its))
			flags |= namespaces[i].flag;
	}
	return flags;
}

/* From the opening of the descriptor to now the number was that process's, if it is now. */
static void still_there(int fd, pid_t pid)
{
	if (syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) && errno == ESRCH)
		die("process %d: %s", pid, strerror(errno));
}

static void join_containers(pid_t pid)
{
	for (size_t i = 0; i < hiers.n; i++) {
		struct hierarchy *h = &hiers.v[i];
		char *path = task_path(pid, h), *mine = task_path(getpid(), h);
		struct cont c;

		if (!path)
			die("process %d: %s", pid, strerror(errno));
		if (mine && !strcmp(path, mine))
			continue;
		if (!cont_at(h, path, &c))
			die("%d is in %s:%s, which is not mounted here\n  Cure: containerctl mount %s%s",
			    pid, h->label, shown(path), h->name ? "--name " : "", h->label);
		if (!cont_set(&c, "procs", "0"))
			exit(EXIT_EXEC);
	}
}

static pid_t child;

static void forward(int sig)
{
	if (child > 0)
		kill(child, sig);
}

/* Ctrl-C goes to the whole foreground, so to the child as well; it decides. */
static int wait_for_child(void)
{
	int status;

	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGTERM, forward);
	signal(SIGHUP, forward);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static pid_t pid_of(const char *word)
{
	char *end;
	long pid = strtol(word, &end, 10);
	struct cont c;
	pid_t *ids;

	if (*word && !*end) {
		if (pid < 1 || pid > INT_MAX)
			die("%s is no pid", shown(word));
		return pid;
	}
	c = cont_get(word);
	if (cont_ids(&c, "procs", &ids) < 1)
		die("%s has no process whose namespaces could be joined\n  Cure: containerctl exec %s -- COMMAND",
		    cont_name(&c), cont_name(&c));
	return ids[0];
}

/* The command line from its beginning; argv begins with "containerctl enter". */
static char **again(int argc, char **argv)
{
	char **line = xrealloc_array(NULL, argc + 2, sizeof(*line));

	line[0] = "containerctl";
	line[1] = "enter";
	memcpy(line + 2, argv + 1, argc * sizeof(*line));
	return line;
}

int cmd_enter(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse, .args_doc = "PATH|PID [--] [COMMAND [ARGUMENT...]]",
		.doc = "Run a command, or a shell, in the containers and in the namespaces of a process, or of the first process in PATH. The exit status is the command's, as with exec.",
	};
	static char *shell[] = { NULL, NULL };
	int fd, flags, root, err;
	bool chrooted, terminal;
	char *its_root;
	pid_t pid;

	die_status = EXIT_EXEC;
	argp_err_exit_status = EXIT_EXEC;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, NULL);
	guard_copy(again(argc, argv));
	hiers_need();
	pid = pid_of(target);
	fd = syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		die("process %d: %s", pid, strerror(errno));
	flags = others(pid);
	its_root = xasprintf("/proc/%d/root", pid);
	chrooted = !same("/", its_root);
	root = open(its_root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		die("the root directory of %d cannot be seen: %s\n  Cure: do it as its user, or as root.",
		    pid, strerror(errno));
	join_containers(pid);
	still_there(fd, pid);
	terminal = guard_has_terminal();
	guard_raise();
	if (flags && setns(fd, flags))
		die("cannot join the namespaces of %d: %s%s", pid, strerror(errno),
		    errno == EPERM ? "\n  Cure: do it as root, or as the user who made them." : "");
	close(fd);
	if (chrooted && (fchdir(root) || chroot(".") || chdir("/")))
		die("cannot enter the root directory of %d: %s", pid, strerror(errno));
	close(root);
	if (flags & CLONE_NEWUSER) {
		/* refused where the user namespace has no say about groups */
		if (setgroups(0, NULL) && errno != EPERM)
			die("setgroups: %s", strerror(errno));
		if (setgid(0) || setuid(0))
			die("cannot become root of the user namespace: %s", strerror(errno));
		guard_untraceable();
	}
	if (terminal && (flags || chrooted))
		guard_terminal();
	/* a pid namespace is for children */
	if (flags & CLONE_NEWPID) {
		fflush(NULL);
		child = fork();
		if (child < 0)
			die("fork: %s", strerror(errno));
		if (child)
			return wait_for_child();
	}
	if (!command) {
		shell[0] = chrooted ? NULL : getenv("SHELL");
		if (!shell[0])
			shell[0] = "/bin/sh";
		command = shell;
	}
	execvp(command[0], command);
	err = errno;
	complain("%s: %s", shown(command[0]), strerror(err));
	_exit(err == ENOENT ? EXIT_NO_CMD : EXIT_NO_RUN);
}
