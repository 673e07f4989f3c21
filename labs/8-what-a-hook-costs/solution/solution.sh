#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Lab 8: what a hook costs. The check calls each function in a shell of its own, as root, when no
# module is loaded and nothing is mounted. BASE is what a fork costs then. Each prints how many
# instructions more it costs in another state, a number alone, and need not clean up.

# added BASE: this one is done for you.
added() {
	echo $(($(cost) - $1))
}

# loaded BASE: container_cpuacct is loaded, and nothing is mounted.
loaded() {
	# LAB: begin
	modprobe container_cpuacct
	added "$1"
	# LAB: instead
	# echo "loaded: not written yet"
	# LAB: end
}

# root BASE: cpuacct is mounted at /mnt, and the forking task is in the root container.
root() {
	# LAB: begin
	mount -t container -o cpuacct lab /mnt
	added "$1"
	# LAB: instead
	# echo "root: not written yet"
	# LAB: end
}

# member BASE: the same, but it is in a container below the root.
member() {
	# LAB: begin
	mount -t container -o cpuacct lab /mnt
	mkdir /mnt/home
	echo 0 >/mnt/home/tasks
	added "$1"
	# LAB: instead
	# echo "member: not written yet"
	# LAB: end
}

# limited BASE: the same, and numtasks and bc are mounted with cpuacct, in one hierarchy.
limited() {
	# LAB: begin
	mount -t container -o cpuacct,numtasks,bc lab /mnt
	mkdir /mnt/home
	echo 0 >/mnt/home/tasks
	added "$1"
	# LAB: instead
	# echo "limited: not written yet"
	# LAB: end
}

# deep BASE: the same with bc alone, and it is in the lowest of ten containers, each in the next.
deep() {
	# LAB: begin
	mount -t container -o bc lab /mnt
	dir=/mnt
	for level in 1 2 3 4 5 6 7 8 9 10; do
		dir=$dir/$level
		mkdir $dir
	done
	echo 0 >$dir/tasks
	added "$1"
	# LAB: instead
	# echo "deep: not written yet"
	# LAB: end
}
