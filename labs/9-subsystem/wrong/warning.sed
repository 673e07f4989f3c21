# SPDX-License-Identifier: GPL-2.0
# loses: build
# file: quota/container_quota.c
# compiles, with a word of warning
s/^\tint max = READ_ONCE.*/\tint unused;\n&/
