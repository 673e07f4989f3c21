# SPDX-License-Identifier: GPL-2.0
# loses: read
# file: tally/container_tally.c
# takes the pointer without a read-side section
/^\trcu_read_\(un\)*lock();/d
