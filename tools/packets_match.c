/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/packets_match.h"

#include <netinet/in.h>

#include "bpf/connection.h"
#include "bpf/packets.h"

static bool has_port(const uint16_t *ports, size_t n, uint16_t port)
{
	for (size_t i = 0; i < n; i++)
		if (ports[i] == port)
			return true;
	return false;
}

static bool ports_match(const struct traffic_filter *t, uint16_t local, uint16_t remote)
{
	if (t->n_ports && !has_port(t->ports, t->n_ports, local) &&
	    !has_port(t->ports, t->n_ports, remote))
		return false;
	if (t->n_local_ports && !has_port(t->local_ports, t->n_local_ports, local))
		return false;
	return !t->n_remote_ports || has_port(t->remote_ports, t->n_remote_ports, remote);
}

static bool address_matches(const struct traffic_filter *t, const struct packet_tuple *tuple)
{
	for (size_t i = 0; i < t->n_cidrs; i++)
		if (cidr_contains(&t->cidrs[i], tuple->source) ||
		    cidr_contains(&t->cidrs[i], tuple->destination))
			return true;
	return !t->n_cidrs;
}

static uint32_t protocol_bit(const struct packet_tuple *tuple)
{
	switch (tuple->protocol) {
	case IPPROTO_TCP:
		return SELECT_TCP;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return SELECT_UDP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return SELECT_ICMP;
	default:
		return SELECT_RAW;
	}
}

static bool tuple_matches(const struct traffic_filter *t, const struct packet_tuple *tuple,
			  bool source_is_local)
{
	uint16_t source = tuple->source_port, destination = tuple->destination_port;

	if (t->protocols && !(t->protocols & protocol_bit(tuple)))
		return false;
	if (!address_matches(t, tuple))
		return false;
	return source_is_local ? ports_match(t, source, destination)
			       : ports_match(t, destination, source);
}

bool packet_matches(const struct traffic_filter *t, const struct packet *packet, uint8_t direction)
{
	bool protocols = t->protocols && t->protocols != SELECT_ALL;
	bool selects =
		protocols || t->n_cidrs || t->n_ports || t->n_local_ports || t->n_remote_ports;
	bool out = direction != PACKET_IN;

	if (t->ipv4_only && packet->tuple.family != AF_INET)
		return false;
	if (t->ipv6_only && packet->tuple.family != AF_INET6)
		return false;
	if (!selects)
		return true;
	if (packet->kind == PACKET_ARP)
		return !protocols && !t->n_ports && !t->n_local_ports && !t->n_remote_ports &&
		       address_matches(t, &packet->tuple);
	if (!packet->tuple.family)
		return false;
	return tuple_matches(t, &packet->tuple, out) ||
	       (packet->has & PACKET_HAS_INNER && tuple_matches(t, &packet->inner, !out));
}
