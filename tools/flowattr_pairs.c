/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_pairs.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "lib/cidr.h"

/* Looked at for the other end of a flow: of those to one address, and of addresses. */
#define OTHERS_MAX 64

/* Flows of the same protocol, the same two ports, whichever is the local one, and the same remote
 * address. */
struct remote {
	struct remote_key {
		struct pair_key {
			uint16_t protocol, low, high, pad;
		} ports;
		uint8_t address[16];
	} key;
	struct flow *flows;
	struct pair *pair;
	struct remote *prev, *next; /* in its pair */
	UT_hash_handle hh;
};

/* The same whatever the address, which may be many: of a time server, 123 are both ports of all of
 * its clients. */
struct pair {
	struct pair_key key;
	struct remote *remotes;
	UT_hash_handle hh;
};

static struct pair_key key_of(const struct connection *c)
{
	return (struct pair_key){.protocol = c->protocol,
				 .low = c->lport < c->rport ? c->lport : c->rport,
				 .high = c->lport < c->rport ? c->rport : c->lport};
}

/* Of those between these ports; NULL: none. */
static struct remote *find_remote(const struct pairs *pairs, const struct connection *c,
				  const uint8_t *address)
{
	struct remote_key key = {.ports = key_of(c)};
	struct remote *remote;

	memcpy(key.address, address, sizeof(key.address));
	HASH_FIND(hh, pairs->remotes, &key, sizeof(key), remote);
	return remote;
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

static void free_remote(struct pairs *pairs, struct remote *remote)
{
	struct pair *pair = remote->pair;

	DL_DELETE(pair->remotes, remote);
	HASH_DEL(pairs->remotes, remote);
	free(remote);
	if (pair->remotes)
		return;
	HASH_DEL(pairs->pairs, pair);
	free(pair);
}

void pairs_remove(struct pairs *pairs, struct flow *flow)
{
	struct remote *remote = flow->remote;

	if (flow->peer)
		flow->peer->peer = NULL;
	flow->peer = NULL;
	DL_DELETE2(remote->flows, flow, pair_prev, pair_next);
	if (!remote->flows)
		free_remote(pairs, remote);
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

struct flow *pairs_find(const struct pairs *pairs, const struct connection *wanted, uint64_t ts_ns)
{
	struct remote *remote = find_remote(pairs, wanted, wanted->raddr);
	struct flow *best = NULL;

	for (struct flow *flow = remote ? remote->flows : NULL; flow; flow = flow->pair_next) {
		const struct connection *c = &flow->connection;

		if ((wanted->netns && c->netns != wanted->netns) || c->lport != wanted->lport ||
		    c->rport != wanted->rport ||
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
static struct flow *find_now(const struct pairs *pairs, const struct connection *end)
{
	return end->lport && end->rport ? pairs_find(pairs, end, UINT64_MAX) : NULL;
}

static void join_free(struct flow *flow, struct flow *other)
{
	if (flow && other && flow != other && is_free(flow) && is_free(other))
		join(flow, other);
}

int pairs_translate(const struct pairs *pairs, const struct nat_ends *ends)
{
	struct flow *began = pairs_find(pairs, &ends->began, UINT64_MAX);
	struct flow *other = find_now(pairs, &ends->other);
	int r = began ? set_nat(began, &ends->other) : 0;

	if (!r && other)
		r = set_nat(other, &ends->began);
	join_free(began, other);
	return r;
}

static struct pair *get_pair(struct pairs *pairs, const struct connection *connection)
{
	struct pair_key key = key_of(connection);
	struct pair *pair;

	HASH_FIND(hh, pairs->pairs, &key, sizeof(key), pair);
	if (pair)
		return pair;
	pair = calloc(1, sizeof(*pair));
	if (!pair)
		return NULL;
	pair->key = key;
	HASH_ADD(hh, pairs->pairs, key, sizeof(pair->key), pair);
	return pair;
}

static struct remote *get_remote(struct pairs *pairs, const struct connection *connection)
{
	struct remote *remote = find_remote(pairs, connection, connection->raddr);
	struct pair *pair;

	if (remote)
		return remote;
	remote = calloc(1, sizeof(*remote));
	pair = remote ? get_pair(pairs, connection) : NULL;
	if (!pair) {
		free(remote);
		return NULL;
	}
	remote->key.ports = pair->key;
	memcpy(remote->key.address, connection->raddr, sizeof(remote->key.address));
	remote->pair = pair;
	DL_APPEND(pair->remotes, remote);
	HASH_ADD(hh, pairs->remotes, key, sizeof(remote->key), remote);
	return remote;
}

static void join_one_of(struct flow *flow, const struct remote *remote)
{
	struct flow *other = remote ? remote->flows : NULL;

	for (int i = 0; other && !flow->peer && i < OTHERS_MAX; i++, other = other->pair_next)
		if (is_free(other) && are_ends(flow, other))
			join(flow, other);
}

/* Its other end talks to the address that this one is bound to; if that is any, who knows. */
static void join_other_end(struct flow *flow, const struct pairs *pairs)
{
	const struct connection *c = &flow->connection;
	const struct remote *remote = flow->remote->pair->remotes;

	if (!address_is_any(c->laddr)) {
		join_one_of(flow, find_remote(pairs, c, c->laddr));
		return;
	}
	join_one_of(flow, flow->remote); /* what is sent to this machine comes from that address */
	for (int i = 0; remote && !flow->peer && i < OTHERS_MAX; i++, remote = remote->next)
		join_one_of(flow, remote);
}

int pairs_add(struct pairs *pairs, const struct nat_table *nat, struct flow *flow)
{
	struct connection translated;
	bool is_translated = nat && nat_table_find(nat, &flow->connection, &translated);

	flow->remote = get_remote(pairs, &flow->connection);
	if (!flow->remote)
		return -ENOMEM;
	if (is_translated && set_nat(flow, &translated) < 0) {
		if (!flow->remote->flows)
			free_remote(pairs, flow->remote);
		return -ENOMEM;
	}
	join_other_end(flow, pairs);
	DL_PREPEND2(flow->remote->flows, flow, pair_prev, pair_next);
	if (is_translated)
		join_free(flow, find_now(pairs, &translated));
	return 0;
}
