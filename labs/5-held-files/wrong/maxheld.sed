# SPDX-License-Identifier: GPL-2.0
# loses: refused
# file: solution.sh
s/numfiles.failcnt/numfiles.minheld/
