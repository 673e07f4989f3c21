/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parsing of values that users write to control files.
 */
#ifndef _CONTAINER_PARSE_H
#define _CONTAINER_PARSE_H

int container_parse_number(const char *s, unsigned long max, unsigned long *value);

#endif /* _CONTAINER_PARSE_H */
