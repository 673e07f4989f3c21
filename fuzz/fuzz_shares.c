// SPDX-License-Identifier: GPL-2.0
/*
 * Writes to .shares files in a tree of groups: a refused one changes nothing, the children never
 * have more than their parent, in shares and in amounts, and what is shown can be written.
 */
#include "fuzz.h"
#include "../subsys/resgroup/shares.c"

#define GROUPS 6

static const int parents[GROUPS] = { -1, 0, 1, 1, 0, 2 };

static void show(const struct res_shares *s, char *buf, size_t size)
{
	snprintf(buf, size, "res=x,min_shares=%d,max_shares=%d,child_shares_divisor=%d",
		 s->min_shares, s->max_shares, s->child_shares_divisor);
}

static int write_shares(struct res_shares *s, const char *text)
{
	struct shares_request req;
	char *copy = strdup(text);
	int err = shares_parse(&req, "x", copy) ?: shares_change(s, &req);

	free(copy);
	return err;
}

static bool is_same(const struct res_shares *a, const struct res_shares *b)
{
	return a->min_shares == b->min_shares && a->max_shares == b->max_shares &&
	       a->child_shares_divisor == b->child_shares_divisor;
}

/* A share is an amount, or has no number. */
static bool is_share(int share)
{
	return share >= 0 || share == RES_DONT_CARE || share == RES_UNSUPPORTED;
}

static void check_group(const struct res_shares *s)
{
	s64 shares = 0, amounts = 0;
	const struct res_shares *c;

	assert(is_share(s->min_shares) && is_share(s->max_shares));
	assert(s->child_shares_divisor >= 1);
	assert(s->min_shares < 0 || s->max_shares < 0 || s->min_shares <= s->max_shares);
	list_for_each_entry(c, &s->children, sibling) {
		assert(c->max_shares <= s->child_shares_divisor);
		if (c->min_shares > 0)
			shares += c->min_shares;
		if (c->min > 0)
			amounts += c->min;
		assert((c->max >= 0) == (c->max_shares >= 0 && s->max >= 0));
		assert((c->min >= 0) == (c->min_shares >= 0 && s->min >= 0));
		assert(c->max < 0 || c->max <= s->max);
	}
	assert(shares <= s->child_shares_divisor);
	assert(s->min < 0 || amounts <= s->min);
}

static void recompute(struct res_shares *top, int total)
{
	struct res_shares *s;

	for (s = top; s; s = shares_next(s, top))
		shares_recompute(s, total);
	for (s = top; s; s = shares_next(s, top))
		assert(!shares_recompute(s, total));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct res_shares group[GROUPS] = {}, before;
	struct input in = { data, size };
	int total = take(&in) & 1 ? take_number(&in, 4) & INT_MAX : RES_DONT_CARE, i, n, err;
	char text[128], shown[128];
	struct res_shares *s;

	/* a controller may have no minima */
	if (take(&in) & 1)
		for (i = 0; i < GROUPS; i++)
			group[i].min_shares = RES_UNSUPPORTED;
	for (i = 0; i < GROUPS; i++)
		shares_init(&group[i], i ? &group[parents[i]] : NULL);
	while (in.left) {
		s = &group[take(&in) % GROUPS];
		for (n = 0; in.left && *in.at != '\n' && n < (int)sizeof(text) - 1; n++)
			text[n] = take(&in);
		text[n] = '\0';
		take(&in);
		before = *s;
		err = write_shares(s, text);
		assert(!err || (err == -EINVAL && is_same(s, &before)));
		recompute(group, total);
		for (i = 0; i < GROUPS; i++)
			check_group(&group[i]);
		before = *s;
		show(s, shown, sizeof(shown));
		assert(!write_shares(s, shown) && is_same(s, &before));
	}
	return 0;
}
