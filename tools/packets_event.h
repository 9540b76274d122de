/* SPDX-License-Identifier: GPL-2.0-only */
/* A packet of a pcapng file as it is shown. Pure. */
#ifndef PACKETS_EVENT_H
#define PACKETS_EVENT_H

#include "lib/pcapng_read.h"
#include "tools/packets_lines.h"

#define PACKET_EVENT_TEXT 65536 /* bytes of a text in a file, with a NUL */

/* Room for a view and for what it points to. Large: not for the stack. */
struct packet_event {
	struct packet_view view;
	struct packet packet;
	struct packet_owner owner;
	uint16_t link_type;
	char name[PACKET_EVENT_TEXT], exe[PACKET_EVENT_TEXT], peer[PACKET_EVENT_TEXT];
};

/* Fills it with a packet that @reader has just read; good until the next one is read. */
void packet_event_read(const struct pcapng_reader *reader, const struct pcapng_packet *packet,
		       struct packet_event *event);

#endif
