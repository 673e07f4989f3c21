# SPDX-License-Identifier: GPL-2.0
# loses: members
# file: solution.sh
s# "$1/jobs/night/tasks" | sort -n# | sort -n#
