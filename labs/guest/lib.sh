# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
#
# What the checks of the labs share; each sources it, in the guest. LAB is the directory of the
# lab, WORK that of the submission, T the one point that is asked for, or nothing.
#
# A point is one line "ok" or "not ok". Each is judged by itself: where a step of the submission
# has not done its part, the check does it, so that one mistake costs one point.

# shellcheck source=answers.sh
. "$LABS/guest/answers.sh"

SAID=/tmp/said
POINTS=0
: >$SAID

# plan POINT...: what can be had. A check that ends early has lost the rest.
plan() {
	if [ -n "$T" ]; then
		echo 1..1
	else
		echo "1..$#"
	fi
}

# point NAME SENTENCE COMMAND...: earned if the command is true.
point() {
	point_name=$1 sentence=$2
	shift 2
	[ -z "$T" ] || [ "$T" = "$point_name" ] || return 0
	POINTS=$((POINTS + 1))
	if "$@" >/tmp/point 2>&1; then
		echo "ok $POINTS - $point_name: $sentence"
	else
		echo "not ok $POINTS - $point_name: $sentence"
		# what the step has printed, and what the comparison says
		awk '{ print "# " $0 }' $SAID /tmp/point | head -n 20
	fi
}

# answers QUESTION...: a point each, "q1" for question 1.
answers() {
	: >$SAID
	for question; do
		point "q$question" "the answer to question $question" answered "$question"
	done
}

answered() {
	answer=$(sed -n "s/^$1://p" "$WORK/answers.txt" | head -n 1)
	case $answer in
	*[![:space:]]*) grep -qx "$1 $(answer_sum "${LAB##*/}" "$1" "$answer")" "$LAB/answers.sum" ;;
	*) echo "there is no answer" && return 1 ;;
	esac
}

now() { sed 's/ .*//; s/\.//' /proc/uptime; }

# How slow this machine is: 1 on a fast one. Measured once, when the guest has booted.
pace() {
	if [ ! -s /run/pace ]; then
		begin=$(now)
		for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
			/bin/busybox true "$i"
		done
		echo $((1 + ($(now) - begin) / 10)) >/run/pace
	fi
	cat /run/pace
}

# step FUNCTION ARGUMENT...: calls a function of the submission's solution.sh in a shell of its
# own. What it prints is kept. It may take ten seconds, more on a slow machine.
step() {
	# shellcheck disable=SC2016 # expanded inside
	timeout -s KILL $((10 * $(pace))) sh -c '. "$0" && "$@"' "$WORK/solution.sh" "$@" \
		>$SAID 2>&1 </dev/null
}

# wait_until COMMAND...: for ten seconds, more on a slow machine.
wait_until() {
	end=$(($(now) + 1000 * $(pace)))
	until "$@" >/dev/null 2>&1; do
		[ "$(now)" -lt $end ] || return 1
		usleep 50000
	done
}

# empty FILE: the size of a control file says nothing.
empty() { [ -z "$(cat "$1")" ]; }

# printed TEXT: the step has printed exactly that.
printed() {
	[ "$(cat $SAID)" = "$1" ] || { echo "expected: $1"; return 1; }
}

# is_in PID LINE: /proc/PID/container has that line, as in "cpuacct:/jobs".
is_in() {
	grep -qx "$2" "/proc/$1/container" || { cat "/proc/$1/container"; return 1; }
}

# sleeper: starts a process that does nothing, and says its number in $SLEEPER. It is not the
# caller's child, which would be told when it ends.
sleeper() {
	# shellcheck disable=SC2034 # the checks use it
	SLEEPER=$(sleep 1000 >/dev/null 2>&1 & echo $!)
}

# alive PID...: none of them has ended.
alive() {
	for pid; do
		grep -q '^State:.*[^Z ] (' "/proc/$pid/status" || { echo "$pid has ended"; return 1; }
	done
}

# A program that looks where it is, and where a child of it is.
cat >/tmp/probe <<'END'
cat /proc/$$/container /proc/self/container >/tmp/probed
END

# probed LINE: the probe was run, and both were there.
probed() {
	[ "$(cat /tmp/probed)" = "$(printf '%s\n%s' "$1" "$1")" ] || { cat /tmp/probed; return 1; }
}

# mounted_alone DIR SUBSYSTEM: there is a hierarchy with that subsystem and no other at DIR.
mounted_alone() {
	awk -v dir="$1" '$2 == dir && $3 == "container" { found = 1 } END { exit !found }' \
		/proc/mounts && is_in self "$2:/"
}

# mount_alone DIR SUBSYSTEM: unless it is there.
mount_alone() {
	mounted_alone "$@" >/dev/null && return
	umount "$1" 2>/dev/null
	mount -t container -o "$2" lab "$1" && return
	echo "Bail out! the check cannot mount $2"
	exit 1
}
