// SPDX-License-Identifier: GPL-2.0
/* errors: the table of what errors mean, or what of it is about a file or a call. */
#include <stdlib.h>
#include <string.h>
#include "reasons.h"

static const struct column columns[] = {
	{ "FILE", "file, or call", 0 },
	{ "ERRNO", "the error", 0 },
	{ "RULE", "the rule that was broken", 0 },
	{ "CURE", "what to do", 0 },
};

static struct {
	struct table_options table;
	struct strings files, errnos;
} args;

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args.table;
		break;
	case ARGP_KEY_ARG:
		/* no file begins with a capital letter */
		strings_add(*arg == 'E' ? &args.errnos : &args.files, arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* Has a row above said the same, or, where this is about any file, something better? */
static bool told(size_t row, const char *what)
{
	for (size_t i = 0; i < row; i++)
		if (reasons[i].err == reasons[row].err && reason_applies(&reasons[i], what) &&
		    (!strcmp(reasons[i].rule, reasons[row].rule) ||
		     (!strcmp(reasons[row].file, "*") && strcmp(reasons[i].file, "*"))))
			return true;
	return false;
}

/* What is known of a file; NULL: the whole table. False: nothing. */
static bool show(struct table *t, const char *file, bool as_text)
{
	bool any = false;

	for (size_t i = 0; i < nreasons; i++) {
		const struct reason *r = &reasons[i];
		struct failure f = { .what = file ? file : r->file, .err = r->err };
		const char *name = strerrorname_np(r->err);
		struct row *row;

		if ((file && (!reason_applies(r, file) || told(i, file))) ||
		    (args.errnos.n && !strings_has(&args.errnos, name)))
			continue;
		any = true;
		if (as_text) {
			printf("%s: %s\n  Rule: %s\n  Cure: %s\n", file, name, r->rule,
			       reason_cure(r, &f));
			continue;
		}
		row = table_row(t, NULL);
		table_set(t, row, "FILE", f.what);
		table_set(t, row, "ERRNO", name);
		table_set(t, row, "RULE", r->rule);
		table_set(t, row, "CURE", reason_cure(r, &f));
	}
	return any;
}

int cmd_errors(int argc, char **argv)
{
	static const struct argp_child children[] = { { &table_argp, 0, NULL, 0 }, { } };
	static const struct argp argp = {
		.parser = parse, .children = children, .args_doc = "[FILE...] [ERRNO...]",
		.doc = "What the errors of control files, or of calls such as mount, rmdir or fork, mean. Without FILE, all that are known.",
	};
	bool as_text, good = true;
	struct table *t;

	args.table.known = columns;
	args.table.nknown = ARRAY_SIZE(columns);
	argp_parse(&argp, argc, argv, 0, NULL, &args);
	as_text = args.files.n && !args.table.json && !args.table.columns;
	t = table_new("errors", columns, ARRAY_SIZE(columns), "FILE,ERRNO,RULE", &args.table);
	if (!args.files.n && !show(t, NULL, false))
		die("no such error is known");
	for (size_t i = 0; i < args.files.n; i++)
		if (!show(t, args.files.v[i], as_text)) {
			complain("nothing is known of that about %s", shown(args.files.v[i]));
			good = false;
		}
	if (!as_text)
		table_print(t);
	return good ? 0 : EXIT_FAILURE;
}
