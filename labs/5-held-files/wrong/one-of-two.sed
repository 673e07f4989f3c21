# SPDX-License-Identifier: GPL-2.0
# loses: release
# file: solution.sh
# ends one of two, and does not wait
s#holders "$1" | xargs kill#holders "$1" | head -n 1 | xargs kill#
/until .*held/,/done/d
