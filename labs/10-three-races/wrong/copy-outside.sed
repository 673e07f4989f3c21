# SPDX-License-Identifier: GPL-2.0
# loses: count
# file: tally/container_tally.c
# makes the copy before it has the lock
/^\tspin_lock(&t->lock);/d
s/^\told = rcu_dereference_protected.*/\told = rcu_dereference_protected(t->now, true);/
s/^\tnew = kmemdup.*/&\n\tspin_lock(\&t->lock);/
