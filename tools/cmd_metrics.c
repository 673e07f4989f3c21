// SPDX-License-Identifier: GPL-2.0
/*
 * metrics: the figures of all containers as Prometheus reads them. Samples of one metric
 * stand together, so each has a buffer of its own until all containers have been seen.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ctl.h"

enum metric {
	INFO, CONTAINERS, HOOK_MISSED, TASKS, POPULATED, FORKS_REFUSED, CHARGES_REFUSED,
	CPU, CPU_SUBTREE, PRESSURE, NUMTASKS, NUMTASKS_FAILED, FORKRATE_FAILED,
	BC_HELD, BC_MAXHELD, BC_BARRIER, BC_LIMIT, BC_FAILED, NR_METRICS
};

static const struct {
	const char *name, *type, *help;
} metrics[NR_METRICS] = {
	[INFO] = { "info", "gauge", "Version of the loaded core." },
	[CONTAINERS] = { "containers", "gauge", "Containers of a hierarchy, the root included." },
	[HOOK_MISSED] = { "hook_missed_total", "counter", "Calls that a hook has missed." },
	[TASKS] = { "tasks", "gauge", "Threads in the container itself." },
	[POPULATED] = { "populated", "gauge", "Is there a member, here or below." },
	[FORKS_REFUSED] = { "forks_refused_total", "counter", "Forks that its own limits have refused." },
	[CHARGES_REFUSED] = { "charges_refused_total", "counter", "Charges that its own limits have refused." },
	[CPU] = { "cpu_seconds_total", "counter", "CPU time of the container itself; a reset is possible." },
	[CPU_SUBTREE] = { "cpu_subtree_seconds_total", "counter", "CPU time with all containers below." },
	[PRESSURE] = { "memory_pressure", "gauge", "Direct reclaims by the members, thousandths of one a second." },
	[NUMTASKS] = { "numtasks_usage", "gauge", "Tasks here and below, as numtasks counts." },
	[NUMTASKS_FAILED] = { "numtasks_failures_total", "counter", "Forks of its members that the limits on tasks have refused." },
	[FORKRATE_FAILED] = { "numtasks_forkrate_failures_total", "counter", "Forks of its members that the fork rate has refused." },
	[BC_HELD] = { "bc_held", "gauge", "What is held of a resource; pages, bytes or pieces." },
	[BC_MAXHELD] = { "bc_maxheld", "gauge", "The most that was ever held." },
	[BC_BARRIER] = { "bc_barrier", "gauge", "Barrier of a resource." },
	[BC_LIMIT] = { "bc_limit", "gauge", "Limit of a resource." },
	[BC_FAILED] = { "bc_failures_total", "counter", "Charges that its barrier or limit has refused." },
};

static struct {
	char *text;
	size_t size;
	FILE *f;
} samples[NR_METRICS];

/* For a label's value. */
static char *quoted(const char *s)
{
	char *to, *out = xzalloc(2 * strlen(s) + 1);

	for (to = out; *s; s++) {
		if (*s == '\\' || *s == '"')
			*to++ = '\\';
		*to++ = *s == '\n' ? ' ' : *s;
	}
	return out;
}

static void sample(enum metric m, const char *labels, const char *fmt, ...) __printf(3, 4);
static void sample(enum metric m, const char *labels, const char *fmt, ...)
{
	va_list ap;

	if (!samples[m].f)
		samples[m].f = open_memstream(&samples[m].text, &samples[m].size);
	if (!samples[m].f)
		die("no memory");
	fprintf(samples[m].f, "containers_%s{%s} ", metrics[m].name, labels);
	va_start(ap, fmt);
	vfprintf(samples[m].f, fmt, ap);
	va_end(ap);
	fputc('\n', samples[m].f);
}

static void number(enum metric m, const char *labels, int64_t v)
{
	if (v == UNLIMITED)
		sample(m, labels, "+Inf");
	else
		sample(m, labels, "%lld", (long long)v);
}

static void of_file(enum metric m, const char *labels, const struct cont *c, const char *file,
		    double scale)
{
	int64_t v;

	if (!cont_number(c, file, &v))
		return;
	if (scale == 1)
		number(m, labels, v);
	else
		sample(m, labels, "%.9f", v * scale);
}

static void of_text(enum metric m, const char *labels, const char *text, const char *key)
{
	int64_t v;

	if (text && find_number(text, key, &v))
		number(m, labels, v);
}

