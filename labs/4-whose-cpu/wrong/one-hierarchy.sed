# SPDX-License-Identifier: GPL-2.0
# loses: two
# file: solution.sh
# both subsystems in one hierarchy, where a task has one place and not two
s#-o cpuacct users#-o cpuacct,cputime users#
/-o cputime jobs/d
