# SPDX-License-Identifier: GPL-2.0
# loses: clean
# file: mycontain.c
# leaves the container there
s/if (rmdir(path))/if (!path[0])/
