/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/packets_owner.h"

/* ARP, neighbour discovery: without a process behind them it is the kernel's own care. */
static bool is_neighbour(const struct packet *packet)
{
	return packet->kind == PACKET_ARP || packet->kind == PACKET_NEIGHBOUR;
}

/* Of an error: whose was the packet that it quotes? An incoming error quotes what was sent from
 * here; an outgoing one, what was sent to here, maybe from this very machine: then its sender is
 * who this error goes to. Either way the quoted packet's sender is asked for. */
static int ask_for_quoted(packet_owner_fn fn, void *context, const struct packet *packet,
			  const struct packet_record *record, bool last,
			  struct packet_owner *ret_owner)
{
	struct packet_record sent = *record; /* without its data */
	struct packet quoted = *packet;
	struct packet_owner owner = {};
	int r;

	quoted.tuple = packet->inner;
	quoted.kind = PACKET_IP;
	quoted.has = PACKET_HAS_PORTS;
	sent.direction = PACKET_OUT;
	sent.flags = 0;
	sent.sender = (struct process_id){};
	sent.cookie = 0;
	r = fn(context, &quoted, &sent, last, &owner);
	if (record->direction == PACKET_IN) {
		*ret_owner = owner;
		return r;
	}
	ret_owner->peer = owner.local;
	ret_owner->kind = PACKET_OWNER_KERNEL;
	return r;
}

/* Neither end is here; processes on this machine may be at both. */
static int ask_for_forwarded(packet_owner_fn fn, void *context, const struct packet *packet,
			     const struct packet_record *record, bool last,
			     struct packet_owner *ret_owner)
{
	bool has_ends =
		packet->kind == PACKET_IP && packet->has & (PACKET_HAS_PORTS | PACKET_HAS_ECHO);
	int r = has_ends ? fn(context, packet, record, last, ret_owner) : 1;

	ret_owner->kind = PACKET_OWNER_FORWARDED;
	return r;
}

static int ask(packet_owner_fn fn, void *context, const struct packet *packet,
	       const struct packet_record *record, bool last, struct packet_owner *ret_owner);

/* Of a tunnel: whose is what it carries? In this network namespace, or in whatever one the tunnel
 * comes from; else it may be a tunnel of a process's own. */
static int ask_for_carried(packet_owner_fn fn, void *context, const struct packet *packet,
			   const struct packet *carried, const struct packet_record *record,
			   bool last, struct packet_owner *ret_owner)
{
	struct packet_record inside = *record; /* without its data */
	int r;

	inside.captured = 0;
	r = ask(fn, context, carried, &inside, last, ret_owner);
	if (r || ret_owner->peer.id.tgid)
		return r;
	inside.netns = 0;
	r = ask(fn, context, carried, &inside, last, ret_owner);
	if (r || ret_owner->peer.id.tgid)
		return r;
	return fn(context, packet, record, last, ret_owner);
}

static int ask(packet_owner_fn fn, void *context, const struct packet *packet,
	       const struct packet_record *record, bool last, struct packet_owner *ret_owner)
{
	struct packet carried;

	if (packet_open(record->data, record->captured, packet, &carried))
		return ask_for_carried(fn, context, packet, &carried, record, last, ret_owner);
	if (record->flags & PACKET_FORWARDED)
		return ask_for_forwarded(fn, context, packet, record, last, ret_owner);
	if (is_neighbour(packet) && !(record->flags & PACKET_CAUSE)) {
		ret_owner->kind = PACKET_OWNER_KERNEL;
		return 1;
	}
	if (packet->has & PACKET_HAS_INNER)
		return ask_for_quoted(fn, context, packet, record, last, ret_owner);
	return fn(context, packet, record, last, ret_owner);
}

bool packet_find_owner(packet_owner_fn fn, void *context, const struct packet *packet,
		       const struct packet_record *record, bool last,
		       struct packet_owner *ret_owner)
{
	int known;
	bool sent_by_kernel = record->direction == PACKET_OUT &&
			      (record->flags & PACKET_KERNEL || !record->sk_state);

	*ret_owner = (struct packet_owner){};
	known = ask(fn, context, packet, record, last, ret_owner);
	if (!known && !last)
		return false;
	if (ret_owner->kind == PACKET_OWNER_UNKNOWN && sent_by_kernel)
		ret_owner->kind = PACKET_OWNER_KERNEL;
	return true;
}
