# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Kernels: fetched from Debian, or built. Each function that chooses one sets KDIR, which
# modules build against, and KERNEL, which boots.

# stock_kernel SUITE META: the kernel that linux-image-META of a suite means.
stock_kernel() {
	locked "kernels-$1" stock_kernel_fetch "$@" || return 1
	local root
	root=$(cat "$CACHE/kernels/$1-$2")
	# Newer packages have the image beside its modules.
	KERNEL=$(find "$root/boot" "$root/usr/lib/modules" -name 'vmlinuz*' 2>/dev/null | head -n 1)
	# The flavour's directory, beside the one of the common headers.
	KDIR=$(dirname "$(echo "$root"/usr/src/linux-headers-*/Module.symvers)")
	if [ ! -e "$KERNEL" ] || [ ! -e "$KDIR/Makefile" ]; then
		say "the packages of $root hold no kernel or no headers"
		return 1
	fi
}

stock_kernel_fetch() {
	local suite=$1 meta=$2 image root link
	local kernel='linux-(image|headers|kbuild|binary|modules)-[0-9].*'
	suite_init "$suite" || return 1
	image=$(suite_depends "$suite" 'linux-image-[0-9].*-.*' "linux-image-$meta" |
		grep -vx "linux-image-$meta" | head -n 1)
	[ -n "$image" ] || { say "$suite has no linux-image-$meta"; return 1; }
	root=$CACHE/kernels/${image#linux-image-}_$(suite_version "$suite" "$image")
	if [ ! -e "$root/.ready" ]; then
		say "fetching $image from $suite"
		rm -rf "$root"
		# shellcheck disable=SC2046 # package names
		suite_unpack "$suite" "$root" $(suite_depends "$suite" "$kernel" \
			"$image" "${image/image/headers}") || return 1
		headers_settle "$root"
		touch "$root/.ready"
	fi
	# What the package's own scripts would do: modprobe wants to know.
	for link in "$root"{,/usr}/lib/modules/*; do
		[ ! -e "$link/kernel" ] || [ -e "$link/modules.dep" ] ||
			depmod -b "${link%/lib/modules/*}" "${link##*/}" || return 1
	done
	echo "$root" >"$CACHE/kernels/$suite-$meta"
}

# headers_settle ROOT: headers that were unpacked there name each other by absolute paths.
headers_settle() {
	local root=$1 link file
	for file in "$root"/usr/src/linux-headers-*/{Makefile,.kernelvariables}; do
		[ ! -e "$file" ] || sed -i "s#\([ =]\)/usr/#\1$root/usr/#g" "$file"
	done
	find "$root" -type l -lname '/*' | while read -r link; do
		ln -sfn "$root$(readlink "$link")" "$link"
	done
}

