/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/connsnoop_row.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lib/base.h"
#include "tools/connection_row.h"
#include "tools/connection_words.h"

static const struct connection_columns columns = {FIELD_PID, FIELD_LOCAL, FIELD_REMOTE};
_Static_assert(FIELD_OWNER_SRC == FIELD_PID + CONNECTION_OWNER_SRC, "as connection_row() fills");

/* A number and its unit in five columns at most: 950us, 1.2ms, 34ms, 5.6s; 512, 1.2k, 34M. */
static void format_short(double value, const char *unit, char text[16])
{
	snprintf(text, 16, value < 9.95 ? "%.1f%s" : "%.0f%s", value, unit);
}

static void format_duration(uint64_t ns, char text[16])
{
	if (ns < 1000 * 1000)
		snprintf(text, 16, "%uus", (unsigned int)(ns / 1000));
	else if (ns < 999500000) /* what is more is rounded to 1.0s, not to 1000ms */
		format_short((double)ns / 1e6, "ms", text);
	else
		format_short((double)ns / 1e9, "s", text);
}

/* Powers of ten. */
static void format_bytes(uint64_t bytes, char text[16])
{
	static const char *const units[] = {"", "k", "M", "G", "T", "P", "E"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 999.5 && unit < ARRAY_SIZE(units) - 1) {
		value /= 1000;
		unit++;
	}
	if (unit)
		format_short(value, units[unit], text);
	else
		snprintf(text, 16, "%u", (unsigned int)bytes);
}

/* The table has no column for the protocol: what is not TCP says so in its detail. */
static void format_protocol(const struct connection *connection, char text[16])
{
	const char *name = is_datagram(connection) ? word_protocol(connection->protocol) : NULL;

	snprintf(text, 16, "%s%s", name ? name : "", name ? " " : "");
}

static void row_error(struct row *row, uint32_t error)
{
	const char *name;

	if (!error) {
		row_null(row, FIELD_ERROR);
		return;
	}
	name = error == CONNECT_ERROR_UNKNOWN ? NULL : strerrorname_np((int)error);
	row_text(row, FIELD_ERROR, name ? name : "unknown");
}

static void fill_time(uint64_t monotonic_ns, const struct connsnoop_context *context,
		      struct row *row)
{
	uint64_t realtime_ns = clock_realtime_ns(context->clock, monotonic_ns);
	uint64_t since = monotonic_ns > context->start_ns ? monotonic_ns - context->start_ns : 0;

	row_time(row, FIELD_TS, realtime_ns);
	row_time(row, FIELD_TIME, realtime_ns);
	row_text_printf(row, FIELD_SECONDS, "%llu.%06llu",
			(unsigned long long)(since / NSEC_PER_SEC),
			(unsigned long long)(since % NSEC_PER_SEC / 1000));
}

static void fill_listener_pid(struct row *row, uint32_t listener_pid)
{
	if (listener_pid)
		row_uint(row, FIELD_LISTENER_PID, listener_pid);
	else
		row_null(row, FIELD_LISTENER_PID);
}

static void fill_connect(const struct connect_record *record, struct row *row)
{
	char latency[16] = "";

	row_error(row, record->error);
	if (record->latency_ns) {
		row_uint(row, FIELD_LATENCY, record->latency_ns);
		format_duration(record->latency_ns, latency);
	} else {
		row_null(row, FIELD_LATENCY);
	}
	if (record->error)
		row_text_printf(row, FIELD_DETAIL, "%.*s%s%s", (int)row->cells[FIELD_ERROR].length,
				row->cells[FIELD_ERROR].text, latency[0] ? " " : "", latency);
	else if (latency[0])
		row_text_printf(row, FIELD_DETAIL, "%s", latency);
}

static void fill_accept(const struct accept_record *record, struct row *row)
{
	fill_listener_pid(row, record->listener_pid);
	if (record->connection.owner_src == OWNER_LISTEN)
		row_text(row, FIELD_DETAIL, "not accepted yet");
	else if (record->listener_pid && record->listener_pid != record->connection.owner.tgid)
		row_text_printf(row, FIELD_DETAIL, "listener %u", record->listener_pid);
}

/* Counters of the kernel; nobody has read them from a socket that was found gone. */
static void fill_counters(const struct close_record *record, struct row *row)
{
	row_uint(row, FIELD_TX_BYTES, record->tx_bytes);
	row_uint(row, FIELD_RX_BYTES, record->rx_bytes);
	row_uint(row, FIELD_TX_PACKETS, record->tx_packets);
	row_uint(row, FIELD_RX_PACKETS, record->rx_packets);
	if (is_datagram(&record->connection))
		row_null(row, FIELD_RETRANSMITS);
	else
		row_uint(row, FIELD_RETRANSMITS, record->retransmits);
	if (record->rtt_us)
		row_uint(row, FIELD_RTT, record->rtt_us);
	else
		row_null(row, FIELD_RTT);
}

