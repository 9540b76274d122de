/* SPDX-License-Identifier: GPL-2.0-only */
/* Which flows are shown, and which end stands for both. Pure. */
#ifndef FLOWATTR_CHOICE_H
#define FLOWATTR_CHOICE_H

#include "tools/flowattr_table.h"

struct process_filter;

/* Does its owner pass -n? @filter: NULL: all do. */
bool flow_is_wanted(const struct flow *flow, const struct process_filter *filter,
		    struct process_table *processes);

/* A flow with both ends on this machine is shown once, where each end is not shown for its own:
 * is this the end to show? The one that began it, unless only the other one is wanted, or has
 * turned. */
bool flow_stands_for_both(const struct flow *flow, const struct process_filter *filter,
			  struct process_table *processes);

/* Only this end of a flow is shared by processes that call: from now on it is the one to show. To
 * be called at each interval's end, before it is divided. */
void flow_turn(struct flow *flow);

#endif
