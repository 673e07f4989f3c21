# SPDX-License-Identifier: GPL-2.0
# loses: read
# file: tally/container_tally.c
# frees what readers have
/^\t\tcall_rcu(&old->rcu, tally_free);/ s/.*/\t\tkfree(old);\n\t\tatomic_dec(\&tallies);/
