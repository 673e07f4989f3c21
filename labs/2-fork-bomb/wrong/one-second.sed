# SPDX-License-Identifier: GPL-2.0
# loses: rate
# file: solution.sh
/forkrate_interval/d
