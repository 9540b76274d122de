/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who a datagram came from that was received without asking for its address, on a UDP socket that
 * is not connected. By then the packet is gone. What is at the head of the queue as the one before
 * it is received, is it; was the queue empty, it came since then: a hook has seen it arrive.
 */
#ifndef CONNECTION_ARRIVAL_BPF_H
#define CONNECTION_ARRIVAL_BPF_H

#include "connection_peer.bpf.h"

#define NAMED_ENOUGH	 1024	      /* receives with an address in a row: so it will go on */
#define NAMED_SLOTS	 8192	      /* a power of two */
#define ARRIVAL_LOST	 0xffff	      /* as cpu: found no room in the socket's queue */
#define ARRIVAL_FRESH_NS (100 * 1000) /* on its way into the queue for so long at most */

/* Cookies of sockets that have been received from NAMED_ENOUGH times, by their low bits: of these,
 * packets are of no interest, and to find that here takes no time. Another socket may take the
 * slot. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NAMED_SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} named_sockets SEC(".maps");

static __always_inline bool arrival_is_named(__u64 cookie)
{
	__u32 index = cookie & (NAMED_SLOTS - 1);
	__u64 *named = bpf_map_lookup_elem(&named_sockets, &index);

	return named && *named == cookie && cookie;
}

/* @is_named: whether it is to have the slot; else it gives it up, if it has it. */
static __always_inline void arrival_set_named(__u64 cookie, bool is_named)
{
	__u32 index = cookie & (NAMED_SLOTS - 1);
	__u64 *named = bpf_map_lookup_elem(&named_sockets, &index);

	if (named && is_named)
		*named = cookie;
	else if (named && *named == cookie)
		*named = 0;
}

/* Reads the source of a packet that is in a socket's queue, or about to be; with @rport also its
 * UDP port. */
static __always_inline bool packet_source(const struct sk_buff *skb, __u64 raddr[2], __u16 *rport)
{
	const unsigned char *head = READ(skb, head);
	__be32 words[6]; /* of either header, up to the source's end */
	__be16 port;

	if (bpf_probe_read_kernel(words, sizeof(words), head + READ(skb, network_header)))
		return false;
	if (rport) {
		if (bpf_probe_read_kernel(&port, sizeof(port), head + READ(skb, transport_header)))
			return false;
		*rport = bpf_ntohs(port);
	}
	if (*(__u8 *)words >> 4 == 4) {
		address_from_ipv4(raddr, words[3]);
		return true;
	}
	raddr[0] = words[2] | (__u64)words[3] << 32;
	raddr[1] = words[4] | (__u64)words[5] << 32;
	return *(__u8 *)words >> 4 == 6;
}

static __always_inline bool queue_first(const struct sk_buff_head *queue,
					const struct sk_buff **ret_skb)
{
	*ret_skb = READ(queue, next);
	return *ret_skb != (const void *)queue && *ret_skb;
}

static __always_inline void arrival_read(const struct sk_buff *skb, struct arrival *arrival)
{
	arrival->skb = (__u64)skb;
	arrival->length = READ(skb, len);
	arrival->known = packet_source(skb, arrival->raddr, &arrival->rport);
}

/* What will be received next, if it is there already. What has been read counts only if the packet
 * is still in its place afterwards. */
static __noinline int arrival_look(const struct sock *sk, struct datagram_socket *socket)
{
	const struct udp_sock *udp = (const void *)sk;
	const struct sk_buff_head *queue = &udp->reader_queue;
	const struct sk_buff *skb, *again;

	socket->head.known = false;
	if (!queue_first(queue, &skb)) {
		queue = &sk->sk_receive_queue;
		if (!queue_first(queue, &skb))
			return 0;
	}
	arrival_read(skb, &socket->head);
	if (!queue_first(queue, &again) || again != skb)
		socket->head.known = false;
	return 1;
}

/* The first of those that have arrived and not been received. Only if it is certain: others that
 * came about the same time by other processors are from the same peer. */
static __noinline struct arrival *arrival_first(struct datagram_socket *socket)
{
	struct arrival *first = NULL;
	__u32 ordinal = socket->taken;

	for (int i = 0; i < ARRIVALS; i++) {
		struct arrival *next = &socket->arrivals[++ordinal & (ARRIVALS - 1)];

		if (next->ordinal != ordinal)
			break;
		if (next->cpu == ARRIVAL_LOST)
			continue;
		if (!first)
			first = next;
		else if (first->cpu != next->cpu && next->ts_ns - first->ts_ns < ARRIVAL_FRESH_NS &&
			 (first->rport != next->rport || first->raddr[0] != next->raddr[0] ||
			  first->raddr[1] != next->raddr[1]))
			return NULL;
	}
	return first;
}

