# SPDX-License-Identifier: GPL-2.0
# loses: jobs
# file: solution.sh
s#echo "$(basename "$job") $(cat "$job/cputime.ms")"#echo "$(basename "$job") $(cat "$job/cputime.ms")000000"#
