# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What the scripts of the harness share: fetching kernels, building for them,
# packing a guest and booting it.  Sourced by run, kunit, dkms, demo, ...
#
# Everything that is fetched or built lies in the cache, never in the checkout.
# ${0##*/} in messages is the script that sourced this file.

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

# --- packages of this machine ---------------------------------------------

# need WHAT...: installs what is missing.  WHAT is a command, or a path, and
# the package that has it: "flex:flex" "/usr/include/libelf.h:libelf-dev".
need() {
	local what pkgs=()
	for what; do
		case $what in
		/*) [ -e "${what%%:*}" ] || pkgs+=("${what#*:}") ;;
		*) command -v "${what%%:*}" >/dev/null || pkgs+=("${what#*:}") ;;
		esac
	done
	[ ${#pkgs[@]} -gt 0 ] || return 0
	say "installing ${pkgs[*]}"
	[ "$(id -u)" = 0 ] || die "missing packages, and not root: ${pkgs[*]}"
	export DEBIAN_FRONTEND=noninteractive
	# One at a time: other stages of the tests may want something, too.
	exec 8>"$CACHE/apt.lock"
	flock 8
	# The lists may be old or absent: fetch them only when they do not do.
	apt-get install -qq -y --no-install-recommends "${pkgs[@]}" >"$WORK/apt.log" 2>&1 || {
		apt-get update -qq
		apt-get install -qq -y --no-install-recommends "${pkgs[@]}"
	} >"$WORK/apt.log" 2>&1 || {
		cat "$WORK/apt.log" >&2
		die "cannot install ${pkgs[*]}"
	}
	exec 8>&-
}

need_build() {
	need gcc:gcc make:make ld:binutils flock:util-linux modprobe:kmod \
		/usr/include/stdio.h:libc6-dev xz:xz-utils \
		/usr/lib/x86_64-linux-gnu/libelf.so.1:libelf1
}

need_guest() {
	need_build
	pick_qemu
}

# What containerctl is built with.
need_tools() {
	need pkg-config:pkg-config /usr/include/libmount/libmount.h:libmount-dev \
		/usr/include/libsmartcols/libsmartcols.h:libsmartcols-dev \
		/usr/include/json-c/json.h:libjson-c-dev /usr/include/ncurses.h:libncurses-dev
}

# --- packages of a Debian suite -------------------------------------------

# The mirrors this machine uses, as its own apt has them: "URI SUITE" lines.
apt_mirrors() {
	# shellcheck disable=SC2016 # apt expands these
	apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(ORIGIN)' 'Created-By: Packages' |
		awk '$3 == "Debian" { print $1, $2 }'
}

# suite_apt SUITE COMMAND...: apt-get or apt-cache with lists, state and
# cache of their own, so that the machine's apt is neither used nor changed.
suite_apt() {
	local dir=$CACHE/apt/$1 cmd=$2 prefer=()
	# Of backports, and only of them, apt takes nothing by itself.
	[ "${1%-backports}" = "$1" ] || prefer=(-o APT::Default-Release="$1")
	shift 2
	"$cmd" -qq -o Dir::Etc::SourceList="$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State="$dir/state" -o Dir::State::status="$dir/status" \
		-o Dir::Cache="$dir/cache" -o APT::Sandbox::User=root "${prefer[@]}" "$@"
}

# suite_init SUITE: makes the lists of a suite usable; refreshed once a day.
suite_init() {
	local suite=$1 dir=$CACHE/apt/$1
	mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial"
	: >"$dir/status"
	[ -z "$(find "$dir" -maxdepth 1 -name updated -mtime -1)" ] || return 0
	locked "apt/$suite" suite_update "$suite"
}

suite_update() {
	local suite=$1 dir=$CACHE/apt/$1 main security release
	local key=/usr/share/keyrings/debian-archive-keyring.gpg
	# somebody else may have been here meanwhile
	[ -z "$(find "$dir" -maxdepth 1 -name updated -mtime -1)" ] || return 0
	if [ -z "$(apt_mirrors)" ] && [ "$(id -u)" = 0 ]; then
		apt-get update -qq || return 1
	fi
	main=$(apt_mirrors | awk '$2 !~ /-/ { print $1; exit }')
	security=$(apt_mirrors | awk '$2 ~ /-security$/ { print $1; exit }')
	[ -n "$main" ] || { say "no Debian mirror in this machine's apt sources"; return 1; }
	[ -e "$key" ] || need "$key:debian-archive-keyring"
	# Backports stand on the release they are for.
	for release in "${suite%-backports}" "$suite"; do
		echo "deb [signed-by=$key] $main $release main"
		case $release in
		sid | *-backports) continue ;;
		esac
		echo "deb [signed-by=$key] ${security:-${main%/}-security/} $release-security main"
	done | awk '!seen[$0]++' >"$dir/sources.list"
	if suite_apt "$suite" apt-get update 2>"$WORK/apt.log"; then
		touch "$dir/updated"
	elif [ -e "$dir/updated" ]; then
		say "$suite: cannot refresh the package lists, going on with the old ones"
	else
		cat "$WORK/apt.log" >&2
		return 1
	fi
}

# suite_version SUITE PACKAGE: its candidate version.
suite_version() {
	suite_apt "$1" apt-cache show --no-all-versions "$2" 2>/dev/null |
		awk '/^Version: / && !seen++ { print $2 }'
}

# suite_depends SUITE PATTERN PACKAGE...: the packages, and those which they
# depend on at any distance, that match the pattern.
suite_depends() {
	local suite=$1 pattern=$2
	shift 2
	suite_apt "$suite" apt-cache depends --recurse --no-pre-depends --no-recommends \
		--no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$@" |
		grep -E "^($pattern)\$" | grep -vE -e '-(dbg|unsigned)$' | sort -u
}

# suite_unpack SUITE DIR PACKAGE...
suite_unpack() {
	local suite=$1 dir=$2 deb
	shift 2
	mkdir -p "$WORK/debs" "$dir"
	(cd "$WORK/debs" && suite_apt "$suite" apt-get download "$@" >&2) || return 1
	for deb in "$WORK/debs"/*.deb; do
		dpkg -x "$deb" "$dir" || return 1
	done
	rm -rf "$WORK/debs"
}

# --- the emulator ---------------------------------------------------------------

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

# --- kernels ----------------------------------------------------------------
# Each of these sets KDIR (what modules build against) and KERNEL (what boots).

# locked NAME COMMAND...: one at a time on this machine.
locked() {
	local lock=$CACHE/$1.lock
	shift
	mkdir -p "${lock%/*}"
	{ flock 9 && "$@" 9>&-; } 9>"$lock"
}

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

# debug_kernel: everything that can catch a mistake: Debian's 6.1 source, with what the
# config fragments beside this file turn on.
debug_kernel() {
	need gcc:gcc make:make flex:flex bison:bison bc:bc xz:xz-utils cpio:cpio \
		/usr/include/libelf.h:libelf-dev perl:perl flock:util-linux
	locked dbg debug_kernel_build || return 1
	KDIR=$CACHE/dbg/src
	KERNEL=$KDIR/arch/x86/boot/bzImage
}

debug_kernel_build() {
	local dir=$CACHE/dbg version stamp
	local fragments=("$TESTS_DIR"/{kernel,debug}.config)
	version=$(source_version) || return 1
	stamp="$version $(cat "${fragments[@]}" | sha256sum | cut -c 1-64)"
	if [ -e "$dir/stamp" ] && [ "$(cat "$dir/stamp")" = "$stamp" ]; then
		return 0
	fi
	say "building the debug kernel from linux-source-6.1 $version; log: $dir/build.log"
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
		say "the options above did not make it into the debug kernel"
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

# --- building -----------------------------------------------------------------

# sync_sources DIR: a copy of what modules are built from, times kept, and
# without what is gone from the checkout.
sync_sources() {
	local dir=$1 list=$WORK/sources
	mkdir -p "$dir"
	(
		cd "$TOP"
		find Kbuild Makefile dkms.conf include module subsys kunit samples \
			userspace-tests/modules -type f \
			\( -name '*.[chS]' -o -name '*.sh' -o -name Kbuild -o -name Makefile \
			-o -name dkms.conf \) ! -name '*.mod.c' ! -name probed.h 2>/dev/null
	) | sort >"$list" || true
	# Only what differs, and with the time of now: make goes by the times, and
	# those of a checkout say nothing about what was built here before.
	local file
	while read -r file; do
		cmp -s "$TOP/$file" "$dir/$file" || {
			mkdir -p "$(dirname "$dir/$file")"
			cp "$TOP/$file" "$dir/$file"
		}
	done <"$list"
	(cd "$dir" && find . -type f \( -name '*.[chS]' -o -name '*.sh' -o -name Kbuild \
		-o -name Makefile \) ! -name '*.mod.c' ! -name probed.h) |
		sed 's#^\./##' | sort | comm -23 - "$list" | (cd "$dir" && xargs -r rm -f)
}

# build_modules: builds for KDIR; a private copy of the results is installed as
# /lib/modules in $WORK/root, the sample included. FRESH=1: from nothing; CHECKER: what
# make is told beside that.
CHECKER=()
build_modules() {
	local id
	# a directory for each checkout, kernel and setting
	id=$(kernel_release)-$(echo "$TOP $KDIR ${LIMITS[*]:-}" | cksum | cut -d ' ' -f 1)
	BUILD=$CACHE/build/$id
	# Headers that come with vmlinux have modules carry type information.
	if [ -z "${BUILD_SUITE:-}" ] && [ -e "$KDIR/vmlinux" ] &&
		grep -q '^CONFIG_DEBUG_INFO_BTF_MODULES=y' "$KDIR/.config"; then
		need pahole:pahole
	fi
	say "building the modules for $(kernel_release)"
	locked "build/$id" build_modules_in "$BUILD" || return 1
}

# The results stay beside the build, for as long as what they are made from is the same:
# even a make that has nothing to do takes a while.
build_modules_in() {
	local dir=$1 log=$1.log result=$1.result stamp
	[ -z "${FRESH:-}" ] || rm -rf "$dir" "$result"
	sync_sources "$dir"
	stamp=$(sources_sum "$dir" Kbuild Makefile dkms.conf include module subsys kunit)
	if [ "$(cat "$result/stamp" 2>/dev/null)" != "$stamp" ]; then
		rm -rf "$result"
		mkdir -p "$result/stage" "$result/samples"
		build_own_modules "$dir" "$result" "$log" || return 1
		echo "$stamp" >"$result/stamp"
	fi
	if [ -z "${NO_SAMPLES:-}" ]; then
		man_example "$WORK/manual"
		stamp=$(sources_sum "$dir" samples userspace-tests/modules "$WORK/manual")
		if [ "$(cat "$result/samples.stamp" 2>/dev/null)" != "$stamp" ]; then
			rm -rf "$result/samples"
			build_samples "$dir" "$result" || return 1
			echo "$stamp" >"$result/samples.stamp"
		fi
	fi
	local release
	release=$(kernel_release)
	rm -rf "$WORK/root" "$WORK/stage"
	mkdir -p "$WORK/root/lib/modules/$release"
	kernel_modules "$release"
	cp -r "$result/stage" "$WORK/stage"
	cp -r "$result/root/." "$WORK/root/"
	if [ -z "${NO_SAMPLES:-}" ]; then
		cp "$result"/samples/*.ko "$WORK/root/lib/modules/$release/updates/"
	fi
	depmod -b "$WORK/root" "$release"
}

# sources_sum DIR PATH...: tells one state of the sources, and of the kernel, from another.
sources_sum() {
	(cd "$1" && shift && find "$@" -type f \( -name '*.[chS]' -o -name Kbuild -o -name Makefile \
		-o -name dkms.conf -o -name '*.sh' \) ! -name '*.mod.c' ! -name probed.h -print0 |
		sort -z | xargs -0 cat
	cat "$KDIR/Module.symvers" "$KDIR/include/generated/autoconf.h" 2>/dev/null) | sha256sum
}

# build_own_modules DIR RESULT LOG: always with W=1, so that what check has built need not
# be built again.
build_own_modules() {
	local dir=$1 result=$2 log=$3
	if ! kmake -C "$dir" W=1 "${CHECKER[@]}" >"$log" 2>&1; then
		grep -E 'error|Error|undefined' -A 3 "$log" >&2 || tail -n 30 "$log" >&2
		return 1
	fi
	grep -B 2 -A 6 'warning:' "$log" >&2 || true
	# Unsigned, for want of a key, and plain: tests insert the files themselves.
	kmake -C "$dir" W=1 install INSTALL_MOD_PATH="$result/root" DESTDIR="$result/stage" \
		CONFIG_MODULE_SIG_ALL= CONFIG_MODULE_COMPRESS_ALL= >"$log.install" 2>&1 || {
		tail -n 30 "$log.install" >&2
		return 1
	}
}

# The kernel's own modules that tests want in the guest: those which the kernel has
# neither as modules nor built in are left out. None is loaded by itself.
GUEST_MODULES="overlay fuse"

# kernel_modules RELEASE: puts them into the guest, and what modprobe and depmod want to
# know of all that the kernel has. KDIR is a tree, or headers beside unpacked modules.
kernel_modules() {
	local release=$1 base name file
	for base in "${KDIR%/usr/src/*}"{/usr,}; do
		[ ! -e "$base/lib/modules/$release/kernel" ] || break
	done
	for file in modules.{order,builtin,builtin.modinfo}; do
		cat "$KDIR/$file" "$base/lib/modules/$release/$file" 2>/dev/null \
			>"$WORK/root/lib/modules/$release/$file" || true
	done
	for name in $GUEST_MODULES; do
		modprobe -d "$base" -S "$release" --show-depends "$name" 2>/dev/null || true
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u | while read -r file; do
		mkdir -p "$WORK/root/lib/modules/$release/kernel"
		cp "$file" "$WORK/root/lib/modules/$release/kernel/"
	done
}

# kmake ARGS...: make with the settings of this build.  Debian's headers ask
# for the compiler version of their own release.  LLVM= is for a kernel that was built
# with it.
kmake() {
	local compiler=(CC="${CC:-gcc}")
	[ -z "${LLVM:-}" ] || compiler=(LLVM="$LLVM")
	${BUILD_SUITE:+in_suite "$BUILD_SUITE"} \
		make -j"$JOBS" KDIR="$KDIR" "${compiler[@]}" "${LIMITS[@]}" "$@"
}

# in_suite SUITE COMMAND...: with that suite's compiler, in a chroot where the
# cache lies at the same path.  For kernels whose compiler flags this machine's
# compiler does not know.
in_suite() {
	local root=$CACHE/chroot/$1
	shift
	# shellcheck disable=SC2016 # expanded inside
	unshare --mount sh -c 'mkdir -p "$1$2" && mount --bind "$2" "$1$2" &&
		mount --rbind /proc "$1/proc" &&
		root=$1 && shift 2 && exec chroot "$root" "$@"' sh "$root" "$CACHE" "$@"
}

# suite_chroot SUITE: makes the chroot for in_suite.
suite_chroot() {
	local root=$CACHE/chroot/$1 mirror
	need debootstrap:debootstrap unshare:util-linux
	suite_init "$1" || return 1
	[ ! -e "$root/.ready" ] || return 0
	say "making a build root of $1"
	rm -rf "$root"
	mkdir -p "$root"
	mirror=$(sed -n 's/^deb [^ ]* \([^ ]*\) .*/\1/p;q' "$CACHE/apt/$1/sources.list")
	debootstrap --variant=minbase --include=gcc,libc6-dev,make,kmod,pahole \
		--keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
		"$1" "$root" "$mirror" >"$CACHE/chroot/$1.log" 2>&1 || {
		tail -n 5 "$CACHE/chroot/$1.log" >&2
		return 1
	}
	touch "$root/.ready"
}

