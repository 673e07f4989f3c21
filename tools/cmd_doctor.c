// SPDX-License-Identifier: GPL-2.0
/*
 * doctor: what is wrong with the installation, each finding with its cure. It changes
 * nothing.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "ctl.h"

static int problems;
static struct table_options options;
static struct table *table;		/* NULL: as text */

static const struct column columns[] = {
	{ "PROBLEM", "something is wrong", T_BOOL },
	{ "FINDING", "what was found", 0 },
	{ "CURE", "what to do", 0 },
};

/* One finding; cure NULL: all is well. */
static void found(const char *cure, const char *fmt, ...) __printf(2, 3);
static void found(const char *cure, const char *fmt, ...)
{
	struct row *row;
	va_list ap;
	char *text;

	problems += !!cure;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		die("no memory");
	va_end(ap);
	if (!table) {
		printf("%s%s\n", cure ? "PROBLEM  " : "ok       ", text);
		if (cure)
			printf("         Cure: %s\n", cure);
		return;
	}
	row = table_row(table, NULL);
	table_bool(table, row, "PROBLEM", cure);
	table_set(table, row, "FINDING", text);
	table_set(table, row, "CURE", cure);
}

static char *first_line(const char *path)
{
	char *text = read_file(path);

	if (text)
		text[strcspn(text, "\n")] = '\0';
	return text;
}

/* Of a version or a source sum: both are known, and they are not the same. */
static bool differ(const char *a, const char *b)
{
	return a && b && strcmp(a, b);
}

/* What modinfo says of the module that modprobe would load; NULL: nothing. */
static char *modinfo(const char *field)
{
	FILE *p = popen(xasprintf("PATH=$PATH:/sbin:/usr/sbin modinfo -F %s container_core 2>/dev/null",
				  field), "re");
	char *line = NULL;
	size_t size = 0;

	if (p && getline(&line, &size, p) > 0)
		line[strcspn(line, "\n")] = '\0';
	else
		line = NULL;
	if (p)
		pclose(p);
	return line;
}

static void look_at_modules(const char *release)
{
	char *build = xasprintf("/lib/modules/%s/build/Makefile", release);
	char *file = modinfo("filename"), *of_file = modinfo("srcversion"), *signer = modinfo("signer");
	char *of_loaded = first_line("/sys/module/container_core/srcversion");
	char *version = first_line("/sys/module/container_core/version"), *installed = modinfo("version");
	char *enforced = first_line("/sys/module/module/parameters/sig_enforce");
	char *rt = first_line("/sys/kernel/realtime");

	if (rt && *rt == '1')
		found("boot a kernel without PREEMPT_RT", "this kernel is PREEMPT_RT: the modules refuse to load");
	if (!file)
		found("dkms install container/" CTL_VERSION " (or make && make install in the source)",
		      "no module container_core is installed for %s", release);
	else
		found(NULL, "installed: %s", file);
	if (access(build, F_OK))
		found(xasprintf("apt install linux-headers-%s (dnf install kernel-devel-%s)", release, release),
		      "the headers of %s are missing: DKMS cannot build for it", release);
	else
		found(NULL, "the headers of %s are there", release);
	if (enforced && *enforced == 'Y' && file && !signer)
		found("enrol the key of DKMS: mokutil --import /var/lib/dkms/mok.pub, and reboot; then dkms install --force",
		      "this kernel loads signed modules only, and the module has no signature");
	if (!of_loaded)
		found(file ? "modprobe container_core, or containerctl mount" : "see above", "container_core is not loaded");
	else if (differ(of_file, of_loaded) || differ(installed, version))
		found("unmount the hierarchies, then modprobe -r the container_ modules and modprobe container_core",
		      "container_core %s is loaded, and another build is installed: %s", version ? version : "?",
		      installed ? installed : "?");
	else
		found(NULL, "loaded: container_core %s", version ? version : "?");
}

static void look_at_hooks(void)
{
	char *ftrace = first_line("/proc/sys/kernel/ftrace_enabled");
	char *kprobes = first_line("/sys/kernel/debug/kprobes/enabled");
	size_t bad = 0;

	if (ftrace && *ftrace == '0')
		found("sysctl kernel.ftrace_enabled=1", "somebody has switched ftrace off, and hooks with it");
	if (kprobes && *kprobes == '0')
		found("echo 1 > /sys/kernel/debug/kprobes/enabled", "somebody has switched the kprobes off, and hooks with them");
	for (size_t i = 0; i < hiers.nhooks; i++) {
		struct hook *k = &hiers.hooks[i];

		/* one that is off is not needed by what is bound now */
		if (k->missed) {
			found("report it, with /proc/containers and the kernel log",
			      "the hook of %s has missed %ld calls", k->name, k->missed);
			bad++;
		}
	}
	if (hiers.nhooks && !bad)
		found(NULL, "%zu hooks have missed no call", hiers.nhooks);
}

/* What the kernel lacks is no problem: there is no cure. */
static void look_at_features(void)
{
	size_t there = 0;

	for (size_t i = 0; i < hiers.nfeatures; i++) {
		struct feature *f = &hiers.features[i];

		if (!f->why)
			there++;
		else if (!strncmp(f->why, "this kernel", strlen("this kernel")))
			found(NULL, "not on this kernel: %s: %s", f->name, f->why);
		else
			found("end what is in the way, then unmount and mount again, or load the modules again",
			      "no %s: %s", f->name, f->why);
	}
	if (hiers.nfeatures)
		found(NULL, "this kernel has what %zu of %zu features need", there, hiers.nfeatures);
}

static void look_at_hierarchies(void)
{
	for (size_t i = 0; i < hiers.n; i++) {
		struct hierarchy *h = &hiers.v[i];
		struct cont top;
		char *agent;

		if (!h->mounted) {
			found(xasprintf("containerctl mount %s%s; remove what is below its root, and unmount it",
					h->name ? "--name " : "", h->label),
			      "%s is active and mounted nowhere here: %d containers below its root, or another mount namespace, hold it",
			      h->label, h->containers > 0 ? h->containers - 1 : 0);
			continue;
		}
		found(NULL, "%s: %d containers", h->label, h->containers);
		if (!cont_at(h, "/", &top))
			continue;
		agent = cont_line(&top, "release_agent");
		if (agent && *agent && access(agent, X_OK))
			found(xasprintf("containerctl set %s:/ release_agent=PATH", h->label),
			      "the release agent of %s cannot be run: %s: %s", h->label, shown(agent),
			      strerror(errno));
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	state->child_inputs[0] = &options;
	return 0;
}

int cmd_doctor(int argc, char **argv)
{
	static const struct argp_child children[] = { { &table_argp, 0, NULL, 0 }, { } };
	static const struct argp argp = {
		.parser = parse, .children = children,
		.doc = "Look at the installation: modules, headers, signatures, hooks, what the kernel lacks, hierarchies. Each problem is told with its cure; the status is 1 if there is any.",
	};
	struct utsname u;

	options.known = columns;
	options.nknown = ARRAY_SIZE(columns);
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	if (options.json || options.columns)
		table = table_new("findings", columns, ARRAY_SIZE(columns), "PROBLEM,FINDING,CURE", &options);
	hiers_load();
	uname(&u);
	look_at_modules(u.release);
	look_at_hooks();
	look_at_features();
	look_at_hierarchies();
	if (table)
		table_print(table);
	return problems ? EXIT_FAILURE : 0;
}
