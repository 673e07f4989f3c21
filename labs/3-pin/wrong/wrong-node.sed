# SPDX-License-Identifier: GPL-2.0
# loses: set
# file: solution.sh
s#echo 0 >"$1/pinned/cpuset.mems"#echo 1 >"$1/pinned/cpuset.mems"#
