/* SPDX-License-Identifier: GPL-2.0-only */
#include <netinet/in.h>

#include "lib/packet.h"

#define TUNNELS_MAX 4 /* one in the other */

#define PORT_VXLAN     4789
#define PORT_VXLAN_OLD 8472 /* what Linux uses unless it is told otherwise */
#define PORT_GENEVE    6081

#define ETHERTYPE_IPV4	   0x0800U
#define ETHERTYPE_IPV6	   0x86ddU
#define ETHERTYPE_ETHERNET 0x6558U /* transparent Ethernet bridging */
#define NO_LINK		   0xffffU

/* What stands behind a packet's last header that is known. */
struct load {
	const uint8_t *data;
	size_t captured, length;
};

static uint16_t get16(const uint8_t *data)
{
	return (uint16_t)(data[0] << 8 | data[1]);
}

static uint16_t link_of(uint16_t ethertype)
{
	if (ethertype == ETHERTYPE_IPV4 || ethertype == ETHERTYPE_IPV6)
		return PACKET_LINK_RAW;
	return ethertype == ETHERTYPE_ETHERNET ? PACKET_LINK_ETHERNET : NO_LINK;
}

/* Of GRE: flags, the type of what is in it, then what the flags say (RFC 2784, 2890). */
static uint16_t gre_link(const struct load *load, size_t *ret_header)
{
	size_t header = 4;

	if (load->captured < 4 || load->data[1] & 7) /* another version */
		return NO_LINK;
	for (unsigned int bit = 0x80; bit >= 0x10; bit >>= 1)
		if (bit != 0x40 && load->data[0] & bit) /* checksum, key, sequence number */
			header += 4;
	*ret_header = header;
	return link_of(get16(load->data + 2));
}

/* VXLAN (RFC 7348) and Geneve (RFC 8926), by their ports. */
static uint16_t udp_link(const struct load *load, uint16_t port, size_t *ret_header)
{
	if (load->captured < 8)
		return NO_LINK;
	*ret_header = 8;
	if (port == PORT_VXLAN || port == PORT_VXLAN_OLD)
		return load->data[0] & 0x08 ? PACKET_LINK_ETHERNET : NO_LINK;
	if (port != PORT_GENEVE || load->data[0] >> 6)
		return NO_LINK;
	*ret_header += (size_t)(load->data[0] & 0x3f) * 4;
	return link_of(get16(load->data + 2));
}

/* Goes past the tunnel's own header. Returns the link type of what is behind it, or NO_LINK. */
static uint16_t open_one(const struct packet *packet, struct load *load)
{
	uint16_t link = NO_LINK;
	size_t header = 0;

	switch (packet->tuple.protocol) {
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
		link = PACKET_LINK_RAW;
		break;
	case IPPROTO_GRE:
		link = gre_link(load, &header);
		break;
	case IPPROTO_UDP:
		link = udp_link(load, packet->tuple.destination_port, &header);
		break;
	}
	if (link == NO_LINK || header >= load->captured)
		return NO_LINK;
	load->data += header;
	load->captured -= header;
	load->length -= header;
	return link;
}

bool packet_open(const void *data, size_t captured, const struct packet *packet,
		 struct packet *ret_inner)
{
	struct load load = {data, captured, captured};
	struct packet inner = *packet;
	uint16_t link_type;
	int depth = 0;

	for (; depth < TUNNELS_MAX && inner.kind == PACKET_IP; depth++) {
		size_t behind = (size_t)inner.link_bytes + inner.ip_bytes;

		if (inner.has & (PACKET_FRAGMENT | PACKET_FIRST) || behind < inner.payload_bytes)
			break;
		behind -= inner.payload_bytes;
		if (behind >= load.captured)
			break;
		load.data += behind;
		load.captured -= behind;
		load.length = inner.payload_bytes;
		if (load.length < load.captured)
			load.captured = load.length;
		link_type = open_one(&inner, &load);
		if (link_type == NO_LINK)
			break;
		packet_parse(load.data, load.captured, load.length, link_type, &inner);
	}
	if (!depth || inner.kind == PACKET_OTHER)
		return false;
	*ret_inner = inner;
	return true;
}
