# SPDX-License-Identifier: GPL-2.0
# loses: write
# file: quota/container_quota.c
# takes a negative number
s/ || max < 0//
