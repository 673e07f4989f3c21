/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of the API share: commands to container_apitest, and the callbacks that it
 * has noted.
 */
#ifndef TESTS_APIS_H
#define TESTS_APIS_H

#include "lib.h"

#define M "/tmp/m"
#define A M "/a"
#define BOTH "apitest0,apitest1"

/* The core and the module alone are loaded then. */
void setup_api(void);

/* Runs a command of the module; its errno. */
int cmd(const char *fmt, ...);

/* The callbacks since the last call, one after another. */
const char *events(void);

/*
 * The callbacks since the last call are these, of slots 0 and 1: "0 create 1;1
 * create 1". VIOLATIONs are among them, so never expected.
 */
void happened(const char *want, const char *what);
void forget_events(void);

/* Registers both slots and mounts them. */
void start(void);
void stop(void);

/* What /proc/containers says of hierarchies and subsystems, but for topcounts. */
const char *state(void);

#endif
