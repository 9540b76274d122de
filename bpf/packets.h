/* SPDX-License-Identifier: GPL-2.0-only */
/* Records of packets, and their read-only configuration, for BPF program and user space. */
#ifndef PACKETS_H
#define PACKETS_H

#include "record.h"

#define PACKETS_SNAPLEN_MAX 262144U /* bytes of a packet that are kept at most: as tcpdump */

#define PACKETS_INTERFACE_SIZE 16 /* IFNAMSIZ of the kernel */

/* Slots of the counts of lost packets by interface, a power of two. */
#define PACKETS_SLOTS 256U

enum packets_record_type {
	RECORD_PACKET = RECORD_TOOL, /* struct packet_record */
	RECORD_FORWARD,		     /* struct forward_record */
};

enum packet_direction {
	PACKET_OUT = 1, /* on its way to the network device */
	PACKET_IN,	/* received from it */
};

/* struct packet_record.flags */
#define PACKET_CURRENT	 0x01U /* `sender` is set: a process ran as the packet was sent */
#define PACKET_OPENER	 0x02U /* and that process opened the packet's socket: it is an owner */
#define PACKET_CAUSE	 0x04U /* `sender` is who made the kernel ask for a neighbour (ARP, ND) */
#define PACKET_LISTENER	 0x08U /* the cookie is the listener's: a SYN-ACK */
#define PACKET_FORWARDED 0x10U /* it came in by an interface, and goes out with no socket */
#define PACKET_KERNEL	 0x20U /* of a socket of the kernel's own: replies to pings, RSTs */
#define PACKET_UNSUMMED	 0x40U /* its checksum is left to the network card */
#define PACKET_PORT	 0x80U /* comes in by the port of a bridge or the like: next by the bridge */

/* A packet; header.ts_ns is when it passed. Its bytes follow, `captured` of them, from the link
 * layer on, or from the IP header where there is none. */
struct packet_record {
	struct record_header header;
	struct process_id sender; /* who ran then, see PACKET_CURRENT: a hint; tgid 0: nobody */
	__u64 cookie;	/* of the packet's socket; 0: it has none, or nobody has asked for one */
	__u32 bytes;	/* on the wire, of all segments together */
	__u32 captured; /* behind this record; <= bytes */
	__u32 netns;	/* inode number of the interface's network namespace */
	__u32 ifindex;
	char interface[PACKETS_INTERFACE_SIZE]; /* its name; NUL-terminated */
	__u16 link_type;			/* PACKET_LINK_ETHERNET or _RAW of lib/packet.h */
	__u16 hatype;				/* ARPHRD_* of the interface */
	__u16 segments;				/* on the wire (GSO, GRO); 0: one */
	__u16 protocol;				/* ethertype, host order */
	__u8 direction;				/* enum packet_direction */
	__u8 flags;				/* PACKET_* */
	__u8 pkt_type; /* PACKET_HOST, _BROADCAST, _MULTICAST, _OTHERHOST of linux/if_packet.h */
	__u8 sk_state; /* TCP_* of the packet's socket; 0: it has none */
	__u32 iif;     /* going out: the interface that it came in by; 0: none */
	__u64 passing; /* the same as the packet comes in and as it goes out again, and for a while
			* no other's that comes in; see packet_passing() */
	__u32 tag_bytes; /* of `bytes`: a VLAN tag that the card puts in or takes out; 0: none */
	__u32 traced; /* `sender` passed the filter by process id, as it sent; or there is none */
	char data[];
};
_Static_assert(sizeof(struct packet_record) == 160, "packet_record");

/* A packet that is passed on, which itself is not wanted as it goes out. Fields as above. */
struct forward_record {
	struct record_header header;
	__u64 passing;
	__u32 netns, iif;
};
_Static_assert(sizeof(struct forward_record) == 40, "forward_record");

/* Set before load; zero: no matter which. */
struct packets_config {
	char interface[PACKETS_INTERFACE_SIZE]; /* name, padded with zeros */
	__u32 netns;				/* inode number */
	__u32 direction;			/* enum packet_direction */
	__u32 snaplen; /* bytes kept of each packet, 1 to PACKETS_SNAPLEN_MAX */
	__u32 ipv4_only, ipv6_only;
	__u32 by_process; /* the map `traced` says which processes are */
	__u32 has_dynptr; /* bpf_dynptr_from_skb() may be called by tracing programs (6.11) */
};

/* Where packets of an interface that were lost are counted. */
static inline __u32 packets_slot(__u32 netns, __u32 ifindex)
{
	return (netns * 31 + ifindex) & (PACKETS_SLOTS - 1);
}

#endif
