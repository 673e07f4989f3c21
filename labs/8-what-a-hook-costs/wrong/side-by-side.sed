# SPDX-License-Identifier: GPL-2.0
# loses: deep
# file: solution.sh
# ten containers beside each other
/^deep/,/^}/ s/mkdir $dir$/mkdir \/mnt\/$level; dir=\/mnt\/$level/
