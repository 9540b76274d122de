/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_choice.h"

#include "lib/filter.h"
#include "tools/flowattr_split.h"

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

static bool any_part_is_wanted(const struct flow *flow, const struct process_filter *filter,
			       struct process_table *processes)
{
	const struct flow *part;

	for (size_t i = 0; (part = split_part(flow, i)); i++)
		if (flow_is_wanted(part, filter, processes))
			return true;
	return false;
}

/* The one that began it, unless the other one has turned; else the one with the higher port, as
 * clients have. Both may be of one socket that two processes share. */
static bool is_first_end(const struct flow *flow)
{
	const struct flow *peer = flow->peer;

	if (!peer)
		return true;
	if (flow->turned || peer->turned)
		return flow->turned;
	if (flow->direction != peer->direction)
		return flow->direction == FLOW_OUT || peer->direction == FLOW_IN;
	if (flow->connection.lport != peer->connection.lport)
		return flow->connection.lport > peer->connection.lport;
	if (flow->id.cookie != peer->id.cookie)
		return flow->id.cookie < peer->id.cookie;
	return flow->id.tgid < peer->id.tgid;
}

/* What has been told of one end is not told again of the other: that it is about to be sent or
 * received there included. */
static void go_on_from(struct flow *flow, const struct flow_counts *told)
{
	flow->before.tx_bytes = told->rx_bytes;
	flow->before.rx_bytes = told->tx_bytes;
	if (flow->now.tx_bytes < told->rx_bytes)
		flow->now.tx_bytes = told->rx_bytes;
	if (flow->now.rx_bytes < told->tx_bytes)
		flow->now.rx_bytes = told->tx_bytes;
}

void flow_turn(struct flow *flow)
{
	struct flow *peer = flow->peer;

	if (!peer || is_first_end(flow) || peer->turned || !split_is_shared(flow) ||
	    split_is_shared(peer))
		return;
	flow->turned = true;
	if (flow->based && peer->based)
		go_on_from(flow, &peer->before);
}

bool flow_stands_for_both(const struct flow *flow, const struct process_filter *filter,
			  struct process_table *processes)
{
	return is_first_end(flow) || !any_part_is_wanted(flow->peer, filter, processes);
}
