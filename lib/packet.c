/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/packet.h"

#include <netinet/in.h>
#include <string.h>

#define ETHERTYPE_IPV4 0x0800U
#define ETHERTYPE_ARP  0x0806U
#define ETHERTYPE_IPV6 0x86ddU
#define VLAN_TAGS_MAX  4 /* one behind the other */
#define EXTENSIONS_MAX 8 /* IPv6 extension headers that are gone through */

#define ICMP_QUOTES_TYPES (1U << 3 | 1U << 4 | 1U << 5 | 1U << 11 | 1U << 12)

/* What is left of a packet. */
struct span {
	const uint8_t *data;
	size_t captured; /* bytes that are there */
	size_t length;	 /* bytes that there were; at least as many */
};

static uint16_t get16(const uint8_t *data)
{
	return (uint16_t)(data[0] << 8 | data[1]);
}

static uint32_t get32(const uint8_t *data)
{
	return (uint32_t)get16(data) << 16 | get16(data + 2);
}

/* Goes on by @n bytes. False if they are not all there. */
static bool skip(struct span *span, size_t n)
{
	if (n > span->captured)
		return false;
	span->data += n;
	span->captured -= n;
	span->length -= n;
	return true;
}

/* Nothing is there behind @length bytes, such as the padding of Ethernet. */
static void limit(struct span *span, size_t length)
{
	if (span->length > length)
		span->length = length;
	if (span->captured > length)
		span->captured = length;
}

static void set_ipv4(uint8_t address[16], const uint8_t *ipv4)
{
	memset(address, 0, 10);
	memset(address + 10, 0xff, 2);
	memcpy(address + 12, ipv4, 4);
}

static bool has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
	       protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP;
}

/* Addresses and protocol of an IPv4 header. Returns whether what follows is a transport header. */
static bool parse_ipv4(struct span *span, struct packet_tuple *tuple, uint8_t *ret_ttl,
		       uint8_t *ret_has)
{
	const uint8_t *ip = span->data;
	size_t header = (size_t)(span->captured ? ip[0] & 0xf : 0) * 4, total;
	uint16_t fragment;

	if (span->captured < 20 || ip[0] >> 4 != 4 || header < 20)
		return false;
	total = get16(ip + 2);
	fragment = get16(ip + 6);
	*ret_ttl = ip[8];
	tuple->family = AF_INET;
	tuple->protocol = ip[9];
	set_ipv4(tuple->source, ip + 12);
	set_ipv4(tuple->destination, ip + 16);
	if (total >= header) /* 0: GSO, the length is that of all */
		limit(span, total);
	if (fragment & 0x1fff)
		*ret_has |= PACKET_FRAGMENT;
	else if (fragment & 0x2000)
		*ret_has |= PACKET_FIRST;
	return skip(span, header) && !(fragment & 0x1fff);
}

/* Goes past one extension header. Returns whether another header follows. */
static bool skip_extension(struct span *span, uint8_t *protocol, uint8_t *ret_has)
{
	const uint8_t *header = span->data;
	uint16_t fragment = 0;
	size_t bytes;

	if (span->captured < 8)
		return false;
	switch (*protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case 135: /* mobility */
		bytes = ((size_t)header[1] + 1) * 8;
		break;
	case IPPROTO_AH:
		bytes = ((size_t)header[1] + 2) * 4;
		break;
	default: /* a fragment header */
		bytes = 8;
		fragment = get16(header + 2);
		if (fragment & 0xfff8)
			*ret_has |= PACKET_FRAGMENT;
		else if (fragment & 1)
			*ret_has |= PACKET_FIRST;
	}
	*protocol = header[0];
	return skip(span, bytes) && !(fragment & 0xfff8);
}

static bool is_extension(uint8_t protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
	       protocol == IPPROTO_DSTOPTS || protocol == IPPROTO_FRAGMENT ||
	       protocol == IPPROTO_AH || protocol == 135;
}

