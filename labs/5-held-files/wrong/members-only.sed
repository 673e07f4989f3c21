# SPDX-License-Identifier: GPL-2.0
# loses: why
# file: solution.sh
# takes a charged file for a member
s/echo files/echo members/
