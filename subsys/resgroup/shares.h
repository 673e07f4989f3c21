/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The arithmetic of shares, and parsing of values written to .shares files; for resgroup.c and the
 * unit tests.
 */
#ifndef _SHARES_H
#define _SHARES_H

#include "resgroup.h"

/**
 * struct shares_request - a change that was written to a .shares file
 * @min_shares: a share, RES_DONT_CARE, RES_UNSUPPORTED or RES_UNCHANGED
 * @max_shares: as @min_shares
 * @child_shares_divisor: a divisor, or RES_UNCHANGED
 */
struct shares_request {
	int min_shares;
	int max_shares;
	int child_shares_divisor;
};

void shares_init(struct res_shares *s, struct res_shares *parent);
void shares_reset(struct res_shares *s);
void shares_unlink(struct res_shares *s);
struct res_shares *shares_next(struct res_shares *pos, struct res_shares *top);
int shares_parse(struct shares_request *req, const char *name, char *text);
int shares_parse_res(const char *name, const char *text);
int shares_change(struct res_shares *s, const struct shares_request *req);
int shares_part(int share, int whole, int divisor);
bool shares_recompute(struct res_shares *s, int total);

#endif /* _SHARES_H */
