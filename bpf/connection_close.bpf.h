/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of a TCP connection: who closed it, and what it had carried. */
#ifndef CONNECTION_CLOSE_BPF_H
#define CONNECTION_CLOSE_BPF_H

#include "connection_accept.bpf.h"

#define EPIPE	   32
#define ECONNRESET 104

/* Is current the thread that the state names, in the same program? A fraction of the cost of
 * reading all of its identity, and by far the commonest answer. */
static __always_inline bool is_owned_by_current(const struct socket_state *state)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return bpf_get_current_pid_tgid() == ((__u64)state->owner.tgid << 32 | state->owner.tid) &&
	       READ(task, self_exec_id) == state->owner.exec_id &&
	       READ(task, group_leader, start_boottime) == state->owner.start_ns;
}

/* Closed by current, which nobody was seen to give the socket to: it began before the tool, or by a
 * process outside of the filter. */
static __noinline int close_unknown(struct sock *sk, struct socket_state *state)
{
	state->netns = sock_netns(&sk->__sk_common);
	if (!netns_wanted(state->netns))
		return 0;
	current_read_id(&state->owner);
	if (state->owner.flags & PROCESS_KTHREAD ||
	    !filter_wants_current(&settings.filter, &state->owner))
		return 0;
	state->owner_src = OWNER_CLOSE;
	state->flags = SOCKET_OPEN;
	state->who = SOCKET_WANTED;
	state->cookie = socket_cookie(sk);
	sock_read_endpoints(&sk->__sk_common, &state->ends);
	socket_put_copy(sk, state);
	return 0;
}

/* current has the socket as its last owner. */
static __noinline int close_own(const struct sock *sk, struct socket_state *state)
{
	struct process_id closer = {};

	current_read_id(&closer);
	if (closer.flags & PROCESS_KTHREAD)
		return 0; /* a late fput: somebody else's work */
	/* handed on, or kept through an exec: who closed it had it last */
	if (state->owner.tgid != closer.tgid || state->owner.start_ns != closer.start_ns ||
	    state->owner.exec_id != closer.exec_id)
		state->owner_src = OWNER_CLOSE;
	state->owner = closer;
	if (filter_wants_current(&settings.filter, &closer))
		state->who |= SOCKET_WANTED;
	socket_store_owner(sk, state);
	return 0;
}

/* This end of a known connection closes, in the context of who does it. */
static __noinline int close_known(const struct sock *sk, struct socket_state *state)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (state->who & SOCKET_UNRESOLVED && !(READ(task, flags) & PF_KTHREAD))
		accept_resolve(sk, state, OWNER_CLOSE);
	if (!is_owned_by_current(state))
		close_own(sk, state);
	return 0;
}

static __always_inline void close_by_current(struct sock *sk, struct socket_state *state)
{
	if (state->flags)
		close_known(sk, state);
	else
		close_unknown(sk, state);
}

static __always_inline __u8 closed_by(const struct sock *sk, const struct socket_state *state,
				      int old_state)
{
	if (state->flags & SOCKET_LOCAL_FIN)
		return CLOSED_BY_LOCAL;
	if (old_state == BPF_TCP_FIN_WAIT1 || old_state == BPF_TCP_FIN_WAIT2 ||
	    old_state == BPF_TCP_CLOSING)
		return CLOSED_BY_LOCAL;
	if (old_state == BPF_TCP_CLOSE_WAIT || old_state == BPF_TCP_LAST_ACK)
		return CLOSED_BY_REMOTE;
	if (old_state == BPF_TCP_CLOSE && sock_got_fin(sk)) /* what it was before is not known */
		return CLOSED_BY_REMOTE;
	if (sk->sk_err == ECONNRESET || sk->sk_err == EPIPE)
		return CLOSED_BY_RESET;
	if (!sk->sk_err || sk->sk_err == ECONNABORTED)
		return CLOSED_BY_LOCAL;
	return CLOSED_BY_NONE;
}

