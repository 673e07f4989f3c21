#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Lab 4: whose CPU time is it? Each task is in a container of its user and in one of its job. The
# check calls each function in a shell of its own, as root.

# mount_both USERS JOBS: mounts a hierarchy with cpuacct alone at USERS, and another one, with
# cputime alone, at JOBS.
mount_both() {
	# LAB: begin
	mount -t container -o cpuacct users "$1"
	mount -t container -o cputime jobs "$2"
	# LAB: instead
	# echo "mount_both: not written yet"
	# LAB: end
}

# make_them USERS JOBS: makes containers for the users "alice" and "bob", and for the jobs "build"
# and "test".
make_them() {
	# LAB: begin
	mkdir "$1/alice" "$1/bob" "$2/build" "$2/test"
	# LAB: instead
	# echo "make_them: not written yet"
	# LAB: end
}

# start USERS JOBS USER JOB COMMAND...: runs a command that is in the containers of USER and JOB
# from its first instruction.
start() {
	# LAB: begin
	echo 0 >"$1/$3/tasks"
	echo 0 >"$2/$4/tasks"
	shift 4
	"$@"
	# LAB: instead
	# echo "start: not written yet"
	# LAB: end
}

# bill_users USERS: prints a line for each user, by name: "alice 1200", where the number is
# milliseconds of CPU time. There may be other users than alice and bob.
bill_users() {
	# LAB: begin
	for user in "$1"/*/; do
		echo "$(basename "$user") $(cat "$user/cpuacct.usage")"
	done
	# LAB: instead
	# echo "bill_users: not written yet"
	# LAB: end
}

# bill_jobs JOBS: the same for each job.
bill_jobs() {
	# LAB: begin
	for job in "$1"/*/; do
		echo "$(basename "$job") $(cat "$job/cputime.ms")"
	done
	# LAB: instead
	# echo "bill_jobs: not written yet"
	# LAB: end
}

# scheduler PID: prints how many milliseconds the scheduler has charged to the threads of process
# PID that are there now, together. /proc/PID/task/TID/schedstat begins with nanoseconds.
scheduler() {
	# LAB: begin
	cat "/proc/$1/task"/*/schedstat | awk '{ ns += $1 } END { printf "%.0f\n", ns / 1000000 }'
	# LAB: instead
	# echo "scheduler: not written yet"
	# LAB: end
}

# paid USERS USER: this user has paid, and his account begins anew; those of others go on.
paid() {
	# LAB: begin
	echo 0 >"$1/$2/cpuacct.usage"
	# LAB: instead
	# echo "paid: not written yet"
	# LAB: end
}
