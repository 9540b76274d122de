/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_choice.h"

#include "lib/filter.h"

bool flow_is_wanted(const struct flow *flow, const struct process_filter *filter,
		    struct process_table *processes)
{
	struct process_names names;

	if (!filter || !filter->n_names)
		return true;
	if (!flow->connection.owner.tgid)
		return false;
	process_table_find(processes, &flow->connection.owner, false, &names);
	return filter_wants_name(filter, names.name);
}

/* The one that began it; else the one with the higher port, as clients have. Both may be of one
 * socket that two processes share. */
static bool is_first_end(const struct flow *flow)
{
	const struct flow *peer = flow->peer;

	if (!peer)
		return true;
	if (flow->direction != peer->direction)
		return flow->direction == FLOW_OUT || peer->direction == FLOW_IN;
	if (flow->connection.lport != peer->connection.lport)
		return flow->connection.lport > peer->connection.lport;
	if (flow->id.cookie != peer->id.cookie)
		return flow->id.cookie < peer->id.cookie;
	return flow->id.tgid < peer->id.tgid;
}

bool flow_stands_for_both(const struct flow *flow, const struct process_filter *filter,
			  struct process_table *processes)
{
	return is_first_end(flow) || !flow_is_wanted(flow->peer, filter, processes);
}
