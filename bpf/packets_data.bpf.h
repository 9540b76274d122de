/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a packet's bytes are, and copying them. The head of a packet lies in one piece behind
 * skb->head. What a process sent by TCP, and more, lies in pages: these the kernel reads for
 * tracing programs since 6.11 (commit 8aeaed21befc); before, a packet's record ends with its head.
 */
#ifndef PACKETS_DATA_BPF_H
#define PACKETS_DATA_BPF_H

#include "packets.h"
#include "read.bpf.h"

#define ARPHRD_ETHER	1
#define ARPHRD_LOOPBACK 772
#define IFF_LOOPBACK	0x8 /* of linux/if.h; no enum of it in vmlinux.h */
#define ETH_P_IP	0x0800
#define ETH_P_ARP	0x0806
#define ETH_P_IPV6	0x86dd

#define ETHERNET_BYTES 14
#define MACS_BYTES     12 /* of both addresses at its beginning */
#define TAG_BYTES      4  /* of a VLAN tag */
#define UNSET	       0xffff

#define LINK_ETHERNET 1
#define LINK_RAW      101

extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags,
			       struct bpf_dynptr *ptr) __ksym __weak;

/* sk_buff.vlan_present: until 6.2 (commit 354259fa73e2) the tag could be stale without it. */
struct sk_buff___tagged {
	__u8 vlan_present : 1;
} __attribute__((preserve_access_index));

/* A packet before there is a record of it. */
struct packet_place {
	const unsigned char *start; /* of its first byte */
	__u32 bytes;		    /* from there to its end, a tag that is put in included */
	__u32 captured;		    /* wanted of them */
	__u32 linear;		    /* from there to the end of what lies in one piece, no tag */
	__u32 before;		    /* bytes that stand in front of skb->data */
	__u32 behind;		    /* bytes that stand in skb->data in front of it */
	__u32 netns, ifindex;
	__u32 tag_bytes; /* of `tag` */
	__u32 tag;	 /* VLAN tag that the card takes out or puts in, network order; 0: none */
	__u16 link_type;
	__u16 protocol;
	char interface[PACKETS_INTERFACE_SIZE];
};

static __always_inline const struct skb_shared_info *skb_shared(const struct sk_buff *skb)
{
	return (const void *)(skb->head + skb->end);
}

static __always_inline __u16 skb_segments(const struct sk_buff *skb)
{
	const struct skb_shared_info *shared = skb_shared(skb);

	return BPF_CORE_READ(shared, gso_segs);
}

static __always_inline __u32 skb_tag(const struct sk_buff *skb)
{
	const struct sk_buff___tagged *tagged = (const void *)skb;

	if (bpf_core_field_exists(tagged->vlan_present) &&
	    !BPF_CORE_READ_BITFIELD_PROBED(tagged, vlan_present))
		return 0;
	if (!skb->vlan_proto)
		return 0;
	return skb->vlan_proto | (__u32)bpf_htons(skb->vlan_tci) << 16;
}

