/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_row.h"

#include "lib/human.h"
#include "tools/connection_row.h"
#include "tools/connection_words.h"

static const struct connection_columns columns = {FIELD_PID, FIELD_LOCAL, FIELD_REMOTE};
_Static_assert(FIELD_OWNER_SRC == FIELD_PID + CONNECTION_OWNER_SRC, "as connection_row() fills");

static uint64_t interval_ns(const struct flowattr_context *context)
{
	return context->end_ns - context->begin_ns;
}

static void fill_time(const struct flowattr_context *context, struct row *row)
{
	uint64_t realtime_ns = clock_realtime_ns(context->clock, context->end_ns);
	uint64_t since = context->end_ns - context->start_ns;

	row_time(row, FIELD_TS, realtime_ns);
	row_time(row, FIELD_TIME, realtime_ns);
	row_text_printf(row, FIELD_SECONDS, "%llu.%06llu",
			(unsigned long long)(since / NSEC_PER_SEC),
			(unsigned long long)(since % NSEC_PER_SEC / 1000));
	row_uint(row, FIELD_INTERVAL, interval_ns(context));
}

static void fill_rate(struct row *row, size_t field, uint64_t bytes,
		      const struct flowattr_context *context)
{
	char text[HUMAN_MAX];

	if (!row_wants(row, field))
		return;
	human_bytes((uint64_t)((double)bytes * 1e9 / (double)interval_ns(context)), text);
	row_text_printf(row, field, "%s", text);
}

static void fill_counts(const struct flow_counts *counts, const struct flowattr_context *context,
			struct row *row)
{
	row_uint(row, FIELD_TX_BYTES, counts->tx_bytes);
	row_uint(row, FIELD_RX_BYTES, counts->rx_bytes);
	row_uint(row, FIELD_TX_PACKETS, counts->tx_packets);
	row_uint(row, FIELD_RX_PACKETS, counts->rx_packets);
	fill_rate(row, FIELD_TX_RATE, counts->tx_bytes, context);
	fill_rate(row, FIELD_RX_RATE, counts->rx_bytes, context);
}

static void fill_peer(const struct flow *flow, const struct flowattr_context *context,
		      struct row *row)
{
	if (!flow->peer || !flow->peer->connection.owner.tgid) {
		row_null(row, FIELD_PEER_PID);
		row_null(row, FIELD_PEER_NAME);
		return;
	}
	row_uint(row, FIELD_PEER_PID, flow->peer->connection.owner.tgid);
	row_text(row, FIELD_PEER_NAME, context->peer_name);
	row_text_printf(row, FIELD_PEER, "%s[%u]", context->peer_name,
			flow->peer->connection.owner.tgid);
}

static void fill_nat(const struct flow_nat *nat, struct row *row)
{
	if (nat) {
		connection_row_end(row, FIELD_NAT_LADDR, FIELD_NAT_LPORT, FIELD_NAT_LOCAL,
				   nat->laddr, nat->lport);
		connection_row_end(row, FIELD_NAT_RADDR, FIELD_NAT_RPORT, FIELD_NAT_REMOTE,
				   nat->raddr, nat->rport);
		return;
	}
	for (size_t i = FIELD_NAT_LADDR; i <= FIELD_NAT_RPORT; i++)
		row_null(row, i);
}

static void fill_flow(const struct flow_line *line, const struct flowattr_context *context,
		      struct row *row)
{
	const struct flow *flow = line->flow;

	row_text(row, FIELD_TYPE, "flow");
	connection_row(&flow->connection, context->names, context->cgroup, &columns, row);
	row_text(row, FIELD_DIRECTION,
		 flow->direction ? flow->direction == FLOW_OUT ? "out" : "in" : NULL);
	row_text(row, FIELD_STATE, flow->ended_ns ? "CLOSED" : word_state(&flow->connection));
	row_uint(row, FIELD_TX_TOTAL, flow->now.tx_bytes);
	row_uint(row, FIELD_RX_TOTAL, flow->now.rx_bytes);
	if (flow->rtt_us)
		row_uint(row, FIELD_RTT, flow->rtt_us);
	else
		row_null(row, FIELD_RTT);
	if (is_datagram(&flow->connection))
		row_null(row, FIELD_RETRANSMITS);
	else
		row_uint(row, FIELD_RETRANSMITS, line->counts.retransmits);
	row_uints(row, FIELD_HOLDERS, flow->holders, flow->n_holders);
	fill_peer(flow, context, row);
	fill_nat(flow->nat, row);
	if (flow->connection.owner_src != OWNER_CALL)
		return;
	row_null(row, FIELD_TX_PACKETS); /* they stay with the owner */
	row_null(row, FIELD_RX_PACKETS);
	row_null(row, FIELD_RETRANSMITS);
}