# stock_headers SUITE HEADERS: KDIR is what linux-headers-* of a suite has, without its
# kernel.
stock_headers() {
	local root
	root=$CACHE/headers/${2#linux-headers-}_$(suite_version "$1" "$2")
	locked "kernels-$1" stock_headers_fetch "$1" "$2" "$root" || return 1
	KDIR=$root/usr/src/$2
	[ -e "$KDIR/Module.symvers" ] || { say "$2 has no symbol versions"; return 1; }
}

stock_headers_fetch() {
	local suite=$1 headers=$2 root=$3
	[ ! -e "$root/.ready" ] || return 0
	say "fetching $headers from $suite"
	rm -rf "$root"
	# shellcheck disable=SC2046 # package names
	suite_unpack "$suite" "$root" $(suite_depends "$suite" 'linux-(headers|kbuild)-[0-9].*' \
		"$headers") || return 1
	headers_settle "$root"
	touch "$root/.ready"
}

# debug_kernel: everything that can catch a mistake but data races, which KCSAN finds and which
# does not go with KASAN: kcsan_kernel. Debian's 6.1 source, with what the config fragments beside
# this file turn on.
debug_kernel() {
	built_kernel dbg "debug kernel" debug
}

kcsan_kernel() {
	built_kernel kcsan "kernel with KCSAN" kcsan
}

# cover_kernel: what runs of the modules is counted.
cover_kernel() {
	built_kernel gcov "kernel with gcov" cover
}

# built_kernel DIR NAME FRAGMENT: in that directory of the cache, what kernel.config and
# FRAGMENT.config turn on.
built_kernel() {
	need gcc:gcc make:make flex:flex bison:bison bc:bc xz:xz-utils cpio:cpio \
		/usr/include/libelf.h:libelf-dev perl:perl flock:util-linux
	locked "$1" built_kernel_in "$@" || return 1
	KDIR=$CACHE/$1/src
	KERNEL=$KDIR/arch/x86/boot/bzImage
}

built_kernel_in() {
	local dir=$CACHE/$1 version stamp
	local fragments=("$TESTS_DIR"/harness/{kernel,"$3"}.config)
	version=$(source_version) || return 1
	stamp="$version $(cat "${fragments[@]}" | sha256sum | cut -c 1-64)"
	if [ -e "$dir/stamp" ] && [ "$(cat "$dir/stamp")" = "$stamp" ]; then
		return 0
	fi
	say "building the $2 from linux-source-6.1 $version; log: $dir/build.log"
	rm -f "$dir/stamp"
	# What an earlier build left is built on, unless the source is another.
	if [ ! -e "$dir/source" ] || [ "$(cat "$dir/source")" != "$version" ]; then
		rm -rf "$dir"
		mkdir -p "$dir/src"
		locked source fetch_source "$version" || return 1
		tar -xf "$CACHE"/source/usr/src/linux-source-6.1.tar.* -C "$dir/src" \
			--strip-components=1 || return 1
		echo "$version" >"$dir/source"
	fi
	cat "${fragments[@]}" >"$dir/fragment"
	{
		make -C "$dir/src" KCONFIG_ALLCONFIG="$dir/fragment" allnoconfig &&
			make -C "$dir/src" -j"$JOBS" bzImage modules
	} >"$dir/build.log" 2>&1 || { tail -n 30 "$dir/build.log" >&2; return 1; }
	# A misspelt or unmet option would silently weaken every test.
	grep -v '^#' "$dir/fragment" | grep -vxFf "$dir/src/.config" >&2 &&
		say "the options above did not make it into the $2"
	echo "$stamp" >"$dir/stamp"
}

# kunit_source DIR: KUnit's own files of that source, as DIR/lib and DIR/include.
kunit_source() {
	kernel_source || return 1
	mkdir -p "$1"
	cp -r "$CACHE"/source/tools/{lib,include} "$1"
}

# checkpatch DIR FILE...: the kernel's own, with the settings of .checkpatch.conf.
checkpatch() {
	local dir=$1
	shift
	need perl:perl
	kernel_source || return 1
	cp "$TOP/.checkpatch.conf" "$dir/"
	(cd "$dir" && perl "$CACHE/source/tools/scripts/checkpatch.pl" --root="$dir" -f "$@")
}

# kernel_source: the source in the cache, of which a few tools are unpacked.
kernel_source() {
	local version
	need xz:xz-utils
	version=$(source_version) || return 1
	locked source fetch_source "$version"
}

source_version() {
	local version
	suite_init bookworm || return 1
	version=$(suite_version bookworm linux-source-6.1)
	[ -n "$version" ] || { say "bookworm has no linux-source-6.1"; return 1; }
	echo "$version"
}

fetch_source() {
	local dir=$CACHE/source
	[ "$(cat "$dir/tools/version" 2>/dev/null)" != "$1" ] || return 0
	say "fetching linux-source-6.1 $1"
	rm -rf "$dir"
	suite_unpack bookworm "$dir" linux-source-6.1 || return 1
	mkdir "$dir/tools"
	tar -xf "$dir"/usr/src/linux-source-6.1.tar.* -C "$dir/tools" --strip-components=1 \
		--wildcards '*/lib/kunit' '*/include/kunit' '*/scripts/*checkpatch*' \
		'*/scripts/spelling.txt' || return 1
	echo "$1" >"$dir/tools/version"
}

# kernel_release: what uname -r will say on the kernel of KDIR.
kernel_release() {
	sed -n 's/^#define UTS_RELEASE "\(.*\)"$/\1/p' "$KDIR/include/generated/utsrelease.h"
}

# pick_kernel: KDIR= and KERNEL= as given, or stock 6.1.
pick_kernel() {
	if [ -n "${KDIR:-}" ] || [ -n "${KERNEL:-}" ]; then
		[ -e "${KDIR:-}/include/generated/utsrelease.h" ] || die "KDIR is no built kernel tree"
		KDIR=$(cd "$KDIR" && pwd -P)
		KERNEL=${KERNEL:-$KDIR/arch/x86/boot/bzImage}
		[ -e "$KERNEL" ] || die "no kernel image $KERNEL"
	else
		stock_kernel bookworm cloud-amd64 || die "no stock kernel"
	fi
}
