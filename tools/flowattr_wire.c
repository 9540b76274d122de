/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_wire.h"

#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <netinet/in.h>

/* Received, for a port that nobody has, or with no port at all. */
static bool is_for_nobody(const struct packet_record *record, const struct packet *packet)
{
	uint8_t protocol = packet->tuple.protocol;

	return record->direction == PACKET_IN && packet->kind == PACKET_IP &&
	       (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP);
}

/* What routers, neighbours and multicast say to each other, and pings that the kernel answers. */
static bool is_control(const struct packet *packet)
{
	uint8_t protocol = packet->tuple.protocol;

	return packet->kind == PACKET_IP &&
	       (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6 || protocol == IPPROTO_IGMP);
}

static uint64_t *class_of(struct wire *wire, const struct packet_record *record,
			  const struct packet *packet, const struct packet_owner *owner)
{
	if (owner->kind == PACKET_OWNER_FORWARDED)
		return &wire->forwarded;
	if (owner->local.id.tgid || owner->peer.id.tgid)
		return &wire->attributed;
	if (owner->kind == PACKET_OWNER_KERNEL || is_control(packet))
		return &wire->kernel;
	return is_for_nobody(record, packet) ? &wire->no_socket : &wire->unattributed;
}

/* As the interface counts it: the loopback device takes the Ethernet header off before
 * (loopback_xmit()), and a VLAN tag that is left to the card has no bytes there. */
static uint64_t counted_bytes(const struct packet_record *record)
{
	uint32_t apart = record->tag_bytes;

	if (record->hatype == ARPHRD_LOOPBACK)
		apart += ETH_HLEN;
	return record->bytes > apart ? record->bytes - apart : record->bytes;
}

void wire_count(void *context, const struct packet_record *record, const struct packet *packet,
		const struct packet_owner *owner)
{
	bool loopback = record->hatype == ARPHRD_LOOPBACK;
	uint64_t bytes = counted_bytes(record);
	uint64_t both = loopback ? 2 * bytes : bytes;
	struct wire *wire = context;
	uint64_t *class = class_of(wire, record, packet, owner);

	if (record->direction == PACKET_OUT || loopback)
		wire->tx_bytes += bytes;
	if (record->direction == PACKET_IN || loopback)
		wire->rx_bytes += bytes;
	*class += both;
	if (class == &wire->attributed && packet->payload_bytes <= bytes)
		wire->header_bytes += both - (loopback ? 2 : 1) * (uint64_t)packet->payload_bytes;
}
