# SPDX-License-Identifier: GPL-2.0
# loses: pin
# file: solution.sh
# moves the first thread alone
s#pinned/procs"#pinned/tasks"#