static int add_container(struct cont *c, int depth, void *arg)
{
	char *labels = xasprintf("hierarchy=\"%s\",path=\"%s\"", quoted(c->h->label), quoted(c->path));
	char *events = cont_read(c, "events"), *text;
	ssize_t n = cont_ids(c, "tasks", NULL);

	(void)depth;
	(void)arg;
	if (n >= 0)
		number(TASKS, labels, n);
	of_text(POPULATED, labels, events, "populated");
	of_text(FORKS_REFUSED, labels, events, "forks_refused");
	of_text(CHARGES_REFUSED, labels, events, "charges_refused");
	if (hier_has(c->h, "cpuacct")) {
		of_file(CPU, labels, c, "cpuacct.usage_ns", 1e-9);
		of_file(CPU_SUBTREE, labels, c, "cpuacct.usage_subtree_ns", 1e-9);
	}
	if (hier_has(c->h, "cpuset"))
		of_file(PRESSURE, labels, c, "cpuset.memory_pressure", 1);
	if (hier_has(c->h, "numtasks")) {
		text = cont_read(c, "numtasks.stats");
		of_text(NUMTASKS, labels, text, "usage");
		of_text(NUMTASKS_FAILED, labels, text, "Number of failures");
		of_text(FORKRATE_FAILED, labels, text, "forkrate failures");
		free(text);
	}
	text = hier_has(c->h, "bc") ? cont_read(c, "bc.stat") : NULL;
	for (char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		long long held, maxheld, barrier, limit, failed;
		char name[64], *with;

		if (sscanf(line, "%63s %lld %lld %lld %lld %lld", name, &held, &maxheld, &barrier,
			   &limit, &failed) != 6)
			continue;
		with = xasprintf("%s,resource=\"%s\"", labels, name);
		number(BC_HELD, with, held);
		number(BC_MAXHELD, with, maxheld);
		number(BC_BARRIER, with, barrier);
		number(BC_LIMIT, with, limit);
		number(BC_FAILED, with, failed);
		free(with);
	}
	free(text);
	free(events);
	free(labels);
	return 0;
}

static const char *output;

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)state;
	if (key != 'o')
		return ARGP_ERR_UNKNOWN;
	output = arg;
	return 0;
}

static void print(FILE *to)
{
	for (int m = 0; m < NR_METRICS; m++) {
		if (!samples[m].f)
			continue;
		if (fclose(samples[m].f))
			die("no memory");
		fprintf(to, "# HELP containers_%s %s\n# TYPE containers_%s %s\n%s", metrics[m].name,
			metrics[m].help, metrics[m].name, metrics[m].type, samples[m].text);
	}
}

int cmd_metrics(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "output", 'o', "FILE", 0, "write to a new file beside FILE, and rename it: a reader sees all or nothing", 0 },
		{ }
	};
	static const struct argp argp = {
		.options = options, .parser = parse,
		.doc = "The figures of all containers, as Prometheus and node_exporter's textfile collector read them. No bound is +Inf.",
	};
	char *version, *temp;
	FILE *f;
	int fd;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	hiers_need();
	version = read_file("/sys/module/container_core/version");
	if (version)
		version[strcspn(version, "\n")] = '\0';
	sample(INFO, xasprintf("version=\"%s\"", version ? quoted(version) : ""), "1");
	for (size_t i = 0; i < hiers.nhooks; i++)
		sample(HOOK_MISSED, xasprintf("hook=\"%s\"", quoted(hiers.hooks[i].name)), "%ld",
		       hiers.hooks[i].missed);
	for (size_t i = 0; i < hiers.n; i++) {
		struct hierarchy *h = &hiers.v[i];
		struct cont top;

		sample(CONTAINERS, xasprintf("hierarchy=\"%s\"", quoted(h->label)), "%d", h->containers);
		if (cont_at(h, "/", &top))
			cont_walk(&top, add_container, NULL);
	}
	if (!output) {
		print(stdout);
		return 0;
	}
	temp = xasprintf("%s.XXXXXX", output);
	fd = mkstemp(temp);
	if (fd < 0)
		die("%s: %s", shown(temp), strerror(errno));
	f = fdopen(fd, "w");
	if (f)
		print(f);
	/* the collector is another user */
	if (!f || fflush(f) || ferror(f) || fchmod(fd, 0644) || fsync(fd) || fclose(f) || rename(temp, output)) {
		int err = errno;

		unlink(temp);
		die("%s: %s", shown(output), strerror(err));
	}
	return 0;
}