static __noinline void close_submit(struct sock *sk, const struct socket_state *state,
				    int old_state, __u8 flags)
{
	struct close_record *record;
	struct tcp_sock *tcp;

	if (!(state->who & SOCKET_WANTED) || !event_wanted(RECORD_CLOSE) || settings.failed_only ||
	    !traffic_wanted(state))
		return;
	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp)
		return;
	record = record_reserve(RECORD_CLOSE, sizeof(*record));
	if (!record)
		return;
	connection_fill(&record->connection, state, old_state);
	record->opened_ns = state->opened_ns;
	/* bytes_sent counts what was sent again, bytes_received the FIN */
	record->tx_bytes = tcp->bytes_sent - tcp->bytes_retrans;
	record->rx_bytes = tcp->bytes_received - sock_got_fin(sk);
	record->tx_packets = tcp->segs_out;
	record->rx_packets = tcp->segs_in;
	record->retransmits = tcp->total_retrans;
	record->rtt_us = tcp->srtt_us >> 3;
	record->error = sk->sk_err;
	record->listener_pid = state->listener_pid;
	record->closed_by = closed_by(sk, state, old_state);
	record->flags = flags | (state->flags & SOCKET_LIVE ? CLOSE_BORN : 0);
	record->pad = 0;
	record->pad2 = 0;
	record_submit(record, sizeof(*record));
}

static __always_inline bool was_open(int state)
{
	return state != BPF_TCP_SYN_SENT && state != BPF_TCP_SYN_RECV && state != BPF_TCP_LISTEN &&
	       state != BPF_TCP_CLOSE && state != BPF_TCP_NEW_SYN_RECV;
}

/* The end of a connection whose beginning was not seen, nor any process of it. */
static __noinline void close_end_unknown(struct sock *sk, int old_state)
{
	struct socket_state unknown = {.who = SOCKET_WANTED};

	unknown.netns = sock_netns(&sk->__sk_common);
	if (filter_selects_processes(&settings.filter) || !netns_wanted(unknown.netns))
		return;
	unknown.cookie = socket_cookie(sk);
	sock_read_endpoints(&sk->__sk_common, &unknown.ends);
	unknown.ends.lport = sock_bound_port(sk);
	close_submit(sk, &unknown, old_state, 0);
}

/* -> CLOSE of a connect that failed. */
static __noinline int connect_end_failed(struct sock *sk, int old_state, __u32 place)
{
	struct socket_state *state;
	__u16 port;

	state = old_state == BPF_TCP_SYN_SENT ? connect_open(sk, place) : socket_open(sk, place);
	if (!state || !(state->flags & SOCKET_CONNECTING))
		return 0;
	port = sock_bound_port(sk);
	if (port)
		state->ends.lport = port;
	connect_end(state, connect_error(sk));
	socket_store(sk, state);
	return 0;
}

/* Has a process locked the socket? A FIN is sent by who does, or, if it was shut down before it was
 * established, by the packet that establishes it (since 6.9). */
static __always_inline bool has_user(const struct sock *sk)
{
	return sk->sk_lock.owned;
}

/* An abort by this end: shut down by close(2), no error set by the peer. */
static __always_inline bool is_abort(const struct sock *sk, int old_state)
{
	return sk->sk_shutdown == SOCK_SHUTDOWN_MASK && has_user(sk) &&
	       (old_state == BPF_TCP_ESTABLISHED || old_state == BPF_TCP_CLOSE_WAIT) && !sk->sk_err;
}

/* -> CLOSE of a connection. */
static __noinline int close_end(struct sock *sk, struct socket_state *state, int old_state)
{
	if (!state->flags) {
		close_end_unknown(sk, old_state);
	} else if (state->flags & SOCKET_OPEN) {
		state->flags &= ~SOCKET_OPEN;
		close_submit(sk, state, old_state, 0);
	}
	return 0;
}

#endif
