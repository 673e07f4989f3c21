# SPDX-License-Identifier: GPL-2.0
# loses: both
# file: solution.sh
/echo 0 >"$2\/$4\/tasks"/d
