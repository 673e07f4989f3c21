# SPDX-License-Identifier: GPL-2.0
# loses: run
# file: solution.sh
# runs the command first, and enters the container when that has ended
/^run_in/,/^}/ {
	s#echo 0 >.*#dir=$1#
	s#"$@"#"$@"; echo 0 >"$dir/bomb/tasks"#
}
