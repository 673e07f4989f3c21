# SPDX-License-Identifier: GPL-2.0
# loses: story
# file: solution.sh
# leaves out who moves
/^story/,/^}/ s/for event in mkdir attach rmdir/for event in mkdir rmdir/
