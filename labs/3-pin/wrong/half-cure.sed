# SPDX-License-Identifier: GPL-2.0
# loses: cure
# file: solution.sh
# CPUs, but no memory
/strange\/cpuset.mems/d
