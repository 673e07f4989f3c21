// SPDX-License-Identifier: GPL-2.0
/*
 * top: what the containers do right now, on the terminal or as text, live or from a
 * record.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "top.h"

struct top_args top_args = {
	.delay = 3000, .sort = 'c',
	.columns = { TASKS, CPU, FILES, MEMORY, REFUSED, PRESSURE }, .ncolumns = NR_FIGURES,
};

/* -1 for what is not known: it comes last. */
static double sort_value(const struct entry *e)
{
	for (int f = 0; f < NR_FIGURES; f++)
		if (figures[f].key == top_args.sort)
			return figure_of(e, f);
	return 0;
}

static int by_choice(const void *a, const void *b)
{
	const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;
	double v = sort_value(x), w = sort_value(y);

	return v != w ? v < w ? 1 : -1 : strcmp(x->name, y->name);
}

struct entry **chosen(const struct snapshot *s, size_t *n)
{
	struct entry **list = xrealloc_array(NULL, s->n, sizeof(*list));

	*n = 0;
	for (size_t i = 0; i < s->n; i++)
		if (!*top_args.filter || strstr(s->v[i].name, top_args.filter))
			list[(*n)++] = &s->v[i];
	if (*n && top_args.sort != 'n')
		qsort(list, *n, sizeof(*list), by_choice);
	return list;
}

void cell(char *to, size_t size, const struct entry *e, enum figure f)
{
	double v = figure_of(e, f);
	char *human;

	if (v < 0) {
		snprintf(to, size, "-");
	} else if (figures[f].rate) {
		snprintf(to, size, v < 1000 ? "%.1f" : "%.0f", v);
	} else if (f == MEMORY) {
		human = human_bytes(v);
		snprintf(to, size, "%s", human);
		free(human);
	} else {
		snprintf(to, size, "%.0f", v);
	}
}

static void print_batch(const struct snapshot *s)
{
	struct entry **list;
	size_t n;

	list = chosen(s, &n);
	printf("%zu containers; 100%% is one of %ld CPUs\n", s->n, s->cpus);
	for (size_t j = 0; j < top_args.ncolumns; j++)
		printf("%*s", figures[top_args.columns[j]].width, figures[top_args.columns[j]].name);
	puts("  CONTAINER");
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < top_args.ncolumns; j++) {
			char text[32];

			cell(text, sizeof(text), list[i], top_args.columns[j]);
			printf("%*s", figures[top_args.columns[j]].width, text);
		}
		printf("  %s\n", list[i]->name);
	}
	putchar('\n');
	free(list);
	if (fflush(stdout))
		exit(EXIT_FAILURE);
}

enum { KEY_JSON = 0x100 };

static void choose_columns(const char *text, const struct argp_state *state)
{
	struct strings list = strings_split(text, ",");

	top_args.ncolumns = 0;
	for (size_t i = 0; i < list.n; i++) {
		int f = 0;

		while (f < NR_FIGURES && strcasecmp(figures[f].name, list.v[i]))
			f++;
		if (f == NR_FIGURES || top_args.ncolumns == NR_FIGURES)
			argp_error(state, "--output=%s: of TASKS, CPU%%, FILES, MEMORY, REFUSED/s and PRESSURE",
				   text);
		top_args.columns[top_args.ncolumns++] = f;
	}
}

static error_t parse(int k, char *arg, struct argp_state *state)
{
	char *end;

	switch (k) {
	case 'b':
		top_args.batch = true;
		break;
	case 'w':
		top_args.record = arg;
		break;
	case 'r':
		top_args.replay = arg;
		break;
	case 'd':
		if (!parse_time(arg, &top_args.delay) || top_args.delay < 10)
			argp_error(state, "--delay=%s: no time (2s, 500ms)", arg);
		break;
	case 'n':
		top_args.count = strtol(arg, &end, 10);
		if (*end || top_args.count < 1)
			argp_error(state, "--count=%s: no number", arg);
		break;
	case 's':
		if (strlen(arg) != 1 || !strchr("tcfmrpn", *arg))
			argp_error(state, "--sort=%s: one of t (tasks) c (CPU) f (files) m (memory) r (refused) p (pressure) n (name)", arg);
		top_args.sort = *arg;
		break;
	case 'f':
		if (strlen(arg) >= sizeof(top_args.filter))
			argp_error(state, "--filter: too long");
		strcpy(top_args.filter, arg);
		break;
	case 'o':
		choose_columns(arg, state);
		break;
	case KEY_JSON:
		top_args.batch = top_args.json = true;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

int cmd_top(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "batch", 'b', NULL, 0, "text, for pipes; the same where the output is no terminal", 0 },
		{ "delay", 'd', "TIME", 0, "between two samples (3s)", 0 },
		{ "count", 'n', "N", 0, "end after N samples", 0 },
		{ "sort", 's', "KEY", 0, "t tasks, c CPU (the default), f files, m memory, r refused, p pressure, n name", 0 },
		{ "filter", 'f', "TEXT", 0, "containers whose names have it", 0 },
		{ "record", 'w', "FILE", 0, "write what is read, for --replay", 0 },
		{ "output", 'o', "COLUMNS", 0, "these columns before the name, separated by commas", 0 },
		{ "json", KEY_JSON, NULL, 0, "a line for each sample, as in a record, with the rates", 0 },
		{ "replay", 'r', "FILE", 0, "show a record", 0 },
		{ }
	};
	static const struct argp argp = {
		.options = options, .parser = parse,
		.doc = "What the containers do: tasks, CPU time, files and memory of each with all below, what its limits refuse, and memory pressure.",
	};
	struct snapshot old = { }, now;
	FILE *in = NULL, *out = NULL;
	const char *why = NULL;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	if (top_args.replay) {
		in = fopen(top_args.replay, "re");
		if (!in)
			die("%s: %s", shown(top_args.replay), strerror(errno));
	} else {
		hiers_need();
	}
	if (top_args.record) {
		out = fopen(top_args.record, "we");
		if (!out)
			die("%s: %s", shown(top_args.record), strerror(errno));
	}
	top_args.batch |= !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO);
	if (!top_args.batch)
		screen_begin();
	for (long i = 0; !top_args.count || i < top_args.count; i++) {
		if (in && !record_read(in, &now)) {
			why = i ? NULL : "the record is empty";
			break;
		}
		/* keys show in what is on the screen, which stays until the new one is complete */
		if (!in && !snapshot_take(&now, top_args.batch ? NULL : screen_keys))
			break;
		if (!now.n && !in) {
			why = "no hierarchy is mounted here: containerctl mount SUBSYSTEM...";
			break;
		}
		snapshot_compare(&old, &now);
		snapshot_free(&old);
		old = now;
		if (out)
			record_write(out, &old, false);
		if (top_args.json)
			record_write(stdout, &old, true);
		else if (top_args.batch)
			print_batch(&old);
		else
			screen_draw(&old);
		if (top_args.count && i + 1 == top_args.count)
			break;
		if (top_args.batch && !in)
			poll(NULL, 0, top_args.delay);
		else if (!top_args.batch && !screen_wait())
			break;
		if (!in) {
			hiers_free();
			hiers_load();
		}
	}
	if (!top_args.batch)
		screen_end();
	if (out && fclose(out))
		die("cannot write the record: %s", strerror(errno));
	if (why)
		die("%s", why);
	return 0;
}
