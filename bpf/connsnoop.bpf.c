// SPDX-License-Identifier: GPL-2.0-only
/*
 * connsnoop: which event, which record. TCP is followed by its state changes; what is known of a
 * socket hangs on it in socket storage, which a listener's children inherit, and dies with it.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>
#include "connsnoop.h"
#include "records.bpf.h"
#include "task.bpf.h"
#include "filter.bpf.h"
#include "process.bpf.h"
#include "sock.bpf.h"

char LICENSE[] SEC("license") = "GPL";

const volatile struct connsnoop_config settings = {};

static __always_inline const volatile struct filter_config *process_filter(void)
{
	return &settings.filter;
}

#define OPENER_ANCESTORS 4 /* generations that are asked who accepted a connection */

#define ECONNRESET    104
#define EPIPE	      32
#define EADDRNOTAVAIL 99
#define ECONNABORTED  103

#define SOCKET_LISTENING  0x01	/* a listener: children inherit this tag */
#define SOCKET_CONNECTING 0x02	/* connect has begun, its end not been seen */
#define SOCKET_OPEN	  0x04	/* established, its close not been seen */
#define SOCKET_PASSIVE	  0x08	/* came by a listener */
#define SOCKET_UNRESOLVED 0x10	/* nobody has been seen to accept it */
#define SOCKET_ANNOUNCED  0x20	/* its accept record without ACCEPT_FINAL is out, or lost */
#define SOCKET_WANTED	  0x40	/* the owner matches the process filter */
#define SOCKET_LIVE	  0x80	/* the hooks saw it begin */
#define SOCKET_LOCAL_FIN  0x100 /* this end closed first */
#define SOCKET_REMOTE_FIN 0x200 /* the peer closed first */
#define SOCKET_OPENER	  0x400 /* from an iterator: the owner also opened the socket */

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
	record->pad = 0;
	record_submit(record, sizeof(*record));
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
	/* a late record that finds no room costs its row the better owner, not the row */
	struct accept_record *record = record_reserve(
		flags & ACCEPT_LATE ? RECORD_UPDATE : RECORD_ACCEPT, sizeof(*record));

	/* from here on the row is told or counted, once */
	if (!(flags & ACCEPT_FINAL))
		state->flags |= SOCKET_ANNOUNCED;
	if (!record)
		return;
	record->header.type = RECORD_ACCEPT;
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
			if (i) /* of an ancestor, the thread that accepted is not known */
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
	} else if (opener && state->listen_cred == (__u64)opener) {
		/* the listening process itself: it is the owner already */
		state->owner_src = OWNER_ACCEPT;
	} else if (opener && own_by_opener(state, opener)) {
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

static __always_inline void socket_touch(struct sock *sk, __u8 source)
{
	struct socket_state *state;

	if (sk->sk_protocol != IPPROTO_TCP)
		return;
	state = socket_find(sk);
	if (state && state->flags & SOCKET_UNRESOLVED)
		accept_resolve(sk, state, source);
}

/* This end closes, in the context of who does it (FIN, or an RST of its own). */
static __noinline void close_begin(struct sock *sk, struct socket_state *state)
{
	struct process_id closer;

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
	if (state->owner.tgid == closer.tgid && state->owner.start_ns == closer.start_ns &&
	    state->owner.exec_id == closer.exec_id)
		return;
	/* the socket was handed on, or kept through an exec: who closed it had it last */
	state->owner = closer;
	state->owner_src = OWNER_CLOSE;
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

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state, struct sock *sk, int old_state, int new_state)
{
	struct socket_state *state;

	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;
	switch (new_state) {
	case BPF_TCP_SYN_SENT:
		connect_begin(sk);
		break;
	case BPF_TCP_LISTEN:
		listen_begin(sk);
		break;
	case BPF_TCP_ESTABLISHED:
		state = socket_find(sk);
		if (state && state->flags & SOCKET_CONNECTING) {
			sock_read_endpoints(&sk->__sk_common, &state->ends);
			state->opened_ns = bpf_ktime_get_ns();
			state->flags |= SOCKET_OPEN;
			connect_end(sk, state, 0);
		} else if (old_state == BPF_TCP_SYN_RECV) {
			accept_begin(sk);
		}
		break;
	case BPF_TCP_CLOSE_WAIT:
		state = socket_find(sk);
		if (state)
			state->flags |= SOCKET_REMOTE_FIN;
		break;
	case BPF_TCP_FIN_WAIT1:
		close_begin(sk, socket_find(sk));
		state = socket_find(sk);
		if (state)
			state->flags |= SOCKET_LOCAL_FIN;
		break;
	case BPF_TCP_LAST_ACK:
		close_begin(sk, socket_find(sk));
		break;
	case BPF_TCP_CLOSE:
		close_end(sk, old_state);
		break;
	}
	return 0;
}

/* The socket is about to be freed: ends that no state change told of are told now. */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(on_destroy, struct sock *sk)
{
	struct socket_state *state = socket_find(sk);

	if (!state || !(state->flags & (SOCKET_OPEN | SOCKET_CONNECTING)))
		return 0;
	__sync_fetch_and_add(&counters.missed, 1);
	if (state->flags & SOCKET_CONNECTING) {
		connect_end(sk, state, CONNECT_ERROR_UNKNOWN);
	} else {
		state->flags &= ~SOCKET_OPEN;
		close_submit(sk, state, BPF_TCP_CLOSE, CLOSE_INFERRED);
	}
	return 0;
}

/* Who accepts, exactly and at once, where the kernel lets functions be traced. Parameters of
 * inet_csk_accept() went from four to two in 6.10 (commit 92ef0fd55ac8). */
SEC("fexit/inet_csk_accept")
int BPF_PROG(on_accept, struct sock *listener, void *arg, struct sock *sk)
{
	if (sk)
		socket_touch(sk, OWNER_ACCEPT);
	return 0;
}

SEC("fexit/inet_csk_accept")
int BPF_PROG(on_accept_old, struct sock *listener, int flags, int *error, bool kern,
	     struct sock *sk)
{
	if (sk)
		socket_touch(sk, OWNER_ACCEPT);
	return 0;
}

/* First touch of an accepted socket, where no function hook tells who accepted it. */
SEC("tp_btf/sock_recv_length")
int BPF_PROG(on_receive, struct sock *sk, int ret, int flags)
{
	socket_touch(sk, OWNER_RECV);
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(on_send, struct sock *sk, int ret, int flags)
{
	socket_touch(sk, OWNER_SEND);
	return 0;
}

/* Sockets that no descriptor holds: not accepted yet, closing, TIME_WAIT. Of the network namespace
 * that the iterator is made in; user space leaves out those that list_sockets has told of. */
SEC("iter/tcp")
int list_unheld(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct open_record record = {};
	struct socket_state found = {};

	if (!common || (settings.filter.netns && sock_netns(common) != settings.filter.netns))
		return 0;
	found.netns = sock_netns(common);
	sock_read_endpoints(common, &found.ends);
	if (!traffic_wanted(&found))
		return 0;
	record_head(&record.header, RECORD_OPEN, sizeof(record));
	connection_fill(&record.connection, bpf_get_socket_cookie(common), &found,
			common->skc_state);
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

/* Sockets that exist already: one record for each descriptor that holds one. */
SEC("iter/task_file")
int list_sockets(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct open_record record = {};
	struct socket_state fresh = {}, *state;
	const struct cred *cred;
	struct socket *socket;
	struct sock *sk;
	__u8 tcp_state;
	bool wanted;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk || sk->sk_protocol != IPPROTO_TCP ||
	    (sk->__sk_common.skc_family != AF_INET && sk->__sk_common.skc_family != AF_INET6))
		return 0;
	tcp_state = sk->__sk_common.skc_state;
	if (tcp_state == BPF_TCP_CLOSE || !netns_wanted(sk))
		return 0;
	task_read_id(task, TEXT_CGROUP_ITER, &fresh.owner);
	wanted = filter_wants_task(&settings.filter, task, &fresh.owner);
	if (!wanted && tcp_state != BPF_TCP_LISTEN)
		return 0;
	fresh.owner.tid = 0;
	fresh.owner_src = OWNER_ITER;
	fresh.netns = sock_netns(&sk->__sk_common);
	sock_read_endpoints(&sk->__sk_common, &fresh.ends);
	cred = BPF_CORE_READ(file, f_cred);
	record.opener = cred == BPF_CORE_READ(task, cred);
	if (!settings.list_only) {
		state = socket_make(sk);
		if (state && state->flags & SOCKET_LIVE) {
			record.live = 1;
		} else if (state &&
			   (!state->flags || (record.opener && !(state->flags & SOCKET_OPENER)))) {
			fresh.flags = wanted ? SOCKET_WANTED : 0;
			if (record.opener)
				fresh.flags |= SOCKET_OPENER;
			if (tcp_state == BPF_TCP_LISTEN) {
				fresh.flags |= SOCKET_LISTENING;
				fresh.listener_pid = fresh.owner.tgid;
				fresh.listen_cred = (__u64)cred;
			} else if (tcp_state == BPF_TCP_SYN_SENT) {
				fresh.flags |= SOCKET_CONNECTING;
			} else {
				fresh.flags |= SOCKET_OPEN;
			}
			*state = fresh;
		}
	}
	if (!wanted || !traffic_wanted(&fresh))
		return 0;
	record_head(&record.header, RECORD_OPEN, sizeof(record));
	connection_fill(&record.connection, bpf_get_socket_cookie(sk), &fresh, tcp_state);
	if (tcp_state == BPF_TCP_LISTEN)
		record.backlog = sk->sk_max_ack_backlog;
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}
