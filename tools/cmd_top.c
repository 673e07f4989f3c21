// SPDX-License-Identifier: GPL-2.0
/*
 * top: what the containers do right now, on the terminal or as text, live or from a
 * record. A record has one JSON object a line: what was read, not what was shown, so that
 * a replay can be sorted and filtered in another way.
 *
 * A sample costs three small files a container, and is worth its cost only where the
 * figures are summed here: usage_subtree_ns would take all members below once more at
 * each level.
 */
#include <json-c/json.h>
#include <locale.h>
#include <ncurses.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>
#include "ctl.h"

/* Figures of a container; -1 where its subsystem is not bound. */
enum figure { TASKS, CPU, FILES, MEMORY, REFUSED, PRESSURE, NR_FIGURES };

static const char *const figure_keys[NR_FIGURES] = {
	"tasks", "cpu_ns", "files", "memory", "refused", "pressure",
};

struct entry {
	char *name;
	long parent;			/* index, -1: a root */
	int depth;
	int64_t v[NR_FIGURES];
	double cpu;			/* per cent of one CPU, with all below; -1: not known */
	double refused;			/* a second, by its own limits; -1: not known */
};

struct snapshot {
	int64_t ms;
	long cpus;
	struct entry *v;
	size_t n, room;
};

/* --- taking one ------------------------------------------------------------------- */

static void snapshot_free(struct snapshot *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].name);
	free(s->v);
	*s = (struct snapshot){ };
}

static struct entry *add_entry(struct snapshot *s)
{
	struct entry *e;

	if (s->n == s->room)
		s->v = xrealloc_array(s->v, s->room = s->room ? 2 * s->room : 64, sizeof(*s->v));
	e = &s->v[s->n++];
	*e = (struct entry){ .parent = -1, .cpu = -1, .refused = -1 };
	for (int i = 0; i < NR_FIGURES; i++)
		e->v[i] = -1;
	return e;
}

static long last_at[256];		/* index of the last container at each depth */

static int sample(struct cont *c, int depth, void *arg)
{
	struct snapshot *s = arg;
	struct entry *e;
	char *text;
	int64_t a, b;

	if (depth >= (int)ARRAY_SIZE(last_at))
		return 0;
	e = add_entry(s);
	e->name = cont_name(c);
	e->depth = depth;
	e->parent = depth ? last_at[depth - 1] : -1;
	last_at[depth] = s->n - 1;
	text = cont_read(c, "events");
	if (text && find_number(text, "forks_refused", &a) && find_number(text, "charges_refused", &b))
		e->v[REFUSED] = a + b;
	free(text);
	if (hier_has(c->h, "cpuacct"))
		cont_number(c, "cpuacct.usage_ns", &e->v[CPU]);
	if (hier_has(c->h, "cpuset"))
		cont_number(c, "cpuset.memory_pressure", &e->v[PRESSURE]);
	text = hier_has(c->h, "bc") ? cont_read(c, "bc.stat") : NULL;
	if (text) {
		/* these count what is below as well */
		find_number(text, "numtasks", &e->v[TASKS]);
		find_number(text, "numfiles", &e->v[FILES]);
		if (find_number(text, "privvmpages", &a))
			e->v[MEMORY] = a * sysconf(_SC_PAGESIZE);
		free(text);
		return 0;
	}
	text = hier_has(c->h, "numtasks") ? cont_read(c, "numtasks.stats") : NULL;
	if (text)
		find_number(text, "usage", &e->v[TASKS]);
	else
		e->v[TASKS] = cont_ids(c, "tasks", NULL);
	free(text);
	return 0;
}

static void take(struct snapshot *s)
{
	*s = (struct snapshot){ .ms = now_ms(), .cpus = sysconf(_SC_NPROCESSORS_ONLN) };
	for (size_t i = 0; i < hiers.n; i++) {
		bool counted = hier_has(&hiers.v[i], "bc") || hier_has(&hiers.v[i], "numtasks");
		size_t first = s->n;
		struct cont top;

		if (!cont_at(&hiers.v[i], "/", &top))
			continue;
		cont_walk(&top, sample, s);
		cont_free(&top);
		/* members alone were counted: add what is below, from the leaves up */
		for (size_t j = s->n; !counted && j-- > first; )
			if (s->v[j].parent >= 0 && s->v[j].v[TASKS] > 0)
				s->v[s->v[j].parent].v[TASKS] += s->v[j].v[TASKS];
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct entry *const *)a)->name, (*(struct entry *const *)b)->name);
}

