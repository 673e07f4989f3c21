# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# roots.sh: file systems of Debian suites, in layers that lie in the cache: a clean root,
# over it what our packages depend on, and over that what makes a system of it that
# boots. What is done in one goes into a layer of the caller's. Sourced after harness.sh;
# takes root.

ROOTS=$CACHE/roots

# in_root LAYER LOWER COMMAND...: in the root of the lower layers, what it changes going
# to LAYER/upper. Downloads are kept in the cache; /mnt is $WORK/debs. Nobody waits for the
# disk, as dpkg would after every file; that is why nothing of an earlier mount may be left. The
# caller's TMPDIR is not there.
in_root() {
	local layer=$1 lower=$2
	shift 2
	rm -rf "$layer/work"
	mkdir -p "$layer"/{upper,work,root} "$ROOTS/archives/partial" "$WORK/debs"
	# shellcheck disable=SC2016 # expanded inside
	unshare --mount sh -c '
		mount -t overlay -o lowerdir="$2",upperdir="$1/upper",workdir="$1/work",volatile \
			root "$1/root" &&
			mount --rbind /proc "$1/root/proc" &&
			mount --bind "$3" "$1/root/var/cache/apt/archives" &&
			mount --bind "$4" "$1/root/mnt" &&
			root=$1/root && shift 4 && exec env -u TMPDIR chroot "$root" "$@"
	' sh "$layer" "$lower" "$ROOTS/archives" "$WORK/debs" "$@" </dev/null
}

clean_root() {
	local suite=$1 root=$ROOTS/$1 mirror
	[ ! -e "$root/.ready" ] || return 0
	say "making a root of $suite"
	rm -rf "$root"
	mkdir -p "$root"
	mirror=$(sed -n 's/^deb [^ ]* \([^ ]*\) .*/\1/p;q' "$CACHE/apt/$suite/sources.list")
	debootstrap --variant=minbase --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
		"$suite" "$root" "$mirror" >"$root.log" 2>&1 || { tail -n 5 "$root.log"; return 1; }
	touch "$root/.ready"
}

# The package lists of the cache, and how this machine gets at a mirror.
root_lists() {
	local suite=$1 root=$2
	mkdir -p "$root"/{etc/apt/{apt.conf.d,sources.list.d},var/lib/apt}
	cp "$CACHE/apt/$suite/sources.list" "$root/etc/apt/"
	cp -r "$CACHE/apt/$suite/state/lists" "$root/var/lib/apt/"
	{
		apt-config dump Acquire | grep -v '^Acquire::IndexTargets'
		echo 'APT::Sandbox::User "root"; DPkg::Options "--force-unsafe-io";'
	} >"$root/etc/apt/apt.conf.d/90test"
}

# layer SUITE NAME LOWER PACKAGE...: $ROOTS/SUITE.NAME, the lower layers with packages, made
# anew when the list of these is another. prepare_NAME, if there is one, comes before them.
layer() {
	local suite=$1 name=$2 layer=$ROOTS/$1.$2 lower=$3
	shift 3
	[ "$(cat "$layer/.ready" 2>/dev/null)" != "$*" ] || return 0
	say "installing into the root of $suite: $*"
	rm -rf "$layer"
	root_lists "$suite" "$layer/upper"
	! declare -F "prepare_$name" >/dev/null || "prepare_$name" "$layer/upper"
	in_root "$layer" "$lower" env DEBIAN_FRONTEND=noninteractive \
		apt-get install -qq -y --no-install-recommends "$@" >"$layer.log" 2>&1 ||
		{ tail -n 5 "$layer.log"; return 1; }
	# when, for those that build on it
	date +%s.%N >"$layer/.made"
	echo "$*" >"$layer/.ready"
}

# The suite's root with what ours depend on: ready_layers.
suite_root() {
	suite_init "$1" && locked "roots-$1" clean_root "$1" &&
		locked "roots-$1" layer "$1" ready "$ROOTS/$1" \
			dkms libmount1 libsmartcols1 libjson-c5 libncursesw6
}
ready_layers() { echo "$ROOTS/$1.ready/upper:$ROOTS/$1"; }

# An initramfs with what QEMU has, not with what any machine might have: the emulator is slow.
prepare_system() {
	mkdir -p "$1/etc/initramfs-tools/conf.d"
	printf '%s\n' virtio_pci virtio_blk ext4 >"$1/etc/initramfs-tools/modules"
	printf '%s\n' MODULES=list COMPRESS=gzip >"$1/etc/initramfs-tools/conf.d/tests"
}
# The same with a kernel, its headers and systemd, and the programs of others that meet our
# packages there: system_layers.
system_root() {
	suite_root "$1" && locked "roots-$1" layer "$1" system "$(ready_layers "$1")" \
		linux-image-cloud-amd64 linux-headers-cloud-amd64 initramfs-tools \
		systemd-sysv udev dbus libpam-systemd procps less tmux \
		podman crun lxc busybox-static autopkgtest \
		linux-perf trace-cmd bpftrace stress-ng
}
system_layers() { echo "$ROOTS/$1.system/upper:$(ready_layers "$1")"; }

# --- our packages -------------------------------------------------------------------

version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$TOP/dkms.conf")
# shellcheck disable=SC2034 # of who sources this
newer=$version.1

need_debs() {
	need_tools
	need dpkg-buildpackage:dpkg-dev dh:debhelper dh_dkms:dh-dkms
}

# Of no use to anybody else.
export DEBFULLNAME="The tests of this tree" DEBEMAIL=nobody@tests.example

# build_debs: into $WORK/debs.
build_debs() {
	"$TOP/tools/package" deb "$WORK/debs" &&
		ls "$WORK/debs"/{container-dkms,container-dev}_"$version"_all.deb \
			"$WORK/debs/containerctl_$version"_*.deb
}

# The source package builds itself, with no git at hand; one of a higher version. Only
# what depends on no architecture: the program is compiled once.
build_newer_debs() {
	rm -rf "$WORK/newer"
	mkdir "$WORK/newer" &&
		tar -x -f "$WORK/debs/container_$version.tar.xz" -C "$WORK/newer" --strip-components=1 &&
		sed -i "s/^PACKAGE_VERSION=.*/PACKAGE_VERSION=\"$newer\"/" "$WORK/newer/dkms.conf" &&
		"$WORK/newer/tools/package" deb "$WORK/debs" --build=all &&
		ls "$WORK/debs"/{container-dkms,container-dev}_"$newer"_all.deb
}
