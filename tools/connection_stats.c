/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/connection_stats.h"

#include <bpf/bpf.h>
#include <inttypes.h>

#include "bpf/connection.h"
#include "connection.skel.h"

static void print_names(FILE *file, const struct process_table_stats *names)
{
	uint64_t with_procfs = names->found[NAME_EXE] + names->found[NAME_CMDLINE];
	uint64_t unnamed = names->found[NAME_COMM], all = 0;

	for (int i = 0; i < NAME_SOURCES; i++)
		all += names->found[i];
	fprintf(file,
		"names: %" PRIu64 " without procfs, %" PRIu64 " with procfs, %" PRIu64
		" unnamed (comm only), %" PRIu64 " procfs look-ups;",
		all - with_procfs - unnamed, with_procfs, unnamed, names->procfs_lookups);
	for (int i = 0; i < NAME_SOURCES; i++)
		if (names->found[i])
			fprintf(file, " %s %" PRIu64, process_name_source((enum name_source)i),
				names->found[i]);
	fputc('\n', file);
}

/* Time that the kernel side took, per program and in all. */
static void print_programs(FILE *file, struct connection_bpf *bpf)
{
	uint64_t run_ns = 0, runs = 0, misses = 0;
	struct bpf_program *program;

	bpf_object__for_each_program(program, bpf->obj)
	{
		struct bpf_prog_info info = {};
		uint32_t length = sizeof(info);

		if (!bpf_program__autoload(program) ||
		    bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &length) < 0)
			continue;
		run_ns += info.run_time_ns;
		runs += info.run_cnt;
		misses += info.recursion_misses;
		if (!info.run_cnt)
			continue;
		fprintf(file, "  %-24s %10" PRIu64 " runs %8" PRIu64 " ns each",
			bpf_program__name(program), (uint64_t)info.run_cnt,
			(uint64_t)(info.run_time_ns / info.run_cnt));
		if (info.recursion_misses)
			fprintf(file, " %6" PRIu64 " missed", (uint64_t)info.recursion_misses);
		fputc('\n', file);
	}
	fprintf(file,
		"kernel side: %.3f ms in %" PRIu64 " runs, %" PRIu64 " runs missed (recursion)\n",
		(double)run_ns / 1e6, runs, misses);
}

void connection_print_stats(FILE *file, struct connection_bpf *bpf,
			    const struct process_table_stats *names)
{
	fprintf(file,
		"flows: %" PRIu64 " closed early (more than %d at a time), %" PRIu64
		" datagrams without a known peer\n",
		(uint64_t)bpf->bss->flow_counters.early, FLOWS_MAX,
		(uint64_t)bpf->bss->flow_counters.no_peer);
	print_names(file, names);
	print_programs(file, bpf);
}
