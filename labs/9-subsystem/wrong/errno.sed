# SPDX-License-Identifier: GPL-2.0
# loses: refuse
# file: quota/container_quota.c
# says that memory is short
s/return -EAGAIN/return -ENOMEM/