static bool parse_ipv6(struct span *span, struct packet_tuple *tuple, uint8_t *ret_ttl,
		       uint8_t *ret_has)
{
	const uint8_t *ip = span->data;
	size_t payload;

	if (span->captured < 40 || ip[0] >> 4 != 6)
		return false;
	payload = get16(ip + 4);
	*ret_ttl = ip[7];
	tuple->family = AF_INET6;
	tuple->protocol = ip[6];
	memcpy(tuple->source, ip + 8, 16);
	memcpy(tuple->destination, ip + 24, 16);
	if (payload) /* 0: a jumbogram */
		limit(span, payload + 40);
	skip(span, 40);
	for (int i = 0; i < EXTENSIONS_MAX && is_extension(tuple->protocol); i++)
		if (!skip_extension(span, &tuple->protocol, ret_has))
			return false;
	return !is_extension(tuple->protocol);
}

static bool parse_ip(struct span *span, struct packet_tuple *tuple, uint8_t *ret_ttl,
		     uint8_t *ret_has)
{
	if (span->captured == 0)
		return false;
	if (span->data[0] >> 4 == 4)
		return parse_ipv4(span, tuple, ret_ttl, ret_has);
	return parse_ipv6(span, tuple, ret_ttl, ret_has);
}

static bool is_echo(uint8_t family, uint8_t type)
{
	if (family == AF_INET)
		return type == 0 || type == 8;
	return type == 128 || type == 129;
}

/* The ports of a transport header, or the id of an echo. */
static bool parse_ports(const struct span *span, struct packet_tuple *tuple)
{
	if (has_ports(tuple->protocol) && span->captured >= 4) {
		tuple->source_port = get16(span->data);
		tuple->destination_port = get16(span->data + 2);
		return true;
	}
	if ((tuple->protocol == IPPROTO_ICMP || tuple->protocol == IPPROTO_ICMPV6) &&
	    span->captured >= 6 && is_echo(tuple->family, span->data[0]))
		tuple->source_port = tuple->destination_port = get16(span->data + 4);
	return false;
}

static void parse_tcp(struct span *span, struct packet *packet)
{
	const uint8_t *tcp = span->data;
	size_t header;

	if (span->captured < 16)
		return;
	header = (size_t)(tcp[12] >> 4) * 4;
	packet->seq = get32(tcp + 4);
	packet->ack = get32(tcp + 8);
	packet->tcp_flags = tcp[13];
	packet->window = get16(tcp + 14);
	packet->has |= PACKET_HAS_TCP;
	packet->payload_bytes = (uint32_t)(span->length > header ? span->length - header : 0);
}

/* The packet that an error quotes, as far as the quotation goes. */
static void parse_quotation(struct span *span, struct packet *packet)
{
	uint8_t ttl, has = 0;

	if (!skip(span, 8))
		return;
	if (parse_ip(span, &packet->inner, &ttl, &has))
		parse_ports(span, &packet->inner);
	if (packet->inner.family)
		packet->has |= PACKET_HAS_INNER;
}

static bool is_error(const struct packet *packet)
{
	if (packet->tuple.protocol == IPPROTO_ICMPV6)
		return packet->icmp_type < 128;
	return packet->icmp_type < 32 && ICMP_QUOTES_TYPES & (1U << packet->icmp_type);
}

static void parse_icmp(struct span *span, struct packet *packet)
{
	const uint8_t *icmp = span->data;
	bool ipv6 = packet->tuple.protocol == IPPROTO_ICMPV6;

	packet->payload_bytes = (uint32_t)span->length; /* tcpdump counts the header in */
	if (span->captured < 2)
		return;
	packet->icmp_type = icmp[0];
	packet->icmp_code = icmp[1];
	packet->has |= PACKET_HAS_ICMP;
	if (is_echo(ipv6 ? AF_INET6 : AF_INET, icmp[0]) && span->captured >= 8) {
		packet->icmp_id = get16(icmp + 4);
		packet->icmp_seq = get16(icmp + 6);
		packet->has |= PACKET_HAS_ECHO;
	} else if (ipv6 && (icmp[0] == 135 || icmp[0] == 136)) {
		packet->kind = PACKET_NEIGHBOUR;
		if (span->captured >= 24) {
			memcpy(packet->target, icmp + 8, 16);
			packet->has |= PACKET_HAS_TARGET;
		}
	} else if (is_error(packet)) {
		parse_quotation(span, packet);
	}
}

