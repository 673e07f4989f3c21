# SPDX-License-Identifier: GPL-2.0
# loses: root
# file: solution.sh
# as loaded: what is not mounted has no hooks
/^root/,/^}/ s/mount -t.*/modprobe container_cpuacct/
