# SPDX-License-Identifier: GPL-2.0
# loses: proc
# file: mycontain.c
# a new pid namespace, and the old /proc
/mount("proc"/,+1d
