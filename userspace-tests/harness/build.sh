# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Building for the kernel of KDIR: the modules, the samples, and containerctl.

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
		docs_examples "$WORK/docs"
		stamp=$(sources_sum "$dir" samples userspace-tests/modules "$WORK/docs")
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

# The kernel's own modules that tests want in the guest. A kernel that has one neither as
# a module nor built in goes without. None is loaded by itself.
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

# docs_examples DIR: the modules of the documentation, in a directory each: the example of
# container_subsys(9), each file in a display that begins with its name, and the one of
# writing-a-subsystem.md, whose files are in blocks that begin with their names.
docs_examples() {
	mkdir -p "$1"/{manual,writing}
	awk -v dir="$1/manual" '/^\.\\" source: / { file = dir "/" $3; next }
		/^\.Ed/ { file = "" }
		file { gsub(/\\e/, "\\"); print >file }' "$TOP/docs/man/container_subsys.9"
	awk -v dir="$1/writing" '/^(\/\*|#) source: [A-Za-z_.]+( \*\/)?$/ { file = dir "/" $3; next }
		/^```/ { file = "" }
		file { print >file }' "$TOP/docs/writing-a-subsystem.md"
}

# build_samples DIR RESULT: out-of-tree subsystems, and the modules of the tests, as a
# third party would build them: elsewhere, with only the installed headers and
# symbol versions. One make for all of them: its own work takes longer than to compile one.
build_samples() {
	local sample name dir=$WORK/samples
	rm -rf "$dir"
	mkdir -p "$dir" "$2/samples"
	for sample in "$1"/{samples,userspace-tests/modules}/*/Kbuild "$WORK/docs"/*/Kbuild; do
		sample=${sample%/Kbuild}
		name=${sample##*/}
		cp -r "$sample" "$dir/$name"
		echo "obj-m += $name/" >>"$dir/Kbuild"
	done
	# the Makefile of a sample is made to be copied
	cp "$1/samples/forkcount/Makefile" "$dir/"
	if ! kmake -C "$dir" DESTDIR="$2/stage" >"$WORK/samples.log" 2>&1; then
		cat "$WORK/samples.log" >&2
		say "a sample does not build against the installed headers"
		return 1
	fi
	find "$dir" -name '*.ko' -exec cp {} "$2/samples/" \;
}

# build_tools: the program of tools/, built for this machine, in $TOOLS.
build_tools() {
	TOOLS=$CACHE/build/tools-$(echo "$TOP" | cksum | cut -d ' ' -f 1)
	need_tools
	locked "build/${TOOLS##*/}" make -j"$JOBS" -f "$TOP/tools/Makefile" O="$TOOLS" \
		CFLAGS="-O2 -Werror" >"$WORK/tools.log" 2>&1
}
