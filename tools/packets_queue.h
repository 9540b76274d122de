/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets that wait, in the order of their times, until it is known whose they are: what tells may
 * come later than the packet, by another way. Only the first is asked about; those behind it wait
 * for it. Pure.
 */
#ifndef PACKETS_QUEUE_H
#define PACKETS_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/packets.h"
#include "lib/base.h"

#define PACKET_QUEUE_WAIT_NS   (100 * 1000 * 1000ULL) /* so long a packet waits at most */
#define PACKET_QUEUE_BYTES_MAX (64U << 20)	      /* of all that wait; beyond, none waits */

struct packet_queue;

#define PACKET_NOT_YET 1

/* Takes a packet. @last: it will not be asked about again. Returns 0 if it is dealt with,
 * PACKET_NOT_YET (not if @last), or a negative errno. */
typedef int (*packet_queue_fn)(void *context, const struct packet_record *record, bool last);

/* Returns 0 or -ENOMEM. */
int packet_queue_new(struct packet_queue **ret_queue);
void packet_queue_free(struct packet_queue *queue);

/* Keeps a copy of a record that has been checked: header.length bytes. Returns 0 or -ENOMEM. */
int packet_queue_add(struct packet_queue *queue, const struct packet_record *record);

/* A packet was passed on in @netns: it had come in there by interface @iif, and goes out now. What
 * waits of it as incoming becomes PACKET_FORWARDED: there, and on the ports that led there.
 * @passing: of its record. */
void packet_queue_forwarded(struct packet_queue *queue, uint64_t passing, uint32_t netns,
			    uint32_t iif);

/* Hands over what need not or must not wait any longer; @now_ns: CLOCK_MONOTONIC, UINT64_MAX: all.
 * Returns 0 or the negative errno of @fn; then that packet is still the first. */
int packet_queue_drain(struct packet_queue *queue, uint64_t now_ns, packet_queue_fn fn,
		       void *context);

/* Packets that wait. */
size_t packet_queue_count(const struct packet_queue *queue);

#endif
