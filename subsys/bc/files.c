// SPDX-License-Identifier: GPL-2.0
/*
 * The control files: six for each resource, bc.stat, and bc.numfiles.holders.
 */
#include "bc.h"
#include "container_parse.h"

enum { HELD, MAXHELD, MINHELD, FAILCNT, BARRIER, LIMIT, FIGURES };

static const char * const figure_names[FIGURES] = {
	[HELD] = "held",
	[MAXHELD] = "maxheld",
	[MINHELD] = "minheld",
	[FAILCNT] = "failcnt",
	[BARRIER] = "barrier",
	[LIMIT] = "limit",
};

/* The files of each resource, and two more. */
enum { FILE_STAT = BC_RESOURCES * FIGURES, FILE_HOLDERS, FILES };
static struct container_cftype bc_files[FILES] = {
	[FILE_STAT] = { .name = "bc.stat" },
	[FILE_HOLDERS] = {
		.name = "bc.numfiles.holders",
		.mode = 0400,
		.show = holders_show,
	},
};

/* The amount that is held now, with @f as read by vm_look(). Notes it in the extremes. */
static unsigned long figure_held(struct beancounter *bc, int resource,
				 const struct vm_figures *f)
{
	const struct bc_resource *res = &bc_resources[resource];
	struct bc_counter *c = &bc->counter[resource];
	unsigned long held = counter_held(c);

	if (res->sample)
		held += res->sample(bc, f);
	counter_saw_high(c, held);
	counter_saw_low(c, held);
	return held;
}

static int figure_show(struct seq_file *m, struct container *cont,
		       const struct container_cftype *cft)
{
	struct beancounter *bc = container_bc(cont);
	int resource = cft->private / FIGURES, figure = cft->private % FIGURES;
	struct bc_counter *c = &bc->counter[resource];
	unsigned long value = 0, held = 0;
	struct vm_figures vm = {};

	if (figure == HELD || figure == MAXHELD || figure == MINHELD) {
		if (bc_resources[resource].vm)
			vm_look(bc, &vm);
		held = figure_held(bc, resource, &vm);
	}
	switch (figure) {
	case HELD:
		value = held;
		break;
	case MAXHELD:
		value = atomic_long_read(&c->maxheld);
		break;
	case MINHELD:
		value = atomic_long_read(&c->minheld);
		break;
	case FAILCNT:
		value = atomic_long_read(&c->failcnt);
		break;
	case BARRIER:
		value = c->barrier;
		break;
	case LIMIT:
		value = c->limit;
		break;
	}
	seq_printf(m, "%lu\n", value);
	return 0;
}

/* The number of resources that have files. The last one needs hooks that a kernel may lack. */
static int shown_resources(void)
{
	static_assert(BC_NUMFILES == BC_RESOURCES - 1);

	return numfiles_known() ? BC_RESOURCES : BC_NUMFILES;
}

/*
 * Shows all resources at one moment: the address spaces are read once, and bounds do not change
 * meanwhile. No line shows more than its maxheld.
 */
static int stat_show(struct seq_file *m, struct container *cont,
		     const struct container_cftype *cft)
{
	struct beancounter *bc = container_bc(cont);
	struct vm_figures vm;
	struct bc_counter *c;
	unsigned long held;
	int i;

	vm_look(bc, &vm);
	for (i = 0; i < shown_resources(); i++) {
		c = &bc->counter[i];
		held = figure_held(bc, i, &vm);
		seq_printf(m, "%s %lu %lu %lu %lu %lu\n", bc_resources[i].name, held,
			   atomic_long_read(&c->maxheld), c->barrier, c->limit,
			   atomic_long_read(&c->failcnt));
	}
	return 0;
}

static int bound_write(struct container *cont, const struct container_cftype *cft,
		       struct file *file, char *buf)
{
	struct bc_counter *c = &container_bc(cont)->counter[cft->private / FIGURES];
	unsigned long value;
	int err;

	err = container_parse_number(buf, BC_UNLIMITED, &value);
	if (err)
		return err;
	/* stat_show() reads both bounds under this lock */
	container_lock();
	if (cft->private % FIGURES == BARRIER)
		err = counter_set_barrier(c, value);
	else
		err = counter_set_limit(c, value);
	container_unlock();
	return err;
}

/**
 * files_init - name the files
 *
 * Context: the module is being loaded.
 */
void __init files_init(void)
{
	struct container_cftype *cft;
	int i;

	bc_files[FILE_STAT].show = stat_show;
	for (i = 0; i < FILE_STAT; i++) {
		cft = &bc_files[i];
		snprintf(cft->name, sizeof(cft->name), "bc.%s.%s",
			 bc_resources[i / FIGURES].name, figure_names[i % FIGURES]);
		cft->private = i;
		cft->show = figure_show;
		if (i % FIGURES == BARRIER || i % FIGURES == LIMIT)
			cft->write = bound_write;
	}
}

/* populate(), see container.h */
int bc_populate(struct container_subsys *ss, struct container *cont)
{
	int resources = shown_resources();

	/* without numfiles there are no holders */
	return container_add_files(cont, bc_files, resources * FIGURES) ?:
	       container_add_files(cont, &bc_files[FILE_STAT], resources == BC_RESOURCES ? 2 : 1);
}
