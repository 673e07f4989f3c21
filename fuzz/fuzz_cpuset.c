// SPDX-License-Identifier: GPL-2.0
/*
 * The rules of cpusets, beside the same in words of single CPUs and nodes; and the meter of
 * memory pressure, whose rate is bounded and falls while nothing happens.
 */
#include "fuzz.h"
#include "../subsys/cpuset/fmeter.h"
#include "../subsys/cpuset/rules.h"

#define BITS 16

union one {
	struct setting s;
	char room[sizeof(struct setting) + sizeof(struct cpumask)];
};

static void fill(union one *u, struct input *in)
{
	memset(u, 0, sizeof(*u));
	u->s.flags = take(in) & 3;
	u->s.mems.bits[0] = take_number(in, 2);
	setting_cpus(&u->s)->bits[0] = take_number(in, 2);
}

static bool has_cpu(const struct setting *s, int nr)
{
	return setting_cpus_const(s)->bits[0] >> nr & 1;
}

static bool has_node(const struct setting *s, int nr)
{
	return s->mems.bits[0] >> nr & 1;
}

static void check_rules(const struct setting *a, const struct setting *b)
{
	bool within = true, cpus_meet = false, nodes_meet = false;
	int i, cpus[2] = { 0 }, nodes[2] = { 0 };

	for (i = 0; i < BITS; i++) {
		within &= !has_cpu(a, i) || has_cpu(b, i);
		within &= !has_node(a, i) || has_node(b, i);
		cpus_meet |= has_cpu(a, i) && has_cpu(b, i);
		nodes_meet |= has_node(a, i) && has_node(b, i);
		cpus[0] += has_cpu(a, i);
		cpus[1] += has_cpu(b, i);
		nodes[0] += has_node(a, i);
		nodes[1] += has_node(b, i);
	}
	for (i = 0; i < 2; i++)
		within &= !(a->flags >> i & 1) || (b->flags >> i & 1);
	assert(setting_within(a, b) == within);
	assert(settings_collide(a, b) ==
	       ((((a->flags | b->flags) & BIT(SETTING_CPU_EXCLUSIVE)) && cpus_meet) ||
		(((a->flags | b->flags) & BIT(SETTING_MEM_EXCLUSIVE)) && nodes_meet)));
	assert(settings_collide(a, b) == settings_collide(b, a));
	assert(setting_lacks(a) == (!cpus[0] || !nodes[0]));
	assert(setting_empties(a, b) == ((cpus[0] && !cpus[1]) || (nodes[0] && !nodes[1])));
}

static void check_meter(struct input *in)
{
	struct fmeter fm = { 0 };
	int rate, before = 0, events, n;
	s64 now = 0;

	while (in->left) {
		unsigned int what = take(in);

		now += what & 1 ? take_number(in, 5) : take(in);
		for (n = what & 2 ? take(in) * 8 : 0; n; n--)
			fmeter_event(&fm, now);
		events = fm.events;
		rate = fmeter_rate(&fm, now);
		assert(rate >= 0 && rate <= FMETER_MOST);
		assert(rate <= before || what & 2 || events);
		assert(fmeter_rate(&fm, now) == rate);
		before = rate;
	}
	fmeter_rate(&fm, now + 1);
	assert(fmeter_rate(&fm, now + 1 + FMETER_FORGET) <= FMETER_MOST / 950);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	union one a, b;

	fill(&a, &in);
	fill(&b, &in);
	check_rules(&a.s, &b.s);
	check_rules(&a.s, &a.s);
	check_meter(&in);
	return 0;
}
