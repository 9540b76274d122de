/* SPDX-License-Identifier: GPL-2.0-only */
#include <netinet/in.h>

#include "lib/cidr.h"
#include "lib/packet.h"

/* The few ICMP types whose names people know; tcpdump's words. */
struct icmp_word {
	uint8_t type;
	int16_t code; /* -1: any */
	const char *word;
};

static const struct icmp_word icmp_words[] = {
	{0, -1, "echo reply"},
	{3, 0, "net unreachable"},
	{3, 1, "host unreachable"},
	{3, 2, "protocol unreachable"},
	{3, 3, "port unreachable"},
	{3, 4, "unreachable - need to frag"},
	{3, 10, "host unreachable - admin prohibited"},
	{3, 13, "admin prohibited filter"},
	{3, -1, "unreachable"},
	{5, -1, "redirect"},
	{8, -1, "echo request"},
	{9, -1, "router advertisement"},
	{10, -1, "router solicitation"},
	{11, 0, "time exceeded in-transit"},
	{11, 1, "ip reassembly time exceeded"},
	{12, -1, "parameter problem"},
	{},
};

static const struct icmp_word icmp6_words[] = {
	{1, 0, "destination unreachable, no route"},
	{1, 1, "destination unreachable, admin prohibited"},
	{1, 3, "destination unreachable, address"},
	{1, 4, "destination unreachable, port"},
	{1, -1, "destination unreachable"},
	{2, -1, "packet too big"},
	{3, 0, "time exceeded in-transit"},
	{3, -1, "time exceeded"},
	{4, -1, "parameter problem"},
	{128, -1, "echo request"},
	{129, -1, "echo reply"},
	{130, -1, "multicast listener query"},
	{131, -1, "multicast listener report"},
	{132, -1, "multicast listener done"},
	{133, -1, "router solicitation"},
	{134, -1, "router advertisement"},
	{135, -1, "neighbor solicitation"},
	{136, -1, "neighbor advertisement"},
	{137, -1, "redirect"},
	{143, -1, "multicast listener report v2"},
	{},
};

static const char *icmp_word(const struct packet *packet)
{
	bool ipv6 = packet->tuple.protocol == IPPROTO_ICMPV6;

	for (const struct icmp_word *w = ipv6 ? icmp6_words : icmp_words; w->word; w++)
		if (w->type == packet->icmp_type && (w->code < 0 || w->code == packet->icmp_code))
			return w->word;
	return NULL;
}

static void append_address(struct buffer *buffer, const uint8_t address[16])
{
	char text[ADDRESS_TEXT_MAX];

	buffer_append(buffer, text, address_format(address, text));
}

static void append_end(struct buffer *buffer, const uint8_t address[16], uint16_t port, bool ports)
{
	append_address(buffer, address);
	if (!ports)
		return;
	buffer_append_char(buffer, '.');
	buffer_append_uint(buffer, port);
}

static void append_ends(struct buffer *buffer, const struct packet_tuple *tuple, bool ports)
{
	append_end(buffer, tuple->source, tuple->source_port, ports);
	buffer_append_string(buffer, " > ");
	append_end(buffer, tuple->destination, tuple->destination_port, ports);
}

static void append_number(struct buffer *buffer, const char *before, uint64_t value)
{
	buffer_append_string(buffer, before);
	buffer_append_uint(buffer, value);
}

static void append_hex(struct buffer *buffer, uint32_t value, unsigned int digits)
{
	buffer_append_string(buffer, "0x");
	while (digits-- > 0)
		buffer_append_char(buffer, "0123456789abcdef"[value >> digits * 4 & 0xf]);
}

static void append_tcp_flags(struct buffer *buffer, uint8_t flags)
{
	static const char letters[] = "FSRP.UEW";

	buffer_append_string(buffer, "Flags [");
	for (unsigned int i = 0; i < 8; i++)
		if (flags & 1U << i)
			buffer_append_char(buffer, letters[i]);
	if (!flags)
		buffer_append_string(buffer, "none");
	buffer_append_char(buffer, ']');
}

static void append_tcp(struct buffer *buffer, const struct packet *packet)
{
	if (!(packet->has & PACKET_HAS_TCP)) {
		buffer_append_string(buffer, "TCP");
		return;
	}
	append_tcp_flags(buffer, packet->tcp_flags);
	if (packet->payload_bytes || packet->tcp_flags & 7) { /* as tcpdump: not of a mere ACK */
		append_number(buffer, ", seq ", packet->seq);
		if (packet->payload_bytes)
			append_number(buffer, ":", packet->seq + packet->payload_bytes);
	}
	if (packet->tcp_flags & PACKET_TCP_ACK)
		append_number(buffer, ", ack ", packet->ack);
	append_number(buffer, ", win ", packet->window);
}

