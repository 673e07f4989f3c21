/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs that are /init of a guest share: the guest itself, the modules in /modules,
 * hierarchies of either kind, and members. Everything dies where something fails.
 */
#ifndef _GUEST_H
#define _GUEST_H

#include <stdbool.h>

/* Where the hierarchies are mounted. */
#define MNT "/container"
#define CG "/cgroup"

/* Mounts /proc, /sys and /dev. Return: false if this is no guest. */
bool guest_begin(void);

/* Switches the guest off; of another process, ends that. */
void power_off(void);

/* A number in the environment, from 1 to max. */
int number(const char *name, int def, int max);

/* Chooses the modules that load() loads and unload() unloads: names with commas, or NULL. */
void choose_modules(const char *list);
int chosen_modules(void);
void load(void);
/* A hierarchy that is dying may still hold them. */
void unload(void);

/* Mounts cgroup v1 with as many controllers as this kernel still has there; none: false. */
bool mount_cgroup(void);

/* Returns when the hierarchy has died, too. */
void unmount(const char *dir);

/* A container below one; what a new cpuset lacks it gets from that. */
void make_dir(const char *parent, const char *name);

/* The last member may still be on its way out. */
void remove_dir(const char *path);

/* One process of n threads, in the container of that directory, if it is not NULL. One at a time. */
void members_start(const char *dir, int n);
void members_stop(void);

#endif /* _GUEST_H */
