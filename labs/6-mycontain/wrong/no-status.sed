# SPDX-License-Identifier: GPL-2.0
# loses: status
# file: mycontain.c
# whether it ended well does not matter
s/return WIFEXITED(status).*/return WIFEXITED(status) ? 0 : 1;/
