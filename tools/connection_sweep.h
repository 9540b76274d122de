/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Flows of datagrams that are over and that no hook has closed: idle ones, those of a process that
 * has ended while others go on with its socket, and the rest of a socket that had very many. A BPF
 * program walks over all flows and closes them; their records come by the ring buffer.
 */
#ifndef CONNECTION_SWEEP_H
#define CONNECTION_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base.h"

struct connection_bpf;

struct sweep {
	struct connection_bpf *bpf; /* NULL: no datagrams are watched */
	int link_fd;		    /* of the iterator; -1: none */
	uint64_t idle_every_ns;	    /* so often, idle flows are looked for */
	uint64_t swept_ns, took_ns; /* the last sweep */
	uint64_t done;		    /* flow_counters.sweeps that have been answered */
};

#define SWEEP_NONE ((struct sweep){.link_fd = -1})

/* Behind programs_attach(). @bpf is borrowed. Returns 0 or a negative errno. */
int sweep_init(struct sweep *sweep, struct connection_bpf *bpf, uint64_t idle_ns);
void sweep_release(struct sweep *sweep);

/* Will sweeping take capabilities? Before 5.19 it does. */
bool sweep_needs_rights(struct sweep *sweep);

#define SWEEP_MIN_NS (40 * 1000 * 1000ULL) /* between two sweeps, however many flows wait */
#define SWEEP_SHARE  20			   /* one part in so many of the time goes into sweeps */

/* Is it time to? @wanted: flow_counters.sweeps, which grows as flows come to wait for a sweep. */
static inline bool sweep_is_due(const struct sweep *sweep, uint64_t wanted, uint64_t now_ns,
				bool end)
{
	uint64_t since = now_ns - sweep->swept_ns;

	if (since < SWEEP_SHARE * sweep->took_ns)
		return false;
	if (wanted == sweep->done)
		return since >= sweep->idle_every_ns;
	return since >= SWEEP_MIN_NS || end;
}

/* Sweeps if it is time to. @end: at once, if any flow waits for it. Returns 0 or a negative errno.
 */
int sweep_tick(struct sweep *sweep, uint64_t now_ns, bool end);

#endif
