/* SPDX-License-Identifier: GPL-2.0-only */
/* What can be told of a packet's owner before anybody who knows sockets is asked, and behind. Pure.
 */
#ifndef PACKETS_OWNER_H
#define PACKETS_OWNER_H

#include "bpf/packets.h"
#include "tools/packets_lines.h"

/* Fills @ret_owner, which is all zero, and returns 1; or 0: not known (yet). It may fill in what is
 * known so far and return 0: with @last set that is what will be shown.
 *
 * @packet->tuple is the packet's as it is, so the local end is its source if @record->direction is
 * PACKET_OUT, else its destination. record->flags has PACKET_CAUSE: record->sender is the owner
 * (with the names that the process table has of it). PACKET_OPENER: record->sender sent the packet,
 * on a socket of its own; PACKET_CURRENT alone: it sent it, on a socket that it was given.
 * record->flags has PACKET_FORWARDED: no end is here; `local` and `peer` are filled in as struct
 * packet_owner says. Without, @fn may find out, and set `kind` to FORWARDED itself.
 * Texts that `*ret_owner` borrows must last until the next call, wherever it is copied to. @last:
 * there is no other call for this packet. */
typedef int (*packet_owner_fn)(void *context, const struct packet *packet,
			       const struct packet_record *record, bool last,
			       struct packet_owner *ret_owner);

/* Asks @fn, unless the packet itself tells: what was forwarded is FORWARDED, and who is at its ends
 * is asked of what has ports; questions for neighbours without a process behind them are the
 * KERNEL's; an ICMP error is asked for as the packet that it quotes, a tunnel's packet as what it
 * carries, without those packets' data. Returns whether @ret_owner is final; it always is if
 * @last. */
bool packet_find_owner(packet_owner_fn fn, void *context, const struct packet *packet,
		       const struct packet_record *record, bool last,
		       struct packet_owner *ret_owner);

#endif
