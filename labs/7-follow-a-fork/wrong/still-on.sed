# SPDX-License-Identifier: GPL-2.0
# loses: disarm
# file: solution.sh
# the events stay on
/^disarm/,/^}/ {
	/events/d
}
