/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records that may not be the last word. A connection that arrived and that nobody has been seen to
 * accept yet: its accept record waits here for a better one, at most PENDING_NS, and a close that
 * comes meanwhile waits behind it. A connect that found no route: it waits as long for another
 * lookup that finds one.
 */
#ifndef CONNSNOOP_PENDING_H
#define CONNSNOOP_PENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/connection.h"
#include "lib/base.h"

#define PENDING_NS  (100 * 1000 * 1000ULL)
#define PENDING_MAX 16384 /* beyond that the oldest goes out early */

struct pending;

/* A record on its way out. Returns as loop_event_fn. */
typedef int (*pending_emit_fn)(void *context, const struct record_header *record);

int pending_new(pending_emit_fn emit, void *context, struct pending **ret_pending);
void pending_free(struct pending *pending);
static inline void pending_freep(struct pending **pending)
{
	pending_free(*pending);
	*pending = NULL;
}

/* Takes a connect record: emits it, or keeps it if it is tentative. Returns as pending_accept(). */
int pending_connect(struct pending *pending, const struct connect_record *record);

/* Takes an accept record: keeps it if it is not final, else emits it in place of the one that waits
 * (or drops both, if it says so) and whatever waited behind. Returns what emit returned, 0, or a
 * negative errno. */
int pending_accept(struct pending *pending, const struct accept_record *record);

/* Takes a close record: emits it, or keeps it behind its accept record. */
int pending_close(struct pending *pending, const struct close_record *record);

/* Emits what has waited since before @now_ns - PENDING_NS. UINT64_MAX: all. */
int pending_expire(struct pending *pending, uint64_t now_ns);

size_t pending_count(const struct pending *pending);

#endif
