// SPDX-License-Identifier: GPL-2.0-only
/* Packets as they pass between the stack and network devices, where tcpdump sees them, too. For
 * flowattr. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>
#include "packets.h"

char LICENSE[] SEC("license") = "GPL";

const volatile struct packets_config settings = {};

/* Of packets that found no room, by packets_slot(). */
__u64 lost_by_slot[PACKETS_SLOTS] = {};

#include "packets_data.bpf.h"
#include "packets_socket.bpf.h"

static __always_inline bool interface_wanted(const char name[PACKETS_INTERFACE_SIZE])
{
	if (!settings.interface[0])
		return true;
	for (int i = 0; i < PACKETS_INTERFACE_SIZE; i++) {
		if (name[i] != settings.interface[i])
			return false;
		if (!name[i])
			break;
	}
	return true;
}

/* A packet on a loopback device passes twice, and is one: the outgoing. */
static __always_inline bool direction_wanted(const struct net_device *dev, const __u8 direction)
{
	if (settings.direction)
		return settings.direction == direction;
	return direction == PACKET_OUT || !(dev->flags & IFF_LOOPBACK);
}

static __always_inline bool protocol_wanted(__u16 protocol)
{
	if (settings.ipv4_only)
		return protocol == ETH_P_IP || protocol == ETH_P_ARP;
	return !settings.ipv6_only || protocol == ETH_P_IPV6;
}

/* All of a record but its bytes, and what is no record's yet. */
static __always_inline void packet_describe(struct packet_record *record, const struct sk_buff *skb,
					    const struct net_device *dev,
					    const struct packet_place *place, const __u8 direction)
{
	record->bytes = place->bytes;
	record->netns = place->netns;
	record->ifindex = place->ifindex;
	__builtin_memcpy(record->interface, place->interface, sizeof(record->interface));
	record->link_type = place->link_type;
	record->hatype = dev->type;
	record->segments = skb_segments(skb);
	record->protocol = place->protocol;
	record->direction = direction;
	record->pkt_type = BPF_CORE_READ_BITFIELD_PROBED(skb, pkt_type);
	record->iif = direction == PACKET_OUT ? skb->skb_iif : 0;
	record->tag_bytes = place->tag_bytes;
	record->passing = packet_kept(skb, direction);
	record_read_socket(record, skb, dev, direction);
	neighbour_cause(record, place, direction);
	record->flags = blur(record->flags);
	record->traced = blur(record->traced);
}

/* Sends the record, with the packet's bytes, from a place of the ring buffer that has @room for
 * them. */
static __always_inline void packet_submit(const struct packet_record *described,
					  const struct sk_buff *skb,
					  const struct packet_place *place, const __u32 room)
{
	struct packet_record *record;

	record = bpf_ringbuf_reserve(&records, sizeof(*record) + room, 0);
	if (!record) {
		record_count_lost(RECORD_PACKET);
		__sync_fetch_and_add(&lost_by_slot[packets_slot(place->netns, place->ifindex) &
						   (PACKETS_SLOTS - 1)],
				     1);
		return;
	}
	*record = *described;
	passing_set(&record->passing, skb, described->passing);
	record->captured = packet_copy(record->data, skb, place, room);
	record_head(&record->header, RECORD_PACKET, sizeof(*record) + record->captured);
	record_submit(record, sizeof(*record) + room);
}

/* Of a packet that is passed on, and not wanted here: that the one that came in was. */
static __always_inline void forward_submit(const struct sk_buff *skb, __u32 netns)
{
	struct forward_record *record;

	if (settings.direction == PACKET_OUT || !is_forwarded(skb))
		return;
	record = record_try(RECORD_FORWARD, sizeof(*record));
	if (!record)
		return; /* no packet of its own */
	passing_set(&record->passing, skb, packet_kept(skb, PACKET_OUT));
	record->netns = netns;
	record->iif = skb->skb_iif;
	record_submit(record, sizeof(*record));
}

static __always_inline bool packet_wanted(const struct sk_buff *skb, const struct net_device *dev,
					  struct packet_place *place, const __u8 direction)
{
	if (!direction_wanted(dev, direction) || !protocol_wanted(place->protocol))
		return false;
	BPF_CORE_READ_INTO(&place->interface, dev, name);
	return interface_wanted(place->interface);
}

/* @trusted: the packet as the kernel gave it, which is what it wants for reading all of it. */
static __always_inline void packet_take(const struct sk_buff *trusted, const struct sk_buff *skb,
					const struct net_device *dev, const __u8 direction)
{
	struct packet_place place = {.protocol = bpf_ntohs(skb->protocol)};
	struct packet_record record = {};

	place.netns = READ(dev, nd_net.net, ns.inum);
	if (settings.netns && place.netns != settings.netns)
		return;
	if (!packet_wanted(skb, dev, &place, direction)) {
		if (direction == PACKET_OUT)
			forward_submit(skb, place.netns);
		return;
	}
	place.ifindex = dev->ifindex;
	if (!packet_find(skb, dev, direction, &place))
		return;
	packet_describe(&record, skb, dev, &place, direction);
	if (place.captured <= 256)
		packet_submit(&record, trusted, &place, 256);
	else if (place.captured <= 2048)
		packet_submit(&record, trusted, &place, 2048);
	else if (place.captured <= 16384)
		packet_submit(&record, trusted, &place, 16384);
	else if (place.captured <= 36864) /* half of the largest GSO packet: what loopback likes */
		packet_submit(&record, trusted, &place, 36864);
	else if (place.captured <= 69632)
		packet_submit(&record, trusted, &place, 69632);
	else
		packet_submit(&record, trusted, &place, PACKETS_SNAPLEN_MAX);
}

SEC("tp_btf/net_dev_start_xmit")
int BPF_PROG(on_transmit, const struct sk_buff *skb, const struct net_device *dev)
{
	packet_take(skb, DISTRUST(skb), dev, PACKET_OUT);
	return 0;
}

SEC("tp_btf/netif_receive_skb")
int BPF_PROG(on_packet, struct sk_buff *trusted)
{
	const struct sk_buff *skb = DISTRUST(trusted);
	const struct net_device *dev = skb->dev;

	if (dev)
		packet_take(trusted, skb, dev, PACKET_IN);
	return 0;
}

/* Who makes the kernel look for a neighbour: what it will send then has no socket. Softirqs do it
 * for packets that they answer or forward, in nobody's name. By raw_tp: older kernels refuse tp_btf
 * a pointer without a type. */
SEC("raw_tp/neigh_create")
int BPF_PROG(on_neighbour, struct neigh_table *table, struct net_device *dev, const void *address)
{
	neighbour_note(dev, READ(table, family), address);
	return 0;
}
