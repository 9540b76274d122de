/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_report.h"

#include <stdlib.h>
#include <string.h>

#include "lib/cgroup.h"
#include "lib/human.h"
#include "lib/loop.h"

struct report {
	const struct flowattr_options *options;
	struct meter *meter;
	struct output *output;
	bool need_args, need_user, need_peer;
	uint64_t rows, intervals;
	uint64_t lost; /* as far as told */
	struct row row;
	char peer_name[PATH_MAX];
};

int report_new(const struct flowattr_options *options, struct meter *meter, int output_fd,
	       struct report **ret_report)
{
	_cleanup_(report_freep) struct report *report = calloc(1, sizeof(*report));
	struct output_options output = options->output;
	int r;

	if (!report)
		return -ENOMEM;
	report->options = options;
	report->meter = meter;
	report->need_args = flowattr_options_show(options, FIELD_ARGS);
	report->need_user = flowattr_options_show(options, FIELD_USER);
	report->need_peer = flowattr_options_show(options, FIELD_PEER) ||
			    flowattr_options_show(options, FIELD_PEER_NAME);
	report->row.limit = flowattr_options_need_table_fields(options) ? FIELDS : FIELD_TIME;
	output.fd = output_fd;
	r = output_new(flowattr_fields, FIELDS, &output, &report->output);
	if (r < 0)
		return r;
	*ret_report = report;
	report = NULL;
	return 0;
}

void report_free(struct report *report)
{
	if (!report)
		return;
	output_free(report->output);
	free(report);
}

uint64_t report_rows(const struct report *report)
{
	return report->rows;
}

bool report_is_complete(const struct report *report)
{
	const struct options *o = &report->options->common;
	uint64_t count = report->options->interval.count;

	return (count && report->intervals >= count) || (o->count && report->rows >= o->count);
}

/* Returns 0, LOOP_STOP if that was the last one wanted, or a negative errno. */
static int print_row(struct report *report)
{
	int r = output_row(report->output, &report->row);

	if (r < 0)
		return r;
	report->rows++;
	return report->rows == report->options->common.count ? LOOP_STOP : 0;
}

static int print_lost(struct report *report)
{
	struct flowattr_context context = meter_context(report->meter);
	uint64_t count = report->meter->lost - report->lost;

	if (!count)
		return 0;
	report->lost = report->meter->lost;
	if (report->options->output.format == OUTPUT_TABLE) {
		fprintf(stderr, "flowattr: %llu records lost here: flows may be missing\n",
			(unsigned long long)count);
		return 0;
	}
	flowattr_lost_row(count, &context, &report->row);
	return output_row(report->output, &report->row);
}

/* Names are borrowed until the next is asked for: that of the peer is copied. */
static void name_line(struct report *report, const struct flow_line *line,
		      struct process_names *names, struct flowattr_context *context)
{
	struct meter *meter = report->meter;
	const struct process_id *owner = &line->flow->connection.owner;
	const struct flow *peer = line->flow->peer;

	if (report->need_peer && report->options->by == LINES_BY_FLOW && peer) {
		process_table_find(meter->processes, &peer->connection.owner, false, names);
		snprintf(report->peer_name, sizeof(report->peer_name), "%s", names->name);
		context->peer_name = report->peer_name;
	}
	if (!owner->tgid)
		return;
	process_table_find(meter->processes, owner, report->need_args, names);
	context->names = names;
	context->cgroup = cgroup_table_find(meter->cgroups, owner->cgroup_id);
	if (report->need_user)
		context->user = users_name(meter->users, owner->uid);
}

static int print_lines(struct report *report, const struct flow_line *lines, size_t n)
{
	struct process_names names;
	int r = 0;

	if (report->options->rows_max && n > report->options->rows_max)
		n = report->options->rows_max;
	for (size_t i = 0; i < n && !r; i++) {
		struct flowattr_context context = meter_context(report->meter);

		if (lines[i].flow)
			name_line(report, &lines[i], &names, &context);
		flowattr_row(&lines[i], report->options->by, &context, &report->row);
		r = print_row(report);
	}
	return r;
}