static void parse_transport(struct span *span, struct packet *packet)
{
	size_t header = 0;

	if (parse_ports(span, &packet->tuple))
		packet->has |= PACKET_HAS_PORTS;
	switch (packet->tuple.protocol) {
	case IPPROTO_TCP:
		parse_tcp(span, packet);
		return;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		parse_icmp(span, packet);
		return;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		header = 8;
		break;
	default:
		break;
	}
	packet->payload_bytes = (uint32_t)(span->length > header ? span->length - header : 0);
}

static void parse_network(struct span *span, struct packet *packet)
{
	const uint8_t *start = span->data;
	bool transport;

	transport = parse_ip(span, &packet->tuple, &packet->ttl, &packet->has);
	if (!packet->tuple.family)
		return;
	packet->kind = PACKET_IP;
	packet->ip_bytes = (uint32_t)((size_t)(span->data - start) + span->length);
	packet->payload_bytes = (uint32_t)span->length;
	if (transport)
		parse_transport(span, packet);
}

static void parse_arp(const struct span *span, struct packet *packet)
{
	const uint8_t *arp = span->data;

	/* of Ethernet for IPv4: the rest is history */
	if (span->captured < 28 || get16(arp + 2) != ETHERTYPE_IPV4 || arp[4] != 6 || arp[5] != 4)
		return;
	packet->kind = PACKET_ARP;
	packet->arp_operation = get16(arp + 6);
	packet->tuple.family = AF_INET;
	set_ipv4(packet->tuple.source, arp + 14);
	set_ipv4(packet->tuple.destination, arp + 24);
	packet->payload_bytes = (uint32_t)span->length;
}

/* Past the link layer, to the type of what is behind it. */
static bool parse_link(struct span *span, uint16_t link_type, struct packet *packet)
{
	/* bytes of the header, and where in it the type stands */
	size_t header = link_type == PACKET_LINK_COOKED	   ? 16
			: link_type == PACKET_LINK_COOKED2 ? 20
							   : 14;
	size_t type = link_type == PACKET_LINK_COOKED	 ? 14
		      : link_type == PACKET_LINK_COOKED2 ? 0
							 : 12;

	if (span->captured < header)
		return false;
	packet->ethertype = get16(span->data + type);
	skip(span, header);
	for (int i = 0; i < VLAN_TAGS_MAX; i++) {
		if (packet->ethertype != 0x8100 && packet->ethertype != 0x88a8)
			return true;
		if (span->captured < 4)
			return false;
		if (i == 0)
			packet->vlan = get16(span->data) & 0xfff;
		packet->ethertype = get16(span->data + 2);
		skip(span, 4);
	}
	return true;
}

static bool link_is_known(uint16_t link_type)
{
	return link_type == PACKET_LINK_ETHERNET || link_type == PACKET_LINK_COOKED ||
	       link_type == PACKET_LINK_COOKED2;
}

void packet_parse(const void *data, size_t captured, size_t length, uint16_t link_type,
		  struct packet *ret_packet)
{
	struct span span = {data, captured, length < captured ? captured : length};
	struct packet packet = {};

	if (link_type == PACKET_LINK_RAW || link_type == PACKET_LINK_IPV4 ||
	    link_type == PACKET_LINK_IPV6) {
		parse_network(&span, &packet);
	} else if (link_is_known(link_type) && parse_link(&span, link_type, &packet)) {
		packet.link_bytes = (uint32_t)((const uint8_t *)span.data - (const uint8_t *)data);
		if (packet.ethertype == ETHERTYPE_IPV4 || packet.ethertype == ETHERTYPE_IPV6)
			parse_network(&span, &packet);
		else if (packet.ethertype == ETHERTYPE_ARP)
			parse_arp(&span, &packet);
	}
	if (packet.kind == PACKET_OTHER)
		packet.payload_bytes = (uint32_t)span.length;
	*ret_packet = packet;
}

bool packet_is_echo_request(const struct packet *packet)
{
	return packet->has & PACKET_HAS_ECHO &&
	       packet->icmp_type == (packet->tuple.family == AF_INET ? 8 : 128);
}

bool packet_is_echo_reply(const struct packet *packet)
{
	return packet->has & PACKET_HAS_ECHO &&
	       packet->icmp_type == (packet->tuple.family == AF_INET ? 0 : 129);
}
