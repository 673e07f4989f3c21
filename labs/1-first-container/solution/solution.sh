#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Lab 1: the first container. The check calls each function in a shell of its own, as root.

# mount_it DIR: mounts a hierarchy with the subsystem cpuacct, and no other, at DIR.
mount_it() {
	# LAB: begin
	mount -t container -o cpuacct lab "$1"
	# LAB: instead
	# echo "mount_it: not written yet"
	# LAB: end
}

# make_it DIR: makes a container "jobs", and in it one called "night".
make_it() {
	# LAB: begin
	mkdir "$1/jobs" "$1/jobs/night"
	# LAB: instead
	# echo "make_it: not written yet"
	# LAB: end
}

# move_in DIR PID: moves the process PID into "jobs".
move_in() {
	# LAB: begin
	echo "$2" >"$1/jobs/procs"
	# LAB: instead
	# echo "move_in: not written yet"
	# LAB: end
}

# where_is PID: prints the path of the container that PID is in, such as /jobs, and nothing else.
where_is() {
	# LAB: begin
	sed 's/^[^:]*://' "/proc/$1/container"
	# LAB: instead
	# echo "where_is: not written yet"
	# LAB: end
}

# start_in DIR COMMAND...: runs a command that is in "jobs/night" from its first instruction.
start_in() {
	# LAB: begin
	echo 0 >"$1/jobs/night/tasks"
	shift
	"$@"
	# LAB: instead
	# echo "start_in: not written yet"
	# LAB: end
}

# members DIR: prints the number of each thread in "jobs" or below it, ascending, one a line.
members() {
	# LAB: begin
	cat "$1/jobs/tasks" "$1/jobs/night/tasks" | sort -n
	# LAB: instead
	# echo "members: not written yet"
	# LAB: end
}

# remove_it DIR: removes both containers and unmounts DIR. The members shall live on.
remove_it() {
	# LAB: begin
	cat "$1/jobs/tasks" "$1/jobs/night/tasks" | while read -r tid; do
		echo "$tid" >"$1/tasks"
	done
	rmdir "$1/jobs/night" "$1/jobs" && umount "$1"
	# LAB: instead
	# echo "remove_it: not written yet"
	# LAB: end
}
