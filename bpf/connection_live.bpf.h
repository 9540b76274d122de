/* SPDX-License-Identifier: GPL-2.0-only */
/* What open connections and flows have carried so far: the tables of both, read at times. Nothing
 * happens at a packet or a call for it: TCP's counters are the kernel's own. */
#ifndef CONNECTION_LIVE_BPF_H
#define CONNECTION_LIVE_BPF_H

#include "connection_close.bpf.h"
#include "connection_datagram.bpf.h"

/* Bytes that have come and that nobody has read yet, with the FIN behind them. */
static __always_inline __u32 live_unread(const struct tcp_sock *tcp)
{
	__s32 unread = READ(tcp, rcv_nxt) - READ(tcp, copied_seq);

	return unread > 0 ? unread : 0;
}

/* Reads the kernel's counters of the socket that is, or was, at @sk: the memory may be another's by
 * now, which the caller finds out. */
static __always_inline void live_read(const struct sock *sk, struct close_record *record)
{
	const struct tcp_sock *tcp = (const void *)sk;
	bool got_fin = READ(sk, __sk_common.skc_flags) & (1UL << SOCK_DONE);
	__u32 unread;

	record->tx_bytes = READ(tcp, bytes_sent) - READ(tcp, bytes_retrans);
	record->rx_bytes = READ(tcp, bytes_received);
	unread = settings.split ? live_unread(tcp) : 0;
	record->rx_bytes -= unread ? unread : got_fin;
	record->tx_packets = READ(tcp, segs_out);
	record->rx_packets = READ(tcp, segs_in);
	record->retransmits = READ(tcp, total_retrans);
	record->rtt_us = READ(tcp, srtt_us) >> 3;
	record->connection.state = READ(sk, __sk_common.skc_state);
}

/* Is it the socket that the state was made for? */
static __always_inline bool live_is(const struct sock *sk, const struct socket_state *state)
{
	if (!settings.has_cookie)
		return READ(sk, __sk_common.skc_num) == state->ends.lport &&
		       READ(sk, __sk_common.skc_state) != BPF_TCP_CLOSE;
	return (__u64)READ(sk, __sk_common.skc_cookie.counter) == state->cookie;
}

/* An open TCP connection: a record, as its close would be now. */
static __noinline int live_show(struct iterator_map *ctx, const struct sock *sk,
				const struct socket_state *state)
{
	struct close_record record = {};

	if (!(state->flags & SOCKET_OPEN) || !(state->who & SOCKET_WANTED) ||
	    !traffic_wanted(state))
		return 0;
	connection_fill(&record.connection, state, 0);
	live_read(sk, &record);
	if (!live_is(sk, state))
		return 0;
	record_head(&record.header, RECORD_LIVE, sizeof(record));
	record.opened_ns = state->opened_ns;
	record.listener_pid = state->listener_pid;
	record.flags = state->flags & SOCKET_LIVE ? CLOSE_BORN : 0;
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

SEC("iter/bpf_map_elem")
int live_slots(struct iterator_map *ctx)
{
	const volatile struct socket_slot *slot = ctx->value;
	struct socket_state state;
	__u64 sk;

	if (!slot || !slot->sk)
		return 0;
	sk = slot->sk;
	state = *(const struct socket_state *)&slot->state;
	barrier();
	if (slot->sk != sk)
		return 0; /* another's meanwhile */
	return live_show(ctx, (const void *)sk, &state);
}

SEC("iter/bpf_map_elem")
int live_sockets(struct iterator_map *ctx)
{
	const struct socket_state *found = ctx->value;
	const __u64 *key = ctx->key;
	struct socket_state state;

	if (!key || !found || *key < SOCKET_KEYS_BEGIN)
		return 0;
	state = *found;
	return live_show(ctx, (const void *)*key, &state);
}

/* The same of flows of datagrams. */
SEC("iter/bpf_map_elem")
int live_flows(struct iterator_map *ctx)
{
	const struct flow_key *found = ctx->key;
	struct close_record record = {};
	struct flow_key key;
	struct flow *flow;

	if (!found)
		return 0;
	key = *found;
	flow = bpf_map_lookup_elem(&flows, &key);
	if (!flow)
		return 0;
	record_head(&record.header, RECORD_LIVE, sizeof(record));
	flow_fill(&record.connection, &key, flow);
	record.opened_ns = flow->began_ns;
	record.tx_bytes = flow->tx_bytes;
	record.rx_bytes = flow->rx_bytes;
	record.tx_packets = flow->tx_packets;
	record.rx_packets = flow->rx_packets;
	record.flags = CLOSE_BORN;
	if (bpf_seq_write(ctx->meta->seq, &record, sizeof(record)))
		return 0;
	flow->told_tx_bytes = record.tx_bytes;
	flow->told_rx_bytes = record.rx_bytes;
	flow->told_tx_packets = record.tx_packets;
	flow->told_rx_packets = record.rx_packets;
	return 0;
}

#endif
