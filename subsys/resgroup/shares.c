// SPDX-License-Identifier: GPL-2.0
/*
 * The arithmetic of shares, and parsing of values written to .shares files. The functions touch
 * nothing but their arguments, so that KUnit can test them. resgroup.c calls them under the manage
 * lock.
 */
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/string.h>

#include "shares.h"

/* --- the tree -------------------------------------------------------------- */

/**
 * shares_init - add shares to a tree, with the default values
 * @s: the shares, all zero
 * @parent: the shares of the parent; NULL for the root
 */
void shares_init(struct res_shares *s, struct res_shares *parent)
{
	s->parent = parent;
	INIT_LIST_HEAD(&s->children);
	INIT_LIST_HEAD(&s->sibling);
	if (parent)
		list_add_tail(&s->sibling, &parent->children);
	shares_reset(s);
	s->min = RES_DONT_CARE;
	s->max = RES_DONT_CARE;
}

/**
 * shares_reset - give shares their default values
 * @s: the shares, without children
 */
void shares_reset(struct res_shares *s)
{
	if (s->min_shares != RES_UNSUPPORTED)
		s->min_shares = RES_DONT_CARE;
	if (s->max_shares != RES_UNSUPPORTED)
		s->max_shares = RES_DONT_CARE;
	s->child_shares_divisor = RES_DEFAULT_DIVISOR;
}

/**
 * shares_unlink - take shares out of their tree
 * @s: the shares, without children
 */
void shares_unlink(struct res_shares *s)
{
	list_del_init(&s->sibling);
}

/**
 * shares_next - walk over a subtree, parents before their children
 * @pos: the present position; @top at the start
 * @top: the top of the subtree
 *
 * Return: the next position, NULL at the end.
 */
struct res_shares *shares_next(struct res_shares *pos, struct res_shares *top)
{
	if (!list_empty(&pos->children))
		return list_first_entry(&pos->children, struct res_shares, sibling);
	for (; pos != top; pos = pos->parent)
		if (!list_is_last(&pos->sibling, &pos->parent->children))
			return list_next_entry(pos, sibling);
	return NULL;
}

/* --- reading --------------------------------------------------------------- */

/* Parses a share: digits, or one of the negative numbers with a meaning. Blanks may surround it. */
static int parse_share(const char *text, int *value)
{
	char digits[16];
	size_t len;

	text += strspn(text, " \t");
	len = strcspn(text, " \t");
	if (!len || len >= sizeof(digits) || text[len + strspn(text + len, " \t")])
		return -EINVAL;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (!strcmp(digits, "-1"))
		*value = RES_UNCHANGED;
	else if (!strcmp(digits, "-2"))
		*value = RES_UNSUPPORTED;
	else if (!strcmp(digits, "-3"))
		*value = RES_DONT_CARE;
	else if (!isdigit(digits[0]) || kstrtoint(digits, 10, value))
		return -EINVAL;
	return 0;
}

/**
 * shares_parse - parse a value written to a .shares file
 * @req: set to the request
 * @name: the controller's name
 * @text: the value; is cut into pieces
 *
 * If a key is given twice, the last value counts. A second res is an error.
 *
 * Return: 0 or -EINVAL.
 */
int shares_parse(struct shares_request *req, const char *name, char *text)
{
	bool named = false;
	char *key, *value;
	int err;

	req->min_shares = RES_UNCHANGED;
	req->max_shares = RES_UNCHANGED;
	req->child_shares_divisor = RES_UNCHANGED;
	while ((key = strsep(&text, ","))) {
		value = strchr(key, '=');
		if (!value)
			return -EINVAL;
		*value++ = '\0';
		if (!strcmp(key, "res")) {
			err = named || strcmp(value, name) ? -EINVAL : 0;
			named = true;
		} else if (!strcmp(key, "min_shares")) {
			err = parse_share(value, &req->min_shares);
		} else if (!strcmp(key, "max_shares")) {
			err = parse_share(value, &req->max_shares);
		} else if (!strcmp(key, "child_shares_divisor")) {
			err = parse_share(value, &req->child_shares_divisor);
		} else {
			err = -EINVAL;
		}
		if (err)
			return err;
	}
	return 0;
}

