// SPDX-License-Identifier: GPL-2.0
/* containerctl: the table of commands, and what comes before one of them. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include "ctl.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "status", cmd_status, "what is loaded, active and mounted" },
	{ "tree", cmd_tree, "the containers, with figures" },
	{ "top", cmd_top, "what they do right now" },
	{ "ps", cmd_ps, "the processes, and the container of each in each hierarchy" },
	{ "mount", cmd_mount, "mount a hierarchy" },
	{ "umount", cmd_umount, "unmount one" },
	{ "create", cmd_create, "make containers" },
	{ "delete", cmd_delete, "remove containers" },
	{ "exec", cmd_exec, "run a command in a container" },
	{ "enter", cmd_enter, "join the namespaces and the containers of a process" },
	{ "attach", cmd_attach, "move processes into a container" },
	{ "get", cmd_get, "read control files" },
	{ "set", cmd_set, "write control files" },
	{ "limit", cmd_limit, "set limits by short names" },
	{ "wait", cmd_wait, "wait until a container is empty" },
	{ "watch", cmd_watch, "say what changes in a container" },
	{ "who", cmd_who, "what keeps a container, or a hierarchy" },
	{ "explain", cmd_explain, "which limit is in the way of a process or a container" },
	{ "doctor", cmd_doctor, "what is wrong with the installation" },
	{ "metrics", cmd_metrics, "figures for Prometheus" },
	{ "save", cmd_save, "write down mounts, containers and settings" },
	{ "apply", cmd_apply, "make them as they were written down" },
	{ "diff", cmd_diff, "what apply would change" },
	{ "rules", cmd_rules, "which container a process belongs in" },
	{ "errors", cmd_errors, "what errors mean, and their cures" },
};

const char *argp_program_version = "containerctl " CTL_VERSION;

static void usage(FILE *to)
{
	fputs("Usage: containerctl COMMAND [OPTION...] [ARGUMENT...]\n\nCommands:\n", to);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].help);
	fputs("\nA container is HIERARCHY:/path (the hierarchy by its name, a subsystem or its\n"
	      "number), a directory under a mount, or a plain path where there is one hierarchy.\n"
	      "\"containerctl COMMAND --help\" says more; containerctl(1) says all.\n", to);
}

int main(int argc, char **argv)
{
	setlocale(LC_ALL, "");
	if (argc < 2) {
		usage(stderr);
		return EX_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help") || !strcmp(argv[1], "-?")) {
		if (argc < 3) {
			usage(stdout);
			return 0;
		}
		/* help COMMAND */
		argv[1] = argv[2];
		argv[2] = "--help";
		argc = 3;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts(argp_program_version);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		int status;

		if (strcmp(argv[1], commands[i].name))
			continue;
		argv[1] = xasprintf("containerctl %s", commands[i].name);
		program_invocation_name = argv[1];
		status = commands[i].run(argc - 1, argv + 1);
		if (fflush(stdout) || ferror(stdout))
			die("cannot write: %s", strerror(errno));
		return status;
	}
	complain("there is no command \"%s\"", shown(argv[1]));
	usage(stderr);
	return EX_USAGE;
}
