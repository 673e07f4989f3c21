# SPDX-License-Identifier: GPL-2.0
# loses: loaded
# file: solution.sh
# what a fork costs in all
/^loaded/,/^}/ s/added "$1"/cost/
