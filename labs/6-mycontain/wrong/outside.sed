# SPDX-License-Identifier: GPL-2.0
# loses: container
# file: mycontain.c
# makes a container, and does not enter it
s/write(fd, "0", 1) != 1/fd == 0/
