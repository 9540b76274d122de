/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A TCP connection from its beginning to its end: what is known of a socket hangs on it in socket
 * storage, which a listener's children inherit, and which dies with it.
 */
#ifndef CONNSNOOP_STATE_BPF_H
#define CONNSNOOP_STATE_BPF_H

#include "filter.bpf.h"
#include "sock.bpf.h"

#define OPENER_ANCESTORS 4 /* generations that are asked who accepted a connection */

#define ECONNRESET    104
#define EPIPE	      32
#define EADDRNOTAVAIL 99
#define ECONNABORTED  103

#define SOCKET_LISTENING  0x01	 /* a listener: children inherit this tag */
#define SOCKET_CONNECTING 0x02	 /* connect has begun, its end not been seen */
#define SOCKET_OPEN	  0x04	 /* established, its close not been seen */
#define SOCKET_PASSIVE	  0x08	 /* came by a listener */
#define SOCKET_UNRESOLVED 0x10	 /* nobody has been seen to accept it */
#define SOCKET_ANNOUNCED  0x20	 /* its accept record without ACCEPT_FINAL is out, or lost */
#define SOCKET_WANTED	  0x40	 /* the owner matches the process filter */
#define SOCKET_LIVE	  0x80	 /* the hooks saw it begin */
#define SOCKET_LOCAL_FIN  0x100	 /* this end closed first */
#define SOCKET_REMOTE_FIN 0x200	 /* the peer closed first */
#define SOCKET_OPENER	  0x400	 /* from an iterator: the owner also opened the socket */
#define SOCKET_FAILED	  0x800	 /* its connect failed behind SYN_SENT, and that has been told */
#define SOCKET_ATTEMPT	  0x1000 /* connect was called, SYN_SENT not been seen */

/* What is known of a socket. Addresses are kept, because the kernel zeroes some before the end. */
struct socket_state {
	struct process_id owner;
	struct endpoints ends;
	__u64 began_ns;	    /* connect was called; 0: before the tool */
	__u64 opened_ns;    /* established; 0: before the tool */
	__u64 listen_cred;  /* listener, inherited: credentials that opened its file, by address */
	__u32 listener_pid; /* process that listened for it */
	__u32 flags;	    /* SOCKET_* */
	__u32 netns;
	__u8 owner_src; /* enum owner_source */
	__u8 pad[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct socket_state);
} sockets SEC(".maps");

static __always_inline struct socket_state *socket_find(struct sock *sk)
{
	return bpf_sk_storage_get(&sockets, sk, NULL, 0);
}

