/* SPDX-License-Identifier: GPL-2.0-only */
/* How a generator gives up. */
#ifndef GENERATOR_DIE_H
#define GENERATOR_DIE_H

extern const char generator_name[]; /* the program's: it defines it */

/* Any surprise: writes it to stderr, with errno, and ends the process with status 1. */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
