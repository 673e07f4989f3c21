/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzzed files take from the kernel, for a program of one thread in user space. It is
 * included before all else; a header of the kernel that user space does not have is empty.
 */
#ifndef FUZZ_KERNEL_H
#define FUZZ_KERNEL_H

#define _GNU_SOURCE
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;
typedef unsigned short umode_t;
typedef struct { unsigned int val; } kuid_t, kgid_t;
typedef unsigned int gfp_t;

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif
#define USER_HZ 100
#define NSEC_PER_USEC 1000L
#define NSEC_PER_SEC 1000000000L

/* --- the compiler --- */

#define likely(x) (x)
#define unlikely(x) (x)
#undef __always_inline
#define __always_inline inline
#define noinline __attribute__((noinline, unused))
#define __printf(text, first) __attribute__((format(printf, text, first)))
#define EXPORT_SYMBOL_GPL(name) static_assert(sizeof(&(name)), #name)

#define READ_ONCE(x) (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile typeof(x) *)&(x) = (value))
#define smp_mb() ((void)0)
#define smp_mb__after_atomic() ((void)0)

/* What the kernel would complain of ends the program. */
#define WARN_ON_ONCE(x) ({ bool wrong_ = (x); assert(!wrong_); wrong_; })

#define BIT(nr) (1UL << (nr))
#define min(a, b) ({ typeof(a) a_ = (a); typeof(b) b_ = (b); a_ < b_ ? a_ : b_; })
#define max(a, b) ({ typeof(a) a_ = (a); typeof(b) b_ = (b); a_ > b_ ? a_ : b_; })
#define min_t(type, a, b) min((type)(a), (type)(b))
#define clamp(x, low, high) min(max(x, low), high)

/* --- numbers and text --- */

static inline u64 div_u64(u64 a, u32 b) { return a / b; }
static inline u64 div64_u64(u64 a, u64 b) { return a / b; }

static inline u64 mul_u64_u64_div_u64(u64 a, u64 b, u64 c)
{
	return (unsigned __int128)a * b / c;
}

#define GFP_KERNEL 0
static inline char *kstrdup(const char *s, gfp_t gfp)
{
	(void)gfp;
	return strdup(s);
}

#define kfree free

static inline int vscnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	(void)fmt;
	(void)args;
	/* the kernel's own formats are not those of user space */
	return snprintf(buf, size, "refused");
}

/* Digits that fit, as it is called here. */
static inline int kstrtoint(const char *s, unsigned int base, int *value)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(s, &end, base);
	if (end == s || *end || errno || v < INT_MIN || v > INT_MAX)
		return -EINVAL;
	*value = v;
	return 0;
}

/* --- atomic numbers --- */

typedef struct { int counter; } atomic_t;
typedef struct { s64 counter; } atomic64_t;
typedef struct { long counter; } atomic_long_t;

#define ATOMIC(prefix, type)								\
static inline type prefix##_read(const prefix##_t *v) { return v->counter; }		\
static inline void prefix##_set(prefix##_t *v, type n) { v->counter = n; }		\
static inline void prefix##_add(type n, prefix##_t *v) { v->counter += n; }		\
static inline void prefix##_inc(prefix##_t *v) { v->counter++; }			\
static inline void prefix##_dec(prefix##_t *v) { v->counter--; }			\
static inline type prefix##_add_return(type n, prefix##_t *v) { return v->counter += n; }	\
static inline type prefix##_sub_return(type n, prefix##_t *v) { return v->counter -= n; }	\
static inline type prefix##_inc_return(prefix##_t *v) { return ++v->counter; }		\
static inline type prefix##_fetch_dec(prefix##_t *v) { return v->counter--; }

ATOMIC(atomic, int)
ATOMIC(atomic64, s64)
ATOMIC(atomic_long, long)

/* One thread never finds that another was faster. */
#define atomic_try_cmpxchg(v, old, new) (assert((v)->counter == *(old)), (v)->counter = (new), true)
#define atomic64_try_cmpxchg(v, old, new) \
	(assert((u64)(v)->counter == (u64)*(old)), (v)->counter = (new), true)
#define atomic_long_try_cmpxchg(v, old, new) \
	(assert((v)->counter == *(old)), (v)->counter = (new), true)

static inline bool atomic_inc_unless_negative(atomic_t *v)
{
	return v->counter >= 0 ? (v->counter++, true) : false;
}

/* --- lists --- */

struct list_head {
	struct list_head *next, *prev;
};

#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define list_entry container_of

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->next = list->prev = list;
}

static inline void list_add_tail(struct list_head *new, struct list_head *head)
{
	new->next = head;
	new->prev = head->prev;
	head->prev->next = new;
	head->prev = new;
}

static inline void list_del_init(struct list_head *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
	INIT_LIST_HEAD(entry);
}

static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}

static inline bool list_is_last(const struct list_head *entry, const struct list_head *head)
{
	return entry->next == head;
}

#define list_first_entry(head, type, member) list_entry((head)->next, type, member)
#define list_next_entry(pos, member) list_entry((pos)->member.next, typeof(*(pos)), member)
#define list_for_each_entry(pos, head, member)						\
	for (pos = list_first_entry(head, typeof(*pos), member); &pos->member != (head);	\
	     pos = list_next_entry(pos, member))

/* --- sets of CPUs and nodes: what rules.h does with them --- */

struct cpumask { unsigned long bits[1]; };
typedef struct { unsigned long bits[1]; } nodemask_t;

#define cpumask_size() sizeof(struct cpumask)
#define to_cpumask(words) ((struct cpumask *)(words))
#define cpumask_subset(a, b) (!((a)->bits[0] & ~(b)->bits[0]))
#define cpumask_intersects(a, b) ((a)->bits[0] & (b)->bits[0])
#define cpumask_empty(a) (!(a)->bits[0])
#define cpumask_clear(a) ((void)((a)->bits[0] = 0))
#define nodes_subset(a, b) (!((a).bits[0] & ~(b).bits[0]))
#define nodes_intersects(a, b) ((a).bits[0] & (b).bits[0])
#define nodes_empty(a) (!(a).bits[0])
#define nodes_clear(a) ((void)((a).bits[0] = 0))

/* The kernel's own parsers, which are not tried here. */
int cpulist_parse(const char *s, struct cpumask *cpus);
int nodelist_parse(const char *s, nodemask_t mems);

/* --- structures that are only named or embedded in container.h --- */

#define __rcu
struct hlist_head { void *unused; };
struct rcu_head { void *unused; };
typedef struct { int unused; } refcount_t, spinlock_t, wait_queue_head_t;
struct work_struct { int unused; };
struct module;
struct seq_file;
struct task_struct;

static inline bool test_bit(int nr, const unsigned long *word)
{
	return *word >> nr & 1;
}

#endif /* FUZZ_KERNEL_H */
