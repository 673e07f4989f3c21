// SPDX-License-Identifier: GPL-2.0
/*
 * Tables, by libsmartcols: columns to choose, trees, and JSON from the same rows.
 * A cell whose column is not shown costs nothing.
 */
#include <libsmartcols.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "ctl.h"

struct table {
	struct libscols_table *tb;
	const struct column *cols;
	struct libscols_column **of;	/* NULL: not shown */
	size_t n;
	bool json;
};

enum { KEY_JSON = 0x1001, KEY_NOHEADINGS, KEY_RAW };

static const struct argp_option options[] = {
	{ "output", 'o', "COLUMNS", 0, "show these columns, separated by commas; +COLUMNS: also these", 50 },
	{ "json", KEY_JSON, NULL, 0, "for programs: JSON, with plain numbers; null where there is no limit", 50 },
	{ "noheadings", KEY_NOHEADINGS, NULL, 0, "no line of headings", 50 },
	{ "raw", KEY_RAW, NULL, 0, "columns apart by one blank", 50 },
	{ }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct table_options *o = state->input;

	switch (key) {
	case 'o':
		o->columns = arg;
		break;
	case KEY_JSON:
		o->json = true;
		break;
	case KEY_NOHEADINGS:
		o->noheadings = true;
		break;
	case KEY_RAW:
		o->raw = true;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static char *help(int key, const char *text, void *input)
{
	const struct table_options *o = input;
	char *s;

	if (key != ARGP_KEY_HELP_POST_DOC || !o || !o->known)
		return (char *)text;
	s = xstrdup("Columns:\n");
	for (size_t i = 0; i < o->nknown; i++)
		s = xasprintf("%s  %-16s %s\n", s, o->known[i].name, o->known[i].help);
	return s;
}

const struct argp table_argp = { .options = options, .parser = parse, .help_filter = help };

static const struct column *find(const struct column *cols, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcasecmp(cols[i].name, name))
			return &cols[i];
	return NULL;
}

static void add_columns(struct table *t, const char *list)
{
	struct strings names = strings_split(list, ",");

	for (size_t i = 0; i < names.n; i++) {
		const struct column *c = find(t->cols, t->n, names.v[i]);
		struct libscols_column *cl;
		int flags = 0;

		if (!c) {
			char *known = xstrdup("");

			for (size_t j = 0; j < t->n; j++)
				known = xasprintf("%s%s%s", known, j ? ", " : "", t->cols[j].name);
			die("no column \"%s\"; there are %s", shown(names.v[i]), known);
		}
		if (t->of[c - t->cols])
			continue;
		if (c->flags & (T_NUM | T_RIGHT))
			flags |= SCOLS_FL_RIGHT;
		if (c->flags & T_TREE)
			flags |= SCOLS_FL_TREE;
		if (c->flags & T_TRUNC)
			flags |= SCOLS_FL_TRUNC;
		if (c->flags & T_WRAP)
			flags |= SCOLS_FL_WRAP;
		cl = scols_table_new_column(t->tb, c->name, c->flags & T_TRUNC ? 0.1 : 0, flags);
		if (!cl)
			die("no memory");
		if (c->flags & T_WRAP) {
			scols_column_set_safechars(cl, "\n");
			scols_column_set_wrapfunc(cl, scols_wrapnl_chunksize, scols_wrapnl_nextchunk,
						  NULL);
		}
		scols_column_set_json_type(cl, c->flags & T_NUM ? SCOLS_JSON_NUMBER :
					       c->flags & T_BOOL ? SCOLS_JSON_BOOLEAN :
								   SCOLS_JSON_STRING);
		t->of[c - t->cols] = cl;
	}
	strings_free(&names);
}

struct table *table_new(const char *name, const struct column *cols, size_t n,
			const char *defaults, const struct table_options *opts)
{
	struct table *t = xzalloc(sizeof(*t));

	t->tb = scols_new_table();
	if (!t->tb)
		die("no memory");
	t->cols = cols;
	t->n = n;
	t->of = xrealloc_array(NULL, n, sizeof(*t->of));
	memset(t->of, 0, n * sizeof(*t->of));
	t->json = opts->json;
	scols_table_set_name(t->tb, name);
	scols_table_enable_json(t->tb, opts->json);
	scols_table_enable_noheadings(t->tb, opts->noheadings);
	/* what cannot be printed has been made fit by shown() */
	scols_table_enable_noencoding(t->tb, 1);
	if (opts->raw && !opts->json)
		scols_table_enable_raw(t->tb, 1);
	if (!opts->columns || *opts->columns == '+')
		add_columns(t, defaults);
	if (opts->columns)
		add_columns(t, opts->columns + (*opts->columns == '+'));
	return t;
}

static struct libscols_column *column(const struct table *t, const char *name)
{
	const struct column *c = find(t->cols, t->n, name);

	return c ? t->of[c - t->cols] : NULL;
}

bool table_wants(const struct table *t, const char *name)
{
	return column(t, name);
}

struct row *table_row(struct table *t, struct row *parent)
{
	struct libscols_line *ln = scols_table_new_line(t->tb, (struct libscols_line *)parent);

	if (!ln)
		die("no memory");
	return (struct row *)ln;
}

void table_set(struct table *t, struct row *r, const char *name, const char *text)
{
	struct libscols_column *cl = column(t, name);

	if (cl && text && scols_line_set_column_data((struct libscols_line *)r, cl, text))
		die("no memory");
}

void table_setf(struct table *t, struct row *r, const char *name, const char *fmt, ...)
{
	va_list ap;
	char *s;

	if (!column(t, name))
		return;
	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		die("no memory");
	va_end(ap);
	table_set(t, r, name, s);
	free(s);
}

void table_num(struct table *t, struct row *r, const char *name, int64_t value,
	       char *(*human)(int64_t))
{
	char *s;

	if (!column(t, name))
		return;
	if (value == UNLIMITED)
		s = t->json ? NULL : xstrdup("max");
	else if (human && !t->json)
		s = human(value);
	else
		s = xasprintf("%lld", (long long)value);
	table_set(t, r, name, s);
	free(s);
}

/* libsmartcols takes whatever begins with neither 0 nor N for true. */
void table_bool(struct table *t, struct row *r, const char *name, bool value)
{
	table_set(t, r, name, t->json ? value ? "1" : "0" : value ? "yes" : "");
}

void table_print(struct table *t)
{
	if (!t->json && scols_table_is_empty(t->tb))
		return;
	if (scols_print_table(t->tb))
		die("cannot print: %s", strerror(errno));
}