static void append_icmp(struct buffer *buffer, const struct packet *packet)
{
	const char *word = icmp_word(packet);

	buffer_append_string(buffer, packet->tuple.protocol == IPPROTO_ICMPV6 ? "ICMP6" : "ICMP");
	if (!(packet->has & PACKET_HAS_ICMP))
		return;
	if (word) {
		buffer_append_string(buffer, packet->tuple.protocol == IPPROTO_ICMPV6 ? ", " : " ");
		buffer_append_string(buffer, word);
	} else {
		append_number(buffer, " type-", packet->icmp_type);
		append_number(buffer, " code-", packet->icmp_code);
	}
	if (packet->has & PACKET_HAS_ECHO) {
		append_number(buffer, ", id ", packet->icmp_id);
		append_number(buffer, ", seq ", packet->icmp_seq);
	}
	if (packet->has & PACKET_HAS_TARGET) {
		buffer_append_string(buffer, packet->icmp_type == 135 ? ", who has " : ", tgt is ");
		append_address(buffer, packet->target);
	}
	if (packet->has & PACKET_HAS_INNER) {
		buffer_append_string(buffer, " (");
		append_ends(buffer, &packet->inner,
			    packet->inner.source_port || packet->inner.destination_port);
		buffer_append_char(buffer, ')');
	}
}

static void append_protocol(struct buffer *buffer, const struct packet *packet)
{
	const char *word = packet_protocol(packet);

	if (packet->has & PACKET_FRAGMENT) {
		buffer_append_string(buffer, word ? word : "ip-proto");
		buffer_append_string(buffer, " fragment");
	} else if (packet->tuple.protocol == IPPROTO_TCP) {
		append_tcp(buffer, packet);
	} else if (packet->tuple.protocol == IPPROTO_ICMP ||
		   packet->tuple.protocol == IPPROTO_ICMPV6) {
		append_icmp(buffer, packet);
	} else if (packet->tuple.protocol == IPPROTO_UDP) {
		buffer_append_string(buffer, "UDP");
	} else if (word) {
		buffer_append_string(buffer, word);
	} else {
		append_number(buffer, "ip-proto-", packet->tuple.protocol);
	}
}

static void append_arp(struct buffer *buffer, const struct packet *packet)
{
	buffer_append_string(buffer, "ARP, ");
	if (packet->arp_operation == 1) {
		buffer_append_string(buffer, "Request who-has ");
		append_address(buffer, packet->tuple.destination);
		buffer_append_string(buffer, " tell ");
		append_address(buffer, packet->tuple.source);
	} else if (packet->arp_operation == 2) {
		buffer_append_string(buffer, "Reply ");
		append_address(buffer, packet->tuple.source);
		buffer_append_string(buffer, " to ");
		append_address(buffer, packet->tuple.destination);
	} else {
		append_number(buffer, "operation ", packet->arp_operation);
	}
}

void packet_append(struct buffer *buffer, const struct packet *packet)
{
	switch (packet->kind) {
	case PACKET_ARP:
		append_arp(buffer, packet);
		break;
	case PACKET_IP:
	case PACKET_NEIGHBOUR:
		append_ends(buffer, &packet->tuple, packet->has & PACKET_HAS_PORTS);
		buffer_append_string(buffer, ": ");
		append_protocol(buffer, packet);
		break;
	default:
		buffer_append_string(buffer, "ethertype ");
		append_hex(buffer, packet->ethertype, 4);
	}
	append_number(buffer, ", length ", packet->payload_bytes);
}

const char *packet_protocol(const struct packet *packet)
{
	if (packet->kind == PACKET_ARP)
		return "arp";
	if (packet->kind == PACKET_OTHER)
		return NULL;
	switch (packet->tuple.protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_UDPLITE:
		return "udplite";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmp6";
	case IPPROTO_SCTP:
		return "sctp";
	case IPPROTO_DCCP:
		return "dccp";
	case IPPROTO_IGMP:
		return "igmp";
	case IPPROTO_GRE:
		return "gre";
	case IPPROTO_ESP:
		return "esp";
	case IPPROTO_IPIP:
		return "ipip";
	case IPPROTO_IPV6:
		return "ipv6";
	default:
		return NULL;
	}
}
