/* SPDX-License-Identifier: GPL-2.0-only */
/* flowattr's command line. */
#ifndef FLOWATTR_OPTIONS_H
#define FLOWATTR_OPTIONS_H

#include <stdbool.h>

#include "bpf/connection.h"
#include "lib/interval.h"
#include "lib/options.h"
#include "tools/flowattr_lines.h"

struct flowattr_options {
	struct options common;
	struct traffic_filter traffic;
	struct interval interval;
	enum flow_lines_by by;
	enum flow_lines_sort sort;
	uint64_t rows_max;	      /* in an interval; 0: all */
	const char *interface;	      /* whose counters the total has; NULL: all */
	bool packets;		      /* --packets, -w or -r: packets, not flows */
	const char *write_file;	      /* -w; "-": standard output; NULL: lines */
	const char *read_file;	      /* -r; "-": standard input; NULL: from the kernel */
	uint8_t packet_direction;     /* -Q: enum packet_direction of bpf/packets.h; 0: both */
	uint32_t snaplen;	      /* bytes; 0: as much as it takes */
	char expression[4096];	      /* FILTER in tcpdump's words; "": all */
	bool reconcile;		      /* every packet is counted, beside the interfaces' counters */
	bool split;		      /* --split-shared: sockets' bytes by who calls */
	bool batch;		      /* tables one below the other, on a terminal, too */
	bool view;		      /* a table that is refreshed in place */
	struct output_options output; /* complete but for the descriptor */
};

/* Returns, or exits as options_parse() does. `-F help` prints the fields and exits with 0. */
void flowattr_options_parse(int argc, char **argv, struct flowattr_options *ret_options);

/* Are times seconds since the start (-t), and not of the day? */
bool flowattr_options_count_seconds(const struct flowattr_options *options);

/* Is the field in any output? */
bool flowattr_options_show(const struct flowattr_options *options, size_t field);

/* Are fields shown that are made of others, for people (FIELD_TABLE)? */
bool flowattr_options_need_table_fields(const struct flowattr_options *options);

/* Are packets looked at, be it only to count them? */
bool flowattr_options_need_packets(const struct flowattr_options *options);

#endif