/* The queue is empty: what should be in it and is not never got there. */
static __always_inline void arrival_settle(struct datagram_socket *socket)
{
	__u64 now_ns = bpf_ktime_get_ns();

	if (socket->arrived - socket->taken > ARRIVALS) /* or fewer than none */
		socket->taken = socket->arrived;
	for (int i = 0; i < ARRIVALS && socket->taken != socket->arrived; i++) {
		__u32 ordinal = socket->taken + 1;
		struct arrival *next = &socket->arrivals[ordinal & (ARRIVALS - 1)];

		if (next->ordinal == ordinal && now_ns - next->ts_ns < ARRIVAL_FRESH_NS)
			break;
		socket->taken = ordinal;
	}
}

/* What has just been received is taken to be @got, unless that is still in the queue: some kernels
 * keep programs from seeing every packet. The book is kept. */
static __noinline int arrival_taken(const struct sock *sk, struct datagram_socket *socket,
				    struct arrival *got)
{
	__u32 ordinal = socket->taken++;

	if (!arrival_look(sk, socket)) {
		socket->in_step = true;
		if (socket->arrived != socket->taken)
			arrival_settle(socket);
		return 0;
	}
	if (got->skb == socket->head.skb)
		got->known = false;
	for (int i = 0; i < ARRIVALS; i++) {
		struct arrival *next = &socket->arrivals[++ordinal & (ARRIVALS - 1)];

		if (next->ordinal != ordinal)
			break;
		if (next->skb == socket->head.skb) {
			socket->taken = ordinal - 1;
			break;
		}
	}
	return 0;
}

/* @length bytes are received on a socket that is not connected. @named: the peer is in @key
 * already. Returns whether it is known. */
static __noinline int arrival_received(const struct sock *sk, struct flow_key *key, __u32 length,
				       bool named)
{
	__u64 cookie = key->cookie, thread = bpf_get_current_pid_tgid();
	struct datagram_socket *socket = bpf_map_lookup_elem(&datagram_sockets, &cookie);
	struct arrival got = {}, *first;

	if (!socket || (named && socket->named >= NAMED_ENOUGH))
		return named;
	if (!named && socket->named >= NAMED_ENOUGH) { /* nothing has been noted meanwhile */
		socket->in_step = socket->head.known = false;
		socket->taken = socket->arrived;
		arrival_set_named(cookie, false);
	}
	socket->named = named ? socket->named + 1 : 0;
	if (socket->named == NAMED_ENOUGH)
		arrival_set_named(cookie, true);
	/* of two that receive at the same time, which one got what is not known */
	if (!named && (!socket->reader || socket->reader == thread)) {
		first = socket->in_step ? arrival_first(socket) : NULL;
		if (socket->head.known)
			got = socket->head;
		else if (first)
			got = *first;
	}
	socket->reader = thread;
	arrival_taken(sk, socket, &got);
	if (!got.known || length > got.length)
		return named;
	key->raddr[0] = got.raddr[0];
	key->raddr[1] = got.raddr[1];
	key->rport = got.rport;
	return true;
}

/* A packet is about to be put into the queue of a socket. */
static __always_inline void arrival_note(const struct sk_buff *skb, const struct sock *sk,
					 __u64 cookie)
{
	struct datagram_socket *socket = bpf_map_lookup_elem(&datagram_sockets, &cookie);
	struct arrival *arrival;
	__u32 ordinal;

	if (!socket) {
		socket = datagram_socket_new(cookie);
		if (!socket)
			return;
		socket->in_step = !arrival_look(sk, socket);
	}
	/* a filter of the socket's own may drop it, and nobody would tell */
	if (socket->named >= NAMED_ENOUGH || READ(sk, sk_filter))
		return;
	ordinal = __sync_fetch_and_add(&socket->arrived, 1) + 1;
	if (ordinal - socket->taken > ARRIVALS)
		return; /* others are in front of it: it will be looked at in the queue */
	arrival = &socket->arrivals[ordinal & (ARRIVALS - 1)];
	arrival->ts_ns = bpf_ktime_get_ns();
	arrival->cpu = bpf_get_smp_processor_id();
	arrival_read(skb, arrival);
	barrier();
	arrival->ordinal = ordinal;
}

/* The packet that has just arrived on this processor found no room in the queue. */
static __always_inline void arrival_dropped(__u64 cookie)
{
	struct datagram_socket *socket = bpf_map_lookup_elem(&datagram_sockets, &cookie);
	__u32 cpu = bpf_get_smp_processor_id(), ordinal;

	if (!socket)
		return;
	ordinal = socket->arrived;
	for (int i = 0; i < ARRIVALS; i++, ordinal--) {
		struct arrival *arrival = &socket->arrivals[ordinal & (ARRIVALS - 1)];

		if (arrival->ordinal != ordinal || arrival->cpu != cpu)
			continue;
		arrival->cpu = ARRIVAL_LOST;
		return;
	}
}

#endif
