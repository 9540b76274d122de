/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_split.h"

#include <stdlib.h>
#include <string.h>

#include "tools/flowattr_choice.h"

struct bytes {
	uint64_t tx, rx;
};

struct share {
	struct process_id caller;
	struct bytes called; /* by its calls, ever */
	struct bytes given;  /* of that, shown in earlier intervals */
	struct bytes part;   /* in this interval */
	bool hidden;	     /* no filter wants it: it has no line */
	struct flow line;    /* `part`, as a flow of its own */
	struct share *next;
};

struct split {
	struct share *shares;
	struct flow own; /* what is left to the owner */
};

static bool is_same(const struct process_id *a, const struct process_id *b)
{
	return a->tgid == b->tgid && a->start_ns == b->start_ns;
}

static struct share *find_share(struct split *split, const struct process_id *caller)
{
	struct share *share = split->shares;

	while (share && !is_same(&share->caller, caller))
		share = share->next;
	return share;
}

static struct share *add_share(struct split *split)
{
	struct share *share = calloc(1, sizeof(*share));
	struct share **at = &split->shares;

	if (!share)
		return NULL;
	while (*at)
		at = &(*at)->next;
	*at = share;
	return share;
}

int split_take(struct split **split, const struct share_record *record,
	       struct process_table *processes)
{
	struct share *share;

	if (!*split)
		*split = calloc(1, sizeof(**split));
	if (!*split)
		return -ENOMEM;
	share = find_share(*split, &record->caller);
	if (!share)
		share = add_share(*split);
	if (!share)
		return -ENOMEM;
	process_table_pin(processes, &record->caller);
	process_table_unpin(processes, &share->caller);
	share->caller = record->caller;
	share->hidden = record->flags & SHARE_UNWANTED;
	if (record->tx_bytes > share->called.tx)
		share->called.tx = record->tx_bytes;
	if (record->rx_bytes > share->called.rx)
		share->called.rx = record->rx_bytes;
	return 0;
}

void split_free(struct split *split, struct process_table *processes)
{
	if (!split)
		return;
	while (split->shares) {
		struct share *share = split->shares;

		split->shares = share->next;
		process_table_unpin(processes, &share->caller);
		free(share);
	}
	free(split);
}

/* What each has called for and not been given. Where less than all of it has passed, each gets the
 * same fraction; the last one what rounding leaves. */
static uint64_t take_part(uint64_t wanted, uint64_t *rest, uint64_t *all)
{
	uint64_t part = wanted;

	if (*all > *rest)
		part = (uint64_t)((unsigned __int128)*rest * wanted / *all);
	*rest -= part;
	*all -= wanted;
	return part;
}

static void give_parts(struct split *split, struct bytes rest)
{
	struct bytes all = {};

	for (const struct share *share = split->shares; share; share = share->next) {
		all.tx += share->called.tx - share->given.tx;
		all.rx += share->called.rx - share->given.rx;
	}
	for (struct share *share = split->shares; share; share = share->next) {
		share->part.tx = take_part(share->called.tx - share->given.tx, &rest.tx, &all.tx);
		share->part.rx = take_part(share->called.rx - share->given.rx, &rest.rx, &all.rx);
	}
}

/* As a flow of the caller's, with nothing but its bytes. */
static void make_line(struct share *share, const struct flow *flow)
{
	struct flow *line = &share->line;

	*line = *flow;
	line->split = NULL;
	line->connection.owner = share->caller;
	line->connection.owner_src = OWNER_CALL;
	line->before =
		(struct flow_counts){.tx_bytes = share->given.tx, .rx_bytes = share->given.rx};
	line->now = (struct flow_counts){.tx_bytes = share->given.tx + share->part.tx,
					 .rx_bytes = share->given.rx + share->part.rx};
}

void split_divide(struct flow *flow)
{
	struct split *split = flow->split;
	struct flow_counts carried;

	if (!split)
		return;
	flow_turn(flow);
	carried = flow_in_interval(flow);
	give_parts(split, (struct bytes){carried.tx_bytes, carried.rx_bytes});
	split->own = *flow;
	split->own.split = NULL;
	for (struct share *share = split->shares; share; share = share->next) {
		make_line(share, flow);
		if (is_same(&share->caller, &flow->connection.owner))
			continue;
		split->own.before.tx_bytes -= share->given.tx;
		split->own.before.rx_bytes -= share->given.rx;
		split->own.now.tx_bytes -= share->given.tx + share->part.tx;
		split->own.now.rx_bytes -= share->given.rx + share->part.rx;
	}
}

void split_next_interval(struct split *split)
{
	for (struct share *share = split ? split->shares : NULL; share; share = share->next) {
		share->given.tx += share->part.tx;
		share->given.rx += share->part.rx;
		share->part = (struct bytes){};
	}
}

bool split_is_shared(const struct flow *flow)
{
	const struct share *share = flow->split ? flow->split->shares : NULL;

	while (share && is_same(&share->caller, &flow->connection.owner))
		share = share->next;
	return share;
}

const struct flow *split_part(const struct flow *flow, size_t at)
{
	const struct share *share;

	if (!split_is_shared(flow))
		return at ? NULL : flow;
	if (!at)
		return &flow->split->own;
	for (share = flow->split->shares; share; share = share->next) {
		if (share->hidden || is_same(&share->caller, &flow->connection.owner))
			continue;
		if (!--at)
			return &share->line;
	}
	return NULL;
}
