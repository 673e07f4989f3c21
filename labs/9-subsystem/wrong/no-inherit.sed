# SPDX-License-Identifier: GPL-2.0
# loses: inherit
# file: quota/container_quota.c
/^static int quota_inherit/,/^}/ s/->max = READ_ONCE(.*/->max = INT_MAX;/
