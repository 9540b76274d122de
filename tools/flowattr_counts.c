/* SPDX-License-Identifier: GPL-2.0-only */
/* What flows have carried; the declarations are the table's. */
#include "tools/flowattr_table.h"

bool flow_counts_empty(const struct flow_counts *counts)
{
	return !counts->tx_bytes && !counts->rx_bytes && !counts->tx_packets && !counts->rx_packets;
}

void flow_counts_add(struct flow_counts *to, const struct flow_counts *counts)
{
	to->tx_bytes += counts->tx_bytes;
	to->rx_bytes += counts->rx_bytes;
	to->tx_packets += counts->tx_packets;
	to->rx_packets += counts->rx_packets;
	to->retransmits += counts->retransmits;
}

struct flow_counts flow_in_interval(const struct flow *flow)
{
	return (struct flow_counts){
		.tx_bytes = flow->now.tx_bytes - flow->before.tx_bytes,
		.rx_bytes = flow->now.rx_bytes - flow->before.rx_bytes,
		.tx_packets = flow->now.tx_packets - flow->before.tx_packets,
		.rx_packets = flow->now.rx_packets - flow->before.rx_packets,
		.retransmits = flow->now.retransmits - flow->before.retransmits,
	};
}

/* Counters of packets wrap at 2^32. What is a little less than before is an older reading. */
static uint64_t grown(uint64_t total, uint32_t now)
{
	uint32_t more = now - (uint32_t)total;

	return total && more > UINT32_MAX / 2 ? total : total + more;
}

void flow_take_counts(struct flow *flow, const struct close_record *record)
{
	struct flow_counts *now = &flow->now;

	if (record->tx_bytes > now->tx_bytes)
		now->tx_bytes = record->tx_bytes;
	if (record->rx_bytes > now->rx_bytes)
		now->rx_bytes = record->rx_bytes;
	now->tx_packets = grown(now->tx_packets, record->tx_packets);
	now->rx_packets = grown(now->rx_packets, record->rx_packets);
	now->retransmits = grown(now->retransmits, record->retransmits);
	if (record->rtt_us)
		flow->rtt_us = record->rtt_us;
	if (flow->based)
		return;
	flow->before = *now;
	flow->based = true;
}