/* Rates since the snapshot before. */
static void compare(const struct snapshot *old, struct snapshot *now)
{
	struct entry **index = xrealloc_array(NULL, old->n, sizeof(*index));
	double seconds = (now->ms - old->ms) / 1000.0;

	for (size_t i = 0; i < old->n; i++)
		index[i] = &old->v[i];
	if (old->n)
		qsort(index, old->n, sizeof(*index), by_name);
	for (size_t i = 0; i < now->n; i++) {
		struct entry *e = &now->v[i], **was, *key = e;

		was = old->n ? bsearch(&key, index, old->n, sizeof(*index), by_name) : NULL;
		/* new since then, or made anew under that name */
		if (!was || seconds <= 0)
			continue;
		if (e->v[CPU] >= (*was)->v[CPU] && (*was)->v[CPU] >= 0)
			e->cpu = (e->v[CPU] - (*was)->v[CPU]) / (seconds * 1e7);
		if (e->v[REFUSED] >= (*was)->v[REFUSED] && (*was)->v[REFUSED] >= 0)
			e->refused = (e->v[REFUSED] - (*was)->v[REFUSED]) / seconds;
	}
	free(index);
	for (size_t i = now->n; i-- > 0; ) {
		struct entry *e = &now->v[i], *parent = e->parent < 0 ? NULL : &now->v[e->parent];

		if (parent && parent->cpu >= 0 && e->cpu >= 0)
			parent->cpu += e->cpu;
	}
}

/* --- records ------------------------------------------------------------------------- */

static void record(FILE *to, const struct snapshot *s)
{
	json_object *o = json_object_new_object(), *list = json_object_new_array();

	json_object_object_add(o, "ms", json_object_new_int64(s->ms));
	json_object_object_add(o, "cpus", json_object_new_int64(s->cpus));
	for (size_t i = 0; i < s->n; i++) {
		json_object *e = json_object_new_object();

		json_object_object_add(e, "name", json_object_new_string(s->v[i].name));
		json_object_object_add(e, "parent", json_object_new_int64(s->v[i].parent));
		for (int j = 0; j < NR_FIGURES; j++)
			if (s->v[i].v[j] >= 0)
				json_object_object_add(e, figure_keys[j],
						       json_object_new_int64(s->v[i].v[j]));
		json_object_array_add(list, e);
	}
	json_object_object_add(o, "containers", list);
	fprintf(to, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
	if (fflush(to))
		die("cannot write the record: %s", strerror(errno));
}

static bool number_of(json_object *o, const char *key, int64_t *value)
{
	json_object *v;

	if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_int))
		return false;
	*value = json_object_get_int64(v);
	return true;
}

/* The next snapshot of a record; false: there is none. */
static bool replay(FILE *from, struct snapshot *s)
{
	static int nr;
	char *line = NULL;
	json_object *o, *list, *name;
	int64_t cpus, parent;
	size_t size = 0, n;

	if (getline(&line, &size, from) <= 0) {
		free(line);
		return false;
	}
	nr++;
	*s = (struct snapshot){ };
	o = json_tokener_parse(line);
	free(line);
	if (!number_of(o, "ms", &s->ms) || !number_of(o, "cpus", &cpus) ||
	    !json_object_object_get_ex(o, "containers", &list) ||
	    !json_object_is_type(list, json_type_array))
		die("line %d of the record is none that top has written", nr);
	s->cpus = cpus;
	n = json_object_array_length(list);
	for (size_t i = 0; i < n; i++) {
		json_object *it = json_object_array_get_idx(list, i);
		struct entry *e = add_entry(s);

		if (!json_object_object_get_ex(it, "name", &name) ||
		    !json_object_is_type(name, json_type_string) ||
		    !number_of(it, "parent", &parent) || parent >= (int64_t)i || parent < -1)
			die("line %d of the record is none that top has written", nr);
		e->name = shown(json_object_get_string(name));
		e->parent = parent;
		e->depth = parent < 0 ? 0 : s->v[parent].depth + 1;
		for (int j = 0; j < NR_FIGURES; j++)
			number_of(it, figure_keys[j], &e->v[j]);
	}
	json_object_put(o);
	return true;
}

/* --- showing -------------------------------------------------------------------------- */

