/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Multipath TCP: an application's socket is of a protocol of its own, with a TCP connection (or
 * several) underneath that only the kernel uses. The records are those of the TCP connections; what
 * processes do with the socket on top tells whose they are.
 */
#ifndef CONNECTION_MPTCP_BPF_H
#define CONNECTION_MPTCP_BPF_H

#include "connection_close.bpf.h"

/* The TCP socket that the application's began with, by address; NULL: it is of another protocol. */
static __always_inline const struct sock *mptcp_first(const struct sock *sk)
{
	const struct mptcp_sock *mptcp = (const void *)sk;

	if (!bpf_core_type_exists(struct mptcp_sock) || READ(sk, sk_protocol) != IPPROTO_MPTCP)
		return NULL;
	return READ(mptcp, first);
}

/* Is it, if any, one of those underneath? */
static __always_inline bool mptcp_is_below(const struct tcp_sock *tcp)
{
	return bpf_core_field_exists(tcp->is_mptcp) && tcp && READ(tcp, is_mptcp);
}

/* current sends, receives. */
static __always_inline void mptcp_touch(const struct sock *sk, __u8 source, __u32 place)
{
	const struct sock *first = mptcp_first(sk);
	struct socket_state *state = first ? socket_open(first, place) : NULL;

	if (state && state->who & SOCKET_UNRESOLVED)
		accept_resolve(first, state, source);
}

/* current closes; a thread of the kernel's may do so for the TCP connection, later. */
static __always_inline void mptcp_state(const struct sock *sk, int new_state, __u32 place)
{
	struct socket_state *state;
	struct sock *first;

	if (new_state != BPF_TCP_FIN_WAIT1 && new_state != BPF_TCP_LAST_ACK)
		return;
	first = (struct sock *)mptcp_first(sk);
	state = first ? socket_open(first, place) : NULL;
	if (state && state->flags)
		close_known(first, state);
}

#endif
