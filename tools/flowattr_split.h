/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a TCP socket carried, shared out among the processes that called on it (--split-shared). The
 * kernel's counters of the socket are the sum; each process has of it what its calls returned, as
 * far as that has passed by then; the rest (what is sent or read past the hooks, by a call that has
 * not returned yet) is the owner's, with the packets. Pure.
 */
#ifndef FLOWATTR_SPLIT_H
#define FLOWATTR_SPLIT_H

#include "tools/flowattr_table.h"

struct split;

/* What a process has called for by now. *@split is made when there is none. Returns 0 or -ENOMEM.
 */
int split_take(struct split **split, const struct share_record *record,
	       struct process_table *processes);
void split_free(struct split *split, struct process_table *processes); /* NULL: none */

/* Shares out what @flow carried in the interval. May be done again. */
void split_divide(struct flow *flow);

/* What was shared out last has been shown. @split: NULL: none. */
void split_next_interval(struct split *split);

/* Has anybody called on it but its owner? */
bool split_is_shared(const struct flow *flow);

/* The parts of a flow, each as a flow of its own, owned by who called: first that of the flow's
 * owner. @at: 0 at first. A flow that nobody else has called on is its own only part. NULL: that
 * was all. A part may be empty; it is borrowed until the next change of the split. */
const struct flow *split_part(const struct flow *flow, size_t at);

#endif
