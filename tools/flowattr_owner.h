/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose a packet is, by the table of flows; and, for what has no flow (yet), by who sent packets
 * between these ends: a connect that is refused never becomes a flow, and the first packets come
 * before their flow does.
 */
#ifndef FLOWATTR_OWNER_H
#define FLOWATTR_OWNER_H

#include "tools/flowattr_meter.h"
#include "tools/packets_owner.h"

struct owner_finder;

/* @meter: borrowed. Returns 0 or -ENOMEM. */
int owner_finder_new(struct meter *meter, struct owner_finder **ret_finder);
void owner_finder_free(struct owner_finder *finder);

/* A packet_owner_fn; @finder is the context. */
int owner_find(void *finder, const struct packet *packet, const struct packet_record *record,
	       bool last, struct packet_owner *ret_owner);

#endif
