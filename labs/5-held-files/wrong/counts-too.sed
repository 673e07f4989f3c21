# SPDX-License-Identifier: GPL-2.0
# loses: holders
# file: solution.sh
# the number of files, too; release takes only the first column, and works
/^holders/,/^}/ s#sed 's/ .*//'#cat#
s#holders "$1" | xargs kill#holders "$1" | sed 's/ .*//' | xargs kill#