static __always_inline struct socket_state *socket_make(struct sock *sk)
{
	return bpf_sk_storage_get(&sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
}

static __always_inline bool event_wanted(__u32 type)
{
	return settings.events & EVENT_BIT(type);
}

static __always_inline bool netns_wanted(const struct sock *sk)
{
	return !settings.filter.netns || sock_netns(&sk->__sk_common) == settings.filter.netns;
}

static __noinline bool traffic_wanted(const struct socket_state *state)
{
	return filter_wants_traffic(&settings.filter, state->ends.laddr, state->ends.raddr,
				    state->ends.lport, state->ends.rport);
}

static __noinline void connection_fill(struct connection *connection, __u64 cookie,
				       const struct socket_state *state, __u8 tcp_state)
{
	connection->owner = state->owner;
	connection->cookie = cookie;
	__builtin_memcpy(connection->laddr, state->ends.laddr, 16);
	__builtin_memcpy(connection->raddr, state->ends.raddr, 16);
	connection->netns = state->netns;
	connection->lport = state->ends.lport;
	connection->rport = state->ends.rport;
	connection->protocol = IPPROTO_TCP;
	connection->owner_src = state->owner_src;
	connection->state = tcp_state;
	connection->pad = 0;
}

/* current becomes the owner. */
static __noinline void own_by_current(struct socket_state *state, __u8 source)
{
	current_read_id(&state->owner);
	state->owner_src = source;
	if (filter_wants_current(&settings.filter, &state->owner))
		state->flags |= SOCKET_WANTED;
	else
		state->flags &= ~SOCKET_WANTED;
}

/* CLOSE -> SYN_SENT, in the context of the caller; the local port comes later. */
static __noinline void connect_begin(struct sock *sk)
{
	struct socket_state fresh = {}, *state;

	state = settings.watch_attempts ? socket_find(sk) : NULL;
	if (state && state->flags & SOCKET_ATTEMPT) { /* all is known already */
		task_announce_cgroup((void *)bpf_get_current_task(), state->owner.cgroup_id,
				     TEXT_CGROUP);
		state->flags ^= SOCKET_ATTEMPT | SOCKET_CONNECTING;
		sock_read_endpoints(&sk->__sk_common, &state->ends);
		return;
	}
	if (!netns_wanted(sk))
		return;
	own_by_current(&fresh, OWNER_CONNECT);
	if (!(fresh.flags & SOCKET_WANTED))
		return;
	state = socket_make(sk);
	if (!state) {
		record_count_lost(RECORD_CONNECT);
		return;
	}
	if (state->flags & (SOCKET_OPEN | SOCKET_CONNECTING))
		__sync_fetch_and_add(&counters.missed, 1);
	fresh.began_ns = bpf_ktime_get_ns();
	fresh.flags |= SOCKET_CONNECTING | SOCKET_LIVE;
	fresh.netns = sock_netns(&sk->__sk_common);
	sock_read_endpoints(&sk->__sk_common, &fresh.ends);
	*state = fresh;
}

static __noinline void connect_end(struct sock *sk, struct socket_state *state, __u32 error)
{
	struct connect_record *record;

	state->flags &= ~SOCKET_CONNECTING;
	if (error)
		state->flags |= SOCKET_FAILED;
	if (!(state->flags & SOCKET_WANTED) || !event_wanted(RECORD_CONNECT) ||
	    (settings.failed_only && !error) || !traffic_wanted(state))
		return;
	record = record_reserve(RECORD_CONNECT, sizeof(*record));
	if (!record)
		return;
	connection_fill(&record->connection, bpf_get_socket_cookie(sk), state,
			error ? BPF_TCP_CLOSE : BPF_TCP_ESTABLISHED);
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
	connect_end(sk, state, 0);
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
	struct socket_state fresh = {}, *state;
	struct listen_record *record;

	if (!netns_wanted(sk))
		return;
	own_by_current(&fresh, OWNER_LISTEN);
	fresh.flags |= SOCKET_LISTENING | SOCKET_LIVE;
	fresh.listener_pid = fresh.owner.tgid;
	fresh.listen_cred = (__u64)sock_file_cred(sk);
	fresh.netns = sock_netns(&sk->__sk_common);
	sock_read_endpoints(&sk->__sk_common, &fresh.ends);
	state = socket_make(sk);
	if (state)
		*state = fresh;
	if (!(fresh.flags & SOCKET_WANTED) || !event_wanted(RECORD_LISTEN) ||
	    settings.failed_only || !traffic_wanted(&fresh))
		return;
	record = record_reserve(RECORD_LISTEN, sizeof(*record));
	if (!record)
		return;
	connection_fill(&record->connection, bpf_get_socket_cookie(sk), &fresh, BPF_TCP_LISTEN);
	record->backlog = sk->sk_max_ack_backlog;
	record->pad = 0;
	record_submit(record, sizeof(*record));
}

static __noinline void accept_submit(struct sock *sk, struct socket_state *state, __u32 flags)
{
	struct accept_record *record;

	/* from here on the row is told or counted, once; in front of the reservation, because
	 * before 6.2 or so the verifier takes a second test of the same record for a leak */
	if (!(flags & ACCEPT_FINAL))
		state->flags |= SOCKET_ANNOUNCED;
	/* a late record that finds no room costs its row the better owner, not the row */
	record = record_reserve(flags & ACCEPT_LATE ? RECORD_UPDATE : RECORD_ACCEPT,
				sizeof(*record));
	if (!record)
		return;
	record->header.type = RECORD_ACCEPT;
	if (state->opened_ns)
		record->header.ts_ns = state->opened_ns;
	connection_fill(&record->connection, bpf_get_socket_cookie(sk), state, BPF_TCP_ESTABLISHED);
	record->listener_pid = state->listener_pid;
	record->flags = flags;
	record_submit(record, sizeof(*record));
}

/* SYN_RECV -> ESTABLISHED, in whatever context the packet was handled. The listener's tag has been
 * inherited; who accepts it is seen later, or never. */
static __noinline void accept_begin(struct sock *sk)
{
	struct socket_state *state;

	if (!netns_wanted(sk))
		return;
	state = socket_make(sk);
	if (!state) {
		record_count_lost(RECORD_ACCEPT);
		return;
	}
	if (!(state->flags & SOCKET_LISTENING)) {
		struct socket_state fresh = {};

		/* no tag: the listener was not known; without a process filter it is still told */
		if (!filter_selects_processes(&settings.filter))
			fresh.flags = SOCKET_WANTED;
		*state = fresh;
	}
	state->flags = (state->flags & SOCKET_WANTED) | SOCKET_PASSIVE | SOCKET_UNRESOLVED |
		       SOCKET_OPEN | SOCKET_LIVE;
	state->opened_ns = bpf_ktime_get_ns();
	state->netns = sock_netns(&sk->__sk_common);
	sock_read_endpoints(&sk->__sk_common, &state->ends);
	if (!(state->flags & SOCKET_WANTED) || !event_wanted(RECORD_ACCEPT) ||
	    settings.failed_only || !traffic_wanted(state))
		return;
	accept_submit(sk, state, 0);
}

/* current, or an ancestor of it, that opened the socket's file and so accepted the connection. */
static __noinline bool own_by_opener(struct socket_state *state, const struct cred *opener)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	for (int i = 0; i < OPENER_ANCESTORS; i++) {
		if (BPF_CORE_READ(task, cred) == opener) {
			task_read_id(task, TEXT_CGROUP, &state->owner);
			/* which of several threads of an ancestor accepted is not known */
			if (i && BPF_CORE_READ(task, signal, nr_threads) > 1)
				state->owner.tid = 0;
			state->flags &= ~SOCKET_WANTED;
			if (filter_wants_task(&settings.filter, task, &state->owner))
				state->flags |= SOCKET_WANTED;
			return true;
		}
		task = BPF_CORE_READ(task, group_leader, real_parent);
	}
	return false;
}

