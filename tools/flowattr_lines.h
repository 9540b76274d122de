/* SPDX-License-Identifier: GPL-2.0-only */
/* What an interval shows: flows with traffic, or what --by joins of them, sorted. Pure. */
#ifndef FLOWATTR_LINES_H
#define FLOWATTR_LINES_H

#include <sys/types.h>

#include "lib/options.h"
#include "tools/flowattr_table.h"

enum flow_lines_by {
	LINES_BY_FLOW,
	LINES_BY_PROCESS,
	LINES_BY_REMOTE,
	LINES_BY_USER,
	LINES_BY_CGROUP,
};

enum flow_lines_sort {
	LINES_SORT_BYTES, /* both ways, most first; the next ones likewise */
	LINES_SORT_TX,
	LINES_SORT_RX,
	LINES_SORT_PACKETS,
	LINES_SORT_TX_TOTAL,
	LINES_SORT_RX_TOTAL,
	LINES_SORT_RTT,
	LINES_SORT_RETRANSMITS,
	LINES_SORT_FLOWS,
	LINES_SORT_PID, /* least first; the next ones likewise */
	LINES_SORT_USER,
	LINES_SORT_LOCAL,
	LINES_SORT_REMOTE,
	LINES_SORT_NAME,
};

struct flow_line {
	const struct flow *flow;   /* or one of those joined; NULL: "(others)" */
	struct flow_counts counts; /* in the interval */
	uint64_t flows;
};

struct flow_lines_options {
	enum flow_lines_by by;
	enum flow_lines_sort sort;
	uint64_t now_ns;		     /* end of the interval; UINT64_MAX: of the last */
	const struct process_filter *filter; /* only -n is looked at */
	struct process_table *processes;
};

struct flow_lines;

/* Returns 0 or -ENOMEM. */
int flow_lines_new(struct flow_lines **ret_lines);
void flow_lines_free(struct flow_lines *lines);
static inline void flow_lines_freep(struct flow_lines **lines)
{
	flow_lines_free(*lines);
	*lines = NULL;
}

/* A flow with both ends on this machine is one line, of the end that began it; but --by process,
 * user, cgroup each end counts for its own. Returns how many, borrowed until the next call, or
 * -ENOMEM. */
ssize_t flow_lines_make(struct flow_lines *lines, struct flow_table *table,
			const struct flow_lines_options *options,
			const struct flow_line **ret_lines);

#endif
