/* SPDX-License-Identifier: GPL-2.0-only */
/* What is sent and received by UDP, ping, raw and packet sockets, and when they come and go. */
#ifndef CONNECTION_DATAGRAM_BPF_H
#define CONNECTION_DATAGRAM_BPF_H

#include "connection_arrival.bpf.h"

#define AF_PACKET      17
#define SOCK_STREAM    1
#define SOCK_DGRAM     2
#define SOCK_RAW       3
#define SOCK_SEQPACKET 5
#define RCV_SHUTDOWN   1
#define MSG_PEEK       0x2
#define MSG_ERRQUEUE   0x2000

static __always_inline __u32 selects(__u32 protocols)
{
	return settings.protocols & protocols;
}

/* IPPROTO_* or PROTOCOL_* of a datagram socket whose protocol is wanted, else 0. */
static __always_inline __u16 datagram_protocol(__u32 family, __u32 type, __u32 protocol)
{
	if (family == AF_PACKET)
		return selects(SELECT_PACKET) ? PROTOCOL_PACKET : 0;
	if (family != AF_INET && family != AF_INET6)
		return 0;
	if (protocol == IPPROTO_SCTP && type != SOCK_RAW)
		return selects(SELECT_SCTP) ? protocol : 0;
	if (type == SOCK_RAW)
		return selects(SELECT_RAW) ? PROTOCOL_RAW : 0;
	if (type != SOCK_DGRAM)
		return 0;
	switch (protocol) {
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return selects(SELECT_UDP) ? protocol : 0;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return selects(SELECT_ICMP) ? protocol : 0;
	}
	return 0;
}

/* One number for a socket, as long as it lives: its cookie, or its address where it has none. */
static __always_inline __u64 datagram_cookie(struct sock *sk)
{
	__u64 cookie = READ(sk, __sk_common.skc_cookie.counter);

	if (cookie)
		return cookie;
	return settings.has_cookie ? bpf_get_socket_cookie(sk) : (__u64)sk; /* has COOKIE_OWN */
}

/* All that is no datagram socket here. */
static __always_inline bool is_stream(__u32 type, __u32 protocol)
{
	return type == SOCK_STREAM && protocol != IPPROTO_SCTP;
}

static __always_inline __u16 sock_datagram_protocol(const struct sock *sk)
{
	return datagram_protocol(sk->__sk_common.skc_family, sk->sk_type, sk->sk_protocol);
}

/* The clock as it was read first in this tick. */
struct {
	__u64 jiffies, ns;
} tick = {};

/* To read the clock takes longer than to add up bytes and datagrams. */
static __always_inline __u64 about_now_ns(void)
{
	__u64 jiffies = bpf_jiffies64();

	if (tick.jiffies != jiffies) {
		tick.ns = bpf_ktime_get_ns();
		tick.jiffies = jiffies;
	}
	return tick.ns;
}

static __always_inline struct flow *flow_find(const struct sock *sk, const struct flow_key *key,
					      __u32 protocol, enum flow_direction direction,
					      __u32 length)
{
	struct flow *flow = bpf_map_lookup_elem(&flows, key);

	return flow ? flow : flow_begin(sk, key, protocol, direction, length);
}

/* Does the socket say who the peer is, if it is connected? Packet sockets have none, and an SCTP
 * socket of many associations says who it connected to last. */
static __always_inline bool has_peer(const struct sock *sk, __u32 protocol)
{
	return protocol != PROTOCOL_PACKET &&
	       (protocol != IPPROTO_SCTP || sk->sk_type == SOCK_STREAM);
}

