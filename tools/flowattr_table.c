/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_table.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "tools/connection_words.h"
#include "tools/flowattr_choice.h"
#include "tools/flowattr_pairs.h"
#include "tools/flowattr_split.h"

#define UNSEEN_MAX                                                                                 \
	3 /* passes that did not show it: one that runs beside changes may leave some out */

struct flow_table {
	struct flow_table_options options;
	struct flow *flows; /* uthash */
	struct pairs pairs;
	struct flow *ended, **ended_end; /* what has ended, the first that did so first */
	struct flow_others others;
	uint64_t folded;  /* ends, in all intervals */
	uint64_t retired; /* flows whose socket has begun another */
};

int flow_table_new(const struct flow_table_options *options, struct flow_table **ret_table)
{
	struct flow_table *table = calloc(1, sizeof(*table));

	if (!table)
		return -ENOMEM;
	table->options = *options;
	if (!table->options.max)
		table->options.max = TABLE_MAX;
	table->ended_end = &table->ended;
	*ret_table = table;
	return 0;
}

static void delete_flow(struct flow_table *table, struct flow *flow)
{
	pairs_remove(&table->pairs, flow);
	split_free(flow->split, table->options.processes);
	process_table_unpin(table->options.processes, &flow->connection.owner);
	HASH_DEL(table->flows, flow);
	free(flow->nat);
	free(flow);
}

void flow_table_free(struct flow_table *table)
{
	if (!table)
		return;
	while (table->flows)
		delete_flow(table, table->flows);
	free(table);
}

static void end(struct flow_table *table, struct flow *flow, uint64_t ended_ns)
{
	flow->ended_ns = ended_ns;
	*table->ended_end = flow;
	table->ended_end = &flow->ended_next;
}

/* @flow is among those that have ended. */
static void leave_ended(struct flow_table *table, struct flow *flow)
{
	struct flow **at = &table->ended;

	while (*at != flow)
		at = &(*at)->ended_next;
	*at = flow->ended_next;
	if (!*at)
		table->ended_end = at;
}

static struct flow_id id_of(const struct connection *connection)
{
	struct flow_id id = {.cookie = connection->cookie, .protocol = connection->protocol};

	if (is_datagram(connection)) {
		memcpy(id.raddr, connection->raddr, sizeof(id.raddr));
		id.rport = connection->rport;
		id.tgid = connection->owner.tgid;
	}
	return id;
}

static struct flow *find(struct flow_table *table, const struct connection *connection)
{
	struct flow_id id = id_of(connection);
	struct flow *flow;

	HASH_FIND(hh, table->flows, &id, sizeof(id), flow);
	return flow;
}

/* What it has carried in the interval is told in "(others)", and not again by its own line. */
static void fold(struct flow_table *table, struct flow *flow, bool once)
{
	struct flow_counts counts = flow_in_interval(flow);

	if (flow_counts_empty(&counts) ||
	    !flow_is_wanted(flow, table->options.filter, table->options.processes))
		return;
	flow->before = flow->now;
	table->others.ends++;
	table->folded++;
	flow_counts_add(&table->others.ends_counts, &counts);
	if (!once)
		return;
	table->others.flows++;
	flow_counts_add(&table->others.counts, &counts);
}

static bool stands_for_both(const struct flow_table *table, const struct flow *flow)
{
	return flow_stands_for_both(flow, table->options.filter, table->options.processes);
}

/* What ended first goes first. Without it, its other end would be shown as another flow. */
static void make_room(struct flow_table *table)
{
	struct flow *flow = table->ended;

	if (!flow)
		return;
	table->ended = flow->ended_next;
	if (!table->ended)
		table->ended_end = &table->ended;
	if (flow->peer)
		fold(table, flow->peer, stands_for_both(table, flow->peer));
	fold(table, flow, stands_for_both(table, flow));
	delete_flow(table, flow);
}

/* @born: under the tool's eyes, hence with counters from 0. */
static int add(struct flow_table *table, const struct connection *connection, bool born,
	       struct flow **ret_flow)
{
	struct flow *flow = calloc(1, sizeof(*flow));
	int r;

