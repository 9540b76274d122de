/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Flows of datagrams: what one process sends and receives between one socket and one peer. A table
 * with a bound; whatever makes room in it tells of what it closes.
 */
#ifndef CONNECTION_FLOW_BPF_H
#define CONNECTION_FLOW_BPF_H

#include "connection_socket.bpf.h"

#define FLOW_TRIES  8 /* keys that are looked at to find a flow that has not been used of late */
#define FLOW_WANTED 0x1
#define FLOW_TOLD   0x2 /* its flow record is out */
#define E2BIG	    7
#define ENOMEM	    12

struct flow_key {
	__u64 cookie;	/* of the socket, datagram_cookie() */
	__u64 raddr[2]; /* as in struct endpoints; zero: not known, or no such thing */
	__u32 tgid;
	__u16 rport; /* host order */
	__u16 pad;
};

struct flow {
	struct process_id owner;
	struct flow_key before; /* the flow that the socket had begun before this; cookie 0: none */
	__u64 laddr[2];
	__u64 sk; /* address of the struct sock */
	__u64 began_ns;
	__u64 used_ns;	 /* last datagram */
	__u64 queued_ns; /* when it was put into flow_queue */
	__u64 tx_bytes, rx_bytes;
	__u32 tx_packets, rx_packets;
	__u64 told_tx_bytes, told_rx_bytes; /* that user space has read already */
	__u32 told_tx_packets, told_rx_packets;
	__u32 netns;
	__u16 lport;
	__u16 protocol; /* IPPROTO_*, PROTOCOL_* */
	__u8 direction; /* enum flow_direction */
	__u8 flags;	/* FLOW_* */
	__u8 pad[6];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, FLOWS_MAX);
	__type(key, struct flow_key);
	__type(value, struct flow);
} flows SEC(".maps");

/* Keys of all flows, in the order in which they began or were last found in use. Keys of flows that
 * are over stay until their turn comes: hence twice as many. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 2 * FLOWS_MAX);
	__type(value, struct flow_key);
} flow_queue SEC(".maps");

#define ARRIVALS 4 /* packets of a socket that may be on their way, a power of two */

struct arrival {
	__u64 raddr[2];
	__u64 skb; /* address of the packet */
	__u64 ts_ns;
	__u32 ordinal; /* among those of its socket */
	__u32 length;  /* bytes, with the UDP header or without */
	__u16 rport;
	__u16 cpu;  /* that handled it; ARRIVAL_LOST */
	bool known; /* the address could be read */
	__u8 pad[3];
};

/* Sockets that have had flows, until they are released. What is behind `flows` is for
 * connection_arrival.bpf.h. */
struct datagram_socket {
	struct flow_key last; /* the flow that began last */
	__u64 released_ns;    /* 0: it is there; else some flows wait for a sweep */
	__u32 flows;
	__u32 named;   /* receives in a row that asked for the address */
	__u64 reader;  /* pid_tgid of the last receive; 0: none yet */
	__u32 arrived; /* packets; number n is arrivals[n % ARRIVALS] */
	__u32 taken;   /* of these, received */
	bool in_step;  /* these two begin with the same packet */
	__u8 pad[7];
	struct arrival head; /* the packet that will be received next, if known */
	struct arrival arrivals[ARRIVALS];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, FLOWS_MAX);
	__type(key, __u64); /* datagram_cookie() */
	__type(value, struct datagram_socket);
} datagram_sockets SEC(".maps");

/* Processes that have had flows. */
struct flow_owner {
	__u64 exited_ns; /* 0: it lives */
	__u32 flows;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, FLOWS_MAX);
	__type(key, __u32);
	__type(value, struct flow_owner);
} flow_owners SEC(".maps");

struct flow_counters flow_counters = {};

static __noinline void flow_fill(struct connection *connection, const struct flow_key *key,
				 const struct flow *flow)
{
	connection->owner = flow->owner;
	connection->cookie = key->cookie;
	__builtin_memcpy(connection->laddr, flow->laddr, 16);
	__builtin_memcpy(connection->raddr, key->raddr, 16);
	connection->netns = flow->netns;
	connection->lport = flow->lport;
	connection->rport = key->rport;
	connection->protocol = flow->protocol;
	connection->owner_src = flow->direction == FLOW_OUT ? OWNER_SEND : OWNER_RECV;
	connection->state = 0;
	connection->pad = 0;
}