# man_example DIR: the module that is the example of container_subsys(9), each file in a
# display that begins with its name.
man_example() {
	mkdir -p "$1"
	cp "$TOP/samples/forkcount/Makefile" "$1/"
	awk -v dir="$1" '/^\.\\" source: / { file = dir "/" $3; next }
		/^\.Ed/ { file = "" }
		file { gsub(/\\e/, "\\"); print >file }' "$TOP/docs/man/container_subsys.9"
}

# build_samples DIR RESULT: out-of-tree subsystems, and the modules of the tests, as a
# third party would build them: elsewhere, with only the installed headers and
# symbol versions.
build_samples() {
	local sample name
	mkdir -p "$2/samples"
	for sample in "$1"/{samples,userspace-tests/modules}/*/Makefile "$WORK/manual/Makefile"; do
		[ -e "$sample" ] || continue
		sample=${sample%/Makefile}
		name=${sample##*/}
		rm -rf "$WORK/sample"
		cp -r "$sample" "$WORK/sample"
		if ! kmake -C "$WORK/sample" DESTDIR="$2/stage" >"$WORK/sample.log" 2>&1; then
			cat "$WORK/sample.log" >&2
			say "the sample $name does not build against the installed headers"
			return 1
		fi
		find "$WORK/sample" -name '*.ko' -exec cp {} "$2/samples/" \;
	done
}