/* A line of several flows has what they share, and nothing else. */
static void fill_group(const struct flow_line *line, enum flow_lines_by by,
		       const struct flowattr_context *context, struct row *row)
{
	static const char *const types[] = {
		[LINES_BY_PROCESS] = "process",
		[LINES_BY_REMOTE] = "remote",
		[LINES_BY_USER] = "user",
		[LINES_BY_CGROUP] = "cgroup",
	};
	const struct cell absent = {};

	connection_row(&line->flow->connection, context->names, context->cgroup, &columns, row);
	for (size_t i = FIELD_PID; i <= FIELD_OWNER_SRC; i++) {
		bool keep = (by == LINES_BY_PROCESS && i <= FIELD_CONTAINER) ||
			    (by == LINES_BY_REMOTE && i == FIELD_RADDR) ||
			    (by == LINES_BY_USER && i == FIELD_UID) ||
			    (by == LINES_BY_CGROUP && (i == FIELD_CGROUP || i == FIELD_CONTAINER));

		if (!keep)
			row->cells[i] = absent;
	}
	row->cells[FIELD_LOCAL] = row->cells[FIELD_REMOTE] = absent;
	if (by == LINES_BY_REMOTE || by == LINES_BY_CGROUP)
		row->cells[FIELD_USER] = absent;
	row_text(row, FIELD_TYPE, types[by]);
	row_uint(row, FIELD_FLOWS, line->flows);
}

void flowattr_row(const struct flow_line *line, enum flow_lines_by by,
		  const struct flowattr_context *context, struct row *row)
{
	row_reset(row);
	fill_time(context, row);
	fill_counts(&line->counts, context, row);
	if (!line->flow) {
		row_text(row, FIELD_TYPE, "others");
		row_text(row, FIELD_NAME, "(others)");
		row_uint(row, FIELD_FLOWS, line->flows);
		return;
	}
	row_text(row, FIELD_USER, context->user);
	if (by == LINES_BY_FLOW)
		fill_flow(line, context, row);
	else
		fill_group(line, by, context, row);
}

int64_t flowattr_residual(const struct flowattr_total *total)
{
	const struct wire *wire = total->wire;

	return (int64_t)(total->iface_tx_bytes + total->iface_rx_bytes - wire->tx_bytes -
			 wire->rx_bytes);
}

/* Without --reconcile nothing is known of it: nobody looks at packets. */
static void fill_wire(const struct flowattr_total *total, struct row *row)
{
	const struct wire *wire = total->wire;

	for (size_t i = FIELD_ATTRIBUTED; i <= FIELD_RESIDUAL; i++)
		row_null(row, i);
	if (!wire)
		return;
	row_uint(row, FIELD_ATTRIBUTED, wire->attributed);
	row_uint(row, FIELD_HEADER, wire->header_bytes);
	row_uint(row, FIELD_KERNEL, wire->kernel);
	row_uint(row, FIELD_FORWARDED, wire->forwarded);
	row_uint(row, FIELD_NO_SOCKET, wire->no_socket);
	row_uint(row, FIELD_UNATTRIBUTED, wire->unattributed);
	if (total->ifaces)
		row_int(row, FIELD_RESIDUAL, flowattr_residual(total));
}

void flowattr_total_row(const struct flowattr_total *total, const struct flowattr_context *context,
			struct row *row)
{
	row_reset(row);
	row_text(row, FIELD_TYPE, "total");
	fill_time(context, row);
	fill_counts(&total->counts, context, row);
	row_uint(row, FIELD_FLOWS, total->flows);
	if (total->ifaces) {
		row_uint(row, FIELD_IFACE_TX, total->iface_tx_bytes);
		row_uint(row, FIELD_IFACE_RX, total->iface_rx_bytes);
	} else {
		row_null(row, FIELD_IFACE_TX);
		row_null(row, FIELD_IFACE_RX);
	}
	fill_wire(total, row);
}

void flowattr_lost_row(uint64_t count, const struct flowattr_context *context, struct row *row)
{
	row_reset(row);
	row_text(row, FIELD_TYPE, "lost");
	fill_time(context, row);
	row->cells[FIELD_INTERVAL].kind = CELL_ABSENT;
	row_uint(row, FIELD_COUNT, count);
}
