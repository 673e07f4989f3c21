/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The setting of a cpuset, and the rules for settings. The functions touch nothing but their
 * arguments, so that KUnit can test them.
 */
#ifndef _RULES_H
#define _RULES_H

#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

/* Flags of a setting. */
enum {
	SETTING_CPU_EXCLUSIVE,
	SETTING_MEM_EXCLUSIVE,
};

/**
 * struct setting - CPUs and nodes, and whether they are shared
 * @rcu: for freeing
 * @flags: bits of the enum above
 * @mems: memory nodes
 * @bits: CPUs, for setting_cpus(); as many bits as a cpumask of this kernel has
 *
 * A published setting is not changed, but for the root's flags, and for the removal of CPUs and
 * nodes that are gone.
 */
struct setting {
	struct rcu_head rcu;
	unsigned long flags;
	nodemask_t mems;
	unsigned long bits[];
};

static inline size_t setting_size(void)
{
	return offsetof(struct setting, bits) + cpumask_size();
}

static inline struct cpumask *setting_cpus(struct setting *s)
{
	return to_cpumask(s->bits);
}

static inline const struct cpumask *setting_cpus_const(const struct setting *s)
{
	return to_cpumask((unsigned long *)s->bits);
}

/**
 * setting_within - may a container have a setting if its parent has another?
 * @s: the setting of the container
 * @parent: the setting of the parent
 */
static inline bool setting_within(const struct setting *s, const struct setting *parent)
{
	return cpumask_subset(setting_cpus_const(s), setting_cpus_const(parent)) &&
	       nodes_subset(s->mems, parent->mems) && !(s->flags & ~parent->flags);
}

/**
 * settings_collide - do two siblings share CPUs or nodes, although one of the two is exclusive?
 * @a: the setting of one sibling
 * @b: the setting of the other
 */
static inline bool settings_collide(const struct setting *a, const struct setting *b)
{
	unsigned long exclusive = a->flags | b->flags;

	return ((exclusive & BIT(SETTING_CPU_EXCLUSIVE)) &&
		cpumask_intersects(setting_cpus_const(a), setting_cpus_const(b))) ||
	       ((exclusive & BIT(SETTING_MEM_EXCLUSIVE)) && nodes_intersects(a->mems, b->mems));
}

/**
 * setting_lacks - does a setting have no CPU, or no node?
 * @s: the setting
 */
static inline bool setting_lacks(const struct setting *s)
{
	return cpumask_empty(setting_cpus_const(s)) || nodes_empty(s->mems);
}

/**
 * setting_empties - does a change take away the last CPU or the last node?
 * @old: the setting before the change
 * @new: the setting after it
 */
static inline bool setting_empties(const struct setting *old, const struct setting *new)
{
	return (!cpumask_empty(setting_cpus_const(old)) &&
		cpumask_empty(setting_cpus_const(new))) ||
	       (!nodes_empty(old->mems) && nodes_empty(new->mems));
}

/**
 * parse_cpus - parse a list of CPUs
 * @s: the text, such as "0-2,5"; empty for no CPU
 * @cpus: set to the CPUs
 *
 * Return: 0; -EINVAL if it is not a list, or has CPUs beyond the size of a mask.
 */
static inline int parse_cpus(const char *s, struct cpumask *cpus)
{
	if (!*s) {
		cpumask_clear(cpus);
		return 0;
	}
	return cpulist_parse(s, cpus) ? -EINVAL : 0;
}

/**
 * parse_mems - parse a list of memory nodes
 * @s: the text; empty for no node
 * @mems: set to the nodes
 *
 * Return: 0; -EINVAL if it is not a list, or has nodes beyond the size of a mask.
 */
static inline int parse_mems(const char *s, nodemask_t *mems)
{
	if (!*s) {
		nodes_clear(*mems);
		return 0;
	}
	return nodelist_parse(s, *mems) ? -EINVAL : 0;
}

#endif /* _RULES_H */