# build_programs [PATTERN...]: the static guest programs: the helpers, and the tests
# that match; those that do not compile are named in $WORK/broken.
build_programs() {
	local id
	id=guest-$(echo "$TOP" | cksum | cut -d ' ' -f 1)
	locked "build/$id" build_programs_in "$CACHE/build/$id" "$@"
}

build_programs_in() {
	local dir=$1 src prog progs=()
	shift
	for src in "$TESTS_DIR"/[tg]_*.c; do
		prog=${src##*/}
		prog=${prog%.c}
		[ "${prog#t_}" = "$prog" ] || wanted "$prog" "$@" || continue
		[ ! -e "$src" ] || progs+=("$prog")
	done
	# This run's own copy: another run may rebuild them meanwhile.
	mkdir -p "$dir" "$WORK/programs"
	make_programs -C "$dir" -k "${progs[@]}" >/dev/null 2>&1 || true
	: >"$WORK/broken"
	for prog in lib.o "${progs[@]}"; do
		cat "$dir/$prog.said" 2>/dev/null || true
		[ "$prog" != lib.o ] || continue
		cp "$dir/$prog" "$WORK/programs/" 2>/dev/null || echo "$prog" >>"$WORK/broken"
	done >"$WORK/programs.said"
	cat "$WORK/programs.said" >&2
}

# make_programs ARGS...: make, with programs.mk
make_programs() {
	make -j"$JOBS" -f "$TESTS_DIR/programs.mk" from="$TESTS_DIR" CC="${CC:-gcc}" "$@"
}

# guest_programs [PATTERN...]: puts the g_* programs and the tests that match
# into the guest.
guest_programs() {
	local program name
	for program in "$WORK"/programs/*; do
		name=${program##*/}
		case $name in
		g_*) cp "$program" "$WORK/root/bin/" ;;
		t_*) ! wanted "$name" "$@" || cp "$program" "$WORK/root/tests/" ;;
		esac
	done
}

