# SPDX-License-Identifier: GPL-2.0
# loses: limit
# file: solution.sh
s/max_shares=5$/max_shares=50/
s/max_shares=5 /max_shares=50 /
