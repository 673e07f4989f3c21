// SPDX-License-Identifier: GPL-2.0
/* exec and attach: who goes into which container. */
#include <ctype.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ctl.h"

static struct {
	bool create, remove, thread, children, oci;
	struct strings limits;
	const char *path;
	char **cmd;
	struct strings pids;
	size_t moved;
} args;

enum { KEY_CREATE = 0x100, KEY_RM, KEY_OCI };

/* What both do first: the container is there, and as it shall be. */
#define OPTIONS_OF_BOTH									\
	{ "create", KEY_CREATE, NULL, 0, "make the container if it is not there", 0 },		\
	{ "rm", KEY_RM, NULL, 0, "the same, and the kernel removes it when its last member has gone (auto_delete)", 0 }, \
	{ "limit", 'l', "NAME=VALUE", 0, "set it first, as containerctl limit; may be given again", 0 }

static error_t parse_both(int key, char *arg)
{
	switch (key) {
	case KEY_CREATE:
		args.create = true;
		break;
	case KEY_RM:
		args.create = args.remove = true;
		break;
	case 'l':
		strings_add(&args.limits, arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* Nobody has been in it, so nothing would remove it. */
static void undo(const struct cont *c, bool made)
{
	if (made && rmdir(c->dir))
		complain("%s is left behind: %s", cont_name(c), strerror(errno));
}

static bool ready(struct cont *c, bool *made)
{
	*made = false;
	if (args.create) {
		*c = cont_parse(args.path);
		if (!cont_exists(c) && !container_make(c, true, made))
			return false;
	} else {
		*c = cont_get(args.path);
	}
	if (limits_apply(c, args.limits.v, args.limits.n, false, false) &&
	    (!args.remove || cont_is_root(c) || cont_set(c, "auto_delete", "1")))
		return true;
	undo(c, *made);
	return false;
}

/* --- exec --------------------------------------------------------------------- */

static error_t parse_exec(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_ARG:
		if (!args.path) {
			args.path = arg;
			break;
		}
		/* all that follows is the command's */
		args.cmd = &state->argv[state->next - 1];
		state->next = state->argc;
		break;
	case ARGP_KEY_END:
		if (!args.path || !args.cmd)
			argp_usage(state);
		break;
	default:
		return parse_both(key, arg);
	}
	return 0;
}

int cmd_exec(int argc, char **argv)
{
	static const struct argp_option options[] = {
		OPTIONS_OF_BOTH,
		{ }
	};
	static const struct argp argp = {
		.options = options, .parser = parse_exec, .args_doc = "PATH [--] COMMAND [ARGUMENT...]",
		.doc = "Run a command in a container: this process enters it and becomes the command. The exit status is the command's; 125 where it was not begun, 126 where it cannot be run, 127 where it is not found.\vFor several hierarchies: containerctl exec A -- containerctl exec B -- COMMAND",
	};
	struct cont c;
	bool made;
	int err;

	die_status = EXIT_EXEC;
	argp_err_exit_status = EXIT_EXEC;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, NULL);
	hiers_need();
	if (!ready(&c, &made))
		return EXIT_EXEC;
	if (!cont_set(&c, "procs", "0")) {
		undo(&c, made);
		return EXIT_EXEC;
	}
	execvp(args.cmd[0], args.cmd);
	err = errno;
	complain("%s: %s", shown(args.cmd[0]), strerror(err));
	return err == ENOENT ? EXIT_NO_CMD : EXIT_NO_RUN;
}

/* --- attach --------------------------------------------------------------------- */

static error_t parse_attach(int key, char *arg, struct argp_state *state)
{
	char *end;
	long pid;

	switch (key) {
	case 't':
		args.thread = true;
		break;
	case 'c':
		args.children = true;
		break;
	case KEY_OCI:
		args.oci = true;
		break;
	case ARGP_KEY_ARG:
		if (!args.path) {
			args.path = arg;
			break;
		}
		errno = 0;
		pid = strtol(arg, &end, 10);
		if (!isdigit((unsigned char)*arg) || *end || errno || pid < 1 || pid > INT_MAX)
			argp_error(state, "\"%s\" is no pid", arg);
		strings_add(&args.pids, arg);
		break;
	case ARGP_KEY_END:
		if (!args.path || !args.pids.n == !args.oci)
			argp_usage(state);
		if (args.thread && args.children)
			argp_error(state, "--thread is about one thread, --children about processes");
		break;
	default:
		return parse_both(key, arg);
	}
	return 0;
}

static int move(const struct cont *c, pid_t pid, bool quiet)
{
	const char *file = args.thread ? "tasks" : "procs";
	char *text = xasprintf("%d", pid);
	struct failure f = { .what = file, .c = c, .value = text, .pid = pid };

	f.err = cont_write(c, file, text, &f.at_open);
	if (f.err && !(quiet && f.err == ESRCH))
		explain_failure(&f);
	if (!f.err)
		progress("processes moved", ++args.moved, args.children ? 0 : args.pids.n);
	free(text);
	return f.err;
}

/*
 * The parent first: what it forks from then on is born in the container. So the list
 * of its children grows no more outside, but theirs may: until nobody new is found.
 */
static bool move_children(const struct cont *c, pid_t pid)
{
	bool good = true, more = true;

	while (more && good) {
		size_t n;
		pid_t *ids = children_of(pid, &n);

		more = false;
		for (size_t i = 0; i < n; i++) {
			char *path = task_path(ids[i], c->h);
			int err = 0;

			if (path && strcmp(path, c->path)) {
				err = move(c, ids[i], true);
				more |= !err;
			}
			/* one that has ended meanwhile is no failure */
			if (err && err != ESRCH)
				good = false;
			free(path);
		}
		free(ids);
	}
	return good;
}

/*
 * What a runtime of the Open Container Initiative writes to its hooks: a state, with the
 * number of the process that becomes the container's first, and the container's id, which
 * stands in the path as %i.
 */
static void read_oci_state(void)
{
	char *text = read_fd(STDIN_FILENO), *before, *at;
	json_object *state = text ? json_tokener_parse(text) : NULL, *pid, *id;
	const char *name;

	if (!json_object_object_get_ex(state, "pid", &pid) ||
	    !json_object_is_type(pid, json_type_int) || json_object_get_int64(pid) < 1 ||
	    json_object_get_int64(pid) > INT_MAX)
		die("the standard input is no state of an OCI runtime, with the pid of a process");
	strings_add(&args.pids, json_object_get_string(pid));
	at = strstr(args.path, "%i");
	if (!at)
		return;
	if (!json_object_object_get_ex(state, "id", &id) || !json_object_is_type(id, json_type_string))
		die("the state on the standard input has no id");
	name = json_object_get_string(id);
	if (!*name || strpbrk(name, "/\n") || !strcmp(name, ".") || !strcmp(name, ".."))
		die("the id \"%s\" is no name for a container", shown(name));
	before = xstrndup(args.path, at - args.path);
	args.path = xasprintf("%s%s%s", before, name, at + 2);
}

int cmd_attach(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "thread", 't', NULL, 0, "move single threads, not their processes", 0 },
		{ "children", 'c', NULL, 0, "also all that descends from them", 0 },
		{ "oci", KEY_OCI, NULL, 0, "the process of the state on the standard input, as a hook of an OCI runtime gets it; %i in PATH is its container's id", 0 },
		OPTIONS_OF_BOTH,
		{ }
	};
	static const struct argp argp = {
		.options = options, .parser = parse_attach, .args_doc = "PATH PID...\n--oci PATH",
		.doc = "Move processes, with all their threads, into a container.",
	};
	struct cont c;
	int status = 0;
	bool made;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	hiers_need();
	if (args.oci)
		read_oci_state();
	if (!ready(&c, &made))
		return EXIT_FAILURE;
	for (size_t i = 0; i < args.pids.n; i++) {
		pid_t pid = atoi(args.pids.v[i]);

		if (move(&c, pid, false) || (args.children && !move_children(&c, pid)))
			status = EXIT_FAILURE;
	}
	progress_end();
	if (status && !cont_ids(&c, "procs", NULL))
		undo(&c, made);
	return status;
}