# wanted NAME [PATTERN...]
wanted() {
	local name=$1 pattern
	shift
	[ $# -gt 0 ] || return 0
	for pattern; do
		# shellcheck disable=SC2053 # a pattern
		if [[ $name == $pattern || $name == t_$pattern ]]; then
			return 0
		fi
	done
	return 1
}

# --- the guest ------------------------------------------------------------------

# guest_root: the root file system in $WORK/root: busybox, kmod with its
# libraries, and the modules that build_modules put there.
guest_root() {
	local root=$WORK/root file
	mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,etc,proc,sys,dev,tmp,run,mnt,root,tests,var}
	chmod 1777 "$root/tmp"
	cp "$(static_busybox)" "$root/bin/busybox"
	ln -sf busybox "$root/bin/sh"
	for file in modprobe insmod rmmod lsmod depmod modinfo; do
		ln -sf /bin/kmod "$root/sbin/$file"
	done
	guest_tool kmod
	printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' \
		>"$root/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
	cp "$TESTS_DIR/guest/init" "$root/init"
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

# build_tools: the program of tools/, built for this machine, in $TOOLS.
build_tools() {
	TOOLS=$CACHE/build/tools-$(echo "$TOP" | cksum | cut -d ' ' -f 1)
	need_tools
	locked "build/${TOOLS##*/}" make -j"$JOBS" -f "$TOP/tools/Makefile" O="$TOOLS" \
		CFLAGS="-O2 -Werror" >"$WORK/tools.log" 2>&1
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
	QEMU_PID=$!
}

CMDLINE="console=ttyS0 no_timer_check memhp_default_state=offline panic=1 oops=panic panic_on_oops=1 printk.devkmsg=on log_buf_len=4M"

# boot LABEL: runs the guest's tests, shows what they say, and adds the
# result to the file $RESULTS.  The kernel log goes to the first serial port,
# what the tests say to the second: on one they would cut each other's lines.
boot() {
	local label=$1 log=$CACHE/log/$1 start passed failed skipped
	start=$(date +%s)
	say "$label: booting $(kernel_release); kernel log: $log.console"
	rm -f "$WORK/tap" "$WORK/console"
	mkfifo "$WORK/tap"
	# A file of its own: another run under this label may be writing to the old one.
	: >"$WORK/console"
	ln -f "$WORK/console" "$log.console"
	rm -f "$WORK/qemu.pid"
	count "$label" <"$WORK/tap" &
	local counter=$!
	qemu -serial "file:$WORK/console" -serial stdio -append "$CMDLINE loglevel=7 ${APPEND:-}" \
		</dev/null >"$WORK/tap" 2>"$WORK/qemu.log"
	echo "$QEMU_PID" >"$WORK/qemu.pid"
	wait "$QEMU_PID" || say "$label: qemu: status $? $(cat "$WORK/qemu.log")"
	wait "$counter"
	read -r passed failed skipped <"$WORK/counts"
	local reports
	reports=$(kernel_reports "$WORK/console")
	if [ -n "$reports" ]; then
		echo "$reports"
		failed=$((failed + $(echo "$reports" | grep -c '^[^ ]*: not ok')))
	fi
	say "$label: $passed passed, $failed failed, $skipped skipped in $(($(date +%s) - start)) s"
	echo "$passed $failed $skipped $label" >>"$RESULTS"
}

# count: reads what the guest says, prints it with the program's name before
# each line, and leaves "passed failed skipped" in $WORK/counts.  A guest that
# says nothing for longer than a test may take is hung, and ended.
count() {
	local line prog=boot n=0 plan='' bad=0 passed=0 failed=0 skipped=0 done='' rest
	local silence=$(($(guest_conf_of TEST_TIMEOUT) + 180))
	local status
	while true; do
		status=0
		IFS= read -r -t "$silence" line || status=$?
		if [ "$status" -gt 128 ] && [ ! -s "$WORK/console" ]; then
			# not begun: QEMU_SECONDS is the limit of that
			continue
		elif [ "$status" -gt 128 ] && [ "$done" != hung ]; then
			echo "$prog: not ok - the guest hangs: it says nothing for $silence s"
			failed=$((failed + 1)) done=hung
			kill "$(cat "$WORK/qemu.pid")" 2>/dev/null || true
			continue
		fi
		[ "$status" = 0 ] || break
		line=${line%$'\r'}
		case $line in
		'#:begin '*)
			prog=${line#* } n=0 plan='' bad=0
			continue
			;;
		'#:end '*)
			# PROGRAM STATUS SECONDS
			rest=${line#*:end * }
			if [ -z "$plan" ]; then
				echo "$prog: not ok - ended without a plan (status ${rest% *})"
				failed=$((failed + 1))
			elif [ "$plan" != "$n" ]; then
				echo "$prog: not ok - $n tests, $plan planned"
				failed=$((failed + 1))
			elif [ "$bad" = 0 ] && [ "${rest% *}" != 0 ]; then
				echo "$prog: not ok - status ${rest% *}"
				failed=$((failed + 1))
			fi
			echo "$prog: # ${rest#* } s"
			prog=after-$prog n=0 plan=''
			continue
			;;
		'#:late '*)
			# no failure: there was no time for it, or for the rest of it
			echo "$prog: # SKIP no time for ${line#* }"
			skipped=$((skipped + 1))
			prog=after-${line#* } n=0 plan=''
			continue
			;;
		'#:done')
			done=1
			continue
			;;
		'ok '*'# SKIP'* | 'ok '*'# skip'*) skipped=$((skipped + 1)) n=$((n + 1)) ;;
		'ok '*) passed=$((passed + 1)) n=$((n + 1)) ;;
		'not ok '*) failed=$((failed + 1)) n=$((n + 1)) bad=$((bad + 1)) ;;
		1..0*) plan=0 skipped=$((skipped + 1)) ;;
		1..*) plan=${line#1..} ;;
		esac
		echo "$prog: $line"
	done
	if [ -z "$done" ]; then
		echo "$prog: not ok - the guest died or ran out of time here"
		failed=$((failed + 1))
	fi
	echo "$passed $failed $skipped" >"$WORK/counts"
}

