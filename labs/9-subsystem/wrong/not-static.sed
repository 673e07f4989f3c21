# SPDX-License-Identifier: GPL-2.0
# loses: sparse
# file: quota/container_quota.c
# a name that the whole kernel can see
s/^static struct container_subsys quota_subsys/struct container_subsys quota_subsys/
