/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of --stats that is about the BPF programs. */
#ifndef CONNECTION_STATS_H
#define CONNECTION_STATS_H

#include <stdio.h>

#include "lib/process.h"

struct connection_bpf;

/* Flows, names by source, and, where statistics are enabled, what each program took. */
void connection_print_stats(FILE *file, struct connection_bpf *bpf,
			    const struct process_table_stats *names);

#endif
