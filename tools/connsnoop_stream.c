/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/connsnoop_stream.h"

#include <string.h>

#include "lib/cgroup.h"
#include "lib/clock.h"
#include "lib/filter.h"
#include "lib/loop.h"
#include "tools/connsnoop_open.h"
#include "tools/connsnoop_pending.h"
#include "tools/connsnoop_row.h"
#include "tools/connection_words.h"

#define CLOCK_SYNC_NS NSEC_PER_SEC

struct stream {
	const struct connsnoop_options *options;
	bool need_args;
	struct process_table *processes;
	struct cgroup_table *cgroups;
	struct pending *pending;
	struct open_table *open;
	struct output *output;
	struct clock clock;
	uint64_t clock_synced_ns;
	uint64_t start_ns;
	int64_t flows; /* that have begun and not ended */
	struct stream_stats stats;
	struct row row;
};

static int print(void *context, const struct record_header *record);

int stream_new(const struct connsnoop_options *options, int proc_fd, int output_fd,
	       struct stream **ret_stream)
{
	_cleanup_(stream_freep) struct stream *stream = calloc(1, sizeof(*stream));
	struct process_table_options table = {.proc_fd = proc_fd};
	struct output_options output = options->output;
	int r;

	if (!stream)
		return -ENOMEM;
	stream->options = options;
	stream->need_args = connsnoop_options_need_args(options);
	stream->row.limit = connsnoop_options_need_table_fields(options) ? FIELDS : FIELD_TIME;
	stream->start_ns = clock_now_ns();
	clock_sync(&stream->clock);
	stream->clock_synced_ns = stream->start_ns;
	output.fd = output_fd;
	r = output_new(connsnoop_fields, FIELDS, &output, &stream->output);
	if (!r)
		r = process_table_new(&table, &stream->processes);
	if (!r)
		r = cgroup_table_new(0, &stream->cgroups);
	if (!r)
		r = pending_new(print, stream, &stream->pending);
	if (!r)
		r = open_table_new(stream->processes, &stream->open);
	if (r < 0)
		return r;
	*ret_stream = stream;
	stream = NULL;
	return 0;
}

void stream_free(struct stream *stream)
{
	if (!stream)
		return;
	pending_free(stream->pending);
	open_table_free(stream->open);
	cgroup_table_free(stream->cgroups);
	process_table_free(stream->processes);
	output_free(stream->output);
	free(stream);
}

static int print_row(struct stream *stream)
{
	int r = output_row(stream->output, &stream->row);

	return r < 0 ? r : 0;
}

/* Names the owner, asks the filter by name, prints. */
static int print_with(struct stream *stream, const struct record_header *record,
		      const uint32_t *holders, size_t n_holders)
{
	const struct connection *connection = (const void *)(record + 1);
	const struct process_filter *filter = &stream->options->common.process;
	struct process_names names = {};
	struct connsnoop_context context = {
		.clock = &stream->clock,
		.start_ns = stream->start_ns,
		.names = &names,
		.cgroup = cgroup_table_find(stream->cgroups, connection->owner.cgroup_id),
		.holders = holders,
		.n_holders = n_holders,
	};
	uint64_t count = stream->options->common.count;
	int r;

	if (count && stream->stats.rows >= count)
		return LOOP_STOP;
	if (connection->owner.tgid) {
		process_table_find(stream->processes, &connection->owner, stream->need_args,
				   &names);
		if (!filter_wants_name(filter, names.name))
			return 0;
	} else if (filter->n_names) {
		return 0;
	}
	connsnoop_row(record, &context, &stream->row);
	r = print_row(stream);
	if (r < 0)
		return r;
	stream->stats.rows++;
	return stream->stats.rows == count ? LOOP_STOP : 0;
}

static int print(void *context, const struct record_header *record)
{
	return print_with(context, record, NULL, 0);
}

/* Says in the stream, where it happened, that records are missing. */
static int print_lost(struct stream *stream, uint64_t lost, uint64_t ts_ns)
{
	struct connsnoop_context context = {.clock = &stream->clock, .start_ns = stream->start_ns};
	uint64_t count = lost - stream->stats.lost;

	if (lost <= stream->stats.lost)
		return 0;
	stream->stats.lost = lost;
	if (stream->options->output.format == OUTPUT_TABLE) {
		fprintf(stderr, "connsnoop: %llu records lost here: output is read too slowly\n",
			(unsigned long long)count);
		return 0;
	}
	connsnoop_lost_row(count, ts_ns, &context, &stream->row);
	return print_row(stream);
}

/* A connection has begun: its owner will be printed once more when it ends. */
static int begin(struct stream *stream, const struct connection *connection, uint32_t listener_pid,
		 uint64_t now_ns)
{
	if (!(stream->options->events & EVENT_BIT(RECORD_CLOSE)))
		return 0; /* nobody will tell of its end, nobody asked */
	return open_table_add(stream->open, connection, listener_pid, now_ns, stream->stats.lost);
}

static int on_accept(struct stream *stream, const struct accept_record *record)
{
	const struct connection *connection = &record->connection;
	bool known = open_table_remove(stream->open, connection->cookie);
	int r = 0;

	/* a late one may come behind the close, of what it is too late to begin */
	if (!(record->flags & ACCEPT_CANCELLED) && (known || !(record->flags & ACCEPT_LATE)))
		r = begin(stream, connection, record->listener_pid, record->header.ts_ns);
	return r < 0 ? r : pending_accept(stream->pending, record);
}