static __noinline void flow_close_fill(struct close_record *record, const struct flow_key *key,
				       const struct flow *flow, __u64 ended_ns, __u32 flags)
{
	if (ended_ns)
		record->header.ts_ns = ended_ns;
	flow_fill(&record->connection, key, flow);
	record->opened_ns = flow->began_ns;
	record->tx_bytes = flow->tx_bytes;
	record->rx_bytes = flow->rx_bytes;
	record->tx_packets = flow->tx_packets;
	record->rx_packets = flow->rx_packets;
	record->retransmits = 0;
	record->rtt_us = 0;
	record->error = 0;
	record->listener_pid = 0;
	record->closed_by = flags & (CLOSE_IDLE | CLOSE_EARLY) ? CLOSED_BY_NONE : CLOSED_BY_LOCAL;
	record->flags = flags | CLOSE_BORN | (flow->flags & FLOW_TOLD ? CLOSE_PINNED : 0);
	record->pad = 0;
	record->pad2 = 0;
}

/* Out of the table. False: it was taken out by another at the same time, who tells of it. */
static __noinline bool flow_remove(const struct flow_key *key)
{
	struct datagram_socket *socket;
	struct flow_owner *owner;
	__u32 tgid = key->tgid;
	__u64 cookie = key->cookie;

	if (bpf_map_delete_elem(&flows, key))
		return false;
	socket = bpf_map_lookup_elem(&datagram_sockets, &cookie);
	if (socket) {
		__sync_fetch_and_add(&socket->flows, -1);
		if (!socket->flows && socket->released_ns)
			bpf_map_delete_elem(&datagram_sockets, &cookie);
	}
	owner = bpf_map_lookup_elem(&flow_owners, &tgid);
	if (owner) {
		__sync_fetch_and_add(&owner->flows, -1);
		if (!owner->flows && owner->exited_ns)
			bpf_map_delete_elem(&flow_owners, &tgid);
	}
	return true;
}

/* There is no room to tell of it. */
static __noinline int flow_close_untold(const struct flow_key *key, const struct flow *flow)
{
	__u64 tx_bytes = flow->tx_bytes - flow->told_tx_bytes;
	__u64 rx_bytes = flow->rx_bytes - flow->told_rx_bytes;
	__u32 tx_packets = flow->tx_packets - flow->told_tx_packets;
	__u32 rx_packets = flow->rx_packets - flow->told_rx_packets;

	if (!flow_remove(key))
		return 0;
	if (!settings.fold) {
		record_count_lost(RECORD_CLOSE);
		return 1;
	}
	__sync_fetch_and_add(&flow_counters.folded, 1);
	__sync_fetch_and_add(&flow_counters.folded_tx_bytes, tx_bytes);
	__sync_fetch_and_add(&flow_counters.folded_rx_bytes, rx_bytes);
	__sync_fetch_and_add(&flow_counters.folded_tx_packets, tx_packets);
	__sync_fetch_and_add(&flow_counters.folded_rx_packets, rx_packets);
	return 1;
}

/* @ended_ns: 0: now; flags: CLOSE_*. Returns whether it was there, and nobody else closed it. */
static __noinline int flow_close(const struct flow_key *key, __u64 ended_ns, __u32 flags)
{
	struct flow *flow = bpf_map_lookup_elem(&flows, key);
	struct close_record *record;

	if (!flow)
		return 0;
	if (!event_wanted(RECORD_CLOSE) || settings.failed_only)
		return flow_remove(key);
	record = record_try(RECORD_CLOSE, sizeof(*record));
	if (!record)
		return flow_close_untold(key, flow);
	flow_close_fill(record, key, flow, ended_ns, flags);
	if (!flow_remove(key)) {
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
		return 0;
	}
	record_submit(record, sizeof(*record));
	return 1;
}

/* Takes keys out of the queue, the oldest first, up to that of a flow that has not been used since
 * it was queued, and closes that one. Others go back to the end. A global
 * function: it is verified once. */
__weak int flow_make_room(void)
{
	struct flow_key key;
	struct flow *flow;

	for (int i = 0; i < FLOW_TRIES; i++) {
		if (bpf_map_pop_elem(&flow_queue, &key))
			return 0;
		flow = bpf_map_lookup_elem(&flows, &key);
		if (!flow)
			continue;
		if (i == FLOW_TRIES - 1 || flow->used_ns <= flow->queued_ns)
			break;
		flow->queued_ns = flow->used_ns;
		bpf_map_push_elem(&flow_queue, &key, BPF_ANY);
	}
	if (flow_close(&key, 0, CLOSE_EARLY))
		__sync_fetch_and_add(&flow_counters.early, 1);
	return 0;
}

/* For each flow that begins, one that is over leaves the queue. */
static __noinline int flow_queue_clean(void)
{
	struct flow_key first;

	if (!bpf_map_peek_elem(&flow_queue, &first) && !bpf_map_lookup_elem(&flows, &first))
		return bpf_map_pop_elem(&flow_queue, &first);
	return 0;
}

/* Puts it into the table and the queue, if there is room in both. */
static __noinline int flow_put(const struct flow_key *key, const struct flow *flow)
{
	int r = bpf_map_update_elem(&flows, key, flow, BPF_NOEXIST);

	if (!r && bpf_map_push_elem(&flow_queue, key, BPF_ANY)) {
		bpf_map_delete_elem(&flows, key);
		return -E2BIG;
	}
	return r;
}

