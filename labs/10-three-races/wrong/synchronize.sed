# SPDX-License-Identifier: GPL-2.0
# loses: unload
# file: tally/container_tally.c
# waits for readers, and not for callbacks
s/^\trcu_barrier();/\tsynchronize_rcu();/
