# SPDX-License-Identifier: GPL-2.0
# loses: cancel
# file: quota/container_quota.c
# keeps what it has counted for a fork that fails later
/^static void quota_cancel_fork/,/^}/ s/atomic_dec(.*/atomic_read(\&quota_of(cont)->born);/
