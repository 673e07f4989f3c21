# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# The emulator: which one, and how it is started.

# pick_qemu: sets QEMU, and whether its virtual CPUs run in parallel.  That
# takes 8.1: older ones hang where a guest patches its own code, as ftrace does.
# So one from Debian's backports lies in the cache where the machine has none.
# Where it cannot be had, or does not run, the CPUs take turns.
QEMU_DATA=() QEMU_LIBS='' QEMU_THREADS=single
pick_qemu() {
	local own=${QEMU:-} dir=$CACHE/qemu
	if [ -z "$own" ]; then
		own=$(command -v qemu-system-x86_64 || true)
		QEMU=$own
		if ! parallel_qemu && locked qemu fetch_qemu "$dir"; then
			QEMU=$dir/usr/bin/qemu-system-x86_64
			QEMU_DATA=(-L "$dir/usr/share/qemu" -L "$dir/usr/share/seabios")
			QEMU_LIBS=$dir/usr/lib/x86_64-linux-gnu:$dir/lib/x86_64-linux-gnu
			if ! parallel_qemu; then
				say "the QEMU of Debian's backports does not run here"
				QEMU=$own QEMU_DATA=() QEMU_LIBS=''
			fi
		fi
		if [ -z "$QEMU" ]; then
			need qemu-system-x86_64:qemu-system-x86
			QEMU=$(command -v qemu-system-x86_64)
		fi
	fi
	if parallel_qemu; then
		QEMU_THREADS=multi
	else
		say "QEMU is older than 8.1: the guest's CPUs take turns, and races are hardly met"
	fi
	# The scripts that this one calls need not look for it again.
	[ -n "$QEMU_LIBS" ] || export QEMU
}

run_qemu() {
	env ${QEMU_LIBS:+LD_LIBRARY_PATH="$QEMU_LIBS" QEMU_MODULE_DIR="${QEMU_LIBS%%:*}/qemu"} \
		"$QEMU" "${QEMU_DATA[@]}" "$@"
}

# qemu_since VERSION: is there one, and is it of that version or later?
qemu_since() {
	local version
	[ -n "$QEMU" ] || return 1
	version=$(run_qemu --version 2>/dev/null |
		sed -n 's/^QEMU emulator version \([0-9]*\.[0-9]*\).*/\1/p')
	[ -n "$version" ] && [ "$(printf '%s\n%s\n' "$version" "$1" | sort -V | head -n 1)" = "$1" ]
}

parallel_qemu() {
	qemu_since 8.1
}

# fetch_qemu DIR: for Debian 12; its successors have a newer one of their own.
fetch_qemu() {
	local dir=$1 release suite package
	[ ! -e "$dir/.ready" ] || return 0
	# shellcheck source=/dev/null
	release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	[ "$release" = bookworm ] || return 1
	suite=$release-backports
	say "fetching QEMU from $suite"
	suite_init "$suite" || { say "$suite cannot be had"; return 1; }
	rm -rf "$dir"
	# What an empty system would install, but for the C library, which fits this one.
	package=$(suite_apt "$suite" apt-get install -s --no-install-recommends qemu-system-x86 |
		sed -n 's/^Inst \([^ ]*\) .*/\1/p' |
		grep -E '^(lib.*|zlib1g|qemu-system-(x86|common|data)|seabios|ipxe-qemu)$' |
		grep -vE '^(libc6|libc-bin|libcrypt1|libgcc-s1)$')
	# shellcheck disable=SC2086 # package names
	if [ -z "$package" ] || ! suite_unpack "$suite" "$dir" $package; then
		say "QEMU cannot be had from $suite"
		return 1
	fi
	touch "$dir/.ready"
}

# qemu ARGS...: starts the guest in the background, as $QEMU_PID: SMP CPUs
# (default 2) and MEM MiB (default 2048) in two NUMA nodes.
qemu() {
	local smp=${SMP:-2} mem=${MEM:-2048} half numa=()
	half=$((smp / 2))
	# A socket for each CPU: no socket in two nodes, which a kernel finds insane, and
	# without ACPI it sees one CPU of each socket. No PCI hotplug, whose tables a
	# slow kernel takes ten seconds to interpret. Node 2
	# has nothing but a module of memory that is offline at first.
	if [ "$smp" -gt 1 ]; then
		numa=(-object "memory-backend-ram,id=m0,size=$((mem / 2))M"
			-object "memory-backend-ram,id=m1,size=$((mem / 2))M"
			-numa "node,nodeid=0,cpus=0-$((half - 1)),memdev=m0"
			-numa "node,nodeid=1,cpus=$half-$((smp - 1)),memdev=m1"
			-object "memory-backend-ram,id=m2,size=256M" -numa "node,nodeid=2"
			-device "pc-dimm,id=dimm,memdev=m2,node=2")
		smp=$smp,sockets=$smp,cores=1,threads=1
		mem="$mem,slots=1,maxmem=$((mem + 1024))M"
	fi
	timeout --foreground -k 5 "${QEMU_SECONDS:-3000}" \
		env ${QEMU_LIBS:+LD_LIBRARY_PATH="$QEMU_LIBS" QEMU_MODULE_DIR="${QEMU_LIBS%%:*}/qemu"} \
		"$QEMU" "${QEMU_DATA[@]}" \
		-accel "${ACCEL:-tcg,thread=$QEMU_THREADS}" -cpu max -smp "$smp" -m "$mem" \
		"${numa[@]}" -nodefaults -display none -no-reboot \
		-global PIIX4_PM.acpi-pci-hotplug-with-bridge-support=off \
		-global PIIX4_PM.acpi-root-pci-hotplug=off \
		-kernel "$KERNEL" -initrd "$WORK/initramfs" "$@" <&0 &
	# shellcheck disable=SC2034 # at_exit ends it
	QEMU_PID=$!
}
