# SPDX-License-Identifier: GPL-2.0
# loses: scheduler
# file: solution.sh
s#"/proc/$1/task"/\*/schedstat#"/proc/$1/task/$1/schedstat"#
