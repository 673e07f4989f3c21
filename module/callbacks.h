/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which subsystems are called for a task, and the calls themselves: fork and exit make
 * them, and so does whoever adopts tasks that were there before.
 */
#ifndef _CALLBACKS_H
#define _CALLBACKS_H

#include "membership.h"

/*
 * Which subsystems have to be called where, so that a hook need not ask each.
 * Written under the manage lock. A hook that sees a new bit late misses nothing:
 * membership_adopt() walks over all tasks after setting it.
 */
extern struct calls {
	DECLARE_BITMAP(all, MAX_CONTAINER_SUBSYS);	/* not CONTAINER_MEMBERS */
	DECLARE_BITMAP(some, MAX_CONTAINER_SUBSYS);	/* CONTAINER_MEMBERS */
	DECLARE_BITMAP(asked, MAX_CONTAINER_SUBSYS);	/* know whom can_fork() agreed to */
	DECLARE_BITMAP(can_fork, MAX_CONTAINER_SUBSYS);
	DECLARE_BITMAP(fork, MAX_CONTAINER_SUBSYS);	/* fork() or adopt(), or in all */
	DECLARE_BITMAP(exit, MAX_CONTAINER_SUBSYS);
	DECLARE_BITMAP(exited, MAX_CONTAINER_SUBSYS);	/* in all, too */
} calls;

/* Walks over the words of a set of subsystems, by their numbers. */
#define for_each_word(i) \
	for ((i) = 0; (i) < BITS_TO_LONGS(MAX_CONTAINER_SUBSYS); (i)++)

/*
 * Walks over the subsystems of a word of them, in fewer steps than for_each_set_bit().
 * Who is to be called stays until a grace period after it is not. Not written as an
 * index, which kernels with UBSAN would check each time.
 */
#define for_each_call(i, bits, ss, word)						\
	for ((bits) = (word);								\
	     (bits) && ((ss) = *(subsystems + (i) * BITS_PER_LONG + __ffs(bits)), true);	\
	     (bits) &= (bits) - 1)

/* What a subsystem keeps for a task. */
static inline void *data_for(struct member *m, const struct container_subsys *ss)
{
	return (void *)m->data + ss->task_offset;
}

/*
 * A subsystem's container of a task; NULL if the task is at its root, where those
 * with CONTAINER_MEMBERS do not care. A place of hierarchy 0 is always empty.
 */
static inline struct container *container_for(const struct member *m, struct container_subsys *ss)
{
	return m->in[ss->hierarchy].cont ?:
		ss->scope == CONTAINER_MEMBERS ? NULL : container_subsys_root(ss);
}

static inline void member_cancel(struct member *m)
{
	struct container_subsys *ss;
	unsigned long bits;
	int i;

	for_each_word(i)
		for_each_call(i, bits, ss, READ_ONCE(m->asked[i]))
			if (ss->cancel_fork)
				ss->cancel_fork(ss, container_for(m, ss), m->task,
						data_for(m, ss));
}

/* Marks subsystems in a word of an entry's. Somebody else may be clearing others. */
static inline void member_mark(unsigned long *word, unsigned long subsystems)
{
	if (subsystems)
		atomic_long_or(subsystems, (atomic_long_t *)word);
}

/* Asks the subsystems whether a child may start; who agreed is to be told if not. */
static __always_inline int member_can_fork(struct member *m, struct member *parent)
{
	struct container_subsys *ss;
	unsigned long bits, asked;
	struct container *cont;
	int i, err = 0;

	for_each_word(i) {
		asked = READ_ONCE(calls.can_fork[i]);
		if (!asked)
			continue;
		for_each_call(i, bits, ss, asked) {
			cont = container_for(m, ss);
			if (!cont) {
				asked &= ~(bits & -bits);
				continue;
			}
			err = ss->can_fork(ss, cont, m->task, data_for(m, ss),
					   data_for(parent, ss));
			if (unlikely(err)) {
				err = callback_errno(err, ss->name);
				asked &= (bits & -bits) - 1;
				break;
			}
		}
		member_mark(&m->asked[i], asked);
		member_mark(&m->known[i], asked & READ_ONCE(calls.asked[i]));
		if (unlikely(err))
			return err;
	}
	return 0;
}

/* Tells subsystems of a task, locked, that they do not know: it is new, or they are. */
static inline void member_tell(struct member *m)
{
	struct container_subsys *ss;
	struct container *cont;
	unsigned long bits;
	int i;

	for_each_word(i)
		for_each_call(i, bits, ss, READ_ONCE(calls.fork[i])) {
			cont = container_for(m, ss);
			if (!cont || (ss->scope != CONTAINER_MEMBERS &&
				      test_and_set_bit(ss->subsys_id, m->known)))
				continue;
			if (ss->adopt && !test_bit(ss->subsys_id, m->asked))
				ss->adopt(ss, cont, m->task, data_for(m, ss));
			else if (ss->fork)
				ss->fork(ss, cont, m->task, data_for(m, ss));
		}
}

static inline void member_exit(struct member *m)
{
	struct container_subsys *ss;
	struct container *cont;
	unsigned long bits;
	int i;

	for_each_word(i)
		for_each_call(i, bits, ss, READ_ONCE(calls.exit[i]) &
					   (READ_ONCE(calls.some[i]) | READ_ONCE(m->known[i]))) {
			cont = container_for(m, ss);
			if (cont)
				ss->exit(ss, cont, m->task, data_for(m, ss));
		}
}

static inline void member_exited(struct member *m)
{
	struct container_subsys *ss;
	unsigned long bits;
	int i;

	for_each_word(i)
		for_each_call(i, bits, ss, READ_ONCE(calls.exited[i]) & READ_ONCE(m->known[i]))
			ss->exited(ss, m->task, data_for(m, ss));
}

#endif /* _CALLBACKS_H */
