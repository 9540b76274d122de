/* SPDX-License-Identifier: GPL-2.0-only */
/* What ran and was open before connsnoop: read once, behind the hooks' attachment, so without gap.
 */
#ifndef CONNSNOOP_EXISTING_H
#define CONNSNOOP_EXISTING_H

#include "tools/connsnoop_stream.h"

struct connsnoop_bpf;

/* Names all processes, adds running descendants to the filter under --follow, tags the sockets with
 * their owners, and, under -l and --existing, prints them. Returns 0, LOOP_STOP or a negative
 * errno. */
int existing_read(const struct connsnoop_options *options, struct connsnoop_bpf *bpf,
		  struct stream *stream);

#endif
