# SPDX-License-Identifier: GPL-2.0
# loses: unload
# file: tally/container_tally.c
# waits before the last callbacks are there
/^\trcu_barrier();/d
s/^\tcontainer_unregister_subsys/\trcu_barrier();\n&/