/**
 * shares_parse_res - check a value written to a .stats file
 * @name: the controller's name
 * @text: the value
 *
 * Return: 0 or -EINVAL.
 */
int shares_parse_res(const char *name, const char *text)
{
	return strncmp(text, "res=", 4) || strcmp(text + 4, name) ? -EINVAL : 0;
}

/* --- changing -------------------------------------------------------------- */

/* Finds the new value of a share, from the old one and the requested one. */
static int new_share(int old, int asked, int *new)
{
	*new = old;
	if (asked == RES_UNCHANGED || asked == old)
		return 0;
	if (old == RES_UNSUPPORTED || asked == RES_UNSUPPORTED)
		return -EINVAL;
	*new = asked;
	return 0;
}

/* The sum of the minima of all children but @but; raises @largest to their largest maximum. */
static s64 children_hold(const struct res_shares *parent, const struct res_shares *but,
			 int *largest)
{
	const struct res_shares *child;
	s64 sum = 0;

	list_for_each_entry(child, &parent->children, sibling) {
		if (child == but)
			continue;
		if (child->min_shares > 0)
			sum += child->min_shares;
		*largest = max(*largest, child->max_shares);
	}
	return sum;
}

/**
 * shares_change - change shares as requested, if the rules allow it
 * @s: the shares
 * @req: the request
 *
 * The amounts stay as they are: see shares_recompute().
 *
 * Return: 0; -EINVAL if nothing has changed.
 */
int shares_change(struct res_shares *s, const struct shares_request *req)
{
	int min_shares, max_shares, divisor = s->child_shares_divisor, largest = 0;

	if (new_share(s->min_shares, req->min_shares, &min_shares) ||
	    new_share(s->max_shares, req->max_shares, &max_shares))
		return -EINVAL;
	if (req->child_shares_divisor != RES_UNCHANGED)
		divisor = req->child_shares_divisor;
	if (divisor < 1)
		return -EINVAL;

	if (max_shares >= 0 && min_shares > max_shares)
		return -EINVAL;
	/* the root has the whole, and is not a part of anything */
	if (!s->parent && (min_shares >= 0 || max_shares >= 0))
		return -EINVAL;
	if (s->parent) {
		if (max_shares > s->parent->child_shares_divisor)
			return -EINVAL;
		if (min_shares > 0 && children_hold(s->parent, s, &largest) + min_shares >
				      s->parent->child_shares_divisor)
			return -EINVAL;
	}
	largest = 0;
	if (children_hold(s, NULL, &largest) > divisor || largest > divisor)
		return -EINVAL;

	s->min_shares = min_shares;
	s->max_shares = max_shares;
	s->child_shares_divisor = divisor;
	return 0;
}

/* --- amounts --------------------------------------------------------------- */

/**
 * shares_part - compute the amount of a share
 * @share: the share, or a negative value
 * @whole: the amount of all shares, or a negative value
 * @divisor: the number of shares in the whole
 *
 * Return: the amount, rounded down; RES_DONT_CARE if one of the two is negative.
 */
int shares_part(int share, int whole, int divisor)
{
	if (share < 0 || whole < 0)
		return RES_DONT_CARE;
	return div_u64((u64)share * whole, divisor);
}

/**
 * shares_recompute - compute the amounts of shares
 * @s: the shares; the amounts of the parent are up to date
 * @total: the amount of the root
 *
 * Return: true if an amount has changed.
 */
bool shares_recompute(struct res_shares *s, int total)
{
	const struct res_shares *p = s->parent;
	int min = p ? shares_part(s->min_shares, p->min, p->child_shares_divisor) : total;
	int max = p ? shares_part(s->max_shares, p->max, p->child_shares_divisor) : total;

	if (min == s->min && max == s->max)
		return false;
	WRITE_ONCE(s->min, min);
	WRITE_ONCE(s->max, max);
	return true;
}
