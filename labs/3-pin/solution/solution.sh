#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Lab 3: pin a workload. A hierarchy with the subsystem cpuset is mounted at DIR. The check calls
# each function in a shell of its own, as root.

# make_set DIR: makes a container "pinned", with CPU 1 and memory node 0.
make_set() {
	# LAB: begin
	mkdir "$1/pinned"
	echo 1 >"$1/pinned/cpuset.cpus"
	echo 0 >"$1/pinned/cpuset.mems"
	# LAB: instead
	# echo "make_set: not written yet"
	# LAB: end
}

# pin DIR PID: moves the process PID into "pinned", with all its threads.
pin() {
	# LAB: begin
	echo "$2" >"$1/pinned/procs"
	# LAB: instead
	# echo "pin: not written yet"
	# LAB: end
}

# who_runs_where PID: prints for each thread of PID its number and the list of CPUs that it may
# use, as in "123 0-1", a line each, ascending.
who_runs_where() {
	# LAB: begin
	for thread in "/proc/$1/task"/*; do
		echo "${thread##*/} $(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "$thread/status")"
	done | sort -n
	# LAB: instead
	# echo "who_runs_where: not written yet"
	# LAB: end
}

# no_room DIR: makes a container "strange", so that whoever moves a process there gets ENOSPC,
# "No space left on device".
no_room() {
	# LAB: begin
	mkdir "$1/strange"
	# LAB: instead
	# echo "no_room: not written yet"
	# LAB: end
}

# cure DIR: gives "strange", which is there, what it lacks: the CPUs and the nodes of its parent.
cure() {
	# LAB: begin
	cat "$1/cpuset.cpus" >"$1/strange/cpuset.cpus"
	cat "$1/cpuset.mems" >"$1/strange/cpuset.mems"
	# LAB: instead
	# echo "cure: not written yet"
	# LAB: end
}

# prevent DIR: makes a container "fine", and has the kernel give it the CPUs and nodes of its
# parent: there is a flag for that.
prevent() {
	# LAB: begin
	echo 1 >"$1/clone_children"
	mkdir "$1/fine"
	# LAB: instead
	# echo "prevent: not written yet"
	# LAB: end
}

# unpin DIR PID: takes PID, with all its threads, back to the root, and removes "pinned".
unpin() {
	# LAB: begin
	echo "$2" >"$1/procs"
	rmdir "$1/pinned"
	# LAB: instead
	# echo "unpin: not written yet"
	# LAB: end
}
