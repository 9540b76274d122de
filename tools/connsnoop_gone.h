/* SPDX-License-Identifier: GPL-2.0-only */
/* Connections whose end no hook was told of: found by looking at what is there. */
#ifndef CONNSNOOP_GONE_H
#define CONNSNOOP_GONE_H

#include "lib/loop.h"
#include "tools/connsnoop_stream.h"

struct connection_bpf;

/* Compares the connections that the stream takes for open with the sockets that there are in
 * connsnoop's own network namespace; those that are gone get their close record. @link_fd: of the
 * iterator list_unheld, see iterator_link(); -1: nothing is done. Returns as loop_tick_fn. */
int gone_sweep(struct stream *stream, struct loop *loop, struct connection_bpf *bpf, int link_fd);

#endif
