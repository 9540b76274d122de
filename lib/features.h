/* SPDX-License-Identifier: GPL-2.0-only */
/* What a kernel offers a tool and what the tool uses of it, for people and scripts (--features). */
#ifndef LIB_FEATURES_H
#define LIB_FEATURES_H

#include <stdbool.h>

#include "lib/base.h"
#include "lib/output.h"

struct feature {
	const char *name;  /* snake_case, a key for scripts */
	const char *gives; /* what for, one line */
	bool available;	   /* the kernel has it */
	bool used;	   /* and the tool uses it, with these options */
};

/* Prints @n features of @tool: a table, JSON (an object a line: type "feature", tool, name,
 * available, used, gives) or CSV, with a header unless @header is false (not in JSON). Returns 0 or
 * a negative errno. */
int features_print(FILE *file, const char *tool, const struct feature *features, size_t n,
		   enum output_format format, bool header);

#endif
