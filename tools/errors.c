// SPDX-License-Identifier: GPL-2.0
/* What failed, told in words: the rule that was broken, who is in the way, and the cure. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include "reasons.h"

bool reason_applies(const struct reason *r, const char *what)
{
	struct strings patterns = strings_split(r->file, " ");
	bool yes = false;

	for (size_t i = 0; i < patterns.n && !yes; i++)
		yes = !fnmatch(patterns.v[i], what, 0);
	strings_free(&patterns);
	/* "*" is about files, not about calls */
	if (yes && !strcmp(r->file, "*") && !strchr(what, '.') && !strchr(what, '_'))
		yes = !strcmp(what, "tasks") || !strcmp(what, "procs") || !strcmp(what, "events");
	return yes;
}

char *reason_cure(const struct reason *r, const struct failure *f)
{
	const char *text = r->cure;
	struct {
		const char *name, *value;
	} words[] = {
		{ "{path}", f->c ? cont_name(f->c) : "PATH" },
		{ "{parent}", "PARENT" },
		{ "{hier}", f->c ? f->c->h->label : "HIERARCHY" },
		{ "{file}", f->what },
		{ "{top}", xasprintf("%s:/", f->c ? f->c->h->label : "HIERARCHY") },
		{ "{pid}", f->pid ? xasprintf("%d", f->pid) : "PID" },
	};
	char *s = xstrdup("");

	if (f->c && !cont_is_root(f->c)) {
		struct cont parent = cont_parent(f->c);

		words[1].value = cont_name(&parent);
	}
	while (*text) {
		size_t i, n = strcspn(text, "{");

		for (i = 0; i < ARRAY_SIZE(words) && !n; i++)
			if (!strncmp(text, words[i].name, strlen(words[i].name)))
				break;
		if (n || i == ARRAY_SIZE(words)) {
			n += !n;
			s = xasprintf("%s%.*s", s, (int)n, text);
			text += n;
		} else {
			s = xasprintf("%s%s", s, words[i].value);
			text += strlen(words[i].name);
		}
	}
	return s;
}

char *failure_text(const struct failure *f)
{
	for (size_t i = 0; i < nreasons; i++) {
		const struct reason *r = &reasons[i];
		char *who = NULL;

		if (r->err != f->err || !reason_applies(r, f->what) || (r->test && !r->test(f, &who)))
			continue;
		return xasprintf("  Rule: %s\n%s%s%s  Cure: %s\n", r->rule, who ? "  Who:  " : "",
				 who ? who : "", who ? "\n" : "", reason_cure(r, f));
	}
	return NULL;
}

void explain_failure(const struct failure *f)
{
	char *text = failure_text(f), *value = f->value ? shown(f->value) : NULL, *where;

	if (value && strlen(value) > 60)
		value = xasprintf("%.57s...", value);
	where = f->c ? xasprintf("%s: ", cont_name(f->c)) : xstrdup("");
	complain("%s%s%s%s: %s (%s)", where, f->what, value ? " = " : "", value ? value : "",
		 strerror(f->err), strerrorname_np(f->err) ? strerrorname_np(f->err) : "?");
	if (text)
		fputs(text, stderr);
}

bool cont_set(const struct cont *c, const char *file, const char *value)
{
	struct failure f = { .what = file, .c = c, .value = value };

	f.err = cont_write(c, file, value, &f.at_open);
	if (f.err)
		explain_failure(&f);
	return !f.err;
}
