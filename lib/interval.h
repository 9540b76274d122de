/* SPDX-License-Identifier: GPL-2.0-only */
/* [INTERVAL [COUNT]] on the command line, as vmstat(8) has it. */
#ifndef LIB_INTERVAL_H
#define LIB_INTERVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base.h"

struct interval {
	uint64_t ns;	/* length; in: the default */
	bool given;	/* the user gave it */
	uint64_t count; /* intervals; 0: no end */
};

/* One word of the two, for ARGP_KEY_ARG. Bad usage ends the program (options_usage()); @hint: what
 * else a word that is no number may have been meant for. */
void interval_word(struct interval *interval, const char *word, const char *hint);

#endif