static int print_head(struct report *report, const struct flowattr_total *total)
{
	char interval[HUMAN_MAX], tx[HUMAN_MAX], rx[HUMAN_MAX],
		iface_tx[HUMAN_MAX] = "?", iface_rx[HUMAN_MAX] = "?", text[256];
	const struct meter *meter = report->meter;

	if (report->options->output.format != OUTPUT_TABLE || !report->options->common.header)
		return 0;
	human_duration(meter->end_ns - meter->begin_ns, interval);
	human_bytes(total->counts.tx_bytes, tx);
	human_bytes(total->counts.rx_bytes, rx);
	if (total->ifaces) {
		human_bytes(total->iface_tx_bytes, iface_tx);
		human_bytes(total->iface_rx_bytes, iface_rx);
	}
	snprintf(text, sizeof(text),
		 "%s: %llu flows, payload sent %s received %s; interfaces sent %s received %s",
		 interval, (unsigned long long)total->flows, tx, rx, iface_tx, iface_rx);
	return output_table(report->output, text);
}

/* Under --reconcile, below the flows. */
static int print_wire(struct report *report, const struct flowattr_total *total)
{
	const struct wire *wire = total->wire;
	char text[256];
	int n;

	if (report->options->output.format != OUTPUT_TABLE || !wire)
		return 0;
	n = snprintf(text, sizeof(text),
		     "on the wire: processes %llu (headers %llu), kernel %llu, forwarded %llu, no "
		     "socket %llu, unattributed %llu",
		     (unsigned long long)wire->attributed, (unsigned long long)wire->header_bytes,
		     (unsigned long long)wire->kernel, (unsigned long long)wire->forwarded,
		     (unsigned long long)wire->no_socket, (unsigned long long)wire->unattributed);
	if (total->ifaces)
		snprintf(text + n, sizeof(text) - (size_t)n, "; interfaces: %+lld",
			 (long long)flowattr_residual(total));
	return output_line(report->output, text);
}

static void sum_up(const struct flow_line *lines, size_t n, struct flowattr_total *total)
{
	for (size_t i = 0; i < n; i++) {
		total->flows += lines[i].flows;
		total->counts.tx_bytes += lines[i].counts.tx_bytes;
		total->counts.rx_bytes += lines[i].counts.rx_bytes;
		total->counts.tx_packets += lines[i].counts.tx_packets;
		total->counts.rx_packets += lines[i].counts.rx_packets;
	}
}

static int print_interval(struct report *report)
{
	const struct flowattr_options *options = report->options;
	struct flow_lines_options wanted = {
		.by = options->by,
		.sort = options->sort,
		.now_ns = report->meter->last ? UINT64_MAX : report->meter->end_ns,
		.filter = &options->common.process,
		.processes = report->meter->processes,
	};
	struct flowattr_context context = meter_context(report->meter);
	struct flowattr_total total;
	const struct flow_line *lines;
	ssize_t n = flow_lines_make(report->meter->lines, report->meter->flows, &wanted, &lines);
	int r;

	if (n < 0)
		return (int)n;
	meter_total(report->meter, &total);
	sum_up(lines, (size_t)n, &total);
	r = print_head(report, &total);
	if (!r)
		r = print_lines(report, lines, (size_t)n);
	if (!r)
		r = print_wire(report, &total);
	if (!r && options->output.format != OUTPUT_TABLE) {
		flowattr_total_row(&total, &context, &report->row);
		r = print_row(report);
	}
	return r;
}

int report_interval(struct report *report)
{
	int r = print_lost(report), flush;

	if (!r)
		r = print_interval(report);
	meter_next_interval(report->meter);
	if (r < 0)
		return r;
	flush = output_pending(report->output) ? output_flush(report->output) : 0;
	if (flush < 0)
		return flush;
	report->intervals++;
	if (!r && report->options->interval.count &&
	    report->intervals == report->options->interval.count)
		r = LOOP_STOP;
	return r;
}

int report_begin(struct report *report)
{
	int r = report_interval(report);

	report->intervals = 0;
	return r < 0 ? r : 0;
}
