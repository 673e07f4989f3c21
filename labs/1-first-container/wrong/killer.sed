# SPDX-License-Identifier: GPL-2.0
# loses: remove
# file: solution.sh
# removes the members with the containers
s#cat "$1/jobs/tasks" "$1/jobs/night/tasks" | while read -r tid; do#echo 1 >"$1/jobs/kill_on_rmdir"; for tid in ""; do#
s#rmdir "$1/jobs/night" "$1/jobs"#rmdir "$1/jobs"#