	if (!flow)
		return -ENOMEM;
	if (HASH_COUNT(table->flows) >= table->options.max)
		make_room(table);
	flow->id = id_of(connection);
	flow->connection = *connection;
	flow->based = born;
	r = pairs_add(&table->pairs, table->options.nat, flow);
	if (r < 0) {
		free(flow);
		return r;
	}
	HASH_ADD(hh, table->flows, id, sizeof(flow->id), flow);
	process_table_pin(table->options.processes, &flow->connection.owner);
	*ret_flow = flow;
	return 0;
}

/* The addresses of a flow that begins are all there: only who owns it is told anew. */
static void set_owner(struct flow_table *table, struct flow *flow,
		      const struct connection *connection)
{
	struct process_table *processes = table->options.processes;

	if (!connection->owner.tgid && flow->connection.owner.tgid)
		return;
	process_table_pin(processes, &connection->owner);
	process_table_unpin(processes, &flow->connection.owner);
	flow->connection.owner = connection->owner;
	flow->connection.owner_src = connection->owner_src;
	flow->connection.state = connection->state;
}

/* A socket may carry one flow after the other: the one that has ended is shown yet, but no record
 * is of it any more. */
static void retire(struct flow_table *table, struct flow *flow)
{
	HASH_DEL(table->flows, flow);
	flow->id.past = ++table->retired;
	HASH_ADD(hh, table->flows, id, sizeof(flow->id), flow);
}

/* Has it ended, and is @connection another one of its socket? Told by what a socket connects to
 * next; a record of who owned it may come late. */
static bool is_past(const struct flow *flow, const struct connection *connection)
{
	const struct connection *c = &flow->connection;

	return flow->ended_ns && !is_datagram(c) &&
	       (c->lport != connection->lport || c->rport != connection->rport ||
		memcmp(c->raddr, connection->raddr, sizeof(c->raddr)) != 0);
}

int flow_table_begin(struct flow_table *table, const struct connection *connection,
		     enum flow_direction direction, uint64_t began_ns)
{
	struct flow *flow = find(table, connection);
	int r = 0;

	if (flow && is_past(flow, connection)) {
		retire(table, flow);
		flow = NULL;
	}
	if (!flow)
		r = add(table, connection, direction != 0, &flow);
	else if (!flow->ended_ns) /* a close has the last word */
		set_owner(table, flow, connection);
	if (r < 0)
		return r;
	if (direction && !flow->began_ns)
		flow->began_ns = began_ns;
	if (direction && !(flow->ended_ns && is_datagram(connection)))
		flow->direction = (uint8_t)direction;
	return 0;
}

static enum flow_direction direction_of(const struct close_record *record)
{
	if (is_datagram(&record->connection))
		return record->connection.owner_src == OWNER_RECV ? FLOW_IN : FLOW_OUT;
	return record->listener_pid ? FLOW_IN : FLOW_OUT;
}

int flow_table_count(struct flow_table *table, const struct close_record *record)
{
	struct flow *flow = find(table, &record->connection);
	int r = 0;

	if (flow && !flow->ended_ns && is_datagram(&flow->connection) && flow->began_ns &&
	    record->opened_ns > flow->began_ns)
		end(table, flow, record->opened_ns - 1); /* no record told of that */
	if (flow && flow->ended_ns && record->opened_ns > flow->ended_ns) {
		retire(table, flow);
		flow = NULL;
	}
	if (!flow)
		r = add(table, &record->connection, record->flags & CLOSE_BORN, &flow);
	else if (!flow->ended_ns)
		set_owner(table, flow, &record->connection);
	if (r < 0 || flow->ended_ns)
		return r;
	if (!flow->direction && record->flags & CLOSE_BORN)
		flow->direction = (uint8_t)direction_of(record);
	flow->unseen = 0;
	flow->began_ns = record->opened_ns;
	flow_take_counts(flow, record);
	if (record->header.type != RECORD_CLOSE)
		return 0;
	end(table, flow, record->header.ts_ns);
	return 0;
}