static const struct {
	const char *name;
	char key;
	int width;
} columns[] = {
	{ "TASKS", 't', 7 }, { "CPU%", 'c', 7 }, { "FILES", 'f', 7 }, { "MEMORY", 'm', 8 },
	{ "REFUSED/s", 'r', 10 }, { "PRESSURE", 'p', 9 },
};

static struct {
	bool batch;
	const char *record, *replay;
	int64_t delay;
	long count;
	char sort;
	char filter[64];
} args = { .delay = 3000, .sort = 'c' };

static double sort_value(const struct entry *e)
{
	switch (args.sort) {
	case 't':
		return e->v[TASKS];
	case 'c':
		return e->cpu;
	case 'f':
		return e->v[FILES];
	case 'm':
		return e->v[MEMORY];
	case 'r':
		return e->refused;
	case 'p':
		return e->v[PRESSURE];
	}
	return 0;
}

static int by_choice(const void *a, const void *b)
{
	const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;
	double v = sort_value(x), w = sort_value(y);

	return v != w ? v < w ? 1 : -1 : strcmp(x->name, y->name);
}

/* Those that are to be shown, in order. */
static struct entry **chosen(const struct snapshot *s, size_t *n)
{
	struct entry **list = xrealloc_array(NULL, s->n, sizeof(*list));

	*n = 0;
	for (size_t i = 0; i < s->n; i++)
		if (!*args.filter || strstr(s->v[i].name, args.filter))
			list[(*n)++] = &s->v[i];
	if (*n && args.sort != 'n')
		qsort(list, *n, sizeof(*list), by_choice);
	return list;
}

static void cell(char *to, size_t size, const struct entry *e, size_t column)
{
	static const enum figure of[] = { TASKS, CPU, FILES, MEMORY, REFUSED, PRESSURE };
	int64_t v = e->v[of[column]];
	char *human;

	if (v < 0 || (of[column] == CPU && e->cpu < 0) ||
	    (of[column] == REFUSED && e->refused < 0)) {
		snprintf(to, size, "-");
	} else if (of[column] == CPU || of[column] == REFUSED) {
		snprintf(to, size, "%.1f", of[column] == CPU ? e->cpu : e->refused);
	} else if (of[column] == MEMORY) {
		human = human_bytes(v);
		snprintf(to, size, "%s", human);
		free(human);
	} else {
		snprintf(to, size, "%lld", (long long)v);
	}
}

static void print_batch(const struct snapshot *s)
{
	struct entry **list;
	size_t n;

	list = chosen(s, &n);
	printf("%zu containers; 100%% is one of %ld CPUs\n", s->n, s->cpus);
	for (size_t j = 0; j < ARRAY_SIZE(columns); j++)
		printf("%*s", columns[j].width, columns[j].name);
	puts("  CONTAINER");
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < ARRAY_SIZE(columns); j++) {
			char text[32];

			cell(text, sizeof(text), list[i], j);
			printf("%*s", columns[j].width, text);
		}
		printf("  %s\n", list[i]->name);
	}
	putchar('\n');
	free(list);
	if (fflush(stdout))
		exit(EXIT_FAILURE);
}

/* At most that many columns of the terminal, whatever the characters are wide. */
static void put_text(int y, int x, int room, const char *text)
{
	mbstate_t state = { };
	const char *p = text;
	int used = 0;

	while (*p) {
		wchar_t c;
		size_t len = mbrtowc(&c, p, MB_CUR_MAX, &state);
		int w = len == (size_t)-1 || len == (size_t)-2 ? -1 : wcwidth(c);

		if (w < 0) {
			/* not of this locale: as a question mark */
			if (used + 1 > room)
				return;
			mvaddch(y, x + used++, '?');
			p++;
			state = (mbstate_t){ };
			continue;
		}
		if (used + w > room)
			return;
		mvaddnstr(y, x + used, p, len);
		used += w;
		p += len;
	}
}

static struct {
	char *name;			/* of the selected container */
	size_t first, nr;		/* first line shown, selected line */
	bool members;			/* of the selected one, in place of the list */
	bool typing;			/* a filter */
	bool frozen;
} screen;

