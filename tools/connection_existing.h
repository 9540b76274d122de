/* SPDX-License-Identifier: GPL-2.0-only */
/* What ran and was open before the tool: read once, behind the hooks' attachment, so without gap.
 */
#ifndef CONNECTION_EXISTING_H
#define CONNECTION_EXISTING_H

#include <stddef.h>

#include "lib/options.h"
#include "tools/connection_list.h"

struct connection_bpf;
struct loop;

struct existing_options {
	const struct process_filter *process; /* borrowed */
	struct loop *loop;		      /* borrowed: of the ring buffer */
	/* Each process, by a RECORD_PROCESS. Returns 0 or a negative errno. */
	int (*on_record)(void *context, const void *data, size_t size);
	socket_list_fn on_socket; /* each socket, once; NULL: they are tagged only */
	void *context;
};

/* Names all processes and, out of the ring buffer, their cgroups, adds running descendants to the
 * filter under --follow, tags the sockets with their owners. Returns 0, what on_socket() returned,
 * or a negative errno. */
int existing_read(const struct existing_options *options, struct connection_bpf *bpf);

#endif