int flow_table_translate(struct flow_table *table, const struct nat_ends *ends)
{
	return pairs_translate(&table->pairs, ends);
}

int flow_table_share(struct flow_table *table, const struct share_record *record)
{
	const struct connection socket = {.cookie = record->cookie, .protocol = IPPROTO_TCP};
	struct flow *flow = find(table, &socket);

	return flow ? split_take(&flow->split, record, table->options.processes) : 0;
}

void flow_table_split(struct flow_table *table)
{
	for (struct flow *flow = table->flows; flow; flow = flow->hh.next)
		split_divide(flow);
}

void flow_table_forget(struct flow_table *table, const struct connection *connection)
{
	struct flow *flow = find(table, connection);

	if (!flow)
		return;
	if (flow->ended_ns)
		leave_ended(table, flow);
	delete_flow(table, flow);
}

void flow_table_pass(struct flow_table *table, uint64_t now_ns)
{
	for (struct flow *flow = table->flows; flow; flow = flow->hh.next) {
		if (flow->ended_ns || flow->unseen++ < UNSEEN_MAX)
			continue;
		end(table, flow, now_ns);
	}
}

bool flow_is_waiting(const struct flow *flow, uint64_t now_ns)
{
	const struct flow *peer = flow->peer;

	return flow->ended_ns && peer && !peer->ended_ns &&
	       peer->connection.owner_src == OWNER_LISTEN &&
	       now_ns < flow->ended_ns + ACCEPT_WAIT_NS;
}

/* Not while the other end is open: its line names the process at this one. */
static bool may_go(const struct flow_table *table, const struct flow *flow, uint64_t now_ns)
{
	return flow->ended_ns + table->options.retain_ns <= now_ns &&
	       (!flow->peer || flow->peer->ended_ns);
}

void flow_table_next_interval(struct flow_table *table, uint64_t now_ns)
{
	struct flow **at = &table->ended;

	while (*at) {
		struct flow *flow = *at;

		if (!may_go(table, flow, now_ns)) {
			at = &flow->ended_next;
			continue;
		}
		*at = flow->ended_next;
		delete_flow(table, flow);
	}
	table->ended_end = at;
	for (struct flow *flow = table->flows; flow; flow = flow->hh.next) {
		if (flow_is_waiting(flow, now_ns))
			continue;
		flow->before = flow->now;
		split_next_interval(flow->split);
	}
	memset(&table->others, 0, sizeof(table->others));
}

struct flow *flow_table_first(struct flow_table *table)
{
	return table->flows;
}

size_t flow_table_size(const struct flow_table *table)
{
	return HASH_COUNT(table->flows);
}

size_t flow_table_open(const struct flow_table *table)
{
	size_t n = 0;

	for (const struct flow *flow = table->flows; flow; flow = flow->hh.next)
		n += !flow->ended_ns && !is_datagram(&flow->connection);
	return n;
}

void flow_table_fold(struct flow_table *table, uint64_t flows, const struct flow_counts *counts)
{
	table->folded += flows;
	table->others.flows += flows;
	table->others.ends += flows;
	flow_counts_add(&table->others.counts, counts);
	flow_counts_add(&table->others.ends_counts, counts);
}

uint64_t flow_table_folded(const struct flow_table *table)
{
	return table->folded;
}

const struct flow_others *flow_table_others(const struct flow_table *table)
{
	return &table->others;
}

struct flow *flow_table_find(struct flow_table *table, const struct connection *wanted,
			     uint64_t ts_ns)
{
	struct flow *flow = pairs_find(&table->pairs, wanted, ts_ns);
	struct connection received = *wanted;

	if (flow || !wanted->netns || !is_datagram(wanted))
		return flow;
	memset(received.raddr, 0, sizeof(received.raddr));
	received.rport = 0;
	flow = pairs_find(&table->pairs, &received, ts_ns);
	return flow && (!flow->ended_ns || flow->ended_ns >= ts_ns) ? flow : NULL;
}
