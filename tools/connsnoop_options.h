/* SPDX-License-Identifier: GPL-2.0-only */
/* connsnoop's command line. */
#ifndef CONNSNOOP_OPTIONS_H
#define CONNSNOOP_OPTIONS_H

#include <stdbool.h>

#include "bpf/connection.h"
#include "lib/options.h"

struct connsnoop_options {
	struct options common;
	struct traffic_filter traffic;
	uint32_t events;	      /* EVENT_BIT()s */
	uint64_t idle_ns;	      /* a flow of datagrams is over after that */
	bool failed;		      /* only connects that failed */
	bool list;		      /* print what is open and end */
	bool listening;		      /* only listeners of that */
	bool existing;		      /* print what is open, then go on streaming */
	bool args;		      /* the command line in the table */
	struct output_options output; /* complete but for the descriptor */
};

/* Returns, or exits as options_parse() does. `-F help` prints the fields and exits with 0. */
void connsnoop_options_parse(int argc, char **argv, struct connsnoop_options *ret_options);

/* Does any output show command lines? If not they need not be looked up. */
bool connsnoop_options_need_args(const struct connsnoop_options *options);

/* Does it show fields that are made of others, for people (FIELD_TABLE)? */
bool connsnoop_options_need_table_fields(const struct connsnoop_options *options);

#endif
