/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/connsnoop_stats.h"

#include <inttypes.h>

#include "bpf/connection.h"
#include "connection.skel.h"
#include "tools/connection_stats.h"

void stats_print(FILE *file, struct connection_bpf *bpf, const struct stream_stats *stats)
{
	const struct record_counters *counters = &bpf->bss->counters;
	uint64_t lost_names = counters->lost[RECORD_PROCESS] + counters->lost[RECORD_EXIT] +
			      counters->lost[RECORD_CGROUP];

	fprintf(file,
		"records: %" PRIu64 " printed, %" PRIu64 " lost, %" PRIu64 " malformed; %" PRIu64
		" name records and %" PRIu64 " owner updates lost; %" PRIu64
		" events missed and inferred; %" PRIu64 " descendants not followed\n",
		stats->rows, (uint64_t)counters->lost_rows, stats->bad, lost_names,
		(uint64_t)counters->lost[RECORD_UPDATE], (uint64_t)counters->missed + stats->gone,
		(uint64_t)counters->follow_lost);
	connection_print_stats(file, bpf, &stats->names);
}
