# SPDX-License-Identifier: GPL-2.0
# loses: host
# file: mycontain.c
# the host has the name that it had
s/if (sethostname(name, strlen(name)))/if (!name[0])/
