#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Lab 2: a fork bomb. A hierarchy with the subsystem numtasks is mounted at DIR. The check calls
# each function in a shell of its own, as root.

# prepare DIR: makes a container "bomb", in which there can be 50 tasks and not one more.
prepare() {
	# LAB: begin
	echo 1000 >/sys/module/container_numtasks/parameters/total_numtasks
	mkdir "$1/bomb"
	echo max_shares=5 >"$1/bomb/numtasks.shares"
	# LAB: instead
	# echo "prepare: not written yet"
	# LAB: end
}

# run_in DIR COMMAND...: runs a command that is in "bomb" from its first instruction.
run_in() {
	# LAB: begin
	echo 0 >"$1/bomb/tasks"
	shift
	"$@"
	# LAB: instead
	# echo "run_in: not written yet"
	# LAB: end
}

# refused DIR: prints how many forks of members of "bomb" have failed, a number alone.
refused() {
	# LAB: begin
	sed -n 's/.*Number of failures //p' "$1/bomb/numtasks.stats"
	# LAB: instead
	# echo "refused: not written yet"
	# LAB: end
}

# stop_it DIR: ends all that runs in "bomb", and nothing else, and removes it.
stop_it() {
	# LAB: begin
	echo 1 >"$1/bomb/kill_on_rmdir"
	rmdir "$1/bomb"
	# LAB: instead
	# echo "stop_it: not written yet"
	# LAB: end
}

# slow_down N: from now on each container can fork N times in two seconds.
slow_down() {
	# LAB: begin
	echo 2 >/sys/module/container_numtasks/parameters/forkrate_interval
	echo "$1" >/sys/module/container_numtasks/parameters/forkrate
	# LAB: instead
	# echo "slow_down: not written yet"
	# LAB: end
}
