# SPDX-License-Identifier: GPL-2.0
# loses: calls
# file: solution.sh
# forks of others, too
/^calls/,/^}/ {
	/set_ftrace_pid/d
	/function-fork/d
}