static __always_inline void datagram_sent(struct sock *sk, int length)
{
	__u32 protocol = blur(sock_datagram_protocol(sk));
	struct flow_key key = {};
	struct flow *flow;
	bool known;

	if (!protocol)
		return;
	known = peer_take(&key, protocol); /* also if it was not sent */
	if (length < 0)
		return;
	if (!known && has_peer(sk, protocol))
		known = peer_of_socket(&sk->__sk_common, &key) ||
			(is_udp(protocol) && peer_of_cork(sk, &key));
	if (!known && has_peer(sk, protocol))
		__sync_fetch_and_add(&flow_counters.no_peer, 1);
	key.cookie = datagram_cookie(sk);
	key.tgid = bpf_get_current_pid_tgid() >> 32;
	flow = flow_find(sk, &key, protocol, FLOW_OUT, length);
	if (!flow)
		return;
	__sync_fetch_and_add(&flow->tx_bytes, length);
	if (!is_udp(protocol) || !READ((struct udp_sock *)sk, pending)) /* else it goes on */
		__sync_fetch_and_add(&flow->tx_packets, 1);
	flow->used_ns = about_now_ns();
}

/* A datagram may be empty; so is what is received behind shutdown(SHUT_RD), and the end of SCTP. */
static __always_inline bool datagram_came(const struct sock *sk, int length, int flags)
{
	if (length < 0 || flags & (MSG_PEEK | MSG_ERRQUEUE))
		return false;
	if (sk->sk_protocol == IPPROTO_SCTP)
		return length;
	return length || !(sk->sk_shutdown & RCV_SHUTDOWN);
}

static __always_inline void datagram_received(struct sock *sk, int length, int flags)
{
	__u32 protocol = blur(sock_datagram_protocol(sk));
	struct flow_key key = {};
	struct flow *flow;
	bool known;

	if (!protocol)
		return;
	known = peer_take(&key, protocol); /* also if it stays in the queue */
	if (!datagram_came(sk, length, flags))
		return;
	key.cookie = datagram_cookie(sk);
	key.tgid = bpf_get_current_pid_tgid() >> 32;
	if (!has_peer(sk, protocol)) {
		/* none that is known */
	} else if (!peer_is_connected(&sk->__sk_common)) {
		if (settings.watch_arrivals && is_udp(protocol) &&
		    !(known && arrival_is_named(key.cookie)))
			known = arrival_received(sk, &key, length, known);
		if (!known)
			__sync_fetch_and_add(&flow_counters.no_peer, 1);
	} else if (!known) {
		peer_of_socket(&sk->__sk_common, &key);
	}
	flow = flow_find(sk, &key, protocol, FLOW_IN, length);
	if (!flow)
		return;
	__sync_fetch_and_add(&flow->rx_bytes, length);
	__sync_fetch_and_add(&flow->rx_packets, 1);
	flow->used_ns = about_now_ns();
}

/* In the middle of a sendmsg with an address, and of a recvmsg that asks for one: UDP only. */
SEC("cgroup/sendmsg4")
int on_sendmsg4(struct bpf_sock_addr *ctx)
{
	__u64 raddr[2];

	address_from_ipv4(raddr, ctx->user_ip4);
	peer_put(raddr, bpf_ntohs(ctx->user_port), 0);
	return 1;
}

SEC("cgroup/sendmsg6")
int on_sendmsg6(struct bpf_sock_addr *ctx)
{
	__u64 raddr[2];

	raddr[0] = ctx->user_ip6[0] | (__u64)ctx->user_ip6[1] << 32;
	raddr[1] = ctx->user_ip6[2] | (__u64)ctx->user_ip6[3] << 32;
	peer_put(raddr, bpf_ntohs(ctx->user_port), 0);
	return 1;
}

SEC("cgroup/recvmsg4")
int on_recvmsg4(struct bpf_sock_addr *ctx)
{
	__u64 raddr[2];

	address_from_ipv4(raddr, ctx->user_ip4);
	peer_put(raddr, bpf_ntohs(ctx->user_port), 0);
	return 1;
}

SEC("cgroup/recvmsg6")
int on_recvmsg6(struct bpf_sock_addr *ctx)
{
	__u64 raddr[2];

	raddr[0] = ctx->user_ip6[0] | (__u64)ctx->user_ip6[1] << 32;
	raddr[1] = ctx->user_ip6[2] | (__u64)ctx->user_ip6[3] << 32;
	peer_put(raddr, bpf_ntohs(ctx->user_port), 0);
	return 1;
}

