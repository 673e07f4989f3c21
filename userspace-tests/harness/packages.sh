# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Packages: those of this machine, which are installed where they are missing, and those
# of a Debian suite, which are unpacked into the cache.

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

# suite_depends SUITE PATTERN PACKAGE...: of the packages and of all that they
# depend on, at any distance, the names that match the pattern.
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