static void draw_members(int y, int rows, int cols)
{
	const char *path = strstr(screen.name, ":/");
	char *label = xstrndup(screen.name, path - screen.name);
	struct hierarchy *h = args.replay ? NULL : hier_find(label);
	struct cont c;
	pid_t *ids;
	ssize_t n;

	free(label);
	mvprintw(y++, 0, "Members of ");
	put_text(y - 1, 11, cols - 11, screen.name);
	if (!h || !cont_at(h, path + 1, &c) || (n = cont_ids(&c, "procs", &ids)) < 0) {
		mvprintw(y, 0, "%s", args.replay ? "a record has none" : "it is gone");
		return;
	}
	for (ssize_t i = 0; i < n && y < rows; i++) {
		struct process p;
		char text[128];

		if (!process_get(ids[i], &p))
			continue;
		snprintf(text, sizeof(text), "%8d  %s", p.pid, p.comm);
		put_text(y++, 0, cols, text);
		free(p.comm);
	}
	free(ids);
	cont_free(&c);
}

static void draw(const struct snapshot *s)
{
	int rows, cols, x = 0;
	struct entry **list;
	char text[160];
	size_t n, room;

	getmaxyx(stdscr, rows, cols);
	list = chosen(s, &n);
	erase();
	snprintf(text, sizeof(text), "%s%s%scontainers: %zu, 100%% is one of %ld CPUs, every %.1f s%s%s",
		 *args.filter || screen.typing ? "filter: " : "", args.filter,
		 *args.filter || screen.typing ? " | " : "", s->n, s->cpus, args.delay / 1000.0,
		 args.replay ? " (record)" : "", screen.frozen ? " (frozen)" : "");
	put_text(0, 0, cols, text);
	/* the selected container stays selected wherever it goes */
	for (size_t i = 0; i < n; i++)
		if (screen.name && !strcmp(list[i]->name, screen.name))
			screen.nr = i;
	if (screen.nr >= n)
		screen.nr = n ? n - 1 : 0;
	free(screen.name);
	screen.name = n ? xstrdup(list[screen.nr]->name) : NULL;
	if (screen.members && screen.name) {
		draw_members(1, rows, cols);
		refresh();
		free(list);
		return;
	}
	attron(A_REVERSE);
	mvhline(1, 0, ' ', cols);
	for (size_t j = 0; j < ARRAY_SIZE(columns); j++) {
		snprintf(text, sizeof(text), "%*s", columns[j].width, columns[j].name);
		if (columns[j].key == args.sort)
			attron(A_BOLD);
		put_text(1, x, cols - x, text);
		attroff(A_BOLD);
		x += columns[j].width;
	}
	put_text(1, x + 2, cols - x - 2, "CONTAINER");
	attroff(A_REVERSE);
	room = rows > 3 ? rows - 3 : 1;
	if (screen.nr < screen.first)
		screen.first = screen.nr;
	if (screen.nr >= screen.first + room)
		screen.first = screen.nr - room + 1;
	for (size_t i = screen.first; i < n && i < screen.first + room; i++) {
		int y = 2 + i - screen.first;

		if (i == screen.nr)
			attron(A_BOLD);
		x = 0;
		for (size_t j = 0; j < ARRAY_SIZE(columns); j++) {
			char figure[32];

			cell(figure, sizeof(figure), list[i], j);
			snprintf(text, sizeof(text), "%*s", columns[j].width, figure);
			put_text(y, x, cols - x, text);
			x += columns[j].width;
		}
		if (i == screen.nr)
			put_text(y, x + 1, cols - x - 1, ">");
		put_text(y, x + 2, cols - x - 2, list[i]->name);
		if (i == screen.nr)
			attroff(A_BOLD);
	}
	put_text(rows - 1, 0, cols,
		 "q quit  t c f m r p n sort  / filter  Enter members  Space freeze  + - slower, faster");
	refresh();
	free(list);
}

