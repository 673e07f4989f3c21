// SPDX-License-Identifier: GPL-2.0
/* The programs of t_inputs: how they change, and how they are written down. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "inputs.h"

uint64_t random_state;

unsigned int pick(unsigned int below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 32) % below;
}

/* What the modules read: options, and what is written to control files. */
static const char *const words[] = {
	"ns", "all", "none", "cpuset", "cpuacct", "numtasks", "bc", ",", "name=", "name=x",
	"noprefix", "clone_children", "release_agent=", "release_agent=/bin/true", "/bin/true",
	"0", "1", "-1", "2", "10", "100", "4096", "2147483647", "2147483648", "4294967296",
	"9223372036854775807", "18446744073709551616", "0-1", "0,1", "0-", "1-0", "63", "\n", " ",
	"dontcare", "unlimited", "max", "min_shares=", "max_shares=", "res=", "=", "\t", "", "0x1",
};

/* --- changes -------------------------------------------------------------------- */

static void put_word(struct step *s)
{
	const char *word = words[pick(ARRAY_SIZE(words))];
	int at = pick(2) ? s->len : 0, len = strlen(word);

	if (at + len > TEXT)
		at = 0;
	memcpy(s->text + at, word, len);
	s->len = at + len;
}

static void change_text(struct step *s)
{
	switch (pick(s->len ? 4 : 1)) {
	case 0:
		put_word(s);
		break;
	case 1:
		s->text[pick(s->len)] = pick(256);
		break;
	case 2:
		s->len = pick(s->len);
		break;
	case 3:
		s->text[pick(s->len)] ^= 1 << pick(8);
		break;
	}
}

static void new_step(struct step *s)
{
	*s = (struct step){ .call = pick(calls()), .a = pick(256), .b = pick(256) };
	put_word(s);
}

static void insert_step(struct program *p, const struct step *s)
{
	int at = pick(p->count + 1);

	if (p->count == STEPS)
		p->count--;
	if (at > p->count)
		at = p->count;
	memmove(p->steps + at + 1, p->steps + at, (p->count - at) * sizeof(*s));
	p->steps[at] = *s;
	p->count++;
}

static void remove_step(struct program *p)
{
	int at = pick(p->count);

	p->count--;
	memmove(p->steps + at, p->steps + at + 1, (p->count - at) * sizeof(*p->steps));
}

static void mutate_once(struct program *p, const struct program *with)
{
	struct step s, *old = &p->steps[pick(p->count ?: 1)];

	switch (p->count ? pick(8) : 0) {
	case 0:
	case 1:
		new_step(&s);
		insert_step(p, &s);
		break;
	case 2:
		remove_step(p);
		break;
	case 3:
		if (with->count)
			insert_step(p, &with->steps[pick(with->count)]);
		break;
	case 4:
		old->a = pick(256);
		break;
	case 5:
		old->b = pick(256);
		break;
	default:
		change_text(old);
	}
}

void mutate(struct program *p, const struct program *with)
{
	for (int n = 1 + pick(4); n; n--)
		mutate_once(p, with);
}

/* --- text ------------------------------------------------------------------------- */

/* "mkdir:1:0: put:1:7:0-1%0a": bytes that are not printed are in hexadecimal */
const char *program_text(const struct program *p)
{
	static char line[STEPS * (TEXT * 3 + 32)];
	int n = 0;

	line[0] = 0;
	for (int i = 0; i < p->count; i++) {
		const struct step *s = &p->steps[i];

		n += sprintf(line + n, "%s%s:%d:%d:", i ? " " : "", call_name(s->call), s->a, s->b);
		for (int k = 0; k < s->len; k++) {
			unsigned char c = s->text[k];

			if (isalnum(c) || (c && strchr(",._/=+-", c)))
				n += sprintf(line + n, "%c", c);
			else
				n += sprintf(line + n, "%%%02x", c);
		}
	}
	return line;
}

static bool step_parse(struct step *s, char *word)
{
	char name[16];
	unsigned int c;
	int text = 0;

	memset(s, 0, sizeof(*s));
	if (sscanf(word, "%15[a-z]:%hhu:%hhu:%n", name, &s->a, &s->b, &text) != 3 || !text)
		return false;
	while (s->call < calls() && strcmp(call_name(s->call), name))
		s->call++;
	for (word += text; *word && s->len < TEXT; s->len++) {
		if (*word == '%' && sscanf(word, "%%%2x", &c) == 1) {
			s->text[s->len] = c;
			word += 3;
		} else {
			s->text[s->len] = *word++;
		}
	}
	return s->call < calls() && !*word;
}

bool program_parse(struct program *p, const char *line)
{
	char *copy = strdup(line), *rest = copy, *word;
	bool good = true;

	p->count = 0;
	while (good && (word = strsep(&rest, " ")))
		good = p->count < STEPS && step_parse(&p->steps[p->count++], word);
	free(copy);
	return good;
}
