/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes on the wire, packet by packet, by whose they are: flowattr --reconcile. Pure. */
#ifndef FLOWATTR_WIRE_H
#define FLOWATTR_WIRE_H

#include "tools/packets_owner.h"

/* Bytes with all headers, of an interval. */
struct wire {
	uint64_t tx_bytes, rx_bytes; /* as the interfaces count: loopback both, for each packet */
	uint64_t attributed; /* to a process, of either end; the next ones likewise of both ways */
	uint64_t header_bytes; /* of these, what is not payload */
	uint64_t kernel;       /* its own: neighbours, replies to pings, RSTs */
	uint64_t forwarded;
	uint64_t no_socket;    /* received for nobody */
	uint64_t unattributed; /* the rest */
};

/* A packet_count_fn; @wire is the context. */
void wire_count(void *wire, const struct packet_record *record, const struct packet *packet,
		const struct packet_owner *owner);

#endif
