/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of top share: cmd_top.c has the options and the text, top_sample.c the
 * figures, top_record.c records of them, top_screen.c the terminal.
 */
#ifndef TOP_H
#define TOP_H

#include "ctl.h"

enum figure { TASKS, CPU, FILES, MEMORY, REFUSED, PRESSURE, NR_FIGURES };

struct figure_kind {
	const char *name;		/* as a heading, and for -o */
	const char *read, *rate;	/* in records: what was read; in JSON: its rate, or NULL */
	char key;			/* to sort by it */
	int width;
};
extern const struct figure_kind figures[NR_FIGURES];

struct entry {
	char *name;
	long parent;			/* index, -1: a root */
	int depth;
	int64_t v[NR_FIGURES];		/* -1 where its subsystem is not bound */
	double cpu;			/* per cent of one CPU, with all below; -1: not known */
	double refused;			/* a second, by its own limits; -1: not known */
};

struct snapshot {
	int64_t ms;
	long cpus;
	struct entry *v;
	size_t n, room;
};

/* top_sample.c */
/* Every now and then @go_on is called, if there is one; false: it said so, take no more. */
bool snapshot_take(struct snapshot *s, bool (*go_on)(void));
void snapshot_free(struct snapshot *s);
/* The rates, since the snapshot before. */
void snapshot_compare(const struct snapshot *old, struct snapshot *now);
struct entry *snapshot_add(struct snapshot *s);
double figure_of(const struct entry *e, enum figure f);	/* as it is shown; -1: not known */

/* top_record.c: an object on each line */
void record_write(FILE *to, const struct snapshot *s, bool rates);
bool record_read(FILE *from, struct snapshot *s);	/* false: that was all */

/* cmd_top.c */
struct top_args {
	bool batch, json;
	const char *record, *replay;
	int64_t delay;
	long count;
	char sort;
	char filter[64];
	enum figure columns[NR_FIGURES];
	size_t ncolumns;
};
extern struct top_args top_args;
/* Those that are to be shown, in order. */
struct entry **chosen(const struct snapshot *s, size_t *n);
void cell(char *to, size_t size, const struct entry *e, enum figure f);

/* top_screen.c */
void screen_begin(void);
void screen_end(void);
void screen_draw(const struct snapshot *s);
/* The keys that were pressed meanwhile; those until it is time for the next sample. False: quit. */
bool screen_keys(void);
bool screen_wait(void);

#endif
