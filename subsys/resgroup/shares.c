// SPDX-License-Identifier: GPL-2.0
/*
 * The arithmetic of shares, and reading what is written to a .shares file. Pure
 * functions of their arguments; KUnit tests them by themselves. All changes of a
 * tree are made under the manage lock, by resgroup.c.
 */
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/string.h>

#include "shares.h"

/* --- the tree -------------------------------------------------------------- */

/**
 * shares_init - make zeroed shares part of a tree, with the default values
 * @s: the shares
 * @parent: whose child they are; NULL for the root
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
 * @pos: where the walk is; @top at the start
 * @top: the top of the subtree
 *
 * Return: the next ones, NULL at the end.
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

/* Digits, or one of the negative numbers with a meaning; blanks around it. */
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
 * shares_parse - read what was written to a .shares file
 * @req: where to put it
 * @name: the controller's name
 * @text: what was written; is cut to pieces
 *
 * Of a key that is given twice the last value counts; but for res, of which one
 * is enough.
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
 * shares_parse_res - read what was written to a .stats file
 * @name: the controller's name
 * @text: what was written
 *
 * Return: 0 or -EINVAL.
 */
int shares_parse_res(const char *name, const char *text)
{
	return strncmp(text, "res=", 4) || strcmp(text + 4, name) ? -EINVAL : 0;
}

/* --- changing -------------------------------------------------------------- */

/* What becomes of a share when that is asked for. */
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

/* What all children but one hold of a divisor, and the largest maximum. */
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
 * shares_change - change shares as asked, if they may be
 * @s: the shares
 * @req: what is asked for
 *
 * Return: 0; -EINVAL and nothing has changed.
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
	/* the root's part is the whole: there is nothing that it is a part of */
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
 * shares_part - what a share amounts to
 * @share: the share
 * @whole: what it is a part of
 * @divisor: how many shares the whole has
 *
 * Return: the amount, rounded down; RES_DONT_CARE if either is no number.
 */
int shares_part(int share, int whole, int divisor)
{
	if (share < 0 || whole < 0)
		return RES_DONT_CARE;
	return div_u64((u64)share * whole, divisor);
}

/**
 * shares_recompute - work out the amounts anew
 * @s: the shares; those of the parent are right
 * @total: what the root has
 *
 * Return: did they change?
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