/* What a raw or ping socket has received is copied to who receives it. */
SEC("tp_btf/skb_copy_datagram_iovec")
int BPF_PROG(on_copy, const struct sk_buff *skb, int length)
{
	const struct sock *sk = READ(skb, sk);
	struct arrival source = {};
	__u16 protocol, type;

	if (!sk)
		return 0;
	type = READ(sk, sk_type);
	if (type == SOCK_STREAM)
		return 0;
	protocol = datagram_protocol(READ(sk, __sk_common.skc_family), type, READ(sk, sk_protocol));
	if (protocol && protocol != PROTOCOL_PACKET && protocol != IPPROTO_SCTP &&
	    packet_source(skb, source.raddr, NULL))
		peer_put(source.raddr, 0, protocol);
	return 0;
}

/* A packet has found its socket. */
SEC("cgroup_skb/ingress")
int on_arrival(struct __sk_buff *ctx)
{
	const struct sk_buff *skb = (const void *)ctx; /* and not ctx->sk: that hides the socket */
	const struct sock *sk = READ(skb, sk);

	if (READ(sk, sk_type) != SOCK_DGRAM || !is_udp(READ(sk, sk_protocol)))
		return 1;
	if (arrival_is_named(READ(sk, __sk_common.skc_cookie.counter)))
		return 1;
	if (!peer_is_connected(&sk->__sk_common))
		arrival_note(skb, sk, bpf_get_socket_cookie(ctx));
	return 1;
}

SEC("tp_btf/udp_fail_queue_rcv_skb")
int BPF_PROG(on_drop, int r, struct sock *sk)
{
	arrival_dropped(datagram_cookie(sk));
	return 0;
}

/* bind(2) of a UDP socket has succeeded. */
static __noinline int bind_tell(struct sock *sk, __u64 cookie, __u32 protocol)
{
	struct listen_record *record;
	struct process_id owner = {};
	struct endpoints ends = {};
	__u32 netns = sock_netns(&sk->__sk_common);

	if (!netns_wanted(netns) || !event_wanted(RECORD_LISTEN) || settings.failed_only)
		return 0;
	sock_probe_endpoints(&sk->__sk_common, &ends);
	ends.raddr[0] = ends.raddr[1] = ends.rport = 0;
	if (!ends.lport ||
	    !filter_wants_traffic(&settings.filter, ends.laddr, ends.raddr, ends.lport, 0))
		return 0;
	current_read_id(&owner);
	if (!filter_wants_current(&settings.filter, &owner))
		return 0;
	record = record_reserve(RECORD_LISTEN, sizeof(*record));
	if (!record)
		return 0;
	record->connection.owner = owner;
	record->connection.cookie = cookie;
	__builtin_memcpy(record->connection.laddr, ends.laddr, 16);
	__builtin_memset(record->connection.raddr, 0, 16);
	record->connection.netns = netns;
	record->connection.lport = ends.lport;
	record->connection.rport = 0;
	record->connection.protocol = protocol;
	record->connection.owner_src = OWNER_LISTEN;
	record->connection.state = BPF_TCP_CLOSE;
	record->connection.pad = 0;
	record->backlog = 0;
	record->pad = 0;
	record_submit(record, sizeof(*record));
	return 0;
}

static __always_inline __u64 context_cookie(struct bpf_sock *ctx)
{
	if (settings.has_cookie)
		return bpf_get_socket_cookie(ctx);
	return datagram_cookie((void *)ctx);
}

SEC("cgroup/post_bind4")
int on_bind4(struct bpf_sock *ctx)
{
	if (ctx->type == SOCK_DGRAM && is_udp(ctx->protocol))
		bind_tell((void *)ctx, context_cookie(ctx), ctx->protocol);
	return 1;
}

SEC("cgroup/post_bind6")
int on_bind6(struct bpf_sock *ctx)
{
	if (ctx->type == SOCK_DGRAM && is_udp(ctx->protocol))
		bind_tell((void *)ctx, context_cookie(ctx), ctx->protocol);
	return 1;
}

/* Where programs cannot ask for a socket's cookie later on, each has one from the beginning. */
SEC("cgroup/sock_create")
int on_create(struct bpf_sock *ctx)
{
	bpf_get_socket_cookie(ctx);
	return 1;
}

#endif
