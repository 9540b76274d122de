/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who a datagram goes to or comes from. A connected socket knows it. Else: of UDP, hooks on the
 * cgroup see the address in the middle of sendmsg and recvmsg; what else is sent looks up a route.
 * They leave it where the tracepoint at the end of the same call, in the same thread, finds it.
 */
#ifndef CONNECTION_PEER_BPF_H
#define CONNECTION_PEER_BPF_H

#include "connection_flow.bpf.h"

#define PEER_SLOTS     8192 /* calls that are under way at the same time, a power of two */
#define IPPROTO_ICMPV6 58
#define STACK_BYTES    16384 /* of a task in the kernel, at least */

struct peer {
	__u64 thread; /* pid_tgid of the call; 0: none */
	__u64 raddr[2];
	__u16 rport;	/* host order */
	__u16 protocol; /* whose address it is: 0: UDP's, else one that looks up routes */
	__u32 pad;
};

/* By the low bits of the thread's id. Another thread with the same ones may take the slot: then no
 * peer is known, never a wrong one. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PEER_SLOTS);
	__type(key, __u32);
	__type(value, struct peer);
} peers SEC(".maps");

static __always_inline struct peer *peer_slot(__u64 thread)
{
	__u32 index = thread & (PEER_SLOTS - 1);

	return bpf_map_lookup_elem(&peers, &index);
}

static __always_inline void peer_put(const __u64 raddr[2], __u16 rport, __u16 protocol)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct peer *peer = peer_slot(thread);

	if (!peer)
		return;
	peer->raddr[0] = raddr[0];
	peer->raddr[1] = raddr[1];
	peer->rport = rport;
	peer->protocol = protocol;
	peer->thread = thread;
}

/* A route has been looked up: for a raw or ping socket, if it is current that does it and not a
 * packet that has interrupted it, as one does that comes by loopback: that has a stack of its own.
 * Other transports look up ports as well. */
static __always_inline void peer_by_route(const void *flow, __u8 protocol, const __u64 raddr[2],
					  __be16 port)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u64 stack, end;

	if (!protocol || (port && protocol != IPPROTO_ICMP && protocol != IPPROTO_ICMPV6))
		return;
	stack = (__u64)READ(task, stack);
	end = stack + STACK_BYTES;
	asm volatile("" : "+r"(end)); /* no subtraction: not with such a pointer */
	if ((__u64)flow >= stack && (__u64)flow < end)
		peer_put(raddr, 0, protocol);
}

static __always_inline bool is_udp(__u32 protocol)
{
	return protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE;
}

/* The peer that the current call has left, if any: once. Calls of other kinds look up routes as
 * well, and nobody takes what they leave: connect, for one, and all of SCTP. */
static __always_inline bool peer_take(struct flow_key *key, __u32 protocol)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct peer *peer = peer_slot(thread);

	if (!peer || peer->thread != thread)
		return false;
	peer->thread = 0;
	if (protocol == IPPROTO_SCTP || protocol == PROTOCOL_PACKET ||
	    !peer->protocol != is_udp(protocol))
		return false;
	key->raddr[0] = peer->raddr[0];
	key->raddr[1] = peer->raddr[1];
	key->rport = peer->rport;
	return true;
}

static __always_inline bool peer_is_connected(const struct sock_common *common)
{
	if (READ(common, skc_family) != AF_INET6)
		return READ(common, skc_daddr);
	return READ(common, skc_v6_daddr.in6_u.u6_addr32[3]) ||
	       READ(common, skc_v6_daddr.in6_u.u6_addr32[0]) ||
	       READ(common, skc_v6_daddr.in6_u.u6_addr32[1]) ||
	       READ(common, skc_v6_daddr.in6_u.u6_addr32[2]);
}

/* Returns whether the socket is connected. */
static __always_inline bool peer_of_socket(const struct sock_common *common, struct flow_key *key)
{
	if (READ(common, skc_family) == AF_INET6) {
		key->raddr[0] = READ(common, skc_v6_daddr.in6_u.u6_addr32[0]) |
				(__u64)READ(common, skc_v6_daddr.in6_u.u6_addr32[1]) << 32;
		key->raddr[1] = READ(common, skc_v6_daddr.in6_u.u6_addr32[2]) |
				(__u64)READ(common, skc_v6_daddr.in6_u.u6_addr32[3]) << 32;
		if (address_is_zero(key->raddr))
			return false;
	} else {
		__be32 address = READ(common, skc_daddr);

		if (!address)
			return false;
		address_from_ipv4(key->raddr, address);
	}
	key->rport = bpf_ntohs(READ(common, skc_dport));
	return true;
}

/* More of a datagram that an earlier call began (MSG_MORE, UDP_CORK), on a socket that is not
 * connected: that call's address is kept in the socket. Returns whether it is known. */
static __always_inline bool peer_of_cork(const struct sock *sk, struct flow_key *key)
{
	const struct inet_sock *inet = (const void *)sk;

	if (READ(sk, __sk_common.skc_family) == AF_INET6)
		return false;
	address_from_ipv4(key->raddr, READ(inet, cork.fl.u.ip4.daddr));
	key->rport = bpf_ntohs(READ(inet, cork.fl.u.ip4.uli.ports.dport));
	return key->rport;
}

#endif
