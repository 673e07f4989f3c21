# SPDX-License-Identifier: GPL-2.0
# loses: held
# file: solution.sh
# the most there ever was
/^held/,/^}/ s/numfiles.held/numfiles.maxheld/