static void fill_close(const struct close_record *record, struct row *row)
{
	static const char *const names[] = {
		[CLOSED_BY_LOCAL] = "local",
		[CLOSED_BY_REMOTE] = "remote",
		[CLOSED_BY_RESET] = "reset",
	};
	const char *by = record->closed_by < ARRAY_SIZE(names) ? names[record->closed_by] : NULL;
	char tx[16], rx[16], duration[16] = "", prefix[16];

	if (record->listener_pid)
		row_uint(row, FIELD_LISTENER_PID, record->listener_pid);
	row_error(row, record->error);
	row_text(row, FIELD_CLOSED_BY, by);
	if (record->flags & (CLOSE_INFERRED | CLOSE_GONE))
		row_bool(row, FIELD_INFERRED, true);
	if (record->flags & CLOSE_GONE) {
		for (size_t i = FIELD_DURATION; i <= FIELD_RTT; i++)
			row_null(row, i);
		row_text(row, FIELD_DETAIL, "gone, its end was not seen");
		return;
	}
	if (record->opened_ns && record->header.ts_ns >= record->opened_ns) {
		row_uint(row, FIELD_DURATION, record->header.ts_ns - record->opened_ns);
		format_duration(record->header.ts_ns - record->opened_ns, duration);
	} else {
		row_null(row, FIELD_DURATION);
	}
	fill_counters(record, row);
	if (!row_wants(row, FIELD_DETAIL))
		return;
	format_protocol(&record->connection, prefix);
	format_bytes(record->tx_bytes, tx);
	format_bytes(record->rx_bytes, rx);
	if (!by && record->error)
		by = strerrorname_np((int)record->error);
	if (record->flags & (CLOSE_IDLE | CLOSE_EARLY))
		by = record->flags & CLOSE_IDLE ? "idle" : "early";
	row_text_printf(row, FIELD_DETAIL, "%stx %s rx %s%s%s%s%s", prefix, tx, rx,
			duration[0] ? " " : "", duration, by ? " " : "", by ? by : "");
}

static void fill_listen(const struct listen_record *record, struct row *row)
{
	connection_row_no_peer(&columns, row);
	if (is_datagram(&record->connection)) {
		row_null(row, FIELD_BACKLOG);
		row_text(row, FIELD_DETAIL, word_protocol(record->connection.protocol));
		return;
	}
	row_uint(row, FIELD_BACKLOG, record->backlog);
	row_text_printf(row, FIELD_DETAIL, "backlog %u", record->backlog);
}

static void fill_flow(const struct flow_record *record, struct row *row)
{
	const char *direction = record->direction == FLOW_OUT ? "out" : "in";

	row_text(row, FIELD_DIRECTION, direction);
	row_text_printf(row, FIELD_DETAIL, "%s %s", word_protocol(record->connection.protocol),
			direction);
}

static void fill_open(const struct open_record *record, const struct connsnoop_context *context,
		      struct row *row)
{
	const char *state = word_state(&record->connection);
	char prefix[16];

	row_text(row, FIELD_STATE, state);
	row_uints(row, FIELD_HOLDERS, context->holders, context->n_holders);
	if (record->connection.state == TCP_LISTEN) {
		row_uint(row, FIELD_BACKLOG, record->backlog);
		connection_row_no_peer(&columns, row);
	}
	format_protocol(&record->connection, prefix);
	if (context->n_holders > 1)
		row_text_printf(row, FIELD_DETAIL, "%s%s +%zu holders", prefix, state ? state : "",
				context->n_holders - 1);
	else if (state)
		row_text_printf(row, FIELD_DETAIL, "%s%s", prefix, state);
	else
		row_null(row, FIELD_DETAIL);
}

void connsnoop_row(const struct record_header *record, const struct connsnoop_context *context,
		   struct row *row)
{
	/* the connection stands behind the head in each of them */
	const struct connection *connection = (const void *)(record + 1);

	row_reset(row);
	row_text(row, FIELD_TYPE, connection_events[record->type - RECORD_TOOL]);
	fill_time(record->ts_ns, context, row);
	connection_row(connection, context->names, context->cgroup, &columns, row);
	switch (record->type) {
	case RECORD_CONNECT:
		fill_connect((const void *)record, row);
		break;
	case RECORD_ACCEPT:
		fill_accept((const void *)record, row);
		break;
	case RECORD_LISTEN:
		fill_listen((const void *)record, row);
		break;
	case RECORD_FLOW:
		fill_flow((const void *)record, row);
		break;
	case RECORD_CLOSE:
		fill_close((const void *)record, row);
		break;
	case RECORD_OPEN:
		fill_open((const void *)record, context, row);
		break;
	}
}

void connsnoop_lost_row(uint64_t count, uint64_t monotonic_ns,
			const struct connsnoop_context *context, struct row *row)
{
	row_reset(row);
	row_text(row, FIELD_TYPE, "lost");
	fill_time(monotonic_ns, context, row);
	row_uint(row, FIELD_COUNT, count);
	row_text_printf(row, FIELD_DETAIL, "%llu records", (unsigned long long)count);
}
