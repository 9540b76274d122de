/* SPDX-License-Identifier: GPL-2.0-only */
/* The traffic filters of the command line (-P -L -D -4 -6 --proto --addr) on a packet. Pure. */
#ifndef PACKETS_MATCH_H
#define PACKETS_MATCH_H

#include "lib/options.h"
#include "lib/packet.h"

/* Is it wanted? @direction: enum packet_direction of bpf/packets.h; of one that is not known, the
 * sender counts as local. Of an ICMP error either tuple may match: its own, or the quoted one. ARP
 * counts as IPv4 and, under --proto, as no protocol. */
bool packet_matches(const struct traffic_filter *traffic, const struct packet *packet,
		    uint8_t direction);

#endif
