# SPDX-License-Identifier: GPL-2.0
# loses: port
# file: visits/container_visits.c
# takes whatever is written for a zero
/if (c != '0')/,+1d
