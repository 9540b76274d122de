/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_meter.h"

#include <stdlib.h>
#include <string.h>

#include "lib/cgroup.h"
#include "lib/netns.h"
#include "tools/connection_words.h"

/* Packets look for their flow when they have waited for it. */
#define RETAIN_NS (2 * NSEC_PER_SEC)

static bool see_interfaces(struct meter *meter)
{
	return meter->ifaces_ours &&
	       !interfaces_look(&meter->interfaces, meter->proc_fd, meter->options->interface);
}

int meter_new(const struct flowattr_options *options, int proc_fd, struct meter **ret_meter)
{
	_cleanup_(meter_freep) struct meter *meter = calloc(1, sizeof(*meter));
	struct process_table_options processes = {.proc_fd = proc_fd};
	uint32_t netns = options->common.process.netns;
	struct flow_table_options flows = {};
	int r;

	if (!meter)
		return -ENOMEM;
	meter->options = options;
	meter->proc_fd = proc_fd;
	meter->start_ns = meter->begin_ns = meter->end_ns = clock_now_ns();
	clock_sync(&meter->clock);
	r = process_table_new(&processes, &meter->processes);
	flows.processes = meter->processes;
	flows.retain_ns = flowattr_options_need_packets(options) ? RETAIN_NS : 0;
	flows.filter = &options->common.process;
	if (!r)
		r = cgroup_table_new(0, &meter->cgroups);
	if (!r)
		r = nat_table_new(0, &meter->nat);
	flows.nat = meter->nat;
	if (!r)
		r = flow_table_new(&flows, &meter->flows);
	if (!r)
		r = listeners_new(meter->processes, &meter->listeners);
	if (!r)
		r = flow_lines_new(&meter->lines);
	if (!r)
		r = users_new(&meter->users);
	if (r < 0)
		return r;
	r = netns_own(&meter->netns);
	if (r < 0)
		return r;
	meter->ifaces_ours = !netns || netns == meter->netns;
	meter->ifaces_seen = see_interfaces(meter);
	*ret_meter = meter;
	meter = NULL;
	return 0;
}

void meter_free(struct meter *meter)
{
	if (!meter)
		return;
	holders_release(&meter->holders);
	interfaces_release(&meter->interfaces);
	users_free(meter->users);
	flow_lines_free(meter->lines);
	listeners_free(meter->listeners);
	flow_table_free(meter->flows);
	nat_table_free(meter->nat);
	cgroup_table_free(meter->cgroups);
	process_table_free(meter->processes);
	free(meter);
}

static int on_accept(struct meter *meter, const struct accept_record *record)
{
	if (!(record->flags & ACCEPT_FINAL))
		meter->arrived_ns = record->header.ts_ns;
	if (record->flags & ACCEPT_CANCELLED) {
		flow_table_forget(meter->flows, &record->connection);
		return 0;
	}
	return flow_table_begin(meter->flows, &record->connection, FLOW_IN, record->header.ts_ns);
}

static int on_connect(struct meter *meter, const struct connect_record *record)
{
	if (record->error)
		return 0;
	return flow_table_begin(meter->flows, &record->connection, FLOW_OUT, record->header.ts_ns);
}

static int tool_record(struct meter *meter, const struct record_header *header)
{
	const struct flow_record *flow;

	switch (header->type) {
	case RECORD_CONNECT:
		return on_connect(meter, (const void *)header);
	case RECORD_ACCEPT:
		return on_accept(meter, (const void *)header);
	case RECORD_LISTEN:
		return listeners_add(meter->listeners,
				     &((const struct listen_record *)header)->connection);
	case RECORD_FLOW:
		flow = (const void *)header;
		return flow_table_begin(meter->flows, &flow->connection,
					(enum flow_direction)flow->direction, header->ts_ns);
	case RECORD_CLOSE:
	case RECORD_LIVE:
		return flow_table_count(meter->flows, (const void *)header);
	case RECORD_SHARE:
		return flow_table_share(meter->flows, (const void *)header);
	}
	return 0;
}

int meter_record(void *context, const void *data, size_t size)
{
	struct meter *meter = context;
	int type = record_check(data, size, &connection_sizes);
	int r = 0;

	switch (type) {
	case RECORD_PROCESS:
		cgroup_table_find(meter->cgroups, /* is in use */
				  ((const struct process_record *)data)->id.cgroup_id);
		r = process_table_add(meter->processes, data, size);
		break;
	case RECORD_EXIT:
		process_table_exit(meter->processes, &((const struct exit_record *)data)->id);
		break;
	case RECORD_CGROUP:
		r = cgroup_table_add(meter->cgroups, data, size);
		break;
	default:
		r = type < 0 ? type : tool_record(meter, data);
	}
	if (r == -EBADMSG) {
		meter->bad++;
		return 0;
	}
	return r;
}

int meter_listed(void *context, const struct record_header *record)
{
	return meter_record(context, record, record->length);
}

int meter_socket(void *context, const struct open_record *record, const uint32_t *holders, size_t n)
{
	struct meter *meter = context;

	return holders_add(&meter->holders, record->connection.cookie, holders, n);
}

int meter_existing(void *context, const struct open_record *record,
		   const uint32_t *holders _unused_, size_t n _unused_)
{
	struct meter *meter = context;

	return listeners_add(meter->listeners, &record->connection);
}

void meter_fold(struct meter *meter, const struct flow_counters *folded)
{
	const struct flow_counters now = *folded, *before = &meter->folded;
	const struct flow_counts counts = {
		.tx_bytes = now.folded_tx_bytes - before->folded_tx_bytes,
		.rx_bytes = now.folded_rx_bytes - before->folded_rx_bytes,
		.tx_packets = now.folded_tx_packets - before->folded_tx_packets,
		.rx_packets = now.folded_rx_packets - before->folded_rx_packets,
	};

	if (!meter->options->common.process.n_names)
		flow_table_fold(meter->flows, now.folded - before->folded, &counts);
	meter->folded = now;
}

uint64_t meter_lost(const struct meter *meter, uint64_t lost_rows)
{
	bool unknown = meter->options->common.process.n_names;

	return lost_rows + (unknown ? meter->folded.folded : 0);
}

void meter_end_interval(struct meter *meter, uint64_t lost)
{
	bool seen = meter->ifaces_seen;

	clock_sync(&meter->clock);
	meter->end_ns = clock_now_ns();
	meter->lost = meter_lost(meter, lost);
	meter->ifaces_seen = see_interfaces(meter);
	meter->ifaces = seen && meter->ifaces_seen;
}

void meter_total(const struct meter *meter, struct flowattr_total *ret_total)
{
	*ret_total = (struct flowattr_total){
		.wire = meter->options->reconcile ? &meter->wire : NULL,
		.ifaces = meter->ifaces,
		.iface_tx_bytes = meter->interfaces.sum.tx_bytes - meter->ifaces_begin.tx_bytes,
		.iface_rx_bytes = meter->interfaces.sum.rx_bytes - meter->ifaces_begin.rx_bytes,
	};
}

struct flowattr_context meter_context(const struct meter *meter)
{
	return (struct flowattr_context){.clock = &meter->clock,
					 .start_ns = meter->start_ns,
					 .begin_ns = meter->begin_ns,
					 .end_ns = meter->end_ns};
}

void meter_next_interval(struct meter *meter)
{
	meter->begin_ns = meter->end_ns;
	meter->ifaces_begin = meter->interfaces.sum;
	meter->wire = (struct wire){};
	flow_table_next_interval(meter->flows, meter->end_ns);
}
