/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_stats.h"

#include <inttypes.h>

#include "bpf/connection.h"
#include "connection.skel.h"
#include "tools/connection_stats.h"

void stats_print(FILE *file, struct connection_bpf *bpf, const struct meter *meter,
		 const struct packets *packets, const struct track *track, uint64_t rows,
		 uint64_t lost)
{
	struct process_table_stats names;

	process_table_get_stats(meter->processes, &names);
	if (packets->capture)
		packets_print_stats(packets, file);
	fprintf(file,
		"records: %" PRIu64 " rows printed, %" PRIu64 " records lost, %" PRIu64
		" malformed\n",
		rows, lost, meter->bad);
	if (meter->options->split)
		fprintf(file, "split: %" PRIu64 " calls of more processes than %d\n",
			(uint64_t)bpf->bss->flow_counters.no_share, SHARES_MAX);
	track_print_stats(track, file);
	fprintf(file, "others: %" PRIu64 " flows found no room and are summed up as \"(others)\"\n",
		flow_table_folded(meter->flows));
	connection_print_stats(file, bpf, &names);
}
