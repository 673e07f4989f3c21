# SPDX-License-Identifier: GPL-2.0
# loses: refused
# file: solution.sh
s/Number of failures/Number of successes/
