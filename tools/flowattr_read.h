/* SPDX-License-Identifier: GPL-2.0-only */
/* flowattr -r: prints a pcapng file, of flowattr's own or of other programs, as --packets prints
 * packets. No rights and no kernel are needed. */
#ifndef FLOWATTR_READ_H
#define FLOWATTR_READ_H

#include "lib/options.h"

struct flowattr_read_options {
	const char *file;		      /* "-": standard input */
	const char *expression;		      /* NULL: all */
	const struct traffic_filter *traffic; /* borrowed; NULL: all */
	const struct process_filter *process; /* borrowed; NULL: all. -p and -n: the file knows no
					       * others, who calls refuses them */
	const char *interface;		      /* name; NULL: all */
	uint8_t direction;		      /* enum packet_direction; 0: both */
	uint64_t count;			      /* packets; 0: no end */
	enum output_format format;
	bool selected; /* -F was given: */
	struct output_selection selection;
	bool header;
	bool seconds; /* lines begin with the seconds since the first packet */
};

/* Reads it all. Returns 0, also when nobody reads the output any more; -EINVAL for a bad expression
 * (bad usage); or another negative errno: the file cannot be read, is not pcapng, is damaged, or
 * the output cannot be written. An error says why; what was good before that has been printed. */
int flowattr_read(const struct flowattr_read_options *options, struct error *error);

#endif
