# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What the scripts of this directory share: a guest whose only program is one of ours, beside
# the modules that it loads itself.

BENCH=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=../userspace-tests/harness.sh
. "$BENCH/../userspace-tests/harness.sh"

# bench_root PROGRAM MODULES: the guest's root file system, packed. The modules are separated
# by commas; empty: none.
bench_root() {
	local release module
	need_guest
	# instructions are counted, or profiled, with one CPU at a time
	# shellcheck disable=SC2034 # harness/qemu.sh uses it
	QEMU_THREADS=single
	pick_kernel
	release=$(kernel_release)
	[ -z "$2" ] || NO_SAMPLES=1 build_modules || die "the modules do not build"
	[ -z "$2" ] || mv "$WORK/root/lib/modules/$release" "$WORK/built"
	rm -rf "$WORK/root"
	mkdir -p "$WORK/root/modules"
	for module in ${2//,/ }; do
		find "$WORK/built" -name "$module.ko" -exec cp {} "$WORK/root/modules/" \;
		[ -e "$WORK/root/modules/$module.ko" ] || die "no $module.ko"
	done
	"${CC:-gcc}" -std=gnu11 -static -O2 -Wall -Wextra -o "$WORK/root/init" \
		"$BENCH/$1.c" "$BENCH"/{counting,guest}.c
	pack
}

# One instruction is one nanosecond, whatever the host does meanwhile.
# shellcheck disable=SC2034 # the scripts use it
COUNTING=(-icount "shift=0,sleep=off")

# bench_guest SETTINGS ARGS...: boots it in the background, with SMP CPUs (1) and MEM MiB (512), and
# its console in $WORK/console.  qemu64 has no "fast string" bits: with them the kernel clears
# memory by bytes, and each counts as an instruction.  Same addresses in every boot.
bench_guest() {
	: >"$WORK/console"
	SMP=${SMP:-1} MEM=${MEM:-512} qemu -cpu qemu64 -serial "file:$WORK/console" \
		"${@:2}" -append "$CMDLINE quiet nokaslr norandmaps $1" </dev/null
}

# bench_console: shows it as it grows, until the guest is gone.
bench_console() {
	tail -n +1 -f --pid="$QEMU_PID" "$WORK/console" | tr -d '\r' |
		grep --line-buffered -v -e '^BENCH DONE' -e 'reboot: Power down'
}

bench_finished() {
	wait "$QEMU_PID" || true
	kernel_reports "$WORK/console"
	[ -z "$(kernel_reports "$WORK/console")" ] || die "the kernel complained"
	grep -q '^BENCH DONE' "$WORK/console" || {
		tail -n 20 "$WORK/console"
		die "the bench did not finish"
	}
}
