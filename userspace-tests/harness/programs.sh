# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# The tests: static programs, one of each t_*.c.  A run takes the tests that its patterns
# name: "t_mount", "mount" or "m*"; "t_ns:test_m*" for some cases of a test.

# test_sources [PATTERN...]: the tests that match, as files.
test_sources() {
	local src
	for src in "$TESTS_DIR"/{*,subsys/*}/t_*.c; do
		! wanted "$(basename "$src" .c)" "$@" || echo "$src"
	done
}

# list_tests [PATTERN...]: the names of the tests and of their cases.
list_tests() {
	local src name case
	for src in $(test_sources "$@"); do
		name=$(basename "$src" .c)
		echo "$name"
		sed -n 's/^\t*CASE(\(\w*\)(.*/\1/p' "$src" | awk '!seen[$0]++' | while read -r case; do
			! wanted "$name:$case" "$@" || echo "$name:$case"
		done
	done
}

# wanted NAME [PATTERN...]: NAME is a test, or TEST:CASE.  case_wanted() of lib/tap.c says
# the same in the guest.
wanted() {
	local test=${1%%:*} case=${1#"${1%%:*}"} pattern
	shift
	[ $# -gt 0 ] || return 0
	for pattern; do
		# shellcheck disable=SC2053 # patterns
		if [[ $test == ${pattern%%:*} || $test == t_${pattern%%:*} ]] &&
			[[ $pattern != *:* || -z $case || $case == :${pattern#*:} ]]; then
			return 0
		fi
	done
	return 1
}

# build_programs [PATTERN...]: the tests that match, in $WORK/programs; those that do not
# compile are named in $WORK/broken.
# shellcheck disable=SC2120 # all of them without a pattern
build_programs() {
	local id
	id=guest-$(echo "$TOP" | cksum | cut -d ' ' -f 1)
	locked "build/$id" build_programs_in "$CACHE/build/$id" "$@"
}

build_programs_in() {
	local dir=$1 src prog progs=()
	shift
	for src in $(test_sources "$@"); do
		progs+=("$(basename "$src" .c)")
	done
	mkdir -p "$dir" "$WORK/programs"
	# without a goal make would build them all
	make_programs -C "$dir" -k lib.a "${progs[@]}" >/dev/null 2>&1 || true
	: >"$WORK/broken"
	{
		cat "$dir"/*.o.said
		for prog in "${progs[@]}"; do
			cat "$dir/$prog.said" 2>/dev/null || true
			# This run's own copy: another run may rebuild them meanwhile.
			cp "$dir/$prog" "$WORK/programs/" 2>/dev/null || echo "$prog" >>"$WORK/broken"
		done
	} >"$WORK/programs.said"
	cat "$WORK/programs.said" >&2
}

# make_programs ARGS...: make, with programs.mk
make_programs() {
	make -j"$JOBS" -f "$TESTS_DIR/harness/programs.mk" from="$TESTS_DIR" CC="${CC:-gcc}" "$@"
}

# guest_programs: puts what build_programs has built into the guest.
guest_programs() {
	find "$WORK/programs" -name 't_*' -exec cp {} "$WORK/root/tests/" \;
}