/* Finds the packet's first byte. False: nothing that could be shown. */
static __always_inline bool packet_find(const struct sk_buff *skb, const struct net_device *dev,
					const __u8 direction, struct packet_place *place)
{
	__u16 type = dev->type, mac = skb->mac_header, network = skb->network_header;
	const unsigned char *data = skb->data, *head = skb->head;
	bool ethernet = type == ARPHRD_ETHER || type == ARPHRD_LOOPBACK;

	place->start = data;
	if (ethernet) {
		place->link_type = LINK_ETHERNET;
		place->tag = skb_tag(skb);
		if (direction == PACKET_IN) {
			if (mac == UNSET || head + mac + ETHERNET_BYTES > data)
				return false;
			place->start = head + mac;
		}
	} else {
		if (place->protocol != ETH_P_IP && place->protocol != ETH_P_IPV6)
			return false;
		place->link_type = LINK_RAW;
		if (direction == PACKET_OUT && network != UNSET && head + network >= data)
			place->start = head + network;
	}
	place->before = data > place->start ? data - place->start : 0;
	place->behind = data < place->start ? place->start - data : 0;
	if (place->before > 64 || place->behind > 256 || place->behind > skb->len)
		return false;
	place->bytes = skb->len + place->before - place->behind;
	place->linear = skb->len - skb->data_len + place->before - place->behind;
	if (place->linear > place->bytes)
		return false;
	if (place->tag)
		place->tag_bytes = TAG_BYTES;
	place->bytes += place->tag_bytes;
	place->captured = place->bytes < settings.snaplen ? place->bytes : settings.snaplen;
	place->before = blur(place->before);
	place->behind = blur(place->behind);
	place->linear = blur(place->linear);
	place->captured = blur(place->captured);
	place->tag = blur(place->tag);
	place->tag_bytes = blur(place->tag_bytes);
	place->link_type = blur(place->link_type);
	return true;
}

/* Copies what stands in one piece behind skb->head, behind @at bytes that are there. */
static __always_inline __u32 copy_linear(char *to, const void *from, __u32 bytes, const __u32 at,
					 const __u32 room)
{
	asm volatile("" : "+r"(bytes)); /* else older verifiers forget its bound */
	if (bytes > room - at)
		bytes = room - at;
	asm volatile("" : "+r"(bytes));
	if (!bytes || bpf_probe_read_kernel(to + at, bytes, from))
		return at;
	return at + bytes;
}

/* Copies from the packet's byte @offset, counted from skb->data, to its end. */
static __always_inline __u32 copy_all(char *to, const struct sk_buff *skb, __u32 offset,
				      __u32 bytes, const __u32 at, const __u32 room)
{
	struct bpf_dynptr content;

	if (bytes > room - at)
		bytes = room - at;
	if (!bytes || bpf_dynptr_from_skb((void *)skb, 0, &content) ||
	    bpf_dynptr_read(to + at, bytes, &content, offset, 0))
		return at;
	return at + bytes;
}

/* Copies from byte @from of the packet on, behind @at bytes of the record: constants both, for the
 * sake of older verifiers. */
static __always_inline __u32 copy_rest(char *to, const struct sk_buff *skb,
				       const struct packet_place *place, const __u32 from,
				       const __u32 at, const __u32 room)
{
	__u32 wanted = place->captured - at, linear = place->linear - from;

	if (place->captured <= at || place->linear <= from)
		return at;
	if (wanted <= linear || !settings.has_dynptr)
		return copy_linear(to, place->start + from, wanted < linear ? wanted : linear, at,
				   room);
	/* what stands in front of skb->data is no part of its content for the kernel */
	if (place->before == ETHERNET_BYTES && from < ETHERNET_BYTES) {
		if (bpf_probe_read_kernel(to + at, ETHERNET_BYTES - from, place->start + from))
			return at;
		return copy_all(to, skb, 0, wanted - (ETHERNET_BYTES - from),
				at + (ETHERNET_BYTES - from), room);
	}
	if (place->before)
		return copy_linear(to, place->start + from, linear, at, room);
	return copy_all(to, skb, place->behind + from, wanted, at, room);
}

/* Copies the packet, with the VLAN tag put where it stands on the wire. Returns how much of it. */
static __always_inline __u32 packet_copy(char *to, const struct sk_buff *skb,
					 const struct packet_place *place, const __u32 room)
{
	if (!place->tag)
		return copy_rest(to, skb, place, 0, 0, room);
	if (place->captured < MACS_BYTES + TAG_BYTES)
		return 0;
	if (bpf_probe_read_kernel(to, MACS_BYTES, place->start))
		return 0;
	__builtin_memcpy(to + MACS_BYTES, &place->tag, TAG_BYTES);
	return copy_rest(to, skb, place, MACS_BYTES, MACS_BYTES + TAG_BYTES, room);
}

#endif
