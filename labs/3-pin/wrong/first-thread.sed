# SPDX-License-Identifier: GPL-2.0
# loses: where
# file: solution.sh
s#"/proc/$1/task"/\*#"/proc/$1/task/$1"#
