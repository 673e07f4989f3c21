# SPDX-License-Identifier: GPL-2.0
# loses: refused
# file: solution.sh
# the container alone
/^refused/,/^}/ s#/\\1 \\2/p#/\\1/p#
