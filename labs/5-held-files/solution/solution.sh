#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Lab 5: who holds the files? A hierarchy with the subsystem bc is mounted at DIR. The check calls
# each function in a shell of its own, as root.

# why DIR NAME: prints one word that says why the container NAME cannot be removed: "members",
# "children" or "files".
why() {
	# LAB: begin
	if [ -n "$(cat "$1/$2/tasks")" ]; then
		echo members
	elif [ -n "$(find "$1/$2" -mindepth 1 -type d)" ]; then
		echo children
	elif [ "$(cat "$1/$2/bc.numfiles.held")" -gt 0 ]; then
		echo files
	fi
	# LAB: instead
	# echo "why: not written yet"
	# LAB: end
}

# held DIR: prints how many files are charged to the container "desk", a number alone.
held() {
	# LAB: begin
	cat "$1/desk/bc.numfiles.held"
	# LAB: instead
	# echo "held: not written yet"
	# LAB: end
}

# holders DIR: prints the numbers of the processes that have descriptors of such files, ascending,
# one a line.
holders() {
	# LAB: begin
	sed 's/ .*//' "$1/desk/bc.numfiles.holders" | sort -n
	# LAB: instead
	# echo "holders: not written yet"
	# LAB: end
}

# release DIR: ends those processes and no others, and removes "desk" when no file is charged to it
# any more.
release() {
	# LAB: begin
	holders "$1" | xargs kill
	until [ "$(cat "$1/desk/bc.numfiles.held")" = 0 ]; do
		sleep 0.1
	done
	rmdir "$1/desk"
	# LAB: instead
	# echo "release: not written yet"
	# LAB: end
}

# limit DIR N: no member of "desk" can open more than N files, privileged or not: barrier and limit
# are N. It has to work for more and for less than what is set.
limit() {
	# LAB: begin
	echo 0 >"$1/desk/bc.numfiles.barrier"
	echo "$2" >"$1/desk/bc.numfiles.limit"
	echo "$2" >"$1/desk/bc.numfiles.barrier"
	# LAB: instead
	# echo "limit: not written yet"
	# LAB: end
}

# refused DIR: prints how many times "desk" has refused its members a file, a number alone.
refused() {
	# LAB: begin
	cat "$1/desk/bc.numfiles.failcnt"
	# LAB: instead
	# echo "refused: not written yet"
	# LAB: end
}
