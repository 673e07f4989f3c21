/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writes to .shares files, with the expected errnos and amounts of tasks, computed by hand.
 * kunit_shares.c applies them to the functions, and t_shares.c to files and forks.
 *
 * The tree is always the same: a, a/b, a/b/c, a/b/c/d, a/b/c/d/e, a/g and f.
 */
#ifndef _SHARES_CASES_H
#define _SHARES_CASES_H

enum { R, A, B, C, D, E, F, G, NODES };

static const char * const node_paths[NODES] = {
	"", "a", "a/b", "a/b/c", "a/b/c/d", "a/b/c/d/e", "f", "a/g",
};

static const int node_parents[NODES] = { -1, R, A, B, C, D, R, A };

/* Stands for 0 in an array of amounts, where 0 means don't care. */
#define ZERO (-1)

/**
 * struct shares_case - a case
 * @name: its name
 * @total: the root's amount; 0: don't care
 * @writes: the writes: the node, the value and the errno
 * @shows: the content of the last written file: min, max, divisor
 * @min: the minimum of each node; 0: don't care. The root's is @total
 * @max: the maximum of each node; 0: don't care. The root's is @total
 * @room: how many tasks fit into a node if there are no others; 0: not tried
 */
struct shares_case {
	const char *name;
	int total;
	struct {
		int node;
		const char *text;
		int err;
	} writes[8];
	const char *shows;
	int min[NODES];
	int max[NODES];
	int room[NODES];
};

#define CHAIN								\
	{ A, "max_shares=2,child_shares_divisor=4", 0 },		\
	{ B, "max_shares=3,child_shares_divisor=3", 0 },		\
	{ C, "max_shares=2,child_shares_divisor=2", 0 },		\
	{ D, "max_shares=1,child_shares_divisor=5", 0 },		\
	{ E, "max_shares=4", 0 }

/* A write to a that is refused, after one that was not: nothing has changed. */
#define REFUSED(what, text)						\
	{								\
		.name = what, .total = 2000,				\
		.writes = { { A, "min_shares=1,max_shares=2", 0 }, { A, text, EINVAL } }, \
		.shows = "1,2,100", .min = { [A] = 20 }, .max = { [A] = 40 }, \
	}