/* A process has touched a socket that nobody was seen to accept: who did? */
static __noinline void accept_resolve(struct sock *sk, struct socket_state *state, __u8 source)
{
	const struct cred *opener = sock_file_cred(sk);
	__u32 late = state->flags & SOCKET_ANNOUNCED ? ACCEPT_LATE : 0;

	state->flags &= ~(SOCKET_UNRESOLVED | SOCKET_ANNOUNCED);
	if (source == OWNER_ACCEPT) {
		own_by_current(state, OWNER_ACCEPT);
	} else if (opener && own_by_opener(state, opener)) {
		state->owner_src = OWNER_ACCEPT;
	} else if (opener && state->listen_cred == (__u64)opener) {
		/* the listening process: the owner already, by a thread that is not known */
		state->owner.tid = 0;
		state->owner_src = OWNER_ACCEPT;
	} else {
		own_by_current(state, source);
	}
	if (!event_wanted(RECORD_ACCEPT) || settings.failed_only || !traffic_wanted(state))
		return;
	if (state->flags & SOCKET_WANTED)
		accept_submit(sk, state, ACCEPT_FINAL | late);
	else if (late)
		accept_submit(sk, state, ACCEPT_FINAL | ACCEPT_CANCELLED | late);
}

/* The socket is or was established, and no hook has been told: some kernels keep programs from what
 * happens in the context of certain processes. Told now, without the time that nobody knows. */
static __noinline void begin_missed(struct sock *sk, struct socket_state *state)
{
	if (state->flags & SOCKET_CONNECTING) {
		state->began_ns = 0;
		connect_established(sk, state);
	} else if (state->flags & SOCKET_LISTENING) {
		accept_begin(sk);
	} else {
		return;
	}
	state->opened_ns = 0;
	__sync_fetch_and_add(&counters.missed, 1);
}

static __always_inline void socket_touch(struct sock *sk, __u8 source)
{
	struct socket_state *state;

	if (sk->sk_protocol != IPPROTO_TCP)
		return;
	state = socket_find(sk);
	if (!state || !(state->flags & (SOCKET_UNRESOLVED | SOCKET_LISTENING)))
		return;
	if (state->flags & SOCKET_LISTENING)
		begin_missed(sk, state);
	if (state->flags & SOCKET_UNRESOLVED)
		accept_resolve(sk, state, source);
}

/* Is current the thread that the state names, in the same program? A fraction of the cost of
 * reading all of its identity, and by far the commonest answer. */
static __always_inline bool is_owned_by_current(const struct socket_state *state)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return bpf_get_current_pid_tgid() == ((__u64)state->owner.tgid << 32 | state->owner.tid) &&
	       BPF_CORE_READ(task, self_exec_id) == state->owner.exec_id &&
	       BPF_CORE_READ(task, group_leader, start_boottime) == state->owner.start_ns;
}

