# SPDX-License-Identifier: GPL-2.0
# loses: stop
# file: solution.sh
# ends what has the same name, too
s#echo 1 >"$1/bomb/kill_on_rmdir"#killall -9 sleep; until [ -z "$(cat "$1/bomb/tasks")" ]; do true; done#
