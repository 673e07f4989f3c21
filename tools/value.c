// SPDX-License-Identifier: GPL-2.0
/*
 * Values as people write them: "512M", "+10%", "max", "0-3,5"; and figures as people
 * read them. Nothing here looks at a container.
 */
#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ctl.h"

enum unit file_unit(const char *file)
{
	if (strncmp(file, "bc.", 3) || !strcmp(file, "bc.stat") || strstr(file, ".failcnt"))
		return UNIT_NONE;
	if (strstr(file, "pages."))
		return UNIT_PAGES;
	if (!strncmp(file, "bc.kmemsize.", 12))
		return UNIT_BYTES;
	return UNIT_COUNT;
}

static bool is_unlimited(const char *s)
{
	return !strcmp(s, "max") || !strcmp(s, "unlimited") || !strcmp(s, "infinity") ||
	       !strcmp(s, "none");
}

/* A number with a unit; a whole one stays exact. 0: none, -1: not a number. */
static int amount(const char *s, enum unit unit, int64_t *value)
{
	static const char letters[] = "KMGT";
	long page = sysconf(_SC_PAGESIZE);
	double base = unit == UNIT_COUNT ? 1000 : 1024, v, scale = 1;
	bool bytes = false;
	const char *p;
	char *end;

	if (!isdigit((unsigned char)*s) || strpbrk(s, "xXeEpP"))
		return -1;
	errno = 0;
	*value = strtoll(s, &end, 10);
	if (!*end)
		return errno ? -1 : 0;
	v = strtod(s, &end);
	p = *end ? strchr(letters, toupper((unsigned char)*end)) : NULL;
	if (p) {
		for (int i = 0; i <= p - letters; i++)
			scale *= base;
		bytes = true;
		end++;
		if (unit != UNIT_COUNT && end[0] == 'i' && end[1] == 'B')
			end += 2;
	}
	if (unit != UNIT_COUNT && *end == 'B') {
		bytes = true;
		end++;
	}
	if (*end)
		return -1;
	v *= scale;
	if (unit == UNIT_PAGES && bytes)
		v = ceil(v / page);
	/* 2^63 as a double is one too many */
	if (v != floor(v) || v >= 9223372036854775807.0)
		return -1;
	*value = v;
	return 0;
}

char *value_parse(const char *file, const char *text, const char *old, char **why)
{
	enum unit unit = file_unit(file);
	int64_t was = 0, by;
	char *end, *t;
	bool more;

	if (unit == UNIT_NONE)
		return xstrdup(text);
	if (is_unlimited(text))
		return xasprintf("%lld", (long long)UNLIMITED);
	if (*text != '+' && *text != '-') {
		if (!amount(text, unit, &by))
			return xasprintf("%lld", (long long)by);
		*why = xasprintf("\"%s\" is no number%s", shown(text),
				 unit == UNIT_COUNT ? " (10, 10k, +5, -10%, max)" :
				 unit == UNIT_PAGES ? " (pages: 1000; bytes: 512M, 2GiB; +10%, -4K, max)" :
						      " (bytes: 1000, 512M, 2GiB; +10%, max)");
		return NULL;
	}
	/* a change of what there is */
	more = *text++ == '+';
	was = old ? strtoll(old, NULL, 10) : 0;
	if (!old || was == UNLIMITED) {
		*why = xasprintf("\"%c%s\" changes the value by that, and there is none now",
				 more ? '+' : '-', shown(text));
		return NULL;
	}
	end = strchr(text, '%');
	if (end && !end[1]) {
		double percent;

		percent = strtod(text, &t);
		if (t != end || !isdigit((unsigned char)*text) || strpbrk(text, "xXeEpP") ||
		    percent > 1e9) {
			*why = xasprintf("\"%s\" is no percentage", shown(text));
			return NULL;
		}
		if (was * (percent / 100) >= 9.2e18) {
			*why = xasprintf("%s of %lld is too much", shown(text), (long long)was);
			return NULL;
		}
		/* at least one, or nothing would change */
		by = llround(was * (percent / 100));
		if (!by && percent > 0)
			by = 1;
	} else if (amount(text, unit, &by)) {
		*why = xasprintf("\"%s\" is no number", shown(text));
		return NULL;
	}
	if (more ? was > UNLIMITED - by : by > was) {
		*why = xasprintf("%lld %c %lld is %s", (long long)was, more ? '+' : '-',
				 (long long)by, more ? "too much" : "less than nothing");
		return NULL;
	}
	return xasprintf("%lld", (long long)(more ? was + by : was - by));
}

char *human_bytes(int64_t bytes)
{
	static const char units[] = "BKMGTPE";
	double v = bytes;
	int i = 0;

	if (bytes == UNLIMITED)
		return xstrdup("max");
	while (fabs(v) >= 1023.95 && i < 6) {
		v /= 1024;
		i++;
	}
	return xasprintf(i && v < 99.95 ? "%.1f%c" : "%.0f%c", v, units[i]);
}

char *human_time(int64_t ns)
{
	double s = ns / 1e9;

	if (s < 59.9995)
		return xasprintf("%.3fs", s);
	if (s < 3600)
		return xasprintf("%dm%04.1fs", (int)(s / 60), floor(fmod(s, 60) * 10) / 10);
	return xasprintf("%ldh%02ldm", (long)(s / 3600), (long)(s / 60) % 60);
}

bool idset_parse(const char *list, struct idset *s)
{
	const char *p = list;

	*s = (struct idset){ };
	while (*p == ' ')
		p++;
	while (*p && *p != '\n') {
		unsigned long a, b;
		char *end;

		if (!isdigit((unsigned char)*p))
			return false;
		a = b = strtoul(p, &end, 10);
		if (*end == '-') {
			p = end + 1;
			if (!isdigit((unsigned char)*p))
				return false;
			b = strtoul(p, &end, 10);
		}
		if (a > b || b >= 64 * ARRAY_SIZE(s->bits))
			return false;
		for (; a <= b; a++)
			s->bits[a / 64] |= 1ULL << a % 64;
		p = end;
		if (*p == ',' && p[1])
			p++;
		else if (*p && *p != '\n')
			return false;
	}
	return true;
}

static bool idset_has(const struct idset *s, unsigned int i)
{
	return s->bits[i / 64] >> i % 64 & 1;
}

char *idset_format(const struct idset *s)
{
	char *text = xstrdup("");
	unsigned int n = 64 * ARRAY_SIZE(s->bits);

	for (unsigned int i = 0, j; i < n; i = j) {
		char *t;

		j = i + 1;
		if (!idset_has(s, i))
			continue;
		while (j < n && idset_has(s, j))
			j++;
		t = j - i > 1 ? xasprintf("%s%s%u-%u", text, *text ? "," : "", i, j - 1) :
				xasprintf("%s%s%u", text, *text ? "," : "", i);
		free(text);
		text = t;
	}
	return text;
}

bool idset_empty(const struct idset *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->bits); i++)
		if (s->bits[i])
			return false;
	return true;
}

struct idset idset_minus(const struct idset *a, const struct idset *b)
{
	struct idset r;

	for (size_t i = 0; i < ARRAY_SIZE(r.bits); i++)
		r.bits[i] = a->bits[i] & ~b->bits[i];
	return r;
}

struct idset idset_and(const struct idset *a, const struct idset *b)
{
	struct idset r;

	for (size_t i = 0; i < ARRAY_SIZE(r.bits); i++)
		r.bits[i] = a->bits[i] & b->bits[i];
	return r;
}
