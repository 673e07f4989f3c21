# SPDX-License-Identifier: GPL-2.0
# loses: limited
# file: solution.sh
# one limit of two
/^limited/,/^}/ s/,bc//
