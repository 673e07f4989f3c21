# SPDX-License-Identifier: GPL-2.0
# loses: mount
# file: solution.sh
s/-o cpuacct/-o numtasks/
