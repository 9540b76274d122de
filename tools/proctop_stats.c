/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/proctop_stats.h"

#include <bpf/bpf.h>
#include <inttypes.h>

#include "proctop.skel.h"

static void print_names(FILE *file, const struct process_table_stats *names)
{
	uint64_t with_procfs = names->found[NAME_EXE] + names->found[NAME_CMDLINE];
	uint64_t unnamed = names->found[NAME_COMM], all = 0;

	for (int i = 0; i < NAME_SOURCES; i++)
		all += names->found[i];
	fprintf(file,
		"names: %" PRIu64 " without procfs, %" PRIu64 " with procfs, %" PRIu64
		" unnamed (comm only), %" PRIu64 " procfs look-ups, %" PRIu64 " forgotten\n",
		all - with_procfs - unnamed, with_procfs, unnamed, names->procfs_lookups,
		names->evicted);
}

/* Time that the kernel side took, per program and in all. */
static void print_programs(FILE *file, struct proctop_bpf *bpf)
{
	uint64_t run_ns = 0, misses = 0;
	struct bpf_program *program;

	bpf_object__for_each_program(program, bpf->obj)
	{
		struct bpf_prog_info info = {};
		uint32_t length = sizeof(info);

		if (!bpf_program__autoload(program) ||
		    bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &length) < 0 ||
		    !info.run_cnt)
			continue;
		run_ns += info.run_time_ns;
		misses += info.recursion_misses;
		fprintf(file, "  %-24s %10" PRIu64 " runs %8" PRIu64 " ns each\n",
			bpf_program__name(program), (uint64_t)info.run_cnt,
			(uint64_t)(info.run_time_ns / info.run_cnt));
	}
	fprintf(file, "kernel side: %.3f ms, %" PRIu64 " runs missed (recursion)\n",
		(double)run_ns / 1e6, misses);
}

void stats_print(FILE *file, struct proctop_bpf *bpf, const struct meter *meter, uint64_t rows)
{
	const struct record_counters *counters = &bpf->bss->counters;
	const struct ledger_others *others = ledger_get_others(meter->ledger);
	struct process_table_stats names;

	process_table_get_stats(meter->processes, &names);
	fprintf(file,
		"records: %" PRIu64 " rows printed, %" PRIu64 " records lost, %" PRIu64
		" malformed; %" PRIu64 " threads, %.3f ms of CPU time in \"(others)\"; %" PRIu64
		" of %" PRIu64 " threads missed; %" PRIu64 " name records lost; %" PRIu64
		" descendants not followed\n",
		rows, (uint64_t)counters->lost_rows, meter->bad, others->threads,
		(double)others->total.sums.cpu_ns / 1e6, (uint64_t)bpf->bss->totals.missed_tasks,
		(uint64_t)bpf->bss->totals.exited_tasks,
		(uint64_t)(counters->lost[RECORD_PROCESS] + counters->lost[RECORD_CGROUP]),
		(uint64_t)counters->follow_lost);
	print_names(file, &names);
	print_programs(file, bpf);
}