static const struct datagram_socket datagram_socket_zero = {};

static __always_inline struct datagram_socket *datagram_socket_new(__u64 cookie)
{
	bpf_map_update_elem(&datagram_sockets, &cookie, &datagram_socket_zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(&datagram_sockets, &cookie);
}

/* Another flow of its socket and its owner. Not of a packet socket: nothing tells when it is
 * released. */
static __noinline void flow_link(const struct flow_key *key, struct flow *flow)
{
	struct datagram_socket *socket = NULL;
	struct flow_owner *owner, fresh_owner = {};
	__u64 cookie = key->cookie;
	__u32 tgid = key->tgid;

	if (flow->protocol != PROTOCOL_PACKET) {
		socket = bpf_map_lookup_elem(&datagram_sockets, &cookie);
		if (!socket)
			socket = datagram_socket_new(cookie);
	}
	if (socket) {
		flow->before = socket->last;
		socket->last = *key;
		__sync_fetch_and_add(&socket->flows, 1);
	}
	owner = bpf_map_lookup_elem(&flow_owners, &tgid);
	if (!owner) {
		bpf_map_update_elem(&flow_owners, &tgid, &fresh_owner, BPF_NOEXIST);
		owner = bpf_map_lookup_elem(&flow_owners, &tgid);
	}
	if (owner)
		__sync_fetch_and_add(&owner->flows, 1);
}

static __always_inline bool flow_tell(const struct flow_key *key, const struct flow *flow)
{
	struct flow_record *record;

	if (!event_wanted(RECORD_FLOW) || settings.failed_only)
		return false;
	record = record_reserve(RECORD_FLOW, sizeof(*record));
	if (!record)
		return false;
	flow_fill(&record->connection, key, flow);
	record->direction = flow->direction;
	record->pad = 0;
	record_submit(record, sizeof(*record));
	return true;
}

/* A datagram of a flow that found no room. */
static __noinline void flow_refuse(__u32 direction, __u32 length)
{
	if (!settings.fold) {
		record_count_lost(RECORD_FLOW);
		return;
	}
	__sync_fetch_and_add(&flow_counters.folded, 1);
	if (direction == FLOW_OUT) {
		__sync_fetch_and_add(&flow_counters.folded_tx_bytes, length);
		__sync_fetch_and_add(&flow_counters.folded_tx_packets, 1);
	} else {
		__sync_fetch_and_add(&flow_counters.folded_rx_bytes, length);
		__sync_fetch_and_add(&flow_counters.folded_rx_packets, 1);
	}
}

/* The first datagram of a flow, of so many bytes, has been sent or received by current. */
static __noinline struct flow *flow_begin(const struct sock *sk, const struct flow_key *key,
					  __u32 protocol, __u32 direction, __u32 length)
{
	struct flow fresh = {.protocol = protocol, .direction = direction}, *flow;
	struct endpoints ends = {};
	int r;

	fresh.sk = (__u64)sk;
	fresh.netns = sock_netns(&sk->__sk_common);
	if (!netns_wanted(fresh.netns) || !filter_wants_tgid(&settings.filter, key->tgid))
		return NULL;
	if (protocol != PROTOCOL_PACKET) {
		sock_probe_endpoints(&sk->__sk_common, &ends);
		if (protocol == PROTOCOL_RAW) /* the IP protocol, no port */
			ends.lport = 0;
		/* IPv4 through an IPv6 socket that is bound to no address */
		if (address_is_zero(ends.laddr) && address_is_ipv4(key->raddr))
			address_from_ipv4(ends.laddr, 0);
		__builtin_memcpy(fresh.laddr, ends.laddr, 16);
		fresh.lport = ends.lport;
	} else if (settings.filter.ipv4_only || settings.filter.ipv6_only) {
		return NULL;
	}
	if (!filter_wants_traffic(&settings.filter, fresh.laddr, key->raddr, fresh.lport,
				  key->rport))
		return NULL;
	current_read_id(&fresh.owner);
	if (!filter_wants_current(&settings.filter, &fresh.owner))
		return NULL;
	fresh.began_ns = bpf_ktime_get_ns();
	fresh.used_ns = fresh.queued_ns = fresh.began_ns;
	flow_queue_clean();
	r = flow_put(key, &fresh);
	if (r == -E2BIG) {
		flow_make_room();
		r = flow_put(key, &fresh);
	}
	if (r == -E2BIG || r == -ENOMEM)
		flow_refuse(direction, length);
	flow = bpf_map_lookup_elem(&flows, key);
	if (!flow || r)
		return flow; /* begun by another thread meanwhile, or no room */
	flow_link(key, flow);
	if (flow_tell(key, flow))
		flow->flags |= FLOW_TOLD;
	return flow;
}

#endif
