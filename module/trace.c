// SPDX-License-Identifier: GPL-2.0
/* Defines the tracepoints of container_trace.h. */
#define CREATE_TRACE_POINTS
#include "container_trace.h"
