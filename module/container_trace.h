/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tracepoints in /sys/kernel/tracing/events/container. While a tracepoint is off, it costs
 * one no-op instruction.
 *
 * An event identifies a container by the number of its hierarchy and the inode number of its
 * directory (ls -di), since names may be reused. As in the log, the path has only the last four
 * names: the whole path would take locks, and some of these events happen in a fork. The caller
 * keeps the container readable (by a lock, a reference, or RCU).
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM container

#if !defined(_CONTAINER_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _CONTAINER_TRACE_H

#include <linux/sched.h>
#include <linux/tracepoint.h>

#include "core.h"

/*
 * The fields of all events about containers: the container and the task. If the path grows between
 * the two calls of container_path_of(), it is truncated.
 */
#define container_path_of(cont, buf, size) \
	snprintf(buf, size, "%pd4", READ_ONCE((cont)->dentry))

#define container_fields						\
	__field(int, hierarchy)						\
	__field(u64, id)						\
	__dynamic_array(char, path, 1 + container_path_of(cont, NULL, 0)) \
	__field(pid_t, pid)						\
	__array(char, comm, TASK_COMM_LEN)

#define container_assign(cont, task) do {				\
	__entry->hierarchy = (cont)->hierarchy;				\
	__entry->id = container_id(cont);				\
	container_path_of(cont, __get_dynamic_array(path), __get_dynamic_array_len(path)); \
	__entry->pid = task_pid_nr(task);				\
	memcpy(__entry->comm, (task)->comm, TASK_COMM_LEN);		\
} while (0)

#define CONTAINER_FORMAT "hierarchy=%d id=%llu path=%s pid=%d comm=%s"
#define CONTAINER_VALUES						\
	__entry->hierarchy, __entry->id, __get_str(path), __entry->pid, __entry->comm

/* pid and comm are the current task's. In a release, that is the last task to leave. */
DECLARE_EVENT_CLASS(container_event,
		    TP_PROTO(const struct container *cont),
		    TP_ARGS(cont),
		    TP_STRUCT__entry(container_fields),
		    TP_fast_assign(container_assign(cont, current);),
		    TP_printk(CONTAINER_FORMAT, CONTAINER_VALUES));

/* A container was created and can be entered. */
DEFINE_EVENT(container_event, mkdir,
	     TP_PROTO(const struct container *cont),
	     TP_ARGS(cont));

/* A container without members and children is about to be removed. */
DEFINE_EVENT(container_event, rmdir,
	     TP_PROTO(const struct container *cont),
	     TP_ARGS(cont));

/* A container has lost its last member or its last child and has neither now. */
DEFINE_EVENT(container_event, release,
	     TP_PROTO(const struct container *cont),
	     TP_ARGS(cont));

/* The task with this pid and comm has moved into the container from another one. */
TRACE_EVENT(attach,
	    TP_PROTO(const struct container *cont, const struct container *from,
		     struct task_struct *task),
	    TP_ARGS(cont, from, task),
	    TP_STRUCT__entry(container_fields
			     __field(u64, from)),
	    TP_fast_assign(container_assign(cont, task);
			   __entry->from = container_id(from);),
	    TP_printk(CONTAINER_FORMAT " from=%llu", CONTAINER_VALUES, __entry->from));

/* A limit of the container has refused something to the current task, which is in it or below. */
DECLARE_EVENT_CLASS(container_refusal,
		    TP_PROTO(const struct container *cont, const char *limit),
		    TP_ARGS(cont, limit),
		    TP_STRUCT__entry(container_fields
				     __array(char, limit, MAX_CONTAINER_TYPE_NAMELEN)),
		    TP_fast_assign(container_assign(cont, current);
				   strscpy(__entry->limit, limit, MAX_CONTAINER_TYPE_NAMELEN);),
		    TP_printk(CONTAINER_FORMAT " limit=%s", CONTAINER_VALUES, __entry->limit));

DEFINE_EVENT(container_refusal, fork_refused,
	     TP_PROTO(const struct container *cont, const char *limit),
	     TP_ARGS(cont, limit));

DEFINE_EVENT(container_refusal, charge_failed,
	     TP_PROTO(const struct container *cont, const char *limit),
	     TP_ARGS(cont, limit));

/* A hook on a kernel function was armed or disarmed. */
TRACE_EVENT(hook,
	    TP_PROTO(const char *function, bool armed),
	    TP_ARGS(function, armed),
	    TP_STRUCT__entry(__array(char, function, 64)
			     __field(bool, armed)),
	    TP_fast_assign(strscpy(__entry->function, function, 64);
			   __entry->armed = armed;),
	    TP_printk("function=%s armed=%d", __entry->function, __entry->armed));

#endif /* _CONTAINER_TRACE_H */

/* The header is in the directory of this file; module/Kbuild tells the compiler. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE container_trace
#include <trace/define_trace.h>
