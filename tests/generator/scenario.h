/* SPDX-License-Identifier: GPL-2.0-only */
/* Scenarios, and how one is found by its name. */
#ifndef GENERATOR_SCENARIO_H
#define GENERATOR_SCENARIO_H

#include <stddef.h>

struct run; /* each program's own */

struct scenario {
	const char *name; /* as it is asked for */
	void (*play)(const struct run *run);
};

/* @tables: @n of them, each of which ends with a scenario without a name. There must be one that
 * has @name. */
const struct scenario *scenario_of(const struct scenario *const tables[], size_t n,
				   const char *name);

#endif
