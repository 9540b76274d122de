/* SPDX-License-Identifier: GPL-2.0-only */
/* The summary at the end: --stats. */
#ifndef CONNSNOOP_STATS_H
#define CONNSNOOP_STATS_H

#include <stdio.h>

#include "tools/connsnoop_stream.h"

struct connection_bpf;

void stats_print(FILE *file, struct connection_bpf *bpf, const struct stream_stats *stats);

#endif
