// SPDX-License-Identifier: GPL-2.0
/*
 * The arithmetic of cpuacct, beside the same with numbers of 128 bits: the load is a percentage,
 * and user and system time add up and never go back.
 */
#include "fuzz.h"
#include "../subsys/cpuacct/load.h"

typedef unsigned __int128 u128;

/* Beyond 5,000 years of CPU time in one interval, per cent of it would overflow. */
#define MOST_ROOM (5000ULL * 365 * 86400 * 1000000)

static void check_load(struct input *in)
{
	u64 used = take_number(in, 8), elapsed = take_number(in, 8);
	unsigned int cpus = 1 + take_number(in, 2) % 8192, load;
	u128 room = (u128)(elapsed / 1000) * cpus, part = used / 1000;

	if (room > MOST_ROOM)
		return;
	assert(cpuacct_room(elapsed, cpus) == room);
	load = cpuacct_load(used, elapsed, cpus);
	if (part > room)
		part = room;
	assert(load <= 100 && load == (room ? (u64)((part * 200 + room) / (2 * room)) : 0));
}

static void check_split(struct input *in)
{
	u64 used = 0, user = 0, system = 0, utime = 0, stime = 0;

	while (in->left) {
		u64 old_user = user, old_system = system;

		used += take_number(in, 4);
		utime += take_number(in, 3);
		stime += take_number(in, 3);
		cpuacct_split(used, utime, stime, &user, &system);
		assert(user + system == used);
		assert(user >= old_user && system >= old_system);
		/* a tick of neither kind is a part of neither */
		assert(stime || system == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	u64 before = take_number(&in, 8), now = take_number(&in, 8), ticks = take_number(&in, 4);

	assert(cpuacct_follow(before, now, ticks) == (now < before ? ticks : now - before));
	check_load(&in);
	check_split(&in);
	return 0;
}
