/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_packets.h"

#include <bpf/libbpf.h>
#include <inttypes.h>
#include <string.h>

#include "connection.skel.h"
#include "tools/flowattr_read.h"

/* Is any process filtered out? Of network namespaces the capture knows itself. */
static bool filters_processes(const struct options *o)
{
	const struct process_filter *p = &o->process;

	return p->n_pids || p->n_names || p->n_uids || p->cgroup_id || o->command;
}

static const char *expression_of(const struct flowattr_options *o)
{
	return o->expression[0] ? o->expression : NULL;
}

/* All packets of the interfaces whose counters are known, for the sums in the total. */
static void count_only(struct meter *meter, struct capture_options *options)
{
	options->expression = NULL;
	options->traffic = NULL;
	options->process = NULL;
	options->by_process = false;
	options->netns = meter->netns;
	options->count = 0;
	options->counted = wire_count;
	options->counted_context = &meter->wire;
}

int packets_new(const struct flowattr_options *o, struct connection_bpf *bpf, struct meter *meter,
		struct loop_options *loop, struct packets *ret_packets, struct error *error)
{
	bool traced = o->common.process.n_pids || o->common.command;
	struct capture_options options = {
		.traffic = &o->traffic,
		.process = &o->common.process,
		.traced_fd = traced ? bpf_map__fd(bpf->maps.processes) : -1,
		.by_process = filters_processes(&o->common),
		.expression = expression_of(o),
		.interface = o->interface,
		.direction = o->packet_direction,
		.snaplen = o->snaplen,
		.count = o->common.count,
		.file = o->write_file,
		.format = o->output.format,
		.selected = o->output.selected,
		.selection = o->output.selection,
		.header = o->common.header,
		.seconds = flowattr_options_count_seconds(o),
		.owner = owner_find,
	};
	int r = owner_finder_new(meter, &ret_packets->finder);

	if (r < 0)
		return error_set(error, r, "no memory");
	ret_packets->meter = meter;
	options.context = ret_packets->finder;
	if (o->reconcile)
		count_only(meter, &options);
	r = capture_new(&options, &ret_packets->capture, error);
	if (r == -EINVAL)
		options_usage("FILTER: %s", error->text);
	if (r < 0)
		return r;
	loop->wake_fd = capture_wake_fd(ret_packets->capture);
	if (o->write_file && strcmp(o->write_file, "-") != 0)
		loop->output_fd = -1; /* nothing is written there */
	return 0;
}

void packets_release(struct packets *packets)
{
	capture_free(packets->capture);
	owner_finder_free(packets->finder);
	*packets = (struct packets){};
}

static int explain(const struct packets *packets, int r, struct error *error)
{
	if (r >= 0 || r == -EPIPE)
		return r;
	return error_set(error, r, "cannot write %s: %s", capture_target(packets->capture),
			 strerror(-r));
}

/* What flows have lost: no packet is missing for that, but its owner may be. Where flows are shown
 * their report tells. */
static void tell_owners_lost(struct packets *packets)
{
	uint64_t count = packets->meter->lost - packets->told;

	if (!count || packets->meter->options->reconcile)
		return;
	packets->told = packets->meter->lost;
	fprintf(stderr, "flowattr: %" PRIu64 " records of flows lost here: owners may be missing\n",
		count);
}

int packets_tick(struct packets *packets, uint64_t now_ns, struct error *error)
{
	tell_owners_lost(packets);
	return explain(packets, capture_tick(packets->capture, now_ns), error);
}

int packets_settle(struct packets *packets, struct error *error)
{
	return explain(packets, capture_settle(packets->capture), error);
}

int packets_finish(struct packets *packets, struct error *error)
{
	tell_owners_lost(packets);
	return explain(packets, capture_finish(packets->capture), error);
}

int packets_read(const struct flowattr_options *o)
{
	const struct flowattr_read_options options = {
		.file = o->read_file,
		.expression = expression_of(o),
		.traffic = &o->traffic,
		.process = &o->common.process,
		.interface = o->interface,
		.direction = o->packet_direction,
		.count = o->common.count,
		.format = o->output.format,
		.selected = o->output.selected,
		.selection = o->output.selection,
		.header = o->common.header,
		.seconds = flowattr_options_count_seconds(o),
	};
	struct error error;
	int r = flowattr_read(&options, &error);

	if (r == -EINVAL)
		options_usage("FILTER: %s", error.text);
	if (r < 0)
		fprintf(stderr, "flowattr: %s\n", error.text);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

uint64_t packets_lost(const struct packets *packets)
{
	struct capture_stats stats;

	capture_get_stats(packets->capture, &stats);
	return stats.lost;
}

void packets_print_stats(const struct packets *packets, FILE *file)
{
	struct capture_stats stats;

	capture_get_stats(packets->capture, &stats);
	fprintf(file,
		"packets: %" PRIu64 " shown, %" PRIu64 " of them without a known owner, %" PRIu64
		" lost, %" PRIu64 " seen\n",
		stats.shown, stats.unknown, stats.lost, stats.seen);
}
