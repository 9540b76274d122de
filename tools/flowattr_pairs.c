/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_pairs.h"

#include <stdlib.h>
#include <string.h>

#include "lib/cidr.h"

/* Looked at for the other end of a flow, the last ones: who scans one port of many addresses from
 * one port has many flows that are no ends of each other. */
#define OTHERS_MAX 64

/* Flows of the same protocol and the same two ports, whichever is the local one. */
struct pair {
	struct pair_key {
		uint16_t protocol, low, high, pad;
	} key;
	struct flow *flows;
	UT_hash_handle hh;
};

static struct pair_key pair_key(uint16_t protocol, uint16_t one, uint16_t other)
{
	return (struct pair_key){.protocol = protocol,
				 .low = one < other ? one : other,
				 .high = one < other ? other : one};
}

static struct pair *find_pair(struct pair *pairs, const struct connection *connection)
{
	struct pair_key key = pair_key(connection->protocol, connection->lport, connection->rport);
	struct pair *pair;

	HASH_FIND(hh, pairs, &key, sizeof(key), pair);
	return pair;
}

/* Does what the one sends to @raddr reach the other? A socket bound to any address is reached by
 * what is sent to this machine. */
static bool reaches(const struct connection *from, const struct connection *to)
{
	if (!memcmp(from->raddr, to->laddr, 16))
		return true;
	return address_is_any(to->laddr) &&
	       (address_is_loopback(from->raddr) || !memcmp(to->raddr, from->laddr, 16));
}

/* Loopback is one in each network namespace; other addresses may lead from one to another. */
static bool are_ends(const struct flow *a, const struct flow *b)
{
	const struct connection *one = &a->connection, *other = &b->connection;

	/* what one socket sends to several on its own port does not come from there */
	if (a->id.cookie == b->id.cookie && memcmp(one->raddr, other->raddr, 16) != 0)
		return false;
	if (a == b || !one->lport || !one->rport || one->lport != other->rport ||
	    one->rport != other->lport)
		return false;
	if (one->netns != other->netns &&
	    (address_is_loopback(one->raddr) || address_is_loopback(other->raddr)))
		return false;
	return reaches(one, other) && reaches(other, one);
}

void pairs_remove(struct pair **pairs, struct flow *flow)
{
	struct pair *pair = find_pair(*pairs, &flow->connection);

	if (flow->peer)
		flow->peer->peer = NULL;
	flow->peer = NULL;
	if (!pair)
		return;
	*flow->pair_at = flow->pair_next;
	if (flow->pair_next)
		flow->pair_next->pair_at = flow->pair_at;
	if (pair->flows)
		return;
	HASH_DEL(*pairs, pair);
	free(pair);
}

/* A flow of datagrams goes on when the port of its other end is used by somebody else. */
static bool is_free(const struct flow *flow)
{
	return !flow->peer || (!flow->ended_ns && flow->peer->ended_ns);
}

static void join(struct flow *flow, struct flow *other)
{
	if (other->peer)
		other->peer->peer = NULL;
	flow->peer = other;
	other->peer = flow;
}

static uint64_t end_ns(const struct flow *flow)
{
	return flow->ended_ns ? flow->ended_ns : UINT64_MAX;
}

/* From the time at which it was open. */
static uint64_t distance(const struct flow *flow, uint64_t ts_ns)
{
	if (ts_ns < flow->began_ns)
		return flow->began_ns - ts_ns;
	return ts_ns > end_ns(flow) ? ts_ns - end_ns(flow) : 0;
}

/* Is it rather the flow of a packet of that time? Of two that were open, the one that ended first.
 */
static bool is_nearer(const struct flow *flow, const struct flow *best, uint64_t ts_ns)
{
	uint64_t here = distance(flow, ts_ns), there = distance(best, ts_ns);

	return here != there ? here < there : end_ns(flow) < end_ns(best);
}

struct flow *pairs_find(struct pair *pairs, const struct connection *wanted, uint64_t ts_ns)
{
	struct pair *pair = find_pair(pairs, wanted);
	struct flow *best = NULL;

	for (struct flow *flow = pair ? pair->flows : NULL; flow; flow = flow->pair_next) {
		const struct connection *c = &flow->connection;

		if ((wanted->netns && c->netns != wanted->netns) || c->lport != wanted->lport ||
		    c->rport != wanted->rport || memcmp(c->raddr, wanted->raddr, 16) != 0 ||
		    (memcmp(c->laddr, wanted->laddr, 16) != 0 && !address_is_any(c->laddr)))
			continue;
		if (!best || is_nearer(flow, best, ts_ns))
			best = flow;
	}
	return best;
}

/* @other: as its other end sees it. */
static int set_nat(struct flow *flow, const struct connection *other)
{
	if (!flow->nat)
		flow->nat = malloc(sizeof(*flow->nat));
	if (!flow->nat)
		return -ENOMEM;
	memcpy(flow->nat->laddr, other->raddr, sizeof(flow->nat->laddr));
	memcpy(flow->nat->raddr, other->laddr, sizeof(flow->nat->raddr));
	flow->nat->lport = other->rport;
	flow->nat->rport = other->lport;
	return 0;
}

/* The flow of that end, now. */
static struct flow *find_now(struct pair *pairs, const struct connection *end)
{
	return end->lport && end->rport ? pairs_find(pairs, end, UINT64_MAX) : NULL;
}

static void join_free(struct flow *flow, struct flow *other)
{
	if (flow && other && flow != other && is_free(flow) && is_free(other))
		join(flow, other);
}

int pairs_translate(struct pair *pairs, const struct nat_ends *ends)
{
	struct flow *began = pairs_find(pairs, &ends->began, UINT64_MAX);
	struct flow *other = find_now(pairs, &ends->other);
	int r = began ? set_nat(began, &ends->other) : 0;

	if (!r && other)
		r = set_nat(other, &ends->began);
	join_free(began, other);
	return r;
}

int pairs_add(struct pair **pairs, const struct nat_table *nat, struct flow *flow)
{
	struct pair *pair = find_pair(*pairs, &flow->connection);
	struct connection translated;
	struct flow *other;
	bool is_translated = nat && nat_table_find(nat, &flow->connection, &translated);

	if (is_translated && set_nat(flow, &translated) < 0)
		return -ENOMEM;
	if (!pair) {
		pair = calloc(1, sizeof(*pair));
		if (!pair) {
			freep(&flow->nat);
			return -ENOMEM;
		}
		pair->key = pair_key(flow->connection.protocol, flow->connection.lport,
				     flow->connection.rport);
		HASH_ADD(hh, *pairs, key, sizeof(pair->key), pair);
	}
	other = pair->flows;
	for (int i = 0; other && !flow->peer && i < OTHERS_MAX; i++, other = other->pair_next)
		if (is_free(other) && are_ends(flow, other))
			join(flow, other);
	flow->pair_next = pair->flows;
	flow->pair_at = &pair->flows;
	if (flow->pair_next)
		flow->pair_next->pair_at = &flow->pair_next;
	pair->flows = flow;
	if (is_translated)
		join_free(flow, find_now(*pairs, &translated));
	return 0;
}
