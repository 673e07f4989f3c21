# SPDX-License-Identifier: GPL-2.0
# loses: q1
# file: answers.txt
s/^1:.*/1: ENOTEMPTY/
