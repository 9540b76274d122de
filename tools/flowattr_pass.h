/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading what is open: processes and sockets that were there before the tool, and, at each
 * interval, what the flows have carried. */
#ifndef FLOWATTR_PASS_H
#define FLOWATTR_PASS_H

#include "lib/loop.h"
#include "tools/flowattr_meter.h"

struct connection_bpf;

struct pass {
	struct connection_bpf *bpf;
	struct meter *meter;
	struct loop *loop;
	/* links of the iterators; -1: that one is not needed */
	int slots_fd, sockets_fd, flows_fd, shares_fd, holders_fd;
	uint64_t holders_ns; /* when it was last looked who holds sockets, CLOCK_MONOTONIC */
	uint64_t holders_took_ns;
};

#define PASS_NONE                                                                                  \
	((struct pass){.slots_fd = -1,                                                             \
		       .sockets_fd = -1,                                                           \
		       .flows_fd = -1,                                                             \
		       .shares_fd = -1,                                                            \
		       .holders_fd = -1})

/* Behind programs_attach(): names all processes, tags the sockets with their owners, reads what
 * they have carried so far. Returns 0 or a negative errno with its cause. */
int pass_begin(struct pass *pass, struct error *error);
void pass_release(struct pass *pass);

/* Brings the flows up to date: what the ring buffer holds, what is open, what has ended meanwhile.
 * Returns as loop_event_fn. */
int pass_run(struct pass *pass);

/* Will a pass need rights that privileges_drop() takes away? */
bool pass_needs_rights(struct pass *pass);

#endif
