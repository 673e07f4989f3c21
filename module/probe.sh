#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# probe.sh SOURCE HEADER KERNEL COMPILER FLAG...: compiles SOURCE, a file of probes, and
# writes HEADER, with a line for each probe that passes. KERNEL is the build directory of
# the kernel whose headers are probed. HEADER is touched only if it changes, and is whole at
# any time: several makes may ask at once. Says nothing unless something is wrong.

source=$1 header=$2 kernel=$3
shift 3
export LC_ALL=C

fail() {
	echo "$source: $*" >&2
	exit 1
}

dir=$(dirname "$header")
tmp=$header.$$
{ mkdir -p "$dir" && : >"$tmp"; } 2>/dev/null ||
	fail "cannot write $dir: builds write beside their sources, or into MO= where the kernel knows it (6.13)"
trap 'rm -f "$tmp" "$tmp.log"' EXIT

# Reports all errors. A warning is no error, but for the three that stand for errors which
# old compilers and C dialects let pass.
everything=-fmax-errors=0
"$@" --version 2>/dev/null | grep -qi clang && everything=-ferror-limit=0
"$@" -fsyntax-only -fno-diagnostics-color $everything -Wno-error \
	-Werror=implicit-function-declaration -Werror=incompatible-pointer-types \
	-Werror=int-conversion "$source" >"$tmp.log" 2>&1

probe='^[A-Z_]*:[0-9]*:[0-9]*: error: '
failed=$(grep "$probe" "$tmp.log" | cut -d : -f 1 | sort -u)
if grep -v "$probe" "$tmp.log" | grep '^[^ ]*: \(fatal \)\?error: ' >"$tmp"; then
	head -n 5 "$tmp" >&2
	fail "the kernel's headers do not compile with '$1'"
fi

# Identifies the kernel and the state of its headers.
kernel=$(cd "$kernel" && cat include/generated/utsrelease.h include/generated/autoconf.h \
	Module.symvers 2>/dev/null | cksum)
{
	echo "/* SPDX-License-Identifier: GPL-2.0 */"
	echo "/* Made by probe.sh for kernel $kernel; do not edit. */"
	sed -n 's/^#line 1 "\([A-Z_]*\)"$/\1/p' "$source" | while read -r name; do
		echo "$failed" | grep -qx "$name" || echo "#define COMPAT_HAS_$name 1"
	done
} >"$tmp"
if ! grep -q 'COMPAT_HAS_EVERYTHING ' "$tmp" || grep -q 'COMPAT_HAS_NOTHING ' "$tmp"; then
	head -n 20 "$tmp.log" >&2
	fail "cannot ask '$1' what the kernel's headers have"
fi
# make compares times, and the headers of another kernel may be older than what was built
# with the last one's. Without its .cmd files it builds everything anew.
if [ -e "$header" ] && ! grep -qF " kernel $kernel;" "$header"; then
	find "$dir/.." -maxdepth 3 -name '.*.cmd' -exec rm -f {} +
fi
cmp -s "$tmp" "$header" || mv "$tmp" "$header"
