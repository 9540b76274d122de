/* SPDX-License-Identifier: GPL-2.0-only */
/* The lines of an interval: accounts with their names, the ended ones folded, in order. */
#ifndef PROCTOP_LINES_H
#define PROCTOP_LINES_H

#include "lib/buffer.h"
#include "lib/options.h"
#include "tools/proctop_row.h"

/* What is wanted, and in which order; may change from one interval to the next. */
struct lines_options {
	const struct process_filter *filter; /* -n; borrowed */
	bool fold;			     /* the ended by name and parent's name, as one line */
	bool threads;			     /* accounts are of threads: by their own names */
	bool tree;			     /* children behind their parents */
	bool no_kernel;			     /* no kernel threads */
	bool by_uid;			     /* only user @uid */
	uint32_t uid;
	const char *text;	 /* only names or command lines with this; NULL: all; any case */
	enum proctop_field sort; /* column */
	bool invert;
};

struct lines;

/* Returns 0 or -ENOMEM. */
int lines_new(struct lines **ret_lines);
void lines_free(struct lines *lines);
static inline void lines_freep(struct lines **lines)
{
	lines_free(*lines);
	*lines = NULL;
}

/* Makes the lines of the interval that ends at @boot_ns (CLOCK_BOOTTIME). They are valid until the
 * next call, or until the ledger changes. Returns how many, or -ENOMEM. */
ssize_t lines_make(struct lines *lines, struct ledger *ledger, struct process_table *processes,
		   const struct lines_options *options, uint64_t boot_ns, struct line **ret_lines);

/* Is @text in the name, or in the command line as one types it? Case does not matter. */
bool lines_has_text(const struct process_names *names, const char *text);

/* Appends the name of an ended process's parent, with its NUL. */
void lines_parent_name(struct process_table *processes, const struct account *account,
		       struct buffer *buffer);

#endif
