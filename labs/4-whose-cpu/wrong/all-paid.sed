# SPDX-License-Identifier: GPL-2.0
# loses: paid
# file: solution.sh
# forgives everybody
s#echo 0 >"$1/$2/cpuacct.usage"#for user in "$1"/*/; do echo 0 >"$user/cpuacct.usage"; done#
