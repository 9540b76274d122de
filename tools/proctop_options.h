/* SPDX-License-Identifier: GPL-2.0-only */
/* proctop's command line. */
#ifndef PROCTOP_OPTIONS_H
#define PROCTOP_OPTIONS_H

#include <stdbool.h>

#include "lib/interval.h"
#include "lib/options.h"
#include "tools/proctop_row.h"

struct proctop_options {
	struct options common;
	struct interval interval;
	uint64_t rows_max; /* lines of an interval; 0: all */
	bool batch;	   /* no full-screen view */
	bool no_net;
	enum proctop_field sort;
	struct output_options output; /* fd is not set */
};

/* Parses, or exits with what there is to say. */
void proctop_options_parse(int argc, char **argv, struct proctop_options *ret_options);

/* Does any output want command lines? */
bool proctop_options_need_args(const struct proctop_options *options);

/* Does any output want fields that are made of others? */
bool proctop_options_need_table_fields(const struct proctop_options *options);

/* With a COMMAND and no INTERVAL, a table comes once, at the end, of all that ran. */
bool proctop_options_sum_up(const struct proctop_options *options);

#endif
