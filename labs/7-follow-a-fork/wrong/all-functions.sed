# SPDX-License-Identifier: GPL-2.0
# loses: arm
# file: solution.sh
# without a filter: all of them
/^arm/,/^}/ s/echo "$\*"/echo/
