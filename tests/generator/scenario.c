// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "tests/generator/die.h"
#include "tests/generator/scenario.h"

const struct scenario *scenario_of(const struct scenario *const tables[], size_t n,
				   const char *name)
{
	for (size_t i = 0; i < n; i++) {
		for (const struct scenario *scenario = tables[i]; scenario->name; scenario++) {
			if (!strcmp(scenario->name, name))
				return scenario;
		}
	}
	die("no scenario %s", name);
}