static const struct shares_case shares_cases[] = {
	{
		.name = "nothing written, no total",
	}, {
		.name = "nothing written", .total = 2000,
	}, {
		.name = "a maximum is a part of the total", .total = 2000,
		.writes = { { A, "max_shares=1", 0 } }, .shows = "-3,1,100",
		.max = { [A] = 20 }, .room = { [A] = 20, [E] = 20, [G] = 20 },
	}, {
		.name = "a part of no total is no limit",
		.writes = { { A, "min_shares=1,max_shares=1", 0 } }, .shows = "1,1,100",
	}, {
		.name = "another divisor", .total = 2000,
		.writes = { { A, "max_shares=25", 0 }, { R, "child_shares_divisor=1000", 0 } },
		.shows = "-3,-3,1000",
		.max = { [A] = 50 }, .room = { [A] = 50 },
	}, {
		.name = "amounts are rounded down", .total = 2000,
		.writes = {
			{ R, "child_shares_divisor=300", 0 }, { A, "max_shares=1", 0 },
			{ F, "min_shares=1,max_shares=2", 0 },
		},
		.shows = "1,2,100", .min = { [F] = 6 },
		.max = { [A] = 6, [F] = 13 }, .room = { [A] = 6, [F] = 13 },
	}, {
		.name = "less than one is none", .total = 2000,
		.writes = { { R, "child_shares_divisor=2001", 0 }, { A, "max_shares=1", 0 } },
		.shows = "-3,1,100", .max = { [A] = ZERO }, .room = { [A] = ZERO, [B] = ZERO },
	}, {
		.name = "five deep", .total = 2000, .writes = { CHAIN }, .shows = "-3,4,100",
		.max = { [A] = 40, [B] = 30, [C] = 20, [D] = 10, [E] = 8 },
		.room = { [A] = 40, [B] = 30, [C] = 20, [D] = 10, [E] = 8, [G] = 40 },
	}, {
		.name = "five deep, then the root's divisor", .total = 2000,
		.writes = { CHAIN, { R, "child_shares_divisor=200", 0 } }, .shows = "-3,-3,200",
		.max = { [A] = 20, [B] = 15, [C] = 10, [D] = 5, [E] = 4 },
		.room = { [A] = 20, [B] = 15, [C] = 10, [D] = 5, [E] = 4 },
	}, {
		.name = "five deep, then one in the middle", .total = 2000,
		.writes = { CHAIN, { B, "max_shares=1", 0 } }, .shows = "-3,1,3",
		.max = { [A] = 40, [B] = 10, [C] = 6, [D] = 3, [E] = 2 },
		.room = { [A] = 40, [B] = 10, [C] = 6, [D] = 3, [E] = 2 },
	}, {
		.name = "five deep, then a don't care in the middle", .total = 2000,
		.writes = { CHAIN, { C, "max_shares=-3", 0 } }, .shows = "-3,-3,2",
		.max = { [A] = 40, [B] = 30 },
		.room = { [B] = 30, [C] = 30, [D] = 30, [E] = 30 },
	}, {
		.name = "five deep, then a don't care at the top", .total = 2000,
		.writes = { CHAIN, { A, "max_shares=-3", 0 } }, .shows = "-3,-3,4",
	}, {
		.name = "the other keys keep their value", .total = 2000,
		.writes = { { A, "max_shares=2", 0 }, { A, "min_shares=1", 0 } },
		.shows = "1,2,100", .min = { [A] = 20 }, .max = { [A] = 40 },
	}, {
		.name = "all keys, in any order", .total = 2000,
		.writes = { { A, "child_shares_divisor=50,res=numtasks,max_shares=4,min_shares=2",
			      0 } },
		.shows = "2,4,50", .min = { [A] = 40 }, .max = { [A] = 80 },
	}, {
		.name = "res alone changes nothing", .total = 2000,
		.writes = { { A, "max_shares=2", 0 }, { A, "res=numtasks", 0 } },
		.shows = "-3,2,100", .max = { [A] = 40 },
	}, {
		.name = "unchanged", .total = 2000,
		.writes = {
			{ A, "min_shares=1,max_shares=2,child_shares_divisor=7", 0 },
			{ A, "min_shares=-1,max_shares=-1,child_shares_divisor=-1", 0 },
		},
		.shows = "1,2,7", .min = { [A] = 20 }, .max = { [A] = 40 },
	}, {
		.name = "back to don't care", .total = 2000,
		.writes = { { A, "min_shares=1,max_shares=2", 0 },
			    { A, "min_shares=-3,max_shares=-3", 0 } },
		.shows = "-3,-3,100",
	}, {
		.name = "what is shown can be written", .total = 2000,
		.writes = { { A, "res=numtasks,min_shares=-3,max_shares=-3,"
				 "child_shares_divisor=100", 0 } },
		.shows = "-3,-3,100",
	}, {
		.name = "blanks around a number", .total = 2000,
		.writes = { { A, "max_shares= 2\t,min_shares=\t1 ", 0 } },
		.shows = "1,2,100", .min = { [A] = 20 }, .max = { [A] = 40 },
	}, {
		.name = "of two values the last", .total = 2000,
		.writes = { { A, "max_shares=1,max_shares=2", 0 } },
		.shows = "-3,2,100", .max = { [A] = 40 },
	},
	REFUSED("nothing", ""),
	REFUSED("a key without a value", "min_shares"),
	REFUSED("a key with an empty value", "min_shares="),
	REFUSED("an unknown key", "minshares=1"),
	REFUSED("a key in capitals", "MIN_SHARES=1"),
	REFUSED("a blank before a key", " min_shares=1"),
	REFUSED("an unknown key after a good one", "max_shares=5,bogus=2"),
	REFUSED("a good key after an unknown one", "bogus=2,max_shares=5"),
	REFUSED("res twice", "res=numtasks,max_shares=5,res=numtasks"),
	REFUSED("another controller's res", "res=bc,max_shares=5"),
	REFUSED("an empty res", "res=,max_shares=5"),
	REFUSED("a comma before", ",max_shares=5"),
	REFUSED("a comma after", "max_shares=5,"),
	REFUSED("two commas", "min_shares=1,,max_shares=5"),
	REFUSED("a plus sign", "max_shares=+5"),
	REFUSED("another base", "max_shares=0x5"),
	REFUSED("too large a number", "max_shares=2147483648"),
	REFUSED("far too large a number", "max_shares=99999999999999999999"),
	REFUSED("a negative number without a meaning", "max_shares=-4"),
	REFUSED("two numbers", "max_shares=5 5"),
	REFUSED("a fraction", "max_shares=1.5"),
	REFUSED("unsupported, which it is not", "min_shares=-2"),
	REFUSED("a maximum over the divisor", "max_shares=101"),
	REFUSED("a minimum over the maximum", "min_shares=3"),
	REFUSED("a maximum under the minimum", "max_shares=0"),
	REFUSED("a minimum over the divisor", "min_shares=101,max_shares=-3"),
	REFUSED("a divisor of zero", "child_shares_divisor=0"),
	REFUSED("a divisor of don't care", "child_shares_divisor=-3"),
	REFUSED("a negative divisor", "child_shares_divisor=-100"),
	REFUSED("an unsupported divisor", "child_shares_divisor=-2"),
	{
		.name = "all of it", .total = 2000,
		.writes = { { A, "min_shares=100,max_shares=100", 0 } },
		.shows = "100,100,100", .min = { [A] = 2000 }, .max = { [A] = 2000 },
	}, {
		.name = "none of it", .total = 2000,
		.writes = { { A, "min_shares=0,max_shares=0", 0 } },
		.shows = "0,0,100", .min = { [A] = ZERO }, .max = { [A] = ZERO },
		.room = { [A] = ZERO, [E] = ZERO },
	}, {
		.name = "minimum and maximum raised at once", .total = 2000,
		.writes = { { A, "min_shares=1,max_shares=2", 0 },
			    { A, "min_shares=3,max_shares=4", 0 } },
		.shows = "3,4,100", .min = { [A] = 60 }, .max = { [A] = 80 },
	}, {
		.name = "a minimum without a maximum", .total = 2000,
		.writes = { { A, "min_shares=100", 0 } },
		.shows = "100,-3,100", .min = { [A] = 2000 },
	}, {
		.name = "the minima of children, one too many", .total = 2000,
		.writes = { { A, "min_shares=60", 0 }, { F, "min_shares=40", 0 },
			    { F, "min_shares=41", EINVAL } },
		.shows = "40,-3,100", .min = { [A] = 1200, [F] = 800 },
	}, {
		.name = "a minimum is replaced, not added", .total = 2000,
		.writes = { { A, "min_shares=60", 0 }, { F, "min_shares=30", 0 },
			    { A, "min_shares=70", 0 }, { A, "min_shares=71", EINVAL } },
		.shows = "70,-3,100", .min = { [A] = 1400, [F] = 600 },
	}, {
		.name = "a divisor below what the children hold", .total = 2000,
		.writes = { { A, "min_shares=40", 0 }, { F, "min_shares=20", 0 },
			    { R, "child_shares_divisor=59", EINVAL } },
		.shows = "-3,-3,100", .min = { [A] = 800, [F] = 400 },
	}, {
		.name = "a divisor of just what the children hold", .total = 2000,
		.writes = { { A, "min_shares=40", 0 }, { F, "min_shares=20", 0 },
			    { R, "child_shares_divisor=60", 0 } },
		.shows = "-3,-3,60", .min = { [A] = 1333, [F] = 666 },
	}, {
		.name = "a divisor below the largest maximum", .total = 2000,
		.writes = { { A, "max_shares=30", 0 }, { F, "max_shares=80", 0 },
			    { R, "child_shares_divisor=79", EINVAL } },
		.shows = "-3,-3,100", .max = { [A] = 600, [F] = 1600 },
	}, {
		.name = "a divisor of just the largest maximum", .total = 2000,
		.writes = { { A, "max_shares=40", 0 }, { F, "max_shares=80", 0 },
			    { R, "child_shares_divisor=80", 0 } },
		.shows = "-3,-3,80", .max = { [A] = 1000, [F] = 2000 },
	}, {
		.name = "the maxima of children may exceed the whole", .total = 2000,
		.writes = { { A, "max_shares=100", 0 }, { F, "max_shares=100", 0 } },
		.shows = "-3,100,100", .max = { [A] = 2000, [F] = 2000 },
	}, {
		.name = "the root has no minimum", .total = 2000,
		.writes = { { R, "min_shares=10", EINVAL } }, .shows = "-3,-3,100",
	}, {
		.name = "the root has no maximum", .total = 2000,
		.writes = { { R, "max_shares=10,child_shares_divisor=50", EINVAL } },
		.shows = "-3,-3,100",
	}, {
		.name = "the root does not care", .total = 2000,
		.writes = { { R, "min_shares=-3,max_shares=-3,child_shares_divisor=50", 0 } },
		.shows = "-3,-3,50",
	}, {
		.name = "minima five deep", .total = 2000,
		.writes = { { A, "min_shares=50", 0 }, { B, "min_shares=50", 0 },
			    { C, "min_shares=20", 0 }, { D, "min_shares=10", 0 },
			    { E, "min_shares=50", 0 } },
		.shows = "50,-3,100",
		.min = { [A] = 1000, [B] = 500, [C] = 100, [D] = 10, [E] = 5 },
	}, {
		.name = "no minimum is a part of no minimum", .total = 2000,
		.writes = { { A, "max_shares=2", 0 }, { B, "min_shares=50,max_shares=50", 0 } },
		.shows = "50,50,100", .max = { [A] = 40, [B] = 20 },
		.room = { [A] = 40, [B] = 20, [G] = 40 },
	}, {
		/* a holds 5 for b and 10 for g */
		.name = "what is reserved for others is not to be had", .total = 2000,
		.writes = { { A, "min_shares=1,max_shares=1,child_shares_divisor=4", 0 },
			    { B, "min_shares=1", 0 }, { G, "min_shares=2", 0 } },
		.shows = "2,-3,100",
		.min = { [A] = 20, [B] = 5, [G] = 10 }, .max = { [A] = 20 },
		.room = { [A] = 5, [B] = 10, [C] = 10, [E] = 10, [G] = 15 },
	}, {
		/*
		 * a: 40 less 20 for b and 10 for g. b: 30 less 5 for c; 10 of them
		 * borrowed. c and d: 30 less 1 for what is below. e: all 30. g: 40 less
		 * 20 for b.
		 */
		.name = "reserved and borrowed five deep", .total = 2000,
		.writes = { { A, "min_shares=2,max_shares=2,child_shares_divisor=4", 0 },
			    { B, "min_shares=2,max_shares=3,child_shares_divisor=4", 0 },
			    { C, "min_shares=1,child_shares_divisor=5", 0 },
			    { D, "min_shares=1,child_shares_divisor=1", 0 },
			    { E, "min_shares=1", 0 }, { G, "min_shares=1", 0 } },
		.shows = "1,-3,100",
		.min = { [A] = 40, [B] = 20, [C] = 5, [D] = 1, [E] = 1, [G] = 10 },
		.max = { [A] = 40, [B] = 30 },
		.room = { [A] = 10, [B] = 25, [C] = 29, [D] = 29, [E] = 30, [G] = 20 },
	}, {
		/* b cannot borrow: g holds all the rest */
		.name = "nothing is left to borrow", .total = 2000,
		.writes = { { A, "min_shares=1,max_shares=1,child_shares_divisor=2", 0 },
			    { B, "min_shares=1", 0 }, { G, "min_shares=1", 0 } },
		.shows = "1,-3,100", .min = { [A] = 20, [B] = 10, [G] = 10 }, .max = { [A] = 20 },
		.room = { [A] = ZERO, [B] = 10, [E] = 10, [G] = 10 },
	}, {
		.name = "the largest numbers", .total = 2147483646,
		.writes = { { R, "child_shares_divisor=2147483647", 0 },
			    { A, "max_shares=2147483647,child_shares_divisor=2147483647", 0 },
			    { B, "max_shares=1073741823", 0 },
			    { F, "min_shares=2147483647", 0 },
			    { A, "min_shares=1", EINVAL } },
		.shows = "-3,2147483647,2147483647",
		.min = { [F] = 2147483646 },
		.max = { [A] = 2147483646, [B] = 1073741822 },
	},
};

#endif /* _SHARES_CASES_H */
