// SPDX-License-Identifier: GPL-2.0
/* What container_trace.h declares is made here. */
#define CREATE_TRACE_POINTS
#include "container_trace.h"