# kernel_reports FILE: one "not ok" with an excerpt for each test during
# which the kernel complained; nothing when it did not.
kernel_reports() {
	tr -d '\r' <"$1" | awk '
	/harness: begin / { test = $NF; seen = injected = 0; next }
	# failslab refused the kernel what it looks after timers and such with
	/ODEBUG: Out of memory/ { next }
	# the kernel shows where it was when failslab refused it a vmalloc area
	/vmalloc error: .*vm_struct allocation failed/ { injected = 1 }
	injected && /Call Trace/ { injected = 0; next }
	!seen && /WARNING: |BUG: |BUG [a-z]|=== ?BUG|Oops|KASAN|UBSAN|KCSAN|Call Trace|ODEBUG/ ||
	!seen && /general protection|Kernel panic|possible (circular|recursive|irq)|lock state/ ||
	!seen && /suspicious RCU|INFO: (task|rcu|lockdep|trying)|detected stall|self-detected/ ||
	!seen && /sleeping function|scheduling while atomic|list_(add|del) corruption|refcount_t:/ ||
	!seen && /lockup|hung_task|blocked for more|kmemleak: .* suspected|Slab corruption/ ||
	!seen && /unable to handle|invalid opcode|imbalance|page allocation failure|double free/ {
		seen = 1
		left = 45
		printf "%s: not ok - the kernel complained\n", test ? test : "boot"
	}
	left > 0 { print "    " $0; left-- }'
}

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