/* This end closes, in the context of who does it (FIN, or an RST of its own). */
static __noinline void close_begin(struct sock *sk, struct socket_state *state)
{
	struct process_id closer;

	if (state)
		begin_missed(sk, state);
	if (state && !(state->flags & SOCKET_UNRESOLVED) && is_owned_by_current(state))
		return;
	current_read_id(&closer);
	if (closer.flags & PROCESS_KTHREAD)
		return; /* a late fput: somebody else's work */
	if (!state) {
		struct socket_state *made;

		/* not seen to begin, or begun by a process outside of the filter */
		if (!netns_wanted(sk) || !filter_wants_current(&settings.filter, &closer))
			return;
		made = socket_make(sk);
		if (!made)
			return;
		made->owner = closer;
		made->owner_src = OWNER_CLOSE;
		made->flags = SOCKET_OPEN | SOCKET_WANTED;
		made->netns = sock_netns(&sk->__sk_common);
		sock_read_endpoints(&sk->__sk_common, &made->ends);
		return;
	}
	if (state->flags & SOCKET_UNRESOLVED)
		accept_resolve(sk, state, OWNER_CLOSE);
	/* handed on, or kept through an exec: who closed it had it last */
	if (state->owner.tgid != closer.tgid || state->owner.start_ns != closer.start_ns ||
	    state->owner.exec_id != closer.exec_id)
		state->owner_src = OWNER_CLOSE;
	state->owner = closer;
	if (filter_wants_current(&settings.filter, &closer))
		state->flags |= SOCKET_WANTED;
}

static __always_inline __u8 closed_by(const struct sock *sk, const struct socket_state *state,
				      int old_state)
{
	if (state->flags & SOCKET_LOCAL_FIN)
		return CLOSED_BY_LOCAL;
	if (state->flags & SOCKET_REMOTE_FIN)
		return CLOSED_BY_REMOTE;
	if (old_state == BPF_TCP_FIN_WAIT1 || old_state == BPF_TCP_FIN_WAIT2 ||
	    old_state == BPF_TCP_CLOSING)
		return CLOSED_BY_LOCAL;
	if (old_state == BPF_TCP_CLOSE_WAIT || old_state == BPF_TCP_LAST_ACK)
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

	if (!(state->flags & SOCKET_WANTED) || !event_wanted(RECORD_CLOSE) ||
	    settings.failed_only || !traffic_wanted(state))
		return;
	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp)
		return;
	record = record_reserve(RECORD_CLOSE, sizeof(*record));
	if (!record)
		return;
	connection_fill(&record->connection, bpf_get_socket_cookie(sk), state, old_state);
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
	record->flags = flags;
	record->pad = 0;
	record->pad2 = 0;
	record_submit(record, sizeof(*record));
}

static __always_inline bool was_open(int state)
{
	return state != BPF_TCP_SYN_SENT && state != BPF_TCP_SYN_RECV && state != BPF_TCP_LISTEN &&
	       state != BPF_TCP_CLOSE && state != BPF_TCP_NEW_SYN_RECV;
}

/* -> CLOSE: the end of a connect that failed, or of a connection. */
static __noinline void close_end(struct sock *sk, int old_state)
{
	struct socket_state *state = socket_find(sk);

	if (state && was_open(old_state))
		begin_missed(sk, state);
	if (state && state->flags & SOCKET_CONNECTING) {
		__u16 port = sock_bound_port(sk);

		if (port)
			state->ends.lport = port;
		connect_end(sk, state, connect_error(sk));
		return;
	}
	if (!was_open(old_state))
		return;
	/* an abort by this end: shut down by close(2), no error set by the peer */
	if (sk->sk_shutdown == SOCK_SHUTDOWN_MASK && sk->sk_lock.owned &&
	    (old_state == BPF_TCP_ESTABLISHED || old_state == BPF_TCP_CLOSE_WAIT) && !sk->sk_err) {
		close_begin(sk, state);
		if (!state)
			state = socket_find(sk);
	}
	if (!state) {
		struct socket_state unknown = {};

		/* its beginning was not seen, and no process either */
		if (filter_selects_processes(&settings.filter) || !netns_wanted(sk))
			return;
		unknown.flags = SOCKET_WANTED;
		unknown.netns = sock_netns(&sk->__sk_common);
		sock_read_endpoints(&sk->__sk_common, &unknown.ends);
		unknown.ends.lport = sock_bound_port(sk);
		close_submit(sk, &unknown, old_state, 0);
		return;
	}
	if (!(state->flags & SOCKET_OPEN))
		return;
	state->flags &= ~SOCKET_OPEN;
	close_submit(sk, state, old_state, 0);
}

#endif
