/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/packets_event.h"

#include <string.h>

#include "bpf/packets.h"

static const char *copy(char *to, const struct pcapng_text *text)
{
	size_t length = text->length < PACKET_EVENT_TEXT ? text->length : PACKET_EVENT_TEXT - 1;

	if (!text->length)
		return NULL;
	memcpy(to, text->data, length);
	to[length] = '\0';
	return to;
}

/* By the block that the packet refers to, or the ids in the packet itself. */
static void read_process(const struct pcapng_reader *reader, const struct pcapng_packet *packet,
			 struct packet_event *event)
{
	struct packet_process *local = &event->owner.local;
	const struct pcapng_process *process = NULL;

	if (packet->process != PCAPNG_NO_PROCESS)
		process = pcapng_reader_process(reader, packet->process);
	local->bare = true;
	local->id.tgid = packet->pid;
	local->id.tid = packet->pid ? packet->tid : 0;
	if (!process)
		return;
	if (local->id.tgid != process->pid)
		local->id.tid = 0;
	local->id.tgid = process->pid;
	local->names.name = copy(event->name, &process->name);
	local->names.exe = copy(event->exe, &process->path);
}

static void read_comment(const struct pcapng_packet *packet, struct packet_event *event)
{
	const struct pcapng_text *comment = &packet->comment;
	bool own = packet_comment_parse(comment->data, comment->length, event->peer,
					sizeof(event->peer), &event->owner);

	event->owner.peer.bare = true;
	if (event->owner.kind == PACKET_OWNER_UNKNOWN && event->owner.local.id.tgid)
		event->owner.kind = PACKET_OWNER_PROCESS;
	if (own || !comment->length)
		return;
	event->view.comment = comment->data;
	event->view.comment_length = comment->length;
}

static uint8_t direction_of(uint32_t flags)
{
	switch (flags & PCAPNG_DIRECTION) {
	case PCAPNG_OUTBOUND:
		return PACKET_OUT;
	case PCAPNG_INBOUND:
		return PACKET_IN;
	default:
		return 0;
	}
}

void packet_event_read(const struct pcapng_reader *reader, const struct pcapng_packet *packet,
		       struct packet_event *event)
{
	const struct pcapng_interface *interface =
		pcapng_reader_interface(reader, packet->interface);

	event->owner = (struct packet_owner){};
	event->link_type = interface->link_type;
	event->view = (struct packet_view){
		.packet = &event->packet,
		.owner = &event->owner,
		.interface = interface->name.data,
		.interface_length = interface->name.length,
		.ts_ns = packet->ts_ns,
		.since_ns = UINT64_MAX, /* known to who reads on */
		.bytes = packet->original,
		.direction = direction_of(packet->flags),
	};
	packet_parse(packet->data, packet->length, packet->original, interface->link_type,
		     &event->packet);
	read_process(reader, packet, event);
	read_comment(packet, event);
}
