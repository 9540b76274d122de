/* SPDX-License-Identifier: GPL-2.0-only */
/* What ran and was open before connsnoop: read once, behind the hooks' attachment, so without gap.
 */
#ifndef CONNSNOOP_EXISTING_H
#define CONNSNOOP_EXISTING_H

#include "lib/loop.h"
#include "tools/connsnoop_stream.h"

struct connsnoop_bpf;

/* Names all processes, adds running descendants to the filter under --follow, tags the sockets with
 * their owners, and, under -l and --existing, prints them. Returns 0, LOOP_STOP or a negative
 * errno. */
int existing_read(const struct connsnoop_options *options, struct connsnoop_bpf *bpf,
		  struct stream *stream);

/* Compares the connections that the stream takes for open with the sockets that there are in
 * connsnoop's own network namespace; those that are gone get their close record. @link_fd: of the
 * iterator list_unheld, see iterator_link(). Returns as loop_tick_fn. */
int existing_sweep(struct stream *stream, struct loop *loop, struct connsnoop_bpf *bpf,
		   int link_fd);

#endif
