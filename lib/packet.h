/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a captured packet says: its head parsed into a struct, and that as a line such as tcpdump
 * prints. Pure, and distrustful: of @captured bytes, whatever they are, none is read behind them;
 * what is cut off or nonsense is not set and not printed.
 *
 * Sources: RFC 791, 8200 (extension headers: section 4), 9293, 768, 792, 4443, 4861, 826;
 * IEEE 802.1Q; the words of tcpdump 4.99 where it has some.
 */
#ifndef LIB_PACKET_H
#define LIB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buffer.h"

/* Link types, https://www.tcpdump.org/linktypes.html: what a packet begins with. */
#define PACKET_LINK_ETHERNET 1U	  /* also that of the loopback device */
#define PACKET_LINK_RAW	     101U /* IPv4 or IPv6, by its first four bits */
#define PACKET_LINK_COOKED   113U /* Linux cooked capture, of `tcpdump -i any` */
#define PACKET_LINK_IPV4     228U
#define PACKET_LINK_IPV6     229U
#define PACKET_LINK_COOKED2  276U /* its second version */

enum packet_kind {
	PACKET_OTHER,	  /* nothing that is known here: only @ethertype, if there is one */
	PACKET_IP,	  /* IPv4 or IPv6 */
	PACKET_ARP,	  /* @source and @destination: sender's and target's protocol address */
	PACKET_NEIGHBOUR, /* IPv6 neighbour solicitation or advertisement, @target is whose */
};

/* Bits of @has: what was there. */
#define PACKET_HAS_PORTS  0x01U /* of TCP, UDP, UDP-Lite, SCTP, DCCP */
#define PACKET_HAS_TCP	  0x02U /* flags, seq, ack, window */
#define PACKET_HAS_ICMP	  0x04U /* icmp_type, icmp_code */
#define PACKET_HAS_ECHO	  0x08U /* icmp_id, icmp_seq of an echo request or reply */
#define PACKET_HAS_INNER  0x10U /* @inner, of an ICMP error */
#define PACKET_HAS_TARGET 0x20U /* @target */
#define PACKET_FRAGMENT	  0x40U /* not the first one: no ports */
#define PACKET_FIRST	  0x80U /* the first of several fragments */

#define PACKET_TCP_FIN 0x01U
#define PACKET_TCP_SYN 0x02U
#define PACKET_TCP_RST 0x04U
#define PACKET_TCP_PSH 0x08U
#define PACKET_TCP_ACK 0x10U
#define PACKET_TCP_URG 0x20U
#define PACKET_TCP_ECE 0x40U
#define PACKET_TCP_CWR 0x80U

/* Both ends as the packet has them. Of an ICMP echo the id is both ports. */
struct packet_tuple {
	uint8_t source[16]; /* network order, IPv4 as ::ffff:a.b.c.d */
	uint8_t destination[16];
	uint16_t source_port; /* host order; 0: none, or cut off */
	uint16_t destination_port;
	uint8_t protocol; /* IPPROTO_*: the last one, behind all extension headers */
	uint8_t family;	  /* AF_INET, AF_INET6; 0: no addresses */
};

struct packet {
	struct packet_tuple tuple;
	struct packet_tuple inner; /* of the packet that an ICMP error quotes */
	uint8_t target[16];	   /* neighbour discovery: whose link address it is about */
	uint32_t seq, ack;	   /* of TCP */
	uint32_t payload_bytes; /* behind the transport header, as the lengths in the packet say */
	uint32_t ip_bytes;	/* of the IP packet with its header */
	uint32_t link_bytes;	/* in front of the IP header */
	uint16_t ethertype;	/* behind any VLAN tags, host order; 0: none */
	uint16_t vlan;		/* id of the outermost VLAN tag; 0: none */
	uint16_t window;	/* of TCP, as it stands there, not scaled */
	uint16_t icmp_id, icmp_seq;
	uint16_t arp_operation; /* 1 request, 2 reply */
	uint8_t kind;		/* enum packet_kind */
	uint8_t has;		/* PACKET_HAS_* */
	uint8_t tcp_flags;	/* PACKET_TCP_* */
	uint8_t icmp_type, icmp_code;
	uint8_t ttl; /* or hop limit */
};

/* @data: @captured bytes of a packet that had @length on the wire, from the link layer on. Never
 * fails: what cannot be told is zero. */
void packet_parse(const void *data, size_t captured, size_t length, uint16_t link_type,
		  struct packet *ret_packet);

/* Of a tunnel's packet, as packet_parse() has parsed it: parses what it carries (of tunnels in
 * tunnels the innermost): IP in IP, GRE, VXLAN, Geneve. False: it is no such packet, or nothing is
 * known of what it carries. */
bool packet_open(const void *data, size_t captured, const struct packet *packet,
		 struct packet *ret_inner);

/* Of ICMP or ICMPv6. */
bool packet_is_echo_request(const struct packet *packet);
bool packet_is_echo_reply(const struct packet *packet);

/* Appends one line without a newline: "127.0.0.1.43210 > 127.0.0.1.80: Flags [S], seq 1, win 65495,
 * length 0". */
void packet_append(struct buffer *buffer, const struct packet *packet);

/* The word for the protocol: tcp, udp, icmp, arp... or NULL. */
const char *packet_protocol(const struct packet *packet);

#endif
