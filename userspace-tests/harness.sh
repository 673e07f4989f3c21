# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What the scripts of this directory share: each sources this file first, and it sources
# the parts in harness/.  A message begins with the name of the script.
#
# Everything that is fetched or built lies in the cache, never in the checkout.

set -euo pipefail
umask 022
export LC_ALL=C
# What an outer make exported is meant for that make alone.
unset MAKEFLAGS MFLAGS MAKELEVEL

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
TESTS_DIR=$TOP/userspace-tests
CACHE=${CONTAINER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/containers}
JOBS=${JOBS:-$(nproc)}
# Build-time settings of the modules, passed on when they are given.
LIMITS=()
for limit in MAX_CONTAINER_SUBSYS MAX_CONTAINER_HIERARCHIES; do
	[ -z "${!limit:-}" ] || LIMITS+=("$limit=${!limit}")
done
mkdir -p "$CACHE/run" "$CACHE/log"
CACHE=$(cd "$CACHE" && pwd -P)

# A directory of this run alone; kept with KEEP=1.
WORK=$(mktemp -d -p "$CACHE/run")
QEMU_PID=
at_exit() {
	[ -z "$QEMU_PID" ] || kill "$QEMU_PID" 2>/dev/null || true
	if [ -n "${KEEP:-}" ]; then
		say "kept: $WORK"
	else
		rm -rf "$WORK"
	fi
}
trap at_exit EXIT
trap 'exit 130' INT TERM HUP

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

# locked NAME COMMAND...: one at a time on this machine.
locked() {
	local lock=$CACHE/$1.lock
	shift
	mkdir -p "${lock%/*}"
	{ flock 9 && "$@" 9>&-; } 9>"$lock"
}

# shellcheck source=harness/packages.sh
. "$TESTS_DIR/harness/packages.sh"
# shellcheck source=harness/qemu.sh
. "$TESTS_DIR/harness/qemu.sh"
# shellcheck source=harness/kernels.sh
. "$TESTS_DIR/harness/kernels.sh"
# shellcheck source=harness/build.sh
. "$TESTS_DIR/harness/build.sh"
# shellcheck source=harness/programs.sh
. "$TESTS_DIR/harness/programs.sh"
# shellcheck source=harness/guest.sh
. "$TESTS_DIR/harness/guest.sh"
# shellcheck source=harness/boot.sh
. "$TESTS_DIR/harness/boot.sh"
# shellcheck source=harness/cover.sh
. "$TESTS_DIR/harness/cover.sh"
# shellcheck source=harness/verdict.sh
. "$TESTS_DIR/harness/verdict.sh"
