# SPDX-License-Identifier: GPL-2.0
# loses: prevent
# file: solution.sh
# copies the settings, and does not set the flag
/^prevent/,/^}/ {
	/clone_children/d
	s#mkdir "$1/fine"#&; cat "$1/cpuset.cpus" >"$1/fine/cpuset.cpus"; cat "$1/cpuset.mems" >"$1/fine/cpuset.mems"#
}
