# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What the guest has: its root file system, and the settings that its init reads.

# guest_root: the root file system in $WORK/root: busybox, kmod with its
# libraries, and the modules that build_modules put there.
guest_root() {
	local root=$WORK/root file
	mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,etc,proc,sys,dev,tmp,run,mnt,root,tests,var}
	chmod 1777 "$root/tmp"
	cp "$(static_busybox)" "$root/bin/busybox"
	ln -sf busybox "$root/bin/sh"
	# in both: kernels call one or the other (CONFIG_MODPROBE_PATH)
	for file in modprobe insmod rmmod lsmod depmod modinfo; do
		ln -sf /bin/kmod "$root/sbin/$file"
		ln -sf /bin/kmod "$root/usr/sbin/$file"
	done
	guest_tool kmod
	printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' \
		>"$root/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
	cp "$TESTS_DIR/harness/guest/init" "$root/init"
	chmod 755 "$root/init"
}

# guest_tool COMMAND...: programs of this machine, with their libraries, as the
# guest's /bin/COMMAND.
guest_tool() {
	local tool file
	for tool; do
		cp -L "$(command -v "$tool")" "$WORK/root/bin/$tool"
		ldd "$(command -v "$tool")" | grep -o '/[^ ]*' | while read -r file; do
			mkdir -p "$WORK/root${file%/*}"
			cp -L "$file" "$WORK/root$file"
		done
	done
}

guest_containerctl() {
	if build_tools; then
		PATH=$TOOLS:$PATH guest_tool containerctl
		# for top; TERM is that in the guest
		mkdir -p "$WORK/root/etc/terminfo/l"
		cp -L /lib/terminfo/l/linux "$WORK/root/etc/terminfo/l/"
		# what draws a tree in UTF-8
		mkdir -p "$WORK/root/usr/lib/locale"
		cp -r /usr/lib/locale/C.utf8 "$WORK/root/usr/lib/locale/"
	else
		cat "$WORK/tools.log" >&2
		die "containerctl does not build"
	fi
}

# static_busybox: prints its path.  Not installed where it is missing: the
# package would displace the machine's own busybox.
static_busybox() {
	local box
	box=$(command -v busybox || true)
	if [ -z "$box" ] || readelf -l "$box" | grep -q INTERP; then
		box=$CACHE/busybox/bin/busybox
		if [ ! -x "$box" ]; then
			suite_init bookworm || die "cannot get busybox-static"
			suite_unpack bookworm "$CACHE/busybox" busybox-static ||
				die "cannot get busybox-static"
		fi
	fi
	echo "$box"
}

# guest_conf NAME=VALUE...: settings that the guest's init reads.
guest_conf() {
	local setting
	for setting; do
		printf "%s='%s'\n" "${setting%%=*}" "${setting#*=}"
	done >>"$WORK/root/conf"
}

# guest_conf_of NAME: what guest_conf was given.
guest_conf_of() {
	sed -n "s/^$1='\(.*\)'/\1/p" "$WORK/root/conf" | tail -n 1
}

# pack: $WORK/initramfs from $WORK/root.
pack() {
	(cd "$WORK/root" && find . | "$(static_busybox)" cpio -o -H newc -R 0:0 2>/dev/null) |
		gzip -1 >"$WORK/initramfs"
}