/* Flows are not in the table of what is open: the kernel keeps them itself. */
static int on_flow_close(struct stream *stream, const struct close_record *record)
{
	int r = print(stream, &record->header);

	if (record->flags & CLOSE_PINNED) {
		process_table_unpin(stream->processes, &record->connection.owner);
		stream->flows--;
	}
	return r;
}

static int tool_record(struct stream *stream, const struct record_header *header)
{
	const struct connection *connection = (const void *)(header + 1);
	int r = print_lost(stream, header->lost, header->ts_ns);

	if (r < 0)
		return r;
	switch (header->type) {
	case RECORD_CONNECT:
		if (!((const struct connect_record *)header)->error)
			r = begin(stream, connection, 0, header->ts_ns);
		return r < 0 ? r : pending_connect(stream->pending, (const void *)header);
	case RECORD_ACCEPT:
		return on_accept(stream, (const void *)header);
	case RECORD_FLOW:
		if (stream->options->events & EVENT_BIT(RECORD_CLOSE)) {
			process_table_pin(stream->processes, &connection->owner);
			stream->flows++;
		}
		break;
	case RECORD_CLOSE:
		if (is_datagram(connection))
			return on_flow_close(stream, (const void *)header);
		r = pending_close(stream->pending, (const void *)header);
		open_table_remove(stream->open, connection->cookie);
		return r;
	}
	return print(stream, header);
}

int stream_record(void *context, const void *data, size_t size)
{
	struct stream *stream = context;
	int type = record_check(data, size, &connection_sizes);
	int r = 0;

	switch (type) {
	case RECORD_PROCESS:
		cgroup_table_find(stream->cgroups, /* is in use */
				  ((const struct process_record *)data)->id.cgroup_id);
		r = process_table_add(stream->processes, data, size);
		break;
	case RECORD_EXIT:
		process_table_exit(stream->processes, &((const struct exit_record *)data)->id);
		break;
	case RECORD_CGROUP:
		r = cgroup_table_add(stream->cgroups, data, size);
		break;
	default:
		r = type < 0 ? type : tool_record(stream, data);
	}
	if (r == -EBADMSG) {
		stream->stats.bad++;
		return 0;
	}
	return r;
}

/* Under --existing: will the stream tell of this socket by itself, or has it? What began under the
 * hooks' eyes; a connect that goes on; a request that is not a connection yet; one that is over. */
static bool is_told_elsewhere(const struct open_record *record)
{
	switch (record->connection.state) {
	case TCP_SYN_SENT:
	case TCP_SYN_RECV:
	case TCP_NEW_SYN_RECV:
	case TCP_TIME_WAIT:
		return true;
	}
	return record->live;
}

int stream_open_socket(void *context, const struct open_record *record, const uint32_t *holders,
		       size_t n)
{
	struct stream *stream = context;
	bool datagram = is_datagram(&record->connection);
	bool listens = datagram ? takes_datagrams(&record->connection)
				: record->connection.state == TCP_LISTEN;

	if (stream->options->listening && !listens)
		return 0;
	if (stream->options->existing && is_told_elsewhere(record))
		return 0;
	if (!datagram && !listens && record->connection.owner.tgid && stream->options->existing) {
		int r = begin(stream, &record->connection, 0, record->header.ts_ns);

		if (r < 0)
			return r;
	}
	return print_with(stream, &record->header, holders, n);
}

bool stream_is_waiting(const struct stream *stream)
{
	return pending_count(stream->pending) > 0;
}

int stream_tick(struct stream *stream, uint64_t now_ns, uint64_t lost, bool end)
{
	int r;

	if (now_ns - stream->clock_synced_ns >= CLOCK_SYNC_NS) {
		clock_sync(&stream->clock);
		stream->clock_synced_ns = now_ns;
	}
	r = pending_expire(stream->pending, end ? UINT64_MAX : now_ns);
	if (r >= 0) {
		int lost_r = print_lost(stream, lost, now_ns);

		if (lost_r < 0)
			r = lost_r;
	}
	if (output_pending(stream->output)) {
		int flush_r = output_flush(stream->output);

		if (flush_r < 0)
			return flush_r;
	}
	return r;
}

void stream_socket_is_there(struct stream *stream, const struct connection *connection)
{
	/* TIME_WAIT keeps the number of a connection that has ended */
	if (connection->state != TCP_TIME_WAIT)
		open_table_mark(stream->open, connection->cookie);
}

static int on_gone(void *context, const struct close_record *record)
{
	struct stream *stream = context;
	int r = pending_close(stream->pending, record);

	stream->stats.gone++;
	return r;
}

int stream_sweep(struct stream *stream, uint32_t netns, uint64_t before_ns, uint64_t now_ns,
		 uint64_t lost)
{
	return open_table_sweep(stream->open, netns, before_ns, now_ns, lost, on_gone, stream);
}

bool stream_has_older(const struct stream *stream, uint64_t before_ns)
{
	return open_table_has_older(stream->open, before_ns);
}

void stream_get_stats(const struct stream *stream, struct stream_stats *ret_stats)
{
	*ret_stats = stream->stats;
	ret_stats->open = (int64_t)open_table_count(stream->open) + stream->flows;
	process_table_get_stats(stream->processes, &ret_stats->names);
}
