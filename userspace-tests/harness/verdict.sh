# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests that run on this machine, and the last line of a run.

# check DESCRIPTION COMMAND...: a test that runs on the host; what the command
# says is shown when it fails.  The counts are added by check_end.
CHECKS=0 CHECKS_FAILED=0
check() {
	local what=$1
	shift
	CHECKS=$((CHECKS + 1))
	if "$@" >"$WORK/check.out" 2>&1; then
		echo "${0##*/}: ok $CHECKS - $what"
	else
		echo "${0##*/}: not ok $CHECKS - $what"
		sed 's/^/    /' "$WORK/check.out" | tail -n 60
		CHECKS_FAILED=$((CHECKS_FAILED + 1))
		return 1
	fi
}

check_end() {
	echo "$((CHECKS - CHECKS_FAILED)) $CHECKS_FAILED 0 ${0##*/}" >>"$RESULTS"
}

# finish: the last line of a run, from $RESULTS; the status is its verdict.
finish() {
	awk '{ passed += $1; failed += $2; skipped += $3 }
	END {
		if (skipped) printf "%d skipped\n", skipped
		printf "%d passed, %d failed\n", passed, failed
		exit failed > 0 || passed == 0
	}' "$RESULTS"
}

# Several scripts may add to one file; alone, each has its own.
RESULTS=${RESULTS:-$WORK/results}
: >>"$RESULTS"
