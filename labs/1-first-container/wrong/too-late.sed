# SPDX-License-Identifier: GPL-2.0
# loses: inherit
# file: solution.sh
# runs the command first, and enters the container when that has ended
/^start_in/,/^}/ {
	s#echo 0 >.*#dir=$1#
	s#"$@"#"$@"; echo 0 >"$dir/jobs/night/tasks"#
}