/* False: quit. */
static bool key(int k)
{
	size_t len = strlen(args.filter);

	if (screen.typing) {
		if (k == '\n' || k == KEY_ENTER)
			screen.typing = false;
		else if (k == 27)
			screen.typing = false, args.filter[0] = '\0';
		else if ((k == KEY_BACKSPACE || k == 127 || k == 8) && len)
			args.filter[len - 1] = '\0';
		else if (k >= ' ' && k < 256 && len + 1 < sizeof(args.filter))
			args.filter[len] = k, args.filter[len + 1] = '\0';
		return true;
	}
	switch (k) {
	case 'q':
		if (!screen.members)
			return false;
		screen.members = false;
		break;
	case 't': case 'c': case 'f': case 'm': case 'r': case 'p': case 'n':
		args.sort = k;
		break;
	case '/':
		screen.typing = true;
		break;
	case '\n': case KEY_ENTER:
		screen.members = !screen.members;
		break;
	case ' ':
		screen.frozen = !screen.frozen;
		break;
	case '+':
		if (args.delay < 60000)
			args.delay *= 2;
		break;
	case '-':
		if (args.delay > 250)
			args.delay /= 2;
		break;
	case KEY_DOWN: case KEY_NPAGE: case KEY_END:
		screen.nr = k == KEY_END ? SIZE_MAX : screen.nr + (k == KEY_DOWN ? 1 : LINES - 3);
		free(screen.name);
		screen.name = NULL;
		break;
	case KEY_UP: case KEY_PPAGE: case KEY_HOME: {
		size_t by = k == KEY_UP ? 1 : LINES - 3;

		screen.nr = k == KEY_HOME || screen.nr < by ? 0 : screen.nr - by;
		free(screen.name);
		screen.name = NULL;
		break;
	}
	}
	return true;
}

/* Keys until it is time for the next sample; false: quit. */
static bool interact(const struct snapshot *s)
{
	int64_t until = now_ms() + args.delay;

	while (true) {
		int64_t left = until - now_ms();
		int k;

		if (screen.frozen)
			left = -1;
		else if (left <= 0)
			return true;
		timeout(left);
		k = getch();
		if (k == ERR && !screen.frozen && now_ms() >= until)
			return true;
		if (k == ERR) {
			struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

			/* the terminal has gone: no busy loop */
			if (poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR | POLLNVAL)))
				return false;
			continue;
		}
		if (!key(k))
			return false;
		draw(s);
	}
}

static error_t parse(int k, char *arg, struct argp_state *state)
{
	char *end;

	switch (k) {
	case 'b':
		args.batch = true;
		break;
	case 'w':
		args.record = arg;
		break;
	case 'r':
		args.replay = arg;
		break;
	case 'd':
		if (!parse_time(arg, &args.delay) || args.delay < 10)
			argp_error(state, "--delay=%s: no time (2s, 500ms)", arg);
		break;
	case 'n':
		args.count = strtol(arg, &end, 10);
		if (*end || args.count < 1)
			argp_error(state, "--count=%s: no number", arg);
		break;
	case 's':
		if (strlen(arg) != 1 || !strchr("tcfmrpn", *arg))
			argp_error(state, "--sort=%s: one of t (tasks) c (CPU) f (files) m (memory) r (refused) p (pressure) n (name)", arg);
		args.sort = *arg;
		break;
	case 'f':
		if (strlen(arg) >= sizeof(args.filter))
			argp_error(state, "--filter: too long");
		strcpy(args.filter, arg);
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
	if (args.replay) {
		in = fopen(args.replay, "re");
		if (!in)
			die("%s: %s", shown(args.replay), strerror(errno));
	} else {
		hiers_need();
	}
	if (args.record) {
		out = fopen(args.record, "we");
		if (!out)
			die("%s: %s", shown(args.record), strerror(errno));
	}
	args.batch |= !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO);
	if (!args.batch) {
		if (!newterm(NULL, stdout, stdin))
			die("the terminal %s is not known; --batch does without",
			    getenv("TERM") ? shown(getenv("TERM")) : "(TERM is not set)");
		cbreak();
		noecho();
		keypad(stdscr, TRUE);
		curs_set(0);
		set_escdelay(50);
	}
	for (long i = 0; !args.count || i < args.count; i++) {
		if (in ? !replay(in, &now) : (take(&now), false)) {
			why = i ? NULL : "the record is empty";
			break;
		}
		if (!now.n && !in) {
			why = "no hierarchy is mounted here: containerctl mount SUBSYSTEM...";
			break;
		}
		compare(&old, &now);
		if (out)
			record(out, &now);
		if (args.batch)
			print_batch(&now);
		else
			draw(&now);
		snapshot_free(&old);
		old = now;
		if (args.count && i + 1 == args.count)
			break;
		if (args.batch && !in)
			poll(NULL, 0, args.delay);
		else if (!args.batch && !interact(&now))
			break;
		if (!in) {
			hiers_free();
			hiers_load();
		}
	}
	if (!args.batch)
		endwin();
	if (out && fclose(out))
		die("cannot write the record: %s", strerror(errno));
	if (why)
		die("%s", why);
	return 0;
}
