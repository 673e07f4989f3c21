/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which subsystems are called for a task at fork and exit, and the calls themselves.
 *
 * Each event has an array of the subsystems to call. All arrays are published together, under
 * RCU, with a number, the generation, which goes up when a subsystem begins to be called. A
 * subsystem keeps the generation in which it began; the entry of a task keeps the generation up
 * to which all subsystems know the task. So one comparison tells whether a subsystem knows a
 * task. If it does not, it adopts the task: see member_adopt().
 */
#ifndef _CALLBACKS_H
#define _CALLBACKS_H

#include "membership.h"

/**
 * struct calls - the subsystems to call at each event; NULL ends an array
 * @generation: how many subsystems have begun to be called so far
 * @all: subsystems that have to know every task: see wants_all()
 * @can_fork: subsystems with can_fork()
 * @fork: subsystems with fork()
 * @exit: subsystems with exit()
 * @exited: subsystems with exited()
 */
struct calls {
	unsigned long generation;
	struct container_subsys *all[MAX_CONTAINER_SUBSYS + 1];
	struct container_subsys *can_fork[MAX_CONTAINER_SUBSYS + 1];
	struct container_subsys *fork[MAX_CONTAINER_SUBSYS + 1];
	struct container_subsys *exit[MAX_CONTAINER_SUBSYS + 1];
	struct container_subsys *exited[MAX_CONTAINER_SUBSYS + 1];
};

/* Replaced under the lock on bindings. */
extern struct calls __rcu *current_calls;

/* The current arrays. They stay while the caller has preemption disabled. */
static inline const struct calls *calls_now(void)
{
	return rcu_dereference_sched(current_calls);
}

/* Walks over an array. */
#define for_each_call(p, ss, array) \
	for ((p) = (array); ((ss) = *(p)); (p)++)

/* The data that a subsystem keeps for a task. */
static inline void *data_for(struct member *m, const struct container_subsys *ss)
{
	return (void *)m->data + ss->task_offset;
}

/*
 * The container of a task in a subsystem's hierarchy; NULL if it is the root and the subsystem
 * has CONTAINER_MEMBERS. The place in hierarchy 0, that of unbound subsystems, is always empty.
 */
static inline struct container *container_for(const struct member *m, struct container_subsys *ss)
{
	return m->in[ss->hierarchy].cont ?:
		ss->scope == CONTAINER_MEMBERS ? NULL : container_subsys_root(ss);
}

/* Does a subsystem know a task? One with CONTAINER_MEMBERS has nothing to learn of it. */
static inline bool knows(const struct container_subsys *ss, const struct member *m)
{
	return ss->scope == CONTAINER_MEMBERS || ss->since <= m->known;
}

void member_uncharge(struct member *m, const struct calls *calls,
		     struct container_subsys *const *end);

/* Calls cancel_fork() of all subsystems that have agreed to a fork, which has failed. */
static inline void member_cancel(struct member *m)
{
	member_uncharge(m, calls_now(), NULL);
}

/* Asks the subsystems whether a child may start. */
static __always_inline int member_can_fork(struct member *m, struct member *parent,
					   const struct calls *calls)
{
	struct container_subsys *const *p, *ss;
	struct container *cont;
	int err;

	for_each_call(p, ss, calls->can_fork) {
		cont = container_for(m, ss);
		if (!cont)
			continue;
		err = ss->can_fork(ss, cont, m->task, data_for(m, ss), data_for(parent, ss));
		if (unlikely(err)) {
			member_uncharge(m, calls, p);
			return callback_errno(err, ss->name);
		}
	}
	return 0;
}

/* Has the subsystems that do not know a task adopt it. The entry's lock is held. */
static inline void member_adopt(struct member *m)
{
	const struct calls *calls = calls_now();
	struct container_subsys *const *p, *ss;

	if (likely(m->known >= calls->generation))
		return;
	for_each_call(p, ss, calls->all) {
		if (knows(ss, m))
			continue;
		if (ss->adopt)
			ss->adopt(ss, container_for(m, ss), m->task, data_for(m, ss));
		else if (ss->fork)
			ss->fork(ss, container_for(m, ss), m->task, data_for(m, ss));
	}
	m->known = calls->generation;
}

/* Calls fork() for a complete child, once. The entry's lock is held. */
static inline void member_born(struct member *m)
{
	struct container_subsys *const *p, *ss;
	struct container *cont;

	for_each_call(p, ss, calls_now()->fork) {
		/* a subsystem that began to be called during this fork adopts the child below */
		if (ss->since > m->charged && ss->scope != CONTAINER_MEMBERS)
			continue;
		cont = container_for(m, ss);
		if (cont)
			ss->fork(ss, cont, m->task, data_for(m, ss));
	}
	member_adopt(m);
}

/* Calls exit(), while the task is in its containers. The entry's lock is held. */
static inline void member_exit(struct member *m)
{
	struct container_subsys *const *p, *ss;
	struct container *cont;

	for_each_call(p, ss, calls_now()->exit) {
		cont = container_for(m, ss);
		if (cont && knows(ss, m))
			ss->exit(ss, cont, m->task, data_for(m, ss));
	}
}

/* Calls exited(), after the task has left its containers. The entry's lock is held. */
static inline void member_exited(struct member *m)
{
	struct container_subsys *const *p, *ss;

	for_each_call(p, ss, calls_now()->exited)
		if (knows(ss, m))
			ss->exited(ss, m->task, data_for(m, ss));
}

#endif /* _CALLBACKS_H */
