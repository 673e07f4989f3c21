#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Lab 7: follow a fork. A hierarchy with numtasks is mounted, and the caller is in a container of
# it. The check calls each function in a shell of its own, as root. The files are those of
# /sys/kernel/tracing.

cd /sys/kernel/tracing || exit

# arm FUNCTION...: from now on the function tracer records these functions, and no others. The
# buffer is empty at first.
arm() {
	# LAB: begin
	echo 0 >tracing_on
	echo "$*" >set_ftrace_filter
	echo function >current_tracer
	echo >trace
	echo 1 >tracing_on
	# LAB: instead
	# echo "arm: not written yet"
	# LAB: end
}

# calls COMMAND...: the tracer is armed. Runs a command, and prints which of the functions this
# shell has called meanwhile, and its children: a name on each line, in order. Other tasks fork as
# well: set_ftrace_pid and options/function-fork tell them apart.
calls() {
	# LAB: begin
	echo 0 >tracing_on
	echo 1 >options/function-fork
	echo $$ >set_ftrace_pid
	echo >trace
	echo 1 >tracing_on
	"$@"
	echo 0 >tracing_on
	sed -n 's/.*: \([a-z_0-9]*\) .*<-.*/\1/p' trace
	# LAB: instead
	# echo "calls: not written yet"
	# LAB: end
}

# refused COMMAND...: runs a command, and prints "PATH LIMIT" for each fork that a container's limit
# has refused meanwhile: the event fork_refused of "container" has both.
refused() {
	# LAB: begin
	echo >trace
	echo 1 >events/container/fork_refused/enable
	"$@"
	echo 0 >events/container/fork_refused/enable
	sed -n 's/.*fork_refused:.* path=\([^ ]*\) .*limit=\(.*\)/\1 \2/p' trace
	# LAB: instead
	# echo "refused: not written yet"
	# LAB: end
}

# story COMMAND...: runs a command, and prints, in order, what happened to containers: "mkdir",
# "attach" and "rmdir", each on a line.
story() {
	# LAB: begin
	echo >trace
	for event in mkdir attach rmdir; do
		echo 1 >"events/container/$event/enable"
	done
	"$@"
	echo 0 >events/container/enable
	sed -n 's/.*: \(mkdir\|attach\|rmdir\): .*/\1/p' trace
	# LAB: instead
	# echo "story: not written yet"
	# LAB: end
}

# disarm: no tracer, no filter, no event, and an empty buffer, whatever was before.
disarm() {
	# LAB: begin
	echo nop >current_tracer
	echo >set_ftrace_filter
	echo >set_ftrace_pid
	echo 0 >events/container/enable
	echo >trace
	# LAB: instead
	# echo "disarm: not written yet"
	# LAB: end
}
