/* SPDX-License-Identifier: GPL-2.0-only */
/* What --stats prints at the end. */
#ifndef FLOWATTR_STATS_H
#define FLOWATTR_STATS_H

#include "tools/flowattr_packets.h"
#include "tools/flowattr_track.h"

/* @rows: printed; @lost: records, of flows and packets. */
void stats_print(FILE *file, struct connection_bpf *bpf, const struct meter *meter,
		 const struct packets *packets, const struct track *track, uint64_t rows,
		 uint64_t lost);

#endif
