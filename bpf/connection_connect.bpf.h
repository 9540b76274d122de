/* SPDX-License-Identifier: GPL-2.0-only */
/* TCP connects from SYN_SENT to their end, and listeners. */
#ifndef CONNECTION_CONNECT_BPF_H
#define CONNECTION_CONNECT_BPF_H

#include "connection_socket.bpf.h"

#define EADDRNOTAVAIL 99
#define ECONNABORTED  103

/* CLOSE -> SYN_SENT, in the context of the caller; the local port comes later. */
static __noinline void connect_begin(struct sock *sk)
{
	struct socket_state fresh = {}, *state = socket_find(sk);

	if (state && state->flags & SOCKET_ATTEMPT) { /* all is known already */
		state->flags ^= SOCKET_ATTEMPT | SOCKET_CONNECTING;
		sock_read_endpoints(&sk->__sk_common, &state->ends);
		return;
	}
	if (state) {
		if (state->flags & (SOCKET_OPEN | SOCKET_CONNECTING))
			__sync_fetch_and_add(&counters.missed, 1);
		socket_forget(sk);
	}
	fresh.netns = sock_netns(&sk->__sk_common);
	if (!netns_wanted(fresh.netns))
		return;
	own_by_current(&fresh, OWNER_CONNECT);
	if (!(fresh.who & SOCKET_WANTED))
		return;
	fresh.began_ns = bpf_ktime_get_ns();
	fresh.cookie = socket_cookie(sk);
	fresh.flags |= SOCKET_CONNECTING | SOCKET_CALLING | SOCKET_LIVE;
	sock_read_endpoints(&sk->__sk_common, &fresh.ends);
	if (!socket_put(sk, &fresh))
		record_count_lost(RECORD_CONNECT);
}

static __noinline void connect_end(struct socket_state *state, __u32 error)
{
	struct connect_record *record;

	state->flags &= ~SOCKET_CONNECTING;
	if (!(state->who & SOCKET_WANTED) || !event_wanted(RECORD_CONNECT) ||
	    (settings.failed_only && !error) || !traffic_wanted(state))
		return;
	record = record_reserve(RECORD_CONNECT, sizeof(*record));
	if (!record)
		return;
	connection_fill(&record->connection, state, error ? BPF_TCP_CLOSE : BPF_TCP_ESTABLISHED);
	record->latency_ns = state->began_ns ? record->header.ts_ns - state->began_ns : 0;
	record->error = error;
	record->flags = 0;
	record_submit(record, sizeof(*record));
}

static __always_inline void connect_established(struct sock *sk, struct socket_state *state)
{
	sock_read_endpoints(&sk->__sk_common, &state->ends);
	state->opened_ns = bpf_ktime_get_ns();
	state->flags |= SOCKET_OPEN;
	connect_end(state, 0);
}

/* SYN_SENT -> ESTABLISHED or -> CLOSE: was no hook told of the connect? From 7.0 on a tracepoint
 * can be preempted just where the program begins or ends, and then neither it nor its stand-in
 * runs. Without an attempt that names who connects it is told as the connection ends: by whom is
 * known then. With a process filter an unknown socket is somebody else's. */
static __noinline int connect_begin_missed(struct sock *sk, struct socket_state *state)
{
	if (state->flags & SOCKET_ATTEMPT) {
		state->flags ^= SOCKET_ATTEMPT | SOCKET_CONNECTING;
		sock_read_endpoints(&sk->__sk_common, &state->ends);
		socket_store(sk, state);
		__sync_fetch_and_add(&counters.missed, 1);
		return 0;
	}
	state->netns = sock_netns(&sk->__sk_common);
	if (filter_selects_processes(&settings.filter) || !netns_wanted(state->netns))
		return 0;
	state->flags = SOCKET_CONNECTING | SOCKET_LIVE;
	state->who = SOCKET_WANTED;
	state->cookie = socket_cookie(sk);
	sock_read_endpoints(&sk->__sk_common, &state->ends);
	socket_put_copy(sk, state);
	return 0;
}

static __always_inline struct socket_state *connect_open(struct sock *sk, __u32 place)
{
	struct socket_state *state = socket_open(sk, place);

	if (state && (!state->flags || state->flags & SOCKET_ATTEMPT))
		connect_begin_missed(sk, state);
	return state;
}

/* Is it one of those, and by whom still open? */
static __always_inline bool connect_is_nobodys(const struct socket_state *state)
{
	return state->flags & SOCKET_CONNECTING && state->flags & SOCKET_LIVE && !state->owner.tgid;
}

/* Why a connect failed: SYN_SENT -> CLOSE. The kernel has put an errno into the socket unless
 * the caller gave up itself or no local port was left. */
static __always_inline __u32 connect_error(struct sock *sk)
{
	if (sk->sk_err)
		return sk->sk_err;
	if (sk->sk_shutdown == SOCK_SHUTDOWN_MASK)
		return ECONNABORTED;
	if (!sock_bound_port(sk))
		return EADDRNOTAVAIL;
	return ECONNABORTED;
}

static __noinline void listen_begin(struct sock *sk)
{
	struct socket_state fresh = {};
	struct listen_record *record;

	fresh.netns = sock_netns(&sk->__sk_common);
	if (!netns_wanted(fresh.netns))
		return;
	own_by_current(&fresh, OWNER_LISTEN);
	fresh.flags |= SOCKET_LISTENING | SOCKET_LIVE;
	fresh.cookie = socket_cookie(sk);
	fresh.listener_pid = fresh.owner.tgid;
	fresh.listen_cred = (__u64)sock_file_cred(sk);
	sock_read_endpoints(&sk->__sk_common, &fresh.ends);
	socket_put(sk, &fresh);
	if (!(fresh.who & SOCKET_WANTED) || !event_wanted(RECORD_LISTEN) || settings.failed_only ||
	    !traffic_wanted(&fresh))
		return;
	record = record_reserve(RECORD_LISTEN, sizeof(*record));
	if (!record)
		return;
	connection_fill(&record->connection, &fresh, BPF_TCP_LISTEN);
	record->backlog = sk->sk_max_ack_backlog;
	record->pad = 0;
	record_submit(record, sizeof(*record));
}

#endif
